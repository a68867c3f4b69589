//! Merging and copying of nested values, as mergo v1.0.1 and copystructure v1.2.0 do it for sprig.

use sutler_template::{List, Map, Value};

use crate::depth::{self, TooDeep};

/// Which side counts where both have something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// The target's, unless it is empty (0, "", false, nil, no elements): mergo's `Merge`.
    KeepTarget,
    /// The source's, even if it is empty: mergo's `MergeWithOverwrite`.
    TakeSource,
}

/// Merges `source` into `target`, which changes; values taken over are aliases of the source's. Maps that both sides
/// have are merged in turn, lists are not.
///
/// # Errors
/// If the maps are nested too deep, as they are if one contains itself.
pub fn merge(target: &Map, source: &Map, conflict: Conflict) -> Result<(), TooDeep> {
    merge_at(target, source, conflict, 0)
}

fn merge_at(target: &Map, source: &Map, conflict: Conflict, depth: usize) -> Result<(), TooDeep> {
    let overwrite = conflict == Conflict::TakeSource;
    for (key, value) in source.entries() {
        let present = target.get(&key);
        if value.is_nil() {
            if overwrite {
                put(target, key, value);
            }
            continue;
        }
        if let (Value::Map(source), Some(Value::Map(target))) = (&value, &present) {
            if !target.is_nil() {
                depth::descend(depth, |depth| merge_at(target, source, conflict, depth))?;
            }
            // What was merged is not replaced as well, unless nothing came of it.
            if !target.is_empty() {
                continue;
            }
        }
        if overwrite || present.is_none_or(|present| is_empty(&present)) {
            put(target, key, value);
        }
    }
    Ok(())
}

fn put(target: &Map, key: sutler_template::Str, value: Value) {
    // The callers never pass a nil map with a source that has entries.
    let _ = target.insert(key, value);
}

/// As mergo's `isEmptyValue`: structs are never empty.
fn is_empty(value: &Value) -> bool {
    !matches!(value, Value::Complex128(..)) && !value.truth()
}

/// A copy that shares no map or list with the original; objects and functions are shared.
///
/// # Errors
/// If the value is nested too deep, as it is if it contains itself.
pub fn copy(value: &Value) -> Result<Value, TooDeep> {
    copy_at(value, 0)
}

fn copy_at(value: &Value, depth: usize) -> Result<Value, TooDeep> {
    match value {
        Value::Map(map) if map.is_nil() => Ok(value.clone()),
        Value::Map(map) => depth::descend(depth, |depth| {
            let entries = map.entries().into_iter();
            let copied: Map =
                entries.map(|(key, value)| Ok((key, copy_at(&value, depth)?))).collect::<Result<_, TooDeep>>()?;
            Ok(Value::Map(copied.as_type(map.go_type())))
        }),
        Value::List(list) => match list.as_values() {
            Some(values) if !list.is_nil() => depth::descend(depth, |depth| {
                let copied = values.iter().map(|value| copy_at(value, depth)).collect::<Result<_, _>>()?;
                Ok(Value::List(List::with_type(copied, list.go_type())))
            }),
            _ => Ok(value.clone()),
        },
        other => Ok(crate::versions::copied(other).unwrap_or_else(|| other.clone())),
    }
}
