//! A whole index: read, merged, made of a folder's archives, and written, for `repo index`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
        let value: serde_json::Value = serde_json::from_str(&self.to_json("")).unwrap_or_default();
        Ok(sutler_yaml::write(&value)?)
    }

    /// Writes the index, as YAML or as JSON with two spaces.
    ///
    /// # Errors
    /// What the file system refuses.
    pub fn write(&self, path: &Path, as_json: bool) -> Result<(), IndexFileError> {
        let text = if as_json { self.to_json("  ") } else { self.to_yaml()? };
        Ok(write_whole(path, text.as_bytes(), Mode::Shared)?)
    }

    /// The index as Go's `encoding/json` writes it, with an indentation.
    fn to_json(&self, indent: &str) -> String {
        let mut document = serde_json::Map::new();
        if let Some(info) =
            self.server_info.as_ref().filter(|info| info.as_object().is_some_and(|info| !info.is_empty()))
        {
            document.insert("serverInfo".into(), info.clone());
        }
        document.insert("apiVersion".into(), self.api_version.clone().into());
        document.insert("generated".into(), self.generated.clone().into());
        let entries = self.entries.iter().map(|(name, versions)| {
            (name.clone(), serde_json::Value::Array(versions.iter().map(ChartVersion::to_json).collect()))
        });
        document.insert("entries".into(), serde_json::Value::Object(entries.collect()));
        if !self.public_keys.is_empty() {
            document.insert("publicKeys".into(), self.public_keys.clone().into());
        }
        if !self.annotations.is_empty() {
            document.insert("annotations".into(), serde_json::json!(self.annotations));
        }
        crate::go_json::write(&serde_json::Value::Object(document), indent)
    }
}

impl ChartVersion {
    /// The entry as a JSON object, its fields in Go's order where the map keeps it.
    fn to_json(&self) -> serde_json::Value {
        let mut object = match serde_json::to_value(&self.metadata) {
            Ok(serde_json::Value::Object(object)) => object,
            _ => serde_json::Map::new(),
        };
        object.insert("urls".into(), self.urls.clone().into());
        let created = if self.created.is_empty() { ZERO_TIME } else { &self.created };
        object.insert("created".into(), created.into());
        if self.removed {
            object.insert("removed".into(), true.into());
        }
        let [checksum, engine, tiller, url] = &self.deprecated;
        for (name, text) in [
            ("digest", &self.digest),
            ("checksum", checksum),
            ("engine", engine),
            ("tillerVersion", tiller),
            ("url", url),
        ] {
            if !text.is_empty() {
                object.insert(name.into(), text.clone().into());
            }
        }
        serde_json::Value::Object(object)
    }
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
