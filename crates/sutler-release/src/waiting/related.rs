//! Why an object is not ready, from what hangs below it: its pods, and their events.

use std::collections::BTreeMap;

use serde_json::Value;
use sutler_objects::object;
use sutler_objects::selector::LabelSelector;

use crate::cluster::{Cluster, Mapping, Select};

/// Pods and events, read at most once a round. What may not be read is left out: reasons are a kindness.
#[derive(Default)]
pub(super) struct Related {
    pods: BTreeMap<String, Vec<Value>>,
}

impl Related {
    /// The reason in one sentence, if something below the object tells one.
    pub(super) async fn reason(&mut self, cluster: &Cluster, live: &Value) -> Option<String> {
        let namespace = object::namespace(live);
        match object::kind(live) {
            "Pod" => match pod_reason(live) {
                None => self.event(cluster, live).await,
                reason => reason,
            },
            "PersistentVolumeClaim" => self.event(cluster, live).await,
            "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" => {
                let selector = LabelSelector::from_object(object::at(live, &["spec", "selector"])?).ok()??;
                if !self.pods.contains_key(namespace) {
                    let pods = cluster.list(&core("Pod", "pods"), Some(namespace), Select::All).await;
                    let pods = pods.inspect_err(|error| tracing::debug!(%error, "pods cannot be read for reasons"));
                    self.pods.insert(namespace.to_owned(), pods.unwrap_or_default());
                }
                let pods: Vec<&Value> = self.pods[namespace].iter().filter(|pod| selector.selects(pod)).collect();
                if let Some(reason) = reason_of_pods(&pods) {
                    return Some(reason);
                }
                let waiting = pods.iter().find(|pod| object::text(pod, &["status", "phase"]) == "Pending")?;
                let reason = self.event(cluster, waiting).await?;
                Some(format!("pod {}: {reason}", object::name(waiting)))
            }
            _ => None,
        }
    }

    /// The last warning about an object.
    async fn event(&self, cluster: &Cluster, about: &Value) -> Option<String> {
        let fields = format!("involvedObject.name={},type=Warning", object::name(about));
        let kind = core("Event", "events");
        let events = cluster.list(&kind, Some(object::namespace(about)), Select::Fields(&fields));
        let events = events.await.inspect_err(|error| tracing::debug!(%error, "events cannot be read for reasons"));
        last_warning(&events.ok()?, object::kind(about))
    }
}

fn core(kind: &str, plural: &str) -> Mapping {
    Mapping { api_version: "v1".to_owned(), kind: kind.to_owned(), plural: plural.to_owned(), namespaced: true }
}

/// What the latest of some warnings says.
fn last_warning(events: &[Value], kind: &str) -> Option<String> {
    let time = |event: &Value| {
        let fields = ["lastTimestamp", "eventTime", "firstTimestamp"];
        fields.iter().map(|field| object::text(event, &[field])).find(|time| !time.is_empty()).map(str::to_owned)
    };
    let about = events.iter().filter(|event| object::text(event, &["involvedObject", "kind"]) == kind);
    let last = about.max_by_key(|event| time(event))?;
    Some(format!("{}: {}", object::text(last, &["reason"]), object::text(last, &["message"]).trim_end()))
}

/// The first reason that a pod tells, by name, and how many others tell the same.
fn reason_of_pods(pods: &[&Value]) -> Option<String> {
    let mut reasons: Vec<(&str, String)> =
        pods.iter().filter_map(|pod| Some((object::name(pod), pod_reason(pod)?))).collect();
    reasons.sort();
    let (name, reason) = reasons.first()?;
    let same = reasons.iter().filter(|(_, other)| other == reason).count();
    Some(match same {
        1 => format!("pod {name}: {reason}"),
        same => format!("pod {name} and {} more: {reason}", same - 1),
    })
}

