//! Floating-point numbers as text, as Go's `strconv.FormatFloat`. Digits come from the standard library, which like Go
//! gives the shortest that read back the same, or any number of exact ones; the layout is Go's.

/// The size of the number that is to be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Bits32,
    Bits64,
}

/// Decimal digits without trailing zeros, and where the point is: `0.d1d2d3… * 10^point`. Zero has no digits.
struct Digits {
    digits: Vec<u8>,
    point: i32,
}

impl Digits {
    /// From Rust's `d.ddde-x`.
    fn from_scientific(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let point = if digits.is_empty() { 0 } else { exponent.parse::<i32>().unwrap_or(0) + 1 };
        Self { digits, point }
    }

    fn shortest(value: f64, size: Size) -> Self {
        match size {
            Size::Bits32 => Self::from_scientific(&format!("{:e}", value as f32)),
            Size::Bits64 => Self::from_scientific(&format!("{value:e}")),
        }
    }

    fn digit(&self, index: usize) -> u8 {
        self.digits.get(index).copied().unwrap_or(b'0')
    }
}

/// Writes `value` in the format `verb` (one of `eEfgGbxX`) with `precision` digits, or as many as are needed.
pub(crate) fn format(value: f64, verb: u8, precision: Option<usize>, size: Size) -> Vec<u8> {
    if value.is_nan() {
        return b"NaN".to_vec();
    }
    if value.is_infinite() {
        return if value > 0.0 { b"+Inf".to_vec() } else { b"-Inf".to_vec() };
    }
    let mut out = Vec::with_capacity(24);
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let value = value.abs();
    match verb {
        b'b' => binary(&mut out, value, size),
        b'x' | b'X' => hexadecimal(&mut out, value, verb, precision, size),
        b'f' => fixed(&mut out, value, precision, size),
        b'g' | b'G' => general(&mut out, value, verb, precision, size),
        _ => match precision {
            None => {
                let digits = Digits::shortest(value, size);
                let precision = digits.digits.len().saturating_sub(1);
                exponential(&mut out, &digits, precision, verb);
            }
            Some(precision) => {
                let digits = Digits::from_scientific(&format!("{value:.precision$e}"));
                exponential(&mut out, &digits, precision, verb);
            }
        },
    }
    out
}

fn fixed(out: &mut Vec<u8>, value: f64, precision: Option<usize>, size: Size) {
    match precision {
        Some(precision) => out.extend_from_slice(format!("{value:.precision$}").as_bytes()),
        None => point(out, &Digits::shortest(value, size)),
    }
}

/// Digits with the point in its place, as many as there are.
fn point(out: &mut Vec<u8>, digits: &Digits) {
    let whole = usize::try_from(digits.point).unwrap_or(0);
    if whole == 0 {
        out.push(b'0');
    }
    out.extend((0..whole).map(|index| digits.digit(index)));
    let fraction = i32::try_from(digits.digits.len()).unwrap_or(i32::MAX) - digits.point;
    if fraction > 0 {
        out.push(b'.');
        let zeros = usize::try_from(-digits.point).unwrap_or(0);
        out.extend(std::iter::repeat_n(b'0', zeros));
        out.extend_from_slice(&digits.digits[whole.min(digits.digits.len())..]);
    }
}

fn exponential(out: &mut Vec<u8>, digits: &Digits, precision: usize, verb: u8) {
    out.push(digits.digit(0));
    if precision > 0 {
        out.push(b'.');
        out.extend((1..=precision).map(|index| digits.digit(index)));
    }
    let exponent = if digits.digits.is_empty() { 0 } else { digits.point - 1 };
    out.push(verb);
    out.push(if exponent < 0 { b'-' } else { b'+' });
    out.extend_from_slice(format!("{:02}", exponent.abs()).as_bytes());
}

