//! Go's view of text: bytes that are mostly UTF-8, decoded rune by rune, and the simple case mappings of package
//! `unicode`, which unlike Rust's never turn one character into several.

use unicode_general_category::{GeneralCategory, get_general_category};

/// What an invalid byte decodes to, as `utf8.RuneError`.
pub(crate) const INVALID: char = '\u{FFFD}';

/// Decodes the first rune and its width in bytes; an invalid byte is [`INVALID`] of width 1. The text is not empty.
pub(crate) fn decode(text: &[u8]) -> (char, usize) {
    match bstr::decode_utf8(text) {
        (Some(rune), width) => (rune, width),
        (None, _) => (INVALID, 1),
    }
}

/// The runes of a text with their offsets, as `range` over a Go string.
pub(crate) fn runes(text: &[u8]) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut offset = 0;
    std::iter::from_fn(move || {
        let rest = text.get(offset..).filter(|rest| !rest.is_empty())?;
        let (rune, width) = decode(rest);
        let start = offset;
        offset += width;
        Some((start, rune))
    })
}

/// Appends a rune as UTF-8.
pub(crate) fn push(out: &mut Vec<u8>, rune: char) {
    out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Encodes runes as UTF-8, as `string([]rune)`.
pub(crate) fn encode(runes: impl IntoIterator<Item = char>) -> Vec<u8> {
    let mut out = Vec::new();
    for rune in runes {
        push(&mut out, rune);
    }
    out
}

/// As `unicode.IsSpace`.
pub(crate) fn is_space(rune: char) -> bool {
    rune.is_whitespace()
}

/// As `unicode.IsUpper`: category Lu only, where Rust's also counts Other_Uppercase.
pub(crate) fn is_upper(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_uppercase();
    }
    get_general_category(rune) == GeneralCategory::UppercaseLetter
}

/// As `unicode.IsLower`: category Ll only.
pub(crate) fn is_lower(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_lowercase();
    }
    get_general_category(rune) == GeneralCategory::LowercaseLetter
}

/// As `unicode.IsTitle`: category Lt.
pub(crate) fn is_title(rune: char) -> bool {
    !rune.is_ascii() && get_general_category(rune) == GeneralCategory::TitlecaseLetter
}

/// As `unicode.IsLetter`: categories L*.
pub(crate) fn is_letter(rune: char) -> bool {
    use GeneralCategory as G;
    matches!(
        get_general_category(rune),
        G::UppercaseLetter | G::LowercaseLetter | G::TitlecaseLetter | G::ModifierLetter | G::OtherLetter
    )
}

/// As `unicode.IsNumber`: categories N*.
pub(crate) fn is_number(rune: char) -> bool {
    use GeneralCategory as G;
    matches!(get_general_category(rune), G::DecimalNumber | G::LetterNumber | G::OtherNumber)
}

/// As `unicode.IsDigit`: category Nd.
pub(crate) fn is_digit(rune: char) -> bool {
    get_general_category(rune) == GeneralCategory::DecimalNumber
}

/// As `unicode.IsPunct`: categories P*.
pub(crate) fn is_punctuation(rune: char) -> bool {
    use GeneralCategory as G;
    matches!(
        get_general_category(rune),
        G::ConnectorPunctuation
            | G::DashPunctuation
            | G::OpenPunctuation
            | G::ClosePunctuation
            | G::InitialPunctuation
            | G::FinalPunctuation
            | G::OtherPunctuation
    )
}

/// As `unicode.ToUpper`.
pub(crate) fn to_upper(rune: char) -> char {
    match rune {
        // Greek letters with iota subscript: several characters by the full mapping, one by the simple one.
        '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => offset(rune, 8),
        '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => offset(rune, 9),
        _ => only(rune.to_uppercase()).unwrap_or(rune),
    }
}

/// As `unicode.ToLower`.
pub(crate) fn to_lower(rune: char) -> char {
    match rune {
        '\u{130}' => 'i',
        _ => only(rune.to_lowercase()).unwrap_or(rune),
    }
}

/// As `unicode.ToTitle`.
pub(crate) fn to_title(rune: char) -> char {
    match rune {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        // Georgian has upper case, but titles are written without it.
        '\u{10D0}'..='\u{10FA}' | '\u{10FD}'..='\u{10FF}' => rune,
        _ => to_upper(rune),
    }
}

fn offset(rune: char, by: u32) -> char {
    char::from_u32(u32::from(rune) + by).unwrap_or(rune)
}

fn only(mut mapped: impl Iterator<Item = char>) -> Option<char> {
    let first = mapped.next();
    if mapped.next().is_some() { None } else { first }
}

/// Maps every rune, invalid bytes becoming [`INVALID`], as `strings.Map`.
pub(crate) fn map(text: &[u8], mapping: impl Fn(char) -> char) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (_, rune) in runes(text) {
        push(&mut out, mapping(rune));
    }
    out
}
