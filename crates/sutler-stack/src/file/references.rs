//! References: `${root.path}` in stack.yaml, replaced before the types are read.
//!
//! Roots are known: `stack env vars cluster pools roles secrets releases`. A near-miss is an error with the name that
//! was probably meant. `$${` stands for a literal `${`. A text that is nothing but one reference takes the type of what
//! it refers to; inside a longer text it is written out. References are replaced in `cluster`, `roles`, `secrets`
//! and in a release's `set`; `values` and values files are never touched, because public charts are full of `${HOME}`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use sutler_yaml::{Data, Node};

use super::deserialize::describe;
use super::diagnostic::{Diagnostic, nearest};

/// The roots a reference can start with.
pub const ROOTS: [&str; 8] = ["stack", "env", "vars", "cluster", "pools", "roles", "secrets", "releases"];

/// One piece of a text with references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it stands, `$${` already turned into `${`.
    Text(String),
    /// A reference: what stood between the braces, split at the dots.
    Reference(Vec<String>),
}

/// Splits `text` into pieces.
///
/// # Errors
/// A `${` that is not closed, or an empty step in a path.
pub fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut found = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        if rest[..start].ends_with('$') {
            plain.push_str(&rest[..start - 1]);
            plain.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        plain.push_str(&rest[..start]);
        let Some(length) = rest[start..].find('}') else {
            return Err(format!("the reference `{}` is not closed by `}}`", &rest[start..]));
        };
        let path: Vec<String> = rest[start + 2..start + length].split('.').map(|step| step.trim().to_owned()).collect();
        if path.iter().any(String::is_empty) {
            return Err(format!("the reference `{}` has an empty step", &rest[start..=start + length]));
        }
        if !plain.is_empty() {
            found.push(Piece::Text(std::mem::take(&mut plain)));
        }
        found.push(Piece::Reference(path));
        rest = &rest[start + length + 1..];
    }
    plain.push_str(rest);
    if !plain.is_empty() || found.is_empty() {
        found.push(Piece::Text(plain));
    }
    Ok(found)
}

/// The name of the secret that a `set` value stands for, if it is one: `${secrets.NAME}` and nothing else.
pub fn secret_reference(text: &str) -> Option<String> {
    match pieces(text).ok()?.as_slice() {
        [Piece::Reference(path)] if path.len() == 2 && path[0] == "secrets" => Some(path[1].clone()),
        _ => None,
    }
}

/// What is known of the chosen environment before anything is resolved.
#[derive(Clone, Debug)]
pub struct Surroundings<'a> {
    /// The whole file, as read.
    pub root: &'a Node,
    /// The environment's name.
    pub environment: &'a str,
    /// The environment's region, default applied.
    pub region: &'a str,
    /// The environment's account, if it names one.
    pub account: Option<&'a str>,
}

/// Replaces the references of the whole file for one environment. What could not be replaced is left as it stands and
/// said in the diagnostics.
pub fn resolve_file(surroundings: &Surroundings<'_>) -> (Node, Vec<Diagnostic>) {
    let mut resolver = Resolver { surroundings, open: Vec::new(), diagnostics: Vec::new() };
    let root = resolver.file();
    (root, resolver.diagnostics)
}

struct Resolver<'a> {
    surroundings: &'a Surroundings<'a>,
    /// References that are being resolved, outermost first: a cycle shows as a repetition.
    open: Vec<Vec<String>>,
    diagnostics: Vec<Diagnostic>,
}

/// Whether references count at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// They are replaced.
    Replace,
    /// They are replaced, and `${secrets.X}` stays for the last step.
    ReplaceKeepingSecrets,
    /// One is an error: a person would expect it to be replaced.
    Refuse,
    /// Text is text.
    Literal,
}

