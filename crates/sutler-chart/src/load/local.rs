//! A chart by the reference that a person types, as far as this machine has it (the local half of Helm's `LocateChart`).

use std::fs;
use std::path::Path;

use thiserror::Error;

use super::{ArchiveError, ChartSource, FileError, LoadError, load_detecting};
use crate::chart::Chart;
use crate::compat::Compatibility;
use crate::log::Remark;
use crate::text::{go_quoted, is_space};

/// Why there is no chart for a reference.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FindError {
    /// Nothing is there. The text is Helm's.
    #[error("{0}")]
    NotFound(String),
    /// What is there cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// What is there is no archive. The text is Helm's.
    #[error("{0}")]
    NoArchive(String),
}

impl Chart {
    /// Finds and loads a chart: a folder with a Chart.yaml, or an archive.
    ///
    /// # Errors
    /// [`FindError::NotFound`] when no such path exists (the caller may then ask chart repositories), and what [`Chart::load`] fails with.
    pub fn find(reference: &str, remarks: &mut Vec<Remark>) -> Result<Chart, FindError> {
        Chart::find_as(reference, Compatibility::V4, remarks)
    }

    /// As [`Chart::find`], with the Helm that is mirrored.
    ///
    /// # Errors
    /// As [`Chart::find`].
    pub fn find_as(
        reference: &str,
        compatibility: Compatibility,
        remarks: &mut Vec<Remark>,
    ) -> Result<Chart, FindError> {
        find(reference, compatibility, compatibility.detects_versions(), remarks)
    }

    /// As [`Chart::find`], whatever `apiVersion` the chart has: for commands that show or copy a chart and do not install it. What is
    /// wrong with an archive is told.
    ///
    /// # Errors
    /// As [`Chart::find`].
    pub fn find_of_any_version(reference: &str, remarks: &mut Vec<Remark>) -> Result<Chart, FindError> {
        find(reference, Compatibility::V4, false, remarks)
    }
}

fn find(
    reference: &str,
    compatibility: Compatibility,
    detects_versions: bool,
    remarks: &mut Vec<Remark>,
) -> Result<Chart, FindError> {
    let reference = reference.trim_matches(is_space);
    let path = Path::new(reference);
    let Ok(found) = fs::metadata(path) else { return Err(FindError::NotFound(not_found(reference))) };
    let path = super::folder::absolute(path).map_err(LoadError::from)?;
    if found.is_dir() {
        return Ok(load_detecting(ChartSource::Folder(&path), compatibility, detects_versions, remarks)?);
    }
    let bytes = fs::read(&path).map_err(|error| LoadError::from(FileError::new("open", &path, error)))?;
    let name = path.display();
    if !bytes.starts_with(&[0x1f, 0x8b, 0x08]) {
        return Err(FindError::NoArchive(if reference.ends_with(".yml") || reference.ends_with(".yaml") {
            format!("file '{name}' seems to be a YAML file, but expected a gzipped archive")
        } else {
            format!("file '{name}' does not appear to be a gzipped archive; got '{}'", content_type(&bytes))
        }));
    }
    match load_detecting(ChartSource::Archive(&bytes), compatibility, detects_versions, remarks) {
        Err(LoadError::Archive(ArchiveError::NotGzip)) => Err(FindError::NoArchive(format!(
            "file '{name}' does not appear to be a valid chart file (details: gzip: invalid header)"
        ))),
        // Helm keeps the reason to itself; it is ours to tell in a hint.
        Err(LoadError::Archive(_)) if detects_versions => {
            Err(FindError::NoArchive("unable to load chart archive".to_owned()))
        }
        loaded => Ok(loaded?),
    }
}

/// Helm's words for a reference that leads nowhere, when no repository is configured.
fn not_found(reference: &str) -> String {
    if reference.starts_with(['/', '.']) {
        return format!("path {} not found", go_quoted(reference));
    }
    match reference.split_once('/') {
        Some((repository, _)) if !reference.contains("://") => format!("repo {repository} not found"),
        Some(_) => format!("no chart at {reference}"),
        None => format!("non-absolute URLs should be in form of repo_name/path_to_chart, got: {reference}"),
    }
}

/// What Go's `http.DetectContentType` says of the first 512 bytes, padded with zeros, as far as a wrong file is likely to be it.
fn content_type(bytes: &[u8]) -> &'static str {
    let start = &bytes[..bytes.len().min(512)];
    let is_binary = |byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    if start.starts_with(b"PK\x03\x04") {
        "application/zip"
    } else if start.starts_with(b"%PDF-") {
        "application/pdf"
    } else if start.starts_with(b"\x89PNG\r\n\x1a\n") {
        "image/png"
    } else if bytes.len() >= 512 && !start.iter().any(is_binary) {
        "text/plain; charset=utf-8"
    } else {
        "application/octet-stream"
    }
}
