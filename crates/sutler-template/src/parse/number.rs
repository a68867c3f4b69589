//! Number constants. A constant has no type of its own until it meets a parameter, so all readings are kept.

use crate::text::Str;
use crate::unicode::{self, SyntaxError, Unquoted};
use crate::value::Value;

use super::lex::Token;

/// A number constant, in all the readings its spelling allows.
#[derive(Debug)]
pub(crate) struct Number {
    pub(crate) text: Str,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
    pub(crate) ideal: Ideal,
}

/// What the constant is where no type is asked for, by Go's rules.
#[derive(Debug)]
pub(crate) enum Ideal {
    Value(Value),
    /// It is an integer beyond `int`.
    Overflow,
}

impl Number {
    /// Reads the token `text`.
    ///
    /// # Errors
    /// Go's message, if it is not a number after all.
    pub(crate) fn parse(bytes: &[u8], token: Token) -> Result<Self, String> {
        let mut number =
            Self { text: bytes.into(), int: None, uint: None, float: None, complex: None, ideal: Ideal::Overflow };
        match token {
            Token::CharConstant => number.read_char(bytes)?,
            Token::Complex => {
                let value = parse_complex(bytes).ok_or("syntax error scanning complex number")?;
                number.set_complex(value);
            }
            _ => match bytes.strip_suffix(b"i").and_then(parse_float) {
                Some(imaginary) => number.set_complex((0.0, imaginary)),
                None => number.read_real(bytes)?,
            },
        }
        number.ideal = number.ideal();
        Ok(number)
    }

    fn read_char(&mut self, text: &[u8]) -> Result<(), String> {
        let rest = &text[1..];
        let (unquoted, len) = unicode::unquote_char(rest, text[0]).map_err(|SyntaxError| "invalid syntax")?;
        if &rest[len..] != b"'" {
            return Err(format!("malformed character constant: {}", self.text));
        }
        let code = match unquoted {
            Unquoted::Char(c) => u32::from(c),
            Unquoted::Byte(byte) => u32::from(byte),
        };
        self.int = Some(i64::from(code));
        self.uint = Some(u64::from(code));
        self.float = Some(f64::from(code));
        Ok(())
    }

    fn read_real(&mut self, text: &[u8]) -> Result<(), String> {
        self.uint = parse_unsigned(text);
        self.int = parse_signed(text);
        if self.int == Some(0) {
            // Also for -0, which is not an unsigned number by itself.
            self.uint = Some(0);
        }
        if let Some(int) = self.int {
            self.float = Some(int as f64);
        } else if let Some(uint) = self.uint {
            self.float = Some(uint as f64);
        } else if let Some(float) = parse_float(text) {
            if !text.iter().any(|byte| b".eEpP".contains(byte)) {
                return Err(format!("integer overflow: {}", unicode::quoted(text)));
            }
            self.set_float(float);
        } else {
            return Err(format!("illegal number syntax: {}", unicode::quoted(text)));
        }
        Ok(())
    }

    fn set_float(&mut self, float: f64) {
        self.float = Some(float);
        self.int = integral(float).and_then(|value| i64::try_from(value).ok());
        self.uint = integral(float).and_then(|value| u64::try_from(value).ok());
    }

    fn set_complex(&mut self, (re, im): (f64, f64)) {
        self.complex = Some((re, im));
        if im == 0.0 {
            self.set_float(re);
        }
    }

    fn ideal(&self) -> Ideal {
        let text = self.text.as_bytes();
        let is_char = text.first() == Some(&b'\'');
        let is_hexadecimal = text.len() > 2
            && text[0] == b'0'
            && matches!(text[1], b'x' | b'X')
            && !text.iter().any(|byte| matches!(byte, b'p' | b'P'));
        let has_float_form = !is_char && !is_hexadecimal && text.iter().any(|byte| b".eEpP".contains(byte));
        match (self.complex, self.float, self.int) {
            (Some((re, im)), _, _) => Ideal::Value(Value::Complex128(re, im)),
            (None, Some(float), _) if has_float_form => Ideal::Value(Value::Float64(float)),
            (None, _, Some(int)) => Ideal::Value(Value::Int(int)),
            (None, _, None) => Ideal::Overflow,
        }
    }
}

/// The integer that `float` is, if it is one that could fit 64 bits.
fn integral(float: f64) -> Option<i128> {
    (float.abs() < 1e20 && float.trunc() == float).then_some(float as i128)
}

