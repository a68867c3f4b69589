//! The functions that reach the engine and the host, whose answers follow from Helm's source rather than from its table.

use sutler_functions::{HostBox, without_no_value};
use sutler_template::{ExecuteOptions, TemplateSet, Value};

use crate::{Fixed, execute_with};

/// Output or error of a template with a helper `h` beside it.
fn run(text: &str) -> String {
    let mut set = TemplateSet::new("gotpl").with_functions(sutler_functions::all());
    set.parse("_h", r#"{{ define "h" }}<{{ .x }}>{{ end }}{{ define "deep" }}{{ include "deep" . }}{{ end }}"#)
        .unwrap();
    if let Err(error) = set.parse("t", text) {
        return error.to_string();
    }
    let host = HostBox(Box::new(Fixed::default()));
    let data = Value::Map([("x", Value::from("X")), ("n", Value::Nil)].into_iter().collect());
    match set.execute("t", &data, ExecuteOptions { host: Some(&host), ..Default::default() }) {
        Ok(output) => output.to_str_lossy().into_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn include_is_a_text_for_other_functions() {
    assert_eq!(run(r#"{{ include "h" . | quote }}"#), r#""<X>""#);
    assert_eq!(run(r#"{{ include "h" (dict "y" 1) | len }}"#), "12");
}

#[test]
fn include_of_a_missing_template_is_an_error() {
    assert_eq!(
        run(r#"{{ include "nope" . }}"#),
        r#"template: t:1:3: executing "t" at <include "nope" .>: error calling include: template: no template "nope" associated with template "gotpl""#
    );
}

#[test]
fn include_within_itself_ends() {
    let error = run(r#"{{ include "deep" . }}"#);
    assert!(
        error.ends_with("rendering template has a nested reference name: deep: unable to execute template"),
        "{error}"
    );
    // The first is not within itself; Helm counts up to a thousand more.
    assert_eq!(error.matches("error calling include").count(), 1002);
}

#[test]
fn tpl_sees_the_set_and_keeps_its_own_definitions() {
    assert_eq!(run(r#"{{ tpl "{{ include \"h\" . }}-{{ .x }}" . }}"#), "<X>-X");
    assert_eq!(
        run(r#"{{ tpl "{{ define \"h\" }}own{{ end }}{{ include \"h\" . }}" . }} {{ include "h" . }}"#),
        "own <X>"
    );
    assert_eq!(run(r#"{{ tpl "plain" . }}{{ tpl "" . }}{{ tpl " \n" . }}"#), "plain \n");
}

#[test]
fn tpl_takes_missing_values_out() {
    assert_eq!(run(r#"[{{ tpl "{{ .missing }}" . }}] [{{ tpl "<no value>" . }}]"#), "[] []");
    assert_eq!(without_no_value("a<no value>b".into()), "ab");
}

#[test]
fn tpl_says_which_text_is_wrong() {
    assert_eq!(
        run(r#"{{ tpl "{{ .x" . }}"#),
        r#"template: t:1:3: executing "t" at <tpl "{{ .x" .>: error calling tpl: cannot parse template "{{ .x": template: gotpl:1: unclosed action"#
    );
    assert_eq!(
        run(r#"{{ tpl "{{ fail \"no\" }}" . }}"#),
        r#"template: t:1:3: executing "t" at <tpl "{{ fail \"no\" }}" .>: error calling tpl: error during tpl function execution for "{{ fail \"no\" }}": template: gotpl:1:3: executing "gotpl" at <fail "no">: error calling fail: HELM_ERR_STARTnoHELM_ERR_END"#
    );
}

#[test]
fn required_refuses_nil_and_the_empty_string_only() {
    assert_eq!(
        run(r#"{{ required "m" 0 }}{{ required "m" false }}{{ required "m" "a" }}{{ required "m" (list) }}"#),
        "0falsea[]"
    );
    for missing in ["nil", r#""""#, ".n", ".missing"] {
        let error = run(&format!(r#"{{{{ required "m" {missing} }}}}"#));
        assert!(error.ends_with("error calling required: HELM_ERR_STARTmHELM_ERR_END"), "{error}");
    }
}

#[test]
fn lookup_finds_nothing_without_a_cluster() {
    assert_eq!(run(r#"{{ lookup "v1" "Pod" "ns" "name" }}"#), "map[]");
    assert_eq!(run(r#"{{ getHostByName "localhost" | quote }}"#), r#""""#);
}

#[test]
fn what_is_random_comes_from_the_host() {
    let shape = r#"{{ randAlphaNum 12 | len }} {{ randAlpha 3 | regexMatch "^[a-zA-Z]{3}$" }} {{ randNumeric 4 | regexMatch "^[0-9]{4}$" }} {{ randAscii 5 | len }} {{ randAlpha 0 | quote }} {{ randAlpha -1 | quote }} {{ uuidv4 | regexMatch "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$" }} {{ randBytes 6 | b64dec | len }} {{ shuffle "aab" | splitList "" | sortAlpha | join "" }} {{ $r := randInt 5 8 }}{{ and (ge $r 5) (lt $r 8) }}"#;
    assert_eq!(run(shape), r#"12 true true 5 "" "" true 6 aab true"#);
    assert_eq!(run("{{ randAlphaNum 20 }}"), run("{{ randAlphaNum 20 }}"));
    assert!(run("{{ randInt 5 5 }}").ends_with("error calling randInt: invalid argument to Intn"));
}

#[test]
fn the_time_is_the_hosts() {
    assert_eq!(run("{{ now | unixEpoch }}"), "1700000000");
    assert_eq!(run("{{ now.Year }} {{ date \"15:04\" now }} {{ ago (now.Add 0) }}"), "2023 22:13 0s");
    assert_eq!(
        run(r#"{{ ago 1699990000 }} {{ durationRound (now.AddDate 0 0 -3) }} {{ date "2006" "x" }}"#),
        "2h46m40s 3d 2023"
    );
}

#[test]
fn values_that_contain_themselves_exhaust_no_stack() {
    let cyclic = r#"{{ $m := dict }}{{ $_ := set $m "m" $m }}"#;
    for (call, expected) in [
        ("toJson $m", ""),
        ("toYaml $m", ""),
        ("toToml $m", "value is nested too deep, or contains itself"),
        ("toPrettyJson $m", ""),
    ] {
        assert_eq!(execute_with("{}", &format!("{cyclic}{{{{ {call} }}}}")), Ok(expected.to_string()), "{call}");
    }
    for call in ["deepCopy $m", "mustToYaml $m", "merge (dict) $m $m", "mergeOverwrite (dict) $m $m"] {
        assert!(execute_with("{}", &format!("{cyclic}{{{{ {call} | len }}}}")).is_err(), "{call}");
    }
    let error = execute_with("{}", &format!("{cyclic}{{{{ mustToJson $m }}}}")).unwrap_err();
    assert!(error.ends_with("json: unsupported value: encountered a cycle via map[string]interface {}"), "{error}");
}
