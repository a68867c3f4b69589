//! Scanning values: plain, quoted and block scalars, with YAML's folding of line breaks.

use super::ReadError;
use super::cursor::Mark;
use super::scanner::Scanner;
use super::token::{Token, TokenKind};

/// White space inside a value, kept until it is known whether more text follows.
#[derive(Default)]
struct Gap {
    /// Spaces and tabs, when no line break came after them.
    blanks: String,
    first_break: String,
    more_breaks: String,
    /// A line break was seen: blanks no longer count.
    broken: bool,
}

impl Gap {
    /// Takes in the blank or line break where the scanner stands.
    fn take(&mut self, scanner: &mut Scanner<'_>) {
        if scanner.cursor.is_blank(0) {
            if self.broken {
                scanner.cursor.skip();
            } else {
                scanner.cursor.read(&mut self.blanks);
            }
        } else if self.broken {
            scanner.cursor.read_line(&mut self.more_breaks);
        } else {
            self.blanks.clear();
            self.broken = true;
            scanner.cursor.read_line(&mut self.first_break);
        }
    }

    /// Writes what the white space stands for: itself, a space for a line break, or one line break fewer than there are.
    /// An escaped line break is not in `first_break` and stands for nothing.
    fn fold_into(&mut self, text: &mut String) {
        if !self.broken {
            text.push_str(&self.blanks);
        } else if !self.first_break.starts_with('\n') {
            text.push_str(&self.first_break);
            text.push_str(&self.more_breaks);
        } else if self.more_breaks.is_empty() {
            text.push(' ');
        } else {
            text.push_str(&self.more_breaks);
        }
        self.blanks.clear();
        self.first_break.clear();
        self.more_breaks.clear();
        self.broken = false;
    }
}

/// What a block scalar keeps of the line breaks at its end.
#[derive(Clone, Copy, PartialEq)]
enum Chomping {
    /// `-`
    Strip,
    /// The default: one.
    Clip,
    /// `+`
    Keep,
}

