//! Strategic merge patch, applied: lists merge by key or as sets where the type says so, and directives (`$patch`,
//! `$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…`) say what a plain merge cannot.
//!
//! Behaves as apimachinery's package `strategicpatch`, its limits included: a map of maps cannot be merged into, and an
//! unknown field is an error only where there is something to merge it with.

use serde_json::{Map, Value};

use super::PatchError;
use crate::object;
use crate::schema::{PatchStrategy, Type};

pub(super) const DIRECTIVE: &str = "$patch";
pub(super) const RETAIN_KEYS: &str = "$retainKeys";
pub(super) const DELETE_FROM: &str = "$deleteFromPrimitiveList";
pub(super) const SET_ORDER: &str = "$setElementOrder";

pub(super) type Fields = Map<String, Value>;
type Outcome<T> = Result<T, PatchError>;

/// What the target of a merge is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Onto {
    /// An object: directives are carried out, nulls that match nothing are dropped.
    Object,
    /// Another patch: directives and nulls are kept (how a three-way patch is put together).
    Patch,
}

/// Applies a strategic merge patch to an object of a built-in type. Custom resources have none: the API server answers 415
/// for them before it comes to this.
///
/// # Errors
/// See [`PatchError`].
pub fn strategic_merge_patch(target: &Value, patch: &Value, ty: &Type) -> Outcome<Value> {
    if !object::is_shallow(target) || !object::is_shallow(patch) {
        return Err(PatchError::TooDeep);
    }
    let (Value::Object(target), Value::Object(patch)) = (target, patch) else {
        return Err(PatchError::Malformed("invalid JSON document".to_owned()));
    };
    merge_fields(target.clone(), patch.clone(), ty, Onto::Object).map(Value::Object)
}

/// The type and strategy of a field, as Go's struct tags give them.
pub(super) fn field<'a>(ty: &'a Type, key: &str) -> Outcome<(&'a Type, &'a PatchStrategy)> {
    let Some(of) = ty.structure() else {
        return Err(PatchError::DoesNotFit(
            "merging an object in json but data type is not struct, instead is: map".to_owned(),
        ));
    };
    let missing = || {
        let name = of.name.rsplit('.').next().unwrap_or("");
        PatchError::DoesNotFit(format!("unable to find api field in struct {name} for the json field {key:?}"))
    };
    of.field(key).map(|field| (&field.ty, &field.patch)).ok_or_else(missing)
}

