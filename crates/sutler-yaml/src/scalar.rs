//! What a plain text means: `1` is an integer, `yes` a boolean, `1:30` a string.
//!
//! The reader resolves by it, and the writer quotes what would be resolved to something else than a string.

mod timestamp;

use crate::node::Data;
use crate::number::{parse_int, parse_uint};

const CORE_TAG: &str = "tag:yaml.org,2002:";

/// The rules of one of go-yaml's versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Booleans are YAML 1.1's.
    V2,
    /// Booleans are `true` and `false` in three spellings.
    V3,
}

/// A resolved text. Timestamps are told apart from strings because the writer quotes them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Timestamp,
    String,
}

impl Scalar {
    fn tag(&self) -> &'static str {
        match self {
            Scalar::Null => "!!null",
            Scalar::Bool(_) => "!!bool",
            Scalar::Int(_) | Scalar::Uint(_) => "!!int",
            Scalar::Float(_) => "!!float",
            Scalar::Timestamp => "!!timestamp",
            Scalar::String => "!!str",
        }
    }
}

/// Resolves a text without a tag, as go-yaml's `resolve`.
pub(crate) fn resolve(text: &str, dialect: Dialect) -> Scalar {
    resolve_as(text, dialect, Timestamps::Known)
}

/// Whether a text may be a timestamp: not if a tag says that it is something else.
#[derive(Clone, Copy, PartialEq)]
enum Timestamps {
    Known,
    Ignored,
}

fn resolve_as(text: &str, dialect: Dialect, timestamps: Timestamps) -> Scalar {
    let Some(first) = text.bytes().next() else { return Scalar::Null };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => resolve_word(text, dialect),
        b'.' => match text {
            ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" => Scalar::Float(f64::INFINITY),
            _ => parse_fraction(text).map_or(Scalar::String, Scalar::Float),
        },
        b'+' | b'-' | b'0'..=b'9' => match text {
            "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
            _ if timestamps == Timestamps::Known && timestamp::is_timestamp(text) => Scalar::Timestamp,
            _ => resolve_number(text, dialect),
        },
        _ => Scalar::String,
    }
}

fn resolve_word(text: &str, dialect: Dialect) -> Scalar {
    match text {
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        _ => match is_old_bool(text) {
            Some(value) if dialect == Dialect::V2 => Scalar::Bool(value),
            _ => Scalar::String,
        },
    }
}

