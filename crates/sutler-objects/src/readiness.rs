//! Whether an object is ready, and if not, why, in one sentence a person understands.
//!
//! *When* an object is ready follows kstatus, which Helm 4 waits by. *Why not* looks further: at the object's pods and at
//! events about them. One difference is on purpose: a pod that crashes or finds no node yet counts as not ready, not as
//! failed, since an autoscaler or a dependency that comes up later mends it; [`Readiness::Failed`] is kept for what will not
//! change by waiting.

mod pod;

pub use pod::pod_reason;

use std::fmt;

use serde_json::Value;

use crate::object;
use crate::selector::LabelSelector;

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Nothing to wait for.
    Ready,
    /// Not yet.
    NotReady {
        /// A sentence without a period: `2 of 4 replicas ready: pod web-x is pending: 0/3 nodes are available`.
        reason: String,
    },
    /// Waiting will not help.
    Failed {
        /// As above.
        reason: String,
    },
}

impl Readiness {
    /// Whether there is nothing to wait for.
    pub fn is_ready(&self) -> bool {
        *self == Readiness::Ready
    }

    /// Why not; `None` if it is ready.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Readiness::Ready => None,
            Readiness::NotReady { reason } | Readiness::Failed { reason } => Some(reason),
        }
    }
}

/// `ready`, or the reason.
impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().unwrap_or("ready"))
    }
}

/// What else is known, to give reasons. Both lists may hold more than concerns the object, or nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around<'a> {
    /// Pods, of the object's namespace or of all.
    pub pods: &'a [Value],
    /// Events (of `v1` or `events.k8s.io/v1`).
    pub events: &'a [Value],
}

fn not_ready(reason: impl Into<String>) -> Readiness {
    Readiness::NotReady { reason: reason.into() }
}

fn failed(reason: impl Into<String>) -> Readiness {
    Readiness::Failed { reason: reason.into() }
}

/// Whether `object` is ready, as `helm install --wait` understands it: workloads with all their replicas, claims bound, pods
/// ready, Jobs started (see [`completion`]), custom resources by the usual conditions. A paused Deployment is ready.
pub fn readiness(object: &Value, around: Around<'_>) -> Readiness {
    if let Some(general) = general(object) {
        return general;
    }
    let (group, _) = object::group_version(object::api_version(object));
    match (group, object::kind(object)) {
        ("", "Pod") => pod(object, around),
        ("", "Service") => service(object, around),
        ("", "PersistentVolumeClaim") => claim(object, around),
        ("", "Namespace") => namespace(object),
        ("apps", "Deployment") => deployment(object, around),
        ("apps", "StatefulSet") => stateful_set(object, around),
        ("apps", "DaemonSet") => daemon_set(object, around),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => replica_set(object, around),
        ("batch", "Job") => job(object, around, Wanted::Started),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => custom_resource_definition(object),
        ("apiregistration.k8s.io", "APIService") => by_condition(object, "Available"),
        (group, _) if crate::kinds::builtin().iter().any(|builtin| builtin.group == group) => Readiness::Ready,
        _ => by_condition(object, "Ready"),
    }
}

/// Whether a Job or Pod has run to its end, as Helm's hooks, tests and `--wait-for-jobs` want it; other objects as
/// [`readiness`].
pub fn completion(object: &Value, around: Around<'_>) -> Readiness {
    if let Some(general) = general(object) {
        return general;
    }
    match (object::api_version(object), object::kind(object)) {
        ("batch/v1", "Job") => job(object, around, Wanted::Complete),
        ("v1", "Pod") => match object::text(object, &["status", "phase"]) {
            "Succeeded" => Readiness::Ready,
            "Failed" => pod(object, around),
            _ => not_ready(pod_reason(object, around.events).unwrap_or_else(|| "still running".to_owned())),
        },
        _ => readiness(object, around),
    }
}

