//! Machines: the EC2 instances behind nodes, kept as Leases in `kube-node-lease`.
//!
//! A real cluster has such a Lease for each node from the moment it registers; here it is made when the machine is ordered, and
//! says what the node will be. The pool controller and the autoscaler order machines by creating leases, and end them by
//! deleting leases; the node follows.

use jiff::Timestamp;
use serde_json::{Value, json};
use sutler_nodes::pool::POOL_LABEL;
use sutler_nodes::{Capacity, Pool};

use crate::controllers::{Effects, pods, times};
use crate::key::{ObjectKey, resource};
use crate::view::View;

/// The namespace of the leases.
pub(crate) const NAMESPACE: &str = "kube-node-lease";

const INSTANCE_TYPE: &str = "sutler.dev/instance-type";
const ZONE: &str = "sutler.dev/zone";
const INDEX: &str = "sutler.dev/index";
const READY_AT: &str = "sutler.dev/ready-at";

/// How long before it is ready a machine's node registers, seconds.
const REGISTERED_BEFORE_READY: i64 = 12;

/// How many machines there may be: so many addresses are set aside for them.
const MOST: i64 = 6_000;

/// A machine, read from its lease.
#[derive(Debug, Clone)]
pub(crate) struct Machine<'a> {
    /// Its node's name.
    pub(crate) name: &'a str,
    /// Its pool's name.
    pub(crate) pool: &'a str,
    /// Its instance type.
    pub(crate) instance_type: &'a str,
    /// Its zone.
    pub(crate) zone: &'a str,
    /// Its number, of which its address is made.
    pub(crate) index: i64,
    /// When its node is ready.
    pub(crate) ready_at: Timestamp,
    /// When it was ordered.
    pub(crate) ordered_at: Timestamp,
}

impl<'a> Machine<'a> {
    /// Reads a lease; `None` if it is not of a machine, or the machine is being ended.
    pub(crate) fn of(lease: &'a Value) -> Option<Self> {
        if pods::is_terminating(lease) {
            return None;
        }
        let metadata = &lease["metadata"];
        let annotation = |key: &str| metadata["annotations"][key].as_str();
        Some(Self {
            name: metadata["name"].as_str()?,
            pool: metadata["labels"][POOL_LABEL].as_str()?,
            instance_type: annotation(INSTANCE_TYPE)?,
            zone: annotation(ZONE)?,
            index: annotation(INDEX)?.parse().ok()?,
            ready_at: annotation(READY_AT)?.parse().ok()?,
            ordered_at: times::read(&metadata["creationTimestamp"])?,
        })
    }

    /// When its node registers.
    pub(crate) fn registers_at(&self) -> Timestamp {
        times::after(self.ready_at, -REGISTERED_BEFORE_READY)
    }

    /// The node's address: `10.0.X.Y`.
    pub(crate) fn address(&self) -> String {
        node_address(self.index)
    }
}

/// All machines, by name.
pub(crate) fn all<'a>(view: &View<'a>) -> Vec<Machine<'a>> {
    view.list_in(resource::LEASES, NAMESPACE).filter_map(Machine::of).collect()
}

/// The key of a machine's lease.
pub(crate) fn key(node: &str) -> ObjectKey {
    ObjectKey::new(resource::LEASES, NAMESPACE, node)
}

fn node_address(index: i64) -> String {
    // From 10.0.0.4 on: AWS keeps the first four of a network.
    let host = index + 4;
    format!("10.0.{}.{}", host / 256, host % 256)
}

/// The address of a pod: its node's block of 1024 addresses, in 10.1.0.0 and above.
pub(crate) fn pod_address(node_index: i64, slot: i64) -> String {
    let host = 0x1_0000 + node_index * 1024 + slot;
    format!("10.{}.{}.{}", (host >> 16) & 0xff, (host >> 8) & 0xff, host & 0xff)
}

/// A node's number, read from its address.
pub(crate) fn node_index(node: &Value) -> Option<i64> {
    let address = node["status"]["addresses"].as_array()?.iter().find(|address| address["type"] == "InternalIP")?;
    let mut octets = address["address"].as_str()?.split('.').skip(2);
    let high: i64 = octets.next()?.parse().ok()?;
    let low: i64 = octets.next()?.parse().ok()?;
    Some(high * 256 + low - 4)
}

/// Orders `count` machines for a pool: leases that say when each will be ready, 45 to 75 seconds from now. Zones take turns.
pub(crate) fn order(view: &View<'_>, pool: &Pool, count: u32, effects: &mut Effects) {
    let machines = all(view);
    let mut taken: Vec<i64> = machines.iter().map(|machine| machine.index).collect();
    // A node that outlived its lease keeps its address.
    taken.extend(view.list(resource::NODES).filter_map(node_index));
    taken.sort_unstable();
    let mut free = (0..MOST).filter(|index| taken.binary_search(index).is_err());
    let region = &view.cluster().region;
    if pool.instance_types.is_empty() {
        return;
    }
    let of_pool = machines.iter().filter(|machine| machine.pool == pool.name).count();
    for number in 0..count {
        let Some(index) = free.next() else { return };
        let address = node_address(index);
        let name = format!("ip-{}.{region}.compute.internal", address.replace('.', "-"));
        let letter = ["a", "b", "c"][(of_pool + usize::try_from(number).unwrap_or(0)) % 3];
        let chance = view.random(&format!("boot/{name}/{}", view.now().as_millisecond()));
        // On demand the first type is had; of spot, whatever there is.
        let chosen = match pool.capacity {
            Capacity::OnDemand => 0,
            Capacity::Spot => usize::try_from(chance >> 32).unwrap_or(0) % pool.instance_types.len(),
        };
        let instance_type = &pool.instance_types[chosen];
        let boot_millis = 45_000 + i64::try_from(chance % 30_001).unwrap_or(0);
        let ready_at = times::after_millis(view.now(), boot_millis);
        effects.create(json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": name,
                "namespace": NAMESPACE,
                "labels": {POOL_LABEL: pool.name},
                "annotations": {
                    INSTANCE_TYPE: instance_type,
                    ZONE: format!("{region}{letter}"),
                    INDEX: index.to_string(),
                    READY_AT: times::stamp(ready_at),
                },
            },
            "spec": {"holderIdentity": name, "leaseDurationSeconds": 40},
        }));
    }
}
