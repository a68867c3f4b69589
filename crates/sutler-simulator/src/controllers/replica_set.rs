//! ReplicaSet: as many pods of a template as wanted, as Kubernetes' replica set controller.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::controllers::conditions::{self, Condition};
use crate::controllers::{Change, Controller, Deletion, Effect, Effects, Note, Queue, Severity, pods, times};
use crate::key::{ObjectKey, resource};
use crate::status::Refusal;
use crate::view::View;

/// Keeps the pods of ReplicaSets.
pub(crate) struct ReplicaSets;

impl Controller for ReplicaSets {
    fn name(&self) -> &'static str {
        "replicaset-controller"
    }

    fn on_change(&self, change: &Change, _view: &View<'_>, queue: &mut Queue) {
        queue_owner(change, resource::REPLICA_SETS, "ReplicaSet", queue);
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let Some(set) = view.object(key) else { return };
        let all = pods::owned(view, set);
        let active: Vec<&Value> = all.iter().copied().filter(|pod| pods::is_active(pod)).collect();
        let wanted = set["spec"]["replicas"].as_i64().unwrap_or(1).max(0);
        let have = count(&active);
        if !pods::is_terminating(set) {
            let prefix = set["metadata"]["name"].as_str().unwrap_or("");
            for name in pods::free_names(view, set, prefix, wanted - have) {
                let mut pod = pods::of_template(set, &set["spec"]["template"]);
                pod["metadata"]["name"] = json!(name);
                pod["metadata"]["generateName"] = json!(format!("{prefix}-"));
                effects.create(pod);
                effects.record(note(set, Severity::Normal, "SuccessfulCreate", format!("Created pod: {name}")));
            }
            if have > wanted {
                let surplus = usize::try_from(have - wanted).unwrap_or(0);
                for pod in to_delete(&active, surplus) {
                    effects.delete(Deletion::of(pods::key(pod)));
                    let message = format!("Deleted pod: {}", pod["metadata"]["name"].as_str().unwrap_or(""));
                    effects.record(note(set, Severity::Normal, "SuccessfulDelete", message));
                }
            }
        }
        // Pods just asked for are seen when they are there: each is a change that brings this set here again.
        let (status, wake) = status(set, &active, view.now());
        effects.replace_status(json!({
            "apiVersion": set["apiVersion"], "kind": set["kind"], "metadata": set["metadata"], "status": status,
        }));
        match wake {
            Some(at) => effects.wake_at(key.clone(), at),
            None => effects.forget_wake(key.clone()),
        }
    }

    fn on_refused(&self, key: &ObjectKey, effect: &Effect, refusal: &Refusal, view: &View<'_>, effects: &mut Effects) {
        let (Effect::Create(_), Some(set)) = (effect, view.object(key)) else { return };
        let message = format!("Error creating: {}", refusal.message);
        effects.record(note(set, Severity::Warning, "FailedCreate", message));
        let mut list = set["status"]["conditions"].clone();
        let failure =
            Condition { kind: "ReplicaFailure", status: true, reason: "FailedCreate", message: &refusal.message };
        conditions::set(&mut list, &failure, view.now());
        effects.patch_status(key.clone(), json!({"conditions": list}));
    }
}

/// Queues an object of `resource` that changed, or the one that controls a pod that changed.
pub(crate) fn queue_owner(change: &Change, resource: &str, kind: &str, queue: &mut Queue) {
    if change.is(resource) {
        queue.push(change.key.clone());
    }
    if change.is(resource::PODS) {
        for pod in change.old.iter().chain(&change.new) {
            if let Some((_, name, _)) = pods::controller(pod).filter(|(owner, _, _)| *owner == kind) {
                queue.push(ObjectKey::new(resource, &change.key.namespace, name));
            }
        }
    }
}

/// Those that are missed least, as `ActivePodsWithRanks`: without a node, then not running, not ready, ready for less time, newer.
pub(crate) fn to_delete<'a>(active: &[&'a Value], surplus: usize) -> Vec<&'a Value> {
    let mut sorted = active.to_vec();
    sorted.sort_by_key(|pod| {
        let cost = pod["metadata"]["annotations"]["controller.kubernetes.io/pod-deletion-cost"]
            .as_str()
            .and_then(|cost| cost.parse::<i64>().ok())
            .unwrap_or(0);
        (
            pod["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty()),
            pod["status"]["phase"] == "Running",
            pods::is_ready(pod),
            cost,
            Reverse(pods::available_at(pod, 0)),
            Reverse(times::read(&pod["metadata"]["creationTimestamp"])),
            pod["metadata"]["name"].as_str().unwrap_or("").to_owned(),
        )
    });
    sorted.truncate(surplus);
    sorted
}

/// The status, and when it changes by itself.
fn status(set: &Value, active: &[&Value], now: Timestamp) -> (Value, Option<Timestamp>) {
    let min_ready = set["spec"]["minReadySeconds"].as_i64().unwrap_or(0);
    let labels = set["spec"]["template"]["metadata"]["labels"].as_object();
    let is_labelled = |pod: &&&Value| {
        labels.into_iter().flatten().all(|(key, value)| pod["metadata"]["labels"].get(key) == Some(value))
    };
    let times: Vec<Timestamp> = active.iter().filter_map(|pod| pods::available_at(pod, min_ready)).collect();
    let mut status = json!({
        "replicas": active.len(),
        "observedGeneration": set["metadata"]["generation"],
    });
    let counts = [
        ("fullyLabeledReplicas", active.iter().filter(is_labelled).count()),
        ("readyReplicas", active.iter().filter(|pod| pods::is_ready(pod)).count()),
        ("availableReplicas", times.iter().filter(|at| **at <= now).count()),
    ];
    for (field, count) in counts {
        if count > 0 {
            status[field] = json!(count);
        }
    }
    let wanted = set["spec"]["replicas"].as_i64().unwrap_or(1);
    let mut list = set["status"]["conditions"].clone();
    if count(active) >= wanted {
        conditions::remove(&mut list, "ReplicaFailure");
    }
    if list.as_array().is_some_and(|list| !list.is_empty()) {
        status["conditions"] = list;
    }
    (status, times.into_iter().filter(|at| *at > now).min())
}

fn note(set: &Value, severity: Severity, reason: &str, message: String) -> Note {
    Note {
        regarding: set.clone(),
        severity,
        reason: reason.to_owned(),
        message,
        component: "replicaset-controller".to_owned(),
        host: String::new(),
    }
}

fn count(pods: &[&Value]) -> i64 {
    i64::try_from(pods.len()).unwrap_or(i64::MAX)
}
