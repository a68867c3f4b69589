//! Which command is meant: cobra's walk down the tree of commands, and its suggestions.

use sutler_chart::{Compatibility, go_quoted};

use crate::command::{Command, Guise};
use crate::complete;
use crate::failure::Failure;
use crate::flags::FlagValues;
use crate::io::Variables;

/// A command that was found.
#[derive(Debug)]
pub(crate) enum Found {
    /// One of the table: the path to it, and the words that are left.
    Command(Vec<&'static Command>, Vec<String>),
    /// One that a plugin brings: its name, and the words that are left.
    Plugin(String, Vec<String>),
    /// The hidden command that shells ask: its name, and its words.
    Complete(String, Vec<String>),
}

/// Finds the command that the words name. Flags may stand before, between and after the names.
///
/// `plugins` gives the names of the commands that plugins bring; it is only asked where the table has no answer.
///
/// # Errors
/// cobra's text about a word that names no command, with its suggestions.
pub(crate) fn find(
    root: &'static Command,
    words: &[String],
    guise: Guise,
    variables: &Variables,
    plugins: &mut dyn FnMut() -> Vec<String>,
) -> Result<Found, Failure> {
    let mut path = vec![root];
    let mut words = words.to_vec();
    loop {
        let command = path[path.len() - 1];
        let flags = FlagValues::of(command.own_flags(guise.compatibility).chain(guise.global_flags()), variables);
        let names = without_flags(&words, &flags);
        let Some(name) = names.first() else { return Ok(Found::Command(path, words)) };
        if let Some(next) = command.children(guise.compatibility).find(|next| next.is_called(name)) {
            words = without_first(&words, name, &flags);
            path.push(next);
            continue;
        }
        if path.len() == 1 && complete::NAMES.contains(&name.as_str()) {
            return Ok(Found::Complete(name.clone(), without_first(&words, name, &flags)));
        }
        if path.len() == 1 {
            let plugins = plugins();
            if plugins.contains(name) {
                return Ok(Found::Plugin(name.clone(), without_first(&words, name, &flags)));
            }
            return Err(unknown(root, name, &plugins, guise.compatibility));
        }
        return Ok(Found::Command(path, words));
    }
}

/// The words that are neither flags nor, as far as can be told before parsing, values of flags.
fn without_flags(words: &[String], flags: &FlagValues) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = words;
    while let [word, after @ ..] = rest {
        rest = after;
        if word == "--" {
            break;
        }
        if word.starts_with('-') && flags.takes_next(word) {
            // A flag and its value; where no word but that follows, nothing is left to look at.
            if rest.len() <= 1 {
                break;
            }
            rest = &rest[1..];
        } else if !word.is_empty() && !word.starts_with('-') {
            names.push(word.clone());
        }
    }
    names
}

/// The words without the first that is this name, and no flag's value.
fn without_first(words: &[String], name: &str, flags: &FlagValues) -> Vec<String> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word == "--" {
            break;
        }
        if word.starts_with('-') {
            at += if flags.takes_next(word) { 2 } else { 1 };
            continue;
        }
        if word == name {
            return [&words[..at], &words[at + 1..]].concat();
        }
        at += 1;
    }
    words.to_vec()
}

fn unknown(root: &'static Command, name: &str, plugins: &[String], compatibility: Compatibility) -> Failure {
    let path = root.name();
    let mut text = format!("unknown command {} for {}", go_quoted(name), go_quoted(path));
    let suggestions = suggestions(root, name, plugins, compatibility);
    if !suggestions.is_empty() {
        text.push_str("\n\nDid you mean this?\n");
        for suggestion in suggestions {
            text.push_str(&format!("\t{suggestion}\n"));
        }
    }
    // cobra says this apart from the error; nothing comes between.
    Failure::new(format!("{text}\nRun '{path} --help' for usage."))
}

/// Names that are near, that begin so, or that are meant for it.
fn suggestions(root: &'static Command, name: &str, plugins: &[String], compatibility: Compatibility) -> Vec<String> {
    const NEAR: usize = 2;
    let lower = name.to_lowercase();
    let mut found = Vec::new();
    let is_near = |own: &str| distance(&lower, &own.to_lowercase()) <= NEAR || own.to_lowercase().starts_with(&lower);
    // The order is that in which Helm adds its commands; `help` is never suggested.
    for command in root.children(compatibility).filter(|command| command.name() != "help" && !command.hidden) {
        if is_near(command.name()) {
            found.push(command.name().to_owned());
        }
        let meant = command.suggest_for.iter().filter(|word| word.eq_ignore_ascii_case(name));
        found.extend(meant.map(|_| command.name().to_owned()));
    }
    found.extend(plugins.iter().filter(|plugin| is_near(plugin)).cloned());
    found
}

/// Levenshtein's distance, by bytes.
fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if a == b { diagonal } else { 1 + diagonal.min(above).min(row[j]) };
            diagonal = above;
        }
    }
    row[other.len()]
}
