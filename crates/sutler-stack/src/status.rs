//! How a stack is doing: its releases, its nodes and what they cost, pods that wait and why, roles that pods have.
//!
//! [`look`] reads, [`judge`] decides from what was read; the form that `-o json` prints carries a version.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sutler_nodes::Capacity;
use sutler_nodes::instances::{FACTS_DATE, lookup};
use sutler_nodes::pool::POOL_LABEL;
use sutler_nodes::prices::node_price;
use sutler_objects::readiness::{Around, readiness};
use sutler_release::{ObjectRef, Release, Select, Status as ReleaseState, parse_manifest};

use crate::names::STACK_LABEL;
use crate::observe::ObserveError;
use crate::plan::TargetIdentity;
use crate::plan::make::{ROLE_ANNOTATION, identity, standing};
use crate::session::Session;
use crate::stack::Stack;

/// The version of the status's JSON form.
pub const STATUS_VERSION: &str = "sutler.dev/status/v1";

/// How a stack is doing.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Always [`STATUS_VERSION`].
    pub version: &'static str,
    /// The stack's name.
    pub stack: String,
    /// The environment's name.
    pub environment: String,
    /// The Kubernetes that is meant.
    pub target: TargetIdentity,
    /// Whether all of it is simulated.
    pub simulated: bool,
    /// The cluster's time.
    pub now: Timestamp,
    /// The stack's releases, in its order, then those that left its file.
    pub releases: Vec<ReleaseStatus>,
    /// Releases in the cluster that are not the stack's.
    pub others: Vec<OtherRelease>,
    /// Nodes by pool.
    pub pools: Vec<PoolStatus>,
    /// Dollars an hour now, control plane included on EKS; `None` where prices are not known.
    pub dollars_an_hour: Option<f64>,
    /// The date of the prices.
    pub prices_as_of: &'static str,
    /// Which role pods have through their service account.
    pub roles: Vec<RoleStatus>,
    /// Pods that do not run yet, and why.
    pub pending: Vec<PendingPod>,
}

/// A release.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseStatus {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Chart and version.
    pub chart: String,
    /// Its revision; `None` if it is not installed.
    pub revision: Option<u32>,
    /// Its state as Helm names it, or `not installed`.
    pub state: String,
    /// How many of its objects are ready.
    pub ready: usize,
    /// How many it has.
    pub objects: usize,
    /// What is not ready: object and reason.
    pub waiting: Vec<(String, String)>,
}

/// A release that is not the stack's.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OtherRelease {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Chart and version.
    pub chart: String,
    /// Who owns it, if a label says so.
    pub owner: Option<String>,
}

/// The nodes of a pool.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolStatus {
    /// The pool's name; empty for nodes of no pool.
    pub pool: String,
    /// Nodes there are.
    pub nodes: usize,
    /// Nodes that are ready.
    pub ready: usize,
    /// Dollars an hour of all its nodes; `None` where prices are not known.
    pub dollars_an_hour: Option<f64>,
}

/// A role and the pods that have it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleStatus {
    /// The role's ARN.
    pub arn: String,
    /// Service accounts that carry it.
    pub accounts: Vec<String>,
    /// How many pods run under them.
    pub pods: usize,
    /// How many of those have the role in their environment.
    pub with_identity: usize,
}

/// A pod that does not run yet.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingPod {
    /// Namespace and name.
    pub pod: String,
    /// How long it has waited, seconds.
    pub seconds: i64,
    /// Why, a line each.
    pub reasons: Vec<String>,
}

/// What was read of the cluster for a status.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Nodes.
    pub nodes: Vec<Value>,
    /// Pods.
    pub pods: Vec<Value>,
    /// Events.
    pub events: Vec<Value>,
    /// Service accounts.
    pub accounts: Vec<Value>,
    /// The latest revision of every release.
    pub releases: Vec<Release>,
    /// Live objects of the stack's releases, by reference text.
    pub live: BTreeMap<String, Value>,
    /// The cluster's time.
    pub now: Timestamp,
    /// Whether it is the simulator.
    pub simulated: bool,
}