/// The same of a list, with the type of its elements.
pub(super) fn list_field<'a>(ty: &'a Type, key: &str) -> Outcome<(&'a Type, &'a PatchStrategy)> {
    match field(ty, key)? {
        (Type::List { of, .. }, strategy) => Ok((of, strategy)),
        _ => Err(PatchError::DoesNotFit("expected slice or array type, but got: struct".to_owned())),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elements {
    Maps,
    Scalars,
}

/// What all elements of some lists are.
pub(super) fn elements(lists: &[&[Value]]) -> Outcome<Elements> {
    let kind = |value: &Value| match value {
        Value::Object(_) => 0,
        Value::Array(_) => 1,
        Value::String(_) => 2,
        Value::Bool(_) => 3,
        Value::Number(number) if number.is_f64() => 4,
        Value::Number(_) => 5,
        Value::Null => 6,
    };
    let mut kinds = lists.iter().flat_map(|list| list.iter()).map(kind);
    let first =
        kinds.next().ok_or_else(|| PatchError::DoesNotFit("no elements in any of the given slices".to_owned()))?;
    match first {
        1 => Err(PatchError::DoesNotFit("lists of lists are not supported".to_owned())),
        _ if kinds.any(|kind| kind != first) => {
            let all: Vec<String> = lists.iter().map(|list| go_list(list)).collect();
            Err(PatchError::DoesNotFit(format!("list element types are not identical: [{}]", all.join(" "))))
        }
        0 => Ok(Elements::Maps),
        _ => Ok(Elements::Scalars),
    }
}

/// A value as Go's `%v` prints it.
pub(super) fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => go_list(items),
        Value::Object(fields) => {
            let pairs: Vec<String> = fields.iter().map(|(key, value)| format!("{key}:{}", go_text(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
        other => other.to_string(),
    }
}

fn go_list(items: &[Value]) -> String {
    format!("[{}]", items.iter().map(go_text).collect::<Vec<_>>().join(" "))
}

/// The merge key's value of an element.
pub(super) fn key_of<'a>(element: &'a Value, key: &str) -> Outcome<&'a Value> {
    let Value::Object(fields) = element else {
        return Err(PatchError::DoesNotFit(format!("expected a map, but received a {}", go_kind(element))));
    };
    let missing =
        || PatchError::DoesNotFit(format!("map: {} does not contain declared merge key: {key}", go_text(element)));
    fields.get(key).ok_or_else(missing)
}

fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}

pub(super) fn merge_fields(mut onto: Fields, mut patch: Fields, ty: &Type, mode: Onto) -> Outcome<Fields> {
    if let Some(directive) = patch.get(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => {
                patch.remove(DIRECTIVE);
                Ok(patch)
            }
            Some("delete") => Ok(Fields::new()),
            _ => Err(unknown_directive(directive, &patch)),
        };
    }
    retain_keys(&mut onto, &mut patch, mode)?;
    merge_ordered_lists(&mut onto, &mut patch, ty, mode)?;
    for (key, value) in patch {
        let mut name = key.as_str();
        let mut deletes = false;
        if name.starts_with(DELETE_FROM) {
            if mode == Onto::Patch {
                onto.insert(key, value);
                continue;
            }
            name = directive_target(name).ok_or(PatchError::BadDirective("invalid patch format of primitive list"))?;
            deletes = true;
        }
        if value.is_null() {
            onto.remove(name);
            if mode == Onto::Object {
                continue;
            }
        }
        let current = onto.remove(name);
        if let Some(merged) = merge_value(current, value, name, deletes, ty, mode)? {
            onto.insert(name.to_owned(), merged);
        }
    }
    Ok(onto)
}

fn unknown_directive(directive: &Value, patch: &Fields) -> PatchError {
    PatchError::DoesNotFit(format!(
        "unknown patch type: {} in map: {}",
        go_text(directive),
        go_text(&Value::Object(patch.clone()))
    ))
}

fn directive_target(key: &str) -> Option<&str> {
    key.split_once('/').map(|(_, name)| name)
}

