//! The autoscaler's flags, read from its container's command and arguments.

use std::time::Duration;

use crate::autoscaler::group_name;
use crate::pool::Pool;

/// Tags that EKS puts on the Auto Scaling groups of managed node groups.
const ENABLED_TAG: &str = "k8s.io/cluster-autoscaler/enabled";
const CLUSTER_TAG: &str = "k8s.io/cluster-autoscaler/";

/// How a pool is chosen among those that would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expander {
    /// Any.
    Random,
    /// The one that leaves the least CPU and memory unused.
    LeastWaste,
    /// The one that takes the most pods.
    MostPods,
    /// The one that needs the fewest nodes.
    LeastNodes,
}

/// A lower and an upper limit, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub min: i64,
    /// The most.
    pub max: i64,
}

/// The flags that the model knows, with cluster-autoscaler 1.34's defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Flags {
    /// `--cloud-provider`; the model is of `aws`.
    pub cloud_provider: String,
    /// `--expander`, in order.
    pub expanders: Vec<Expander>,
    /// `--scan-interval`.
    pub scan_interval: Duration,
    /// `--new-pod-scale-up-delay`.
    pub new_pod_scale_up_delay: Duration,
    /// `--max-nodes-total`; 0 is no limit.
    pub max_nodes_total: u32,
    /// `--cores-total`.
    pub cores_total: Range,
    /// `--memory-total`, GiB.
    pub memory_total: Range,
    /// `--scale-down-enabled`.
    pub scale_down_enabled: bool,
    /// `--scale-down-unneeded-time`.
    pub scale_down_unneeded_time: Duration,
    /// `--scale-down-delay-after-add`.
    pub scale_down_delay_after_add: Duration,
    /// `--scale-down-delay-after-delete`; 0 is the scan interval.
    pub scale_down_delay_after_delete: Duration,
    /// `--scale-down-utilization-threshold`.
    pub scale_down_utilization_threshold: f64,
    /// `--scale-down-gpu-utilization-threshold`.
    pub scale_down_gpu_utilization_threshold: f64,
    /// `--ignore-daemonsets-utilization`.
    pub ignore_daemonsets_utilization: bool,
    /// `--skip-nodes-with-local-storage`.
    pub skip_nodes_with_local_storage: bool,
    /// `--skip-nodes-with-system-pods`.
    pub skip_nodes_with_system_pods: bool,
    /// `--skip-nodes-with-custom-controller-pods`.
    pub skip_nodes_with_custom_controller_pods: bool,
    /// `--blocking-system-pod-distruption-timeout` (its spelling).
    pub blocking_system_pod_timeout: Duration,
    /// `--max-scale-down-parallelism`.
    pub max_scale_down_parallelism: usize,
    /// `--max-drain-parallelism`.
    pub max_drain_parallelism: usize,
    /// `--enforce-node-group-min-size`.
    pub enforce_node_group_min_size: bool,
    /// `--expendable-pods-priority-cutoff`.
    pub expendable_pods_priority_cutoff: i64,
    /// `--node-group-auto-discovery`: each a list of tags `key` or `key=value` that a group must all have.
    pub discovery: Vec<Vec<(String, Option<String>)>>,
    /// `--nodes`: limits and name of a group.
    pub nodes: Vec<(Range, String)>,
    /// Flags that change nothing here, by name.
    pub ignored: Vec<String>,
    /// Arguments that cluster-autoscaler would refuse to start with: flag and value.
    pub malformed: Vec<String>,
}

impl Default for Flags {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            cloud_provider: "gce".to_owned(),
            expanders: vec![Expander::LeastWaste],
            scan_interval: Duration::from_secs(10),
            new_pod_scale_up_delay: Duration::ZERO,
            max_nodes_total: 0,
            cores_total: Range { min: 0, max: 5000 * 64 },
            memory_total: Range { min: 0, max: 5000 * 64 * 20 },
            scale_down_enabled: true,
            scale_down_unneeded_time: minutes(10),
            scale_down_delay_after_add: minutes(10),
            scale_down_delay_after_delete: Duration::ZERO,
            scale_down_utilization_threshold: 0.5,
            scale_down_gpu_utilization_threshold: 0.5,
            ignore_daemonsets_utilization: false,
            skip_nodes_with_local_storage: true,
            skip_nodes_with_system_pods: true,
            skip_nodes_with_custom_controller_pods: true,
            blocking_system_pod_timeout: minutes(60),
            max_scale_down_parallelism: 10,
            max_drain_parallelism: 1,
            enforce_node_group_min_size: false,
            expendable_pods_priority_cutoff: -10,
            discovery: Vec::new(),
            nodes: Vec::new(),
            ignored: Vec::new(),
            malformed: Vec::new(),
        }
    }
}

