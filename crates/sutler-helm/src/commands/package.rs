//! `helm package`.

use crate::command::{Action, Arguments, Command};
use crate::flag::Flag;
use crate::settings::default_keyring;

use super::flag_groups::TRANSPORT;

/// `package`.
pub(super) const COMMAND: Command = Command {
    use_line: "package [CHART_PATH] [...]",
    short: "pack a chart's folder into an archive",
    flags: &[
        TRANSPORT,
        &[
            Flag::switch("sign", "sign the archive with a private key"),
            Flag::text("key", "with --sign: the key's name"),
            Flag::text("keyring", "the file of keys").or_else(default_keyring),
            Flag::text("passphrase-file", "the file with the key's passphrase; - reads it from standard input"),
            Flag::text("version", "the chart's version, instead of its own"),
            Flag::text("app-version", "the application's version, instead of the chart's"),
            Flag::text("destination", "the folder to write to").or(".").short('d'),
            Flag::switch("dependency-update", "fetch the dependencies first, by `helm dependency update`").short('u'),
        ],
    ],
    arguments: Arguments::Any,
    action: Action::Run(super::not_available),
    ..Command::EMPTY
};
