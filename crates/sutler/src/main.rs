//! The command line of Sutler: what is typed comes in, commands of the libraries are called, one printer writes.
//!
//! Exit codes: 0 done (for `plan`: nothing to do), 1 an error (also of usage), 2 for `plan`: there are changes.

mod arguments;
mod choose;
mod commands;
mod failure;
mod printer;
mod progress;
mod view;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use arguments::{Arguments, Command};
use failure::Failure;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what was asked.
    Done,
    /// `plan`: something would change.
    Changes,
    /// It failed, and has said so in its own way (Helm's).
    Failed,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    match run(arguments.command) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Changes) => ExitCode::from(2),
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(failure) => {
            printer::error(failure.error.as_ref(), failure.hint.as_deref());
            ExitCode::FAILURE
        }
    }
}

/// Help and version go to stdout and are no error; everything else is told on stderr.
fn usage(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            printer::data(&error.to_string());
            ExitCode::SUCCESS
        }
        _ => {
            printer::note(error.to_string().trim_end());
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<Outcome, Failure> {
    match command {
        // No runtime for these: they neither wait nor talk to anything.
        Command::Init(arguments) => commands::init::run(&arguments),
        Command::Helm(helm) => commands::helm::run(*helm),
        Command::Up(arguments) => block_on(commands::up::run(&arguments)),
        Command::Plan(arguments) => block_on(commands::plan::run(&arguments)),
        Command::Status(arguments) => block_on(commands::status::run(&arguments)),
        Command::Down(arguments) => block_on(commands::down::run(&arguments)),
        Command::Render(arguments) => block_on(commands::render::run(&arguments)),
        Command::Ray(arguments) => block_on(commands::ray::run(&arguments)),
        Command::Simulator(arguments) => block_on(commands::simulator::run(&arguments)),
    }
}

/// The one runtime of a run.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(anyhow::Error::from(error).context("cannot start")))?;
    runtime.block_on(work)
}
