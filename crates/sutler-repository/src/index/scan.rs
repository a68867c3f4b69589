//! Reads an index in the form that programs write it, line by line, without building a document.
//!
//! Anything that this form does not have (anchors, flow collections with content, comments, keys in odd places, fields that no
//! index has) makes the scanner give up: the full reader then decides, and tells what is wrong. Single values in forms that
//! need more than a look are given to the YAML reader one by one. What it does accept it reads exactly as the full reader
//! does; tests compare the two, and both with Helm.

use std::borrow::Cow;
use std::collections::HashSet;

use sutler_chart::MetadataError;
use sutler_functions::semver::Version;

use super::decode::{DEPENDENCY, MAINTAINER, is_rfc3339};
use super::{IndexEntry, Raw, RawEntry};

/// An index in the form that programs write, or nothing.
pub(super) fn scan(text: &str) -> Option<Raw> {
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n' || byte == 0x7f) {
        return None;
    }
    // Characters that YAML forbids, or takes for line breaks.
    let is_odd = |c| matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    if !text.is_ascii() && text.chars().any(is_odd) {
        return None;
    }
    let mut lines = Lines::new(text);
    let mut raw = Raw::default();
    let mut seen = [false; 3];
    while let Some(line) = lines.current {
        if line.content.is_empty() {
            lines.advance();
            continue;
        }
        let (key, value) = split_key(line.content)?;
        let index = ["apiVersion", "generated", "entries"].iter().position(|known| *known == key)?;
        if line.indent != 0 || std::mem::replace(&mut seen[index], true) {
            return None;
        }
        lines.advance();
        match index {
            0 => raw.api_version = lines.text(0, value)?.into_owned(),
            1 => {
                let time = lines.text(0, value)?;
                is_rfc3339(time.as_bytes()).then_some(())?;
            }
            _ if value.is_empty() => raw.charts = charts(&mut lines)?,
            _ if value == "{}" => {}
            _ => return None,
        }
    }
    Some(raw)
}

/// The charts below `entries:`.
fn charts(lines: &mut Lines<'_>) -> Option<Vec<(String, Vec<RawEntry>)>> {
    let mut charts = Vec::new();
    let mut names = HashSet::new();
    let indent = match lines.current {
        Some(line) if line.indent > 0 => line.indent,
        _ => return Some(charts),
    };
    while let Some(line) = lines.current.filter(|line| line.indent == indent && !line.is_item()) {
        let (name, value) = split_key(line.content)?;
        if !is_plain_key(name) || !names.insert(name) {
            return None;
        }
        lines.advance();
        let mut entries = Vec::new();
        match value {
            "" => {
                let item = lines.current.filter(|line| line.is_item() && line.indent >= indent)?.indent;
                while lines.current.is_some_and(|line| line.indent == item && line.is_item()) {
                    entries.push(entry(lines, item)?);
                }
            }
            "[]" => {}
            _ => return None,
        }
        charts.push((name.to_owned(), entries));
    }
    match lines.current {
        Some(line) if line.indent != 0 => None,
        _ => Some(charts),
    }
}

/// What a field of an entry holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Time,
    Boolean,
    Texts,
    Maintainers,
    Dependencies,
    Annotations,
}

const FIELDS: &[(&str, Kind)] = &[
    ("name", Kind::Text),
    ("version", Kind::Text),
    ("appVersion", Kind::Text),
    ("description", Kind::Text),
    ("digest", Kind::Text),
    ("type", Kind::Text),
    ("apiVersion", Kind::Text),
    ("created", Kind::Time),
    ("urls", Kind::Texts),
    ("keywords", Kind::Texts),
    ("home", Kind::Text),
    ("icon", Kind::Text),
    ("sources", Kind::Texts),
    ("maintainers", Kind::Maintainers),
    ("dependencies", Kind::Dependencies),
    ("annotations", Kind::Annotations),
    ("kubeVersion", Kind::Text),
    ("deprecated", Kind::Boolean),
    ("removed", Kind::Boolean),
    ("condition", Kind::Text),
    ("tags", Kind::Text),
    ("checksum", Kind::Text),
    ("engine", Kind::Text),
    ("tillerVersion", Kind::Text),
    ("url", Kind::Text),
];

