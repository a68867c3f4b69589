//! A whole index: read, merged, made of a folder's archives, and written, for `repo index`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sutler_chart::{Chart, ChartSource, Metadata, Remark};
use sutler_functions::semver::Version;
use thiserror::Error;

use super::decode::{self, ChartVersion, Document, Strictness, ZERO_TIME};
use super::{Index, IndexEntry, IndexError, RawEntry, skipped_entry, skipped_null};
use crate::cache::{CacheError, Digest, Mode, write_whole};
use crate::go_sort;
use crate::url_path;

/// Why an index could not be made or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IndexFileError {
    /// A file cannot be read.
    #[error("open {path}: {}", sutler_chart::io_message(.error))]
    Read {
        /// Its path.
        path: String,
        /// The error; its text is in this one.
        error: std::io::Error,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] CacheError),
    /// A value cannot be written as YAML.
    #[error(transparent)]
    Yaml(#[from] sutler_yaml::WriteError),
}

/// Everything that an index says.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexFile {
    /// What a server says of itself; kept for the reader alone.
    pub server_info: Option<serde_json::Value>,
    /// `v1`.
    pub api_version: String,
    /// When it was made, as RFC 3339.
    pub generated: String,
    /// The versions of each chart.
    pub entries: BTreeMap<String, Vec<ChartVersion>>,
    /// Keys of the repository.
    pub public_keys: Vec<String>,
    /// Names and values for other programs.
    pub annotations: BTreeMap<String, String>,
}

impl IndexFile {
    /// An index without charts, made at a time given as RFC 3339.
    pub fn new(generated: &str) -> IndexFile {
        IndexFile {
            server_info: None,
            api_version: "v1".to_owned(),
            generated: generated.to_owned(),
            entries: BTreeMap::new(),
            public_keys: Vec::new(),
            annotations: BTreeMap::new(),
        }
    }

    /// Reads an index as [`Index::read`] does, with all that it says.
    ///
    /// # Errors
    /// As [`Index::read`].
    pub fn read(bytes: &[u8], source: &str, remarks: &mut Vec<Remark>) -> Result<IndexFile, IndexError> {
        if bytes.is_empty() {
            return Err(IndexError::Empty);
        }
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
        let strictness = if is_json { Strictness::Lenient } else { Strictness::Strict };
        let document = Document::read(bytes)?;
        let entries = std::cell::RefCell::new(BTreeMap::<String, Vec<ChartVersion>>::new());
        let mut skipped: BTreeMap<String, Vec<Remark>> = BTreeMap::new();
        let head = decode::walk(
            &document.node,
            strictness,
            |name| {
                entries.borrow_mut().insert(name.to_owned(), Vec::new());
            },
            &mut |name, item| {
                let remark = match item {
                    None => skipped_null(name, source),
                    Some(item) => {
                        let (version, validity) = decode::entry(item, strictness)?;
                        match validity {
                            Ok(()) => {
                                entries.borrow_mut().entry(name.to_owned()).or_default().push(version);
                                return Ok(());
                            }
                            Err(problem) => skipped_entry(name, &version.metadata.version, source, &problem),
                        }
                    }
                };
                skipped.entry(name.to_owned()).or_default().push(remark);
                Ok(())
            },
        )?;
        remarks.extend(skipped.into_values().flat_map(|skipped| skipped.into_iter().rev()));
        if head.api_version.is_empty() {
            return Err(IndexError::NoApiVersion);
        }
        let mut index = IndexFile {
            server_info: head.server_info,
            api_version: head.api_version,
            generated: head.generated,
            entries: entries.into_inner(),
            public_keys: head.public_keys,
            annotations: head.annotations,
        };
        index.sort();
        Ok(index)
    }

    /// Sorts the versions of each chart, the newest first, as Helm's `SortEntries`.
    pub fn sort(&mut self) {
        for versions in self.entries.values_mut() {
            let mut parsed: Vec<_> =
                versions.drain(..).map(|version| (Version::parse(&version.metadata.version), version)).collect();
            // Reversed, what cannot be parsed comes last.
            go_sort::sort(&mut parsed, |a, b| match (&b.0, &a.0) {
                (Err(_), _) => true,
                (_, Err(_)) => false,
                (Ok(b), Ok(a)) => b.precedence(a) == std::cmp::Ordering::Less,
            });
            versions.extend(parsed.into_iter().map(|(_, version)| version));
        }
    }

    /// Adds a chart's archive, as Helm's `MustAdd`: its URL is its name, or below `base_url`.
    pub fn add(&mut self, metadata: Metadata, name: &str, base_url: &str, digest: String, created: &str) {
        let url = if base_url.is_empty() {
            name.to_owned()
        } else {
            url_path::join(base_url, name.rsplit('/').next().unwrap_or(name))
        };
        self.entries.entry(metadata.name.clone()).or_default().push(ChartVersion {
            metadata,
            urls: vec![url],
            created: created.to_owned(),
            digest,
            ..ChartVersion::default()
        });
    }

