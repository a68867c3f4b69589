//! The values that conditions compare: numbers, dates, ranges of addresses.

use std::cmp::Ordering;
use std::net::IpAddr;

/// A number as a policy writes it: an integer or a decimal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// Compared exactly.
    Integer(i128),
    /// As near as 64 bits come.
    Decimal(f64),
}

/// No number is written as NaN, so that equality is one.
impl Eq for Number {}

impl Number {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        if !is_number {
            return None;
        }
        match text.parse() {
            Ok(integer) => Some(Self::Integer(integer)),
            Err(_) => text.parse().ok().filter(|decimal: &f64| decimal.is_finite()).map(Self::Decimal),
        }
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(one), Self::Integer(two)) => one.cmp(two),
            _ => self.as_decimal().total_cmp(&other.as_decimal()),
        }
    }

    fn as_decimal(&self) -> f64 {
        match self {
            // Adding zero makes no difference between 0 and -0.
            Self::Integer(integer) => *integer as f64 + 0.0,
            Self::Decimal(decimal) => *decimal + 0.0,
        }
    }
}

/// A moment: seconds since 1970 and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    seconds: i64,
    nanoseconds: u32,
}

impl Moment {
    /// The whole seconds since 1970 of a moment as Kubernetes and AWS write it.
    pub(crate) fn seconds(text: &str) -> Option<i64> {
        Self::parse(text).map(|moment| moment.seconds)
    }

    /// The forms of ISO 8601 that the W3C's note names (`2026`, `2026-11`, `2026-11-23`, `2026-11-23T10:00Z`,
    /// `2026-11-23T10:00:00.5+01:00`), or seconds since 1970. Four digits are a year.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 4 && !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit) {
            return text.parse().ok().map(|seconds| Self { seconds, nanoseconds: 0 });
        }
        let (date, time) = match text.find(['T', 't']) {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let mut parts = date.split('-');
        let year = digits(parts.next()?, 4)?;
        let month = parts.next().map_or(Some(1), |part| digits(part, 2))?;
        let day = parts.next().map_or(Some(1), |part| digits(part, 2))?;
        let is_day = (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
        if parts.next().is_some() || !is_day || (time.is_some() && date.len() != 10) {
            return None;
        }
        let days = days_since_epoch(year, month, day);
        let (seconds, nanoseconds) = time.map_or(Some((0, 0)), seconds_of_day)?;
        Some(Self { seconds: days * 86_400 + seconds, nanoseconds })
    }
}

/// `10:00Z`, `10:00:00.25+01:00`: seconds since midnight in UTC, which may be of another day, and nanoseconds.
fn seconds_of_day(text: &str) -> Option<(i64, u32)> {
    let zone_at = text.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = text.split_at(zone_at);
    let (whole, fraction) = clock.split_once('.').map_or((clock, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut parts = whole.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = parts.next().map(|part| digits(part, 2));
    let second = match second {
        None if fraction.is_some() => return None,
        None => 0,
        Some(second) => second?,
    };
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let nanoseconds = match fraction {
        None => 0,
        Some(fraction) if !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{fraction:0<9}")[..9].parse().ok()?
        }
        Some(_) => return None,
    };
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let (sign, rest) = zone.split_at(1);
            let (hours, minutes) = rest.split_once(':').or_else(|| (rest.len() == 4).then(|| rest.split_at(2)))?;
            let seconds = digits(hours, 2)? * 3_600 + digits(minutes, 2)? * 60;
            if sign == "-" { -seconds } else { seconds }
        }
    };
    Some((hour * 3_600 + minute * 60 + second - offset, nanoseconds))
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01, counting years from March so that a leap day is a year's last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// A range of addresses: `10.0.0.0/16`, `2001:db8::/32`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    address: IpAddr,
    prefix: u32,
}

impl Cidr {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => most,
            Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => prefix.parse().ok()?,
            Some(_) => return None,
        };
        (prefix <= most).then_some(Self { address, prefix })
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(range), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - self.prefix).unwrap_or(0);
                (u32::from(range) ^ u32::from(address)) & mask == 0
            }
            (IpAddr::V6(range), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.prefix).unwrap_or(0);
                (u128::from(range) ^ u128::from(address)) & mask == 0
            }
            _ => false,
        }
    }
}
