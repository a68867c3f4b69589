//! Helmfile's YAML beside Helm's: in its own files `y`, `no` or `off` are texts, and a field of text takes a number as it is written.
//!
//! Values files that Helm reads stay Helm's.

use sutler_yaml::{Data, Node};

/// Words that only YAML 1.1 takes for booleans.
const WORDS: [&str; 8] = ["y", "n", "yes", "no", "on", "off", "Y", "N"];

/// Fields of a release, and of an entry of `set`, that are text however they are written.
const TEXTS: [&str; 5] = ["name", "namespace", "chart", "version", "value"];

/// The node as Helmfile reads its own files.
pub(super) fn as_helmfile(mut node: Node, text: &str) -> Node {
    let lines: Vec<&str> = text.lines().collect();
    words(&mut node, &lines);
    for (key, value) in entries(&mut node) {
        match key.as_str() {
            Some("releases") => items(value).iter_mut().for_each(|release| texts(release, &lines)),
            Some("templates") => entries(value).iter_mut().for_each(|(_, template)| texts(template, &lines)),
            _ => {}
        }
    }
    node
}

fn entries(node: &mut Node) -> &mut [(Node, Node)] {
    match &mut node.data {
        Data::Mapping(entries) => entries,
        _ => &mut [],
    }
}

fn items(node: &mut Node) -> &mut [Node] {
    match &mut node.data {
        Data::Sequence(items) => items,
        _ => &mut [],
    }
}

/// Turns booleans of YAML 1.1 into the texts that they are written as. The reader bounds how deep it goes.
fn words(node: &mut Node, lines: &[&str]) {
    if let (Data::Bool(_), Some(written)) = (&node.data, written(node, lines))
        && WORDS.iter().any(|word| word.eq_ignore_ascii_case(&written))
    {
        node.data = Data::String(written);
    }
    for (key, value) in entries(node) {
        words(key, lines);
        words(value, lines);
    }
    for item in items(node) {
        words(item, lines);
    }
}

fn texts(release: &mut Node, lines: &[&str]) {
    for (key, value) in entries(release) {
        match key.as_str() {
            Some(name) if TEXTS.contains(&name) => as_written(value, lines),
            Some("set" | "setString" | "setTemplate") => items(value).iter_mut().for_each(|entry| texts(entry, lines)),
            Some("values") => items(value).iter_mut().for_each(|item| as_written(item, lines)),
            _ => {}
        }
    }
}

fn as_written(node: &mut Node, lines: &[&str]) {
    if let (Data::Int(_) | Data::Uint(_) | Data::Float(_) | Data::Bool(_), Some(text)) =
        (&node.data, written(node, lines))
    {
        node.data = Data::String(text);
    }
}

/// What stands in the text for a node of one line; an alias stands for something else.
fn written(node: &Node, lines: &[&str]) -> Option<String> {
    let line = lines.get(usize::try_from(node.start.line).ok()?.checked_sub(1)?)?;
    let (from, to) = (usize::try_from(node.start.column).ok()?.checked_sub(1)?, usize::try_from(node.end.column).ok()?);
    let length = (to.checked_sub(1)?).checked_sub(from).filter(|_| node.start.line == node.end.line)?;
    let text: String = line.chars().skip(from).take(length).collect();
    (!text.is_empty() && !text.starts_with(['*', '&', '!'])).then_some(text)
}
