//! Writing TOML: plain keys before tables, sorted bytewise, nested tables indented.

use sutler_template::{Map, Str, Value};

use super::{LOCAL_DATE, LOCAL_DATETIME, LOCAL_TIME};
use crate::dates::TimeValue;
use crate::depth::{self, MAX_DEPTH, TooDeep};
use crate::show;
use crate::time::format;

/// Why a value has no TOML; the texts are the library's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum WriteError {
    #[error("toml: cannot encode array with nil element")]
    NilElement,
    #[error("toml: top-level values must be Go maps or structs")]
    NoKey,
    #[error("reflect: call of reflect.Value.Type on zero Value")]
    Nil,
    #[error("unsupported type: {0}")]
    Unsupported(&'static str),
    #[error(transparent)]
    TooDeep(#[from] TooDeep),
}

/// What a value is in TOML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Nil, which is left out.
    Nothing,
    Plain,
    Table,
    Tables,
}

/// Where counting starts: every table's line repeats its whole key, so that a thousand levels (two hundred in a browser) are enough.
const OUTERMOST: usize = MAX_DEPTH - if cfg!(target_family = "wasm") { 200 } else { 1000 };

pub(super) fn write(value: &Value) -> Result<Vec<u8>, WriteError> {
    let mut writer = Writer { out: Vec::new(), key: Vec::new() };
    match value {
        Value::Nil => return Err(WriteError::Nil),
        Value::Map(map) if map.is_nil() => {}
        Value::Map(map) => writer.table(map, OUTERMOST)?,
        value => match shape(value, OUTERMOST)? {
            Shape::Tables => return Err(WriteError::NoKey),
            Shape::Table => writer.table(&fields(value), OUTERMOST)?,
            _ => writer.element(value, OUTERMOST)?,
        },
    }
    Ok(writer.out)
}

/// The fields of a struct as a map.
fn fields(value: &Value) -> Map {
    match value {
        Value::Map(map) => map.clone(),
        Value::Object(object) => object.fields().into_iter().collect(),
        _ => Map::new(),
    }
}

fn shape(value: &Value, depth: usize) -> Result<Shape, WriteError> {
    Ok(match value {
        Value::Nil => Shape::Nothing,
        Value::Map(map) if map.is_nil() => Shape::Nothing,
        Value::List(list) if list.is_nil() => Shape::Nothing,
        Value::Map(_) => Shape::Table,
        Value::List(list) => {
            let mut tables = !list.is_empty();
            for item in list.iter() {
                match depth::descend(depth, |depth| shape(&item, depth))? {
                    Shape::Nothing => return Err(WriteError::NilElement),
                    Shape::Table => {}
                    _ => tables = false,
                }
            }
            if tables { Shape::Tables } else { Shape::Plain }
        }
        Value::Object(object) if object.string().is_none() && object.underlying().is_none() => Shape::Table,
        Value::Complex128(..) | Value::Function(_) => {
            return Err(WriteError::Unsupported(value.kind().map_or("invalid", |kind| kind.name())));
        }
        _ => Shape::Plain,
    })
}

struct Writer {
    out: Vec<u8>,
    key: Vec<Str>,
}

fn push_quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..=0x1f | 0x7f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            byte => out.push(byte),
        }
    }
    out.push(b'"');
}

/// A part of a key, quoted where it has to be.
pub(super) fn push_key(out: &mut Vec<u8>, key: &[u8]) {
    if !key.is_empty() && key.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        out.extend_from_slice(key);
    } else {
        push_quoted(out, key);
    }
}

impl Writer {
    fn newline(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }

    fn indentation(&mut self) {
        self.out.extend(std::iter::repeat_n(b' ', 2 * self.key.len().saturating_sub(1)));
    }

    fn whole_key(&mut self) {
        for (index, part) in self.key.iter().enumerate() {
            if index > 0 {
                self.out.push(b'.');
            }
            push_key(&mut self.out, part.as_bytes());
        }
    }

