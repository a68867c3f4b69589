//! The parser, after the grammar of Go's `regexp/syntax` with Perl's additions.

use std::collections::HashSet;

use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Dot, Hir, Look, Repetition};

use super::{PatternError, class};

/// Levels of nesting that Go accepts.
const MAX_HEIGHT: u32 = if cfg!(target_family = "wasm") { 100 } else { 1000 };
/// Largest count in `{…}`, also multiplied over nested ones.
const MAX_REPEAT: u32 = 1000;

const INVALID_CHAR_RANGE: &str = "invalid character class range";
const INVALID_ESCAPE: &str = "invalid escape sequence";
const INVALID_NAMED_CAPTURE: &str = "invalid named capture";
const INVALID_PERL: &str = "invalid or unsupported Perl syntax";
const NESTED_REPEAT: &str = "invalid nested repetition operator";
const INVALID_REPEAT_SIZE: &str = "invalid repeat count";
const MISSING_BRACKET: &str = "missing closing ]";
const MISSING_PAREN: &str = "missing closing )";
const MISSING_ARGUMENT: &str = "missing argument to repetition operator";
const TRAILING_BACKSLASH: &str = "trailing backslash at end of expression";
const UNEXPECTED_PAREN: &str = "unexpected )";
const TOO_DEEP: &str = "expression nests too deeply";

fn error<T>(code: &'static str, expression: &str) -> Result<T, PatternError> {
    Err(PatternError { code, expression: expression.to_string() })
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_matches_newline: bool,
    lazy: bool,
}

/// A part of the expression, with what Go bounds about it.
struct Part {
    hir: Hir,
    height: u32,
    /// Product of the counts of nested repetitions.
    repeats: u32,
}

impl Part {
    fn leaf(hir: Hir) -> Part {
        Part { hir, height: 1, repeats: 1 }
    }

    /// Several parts as one; a single one stays itself.
    fn join(mut parts: Vec<Part>, join: impl FnOnce(Vec<Hir>) -> Hir) -> Part {
        if parts.len() == 1
            && let Some(part) = parts.pop()
        {
            return part;
        }
        let height = 1 + parts.iter().map(|part| part.height).max().unwrap_or(0);
        let repeats = parts.iter().map(|part| part.repeats).max().unwrap_or(1);
        Part { hir: join(parts.into_iter().map(|part| part.hir).collect()), height, repeats }
    }
}

/// A group that is open, or the whole expression.
struct Group {
    /// Those in force outside.
    flags: Flags,
    /// Number and name, if it captures.
    capture: Option<(u32, Option<Box<str>>)>,
    alternatives: Vec<Part>,
    sequence: Vec<Part>,
}

impl Group {
    fn new(flags: Flags, capture: Option<(u32, Option<Box<str>>)>) -> Group {
        Group { flags, capture, alternatives: Vec::new(), sequence: Vec::new() }
    }

    fn end_alternative(&mut self) {
        self.alternatives.push(Part::join(std::mem::take(&mut self.sequence), Hir::concat));
    }

    fn close(mut self) -> Part {
        self.end_alternative();
        let part = Part::join(self.alternatives, Hir::alternation);
        match self.capture {
            None => part,
            Some((index, name)) => Part {
                hir: Hir::capture(Capture { index, name, sub: Box::new(part.hir) }),
                height: part.height + 1,
                repeats: part.repeats,
            },
        }
    }
}

struct Parser<'p> {
    pattern: &'p str,
    rest: &'p str,
    flags: Flags,
    outer: Vec<Group>,
    group: Group,
    captures: u32,
    names: HashSet<&'p str>,
}

/// Parses a pattern.
///
/// # Errors
/// [`PatternError`] with Go's code and the part of the pattern that it names.
pub(super) fn parse(pattern: &str) -> Result<Hir, PatternError> {
    let mut parser = Parser {
        pattern,
        rest: pattern,
        flags: Flags::default(),
        outer: Vec::new(),
        group: Group::new(Flags::default(), None),
        captures: 0,
        names: HashSet::new(),
    };
    parser.run()
}