/// YAML 1.1's other words for booleans. go-yaml v3 quotes them, though it reads them as strings.
pub(crate) fn is_old_bool(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// Numbers that begin with a digit or a sign. Underscores count for nothing.
fn resolve_number(text: &str, dialect: Dialect) -> Scalar {
    let stripped: String;
    let plain = if text.contains('_') {
        stripped = text.replace('_', "");
        &stripped
    } else {
        text
    };
    if let Some(value) = parse_int(plain, None) {
        return Scalar::Int(value);
    }
    if let Some(value) = parse_uint(plain, None) {
        return Scalar::Uint(value);
    }
    if is_float(plain)
        && let Ok(value) = plain.parse::<f64>()
        && value.is_finite()
    {
        return Scalar::Float(value);
    }
    // What is left of go-yaml's own prefixes after Go learnt to read them: a sign behind the prefix.
    let prefixed = |prefix: &str, radix: u32| {
        let digits = plain.strip_prefix(prefix)?;
        parse_int(digits, Some(radix)).map(Scalar::Int).or_else(|| parse_uint(digits, Some(radix)).map(Scalar::Uint))
    };
    prefixed("0b", 2)
        .or_else(|| (dialect == Dialect::V3).then(|| prefixed("0o", 8)).flatten())
        .unwrap_or(Scalar::String)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = digits(unsigned);
    let mut rest = &unsigned[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        if whole == 0 && count == 0 {
            return false;
        }
        rest = &fraction[count..];
    } else if whole == 0 {
        return false;
    }
    let Some(exponent) = rest.strip_prefix(['e', 'E']) else { return rest.is_empty() };
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    !exponent.is_empty() && digits(exponent) == exponent.len()
}

/// A float that begins with `.`, as Go's `ParseFloat` reads it: underscores may stand between digits.
fn parse_fraction(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let between_digits = |place: usize| {
        place > 0 && bytes[place - 1].is_ascii_digit() && bytes.get(place + 1).is_some_and(u8::is_ascii_digit)
    };
    if bytes.iter().enumerate().any(|(place, byte)| *byte == b'_' && !between_digits(place)) {
        return None;
    }
    let plain = text.replace('_', "");
    if !is_float(&plain) {
        return None;
    }
    plain.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Resolves a text that is plain or has a tag. The error is go-yaml's text.
pub(crate) fn resolve_tagged(tag: &str, text: String) -> Result<Data, String> {
    let wanted = match tag.strip_prefix(CORE_TAG) {
        _ if tag.is_empty() => None,
        Some("str") => return Ok(Data::String(text)),
        Some("binary") => {
            return decode_base64(&text)
                .map(|bytes| Data::String(go_json_text(&bytes)))
                .ok_or_else(|| "!!binary value contains invalid base64 data".to_owned());
        }
        Some(kind @ ("bool" | "int" | "float" | "null" | "timestamp")) => Some(kind),
        // Tags that nobody knows leave the text as it is.
        _ => return Ok(Data::String(text)),
    };
    let timestamps = match wanted {
        None | Some("timestamp") => Timestamps::Known,
        _ => Timestamps::Ignored,
    };
    let mut scalar = resolve_as(&text, Dialect::V2, timestamps);
    if let Some(wanted) = wanted {
        if let (Scalar::Int(value), "float") = (&scalar, wanted) {
            scalar = Scalar::Float(*value as f64);
        }
        if scalar.tag().strip_prefix("!!") != Some(wanted) {
            return Err(format!("cannot decode {} `{text}` as a !!{wanted}", scalar.tag()));
        }
    }
    Ok(match scalar {
        Scalar::Null => Data::Null,
        Scalar::Bool(value) => Data::Bool(value),
        Scalar::Int(value) => Data::Int(value),
        Scalar::Uint(value) => Data::Uint(value),
        Scalar::Float(value) => Data::Float(value),
        Scalar::Timestamp | Scalar::String => Data::String(text),
    })
}

/// Bytes as the text that Go's `encoding/json` writes: each byte that is not UTF-8 becomes U+FFFD.
pub(crate) fn go_json_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n('\u{FFFD}', chunk.invalid().len()));
    }
    text
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Standard base64 with padding; line breaks count for nothing, as in Go's `base64.StdEncoding`.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let symbols: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    if !symbols.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(symbols.len() / 4 * 3);
    let groups = symbols.len() / 4;
    for (index, group) in symbols.chunks_exact(4).enumerate() {
        let padding =
            if index + 1 == groups { group.iter().rev().take_while(|byte| **byte == b'=').count() } else { 0 };
        if padding > 2 {
            return None;
        }
        let mut bits = 0u32;
        for symbol in &group[..4 - padding] {
            let value = BASE64.iter().position(|known| known == symbol)?;
            bits = bits << 6 | value as u32;
        }
        bits <<= 6 * padding;
        bytes.extend_from_slice(&bits.to_be_bytes()[1..4 - padding]);
    }
    Some(bytes)
}

/// Standard base64 in lines of 70 characters, one line without a line break, as go-yaml writes `!!binary`.
pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    let mut symbols = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut padded = [0u8; 4];
        padded[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(padded);
        for place in 0..4 {
            let symbol = BASE64[(bits >> (18 - 6 * place)) as usize & 63];
            symbols.push(if place <= group.len() { char::from(symbol) } else { '=' });
        }
    }
    const LINE: usize = 70;
    if symbols.len() < LINE {
        return symbols;
    }
    let mut lines = String::with_capacity(symbols.len() + symbols.len() / LINE + 1);
    let mut rest = symbols.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        lines.push_str(line);
        lines.push('\n');
        rest = after;
    }
    lines
}
