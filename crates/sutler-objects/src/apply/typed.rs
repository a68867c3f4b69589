//! Values seen through their type: checked, merged, compared, taken apart, as structured-merge-diff's package `typed` does.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fields::{FieldSet, PathElement, Scalar};
use crate::schema::{self, ListKind, Type};

/// What a type allows at a value. A [`Type::Deduced`] allows everything; the value decides.
#[derive(Clone, Copy, PartialEq)]
enum Atom {
    Scalar,
    List,
    Map,
    /// A free form value that is null or absent: handled as a map, unlike any other atom.
    Open,
}

fn atom(ty: &Type, value: Option<&Value>) -> Atom {
    match ty {
        Type::Scalar(_) => Atom::Scalar,
        Type::List { .. } => Atom::List,
        Type::Struct(_) | Type::Map { .. } => Atom::Map,
        Type::Deduced | Type::Atomic => match value {
            None | Some(Value::Null) => Atom::Open,
            Some(Value::Array(_)) => Atom::List,
            Some(Value::Object(_)) => Atom::Map,
            Some(_) => Atom::Scalar,
        },
    }
}

fn is_atomic_map(ty: &Type) -> bool {
    match ty {
        Type::Struct(of) => of.get().atomic,
        Type::Map { atomic, .. } => *atomic,
        Type::Atomic => true,
        _ => false,
    }
}

fn list_kind(ty: &Type) -> &ListKind {
    match ty {
        Type::List { kind, .. } => kind,
        _ => &ListKind::Atomic,
    }
}

/// The elements' type; of free form lists, which are atomic, it is never asked for.
fn element_type(ty: &Type) -> &Type {
    match ty {
        Type::List { of, .. } => of,
        other => other,
    }
}

/// The type of a map's entry. Unknown fields of structures were refused or dropped before; they count as free form.
fn entry_type<'a>(ty: &'a Type, name: &str) -> &'a Type {
    ty.field(name).unwrap_or(&Type::Deduced)
}

/// How a list that is a set or map names one of its elements.
fn element(kind: &ListKind, of: &Type, item: &Value) -> Result<PathElement, String> {
    let ListKind::Map(keys) = kind else {
        return match item {
            Value::Object(_) => Err("associative list without keys has an element that's a map type".to_owned()),
            Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
            Value::Null => Err("associative list without keys has an element that's an explicit null".to_owned()),
            scalar => Ok(PathElement::Value(Scalar(scalar.clone()))),
        };
    };
    let fields = match item {
        Value::Object(fields) => fields,
        Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    };
    let default = |key: &str| of.structure().and_then(|of| of.field(key)).and_then(|field| field.default.clone());
    let value = |key: &String| Some((key.clone(), Scalar(fields.get(key).cloned().or_else(|| default(key))?)));
    let mut named: Vec<(String, Scalar)> = keys.iter().filter_map(value).collect();
    if named.is_empty() {
        let quoted: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
            quoted.join(" ")
        ));
    }
    named.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(PathElement::Key(named))
}

fn elements(items: &[Value], ty: &Type) -> Vec<PathElement> {
    let named = |item| element(list_kind(ty), element_type(ty), item);
    // Lists are checked before they are walked; what has no name by then (a foreign null in a stored object) is left out.
    items.iter().filter_map(|item| named(item).ok()).collect()
}

/// What is wrong with `value` for its type; each text begins with the path. Two elements of one name are wrong too.
pub(super) fn problems(value: &Value, ty: &Type) -> Vec<String> {
    let mut found = Vec::new();
    check(value, ty, "", &mut found);
    found
}

fn check(value: &Value, ty: &Type, path: &str, found: &mut Vec<String>) {
    let mut wrong = |text: String| found.push(format!("{path}: {text}"));
    match (atom(ty, Some(value)), value) {
        (_, Value::Null) => {}
        (Atom::Scalar, value) => {
            if let Some(text) = scalar_problem(value, ty) {
                wrong(text);
            }
        }
        (Atom::List, Value::Array(items)) => {
            let kind = list_kind(ty);
            let mut seen = std::collections::BTreeSet::new();
            for (index, item) in items.iter().enumerate() {
                let name = if *kind == ListKind::Atomic {
                    Ok(PathElement::Index(index as i64))
                } else {
                    element(kind, element_type(ty), item)
                };
                match name {
                    Err(text) => {
                        found.push(format!("{path}: element {index}: {text}"));
                        return;
                    }
                    Ok(name) => {
                        let below = format!("{path}{name}");
                        if !seen.insert(name.clone()) {
                            found.push(format!("{path}: duplicate entries for key {name}"));
                        }
                        check(item, element_type(ty), &below, found);
                    }
                }
            }
        }
        (Atom::List, value) => wrong(format!("expected list, got &{{{value}}}")),
        (Atom::Map | Atom::Open, Value::Object(fields)) => {
            for (name, value) in fields {
                match ty.field(name) {
                    None => found.push(format!("{path}.{name}: field not declared in schema")),
                    Some(of) => check(value, of, &format!("{path}.{name}"), found),
                }
            }
        }
        (Atom::Map | Atom::Open, value) => wrong(format!("expected map, got &{{{value}}}")),
    }
}

