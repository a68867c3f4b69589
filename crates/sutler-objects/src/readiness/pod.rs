//! Why a pod is not ready: from its status, and from the events about it.

use serde_json::Value;

use crate::object;

/// What keeps a pod from being ready, as the end of a sentence that begins with the pod: `is pending: 0/3 nodes are
/// available: 3 Insufficient cpu`, `cannot pull an image: container web: …`. `None` if the pod is ready or done.
pub fn pod_reason(pod: &Value, events: &[Value]) -> Option<String> {
    if object::at(pod, &["metadata", "deletionTimestamp"]).is_some() {
        return Some("is being deleted".to_owned());
    }
    match object::text(pod, &["status", "phase"]) {
        "Succeeded" => None,
        "Failed" => Some(failure(pod)),
        "Running" if super::condition_status(pod, "Ready") == "True" => None,
        _ if object::text(pod, &["spec", "nodeName"]).is_empty() => Some(unscheduled(pod, events)),
        _ => Some(starting(pod, events)),
    }
}

/// Worst first, to choose which of several pods to tell of.
pub(super) fn severity(reason: &str) -> usize {
    ["has failed", "crashes", "cannot", "is pending", "waits", "is starting"]
        .iter()
        .position(|start| reason.starts_with(start))
        .unwrap_or(usize::MAX)
}

/// Whether an event is about this very object.
pub(super) fn is_about(event: &Value, of: &Value) -> bool {
    let about = if event.get("regarding").is_some() { "regarding" } else { "involvedObject" };
    let field = |name: &str| object::text(event, &[about, name]);
    let uid = object::text(of, &["metadata", "uid"]);
    field("kind") == object::kind_or(of, "Pod")
        && field("name") == object::name(of)
        && field("namespace") == object::namespace(of)
        && (field("uid").is_empty() || uid.is_empty() || field("uid") == uid)
}

/// When it happened last, as RFC 3339 text, whose order is that of time.
pub(super) fn event_time(event: &Value) -> &str {
    let paths: [&[&str]; 5] = [
        &["series", "lastObservedTime"],
        &["lastTimestamp"],
        &["deprecatedLastTimestamp"],
        &["eventTime"],
        &["metadata", "creationTimestamp"],
    ];
    paths.iter().map(|path| object::text(event, path)).find(|time| !time.is_empty()).unwrap_or("")
}

/// What it says.
pub(super) fn event_message(event: &Value) -> &str {
    let note = object::text(event, &["note"]);
    let message = if note.is_empty() { object::text(event, &["message"]) } else { note };
    message.trim_end_matches('.')
}

/// The message of the latest event about the pod with one of these reasons.
fn latest<'a>(pod: &Value, events: &'a [Value], reasons: &[&str]) -> Option<&'a str> {
    let wanted = |event: &&Value| reasons.contains(&object::text(event, &["reason"])) && is_about(event, pod);
    events
        .iter()
        .filter(wanted)
        .max_by_key(|event| event_time(event))
        .map(event_message)
        .filter(|message| !message.is_empty())
}

fn with(text: &str, detail: Option<&str>) -> String {
    match detail.map(|detail| detail.trim_end_matches('.')).filter(|detail| !detail.is_empty()) {
        Some(detail) => format!("{text}: {detail}"),
        None => text.to_owned(),
    }
}

fn failure(pod: &Value) -> String {
    let status = |name: &str| Some(object::text(pod, &["status", name])).filter(|text| !text.is_empty());
    let container = all_statuses(pod).find_map(|container| {
        exit(container, "state").map(|exit| format!("container {} {exit}", object::text(container, &["name"])))
    });
    let detail = status("message").or(status("reason")).map(str::to_owned).or(container);
    with("has failed", detail.as_deref())
}

fn unscheduled(pod: &Value, events: &[Value]) -> String {
    let condition =
        super::condition(pod, "PodScheduled").filter(|condition| object::text(condition, &["status"]) == "False");
    let gated = condition.is_some_and(|condition| object::text(condition, &["reason"]) == "SchedulingGated");
    if gated {
        return "is pending: held by scheduling gates".to_owned();
    }
    let message =
        condition.map(|condition| object::text(condition, &["message"])).filter(|message| !message.is_empty());
    with("is pending", message.or_else(|| latest(pod, events, &["FailedScheduling"])).or(Some("no node chosen yet")))
}

