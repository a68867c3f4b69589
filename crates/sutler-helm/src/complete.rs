//! `helm __complete WORDS`: what a shell's completion script asks, answered as cobra answers it.
//!
//! The last word is the one being typed. The answer is a word a line, each with a description behind a tab, and a last line with a
//! colon and a number that tells the shell what else to do (a sum of [`Completions`]' constants).

use sutler_chart::Compatibility;
use sutler_yaml::Node;

use crate::command::{Completion, Completions, Guise, Invocation};
use crate::commands;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Visibility};
use crate::flags::{FlagValues, Unknown};
use crate::io::{Io, Variables};
use crate::plugin::commands::PluginCommand;
use crate::plugin::complete::complete as complete_plugin;
use crate::resolve::{self, Found};
use crate::settings::{GLOBAL_FLAGS, Settings};
use crate::value;

/// The hidden commands, with and without descriptions.
pub(crate) const NAMES: [&str; 2] = ["__complete", "__completeNoDesc"];

/// What cobra marks words for the person with, in place of a completion.
const ACTIVE_HELP: &str = "_activeHelp_ ";

/// Answers a shell.
///
/// # Errors
/// cobra's, where there is no word to complete.
pub(crate) fn answer(
    name: &str,
    words: &[String],
    globals: FlagValues,
    plugins: &[PluginCommand],
    guise: Guise,
    io: &mut Io<'_>,
) -> Result<(), Failure> {
    let Some((typed, before)) = words.split_last() else {
        return Err(Failure::new("requires at least 1 arg(s), only received 0"));
    };
    let (completions, error) = complete(before, typed, globals, plugins, guise, io);
    if let Some(error) = error {
        io.note(format!("[Debug] [Error] {error}"));
    }
    let configured = |suffix: &str| {
        let own = io.variables.filled(&format!("HELM_{suffix}"));
        own.or_else(|| io.variables.get(&format!("COBRA_{suffix}"))).unwrap_or_default().to_owned()
    };
    let described = value::parse_bool(&configured("COMPLETION_DESCRIPTIONS"));
    let without_descriptions = name == NAMES[1] || described == Ok(false);
    let without_help = io.variables.get("COBRA_ACTIVE_HELP") == Some("0") || configured("ACTIVE_HELP") == "0";
    for word in &completions.words {
        if without_help && word.starts_with(ACTIVE_HELP) {
            continue;
        }
        let word = if without_descriptions { word.split('\t').next().unwrap_or_default() } else { word };
        io.line(word.split('\n').next().unwrap_or_default().trim());
    }
    io.line(format!(":{}", completions.directive));
    io.note(format!("Completion ended with directive: {}", directive_names(completions.directive)));
    Ok(())
}

fn directive_names(directive: u8) -> String {
    const NAMES: [(u8, &str); 6] = [
        (1, "ShellCompDirectiveError"),
        (2, "ShellCompDirectiveNoSpace"),
        (4, "ShellCompDirectiveNoFileComp"),
        (8, "ShellCompDirectiveFilterFileExt"),
        (16, "ShellCompDirectiveFilterDirs"),
        (32, "ShellCompDirectiveKeepOrder"),
    ];
    if directive >= 64 {
        return format!("ERROR: unexpected ShellCompDirective value: {directive}");
    }
    let names: Vec<&str> = NAMES.iter().filter(|(bit, _)| directive & bit != 0).map(|(_, name)| *name).collect();
    if names.is_empty() { "ShellCompDirectiveDefault".to_owned() } else { names.join(", ") }
}

fn nothing(directive: u8) -> Completions {
    Completions { words: Vec::new(), directive }
}

/// Words as Go prints a list of them.
fn list(words: &[String]) -> String {
    format!("[{}]", words.join(" "))
}