/// Reads what a status is made from.
///
/// # Errors
/// If something may not be read, or the API cannot be reached.
pub async fn look(session: &Session, stack: &Stack) -> Result<Seen, ObserveError> {
    let cluster = session.cluster();
    cluster.version().await?;
    let mut seen = Seen { now: session.world.now(), simulated: session.simulated, ..Seen::default() };
    for (kind, into) in [
        ("Node", &mut seen.nodes),
        ("Pod", &mut seen.pods),
        ("Event", &mut seen.events),
        ("ServiceAccount", &mut seen.accounts),
    ] {
        let mapping = cluster.mapping("v1", kind).await?;
        *into = cluster.list(&mapping, None, Select::All).await?;
    }
    seen.releases = session.releases().list(None).await?;
    for release in &seen.releases {
        if is_of_stack(release, stack) {
            for object in parse_manifest(&release.manifest).unwrap_or_default() {
                let reference = in_namespace(&object, &release.namespace, &cluster).await?;
                if let Some(live) = cluster.get(&reference).await? {
                    seen.live.insert(reference.to_string(), live);
                }
            }
        }
    }
    Ok(seen)
}

async fn in_namespace(
    object: &Value,
    namespace: &str,
    cluster: &sutler_release::Cluster,
) -> Result<ObjectRef, ObserveError> {
    let mut reference = ObjectRef::of(object);
    if reference.namespace.is_none()
        && cluster.mapping(&reference.api_version, &reference.kind).await.is_ok_and(|kind| kind.namespaced)
    {
        reference.namespace = Some(namespace.to_owned());
    }
    Ok(reference)
}

/// Whether a release is the stack's: by its label, or, where another tool made it, because the file names it.
fn is_of_stack(release: &Release, stack: &Stack) -> bool {
    match release.labels.get(STACK_LABEL) {
        Some(label) => *label == stack.name,
        None => stack.releases.iter().any(|known| known.name == release.name && known.namespace == release.namespace),
    }
}

/// Judges what was read.
pub fn judge(stack: &Stack, seen: &Seen) -> Status {
    let (ours, others): (Vec<&Release>, Vec<&Release>) = seen
        .releases
        .iter()
        .filter(|release| release.info.status != ReleaseState::Uninstalled)
        .partition(|release| is_of_stack(release, stack));
    let pools = pools(stack, seen);
    let nodes_cost: Option<f64> = pools.iter().map(|pool| pool.dollars_an_hour).sum();
    let base = match seen.nodes.is_empty() {
        true => Some(0.0),
        false => standing(stack).map(|price| price.micros() as f64 / 1e6),
    };
    Status {
        version: STATUS_VERSION,
        stack: stack.name.clone(),
        environment: stack.environment.clone(),
        target: identity(stack),
        simulated: seen.simulated,
        now: seen.now,
        releases: releases(stack, &ours, seen),
        others: others.into_iter().map(other).collect(),
        dollars_an_hour: nodes_cost.zip(base).map(|(nodes, base)| nodes + base),
        prices_as_of: FACTS_DATE,
        pools,
        roles: roles(stack, seen),
        pending: pending(seen),
    }
}

fn releases(stack: &Stack, installed: &[&Release], seen: &Seen) -> Vec<ReleaseStatus> {
    let mut found = Vec::new();
    for wanted in &stack.releases {
        match installed.iter().find(|release| release.name == wanted.name && release.namespace == wanted.namespace) {
            Some(release) => found.push(release_status(release, seen)),
            None => found.push(ReleaseStatus {
                name: wanted.name.clone(),
                namespace: wanted.namespace.clone(),
                chart: String::new(),
                revision: None,
                state: "not installed".into(),
                ready: 0,
                objects: 0,
                waiting: Vec::new(),
            }),
        }
    }
    let in_file = |release: &Release| {
        stack.releases.iter().any(|wanted| release.name == wanted.name && release.namespace == wanted.namespace)
    };
    found.extend(installed.iter().filter(|release| !in_file(release)).map(|release| release_status(release, seen)));
    found
}

