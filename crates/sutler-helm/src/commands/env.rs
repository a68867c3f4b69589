//! `helm env`.

use crate::command::{Action, Arguments, Command, Completion, Completions, Invocation};
use crate::complete;
use crate::failure::Failure;
use crate::io::Io;

/// `env`.
pub(super) const COMMAND: Command = Command {
    use_line: "env",
    short: "print the variables that Helm goes by",
    long: "Prints the variables that Helm goes by, or the value of one of them.",
    arguments: Arguments::AtMost(1),
    action: Action::Run(run),
    complete: Completion::Custom(complete),
    ..Command::EMPTY
};

fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let variables = call.settings.variables(&io.variables);
    match call.arguments.first() {
        // A name that is none has no value.
        Some(wanted) => {
            let found = variables.iter().find(|(name, _)| name == wanted);
            io.line(found.map_or("", |(_, value)| value.as_str()));
        }
        None => {
            for (name, value) in variables {
                io.line(format!("{name}=\"{value}\""));
            }
        }
    }
    Ok(())
}

fn complete(call: &Invocation, _: &str, io: &mut Io<'_>) -> Completions {
    if call.arguments.is_empty() {
        return Completions::only(complete::variable_names(&call.settings, &io.variables));
    }
    complete::no_more()
}