/// What holds of every kind: deletion, a spec not yet seen, the conditions `Reconciling` and `Stalled`.
fn general(object: &Value) -> Option<Readiness> {
    if object::at(object, &["metadata", "deletionTimestamp"]).is_some() {
        let finalizers: Vec<&str> =
            object::list(object, &["metadata", "finalizers"]).iter().filter_map(Value::as_str).collect();
        let held = if finalizers.is_empty() { String::new() } else { format!(", held by {}", finalizers.join(", ")) };
        return Some(not_ready(format!("being deleted{held}")));
    }
    let generation = object::integer(object, &["metadata", "generation"]);
    let observed = object::integer(object, &["status", "observedGeneration"]);
    if let (Some(generation), Some(observed)) = (generation, observed)
        && generation != observed
    {
        return Some(not_ready("its controller has not seen the latest change yet"));
    }
    for condition in object::list(object, &["status", "conditions"]) {
        if object::text(condition, &["status"]) == "True" {
            match object::text(condition, &["type"]) {
                "Reconciling" => return Some(not_ready(condition_text(condition))),
                "Stalled" => return Some(failed(condition_text(condition))),
                _ => {}
            }
        }
    }
    None
}

/// A condition of this type.
fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object::list(object, &["status", "conditions"]).iter().find(|condition| object::text(condition, &["type"]) == kind)
}

fn condition_status<'a>(object: &'a Value, kind: &str) -> &'a str {
    condition(object, kind).map_or("", |condition| object::text(condition, &["status"]))
}

/// A condition's message, or its reason, or its name.
fn condition_text(condition: &Value) -> String {
    let message = object::text(condition, &["message"]).trim_end_matches('.');
    let reason = object::text(condition, &["reason"]);
    let kind = object::text(condition, &["type"]);
    match (message, reason) {
        ("", "") => format!("condition {kind} is {}", object::text(condition, &["status"])),
        ("", reason) => reason.to_owned(),
        (message, _) => message.to_owned(),
    }
}

fn count(object: &Value, path: &[&str]) -> i64 {
    object::integer(object, path).unwrap_or(0)
}

fn replicas_wanted(object: &Value) -> i64 {
    object::integer(object, &["spec", "replicas"]).unwrap_or(1)
}

fn of(count: i64, total: i64, what: &str) -> String {
    format!("{count} of {total} {}", if total == 1 { what.trim_end_matches('s').to_owned() } else { what.to_owned() })
}

/// The sentence about a workload: the count, and what keeps the first of its pods that are not ready.
fn workload(count: String, object: &Value, around: Around<'_>) -> Readiness {
    let detail = first_problem(object, around)
        .or_else(|| last_warning(object, around.events).map(|warning| format!(": {warning}")));
    not_ready(format!("{count}{}", detail.unwrap_or_default()))
}

/// `: pod x is pending: …` of the pod that is worst off, and how many more have the same trouble.
fn first_problem(object: &Value, around: Around<'_>) -> Option<String> {
    let mut problems: Vec<(&str, String)> = pods_of(object, around.pods)
        .filter_map(|pod| Some((object::name(pod), pod_reason(pod, around.events)?)))
        .collect();
    problems.sort_by_key(|(name, reason)| (pod::severity(reason), *name));
    let (name, reason) = problems.first()?;
    let same = problems.iter().filter(|(_, other)| other == reason).count() - 1;
    let more = match same {
        0 => String::new(),
        1 => " (and 1 more)".to_owned(),
        more => format!(" (and {more} more)"),
    };
    Some(format!(": pod {name}{more} {reason}"))
}

/// The pods that belong to a workload: in its namespace, matched by its selector, not being deleted.
fn pods_of<'a>(object: &'a Value, pods: &'a [Value]) -> impl Iterator<Item = &'a Value> {
    let selector = match object::at(object, &["spec", "selector"]) {
        Some(Value::Object(labels)) if object::kind(object) == "ReplicationController" => {
            Some(LabelSelector::from_labels(labels))
        }
        Some(selector) => LabelSelector::from_object(selector).ok().flatten(),
        None => None,
    };
    pods.iter().filter(move |pod| {
        object::namespace(pod) == object::namespace(object)
            && object::at(pod, &["metadata", "deletionTimestamp"]).is_none()
            && selector.as_ref().is_some_and(|selector| !selector.is_empty() && selector.selects(pod))
    })
}

/// The message of the latest warning about the object itself: `failed calling webhook …`, `exceeded quota …`.
fn last_warning(object: &Value, events: &[Value]) -> Option<String> {
    let about = |event: &&Value| pod::is_about(event, object) && object::text(event, &["type"]) == "Warning";
    let latest = events.iter().filter(about).max_by_key(|event| pod::event_time(event).to_owned())?;
    Some(pod::event_message(latest).to_owned())
}

