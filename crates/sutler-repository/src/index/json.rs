//! An index as JSON, which Helm reads without looking for unknown fields.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use sutler_chart::sanitize;

use super::decode::{self, Strictness, is_rfc3339};
use super::scan::checked;
use super::{IndexEntry, IndexError, Raw, RawEntry};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    api_version: Option<String>,
    generated: Option<String>,
    entries: Option<BTreeMap<String, Option<Vec<Option<Entry>>>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: Option<String>,
    version: Option<String>,
    app_version: Option<String>,
    description: Option<String>,
    keywords: Option<Vec<Option<String>>>,
    urls: Option<Vec<Option<String>>>,
    digest: Option<String>,
    created: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    maintainers: Option<Vec<Option<IgnoredAny>>>,
    dependencies: Option<Vec<Option<Dependency>>>,
}

#[derive(Deserialize)]
struct Dependency {
    name: Option<String>,
    alias: Option<String>,
}

/// Reads an index that is JSON; nothing where the bytes are none.
pub(super) fn read(bytes: &[u8]) -> Option<Result<Raw, IndexError>> {
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return None;
    }
    let document = match serde_json::from_slice::<Document>(bytes) {
        Ok(document) if document.has_right_times() => document,
        _ => {
            serde_json::from_slice::<IgnoredAny>(bytes).ok()?;
            return Some(read_slowly(bytes));
        }
    };
    let charts = document.entries.unwrap_or_default().into_iter().map(|(name, entries)| {
        (name, entries.unwrap_or_default().into_iter().map(|entry| entry.map_or(RawEntry::Null, raw)).collect())
    });
    Some(Ok(Raw { api_version: document.api_version.unwrap_or_default(), charts: charts.collect() }))
}

/// A document with something in it that Go's decoder refuses, or reads more freely.
fn read_slowly(bytes: &[u8]) -> Result<Raw, IndexError> {
    let document = decode::Document::read(bytes)?;
    Ok(decode::light(&document.node, Strictness::Lenient)?)
}

impl Document {
    fn has_right_times(&self) -> bool {
        let is_right = |time: &Option<String>| time.as_ref().is_none_or(|time| is_rfc3339(time.as_bytes()));
        let mut entries = self.entries.iter().flat_map(BTreeMap::values).flatten().flatten().flatten();
        is_right(&self.generated) && entries.all(|entry| is_right(&entry.created))
    }
}

fn raw(entry: Entry) -> RawEntry {
    let clean = |text: Option<String>| {
        let mut text = text.unwrap_or_default();
        sanitize(&mut text);
        text
    };
    let found = IndexEntry {
        name: clean(entry.name),
        version: entry.version.unwrap_or_default(),
        app_version: clean(entry.app_version),
        description: clean(entry.description),
        keywords: entry.keywords.unwrap_or_default().into_iter().map(clean).collect(),
        urls: entry.urls.unwrap_or_default().into_iter().map(Option::unwrap_or_default).collect(),
        digest: entry.digest.unwrap_or_default(),
    };
    let has_null_maintainer = entry.maintainers.iter().flatten().any(Option::is_none);
    let dependencies = entry.dependencies.unwrap_or_default();
    let dependencies = dependencies.iter().map(|dependency| {
        let text = |text: &'_ Option<String>| -> String { text.clone().unwrap_or_default() };
        dependency.as_ref().map(|dependency| (text(&dependency.name), text(&dependency.alias)))
    });
    let dependencies: Vec<Option<(String, String)>> = dependencies.collect();
    checked(
        found,
        entry.kind.as_deref().unwrap_or_default(),
        has_null_maintainer,
        dependencies.iter().map(|pair| pair.as_ref().map(|(name, alias)| (name.as_str(), alias.as_str()))),
    )
}
