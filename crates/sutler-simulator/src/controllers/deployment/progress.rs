//! A deployment's status: how far it is, and whether it still moves.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::controllers::conditions::{self, Condition};
use crate::controllers::deployment::{Family, replicas_of};
use crate::controllers::{Effects, times};
use crate::key::ObjectKey;
use crate::view::View;

const PROGRESSING: &str = "Progressing";

/// Sums of the statuses of replica sets.
struct Counts {
    replicas: i64,
    updated: i64,
    ready: i64,
    available: i64,
}

fn counts(new: Option<&Value>, old: &[&Value]) -> Counts {
    let sum = |field: &str| new.iter().chain(old).map(|set| set["status"][field].as_i64().unwrap_or(0)).sum::<i64>();
    Counts {
        replicas: sum("replicas"),
        updated: new.map_or(0, |set| set["status"]["replicas"].as_i64().unwrap_or(0)),
        ready: sum("readyReplicas"),
        available: sum("availableReplicas"),
    }
}

/// Whether all pods are of the present template, and available.
pub(super) fn is_complete(deployment: &Value, new: &Value, old: &[&Value]) -> bool {
    let counts = counts(Some(new), old);
    let wanted = replicas_of(deployment);
    counts.updated == wanted && counts.replicas == wanted && counts.available == wanted
}

/// Writes the status; wakes when the progress deadline would pass.
pub(super) fn report(key: &ObjectKey, view: &View<'_>, family: &Family<'_>, effects: &mut Effects) {
    let Family { deployment, new, old } = family;
    let now = view.now();
    let counts = counts(*new, old);
    let wanted = replicas_of(deployment);
    let mut status = json!({"observedGeneration": deployment["metadata"]["generation"]});
    let total: i64 = new.iter().chain(old).map(|set| replicas_of(set)).sum();
    for (field, count) in [
        ("replicas", counts.replicas),
        ("updatedReplicas", counts.updated),
        ("readyReplicas", counts.ready),
        ("availableReplicas", counts.available),
        ("unavailableReplicas", total - counts.available),
    ] {
        if count > 0 {
            status[field] = json!(count);
        }
    }
    let mut list = deployment["status"]["conditions"].clone();
    let enough = counts.available >= wanted - unavailable_allowed(deployment);
    let available = if enough {
        ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    set(&mut list, "Available", enough, available.0, available.1, now);
    let wake = progressing(&mut list, family, &counts, now);
    status["conditions"] = list;
    effects.replace_status(json!({
        "apiVersion": deployment["apiVersion"],
        "kind": deployment["kind"],
        "metadata": deployment["metadata"],
        "status": status,
    }));
    match wake {
        Some(at) => effects.wake_at(key.clone(), at),
        None => effects.forget_wake(key.clone()),
    }
}

fn unavailable_allowed(deployment: &Value) -> i64 {
    use crate::controllers::pods::share;
    let strategy = &deployment["spec"]["strategy"];
    if strategy["type"] == "Recreate" {
        return 0;
    }
    let replicas = replicas_of(deployment);
    let rolling = &strategy["rollingUpdate"];
    let unavailable = share(&rolling["maxUnavailable"], replicas, false, "25%");
    let surge = share(&rolling["maxSurge"], replicas, true, "25%");
    if surge == 0 && unavailable == 0 { 1 } else { unavailable.min(replicas) }
}

/// Sets the condition `Progressing`; answers when its deadline is.
fn progressing(list: &mut Value, family: &Family<'_>, counts: &Counts, now: Timestamp) -> Option<Timestamp> {
    let Family { deployment, new, old } = family;
    let deadline = deployment["spec"]["progressDeadlineSeconds"].as_i64().unwrap_or(600);
    if deadline >= i64::from(i32::MAX) {
        return None;
    }
    let known = list.as_array().into_iter().flatten().find(|condition| condition["type"] == PROGRESSING).cloned();
    let reason = known.as_ref().and_then(|known| known["reason"].as_str()).unwrap_or("");
    if deployment["spec"]["paused"] == true {
        set(list, PROGRESSING, true, "DeploymentPaused", "Deployment is paused", now);
        if let Some(condition) = list.as_array_mut().and_then(|list| list.iter_mut().find(|c| c["type"] == PROGRESSING))
        {
            condition["status"] = json!("Unknown");
        }
        return None;
    }
    let Some(set_object) = new else {
        return None;
    };
    let name = set_object["metadata"]["name"].as_str().unwrap_or("");
    if is_complete(deployment, set_object, old) {
        let message = format!("ReplicaSet \"{name}\" has successfully progressed.");
        set(list, PROGRESSING, true, "NewReplicaSetAvailable", &message, now);
        return None;
    }
    // What was complete and is not any more for want of pods keeps its condition, as the real controller has it.
    let before = &deployment["status"];
    let count = |field: &str| before[field].as_i64().unwrap_or(0);
    let moved = counts.updated > count("updatedReplicas")
        || counts.ready > count("readyReplicas")
        || counts.available > count("availableReplicas")
        || counts.replicas - counts.updated < count("replicas") - count("updatedReplicas");
    let other_set =
        known.as_ref().is_none_or(|known| !known["message"].as_str().unwrap_or("").contains(&format!("\"{name}\"")));
    if reason.is_empty() || other_set {
        let message = format!("Created new replica set \"{name}\"");
        replace(list, "NewReplicaSetCreated", &message, now);
    } else if moved {
        let message = format!("ReplicaSet \"{name}\" is progressing.");
        replace(list, "ReplicaSetUpdated", &message, now);
    } else if reason == "NewReplicaSetAvailable" || reason == "ProgressDeadlineExceeded" {
        return None;
    }
    let known = list.as_array().into_iter().flatten().find(|condition| condition["type"] == PROGRESSING)?;
    let due = times::after(times::read(&known["lastUpdateTime"])?, deadline);
    if due <= now {
        let message = format!("ReplicaSet \"{name}\" has timed out progressing.");
        set(list, PROGRESSING, false, "ProgressDeadlineExceeded", &message, now);
        return None;
    }
    Some(due)
}

/// A condition of a deployment also says when it was last updated: whenever its reason or message changed.
fn set(list: &mut Value, kind: &str, status: bool, reason: &str, message: &str, now: Timestamp) {
    let before = list.as_array().into_iter().flatten().find(|condition| condition["type"] == kind).cloned();
    let same = before.as_ref().is_some_and(|before| {
        before["reason"] == reason
            && before["message"] == message
            && before["status"] == if status { "True" } else { "False" }
    });
    let updated = match before.filter(|_| same) {
        Some(before) => before["lastUpdateTime"].clone(),
        None => times::stamp(now),
    };
    conditions::set(list, &Condition { kind, status, reason, message }, now);
    if let Some(condition) = list.as_array_mut().and_then(|list| list.iter_mut().find(|c| c["type"] == kind)) {
        condition["lastUpdateTime"] = updated;
    }
}

/// Sets `Progressing` to true and its time of update to now, also where the words stay the same.
fn replace(list: &mut Value, reason: &str, message: &str, now: Timestamp) {
    set(list, PROGRESSING, true, reason, message, now);
    if let Some(condition) = list.as_array_mut().and_then(|list| list.iter_mut().find(|c| c["type"] == PROGRESSING)) {
        condition["lastUpdateTime"] = times::stamp(now);
    }
}
