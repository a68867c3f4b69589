//! Pools: machines for each pool between its minimum and maximum, and the nodes that they become.
//!
//! ```text
//! cluster model ─> pool: orders or ends machines ─> machine (lease): 45–75 s ─> Node registers (not ready) ─> ready
//! ```
//! A pool that is taken out of the model drains: no new pods, pods evicted, then its machines end. A Node that somebody deletes
//! ends its machine; its pool makes up for it only below the minimum, as an Auto Scaling group does for a terminated instance.

use serde_json::{Value, json};
use sutler_nodes::Pool;
use sutler_nodes::capacity::DEFAULT_ROOT_VOLUME_GIB;
use sutler_nodes::instances::lookup;
use sutler_nodes::node::{NodeSpec, node_object};
use sutler_nodes::pool::{NodeIdentity, POOL_LABEL};

use crate::controllers::machines::{self, Machine};
use crate::controllers::{Change, Controller, Deletion, Effects, Note, Queue, Severity, pods, times};
use crate::key::{ObjectKey, resource};
use crate::view::View;

const NOT_READY: &str = "node.kubernetes.io/not-ready";

/// Keeps pools at their sizes and makes nodes of machines.
pub(crate) struct Pools;

impl Controller for Pools {
    fn name(&self) -> &'static str {
        "pool-controller"
    }

    fn manager(&self) -> &'static str {
        "kubelet"
    }

    fn on_change(&self, change: &Change, view: &View<'_>, queue: &mut Queue) {
        if change.is(resource::LEASES) && change.key.namespace == machines::NAMESPACE {
            queue.push(change.key.clone());
            if let Some(pool) = change.object()["metadata"]["labels"][POOL_LABEL].as_str() {
                queue.push(ObjectKey::named(pool));
            }
        }
        if change.is(resource::NODES) && change.new.is_none() {
            queue.push(machines::key(&change.key.name));
        }
        // The last pod of a node that drains.
        if change.is(resource::PODS) && change.new.is_none() {
            let node = change.object()["spec"]["nodeName"].as_str().unwrap_or("");
            let lease = view.object(&machines::key(node));
            let gone_pool = lease.and_then(Machine::of).filter(|machine| pool(view, machine.pool).is_none());
            if gone_pool.is_some() {
                queue.push(machines::key(node));
            }
        }
    }

    fn on_cluster(&self, view: &View<'_>, queue: &mut Queue) {
        for pool in &view.cluster().pools {
            queue.push(ObjectKey::named(&pool.name));
        }
        for machine in machines::all(view) {
            queue.push(machines::key(machine.name));
        }
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        if key.resource.is_empty() {
            if let Some(pool) = pool(view, &key.name) {
                resize(view, pool, effects);
            }
            return;
        }
        let node = view.get(resource::NODES, "", &key.name);
        match view.object(key).and_then(Machine::of) {
            None => {
                if let Some(node) = node.filter(|node| node["metadata"]["labels"][POOL_LABEL].is_string()) {
                    effects.delete(Deletion::of(ObjectKey::of(resource::NODES, node)));
                }
            }
            Some(machine) => match pool(view, machine.pool) {
                Some(pool) => boot(key, view, pool, &machine, node, effects),
                None => drain(key, view, &machine, node, effects),
            },
        }
    }
}

fn pool<'a>(view: &View<'a>, name: &str) -> Option<&'a Pool> {
    view.cluster().pools.iter().find(|pool| pool.name == name)
}

/// Orders machines up to the minimum; ends the newest above the maximum.
fn resize(view: &View<'_>, pool: &Pool, effects: &mut Effects) {
    let mut of_pool: Vec<Machine<'_>> =
        machines::all(view).into_iter().filter(|machine| machine.pool == pool.name).collect();
    let have = u32::try_from(of_pool.len()).unwrap_or(u32::MAX);
    machines::order(view, pool, pool.min.saturating_sub(have), effects);
    of_pool.sort_by_key(|machine| std::cmp::Reverse((machine.ordered_at, machine.index)));
    let surplus = usize::try_from(have.saturating_sub(pool.max)).unwrap_or(0);
    for machine in of_pool.into_iter().take(surplus) {
        effects.delete(Deletion::of(machines::key(machine.name)));
    }
}

