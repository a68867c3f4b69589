//! From nodes to any value type, as `sigs.k8s.io/yaml` converts YAML to JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::go_syntax::go_syntax;
use crate::node::{Data, Node, Position};

/// Makes values of some type out of a document; see [`convert`].
///
/// Numbers arrive as go-yaml resolved them. Helm's own untyped values (values files, `fromYaml`, `fromYamlArray`) turn all
/// three kinds into `float64`: a builder for them maps `int` and `uint` with `as f64`.
pub trait Build {
    /// The type being built.
    type Value;

    /// `null`.
    fn null(&mut self) -> Self::Value;
    /// `true` or `false`.
    fn bool(&mut self, value: bool) -> Self::Value;
    /// An integer with sign.
    fn int(&mut self, value: i64) -> Self::Value;
    /// An integer above `i64::MAX`.
    fn uint(&mut self, value: u64) -> Self::Value;
    /// A finite float.
    fn float(&mut self, value: f64) -> Self::Value;
    /// A string.
    fn string(&mut self, value: &str) -> Self::Value;
    /// A list.
    fn sequence(&mut self, items: Vec<Self::Value>) -> Self::Value;
    /// A map: keys are unique (of duplicates the last one won) and sorted bytewise.
    fn mapping(&mut self, entries: BTreeMap<String, Self::Value>) -> Self::Value;
}

/// Why a document cannot be expressed as JSON. Helm prints it after `error converting YAML to JSON: `.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// A key that is null or an integer above `i64::MAX`, in `sigs.k8s.io/yaml`'s words.
    #[error("unsupported map key of type: {kind}, key: {key}, value: {value}")]
    UnsupportedKey {
        /// Where the key stands.
        at: Position,
        /// Its Go type.
        kind: &'static str,
        /// The key in Go syntax.
        key: String,
        /// Its value in Go syntax.
        value: String,
    },
    /// `.inf` or `.nan`, in the words of Go's `encoding/json`.
    #[error("json: unsupported value: {value}")]
    UnsupportedValue {
        /// Where the number stands.
        at: Position,
        /// `+Inf`, `-Inf` or `NaN`.
        value: &'static str,
    },
}

impl ConvertError {
    /// Where the key or value stands.
    pub fn position(&self) -> Position {
        match self {
            ConvertError::UnsupportedKey { at, .. } | ConvertError::UnsupportedValue { at, .. } => *at,
        }
    }
}

/// Builds a value from a node, as `sigs.k8s.io/yaml` converts YAML to JSON: keys become text ([`Node::key_text`]), and of
/// duplicate keys the last one counts.
///
/// # Errors
///
/// Keys that are null or above `i64::MAX`, and numbers that JSON cannot hold. As in Go, where the numbers are met later,
/// such a key anywhere goes before such a number.
pub fn convert<B: Build>(node: &Node, builder: &mut B) -> Result<B::Value, ConvertError> {
    build(node, builder).or_else(|error| {
        check_keys(node)?;
        Err(error)
    })
}

// Recursion below is bounded: the reader refuses documents deeper than MAX_DEPTH.

fn build<B: Build>(node: &Node, builder: &mut B) -> Result<B::Value, ConvertError> {
    match &node.data {
        Data::Sequence(items) => {
            let mut built = Vec::with_capacity(items.len());
            for item in items {
                built.push(build(item, builder)?);
            }
            Ok(builder.sequence(built))
        }
        Data::Mapping(entries) => {
            // Sorted before it becomes a map, which then is built without searching.
            let fields = fields(entries)?;
            let mut built = Vec::with_capacity(fields.len());
            for (key, value) in fields {
                built.push((key.into_owned(), build(value, builder)?));
            }
            Ok(builder.mapping(built.into_iter().collect()))
        }
        _ => build_scalar(node, builder),
    }
}

// Apart from `build`, whose stack frame stays small by it.
fn build_scalar<B: Build>(node: &Node, builder: &mut B) -> Result<B::Value, ConvertError> {
    Ok(match &node.data {
        Data::Null | Data::Sequence(_) | Data::Mapping(_) => builder.null(),
        Data::Bool(value) => builder.bool(*value),
        Data::Int(value) => builder.int(*value),
        Data::Uint(value) => builder.uint(*value),
        Data::Float(value) if value.is_finite() => builder.float(*value),
        Data::Float(value) => {
            let value = match () {
                () if value.is_nan() => "NaN",
                () if *value > 0.0 => "+Inf",
                () => "-Inf",
            };
            return Err(ConvertError::UnsupportedValue { at: node.start, value });
        }
        Data::String(text) => builder.string(text),
    })
}

