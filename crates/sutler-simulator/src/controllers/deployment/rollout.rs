//! How many pods each replica set of a deployment is to have: rolling, recreating, scaling.

use serde_json::{Value, json};

use crate::controllers::deployment::{DESIRED, Family, MAX, note, replicas_of};
use crate::controllers::{Effects, pods};
use crate::key::{ObjectKey, resource};
use crate::view::View;

/// How many pods more than wanted there may be.
pub(super) fn max_surge(deployment: &Value) -> i64 {
    surge_and_unavailable(deployment).0
}

/// `ResolveFenceposts`: both limits in pods; if both come to nothing, one may be missing, or nothing would ever move.
fn surge_and_unavailable(deployment: &Value) -> (i64, i64) {
    let strategy = &deployment["spec"]["strategy"];
    if strategy["type"] == "Recreate" {
        return (0, 0);
    }
    let replicas = replicas_of(deployment);
    let rolling = &strategy["rollingUpdate"];
    let surge = pods::share(&rolling["maxSurge"], replicas, true, "25%");
    let unavailable = pods::share(&rolling["maxUnavailable"], replicas, false, "25%");
    match (surge, unavailable) {
        (0, 0) => (0, 1),
        (surge, unavailable) => (surge, unavailable.min(replicas)),
    }
}

/// How many pods the new replica set may have now, as `NewRSNewReplicas`.
pub(super) fn new_replicas(deployment: &Value, old: &[&Value], new: Option<&Value>) -> i64 {
    let wanted = replicas_of(deployment);
    if deployment["spec"]["strategy"]["type"] == "Recreate" {
        return wanted;
    }
    let have = new.map_or(0, replicas_of);
    let all = have + old.iter().map(|set| replicas_of(set)).sum::<i64>();
    let room = wanted + max_surge(deployment) - all;
    if room <= 0 { have } else { have + room.min(wanted - have) }
}

/// One step of a rolling update: grow the new, or shrink the old as far as enough pods are available.
pub(super) fn rolling(family: &Family<'_>, effects: &mut Effects) {
    if is_scaling(family) {
        scale(family, effects);
        return;
    }
    let Family { deployment, new: Some(new), old } = family else { return };
    let wanted = replicas_of(deployment);
    let have = replicas_of(new);
    let next = if have > wanted { wanted } else { new_replicas(deployment, old, Some(new)) };
    if next != have {
        set_replicas(deployment, new, next, effects);
        return;
    }
    shrink_old(deployment, new, old, effects);
}

/// `reconcileOldReplicaSets`: pods that are not available go first, then as many as may be missing.
fn shrink_old(deployment: &Value, new: &Value, old: &[&Value], effects: &mut Effects) {
    let available = |set: &Value| set["status"]["availableReplicas"].as_i64().unwrap_or(0);
    let (_, max_unavailable) = surge_and_unavailable(deployment);
    let minimum = replicas_of(deployment) - max_unavailable;
    let new_unavailable = replicas_of(new) - available(new);
    let all: i64 = replicas_of(new) + old.iter().map(|set| replicas_of(set)).sum::<i64>();
    let mut may_go = all - minimum - new_unavailable;
    let mut sizes: Vec<i64> = old.iter().map(|set| replicas_of(set)).collect();
    for (set, size) in old.iter().zip(&mut sizes) {
        let unhealthy = (*size - available(set)).clamp(0, may_go.max(0));
        *size -= unhealthy;
        may_go -= unhealthy;
    }
    let still_available: i64 =
        available(new) + old.iter().zip(&sizes).map(|(set, size)| available(set).min(*size)).sum::<i64>();
    let mut surplus = (still_available - minimum).max(0);
    for size in &mut sizes {
        let gone = (*size).min(surplus);
        *size -= gone;
        surplus -= gone;
    }
    for (set, size) in old.iter().zip(sizes) {
        if size != replicas_of(set) {
            set_replicas(deployment, set, size, effects);
        }
    }
}

