//! Strategic merge patches, computed: from two objects, or from three as kubectl and Helm 3 do.

use std::cmp::Ordering;

use serde_json::Value;

use super::PatchError;
use super::strategic::{
    DELETE_FROM, DIRECTIVE, Elements, Fields, Onto, RETAIN_KEYS, SET_ORDER, elements, field, go_text, key_of,
    list_field, merge_fields, sorted_by, without_duplicates,
};
use crate::object;
use crate::schema::Type;

/// The patch that makes `original` into `modified`: `{}` if they are equal.
///
/// # Errors
/// [`PatchError::DoesNotFit`] where the objects do not fit the type, [`PatchError::TooDeep`].
pub fn two_way(original: &Value, modified: &Value, ty: &Type) -> Result<Value, PatchError> {
    let options = Options { order: true, changes: true, deletions: true, retain_keys: false };
    diff_fields(&as_fields(original)?, &as_fields(modified)?, ty, options).map(Value::Object)
}

/// The patch that brings `current` (the live object) to `modified`, removing what was in `original` (what the client applied
/// last) and is no longer wanted, leaving what others added. Where both changed the same field, the client wins.
///
/// # Errors
/// As [`two_way`].
pub fn three_way(original: &Value, modified: &Value, current: &Value, ty: &Type) -> Result<Value, PatchError> {
    let (original, modified, current) = (as_fields(original)?, as_fields(modified)?, as_fields(current)?);
    let delta = diff_fields(
        &current,
        &modified,
        ty,
        Options { order: true, changes: true, deletions: false, retain_keys: false },
    )?;
    let deletions = diff_fields(
        &original,
        &modified,
        ty,
        Options { order: true, changes: false, deletions: true, retain_keys: false },
    )?;
    merge_fields(deletions, delta, ty, Onto::Patch).map(Value::Object)
}

fn as_fields(value: &Value) -> Result<Fields, PatchError> {
    if !object::is_shallow(value) {
        return Err(PatchError::TooDeep);
    }
    match value {
        Value::Object(fields) => Ok(fields.clone()),
        Value::Null => Ok(Fields::new()),
        _ => Err(PatchError::Malformed("invalid JSON document".to_owned())),
    }
}

/// What goes into the patch.
#[derive(Debug, Clone, Copy)]
struct Options {
    /// `$setElementOrder` of merged lists.
    order: bool,
    /// Additions and changes.
    changes: bool,
    /// Removals.
    deletions: bool,
    /// `$retainKeys` of this map.
    retain_keys: bool,
}

fn diff_fields(original: &Fields, modified: &Fields, ty: &Type, options: Options) -> Result<Fields, PatchError> {
    let mut patch = Fields::new();
    for (key, value) in modified {
        match original.get(key) {
            None => {
                if options.changes {
                    patch.insert(key.clone(), value.clone());
                }
            }
            Some(before) if key == DIRECTIVE => {
                if !before.is_string() || !value.is_string() {
                    return Err(PatchError::DoesNotFit(format!("invalid value for special key: {DIRECTIVE}")));
                }
                if before != value {
                    patch.insert(key.clone(), value.clone());
                }
            }
            Some(Value::Object(before)) if value.is_object() => diff_map(key, before, value, &mut patch, ty, options)?,
            Some(Value::Array(before)) if value.is_array() => diff_list(key, before, value, &mut patch, ty, options)?,
            Some(before) => {
                if options.changes && before != value {
                    patch.insert(key.clone(), value.clone());
                }
            }
        }
    }
    if options.deletions {
        for key in original.keys().filter(|key| !modified.contains_key(*key)) {
            patch.insert(key.clone(), Value::Null);
        }
    }
    let dropped = || original.iter().any(|(key, value)| !value.is_null() && !modified.contains_key(key));
    if options.retain_keys && (!patch.is_empty() || dropped()) {
        // Maps are sorted, and so is the list.
        let kept: Vec<Value> =
            modified.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.clone().into()).collect();
        if !kept.is_empty() {
            patch.insert(RETAIN_KEYS.to_owned(), Value::Array(kept));
        }
    }
    Ok(patch)
}

fn diff_map(
    key: &str,
    before: &Fields,
    value: &Value,
    patch: &mut Fields,
    ty: &Type,
    options: Options,
) -> Result<(), PatchError> {
    let after = value.as_object().expect("the caller saw that it is a map");
    let (of, strategy) = match field(ty, key) {
        Ok(found) => found,
        Err(_) if before == after => return Ok(()),
        Err(error) => return Err(error),
    };
    if strategy.replace {
        if options.changes {
            patch.insert(key.to_owned(), value.clone());
        }
        return Ok(());
    }
    let inner = diff_fields(before, after, of, Options { retain_keys: strategy.retain_keys, ..options })?;
    if !inner.is_empty() {
        patch.insert(key.to_owned(), Value::Object(inner));
    }
    Ok(())
}

fn diff_list(
    key: &str,
    before: &[Value],
    value: &Value,
    patch: &mut Fields,
    ty: &Type,
    options: Options,
) -> Result<(), PatchError> {
    let after = value.as_array().expect("the caller saw that it is a list").as_slice();
    let (of, strategy) = match list_field(ty, key) {
        Ok(found) => found,
        Err(_) if before == after => return Ok(()),
        Err(error) => return Err(error),
    };
    if !strategy.merge {
        if options.changes && before != after {
            patch.insert(key.to_owned(), value.clone());
        }
        return Ok(());
    }
    let options = Options { retain_keys: strategy.retain_keys, ..options };
    let merge_key = strategy.key.as_deref().unwrap_or("");
    let lists = diff_lists(before, after, of, merge_key, options)?;
    let mut insert = |key: String, list: Vec<Value>| {
        if !list.is_empty() {
            patch.insert(key, Value::Array(list));
        }
    };
    insert(key.to_owned(), lists.changes);
    insert(format!("{DELETE_FROM}/{key}"), lists.deletions);
    insert(format!("{SET_ORDER}/{key}"), lists.order);
    Ok(())
}

