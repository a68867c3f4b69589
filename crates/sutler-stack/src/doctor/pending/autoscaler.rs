//! Why no node comes for a pod that no node takes: the autoscaler by pool, and what to change.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use sutler_access::doctor::State;
use sutler_nodes::Pool;
use sutler_nodes::autoscaler::{self, Flags, Running, ScaleUp, scale_up, would_take};
use sutler_nodes::instances::{InstanceType, lookup};
use sutler_nodes::pool::NodeIdentity;
use sutler_nodes::scheduler::{NodeFacts, PodFacts, Reason, Rejection, fits};
use sutler_objects::object::{labels, list, name, namespace, text};
use sutler_objects::selector::{Operator, Requirement};

use super::scheduler::{phrase, zones};
use super::{NODE_TAKES, Ward, controller, event_time, message, release_name};
use crate::doctor::pools::{Group, group_of};
use crate::doctor::{Branch, Fix, span};
use crate::file::diagnostic::nearest;

/// What is to be hoped for.
pub(super) struct Outlook {
    pub(super) state: State,
    pub(super) branches: Vec<Branch>,
    pub(super) fixes: Vec<Fix>,
}

/// Who adds nodes.
enum Scaler {
    ClusterAutoscaler(Box<Running>),
    /// Karpenter, or EKS Auto Mode, which is Karpenter run by EKS.
    Karpenter,
    Nobody(String),
}

/// What one pool would do for the pod.
enum Offer<'a> {
    /// A new node would take it.
    Fits(&'a Group<'a>),
    /// It would, and the pool has all nodes that it may have.
    AtMaximum(&'a Group<'a>, u32),
    /// A new node would not take it.
    Refuses(&'a Group<'a>, Rejection),
    /// Nobody can tell.
    Unknown(&'a Group<'a>),
}

/// Who would add a node for the pod, and why that does not happen.
pub(super) fn outlook<'a>(ward: &Ward<'a>, pod: &'a Value, facts: &PodFacts<'a>) -> Outlook {
    let scaler = scaler(ward);
    if let Scaler::Karpenter = scaler {
        return of_karpenter(ward, pod);
    }
    if let Some(coming) = coming(ward, pod) {
        return coming;
    }
    let mut offers: Vec<Offer<'_>> =
        ward.groups.iter().filter(|group| !group.name.is_empty()).map(|group| offer(ward, group, facts)).collect();
    // Those that would do come first, then those that are only too small.
    offers.sort_by_key(|offer| match offer {
        Offer::Fits(_) | Offer::AtMaximum(..) => 0,
        Offer::Refuses(_, rejection) if is_short(rejection) => 1,
        Offer::Refuses(..) | Offer::Unknown(_) => 2,
    });
    let mut evidence: Vec<String> = offers.iter().map(|offer| told(ward, pod, facts, offer, &scaler)).collect();
    let mut fixes = fixes(ward, pod, facts, &offers, &scaler);
    let mut state = State::Failed;
    let text = match &scaler {
        Scaler::Nobody(why) => format!("nobody adds nodes: {why}"),
        Scaler::ClusterAutoscaler(running) => {
            let round = round(ward, &running.flags, facts);
            if let Some(growth) = &round.growth {
                state = State::Warning;
                let grows = ward.groups.iter().find(|group| group.name == growth.pool);
                if grows.is_none_or(|group| inexact(ward, group, facts).is_none()) {
                    fixes = vec![Fix::new("wait: a new node takes some minutes")];
                }
                format!("lets pool {} grow from {} to {}", growth.pool, growth.from, growth.to)
            } else if !round.awaiting.is_empty() {
                state = State::Warning;
                fixes = vec![Fix::new("wait: a new node takes some minutes")];
                "expects a node that is starting to take it".to_owned()
            } else if let Some(limit) = round.refused.iter().find_map(|refused| refused.limit.clone()) {
                fixes = vec![Fix::new(format!("raise that limit among the flags of Deployment {}", running.name))];
                format!("adds no node: {limit}")
            } else {
                "adds no node".to_owned()
            }
        }
        Scaler::Karpenter => String::new(),
    };
    if offers.is_empty() {
        evidence.push("no pool is known: neither a stack nor a node names one".to_owned());
    }
    let mut branches = vec![Branch { part: "autoscaler".to_owned(), text, evidence }];
    branches.extend(volume_branch(ward, pod));
    branches.extend(taken(ward, pod, &offers));
    Outlook { state, branches, fixes }
}