fn general(out: &mut Vec<u8>, value: f64, verb: u8, precision: Option<usize>, size: Size) {
    let digits = match precision {
        None => Digits::shortest(value, size),
        Some(precision) => {
            let after_first = precision.max(1) - 1;
            Digits::from_scientific(&format!("{value:.after_first$e}"))
        }
    };
    let count = i32::try_from(digits.digits.len()).unwrap_or(i32::MAX);
    // The exponent form is for exponents below -4 or not below the precision, which counts as 6 if none is given.
    let threshold = match precision {
        None => 6,
        Some(precision) => {
            let precision = i32::try_from(precision.max(1)).unwrap_or(i32::MAX);
            if precision > count && count >= digits.point { count } else { precision }
        }
    };
    let exponent = digits.point - 1;
    if exponent < -4 || exponent >= threshold {
        let shown = digits.digits.len().saturating_sub(1);
        exponential(out, &digits, shown, verb - b'g' + b'e');
    } else {
        point(out, &digits);
    }
}

/// Mantissa with the bit that is left out in storage, its width, and the exponent of its lowest bit plus that width.
fn parts(value: f64, size: Size) -> (u64, u32, i32) {
    let (bits, width, mask, bias) = match size {
        Size::Bits32 => (u64::from((value as f32).to_bits()), 23, 0xff, 127),
        Size::Bits64 => (value.to_bits(), 52, 0x7ff, 1023),
    };
    let exponent = i32::try_from(bits >> width & mask).unwrap_or(0);
    let mantissa = bits & ((1 << width) - 1);
    if exponent == 0 { (mantissa, width, 1 - bias) } else { (mantissa | 1 << width, width, exponent - bias) }
}

fn binary(out: &mut Vec<u8>, value: f64, size: Size) {
    let (mantissa, width, exponent) = parts(value, size);
    let exponent = exponent - i32::try_from(width).unwrap_or(0);
    out.extend_from_slice(format!("{mantissa}p{exponent:+}").as_bytes());
}

fn hexadecimal(out: &mut Vec<u8>, value: f64, verb: u8, precision: Option<usize>, size: Size) {
    let (mut mantissa, width, mut exponent) = parts(value, size);
    if mantissa == 0 {
        exponent = 0;
    }
    // The leading 1 goes to bit 60, so that each hexadecimal digit after it is one shift away.
    mantissa <<= 60 - width;
    while mantissa != 0 && mantissa >> 60 == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(precision) = precision.filter(|precision| *precision < 15) {
        let shift = precision * 4;
        let cut = (mantissa << shift) & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if cut | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let digit = |mantissa: u64| {
        let digits: &[u8; 16] = if verb == b'X' { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
        digits[usize::try_from(mantissa >> 60 & 15).unwrap_or(0)]
    };
    out.extend([b'0', verb, digit(mantissa)]);
    mantissa <<= 4;
    let count = precision.unwrap_or_else(|| (64 - mantissa.trailing_zeros() as usize).div_ceil(4));
    if count > 0 {
        out.push(b'.');
    }
    for _ in 0..count {
        out.push(digit(mantissa));
        mantissa <<= 4;
    }
    out.push(if verb == b'X' { b'P' } else { b'p' });
    out.push(if exponent < 0 { b'-' } else { b'+' });
    out.extend_from_slice(format!("{:02}", exponent.abs()).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: f64, verb: char, precision: Option<usize>, expect: &str) {
        let text = format(value, verb as u8, precision, Size::Bits64);
        assert_eq!(String::from_utf8_lossy(&text), expect, "%{verb} {precision:?}");
    }

    #[test]
    fn floats_are_laid_out_as_go_does() {
        check(1e6, 'g', None, "1e+06");
        check(123456.0, 'g', None, "123456");
        check(1234567.0, 'g', None, "1.234567e+06");
        check(0.0001, 'g', None, "0.0001");
        check(0.00001, 'g', None, "1e-05");
        check(100.0, 'g', Some(3), "100");
        check(1234.0, 'g', Some(2), "1.2e+03");
        check(0.0, 'g', None, "0");
        check(-0.0, 'g', None, "-0");
        check(0.0, 'e', Some(2), "0.00e+00");
        check(2.5, 'f', Some(0), "2");
        check(1e21, 'f', None, "1000000000000000000000");
        check(1.0, 'b', None, "4503599627370496p-52");
        check(1.5, 'x', None, "0x1.8p+00");
        check(1.0, 'x', Some(3), "0x1.000p+00");
        check(5e-324, 'x', None, "0x1p-1074");
    }

    #[test]
    fn a_small_float_has_its_own_shortest_digits() {
        assert_eq!(format(f64::from(0.1_f32), b'g', None, Size::Bits32), b"0.1");
    }
}
