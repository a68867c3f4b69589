//! Made-up charts: what stands in Chart.yaml, values, schemas and subcharts, right and wrong, and flags that fit or do not.

use super::templates::{NAMES, Templates};
use crate::random::Random;

/// A chart and a command line: `<here>` in the arguments stands for the folder that holds the files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Case {
    pub(crate) files: Vec<(String, Vec<u8>)>,
    pub(crate) arguments: Vec<String>,
}

impl Case {
    /// The whole case as a text, to be shown and to be digested.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("$ helm {}\n", self.arguments.join(" "));
        for (path, content) in &self.files {
            text.push_str(&format!("--- {path}\n{}\n", String::from_utf8_lossy(content)));
        }
        text
    }
}

/// Whether something that is wrong is to be written: never where the case is to render.
fn odd(random: &mut Random, careful: bool, one_in: usize) -> bool {
    random.below(one_in) == 0 && !careful
}

const SUBCHARTS: [&str; 4] = ["one", "two", "three", "lib"];

/// A value in YAML's flow style.
fn value(random: &mut Random, depth: usize) -> String {
    match random.below(if depth > 3 { 8 } else { 14 }) {
        0 => random.pick(&["null", "~", "\"\"", "{}", "[]"]).to_owned(),
        1 => random.pick(&["true", "false", "yes", "off"]).to_owned(),
        2 | 3 => random
            .pick(&["0", "1", "8080", "1000000", "1.5", "-7", "1e3", "0x1f", "017", "12345678901234567890"])
            .to_owned(),
        4 => random
            .pick(&[
                "\"{{ .Values.text }}\"",
                "\"{{ .Release.Name }}-{{ .Chart.Name }}\"",
                "\"{{ include `main.name` . }}\"",
                "\"{{ .Chart.Name }}\"",
            ])
            .to_owned(),
        5..=7 => random
            .pick(&[
                "text",
                "\"1\"",
                "a-b",
                "\"a: b\"",
                "nginx",
                "\"1.2.3\"",
                "\"multi\\nline\\n\"",
                "\"é\"",
                "'#'",
                "2024-01-02",
            ])
            .to_owned(),
        8 | 9 => {
            let items: Vec<String> = (0..random.below(4)).map(|_| value(random, depth + 1)).collect();
            format!("[{}]", items.join(", "))
        }
        _ => map(random, depth + 1),
    }
}

fn map(random: &mut Random, depth: usize) -> String {
    let entries: Vec<String> =
        (0..1 + random.below(4)).map(|_| format!("{}: {}", random.pick(&NAMES), value(random, depth))).collect();
    format!("{{{}}}", entries.join(", "))
}

/// A file of values.
fn values(random: &mut Random, careful: bool) -> String {
    let mut text = String::new();
    for _ in 0..random.below(7) {
        text.push_str(&format!("{}: {}\n", random.pick(&NAMES), value(random, 0)));
    }
    for name in ["one", "two", "three", "alias"] {
        match random.below(6) {
            0 => text.push_str(&format!(
                "{name}: {{enabled: {}, {}\n",
                random.pick(&["true", "false", "null", "1"]),
                &map(random, 1)[1..]
            )),
            1 => text.push_str(&format!("{name}: {}\n", map(random, 1))),
            2 if odd(random, careful, 8) => {
                text.push_str(&format!("{name}: {}\n", random.pick(&["null", "text", "[1]", "7"])))
            }
            _ => {}
        }
    }
    if random.below(3) == 0 {
        text.push_str(&format!("global: {}\n", map(random, 1)));
    }
    if random.below(4) == 0 {
        text.push_str(&format!(
            "tags: {{front: {}, back: {}}}\n",
            random.pick(&["true", "false"]),
            random.pick(&["true", "false", "x"])
        ));
    }
    if random.below(5) == 0 {
        text.push_str(&format!("exports: {{data: {}, more: {}}}\n", map(random, 1), map(random, 1)));
    }
    if odd(random, careful, 30) {
        text.push_str(random.pick(&[
            "\tx: 1\n",
            "a: [\n",
            ": :\n",
            "- 1\n",
            "---\nb: 2\n",
            "a: &x 1\nb: *x\n",
            "<<: {a: 1}\n",
            "a: *nope\n",
            "\"a\": 1\n\"a\": 2\n",
        ]));
    }
    text
}

