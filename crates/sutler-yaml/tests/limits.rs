//! Hostile inputs end with an error: deep nesting, aliases that multiply, long keys. Tests run on threads with 2 MB of stack.

use serde_json::Value;
use sutler_yaml::{MAX_DEPTH, ReadError, WriteError, read, read_documents, to_json, write, write_pretty};

fn depth_of(text: &str) -> Result<usize, String> {
    let node = read(text).map_err(|error| error.to_string())?;
    let json = to_json(&node).map_err(|error| error.to_string())?;
    let mut depth = 0;
    let mut value = &json;
    loop {
        value = match value {
            Value::Array(items) if !items.is_empty() => &items[0],
            Value::Object(fields) if !fields.is_empty() => fields.values().next().expect("it is not empty"),
            _ => return Ok(depth),
        };
        depth += 1;
    }
}

#[test]
fn brackets_nest_up_to_the_limit() {
    let nested = |depth: usize| "[".repeat(depth) + "1" + &"]".repeat(depth);
    assert_eq!(depth_of(&nested(MAX_DEPTH)), Ok(MAX_DEPTH));
    let error = "yaml: exceeded max depth of 300".to_owned();
    assert_eq!(depth_of(&nested(MAX_DEPTH + 1)), Err(error.clone()));
    assert_eq!(depth_of(&"[".repeat(1_000_000)), Err(error.clone()));
    assert_eq!(depth_of(&"{a: ".repeat(1_000_000)), Err(error));
}

#[test]
fn blocks_nest_up_to_the_limit() {
    let nested = |depth: usize| (0..depth).map(|level| " ".repeat(level) + "a:\n").collect::<String>();
    assert_eq!(depth_of(&nested(MAX_DEPTH)), Ok(MAX_DEPTH));
    assert!(depth_of(&nested(MAX_DEPTH + 1)).is_err());
    assert_eq!(depth_of(&("- ".repeat(MAX_DEPTH) + "1")), Ok(MAX_DEPTH));
    assert!(depth_of(&"- ".repeat(100_000)).is_err());
    assert!(depth_of(&"? ".repeat(100_000)).is_err());
}

#[test]
fn aliases_nest_up_to_the_limit() {
    let nested = |depth: usize| {
        let levels: String = (1..depth).map(|level| format!("k{level}: &a{level} [*a{}]\n", level - 1)).collect();
        format!("k0: &a0 [1]\n{levels}")
    };
    assert!(read(&nested(40)).is_ok());
    let error = read(&nested(5_000)).expect_err("the last key nests 5,000 levels");
    assert!(
        error.to_string().contains("exceeded max depth") || error.to_string().contains("excessive aliasing"),
        "{error}"
    );
    let merged: String = (1..5_000).map(|level| format!("k{level}: &a{level} {{<<: *a{}}}\n", level - 1)).collect();
    assert!(read(&format!("k0: &a0 {{x: 1}}\n{merged}")).is_err());
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    let error = read(&text).expect_err("it stands for ten thousand million nodes");
    assert_eq!(error.to_string(), "yaml: document contains excessive aliasing");
    assert!(matches!(error, ReadError::Value { .. }));
    assert!(read_documents(&text).is_err());
}

#[test]
fn many_uses_of_one_anchor_are_allowed() {
    let uses: String = (0..2_000).map(|index| format!("k{index}: *common\n")).collect();
    let node = read(&format!("common: &common {{a: 1, b: [2, 3]}}\n{uses}")).expect("go-yaml allows 99 %");
    assert_eq!(node.entries().len(), 2_001);
}

#[test]
fn the_writer_refuses_what_is_too_deep() {
    let nested = |depth: usize| (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    assert!(write(&nested(MAX_DEPTH)).is_ok());
    assert!(write_pretty(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(write(&nested(MAX_DEPTH + 1)), Err(WriteError::TooDeep));
}

#[test]
fn long_keys_are_no_simple_keys() {
    let key = "k".repeat(1025);
    assert_eq!(
        read(&format!("{key}: 1\n")).expect_err("it is too long").to_string(),
        "yaml: mapping values are not allowed in this context"
    );
    assert!(read(&format!("? {key}\n: 1\n")).is_ok());
    let too_long = write(&serde_json::json!({ key: 1 })).expect_err("Helm's way through JSON refuses it");
    assert_eq!(too_long.to_string(), "yaml: did not find expected ',' or '}'");
}
