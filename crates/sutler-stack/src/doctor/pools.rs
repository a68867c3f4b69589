//! Pools as the doctor sees them: what the stack or the simulator says of each, the nodes that it has, and what the autoscaler wrote
//! about it.

use std::collections::BTreeMap;

use serde_json::Value;
use sutler_nodes::Pool;
use sutler_nodes::pool::POOL_LABEL;
use sutler_objects::object::{at, integer, labels, list, text};

use super::Seen;

/// The labels by which clouds and tools name the group of a node.
const GROUP_LABELS: [&str; 5] = [
    POOL_LABEL,
    "eks.amazonaws.com/nodegroup",
    "karpenter.sh/nodepool",
    "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool",
];

/// A group of equal nodes.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// Its name.
    pub name: String,
    /// What its nodes are, where the stack or the simulator says it.
    pub pool: Option<&'a Pool>,
    /// The nodes it has.
    pub nodes: Vec<&'a Value>,
    /// The most it may have, where that is known.
    pub max: Option<u32>,
    /// Why the autoscaler does not try it again yet, in the autoscaler's words.
    pub backoff: Option<String>,
    /// Whether there is a group in each zone, so that the autoscaler can choose the zone.
    pub per_zone: bool,
}

/// The group that a node names, empty if none.
pub fn group_of(node: &Value) -> &str {
    let label = |key: &&str| labels(node).and_then(|labels| labels.get(*key)).and_then(Value::as_str);
    GROUP_LABELS.iter().find_map(label).unwrap_or_default()
}

/// All groups: those that are described, then those that only nodes name.
pub fn groups<'a>(seen: &Seen<'a>) -> Vec<Group<'a>> {
    let mut by_name: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for node in seen.tables.list("Node") {
        by_name.entry(group_of(node)).or_default().push(node);
    }
    let written = status(seen);
    let mut groups = Vec::new();
    for pool in described(seen) {
        let nodes = by_name.remove(pool.name.as_str()).unwrap_or_default();
        let status = written.iter().find(|status| status.is_of(&pool.name));
        let zones = seen.stack.and_then(|stack| stack.file.file.cluster.pools.get(&pool.name));
        groups.push(Group {
            name: pool.name.clone(),
            pool: Some(pool),
            nodes,
            max: Some(status.and_then(|status| status.max).unwrap_or(pool.max)),
            backoff: status.and_then(|status| status.backoff.clone()),
            per_zone: zones.is_some_and(|zones| zones.group_per_zone),
        });
    }
    for (name, nodes) in by_name {
        let status = written.iter().find(|status| !name.is_empty() && status.is_of(name));
        groups.push(Group {
            name: name.to_owned(),
            pool: None,
            nodes,
            max: status.and_then(|status| status.max),
            backoff: status.and_then(|status| status.backoff.clone()),
            per_zone: false,
        });
    }
    groups
}

/// The pools that are described: the simulator's as it stands, else the stack's, without those that existing nodes stand for.
fn described<'a>(seen: &Seen<'a>) -> Vec<&'a Pool> {
    if let Some(model) = seen.model {
        return model.pools.iter().collect();
    }
    let of_stack = seen.stack.into_iter().flat_map(|stack| stack.pools.values());
    of_stack.map(|entry| &entry.pool).filter(|pool| pool.node_selector.is_none()).collect()
}

/// What the autoscaler wrote about one of its groups.
struct Status {
    group: String,
    max: Option<u32>,
    backoff: Option<String>,
}

impl Status {
    /// EKS names the group of a managed node group `eks-NAME-UUID`.
    fn is_of(&self, pool: &str) -> bool {
        const DASH_AND_UUID: usize = 37;
        let of_eks = self.group.strip_prefix("eks-").and_then(|rest| rest.strip_prefix(pool));
        self.group == pool || of_eks.is_some_and(|rest| rest.is_empty() || rest.len() == DASH_AND_UUID)
    }
}

/// The ConfigMap `cluster-autoscaler-status`, YAML since cluster-autoscaler 1.30.
fn status(seen: &Seen<'_>) -> Vec<Status> {
    let written = seen.tables.list("ConfigMap").iter().find_map(|map| at(map, &["data", "status"])?.as_str());
    let read = written.and_then(|text| sutler_yaml::read(text).ok()).and_then(|node| sutler_yaml::to_json(&node).ok());
    let Some(read) = read else { return Vec::new() };
    let status = |group: &Value| {
        let backoff =
            at(group, &["scaleUp", "backoffInfo"]).filter(|_| text(group, &["scaleUp", "status"]) == "Backoff");
        Status {
            group: text(group, &["name"]).to_owned(),
            max: integer(group, &["health", "maxSize"]).and_then(|max| u32::try_from(max).ok()),
            backoff: backoff.map(|info| {
                let words = [text(info, &["errorCode"]), text(info, &["errorMessage"])];
                words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(": ")
            }),
        }
    };
    list(&read, &["nodeGroups"]).iter().map(status).collect()
}
