//! Kinds that make pods: apps and batch.

use serde_json::Value;

use super::{Errors, pod};
use crate::selector::LabelSelector;
use crate::{name, object};

pub(super) fn check(object: &Value, errors: &mut Errors) {
    let spec = &object["spec"];
    match object::kind(object) {
        "Deployment" => {
            errors.non_negative("spec.replicas", object::at(spec, &["replicas"]));
            check_selector(spec, "deployment", errors);
            check_template_of(spec, errors);
            check_strategy(spec, errors);
            check_numbers(spec, &["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"], errors);
            let (deadline, ready) = (
                object::integer(spec, &["progressDeadlineSeconds"]),
                object::integer(spec, &["minReadySeconds"]).unwrap_or(0),
            );
            if let Some(deadline) = deadline.filter(|deadline| *deadline <= ready) {
                errors.invalid(
                    "spec.progressDeadlineSeconds",
                    &deadline.into(),
                    "must be greater than minReadySeconds",
                );
            }
        }
        "ReplicaSet" => {
            check_numbers(spec, &["replicas", "minReadySeconds"], errors);
            // "deployment" is what the API server says of replica sets, too.
            check_selector(spec, "deployment", errors);
            check_template_of(spec, errors);
        }
        "StatefulSet" => {
            check_numbers(spec, &["replicas", "minReadySeconds"], errors);
            check_selector(spec, "statefulset", errors);
            check_template_of(spec, errors);
            check_stateful_set(spec, errors);
        }
        "DaemonSet" => {
            check_selector(spec, "daemonset", errors);
            check_template_of(spec, errors);
            check_numbers(spec, &["minReadySeconds", "revisionHistoryLimit"], errors);
            one_of(
                spec,
                &["updateStrategy", "type"],
                "spec.updateStrategy.type",
                &["OnDelete", "RollingUpdate"],
                errors,
            );
        }
        "Job" => check_job(spec, "spec", errors),
        "CronJob" => check_cron_job(spec, errors),
        _ => {}
    }
}

fn check_numbers(spec: &Value, names: &[&str], errors: &mut Errors) {
    for name in names {
        errors.non_negative(format!("spec.{name}"), object::at(spec, &[name]));
    }
}

fn one_of(value: &Value, path: &[&str], field: &str, supported: &[&str], errors: &mut Errors) {
    let given = object::text(value, path);
    if !supported.contains(&given) {
        errors.not_supported(field, &given.into(), supported);
    }
}

fn check_selector(spec: &Value, kind: &str, errors: &mut Errors) {
    let Some(selector) = object::at(spec, &["selector"]) else {
        errors.required("spec.selector", "");
        return;
    };
    check_label_selector(selector, "spec.selector", errors);
    match LabelSelector::from_object(selector) {
        Err(_) => errors.invalid("spec.selector", selector, "invalid label selector"),
        Ok(Some(matcher)) if matcher.is_empty() => {
            errors.invalid("spec.selector", selector, &format!("empty selector is invalid for {kind}"))
        }
        Ok(Some(matcher)) => {
            let labels = object::at(spec, &["template", "metadata", "labels"]);
            if !matcher.matches(labels.and_then(Value::as_object)) {
                errors.invalid(
                    "spec.template.metadata.labels",
                    labels.unwrap_or(&Value::Null),
                    "`selector` does not match template `labels`",
                );
            }
        }
        Ok(None) => {}
    }
}

/// A label selector in its object form.
pub(super) fn check_label_selector(selector: &Value, field: &str, errors: &mut Errors) {
    super::metadata::labels(object::at(selector, &["matchLabels"]), &format!("{field}.matchLabels"), errors);
    for (index, expression) in object::list(selector, &["matchExpressions"]).iter().enumerate() {
        let at = format!("{field}.matchExpressions[{index}]");
        let values = object::list(expression, &["values"]);
        match object::text(expression, &["operator"]) {
            "In" | "NotIn" if values.is_empty() => {
                errors.required(format!("{at}.values"), "must be specified when `operator` is 'In' or 'NotIn'")
            }
            "In" | "NotIn" => {}
            "Exists" | "DoesNotExist" if values.is_empty() => {}
            "Exists" | "DoesNotExist" => errors.forbidden(
                format!("{at}.values"),
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ),
            other => errors.invalid(format!("{at}.operator"), &other.into(), "not a valid selector operator"),
        }
        let key = object::text(expression, &["key"]);
        errors.all_invalid(&format!("{at}.key"), key, name::label_key_problems(key));
    }
}

/// The template of what keeps its pods running.
fn check_template_of(spec: &Value, errors: &mut Errors) {
    let claims: Vec<&str> = object::list(spec, &["volumeClaimTemplates"]).iter().map(object::name).collect();
    pod::check_template(&spec["template"], "spec.template", &claims, errors);
    let policy = object::text(spec, &["template", "spec", "restartPolicy"]);
    if policy != "Always" {
        errors.not_supported("spec.template.spec.restartPolicy", &policy.into(), &["Always"]);
    }
}

fn check_strategy(spec: &Value, errors: &mut Errors) {
    let rolling = object::at(spec, &["strategy", "rollingUpdate"]);
    match (object::text(spec, &["strategy", "type"]), rolling) {
        ("Recreate", Some(_)) => {
            errors.forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
        }
        ("Recreate", None) | ("RollingUpdate", None) => {}
        ("RollingUpdate", Some(rolling)) => {
            for name in ["maxUnavailable", "maxSurge"] {
                check_int_or_percent(
                    object::at(rolling, &[name]),
                    &format!("spec.strategy.rollingUpdate.{name}"),
                    errors,
                );
            }
            let is_zero =
                |name: &str| matches!(object::at(rolling, &[name]), Some(value) if *value == 0 || *value == "0%");
            if is_zero("maxUnavailable") && is_zero("maxSurge") {
                let value = object::at(rolling, &["maxUnavailable"]).unwrap_or(&Value::Null);
                errors.invalid(
                    "spec.strategy.rollingUpdate.maxUnavailable",
                    value,
                    "may not be 0 when `maxSurge` is 0",
                );
            }
        }
        _ => errors.not_supported("spec.strategy", &spec["strategy"], &["Recreate", "RollingUpdate"]),
    }
}

