//! Loading a chart: from a folder, an archive, or files in memory, as Helm does (`pkg/chart/loader`, `pkg/chart/v2/loader`).
//!
//! ```text
//! folder ──walk, .helmignore──┐
//! archive ──gzip, tar─────────┼──▶ files ──assemble──▶ Chart (and its subcharts, folders and archives below charts/)
//! memory ─────────────────────┘
//! ```
//!
//! Reading files happens in `folder` only; everything after it works on bytes.

mod archive;
mod assemble;
mod folder;
mod ignore;
mod local;
mod survey;

use std::path::Path;

use jiff::Timestamp;
use thiserror::Error;

pub use archive::{ArchiveError, LARGEST_CHART};
pub use ignore::IgnoreError;
pub use local::FindError;
pub(crate) use survey::Entry;
pub use survey::{ExpandError, Survey, SurveyError};

use crate::chart::Chart;
use crate::compat::Compatibility;
use crate::decode::{DecodeError, Fields, Shape, read_document_as};
use crate::log::Remark;
use crate::metadata::MetadataError;
use crate::text::io_message;
use crate::values::ValuesError;

/// The largest file of a chart, in bytes: 5 MiB, as in Helm.
pub const LARGEST_FILE: u64 = 5 * 1024 * 1024;

/// How deep charts may nest in `charts/`. Helm has no bound; no chart comes near, and an archive in an archive must end somewhere.
pub const DEEPEST_SUBCHART: usize = 32;

