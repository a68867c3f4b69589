//! Words and cases as the libraries below sprig see them: Masterminds' `goutils` v1.1.1 and huandu's `xstrings` v1.5.0.
//!
//! Some of it is odd: several functions walk bytes and call them characters, `wrap` cuts inside a character. Charts rely
//! on the output, so the oddities are kept.

use crate::runes::{
    INVALID, decode, encode, is_letter, is_lower, is_number, is_punctuation, is_space, is_title, is_upper, push, runes,
    to_lower, to_title, to_upper,
};

/// A byte read as a Latin-1 character, as `rune(str[i])` in Go.
fn byte_as_rune(byte: u8) -> char {
    char::from(byte)
}

/// Removes white space byte by byte, so that text beyond ASCII comes out as mojibake whenever something was removed;
/// as `goutils.DeleteWhiteSpace`.
pub(crate) fn without_space(text: &[u8]) -> Vec<u8> {
    if !text.iter().any(|&byte| is_space(byte_as_rune(byte))) {
        return text.to_vec();
    }
    encode(text.iter().map(|&byte| byte_as_rune(byte)).filter(|&rune| !is_space(rune)))
}

/// The first byte of each word, as `goutils.Initials`.
pub(crate) fn initials(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut after_gap = true;
    for &byte in text {
        let rune = byte_as_rune(byte);
        if is_space(rune) {
            after_gap = true;
        } else if after_gap {
            push(&mut out, rune);
            after_gap = false;
        }
    }
    out
}

/// Lowers the first letter of each word, as `goutils.Uncapitalize`.
pub(crate) fn uncapitalize(text: &[u8]) -> Vec<u8> {
    let mut at_start = true;
    encode(runes(text).map(|(_, rune)| {
        if is_space(rune) {
            at_start = true;
            rune
        } else if std::mem::take(&mut at_start) {
            to_lower(rune)
        } else {
            rune
        }
    }))
}

/// Raises the first letter of each word, as `strings.Title`: a word begins after what is neither letter, digit,
/// underscore nor, outside ASCII, anything but white space.
pub(crate) fn title(text: &[u8]) -> Vec<u8> {
    let mut previous = ' ';
    encode(runes(text).map(|(_, rune)| {
        let starts = is_separator(previous);
        previous = rune;
        if starts { to_title(rune) } else { rune }
    }))
}

fn is_separator(rune: char) -> bool {
    if rune.is_ascii() {
        return !(rune.is_ascii_alphanumeric() || rune == '_');
    }
    !is_letter(rune) && !crate::runes::is_digit(rune) && is_space(rune)
}

/// Swaps cases; a lower-case letter at the start of a word becomes title case; as `goutils.SwapCase`.
pub(crate) fn swap_case(text: &[u8]) -> Vec<u8> {
    let mut at_start = true;
    encode(runes(text).map(|(_, rune)| {
        if is_upper(rune) || is_title(rune) {
            at_start = false;
            to_lower(rune)
        } else if is_lower(rune) {
            if std::mem::take(&mut at_start) { to_title(rune) } else { to_upper(rune) }
        } else {
            at_start = is_space(rune);
            rune
        }
    }))
}

/// What [`wrap`] does with a word that is longer than the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LongWords {
    /// It sticks out.
    Keep,
    /// It is cut, possibly inside a character.
    Cut,
}

/// Wraps at `width` bytes, joining the lines with `separator` (a newline if that is empty), as `goutils.WrapCustom`.
pub(crate) fn wrap(text: &[u8], width: i64, separator: &[u8], long_words: LongWords) -> Vec<u8> {
    let separator: &[u8] = if separator.is_empty() { b"\n" } else { separator };
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while rest.len() > width {
        if rest[0] == b' ' {
            rest = &rest[1..];
            continue;
        }
        let last_space = rest[..=width].iter().rposition(|&byte| byte == b' ');
        let (line, next) = match (last_space, long_words) {
            (Some(space), _) => (&rest[..space], &rest[space + 1..]),
            (None, LongWords::Cut) => rest.split_at(width),
            (None, LongWords::Keep) => match rest[width..].iter().position(|&byte| byte == b' ') {
                Some(space) => (&rest[..width + space], &rest[width + space + 1..]),
                None => break,
            },
        };
        out.extend_from_slice(line);
        out.extend_from_slice(separator);
        rest = next;
    }
    out.extend_from_slice(rest);
    out
}

