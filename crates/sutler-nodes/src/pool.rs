//! Node pools: groups of equal nodes that can grow and shrink, and what Kubernetes sees of their nodes.
//!
//! A pool's nodes are marked twice: `sutler.dev/pool=NAME` is always there, and `dedicated: x` adds the label `dedicated=x` and
//! the taint `dedicated=x:NoSchedule`, the pair by which a workload gets nodes of its own.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use thiserror::Error;

use crate::instances::InstanceType;

/// The label that names a node's pool.
pub const POOL_LABEL: &str = "sutler.dev/pool";

/// The key of the label and taint that keep a pool to one kind of workload.
pub const DEDICATED_KEY: &str = "dedicated";

/// How a pool's nodes are paid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capacity {
    /// By the hour, as long as wanted.
    #[default]
    OnDemand,
    /// Cheaper, and taken away with two minutes' notice.
    Spot,
}

impl Capacity {
    /// The value of the label `eks.amazonaws.com/capacityType`.
    #[must_use]
    pub fn eks_label(self) -> &'static str {
        match self {
            Self::OnDemand => "ON_DEMAND",
            Self::Spot => "SPOT",
        }
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnDemand => "on-demand",
            Self::Spot => "spot",
        })
    }
}

/// What a taint does to pods that do not tolerate it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Effect {
    /// They are not scheduled here.
    NoSchedule,
    /// They are scheduled here only if there is nowhere else.
    PreferNoSchedule,
    /// They are not scheduled here, and those here are evicted.
    NoExecute,
}

impl Effect {
    /// Reads Kubernetes' name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "NoSchedule" => Self::NoSchedule,
            "PreferNoSchedule" => Self::PreferNoSchedule,
            "NoExecute" => Self::NoExecute,
            _ => return None,
        })
    }

    /// Kubernetes' name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}

/// A taint. In stack.yaml one entry `key: "value:Effect"` of a map; in Kubernetes an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taint {
    /// A label key.
    pub key: String,
    /// A label value; may be empty.
    pub value: String,
    /// What it does.
    pub effect: Effect,
}

/// A taint's text that is not `value:Effect` or `:Effect`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "taint `{key}` has the value `{text}`, which is not `value:Effect` with NoSchedule, PreferNoSchedule or NoExecute"
)]
pub struct BadTaint {
    /// The taint's key.
    pub key: String,
    /// The text that was found.
    pub text: String,
}

impl Taint {
    /// Reads `value:Effect`, the form of stack.yaml; the value may be left out (`NoSchedule`).
    ///
    /// # Errors
    /// The part after the last colon is not an effect.
    pub fn parse(key: &str, text: &str) -> Result<Self, BadTaint> {
        let (value, effect) = text.rsplit_once(':').unwrap_or(("", text));
        let effect = Effect::parse(effect).ok_or_else(|| BadTaint { key: key.to_owned(), text: text.to_owned() })?;
        Ok(Self { key: key.to_owned(), value: value.to_owned(), effect })
    }

    /// The form in a Node's `spec.taints`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut taint = json!({"key": self.key, "effect": self.effect.as_str()});
        if !self.value.is_empty() {
            taint["value"] = json!(self.value);
        }
        taint
    }

    /// The toleration that lets a pod onto nodes with exactly this taint.
    #[must_use]
    pub fn toleration(&self) -> Value {
        let mut toleration = json!({"key": self.key, "operator": "Equal", "effect": self.effect.as_str()});
        if !self.value.is_empty() {
            toleration["value"] = json!(self.value);
        }
        toleration
    }
}

/// `key=value:Effect`, as kubectl writes taints.
impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value, effect } = self;
        let equals = if value.is_empty() { "" } else { "=" };
        write!(f, "{key}{equals}{value}:{}", effect.as_str())
    }
}

