//! A chart's folder as the linter sees it: single files as they are, and beside them the chart that loading makes of the whole.
//!
//! Loading alone would not do. The linter reports on folders that do not load, and Helm's looks at some files behind the loader's
//! back: `.helmignore` does not hide `values.yaml` from it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use thiserror::Error;

use super::archive::{self, ArchiveError};
use super::assemble::{self, Loading};
use super::{FileError, LARGEST_FILE, LoadError, SourceFile, folder, ignore::IgnoreRules};
use crate::chart::Chart;
use crate::compat::Compatibility;
use crate::decode::DecodeError;
use crate::log::Remark;
use crate::metadata::Draft;
use crate::text::{base_name, go_quoted};

/// What stands at one place of a chart's folder.
#[derive(Debug)]
pub(crate) enum Entry {
    /// Nothing.
    Absent,
    /// Nobody can tell.
    Unknown(FileError),
    /// A folder.
    Folder,
    /// A file and its content, where it can be read.
    File(Result<Vec<u8>, FileError>),
}

impl Entry {
    fn of_disk(path: &Path) -> Entry {
        match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Entry::Absent,
            Err(error) => Entry::Unknown(FileError::new("stat", path, error)),
            Ok(found) if found.is_dir() => Entry::Folder,
            Ok(_) => Entry::File(fs::read(path).map_err(|error| FileError::new("open", path, error))),
        }
    }

    /// What `os.ReadFile` answers.
    pub(crate) fn read(&self, path: &str) -> Result<&[u8], FileError> {
        let again = |action, kind| Err(FileError::new(action, Path::new(path), std::io::Error::from(kind)));
        match self {
            Entry::Absent => again("open", ErrorKind::NotFound),
            Entry::Unknown(error) => again("open", error.error.kind()),
            Entry::Folder => Err(FileError { action: "read", path: path.to_owned(), error: is_a_folder() }),
            Entry::File(Ok(bytes)) => Ok(bytes),
            Entry::File(Err(error)) => again("open", error.error.kind()),
        }
    }
}

fn is_a_folder() -> std::io::Error {
    std::io::Error::new(ErrorKind::IsADirectory, "is a directory")
}

/// A chart's folder as [`crate::lint::lint`] wants it.
#[derive(Debug)]
pub struct Survey {
    pub(crate) path: String,
    pub(crate) chart_yaml: Entry,
    pub(crate) values_yaml: Entry,
    pub(crate) schema: Entry,
    pub(crate) templates: Entry,
    pub(crate) crds: Entry,
    pub(crate) chart: Result<Chart, LoadError>,
    pub(crate) remarks: Vec<Remark>,
}

