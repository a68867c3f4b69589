//! Reading a time by a layout, as `time.ParseInLocation`.

use super::duration::quote;
use super::layout::{Chunk, MONTHS, OffsetShape, Split, WEEKDAYS, split};
use super::{Time, Zone, days_in, days_of_date, is_leap};

/// Why a text is no time of a layout; the texts are Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// A part of the text is not what the layout asks for. All parts are quoted.
    #[error("parsing time {value} as {layout}: cannot parse {rest} as {element}")]
    Mismatch {
        /// The whole text.
        value: String,
        /// The whole layout.
        layout: String,
        /// The text from the part that does not fit.
        rest: String,
        /// The layout's element.
        element: String,
    },
    /// Parts fit, but their values do not.
    #[error("parsing time {value}: {message}")]
    Rejected {
        /// The whole text, quoted.
        value: String,
        /// What is wrong.
        message: String,
    },
}

/// Why one element failed.
enum Failure {
    Mismatch,
    OutOfRange(&'static str),
}

type Step<T> = Result<T, Failure>;

#[derive(Default)]
struct Parts {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanoseconds: u32,
    /// `Some(true)` after PM.
    afternoon: Option<bool>,
    utc: bool,
    offset: Option<i64>,
    zone_name: Vec<u8>,
}

/// Reads a time; where the text names no zone it is one of `local`.
///
/// # Errors
/// [`ParseError`], with Go's words.
pub fn parse(layout: &[u8], value: &[u8], local: &Zone) -> Result<Time, ParseError> {
    let mismatch = |rest: &[u8], element: &[u8]| ParseError::Mismatch {
        value: quote(value),
        layout: quote(layout),
        rest: quote(rest),
        element: quote(element),
    };
    let rejected = |message: String| ParseError::Rejected { value: quote(value), message };
    let mut parts = Parts::default();
    let mut layout_rest = layout;
    let mut rest = value;
    loop {
        let Split { prefix, chunk, suffix } = split(layout_rest);
        rest = skip(rest, prefix).map_err(|stopped| mismatch(stopped, prefix))?;
        let Some((chunk, element)) = chunk else {
            if !rest.is_empty() {
                return Err(rejected(format!("extra text: {}", quote(rest))));
            }
            break;
        };
        layout_rest = suffix;
        let before = rest;
        parts.read(chunk, &mut rest, layout_rest).map_err(|failure| match failure {
            Failure::Mismatch => mismatch(before, element),
            Failure::OutOfRange(what) => rejected(format!("{what} out of range")),
        })?;
    }
    parts.finish(local).map_err(|message| rejected(message.to_string()))
}

fn without_spaces(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|byte| **byte == b' ').count()..]
}

/// Skips the literal part of a layout; spaces match any number of spaces. Err is where it stopped.
fn skip<'v>(mut value: &'v [u8], mut prefix: &[u8]) -> Result<&'v [u8], &'v [u8]> {
    while let Some(&first) = prefix.first() {
        if first == b' ' {
            if value.first().is_some_and(|byte| *byte != b' ') {
                return Err(value);
            }
            prefix = without_spaces(prefix);
            value = without_spaces(value);
        } else if value.first() == Some(&first) {
            prefix = &prefix[1..];
            value = &value[1..];
        } else {
            return Err(value);
        }
    }
    Ok(value)
}

fn digit(text: &[u8], index: usize) -> Option<i64> {
    text.get(index).filter(|byte| byte.is_ascii_digit()).map(|byte| i64::from(byte - b'0'))
}

/// One or two digits; exactly two when `fixed`.
fn number(rest: &mut &[u8], fixed: bool) -> Step<i64> {
    let first = digit(rest, 0).ok_or(Failure::Mismatch)?;
    match digit(rest, 1) {
        Some(second) => {
            *rest = &rest[2..];
            Ok(first * 10 + second)
        }
        None if fixed => Err(Failure::Mismatch),
        None => {
            *rest = &rest[1..];
            Ok(first)
        }
    }
}