fn schema(random: &mut Random) -> String {
    let draft = random.pick(&[
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-06/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
        "",
    ]);
    let rule = |random: &mut Random| -> String {
        match random.below(18) {
            0 => format!(
                "\"type\": \"{}\"",
                random.pick(&["string", "integer", "number", "object", "array", "boolean", "null"])
            ),
            1 => "\"type\": [\"string\", \"null\"]".to_owned(),
            2 => "\"enum\": [1, \"text\", null, true]".to_owned(),
            3 => "\"minimum\": 2, \"maximum\": 9000".to_owned(),
            4 => "\"minLength\": 3, \"maxLength\": 6".to_owned(),
            5 => "\"pattern\": \"^[a-z]+$\"".to_owned(),
            6 => "\"minItems\": 1, \"maxItems\": 2, \"uniqueItems\": true".to_owned(),
            7 => "\"items\": {\"type\": \"integer\"}".to_owned(),
            8 => "\"required\": [\"a\", \"b\"]".to_owned(),
            9 => "\"properties\": {\"a\": {\"type\": \"string\"}}, \"additionalProperties\": false".to_owned(),
            10 => "\"anyOf\": [{\"type\": \"string\"}, {\"minimum\": 5}]".to_owned(),
            11 => "\"oneOf\": [{\"type\": \"number\"}, {\"type\": \"integer\"}]".to_owned(),
            12 => "\"not\": {\"type\": \"string\"}".to_owned(),
            13 => "\"if\": {\"type\": \"string\"}, \"then\": {\"minLength\": 5}, \"else\": {\"type\": \"object\"}"
                .to_owned(),
            14 => "\"const\": 1".to_owned(),
            15 => "\"multipleOf\": 5".to_owned(),
            16 => "\"minProperties\": 1, \"maxProperties\": 2".to_owned(),
            _ => format!("\"format\": \"{}\"", random.pick(&["date", "ipv4", "uri", "email", "hostname", "nope"])),
        }
    };
    let properties: Vec<String> =
        (0..1 + random.below(4)).map(|_| format!("\"{}\": {{{}}}", random.pick(&NAMES), rule(random))).collect();
    let mut members = vec![format!("\"properties\": {{{}}}", properties.join(", "))];
    if !draft.is_empty() {
        members.push(format!("\"$schema\": \"{draft}\""));
    }
    if random.below(4) == 0 {
        members.push("\"required\": [\"a\", \"port\"]".to_owned());
    }
    if random.below(6) == 0 {
        members.push(rule(random));
    }
    if random.below(30) == 0 {
        members.push(random.pick(&["\"type\": 5", "\"$ref\": \"#/nope\"", "}", "\"pattern\": \"(\""]).to_owned());
    }
    format!("{{{}}}", members.join(", "))
}

