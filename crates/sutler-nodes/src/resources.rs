//! Amounts of resources: what a node has, what a pod asks for.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sutler_objects::object::{at, list, text};
use sutler_objects::quantity::Quantity;

/// What the scheduler's scores count for a container that asks for no CPU, millicores.
const SCORED_CPU: i64 = 100;

/// What the scheduler's scores count for a container that asks for no memory, bytes.
const SCORED_MEMORY: i64 = 200 * 1024 * 1024;

/// Amounts by resource, in whole units that can be added and compared exactly.
///
/// The four resources that nearly every pod touches have fields, as in the scheduler's `framework.Resource`; all others
/// (GPUs, huge pages, attachable volumes) are in `extended` by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    /// Thousandths of a core.
    pub cpu: i64,
    /// Bytes.
    pub memory: i64,
    /// Bytes.
    pub ephemeral_storage: i64,
    /// Number of pods; on a pod it is 0, since the scheduler counts pods by themselves.
    pub pods: i64,
    /// Other resources in their own unit.
    pub extended: BTreeMap<String, i64>,
}

impl Resources {
    /// Reads a resource list (`requests`, `limits`, `capacity`…): amounts rounded up to whole units, CPU to millicores. An amount
    /// that is no quantity counts as nothing; the API server lets none in.
    #[must_use]
    pub fn of(list: &Value) -> Self {
        let mut resources = Self::default();
        for (name, quantity) in list.as_object().into_iter().flatten() {
            let Ok(quantity) = Quantity::from_value(quantity) else { continue };
            match name.as_str() {
                "cpu" => resources.cpu = quantity.millis(),
                "memory" => resources.memory = quantity.units(),
                "ephemeral-storage" => resources.ephemeral_storage = quantity.units(),
                "pods" => resources.pods = quantity.units(),
                _ => {
                    resources.extended.insert(name.clone(), quantity.units());
                }
            }
        }
        resources
    }

    /// The resource list of a Node's status: every amount in the form the kubelet writes it.
    #[must_use]
    pub fn to_node_list(&self) -> Value {
        let cpu = if self.cpu % 1000 == 0 { (self.cpu / 1000).to_string() } else { format!("{}m", self.cpu) };
        let bytes = |bytes: i64| if bytes % 1024 == 0 { format!("{}Ki", bytes / 1024) } else { bytes.to_string() };
        let mut list = json!({
            "cpu": cpu,
            "memory": bytes(self.memory),
            "ephemeral-storage": bytes(self.ephemeral_storage),
            "pods": self.pods.to_string(),
        });
        for (name, amount) in &self.extended {
            list[name] = json!(amount.to_string());
        }
        list
    }

    /// Adds each amount.
    pub fn add(&mut self, other: &Self) {
        self.combine(other, i64::saturating_add);
    }

    /// Takes each amount away; the result may be negative where more is used than there is.
    pub fn subtract(&mut self, other: &Self) {
        self.combine(other, i64::saturating_sub);
    }

    /// Raises each amount to the other's.
    pub fn raise_to(&mut self, other: &Self) {
        self.combine(other, i64::max);
    }

    /// Lowers each amount to the other's; what only one of the two has is gone.
    pub fn lower_to(&mut self, other: &Self) {
        self.extended.retain(|name, _| other.extended.contains_key(name));
        let names: Vec<String> = self.extended.keys().cloned().collect();
        let known = Self { extended: BTreeMap::new(), ..other.clone() };
        self.combine(&known, i64::min);
        for name in names {
            let theirs = other.extended.get(&name).copied().unwrap_or(0);
            self.extended.entry(name).and_modify(|ours| *ours = (*ours).min(theirs));
        }
    }

