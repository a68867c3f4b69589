//! stack.yaml: from text to checked types, every error with file, line and column.
//!
//! Reading order: [`model`] (what a person writes) → [`references`] (`${…}` replaced for one environment) →
//! [`deserialize`] (nodes to types) → [`diagnostic`] (what is said when something is wrong). [`read`] is the entry.

pub mod deserialize;
pub mod diagnostic;
pub mod model;
pub mod references;
mod schema;

pub use schema::schema;

use sutler_yaml::{Data, Node};

use deserialize::{NodeError, describe, from_node};
use diagnostic::{Diagnostic, Place, Report, nearest};
use model::{Environment, StackFile};
use references::{Surroundings, keys, resolve_file};

/// The region where an environment names none.
pub const DEFAULT_REGION: &str = "us-west-2";

/// A stack file read for one environment: types, and the nodes they came from.
#[derive(Clone, Debug)]
pub struct ReadFile {
    /// The types.
    pub file: StackFile,
    /// The chosen environment's name.
    pub environment: String,
    /// The nodes, references replaced: places and literal values are looked up here.
    pub root: Node,
    /// The file's path, as the user would type it.
    pub path: String,
    /// The file's text.
    pub text: String,
}

impl ReadFile {
    /// The chosen environment.
    pub fn chosen(&self) -> &Environment {
        &self.file.environments[&self.environment]
    }

    /// Where the value at a path of keys stands; if it does not exist, where the nearest part around it stands.
    pub fn place(&self, path: &[&str]) -> Option<Place> {
        Some(self.root.closest(path.iter().copied()).0.start.into())
    }

    /// Where the last key of a path stands.
    pub fn key_place(&self, path: &[&str]) -> Option<Place> {
        let (last, parent) = path.split_last()?;
        let (key, _) = self.root.find(parent.iter().copied())?.entry(last)?;
        Some(key.start.into())
    }

    /// A report on this file.
    pub fn report(&self, diagnostics: Vec<Diagnostic>) -> Report {
        Report { path: self.path.clone(), text: self.text.clone(), diagnostics }
    }
}

/// Reads a stack file for one environment: the given one, else `defaults.environment`, else the only one.
///
/// # Errors
/// Everything that is wrong with the file's form: YAML, duplicate keys, unknown keys, types, references.
pub fn read(path: &str, text: &str, environment: Option<&str>) -> Result<ReadFile, Report> {
    let fail = |diagnostics: Vec<Diagnostic>| Report { path: path.to_owned(), text: text.to_owned(), diagnostics };
    let root = sutler_yaml::read(text).map_err(|error| {
        let place = Some(Place::from(error.position()));
        fail(vec![Diagnostic::error(place, error.to_string())])
    })?;
    if !matches!(root.data, Data::Mapping(_)) {
        return Err(fail(vec![
            Diagnostic::error(None, format!("a stack file is a map, found {}", describe(&root)))
                .hint("`sutler init` writes one to start from"),
        ]));
    }
    let duplicates = duplicates(&root);
    if !duplicates.is_empty() {
        return Err(fail(duplicates));
    }
    let environment = choose_environment(&root, environment).map_err(|problem| fail(vec![problem]))?;
    let of_environment = |key: &str| root.find(["environments", &environment, key]).and_then(Node::as_str);
    let surroundings = Surroundings {
        root: &root,
        environment: &environment,
        region: of_environment("region").unwrap_or(DEFAULT_REGION),
        account: of_environment("account"),
    };
    let (resolved, problems) = resolve_file(&surroundings);
    if !problems.is_empty() {
        return Err(fail(problems));
    }
    match from_node::<StackFile>(&resolved) {
        Ok(file) => Ok(ReadFile { file, environment, root: resolved, path: path.to_owned(), text: text.to_owned() }),
        Err(error) => Err(fail(vec![explain(error)])),
    }
}

/// serde's message as a person would say it, with the key that was probably meant.
fn explain(error: NodeError) -> Diagnostic {
    let quoted: Vec<&str> = error.message.split('`').skip(1).step_by(2).collect();
    if let (Some(unknown), true) = (quoted.first(), error.message.starts_with("unknown field")) {
        let diagnostic = Diagnostic::error(error.place, format!("unknown key `{unknown}`"));
        return match nearest(unknown, quoted[1..].iter().copied()) {
            Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
            None => diagnostic.hint(format!("known here: {}", quoted[1..].join(", "))),
        };
    }
    if let (Some(unknown), true) = (quoted.first(), error.message.starts_with("unknown variant")) {
        let diagnostic = Diagnostic::error(error.place, format!("`{unknown}` is not known here"));
        return match nearest(unknown, quoted[1..].iter().copied()) {
            Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
            None => diagnostic.hint(format!("it can be: {}", quoted[1..].join(", "))),
        };
    }
    if let (Some(missing), true) = (quoted.first(), error.message.starts_with("missing field")) {
        return Diagnostic::error(error.place, format!("the key `{missing}` is missing here"));
    }
    Diagnostic::error(error.place, error.message)
}

fn choose_environment(root: &Node, asked: Option<&str>) -> Result<String, Diagnostic> {
    let Some(environments) = root.find(["environments"]) else {
        return Err(Diagnostic::error(None, "the key `environments` is missing")
            .hint("for a start: environments: {try: {target: simulator}}"));
    };
    let names = keys(environments);
    let list = || names.iter().map(String::as_str);
    let default = root.find(["defaults", "environment"]);
    let (name, place) = match (asked, default.and_then(Node::as_str), names.as_slice()) {
        (Some(asked), _, _) => (asked, None),
        (None, Some(default), _) => (default, default_place(root)),
        (None, None, [only]) => (only.as_str(), None),
        (None, None, _) => {
            return Err(Diagnostic::error(Some(environments.start.into()), "no environment was chosen")
                .hint(format!("give one with -e, or set `defaults.environment`; there are: {}", names.join(", "))));
        }
    };
    if names.iter().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    let problem = Diagnostic::error(place.or(Some(environments.start.into())), format!("no environment `{name}`"));
    Err(match nearest(name, list()) {
        Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
        None => problem.hint(format!("there are: {}", names.join(", "))),
    })
}

fn default_place(root: &Node) -> Option<Place> {
    root.find(["defaults", "environment"]).map(|node| node.start.into())
}

/// Keys that stand twice in one map. Helm takes the last one; in a stack that would hide a release.
fn duplicates(root: &Node) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        for (first, key) in node.duplicate_keys() {
            let text = key.key_text().unwrap_or_default();
            let message = format!("the key `{text}` stands here twice");
            let note = format!("first at line {}", first.start.line);
            found.push(Diagnostic::error(Some(key.start.into()), message).note(note));
        }
        open.extend(node.entries().iter().map(|(_, value)| value).chain(node.items()));
    }
    found.sort_by_key(|diagnostic| diagnostic.place);
    found
}