fn all_statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    let init = object::list(pod, &["status", "initContainerStatuses"]);
    init.iter().chain(object::list(pod, &["status", "containerStatuses"]))
}

/// `exited with code 1: OOMKilled`, of a container that is in this state (`state`, `lastState`).
fn exit(container: &Value, state: &str) -> Option<String> {
    let ended = object::at(container, &[state, "terminated"])?;
    let code = object::integer(ended, &["exitCode"]).unwrap_or(0);
    if code == 0 {
        return None;
    }
    let message = Some(object::text(ended, &["message"]).lines().next().unwrap_or("")).filter(|text| !text.is_empty());
    let reason = Some(object::text(ended, &["reason"])).filter(|reason| !matches!(*reason, "" | "Error"));
    Some(with(&format!("exited with code {code}"), message.or(reason)))
}

fn starting(pod: &Value, events: &[Value]) -> String {
    for container in all_statuses(pod) {
        let name = object::text(container, &["name"]);
        let waiting = |key: &str| object::text(container, &["state", "waiting", key]);
        let detail = Some(waiting("message")).filter(|message| !message.is_empty());
        match waiting("reason") {
            "" | "ContainerCreating" | "PodInitializing" => {}
            "CrashLoopBackOff" => {
                let last = exit(container, "lastState").map(|exit| format!("container {name} {exit}"));
                return with("crashes", last.as_deref().or(Some(&format!("container {name}"))));
            }
            "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
                // The event has the registry's words; the status often only "Back-off pulling image".
                let said = latest(pod, events, &["Failed"]).filter(|message| message.contains("pull")).or(detail);
                return with("cannot pull an image", Some(&with(&format!("container {name}"), said)));
            }
            reason => return with("cannot start", Some(&with(&format!("container {name}: {reason}"), detail))),
        }
    }
    if let Some(message) = latest(pod, events, &["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"])
        .filter(|_| !is_running(pod))
    {
        return with("is starting", Some(message));
    }
    if let Some(init) =
        object::list(pod, &["status", "initContainerStatuses"]).iter().find(|container| is_unfinished(container))
    {
        return format!("waits for its init container {}", object::text(init, &["name"]));
    }
    let unready = |container: &&Value| container.get("ready").and_then(Value::as_bool) == Some(false);
    let running = object::list(pod, &["status", "containerStatuses"])
        .iter()
        .filter(unready)
        .find(|container| object::at(container, &["state", "running"]).is_some());
    if let Some(container) = running {
        let text = format!("is starting: container {} runs but is not ready", object::text(container, &["name"]));
        return with(&text, latest(pod, events, &["Unhealthy"]));
    }
    if let Some(container) = all_statuses(pod)
        .find_map(|container| exit(container, "state").map(|exit| (object::text(container, &["name"]), exit)))
    {
        return format!("crashes: container {} {}", container.0, container.1);
    }
    match super::condition(pod, "Ready")
        .map(|condition| object::text(condition, &["message"]))
        .filter(|message| !message.is_empty())
    {
        Some(message) if is_running(pod) => with("is starting", Some(message)),
        _ => format!("is starting on node {}", object::text(pod, &["spec", "nodeName"])),
    }
}

fn is_running(pod: &Value) -> bool {
    object::text(pod, &["status", "phase"]) == "Running"
}

/// An init container still to end; one that restarts always (a sidecar) only has to have started.
fn is_unfinished(container: &Value) -> bool {
    let done = object::integer(container, &["state", "terminated", "exitCode"]) == Some(0);
    let started = container.get("started").and_then(Value::as_bool) == Some(true)
        && container.get("ready").and_then(Value::as_bool) == Some(true);
    let running = object::at(container, &["state", "running"]).is_some();
    running && !done && !started
}