/// The metadata and, for version 1, the requirements.
fn metadata(random: &mut Random, careful: bool, name: &str, path: &str, subcharts: &[&str], case: &mut Case) {
    let is_library = name == "lib";
    let is_old = random.below(6) == 0 && !is_library;
    let rare = |random: &mut Random, usual: &str, unusual: &[&str]| match odd(random, careful, 50) {
        true => random.pick(unusual).to_owned(),
        false => usual.to_owned(),
    };
    let mut text = String::new();
    if random.below(60) > 0 {
        text.push_str(&format!(
            "apiVersion: {}\n",
            rare(random, if is_old { "v1" } else { "v2" }, &["\"\"", "5", "V2"])
        ));
    }
    text.push_str(&format!("name: {}\n", rare(random, name, &["\"a b\"", "a/b", "7", "\"\"", "../x"])));
    let version = random.pick(&["1.2.3", "0.1.0-rc.1+build", "2.0.0", "\"3\"", "v1.0.0"]).to_owned();
    text.push_str(&format!("version: {}\n", rare(random, &version, &["\"\"", "nope", "1.2.3.4", "5", "01.2.3"])));
    if random.below(2) == 0 {
        text.push_str(random.pick(&[
            "appVersion: \"1.16.0\"\n",
            "appVersion: 1.10\n",
            "appVersion: latest\n",
            "appVersion: 7\n",
        ]));
    }
    if is_library || random.below(8) == 0 {
        text.push_str(&format!(
            "type: {}\n",
            if is_library { "library" } else { if odd(random, careful, 3) { "nope" } else { "application" } }
        ));
    }
    if random.below(6) == 0 {
        text.push_str(&format!(
            "kubeVersion: \"{}\"\n",
            random.pick(&[">=1.20.0-0", ">= 1.19", "<1.20", "1.x || >=2", "^1.30", "nope"])
        ));
    }
    for (one_in, line) in [
        (8, "description: \"a: b\"\n"),
        (8, "keywords: [a, b]\n"),
        (8, "annotations: {a: b, c: \"1\"}\n"),
        (8, "icon: https://x/y.png\n"),
        (8, "home: https://example.com\nsources: [https://a]\n"),
        (8, "maintainers: [{name: me, email: a@b.c}]\n"),
        (40, "deprecated: true\n"),
    ] {
        if random.below(one_in) == 0 {
            text.push_str(line);
        }
    }
    if odd(random, careful, 20) {
        text.push_str(random.pick(&["unknown: field\n", "annotations: {a: 1}\n", "\tx: 1\n", "maintainers: [null]\n"]));
    }
    let mut requirements = String::new();
    for subchart in subcharts {
        if random.below(8) == 0 {
            continue;
        }
        let version = if odd(random, careful, 4) {
            random.pick(&["1.2.3", "~1.2", "x"])
        } else {
            random.pick(&["\"*\"", "\"\"", "\">=0.0.0-0\""])
        };
        requirements.push_str(&format!("- name: {subchart}\n  version: {version}\n"));
        requirements.push_str(random.pick(&[
            "",
            "  repository: https://example.com\n",
            "  repository: \"file://../x\"\n",
        ]));
        match random.below(5) {
            0 => requirements.push_str(&format!("  condition: {subchart}.enabled\n")),
            1 => requirements.push_str(&format!(
                "  condition: {}\n",
                random.pick(&["a.b,one.enabled", "global.enabled", "enabled", "nope", "map.a , two.enabled", "text"])
            )),
            _ => {}
        }
        if random.below(4) == 0 {
            requirements.push_str(&format!("  tags: [{}]\n", random.pick(&["front", "back", "front, back", "nope"])));
        }
        if random.below(6) == 0 && !requirements.contains("alias") {
            requirements.push_str(&format!(
                "  alias: {}\n",
                if odd(random, careful, 2) { random.pick(&["alias", "one", "\"a b\""]) } else { "alias" }
            ));
        }
        if random.below(4) == 0 {
            requirements.push_str(&format!(
                "  import-values: [{}]\n",
                random.pick(&[
                    "data",
                    "data, more",
                    "{child: map, parent: c}",
                    "{child: image, parent: image.deep}",
                    "{child: nope, parent: x}",
                    "{child: a, parent: .}",
                    "data, {child: global, parent: map}",
                    "{child: map, parent: .}",
                    "5",
                    "{child: 1}"
                ])
            ));
        }
        if random.below(10) == 0 && (!careful || !requirements.contains("alias")) {
            requirements.push_str(&format!("- name: {subchart}\n  version: \"*\"\n  alias: alias\n"));
        }
    }
    if odd(random, careful, 60) {
        requirements.push_str("- name: absent\n  version: 1.0.0\n  repository: https://example.com\n");
    }
    if !requirements.is_empty() {
        if is_old {
            let requirements = format!("dependencies:\n{requirements}");
            case.files.push((format!("{path}/requirements.yaml"), requirements.into_bytes()));
        } else {
            text.push_str(&format!("dependencies:\n{requirements}"));
        }
    }
    case.files.push((format!("{path}/Chart.yaml"), text.into_bytes()));
}

