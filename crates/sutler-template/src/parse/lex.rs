//! Splits a template into tokens: texts and, between `{{` and `}}`, words. White space is trimmed here: the parser
//! never sees the `-` of `{{- ` and ` -}}`.
//!
//! Byte positions and lines are those of Go's lexer, since error messages show them.

use std::borrow::Cow;
use std::sync::Arc;

use bstr::ByteSlice;

use crate::unicode;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Error,
    Bool,
    /// Printable ASCII that means nothing to the lexer: a comma, above all.
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelimiter,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelimiter,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Token {
    /// The keyword spelled `word`.
    fn keyword(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"block" => Token::Block,
            b"break" => Token::Break,
            b"continue" => Token::Continue,
            b"define" => Token::Define,
            b"else" => Token::Else,
            b"end" => Token::End,
            b"if" => Token::If,
            b"nil" => Token::Nil,
            b"range" => Token::Range,
            b"template" => Token::Template,
            b"with" => Token::With,
            _ => return None,
        })
    }

    fn is_keyword(self) -> bool {
        matches!(
            self,
            Token::Block
                | Token::Break
                | Token::Continue
                | Token::Dot
                | Token::Define
                | Token::Else
                | Token::End
                | Token::If
                | Token::Nil
                | Token::Range
                | Token::Template
                | Token::With
        )
    }
}

/// A token with its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'t> {
    pub(crate) token: Token,
    /// Offset in bytes.
    pub(crate) pos: usize,
    /// The text of the token. Of [`Token::Error`] there is none, but [`Lexer::message`].
    pub(crate) text: &'t [u8],
    /// From 1; 0 before anything was read.
    pub(crate) line: usize,
}

impl Item<'_> {
    /// Before the first token.
    pub(crate) const NONE: Self = Self { token: Token::Eof, pos: 0, text: b"", line: 0 };

    /// As error messages show it: quoted, cut off after 10 characters.
    pub(crate) fn describe(&self) -> String {
        match self.token {
            Token::Eof => "EOF".to_owned(),
            token if token.is_keyword() => format!("<{}>", self.text.as_bstr()),
            _ if self.text.len() > 10 => format!("{}...", unicode::quoted(unicode::truncate(self.text, 10))),
            _ => unicode::quoted(self.text),
        }
    }
}

/// Which words are keywords, which depends on the functions there are.
#[derive(Clone, Copy)]
pub(crate) struct Keywords {
    pub(crate) r#break: bool,
    pub(crate) r#continue: bool,
}

/// The two markers of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delimiters {
    pub(crate) left: Arc<[u8]>,
    pub(crate) right: Arc<[u8]>,
}

impl Default for Delimiters {
    fn default() -> Self {
        Self { left: Arc::from(&b"{{"[..]), right: Arc::from(&b"}}"[..]) }
    }
}

const LEFT_COMMENT: &[u8] = b"/*";
const RIGHT_COMMENT: &[u8] = b"*/";
/// Length of a trim marker: the minus and the space beside it.
const TRIM_MARKER: usize = 2;

