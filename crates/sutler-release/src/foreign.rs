//! Revisions that another tool made: whether one was made of just what it would be made of again.
//!
//! Such a revision carries no digest of its inputs. Its record tells them: chart and values, and what they rendered to.
//! Helm leaves subcharts out of records; where a chart has some, what was rendered speaks for them.

use serde_json::{Map, Number, Value};

use crate::object::parse_manifest;
use crate::record::{RecordedChart, RecordedFile, Release};
use crate::request::Content;

/// Whether `revision` was made of the chart and the values of `content`: then another revision would change nothing.
///
/// Texts that a chart renders anew each time (passwords, dates) do not count, as long as the record tells the whole chart.
/// Dates of files never do: they are those of one machine.
pub fn is_made_of(revision: &Release, content: &Content) -> bool {
    same_values(&revision.config, &content.config)
        && same_chart(&revision.chart, &content.chart)
        && (!has_subcharts(&content.chart) || same_objects(revision, content))
}

/// Whether a chart's content lies partly in subcharts, which no record holds.
pub fn has_subcharts(chart: &RecordedChart) -> bool {
    chart.metadata.get("dependencies").and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

fn same_chart(a: &RecordedChart, b: &RecordedChart) -> bool {
    let schema = |chart: &RecordedChart| chart.schema.clone().unwrap_or_default();
    same_described(&a.metadata, &b.metadata)
        && same_files(&a.templates, &b.templates)
        && same_files(&a.files, &b.files)
        && same_values(&a.values, &b.values)
        && schema(a) == schema(b)
}

/// The same names with the same contents; in which order they were found is the file system's affair.
fn same_files(a: &[RecordedFile], b: &[RecordedFile]) -> bool {
    let sorted = |files: &[RecordedFile]| {
        let mut files: Vec<(String, Vec<u8>)> =
            files.iter().map(|file| (file.name.clone(), file.data.clone())).collect();
        files.sort();
        files
    };
    a.len() == b.len() && sorted(a) == sorted(b)
}

/// Chart.yaml's fields; a field that is empty says as little as one that is not there, and one Helm writes what another leaves out.
fn same_described(a: &Value, b: &Value) -> bool {
    let says_nothing = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    };
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let within = |one: &Map<String, Value>, other: &Map<String, Value>| {
                one.iter().all(|(key, value)| match other.get(key) {
                    Some(there) => same_described(value, there) || (says_nothing(value) && says_nothing(there)),
                    None => says_nothing(value),
                })
            };
            within(a, b) && within(b, a)
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(one, other)| same_described(one, other))
        }
        _ => a == b,
    }
}

fn same_values(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|there| same_value(value, there)))
}

/// The same value; numbers by what they are, not by how they are written (`1`, `1.0`, `1e0`).
fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => same_values(a, b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b)),
        (Value::Number(a), Value::Number(b)) => a == b || same_number(a, b),
        _ => a == b,
    }
}

fn same_number(a: &Number, b: &Number) -> bool {
    // Whole numbers that both know exactly have been compared already.
    a.as_f64().is_some() && a.as_f64() == b.as_f64()
}

/// The same objects and hooks, whatever their order and the way they are written. What charts make up at random is in Secrets,
/// and in annotations that stand for the content of other objects (`checksum/…`), which are compared themselves.
fn same_objects(revision: &Release, content: &Content) -> bool {
    let objects = |text: &str| -> Option<Vec<String>> {
        let mut parsed = parse_manifest(text).ok()?;
        parsed.iter_mut().for_each(without_random_content);
        let mut written: Vec<String> = parsed.iter().map(Value::to_string).collect();
        written.sort();
        Some(written)
    };
    let hooks = |hooks: &[crate::record::Hook]| -> Option<Vec<Vec<String>>> {
        let mut all: Vec<Vec<String>> = hooks.iter().map(|hook| objects(&hook.manifest)).collect::<Option<_>>()?;
        all.sort();
        Some(all)
    };
    let (Some(there), Some(wanted)) = (objects(&revision.manifest), objects(&content.manifest)) else { return false };
    let (Some(hooks_there), Some(hooks_wanted)) = (hooks(&revision.hooks), hooks(&content.hooks)) else { return false };
    there == wanted && hooks_there == hooks_wanted
}

