//! Times as Go writes them into files: RFC 3339 with as many digits of the second as are needed.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time as Go's `time.RFC3339Nano`, in a time zone.
pub fn rfc3339(time: Timestamp, zone: &TimeZone) -> String {
    let zoned = time.to_zoned(zone.clone());
    let fraction = match zoned.subsec_nanosecond() {
        0 => String::new(),
        nanoseconds => format!(".{nanoseconds:09}").trim_end_matches('0').to_owned(),
    };
    let offset = match zoned.offset().seconds() {
        0 => "Z".to_owned(),
        _ => zoned.strftime("%:z").to_string(),
    };
    format!("{}{fraction}{offset}", zoned.strftime("%Y-%m-%dT%H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_lose_their_zeros() {
        let utc = |text: &str| rfc3339(text.parse().unwrap(), &TimeZone::UTC);
        assert_eq!(utc("2024-01-02T03:04:05Z"), "2024-01-02T03:04:05Z");
        assert_eq!(utc("2024-01-02T03:04:05.120Z"), "2024-01-02T03:04:05.12Z");
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(
            rfc3339("2024-01-02T03:04:05.000000001Z".parse().unwrap(), &zone),
            "2024-01-02T05:04:05.000000001+02:00"
        );
    }
}
