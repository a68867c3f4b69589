//! What an object is waited for, and whether it is there yet.

use serde_json::Value;
use sutler_objects::object;
use sutler_objects::readiness::{Around, Readiness, completion, readiness};

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

/// Judges an object as it was read; `None` if it was not there. `around` is what is known beside it, for reasons.
pub(super) fn judge(live: Option<&Value>, goal: Goal, around: Around<'_>) -> State {
    let Some(live) = live else {
        return if goal == Goal::Gone { State::Done } else { State::Pending("it does not exist".to_owned()) };
    };
    let runs_to_an_end = matches!(object::kind(live), "Job" | "Pod");
    let readiness = match goal {
        Goal::Gone => return State::Pending(why_still_there(live)),
        Goal::HookDone if runs_to_an_end => completion(live, around),
        Goal::HookDone => return State::Done,
        Goal::ReadyAndJobs if object::kind(live) == "Job" => completion(live, around),
        Goal::Ready | Goal::ReadyAndJobs => readiness(live, around),
    };
    match readiness {
        Readiness::Ready => State::Done,
        Readiness::NotReady { reason } => State::Pending(reason),
        Readiness::Failed { reason } => State::Failed(reason),
    }
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
        match judge(live.as_ref(), goal, Around::default()) {
            State::Done => "done".to_owned(),
            State::Pending(reason) => format!("pending: {reason}"),
            State::Failed(reason) => format!("failed: {reason}"),
        }
    }

    #[test]
    fn a_job_has_to_be_complete_only_where_that_is_asked() {
        let job = Some(json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {"completions": 2},
            "status": {"startTime": "2026-01-01T00:00:00Z", "active": 1, "succeeded": 1}}));
        assert_eq!(state(Goal::Ready, job.clone()), "done");
        assert!(state(Goal::ReadyAndJobs, job.clone()).starts_with("pending: "));
        assert!(state(Goal::HookDone, job).starts_with("pending: "));
    }

    #[test]
    fn a_hook_that_runs_to_no_end_needs_only_to_exist() {
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 1}});
        assert!(state(Goal::Ready, Some(deployment.clone())).starts_with("pending: "));
        assert_eq!(state(Goal::HookDone, Some(deployment)), "done");
        assert_eq!(state(Goal::HookDone, None), "pending: it does not exist");
    }

    #[test]
    fn what_is_gone_is_gone_and_what_is_not_says_why() {
        let deleted = |finalizers: Value| {
            Some(json!({"kind": "Pod", "metadata":
                {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": finalizers}}))
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
