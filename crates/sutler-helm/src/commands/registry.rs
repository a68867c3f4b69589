//! `helm registry login` and `logout`.

use crate::command::{Action, Arguments, Command, Completion};
use crate::flag::Flag;

/// `registry`.
pub(super) const COMMAND: Command = Command {
    use_line: "registry",
    short: "log in to a registry, and out",
    subcommands: &[&LOGIN, &LOGOUT],
    ..Command::EMPTY
};

const LOGIN: Command = Command {
    use_line: "login [host]",
    short: "log in to a registry",
    flags: &[&[
        Flag::text("username", "the user's name").short('u'),
        Flag::text("password", "the user's password or token").short('p'),
        Flag::switch("password-stdin", "read the password or token from standard input"),
        Flag::switch("insecure", "let the connection be not safe"),
        Flag::text("cert-file", "the file with this client's certificate"),
        Flag::text("key-file", "the file with this client's key"),
        Flag::text("ca-file", "the file with the authorities that may sign the server's certificate"),
        Flag::switch("plain-http", "talk HTTP without TLS"),
    ]],
    arguments: Arguments::AtLeast(1),
    action: Action::Run(super::not_available),
    complete: Completion::Nothing,
    ..Command::EMPTY
};

const LOGOUT: Command = Command {
    use_line: "logout [host]",
    short: "log out of a registry",
    arguments: Arguments::AtLeast(1),
    action: Action::Run(super::not_available),
    complete: Completion::Nothing,
    ..Command::EMPTY
};
