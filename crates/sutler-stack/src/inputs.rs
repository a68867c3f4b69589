//! What releases are made from: their charts, and the values files read from disk.
//!
//! The only reading of a plan's own files happens here and in [`crate::charts`]; what follows works on what was read.

use std::path::Path;

use sutler_chart::Chart;
use sutler_chart::values::{ValuesError, ValuesFile, ValuesOptions, from_json};
use sutler_template::Value;

use crate::file::ReadFile;
use crate::file::model::Scalar;
use crate::globals::{ANNOTATION, SecretValues, VERSION};
use crate::secrets::Secret;
use crate::stack::{Release, SetValue, Stack};

/// A release's chart and the texts of its values.
#[derive(Clone, Debug)]
pub struct ReleaseInputs {
    /// The chart.
    pub chart: Chart,
    /// Values files in order, then the values that stand in stack.yaml.
    pub files: Vec<ValuesFile>,
}

/// Why a release's inputs cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A values file.
    #[error("cannot read values file `{path}` of release `{release}`")]
    ValuesFile {
        /// The release's id.
        release: String,
        /// Its path.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Values that cannot be merged.
    #[error("cannot merge the values of release `{release}`")]
    Values {
        /// The release's id.
        release: String,
        /// Why.
        #[source]
        source: ValuesError,
    },
    /// Values in stack.yaml that have no JSON form.
    #[error("the values of release `{release}` in stack.yaml cannot be read")]
    Inline {
        /// The release's id.
        release: String,
        /// Why.
        #[source]
        source: sutler_yaml::ConvertError,
    },
}

/// Reads a release's values files. `folder` is where stack.yaml lies.
///
/// # Errors
/// If one of them cannot be read.
pub fn read(release: &Release, chart: Chart, file: &ReadFile, folder: &Path) -> Result<ReleaseInputs, InputError> {
    let mut files = Vec::new();
    for path in &release.values_files {
        let text = std::fs::read_to_string(folder.join(path)).map_err(|source| InputError::ValuesFile {
            release: release.id.clone(),
            path: path.clone(),
            source,
        })?;
        files.push(ValuesFile { name: path.clone(), text });
    }
    if let Some(node) = file.root.find(["releases", &release.id, "values"]).filter(|node| !node.is_null()) {
        // JSON is YAML: the one reader reads it again, so that a number means the same here and in a values file.
        let json =
            sutler_yaml::to_json(node).map_err(|source| InputError::Inline { release: release.id.clone(), source })?;
        files.push(ValuesFile {
            name: format!("{}: releases.{}.values", file.path, release.id),
            text: json.to_string(),
        });
    }
    Ok(ReleaseInputs { chart, files })
}

/// Whether a chart asks for `global.sutler`.
pub fn asks_for_globals(chart: &Chart) -> bool {
    chart.annotation(ANNOTATION) == Some(VERSION)
}

/// The paths of a release's values that are secrets, with the secrets' names.
pub fn secret_paths(release: &Release) -> Vec<(&str, &str)> {
    let paths = release.set.iter().filter_map(|(path, value)| match value {
        SetValue::Secret(name) => Some((path.as_str(), name.as_str())),
        SetValue::Plain(_) => None,
    });
    paths.collect()
}

/// What a release gets besides its own values.
#[derive(Clone, Debug, Default)]
pub struct Given<'a> {
    /// `global.sutler`, without `secretValues`.
    pub globals: Option<serde_json::Value>,
    /// Its secret values, if its chart reads them from a Secret.
    pub secret_values: Option<SecretValues>,
    /// Secrets that go into its values because its chart does not read `global.sutler`: by value path.
    pub secrets: Vec<(&'a str, Secret)>,
}

/// The user's values of a release, as Helm would be given them.
///
/// # Errors
/// If a file or a `set` path cannot be read.
pub fn user_values(release: &Release, inputs: &ReleaseInputs, given: Given<'_>) -> Result<Value, InputError> {
    let mut options = ValuesOptions { files: inputs.files.clone(), ..ValuesOptions::default() };
    for (path, value) in &release.set {
        if let SetValue::Plain(value) = value {
            match value {
                Scalar::Text(text) => options.set_literal.push(format!("{path}={text}")),
                Scalar::Bool(value) => options.set_json.push(format!("{path}={value}")),
                Scalar::Integer(value) => options.set_json.push(format!("{path}={value}")),
                Scalar::Float(value) => options.set_json.push(format!("{path}={value}")),
            }
        }
    }
    for (path, secret) in given.secrets {
        options.set_literal.push(format!("{path}={}", secret.reveal()));
    }
    let merged = options.merge().map_err(|source| InputError::Values { release: release.id.clone(), source })?;
    if let Some(mut globals) = given.globals {
        if let Some(secret_values) = &given.secret_values {
            globals["secretValues"] = secret_values.to_value();
        }
        let mut json = sutler_chart::values::to_json(&merged);
        let global = json.as_object_mut().map(|values| values.entry("global").or_insert_with(|| serde_json::json!({})));
        if let Some(serde_json::Value::Object(global)) = global {
            global.insert("sutler".into(), globals);
        }
        return Ok(from_json(&json));
    }
    Ok(merged)
}

/// The secrets of a stack that its releases refer to here.
pub fn used_secrets(stack: &Stack) -> Vec<&str> {
    let mut names: Vec<&str> = stack.releases.iter().flat_map(secret_paths).map(|(_, name)| name).collect();
    names.sort_unstable();
    names.dedup();
    names
}
