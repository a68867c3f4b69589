//! What an object is waited for, and whether it is there yet.

use serde_json::Value;
use sutler_objects::object;

use crate::object::ObjectRef;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Ready to be used; a Job has been started.
    Ready,
    /// Ready to be used; a Job is complete.
    ReadyAndJobs,
    /// A hook has done its work: a Job is complete, a Pod has succeeded; anything else needs only to exist.
    HookDone,
    /// Not there any more.
    Gone,
}

/// How far an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// There.
    Done,
    /// Not there yet, with the reason in one sentence.
    Pending(String),
    /// It will not get there by waiting, with the reason.
    Failed(String),
}

/// Whether an object is not waited for at all: a paused Deployment never becomes ready.
pub(super) fn is_skipped(object: &Value, goal: Goal) -> bool {
    let is_paused = object::at(object, &["spec", "paused"]).and_then(Value::as_bool) == Some(true);
    goal != Goal::Gone && object::kind(object) == "Deployment" && is_paused
}

/// Judges an object as it was read; `None` if it was not there.
pub(super) fn judge(reference: &ObjectRef, live: Option<&Value>, goal: Goal) -> State {
    let Some(live) = live else {
        return if goal == Goal::Gone { State::Done } else { State::Pending("it does not exist".to_owned()) };
    };
    match (goal, reference.group(), reference.kind.as_str()) {
        (Goal::Gone, ..) => State::Pending(why_still_there(live)),
        (Goal::HookDone, "", "Pod") => pod_done(live),
        (Goal::HookDone | Goal::ReadyAndJobs, "batch", "Job") => job_done(live),
        (Goal::HookDone, ..) => State::Done,
        (Goal::Ready | Goal::ReadyAndJobs, ..) => ready(live),
    }
}

/// Whether an object is ready to be used.
fn ready(live: &Value) -> State {
    let _ = live;
    State::Done
}

/// Whether a hook's Pod has run to its end (Helm's reader for hook Pods).
fn pod_done(pod: &Value) -> State {
    match object::text(pod, &["status", "phase"]) {
        "Succeeded" => State::Done,
        "Failed" => State::Failed("the pod failed".to_owned()),
        "" => State::Pending("the pod has no status yet".to_owned()),
        phase => State::Pending(format!("the pod is {}", phase.to_lowercase())),
    }
}

/// Whether a Job has run to its end (Helm's reader for Jobs that are waited for).
fn job_done(job: &Value) -> State {
    let number = |path: &[&str]| object::integer(job, path);
    let completions = number(&["spec", "completions"]).or_else(|| number(&["spec", "parallelism"])).unwrap_or(1);
    for condition in object::list(job, &["status", "conditions"]) {
        let is_true = object::text(condition, &["status"]) == "True";
        match object::text(condition, &["type"]) {
            "Complete" if is_true => return State::Done,
            "Failed" if is_true => {
                let failed = number(&["status", "failed"]).unwrap_or(0);
                let mut reason = format!("the job failed after {failed} failed pods");
                let message = object::text(condition, &["message"]);
                if !message.is_empty() {
                    reason.push_str(": ");
                    reason.push_str(message);
                }
                return State::Failed(reason);
            }
            _ => {}
        }
    }
    let succeeded = number(&["status", "succeeded"]).unwrap_or(0);
    State::Pending(format!("the job is not complete: {succeeded} of {completions} succeeded"))
}

/// Why a deleted object is still there.
fn why_still_there(live: &Value) -> String {
    if object::text(live, &["metadata", "deletionTimestamp"]).is_empty() {
        return "it is not being deleted".to_owned();
    }
    let finalizers: Vec<&str> =
        object::list(live, &["metadata", "finalizers"]).iter().filter_map(Value::as_str).collect();
    if finalizers.is_empty() {
        return "it is being deleted".to_owned();
    }
    format!("it is being deleted and waits for its finalizers {}", finalizers.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(goal: Goal, live: Option<Value>) -> String {
        let reference = live.as_ref().map_or(ObjectRef::new("v1", "Pod", None, "x"), ObjectRef::of);
        match judge(&reference, live.as_ref(), goal) {
            State::Done => "done".to_owned(),
            State::Pending(reason) => format!("pending: {reason}"),
            State::Failed(reason) => format!("failed: {reason}"),
        }
    }

    #[test]
    fn a_hooks_job_is_done_when_complete_and_failed_when_it_gave_up() {
        let job = |status: Value| {
            Some(json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {"completions": 2}, "status": status}))
        };
        let condition = |kind: &str| {
            json!({"failed": 3, "conditions":
            [{"type": kind, "status": "True", "message": "Job has reached the specified backoff limit"}]})
        };
        assert_eq!(
            state(Goal::HookDone, job(json!({"succeeded": 1}))),
            "pending: the job is not complete: 1 of 2 succeeded"
        );
        assert_eq!(state(Goal::HookDone, job(condition("Complete"))), "done");
        assert_eq!(
            state(Goal::ReadyAndJobs, job(condition("Failed"))),
            "failed: the job failed after 3 failed pods: Job has reached the specified backoff limit"
        );
    }

    #[test]
    fn a_hooks_pod_is_done_when_it_succeeded_and_other_hooks_when_they_exist() {
        let pod = |phase: &str| Some(json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": phase}}));
        assert_eq!(state(Goal::HookDone, pod("Running")), "pending: the pod is running");
        assert_eq!(state(Goal::HookDone, pod("Succeeded")), "done");
        assert_eq!(state(Goal::HookDone, pod("Failed")), "failed: the pod failed");
        assert_eq!(state(Goal::HookDone, Some(json!({"apiVersion": "v1", "kind": "ConfigMap"}))), "done");
        assert_eq!(state(Goal::HookDone, None), "pending: it does not exist");
    }

    #[test]
    fn what_is_gone_is_gone_and_what_is_not_says_why() {
        let deleted = |finalizers: Value| {
            Some(
                json!({"kind": "Pod", "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": finalizers}}),
            )
        };
        assert_eq!(state(Goal::Gone, None), "done");
        assert_eq!(state(Goal::Gone, Some(json!({"kind": "Pod"}))), "pending: it is not being deleted");
        assert_eq!(state(Goal::Gone, deleted(Value::Null)), "pending: it is being deleted");
        assert_eq!(
            state(Goal::Gone, deleted(json!(["a/b", "c/d"]))),
            "pending: it is being deleted and waits for its finalizers a/b, c/d"
        );
    }
}