fn scalar_problem(value: &Value, ty: &Type) -> Option<String> {
    use schema::Scalar as Kind;
    let Type::Scalar(kind) = ty else { return None };
    let go_type = match value {
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        _ => "",
    };
    match kind {
        Kind::String | Kind::Bytes if !value.is_string() => {
            Some(format!("expected string, got &value.valueUnstructured{{Value:{value}}}"))
        }
        Kind::Int32 | Kind::Int64 | Kind::Number if !value.is_number() => {
            Some(format!("expected numeric (int or float), got {go_type}"))
        }
        Kind::Boolean if !value.is_boolean() => Some(format!("expected boolean, got &{{{value}}}")),
        _ if value.is_array() || value.is_object() => Some(format!("expected any scalar, got &{{{value}}}")),
        _ => None,
    }
}

/// The fields of a value.
pub(super) fn field_set(value: &Value, ty: &Type) -> FieldSet {
    let mut set = FieldSet::default();
    add_fields(value, ty, &mut Vec::new(), &mut set);
    set
}

fn add_fields(value: &Value, ty: &Type, path: &mut Vec<PathElement>, set: &mut FieldSet) {
    match atom(ty, Some(value)) {
        Atom::Scalar => set.insert(path),
        Atom::List if *list_kind(ty) == ListKind::Atomic => set.insert(path),
        Atom::Map | Atom::Open if is_atomic_map(ty) => set.insert(path),
        Atom::List => {
            let items = value.as_array().map_or(&[][..], Vec::as_slice);
            let names = elements(items, ty);
            let mut count: BTreeMap<&PathElement, usize> = BTreeMap::new();
            names.iter().for_each(|name| *count.entry(name).or_default() += 1);
            for (name, item) in names.iter().zip(items) {
                path.push(name.clone());
                // Of elements of one name nobody owns what is inside.
                if count[name] == 1 {
                    add_fields(item, element_type(ty), path, set);
                }
                set.insert(path);
                path.pop();
            }
        }
        Atom::Map | Atom::Open => {
            for (name, value) in value.as_object().into_iter().flatten() {
                path.push(PathElement::Field(name.clone()));
                add_fields(value, entry_type(ty, name), path, set);
                let declared = ty.structure().is_some_and(|of| of.field(name).is_some());
                if !declared || value.is_null() || value.as_object().is_some_and(Map::is_empty) {
                    set.insert(path);
                }
                path.pop();
            }
        }
    }
}

fn is_hollow_map(value: Option<&Map<String, Value>>) -> bool {
    value.is_none_or(Map::is_empty)
}

fn is_hollow_list(value: Option<&Vec<Value>>) -> bool {
    value.is_none_or(Vec::is_empty)
}

/// The right value over the left one. `None`: nothing is left.
pub(super) fn merge(left: Option<&Value>, right: Option<&Value>, ty: &Type) -> Option<Value> {
    let leaf = || right.or(left).cloned();
    let chosen = if right.is_some() { atom(ty, right) } else { atom(ty, left) };
    match chosen {
        Atom::Scalar => leaf(),
        Atom::Map | Atom::Open => {
            let (l, r) = (left.and_then(Value::as_object), right.and_then(Value::as_object));
            if is_atomic_map(ty) || (is_hollow_map(l) && is_hollow_map(r)) {
                return leaf();
            }
            let names: std::collections::BTreeSet<&String> = l.into_iter().chain(r).flat_map(Map::keys).collect();
            let merged = |name: &String| {
                let value = merge(l.and_then(|l| l.get(name)), r.and_then(|r| r.get(name)), entry_type(ty, name))?;
                Some((name.clone(), value))
            };
            let out: Map<String, Value> = names.into_iter().filter_map(merged).collect();
            (!out.is_empty()).then_some(Value::Object(out))
        }
        Atom::List => {
            let (l, r) = (left.and_then(Value::as_array), right.and_then(Value::as_array));
            if *list_kind(ty) == ListKind::Atomic || (is_hollow_list(l) && is_hollow_list(r)) {
                return leaf();
            }
            let out = merge_lists(l.map_or(&[], Vec::as_slice), r.map_or(&[], Vec::as_slice), ty);
            (!out.is_empty()).then_some(Value::Array(out))
        }
    }
}

