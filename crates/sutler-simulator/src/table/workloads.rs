//! Columns of what runs pods: deployments and their like, jobs, budgets, autoscalers.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age::{human, since};
use super::columns::{Column, age, at, boolean, integer, items, labels, name, number, selector, text};

/// Names and images of the containers of the pod template, and the selector at a place.
fn template_columns() -> Vec<Column> {
    vec![
        text("Containers", |o, _| json!(joined(o, "/spec/template/spec/containers", "name"))).wide(),
        text("Images", |o, _| json!(joined(o, "/spec/template/spec/containers", "image"))).wide(),
    ]
}

fn joined(object: &Value, pointer: &str, field: &str) -> String {
    let fields = items(object, pointer).iter().map(|item| item[field].as_str().unwrap_or(""));
    fields.collect::<Vec<_>>().join(",")
}

fn selector_column() -> Column {
    text("Selector", |o, _| json!(selector(o, "/spec/selector"))).wide()
}

pub(super) fn deployments() -> Vec<Column> {
    let mut columns = vec![
        name(),
        text("Ready", |o, _| json!(format!("{}/{}", number(o, "/status/readyReplicas"), number(o, "/spec/replicas")))),
        text("Up-to-date", |o, _| json!(number(o, "/status/updatedReplicas"))),
        text("Available", |o, _| json!(number(o, "/status/availableReplicas"))),
        age(),
    ];
    columns.extend(template_columns());
    columns.push(selector_column());
    columns
}

pub(super) fn replica_sets() -> Vec<Column> {
    let mut columns = vec![
        name(),
        integer("Desired", |o, _| json!(number(o, "/spec/replicas"))),
        integer("Current", |o, _| json!(number(o, "/status/replicas"))),
        integer("Ready", |o, _| json!(number(o, "/status/readyReplicas"))),
        age(),
    ];
    columns.extend(template_columns());
    columns.push(selector_column());
    columns
}

pub(super) fn stateful_sets() -> Vec<Column> {
    let mut columns = vec![
        name(),
        text("Ready", |o, _| json!(format!("{}/{}", number(o, "/status/readyReplicas"), number(o, "/spec/replicas")))),
        age(),
    ];
    columns.extend(template_columns());
    columns
}

pub(super) fn daemon_sets() -> Vec<Column> {
    let mut columns = vec![
        name(),
        integer("Desired", |o, _| json!(number(o, "/status/desiredNumberScheduled"))),
        integer("Current", |o, _| json!(number(o, "/status/currentNumberScheduled"))),
        integer("Ready", |o, _| json!(number(o, "/status/numberReady"))),
        integer("Up-to-date", |o, _| json!(number(o, "/status/updatedNumberScheduled"))),
        integer("Available", |o, _| json!(number(o, "/status/numberAvailable"))),
        text("Node Selector", |o, _| json!(labels(o, "/spec/template/spec/nodeSelector"))),
        age(),
    ];
    columns.extend(template_columns());
    columns.push(selector_column());
    columns
}

pub(super) fn jobs() -> Vec<Column> {
    let mut columns = vec![
        name(),
        text("Status", |o, _| json!(job_status(o))),
        text("Completions", |o, _| json!(completions(o))),
        text("Duration", |o, now| json!(job_duration(o, now))),
        age(),
    ];
    columns.extend(template_columns());
    columns.push(selector_column());
    columns
}

fn job_status(job: &Value) -> &'static str {
    let holds = |kind: &str| {
        items(job, "/status/conditions")
            .iter()
            .any(|condition| condition["type"] == kind && condition["status"] == "True")
    };
    if holds("Complete") {
        "Complete"
    } else if holds("Failed") {
        "Failed"
    } else if !job["metadata"]["deletionTimestamp"].is_null() {
        "Terminating"
    } else {
        ["Suspended", "FailureTarget", "SuccessCriteriaMet"].into_iter().find(|kind| holds(kind)).unwrap_or("Running")
    }
}

fn completions(job: &Value) -> String {
    let succeeded = number(job, "/status/succeeded");
    match (job.pointer("/spec/completions").and_then(Value::as_i64), number(job, "/spec/parallelism")) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, parallelism) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        (None, _) => format!("{succeeded}/1"),
    }
}

fn job_duration(job: &Value, now: Timestamp) -> String {
    let time = |pointer: &str| at(job, pointer).parse::<Timestamp>().ok();
    let Some(started) = time("/status/startTime") else { return String::new() };
    let ended = time("/status/completionTime").unwrap_or(now);
    human(ended.as_second() - started.as_second())
}

