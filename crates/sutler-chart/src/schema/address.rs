//! Internet addresses as Go's `netip` reads them, with its words for what is none.

use crate::text::go_quoted;

/// Why a text is no address, and from where on.
type Wrong<'t> = (&'static str, &'t str);

/// Reads an address of version 4 or 6; whether it names a zone.
///
/// # Errors
/// Go's text.
pub(super) fn parse_address(text: &str) -> Result<bool, String> {
    let outcome = match text.find(['.', ':', '%']).map(|at| text.as_bytes()[at]) {
        Some(b'.') => version_four(text).map(|_| false),
        Some(b':') => version_six(text),
        Some(_) => Err(("missing IPv6 address", "")),
        None => Err(("unable to parse IP", "")),
    };
    outcome.map_err(|(what, at)| {
        let place = if at.is_empty() { String::new() } else { format!(" (at {})", go_quoted(at)) };
        format!("ParseAddr({}): {what}{place}", go_quoted(text))
    })
}

/// Four numbers up to 255, without leading zeros.
fn version_four(text: &str) -> Result<(), Wrong<'_>> {
    let bytes = text.as_bytes();
    let (mut value, mut digits, mut dots) = (0_u32, 0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && value == 0 {
                    return Err(("IPv4 field has octet with leading zero", ""));
                }
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return Err(("IPv4 field has value >255", ""));
                }
            }
            b'.' => {
                if at == 0 || at == bytes.len() - 1 || bytes[at - 1] == b'.' {
                    return Err(("IPv4 field must have at least one digit", &text[at..]));
                }
                if dots == 3 {
                    return Err(("IPv4 address too long", ""));
                }
                dots += 1;
                (value, digits) = (0, 0);
            }
            _ => return Err(("unexpected character", text.get(at..).unwrap_or_default())),
        }
    }
    if dots < 3 { Err(("IPv4 address too short", "")) } else { Ok(()) }
}

/// Eight fields of up to four hexadecimal digits, one run of zeros left out, the last two perhaps as version 4.
fn version_six(whole: &str) -> Result<bool, Wrong<'_>> {
    let (mut text, zone) = whole.split_once('%').map_or((whole, None), |(text, zone)| (text, Some(zone)));
    if zone == Some("") {
        return Err(("zone must be a non-empty string", ""));
    }
    let mut has_gap = false;
    if let Some(rest) = text.strip_prefix("::") {
        (has_gap, text) = (true, rest);
        if text.is_empty() {
            return Ok(zone.is_some());
        }
    }
    let mut taken = 0;
    while taken < 16 {
        let digits = text.bytes().take_while(u8::is_ascii_hexdigit).count();
        if digits > 4 {
            return Err(("each group must have 4 or less digits", text));
        }
        if digits == 0 {
            return Err(("each colon-separated field must have at least one digit", text));
        }
        if text.as_bytes().get(digits) == Some(&b'.') {
            if !has_gap && taken != 12 {
                return Err(("embedded IPv4 address must replace the final 2 fields of the address", text));
            }
            if taken + 4 > 16 {
                return Err(("too many hex fields to fit an embedded IPv4 at the end of the address", text));
            }
            version_four(text)?;
            text = "";
            taken += 4;
            break;
        }
        taken += 2;
        text = &text[digits..];
        if text.is_empty() {
            break;
        }
        if !text.starts_with(':') {
            return Err(("unexpected character, want colon", text));
        }
        if text.len() == 1 {
            return Err(("colon must be followed by more characters", text));
        }
        text = &text[1..];
        if let Some(rest) = text.strip_prefix(':') {
            if has_gap {
                return Err(("multiple :: in address", text));
            }
            (has_gap, text) = (true, rest);
            if text.is_empty() {
                break;
            }
        }
    }
    if !text.is_empty() {
        return Err(("trailing garbage after address", text));
    }
    if taken < 16 && !has_gap {
        return Err(("address string too short", ""));
    }
    if taken == 16 && has_gap {
        return Err(("the :: must expand to at least one field of zeros", ""));
    }
    Ok(zone.is_some())
}