/// What a merged list adds to a patch: its elements, a `$deleteFromPrimitiveList`, a `$setElementOrder`.
#[derive(Default)]
struct ListPatch {
    changes: Vec<Value>,
    deletions: Vec<Value>,
    order: Vec<Value>,
}

fn diff_lists(
    before: &[Value],
    after: &[Value],
    of: &Type,
    key: &str,
    options: Options,
) -> Result<ListPatch, PatchError> {
    if before.is_empty() {
        let changes = if options.changes { after.to_vec() } else { Vec::new() };
        return Ok(ListPatch { changes, ..ListPatch::default() });
    }
    match elements(&[before, after])? {
        Elements::Maps => {
            let (changes, deletions) = diff_maps(before, after, of, key, options)?;
            let mut changes = sorted_by(changes, after, key, Elements::Maps)?;
            let same_order = is_same_order(before, after, key)?;
            changes.extend(deletions);
            let wanted =
                (options.changes && (!changes.is_empty() || !same_order)) || (options.deletions && !changes.is_empty());
            let name = |item: &Value| {
                key_of(item, key).map(|value| Value::Object(Fields::from_iter([(key.to_owned(), value.clone())])))
            };
            let order =
                if options.order && wanted { after.iter().map(name).collect::<Result<_, _>>()? } else { Vec::new() };
            Ok(ListPatch { changes, deletions: Vec::new(), order })
        }
        Elements::Scalars => {
            let sorted = |list: &[Value]| {
                let mut list = list.to_vec();
                list.sort_by_cached_key(go_text);
                list
            };
            let before = sorted(before);
            let (changes, deletions) = diff_scalars(&before, &sorted(after), options);
            let changes = sorted_by(changes, after, key, Elements::Scalars)?;
            // As apimachinery, which has sorted the list in place by now, compare with the sorted one.
            let wanted = (options.deletions && !deletions.is_empty()) || (options.changes && before != after);
            let order = if options.order && wanted { after.to_vec() } else { Vec::new() };
            Ok(ListPatch { changes, deletions, order })
        }
    }
}

fn is_same_order(before: &[Value], after: &[Value], key: &str) -> Result<bool, PatchError> {
    if before.len() != after.len() {
        return Ok(false);
    }
    for (before, after) in before.iter().zip(after) {
        if key_of(before, key)? != key_of(after, key)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Both lists are sorted by their elements' text.
fn diff_scalars(before: &[Value], after: &[Value], options: Options) -> (Vec<Value>, Vec<Value>) {
    let (mut changes, mut deletions) = (Vec::new(), Vec::new());
    let (mut i, mut j) = (0, 0);
    while i < before.len() || j < after.len() {
        let order = match (before.get(i), after.get(j)) {
            (Some(a), Some(b)) => go_text(a).cmp(&go_text(b)),
            (Some(_), None) => Ordering::Less,
            _ => Ordering::Greater,
        };
        if order != Ordering::Greater {
            if order == Ordering::Less && options.deletions {
                deletions.push(before[i].clone());
            }
            i += 1;
        }
        if order != Ordering::Less {
            if order == Ordering::Greater && options.changes {
                changes.push(after[j].clone());
            }
            j += 1;
        }
    }
    (changes, without_duplicates(deletions))
}

fn diff_maps(
    before: &[Value],
    after: &[Value],
    of: &Type,
    key: &str,
    options: Options,
) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    let sorted = |list: &[Value]| -> Result<Vec<(String, Value)>, PatchError> {
        let named = |item: &Value| key_of(item, key).map(|value| (go_text(value), item.clone()));
        let mut named: Vec<(String, Value)> = list.iter().map(named).collect::<Result<_, _>>()?;
        // Elements of one key (ports of two protocols) end up in reverse, as apimachinery's sort leaves them.
        named.reverse();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(named)
    };
    let (before, after) = (sorted(before)?, sorted(after)?);
    let (mut changes, mut deletions) = (Vec::new(), Vec::new());
    let (mut i, mut j) = (0, 0);
    while i < before.len() || j < after.len() {
        let order = match (before.get(i), after.get(j)) {
            (Some(a), Some(b)) => a.0.cmp(&b.0),
            (Some(_), None) => Ordering::Less,
            _ => Ordering::Greater,
        };
        match order {
            Ordering::Equal => {
                if let (Value::Object(a), Value::Object(b)) = (&before[i].1, &after[j].1) {
                    let mut inner = diff_fields(a, b, of, options)?;
                    if !inner.is_empty() {
                        inner.insert(key.to_owned(), b[key].clone());
                        changes.push(Value::Object(inner));
                    }
                }
                (i, j) = (i + 1, j + 1);
            }
            Ordering::Less => {
                if options.deletions {
                    let mut element = Fields::new();
                    element.insert(key.to_owned(), key_of(&before[i].1, key)?.clone());
                    element.insert(DIRECTIVE.to_owned(), "delete".into());
                    deletions.push(Value::Object(element));
                }
                i += 1;
            }
            Ordering::Greater => {
                if options.changes {
                    changes.push(after[j].1.clone());
                }
                j += 1;
            }
        }
    }
    Ok((changes, deletions))
}
