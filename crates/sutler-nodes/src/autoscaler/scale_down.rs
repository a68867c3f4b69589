//! Scale-down: which nodes are not needed, because their pods may be moved and fit elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use sutler_objects::object::{annotation, at, integer, list, text};
use sutler_objects::selector::LabelSelector;

use crate::autoscaler::{Flags, PodKey};
use crate::resources::Resources;
use crate::scheduler::{NodeFacts, PodFacts, Snapshot, first_fit};

const SAFE_TO_EVICT: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict";
const SAFE_LOCAL_VOLUMES: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
const SCALE_DOWN_DISABLED: &str = "cluster-autoscaler.kubernetes.io/scale-down-disabled";

/// A node that might go.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'i> {
    /// The node's name.
    pub node: &'i str,
    /// Its pool's name.
    pub pool: &'i str,
}

/// What a round of scale-down looks at.
#[derive(Clone, Copy)]
pub struct ScaleDown<'i, 'a> {
    /// All nodes with their pods.
    pub snapshot: &'i Snapshot<'a>,
    /// The registered nodes of managed pools.
    pub candidates: &'i [Candidate<'i>],
    /// How many nodes each managed pool may lose before it is at its minimum, by pool.
    pub spare: &'i BTreeMap<&'i str, u32>,
    /// All PodDisruptionBudgets.
    pub budgets: &'i [&'i Value],
    /// The autoscaler's flags.
    pub flags: &'i Flags,
    /// Seconds since a pod was made.
    pub pod_age: &'i dyn Fn(&PodFacts<'_>) -> u64,
}

/// Why a node stays.
#[derive(Debug, Clone, PartialEq)]
pub enum Needed {
    /// The pool is at its minimum.
    PoolMinimum,
    /// Its annotation says so.
    Annotation,
    /// Too much of it is asked for.
    Utilization {
        /// The resource asked for most: `cpu`, `memory`, `nvidia.com/gpu`.
        resource: String,
        /// The share of it, from 0 to 1 and above.
        share: f64,
    },
    /// A pod may not be moved.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Why.
        reason: PodReason,
    },
}

/// Why a pod may not be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodReason {
    /// Nobody would make it again.
    NotReplicated,
    /// It belongs to the system, and no budget says that it may go.
    System,
    /// Its annotation says so.
    Annotation,
    /// It keeps data on the node.
    LocalStorage,
    /// A PodDisruptionBudget allows no more.
    Budget,
    /// No other node takes it.
    NoPlace,
}

impl fmt::Display for PodReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotReplicated => "nobody would make it again",
            Self::System => "it is of kube-system and no PodDisruptionBudget says that it may move",
            Self::Annotation => "its annotation says that it is not safe to evict",
            Self::LocalStorage => "it keeps data on the node",
            Self::Budget => "a PodDisruptionBudget allows no disruption",
            Self::NoPlace => "no other node takes it",
        })
    }
}

impl fmt::Display for Needed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PoolMinimum => f.write_str("its pool is at the minimum"),
            Self::Annotation => f.write_str("its annotation disables scale-down"),
            Self::Utilization { resource, share } => write!(f, "{:.0} % of its {resource} is asked for", share * 100.0),
            Self::Pod { namespace, name, reason } => write!(f, "pod {namespace}/{name} stays: {reason}"),
        }
    }
}

/// Whether a node may go: the pods to be moved first, or why it is needed.
pub type Judgement = Result<Vec<PodKey>, Needed>;

/// For each candidate, in order: `Ok` with the pods to be moved if it is not needed, or why it is.
///
/// Empty nodes are looked at first; a node that is found unneeded is gone for those after it, and its pods are counted where they
/// would go.
#[must_use]
pub fn scale_down(input: &ScaleDown<'_, '_>) -> Vec<Judgement> {
    let mut snapshot = input.snapshot.clone();
    let mut spare = input.spare.clone();
    let mut verdicts: Vec<Option<Judgement>> = vec![None; input.candidates.len()];
    let is_empty = |candidate: &Candidate<'_>| {
        input.snapshot.node(candidate.node).is_some_and(|node| node.pods.iter().all(|pod| stays_behind(pod)))
    };
    let (empty, others): (Vec<usize>, Vec<usize>) =
        (0..input.candidates.len()).partition(|index| is_empty(&input.candidates[*index]));
    for index in empty.into_iter().chain(others) {
        let Candidate { node, pool } = input.candidates[index];
        let left = spare.entry(pool).or_default();
        let verdict = match snapshot.node(node) {
            None => continue,
            Some(_) if *left == 0 => Err(Needed::PoolMinimum),
            Some(facts) => check_node(input, facts),
        };
        let verdict = verdict.and_then(|pods| move_away(&mut snapshot, node, pods));
        if verdict.is_ok() {
            *left -= 1;
        }
        verdicts[index] = Some(verdict);
    }
    verdicts.into_iter().map(|verdict| verdict.unwrap_or(Err(Needed::PoolMinimum))).collect()
}

/// The pods that must move for the node to go, unless a rule keeps it.
fn check_node<'a>(input: &ScaleDown<'_, '_>, node: &NodeFacts<'a>) -> Result<Vec<Arc<PodFacts<'a>>>, Needed> {
    if annotation(node.object, SCALE_DOWN_DISABLED) == Some("true") {
        return Err(Needed::Annotation);
    }
    check_utilization(input.flags, node)?;
    let mut moving = Vec::new();
    for pod in node.pods.iter().filter(|pod| !stays_behind(pod)) {
        if let Some(reason) = blocks(input, pod) {
            return Err(Needed::Pod { namespace: pod.namespace().into(), name: pod.name().into(), reason });
        }
        moving.push(Arc::clone(pod));
    }
    Ok(moving)
}