/// Shortens to `width` bytes with an ellipsis, dropping `offset` bytes on the left when they are worth an ellipsis
/// of their own; as `goutils.AbbreviateFull`, which answers "" to a width it does not like.
pub(crate) fn abbreviate(text: &[u8], offset: i64, width: i64) -> Vec<u8> {
    if text.is_empty() || width < 4 {
        return Vec::new();
    }
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    if length <= width {
        return text.to_vec();
    }
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    let at = |index: i64| usize::try_from(index.clamp(0, length)).unwrap_or(0);
    if offset <= 4 {
        return [&text[..at(width - 3)], b"..."].concat();
    }
    if width < 7 {
        return Vec::new();
    }
    if offset + width - 3 < length {
        return [b"...".as_slice(), &abbreviate(&text[at(offset)..], 0, width - 3)].concat();
    }
    [b"...".as_slice(), &text[at(length - (width - 3))..]].concat()
}

fn is_connector(rune: char) -> bool {
    rune == '-' || rune == '_' || is_space(rune)
}

/// A letter, but none of the CJK ideographs, as the library's `isAlphabet`.
fn is_alphabetic(rune: char) -> bool {
    is_letter(rune) && !matches!(rune, '\u{3400}'..='\u{4D85}' | '\u{4E00}'..='\u{9FCC}' | '\u{20000}'..='\u{2B81D}')
}

/// `SomeWords` from `some_words`, as `xstrings.ToPascalCase`; leading connectors stay.
pub(crate) fn pascal_case(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut letters = runes(text).map(|(_, rune)| rune);
    let mut last_connector = None;
    let mut current = loop {
        match letters.next() {
            None => {
                // Of nothing but connectors, the library writes the last one twice.
                if let Some(rune) = last_connector {
                    push(&mut out, rune);
                }
                return out;
            }
            Some(rune) if is_connector(rune) => {
                push(&mut out, rune);
                last_connector = Some(rune);
            }
            Some(rune) => break rune,
        }
    };
    let mut word_began_upper = is_upper(current);
    current = to_upper(current);
    for rune in letters {
        let previous = std::mem::replace(&mut current, rune);
        match (is_connector(previous), is_connector(rune)) {
            (true, true) => push(&mut out, previous),
            (true, false) => {
                word_began_upper = is_upper(rune);
                current = to_upper(rune);
            }
            (false, _) => {
                if word_began_upper {
                    if is_upper(rune) {
                        current = to_lower(rune);
                    } else {
                        word_began_upper = false;
                    }
                }
                push(&mut out, previous);
            }
        }
    }
    push(&mut out, current);
    out
}

