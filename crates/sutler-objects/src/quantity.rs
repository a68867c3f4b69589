//! Quantities: `500m`, `2Gi`, `1e3`, as apimachinery's `resource.Quantity` reads, compares, adds and writes them.
//!
//! Arithmetic is exact, in billionths, up to about 1.7·10²⁹ (there it saturates; the API's own binary limit is 2⁶³−1).

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use serde_json::Value;

const NANO: i128 = 1_000_000_000;

/// An amount of a resource, with the form in which it was written.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    /// In billionths.
    nanos: i128,
    format: Format,
}

/// The suffixes a quantity is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// `n u m k M G T P E`, powers of 1000.
    #[default]
    DecimalSi,
    /// `Ki Mi Gi Ti Pi Ei`, powers of 1024.
    BinarySi,
    /// `e3`.
    DecimalExponent,
}

/// Why a text is no quantity; the texts are the API server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not a number with a suffix at all.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// A suffix that does not exist.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Quantity = Quantity { nanos: 0, format: Format::DecimalSi };

    /// Whole units: bytes, cores, pods.
    pub fn from_units(units: i64) -> Self {
        Self { nanos: i128::from(units) * NANO, format: Format::DecimalSi }
    }

    /// Thousandths: `from_millis(500)` is half a core, `500m`.
    pub fn from_millis(millis: i64) -> Self {
        Self { nanos: i128::from(millis) * (NANO / 1000), format: Format::DecimalSi }
    }

    /// Bytes, written with binary suffixes: `from_bytes(1024)` is `1Ki`.
    pub fn from_bytes(bytes: i64) -> Self {
        Self { nanos: i128::from(bytes) * NANO, format: Format::BinarySi }
    }

    /// Of a JSON value as the API takes it: text, or a number.
    ///
    /// # Errors
    /// [`QuantityError`]; anything but text and numbers is [`QuantityError::Format`].
    pub fn from_value(value: &Value) -> Result<Self, QuantityError> {
        match value {
            Value::String(text) => text.trim().parse(),
            Value::Number(number) => number.to_string().parse(),
            _ => Err(QuantityError::Format),
        }
    }

    /// Whole units, rounded up (away from zero), as Go's `Value()`; beyond 64 bits the nearest there is.
    pub fn units(&self) -> i64 {
        saturate(divide_up(self.nanos, NANO))
    }

    /// Thousandths, rounded up (away from zero), as Go's `MilliValue()`.
    pub fn millis(&self) -> i64 {
        saturate(divide_up(self.nanos, NANO / 1000))
    }

    /// As a floating point number of units.
    pub fn as_f64(&self) -> f64 {
        self.nanos as f64 / NANO as f64
    }

    /// The form in which it was written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The same amount, written in another form.
    pub fn with_format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// Whether it is nothing.
    pub fn is_zero(&self) -> bool {
        self.nanos == 0
    }

    /// Whether it is less than nothing.
    pub fn is_negative(&self) -> bool {
        self.nanos < 0
    }

    /// Rounded up to whole thousandths, as the API server does with resource lists.
    pub fn rounded_to_millis(self) -> Self {
        Self { nanos: divide_up(self.nanos, NANO / 1000) * (NANO / 1000), ..self }
    }
}

fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// Division that rounds away from zero.
fn divide_up(value: i128, by: i128) -> i128 {
    let quotient = value / by;
    if value % by == 0 { quotient } else { quotient + value.signum() }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        if text.is_empty() {
            return Err(QuantityError::Format);
        }
        let (negative, rest) = match text.as_bytes()[0] {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let digits_end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (whole, rest) = rest.split_at(digits_end);
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())),
            None => ("", rest),
        };
        let letters = suffix.trim_start_matches(|c: char| "eEinumkKMGTP".contains(c));
        let exponent = letters.strip_prefix(['-', '+']).unwrap_or(letters);
        if !exponent.bytes().all(|b| b.is_ascii_digit()) {
            return Err(QuantityError::Format);
        }
        let (base, exponent, mut format) = interpret(suffix)?;
        let nanos = amount(whole, fraction, base, exponent);
        let limit = i128::from(i64::MAX) * NANO;
        let nanos = if format == Format::BinarySi { nanos.min(limit) } else { nanos };
        if format == Format::BinarySi && nanos > 0 && nanos < NANO {
            format = Format::DecimalSi;
        }
        Ok(Self { nanos: if negative { -nanos } else { nanos }, format })
    }
}

