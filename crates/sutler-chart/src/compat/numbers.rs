//! YAML as Helm 3.18.0 reads a chart's own values.yaml: every number a `json.Number`.

use std::collections::BTreeMap;

use sutler_functions::json;
use sutler_template::{List, Map, Value};
use sutler_yaml::{Build, ConvertError, Node};

/// A YAML node as values.
///
/// # Errors
/// Keys and numbers that JSON does not have.
pub(crate) fn from_yaml(node: &Node) -> Result<Value, ConvertError> {
    sutler_yaml::convert(node, &mut Builder)
}

struct Builder;

impl Build for Builder {
    type Value = Value;

    fn null(&mut self) -> Value {
        Value::Nil
    }
    fn bool(&mut self, value: bool) -> Value {
        Value::Bool(value)
    }
    fn int(&mut self, value: i64) -> Value {
        json::whole_number(value)
    }
    fn uint(&mut self, value: u64) -> Value {
        json::unsigned_number(value)
    }
    fn float(&mut self, value: f64) -> Value {
        json::fractional_number(value)
    }
    fn string(&mut self, value: &str) -> Value {
        Value::from(value)
    }
    fn sequence(&mut self, items: Vec<Value>) -> Value {
        Value::List(List::new(items))
    }
    fn mapping(&mut self, entries: BTreeMap<String, Value>) -> Value {
        Value::Map(entries.into_iter().collect::<Map>())
    }
}
