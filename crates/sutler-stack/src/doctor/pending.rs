//! Why pods do not run: each pod as one tree of who keeps it, ending in what to change.
//!
//! ```text
//! pod without a node ─▶ gate, claims, scheduler (by node and pool), autoscaler (by pool)
//! pod on a node ──────▶ node, image, container, volume, network
//! pod never made ─────▶ quota, account, admission
//! ```
//! The verdicts are those of [`sutler_nodes::scheduler`] and [`sutler_nodes::autoscaler`], the same that the simulator acts by.

mod autoscaler;
mod containers;
mod controllers;
mod scheduler;
mod volumes;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sutler_access::doctor::State;
use sutler_nodes::scheduler::{PodFacts, Snapshot};
use sutler_objects::object::{at, labels, list, name, namespace, text};

use super::pools::{Group, groups};
use super::{Branch, Finding, Fix, Section, Seen, Topic, count, span};
use crate::reach::qualified;

/// How long a node may take to come before its absence is a fault: the autoscaler's own `--max-node-provision-time`.
const NODE_TAKES: SignedDuration = SignedDuration::from_mins(15);

/// How long a pod on a node may take to start before that is told, where nothing says what it waits for.
const START_TAKES: SignedDuration = SignedDuration::from_mins(2);

/// What keeps one pod.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tree {
    state: State,
    branches: Vec<Branch>,
    fixes: Vec<Fix>,
}

impl Tree {
    fn failed(branch: Branch) -> Tree {
        Tree { state: State::Failed, branches: vec![branch], fixes: Vec::new() }
    }

    fn fix(mut self, fix: Fix) -> Tree {
        self.fixes.push(fix);
        self
    }
}

/// Everything that pods are held against, prepared once.
struct Ward<'a> {
    seen: Seen<'a>,
    groups: Vec<Group<'a>>,
    snapshot: Snapshot<'a>,
    daemon_sets: Vec<&'a Value>,
}

impl<'a> Ward<'a> {
    fn of(seen: Seen<'a>) -> Ward<'a> {
        let bound = seen.tables.list("Pod").iter().filter(|pod| !text(pod, &["spec", "nodeName"]).is_empty());
        Ward {
            groups: groups(&seen),
            snapshot: Snapshot::new(seen.tables.list("Node"), bound, seen.tables.list("Namespace")),
            daemon_sets: seen.tables.list("DaemonSet").iter().collect(),
            seen,
        }
    }

    fn facts(&self, pod: &'a Value) -> PodFacts<'a> {
        PodFacts::among(pod, &self.seen.tables)
    }

    /// The events about an object, the latest first.
    fn events(&self, object: &Value) -> Vec<&'a Value> {
        let about = |event: &&Value| {
            let regarding = event.get("involvedObject").or_else(|| event.get("regarding")).unwrap_or(&Value::Null);
            let is_named = text(regarding, &["name"]) == name(object)
                && text(regarding, &["kind"]) == text(object, &["kind"])
                && text(regarding, &["namespace"]) == namespace(object);
            let (uid, own) = (text(regarding, &["uid"]), text(object, &["metadata", "uid"]));
            is_named && (uid.is_empty() || own.is_empty() || uid == own)
        };
        let mut events: Vec<&Value> = self.seen.tables.list("Event").iter().filter(about).collect();
        events.sort_by_key(|event| std::cmp::Reverse(event_time(event)));
        events
    }

    /// How long ago a time was.
    fn since(&self, time: &str) -> SignedDuration {
        time.parse().map_or(SignedDuration::ZERO, |time: Timestamp| self.seen.now.duration_since(time))
    }

    /// The release of the stack that a pod is of: by its labels, or those that its owner carries.
    fn release(&self, pod: &Value) -> Option<&'a str> {
        let stack = self.seen.stack?;
        let named = release_name(pod);
        let release =
            stack.releases.iter().find(|release| release.namespace == namespace(pod) && release.name == named);
        release.map(|release| release.id.as_str())
    }

