//! Padding and the forms of numbers and strings under the flags of a verb, as the lower half of Go's `fmt`.

use crate::unicode::{self, Keep};

use super::float::{self, Size};

pub(super) const LOWER: &[u8; 17] = b"0123456789abcdefx";
pub(super) const UPPER: &[u8; 17] = b"0123456789ABCDEFX";

/// The flags, width and precision of a verb.
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`.
    pub(super) plus_v: bool,
    /// `%#v`.
    pub(super) sharp_v: bool,
}

/// An integer: sign and magnitude.
#[derive(Clone, Copy)]
pub(super) struct Integer {
    pub(super) negative: bool,
    pub(super) magnitude: u64,
    pub(super) signed: bool,
}

impl Integer {
    pub(super) fn signed(value: i64) -> Self {
        Self { negative: value < 0, magnitude: value.unsigned_abs(), signed: true }
    }

    pub(super) fn unsigned(value: u64) -> Self {
        Self { negative: false, magnitude: value, signed: false }
    }

    /// Go's conversion to `uint64`.
    fn as_bits(self) -> u64 {
        if self.negative { self.magnitude.wrapping_neg() } else { self.magnitude }
    }
}

impl Flags {
    pub(super) fn padding(&self, out: &mut Vec<u8>, count: usize) {
        // Zeros are only for the left.
        let byte = if self.zero && !self.minus { b'0' } else { b' ' };
        out.extend(std::iter::repeat_n(byte, count));
    }

    /// Appends `text`, padded to the width.
    pub(super) fn pad(&self, out: &mut Vec<u8>, text: &[u8]) {
        let Some(width) = self.width.filter(|width| *width > 0) else { return out.extend_from_slice(text) };
        let count = width.saturating_sub(unicode::count(text));
        if self.minus {
            out.extend_from_slice(text);
            self.padding(out, count);
        } else {
            self.padding(out, count);
            out.extend_from_slice(text);
        }
    }

    fn without_zero(&self) -> Self {
        Self { zero: false, ..*self }
    }

