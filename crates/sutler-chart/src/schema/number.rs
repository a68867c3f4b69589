//! Numbers of JSON as the validator needs them: compared and divided by their decimal digits, and printed for people.

use std::cmp::Ordering;

use serde_json::Number;

/// A number as digits and a power of ten: what stands in the text, without binary rounding.
struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    /// None when there are more digits than fit, or a power beyond any use.
    fn of(number: &Number) -> Option<Decimal> {
        let text = number.to_string();
        let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let fraction = fraction.trim_end_matches('0');
        let digits = format!("{whole}{fraction}").parse().ok()?;
        let exponent = power.parse::<i32>().ok()?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        Some(Decimal { digits, exponent })
    }

    /// The digits at a lower power of ten.
    fn at(&self, exponent: i32) -> Option<i128> {
        let shift = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        self.digits.checked_mul(10_i128.checked_pow(shift)?)
    }
}

fn aligned(a: &Number, b: &Number) -> Option<(i128, i128)> {
    let (a, b) = (Decimal::of(a)?, Decimal::of(b)?);
    let exponent = a.exponent.min(b.exponent);
    Some((a.at(exponent)?, b.at(exponent)?))
}

fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

/// Compares two numbers by value: `1`, `1.0` and `1e0` are equal.
pub(super) fn compare(a: &Number, b: &Number) -> Ordering {
    match aligned(a, b) {
        Some((a, b)) => a.cmp(&b),
        None => float(a).total_cmp(&float(b)),
    }
}

/// Whether the number has no fraction.
pub(super) fn is_integer(number: &Number) -> bool {
    float(number).fract() == 0.0
}

/// Whether `a` is a multiple of `b`.
pub(super) fn is_multiple(a: &Number, b: &Number) -> bool {
    match aligned(a, b) {
        Some((_, 0)) => false,
        Some((a, b)) => a % b == 0,
        None => (float(a) / float(b)).fract() == 0.0,
    }
}

/// A number for people, as Go's `message` package prints it in English: `1,234.5`, `1×10⁰⁶`.
pub(super) fn display(number: &Number) -> String {
    let value = float(number);
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { "⁻" } else { "" };
        let power: String = format!("{:02}", exponent.abs()).chars().map(superscript).collect();
        return format!("{mantissa}×10{sign}{power}");
    }
    let plain = format!("{value}");
    let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    match fraction {
        Some(fraction) => format!("{}.{fraction}", grouped(whole)),
        None => grouped(whole),
    }
}

/// A whole number with a comma at every third digit.
pub(super) fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let mut out = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn superscript(digit: char) -> char {
    match digit {
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        '9' => '⁹',
        _ => '⁰',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn numbers_print_as_in_go() {
        // Recorded from golang.org/x/text/message.
        for (text, expected) in [
            ("0", "0"),
            ("1000", "1,000"),
            ("65536", "65,536"),
            ("1234567", "1.234567×10⁰⁶"),
            ("1e6", "1×10⁰⁶"),
            ("1e20", "1×10²⁰"),
            ("1.5e-7", "1.5×10⁻⁰⁷"),
            ("0.00001", "1×10⁻⁰⁵"),
            ("123456.789", "123,456.789"),
            ("-1234.5", "-1,234.5"),
            ("0.1234567", "0.1234567"),
        ] {
            assert_eq!(display(&number(text)), expected);
        }
    }

    #[test]
    fn multiples_are_decimal() {
        assert!(is_multiple(&number("0.3"), &number("0.1")));
        assert!(!is_multiple(&number("0.35"), &number("0.1")));
        assert!(is_multiple(&number("4096"), &number("1024")));
        assert_eq!(compare(&number("1.0"), &number("1")), Ordering::Equal);
        assert_eq!(compare(&number("1e300"), &number("2")), Ordering::Greater);
    }
}
