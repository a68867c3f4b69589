//! Two file name patterns that Helm charts meet: Go's `path.Match` (`.helmignore`, `--show-only`) and the glob of `.Files.Glob`.
//!
//! Both are parsed once and then matched in time linear in the name, whatever the pattern.

use regex::Regex;
use thiserror::Error;

/// Why a `PathPattern` cannot be read. The text is Go's `path.ErrBadPattern`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// A pattern as Go's `path.Match` has it: `*` and `?` stop at `/`, `[a-z]` and `[^a-z]` are classes, `\` escapes.
#[derive(Debug, Clone)]
pub(crate) struct PathPattern {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Char(char),
    AnyChar,
    Class { negated: bool, ranges: Vec<(char, char)> },
    Star,
}

impl Part {
    fn matches(&self, c: char) -> bool {
        match self {
            Part::Char(expected) => *expected == c,
            Part::AnyChar => c != '/',
            Part::Class { negated, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated,
            Part::Star => false,
        }
    }
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`BadPattern`] for an unclosed or empty class, a class that begins with `-` or ends a range with `]`, and a trailing `\`.
    pub(crate) fn parse(pattern: &str) -> Result<PathPattern, BadPattern> {
        let mut parts = Vec::new();
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            parts.push(match c {
                '*' => Part::Star,
                '?' => Part::AnyChar,
                '\\' => Part::Char(chars.next().ok_or(BadPattern)?),
                '[' => {
                    let negated = chars.next_if_eq(&'^').is_some();
                    let mut ranges = Vec::new();
                    loop {
                        if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
                            break;
                        }
                        let low = class_char(&mut chars)?;
                        let high = if chars.next_if_eq(&'-').is_some() { class_char(&mut chars)? } else { low };
                        ranges.push((low, high));
                    }
                    Part::Class { negated, ranges }
                }
                other => Part::Char(other),
            });
        }
        Ok(PathPattern { parts })
    }

    /// Whether the whole of `name` matches.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut part, mut at) = (0, 0);
        // Where the last star stands and how far it reaches: going back to an earlier star can never help, since no star crosses a `/`.
        let mut star: Option<(usize, usize)> = None;
        loop {
            match self.parts.get(part) {
                Some(Part::Star) => {
                    star = Some((part, at));
                    part += 1;
                    continue;
                }
                Some(single) if name.get(at).is_some_and(|c| single.matches(*c)) => {
                    part += 1;
                    at += 1;
                    continue;
                }
                None if at == name.len() => return true,
                _ => {}
            }
            match star {
                Some((star_part, reach)) if reach < name.len() && name[reach] != '/' => {
                    star = Some((star_part, reach + 1));
                    part = star_part + 1;
                    at = reach + 1;
                }
                _ => return false,
            }
        }
    }
}

/// One end of a range in a class, as Go's `getEsc`.
fn class_char(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<char, BadPattern> {
    let c = match chars.next() {
        None | Some('-' | ']') => return Err(BadPattern),
        Some('\\') => chars.next().ok_or(BadPattern)?,
        Some(c) => c,
    };
    // A class must still be closed after this character.
    if chars.peek().is_none() { Err(BadPattern) } else { Ok(c) }
}

/// The glob of `.Files.Glob` (Go's gobwas/glob with `/` as separator): `*` and `?` stop at `/`, `**` does not, `[abc]`, `[!a-z]`,
/// `{one,two}`. A pattern that cannot be read matches everything, as in Helm.
#[derive(Debug, Clone)]
pub(crate) struct FileGlob {
    regex: Option<Regex>,
}

impl FileGlob {
    pub(crate) fn new(pattern: &str) -> FileGlob {
        FileGlob { regex: translate(pattern).and_then(|text| Regex::new(&text).ok()) }
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        self.regex.as_ref().is_none_or(|regex| regex.is_match(name))
    }
}

/// The glob as a regular expression; none when the glob is malformed.
fn translate(pattern: &str) -> Option<String> {
    let mut out = String::from("^(?s:");
    let mut open = 0_usize;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => out.push_str(".*"),
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '{' => {
                open += 1;
                out.push_str("(?:");
            }
            ',' if open > 0 => out.push('|'),
            '}' if open > 0 => {
                open -= 1;
                out.push(')');
            }
            '[' => out.push_str(&translate_class(&mut chars)?),
            '\\' => {
                if let Some(escaped) = chars.next() {
                    out.push_str(&regex::escape(&escaped.to_string()));
                }
            }
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    // An alternative left open is closed by the end of the pattern.
    out.extend(std::iter::repeat_n(')', open));
    out.push_str(")$");
    Some(out)
}

/// A class after its `[`: either one range or a list of characters, never both.
fn translate_class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let negated = chars.next_if_eq(&'!').is_some();
    let first = chars.next()?;
    let mut members = String::new();
    if chars.next_if_eq(&'-').is_some() {
        let high = chars.next()?;
        if high < first || chars.next() != Some(']') {
            return None;
        }
        members = format!("{}-{}", regex::escape(&first.to_string()), regex::escape(&high.to_string()));
    } else {
        let mut next = Some(first);
        loop {
            match next? {
                ']' => break,
                '\\' => members.push_str(&regex::escape(&chars.next()?.to_string())),
                c => members.push_str(&regex::escape(&c.to_string())),
            }
            next = chars.next();
        }
        if members.is_empty() {
            return None;
        }
    }
    Some(format!("[{}{members}]", if negated { "^" } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(pattern: &str, name: &str) -> Result<bool, BadPattern> {
        PathPattern::parse(pattern).map(|pattern| pattern.matches(name))
    }

    #[test]
    fn path_patterns_match_as_in_go() {
        // Recorded from Go 1.25's path.Match.
        for (pattern, name, expected) in [
            ("abc", "abc", Ok(true)),
            ("*", "abc", Ok(true)),
            ("*c", "abc", Ok(true)),
            ("a*", "a", Ok(true)),
            ("a*", "ab/c", Ok(false)),
            ("a*/b", "abc/b", Ok(true)),
            ("a*/b", "a/c/b", Ok(false)),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", Ok(true)),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", Ok(false)),
            ("a*b?c*x", "abxbbxdbxebxczzx", Ok(true)),
            ("ab[c]", "abc", Ok(true)),
            ("ab[b-d]", "abc", Ok(true)),
            ("ab[^c]", "abc", Ok(false)),
            ("ab[^e-g]", "abc", Ok(true)),
            ("a\\*b", "a*b", Ok(true)),
            ("a?b", "a☺b", Ok(true)),
            ("a[^a]b", "a☺b", Ok(true)),
            ("a?b", "a/b", Ok(false)),
            ("[\\]a]", "]", Ok(true)),
            ("[\\-x]", "-", Ok(true)),
            ("[]a]", "]", Err(BadPattern)),
            ("[-]", "-", Err(BadPattern)),
            ("[a-]", "a", Err(BadPattern)),
            ("[", "a", Err(BadPattern)),
            ("[^", "a", Err(BadPattern)),
            ("a[", "ab", Err(BadPattern)),
            ("a\\", "a", Err(BadPattern)),
            ("*x", "xxx", Ok(true)),
            ("", "", Ok(true)),
            ("templates/.?*", "templates/.hidden", Ok(true)),
            ("templates/.?*", "templates/.", Ok(false)),
        ] {
            assert_eq!(path(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn globs_match_as_in_helm() {
        for (pattern, name, expected) in [
            ("*.txt", "a.txt", true),
            ("*.txt", "d/a.txt", false),
            ("**.txt", "d/a.txt", true),
            ("d/*", "d/a", true),
            ("d/**", "d/e/a", true),
            ("{a,b}.txt", "b.txt", true),
            ("{a,b{1,2}}.txt", "b2.txt", true),
            ("[ab].txt", "b.txt", true),
            ("[!ab].txt", "b.txt", false),
            ("[a-c].txt", "c.txt", true),
            ("?.txt", "/.txt", false),
            ("\\*.txt", "*.txt", true),
            ("[", "anything/at/all", true),
            ("a.c", "abc", false),
        ] {
            assert_eq!(FileGlob::new(pattern).matches(name), expected, "{pattern} {name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_pattern_meets_any_name(pattern in "[a*?\\[\\]^!{},/\\\\-]{0,12}", name in "[a*?\\[/-]{0,12}") {
            let _ = path(&pattern, &name);
            let _ = FileGlob::new(&pattern).matches(&name);
        }
    }
}