    pub(super) fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        self.precision.map_or(text, |precision| unicode::truncate(text, precision))
    }

    pub(super) fn string(&self, out: &mut Vec<u8>, text: &[u8]) {
        self.pad(out, self.truncated(text));
    }

    pub(super) fn quoted(&self, out: &mut Vec<u8>, text: &[u8]) {
        let text = self.truncated(text);
        let mut quoted = Vec::with_capacity(text.len() + 2);
        if self.sharp && unicode::can_backquote(text) {
            quoted.push(b'`');
            quoted.extend_from_slice(text);
            quoted.push(b'`');
        } else {
            unicode::quote(&mut quoted, text, self.keep());
        }
        self.pad(out, &quoted);
    }

    fn keep(&self) -> Keep {
        if self.plus { Keep::Ascii } else { Keep::Printable }
    }

    /// `%x` of a string or bytes.
    pub(super) fn hexadecimal(&self, out: &mut Vec<u8>, text: &[u8], digits: &[u8; 17]) {
        let text = &text[..self.precision.map_or(text.len(), |precision| precision.min(text.len()))];
        if text.is_empty() {
            if let Some(width) = self.width {
                self.padding(out, width);
            }
            return;
        }
        let mut encoded = Vec::with_capacity(text.len() * 2);
        for (index, byte) in text.iter().enumerate() {
            if self.space && index > 0 {
                encoded.push(b' ');
            }
            if self.sharp && (self.space || index == 0) {
                encoded.extend([b'0', digits[16]]);
            }
            encoded.extend([digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
        }
        self.pad(out, &encoded);
    }

    pub(super) fn integer(&self, out: &mut Vec<u8>, integer: Integer, base: u64, verb: char, digits: &[u8; 17]) {
        let precision = match self.precision {
            // Zero with a precision of zero is nothing but padding.
            Some(0) if integer.magnitude == 0 => {
                return self.without_zero().padding(out, self.width.unwrap_or(0));
            }
            Some(precision) => precision,
            None => match self.width {
                Some(width) if self.zero && !self.minus => {
                    let sign = integer.negative || self.plus || self.space;
                    width.saturating_sub(usize::from(sign))
                }
                _ => 0,
            },
        };
        let mut reversed = Vec::with_capacity(24);
        let mut rest = integer.magnitude;
        loop {
            reversed.push(digits[usize::try_from(rest % base).unwrap_or(0)]);
            rest /= base;
            if rest == 0 {
                break;
            }
        }
        while reversed.len() < precision {
            reversed.push(b'0');
        }
        if self.sharp {
            match base {
                2 => reversed.extend(b"b0"),
                8 if reversed.last() != Some(&b'0') => reversed.push(b'0'),
                16 => reversed.extend([digits[16], b'0']),
                _ => {}
            }
        }
        if verb == 'O' {
            reversed.extend(b"o0");
        }
        if integer.negative {
            reversed.push(b'-');
        } else if self.plus {
            reversed.push(b'+');
        } else if self.space {
            reversed.push(b' ');
        }
        reversed.reverse();
        self.without_zero().pad(out, &reversed);
    }

    /// `%c`.
    pub(super) fn character(&self, out: &mut Vec<u8>, integer: Integer) {
        self.pad(out, to_char(integer).encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// `%q` of an integer.
    pub(super) fn quoted_character(&self, out: &mut Vec<u8>, integer: Integer) {
        let mut quoted = Vec::new();
        unicode::quote_char(&mut quoted, to_char(integer), self.keep());
        self.pad(out, &quoted);
    }

    /// `%U`.
    pub(super) fn code_point(&self, out: &mut Vec<u8>, integer: Integer) {
        let code = integer.as_bits();
        let precision = self.precision.unwrap_or(4).max(4);
        let mut text = format!("U+{code:0precision$X}");
        if self.sharp
            && let Some(c) = u32::try_from(code).ok().and_then(char::from_u32)
            && unicode::is_print(c)
        {
            text.push_str(&format!(" '{c}'"));
        }
        self.without_zero().pad(out, text.as_bytes());
    }

    pub(super) fn float(&self, out: &mut Vec<u8>, value: f64, size: Size, verb: char, precision: Option<usize>) {
        let precision = self.precision.or(precision);
        let mut number = float::format(value, verb as u8, precision, size);
        if !matches!(number[0], b'-' | b'+') {
            number.insert(0, b'+');
        }
        if self.space && number[0] == b'+' && !self.plus {
            number[0] = b' ';
        }
        if matches!(number[1], b'I' | b'N') {
            // Not a number to be filled up with zeros, nor signed unless asked for.
            let start = usize::from(number[1] == b'N' && !self.space && !self.plus);
            return self.without_zero().pad(out, &number[start..]);
        }
        if self.sharp && verb != 'b' {
            number = with_decimal_point(&number, verb, precision);
        }
        if !self.plus && number[0] == b'+' {
            return self.pad(out, &number[1..]);
        }
        match self.width {
            // The sign goes before the zeros.
            Some(width) if self.zero && !self.minus && width > number.len() => {
                out.push(number[0]);
                self.padding(out, width - number.len());
                out.extend_from_slice(&number[1..]);
            }
            _ => self.pad(out, &number),
        }
    }
}

/// The number, signed, with the decimal point and the trailing zeros that `#` asks for.
fn with_decimal_point(number: &[u8], verb: char, precision: Option<usize>) -> Vec<u8> {
    let is_hexadecimal = matches!(verb, 'x' | 'X');
    let is_exponent = |byte: u8| match byte {
        b'p' | b'P' => true,
        b'e' | b'E' => !is_hexadecimal,
        _ => false,
    };
    let end = number.iter().skip(1).position(|byte| is_exponent(*byte)).map_or(number.len(), |index| index + 1);
    let (mut mantissa, tail) = (number[..end].to_vec(), &number[end..]);
    let mut missing = if matches!(verb, 'g' | 'G' | 'x') { precision.unwrap_or(6) } else { 0 };
    let significant = mantissa[1..].iter().filter(|byte| **byte != b'.').skip_while(|byte| **byte == b'0').count();
    missing = missing.saturating_sub(significant);
    if !mantissa.contains(&b'.') {
        if &mantissa[1..] == b"0" {
            missing = missing.saturating_sub(1);
        }
        mantissa.push(b'.');
    }
    mantissa.extend(std::iter::repeat_n(b'0', missing));
    mantissa.extend_from_slice(tail);
    mantissa
}

fn to_char(integer: Integer) -> char {
    // Go prints U+FFFD for what is beyond Unicode, and for surrogates.
    u32::try_from(integer.as_bits()).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}