/// `http_server` from `HTTPServer`, as `xstrings.ToSnakeCase` (`_`) and `ToKebabCase` (`-`).
pub(crate) fn lower_case_with(text: &[u8], connector: char) -> Vec<u8> {
    let mut writer = CaseWriter { out: Vec::with_capacity(text.len() + 8), connector };
    let mut rest = text;
    let mut word = next_word(&mut rest);
    while !rest.is_empty() {
        if word.kind != WordKind::Connector {
            writer.word(word);
        }
        let previous = word;
        word = next_word(&mut rest);
        match previous.kind {
            WordKind::Number => {
                word = writer.tail_of_number(word, &mut rest);
                if !matches!(word.kind, WordKind::Nothing | WordKind::Punctuation | WordKind::Connector) {
                    writer.connect();
                }
            }
            WordKind::Connector => writer.word(previous),
            WordKind::Punctuation => {}
            _ if word.kind != WordKind::Number => {
                if !matches!(word.kind, WordKind::Connector | WordKind::Punctuation) {
                    writer.connect();
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                word = next_word(&mut rest);
                if word.kind != WordKind::Lower {
                    // The number belongs to the word before it: Bld4Floor is bld4_floor.
                    writer.word(number);
                    if !matches!(word.kind, WordKind::Connector | WordKind::Punctuation) {
                        writer.connect();
                    }
                } else {
                    // Lower-case letters follow, so the number starts a word: HTTP2xx is http_2xx.
                    writer.connect();
                    writer.word(number);
                    word = writer.tail_of_number(word, &mut rest);
                    if !matches!(word.kind, WordKind::Nothing | WordKind::Connector | WordKind::Punctuation) {
                        writer.connect();
                    }
                }
            }
        }
    }
    writer.word(word);
    writer.out
}

struct CaseWriter {
    out: Vec<u8>,
    connector: char,
}

impl CaseWriter {
    fn connect(&mut self) {
        push(&mut self.out, self.connector);
    }

    fn word(&mut self, word: Word<'_>) {
        if !matches!(word.kind, WordKind::Upper | WordKind::Connector) {
            self.out.extend_from_slice(word.text);
            return;
        }
        for (_, rune) in runes(word.text) {
            if is_connector(rune) {
                self.connect();
            } else {
                push(&mut self.out, if is_upper(rune) { to_lower(rune) } else { rune });
            }
        }
    }

    /// Writes what still belongs to a number (`2m3s`) and answers with the word after it.
    fn tail_of_number<'t>(&mut self, mut word: Word<'t>, rest: &mut &'t [u8]) -> Word<'t> {
        while matches!(word.kind, WordKind::Lower | WordKind::Number) {
            self.word(word);
            word = next_word(rest);
        }
        word
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WordKind {
    Nothing,
    Number,
    Upper,
    Lower,
    Connector,
    Punctuation,
    Other,
}

#[derive(Debug, Clone, Copy)]
struct Word<'t> {
    kind: WordKind,
    text: &'t [u8],
}

/// The next rune that is valid, with the invalid bytes before it in the width; `previous` when none follows.
fn next_valid(text: &[u8], previous: char) -> (char, usize) {
    let mut width = 0;
    while width < text.len() {
        let (rune, step) = decode(&text[width..]);
        width += step;
        if rune != INVALID {
            return (rune, width);
        }
    }
    (previous, width)
}

fn next_word<'t>(rest: &mut &'t [u8]) -> Word<'t> {
    let text = *rest;
    if text.is_empty() {
        return Word { kind: WordKind::Nothing, text };
    }
    let (first, mut end) = next_valid(text, INVALID);
    let mut rune = first;
    // Extends the word while the next rune is of its kind; the width of the last one tells where to step back to.
    let mut last_width = end;
    let extend = |end: &mut usize, rune: &mut char, last_width: &mut usize, belongs: &dyn Fn(char) -> bool| {
        while *end < text.len() {
            let (next, width) = next_valid(&text[*end..], *rune);
            *rune = next;
            if !belongs(next) {
                return;
            }
            *last_width = width;
            *end += width;
        }
    };
    let kind = if first == INVALID {
        WordKind::Nothing
    } else if is_connector(first) {
        extend(&mut end, &mut rune, &mut last_width, &is_connector);
        WordKind::Connector
    } else if is_punctuation(first) {
        extend(&mut end, &mut rune, &mut last_width, &is_punctuation);
        WordKind::Punctuation
    } else if is_upper(first) {
        if end < text.len() {
            let (second, width) = next_valid(&text[end..], rune);
            rune = second;
            if is_upper(second) {
                end += width;
                last_width = width;
                extend(&mut end, &mut rune, &mut last_width, &is_upper);
                // In HTTPStatus the S belongs to the second word.
                if end < text.len() && is_alphabetic(rune) {
                    end -= last_width;
                }
            } else if is_alphabetic(second) {
                end += width;
                extend(&mut end, &mut rune, &mut last_width, &|rune| is_alphabetic(rune) && !is_upper(rune));
            }
        }
        WordKind::Upper
    } else if is_alphabetic(first) {
        extend(&mut end, &mut rune, &mut last_width, &|rune| is_alphabetic(rune) && !is_upper(rune));
        WordKind::Lower
    } else if is_number(first) {
        extend(&mut end, &mut rune, &mut last_width, &is_number);
        WordKind::Number
    } else {
        extend(&mut end, &mut rune, &mut last_width, &|rune| {
            !(is_connector(rune) || is_alphabetic(rune) || is_number(rune) || is_punctuation(rune))
        });
        WordKind::Other
    };
    *rest = &text[end..];
    Word { kind, text: &text[..end] }
}
