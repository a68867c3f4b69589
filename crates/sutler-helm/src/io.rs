//! What a command has of the outside: its streams, the folder it was started in, variables, the time and a random seed.
//!
//! Files are read and written by the commands themselves; everything else comes through here, so that a command can be tried in a
//! test as it runs in the program.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use sutler_chart::{Compatibility, Level, Remark};

/// Variables of the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// The value of a variable that is set, be it empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a variable that is set to something.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Variables(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// The outside of a command.
pub struct Io<'io> {
    /// Standard input.
    pub stdin: &'io mut dyn Read,
    /// Standard output: data.
    pub stdout: &'io mut dyn Write,
    /// Standard error: notes, warnings, errors.
    pub stderr: &'io mut dyn Write,
    /// The folder that the program was started in: absolute.
    pub folder: PathBuf,
    /// The program's own path, as `os.Args[0]` has it (`HELM_BIN`).
    pub program: String,
    /// The environment.
    pub variables: Variables,
    /// Now.
    pub now: Timestamp,
    /// Random bytes of this run, from which everything random is drawn.
    pub seed: [u8; 32],
    /// Whose log this is; [`run`](crate::run) sets it from what was typed.
    pub compatibility: Compatibility,
}

impl Io<'_> {
    /// Writes out what was held back, before a program writes to the same streams.
    pub fn flush(&mut self) {
        drop(self.stdout.flush());
        drop(self.stderr.flush());
    }

    /// Writes data to standard output. A reader that went away is no error: nothing could be said of it to anybody.
    pub fn data(&mut self, text: impl AsRef<str>) {
        drop(self.stdout.write_all(text.as_ref().as_bytes()));
    }

    /// Writes data that need not be text to standard output.
    pub fn bytes(&mut self, bytes: &[u8]) {
        drop(self.stdout.write_all(bytes));
    }

    /// Writes a line of data to standard output.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.data(text);
        self.data("\n");
    }

    /// Writes a line to standard error.
    pub fn note(&mut self, text: impl AsRef<str>) {
        let text = text.as_ref();
        drop(self.stderr.write_all(format!("{text}\n").as_bytes()));
    }

    /// Writes lines to standard error that end as they should.
    pub fn remarks(&mut self, text: impl AsRef<str>) {
        drop(self.stderr.write_all(text.as_ref().as_bytes()));
    }

    /// Writes a line of the log, in the form of Go's `slog` text handler: `level=WARN msg="…" name=value`.
    pub fn log(&mut self, level: Level, message: &str, details: &[(&'static str, String)]) {
        self.remark(&Remark { level, message: message.to_owned(), details: details.to_vec() });
    }

    /// Writes a line of the log as the Helm that is mirrored writes it, if it does.
    pub fn remark(&mut self, remark: &Remark) {
        if let Some(line) = remark.line(self.compatibility) {
            self.note(line);
        }
    }

    /// Warns, in the log.
    pub fn warn(&mut self, message: &str, details: &[(&'static str, String)]) {
        self.log(Level::Warn, message, details);
    }

    /// Reads standard input to its end.
    ///
    /// # Errors
    /// Whatever the system says, as Go tells it.
    pub fn read_stdin(&mut self) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        match self.stdin.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(format!("read /dev/stdin: {error}")),
        }
    }
}

/// What repositories say goes to the streams: progress to standard output, the log to standard error.
impl sutler_repository::Notes for Io<'_> {
    fn print(&mut self, text: &str) {
        self.data(text);
    }

    fn remark(&mut self, remark: Remark) {
        Io::remark(self, &remark);
    }

    fn note(&mut self, text: &str) {
        self.remarks(text);
    }
}
