//! Scale-up: which pool grows, and by how many nodes, for the pods that fit nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use sutler_objects::object::{list, text};

use crate::autoscaler::{Expander, Flags, PodKey, group_name};
use crate::daemons::{Daemon, daemon_on_node, daemon_pod};
use crate::instances::{InstanceType, lookup};
use crate::node::{TEMPLATE_PREFIX, template_node};
use crate::pool::Pool;
use crate::resources::Resources;
use crate::scheduler::{NodeFacts, PodFacts, Rejection, Snapshot, first_fit, fits};

/// The most nodes that one round adds: `--max-nodes-per-scaleup`.
const MOST_AT_ONCE: u32 = 1000;

/// A pool that the autoscaler manages.
#[derive(Debug, Clone, Copy)]
pub struct Group<'a> {
    /// The pool.
    pub pool: &'a Pool,
    /// How many nodes it is to have now, those that are starting included.
    pub size: u32,
    /// How many of those have not registered yet.
    pub upcoming: u32,
    /// The most it may have.
    pub max: u32,
}

/// What a round of scale-up looks at.
#[derive(Debug, Clone, Copy)]
pub struct ScaleUp<'i, 'a> {
    /// Pods that no node takes, as [`PodFacts`]; those that would fit on upcoming nodes are left out here.
    pub pending: &'i [Arc<PodFacts<'a>>],
    /// All nodes with their pods.
    pub snapshot: &'i Snapshot<'a>,
    /// The pools that the autoscaler manages.
    pub groups: &'i [Group<'i>],
    /// All DaemonSets: their pods take room on new nodes.
    pub daemon_sets: &'i [&'i Value],
    /// The autoscaler's flags.
    pub flags: &'i Flags,
    /// The zone of template nodes: `us-west-2a`.
    pub zone: &'i str,
    /// Chooses among options that are equally good, and for `random`.
    pub tie: u64,
}

/// A pool that is to grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// The pool's name.
    pub pool: String,
    /// The name of its group.
    pub group: String,
    /// Its size so far.
    pub from: u32,
    /// Its size from now on.
    pub to: u32,
    /// The most it may have.
    pub max: u32,
}

/// `{eks-ray 0->4 (max: 8)}`, as the event shows it.
impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, from, to, max, .. } = self;
        write!(f, "{{{group} {from}->{to} (max: {max})}}")
    }
}

/// Why a pod makes nothing grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoGrowth {
    /// The pod's namespace and name.
    pub pod: PodKey,
    /// Each pool's reasons, by pool.
    pub reasons: BTreeMap<String, Vec<String>>,
    /// The limit of the whole cluster that is reached, if that is why.
    pub limit: Option<String>,
}

/// `pod didn't trigger scale-up: 2 node(s) had untolerated taint(s), 1 max node group size reached`, the event's message. The real
/// one's order is that of a Go map; here it is sorted.
impl fmt::Display for NoGrowth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pod didn't trigger scale-up: ")?;
        if let Some(limit) = &self.limit {
            return f.write_str(limit);
        }
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for reason in self.reasons.values().flatten() {
            *counts.entry(reason).or_default() += 1;
        }
        let texts: Vec<String> = counts.into_iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        f.write_str(&texts.join(", "))
    }
}

/// What a round of scale-up decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScaleUpPlan {
    /// The pool that grows.
    pub growth: Option<Growth>,
    /// The pods for which it grows (event `TriggeredScaleUp`).
    pub triggered: Vec<PodKey>,
    /// Pods that nothing can be done for (event `NotTriggerScaleUp`); empty in a round in which something grows.
    pub refused: Vec<NoGrowth>,
    /// Pods that will fit on nodes that are starting.
    pub awaiting: Vec<PodKey>,
}

/// One pool that would do.
struct Choice<'i> {
    group: Group<'i>,
    pods: Vec<usize>,
    nodes: u32,
    capacity: Resources,
}

