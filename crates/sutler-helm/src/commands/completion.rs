//! `helm completion`: scripts that make a shell ask `helm __complete`.

use crate::command::{Action, Arguments, Command, Completion, Invocation};
use crate::failure::Failure;
use crate::flag::Flag;
use crate::io::Io;

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
    complete: Completion::NothingAfter(0),
    ..Command::EMPTY
};

const BASH: Command = Command {
    use_line: "bash",
    short: "the script for bash",
    long: "Prints the script for bash: `source <(helm completion bash)`.",
    action: Action::Run(|call, io| print(include_str!("completion/helm.bash"), call, io)),
    ..SHELL
};
const ZSH: Command = Command {
    use_line: "zsh",
    short: "the script for zsh",
    long: "Prints the script for zsh: `source <(helm completion zsh)`, or a file `_helm` in a folder of $fpath.",
    action: Action::Run(|call, io| print(include_str!("completion/helm.zsh"), call, io)),
    ..SHELL
};
const FISH: Command = Command {
    use_line: "fish",
    short: "the script for fish",
    long: "Prints the script for fish: `helm completion fish | source`.",
    action: Action::Run(|call, io| print(include_str!("completion/helm.fish"), call, io)),
    ..SHELL
};
const POWERSHELL: Command = Command {
    use_line: "powershell",
    short: "the script for PowerShell",
    long: "Prints the script for PowerShell: `helm completion powershell | Out-String | Invoke-Expression`.",
    action: Action::Run(|call, io| print(include_str!("completion/helm.ps1"), call, io)),
    ..SHELL
};

/// The scripts are written for descriptions; without them they ask the other hidden command.
fn print(script: &str, call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    if call.flags.is_on("no-descriptions") {
        io.data(script.replace("__complete", "__completeNoDesc"));
    } else {
        io.data(script);
    }
    Ok(())
}
