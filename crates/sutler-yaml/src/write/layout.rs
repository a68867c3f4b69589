//! Indentation, indicators and the text of scalars: libyaml's emitter, as far as block style needs it.

use super::styles::{Analysis, Style, is_break, is_printable};
use crate::scalar::Dialect;

/// Keys longer than this many bytes are written after a `?`.
const SIMPLE_KEY_LENGTH: usize = 128;
/// Columns of one step of indentation.
const STEP: usize = 2;
/// v2 breaks lines at the first space after this column; v3 breaks none.
const WIDTH: usize = 80;

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Root,
    /// After `- `.
    Item,
    /// A mapping's value, or its key after `? `.
    Value,
    /// A key on one line with its `:`.
    SimpleKey,
}

/// The text so far, and what must be known to go on.
pub(super) struct Layout {
    text: String,
    dialect: Dialect,
    /// Characters on the current line.
    column: usize,
    /// Columns before the lines of the current collection; `None` outside of all.
    indent: Option<usize>,
    /// The last character separates what follows.
    whitespace: bool,
    /// Only indentation, `-`, `?` and `:` stand on the current line.
    indention: bool,
}

/// The indentation to go back to at the end of a collection.
#[must_use]
pub(super) struct Outer(Option<usize>);

impl Layout {
    pub(super) fn new(dialect: Dialect) -> Self {
        Layout { text: String::new(), dialect, column: 0, indent: None, whitespace: true, indention: true }
    }

    /// Ends the document.
    pub(super) fn finish(mut self) -> String {
        self.write_indent();
        self.text
    }

    // Collections.

    pub(super) fn empty_collection(&mut self, open: &str, close: &str) {
        self.write_indicator(open, true);
        self.write_indicator(close, false);
    }

    pub(super) fn start_mapping(&mut self) -> Outer {
        self.deepen(true)
    }

    /// v2 leaves the items of a sequence at their key's own column.
    pub(super) fn start_sequence(&mut self, place: Place) -> Outer {
        let at_key = self.dialect == Dialect::V2 && place == Place::Value && !self.indention;
        self.deepen(!at_key)
    }

    fn deepen(&mut self, step: bool) -> Outer {
        let outer = Outer(self.indent);
        self.indent = Some(match self.indent {
            None => 0,
            Some(indent) if step => indent + STEP,
            Some(indent) => indent,
        });
        outer
    }

    pub(super) fn end_collection(&mut self, outer: Outer) {
        self.indent = outer.0;
    }

    pub(super) fn start_item(&mut self) {
        self.write_indent();
        self.write_block_indicator("-");
    }

    /// Begins an entry; whether its key can stand on one line with the `:`.
    pub(super) fn start_key(&mut self, key: &str) -> bool {
        self.write_indent();
        let simple = key.len() <= SIMPLE_KEY_LENGTH && !key.contains(is_break);
        if !simple {
            self.write_block_indicator("?");
        }
        simple
    }

    pub(super) fn start_value(&mut self, simple_key: bool) {
        if simple_key {
            self.write_indicator(":", false);
        } else {
            self.write_indent();
            self.write_block_indicator(":");
        }
    }

    // Scalars.

    pub(super) fn scalar(&mut self, value: &str, wanted: Style, place: Place) {
        let simple_key = place == Place::SimpleKey;
        let style = Analysis::of(value, self.dialect).choose(wanted, simple_key);
        let outer = self.indent;
        self.indent = Some(outer.map_or(STEP, |indent| indent + STEP));
        match style {
            Style::Plain => self.write_plain(value, !simple_key),
            Style::SingleQuoted => self.write_single_quoted(value, !simple_key),
            Style::DoubleQuoted => self.write_double_quoted(value, !simple_key),
            Style::Literal => self.write_literal(value),
        }
        self.indent = outer;
    }

    /// A `!!binary` value.
    pub(super) fn tagged_scalar(&mut self, value: &str, wanted: Style, place: Place) {
        self.write_indicator("!!binary", true);
        self.scalar(value, wanted, place);
    }

    fn width(&self) -> usize {
        match self.dialect {
            Dialect::V2 => WIDTH,
            Dialect::V3 => usize::MAX,
        }
    }

