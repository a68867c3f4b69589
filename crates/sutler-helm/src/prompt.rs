//! Asking a person, in Helm's way: the question goes to standard output, the answer comes from standard input.

use std::io::IsTerminal as _;
use std::process::{Command, Stdio};

use crate::io::Io;

/// What the system says of a terminal that is none.
const NO_TERMINAL: &str = "inappropriate ioctl for device";

/// Asks for a line; what is typed can be read. A line that does not come is `EOF`.
pub(crate) fn line(io: &mut Io<'_>, question: &str) -> Result<String, String> {
    ask(io, question);
    read_line(io)
}

/// Asks for a secret: the terminal does not show it. Without a terminal nobody is asked.
pub(crate) fn secret(io: &mut Io<'_>, question: &str) -> Result<String, String> {
    ask(io, question);
    if !std::io::stdin().is_terminal() || !set_echo(false) {
        return Err(NO_TERMINAL.to_owned());
    }
    let answer = read_line(io);
    set_echo(true);
    answer
}

/// Whether standard input is a pipe, the only kind that Helm reads a passphrase from.
pub(crate) fn is_piped() -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        std::fs::metadata("/dev/stdin").is_ok_and(|found| found.file_type().is_fifo())
    }
    #[cfg(not(unix))]
    {
        !std::io::stdin().is_terminal()
    }
}

/// Prints the question, and sees to it that it is there before the answer.
fn ask(io: &mut Io<'_>, question: &str) {
    io.data(question);
    drop(io.stdout.flush());
}

/// Has the terminal show what is typed, or not. It is the system's own program that does so: this one calls nothing unsafe.
fn set_echo(on: bool) -> bool {
    let mode = if on { "echo" } else { "-echo" };
    let done =
        Command::new("stty").arg(mode).stdin(Stdio::inherit()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}

/// A line without its end. Byte by byte: what follows belongs to whoever reads next.
fn read_line(io: &mut Io<'_>) -> Result<String, String> {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        match io.stdin.read(&mut byte) {
            Ok(0) if line.is_empty() => return Err("EOF".to_owned()),
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("read /dev/stdin: {}", sutler_chart::io_message(&error))),
        }
    }
    if line.ends_with(b"\r") {
        line.pop();
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}
