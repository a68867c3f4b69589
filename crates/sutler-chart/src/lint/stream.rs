//! A rendered file as Kubernetes' `YAMLOrJSONDecoder` takes it apart: JSON values one after the other where it begins with `{`,
//! YAML documents otherwise, and YAML after JSON where that turns out not to be JSON.

use sutler_functions::json;
use sutler_template::Value;

use crate::decode::{DecodeError, Fields, Shape, json_kind_of_value, read_document_as};
use crate::text::is_space;
use crate::values::Documents;

/// How far the decoder looks for a `{`, in bytes.
const LOOK_AHEAD: usize = 4096;

/// What the linter reads of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
}

/// The objects of a text, one after the other. After an error there are none.
pub(super) struct Objects<'t> {
    text: &'t [u8],
    mode: Mode<'t>,
}

enum Mode<'t> {
    /// JSON from this place on, after so many values.
    Json {
        at: usize,
        count: usize,
    },
    Yaml(Documents<'t>),
    Ended,
}

impl<'t> Objects<'t> {
    pub(super) fn new(text: &'t [u8]) -> Objects<'t> {
        let start = String::from_utf8_lossy(&text[..text.len().min(LOOK_AHEAD)]);
        let mode = if start.trim_start_matches(is_space).starts_with('{') {
            Mode::Json { at: 0, count: 0 }
        } else {
            Mode::Yaml(Documents::new(text))
        };
        Objects { text, mode }
    }

    /// After JSON that is none: YAML, from the line on that follows the last value. With hardly anything left, Go gives up.
    fn yaml_from(&self, at: usize) -> Option<Documents<'t>> {
        let mut rest = &self.text[at..];
        loop {
            let start = String::from_utf8_lossy(rest.get(..4)?);
            let first = start.chars().next().filter(|first| *first != char::REPLACEMENT_CHARACTER)?;
            if !is_space(first) {
                break;
            }
            rest = &rest[first.len_utf8()..];
            if first == '\n' {
                break;
            }
        }
        Some(Documents::new(rest))
    }
}

impl Iterator for Objects<'_> {
    /// An object, nothing (an empty document), or why there is none, in Go's words.
    type Item = Result<Option<Head>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.mode {
            Mode::Ended => None,
            Mode::Yaml(documents) => {
                let read = documents.next()?.and_then(|document| of_yaml(&document));
                if read.is_err() {
                    self.mode = Mode::Ended;
                }
                Some(read)
            }
            Mode::Json { at, count } => {
                let (at, count) = (*at, *count);
                let (raw, shown) = match json::read_first(&self.text[at..]) {
                    Ok(None) => {
                        self.mode = Mode::Ended;
                        return None;
                    }
                    Ok(Some(first)) => match of_json(&first.value) {
                        Ok(head) => {
                            self.mode = Mode::Json { at: at + first.end, count: count + 1 };
                            return Some(Ok(head));
                        }
                        Err(problem) => (problem.clone(), problem),
                    },
                    Err((json::ReadError::UnexpectedEnd, _)) => {
                        ("unexpected EOF".to_owned(), "unexpected EOF".to_owned())
                    }
                    Err((error, offset)) => (error.to_string(), format!("json: offset {}: {error}", at + offset)),
                };
                // One value may be YAML in braces; more than one are JSON for certain.
                let yaml = if count > 1 { None } else { self.yaml_from(at) };
                self.mode = yaml.map_or(Mode::Ended, Mode::Yaml);
                match self.next() {
                    Some(Ok(head)) => Some(Ok(head)),
                    // What was wrong with the JSON is said, not what is wrong with the YAML.
                    Some(Err(_)) | None => Some(Err(if count > 1 { raw } else { shown })),
                }
            }
        }
    }
}

fn of_yaml(document: &[u8]) -> Result<Option<Head>, String> {
    head_of_yaml(document).map_err(|error| crate::text::error_chain(&error))
}

static HEAD: Shape = Shape::Struct(&[
    ("apiVersion", Shape::Text),
    ("kind", Shape::Text),
    ("metadata", Shape::Struct(&[("name", Shape::Text), ("namespace", Shape::Text)])),
]);