    fn write_plain(&mut self, value: &str, may_break: bool) {
        if !self.whitespace {
            self.put(' ');
        }
        let mut after_space = false;
        let mut characters = value.chars().peekable();
        while let Some(character) = characters.next() {
            let space = character == ' ';
            if space && may_break && !after_space && self.column > self.width() && characters.peek() != Some(&' ') {
                self.write_indent();
            } else {
                self.put(character);
            }
            if !space {
                self.indention = false;
            }
            after_space = space;
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn write_single_quoted(&mut self, value: &str, may_break: bool) {
        self.write_indicator("'", true);
        let mut after_space = false;
        let mut after_break = false;
        for (offset, character) in value.char_indices() {
            let inside = offset > 0 && offset + 1 < value.len();
            if character == ' ' {
                let fold = may_break && !after_space && inside && self.column > self.width();
                if fold && !value[offset + 1..].starts_with(' ') {
                    self.write_indent();
                } else {
                    self.put(' ');
                }
                after_space = true;
            } else if is_break(character) {
                if !after_break && character == '\n' {
                    self.put_break('\n');
                }
                self.put_break(character);
                after_break = true;
            } else {
                if after_break {
                    self.write_indent();
                }
                if character == '\'' {
                    self.put('\'');
                }
                self.put(character);
                self.indention = false;
                after_space = false;
                after_break = false;
            }
        }
        self.write_indicator("'", false);
    }

    fn write_double_quoted(&mut self, value: &str, may_break: bool) {
        self.write_indicator("\"", true);
        // A slip of go-yaml's: it looks for a byte order mark at the beginning instead of at each character.
        let escape_all = value.starts_with('\u{feff}');
        let mut after_space = false;
        for (offset, character) in value.char_indices() {
            let inside = offset > 0 && offset + 1 < value.len();
            if escape_all || !is_printable(character) || is_break(character) || matches!(character, '"' | '\\') {
                self.put_escaped(character);
                after_space = false;
            } else if character == ' ' {
                if may_break && !after_space && inside && self.column > self.width() {
                    self.write_indent();
                    if value[offset + 1..].starts_with(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                after_space = true;
            } else {
                self.put(character);
                after_space = false;
            }
        }
        self.write_indicator("\"", false);
    }

    fn put_escaped(&mut self, character: char) {
        let code = u32::from(character);
        let short = match character {
            '\0' => '0',
            '\x07' => 'a',
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0B' => 'v',
            '\x0C' => 'f',
            '\r' => 'r',
            '\x1B' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{A0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let escape = match code {
                    0..=0xFF => format!("\\x{code:02X}"),
                    0x100..=0xFFFF => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                };
                escape.chars().for_each(|character| self.put(character));
                return;
            }
        };
        self.put('\\');
        self.put(short);
    }

    fn write_literal(&mut self, value: &str) {
        self.write_indicator("|", true);
        if value.starts_with(|first| first == ' ' || is_break(first)) {
            self.write_indicator("2", false);
        }
        let mut from_end = value.chars().rev();
        match (from_end.next(), from_end.next()) {
            (Some(last), _) if !is_break(last) => self.write_indicator("-", false),
            (Some(_), Some(before)) if !is_break(before) => {}
            _ => self.write_indicator("+", false),
        }
        self.put_break('\n');
        self.whitespace = true;
        let mut after_break = true;
        for character in value.chars() {
            if is_break(character) {
                self.put_break(character);
                after_break = true;
            } else {
                if after_break {
                    self.write_indent();
                }
                self.put(character);
                self.indention = false;
                after_break = false;
            }
        }
    }

    // Characters.

    fn put(&mut self, character: char) {
        self.text.push(character);
        self.column += 1;
    }

    fn put_break(&mut self, character: char) {
        self.text.push(character);
        self.column = 0;
        self.indention = true;
    }

    /// Begins a line, unless the current one has nothing but indentation yet, and indents it.
    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break('\n');
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    /// `-`, `?` or `:` of a block: a nested collection may begin on the same line.
    fn write_block_indicator(&mut self, indicator: &str) {
        let indention = self.indention;
        self.write_indicator(indicator, true);
        self.indention = indention;
    }

    fn write_indicator(&mut self, indicator: &str, separate: bool) {
        if separate && !self.whitespace {
            self.put(' ');
        }
        indicator.chars().for_each(|character| self.put(character));
        self.whitespace = matches!(indicator, "[" | "{");
        self.indention = false;
    }
}