/// Elements of both lists: in the right one's order, those that only the left one has kept near their neighbours.
fn merge_lists(left: &[Value], right: &[Value], ty: &Type) -> Vec<Value> {
    const DUPLICATED: Value = Value::Null;
    let (left_names, right_names) = (elements(left, ty), elements(right, ty));
    let index = |names: &[PathElement], items: &[Value]| -> BTreeMap<PathElement, Value> {
        let mut found = BTreeMap::new();
        for (name, item) in names.iter().zip(items) {
            found.entry(name.clone()).and_modify(|value| *value = DUPLICATED).or_insert_with(|| item.clone());
        }
        found
    };
    let (in_left, in_right) = (index(&left_names, left), index(&right_names, right));
    let mut shared = right_names.iter().filter(|name| in_left.contains_key(*name));
    let mut next_shared = shared.next();
    let mut taken = std::collections::BTreeSet::new();
    let mut out = Vec::new();
    let item = |l: Option<&Value>, r: Option<&Value>| merge(l, r, element_type(ty));
    let (mut i, mut j) = (0, 0);
    while i < left_names.len() || j < right_names.len() {
        if let (Some(name), Some(right_name)) = (left_names.get(i), right_names.get(j)) {
            if name == right_name {
                taken.insert(name);
                out.extend(item(in_left.get(name), in_right.get(name)));
                (i, j) = (i + 1, j + 1);
                next_shared = shared.next();
                continue;
            }
            if in_right.contains_key(name) && next_shared.is_some_and(|next| next != name) {
                // Shared, but another one's turn: it comes with its place in the right list.
                i += 1;
                continue;
            }
        }
        if let Some(name) = left_names.get(i) {
            if !in_right.contains_key(name) {
                out.extend(item(left.get(i), None));
                i += 1;
                continue;
            }
            if taken.contains(name) {
                i += 1;
            }
        }
        if let Some(name) = right_names.get(j) {
            taken.insert(name);
            out.extend(item(in_left.get(name), in_right.get(name)));
            j += 1;
            if next_shared == Some(name) {
                next_shared = shared.next();
            }
        }
    }
    out
}

/// What differs between two values.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Comparison {
    pub(super) removed: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) added: FieldSet,
}

impl Comparison {
    /// Without the fields of `ignored` and those below them.
    pub(super) fn without(self, ignored: &FieldSet) -> Self {
        Self {
            removed: self.removed.difference_with_below(ignored),
            modified: self.modified.difference_with_below(ignored),
            added: self.added.difference_with_below(ignored),
        }
    }
}

/// Compares the fields of two values.
pub(super) fn compare(left: &Value, right: &Value, ty: &Type) -> Comparison {
    let mut comparison = Comparison::default();
    compare_at(Some(left), Some(right), ty, &mut Vec::new(), &mut comparison);
    comparison
}

fn compare_at(
    left: Option<&Value>,
    right: Option<&Value>,
    ty: &Type,
    path: &mut Vec<PathElement>,
    out: &mut Comparison,
) {
    let (of_left, of_right) = (atom(ty, left), atom(ty, right));
    let was_leaf = match (left, right) {
        (_, None) => compare_as(of_left, left, right, ty, path, out),
        (None, _) => compare_as(of_right, left, right, ty, path, out),
        _ if of_left == of_right => compare_as(of_right, left, right, ty, path, out),
        _ => {
            compare_as(of_left, left, right, ty, path, out);
            compare_as(of_right, left, right, ty, path, out)
        }
    };
    if !was_leaf {
        match (left, right) {
            (None, _) => out.added.insert(path),
            (_, None) => out.removed.insert(path),
            _ => {}
        }
    }
}

