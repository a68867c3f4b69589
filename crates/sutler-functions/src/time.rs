//! Go's `time.Time`: an instant with a zone, written and read by layouts such as `2006-01-02`.
//!
//! Calendar arithmetic is done here, since Go's years go beyond what calendar libraries accept; only offsets and
//! abbreviations of named zones come from the zone database (that of the system where there is one). This module never
//! reads the clock.

pub mod duration;
mod layout;
mod parse;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use layout::format;
pub(crate) use layout::{MONTHS, WEEKDAYS};
pub use parse::{ParseError, parse};

/// Where a time is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Zone {
    /// `UTC`.
    Utc,
    /// A zone of the database, or the machine's own (then the name is `Local`).
    Named {
        /// As Go prints the location.
        name: String,
        /// Its offsets.
        rules: TimeZone,
    },
    /// An offset that a text gave.
    Fixed {
        /// Abbreviation; may be empty.
        name: String,
        /// Seconds east of UTC.
        offset: i32,
    },
}

impl Zone {
    /// The zone of a name, as `time.LoadLocation`; `None` when there is none of that name. `local` stands for `Local`.
    pub fn load(name: &str, local: &Zone) -> Option<Zone> {
        match name {
            "" | "UTC" => Some(Zone::Utc),
            "Local" => Some(local.clone()),
            _ if name.contains("..") || name.starts_with(['/', '\\']) || name.contains('\\') => None,
            _ => TimeZone::get(name).ok().map(|rules| Zone::Named { name: name.to_string(), rules }),
        }
    }

    /// Offset in seconds east of UTC and abbreviation at a moment of Unix time.
    pub fn at(&self, seconds: i64) -> (i64, String) {
        match self {
            Zone::Utc => (0, "UTC".to_string()),
            Zone::Fixed { name, offset } => (i64::from(*offset), name.clone()),
            Zone::Named { rules, .. } => {
                let moment = Timestamp::from_second(seconds).unwrap_or(if seconds < 0 {
                    Timestamp::MIN
                } else {
                    Timestamp::MAX
                });
                let info = rules.to_offset_info(moment);
                let offset = i64::from(info.offset().seconds());
                let abbreviation = info.abbreviation();
                // The database names zones without letters by their offset, as does Go.
                (offset, abbreviation.to_string())
            }
        }
    }

    /// As Go prints the location.
    pub fn name(&self) -> &str {
        match self {
            Zone::Utc => "UTC",
            Zone::Named { name, .. } | Zone::Fixed { name, .. } => name,
        }
    }
}

/// An instant and where it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds within the second, below 1,000,000,000.
    pub nanoseconds: u32,
    /// Where it is shown.
    pub zone: Zone,
}

/// Unix seconds of Go's zero time, 0001-01-01T00:00:00Z.
pub const ZERO_SECONDS: i64 = -62_135_596_800;

impl Time {
    /// Go's `time.Time{}`.
    pub fn zero() -> Time {
        Time { seconds: ZERO_SECONDS, nanoseconds: 0, zone: Zone::Utc }
    }

    /// A moment of Unix time.
    pub fn unix(seconds: i64, zone: Zone) -> Time {
        Time { seconds, nanoseconds: 0, zone }
    }

    /// The same instant, shown elsewhere.
    pub fn shown_in(&self, zone: Zone) -> Time {
        Time { zone, ..self.clone() }
    }

    /// This instant moved by nanoseconds, as `Add`.
    pub fn add(&self, nanoseconds: i64) -> Time {
        let sum = i64::from(self.nanoseconds) + nanoseconds.rem_euclid(duration::SECOND);
        let carry = sum.div_euclid(duration::SECOND);
        Time {
            seconds: self.seconds.wrapping_add(nanoseconds.div_euclid(duration::SECOND)).wrapping_add(carry),
            nanoseconds: sum.rem_euclid(duration::SECOND) as u32,
            zone: self.zone.clone(),
        }
    }

