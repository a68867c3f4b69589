//! Pod affinity and anti-affinity, by any topology key: the filter and the score of `InterPodAffinity`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::scheduler::verdict::{Reason, Rejection};
use crate::scheduler::{NodeFacts, PodFacts, PodTerm, Snapshot};

/// How often something holds, by topology key and the label's value.
type Places = BTreeMap<(String, String), i64>;

/// The places that matter to one pod, counted over all nodes.
pub(super) struct Affinities {
    /// Where pods run that all of the pod's affinity terms mean.
    wanted: Places,
    /// Where pods run that one of the pod's anti-affinity terms means.
    unwanted: Places,
    /// Where pods run whose own anti-affinity means the pod.
    unwelcome: Places,
}

impl Affinities {
    pub(super) fn prepare(pod: &PodFacts<'_>, snapshot: &Snapshot<'_>) -> Self {
        let mut affinities = Self { wanted: Places::new(), unwanted: Places::new(), unwelcome: Places::new() };
        let namespace_labels = snapshot.namespace_labels(pod.namespace());
        let looks_around = !pod.affinity.is_empty() || !pod.anti_affinity.is_empty();
        for node in snapshot.nodes() {
            for other in &node.choosy_pods {
                for term in other.anti_affinity.iter().filter(|term| term.matches(pod, namespace_labels)) {
                    count(&mut affinities.unwelcome, node, term, 1);
                }
            }
            for other in node.pods.iter().filter(|_| looks_around) {
                let other_labels = snapshot.namespace_labels(other.namespace());
                if all_match(&pod.affinity, other, other_labels) {
                    for term in &pod.affinity {
                        count(&mut affinities.wanted, node, term, 1);
                    }
                }
                for term in pod.anti_affinity.iter().filter(|term| term.matches(other, other_labels)) {
                    count(&mut affinities.unwanted, node, term, 1);
                }
            }
        }
        affinities
    }

    pub(super) fn check(&self, pod: &PodFacts<'_>, node: &NodeFacts<'_>) -> Result<(), Rejection> {
        if !self.has_company(pod, node) {
            return Err(Rejection::unresolvable(Reason::PodAffinity));
        }
        let holds = |places: &Places, key: &str| {
            node.label(key).is_some_and(|value| places.contains_key(&(key.to_owned(), value.to_owned())))
        };
        if !self.unwanted.is_empty() && pod.anti_affinity.iter().any(|term| holds(&self.unwanted, &term.topology_key)) {
            return Err(Rejection::resolvable(Reason::PodAntiAffinity));
        }
        let is_unwelcome = self.unwelcome.keys().any(|(key, value)| node.label(key) == Some(value));
        if is_unwelcome {
            return Err(Rejection::resolvable(Reason::ExistingPodAntiAffinity));
        }
        Ok(())
    }

    /// Whether all affinity terms are met here. The first pod of a group that wants itself as company may go anywhere.
    fn has_company(&self, pod: &PodFacts<'_>, node: &NodeFacts<'_>) -> bool {
        let mut all_present = true;
        for term in &pod.affinity {
            let Some(value) = node.label(&term.topology_key) else { return false };
            all_present &= self.wanted.contains_key(&(term.topology_key.clone(), value.to_owned()));
        }
        // Its own namespace's labels do not count for itself, as in kube-scheduler, where terms without a selector of
        // namespaces list them by name.
        all_present || (self.wanted.is_empty() && all_match(&pod.affinity, pod, None))
    }
}

fn all_match(terms: &[PodTerm], pod: &PodFacts<'_>, namespace_labels: Option<&Map<String, Value>>) -> bool {
    !terms.is_empty() && terms.iter().all(|term| term.matches(pod, namespace_labels))
}

fn count(places: &mut Places, node: &NodeFacts<'_>, term: &PodTerm, weight: i64) {
    if let Some(value) = node.label(&term.topology_key) {
        *places.entry((term.topology_key.clone(), value.to_owned())).or_default() += weight;
    }
}

/// The weight that a running pod's required affinity to the pod has among preferences: `hardPodAffinityWeight`.
const HARD_WEIGHT: i64 = 1;

/// Scores from 0 to 100 for each of `feasible`, by the preferences of the pod and of those that run; `None` where there are none.
pub(super) fn scores(pod: &PodFacts<'_>, snapshot: &Snapshot<'_>, feasible: &[&NodeFacts<'_>]) -> Option<Vec<i64>> {
    let namespace_labels = snapshot.namespace_labels(pod.namespace());
    let mut places = Places::new();
    let has_preferences = !pod.preferred_affinity.is_empty() || !pod.preferred_anti_affinity.is_empty();
    for node in snapshot.nodes() {
        for other in if has_preferences { &node.pods } else { &node.choosy_pods } {
            let other_labels = snapshot.namespace_labels(other.namespace());
            let mut weigh = |weight: i64, term: &PodTerm, matches: bool| {
                if matches {
                    count(&mut places, node, term, weight);
                }
            };
            for (weight, term) in &pod.preferred_affinity {
                weigh(*weight, term, term.matches(other, other_labels));
            }
            for (weight, term) in &pod.preferred_anti_affinity {
                weigh(-weight, term, term.matches(other, other_labels));
            }
            for term in &other.affinity {
                weigh(HARD_WEIGHT, term, term.matches(pod, namespace_labels));
            }
            for (weight, term) in &other.preferred_affinity {
                weigh(*weight, term, term.matches(pod, namespace_labels));
            }
            for (weight, term) in &other.preferred_anti_affinity {
                weigh(-weight, term, term.matches(pod, namespace_labels));
            }
        }
    }
    if places.is_empty() {
        return None;
    }
    let raw: Vec<i64> = feasible
        .iter()
        .map(|node| {
            let here = places.iter().filter(|((key, value), _)| node.label(key) == Some(value));
            here.map(|(_, weight)| weight).sum()
        })
        .collect();
    let (least, most) = (raw.iter().min().copied()?, raw.iter().max().copied()?);
    let normal = |score: i64| if most > least { 100 * (score - least) / (most - least) } else { 0 };
    Some(raw.into_iter().map(normal).collect())
}