fn take<'v>(rest: &mut &'v [u8], count: usize) -> Step<&'v [u8]> {
    let (taken, after) = rest.split_at_checked(count).ok_or(Failure::Mismatch)?;
    *rest = after;
    Ok(taken)
}

/// A number with an optional sign, as the layouts' years are read.
fn signed(text: &[u8]) -> Step<i64> {
    std::str::from_utf8(text)
        .ok()
        .filter(|text| !text.is_empty())
        .and_then(|text| text.parse().ok())
        .ok_or(Failure::Mismatch)
}

fn name(rest: &mut &[u8], names: &[&str], length: Option<usize>) -> Step<i64> {
    for (index, name) in names.iter().enumerate() {
        let name = &name[..length.unwrap_or(name.len())];
        if rest.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes())) {
            *rest = &rest[name.len()..];
            return Ok(i64::try_from(index).expect("there are at most twelve names"));
        }
    }
    Err(Failure::Mismatch)
}

/// Reads `.123`, of which at most nine digits count.
fn fraction(text: &[u8]) -> Step<u32> {
    let digits = match text {
        [b'.' | b',', digits @ ..] => &digits[..digits.len().min(9)],
        _ => return Err(Failure::Mismatch),
    };
    if digits.first() == Some(&b'-') {
        return if signed(digits).is_ok_and(|value| value < 0) {
            Err(Failure::OutOfRange("fractional second"))
        } else {
            Err(Failure::Mismatch)
        };
    }
    let value = signed(digits)?;
    let scale = 10_i64.pow(u32::try_from(9 - digits.len()).expect("at most nine digits"));
    u32::try_from(value * scale).map_err(|_| Failure::Mismatch)
}

fn within(value: i64, below: i64, what: &'static str) -> Step<i64> {
    if value < below { Ok(value) } else { Err(Failure::OutOfRange(what)) }
}

