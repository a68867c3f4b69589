//! The cluster autoscaler's decisions: which pool grows for pods that wait, which nodes are no longer needed.
//!
//! Mirrors cluster-autoscaler 1.34 on AWS, as far as node groups of one instance size go:
//!
//! | part | modelled |
//! | --- | --- |
//! | flags | those in [`Flags`]; all others are taken and listed, and change nothing |
//! | which pools it manages | `--node-group-auto-discovery` by EKS's tags, `--nodes` by name |
//! | scale-up | template node of each pool with its DaemonSets, first-fit decreasing, one pool a round |
//! | expanders | `least-waste`, `random`, `most-pods`, `least-nodes`, and chains of them; `priority` and `price` choose at random |
//! | limits | pool maximum, `--max-nodes-total`, `--cores-total`, `--memory-total` |
//! | scale-down | utilisation, rules of what may be moved, PodDisruptionBudgets, room elsewhere, pool minimum |
//! | similar groups, provisioning requests, backoff after failures | no |
//!
//! It holds no state and reads no clock: who calls it keeps since when a node is unneeded.

mod deployment;
mod flags;
mod scale_down;
mod scale_up;

#[cfg(test)]
mod tests;

pub use deployment::{Running, running};
pub use flags::{Expander, Flags, Range};
pub use scale_down::{Candidate, Judgement, Needed, PodReason, ScaleDown, scale_down};
pub use scale_up::{Group, Growth, NoGrowth, ScaleUp, ScaleUpPlan, scale_up, would_take};

use crate::pool::Pool;

/// The name of a pool's Auto Scaling group, as events show it.
#[must_use]
pub fn group_name(pool: &Pool) -> String {
    format!("eks-{}", pool.name)
}

/// A pod's namespace and name.
pub type PodKey = (String, String);