impl Scanner<'_> {
    /// A value without quotes. It ends before `: `, ` #`, a line that is not indented enough and, between brackets, before
    /// any of `,?[]{}`.
    pub(super) fn scan_plain(&mut self) -> Result<Token, ReadError> {
        let start = self.cursor.mark;
        let mut end = start;
        let mut text = String::new();
        let mut gap = Gap::default();
        let indent = self.indent + 1;
        while !self.cursor.at_document_indicator() && self.cursor.byte(0) != b'#' {
            if !self.at_plain_end() {
                gap.fold_into(&mut text);
                self.read_plain_word(&mut text);
                end = self.cursor.mark;
            }
            if !self.cursor.is_blank(0) && !self.cursor.is_break(0) {
                break;
            }
            while self.cursor.is_blank(0) || self.cursor.is_break(0) {
                let before_indent = i64::from(self.cursor.mark.column) < indent;
                if gap.broken && before_indent && self.cursor.byte(0) == b'\t' {
                    return Err(self.error("found a tab character that violates indentation"));
                }
                gap.take(self);
            }
            if self.flow_level == 0 && i64::from(self.cursor.mark.column) < indent {
                break;
            }
        }
        if gap.broken {
            self.simple_key_allowed = true;
        }
        Ok(Token { kind: TokenKind::Scalar { text, plain: true }, start, end })
    }

    fn at_plain_end(&self) -> bool {
        match self.cursor.byte(0) {
            b':' => self.cursor.is_blank_or_end(1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_level > 0,
            _ => self.cursor.is_blank_or_end(0),
        }
    }

    fn read_plain_word(&mut self, text: &mut String) {
        let start = self.cursor.offset();
        loop {
            self.cursor.skip_ascii(|byte| {
                !matches!(byte, b':' | b',' | b'?' | b'[' | b']' | b'{' | b'}' | b' ' | b'\t' | b'\r' | b'\n' | 0)
            });
            if self.at_plain_end() {
                break;
            }
            self.cursor.skip();
        }
        text.push_str(self.cursor.slice(start, self.cursor.offset()));
    }

    /// A value in single or double quotes.
    pub(super) fn scan_quoted(&mut self) -> Result<Token, ReadError> {
        let start = self.cursor.mark;
        let quote = self.cursor.byte(0);
        self.cursor.skip();
        let mut text = String::new();
        loop {
            if self.cursor.at_document_indicator() {
                return Err(self.error("found unexpected document indicator"));
            }
            if self.cursor.at_end() {
                return Err(self.error("found unexpected end of stream"));
            }
            let mut gap = Gap::default();
            self.read_quoted_word(quote, &mut text, &mut gap)?;
            if self.cursor.byte(0) == quote {
                break;
            }
            while self.cursor.is_blank(0) || self.cursor.is_break(0) {
                gap.take(self);
            }
            gap.fold_into(&mut text);
        }
        self.cursor.skip();
        Ok(Token { kind: TokenKind::Scalar { text, plain: false }, start, end: self.cursor.mark })
    }

    /// Reads up to a blank, a line break or the closing quote, or over an escaped line break.
    fn read_quoted_word(&mut self, quote: u8, text: &mut String, gap: &mut Gap) -> Result<(), ReadError> {
        loop {
            let start = self.cursor.offset();
            let plain = |byte| !matches!(byte, b'\'' | b'"' | b'\\' | b' ' | b'\t' | b'\r' | b'\n' | 0);
            if self.cursor.skip_ascii(plain) > 0 {
                text.push_str(self.cursor.slice(start, self.cursor.offset()));
            }
            if self.cursor.is_blank_or_end(0) {
                break;
            }
            match self.cursor.byte(0) {
                b'\'' if quote == b'\'' && self.cursor.byte(1) == b'\'' => {
                    text.push('\'');
                    self.cursor.skip_many(2);
                }
                byte if byte == quote => break,
                b'\\' if quote == b'"' && self.cursor.is_break(1) => {
                    self.cursor.skip();
                    self.cursor.skip_line();
                    gap.broken = true;
                    break;
                }
                b'\\' if quote == b'"' => text.push(self.scan_escape()?),
                _ => self.cursor.read(text),
            }
        }
        Ok(())
    }

    /// One of the escapes of a double-quoted value, which go-yaml takes from YAML 1.1 (`\'` added, `\/` missing).
    fn scan_escape(&mut self) -> Result<char, ReadError> {
        let (character, digits) = match self.cursor.byte(1) {
            b'0' => ('\0', 0),
            b'a' => ('\x07', 0),
            b'b' => ('\x08', 0),
            b't' | b'\t' => ('\t', 0),
            b'n' => ('\n', 0),
            b'v' => ('\x0B', 0),
            b'f' => ('\x0C', 0),
            b'r' => ('\r', 0),
            b'e' => ('\x1B', 0),
            b' ' => (' ', 0),
            b'"' => ('"', 0),
            b'\'' => ('\'', 0),
            b'\\' => ('\\', 0),
            b'N' => ('\u{85}', 0),
            b'_' => ('\u{A0}', 0),
            b'L' => ('\u{2028}', 0),
            b'P' => ('\u{2029}', 0),
            b'x' => ('\0', 2),
            b'u' => ('\0', 4),
            b'U' => ('\0', 8),
            _ => return Err(self.error("found unknown escape character")),
        };
        self.cursor.skip_many(2);
        if digits == 0 {
            return Ok(character);
        }
        let mut code: u32 = 0;
        for ahead in 0..digits {
            let Some(digit) = char::from(self.cursor.byte(ahead)).to_digit(16) else {
                return Err(self.error("did not find expected hexdecimal number"));
            };
            code = code << 4 | digit;
        }
        let Some(character) = char::from_u32(code) else {
            return Err(self.error("found invalid Unicode character escape code"));
        };
        self.cursor.skip_many(digits);
        Ok(character)
    }

    /// A value that begins with `|` or `>`.
    pub(super) fn scan_block_scalar(&mut self) -> Result<Token, ReadError> {
        let start = self.cursor.mark;
        let folded = self.cursor.byte(0) == b'>';
        self.cursor.skip();
        let (chomping, increment) = self.scan_block_header()?;

        let mut end = self.cursor.mark;
        // Zero until the first line with text shows it.
        let mut indent = if increment > 0 { self.indent.max(0) + increment } else { 0 };
        let mut text = String::new();
        let mut first_break = String::new();
        let mut more_breaks = String::new();
        let mut after_blank = false;
        self.scan_block_breaks(&mut indent, &mut more_breaks, &mut end)?;
        while i64::from(self.cursor.mark.column) == indent && !self.cursor.at_end() {
            // Lines that begin with a blank are not folded, nor are their neighbours.
            let blank = self.cursor.is_blank(0);
            if folded && !after_blank && !blank && first_break.starts_with('\n') {
                if more_breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(&first_break);
            }
            first_break.clear();
            text.push_str(&more_breaks);
            more_breaks.clear();
            after_blank = blank;

            let line = self.cursor.offset();
            self.cursor.skip_to_line_end();
            text.push_str(self.cursor.slice(line, self.cursor.offset()));
            self.cursor.read_line(&mut first_break);
            self.scan_block_breaks(&mut indent, &mut more_breaks, &mut end)?;
        }
        if chomping != Chomping::Strip {
            text.push_str(&first_break);
        }
        if chomping == Chomping::Keep {
            text.push_str(&more_breaks);
        }
        Ok(Token { kind: TokenKind::Scalar { text, plain: false }, start, end })
    }

    /// `|`'s or `>`'s indicators for the end (`-`, `+`) and the indentation (`1` to `9`), in either order, and the rest of
    /// their line. The indentation is 0 where it is not given.
    fn scan_block_header(&mut self) -> Result<(Chomping, i64), ReadError> {
        let mut chomping = self.scan_chomping();
        let mut increment = 0;
        if self.cursor.byte(0).is_ascii_digit() {
            if self.cursor.byte(0) == b'0' {
                return Err(self.error("found an indentation indicator equal to 0"));
            }
            increment = i64::from(self.cursor.byte(0) - b'0');
            self.cursor.skip();
            chomping = chomping.or_else(|| self.scan_chomping());
        }
        self.cursor.skip_blanks();
        self.cursor.skip_comment();
        if !self.cursor.is_break_or_end(0) {
            return Err(self.error("did not find expected comment or line break"));
        }
        self.cursor.skip_line();
        Ok((chomping.unwrap_or(Chomping::Clip), increment))
    }

    fn scan_chomping(&mut self) -> Option<Chomping> {
        let chomping = match self.cursor.byte(0) {
            b'+' => Chomping::Keep,
            b'-' => Chomping::Strip,
            _ => return None,
        };
        self.cursor.skip();
        Some(chomping)
    }

    /// Passes indentation and empty lines; finds the indentation, where it is not known yet.
    fn scan_block_breaks(&mut self, indent: &mut i64, breaks: &mut String, end: &mut Mark) -> Result<(), ReadError> {
        *end = self.cursor.mark;
        let mut deepest = 0;
        loop {
            while (*indent == 0 || i64::from(self.cursor.mark.column) < *indent) && self.cursor.byte(0) == b' ' {
                self.cursor.skip();
            }
            let column = i64::from(self.cursor.mark.column);
            deepest = deepest.max(column);
            if (*indent == 0 || column < *indent) && self.cursor.byte(0) == b'\t' {
                return Err(self.error("found a tab character where an indentation space is expected"));
            }
            if !self.cursor.is_break(0) {
                break;
            }
            self.cursor.read_line(breaks);
            *end = self.cursor.mark;
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}
