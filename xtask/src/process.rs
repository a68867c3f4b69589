//! Running other programs: what failed is said with the command line and the end of what it printed.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A command line as one would type it, for messages.
pub(crate) fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

/// Runs with output to the terminal; an error unless it ends with 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("could not start `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs and returns stdout; an error, with the last lines of stderr, unless it ends with 0.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let found =
        command.stdin(Stdio::null()).output().with_context(|| format!("could not start `{}`", shown(command)))?;
    if !found.status.success() {
        let errors = String::from_utf8_lossy(&found.stderr).into_owned();
        bail!("`{}` ended with {}:\n{}", shown(command), found.status, last_lines(&errors, 15));
    }
    Ok(String::from_utf8_lossy(&found.stdout).into_owned())
}

/// Whether a program of this name answers on PATH.
pub(crate) fn is_there(program: &str, probe: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(probe).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The last `count` lines of a text.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// The cargo that runs us, of the toolchain that the repository names; not the one that compiled us, which may be another
/// clone's.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
