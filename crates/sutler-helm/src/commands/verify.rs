//! `helm verify`.

use std::path::Path;

use sutler_repository::provenance::verify_chart;

use crate::command::{Action, Arguments, Command, Completion, Invocation};
use crate::failure::Failure;
use crate::io::Io;

use super::flag_groups::KEYRING;

/// `verify`.
pub(super) const COMMAND: Command = Command {
    use_line: "verify PATH",
    short: "check a chart's signature",
    long: "Checks that an archive has a provenance file beside it, that a key of the keyring has signed that file, and that the
archive is the one that was signed.

`helm package --sign` makes such files. Commands that fetch charts check them with --verify.",
    flags: &[&[KEYRING]],
    arguments: Arguments::Exactly(1),
    action: Action::Run(run),
    complete: Completion::FilesUpTo(1),
    ..Command::EMPTY
};

fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let archive = &call.arguments[0];
    let provenance = format!("{archive}.prov");
    let keyring = call.flags.text("keyring");
    let verification = verify_chart(Path::new(archive), Path::new(&provenance), Path::new(keyring), io.now)?;
    io.data(verification.to_string());
    Ok(())
}