    /// Where to change what a release's values say of its pods: the first of these keys that the file has below its values, else the
    /// release itself.
    fn release_place(&self, pod: &Value, keys: &[&str]) -> Option<String> {
        let (stack, release) = (self.seen.stack?, self.release(pod)?);
        let values = stack.file.root.find(["releases", release, "values"]);
        let found = values.and_then(|values| keys.iter().find_map(|key| find_key(values, key)));
        let found = found.or_else(|| stack.file.key_place(&["releases", release]));
        self.seen.at(found?)
    }
}

/// Where a key stands anywhere below a node; the first in the order of the file.
pub(crate) fn find_key(node: &sutler_yaml::Node, wanted: &str) -> Option<crate::file::diagnostic::Place> {
    let mut open = vec![node];
    let mut found: Option<crate::file::diagnostic::Place> = None;
    while let Some(node) = open.pop() {
        if let Some((key, _)) = node.entry(wanted) {
            let place = key.start.into();
            found = Some(found.map_or(place, |other| other.min(place)));
        }
        open.extend(node.entries().iter().map(|(_, value)| value).chain(node.items()));
    }
    found
}

/// The Helm release that a pod says it is of, empty if it does not.
fn release_name(pod: &Value) -> &str {
    let label = |key: &&str| labels(pod).and_then(|labels| labels.get(*key)).and_then(Value::as_str);
    ["app.kubernetes.io/instance", "release"].iter().find_map(label).unwrap_or_default()
}

/// When an event was last seen.
fn event_time(event: &Value) -> &str {
    let times = [
        text(event, &["series", "lastObservedTime"]),
        text(event, &["lastTimestamp"]),
        text(event, &["eventTime"]),
        text(event, &["metadata", "creationTimestamp"]),
    ];
    times.into_iter().find(|time| !time.is_empty()).unwrap_or_default()
}

/// An event's text.
fn message(event: &Value) -> &str {
    match text(event, &["message"]) {
        "" => text(event, &["note"]),
        message => message,
    }
}

/// The controller that a pod is of: kind, name, uid.
fn controller(pod: &Value) -> Option<(&str, &str, &str)> {
    let owners = list(pod, &["metadata", "ownerReferences"]);
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    Some((text(owner, &["kind"]), text(owner, &["name"]), text(owner, &["uid"])))
}

/// Judges all pods of the tables; with `within` those of one namespace.
pub fn pending(seen: Seen<'_>, within: Option<&str>) -> Section {
    let is_meant = |object: &&Value| within.is_none_or(|within| namespace(object) == within);
    if let Some(why) = seen.tables.unknown("Pod") {
        let finding = Finding::new(State::Unknown, "pods", format!("whether they run: {why}"));
        return Section::new(Topic::Pending, "the pods are not known".to_owned(), vec![finding]);
    }
    let ward = Ward::of(seen);
    let all: Vec<&Value> = seen.tables.list("Pod").iter().filter(is_meant).collect();
    let mut waiting: Vec<(&Value, Tree)> = all.iter().filter_map(|pod| Some((*pod, judge(&ward, pod)?))).collect();
    waiting.sort_by_key(|(pod, _)| (text(pod, &["metadata", "creationTimestamp"]), namespace(pod), name(pod)));
    let stuck = waiting.len();
    let mut findings = alike(&ward, waiting);
    let unmade = controllers::unmade(&ward, within);
    let missing: usize = unmade.iter().map(|(missing, _)| missing).sum();
    findings.extend(unmade.into_iter().map(|(_, finding)| finding));
    let running = all.iter().filter(|pod| text(pod, &["status", "phase"]) == "Running").count();
    let mut summary = match stuck {
        0 => format!("{}, none waits", count(running, "pod") + " run"),
        1 => format!("1 pod does not run, {running} do"),
        _ => format!("{stuck} pods do not run, {running} do"),
    };
    if missing > 0 {
        summary.push_str(&format!("; {} cannot be made", count(missing, "pod")));
    }
    Section::new(Topic::Pending, summary, findings)
}

