//! Why an operation on a release did not end well.

use jiff::SignedDuration;

use crate::cluster::ApiError;
use crate::lease::Lease;
use crate::object::{ManifestError, ObjectRef};
use crate::record::{HookEvent, RecordError, Status};
use crate::world::WaitError;

/// An operation on a release failed. Values of the release are in no message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The API refused or could not be asked.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A record cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The world cannot wait.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// The chart does not render with these values.
    #[error(transparent)]
    Render(Box<dyn std::error::Error + Send + Sync>),
    /// Templates look up ever new objects.
    #[error("the chart still looks up new objects after {rounds} renderings")]
    Lookups {
        /// How often it was rendered.
        rounds: u32,
    },
    /// The cluster tells a version that is none.
    #[error("the cluster's version cannot be read")]
    Version {
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The release's name cannot be one.
    #[error("release name `{name}` is invalid: {fault}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A user's label would hide one of the record's own.
    #[error("label `{label}` is reserved for the release's record")]
    ReservedLabel {
        /// The label.
        label: String,
    },
    /// A manifest does not hold objects.
    #[error("unable to build kubernetes objects from {of}")]
    Manifest {
        /// Which manifest: `release manifest`.
        of: &'static str,
        /// What is wrong with it.
        #[source]
        source: ManifestError,
    },
    /// The API does not serve a kind that the manifest holds. In Helm's words.
    #[error(
        "unable to build kubernetes objects from {of}: resource mapping not found for name: {name:?} namespace: {namespace:?} from \"\""
    )]
    UnknownKind {
        /// Which manifest.
        of: &'static str,
        /// The object's name.
        name: String,
        /// The object's namespace, if the manifest says one.
        namespace: String,
        /// Which kind.
        #[source]
        source: Box<ApiError>,
    },
    /// An object that is not the release's has the name of one that would be. In Helm's words.
    #[error("unable to continue with {operation}: {kind} {name:?} in namespace {namespace:?} exists and cannot be imported into the current release: {fault}", kind = object.kind, name = object.name, namespace = object.namespace.as_deref().unwrap_or_default())]
    ForeignObject {
        /// `install` or `update`.
        operation: &'static str,
        /// The object.
        object: Box<ObjectRef>,
        /// What its marks say.
        fault: String,
    },
    /// No patch could be made from what an object was to what it shall be.
    #[error("{object}: cannot be patched")]
    Patch {
        /// The object.
        object: ObjectRef,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is a release of that name. In Helm's words.
    #[error("cannot reuse a name that is still in use")]
    NameInUse {
        /// The name.
        name: String,
        /// The revision that is there.
        revision: u32,
        /// Its status.
        status: Status,
    },
    /// There is no such release.
    #[error("release `{name}` in namespace `{namespace}`: not found")]
    NotFound {
        /// The namespace looked into.
        namespace: String,
        /// The name.
        name: String,
    },
    /// The release has no such revision.
    #[error("release `{name}` has no revision {revision}")]
    NoRevision {
        /// The name.
        name: String,
        /// The revision.
        revision: u32,
    },
    /// The release is not as it was when the operation was planned.
    #[error("release `{name}` has changed since this was planned: its last revision is {}, not {}", revision(*.found), revision(*.planned))]
    Moved {
        /// The name.
        name: String,
        /// The last revision that was planned against; `None` if there was none.
        planned: Option<u32>,
        /// The last revision there is; `None` if there is none.
        found: Option<u32>,
    },
    /// There is nothing to upgrade. In Helm's words.
    #[error("{name:?} has no deployed releases")]
    NothingDeployed {
        /// The name.
        name: String,
    },
    /// It was uninstalled before, its history kept. In Helm's words.
    #[error("the release named {name:?} is already deleted")]
    AlreadyUninstalled {
        /// The name.
        name: String,
    },
    /// Another tool began an operation and did not end it (yet). Begins with Helm's words.
    #[error(
        "another operation (install/upgrade/rollback) is in progress: release `{name}` revision {revision} is {status}"
    )]
    Pending {
        /// The name.
        name: String,
        /// The revision.
        revision: u32,
        /// What it waits for.
        status: Status,
    },
    /// Another operation of the same program is at work.
    #[error("another operation of this program works on release `{name}`")]
    AtWork {
        /// The name.
        name: String,
    },
    /// Another operation of ours is at work.
    #[error("release `{name}` revision {revision} is {status}: {} works on it, renewed {}", lease.holder, lease.renewed)]
    Busy {
        /// The name.
        name: String,
        /// The revision.
        revision: u32,
        /// What it waits for.
        status: Status,
        /// Who, and since when.
        lease: Box<Lease>,
    },
    /// Somebody else took the release over while this operation worked on it.
    #[error("lost the lease on release `{name}` revision {revision}: its record was changed by somebody else")]
    LeaseLost {
        /// The name.
        name: String,
        /// The revision.
        revision: u32,
        /// How that was noticed.
        #[source]
        source: Box<ApiError>,
    },
    /// The time limit came first.
    #[error("not ready after {}: {}", human(*.timeout), list(.objects))]
    NotReady {
        /// The limit.
        timeout: SignedDuration,
        /// Each object that is not ready, and why.
        objects: Vec<Unready>,
    },
    /// Objects will not become ready by waiting.
    #[error("failed: {}", list(.objects))]
    Failed {
        /// Each object that failed, and why.
        objects: Vec<Unready>,
    },
    /// Objects were still there when the time limit came.
    #[error("still there after {}: {}", human(*.timeout), list(.objects))]
    NotGone {
        /// The limit.
        timeout: SignedDuration,
        /// Each object that is still there, and why.
        objects: Vec<Unready>,
    },
    /// A hook did not end well.
    #[error("{event} hook {object} failed")]
    Hook {
        /// Its moment.
        event: HookEvent,
        /// Its object.
        object: Box<ObjectRef>,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// Objects could not be written or deleted; the others were.
    #[error("{}", joined(.0))]
    Several(Vec<Error>),
    /// The operation failed, and what it had done was taken back as asked.
    #[error("release `{name}` failed, and has been {}", if *.uninstalled { "uninstalled" } else { "rolled back" })]
    TakenBack {
        /// The name.
        name: String,
        /// Uninstalled (an install), not rolled back (an upgrade).
        uninstalled: bool,
        /// Why it failed.
        #[source]
        source: Box<Error>,
    },
    /// The operation failed, and so did taking back what it had done.
    #[error("release `{name}` failed ({failure}), and could not be taken back")]
    NotTakenBack {
        /// The name.
        name: String,
        /// Why it failed.
        failure: Box<Error>,
        /// Why it could not be taken back.
        #[source]
        source: Box<Error>,
    },
}