impl Resolver<'_> {
    fn file(&mut self) -> Node {
        let root = self.surroundings.root;
        self.entries(root, |resolver, key, value| match key {
            "cluster" | "roles" | "secrets" => resolver.node(value, Rule::Replace),
            "releases" => resolver.entries(value, |resolver, _, release| {
                resolver.entries(release, |resolver, key, value| {
                    let rule = match key {
                        "set" => Rule::ReplaceKeepingSecrets,
                        "values" | "valuesFiles" => Rule::Literal,
                        _ => Rule::Refuse,
                    };
                    resolver.node(value, rule)
                })
            }),
            _ => resolver.node(value, Rule::Refuse),
        })
    }

    fn entries(&mut self, node: &Node, mut each: impl FnMut(&mut Self, &str, &Node) -> Node) -> Node {
        let Data::Mapping(entries) = &node.data else { return node.clone() };
        let entries = entries
            .iter()
            .map(|(key, value)| (key.clone(), each(self, &key.key_text().unwrap_or_default(), value)))
            .collect();
        Node { data: Data::Mapping(entries), ..node.clone() }
    }

    fn node(&mut self, node: &Node, rule: Rule) -> Node {
        match &node.data {
            Data::Mapping(_) => self.entries(node, |resolver, _, value| resolver.node(value, rule)),
            Data::Sequence(items) => {
                let items = items.iter().map(|item| self.node(item, rule)).collect();
                Node { data: Data::Sequence(items), ..node.clone() }
            }
            _ => match node.as_str() {
                Some(text) if rule != Rule::Literal && text.contains("${") => self.text(node, text, rule),
                _ => node.clone(),
            },
        }
    }

    fn text(&mut self, node: &Node, text: &str, rule: Rule) -> Node {
        let place = Some(node.start.into());
        let pieces = match pieces(text) {
            Ok(pieces) => pieces,
            Err(message) => {
                self.diagnostics.push(Diagnostic::error(place, message).hint("`$${` stands for a literal `${`"));
                return node.clone();
            }
        };
        if rule == Rule::Refuse {
            if pieces.iter().any(|piece| matches!(piece, Piece::Reference(_))) {
                self.diagnostics.push(
                    Diagnostic::error(place, format!("references are not replaced here: `{text}`"))
                        .hint("they count in `cluster`, `roles`, `secrets` and in a release's `set`"),
                );
            }
            return node.clone();
        }
        if rule == Rule::ReplaceKeepingSecrets && secret_reference(text).is_some() {
            return node.clone();
        }
        if let [Piece::Reference(path)] = pieces.as_slice() {
            return match self.lookup(path) {
                Ok(data) => Node { data, ..node.clone() },
                Err(diagnostic) => self.refuse(node, diagnostic),
            };
        }
        let mut written = String::new();
        for piece in &pieces {
            match piece {
                Piece::Text(text) => written.push_str(text),
                Piece::Reference(path) => match self.lookup(path).and_then(|data| self.scalar_text(path, data)) {
                    Ok(text) => written.push_str(&text),
                    Err(diagnostic) => return self.refuse(node, diagnostic),
                },
            }
        }
        Node { data: Data::String(written), ..node.clone() }
    }

    fn refuse(&mut self, node: &Node, mut diagnostic: Diagnostic) -> Node {
        diagnostic.place.get_or_insert_with(|| node.start.into());
        self.diagnostics.push(diagnostic);
        node.clone()
    }

    fn scalar_text(&self, path: &[String], data: Data) -> Result<String, Diagnostic> {
        let node = Node { data, ..self.surroundings.root.clone() };
        match node.field_text() {
            Some(text) => Ok(text.into_owned()),
            None => Err(Diagnostic::error(
                None,
                format!("`${{{}}}` is {}, which does not fit into a text", path.join("."), describe(&node)),
            )),
        }
    }

    /// What a reference stands for.
    fn lookup(&mut self, path: &[String]) -> Result<Data, Diagnostic> {
        if let Some(start) = self.open.iter().position(|open| open == path) {
            let mut chain: Vec<String> =
                self.open[start..].iter().map(|open| format!("${{{}}}", open.join("."))).collect();
            chain.push(format!("${{{}}}", path.join(".")));
            return Err(Diagnostic::error(None, format!("references go in a circle: {}", chain.join(" → "))));
        }
        self.open.push(path.to_vec());
        let found = self.lookup_open(path);
        self.open.pop();
        found
    }

    fn lookup_open(&mut self, path: &[String]) -> Result<Data, Diagnostic> {
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        let surroundings = self.surroundings;
        match steps.as_slice() {
            ["stack", "name"] => self.raw(path, &["name"]),
            ["stack", other @ ..] => Err(unknown(path, other, &["name"])),
            ["env", "name"] => Ok(Data::String(surroundings.environment.to_owned())),
            ["env", "region"] => Ok(Data::String(surroundings.region.to_owned())),
            ["env", "account"] => match surroundings.account {
                Some(account) => Ok(Data::String(account.to_owned())),
                None => {
                    Err(Diagnostic::error(None, format!("environment `{}` has no `account`", surroundings.environment)))
                }
            },
            ["env", other @ ..] => Err(unknown(path, other, &["name", "region", "account"])),
            ["vars", name] => self.variable(path, name),
            ["cluster", "name"] if surroundings.root.find(["cluster", "name"]).is_none() => self.default_cluster_name(),
            ["cluster", rest @ ..] => self.raw(path, &[&["cluster"], rest].concat()),
            ["pools", rest @ ..] => self.raw(path, &[&["cluster", "pools"], rest].concat()),
            ["roles", name, "arn"] => self.role_arn(path, name),
            ["roles", rest @ ..] => self.raw(path, &[&["roles"], rest].concat()),
            ["releases", id, "name"]
                if surroundings.root.find(["releases", id]).is_some_and(|release| release.find(["name"]).is_none()) =>
            {
                Ok(Data::String((*id).to_owned()))
            }
            ["releases", rest @ ..] => self.raw(path, &[&["releases"], rest].concat()),
            ["secrets", ..] => Err(Diagnostic::error(
                None,
                format!(
                    "`${{{}}}` is a secret: it can stand only by itself, as a value of a release's `set`",
                    path.join(".")
                ),
            )),
            _ => Err(unknown(path, &steps, &ROOTS)),
        }
    }

    fn variable(&mut self, path: &[String], name: &str) -> Result<Data, Diagnostic> {
        let root = self.surroundings.root;
        let environment = root.find(["environments", self.surroundings.environment, "vars"]);
        let defaults = root.find(["defaults", "vars"]);
        let found = [environment, defaults].into_iter().flatten().find_map(|vars| vars.find([name]));
        match found {
            Some(node) => Ok(node.data.clone()),
            None => {
                let names: BTreeSet<String> = [environment, defaults].into_iter().flatten().flat_map(keys).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                Err(unknown(path, &[name], &names))
            }
        }
    }

    fn default_cluster_name(&mut self) -> Result<Data, Diagnostic> {
        let name = self.surroundings.root.find(["name"]).and_then(Node::as_str).unwrap_or_default();
        Ok(Data::String(format!("{name}-{}", self.surroundings.environment)))
    }

    fn role_arn(&mut self, path: &[String], name: &str) -> Result<Data, Diagnostic> {
        let root = self.surroundings.root;
        let Some(role) = root.find(["roles", name]) else {
            let names = root.find(["roles"]).map(keys).unwrap_or_default();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            return Err(unknown(path, &[name], &names));
        };
        if let Some(given) = role.find(["arn"]) {
            return Ok(given.data.clone());
        }
        let Some(account) = self.surroundings.account else {
            return Err(Diagnostic::error(
                None,
                format!(
                    "the ARN of role `{name}` is not known: environment `{}` has no `account`",
                    self.surroundings.environment
                ),
            )
            .hint("give the environment its `account`, or the role its `arn`"));
        };
        let cluster = match self.lookup(&["cluster".to_owned(), "name".to_owned()])? {
            Data::String(cluster) => cluster,
            _ => return Err(Diagnostic::error(None, "the cluster's name is not text")),
        };
        let arn = crate::names::role_arn(account, self.surroundings.region, &cluster, name);
        arn.map(Data::String).map_err(|error| Diagnostic::error(None, error.to_string()))
    }

    /// The value at a path of the file, its own references replaced.
    fn raw(&mut self, path: &[String], at: &[&str]) -> Result<Data, Diagnostic> {
        let mut node = self.surroundings.root;
        for (index, step) in at.iter().enumerate() {
            node = match node.get(step) {
                Some(next) => next,
                None => {
                    let names = keys(node);
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    return Err(unknown(path, &at[index..], &names));
                }
            };
        }
        match node.as_str() {
            Some(text) if text.contains("${") => {
                let before = self.diagnostics.len();
                let node = self.text(node, text, Rule::Replace);
                // The inner problem is said once, at its own place, when that place is resolved.
                match self.diagnostics.len() == before {
                    true => Ok(node.data),
                    false => Err(self.diagnostics.remove(before)),
                }
            }
            _ => Ok(node.data.clone()),
        }
    }
}