/// Decides one round of scale-up, as `ScaleUpOrchestrator.ScaleUp`.
#[must_use]
pub fn scale_up(input: &ScaleUp<'_, '_>) -> ScaleUpPlan {
    let mut plan = ScaleUpPlan::default();
    let templates: Vec<Option<Template>> = input.groups.iter().map(|group| Template::of(group, input)).collect();
    let mut snapshot: Snapshot<'_> = input.snapshot.clone();
    for (group, template) in input.groups.iter().zip(&templates) {
        for number in 0..group.upcoming {
            if let Some(node) = template.as_ref().and_then(|template| template.node(number)) {
                snapshot.add_node(node);
            }
        }
    }
    let pods = still_pending(input, &mut snapshot, &mut plan);
    if pods.is_empty() {
        return plan;
    }

    let mut reasons: BTreeMap<usize, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    let mut choices = Vec::new();
    for (group, template) in input.groups.iter().zip(&templates) {
        let mut skip = |reason: &str| {
            for index in &pods {
                let of_pod = reasons.entry(*index).or_default();
                of_pod.insert(group.pool.name.clone(), vec![reason.to_owned()]);
            }
        };
        if group.size >= group.max {
            skip("max node group size reached");
            continue;
        }
        let Some(template) = template else {
            skip("not ready for scale-up");
            continue;
        };
        let mut with_one: Snapshot<'_> = snapshot.clone();
        let Some(node) = template.node(group.upcoming) else { continue };
        let name = node.name();
        with_one.add_node(node);
        let mut fitting = Vec::new();
        for index in &pods {
            match fits(&input.pending[*index], &with_one, name) {
                Ok(()) => fitting.push(*index),
                Err(rejection) => {
                    let texts = rejection.reasons.iter().map(ToString::to_string).collect();
                    reasons.entry(*index).or_default().insert(group.pool.name.clone(), texts);
                }
            }
        }
        if let Some(choice) = estimate(input, *group, template, &snapshot, &fitting) {
            choices.push(choice);
        }
    }
    let Some(choice) = best(input, choices) else {
        plan.refused = refusals(input, &pods, reasons, None);
        return plan;
    };

    let nodes = match cap(input, &choice, snapshot.nodes().len()) {
        Ok(nodes) => nodes,
        Err(limit) => {
            plan.refused = refusals(input, &pods, reasons, Some(limit));
            return plan;
        }
    };
    let Group { pool, size, max, .. } = choice.group;
    plan.growth =
        Some(Growth { pool: pool.name.clone(), group: group_name(pool), from: size, to: (size + nodes).min(max), max });
    plan.triggered = choice.pods.iter().map(|index| key(&input.pending[*index])).collect();
    plan
}

/// Whether `pod` would fit on a new node of a pool, beside the pods that DaemonSets put there: what the autoscaler asks of each pool
/// before it lets one grow. `instance` is the type of that node, `zone` its zone.
///
/// # Errors
/// The first filter of the scheduler that refuses.
pub fn would_take(
    pod: &PodFacts<'_>,
    snapshot: &Snapshot<'_>,
    pool: &Pool,
    instance: &InstanceType,
    daemon_sets: &[&Value],
    zone: &str,
) -> Result<(), Rejection> {
    let node = template_node(pool, instance, zone, 0);
    let name = text(&node, &["metadata", "name"]);
    let runs = |daemon_set: &&&Value| daemon_on_node(daemon_set, &node) == Daemon::Runs;
    let daemons: Vec<Value> = daemon_sets.iter().filter(runs).map(|daemon_set| daemon_pod(daemon_set, name)).collect();
    let mut facts = NodeFacts::of(&node);
    for daemon in &daemons {
        facts.place(Arc::new(PodFacts::of(daemon)));
    }
    let mut with_one: Snapshot<'_> = snapshot.clone();
    with_one.add_node(facts);
    fits(pod, &with_one, name)
}

/// The nodes that a pool would add, with the pods that DaemonSets put there.
struct Template {
    nodes: Vec<Value>,
    daemons: Vec<Vec<Value>>,
    capacity: Resources,
}

