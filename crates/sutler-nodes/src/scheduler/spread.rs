//! Topology spread: the filter and the score of `PodTopologySpread`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sutler_objects::selector::LabelSelector;

use crate::pool::Effect;
use crate::scheduler::verdict::{Reason, Rejection};
use crate::scheduler::{NodeFacts, PodFacts, Snapshot, SpreadConstraint, tolerate};

const HOSTNAME: &str = "kubernetes.io/hostname";

/// The constraints that must hold, with the pods counted by place.
pub(super) struct Spreads<'p> {
    constraints: Vec<(&'p SpreadConstraint, BTreeMap<String, i64>)>,
}

impl<'p> Spreads<'p> {
    pub(super) fn hard(pod: &'p PodFacts<'_>, snapshot: &Snapshot<'_>) -> Self {
        let mut constraints: Vec<_> = pod.spread.iter().map(|constraint| (constraint, BTreeMap::new())).collect();
        for node in snapshot.nodes() {
            if !has_all_labels(node, &pod.spread) {
                continue;
            }
            for (constraint, counts) in &mut constraints {
                let Some(value) = node.label(&constraint.topology_key).filter(|_| counts_node(constraint, pod, node))
                else {
                    continue;
                };
                *counts.entry(value.to_owned()).or_default() += matching_pods(constraint.selector.as_ref(), pod, node);
            }
        }
        Self { constraints }
    }

    pub(super) fn check(&self, pod: &PodFacts<'_>, node: &NodeFacts<'_>) -> Result<(), Rejection> {
        for (constraint, counts) in &self.constraints {
            let Some(value) = node.label(&constraint.topology_key) else {
                return Err(Rejection::unresolvable(Reason::SpreadLabelMissing));
            };
            let places = i64::try_from(counts.len()).unwrap_or(i64::MAX);
            // Without a single place that counts the least is "very many" in kube-scheduler: the constraint cannot refuse.
            let least = match counts.values().min() {
                _ if places < constraint.min_domains => 0,
                Some(least) => *least,
                None => i64::from(i32::MAX),
            };
            let is_counted = constraint.selector.as_ref().is_some_and(|selector| selector.matches(pod.labels()));
            let skew = counts.get(value).copied().unwrap_or(0) + i64::from(is_counted) - least;
            if skew > constraint.max_skew {
                return Err(Rejection::resolvable(Reason::Spread));
            }
        }
        Ok(())
    }
}

/// Scores from 0 to 100 for each of `feasible`: fewer of the pod's like in the same places is better. `None` without
/// constraints. A pod without constraints of its own that belongs to a Service or controller is spread over hosts and zones.
pub(super) fn scores(pod: &PodFacts<'_>, snapshot: &Snapshot<'_>, feasible: &[&NodeFacts<'_>]) -> Option<Vec<i64>> {
    let has_own = !pod.spread.is_empty() || !pod.preferred_spread.is_empty();
    let constraints: Cow<'_, [SpreadConstraint]> = match &pod.default_spread {
        _ if has_own => Cow::Borrowed(&pod.preferred_spread),
        Some(selector) if !selector.is_empty() => Cow::Owned(default_constraints(selector)),
        _ => return None,
    };
    if constraints.is_empty() {
        return None;
    }
    // System defaults spread over hosts also where nodes have no zone.
    let is_ignored = |node: &NodeFacts<'_>| has_own && !has_all_labels(node, &constraints);

    let mut weights = Vec::new();
    let mut counts_by_constraint = Vec::new();
    for constraint in constraints.iter() {
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        let scored = feasible.iter().filter(|node| !is_ignored(node));
        let places = if constraint.topology_key == HOSTNAME {
            scored.count()
        } else {
            counts.extend(scored.map(|node| (node.label(&constraint.topology_key).unwrap_or(""), 0)));
            counts.len()
        };
        for node in snapshot.nodes() {
            let value = node.label(&constraint.topology_key).unwrap_or("");
            if let Some(count) = counts.get_mut(value)
                && !is_ignored(node)
                && counts_node(constraint, pod, node)
            {
                *count += matching_pods(constraint.selector.as_ref(), pod, node);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "as kube-scheduler; there are not that many nodes")]
        weights.push(((places + 2) as f64).ln());
        counts_by_constraint.push(counts);
    }

    let raw: Vec<Option<i64>> = feasible
        .iter()
        .map(|node| {
            if is_ignored(node) {
                return None;
            }
            let mut score = 0.0;
            for ((constraint, counts), weight) in constraints.iter().zip(&counts_by_constraint).zip(&weights) {
                let Some(value) = node.label(&constraint.topology_key) else { continue };
                let count = if constraint.topology_key == HOSTNAME {
                    matching_pods(constraint.selector.as_ref(), pod, node)
                } else {
                    counts.get(value).copied().unwrap_or(0)
                };
                #[expect(clippy::cast_precision_loss, reason = "as kube-scheduler")]
                {
                    score += count as f64 * weight + (constraint.max_skew - 1) as f64;
                }
            }
            #[expect(clippy::cast_possible_truncation, reason = "as kube-scheduler")]
            Some(f64::round(score) as i64)
        })
        .collect();
    let least = raw.iter().flatten().min().copied().unwrap_or(i64::MAX);
    let most = raw.iter().flatten().max().copied().unwrap_or(0);
    let normal = |score: Option<i64>| match score {
        None => 0,
        Some(_) if most == 0 => 100,
        Some(score) => 100 * (most + least - score) / most,
    };
    Some(raw.into_iter().map(normal).collect())
}

/// `systemDefaultConstraints` of kube-scheduler.
fn default_constraints(selector: &LabelSelector) -> Vec<SpreadConstraint> {
    let constraint = |max_skew, topology_key: &str| SpreadConstraint {
        max_skew,
        topology_key: topology_key.to_owned(),
        selector: Some(selector.clone()),
        min_domains: 1,
        honors_affinity: true,
        honors_taints: false,
    };
    vec![constraint(3, HOSTNAME), constraint(5, "topology.kubernetes.io/zone")]
}

fn has_all_labels(node: &NodeFacts<'_>, constraints: &[SpreadConstraint]) -> bool {
    constraints.iter().all(|constraint| node.label(&constraint.topology_key).is_some())
}

/// `matchNodeInclusionPolicies`.
fn counts_node(constraint: &SpreadConstraint, pod: &PodFacts<'_>, node: &NodeFacts<'_>) -> bool {
    let tolerated = || {
        node.taints
            .iter()
            .filter(|taint| taint.effect != Effect::PreferNoSchedule)
            .all(|taint| tolerate(&pod.tolerations, &taint.key, &taint.value, taint.effect))
    };
    (!constraint.honors_affinity || pod.allows_node(node.labels(), node.name()))
        && (!constraint.honors_taints || tolerated())
}

/// Pods of the same namespace on `node` that `selector` means; those that are going away do not count.
fn matching_pods(selector: Option<&LabelSelector>, pod: &PodFacts<'_>, node: &NodeFacts<'_>) -> i64 {
    // An empty selector means nothing here, as `countPodsMatchSelector` has it.
    let Some(selector) = selector.filter(|selector| !selector.is_empty()) else { return 0 };
    let like = node.pods.iter().filter(|other| {
        !other.is_terminating() && other.namespace() == pod.namespace() && selector.matches(other.labels())
    });
    i64::try_from(like.count()).unwrap_or(i64::MAX)
}
