//! The filters, in kube-scheduler's order: which nodes can take a pod.

use std::collections::BTreeSet;

use crate::pool::Effect;
use crate::resources::Resources;
use crate::scheduler::interpod::Affinities;
use crate::scheduler::spread::Spreads;
use crate::scheduler::verdict::{Preemption, Reason, Rejection, Unschedulable};
use crate::scheduler::{NodeFacts, PodFacts, Snapshot, tolerate};

/// What all filters know of a pod before they look at a node.
pub(super) struct Filters<'p, 'a> {
    pod: &'p PodFacts<'a>,
    /// The only nodes that node affinity can match, where it names them.
    named: Option<BTreeSet<&'p str>>,
    spreads: Spreads<'p>,
    affinities: Affinities,
}

impl<'p, 'a> Filters<'p, 'a> {
    pub(super) fn prepare(pod: &'p PodFacts<'a>, snapshot: &Snapshot<'_>) -> Self {
        Self {
            pod,
            named: named_nodes(pod),
            spreads: Spreads::hard(pod, snapshot),
            affinities: Affinities::prepare(pod, snapshot),
        }
    }

    /// The first refusal of `node`.
    pub(super) fn check(&self, node: &NodeFacts<'_>) -> Result<(), Rejection> {
        let pod = self.pod;
        if self.named.as_ref().is_some_and(|names| !names.contains(node.name())) {
            return Err(Rejection::unresolvable(Reason::NotNamed));
        }
        if node.is_unschedulable
            && !tolerate(&pod.tolerations, "node.kubernetes.io/unschedulable", "", Effect::NoSchedule)
        {
            return Err(Rejection::unresolvable(Reason::NodeUnschedulable));
        }
        if !pod.node_name().is_empty() && pod.node_name() != node.name() {
            return Err(Rejection::unresolvable(Reason::NodeName));
        }
        let repels = node.taints.iter().find(|taint| {
            taint.effect != Effect::PreferNoSchedule
                && !tolerate(&pod.tolerations, &taint.key, &taint.value, taint.effect)
        });
        if let Some(taint) = repels {
            return Err(Rejection::unresolvable(Reason::UntoleratedTaint(taint.clone())));
        }
        if !pod.allows_node(node.labels(), node.name()) {
            return Err(Rejection::unresolvable(Reason::NodeAffinity));
        }
        let taken = |port| node.pods.iter().flat_map(|other| &other.host_ports).any(|other| other.conflicts(port));
        if pod.host_ports.iter().any(taken) {
            return Err(Rejection::resolvable(Reason::NodePorts));
        }
        check_resources(pod, node)?;
        let elsewhere = |terms: &Vec<_>| {
            !terms.iter().any(|term: &crate::scheduler::NodeTerm| term.matches(node.labels(), node.name()))
        };
        if pod.volume_terms.iter().any(elsewhere) {
            return Err(Rejection::unresolvable(Reason::VolumeNodeAffinity));
        }
        self.spreads.check(pod, node)?;
        self.affinities.check(pod, node)
    }
}

/// The nodes that can take `pod`, or why none can.
pub(super) fn feasible_nodes<'s, 'a>(
    pod: &PodFacts<'_>,
    snapshot: &'s Snapshot<'a>,
) -> Result<Vec<&'s NodeFacts<'a>>, Unschedulable> {
    let nodes = snapshot.nodes().len();
    let refused = |blocked_by, rejections: Vec<(String, Rejection)>, preemption| Unschedulable {
        nodes,
        blocked_by,
        rejections,
        preemption,
    };
    if let Some(reason) = pod.blocked_by.clone().or_else(|| conflicting_names(pod)) {
        let preemption = match pod.never_preempts() {
            true => Preemption::Never,
            false => Preemption::Nodes(vec![Reason::PreemptionNotHelpful; nodes]),
        };
        return Err(refused(Some(reason), Vec::new(), preemption));
    }
    let filters = Filters::prepare(pod, snapshot);
    let mut feasible = Vec::new();
    let mut rejections = Vec::new();
    for node in snapshot.nodes() {
        match filters.check(node) {
            Ok(()) => feasible.push(node),
            Err(rejection) => rejections.push((node.name().to_owned(), rejection)),
        }
    }
    if feasible.is_empty() {
        let preemption = preemption(pod, snapshot, &rejections);
        return Err(refused(None, rejections, preemption));
    }
    Ok(feasible)
}

