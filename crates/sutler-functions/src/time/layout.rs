//! Layouts: what each part of `Mon Jan 2 15:04:05 MST 2006` stands for, and writing a time by one.

use super::Time;

/// A part of a layout that stands for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunk {
    LongMonth,
    Month,
    NumberMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    Offset { iso: bool, shape: OffsetShape },
    Fraction { digits: usize, trim: bool, separator: u8 },
}

/// How an offset is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OffsetShape {
    /// `-07`
    Hours,
    /// `-0700`
    Minutes,
    /// `-07:00`
    ColonMinutes,
    /// `-070000`
    Seconds,
    /// `-07:00:00`
    ColonSeconds,
}

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(crate) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The literal text before the first chunk, the chunk, its text, and what follows; as `nextStdChunk`.
pub(super) struct Split<'l> {
    pub(super) prefix: &'l [u8],
    pub(super) chunk: Option<(Chunk, &'l [u8])>,
    pub(super) suffix: &'l [u8],
}

pub(super) fn split(layout: &[u8]) -> Split<'_> {
    for start in 0..layout.len() {
        // `_2006` is a literal underscore before the year.
        if layout[start..].starts_with(b"_2006") {
            let year = start + 1;
            return Split {
                prefix: &layout[..year],
                chunk: Some((Chunk::LongYear, &layout[year..year + 4])),
                suffix: &layout[year + 4..],
            };
        }
        if let Some((chunk, length)) = chunk_at(&layout[start..]) {
            return Split {
                prefix: &layout[..start],
                chunk: Some((chunk, &layout[start..start + length])),
                suffix: &layout[start + length..],
            };
        }
    }
    Split { prefix: layout, chunk: None, suffix: &[] }
}

fn chunk_at(text: &[u8]) -> Option<(Chunk, usize)> {
    let begins = |prefix: &str| text.starts_with(prefix.as_bytes());
    // "Jan" inside "January" and "Mon" inside "Month" are told apart by what follows.
    let word = |prefix: &str| begins(prefix) && !text.get(prefix.len()).is_some_and(u8::is_ascii_lowercase);
    let fixed = |table: &[(&str, Chunk)]| {
        table.iter().find(|(prefix, _)| begins(prefix)).map(|(prefix, chunk)| (*chunk, prefix.len()))
    };
    match text[0] {
        b'J' if begins("January") => Some((Chunk::LongMonth, 7)),
        b'J' if word("Jan") => Some((Chunk::Month, 3)),
        b'M' if begins("Monday") => Some((Chunk::LongWeekday, 6)),
        b'M' if word("Mon") => Some((Chunk::Weekday, 3)),
        b'M' => fixed(&[("MST", Chunk::ZoneName)]),
        b'0' => fixed(&[
            ("01", Chunk::ZeroMonth),
            ("02", Chunk::ZeroDay),
            ("03", Chunk::ZeroHour12),
            ("04", Chunk::ZeroMinute),
            ("05", Chunk::ZeroSecond),
            ("06", Chunk::Year),
            ("002", Chunk::ZeroYearDay),
        ]),
        b'1' => fixed(&[("15", Chunk::Hour), ("1", Chunk::NumberMonth)]),
        b'2' => fixed(&[("2006", Chunk::LongYear), ("2", Chunk::Day)]),
        b'_' => fixed(&[("_2", Chunk::UnderDay), ("__2", Chunk::UnderYearDay)]),
        b'3' => Some((Chunk::Hour12, 1)),
        b'4' => Some((Chunk::Minute, 1)),
        b'5' => Some((Chunk::Second, 1)),
        b'P' => fixed(&[("PM", Chunk::UpperPm)]),
        b'p' => fixed(&[("pm", Chunk::LowerPm)]),
        first @ (b'-' | b'Z') => {
            let iso = first == b'Z';
            let shapes = [
                ("070000", OffsetShape::Seconds),
                ("07:00:00", OffsetShape::ColonSeconds),
                ("0700", OffsetShape::Minutes),
                ("07:00", OffsetShape::ColonMinutes),
                ("07", OffsetShape::Hours),
            ];
            shapes
                .iter()
                .find(|(digits, _)| text[1..].starts_with(digits.as_bytes()))
                .map(|(digits, shape)| (Chunk::Offset { iso, shape: *shape }, digits.len() + 1))
        }
        separator @ (b'.' | b',') => {
            let digit = *text.get(1).filter(|digit| matches!(digit, b'0' | b'9'))?;
            let digits = text[1..].iter().take_while(|byte| **byte == digit).count();
            if text.get(1 + digits).is_some_and(u8::is_ascii_digit) {
                return None;
            }
            Some((Chunk::Fraction { digits, trim: digit == b'9', separator }, 1 + digits))
        }
        _ => None,
    }
}