fn scaler(ward: &Ward<'_>) -> Scaler {
    let tables = ward.seen.tables;
    let cluster =
        ward.seen.model.map(|model| model.name.as_str()).or(ward.seen.stack.map(|stack| stack.cluster.name.as_str()));
    let why = match autoscaler::running(tables.list("Deployment"), cluster) {
        Ok(running) => return Scaler::ClusterAutoscaler(Box::new(running)),
        Err(why) => why,
    };
    if !tables.list("NodePool").is_empty() {
        return Scaler::Karpenter;
    }
    match tables.unknown("Deployment") {
        Some(why) => Scaler::Nobody(format!("whether an autoscaler runs is not known: {why}")),
        None => Scaler::Nobody(why),
    }
}

/// One round of the autoscaler for this pod alone.
fn round(ward: &Ward<'_>, flags: &Flags, facts: &PodFacts<'_>) -> autoscaler::ScaleUpPlan {
    let cluster =
        ward.seen.model.map(|model| model.name.as_str()).or(ward.seen.stack.map(|stack| stack.cluster.name.as_str()));
    let groups: Vec<autoscaler::Group<'_>> = ward
        .groups
        .iter()
        .filter(|group| group.backoff.is_none())
        .filter_map(|group| {
            let pool = group.pool?;
            let limits = flags.limits(pool, cluster.unwrap_or_default())?;
            let size = size(group);
            let is_starting = |node: &&&Value| {
                !is_ready(node) && ward.since(text(node, &["metadata", "creationTimestamp"])) < NODE_TAKES
            };
            let upcoming = u32::try_from(group.nodes.iter().filter(is_starting).count()).unwrap_or(size).min(size);
            let max = u32::try_from(limits.max).unwrap_or(u32::MAX).min(group.max.unwrap_or(pool.max));
            Some(autoscaler::Group { pool, size, upcoming, max })
        })
        .collect();
    scale_up(&ScaleUp {
        pending: &[Arc::new(facts.clone())],
        snapshot: &ward.snapshot,
        groups: &groups,
        daemon_sets: &ward.daemon_sets,
        flags,
        zone: &zone(ward),
        tie: 0,
    })
}

/// The zone that a new node is taken to be in: the region's first.
fn zone(ward: &Ward<'_>) -> String {
    let region =
        ward.seen.model.map(|model| model.region.as_str()).or(ward.seen.stack.map(|stack| stack.region.as_str()));
    format!("{}a", region.unwrap_or(crate::file::DEFAULT_REGION))
}

fn size(group: &Group<'_>) -> u32 {
    u32::try_from(group.nodes.len()).unwrap_or(u32::MAX)
}

fn is_ready(node: &Value) -> bool {
    list(node, &["status", "conditions"]).iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// What a pool would do for the pod. The autoscaler takes a pool's first instance type for all of them.
fn offer<'w>(ward: &'w Ward<'_>, group: &'w Group<'w>, facts: &PodFacts<'_>) -> Offer<'w> {
    let verdict = match (group.pool, group.pool.and_then(|pool| instance(pool, 0)), group.nodes.first()) {
        (Some(pool), Some(instance), _) => on_new_node(ward, pool, instance, facts),
        (None, _, Some(node)) => on_emptied(ward, node, facts),
        _ => return Offer::Unknown(group),
    };
    match (verdict, group.max) {
        (Err(rejection), _) => Offer::Refuses(group, rejection),
        (Ok(()), Some(max)) if size(group) >= max => Offer::AtMaximum(group, max),
        (Ok(()), _) => Offer::Fits(group),
    }
}

fn instance(pool: &Pool, index: usize) -> Option<&'static InstanceType> {
    lookup(pool.instance_types.get(index)?).ok()
}