fn interpret(suffix: &str) -> Result<(i128, i64, Format), QuantityError> {
    let decimal = |exponent| Ok((10, exponent, Format::DecimalSi));
    let binary = |exponent| Ok((2, exponent, Format::BinarySi));
    match suffix {
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E']).and_then(|exponent| exponent.parse::<i64>().ok());
            exponent.map(|exponent| (10, exponent, Format::DecimalExponent)).ok_or(QuantityError::Suffix)
        }
    }
}

/// `whole.fraction · base^exponent` in billionths, rounded up, saturating.
fn amount(whole: &str, fraction: &str, base: i128, exponent: i64) -> i128 {
    let mut mantissa: i128 = 0;
    let mut places = 0;
    let mut inexact = false;
    for (index, digit) in whole.bytes().chain(fraction.bytes()).enumerate() {
        let is_fraction = index >= whole.len();
        let next = mantissa.checked_mul(10).and_then(|value| value.checked_add(i128::from(digit - b'0')));
        match next {
            // So many digits leave room for the scaling below; what comes after cannot matter but for rounding.
            Some(next) if !is_fraction || next < i128::MAX / (1 << 64) => {
                mantissa = next;
                places += i64::from(is_fraction);
            }
            _ if is_fraction => inexact |= digit != b'0',
            _ => return i128::MAX,
        }
    }
    if mantissa == 0 && !inexact {
        return 0;
    }
    let power =
        |base: i128, exponent: i64| u32::try_from(exponent).ok().and_then(|exponent| base.checked_pow(exponent));
    let (factor, tens) =
        if base == 2 { (power(2, exponent), 9 - places) } else { (Some(1), exponent.saturating_add(9 - places)) };
    let scaled = factor.and_then(|factor| mantissa.checked_mul(factor));
    let Some(scaled) = scaled else { return i128::MAX };
    let nanos = if tens >= 0 {
        power(10, tens).and_then(|factor| scaled.checked_mul(factor)).unwrap_or(i128::MAX)
    } else {
        // A divisor beyond any amount leaves the least amount there is.
        power(10, -tens).map_or(scaled.signum(), |divisor| divide_up(scaled, divisor))
    };
    if inexact && nanos % NANO == 0 { nanos.saturating_add(1) } else { nanos }
}

/// The canonical form: the largest suffix that keeps the number whole.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        let small = self.nanos.abs() < 1024 * NANO;
        if self.format == Format::BinarySi && !small && self.nanos % NANO == 0 {
            let (number, exponent) = without_factors(self.nanos / NANO, 1024, 6);
            return write!(f, "{number}{}", ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][exponent]);
        }
        let (number, exponent) = without_factors(self.nanos, 1000, 9);
        match self.format {
            Format::DecimalExponent if exponent != 3 => write!(f, "{number}e{}", exponent as i64 * 3 - 9),
            _ => write!(f, "{number}{}", ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][exponent]),
        }
    }
}

fn without_factors(mut number: i128, factor: i128, most: usize) -> (i128, usize) {
    let mut exponent = 0;
    while exponent < most && number % factor == 0 {
        number /= factor;
        exponent += 1;
    }
    (number, exponent)
}

/// By amount: `1` and `1000m` are equal.
impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Default for Quantity {
    fn default() -> Self {
        Self::ZERO
    }
}

/// A sum is written as its left side, or as its right one if the left is zero.
impl Add for Quantity {
    type Output = Quantity;

