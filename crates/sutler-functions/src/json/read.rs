//! Reading JSON as Go's `encoding/json` reads it into an `interface {}`, with its words for what is wrong.

use std::collections::BTreeMap;

use sutler_template::{List, Map, Str, Value};

use crate::depth::MAX_DEPTH;
use crate::runes;

/// Why a text is no JSON; the texts are Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The text ends too early.
    #[error("unexpected end of JSON input")]
    UnexpectedEnd,
    /// A character that has no business there.
    #[error("invalid character {found} {context}")]
    InvalidCharacter {
        /// The character in quotes.
        found: String,
        /// Where it stands: `looking for beginning of value`.
        context: String,
    },
    /// Brackets within brackets beyond 10,000.
    #[error("exceeded max depth")]
    TooDeep,
    /// A number that no float can hold.
    #[error("json: cannot unmarshal number {0} into Go value of type float64")]
    NumberOutOfRange(String),
}

/// Reads a text. Numbers are `float64`, of keys given twice the last one counts. What stands beside the value is an error
/// that did not keep Go from reading on: a number out of range, in whose place there is nil.
///
/// # Errors
/// Text that is no JSON.
pub fn read(text: &[u8]) -> Result<(Value, Option<ReadError>), ReadError> {
    let mut reader = Reader { text, at: 0, range_error: None, open: Vec::new(), stops_early: false };
    let value = reader.document()?;
    Ok((value, reader.range_error))
}

/// What stands first in a text that may go on after it.
#[derive(Debug, Clone, PartialEq)]
pub struct First {
    /// The value, as [`read`] has it.
    pub value: Value,
    /// Where it ends, in bytes.
    pub end: usize,
    /// An error that did not keep Go from reading on.
    pub error: Option<ReadError>,
}

/// Reads the first value of a text and leaves the rest alone, as `json.Decoder`; none where there is only white space.
///
/// # Errors
/// What is wrong, and how many bytes Go has looked at by then, the one that is wrong included.
pub fn read_first(text: &[u8]) -> Result<Option<First>, (ReadError, usize)> {
    if text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
        return Ok(None);
    }
    let mut reader = Reader { text, at: 0, range_error: None, open: Vec::new(), stops_early: true };
    match reader.document() {
        Ok(value) => Ok(Some(First { value, end: reader.at, error: reader.range_error })),
        Err(error) => Err((error, (reader.at + 1).min(text.len()))),
    }
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    range_error: Option<ReadError>,
    /// Arrays and objects not closed yet: an explicit stack, so that depth costs no stack of ours.
    open: Vec<Open>,
    /// Whether what follows the value is left alone.
    stops_early: bool,
}

enum Open {
    Array(Vec<Value>),
    Object(BTreeMap<Str, Value>, Str),
}

/// What may come next.
enum Expect {
    Value,
    /// A value, or the end of an array that has none yet.
    FirstItem,
    /// A key, or the end of an object that has none yet.
    FirstKey,
    Key,
    /// A complete value is at hand.
    After(Value),
}

fn quote_char(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".to_string(),
        b'"' => "'\"'".to_string(),
        byte => {
            // Go quotes the byte as a character of Latin-1.
            let quoted = crate::show::quoted(&Str::from(char::from(byte)));
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    }
}