/// Whether the value was taken as a whole.
fn compare_as(
    atom: Atom,
    left: Option<&Value>,
    right: Option<&Value>,
    ty: &Type,
    path: &mut Vec<PathElement>,
    out: &mut Comparison,
) -> bool {
    let leaf = |path: &[PathElement], out: &mut Comparison| {
        match (left, right) {
            (None, _) => out.added.insert(path),
            (_, None) => out.removed.insert(path),
            (Some(left), Some(right)) if !same(left, right) => out.modified.insert(path),
            _ => {}
        }
        true
    };
    match atom {
        Atom::Scalar => leaf(path, out),
        Atom::Map | Atom::Open => {
            let (l, r) = (left.and_then(Value::as_object), right.and_then(Value::as_object));
            if is_atomic_map(ty) || (is_hollow_map(l) && is_hollow_map(r)) {
                return leaf(path, out);
            }
            let names: std::collections::BTreeSet<&String> = l.into_iter().chain(r).flat_map(Map::keys).collect();
            for name in names {
                path.push(PathElement::Field(name.clone()));
                compare_at(l.and_then(|l| l.get(name)), r.and_then(|r| r.get(name)), entry_type(ty, name), path, out);
                path.pop();
            }
            false
        }
        Atom::List => {
            let (l, r) = (left.and_then(Value::as_array), right.and_then(Value::as_array));
            if *list_kind(ty) == ListKind::Atomic || (is_hollow_list(l) && is_hollow_list(r)) {
                return leaf(path, out);
            }
            compare_lists(l.map_or(&[], Vec::as_slice), r.map_or(&[], Vec::as_slice), ty, path, out);
            false
        }
    }
}

fn compare_lists(left: &[Value], right: &[Value], ty: &Type, path: &mut Vec<PathElement>, out: &mut Comparison) {
    let mut both: BTreeMap<PathElement, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    for (name, item) in elements(left, ty).into_iter().zip(left) {
        both.entry(name).or_default().0.push(item);
    }
    for (name, item) in elements(right, ty).into_iter().zip(right) {
        both.entry(name).or_default().1.push(item);
    }
    let of = element_type(ty);
    for (name, (left, right)) in both {
        path.push(name);
        let (l, r) = (left.first().copied(), right.first().copied());
        match (left.len(), right.len()) {
            (0 | 1, 0 | 1) => compare_at(l, r, of, path, out),
            (2.., 2..) => {
                if left.len() != right.len() || left.iter().zip(&right).any(|(l, r)| !same(l, r)) {
                    out.modified.insert(path);
                }
            }
            (2.., _) => {
                if r.is_some() {
                    compare_at(None, r, of, path, out);
                }
                out.removed.insert(path);
            }
            _ => {
                if l.is_some() {
                    compare_at(l, None, of, path, out);
                }
                out.added.insert(path);
            }
        }
        path.pop();
    }
}

/// Equal as JSON, numbers by value (`1` and `1.0`).
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// The value without the fields of `set`. What is empty afterwards becomes null.
pub(super) fn remove(value: &Value, set: &FieldSet, ty: &Type) -> Value {
    match (atom(ty, Some(value)), value) {
        (Atom::Scalar, _) => value.clone(),
        (Atom::List, Value::Array(items)) if *list_kind(ty) != ListKind::Atomic => {
            let kept = |item: &Value| {
                let Ok(name) = element(list_kind(ty), element_type(ty), item) else { return Some(item.clone()) };
                if set.has(&name) {
                    return None;
                }
                Some(set.below(&name).map_or_else(|| item.clone(), |below| remove(item, below, element_type(ty))))
            };
            let left: Vec<Value> = items.iter().filter_map(kept).collect();
            if left.is_empty() { Value::Null } else { Value::Array(left) }
        }
        (Atom::Map | Atom::Open, Value::Object(fields)) if !is_atomic_map(ty) => {
            let kept = |(name, value): (&String, &Value)| {
                let element = PathElement::Field(name.clone());
                if set.has(&element) {
                    return None;
                }
                let value = set
                    .below(&element)
                    .map_or_else(|| value.clone(), |below| remove(value, below, entry_type(ty, name)));
                Some((name.clone(), value))
            };
            let left: Map<String, Value> = fields.iter().filter_map(kept).collect();
            if left.is_empty() { Value::Null } else { Value::Object(left) }
        }
        // Something is to be removed from inside what is one whole: the whole goes.
        _ => Value::Null,
    }
}