    fn add(self, other: Quantity) -> Quantity {
        let format = if self.is_zero() { other.format } else { self.format };
        Quantity { nanos: self.nanos.saturating_add(other.nanos), format }
    }
}

impl Sub for Quantity {
    type Output = Quantity;

    fn sub(self, other: Quantity) -> Quantity {
        self + -other
    }
}

impl Neg for Quantity {
    type Output = Quantity;

    fn neg(self) -> Quantity {
        Quantity { nanos: self.nanos.saturating_neg(), ..self }
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Quantity) {
        *self = *self + other;
    }
}

impl SubAssign for Quantity {
    fn sub_assign(&mut self, other: Quantity) {
        *self = *self - other;
    }
}

impl std::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Quantity>>(amounts: I) -> Quantity {
        amounts.fold(Quantity::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_form_is_the_apis() {
        let check =
            |text: &str, expect: &str| assert_eq!(text.parse::<Quantity>().unwrap().to_string(), expect, "{text}");
        for (text, expect) in [
            ("0", "0"),
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1.5", "1500m"),
            ("1024Mi", "1Gi"),
            ("0.5Gi", "512Mi"),
            ("1500Mi", "1500Mi"),
            ("1.5Gi", "1536Mi"),
            ("1000k", "1M"),
            ("1e3", "1e3"),
            ("12E2", "1200"),
            ("100u", "100u"),
            ("0.1n", "1n"),
            ("-1.5", "-1500m"),
            ("1Ki", "1Ki"),
            ("512Ki", "512Ki"),
            ("0.5Ki", "512"),
            ("1.1Ki", "1126400m"),
            ("1025", "1025"),
            ("4000000Ki", "4000000Ki"),
            ("+5", "5"),
            ("9223372036854775808Ki", "9223372036854775807"),
            ("1E", "1E"),
            (".5", "500m"),
            ("5.", "5"),
            ("1e-3", "1e-3"),
            ("-", "0"),
        ] {
            check(text, expect);
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused_in_the_servers_words() {
        let check = |text: &str, expect: QuantityError| assert_eq!(text.parse::<Quantity>(), Err(expect), "{text}");
        for text in ["", "1GiB", "1 Gi", "a", "1gi", "1..2", "1e3x"] {
            check(text, QuantityError::Format);
        }
        for text in ["1KK", "1mi", "1ee3", "1i"] {
            check(text, QuantityError::Suffix);
        }
    }

    #[test]
    fn sums_are_exact_and_keep_the_form() {
        let quantity = |text: &str| text.parse::<Quantity>().unwrap();
        assert_eq!((quantity("0.1") + quantity("0.2")).to_string(), "300m");
        assert_eq!((quantity("1Gi") + quantity("24Mi")).to_string(), "1048Mi");
        assert_eq!((quantity("2Gi") - quantity("1Gi")).to_string(), "1Gi");
        assert_eq!([quantity("1Mi"), quantity("1Ki")].into_iter().sum::<Quantity>().units(), 1_049_600);
        assert!(quantity("1Gi") > quantity("1G"));
        assert_eq!(quantity("1500u").millis(), 2);
        assert_eq!(quantity("1e100"), quantity("1e200"));
    }

    proptest::proptest! {
        #[test]
        fn the_canonical_form_reads_back_as_the_same_amount(number in -1_000_000_000_i64..1_000_000_000, places in 0_u32..6, suffix in "|n|u|m|k|M|G|T|Ki|Mi|Gi|Ti|e3|e-3") {
            let text = format!("{}{suffix}", number as f64 / f64::from(10_u32.pow(places)));
            if let Ok(quantity) = text.parse::<Quantity>() {
                let canonical = quantity.to_string();
                proptest::prop_assert_eq!(canonical.parse::<Quantity>().unwrap(), quantity, "{} {}", text, canonical);
                proptest::prop_assert_eq!(canonical.parse::<Quantity>().unwrap().to_string(), canonical);
            }
        }
    }
}
