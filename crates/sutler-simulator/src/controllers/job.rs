//! Job: pods until enough of them have succeeded, as Kubernetes' job controller.
//!
//! Left out: indexed completion with its indexes' own limits, pod failure and success policies, tracking by finalizers.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::controllers::conditions::{self, Condition};
use crate::controllers::replica_set::queue_owner;
use crate::controllers::{Change, Controller, Deletion, Effects, Note, Queue, Severity, pods, times};
use crate::key::{ObjectKey, resource};
use crate::view::View;

/// Runs Jobs.
pub(crate) struct Jobs;

impl Controller for Jobs {
    fn name(&self) -> &'static str {
        "job-controller"
    }

    fn on_change(&self, change: &Change, _view: &View<'_>, queue: &mut Queue) {
        queue_owner(change, resource::JOBS, "Job", queue);
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let Some(job) = view.object(key) else { return };
        if pods::is_terminating(job) {
            return;
        }
        if is_finished(job) {
            forget(key, job, view, effects);
            return;
        }
        Run::of(view, job).advance(key, view, effects);
    }
}

/// Whether a Job is complete or has failed.
pub(crate) fn is_finished(job: &Value) -> bool {
    conditions::is_true(job, "Complete") || conditions::is_true(job, "Failed")
}

/// Deletes a Job that is finished for `ttlSecondsAfterFinished`.
fn forget(key: &ObjectKey, job: &Value, view: &View<'_>, effects: &mut Effects) {
    let Some(ttl) = job["spec"]["ttlSecondsAfterFinished"].as_i64() else { return };
    let finished = ["Complete", "Failed"].iter().find_map(|kind| conditions::find(job, kind));
    let Some(since) = finished.and_then(|condition| times::read(&condition["lastTransitionTime"])) else { return };
    let due = times::after(since, ttl);
    if view.now() < due {
        effects.wake_at(key.clone(), due);
    } else {
        effects.delete(Deletion::of(key.clone()));
    }
}

/// A Job that is not finished, and its pods.
struct Run<'a> {
    job: &'a Value,
    active: Vec<&'a Value>,
    succeeded: i64,
    failed: i64,
    ready: usize,
}

impl<'a> Run<'a> {
    fn of(view: &View<'a>, job: &'a Value) -> Self {
        let all = pods::owned(view, job);
        let phase = |wanted: &str| {
            i64::try_from(all.iter().filter(|pod| pod["status"]["phase"] == wanted).count()).unwrap_or(i64::MAX)
        };
        let known = |field: &str| job["status"][field].as_i64().unwrap_or(0);
        let active: Vec<&Value> = all.iter().copied().filter(|pod| pods::is_active(pod)).collect();
        Self {
            job,
            ready: active.iter().filter(|pod| pods::is_ready(pod)).count(),
            active,
            // Pods that ended may have been deleted since: what was counted stays counted.
            succeeded: phase("Succeeded").max(known("succeeded")),
            failed: phase("Failed").max(known("failed")),
        }
    }

