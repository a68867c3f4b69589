//! A Helmfile's release as a stack has it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sutler_chart::values::{ValuesOptions, to_json};

use super::state::{Origin, Reader, State, beside, merge, strings, yaml};
use super::template::{Outside, render};
use super::{HelmfileError, Request};
use crate::adopt::{Adopted, place_values};

/// A release as stack.yaml has it.
#[derive(Clone, Debug, Default)]
pub(super) struct WrittenRelease {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) chart: Chart,
    pub(super) needs: BTreeSet<String>,
    pub(super) values_files: Vec<String>,
    /// Single values whose paths name list items: as YAML scalars.
    pub(super) set: BTreeMap<String, Value>,
    pub(super) timeout: Option<String>,
}

/// A release's chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Chart {
    /// The repository's URL; none for a path.
    pub(super) repo: Option<String>,
    /// Its name in the repository, or its path.
    pub(super) name: String,
    pub(super) version: Option<String>,
}

/// Keys that are followed, or that say how Helmfile chooses and runs.
const KNOWN: [&str; 27] = [
    "name",
    "namespace",
    "chart",
    "version",
    "values",
    "set",
    "setString",
    "valuesTemplate",
    "setTemplate",
    "needs",
    "condition",
    "conditionTemplate",
    "installed",
    "installedTemplate",
    "labels",
    "createNamespace",
    "wait",
    "waitForJobs",
    "timeout",
    "inherit",
    "missingFileHandler",
    "description",
    "kubeContext",
    "skipDeps",
    "skipRefresh",
    "suppressDiff",
    "historyMax",
];

/// The releases that the environment installs; what of them stack.yaml cannot express goes into `adopted.left`.
pub(super) fn releases(
    state: &State,
    request: &Request<'_>,
    outside: &Arc<dyn Outside>,
    adopted: &mut Adopted,
) -> Result<Vec<WrittenRelease>, HelmfileError> {
    let mut found = Vec::new();
    for (release, origin) in &state.releases {
        let release = inherited(release, origin, state, &mut Vec::new())?;
        let release = rendered(release, origin, state, outside)?;
        let (name, namespace) = (text(&release, "name"), namespace(&release, state));
        if !is_installed(&release, origin, state)? {
            adopted.left.push(format!(
                "{}: release {name} is not installed in environment {}.",
                origin.place("name"),
                state.environment
            ));
            continue;
        }
        match chart(&release, origin, state, request, outside) {
            Ok(chart) => found.push((release, origin, name, namespace, chart)),
            Err(why) => adopted.left.push(format!("{}: release {name} is left out: {why}.", origin.place("chart"))),
        }
    }
    let count = |name: &str| found.iter().filter(|(_, _, other, ..)| other == name).count();
    let id = |name: &str, namespace: &str| match count(name) {
        0 | 1 => name.to_owned(),
        _ => format!("{namespace}-{name}"),
    };
    let ids: Vec<String> = found.iter().map(|(_, _, name, namespace, _)| id(name, namespace)).collect();
    let mut written = Vec::new();
    for (index, (release, origin, name, namespace, chart)) in found.iter().enumerate() {
        let id = ids[index].clone();
        let mut needs = BTreeSet::new();
        for needed in strings(release.get("needs")) {
            let mut parts = needed.rsplit('/');
            let (wanted, within) = (parts.next().unwrap_or_default(), parts.next());
            let target = found.iter().position(|(_, _, other, other_namespace, _)| {
                other == wanted && within.is_none_or(|within| within == other_namespace)
            });
            match target {
                Some(target) => drop(needs.insert(ids[target].clone())),
                None => adopted.left.push(format!(
                    "{}: release {name} needs {needed}, which is not in this file.",
                    origin.place("needs")
                )),
            }
        }
        let (values_files, set) = values(&id, release, origin, state, request, outside, adopted)?;
        let timeout = release.get("timeout").or_else(|| state.helm_default("timeout")).and_then(Value::as_u64);
        adopted.left.extend(unexpressed(name, release, origin));
        written.push(WrittenRelease {
            id,
            name: name.clone(),
            namespace: namespace.clone(),
            chart: chart.clone(),
            needs,
            values_files,
            set,
            timeout: timeout.filter(|seconds| *seconds > 0).map(|seconds| format!("{seconds}s")),
        });
    }
    written.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(written)
}

