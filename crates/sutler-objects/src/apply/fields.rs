//! Sets of fields: which fields of an object somebody owns, as `metadata.managedFields` stores them (FieldsV1).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};

use crate::schema::Type;

/// One step from an object into it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathElement {
    /// A field or map entry: `f:name`.
    Field(String),
    /// The element of a list with these values of its keys, sorted by key: `k:{"name":"web"}`.
    Key(Vec<(String, Scalar)>),
    /// An element of a set: `v:"text"`.
    Value(Scalar),
    /// An element of a list by its place: `i:0`.
    Index(i64),
}

/// A JSON value with a total order: numbers, text, booleans, then the rest by their text.
#[derive(Debug, Clone)]
pub struct Scalar(pub Value);

impl Ord for Scalar {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |value: &Value| match value {
            Value::Number(_) => 0,
            Value::String(_) => 1,
            Value::Bool(_) => 2,
            _ => 3,
        };
        match (&self.0, &other.0) {
            (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)),
            },
            (Value::String(a), Value::String(b)) => a.cmp(b),
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (a, b) => rank(a).cmp(&rank(b)).then_with(|| a.to_string().cmp(&b.to_string())),
        }
    }
}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scalar {}

/// As in messages: `.spec`, `[name="web"]`, `[="text"]`, `[0]`.
impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathElement::Field(name) => write!(f, ".{name}"),
            PathElement::Key(keys) => {
                let pairs: Vec<String> = keys.iter().map(|(name, value)| format!("{name}={}", value.0)).collect();
                write!(f, "[{}]", pairs.join(","))
            }
            PathElement::Value(value) => write!(f, "[={}]", value.0),
            PathElement::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl PathElement {
    /// As FieldsV1 writes it.
    fn encode(&self) -> String {
        match self {
            PathElement::Field(name) => format!("f:{name}"),
            PathElement::Key(keys) => {
                let map: Map<String, Value> =
                    keys.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect();
                format!("k:{}", Value::Object(map))
            }
            PathElement::Value(value) => format!("v:{}", value.0),
            PathElement::Index(index) => format!("i:{index}"),
        }
    }

    fn decode(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        Some(match kind {
            "f" => PathElement::Field(rest.to_owned()),
            "v" => PathElement::Value(Scalar(serde_json::from_str(rest).ok()?)),
            "i" => PathElement::Index(rest.parse().ok()?),
            "k" => {
                let map: Map<String, Value> = serde_json::from_str(rest).ok()?;
                PathElement::Key(map.into_iter().map(|(name, value)| (name, Scalar(value))).collect())
            }
            _ => return None,
        })
    }
}

/// A set of fields, as a tree. A field may be a member without what is below it, and the other way round.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldSet {
    members: BTreeSet<PathElement>,
    children: BTreeMap<PathElement, FieldSet>,
}

impl FieldSet {
    /// Reads FieldsV1. `None` if it is not of that form.
    pub fn decode(fields: &Value) -> Option<Self> {
        let mut set = Self::default();
        for (text, below) in fields.as_object()? {
            if text == "." {
                continue;
            }
            let element = PathElement::decode(text)?;
            let below = below.as_object()?;
            if below.is_empty() || below.contains_key(".") {
                set.members.insert(element.clone());
            }
            let inner = Self::decode(&Value::Object(below.clone()))?;
            if !inner.is_empty() {
                set.children.insert(element, inner);
            }
        }
        Some(set)
    }

    /// Writes FieldsV1.
    pub fn encode(&self) -> Value {
        let mut fields = Map::new();
        for member in &self.members {
            fields.insert(member.encode(), Value::Object(Map::new()));
        }
        for (element, inner) in &self.children {
            let mut below = inner.encode();
            if let (true, Some(below)) = (self.members.contains(element), below.as_object_mut()) {
                below.insert(".".to_owned(), Value::Object(Map::new()));
            }
            fields.insert(element.encode(), below);
        }
        Value::Object(fields)
    }

