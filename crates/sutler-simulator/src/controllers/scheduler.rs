//! The scheduler: binds pods to nodes, or says why none will do. The decisions are [`sutler_nodes::scheduler`]'s.
//!
//! All that wait are looked at in one pass, by priority and age. A pass comes at the next tenth of a second of simulated time
//! after a change that matters, so that many changes are one pass.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use sutler_nodes::scheduler::{Around, PodFacts, Snapshot, Verdict, schedule};

use crate::controllers::conditions::{self, Condition};
use crate::controllers::{Change, Controller, Effects, Note, Queue, Severity, pods, times};
use crate::key::{ObjectKey, resource};
use crate::view::View;

/// A change was seen: a pass is due.
const CHANGED: &str = "changed";
/// The pass.
const PASS: &str = "pass";

/// How far apart passes are, milliseconds.
const EVERY_MILLIS: i64 = 100;

/// Binds pods to nodes.
pub(crate) struct Scheduler;

impl Controller for Scheduler {
    fn name(&self) -> &'static str {
        "default-scheduler"
    }

    fn manager(&self) -> &'static str {
        "kube-scheduler"
    }

    fn on_change(&self, change: &Change, view: &View<'_>, queue: &mut Queue) {
        if matters(change) && view.pods_unbound().any(waits) {
            queue.push(ObjectKey::named(CHANGED));
        }
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        if key.name == CHANGED {
            effects.wake_at(ObjectKey::named(PASS), times::next_multiple(view.now(), EVERY_MILLIS));
            return;
        }
        pass(view, effects);
    }
}

/// Whether the scheduler has something to do with a pod.
fn waits(pod: &Value) -> bool {
    let scheduler = pod["spec"]["schedulerName"].as_str().unwrap_or("");
    pods::is_active(pod) && matches!(scheduler, "" | "default-scheduler")
}

/// Whether a change can move a pod that waits.
fn matters(change: &Change) -> bool {
    let (old, new) = (change.old.as_deref(), change.new.as_deref());
    match change.key.resource.as_str() {
        resource::PODS => {
            let part = |pod: &Value| {
                (
                    pod["spec"].clone(),
                    pod["metadata"]["labels"].clone(),
                    pods::has_ended(pod),
                    pods::is_terminating(pod),
                )
            };
            old.map(part) != new.map(part)
        }
        resource::NODES => {
            let part = |node: &Value| {
                (node["spec"].clone(), node["metadata"]["labels"].clone(), node["status"]["allocatable"].clone())
            };
            old.map(part) != new.map(part)
        }
        resource::PERSISTENT_VOLUME_CLAIMS | resource::PERSISTENT_VOLUMES | resource::NAMESPACES => true,
        _ => false,
    }
}

/// Places all that wait, one after the other.
fn pass(view: &View<'_>, effects: &mut Effects) {
    let mut waiting: Vec<Arc<PodFacts<'_>>> =
        view.pods_unbound().filter(|pod| waits(pod)).map(|pod| Arc::new(facts(view, pod))).collect();
    if waiting.is_empty() {
        return;
    }
    waiting.sort_by(|a, b| a.queue_order(b));
    let mut snapshot = snapshot(view);
    for pod in waiting {
        if pod.is_gated() {
            report(view, &pod, "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates", effects);
            continue;
        }
        let uid = pod.object["metadata"]["uid"].as_str().unwrap_or("");
        match schedule(&pod, &snapshot, view.random(&format!("tie/{uid}"))) {
            Verdict::Node(node) => {
                bind(view, &pod, &node, effects);
                snapshot.place(pod, &node);
            }
            Verdict::Unschedulable(why) => report(view, &pod, "Unschedulable", &why.to_string(), effects),
        }
    }
}

/// All nodes and what runs on them.
pub(crate) fn snapshot<'a>(view: &View<'a>) -> Snapshot<'a> {
    let bound = view.list(resource::PODS).filter(|pod| pod["spec"]["nodeName"].as_str().is_some_and(|n| !n.is_empty()));
    Snapshot::new(view.list(resource::NODES), bound, view.list(resource::NAMESPACES))
}

/// A pod as the scheduler sees it, with what its claims and its owners say.
pub(crate) fn facts<'a>(view: &View<'a>, pod: &'a Value) -> PodFacts<'a> {
    PodFacts::among(pod, &Looked(*view))
}

/// The view as the scheduler looks objects up.
struct Looked<'a>(View<'a>);

impl<'a> Around<'a> for Looked<'a> {
    fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&'a Value> {
        let resource = match kind {
            "PersistentVolumeClaim" => resource::PERSISTENT_VOLUME_CLAIMS,
            "PersistentVolume" => resource::PERSISTENT_VOLUMES,
            "StorageClass" => resource::STORAGE_CLASSES,
            "ReplicaSet" => resource::REPLICA_SETS,
            "StatefulSet" => resource::STATEFUL_SETS,
            _ => return None,
        };
        self.0.get(resource, namespace, name)
    }

    fn services(&self, namespace: &str) -> Vec<&'a Value> {
        self.0.list_in(resource::SERVICES, namespace).collect()
    }
}

fn bind(view: &View<'_>, pod: &PodFacts<'_>, node: &str, effects: &mut Effects) {
    let key = pods::key(pod.object);
    effects.patch(key.clone(), json!({"spec": {"nodeName": node}}));
    let mut list = pod.object["status"]["conditions"].clone();
    let scheduled = Condition { kind: "PodScheduled", status: true, reason: "", message: "" };
    conditions::set(&mut list, &scheduled, view.now());
    effects.patch_status(key, json!({"conditions": list}));
    let message = format!("Successfully assigned {}/{} to {node}", pod.namespace(), pod.name());
    effects.record(note(pod.object, Severity::Normal, "Scheduled", message));
}

/// Says why a pod waits: in its condition, and as an event when the reason is new.
fn report(view: &View<'_>, pod: &PodFacts<'_>, reason: &str, message: &str, effects: &mut Effects) {
    let known = conditions::find(pod.object, "PodScheduled");
    if known.is_some_and(|known| known["message"] == message && known["reason"] == reason) {
        return;
    }
    let mut list = pod.object["status"]["conditions"].clone();
    let waits = Condition { kind: "PodScheduled", status: false, reason, message };
    conditions::set(&mut list, &waits, view.now());
    effects.patch_status(pods::key(pod.object), json!({"phase": "Pending", "conditions": list}));
    if reason == "Unschedulable" {
        effects.record(note(pod.object, Severity::Warning, "FailedScheduling", message.to_owned()));
    }
}

fn note(pod: &Value, severity: Severity, reason: &str, message: String) -> Note {
    Note {
        regarding: pod.clone(),
        severity,
        reason: reason.to_owned(),
        message,
        component: "default-scheduler".to_owned(),
        host: String::new(),
    }
}

/// How many pods wait in all, by the reason that the scheduler gave.
pub(crate) fn unschedulable<'a>(view: &View<'a>) -> Vec<&'a Value> {
    let waits_in_vain = |pod: &&Value| {
        let condition = conditions::find(pod, "PodScheduled");
        waits(pod) && condition.is_some_and(|c| c["status"] == "False" && c["reason"] == "Unschedulable")
    };
    let mut pods: BTreeMap<(&str, &str), &Value> = BTreeMap::new();
    for pod in view.pods_unbound().filter(waits_in_vain) {
        let metadata = &pod["metadata"];
        let key = (metadata["namespace"].as_str().unwrap_or(""), metadata["name"].as_str().unwrap_or(""));
        pods.insert(key, pod);
    }
    pods.into_values().collect()
}
