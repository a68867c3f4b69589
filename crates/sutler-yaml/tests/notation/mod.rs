//! The notation in which the judge and the tests exchange values, with Go's types kept apart.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sutler_yaml::{Build, Emit, Emitter, Node, WriteError, convert, decode, read, read_strict, write, write_pretty};

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().collect();
    let digit = |character: char| character.to_digit(16).expect("the judge writes hexadecimal") as u8;
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// Builds values in the notation. Whole floats become integers, as their JSON text makes them.
pub(crate) struct Tagged;

impl Build for Tagged {
    type Value = Value;

    fn null(&mut self) -> Value {
        Value::Null
    }
    fn bool(&mut self, value: bool) -> Value {
        json!({ "b": value })
    }
    fn int(&mut self, value: i64) -> Value {
        json!({ "i": value.to_string() })
    }
    fn uint(&mut self, value: u64) -> Value {
        json!({ "u": value.to_string() })
    }
    fn float(&mut self, value: f64) -> Value {
        let text = value.to_string();
        match (text.parse::<i64>(), text.parse::<u64>()) {
            (Ok(_), _) if text != "-0" => json!({ "i": text }),
            (Err(_), Ok(_)) => json!({ "u": text }),
            _ => json!({ "f": format!("{:016x}", value.to_bits()) }),
        }
    }
    fn string(&mut self, value: &str) -> Value {
        json!({ "s": hex(value.as_bytes()) })
    }
    fn sequence(&mut self, items: Vec<Value>) -> Value {
        json!({ "l": items })
    }
    fn mapping(&mut self, entries: BTreeMap<String, Value>) -> Value {
        let entries: serde_json::Map<String, Value> =
            entries.into_iter().map(|(key, value)| (hex(key.as_bytes()), value)).collect();
        json!({ "m": entries })
    }
}

/// A value in the notation, to be written.
pub(crate) struct Emitted<'v>(pub(crate) &'v Value);

impl Emit for Emitted<'_> {
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
        let Some((tag, inner)) = self.0.as_object().and_then(|tagged| tagged.iter().next()) else {
            return out.null();
        };
        let text = inner.as_str().unwrap_or("");
        match tag.as_str() {
            "b" => out.bool(inner == &Value::Bool(true)),
            "i" => out.int(text.parse().expect("the generator writes integers")),
            "u" => out.uint(text.parse().expect("the generator writes integers")),
            "f" => out.float(f64::from_bits(u64::from_str_radix(text, 16).expect("the generator writes bits"))),
            "s" => out.bytes(&unhex(text)),
            "l" => out.sequence(inner.as_array().into_iter().flatten().map(Emitted)),
            _ => {
                let fields = inner.as_object().into_iter().flatten();
                out.mapping(fields.map(|(key, value)| {
                    (String::from_utf8(unhex(key)).expect("generated keys are text"), Emitted(value))
                }))
            }
        }
    }
}

/// Whether two keys of a mapping differ, but not as text (1 and 1.0): which one wins is left to chance in Go.
fn is_ambiguous(node: &Node) -> bool {
    let clash = node.entries().iter().enumerate().any(|(index, (key, _))| {
        let text = key.key_text();
        node.entries()[index + 1..].iter().any(|(other, _)| other.data != key.data && other.key_text() == text)
    });
    clash || node.items().iter().any(is_ambiguous) || node.entries().iter().any(|(_, value)| is_ambiguous(value))
}

/// Our answer to a request to read; `ambiguous` where Go leaves it to chance.
pub(crate) fn read_answer(request: &Value) -> Value {
    let bytes = unhex(request["text"].as_str().expect("requests to read have a text"));
    let strict = request["op"] == "strict";
    let node = decode(&bytes).and_then(|text| if strict { read_strict(&text) } else { read(&text) });
    let ambiguous = node.as_ref().is_ok_and(is_ambiguous);
    let built = node
        .map_err(|error| error.to_string())
        .and_then(|node| convert(&node, &mut Tagged).map_err(|error| error.to_string()));
    match built {
        _ if ambiguous => json!({ "ambiguous": true }),
        Ok(Value::Null) => json!({}),
        Ok(value) => json!({ "value": value }),
        Err(error) => json!({ "error": error }),
    }
}

/// Our answer to a request to write.
pub(crate) fn write_answer(request: &Value) -> Value {
    let value = Emitted(&request["value"]);
    let written = if request["op"] == "pretty" { write_pretty(&value) } else { write(&value) };
    match written {
        Ok(text) => json!({ "text": hex(text.as_bytes()) }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}