/// The digits of `text` in the base that its prefix says, as Go's `strconv.ParseUint` with base 0.
fn parse_unsigned(text: &[u8]) -> Option<u64> {
    let (base, digits) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', b'b' | b'B', rest @ ..] => (2, rest),
        [b'0', b'o' | b'O', rest @ ..] => (8, rest),
        [b'0', rest @ ..] if !rest.is_empty() => (8, rest),
        _ => (10, text),
    };
    if !underscores_separate_digits(text) || digits.is_empty() {
        return None;
    }
    let mut value = 0_u64;
    for byte in digits.iter().filter(|byte| **byte != b'_') {
        let digit = char::from(*byte).to_digit(base)?;
        value = value.checked_mul(u64::from(base))?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

fn parse_signed(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let magnitude = i128::from(parse_unsigned(digits)?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// As Go's `strconv.ParseFloat`, without names such as `inf`; `None` also where the number is too large.
fn parse_float(text: &[u8]) -> Option<f64> {
    if !underscores_separate_digits(text) {
        return None;
    }
    let plain: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'_').collect();
    let (negative, unsigned) = match &plain[..] {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    let value = match unsigned {
        [b'0', b'x' | b'X', rest @ ..] => parse_hexadecimal_float(rest)?,
        [b'0'..=b'9' | b'.', ..] => std::str::from_utf8(unsigned).ok()?.parse().ok()?,
        _ => return None,
    };
    value.is_finite().then_some(if negative { -value } else { value })
}

/// `1.8p-3`, whose exponent is required and a power of two.
fn parse_hexadecimal_float(text: &[u8]) -> Option<f64> {
    let split = text.iter().position(|byte| matches!(byte, b'p' | b'P'))?;
    let exponent = std::str::from_utf8(&text[split + 1..]).ok()?.parse::<i64>().ok()?.clamp(-100_000, 100_000);
    let (mut mantissa, mut scale, mut seen_point, mut seen_digit, mut sticky) = (0_u64, 0_i64, false, false, false);
    for byte in &text[..split] {
        if *byte == b'.' && !seen_point {
            seen_point = true;
            continue;
        }
        let digit = u64::from(char::from(*byte).to_digit(16)?);
        seen_digit = true;
        if mantissa >> 56 == 0 {
            mantissa = mantissa << 4 | digit;
            scale -= if seen_point { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            scale += if seen_point { 0 } else { 4 };
        }
    }
    if !seen_digit {
        return None;
    }
    // A bit below all that count stands for what was cut off, so that the one rounding below is right.
    let mantissa = u128::from(mantissa) << 1 | u128::from(sticky);
    Some(scale_by_power_of_two(mantissa, exponent + scale - 1))
}

/// `mantissa * 2^exponent`, rounded once, to nearest even.
fn scale_by_power_of_two(mantissa: u128, exponent: i64) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let bits = i64::from(128 - mantissa.leading_zeros());
    // The lowest bit that the result can hold: 52 below its highest, and none below 2^-1074.
    let lowest = (bits - 53).max(-1074 - exponent);
    if lowest <= 0 {
        return mantissa as f64 * 2_f64.powi(i32::try_from(exponent).unwrap_or(i32::MAX));
    }
    if lowest > 127 {
        return 0.0;
    }
    let (mut kept, cut) = (mantissa >> lowest, mantissa & ((1 << lowest) - 1));
    let half = 1 << (lowest - 1);
    if cut > half || (cut == half && kept & 1 == 1) {
        kept += 1;
    }
    let exponent = exponent + lowest;
    // Two steps, as 2^-1074 is not the inverse of a number there is.
    let step = i32::try_from(exponent / 2).unwrap_or(i32::MAX);
    let rest = i32::try_from(exponent - exponent / 2).unwrap_or(i32::MAX);
    kept as f64 * 2_f64.powi(step) * 2_f64.powi(rest)
}

/// `1+2i`.
fn parse_complex(text: &[u8]) -> Option<(f64, f64)> {
    let text = text.strip_suffix(b"i")?;
    let is_hexadecimal = text.iter().any(|byte| matches!(byte, b'x' | b'X'));
    let split = (1..text.len()).rev().find(|index| {
        let after_exponent = match text[index - 1] {
            b'e' | b'E' => !is_hexadecimal,
            b'p' | b'P' => true,
            _ => false,
        };
        matches!(text[*index], b'+' | b'-') && !after_exponent
    })?;
    Some((parse_float(&text[..split])?, parse_float(&text[split..])?))
}

/// Whether underscores stand only between digits, or between a base prefix and a digit, as Go's syntax wants.
fn underscores_separate_digits(text: &[u8]) -> bool {
    if !text.contains(&b'_') {
        return true;
    }
    let text = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    let (mut previous, hexadecimal, rest) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (b'0', true, rest),
        [b'0', b'b' | b'B' | b'o' | b'O', rest @ ..] => (b'0', false, rest),
        _ => (b'^', false, text),
    };
    for byte in rest {
        if byte.is_ascii_digit() || (hexadecimal && byte.is_ascii_hexdigit()) {
            previous = b'0';
        } else if *byte == b'_' {
            if previous != b'0' {
                return false;
            }
            previous = b'_';
        } else {
            if previous == b'_' {
                return false;
            }
            previous = b'!';
        }
    }
    previous != b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let number = Number::parse(text.as_bytes(), Token::Number);
        let shown = match number {
            Ok(number) => format!("{:?} {:?} {:?}", number.int, number.uint, number.float),
            Err(message) => message,
        };
        assert_eq!(shown.replace("Some", "").replace("None", "-"), expect, "{text}");
    }

    #[test]
    fn numbers_have_all_the_readings_their_spelling_allows() {
        check("12", "(12) (12) (12.0)");
        check("-12", "(-12) - (-12.0)");
        check("-0", "(0) (0) (0.0)");
        check("0x_1F", "(31) (31) (31.0)");
        check("0755", "(493) (493) (493.0)");
        check("1_000", "(1000) (1000) (1000.0)");
        check("1e3", "(1000) (1000) (1000.0)");
        check("1.5", "- - (1.5)");
        check("0x1.8p1", "(3) (3) (3.0)");
        check("0x1p-1074", "- - (5e-324)");
        check("18446744073709551615", "- (18446744073709551615) (1.8446744073709552e19)");
        check("9223372036854775808.0", "- (9223372036854775808) (9.223372036854776e18)");
        check("1e999", "illegal number syntax: \"1e999\"");
        check("089", "integer overflow: \"089\"");
        check("99999999999999999999", "integer overflow: \"99999999999999999999\"");
        check("1__0", "illegal number syntax: \"1__0\"");
    }
}
