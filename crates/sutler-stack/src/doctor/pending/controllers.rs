//! Pods that are never made: their controller is refused by a quota, an admission rule or a missing account.

use serde_json::Value;
use sutler_access::doctor::State;
use sutler_objects::object::{at, integer, name, namespace, text};

use super::{Ward, message};
use crate::doctor::{Branch, Finding, Fix, count};
use crate::reach::qualified;

/// Controllers that lack pods, with how many each lacks.
pub(super) fn unmade(ward: &Ward<'_>, within: Option<&str>) -> Vec<(usize, Finding)> {
    let kinds = ["ReplicaSet", "StatefulSet", "DaemonSet", "Job"];
    let all = kinds.iter().flat_map(|kind| ward.seen.tables.list(kind));
    let meant = all.filter(|object| within.is_none_or(|within| namespace(object) == within));
    meant.filter_map(|object| of(ward, object)).collect()
}

fn of(ward: &Ward<'_>, object: &Value) -> Option<(usize, Finding)> {
    let missing = usize::try_from(missing(object)).ok().filter(|missing| *missing > 0)?;
    let events = ward.events(object);
    let created =
        events.iter().find(|event| matches!(text(event, &["reason"]), "FailedCreate" | "SuccessfulCreate"))?;
    if text(created, &["reason"]) == "SuccessfulCreate" {
        return None;
    }
    let (branch, fix) = refused(ward, object, message(created));
    let subject = format!("{} {}", text(object, &["kind"]), qualified(object));
    let mut finding = Finding::new(State::Failed, subject, format!("{} cannot be made", count(missing, "pod")));
    finding.branches.push(branch);
    Some((missing, finding.fix(fix)))
}

/// How many pods a controller wants and does not have.
fn missing(object: &Value) -> i64 {
    let number = |path: &[&str]| integer(object, path);
    let (wanted, there) = match text(object, &["kind"]) {
        "DaemonSet" => {
            (number(&["status", "desiredNumberScheduled"]).unwrap_or(0), number(&["status", "currentNumberScheduled"]))
        }
        "Job" => {
            if at(object, &["status", "completionTime"]).is_some() {
                return 0;
            }
            let ended = number(&["status", "succeeded"]).unwrap_or(0);
            (number(&["spec", "parallelism"]).unwrap_or(1) - ended, number(&["status", "active"]))
        }
        _ => (number(&["spec", "replicas"]).unwrap_or(1), number(&["status", "replicas"])),
    };
    wanted - there.unwrap_or(0)
}

/// The API's refusal in words, and what to do about it.
fn refused(ward: &Ward<'_>, object: &Value, message: &str) -> (Branch, Fix) {
    let within = namespace(object);
    if let Some((_, rest)) = message.split_once("exceeded quota: ") {
        let (quota, figures) = rest.split_once(", ").unwrap_or((rest, ""));
        let branch = Branch::new("quota", format!("ResourceQuota {within}/{quota} leaves no room"));
        let branch = if figures.is_empty() { branch } else { branch.because(figures) };
        let fix = Fix::new(format!("raise ResourceQuota {quota} in {within}, or ask for less or fewer"));
        return (branch, fix.at(place(ward, object, &["replicas", "resources"])));
    }
    if let Some((_, rest)) = message.split_once("failed quota: ") {
        let branch = Branch::new("quota", format!("a ResourceQuota wants every pod to say what it asks for: {rest}"));
        let fix = Fix::new("give the containers requests and limits").at(place(ward, object, &["resources"]));
        return (branch, fix);
    }
    if let Some((_, rest)) = message.split_once("error looking up service account ") {
        let account = rest.split(':').next().unwrap_or(rest);
        let branch = Branch::new("account", format!("service account {account} is not there"));
        let called = account.rsplit('/').next().unwrap_or(account);
        return (
            branch,
            Fix::new(format!(
                "kubectl create serviceaccount {called} -n {within}     (or `sutler up`, where it is of a role of the stack)"
            )),
        );
    }
    if message.contains("violates PodSecurity") {
        let branch = Branch::new("admission", message.to_owned());
        let fix = Fix::new(format!(
            "set the securityContext that it asks for, or the label pod-security.kubernetes.io/enforce of namespace {within}"
        ));
        return (branch, fix.at(place(ward, object, &["securityContext"])));
    }
    if message.contains("failed calling webhook") {
        let branch = Branch::new("admission", message.to_owned());
        return (
            branch,
            Fix::new(
                "mend or remove that webhook: kubectl get mutatingwebhookconfigurations,validatingwebhookconfigurations",
            ),
        );
    }
    let branch = Branch::new("admission", message.to_owned());
    (
        branch,
        Fix::new(format!("kubectl describe {} {} -n {within}", text(object, &["kind"]).to_lowercase(), name(object))),
    )
}

/// Where the stack says how many pods there are, or how large.
fn place(ward: &Ward<'_>, object: &Value, keys: &[&str]) -> Option<String> {
    let template = at(object, &["spec", "template"])?;
    let mut pod = template.clone();
    pod["metadata"]["namespace"] = namespace(object).into();
    ward.release_place(&pod, keys)
}