/// Why a pod is not ready, as far as it says so itself. What a container wrote is not repeated: it may hold secrets.
fn pod_reason(pod: &Value) -> Option<String> {
    let condition = |kind: &str| {
        object::list(pod, &["status", "conditions"]).iter().find(|condition| object::text(condition, &["type"]) == kind)
    };
    if let Some(scheduled) = condition("PodScheduled")
        && object::text(scheduled, &["status"]) == "False"
    {
        let message = object::text(scheduled, &["message"]);
        return Some(if message.is_empty() { "it is not scheduled yet".to_owned() } else { message.to_owned() });
    }
    if object::text(pod, &["status", "phase"]) == "Failed" {
        let fields = [object::text(pod, &["status", "reason"]), object::text(pod, &["status", "message"])];
        let told: Vec<&str> = fields.into_iter().filter(|text| !text.is_empty()).collect();
        return Some(if told.is_empty() { "it failed".to_owned() } else { told.join(": ") });
    }
    let statuses = |field: &str| object::list(pod, &["status", field]).iter();
    let waits = statuses("initContainerStatuses").chain(statuses("containerStatuses"));
    waits.filter_map(container_reason).next()
}

fn container_reason(status: &Value) -> Option<String> {
    let name = object::text(status, &["name"]);
    let state = |path: &[&str]| object::text(status, path);
    match state(&["state", "waiting", "reason"]) {
        "" | "ContainerCreating" | "PodInitializing" => {}
        reason => {
            let message = state(&["state", "waiting", "message"]);
            let mut text = format!("container {name}: {reason}");
            if !message.is_empty() {
                text.push_str(": ");
                text.push_str(message);
            }
            // A crash loop does not say why it crashes; the last run does.
            if let Some(code) = object::integer(status, &["lastState", "terminated", "exitCode"]) {
                text.push_str(&ended(code, state(&["lastState", "terminated", "reason"])));
            }
            return Some(text);
        }
    }
    match object::integer(status, &["state", "terminated", "exitCode"]) {
        Some(code) if code != 0 => {
            Some(format!("container {name}{}", ended(code, state(&["state", "terminated", "reason"]))))
        }
        _ => None,
    }
}

fn ended(code: i64, reason: &str) -> String {
    match reason {
        "" | "Error" => format!(", ended with exit code {code}"),
        reason => format!(", ended with exit code {code} ({reason})"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(status: Value, expect: Option<&str>) {
        assert_eq!(pod_reason(&json!({"kind": "Pod", "status": status})).as_deref(), expect);
    }

    #[test]
    fn a_pod_says_why_it_is_not_ready() {
        check(json!({"phase": "Running"}), None);
        check(json!({"phase": "Pending"}), None);
        check(
            json!({"conditions": [{"type": "PodScheduled", "status": "False",
                "message": "0/5 nodes are available: 5 Insufficient cpu."}]}),
            Some("0/5 nodes are available: 5 Insufficient cpu."),
        );
        check(
            json!({"containerStatuses": [{"name": "hub", "state": {"waiting": {"reason": "ImagePullBackOff",
                "message": "Back-off pulling image \"x\""}}}]}),
            Some("container hub: ImagePullBackOff: Back-off pulling image \"x\""),
        );
        check(
            json!({"containerStatuses": [{"name": "hub", "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": "hunter2"}}}]}),
            Some("container hub: CrashLoopBackOff, ended with exit code 137 (OOMKilled)"),
        );
        check(
            json!({"initContainerStatuses": [{"name": "wait", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}],
                "containerStatuses": [{"name": "hub", "state": {"waiting": {"reason": "PodInitializing"}}}]}),
            Some("container wait, ended with exit code 1"),
        );
        check(
            json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}),
            Some("Evicted: low on memory"),
        );
    }

    #[test]
    fn pods_with_one_reason_are_counted() {
        let pod = |name: &str, message: &str| {
            json!({"metadata": {"name": name}, "status": {"conditions":
                [{"type": "PodScheduled", "status": "False", "message": message}]}})
        };
        let pods = [pod("b", "full"), pod("a", "full"), pod("c", "other")];
        assert_eq!(reason_of_pods(&pods.iter().collect::<Vec<_>>()).unwrap(), "pod a and 1 more: full");
        assert_eq!(reason_of_pods(&[]), None);
    }

    #[test]
    fn the_last_warning_counts() {
        let event = |time: &str, message: &str| json!({"involvedObject": {"kind": "Pod"}, "reason": "FailedMount", "message": message, "lastTimestamp": time});
        let events = [event("2026-01-02T00:00:00Z", "later\n"), event("2026-01-01T00:00:00Z", "earlier")];
        assert_eq!(last_warning(&events, "Pod").unwrap(), "FailedMount: later");
        assert_eq!(last_warning(&events, "PersistentVolumeClaim"), None);
    }
}