fn text(release: &Map<String, Value>, key: &str) -> String {
    match release.get(key) {
        Some(Value::String(text)) => text.trim().to_owned(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

/// The namespace that the release or the whole file names; empty if neither does.
fn named_namespace(release: &Map<String, Value>, state: &State) -> String {
    state.text("namespace").map_or_else(|| text(release, "namespace"), str::to_owned)
}

fn namespace(release: &Map<String, Value>, state: &State) -> String {
    match named_namespace(release, state) {
        named if named.is_empty() => "default".to_owned(),
        named => named,
    }
}

/// The release over the templates that it inherits, which may inherit too: lists grow, all else is replaced.
fn inherited(
    release: &Value,
    origin: &Origin,
    state: &State,
    path: &mut Vec<String>,
) -> Result<Map<String, Value>, HelmfileError> {
    let wrong = |message: String| HelmfileError::Shape { place: origin.place("inherit"), message };
    let mut whole = Map::new();
    for entry in release.get("inherit").and_then(Value::as_array).into_iter().flatten() {
        let name = entry.get("template").and_then(Value::as_str).unwrap_or_default();
        let Some(template) = state.top.get("templates").and_then(|all| all.get(name)) else {
            return Err(wrong(format!("no template `{name}`")));
        };
        if path.iter().any(|known| known == name) {
            return Err(wrong(format!("templates inherit each other in a circle: {}, {name}", path.join(", "))));
        }
        path.push(name.to_owned());
        let mut template = inherited(template, origin, state, path)?;
        path.pop();
        for except in strings(entry.get("except")) {
            if !EXCEPT.contains(&except.as_str()) {
                return Err(wrong(format!("`{except}` cannot be excepted; {} can", EXCEPT.join(", "))));
            }
            template.remove(&except);
        }
        grow(&mut whole, template);
    }
    let own = release.as_object().into_iter().flatten().filter(|(key, _)| *key != "inherit");
    grow(&mut whole, own.map(|(key, value)| (key.clone(), value.clone())).collect());
    Ok(whole)
}

/// What a release may leave out of a template that it inherits.
const EXCEPT: [&str; 7] = ["labels", "values", "valuesTemplate", "set", "setTemplate", "setString", "secrets"];

fn grow(under: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Array(there)), Value::Array(more)) => there.extend(more),
            (Some(_), Value::Null) => {}
            (Some(there), value) => merge(there, value),
            (None, value) => drop(under.insert(key, value)),
        }
    }
}

/// The release with the templates in its own texts rendered, as Helmfile does after all files are read.
fn rendered(
    mut release: Map<String, Value>,
    origin: &Origin,
    state: &State,
    outside: &Arc<dyn Outside>,
) -> Result<Map<String, Value>, HelmfileError> {
    for key in ["name", "chart", "namespace", "version", "installedTemplate", "conditionTemplate"] {
        if let Some(text) = release.get(key).and_then(Value::as_str).filter(|text| text.contains("{{")) {
            let data = data(&release, state);
            let rendered = render(&origin.path, text, &data, outside)?;
            release.insert(key.to_owned(), json!(rendered.trim()));
        }
    }
    let data = data(&release, state);
    let again = |text: &str| render(&origin.path, text, &data, outside);
    let mut values: Vec<Value> = Vec::new();
    for entry in release.get("valuesTemplate").and_then(Value::as_array).into_iter().flatten() {
        values.push(match entry {
            Value::Object(_) => {
                // JSON is YAML; a template within it is a text, and what it becomes is read again.
                let text = sutler_yaml::write(entry).map_err(|error| HelmfileError::Shape {
                    place: origin.place("valuesTemplate"),
                    message: error.to_string(),
                })?;
                yaml(Path::new("valuesTemplate"), again(&text)?, Reader::Helmfile, &data, outside)?
            }
            other => other.clone(),
        });
    }
    values.extend(release.get("values").and_then(Value::as_array).into_iter().flatten().cloned());
    for entry in &mut values {
        if let Some(text) = entry.as_str().filter(|text| text.contains("{{")) {
            *entry = json!(again(text)?.trim());
        }
    }
    if !values.is_empty() {
        release.insert("values".to_owned(), Value::Array(values));
    }
    let mut set: Vec<Value> = release.get("setTemplate").and_then(Value::as_array).cloned().unwrap_or_default();
    set.extend(release.get("set").and_then(Value::as_array).into_iter().flatten().cloned());
    for entry in set.iter_mut().filter_map(Value::as_object_mut) {
        for key in ["name", "value", "file"] {
            if let Some(text) = entry.get(key).and_then(Value::as_str).filter(|text| text.contains("{{")) {
                let rendered = again(text)?;
                entry.insert(key.to_owned(), json!(rendered));
            }
        }
    }
    if !set.is_empty() {
        release.insert("set".to_owned(), Value::Array(set));
    }
    for (template, key) in [("installedTemplate", "installed"), ("conditionTemplate", "condition")] {
        if let Some(found) = release.get(template).and_then(Value::as_str).map(str::to_owned) {
            let value = if key == "installed" { json!(found == "true") } else { json!(found) };
            release.insert(key.to_owned(), value);
        }
    }
    Ok(release)
}

