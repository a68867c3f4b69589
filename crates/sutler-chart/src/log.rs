//! What Helm says on the side while it loads and renders: one line a remark, on stderr, in the form of Go's `slog` text handler.
//!
//! The engine of this crate never prints: remarks are collected and handed back with the result.

use std::fmt;

use crate::compat::{self, Compatibility};
use crate::text::{go_quoted, is_printable, is_space};

/// How important a remark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What happens, step by step; printed only where it was asked for (`--debug`).
    Debug,
    /// Good to know.
    Info,
    /// Probably not what was meant.
    Warn,
    /// Said in addition to the error that follows.
    Error,
}

/// One remark. Its [`Display`](fmt::Display) is the line that Helm prints: `level=WARN msg="this chart is deprecated"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// How important it is.
    pub level: Level,
    /// What is said.
    pub message: String,
    /// Named details, in order.
    pub details: Vec<(&'static str, String)>,
}

/// The name of the one detail that is bytes, no text.
const BYTES: &str = "schema";

impl Remark {
    pub(crate) fn new(level: Level, message: impl Into<String>, details: Vec<(&'static str, String)>) -> Remark {
        Remark { level, message: message.into(), details }
    }
}

impl Remark {
    /// The line that a Helm prints for it; none where that Helm says nothing.
    pub fn line(&self, compatibility: Compatibility) -> Option<String> {
        match compatibility {
            Compatibility::V4 => Some(self.to_string()),
            Compatibility::V3 => compat::line(self),
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Debug => "DEBUG",
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
        };
        write!(f, "level={level} msg={}", field(&self.message))?;
        for (name, value) in &self.details {
            // What Go holds as bytes, `slog` quotes always.
            let value = if *name == BYTES { go_quoted(value) } else { field(value) };
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}

/// A field as `slog` prints it: quoted when empty or when it holds a space, a quote, `=` or what is not printable.
fn field(text: &str) -> String {
    let plain = !text.is_empty()
        && text.chars().all(|c| !is_space(c) && is_printable(c) && !matches!(c, '"' | '=' | '\u{fffd}'));
    if plain { text.to_owned() } else { go_quoted(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_print_as_slog_lines() {
        let remark =
            Remark::new(Level::Warn, "returned non-bool value", vec![("path", "a.b".into()), ("chart", "x y".into())]);
        assert_eq!(remark.to_string(), "level=WARN msg=\"returned non-bool value\" path=a.b chart=\"x y\"");
        assert_eq!(Remark::new(Level::Info, "", vec![]).to_string(), "level=INFO msg=\"\"");
        let bytes = Remark::new(Level::Debug, "read", vec![("schema", "true".into())]);
        assert_eq!(bytes.to_string(), "level=DEBUG msg=read schema=\"true\"");
    }
}
