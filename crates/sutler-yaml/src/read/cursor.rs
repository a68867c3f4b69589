//! Where the scanner stands in the text, and what it sees there.

use crate::node::Position;

/// A place in the text, as the scanner counts: all numbers from 0, `index` and `column` in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) index: usize,
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Mark {
    pub(super) fn position(self) -> Position {
        Position { line: self.line + 1, column: self.column + 1 }
    }
}

/// A text with a reading position. Beyond the end every byte reads as 0, which cannot occur in a YAML text.
pub(super) struct Cursor<'t> {
    text: &'t str,
    offset: usize,
    pub(super) mark: Mark,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Cursor { text, offset: 0, mark: Mark::default() }
    }

    /// The byte `ahead` bytes from here.
    #[inline]
    pub(super) fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.offset + ahead).copied().unwrap_or(0)
    }

    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.offset..]
    }

    /// Bytes read so far.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// A part of the text, by byte offsets.
    pub(super) fn slice(&self, start: usize, end: usize) -> &'t str {
        &self.text[start..end]
    }

    pub(super) fn at_end(&self) -> bool {
        self.offset >= self.text.len()
    }

    /// Space or tab.
    pub(super) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t')
    }

    /// Any of YAML 1.1's line breaks: CR, LF, next line (U+0085), line and paragraph separator (U+2028, U+2029).
    pub(super) fn is_break(&self, ahead: usize) -> bool {
        match self.byte(ahead) {
            b'\r' | b'\n' => true,
            0xC2 => self.byte(ahead + 1) == 0x85,
            0xE2 => self.byte(ahead + 1) == 0x80 && matches!(self.byte(ahead + 2), 0xA8 | 0xA9),
            _ => false,
        }
    }

    /// A line break or the end of the text.
    pub(super) fn is_break_or_end(&self, ahead: usize) -> bool {
        self.byte(ahead) == 0 || self.is_break(ahead)
    }

    /// Space, tab, line break or the end of the text.
    pub(super) fn is_blank_or_end(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_break_or_end(ahead)
    }

    /// `---` or `...` alone at the start of a line.
    pub(super) fn at_document_indicator(&self) -> bool {
        self.mark.column == 0
            && (self.rest().starts_with("---") || self.rest().starts_with("..."))
            && self.is_blank_or_end(3)
    }

    /// Moves over one character, which is not a line break. At the end of the text only the counters move.
    pub(super) fn skip(&mut self) {
        self.offset = (self.offset + width(self.byte(0))).min(self.text.len());
        self.mark.index += 1;
        self.mark.column += 1;
    }

    /// Moves over ASCII characters as long as they are `wanted`, which no line break may be; tells how many bytes there were.
    #[inline]
    pub(super) fn skip_ascii(&mut self, wanted: impl Fn(u8) -> bool) -> usize {
        let rest = &self.text.as_bytes()[self.offset..];
        let count = rest.iter().position(|byte| !byte.is_ascii() || !wanted(*byte)).unwrap_or(rest.len());
        self.offset += count;
        self.mark.index += count;
        self.mark.column += count as u32;
        count
    }

    pub(super) fn skip_many(&mut self, characters: usize) {
        for _ in 0..characters {
            self.skip();
        }
    }

    /// Moves over one character and appends it.
    pub(super) fn read(&mut self, into: &mut String) {
        let start = self.offset;
        self.skip();
        into.push_str(&self.text[start..self.offset]);
    }

    /// Moves over a line break, if there is one, and appends what it reads as: `\n`, or the separator itself.
    pub(super) fn read_line(&mut self, into: &mut String) {
        let bytes = match self.byte(0) {
            b'\r' if self.byte(1) == b'\n' => {
                self.mark.index += 1;
                into.push('\n');
                2
            }
            b'\r' | b'\n' => {
                into.push('\n');
                1
            }
            0xC2 if self.is_break(0) => {
                into.push('\n');
                2
            }
            0xE2 if self.is_break(0) => {
                into.push_str(&self.text[self.offset..self.offset + 3]);
                3
            }
            _ => return,
        };
        self.offset += bytes;
        self.mark.index += 1;
        self.mark.column = 0;
        self.mark.line += 1;
    }

    /// Moves over a line break, if there is one.
    pub(super) fn skip_line(&mut self) {
        self.read_line(&mut String::new());
    }

    /// Moves over a comment, up to the end of its line.
    pub(super) fn skip_comment(&mut self) {
        if self.byte(0) == b'#' {
            self.skip_to_line_end();
        }
    }

    /// Moves up to a line break or the end of the text.
    pub(super) fn skip_to_line_end(&mut self) {
        loop {
            self.skip_ascii(|byte| !matches!(byte, b'\r' | b'\n' | 0));
            if self.is_break_or_end(0) {
                return;
            }
            self.skip();
        }
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.skip();
        }
    }

    /// Counts the end of the text as the end of a line.
    pub(super) fn end_line(&mut self) {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
    }
}

/// Bytes of the character that begins with this byte.
fn width(first: u8) -> usize {
    match first {
        0x00..=0x7F => 1,
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        _ => 4,
    }
}