fn check_keys(node: &Node) -> Result<(), ConvertError> {
    match &node.data {
        Data::Sequence(items) => items.iter().try_for_each(check_keys),
        Data::Mapping(entries) => fields(entries)?.into_iter().try_for_each(|(_, value)| check_keys(value)),
        _ => Ok(()),
    }
}

/// The entries of a mapping in the order of the text of their keys; of equal keys the last.
fn fields(entries: &[(Node, Node)]) -> Result<Vec<(Cow<'_, str>, &Node)>, ConvertError> {
    let mut fields = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        fields.push((key.key_text().ok_or_else(|| unsupported_key(key, entries))?, value));
    }
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    // The sort is stable: the later of two stands behind, and is moved before what is dropped.
    fields.dedup_by(|later, kept| {
        let equal = later.0 == kept.0;
        if equal {
            kept.1 = later.1;
        }
        equal
    });
    Ok(fields)
}

/// Checks what [`convert`] would, without building anything.
///
/// # Errors
///
/// As [`convert`].
pub fn check(node: &Node) -> Result<(), ConvertError> {
    if is_plain(node) { Ok(()) } else { convert(node, &mut Nothing) }
}

/// Whether nothing below can fail, not even what a later entry replaces.
fn is_plain(node: &Node) -> bool {
    match &node.data {
        Data::Sequence(items) => items.iter().all(is_plain),
        Data::Mapping(entries) => entries.iter().all(|(key, value)| key.key_text().is_some() && is_plain(value)),
        Data::Float(value) => value.is_finite(),
        Data::Null | Data::Bool(_) | Data::Int(_) | Data::Uint(_) | Data::String(_) => true,
    }
}

/// A builder that keeps nothing: converting with it only finds errors.
struct Nothing;

impl Build for Nothing {
    type Value = ();

    fn null(&mut self) {}
    fn bool(&mut self, _value: bool) {}
    fn int(&mut self, _value: i64) {}
    fn uint(&mut self, _value: u64) {}
    fn float(&mut self, _value: f64) {}
    fn string(&mut self, _value: &str) {}
    fn sequence(&mut self, _items: Vec<()>) {}
    fn mapping(&mut self, _entries: BTreeMap<String, ()>) {}
}

fn unsupported_key(key: &Node, entries: &[(Node, Node)]) -> ConvertError {
    let kind = match key.data {
        Data::Uint(_) => "uint64",
        // What `%s` prints of a nil reflect.Type.
        _ => "%!s(<nil>)",
    };
    let last = entries.iter().rev().find(|(other, _)| other.data == key.data);
    let value = last.map(|(_, value)| go_syntax(&value.data)).unwrap_or_default();
    ConvertError::UnsupportedKey { at: key.start, kind, key: go_syntax(&key.data), value }
}

/// The node as JSON; see [`JsonBuilder`] about numbers.
///
/// # Errors
///
/// As [`convert`].
pub fn to_json(node: &Node) -> Result<serde_json::Value, ConvertError> {
    convert(node, &mut JsonBuilder)
}

/// Builds [`serde_json::Value`]s as Kubernetes reads its objects: integers stay integers, and whole floats (`1e3`) become
/// integers, since their JSON text is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonBuilder;

impl Build for JsonBuilder {
    type Value = serde_json::Value;

    fn null(&mut self) -> serde_json::Value {
        serde_json::Value::Null
    }
    fn bool(&mut self, value: bool) -> serde_json::Value {
        value.into()
    }
    fn int(&mut self, value: i64) -> serde_json::Value {
        value.into()
    }
    fn uint(&mut self, value: u64) -> serde_json::Value {
        value.into()
    }
    fn float(&mut self, value: f64) -> serde_json::Value {
        // The JSON text of a whole float has neither point nor exponent, and is read as an integer.
        match format!("{value}").parse::<i64>() {
            Ok(whole) => whole.into(),
            Err(_) => value.into(),
        }
    }
    fn string(&mut self, value: &str) -> serde_json::Value {
        value.into()
    }
    fn sequence(&mut self, items: Vec<serde_json::Value>) -> serde_json::Value {
        items.into()
    }
    fn mapping(&mut self, entries: BTreeMap<String, serde_json::Value>) -> serde_json::Value {
        serde_json::Value::Object(entries.into_iter().collect())
    }
}