fn unknown(path: &[String], missing: &[&str], candidates: &[&str]) -> Diagnostic {
    let missing = missing.first().copied().unwrap_or("");
    let reference = path.join(".");
    let diagnostic = match missing {
        "" => Diagnostic::error(None, format!("`${{{reference}}}` names a whole part, not a value")),
        _ => Diagnostic::error(None, format!("`${{{reference}}}` refers to `{missing}`, which does not exist")),
    };
    match nearest(missing, candidates.iter().copied()) {
        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
        None if candidates.is_empty() => diagnostic.hint("`$${` stands for a literal `${`"),
        None => diagnostic.hint(format!("there are: {}", candidates.join(", "))),
    }
}

/// The keys of a map node.
pub fn keys(node: &Node) -> Vec<String> {
    node.entries().iter().filter_map(|(key, _)| key.key_text()).map(Cow::into_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_splits_into_pieces_and_escapes_are_kept() {
        let reference = |path: &str| Piece::Reference(path.split('.').map(str::to_owned).collect());
        assert_eq!(pieces("a").unwrap(), [Piece::Text("a".into())]);
        assert_eq!(pieces("").unwrap(), [Piece::Text(String::new())]);
        assert_eq!(pieces("${vars.x}").unwrap(), [reference("vars.x")]);
        assert_eq!(
            pieces("${stack.name}-${env.name}!").unwrap(),
            [reference("stack.name"), Piece::Text("-".into()), reference("env.name"), Piece::Text("!".into())]
        );
        assert_eq!(pieces("$${HOME}/x").unwrap(), [Piece::Text("${HOME}/x".into())]);
        assert!(pieces("${vars.x").unwrap_err().contains("not closed"));
        assert!(pieces("${vars..x}").unwrap_err().contains("empty step"));
    }
}
