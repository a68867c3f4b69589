//! The scores of kube-scheduler's default plugins, and the choice among the best.

use crate::pool::Effect;
use crate::scheduler::{NodeFacts, PodFacts, Snapshot, interpod, spread, tolerate};

/// The name of the node with the highest score; `tie` chooses among equals.
///
/// `nodes` must not be empty.
pub(super) fn best<'s>(pod: &PodFacts<'_>, snapshot: &Snapshot<'_>, nodes: &[&'s NodeFacts<'_>], tie: u64) -> &'s str {
    let scores = totals(pod, snapshot, nodes);
    let most = scores.iter().max().copied().unwrap_or(0);
    let best: Vec<usize> = (0..nodes.len()).filter(|index| scores[*index] == most).collect();
    let count = u64::try_from(best.len()).unwrap_or(u64::MAX);
    let chosen = usize::try_from(tie % count.max(1)).unwrap_or(0);
    nodes[best[chosen]].name()
}

/// Each node's weighted sum, by the weights of the default profile.
pub(super) fn totals(pod: &PodFacts<'_>, snapshot: &Snapshot<'_>, nodes: &[&NodeFacts<'_>]) -> Vec<i64> {
    let mut totals: Vec<i64> = nodes.iter().map(|node| least_allocated(pod, node) + balanced(pod, node)).collect();
    let mut add = |weight: i64, scores: Vec<i64>| {
        for (total, score) in totals.iter_mut().zip(scores) {
            *total += weight * score;
        }
    };
    add(3, tolerated_taints(pod, nodes));
    add(2, preferred_nodes(pod, nodes));
    if let Some(scores) = spread::scores(pod, snapshot, nodes) {
        add(2, scores);
    }
    if let Some(scores) = interpod::scores(pod, snapshot, nodes) {
        add(2, scores);
    }
    totals
}

/// `NodeResourcesFit` with `LeastAllocated` over CPU and memory.
fn least_allocated(pod: &PodFacts<'_>, node: &NodeFacts<'_>) -> i64 {
    let (asked, used, allocatable) = (&pod.requests_for_scores, &node.requested_for_scores, &node.allocatable);
    let amounts = [(used.cpu + asked.cpu, allocatable.cpu), (used.memory + asked.memory, allocatable.memory)];
    let counted: Vec<i64> = amounts
        .into_iter()
        .filter(|(_, allocatable)| *allocatable > 0)
        .map(
            |(requested, allocatable)| {
                if requested > allocatable { 0 } else { (allocatable - requested) * 100 / allocatable }
            },
        )
        .collect();
    let count = i64::try_from(counted.len()).unwrap_or(1).max(1);
    counted.into_iter().sum::<i64>() / count
}

/// `NodeResourcesBalancedAllocation` over CPU and memory.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "as kube-scheduler computes it")]
fn balanced(pod: &PodFacts<'_>, node: &NodeFacts<'_>) -> i64 {
    let (asked, used, allocatable) = (&pod.requests, &node.requested, &node.allocatable);
    if asked.cpu == 0 && asked.memory == 0 {
        return 0;
    }
    let fraction = |requested: i64, allocatable: i64| (requested as f64 / allocatable as f64).min(1.0);
    let deviation = if allocatable.cpu > 0 && allocatable.memory > 0 {
        let cpu = fraction(used.cpu + asked.cpu, allocatable.cpu);
        let memory = fraction(used.memory + asked.memory, allocatable.memory);
        ((cpu - memory) / 2.0).abs()
    } else {
        0.0
    };
    ((1.0 - deviation) * 100.0) as i64
}

/// `TaintToleration`: fewer soft taints that are not tolerated.
fn tolerated_taints(pod: &PodFacts<'_>, nodes: &[&NodeFacts<'_>]) -> Vec<i64> {
    let intolerable = |node: &&NodeFacts<'_>| {
        let soft = node.taints.iter().filter(|taint| taint.effect == Effect::PreferNoSchedule);
        let count = soft.filter(|taint| !tolerate(&pod.tolerations, &taint.key, &taint.value, taint.effect)).count();
        i64::try_from(count).unwrap_or(i64::MAX)
    };
    let counts: Vec<i64> = nodes.iter().map(intolerable).collect();
    let most = counts.iter().max().copied().unwrap_or(0);
    counts.into_iter().map(|count| if most == 0 { 100 } else { 100 - 100 * count / most }).collect()
}

/// `NodeAffinity`: the weights of preferred terms that match.
fn preferred_nodes(pod: &PodFacts<'_>, nodes: &[&NodeFacts<'_>]) -> Vec<i64> {
    let weight = |node: &&NodeFacts<'_>| {
        let matching = pod.preferred_node_terms.iter().filter(|(_, term)| term.matches(node.labels(), node.name()));
        matching.map(|(weight, _)| weight).sum::<i64>()
    };
    let sums: Vec<i64> = nodes.iter().map(weight).collect();
    let most = sums.iter().max().copied().unwrap_or(0);
    sums.into_iter().map(|sum| if most == 0 { 0 } else { 100 * sum / most }).collect()
}