impl<'p> Parser<'p> {
    fn run(&mut self) -> Result<Hir, PatternError> {
        // The text from the last operator on, if a repetition was what came before.
        let mut last_repeat: Option<&'p str> = None;
        while let Some(next) = self.rest.chars().next() {
            let mut repeat = None;
            match next {
                '(' if self.rest[1..].starts_with('?') => self.perl_group()?,
                '(' => {
                    self.rest = &self.rest[1..];
                    self.open_capture(None);
                }
                '|' => {
                    self.rest = &self.rest[1..];
                    self.group.end_alternative();
                }
                ')' => {
                    self.rest = &self.rest[1..];
                    self.close()?;
                }
                '^' => self.look(1, if self.flags.multi_line { Look::StartLF } else { Look::Start })?,
                '$' => self.look(1, if self.flags.multi_line { Look::EndLF } else { Look::End })?,
                '.' => {
                    self.rest = &self.rest[1..];
                    let dot = if self.flags.dot_matches_newline { Dot::AnyChar } else { Dot::AnyCharExceptLF };
                    self.push(Part::leaf(Hir::dot(dot)))?;
                }
                '[' => self.class()?,
                '*' | '+' | '?' => {
                    let before = self.rest;
                    self.rest = &self.rest[1..];
                    let (min, max) = match next {
                        '*' => (0, None),
                        '+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(before, min, max, Counted::No, last_repeat)?;
                    repeat = Some(before);
                }
                '{' => match counts(self.rest) {
                    None => {
                        self.rest = &self.rest[1..];
                        self.literal('{')?;
                    }
                    Some((min, max, after)) => {
                        let before = self.rest;
                        let too_large = |count: Option<u32>| count.is_none_or(|count| count > MAX_REPEAT);
                        if too_large(min) || max.is_some_and(|max| too_large(max) || max < min) {
                            return error(INVALID_REPEAT_SIZE, &before[..before.len() - after.len()]);
                        }
                        self.rest = after;
                        self.repeat(before, min.unwrap_or(0), max.flatten(), Counted::Yes, last_repeat)?;
                        repeat = Some(before);
                    }
                },
                '\\' => self.escape()?,
                literal => {
                    self.rest = &self.rest[literal.len_utf8()..];
                    self.literal(literal)?;
                }
            }
            last_repeat = repeat;
        }
        if !self.outer.is_empty() {
            return error(MISSING_PAREN, self.pattern);
        }
        let whole = std::mem::replace(&mut self.group, Group::new(Flags::default(), None)).close();
        self.bounded(whole).map(|part| part.hir)
    }

    fn bounded(&self, part: Part) -> Result<Part, PatternError> {
        if part.height > MAX_HEIGHT { error(TOO_DEEP, self.pattern) } else { Ok(part) }
    }

    fn push(&mut self, part: Part) -> Result<(), PatternError> {
        let part = self.bounded(part)?;
        self.group.sequence.push(part);
        Ok(())
    }

    fn look(&mut self, width: usize, look: Look) -> Result<(), PatternError> {
        self.rest = &self.rest[width..];
        self.push(Part::leaf(Hir::look(look)))
    }

    fn literal(&mut self, literal: char) -> Result<(), PatternError> {
        if self.flags.fold_case {
            return self.push_class(class::ranges(&[(literal, literal)]));
        }
        self.push(Part::leaf(Hir::literal(literal.encode_utf8(&mut [0; 4]).as_bytes())))
    }

    /// A class, with the other cases of its members if case does not count.
    fn push_class(&mut self, mut class: ClassUnicode) -> Result<(), PatternError> {
        if self.flags.fold_case {
            class.case_fold_simple();
        }
        self.push(Part::leaf(Hir::class(Class::Unicode(class))))
    }

    fn open_capture(&mut self, name: Option<&str>) {
        self.captures += 1;
        let group = Group::new(self.flags, Some((self.captures, name.map(Box::from))));
        self.outer.push(std::mem::replace(&mut self.group, group));
    }

    fn close(&mut self) -> Result<(), PatternError> {
        let Some(outer) = self.outer.pop() else {
            return error(UNEXPECTED_PAREN, self.pattern);
        };
        let group = std::mem::replace(&mut self.group, outer);
        self.flags = group.flags;
        self.push(group.close())
    }

    fn repeat(
        &mut self,
        before: &'p str,
        min: u32,
        max: Option<u32>,
        counted: Counted,
        last_repeat: Option<&'p str>,
    ) -> Result<(), PatternError> {
        let mut lazy = self.flags.lazy;
        if let Some(after) = self.rest.strip_prefix('?') {
            self.rest = after;
            lazy = !lazy;
        }
        if let Some(last) = last_repeat {
            return error(NESTED_REPEAT, &last[..last.len() - self.rest.len()]);
        }
        let operator = &before[..before.len() - self.rest.len()];
        let Some(part) = self.group.sequence.pop() else {
            return error(MISSING_ARGUMENT, operator);
        };
        let repeats = match counted {
            Counted::No => part.repeats,
            // Go does not look below a count of 0.
            Counted::Yes if max == Some(0) || (max.is_none() && min == 0) => 1,
            Counted::Yes => max.unwrap_or(min).saturating_mul(part.repeats),
        };
        if counted == Counted::Yes && (min >= 2 || max.is_some_and(|max| max >= 2)) && repeats > MAX_REPEAT {
            return error(INVALID_REPEAT_SIZE, operator);
        }
        let hir = Hir::repetition(Repetition { min, max, greedy: !lazy, sub: Box::new(part.hir) });
        self.push(Part { hir, height: part.height + 1, repeats })
    }

    /// `(?flags)`, `(?flags:`, `(?P<name>` and `(?<name>`.
    fn perl_group(&mut self) -> Result<(), PatternError> {
        let start = self.rest;
        let name_start = if start.starts_with("(?P<") && start.len() > 4 {
            Some(4)
        } else if start.starts_with("(?<") && start.len() > 3 {
            Some(3)
        } else {
            None
        };
        if let Some(name_start) = name_start {
            let Some(end) = start.find('>') else {
                return error(INVALID_NAMED_CAPTURE, start);
            };
            let name = &start[name_start.min(end)..end];
            let valid = !name.is_empty() && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
            if !valid {
                return error(INVALID_NAMED_CAPTURE, &start[..=end]);
            }
            self.rest = &start[end + 1..];
            // The engine below wants every name once; Go takes the first group of a name that matched.
            let first = self.names.insert(name);
            self.open_capture(first.then_some(name));
            return Ok(());
        }
        let mut flags = self.flags;
        let mut on = true;
        let mut seen = false;
        let mut rest = &start[2..];
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            let flag = match letter {
                'i' => &mut flags.fold_case,
                'm' => &mut flags.multi_line,
                's' => &mut flags.dot_matches_newline,
                'U' => &mut flags.lazy,
                '-' if on => {
                    on = false;
                    seen = false;
                    continue;
                }
                ':' | ')' if on || seen => {
                    self.rest = rest;
                    if letter == ':' {
                        let group = Group::new(self.flags, None);
                        self.outer.push(std::mem::replace(&mut self.group, group));
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => return error(INVALID_PERL, &start[..start.len() - rest.len()]),
            };
            *flag = on;
            seen = true;
        }
        error(INVALID_PERL, start)
    }

    fn escape(&mut self) -> Result<(), PatternError> {
        match self.rest[1..].chars().next() {
            Some('A') => return self.look(2, Look::Start),
            Some('b') => return self.look(2, Look::WordAscii),
            Some('B') => return self.look(2, Look::WordAsciiNegate),
            Some('z') => return self.look(2, Look::End),
            Some('C') => return error(INVALID_ESCAPE, &self.rest[..2]),
            Some('Q') => {
                let quoted = &self.rest[2..];
                let (literals, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                self.rest = after;
                return literals.chars().try_for_each(|literal| self.literal(literal));
            }
            _ => {}
        }
        let mut rest = self.rest;
        if let Some((mut class, negated)) = named_class(&mut rest)? {
            self.rest = rest;
            if self.flags.fold_case {
                class.case_fold_simple();
            }
            if negated {
                class.negate();
            }
            return self.push(Part::leaf(Hir::class(Class::Unicode(class))));
        }
        let literal = escaped(&mut rest)?;
        self.rest = rest;
        self.literal(literal)
    }

    /// `[…]`, in which `&&`, `--` and an unclosed `[` are nothing special.
    fn class(&mut self) -> Result<(), PatternError> {
        let whole = self.rest;
        let mut rest = &whole[1..];
        let negated = rest.starts_with('^');
        if negated {
            rest = &rest[1..];
        }
        let mut class = ClassUnicode::empty();
        let mut first = true;
        while first || !rest.starts_with(']') {
            first = false;
            let member = match posix_class(&mut rest)? {
                Some(member) => Some(member),
                None => named_class(&mut rest)?,
            };
            if let Some((mut members, negated)) = member {
                if self.flags.fold_case {
                    members.case_fold_simple();
                }
                if negated {
                    members.negate();
                }
                class.union(&members);
                continue;
            }
            let start = rest;
            let low = class_char(&mut rest, whole)?;
            let mut high = low;
            let bytes = rest.as_bytes();
            if bytes.len() >= 2 && bytes[0] == b'-' && bytes[1] != b']' {
                rest = &rest[1..];
                high = class_char(&mut rest, whole)?;
                if high < low {
                    return error(INVALID_CHAR_RANGE, &start[..start.len() - rest.len()]);
                }
            }
            let mut members = ClassUnicode::new([ClassUnicodeRange::new(low, high)]);
            if self.flags.fold_case {
                members.case_fold_simple();
            }
            class.union(&members);
        }
        self.rest = &rest[1..];
        if negated {
            class.negate();
        }
        self.push(Part::leaf(Hir::class(Class::Unicode(class))))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Yes,
    No,
}

/// A count too large to be kept is `None`.
type Count = Option<u32>;

/// `{n}`, `{n,}` (the maximum is `None`) or `{n,m}`, and what follows; anything else is no repetition.
fn counts(text: &str) -> Option<(Count, Option<Count>, &str)> {
    let rest = text.strip_prefix('{')?;
    let (min, rest) = count(rest)?;
    if let Some(after) = rest.strip_prefix('}') {
        return Some((min, Some(min), after));
    }
    let rest = rest.strip_prefix(',')?;
    if let Some(after) = rest.strip_prefix('}') {
        return Some((min, None, after));
    }
    let (max, rest) = count(rest)?;
    Some((min, Some(max), rest.strip_prefix('}')?))
}

fn count(text: &str) -> Option<(Count, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(length);
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().ok().filter(|count| *count < 1_000_000_000), rest))
}

/// `[:alpha:]` or `[:^alpha:]` at the start of the text.
fn posix_class(rest: &mut &str) -> Result<Option<(ClassUnicode, bool)>, PatternError> {
    let Some(inner) = rest.strip_prefix("[:") else { return Ok(None) };
    let Some(length) = inner.find(":]") else { return Ok(None) };
    let (name, negated) = match inner[..length].strip_prefix('^') {
        Some(name) => (name, true),
        None => (&inner[..length], false),
    };
    match class::posix(name) {
        Some(class) => {
            *rest = &inner[length + 2..];
            Ok(Some((class, negated)))
        }
        None => error(INVALID_CHAR_RANGE, &rest[..length + 4]),
    }
}

/// `\pL`, `\p{Greek}`, `\d` and their like at the start of the text.
fn named_class(rest: &mut &str) -> Result<Option<(ClassUnicode, bool)>, PatternError> {
    let start = *rest;
    let mut letters = start.chars();
    let (Some('\\'), Some(letter)) = (letters.next(), letters.next()) else { return Ok(None) };
    if let Some(found) = class::perl(letter) {
        *rest = letters.as_str();
        return Ok(Some(found));
    }
    if !matches!(letter, 'p' | 'P') {
        return Ok(None);
    }
    let Some(first) = letters.next() else {
        // Go reads on past the end here, and takes what it gets for the replacement character.
        return error(INVALID_CHAR_RANGE, start);
    };
    let end = match (first, start.find('}')) {
        ('{', Some(end)) => end + 1,
        ('{', None) => return error(INVALID_CHAR_RANGE, start),
        _ => start.len() - letters.as_str().len(),
    };
    let sequence = &start[..end];
    let name = if first == '{' { &start[3..end - 1] } else { &start[2..end] };
    let (name, inverted) = match name.strip_prefix('^') {
        Some(name) => (name, true),
        None => (name, false),
    };
    match class::unicode(name) {
        Some(class) => {
            *rest = &start[end..];
            Ok(Some((class, (letter == 'P') != inverted)))
        }
        None => error(INVALID_CHAR_RANGE, sequence),
    }
}

fn class_char(rest: &mut &str, whole: &str) -> Result<char, PatternError> {
    match rest.chars().next() {
        None => error(MISSING_BRACKET, whole),
        Some('\\') => escaped(rest),
        Some(literal) => {
            *rest = &rest[literal.len_utf8()..];
            Ok(literal)
        }
    }
}

/// A single character after a backslash, as `parseEscape`.
fn escaped(rest: &mut &str) -> Result<char, PatternError> {
    let start = *rest;
    let mut letters = start[1..].chars();
    let Some(letter) = letters.next() else {
        return error(TRAILING_BACKSLASH, "");
    };
    let found = match letter {
        'a' => Some('\x07'),
        'f' => Some('\x0c'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\x0b'),
        '0'..='7' => {
            let is_octal = |letter: &char| ('0'..='7').contains(letter);
            let follows = letters.clone().next().filter(is_octal).is_some();
            // A single digit other than 0 would be a reference to a group.
            if letter != '0' && !follows {
                None
            } else {
                let mut code = letter.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = letters.clone().next().and_then(|letter| letter.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    letters.next();
                }
                char::from_u32(code)
            }
        }
        'x' => hexadecimal(&mut letters),
        letter if letter.is_ascii() && !letter.is_ascii_alphanumeric() => Some(letter),
        _ => None,
    };
    let after = letters.as_str();
    match found {
        Some(found) => {
            *rest = after;
            Ok(found)
        }
        None => error(INVALID_ESCAPE, &start[..start.len() - after.len()]),
    }
}

fn hexadecimal(letters: &mut std::str::Chars<'_>) -> Option<char> {
    let first = letters.next()?;
    if first != '{' {
        let high = first.to_digit(16);
        let low = letters.next()?.to_digit(16);
        return char::from_u32(high? * 16 + low?);
    }
    let mut code: u32 = 0;
    let mut digits = 0;
    loop {
        match letters.next()? {
            '}' if digits > 0 => return char::from_u32(code),
            letter => {
                code = code * 16 + letter.to_digit(16)?;
                digits += 1;
                if code > 0x10_FFFF {
                    return None;
                }
            }
        }
    }
}