/// Why there is nothing to lint. The texts, joined with their causes by `: `, are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SurveyError {
    /// The folder has no Chart.yaml.
    #[error("unable to check Chart.yaml file in chart")]
    NoMetadata(#[source] FileError),
    /// The archive cannot be read.
    #[error("unable to open tarball")]
    Open(#[source] FileError),
    /// The archive cannot be unpacked.
    #[error("unable to extract tarball")]
    Extract(#[source] ExpandError),
}

/// Why an archive does not unpack into a chart's folder (Helm's `chartutil.Expand`).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExpandError {
    /// The archive cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Its Chart.yaml cannot be read.
    #[error("cannot load Chart.yaml")]
    Metadata(#[source] DecodeError),
    /// It has no Chart.yaml with a name.
    #[error("chart name not specified")]
    NoName,
    /// The name is `.` or `..`.
    #[error("chart name {} is not allowed", go_quoted(.0))]
    NameNotAllowed(String),
    /// The name contains a `/`.
    #[error("chart name {} must not contain path separators", go_quoted(.0))]
    NameWithSeparator(String),
    /// Something stands in the way of a file.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Survey {
    /// Looks at a folder.
    ///
    /// # Errors
    /// [`SurveyError::NoMetadata`]. What else is wrong with the folder is for the linter to say.
    pub fn of_folder(path: &Path) -> Result<Survey, SurveyError> {
        Survey::of_folder_as(path, Compatibility::V4)
    }

    /// As [`Survey::of_folder`], with the Helm that is mirrored.
    ///
    /// # Errors
    /// As [`Survey::of_folder`].
    pub fn of_folder_as(path: &Path, compatibility: Compatibility) -> Result<Survey, SurveyError> {
        let chart_yaml = path.join("Chart.yaml");
        if let Err(error) = fs::metadata(&chart_yaml) {
            let shown = crate::text::clean_path(&chart_yaml.display().to_string());
            return Err(SurveyError::NoMetadata(FileError::new("stat", Path::new(&shown), error)));
        }
        let path = folder::absolute(path).map_err(SurveyError::NoMetadata)?;
        let mut remarks = Vec::new();
        let chart = folder::read(&path, &mut remarks).and_then(|files| {
            assemble::chart(files, 0, &mut Loading { remarks: &mut remarks, compatibility, unpacked: 0 })
        });
        let entry = |name: &str| Entry::of_disk(&path.join(name));
        Ok(Survey {
            chart_yaml: entry("Chart.yaml"),
            values_yaml: entry("values.yaml"),
            schema: entry("values.schema.json"),
            templates: entry("templates"),
            crds: entry("crds"),
            path: path.display().to_string(),
            chart,
            remarks,
        })
    }

    /// Looks at the folder that an archive unpacks to, without unpacking it: `parent` is the folder that it would be unpacked in,
    /// for messages.
    ///
    /// # Errors
    /// [`SurveyError::Extract`], and [`SurveyError::NoMetadata`] never: an archive without Chart.yaml does not unpack.
    pub fn of_archive(bytes: &[u8], parent: &str) -> Result<Survey, SurveyError> {
        Survey::of_archive_as(bytes, parent, Compatibility::V4)
    }

    /// As [`Survey::of_archive`], with the Helm that is mirrored.
    ///
    /// # Errors
    /// As [`Survey::of_archive`].
    pub fn of_archive_as(bytes: &[u8], parent: &str, compatibility: Compatibility) -> Result<Survey, SurveyError> {
        Survey::expanded(bytes, parent, compatibility).map_err(SurveyError::Extract)
    }

    fn expanded(bytes: &[u8], parent: &str, compatibility: Compatibility) -> Result<Survey, ExpandError> {
        let (name, files) = expand(bytes, parent)?;
        Ok(Survey::of_files_as(files, format!("{parent}/{name}"), compatibility))
    }

    /// Looks at files in memory as if they stood in the folder `path`. Of files with one name the last counts.
    pub fn of_files(files: Vec<SourceFile>, path: String) -> Survey {
        Survey::of_files_as(files, path, Compatibility::V4)
    }

    fn of_files_as(files: Vec<SourceFile>, path: String, compatibility: Compatibility) -> Survey {
        let files = in_walking_order(files);
        let entry = |name: &str| match files.iter().find(|file| file.name == name) {
            Some(file) => Entry::File(Ok(file.data.clone())),
            None if files.iter().any(|file| file.name.starts_with(&format!("{name}/"))) => Entry::Folder,
            None => Entry::Absent,
        };
        let (chart_yaml, values_yaml, schema) =
            (entry("Chart.yaml"), entry("values.yaml"), entry("values.schema.json"));
        let (templates, crds) = (entry("templates"), entry("crds"));
        let mut remarks = Vec::new();
        let chart = without_ignored(files).and_then(|files| {
            assemble::chart(files, 0, &mut Loading { remarks: &mut remarks, compatibility, unpacked: 0 })
        });
        Survey { path, chart_yaml, values_yaml, schema, templates, crds, chart, remarks }
    }
}

/// The chart's name and its files, as Helm unpacks an archive into `parent/name`. Of files with one name the last counts.
pub(crate) fn expand(bytes: &[u8], parent: &str) -> Result<(String, Vec<SourceFile>), ExpandError> {
    let files = archive::unpack(bytes)?;
    let mut name = String::new();
    for file in files.iter().filter(|file| file.name == "Chart.yaml") {
        let mut draft = Draft::default();
        let text = sutler_yaml::decode(&file.data).map_err(DecodeError::Read);
        text.and_then(|text| draft.read(&text)).map_err(ExpandError::Metadata)?;
        name = draft.metadata().name.clone();
    }
    match name.as_str() {
        "" => return Err(ExpandError::NoName),
        "." | ".." => return Err(ExpandError::NameNotAllowed(name)),
        text if base_name(text) != text => return Err(ExpandError::NameWithSeparator(name)),
        _ => {}
    }
    let mut folders: BTreeMap<String, bool> = BTreeMap::new();
    for file in &files {
        let path = |inner: &str| format!("{parent}/{name}/{inner}");
        let parts: Vec<&str> = file.name.split('/').collect();
        for end in 1..parts.len() {
            let above = parts[..end].join("/");
            if folders.insert(above.clone(), true) == Some(false) {
                let error = std::io::Error::new(ErrorKind::NotADirectory, "not a directory");
                return Err(FileError { action: "mkdir", path: path(&above), error }.into());
            }
        }
        if folders.insert(file.name.clone(), false) == Some(true) {
            return Err(FileError { action: "open", path: path(&file.name), error: is_a_folder() }.into());
        }
    }
    Ok((name, files))
}

/// One file a name, in the order in which a folder is walked: by name, folder by folder.
fn in_walking_order(files: Vec<SourceFile>) -> Vec<SourceFile> {
    let by_path: BTreeMap<Vec<String>, SourceFile> =
        files.into_iter().map(|file| (file.name.split('/').map(str::to_owned).collect(), file)).collect();
    by_path.into_values().collect()
}

/// The files that `.helmignore`, which is one of them, leaves in the chart.
fn without_ignored(files: Vec<SourceFile>) -> Result<Vec<SourceFile>, LoadError> {
    let rules = files.iter().find(|file| file.name == ".helmignore");
    let rules = rules.map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default();
    let rules = IgnoreRules::parse(&rules)?;
    let is_ignored = |name: &str| {
        let folders = name.match_indices('/').map(|(at, _)| &name[..at]);
        folders.into_iter().any(|folder| rules.ignores(folder, true)) || rules.ignores(name, false)
    };
    let kept: Vec<SourceFile> = files.into_iter().filter(|file| !is_ignored(&file.name)).collect();
    match kept.iter().find(|file| file.data.len() as u64 > LARGEST_FILE) {
        Some(file) => Err(LoadError::FileTooLarge { name: base_name(&file.name).to_owned() }),
        None => Ok(kept),
    }
}