impl Parts {
    fn read(&mut self, chunk: Chunk, rest: &mut &[u8], layout_rest: &[u8]) -> Step<()> {
        match chunk {
            Chunk::Year => {
                let year = signed(take(rest, 2)?)?;
                self.year = if year >= 69 { year + 1900 } else { year + 2000 };
            }
            Chunk::LongYear => {
                digit(rest, 0).ok_or(Failure::Mismatch)?;
                self.year = signed(take(rest, 4)?)?;
            }
            Chunk::Month => self.month = Some(name(rest, &MONTHS, Some(3))? + 1),
            Chunk::LongMonth => self.month = Some(name(rest, &MONTHS, None)? + 1),
            Chunk::NumberMonth | Chunk::ZeroMonth => {
                let month = number(rest, chunk == Chunk::ZeroMonth)?;
                if month == 0 {
                    return Err(Failure::OutOfRange("month"));
                }
                self.month = Some(within(month, 13, "month")?);
            }
            Chunk::Weekday => drop(name(rest, &WEEKDAYS, Some(3))?),
            Chunk::LongWeekday => drop(name(rest, &WEEKDAYS, None)?),
            Chunk::Day | Chunk::UnderDay | Chunk::ZeroDay => {
                if chunk == Chunk::UnderDay {
                    *rest = rest.strip_prefix(b" ").unwrap_or(rest);
                }
                self.day = Some(number(rest, chunk == Chunk::ZeroDay)?);
            }
            Chunk::UnderYearDay | Chunk::ZeroYearDay => {
                for _ in 0..2 {
                    if chunk == Chunk::UnderYearDay {
                        *rest = rest.strip_prefix(b" ").unwrap_or(rest);
                    }
                }
                let count = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
                if count == 0 || (chunk == Chunk::ZeroYearDay && count != 3) {
                    return Err(Failure::Mismatch);
                }
                self.year_day = Some(signed(take(rest, count)?)?);
            }
            Chunk::Hour => self.hour = within(number(rest, false)?, 24, "hour")?,
            Chunk::Hour12 | Chunk::ZeroHour12 => {
                self.hour = within(number(rest, chunk == Chunk::ZeroHour12)?, 13, "hour")?;
            }
            Chunk::Minute | Chunk::ZeroMinute => {
                self.minute = within(number(rest, chunk == Chunk::ZeroMinute)?, 60, "minute")?;
            }
            Chunk::Second | Chunk::ZeroSecond => {
                self.second = within(number(rest, chunk == Chunk::ZeroSecond)?, 60, "second")?;
                // A fraction that the layout does not mention is read all the same.
                let follows = matches!(rest.first(), Some(b'.' | b',')) && digit(rest, 1).is_some();
                let expected = matches!(split(layout_rest).chunk, Some((Chunk::Fraction { .. }, _)));
                if follows && !expected {
                    self.read_fraction_of_any_length(rest)?;
                }
            }
            Chunk::UpperPm | Chunk::LowerPm => {
                let (morning, afternoon): (&[u8], &[u8]) =
                    if chunk == Chunk::UpperPm { (b"AM", b"PM") } else { (b"am", b"pm") };
                self.afternoon = match take(rest, 2)? {
                    text if text == afternoon => Some(true),
                    text if text == morning => Some(false),
                    _ => return Err(Failure::Mismatch),
                };
            }
            Chunk::Offset { iso: true, .. } if rest.first() == Some(&b'Z') => {
                *rest = &rest[1..];
                self.utc = true;
            }
            Chunk::Offset { shape, .. } => self.offset = Some(read_offset(rest, shape)?),
            Chunk::ZoneName => {
                if let Some(after) = rest.strip_prefix(b"UTC") {
                    *rest = after;
                    self.utc = true;
                } else {
                    let length = zone_name_length(rest).ok_or(Failure::Mismatch)?;
                    self.zone_name = take(rest, length)?.to_vec();
                }
            }
            Chunk::Fraction { digits, trim: false, .. } => {
                let text = take(rest, digits + 1)?;
                self.nanoseconds = fraction(text)?;
            }
            Chunk::Fraction { .. } => {
                if matches!(rest.first(), Some(b'.' | b',')) && digit(rest, 1).is_some() {
                    self.read_fraction_of_any_length(rest)?;
                }
            }
        }
        Ok(())
    }

    fn read_fraction_of_any_length(&mut self, rest: &mut &[u8]) -> Step<()> {
        let digits = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.nanoseconds = fraction(take(rest, digits + 1)?)?;
        Ok(())
    }

    fn finish(mut self, local: &Zone) -> Result<Time, &'static str> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let (month, day) = self.month_and_day()?;
        if day < 1 || day > days_in(month, self.year) {
            return Err("day out of range");
        }
        let clock = days_of_date(self.year, month, day) * 86_400 + self.hour * 3600 + self.minute * 60 + self.second;
        let at = |seconds, zone| Time { seconds, nanoseconds: self.nanoseconds, zone };
        if self.utc {
            return Ok(at(clock, Zone::Utc));
        }
        let zone_name = String::from_utf8_lossy(&self.zone_name).into_owned();
        if let Some(offset) = self.offset {
            let seconds = clock - offset;
            let (local_offset, local_name) = local.at(seconds);
            if local_offset == offset && (zone_name.is_empty() || zone_name == local_name) {
                return Ok(at(seconds, local.clone()));
            }
            let offset = i32::try_from(offset).expect("hours, minutes and seconds of an offset are bounded");
            return Ok(at(seconds, Zone::Fixed { name: zone_name, offset }));
        }
        if !zone_name.is_empty() {
            let (local_offset, local_name) = local.at(clock);
            if local_name == zone_name {
                return Ok(at(clock - local_offset, local.clone()));
            }
            // An abbreviation alone says nothing about the offset, save for GMT+3, by which Go shows the time without taking
            // the clock for one of that zone.
            let hours = zone_name.strip_prefix("GMT").and_then(|hours| hours.parse::<i32>().ok()).unwrap_or(0);
            let offset = hours * 3600;
            return Ok(at(clock, Zone::Fixed { name: zone_name, offset }));
        }
        Ok(at(in_zone(clock, local), local.clone()))
    }

    fn month_and_day(&self) -> Result<(i64, i64), &'static str> {
        let Some(year_day) = self.year_day else {
            return Ok((self.month.unwrap_or(1), self.day.unwrap_or(1)));
        };
        let length = if is_leap(self.year) { 366 } else { 365 };
        if year_day < 1 || year_day > length {
            return Err("day-of-year out of range");
        }
        let (mut month, mut day) = (1, year_day);
        while day > days_in(month, self.year) {
            day -= days_in(month, self.year);
            month += 1;
        }
        if self.month.is_some_and(|seen| seen != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|seen| seen != day) {
            return Err("day-of-year does not match day");
        }
        Ok((month, day))
    }
}

