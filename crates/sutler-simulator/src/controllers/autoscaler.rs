//! The cluster autoscaler, as long as one runs: its Deployment must be ready in the simulator, and its flags are those of its
//! container. The decisions are [`sutler_nodes::autoscaler`]'s.
//!
//! It looks at the cluster at the next multiple of `--scan-interval` after a change that matters, and when a node has been
//! unneeded for long enough; it keeps no other time, so that an idle cluster is still. What it knows it keeps where the real one
//! does: in taints of nodes (`DeletionCandidateOfClusterAutoscaler`, `ToBeDeletedByClusterAutoscaler`).
//!
//! Without one, pods that a pool could take are told so: event `NoAutoscaler`, "no autoscaler runs: …".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sutler_nodes::Pool;
use sutler_nodes::autoscaler::{
    self, Candidate, Flags, Group, Growth, Running, ScaleDown, ScaleUp, scale_down, scale_up,
};
use sutler_nodes::scheduler::{PodFacts, Snapshot};

use crate::controllers::machines::{self, Machine};
use crate::controllers::{Change, Controller, Deletion, Effects, Note, Queue, Severity, pods, scheduler, times};
use crate::key::{ObjectKey, resource};
use crate::view::View;

/// A change was seen: a scan is due.
const CHANGED: &str = "changed";
/// The scan.
const SCAN: &str = "scan";

const CANDIDATE: &str = "DeletionCandidateOfClusterAutoscaler";
const TO_BE_DELETED: &str = "ToBeDeletedByClusterAutoscaler";

/// Runs the autoscaler's model.
pub(crate) struct Autoscaler;

impl Controller for Autoscaler {
    fn name(&self) -> &'static str {
        "cluster-autoscaler"
    }

    fn manager(&self) -> &'static str {
        "cluster-autoscaler"
    }

    fn on_change(&self, change: &Change, view: &View<'_>, queue: &mut Queue) {
        if !view.cluster().pools.is_empty() && matters(change) {
            queue.push(ObjectKey::named(CHANGED));
        }
    }

    fn on_cluster(&self, _view: &View<'_>, queue: &mut Queue) {
        queue.push(ObjectKey::named(CHANGED));
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let running = running(view);
        if key.name == CHANGED {
            let interval = match &running {
                Ok(running) => running.flags.scan_interval,
                Err(_) => Duration::from_secs(10),
            };
            let millis = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1);
            effects.wake_at(ObjectKey::named(SCAN), times::next_multiple(view.now(), millis));
            return;
        }
        match running {
            Ok(running) => scan(view, &running, effects),
            Err(why) => complain(view, &why, effects),
        }
    }
}

fn matters(change: &Change) -> bool {
    let (old, new) = (change.old.as_deref(), change.new.as_deref());
    match change.key.resource.as_str() {
        resource::PODS => {
            let part = |pod: &Value| {
                let scheduled = crate::controllers::conditions::find(pod, "PodScheduled").cloned();
                (scheduled, pods::has_ended(pod), pods::is_terminating(pod), pod["spec"]["nodeName"].clone())
            };
            old.map(part) != new.map(part)
        }
        resource::NODES => {
            let part = |node: &Value| (node["spec"].clone(), crate::controllers::conditions::is_true(node, "Ready"));
            old.map(part) != new.map(part)
        }
        resource::DEPLOYMENTS => {
            let part = |deployment: &Value| (deployment["spec"].clone(), deployment["status"]["readyReplicas"].clone());
            old.map(part) != new.map(part)
        }
        resource::POD_DISRUPTION_BUDGETS => true,
        resource::LEASES => change.key.namespace == machines::NAMESPACE,
        _ => false,
    }
}

/// The autoscaler that runs, or why none does.
fn running(view: &View<'_>) -> Result<Running, String> {
    autoscaler::running(view.list(resource::DEPLOYMENTS), Some(&view.cluster().name))
}

/// A pool that is managed, with its limits by the autoscaler's flags.
struct Managed<'a> {
    pool: &'a Pool,
    min: u32,
    max: u32,
    machines: Vec<Machine<'a>>,
}

