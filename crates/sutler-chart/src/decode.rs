//! YAML into the fields of a struct, as Go's `encoding/json` fills one after `sigs.k8s.io/yaml` made JSON of the text:
//! names match without regard to case, unknown names are passed over, scalars become text where text is wanted, and the
//! first value of a wrong type is reported in Go's words.

use std::collections::BTreeMap;

use sutler_functions::time::Zone;
use sutler_template::Value;
use sutler_yaml::{Data, Node};
use thiserror::Error;

/// Why a text is not the document that was expected. The texts are those that Helm prints.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The text is no YAML.
    #[error("error converting YAML to JSON")]
    Read(#[source] sutler_yaml::ReadError),
    /// The document cannot be JSON.
    #[error("error converting YAML to JSON")]
    Convert(#[source] sutler_yaml::ConvertError),
    /// A value has another type than its field.
    #[error("error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go {target}")]
    Type {
        /// JSON's word for what was found: `string`, `number`, `bool`, `array` or `object`.
        found: &'static str,
        /// The field and its type, e.g. `struct field Metadata.name of type string`.
        target: String,
    },
    /// A text is no time.
    #[error("error unmarshaling JSON: while decoding JSON: {0}")]
    Time(String),
}

/// Go's layout of the times in JSON.
pub const RFC_3339: &[u8] = b"2006-01-02T15:04:05Z07:00";

/// Where a document that is to be decoded has texts. A number that JSON does not have (`.inf`) is a text there; anywhere else it is
/// an error.
pub enum Shape {
    /// No texts.
    Any,
    /// A text.
    Text,
    /// A list of something.
    List(&'static Shape),
    /// Names with something.
    Map(&'static Shape),
    /// Fields.
    Struct(&'static [(&'static str, Shape)]),
}

/// Reads the first document of a text and checks that it can be JSON.
///
/// # Errors
/// [`DecodeError::Read`] and [`DecodeError::Convert`].
pub fn read_document(text: &str) -> Result<Node, DecodeError> {
    read_document_as(text, &Shape::Any)
}

/// As [`read_document`], for a document that is to be decoded into something with texts.
///
/// # Errors
/// As [`read_document`].
pub fn read_document_as(text: &str, shape: &Shape) -> Result<Node, DecodeError> {
    let node = sutler_yaml::read(text).map_err(DecodeError::Read)?;
    match sutler_yaml::check(&node) {
        Err(sutler_yaml::ConvertError::UnsupportedValue { .. }) => check_numbers(&node, shape),
        checked => checked,
    }
    .map_err(DecodeError::Convert)?;
    Ok(node)
}

/// The first number, in the order of the JSON, that JSON does not have and that is no text. The recursion is bounded by the reader.
fn check_numbers(node: &Node, shape: &Shape) -> Result<(), sutler_yaml::ConvertError> {
    match (&node.data, shape) {
        (Data::Float(_), Shape::Text) => Ok(()),
        (Data::Sequence(items), shape) => {
            let inner = if let Shape::List(inner) = shape { inner } else { &Shape::Any };
            items.iter().try_for_each(|item| check_numbers(item, inner))
        }
        (Data::Mapping(entries), shape) => {
            let fields: BTreeMap<_, _> =
                entries.iter().filter_map(|(key, value)| Some((key.key_text()?, value))).collect();
            fields.into_iter().try_for_each(|(key, value)| {
                let inner = match shape {
                    Shape::Map(inner) => inner,
                    Shape::Struct(fields) => {
                        let field = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(&key));
                        field.map_or(&Shape::Any, |(_, inner)| inner)
                    }
                    _ => &Shape::Any,
                };
                check_numbers(value, inner)
            })
        }
        _ => sutler_yaml::check(node),
    }
}

/// JSON's word for a value, in Go's messages.
pub fn json_kind(node: &Node) -> &'static str {
    match node.data {
        Data::Null => "null",
        Data::Bool(_) => "bool",
        Data::Int(_) | Data::Uint(_) | Data::Float(_) => "number",
        Data::String(_) => "string",
        Data::Sequence(_) => "array",
        Data::Mapping(_) => "object",
    }
}

/// As [`json_kind`], of a value.
pub fn json_kind_of_value(value: &Value) -> &'static str {
    match value {
        Value::Nil => "null",
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    }
}

/// A mapping that is being decoded into a struct.
pub struct Fields<'a> {
    /// Name and value in JSON's order (by name, bytewise), so that of two spellings of one field the later wins.
    entries: Vec<(String, &'a Node)>,
    /// The Go struct, for messages.
    structure: &'static str,
    /// The fields from the document down to this mapping, each with a dot after it, for messages.
    path: String,
}

