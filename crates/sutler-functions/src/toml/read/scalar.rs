//! Values without values inside: numbers, dates, words and the four kinds of strings.

use sutler_template::{Str, Value};

use super::super::{LOCAL_DATE, LOCAL_DATETIME, LOCAL_TIME};
use super::{Reader, Step};
use crate::dates::time_value;
use crate::runes;
use crate::show;
use crate::time::{Zone, parse};

impl<'t> Reader<'t> {
    pub(super) fn word(&mut self) -> Step<Value> {
        let rest = &self.text[self.at..];
        let end = runes::runes(rest).find(|(_, rune)| !runes::is_letter(*rune)).map_or(rest.len(), |(end, _)| end);
        match &rest[..end] {
            b"true" => {
                self.at += end;
                Ok(Value::Bool(true))
            }
            b"false" => {
                self.at += end;
                Ok(Value::Bool(false))
            }
            word => {
                let message = format!("expected value but found {} instead", show::quoted(&word.into()));
                self.at += end;
                self.fail_at(self.line, message)
            }
        }
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
    }

    pub(super) fn signed_number(&mut self) -> Step<Value> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        self.at += 1;
        let infinity = if negative { f64::NEG_INFINITY } else { f64::INFINITY };
        match self.peek() {
            Some(b'i') if self.take_text(b"inf") => return Ok(Value::Float64(infinity)),
            Some(b'n') if self.take_text(b"nan") => {
                return Ok(Value::Float64(if negative { -f64::NAN } else { f64::NAN }));
            }
            Some(b'i' | b'n') => {
                self.take_while(|byte| byte.is_ascii_alphabetic());
                let text = String::from_utf8_lossy(&self.text[start..self.at]);
                return self.fail(format!("invalid float: '{text}'"));
            }
            Some(b'0') if matches!(self.text.get(self.at + 1), Some(b'b' | b'o' | b'x')) => {
                let text = String::from_utf8_lossy(&self.text[start..self.at + 2]);
                return self.fail(format!("cannot use sign with non-decimal numbers: '{text}'"));
            }
            Some(b'.') => return self.fail("floats must start with a digit, not '.'"),
            Some(b'0'..=b'9') => {}
            _ => return self.fail(format!("expected a digit but got {}", self.found())),
        }
        self.decimal(start)
    }

    fn decimal(&mut self, start: usize) -> Step<Value> {
        self.take_while(|byte| byte.is_ascii_digit() || byte == b'_');
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            self.take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-' | b'+' | b'e' | b'E'));
            return self.float(start);
        }
        self.integer(start)
    }

    pub(super) fn number_or_date(&mut self) -> Step<Value> {
        let start = self.at;
        if self.peek() == Some(b'0') {
            let (what, wanted): (&str, fn(u8) -> bool) = match self.text.get(start + 1) {
                Some(b'b') => ("a binary", |byte| matches!(byte, b'0' | b'1')),
                Some(b'o') => ("an octal", |byte| matches!(byte, b'0'..=b'7')),
                Some(b'x') => ("a hexadecimal", |byte| byte.is_ascii_hexdigit()),
                _ => ("", |_| false),
            };
            if !what.is_empty() {
                self.at += 2;
                if !self.peek().is_some_and(wanted) {
                    let text = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
                    let next = self.rune().unwrap_or('\0');
                    return self.fail(format!("not {what} number: '{text}{next}'"));
                }
                self.take_while(|byte| byte == b'_' || wanted(byte));
                return self.integer(start);
            }
        }
        self.take_while(|byte| byte.is_ascii_digit());
        if matches!(self.peek(), Some(b'-' | b':')) {
            self.take_while(|byte| byte.is_ascii_digit() || b"-:Tt .Zz+".contains(&byte));
            return self.date(start);
        }
        self.decimal(start)
    }

    fn token(&self, start: usize) -> &'t str {
        std::str::from_utf8(&self.text[start..self.at]).expect("numbers and dates are ASCII")
    }

    fn integer(&mut self, start: usize) -> Step<Value> {
        let token = self.token(start);
        let quoted = show::quoted(&token.into());
        if !underscores_are_placed_well(token) {
            return self
                .fail_at(self.line, format!("Invalid integer {quoted}: underscores must be surrounded by digits"));
        }
        if has_leading_zero(token) {
            return self.fail_at(self.line, format!("Invalid integer {quoted}: cannot have leading zeroes"));
        }
        match crate::cast::parse_int(token) {
            Some(number) => Ok(Value::Int64(number)),
            None => self.fail_at(self.line, format!("{token} is out of range for int64")),
        }
    }

    fn float(&mut self, start: usize) -> Step<Value> {
        let token = self.token(start);
        let quoted = show::quoted(&token.into());
        let parts: Vec<&str> = token.split(['.', 'e', 'E']).filter(|part| !part.is_empty()).collect();
        if !parts.iter().all(|part| underscores_are_placed_well(part)) {
            return self
                .fail_at(self.line, format!("Invalid float {quoted}: underscores must be surrounded by digits"));
        }
        if parts.first().is_some_and(|part| has_leading_zero(part)) {
            return self.fail_at(self.line, format!("Invalid float {quoted}: cannot have leading zeroes"));
        }
        let point_without_digit =
            token.match_indices('.').any(|(at, _)| !token[at + 1..].starts_with(|next: char| next.is_ascii_digit()));
        if point_without_digit {
            return self
                .fail_at(self.line, format!("Invalid float {quoted}: '.' must be followed by one or more digits"));
        }
        match token.replace('_', "").parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float64(number)),
            Ok(_) => self.fail_at(self.line, format!("{token} is out of range for float64")),
            Err(_) => self.fail_at(self.line, format!("Invalid float value: {quoted}")),
        }
    }

    fn date(&mut self, start: usize) -> Step<Value> {
        let token = self.token(start).trim().replace('z', "Z").replace(['t', ' '], "T");
        let named = |name: &str| Zone::Fixed { name: name.to_string(), offset: 0 };
        let layouts: [(&str, Zone); 7] = [
            ("2006-01-02T15:04:05.999999999Z07:00", self.local.clone()),
            ("2006-01-02T15:04:05.999999999", named(LOCAL_DATETIME)),
            ("2006-01-02", named(LOCAL_DATE)),
            ("15:04:05.999999999", named(LOCAL_TIME)),
            ("2006-01-02T15:04Z07:00", self.local.clone()),
            ("2006-01-02T15:04", named(LOCAL_DATETIME)),
            ("15:04", named(LOCAL_TIME)),
        ];
        let found = layouts.iter().find_map(|(layout, zone)| {
            parse(layout.as_bytes(), token.as_bytes(), zone).ok().map(|time| (layout, time))
        });
        match found {
            Some((layout, time)) if !lacks_leading_zero(&token, layout) => Ok(time_value(time)),
            _ => self.fail_at(self.line, format!("invalid datetime: {}", show::quoted(&token.as_str().into()))),
        }
    }

    pub(super) fn raw_string(&mut self) -> Step<Str> {
        let start = self.at;
        loop {
            match self.peek() {
                None => return self.fail("unexpected EOF; expected \"'\""),
                Some(b'\n' | b'\r') => return self.fail_at(self.line, "strings cannot contain newlines"),
                Some(b'\'') => {
                    self.at += 1;
                    return Ok(Str::from(&self.text[start..self.at - 1]));
                }
                Some(_) => self.at += 1,
            }
        }
    }

    pub(super) fn string(&mut self) -> Step<Str> {
        let start = self.at;
        let mut out = Vec::new();
        loop {
            match self.peek() {
                None => return self.fail("unexpected EOF; expected '\"'"),
                Some(b'\n' | b'\r') => return self.fail_at(self.line, "strings cannot contain newlines"),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out.into());
                }
                Some(b'\\') => self.escape(start, &mut out)?,
                Some(byte) => {
                    out.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    /// How many quotes stand here. Up to two before the closing three belong to the text.
    fn quotes(&self, quote: u8) -> usize {
        self.text[self.at..].iter().take_while(|byte| **byte == quote).count()
    }

    fn skip_first_line_break(&mut self) {
        if self.peek() == Some(b'\r') {
            self.advance();
        }
        self.take(b'\n');
    }

    /// The end of a text between three quotes: `None` while it goes on.
    fn end_of_long(&mut self, quote: u8, out: &mut Vec<u8>) -> Step<Option<()>> {
        let count = self.quotes(quote);
        match count {
            0..3 => {
                out.extend(std::iter::repeat_n(quote, count));
                self.at += count;
                Ok(None)
            }
            3..=5 => {
                out.extend(std::iter::repeat_n(quote, count - 3));
                self.at += count;
                Ok(Some(()))
            }
            _ => {
                let six = String::from(char::from(quote)).repeat(6);
                let around = if quote == b'"' { '\'' } else { '"' };
                self.fail(format!("unexpected {around}{six}{around}"))
            }
        }
    }

    pub(super) fn long_raw_string(&mut self) -> Step<Str> {
        self.skip_first_line_break();
        let mut out = Vec::new();
        loop {
            match self.peek() {
                None => return self.fail("unexpected EOF; expected \"'''\""),
                Some(b'\'') => {
                    if self.end_of_long(b'\'', &mut out)?.is_some() {
                        return Ok(out.into());
                    }
                }
                Some(byte) => {
                    out.push(byte);
                    self.advance();
                }
            }
        }
    }

    pub(super) fn long_string(&mut self) -> Step<Str> {
        let start = self.at;
        self.skip_first_line_break();
        let mut out = Vec::new();
        loop {
            match self.peek() {
                None => return self.fail("unexpected EOF; expected '\"\"\"'"),
                Some(b'"') => {
                    if self.end_of_long(b'"', &mut out)?.is_some() {
                        return Ok(out.into());
                    }
                }
                Some(b'\\') if self.at_escaped_line_break() => {
                    self.at += 1;
                    while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
                        self.advance();
                    }
                }
                Some(b'\\') => self.escape(start, &mut out)?,
                Some(byte) => {
                    out.push(byte);
                    self.advance();
                }
            }
        }
    }

    /// Whether only white space follows the backslash up to the end of its line.
    fn at_escaped_line_break(&self) -> bool {
        let mut rest = self.text[self.at + 1..].iter().skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        rest.next() == Some(&b'\n')
    }

    /// An escape in a text that began at `text_start`.
    fn escape(&mut self, text_start: usize, out: &mut Vec<u8>) -> Step<()> {
        self.at += 1;
        let (digits, words) = match self.peek() {
            Some(b'x') => (2, "two hexadecimal digits after '\\x'"),
            Some(b'u') => (4, "four hexadecimal digits after '\\u'"),
            Some(b'U') => (8, "eight hexadecimal digits after '\\U'"),
            other => {
                let byte = match other {
                    Some(b'b') => 0x08,
                    Some(b't') => b'\t',
                    Some(b'n') => b'\n',
                    Some(b'f') => 0x0c,
                    Some(b'r') => b'\r',
                    Some(b'e') => 0x1b,
                    Some(byte @ (b'"' | b'\\')) => byte,
                    Some(byte @ (b' ' | b'\t')) => {
                        return self.fail_at(self.line, format!("invalid escape: '\\{}'", char::from(byte)));
                    }
                    _ => {
                        let rune = self.rune().unwrap_or('\0');
                        return self.fail(format!("invalid escape in string '\\{rune}'"));
                    }
                };
                out.push(byte);
                self.at += 1;
                return Ok(());
            }
        };
        self.at += 1;
        let start = self.at;
        while self.at < start + digits && self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
            self.at += 1;
        }
        let token = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
        if self.at < start + digits {
            // The library shows the text from its start up to and with the character that does not fit.
            let end = self.at + self.rune().map_or(0, char::len_utf8);
            let seen = show::quoted(&self.text[text_start..end].into());
            return self.fail(format!("expected {words}, but got {seen} instead"));
        }
        match u32::from_str_radix(&token, 16).ok().and_then(char::from_u32) {
            Some(rune) => {
                runes::push(out, rune);
                Ok(())
            }
            None => self.fail_at(self.line, format!("Escaped character '\\u{token}' is not valid UTF-8.")),
        }
    }
}

/// Whether each underscore stands between digits; a sign does not count as one.
fn underscores_are_placed_well(text: &str) -> bool {
    let mut after_digit = false;
    for byte in text.bytes() {
        if byte == b'_' && !after_digit {
            return false;
        }
        after_digit = byte.is_ascii_hexdigit();
    }
    after_digit
}

fn has_leading_zero(text: &str) -> bool {
    match text.as_bytes() {
        [b'0', b'b' | b'o' | b'x', ..] => false,
        [b'0', _, ..] | [b'-' | b'+', b'0', _, ..] => true,
        _ => false,
    }
}

/// Go's layouts take `1:2:3`, TOML does not; separators stand in the same places where all digits are there.
fn lacks_leading_zero(text: &str, layout: &str) -> bool {
    for (at, byte) in layout.bytes().enumerate() {
        if matches!(byte, b'.' | b'Z') {
            return false;
        }
        if !byte.is_ascii_digit() && text.as_bytes().get(at) != Some(&byte) {
            return true;
        }
    }
    false
}
