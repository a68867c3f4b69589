//! `helm lint`.

use crate::command::{Action, Arguments, Command};
use crate::flag::Flag;

use super::flag_groups::VALUES;

/// `lint`.
pub(super) const COMMAND: Command = Command {
    use_line: "lint PATH",
    short: "look for mistakes in a chart",
    flags: &[
        VALUES,
        &[
            Flag::switch("strict", "warnings are failures"),
            Flag::switch("with-subcharts", "subcharts too"),
            Flag::switch("quiet", "print only warnings and errors"),
            Flag::switch("skip-schema-validation", "do not check the values against the charts' schemas"),
            Flag::text("kube-version", "the version of Kubernetes to look for deprecations by"),
        ],
    ],
    arguments: Arguments::AtLeast(1),
    action: Action::Run(super::not_available),
    ..Command::EMPTY
};
