//! The scheduler's verdict, by node and pool, and what to change where no node and no pool will do.

use serde_json::Value;
use sutler_access::doctor::State;
use sutler_nodes::scheduler::{NodeFacts, PodFacts, Reason, Rejection, Unschedulable, Verdict, schedule};
use sutler_objects::object::{labels, list, name, text};
use sutler_objects::selector::{Operator, Requirement};

use super::autoscaler::{self, Outlook};
use super::{Tree, Ward, controller, tally};
use crate::doctor::pools::group_of;
use crate::doctor::{Branch, Fix, amount};

/// A pod that no gate and no claim holds back.
pub(super) fn without_room<'a>(ward: &Ward<'a>, pod: &'a Value, facts: &PodFacts<'a>, says: Option<&str>) -> Tree {
    let verdict = schedule(facts, &ward.snapshot, 0);
    let why = match verdict {
        Verdict::Node(node) => return has_room(ward, pod, &node, says),
        Verdict::Unschedulable(why) => why,
    };
    let nodes = ward.snapshot.nodes().len();
    let text = match nodes {
        0 => "there is no node".to_owned(),
        1 => "the one node does not take it".to_owned(),
        _ => format!("none of {nodes} nodes takes it"),
    };
    let mut branch = Branch::new("scheduler", text);
    branch.evidence = by_pool(ward, facts, &why);
    if !ward.seen.tables.is_whole("Pod") {
        branch = branch.because("what other namespaces use of the nodes is not known: their pods may not be listed");
    }
    if is_of_daemon_set(pod) {
        // Its node is given: no other would do.
        let fix = Fix::new("make room on that node, or give the DaemonSet a priority class above the pods there");
        return Tree::failed(branch).fix(fix);
    }
    let Outlook { state, branches, fixes } = autoscaler::outlook(ward, pod, facts);
    Tree { state, branches: std::iter::once(branch).chain(branches).collect(), fixes }
}

/// A node would take it: the scheduler has not looked again, or knows more than is modelled.
fn has_room(ward: &Ward<'_>, pod: &Value, node: &str, says: Option<&str>) -> Tree {
    let branch = Branch::new("scheduler", format!("node {node} would take it"));
    match says {
        None => Tree {
            state: State::Warning,
            branches: vec![branch.because("the scheduler has said nothing of it yet")],
            fixes: vec![Fix::new("wait; if it lasts: kubectl get pods -n kube-system     (does the scheduler run?)")],
        },
        Some(says) => {
            let branch = branch.because(format!("it said: {says}"));
            let fix = Fix::new(match ward.seen.model {
                Some(_) => "sutler up     (simulated time passes, and the scheduler looks again)".to_owned(),
                None => format!(
                    "kubectl describe pod {} -n {}     (limits of volumes a node, device claims and extenders are not modelled here)",
                    name(pod),
                    text(pod, &["metadata", "namespace"])
                ),
            });
            Tree { state: State::Warning, branches: vec![branch], fixes: vec![fix] }
        }
    }
}

fn is_of_daemon_set(pod: &Value) -> bool {
    controller(pod).is_some_and(|(kind, ..)| kind == "DaemonSet")
}

/// Each pool's nodes and why they refuse.
fn by_pool(ward: &Ward<'_>, facts: &PodFacts<'_>, why: &Unschedulable) -> Vec<String> {
    let refusals = why.rejections.iter().filter(|(_, rejection)| !rejection.reasons.contains(&Reason::NotNamed));
    let mut refused: Vec<(&NodeFacts<'_>, &Rejection)> =
        refusals.filter_map(|(node, rejection)| Some((ward.snapshot.node(node)?, rejection))).collect();
    refused.sort_by_key(|(node, _)| (group_of(node.object), node.name()));
    tally(refused.iter().map(|(node, rejection)| {
        let pool = group_of(node.object);
        // Of what is short, the node with the most of it stands for its pool.
        let like: Vec<&Rejection> = refused
            .iter()
            .filter(|(other, rejected)| group_of(other.object) == pool && short(rejected) == short(rejection))
            .map(|(_, rejection)| *rejection)
            .collect();
        let texts: Vec<String> =
            rejection.reasons.iter().map(|reason| phrase(facts, labels_of(node.object), reason, &like)).collect();
        (pool.to_owned(), texts.join("; "))
    }))
}

fn labels_of(node: &Value) -> impl Fn(&str) -> Option<String> + '_ {
    |key| labels(node).and_then(|labels| labels.get(key)).and_then(Value::as_str).map(str::to_owned)
}

/// The resources of which a node has too little, and whether an empty one would have enough.
fn short(rejection: &Rejection) -> Vec<(&str, bool)> {
    let short = |reason| match reason {
        &Reason::Insufficient { ref resource, requested, allocatable, .. } => {
            Some((resource.as_str(), requested <= allocatable))
        }
        _ => None,
    };
    rejection.reasons.iter().filter_map(short).collect()
}