/// A new node of a pool, in the zone of the pod's volume where there is a group for each zone.
fn on_new_node(ward: &Ward<'_>, pool: &Pool, instance: &InstanceType, facts: &PodFacts<'_>) -> Result<(), Rejection> {
    let group = ward.groups.iter().find(|group| group.name == pool.name);
    let region = zone(ward);
    let region = region.trim_end_matches('a');
    let zones: Vec<String> = match group.is_some_and(|group| group.per_zone) {
        true => ["a", "b", "c"].iter().map(|letter| format!("{region}{letter}")).collect(),
        false => vec![zone(ward)],
    };
    let mut verdict = Ok(());
    for zone in &zones {
        verdict = would_take(facts, &ward.snapshot, pool, instance, &ward.daemon_sets, zone);
        if verdict.is_ok() {
            break;
        }
    }
    verdict
}

/// An existing node without the pods that could go elsewhere: what the autoscaler takes a new one of its group for.
fn on_emptied(ward: &Ward<'_>, node: &Value, facts: &PodFacts<'_>) -> Result<(), Rejection> {
    let mut snapshot = ward.snapshot.clone();
    let stays = ward
        .snapshot
        .node(name(node))
        .into_iter()
        .flat_map(|known| &known.pods)
        .filter(|pod| controller(pod.object).is_none_or(|(kind, ..)| kind == "DaemonSet" || kind == "Node"));
    let stays: Vec<_> = stays.cloned().collect();
    let Some(known) = snapshot.remove_node(name(node)) else { return Ok(()) };
    let mut emptied = NodeFacts::of(known.object);
    emptied.taints.retain(|taint| !taint.key.starts_with("node.kubernetes.io/"));
    emptied.is_unschedulable = false;
    for pod in stays {
        emptied.place(pod);
    }
    snapshot.add_node(emptied);
    fits(facts, &snapshot, name(node))
}

/// One line about a pool.
fn told(ward: &Ward<'_>, pod: &Value, facts: &PodFacts<'_>, offer: &Offer<'_>, scaler: &Scaler) -> String {
    let about = match offer {
        Offer::Unknown(group) => return format!("pool {}: what its nodes are is not known", group.name),
        Offer::Refuses(group, rejection) => {
            return format!("pool {}: {}", group.name, refusal(ward, pod, group, facts, rejection));
        }
        Offer::AtMaximum(group, max) => {
            return format!(
                "pool {}: a new node would take it, and it has as many as it may ({max} of {max})",
                group.name
            );
        }
        Offer::Fits(group) => group,
    };
    let name = &about.name;
    if let Some(why) = &about.backoff {
        return format!("pool {name}: a new node would take it, and the last one was refused: {why}");
    }
    if let Scaler::ClusterAutoscaler(running) = scaler {
        let cluster = ward
            .seen
            .model
            .map(|model| model.name.as_str())
            .or(ward.seen.stack.map(|stack| stack.cluster.name.as_str()));
        if let (Some(pool), Some(cluster)) = (about.pool, cluster)
            && running.flags.limits(pool, cluster).is_none()
        {
            return format!(
                "pool {name}: a new node would take it, and the flags of Deployment {} leave the pool out",
                running.name
            );
        }
    }
    match inexact(ward, about, facts) {
        Some(why) => format!("pool {name}: the autoscaler takes a new node to have room for it, and {why}"),
        None => format!(
            "pool {name}: a new node would take it ({} of {})",
            size(about),
            about.max.map_or("?".to_owned(), |max| max.to_string())
        ),
    }
}

/// Why the node that comes may not be the one that the autoscaler counts with.
fn inexact(ward: &Ward<'_>, group: &Group<'_>, facts: &PodFacts<'_>) -> Option<String> {
    let pool = group.pool?;
    for index in 1..pool.instance_types.len() {
        let Some(instance) = instance(pool, index) else { continue };
        if let Err(rejection) = on_new_node(ward, pool, instance, facts) {
            let why = phrases(facts, |key| label_of(ward, pool, instance, key), &rejection);
            return Some(format!("it may come as {}, which does not: {why}", instance.name));
        }
    }
    let node = group.nodes.iter().find(|node| on_emptied(ward, node, facts).is_err())?;
    let rejection = on_emptied(ward, node, facts).err()?;
    let label = |key: &str| labels(node).and_then(|labels| labels.get(key)).and_then(Value::as_str).map(str::to_owned);
    Some(format!(
        "node {} of the pool is not as the pool is described: {}",
        name(node),
        phrases(facts, label, &rejection)
    ))
}

