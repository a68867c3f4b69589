//! Bodies in protobuf: what clients written in Go send for built-in kinds. They are read into the same JSON as the others;
//! answers are JSON, which those clients take as well.
//!
//! Field numbers and names come from a table (see `data/generate`). What the table does not know is skipped, as any reader of
//! protobuf does; fields that Go would leave out of JSON are left out.

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sutler_objects::object::MAX_DEPTH;

const TABLE: &str = include_str!("../data/protobuf.txt");

/// The media type of Kubernetes' protobuf.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// What every body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// A body that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtobufError {
    #[error("provided data does not appear to be a protobuf message, expected prefix {MAGIC:02x?}")]
    NoPrefix,
    #[error("unexpected end of a protobuf message")]
    Truncated,
    #[error("a field has wire type {0}, which is none")]
    WireType(u64),
    #[error("no kind \"{kind}\" is registered for version \"{version}\"")]
    UnknownKind { version: String, kind: String },
    #[error("a field of a protobuf message holds no JSON")]
    NoJson,
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Code {
    Text,
    Bytes,
    Integer,
    Boolean,
    Double,
    Message(&'static str),
    /// A message that is a list of texts.
    Texts,
}

/// How often a field may stand.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Once,
    List,
    Map,
}

#[derive(Debug)]
struct Field {
    /// As in JSON; `-` when the message's fields stand in its place.
    name: &'static str,
    code: Code,
    shape: Shape,
    zero_left_out: bool,
}

#[derive(Debug, Default)]
struct Table {
    /// Type names by `GROUP/VERSION KIND`; the core group is `-`.
    kinds: HashMap<&'static str, &'static str>,
    types: HashMap<&'static str, HashMap<u64, Field>>,
}

fn table() -> &'static Table {
    static PARSED: LazyLock<Table> = LazyLock::new(|| {
        let mut parsed = Table::default();
        let mut current = "";
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            if let Some(kind) = line.strip_prefix("kind ") {
                if let Some((kind, name)) = kind.rsplit_once(' ') {
                    parsed.kinds.insert(kind, name);
                }
            } else if let Some(name) = line.strip_prefix("type ") {
                current = name;
                parsed.types.entry(current).or_default();
            } else if let Some((number, field)) = parse_field(line) {
                parsed.types.entry(current).or_default().insert(number, field);
            }
        }
        parsed
    });
    &PARSED
}

fn parse_field(line: &'static str) -> Option<(u64, Field)> {
    let mut words = line.split_ascii_whitespace();
    let number = words.next()?.parse().ok()?;
    let name = words.next()?;
    let text = words.next()?;
    let (shape, inner) = match text.as_bytes() {
        [b'[', .., b']'] => (Shape::List, &text[1..text.len() - 1]),
        [b'{', .., b'}'] => (Shape::Map, &text[1..text.len() - 1]),
        _ => (Shape::Once, text),
    };
    let code = match inner {
        "s" => Code::Text,
        "b" => Code::Bytes,
        "i" => Code::Integer,
        "o" => Code::Boolean,
        "d" => Code::Double,
        "<s>" => Code::Texts,
        message => Code::Message(message.strip_prefix('.')?),
    };
    Some((number, Field { name, code, shape, zero_left_out: words.next() == Some("?") }))
}