fn pod(object: &Value, around: Around<'_>) -> Readiness {
    match object::text(object, &["status", "phase"]) {
        "Succeeded" => Readiness::Ready,
        "Failed" => failed(pod_reason(object, around.events).unwrap_or_else(|| "has failed".to_owned())),
        "Running" if condition_status(object, "Ready") == "True" => Readiness::Ready,
        _ => not_ready(pod_reason(object, around.events).unwrap_or_else(|| "is not ready".to_owned())),
    }
}

fn service(object: &Value, around: Around<'_>) -> Readiness {
    let spec = |name: &str| object::text(object, &["spec", name]);
    if spec("type") == "ExternalName" {
        return Readiness::Ready;
    }
    if spec("clusterIP").is_empty() {
        return not_ready("no cluster IP yet");
    }
    // kstatus is content with the cluster IP; Helm has always waited for the load balancer's address.
    let external = !object::list(object, &["spec", "externalIPs"]).is_empty();
    if spec("type") == "LoadBalancer"
        && !external
        && object::list(object, &["status", "loadBalancer", "ingress"]).is_empty()
    {
        let detail = last_warning(object, around.events).map(|warning| format!(": {warning}"));
        return not_ready(format!("no load balancer address yet{}", detail.unwrap_or_default()));
    }
    Readiness::Ready
}

fn claim(object: &Value, around: Around<'_>) -> Readiness {
    match object::text(object, &["status", "phase"]) {
        "Bound" => Readiness::Ready,
        "Lost" => failed("its volume is lost"),
        _ => {
            let about = around.events.iter().filter(|event| pod::is_about(event, object));
            let latest = about.max_by_key(|event| pod::event_time(event).to_owned()).map(pod::event_message);
            not_ready(format!(
                "not bound to a volume yet{}",
                latest.map(|message| format!(": {message}")).unwrap_or_default()
            ))
        }
    }
}

fn namespace(object: &Value) -> Readiness {
    match object::text(object, &["status", "phase"]) {
        "Terminating" => not_ready("being deleted"),
        _ => Readiness::Ready,
    }
}

fn deployment(object: &Value, around: Around<'_>) -> Readiness {
    if object::at(object, &["spec", "paused"]) == Some(&Value::Bool(true)) {
        return Readiness::Ready;
    }
    let progressing = condition(object, "Progressing");
    if progressing.is_some_and(|condition| object::text(condition, &["reason"]) == "ProgressDeadlineExceeded") {
        let seconds = object::integer(object, &["spec", "progressDeadlineSeconds"]).unwrap_or(600);
        let (ready, wanted) = (count(object, &["status", "readyReplicas"]), replicas_wanted(object));
        let detail = first_problem(object, around).unwrap_or_default();
        return failed(format!("no progress for {seconds} s, {} ready{detail}", of(ready, wanted, "replicas")));
    }
    if let Some(failure) =
        condition(object, "ReplicaFailure").filter(|condition| object::text(condition, &["status"]) == "True")
    {
        return not_ready(condition_text(failure));
    }
    let wanted = replicas_wanted(object);
    let status = |name: &str| count(object, &["status", name]);
    if wanted > status("updatedReplicas") {
        return workload(format!("{} updated", of(status("updatedReplicas"), wanted, "replicas")), object, around);
    }
    if wanted > status("availableReplicas").min(status("readyReplicas")) {
        let ready = status("availableReplicas").min(status("readyReplicas"));
        return workload(format!("{} ready", of(ready, wanted, "replicas")), object, around);
    }
    if status("replicas") > wanted {
        return not_ready(format!("{} old replicas still to be stopped", status("replicas") - wanted));
    }
    let unlimited = object::integer(object, &["spec", "progressDeadlineSeconds"])
        .is_none_or(|seconds| seconds == i64::from(i32::MAX));
    let rolled_out =
        progressing.is_some_and(|condition| object::text(condition, &["reason"]) == "NewReplicaSetAvailable");
    if !unlimited && !rolled_out {
        return not_ready("its new replica set is not available yet");
    }
    if condition_status(object, "Available") != "True" {
        return not_ready(
            condition(object, "Available").map_or_else(|| "not available yet".to_owned(), condition_text),
        );
    }
    Readiness::Ready
}