/// As `NodeResourcesFit`: all that is short is said, not only the first.
fn check_resources(pod: &PodFacts<'_>, node: &NodeFacts<'_>) -> Result<(), Rejection> {
    let mut reasons = Vec::new();
    let mut is_resolvable = true;
    let used_pods = i64::try_from(node.pods.len()).unwrap_or(i64::MAX);
    if used_pods.saturating_add(1) > node.allocatable.pods {
        reasons.push(Reason::TooManyPods);
    }
    let mut check = |resource: &str, requested: i64, allocatable: i64, used: i64| {
        let free = allocatable - used;
        if requested > 0 && requested > free {
            is_resolvable &= requested <= allocatable;
            reasons.push(Reason::Insufficient { resource: resource.to_owned(), requested, free, allocatable });
        }
    };
    let (requests, allocatable, used) = (&pod.requests, &node.allocatable, &node.requested);
    check("cpu", requests.cpu, allocatable.cpu, used.cpu);
    check("memory", requests.memory, allocatable.memory, used.memory);
    check("ephemeral-storage", requests.ephemeral_storage, allocatable.ephemeral_storage, used.ephemeral_storage);
    let extended = |resources: &Resources, name: &str| resources.extended.get(name).copied().unwrap_or(0);
    for (name, requested) in &requests.extended {
        check(name, *requested, extended(allocatable, name), extended(used, name));
    }
    if reasons.is_empty() { Ok(()) } else { Err(Rejection { reasons, is_resolvable }) }
}

/// The nodes that required node affinity names by `metadata.name`, as `NodeAffinity`'s PreFilter; `None` if one of its terms
/// names none.
fn named_nodes<'p>(pod: &'p PodFacts<'_>) -> Option<BTreeSet<&'p str>> {
    let terms = pod.node_terms.as_ref().filter(|terms| !terms.is_empty())?;
    let mut names = BTreeSet::new();
    for term in terms {
        names.extend(term.names()?);
    }
    Some(names)
}

fn conflicting_names(pod: &PodFacts<'_>) -> Option<String> {
    let is_conflict = named_nodes(pod).is_some_and(|names| names.is_empty());
    is_conflict.then(|| "pod affinity terms conflict".to_owned())
}

/// What `DefaultPreemption` says after a failure. On nodes where removing pods might help it looks for pods of lower priority.
fn preemption(pod: &PodFacts<'_>, snapshot: &Snapshot<'_>, rejections: &[(String, Rejection)]) -> Preemption {
    if pod.never_preempts() {
        return Preemption::Never;
    }
    let mut reasons = Vec::new();
    for (name, rejection) in rejections {
        if !rejection.is_resolvable {
            reasons.push(Reason::PreemptionNotHelpful);
            continue;
        }
        let Some(node) = snapshot.node(name) else { continue };
        if node.pods.iter().all(|other| other.priority >= pod.priority) {
            reasons.push(Reason::NoVictims);
            continue;
        }
        let mut without = snapshot.clone();
        let mut emptied = NodeFacts::of(node.object);
        for other in node.pods.iter().filter(|other| other.priority >= pod.priority) {
            emptied.place(other.clone());
        }
        without.add_node(emptied);
        match crate::scheduler::fits(pod, &without, name) {
            Ok(()) => return Preemption::Possible,
            Err(rejection) => reasons.extend(rejection.reasons),
        }
    }
    Preemption::Nodes(reasons)
}
