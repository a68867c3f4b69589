//! Errors of parsing and executing. Their texts are Go's, which contain the text of their cause: template errors are
//! matched and rewritten by text in Helm, so the text is the interface.

use thiserror::Error;

/// A template could not be parsed. The text is Go's: `template: NAME:LINE: MESSAGE`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text}")]
pub struct ParseError {
    text: String,
}

impl ParseError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

/// A template could not be executed to its end.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExecuteError {
    /// The template is at fault. The text is Go's:
    /// `template: NAME:LINE:COLUMN: executing "NAME" at <NODE>: MESSAGE`.
    #[error("{0}")]
    Failed(String),
    /// The caller's limits or its wish to stop ended it.
    #[error(transparent)]
    Stopped(#[from] Stop),
}

impl ExecuteError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }
}

/// Why an execution was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Stop {
    /// The cancel flag was raised.
    #[error("template execution was cancelled")]
    Cancelled,
    /// More nodes were executed than allowed.
    #[error("template execution took more than {0} steps")]
    Steps(u64),
    /// More output was written than allowed, in bytes.
    #[error("template output is longer than {0} bytes")]
    Output(usize),
    /// Functions that execute templates (such as `tpl`) were nested deeper than allowed.
    #[error("template executions are nested more than {0} deep")]
    Depth(usize),
}

/// A text could not be executed as a template.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// It could not be parsed.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// It could not be executed.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
}

/// A function failed. Go's text for what comes of it is `error calling NAME: TEXT`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CallError {
    /// The function's own message, or that of a template it executed.
    #[error("{0}")]
    Failed(String),
    /// A template that it executed was ended from outside, and so is the one that called it.
    #[error(transparent)]
    Stopped(#[from] Stop),
}

impl CallError {
    /// An error with that message.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// The error with `prefix: ` before its message, as Go's `fmt.Errorf("prefix: %w", err)`.
    pub fn context(self, prefix: impl AsRef<str>) -> Self {
        match self {
            Self::Failed(message) => Self::Failed(format!("{}: {message}", prefix.as_ref())),
            stopped => stopped,
        }
    }
}

impl From<ExecuteError> for CallError {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Failed(text) => Self::Failed(text),
            ExecuteError::Stopped(stop) => Self::Stopped(stop),
        }
    }
}

impl From<TextError> for CallError {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Parse(error) => Self::Failed(error.to_string()),
            TextError::Execute(error) => error.into(),
        }
    }
}

impl From<crate::map::NilMapError> for CallError {
    fn from(error: crate::map::NilMapError) -> Self {
        Self::Failed(error.to_string())
    }
}