fn head_of_yaml(document: &[u8]) -> Result<Option<Head>, DecodeError> {
    let text = sutler_yaml::decode(document).map_err(DecodeError::Read)?;
    let node = read_document_as(&text, &HEAD)?;
    let mut head = Head::default();
    Fields::of_document(&node, "k8sYamlStruct", "rules.k8sYamlStruct")?.for_each(|name, field| {
        match name {
            "apiversion" => head.api_version = field.text("apiVersion")?,
            "kind" => head.kind = field.text("Kind")?,
            "metadata" => {
                let fields = field.nested(field.node, "Metadata", "k8sYamlMetadata", "rules.k8sYamlMetadata")?;
                fields.for_each(|name, field| {
                    match name {
                        "name" => head.name = field.text("Name")?,
                        "namespace" => drop(field.text("Namespace")?),
                        _ => {}
                    }
                    Ok(())
                })?;
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok((!node.is_null()).then_some(head))
}

/// As [`of_yaml`], but a number is no text here.
fn of_json(value: &Value) -> Result<Option<Head>, String> {
    let mismatch = |found: &Value, target: &str| {
        Err(format!("json: cannot unmarshal {} into Go {target}", json_kind_of_value(found)))
    };
    let object = match value {
        Value::Nil => return Ok(None),
        Value::Map(object) => object,
        other => return mismatch(other, "value of type rules.k8sYamlStruct"),
    };
    let mut head = Head::default();
    for (key, value) in object.entries() {
        let (target, field) = match key.to_str_lossy().to_ascii_lowercase().as_str() {
            "apiversion" => (&mut head.api_version, "apiVersion"),
            "kind" => (&mut head.kind, "Kind"),
            "metadata" => {
                let inner = match &value {
                    Value::Nil => continue,
                    Value::Map(inner) => inner,
                    other => {
                        return mismatch(other, "struct field k8sYamlStruct.Metadata of type rules.k8sYamlMetadata");
                    }
                };
                for (key, value) in inner.entries() {
                    let canonical = match key.to_str_lossy().to_ascii_lowercase().as_str() {
                        "name" => "Name",
                        "namespace" => "Namespace",
                        _ => continue,
                    };
                    match &value {
                        Value::Nil => {}
                        Value::String(text) if canonical == "Name" => head.name = text.to_str_lossy().into_owned(),
                        Value::String(_) => {}
                        other => {
                            let target = format!("struct field k8sYamlMetadata.Metadata.{canonical} of type string");
                            return mismatch(other, &target);
                        }
                    }
                }
                continue;
            }
            _ => continue,
        };
        match &value {
            Value::Nil => {}
            Value::String(text) => *target = text.to_str_lossy().into_owned(),
            other => return mismatch(other, &format!("struct field k8sYamlStruct.{field} of type string")),
        }
    }
    Ok(Some(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        Objects::new(text.as_bytes())
            .map(|object| match object {
                Ok(Some(head)) => format!("{} {} {}", head.api_version, head.kind, head.name),
                Ok(None) => "nothing".to_owned(),
                Err(problem) => format!("error: {problem}"),
            })
            .collect()
    }

    #[test]
    fn objects_come_as_kubernetes_decoder_reads_them() {
        // Recorded from k8s.io/apimachinery v0.35.1.
        for (text, expected) in [
            ("", vec![]),
            ("kind: A\n---\n# nothing\n---\nkind: 1\nmetadata: {name: yes}", vec![" A ", "nothing", " 1 true"]),
            ("---\nkind: A", vec![" A "]),
            ("kind: A\n--- x", vec!["error: invalid Yaml document separator: x"]),
            ("{\"kind\":\"A\"}{\"Kind\":\"B\",\"metadata\":{\"NAME\":\"n\"}}\n", vec![" A ", " B n"]),
            ("{\"kind\":\"A\"}\n---\nkind: B\n", vec![" A ", " B "]),
            ("{kind: A}\n", vec![" A "]),
            (
                "{kind: A\n",
                vec!["error: json: offset 2: invalid character 'k' looking for beginning of object key string"],
            ),
            ("{\"kind\":1}", vec![" 1 "]),
            (
                "{\"kind\":{}}",
                vec!["error: json: cannot unmarshal object into Go struct field k8sYamlStruct.Kind of type string"],
            ),
            ("{}{}{}x", vec!["  ", "  ", "  ", "error: invalid character 'x' looking for beginning of value"]),
            ("{\"kind\":\"A\"", vec!["error: unexpected EOF"]),
            ("kind: [A", vec!["error: error converting YAML to JSON: yaml: line 1: did not find expected ',' or ']'"]),
            (
                "[1]",
                vec![
                    "error: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type rules.k8sYamlStruct",
                ],
            ),
            (
                "metadata: {name: {}}",
                vec![
                    "error: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal object into Go struct field k8sYamlMetadata.Metadata.Name of type string",
                ],
            ),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }
}
