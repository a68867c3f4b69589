//! DaemonSet: a pod on every node that it chooses, as Kubernetes' daemon set controller.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use sutler_nodes::daemons::{Daemon, daemon_on_node, daemon_pod};

use crate::controllers::replica_set::queue_owner;
use crate::controllers::{Change, Controller, Deletion, Effects, Note, Queue, Severity, pods, revisions};
use crate::key::{ObjectKey, resource};
use crate::view::View;

/// Keeps the pods of DaemonSets.
pub(crate) struct DaemonSets;

impl Controller for DaemonSets {
    fn name(&self) -> &'static str {
        "daemonset-controller"
    }

    fn on_change(&self, change: &Change, view: &View<'_>, queue: &mut Queue) {
        queue_owner(change, resource::DAEMON_SETS, "DaemonSet", queue);
        if change.is(resource::NODES) {
            let part = |node: &Value| (node["metadata"]["labels"].clone(), node["spec"].clone());
            let same = change.old.as_deref().map(part) == change.new.as_deref().map(part);
            if !same {
                view.list(resource::DAEMON_SETS).for_each(|set| queue.push(ObjectKey::of(resource::DAEMON_SETS, set)));
            }
        }
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let Some(set) = view.object(key) else { return };
        let hash = revisions::record(view, set, resource::DAEMON_SETS, effects);
        let mut by_node: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for pod in pods::owned(view, set) {
            by_node.entry(target_node(pod)).or_default().push(pod);
        }
        let nodes: Vec<&Value> = view.list(resource::NODES).collect();
        let mut tally = Tally { now: view.now(), hash: hash.clone(), ..Tally::default() };
        tally.min_ready = set["spec"]["minReadySeconds"].as_i64().unwrap_or(0);
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        let mut bare: Vec<&str> = Vec::new();
        for node in &nodes {
            let name = node["metadata"]["name"].as_str().unwrap_or("");
            let wish = daemon_on_node(set, node);
            if wish == Daemon::Runs {
                wanted.insert(name);
            }
            let here = by_node.get(name).map_or(&[][..], Vec::as_slice);
            tally.count(wish, here);
            if wish == Daemon::Runs && here.is_empty() {
                bare.push(name);
            }
            if !pods::is_terminating(set) {
                remove_surplus(set, wish, here, effects);
            }
        }
        if !pods::is_terminating(set) {
            make_pods(view, set, &hash, &bare, effects);
        }
        // Pods of nodes that are gone are the garbage collector's.
        if !pods::is_terminating(set) && set["spec"]["updateStrategy"]["type"] != "OnDelete" {
            roll(set, &hash, &wanted, &by_node, &tally, effects);
        }
        let (status, wake) = tally.status(set);
        effects.replace_status(json!({
            "apiVersion": set["apiVersion"], "kind": set["kind"], "metadata": set["metadata"], "status": status,
        }));
        match wake {
            Some(at) => effects.wake_at(key.clone(), at),
            None => effects.forget_wake(key.clone()),
        }
    }
}

/// The node that a daemon's pod is on or is made for.
fn target_node(pod: &Value) -> &str {
    if let Some(name) = pod["spec"]["nodeName"].as_str().filter(|name| !name.is_empty()) {
        return name;
    }
    let required = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    required["nodeSelectorTerms"][0]["matchFields"][0]["values"][0].as_str().unwrap_or("")
}

/// Makes a pod for each node that has none.
fn make_pods(view: &View<'_>, set: &Value, hash: &str, nodes: &[&str], effects: &mut Effects) {
    let prefix = set["metadata"]["name"].as_str().unwrap_or("");
    let count = i64::try_from(nodes.len()).unwrap_or(i64::MAX);
    for (node, name) in nodes.iter().zip(pods::free_names(view, set, prefix, count)) {
        let mut pod = daemon_pod(set, node);
        pod["metadata"] = pods::of_template(set, &set["spec"]["template"])["metadata"].take();
        pod["metadata"]["name"] = json!(name);
        pod["metadata"]["generateName"] = json!(format!("{prefix}-"));
        pod["metadata"]["labels"]["controller-revision-hash"] = json!(hash);
        let generation = set["metadata"]["generation"].to_string();
        pod["metadata"]["labels"]["pod-template-generation"] = json!(generation);
        effects.create(pod);
        effects.record(note(set, "SuccessfulCreate", format!("Created pod: {name}")));
    }
}

