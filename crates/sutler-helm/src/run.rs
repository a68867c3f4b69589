//! From words to an exit code.

use sutler_chart::{Compatibility, Level, go_quoted};

use crate::command::{Action, Command, Guise, Invocation, StartedAs};
use crate::commands;
use crate::complete;
use crate::debug;
use crate::failure::Failure;
use crate::flag::{Flag, Kind};
use crate::flags::{FlagValues, Unknown};
use crate::help;
use crate::io::Io;
use crate::plugin::{self, Plugins, commands::PluginCommand};
use crate::post_render;
use crate::resolve::{self, Found};
use crate::settings::{self, Settings};

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
    let mut logs = false;
    let outcome = settings::mirrored(words, started_as, &io.variables).and_then(|compatibility| {
        io.compatibility = compatibility;
        answer(words, Guise { started_as, compatibility }, io, cluster, &mut logs)
    });
    match outcome {
        Ok(()) => 0,
        Err(failure) => {
            if !failure.silent {
                io.note(format!("Error: {}", failure.text));
            }
            if logs && !failure.silent {
                // What cobra adds of its own is no part of the error.
                let text = failure.text.split("\nRun 'helm ").next().unwrap_or_default();
                io.note(debug::failure(text, io.now));
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
    guise: Guise,
    io: &mut Io<'_>,
    cluster: &mut dyn ClusterCommands,
    logs: &mut bool,
) -> Result<(), Failure> {
    let started_as = guise.started_as;
    // Helm reads the global flags once before it knows the command, from words that may be other flags' values, and keeps what it
    // found: lists grow a second time below, `--debug` holds even where it turns out to be a value.
    let mut globals = FlagValues::of(guise.global_flags(), &io.variables);
    let (_, result) = globals.parse(words, Unknown::Pass, &mut |_, _| Ok(()));
    drop(result);
    let color = if globals.has("color") { globals.text("color").to_owned() } else { "auto".to_owned() };
    if !matches!(color.as_str(), "never" | "auto" | "always") {
        let cause = format!("invalid color mode {}: must be one of: never, auto, always", go_quoted(&color));
        io.warn("command failed", &[("error", cause)]);
        return Err(Failure::silent(1));
    }
    let settings = Settings::of(&globals, started_as, io)?;
    let plugins = plugin::commands::load(&settings, io);
    warn_of_old_repositories(&settings.repository_config, io);
    let mut names = || plugins.iter().map(|plugin| plugin.name.clone()).collect();
    // Helm 3 writes an error into its log too, where that is asked for.
    *logs = settings.debug && guise.compatibility == Compatibility::V3;
    match resolve::find(commands::root(started_as), words, guise, &io.variables, &mut names)? {
        Found::Command(path, words) => execute(path, &words, globals, &plugins, guise, io, cluster),
        Found::Complete(name, words) => complete::answer(&name, &words, globals, &plugins, guise, io),
        Found::Plugin(name, words) => {
            check_driver(&settings, io)?;
            let found = plugins.iter().find(|plugin| plugin.name == name).expect("the name is that of a plugin");
            found.run(&words, globals, started_as, io)
        }
    }
}

/// Repositories of Helm 2's time whose address is another now: told at every start, as Helm does.
fn warn_of_old_repositories(file: &str, io: &mut Io<'_>) {
    const MOVED: [(&str, &str, &str); 2] = [
        ("stable", "kubernetes-charts.storage.googleapis.com", "https://charts.helm.sh/stable"),
        ("incubator", "kubernetes-charts-incubator.storage.googleapis.com", "https://charts.helm.sh/incubator"),
    ];
    let Ok(text) = std::fs::read_to_string(file) else { return };
    if !MOVED.iter().any(|(_, old, _)| text.contains(old)) {
        return;
    }
    let Ok(node) = sutler_yaml::read(&text) else { return };
    let repositories = node.get("repositories").map(sutler_yaml::Node::items).unwrap_or_default();
    for (name, old, new) in MOVED {
        let is_it = |entry: &&sutler_yaml::Node| entry.get("name").and_then(sutler_yaml::Node::as_str) == Some(name);
        // Helm stops at the first name that is not there.
        let Some(entry) = repositories.iter().find(is_it) else { return };
        let url = entry.get("url").and_then(sutler_yaml::Node::as_str).unwrap_or_default();
        if url.contains(old) {
            io.note(format!(
                "WARNING: \"{old}\" is deprecated for \"{name}\" and will be deleted Nov. 13, 2020.\n\
                 WARNING: You should switch to \"{new}\" via:\n\
                 WARNING: helm repo add \"{name}\" \"{new}\" --force-update"
            ));
        }
    }
}

fn execute(
    path: Vec<&'static Command>,
    words: &[String],
    globals: FlagValues,
    plugins: &[PluginCommand],
    guise: Guise,
    io: &mut Io<'_>,
    cluster: &mut dyn ClusterCommands,
) -> Result<(), Failure> {
    let command = *path.last().expect("a path begins with `helm`");
    let mut flags = FlagValues::of(command.own_flags(guise.compatibility), &io.variables).and(globals);
    flags = flags.and(FlagValues::of(HELP, &io.variables));
    let Guise { started_as, .. } = guise;
    let folders = Settings::of(&flags, started_as, io)?;
    let (folder, variables) = (io.folder.clone(), io.variables.clone());
    let mut names_a_plugin = |flag: &Flag, name: &str| match flag.kind {
        Kind::PostRenderer if !name.is_empty() => {
            let plugins =
                Plugins::load(&folders.plugin_folders(), folders.compatibility).map_err(|error| error.to_string())?;
            plugins.named(name, "postrenderer/v1").map(drop).map_err(|error| error.to_string())
        }
        Kind::PostRendererProgram if !name.is_empty() => post_render::program(name, &folder, &variables).map(drop),
        _ => Ok(()),
    };
    let (parsed, result) = flags.parse(words, Unknown::Refuse, &mut names_a_plugin);
    for warning in &parsed.warnings {
        io.warn(warning, &[]);
    }
    result.map_err(Failure::new)?;
    for note in &parsed.notes {
        io.note(note);
    }
    if flags.is_on("help") || !command.is_runnable() {
        let text = help::help(&path, &listed(plugins), guise, &io.variables);
        io.data(text);
        return Ok(());
    }
    let settings = Settings::of(&flags, started_as, io)?;
    check_driver(&settings, io)?;
    let call = Invocation { path, arguments: parsed.arguments, flags, settings, started_as };
    call.check_arguments()?;
    call.check_exclusive()?;
    match command.action {
        Action::Run(run) => run(&call, io),
        Action::Cluster => cluster.run(&call, io),
        Action::Group => Ok(()),
    }
}

/// Plugins' commands as help lists them.
pub(crate) fn listed(plugins: &[PluginCommand]) -> Vec<help::PluginHelp> {
    plugins.iter().map(PluginCommand::listed).collect()
}

/// Helm opens its storage before any command runs, and ends where it cannot.
fn check_driver(settings: &Settings, io: &mut Io<'_>) -> Result<(), Failure> {
    if !matches!(settings.driver.as_str(), "" | "secret" | "secrets" | "configmap" | "configmaps" | "memory" | "sql") {
        io.log(Level::Info, &format!("unknown driver {}", go_quoted(&settings.driver)), &[]);
        return Err(Failure::silent(1));
    }
    if settings.driver == "memory" {
        // Releases that are there from the start are no matter of commands without a cluster; that they can be read, is.
        let paths = io.variables.get("HELM_MEMORY_DRIVER_DATA").unwrap_or_default().to_owned();
        for path in paths.split(':') {
            if let Err(error) = std::fs::read(path) {
                let cause = format!("open {path}: {}", sutler_chart::io_message(&error));
                io.log(Level::Info, &format!("Unable to read memory driver data{cause}"), &[]);
                return Err(Failure::silent(1));
            }
        }
    }
    Ok(())
}
