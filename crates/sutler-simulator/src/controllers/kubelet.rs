//! The kubelet's model: what becomes of a pod once it has a node. No container runs; time passes as if one did.
//!
//! | part | modelled as |
//! | --- | --- |
//! | sandbox | 1 to 2 s after binding; 4 to 8 s more with a claimed volume that has to be attached |
//! | volumes | a Secret, ConfigMap or claim that is not there keeps the pod in `ContainerCreating`, with `FailedMount` |
//! | images | pulled one after the other, 2 to 9 s each; at once if a pod on the node has used the image |
//! | environment | a Secret, ConfigMap or key that is not there: `CreateContainerConfigError` until it is |
//! | init containers | one after the other, 1 to 3 s each |
//! | an init container that names a Service | ends only when that Service has a ready endpoint (see [`waiting`]) |
//! | sidecars | init containers with `restartPolicy: Always` start and stay |
//! | readiness | at the first probe after `initialDelaySeconds` and 1 to 3 s of warming up; at once without a probe |
//! | end of a container | servers (with a port or a probe, or `restartPolicy: Always`) run on; others end well after 3 to 8 s |
//! | deletion | 1 to 3 s, at most the grace period; then the pod is gone |
//! | a node that goes | takes its pods with it |
//!
//! All delays are in simulated time and come from the store's seed. Crashes, liveness probes, hooks, resource pressure, restarts
//! and resizing are not modelled; neither are images that cannot be had.

mod references;
mod run;
mod waiting;

use serde_json::Value;

use crate::controllers::{Change, Controller, Deletion, Effects, Note, Queue, Severity, pods, times};
use crate::key::{ObjectKey, resource};
use crate::view::View;

/// Runs pods, in a manner of speaking.
pub(crate) struct Kubelet;

impl Controller for Kubelet {
    fn name(&self) -> &'static str {
        "kubelet"
    }

    fn manager(&self) -> &'static str {
        "kubelet"
    }

    fn on_change(&self, change: &Change, view: &View<'_>, queue: &mut Queue) {
        match change.key.resource.as_str() {
            resource::PODS => {
                let is_bound = |pod: &Value| pod["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty());
                if change.new.as_deref().is_some_and(is_bound) {
                    queue.push(change.key.clone());
                }
            }
            // Something that a pod may have waited for.
            resource::SECRETS | resource::CONFIG_MAPS | resource::PERSISTENT_VOLUME_CLAIMS => {
                let namespace = &change.key.namespace;
                for pod in view.list_in(resource::PODS, namespace).filter(|pod| is_starting(pod)) {
                    queue.push(pods::key(pod));
                }
            }
            resource::ENDPOINT_SLICES if waiting::begins_to_serve(change) => {
                for pod in view.list(resource::PODS).filter(|pod| is_starting(pod)) {
                    queue.push(pods::key(pod));
                }
            }
            resource::NODES if change.new.is_none() => {
                view.pods_on(&change.key.name).for_each(|pod| queue.push(pods::key(pod)));
            }
            _ => {}
        }
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let Some(pod) = view.object(key) else { return };
        let Some(name) = pod["spec"]["nodeName"].as_str().filter(|name| !name.is_empty()) else { return };
        let Some(node) = view.get(resource::NODES, "", name) else {
            // The node is gone, and what ran on it with it (the pod garbage collector's work).
            effects.delete(Deletion::now(key.clone()));
            return;
        };
        if pods::is_terminating(pod) {
            stop(key, view, pod, effects);
        } else if !pods::has_ended(pod) {
            run::advance(key, view, pod, node, effects);
        }
    }
}

fn is_starting(pod: &Value) -> bool {
    pod["status"]["phase"] == "Pending" && pod["spec"]["nodeName"].is_string()
}

/// Lets the containers of a pod stop, then removes it.
fn stop(key: &ObjectKey, view: &View<'_>, pod: &Value, effects: &mut Effects) {
    let metadata = &pod["metadata"];
    let grace = metadata["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
    let ends = times::read(&metadata["deletionTimestamp"]).unwrap_or_else(|| view.now());
    let began = times::after(ends, -grace);
    let has_started = !pod["status"]["startTime"].is_null();
    let millis = if has_started { chance(view, pod, "stop", 1_000, 3_000).min(grace * 1_000) } else { 0 };
    let stopped = times::after_millis(began, millis);
    if view.now() < stopped {
        effects.wake_at(key.clone(), stopped);
        return;
    }
    for status in pod["status"]["containerStatuses"].as_array().into_iter().flatten() {
        if !status["state"]["running"].is_null() {
            let message = format!("Stopping container {}", status["name"].as_str().unwrap_or(""));
            effects.record(note(pod, Severity::Normal, "Killing", message));
        }
    }
    effects.delete(Deletion::now(key.clone()));
}

/// A delay in milliseconds, the same whenever it is asked for.
pub(crate) fn chance(view: &View<'_>, pod: &Value, purpose: &str, least: i64, most: i64) -> i64 {
    let uid = pod["metadata"]["uid"].as_str().unwrap_or("");
    let span = u64::try_from(most - least + 1).unwrap_or(1);
    least + i64::try_from(view.random(&format!("{purpose}/{uid}")) % span).unwrap_or(0)
}

fn note(pod: &Value, severity: Severity, reason: &str, message: String) -> Note {
    Note {
        regarding: pod.clone(),
        severity,
        reason: reason.to_owned(),
        message,
        component: "kubelet".to_owned(),
        host: pod["spec"]["nodeName"].as_str().unwrap_or("").to_owned(),
    }
}