/// The state of the lexer.
pub(crate) struct Lexer<'t> {
    input: &'t [u8],
    delimiters: &'t Delimiters,
    keywords: Keywords,
    pos: usize,
    /// Where the current token starts.
    start: usize,
    line: usize,
    start_line: usize,
    paren_depth: usize,
    inside_action: bool,
    message: Cow<'static, str>,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(input: &'t [u8], delimiters: &'t Delimiters, keywords: Keywords) -> Self {
        Self {
            input,
            delimiters,
            keywords,
            pos: 0,
            start: 0,
            line: 1,
            start_line: 1,
            paren_depth: 0,
            inside_action: false,
            message: Cow::Borrowed(""),
        }
    }

    /// What is wrong, after a [`Token::Error`].
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The next token. After an error the input counts as read.
    pub(crate) fn next_item(&mut self) -> Item<'t> {
        if self.inside_action { self.inside_action() } else { self.text() }
    }

    fn rest(&self) -> &'t [u8] {
        &self.input[self.pos..]
    }

    fn peek(&self) -> Option<char> {
        (self.pos < self.input.len()).then(|| unicode::decode(self.rest()).0)
    }

    fn next(&mut self) -> Option<char> {
        if self.pos >= self.input.len() {
            return None;
        }
        let (c, len) = unicode::decode(self.rest());
        self.pos += len;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn emit(&mut self, token: Token) -> Item<'t> {
        let text = &self.input[self.start..self.pos];
        let item = Item { token, pos: self.start, text, line: self.start_line };
        self.start = self.pos;
        self.start_line = self.line;
        item
    }

    /// Skips what was passed over without [`next`](Self::next).
    fn ignore(&mut self) {
        self.count_lines();
        self.start = self.pos;
        self.start_line = self.line;
    }

    fn count_lines(&mut self) {
        self.line += self.input[self.start..self.pos].iter().filter(|byte| **byte == b'\n').count();
    }

    fn accept(&mut self, valid: &[u8]) -> bool {
        let accepted = self.rest().first().is_some_and(|byte| valid.contains(byte));
        self.pos += usize::from(accepted);
        accepted
    }

    fn accept_run(&mut self, valid: &[u8]) {
        while self.accept(valid) {}
    }

    fn error(&mut self, message: impl Into<Cow<'static, str>>) -> Item<'t> {
        self.message = message.into();
        let item = Item { token: Token::Error, pos: self.start, text: b"", line: self.start_line };
        self.start = 0;
        self.pos = 0;
        self.input = b"";
        item
    }

    /// Text up to the next action.
    fn text(&mut self) -> Item<'t> {
        loop {
            let Some(offset) = find(self.rest(), &self.delimiters.left) else {
                self.pos = self.input.len();
                if self.pos > self.start {
                    self.count_lines();
                    return self.emit(Token::Text);
                }
                return Item { text: b"EOF", ..self.emit(Token::Eof) };
            };
            if offset > 0 {
                self.pos += offset;
                let after = &self.input[self.pos + self.delimiters.left.len()..];
                let trimmed = if has_left_trim_marker(after) {
                    let text = &self.input[self.start..self.pos];
                    text.len() - text.trim_end_with(is_space).len()
                } else {
                    0
                };
                self.pos -= trimmed;
                self.count_lines();
                let item = self.emit(Token::Text);
                self.pos += trimmed;
                self.ignore();
                if !item.text.is_empty() {
                    return item;
                }
            }
            if let Some(item) = self.left_delimiter() {
                return item;
            }
        }
    }

    /// The left delimiter, known to be here; `None` after a comment.
    fn left_delimiter(&mut self) -> Option<Item<'t>> {
        self.pos += self.delimiters.left.len();
        let marker = if has_left_trim_marker(self.rest()) { TRIM_MARKER } else { 0 };
        if self.rest()[marker..].starts_with(LEFT_COMMENT) {
            self.pos += marker;
            self.ignore();
            return self.comment();
        }
        let item = self.emit(Token::LeftDelimiter);
        self.inside_action = true;
        self.pos += marker;
        self.ignore();
        self.paren_depth = 0;
        Some(item)
    }

    /// A comment, whose left marker is known to be here.
    fn comment(&mut self) -> Option<Item<'t>> {
        self.pos += LEFT_COMMENT.len();
        let Some(offset) = find(self.rest(), RIGHT_COMMENT) else { return Some(self.error("unclosed comment")) };
        self.pos += offset + RIGHT_COMMENT.len();
        let (at_delimiter, trim) = self.at_right_delimiter();
        if !at_delimiter {
            return Some(self.error("comment ends before closing delimiter"));
        }
        self.count_lines();
        self.emit(Token::Text);
        if trim {
            self.pos += TRIM_MARKER;
        }
        self.pos += self.delimiters.right.len();
        if trim {
            self.pos += left_trim_length(self.rest());
        }
        self.ignore();
        None
    }

    /// Whether the right delimiter is here, and whether a trim marker precedes it.
    #[inline]
    fn at_right_delimiter(&self) -> (bool, bool) {
        let rest = self.rest();
        // Asked at every token, and seldom true.
        match rest.first() {
            Some(b' ' | b'\t' | b'\r' | b'\n') => {}
            first if first == self.delimiters.right.first() => {}
            _ => return (false, false),
        }
        if has_right_trim_marker(rest) && rest[TRIM_MARKER..].starts_with(&self.delimiters.right) {
            return (true, true);
        }
        (rest.starts_with(&self.delimiters.right), false)
    }

    fn right_delimiter(&mut self) -> Item<'t> {
        let (_, trim) = self.at_right_delimiter();
        if trim {
            self.pos += TRIM_MARKER;
            self.ignore();
        }
        self.pos += self.delimiters.right.len();
        let item = self.emit(Token::RightDelimiter);
        if trim {
            self.pos += left_trim_length(self.rest());
            self.ignore();
        }
        self.inside_action = false;
        item
    }

    fn inside_action(&mut self) -> Item<'t> {
        if self.at_right_delimiter().0 {
            if self.paren_depth == 0 {
                return self.right_delimiter();
            }
            return self.error("unclosed left paren");
        }
        match self.rest().first() {
            Some(b' ' | b'\t' | b'\r' | b'\n') => return self.space(),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => return self.identifier(),
            _ => {}
        }
        let Some(c) = self.peek() else { return self.error("unclosed action") };
        if c.is_ascii_digit() || c == '+' || c == '-' {
            return self.number();
        }
        if is_alphanumeric(c) {
            return self.identifier();
        }
        self.next();
        match c {
            '=' => self.emit(Token::Assign),
            ':' => {
                if self.next() != Some('=') {
                    return self.error("expected :=");
                }
                self.emit(Token::Declare)
            }
            '|' => self.emit(Token::Pipe),
            '"' => self.quoted(b'"'),
            '`' => self.raw_string(),
            '$' => {
                if self.at_terminator() {
                    return self.emit(Token::Variable);
                }
                self.field_or_variable(Token::Variable)
            }
            '\'' => self.quoted(b'\''),
            '.' => match self.rest().first() {
                Some(byte) if !byte.is_ascii_digit() => self.field_or_variable(Token::Field),
                _ => {
                    self.pos -= 1;
                    self.number()
                }
            },
            '(' => {
                self.paren_depth += 1;
                self.emit(Token::LeftParen)
            }
            ')' => {
                if self.paren_depth == 0 {
                    return self.error("unexpected right paren");
                }
                self.paren_depth -= 1;
                self.emit(Token::RightParen)
            }
            _ if c.is_ascii() && unicode::is_print(c) => self.emit(Token::Char),
            _ => self.error(format!("unrecognized character in action: {}", code_point(c))),
        }
    }

    /// White space, of which at least one character is here; leaves the one that belongs to a trim marker.
    fn space(&mut self) -> Item<'t> {
        let start = self.pos;
        while let Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) = self.rest().first() {
            self.line += usize::from(*byte == b'\n');
            self.pos += 1;
        }
        let count = self.pos - start;
        let last = &self.input[self.pos - 1..];
        if has_right_trim_marker(last) && last[TRIM_MARKER..].starts_with(&self.delimiters.right) {
            self.pos -= 1;
            if last[0] == b'\n' {
                self.line -= 1;
            }
            if count == 1 {
                return self.right_delimiter();
            }
        }
        self.emit(Token::Space)
    }

    fn identifier(&mut self) -> Item<'t> {
        let next = self.skip_alphanumeric();
        if !self.at_terminator() {
            return self.bad_character(next);
        }
        let word = &self.input[self.start..self.pos];
        let token = match (Token::keyword(word), word) {
            (Some(Token::Break), _) if !self.keywords.r#break => Token::Identifier,
            (Some(Token::Continue), _) if !self.keywords.r#continue => Token::Identifier,
            (Some(keyword), _) => keyword,
            (None, b"true" | b"false") => Token::Bool,
            (None, _) => Token::Identifier,
        };
        self.emit(token)
    }

    /// A field or variable, whose `.` or `$` has been read.
    fn field_or_variable(&mut self, token: Token) -> Item<'t> {
        if self.at_terminator() {
            return self.emit(if token == Token::Field { Token::Dot } else { token });
        }
        let next = self.skip_alphanumeric();
        if !self.at_terminator() {
            return self.bad_character(next);
        }
        self.emit(token)
    }

    fn skip_alphanumeric(&mut self) -> Option<char> {
        loop {
            let rest = self.rest();
            let plain = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
            self.pos += plain.unwrap_or(rest.len());
            if let Some(c @ (b' ' | b'.' | b')' | b'}' | b'|')) = self.rest().first() {
                return Some(char::from(*c));
            }
            match self.peek() {
                Some(c) if is_alphanumeric(c) => self.next(),
                other => return other,
            };
        }
    }

    fn bad_character(&mut self, c: Option<char>) -> Item<'t> {
        // At the end of the input every word is complete, so there is a character.
        self.error(format!("bad character {}", c.map(code_point).unwrap_or_default()))
    }

    /// Whether a word may end here.
    fn at_terminator(&self) -> bool {
        match self.rest().first() {
            None | Some(b'.' | b',' | b'|' | b':' | b')' | b'(' | b' ' | b'\t' | b'\r' | b'\n') => true,
            first => first == self.delimiters.right.first() && self.rest().starts_with(&self.delimiters.right),
        }
    }

    /// A string or character constant, whose opening quote has been read. The parser checks what is in it.
    fn quoted(&mut self, quote: u8) -> Item<'t> {
        // Bytes will do: no part of a longer character is one of these.
        loop {
            let rest = self.rest();
            let plain = rest.iter().position(|byte| matches!(byte, b'\\' | b'\n') || *byte == quote);
            let Some(plain) = plain else { return self.error(unterminated(quote)) };
            self.pos += plain + 1;
            match rest[plain] {
                b'\\' if !matches!(self.rest().first(), None | Some(b'\n')) => self.pos += 1,
                b'\\' | b'\n' => {
                    // Go reads the character after a backslash before it complains; the line of the message is that
                    // of the token's start, so it makes no difference.
                    return self.error(unterminated(quote));
                }
                _ => return self.emit(if quote == b'"' { Token::String } else { Token::CharConstant }),
            }
        }
    }

    fn raw_string(&mut self) -> Item<'t> {
        let Some(length) = self.rest().find_byte(b'`') else {
            return self.error("unterminated raw quoted string");
        };
        self.line += self.rest()[..length].iter().filter(|byte| **byte == b'\n').count();
        self.pos += length + 1;
        self.emit(Token::RawString)
    }

    /// A number of any form. Lets through some that are none, such as `089`; the parser notices.
    fn number(&mut self) -> Item<'t> {
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.peek(), Some('+' | '-')) {
            if !self.scan_number() || self.input[self.pos - 1] != b'i' {
                return self.bad_number();
            }
            return self.emit(Token::Complex);
        }
        self.emit(Token::Number)
    }

    fn bad_number(&mut self) -> Item<'t> {
        let message = format!("bad number syntax: {}", unicode::quoted(&self.input[self.start..self.pos]));
        self.error(message)
    }

    fn scan_number(&mut self) -> bool {
        const DECIMAL: &[u8] = b"0123456789_";
        const HEXADECIMAL: &[u8] = b"0123456789abcdefABCDEF_";
        self.accept(b"+-");
        let mut digits = DECIMAL;
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = HEXADECIMAL;
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        let exponent: &[u8] = match digits {
            DECIMAL => b"eE",
            HEXADECIMAL => b"pP",
            _ => b"",
        };
        if self.accept(exponent) {
            self.accept(b"+-");
            self.accept_run(DECIMAL);
        }
        self.accept(b"i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

fn unterminated(quote: u8) -> &'static str {
    if quote == b'"' { "unterminated quoted string" } else { "unterminated character constant" }
}

/// Where `marker` is first. Markers are short, and their first byte is rare: a searcher made for each would cost more.
pub(super) fn find(text: &[u8], marker: &[u8]) -> Option<usize> {
    let first = *marker.first()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find_byte(first)?;
        if text[at..].starts_with(marker) {
            return Some(at);
        }
        from = at + 1;
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || unicode::is_letter(c) || unicode::is_digit(c)
}

fn has_left_trim_marker(text: &[u8]) -> bool {
    matches!(text, [b'-', space, ..] if is_space(char::from(*space)))
}

fn has_right_trim_marker(text: &[u8]) -> bool {
    matches!(text, [space, b'-', ..] if is_space(char::from(*space)))
}

fn left_trim_length(text: &[u8]) -> usize {
    text.len() - text.trim_start_with(is_space).len()
}

/// As Go's `%#U`: `U+0040 '@'`.
fn code_point(c: char) -> String {
    let code = u32::from(c);
    if unicode::is_print(c) { format!("U+{code:04X} '{c}'") } else { format!("U+{code:04X}") }
}
