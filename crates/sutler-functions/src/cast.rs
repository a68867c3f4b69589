//! Numbers out of anything, as `spf13/cast` v1.7.0 makes them: what cannot be one is 0.

use sutler_template::Value;

/// A float as an integer, as amd64 converts it: towards zero, and the smallest integer for what does not fit.
pub(crate) fn to_int(value: f64) -> i64 {
    // 2^63 is a float; the largest integer is not.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value) { value as i64 } else { i64::MIN }
}

/// As `cast.ToInt` and `cast.ToInt64`, which differ only in the type of the result.
pub(crate) fn int(value: &Value) -> i64 {
    match value {
        Value::Bool(value) => i64::from(*value),
        Value::String(text) => text.as_str().and_then(|text| parse_int(trim_zero_decimals(text))).unwrap_or(0),
        Value::Object(_) => match crate::json::number_text(value) {
            Some(text) => parse_int(trim_zero_decimals(text)).unwrap_or(0),
            None => counted(value).unwrap_or(0),
        },
        value => value
            .as_signed()
            .or_else(|| value.as_unsigned().map(u64::cast_signed))
            .or_else(|| value.as_float().map(to_int))
            .unwrap_or(0),
    }
}

/// As `cast.ToFloat64`.
pub(crate) fn float(value: &Value) -> f64 {
    match value {
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::String(text) => text.as_str().and_then(parse_float).unwrap_or(0.0),
        Value::Object(_) => match crate::json::number_text(value) {
            Some(text) => parse_float(text).unwrap_or(0.0),
            None => counted(value).map_or(0.0, |count| count as f64),
        },
        value => value
            .as_float()
            .or_else(|| value.as_signed().map(|value| value as f64))
            .or_else(|| value.as_unsigned().map(|value| value as f64))
            .unwrap_or(0.0),
    }
}

/// The two named types that the library knows.
fn counted(value: &Value) -> Option<i64> {
    let Value::Object(object) = value else { return None };
    if !matches!(object.go_type().name, "time.Month" | "time.Weekday") {
        return None;
    }
    object.underlying()?.as_signed()
}

/// `12.00` without its zeros, as the library's `trimZeroDecimal`.
fn trim_zero_decimals(text: &str) -> &str {
    let without = text.trim_end_matches('0');
    match without.strip_suffix('.') {
        Some(whole) if without.len() < text.len() => whole,
        _ => text,
    }
}

/// Whether underscores stand only between digits, or between a base prefix and a digit, as Go's `underscoreOK`.
fn underscores_are_placed_well(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut hexadecimal = false;
    // What came before: nothing, a digit (or base prefix), an underscore, anything else.
    let mut before = '^';
    let mut rest = text;
    if let [b'0', base, ..] = text.as_bytes()
        && matches!(base | 0x20, b'b' | b'o' | b'x')
    {
        hexadecimal = base | 0x20 == b'x';
        before = '0';
        rest = &text[2..];
    }
    for byte in rest.bytes() {
        let kind = match byte {
            b'0'..=b'9' => '0',
            b'a'..=b'f' | b'A'..=b'F' if hexadecimal => '0',
            b'_' => '_',
            _ => '!',
        };
        if (kind == '_' && before != '0') || (before == '_' && kind != '0') {
            return false;
        }
        before = kind;
    }
    before != '_'
}

/// As `strconv.ParseInt(text, 0, 64)`, without its errors: the base by prefix, underscores between digits.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.as_bytes().get(1).map(|byte| byte | 0x20);
    let (base, digits) = match (digits.as_bytes().first(), lower) {
        (Some(b'0'), Some(b'x')) if digits.len() >= 3 => (16, &digits[2..]),
        (Some(b'0'), Some(b'o')) if digits.len() >= 3 => (8, &digits[2..]),
        (Some(b'0'), Some(b'b')) if digits.len() >= 3 => (2, &digits[2..]),
        (Some(b'0'), _) => (8, &digits[1..]),
        _ => (10, digits),
    };
    if base == 8 && digits.is_empty() {
        return Some(0);
    }
    if !digits.is_ascii() || (digits.contains('_') && !underscores_are_placed_well(text)) {
        return None;
    }
    let plain: String = digits.chars().filter(|digit| *digit != '_').collect();
    if plain.is_empty() || plain.starts_with(['-', '+']) {
        return None;
    }
    let magnitude = u64::from_str_radix(&plain, base).ok()?;
    match (negative, i64::try_from(magnitude)) {
        (false, result) => result.ok(),
        (true, Ok(magnitude)) => Some(-magnitude),
        (true, Err(_)) if magnitude == 1 << 63 => Some(i64::MIN),
        (true, Err(_)) => None,
    }
}

