//! The Node object of a pool's machine, as it looks once EKS's kubelet has registered it.
//!
//! The simulator starts nodes from it, the autoscaler's decisions take it as the template of a node that is not there yet, and
//! [`mod@crate::fit`] measures pods by it: all three mean the same machine.

use serde_json::{Value, json};

use crate::capacity::node_capacity;
use crate::pool::{NodeIdentity, Pool};

/// The version of the kubelet in a node's status for a Kubernetes minor version: the patch release and build that EKS's AL2023
/// images of 2026-07 carry.
#[must_use]
pub fn kubelet_version(kubernetes_version: &str) -> String {
    let minor = kubernetes_version.trim_start_matches('v');
    let dots = minor.matches('.').count();
    if dots >= 2 { format!("v{minor}-eks") } else { format!("v{minor}.4-eks") }
}

/// What a node's object needs besides its pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeSpec<'a> {
    /// Name, type, region and zone.
    pub identity: NodeIdentity<'a>,
    /// GiB of its root volume.
    pub root_volume_gib: u32,
    /// `major.minor` of Kubernetes.
    pub kubernetes_version: &'a str,
}

/// A Node without conditions, addresses and times: labels, taints, resources.
#[must_use]
pub fn node_object(pool: &Pool, spec: NodeSpec<'_>) -> Value {
    let NodeSpec { identity, root_volume_gib, kubernetes_version } = spec;
    let resources = node_capacity(identity.instance, root_volume_gib);
    let taints: Vec<Value> = pool.taints().iter().map(crate::Taint::to_value).collect();
    let mut node = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": identity.name,
            "labels": pool.node_labels(identity),
            "annotations": {
                "node.alpha.kubernetes.io/ttl": "0",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
        },
        "spec": {},
        "status": {
            "capacity": resources.capacity.to_node_list(),
            "allocatable": resources.allocatable.to_node_list(),
            "nodeInfo": {
                "architecture": identity.instance.architecture.as_str(),
                "bootID": "",
                "containerRuntimeVersion": "containerd://2.1.5",
                "kernelVersion": "6.12.66-88.122.amzn2023",
                "kubeProxyVersion": "",
                "kubeletVersion": kubelet_version(kubernetes_version),
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "Amazon Linux 2023 (simulated)",
                "systemUUID": "",
            },
        },
    });
    if !taints.is_empty() {
        node["spec"]["taints"] = json!(taints);
    }
    node
}

/// How the names of nodes that are not there begin.
pub(crate) const TEMPLATE_PREFIX: &str = "template-node-for-";

/// A node of the pool that is not there: what the autoscaler takes a new one for. `number` tells templates apart.
#[must_use]
pub(crate) fn template_node(pool: &Pool, instance: &crate::instances::InstanceType, zone: &str, number: u32) -> Value {
    let region = zone.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let name = format!("{TEMPLATE_PREFIX}{}-{number}", pool.name);
    let identity = NodeIdentity { name: &name, instance, region, zone };
    let root_volume_gib = crate::capacity::DEFAULT_ROOT_VOLUME_GIB;
    node_object(pool, NodeSpec { identity, root_volume_gib, kubernetes_version: "" })
}
