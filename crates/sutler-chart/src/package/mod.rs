//! `helm package`: a chart as an archive (Helm's `chartutil.Save`).
//!
//! ```text
//! Chart ──package──▶ Package { name-version.tgz, bytes }
//! ```
//!
//! What goes in is the chart as it was loaded, not its folder: Chart.yaml and Chart.lock are written anew (without comments, fields in
//! order), what `.helmignore` leaves out is left out, and archives below `charts/` become folders. The tar stream is Helm's byte for
//! byte, but for the order of subcharts, which Helm leaves to chance and which here is that of their names. The same chart gives the
//! same bytes.

mod tar;

use std::io::Write as _;

use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use serde_json::Value;
use sutler_functions::semver::{SemverError, Version};
use sutler_functions::time::{ZERO_SECONDS, Zone};
use thiserror::Error;

use crate::chart::Chart;
use crate::compat::Compatibility;
use crate::decode::RFC_3339;
use crate::dependencies;
use crate::metadata::{Lock, Metadata, sanitize};
use crate::text::clean_path;
use tar::Tar;

/// What a package is made with, beside the chart.
#[derive(Debug, Clone)]
pub struct PackageOptions {
    /// `--version`: replaces the chart's version.
    pub version: Option<String>,
    /// `--app-version`: replaces the version of what the chart installs.
    pub app_version: Option<String>,
    /// The time of files whose own time is not known.
    pub now: Timestamp,
    /// The Helm that is mirrored: Helm 3 gives all files the time of now.
    pub compatibility: Compatibility,
}

/// A chart archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// `NAME-VERSION.tgz`.
    pub file_name: String,
    /// The archive.
    pub bytes: Vec<u8>,
}

