//! What one pod alone on a node of a pool can ask for.
//!
//! A worker that takes a whole node (Ray's) must ask for what is really left there: less, and money is wasted; more, and it
//! never starts. [`fit`] takes the smallest of the pool's instance types, since any of them may come.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::capacity::{DEFAULT_ROOT_VOLUME_GIB, node_capacity};
use crate::daemons::{Daemon, daemon_on_node, daemon_pod, eks_daemon_sets};
use crate::instances::{InstanceType, UnknownInstanceType, lookup};
use crate::node::template_node;
use crate::pool::Pool;
use crate::resources::{Resources, pod_requests};

const MIB: i64 = 1024 * 1024;

/// CPU is offered in steps of so many millicores, memory in MiB: round numbers that still fit.
const CPU_STEP: i64 = 10;

/// What one pod alone on a node can ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fit {
    /// Millicores.
    pub cpu: i64,
    /// Bytes, whole MiB.
    pub memory: i64,
    /// NVIDIA GPUs.
    pub gpus: i64,
    /// Where the memory of the smallest type goes.
    pub breakdown: Breakdown,
}

/// Where a node's memory goes, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Breakdown {
    /// The instance type with the least memory for pods.
    pub instance_type: String,
    /// As advertised.
    pub advertised: i64,
    /// Never seen by Linux.
    pub hardware: i64,
    /// Set aside for the kubelet, and kept free by eviction.
    pub kubelet: i64,
    /// Asked for by DaemonSets.
    pub daemon_sets: i64,
}

/// Why there is no fit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FitError {
    /// The pool has no instance types: it stands for nodes that exist, whose size only the cluster knows.
    #[error("pool `{pool}` names no instance type")]
    NoInstanceTypes {
        /// The pool's name.
        pool: String,
    },
    /// An instance type is not in the table.
    #[error(transparent)]
    Unknown(#[from] UnknownInstanceType),
    /// DaemonSets alone are too much for the node.
    #[error("on `{instance_type}` of pool `{pool}` the DaemonSets leave nothing for pods")]
    NothingLeft {
        /// The pool's name.
        pool: String,
        /// The instance type.
        instance_type: String,
    },
}

/// The fit of a pool whose nodes run EKS's DaemonSets and those of the stack that choose them (`daemon_sets`, DaemonSet objects).
///
/// # Errors
/// No or unknown instance types, or nothing is left for pods.
pub fn fit(pool: &Pool, daemon_sets: &[Value]) -> Result<Fit, FitError> {
    let mut fit: Option<Fit> = None;
    for name in &pool.instance_types {
        let instance = lookup(name)?;
        let of_type = fit_of_type(pool, instance, daemon_sets)?;
        fit = Some(match fit {
            None => of_type,
            Some(so_far) => {
                let (cpu, gpus) = (so_far.cpu.min(of_type.cpu), so_far.gpus.min(of_type.gpus));
                let smaller = if of_type.memory < so_far.memory { of_type } else { so_far };
                Fit { cpu, gpus, ..smaller }
            }
        });
    }
    fit.ok_or_else(|| FitError::NoInstanceTypes { pool: pool.name.clone() })
}

fn fit_of_type(pool: &Pool, instance: &InstanceType, daemon_sets: &[Value]) -> Result<Fit, FitError> {
    let node = template_node(pool, instance, "us-west-2a", 0);
    let mut daemons = Resources::default();
    for daemon_set in eks_daemon_sets().iter().chain(daemon_sets) {
        if daemon_on_node(daemon_set, &node) == Daemon::Runs {
            daemons.add(&pod_requests(&daemon_pod(daemon_set, "")["spec"]));
        }
    }
    let capacity = node_capacity(instance, DEFAULT_ROOT_VOLUME_GIB);
    let mut left = capacity.allocatable.clone();
    left.subtract(&daemons);
    let (cpu, memory) = (left.cpu / CPU_STEP * CPU_STEP, left.memory / MIB * MIB);
    if cpu <= 0 || memory <= 0 {
        return Err(FitError::NothingLeft { pool: pool.name.clone(), instance_type: instance.name.to_owned() });
    }
    Ok(Fit {
        cpu,
        memory,
        gpus: left.extended.get("nvidia.com/gpu").copied().unwrap_or(0),
        breakdown: Breakdown {
            instance_type: instance.name.to_owned(),
            advertised: capacity.advertised_memory,
            hardware: capacity.hardware_memory,
            kubelet: capacity.kubelet_memory + capacity.eviction_memory,
            daemon_sets: daemons.memory,
        },
    })
}

impl Fit {
    /// CPU as a Kubernetes quantity: `15`, `15710m`.
    #[must_use]
    pub fn cpu_quantity(&self) -> String {
        if self.cpu % 1000 == 0 { (self.cpu / 1000).to_string() } else { format!("{}m", self.cpu) }
    }

    /// Memory as a Kubernetes quantity in Mi.
    #[must_use]
    pub fn memory_quantity(&self) -> String {
        format!("{}Mi", self.memory / MIB)
    }

