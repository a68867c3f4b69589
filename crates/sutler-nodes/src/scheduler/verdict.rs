//! Why a pod fits nowhere, in the words of kube-scheduler's event.

use std::collections::BTreeMap;
use std::fmt;

use crate::pool::Taint;

/// Why one node does not take a pod. The text is that of kube-scheduler 1.34; the fields say more than it does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The node is cordoned.
    NodeUnschedulable,
    /// The pod names another node.
    NodeName,
    /// The node has this taint, which the pod does not tolerate.
    UntoleratedTaint(Taint),
    /// Not allowed by nodeSelector or node affinity.
    NodeAffinity,
    /// A host port is taken.
    NodePorts,
    /// The node's number of pods is reached.
    TooManyPods,
    /// Too little of a resource.
    Insufficient {
        /// `cpu`, `memory`, `nvidia.com/gpu`…
        resource: String,
        /// What the pod asks for; millicores for CPU, bytes for memory.
        requested: i64,
        /// What is left of it.
        free: i64,
        /// What the node could give if it were empty.
        allocatable: i64,
    },
    /// A bound volume is elsewhere.
    VolumeNodeAffinity,
    /// Spread would be too uneven.
    Spread,
    /// The node lacks a label that spread goes by.
    SpreadLabelMissing,
    /// No pod is there that must be.
    PodAffinity,
    /// A pod is there that must not be.
    PodAntiAffinity,
    /// A pod is there that does not want this one.
    ExistingPodAntiAffinity,
    /// Node affinity names other nodes.
    NotNamed,
    /// Preemption looked, and no pod here has a lower priority.
    NoVictims,
    /// Preemption would change nothing here.
    PreemptionNotHelpful,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NodeUnschedulable => "node(s) were unschedulable",
            Self::NodeName => "node(s) didn't match the requested node name",
            Self::UntoleratedTaint(_) => "node(s) had untolerated taint(s)",
            Self::NodeAffinity => "node(s) didn't match Pod's node affinity/selector",
            Self::NodePorts => "node(s) didn't have free ports for the requested pod ports",
            Self::TooManyPods => "Too many pods",
            Self::Insufficient { resource, .. } => return write!(f, "Insufficient {resource}"),
            Self::VolumeNodeAffinity => "node(s) didn't match PersistentVolume's node affinity",
            Self::Spread => "node(s) didn't match pod topology spread constraints",
            Self::SpreadLabelMissing => "node(s) didn't match pod topology spread constraints (missing required label)",
            Self::PodAffinity => "node(s) didn't match pod affinity rules",
            Self::PodAntiAffinity => "node(s) didn't match pod anti-affinity rules",
            Self::ExistingPodAntiAffinity => "node(s) didn't satisfy existing pods anti-affinity rules",
            Self::NotNamed => "node(s) didn't satisfy plugin(s) [NodeAffinity]",
            Self::NoVictims => "No preemption victims found for incoming pod",
            Self::PreemptionNotHelpful => "Preemption is not helpful for scheduling",
        })
    }
}

/// One node's refusal: the first filter's reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// One, or several where resources are short.
    pub reasons: Vec<Reason>,
    /// Whether removing pods from the node might help.
    pub is_resolvable: bool,
}

impl Rejection {
    pub(super) fn resolvable(reason: Reason) -> Self {
        Self { reasons: vec![reason], is_resolvable: true }
    }

    pub(super) fn unresolvable(reason: Reason) -> Self {
        Self { reasons: vec![reason], is_resolvable: false }
    }
}

/// What preemption would say. Nothing is preempted here: this is its text where it finds nothing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preemption {
    /// `spec.preemptionPolicy` is `Never`.
    Never,
    /// Each node's reason.
    Nodes(Vec<Reason>),
    /// Pods of lower priority could make room; the real scheduler would evict them.
    Possible,
}

/// Why a pod fits nowhere. Its text is the message of the event `FailedScheduling` and of the condition `PodScheduled`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unschedulable {
    /// How many nodes there are.
    pub nodes: usize,
    /// A reason that holds for every node, found before any was looked at.
    pub blocked_by: Option<String>,
    /// Each node's refusal, by name; empty if `blocked_by` is there.
    pub rejections: Vec<(String, Rejection)>,
    /// What preemption says.
    pub preemption: Preemption,
}

impl fmt::Display for Unschedulable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nodes == 0 {
            return f.write_str("no nodes available to schedule pods");
        }
        let nodes = self.nodes;
        write!(f, "0/{nodes} nodes are available:")?;
        match &self.blocked_by {
            Some(reason) => write!(f, " {reason}.")?,
            None => {
                let reasons = self.rejections.iter().flat_map(|(_, rejection)| &rejection.reasons);
                write!(f, " {}.", histogram(reasons))?;
            }
        }
        // Since 1.34 the plugin of dynamic resources is asked as well, before preemption.
        let asked = "no new claims to deallocate, preemption:";
        match &self.preemption {
            Preemption::Never => write!(f, " {asked} not eligible due to preemptionPolicy=Never."),
            Preemption::Nodes(reasons) => {
                write!(f, " {asked} 0/{nodes} nodes are available: {}.", histogram(reasons))
            }
            Preemption::Possible => Ok(()),
        }
    }
}

/// `2 Insufficient cpu, 3 node(s) were unschedulable`: counts by text, sorted as texts with their counts, as Kubernetes does.
fn histogram<'r>(reasons: impl IntoIterator<Item = &'r Reason>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for reason in reasons {
        *counts.entry(reason.to_string()).or_default() += 1;
    }
    let mut texts: Vec<String> = counts.into_iter().map(|(text, count)| format!("{count} {text}")).collect();
    texts.sort();
    texts.join(", ")
}