/// A group of equal nodes, as stack.yaml's `cluster.pools` describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pool {
    /// The pool's name, the key in stack.yaml; EKS's node group has the same.
    pub name: String,
    /// Instance types in order of preference.
    pub instance_types: Vec<String>,
    /// The least number of nodes.
    #[serde(default)]
    pub min: u32,
    /// The greatest number of nodes.
    pub max: u32,
    /// How the nodes are paid.
    #[serde(default)]
    pub capacity: Capacity,
    /// Labels of the nodes besides those that every node has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Taints of the nodes besides that of `dedicated`.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "write_taints",
        deserialize_with = "read_taints"
    )]
    pub taints: Vec<Taint>,
    /// Keeps the nodes to workloads that ask for them: label `dedicated=x` and taint `dedicated=x:NoSchedule`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedicated: Option<String>,
    /// Selects existing nodes that stand for this pool, instead of its own labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<BTreeMap<String, String>>,
}

/// What a single node adds to its pool's facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeIdentity<'a> {
    /// The node's name, which is its host name: `ip-10-0-1-23.us-west-2.compute.internal`.
    pub name: &'a str,
    /// Its instance type.
    pub instance: &'a InstanceType,
    /// `us-west-2`.
    pub region: &'a str,
    /// `us-west-2a`.
    pub zone: &'a str,
}

impl Pool {
    /// What a pod's `nodeSelector` must hold to land in this pool: the override if there is one, else the dedicated label, else
    /// [`POOL_LABEL`].
    #[must_use]
    pub fn selector(&self) -> BTreeMap<String, String> {
        match (&self.node_selector, &self.dedicated) {
            (Some(selector), _) => selector.clone(),
            (None, Some(dedicated)) => [(DEDICATED_KEY.to_owned(), dedicated.clone())].into(),
            (None, None) => [(POOL_LABEL.to_owned(), self.name.clone())].into(),
        }
    }

    /// All taints of the nodes, that of `dedicated` first.
    #[must_use]
    pub fn taints(&self) -> Vec<Taint> {
        let dedicated = self.dedicated.iter().map(|value| Taint {
            key: DEDICATED_KEY.to_owned(),
            value: value.clone(),
            effect: Effect::NoSchedule,
        });
        let mut taints: Vec<Taint> = dedicated.collect();
        taints.extend(self.taints.iter().filter(|taint| !taints.contains(taint)).cloned().collect::<Vec<_>>());
        taints
    }

    /// The tolerations a pod needs for all taints of the nodes.
    #[must_use]
    pub fn tolerations(&self) -> Vec<Value> {
        self.taints().iter().map(Taint::toleration).collect()
    }

    /// The labels that every node of the pool has, whatever its type, zone and name.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        labels.insert(POOL_LABEL.to_owned(), self.name.clone());
        if let Some(dedicated) = &self.dedicated {
            labels.insert(DEDICATED_KEY.to_owned(), dedicated.clone());
        }
        labels.insert("eks.amazonaws.com/nodegroup".to_owned(), self.name.clone());
        labels.insert("eks.amazonaws.com/capacityType".to_owned(), self.capacity.eks_label().to_owned());
        labels.insert("kubernetes.io/os".to_owned(), "linux".to_owned());
        labels
    }

    /// The labels of one node, as the kubelet, the cloud provider and EKS set them.
    #[must_use]
    pub fn node_labels(&self, node: NodeIdentity<'_>) -> BTreeMap<String, String> {
        let NodeIdentity { name, instance, region, zone } = node;
        let arch = instance.architecture.as_str();
        let mut labels = self.labels();
        let node_labels = [
            ("beta.kubernetes.io/arch", arch),
            ("beta.kubernetes.io/instance-type", instance.name),
            ("beta.kubernetes.io/os", "linux"),
            ("failure-domain.beta.kubernetes.io/region", region),
            ("failure-domain.beta.kubernetes.io/zone", zone),
            ("kubernetes.io/arch", arch),
            ("kubernetes.io/hostname", name),
            ("node.kubernetes.io/instance-type", instance.name),
            ("topology.ebs.csi.aws.com/zone", zone),
            ("topology.kubernetes.io/region", region),
            ("topology.kubernetes.io/zone", zone),
        ];
        labels.extend(node_labels.map(|(key, value)| (key.to_owned(), value.to_owned())));
        labels
    }
}

/// One taint's text, or several where a key has more than one effect.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum TaintTexts {
    One(String),
    Several(Vec<String>),
}