/// First nothing of the old, then all of the new.
pub(super) fn recreate(view: &View<'_>, family: &Family<'_>, effects: &mut Effects) {
    let Family { deployment, new: Some(new), old } = family else { return };
    let mut waits = false;
    for set in old {
        if replicas_of(set) > 0 {
            set_replicas(deployment, set, 0, effects);
            waits = true;
        }
        waits |= pods::owned(view, set).iter().any(|pod| !pods::has_ended(pod));
    }
    if !waits && replicas_of(new) != replicas_of(deployment) {
        set_replicas(deployment, new, replicas_of(deployment), effects);
    }
}

/// Whether the deployment's size was changed since its replica sets were last sized.
fn is_scaling(family: &Family<'_>) -> bool {
    let Family { deployment, new, old } = family;
    let wanted = replicas_of(deployment).to_string();
    let sized =
        |set: &&Value| set["metadata"]["annotations"][DESIRED].as_str().is_some_and(|desired| desired != wanted);
    new.iter().chain(old).filter(|set| replicas_of(set) > 0).any(sized)
}

/// Gives a changed size to the replica sets: to the only one with pods, or in proportion.
pub(super) fn scale(family: &Family<'_>, effects: &mut Effects) {
    let Family { deployment, new, old } = family;
    let wanted = replicas_of(deployment);
    let all: Vec<&Value> = new.iter().chain(old).copied().collect();
    let active: Vec<&Value> = all.iter().copied().filter(|set| replicas_of(set) > 0).collect();
    let latest = *new.as_ref().or(old.last()).unwrap_or(deployment);
    if active.len() <= 1 {
        if let Some(only) = active.first().or(if all.is_empty() { None } else { Some(&latest) }) {
            set_replicas(deployment, only, wanted, effects);
        }
        return;
    }
    let total: i64 = active.iter().map(|set| replicas_of(set)).sum();
    let allowed = if wanted > 0 { wanted + max_surge(deployment) } else { 0 };
    let mut left = allowed - total;
    // The largest first; when growing, the newest first among equals.
    let mut order = active.clone();
    order.sort_by_key(|set| (std::cmp::Reverse(replicas_of(set)), std::cmp::Reverse(super::revision(set))));
    let mut sizes: Vec<i64> = order
        .iter()
        .map(|set| {
            let have = replicas_of(set);
            let before = set["metadata"]["annotations"][MAX].as_str().and_then(|max| max.parse::<i64>().ok());
            let share = proportion(have, allowed, before.filter(|max| *max > 0).unwrap_or(total)) - have;
            let share = if left > 0 { share.clamp(0, left) } else { share.clamp(left, 0) };
            left -= share;
            (have + share).max(0)
        })
        .collect();
    if let Some(first) = sizes.first_mut() {
        *first = (*first + left).max(0);
    }
    for (set, size) in order.into_iter().zip(sizes) {
        set_replicas(deployment, set, size, effects);
    }
}

/// `have * allowed / before`, rounded to the nearest.
fn proportion(have: i64, allowed: i64, before: i64) -> i64 {
    (2 * have * allowed + before) / (2 * before).max(1)
}

/// Sizes a replica set and notes for which size of the deployment; an event only where the number changes.
fn set_replicas(deployment: &Value, set: &Value, replicas: i64, effects: &mut Effects) {
    let wanted = replicas_of(deployment);
    let annotations = json!({DESIRED: wanted.to_string(), MAX: (wanted + max_surge(deployment)).to_string()});
    effects.patch(
        ObjectKey::of(resource::REPLICA_SETS, set),
        json!({"metadata": {"annotations": annotations}, "spec": {"replicas": replicas}}),
    );
    let have = replicas_of(set);
    if have != replicas {
        let direction = if replicas > have { "up" } else { "down" };
        let name = set["metadata"]["name"].as_str().unwrap_or("");
        let message = format!("Scaled {direction} replica set {name} from {have} to {replicas}");
        effects.record(note(deployment, message));
    }
}
