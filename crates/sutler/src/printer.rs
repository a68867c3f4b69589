//! The one place that writes: data on stdout, everything else on stderr.
//!
//! A reader that goes away (`sutler plan | head`) ends the program quietly.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the printer")]

use std::error::Error;
use std::io::{self, IsTerminal, Write};

/// Writes data to stdout.
pub(crate) fn data(text: &str) {
    write(&mut io::stdout().lock(), text);
}

/// Writes a line of data to stdout.
pub(crate) fn line(text: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    write(&mut out, text.as_ref());
    write(&mut out, "\n");
}

/// Writes a line to stderr.
pub(crate) fn note(text: impl AsRef<str>) {
    let mut out = io::stderr().lock();
    write(&mut out, text.as_ref());
    write(&mut out, "\n");
}

/// Writes an error with its causes, each once, and its hint apart.
pub(crate) fn error(error: &(dyn Error + 'static), hint: Option<&str>) {
    note(format!("error: {}", chain(error)));
    if let Some(hint) = hint {
        note(format!("hint: {hint}"));
    }
}

/// An error and its causes in one text. A cause whose text its parent already carries is not said again.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(found) = cause {
        let next = found.to_string();
        if !next.is_empty() && !text.contains(&next) {
            text.push_str("\n  caused by: ");
            text.push_str(&next.replace('\n', "\n  "));
        }
        cause = found.source();
    }
    text
}

/// Asks a question that is answered by `yes` or `y`. Without a terminal the answer is no.
pub(crate) fn asks(question: &str) -> bool {
    if !io::stdin().is_terminal() {
        return false;
    }
    let mut out = io::stderr().lock();
    write(&mut out, &format!("{question} [y/N] "));
    drop(out.flush());
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes")
}

/// Whether a person can be asked.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn write(out: &mut impl Write, text: &str) {
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Nobody reads any more: what could be said of it would not be read either.
        std::process::exit(if error.kind() == io::ErrorKind::BrokenPipe { 0 } else { 1 });
    }
}