fn managed<'a>(view: &View<'a>, flags: &Flags) -> Vec<Managed<'a>> {
    let all = machines::all(view);
    let cluster = view.cluster();
    let limit = |limit: i64| u32::try_from(limit).unwrap_or(u32::MAX);
    cluster
        .pools
        .iter()
        .filter_map(|pool| {
            let limits = flags.limits(pool, &cluster.name)?;
            let machines = all.iter().filter(|machine| machine.pool == pool.name).cloned().collect();
            Some(Managed { pool, min: limit(limits.min), max: limit(limits.max).min(pool.max), machines })
        })
        .collect()
}

fn scan(view: &View<'_>, running: &Running, effects: &mut Effects) {
    let flags = &running.flags;
    let managed = managed(view, flags);
    let snapshot = scheduler::snapshot(view);
    let grew = grow(view, flags, &managed, &snapshot, effects);
    let mut wake = None;
    if flags.scale_down_enabled && !grew {
        wake = shrink(view, flags, &managed, &snapshot, effects);
    }
    if let Some(at) = wake {
        effects.wake_at(ObjectKey::named(SCAN), at);
    }
}

/// One round of scale-up. Whether a pool grew.
fn grow(
    view: &View<'_>,
    flags: &Flags,
    managed: &[Managed<'_>],
    snapshot: &Snapshot<'_>,
    effects: &mut Effects,
) -> bool {
    let old_enough = |pod: &&Value| {
        let created = times::read(&pod["metadata"]["creationTimestamp"]).unwrap_or_else(|| view.now());
        let age = u64::try_from(times::seconds_between(created, view.now())).unwrap_or(0);
        age >= flags.new_pod_scale_up_delay.as_secs()
    };
    let waiting: Vec<&Value> = scheduler::unschedulable(view).into_iter().filter(old_enough).collect();
    if waiting.is_empty() {
        return false;
    }
    let pending: Vec<Arc<PodFacts<'_>>> = waiting.iter().map(|pod| Arc::new(scheduler::facts(view, pod))).collect();
    let groups: Vec<Group<'_>> = managed.iter().map(|managed| group(view, managed)).collect();
    let daemon_sets: Vec<&Value> = view.list(resource::DAEMON_SETS).collect();
    let zone = format!("{}a", view.cluster().region);
    let plan = scale_up(&ScaleUp {
        pending: &pending,
        snapshot,
        groups: &groups,
        daemon_sets: &daemon_sets,
        flags,
        zone: &zone,
        tie: view.random(&format!("expander/{}", view.now().as_second())),
    });
    let find =
        |(namespace, name): &(String, String)| view.get(resource::PODS, namespace, name).cloned().unwrap_or_default();
    if let Some(growth) = &plan.growth {
        for pod in &plan.triggered {
            let message = format!("pod triggered scale-up: [{growth}]");
            effects.record(note(&find(pod), Severity::Normal, "TriggeredScaleUp", message));
        }
        enlarge(view, managed, growth, effects);
    }
    for refusal in &plan.refused {
        let pod = find(&refusal.pod);
        effects.record(note(&pod, Severity::Normal, "NotTriggerScaleUp", refusal.to_string()));
    }
    plan.growth.is_some()
}

fn group<'i>(view: &View<'_>, managed: &'i Managed<'_>) -> Group<'i> {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let is_ready = |machine: &&Machine<'_>| {
        let node = view.get(resource::NODES, "", machine.name);
        node.is_some_and(|node| crate::controllers::conditions::is_true(node, "Ready"))
    };
    let ready = managed.machines.iter().filter(is_ready).count();
    let size = count(managed.machines.len());
    Group { pool: managed.pool, size, upcoming: size - count(ready), max: managed.max }
}

fn enlarge(view: &View<'_>, managed: &[Managed<'_>], growth: &Growth, effects: &mut Effects) {
    if let Some(managed) = managed.iter().find(|managed| managed.pool.name == growth.pool) {
        machines::order(view, managed.pool, growth.to - growth.from, effects);
    }
}

