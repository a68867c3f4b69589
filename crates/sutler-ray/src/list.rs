//! Which Ray clusters there are, whose they are, and how they are doing.
//!
//! [`look`] reads, with no more than rights in a namespace; [`judge`] decides from what was read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sutler_nodes::Capacity;
use sutler_nodes::instances::lookup;
use sutler_nodes::prices::node_price;
use sutler_objects::quantity::Quantity;
use sutler_release::{ApiError, Release, Releases, Select, Status, parse_manifest};

use crate::cluster::{OWNER_LABEL, RayError, STACK_LABEL};

/// The label by which the chart's pods say what they are: `head` or `worker`.
const NODE_TYPE_LABEL: &str = "ray.io/node-type";

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The latest revision of each release.
    pub releases: Vec<Release>,
    /// Pods of Ray clusters.
    pub pods: Vec<Value>,
    /// Nodes; `None` where they may not be read, which is a matter of the whole cluster.
    pub nodes: Option<Vec<Value>>,
}

/// A Ray cluster.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Its name, which is its release's.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Whose it is, as far as a label holds it; `None` for a stack's.
    pub owner: Option<String>,
    /// The stack that it belongs to.
    pub stack: Option<String>,
    /// Its release's state as Helm names it.
    pub state: &'static str,
    /// Whether the head is ready: without it nothing can be asked of the cluster.
    pub head_ready: bool,
    /// How many workers it is to have.
    pub workers: u32,
    /// How many of them are ready.
    pub workers_ready: u32,
    /// Its pods that are not ready, each with the reason.
    pub waiting: Vec<Waiting>,
    /// When this revision was made.
    pub since: Option<Timestamp>,
    /// What its pods take of their nodes, in dollars an hour of list price; `None` where nodes or prices are not known.
    pub dollars_an_hour: Option<f64>,
    /// Where a Ray client in the Kubernetes cluster finds it.
    pub address: String,
}

/// A pod that is not ready.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waiting {
    /// Its name.
    pub pod: String,
    /// Why, where Kubernetes says so.
    pub reason: String,
}

/// Reads the Ray clusters of a namespace, or of all.
///
/// # Errors
/// If releases or pods may not be read, or the API cannot be reached.
pub async fn look(releases: &Releases, namespace: Option<&str>) -> Result<Seen, RayError> {
    let failed = |source| RayError::List { namespace: namespace.map(str::to_owned), source: Box::new(source) };
    let cluster = releases.cluster();
    let api = |error: ApiError| failed(sutler_release::Error::from(error));
    let found = releases.list(namespace).await.map_err(failed)?;
    let pods = cluster.mapping("v1", "Pod").await.map_err(api)?;
    let pods = cluster.list(&pods, namespace, Select::Labels(NODE_TYPE_LABEL)).await.map_err(api)?;
    let nodes = cluster.mapping("v1", "Node").await.map_err(api)?;
    let nodes = match cluster.list(&nodes, None, Select::All).await {
        Ok(nodes) => Some(nodes),
        Err(ApiError::Refused { code: 403, .. }) => None,
        Err(error) => return Err(api(error)),
    };
    Ok(Seen { releases: found, pods, nodes })
}

/// The Ray clusters among what was read: releases of `chart`, by namespace and name.
#[must_use]
pub fn judge(seen: &Seen, chart: &str) -> Vec<Listed> {
    let is_there = |release: &&Release| release.chart.name() == chart && release.info.status != Status::Uninstalled;
    let mut found: Vec<Listed> = seen.releases.iter().filter(is_there).map(|release| listed(release, seen)).collect();
    found.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
    found
}

