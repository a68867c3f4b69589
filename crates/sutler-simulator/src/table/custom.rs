//! Columns of custom resources: `additionalPrinterColumns` of their definition, with the JSON paths it may use.

use serde_json::{Value, json};

use super::columns::{Cell, Column, age, name};
use crate::registry::Custom;

/// The columns of a custom resource: its name, and what its definition says (its age, when it says nothing).
pub(crate) fn columns(custom: &Custom) -> Vec<Column> {
    let mut columns = vec![name()];
    if custom.columns.is_empty() {
        columns.push(age());
    }
    columns.extend(custom.columns.iter().map(|column| {
        let text = |field: &str| column[field].as_str().unwrap_or("").to_string();
        let path = JsonPath::parse(&text("jsonPath"));
        let kind = text("type");
        let (kind, value) =
            if kind == "date" { ("string".into(), Cell::Since(path)) } else { (kind, Cell::Path(path)) };
        Column {
            name: text("name"),
            kind,
            format: text("format"),
            description: text("description"),
            priority: column["priority"].as_i64().unwrap_or(0),
            value,
        }
    }));
    columns
}

/// A JSON path as definitions use them: `.status.conditions[?(@.type=="Ready")].status`, `.spec.hosts[0]`, `.a['b.c']`, `[*]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JsonPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Field(String),
    Index(i64),
    All,
    /// Elements whose field at a path equals a value.
    Where(Vec<String>, Value),
}

impl JsonPath {
    /// Reads a path; what cannot be understood selects nothing.
    pub(crate) fn parse(text: &str) -> Self {
        let mut steps = Vec::new();
        let mut rest = text.trim().trim_start_matches('{').trim_end_matches('}').trim_start_matches('$');
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = field_end(after);
                let field = after[..end].replace("\\.", ".");
                if !field.is_empty() {
                    steps.push(if field == "*" { Step::All } else { Step::Field(field) });
                }
                rest = &after[end..];
            } else if let Some(after) = rest.strip_prefix('[') {
                let Some(end) = bracket_end(after) else { return Self(vec![Step::Index(i64::MAX)]) };
                steps.push(bracket(&after[..end]));
                rest = &after[end + 1..];
            } else {
                let end = field_end(rest);
                steps.push(Step::Field(rest[..end].to_string()));
                rest = &rest[end.max(1)..];
            }
        }
        Self(steps)
    }

    /// Everything the path selects, in order.
    fn select<'a>(&self, object: &'a Value) -> Vec<&'a Value> {
        self.0.iter().fold(vec![object], |found, step| {
            found
                .into_iter()
                .flat_map(|value| -> Vec<&Value> {
                    match step {
                        Step::Field(field) => value.get(field).into_iter().collect(),
                        Step::Index(index) => {
                            let items = value.as_array().map_or(&[][..], Vec::as_slice);
                            let at = if *index < 0 { items.len() as i64 + index } else { *index };
                            usize::try_from(at).ok().and_then(|at| items.get(at)).into_iter().collect()
                        }
                        Step::All => match value {
                            Value::Array(items) => items.iter().collect(),
                            Value::Object(fields) => fields.values().collect(),
                            _ => Vec::new(),
                        },
                        Step::Where(path, wanted) => value
                            .as_array()
                            .into_iter()
                            .flatten()
                            .filter(|item| path.iter().try_fold(*item, |value, field| value.get(field)) == Some(wanted))
                            .collect(),
                    }
                })
                .collect()
        })
    }

    pub(crate) fn first<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        self.select(object).into_iter().next()
    }

    /// The cell of a column of type `kind`: the API server shows the first value found, lists and maps as JSON.
    pub(crate) fn cell(&self, object: &Value, kind: &str) -> Value {
        match (self.first(object), kind) {
            (None | Some(Value::Null), _) => Value::Null,
            (Some(value @ Value::String(_)), _) => value.clone(),
            (Some(value), "string") => json!(value.to_string()),
            (Some(value), _) => value.clone(),
        }
    }
}

fn field_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        if !escaped && (character == '.' || character == '[') {
            return at;
        }
        escaped = character == '\\' && !escaped;
    }
    text.len()
}

/// Where the bracket that is open ends, past quotes.
fn bracket_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (None, ']') => return Some(at),
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    None
}

fn bracket(inside: &str) -> Step {
    let inside = inside.trim();
    let unquoted = |text: &str| {
        let text = text.trim();
        ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote)).map(str::to_string)
    };
    if inside == "*" {
        return Step::All;
    }
    if let Some(field) = unquoted(inside) {
        return Step::Field(field);
    }
    if let Ok(index) = inside.parse() {
        return Step::Index(index);
    }
    let condition = inside.strip_prefix("?(").and_then(|inside| inside.strip_suffix(')'));
    if let Some((path, wanted)) = condition.and_then(|condition| condition.split_once("==")) {
        let path = path.trim().trim_start_matches('@');
        let path = path.split('.').filter(|field| !field.is_empty()).map(str::to_string).collect();
        let wanted = unquoted(wanted)
            .map(Value::String)
            .or_else(|| serde_json::from_str(wanted.trim()).ok())
            .unwrap_or(Value::Null);
        return Step::Where(path, wanted);
    }
    Step::Index(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_selects_fields_elements_and_matching_elements() {
        let object = json!({"a": {"b.c": 1, "l": [{"type": "X", "v": "x"}, {"type": "Ready", "v": true}]}});
        let check = |path: &str, kind: &str, expected: Value| {
            assert_eq!(JsonPath::parse(path).cell(&object, kind), expected, "{path}")
        };
        check(".a['b.c']", "integer", json!(1));
        check(".a.b\\.c", "integer", json!(1));
        check(".a.l[0].v", "string", json!("x"));
        check(".a.l[-1].type", "string", json!("Ready"));
        check(".a.l[?(@.type==\"Ready\")].v", "boolean", json!(true));
        check(".a.l[?(@.type=='Ready')].v", "string", json!("true"));
        check(".a.l[*].type", "string", json!("X"));
        check(".a.none", "string", Value::Null);
        check(".a.l[", "string", Value::Null);
    }
}
