//! Values from and to YAML and JSON, with Helm's rule for numbers: whatever is read becomes `float64`.

use sutler_template::{List, Value};
use sutler_yaml::{ConvertError, Node};

use crate::compat::{self, Numbers};

/// A YAML node as Helm reads values files: keys as text, every number a `float64`.
///
/// # Errors
/// Keys and numbers that JSON does not have.
pub fn from_yaml(node: &Node) -> Result<Value, ConvertError> {
    sutler_functions::yaml::value_of(node)
}

/// As [`from_yaml`], with what numbers become.
pub(crate) fn from_yaml_with(node: &Node, numbers: Numbers) -> Result<Value, ConvertError> {
    match numbers {
        Numbers::Float64 => from_yaml(node),
        Numbers::Text => compat::from_yaml(node),
    }
}

/// JSON as Go reads it into `interface {}`: every number a `float64`.
pub fn from_json(json: &serde_json::Value) -> Value {
    // Recursion is bounded by the depth of the JSON, which serde_json bounds when it reads.
    match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => Value::Float64(number.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::String(text) => Value::from(text),
        serde_json::Value::Array(items) => Value::List(List::new(items.iter().map(from_json).collect())),
        serde_json::Value::Object(entries) => {
            Value::Map(entries.iter().map(|(key, value)| (key, from_json(value))).collect())
        }
    }
}

/// A value as JSON, as Go's `encoding/json` writes it: a whole `float64` is an integer, bytes that are not text become U+FFFD.
///
/// Infinite numbers and functions, which values never hold, become null.
pub fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Nil | Value::Function(_) | Value::Complex128(..) => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::String(text) => text.to_str_lossy().into_owned().into(),
        Value::List(list) if list.is_nil() => serde_json::Value::Null,
        Value::List(list) => list.iter().map(|item| to_json(&item)).collect(),
        Value::Map(map) if map.is_nil() => serde_json::Value::Null,
        Value::Map(map) => {
            let entries = map.entries();
            entries.iter().map(|(key, value)| (key.to_str_lossy().into_owned(), to_json(value))).collect()
        }
        Value::Object(object) => match object.json_value().or_else(|| object.underlying()) {
            Some(value) => to_json(&value),
            None => object
                .json_fields()
                .unwrap_or_else(|| object.fields())
                .iter()
                .map(|(name, value)| (name.to_string(), to_json(value)))
                .collect(),
        },
        number => {
            if let Some(float) = number.as_float() {
                json_number(float)
            } else if let Some(signed) = number.as_signed() {
                signed.into()
            } else {
                number.as_unsigned().map_or(serde_json::Value::Null, Into::into)
            }
        }
    }
}

/// A float as JSON: without a fraction where it has none, as Go prints floats below 1e21.
fn json_number(float: f64) -> serde_json::Value {
    // Every whole float of this size is exactly an i64.
    if float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 {
        return (float as i64).into();
    }
    float.into()
}
