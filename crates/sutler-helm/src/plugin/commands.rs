//! Plugins as commands: `helm NAME …`.

use sutler_chart::{Compatibility, Level, go_quoted};

use super::{Plugin, PluginKind, Plugins};
use crate::command::StartedAs;
use crate::commands::HELM;
use crate::failure::Failure;
use crate::flags::{FlagValues, Unknown};
use crate::help::PluginHelp;
use crate::io::Io;
use crate::settings::Settings;

/// A command that a plugin brings.
#[derive(Debug)]
pub(crate) struct PluginCommand {
    /// Its name: the first word of its use line, or the plugin's.
    pub(crate) name: String,
    /// How it is used.
    pub(crate) use_line: String,
    /// The plugin.
    pub(crate) plugin: Plugin,
}

/// The commands of the plugins that are installed, without a word about what is wrong: that was said at the start.
pub(crate) fn find(settings: &Settings, io: &Io<'_>) -> Vec<PluginCommand> {
    let mut quiet = Io {
        stdin: &mut std::io::empty(),
        stdout: &mut std::io::sink(),
        stderr: &mut std::io::sink(),
        folder: io.folder.clone(),
        program: io.program.clone(),
        variables: io.variables.clone(),
        now: io.now,
        seed: io.seed,
        compatibility: io.compatibility,
    };
    load(settings, &mut quiet)
}

/// The commands of the plugins that are installed. What is wrong with plugins is told in the log, at every start, as Helm does.
pub(crate) fn load(settings: &Settings, io: &mut Io<'_>) -> Vec<PluginCommand> {
    if io.variables.get("HELM_NO_PLUGINS") == Some("1") {
        return Vec::new();
    }
    let plugins = match Plugins::load(&settings.plugin_folders(), settings.compatibility) {
        Ok(plugins) => plugins,
        Err(error) => {
            match settings.compatibility {
                Compatibility::V4 => {
                    io.log(Level::Error, "failed to load plugins", &[("error", error.to_string())]);
                }
                Compatibility::V3 => io.note(format!("failed to load plugins: {error}")),
            }
            return Vec::new();
        }
    };
    for (file, error) in &plugins.broken {
        let details = [("plugin_yaml", file.clone()), ("error", sutler_chart::error_chain(error))];
        io.log(Level::Warn, "failed to load plugin (ignoring)", &details);
    }
    let mut commands: Vec<PluginCommand> = Vec::new();
    for plugin in plugins.found {
        let PluginKind::Cli { usage, .. } = &plugin.metadata.kind else { continue };
        let use_line = if usage.is_empty() { plugin.metadata.name.clone() } else { usage.clone() };
        let name = use_line.split(' ').next().unwrap_or_default().to_owned();
        let is_taken = HELM.subcommands.iter().any(|command| command.name() == name && name != "help")
            || commands.iter().any(|command| command.name == name);
        // In Helm 3 the first of a name is the one that is called.
        if is_taken && settings.compatibility == Compatibility::V3 {
            continue;
        }
        if is_taken {
            io.log(Level::Error, "failed to load plugins: name conflicts", &[("name", name)]);
            break;
        }
        commands.push(PluginCommand { name, use_line, plugin });
    }
    commands
}

impl PluginCommand {
    /// The command as a list of commands shows it.
    pub(crate) fn listed(&self) -> PluginHelp {
        let short = match &self.plugin.metadata.kind {
            PluginKind::Cli { short_help, .. } if !short_help.is_empty() => short_help.clone(),
            _ => format!("the {} plugin", go_quoted(&self.plugin.metadata.name)),
        };
        PluginHelp { name: self.name.clone(), short }
    }

    /// What `helm help NAME` begins with.
    pub(crate) fn about(&self) -> String {
        match &self.plugin.metadata.kind {
            PluginKind::Cli { long_help, .. } if !long_help.is_empty() => long_help.clone(),
            _ => self.listed().short,
        }
    }

    /// Runs it with these words: global flags among them are Helm's, all else is the plugin's.
    pub(crate) fn run(
        &self,
        words: &[String],
        mut globals: FlagValues,
        started_as: StartedAs,
        io: &mut Io<'_>,
    ) -> Result<(), Failure> {
        let (known, others) = split(words);
        globals.parse(&known, Unknown::Refuse, &mut |_, _| Ok(())).1.map_err(Failure::new)?;
        let settings = Settings::of(&globals, started_as, io)?;
        let ignores = matches!(self.plugin.metadata.kind, PluginKind::Cli { ignore_flags: true, .. });
        let arguments = if ignores { Vec::new() } else { others };
        io.flush();
        let helm = settings.variables(&io.variables);
        if settings.debug
            && let Ok(line) = self.plugin.command_line(&arguments, &io.variables, &helm)
        {
            let details = [("pluginName", self.plugin.metadata.name.clone()), ("command", line)];
            io.log(Level::Debug, "executing plugin command", &details);
        }
        self.plugin.run_command(&arguments, &io.variables, &helm).map_err(|error| match &error {
            super::ProcessError::Exit { code, .. } => Failure { exit_code: *code, ..Failure::new(error.to_string()) },
            _ => Failure::from(error),
        })
    }
}

/// Words that are Helm's own flags with their values, and all others.
pub(super) fn split(words: &[String]) -> (Vec<String>, Vec<String>) {
    /// The flags that Helm takes for itself. Others of its global ones go to the plugin.
    const OURS: [&str; 14] = [
        "--kube-context",
        "--namespace",
        "-n",
        "--kubeconfig",
        "--kube-apiserver",
        "--kube-token",
        "--kube-as-user",
        "--kube-as-group",
        "--kube-ca-file",
        "--registry-config",
        "--repository-cache",
        "--repository-config",
        "--kube-insecure-skip-tls-verify",
        "--kube-tls-server-name",
    ];
    let (mut known, mut others) = (Vec::new(), Vec::new());
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let name = word.split_once('=').map(|(name, _)| name);
        if word == "--debug" || name.is_some_and(|name| OURS.contains(&name)) {
            known.push(word.clone());
        } else if OURS.contains(&word.as_str()) {
            known.push(word.clone());
            known.extend(rest.next().cloned());
        } else {
            others.push(word.clone());
        }
    }
    (known, others)
}
