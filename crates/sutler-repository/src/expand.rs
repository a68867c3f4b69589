//! Unpacking a chart's archive into a folder of its name, for `helm pull --untar` (Helm's `chartutil.Expand`).

use std::path::{Path, PathBuf};

use sutler_chart::{Chart, ChartSource, LoadError};
use thiserror::Error;

use crate::files::{FileError, file_error};

/// Why an archive cannot be unpacked. The texts are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExpandError {
    /// It is no chart.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Its name would lead out of the folder.
    #[error("chart name {} is not allowed", sutler_chart::go_quoted(.0))]
    Name(String),
    /// The same, by a separator.
    #[error("chart name {} must not contain path separators", sutler_chart::go_quoted(.0))]
    Separator(String),
    /// A file's path would lead through a link out of the folder.
    #[error("{} leads out of the chart's folder", .0.display())]
    Outside(PathBuf),
    /// A file or folder cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Unpacks a chart's archive below a folder, its files as they are.
///
/// # Errors
/// What is no chart, names that lead elsewhere, and what the file system refuses.
///
/// ```
/// use sutler_chart::{Chart, ChartSource, package};
/// use sutler_repository::expand::expand;
///
/// let chart = Chart::load(ChartSource::files([("Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n")]))?;
/// let folder = std::env::temp_dir().join(format!("sutler-expand-{}", std::process::id()));
/// expand(&folder, &package::archive(&chart, jiff::Timestamp::UNIX_EPOCH)?.bytes)?;
/// assert!(folder.join("web/Chart.yaml").is_file());
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn expand(folder: &Path, archive: &[u8]) -> Result<(), ExpandError> {
    let chart = Chart::load(ChartSource::Archive(archive))?;
    let name = chart.name();
    if matches!(name, "." | "..") {
        return Err(ExpandError::Name(name.to_owned()));
    }
    if name.contains('/') || name.is_empty() {
        return Err(ExpandError::Separator(name.to_owned()));
    }
    let base = folder.join(name);
    std::fs::create_dir_all(&base).map_err(|error| file_error("mkdir", &base, error))?;
    let root = std::fs::canonicalize(&base).map_err(|error| file_error("lstat", &base, error))?;
    for file in chart.raw_files() {
        let path = base.join(file.name());
        let parent = path.parent().unwrap_or(&base);
        std::fs::create_dir_all(parent).map_err(|error| file_error("mkdir", parent, error))?;
        let real = std::fs::canonicalize(parent).map_err(|error| file_error("lstat", parent, error))?;
        let is_link = std::fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_symlink());
        if !real.starts_with(&root) || is_link {
            return Err(ExpandError::Outside(path));
        }
        std::fs::write(&path, file.data()).map_err(|error| file_error("open", &path, error))?;
    }
    Ok(())
}