impl Template {
    /// As many nodes as are upcoming or may be added; `None` if the pool's type is not known.
    fn of(group: &Group<'_>, input: &ScaleUp<'_, '_>) -> Option<Self> {
        let instance = lookup(group.pool.instance_types.first()?).ok()?;
        // No pod needs more than one new node, so more templates than pods are never looked at.
        let pods = u32::try_from(input.pending.len()).unwrap_or(u32::MAX);
        let room = group.max.saturating_sub(group.size).min(pods).min(MOST_AT_ONCE);
        let nodes: Vec<Value> = (0..group.upcoming.saturating_add(room).max(1))
            .map(|number| template_node(group.pool, instance, input.zone, number))
            .collect();
        let running: Vec<&Value> = input
            .daemon_sets
            .iter()
            .copied()
            .filter(|daemon_set| nodes.first().is_some_and(|node| daemon_on_node(daemon_set, node) == Daemon::Runs))
            .collect();
        let daemons = nodes.iter().map(|node| {
            running.iter().map(|daemon_set| daemon_pod(daemon_set, text(node, &["metadata", "name"]))).collect()
        });
        let daemons = daemons.collect();
        let capacity = Resources::of(&nodes.first()?["status"]["capacity"]);
        Some(Self { nodes, daemons, capacity })
    }

    fn node(&self, number: u32) -> Option<NodeFacts<'_>> {
        let number = usize::try_from(number).ok()?;
        let mut facts = NodeFacts::of(self.nodes.get(number)?);
        for pod in &self.daemons[number] {
            facts.place(Arc::new(PodFacts::of(pod)));
        }
        Some(facts)
    }
}

/// The pods that fit neither on nodes nor on those that are starting, by index; the others are placed, so that no room counts twice.
fn still_pending<'t, 'a: 't>(
    input: &ScaleUp<'_, 'a>,
    snapshot: &mut Snapshot<'t>,
    plan: &mut ScaleUpPlan,
) -> Vec<usize> {
    let mut order: Vec<usize> = (0..input.pending.len()).collect();
    order.sort_by(|a, b| input.pending[*a].queue_order(&input.pending[*b]));
    let mut hopeless: BTreeSet<String> = BTreeSet::new();
    let mut pending = Vec::new();
    for index in order {
        let pod = &input.pending[index];
        if pod.priority < input.flags.expendable_pods_priority_cutoff || pod.is_gated() || pod.blocked_by.is_some() {
            continue;
        }
        let class = class(pod);
        let place = if class.as_ref().is_some_and(|class| hopeless.contains(class)) {
            None
        } else {
            first_fit(pod, snapshot, |_| true)
        };
        match place {
            Some(node) => {
                snapshot.place(Arc::clone(pod) as Arc<PodFacts<'t>>, node);
                plan.awaiting.push(key(pod));
            }
            None => {
                hopeless.extend(class);
                pending.push(index);
            }
        }
    }
    pending
}

/// Pods of one class are alike: if one fits nowhere, neither does the next, since room only shrinks.
fn class(pod: &PodFacts<'_>) -> Option<String> {
    let has_claims = list(pod.object, &["spec", "volumes"]).iter().any(|v| v.get("persistentVolumeClaim").is_some());
    let owners = list(pod.object, &["metadata", "ownerReferences"]);
    let owner = owners.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))?;
    (!has_claims && pod.affinity.is_empty()).then(|| text(owner, &["uid"]).to_owned()).filter(|uid| !uid.is_empty())
}

/// How many new nodes of a pool the pods need: first-fit decreasing, as `BinpackingNodeEstimator`.
fn estimate<'i>(
    input: &ScaleUp<'_, '_>,
    group: Group<'i>,
    template: &Template,
    snapshot: &Snapshot<'_>,
    fitting: &[usize],
) -> Option<Choice<'i>> {
    let mut order = fitting.to_vec();
    let weight = |index: &usize| {
        let requests = &input.pending[*index].requests;
        share(requests.cpu, template.capacity.cpu) + share(requests.memory, template.capacity.memory)
    };
    order.sort_by(|a, b| weight(b).total_cmp(&weight(a)).then(a.cmp(b)));

    let mut trial: Snapshot<'_> = snapshot.clone();
    let mut names: Vec<&str> = Vec::new();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut placed = Vec::new();
    let room = group.max.saturating_sub(group.size).min(MOST_AT_ONCE);
    for index in order {
        let pod = &input.pending[index];
        let is_new = |node: &NodeFacts<'_>| node.name().starts_with(TEMPLATE_PREFIX) && names.contains(&node.name());
        let mut place = first_fit(pod, &trial, is_new);
        let last_is_empty = names.last().is_some_and(|name| !used.contains(name));
        let count = u32::try_from(names.len()).unwrap_or(u32::MAX);
        if place.is_none() && !last_is_empty && count < room {
            let Some(node) = template.node(group.upcoming + count) else { break };
            let name = node.name();
            trial.add_node(node);
            names.push(name);
            place = fits(pod, &trial, name).is_ok().then_some(name);
        }
        if let Some(name) = place {
            trial.place(Arc::clone(pod), name);
            used.insert(name);
            placed.push(index);
        }
    }
    let nodes = u32::try_from(used.len()).unwrap_or(u32::MAX);
    (nodes > 0).then(|| Choice { group, pods: placed, nodes, capacity: template.capacity.clone() })
}

