//! Reads serde types from YAML nodes, so that an error knows its line and column.
//!
//! The types of [`super::model`] are read through this. Numbers and booleans are what the one YAML reader says they
//! are; nothing is converted from text behind a person's back.

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use sutler_yaml::{Data, Node};

use super::diagnostic::Place;

/// Why a node is not what was wanted.
#[derive(Debug)]
pub struct NodeError {
    /// What is wrong.
    pub message: String,
    /// Where; filled in by the innermost node that was being read.
    pub place: Option<Place>,
}

impl std::fmt::Display for NodeError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for NodeError {}

impl de::Error for NodeError {
    /// A number out of its range is told as one of a wrong type is.
    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    /// In words of the file, not of the program's types.
    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match found {
            de::Unexpected::Bool(value) => format!("the boolean {value}"),
            de::Unexpected::Unsigned(value) => format!("the number {value}"),
            de::Unexpected::Signed(value) => format!("the number {value}"),
            de::Unexpected::Float(value) => format!("the number {value}"),
            de::Unexpected::Str(text) => format!("the text `{text}`"),
            de::Unexpected::Unit | de::Unexpected::Option => "nothing".to_owned(),
            de::Unexpected::Seq => "a list".to_owned(),
            de::Unexpected::Map | de::Unexpected::StructVariant => "a map".to_owned(),
            other => other.to_string(),
        };
        let expected = match expected.to_string().as_str() {
            "u8" | "u16" | "u32" | "u64" => "a whole number, 0 or more".to_owned(),
            "i8" | "i16" | "i32" | "i64" => "a whole number".to_owned(),
            "f32" | "f64" => "a number".to_owned(),
            "a string" => "text".to_owned(),
            "a boolean" => "true or false".to_owned(),
            "a sequence" => "a list".to_owned(),
            words if words.starts_with("struct ") => "a map".to_owned(),
            words => words.to_owned(),
        };
        Self::custom(format!("expected {expected}, found {found}"))
    }

    fn custom<T: std::fmt::Display>(message: T) -> Self {
        NodeError { message: message.to_string(), place: None }
    }
}

impl NodeError {
    fn at(mut self, node: &Node) -> Self {
        self.place.get_or_insert_with(|| node.start.into());
        self
    }
}

/// Reads `T` from `node`.
///
/// # Errors
/// The first mismatch, with its place.
pub fn from_node<'de, T: de::Deserialize<'de>>(node: &'de Node) -> Result<T, NodeError> {
    T::deserialize(Reader(node))
}

struct Reader<'de>(&'de Node);

impl<'de> Reader<'de> {
    fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        let node = self.0;
        match &node.data {
            Data::Null => visitor.visit_unit(),
            Data::Bool(value) => visitor.visit_bool(*value),
            Data::Int(value) => visitor.visit_i64(*value),
            Data::Uint(value) => visitor.visit_u64(*value),
            Data::Float(value) => visitor.visit_f64(*value),
            Data::Sequence(items) => visitor.visit_seq(Items(items.iter())),
            Data::Mapping(entries) => visitor.visit_map(Entries { entries: entries.iter(), value: None, key: None }),
            _ => match node.as_str() {
                Some(text) => visitor.visit_borrowed_str(text),
                None => Err(de::Error::custom("this kind of YAML value has no place here")),
            },
        }
        .map_err(|error: NodeError| error.at(node))
    }
}

impl<'de> de::Deserializer<'de> for Reader<'de> {
    type Error = NodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        self.visit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        match self.0.data {
            Data::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, NodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NodeError> {
        let node = self.0;
        match node.as_str() {
            Some(text) => visitor.visit_enum(text.into_deserializer()).map_err(|error: NodeError| error.at(node)),
            None => Err(de::Error::custom(format!("expected one of {}, found {}", list(variants), describe(node)))),
        }
        .map_err(|error: NodeError| error.at(node))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

fn list(variants: &[&str]) -> String {
    variants.iter().map(|variant| format!("`{variant}`")).collect::<Vec<_>>().join(", ")
}

/// What a node is, for a message.
pub fn describe(node: &Node) -> String {
    match &node.data {
        Data::Null => "nothing".into(),
        Data::Bool(value) => format!("the boolean {value}"),
        Data::Int(value) => format!("the number {value}"),
        Data::Uint(value) => format!("the number {value}"),
        Data::Float(value) => format!("the number {value}"),
        Data::Sequence(_) => "a list".into(),
        Data::Mapping(_) => "a map".into(),
        _ => match node.as_str() {
            Some(text) => format!("the text `{text}`"),
            None => "a value".into(),
        },
    }
}

struct Items<'de>(std::slice::Iter<'de, Node>);

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = NodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, NodeError> {
        self.0.next().map(|node| seed.deserialize(Reader(node)).map_err(|error| error.at(node))).transpose()
    }
}

struct Entries<'de> {
    entries: std::slice::Iter<'de, (Node, Node)>,
    key: Option<&'de Node>,
    value: Option<&'de Node>,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = NodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, NodeError> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.key = Some(key);
        self.value = Some(value);
        // An unknown field is reported while its key is read: the place is the key's.
        seed.deserialize(Key(key)).map(Some).map_err(|error| error.at(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, NodeError> {
        let Some(value) = self.value.take() else { return Err(de::Error::custom("a value was read before its key")) };
        seed.deserialize(Reader(value)).map_err(|error| error.at(value))
    }
}

/// A map's key: text, or a plain value written out (`1: x` has the key `1`).
struct Key<'de>(&'de Node);

impl<'de> de::Deserializer<'de> for Key<'de> {
    type Error = NodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        match self.0.key_text() {
            Some(text) => visitor.visit_string(text.into_owned()),
            None => Err(de::Error::custom(format!("a key must be text, found {}", describe(self.0)))),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
