//! Helm releases: install, upgrade, roll back, uninstall, history, waiting, drift; recorded as Helm records them.
//!
//! ```text
//! InstallRequest ─▶ Content ─▶ objects ─▶ pending record ─▶ CRDs, hooks, objects ─▶ wait ─▶ deployed record
//!                                               │ lease, renewed while it works
//!                                               ▼
//!                                a later operation: finishes it, or is refused saying who works
//! ```
//!
//! Start with [`Releases`]. It talks to one Kubernetes API through a [`Cluster`] and knows time only by the [`World`]
//! handed in. What an operation decides, plain functions decide: [`plan_release`](plan::plan_release),
//! [`lease::claim`], [`drift::drift`]; what happens is told as [`Event`]s.
//!
//! Releases are stored in Helm's own format and objects written in Helm's own way, so that Helm and this crate can each
//! list, upgrade, roll back and remove what the other installed. What Helm does not have (leases, the inputs' digest) is
//! kept in annotations of the record's Secret, which Helm leaves alone.
//!
//! No runtime is built here and no clock is read but the world's. Values of a release and contents of Secrets are in no
//! log, error or `Debug` form.

mod cluster;
mod error;
mod event;
pub mod lease;
mod object;
pub mod record;
mod request;
pub mod world;

mod apply;
pub mod drift;
pub mod foreign;
mod history;
mod hooks;
mod install;
mod operation;
pub mod plan;
mod render;
mod replace;
mod rollback;
mod store;
mod test;
mod uninstall;
mod upgrade;
mod waiting;

pub use cluster::{
    Answer, ApiError, ApplyOptions, Cluster, FieldConflict, Mapper, Mapping, Propagation, Select, Target, Verb,
};
pub use error::{Error, Unready};
pub use event::{Change, Event, Events};
pub use object::{
    MANAGED_BY, ManifestError, ObjectRef, RELEASE_NAME, RELEASE_NAMESPACE, foreign_owner, parse_manifest,
};
pub use record::{Release, Status};
pub use request::{
    ApplyChoice, Base, Content, DEFAULT_HISTORY_MAX, DEFAULT_TIMEOUT, FromChart, IfMissing, InstallRequest, Options,
    RollbackRequest, Source, TestRequest, UninstallRequest, UpgradeRequest, ValuesFrom, WaitFor,
};
pub use uninstall::Uninstalled;
pub use world::{Holder, RealWorld, WaitError, Watched, Woken, World};

use std::collections::BTreeSet;
use std::sync::Mutex;

/// The name under which Helm writes objects, and this crate with it: with another one, each tool would find the other's
/// fields in conflict with its own.
pub const FIELD_MANAGER: &str = "helm";

/// The releases of one cluster.
///
/// Operations on different releases may run at the same time; two on the same release may not, here or elsewhere: the
/// second is refused.
pub struct Releases {
    cluster: Cluster,
    holder: Holder,
    /// Namespace and name of each release that an operation of this value works on.
    at_work: Mutex<BTreeSet<(String, String)>>,
}

impl Releases {
    /// The releases of `cluster`. `holder` is who works, for leases: two values that work at the same time must differ
    /// in it ([`RealWorld::holder`] names the process).
    pub fn new(cluster: Cluster, holder: Holder) -> Self {
        Self { cluster, holder, at_work: Mutex::default() }
    }

    /// Renders what a release would be made of, against this cluster: its version and kinds, and its objects where
    /// templates look them up. With the same seed and time, an install renders the same.
    ///
    /// # Errors
    /// [`Error::Render`] if the chart does not render with these values.
    pub async fn render(&self, source: &Source, release: sutler_chart::ReleaseInfo) -> Result<Content, Error> {
        render::content(&self.cluster, source, release, None).await
    }

    /// The API that the releases are in.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }
}

impl std::fmt::Debug for Releases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Releases").field("cluster", &self.cluster).field("holder", &self.holder).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Never called: it compiles only if operations can run on a runtime with several threads.
    #[expect(dead_code, reason = "only its types count")]
    fn operations_are_send<'a>(
        releases: &'a Releases,
        requests: (&'a InstallRequest, &'a UpgradeRequest, &'a UninstallRequest, &'a RollbackRequest, &'a Release),
        mut events: impl FnMut() -> Events<'a>,
    ) {
        fn is_send<T: Send>(_: T) {}
        let (install, upgrade, uninstall, rollback, release) = requests;
        is_send(releases.install(install, events()));
        is_send(releases.upgrade(upgrade, events()));
        is_send(releases.uninstall(uninstall, events()));
        is_send(releases.rollback(rollback, events()));
        is_send(releases.drift(release));
        is_send(releases.list(None));
    }
}