/// One version of a chart: the item that begins at the current line.
fn entry(lines: &mut Lines<'_>, item: usize) -> Option<RawEntry> {
    let indent = item + 2;
    let mut found = IndexEntry::default();
    let mut kind = String::new();
    let mut dependencies = Vec::new();
    let mut seen = 0u32;
    let mut content = lines.current?.content.strip_prefix("- ")?;
    loop {
        let (key, value) = split_key(content)?;
        let index = FIELDS.iter().position(|(known, _)| *known == key)?;
        if seen & 1 << index != 0 {
            return None;
        }
        seen |= 1 << index;
        lines.advance();
        match FIELDS[index].1 {
            Kind::Text => {
                let text = lines.text(indent, value)?;
                match key {
                    "name" => found.name = sanitized(text),
                    "version" => found.version = text.into_owned(),
                    "appVersion" => found.app_version = sanitized(text),
                    "description" => found.description = sanitized(text),
                    "digest" => found.digest = text.into_owned(),
                    "type" => kind = text.into_owned(),
                    _ => {}
                }
            }
            Kind::Time => is_rfc3339(lines.text(indent, value)?.as_bytes()).then_some(())?,
            Kind::Boolean => lines.boolean(indent, value)?,
            Kind::Texts => {
                let texts = lines.texts(indent, value)?;
                match key {
                    "urls" => found.urls = texts.into_iter().map(Cow::into_owned).collect(),
                    "keywords" => found.keywords = texts.into_iter().map(sanitized).collect(),
                    _ => {}
                }
            }
            Kind::Maintainers => lines.structs(indent, value, MAINTAINER, &mut |_, _| {})?,
            Kind::Dependencies => {
                lines.structs(indent, value, DEPENDENCY, &mut |name, text| match name {
                    "" => dependencies.push((String::new(), String::new())),
                    "name" => {
                        if let Some(last) = dependencies.last_mut() {
                            last.0 = text.into_owned();
                        }
                    }
                    "alias" => {
                        if let Some(last) = dependencies.last_mut() {
                            last.1 = text.into_owned();
                        }
                    }
                    _ => {}
                })?;
            }
            Kind::Annotations => lines.map(indent, value)?,
        }
        match lines.current {
            Some(line) if line.indent == indent && !line.is_item() => content = line.content,
            Some(line) if line.indent > item && !line.content.is_empty() => return None,
            _ => break,
        }
    }
    let dependencies = dependencies.iter().map(|(name, alias)| Some((name.as_str(), alias.as_str())));
    Some(checked(found, &kind, false, dependencies))
}

/// An entry with what Helm's validation says of it, as far as that has not been seen to yet.
pub(super) fn checked<'a>(
    entry: IndexEntry,
    kind: &str,
    has_null_maintainer: bool,
    dependencies: impl Iterator<Item = Option<(&'a str, &'a str)>>,
) -> RawEntry {
    let mut dependencies = dependencies;
    let name = &entry.name;
    let base = name.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let invalid = |problem| RawEntry::Invalid { version: entry.version.clone(), problem };
    let parsed = match Version::parse(&entry.version) {
        _ if name.is_empty() => return invalid(MetadataError::Missing("name")),
        _ if name == "." || name == ".." => return invalid(MetadataError::NameNotAllowed(name.clone())),
        _ if base != name => return invalid(MetadataError::InvalidName(name.clone())),
        _ if entry.version.is_empty() => return invalid(MetadataError::Missing("version")),
        Err(_) => return invalid(MetadataError::InvalidVersion(entry.version.clone())),
        Ok(parsed) => parsed,
    };
    if !matches!(kind, "" | "application" | "library") {
        return invalid(MetadataError::InvalidType);
    }
    if has_null_maintainer {
        return invalid(MetadataError::NullMaintainer);
    }
    let problem = dependencies.find_map(|dependency| match dependency {
        None => Some(MetadataError::NullDependency),
        Some((name, alias)) if alias.chars().any(|c| !c.is_ascii_alphanumeric() && c != '_' && c != '-') => {
            let mut name = name.to_owned();
            sutler_chart::sanitize(&mut name);
            Some(MetadataError::InvalidAlias(name))
        }
        Some(_) => None,
    });
    match problem {
        Some(problem) => invalid(problem),
        None => RawEntry::Valid { entry, parsed },
    }
}