fn listed(release: &Release, seen: &Seen) -> Listed {
    let is_ours = |pod: &&Value| {
        text(pod, "/metadata/namespace") == release.namespace
            && label(pod, "app.kubernetes.io/instance") == Some(&release.name)
            && pod.pointer("/metadata/deletionTimestamp").is_none()
            && !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
    };
    let pods: Vec<&Value> = seen.pods.iter().filter(is_ours).collect();
    let of_type = |kind: &'static str| pods.iter().filter(move |pod| label(pod, NODE_TYPE_LABEL) == Some(kind));
    let waiting = pods
        .iter()
        .filter(|pod| !is_ready(pod))
        .map(|pod| Waiting { pod: text(pod, "/metadata/name").to_owned(), reason: reason(pod) });
    Listed {
        name: release.name.clone(),
        namespace: release.namespace.clone(),
        owner: release.labels.get(OWNER_LABEL).cloned(),
        stack: release.labels.get(STACK_LABEL).cloned(),
        state: release.info.status.as_str(),
        head_ready: of_type("head").any(|pod| is_ready(pod)),
        workers: wanted_workers(&release.manifest),
        workers_ready: u32::try_from(of_type("worker").filter(|pod| is_ready(pod)).count()).unwrap_or(u32::MAX),
        waiting: waiting.collect(),
        since: release.info.last_deployed,
        dollars_an_hour: seen.nodes.as_ref().and_then(|nodes| dollars(&pods, nodes)),
        address: format!("ray://{}.{}:10001", head_service(release), release.namespace),
    }
}

/// The head's Service in the manifest; where it is not found, as the chart names it.
fn head_service(release: &Release) -> String {
    let objects = parse_manifest(&release.manifest).unwrap_or_default();
    let mut services = objects.iter().filter(|object| object["kind"] == "Service");
    let of_head =
        services.find_map(|service| Some(text(service, "/metadata/name")).filter(|name| name.ends_with("-head-svc")));
    of_head.map_or_else(|| format!("{}-ray-head-svc", release.name), str::to_owned)
}

/// The replicas of the manifest's Deployments of workers.
fn wanted_workers(manifest: &str) -> u32 {
    let objects = parse_manifest(manifest).unwrap_or_default();
    let is_workers = |object: &&Value| {
        object["kind"] == "Deployment"
            && object.pointer("/spec/template").and_then(|template| label(template, NODE_TYPE_LABEL)) == Some("worker")
    };
    let replicas = |object: &Value| object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let sum: u64 = objects.iter().filter(is_workers).map(replicas).sum();
    u32::try_from(sum).unwrap_or(u32::MAX)
}

/// What the pods take of their nodes: of each node's price the larger of their shares of its CPU and memory.
fn dollars(pods: &[&Value], nodes: &[Value]) -> Option<f64> {
    let by_name: BTreeMap<&str, &Value> = nodes.iter().map(|node| (text(node, "/metadata/name"), node)).collect();
    let placed =
        pods.iter().filter_map(|pod| Some((pod, text(pod, "/spec/nodeName"))).filter(|(_, node)| !node.is_empty()));
    placed
        .map(|(pod, node)| {
            let node = by_name.get(node)?;
            Some(price(node)? * share(pod, node, "cpu").max(share(pod, node, "memory")))
        })
        .sum()
}

/// A pod's requests as a share of what the node has for pods, at most all of it.
fn share(pod: &Value, node: &Value, resource: &str) -> f64 {
    let amount = |value: Option<&Value>| {
        value.and_then(Value::as_str).and_then(|text| text.parse::<Quantity>().ok()).map_or(0.0, |found| found.as_f64())
    };
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten();
    let asked: f64 = containers.map(|one| amount(one.pointer(&format!("/resources/requests/{resource}")))).sum();
    let has = amount(node.pointer(&format!("/status/allocatable/{resource}")));
    if has > 0.0 { (asked / has).min(1.0) } else { 0.0 }
}

fn price(node: &Value) -> Option<f64> {
    let instance = lookup(label(node, "node.kubernetes.io/instance-type")?).ok()?;
    let is_spot = label(node, "eks.amazonaws.com/capacityType") == Some("SPOT");
    let capacity = if is_spot { Capacity::Spot } else { Capacity::OnDemand };
    Some(node_price(instance, capacity, label(node, "topology.kubernetes.io/region")?)?.micros() as f64 / 1e6)
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// Why a pod is not ready, of its own status: where it is to run, what its container waits for, how that ended.
fn reason(pod: &Value) -> String {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let unscheduled = conditions.filter(|one| one["type"] == "PodScheduled" && one["status"] == "False");
    let containers = || pod.pointer("/status/containerStatuses").and_then(Value::as_array).into_iter().flatten();
    let said = |state: &Value| match (text(state, "/reason"), text(state, "/message")) {
        (reason, "") => reason.to_owned(),
        ("", message) => message.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    };
    let waits = containers().filter_map(|status| status.pointer("/state/waiting")).map(said);
    let ended = containers().filter_map(|status| status.pointer("/lastState/terminated")).map(said);
    let found = unscheduled.map(|one| text(one, "/message").to_owned()).chain(waits).chain(ended);
    found.into_iter().find(|text| !text.is_empty()).unwrap_or_else(|| "not ready yet".to_owned())
}

fn label<'v>(object: &'v Value, name: &str) -> Option<&'v str> {
    object.pointer("/metadata/labels")?.get(name)?.as_str()
}

