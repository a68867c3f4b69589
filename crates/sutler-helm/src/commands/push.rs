//! `helm push`.

use crate::command::{Action, Arguments, Command};

use super::flag_groups::TRANSPORT;

/// `push`.
pub(super) const COMMAND: Command = Command {
    use_line: "push [chart] [remote]",
    short: "push a chart to a registry",
    flags: &[TRANSPORT],
    arguments: Arguments::AtLeast(2),
    action: Action::Run(super::not_available),
    ..Command::EMPTY
};