fn label_of(ward: &Ward<'_>, pool: &Pool, instance: &InstanceType, key: &str) -> Option<String> {
    let zone = zone(ward);
    let region = zone.trim_end_matches('a');
    pool.node_labels(NodeIdentity { name: "a-new-node", instance, region, zone: &zone }).remove(key)
}

fn phrases(facts: &PodFacts<'_>, label: impl Fn(&str) -> Option<String> + Copy, rejection: &Rejection) -> String {
    let texts: Vec<String> =
        rejection.reasons.iter().map(|reason| phrase(facts, label, reason, &[rejection])).collect();
    texts.join("; ")
}

/// Why a new node of a pool does not take the pod.
fn refusal(ward: &Ward<'_>, pod: &Value, group: &Group<'_>, facts: &PodFacts<'_>, rejection: &Rejection) -> String {
    if rejection.reasons.contains(&Reason::VolumeNodeAffinity)
        && let Some((_, volume, zone)) = zones(ward, pod).first()
    {
        return format!(
            "it is one group for all zones: nobody can ask it for a node in {zone}, where volume {volume} is"
        );
    }
    match (group.pool, group.pool.and_then(|pool| instance(pool, 0))) {
        (Some(pool), Some(instance)) => phrases(facts, |key| label_of(ward, pool, instance, key), rejection),
        _ => {
            let label = |key: &str| {
                let known = group.nodes.first().and_then(|node| labels(node));
                known.and_then(|labels| labels.get(key)).and_then(Value::as_str).map(str::to_owned)
            };
            phrases(facts, label, rejection)
        }
    }
}

fn is_short(rejection: &Rejection) -> bool {
    rejection.reasons.iter().all(|reason| matches!(reason, Reason::Insufficient { .. }))
}

/// Where the pod's volumes are.
fn volume_branch(ward: &Ward<'_>, pod: &Value) -> Option<Branch> {
    let zones = zones(ward, pod);
    let (claim, volume, zone) = zones.first()?;
    Some(Branch::new("volume", format!("claim {claim} is volume {volume} in {zone}")))
}

/// Who has the nodes of pools that are at their maximum.
fn taken(ward: &Ward<'_>, pod: &Value, offers: &[Offer<'_>]) -> Vec<Branch> {
    let full = offers.iter().filter_map(|offer| match offer {
        Offer::AtMaximum(group, max) => Some((group, max)),
        _ => None,
    });
    full.filter_map(|(group, max)| {
        let users = users(ward, group);
        let list: Vec<String> = users.iter().map(|((_, user), nodes)| format!("{user} {nodes}")).collect();
        let mine = release_name(pod);
        let alone = users.len() == 1 && users.keys().all(|(within, user)| within == namespace(pod) && user == mine);
        (!list.is_empty() && !alone).then(|| {
            Branch::new("taken", format!("the {max} nodes of pool {} have pods of: {}", group.name, list.join(", ")))
        })
    })
    .collect()
}

/// On how many of a pool's nodes each release (by namespace and name; a pod of none by its controller) has pods.
fn users(ward: &Ward<'_>, group: &Group<'_>) -> BTreeMap<(String, String), usize> {
    let mut users: BTreeMap<(String, String), usize> = BTreeMap::new();
    for node in &group.nodes {
        let Some(known) = ward.snapshot.node(name(node)) else { continue };
        let mut here: Vec<(String, String)> = known
            .pods
            .iter()
            .map(|pod| pod.object)
            .filter(|pod| controller(pod).is_none_or(|(kind, ..)| !matches!(kind, "DaemonSet" | "Node")))
            .map(|pod| {
                let user = match release_name(pod) {
                    "" => controller(pod).map_or(name(pod), |(_, name, _)| name),
                    release => release,
                };
                (namespace(pod).to_owned(), user.to_owned())
            })
            .collect();
        here.sort();
        here.dedup();
        for user in here {
            *users.entry(user).or_default() += 1;
        }
    }
    users
}