pub(super) fn sanitized(text: Cow<'_, str>) -> String {
    let mut text = text.into_owned();
    sutler_chart::sanitize(&mut text);
    text
}

/// A line without its indentation and its trailing spaces.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    indent: usize,
    content: &'a str,
    /// Where it begins and ends in the text, the line break left out.
    start: usize,
    end: usize,
}

impl Line<'_> {
    fn is_item(&self) -> bool {
        self.content.starts_with("- ") || self.content == "-"
    }
}

/// The lines of a text, one of them current.
struct Lines<'a> {
    text: &'a str,
    next: usize,
    current: Option<Line<'a>>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Lines<'a> {
        let mut lines = Lines { text, next: 0, current: None };
        lines.advance();
        lines
    }

    fn advance(&mut self) {
        if self.next >= self.text.len() {
            self.current = None;
            return;
        }
        let start = self.next;
        let rest = &self.text[start..];
        let length = rest.find('\n').unwrap_or(rest.len());
        self.next = start + length + 1;
        let whole = &rest[..length];
        let content = whole.trim_start_matches(' ');
        let indent = whole.len() - content.len();
        self.current = Some(Line { indent, content: content.trim_end_matches(' '), start, end: start + length });
    }

    /// Whether the current line goes on with a value whose key or dash stands at an indentation.
    fn continues(&self, indent: usize) -> bool {
        self.current.is_some_and(|line| line.indent > indent || line.content.is_empty())
    }

    /// Passes over the lines of a value, and gives them as they stand, empty ones at the end left out.
    fn take_rest(&mut self, indent: usize) -> &'a str {
        let start = self.current.map_or(self.text.len(), |line| line.start);
        let mut end = start;
        while self.continues(indent) {
            let line = self.current.expect("a line that continues is there");
            if !line.content.is_empty() {
                end = line.end;
            }
            self.advance();
        }
        &self.text[start..end]
    }

    /// A value that is text (or null, which is empty): `value` is what follows its key, the rest stands on deeper lines.
    fn text(&mut self, indent: usize, value: &'a str) -> Option<Cow<'a, str>> {
        let is_alone = !self.continues(indent);
        match value.as_bytes().first() {
            None if is_alone => return Some(Cow::Borrowed("")),
            Some(quote @ (b'"' | b'\'')) if is_alone => {
                let inside = value[1..].strip_suffix(char::from(*quote))?;
                if !inside.bytes().any(|byte| byte == *quote || byte == b'\\' && *quote == b'"') {
                    return Some(Cow::Borrowed(inside));
                }
            }
            Some(_) if is_alone && is_plain_text(value) => return Some(Cow::Borrowed(value)),
            Some(_) if is_folded_start(value) => {
                if let Some(text) = self.folded(indent, value) {
                    return Some(Cow::Owned(text));
                }
            }
            _ => {}
        }
        let rest = self.take_rest(indent);
        let (_, value) = read_value(value, rest, indent)?;
        match (value.is_null(), value.field_text()) {
            (true, _) => Some(Cow::Borrowed("")),
            (false, text) => text.map(|text| Cow::Owned(text.into_owned())),
        }
    }

    /// Plain text over several lines; nothing, with no line consumed, where a look does not suffice.
    fn folded(&mut self, indent: usize, first: &str) -> Option<String> {
        let (next, current) = (self.next, self.current);
        let mut text = first.to_owned();
        while let Some(line) = self.current.filter(|line| line.indent > indent || line.content.is_empty()) {
            if !is_folded_part(line.content) {
                (self.next, self.current) = (next, current);
                return None;
            }
            text.push(' ');
            text.push_str(line.content);
            self.advance();
        }
        // Two words at least: neither a number nor any other word with a meaning of its own.
        text.contains(' ').then_some(text)
    }

    fn boolean(&mut self, indent: usize, value: &str) -> Option<()> {
        (matches!(value, "true" | "false") && !self.continues(indent)).then_some(())
    }

    /// A list of texts.
    fn texts(&mut self, indent: usize, value: &'a str) -> Option<Vec<Cow<'a, str>>> {
        let mut texts = Vec::new();
        if value == "[]" && !self.continues(indent) {
            return Some(texts);
        }
        if !value.is_empty() {
            let rest = self.take_rest(indent);
            let (_, list) = read_value(value, rest, indent)?;
            let sutler_yaml::Data::Sequence(items) = &list.data else { return None };
            for item in items {
                texts.push(Cow::Owned(item.field_text()?.into_owned()));
            }
            return Some(texts);
        }
        let Some(item) = self.list_indent(indent) else { return Some(texts) };
        while let Some(line) = self.current.filter(|line| line.indent == item && line.is_item()) {
            let text = line.content.strip_prefix("- ")?;
            self.advance();
            texts.push(self.text(item, text.trim_start_matches(' '))?);
        }
        self.is_past(item).then_some(texts)
    }

    /// The indentation of the list that begins at the current line, if one does.
    fn list_indent(&self, indent: usize) -> Option<usize> {
        self.current.filter(|line| line.indent >= indent && line.is_item()).map(|line| line.indent)
    }

    /// Whether the current line stands outside a collection at an indentation.
    fn is_past(&self, indent: usize) -> bool {
        self.current.is_none_or(|line| line.indent <= indent && !line.content.is_empty())
    }

    /// A list of maps with known keys: each map is announced by an empty name, and its texts follow.
    fn structs(
        &mut self,
        indent: usize,
        value: &'a str,
        known: &[&str],
        each: &mut dyn FnMut(&str, Cow<'a, str>),
    ) -> Option<()> {
        if value == "[]" && !self.continues(indent) {
            return Some(());
        }
        if !value.is_empty() {
            return None;
        }
        let Some(item) = self.list_indent(indent) else {
            return (!self.continues(indent)).then_some(());
        };
        while let Some(line) = self.current.filter(|line| line.indent == item && line.is_item()) {
            each("", Cow::Borrowed(""));
            let mut content = line.content.strip_prefix("- ")?;
            let mut seen = 0u32;
            loop {
                let (key, value) = split_key(content)?;
                let index = known.iter().position(|name| *name == key)?;
                if seen & 1 << index != 0 {
                    return None;
                }
                seen |= 1 << index;
                self.advance();
                match key {
                    "enabled" => self.boolean(item + 2, value)?,
                    "tags" => drop(self.texts(item + 2, value)?),
                    "import-values" => {
                        let rest = self.take_list(item + 2);
                        let (_, list) = read_value(value, rest, item + 2)?;
                        matches!(list.data, sutler_yaml::Data::Sequence(_) | sutler_yaml::Data::Null).then_some(())?;
                    }
                    _ => each(key, self.text(item + 2, value)?),
                }
                match self.current {
                    Some(line) if line.indent == item + 2 && !line.is_item() && !line.content.is_empty() => {
                        content = line.content;
                    }
                    _ => break,
                }
            }
        }
        self.is_past(item).then_some(())
    }

    /// As [`Lines::take_rest`], with the items of a list that stands at the indentation itself.
    fn take_list(&mut self, indent: usize) -> &'a str {
        let start = self.current.map_or(self.text.len(), |line| line.start);
        let mut end = start;
        while let Some(line) =
            self.current.filter(|line| line.indent > indent || line.indent == indent && line.is_item())
        {
            end = line.end;
            self.advance();
        }
        &self.text[start..end]
    }

    /// A map of texts.
    fn map(&mut self, indent: usize, value: &str) -> Option<()> {
        if value == "{}" && !self.continues(indent) {
            return Some(());
        }
        let Some(line) = self.current.filter(|line| line.indent > indent) else {
            return (value.is_empty() && !self.continues(indent)).then_some(());
        };
        if !value.is_empty() {
            return None;
        }
        let inner = line.indent;
        let mut keys: Vec<&str> = Vec::new();
        while let Some(line) = self.current.filter(|line| line.indent == inner && !line.content.is_empty()) {
            let (key, value) = split_key(line.content)?;
            if !is_plain_key(key) || keys.contains(&key) {
                return None;
            }
            keys.push(key);
            self.advance();
            self.text(inner, value)?;
        }
        self.is_past(indent).then_some(())
    }
}

/// Gives one value to the YAML reader: what follows its key, and its further lines. The document is kept with the value.
fn read_value(value: &str, rest: &str, indent: usize) -> Option<((), sutler_yaml::Node)> {
    // The key stands as deep as it did, so that lines that belong to the value still do.
    let text = format!("{:indent$}k: {value}\n{rest}\n", "");
    let node = sutler_yaml::read_strict(&text).ok()?;
    sutler_yaml::to_json(&node).ok()?;
    match <[(sutler_yaml::Node, sutler_yaml::Node); 1]>::try_from(match node.data {
        sutler_yaml::Data::Mapping(entries) => entries,
        _ => return None,
    }) {
        Ok([(key, value)]) if key.as_str() == Some("k") => Some(((), value)),
        _ => None,
    }
}

/// Key and value of a line `key: value`; the value may be empty.
fn split_key(content: &str) -> Option<(&str, &str)> {
    let (key, rest) = content.split_once(':')?;
    if rest.is_empty() {
        return Some((key, ""));
    }
    rest.strip_prefix(' ').map(|value| (key, value.trim_start_matches(' ')))
}

/// Words that YAML 1.1 takes for something else than text.
fn is_reserved(word: &str) -> bool {
    const WORDS: &[&str] = &["y", "yes", "n", "no", "true", "false", "on", "off", "null"];
    word.len() <= 5 && WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Whether a key is text for certain.
fn is_plain_key(key: &str) -> bool {
    key.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte))
        && !is_reserved(key)
}

