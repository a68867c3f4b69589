//! `index.yaml`: what a chart repository says it has (Helm's `repo.IndexFile`).
//!
//! ```text
//! bytes ─┬─ JSON ───────────────▶ json ─┐
//!        ├─ machine-written YAML ▶ scan ─┼─▶ Index: names, versions, URLs, digests; for searching and resolving
//!        └─ any other YAML ─────▶ full ─┘
//!                                  └───────▶ IndexFile: everything; for `repo index`
//! ```
//!
//! An index of 20 MB is common, and almost always one that a program wrote. [`Index`] therefore holds only what searching and
//! resolving need, and reads the common form by a scanner of its own (`scan`); wherever that form is left, the YAML reader
//! reads the whole text, with the same result.

mod decode;
mod file;
mod json;
mod scan;

use std::collections::BTreeMap;

use sutler_chart::decode::DecodeError;
use sutler_chart::{Level, MetadataError, Remark};
use sutler_functions::semver::{Constraints, SemverError, Version};
use thiserror::Error;

use crate::go_sort;

pub use decode::{ChartVersion, IndexDecodeError};
pub(crate) use decode::{ZERO_TIME, time_text};
pub use file::{IndexFile, IndexFileError};

/// Why a text is no index. The texts are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IndexError {
    /// There is nothing.
    #[error("empty index.yaml file")]
    Empty,
    /// There is no `apiVersion`.
    #[error("no API version specified")]
    NoApiVersion,
    /// The text cannot be read, or has fields or types that an index does not have.
    #[error(transparent)]
    Decode(#[from] IndexDecodeError),
}

impl From<DecodeError> for IndexError {
    fn from(error: DecodeError) -> IndexError {
        IndexError::Decode(error.into())
    }
}

/// Why an index has no such chart. The texts are Helm's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LookupError {
    /// No chart has the name.
    #[error("no chart name found")]
    NoName,
    /// The chart has no version at all.
    #[error("no chart version found")]
    NoVersion,
    /// No version satisfies the constraint.
    #[error("no chart version found for {name}-{version}")]
    NoMatch {
        /// The chart.
        name: String,
        /// The constraint.
        version: String,
    },
    /// The constraint is none.
    #[error(transparent)]
    Constraint(SemverError),
}

/// One version of a chart, as far as searching and resolving need it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexEntry {
    /// The chart's name, as the entry has it.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The version of what it installs.
    pub app_version: String,
    /// One sentence.
    pub description: String,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// Where it is to be had, absolute or relative to the repository's URL; the first counts.
    pub urls: Vec<String>,
    /// SHA-256 of the archive in hexadecimal; may be empty, and may lie.
    pub digest: String,
}

/// The charts of a repository, the newest version of each first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    charts: BTreeMap<String, Vec<IndexEntry>>,
}

/// Entries as read, before the invalid ones are left out and the rest is sorted.
#[derive(Debug, Default, PartialEq)]
struct Raw {
    api_version: String,
    charts: Vec<(String, Vec<RawEntry>)>,
}

/// One entry as read: with what is wrong with it.
#[derive(Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all entries are of the large variant")]
enum RawEntry {
    Null,
    Valid { entry: IndexEntry, parsed: Version },
    Invalid { version: String, problem: MetadataError },
}

/// How much of a version's original text must be kept; the parsed form of one keeps it.
fn newest_first(entries: &mut [(IndexEntry, Version)]) {
    go_sort::sort(entries, |a, b| b.1.precedence(&a.1) == std::cmp::Ordering::Less);
}

impl Index {
    /// Reads an index, leaves out what is invalid with a remark for each (`source` is named in them), and sorts the versions.
    ///
    /// # Errors
    /// [`IndexError`], where Helm's `loadIndex` fails.
    pub fn read(bytes: &[u8], source: &str, remarks: &mut Vec<Remark>) -> Result<Index, IndexError> {
        if bytes.is_empty() {
            return Err(IndexError::Empty);
        }
        let raw = match std::str::from_utf8(bytes).ok().and_then(scan::scan) {
            Some(raw) => raw,
            None => match json::read(bytes) {
                Some(raw) => raw?,
                None => decode::read_light(bytes)?,
            },
        };
        Index::from_raw(raw, source, remarks)
    }

