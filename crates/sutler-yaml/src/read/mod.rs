//! The reader: text to nodes, as go-yaml v2 resolves them.
//!
//! ```text
//! bytes ──decode──▶ text ──Scanner──▶ tokens ──Parser──▶ events ──compose──▶ raw tree ──resolve──▶ Node
//! ```
//!
//! The stages are go-yaml's (and libyaml's), because its errors depend on what each of them looks at and how far ahead.

mod compose;
mod cursor;
mod encoding;
mod markers;
mod parser;
mod scalars;
mod scanner;
mod token;
mod values;

use std::borrow::Cow;

pub use self::encoding::decode;
pub(crate) use self::encoding::is_allowed;
use self::parser::Parser;
use self::values::{Duplicates, resolve};
use crate::node::{Data, Node, Position};

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
pub fn read(text: &str) -> Result<Node, ReadError> {
    read_first(text, Duplicates::Keep)
}

/// Reads the first document and refuses keys given twice, as `yaml.UnmarshalStrict`.
///
/// # Errors
///
/// As [`read`], and [`ReadError::DuplicateKeys`].
pub fn read_strict(text: &str) -> Result<Node, ReadError> {
    read_first(text, Duplicates::Refuse)
}

/// Reads every document of a stream (`---`), as go-yaml's `Decoder`. A text without any is an empty list.
///
/// # Errors
///
/// As [`read`].
pub fn read_documents(text: &str) -> Result<Vec<Node>, ReadError> {
    let mut parser = Parser::new(text);
    let mut documents = Vec::new();
    while let Some(tree) = parser.next_document()? {
        documents.push(resolve(tree, Duplicates::Keep)?);
    }
    Ok(documents)
}

fn read_first(text: &str, duplicates: Duplicates) -> Result<Node, ReadError> {
    match Parser::new(text).next_document()? {
        Some(tree) => resolve(tree, duplicates),
        None => {
            let at = Position { line: 1, column: 1 };
            Ok(Node { data: Data::Null, start: at, end: at })
        }
    }
}
