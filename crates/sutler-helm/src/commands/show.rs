//! `helm show all`, `chart`, `crds`, `readme` and `values`.

use crate::command::{Action, Arguments, Command, Completion};
use crate::complete;
use crate::flag::Flag;

use super::flag_groups::{CHART, DEVEL, TRANSPORT, VERIFY};

/// `show`.
pub(super) const COMMAND: Command = Command {
    use_line: "show",
    aliases: &["inspect"],
    short: "show what a chart holds",
    arguments: Arguments::None,
    subcommands: &[&ALL, &VALUES, &CHART_COMMAND, &README, &CRDS],
    ..Command::EMPTY
};

const PART: Command = Command {
    flags: &[CHART, TRANSPORT, VERIFY, DEVEL],
    arguments: Arguments::Exactly(1),
    action: Action::Run(super::not_available),
    complete: Completion::Custom(complete::complete_one_chart),
    ..Command::EMPTY
};

const ALL: Command = Command { use_line: "all [CHART]", short: "everything about a chart", ..PART };
const CHART_COMMAND: Command = Command { use_line: "chart [CHART]", short: "a chart's Chart.yaml", ..PART };
const CRDS: Command = Command { use_line: "crds [CHART]", short: "a chart's CustomResourceDefinitions", ..PART };
const README: Command = Command { use_line: "readme [CHART]", short: "a chart's README", ..PART };
const VALUES: Command = Command {
    use_line: "values [CHART]",
    short: "a chart's values",
    flags: &[CHART, TRANSPORT, VERIFY, DEVEL, &[Flag::text("jsonpath", "a JSONPath expression for the output")]],
    ..PART
};
