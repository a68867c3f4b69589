//! What stands around a pod and decides where it may go: its claims and their volumes, the Services and the owner that spread it.

use serde_json::Value;
use sutler_objects::object::{at, list, text};
use sutler_objects::selector::LabelSelector;

use super::{NodeTerm, PodFacts};

/// Objects by kind, as the scheduler looks them up.
pub trait Around<'a> {
    /// The object of this kind (`PersistentVolumeClaim`, `PersistentVolume`, `StorageClass`, `ReplicaSet`, `StatefulSet`); the namespace
    /// is empty for those that have none.
    fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&'a Value>;

    /// The Services of a namespace.
    fn services(&self, namespace: &str) -> Vec<&'a Value>;
}

impl<'a> PodFacts<'a> {
    /// As [`PodFacts::of`], with what its claims and its owners say.
    #[must_use]
    pub fn among(pod: &'a Value, around: &impl Around<'a>) -> Self {
        let mut facts = Self::of(pod);
        let namespace = text(pod, &["metadata", "namespace"]);
        for volume in list(pod, &["spec", "volumes"]) {
            let Some(name) = at(volume, &["persistentVolumeClaim", "claimName"]).and_then(Value::as_str) else {
                continue;
            };
            match bound_volume(around, namespace, name) {
                Err(why) => {
                    facts.blocked_by = Some(why);
                    break;
                }
                Ok(volume) => {
                    let terms = volume
                        .and_then(|volume| at(volume, &["spec", "nodeAffinity", "required", "nodeSelectorTerms"]));
                    if let Some(terms) = terms.and_then(Value::as_array) {
                        facts.volume_terms.push(terms.iter().map(NodeTerm::of).collect());
                    }
                }
            }
        }
        facts.default_spread = default_spread(around, pod, namespace);
        facts
    }
}

/// The volume of a claim, if it has one; why the claim keeps its pod from every node, if it does.
fn bound_volume<'a>(around: &impl Around<'a>, namespace: &str, name: &str) -> Result<Option<&'a Value>, String> {
    let Some(claim) = around.get("PersistentVolumeClaim", namespace, name) else {
        return Err(format!("persistentvolumeclaim \"{name}\" not found"));
    };
    if at(claim, &["metadata", "deletionTimestamp"]).is_some() {
        return Err(format!("persistentvolumeclaim \"{name}\" is being deleted"));
    }
    match text(claim, &["spec", "volumeName"]) {
        "" if waits_for_a_pod(around, claim) => Ok(None),
        "" => Err("pod has unbound immediate PersistentVolumeClaims".to_owned()),
        volume => Ok(around.get("PersistentVolume", "", volume)),
    }
}

/// Whether a claim's volume is made only once a pod that uses it has a node.
fn waits_for_a_pod<'a>(around: &impl Around<'a>, claim: &Value) -> bool {
    let class = around.get("StorageClass", "", text(claim, &["spec", "storageClassName"]));
    class.is_some_and(|class| text(class, &["volumeBindingMode"]) == "WaitForFirstConsumer")
}

/// The selectors of the Services of a pod and of its owner together, as `helper.DefaultSelector`.
fn default_spread<'a>(around: &impl Around<'a>, pod: &Value, namespace: &str) -> Option<LabelSelector> {
    let labels = at(pod, &["metadata", "labels"]).and_then(Value::as_object);
    let mut requirements = Vec::new();
    for service in around.services(namespace) {
        let selector = at(service, &["spec", "selector"]).and_then(Value::as_object);
        let Some(selector) = selector.filter(|selector| !selector.is_empty()) else { continue };
        let selector = LabelSelector::from_labels(selector);
        if selector.matches(labels) {
            requirements.extend(selector.requirements);
        }
    }
    let owners = list(pod, &["metadata", "ownerReferences"]);
    let owner = owners.iter().find(|owner| at(owner, &["controller"]).and_then(Value::as_bool) == Some(true));
    let owner = owner.and_then(|owner| match text(owner, &["kind"]) {
        kind @ ("ReplicaSet" | "StatefulSet") => around.get(kind, namespace, text(owner, &["name"])),
        _ => None,
    });
    let selector = owner.and_then(|owner| LabelSelector::from_object(at(owner, &["spec", "selector"])?).ok().flatten());
    requirements.extend(selector.into_iter().flat_map(|selector| selector.requirements));
    (!requirements.is_empty()).then_some(LabelSelector { requirements })
}