    /// This time with years, months and days added to its calendar date, which is then normalized, as `AddDate`.
    pub fn add_date(&self, years: i64, months: i64, days: i64) -> Time {
        let civil = self.civil();
        let month = civil.month - 1 + months % 12_000_000;
        // What Go can count ends long before these sums do.
        let year = (civil.year + years % 1_000_000_000) + month.div_euclid(12);
        let day = days_of_date(year, month.rem_euclid(12) + 1, civil.day) + days % 1_000_000_000_000;
        let clock = day * DAY + civil.hour * 3600 + civil.minute * 60 + civil.second;
        Time { seconds: parse::in_zone(clock, &self.zone), ..self.clone() }
    }

    /// Rounded down to a multiple of nanoseconds since the zero time, as `Truncate`.
    pub fn truncate(&self, unit: i64) -> Time {
        if unit <= 0 { self.clone() } else { self.add(-self.remainder(unit)) }
    }

    /// Rounded to a multiple of nanoseconds since the zero time, halves up, as `Round`.
    pub fn round(&self, unit: i64) -> Time {
        if unit <= 0 {
            return self.clone();
        }
        let remainder = self.remainder(unit);
        if remainder < unit - remainder { self.add(-remainder) } else { self.add(unit - remainder) }
    }

    fn remainder(&self, unit: i64) -> i64 {
        let since_zero = (i128::from(self.seconds) - i128::from(ZERO_SECONDS)) * i128::from(duration::SECOND)
            + i128::from(self.nanoseconds);
        i64::try_from(since_zero.rem_euclid(i128::from(unit))).expect("a remainder is below its 64-bit divisor")
    }

    /// Nanoseconds from `earlier` to this instant, held to what 64 bits can say, as `Sub`.
    pub fn since(&self, earlier: &Time) -> i64 {
        let seconds = i128::from(self.seconds) - i128::from(earlier.seconds);
        let total =
            seconds * i128::from(duration::SECOND) + i128::from(self.nanoseconds) - i128::from(earlier.nanoseconds);
        i64::try_from(total).unwrap_or(if total < 0 { i64::MIN } else { i64::MAX })
    }

    /// Nanoseconds of Unix time; wraps where Go's `UnixNano` is undefined.
    pub fn unix_nanoseconds(&self) -> i64 {
        self.seconds.wrapping_mul(duration::SECOND).wrapping_add(i64::from(self.nanoseconds))
    }

    /// Calendar and clock where the time is shown.
    pub fn civil(&self) -> Civil {
        let (offset, abbreviation) = self.zone.at(self.seconds);
        Civil::of(self.seconds.wrapping_add(offset), offset, abbreviation)
    }
}

/// As Go prints a time: `2006-01-02 15:04:05.999999999 -0700 MST`.
impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format(self, b"2006-01-02 15:04:05.999999999 -0700 MST");
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

/// A date and a time of day somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Civil {
    /// Astronomical year: 0 is 1 BC.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 1 to 366.
    pub year_day: i64,
    /// 0 is Sunday.
    pub weekday: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
    /// Seconds east of UTC.
    pub offset: i64,
    /// Of the zone at this moment; may be empty.
    pub abbreviation: String,
}

const DAY: i64 = 86_400;

impl Civil {
    fn of(local_seconds: i64, offset: i64, abbreviation: String) -> Civil {
        let days = local_seconds.div_euclid(DAY);
        let in_day = local_seconds.rem_euclid(DAY);
        let (year, month, day) = date_of_days(days);
        Civil {
            year,
            month,
            day,
            year_day: days - days_of_date(year, 1, 1) + 1,
            weekday: (days + 4).rem_euclid(7),
            hour: in_day / 3600,
            minute: in_day / 60 % 60,
            second: in_day % 60,
            offset,
            abbreviation,
        }
    }
}

/// Days since 1970-01-01 of a date; the month is 1 to 12, the day may be any.
pub fn days_of_date(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March here, so that the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn date_of_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

pub(crate) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(crate) fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
