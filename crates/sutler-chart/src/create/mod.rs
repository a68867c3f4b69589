//! `helm create`: the files of a new chart, from the scaffold that this crate carries or from a starter.
//!
//! The scaffold has Helm's files, names, values and named templates, and renders the same objects; its words are our own.

use jiff::Timestamp;
use sutler_template::Value;
use thiserror::Error;

use crate::chart::Chart;
use crate::compat::Compatibility;
use crate::decode::{DecodeError, json_kind, read_document};
use crate::metadata::Metadata;
use crate::package::{SaveError, chart_yaml, save};
use crate::text::{base_name, go_quoted};

/// The longest name of a chart, in bytes.
pub const LONGEST_CHART_NAME: usize = 250;

/// Where the chart's name belongs in scaffolds and starters.
const PLACEHOLDER: &str = "<CHARTNAME>";

/// The scaffold, in the order in which Helm writes it.
const SCAFFOLD: [(&str, &str); 12] = [
    ("Chart.yaml", include_str!("scaffold/Chart.yaml")),
    ("values.yaml", include_str!("scaffold/values.yaml")),
    (".helmignore", include_str!("scaffold/helmignore")),
    ("templates/ingress.yaml", include_str!("scaffold/templates/ingress.yaml")),
    ("templates/httproute.yaml", include_str!("scaffold/templates/httproute.yaml")),
    ("templates/deployment.yaml", include_str!("scaffold/templates/deployment.yaml")),
    ("templates/service.yaml", include_str!("scaffold/templates/service.yaml")),
    ("templates/serviceaccount.yaml", include_str!("scaffold/templates/serviceaccount.yaml")),
    ("templates/hpa.yaml", include_str!("scaffold/templates/hpa.yaml")),
    ("templates/NOTES.txt", include_str!("scaffold/templates/NOTES.txt")),
    ("templates/_helpers.tpl", include_str!("scaffold/templates/_helpers.tpl")),
    ("templates/tests/test-connection.yaml", include_str!("scaffold/templates/tests/test-connection.yaml")),
];

/// A file of a new chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Its path inside the chart's folder, with `/`.
    pub name: String,
    /// Its content.
    pub data: Vec<u8>,
}

