//! `helm plugin install`, `list`, `package`, `uninstall`, `update` and `verify`.

use crate::command::{Action, Arguments, Command};
use crate::flag::Flag;
use crate::settings::default_keyring;

use super::flag_groups::{KEYRING, TRANSPORT};

/// `plugin`.
pub(super) const COMMAND: Command = Command {
    use_line: "plugin",
    short: "Helm's plugins",
    long: "Installs, lists, updates and removes Helm's plugins on this machine.",
    subcommands: &[&INSTALL, &LIST, &UNINSTALL, &UPDATE, &PACKAGE, &VERIFY],
    ..Command::EMPTY
};

const INSTALL: Command = Command {
    use_line: "install [options] <path|url>",
    aliases: &["add"],
    short: "install a plugin",
    flags: &[
        TRANSPORT,
        &[
            Flag::text("version", "the plugin's version, or a range; the latest if it is not given"),
            Flag::switch("verify", "check the plugin's signature first").or("true"),
            KEYRING,
        ],
    ],
    arguments: Arguments::Exactly(1),
    action: Action::Run(super::not_available),
    ..Command::EMPTY
};

const LIST: Command = Command {
    use_line: "list",
    aliases: &["ls"],
    short: "list the plugins",
    flags: &[&[Flag::text("type", "only plugins of this type")]],
    action: Action::Run(super::not_available),
    ..Command::EMPTY
};

const PACKAGE: Command = Command {
    use_line: "package [PATH]",
    short: "pack a plugin's folder into an archive",
    flags: &[&[
        Flag::switch("sign", "sign the archive with a private key").or("true"),
        Flag::text("key", "with --sign: the key's name"),
        Flag::text("keyring", "the file of keys").or_else(default_keyring),
        Flag::text("passphrase-file", "the file with the key's passphrase; - reads it from standard input"),
        Flag::text("destination", "the folder to write to").or(".").short('d'),
    ]],
    arguments: Arguments::Exactly(1),
    action: Action::Run(super::not_available),
    ..Command::EMPTY
};

const UNINSTALL: Command = Command {
    use_line: "uninstall <plugin>...",
    aliases: &["rm", "remove"],
    short: "remove plugins",
    action: Action::Run(super::not_available),
    ..Command::EMPTY
};

const UPDATE: Command = Command {
    use_line: "update <plugin>...",
    aliases: &["up"],
    short: "update plugins",
    action: Action::Run(super::not_available),
    ..Command::EMPTY
};

const VERIFY: Command = Command {
    use_line: "verify [PATH]",
    short: "check a plugin's signature",
    flags: &[&[KEYRING]],
    arguments: Arguments::Exactly(1),
    action: Action::Run(super::not_available),
    ..Command::EMPTY
};