/// Removes the pods of a node that should not be there: ended ones, more than one, those that the node is not for.
fn remove_surplus(set: &Value, wish: Daemon, here: &[&Value], effects: &mut Effects) {
    let ended = here.iter().filter(|pod| pods::has_ended(pod) && !pods::is_terminating(pod));
    let kept = usize::from(wish != Daemon::Leaves);
    let surplus = here.iter().filter(|pod| pods::is_active(pod)).skip(kept);
    for pod in ended.chain(surplus) {
        effects.delete(Deletion::of(pods::key(pod)));
        let name = pod["metadata"]["name"].as_str().unwrap_or("");
        effects.record(note(set, "SuccessfulDelete", format!("Deleted pod: {name}")));
    }
}

/// Deletes pods of an old template, as many as may be missing at a time.
fn roll(
    set: &Value,
    hash: &str,
    wanted: &BTreeSet<&str>,
    by_node: &BTreeMap<&str, Vec<&Value>>,
    tally: &Tally,
    effects: &mut Effects,
) {
    let desired = i64::try_from(wanted.len()).unwrap_or(i64::MAX);
    let rolling = &set["spec"]["updateStrategy"]["rollingUpdate"];
    let allowed = pods::share(&rolling["maxUnavailable"], desired, true, "1").max(1);
    let mut missing = desired - tally.available;
    for node in wanted {
        let here = by_node.get(node).map_or(&[][..], Vec::as_slice);
        for pod in here.iter().filter(|pod| pods::is_active(pod)) {
            if pod["metadata"]["labels"]["controller-revision-hash"] == hash {
                continue;
            }
            // A pod that is not there for anybody may go without counting.
            let is_available = pods::available_at(pod, tally.min_ready).is_some_and(|at| at <= tally.now);
            if is_available && missing >= allowed {
                continue;
            }
            missing += i64::from(is_available);
            effects.delete(Deletion::of(pods::key(pod)));
            let name = pod["metadata"]["name"].as_str().unwrap_or("");
            effects.record(note(set, "SuccessfulDelete", format!("Deleted pod: {name}")));
        }
    }
}

#[derive(Default)]
struct Tally {
    now: Timestamp,
    hash: String,
    min_ready: i64,
    desired: i64,
    current: i64,
    misscheduled: i64,
    ready: i64,
    available: i64,
    updated: i64,
    wake: Option<Timestamp>,
}

impl Tally {
    fn count(&mut self, wish: Daemon, here: &[&Value]) {
        let alive = here.iter().filter(|pod| !pods::is_terminating(pod)).max_by_key(|pod| pods::is_ready(pod));
        if wish != Daemon::Runs {
            self.misscheduled += i64::from(alive.is_some());
            return;
        }
        self.desired += 1;
        let Some(pod) = alive else { return };
        self.current += 1;
        self.ready += i64::from(pods::is_ready(pod));
        self.updated += i64::from(pod["metadata"]["labels"]["controller-revision-hash"] == self.hash.as_str());
        match pods::available_at(pod, self.min_ready) {
            Some(at) if at <= self.now => self.available += 1,
            Some(at) => self.wake = Some(self.wake.map_or(at, |wake| wake.min(at))),
            None => {}
        }
    }

    fn status(&self, set: &Value) -> (Value, Option<Timestamp>) {
        let mut status = json!({
            "currentNumberScheduled": self.current,
            "desiredNumberScheduled": self.desired,
            "numberMisscheduled": self.misscheduled,
            "numberReady": self.ready,
            "observedGeneration": set["metadata"]["generation"],
        });
        for (field, count) in [
            ("numberAvailable", self.available),
            ("numberUnavailable", self.desired - self.available),
            ("updatedNumberScheduled", self.updated),
        ] {
            if count > 0 {
                status[field] = json!(count);
            }
        }
        (status, self.wake)
    }
}

fn note(set: &Value, reason: &str, message: String) -> Note {
    Note {
        regarding: set.clone(),
        severity: Severity::Normal,
        reason: reason.to_owned(),
        message,
        component: "daemonset-controller".to_owned(),
        host: String::new(),
    }
}
