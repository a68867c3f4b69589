//! The command line of Sutler: what is typed comes in, commands of the libraries are called, one printer writes.
//!
//! Exit codes: 0 done (for `plan`: nothing to do), 1 an error (also of usage; for `doctor` and `lint`: something is wrong), 2 for `plan`: there
//! are changes.

mod arguments;
mod choose;
mod commands;
mod failure;
mod interrupt;
mod printer;
mod progress;
mod repositories;
mod terraform;
mod view;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use sutler_helm::StartedAs;

use arguments::{Arguments, Command};
use failure::Failure;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what was asked.
    Done,
    /// `plan`: something would change.
    Changes,
    /// `doctor` and `lint`: something is broken.
    Broken,
}

fn main() -> ExitCode {
    // Helm's command line is not ours: it is read by Helm's rules, and nothing else of this program is built on that way.
    if let Some((started_as, words)) = helm_words(std::env::args_os()) {
        return commands::helm::run(&words, started_as);
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    match run(arguments.command) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Changes) => ExitCode::from(2),
        Ok(Outcome::Broken) => ExitCode::FAILURE,
        Err(failure) => {
            printer::error(failure.error.as_ref(), failure.hint.as_deref());
            ExitCode::FAILURE
        }
    }
}

/// The words for Helm, if the program was started under its name, or as `sutler helm`.
fn helm_words(mut all: impl Iterator<Item = OsString>) -> Option<(StartedAs, Vec<String>)> {
    let program = all.next()?;
    let is_helm = Path::new(&program).file_stem().is_some_and(|name| name == "helm");
    let started_as = if is_helm {
        StartedAs::Helm
    } else if all.next()? == "helm" {
        StartedAs::Sutler
    } else {
        return None;
    };
    Some((started_as, all.map(|word| word.to_string_lossy().into_owned()).collect()))
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
        Command::Helm(helm) => std::process::exit(commands::helm::exit_code(&helm.words, StartedAs::Sutler).into()),
        // No runtime for these: they neither wait nor talk to anything.
        Command::Init(arguments) => commands::init::run(&arguments),
        Command::Up(arguments) => block_on(commands::up::run(&arguments)),
        Command::Plan(arguments) => block_on(commands::plan::run(&arguments)),
        Command::Status(arguments) => block_on(commands::status::run(&arguments)),
        Command::Down(arguments) => block_on(commands::down::run(&arguments)),
        Command::Lint(arguments) => block_on(commands::lint::run(&arguments)),
        Command::Lock(arguments) => commands::lock::run(&arguments),
        Command::Doctor(arguments) => block_on(commands::doctor::run(&arguments)),
        Command::Explain(command) => block_on(commands::explain::run(&command)),
        Command::Kubeconfig(arguments) => block_on(commands::kubeconfig::run(&arguments)),
        Command::ClusterToken(arguments) => block_on(commands::kubeconfig::token(&arguments)),
        Command::Render(arguments) => block_on(commands::render::run(&arguments)),
        Command::Infra(arguments) => commands::infra::run(&arguments),
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
