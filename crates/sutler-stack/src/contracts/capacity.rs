//! Two autoscalers in one cluster, and volumes in zones where no node can be.

use serde_json::Value;
use sutler_nodes::autoscaler::Flags;
use sutler_objects::object::{kind, list, name, text};

use super::{Live, ReleaseFacts};
use crate::file::diagnostic::Diagnostic;
use crate::stack::{Stack, Target};

/// The release that runs the cluster autoscaler, if one does.
pub fn cluster_autoscaler(releases: &[ReleaseFacts]) -> Option<&ReleaseFacts> {
    let runs = |object: &Value| kind(object) == "Deployment" && Flags::of_deployment(object).is_some();
    releases.iter().find(|release| release.objects.iter().any(runs))
}

/// Karpenter, or EKS Auto Mode, beside the cluster autoscaler: each takes away what the other adds.
pub(super) fn two_autoscalers(stack: &Stack, releases: &[ReleaseFacts], live: &Live) -> Vec<Diagnostic> {
    let Some(autoscaler) = cluster_autoscaler(releases) else { return Vec::new() };
    let what = |object: &Value| match (kind(object), text(object, &["apiVersion"]).split('/').next()) {
        ("NodePool" | "NodeClass", _) if is_auto_mode(object) => Some("EKS Auto Mode"),
        ("NodePool" | "EC2NodeClass" | "Provisioner", Some("karpenter.sh" | "karpenter.k8s.aws")) => Some("Karpenter"),
        ("Deployment", _) if is_karpenter(object) => Some("Karpenter"),
        _ => None,
    };
    let other = releases.iter().find_map(|release| Some((release, release.objects.iter().find_map(what)?)));
    let hint = "keep one of them: the cluster autoscaler takes care of pools, Karpenter and Auto Mode bring their own";
    if let Some((release, what)) = other {
        let message = format!(
            "release `{}` brings {what} beside the cluster autoscaler of release `{}`",
            release.id, autoscaler.id
        );
        return vec![Diagnostic::error(stack.file.key_place(&["releases", &release.id]), message).hint(hint)];
    }
    let there = live.node_pools.iter().find_map(|pool| Some((name(pool), what(pool)?)));
    there
        .map(|(pool, what)| {
            let message = format!("{what} adds nodes in this cluster already (NodePool {pool}), beside the cluster autoscaler of release `{}`", autoscaler.id);
            Diagnostic::error(stack.file.key_place(&["releases", &autoscaler.id]), message).hint(hint)
        })
        .into_iter()
        .collect()
}

fn is_auto_mode(object: &Value) -> bool {
    text(object, &["apiVersion"]).starts_with("eks.amazonaws.com/")
        || text(object, &["spec", "template", "spec", "nodeClassRef", "group"]) == "eks.amazonaws.com"
}

fn is_karpenter(deployment: &Value) -> bool {
    let containers = list(deployment, &["spec", "template", "spec", "containers"]);
    containers.iter().any(|container| text(container, &["image"]).contains("karpenter/controller"))
}

/// Volumes, storage classes and pods that are bound to a zone where the stack's nodes are not.
pub(super) fn zones(stack: &Stack, releases: &[ReleaseFacts], live: &Live) -> Vec<Diagnostic> {
    // Nodes that exist are wherever they are; where nobody looked, nothing is said.
    if matches!(stack.target, Target::Context(_)) && live.zones.is_empty() {
        return Vec::new();
    }
    let has_nodes = |zone: &str| match live.zones.is_empty() {
        false => live.zones.contains(zone),
        true => zone
            .strip_prefix(stack.region.as_str())
            .is_some_and(|letter| matches!(letter, "a" | "b" | "c" | "d" | "e" | "f")),
    };
    let mut found = Vec::new();
    for release in releases {
        for object in &release.objects {
            for zone in bound_to(object).into_iter().filter(|zone| !has_nodes(zone)) {
                let (place, note) = super::network::said(stack, release, "zone");
                let message = format!(
                    "{} `{}` of release `{}` is in zone {zone}, where no node is",
                    kind(object),
                    name(object),
                    release.id
                );
                let mut problem = Diagnostic::error(place, message);
                problem.notes.extend(note.filter(|note| !note.contains("defaults")));
                let nodes = match live.zones.is_empty() {
                    true => format!("nodes are in {0}a, {0}b and so on", stack.region),
                    false => format!("nodes are in {}", live.zones.iter().cloned().collect::<Vec<_>>().join(", ")),
                };
                found.push(problem.hint(format!("{nodes}: a pod that uses it would wait for ever")));
            }
        }
    }
    found
}

/// The zones that an object is bound to.
fn bound_to(object: &Value) -> Vec<String> {
    let expressions: Vec<&Value> = match kind(object) {
        "PersistentVolume" => {
            let terms = list(object, &["spec", "nodeAffinity", "required", "nodeSelectorTerms"]);
            terms.iter().flat_map(|term| list(term, &["matchExpressions"])).collect()
        }
        "StorageClass" => {
            let topologies = list(object, &["allowedTopologies"]);
            topologies.iter().flat_map(|term| list(term, &["matchLabelExpressions"])).collect()
        }
        _ => return Vec::new(),
    };
    let of_zone = expressions.into_iter().filter(|one| text(one, &["key"]).ends_with("/zone"));
    let zones: Vec<String> =
        of_zone.flat_map(|one| list(one, &["values"])).filter_map(Value::as_str).map(str::to_owned).collect();
    zones
}