    /// Takes over what another index has and this one has not, by name and version (as Helm, a version that is a constraint's
    /// match counts as there).
    pub fn merge(&mut self, other: IndexFile, remarks: &mut Vec<Remark>) {
        for version in other.entries.into_values().flatten() {
            let Metadata { name, version: number, .. } = &version.metadata;
            let present = self.entries.get(name).is_some_and(|versions| {
                let index = Index { charts: BTreeMap::from([(name.clone(), light(versions))]) };
                index.get(name, number, remarks).is_ok()
            });
            if !present {
                self.entries.entry(name.clone()).or_default().push(version);
            }
        }
    }

    /// The index of a folder's archives and of those one folder below, as Helm's `IndexDirectory`; files that are no charts
    /// are passed over. `now` is the time of each entry, as RFC 3339.
    ///
    /// # Errors
    /// An archive that cannot be read.
    pub fn of_folder(folder: &Path, base_url: &str, now: &str) -> Result<IndexFile, IndexFileError> {
        let mut index = IndexFile::new(now);
        for (parent, path) in archives(folder) {
            let fail = |error| IndexFileError::Read { path: path.display().to_string(), error };
            let bytes = std::fs::read(&path).map_err(fail)?;
            let Ok(chart) = Chart::load(ChartSource::Archive(&bytes)) else { continue };
            let parent_url = url_path::join(base_url, &parent);
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let digest = Digest::of(&bytes).to_string();
            index.add(chart.metadata().clone(), &name, &parent_url, digest, now);
        }
        Ok(index)
    }

    /// The index as YAML, as Helm writes it.
    ///
    /// # Errors
    /// Text that YAML cannot hold.
    pub fn to_yaml(&self) -> Result<String, IndexFileError> {
        let value = serde_json::to_value(self.written()).expect("an index is texts, flags, lists and maps");
        Ok(sutler_yaml::write(&value)?)
    }

    /// Writes the index, as YAML or as JSON with two spaces.
    ///
    /// # Errors
    /// What the file system refuses.
    pub fn write(&self, path: &Path, as_json: bool) -> Result<(), IndexFileError> {
        let text = if as_json { crate::go_json::write_indented(&self.written(), "  ") } else { self.to_yaml()? };
        Ok(write_whole(path, text.as_bytes(), Mode::Shared)?)
    }

    fn written(&self) -> Written<'_> {
        let entries = self.entries.iter().map(|(name, versions)| {
            let versions = versions.iter().map(|version| WrittenVersion {
                metadata: &version.metadata,
                urls: &version.urls,
                created: if version.created.is_empty() { ZERO_TIME } else { &version.created },
                removed: version.removed,
                digest: &version.digest,
                checksum: &version.deprecated[0],
                engine: &version.deprecated[1],
                tiller_version: &version.deprecated[2],
                url: &version.deprecated[3],
            });
            (name.as_str(), versions.collect())
        });
        Written {
            server_info: self.server_info.as_ref().filter(|info| info.as_object().is_some_and(|info| !info.is_empty())),
            api_version: &self.api_version,
            generated: &self.generated,
            entries: entries.collect(),
            public_keys: &self.public_keys,
            annotations: &self.annotations,
        }
    }
}

/// An index with its fields in the order of Helm's struct.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    server_info: Option<&'a serde_json::Value>,
    api_version: &'a str,
    generated: &'a str,
    entries: BTreeMap<&'a str, Vec<WrittenVersion<'a>>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    public_keys: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

/// An entry of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenVersion<'a> {
    #[serde(flatten)]
    metadata: &'a Metadata,
    urls: &'a [String],
    created: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    removed: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    digest: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    checksum: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    engine: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    tiller_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    url: &'a str,
}

fn light(versions: &[ChartVersion]) -> Vec<IndexEntry> {
    versions
        .iter()
        .filter_map(|version| match RawEntry::of(version.clone(), Ok(())) {
            RawEntry::Valid { entry, .. } => Some(entry),
            _ => None,
        })
        .collect()
}

/// The archives of a folder and of the folders in it: the parent's name, empty for the folder itself, and the path. Ordered
/// as Go's `filepath.Glob` orders them.
fn archives(folder: &Path) -> Vec<(String, PathBuf)> {
    let listed = |folder: &Path| {
        let mut names: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        names.sort();
        names
    };
    let is_archive = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".tgz"));
    let here = listed(folder);
    let mut found: Vec<(String, PathBuf)> =
        here.iter().filter(|path| is_archive(path)).map(|path| (String::new(), path.clone())).collect();
    for below in here.iter().filter(|path| path.is_dir()) {
        let parent = below.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        found.extend(listed(below).into_iter().filter(|path| is_archive(path)).map(|path| (parent.clone(), path)));
    }
    found
}