/// Unix seconds of what a clock of the zone shows, as `time.Date`: in a gap or an overlap, one of the two offsets.
pub(super) fn in_zone(clock: i64, zone: &Zone) -> i64 {
    let (guess, _) = zone.at(clock);
    let seconds = clock - guess;
    let (offset, _) = zone.at(seconds);
    if offset == guess {
        return seconds;
    }
    let seconds = clock - offset;
    if zone.at(seconds).0 == offset { seconds } else { clock - guess }
}

fn read_offset(rest: &mut &[u8], shape: OffsetShape) -> Step<i64> {
    let (length, minute_at, second_at, colons): (usize, Option<usize>, Option<usize>, &[usize]) = match shape {
        OffsetShape::Hours => (3, None, None, &[]),
        OffsetShape::Minutes => (5, Some(3), None, &[]),
        OffsetShape::ColonMinutes => (6, Some(4), None, &[3]),
        OffsetShape::Seconds => (7, Some(3), Some(5), &[]),
        OffsetShape::ColonSeconds => (9, Some(4), Some(7), &[3, 6]),
    };
    let text = take(rest, length)?;
    if colons.iter().any(|index| text[*index] != b':') {
        return Err(Failure::Mismatch);
    }
    let part = |at: usize| number(&mut &text[at..at + 2], true);
    // Go looks at the ranges of what it could read before it says that it could not read the rest, and names the last.
    let hours = part(1);
    let minutes = hours.as_ref().map_or(Ok(0), |_| minute_at.map_or(Ok(0), part));
    let seconds = minutes.as_ref().map_or(Ok(0), |_| second_at.map_or(Ok(0), part));
    within(*seconds.as_ref().unwrap_or(&0), 61, "time zone offset second")?;
    within(*minutes.as_ref().unwrap_or(&0), 61, "time zone offset minute")?;
    within(*hours.as_ref().unwrap_or(&0), 25, "time zone offset hour")?;
    let (hours, minutes, seconds) = (hours?, minutes?, seconds?);
    let offset = (hours * 60 + minutes) * 60 + seconds;
    match text[0] {
        b'+' => Ok(offset),
        b'-' => Ok(-offset),
        _ => Err(Failure::Mismatch),
    }
}

/// How much of a text is a zone's abbreviation, as `parseTimeZone`.
fn zone_name_length(text: &[u8]) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if text.starts_with(b"GMT") {
        return Some(3 + signed_hours_length(&text[3..]));
    }
    if matches!(text[0], b'+' | b'-') {
        return Some(signed_hours_length(text)).filter(|length| *length > 0);
    }
    match text.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count() {
        3 => Some(3),
        4 if text[3] == b'T' || text.starts_with(b"WITA") => Some(4),
        5 if text[4] == b'T' => Some(5),
        _ => None,
    }
}

fn signed_hours_length(text: &[u8]) -> usize {
    if !matches!(text.first(), Some(b'+' | b'-')) {
        return 0;
    }
    let digits = text[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    match std::str::from_utf8(&text[1..=digits]).ok().and_then(|hours| hours.parse::<u64>().ok()) {
        Some(0..=23) => digits + 1,
        _ => 0,
    }
}