fn without_random_content(object: &mut Value) {
    if object.get("kind").and_then(Value::as_str) == Some("Secret") {
        for data in ["data", "stringData"] {
            let fields = object.get_mut(data).and_then(Value::as_object_mut);
            fields.into_iter().flatten().for_each(|(_, value)| *value = Value::Null);
        }
    }
    for place in ["/metadata/annotations", "/spec/template/metadata/annotations"] {
        if let Some(annotations) = object.pointer_mut(place).and_then(Value::as_object_mut) {
            annotations.retain(|key, _| !key.starts_with("checksum/"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chart(metadata: Value, values: Value, templates: &[(&str, &str)]) -> RecordedChart {
        let file = |(name, text): &(&str, &str)| RecordedFile {
            name: (*name).to_owned(),
            data: text.as_bytes().to_vec(),
            other: Map::new(),
        };
        RecordedChart {
            metadata,
            values: values.as_object().cloned().unwrap_or_default(),
            templates: templates.iter().map(file).collect(),
            ..RecordedChart::default()
        }
    }

    fn compare(a: (RecordedChart, Value, &str), b: (RecordedChart, Value, &str)) -> bool {
        let revision = Release {
            chart: a.0,
            config: a.1.as_object().cloned().unwrap_or_default(),
            manifest: a.2.to_owned(),
            ..Release::default()
        };
        let content = Content {
            chart: b.0,
            config: b.1.as_object().cloned().unwrap_or_default(),
            manifest: b.2.to_owned(),
            ..Content::default()
        };
        is_made_of(&revision, &content)
    }

    #[test]
    fn the_order_of_files_dates_and_empty_fields_do_not_count() {
        let mut dated = chart(json!({"name": "a", "version": "1"}), json!({"n": 1}), &[("x", "1"), ("y", "2")]);
        dated.templates[0].other.insert("modtime".into(), json!("2026-01-01T00:00:00Z"));
        dated.schemamodtime = "2026-01-01T00:00:00Z".into();
        let other = chart(
            json!({"name": "a", "version": "1", "keywords": [], "deprecated": false}),
            json!({"n": 1.0}),
            &[("y", "2"), ("x", "1")],
        );
        assert!(compare((dated, json!({}), "random: 1"), (other, json!({}), "random: 2")));
    }

    #[test]
    fn chart_and_values_count() {
        let base = || chart(json!({"name": "a", "version": "1"}), json!({"n": 1}), &[("x", "1")]);
        let differs =
            |other: RecordedChart, values: Value| !compare((base(), json!({"a": null}), ""), (other, values, ""));
        assert!(!differs(base(), json!({"a": null})));
        assert!(differs(base(), json!({})));
        assert!(differs(base(), json!({"a": 0})));
        assert!(differs(
            chart(json!({"name": "a", "version": "2"}), json!({"n": 1}), &[("x", "1")]),
            json!({"a": null})
        ));
        assert!(differs(
            chart(json!({"name": "a", "version": "1"}), json!({"n": 2}), &[("x", "1")]),
            json!({"a": null})
        ));
        assert!(differs(
            chart(json!({"name": "a", "version": "1"}), json!({"n": 1}), &[("x", "2")]),
            json!({"a": null})
        ));
        assert!(differs(chart(json!({"name": "a", "version": "1"}), json!({"n": 1}), &[]), json!({"a": null})));
    }

    #[test]
    fn what_was_rendered_speaks_for_subcharts() {
        let parent = || chart(json!({"name": "a", "version": "1", "dependencies": [{"name": "b"}]}), json!({}), &[]);
        let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: \"1\"}\n";
        let written =
            "# Source: a/charts/b/x.yaml\nkind: ConfigMap\napiVersion: v1\nmetadata:\n  name: x\ndata:\n  a: '1'\n";
        assert!(compare((parent(), json!({}), object), (parent(), json!({}), written)));
        assert!(!compare((parent(), json!({}), object), (parent(), json!({}), &object.replace("\"1\"", "\"2\""))));
        let random = "apiVersion: v1\nkind: Secret\nmetadata: {name: x, annotations: {checksum/a: one}}\ndata: {password: b25l}\n";
        let other = random.replace("one", "two").replace("b25l", "dHdv");
        assert!(compare((parent(), json!({}), random), (parent(), json!({}), &other)));
        let renamed = random.replace("password", "token");
        assert!(!compare((parent(), json!({}), random), (parent(), json!({}), &renamed)));
    }
}
