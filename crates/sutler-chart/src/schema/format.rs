//! The keyword `format`, which drafts before 2019-09 assert: addresses, names, times, as Helm's validator reads them.
//!
//! Formats that are not here (`json-pointer`, `duration`, `uri-template`, …) are not asserted.

use std::net::Ipv6Addr;

use jiff::civil::Date;
use sutler_functions::re2::Pattern;

/// Checks a text against a format; unknown formats accept everything.
///
/// # Errors
/// The reason, in the words of Helm's validator.
pub(super) fn check(format: &str, text: &str) -> Result<(), String> {
    match format {
        "ipv4" => ipv4(text),
        "ipv6" => ipv6(text),
        "hostname" => hostname(text),
        "email" => email(text),
        "uuid" => uuid(text),
        "date" => date(text),
        "date-time" => date_time(text),
        "time" => time(text),
        "uri" | "iri" => uri(text),
        "regex" => Pattern::new(text.as_bytes()).map(|_| ()).map_err(|error| error.to_string()),
        _ => Ok(()),
    }
}

fn fail<T>(reason: &str) -> Result<T, String> {
    Err(reason.to_owned())
}

fn invalid_character(c: char) -> String {
    format!("invalid character '{}'", if c == '\'' { "\\'".to_owned() } else { c.escape_debug().to_string() })
}

fn ipv4(text: &str) -> Result<(), String> {
    let groups: Vec<&str> = text.split('.').collect();
    if groups.len() != 4 {
        return fail("expected four decimals");
    }
    for group in groups {
        if group.len() > 1 && group.starts_with('0') {
            return fail("leading zeros");
        }
        match group.parse::<i64>() {
            Ok(0..=255) => {}
            Ok(_) => return fail("decimal must be between 0 and 255"),
            Err(_) => {
                let quoted = crate::text::go_quoted(group);
                return Err(format!("strconv.Atoi: parsing {quoted}: invalid syntax"));
            }
        }
    }
    Ok(())
}

fn ipv6(text: &str) -> Result<(), String> {
    if !text.contains(':') {
        return fail("missing colon");
    }
    match text.parse::<Ipv6Addr>() {
        Ok(_) => Ok(()),
        Err(_) if text.contains('%') => fail("zone id is not a part of ipv6 address"),
        Err(_) => Err(format!("ParseAddr({}): unable to parse IP", crate::text::go_quoted(text))),
    }
}

fn hostname(text: &str) -> Result<(), String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.len() > 253 {
        return fail("more than 253 characters long");
    }
    for label in text.split('.') {
        if label.is_empty() || label.len() > 63 {
            return fail("label must be 1 to 63 characters long");
        }
        if label.starts_with('-') {
            return fail("label starts with hyphen");
        }
        if label.ends_with('-') {
            return fail("label ends with hyphen");
        }
        if let Some(c) = label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return Err(invalid_character(c));
        }
    }
    Ok(())
}

fn email(text: &str) -> Result<(), String> {
    if text.len() > 254 {
        return fail("more than 255 characters long");
    }
    let Some((local, domain)) = text.rsplit_once('@') else { return fail("missing @") };
    if local.len() > 64 {
        return fail("local part more than 64 characters long");
    }
    if local.len() > 1 && local.starts_with('"') {
        let inner = &local[1..local.len() - local.chars().next_back().map_or(0, char::len_utf8)];
        if inner.contains(['\\', '"']) {
            return fail("backslash and quote are not allowed within quoted local part");
        }
    } else if local.starts_with('.') {
        return fail("starts with dot");
    } else if local.ends_with('.') {
        return fail("ends with dot");
    } else if local.contains("..") {
        return fail("consecutive dots");
    } else if let Some(c) = local.chars().find(|c| !c.is_ascii_alphanumeric() && !".!#$%&'*+-/=?^_`{|}~".contains(*c)) {
        return Err(invalid_character(c));
    }
    match domain.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => match inner.strip_prefix("IPv6:") {
            Some(address) => ipv6(address).map_err(|reason| format!("invalid ipv6 address: {reason}")),
            None => ipv4(inner).map_err(|reason| format!("invalid ipv4 address: {reason}")),
        },
        None => hostname(domain).map_err(|reason| format!("invalid domain: {reason}")),
    }
}

fn uuid(text: &str) -> Result<(), String> {
    const LENGTHS: [usize; 5] = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = text.split('-').collect();
    if groups.len() != LENGTHS.len() {
        return fail("must have 5 elements");
    }
    for (at, (group, length)) in groups.iter().zip(LENGTHS).enumerate() {
        if group.len() != length {
            return Err(format!("element {} must be {length} characters long", at + 1));
        }
        if let Some(c) = group.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(invalid_character(c).replace("invalid", "non-hex"));
        }
    }
    Ok(())
}

fn date(text: &str) -> Result<(), String> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if shape && text.parse::<Date>().is_ok() {
        return Ok(());
    }
    let quoted = crate::text::go_quoted(text);
    Err(format!("parsing time {quoted} as \"2006-01-02\": cannot parse {quoted} as \"2006\""))
}

fn time(text: &str) -> Result<(), String> {
    if text.len() < 9 {
        return fail("less than 9 characters long");
    }
    let number = |range: std::ops::Range<usize>| {
        text.get(range)
            .filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|part| part.parse::<u8>().ok())
    };
    if text.as_bytes()[2] != b':' || text.as_bytes()[5] != b':' {
        return fail("missing colon in correct place");
    }
    let (Some(hour), Some(minute), Some(second)) = (number(0..2), number(3..5), number(6..8)) else {
        return fail("invalid hour/min/sec");
    };
    if hour > 23 || minute > 59 || second > 60 {
        return fail("hour/min/sec out of range");
    }
    let mut rest = &text[8..];
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() == fraction.len() {
            return fail("no digits in second fraction");
        }
    }
    if rest == "z" || rest == "Z" {
        return Ok(());
    }
    let bytes = rest.as_bytes();
    if bytes.len() != 6 {
        return fail("offset must be 6 characters long");
    }
    if !matches!(bytes[0], b'+' | b'-') {
        return fail("offset must begin with plus/minus");
    }
    if bytes[3] != b':' {
        return fail("missing colon in offset in correct place");
    }
    let part = |range| rest.get(range).and_then(|part: &str| part.parse::<u8>().ok());
    match (part(1..3), part(4..6)) {
        (Some(0..=23), Some(0..=59)) => Ok(()),
        (Some(_), Some(_)) => fail("hour/min in offset out of range"),
        _ => fail("invalid hour/min in offset"),
    }
}

fn date_time(text: &str) -> Result<(), String> {
    if text.len() < 20 {
        return fail("less than 20 characters long");
    }
    if !matches!(text.as_bytes()[10], b't' | b'T') {
        return fail("11th character must be t or T");
    }
    date(&text[..10]).map_err(|reason| format!("invalid date element: {reason}"))?;
    time(&text[11..]).map_err(|reason| format!("invalid time element: {reason}"))
}

fn uri(text: &str) -> Result<(), String> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err(format!("parse {}: net/url: invalid control character in URL", crate::text::go_quoted(text)));
    }
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    let is_absolute = scheme.is_some_and(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    });
    if is_absolute { Ok(()) } else { fail("relative url") }
}
