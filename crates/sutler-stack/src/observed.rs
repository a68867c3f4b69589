//! What was seen of the cluster before planning: plain data, so that planning needs no cluster.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;
use sutler_release::Release;
use sutler_release::drift::Drift;
use sutler_simulator::cluster::ClusterModel;

use crate::stack::ServiceAccount;

/// Namespace and name.
pub type Key = (String, String);

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The simulator's cluster, if it has one.
    pub cluster: Option<ClusterModel>,
    /// Namespaces.
    pub namespaces: BTreeSet<String>,
    /// Service accounts that the stack wants or once made.
    pub accounts: BTreeMap<ServiceAccount, Value>,
    /// All revisions of all releases, the oldest first.
    pub histories: BTreeMap<Key, Vec<Release>>,
    /// Where objects of this stack's releases differ from what was applied.
    pub drift: BTreeMap<Key, Vec<Drift>>,
    /// Secrets that the stack writes for its releases.
    pub secrets: BTreeMap<Key, Value>,
    /// Ray profiles by namespace.
    pub profiles: BTreeMap<String, Value>,
    /// The cluster's time.
    pub now: Timestamp,
}

impl Observed {
    /// The latest revision of each release that is installed.
    pub fn revisions(&self) -> BTreeMap<Key, u32> {
        let latest = self.histories.iter().filter_map(|(key, history)| {
            let last = history.last()?;
            (last.info.status != sutler_release::Status::Uninstalled).then(|| (key.clone(), last.version))
        });
        latest.collect()
    }

    /// The latest revisions of the releases that carry a stack's label.
    pub fn releases_of(&self, stack: &str) -> impl Iterator<Item = (&Key, &Release)> {
        self.histories.iter().filter_map(move |(key, history)| {
            let last = history.last()?;
            let is_there = last.info.status != sutler_release::Status::Uninstalled;
            let is_ours = last.labels.get(crate::names::STACK_LABEL).is_some_and(|label| label == stack);
            (is_there && is_ours).then_some((key, last))
        })
    }
}
