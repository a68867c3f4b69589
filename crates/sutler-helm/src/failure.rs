//! Why a command failed: Helm's text exactly, and what Sutler can add to it.

use std::error::Error;

/// A command's failure.
///
/// `text` is what Helm prints behind `Error: `, byte for byte. What Sutler knows better goes into `hints`, which are shown below
/// it when the program was started as `sutler helm`, and never when it was started as `helm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Helm's text, without `Error: ` and without the final line feed.
    pub text: String,
    /// Advice, each printed as `hint: …`; a hint may have several lines.
    pub hints: Vec<String>,
    /// The program's exit code: 1, but for plugins, whose own code is passed on.
    pub exit_code: u8,
    /// Whether nothing is printed any more: the command has said all that there is to say.
    pub silent: bool,
}

impl Failure {
    /// A failure with Helm's text and exit code 1.
    pub fn new(text: impl Into<String>) -> Self {
        Failure { text: text.into(), hints: Vec::new(), exit_code: 1, silent: false }
    }

    /// A failure of which nothing is left to say.
    pub fn silent(exit_code: u8) -> Self {
        Failure { text: String::new(), hints: Vec::new(), exit_code, silent: true }
    }

    /// A command that the table has and this build has not.
    pub fn not_available(command: &str) -> Self {
        Failure::new(format!("\"{command}\" is not available in this version of Sutler"))
    }

    /// The same, with one more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same, with words put before the text: `context: text`, as Go wraps errors.
    #[must_use]
    pub fn context(mut self, context: impl AsRef<str>) -> Self {
        self.text = format!("{}: {}", context.as_ref(), self.text);
        self
    }
}

/// An error with its causes, joined by `: ` as Go joins them.
impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::new(sutler_chart::error_chain(&error))
    }
}