fn text<'v>(object: &'v Value, pointer: &str) -> &'v str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn release(name: &str, labels: Value) -> Release {
        let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a-ray-worker}\nspec: {replicas: 3, template: {metadata: {labels: {ray.io/node-type: worker}}}}\n\
                        ---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a-ray-head}\nspec: {replicas: 1, template: {metadata: {labels: {ray.io/node-type: head}}}}\n";
        serde_json::from_value(json!({
            "name": name, "namespace": "ray", "version": 1, "manifest": manifest,
            "info": {"status": "deployed"}, "chart": {"metadata": {"name": "ray-static-cluster", "version": "0.1.0"}},
            "labels": labels,
        }))
        .map(|mut release: Release| {
            release.labels = serde_json::from_value(labels).unwrap();
            release
        })
        .unwrap()
    }

    fn pod(name: &str, kind: &str, node: &str, status: Value) -> Value {
        json!({
            "metadata": {"name": name, "namespace": "ray", "labels": {"app.kubernetes.io/instance": "mine", NODE_TYPE_LABEL: kind}},
            "spec": {"nodeName": node, "containers": [{"resources": {"requests": {"cpu": "2", "memory": "1Gi"}}}]},
            "status": status,
        })
    }

    fn ready() -> Value {
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
    }

    fn node(name: &str) -> Value {
        json!({
            "metadata": {"name": name, "labels": {
                "node.kubernetes.io/instance-type": "m6i.xlarge", "topology.kubernetes.io/region": "us-west-2"}},
            "status": {"allocatable": {"cpu": "4", "memory": "14Gi"}},
        })
    }

    #[test]
    fn a_cluster_tells_what_is_ready_what_waits_and_what_it_takes_of_its_nodes() {
        let unscheduled = json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available: 2 Insufficient cpu."}]});
        let crashed = json!({"phase": "Running", "containerStatuses": [
            {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"reason": "OOMKilled"}}}]});
        let seen = Seen {
            releases: vec![release("mine", json!({OWNER_LABEL: "ada"}))],
            pods: vec![
                pod("head", "head", "a", ready()),
                pod("w1", "worker", "b", ready()),
                pod("w2", "worker", "", unscheduled),
                pod("w3", "worker", "b", crashed),
                pod("gone", "worker", "b", json!({"phase": "Failed"})),
            ],
            nodes: Some(vec![node("a"), node("b")]),
        };
        let found = judge(&seen, "ray-static-cluster");
        let [mine] = &found[..] else { panic!("{found:?}") };
        assert_eq!(
            (mine.owner.as_deref(), mine.head_ready, mine.workers, mine.workers_ready),
            (Some("ada"), true, 3, 1)
        );
        let waiting: Vec<(&str, &str)> =
            mine.waiting.iter().map(|one| (one.pod.as_str(), one.reason.as_str())).collect();
        assert_eq!(waiting, [("w2", "0/2 nodes are available: 2 Insufficient cpu."), ("w3", "CrashLoopBackOff")]);
        // Three pods with half a node each.
        assert!((mine.dollars_an_hour.unwrap() - 1.5 * 0.192).abs() < 1e-9, "{:?}", mine.dollars_an_hour);
        assert_eq!(mine.address, "ray://mine-ray-head-svc.ray:10001");
    }

    #[test]
    fn without_nodes_there_is_no_price_and_what_is_no_ray_cluster_is_not_listed() {
        let mut other = release("other", json!({}));
        other.chart = serde_json::from_value(json!({"metadata": {"name": "nginx", "version": "1.0.0"}})).unwrap();
        let seen = Seen { releases: vec![other, release("mine", json!({}))], pods: Vec::new(), nodes: None };
        let found = judge(&seen, "ray-static-cluster");
        assert_eq!(
            found.iter().map(|one| (one.name.as_str(), one.dollars_an_hour)).collect::<Vec<_>>(),
            [("mine", None)]
        );
        assert!(!found[0].head_ready);
    }
}
