//! From words to an exit code.

use sutler_chart::{Level, go_quoted};

use crate::command::{Action, Command, Invocation, StartedAs};
use crate::commands::HELM;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::flags::{FlagValues, Unknown};
use crate::help;
use crate::io::Io;
use crate::resolve::{self, Found};
use crate::settings::{Settings, global_flags};

/// The commands that need a cluster. Their flags are in the table like all others; whoever calls [`run`] does the work.
pub trait ClusterCommands {
    /// Does what the command (its name is [`Invocation::name`]: `list`, `get values`) says.
    ///
    /// # Errors
    /// Helm's text. A command that cannot be done must say so here: [`Failure::not_available`].
    fn run(&mut self, call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure>;
}

/// Does what the words behind `helm` say, as Helm does it, and returns the exit code.
///
/// Where the first of two arguments is an operation that needs a cluster, `cluster` is asked. Nothing is printed but through `io`.
pub fn run(words: &[String], started_as: StartedAs, io: &mut Io<'_>, cluster: &mut dyn ClusterCommands) -> u8 {
    match answer(words, started_as, io, cluster) {
        Ok(()) => 0,
        Err(failure) => {
            if !failure.silent {
                io.note(format!("Error: {}", failure.text));
            }
            if started_as == StartedAs::Sutler {
                for hint in &failure.hints {
                    io.note(format!("hint: {}", hint.replace('\n', "\n      ")));
                }
            }
            failure.exit_code
        }
    }
}

/// The flag that every command has besides its own and the global ones.
const HELP: &[Flag] = &[Flag::switch("help", "help for this command").short('h')];

fn answer(
    words: &[String],
    started_as: StartedAs,
    io: &mut Io<'_>,
    cluster: &mut dyn ClusterCommands,
) -> Result<(), Failure> {
    // Helm reads the global flags once before it knows the command, from words that may be other flags' values, and keeps what it
    // found: lists grow a second time below, `--debug` holds even where it turns out to be a value.
    let mut globals = FlagValues::of(global_flags(started_as), &io.variables);
    let (_, result) = globals.parse(words, Unknown::Pass, &mut |_, _| Ok(()));
    drop(result);
    let color = globals.text("color").to_owned();
    if !matches!(color.as_str(), "never" | "auto" | "always") {
        let cause = format!("invalid color mode {}: must be one of: never, auto, always", go_quoted(&color));
        io.warn("command failed", &[("error", cause)]);
        return Err(Failure::silent(1));
    }
    let (path, words) = match resolve::find(&HELM, words, started_as, &io.variables, &mut Vec::new)? {
        Found::Command(path, words) => (path, words),
        Found::Plugin(name, words) => return Err(Failure::not_available(&[&[name], &words[..]].concat().join(" "))),
    };
    execute(path, &words, globals, started_as, io, cluster)
}

fn execute(
    path: Vec<&'static Command>,
    words: &[String],
    globals: FlagValues,
    started_as: StartedAs,
    io: &mut Io<'_>,
    cluster: &mut dyn ClusterCommands,
) -> Result<(), Failure> {
    let command = *path.last().expect("a path begins with `helm`");
    let mut flags = FlagValues::of(command.own_flags(), &io.variables).and(globals);
    flags = flags.and(FlagValues::of(HELP, &io.variables));
    let (parsed, result) = flags.parse(words, Unknown::Refuse, &mut |_, _| Ok(()));
    for warning in &parsed.warnings {
        io.warn(warning, &[]);
    }
    result.map_err(Failure::new)?;
    for note in &parsed.notes {
        io.note(note);
    }
    if flags.is_on("help") || !command.is_runnable() {
        let text = help::help(&path, &[], &io.variables);
        io.data(text);
        return Ok(());
    }
    let settings = Settings::of(&flags, started_as, io)?;
    if !matches!(settings.driver.as_str(), "" | "secret" | "secrets" | "configmap" | "configmaps" | "memory" | "sql") {
        io.log(Level::Info, &format!("unknown driver {}", go_quoted(&settings.driver)), &[]);
        return Err(Failure::silent(1));
    }
    let call = Invocation { path, arguments: parsed.arguments, flags, settings, started_as };
    call.check_arguments()?;
    call.check_exclusive()?;
    match command.action {
        Action::Run(run) => run(&call, io),
        Action::Cluster => cluster.run(&call, io),
        Action::Group => Ok(()),
    }
}