fn chart(random: &mut Random, careful: bool, name: &str, path: &str, depth: usize, case: &mut Case) {
    let mut subcharts: Vec<&str> = Vec::new();
    if depth < 2 && name != "lib" {
        for subchart in SUBCHARTS {
            if random.below(if depth == 0 { 2 } else { 5 }) == 0 && subchart != name {
                subcharts.push(subchart);
            }
        }
    }
    metadata(random, careful, name, path, &subcharts, case);
    let file =
        |case: &mut Case, name: &str, text: String| case.files.push((format!("{path}/{name}"), text.into_bytes()));
    if random.below(12) > 0 {
        let text = values(random, careful);
        file(case, "values.yaml", text);
    }
    if odd(random, careful, 5) {
        let text = schema(random);
        file(case, "values.schema.json", text);
    }
    let own: Vec<String> = ["name", "labels", "more"].map(|helper| format!("{name}.{helper}")).to_vec();
    let mut known = own.clone();
    known.push("main.name".to_owned());
    if !careful {
        known.extend(["lib.name", "one.labels", "shared"].map(str::to_owned));
    }
    let mut templates = Templates::new(random, careful);
    let mut names = own;
    if templates.random.below(3) == 0 {
        names.push("shared".to_owned());
    }
    // Helpers call those of charts below at most, so that few recurse for ever.
    templates.helpers =
        if name == "main" && !careful { vec!["lib.name".to_owned(), "one.labels".to_owned()] } else { Vec::new() };
    let partials = templates.partials(&names);
    file(case, "templates/_helpers.tpl", partials);
    templates.helpers = known;
    for index in 0..1 + templates.random.below(if depth == 0 { 4 } else { 2 }) {
        let text = templates.manifest();
        let place =
            templates.random.pick(&["templates", "templates", "templates", "templates/deep", "templates/tests"]);
        let extension = templates.random.pick(&["yaml", "yaml", "yml", "json", "txt"]);
        file(case, &format!("{place}/f{index}.{extension}"), text);
    }
    if templates.random.below(6) == 0 {
        let text = templates.partials(&["notes".to_owned()]);
        file(case, "templates/NOTES.txt", format!("{text}Hello {{{{ .Release.Name }}}}\n"));
    }
    if random.below(5) == 0 {
        let text = random.pick(&[
            "kind: CustomResourceDefinition\nmetadata: {name: x}\n",
            "a: {{ b }}\n---\nc: d\n",
            "",
            "\n\n---\n",
        ]);
        file(case, &format!("crds/{}", random.pick(&["x.yaml", "deep/y.yaml", "z.txt"])), text.to_owned());
    }
    for (name, texts) in [
        ("conf/a.txt", ["one\ntwo\n", "no newline", "", "crlf\r\nline\r\n"]),
        ("conf/b.json", ["{\"a\": 1}", "{", "[]\n", "\u{feff}{}"]),
        ("README.md", ["# x", "", "\n", "é"]),
    ] {
        if random.below(3) == 0 {
            file(case, name, random.pick(&texts).to_owned());
        }
    }
    if random.below(8) == 0 {
        let lines: Vec<&str> = (0..1 + random.below(4))
            .map(|_| {
                random.pick(&[
                    "*.txt",
                    "conf/",
                    "/conf",
                    "conf/*.json",
                    "!conf/a.txt",
                    "# comment",
                    "",
                    "templates/f1.*",
                    "README.md",
                    "f?.yaml",
                    "[",
                    "**/x",
                    "charts",
                    "templates/deep/",
                    "*.md ",
                    "\\#x",
                    "Chart.yaml",
                    "[a-b]*.txt",
                    "/templates/_*",
                ])
            })
            .collect();
        file(case, ".helmignore", lines.join("\n"));
    }
    for subchart in subcharts {
        let folder = if odd(random, careful, 60) { random.pick(&["_off", ".hidden", "other"]) } else { subchart };
        chart(random, careful, subchart, &format!("{path}/charts/{folder}"), depth + 1, case);
    }
}

