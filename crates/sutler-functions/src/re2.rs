//! Regular expressions with RE2's syntax, as Go's `regexp`: parsed here, run by the automata behind the `regex` crate.
//!
//! The two syntaxes differ in many small ways (see `parse`), and charts show Go's messages; the matching rules,
//! leftmost-first, are the same.

mod class;
mod parse;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};

use crate::bounds::{MOST_BYTES, MOST_PARTS};
use crate::runes;

/// Why a pattern cannot be used; the texts are Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {code}: `{expression}`")]
#[non_exhaustive]
pub struct PatternError {
    /// What is wrong.
    pub code: &'static str,
    /// The part of the pattern that is wrong.
    pub expression: String,
}

/// Bytes that a compiled pattern may take.
const SIZE_LIMIT: usize = 64 << 20;

/// How many patterns a thread keeps: compiling takes far longer than matching a value, and charts use few patterns often.
const KEPT: usize = 256;

thread_local! {
    static SHARED: RefCell<HashMap<Vec<u8>, Rc<Pattern>>> = RefCell::new(HashMap::new());
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    empty: bool,
}

impl Pattern {
    /// Compiles a pattern, as `regexp.Compile`.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn new(pattern: &[u8]) -> Result<Pattern, PatternError> {
        let text = std::str::from_utf8(pattern).map_err(|_| PatternError {
            code: "invalid UTF-8",
            expression: String::from_utf8_lossy(pattern).into_owned(),
        })?;
        let hir = parse::parse(text)?;
        let config = Regex::config().nfa_size_limit(Some(SIZE_LIMIT)).utf8_empty(true);
        let regex = Regex::builder()
            .configure(config)
            .build_from_hir(&hir)
            .map_err(|_| PatternError { code: "expression too large", expression: text.to_string() })?;
        Ok(Pattern { regex, empty: pattern.is_empty() })
    }

    /// The same, compiled once for all uses of a thread (of some hundred patterns). Shared, since a copy of a pattern has to
    /// make its tables of states anew.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn shared(pattern: &[u8]) -> Result<Rc<Pattern>, PatternError> {
        SHARED.with_borrow_mut(|shared| {
            if let Some(known) = shared.get(pattern) {
                return Ok(known.clone());
            }
            let compiled = Rc::new(Pattern::new(pattern)?);
            if shared.len() >= KEPT {
                shared.clear();
            }
            shared.insert(pattern.to_vec(), compiled.clone());
            Ok(compiled)
        })
    }

    /// Whether there is a match anywhere.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }

    /// The first match, empty when there is none.
    pub fn find<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        self.regex.find(text).map_or(&[], |found| &text[found.range()])
    }

    /// Where the first match begins, in bytes.
    pub fn find_start(&self, text: &[u8]) -> Option<usize> {
        self.regex.find(text).map(|found| found.start())
    }

    /// Up to `limit` matches that do not overlap, all (but not many more than two million) when it is negative; `None` when
    /// there is none, as Go's nil slice.
    pub fn find_all<'t>(&self, text: &'t [u8], limit: i64) -> Option<Vec<&'t [u8]>> {
        let found: Vec<&[u8]> = self.spans(text, limit).into_iter().map(|(start, end)| &text[start..end]).collect();
        (!found.is_empty()).then_some(found)
    }

    fn spans(&self, text: &[u8], limit: i64) -> Vec<(usize, usize)> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut spans = Vec::new();
        let mut position = 0;
        let mut previous_end = None;
        // One more than is allowed tells that there are too many.
        while spans.len() < limit.min(MOST_PARTS + 1) && position <= text.len() {
            let Some(found) = self.regex.search(&Input::new(text).range(position..).anchored(Anchored::No)) else {
                break;
            };
            // An empty match right after another does not count.
            let counts = !found.is_empty() || found.start() != position || previous_end != Some(found.start());
            position = if found.end() == position { next_rune(text, position) } else { found.end() };
            previous_end = Some(found.end());
            if counts {
                spans.push((found.start(), found.end()));
            }
        }
        spans
    }

    /// Replaces every match by what `template` expands to (`$1`, `${name}`, `$$`), as `ReplaceAllString`. Stops where the text
    /// has become longer than 256 MiB, which is then longer than that.
    pub fn replace_all(&self, text: &[u8], template: &[u8]) -> Vec<u8> {
        let mut captures = self.regex.create_captures();
        let names: Vec<Option<String>> = captures
            .group_info()
            .pattern_names(regex_automata::PatternID::ZERO)
            .map(|name| name.map(str::to_string))
            .collect();
        self.replace(text, |at, out| {
            captures.clear();
            self.regex.search_captures(&Input::new(text).range(at..), &mut captures);
            let group = |index: usize| captures.get_group(index).map(|span| &text[span.range()]);
            expand(template, &names, group, out);
        })
    }

    /// Replaces every match by `replacement` as it is, as `ReplaceAllLiteralString`; stops as [`Pattern::replace_all`] does.
    pub fn replace_all_literal(&self, text: &[u8], replacement: &[u8]) -> Vec<u8> {
        self.replace(text, |_, out| out.extend_from_slice(replacement))
    }

    /// Calls `write` for every match to be replaced, with the position from which a search finds it.
    fn replace(&self, text: &[u8], mut write: impl FnMut(usize, &mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let (mut position, mut last_end) = (0, 0);
        while position <= text.len() && out.len() <= MOST_BYTES {
            let Some(found) = self.regex.search(&Input::new(text).range(position..)) else { break };
            out.extend_from_slice(&text[last_end..found.start()]);
            // An empty match right after another is not replaced again.
            if found.end() > last_end || found.start() == 0 {
                write(position, &mut out);
            }
            last_end = found.end();
            position = if found.end() > position { found.end() } else { next_rune(text, position) };
        }
        out.extend_from_slice(&text[last_end.min(text.len())..]);
        out
    }

    /// The parts between matches, at most `limit` of them (all when negative, none when 0), as `Split`.
    pub fn split<'t>(&self, text: &'t [u8], limit: i64) -> Option<Vec<&'t [u8]>> {
        if limit == 0 {
            return None;
        }
        if !self.empty && text.is_empty() {
            return Some(vec![text]);
        }
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut begin, mut end) = (0, 0);
        let mut parts = Vec::new();
        for (start, stop) in self.spans(text, limit) {
            if parts.len() == most - 1 {
                break;
            }
            end = start;
            if stop != 0 {
                parts.push(&text[begin..end]);
            }
            begin = stop;
        }
        if end != text.len() {
            parts.push(&text[begin..]);
        }
        Some(parts)
    }
}

