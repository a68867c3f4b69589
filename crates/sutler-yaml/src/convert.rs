//! From nodes to any value type, as `sigs.k8s.io/yaml` converts YAML to JSON.

use std::collections::BTreeMap;

use crate::node::{Data, Node, Position};
use crate::number::go_float_text;

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
/// Keys that are null or above `i64::MAX`, and numbers that JSON cannot hold.
pub fn convert<B: Build>(node: &Node, builder: &mut B) -> Result<B::Value, ConvertError> {
    // Recursion is bounded: the reader refuses documents deeper than MAX_DEPTH.
    Ok(match &node.data {
        Data::Null => builder.null(),
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
        Data::Sequence(items) => {
            let items = items.iter().map(|item| convert(item, builder)).collect::<Result<_, _>>()?;
            builder.sequence(items)
        }
        Data::Mapping(entries) => {
            let mut built = BTreeMap::new();
            for (key, value) in entries {
                let Some(text) = key.key_text() else {
                    return Err(unsupported_key(key, value));
                };
                built.insert(text.into_owned(), convert(value, builder)?);
            }
            builder.mapping(built)
        }
    })
}

/// A value as Go's `%#v` prints it, for messages that quote values.
pub(crate) fn go_syntax(data: &Data) -> String {
    let mut text = String::new();
    push_go_syntax(data, Nested::No, &mut text);
    text
}

/// Whether a value stands inside another: Go prints a bare nil as `<nil>`, one inside an interface with its type.
#[derive(Clone, Copy)]
enum Nested {
    No,
    Yes,
}

fn push_go_syntax(data: &Data, nested: Nested, text: &mut String) {
    match data {
        Data::Null => text.push_str(match nested {
            Nested::No => "<nil>",
            Nested::Yes => "interface {}(nil)",
        }),
        Data::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Data::Int(value) => text.push_str(&value.to_string()),
        Data::Uint(value) => text.push_str(&format!("{value:#x}")),
        Data::Float(value) => text.push_str(&go_float_text(*value, 64)),
        Data::String(value) => push_go_quoted(value, text),
        Data::Sequence(items) => {
            text.push_str("[]interface {}{");
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                push_go_syntax(&item.data, Nested::Yes, text);
            }
            text.push('}');
        }
        Data::Mapping(entries) => {
            // fmt sorts maps by key; of duplicates the last one counts.
            let printed: BTreeMap<String, &Data> = entries
                .iter()
                .map(|(key, value)| {
                    let mut text = String::new();
                    push_go_syntax(&key.data, Nested::Yes, &mut text);
                    (text, &value.data)
                })
                .collect();
            text.push_str("map[interface {}]interface {}{");
            for (index, (key, value)) in printed.into_iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                text.push_str(&key);
                text.push(':');
                push_go_syntax(value, Nested::Yes, text);
            }
            text.push('}');
        }
    }
}

/// As `strconv.Quote`.
fn push_go_quoted(value: &str, text: &mut String) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\x07' => text.push_str("\\a"),
            '\x08' => text.push_str("\\b"),
            '\x0c' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\x0b' => text.push_str("\\v"),
            ' '..='~' => text.push(character),
            '\0'..='\x1f' | '\x7f' => text.push_str(&format!("\\x{:02x}", character as u32)),
            _ if is_go_printable(character) => text.push(character),
            _ if (character as u32) < 0x10000 => text.push_str(&format!("\\u{:04x}", character as u32)),
            _ => text.push_str(&format!("\\U{:08x}", character as u32)),
        }
    }
    text.push('"');
}

/// Close to Go's `unicode.IsPrint` beyond ASCII: no controls, separators, format characters, surrogates or private use.
fn is_go_printable(character: char) -> bool {
    !(character.is_control()
        || character.is_whitespace()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}' | '\u{f0000}'..))
}

fn unsupported_key(key: &Node, value: &Node) -> ConvertError {
    let kind = match key.data {
        Data::Uint(_) => "uint64",
        // What `%s` prints of a nil reflect.Type.
        _ => "%!s(<nil>)",
    };
    ConvertError::UnsupportedKey { at: key.start, kind, key: go_syntax(&key.data), value: go_syntax(&value.data) }
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
