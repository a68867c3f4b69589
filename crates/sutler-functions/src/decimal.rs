//! Exact decimal arithmetic, as shopspring's `decimal` v1.4.0: what keeps `addf 0.1 0.2` at 0.3.

use num_bigint::BigInt;

/// Digits after the point that a division keeps.
const DIVISION_DIGITS: i64 = 16;

/// `value * 10^exponent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    value: BigInt,
    exponent: i64,
}

/// Why there is no result; the texts are the library's panics.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum DecimalError {
    /// Not a finite number.
    #[error("Cannot create a Decimal from {0}")]
    NotFinite(&'static str),
    /// Division by zero.
    #[error("decimal division by 0")]
    DivisionByZero,
}

fn power_of_ten(exponent: i64) -> BigInt {
    // Exponents come from floats, so that a few hundred digits are the most.
    BigInt::from(10).pow(u32::try_from(exponent).unwrap_or(0))
}

fn magnitude(value: &BigInt) -> BigInt {
    BigInt::from(value.magnitude().clone())
}

impl Decimal {
    /// The shortest decimal that reads back as `value`.
    pub(crate) fn from_float(value: f64) -> Result<Decimal, DecimalError> {
        if !value.is_finite() {
            let name = match () {
                () if value.is_nan() => "NaN",
                () if value > 0.0 => "+Inf",
                () => "-Inf",
            };
            return Err(DecimalError::NotFinite(name));
        }
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').expect("scientific notation has an exponent");
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        Ok(Decimal {
            value: digits.parse().expect("a float's digits are an integer"),
            exponent: exponent.parse::<i64>().expect("a float's exponent is a small integer")
                - i64::try_from(fraction.len()).expect("a float has few digits"),
        })
    }

    /// The nearest float.
    pub(crate) fn to_float(&self) -> f64 {
        let value: f64 = format!("{}e{}", self.value, self.exponent).parse().expect("digits and exponent are a float");
        // The library goes through rationals, which have no negative zero.
        if value == 0.0 { 0.0 } else { value }
    }

    fn align(&self, other: &Decimal) -> (BigInt, BigInt, i64) {
        let exponent = self.exponent.min(other.exponent);
        (
            &self.value * power_of_ten(self.exponent - exponent),
            &other.value * power_of_ten(other.exponent - exponent),
            exponent,
        )
    }

    pub(crate) fn add(&self, other: &Decimal) -> Decimal {
        let (left, right, exponent) = self.align(other);
        Decimal { value: left + right, exponent }
    }

    pub(crate) fn subtract(&self, other: &Decimal) -> Decimal {
        let (left, right, exponent) = self.align(other);
        Decimal { value: left - right, exponent }
    }

    pub(crate) fn multiply(&self, other: &Decimal) -> Decimal {
        Decimal { value: &self.value * &other.value, exponent: self.exponent + other.exponent }
    }

    /// The quotient to sixteen digits after the point, halves away from zero.
    pub(crate) fn divide(&self, other: &Decimal) -> Result<Decimal, DecimalError> {
        let zero = BigInt::ZERO;
        if other.value == zero {
            return Err(DecimalError::DivisionByZero);
        }
        let shift = self.exponent - other.exponent + DIVISION_DIGITS;
        let (numerator, denominator) = if shift < 0 {
            (self.value.clone(), &other.value * power_of_ten(-shift))
        } else {
            (&self.value * power_of_ten(shift), other.value.clone())
        };
        let quotient = &numerator / &denominator;
        let remainder = &numerator % &denominator;
        let negative = (numerator < zero) != (denominator < zero);
        let value = if magnitude(&remainder) * 2 >= magnitude(&denominator) {
            if negative { quotient - 1 } else { quotient + 1 }
        } else {
            quotient
        };
        Ok(Decimal { value, exponent: -DIVISION_DIGITS })
    }
}
