//! Go's `time.Duration`: nanoseconds in 64 bits, read from and written as `1h2m3.5s`.

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// Why a text is no duration; the texts are those of `time.ParseDuration`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// No number where one belongs, or a number too large.
    #[error("time: invalid duration {0}")]
    Invalid(String),
    /// A number that nothing follows.
    #[error("time: missing unit in duration {0}")]
    MissingUnit(String),
    /// A unit that is none.
    #[error("time: unknown unit {unit} in duration {duration}")]
    UnknownUnit {
        /// The unit, quoted.
        unit: String,
        /// The whole text, quoted.
        duration: String,
    },
}

/// Quotes as package `time` does for its errors: bytes that are not printable ASCII as `\xNN`.
pub fn quote(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for (offset, rune) in crate::runes::runes(text) {
        if !rune.is_ascii() || rune < ' ' {
            let width = if rune == crate::runes::INVALID && !text[offset..].starts_with("\u{FFFD}".as_bytes()) {
                1
            } else {
                rune.len_utf8()
            };
            for byte in &text[offset..offset + width] {
                out.push_str(&format!("\\x{byte:02x}"));
            }
        } else {
            if rune == '"' || rune == '\\' {
                out.push('\\');
            }
            out.push(rune);
        }
    }
    out.push('"');
    out
}

/// Reads a duration in nanoseconds, as `time.ParseDuration`.
///
/// # Errors
/// Whatever is not a signed sequence of decimal numbers with units, and what does not fit.
pub fn parse(text: &[u8]) -> Result<i64, DurationError> {
    let invalid = || DurationError::Invalid(quote(text));
    let (negative, mut rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    const LIMIT: u64 = 1 << 63;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        if !(rest[0] == b'.' || rest[0].is_ascii_digit()) {
            return Err(invalid());
        }
        let whole_digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut whole: u64 = 0;
        for &digit in &rest[..whole_digits] {
            whole = whole
                .checked_mul(10)
                .and_then(|whole| whole.checked_add(u64::from(digit - b'0')))
                .filter(|whole| *whole <= LIMIT)
                .ok_or_else(invalid)?;
        }
        rest = &rest[whole_digits..];
        let mut fraction: u64 = 0;
        let mut scale: f64 = 1.0;
        let mut fraction_digits = 0;
        if let [b'.', after @ ..] = rest {
            fraction_digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            for &digit in &after[..fraction_digits] {
                // Digits beyond what 63 bits hold do not count.
                let Some(next) = fraction.checked_mul(10).and_then(|f| f.checked_add(u64::from(digit - b'0'))) else {
                    break;
                };
                if next > LIMIT {
                    break;
                }
                fraction = next;
                scale *= 10.0;
            }
            rest = &after[fraction_digits..];
        }
        if whole_digits == 0 && fraction_digits == 0 {
            return Err(invalid());
        }
        let unit_length = rest.iter().take_while(|byte| !(**byte == b'.' || byte.is_ascii_digit())).count();
        if unit_length == 0 {
            return Err(DurationError::MissingUnit(quote(text)));
        }
        let (unit_text, after) = rest.split_at(unit_length);
        let unit: u64 = match unit_text {
            b"ns" => 1,
            b"us" | b"\xC2\xB5s" | b"\xCE\xBCs" => 1_000,
            b"ms" => 1_000_000,
            b"s" => SECOND.unsigned_abs(),
            b"m" => MINUTE.unsigned_abs(),
            b"h" => HOUR.unsigned_abs(),
            _ => return Err(DurationError::UnknownUnit { unit: quote(unit_text), duration: quote(text) }),
        };
        rest = after;
        let mut amount = whole.checked_mul(unit).filter(|amount| *amount <= LIMIT).ok_or_else(invalid)?;
        if fraction > 0 {
            amount += (fraction as f64 * (unit as f64 / scale)) as u64;
        }
        total = total.checked_add(amount).filter(|total| *total <= LIMIT).ok_or_else(invalid)?;
    }
    match (negative, i64::try_from(total)) {
        (true, _) => Ok(total.wrapping_neg() as i64),
        (false, Ok(total)) => Ok(total),
        (false, Err(_)) => Err(invalid()),
    }
}

/// Writes nanoseconds as `Duration.String` does: `1h0m0s`, `1.5s`, `2.5ms`, `0s`.
pub fn format(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let amount = nanoseconds.unsigned_abs();
    if amount == 0 {
        return "0s".to_string();
    }
    if amount < SECOND.unsigned_abs() {
        let (unit, digits) = match amount {
            0..1_000 => ("ns", 0),
            1_000..1_000_000 => ("µs", 3),
            _ => ("ms", 6),
        };
        return format!("{sign}{}{unit}", with_fraction(amount, digits));
    }
    let second = SECOND.unsigned_abs();
    let seconds = format!("{}s", with_fraction(amount % (60 * second), 9));
    let minutes = amount / (60 * second);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}"),
    }
}

/// `amount` divided by ten to the power `digits`, without trailing zeros.
fn with_fraction(amount: u64, digits: u32) -> String {
    let unit = 10_u64.pow(digits);
    let fraction = format!("{:0width$}", amount % unit, width = digits as usize);
    match fraction.trim_end_matches('0') {
        "" => (amount / unit).to_string(),
        fraction => format!("{}.{fraction}", amount / unit),
    }
}

/// Rounds to a multiple of `unit`, halves away from zero, as `Duration.Round`.
pub fn round(nanoseconds: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return nanoseconds;
    }
    let remainder = nanoseconds % unit;
    let towards_zero = nanoseconds - remainder;
    if remainder.unsigned_abs() * 2 < unit.unsigned_abs() {
        return towards_zero;
    }
    if nanoseconds < 0 {
        towards_zero.checked_sub(unit).unwrap_or(i64::MIN)
    } else {
        towards_zero.checked_add(unit).unwrap_or(i64::MAX)
    }
}

/// The largest unit that fits more than once, rounded down, as sprig's `durationRound`: `3mo`, `2h`, `0s`.
pub fn coarse(nanoseconds: i64) -> String {
    let amount = nanoseconds.unsigned_abs();
    let hour = HOUR.unsigned_abs();
    let units = [
        (hour * 24 * 365, "y"),
        (hour * 24 * 30, "mo"),
        (hour * 24, "d"),
        (hour, "h"),
        (MINUTE.unsigned_abs(), "m"),
        (SECOND.unsigned_abs(), "s"),
    ];
    units
        .iter()
        .find(|(unit, _)| amount > *unit)
        .map_or_else(|| "0s".to_string(), |(unit, name)| format!("{}{name}", amount / unit))
}
