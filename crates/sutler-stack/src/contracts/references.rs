//! Which pools and roles a release's values name, as its chart's schema marks them.

use serde_json::Value;

/// What a value names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceKind {
    /// A node pool.
    Pool,
    /// A role.
    Role,
}

impl ReferenceKind {
    /// Its word in messages.
    pub fn word(self) -> &'static str {
        match self {
            ReferenceKind::Pool => "pool",
            ReferenceKind::Role => "role",
        }
    }
}

/// A value that names a pool or a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What it names.
    pub kind: ReferenceKind,
    /// The name.
    pub name: String,
    /// Where it stands among the release's values: keys, and indices in decimal.
    pub path: Vec<String>,
}

/// How deep a schema is followed; no chart's values nest near it, and a schema may refer to itself.
const DEEPEST: usize = 64;

/// The references among `values` (a release's values over its chart's), found along the chart's JSON Schema.
pub fn references(schema: &Value, values: &Value) -> Vec<Reference> {
    let mut found = Vec::new();
    walk(schema, schema, values, &mut Vec::new(), &mut found);
    found.dedup();
    found
}

fn walk(root: &Value, schema: &Value, value: &Value, path: &mut Vec<String>, found: &mut Vec<Reference>) {
    if path.len() > DEEPEST {
        return;
    }
    let schema = resolve(root, schema);
    let kind = match schema.get("x-sutler").and_then(Value::as_str) {
        Some("pool") => Some(ReferenceKind::Pool),
        Some("role") => Some(ReferenceKind::Role),
        _ => None,
    };
    if let (Some(kind), Some(name)) = (kind, value.as_str().filter(|name| !name.is_empty())) {
        found.push(Reference { kind, name: name.to_owned(), path: path.clone() });
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        for part in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
            walk(root, part, value, path, found);
        }
    }
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let property = schema.get("properties").and_then(|properties| properties.get(key));
                if let Some(part) = property.or_else(|| schema.get("additionalProperties")) {
                    path.push(key.clone());
                    walk(root, part, value, path, found);
                    path.pop();
                }
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                if let Some(part) = schema.get("items") {
                    path.push(index.to_string());
                    walk(root, part, value, path, found);
                    path.pop();
                }
            }
        }
        _ => {}
    }
}

/// Follows `$ref` inside the document.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let mut at = schema;
    for _ in 0..DEEPEST {
        match at.get("$ref").and_then(Value::as_str).and_then(|reference| root.pointer(reference.strip_prefix('#')?)) {
            Some(next) => at = next,
            None => return at,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn marked_values_are_found_along_the_schema() {
        let schema = json!({
            "definitions": {"group": {"properties": {"pool": {"x-sutler": "pool"}}}},
            "properties": {
                "role": {"anyOf": [{"type": "null"}, {"x-sutler": "role"}]},
                "workerGroups": {"items": {"$ref": "#/definitions/group"}},
            },
        });
        let values = json!({"role": "DaftRole", "pool": "not marked", "workerGroups": [{"pool": "ray"}, {"pool": ""}]});
        let found: Vec<String> = references(&schema, &values)
            .iter()
            .map(|found| format!("{} {} at {}", found.kind.word(), found.name, found.path.join(".")))
            .collect();
        assert_eq!(found, ["role DaftRole at role", "pool ray at workerGroups.0.pool"]);
    }
}