/// Flags without a value of their own, which a following word does not belong to.
const SWITCHES: &[&str] = &[
    "alsologtostderr",
    "async-node-groups",
    "aws-use-static-instance-list",
    "balance-similar-node-groups",
    "cordon-node-before-terminating",
    "daemonset-eviction-for-empty-nodes",
    "daemonset-eviction-for-occupied-nodes",
    "debugging-snapshot-enabled",
    "emit-per-nodegroup-metrics",
    "enable-dynamic-resource-allocation",
    "enable-proactive-scaleup",
    "enable-provisioning-requests",
    "enforce-node-group-min-size",
    "force-delete-failed-nodes",
    "force-delete-unregistered-nodes",
    "force-ds",
    "frequent-loops-enabled",
    "ignore-daemonsets-utilization",
    "ignore-mirror-pods-utilization",
    "leader-elect",
    "logtostderr",
    "parallel-scale-up",
    "profiling",
    "record-duplicated-events",
    "regional",
    "scale-down-enabled",
    "scale-down-unready-enabled",
    "scale-up-from-zero",
    "skip-nodes-with-custom-controller-pods",
    "skip-nodes-with-local-storage",
    "skip-nodes-with-system-pods",
    "write-status-configmap",
];

impl Flags {
    /// Reads the words of a container's `command` and `args`: the program first, flags as `--name=value`, `--name value` or
    /// `--name`, with one or two dashes. `None` if the program is not the cluster autoscaler.
    #[must_use]
    pub fn of_command<'w>(words: impl IntoIterator<Item = &'w str>) -> Option<Self> {
        let mut words = words.into_iter().peekable();
        let program = words.next_if(|word| !word.starts_with('-'));
        if program.is_some_and(|program| !program.ends_with("cluster-autoscaler")) {
            return None;
        }
        let mut flags = Self::default();
        while let Some(word) = words.next() {
            let name = word.trim_start_matches('-');
            if name.len() == word.len() {
                flags.malformed.push(word.to_owned());
                continue;
            }
            let (name, value) = match name.split_once('=') {
                Some((name, value)) => (name, value),
                None if SWITCHES.contains(&name) => (name, "true"),
                None => (name, words.next_if(|next| !next.starts_with('-')).unwrap_or("")),
            };
            // Go's flags may be written with underscores; pflag makes them dashes.
            let name = name.replace('_', "-");
            if flags.set(&name, value).is_none() {
                flags.malformed.push(format!("--{name}={value}"));
            }
        }
        Some(flags)
    }

    /// `None` if the value does not suit the flag.
    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "cloud-provider" => self.cloud_provider = value.to_owned(),
            "expander" => {
                self.expanders = value.split(',').map(expander).collect::<Option<_>>()?;
            }
            "scan-interval" => self.scan_interval = duration(value)?,
            "new-pod-scale-up-delay" => self.new_pod_scale_up_delay = duration(value)?,
            "max-nodes-total" => self.max_nodes_total = value.parse().ok()?,
            "cores-total" => self.cores_total = range(value)?,
            "memory-total" => self.memory_total = range(value)?,
            "scale-down-enabled" => self.scale_down_enabled = boolean(value)?,
            "scale-down-unneeded-time" => self.scale_down_unneeded_time = duration(value)?,
            "scale-down-delay-after-add" => self.scale_down_delay_after_add = duration(value)?,
            "scale-down-delay-after-delete" => self.scale_down_delay_after_delete = duration(value)?,
            "scale-down-utilization-threshold" => self.scale_down_utilization_threshold = value.parse().ok()?,
            "scale-down-gpu-utilization-threshold" => self.scale_down_gpu_utilization_threshold = value.parse().ok()?,
            "ignore-daemonsets-utilization" => self.ignore_daemonsets_utilization = boolean(value)?,
            "skip-nodes-with-local-storage" => self.skip_nodes_with_local_storage = boolean(value)?,
            "skip-nodes-with-system-pods" => self.skip_nodes_with_system_pods = boolean(value)?,
            "skip-nodes-with-custom-controller-pods" => {
                self.skip_nodes_with_custom_controller_pods = boolean(value)?;
            }
            "blocking-system-pod-distruption-timeout" => self.blocking_system_pod_timeout = duration(value)?,
            "max-scale-down-parallelism" => self.max_scale_down_parallelism = value.parse().ok()?,
            "max-drain-parallelism" => self.max_drain_parallelism = value.parse().ok()?,
            "enforce-node-group-min-size" => self.enforce_node_group_min_size = boolean(value)?,
            "expendable-pods-priority-cutoff" => self.expendable_pods_priority_cutoff = value.parse().ok()?,
            "node-group-auto-discovery" => self.discovery.push(discovery(value)?),
            "nodes" => {
                let (limits, group) = value.split_once(':').and_then(|(min, rest)| {
                    let (max, group) = rest.split_once(':')?;
                    Some((range(&format!("{min}:{max}"))?, group))
                })?;
                self.nodes.push((limits, group.to_owned()));
            }
            _ => self.ignored.push(name.to_owned()),
        }
        Some(())
    }

    /// The limits of `pool` as the autoscaler sees them, if it manages the pool: named by `--nodes`, or found by the tags that EKS
    /// gives a managed node group of the cluster of this name.
    #[must_use]
    pub fn limits(&self, pool: &Pool, cluster: &str) -> Option<Range> {
        let named = self.nodes.iter().find(|(_, name)| *name == pool.name || *name == group_name(pool));
        if let Some((limits, _)) = named {
            return Some(*limits);
        }
        let has_tag = |key: &str, value: Option<&str>| match key.strip_prefix(CLUSTER_TAG) {
            Some("enabled") => value.is_none_or(|value| value == "true"),
            Some(name) => name == cluster && value.is_none_or(|value| value == "owned"),
            None => false,
        };
        let found = self.discovery.iter().any(|tags| tags.iter().all(|(key, value)| has_tag(key, value.as_deref())));
        found.then(|| Range { min: i64::from(pool.min), max: i64::from(pool.max) })
    }

    /// Why no pool of the cluster of this name is managed, for a message; `None` if discovery would find them.
    #[must_use]
    pub fn why_nothing_is_managed(&self, cluster: &str) -> Option<String> {
        if self.cloud_provider != "aws" {
            return Some(format!("its cloud provider is `{}`, not `aws`", self.cloud_provider));
        }
        if self.discovery.is_empty() && self.nodes.is_empty() {
            return Some("it has neither --node-group-auto-discovery nor --nodes".to_owned());
        }
        let wanted = format!("{CLUSTER_TAG}{cluster}");
        let tags: Vec<&str> = self.discovery.iter().flatten().map(|(key, _)| key.as_str()).collect();
        let other = tags.iter().find(|tag| **tag != ENABLED_TAG && **tag != wanted)?;
        Some(format!("it looks for groups with the tag `{other}`, those of this cluster have `{wanted}`"))
    }
}

