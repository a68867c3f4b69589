//! `helm search hub` and `repo`.

use crate::command::{Action, Command};
use crate::flag::Flag;

use super::flag_groups::column_width;

/// `search`.
pub(super) const COMMAND: Command = Command {
    use_line: "search [keyword]",
    short: "look for charts",
    long: "Looks for charts in the repositories that were added, or in the Artifact Hub.",
    subcommands: &[&HUB, &REPO],
    ..Command::EMPTY
};

const HUB: Command = Command {
    use_line: "hub [KEYWORD]",
    short: "look for charts in the Artifact Hub, or in a hub of your own",
    flags: &[&[
        Flag::text("endpoint", "the hub to ask").or("https://hub.helm.sh"),
        column_width("50"),
        Flag::switch("list-repo-url", "show the URLs of the charts' repositories"),
        NONE_FAILS,
        Flag::format(),
    ]],
    action: Action::Run(super::not_available),
    ..Command::EMPTY
};

const REPO: Command = Command {
    use_line: "repo [keyword]",
    short: "look for charts in the repositories that were added",
    flags: &[&[
        Flag::switch("regexp", "the keyword is a regular expression").short('r'),
        Flag::switch("versions", "all versions, not only the latest").short('l'),
        Flag::switch("devel", "versions under development too, as --version '>0.0.0-0'"),
        Flag::text("version", "a range of versions"),
        column_width("50"),
        NONE_FAILS,
        Flag::format(),
    ]],
    action: Action::Run(super::not_available),
    ..Command::EMPTY
};

const NONE_FAILS: Flag = Flag::switch("fail-on-no-result", "finding nothing is a failure");
