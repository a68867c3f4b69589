//! What goes through a post-renderer: the files of a chart as one stream of documents, each with its file's name as an annotation,
//! and back.
//!
//! Helm reads and writes the stream anew (by kyaml), so that its form is settled: mappings by two columns, lists at their key's
//! column, no empty lines, one space before a comment. The same is done here line by line: nothing else of a text is touched.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sutler_yaml::Node;

use crate::io::{Io, Variables};
use crate::plugin::{Plugin, Plugins};
use crate::settings::Settings;

/// The annotation that carries the file's name.
const FILE: &str = "postrenderer.helm.sh/postrender-filename";

/// Sends what templates made through the post-renderer of that name.
///
/// # Errors
/// The text that Helm would print.
pub(crate) fn through(
    files: BTreeMap<String, String>,
    name: &str,
    arguments: &[String],
    settings: &Settings,
    io: &mut Io<'_>,
) -> Result<BTreeMap<String, String>, String> {
    let plugins =
        Plugins::load(&settings.plugin_folders(), settings.compatibility).map_err(|error| error.to_string())?;
    let plugin = plugins.named(name, "postrenderer/v1").map_err(|error| error.to_string())?;
    let merged = merge(&files).map_err(|error| format!("error merging manifests: {error}"))?;
    if settings.debug
        && let Ok(line) = plugin.command_line(arguments, &io.variables, &[])
    {
        let details = [("pluginName", plugin.metadata.name.clone()), ("command", line)];
        io.log(sutler_chart::Level::Debug, "executing plugin command", &details);
    }
    let changed = run(plugin, &merged, arguments, io)
        .map_err(|error| format!("error while running post render on files: {error}"))?;
    split(&changed).map_err(|error| format!("error while parsing post rendered output: {error}"))
}

fn run(plugin: &Plugin, merged: &str, arguments: &[String], io: &Io<'_>) -> Result<String, String> {
    let name = sutler_chart::go_quoted(&plugin.metadata.name);
    let output = plugin
        .post_render(merged, arguments, &io.variables)
        .map_err(|error| format!("failed to invoke post-renderer plugin {name}: {error}"))?;
    let text = String::from_utf8_lossy(&output).into_owned();
    if text.trim().is_empty() {
        return Err(format!("post-renderer {name} produced empty output"));
    }
    Ok(text)
}

/// Sends a release's manifests through a program, as Helm 3 does.
///
/// # Errors
/// The text that Helm 3 would print.
pub(crate) fn through_program(
    manifests: &str,
    name: &str,
    arguments: &[String],
    io: &Io<'_>,
) -> Result<String, String> {
    let program = program(name, &io.folder, &io.variables)?;
    let failed = |stderr: &[u8], reason: &str| {
        let (program, stderr) = (program.display(), String::from_utf8_lossy(stderr));
        format!(
            "error while running post render on files: error while running command {program}. error output:\n{stderr}: {reason}"
        )
    };
    let output = pipe(&program, arguments, manifests).map_err(|error| failed(b"", &error.to_string()))?;
    if !output.status.success() {
        let reason = match output.status.code() {
            Some(code) => format!("exit status {code}"),
            None => "signal: killed".to_owned(),
        };
        return Err(failed(&output.stderr, &reason));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn pipe(program: &Path, arguments: &[String], input: &str) -> std::io::Result<std::process::Output> {
    use std::process::{Command, Stdio};
    let mut command = Command::new(program);
    let mut child =
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A program that does not read to the end is no failure.
            if let Some(stdin) = &mut stdin {
                drop(stdin.write_all(input.as_bytes()));
            }
        });
        child.wait_with_output()
    })
}

/// The program that a post-renderer of Helm 3 is, as Go's `exec.LookPath` finds it.
///
/// # Errors
/// When it is not there, or is none.
pub(crate) fn program(name: &str, folder: &Path, variables: &Variables) -> Result<PathBuf, String> {
    let not_found =
        |reason: &str| format!("unable to find binary at {name}: exec: {}: {reason}", sutler_chart::go_quoted(name));
    if name.contains('/') {
        let path = folder.join(name);
        let found = path
            .metadata()
            .map_err(|error| not_found(&format!("stat {name}: {}", sutler_chart::io_message(&error))))?;
        return match (found.is_dir(), is_program(&path)) {
            (true, _) => Err(not_found("is a directory")),
            (false, false) => Err(not_found("permission denied")),
            (false, true) => Ok(PathBuf::from(sutler_chart::clean_path(&path.display().to_string()))),
        };
    }
    let folders = std::env::split_paths(variables.get("PATH").unwrap_or_default());
    let found = folders.map(|place| folder.join(place).join(name)).find(|path| path.is_file() && is_program(path));
    found.ok_or_else(|| not_found("executable file not found in $PATH"))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|found| found.permissions().mode() & 0o111 != 0)
}