impl Reader<'_> {
    fn space(&mut self) {
        while self.text.get(self.at).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Result<u8, ReadError> {
        self.text.get(self.at).copied().ok_or(ReadError::UnexpectedEnd)
    }

    /// The next byte within something that white space ends; at its end, Go reads a text as if a space followed.
    fn peek_inside(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(b' ')
    }

    fn invalid<T>(&self, context: impl Into<String>) -> Result<T, ReadError> {
        let found = quote_char(self.peek_inside());
        Err(ReadError::InvalidCharacter { found, context: context.into() })
    }

    fn document(&mut self) -> Result<Value, ReadError> {
        let mut expect = Expect::Value;
        loop {
            if self.stops_early
                && self.open.is_empty()
                && let Expect::After(value) = expect
            {
                return Ok(value);
            }
            self.space();
            expect = match expect {
                Expect::Value => self.value()?,
                Expect::FirstItem if self.peek()? == b']' => {
                    self.at += 1;
                    self.close()
                }
                Expect::FirstItem => self.value()?,
                Expect::FirstKey if self.peek()? == b'}' => {
                    self.at += 1;
                    self.close()
                }
                Expect::FirstKey | Expect::Key => self.key()?,
                Expect::After(value) => match self.after(value)? {
                    Ok(expect) => expect,
                    Err(document) => return Ok(document),
                },
            };
        }
    }

    fn value(&mut self) -> Result<Expect, ReadError> {
        let first = self.peek()?;
        match first {
            b'{' | b'[' => {
                self.at += 1;
                if self.open.len() >= MAX_DEPTH {
                    return Err(ReadError::TooDeep);
                }
                if first == b'{' {
                    self.open.push(Open::Object(BTreeMap::new(), Str::default()));
                    Ok(Expect::FirstKey)
                } else {
                    self.open.push(Open::Array(Vec::new()));
                    Ok(Expect::FirstItem)
                }
            }
            b'"' => Ok(Expect::After(Value::String(self.string()?))),
            b'-' | b'0'..=b'9' => Ok(Expect::After(self.number()?)),
            b't' => self.literal("true", Value::Bool(true)),
            b'f' => self.literal("false", Value::Bool(false)),
            b'n' => self.literal("null", Value::Nil),
            _ => self.invalid("looking for beginning of value"),
        }
    }

    fn key(&mut self) -> Result<Expect, ReadError> {
        if self.peek()? != b'"' {
            return self.invalid("looking for beginning of object key string");
        }
        let key = self.string()?;
        self.space();
        if self.peek()? != b':' {
            return self.invalid("after object key");
        }
        self.at += 1;
        if let Some(Open::Object(_, current)) = self.open.last_mut() {
            *current = key;
        }
        Ok(Expect::Value)
    }

    fn close(&mut self) -> Expect {
        Expect::After(match self.open.pop() {
            Some(Open::Array(items)) => Value::List(List::new(items)),
            Some(Open::Object(entries, _)) => Value::Map(entries.into_iter().collect::<Map>()),
            None => Value::Nil,
        })
    }

    /// Puts a complete value where it belongs. The inner `Err` is the whole document.
    fn after(&mut self, value: Value) -> Result<Result<Expect, Value>, ReadError> {
        let (end, context, next) = match self.open.last_mut() {
            None => {
                if self.at < self.text.len() {
                    return self.invalid("after top-level value");
                }
                return Ok(Err(value));
            }
            Some(Open::Array(items)) => {
                items.push(value);
                (b']', "after array element", Expect::Value)
            }
            Some(Open::Object(entries, key)) => {
                entries.insert(std::mem::take(key), value);
                (b'}', "after object key:value pair", Expect::Key)
            }
        };
        match self.peek()? {
            b',' => {
                self.at += 1;
                Ok(Ok(next))
            }
            byte if byte == end => {
                self.at += 1;
                Ok(Ok(self.close()))
            }
            _ => self.invalid(context),
        }
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Expect, ReadError> {
        for expected in word.bytes() {
            if self.peek_inside() != expected {
                return self.invalid(format!("in literal {word} (expecting '{}')", char::from(expected)));
            }
            self.at += 1;
        }
        Ok(Expect::After(value))
    }

    fn digits(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Result<Value, ReadError> {
        let start = self.at;
        if self.peek_inside() == b'-' {
            self.at += 1;
        }
        match self.peek_inside() {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            _ => return self.invalid("in numeric literal"),
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            if !self.peek_inside().is_ascii_digit() {
                return self.invalid("after decimal point in numeric literal");
            }
            self.digits();
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek_inside(), b'+' | b'-') {
                self.at += 1;
            }
            if !self.peek_inside().is_ascii_digit() {
                return self.invalid("in exponent of numeric literal");
            }
            self.digits();
        }
        let text = std::str::from_utf8(&self.text[start..self.at]).expect("digits, signs and points are ASCII");
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float64(number)),
            _ => {
                if self.range_error.is_none() {
                    self.range_error = Some(ReadError::NumberOutOfRange(text.to_string()));
                }
                Ok(Value::Nil)
            }
        }
    }

    fn string(&mut self) -> Result<Str, ReadError> {
        self.at += 1;
        let mut out: Vec<u8> = Vec::new();
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Ok(out.into());
                }
                b'\\' => {
                    self.at += 1;
                    let rune = self.escape()?;
                    runes::push(&mut out, rune);
                }
                byte if byte < 0x20 => return self.invalid("in string literal"),
                byte if byte.is_ascii() => {
                    self.at += 1;
                    out.push(byte);
                }
                _ => {
                    let (rune, width) = runes::decode(&self.text[self.at..]);
                    self.at += width;
                    runes::push(&mut out, rune);
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, ReadError> {
        let rune = match self.peek_inside() {
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                let unit = self.four_digits()?;
                return self.after_unit(unit);
            }
            _ => return self.invalid("in string escape code"),
        };
        self.at += 1;
        Ok(rune)
    }

    /// A code unit of UTF-16 as a rune; half a pair alone is the replacement character.
    fn after_unit(&mut self, unit: u32) -> Result<char, ReadError> {
        if (0xD800..0xDC00).contains(&unit) && self.text[self.at..].starts_with(b"\\u") {
            let before = self.at;
            self.at += 2;
            let low = self.four_digits()?;
            if (0xDC00..0xE000).contains(&low) {
                let code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                return Ok(char::from_u32(code).unwrap_or(runes::INVALID));
            }
            self.at = before;
        }
        Ok(char::from_u32(unit).unwrap_or(runes::INVALID))
    }

    fn four_digits(&mut self) -> Result<u32, ReadError> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = char::from(self.peek_inside()).to_digit(16) else {
                return self.invalid("in \\u hexadecimal character escape");
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_value_ends_where_go_ends_it() {
        for (text, end) in [("{} x", 2), (" {\"a\": [1]}\n---", 11), ("[1][2]", 3), ("{}{", 2)] {
            assert_eq!(read_first(text.as_bytes()).unwrap().unwrap().end, end, "{text}");
        }
        assert_eq!(read_first(b" \n\t"), Ok(None));
    }

    #[test]
    fn what_is_no_first_value_says_how_far_go_looked() {
        // Offsets recorded from Go's json.SyntaxError.
        for (text, offset) in [("{a: 1}", 2), (" {\"a\" 1}", 7), ("{\"a\": 01}", 8), ("---", 2)] {
            assert_eq!(read_first(text.as_bytes()).unwrap_err().1, offset, "{text}");
        }
        assert_eq!(read_first(b"{\"a\":"), Err((ReadError::UnexpectedEnd, 5)));
    }
}