/// Where a chart comes from.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChartSource<'a> {
    /// A folder with a Chart.yaml. Read with `.helmignore`.
    Folder(&'a Path),
    /// A `.tgz` in a file.
    ArchiveFile(&'a Path),
    /// The bytes of a `.tgz`, whole.
    Archive(&'a [u8]),
    /// Files in memory, their names relative to the chart's folder and with `/`, e.g. `templates/service.yaml`.
    Files {
        /// The files, in any order.
        files: Vec<SourceFile>,
    },
}

impl<'a> ChartSource<'a> {
    /// A folder or a `.tgz` of this machine, whichever is there.
    pub fn path(path: &'a (impl AsRef<Path> + ?Sized)) -> ChartSource<'a> {
        let path = path.as_ref();
        if path.is_dir() { ChartSource::Folder(path) } else { ChartSource::ArchiveFile(path) }
    }

    /// Files in memory: names and contents.
    ///
    /// ```
    /// use sutler_chart::{Chart, ChartSource};
    ///
    /// let chart = Chart::load(ChartSource::files([
    ///     ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n"),
    ///     ("templates/pod.yaml", "kind: Pod\n"),
    /// ]))?;
    /// assert_eq!(chart.name(), "web");
    /// # Ok::<(), sutler_chart::LoadError>(())
    /// ```
    pub fn files<N: Into<String>, D: Into<Vec<u8>>>(files: impl IntoIterator<Item = (N, D)>) -> ChartSource<'a> {
        ChartSource::Files { files: files.into_iter().map(|(name, data)| SourceFile::new(name, data)).collect() }
    }
}

/// A file of a chart before the chart is put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path inside the chart, with `/`.
    pub name: String,
    /// The bytes, without a byte order mark.
    pub data: Vec<u8>,
    /// When it was last changed, where that is known.
    pub modified: Option<Timestamp>,
}

impl SourceFile {
    /// A file whose time of change is not known.
    pub fn new(name: impl Into<String>, data: impl Into<Vec<u8>>) -> SourceFile {
        SourceFile { name: name.into(), data: data.into(), modified: None }
    }
}

/// Why a chart cannot be loaded. The texts, joined with their causes by `: `, are Helm's (see [`crate::error_chain`]).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The folder has no readable Chart.yaml.
    #[error("unable to detect chart at {path}")]
    Detect {
        /// Path of the Chart.yaml.
        path: String,
        /// What the operating system said.
        #[source]
        source: FileError,
    },
    /// A file or folder cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file that was found cannot be read.
    #[error("error reading {name}")]
    Read {
        /// Path inside the chart.
        name: String,
        /// What the operating system said.
        #[source]
        source: FileError,
    },
    /// A symbolic link leads nowhere.
    #[error("error evaluating symlink {path}")]
    Link {
        /// The link.
        path: String,
        /// What the operating system said.
        #[source]
        source: FileError,
    },
    /// A device, socket or pipe.
    #[error("cannot load irregular file {path} as it has file mode type bits set")]
    Irregular {
        /// Its path.
        path: String,
    },
    /// A file is larger than [`LARGEST_FILE`].
    #[error("chart file {} is larger than the maximum file size {LARGEST_FILE}", crate::text::go_quoted(.name))]
    FileTooLarge {
        /// Its name.
        name: String,
    },
    /// `.helmignore` has a rule that is none.
    #[error(transparent)]
    Ignore(#[from] IgnoreError),
    /// The archive cannot be unpacked.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A YAML file of the chart (`Chart.yaml`, `Chart.lock`, `requirements.yaml`, …) cannot be read.
    #[error("cannot load {name}")]
    Document {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// `values.yaml` cannot be read.
    #[error("cannot load values.yaml")]
    Values(#[source] ValuesError),
    /// There is no Chart.yaml.
    #[error("Chart.yaml file is missing")]
    NoMetadata,
    /// The archive has no Chart.yaml.
    #[error("unable to detect chart version, no Chart.yaml found")]
    NoMetadataInArchive,
    /// `apiVersion` is none that is known.
    #[error("unsupported chart version")]
    UnsupportedVersion,
    /// `apiVersion: v3`, which Helm 4.1 knows but does not install.
    #[error("invalid chart apiVersion")]
    FutureVersion,
    /// Chart.yaml is not valid.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// An archive below `charts/` has files in its place.
    #[error("error unpacking subchart tar in {chart}: expected {expected}, got {found}")]
    SubchartArchive {
        /// The chart above.
        chart: String,
        /// The archive's name.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A subchart cannot be loaded.
    #[error("error unpacking subchart {name} in {chart}")]
    Subchart {
        /// Name of its folder or archive.
        name: String,
        /// The chart above.
        chart: String,
        /// What is wrong with it.
        #[source]
        source: Box<LoadError>,
    },
    /// Archives below `charts/`, and those in them, unpack to more than four times [`LARGEST_CHART`].
    #[error("archives in charts/ are larger than {} bytes together", 4 * LARGEST_CHART)]
    NestedTooLarge,
    /// Charts nest deeper than [`DEEPEST_SUBCHART`], or links lead in a circle.
    #[error("charts nest deeper than {DEEPEST_SUBCHART} levels")]
    TooDeep,
}

/// What the operating system said of a path, in Go's words: `open /chart/Chart.yaml: no such file or directory`.
#[derive(Debug, Error)]
#[error("{action} {path}: {}", io_message(.error))]
pub struct FileError {
    /// The system call: `open`, `lstat`, ….
    pub action: &'static str,
    /// The path.
    pub path: String,
    /// The error; not a source, since its text is already in this one.
    pub error: std::io::Error,
}

impl FileError {
    fn new(action: &'static str, path: &Path, error: std::io::Error) -> FileError {
        FileError { action, path: path.display().to_string(), error }
    }
}

impl Chart {
    /// Loads a chart: from a folder, an archive, its bytes, or files in memory.
    ///
    /// ```no_run
    /// use sutler_chart::{Chart, ChartSource};
    ///
    /// let from_disk = Chart::load(ChartSource::path("charts/web"))?; // or charts/web-1.2.3.tgz
    /// let archive: Vec<u8> = std::fs::read("charts/web-1.2.3.tgz").expect("it is there");
    /// let from_bytes = Chart::load(ChartSource::Archive(&archive))?;
    /// # Ok::<(), sutler_chart::LoadError>(())
    /// ```
    ///
    /// # Errors
    /// What cannot be read, and what Helm refuses to load.
    pub fn load(source: ChartSource<'_>) -> Result<Chart, LoadError> {
        Chart::load_with_remarks(source, &mut Vec::new())
    }

    /// Loads a chart and collects what Helm says on the side (links that were followed, outdated files).
    ///
    /// # Errors
    /// As [`Chart::load`].
    pub fn load_with_remarks(source: ChartSource<'_>, remarks: &mut Vec<Remark>) -> Result<Chart, LoadError> {
        Chart::load_as(source, Compatibility::V4, remarks)
    }

    /// As [`Chart::load_with_remarks`], with the Helm that is mirrored: what the numbers of values.yaml are is decided here.
    ///
    /// # Errors
    /// As [`Chart::load`].
    pub fn load_as(
        source: ChartSource<'_>,
        compatibility: Compatibility,
        remarks: &mut Vec<Remark>,
    ) -> Result<Chart, LoadError> {
        load_detecting(source, compatibility, compatibility.detects_versions(), remarks)
    }
}

/// Loads a chart, with or without a look at its `apiVersion` first.
fn load_detecting(
    source: ChartSource<'_>,
    compatibility: Compatibility,
    detects_versions: bool,
    remarks: &mut Vec<Remark>,
) -> Result<Chart, LoadError> {
    let mut loading = assemble::Loading { remarks, compatibility, unpacked: 0 };
    match source {
        ChartSource::Folder(path) => {
            if detects_versions {
                check_version(&folder::read_metadata(path)?)?;
            }
            let files = folder::read(path, loading.remarks)?;
            assemble::chart(files, 0, &mut loading)
        }
        ChartSource::ArchiveFile(path) => {
            let bytes = std::fs::read(path).map_err(|error| FileError::new("open", path, error))?;
            load_detecting(ChartSource::Archive(&bytes), compatibility, detects_versions, remarks)
        }
        ChartSource::Archive(bytes) => {
            let files = archive::unpack(bytes)?;
            if detects_versions {
                let metadata = files.iter().find(|file| file.name == "Chart.yaml");
                check_version(&metadata.ok_or(LoadError::NoMetadataInArchive)?.data)?;
            }
            assemble::chart(files, 0, &mut loading)
        }
        ChartSource::Files { files } => assemble::chart(files, 0, &mut loading),
    }
}

/// Looks at `apiVersion` before anything else, as Helm does to choose a loader.
fn check_version(chart_yaml: &[u8]) -> Result<(), LoadError> {
    let document_error = |source| LoadError::Document { name: "Chart.yaml", source };
    let text = sutler_yaml::decode(chart_yaml).map_err(|error| document_error(DecodeError::Read(error)))?;
    let shape = Shape::Struct(&[("apiVersion", Shape::Text)]);
    let document = read_document_as(&text, &shape).map_err(document_error)?;
    let mut version = String::new();
    Fields::of_document(&document, "chartBase", "loader.chartBase")
        .and_then(|fields| {
            fields.for_each(|name, field| {
                if name == "apiversion" {
                    version = field.text("apiVersion")?;
                }
                Ok(())
            })
        })
        .map_err(document_error)?;
    match version.as_str() {
        "" | "v1" | "v2" => Ok(()),
        "v3" => Err(LoadError::FutureVersion),
        _ => Err(LoadError::UnsupportedVersion),
    }
}

/// Removes a UTF-8 byte order mark.
fn strip_byte_order_mark(data: &mut Vec<u8>) {
    if data.starts_with(b"\xef\xbb\xbf") {
        data.drain(..3);
    }
}

#[cfg(test)]
mod tests;
