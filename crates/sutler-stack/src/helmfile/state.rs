//! A Helmfile for one environment: its parts rendered, one after the other, and merged with its bases.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sutler_yaml::Node;

use super::HelmfileError;
use super::dialect::as_helmfile;
use super::template::{Outside, render};

/// How deep bases may name bases.
const DEPTH: u32 = 16;

/// Lists at the top that parts add to; every other list is replaced.
const GROWING: [&str; 3] = ["releases", "repositories", "helmfiles"];

/// Keys at the top that are followed, or say how Helmfile itself works.
const KNOWN: [&str; 16] = [
    "bases",
    "environments",
    "values",
    "helmDefaults",
    "repositories",
    "releases",
    "templates",
    "commonLabels",
    "missingFileHandler",
    "kubeContext",
    "namespace",
    "helmfiles",
    "lockFilePath",
    "helmBinary",
    "apiVersions",
    "kubeVersion",
];

/// A Helmfile, whole.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// Everything but releases.
    pub(super) top: Map<String, Value>,
    /// The releases and where each stands.
    pub(super) releases: Vec<(Value, Origin)>,
    /// The environment's name.
    pub(super) environment: String,
    /// The values of the environment.
    pub(super) values: Value,
    /// What is not followed.
    pub(super) left: Vec<String>,
}

/// Where something stands.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// The file.
    pub(super) path: PathBuf,
    /// Whether lines are those of the rendered text.
    pub(super) rendered: bool,
    /// The line on which the part begins, from 1.
    pub(super) first: u32,
    /// The node.
    pub(super) node: Node,
}

impl Origin {
    /// File and line of a key, or of the whole.
    pub(super) fn place(&self, key: &str) -> String {
        let within = self.node.entry(key).map_or(self.node.start.line, |(key, _)| key.start.line);
        let rendered = if self.rendered { " (as rendered)" } else { "" };
        format!("{}:{}{rendered}", self.path.display(), self.first + within - 1)
    }
}

impl State {
    /// What templates see.
    pub(super) fn data(&self) -> Value {
        json!({
            "Environment": {"Name": self.environment, "Values": self.values, "KubeContext": ""},
            "Values": self.values,
            "StateValues": self.values,
            "Namespace": "",
            "KubeContext": "",
        })
    }

    /// A text at the top.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.top.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// A default for all releases.
    pub(super) fn helm_default(&self, key: &str) -> Option<&Value> {
        self.top.get("helmDefaults")?.get(key)
    }
}

/// Reads a Helmfile.
pub(super) fn load(path: &Path, environment: &str, outside: &Arc<dyn Outside>) -> Result<State, HelmfileError> {
    let mut state = State { environment: environment.to_owned(), values: json!({}), ..State::default() };
    let mut known = false;
    load_into(&mut state, path, outside, 0, &mut known)?;
    if !known && environment != "default" {
        return Err(HelmfileError::Shape {
            place: path.display().to_string(),
            message: format!("no environment `{environment}`"),
        });
    }
    Ok(state)
}

