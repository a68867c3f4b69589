//! `helm docs`, which no help shows.

use crate::command::{Action, Arguments, Command, Completion};
use crate::flag::Flag;

/// `docs`.
pub(super) const COMMAND: Command = Command {
    use_line: "docs",
    short: "write the commands' documentation",
    hidden: true,
    flags: &[&[
        Flag::text("dir", "the folder to write to").or("./"),
        Flag::text("type", "markdown, man or bash").or("markdown"),
        Flag::switch("generate-headers", "begin markdown with the title"),
    ]],
    arguments: Arguments::None,
    action: Action::Run(super::not_available),
    complete: Completion::NothingAfter(0),
    ..Command::EMPTY
};
