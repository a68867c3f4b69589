//! `helm push`.

use std::path::Path;

use jiff::tz::TimeZone;
use sutler_repository::oci::{PushError, SCHEME};

use crate::command::{Action, Arguments, Command, Completion, Completions, Invocation};
use crate::failure::Failure;
use crate::io::{Io, Variables};
use crate::remote::{Remote, registry_failure};

use super::flag_groups::TRANSPORT;

/// `push`.
pub(super) const COMMAND: Command = Command {
    use_line: "push [chart] [remote]",
    short: "push a chart to a registry",
    long: "Pushes an archive to a registry, and the provenance file beside it where there is one.",
    flags: &[TRANSPORT],
    arguments: Arguments::AtLeast(2),
    action: Action::Run(run),
    complete: Completion::Custom(complete),
    ..Command::EMPTY
};

fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let remote = Remote::of(call, io);
    let client = remote.registry_client(&call.flags)?;
    let mut remarks = String::new();
    let time_zone = time_zone(&io.variables);
    let result = client.push_file(Path::new(&call.arguments[0]), &call.arguments[1], &time_zone, &mut remarks);
    io.remarks(&remarks);
    result.map(drop).map_err(|error| match error {
        PushError::Registry(error) => registry_failure(error),
        error => error.into(),
    })
}

/// The time zone in which the archive's time of change is told, as Go chooses it.
fn time_zone(variables: &Variables) -> TimeZone {
    match variables.get("TZ") {
        None => TimeZone::system(),
        Some(name) => TimeZone::get(name.strip_prefix(':').unwrap_or(name)).unwrap_or(TimeZone::UTC),
    }
}

fn complete(call: &Invocation, _: &str, _: &mut Io<'_>) -> Completions {
    match call.arguments.len() {
        0 => Completions { words: Vec::new(), directive: Completions::DEFAULT },
        1 => Completions { words: vec![SCHEME.to_owned()], directive: Completions::NO_FILES | Completions::NO_SPACE },
        _ => crate::complete::no_more(),
    }
}