/// As `strconv.ParseFloat(text, 64)`, without its errors: too large a number is one.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(hexadecimal) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        if hexadecimal.contains('_') && !underscores_are_placed_well(text) {
            return None;
        }
        let magnitude = parse_hexadecimal_float(&hexadecimal.replace('_', ""))?;
        return Some(if text.starts_with('-') { -magnitude } else { magnitude });
    }
    let numeric = unsigned.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-' | b'_'));
    if !numeric {
        // Rust and Go agree on the spellings of infinity and not-a-number, but for a sign before the latter.
        let word = unsigned.to_ascii_lowercase();
        return match word.as_str() {
            "nan" if unsigned.len() == text.len() => Some(f64::NAN),
            "inf" | "infinity" if text.starts_with('-') => Some(f64::NEG_INFINITY),
            "inf" | "infinity" => Some(f64::INFINITY),
            _ => None,
        };
    }
    if text.contains('_') && !underscores_are_placed_well(text) {
        return None;
    }
    text.replace('_', "").parse().ok().filter(|value: &f64| value.is_finite())
}

/// `1.8p3` after its `0x`; the exponent is required.
fn parse_hexadecimal_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    if exponent.strip_prefix(['-', '+']).unwrap_or(exponent).is_empty()
        || !exponent
            .bytes()
            .enumerate()
            .all(|(index, byte)| byte.is_ascii_digit() || (index == 0 && matches!(byte, b'-' | b'+')))
    {
        return None;
    }
    let exponent: i64 = exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { -100_000 } else { 100_000 });
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // 64 bits of mantissa are kept, and a last bit that says whether anything was cut.
    let (mut bits, mut scale, mut cut) = (0_u64, exponent.clamp(-100_000, 100_000), false);
    for (index, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(digit.to_digit(16)?);
        if bits >> 59 == 0 {
            bits = (bits << 4) | digit;
            scale -= if index >= whole.len() { 4 } else { 0 };
        } else {
            cut |= digit != 0;
            scale += if index >= whole.len() { 0 } else { 4 };
        }
    }
    if cut {
        bits |= 1;
    }
    round_binary(bits, scale)
}

/// `bits * 2^scale`, rounded half to even; `None` when too large.
fn round_binary(bits: u64, scale: i64) -> Option<f64> {
    if bits == 0 {
        return Some(0.0);
    }
    let length = 64 - i64::from(bits.leading_zeros());
    let top = scale + length - 1;
    // Exponent of the lowest bit that a float of this size holds.
    let lowest = (top - 52).max(-1074);
    let shift = lowest - scale;
    let mantissa = if shift <= 0 {
        u128::from(bits) << u32::try_from(-shift).ok().filter(|shift| *shift < 64)?
    } else if shift > 100 {
        0
    } else {
        let wide = u128::from(bits);
        let kept = wide >> shift;
        let remainder = wide & ((1_u128 << shift) - 1);
        let half = 1_u128 << (shift - 1);
        if remainder > half || (remainder == half && kept & 1 == 1) { kept + 1 } else { kept }
    };
    let mut value = mantissa as f64;
    let mut exponent = lowest;
    while exponent > 0 {
        let step = exponent.min(1000);
        value *= 2.0_f64.powi(i32::try_from(step).ok()?);
        exponent -= step;
    }
    while exponent < 0 {
        let step = exponent.max(-1000);
        value *= 2.0_f64.powi(i32::try_from(step).ok()?);
        exponent -= step;
    }
    Some(value).filter(|value| value.is_finite())
}