fn complete(
    before: &[String],
    typed: &str,
    globals: FlagValues,
    plugins: &[PluginCommand],
    guise: Guise,
    io: &mut Io<'_>,
) -> (Completions, Option<String>) {
    let mut names = || plugins.iter().map(|plugin| plugin.name.clone()).collect();
    let (path, words) = match resolve::find(commands::root(guise.started_as), before, guise, &io.variables, &mut names)
    {
        Ok(Found::Command(path, words)) => (path, words),
        Ok(Found::Plugin(name, words)) => {
            let plugin = plugins.iter().find(|plugin| plugin.name == name);
            return (
                plugin.map_or(nothing(0), |plugin| complete_plugin(plugin, &words, typed, globals, guise, io)),
                None,
            );
        }
        Ok(Found::Complete(..)) | Err(_) => {
            return (nothing(0), Some(format!("unable to find a command for arguments: {}", list(before))));
        }
    };
    let command = path[path.len() - 1];
    let mut flags = FlagValues::of(command.own_flags(guise.compatibility), &io.variables).and(globals);
    flags = flags.and(FlagValues::of(HELP, &io.variables));

    let (flag, words, typed, unknown_flag) = flag_in_question(&flags, words, typed);
    // A `--` that came before counts as an argument when another follows; then words that look like flags are none.
    let mut notes: Vec<String> = Vec::new();
    let mut said = Vec::new();
    let mut count = |words: &[String], flags: &mut FlagValues| {
        let (parsed, result) = flags.parse(words, Unknown::Refuse, &mut |_, _| Ok(()));
        if !parsed.notes.is_empty() && result.is_ok() {
            said.extend(parsed.notes);
            notes.extend(said.iter().cloned());
        }
        (parsed.arguments, result)
    };
    let ended = [&words[..], &["--".to_owned()]].concat();
    let (with_end, _) = count(&ended, &mut flags);
    let (arguments, result) = count(&words, &mut flags);
    // What is said of deprecated flags is kept by cobra, and said again by the second reading.
    for note in &notes {
        io.note(note);
    }
    if let Err(error) = result {
        return (nothing(0), Some(format!("Error while parsing flags from args {}: {error}", list(&words))));
    }
    let flags_end = with_end.len() > arguments.len();
    if let Some(name) = unknown_flag
        && !flags_end
    {
        let error = format!("Subcommand '{}' does not support flag '{name}'", command.name());
        return (nothing(0), Some(error));
    }
    if flags.changed("help") {
        return (nothing(Completions::NO_FILES), None);
    }
    let settings = match Settings::of(&flags, guise.started_as, io) {
        Ok(settings) => settings,
        Err(failure) => return (nothing(0), Some(failure.text)),
    };
    let call = Invocation { path, arguments, flags, settings, started_as: guise.started_as };
    (answers(&call, flag.filter(|_| !flags_end), flags_end, &typed, plugins, io), None)
}

const HELP: &[Flag] = &[Flag::switch("help", "help for this command").short('h')];

/// The flag whose value is being typed, the words without it, and what is typed of the value; or the name of a flag that there is
/// not.
fn flag_in_question(
    flags: &FlagValues,
    words: Vec<String>,
    typed: &str,
) -> (Option<&'static Flag>, Vec<String>, String, Option<String>) {
    let name_of = |word: &str| match word.strip_prefix("--") {
        Some(name) => name.to_owned(),
        None => word.chars().last().map(String::from).unwrap_or_default(),
    };
    let (name, value, trimmed, has_equals) = if typed.starts_with('-') {
        match typed.split_once('=') {
            Some((flag, value)) => (name_of(flag), value.to_owned(), words.clone(), true),
            None => return (None, words, typed.to_owned(), None),
        }
    } else {
        let is_flag = |word: &String| {
            word.len() >= 3 && word.starts_with("--") || word.len() >= 2 && word.starts_with('-') && &word[1..2] != "-"
        };
        match words.last().filter(|word| is_flag(word) && !word.contains('=')) {
            Some(word) => (name_of(word), typed.to_owned(), words[..words.len() - 1].to_vec(), false),
            None => return (None, words, typed.to_owned(), None),
        }
    };
    if name.is_empty() {
        return (None, trimmed, value, None);
    }
    let found = flags.flags().find(|flag| {
        flag.name == name || name.chars().count() == 1 && flag.short.is_some_and(|letter| name == letter.to_string())
    });
    match found {
        None => (None, words, typed.to_owned(), Some(name)),
        // A flag that stands alone has no value in the next word.
        Some(flag) if !has_equals && !flag.bare.is_empty() => (None, words, value, None),
        Some(flag) => (Some(flag), trimmed, value, None),
    }
}