    /// `15.7 CPU, 58.4 GiB`, both rounded down.
    #[must_use]
    pub fn summary(&self) -> String {
        let tenths = self.cpu / 100;
        let cpu = if tenths % 10 == 0 { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) };
        let gpus = match self.gpus {
            0 => String::new(),
            1 => ", 1 GPU".to_owned(),
            gpus => format!(", {gpus} GPUs"),
        };
        format!("{cpu} CPU, {} GiB{gpus}", gib(self.memory, Rounding::Down))
    }

    /// The node's memory and where it goes: `m6i.4xlarge has 64 GiB, of which pods get 58.4 GiB (hardware 2.5, kubelet 2.9,
    /// DaemonSets 0.2)`. Parts are rounded up, what pods get is rounded down.
    #[must_use]
    pub fn explain(&self) -> String {
        let Breakdown { instance_type, advertised, hardware, kubelet, daemon_sets } = &self.breakdown;
        format!(
            "{instance_type} has {} GiB, of which pods get {} GiB (hardware {}, kubelet {}, DaemonSets {})",
            gib(*advertised, Rounding::Down),
            gib(self.memory, Rounding::Down),
            gib(*hardware, Rounding::Up),
            gib(*kubelet, Rounding::Up),
            gib(*daemon_sets, Rounding::Up),
        )
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())
    }
}

enum Rounding {
    Down,
    Up,
}

/// GiB with one decimal, left out where it is zero.
fn gib(bytes: i64, rounding: Rounding) -> String {
    let gib = 1024 * MIB;
    let tenths = match rounding {
        Rounding::Down => bytes * 10 / gib,
        Rounding::Up => (bytes * 10 + gib - 1) / gib,
    };
    if tenths % 10 == 0 { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pool(instance_types: &[&str]) -> Pool {
        Pool {
            name: "ray".into(),
            instance_types: instance_types.iter().map(ToString::to_string).collect(),
            max: 8,
            dedicated: Some("ray".into()),
            ..Pool::default()
        }
    }

    #[test]
    fn a_fit_explains_where_memory_goes() {
        let fit = fit(&pool(&["m6i.4xlarge"]), &[]).unwrap();
        assert_eq!(
            fit.explain(),
            "m6i.4xlarge has 64 GiB, of which pods get 58.5 GiB (hardware 2.5, kubelet 2.9, DaemonSets 0.2)"
        );
        assert_eq!((fit.summary().as_str(), fit.cpu_quantity().as_str()), ("15.7 CPU, 58.5 GiB", "15710m"));
        assert_eq!(fit.memory_quantity(), "59961Mi");
    }

    #[test]
    fn the_smallest_of_several_types_counts() {
        let both = fit(&pool(&["m6i.4xlarge", "m6a.4xlarge"]), &[]).unwrap();
        assert_eq!(both.breakdown.instance_type, "m6a.4xlarge");
        // CPU of the one, memory of the other.
        let mixed = fit(&pool(&["c6i.4xlarge", "r6i.xlarge"]), &[]).unwrap();
        assert_eq!(mixed.breakdown.instance_type, "c6i.4xlarge");
        assert_eq!(mixed.cpu, 3920 - 180);
    }

    #[test]
    fn a_daemon_set_of_the_stack_counts_where_it_runs() {
        let daemon_set = |tolerations: Value| {
            json!({"spec": {"template": {"spec": {
                "containers": [{"name": "logs", "resources": {"requests": {"cpu": "200m", "memory": "256Mi"}}}],
                "tolerations": tolerations,
            }}}})
        };
        let alone = fit(&pool(&["m6i.4xlarge"]), &[]).unwrap();
        let beside = fit(&pool(&["m6i.4xlarge"]), &[daemon_set(json!([{"operator": "Exists"}]))]).unwrap();
        assert_eq!((alone.cpu - beside.cpu, alone.memory - beside.memory), (200, 256 * MIB));
        assert_eq!(fit(&pool(&["m6i.4xlarge"]), &[daemon_set(json!([]))]).unwrap(), alone);
    }

    #[test]
    fn gpus_are_counted() {
        assert_eq!(fit(&pool(&["g5.12xlarge"]), &[]).unwrap().summary(), "47.6 CPU, 177.5 GiB, 4 GPUs");
    }

    #[test]
    fn there_is_no_fit_without_a_known_type_or_without_room() {
        assert_eq!(fit(&pool(&[]), &[]).unwrap_err().to_string(), "pool `ray` names no instance type");
        assert!(
            matches!(fit(&pool(&["m6i.8xlarg"]), &[]), Err(FitError::Unknown(error)) if error.suggestion == Some("m6i.8xlarge"))
        );
        let error = fit(&pool(&["t3.nano"]), &[]).unwrap_err().to_string();
        assert_eq!(error, "on `t3.nano` of pool `ray` the DaemonSets leave nothing for pods");
    }
}
