//! The chart that a release's record holds, as files again; and where a release's chart goes in a stack's folder.

use std::collections::BTreeMap;

use serde_json::Value;
use sutler_release::Release;
use sutler_release::foreign::has_subcharts;
use sutler_release::record::RecordedChart;

use super::FoundChart;
use crate::init::NewFile;

/// The files of a chart out of a release's record: Chart.yaml, Chart.lock and values.yaml written anew (without comments, in
/// the order of their keys), all others as they were.
///
/// # Errors
/// Why the record does not tell the whole chart, as the end of a sentence that begins with the release.
pub fn recorded_files(chart: &RecordedChart) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let name = chart.name();
    if !is_file_name(name) || !is_file_name(chart.version()) {
        return Err(format!("has a chart whose name `{name}` or version `{}` cannot name a folder", chart.version()));
    }
    if has_subcharts(chart) {
        let list = chart.metadata["dependencies"].as_array().into_iter().flatten();
        let names: Vec<&str> = list.filter_map(|dependency| dependency["name"].as_str()).collect();
        return Err(format!(
            "is made from chart {}, whose subcharts ({}) are not in Helm's record: add its repository (`sutler helm repo add`), \
             or name a folder that has the chart with --charts",
            chart.label(),
            names.join(", ")
        ));
    }
    let written = |value: &Value| match sutler_yaml::write(value) {
        Ok(text) => Ok(text.into_bytes()),
        Err(error) => Err(format!("has a chart that cannot be written: {error}")),
    };
    let mut files = BTreeMap::new();
    files.insert("Chart.yaml".to_owned(), written(&chart.metadata)?);
    let is_v1 = chart.metadata.get("apiVersion").and_then(Value::as_str).unwrap_or_default() != "v2";
    // A chart of `v1` has its lock and its dependencies among its other files.
    if !chart.lock.is_null() && !is_v1 {
        files.insert("Chart.lock".to_owned(), written(&chart.lock)?);
    }
    if !chart.values.is_empty() {
        files.insert("values.yaml".to_owned(), written(&Value::Object(chart.values.clone()))?);
    }
    if let Some(schema) = &chart.schema {
        files.insert("values.schema.json".to_owned(), schema.clone());
    }
    for file in chart.templates.iter().chain(&chart.files) {
        if !is_inside(&file.name) {
            return Err(format!("has a chart with a file `{}`, which lies outside of it", file.name.escape_debug()));
        }
        files.insert(file.name.clone(), file.data.clone());
    }
    Ok(files)
}

/// What stack.yaml says of a release's chart; files of it are put into `files`.
pub(super) fn place(release: &Release, chart: &FoundChart, files: &mut Vec<NewFile>) -> ChartText {
    match chart {
        FoundChart::Builtin(name) => ChartText::Plain(format!("builtin:{name}")),
        FoundChart::Path(path) => ChartText::Plain(path.clone()),
        FoundChart::Remote(remote) => ChartText::Repository {
            repo: remote.repository.clone(),
            name: remote.name.clone(),
            version: remote.wanted.clone().unwrap_or_default(),
        },
        FoundChart::Recorded(content) => ChartText::Plain(format!("./{}", place_recorded(release, content, files))),
        // Such a release is not taken over.
        FoundChart::Nowhere(_) => ChartText::Plain(String::new()),
    }
}

/// What `chart:` holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ChartText {
    /// One text.
    Plain(String),
    /// A chart of a repository.
    Repository { repo: String, name: String, version: String },
}

/// The folder of a recorded chart: `charts/NAME`; releases made from the same chart share it.
fn place_recorded(release: &Release, content: &BTreeMap<String, Vec<u8>>, files: &mut Vec<NewFile>) -> String {
    let chart = &release.chart;
    let first = [format!("charts/{}", chart.name()), format!("charts/{}-{}", chart.name(), chart.version())];
    let more = (2_u32..).map(|count| format!("charts/{}-{}-{count}", chart.name(), chart.version()));
    for folder in first.into_iter().chain(more) {
        let inside = format!("{folder}/");
        let there: BTreeMap<&str, &Vec<u8>> =
            files.iter().filter_map(|file| Some((file.path.strip_prefix(&inside)?, &file.content))).collect();
        if there.is_empty() {
            files.extend(content.iter().map(|(name, data)| NewFile::plain(&format!("{inside}{name}"), data.clone())));
            return folder;
        }
        if there.len() == content.len() && content.iter().all(|(name, data)| there.get(name.as_str()) == Some(&data)) {
            return folder;
        }
    }
    unreachable!("some number is free")
}

/// Whether a text from a record can name a file or a folder.
fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.chars().all(|found| found.is_ascii_alphanumeric() || matches!(found, '.' | '-' | '_' | '+'))
}

/// Whether a path from a record stays in its chart.
fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(['\\', '\0'])
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};
    use sutler_release::record::RecordedFile;

    use super::*;

    fn chart(name: &str, file: &str, dependencies: Value) -> RecordedChart {
        let recorded = RecordedFile { name: file.to_owned(), data: b"a".to_vec(), other: Map::new() };
        RecordedChart {
            metadata: json!({"name": name, "version": "1.0.0", "apiVersion": "v2", "dependencies": dependencies}),
            values: json!({"a": 1}).as_object().cloned().unwrap_or_default(),
            templates: vec![recorded],
            ..RecordedChart::default()
        }
    }

    #[test]
    fn a_recorded_chart_becomes_files() {
        let files = recorded_files(&chart("web", "templates/a.yaml", json!(null))).unwrap();
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(names, ["Chart.yaml", "templates/a.yaml", "values.yaml"]);
    }

    #[test]
    fn what_leads_out_of_the_folder_is_refused() {
        for (name, file) in
            [("../web", "a"), (".", "a"), ("web", "../a"), ("web", "/a"), ("web", "a/../../b"), ("web", "a\\b")]
        {
            assert!(recorded_files(&chart(name, file, json!(null))).is_err(), "{name} {file}");
        }
    }

    #[test]
    fn subcharts_are_asked_for() {
        let refused = recorded_files(&chart("web", "a", json!([{"name": "db"}]))).unwrap_err();
        assert!(refused.contains("subcharts (db)"), "{refused}");
    }

    #[test]
    fn releases_of_one_chart_share_its_folder_and_others_do_not() {
        let release = Release { chart: chart("web", "a", json!(null)), ..Release::default() };
        let files = recorded_files(&release.chart).unwrap();
        let mut other = files.clone();
        other.insert("b".into(), b"b".to_vec());
        let mut written = Vec::new();
        let folders: Vec<String> =
            [&files, &other, &files, &other].map(|content| place_recorded(&release, content, &mut written)).to_vec();
        assert_eq!(folders, ["charts/web", "charts/web-1.0.0", "charts/web", "charts/web-1.0.0"]);
    }
}