fn answers(
    call: &Invocation,
    flag: Option<&'static Flag>,
    flags_end: bool,
    typed: &str,
    plugins: &[PluginCommand],
    io: &mut Io<'_>,
) -> Completions {
    let command = call.command();
    if let Some(flag) = flag {
        return flag_values(call, flag, io);
    }
    if typed.starts_with('-') && !typed.contains('=') && !flags_end {
        return Completions { words: flag_names(call, typed), directive: Completions::NO_FILES };
    }
    let mut completions = nothing(Completions::DEFAULT);
    let uses_own_flags = command.own_flags(call.settings.compatibility).any(|flag| call.flags.changed(flag.name));
    if call.arguments.is_empty() && !uses_own_flags {
        let mut children: Vec<(String, String)> = command
            .children(call.settings.compatibility)
            .filter(|child| !child.hidden)
            .map(|child| (child.name().to_owned(), child.short.to_owned()))
            .collect();
        if call.path.len() == 1 {
            children.extend(plugins.iter().map(|plugin| (plugin.name.clone(), plugin.listed().short)));
        }
        children.sort();
        if !children.is_empty() {
            completions.directive = Completions::NO_FILES;
        }
        let matching = children.into_iter().filter(|(name, _)| name.starts_with(typed));
        completions.words.extend(matching.map(|(name, short)| format!("{name}\t{short}")));
    }
    let count = call.arguments.len();
    let more = match command.complete {
        Completion::Files => return completions,
        Completion::Nothing => nothing(Completions::NO_FILES),
        Completion::FilesUpTo(most) if count < most => nothing(Completions::DEFAULT),
        Completion::NothingAfter(most) if count < most => nothing(Completions::NO_FILES),
        Completion::FilesUpTo(_) | Completion::NothingAfter(_) => no_more(),
        Completion::Custom(custom) => custom(call, typed, io),
    };
    completions.words.extend(more.words);
    completions.directive = more.directive;
    completions
}

/// The command takes no more arguments, and the person is told so.
pub(crate) fn no_more() -> Completions {
    Completions::only([format!("{ACTIVE_HELP}This command does not take any more arguments (but may accept flags).")])
}

/// Names of flags, inherited ones first, each group by name. Those that were used are left out, unless they may be used again.
fn flag_names(call: &Invocation, typed: &str) -> Vec<String> {
    let command = call.command();
    let is_root = call.path.len() == 1;
    let excluded: Vec<&str> = command
        .exclusive
        .iter()
        .filter(|_| call.settings.compatibility == Compatibility::V4)
        .filter(|group| group.iter().any(|name| call.flags.changed(name)))
        .flat_map(|group| group.iter().copied().filter(|name| !call.flags.changed(name)))
        .collect();
    let mut inherited: Vec<&'static Flag> = global_flags(call).collect();
    let mut own: Vec<&'static Flag> = command.own_flags(call.settings.compatibility).chain(HELP).collect();
    if is_root {
        own.append(&mut inherited);
    }
    inherited.retain(|flag| !own.iter().any(|other| other.name == flag.name));
    let mut words = Vec::new();
    for group in [&mut inherited, &mut own] {
        group.sort_by_key(|flag| flag.name);
        for flag in group.iter() {
            let repeats = matches!(flag.kind, Kind::Texts | Kind::List | Kind::Pairs | Kind::PostRendererArguments);
            let is_used = call.flags.changed(flag.name) && !repeats;
            if flag.visibility != Visibility::Shown || is_used || excluded.contains(&flag.name) {
                continue;
            }
            words.extend(
                names_of(flag)
                    .filter(|name| name.starts_with(typed))
                    .map(|name| if flag.usage.is_empty() { name } else { format!("{name}\t{}", flag.usage) }),
            );
        }
    }
    words
}

/// The global flags of the Helm that is mirrored.
fn global_flags(call: &Invocation) -> impl Iterator<Item = &'static Flag> {
    let compatibility = call.settings.compatibility;
    GLOBAL_FLAGS.iter().filter(move |flag| flag.helms.have(compatibility))
}

/// `--name`, and `-n` where there is one.
pub(crate) fn names_of(flag: &Flag) -> impl Iterator<Item = String> {
    std::iter::once(format!("--{}", flag.name)).chain(flag.short.map(|letter| format!("-{letter}")))
}

/// What a flag may hold.
fn flag_values(call: &Invocation, flag: &Flag, io: &mut Io<'_>) -> Completions {
    match (flag.name, flag.kind) {
        (_, Kind::Format) => Completions::only([
            "json\tOutput result in JSON format",
            "table\tOutput result in human-readable format",
            "yaml\tOutput result in YAML format",
        ]),
        ("color" | "colour", _) => Completions::only(["never", "auto", "always"]),
        ("type", _) if call.command().name() == "docs" => Completions::only(["bash", "man", "markdown"]),
        ("kube-context", _) => Completions::only(crate::kubeconfig::contexts(&call.settings.kubeconfig, &io.variables)),
        ("version", Kind::Text) if call.flags.has("repo") => {
            // Versions of a repository's chart stand in its cached index, which is read by who fetches charts.
            Completions::only([""; 0])
        }
        _ => nothing(Completions::DEFAULT),
    }
}

