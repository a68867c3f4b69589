//! Pointers into JSON, and fragments of addresses that hold them.

use serde_json::Value;

use super::document::place;

/// A name within a pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A fragment without its escapes, as `url.PathUnescape`.
///
/// # Errors
/// Go's words for an escape that is none.
pub(super) fn decoded(fragment: &str) -> Result<String, String> {
    let bytes = fragment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'%' {
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        let code = bytes.get(at + 1..at + 3).filter(|code| code.iter().all(u8::is_ascii_hexdigit));
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => out.push(byte),
            None => {
                let end = bytes.len().min(at + 3);
                let wrong = String::from_utf8_lossy(&bytes[at..end]);
                return Err(format!("invalid URL escape {}", crate::text::go_quoted(&wrong)));
            }
        }
        at += 3;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// A pointer as it stands in an address: each part as by `url.PathEscape`.
pub(super) fn encoded(pointer: &str) -> String {
    let mut out = String::with_capacity(pointer.len());
    for byte in pointer.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~$&+=:@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What a pointer leads to.
///
/// # Errors
/// When it is no pointer.
pub(super) fn lookup<'v>(mut value: &'v Value, pointer: &str) -> Result<Option<&'v Value>, ()> {
    for part in pointer.split('/').skip(1) {
        let mut pieces = part.split('~');
        let mut name = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            match piece.as_bytes().first() {
                Some(b'0') => name.push('~'),
                Some(b'1') => name.push('/'),
                _ => return Err(()),
            }
            name.push_str(&piece[1..]);
        }
        let inner = match value {
            Value::Object(members) => members.get(&name),
            Value::Array(items) => name.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        match inner {
            Some(inner) => value = inner,
            None => return Ok(None),
        }
    }
    Ok(Some(value))
}

/// The pointer to the value that lies at this place in memory.
pub(super) fn of(value: &Value, wanted: usize) -> Option<String> {
    if place(value) == wanted {
        return Some(String::new());
    }
    match value {
        Value::Object(members) => {
            members.iter().find_map(|(name, inner)| of(inner, wanted).map(|rest| format!("/{}{rest}", escaped(name))))
        }
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, inner)| of(inner, wanted).map(|rest| format!("/{at}{rest}")))
        }
        _ => None,
    }
}
