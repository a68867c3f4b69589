//! Charts that would use up the machine: the program, with four gigabytes of address space and a minute, must end by itself with
//! an error, never by a signal, whatever a template, a values file or a flag asks for.

mod support;

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use support::Place;

/// In KiB, of address space: memory that is used is less.
const MEMORY: u64 = 4 << 20;
const TIME: Duration = Duration::from_secs(60);

const CHART: &[u8] = b"apiVersion: v2\nname: chart\nversion: 0.1.0\n";

/// Exit code and stderr of `helm template` of a chart of these files.
fn run(files: &[(&str, Vec<u8>)], flags: &[&str]) -> (i32, String) {
    let place = Place::new();
    for (name, content) in [("Chart.yaml", CHART.to_vec())].iter().chain(files) {
        let path = place.path("chart").join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("its folder");
        std::fs::write(path, content).expect("a file that can be written");
    }
    let mut words = vec!["helm", "template", "r", "chart"];
    words.extend(flags);
    let program = place.command(&words);
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -v {MEMORY} && exec \"$0\" \"$@\"")]).arg(program.get_program());
    limited
        .args(program.get_args())
        .current_dir(place.path(""))
        .env("HOME", place.path("home"))
        .env("KUBECONFIG", "/dev/null");
    let started = Instant::now();
    let output = limited.output().expect("the program runs");
    let elapsed = started.elapsed();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(elapsed < TIME, "it took {elapsed:?}: {}", end_of(&errors));
    (output.status.code().unwrap_or(-1), errors)
}

fn end_of(text: &str) -> &str {
    let start = text.len().saturating_sub(400);
    &text[text.ceil_char_boundary(start)..]
}

/// A template is refused with an error that contains a text.
fn refused(template: &str, reason: &str) {
    let (code, errors) = run(&[("templates/t.yaml", template.into())], &[]);
    assert_eq!(code, 1, "{template}: {}", end_of(&errors));
    assert!(errors.contains(reason), "{template}: {}", end_of(&errors));
}

/// A file of a chart is read or refused, but the program ends by itself.
fn ends(name: &str, content: impl Into<Vec<u8>>, flags: &[&str]) -> (i32, String) {
    let template = b"v: {{ .Values | toJson | trunc 40 | quote }}\n".to_vec();
    let (code, errors) = run(&[("templates/t.yaml", template), (name, content.into())], flags);
    assert!(code == 0 || code == 1, "{name}: exit {code}: {}", end_of(&errors));
    assert!(code == 0 || errors.contains("Error: "), "{name}: {}", end_of(&errors));
    (code, errors)
}

