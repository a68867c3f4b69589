//! Errors of parsing and executing. Their texts are Go's, which contain the text of their cause: template errors are
//! matched and rewritten by text in Helm, so the text is the interface there. For programs the same is here as data: where
//! it was ([`Location`]), through which templates it came ([`Failure::chain`]), and what was wrong ([`Failure::message`]).

use thiserror::Error;

use crate::text::Str;

/// A template could not be parsed. The text is Go's: `template: NAME:LINE: MESSAGE`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("template: {name}:{line}: {message}")]
pub struct ParseError {
    name: Str,
    line: usize,
    message: String,
}

impl ParseError {
    pub(crate) fn new(name: Str, line: usize, message: String) -> Self {
        Self { name, line, message }
    }

    /// The name that the text was parsed under.
    pub fn name(&self) -> &Str {
        &self.name
    }

    /// The line, from 1, of the last token that was read: where the error is, or right after it.
    pub fn line(&self) -> usize {
        self.line
    }

    /// What is wrong, in Go's words, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// A place in a template that was being executed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// The template: `web.labels`, or a file's own name.
    pub template: Str,
    /// The name of the text that it stands in, which for charts is a path: `web/templates/_helpers.tpl`.
    pub file: Str,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 0, as Go counts.
    pub column: usize,
    /// The action or part of one, as Go prints it: `.Values.image.tag`, `include "web.labels" .`.
    pub node: String,
}

/// What a template or a function in it could not do. The display is Go's text, which repeats the whole chain.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", .0.text)]
pub struct Failure(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    text: String,
    chain: Vec<Location>,
    /// None where it is the text.
    message: Option<String>,
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Box::new(Parts { text: text.into(), chain: Vec::new(), message: None }))
    }

    /// `message` at a place, with its text as Go has it.
    pub(crate) fn at(place: Location, message: String, text: String) -> Self {
        Self(Box::new(Parts { text, chain: vec![place], message: Some(message) }))
    }

    /// This failure as the place that called the function sees it.
    pub(crate) fn passed_on(self, place: Location, text: String) -> Self {
        let Parts { text: own, mut chain, message } = *self.0;
        chain.insert(0, place);
        Self(Box::new(Parts { text, chain, message: Some(message.unwrap_or(own)) }))
    }

    /// Where it happened: first the template that was executed, last the place of the failure itself. More than one where
    /// functions such as `include` and `tpl` executed templates; empty where nothing was being executed yet.
    pub fn chain(&self) -> &[Location] {
        &self.0.chain
    }

    /// The place of the failure itself, the last of the chain.
    pub fn location(&self) -> Option<&Location> {
        self.0.chain.last()
    }

    /// What is wrong, without places: `nil pointer evaluating interface {}.tag`, or a function's own words.
    pub fn message(&self) -> &str {
        self.0.message.as_deref().unwrap_or(&self.0.text)
    }
}

/// A template could not be executed to its end: by its own fault or by the caller's wish; there is no third way.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExecuteError {
    /// The template is at fault. The text is Go's:
    /// `template: NAME:LINE:COLUMN: executing "NAME" at <NODE>: MESSAGE`.
    #[error(transparent)]
    Failed(Failure),
    /// The caller's limits or its wish to stop ended it.
    #[error(transparent)]
    Stopped(#[from] Stop),
}

impl ExecuteError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::Failed(Failure::new(text))
    }

    /// What failed; none where the execution was ended from outside.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            Self::Stopped(_) => None,
        }
    }
}

/// Why an execution was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Stop {
    /// The cancel flag was raised.
    #[error("template execution was cancelled")]
    Cancelled,
    /// The deadline has passed.
    #[error("template execution took longer than allowed")]
    Deadline,
    /// More nodes were executed than allowed.
    #[error("template execution took more than {0} steps")]
    Steps(u64),
    /// More was written and made than allowed, in bytes.
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
    #[error(transparent)]
    Failed(Failure),
    /// A template that it executed was ended from outside, and so is the one that called it.
    #[error(transparent)]
    Stopped(#[from] Stop),
}

impl CallError {
    /// An error with that message.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Failed(Failure::new(message))
    }

    /// The error with `prefix: ` before its text, as Go's `fmt.Errorf("prefix: %w", err)`.
    #[must_use]
    pub fn context(self, prefix: impl AsRef<str>) -> Self {
        match self {
            Self::Failed(mut failure) => {
                let text = format!("{}: {}", prefix.as_ref(), failure.0.text);
                // Without a chain the text is the function's own, and what stands before it is a part of that.
                let own = std::mem::replace(&mut failure.0.text, text);
                if !failure.0.chain.is_empty() {
                    failure.0.message.get_or_insert(own);
                }
                Self::Failed(failure)
            }
            stopped => stopped,
        }
    }
}

impl From<ExecuteError> for CallError {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Failed(failure) => Self::Failed(failure),
            ExecuteError::Stopped(stop) => Self::Stopped(stop),
        }
    }
}

impl From<TextError> for CallError {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Parse(error) => Self::new(error.to_string()),
            TextError::Execute(error) => error.into(),
        }
    }
}

impl From<crate::map::NilMapError> for CallError {
    fn from(error: crate::map::NilMapError) -> Self {
        Self::new(error.to_string())
    }
}
