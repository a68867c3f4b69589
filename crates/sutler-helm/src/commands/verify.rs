//! `helm verify`.

use crate::command::{Action, Arguments, Command};

use super::flag_groups::KEYRING;

/// `verify`.
pub(super) const COMMAND: Command = Command {
    use_line: "verify PATH",
    short: "check a chart's signature",
    flags: &[&[KEYRING]],
    arguments: Arguments::Exactly(1),
    action: Action::Run(super::not_available),
    ..Command::EMPTY
};
