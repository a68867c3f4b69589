//! From a chart and values to what a release is made of, as the cluster at hand has it.
//!
//! Rendering is a plain function, but a template may look objects up. So a rendering that asks for objects that are not
//! known yet is thrown away, the objects are read, and it is done again with the same seed and time, until it asks for
//! nothing new.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::{Map as Json, Value as JsonValue, json};
use sutler_chart::values::{from_json, to_json};
use sutler_chart::{
    Capabilities, Chart, ChartSource, KubeVersion, Lookup, RenderOptions, SourceFile, error_chain, render,
};
use sutler_template::{Map, Value};

use crate::cluster::{ApiError, Cluster, Select};
use crate::error::Error;
use crate::object::ObjectRef;
use crate::record::{Hook, Release};
use crate::request::{Content, FromChart, Source, ValuesFrom};

/// How often a rendering may ask for objects that it did not ask for before. Charts look up what does not depend on
/// other lookups, or what depends on one.
const MOST_ROUNDS: u32 = 16;

/// One `lookup`: apiVersion, kind, namespace, name.
type Asked = (String, String, String, String);

/// Answers lookups from what was read, and notes what was not.
#[derive(Default)]
struct Known {
    answers: Mutex<BTreeMap<Asked, Result<JsonValue, String>>>,
    missing: Mutex<BTreeSet<Asked>>,
}

impl Lookup for Known {
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<JsonValue, String> {
        let asked = (api_version.to_owned(), kind.to_owned(), namespace.to_owned(), name.to_owned());
        match self.answers.lock().expect("no code panics while it holds this lock").get(&asked) {
            Some(answer) => answer.clone(),
            None => {
                self.missing.lock().expect("no code panics while it holds this lock").insert(asked);
                Ok(json!({}))
            }
        }
    }
}

/// Renders a source for a release.
///
/// `last` is the revision whose values may be used again.
///
/// # Errors
/// [`Error::Render`] if the chart does not render with these values; [`Error::Api`] if the cluster cannot be asked.
pub(crate) async fn content(
    cluster: &Cluster,
    source: &Source,
    release: sutler_chart::ReleaseInfo,
    last: Option<(&Release, ValuesFrom)>,
) -> Result<Content, Error> {
    let from = match source {
        Source::Rendered(content) => return Ok((**content).clone()),
        Source::Chart(from) => from,
    };
    let (chart, values) = starting_point(from, last)?;
    let capabilities = capabilities(cluster).await?;
    let now = from.now.unwrap_or_else(|| cluster.world().now());
    let known = Arc::new(Known::default());
    for _ in 0..MOST_ROUNDS {
        let mut options = RenderOptions::new(release.clone());
        options.capabilities = capabilities.clone();
        options.lookup = known.clone();
        options.seed = from.seed;
        options.now = now;
        options.schema = from.schema;
        options.notes = from.notes;
        let rendered = render(&chart, &values, &options);
        let missing = std::mem::take(&mut *known.missing.lock().expect("no code panics while it holds this lock"));
        if missing.is_empty() {
            return rendered.map(|rendered| recorded(&rendered, &values)).map_err(render_error);
        }
        for asked in missing {
            let answer = look_up(cluster, &asked).await?;
            known.answers.lock().expect("no code panics while it holds this lock").insert(asked, answer);
        }
    }
    Err(Error::Lookups { rounds: MOST_ROUNDS })
}

fn render_error(error: sutler_chart::RenderError) -> Error {
    Error::Render(Box::new(error))
}

/// The cluster as `.Capabilities` shows it.
///
/// # Errors
/// If it cannot be asked, or tells no version.
pub(crate) async fn capabilities(cluster: &Cluster) -> Result<Capabilities, Error> {
    let version = cluster.version().await?;
    let version = version.get("gitVersion").and_then(JsonValue::as_str).unwrap_or_default();
    let kube_version = KubeVersion::parse(version).map_err(|error| Error::Version { source: Box::new(error) })?;
    let api_versions: Arc<[String]> = cluster.mapper().await?.api_versions().into();
    Ok(Capabilities { kube_version, api_versions, ..Capabilities::default() })
}

/// Reads what a template looks up. What the API refuses becomes the template's error; what cannot be asked, ours.
async fn look_up(cluster: &Cluster, asked: &Asked) -> Result<Result<JsonValue, String>, Error> {
    let (api_version, kind, namespace, name) = asked;
    let namespace = Some(namespace.as_str()).filter(|namespace| !namespace.is_empty());
    let answer: Result<JsonValue, ApiError> = async {
        let mapping = cluster.mapping(api_version, kind).await?;
        if name.is_empty() {
            let items = cluster.list(&mapping, namespace, Select::All).await?;
            return Ok(json!({"apiVersion": api_version, "kind": format!("{kind}List"), "items": items}));
        }
        let object = ObjectRef::new(api_version, kind, namespace.filter(|_| mapping.namespaced), name);
        Ok(cluster.get(&object).await?.unwrap_or_else(|| json!({})))
    }
    .await;
    match answer {
        Err(error) if error.is_answer() => Ok(Err(error_chain(&error))),
        other => Ok(Ok(other?)),
    }
}

