//! Reading the common parts of an object: its kind, name, labels, and values by path.

use serde_json::{Map, Value};

/// The deepest nesting of lists and maps that functions of this crate that recurse accept. The API server refuses requests
/// long before (its JSON decoder stops at 10,000, YAML at 100 aliases deep); real objects stay below 40.
pub const MAX_DEPTH: usize = 512;

/// The text at `path` (dot-free segments), or `""`.
pub fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or("")
}

/// The whole number at `path`.
pub fn integer(object: &Value, path: &[&str]) -> Option<i64> {
    at(object, path).and_then(Value::as_i64)
}

/// The list at `path`, or an empty one.
pub fn list<'a>(object: &'a Value, path: &[&str]) -> &'a [Value] {
    at(object, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The value at `path`; absent and `null` are both `None`.
pub fn at<'a>(object: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, segment| value.get(segment)).filter(|value| !value.is_null())
}

/// `metadata.name`, or `""`.
pub fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

/// `metadata.namespace`, or `""`.
pub fn namespace(object: &Value) -> &str {
    text(object, &["metadata", "namespace"])
}

/// `kind`, or `""`.
pub fn kind(object: &Value) -> &str {
    text(object, &["kind"])
}

/// `kind`, or `otherwise` (elements of lists leave it out).
pub fn kind_or<'a>(object: &'a Value, otherwise: &'a str) -> &'a str {
    Some(kind(object)).filter(|kind| !kind.is_empty()).unwrap_or(otherwise)
}

/// `apiVersion`, or `""`.
pub fn api_version(object: &Value) -> &str {
    text(object, &["apiVersion"])
}

/// Splits an apiVersion into group (empty for the core group) and version.
pub fn group_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// `metadata.labels`, if there are any.
pub fn labels(object: &Value) -> Option<&Map<String, Value>> {
    at(object, &["metadata", "labels"]).and_then(Value::as_object)
}

/// One annotation's value.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    at(object, &["metadata", "annotations", key]).and_then(Value::as_str)
}

/// The object at `path`, made (with all maps above it) where it is absent or not a map.
pub fn map_mut<'a>(object: &'a mut Value, path: &[&str]) -> &'a mut Map<String, Value> {
    let mut value = object;
    for segment in path {
        value = as_map_mut(value).entry(*segment).or_insert(Value::Null);
    }
    as_map_mut(value)
}

fn as_map_mut(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("made a map just above")
}

/// Whether `value` nests no deeper than [`MAX_DEPTH`]. Iterative, so that the check itself cannot overflow the stack.
pub fn is_shallow(value: &Value) -> bool {
    let mut level: Vec<&Value> = vec![value];
    for _ in 0..MAX_DEPTH {
        let mut below = Vec::new();
        for value in level {
            match value {
                Value::Array(items) => below.extend(items.iter().filter(|v| v.is_array() || v.is_object())),
                Value::Object(fields) => below.extend(fields.values().filter(|v| v.is_array() || v.is_object())),
                _ => {}
            }
        }
        if below.is_empty() {
            return true;
        }
        level = below;
    }
    false
}
