//! What is written reads back as the same value.

use proptest::prelude::*;
use serde_json::{Map, Value};
use sutler_yaml::{read, read_documents, to_json, write, write_pretty};

/// Strings that survive the way through JSON: no control characters beyond ASCII's, no next line.
fn text() -> BoxedStrategy<String> {
    let nasty = proptest::sample::select(vec![
        "a",
        " ",
        "\n",
        "\t",
        "\r",
        ": ",
        " #",
        "- ",
        "'",
        "\"",
        "\\",
        "1",
        "0x",
        "y",
        "~",
        "{",
        "]",
        ",",
        "é",
        "\u{2028}",
        "\u{1F600}",
        "\0",
        "\u{1b}",
        "---",
        "word word word word ",
    ]);
    prop_oneof![
        proptest::collection::vec(nasty, 0..12).prop_map(|parts| parts.concat()),
        "[ -~]{0,100}",
        "[0-9a-fxeE_.:+-]{0,8}",
    ]
    .boxed()
}

fn value(text: BoxedStrategy<String>) -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| if number.fract() == 0.0 { Value::from(0.5) } else { Value::from(number) }),
        text.clone().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((text.clone(), inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<String, Value>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_survive_to_yaml(value in value(text())) {
        let text = write(&value).expect("the strings are harmless");
        let node = read(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(to_json(&node).expect("it was JSON"), value, "{}", text);
    }

    // Without tabs: of those at the start of a literal's line go-yaml v3 makes a text that v2 cannot read.
    #[test]
    fn values_without_tabs_survive_to_yaml_pretty(value in value(text().prop_map(|text| text.replace('\t', " ")).boxed())) {
        let text = write_pretty(&value).expect("it is not deep");
        let node = read(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(to_json(&node).expect("it was JSON"), value, "{}", text);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(?s).{0,60}", soup in "[-?:,\\[\\]{}#&*!|>'\"%@ \n\tab1]{0,60}") {
        let _ = read_documents(&text);
        let _ = read_documents(&soup);
    }
}
