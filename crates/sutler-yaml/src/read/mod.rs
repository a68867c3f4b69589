//! The reader: text to nodes, as go-yaml v2 resolves them.
//!
//! ```text
//! bytes ──decode──▶ text ──Scanner──▶ tokens ──Parser──▶ events ──compose──▶ raw tree ──resolve──▶ Node
//! ```
//!
//! The stages are go-yaml's (and libyaml's), because its errors depend on what each of them looks at and how far ahead.

#![allow(clippy::unimplemented)]

use std::borrow::Cow;

use crate::node::{Node, Position};

/// Why a text cannot be read. The display is go-yaml's text, whose line numbers are sometimes one too low;
/// [`ReadError::position`] is exact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The text is not YAML.
    #[error("yaml: {}{problem}", line_prefix(.line))]
    Syntax {
        /// go-yaml's words.
        problem: Cow<'static, str>,
        /// The line as go-yaml counts it; it leaves it out for errors on the first line.
        line: Option<u32>,
        /// Where the reader stood.
        at: Position,
    },
    /// The bytes are not text, or contain control characters.
    #[error("yaml: {problem}")]
    Encoding {
        /// go-yaml's words.
        problem: &'static str,
        /// Where the reader stood.
        at: Position,
    },
    /// The text is YAML, but a value cannot be made of it: unknown anchors, wrong tags, keys that are collections, aliases
    /// that contain themselves or multiply.
    #[error("yaml: {problem}")]
    Value {
        /// go-yaml's words.
        problem: String,
        /// Where the value stands.
        at: Position,
    },
    /// Keys given twice, found by [`read_strict`] only.
    #[error("yaml: unmarshal errors:\n  {}", .keys.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join("\n  "))]
    DuplicateKeys {
        /// Of each repetition: go-yaml's words and the key's position.
        keys: Vec<(String, Position)>,
    },
}

fn line_prefix(line: &Option<u32>) -> String {
    line.map(|line| format!("line {line}: ")).unwrap_or_default()
}

impl ReadError {
    /// Where the error is.
    pub fn position(&self) -> Position {
        match self {
            ReadError::Syntax { at, .. } | ReadError::Encoding { at, .. } | ReadError::Value { at, .. } => *at,
            ReadError::DuplicateKeys { keys } => keys.first().map(|(_, at)| *at).unwrap_or_default(),
        }
    }
}

/// Reads the first document, as `yaml.Unmarshal`; an empty text is null. What follows the first document is not looked at.
///
/// # Errors
///
/// As go-yaml, and for nesting deeper than [`crate::MAX_DEPTH`].
pub fn read(_text: &str) -> Result<Node, ReadError> {
    unimplemented!("the scanner lands next")
}

/// Reads the first document and refuses keys given twice, as `yaml.UnmarshalStrict`.
///
/// # Errors
///
/// As [`read`], and [`ReadError::DuplicateKeys`].
pub fn read_strict(_text: &str) -> Result<Node, ReadError> {
    unimplemented!("the scanner lands next")
}

/// Reads every document of a stream (`---`), as go-yaml's `Decoder`. A text without any is an empty list.
///
/// # Errors
///
/// As [`read`].
pub fn read_documents(_text: &str) -> Result<Vec<Node>, ReadError> {
    unimplemented!("the scanner lands next")
}

/// Bytes of a file as text: UTF-8, or UTF-16 where a byte order mark says so.
///
/// # Errors
///
/// Bytes that are neither, in go-yaml's words (`yaml: invalid leading UTF-8 octet`).
pub fn decode(_bytes: &[u8]) -> Result<Cow<'_, str>, ReadError> {
    unimplemented!("the scanner lands next")
}