/// Why a chart cannot be packaged. The texts, joined with their causes by `: `, are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PackageError {
    /// The version is none.
    #[error(transparent)]
    Version(#[from] SemverError),
    /// The same in the words of Helm 3's library.
    #[error("{0}")]
    VersionOfHelm3(String),
    /// Dependencies that Chart.yaml lists are not there.
    #[error("found in Chart.yaml, but missing in charts/ directory: {0}")]
    MissingDependencies(String),
    /// The archive cannot be put together.
    #[error("failed to save")]
    Save(#[from] SaveError),
}

/// Why an archive cannot be put together.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SaveError {
    /// values.schema.json, of the chart or of one below it, is no JSON.
    #[error("invalid JSON in values.schema.json")]
    Schema,
    /// The same in Helm 3's words.
    #[error("Invalid JSON in values.schema.json")]
    SchemaOfHelm3,
    /// Chart.yaml or Chart.lock cannot be written.
    #[error(transparent)]
    Yaml(#[from] sutler_yaml::WriteError),
    /// When the lock was made is no time.
    #[error("parsing the time `{0}` of the lock")]
    LockTime(String),
}

/// Packages a chart that was loaded from a folder.
///
/// # Errors
/// [`PackageError`].
pub fn package(chart: &Chart, options: &PackageOptions) -> Result<Package, PackageError> {
    let mut metadata = chart.metadata().clone();
    if let Some(version) = options.version.as_ref().filter(|version| !version.is_empty()) {
        metadata.version.clone_from(version);
    }
    Version::parse(&metadata.version).map_err(|error| match options.compatibility {
        Compatibility::V4 => PackageError::Version(error),
        Compatibility::V3 => PackageError::VersionOfHelm3(error.text_3_3()),
    })?;
    if let Some(version) = options.app_version.as_ref().filter(|version| !version.is_empty()) {
        metadata.app_version.clone_from(version);
        sanitize(&mut metadata.app_version);
    }
    let missing = dependencies::missing(chart);
    if !missing.is_empty() {
        return Err(PackageError::MissingDependencies(missing.join(", ")));
    }
    Ok(save(chart, &metadata, options.now, options.compatibility)?)
}

/// Archives a chart as it is, as Helm's `chartutil.Save`: dependencies need not be there. `now` is the time of files whose own
/// is not known.
///
/// # Errors
/// [`SaveError`].
pub fn archive(chart: &Chart, now: Timestamp) -> Result<Package, SaveError> {
    save(chart, chart.metadata(), now, Compatibility::V4)
}

/// Archives a chart as it is, with these metadata.
///
/// # Errors
/// [`SaveError`].
pub(crate) fn save(
    chart: &Chart,
    metadata: &Metadata,
    now: Timestamp,
    compatibility: Compatibility,
) -> Result<Package, SaveError> {
    let mut tar = Tar::default();
    add_chart(&mut tar, chart, metadata, "", Times { now, compatibility })?;
    let mut zipped = GzBuilder::new()
        .extra(GZIP_EXTRA)
        .comment("Helm")
        .operating_system(255)
        .write(Vec::new(), Compression::default());
    zipped.write_all(&tar.finish()).expect("writing to memory cannot fail");
    let bytes = zipped.finish().expect("writing to memory cannot fail");
    Ok(Package { file_name: format!("{}-{}.tgz", metadata.name, metadata.version), bytes })
}

/// The extra field that Helm gives the gzip header of every chart.
const GZIP_EXTRA: &[u8] = b"+aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo=";

/// The text of a Chart.yaml: metadata without comments, fields by name. Charts of `v1` have their dependencies elsewhere.
///
/// # Errors
/// Text that YAML cannot hold.
pub fn chart_yaml(metadata: &Metadata) -> Result<String, sutler_yaml::WriteError> {
    let mut value = serde_json::to_value(metadata).expect("metadata are texts, flags, lists and maps");
    if metadata.api_version == "v1"
        && let Value::Object(fields) = &mut value
    {
        fields.remove("dependencies");
    }
    sutler_yaml::write(&value)
}

/// Where files' times come from.
#[derive(Clone, Copy)]
struct Times {
    now: Timestamp,
    compatibility: Compatibility,
}

impl Times {
    fn of(self, own: Option<Timestamp>) -> Timestamp {
        own.filter(|_| self.compatibility == Compatibility::V4).unwrap_or(self.now)
    }
}

fn add_chart(tar: &mut Tar, chart: &Chart, metadata: &Metadata, above: &str, times: Times) -> Result<(), SaveError> {
    let base = format!("{above}{}", metadata.name);
    let mut add = |name: &str, data: &[u8], modified: Option<Timestamp>| {
        tar.add(&clean_path(&format!("{base}/{name}")), data, times.of(modified));
    };
    add("Chart.yaml", chart_yaml(metadata)?.as_bytes(), chart.modified());
    if metadata.api_version == "v2"
        && let Some(lock) = chart.lock()
    {
        let (text, generated) = lock_yaml(chart, lock)?;
        add("Chart.lock", text.as_bytes(), generated);
    }
    for file in chart.raw_files().iter().filter(|file| file.name() == "values.yaml") {
        add("values.yaml", file.data(), file.modified());
    }
    if let Some(schema) = &chart.0.schema {
        if sutler_functions::json::read(schema.data()).is_err() {
            return Err(match times.compatibility {
                Compatibility::V4 => SaveError::Schema,
                Compatibility::V3 => SaveError::SchemaOfHelm3,
            });
        }
        add("values.schema.json", schema.data(), schema.modified());
    }
    for file in chart.templates().iter().chain(chart.files()) {
        add(file.name(), file.data(), file.modified());
    }
    for subchart in chart.dependencies() {
        add_chart(tar, subchart, subchart.metadata(), &format!("{base}/charts/"), times)?;
    }
    Ok(())
}

/// The text of a Chart.lock, and when it was generated; none is Go's zero time, for which Helm takes the time of now.
fn lock_yaml(chart: &Chart, lock: &Lock) -> Result<(String, Option<Timestamp>), SaveError> {
    let generated = sutler_functions::time::parse(RFC_3339, lock.generated.as_bytes(), &Zone::Utc)
        .map_err(|_| SaveError::LockTime(lock.generated.clone()))?;
    let shown = sutler_functions::time::format(&generated, b"2006-01-02T15:04:05.999999999Z07:00");
    let mut value = serde_json::to_value(lock).expect("a lock is texts and lists");
    if let Value::Object(fields) = &mut value {
        fields.insert("generated".to_owned(), String::from_utf8_lossy(&shown).into());
        if lock.dependencies.is_empty() && !lists_dependencies(chart) {
            fields.insert("dependencies".to_owned(), Value::Null);
        }
    }
    let is_zero = generated.seconds == ZERO_SECONDS && generated.nanoseconds == 0;
    let nanoseconds = i32::try_from(generated.nanoseconds).expect("less than a second");
    let time = if is_zero { None } else { Timestamp::new(generated.seconds, nanoseconds).ok() };
    Ok((sutler_yaml::write(&value)?, time))
}

/// Whether the chart's lock has a list of dependencies, be it empty: without one Helm writes null.
fn lists_dependencies(chart: &Chart) -> bool {
    let is_lock = |file: &&crate::chart::ChartFile| matches!(file.name(), "Chart.lock" | "requirements.lock");
    let Some(file) = chart.raw_files().iter().rfind(is_lock) else { return true };
    let Ok(text) = sutler_yaml::decode(file.data()) else { return false };
    let Ok(node) = sutler_yaml::read(&text) else { return false };
    let is_list = |(key, value): &(sutler_yaml::Node, sutler_yaml::Node)| {
        key.as_str().is_some_and(|key| key.eq_ignore_ascii_case("dependencies"))
            && matches!(value.data, sutler_yaml::Data::Sequence(_))
    };
    node.entries().iter().any(is_list)
}

#[cfg(test)]
mod tests;
