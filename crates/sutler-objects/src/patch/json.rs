//! JSON patch, RFC 6902: a list of operations, all of which apply or none.

use serde_json::Value;

use super::PatchError;

/// The most operations the API server takes in one patch.
const MAX_OPERATIONS: usize = 10_000;

/// Applies a JSON patch. As the API server does, `remove` of what is absent is an error and negative indices are not.
///
/// # Errors
/// [`PatchError::Malformed`] for what is no patch, [`PatchError::TestFailed`] and [`PatchError::DoesNotApply`] for operations
/// that the object does not allow.
pub fn json_patch(target: &Value, patch: &Value) -> Result<Value, PatchError> {
    let operations = patch.as_array().ok_or_else(|| {
        PatchError::Malformed("error decoding patch: a JSON patch is a list of operations".to_owned())
    })?;
    if operations.len() > MAX_OPERATIONS {
        let text =
            format!("The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}", operations.len());
        return Err(PatchError::Malformed(text));
    }
    let mut document = target.clone();
    for operation in operations {
        apply(&mut document, operation)?;
    }
    if crate::object::is_shallow(&document) { Ok(document) } else { Err(PatchError::TooDeep) }
}

fn apply(document: &mut Value, operation: &Value) -> Result<(), PatchError> {
    let word = |key: &str| operation.get(key).and_then(Value::as_str);
    let pointer =
        |key: &str| word(key).ok_or_else(|| PatchError::Malformed(format!("operation without `{key}`: {operation}")));
    let path = pointer("path")?;
    // RFC 6902 wants `value` for these; null counts as given.
    let value = || {
        operation
            .get("value")
            .cloned()
            .ok_or_else(|| PatchError::Malformed(format!("operation without `value`: {operation}")))
    };
    match word("op").unwrap_or("") {
        "add" => add(document, path, value()?, "add"),
        "remove" => remove(document, path, "remove").map(drop),
        "replace" => {
            let place = locate(document, path).ok_or_else(|| missing("replace", path))?;
            *place = value()?;
            Ok(())
        }
        "test" => {
            let expected = operation.get("value").unwrap_or(&Value::Null);
            let found = document.pointer(path).unwrap_or(&Value::Null);
            if same(found, expected) { Ok(()) } else { Err(PatchError::TestFailed { path: path.to_owned() }) }
        }
        "move" => {
            let from = pointer("from")?;
            if path.strip_prefix(from).is_some_and(|rest| rest.starts_with('/')) {
                return Err(PatchError::DoesNotApply(format!(
                    "move operation does not apply: {path:?} is inside {from:?}"
                )));
            }
            let value = remove(document, from, "move")?;
            add(document, path, value, "move")
        }
        "copy" => {
            let value = document.pointer(pointer("from")?).cloned().ok_or_else(|| missing("copy", path))?;
            add(document, path, value, "copy")
        }
        other => Err(PatchError::Malformed(format!("Unexpected kind: {other}"))),
    }
}

/// Equal as JSON: numbers by value.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

fn missing(operation: &str, path: &str) -> PatchError {
    PatchError::DoesNotApply(format!(
        "{operation} operation does not apply: doc is missing path: {path:?}: missing value"
    ))
}

fn split(path: &str) -> Option<(&str, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn locate<'a>(document: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    document.pointer_mut(path)
}

/// The index that a segment names in a list of `length`; negative ones count from the end, as the API server's library has it.
fn index(segment: &str, length: usize, limit: usize) -> Option<usize> {
    if let Some(back) = segment.strip_prefix('-') {
        let back: usize = back.parse().ok()?;
        return (1..=length).contains(&back).then(|| limit - back);
    }
    segment.parse().ok().filter(|index| *index < limit)
}