/// Pods that wait for the same reason are told once.
fn alike(ward: &Ward<'_>, waiting: Vec<(&Value, Tree)>) -> Vec<Finding> {
    let mut findings: Vec<(Finding, String)> = Vec::new();
    for (pod, tree) in waiting {
        let owner = controller(pod).map_or_else(|| qualified(pod), |(_, _, uid)| format!("{}/{uid}", namespace(pod)));
        let same = findings.iter_mut().find(|(finding, of)| {
            *of == owner
                && finding.state == tree.state
                && finding.branches == tree.branches
                && finding.fixes == tree.fixes
        });
        match same {
            Some((finding, _)) => finding.more += 1,
            None => {
                let since = ward.since(text(pod, &["metadata", "creationTimestamp"]));
                let text = match text(pod, &["status", "phase"]) {
                    "Running" => "does not stay up".to_owned(),
                    _ => format!("waits for {}", span(since)),
                };
                let Tree { state, branches, fixes } = tree;
                findings.push((Finding { state, subject: qualified(pod), more: 0, text, branches, fixes }, owner));
            }
        }
    }
    findings.into_iter().map(|(finding, _)| finding).collect()
}

/// What keeps a pod from running; `None` if nothing does.
fn judge<'a>(ward: &Ward<'a>, pod: &'a Value) -> Option<Tree> {
    if at(pod, &["metadata", "deletionTimestamp"]).is_some() {
        return None;
    }
    let phase = text(pod, &["status", "phase"]);
    if !matches!(phase, "Pending" | "Running" | "") {
        return None;
    }
    if text(pod, &["spec", "nodeName"]).is_empty() {
        return Some(without_node(ward, pod));
    }
    containers::judge(ward, pod)
}

fn without_node<'a>(ward: &Ward<'a>, pod: &'a Value) -> Tree {
    let gates: Vec<&str> = list(pod, &["spec", "schedulingGates"]).iter().map(|gate| text(gate, &["name"])).collect();
    if let Some(first) = gates.first() {
        let branch = Branch::new("gate", format!("scheduling gates hold it back: {}", gates.join(", ")));
        return Tree::failed(branch).fix(Fix::new(match *first {
            "kueue.x-k8s.io/admission" | "kueue.x-k8s.io/topology" => {
                format!(
                    "kubectl describe workloads -n {}     (Kueue lets it go once its queue has room)",
                    namespace(pod)
                )
            }
            _ => format!("let whoever set `{first}` take it away: nothing looks for a node before"),
        }));
    }
    let scheduler = text(pod, &["spec", "schedulerName"]);
    let says = last_words(pod);
    if !matches!(scheduler, "" | "default-scheduler") && says.is_none() {
        let branch =
            Branch::new("scheduler", format!("it asks for the scheduler `{scheduler}`, which has said nothing"));
        return Tree::failed(branch).fix(
            Fix::new(format!("run a scheduler of the name `{scheduler}`, or take schedulerName out"))
                .at(ward.release_place(pod, &["schedulerName"])),
        );
    }
    if let Some(why) = ward.seen.tables.unknown("Node") {
        let said = says.unwrap_or("nothing yet");
        let branch = Branch::new("scheduler", format!("says: {said}")).because(format!("which nodes: {why}"));
        return Tree::failed(branch).fix(Fix::new("ask somebody who may list nodes to run `sutler doctor pending`"));
    }
    let facts = ward.facts(pod);
    if let Some(why) = &facts.blocked_by {
        return volumes::unbound(ward, pod, why);
    }
    scheduler::without_room(ward, pod, &facts, says)
}

/// What the scheduler last said of a pod that it could not place.
fn last_words(pod: &Value) -> Option<&str> {
    let conditions = list(pod, &["status", "conditions"]);
    let scheduled = conditions.iter().find(|one| one["type"] == "PodScheduled" && one["status"] == "False")?;
    Some(text(scheduled, &["message"])).filter(|message| !message.is_empty())
}

/// Lines that say the same of several, with how many: `3 nodes of pool core: cordoned`.
fn tally(lines: impl IntoIterator<Item = (String, String)>) -> Vec<String> {
    let mut order: Vec<(String, String)> = Vec::new();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for line in lines {
        let seen = counts.entry(line.clone()).or_default();
        if *seen == 0 {
            order.push(line);
        }
        *seen += 1;
    }
    order
        .into_iter()
        .map(|line| {
            let nodes = count(counts[&line], "node");
            let of = if line.0.is_empty() { String::new() } else { format!(" of pool {}", line.0) };
            format!("{nodes}{of}: {}", line.1)
        })
        .collect()
}