/// Registers the node of a machine and makes it ready, each at its time.
fn boot(
    key: &ObjectKey,
    view: &View<'_>,
    pool: &Pool,
    machine: &Machine<'_>,
    node: Option<&Value>,
    effects: &mut Effects,
) {
    let now = view.now();
    let Some(node) = node else {
        if now < machine.registers_at() {
            effects.wake_at(key.clone(), machine.registers_at());
        } else if now < machine.ready_at {
            register(view, pool, machine, effects);
            effects.wake_at(key.clone(), machine.ready_at);
        } else {
            // It was there and is not any more: somebody deleted it, which ends the machine.
            effects.delete(Deletion::of(key.clone()));
        }
        return;
    };
    if now < machine.ready_at {
        effects.wake_at(key.clone(), machine.ready_at);
        return;
    }
    let is_ready = crate::controllers::conditions::is_true(node, "Ready");
    if !is_ready {
        let node_key = ObjectKey::of(resource::NODES, node);
        let taints: Vec<&Value> =
            node["spec"]["taints"].as_array().into_iter().flatten().filter(|taint| taint["key"] != NOT_READY).collect();
        let taints = if taints.is_empty() { Value::Null } else { json!(taints) };
        effects.patch(node_key.clone(), json!({"spec": {"taints": taints}}));
        effects.patch_status(node_key, json!({"conditions": conditions(view, true)}));
        effects.record(note(node, "NodeReady", format!("Node {} status is now: NodeReady", machine.name), "kubelet"));
    }
}

fn register(view: &View<'_>, pool: &Pool, machine: &Machine<'_>, effects: &mut Effects) {
    let Ok(instance) = lookup(machine.instance_type) else { return };
    let identity = NodeIdentity { name: machine.name, instance, region: &view.cluster().region, zone: machine.zone };
    let spec = NodeSpec {
        identity,
        root_volume_gib: DEFAULT_ROOT_VOLUME_GIB,
        kubernetes_version: &view.cluster().kubernetes_version,
    };
    let mut node = node_object(pool, spec);
    let id = view.random(&format!("instance/{}/{}", machine.name, machine.ordered_at));
    node["spec"]["providerID"] = json!(format!("aws:///{}/i-0{:016x}", machine.zone, id));
    let mut taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
    taints.push(json!({"key": NOT_READY, "effect": "NoSchedule"}));
    node["spec"]["taints"] = json!(taints);
    node["status"]["addresses"] = json!([
        {"type": "InternalIP", "address": machine.address()},
        {"type": "InternalDNS", "address": machine.name},
        {"type": "Hostname", "address": machine.name},
    ]);
    node["status"]["conditions"] = conditions(view, false);
    node["status"]["daemonEndpoints"] = json!({"kubeletEndpoint": {"Port": 10250}});
    let message = format!("Node {} event: Registered Node {} in Controller", machine.name, machine.name);
    let regarding =
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": machine.name, "uid": machine.name}});
    effects.create(node);
    effects.record(note(&regarding, "RegisteredNode", message, "node-controller"));
}

/// The conditions that a kubelet reports.
fn conditions(view: &View<'_>, ready: bool) -> Value {
    let now = times::stamp(view.now());
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": now, "lastTransitionTime": now,
        })
    };
    let network = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady \
        message:Network plugin returns error: cni plugin not initialized";
    json!([
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        if ready {
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")
        } else {
            condition("Ready", "False", "KubeletNotReady", network)
        },
    ])
}

/// Empties a node of a pool that is gone, then ends its machine.
fn drain(key: &ObjectKey, view: &View<'_>, machine: &Machine<'_>, node: Option<&Value>, effects: &mut Effects) {
    let Some(node) = node else {
        effects.delete(Deletion::of(key.clone()));
        return;
    };
    if node["spec"]["unschedulable"] != true {
        effects.patch(ObjectKey::of(resource::NODES, node), json!({"spec": {"unschedulable": true}}));
    }
    let mut left = false;
    for pod in view.pods_on(machine.name) {
        let is_daemon = pods::controller(pod).is_some_and(|(kind, _, _)| kind == "DaemonSet");
        if is_daemon || pods::has_ended(pod) {
            continue;
        }
        left = true;
        if !pods::is_terminating(pod) {
            effects.delete(Deletion::of(pods::key(pod)));
        }
    }
    if !left {
        effects.delete(Deletion::of(key.clone()));
    }
}

fn note(regarding: &Value, reason: &str, message: String, component: &str) -> Note {
    Note {
        regarding: regarding.clone(),
        severity: Severity::Normal,
        reason: reason.to_owned(),
        message,
        component: component.to_owned(),
        host: String::new(),
    }
}