fn number(out: &mut Vec<u8>, value: i64, width: usize) {
    let sign = if value < 0 { "-" } else { "" };
    out.extend_from_slice(format!("{sign}{:0width$}", value.unsigned_abs()).as_bytes());
}

fn spaced(out: &mut Vec<u8>, value: i64, width: usize) {
    out.extend_from_slice(format!("{value:width$}").as_bytes());
}

fn offset(out: &mut Vec<u8>, seconds: i64, shape: OffsetShape) {
    // Go divides before it looks at the sign, so -30 seconds are +0000.
    let minutes = seconds / 60;
    out.push(if minutes < 0 { b'-' } else { b'+' });
    let in_seconds = if minutes < 0 { -seconds } else { seconds };
    let minutes = minutes.abs();
    number(out, minutes / 60, 2);
    if matches!(shape, OffsetShape::ColonMinutes | OffsetShape::ColonSeconds) {
        out.push(b':');
    }
    if shape != OffsetShape::Hours {
        number(out, minutes % 60, 2);
    }
    if matches!(shape, OffsetShape::Seconds | OffsetShape::ColonSeconds) {
        if shape == OffsetShape::ColonSeconds {
            out.push(b':');
        }
        number(out, in_seconds % 60, 2);
    }
}

fn fraction(out: &mut Vec<u8>, nanoseconds: u32, digits: usize, trim: bool, separator: u8) {
    if trim && nanoseconds == 0 {
        return;
    }
    let text = format!("{nanoseconds:09}");
    let mut shown = &text[..digits.min(9)];
    if trim {
        shown = shown.trim_end_matches('0');
        if shown.is_empty() {
            return;
        }
    }
    out.push(separator);
    out.extend_from_slice(shown.as_bytes());
}

/// Writes a time by a layout, as `Time.Format`.
pub fn format(time: &Time, layout: &[u8]) -> Vec<u8> {
    let civil = time.civil();
    let name = |names: &[&'static str], index: i64| names[usize::try_from(index).expect("months and days are counted")];
    let hour12 = if civil.hour % 12 == 0 { 12 } else { civil.hour % 12 };
    let mut out = Vec::with_capacity(layout.len() + 8);
    let mut rest = layout;
    loop {
        let Split { prefix, chunk, suffix } = split(rest);
        out.extend_from_slice(prefix);
        let Some((chunk, _)) = chunk else { return out };
        rest = suffix;
        match chunk {
            Chunk::LongMonth => out.extend_from_slice(name(&MONTHS, civil.month - 1).as_bytes()),
            Chunk::Month => out.extend_from_slice(&name(&MONTHS, civil.month - 1).as_bytes()[..3]),
            Chunk::NumberMonth => number(&mut out, civil.month, 0),
            Chunk::ZeroMonth => number(&mut out, civil.month, 2),
            Chunk::LongWeekday => out.extend_from_slice(name(&WEEKDAYS, civil.weekday).as_bytes()),
            Chunk::Weekday => out.extend_from_slice(&name(&WEEKDAYS, civil.weekday).as_bytes()[..3]),
            Chunk::Day => number(&mut out, civil.day, 0),
            Chunk::UnderDay => spaced(&mut out, civil.day, 2),
            Chunk::ZeroDay => number(&mut out, civil.day, 2),
            Chunk::UnderYearDay => spaced(&mut out, civil.year_day, 3),
            Chunk::ZeroYearDay => number(&mut out, civil.year_day, 3),
            Chunk::Hour => number(&mut out, civil.hour, 2),
            Chunk::Hour12 => number(&mut out, hour12, 0),
            Chunk::ZeroHour12 => number(&mut out, hour12, 2),
            Chunk::Minute => number(&mut out, civil.minute, 0),
            Chunk::ZeroMinute => number(&mut out, civil.minute, 2),
            Chunk::Second => number(&mut out, civil.second, 0),
            Chunk::ZeroSecond => number(&mut out, civil.second, 2),
            Chunk::LongYear => number(&mut out, civil.year, 4),
            Chunk::Year => number(&mut out, civil.year.abs() % 100, 2),
            Chunk::UpperPm => out.extend_from_slice(if civil.hour >= 12 { b"PM" } else { b"AM" }),
            Chunk::LowerPm => out.extend_from_slice(if civil.hour >= 12 { b"pm" } else { b"am" }),
            Chunk::ZoneName if civil.abbreviation.is_empty() => {
                offset(&mut out, civil.offset, OffsetShape::Minutes);
            }
            Chunk::ZoneName => out.extend_from_slice(civil.abbreviation.as_bytes()),
            Chunk::Offset { iso: true, .. } if civil.offset == 0 => out.push(b'Z'),
            Chunk::Offset { shape, .. } => offset(&mut out, civil.offset, shape),
            Chunk::Fraction { digits, trim, separator } => {
                fraction(&mut out, time.nanoseconds, digits, trim, separator);
            }
        }
    }
}