#[cfg(windows)]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// All files as one stream.
fn merge(files: &BTreeMap<String, String>) -> Result<String, String> {
    let mut documents = Vec::new();
    for (path, content) in files {
        let base = path.rsplit('/').next().unwrap_or_default();
        if base.starts_with('_') || content.trim().is_empty() {
            continue;
        }
        let found = read(content).map_err(|error| format!("parsing {path}: {error}"))?;
        documents.extend(found.into_iter().map(|document| annotated(&document, path)));
    }
    Ok(documents.join("---\n"))
}

/// A stream as files again.
fn split(stream: &str) -> Result<BTreeMap<String, String>, String> {
    let documents = read(stream).map_err(|error| format!("error parsing YAML: {error}"))?;
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (at, document) in documents.into_iter().enumerate() {
        let (document, path) = without_annotation(&document);
        let path = path.unwrap_or_else(|| format!("generated-by-postrender-{at}.yaml"));
        files.entry(path).or_default().push(document);
    }
    Ok(files.into_iter().map(|(path, documents)| (path, documents.join("---\n"))).collect())
}

/// The documents of a stream that hold something, in their settled form; the items of a `List` are documents of their own.
fn read(stream: &str) -> Result<Vec<String>, String> {
    let mut texts = vec![String::new()];
    for line in stream.replace("\r\n", "\n").split_inclusive('\n') {
        match line.strip_prefix("---") {
            Some(rest) => {
                texts.push(String::new());
                // A chomped `{{-` may have drawn the first line up to the separator.
                let rest = rest.trim_start();
                if !rest.is_empty() && !rest.starts_with('#') {
                    texts.last_mut().expect("one was just added").push_str(rest);
                }
            }
            None => texts.last_mut().expect("there is always one").push_str(line),
        }
    }
    let mut documents = Vec::new();
    for text in texts {
        let node = sutler_yaml::read(&text).map_err(|error| format!("MalformedYAMLError: {error}"))?;
        if node.is_null() {
            continue;
        }
        let settled = settled(&text);
        match node.get("kind").and_then(Node::as_str) {
            Some("List" | "ResourceList") if node.get("items").is_some() => documents.extend(items(&settled)),
            _ => documents.push(settled),
        }
    }
    Ok(documents)
}

/// The items of a settled list's document, each as a document.
fn items(document: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    let mut inside = false;
    for line in document.lines() {
        if line.starts_with("items:") {
            inside = true;
        } else if inside && line.starts_with("- ") {
            items.push(format!("{}\n", &line[2..]));
        } else if inside && line.starts_with("  ") {
            if let Some(item) = items.last_mut() {
                item.push_str(&format!("{}\n", &line[2..]));
            }
        } else {
            inside = false;
        }
    }
    items
}

/// A level of a document: where it stood, and where it stands.
struct Level {
    was: usize,
    is: usize,
}