    /// Reads an index by the full YAML reader alone: slow, for comparison.
    ///
    /// # Errors
    /// As [`Index::read`].
    #[doc(hidden)]
    pub fn read_slowly(bytes: &[u8], source: &str, remarks: &mut Vec<Remark>) -> Result<Index, IndexError> {
        Index::from_raw(decode::read_light(bytes)?, source, remarks)
    }

    /// Whether the scanner reads a text by itself: for comparison.
    #[doc(hidden)]
    pub fn is_scanned(text: &str) -> bool {
        scan::scan(text).is_some()
    }

    fn from_raw(raw: Raw, source: &str, remarks: &mut Vec<Remark>) -> Result<Index, IndexError> {
        let mut charts = BTreeMap::new();
        for (name, entries) in raw.charts {
            let mut valid = Vec::with_capacity(entries.len());
            let mut skipped = Vec::new();
            for entry in entries {
                match entry {
                    RawEntry::Valid { entry, parsed } => valid.push((entry, parsed)),
                    RawEntry::Null => skipped.push(skipped_null(&name, source)),
                    RawEntry::Invalid { version, problem } => {
                        skipped.push(skipped_entry(&name, &version, source, &problem));
                    }
                }
            }
            // Helm goes through them from the last to the first.
            remarks.extend(skipped.into_iter().rev());
            newest_first(&mut valid);
            charts.insert(name, valid.into_iter().map(|(entry, _)| entry).collect());
        }
        if raw.api_version.is_empty() {
            return Err(IndexError::NoApiVersion);
        }
        Ok(Index { charts })
    }

    /// The names of the charts and their versions, the newest first; ordered by name.
    pub fn charts(&self) -> impl Iterator<Item = (&str, &[IndexEntry])> {
        self.charts.iter().map(|(name, entries)| (name.as_str(), entries.as_slice()))
    }

    /// The versions of a chart, the newest first.
    pub fn versions(&self, name: &str) -> Option<&[IndexEntry]> {
        self.charts.get(name).map(Vec::as_slice)
    }

    /// The version of a chart that a constraint means, as Helm's `IndexFile.Get`: exactly that version where there is one, else
    /// the newest that satisfies it (with a remark), and the newest stable one for an empty constraint.
    ///
    /// # Errors
    /// [`LookupError`].
    pub fn get(&self, name: &str, version: &str, remarks: &mut Vec<Remark>) -> Result<&IndexEntry, LookupError> {
        let entries = self.charts.get(name).ok_or(LookupError::NoName)?;
        if entries.is_empty() {
            return Err(LookupError::NoVersion);
        }
        let wanted = if version.is_empty() { "*" } else { version };
        let constraint = Constraints::parse(wanted).map_err(LookupError::Constraint)?;
        if !version.is_empty()
            && let Some(entry) = entries.iter().find(|entry| entry.version == version)
        {
            return Ok(entry);
        }
        let found = entries
            .iter()
            .find(|entry| Version::parse(&entry.version).is_ok_and(|version| constraint.allow(&version)))
            .ok_or_else(|| LookupError::NoMatch { name: name.to_owned(), version: version.to_owned() })?;
        if !version.is_empty() {
            remarks.push(Remark {
                level: Level::Warn,
                message: "unable to find exact version requested; falling back to closest available version".to_owned(),
                details: vec![
                    ("chart", name.to_owned()),
                    ("requested", version.to_owned()),
                    ("selected", found.version.clone()),
                ],
            });
        }
        Ok(found)
    }
}

fn remark(message: String) -> Remark {
    Remark { level: Level::Warn, message, details: Vec::new() }
}

fn skipped_null(name: &str, source: &str) -> Remark {
    remark(format!(
        "skipping loading invalid entry for chart {} from {source}: empty entry",
        sutler_chart::go_quoted(name)
    ))
}

fn skipped_entry(name: &str, version: &str, source: &str, problem: &MetadataError) -> Remark {
    remark(format!(
        "skipping loading invalid entry for chart {} {} from {source}: {problem}",
        sutler_chart::go_quoted(name),
        sutler_chart::go_quoted(version)
    ))
}

#[cfg(test)]
mod tests;