#[test]
fn templates_that_call_themselves_end() {
    refused(r#"{{ define "r" }}{{ template "r" . }}{{ end }}{{ template "r" . }}"#, "exceeded maximum template depth");
    refused(r#"{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}"#, "nested reference name");
    refused(r#"{{ define "r" }}{{ tpl "{{ include \"r\" . }}" . }}{{ end }}{{ include "r" . }}"#, "Error: ");
    let (code, errors) = run(
        &[
            ("templates/t.yaml", b"{{ tpl .Values.t . }}".to_vec()),
            ("values.yaml", b"t: '{{ tpl .Values.t . }}'\n".to_vec()),
        ],
        &[],
    );
    assert_eq!(code, 1, "{}", end_of(&errors));
}

#[test]
fn templates_that_write_without_end_end() {
    refused(r#"{{ range until 100000 }}{{ repeat 1000000 "x" }}{{ end }}"#, "Error: ");
    refused(r#"{{ $x := "x" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}{{ $x }}"#, "Error: ");
    refused(r#"{{ repeat 10000000000 "x" }}"#, "Error: ");
    refused(r#"{{ "x" | indent 10000000000 }}"#, "Error: ");
    refused(r#"{{ range $i, $e := until 1000000000 }}{{ $i }}{{ end }}"#, "Error: ");
    refused(r#"{{ seq 1 1000000000 }}"#, "Error: ");
    refused(r#"{{ untilStep 0 9223372036854775807 1 }}"#, "Error: ");
    refused(r#"{{ $l := list 1 }}{{ range until 60 }}{{ $l = concat $l $l }}{{ end }}{{ len $l }}"#, "Error: ");
}

#[test]
fn values_that_hold_themselves_twice_are_not_written_out() {
    let walks = [
        "toYaml $d",
        "mustToYaml $d",
        "toYamlPretty $d",
        "toJson $d",
        "mustToPrettyJson $d",
        "toRawJson $d",
        "toToml $d",
        "toString $d",
        "print $d",
        "printf \"%v\" $d",
        "printf \"%#v\" $d",
        "println $d",
        "html $d",
        "quote $d",
        "squote $d",
        "cat $d",
        "join \",\" (list $d)",
        "toStrings (list $d)",
        "sortAlpha (list $d)",
        "deepCopy $d",
        "mustDeepCopy $d",
        "merge (dict) $d",
        "mergeOverwrite (dict \"a\" (dict \"a\" (dict))) $d",
        "deepEqual $d $e",
        "has $d (list $e)",
        "uniq (list $d $e)",
        "without (list $d) $e",
        "b64enc (toJson $d)",
        "$d",
    ];
    for walk in walks {
        let made = r#"{{ $d := dict "a" 1 }}{{ $e := dict "a" 1 }}{{ range until 60 }}{{ $d = dict "a" $d "b" $d }}{{ $e = dict "a" $e "b" $e }}{{ end }}"#;
        refused(&format!("{made}{{{{ $x := {walk} }}}}{{{{ {walk} }}}}"), "Error: ");
    }
    let lists = r#"{{ $d := list 1 }}{{ range until 60 }}{{ $d = list $d $d }}{{ end }}{{ toYaml $d }}"#;
    refused(lists, "Error: ");
}

#[test]
fn one_call_cannot_make_more_than_memory_holds() {
    for template in [
        r#"{{ repeat 1000000 "x" | replace "x" (repeat 1000000 "y") | len }}"#,
        r#"{{ repeat 1000000 "x" | replace "" (repeat 1000000 "y") | len }}"#,
        r#"{{ regexReplaceAll "x" (repeat 100000 "x") (repeat 1000000 "y") | len }}"#,
        r#"{{ regexReplaceAll "x+" (repeat 100000 "x") (repeat 1000000 "${0}") | len }}"#,
        r#"{{ regexReplaceAllLiteral "" (repeat 100000 "x") (repeat 1000000 "y") | len }}"#,
        r#"{{ repeat 3000000 "x" | splitList "" | len }}"#,
        r#"{{ repeat 3000000 "x" | split "x" | len }}"#,
        r#"{{ regexFindAll "." (repeat 3000000 "x") -1 | len }}"#,
        r#"{{ regexSplit "" (repeat 3000000 "x") -1 | len }}"#,
        r#"{{ join (repeat 1000000 "x") (until 10000) | len }}"#,
        r#"{{ wrapWith 1 (repeat 1000000 "y") (repeat 100000 "x") | len }}"#,
        r#"{{ printf "[%s1]" (repeat 20000000 "1,") | fromJsonArray | len }}"#,
        r#"{{ printf "[%s1]" (repeat 20000000 "1,") | fromYamlArray | len }}"#,
        r#"{{ repeat 10000000 "a: 1\n" | fromYaml | len }}"#,
        r#"{{ printf "a = [%s1]" (repeat 20000000 "1,") | fromToml | len }}"#,
        r#"{{ range until 10000 }}{{ $x := until 1000000 }}{{ end }}"#,
    ] {
        refused(template, "Error: ");
    }
    let laughs = r#"{{ $t := "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" }}{{ range untilStep 1 20 1 }}
{{- $t = printf "%sa%d: &a%d [%s]\n" $t . . (printf "*a%d, " (sub . 1) | repeat 9 | trimSuffix ", ") }}{{ end }}{{ fromYaml $t | toJson | trunc 90 }}"#;
    let (code, errors) = run(&[("templates/t.yaml", laughs.into())], &[]);
    assert!(code == 0 || code == 1, "exit {code}: {}", end_of(&errors));
}

#[test]
fn widths_and_numbers_of_any_size_are_taken_as_go_takes_them() {
    let template = r#"a: {{ printf "%999999999d|%.999999999f|%*d" 1 1.5 99999999 7 | len }}
b: {{ add 9223372036854775807 1 }} {{ mul 9223372036854775807 9223372036854775807 }}
c: {{ int "99999999999999999999" }} {{ float64 "1e999" }}
d: {{ toDate "2006-01-02" "99999-99-99" | unixEpoch }} {{ date "2006" 9223372036854775807 | quote }}
e: {{ semverCompare ">=99999999999999999999.0.0" "1.0.0" | default "x" }}
"#;
    let (code, errors) = run(&[("templates/t.yaml", template.into())], &[]);
    assert!(code == 0 || code == 1, "{}", end_of(&errors));
}

#[test]
fn regular_expressions_do_not_blow_up() {
    let text = r#"a: {{ regexMatch "(a+)+(a|aa)*(a*)*$" (printf "%sb" (repeat 50000 "a")) }}
b: {{ regexReplaceAll "(x*)*y" (repeat 50000 "x") "z" | len }}
"#;
    let (code, errors) = run(&[("templates/t.yaml", text.into())], &[]);
    assert_eq!(code, 0, "{}", end_of(&errors));
    refused(r#"{{ mustRegexMatch "((((a{100}){100}){100}){100}){100}" "a" }}"#, "Error: ");
    refused(&format!(r#"{{{{ mustRegexMatch "{}" "a" }}}}"#, "(".repeat(100_000)), "Error: ");
}

#[test]
fn yaml_that_grows_or_nests_without_end_is_refused() {
    let mut laughs = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..20 {
        let before = format!("*a{}, ", level - 1).repeat(9);
        writeln!(laughs, "a{level}: &a{level} [{}]", before.trim_end_matches(", ")).expect("a text can be written to");
    }
    assert_eq!(ends("values.yaml", laughs.clone(), &[]).0, 1);
    assert_eq!(ends("laughs.yaml", laughs, &["-f", "chart/laughs.yaml"]).0, 1);
    assert_eq!(ends("values.yaml", "[".repeat(10_000), &[]).0, 1);
    ends("values.yaml", format!("a: {}1{}\n", "[".repeat(10_000), "]".repeat(10_000)), &[]);
    ends("values.yaml", (0..10_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect::<String>(), &[]);
    ends("values.schema.json", format!("{}1{}", "{\"not\":".repeat(10_000), "}".repeat(10_000)), &[]);
    ends("values.schema.json", r##"{"$ref": "#"}"##, &[]);
}

#[test]
fn odd_bytes_in_any_file_end_in_a_rendering_or_an_error() {
    let names = [
        "Chart.yaml",
        "values.yaml",
        "values.schema.json",
        "requirements.yaml",
        "Chart.lock",
        ".helmignore",
        "crds/c.yaml",
        "templates/t.yaml",
        "templates/_h.tpl",
        "templates/NOTES.txt",
        "README.md",
    ];
    let plain = "apiVersion: v2\nname: chart\nversion: 0.1.0\na: {b: c}\n";
    for name in names {
        for content in [
            plain.replace('\n', "\r\n").into_bytes(),
            format!("\u{feff}{plain}").into_bytes(),
            plain.replace("a:", "\ta:").into_bytes(),
            plain.replace("a:", "\0a:").into_bytes(),
            [plain.as_bytes(), b"x: \xff\xfe\n"].concat(),
            plain.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Vec::new(),
        ] {
            ends(name, content, &[]);
        }
    }
}

#[test]
fn flags_cannot_ask_for_a_list_without_end() {
    for flags in [
        ["--set", "a[999999999]=1"],
        ["--set", "a[99999999999999999999]=1"],
        ["--set", "a[-1]=1"],
        ["--set-string", "a[65537]=1"],
        ["--set-json", "a[999999999]=1"],
        ["--set-literal", "a[999999999]=1"],
    ] {
        let (code, errors) = ends("README.md", "", &flags);
        assert_eq!(code, 1, "{flags:?}: {}", end_of(&errors));
    }
    let deep = format!("a{}=1", ".a".repeat(50_000));
    ends("README.md", "", &["--set", &deep]);
    let lists = format!("a={}", "{".repeat(50_000));
    ends("README.md", "", &["--set", &lists]);
    let json = format!("a={}", "[".repeat(50_000));
    ends("README.md", "", &["--set-json", &json]);
}
