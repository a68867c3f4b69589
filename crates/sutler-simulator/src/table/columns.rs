//! Columns of the built-in kinds.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age;

/// One column: how it is announced, and what is in it.
#[derive(Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// `string`, `integer`, `boolean`, `date`, `number`.
    pub(crate) kind: String,
    /// `name` for the column that names the object.
    pub(crate) format: String,
    pub(crate) description: String,
    /// 0 is always shown, others only with `-o wide`.
    pub(crate) priority: i64,
    pub(crate) value: Cell,
}

/// What is in a column.
#[derive(Clone)]
pub(crate) enum Cell {
    /// Computed from an object at a time.
    Of(fn(&Value, Timestamp) -> Value),
    /// The value at a JSON path of a custom resource's definition.
    Path(super::custom::JsonPath),
    /// The same, a time, shown as the span since.
    Since(super::custom::JsonPath),
}

impl Column {
    pub(crate) fn cell(&self, object: &Value, now: Timestamp) -> Value {
        match &self.value {
            Cell::Of(value) => value(object, now),
            Cell::Path(path) => path.cell(object, &self.kind),
            Cell::Since(path) => path.first(object).map_or(Value::Null, |then| json!(age::since(then, now))),
        }
    }

    pub(crate) fn definition(&self) -> Value {
        json!({
            "name": self.name, "type": self.kind, "format": self.format, "description": self.description,
            "priority": self.priority,
        })
    }
}

/// A column that is always shown.
pub(crate) fn column(name: &str, kind: &str, value: fn(&Value, Timestamp) -> Value) -> Column {
    Column {
        name: name.into(),
        kind: kind.into(),
        format: String::new(),
        description: String::new(),
        priority: 0,
        value: Cell::Of(value),
    }
}

/// The column that names the object.
pub(crate) fn name() -> Column {
    Column { format: "name".into(), ..column("Name", "string", |object, _| object["metadata"]["name"].clone()) }
}

/// The column that says how old the object is.
pub(crate) fn age() -> Column {
    column("Age", "string", |object, now| json!(age::since(&object["metadata"]["creationTimestamp"], now)))
}

/// The columns of a resource, by the GroupResource text it is stored under.
pub(crate) fn of(_resource: &str) -> Vec<Column> {
    vec![name(), column("Created At", "date", |object, _| object["metadata"]["creationTimestamp"].clone())]
}
