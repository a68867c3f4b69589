//! Node pools out of nodes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sutler_nodes::instances::lookup;
use sutler_nodes::pool::Effect;
use sutler_nodes::scheduler::{PodFacts, tolerate};
use sutler_objects::object::{labels, list, name, text};

use super::Taken;

/// Labels that say to which pool a node belongs, and who calls it so.
const POOL_LABELS: [&str; 8] = [
    "eks.amazonaws.com/nodegroup",
    "karpenter.sh/nodepool",
    "alpha.eksctl.io/nodegroup-name",
    "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool",
    "doks.digitalocean.com/node-pool",
    "kops.k8s.io/instancegroup",
    "node.kubernetes.io/pool",
];

/// Ends of the domains of labels and taints that clouds, kubelets and controllers put on nodes by themselves.
const OF_OTHERS: [&str; 12] = [
    "kubernetes.io",
    "k8s.io",
    "amazonaws.com",
    "aws.com",
    "sutler.dev",
    "k8s.aws",
    "karpenter.sh",
    "eksctl.io",
    "cloud.google.com",
    "azure.com",
    "digitalocean.com",
    "cilium.io",
];

/// A pool as stack.yaml has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct WrittenPool {
    /// Its name.
    pub(super) name: String,
    /// The label and value that its nodes carry.
    pub(super) selector: (String, String),
    /// EC2 instance types.
    pub(super) instance_types: BTreeSet<String>,
    /// How many nodes there are.
    pub(super) nodes: usize,
    /// Whether they are spot instances.
    pub(super) spot: bool,
    /// Labels that all of them carry.
    pub(super) labels: BTreeMap<String, String>,
    /// Taints that all of them carry: key to `value:Effect`.
    pub(super) taints: BTreeMap<String, String>,
}

