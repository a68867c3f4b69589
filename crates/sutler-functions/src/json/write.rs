//! Writing JSON with Go's spelling of numbers and escapes.

use base64::Engine as _;
use sutler_template::{Str, Value};

use crate::depth::{self, TooDeep};
use crate::runes;

/// How the text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// On one line, with `<`, `>` and `&` escaped, as `json.Marshal`.
    Html,
    /// On one line, with `<`, `>` and `&` as they are.
    Raw,
    /// On several lines with two spaces of indentation; escapes as [`Style::Html`].
    Pretty,
}

/// Why a value has no JSON; the texts are Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A number that is not finite.
    #[error("json: unsupported value: {0}")]
    UnsupportedValue(&'static str),
    /// A function or a complex number.
    #[error("json: unsupported type: {0}")]
    UnsupportedType(&'static str),
    /// A value that contains itself, through a value of that type.
    #[error("json: unsupported value: encountered a cycle via {0}")]
    Cycle(&'static str),
    /// A value nested deeper than anything is walked here.
    #[error(transparent)]
    TooDeep(#[from] TooDeep),
}

/// From this depth on, as in Go, values are remembered to find out whether one contains itself.
const WATCHED_DEPTH: usize = 1000;

/// A value as JSON.
///
/// # Errors
/// [`WriteError`].
pub fn write(value: &Value, style: Style) -> Result<String, WriteError> {
    let mut writer = Writer { out: String::new(), style, above: Vec::new() };
    writer.value(value, 0)?;
    Ok(writer.out)
}

struct Writer {
    out: String,
    style: Style,
    /// The maps and lists being written that are nested beyond [`WATCHED_DEPTH`].
    above: Vec<Value>,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), WriteError> {
        match value {
            Value::Nil => self.out.push_str("null"),
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::String(text) => self.string(text.as_bytes()),
            Value::Float64(number) => self.out.push_str(&float(*number)?),
            Value::Float32(number) => self.out.push_str(&float32(*number)?),
            Value::Map(map) if map.is_nil() => self.out.push_str("null"),
            Value::Map(map) => self.watched(value, depth, |writer, depth| {
                writer.object(map.entries().iter().map(|(key, value)| (key, value)), depth)
            })?,
            Value::List(list) if list.is_nil() => self.out.push_str("null"),
            Value::List(list) => match list.as_bytes() {
                Some(bytes) => {
                    self.out.push('"');
                    self.out.push_str(&base64::engine::general_purpose::STANDARD.encode(bytes.as_bytes()));
                    self.out.push('"');
                }
                None => self
                    .watched(value, depth, |writer, depth| writer.array(list.as_values().unwrap_or_default(), depth))?,
            },
            Value::Object(object) => {
                if let Some(value) = object.json_value() {
                    return depth::descend(depth, |depth| self.value(&value, depth));
                }
                if let Some(value) = object.underlying() {
                    return depth::descend(depth, |depth| self.value(&value, depth));
                }
                // Fields keep the order of their declaration.
                let fields = object.json_fields().unwrap_or_else(|| object.fields());
                let fields: Vec<(Str, Value)> =
                    fields.into_iter().map(|(name, value)| (Str::from(name), value)).collect();
                depth::descend(depth, |depth| self.object(fields.iter().map(|(name, value)| (name, value)), depth))?;
            }
            Value::Complex128(..) | Value::Function(_) => {
                return Err(WriteError::UnsupportedType(value.type_name()));
            }
            integer => match (integer.as_signed(), integer.as_unsigned()) {
                (Some(number), _) => self.out.push_str(&number.to_string()),
                (_, Some(number)) => self.out.push_str(&number.to_string()),
                _ => self.out.push_str("null"),
            },
        }
        Ok(())
    }

    /// Writes what is inside a map or list, unless that is inside itself.
    fn watched(
        &mut self,
        value: &Value,
        depth: usize,
        write: impl FnOnce(&mut Self, usize) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        if depth < WATCHED_DEPTH {
            return depth::descend(depth, |depth| write(self, depth));
        }
        let same = |above: &Value| match (above, value) {
            (Value::Map(above), Value::Map(map)) => above.ptr_eq(map),
            (Value::List(above), Value::List(list)) => above.ptr_eq(list),
            _ => false,
        };
        if self.above.iter().any(same) {
            return Err(WriteError::Cycle(value.type_name()));
        }
        self.above.push(value.clone());
        depth::descend(depth, |depth| write(self, depth))?;
        self.above.pop();
        Ok(())
    }

    fn line(&mut self, depth: usize) {
        if self.style == Style::Pretty {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", depth));
        }
    }

    fn object<'v>(
        &mut self,
        entries: impl Iterator<Item = (&'v Str, &'v Value)>,
        depth: usize,
    ) -> Result<(), WriteError> {
        self.out.push('{');
        let mut empty = true;
        for (key, value) in entries {
            if !std::mem::take(&mut empty) {
                self.out.push(',');
            }
            self.line(depth);
            self.string(key.as_bytes());
            self.out.push_str(if self.style == Style::Pretty { ": " } else { ":" });
            self.value(value, depth)?;
        }
        if !empty {
            self.line(depth - 1);
        }
        self.out.push('}');
        Ok(())
    }

    fn array(&mut self, values: &[Value], depth: usize) -> Result<(), WriteError> {
        self.out.push('[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.line(depth);
            self.value(value, depth)?;
        }
        if !values.is_empty() {
            self.line(depth - 1);
        }
        self.out.push(']');
        Ok(())
    }

    fn string(&mut self, text: &[u8]) {
        let html = self.style != Style::Raw;
        self.out.push('"');
        for (offset, rune) in runes::runes(text) {
            match rune {
                '"' | '\\' => {
                    self.out.push('\\');
                    self.out.push(rune);
                }
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\x08' => self.out.push_str("\\b"),
                '\x0c' => self.out.push_str("\\f"),
                '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => self.escape(rune),
                '<' | '>' | '&' if html => self.escape(rune),
                // An invalid byte is written as an escape, the replacement character itself as it is.
                runes::INVALID if !text[offset..].starts_with("\u{FFFD}".as_bytes()) => self.escape(rune),
                rune => self.out.push(rune),
            }
        }
        self.out.push('"');
    }

    fn escape(&mut self, rune: char) {
        self.out.push_str(&format!("\\u{:04x}", u32::from(rune)));
    }
}

fn finite(value: f64) -> Result<f64, WriteError> {
    match () {
        () if value.is_nan() => Err(WriteError::UnsupportedValue("NaN")),
        () if value.is_infinite() => Err(WriteError::UnsupportedValue(if value > 0.0 { "+Inf" } else { "-Inf" })),
        () => Ok(value),
    }
}

/// Plain digits between 1e-6 and 1e21, else with an exponent that has a sign and no leading zero.
fn spelled(magnitude: f64, plain: String, scientific: String) -> String {
    if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        return plain;
    }
    match scientific.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => format!("{mantissa}e+{exponent}"),
        _ => scientific,
    }
}

/// A `float64` as Go's JSON spells it.
pub(crate) fn float(value: f64) -> Result<String, WriteError> {
    let value = finite(value)?;
    Ok(spelled(value.abs(), value.to_string(), format!("{value:e}")))
}

fn float32(value: f32) -> Result<String, WriteError> {
    let magnitude = finite(f64::from(value))?.abs();
    let plain = magnitude == 0.0 || (1e-6_f32..1e21_f32).contains(&value.abs());
    Ok(if plain { value.to_string() } else { spelled(magnitude, value.to_string(), format!("{value:e}")) })
}