/// As `utilization.Calculate`: of GPUs alone on a node that has them, else the greater of CPU and memory.
fn check_utilization(flags: &Flags, node: &NodeFacts<'_>) -> Result<(), Needed> {
    let mut used = Resources::default();
    let mut daemons = Resources::default();
    for pod in &node.pods {
        let sum = if flags.ignore_daemonsets_utilization && is_daemon(pod) { &mut daemons } else { &mut used };
        sum.add(&pod.requests);
    }
    let mut whole = node.allocatable.clone();
    whole.subtract(&daemons);
    #[expect(clippy::cast_precision_loss, reason = "a share to compare with a threshold")]
    let share = |part: i64, whole: i64| if whole <= 0 { 0.0 } else { part as f64 / whole as f64 };
    let gpu = "nvidia.com/gpu";
    let of = |resources: &Resources| resources.extended.get(gpu).copied().unwrap_or(0);
    let (resource, used, threshold) = if of(&whole) > 0 {
        (gpu, share(of(&used), of(&whole)), flags.scale_down_gpu_utilization_threshold)
    } else {
        let cpu = share(used.cpu, whole.cpu);
        let memory = share(used.memory, whole.memory);
        let (resource, most) = if cpu > memory { ("cpu", cpu) } else { ("memory", memory) };
        (resource, most, flags.scale_down_utilization_threshold)
    };
    if used >= threshold {
        return Err(Needed::Utilization { resource: resource.to_owned(), share: used });
    }
    Ok(())
}

/// Whether a pod goes with its node: DaemonSets' and static pods, and those that are ending anyway.
fn stays_behind(pod: &PodFacts<'_>) -> bool {
    is_daemon(pod) || annotation(pod.object, "kubernetes.io/config.mirror").is_some() || pod.is_terminating()
}

fn is_daemon(pod: &PodFacts<'_>) -> bool {
    controller(pod).is_some_and(|(kind, _)| kind == "DaemonSet")
}

fn controller<'a>(pod: &PodFacts<'a>) -> Option<(&'a str, &'a str)> {
    let owners = list(pod.object, &["metadata", "ownerReferences"]);
    let owner = owners.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))?;
    Some((text(owner, &["kind"]), text(owner, &["name"])))
}

/// The rule that keeps a pod where it is, in the order of `drainability/rules`.
fn blocks(input: &ScaleDown<'_, '_>, pod: &PodFacts<'_>) -> Option<PodReason> {
    let flags = input.flags;
    let safe_to_evict = annotation(pod.object, SAFE_TO_EVICT);
    if safe_to_evict == Some("true") {
        return None;
    }
    let replicated = match controller(pod) {
        None => false,
        Some((kind, _)) if flags.skip_nodes_with_custom_controller_pods => {
            matches!(kind, "ReplicationController" | "Job" | "ReplicaSet" | "StatefulSet")
        }
        Some(_) => true,
    };
    if !replicated {
        return Some(PodReason::NotReplicated);
    }
    let has_budget = budgets(input, pod).next().is_some();
    let old_enough = (input.pod_age)(pod) > flags.blocking_system_pod_timeout.as_secs();
    if flags.skip_nodes_with_system_pods && pod.namespace() == "kube-system" && !has_budget && !old_enough {
        return Some(PodReason::System);
    }
    if safe_to_evict == Some("false") {
        return Some(PodReason::Annotation);
    }
    if flags.skip_nodes_with_local_storage && has_local_storage(pod.object) {
        return Some(PodReason::LocalStorage);
    }
    let spent = budgets(input, pod).any(|budget| integer(budget, &["status", "disruptionsAllowed"]).unwrap_or(0) < 1);
    spent.then_some(PodReason::Budget)
}

fn budgets<'i>(input: &ScaleDown<'i, '_>, pod: &PodFacts<'_>) -> impl Iterator<Item = &'i Value> {
    input.budgets.iter().copied().filter(move |budget| {
        let selector = at(budget, &["spec", "selector"]).and_then(|s| LabelSelector::from_object(s).ok().flatten());
        text(budget, &["metadata", "namespace"]) == pod.namespace()
            && selector.is_some_and(|selector| selector.matches(pod.labels()))
    })
}

/// Directories of the node that are not in memory, unless the pod's annotation names the volume as safe.
fn has_local_storage(pod: &Value) -> bool {
    let safe: Vec<&str> = annotation(pod, SAFE_LOCAL_VOLUMES).unwrap_or("").split(',').map(str::trim).collect();
    list(pod, &["spec", "volumes"]).iter().any(|volume| {
        let on_node = volume.get("hostPath").is_some_and(|path| !path.is_null());
        let on_disk = volume.get("emptyDir").is_some_and(|dir| text(dir, &["medium"]) != "Memory");
        (on_node || on_disk) && !safe.contains(&text(volume, &["name"]))
    })
}

/// Places the pods on other nodes and takes the node away, or says which pod finds no place; then nothing has changed.
fn move_away<'a>(snapshot: &mut Snapshot<'a>, node: &str, pods: Vec<Arc<PodFacts<'a>>>) -> Judgement {
    let mut trial = snapshot.clone();
    trial.remove_node(node);
    let mut moved = Vec::new();
    for pod in pods {
        // Where it runs must not bind it to the node that goes.
        let mut free = (*pod).clone();
        free.is_placed_anew = true;
        let place = first_fit(&free, &trial, |_| true);
        let (namespace, name) = (pod.namespace().to_owned(), pod.name().to_owned());
        match place {
            Some(place) => trial.place(pod, place),
            None => return Err(Needed::Pod { namespace, name, reason: PodReason::NoPlace }),
        }
        moved.push((namespace, name));
    }
    *snapshot = trial;
    Ok(moved)
}