fn add(document: &mut Value, path: &str, value: Value, operation: &str) -> Result<(), PatchError> {
    if path.is_empty() {
        *document = value;
        return Ok(());
    }
    let (parent, key) = split(path).ok_or_else(|| missing(operation, path))?;
    match locate(document, parent) {
        Some(Value::Object(fields)) => {
            fields.insert(key, value);
            Ok(())
        }
        Some(Value::Array(items)) => {
            let at = if key == "-" { Some(items.len()) } else { index(&key, items.len(), items.len() + 1) };
            let at = at.ok_or_else(|| {
                PatchError::DoesNotApply(format!(
                    "{operation} operation does not apply: doc is missing path: {path:?}: invalid index {key}"
                ))
            })?;
            items.insert(at, value);
            Ok(())
        }
        _ => Err(missing(operation, path)),
    }
}

fn remove(document: &mut Value, path: &str, operation: &str) -> Result<Value, PatchError> {
    let (parent, key) = split(path).ok_or_else(|| missing(operation, path))?;
    match locate(document, parent) {
        Some(Value::Object(fields)) => fields.remove(&key).ok_or_else(|| missing(operation, path)),
        Some(Value::Array(items)) => {
            let at = index(&key, items.len(), items.len()).ok_or_else(|| missing(operation, path))?;
            Ok(items.remove(at))
        }
        _ => Err(missing(operation, path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(target: Value, patch: Value, expect: Result<Value, &str>) {
        let result = json_patch(&target, &patch).map_err(|error| error.to_string());
        assert_eq!(result, expect.map_err(str::to_owned), "{patch}");
    }

    #[test]
    fn operations_apply_in_order() {
        check(
            json!({"a": [1]}),
            json!([{"op": "add", "path": "/a/-", "value": 2}, {"op": "add", "path": "/a/0", "value": 0}]),
            Ok(json!({"a": [0, 1, 2]})),
        );
        check(
            json!({"a": [1, 2]}),
            json!([{"op": "remove", "path": "/a/0"}, {"op": "replace", "path": "/a/0", "value": null}]),
            Ok(json!({"a": [null]})),
        );
        check(
            json!({"a/b": {"m~n": 1}}),
            json!([{"op": "move", "from": "/a~1b/m~0n", "path": "/c"}]),
            Ok(json!({"a/b": {}, "c": 1})),
        );
        check(
            json!({"a": {"b": 1}}),
            json!([{"op": "copy", "from": "/a", "path": "/c"}, {"op": "test", "path": "/c/b", "value": 1.0}]),
            Ok(json!({"a": {"b": 1}, "c": {"b": 1}})),
        );
        check(json!({}), json!([{"op": "test", "path": "/a", "value": null}]), Ok(json!({})));
        check(json!({"a": [1, 2]}), json!([{"op": "remove", "path": "/a/-1"}]), Ok(json!({"a": [1]})));
    }

    #[test]
    fn what_does_not_apply_says_why() {
        check(
            json!({"a": 1}),
            json!([{"op": "test", "path": "/a", "value": 2}]),
            Err("testing value /a failed: test failed"),
        );
        check(
            json!({}),
            json!([{"op": "remove", "path": "/a"}]),
            Err(r#"remove operation does not apply: doc is missing path: "/a": missing value"#),
        );
        check(
            json!({}),
            json!([{"op": "replace", "path": "/a/b", "value": 1}]),
            Err(r#"replace operation does not apply: doc is missing path: "/a/b": missing value"#),
        );
        check(
            json!({"a": []}),
            json!([{"op": "add", "path": "/a/1", "value": 1}]),
            Err(r#"add operation does not apply: doc is missing path: "/a/1": invalid index 1"#),
        );
        assert_eq!(json_patch(&json!({}), &json!({})).unwrap_err().status(), 400);
        assert!(json_patch(&json!({}), &json!([{"op": "move", "from": "", "path": "/a"}])).is_err());
        assert!(json_patch(&json!({}), &json!([{"op": "jump", "path": "/a"}])).is_err());
    }
}
