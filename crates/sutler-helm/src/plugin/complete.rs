//! Completion of a plugin's words: from its `completion.yaml`, and by its program `plugin.complete`.

use std::process::{Command, Stdio};

use sutler_yaml::Node;

use super::commands::{PluginCommand, split};
use super::{Plugin, PluginKind};
use crate::command::{Completions, Guise};
use crate::complete::names_of;
use crate::flag::Visibility;
use crate::flags::{FlagValues, Unknown};
use crate::io::Io;
use crate::settings::{GLOBAL_FLAGS, Settings};

/// What completes a plugin's words.
pub(crate) fn complete(
    command: &PluginCommand,
    words: &[String],
    typed: &str,
    mut globals: FlagValues,
    guise: Guise,
    io: &mut Io<'_>,
) -> Completions {
    let file = command.plugin.folder.join("completion.yaml");
    let tree = std::fs::read_to_string(file).ok().and_then(|text| sutler_yaml::read(&text).ok());
    // The plugin's own commands lead down the tree of its completion.yaml.
    let (mut level, mut path, mut rest) = (tree.as_ref(), Vec::new(), words.to_vec());
    while let Some(node) = level {
        let names = rest.iter().position(|word| !word.starts_with('-'));
        let children = node.get("commands").map(Node::items).unwrap_or_default();
        let Some(at) = names else { break };
        let Some(next) = children.iter().find(|child| text(child, "name") == rest[at]) else { break };
        path.push(rest.remove(at));
        level = Some(next);
    }
    let mut completions = Completions { words: Vec::new(), directive: Completions::DEFAULT };
    if typed.starts_with('-') && !typed.contains('=') {
        let mut inherited: Vec<_> = GLOBAL_FLAGS
            .iter()
            .filter(|flag| flag.visibility == Visibility::Shown && flag.helms.have(guise.compatibility))
            .collect();
        inherited.sort_by_key(|flag| flag.name);
        for flag in inherited {
            let names = names_of(flag).filter(|name| name.starts_with(typed));
            completions.words.extend(names.map(|name| format!("{name}\t{}", flag.usage)));
        }
        let mut own: Vec<String> = texts(level, "flags")
            .map(|name| if name.len() == 1 { format!("-{name}") } else { format!("--{name}") })
            .collect();
        own.sort_by_key(|name| name.trim_start_matches('-').to_owned());
        completions.words.extend(own.into_iter().filter(|name| name.starts_with(typed)));
        completions.directive = Completions::NO_FILES;
    } else {
        let children = level.and_then(|node| node.get("commands")).map(Node::items).unwrap_or_default();
        if rest.is_empty() && !children.is_empty() {
            let mut names: Vec<String> = children.iter().map(|child| text(child, "name")).collect();
            names.sort();
            completions.words.extend(names.into_iter().filter(|name| name.starts_with(typed)));
            completions.directive = Completions::NO_FILES;
        }
        let valid: Vec<String> = texts(level, "validArgs").collect();
        if !valid.is_empty() {
            if rest.is_empty() {
                completions.words.extend(valid.into_iter().filter(|word| word.starts_with(typed)));
                completions.directive = Completions::NO_FILES;
            }
            return completions;
        }
    }
    if level.is_some_and(|node| node.get("commands").is_some()) {
        return completions;
    }
    let (known, others) = split(&rest);
    if globals.parse(&known, Unknown::Refuse, &mut |_, _| Ok(())).1.is_err() {
        return Completions { directive: 1, ..completions };
    }
    let Ok(settings) = Settings::of(&globals, guise.started_as, io) else {
        return Completions { directive: 1, ..completions };
    };
    let ignores = matches!(command.plugin.metadata.kind, PluginKind::Cli { ignore_flags: true, .. });
    let mut arguments = path;
    if !ignores {
        arguments.extend(others);
        arguments.push(typed.to_owned());
    }
    match ask(&command.plugin, &arguments, &settings, io) {
        Some((words, directive)) => {
            completions.words.extend(words);
            completions.directive = directive;
        }
        None => completions.directive = Completions::DEFAULT,
    }
    completions
}

fn text(node: &Node, name: &str) -> String {
    node.get(name).and_then(Node::key_text).unwrap_or_default().into_owned()
}

fn texts<'n>(node: Option<&'n Node>, name: &str) -> impl Iterator<Item = String> + use<'n> {
    let items = node.and_then(|node| node.get(name)).map(Node::items).unwrap_or_default();
    items.iter().filter_map(|item| item.key_text().map(std::borrow::Cow::into_owned))
}

/// Asks the plugin's own program, if it has one. The last line may be a directive: `:4`.
fn ask(plugin: &Plugin, arguments: &[String], settings: &Settings, io: &Io<'_>) -> Option<(Vec<String>, u8)> {
    let output = Command::new(plugin.folder.join("plugin.complete"))
        .args(arguments)
        .envs(settings.variables(&io.variables))
        .env("HELM_PLUGIN_NAME", &plugin.metadata.name)
        .env("HELM_PLUGIN_DIR", &plugin.folder)
        .stdin(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let mut text = output.stdout;
    text.extend(output.stderr);
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut words: Vec<String> = text.split('\n').filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let directive = words.last().and_then(|last| last.strip_prefix(':')).and_then(|number| number.parse().ok());
    if directive.is_some() {
        words.pop();
    }
    Some((words, directive.unwrap_or(Completions::DEFAULT)))
}