fn data(release: &Map<String, Value>, state: &State) -> Value {
    let mut data = state.data();
    data["Release"] = json!({
        "Name": text(release, "name"),
        "Namespace": named_namespace(release, state),
        "Chart": text(release, "chart"),
        "Labels": release.get("labels").cloned().unwrap_or_else(|| json!({})),
        "KubeContext": text(release, "kubeContext"),
    });
    data
}

/// Whether Helmfile would install the release (`installed`, `condition`).
fn is_installed(release: &Map<String, Value>, origin: &Origin, state: &State) -> Result<bool, HelmfileError> {
    if release.get("installed") == Some(&json!(false)) {
        return Ok(false);
    }
    let condition = match release.get("condition") {
        None | Some(Value::Null) => return Ok(true),
        Some(Value::Bool(value)) => return Ok(*value),
        Some(_) => text(release, "condition"),
    };
    match condition.to_ascii_lowercase().as_str() {
        "" | "true" => return Ok(true),
        "false" => return Ok(false),
        _ => {}
    }
    let wrong = |message: String| HelmfileError::Shape { place: origin.place("condition"), message };
    let Some(path) = condition.strip_suffix(".enabled") else {
        return Err(wrong(format!("the condition `{condition}` does not end in `.enabled`")));
    };
    let found = path.split('.').try_fold(&state.values, |at, key| at.get(key));
    let found = found.ok_or_else(|| wrong(format!("the environment's values have no `{path}`")))?;
    Ok(found.get("enabled") == Some(&json!(true)))
}

/// Where the chart is; or why stack.yaml cannot say it.
fn chart(
    release: &Map<String, Value>,
    origin: &Origin,
    state: &State,
    request: &Request<'_>,
    outside: &Arc<dyn Outside>,
) -> Result<Chart, String> {
    let chart = text(release, "chart");
    let version = Some(text(release, "version")).filter(|version| !version.is_empty());
    let path = beside(&origin.path, &chart);
    if chart.is_empty() {
        return Err("it names no chart".to_owned());
    }
    if let Some(rest) = chart.strip_prefix("oci://") {
        let (repo, name) = rest.rsplit_once('/').ok_or_else(|| format!("`{chart}` names no chart of a registry"))?;
        let (name, tag) = name.split_once(':').map_or((name, None), |(name, tag)| (name, Some(tag.to_owned())));
        return Ok(Chart { repo: Some(format!("oci://{repo}")), name: name.to_owned(), version: version.or(tag) });
    }
    if chart.contains("://") || chart.contains("::") {
        return Err(format!(
            "`{chart}` is fetched by go-getter; put the chart beside stack.yaml, or name a repository"
        ));
    }
    if outside.is_dir(&path) || outside.is_file(&path) {
        if outside.is_dir(&path) && !outside.is_file(&path.join("Chart.yaml")) {
            return Err(format!("`{chart}` is a folder without Chart.yaml (Kustomize's, or plain manifests)"));
        }
        return Ok(Chart { repo: None, name: relative(&path, request.stack), version: None });
    }
    let list = state.top.get("repositories").and_then(Value::as_array).into_iter().flatten();
    let known = |name: &str| list.clone().find(|known| known["name"].as_str() == Some(name));
    let (first, name) = chart.split_once('/').unwrap_or(("", &chart));
    let Some(repository) = known(first).filter(|_| !chart.starts_with('.')) else {
        return Err(format!("`{chart}` is neither there nor of a repository that the file names"));
    };
    let url = repository["url"].as_str().unwrap_or_default().trim_end_matches('/');
    let is_oci = repository["oci"] == json!(true);
    let whole = match is_oci && !url.starts_with("oci://") {
        true => format!("oci://{url}/{name}"),
        false => format!("{url}/{name}"),
    };
    match is_oci {
        true => {
            let (repo, name) = whole.rsplit_once('/').unwrap_or((&whole, ""));
            Ok(Chart { repo: Some(repo.to_owned()), name: name.to_owned(), version })
        }
        false => Ok(Chart { repo: Some(url.to_owned()), name: name.to_owned(), version }),
    }
}

