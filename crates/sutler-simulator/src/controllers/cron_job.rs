//! CronJob: a Job at the times of a schedule, as Kubernetes' cron job controller.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde_json::{Value, json};

use crate::controllers::{Change, Controller, Deletion, Effects, Note, Queue, Severity, conditions, job, pods, times};
use crate::key::{ObjectKey, resource};
use crate::view::View;

/// Starts the Jobs of CronJobs.
pub(crate) struct CronJobs;

impl Controller for CronJobs {
    fn name(&self) -> &'static str {
        "cronjob-controller"
    }

    fn on_change(&self, change: &Change, _view: &View<'_>, queue: &mut Queue) {
        if change.is(resource::CRON_JOBS) {
            queue.push(change.key.clone());
        }
        if change.is(resource::JOBS)
            && let Some(("CronJob", name, _)) = pods::controller(change.object())
        {
            queue.push(ObjectKey::new(resource::CRON_JOBS, &change.key.namespace, name));
        }
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let Some(cron) = view.object(key).filter(|cron| !pods::is_terminating(cron)) else { return };
        let uid = cron["metadata"]["uid"].as_str().unwrap_or("");
        let jobs: Vec<&Value> = view.owned_by(uid, resource::JOBS).collect();
        let (finished, active): (Vec<&Value>, Vec<&Value>) =
            jobs.iter().copied().partition(|job| job::is_finished(job));
        forget_history(cron, &finished, effects);
        let mut status = cron["status"].clone();
        let completed = finished.iter().filter_map(|job| times::read(&job["status"]["completionTime"])).max();
        if let Some(completed) = completed {
            status["lastSuccessfulTime"] = times::stamp(completed);
        }
        let mut running: Vec<Value> = active.iter().map(|job| reference(job)).collect();

        let schedule = cron["spec"]["schedule"].as_str().and_then(Schedule::parse);
        let zone = cron["spec"]["timeZone"].as_str().map_or(Some(TimeZone::UTC), |name| TimeZone::get(name).ok());
        match (schedule, zone) {
            (Some(schedule), Some(zone)) if cron["spec"]["suspend"] != true => {
                let created = times::read(&cron["metadata"]["creationTimestamp"]).unwrap_or_else(|| view.now());
                let last = times::read(&status["lastScheduleTime"]).unwrap_or(created);
                let due = schedule.next_after(last, &zone);
                if let Some(due) = due.filter(|due| *due <= view.now()) {
                    // Of several that were missed, the last one is made up for.
                    let due = latest(&schedule, due, view.now(), &zone);
                    if let Some(job) = start(view, cron, &active, due, effects) {
                        running.push(job);
                        status["lastScheduleTime"] = times::stamp(due);
                    } else if cron["spec"]["concurrencyPolicy"] == "Forbid" {
                        status["lastScheduleTime"] = times::stamp(due);
                    }
                }
                let from = times::read(&status["lastScheduleTime"]).unwrap_or(created).max(view.now());
                if let Some(next) = schedule.next_after(from, &zone) {
                    effects.wake_at(key.clone(), next);
                }
            }
            (Some(_), Some(_)) => effects.forget_wake(key.clone()),
            _ => {
                let message = format!("unparseable schedule: {:?}", cron["spec"]["schedule"].as_str().unwrap_or(""));
                effects.record(note(cron, Severity::Warning, "UnparseableSchedule", message));
            }
        }
        status["active"] = if running.is_empty() { Value::Null } else { json!(running) };
        if let Some(fields) = status.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        effects.replace_status(json!({
            "apiVersion": cron["apiVersion"], "kind": cron["kind"], "metadata": cron["metadata"], "status": status,
        }));
    }
}

/// The last time of the schedule that has passed, from `due` on.
fn latest(schedule: &Schedule, due: Timestamp, now: Timestamp, zone: &TimeZone) -> Timestamp {
    const MOST_MISSED: usize = 100;
    let mut latest = due;
    for _ in 0..MOST_MISSED {
        match schedule.next_after(latest, zone).filter(|next| *next <= now) {
            Some(next) => latest = next,
            None => break,
        }
    }
    latest
}

/// Starts the Job of a time, unless another runs and the policy forbids that.
fn start(view: &View<'_>, cron: &Value, active: &[&Value], due: Timestamp, effects: &mut Effects) -> Option<Value> {
    let metadata = &cron["metadata"];
    match cron["spec"]["concurrencyPolicy"].as_str() {
        Some("Forbid") if !active.is_empty() => {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
            effects.record(note(cron, Severity::Normal, "JobAlreadyActive", message.to_owned()));
            return None;
        }
        Some("Replace") => {
            for job in active {
                effects.delete(Deletion::of(ObjectKey::of(resource::JOBS, job)));
            }
        }
        _ => {}
    }
    let name = format!("{}-{}", metadata["name"].as_str().unwrap_or(""), due.as_second() / 60);
    let namespace = metadata["namespace"].as_str().unwrap_or("");
    if view.get(resource::JOBS, namespace, &name).is_some() {
        return None;
    }
    let template = &cron["spec"]["jobTemplate"];
    let mut job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {"batch.kubernetes.io/cronjob-scheduled-timestamp": times::stamp(due)},
            "ownerReferences": [pods::owner_reference(cron)],
        },
        "spec": template["spec"],
    });
    for field in ["labels", "annotations"] {
        for (key, value) in template["metadata"][field].as_object().into_iter().flatten() {
            job["metadata"][field][key] = value.clone();
        }
    }
    effects.create(job.clone());
    effects.record(note(cron, Severity::Normal, "SuccessfulCreate", format!("Created job {name}")));
    Some(reference(&job))
}