/// Why there is no new chart. The texts, joined with their causes by `: `, are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The name is empty or longer than [`LONGEST_CHART_NAME`].
    #[error("chart name must be between 1 and {LONGEST_CHART_NAME} characters")]
    NameLength,
    /// The name has other characters than letters, digits, `.`, `_` and `-`.
    #[error("chart name must match the regular expression \"^[a-zA-Z0-9._-]+$\"")]
    NameCharacters,
    /// The name of a chart made from a starter contains a `/`.
    #[error("{} is not a valid chart name", go_quoted(.0))]
    NameWithSeparator(String),
    /// The starter's values cannot be written.
    #[error("reading values file")]
    ReadValues(#[source] sutler_yaml::WriteError),
    /// With the name in its place, the starter's values are no values any more.
    #[error("transforming values file")]
    TransformValues(#[source] DecodeError),
    /// Chart.yaml cannot be written.
    #[error(transparent)]
    Yaml(#[from] sutler_yaml::WriteError),
    /// A chart below the starter cannot be archived.
    #[error("saving {path}")]
    Dependency {
        /// Its path from the new chart's name on.
        path: String,
        /// Why.
        #[source]
        source: SaveError,
    },
}

/// The files of a new chart of that name. Helm makes the folder `charts/` too, which is empty.
///
/// # Errors
/// A name that no chart may have.
pub fn scaffold(name: &str) -> Result<Vec<NewFile>, CreateError> {
    scaffold_as(name, Compatibility::V4)
}

/// As [`scaffold`], with the files of the Helm that is mirrored.
///
/// # Errors
/// As [`scaffold`].
pub fn scaffold_as(name: &str, compatibility: Compatibility) -> Result<Vec<NewFile>, CreateError> {
    if name.is_empty() || name.len() > LONGEST_CHART_NAME {
        return Err(CreateError::NameLength);
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        return Err(CreateError::NameCharacters);
    }
    let file = |(path, text): (&str, &str)| NewFile {
        name: path.to_owned(),
        data: text.replace(PLACEHOLDER, name).into_bytes(),
    };
    /// Routes of the Gateway API came with Helm 4.
    const OF_HELM4: &str = "templates/httproute.yaml";
    let has = |(path, _): &(&str, &str)| compatibility == Compatibility::V4 || *path != OF_HELM4;
    Ok(SCAFFOLD.into_iter().filter(has).map(file).collect())
}

/// The files of a new chart made from a starter: its templates and values with the name in place of `<CHARTNAME>`, its other files as
/// they are, the charts below it as archives, and a new Chart.yaml. `now` is the time of files whose own is not known.
///
/// # Errors
/// [`CreateError`].
pub fn from_starter(
    starter: &Chart,
    name: &str,
    now: Timestamp,
    compatibility: Compatibility,
) -> Result<Vec<NewFile>, CreateError> {
    check_values(starter, name)?;
    if base_name(name) != name {
        return Err(CreateError::NameWithSeparator(name.to_owned()));
    }
    let metadata = Metadata {
        name: name.to_owned(),
        description: "A Helm chart for Kubernetes".to_owned(),
        kind: "application".to_owned(),
        version: "0.1.0".to_owned(),
        app_version: "0.1.0".to_owned(),
        api_version: "v2".to_owned(),
        ..Metadata::default()
    };
    let named = |data: &[u8]| replaced(data, PLACEHOLDER.as_bytes(), name.as_bytes());
    let mut files = Vec::new();
    let mut add = |name: &str, data: Vec<u8>| files.push(NewFile { name: name.to_owned(), data });
    add("Chart.yaml", chart_yaml(&metadata)?.into_bytes());
    for file in starter.raw_files().iter().filter(|file| file.name() == "values.yaml") {
        add("values.yaml", named(file.data()));
    }
    if let Some(schema) = starter.schema() {
        add("values.schema.json", schema.to_vec());
    }
    starter.templates().iter().for_each(|file| add(file.name(), named(file.data())));
    starter.files().iter().for_each(|file| add(file.name(), file.data().to_vec()));
    for subchart in starter.dependencies() {
        let archive = save(subchart, subchart.metadata(), now, compatibility)
            .map_err(|source| CreateError::Dependency { path: format!("{name}/charts/{}", subchart.name()), source })?;
        add(&format!("charts/{}", archive.file_name), archive.bytes);
    }
    Ok(files)
}

/// Whether the starter's values are still values with the name in its place, as Helm makes sure.
fn check_values(starter: &Chart, name: &str) -> Result<(), CreateError> {
    let values = Value::Map(starter.own_values());
    let text = sutler_yaml::write(&crate::values::to_json(&values)).map_err(CreateError::ReadValues)?;
    if !text.contains(PLACEHOLDER) {
        return Ok(());
    }
    let node = read_document(&text.replace(PLACEHOLDER, name)).map_err(CreateError::TransformValues)?;
    match crate::values::from_yaml(&node).map_err(DecodeError::Convert).map_err(CreateError::TransformValues)? {
        Value::Map(_) | Value::Nil => Ok(()),
        _ => Err(CreateError::TransformValues(DecodeError::Type {
            found: json_kind(&node),
            target: "value of type map[string]interface {}".to_owned(),
        })),
    }
}

/// Bytes with every occurrence of some of them replaced by others.
fn replaced(data: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::{LintOptions, Severity, Survey, lint};
    use crate::{ChartSource, RenderOptions, SourceFile, ValuesOptions, render};

    fn new_chart(name: &str) -> Vec<SourceFile> {
        scaffold(name).unwrap().into_iter().map(|file| SourceFile::new(file.name, file.data)).collect()
    }

    #[test]
    fn a_new_chart_lints_clean_and_renders() {
        let survey = Survey::of_files(new_chart("shop"), "/charts/shop".to_owned());
        let values = ValuesOptions::default().merge().unwrap();
        let report = lint(&survey, &values, &LintOptions::default());
        assert!(!report.has(Severity::Warning), "{:?}", report.findings);
        assert_eq!(report.remarks, []);
        let chart = Chart::load(ChartSource::Files { files: new_chart("shop") }).unwrap();
        let rendered = render(&chart, &values, &RenderOptions::install("r", "n")).unwrap();
        let kinds: Vec<&str> = rendered.manifests.iter().map(|manifest| manifest.kind.as_str()).collect();
        assert_eq!(kinds, ["ServiceAccount", "Service", "Deployment"]);
        assert!(rendered.notes.contains("port-forward service/r-shop 8080:80"));
    }

    #[test]
    fn names_follow_helms_rule() {
        for (name, expected) in [
            ("", "chart name must be between 1 and 250 characters"),
            (&"x".repeat(251), "chart name must be between 1 and 250 characters"),
            ("a b", "chart name must match the regular expression \"^[a-zA-Z0-9._-]+$\""),
        ] {
            assert_eq!(scaffold(name).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn starters_get_the_name() {
        let files = vec![
            SourceFile::new("Chart.yaml", "name: starter\nversion: 3.0.0\ndescription: not kept\n"),
            SourceFile::new("values.yaml", "# of <CHARTNAME>\nfor: <CHARTNAME>\n"),
            SourceFile::new("templates/a.yaml", "{{ include \"<CHARTNAME>.x\" . }}"),
            SourceFile::new("README.md", "<CHARTNAME> stays"),
            SourceFile::new("charts/sub/Chart.yaml", "name: sub\nversion: 1.0.0\n"),
        ];
        let starter = Chart::load(ChartSource::Files { files }).unwrap();
        let made = from_starter(&starter, "shop", Timestamp::UNIX_EPOCH, Compatibility::V4).unwrap();
        let text = |name: &str| {
            let file = made.iter().find(|file| file.name == name).unwrap();
            String::from_utf8_lossy(&file.data).into_owned()
        };
        assert_eq!(
            text("Chart.yaml"),
            "apiVersion: v2\nappVersion: 0.1.0\ndescription: A Helm chart for Kubernetes\nname: shop\ntype: application\nversion: 0.1.0\n"
        );
        assert_eq!(text("values.yaml"), "# of shop\nfor: shop\n");
        assert_eq!(text("templates/a.yaml"), "{{ include \"shop.x\" . }}");
        assert_eq!(text("README.md"), "<CHARTNAME> stays");
        assert_eq!(made.last().unwrap().name, "charts/sub-1.0.0.tgz");
        let error = from_starter(&starter, "a: b: c", Timestamp::UNIX_EPOCH, Compatibility::V4).unwrap_err();
        assert!(
            crate::error_chain(&error).starts_with("transforming values file: error converting YAML to JSON: yaml: ")
        );
    }
}