/// The pools that nodes make, and a sentence for whatever is none.
pub(super) fn pools(nodes: &[Value], taken: &[Taken<'_>]) -> (Vec<WrittenPool>, Vec<String>) {
    let mut groups: BTreeMap<(String, String), Vec<&Value>> = BTreeMap::new();
    let mut alone: Vec<&str> = Vec::new();
    for node in nodes {
        let found = POOL_LABELS.iter().find_map(|label| Some((*label, labels(node)?.get(*label)?.as_str()?)));
        match found {
            Some((label, value)) => groups.entry((label.to_owned(), value.to_owned())).or_default().push(node),
            None => alone.push(name(node)),
        }
    }
    let (mut pools, mut left): (Vec<WrittenPool>, Vec<String>) = Default::default();
    for (selector, nodes) in groups {
        let spoken = format!("{}={}", selector.0, selector.1);
        let pool = pool(selector, &nodes, &pools);
        let unknown: Vec<&str> =
            pool.instance_types.iter().map(String::as_str).filter(|instance| lookup(instance).is_err()).collect();
        match () {
            () if pool.instance_types.is_empty() => {
                left.push(format!("The nodes with {spoken} do not say of which instance type they are."));
            }
            () if !unknown.is_empty() => left.push(format!(
                "The nodes with {spoken} are {}, which Sutler does not know as an instance type of EC2.",
                unknown.join(", ")
            )),
            () if !is_tolerated(&pool, taken) => {
                left.push(format!("The nodes with {spoken} have taints that no pod of this file's releases tolerates."))
            }
            () => pools.push(pool),
        }
    }
    if !alone.is_empty() {
        let (few, more) = (alone.iter().take(5).copied().collect::<Vec<_>>().join(", "), alone.len().saturating_sub(5));
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        left.push(format!("The nodes {few}{more} belong to no node pool that a label names."));
    }
    (pools, left)
}

fn pool(selector: (String, String), nodes: &[&Value], others: &[WrittenPool]) -> WrittenPool {
    let label = |node: &Value, key: &str| text(node, &["metadata", "labels", key]).to_owned();
    let instance_types = nodes.iter().map(|node| label(node, "node.kubernetes.io/instance-type"));
    let is_spot = |node: &Value| {
        label(node, "eks.amazonaws.com/capacityType") == "SPOT" || label(node, "karpenter.sh/capacity-type") == "spot"
    };
    let own_labels = |node: &Value| -> BTreeMap<String, String> {
        let all = labels(node).into_iter().flatten();
        all.filter(|(key, _)| is_own(key))
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect()
    };
    let own_taints = |node: &Value| -> BTreeMap<String, String> {
        let all = list(node, &["spec", "taints"]).iter();
        all.map(|taint| (text(taint, &["key"]), text(taint, &["value"]), text(taint, &["effect"])))
            .filter(|(key, ..)| is_own(key) && !key.contains("ClusterAutoscaler"))
            .map(|(key, value, effect)| (key.to_owned(), [value, effect].join(if value.is_empty() { "" } else { ":" })))
            .collect()
    };
    WrittenPool {
        name: pool_name(&selector.1, others),
        instance_types: instance_types.filter(|name| !name.is_empty()).collect(),
        nodes: nodes.len(),
        spot: nodes.iter().all(|node| is_spot(node)),
        labels: common(nodes.iter().map(|node| own_labels(node))),
        taints: common(nodes.iter().map(|node| own_taints(node))),
        selector,
    }
}

/// Entries that all the maps have.
fn common(maps: impl Iterator<Item = BTreeMap<String, String>>) -> BTreeMap<String, String> {
    maps.reduce(|mut all, one| {
        all.retain(|key, value| one.get(key) == Some(value));
        all
    })
    .unwrap_or_default()
}

/// Whether a label or taint was put there by a person: its domain is nobody's of the known ones, or it has none.
fn is_own(key: &str) -> bool {
    match key.split_once('/') {
        None => true,
        Some((domain, _)) => OF_OTHERS
            .iter()
            .all(|other| domain != *other && !domain.strip_suffix(other).is_some_and(|before| before.ends_with('.'))),
    }
}

/// A name that stack.yaml takes, as near to the real one as may be.
fn pool_name(real: &str, others: &[WrittenPool]) -> String {
    let plain: String = real
        .chars()
        .map(|found| if found.is_ascii_alphanumeric() { found.to_ascii_lowercase() } else { '-' })
        .take(58)
        .collect();
    let plain = match plain.trim_matches('-') {
        "" => "pool",
        name => name,
    };
    let free = |name: &String| others.iter().all(|pool| pool.name != *name);
    let numbered = (2_u32..).map(|count| format!("{plain}-{count}"));
    [plain.to_owned()].into_iter().chain(numbered).find(free).unwrap_or_default()
}

fn is_tolerated(pool: &WrittenPool, taken: &[Taken<'_>]) -> bool {
    let parsed = |(key, text): (&String, &String)| sutler_nodes::Taint::parse(key, text).ok();
    let taints: Vec<_> =
        pool.taints.iter().filter_map(parsed).filter(|taint| taint.effect != Effect::PreferNoSchedule).collect();
    taints.is_empty()
        || taken.iter().flat_map(|taken| &taken.pods).filter(|pod| pod.kind != "DaemonSet").any(|template| {
            let facts = PodFacts::of(&template.pod);
            taints.iter().all(|taint| tolerate(&facts.tolerations, &taint.key, &taint.value, taint.effect))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(name: &str, labels: Value, taints: Value) -> Value {
        json!({"kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": {"taints": taints}})
    }

    #[test]
    fn nodes_of_one_group_are_one_pool_with_what_they_have_in_common() {
        let labels = |instance: &str, own: &str| {
            json!({"eks.amazonaws.com/nodegroup": "Core_A", "node.kubernetes.io/instance-type": instance,
                   "eks.amazonaws.com/capacityType": "SPOT", "team": "data", "own": own, "topology.kubernetes.io/zone": "a"})
        };
        let nodes = [node("a", labels("m6i.large", "1"), json!([])), node("b", labels("m6a.large", "2"), json!([]))];
        let (pools, left) = pools(&nodes, &[]);
        assert_eq!(left, Vec::<String>::new());
        let [pool] = pools.as_slice() else { panic!("{pools:?}") };
        assert_eq!((pool.name.as_str(), pool.nodes, pool.spot), ("core-a", 2, true));
        assert_eq!(pool.instance_types.iter().cloned().collect::<Vec<_>>(), ["m6a.large", "m6i.large"]);
        assert_eq!(pool.labels, BTreeMap::from([("team".to_owned(), "data".to_owned())]));
    }

    #[test]
    fn what_is_no_pool_of_ec2_or_tolerated_by_nobody_is_said() {
        let nodes = [
            node("a", json!({}), json!([])),
            node(
                "b",
                json!({"cloud.google.com/gke-nodepool": "g", "node.kubernetes.io/instance-type": "e2-medium"}),
                json!([]),
            ),
            node(
                "c",
                json!({"karpenter.sh/nodepool": "k", "node.kubernetes.io/instance-type": "m6i.large"}),
                json!([{"key": "dedicated", "value": "x", "effect": "NoSchedule"},
                       {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]),
            ),
        ];
        let (pools, left) = pools(&nodes, &[]);
        assert_eq!(pools, []);
        assert_eq!(
            left,
            [
                "The nodes with cloud.google.com/gke-nodepool=g are e2-medium, which Sutler does not know as an instance type of EC2.",
                "The nodes with karpenter.sh/nodepool=k have taints that no pod of this file's releases tolerates.",
                "The nodes a belong to no node pool that a label names.",
            ]
        );
    }
}
