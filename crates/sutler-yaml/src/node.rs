//! What the reader returns: a tree of resolved values with their places in the text.

use std::borrow::Cow;
use std::fmt;

use crate::number::go_float_text;

/// A place in the text. Both numbers count from 1; columns count characters, not bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value and where it stands.
///
/// A node that came through an alias has the alias's position; what is inside it keeps the position of the anchored text.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value, as go-yaml resolves it.
    pub data: Data,
    /// Where it starts, its anchor and tag included.
    pub start: Position,
    /// Where it ends: the place after its last character. A block collection ends where the next token begins.
    pub end: Position,
}

/// A resolved value.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// `~`, `null`, `Null`, `NULL` or nothing at all.
    Null,
    /// A boolean, YAML 1.1's words included: `y n yes no on off`.
    Bool(bool),
    /// An integer that fits 64 bits with sign: decimal, `0x`, `0o`, `0b`, and octal with a leading `0`.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// Any other number, `.inf` and `.nan` included.
    Float(f64),
    /// Anything else. Timestamps stay text, and `!!binary` is decoded (bytes that are not UTF-8 become U+FFFD, one each, as
    /// in the JSON that Go writes).
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order of the text, with merge keys (`<<`) replaced by what they bring, and with duplicates:
    /// the last one counts.
    Mapping(Vec<(Node, Node)>),
}

impl Data {
    /// What it is, in a word for messages: `null`, `boolean`, `integer`, `number`, `string`, `sequence` or `mapping`.
    pub fn kind(&self) -> &'static str {
        match self {
            Data::Null => "null",
            Data::Bool(_) => "boolean",
            Data::Int(_) | Data::Uint(_) => "integer",
            Data::Float(_) => "number",
            Data::String(_) => "string",
            Data::Sequence(_) => "sequence",
            Data::Mapping(_) => "mapping",
        }
    }
}

impl Node {
    /// What it is, in a word for messages; see [`Data::kind`].
    pub fn kind(&self) -> &'static str {
        self.data.kind()
    }

    /// Whether the value is null.
    pub fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// The text of a string; `None` for every other kind.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.data {
            Data::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// An integer; floats are never rounded into one.
    pub fn as_i64(&self) -> Option<i64> {
        match self.data {
            Data::Int(value) => Some(value),
            _ => None,
        }
    }

    /// An integer that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self.data {
            Data::Int(value) => u64::try_from(value).ok(),
            Data::Uint(value) => Some(value),
            _ => None,
        }
    }

    /// Any number, integers rounded to the nearest float, as Helm's untyped values hold them.
    pub fn as_f64(&self) -> Option<f64> {
        match self.data {
            Data::Int(value) => Some(value as f64),
            Data::Uint(value) => Some(value as f64),
            Data::Float(value) => Some(value),
            _ => None,
        }
    }

    /// The items of a sequence; empty for every other kind.
    pub fn items(&self) -> &[Node] {
        match &self.data {
            Data::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The keys and values of a mapping in the order of the text, duplicates included; empty for every other kind.
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.data {
            Data::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key: of the last one, where a key is given twice.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Key and value, for the key's position; of the last one, where a key is given twice.
    ///
    /// Keys are compared as text, as [`Node::key_text`] gives it: `y: 2` is found under `true`.
    pub fn entry(&self, key: &str) -> Option<(&Node, &Node)> {
        let (found, value) =
            self.entries().iter().rev().find(|(node, _)| node.key_text().is_some_and(|text| text == key))?;
        Some((found, value))
    }

    /// Follows a path of keys and, in sequences, of indices written in decimal.
    ///
    /// ```
    /// let node = sutler_yaml::read("pools:\n- name: ray\n")?;
    /// let name = node.find(["pools", "0", "name"]).expect("the path exists");
    /// assert_eq!(name.as_str(), Some("ray"));
    /// assert_eq!(name.start.to_string(), "2:9");
    /// # Ok::<(), sutler_yaml::ReadError>(())
    /// ```
    pub fn find<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<&Node> {
        let mut node = self;
        for step in path {
            node = node.child(step)?;
        }
        Some(node)
    }

    /// The deepest node on a path that exists, and how many steps lead to it: where to point when the rest is missing.
    pub fn closest<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> (&Node, usize) {
        let mut node = self;
        let mut steps = 0;
        for step in path {
            match node.child(step) {
                Some(child) => (node, steps) = (child, steps + 1),
                None => break,
            }
        }
        (node, steps)
    }

    fn child(&self, step: &str) -> Option<&Node> {
        match &self.data {
            Data::Sequence(items) => items.get(step.parse::<usize>().ok()?),
            _ => self.get(step),
        }
    }

    /// Keys given more than once in this mapping (not below it): each repetition with the key that it repeats.
    ///
    /// Keys brought by a merge key (`<<`) take part, as in go-yaml's strict mode.
    pub fn duplicate_keys(&self) -> Vec<(&Node, &Node)> {
        let mut first: std::collections::BTreeMap<Cow<'_, str>, &Node> = std::collections::BTreeMap::new();
        let mut repeated = Vec::new();
        for (key, _) in self.entries() {
            let Some(text) = key.key_text() else { continue };
            match first.get(&text) {
                Some(earlier) => repeated.push((*earlier, key)),
                None => {
                    first.insert(text, key);
                }
            }
        }
        repeated
    }

    /// The node as an object's key, as `sigs.k8s.io/yaml` writes keys into JSON: integers in decimal (`0x10` is `16`),
    /// booleans as `true` and `false`, floats as the shortest text of a 32-bit float.
    ///
    /// `None` for what it refuses: null, integers above `i64::MAX`, and collections.
    pub fn key_text(&self) -> Option<Cow<'_, str>> {
        match &self.data {
            Data::String(text) => Some(Cow::Borrowed(text)),
            Data::Int(value) => Some(Cow::Owned(value.to_string())),
            Data::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Data::Float(value) if value.is_nan() => Some(Cow::Borrowed(".nan")),
            Data::Float(value) => Some(match (*value as f32, *value < 0.0) {
                (narrow, false) if narrow.is_infinite() => Cow::Borrowed(".inf"),
                (narrow, true) if narrow.is_infinite() => Cow::Borrowed("-.inf"),
                _ => Cow::Owned(go_float_text(*value, 32)),
            }),
            Data::Null | Data::Uint(_) | Data::Sequence(_) | Data::Mapping(_) => None,
        }
    }

    /// The node as the value of a string field of a Go struct, as `sigs.k8s.io/yaml` coerces it: numbers and booleans become
    /// text (`version: 1.10` is `1.1`), null is `None`.
    ///
    /// `None` too for collections, which Go refuses with `json: cannot unmarshal … into Go struct field … of type string`.
    pub fn field_text(&self) -> Option<Cow<'_, str>> {
        match &self.data {
            Data::String(text) => Some(Cow::Borrowed(text)),
            Data::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Data::Int(value) => Some(Cow::Owned(value.to_string())),
            Data::Uint(value) => Some(Cow::Owned(value.to_string())),
            Data::Float(value) => Some(Cow::Owned(go_float_text(*value, 32))),
            Data::Null | Data::Sequence(_) | Data::Mapping(_) => None,
        }
    }
}