/// The names in repositories.yaml, with their URLs.
fn repositories(settings: &Settings) -> Vec<(String, String)> {
    let Ok(text) = std::fs::read_to_string(&settings.repository_config) else { return Vec::new() };
    let Ok(node) = sutler_yaml::read(&text) else { return Vec::new() };
    let field = |entry: &Node, name: &str| entry.get(name).and_then(Node::as_str).unwrap_or_default().to_owned();
    let entries = node.get("repositories").map(Node::items).unwrap_or_default();
    entries.iter().map(|entry| (field(entry, "name"), field(entry, "url"))).collect()
}

/// Completes names of repositories that are not yet named.
pub(crate) fn complete_repositories(call: &Invocation, _: &str, _: &mut Io<'_>) -> Completions {
    let all = repositories(&call.settings).into_iter().filter(|(name, _)| !call.arguments.contains(name));
    Completions::only(all.map(|(name, url)| format!("{name}\t{url}")))
}

/// Completes the chart of `template` and `install`: their second argument, or the first where the name is made up.
pub(crate) fn complete_install(call: &Invocation, typed: &str, io: &mut Io<'_>) -> Completions {
    let before = if call.flags.is_on("generate-name") { 0 } else { 1 };
    if call.arguments.len() == before { charts(call, typed, Files::Yes, io) } else { Completions::only([""; 0]) }
}

/// Completes the chart of `upgrade`, once the release is named.
pub(crate) fn complete_second_chart(call: &Invocation, typed: &str, io: &mut Io<'_>) -> Completions {
    charts(call, typed, Files::Yes, io)
}

/// Completes the one chart of `show`.
pub(crate) fn complete_one_chart(call: &Invocation, typed: &str, io: &mut Io<'_>) -> Completions {
    if call.arguments.is_empty() { charts(call, typed, Files::Yes, io) } else { no_more() }
}

/// Completes the chart of `pull`.
pub(crate) fn complete_remote_chart(call: &Invocation, typed: &str, io: &mut Io<'_>) -> Completions {
    if call.arguments.is_empty() { charts(call, typed, Files::No, io) } else { Completions::only([""; 0]) }
}

/// Whether charts of this machine count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Files {
    Yes,
    No,
}

/// Charts: of the repositories, by URL, of this machine.
fn charts(call: &Invocation, typed: &str, files: Files, io: &Io<'_>) -> Completions {
    const URLS: [&str; 4] = [
        "oci://\tChart OCI prefix",
        "https://\tChart URL prefix",
        "http://\tChart URL prefix",
        "file://\tChart local URL prefix",
    ];
    let mut words = Vec::new();
    let (mut no_space, mut no_files) = (false, false);
    for (name, url) in repositories(&call.settings) {
        if typed.starts_with(&format!("{name}/")) {
            words.extend(charts_of(&call.settings, &name));
            no_space = false;
            break;
        } else if name.starts_with(typed) {
            words.push(format!("{name}/\t{url}"));
            no_space = true;
        }
    }
    for url in URLS {
        // Helm compares with the description behind it: a whole prefix is never found to be typed.
        if typed.starts_with(url) {
            (no_space, no_files) = (true, true);
        } else if url.starts_with(typed) {
            words.push(url.to_owned());
            no_space = true;
        }
    }
    if files == Files::Yes && !words.is_empty() && !typed.is_empty() {
        let entries = std::fs::read_dir(&io.folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        words.extend(names.into_iter().filter(|name| name.starts_with(typed)));
    }
    if files == Files::Yes && typed.is_empty() {
        words.push("./\tRelative path prefix to local chart".to_owned());
        words.push("/\tAbsolute path prefix to local chart".to_owned());
    }
    let mut directive = Completions::DEFAULT;
    if no_files || files == Files::No {
        directive |= Completions::NO_FILES;
    }
    if no_space {
        directive |= Completions::NO_SPACE;
    }
    Completions { words, directive }
}

/// The charts that a repository's cache lists.
fn charts_of(settings: &Settings, repository: &str) -> Vec<String> {
    let list = crate::settings::join(&[&settings.repository_cache, &format!("{repository}-charts.txt")]);
    let names = std::fs::read_to_string(list).unwrap_or_default();
    names.lines().map(|name| format!("{repository}/{name}")).collect()
}

/// Variables' names, for `env`.
pub(crate) fn variable_names(settings: &Settings, variables: &Variables) -> Vec<&'static str> {
    settings.variables(variables).into_iter().map(|(name, _)| name).collect()
}
