//! Times as objects carry them: RFC 3339, whole seconds, UTC.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A time as objects carry it.
pub(crate) fn stamp(time: Timestamp) -> Value {
    let seconds = Timestamp::from_second(time.as_second()).unwrap_or(time);
    json!(seconds.to_string())
}

/// The time in a field; `None` where there is none.
pub(crate) fn read(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// `time` and so many seconds.
pub(crate) fn after(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// `time` and so many milliseconds.
pub(crate) fn after_millis(time: Timestamp, millis: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_millis(millis)).unwrap_or(Timestamp::MAX)
}

/// The next whole multiple of `millis` after `time`: controllers that gather work wake there, so that a steady stream of
/// changes cannot put them off.
pub(crate) fn next_multiple(time: Timestamp, millis: i64) -> Timestamp {
    let now = time.as_millisecond();
    Timestamp::from_millisecond((now.div_euclid(millis) + 1).saturating_mul(millis)).unwrap_or(Timestamp::MAX)
}

/// Whole seconds from `earlier` to `later`, never below zero.
pub(crate) fn seconds_between(earlier: Timestamp, later: Timestamp) -> i64 {
    (later.as_second() - earlier.as_second()).max(0)
}
