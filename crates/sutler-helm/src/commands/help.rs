//! `helm help`.

use crate::command::{Action, Command, Invocation};
use crate::failure::Failure;
use crate::help;
use crate::io::Io;
use crate::resolve::{self, Found};

/// `help`.
pub(super) const COMMAND: Command =
    Command { use_line: "help [command]", short: "help about any command", action: Action::Run(run), ..Command::EMPTY };

fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let root = &super::HELM;
    match resolve::find(root, &call.arguments, call.started_as, &io.variables, &mut Vec::new) {
        Ok(Found::Command(path, _)) => {
            let text = help::help(&path, &[], &io.variables);
            io.data(text);
        }
        Ok(Found::Plugin(..)) => {}
        Err(_) => {
            // Go prints the list of words, each in backticks where it can be.
            let words: Vec<String> = call.arguments.iter().map(|word| backquoted(word)).collect();
            io.note(format!("Unknown help topic [{}]", words.join(" ")));
            let usage = help::usage(&[root], &[], &io.variables);
            io.note(usage.trim_end_matches('\n'));
        }
    }
    Ok(())
}

/// A text as Go's `%#q` prints it: in backticks, unless it holds one or what is not printable.
fn backquoted(text: &str) -> String {
    if text.contains('`') || text.chars().any(|c| c.is_control() && c != '\t' || c == '\u{feff}') {
        return sutler_chart::go_quoted(text);
    }
    format!("`{text}`")
}