fn merge_value(
    current: Option<Value>,
    value: Value,
    name: &str,
    deletes: bool,
    ty: &Type,
    mode: Onto,
) -> Outcome<Option<Value>> {
    match (current, value) {
        (Some(Value::Object(current)), Value::Object(patch)) => {
            let (of, strategy) = field(ty, name)?;
            if strategy.replace {
                return Ok(Some(Value::Object(patch)));
            }
            merge_fields(current, patch, of, mode).map(|fields| Some(Value::Object(fields)))
        }
        (Some(Value::Array(current)), Value::Array(patch)) => {
            let (of, strategy) = list_field(ty, name)?;
            if !strategy.merge && !deletes {
                return Ok(Some(Value::Array(patch)));
            }
            if deletes
                && mode == Onto::Object
                && !current.is_empty()
                && elements(&[&current, &patch])? == Elements::Scalars
            {
                let left = current.into_iter().filter(|item| !patch.contains(item)).collect();
                return Ok(Some(Value::Array(left)));
            }
            merge_list(current, patch, of, strategy.key.as_deref().unwrap_or(""), mode)
                .map(|items| Some(Value::Array(items)))
        }
        // A list to delete from that is not there.
        (current, _) if deletes => Ok(current),
        (_, mut value) => {
            if mode == Onto::Object {
                drop_nulls(&mut value);
            }
            Ok(without_directives(value))
        }
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// A value that is new to the object: elements and maps that only carry a `$patch` directive vanish.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(DIRECTIVE) => None,
        Value::Object(fields) => {
            let kept = |(key, value): (String, Value)| without_directives(value).map(|value| (key, value));
            Some(Value::Object(fields.into_iter().filter_map(kept).collect()))
        }
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}

fn retain_keys(onto: &mut Fields, patch: &mut Fields, mode: Onto) -> Outcome<()> {
    let Some(directive) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    if mode == Onto::Patch {
        match onto.get(RETAIN_KEYS) {
            Some(own) if *own != directive => {
                let text = format!(
                    "{} and {} are not deep equal: this may happen when calculating the 3-way diff patch",
                    go_text(own),
                    go_text(&directive)
                );
                return Err(PatchError::DoesNotFit(text));
            }
            Some(_) => {}
            None => {
                onto.insert(RETAIN_KEYS.to_owned(), directive);
            }
        }
        return Ok(());
    }
    const BAD: PatchError = PatchError::BadDirective("invalid patch format of retainKeys");
    let kept = directive.as_array().ok_or(BAD)?;
    let is_kept = |key: &str| kept.iter().any(|name| name.as_str() == Some(key));
    for (key, value) in patch.iter() {
        let directive = key.starts_with(DELETE_FROM) || key.starts_with(SET_ORDER);
        if !value.is_null() && !directive && !is_kept(key) {
            return Err(BAD);
        }
    }
    onto.retain(|key, _| is_kept(key));
    Ok(())
}

/// Merges the lists that come with a `$setElementOrder`, in that order, and takes both out of the patch.
fn merge_ordered_lists(onto: &mut Fields, patch: &mut Fields, ty: &Type, mode: Onto) -> Outcome<()> {
    const BAD: PatchError = PatchError::BadDirective("invalid patch format of setElementOrder list");
    let directives: Vec<String> = patch.keys().filter(|key| key.starts_with(SET_ORDER)).cloned().collect();
    for directive in directives {
        let Some(order) = patch.remove(&directive) else { continue };
        if mode == Onto::Patch {
            match onto.get(&directive) {
                Some(own) if *own != order => return Err(BAD),
                Some(_) => {}
                None => {
                    onto.insert(directive.clone(), order.clone());
                }
            }
        }
        let order = into_list(order)?;
        let name = directive_target(&directive).ok_or(BAD)?;
        let current = onto.get(name).cloned().map(into_list).transpose()?;
        let patched = patch.get(name).cloned().map(into_list).transpose()?;
        let (of, strategy) = list_field(ty, name)?;
        let key = strategy.key.as_deref().unwrap_or("");
        check_order(patched.as_deref().unwrap_or(&[]), &order, key)?;
        let merged = match (&current, &patched) {
            (None, None) => continue,
            (Some(current), None) => current.clone(),
            (None, Some(patched)) => match without_directives(Value::Array(patched.clone())) {
                Some(Value::Array(items)) => items,
                _ => continue,
            },
            (Some(current), Some(patched)) if strategy.merge => {
                merge_list(current.clone(), patched.clone(), of, key, mode)?
            }
            (Some(_), Some(patched)) => patched.clone(),
        };
        let (ordered, others) = partition(merged, &order, key)?;
        let (mut current, patched) = (current.unwrap_or_default(), patched.unwrap_or_default());
        let kind = elements(&[&current, &patched])?;
        if kind == Elements::Maps {
            reuse_places(&mut current, &patched, key);
        }
        onto.insert(name.to_owned(), Value::Array(in_order(ordered, others, &order, &current, key, kind)?));
        patch.remove(name);
    }
    Ok(())
}

/// What becomes of the object's list, by whose order the others are placed, while the patch is merged into it: apimachinery
/// deletes in place and lets new elements take the places at the end that became free. It shows in the order of elements
/// that are not in the patch, so it is done here as well.
fn reuse_places(list: &mut [Value], patch: &[Value], key: &str) {
    let mut length = list.len();
    for deleted in patch.iter().filter(|element| is_deletion(element)) {
        while let Some(at) = list[..length].iter().position(|item| item.get(key) == deleted.get(key)) {
            let last = list[length - 1].clone();
            list[at..length].rotate_left(1);
            list[length - 1] = last;
            length -= 1;
        }
    }
    let replaces = |element: &Value| element.get(DIRECTIVE).and_then(Value::as_str) == Some("replace");
    if patch.iter().any(replaces) {
        return;
    }
    for added in patch.iter().filter(|element| element.get(DIRECTIVE).is_none()) {
        let known = list[..length].iter().any(|item| item.get(key) == added.get(key));
        if !known && length < list.len() {
            list[length] = added.clone();
            length += 1;
        }
    }
}

fn into_list(value: Value) -> Outcome<Vec<Value>> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(PatchError::DoesNotFit(format!("expected a slice, but received a {}", go_kind(&other)))),
    }
}