fn load_into(
    state: &mut State,
    path: &Path,
    outside: &Arc<dyn Outside>,
    depth: u32,
    known: &mut bool,
) -> Result<(), HelmfileError> {
    let read =
        |path: &Path| outside.read(path).map_err(|source| HelmfileError::Read { path: path.to_path_buf(), source });
    let text = read(path)?;
    let is_template = path.extension().is_some_and(|end| end == "gotmpl");
    for (first, part) in parts(&text) {
        let part = match is_template {
            true => render(path, &part, &state.data(), outside)?,
            false => part,
        };
        let node = sutler_yaml::read(&part).map_err(|source| HelmfileError::Yaml {
            path: path.to_path_buf(),
            rendered: is_template,
            line: first,
            source,
        })?;
        if node.is_null() {
            continue;
        }
        let node = as_helmfile(node, &part);
        let origin =
            |node: &Node| Origin { path: path.to_path_buf(), rendered: is_template, first, node: node.clone() };
        let whole = origin(&node);
        let wrong =
            |key: &str, message: &str| HelmfileError::Shape { place: whole.place(key), message: message.to_owned() };
        let Ok(Value::Object(mut top)) = sutler_yaml::to_json(&node) else {
            return Err(wrong("", "a Helmfile is a map whose keys are text"));
        };
        for base in strings(top.get("bases")) {
            if depth >= DEPTH {
                return Err(wrong("bases", "bases name bases too deep"));
            }
            load_into(state, &beside(path, &base), outside, depth + 1, known)?;
        }
        for key in top.keys().filter(|key| !KNOWN.contains(&key.as_str()) && !key.starts_with('x')) {
            state.left.push(format!("{}: `{key}` has no counterpart in stack.yaml.", whole.place(key)));
        }
        for key in ["helmfiles", "apiVersions", "kubeVersion"] {
            if top.contains_key(key) {
                let what = if key == "helmfiles" {
                    "other Helmfiles are not followed: take each over by itself"
                } else {
                    "the cluster says it itself"
                };
                state.left.push(format!("{}: `{key}`: {what}.", whole.place(key)));
            }
        }
        for (index, release) in node.get("releases").map(Node::items).unwrap_or_default().iter().enumerate() {
            let value = top["releases"][index].clone();
            if !value.is_object() {
                return Err(wrong("releases", "a release is a map"));
            }
            state.releases.push((value, origin(release)));
        }
        top.remove("releases");
        let missing = top.get("missingFileHandler").or_else(|| state.top.get("missingFileHandler")).cloned();
        if let Some(found) = top.get("environments").and_then(|all| all.get(&state.environment)).cloned() {
            *known = true;
            let handler = found.get("missingFileHandler").cloned().or(missing.clone());
            let values = values(state, path, found.get("values"), handler.as_ref(), outside)?;
            merge(&mut state.values, values);
            if found.get("secrets").is_some() {
                state.left.push(format!(
                    "{}: `secrets` of an environment are files of a Helm plugin.",
                    whole.place("environments")
                ));
            }
            if let Some(context) = found.get("kubeContext") {
                top.entry("kubeContext").or_insert_with(|| context.clone());
            }
        }
        if top.contains_key("values") {
            // Values at the top are below those of environments.
            let mut below = values(state, path, top.get("values"), missing.as_ref(), outside)?;
            merge(&mut below, state.values.take());
            state.values = below;
        }
        for (key, value) in top {
            match (state.top.get_mut(&key), value) {
                (Some(Value::Array(there)), Value::Array(more)) if GROWING.contains(&key.as_str()) => {
                    there.extend(more)
                }
                (Some(there), value) => merge(there, value),
                (None, value) => drop(state.top.insert(key, value)),
            }
        }
    }
    Ok(())
}

/// The parts of a file and the lines on which they begin.
fn parts(text: &str) -> Vec<(u32, String)> {
    let mut parts = vec![(1, String::new())];
    for (line, number) in text.split_inclusive('\n').zip(1_u32..) {
        if line.trim_end() == "---" {
            parts.push((number + 1, String::new()));
        } else if let Some((_, part)) = parts.last_mut() {
            part.push_str(line);
        }
    }
    parts
}

/// Values given as files and maps, the later over the earlier.
fn values(
    state: &State,
    path: &Path,
    entries: Option<&Value>,
    missing: Option<&Value>,
    outside: &Arc<dyn Outside>,
) -> Result<Value, HelmfileError> {
    let mut all = json!({});
    for entry in entries.and_then(Value::as_array).into_iter().flatten() {
        match entry {
            Value::String(name) => {
                let file = beside(path, name);
                if !outside.is_file(&file) && missing.and_then(Value::as_str).is_some_and(|handler| handler != "Error")
                {
                    continue;
                }
                let text = outside.read(&file).map_err(|source| HelmfileError::Read { path: file.clone(), source })?;
                merge(&mut all, yaml(&file, text, Reader::Helmfile, &state.data(), outside)?);
            }
            other => merge(&mut all, other.clone()),
        }
    }
    Ok(all)
}

/// Who reads a file: the two differ in what a boolean is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// Helmfile itself.
    Helmfile,
    /// Helm, to which Helmfile hands it.
    Helm,
}

/// A file as data, rendered if it is a template.
pub(super) fn yaml(
    path: &Path,
    text: String,
    reader: Reader,
    data: &Value,
    outside: &Arc<dyn Outside>,
) -> Result<Value, HelmfileError> {
    let is_template = path.extension().is_some_and(|end| end == "gotmpl");
    let text = if is_template { render(path, &text, data, outside)? } else { text };
    let node = sutler_yaml::read(&text).map_err(|source| HelmfileError::Yaml {
        path: path.to_path_buf(),
        rendered: is_template,
        line: 1,
        source,
    })?;
    let node = if reader == Reader::Helmfile { as_helmfile(node, &text) } else { node };
    match sutler_yaml::to_json(&node) {
        Ok(Value::Null) => Ok(json!({})),
        Ok(value @ Value::Object(_)) => Ok(value),
        _ => Err(HelmfileError::Shape { place: path.display().to_string(), message: "values are a map".to_owned() }),
    }
}

/// A path as it is meant in a file.
pub(super) fn beside(path: &Path, name: &str) -> PathBuf {
    path.parent().unwrap_or_else(|| Path::new("")).join(name)
}

/// Texts of a list; none where there is no list.
pub(super) fn strings(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Puts `over` over `under`: maps are merged, all else is replaced. Both come from a reader that bounds their depth.
pub(super) fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                merge(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}
