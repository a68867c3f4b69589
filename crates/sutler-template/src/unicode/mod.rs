//! Characters as Go's `unicode`, `unicode/utf8` and `strconv` see them: classes, decoding, quoting.

mod tables;

use bstr::ByteSlice;

/// As Go's `utf8.DecodeRune`: the first character and its length; for what is not UTF-8, U+FFFD and 1. Must not be
/// given an empty slice, for which it returns U+FFFD and 0.
pub(crate) fn decode(bytes: &[u8]) -> (char, usize) {
    match bytes.first() {
        None => (char::REPLACEMENT_CHARACTER, 0),
        Some(byte) if byte.is_ascii() => (char::from(*byte), 1),
        Some(_) => match bstr::decode_utf8(bytes) {
            (Some(c), len) => (c, len),
            (None, _) => (char::REPLACEMENT_CHARACTER, 1),
        },
    }
}

/// How many characters Go counts in `bytes`; each byte that is not UTF-8 counts as one.
pub(crate) fn count(bytes: &[u8]) -> usize {
    if bytes.is_ascii() {
        return bytes.len();
    }
    let (mut rest, mut count) = (bytes, 0);
    while !rest.is_empty() {
        rest = &rest[decode(rest).1..];
        count += 1;
    }
    count
}

/// The first `limit` characters of `bytes`.
pub(crate) fn truncate(bytes: &[u8], limit: usize) -> &[u8] {
    let mut end = 0;
    for _ in 0..limit {
        if end == bytes.len() {
            break;
        }
        end += decode(&bytes[end..]).1;
    }
    &bytes[..end]
}

fn in_ranges(ranges: &[(u32, u32)], c: char) -> bool {
    let c = u32::from(c);
    let index = ranges.partition_point(|(_, last)| *last < c);
    ranges.get(index).is_some_and(|(first, _)| *first <= c)
}

/// As Go's `unicode.IsLetter`.
pub(crate) fn is_letter(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { in_ranges(tables::LETTERS, c) }
}

/// As Go's `unicode.IsDigit`.
pub(crate) fn is_digit(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { in_ranges(tables::DIGITS, c) }
}

/// As Go's `unicode.IsPrint`: of spaces only the ASCII one.
pub(crate) fn is_print(c: char) -> bool {
    if c.is_ascii() { (' '..='~').contains(&c) } else { in_ranges(tables::PRINTABLE, c) }
}

/// What may be left as it is between quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Printable,
    Ascii,
}

/// Appends `bytes` as Go's `strconv.Quote` (or, keeping ASCII only, `QuoteToASCII`) does.
pub(crate) fn quote(out: &mut Vec<u8>, bytes: &[u8], keep: Keep) {
    out.push(b'"');
    let mut rest = bytes;
    loop {
        // Most text is plain from one end to the other.
        let plain = rest.iter().position(|byte| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\'));
        let (before, after) = rest.split_at(plain.unwrap_or(rest.len()));
        out.extend_from_slice(before);
        rest = after;
        if rest.is_empty() {
            break;
        }
        let (c, len) = decode(rest);
        if c == char::REPLACEMENT_CHARACTER && len == 1 {
            out.extend_from_slice(format!("\\x{:02x}", rest[0]).as_bytes());
        } else {
            escape(out, c, b'"', keep);
        }
        rest = &rest[len..];
    }
    out.push(b'"');
}

/// Appends `c` as Go's `strconv.QuoteRune` (or `QuoteRuneToASCII`) does.
pub(crate) fn quote_char(out: &mut Vec<u8>, c: char, keep: Keep) {
    out.push(b'\'');
    escape(out, c, b'\'', keep);
    out.push(b'\'');
}

/// `strconv.Quote` as text, for error messages (`%q`).
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len() + 2);
    quote(&mut out, bytes, Keep::Printable);
    out.to_str_lossy().into_owned()
}

fn escape(out: &mut Vec<u8>, c: char, delimiter: u8, keep: Keep) {
    if c == char::from(delimiter) || c == '\\' {
        out.extend([b'\\', c as u8]);
        return;
    }
    if if keep == Keep::Ascii { c.is_ascii() && is_print(c) } else { is_print(c) } {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        return;
    }
    let code = u32::from(c);
    let text = match c {
        '\x07' => "\\a".to_owned(),
        '\x08' => "\\b".to_owned(),
        '\x0c' => "\\f".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\x0b' => "\\v".to_owned(),
        _ if code < 0x20 || code == 0x7f => format!("\\x{code:02x}"),
        _ if code < 0x10000 => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    };
    out.extend_from_slice(text.as_bytes());
}

/// As Go's `strconv.CanBackquote`.
pub(crate) fn can_backquote(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (c, len) = decode(rest);
        let invalid = c == char::REPLACEMENT_CHARACTER && len == 1;
        if invalid || c == '\u{feff}' || (c < ' ' && c != '\t') || c == '`' || c == '\x7f' {
            return false;
        }
        rest = &rest[len..];
    }
    true
}