    /// The entries of a table: plain ones, then tables.
    fn table(&mut self, map: &Map, depth: usize) -> Result<(), WriteError> {
        let mut tables = Vec::new();
        for (key, value) in map.entries() {
            match shape(&value, depth)? {
                Shape::Nothing => {}
                Shape::Plain => {
                    self.key.push(key);
                    self.indentation();
                    if let Some(key) = self.key.last() {
                        push_key(&mut self.out, key.as_bytes());
                    }
                    self.out.extend_from_slice(b" = ");
                    self.element(&value, depth)?;
                    self.newline();
                    self.key.pop();
                }
                Shape::Table | Shape::Tables => tables.push((key, value)),
            }
        }
        for (key, value) in tables {
            self.key.push(key);
            match &value {
                Value::List(list) => {
                    for item in list.iter() {
                        self.newline();
                        self.indentation();
                        self.out.extend_from_slice(b"[[");
                        self.whole_key();
                        self.out.extend_from_slice(b"]]");
                        self.newline();
                        depth::descend(depth, |depth| self.table(&fields(&item), depth))?;
                    }
                }
                value => {
                    if self.key.len() == 1 {
                        self.newline();
                    }
                    self.indentation();
                    self.out.push(b'[');
                    self.whole_key();
                    self.out.push(b']');
                    self.newline();
                    depth::descend(depth, |depth| self.table(&fields(value), depth))?;
                }
            }
            self.key.pop();
        }
        Ok(())
    }

    /// A value on one line.
    fn element(&mut self, value: &Value, depth: usize) -> Result<(), WriteError> {
        match value {
            Value::String(text) => push_quoted(&mut self.out, text.as_bytes()),
            Value::Float64(_) | Value::Float32(_) => self.float(value),
            Value::Map(map) => depth::descend(depth, |depth| self.inline_table(map, depth))?,
            Value::List(list) => {
                self.out.push(b'[');
                for (index, item) in list.iter().enumerate() {
                    if index > 0 {
                        self.out.extend_from_slice(b", ");
                    }
                    depth::descend(depth, |depth| self.element(&item, depth))?;
                }
                self.out.push(b']');
            }
            Value::Object(object) => {
                if let Some(TimeValue(time)) = value.downcast::<TimeValue>() {
                    let layout: &[u8] = match time.zone.name() {
                        LOCAL_DATETIME => b"2006-01-02T15:04:05.999999999",
                        LOCAL_DATE => b"2006-01-02",
                        LOCAL_TIME => b"15:04:05.999999999",
                        _ => b"2006-01-02T15:04:05.999999999Z07:00",
                    };
                    self.out.extend(format(time, layout));
                } else if let Some(number) = crate::json::number_text(value).and_then(|_| object.json_value()) {
                    self.element(&number, depth)?;
                } else if let Some(text) = object.string() {
                    push_quoted(&mut self.out, text.as_bytes());
                } else {
                    depth::descend(depth, |depth| self.inline_table(&fields(value), depth))?;
                }
            }
            value => self.out.extend_from_slice(show::default(value).as_bytes()),
        }
        Ok(())
    }

    /// As Go's `%g`, with a point or an exponent in any case.
    fn float(&mut self, value: &Value) {
        match value.as_float() {
            Some(number) if number.is_nan() => self.out.extend_from_slice(b"nan"),
            Some(number) if number.is_infinite() => {
                self.out.extend_from_slice(if number > 0.0 { b"inf" } else { b"-inf" });
            }
            _ => {
                let text = show::default(value);
                self.out.extend_from_slice(text.as_bytes());
                if !text.as_bytes().iter().any(|byte| matches!(byte, b'e' | b'.')) {
                    self.out.extend_from_slice(b".0");
                }
            }
        }
    }

    fn inline_table(&mut self, map: &Map, depth: usize) -> Result<(), WriteError> {
        let mut plain = Vec::new();
        let mut tables = Vec::new();
        for (key, value) in map.entries() {
            match shape(&value, depth)? {
                Shape::Nothing | Shape::Plain => plain.push((key, value)),
                Shape::Table | Shape::Tables => tables.push((key, value)),
            }
        }
        self.out.push(b'{');
        // A nil takes its comma with it, so that one may be left at the end: so does the library.
        let after_plain = !tables.is_empty();
        for (entries, comma_at_end) in [(&plain, after_plain), (&tables, false)] {
            for (index, (key, value)) in entries.iter().enumerate() {
                if shape(value, depth)? == Shape::Nothing {
                    continue;
                }
                push_key(&mut self.out, key.as_bytes());
                self.out.extend_from_slice(b" = ");
                self.element(value, depth)?;
                if comma_at_end || index + 1 < entries.len() {
                    self.out.extend_from_slice(b", ");
                }
            }
        }
        self.out.push(b'}');
        Ok(())
    }
}
