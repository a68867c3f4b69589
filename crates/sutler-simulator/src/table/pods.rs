//! Columns of pods and nodes.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age::since;
use super::columns::{Column, age, at, at_or, items, name, number, text};

/// Columns of pods.
pub(super) fn columns() -> Vec<Column> {
    vec![
        name(),
        text("Ready", |pod, _| {
            let summary = Summary::of(pod);
            json!(format!("{}/{}", summary.ready, summary.total))
        }),
        text("Status", |pod, _| json!(Summary::of(pod).status)),
        text("Restarts", |pod, now| json!(Summary::of(pod).restarts_text(now))),
        age(),
        text("IP", |pod, _| json!(at_or(pod, "/status/podIPs/0/ip", "<none>"))).wide(),
        text("Node", |pod, _| json!(at_or(pod, "/spec/nodeName", "<none>"))).wide(),
        text("Nominated Node", |pod, _| json!(at_or(pod, "/status/nominatedNodeName", "<none>"))).wide(),
        text("Readiness Gates", |pod, _| json!(readiness_gates(pod))).wide(),
    ]
}

/// What the columns of a pod say in sum.
struct Summary {
    ready: usize,
    total: usize,
    status: String,
    restarts: i64,
    /// When the last of these restarts was.
    restarted: Option<String>,
}

/// Restarts of some containers, and when the last one ended.
#[derive(Default)]
struct Restarts {
    count: i64,
    last: Option<String>,
}

impl Restarts {
    fn add(&mut self, container: &Value) {
        self.count += number(container, "/restartCount");
        let ended = container.pointer("/lastState/terminated/finishedAt").and_then(Value::as_str);
        // RFC 3339 in UTC with whole seconds orders as text.
        self.last = self.last.take().max(ended.map(str::to_string));
    }
}

impl Summary {
    fn of(pod: &Value) -> Self {
        let phase = at(pod, "/status/phase");
        let mut status = at_or(pod, "/status/reason", phase).to_string();
        let conditions = items(pod, "/status/conditions");
        if conditions.iter().any(|of| of["type"] == "PodScheduled" && of["reason"] == "SchedulingGated") {
            status = "SchedulingGated".into();
        }
        let init = items(pod, "/spec/initContainers");
        let is_sidecar = |name: &Value| init.iter().any(|of| of["name"] == *name && of["restartPolicy"] == "Always");
        let sidecars = init.iter().filter(|container| is_sidecar(&container["name"])).count();
        let total = items(pod, "/spec/containers").len() + sidecars;
        let mut ready = 0;
        let (mut all, mut of_sidecars) = (Restarts::default(), Restarts::default());
        let mut initializing = false;
        for (index, container) in items(pod, "/status/initContainerStatuses").iter().enumerate() {
            all.add(container);
            let sidecar = is_sidecar(&container["name"]);
            if sidecar {
                of_sidecars.add(container);
            }
            let state = &container["state"];
            if state["terminated"]["exitCode"] == 0 {
                continue;
            }
            if sidecar && container["started"] == true {
                ready += usize::from(container["ready"] == true);
                continue;
            }
            let waiting = at(state, "/waiting/reason");
            status = if state["terminated"].is_object() {
                format!("Init:{}", ended(&state["terminated"]))
            } else if !waiting.is_empty() && waiting != "PodInitializing" {
                format!("Init:{waiting}")
            } else {
                format!("Init:{index}/{}", init.len())
            };
            initializing = true;
            break;
        }
        let initialized = conditions.iter().any(|of| of["type"] == "Initialized" && of["status"] == "True");
        let mut restarts = all;
        if !initializing || initialized {
            restarts = of_sidecars;
            let mut running = false;
            for container in items(pod, "/status/containerStatuses").iter().rev() {
                restarts.add(container);
                let state = &container["state"];
                let waiting = at(state, "/waiting/reason");
                if !waiting.is_empty() {
                    status = waiting.to_string();
                } else if state["terminated"].is_object() {
                    status = ended(&state["terminated"]);
                } else if container["ready"] == true && state["running"].is_object() {
                    running = true;
                    ready += 1;
                }
            }
            if status == "Completed" && running {
                let is_ready = conditions.iter().any(|of| of["type"] == "Ready" && of["status"] == "True");
                status = if is_ready { "Running" } else { "NotReady" }.into();
            }
        }
        if !pod["metadata"]["deletionTimestamp"].is_null() {
            if at(pod, "/status/reason") == "NodeLost" {
                status = "Unknown".into();
            } else if !matches!(phase, "Succeeded" | "Failed") {
                status = "Terminating".into();
            }
        }
        Self { ready, total, status, restarts: restarts.count, restarted: restarts.last }
    }

    fn restarts_text(&self, now: Timestamp) -> String {
        match &self.restarted {
            Some(when) if self.restarts != 0 => format!("{} ({} ago)", self.restarts, since(&json!(when), now)),
            _ => self.restarts.to_string(),
        }
    }
}

/// How a container ended.
fn ended(terminated: &Value) -> String {
    match (at(terminated, "/reason"), number(terminated, "/signal")) {
        ("", 0) => format!("ExitCode:{}", number(terminated, "/exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_string(),
    }
}

fn readiness_gates(pod: &Value) -> String {
    let gates = items(pod, "/spec/readinessGates");
    if gates.is_empty() {
        return "<none>".into();
    }
    let conditions = items(pod, "/status/conditions");
    let open =
        |gate: &&Value| conditions.iter().any(|of| of["type"] == gate["conditionType"] && of["status"] == "True");
    format!("{}/{}", gates.iter().filter(open).count(), gates.len())
}

/// Columns of nodes.
pub(super) fn node_columns() -> Vec<Column> {
    fn address(node: &Value, kind: &str) -> String {
        let address = items(node, "/status/addresses").iter().find(|address| address["type"] == kind);
        address.map_or_else(|| "<none>".into(), |address| at(address, "/address").to_string())
    }
    vec![
        name(),
        text("Status", |node, _| json!(node_status(node))),
        text("Roles", |node, _| json!(roles(node))),
        age(),
        text("Version", |node, _| json!(at(node, "/status/nodeInfo/kubeletVersion"))),
        text("Internal-IP", |node, _| json!(address(node, "InternalIP"))).wide(),
        text("External-IP", |node, _| json!(address(node, "ExternalIP"))).wide(),
        text("OS-Image", |node, _| json!(at_or(node, "/status/nodeInfo/osImage", "<unknown>"))).wide(),
        text("Kernel-Version", |node, _| json!(at_or(node, "/status/nodeInfo/kernelVersion", "<unknown>"))).wide(),
        text("Container-Runtime", |node, _| {
            json!(at_or(node, "/status/nodeInfo/containerRuntimeVersion", "<unknown>"))
        })
        .wide(),
    ]
}

fn node_status(node: &Value) -> String {
    let ready = items(node, "/status/conditions").iter().find(|condition| condition["type"] == "Ready");
    let mut status = match ready {
        None => "Unknown".to_string(),
        Some(condition) if condition["status"] == "True" => "Ready".into(),
        Some(_) => "NotReady".into(),
    };
    if node["spec"]["unschedulable"] == true {
        status.push_str(",SchedulingDisabled");
    }
    status
}

fn roles(node: &Value) -> String {
    let labels = node.pointer("/metadata/labels").and_then(Value::as_object);
    let mut roles: Vec<&str> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role),
            None if key == "kubernetes.io/role" => value.as_str(),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    if roles.is_empty() { "<none>".into() } else { roles.join(",") }
}