/// A whole number that is not negative, or a percentage.
pub(super) fn check_int_or_percent(value: Option<&Value>, field: &str, errors: &mut Errors) {
    match value {
        Some(Value::String(text)) => {
            let percent = text
                .strip_suffix('%')
                .filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
            if percent.is_none() {
                let problem = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
                errors.invalid(field, &text.as_str().into(), problem);
            }
        }
        other => errors.non_negative(field, other),
    }
}

fn check_stateful_set(spec: &Value, errors: &mut Errors) {
    let policy = object::text(spec, &["podManagementPolicy"]);
    if !["OrderedReady", "Parallel"].contains(&policy) {
        errors.invalid("spec.podManagementPolicy", &policy.into(), "must be 'OrderedReady' or 'Parallel'");
    }
    let strategy = object::text(spec, &["updateStrategy", "type"]);
    if !["RollingUpdate", "OnDelete"].contains(&strategy) {
        errors.invalid("spec.updateStrategy", &spec["updateStrategy"], "must be 'RollingUpdate' or 'OnDelete'");
    }
    let service = object::text(spec, &["serviceName"]);
    if !service.is_empty() {
        errors.all_invalid("spec.serviceName", service, name::label_problems(service));
    }
    for (index, claim) in object::list(spec, &["volumeClaimTemplates"]).iter().enumerate() {
        super::config::check_claim_spec(&claim["spec"], &format!("spec.volumeClaimTemplates[{index}].spec"), errors);
    }
}

fn check_job(spec: &Value, field: &str, errors: &mut Errors) {
    for name in ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"] {
        errors.non_negative(format!("{field}.{name}"), object::at(spec, &[name]));
    }
    let mode = object::text(spec, &["completionMode"]);
    if !["", "NonIndexed", "Indexed"].contains(&mode) {
        errors.not_supported(format!("{field}.completionMode"), &mode.into(), &["NonIndexed", "Indexed"]);
    }
    if mode == "Indexed" && object::at(spec, &["completions"]).is_none() {
        errors.required(format!("{field}.completions"), "when completion mode is Indexed");
    }
    pod::check_template(&spec["template"], &format!("{field}.template"), &[], errors);
    let policy = object::text(spec, &["template", "spec", "restartPolicy"]);
    match policy {
        "OnFailure" | "Never" => {}
        "Always" | "" => {
            errors.required(format!("{field}.template.spec.restartPolicy"), "valid values: \"OnFailure\", \"Never\"")
        }
        other => {
            errors.not_supported(format!("{field}.template.spec.restartPolicy"), &other.into(), &["OnFailure", "Never"])
        }
    }
}

fn check_cron_job(spec: &Value, errors: &mut Errors) {
    let schedule = object::text(spec, &["schedule"]);
    if schedule.is_empty() {
        errors.required("spec.schedule", "");
    } else if !schedule.starts_with('@') && schedule.split_whitespace().count() != 5 {
        let text = format!("expected exactly 5 fields, found {}: [{schedule}]", schedule.split_whitespace().count());
        errors.invalid("spec.schedule", &schedule.into(), &text);
    }
    one_of(spec, &["concurrencyPolicy"], "spec.concurrencyPolicy", &["Allow", "Forbid", "Replace"], errors);
    check_numbers(spec, &["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"], errors);
    check_job(&spec["jobTemplate"]["spec"], "spec.jobTemplate.spec", errors);
}

pub(super) fn check_update(object: &Value, old: &Value, errors: &mut Errors) {
    let immutable =
        |path: &[&str], errors: &mut Errors| errors.immutable(&path.join("."), object, old, path, "field is immutable");
    match object::kind(object) {
        "Deployment" | "DaemonSet" | "ReplicaSet" => immutable(&["spec", "selector"], errors),
        "StatefulSet" => {
            const FREE: [&str; 7] = [
                "replicas",
                "ordinals",
                "template",
                "updateStrategy",
                "revisionHistoryLimit",
                "persistentVolumeClaimRetentionPolicy",
                "minReadySeconds",
            ];
            let fixed = |object: &Value| {
                let mut spec = object["spec"].as_object().cloned().unwrap_or_default();
                spec.retain(|name, value| !FREE.contains(&name.as_str()) && !value.is_null());
                spec
            };
            if fixed(object) != fixed(old) {
                let (last, names) = ("minReadySeconds", &FREE[..6]);
                let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
                let text = format!(
                    "updates to statefulset spec for fields other than {} and '{last}' are forbidden",
                    names.join(", ")
                );
                errors.forbidden("spec", &text);
            }
        }
        "Job" => {
            for name in
                ["selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"]
            {
                immutable(&["spec", name], errors);
            }
            let suspended = object::at(old, &["spec", "suspend"]) == Some(&Value::Bool(true))
                && object::at(old, &["status", "startTime"]).is_none();
            if !suspended {
                immutable(&["spec", "template"], errors);
            }
            if object::text(object, &["spec", "completionMode"]) != "Indexed" {
                immutable(&["spec", "completions"], errors);
            }
        }
        _ => {}
    }
}