/// One round of scale-down; answers when a node will have been unneeded for long enough.
fn shrink(
    view: &View<'_>,
    flags: &Flags,
    managed: &[Managed<'_>],
    snapshot: &Snapshot<'_>,
    effects: &mut Effects,
) -> Option<Timestamp> {
    let mut wake = finish(view, managed, effects);
    let mut candidates = Vec::new();
    let mut spare: BTreeMap<&str, u32> = BTreeMap::new();
    for managed in managed {
        let going =
            |machine: &&Machine<'_>| node(view, machine.name).is_some_and(|node| mark(node, TO_BE_DELETED).is_some());
        let leaving = managed.machines.iter().filter(going).count();
        let staying = u32::try_from(managed.machines.len() - leaving).unwrap_or(u32::MAX);
        spare.insert(&managed.pool.name, staying.saturating_sub(managed.min));
        for machine in &managed.machines {
            let Some(node) = node(view, machine.name) else { continue };
            let is_ready = crate::controllers::conditions::is_true(node, "Ready");
            if is_ready && mark(node, TO_BE_DELETED).is_none() {
                candidates.push(Candidate { node: machine.name, pool: &managed.pool.name });
            }
        }
    }
    let budgets: Vec<&Value> = view.list(resource::POD_DISRUPTION_BUDGETS).collect();
    let pod_age = |pod: &PodFacts<'_>| {
        let created = times::read(&pod.object["metadata"]["creationTimestamp"]).unwrap_or_else(|| view.now());
        u64::try_from(times::seconds_between(created, view.now())).unwrap_or(0)
    };
    let input =
        ScaleDown { snapshot, candidates: &candidates, spare: &spare, budgets: &budgets, flags, pod_age: &pod_age };
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    let last_add = managed.iter().flat_map(|managed| &managed.machines).map(|machine| machine.ordered_at).max();
    let quiet_until = last_add.map(|at| times::after(at, seconds(flags.scale_down_delay_after_add)));
    let mut sooner = |at: Timestamp| wake = Some(wake.map_or(at, |known: Timestamp| known.min(at)));
    let mut drained = false;
    for (candidate, verdict) in candidates.iter().zip(scale_down(&input)) {
        let Some(node) = node(view, candidate.node) else { continue };
        let since = mark(node, CANDIDATE);
        let Ok(moved) = verdict else {
            if since.is_some() {
                set_marks(node, None, false, effects);
            }
            continue;
        };
        let since = since.unwrap_or_else(|| {
            set_marks(node, Some((CANDIDATE, view.now(), "PreferNoSchedule")), false, effects);
            view.now()
        });
        let ripe = times::after(since, seconds(flags.scale_down_unneeded_time));
        let due = quiet_until.map_or(ripe, |quiet| quiet.max(ripe));
        if due > view.now() {
            sooner(times::after(due, 1));
            continue;
        }
        // Of nodes that must be drained, one at a time.
        if !moved.is_empty() && std::mem::replace(&mut drained, true) {
            sooner(times::after(view.now(), seconds(flags.scan_interval)));
            continue;
        }
        remove(view, node, &moved, effects);
        sooner(times::after(view.now(), 5));
    }
    wake
}

/// Marks a node as going and evicts its pods.
fn remove(view: &View<'_>, node: &Value, moved: &[(String, String)], effects: &mut Effects) {
    set_marks(node, Some((TO_BE_DELETED, view.now(), "NoSchedule")), true, effects);
    let name = node["metadata"]["name"].as_str().unwrap_or("");
    let message = if moved.is_empty() {
        "marked the node as toBeDeleted/unschedulable".to_owned()
    } else {
        let names: Vec<String> = moved.iter().map(|(namespace, name)| format!("{namespace}/{name}")).collect();
        format!("marked the node as toBeDeleted/unschedulable; moving {}", names.join(", "))
    };
    effects.record(note(node, Severity::Normal, "ScaleDown", message));
    for (namespace, pod) in moved {
        if let Some(object) = view.get(resource::PODS, namespace, pod) {
            let message = format!("deleting pod for node scale down of {name}");
            effects.record(note(object, Severity::Normal, "ScaleDown", message));
        }
        effects.delete(Deletion::of(ObjectKey::new(resource::PODS, namespace, pod)));
    }
}

