//! What Terraform says while it works: the lines of its `-json` log, as typed events.
//!
//! One line is one event. Lines of kinds that say nothing to a person (refreshing, provisioners) and kinds that are not known are no
//! event: a newer Terraform says more, and must not stop the work.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::plan::Action;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Terraform begins.
    Version {
        /// Its version.
        terraform: String,
    },
    /// Something changed behind Terraform's back.
    Drifted {
        /// The resource.
        address: String,
        /// What happened to it.
        action: Action,
    },
    /// Something would be done.
    Planned {
        /// The resource.
        address: String,
        /// What.
        action: Action,
    },
    /// Work on a resource begins.
    Started {
        /// The resource.
        address: String,
        /// What is done.
        action: Action,
    },
    /// Work on a resource goes on.
    Working {
        /// The resource.
        address: String,
        /// What is done.
        action: Action,
        /// Since it began.
        seconds: u64,
    },
    /// Work on a resource is done.
    Done {
        /// The resource.
        address: String,
        /// What was done.
        action: Action,
        /// The resource's id, where it has one.
        id: Option<String>,
        /// How long it took.
        seconds: u64,
    },
    /// Work on a resource failed; why follows as a [`Event::Told`].
    Failed {
        /// The resource.
        address: String,
        /// What was tried.
        action: Action,
        /// How long it took.
        seconds: u64,
    },
    /// A warning or an error.
    Told(Diagnostic),
    /// How much was, or would be, done.
    Summary {
        /// `plan`, `apply` or `destroy`.
        operation: String,
        /// Resources made.
        add: u64,
        /// Resources changed.
        change: u64,
        /// Resources removed.
        remove: u64,
    },
}

/// A warning or an error of Terraform's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// In a few words.
    pub summary: String,
    /// In many.
    #[serde(default)]
    pub detail: String,
    /// The resource.
    #[serde(default)]
    pub address: Option<String>,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The work stops.
    Error,
    /// The work goes on.
    Warning,
}

/// A line of the log that begins as JSON and is none.
#[derive(Debug, Error)]
#[error("cannot read a line of Terraform's log")]
pub struct LineError(#[source] serde_json::Error);

/// Reads a line of the log; `None` where it says nothing.
///
/// Lines that are not JSON come from before the log begins (Terraform tells of its own configuration in plain text), and say nothing.
///
/// # Errors
/// The line begins as JSON and is none, or an event lacks what it must have.
pub fn read_line(line: &str) -> Result<Option<Event>, LineError> {
    let line = line.trim();
    if !line.starts_with('{') {
        return Ok(None);
    }
    let value: Value = serde_json::from_str(line).map_err(LineError)?;
    let kind = value["type"].as_str().unwrap_or_default().to_owned();
    event(&kind, value).map_err(LineError)
}

#[derive(Deserialize)]
struct Resource {
    addr: String,
}

#[derive(Deserialize)]
struct Hook {
    resource: Resource,
    action: Action,
    #[serde(default)]
    id_value: Option<String>,
    #[serde(default)]
    elapsed_seconds: u64,
}

#[derive(Deserialize)]
struct PlannedChange {
    resource: Resource,
    action: Action,
}

#[derive(Deserialize)]
struct Changes {
    #[serde(default)]
    add: u64,
    #[serde(default)]
    change: u64,
    #[serde(default)]
    remove: u64,
    operation: String,
}

fn event(kind: &str, mut value: Value) -> Result<Option<Event>, serde_json::Error> {
    let mut part = |name: &str| value[name].take();
    Ok(Some(match kind {
        "version" => Event::Version { terraform: part("terraform").as_str().unwrap_or_default().to_owned() },
        "planned_change" | "resource_drift" => {
            let PlannedChange { resource: Resource { addr: address }, action } =
                serde_json::from_value(part("change"))?;
            match kind {
                "planned_change" => Event::Planned { address, action },
                _ => Event::Drifted { address, action },
            }
        }
        "apply_start" | "apply_progress" | "apply_complete" | "apply_errored" => {
            let hook: Hook = serde_json::from_value(part("hook"))?;
            let Hook { resource: Resource { addr: address }, action, id_value: id, elapsed_seconds: seconds } = hook;
            match kind {
                "apply_start" => Event::Started { address, action },
                "apply_progress" => Event::Working { address, action, seconds },
                "apply_complete" => Event::Done { address, action, id: id.filter(|id| !id.is_empty()), seconds },
                _ => Event::Failed { address, action, seconds },
            }
        }
        "diagnostic" => Event::Told(serde_json::from_value(part("diagnostic"))?),
        "change_summary" => {
            let Changes { add, change, remove, operation } = serde_json::from_value(part("changes"))?;
            Event::Summary { operation, add, change, remove }
        }
        _ => return Ok(None),
    }))
}

/// Who holds the lock of a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    /// The lock's id: what `force-unlock` takes.
    pub id: String,
    /// The state.
    pub path: String,
    /// What holder does: `OperationTypeApply`.
    pub operation: String,
    /// User and machine.
    pub who: String,
    /// Since when, as Terraform writes it: `2026-07-20 10:30:52.1 +0000 UTC`.
    pub created: String,
}

impl Diagnostic {
    /// Who holds the lock, where this says that the state is locked.
    #[must_use]
    pub fn lock_holder(&self) -> Option<LockHolder> {
        if !self.summary.contains("acquiring the state lock") {
            return None;
        }
        let field = |name: &str| {
            let lines = self.detail.lines().map(str::trim);
            let value = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(':')).next().unwrap_or_default();
            value.trim().to_owned()
        };
        let id = field("ID");
        (!id.is_empty()).then(|| LockHolder {
            id,
            path: field("Path"),
            operation: field("Operation"),
            who: field("Who"),
            created: field("Created"),
        })
    }

    /// The version of Terraform that wrote the state, where this says that it is newer than the one that runs.
    #[must_use]
    pub fn newer_state(&self) -> Option<String> {
        if !["not supported by", "newer than"].iter().any(|words| self.detail.contains(words)) {
            return None;
        }
        let rest =
            ["created by Terraform ", "created by OpenTofu "].iter().find_map(|by| self.detail.split_once(by))?.1;
        let version = rest.trim_start_matches('v');
        let end = version.find(|found: char| !found.is_ascii_alphanumeric() && !".-+".contains(found));
        let version = version[..end.unwrap_or(version.len())].trim_end_matches('.');
        (!version.is_empty()).then(|| version.to_owned())
    }
}

#[cfg(test)]
mod tests;
