//! When two values of JSON are the same.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::Value;

use super::number;

/// Equality by value: `1` and `1.0` are the same number.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => number::compare(a, b).is_eq(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

/// The first item that is equal to an earlier one, and that one.
pub(super) fn duplicates(items: &[Value]) -> Option<(usize, usize)> {
    let mut seen = HashMap::new();
    for (second, item) in items.iter().enumerate() {
        match seen.entry(canonical(item)) {
            Entry::Occupied(first) => return Some((*first.get(), second)),
            Entry::Vacant(place) => {
                place.insert(second);
            }
        }
    }
    None
}

/// A text that is the same for equal values only.
fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |float| format!("{float:e}")),
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| format!("{key:?}:{}", canonical(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        simple => simple.to_string(),
    }
}
