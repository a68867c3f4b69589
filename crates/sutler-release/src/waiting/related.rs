//! What stands around an object and tells why it is not ready: the pods and warnings of its namespace.

use std::collections::BTreeMap;

use serde_json::Value;
use sutler_objects::readiness::Around;

use crate::cluster::{Cluster, Mapping, Select};

/// Pods and events by namespace, read at most once a round. What may not be read is left out: reasons are a kindness.
#[derive(Default)]
pub(super) struct Related {
    namespaces: BTreeMap<String, Surroundings>,
}

struct Surroundings {
    pods: Vec<Value>,
    events: Vec<Value>,
}

impl Related {
    /// What is known of a namespace. Objects without one have nothing around them.
    pub(super) async fn around(&mut self, cluster: &Cluster, namespace: Option<&str>) -> Around<'_> {
        let Some(namespace) = namespace else { return Around::default() };
        if !self.namespaces.contains_key(namespace) {
            let pods = list(cluster, "Pod", "pods", namespace, Select::All).await;
            let events = list(cluster, "Event", "events", namespace, Select::Fields("type=Warning")).await;
            self.namespaces.insert(namespace.to_owned(), Surroundings { pods, events });
        }
        let known = &self.namespaces[namespace];
        Around { pods: &known.pods, events: &known.events }
    }
}

async fn list(cluster: &Cluster, kind: &str, plural: &str, namespace: &str, select: Select<'_>) -> Vec<Value> {
    let mapping =
        Mapping { api_version: "v1".to_owned(), kind: kind.to_owned(), plural: plural.to_owned(), namespaced: true };
    let items = cluster.list(&mapping, Some(namespace), select).await;
    items.inspect_err(|error| tracing::debug!(%error, "reasons may be missing")).unwrap_or_default()
}