fn release_status(release: &Release, seen: &Seen) -> ReleaseStatus {
    let objects = parse_manifest(&release.manifest).unwrap_or_default();
    let around = Around { pods: &seen.pods, events: &seen.events };
    let mut waiting = Vec::new();
    for object in &objects {
        let mut reference = ObjectRef::of(object);
        let name = format!("{} {}", reference.kind, reference.name);
        let live = seen.live.get(&reference.to_string()).or_else(|| {
            reference.namespace.get_or_insert_with(|| release.namespace.clone());
            seen.live.get(&reference.to_string())
        });
        match live {
            None => waiting.push((name, "it is missing".to_owned())),
            Some(live) => waiting.extend(readiness(live, around).reason().map(|reason| (name, reason.to_owned()))),
        }
    }
    ReleaseStatus {
        name: release.name.clone(),
        namespace: release.namespace.clone(),
        chart: release.chart.label(),
        revision: Some(release.version),
        state: release.info.status.as_str().to_owned(),
        ready: objects.len() - waiting.len(),
        objects: objects.len(),
        waiting,
    }
}

fn other(release: &Release) -> OtherRelease {
    OtherRelease {
        name: release.name.clone(),
        namespace: release.namespace.clone(),
        chart: release.chart.label(),
        owner: release.labels.get(sutler_ray::OWNER_LABEL).cloned(),
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn has_condition(object: &Value, kind: &str) -> bool {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|one| one["type"] == kind && one["status"] == "True")
}

fn pools(stack: &Stack, seen: &Seen) -> Vec<PoolStatus> {
    let mut by_pool: BTreeMap<&str, Vec<&Value>> = stack.pools.keys().map(|name| (name.as_str(), Vec::new())).collect();
    for node in &seen.nodes {
        let label = |key: &str| node.pointer("/metadata/labels").and_then(|labels| labels[key].as_str());
        let named = label(POOL_LABEL).or_else(|| {
            // Where existing nodes stand for a pool, the pool's selector tells which.
            let selects = |pool: &&crate::stack::StackPool| {
                pool.pool
                    .node_selector
                    .as_ref()
                    .is_some_and(|selector| selector.iter().all(|(key, value)| label(key) == Some(value)))
            };
            stack.pools.values().find(selects).map(|pool| pool.pool.name.as_str())
        });
        by_pool.entry(named.unwrap_or_default()).or_default().push(node);
    }
    let status = |(pool, nodes): (&str, Vec<&Value>)| PoolStatus {
        pool: pool.to_owned(),
        nodes: nodes.len(),
        ready: nodes.iter().filter(|node| has_condition(node, "Ready")).count(),
        dollars_an_hour: nodes.iter().map(|node| price(node, &stack.region)).sum(),
    };
    by_pool.into_iter().filter(|(name, nodes)| !name.is_empty() || !nodes.is_empty()).map(status).collect()
}

fn price(node: &Value, region: &str) -> Option<f64> {
    let label = |key: &str| node.pointer("/metadata/labels").and_then(|labels| labels[key].as_str());
    let instance = lookup(label("node.kubernetes.io/instance-type")?).ok()?;
    let capacity =
        if label("eks.amazonaws.com/capacityType") == Some("SPOT") { Capacity::Spot } else { Capacity::OnDemand };
    Some(node_price(instance, capacity, region)?.micros() as f64 / 1e6)
}

fn roles(stack: &Stack, seen: &Seen) -> Vec<RoleStatus> {
    let mut found: BTreeMap<&str, RoleStatus> = BTreeMap::new();
    for account in &seen.accounts {
        let Some(arn) =
            account.pointer("/metadata/annotations").and_then(|annotations| annotations[ROLE_ANNOTATION].as_str())
        else {
            continue;
        };
        let (namespace, name) = (text(account, "/metadata/namespace"), text(account, "/metadata/name"));
        let is_ours = stack.roles.values().any(|role| role.arn.as_deref() == Some(arn));
        if !is_ours {
            continue;
        }
        let status = found.entry(arn).or_insert_with(|| RoleStatus {
            arn: arn.to_owned(),
            accounts: Vec::new(),
            pods: 0,
            with_identity: 0,
        });
        status.accounts.push(format!("{namespace}/{name}"));
        let under = |pod: &&Value| {
            text(pod, "/metadata/namespace") == namespace && text(pod, "/spec/serviceAccountName") == name
        };
        for pod in seen.pods.iter().filter(under) {
            status.pods += 1;
            status.with_identity += usize::from(carries(pod, arn));
        }
    }
    found.into_values().collect()
}

/// Whether every container of a pod has the role in its environment.
fn carries(pod: &Value, arn: &str) -> bool {
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    let has = |container: &Value| {
        let env = container["env"].as_array();
        env.into_iter().flatten().any(|variable| variable["name"] == "AWS_ROLE_ARN" && variable["value"] == arn)
    };
    containers.is_some_and(|containers| containers.iter().all(has))
}

fn pending(seen: &Seen) -> Vec<PendingPod> {
    let waits =
        |pod: &&Value| text(pod, "/status/phase") == "Pending" && pod.pointer("/metadata/deletionTimestamp").is_none();
    seen.pods
        .iter()
        .filter(waits)
        .map(|pod| {
            let since: Option<Timestamp> = text(pod, "/metadata/creationTimestamp").parse().ok();
            PendingPod {
                pod: format!("{}/{}", text(pod, "/metadata/namespace"), text(pod, "/metadata/name")),
                seconds: since.map_or(0, |since| seen.now.duration_since(since).as_secs()),
                reasons: reasons(pod, &seen.events),
            }
        })
        .collect()
}

/// Why a pod waits: its own conditions and container states, and what scheduler and autoscaler last said of it.
fn reasons(pod: &Value, events: &[Value]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    found.extend(
        conditions
            .filter(|one| one["type"] == "PodScheduled" && one["status"] == "False")
            .map(|one| text(one, "/message").to_owned()),
    );
    for list in ["/status/initContainerStatuses", "/status/containerStatuses"] {
        for status in pod.pointer(list).and_then(Value::as_array).into_iter().flatten() {
            if let Some(waiting) = status.pointer("/state/waiting") {
                let message = text(waiting, "/message");
                let reason = text(waiting, "/reason");
                found.push(if message.is_empty() {
                    format!("{}: {reason}", text(status, "/name"))
                } else {
                    format!("{}: {reason}: {message}", text(status, "/name"))
                });
            }
        }
    }
    let mut latest: BTreeMap<&str, (&str, &Value)> = BTreeMap::new();
    for event in events {
        let about = event.get("involvedObject").or_else(|| event.get("regarding"));
        let of_pod = about.is_some_and(|about| about["uid"] == pod["metadata"]["uid"] && about["kind"] == "Pod");
        let source =
            [text(event, "/source/component"), text(event, "/reportingComponent"), text(event, "/reportingController")];
        // The simulator's own word on pools that nobody makes grow has no autoscaler behind it.
        let of_pools = source.contains(&"cluster-autoscaler") || text(event, "/reason") == "NoAutoscaler";
        if of_pod && of_pools {
            let time =
                [text(event, "/lastTimestamp"), text(event, "/eventTime"), text(event, "/metadata/creationTimestamp")];
            let time = time.into_iter().find(|time| !time.is_empty()).unwrap_or_default();
            let entry = latest.entry("cluster-autoscaler").or_insert((time, event));
            if time >= entry.0 {
                *entry = (time, event);
            }
        }
    }
    found.extend(latest.values().map(|(_, event)| {
        let message = event.get("message").or_else(|| event.get("note")).and_then(Value::as_str).unwrap_or_default();
        match text(event, "/reason") {
            "NoAutoscaler" => message.to_owned(),
            _ => format!("autoscaler: {message}"),
        }
    }));
    let mut once = BTreeSet::new();
    found.retain(|reason| !reason.is_empty() && once.insert(reason.clone()));
    found
}