/// An object that is not as it was waited for, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unready {
    /// Which.
    pub object: ObjectRef,
    /// In one sentence, why not.
    pub reason: String,
}

impl Error {
    /// What the user can do about it, if that can be told.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKind { .. } => Some("ensure CRDs are installed first".to_owned()),
            Self::Pending { .. } => Some(
                "if no other tool works on this release, take it over with --recover, or roll it back with Helm"
                    .to_owned(),
            ),
            Self::Busy { lease, .. } => {
                Some(format!("wait for it; if it stopped, the release can be taken over after {}", lease.lapses()))
            }
            Self::ForeignObject { .. } => {
                Some("delete or rename the object, or adopt it with --take-ownership".to_owned())
            }
            Self::Api(ApiError::Conflict { conflicts, .. }) if !conflicts.is_empty() => {
                Some("let the other manager give the field up, or take it with --force-conflicts".to_owned())
            }
            Self::Api(ApiError::Refused { code: 413 | 422, target, answer }) if is_record(target, &answer.message) => {
                Some("a release's record may have 1 MiB: take large files out of the chart".to_owned())
            }
            Self::Hook { source, .. } | Self::TakenBack { source, .. } => source.hint(),
            _ => None,
        }
    }
}

fn is_record(target: &crate::cluster::Target, message: &str) -> bool {
    target.kind == "Secret" && target.name.starts_with("sh.helm.release.v1.") && message.contains("Too long")
}

fn revision(number: Option<u32>) -> String {
    number.map_or_else(|| "none".to_owned(), |number| number.to_string())
}

fn list(objects: &[Unready]) -> String {
    let each: Vec<String> = objects.iter().map(|unready| format!("{} ({})", unready.object, unready.reason)).collect();
    each.join("; ")
}

fn joined(errors: &[Error]) -> String {
    use std::error::Error as _;
    let each: Vec<String> = errors
        .iter()
        .map(|error| {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                text.push_str(": ");
                text.push_str(&error.to_string());
                cause = error.source();
            }
            text
        })
        .collect();
    each.join("; ")
}

/// A duration as Go prints whole seconds: `5m0s`.
fn human(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_in_go() {
        let text = |seconds| human(SignedDuration::from_secs(seconds));
        assert_eq!([text(9), text(300), text(3661)], ["9s", "5m0s", "1h1m1s"]);
    }

    #[test]
    fn a_time_limit_names_each_object_and_its_reason() {
        let unready = |kind, name, reason: &str| Unready {
            object: ObjectRef::new("apps/v1", kind, Some("ray"), name),
            reason: reason.into(),
        };
        let error = Error::NotReady {
            timeout: SignedDuration::from_secs(300),
            objects: vec![
                unready("Deployment", "a", "0 of 1 replicas ready"),
                unready("DaemonSet", "b", "0/5 nodes are available"),
            ],
        };
        assert_eq!(
            error.to_string(),
            "not ready after 5m0s: Deployment ray/a (0 of 1 replicas ready); DaemonSet ray/b (0/5 nodes are available)"
        );
    }
}
