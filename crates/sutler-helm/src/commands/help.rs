//! `helm help`.

use crate::command::{Action, Command, Completion, Completions, Invocation};
use crate::failure::Failure;
use crate::help;
use crate::io::Io;
use crate::plugin;
use crate::resolve::{self, Found};
use crate::run::listed;

/// `help`.
pub(super) const COMMAND: Command = Command {
    use_line: "help [command]",
    short: "help about any command",
    action: Action::Run(run),
    complete: Completion::Custom(complete),
    ..Command::EMPTY
};

fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let root = super::root(call.started_as);
    let plugins = plugin::commands::find(&call.settings, io);
    let mut names = || plugins.iter().map(|plugin| plugin.name.clone()).collect();
    let text = match resolve::find(root, &call.arguments, call.guise(), &io.variables, &mut names) {
        Ok(Found::Command(path, _)) => help::help(&path, &listed(&plugins), call.guise(), &io.variables),
        Ok(Found::Plugin(name, _)) => {
            let found = plugins.iter().find(|plugin| plugin.name == name);
            found.map_or_else(String::new, |plugin| help::of_plugin(plugin, call.guise(), &io.variables))
        }
        Ok(Found::Complete(..)) | Err(_) => {
            // Go prints the list of words, each in backticks where it can be.
            let words: Vec<String> = call.arguments.iter().map(|word| backquoted(word)).collect();
            io.note(format!("Unknown help topic [{}]", words.join(" ")));
            let usage = help::usage(&[root], &listed(&plugins), call.guise(), &io.variables);
            io.note(usage.trim_end_matches('\n'));
            return Ok(());
        }
    };
    io.data(text);
    Ok(())
}

/// The words lead to a command, whose commands are offered.
fn complete(call: &Invocation, typed: &str, io: &mut Io<'_>) -> Completions {
    let plugins = plugin::commands::find(&call.settings, io);
    match resolve::find(super::root(call.started_as), &call.arguments, call.guise(), &io.variables, &mut Vec::new) {
        Ok(Found::Command(path, _)) => {
            let mut children: Vec<(String, String)> = path[path.len() - 1]
                .children(call.settings.compatibility)
                .filter(|child| !child.hidden)
                .map(|child| (child.name().to_owned(), child.short.to_owned()))
                .collect();
            if path.len() == 1 {
                children.extend(listed(&plugins).into_iter().map(|plugin| (plugin.name, plugin.short)));
            }
            children.sort();
            let matching = children.into_iter().filter(|(name, _)| name.starts_with(typed));
            Completions::only(matching.map(|(name, short)| format!("{name}\t{short}")))
        }
        _ => Completions::only([""; 0]),
    }
}

/// A text as Go's `%#q` prints it: in backticks, unless it holds one or what is not printable.
fn backquoted(text: &str) -> String {
    if text.contains('`') || text.chars().any(|c| c.is_control() && c != '\t' || c == '\u{feff}') {
        return sutler_chart::go_quoted(text);
    }
    format!("`{text}`")
}