/// A document in the settled form. Lines that belong to a scalar or a flow collection over several lines move with its first.
fn settled(text: &str) -> String {
    let mut out = String::new();
    let mut levels: Vec<Level> = Vec::new();
    let mut block: Option<Block> = None;
    let mut open = Open::default();
    // Comments stand where the line after them stands.
    let mut comments: Vec<&str> = Vec::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let content = line.trim();
        if let Some(current) = &mut block {
            if current.holds(indent, content) {
                current.push(line, indent, &mut out);
                continue;
            }
            block = None;
        }
        if open.is_open() {
            open.read(content);
            out.push_str(line.trim_end());
            out.push('\n');
            continue;
        }
        if content.is_empty() {
            continue;
        }
        if content.starts_with('#') {
            comments.push(content);
            continue;
        }
        let (mut at, mut rest) = (indent, content);
        let mut prefix = String::new();
        let mut first = true;
        let mut here;
        loop {
            while levels.last().is_some_and(|level| level.was > at) {
                levels.pop();
            }
            let is_item = rest == "-" || rest.starts_with("- ");
            let known = levels.last().filter(|level| level.was == at).map(|level| level.is);
            here = known.unwrap_or_else(|| {
                let below = levels.last().map(|level| level.is);
                let is = match below {
                    None => 0,
                    // A list stands at its key's column; what is in an item, two further.
                    Some(below) if is_item && first => below,
                    Some(below) => below + 2,
                };
                levels.push(Level { was: at, is });
                is
            });
            if first {
                prefix.push_str(&" ".repeat(here));
            }
            first = false;
            if !is_item {
                break;
            }
            let after = rest[1..].trim_start();
            prefix.push_str("- ");
            if after.is_empty() || after.starts_with('#') {
                rest = after;
                break;
            }
            at += rest.len() - after.len();
            rest = after;
            // What is in the item is a level of its own, beside the list's.
            levels.push(Level { was: at, is: here + 2 });
        }
        for comment in comments.drain(..) {
            out.push_str(&format!("{}{comment}\n", " ".repeat(here)));
        }
        let (value, comment) = without_comment(rest);
        out.push_str(format!("{prefix}{}", value.trim_end()).trim_end());
        if let Some(comment) = comment {
            out.push_str(&format!(" {comment}"));
        }
        out.push('\n');
        block = Block::after(value, levels.last().map_or(0, |level| level.was), here);
        if block.is_none() {
            open.read(value);
        }
    }
    for comment in comments {
        out.push_str(&format!("{comment}\n"));
    }
    out
}

/// A block scalar that is being copied.
struct Block {
    /// The column of what it belongs to, as it was.
    parent: usize,
    /// How far its lines stood in, once the first is seen.
    was: Option<usize>,
    /// How far they stand in.
    is: usize,
    /// Empty lines that may be its end.
    empty: usize,
}

impl Block {
    /// The block scalar that a line's end begins.
    fn after(line: &str, parent: usize, here: usize) -> Option<Block> {
        let last = line.rsplit(' ').next().unwrap_or_default();
        let mark = last.strip_prefix(['|', '>'])?;
        let is_header = mark.chars().all(|c| matches!(c, '+' | '-' | '0'..='9'));
        let is_value =
            line == last || line.strip_suffix(last).is_some_and(|before| before.trim_end().ends_with([':', '-']));
        (is_header && is_value).then_some(Block { parent, was: None, is: here + 2, empty: 0 })
    }

    fn holds(&self, indent: usize, content: &str) -> bool {
        content.is_empty() || self.was.map_or(indent > self.parent, |was| indent >= was.min(self.parent + 1))
    }

    fn push(&mut self, line: &str, indent: usize, out: &mut String) {
        if line.trim().is_empty() {
            self.empty += 1;
            return;
        }
        let was = *self.was.get_or_insert(indent);
        for _ in 0..std::mem::take(&mut self.empty) {
            out.push('\n');
        }
        out.push_str(&format!("{}{}\n", " ".repeat(self.is), line.get(was..).unwrap_or_default()));
    }
}

/// Quotes and brackets that a line leaves open.
#[derive(Default)]
struct Open {
    quote: Option<char>,
    depth: usize,
}

impl Open {
    fn is_open(&self) -> bool {
        self.quote.is_some() || self.depth > 0
    }

    fn read(&mut self, text: &str) {
        // Quotes and brackets mean something only where a value begins, or within one that is open.
        let value = if self.is_open() { text } else { value_of(text) };
        if !self.is_open() && !value.starts_with(['"', '\'', '[', '{']) {
            return;
        }
        let mut chars = value.chars().peekable();
        while let Some(c) = chars.next() {
            match (self.quote, c) {
                (Some('"'), '\\') => drop(chars.next()),
                (Some('\''), '\'') if chars.peek() == Some(&'\'') => drop(chars.next()),
                (Some(quote), c) if quote == c => self.quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => self.quote = Some(c),
                (None, '[' | '{') => self.depth += 1,
                (None, ']' | '}') => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }
}

/// What follows the key of a line, or the line.
fn value_of(line: &str) -> &str {
    let mut rest = line;
    while let Some(after) = rest.strip_prefix("- ") {
        rest = after.trim_start();
    }
    if rest.starts_with(['"', '\'']) {
        let quote = &rest[..1];
        let end = rest[1..].find(quote).map_or(rest.len(), |end| end + 2);
        return match rest[end..].strip_prefix(':') {
            Some(value) if value.is_empty() || value.starts_with(' ') => value.trim_start(),
            _ => rest,
        };
    }
    rest.split_once(": ").map_or(if rest.ends_with(':') { "" } else { rest }, |(_, value)| value.trim_start())
}

/// A line's text and its comment.
fn without_comment(line: &str) -> (&str, Option<&str>) {
    let mut quote: Option<u8> = None;
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let before_is_space = at == 0 || matches!(bytes[at - 1], b' ' | b'\t');
        let opens = at == 0 || matches!(bytes[at - 1], b' ' | b'[' | b'{' | b',');
        match (quote, bytes[at]) {
            (Some(b'"'), b'\\') => at += 1,
            (Some(open), byte) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, byte @ (b'"' | b'\'')) if opens => quote = Some(byte),
            (None, b'#') if before_is_space => return (line[..at].trim_end(), Some(&line[at..])),
            _ => {}
        }
        at += 1;
    }
    (line, None)
}

