//! Formats: `%[2]*.3d` and all that may go wrong with it.

use crate::types::Kind;
use crate::unicode;
use crate::value::Value;

use super::Printer;
use super::flags::Flags;

/// Appends `values` by `format`, as Go's `fmt.Sprintf`; what is wrong with the format shows in the output.
///
/// ```
/// use sutler_template::{Value, printf};
///
/// let mut out = Vec::new();
/// printf(&mut out, b"%s-%03d %d", &[Value::from("node"), Value::Int(7), Value::Float64(1e6)]);
/// assert_eq!(out, b"node-007 %!d(float64=1e+06)");
/// ```
pub fn printf(out: &mut Vec<u8>, format: &[u8], values: &[Value]) {
    Format { format, pos: 0, values, next: 0, reordered: false, good_number: true }.run(out);
}

struct Format<'f> {
    format: &'f [u8],
    pos: usize,
    values: &'f [Value],
    /// The index of the next argument.
    next: usize,
    /// Whether an argument was chosen by number.
    reordered: bool,
    good_number: bool,
}

impl Format<'_> {
    fn run(&mut self, out: &mut Vec<u8>) {
        while self.pos < self.format.len() {
            let rest = &self.format[self.pos..];
            let text = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
            out.extend_from_slice(&rest[..text]);
            self.pos += text;
            if self.pos < self.format.len() {
                self.pos += 1;
                self.verb(out);
            }
        }
        if !self.reordered && self.next < self.values.len() {
            self.extra(out);
        }
    }

    fn peek(&self) -> Option<u8> {
        self.format.get(self.pos).copied()
    }

    /// A verb, whose percent sign has been read.
    fn verb(&mut self, out: &mut Vec<u8>) {
        self.good_number = true;
        let mut flags = self.flags();
        let mut after_index = self.argument_number();
        after_index = self.width(&mut flags, out, after_index);
        after_index = self.precision(&mut flags, out, after_index);
        if !after_index {
            self.argument_number();
        }
        if self.pos >= self.format.len() {
            out.extend_from_slice(b"%!(NOVERB)");
            return;
        }
        let rest = &self.format[self.pos..];
        let (verb, len) = unicode::decode(rest);
        self.pos += len;
        let complain = |out: &mut Vec<u8>, what: &[u8]| {
            out.extend_from_slice(b"%!");
            out.extend_from_slice(verb.encode_utf8(&mut [0; 4]).as_bytes());
            out.extend_from_slice(what);
        };
        if verb == '%' {
            out.push(b'%');
        } else if !self.good_number {
            complain(out, b"(BADINDEX)");
        } else if let Some(value) = self.values.get(self.next) {
            if matches!(verb, 'v' | 'w') {
                flags.sharp_v = std::mem::take(&mut flags.sharp);
                flags.plus_v = std::mem::take(&mut flags.plus);
            }
            let mut printer = Printer { flags, ..Printer::new(out) };
            printer.argument(value, verb);
            self.next += 1;
        } else {
            complain(out, b"(MISSING)");
        }
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some(byte) = self.peek() {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.pos += 1;
        }
        flags
    }

    fn width(&mut self, flags: &mut Flags, out: &mut Vec<u8>, after_index: bool) -> bool {
        if self.peek() == Some(b'*') {
            self.pos += 1;
            match self.integer_argument() {
                Some(width) => {
                    flags.width = Some(width.unsigned_abs());
                    if width < 0 {
                        flags.minus = true;
                        flags.zero = false;
                    }
                }
                None => out.extend_from_slice(b"%!(BADWIDTH)"),
            }
            return false;
        }
        flags.width = self.number(self.format.len());
        if after_index && flags.width.is_some() {
            self.good_number = false;
        }
        after_index
    }

    fn precision(&mut self, flags: &mut Flags, out: &mut Vec<u8>, mut after_index: bool) -> bool {
        if self.pos + 1 >= self.format.len() || self.peek() != Some(b'.') {
            return after_index;
        }
        self.pos += 1;
        if after_index {
            self.good_number = false;
        }
        after_index = self.argument_number();
        if self.peek() == Some(b'*') {
            self.pos += 1;
            flags.precision = self.integer_argument().and_then(|precision| usize::try_from(precision).ok());
            if flags.precision.is_none() {
                out.extend_from_slice(b"%!(BADPREC)");
            }
            return false;
        }
        flags.precision = Some(self.number(self.format.len()).unwrap_or(0));
        after_index
    }

    /// Digits up to `end`. A number beyond a million uses the rest up and counts as none.
    fn number(&mut self, end: usize) -> Option<usize> {
        let mut number = None;
        while self.pos < end
            && let Some(digit) = self.peek().filter(u8::is_ascii_digit)
        {
            let so_far = number.unwrap_or(0);
            if so_far > 1_000_000 {
                self.pos = end;
                return None;
            }
            number = Some(so_far * 10 + usize::from(digit - b'0'));
            self.pos += 1;
        }
        number
    }

    /// `[n]`, if it is here; returns whether it was a number.
    fn argument_number(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let start = self.pos;
        let close = self.format[start..].iter().position(|byte| *byte == b']').map(|offset| start + offset);
        let Some(close) = close.filter(|_| self.format.len() - start >= 3) else {
            self.good_number = false;
            self.pos = start + 1;
            return false;
        };
        self.pos = start + 1;
        let number = self.number(close).filter(|_| self.pos == close);
        self.pos = close + 1;
        match number {
            Some(number) if (1..=self.values.len()).contains(&number) => {
                self.next = number - 1;
                true
            }
            number => {
                self.good_number = false;
                number.is_some()
            }
        }
    }

    /// The next argument as a width or precision; none if it is no integer, or beyond a million.
    fn integer_argument(&mut self) -> Option<isize> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        let plain = match value {
            Value::Object(object) => object.underlying(),
            _ => None,
        };
        let value = plain.as_ref().unwrap_or(value);
        let number = value.as_signed().or_else(|| i64::try_from(value.as_unsigned()?).ok())?;
        isize::try_from(number).ok().filter(|number| number.unsigned_abs() <= 1_000_000)
    }

    /// Arguments that no verb asked for.
    fn extra(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"%!(EXTRA ");
        for (index, value) in self.values[self.next..].iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            if value.kind().is_none_or(|kind| kind == Kind::Interface) {
                out.extend_from_slice(b"<nil>");
                continue;
            }
            out.extend_from_slice(value.type_name().as_bytes());
            out.push(b'=');
            Printer::new(out).argument(value, 'v');
        }
        out.push(b')');
    }
}
