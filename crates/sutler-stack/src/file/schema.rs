//! The JSON Schema of stack.yaml, generated from the types, for editors.

use super::model::StackFile;

/// The schema as pretty-printed JSON with a final newline. Places that take a reference take text as well as their
/// own type, since `max: ${vars.rayMax}` is a text until it is replaced.
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(StackFile).to_value();
    allow_references(&mut schema);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// A number or a boolean may be written as a reference.
fn allow_references(schema: &mut serde_json::Value) {
    match schema {
        serde_json::Value::Object(map) => {
            let plain = map
                .get("type")
                .and_then(|kind| kind.as_str())
                .is_some_and(|kind| matches!(kind, "integer" | "boolean" | "number"));
            if plain {
                let description = map.remove("description");
                let mut own = serde_json::Map::new();
                std::mem::swap(map, &mut own);
                let reference = serde_json::json!({"type": "string", "pattern": r"^\$\{[^}]+\}$"});
                map.insert("anyOf".into(), serde_json::json!([serde_json::Value::Object(own), reference]));
                map.extend(description.map(|text| ("description".to_owned(), text)));
            } else {
                map.values_mut().for_each(allow_references);
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(allow_references),
        _ => {}
    }
}