impl<'a> Fields<'a> {
    /// The fields of a whole document: `structure` is the Go type's name (`Metadata`), `go_type` has its package too
    /// (`v2.Metadata`). Null is no fields.
    pub fn of_document(node: &'a Node, structure: &'static str, go_type: &str) -> Result<Fields<'a>, DecodeError> {
        match &node.data {
            Data::Null | Data::Mapping(_) => Ok(Fields::new(node, structure, String::new())),
            _ => Err(DecodeError::Type { found: json_kind(node), target: format!("value of type {go_type}") }),
        }
    }

    fn new(node: &'a Node, structure: &'static str, path: String) -> Fields<'a> {
        let mut entries: Vec<(String, &Node)> = Vec::new();
        for (key, value) in node.entries() {
            let Some(name) = key.key_text() else { continue };
            match entries.iter_mut().find(|(known, _)| *known == name) {
                Some(entry) => entry.1 = value,
                None => entries.push((name.into_owned(), value)),
            }
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Fields { entries, structure, path }
    }

    /// Runs `visit` for each field in the document's order (by name); the name is given in lower case. Null fields are left out.
    ///
    /// Go goes on after a value of a wrong type and reports the first; the outcome is the same, since any error refuses the whole.
    pub fn for_each(
        &self,
        mut visit: impl FnMut(&str, Field<'_, 'a>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        for (name, node) in &self.entries {
            if !node.is_null() {
                visit(&name.to_ascii_lowercase(), Field { node, fields: self })?;
            }
        }
        Ok(())
    }
}

/// One field that is not null.
#[derive(Clone, Copy)]
pub struct Field<'f, 'a> {
    /// The value.
    pub node: &'a Node,
    fields: &'f Fields<'a>,
}

impl<'a> Field<'_, 'a> {
    /// The error for a value of a wrong type. Go names the field as the struct does, which is how these structs spell it.
    pub fn mismatch(&self, node: &Node, canonical: &str, go_type: &str) -> DecodeError {
        let Fields { structure, path, .. } = self.fields;
        let target = format!("struct field {structure}.{path}{canonical} of type {go_type}");
        DecodeError::Type { found: json_kind(node), target }
    }

    /// The value as text: scalars become text as `sigs.k8s.io/yaml` makes it.
    pub fn text(&self, canonical: &str) -> Result<String, DecodeError> {
        self.node
            .field_text()
            .map(|text| text.into_owned())
            .ok_or_else(|| self.mismatch(self.node, canonical, "string"))
    }

    /// The value as a moment, in the text it was written: RFC 3339, as Go's `time.Time` reads it.
    pub fn time(&self) -> Result<String, DecodeError> {
        let Data::String(text) = &self.node.data else {
            return Err(DecodeError::Time("Time.UnmarshalJSON: input is not a JSON string".to_owned()));
        };
        match sutler_functions::time::parse(RFC_3339, text.as_bytes(), &Zone::Utc) {
            Ok(_) => Ok(text.clone()),
            Err(error) => Err(DecodeError::Time(error.to_string())),
        }
    }

    /// The value as a boolean.
    pub fn boolean(&self, canonical: &str) -> Result<bool, DecodeError> {
        self.node.as_bool().ok_or_else(|| self.mismatch(self.node, canonical, "bool"))
    }

    /// The value as a list; `go_type` is for the message.
    pub fn list(&self, canonical: &str, go_type: &str) -> Result<&'a [Node], DecodeError> {
        match &self.node.data {
            Data::Sequence(items) => Ok(items),
            _ => Err(self.mismatch(self.node, canonical, go_type)),
        }
    }

    /// The value as a list of texts; null items are empty texts.
    pub fn texts(&self, canonical: &str) -> Result<Vec<String>, DecodeError> {
        self.list(canonical, "[]string")?
            .iter()
            .map(|item| match (&item.data, item.field_text()) {
                (Data::Null, _) => Ok(String::new()),
                (_, Some(text)) => Ok(text.into_owned()),
                _ => Err(self.mismatch(item, canonical, "string")),
            })
            .collect()
    }

    /// The value as a map of texts.
    pub fn text_map(&self, canonical: &str) -> Result<BTreeMap<String, String>, DecodeError> {
        let Data::Mapping(entries) = &self.node.data else {
            return Err(self.mismatch(self.node, canonical, "map[string]string"));
        };
        let mut map = BTreeMap::new();
        for (key, value) in entries {
            let Some(key) = key.key_text() else { continue };
            map.insert(key.into_owned(), value);
        }
        map.into_iter()
            .map(|(key, value)| match (&value.data, value.field_text()) {
                (Data::Null, _) => Ok((key, String::new())),
                (_, Some(text)) => Ok((key, text.into_owned())),
                _ => Err(self.mismatch(value, canonical, "string")),
            })
            .collect()
    }

    /// The value (or one item of it) as a struct of its own: `structure` for the fields' messages, `go_type` for this one's.
    pub fn nested(
        &self,
        node: &'a Node,
        canonical: &str,
        structure: &'static str,
        go_type: &str,
    ) -> Result<Fields<'a>, DecodeError> {
        match node.data {
            Data::Mapping(_) => Ok(Fields::new(node, structure, format!("{}{canonical}.", self.fields.path))),
            _ => Err(self.mismatch(node, canonical, go_type)),
        }
    }
}