/// Whether characters within plain text mean nothing but themselves.
fn is_harmless(text: &str) -> bool {
    !text.contains(": ") && !text.contains(" #") && !text.ends_with(':')
}

/// Whether a plain value is text for certain.
fn is_plain_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_text = match bytes[0] {
        b'a'..=b'z' | b'A'..=b'Z' => !is_reserved(text),
        b'/' | b'_' | b'(' | b'^' | b'$' => true,
        // A number has one dot at most, and few letters; `0x1f` and `1e5` are numbers.
        b'0'..=b'9' | b'.' => {
            let has_base = bytes[0] == b'0' && bytes.get(1).is_some_and(u8::is_ascii_alphabetic);
            let letters = |byte: &u8| matches!(byte, b'a' | b'c' | b'd' | b'g'..=b'n' | b'p'..=b'w' | b'y' | b'z');
            let dots = bytes.iter().filter(|byte| **byte == b'.').count();
            bytes.contains(&b'/') || bytes[0] != b'.' && !has_base && (bytes.iter().any(letters) || dots > 1)
        }
        _ => false,
    };
    is_text && is_harmless(text)
}

/// Whether plain text that goes on in further lines may begin so.
fn is_folded_start(text: &str) -> bool {
    text.as_bytes()[0].is_ascii_alphabetic() && is_harmless(text)
}

/// Whether a further line of plain text is only that.
fn is_folded_part(text: &str) -> bool {
    text.as_bytes().first().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"(/._".contains(byte))
        && is_harmless(text)
}
