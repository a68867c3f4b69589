//! What differs between the objects of two manifests, in lines a person reads.

use std::collections::BTreeMap;

use serde_json::Value;

/// How many lines a release's differences take at most; the rest is counted.
const MOST_LINES: usize = 12;

/// The longest value that is shown whole.
const LONGEST_VALUE: usize = 60;

/// The differences between what is installed and what would be, a line each: `~ Deployment head  .spec.replicas 4 -> 6`.
/// Of a Secret's data only the keys are named.
pub fn differences(before: &[Value], after: &[Value]) -> Vec<String> {
    let (before, after) = (by_identity(before), by_identity(after));
    let mut lines = Vec::new();
    for (identity, object) in &after {
        match before.get(identity) {
            None => lines.push(format!("+ {identity}")),
            Some(old) => {
                let mut fields = Vec::new();
                let is_secret = object.get("kind").and_then(Value::as_str) == Some("Secret");
                compare("", old, object, is_secret, &mut fields);
                lines.extend(fields.into_iter().map(|field| format!("~ {identity}  {field}")));
            }
        }
    }
    lines.extend(
        before.keys().filter(|identity| !after.contains_key(*identity)).map(|identity| format!("- {identity}")),
    );
    if lines.len() > MOST_LINES {
        let more = lines.len() - (MOST_LINES - 1);
        lines.truncate(MOST_LINES - 1);
        lines.push(format!("… and {more} more"));
    }
    lines
}

fn by_identity(objects: &[Value]) -> BTreeMap<String, &Value> {
    let identity = |object: &Value| {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        format!("{} {}", text("/kind"), text("/metadata/name"))
    };
    objects.iter().map(|object| (identity(object), object)).collect()
}

/// The fields in which two values differ, a line each.
pub(super) fn compare(path: &str, before: &Value, after: &Value, is_secret: bool, fields: &mut Vec<String>) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in new {
                compare(&step(path, key), old.get(key).unwrap_or(&Value::Null), value, is_secret, fields);
            }
            for (key, value) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
                compare(&step(path, key), value, &Value::Null, is_secret, fields);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{path}[{index}]"), old, new, is_secret, fields);
            }
        }
        _ if is_secret && (path.starts_with(".data") || path.starts_with(".stringData")) => {
            fields.push(format!("{path} (secret)"));
        }
        _ => fields.push(format!("{path} {} -> {}", shown(before), shown(after))),
    }
}

fn step(path: &str, key: &str) -> String {
    match key.contains(['.', '/']) {
        true => format!("{path}[{key}]"),
        false => format!("{path}.{key}"),
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.replace('\n', "\\n"),
        other => other.to_string(),
    };
    match text.chars().count() > LONGEST_VALUE {
        true => format!("{}…", text.chars().take(LONGEST_VALUE).collect::<String>()),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_name_the_object_and_the_field_and_hide_secrets() {
        let before = [
            json!({"kind": "Deployment", "metadata": {"name": "a"}, "spec": {"replicas": 4}}),
            json!({"kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "b2xk"}}),
            json!({"kind": "Service", "metadata": {"name": "gone"}}),
        ];
        let after = [
            json!({"kind": "Deployment", "metadata": {"name": "a"}, "spec": {"replicas": 6}}),
            json!({"kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "bmV3"}}),
            json!({"kind": "ConfigMap", "metadata": {"name": "new"}}),
        ];
        assert_eq!(
            differences(&before, &after),
            [
                "+ ConfigMap new",
                "~ Deployment a  .spec.replicas 4 -> 6",
                "~ Secret s  .data.k (secret)",
                "- Service gone"
            ]
        );
        assert!(differences(&after, &after).is_empty());
    }
}