/// What would get the pod a node.
fn fixes(ward: &Ward<'_>, pod: &Value, facts: &PodFacts<'_>, offers: &[Offer<'_>], scaler: &Scaler) -> Vec<Fix> {
    let mut fixes = Vec::new();
    for offer in offers {
        match offer {
            Offer::AtMaximum(group, max) => {
                let pool = &group.name;
                fixes.push(match ward.seen.stack.is_some_and(|stack| stack.pools.contains_key(pool)) {
                    true => Fix::new(format!("cluster.pools.{pool}.max above {max}"))
                        .at(ward.seen.place(&["cluster", "pools", pool, "max"])),
                    false => Fix::new(format!("raise the maximum of pool {pool} above {max}")),
                });
                fixes.extend(unusable(group));
                fixes.extend(others_to_end(ward, pod, group));
            }
            Offer::Fits(group) => fixes.extend(to_grow(ward, group, facts, scaler)),
            Offer::Refuses(..) | Offer::Unknown(_) => {}
        }
    }
    if fixes.is_empty() {
        fixes = to_fit(ward, pod, facts, offers);
    }
    fixes
}

/// What lets a pool grow that would do and does not.
fn to_grow(ward: &Ward<'_>, group: &Group<'_>, facts: &PodFacts<'_>, scaler: &Scaler) -> Vec<Fix> {
    let pool = &group.name;
    if let Some(backoff) = &group.backoff {
        let of_quota = ["VcpuLimitExceeded", "MaxSpotInstanceCountExceeded", "InstanceLimitExceeded"];
        return vec![match of_quota.iter().any(|code| backoff.contains(code)) {
            true => Fix::new("ask AWS for a higher quota (Service Quotas, Amazon EC2), or use fewer or smaller nodes")
                .at(ward.seen.place(&["cluster", "pools", pool, "instanceTypes"])),
            false => Fix::new(format!("cluster.pools.{pool}.instanceTypes: add types that AWS has room for"))
                .at(ward.seen.place(&["cluster", "pools", pool, "instanceTypes"])),
        }];
    }
    match scaler {
        Scaler::ClusterAutoscaler(running) => {
            if inexact(ward, group, facts).is_some() {
                return vec![
                    Fix::new(format!(
                        "cluster.pools.{pool}.instanceTypes: only types of one size; then replace the nodes that differ"
                    ))
                    .at(ward.seen.place(&["cluster", "pools", pool, "instanceTypes"])),
                ];
            }
            vec![Fix::new(format!("kubectl logs deployment/{} -n {}", after(&running.name), before(&running.name)))]
        }
        Scaler::Nobody(_) => vec![
            Fix::new("releases: have one with chart builtin:cluster-autoscaler that is ready, or add nodes by hand")
                .at(ward.seen.place(&["releases", "cluster-autoscaler"]).or_else(|| ward.seen.place(&["releases"]))),
        ],
        Scaler::Karpenter => Vec::new(),
    }
}

fn before(qualified: &str) -> &str {
    qualified.split_once('/').map_or("", |(namespace, _)| namespace)
}

fn after(qualified: &str) -> &str {
    qualified.split_once('/').map_or(qualified, |(_, name)| name)
}

/// What lets the pod onto a node of a pool that refuses it.
fn to_fit(ward: &Ward<'_>, pod: &Value, facts: &PodFacts<'_>, offers: &[Offer<'_>]) -> Vec<Fix> {
    let refused = || {
        offers.iter().filter_map(|offer| match offer {
            Offer::Refuses(group, rejection) => Some((group, rejection)),
            _ => None,
        })
    };
    let has = |rejection: &Rejection, wanted: fn(&Reason) -> bool| rejection.reasons.iter().any(wanted);
    if let Some((group, _)) = refused().find(|(_, one)| has(one, |reason| matches!(reason, Reason::VolumeNodeAffinity)))
    {
        let pool = &group.name;
        return vec![
            Fix::new(format!(
                "cluster.pools.{pool}.groupPerZone: true, so that a node can be asked for in the volume's zone"
            ))
            .at(ward.seen.place(&["cluster", "pools", pool])),
        ];
    }
    if let Some((group, rejection)) =
        refused().find(|(_, one)| has(one, |reason| matches!(reason, Reason::Insufficient { .. })))
    {
        let pool = &group.name;
        let mut fixes = Vec::new();
        let has_none = |reason: &Reason| match reason {
            Reason::Insufficient { resource, allocatable: 0, .. } => Some(resource.clone()),
            _ => None,
        };
        match rejection.reasons.iter().find_map(has_none) {
            Some(resource) => fixes.push(
                Fix::new(format!("have a pool whose nodes have {resource}")).at(ward.seen.place(&["cluster", "pools"])),
            ),
            None => {
                let keys = ["resources", "cpu_guarantee", "mem_guarantee"];
                fixes.push(Fix::new("let the pod ask for less").at(ward.release_place(pod, &keys)));
                if ward.seen.place(&["cluster", "pools", pool]).is_some() {
                    fixes.push(
                        Fix::new(format!("cluster.pools.{pool}.instanceTypes: larger ones")).at(ward.seen.place(&[
                            "cluster",
                            "pools",
                            pool,
                            "instanceTypes",
                        ])),
                    );
                }
            }
        }
        return fixes;
    }
    let keys = ["tolerations", "extraTolerations", "nodeSelector", "affinity", "pool"];
    let selects = |group: &Group<'_>| group.pool.is_some_and(|pool| selects(facts, pool));
    for (group, rejection) in refused().filter(|(group, _)| selects(group)) {
        for reason in &rejection.reasons {
            if let Reason::UntoleratedTaint(taint) = reason {
                return vec![
                    Fix::new(format!("let the pod tolerate {taint}: it selects pool {}", group.name))
                        .at(ward.release_place(pod, &keys)),
                ];
            }
        }
    }
    let pools: Vec<&Pool> = refused().filter_map(|(group, _)| group.pool).collect();
    let near = facts.node_selector.iter().find_map(|wanted| near_miss(wanted, &pools));
    if let Some((wrong, meant)) = near {
        return vec![
            Fix::new(format!("did you mean `{meant}`? no pool has {wrong}"))
                .at(ward.release_place(pod, &["nodeSelector", "pool"])),
        ];
    }
    let names: Vec<&str> = refused().map(|(group, _)| group.name.as_str()).collect();
    let of = if names.is_empty() { String::new() } else { format!(" of one of these pools: {}", names.join(", ")) };
    vec![
        Fix::new(format!("let the pod select the label and tolerate the taint{of}")).at(ward.release_place(pod, &keys)),
    ]
}

/// Whether a pod that selects something selects the nodes of this pool.
fn selects(facts: &PodFacts<'_>, pool: &Pool) -> bool {
    let labels = pool.labels();
    !facts.node_selector.is_empty()
        && facts.node_selector.iter().all(|wanted| wanted.matches(labels.get(&wanted.key).map(String::as_str)))
}

/// The label that a pod selects and no pool has, and the value of a pool that was probably meant.
fn near_miss(wanted: &Requirement, pools: &[&Pool]) -> Option<(String, String)> {
    let Operator::In(values) = &wanted.operator else { return None };
    let known: Vec<String> = pools.iter().filter_map(|pool| pool.labels().remove(&wanted.key)).collect();
    let value = values.first().filter(|value| !known.contains(value))?;
    let meant = nearest(value, known.iter().map(String::as_str))?;
    Some((format!("{}={value}", wanted.key), format!("{}={meant}", wanted.key)))
}

/// Nodes of a pool that count and take no pod.
fn unusable(group: &Group<'_>) -> Vec<Fix> {
    let taken_away = |node: &Value| {
        list(node, &["spec", "taints"]).iter().any(|taint| text(taint, &["key"]) == "ToBeDeletedByClusterAutoscaler")
    };
    let fix = |node: &&Value| {
        let name = name(node);
        match (node["spec"]["unschedulable"] == true && !taken_away(node), is_ready(node)) {
            (true, _) => Some(Fix::new(format!("kubectl uncordon {name}"))),
            (false, false) => Some(Fix::new(format!("kubectl describe node {name}     (it is not ready)"))),
            (false, true) => None,
        }
    };
    group.nodes.iter().filter_map(fix).collect()
}

/// Ray clusters that somebody made and that sit on the pool's nodes.
fn others_to_end(ward: &Ward<'_>, pod: &Value, group: &Group<'_>) -> Vec<Fix> {
    let is_ray = |pod: &Value| {
        labels(pod)
            .and_then(|labels| labels.get("app.kubernetes.io/name"))
            .is_some_and(|name| name == "ray-static-cluster")
    };
    let of_stack = |within: &str, name: &str| {
        ward.seen.stack.is_some_and(|stack| {
            stack.releases.iter().any(|release| release.namespace == within && release.name == name)
        })
    };
    users(ward, group)
        .into_keys()
        .filter(|(within, user)| !(of_stack(within, user) || within == namespace(pod) && user == release_name(pod)))
        .filter(|(within, user)| {
            ward.seen.tables.list_in("Pod", within).any(|other| release_name(other) == user && is_ray(other))
        })
        .map(|(within, user)| Fix::new(format!("sutler ray down {user} -n {within}")))
        .collect()
}

/// Whether the autoscaler has said that it adds a node for this pod, and that node may still come.
fn coming(ward: &Ward<'_>, pod: &Value) -> Option<Outlook> {
    let events = ward.events(pod);
    let last = events
        .iter()
        .find(|event| matches!(text(event, &["reason"]), "TriggeredScaleUp" | "NotTriggerScaleUp" | "NoAutoscaler"))?;
    if text(last, &["reason"]) != "TriggeredScaleUp" {
        return None;
    }
    let since = ward.since(event_time(last));
    let growth = message(last).trim_start_matches("pod triggered scale-up: ").to_owned();
    let growth = growth.trim_matches(['[', ']', '{', '}']);
    if since <= NODE_TAKES {
        return Some(Outlook {
            state: State::Warning,
            branches: vec![
                Branch::new("autoscaler", format!("adds nodes: {growth}")).because(format!("since {}", span(since))),
            ],
            fixes: vec![Fix::new("wait: a new node takes some minutes")],
        });
    }
    let pool = ward.groups.iter().find(|group| growth.contains(&group.name) && !group.name.is_empty());
    let came = pool.is_some_and(|group| group.nodes.iter().any(|node| is_ready(node) && group_of(node) == group.name));
    (!came).then(|| Outlook {
        state: State::Failed,
        branches: vec![
            Branch::new("autoscaler", format!("has asked for nodes, and none came: {growth}"))
                .because(format!("since {}", span(since))),
        ],
        fixes: vec![Fix::new(
            "look at the activity of that Auto Scaling group: aws autoscaling describe-scaling-activities",
        )],
    })
}

/// Karpenter decides by pools of its own; what it says of the pod is told as it stands.
fn of_karpenter(ward: &Ward<'_>, pod: &Value) -> Outlook {
    let by_karpenter = |event: &&&Value| {
        let sources = [text(event, &["source", "component"]), text(event, &["reportingComponent"])];
        sources.iter().any(|source| source.contains("karpenter") || source.contains("eks-auto"))
    };
    let events = ward.events(pod);
    let said = events.iter().find(by_karpenter);
    let mut branch = match said {
        Some(event) => Branch::new("autoscaler", format!("Karpenter says: {}", message(event))),
        None => Branch::new("autoscaler", "Karpenter has said nothing of it"),
    };
    for pool in ward.seen.tables.list("NodePool") {
        for (resource, limit) in pool["spec"]["limits"].as_object().into_iter().flatten() {
            let used = &pool["status"]["resources"][resource];
            let written = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            branch = branch.because(format!(
                "NodePool {}: {} of {} {resource} are used",
                name(pool),
                written(used),
                written(limit)
            ));
        }
    }
    let fix = Fix::new("kubectl describe nodepools     (limits, requirements and taints of Karpenter's pools)");
    Outlook { state: State::Failed, branches: vec![branch], fixes: vec![fix] }
}
