//! Charts in folders of this machine.

use std::path::{Path, PathBuf};

use sutler_chart::{Chart, ChartSource, LoadError};

use super::DependencyError;
use crate::Notes;
use crate::files::file_error;

/// The folder that a `file://` repository means, below the chart's where it is relative (Helm's `GetLocalPath`).
pub(super) fn path(repository: &str, chart: &Path) -> Result<PathBuf, DependencyError> {
    let path = repository.strip_prefix("file://").unwrap_or(repository);
    let joined = if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", chart.display()) };
    let path = PathBuf::from(sutler_chart::clean_path(&joined));
    match std::fs::metadata(&path) {
        Ok(_) => Ok(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(DependencyError::NoLocalChart { path: path.display().to_string() })
        }
        Err(error) => Err(file_error("stat", &path, error).into()),
    }
}

/// Loads a folder as Helm's `LoadDir`, which does not look for Chart.yaml first, and tells what is noticed on the way.
///
/// # Errors
/// As [`Chart::load`].
pub fn load_folder(path: &Path, notes: &mut dyn Notes) -> Result<Chart, LoadError> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut remarks = Vec::new();
    let loaded = Chart::load_with_remarks(ChartSource::Folder(&absolute), &mut remarks);
    remarks.into_iter().for_each(|remark| notes.remark(remark));
    loaded.map_err(|error| match error {
        LoadError::Detect { source, .. } if source.error.kind() == std::io::ErrorKind::NotFound => {
            if absolute.is_dir() {
                LoadError::NoMetadata
            } else {
                LoadError::File(file_error("lstat", &absolute, std::io::Error::from_raw_os_error(2)))
            }
        }
        error => error,
    })
}