/// A refusal in words: `too little CPU is free (it asks for 15.6 CPU, at most 0.2 CPU is free)`. `like` are refusals of nodes of the
/// same pool for the same resources.
pub(super) fn phrase(
    facts: &PodFacts<'_>,
    label: impl Fn(&str) -> Option<String>,
    reason: &Reason,
    like: &[&Rejection],
) -> String {
    match reason {
        Reason::UntoleratedTaint(taint) => match taint.key.as_str() {
            "node.kubernetes.io/not-ready" => "not ready yet".to_owned(),
            "node.kubernetes.io/unreachable" => "unreachable".to_owned(),
            "node.kubernetes.io/disk-pressure" => "its disk is full".to_owned(),
            "node.kubernetes.io/memory-pressure" => "its memory is full".to_owned(),
            "ToBeDeletedByClusterAutoscaler" => "the autoscaler is taking it away".to_owned(),
            _ => format!("tainted {taint}, which it does not tolerate"),
        },
        Reason::NodeAffinity => unmatched(facts, label),
        Reason::Insufficient { resource, requested, .. } => insufficient(resource, *requested, like),
        Reason::TooManyPods => "with as many pods as it takes".to_owned(),
        Reason::NodeUnschedulable => "cordoned".to_owned(),
        Reason::NodeName => "the pod names another node".to_owned(),
        Reason::NodePorts => "a pod there has its host port".to_owned(),
        Reason::VolumeNodeAffinity => "its volume is elsewhere".to_owned(),
        Reason::Spread => "pods would be spread too unevenly (topologySpreadConstraints)".to_owned(),
        Reason::SpreadLabelMissing => {
            "without the label that pods are spread by (topologySpreadConstraints)".to_owned()
        }
        Reason::PodAffinity => "the pod that it wants beside it is not there (podAffinity)".to_owned(),
        Reason::PodAntiAffinity => "a pod is there that it does not want beside it (podAntiAffinity)".to_owned(),
        Reason::ExistingPodAntiAffinity => "a pod there does not want it beside it (podAntiAffinity)".to_owned(),
        Reason::NotNamed | Reason::NoVictims | Reason::PreemptionNotHelpful => reason.to_string(),
    }
}

fn insufficient(resource: &str, requested: i64, like: &[&Rejection]) -> String {
    let of = |rejection: &&Rejection| {
        rejection.reasons.iter().find_map(|reason| match reason {
            Reason::Insufficient { resource: other, free, allocatable, .. } if other == resource => {
                Some((*free, *allocatable))
            }
            _ => None,
        })
    };
    let free = like.iter().filter_map(of).map(|(free, _)| free).max().unwrap_or(0).max(0);
    let whole = like.iter().filter_map(of).map(|(_, whole)| whole).max().unwrap_or(0);
    let asks = amount(resource, requested);
    if whole == 0 {
        format!("has no {resource} (it asks for {asks})")
    } else if requested > whole {
        format!("too small: it asks for {asks}, a node has {}", amount(resource, whole))
    } else {
        format!("full: it asks for {asks}, at most {} is free", amount(resource, free))
    }
}

/// The first label that the pod selects and the node does not have.
fn unmatched(facts: &PodFacts<'_>, label: impl Fn(&str) -> Option<String>) -> String {
    let differs = facts.node_selector.iter().find(|wanted| !wanted.matches(label(&wanted.key).as_deref()));
    if let Some(wanted) = differs {
        return match (&wanted.operator, label(&wanted.key)) {
            (Operator::In(values), Some(found)) => {
                format!("labelled {}={found}, it selects {}", wanted.key, values.join(" or "))
            }
            _ => format!("not labelled {}, which it selects", written(wanted)),
        };
    }
    let terms = facts.node_terms.iter().flatten();
    let mut wanted =
        terms.flat_map(|term| &term.labels).filter(|wanted| !wanted.matches(label(&wanted.key).as_deref()));
    match wanted.next() {
        Some(wanted) => format!("not what its node affinity wants: {}", written(wanted)),
        None => "not what its node affinity wants".to_owned(),
    }
}

fn written(requirement: &Requirement) -> String {
    let key = &requirement.key;
    match &requirement.operator {
        Operator::In(values) if values.len() == 1 => format!("{key}={}", values[0]),
        Operator::In(values) => format!("{key} in ({})", values.join(", ")),
        Operator::NotIn(values) => format!("{key} not in ({})", values.join(", ")),
        Operator::Exists => key.clone(),
        Operator::DoesNotExist => format!("!{key}"),
        Operator::GreaterThan(number) => format!("{key} > {number}"),
        Operator::LessThan(number) => format!("{key} < {number}"),
    }
}

/// The claims of a pod whose volumes lie in a zone: claim, volume, zone.
pub(super) fn zones<'a>(ward: &Ward<'a>, pod: &Value) -> Vec<(&'a str, &'a str, &'a str)> {
    let mut found = Vec::new();
    for claim in list(pod, &["spec", "volumes"]) {
        let claim = text(claim, &["persistentVolumeClaim", "claimName"]);
        let within = text(pod, &["metadata", "namespace"]);
        let Some(claim) = ward.seen.tables.get("PersistentVolumeClaim", within, claim) else { continue };
        let Some(volume) = ward.seen.tables.get("PersistentVolume", "", text(claim, &["spec", "volumeName"])) else {
            continue;
        };
        let terms = list(volume, &["spec", "nodeAffinity", "required", "nodeSelectorTerms"]);
        let expressions = terms.iter().flat_map(|term| list(term, &["matchExpressions"]));
        let zone = expressions
            .filter(|expression| text(expression, &["key"]).ends_with("/zone"))
            .find_map(|expression| list(expression, &["values"]).first()?.as_str());
        if let Some(zone) = zone {
            found.push((name(claim), name(volume), zone));
        }
    }
    found
}
