//! `helm repo add`, `index`, `list`, `remove` and `update`.

use crate::command::{Action, Arguments, Command, Completion};
use crate::complete;
use crate::flag::Flag;

/// `repo`.
pub(super) const COMMAND: Command = Command {
    use_line: "repo add|remove|list|index|update [ARGS]",
    short: "repositories of charts",
    long: "Adds, lists, updates and removes repositories of charts, and writes their index files.",
    arguments: Arguments::None,
    subcommands: &[&ADD, &LIST, &REMOVE, &INDEX, &UPDATE],
    ..Command::EMPTY
};

const ADD: Command = Command {
    use_line: "add [NAME] [URL]",
    short: "add a repository",
    flags: &[&[
        Flag::text("username", "the user's name at the repository"),
        Flag::text("password", "the user's password at the repository"),
        Flag::switch("password-stdin", "read the password from standard input"),
        Flag::switch("force-update", "replace a repository of that name"),
        Flag::text("cert-file", "the file with this client's certificate"),
        Flag::text("key-file", "the file with this client's key"),
        Flag::text("ca-file", "the file with the authorities that may sign the server's certificate"),
        Flag::switch("insecure-skip-tls-verify", "do not check the server's certificate"),
        Flag::switch("allow-deprecated-repos", "take the URLs of official repositories that are gone, too"),
        Flag::switch("pass-credentials", "send the credentials to other hosts too"),
        Flag::duration("timeout", "2m0s", "how long fetching the index may take"),
    ]],
    arguments: Arguments::Exactly(2),
    action: Action::Run(super::not_available),
    complete: Completion::NothingAfter(2),
    ..Command::EMPTY
};

const INDEX: Command = Command {
    use_line: "index [DIR]",
    short: "write the index file of a folder of archives",
    flags: &[&[
        Flag::text("url", "the URL that the archives are found at"),
        Flag::text("merge", "an index file to take over"),
        Flag::switch("json", "write JSON"),
    ]],
    arguments: Arguments::Exactly(1),
    action: Action::Run(super::not_available),
    complete: Completion::FilesUpTo(1),
    ..Command::EMPTY
};

const LIST: Command = Command {
    use_line: "list",
    aliases: &["ls"],
    short: "list the repositories",
    flags: &[&[Flag::switch("no-headers", "no line of titles in the table"), Flag::format()]],
    arguments: Arguments::None,
    action: Action::Run(super::not_available),
    complete: Completion::NothingAfter(0),
    ..Command::EMPTY
};

const REMOVE: Command = Command {
    use_line: "remove [REPO1 [REPO2 ...]]",
    aliases: &["rm"],
    short: "remove repositories",
    arguments: Arguments::AtLeast(1),
    action: Action::Run(super::not_available),
    complete: Completion::Custom(complete::complete_repositories),
    ..Command::EMPTY
};

const UPDATE: Command = Command {
    use_line: "update [REPO1 [REPO2 ...]]",
    aliases: &["up"],
    short: "fetch the repositories' indexes anew",
    flags: &[&[Flag::duration("timeout", "2m0s", "how long fetching an index may take")]],
    action: Action::Run(super::not_available),
    complete: Completion::Custom(complete::complete_repositories),
    ..Command::EMPTY
};
