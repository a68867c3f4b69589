//! Which styles a text can be written in.

use crate::scalar::Dialect;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// `|`
    Literal,
}

/// What libyaml's emitter finds out about a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Analysis {
    /// Contains a line break of any kind.
    pub(super) multiline: bool,
    plain_allowed: bool,
    single_quoted_allowed: bool,
    literal_allowed: bool,
}

impl Analysis {
    pub(super) fn of(text: &str, dialect: Dialect) -> Analysis {
        if text.is_empty() {
            let (plain_allowed, single_quoted_allowed) = (true, true);
            return Analysis { multiline: false, plain_allowed, single_quoted_allowed, literal_allowed: false };
        }
        let mut found = Found::default();
        found.indicator |= text.starts_with("---") || text.starts_with("...");
        let mut previous = None;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let next = characters.peek().copied();
            found.look_at(character, previous, next, dialect);
            previous = Some(character);
        }
        let single_quoted_allowed =
            !(found.space_after_break || found.space_before_break || found.special || found.tab);
        Analysis {
            multiline: found.line_break,
            plain_allowed: single_quoted_allowed
                && !(found.line_break || found.indicator || found.space_at_start || found.space_at_end),
            single_quoted_allowed,
            literal_allowed: !(found.space_at_end || found.space_before_break || found.special),
        }
    }

    /// The wanted style, or a stricter one that can express the text. Keys on one line with their value cannot be literal.
    pub(super) fn choose(&self, wanted: Style, simple_key: bool) -> Style {
        let mut style = wanted;
        if simple_key && self.multiline {
            style = Style::DoubleQuoted;
        }
        if style == Style::Plain && !self.plain_allowed {
            style = Style::SingleQuoted;
        }
        if style == Style::SingleQuoted && !self.single_quoted_allowed {
            style = Style::DoubleQuoted;
        }
        if style == Style::Literal && (simple_key || !self.literal_allowed) {
            style = Style::DoubleQuoted;
        }
        style
    }
}

/// What a text contains.
#[derive(Default)]
struct Found {
    /// A character that means something in a block, where it stands.
    indicator: bool,
    line_break: bool,
    /// Characters that only double quotes can express.
    special: bool,
    /// A tab: v3 allows it in literals, v2 holds it for special.
    tab: bool,
    space_at_start: bool,
    space_at_end: bool,
    space_after_break: bool,
    space_before_break: bool,
}

impl Found {
    fn look_at(&mut self, character: char, previous: Option<char>, next: Option<char>, dialect: Dialect) {
        let word_ends = next.is_none_or(is_blank);
        self.indicator |= match (character, previous) {
            ('#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`', None) => {
                true
            }
            ('?' | '-', None) => word_ends,
            (':', _) => word_ends,
            ('#', Some(previous)) => is_blank(previous) || is_break(previous),
            _ => false,
        };
        if character == '\t' && dialect == Dialect::V3 {
            self.tab = true;
        } else if !is_printable(character) {
            self.special = true;
        }
        if character == ' ' {
            self.space_at_start |= previous.is_none();
            self.space_at_end |= next.is_none();
            self.space_after_break |= previous.is_some_and(is_break);
        } else if is_break(character) {
            self.line_break = true;
            self.space_before_break |= previous == Some(' ');
        }
    }
}

pub(super) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

pub(super) fn is_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What libyaml writes as it is. Characters beyond U+FFFF are not among them: emoji are escaped.
pub(super) fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}')
}