fn reference(job: &Value) -> Value {
    let metadata = &job["metadata"];
    let mut reference = json!({
        "apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "namespace": metadata["namespace"],
    });
    if metadata["uid"].is_string() {
        reference["uid"] = metadata["uid"].clone();
    }
    reference
}

fn forget_history(cron: &Value, finished: &[&Value], effects: &mut Effects) {
    for (kind, field, default) in
        [("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1)]
    {
        let limit = cron["spec"][field].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(default);
        let mut jobs: Vec<&&Value> = finished.iter().filter(|job| conditions::is_true(job, kind)).collect();
        jobs.sort_by_key(|job| job["metadata"]["name"].as_str().unwrap_or("").to_owned());
        let surplus = jobs.len().saturating_sub(limit);
        for job in jobs.into_iter().take(surplus) {
            effects.delete(Deletion::of(ObjectKey::of(resource::JOBS, job)));
        }
    }
}

/// A schedule of five fields: minute, hour, day of month, month, day of week.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Schedule {
    minutes: BTreeSet<i8>,
    hours: BTreeSet<i8>,
    days: BTreeSet<i8>,
    months: BTreeSet<i8>,
    weekdays: BTreeSet<i8>,
    /// Where both kinds of day are limited, either will do.
    any_day: bool,
}

impl Schedule {
    fn parse(text: &str) -> Option<Self> {
        let text = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            text => text,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else { return None };
        let months_names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
        let day_names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
        let mut of_week = field(weekdays, 0, 7, &day_names, 0)?;
        if of_week.remove(&7) {
            of_week.insert(0);
        }
        let is_star = |field: &str| field.starts_with('*') || field.starts_with('?');
        Some(Self {
            minutes: field(minutes, 0, 59, &[], 0)?,
            hours: field(hours, 0, 23, &[], 0)?,
            days: field(days, 1, 31, &[], 1)?,
            months: field(months, 1, 12, &months_names, 1)?,
            weekdays: of_week,
            any_day: !is_star(days) && !is_star(weekdays),
        })
    }

    /// The first time after `time`; `None` if there is none within five years.
    fn next_after(&self, time: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        const DAYS: usize = 5 * 366;
        let begin = time.to_zoned(zone.clone());
        let mut day = begin.start_of_day().ok()?;
        for _ in 0..DAYS {
            if self.is_day(&day) {
                for hour in &self.hours {
                    for minute in &self.minutes {
                        let at = day.date().at(*hour, *minute, 0, 0).to_zoned(zone.clone()).ok()?;
                        if at.timestamp() > time {
                            return Some(at.timestamp());
                        }
                    }
                }
            }
            day = day.checked_add(1.day()).ok()?.start_of_day().ok()?;
        }
        None
    }

    fn is_day(&self, day: &Zoned) -> bool {
        let of_month = self.days.contains(&day.day());
        let of_week = self.weekdays.contains(&day.weekday().to_sunday_zero_offset());
        let right_day = if self.any_day { of_month || of_week } else { of_month && of_week };
        self.months.contains(&day.month()) && right_day
    }
}

/// One field: lists of `*`, numbers, names, ranges, each with a step.
fn field(text: &str, least: i8, most: i8, names: &[&str], first_name: i8) -> Option<BTreeSet<i8>> {
    let number = |text: &str| {
        let name = names.iter().position(|name| text.eq_ignore_ascii_case(name)).and_then(|at| i8::try_from(at).ok());
        let value = name.map(|at| at + first_name).or_else(|| text.parse().ok())?;
        (least..=most).contains(&value).then_some(value)
    };
    let mut values = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range {
            "*" | "?" => (least, most),
            _ => match range.split_once('-') {
                Some((from, to)) => (number(from)?, number(to)?),
                // `5/15` goes on to the end, `5` does not.
                None => (number(range)?, if part.contains('/') { most } else { number(range)? }),
            },
        };
        if from > to {
            return None;
        }
        values.extend((from..=to).step_by(step));
    }
    Some(values)
}

fn note(cron: &Value, severity: Severity, reason: &str, message: String) -> Note {
    Note {
        regarding: cron.clone(),
        severity,
        reason: reason.to_owned(),
        message,
        component: "cronjob-controller".to_owned(),
        host: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schedule: &str, zone: &str, after: &str, expect: &str) {
        let zone = TimeZone::get(zone).unwrap();
        let next = Schedule::parse(schedule).and_then(|schedule| schedule.next_after(after.parse().unwrap(), &zone));
        assert_eq!(next.map_or("never".to_owned(), |next| next.to_string()), expect, "{schedule}");
    }

    #[test]
    fn a_schedule_names_its_next_time() {
        let after = "2026-11-23T08:07:30Z"; // A Monday.
        check("*/5 * * * *", "UTC", after, "2026-11-23T08:10:00Z");
        check("0 3 * * *", "UTC", after, "2026-11-24T03:00:00Z");
        check("0 3 * * *", "America/New_York", after, "2026-11-24T08:00:00Z");
        check("@hourly", "UTC", after, "2026-11-23T09:00:00Z");
        check("30 9 1 jan *", "UTC", after, "2027-01-01T09:30:00Z");
        check("0 0 * * sun", "UTC", after, "2026-11-29T00:00:00Z");
        check("0 0 * * 7", "UTC", after, "2026-11-29T00:00:00Z");
        check("0 0 25 * fri", "UTC", after, "2026-11-25T00:00:00Z");
        check("0 0 30 2 *", "UTC", after, "never");
        check("5/20 8-9 * * 1-5", "UTC", after, "2026-11-23T08:25:00Z");
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in ["", "* * * *", "60 * * * *", "* * * * mon-", "*/0 * * * *", "5-1 * * * *", "@never", "a * * * *"] {
            assert_eq!(Schedule::parse(text), None, "{text}");
        }
    }
}
