//! Controllers, tried in a whole machine: objects in, time passes, text out.

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cluster::ClusterModel;
use crate::key::resource;
use crate::machine::{Machine, Start};
use crate::request::Request;

mod stack;
mod workloads;

/// A machine to try things in.
pub(super) struct Lab {
    pub(super) machine: Machine,
    begin: Timestamp,
}

impl Lab {
    pub(super) fn new(seed: u64, cluster: Value) -> Self {
        let begin: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let mut machine = Machine::in_memory(Start { clock: begin, seed }).unwrap();
        let cluster: ClusterModel = serde_json::from_value(cluster).unwrap();
        machine.set_cluster(cluster);
        let mut lab = Self { machine, begin };
        // Settles what the model asks for.
        lab.call(Method::GET, "/version", &Value::Null);
        lab
    }

    /// Sends a request that must succeed; answers the object.
    pub(super) fn call(&mut self, method: Method, path: &str, body: &Value) -> Value {
        let (code, answer) = self.try_call(method, path, body);
        assert!((200..300).contains(&code), "{path}: {code} {answer}");
        answer
    }

    pub(super) fn try_call(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
        let mut request = Request::new(method.clone(), path, body);
        if method == Method::PATCH {
            request.content_type = "application/merge-patch+json".into();
        }
        let now = self.machine.clock();
        let response = self.machine.handle(&request, now);
        let bytes = response.body.into_bytes().unwrap();
        (response.code, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Creates an object.
    pub(super) fn create(&mut self, object: Value) -> Value {
        let path = collection(&object);
        self.call(Method::POST, &path, &object)
    }

    /// Merges a patch into an object.
    pub(super) fn patch(&mut self, path: &str, patch: &Value) {
        self.call(Method::PATCH, path, patch);
    }

    pub(super) fn delete(&mut self, path: &str) {
        self.call(Method::DELETE, path, &Value::Null);
    }

    /// Lets so many seconds of simulated time pass.
    pub(super) fn pass(&mut self, seconds: i64) {
        let until = self.machine.clock() + SignedDuration::from_secs(seconds);
        self.machine.pass(until);
    }

    /// Seconds since the begin.
    pub(super) fn seconds(&self) -> i64 {
        self.machine.clock().as_second() - self.begin.as_second()
    }

    pub(super) fn list(&self, resource: &str) -> Vec<Value> {
        self.machine.view().list(resource).cloned().collect()
    }

    pub(super) fn get(&self, resource: &str, namespace: &str, name: &str) -> Value {
        self.machine.view().get(resource, namespace, name).cloned().unwrap_or(Value::Null)
    }

    /// Pods of a namespace, one a line: name without its random end, phase, readiness, pool of its node.
    pub(super) fn pods(&self, namespace: &str) -> String {
        let view = self.machine.view();
        let mut lines: Vec<String> = view
            .list_in(resource::PODS, namespace)
            .map(|pod| {
                let name = pod["metadata"]["generateName"].as_str().or(pod["metadata"]["name"].as_str()).unwrap_or("");
                let node = view.get(resource::NODES, "", pod["spec"]["nodeName"].as_str().unwrap_or(""));
                let pool = node.and_then(|node| node["metadata"]["labels"]["sutler.dev/pool"].as_str()).unwrap_or("-");
                let ready = if super::pods::is_ready(pod) { "ready" } else { "unready" };
                let phase = pod["status"]["phase"].as_str().unwrap_or("");
                let ending = if super::pods::is_terminating(pod) { " ending" } else { "" };
                format!("{name} {phase} {ready} {pool}{ending}")
            })
            .collect();
        lines.sort();
        lines.join("\n")
    }

    /// Nodes by pool: `core 2 ray 4`, ready ones only.
    pub(super) fn nodes(&self) -> String {
        let mut counts = std::collections::BTreeMap::new();
        for node in self.list(resource::NODES).iter().filter(|node| super::conditions::is_true(node, "Ready")) {
            let pool = node["metadata"]["labels"]["sutler.dev/pool"].as_str().unwrap_or("-").to_owned();
            *counts.entry(pool).or_insert(0) += 1;
        }
        counts.into_iter().map(|(pool, count)| format!("{pool} {count}")).collect::<Vec<_>>().join(" ")
    }

    /// Messages of events with this reason.
    pub(super) fn events(&self, reason: &str) -> Vec<String> {
        let events = self.list(resource::EVENTS).into_iter().filter(|event| event["reason"] == reason);
        events.map(|event| event["message"].as_str().or(event["note"].as_str()).unwrap_or("").to_owned()).collect()
    }
}

/// The path at which an object is created.
fn collection(object: &Value) -> String {
    let version = object["apiVersion"].as_str().unwrap();
    let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    let kind = object["kind"].as_str().unwrap().to_lowercase();
    let plural = match kind.as_str() {
        "endpoints" => kind,
        _ if kind.ends_with('s') => format!("{kind}es"),
        _ if kind.ends_with('y') => format!("{}ies", kind.trim_end_matches('y')),
        _ => format!("{kind}s"),
    };
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}"),
        None => format!("{root}/{plural}"),
    }
}

pub(super) fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

/// A Deployment of one container with the fields of `spec` merged into its pod's.
pub(super) fn deployment(namespace: &str, name: &str, replicas: i64, pod: Value) -> Value {
    let mut spec = json!({"containers": [{"name": "main", "image": format!("example/{name}:1")}]});
    for (field, value) in pod.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": spec},
        },
    })
}
