//! A release's record: what was installed, from what, when and with what result, in Helm's own shape.
//!
//! ```text
//! Release ──encode──> JSON ──gzip──> base64 ──> Secret sh.helm.release.v1.NAME.vN, key `release` (base64 once more)
//! ```
//!
//! Field names and shapes are those of Helm 4's `release.Release`; what Helm 3 wrote reads as well, and fields that
//! neither knows are kept as they were.

mod chart;
mod codec;
mod hook;

pub use chart::{RecordedChart, RecordedFile};
pub use codec::{RecordError, is_record, secret_name, to_secret};
pub use hook::{DeletePolicy, Hook, HookEvent, HookExecution, HookPhase, OutputLogPolicy};

pub(crate) use codec::{CUSTOM_LABELS_RESERVED, Stamp, encode, from_secret};

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// The state of a release's revision, as Helm names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The current revision, in the cluster.
    Deployed,
    /// Removed from the cluster, the history kept.
    Uninstalled,
    /// Replaced by a later revision.
    Superseded,
    /// Its operation ended with an error; parts of it may be in the cluster.
    Failed,
    /// Being removed.
    Uninstalling,
    /// Being installed.
    PendingInstall,
    /// Being upgraded to.
    PendingUpgrade,
    /// Being rolled back to.
    PendingRollback,
    /// Not one of the others; Helm's initial state, never stored by a finished operation.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Status {
    /// Helm's spelling: `pending-install`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Deployed => "deployed",
            Self::Uninstalled => "uninstalled",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
        }
    }

    /// Whether an operation that would lead elsewhere has begun and not ended (as Helm's `IsPending`).
    pub fn is_pending(self) -> bool {
        matches!(self, Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a revision's objects were written, which decides how the next revision's are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApplyMethod {
    /// Created, then patched with a three-way merge: Helm 3's way, and what a record without the field means.
    #[default]
    #[serde(rename = "csa", alias = "")]
    ClientSide,
    /// Server-side apply: Helm 4's way.
    #[serde(rename = "ssa")]
    ServerSide,
}

impl ApplyMethod {
    /// Helm's spelling: `csa` or `ssa`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientSide => "csa",
            Self::ServerSide => "ssa",
        }
    }
}

/// One revision of a release.
///
/// Its `Debug` form names it and tells its state; values, manifest and chart stay out of it, since they may hold secrets.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The release's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// When and with what result.
    #[serde(default)]
    pub info: Info,
    /// The chart it was rendered from.
    #[serde(default)]
    pub chart: RecordedChart,
    /// The values the user gave, not the chart's own.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    /// The rendered objects without hooks, as YAML documents.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// The rendered hooks.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
    /// The revision, from 1.
    #[serde(default)]
    pub version: u32,
    /// The release's namespace.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// How its objects were written.
    #[serde(default)]
    pub apply_method: ApplyMethod,
    /// Fields that no version known here has, kept as they were.
    #[serde(flatten)]
    pub other: Map<String, Value>,
    /// The user's own labels, which Helm keeps on the Secret and not in the JSON.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
    /// Annotations of the Secret: the lease, the inputs' digest, whatever the caller gave.
    #[serde(skip)]
    pub annotations: BTreeMap<String, String>,
    /// The Secret's resource version when it was last read or written; `None` if it was not stored yet.
    #[serde(skip)]
    pub resource_version: Option<String>,
}

/// When a revision was made and how it went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Info {
    /// When the release's first revision was installed.
    #[serde(default, deserialize_with = "time", skip_serializing_if = "Option::is_none")]
    pub first_deployed: Option<Timestamp>,
    /// When this revision was.
    #[serde(default, deserialize_with = "time", skip_serializing_if = "Option::is_none")]
    pub last_deployed: Option<Timestamp>,
    /// When it was uninstalled.
    #[serde(default, deserialize_with = "time", skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Timestamp>,
    /// One line on how it went: `Install complete`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its state.
    #[serde(default)]
    pub status: Status,
    /// The rendered NOTES.txt.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// Fields that no version known here has, kept as they were.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Release {
    /// Sets the status and the line that goes with it.
    pub fn set_status(&mut self, status: Status, description: impl Into<String>) {
        self.info.status = status;
        self.info.description = description.into();
    }

    /// The name of the Secret that holds this revision.
    pub fn secret_name(&self) -> String {
        secret_name(&self.name, self.version)
    }
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Release")
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .field("version", &self.version)
            .field("status", &self.info.status)
            .field("chart", &self.chart.label())
            .finish_non_exhaustive()
    }
}

/// Reads a time as Helm does: missing, null, an empty string and Go's zero time all mean none.
pub(crate) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    if text.is_empty() || text.starts_with("0001-01-01T00:00:00") {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// Reads Go's `null` for an empty map or list.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