    fn combine(&mut self, other: &Self, with: impl Fn(i64, i64) -> i64) {
        self.cpu = with(self.cpu, other.cpu);
        self.memory = with(self.memory, other.memory);
        self.ephemeral_storage = with(self.ephemeral_storage, other.ephemeral_storage);
        self.pods = with(self.pods, other.pods);
        for (name, amount) in &other.extended {
            let ours = self.extended.entry(name.clone()).or_insert(0);
            *ours = with(*ours, *amount);
        }
    }
}

/// What a pod asks for in all, as `PodRequests` of Kubernetes' component-helpers: containers and sidecars together, or what the
/// greediest init container needs beside the sidecars started before it, whichever is more; pod-level requests in place of
/// those; and the runtime's overhead on top. `spec` is a PodSpec.
#[must_use]
pub fn pod_requests(spec: &Value) -> Resources {
    sum_requests(spec, &Resources::default())
}

/// The same, with [`SCORED_CPU`] and [`SCORED_MEMORY`] for containers that ask for nothing: what the scheduler's scores count.
#[must_use]
pub(crate) fn pod_requests_for_scores(spec: &Value) -> Resources {
    sum_requests(spec, &Resources { cpu: SCORED_CPU, memory: SCORED_MEMORY, ..Resources::default() })
}

fn sum_requests(spec: &Value, missing: &Resources) -> Resources {
    let container_requests = |container: &Value| {
        let list = at(container, &["resources", "requests"]).unwrap_or(&Value::Null);
        let mut requests = Resources::of(list);
        if list.get("cpu").is_none() {
            requests.cpu = missing.cpu;
        }
        if list.get("memory").is_none() {
            requests.memory = missing.memory;
        }
        requests
    };
    let mut total = Resources::default();
    for container in list(spec, &["containers"]) {
        total.add(&container_requests(container));
    }
    let mut sidecars = Resources::default();
    let mut greediest = Resources::default();
    for container in list(spec, &["initContainers"]) {
        let mut requests = container_requests(container);
        if text(container, &["restartPolicy"]) == "Always" {
            total.add(&requests);
            sidecars.add(&requests);
            requests = sidecars.clone();
        } else {
            requests.add(&sidecars);
        }
        greediest.raise_to(&requests);
    }
    total.raise_to(&greediest);
    if let Some(requests) = at(spec, &["resources", "requests"]) {
        let pod_level = Resources::of(requests);
        if requests.get("cpu").is_some() {
            total.cpu = pod_level.cpu;
        }
        if requests.get("memory").is_some() {
            total.memory = pod_level.memory;
        }
        let huge_pages = pod_level.extended.into_iter().filter(|(name, _)| name.starts_with("hugepages-"));
        total.extended.extend(huge_pages);
    }
    if let Some(overhead) = at(spec, &["overhead"]) {
        total.add(&Resources::of(overhead));
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_and_rounded_up() {
        let list = json!({
            "cpu": "1500m", "memory": "1.5Gi", "ephemeral-storage": "1e3", "pods": 110, "nvidia.com/gpu": "1", "a/b": "100u",
            "bad": "much", "worse": "1.2.3", "long": "9".repeat(100),
        });
        let read = Resources::of(&list);
        assert_eq!((read.cpu, read.memory, read.ephemeral_storage, read.pods), (1500, 1_610_612_736, 1000, 110));
        assert_eq!(json!(read.extended), json!({"a/b": 1, "long": i64::MAX, "nvidia.com/gpu": 1}));
        for (text, cpu) in [("0.1", 100), ("100u", 1), ("2", 2000), ("0.0001", 1), ("2e-1", 200), ("1k", 1_000_000)] {
            assert_eq!(Resources::of(&json!({"cpu": text})).cpu, cpu, "{text}");
        }
    }

    #[test]
    fn a_node_list_is_read_back_the_same() {
        let list =
            json!({"cpu": "3920m", "memory": "15000Ki", "ephemeral-storage": "18181869946", "pods": "58", "g/u": "4"});
        assert_eq!(Resources::of(&list).to_node_list(), list);
    }
}
