//! Merge patch, RFC 7386: maps merge by key, `null` removes, everything else replaces.

use serde_json::{Map, Value};

use super::PatchError;
use crate::object;

/// Applies a merge patch.
///
/// # Errors
/// [`PatchError::TooDeep`] only.
pub fn merge_patch(target: &Value, patch: &Value) -> Result<Value, PatchError> {
    if !object::is_shallow(patch) {
        return Err(PatchError::TooDeep);
    }
    let mut merged = target.clone();
    merge(&mut merged, patch);
    Ok(merged)
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let fields = target.as_object_mut().expect("made a map just above");
    for (key, value) in patch {
        if value.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key.as_str()).or_insert(Value::Null), value);
        }
    }
}

/// The merge patch that makes `original` into `modified`: `{}` if they are equal.
///
/// # Errors
/// [`PatchError::TooDeep`] only.
pub fn create_merge_patch(original: &Value, modified: &Value) -> Result<Value, PatchError> {
    if !object::is_shallow(original) || !object::is_shallow(modified) {
        return Err(PatchError::TooDeep);
    }
    Ok(diff(original, modified, Keep::All))
}

/// The patch by which kubectl and Helm 3 bring a custom resource from `current` to `modified`, removing what was in `original`
/// (what the client applied last) and is no longer wanted, leaving what others added.
///
/// # Errors
/// [`PatchError::TooDeep`] only.
pub fn three_way_merge(original: &Value, modified: &Value, current: &Value) -> Result<Value, PatchError> {
    if [original, modified, current].into_iter().any(|value| !object::is_shallow(value)) {
        return Err(PatchError::TooDeep);
    }
    let mut patch = diff(current, modified, Keep::AddedAndChanged);
    let deletions = diff(original, modified, Keep::Deleted);
    join(&mut patch, &deletions);
    Ok(patch)
}

#[derive(Clone, Copy, PartialEq)]
enum Keep {
    All,
    AddedAndChanged,
    Deleted,
}

fn diff(original: &Value, modified: &Value, keep: Keep) -> Value {
    let (Value::Object(before), Value::Object(after)) = (original, modified) else {
        return modified.clone();
    };
    let mut patch = Map::new();
    for (key, value) in after {
        match before.get(key) {
            Some(old) if old == value => {}
            Some(old) if old.is_object() && value.is_object() => {
                let inner = diff(old, value, keep);
                if inner.as_object().is_some_and(|inner| !inner.is_empty()) {
                    patch.insert(key.clone(), inner);
                }
            }
            _ if keep != Keep::Deleted => {
                patch.insert(key.clone(), value.clone());
            }
            _ => {}
        }
    }
    if keep != Keep::AddedAndChanged {
        for key in before.keys().filter(|key| !after.contains_key(*key)) {
            patch.insert(key.clone(), Value::Null);
        }
    }
    Value::Object(patch)
}

/// Puts one patch over another without applying its nulls.
fn join(patch: &mut Value, over: &Value) {
    match (patch, over) {
        (Value::Object(fields), Value::Object(over)) => {
            for (key, value) in over {
                join(fields.entry(key.as_str()).or_insert(Value::Object(Map::new())), value);
            }
        }
        (patch, over) => *patch = over.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_rfcs_examples_hold() {
        let check = |target: Value, patch: Value, expect: Value| {
            assert_eq!(merge_patch(&target, &patch).unwrap(), expect, "{target} {patch}")
        };
        check(json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"}));
        check(json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"}));
        check(json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"}));
        check(json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}}));
        check(json!({"a": "foo"}), json!("bar"), json!("bar"));
        check(json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}}));
        check(json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"}));
    }

    #[test]
    fn a_computed_patch_makes_one_into_the_other() {
        let (a, b) = (json!({"a": {"x": 1, "y": [1]}, "b": 1}), json!({"a": {"x": 2, "z": {}}, "c": {"d": 1}}));
        let patch = create_merge_patch(&a, &b).unwrap();
        assert_eq!(patch, json!({"a": {"x": 2, "y": null, "z": {}}, "b": null, "c": {"d": 1}}));
        assert_eq!(merge_patch(&a, &patch).unwrap(), b);
    }

    #[test]
    fn three_ways_keep_what_others_added_and_remove_what_we_dropped() {
        let original = json!({"spec": {"a": 1, "b": {"c": 1}}});
        let modified = json!({"spec": {"a": 2}});
        let current = json!({"spec": {"a": 1, "b": {"c": 1}, "theirs": true}});
        assert_eq!(three_way_merge(&original, &modified, &current).unwrap(), json!({"spec": {"a": 2, "b": null}}));
    }

    #[test]
    fn absurd_nesting_is_refused() {
        let mut deep = json!(1);
        for _ in 0..5000 {
            deep = Value::Object(Map::from_iter([("a".to_owned(), deep)]));
        }
        assert_eq!(merge_patch(&json!({}), &deep), Err(PatchError::TooDeep));
        // serde_json's own drop is recursive as well; keep this value away from it.
        std::mem::forget(deep);
    }
}