/// Reads a body: the object in it, with its `apiVersion` and `kind`.
pub(crate) fn read(body: &[u8]) -> Result<Value, ProtobufError> {
    let envelope = body.strip_prefix(MAGIC).ok_or(ProtobufError::NoPrefix)?;
    let (mut version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for part in Parts(envelope) {
        match part? {
            (1, Wire::Bytes(type_meta)) => {
                for part in Parts(type_meta) {
                    match part? {
                        (1, Wire::Bytes(text)) => version = lossy(text),
                        (2, Wire::Bytes(text)) => kind = lossy(text),
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let name = type_of(&version, &kind)
        .ok_or_else(|| ProtobufError::UnknownKind { version: version.clone(), kind: kind.clone() })?;
    let mut object = message(name, raw, 0)?;
    if object.is_object() {
        object["apiVersion"] = json!(version);
        object["kind"] = json!(kind);
    }
    Ok(object)
}

fn type_of(version: &str, kind: &str) -> Option<&'static str> {
    // Options of a deletion are sent in the version of what is deleted.
    if kind == "DeleteOptions" {
        return Some("meta.v1.DeleteOptions");
    }
    let group_version = if version.contains('/') { version.to_string() } else { format!("-/{version}") };
    table().kinds.get(format!("{group_version} {kind}").as_str()).copied()
}

/// Reads a message of a type into JSON.
fn message(name: &str, bytes: &[u8], depth: usize) -> Result<Value, ProtobufError> {
    if depth > MAX_DEPTH {
        return Err(ProtobufError::TooDeep);
    }
    if let Some(value) = special(name, bytes, depth)? {
        return Ok(value);
    }
    let mut object = Map::new();
    fill(&mut object, name, bytes, depth)?;
    Ok(Value::Object(object))
}

/// Reads the fields of a message into an object.
fn fill(object: &mut Map<String, Value>, name: &str, bytes: &[u8], depth: usize) -> Result<(), ProtobufError> {
    if depth > MAX_DEPTH {
        return Err(ProtobufError::TooDeep);
    }
    let Some(fields) = table().types.get(name) else { return Ok(()) };
    for part in Parts(bytes) {
        let (number, wire) = part?;
        let Some(field) = fields.get(&number) else { continue };
        if field.name == "-" {
            if let (Code::Message(inner), Wire::Bytes(bytes)) = (field.code, wire) {
                fill(object, inner, bytes, depth + 1)?;
            }
            continue;
        }
        match field.shape {
            Shape::Once => {
                let value = scalar(field.code, wire, depth)?;
                if !(value.is_null() || field.zero_left_out && is_zero(&value)) {
                    object.insert(field.name.into(), value);
                }
            }
            Shape::List => {
                let list = object.entry(field.name).or_insert_with(|| json!([]));
                if let (Some(list), value) = (list.as_array_mut(), scalar(field.code, wire, depth)?) {
                    list.push(value);
                }
            }
            Shape::Map => {
                let Wire::Bytes(entry) = wire else { continue };
                let (mut key, mut value) = (String::new(), None);
                for part in Parts(entry) {
                    match part? {
                        (1, Wire::Bytes(text)) => key = lossy(text),
                        (2, wire) => value = Some(scalar(field.code, wire, depth)?),
                        _ => {}
                    }
                }
                let value = value.map_or_else(|| scalar(field.code, Wire::Bytes(&[]), depth), Ok)?;
                let map = object.entry(field.name).or_insert_with(|| json!({}));
                if let Some(map) = map.as_object_mut() {
                    map.insert(key, value);
                }
            }
        }
    }
    Ok(())
}

fn scalar(code: Code, wire: Wire<'_>, depth: usize) -> Result<Value, ProtobufError> {
    Ok(match (code, wire) {
        (Code::Text, Wire::Bytes(bytes)) => json!(lossy(bytes)),
        (Code::Bytes, Wire::Bytes(bytes)) => json!(BASE64.encode(bytes)),
        (Code::Integer, Wire::Varint(number)) => json!(number.cast_signed()),
        (Code::Boolean, Wire::Varint(number)) => json!(number != 0),
        (Code::Double, Wire::Fixed64(bits)) => json!(f64::from_bits(bits)),
        (Code::Message(name), Wire::Bytes(bytes)) => message(name, bytes, depth + 1)?,
        (Code::Texts, Wire::Bytes(bytes)) => {
            let texts = Parts(bytes).filter_map(|part| match part {
                Ok((1, Wire::Bytes(text))) => Some(Ok(json!(lossy(text)))),
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            });
            Value::Array(texts.collect::<Result<_, _>>()?)
        }
        // Another wire type than the field's: not this field.
        _ => Value::Null,
    })
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(set) => !set,
        _ => false,
    }
}

/// Types that have a JSON form of their own.
fn special(name: &str, bytes: &[u8], depth: usize) -> Result<Option<Value>, ProtobufError> {
    let field = |wanted: u64| -> Result<Option<Wire<'_>>, ProtobufError> {
        let mut found = None;
        for part in Parts(bytes) {
            let (number, wire) = part?;
            if number == wanted {
                found = Some(wire);
            }
        }
        Ok(found)
    };
    let number = |wanted: u64| -> Result<i64, ProtobufError> {
        Ok(if let Some(Wire::Varint(number)) = field(wanted)? { number.cast_signed() } else { 0 })
    };
    let content = |wanted: u64| -> Result<&[u8], ProtobufError> {
        Ok(if let Some(Wire::Bytes(bytes)) = field(wanted)? { bytes } else { &[] })
    };
    let embedded = |bytes: &[u8]| {
        if bytes.is_empty() {
            Ok(Value::Null)
        } else {
            serde_json::from_slice(bytes).map_err(|_| ProtobufError::NoJson)
        }
    };
    Ok(Some(match name {
        "resource.Quantity" => json!(lossy(content(1)?)),
        "intstr.IntOrString" if number(1)? == 1 => json!(lossy(content(3)?)),
        "intstr.IntOrString" => json!(number(2)?),
        // The zero time is no message content at all, and null in JSON.
        "meta.v1.Time" | "meta.v1.MicroTime" | "meta.v1.Timestamp" if bytes.is_empty() => Value::Null,
        "meta.v1.Time" | "meta.v1.Timestamp" => {
            Timestamp::from_second(number(1)?).map_or(Value::Null, |time| json!(time.to_string()))
        }
        "meta.v1.MicroTime" => {
            let nanoseconds = i32::try_from(number(2)?).unwrap_or(0);
            let time = Timestamp::new(number(1)?, nanoseconds / 1_000 * 1_000);
            time.map_or(Value::Null, |time| json!(format!("{time:.6}")))
        }
        "meta.v1.Duration" => json!(duration(number(1)?)),
        "runtime.RawExtension" | "meta.v1.FieldsV1" | "apiextensions.v1.JSON" => embedded(content(1)?)?,
        "apiextensions.v1.JSONSchemaPropsOrBool" => match field(2)? {
            Some(Wire::Bytes(schema)) => message("apiextensions.v1.JSONSchemaProps", schema, depth + 1)?,
            _ => json!(number(1)? != 0),
        },
        "apiextensions.v1.JSONSchemaPropsOrArray" => match field(1)? {
            Some(Wire::Bytes(schema)) => message("apiextensions.v1.JSONSchemaProps", schema, depth + 1)?,
            _ => {
                let mut schemas = Vec::new();
                for part in Parts(bytes) {
                    if let (2, Wire::Bytes(schema)) = part? {
                        schemas.push(message("apiextensions.v1.JSONSchemaProps", schema, depth + 1)?);
                    }
                }
                Value::Array(schemas)
            }
        },
        "apiextensions.v1.JSONSchemaPropsOrStringArray" => match field(1)? {
            Some(Wire::Bytes(schema)) => message("apiextensions.v1.JSONSchemaProps", schema, depth + 1)?,
            _ => {
                let mut texts = Vec::new();
                for part in Parts(bytes) {
                    if let (2, Wire::Bytes(text)) = part? {
                        texts.push(json!(lossy(text)));
                    }
                }
                Value::Array(texts)
            }
        },
        _ => return Ok(None),
    }))
}

/// Nanoseconds as Go prints a duration in whole seconds: `1h2m3s`.
fn duration(nanoseconds: i64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The value of a field as it is on the wire.
#[derive(Debug, Clone, Copy)]
enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32,
}

/// The fields of a message, one after another.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn varint(&mut self) -> Result<u64, ProtobufError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(ProtobufError::Truncated)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(ProtobufError::Truncated)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], ProtobufError> {
        let length = usize::try_from(length).map_err(|_| ProtobufError::Truncated)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(ProtobufError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn part(&mut self) -> Result<(u64, Wire<'a>), ProtobufError> {
        let tag = self.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => {
                let bytes = self.take(8)?;
                Wire::Fixed64(u64::from_le_bytes(bytes.try_into().map_err(|_| ProtobufError::Truncated)?))
            }
            2 => {
                let length = self.varint()?;
                Wire::Bytes(self.take(length)?)
            }
            5 => {
                self.take(4)?;
                Wire::Fixed32
            }
            other => return Err(ProtobufError::WireType(other)),
        };
        Ok((tag >> 3, wire))
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<(u64, Wire<'a>), ProtobufError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let part = self.part();
        if part.is_err() {
            self.0 = &[];
        }
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
        let mut field = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        field.extend_from_slice(content);
        field
    }

    fn envelope(version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let type_meta = [bytes(1, version.as_bytes()), bytes(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), bytes(1, &type_meta), bytes(2, raw)].concat()
    }

    #[test]
    fn every_type_that_the_table_names_is_in_it() {
        let known =
            |name: &str| table().types.contains_key(name) || special(name, &[], 0).is_ok_and(|value| value.is_some());
        for (name, fields) in &table().types {
            for field in fields.values() {
                if let Code::Message(of) = field.code {
                    assert!(known(of), "{name}.{} is a {of}", field.name);
                }
            }
        }
        assert!(table().kinds.len() > 60 && table().kinds.values().all(|name| known(name)));
    }

    #[test]
    fn a_secret_is_read_into_the_json_that_go_would_write() {
        let metadata = [bytes(1, b"x"), bytes(2, b""), bytes(8, b"")].concat();
        let entry = [bytes(1, b"key"), bytes(2, b"value")].concat();
        let raw = [bytes(1, &metadata), bytes(2, &entry), bytes(3, b"")].concat();
        let read = read(&envelope("v1", "Secret", &raw)).unwrap();
        assert_eq!(
            read,
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": {"key": "dmFsdWU="}})
        );
    }

    #[test]
    fn an_inlined_message_stands_in_its_parents_place() {
        // Volume { name, VolumeSource { emptyDir { medium } } }
        let volume = [bytes(1, b"v"), bytes(2, &bytes(2, &bytes(1, b"Memory")))].concat();
        let read = message("core.v1.Volume", &volume, 0).unwrap();
        assert_eq!(read, json!({"name": "v", "emptyDir": {"medium": "Memory"}}));
    }

    #[test]
    fn a_body_cut_anywhere_is_an_error_or_a_smaller_object_and_never_a_panic() {
        let whole = envelope("v1", "Secret", &bytes(1, &bytes(1, b"name")));
        for length in 0..whole.len() {
            let _ = read(&whole[..length]);
        }
        assert_eq!(read(b"{}"), Err(ProtobufError::NoPrefix));
        let unknown = ProtobufError::UnknownKind { version: "v9".into(), kind: "X".into() };
        assert_eq!(read(&envelope("v9", "X", b"")), Err(unknown));
    }
}
