//! The scheduler's decision: on which node a pod goes, or why on none.
//!
//! Mirrors kube-scheduler 1.34's default profile as plain functions. Start with [`schedule`]:
//!
//! ```text
//! Pod ─> PodFacts ┐
//! Node ─> NodeFacts ─> Snapshot ┴─> filters ─> scores ─> Verdict::Node, or Verdict::Unschedulable with the event's text
//! ```
//!
//! | plugin | modelled |
//! | --- | --- |
//! | SchedulingGates, PrioritySort | yes ([`PodFacts::is_gated`], [`PodFacts::queue_order`]) |
//! | NodeUnschedulable, NodeName, TaintToleration, NodeAffinity, NodePorts, NodeResourcesFit | yes |
//! | VolumeBinding, VolumeZone | by claims and volumes: [`PodFacts::among`] |
//! | PodTopologySpread, InterPodAffinity | yes, with the defaults that spread a Service's or ReplicaSet's pods |
//! | NodeResourcesBalancedAllocation | yes |
//! | DefaultPreemption | only its text: nothing is ever preempted |
//! | ImageLocality, VolumeRestrictions, NodeVolumeLimits, DynamicResources | no |
//!
//! All nodes are looked at, also above 100, where the real scheduler takes a sample. Where nodes score equally the real one
//! chooses at random; here a number that the caller hands in chooses.

mod around;
mod filter;
mod interpod;
mod node;
mod pod;
mod score;
mod spread;
mod verdict;

#[cfg(test)]
mod tests;

pub use around::Around;
pub use node::{NodeFacts, Snapshot};
pub use pod::{HostPort, NodeTerm, PodFacts, PodTerm, SpreadConstraint, Toleration, tolerate};
pub use verdict::{Preemption, Reason, Rejection, Unschedulable};

/// What the scheduler decides about one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It goes onto the node of this name.
    Node(String),
    /// It fits nowhere.
    Unschedulable(Unschedulable),
}

/// Decides where `pod` goes. `tie` chooses among nodes of equal score; the same number always chooses the same.
#[must_use]
pub fn schedule(pod: &PodFacts<'_>, snapshot: &Snapshot<'_>, tie: u64) -> Verdict {
    match filter::feasible_nodes(pod, snapshot) {
        Err(unschedulable) => Verdict::Unschedulable(unschedulable),
        Ok(nodes) => Verdict::Node(score::best(pod, snapshot, &nodes, tie).to_owned()),
    }
}

/// The first node, in the snapshot's order and among those that `wanted` allows, on which `pod` could run.
#[must_use]
pub fn first_fit<'a>(
    pod: &PodFacts<'_>,
    snapshot: &Snapshot<'a>,
    wanted: impl Fn(&NodeFacts<'_>) -> bool,
) -> Option<&'a str> {
    let filters = filter::Filters::prepare(pod, snapshot);
    snapshot.nodes().iter().filter(|node| wanted(node)).find(|node| filters.check(node).is_ok()).map(NodeFacts::name)
}

/// Whether `pod` could run on the node of this name, and if not, why.
///
/// # Errors
/// The first filter that refuses, as [`schedule`] would count it.
pub fn fits(pod: &PodFacts<'_>, snapshot: &Snapshot<'_>, node: &str) -> Result<(), Rejection> {
    let filters = filter::Filters::prepare(pod, snapshot);
    match snapshot.node(node) {
        Some(facts) => filters.check(facts),
        None => Err(Rejection::unresolvable(Reason::NodeName)),
    }
}