/// A settled document with the annotation.
fn annotated(document: &str, path: &str) -> String {
    let entry = format!("{FILE}: '{}'", path.replace('\'', "''"));
    let mut lines: Vec<String> = document.lines().map(str::to_owned).collect();
    if let [line] = lines.as_slice()
        && line.starts_with('{')
    {
        return format!("{}\n", with_flow_metadata(line, &entry));
    }
    let Some(metadata) = lines.iter().position(|line| key_at(line, 0) == Some("metadata")) else {
        lines.push("metadata:".to_owned());
        lines.push("  annotations:".to_owned());
        lines.push(format!("    {entry}"));
        return joined(&lines);
    };
    if let Some(flow) = flow_of(&lines[metadata]) {
        let flow = with_flow_annotation(flow, &entry);
        lines[metadata] = format!("metadata: {flow}");
        return joined(&lines);
    }
    let end = end_of(&lines, metadata, 0);
    match (metadata + 1..end).find(|at| key_at(&lines[*at], 2) == Some("annotations")) {
        None => {
            lines.insert(end, "  annotations:".to_owned());
            lines.insert(end + 1, format!("    {entry}"));
        }
        Some(annotations) => match flow_of(&lines[annotations]) {
            Some(flow) if flow.starts_with('{') => {
                lines[annotations] = format!("  annotations: {}", with_flow_entry(flow, &entry));
            }
            _ => {
                lines[annotations] = "  annotations:".to_owned();
                let end = end_of(&lines, annotations, 2);
                lines.insert(end, format!("    {entry}"));
            }
        },
    }
    joined(&lines)
}

/// A settled document without the annotation, and the file that it named.
fn without_annotation(document: &str) -> (String, Option<String>) {
    let mut lines: Vec<String> = document.lines().map(str::to_owned).collect();
    let Some(at) = lines.iter().position(|line| line.contains(FILE)) else { return (document.to_owned(), None) };
    let Ok(node) = sutler_yaml::read(document) else { return (document.to_owned(), None) };
    let Some(path) = node.find(["metadata", "annotations", FILE]).and_then(Node::as_str) else {
        return (document.to_owned(), None);
    };
    let line = lines[at].clone();
    if line.trim_start().trim_start_matches(['"', '\'']).starts_with(FILE) {
        let indent = line.len() - line.trim_start().len();
        lines.remove(at);
        // What held nothing else goes with it.
        let parent = at.checked_sub(1).filter(|above| {
            let deeper = |line: &String| line.len() - line.trim_start().len() >= indent;
            let alone = !lines.get(at).is_some_and(deeper);
            alone && lines[*above].trim() == "annotations:"
        });
        if let Some(parent) = parent {
            lines.remove(parent);
            if parent.checked_sub(1).is_some_and(|above| lines[above] == "metadata:")
                && !lines.get(parent).is_some_and(|line| line.starts_with("  "))
            {
                lines[parent - 1] = "metadata: {}".to_owned();
            }
        }
    } else {
        lines[at] = without_flow_entry(&line);
    }
    (joined(&lines), Some(path.to_owned()))
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The key of a line at that column.
fn key_at(line: &str, column: usize) -> Option<&str> {
    let rest = line.get(column..).filter(|_| line.starts_with(&" ".repeat(column)))?;
    let key = rest.split(':').next().filter(|key| !key.starts_with([' ', '-', '#']))?;
    rest[key.len()..].starts_with(':').then(|| key.trim_matches(['"', '\'']))
}

/// What stands behind a line's key, if anything but a comment does.
fn flow_of(line: &str) -> Option<&str> {
    let (text, _) = without_comment(line);
    let value = text.split_once(':')?.1.trim();
    (!value.is_empty()).then_some(value)
}

/// Where the lines below a key end.
fn end_of(lines: &[String], key: usize, column: usize) -> usize {
    let deeper = |line: &String| {
        let indent = line.len() - line.trim_start().len();
        line.trim().is_empty() || indent > column || indent == column && line.trim_start().starts_with("- ")
    };
    key + 1 + lines[key + 1..].iter().take_while(|line| deeper(line)).count()
}

/// A flow mapping with one entry more.
fn with_flow_entry(flow: &str, entry: &str) -> String {
    let inner = flow.trim_end().strip_suffix('}').unwrap_or(flow).trim_end();
    let inner = inner.strip_suffix(',').unwrap_or(inner);
    if inner.trim() == "{" { format!("{{{entry}}}") } else { format!("{inner}, {entry}}}") }
}

/// A flow mapping of metadata with one annotation more.
fn with_flow_annotation(flow: &str, entry: &str) -> String {
    if !flow.starts_with('{') {
        return format!("{{annotations: {{{entry}}}}}");
    }
    let Some(at) = flow.find("annotations: {") else {
        return with_flow_entry(flow, &format!("annotations: {{{entry}}}"));
    };
    let start = at + "annotations: ".len();
    let end = start + flow[start..].find('}').unwrap_or_default() + 1;
    format!("{}{}{}", &flow[..start], with_flow_entry(&flow[start..end], entry), &flow[end..])
}

/// A whole object as a flow mapping, with one annotation more.
fn with_flow_metadata(flow: &str, entry: &str) -> String {
    const KEY: &str = "metadata: ";
    let Some(at) = flow.find("metadata: {") else {
        return with_flow_entry(flow, &format!("{KEY}{{annotations: {{{entry}}}}}"));
    };
    let start = at + KEY.len();
    let mut depth = 0_usize;
    let end = flow[start..].char_indices().find_map(|(at, c)| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0).then_some(start + at + 1)
    });
    let end = end.unwrap_or(flow.len());
    format!("{}{}{}", &flow[..start], with_flow_annotation(&flow[start..end], entry), &flow[end..])
}