    fn advance(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let (job, now) = (self.job, view.now());
        let spec = &job["spec"];
        let mut status = job["status"].clone();
        let suspended = spec["suspend"] == true;
        if status["startTime"].is_null() && !suspended {
            status["startTime"] = times::stamp(now);
        }
        let deadline = spec["activeDeadlineSeconds"]
            .as_i64()
            .zip(times::read(&status["startTime"]))
            .map(|(seconds, start)| times::after(start, seconds));
        let mut active = self.active.len();
        if suspended {
            active = 0;
            self.stop(effects);
            set(&mut status, "Suspended", "JobSuspended", "Job suspended", now);
        } else if deadline.is_some_and(|deadline| deadline <= now) {
            active = 0;
            self.stop(effects);
            self.fail(&mut status, "DeadlineExceeded", "Job was active longer than specified deadline", now, effects);
        } else if self.failed > spec["backoffLimit"].as_i64().unwrap_or(6) {
            active = 0;
            self.stop(effects);
            self.fail(&mut status, "BackoffLimitExceeded", "Job has reached the specified backoff limit", now, effects);
        } else if self.is_complete() {
            let message = "Reached expected number of succeeded pods";
            set(&mut status, "SuccessCriteriaMet", "CompletionsReached", message, now);
            set(&mut status, "Complete", "CompletionsReached", message, now);
            status["completionTime"] = times::stamp(now);
            effects.record(note(job, Severity::Normal, "Completed", "Job completed".to_owned()));
        } else {
            active += self.start(view, effects);
            if let Some(deadline) = deadline {
                effects.wake_at(key.clone(), deadline);
            }
        }
        for (field, count) in [("succeeded", self.succeeded), ("failed", self.failed)] {
            if count > 0 {
                status[field] = json!(count);
            }
        }
        status["active"] = if active > 0 { json!(active) } else { Value::Null };
        status["ready"] = json!(self.ready);
        status["terminating"] = json!(0);
        status["uncountedTerminatedPods"] = json!({});
        if let Some(fields) = status.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        effects.replace_status(json!({
            "apiVersion": job["apiVersion"], "kind": job["kind"], "metadata": job["metadata"], "status": status,
        }));
        // A finished Job may have to go after a while.
        if status["completionTime"].is_string() {
            effects.wake_at(key.clone(), now);
        }
    }

    fn is_complete(&self) -> bool {
        match self.job["spec"]["completions"].as_i64() {
            Some(completions) => self.succeeded >= completions,
            // A work queue: one success, and nobody works any more.
            None => self.succeeded > 0 && self.active.is_empty(),
        }
    }

    /// Starts as many pods as are wanted beside those that run; answers how many.
    fn start(&self, view: &View<'_>, effects: &mut Effects) -> usize {
        let spec = &self.job["spec"];
        let parallelism = spec["parallelism"].as_i64().unwrap_or(1);
        let running = i64::try_from(self.active.len()).unwrap_or(i64::MAX);
        let wanted = match spec["completions"].as_i64() {
            Some(completions) => parallelism.min(completions - self.succeeded),
            None if self.succeeded > 0 => running,
            None => parallelism,
        };
        let prefix = self.job["metadata"]["name"].as_str().unwrap_or("");
        let names = pods::free_names(view, self.job, prefix, (wanted - running).max(0));
        for (number, name) in names.iter().enumerate() {
            let mut pod = pods::of_template(self.job, &spec["template"]);
            pod["metadata"]["name"] = json!(name);
            pod["metadata"]["generateName"] = json!(format!("{prefix}-"));
            if spec["completionMode"] == "Indexed" {
                let index = self.succeeded + running + i64::try_from(number).unwrap_or(0);
                pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"] = json!(index.to_string());
            }
            effects.create(pod);
            let message = format!("Created pod: {name}");
            effects.record(note(self.job, Severity::Normal, "SuccessfulCreate", message));
        }
        names.len()
    }

    fn stop(&self, effects: &mut Effects) {
        for pod in &self.active {
            effects.delete(Deletion::of(pods::key(pod)));
        }
    }

    fn fail(&self, status: &mut Value, reason: &str, message: &str, now: Timestamp, effects: &mut Effects) {
        set(status, "FailureTarget", reason, message, now);
        set(status, "Failed", reason, message, now);
        effects.record(note(self.job, Severity::Warning, reason, message.to_owned()));
    }
}

/// Sets a condition; a Job's conditions also say when they were looked at.
fn set(status: &mut Value, kind: &str, reason: &str, message: &str, now: Timestamp) {
    let list = &mut status["conditions"];
    conditions::set(list, &Condition { kind, status: true, reason, message }, now);
    let condition = list.as_array_mut().and_then(|list| list.iter_mut().find(|condition| condition["type"] == kind));
    if let Some(condition) = condition {
        condition["lastProbeTime"] = condition["lastTransitionTime"].clone();
    }
}

fn note(job: &Value, severity: Severity, reason: &str, message: String) -> Note {
    Note {
        regarding: job.clone(),
        severity,
        reason: reason.to_owned(),
        message,
        component: "job-controller".to_owned(),
        host: String::new(),
    }
}
