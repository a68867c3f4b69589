//! What the scanner finds: the smallest parts of a YAML text that mean something.

use super::cursor::Mark;

/// A part of the text and where it stands. Some tokens have no text: they mark where a block begins or ends.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: Mark,
    pub(super) end: Mark,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    StreamStart,
    StreamEnd,
    /// `%YAML 1.1`
    VersionDirective {
        major: u8,
        minor: u8,
    },
    /// `%TAG !handle! prefix`
    TagDirective {
        handle: String,
        prefix: String,
    },
    /// `---`
    DocumentStart,
    /// `...`
    DocumentEnd,
    /// The indentation grew at a `-`.
    BlockSequenceStart,
    /// The indentation grew at a key.
    BlockMappingStart,
    /// The indentation shrank.
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    /// `-`
    BlockEntry,
    /// `,`
    FlowEntry,
    /// `?`, or the place before a key that is recognized by its `:`.
    Key,
    /// `:`
    Value,
    /// `*name`
    Alias(String),
    /// `&name`
    Anchor(String),
    /// `!suffix`, `!handle!suffix` or, with an empty handle, `!<suffix>`.
    Tag {
        handle: String,
        suffix: String,
    },
    /// A value; a plain one may resolve to something else than a string.
    Scalar {
        text: String,
        plain: bool,
    },
}
