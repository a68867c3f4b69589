//! `helm dependency build`, `list` and `update`.

use crate::command::{Action, Arguments, Command};
use crate::flag::Flag;

use super::flag_groups::{TRANSPORT, VERIFY, column_width};

/// `dependency`.
pub(super) const COMMAND: Command = Command {
    use_line: "dependency update|build|list",
    aliases: &["dep", "dependencies"],
    short: "a chart's dependencies",
    long: "Lists, fetches and updates the charts that a chart's Chart.yaml names as its dependencies.",
    arguments: Arguments::None,
    subcommands: &[&LIST, &UPDATE, &BUILD],
    ..Command::EMPTY
};

const LIST: Command = Command {
    use_line: "list CHART",
    aliases: &["ls"],
    short: "list a chart's dependencies",
    flags: &[&[column_width("80")]],
    arguments: Arguments::AtMost(1),
    action: Action::Run(super::not_available),
    ..Command::EMPTY
};

const UPDATE: Command = Command {
    use_line: "update CHART",
    aliases: &["up"],
    short: "fetch into charts/ what Chart.yaml names, and write Chart.lock",
    flags: &[VERIFY, TRANSPORT, &[SKIP_REFRESH]],
    arguments: Arguments::AtMost(1),
    action: Action::Run(super::not_available),
    ..Command::EMPTY
};

const BUILD: Command = Command {
    use_line: "build CHART",
    short: "fetch into charts/ what Chart.lock names",
    flags: &[VERIFY, TRANSPORT, &[SKIP_REFRESH]],
    arguments: Arguments::AtMost(1),
    action: Action::Run(super::not_available),
    ..Command::EMPTY
};

const SKIP_REFRESH: Flag = Flag::switch("skip-refresh", "use the cached repository indexes as they are");
