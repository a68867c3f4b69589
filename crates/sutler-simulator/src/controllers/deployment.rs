//! Deployment: replica sets that follow a template, as Kubernetes' deployment controller.
//!
//! ```text
//! template ─> new ReplicaSet ─┐
//! old ReplicaSets ────────────┴─> how many of each (rollout) ─> status and conditions (progress)
//! ```
//! Left out: adopting replica sets that nobody owns.

mod progress;
mod rollout;

use serde_json::{Value, json};

use crate::controllers::{Change, Controller, Deletion, Effects, Note, Queue, Severity, pods};
use crate::key::{ObjectKey, resource};
use crate::view::View;

const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
const HASH: &str = "pod-template-hash";

/// Keeps the replica sets of Deployments.
pub(crate) struct Deployments;

/// A deployment with its replica sets.
pub(crate) struct Family<'a> {
    pub(crate) deployment: &'a Value,
    /// The one of the present template.
    pub(crate) new: Option<&'a Value>,
    /// All others, oldest first.
    pub(crate) old: Vec<&'a Value>,
}

impl Controller for Deployments {
    fn name(&self) -> &'static str {
        "deployment-controller"
    }

    fn on_change(&self, change: &Change, view: &View<'_>, queue: &mut Queue) {
        if change.is(resource::DEPLOYMENTS) {
            queue.push(change.key.clone());
        }
        if change.is(resource::REPLICA_SETS) {
            for set in change.old.iter().chain(&change.new) {
                if let Some(("Deployment", name, _)) = pods::controller(set) {
                    queue.push(ObjectKey::new(resource::DEPLOYMENTS, &change.key.namespace, name));
                }
            }
        }
        // A Recreate rollout waits for the last pod of the old template to be gone.
        if change.is(resource::PODS) && change.new.is_none() {
            let set = pods::controller(change.object())
                .and_then(|(_, name, _)| view.get(resource::REPLICA_SETS, &change.key.namespace, name));
            if let Some(("Deployment", name, _)) = set.and_then(pods::controller) {
                queue.push(ObjectKey::new(resource::DEPLOYMENTS, &change.key.namespace, name));
            }
        }
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let Some(deployment) = view.object(key) else { return };
        let family = family(view, deployment);
        if !pods::is_terminating(deployment) {
            if deployment["spec"]["paused"] == true {
                rollout::scale(&family, effects);
            } else if !make_new_set(view, &family, effects) {
                // The new replica set is seen when it is there, and brings the deployment here again.
                match deployment["spec"]["strategy"]["type"].as_str() {
                    Some("Recreate") => rollout::recreate(view, &family, effects),
                    _ => rollout::rolling(&family, effects),
                }
                forget_history(&family, effects);
            }
        }
        progress::report(key, view, &family, effects);
    }
}

fn family<'a>(view: &View<'a>, deployment: &'a Value) -> Family<'a> {
    let uid = deployment["metadata"]["uid"].as_str().unwrap_or("");
    let mut sets: Vec<&Value> = view
        .owned_by(uid, resource::REPLICA_SETS)
        .filter(|set| pods::controller(set).is_some_and(|(_, _, owner)| owner == uid))
        .collect();
    sets.sort_by_key(|set| (revision(set), set["metadata"]["creationTimestamp"].as_str().unwrap_or("").to_owned()));
    let template = plain_template(&deployment["spec"]["template"]);
    let new = sets.iter().position(|set| plain_template(&set["spec"]["template"]) == template);
    let new = new.map(|index| sets.remove(index));
    Family { deployment, new, old: sets }
}

/// A template without the label that tells its replica sets apart.
fn plain_template(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template["metadata"].get_mut("labels").and_then(Value::as_object_mut) {
        labels.remove(HASH);
    }
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, value| {
            matches!(field.as_str(), "labels" | "annotations") && value.as_object().is_some_and(|map| !map.is_empty())
        });
    }
    template
}

