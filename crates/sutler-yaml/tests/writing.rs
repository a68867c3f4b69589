//! Values in, text out, as Helm's toYaml and toYamlPretty print them.

use serde_json::{Value, json};
use sutler_yaml::{write, write_pretty};

#[track_caller]
fn check(value: Value, expected: &str) {
    assert_eq!(write(&value).as_deref(), Ok(expected), "of {value}");
}

#[track_caller]
fn check_pretty(value: Value, expected: &str) {
    assert_eq!(write_pretty(&value).as_deref(), Ok(expected), "of {value}");
}

#[test]
fn lists_are_indented_only_when_pretty() {
    let value = json!({"a": [1, {"b": [2], "c": []}, [3, [4]]], "d": {}});
    check(value.clone(), "a:\n- 1\n- b:\n  - 2\n  c: []\n- - 3\n  - - 4\nd: {}\n");
    check_pretty(value, "a:\n  - 1\n  - b:\n      - 2\n    c: []\n  - - 3\n    - - 4\nd: {}\n");
}

#[test]
fn strings_that_would_be_something_else_are_quoted() {
    for text in ["y", "n", "yes", "No", "on", "~", "012", "1:30", "1__0", "2001-1-1", "", "null", "0x1", "1e3", ".5"] {
        check(json!(text), &format!("\"{text}\"\n"));
    }
    for text in ["nUll", "tRue", "NaN", "<<", "0o", "1e", "=", "a: b".split(':').next().expect("it has a part")] {
        check(json!(text), &format!("{text}\n"));
    }
}

#[test]
fn texts_take_the_mildest_style_that_can_express_them() {
    check(
        json!({"a": "x: y", "b": " x", "c": "x\ny\n", "d": "x \ny", "e": "\u{1F600}", "f": "a\tb"}),
        "a: 'x: y'\nb: ' x'\nc: |\n  x\n  y\nd: \"x \\ny\"\ne: \"\\U0001F600\"\nf: \"a\\tb\"\n",
    );
    check(json!({"k": "\n"}), "k: |2+\n\n");
    check_pretty(json!({"a": "x\ty", "b": "x\n\ty\n"}), "a: \"x\\ty\"\nb: |\n  x\n  \ty\n");
}

#[test]
fn long_texts_fold_at_80_columns_and_long_keys_stand_alone() {
    let long = "word ".repeat(20) + "end";
    check(json!({"a": long}), &format!("a: {}word\n  {}end\n", "word ".repeat(15), "word ".repeat(4)));
    check_pretty(json!({"a": long}), &format!("a: {long}\n"));
    let key = "k".repeat(129);
    check(json!({key.clone(): [1]}), &format!("? {key}\n: - 1\n"));
}

#[test]
fn numbers_lose_their_exponent_on_the_way_through_json() {
    check(
        json!([1e6, 1e20, 1.5, -0.0, 1e-7, 9223372036854775807.0, 1234567.5, 1]),
        "- 1000000\n- 1e+20\n- 1.5\n- 0\n- 1e-07\n- 9223372036854776000\n- 1.2345675e+06\n- 1\n",
    );
    check_pretty(json!([1e6, 100000.0, 1]), "- 1e+06\n- 100000\n- 1\n");
}

#[test]
fn keys_are_sorted_naturally() {
    check(
        json!({"a10": 1, "a2": 2, "a1": 3, "B": 4, "10": 5, "9": 6, "_": 7}),
        "_: 7\n\"9\": 6\n\"10\": 5\nB: 4\na1: 3\na2: 2\na10: 1\n",
    );
}