fn expander(name: &str) -> Option<Expander> {
    Some(match name {
        "least-waste" => Expander::LeastWaste,
        "most-pods" => Expander::MostPods,
        "least-nodes" => Expander::LeastNodes,
        // What they go by (a ConfigMap, prices of GCE, a server) is not modelled.
        "random" | "priority" | "price" | "grpc" => Expander::Random,
        _ => return None,
    })
}

/// `asg:tag=key,key=value`.
fn discovery(value: &str) -> Option<Vec<(String, Option<String>)>> {
    let tags = value.strip_prefix("asg:tag=").filter(|tags| !tags.is_empty())?;
    let tag = |tag: &str| match tag.split_once('=') {
        Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
        None => (tag.to_owned(), None),
    };
    Some(tags.split(',').map(tag).collect())
}

fn range(value: &str) -> Option<Range> {
    let (min, max) = value.split_once(':')?;
    let range = Range { min: min.parse().ok()?, max: max.parse().ok()? };
    (0 <= range.min && range.min <= range.max).then_some(range)
}

fn boolean(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// A duration as Go's `time.ParseDuration` reads it, without negative ones: `1h30m`, `10s`, `500ms`, `0`.
fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (value, after) = rest.split_at(number);
        let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let factor = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += value.parse::<f64>().ok()? * factor;
        rest = after;
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok())?
}
