//! Bytes to text, and which characters YAML allows in it.

use std::borrow::Cow;

use super::ReadError;
use crate::node::Position;

/// How many bytes go-yaml takes in at once: it reports a forbidden character only when it comes to that piece of the text.
const PIECE: usize = 512;

/// Bytes of a file as text: UTF-8, or UTF-16 where a byte order mark says so.
///
/// # Errors
///
/// Bytes that are neither, in go-yaml's words (`yaml: invalid leading UTF-8 octet`).
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ReadError> {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => decode_utf16(rest, u16::from_le_bytes).map(Cow::Owned),
        [0xFE, 0xFF, rest @ ..] => decode_utf16(rest, u16::from_be_bytes).map(Cow::Owned),
        _ => decode_utf8(bytes).map(Cow::Borrowed),
    }
}

fn decode_utf8(bytes: &[u8]) -> Result<&str, ReadError> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let (good, bad) = bytes.split_at(error.valid_up_to());
    let good = std::str::from_utf8(good).expect("the error says that it is valid up to there");
    let length = match bad[0] {
        0x00..=0x7F => 1,
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 0,
    };
    let problem = if length == 0 {
        "invalid leading UTF-8 octet"
    } else if bad.len() < length {
        "incomplete UTF-8 octet sequence"
    } else if bad[1..length].iter().any(|byte| byte & 0xC0 != 0x80) {
        "invalid trailing UTF-8 octet"
    } else if matches!(bad, [0xED, ..] | [0xF4..=0xF7, ..]) {
        "invalid Unicode character"
    } else {
        "invalid length of a UTF-8 sequence"
    };
    Err(ReadError::Encoding { problem, at: end_of(good) })
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, ReadError> {
    let pieces = bytes.chunks_exact(2);
    let half = !pieces.remainder().is_empty();
    let units: Vec<u16> = pieces.map(|pair| unit([pair[0], pair[1]])).collect();
    let mut text = String::with_capacity(units.len());
    for character in char::decode_utf16(units.iter().copied()) {
        match character {
            Ok(character) => text.push(character),
            Err(error) => {
                let read: usize = text.chars().map(char::len_utf16).sum();
                let problem = match error.unpaired_surrogate() {
                    0xDC00..=0xDFFF => "unexpected low surrogate area",
                    _ if read + 1 == units.len() => "incomplete UTF-16 surrogate pair",
                    _ => "expected low surrogate area",
                };
                return Err(ReadError::Encoding { problem, at: end_of(&text) });
            }
        }
    }
    if half {
        return Err(ReadError::Encoding { problem: "incomplete UTF-16 character", at: end_of(&text) });
    }
    Ok(text)
}

/// The text without its byte order mark, cut where a piece begins that contains a forbidden character, and the error that
/// waits there.
pub(super) fn readable_part(text: &str) -> (&str, Option<ReadError>) {
    // Most texts are ASCII, and this is found out many bytes at a time.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')) {
        return (text, None);
    }
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let Some(bad) = text.char_indices().skip_while(|(offset, _)| *offset < mark).find(|(_, c)| !is_allowed(*c)) else {
        return (&text[mark..], None);
    };
    let error = ReadError::Encoding { problem: "control characters are not allowed", at: end_of(&text[mark..bad.0]) };
    let mut cut = (bad.0 / PIECE * PIECE).max(mark);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    (&text[mark..cut], Some(error))
}

/// YAML 1.1's printable characters, and tab, line feed, carriage return and next line.
pub(crate) fn is_allowed(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn end_of(text: &str) -> Position {
    let line = text.matches('\n').count() as u32 + 1;
    let column = text.rsplit('\n').next().unwrap_or("").chars().count() as u32 + 1;
    Position { line, column }
}