    /// Adds a field; the fields above it are not added. The empty path (the whole object) is owned by nobody.
    pub fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(FieldSet::is_empty)
    }

    /// Whether the field at `path` is a member.
    pub fn contains(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|inner| inner.contains(rest)),
        }
    }

    /// Whether `element` itself is a member.
    pub(super) fn has(&self, element: &PathElement) -> bool {
        self.members.contains(element)
    }

    /// What is below `element`.
    pub(super) fn below(&self, element: &PathElement) -> Option<&FieldSet> {
        self.children.get(element).filter(|inner| !inner.is_empty())
    }

    /// What is in either.
    pub fn union(&self, other: &FieldSet) -> FieldSet {
        let mut out = self.clone();
        out.members.extend(other.members.iter().cloned());
        for (element, inner) in &other.children {
            let merged = out.children.get(element).map_or_else(|| inner.clone(), |own| own.union(inner));
            out.children.insert(element.clone(), merged);
        }
        out
    }

    /// What is in both.
    pub fn intersection(&self, other: &FieldSet) -> FieldSet {
        let both = |(element, inner): (&PathElement, &FieldSet)| {
            let shared = inner.intersection(other.children.get(element)?);
            (!shared.is_empty()).then(|| (element.clone(), shared))
        };
        FieldSet {
            members: self.members.intersection(&other.members).cloned().collect(),
            children: self.children.iter().filter_map(both).collect(),
        }
    }

    /// What is in this one and not in the other; a field in the other does not take those below it along.
    pub fn difference(&self, other: &FieldSet) -> FieldSet {
        let left = |(element, inner): (&PathElement, &FieldSet)| {
            let rest = other.children.get(element).map_or_else(|| inner.clone(), |other| inner.difference(other));
            (!rest.is_empty()).then(|| (element.clone(), rest))
        };
        FieldSet {
            members: self.members.difference(&other.members).cloned().collect(),
            children: self.children.iter().filter_map(left).collect(),
        }
    }

    /// What is in this one and neither in the other nor below a field of the other.
    pub fn difference_with_below(&self, other: &FieldSet) -> FieldSet {
        let left = |(element, inner): (&PathElement, &FieldSet)| {
            if other.members.contains(element) {
                return None;
            }
            let rest =
                other.children.get(element).map_or_else(|| inner.clone(), |other| inner.difference_with_below(other));
            (!rest.is_empty()).then(|| (element.clone(), rest))
        };
        FieldSet {
            members: self.members.difference(&other.members).cloned().collect(),
            children: self.children.iter().filter_map(left).collect(),
        }
    }

    /// The same set with the named fields above each member (not the list elements and map entries) made members too.
    pub(super) fn with_named_parents(&self, ty: Option<&Type>) -> FieldSet {
        let mut out = FieldSet { members: self.members.clone(), children: BTreeMap::new() };
        for (element, inner) in &self.children {
            let below = match (element, ty) {
                (PathElement::Field(name), Some(ty)) => {
                    if ty.structure().is_some_and(|of| of.field(name).is_some()) {
                        out.members.insert(element.clone());
                    }
                    ty.field(name)
                }
                (_, Some(Type::List { of, .. })) => Some(of.as_ref()),
                _ => None,
            };
            out.children.insert(element.clone(), inner.with_named_parents(below));
        }
        out
    }

    /// Every member's path, each field before what is below its siblings.
    pub fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect(&self, prefix: &mut Vec<PathElement>, out: &mut Vec<Vec<PathElement>>) {
        for member in &self.members {
            let mut path = prefix.clone();
            path.push(member.clone());
            out.push(path);
        }
        for (element, inner) in &self.children {
            prefix.push(element.clone());
            inner.collect(prefix, out);
            prefix.pop();
        }
    }
}

/// A path as messages show it: `.spec.containers[name="web"].image`.
pub fn path_text(path: &[PathElement]) -> String {
    path.iter().map(PathElement::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_v1_round_trips() {
        let fields = json!({
            "f:metadata": {"f:labels": {".": {}, "f:app": {}}, "f:finalizers": {"v:\"a\"": {}}},
            "f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}, "f:x": {"i:0": {}}},
        });
        let set = FieldSet::decode(&fields).unwrap();
        assert_eq!(set.encode(), fields);
        let paths: Vec<String> = set.paths().iter().map(|path| path_text(path)).collect();
        assert!(paths.contains(&r#".spec.ports[port=80,protocol="TCP"].port"#.to_owned()), "{paths:?}");
        assert!(paths.contains(&r#".metadata.finalizers[="a"]"#.to_owned()), "{paths:?}");
        assert_eq!(FieldSet::decode(&json!({"x": {}})), None);
    }

    #[test]
    fn sets_behave_as_sets() {
        let set = |fields: Value| FieldSet::decode(&fields).unwrap();
        let a = set(json!({"f:a": {"f:b": {}, "f:c": {}}, "f:d": {}}));
        let b = set(json!({"f:a": {"f:b": {}}, "f:e": {}}));
        assert_eq!(a.intersection(&b), set(json!({"f:a": {"f:b": {}}})));
        assert_eq!(a.difference(&b), set(json!({"f:a": {"f:c": {}}, "f:d": {}})));
        assert_eq!(a.union(&b), set(json!({"f:a": {"f:b": {}, "f:c": {}}, "f:d": {}, "f:e": {}})));
        assert_eq!(a.difference(&set(json!({"f:a": {}}))), a);
        assert_eq!(a.difference_with_below(&set(json!({"f:a": {}}))), set(json!({"f:d": {}})));
    }
}