fn next_rune(text: &[u8], position: usize) -> usize {
    match text.get(position..) {
        Some(rest) if !rest.is_empty() => position + runes::decode(rest).1,
        _ => position + 1,
    }
}

/// Expands a template of `Regexp.Expand`.
fn expand<'t>(template: &[u8], names: &[Option<String>], group: impl Fn(usize) -> Option<&'t [u8]>, out: &mut Vec<u8>) {
    let mut rest = template;
    while let Some(dollar) = rest.iter().position(|byte| *byte == b'$')
        && out.len() <= MOST_BYTES
    {
        out.extend_from_slice(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix(b"$") {
            out.push(b'$');
            rest = after;
            continue;
        }
        let Some((name, after)) = reference(rest) else {
            out.push(b'$');
            continue;
        };
        rest = after;
        let found = match group_number(name) {
            Some(number) => group(number),
            None => names
                .iter()
                .enumerate()
                .filter(|(_, given)| given.as_deref().is_some_and(|given| given.as_bytes() == name))
                .find_map(|(index, _)| group(index)),
        };
        out.extend_from_slice(found.unwrap_or_default());
    }
    out.extend_from_slice(rest);
}

/// The name after a `$`, in braces or not, and what follows it.
fn reference(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (braced, text) = match text.strip_prefix(b"{") {
        Some(inner) => (true, inner),
        None => (false, text),
    };
    let belongs = |rune: char| rune == '_' || runes::is_letter(rune) || runes::is_digit(rune);
    let length = runes::runes(text).find(|(_, rune)| !belongs(*rune)).map_or(text.len(), |(offset, _)| offset);
    let (name, rest) = text.split_at(length);
    match (name.is_empty(), braced) {
        (true, _) => None,
        (false, true) => Some((name, rest.strip_prefix(b"}")?)),
        (false, false) => Some((name, rest)),
    }
}

/// The number of a group, unless the name is none: not all digits, a leading zero, too large.
fn group_number(name: &[u8]) -> Option<usize> {
    if name.len() > 1 && name[0] == b'0' || name.len() > 9 || !name.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(name).ok()?.parse().ok()
}

/// The text with everything escaped that means something in a pattern, as `regexp.QuoteMeta`.
pub fn quote_meta(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if br"\.+*?()|[]{}^$".contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}