/// Ends the machines of nodes that are marked and empty; answers when to look again if one is not.
fn finish(view: &View<'_>, managed: &[Managed<'_>], effects: &mut Effects) -> Option<Timestamp> {
    let mut wake = None;
    for machine in managed.iter().flat_map(|managed| &managed.machines) {
        let Some(since) = node(view, machine.name).and_then(|node| mark(node, TO_BE_DELETED)) else { continue };
        let is_left = |pod: &&Value| {
            let is_daemon = pods::controller(pod).is_some_and(|(kind, _, _)| kind == "DaemonSet");
            !is_daemon && !pods::has_ended(pod)
        };
        let due = times::after(since, 5);
        if view.now() < due {
            wake = Some(due);
        } else if !view.pods_on(machine.name).any(|pod| is_left(&pod)) {
            effects.delete(Deletion::of(machines::key(machine.name)));
        }
    }
    wake
}

fn node<'a>(view: &View<'a>, name: &str) -> Option<&'a Value> {
    view.get(resource::NODES, "", name)
}

/// Since when a node carries one of the autoscaler's taints: its value is the time.
fn mark(node: &Value, key: &str) -> Option<Timestamp> {
    let taints = node["spec"]["taints"].as_array()?;
    let taint = taints.iter().find(|taint| taint["key"] == key)?;
    Timestamp::from_second(taint["value"].as_str()?.parse().ok()?).ok()
}

/// Replaces the autoscaler's taints of a node.
fn set_marks(node: &Value, mark: Option<(&str, Timestamp, &str)>, cordon: bool, effects: &mut Effects) {
    let others = node["spec"]["taints"].as_array().into_iter().flatten();
    let mut taints: Vec<Value> =
        others.filter(|taint| taint["key"] != CANDIDATE && taint["key"] != TO_BE_DELETED).cloned().collect();
    if let Some((key, since, effect)) = mark {
        taints.push(json!({"key": key, "value": since.as_second().to_string(), "effect": effect}));
    }
    let mut spec = json!({"taints": if taints.is_empty() { Value::Null } else { json!(taints) }});
    if cordon {
        spec["unschedulable"] = json!(true);
    }
    effects.patch(ObjectKey::of(resource::NODES, node), json!({"spec": spec}));
}

/// Tells the pods for which a pool would grow that nobody makes it grow.
fn complain(view: &View<'_>, why: &str, effects: &mut Effects) {
    let waiting = scheduler::unschedulable(view);
    if waiting.is_empty() {
        return;
    }
    let mut pending: Vec<Arc<PodFacts<'_>>> = waiting.iter().map(|pod| Arc::new(scheduler::facts(view, pod))).collect();
    let snapshot = scheduler::snapshot(view);
    let daemon_sets: Vec<&Value> = view.list(resource::DAEMON_SETS).collect();
    let zone = format!("{}a", view.cluster().region);
    let flags = Flags::default();
    let all = machines::all(view);
    let of_pool = |pool: &Pool| all.iter().filter(|machine| machine.pool == pool.name).cloned().collect();
    let managed: Vec<Managed<'_>> = view
        .cluster()
        .pools
        .iter()
        .map(|pool| Managed { pool, min: pool.min, max: pool.max, machines: of_pool(pool) })
        .collect();
    let groups: Vec<Group<'_>> = managed.iter().map(|managed| group(view, managed)).collect();
    let mut told = BTreeSet::new();
    // One pool grows in a round: as many rounds as there are pools.
    for _ in &groups {
        let plan = scale_up(&ScaleUp {
            pending: &pending,
            snapshot: &snapshot,
            groups: &groups,
            daemon_sets: &daemon_sets,
            flags: &flags,
            zone: &zone,
            tie: 0,
        });
        if plan.triggered.is_empty() {
            break;
        }
        told.extend(plan.triggered);
        pending.retain(|pod| !told.contains(&(pod.namespace().to_owned(), pod.name().to_owned())));
    }
    let message = format!("no autoscaler runs: {why}");
    for (namespace, name) in told {
        let Some(pod) = view.get(resource::PODS, &namespace, &name) else { continue };
        let mut note = note(pod, Severity::Warning, "NoAutoscaler", message.clone());
        note.component = "sutler-simulator".to_owned();
        effects.record(note);
    }
}

fn note(regarding: &Value, severity: Severity, reason: &str, message: String) -> Note {
    Note {
        regarding: regarding.clone(),
        severity,
        reason: reason.to_owned(),
        message,
        component: "cluster-autoscaler".to_owned(),
        host: String::new(),
    }
}