fn write_taints<S: Serializer>(taints: &[Taint], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for taint in taints {
        let text = format!("{}:{}", taint.value, taint.effect.as_str());
        map.entry(&taint.key).or_default().push(text);
    }
    let texts = map.into_iter().map(|(key, mut texts)| {
        let last = texts.pop().unwrap_or_default();
        if texts.is_empty() {
            return (key, TaintTexts::One(last));
        }
        texts.push(last);
        (key, TaintTexts::Several(texts))
    });
    serializer.collect_map(texts)
}

fn read_taints<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Taint>, D::Error> {
    let map = BTreeMap::<String, TaintTexts>::deserialize(deserializer)?;
    let mut taints = Vec::new();
    for (key, texts) in &map {
        let texts = match texts {
            TaintTexts::One(text) => std::slice::from_ref(text),
            TaintTexts::Several(texts) => texts,
        };
        for text in texts {
            taints.push(Taint::parse(key, text).map_err(D::Error::custom)?);
        }
    }
    Ok(taints)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instances::lookup;

    fn pool(text: &str) -> Pool {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_pool_is_written_as_it_is_read() {
        let text = r#"{"name":"notebooks","instanceTypes":["m6i.2xlarge"],"min":0,"max":4,"capacity":"spot","labels":{"hub.jupyter.org/node-purpose":"user"},"taints":{"hub.jupyter.org/dedicated":"user:NoSchedule","two":["a:NoExecute",":NoSchedule"]}}"#;
        let pool = pool(text);
        assert_eq!(
            pool.taints.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["hub.jupyter.org/dedicated=user:NoSchedule", "two=a:NoExecute", "two:NoSchedule"]
        );
        assert_eq!(serde_json::to_string(&pool).unwrap(), text);
    }

    #[test]
    fn a_taint_without_a_known_effect_is_refused() {
        let error = Taint::parse("dedicated", "ray:Never").unwrap_err().to_string();
        assert_eq!(
            error,
            "taint `dedicated` has the value `ray:Never`, which is not `value:Effect` with NoSchedule, PreferNoSchedule or NoExecute"
        );
        assert!(serde_json::from_str::<Pool>(r#"{"name":"a","instanceTypes":[],"max":1,"colour":"red"}"#).is_err());
    }

    #[test]
    fn a_dedicated_pool_is_selected_by_its_label_and_tolerated_by_its_taint() {
        let pool =
            pool(r#"{"name":"autoscaler","instanceTypes":["m6i.large"],"max":1,"dedicated":"clusterAutoscaler"}"#);
        assert_eq!(pool.selector(), BTreeMap::from([("dedicated".into(), "clusterAutoscaler".into())]));
        assert_eq!(
            json!(pool.tolerations()),
            json!([{"key": "dedicated", "operator": "Equal", "value": "clusterAutoscaler", "effect": "NoSchedule"}])
        );
    }

    #[test]
    fn an_override_selects_existing_nodes() {
        let pool = pool(
            r#"{"name":"ray","instanceTypes":[],"max":1,"dedicated":"ray","nodeSelector":{"kubernetes.io/os":"linux"}}"#,
        );
        assert_eq!(pool.selector(), BTreeMap::from([("kubernetes.io/os".into(), "linux".into())]));
    }

    #[test]
    fn a_node_has_the_labels_of_eks() {
        let pool = pool(r#"{"name":"core","instanceTypes":["m6i.xlarge"],"max":3,"capacity":"on-demand"}"#);
        let labels = pool.node_labels(NodeIdentity {
            name: "ip-10-0-1-23.us-west-2.compute.internal",
            instance: lookup("m6i.xlarge").unwrap(),
            region: "us-west-2",
            zone: "us-west-2a",
        });
        assert_eq!(labels["sutler.dev/pool"], "core");
        assert_eq!(labels["eks.amazonaws.com/capacityType"], "ON_DEMAND");
        assert_eq!(labels["topology.kubernetes.io/zone"], "us-west-2a");
        assert_eq!(labels["kubernetes.io/hostname"], "ip-10-0-1-23.us-west-2.compute.internal");
        assert!(!labels.contains_key("dedicated"));
    }
}