fn revision(object: &Value) -> i64 {
    object["metadata"]["annotations"][REVISION].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Makes the replica set of the present template, or gives it the newest revision. Whether something is to be done before the
/// rollout can go on.
fn make_new_set(view: &View<'_>, family: &Family<'_>, effects: &mut Effects) -> bool {
    let Family { deployment, new, old } = family;
    let newest_old = old.iter().map(|set| revision(set)).max().unwrap_or(0);
    let wanted = new.map_or(0, revision).max(newest_old + 1).to_string();
    let ours = &deployment["metadata"]["annotations"][REVISION];
    if ours.as_str() != Some(wanted.as_str()) {
        let patch = json!({"metadata": {"annotations": {REVISION: wanted}}});
        effects.patch(ObjectKey::of(resource::DEPLOYMENTS, deployment), patch);
    }
    if let Some(set) = new {
        let mut annotations = inherited_annotations(deployment);
        annotations[REVISION] = json!(wanted);
        effects.patch(
            ObjectKey::of(resource::REPLICA_SETS, set),
            json!({
                "metadata": {"annotations": annotations},
                "spec": {"minReadySeconds": deployment["spec"]["minReadySeconds"]},
            }),
        );
        return false;
    }
    let template = plain_template(&deployment["spec"]["template"]);
    let name = deployment["metadata"]["name"].as_str().unwrap_or("");
    let namespace = deployment["metadata"]["namespace"].as_str().unwrap_or("");
    // Another template may have the same hash: then the name is taken, and the next number decides.
    let hash = (0..)
        .map(|collision| match collision {
            0 => pods::template_hash(&template),
            _ => pods::template_hash(&json!([template, collision])),
        })
        .find(|hash| view.get(resource::REPLICA_SETS, namespace, &format!("{name}-{hash}")).is_none());
    let Some(hash) = hash else { return true };

    let mut labelled = deployment["spec"]["template"].clone();
    labelled["metadata"]["labels"][HASH] = json!(hash);
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"][HASH] = json!(hash);
    let replicas = match deployment["spec"]["strategy"]["type"].as_str() {
        // Made empty: it grows when the last old pod is gone.
        Some("Recreate") if old.iter().any(|set| replicas_of(set) > 0) => 0,
        _ => rollout::new_replicas(deployment, old, None),
    };
    let mut annotations = inherited_annotations(deployment);
    annotations[REVISION] = json!(wanted);
    annotations[DESIRED] = json!(replicas_of(deployment).to_string());
    annotations[MAX] = json!((replicas_of(deployment) + rollout::max_surge(deployment)).to_string());
    let set_name = format!("{name}-{hash}");
    effects.create(json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": set_name,
            "namespace": namespace,
            "labels": labelled["metadata"]["labels"],
            "annotations": annotations,
            "ownerReferences": [pods::owner_reference(deployment)],
        },
        "spec": {
            "replicas": replicas,
            "minReadySeconds": deployment["spec"]["minReadySeconds"],
            "selector": selector,
            "template": labelled,
        },
    }));
    if replicas > 0 {
        effects.record(note(deployment, format!("Scaled up replica set {set_name} from 0 to {replicas}")));
    }
    true
}

/// Annotations that a replica set takes over from its deployment.
fn inherited_annotations(deployment: &Value) -> Value {
    let mut annotations = json!({});
    for (key, value) in deployment["metadata"]["annotations"].as_object().into_iter().flatten() {
        let is_own =
            [REVISION, DESIRED, MAX, "kubectl.kubernetes.io/last-applied-configuration"].contains(&key.as_str());
        if !is_own {
            annotations[key] = value.clone();
        }
    }
    annotations
}

/// Deletes the oldest empty replica sets beyond the history limit, once the rollout is complete.
fn forget_history(family: &Family<'_>, effects: &mut Effects) {
    let Family { deployment, new, old } = family;
    if !new.is_some_and(|new| progress::is_complete(deployment, new, old)) {
        return;
    }
    let limit = deployment["spec"]["revisionHistoryLimit"].as_u64().and_then(|limit| usize::try_from(limit).ok());
    let surplus = old.len().saturating_sub(limit.unwrap_or(10));
    for set in old.iter().take(surplus) {
        let is_empty = replicas_of(set) == 0 && set["status"]["replicas"].as_i64().unwrap_or(0) == 0;
        if is_empty && !pods::is_terminating(set) {
            effects.delete(Deletion::of(ObjectKey::of(resource::REPLICA_SETS, set)));
        }
    }
}

/// `spec.replicas`, 1 if it is not said.
fn replicas_of(object: &Value) -> i64 {
    object["spec"]["replicas"].as_i64().unwrap_or(1).max(0)
}

fn note(deployment: &Value, message: String) -> Note {
    Note {
        regarding: deployment.clone(),
        severity: Severity::Normal,
        reason: "ScalingReplicaSet".to_owned(),
        message,
        component: "deployment-controller".to_owned(),
        host: String::new(),
    }
}
