//! The values that `-f` and `--set` and its kin give, for commands that take them.

use sutler_chart::{FileError, ValuesFile, ValuesOptions};
use sutler_template::Value;

use crate::command::Invocation;
use crate::failure::Failure;
use crate::io::Io;

/// The user's values, files read and all of it merged.
///
/// # Errors
/// The first file that cannot be read, or text that cannot be understood, in Helm's order.
pub(super) fn merged(call: &Invocation, io: &mut Io<'_>) -> Result<Value, Failure> {
    let texts = |name: &str| call.flags.texts(name).to_vec();
    let mut values = ValuesOptions::default();
    for name in texts("values") {
        match read(&name, io) {
            Ok(text) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                values.files.push(ValuesFile { name, text });
            }
            Err(problem) => {
                // Helm reads file by file: what is wrong in an earlier one goes first.
                values.merge()?;
                return Err(Failure::new(problem));
            }
        }
    }
    values.set_json = texts("set-json");
    values.set = texts("set");
    values.set_string = texts("set-string");
    values.set_file = texts("set-file");
    values.set_literal = texts("set-literal");
    Ok(values.merge_reading(&mut |path| read(path, io))?)
}

/// Reads a file, or standard input for `-`; the message is Go's.
fn read(path: &str, io: &mut Io<'_>) -> Result<Vec<u8>, String> {
    if path.trim() == "-" {
        return io.read_stdin();
    }
    std::fs::read(path).map_err(|error| file_error("open", path, error).to_string())
}

/// What the system said of a path, as Go tells it.
pub(super) fn file_error(action: &'static str, path: &str, error: std::io::Error) -> FileError {
    // Go opens a folder, and fails when it reads.
    let action = if error.kind() == std::io::ErrorKind::IsADirectory && action == "open" { "read" } else { action };
    FileError { action, path: path.to_owned(), error }
}