fn arguments(random: &mut Random, careful: bool, case: &mut Case) {
    let mut arguments = vec!["template".to_owned()];
    match random.below(if careful { 1 } else { 30 }) {
        _ if careful => arguments.push("r".to_owned()),
        0 => arguments.extend([
            "--name-template".to_owned(),
            random.pick(&["n-{{ \"A\" | lower }}", "{{ fail `x` }}", "{{", "Bad_Name"]).to_owned(),
        ]),
        1 => arguments.push(random.pick(&["Bad_Name", "a.b", "x-", "a"]).to_owned()),
        2 => {}
        _ => arguments.push("r".to_owned()),
    }
    arguments.push("<here>/chart".to_owned());
    let path = |random: &mut Random| -> String {
        let mut path =
            if odd(random, careful, 4) { random.pick(&["one", "two.a", "alias"]) } else { random.pick(&NAMES) }
                .to_owned();
        for _ in 0..if careful { 0 } else { random.below(3) } {
            path.push_str(&match random.below(5) {
                0 => format!("[{}]", random.below(3)),
                1 => ".enabled".to_owned(),
                _ => format!(".{}", random.pick(&NAMES)),
            });
        }
        path
    };
    for _ in 0..random.below(4) {
        match random.below(9) {
            0..=2 => {
                let value =
                    random.pick(&["1", "x", "null", "true", "", "{a,b}", "{}", "0123", "1.5", "a\\,b", "[1]", "1e6"]);
                arguments.extend(["--set".to_owned(), format!("{}={value}", path(random))]);
            }
            3 => arguments.extend([
                "--set-string".to_owned(),
                format!("{}={}", path(random), random.pick(&["1", "true", "null", ""])),
            ]),
            4 => {
                let value = random.pick(&["1", "{\"a\": [1, null]}", "null", "\"x\"", "[{\"b\": 1.0}]"]);
                arguments.extend(["--set-json".to_owned(), format!("{}={value}", path(random))]);
            }
            5 => arguments.extend([
                "--set-literal".to_owned(),
                format!("{}={}", path(random), random.pick(&["a,b=c", "", "[1]"])),
            ]),
            6 => {
                case.files.push(("one.txt".to_owned(), b"of a file\n".to_vec()));
                arguments.extend([
                    "--set-file".to_owned(),
                    format!("{}=<here>/{}", path(random), if odd(random, careful, 3) { "none.txt" } else { "one.txt" }),
                ]);
            }
            7 if !careful => {
                let json = random.pick(&[
                    "{\"a\": {\"b\": 1}, \"list\": [null]}",
                    "{\"global\": null}",
                    "{\"a\": 1,}",
                    "[1]",
                    "{",
                    "a={\"b\": 1},c=[2]",
                    "{a: 1}",
                ]);
                arguments.extend(["--set-json".to_owned(), json.to_owned()]);
            }
            _ => {
                let name = format!("v{}.yaml", case.files.len());
                let text = values(random, careful);
                case.files.push((name.clone(), text.into_bytes()));
                arguments.extend(["-f".to_owned(), format!("<here>/{name}")]);
            }
        }
    }
    for (one_in, flags) in [
        (6, &["--include-crds"] as &[&str]),
        (10, &["--skip-tests"]),
        (10, &["--no-hooks"]),
        (8, &["--is-upgrade"]),
        (20, &["--skip-schema-validation"]),
        (12, &["-n", "other"]),
        (12, &["--kube-version", "1.29.3"]),
        (60, &["--kube-version", "nope"]),
        (12, &["-a", "x/v1,y/v2"]),
        (16, &["-s", "templates/f0.yaml"]),
        (30, &["-s", "templates/*"]),
        (30, &["-s", "charts/one/templates/f0.yaml", "-s", "templates/deep/*.yaml"]),
        (12, &["--render-subchart-notes"]),
    ] {
        if random.below(one_in) == 0 {
            arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
        }
    }
    if odd(random, careful, 8) {
        let flags = random.pick(&[
            "--kube-version nope",
            "-s templates/f0.yaml",
            "-s templates/*",
            "-s charts/one/templates/f0.yaml -s templates/deep/*.yaml",
            "-s none",
        ]);
        arguments.extend(flags.split(' ').map(str::to_owned));
    }
    case.arguments = arguments;
}

/// One case.
pub(crate) fn case(random: &mut Random) -> Case {
    let mut case = Case::default();
    let careful = random.below(3) > 0;
    chart(random, careful, "main", "chart", 0, &mut case);
    arguments(random, careful, &mut case);
    case
}
