//! Scanning what begins with `%`, `!`, `&` and `*`: directives, tags, anchors and aliases.

use super::ReadError;
use super::scanner::Scanner;
use super::token::{Token, TokenKind};

/// The characters of names: ASCII letters, digits, `_` and `-`.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// The characters of tags, beside those of names.
fn is_tag_mark(byte: u8) -> bool {
    matches!(
        byte,
        b';' | b'/'
            | b'?'
            | b':'
            | b'@'
            | b'&'
            | b'='
            | b'+'
            | b'$'
            | b','
            | b'.'
            | b'!'
            | b'~'
            | b'*'
            | b'\''
            | b'('
            | b')'
            | b'['
            | b']'
            | b'%'
    )
}

impl Scanner<'_> {
    fn read_name(&mut self, into: &mut String) {
        while is_name(self.cursor.byte(0)) {
            self.cursor.read(into);
        }
    }

    /// `%YAML` or `%TAG`, with the rest of the line.
    pub(super) fn scan_directive(&mut self) -> Result<Token, ReadError> {
        let start = self.cursor.mark;
        self.cursor.skip();
        let mut name = String::new();
        self.read_name(&mut name);
        if name.is_empty() {
            return Err(self.error("could not find expected directive name"));
        }
        if !self.cursor.is_blank_or_end(0) {
            return Err(self.error("found unexpected non-alphabetical character"));
        }
        let kind = match name.as_str() {
            "YAML" => self.scan_version()?,
            "TAG" => self.scan_tag_prefix()?,
            _ => return Err(self.error("found unknown directive name")),
        };
        let end = self.cursor.mark;
        self.cursor.skip_blanks();
        self.cursor.skip_comment();
        if !self.cursor.is_break_or_end(0) {
            return Err(self.error("did not find expected comment or line break"));
        }
        self.cursor.skip_line();
        Ok(Token { kind, start, end })
    }

    fn scan_version(&mut self) -> Result<TokenKind, ReadError> {
        self.cursor.skip_blanks();
        let major = self.scan_version_number()?;
        if self.cursor.byte(0) != b'.' {
            return Err(self.error("did not find expected digit or '.' character"));
        }
        self.cursor.skip();
        let minor = self.scan_version_number()?;
        Ok(TokenKind::VersionDirective { major, minor })
    }

    fn scan_version_number(&mut self) -> Result<u8, ReadError> {
        let mut number = 0;
        let mut digits = 0;
        while self.cursor.byte(0).is_ascii_digit() {
            digits += 1;
            if digits > 2 {
                return Err(self.error("found extremely long version number"));
            }
            number = number * 10 + (self.cursor.byte(0) - b'0');
            self.cursor.skip();
        }
        if digits == 0 {
            return Err(self.error("did not find expected version number"));
        }
        Ok(number)
    }

    fn scan_tag_prefix(&mut self) -> Result<TokenKind, ReadError> {
        self.cursor.skip_blanks();
        let handle = self.scan_tag_handle()?;
        // `!`, `!!` and `!name!` are handles; `!name` is not.
        if handle != "!" && !handle.ends_with('!') {
            return Err(self.error("did not find expected '!'"));
        }
        if !self.cursor.is_blank(0) {
            return Err(self.error("did not find expected whitespace"));
        }
        self.cursor.skip_blanks();
        let mut prefix = String::new();
        if !self.scan_tag_uri(&mut prefix)? {
            return Err(self.error("did not find expected tag URI"));
        }
        if !self.cursor.is_blank_or_end(0) {
            return Err(self.error("did not find expected whitespace or line break"));
        }
        Ok(TokenKind::TagDirective { handle, prefix })
    }

    /// `&name` or `*name`.
    pub(super) fn scan_anchor(&mut self) -> Result<Token, ReadError> {
        let start = self.cursor.mark;
        let alias = self.cursor.byte(0) == b'*';
        self.cursor.skip();
        let mut name = String::new();
        self.read_name(&mut name);
        let ends = self.cursor.is_blank_or_end(0)
            || matches!(self.cursor.byte(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            return Err(self.error("did not find expected alphabetic or numeric character"));
        }
        let kind = if alias { TokenKind::Alias(name) } else { TokenKind::Anchor(name) };
        Ok(Token { kind, start, end: self.cursor.mark })
    }

    /// `!<tag>`, `!handle!suffix`, `!suffix` or `!` alone.
    pub(super) fn scan_tag(&mut self) -> Result<Token, ReadError> {
        let start = self.cursor.mark;
        let mut suffix = String::new();
        let mut handle = String::new();
        if self.cursor.byte(1) == b'<' {
            self.cursor.skip_many(2);
            if !self.scan_tag_uri(&mut suffix)? {
                return Err(self.error("did not find expected tag URI"));
            }
            if self.cursor.byte(0) != b'>' {
                return Err(self.error("did not find the expected '>'"));
            }
            self.cursor.skip();
        } else {
            handle = self.scan_tag_handle()?;
            if handle.len() > 1 && handle.ends_with('!') {
                if !self.scan_tag_uri(&mut suffix)? {
                    return Err(self.error("did not find expected tag URI"));
                }
            } else {
                // What looked like a handle begins the suffix.
                suffix.push_str(&handle[1..]);
                self.scan_tag_uri(&mut suffix)?;
                handle = "!".to_owned();
                if suffix.is_empty() {
                    std::mem::swap(&mut handle, &mut suffix);
                }
            }
        }
        if !self.cursor.is_blank_or_end(0) {
            return Err(self.error("did not find expected whitespace or line break"));
        }
        Ok(Token { kind: TokenKind::Tag { handle, suffix }, start, end: self.cursor.mark })
    }

    fn scan_tag_handle(&mut self) -> Result<String, ReadError> {
        if self.cursor.byte(0) != b'!' {
            return Err(self.error("did not find expected '!'"));
        }
        let mut handle = String::new();
        self.cursor.read(&mut handle);
        self.read_name(&mut handle);
        if self.cursor.byte(0) == b'!' {
            self.cursor.read(&mut handle);
        }
        Ok(handle)
    }

    /// Appends a tag's characters, with `%41` decoded; whether there were any.
    fn scan_tag_uri(&mut self, uri: &mut String) -> Result<bool, ReadError> {
        let mut found = false;
        loop {
            match self.cursor.byte(0) {
                b'%' => self.scan_uri_escape(uri)?,
                byte if is_name(byte) || is_tag_mark(byte) => self.cursor.read(uri),
                _ => return Ok(found),
            }
            found = true;
        }
    }

    /// One character, written as the `%XX` of its UTF-8 bytes.
    fn scan_uri_escape(&mut self, uri: &mut String) -> Result<(), ReadError> {
        let mut bytes = Vec::with_capacity(4);
        let mut length = 1;
        while bytes.len() < length {
            let digit = |ahead| char::from(self.cursor.byte(ahead)).to_digit(16);
            let (b'%', Some(high), Some(low)) = (self.cursor.byte(0), digit(1), digit(2)) else {
                return Err(self.error("did not find URI escaped octet"));
            };
            let byte = (high << 4 | low) as u8;
            if bytes.is_empty() {
                length = match byte {
                    0x00..=0x7F => 1,
                    0xC0..=0xDF => 2,
                    0xE0..=0xEF => 3,
                    0xF0..=0xF7 => 4,
                    _ => return Err(self.error("found an incorrect leading UTF-8 octet")),
                };
            } else if byte & 0xC0 != 0x80 {
                return Err(self.error("found an incorrect trailing UTF-8 octet"));
            }
            bytes.push(byte);
            self.cursor.skip_many(3);
        }
        // Bytes that pass the checks above may still be no character (overlong forms); tags are only compared.
        uri.push_str(&String::from_utf8_lossy(&bytes));
        Ok(())
    }
}
