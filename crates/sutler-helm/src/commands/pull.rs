//! `helm pull`.

use crate::command::{Action, Arguments, Command, Completion};
use crate::complete;
use crate::flag::Flag;

use super::flag_groups::{CHART, DEVEL, TRANSPORT, VERIFY};

/// `pull`.
pub(super) const COMMAND: Command = Command {
    use_line: "pull [chart URL | repo/chartname] [...]",
    aliases: &["fetch"],
    short: "fetch a chart, and unpack it if wanted",
    flags: &[
        CHART,
        TRANSPORT,
        VERIFY,
        DEVEL,
        &[
            Flag::switch("untar", "unpack the chart"),
            Flag::switch("prov", "fetch the signature too, without checking it"),
            Flag::text("untardir", "with --untar: the folder to unpack into").or("."),
            Flag::text("destination", "the folder to write to; with --untardir, that one is below it")
                .or(".")
                .short('d'),
        ],
    ],
    arguments: Arguments::AtLeast(1),
    action: Action::Run(super::not_available),
    complete: Completion::Custom(complete::complete_remote_chart),
    ..Command::EMPTY
};
