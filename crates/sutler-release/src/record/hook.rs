//! Hooks: objects of a chart that run at a moment of a release's life, as Helm's `release.Hook` records them.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{null_as_default, time};

/// The moment at which a hook runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookEvent {
    /// Before anything of an install is written.
    PreInstall,
    /// After an install is in the cluster (and ready, if that is waited for).
    PostInstall,
    /// Before anything is deleted.
    PreDelete,
    /// After everything is deleted.
    PostDelete,
    /// Before an upgrade.
    PreUpgrade,
    /// After an upgrade.
    PostUpgrade,
    /// Before a rollback.
    PreRollback,
    /// After a rollback.
    PostRollback,
    /// On `helm test`.
    #[serde(alias = "test-success")]
    Test,
    /// One that is not known here.
    #[serde(untagged)]
    Other(String),
}

impl HookEvent {
    /// Helm's spelling: `pre-install`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
            Self::PreDelete => "pre-delete",
            Self::PostDelete => "post-delete",
            Self::PreUpgrade => "pre-upgrade",
            Self::PostUpgrade => "post-upgrade",
            Self::PreRollback => "pre-rollback",
            Self::PostRollback => "post-rollback",
            Self::Test => "test",
            Self::Other(name) => name,
        }
    }

    /// Reads Helm's spelling.
    pub fn parse(name: &str) -> Self {
        match name {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            "test" | "test-success" => Self::Test,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for HookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// When a hook's object is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeletePolicy {
    /// After all hooks of the event succeeded.
    HookSucceeded,
    /// After the hook failed.
    HookFailed,
    /// Before the hook is created anew; the default.
    BeforeHookCreation,
    /// One that is not known here.
    #[serde(untagged)]
    Other(String),
}

/// When a hook's output is passed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputLogPolicy {
    /// After it succeeded.
    HookSucceeded,
    /// After it failed.
    HookFailed,
    /// One that is not known here.
    #[serde(untagged)]
    Other(String),
}

/// How a hook's last run went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HookPhase {
    /// It never ran (also what an empty phase means).
    #[default]
    #[serde(rename = "")]
    None,
    /// It is running.
    Running,
    /// It ended well.
    Succeeded,
    /// It did not.
    Failed,
    /// It cannot be told.
    #[serde(other)]
    Unknown,
}

/// A hook's last run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HookExecution {
    /// When it was written to the cluster.
    #[serde(default, deserialize_with = "time", skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, deserialize_with = "time", skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// With what result.
    #[serde(default)]
    pub phase: HookPhase,
}

/// One hook of a release.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Hook {
    /// The object's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The object's kind.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The template it came from, below the chart.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The object, as YAML.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// When it runs.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<HookEvent>,
    /// Its last run.
    #[serde(default)]
    pub last_run: HookExecution,
    /// Its place among the hooks of an event: lower is earlier.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub weight: i64,
    /// When its object is deleted; empty means before it is created anew.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub delete_policies: Vec<DeletePolicy>,
    /// When its output is passed on.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub output_log_policies: Vec<OutputLogPolicy>,
    /// Fields that no version known here has, kept as they were.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

fn is_zero(weight: &i64) -> bool {
    *weight == 0
}

impl Hook {
    /// Whether its object is deleted at that moment, with Helm's default when nothing was said.
    pub fn is_deleted(&self, policy: &DeletePolicy) -> bool {
        // A hook that is a CustomResourceDefinition is never deleted: all its objects would go with it.
        self.kind != "CustomResourceDefinition"
            && if self.delete_policies.is_empty() {
                *policy == DeletePolicy::BeforeHookCreation
            } else {
                self.delete_policies.contains(policy)
            }
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .field("path", &self.path)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