fn is_deletion(element: &Value) -> bool {
    element.get(DIRECTIVE).and_then(Value::as_str) == Some("delete")
}

fn same_key(a: &Value, b: &Value, key: &str) -> Outcome<bool> {
    if key.is_empty() { Ok(a == b) } else { Ok(key_of(a, key)? == key_of(b, key)?) }
}

/// The patch's elements must come in the order of the directive.
fn check_order(patch: &[Value], order: &[Value], key: &str) -> Outcome<()> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    if let (false, Some(wrong)) = (key.is_empty(), patch.iter().find(|element| !element.is_object())) {
        return Err(PatchError::DoesNotFit(format!("expected a map, but received a {}", go_kind(wrong))));
    }
    let wanted: Vec<&Value> = patch.iter().filter(|element| key.is_empty() || !is_deletion(element)).collect();
    let (mut next, mut place) = (0, 0);
    while next < wanted.len() && place < order.len() {
        if wanted[next].get(DIRECTIVE).is_some() {
            next += 1;
            continue;
        }
        if same_key(wanted[next], &order[place], key)? {
            next += 1;
        }
        place += 1;
    }
    // Strictly, even a directive may not come after the last element of the order.
    if next < wanted.len() {
        let (patch, order) = (go_list(patch), go_list(order));
        return Err(PatchError::DoesNotFit(format!(
            "The order in patch list:\n{patch}\n doesn't match {SET_ORDER} list:\n{order}\n"
        )));
    }
    Ok(())
}

fn merge_list(current: Vec<Value>, patch: Vec<Value>, of: &Type, key: &str, mode: Onto) -> Outcome<Vec<Value>> {
    if current.is_empty() && patch.is_empty() {
        return Ok(current);
    }
    let kind = elements(&[&current, &patch])?;
    let (merged, current, patch) = match kind {
        Elements::Scalars => {
            let both = current.iter().chain(&patch).cloned().collect();
            (without_duplicates(both), current, patch)
        }
        Elements::Maps => {
            if key.is_empty() {
                return Err(PatchError::DoesNotFit("cannot merge lists without merge key for struct".to_owned()));
            }
            let (current, patch) = carry_out_directives(current, patch, key)?;
            let mut merged = current.clone();
            for element in &patch {
                let wanted = key_of(element, key)?;
                match merged.iter().position(|item| item.get(key) == Some(wanted)) {
                    Some(at) => {
                        let (Value::Object(own), Value::Object(fields)) = (merged[at].take(), element.clone()) else {
                            continue;
                        };
                        merged[at] = Value::Object(merge_fields(own, fields, of, mode)?);
                    }
                    None => merged.push(element.clone()),
                }
            }
            (merged, current, patch)
        }
    };
    let (patched, others) = partition(merged, &patch, key)?;
    in_order(patched, others, &patch, &current, key, kind)
}

