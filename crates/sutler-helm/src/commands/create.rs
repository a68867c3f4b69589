//! `helm create`.

use crate::command::{Action, Arguments, Command, Completion};
use crate::flag::Flag;

/// `create`.
pub(super) const COMMAND: Command = Command {
    use_line: "create NAME",
    short: "make a new chart with the given name",
    flags: &[&[Flag::text("starter", "the starter to begin with: its name, or its path").short('p')]],
    arguments: Arguments::Exactly(1),
    action: Action::Run(super::not_available),
    complete: Completion::FilesUpTo(1),
    ..Command::EMPTY
};