/// Why a constant cannot be unquoted; Go's `strconv.ErrSyntax`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError;

/// The value of a Go string constant, quotes included in `text`, as Go's `strconv.Unquote`.
pub(crate) fn unquote(text: &[u8]) -> Result<Vec<u8>, SyntaxError> {
    let (Some((&quote, rest)), true) = (text.split_first(), text.len() >= 2) else { return Err(SyntaxError) };
    let body = rest.strip_suffix(&[quote]).ok_or(SyntaxError)?;
    match quote {
        b'`' if !body.contains(&b'`') => Ok(body.iter().copied().filter(|byte| *byte != b'\r').collect()),
        b'"' => {
            if body.contains(&b'\n') {
                return Err(SyntaxError);
            }
            let (mut out, mut rest) = (Vec::with_capacity(body.len()), body);
            while !rest.is_empty() {
                let (unquoted, len) = unquote_char(rest, quote)?;
                match unquoted {
                    Unquoted::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    Unquoted::Byte(byte) => out.push(byte),
                }
                rest = &rest[len..];
            }
            Ok(out)
        }
        _ => Err(SyntaxError),
    }
}

/// One character of a constant: `\xff` and `\377` are bytes.
pub(crate) enum Unquoted {
    Char(char),
    Byte(u8),
}

/// The first character of a constant in `quote`s and how many bytes it takes, as Go's `strconv.UnquoteChar`.
pub(crate) fn unquote_char(text: &[u8], quote: u8) -> Result<(Unquoted, usize), SyntaxError> {
    let (c, len) = decode(text);
    if len == 0 || c == char::from(quote) {
        return Err(SyntaxError);
    }
    if c != '\\' {
        return Ok((Unquoted::Char(c), len));
    }
    let escape = *text.get(1).ok_or(SyntaxError)?;
    let plain = |c| Ok((Unquoted::Char(c), 2));
    match escape {
        b'a' => plain('\x07'),
        b'b' => plain('\x08'),
        b'f' => plain('\x0c'),
        b'n' => plain('\n'),
        b'r' => plain('\r'),
        b't' => plain('\t'),
        b'v' => plain('\x0b'),
        b'\\' => plain('\\'),
        b'\'' | b'"' if escape == quote => plain(char::from(quote)),
        b'x' => {
            let code = number(text, 2, 2, 16)?;
            Ok((Unquoted::Byte(u8::try_from(code).map_err(|_| SyntaxError)?), 4))
        }
        b'u' | b'U' => {
            let digits = if escape == b'u' { 4 } else { 8 };
            let c = char::from_u32(number(text, 2, digits, 16)?).ok_or(SyntaxError)?;
            Ok((Unquoted::Char(c), 2 + digits))
        }
        b'0'..=b'7' => {
            let code = number(text, 1, 3, 8)?;
            Ok((Unquoted::Byte(u8::try_from(code).map_err(|_| SyntaxError)?), 4))
        }
        _ => Err(SyntaxError),
    }
}

fn number(text: &[u8], start: usize, digits: usize, radix: u32) -> Result<u32, SyntaxError> {
    let digits = text.get(start..start + digits).ok_or(SyntaxError)?;
    digits.iter().try_fold(0_u32, |code, byte| {
        let digit = char::from(*byte).to_digit(radix).ok_or(SyntaxError)?;
        code.checked_mul(radix).and_then(|code| code.checked_add(digit)).ok_or(SyntaxError)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_is_gos() {
        assert_eq!(quoted(b"a\"b\\\n\x00\xff\x7f"), r#""a\"b\\\n\x00\xff\x7f""#);
        assert_eq!(quoted("é\u{200b}\u{1F600}".as_bytes()), "\"é\\u200b\u{1F600}\"");
        assert_eq!(quoted("\u{a0}".as_bytes()), r#""\u00a0""#);
    }

    #[test]
    fn unquoting_is_gos() {
        assert_eq!(unquote(br#""a\tb\x41\u00e9\377""#), Ok(b"a\tbA\xc3\xa9\xff".to_vec()));
        assert_eq!(unquote(b"`a\\n\r\n`"), Ok(b"a\\n\n".to_vec()));
        assert_eq!(unquote(br#""\'""#), Err(SyntaxError));
        assert_eq!(unquote(br#""\400""#), Err(SyntaxError));
        // What is not UTF-8 becomes U+FFFD, but not in a raw string.
        assert_eq!(unquote(b"\"\xff\""), Ok("\u{fffd}".as_bytes().to_vec()));
        assert_eq!(unquote(b"`\xff`"), Ok(b"\xff".to_vec()));
    }

    #[test]
    fn what_is_not_utf8_decodes_byte_by_byte() {
        assert_eq!(decode(b"\xe2\x82x"), ('\u{fffd}', 1));
        assert_eq!(count(b"\xe2\x82x"), 3);
        assert_eq!(truncate("aéb".as_bytes(), 2), "aé".as_bytes());
    }
}