#[expect(clippy::cast_precision_loss, reason = "as the autoscaler; only compared")]
fn share(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The choice that the expanders leave; the first of those that are left, turned by `tie`.
fn best<'i>(input: &ScaleUp<'_, '_>, mut choices: Vec<Choice<'i>>) -> Option<Choice<'i>> {
    for expander in &input.flags.expanders {
        let score = |choice: &Choice<'_>| match expander {
            Expander::Random => 0.0,
            Expander::LeastWaste => waste(input, choice),
            Expander::LeastNodes => f64::from(choice.nodes),
            Expander::MostPods => -f64::from(u32::try_from(choice.pods.len()).unwrap_or(u32::MAX)),
        };
        let least = choices.iter().map(&score).fold(f64::INFINITY, f64::min);
        choices.retain(|choice| score(choice) <= least);
    }
    let count = u64::try_from(choices.len()).unwrap_or(u64::MAX);
    let chosen = usize::try_from(input.tie.checked_rem(count)?).ok()?;
    (chosen < choices.len()).then(|| choices.swap_remove(chosen))
}

/// The unused share of CPU and of memory, added up.
fn waste(input: &ScaleUp<'_, '_>, choice: &Choice<'_>) -> f64 {
    let mut asked = Resources::default();
    for index in &choice.pods {
        asked.add(&input.pending[*index].requests);
    }
    let nodes = i64::from(choice.nodes);
    (1.0 - share(asked.cpu, choice.capacity.cpu * nodes)) + (1.0 - share(asked.memory, choice.capacity.memory * nodes))
}

/// How many of the wanted nodes the limits of the whole cluster allow, or the limit that allows none.
fn cap(input: &ScaleUp<'_, '_>, choice: &Choice<'_>, nodes_now: usize) -> Result<u32, String> {
    let flags = input.flags;
    let mut nodes = choice.nodes;
    if flags.max_nodes_total > 0 {
        let now = u32::try_from(nodes_now).unwrap_or(u32::MAX);
        nodes = nodes.min(flags.max_nodes_total.saturating_sub(now));
        if nodes == 0 {
            return Err("max total nodes in cluster reached".to_owned());
        }
    }
    let mut used = Resources::default();
    for node in input.snapshot.nodes() {
        used.add(&Resources::of(&node.object["status"]["capacity"]));
    }
    let gib = 1024 * 1024 * 1024;
    let limits = [
        ("cpu", used.cpu / 1000, choice.capacity.cpu / 1000, flags.cores_total.max),
        ("memory", used.memory / gib, choice.capacity.memory / gib, flags.memory_total.max),
    ];
    for (resource, used, each, max) in limits {
        let room = (max - used).max(0).checked_div(each).unwrap_or(i64::MAX);
        nodes = nodes.min(u32::try_from(room).unwrap_or(u32::MAX));
        if nodes == 0 {
            return Err(format!("1 max cluster {resource} limit reached"));
        }
    }
    Ok(nodes)
}

fn refusals(
    input: &ScaleUp<'_, '_>,
    pods: &[usize],
    mut reasons: BTreeMap<usize, BTreeMap<String, Vec<String>>>,
    limit: Option<String>,
) -> Vec<NoGrowth> {
    let refusal = |index: &usize| NoGrowth {
        pod: key(&input.pending[*index]),
        reasons: reasons.remove(index).unwrap_or_default(),
        limit: limit.clone(),
    };
    pods.iter().map(refusal).collect()
}

fn key(pod: &PodFacts<'_>) -> PodKey {
    (pod.namespace().to_owned(), pod.name().to_owned())
}
