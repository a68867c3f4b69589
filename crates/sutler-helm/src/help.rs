//! Help texts, made from the table of commands: our words in Helm's layout.

use sutler_chart::go_quoted;

use crate::command::{Action, Command, Guise, command_path, use_line};
use crate::flag::{Flag, Kind, Visibility};
use crate::io::Variables;
use crate::plugin::commands::PluginCommand;

/// A command that a plugin brings, as help shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PluginHelp {
    /// Its name.
    pub(crate) name: String,
    /// One line about it.
    pub(crate) short: String,
}

/// Everything about a command.
pub(crate) fn help(path: &[&'static Command], plugins: &[PluginHelp], guise: Guise, variables: &Variables) -> String {
    let Some(command) = path.last() else { return String::new() };
    let about = if command.long.is_empty() { command.short } else { command.long };
    format!("{}\n\n{}", about.trim_end(), usage(path, plugins, guise, variables))
}

/// How a command is used: its line, aliases, commands and flags.
pub(crate) fn usage(path: &[&'static Command], plugins: &[PluginHelp], guise: Guise, variables: &Variables) -> String {
    let Some(command) = path.last() else { return String::new() };
    let mut text = String::from("Usage:");
    let children = children(command, if path.len() == 1 { plugins } else { &[] }, guise);
    if command.is_runnable() {
        text.push_str(&format!("\n  {}", use_line(path)));
    }
    if !children.is_empty() {
        text.push_str(&format!("\n  {} [command]", command_path(path)));
    }
    if !command.aliases.is_empty() {
        text.push_str(&format!("\n\nAliases:\n  {}, {}", command.name(), command.aliases.join(", ")));
    }
    if !children.is_empty() {
        text.push_str("\n\nAvailable Commands:");
        // cobra's least width, so that lists of short names stand alike.
        let width = children.iter().map(|(name, _)| name.len()).max().unwrap_or_default().max(11);
        for (name, short) in &children {
            text.push_str(&format!("\n  {name:width$} {short}"));
        }
    }
    let help_usage = format!("help for {}", command.name());
    let mut own: Vec<Row<'_>> =
        command.own_flags(guise.compatibility).map(|flag| Row { flag, usage: flag.usage }).collect();
    const HELP: Flag = Flag::switch("help", "").short('h');
    own.push(Row { flag: &HELP, usage: &help_usage });
    let globals = guise.global_flags().map(|flag| Row { flag, usage: flag.usage });
    if path.len() == 1 {
        own.extend(globals);
        text.push_str(&format!("\n\nFlags:\n{}", flag_lines(own, variables)));
    } else {
        text.push_str(&format!("\n\nFlags:\n{}", flag_lines(own, variables)));
        text.push_str(&format!("\n\nGlobal Flags:\n{}", flag_lines(globals.collect(), variables)));
    }
    if !children.is_empty() {
        text.push_str(&format!(
            "\n\nUse \"{} [command] --help\" for more information about a command.",
            command_path(path)
        ));
    }
    text.push('\n');
    text
}

/// Everything about a command that a plugin brings.
pub(crate) fn of_plugin(plugin: &PluginCommand, guise: Guise, variables: &Variables) -> String {
    const HELP: Flag = Flag::switch("help", "").short('h');
    let usage = format!("help for {}", plugin.name);
    let flags = flag_lines(vec![Row { flag: &HELP, usage: &usage }], variables);
    let globals = guise.global_flags().map(|flag| Row { flag, usage: flag.usage }).collect();
    let mut line = format!("helm {}", plugin.use_line);
    if !line.contains("[flags]") {
        line.push_str(" [flags]");
    }
    let about = plugin.about();
    let globals = flag_lines(globals, variables);
    format!("{}\n\nUsage:\n  {line}\n\nFlags:\n{flags}\n\nGlobal Flags:\n{globals}\n", about.trim_end())
}

/// The commands below a command that are shown, by name.
fn children(command: &Command, plugins: &[PluginHelp], guise: Guise) -> Vec<(String, String)> {
    let shown = command.children(guise.compatibility).filter(|child| !child.hidden && is_available(child));
    let mut rows: Vec<(String, String)> =
        shown.map(|child| (child.name().to_owned(), child.short.to_owned())).collect();
    rows.extend(plugins.iter().map(|plugin| (plugin.name.clone(), plugin.short.clone())));
    rows.sort();
    rows
}

/// Whether a command leads to something.
fn is_available(command: &Command) -> bool {
    !matches!(command.action, Action::Group) || !command.subcommands.is_empty()
}

struct Row<'r> {
    flag: &'r Flag,
    usage: &'r str,
}

fn flag_lines(mut rows: Vec<Row<'_>>, variables: &Variables) -> String {
    rows.retain(|row| row.flag.visibility == Visibility::Shown);
    rows.sort_by_key(|row| row.flag.name);
    let left: Vec<String> = rows.iter().map(|row| signature(row.flag)).collect();
    let width = left.iter().map(String::len).max().unwrap_or_default();
    let lines: Vec<String> = rows
        .iter()
        .zip(&left)
        .map(|(row, left)| format!("{left:width$}   {}{}", row.usage, default_note(row.flag, variables)))
        .collect();
    lines.join("\n")
}

/// `  -n, --namespace string`.
pub(crate) fn signature(flag: &Flag) -> String {
    let mut text = match flag.short {
        Some(letter) => format!("  -{letter}, --{}", flag.name),
        None => format!("      --{}", flag.name),
    };
    if !flag.kind.name().is_empty() {
        text.push(' ');
        text.push_str(flag.kind.name());
    }
    match (flag.kind, flag.bare) {
        (_, "") | (Kind::Switch, "true") => {}
        (Kind::Text, bare) => text.push_str(&format!("[={}]", go_quoted(bare))),
        (_, bare) => text.push_str(&format!("[={bare}]")),
    }
    text
}

/// ` (default "x")`, where the default is not nothing.
pub(crate) fn default_note(flag: &Flag, variables: &Variables) -> String {
    let default = flag.default_text(variables);
    match flag.kind {
        _ if default.is_empty() => String::new(),
        Kind::Switch if default == "false" => String::new(),
        Kind::Integer | Kind::Unsigned | Kind::Float | Kind::Level if default == "0" => String::new(),
        Kind::Text => format!(" (default {})", go_quoted(&default)),
        Kind::Texts => format!(" (default [{default}])"),
        Kind::Duration => format!(" (default {default})"),
        _ => format!(" (default {default})"),
    }
}
