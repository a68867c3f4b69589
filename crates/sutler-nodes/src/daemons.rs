//! DaemonSets: those that EKS runs on every node, and what pod a DaemonSet puts on a node.

use serde_json::{Value, json};
use sutler_objects::object::{at, list, map_mut};

use crate::pool::Effect;
use crate::scheduler::{NodeFacts, PodFacts, tolerate};

/// The DaemonSets that EKS puts into `kube-system` of every cluster with its default add-ons and the EBS CSI driver: requests as
/// of the add-ons for Kubernetes 1.34, 2026-07 (`aws-node` 50m, `kube-proxy` 100m, `ebs-csi-node` 30m and 120 MiB). Volumes and
/// flags are left out.
#[must_use]
pub fn eks_daemon_sets() -> Vec<Value> {
    let container = |name: &str, image: &str, cpu: &str, memory: Option<&str>| {
        let mut requests = json!({"cpu": cpu});
        if let Some(memory) = memory {
            requests["memory"] = json!(memory);
        }
        json!({"name": name, "image": image, "resources": {"requests": requests}})
    };
    let ebs = |name: &str, image: &str| container(name, image, "10m", Some("40Mi"));
    let mut aws_node = daemon_set(
        "aws-node",
        "k8s-app",
        "aws-node",
        vec![
            container("aws-node", "amazon-k8s-cni:v1.20.4", "25m", None),
            container("aws-eks-nodeagent", "amazon/aws-network-policy-agent:v1.2.6", "25m", None),
        ],
    );
    aws_node["spec"]["template"]["spec"]["initContainers"] =
        json!([container("aws-vpc-cni-init", "amazon-k8s-cni-init:v1.20.4", "25m", None)]);
    vec![
        aws_node,
        daemon_set(
            "kube-proxy",
            "k8s-app",
            "kube-proxy",
            vec![container("kube-proxy", "eks/kube-proxy:v1.34.0-eksbuild.2", "100m", None)],
        ),
        daemon_set(
            "ebs-csi-node",
            "app",
            "ebs-csi-node",
            vec![
                ebs("ebs-plugin", "eks/aws-ebs-csi-driver:v1.51.0"),
                ebs("node-driver-registrar", "eks/csi-node-driver-registrar:v2.15.0"),
                ebs("liveness-probe", "eks/livenessprobe:v2.17.0"),
            ],
        ),
    ]
}

fn daemon_set(name: &str, label: &str, value: &str, containers: Vec<Value>) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "kube-system", "labels": {label: value}},
        "spec": {
            "selector": {"matchLabels": {label: value}},
            "template": {
                "metadata": {"labels": {label: value}},
                "spec": {
                    "containers": containers,
                    "hostNetwork": true,
                    "priorityClassName": "system-node-critical",
                    "tolerations": [{"operator": "Exists"}],
                },
            },
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
        },
    })
}

/// The pod that a DaemonSet puts on the node of this name: its template, bound by node affinity, with the tolerations that the
/// DaemonSet controller adds. Name and owner are the caller's.
#[must_use]
pub fn daemon_pod(daemon_set: &Value, node: &str) -> Value {
    let template = at(daemon_set, &["spec", "template"]).unwrap_or(&Value::Null);
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": at(template, &["metadata"]).cloned().unwrap_or_else(|| json!({})),
        "spec": at(template, &["spec"]).cloned().unwrap_or_else(|| json!({})),
    });
    if let Some(namespace) = at(daemon_set, &["metadata", "namespace"]) {
        pod["metadata"]["namespace"] = namespace.clone();
    }
    // Replaces required node affinity: the controller has already checked what the template says.
    let affinity = map_mut(&mut pod, &["spec", "affinity", "nodeAffinity"]);
    let term = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]});
    affinity.insert("requiredDuringSchedulingIgnoredDuringExecution".into(), json!({"nodeSelectorTerms": [term]}));

    let host_network = at(&pod, &["spec", "hostNetwork"]).and_then(Value::as_bool).unwrap_or(false);
    let mut tolerations = list(&pod, &["spec", "tolerations"]).to_vec();
    for toleration in added_tolerations(host_network) {
        if !tolerations.contains(&toleration) {
            tolerations.push(toleration);
        }
    }
    pod["spec"]["tolerations"] = json!(tolerations);
    pod
}

/// `AddOrUpdateDaemonPodTolerations`.
fn added_tolerations(host_network: bool) -> Vec<Value> {
    let mut taints = vec![
        ("node.kubernetes.io/not-ready", "NoExecute"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
        ("node.kubernetes.io/disk-pressure", "NoSchedule"),
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
        ("node.kubernetes.io/pid-pressure", "NoSchedule"),
        ("node.kubernetes.io/unschedulable", "NoSchedule"),
    ];
    if host_network {
        taints.push(("node.kubernetes.io/network-unavailable", "NoSchedule"));
    }
    let toleration = |(key, effect): (&str, &str)| json!({"key": key, "operator": "Exists", "effect": effect});
    taints.into_iter().map(toleration).collect()
}

/// Whether a DaemonSet wants a pod on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Daemon {
    /// It makes one, and keeps it.
    Runs,
    /// It makes none, but leaves one that is there (`NoSchedule` taints do not evict).
    Stays,
    /// It makes none and removes one that is there.
    Leaves,
}

/// What a DaemonSet wants on a node, as `NodeShouldRunDaemonPod`: nodeSelector, node affinity and taints count, room does not.
#[must_use]
pub fn daemon_on_node(daemon_set: &Value, node: &Value) -> Daemon {
    let node = NodeFacts::of(node);
    // Affinity as the template has it; tolerations with those that the controller adds.
    let mut template = json!({"spec": at(daemon_set, &["spec", "template", "spec"]).cloned().unwrap_or_default()});
    template["spec"]["tolerations"] = daemon_pod(daemon_set, node.name())["spec"]["tolerations"].take();
    let pod = PodFacts::of(&template);
    if !pod.node_name().is_empty() && pod.node_name() != node.name() {
        return Daemon::Leaves;
    }
    if !pod.allows_node(node.labels(), node.name()) {
        return Daemon::Leaves;
    }
    let repels = |effect: Effect| {
        let of_effect = node.taints.iter().filter(move |taint| taint.effect == effect);
        let tolerations = &pod.tolerations;
        of_effect.filter(|taint| !tolerate(tolerations, &taint.key, &taint.value, taint.effect)).count() > 0
    };
    match (repels(Effect::NoExecute), repels(Effect::NoSchedule)) {
        (true, _) => Daemon::Leaves,
        (false, true) => Daemon::Stays,
        (false, false) => Daemon::Runs,
    }
}