/// A line without the annotation in a flow mapping.
fn without_flow_entry(line: &str) -> String {
    let Some(at) = line.find(FILE) else { return line.to_owned() };
    let start = line[..at].trim_end_matches(['"', '\'']).len();
    let end = line[at..].find(['}', ',']).map_or(line.len(), |end| at + end);
    let before = line[..start].trim_end();
    let text = match before.strip_suffix(',') {
        Some(before) => format!("{before}{}", &line[end..]),
        None => format!("{before}{}", line[end..].trim_start_matches([',', ' '])),
    };
    text.replace(", annotations: {}", "").replace("annotations: {}, ", "").replace("{annotations: {}}", "{}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(settled(text), expect);
        // The annotation comes and goes without a trace.
        let (back, path) = without_annotation(&annotated(expect, "c/templates/it's.yaml"));
        assert_eq!((back.as_str(), path.as_deref()), (expect, Some("c/templates/it's.yaml")));
    }

    #[test]
    fn documents_come_back_settled() {
        check(
            "# a comment\nkind: A\nmetadata:\n    name: a   # trailing\n    labels: {x: \"y\"}\ndata:\n    # inner\n\n    key: |\n      block\n        text\n    list:\n    - a\n    -   b: 1\n        c: 2\n    wide:\n      - x\n",
            "# a comment\nkind: A\nmetadata:\n  name: a # trailing\n  labels: {x: \"y\"}\ndata:\n  # inner\n  key: |\n    block\n      text\n  list:\n  - a\n  - b: 1\n    c: 2\n  wide:\n  - x\n",
        );
        check(
            "kind: A\nmetadata: {name: s, annotations: {a: b}}\n",
            "kind: A\nmetadata: {name: s, annotations: {a: b}}\n",
        );
        check(
            "kind: A\nmetadata:\n  annotations:\n    a: b\n  name: c\n",
            "kind: A\nmetadata:\n  annotations:\n    a: b\n  name: c\n",
        );
    }

    #[test]
    fn lists_are_taken_apart() {
        let list = "kind: List\nitems:\n  - kind: A\n    metadata: {name: a}\n  - kind: B\n";
        assert_eq!(read(list).unwrap(), ["kind: A\nmetadata: {name: a}\n", "kind: B\n"]);
        assert_eq!(read("kind: List\nitems: []\n").unwrap(), [""; 0]);
    }
}
