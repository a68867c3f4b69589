//! Documents in, values, positions and go-yaml's error texts out.

use sutler_yaml::{read, to_json};

/// Reads `text` and compares what it says as JSON; for errors, the text of the first that Helm would print.
#[track_caller]
fn check(text: &str, expected: &str) {
    let found = match read(text) {
        Err(error) => error.to_string(),
        Ok(node) => to_json(&node).map_or_else(|error| error.to_string(), |value| value.to_string()),
    };
    assert_eq!(found, expected, "of {text:?}");
}

#[test]
fn words_and_numbers_resolve_as_in_yaml_1_1() {
    check(
        "{a: y, b: No, c: on, d: ~, e: 010, f: 0x1F, g: 0b11, h: 1_000, i: 1e3, j: .5, k: '1'}",
        r#"{"a":true,"b":false,"c":true,"d":null,"e":8,"f":31,"g":3,"h":1000,"i":1000,"j":0.5,"k":"1"}"#,
    );
    check(
        "a: 2001-01-01\nb: 1:30\nc: 1.2.3\nd: 18446744073709551615\n",
        r#"{"a":"2001-01-01","b":"1:30","c":"1.2.3","d":18446744073709551615}"#,
    );
}

#[test]
fn keys_become_text() {
    check("0x10: a\ny: b\n1.5: c\n1e20: d\n", r#"{"1.5":"c","16":"a","1e+20":"d","true":"b"}"#);
    check("~: a\n", r#"unsupported map key of type: %!s(<nil>), key: <nil>, value: "a""#);
    check(
        "{{ .Values.x }}: a\n",
        r#"yaml: invalid map key: map[interface {}]interface {}{".Values.x":interface {}(nil)}"#,
    );
}

#[test]
fn merge_keys_bring_entries_where_they_stand() {
    check(
        "a: &a {x: 1, y: 2}\nb:\n  x: 0\n  <<: *a\nc:\n  <<: *a\n  x: 0\n",
        r#"{"a":{"true":2,"x":1},"b":{"true":2,"x":1},"c":{"true":2,"x":0}}"#,
    );
}

#[test]
fn errors_are_in_go_yamls_words() {
    check("a: b: c\n", "yaml: mapping values are not allowed in this context");
    check("x: 1\na: b: c\n", "yaml: line 2: mapping values are not allowed in this context");
    check("a:\n  - b\n c: d\n", "yaml: line 2: did not find expected key");
    check("a: *b\n", "yaml: unknown anchor 'b' referenced");
    check("a: &a [*a]\n", "yaml: anchor 'a' value contains itself");
    check("a:\n\tb: 1\n", "yaml: line 2: found character that cannot start any token");
    check("a: \"b\n", "yaml: line 2: found unexpected end of stream");
    check("a: .nan\n", "json: unsupported value: NaN");
    check("a: \u{1}\n", "yaml: control characters are not allowed");
}