/// Values files in order, and single values that a file cannot express.
fn values(
    id: &str,
    release: &Map<String, Value>,
    origin: &Origin,
    state: &State,
    request: &Request<'_>,
    outside: &Arc<dyn Outside>,
    adopted: &mut Adopted,
) -> Result<(Vec<String>, BTreeMap<String, Value>), HelmfileError> {
    let data = data(release, state);
    let (mut paths, mut written) = (Vec::new(), 0);
    let mut place = |config: &Map<String, Value>, adopted: &mut Adopted| {
        written += 1;
        let name = if written == 1 { id.to_owned() } else { format!("{id}-{written}") };
        let placed = place_values(&name, config, &mut adopted.files);
        adopted.warnings.extend(placed.1);
        placed.0
    };
    let handler = release.get("missingFileHandler").or_else(|| state.top.get("missingFileHandler"));
    for entry in release.get("values").and_then(Value::as_array).into_iter().flatten() {
        match entry {
            Value::Object(config) => paths.extend(place(config, adopted)),
            Value::String(name) => {
                let path = beside(&origin.path, name);
                let passes = handler.and_then(Value::as_str).is_some_and(|handler| handler != "Error");
                if passes && !outside.is_file(&path) {
                    continue;
                }
                let text = outside.read(&path).map_err(|source| HelmfileError::Read { path: path.clone(), source })?;
                if path.extension().is_some_and(|end| end == "gotmpl") {
                    if let Value::Object(config) = yaml(&path, text, Reader::Helm, &data, outside)? {
                        paths.extend(place(&config, adopted));
                    }
                } else {
                    paths.push(relative(&path, request.stack));
                }
            }
            _ => {
                let message = format!("an entry of `values` of release {id} is neither a file nor a map");
                return Err(HelmfileError::Shape { place: origin.place("values"), message });
            }
        }
    }
    let (mut options, mut single) = (ValuesOptions::default(), BTreeMap::new());
    for (key, as_text) in [("set", false), ("setString", true)] {
        for entry in release.get(key).and_then(Value::as_array).into_iter().flatten() {
            let name = entry["name"].as_str().unwrap_or_default();
            let told = match (&entry["value"], &entry["values"], entry["file"].as_str()) {
                (_, Value::Array(items), _) => {
                    let items: Vec<String> = items.iter().map(|item| escaped(&plain(item))).collect();
                    format!("{{{}}}", items.join(","))
                }
                (_, _, Some(file)) => {
                    let path = beside(&origin.path, file);
                    let text = outside.read(&path).map_err(|source| HelmfileError::Read { path, source })?;
                    options.set_literal.push(format!("{name}={text}"));
                    continue;
                }
                // Helmfile passes an empty value over.
                (value, ..) if plain(value).is_empty() => continue,
                (value, ..) => escaped(&plain(value)),
            };
            let argument = format!("{name}={told}");
            match (name.contains('['), as_text) {
                // What a path does to a list of the values below it, a values file cannot.
                (true, _) => {
                    let scalar = if as_text { json!(plain(&entry["value"])) } else { typed(&plain(&entry["value"])) };
                    single.insert(name.to_owned(), scalar);
                }
                (false, true) => options.set_string.push(argument),
                (false, false) => options.set.push(argument),
            }
        }
    }
    let merged = options.merge().map_err(|error| HelmfileError::Shape {
        place: origin.place("set"),
        message: format!("cannot read `set` of release {id}: {error}"),
    })?;
    if let Value::Object(config) = to_json(&merged)
        && !config.is_empty()
    {
        paths.extend(place(&config, adopted));
    }
    Ok((paths, single))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A text that `--set` takes for one value, as Helmfile passes it on.
fn escaped(text: &str) -> String {
    text.replace(',', "\\,")
}

/// What `--set` makes of a text.
fn typed(text: &str) -> Value {
    match text {
        "true" => json!(true),
        "false" => json!(false),
        _ => match text.parse::<i64>() {
            Ok(number) if text == "0" || !text.starts_with('0') => json!(number),
            _ => json!(text),
        },
    }
}

/// Keys of a release that stack.yaml has no counterpart for, with their places.
fn unexpressed(name: &str, release: &Map<String, Value>, origin: &Origin) -> Vec<String> {
    let counts = |value: &Value| {
        !matches!(value, Value::Null | Value::Bool(false)) && *value != json!([]) && *value != json!({})
    };
    let keys = release
        .iter()
        .filter(|(key, value)| !KNOWN.contains(&key.as_str()) && counts(value))
        .map(|(key, _)| key.as_str());
    let namespace = (release.get("createNamespace") == Some(&json!(false))).then_some("createNamespace");
    let sentence =
        |key: &str| format!("{}: `{key}` of release {name} has no counterpart in stack.yaml.", origin.place(key));
    keys.chain(namespace).map(sentence).collect()
}

/// A path as it is seen from the stack's folder.
fn relative(path: &Path, folder: &Path) -> String {
    let absolute = |path: &Path| normal(&std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()));
    let (path, folder) = (absolute(path), absolute(folder));
    let shared = path.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| "..".to_owned());
    let down = path.components().skip(shared).map(|part| part.as_os_str().to_string_lossy().into_owned());
    let joined = up.chain(down).collect::<Vec<_>>().join("/");
    if joined.starts_with("..") { joined } else { format!("./{joined}") }
}

/// A path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(found.pop()),
            other => found.push(other),
        }
    }
    found
}