/// The chart and the values to render, with those of the last revision as the request says (Helm's `reuseValues`).
fn starting_point(from: &FromChart, last: Option<(&Release, ValuesFrom)>) -> Result<(Chart, Value), Error> {
    let given = match &from.values {
        Value::Map(map) => map.clone(),
        _ => Map::new(),
    };
    let Some((last, choice)) = last else { return Ok((from.chart.clone(), Value::Map(given))) };
    let over_last = || Value::Map(coalesced(&given, &last.config));
    Ok(match choice {
        ValuesFrom::Given => (from.chart.clone(), Value::Map(given)),
        ValuesFrom::GivenOrLast if given.is_empty() => {
            (from.chart.clone(), from_json(&JsonValue::Object(last.config.clone())))
        }
        ValuesFrom::GivenOrLast => (from.chart.clone(), Value::Map(given)),
        ValuesFrom::NewChart => (from.chart.clone(), over_last()),
        ValuesFrom::LastChart => {
            let Value::Map(config) = from_json(&JsonValue::Object(last.config.clone())) else {
                return Ok((from.chart.clone(), over_last()));
            };
            let defaults = to_json(&Value::Map(coalesced(&config, &last.chart.values)));
            (with_defaults(&from.chart, &defaults)?, over_last())
        }
    })
}

/// `over` with what it lacks from `under`; a null in it takes away what `under` has (Helm's `CoalesceTables`).
fn coalesced(over: &Map, under: &Json<String, JsonValue>) -> Map {
    let merged = Map::new();
    let put = |key: &str, value| {
        merged.insert(key, value).expect("a new map is never the nil map");
    };
    for (key, value) in over.entries() {
        let key = key.to_str_lossy();
        match (value, under.get(key.as_ref())) {
            (Value::Nil, Some(below)) if !below.is_null() => {}
            (Value::Map(above), Some(JsonValue::Object(below))) => put(&key, Value::Map(coalesced(&above, below))),
            (value, _) => put(&key, value),
        }
    }
    for (key, value) in under {
        if over.get(key.as_str()).is_none() {
            put(key, from_json(value));
        }
    }
    merged
}

/// The chart with other default values.
fn with_defaults(chart: &Chart, defaults: &JsonValue) -> Result<Chart, Error> {
    let others = chart.raw_files().iter().filter(|file| file.name() != "values.yaml");
    let mut files: Vec<SourceFile> = others.map(|file| SourceFile::new(file.name(), file.data())).collect();
    // JSON is YAML.
    files.push(SourceFile::new("values.yaml", defaults.to_string().into_bytes()));
    Chart::load(ChartSource::Files { files }).map_err(|error| Error::Render(Box::new(error)))
}

/// What a release's record keeps of a rendering.
fn recorded(rendered: &sutler_chart::Rendered, values: &Value) -> Content {
    let as_map = |value: &Value| match to_json(value) {
        JsonValue::Object(map) => map,
        _ => Json::new(),
    };
    let hooks = rendered.hooks.iter().map(|hook| {
        let json = serde_json::to_value(hook).expect("a hook is strings and numbers");
        serde_json::from_value::<Hook>(json).expect("both are Helm's hook")
    });
    let crds = rendered.crds.iter().map(|crd| String::from_utf8_lossy(crd.file.data()).into_owned());
    Content {
        chart: serde_json::from_value(rendered.chart.to_record()).expect("both are Helm's chart"),
        config: as_map(values),
        crds: crds.collect(),
        manifest: rendered.manifest_text(),
        hooks: hooks.collect(),
        notes: rendered.notes.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(over: JsonValue, under: JsonValue) -> JsonValue {
        let (Value::Map(over), JsonValue::Object(under)) = (from_json(&over), under) else { panic!("not maps") };
        to_json(&Value::Map(coalesced(&over, &under)))
    }

    #[test]
    fn given_values_win_over_the_last_ones_and_nulls_take_away() {
        assert_eq!(
            merged(
                json!({"a": 1, "t": {"x": 1, "gone": null}, "gone": null, "kept": null, "s": "text"}),
                json!({"a": 2, "b": 3, "t": {"x": 2, "y": 3, "gone": 4}, "gone": {"z": 1}, "s": {"no": 1}}),
            ),
            json!({"a": 1, "b": 3, "t": {"x": 1, "y": 3}, "kept": null, "s": "text"})
        );
    }
}