fn stateful_set(object: &Value, around: Around<'_>) -> Readiness {
    if object::text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        return Readiness::Ready;
    }
    let wanted = replicas_wanted(object);
    let status = |name: &str| count(object, &["status", name]);
    if wanted > status("readyReplicas").min(status("replicas")) {
        return workload(format!("{} ready", of(status("readyReplicas"), wanted, "replicas")), object, around);
    }
    if status("replicas") > wanted {
        return not_ready(format!("{} old replicas still to be stopped", status("replicas") - wanted));
    }
    // A partition holds the pods below it back on purpose. As the API server sets it to 0, 0 is no partition here.
    let partition = count(object, &["spec", "updateStrategy", "rollingUpdate", "partition"]);
    if partition > 0 {
        let due = wanted - partition;
        if status("updatedReplicas") < due {
            return workload(format!("{} updated", of(status("updatedReplicas"), due, "replicas")), object, around);
        }
        return Readiness::Ready;
    }
    if object::text(object, &["status", "currentRevision"]) != object::text(object, &["status", "updateRevision"]) {
        return workload(format!("{} updated", of(status("updatedReplicas"), wanted, "replicas")), object, around);
    }
    Readiness::Ready
}

fn daemon_set(object: &Value, around: Around<'_>) -> Readiness {
    if object::integer(object, &["status", "observedGeneration"]).is_none() {
        return not_ready("its controller has not seen it yet");
    }
    if object::text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        return Readiness::Ready;
    }
    let status = |name: &str| count(object, &["status", name]);
    let wanted = status("desiredNumberScheduled");
    for (have, what) in [
        (status("currentNumberScheduled"), "has a pod"),
        (status("updatedNumberScheduled"), "has the new pod"),
        (status("numberAvailable").min(status("numberReady")), "ready"),
    ] {
        if wanted > have {
            return workload(format!("{} {what}", of(have, wanted, "nodes")), object, around);
        }
    }
    Readiness::Ready
}

fn replica_set(object: &Value, around: Around<'_>) -> Readiness {
    if let Some(failure) =
        condition(object, "ReplicaFailure").filter(|condition| object::text(condition, &["status"]) == "True")
    {
        return not_ready(condition_text(failure));
    }
    let wanted = replicas_wanted(object);
    let status = |name: &str| count(object, &["status", name]);
    let ready = status("availableReplicas").min(status("readyReplicas"));
    if wanted > ready {
        return workload(format!("{} ready", of(ready, wanted, "replicas")), object, around);
    }
    if status("replicas") > wanted {
        return not_ready(format!("{} old replicas still to be stopped", status("replicas") - wanted));
    }
    Readiness::Ready
}

/// How far a Job must have come.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Started,
    Complete,
}

fn job(object: &Value, around: Around<'_>, wanted: Wanted) -> Readiness {
    if condition_status(object, "Complete") == "True" {
        return Readiness::Ready;
    }
    if let Some(failure) =
        condition(object, "Failed").filter(|condition| object::text(condition, &["status"]) == "True")
    {
        let detail = first_problem(object, around).unwrap_or_default();
        return failed(format!("the job has failed: {}{detail}", condition_text(failure)));
    }
    let suspended = object::at(object, &["spec", "suspend"]) == Some(&Value::Bool(true));
    let started = object::at(object, &["status", "startTime"]).is_some();
    match wanted {
        Wanted::Started if started || suspended => Readiness::Ready,
        _ if suspended => not_ready("the job is suspended"),
        _ if !started => not_ready("the job has not started yet"),
        _ => {
            let parallelism = object::integer(object, &["spec", "parallelism"]).unwrap_or(1);
            let completions = object::integer(object, &["spec", "completions"]).unwrap_or(parallelism);
            workload(
                format!("{} done", of(count(object, &["status", "succeeded"]), completions, "completions")),
                object,
                around,
            )
        }
    }
}

fn custom_resource_definition(object: &Value) -> Readiness {
    if let Some(names) =
        condition(object, "NamesAccepted").filter(|condition| object::text(condition, &["status"]) == "False")
    {
        return failed(condition_text(names));
    }
    match condition(object, "Established") {
        Some(condition) if object::text(condition, &["status"]) == "True" => Readiness::Ready,
        Some(condition) if object::text(condition, &["reason"]) != "Installing" => failed(condition_text(condition)),
        _ => not_ready("the API server does not serve it yet"),
    }
}

/// Ready if the condition is true or does not exist.
fn by_condition(object: &Value, kind: &str) -> Readiness {
    match condition(object, kind) {
        Some(condition) if object::text(condition, &["status"]) != "True" => not_ready(condition_text(condition)),
        None if kind == "Available" => not_ready("not available yet"),
        _ => Readiness::Ready,
    }
}

#[cfg(test)]
mod tests;
