//! Durations as Go writes them: `1h30m0s`, `500ms`; the form of Helm's timeouts and of `metav1.Duration`.

use std::fmt;
use std::str::FromStr;

/// A span of time, in nanoseconds; about 292 years either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Duration(pub i64);

/// A text that is no duration; worded as Go's `time.ParseDuration`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not a number with a unit.
    #[error("time: invalid duration {0:?}")]
    Invalid(String),
    /// A number without a unit.
    #[error("time: missing unit in duration {0:?}")]
    MissingUnit(String),
    /// A unit that does not exist.
    #[error("time: unknown unit {unit:?} in duration {text:?}")]
    UnknownUnit {
        /// `d`.
        unit: String,
        /// The whole text.
        text: String,
    },
}

impl Duration {
    /// From whole seconds.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// Whole seconds, the rest cut off.
    pub fn seconds(self) -> i64 {
        self.0 / 1_000_000_000
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let invalid = || DurationError::Invalid(text.to_owned());
        let (negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let (whole, after) = rest.split_at(digits(rest));
            let (fraction, after) = match after.strip_prefix('.') {
                Some(after) => after.split_at(digits(after)),
                None => ("", after),
            };
            if whole.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
            let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
            let (unit, after) = after.split_at(end);
            let size: i128 = match unit {
                "" => return Err(DurationError::MissingUnit(text.to_owned())),
                "ns" => 1,
                "us" | "µs" | "μs" => 1_000,
                "ms" => 1_000_000,
                "s" => 1_000_000_000,
                "m" => 60_000_000_000,
                "h" => 3_600_000_000_000,
                unit => return Err(DurationError::UnknownUnit { unit: unit.to_owned(), text: text.to_owned() }),
            };
            let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
            total = whole.checked_mul(size).and_then(|part| total.checked_add(part)).ok_or_else(invalid)?;
            // Fractions below a nanosecond are cut off; more digits than these cannot matter.
            let kept = &fraction[..fraction.len().min(18)];
            if !kept.is_empty() {
                total += kept.parse::<i128>().map_err(|_| invalid())? * size / 10_i128.pow(kept.len() as u32);
            }
            rest = after;
        }
        let signed = if negative { -total } else { total };
        i64::try_from(signed).map(Self).map_err(|_| invalid())
    }
}

/// As Go's `Duration.String`: `1h0m0s`, `1.5s`, `0s`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let decimal = |value: u64, size: u64| {
            let fraction = format!("{:0width$}", value % size, width = size.ilog10() as usize);
            let fraction = fraction.trim_end_matches('0');
            if size == 1 || fraction.is_empty() {
                (value / size).to_string()
            } else {
                format!("{}.{fraction}", value / size)
            }
        };
        match nanos {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{nanos}ns"),
            1_000..1_000_000 => write!(f, "{}µs", decimal(nanos, 1_000)),
            1_000_000..1_000_000_000 => write!(f, "{}ms", decimal(nanos, 1_000_000)),
            _ => {
                let (minutes, rest) = (nanos / 60_000_000_000, nanos % 60_000_000_000);
                if minutes >= 60 {
                    write!(f, "{}h", minutes / 60)?;
                }
                if minutes > 0 {
                    write!(f, "{}m", minutes % 60)?;
                }
                write!(f, "{}s", decimal(rest, 1_000_000_000))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_as_gos() {
        let check = |text: &str, expect: &str| assert_eq!(text.parse::<Duration>().unwrap().to_string(), expect);
        for (text, expect) in [
            ("5m", "5m0s"),
            ("1h30m", "1h30m0s"),
            ("1.5s", "1.5s"),
            ("500ms", "500ms"),
            ("0", "0s"),
            ("-90s", "-1m30s"),
            ("1h", "1h0m0s"),
            ("1us", "1µs"),
            (".5h", "30m0s"),
        ] {
            check(text, expect);
        }
        assert_eq!(Duration::from_seconds(90).seconds(), 90);
    }

    #[test]
    fn bad_durations_are_refused_in_gos_words() {
        let check = |text: &str, expect: &str| assert_eq!(text.parse::<Duration>().unwrap_err().to_string(), expect);
        check("", r#"time: invalid duration """#);
        check("5", r#"time: missing unit in duration "5""#);
        check("5d", r#"time: unknown unit "d" in duration "5d""#);
        check("h", r#"time: invalid duration "h""#);
        check("9999999h", r#"time: invalid duration "9999999h""#);
    }
}