/// Deletes what the patch's elements say, or replaces all; returns the list and the patch without these elements.
fn carry_out_directives(mut current: Vec<Value>, patch: Vec<Value>, key: &str) -> Outcome<(Vec<Value>, Vec<Value>)> {
    let mut plain = Vec::new();
    let mut replaces = false;
    for element in patch {
        let Some(directive) = element.get(DIRECTIVE) else {
            plain.push(element);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let wanted = key_of(&element, key)?;
                current.retain(|item| item.get(key) != Some(wanted));
            }
            Some("replace") => replaces = true,
            Some("merge") => {
                return Err(PatchError::DoesNotFit("merging lists cannot yet be specified in the patch".to_owned()));
            }
            _ => return Err(unknown_directive(directive, element.as_object().unwrap_or(&Fields::new()))),
        }
    }
    Ok(if replaces { (plain, Vec::new()) } else { (current, plain) })
}

/// As apimachinery's: a later duplicate's place is taken by the last element.
pub(super) fn without_duplicates(mut items: Vec<Value>) -> Vec<Value> {
    let mut first = 0;
    while first + 1 < items.len() {
        let mut later = first + 1;
        while later < items.len() {
            if items[first] == items[later] {
                items.swap_remove(later);
            } else {
                later += 1;
            }
        }
        first += 1;
    }
    items
}

/// What is named in `by`, and the rest.
fn partition(items: Vec<Value>, by: &[Value], key: &str) -> Outcome<(Vec<Value>, Vec<Value>)> {
    let mut named = Vec::new();
    let mut others = Vec::new();
    for item in items {
        let found = if key.is_empty() {
            by.contains(&item)
        } else {
            let wanted = key_of(&item, key)?;
            by.iter().any(|element| element.get(key) == Some(wanted))
        };
        if found { named.push(item) } else { others.push(item) }
    }
    Ok((named, others))
}

fn place(list: &[Value], item: &Value, key: &str, kind: Elements) -> Option<usize> {
    match kind {
        Elements::Maps => list.iter().position(|element| element.get(key) == item.get(key)),
        Elements::Scalars => list.iter().position(|element| element == item),
    }
}

/// `items` in the order of `order`; elements to delete come last.
pub(super) fn sorted_by(items: Vec<Value>, order: &[Value], key: &str, kind: Elements) -> Outcome<Vec<Value>> {
    if kind == Elements::Maps {
        for item in items.iter().chain(order) {
            key_of(item, key)?;
        }
    }
    let (deleted, mut kept): (Vec<Value>, Vec<Value>) =
        items.into_iter().partition(|item| kind == Elements::Maps && is_deletion(item));
    kept.sort_by_key(|item| place(order, item, key, kind).unwrap_or(usize::MAX));
    kept.extend(deleted);
    Ok(kept)
}

/// The patch's elements in the patch's order, with the others between them where the object's order has them.
fn in_order(
    patched: Vec<Value>,
    others: Vec<Value>,
    order: &[Value],
    current: &[Value],
    key: &str,
    kind: Elements,
) -> Outcome<Vec<Value>> {
    let mut patched = sorted_by(patched, order, key, kind)?.into_iter().peekable();
    let mut others = sorted_by(others, current, key, kind)?.into_iter().peekable();
    let mut out = Vec::new();
    loop {
        let other_first = match (others.peek(), patched.peek()) {
            (None, None) => return Ok(out),
            (Some(other), Some(patched)) => {
                matches!((place(current, other, key, kind), place(current, patched, key, kind)), (Some(a), Some(b)) if a < b)
            }
            (other, _) => other.is_some(),
        };
        out.extend(if other_first { others.next() } else { patched.next() });
    }
}

#[cfg(test)]
mod tests;