pub(super) fn cron_jobs() -> Vec<Column> {
    vec![
        name(),
        text("Schedule", |o, _| json!(at(o, "/spec/schedule"))),
        text("Timezone", |o, _| json!(super::columns::at_or(o, "/spec/timeZone", "<none>"))),
        boolean("Suspend", |o, _| {
            json!(match o.pointer("/spec/suspend").and_then(Value::as_bool) {
                Some(true) => "True",
                Some(false) => "False",
                None => "<unset>",
            })
        }),
        integer("Active", |o, _| json!(items(o, "/status/active").len())),
        text("Last Schedule", |o, now| {
            let last = &o["status"]["lastScheduleTime"];
            json!(if last.is_null() { "<none>".to_string() } else { since(last, now) })
        }),
        age(),
        text("Containers", |o, _| json!(joined(o, "/spec/jobTemplate/spec/template/spec/containers", "name"))).wide(),
        text("Images", |o, _| json!(joined(o, "/spec/jobTemplate/spec/template/spec/containers", "image"))).wide(),
        text("Selector", |o, _| json!(selector(o, "/spec/jobTemplate/spec/selector"))).wide(),
    ]
}

pub(super) fn disruption_budgets() -> Vec<Column> {
    fn bound(object: &Value, pointer: &str) -> String {
        match object.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => "N/A".into(),
        }
    }
    vec![
        name(),
        text("Min Available", |o, _| json!(bound(o, "/spec/minAvailable"))),
        text("Max Unavailable", |o, _| json!(bound(o, "/spec/maxUnavailable"))),
        integer("Allowed Disruptions", |o, _| json!(number(o, "/status/disruptionsAllowed"))),
        age(),
    ]
}

pub(super) fn autoscalers() -> Vec<Column> {
    vec![
        name(),
        text("Reference", |o, _| {
            json!(format!("{}/{}", at(o, "/spec/scaleTargetRef/kind"), at(o, "/spec/scaleTargetRef/name")))
        }),
        text("Targets", |o, _| json!(targets(o))),
        text("MinPods", |o, _| {
            let least = o.pointer("/spec/minReplicas").and_then(Value::as_i64);
            json!(least.map_or_else(|| "<unset>".to_string(), |least| least.to_string()))
        }),
        text("MaxPods", |o, _| json!(number(o, "/spec/maxReplicas"))),
        text("Replicas", |o, _| json!(number(o, "/status/currentReplicas"))),
        age(),
    ]
}

/// The metrics of an autoscaler: what is measured (never, in the model) and what is aimed at; the first two.
fn targets(autoscaler: &Value) -> String {
    let metrics = items(autoscaler, "/spec/metrics");
    let one = |metric: &Value| {
        let kind = at(metric, "/type");
        let field = format!("{}{}", kind.get(..1).unwrap_or("").to_lowercase(), kind.get(1..).unwrap_or(""));
        let source = &metric[field.as_str()];
        let target = &source["target"];
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
        let aim = if !target["averageValue"].is_null() {
            text(&target["averageValue"])
        } else if !target["averageUtilization"].is_null() {
            format!("{}%", target["averageUtilization"])
        } else if !target["value"].is_null() {
            text(&target["value"])
        } else {
            "<auto>".into()
        };
        match kind {
            "Resource" | "ContainerResource" => format!("{}: <unknown>/{aim}", at(source, "/name")),
            _ => format!("<unknown>/{aim}"),
        }
    };
    let shown: Vec<String> = metrics.iter().take(2).map(one).collect();
    match metrics.len() {
        0 => "<none>".into(),
        1 | 2 => shown.join(", "),
        many => format!("{} + {} more...", shown.join(", "), many - 2),
    }
}

pub(super) fn revisions() -> Vec<Column> {
    vec![
        name(),
        text("Controller", |o, _| {
            let owner = items(o, "/metadata/ownerReferences").iter().find(|owner| owner["controller"] == true);
            json!(owner.map_or_else(
                || "<none>".to_string(),
                |owner| {
                    let kind = at(owner, "/kind").to_lowercase();
                    let group = at(owner, "/apiVersion").split_once('/').map_or("", |(group, _)| group);
                    let dot = if group.is_empty() { "" } else { "." };
                    format!("{kind}{dot}{group}/{}", at(owner, "/name"))
                }
            ))
        }),
        text("Revision", |o, _| json!(number(o, "/revision"))),
        age(),
    ]
}
