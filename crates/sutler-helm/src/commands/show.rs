//! `helm show all`, `chart`, `crds`, `readme` and `values`.

use sutler_chart::show::{Part, show_as};
use sutler_chart::{Chart, Compatibility};

use crate::command::{Action, Arguments, Command, Completion, Invocation};
use crate::complete;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::io::Io;
use crate::remote::locate_chart;

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
    complete: Completion::Custom(complete::complete_one_chart),
    ..Command::EMPTY
};

const ALL: Command = Command {
    use_line: "all [CHART]",
    short: "everything about a chart",
    action: Action::Run(|call, io| run(Part::All, call, io)),
    ..PART
};
const CHART_COMMAND: Command = Command {
    use_line: "chart [CHART]",
    short: "a chart's Chart.yaml",
    action: Action::Run(|call, io| run(Part::Chart, call, io)),
    ..PART
};
const CRDS: Command = Command {
    use_line: "crds [CHART]",
    short: "a chart's CustomResourceDefinitions",
    action: Action::Run(|call, io| run(Part::Crds, call, io)),
    ..PART
};
const README: Command = Command {
    use_line: "readme [CHART]",
    short: "a chart's README",
    action: Action::Run(|call, io| run(Part::Readme, call, io)),
    ..PART
};
const VALUES: Command = Command {
    use_line: "values [CHART]",
    short: "a chart's values",
    flags: &[CHART, TRANSPORT, VERIFY, DEVEL, &[Flag::text("jsonpath", "a JSONPath expression for the output")]],
    action: Action::Run(|call, io| run(Part::Values, call, io)),
    ..PART
};

fn run(part: Part, call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let reference = call.arguments[0].trim();
    let flags = &call.flags;
    call.debug(io, "original chart version", &[("version", flags.text("version").to_owned())]);
    if flags.text("version").is_empty() && flags.is_on("devel") {
        call.debug(io, "setting version to >0.0.0-0", &[]);
    }
    let path = locate_chart(call, io, reference)?;
    let mut remarks = Vec::new();
    let (path, compatibility) = (path.display().to_string(), call.settings.compatibility);
    let chart = match compatibility {
        Compatibility::V4 => Chart::find_of_any_version(&path, &mut remarks),
        Compatibility::V3 => Chart::find_as(&path, compatibility, &mut remarks),
    };
    remarks.iter().for_each(|remark| io.remark(remark));
    let template = if part == Part::Values { flags.text("jsonpath") } else { "" };
    let shown = show_as(&chart?, part, template, compatibility)?;
    io.bytes(&shown);
    Ok(())
}
