//! `helm completion`.

use crate::command::{Action, Arguments, Command, Completion};
use crate::flag::Flag;

/// `completion`.
pub(super) const COMMAND: Command = Command {
    use_line: "completion",
    short: "scripts that complete commands in a shell",
    arguments: Arguments::None,
    subcommands: &[&BASH, &ZSH, &FISH, &POWERSHELL],
    ..Command::EMPTY
};

const SHELL: Command = Command {
    flags: &[&[Flag::switch("no-descriptions", "complete without descriptions")]],
    arguments: Arguments::None,
    action: Action::Run(super::not_available),
    complete: Completion::Nothing,
    ..Command::EMPTY
};

const BASH: Command = Command { use_line: "bash", short: "the script for bash", ..SHELL };
const ZSH: Command = Command { use_line: "zsh", short: "the script for zsh", ..SHELL };
const FISH: Command = Command { use_line: "fish", short: "the script for fish", ..SHELL };
const POWERSHELL: Command = Command { use_line: "powershell", short: "the script for PowerShell", ..SHELL };
