//! What the scheduler reads of a pod.

use std::cmp::Ordering;

use serde_json::{Map, Value};
use sutler_objects::object::{self, at, list, text};
use sutler_objects::selector::{LabelSelector, Operator, Requirement};

use crate::pool::Effect;
use crate::resources::{Resources, pod_requests, pod_requests_for_scores};

/// A pod as the scheduler sees it: its object, read once.
#[derive(Debug, Clone)]
pub struct PodFacts<'a> {
    /// The Pod.
    pub object: &'a Value,
    /// Its namespace, labels and whether it is being deleted: looked at so often that they are read once.
    namespace: &'a str,
    labels: Option<&'a Map<String, Value>>,
    is_terminating: bool,
    /// What it asks for, as [`pod_requests`].
    pub requests: Resources,
    /// The same with 100 millicores and 200 MiB for containers that ask for nothing: `NonZeroRequested`.
    pub requests_for_scores: Resources,
    /// `spec.priority`.
    pub priority: i64,
    /// `spec.nodeSelector` and the required node affinity: `None` where anything goes.
    pub node_selector: Vec<Requirement>,
    /// Required node affinity: one of these terms must match. `None` without such affinity.
    pub node_terms: Option<Vec<NodeTerm>>,
    /// Preferred node affinity, by weight.
    pub preferred_node_terms: Vec<(i64, NodeTerm)>,
    /// `spec.tolerations`.
    pub tolerations: Vec<Toleration>,
    /// Required pod affinity.
    pub affinity: Vec<PodTerm>,
    /// Required pod anti-affinity.
    pub anti_affinity: Vec<PodTerm>,
    /// Preferred pod affinity, by weight.
    pub preferred_affinity: Vec<(i64, PodTerm)>,
    /// Preferred pod anti-affinity, by weight.
    pub preferred_anti_affinity: Vec<(i64, PodTerm)>,
    /// Topology spread that must hold.
    pub spread: Vec<SpreadConstraint>,
    /// Topology spread that is wished for.
    pub preferred_spread: Vec<SpreadConstraint>,
    /// Ports taken on the node.
    pub host_ports: Vec<HostPort>,
    /// Selector of the Services and owners of the pod, by which it is spread when it has no constraints of its own
    /// (`helper.DefaultSelector`). Set by the caller; `None` spreads nothing.
    pub default_spread: Option<LabelSelector>,
    /// Node affinity of the volumes that its claims are bound to. Set by the caller.
    pub volume_terms: Vec<Vec<NodeTerm>>,
    /// Whether the node it is bound to does not count: asks where it would go if it were made again. Set by the caller.
    pub is_placed_anew: bool,
    /// Why its claims keep it from every node (`persistentvolumeclaim "x" not found`). Set by the caller.
    pub blocked_by: Option<String>,
}

/// A toleration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toleration {
    /// Empty matches every key.
    pub key: String,
    /// Whether any value will do (`operator: Exists`).
    pub any_value: bool,
    /// The value that will do.
    pub value: String,
    /// `None` matches every effect.
    pub effect: Option<Effect>,
}

/// One term of node affinity: all its requirements must hold. A term without requirements matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeTerm {
    /// On labels.
    pub labels: Vec<Requirement>,
    /// On fields; there is only `metadata.name`.
    pub fields: Vec<Requirement>,
    /// Whether it holds something that cannot be read, and so matches nothing.
    pub is_invalid: bool,
}

/// One term of pod affinity or anti-affinity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodTerm {
    /// The label whose value makes nodes one place.
    pub topology_key: String,
    /// Namespaces by name.
    pub namespaces: Vec<String>,
    /// Namespaces by label; `None` selects none.
    pub namespace_selector: Option<LabelSelector>,
    /// Pods; `None` selects none.
    pub selector: Option<LabelSelector>,
}

/// A topology spread constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpreadConstraint {
    /// The greatest difference between places.
    pub max_skew: i64,
    /// The label whose value makes nodes one place.
    pub topology_key: String,
    /// Pods that count; `None` selects none.
    pub selector: Option<LabelSelector>,
    /// With fewer places than this the emptiest counts as empty.
    pub min_domains: i64,
    /// Whether only nodes count that the pod's node affinity allows.
    pub honors_affinity: bool,
    /// Whether only nodes count whose taints the pod tolerates.
    pub honors_taints: bool,
}

/// A port that a pod takes on its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// Empty and `0.0.0.0` are all addresses.
    pub address: String,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// The port.
    pub port: i64,
}

impl<'a> PodFacts<'a> {
    /// Reads a Pod. What cannot be read counts as the real scheduler counts it: a malformed affinity term matches nothing.
    #[must_use]
    pub fn of(pod: &'a Value) -> Self {
        let spec = at(pod, &["spec"]).unwrap_or(&Value::Null);
        let node_affinity = |path: &str| at(spec, &["affinity", "nodeAffinity", path]);
        let required = "requiredDuringSchedulingIgnoredDuringExecution";
        let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
        let pod_terms = |kind: &str| -> Vec<PodTerm> {
            list(spec, &["affinity", kind, required]).iter().map(|term| PodTerm::of(term, pod)).collect()
        };
        let weighted_pod_terms = |kind: &str| -> Vec<(i64, PodTerm)> {
            let terms = list(spec, &["affinity", kind, preferred]).iter();
            let weight = |term: &Value| object::integer(term, &["weight"]).unwrap_or(0);
            terms.map(|term| (weight(term), PodTerm::of(&term["podAffinityTerm"], pod))).collect()
        };
        let spreads = |wanted: &str| -> Vec<SpreadConstraint> {
            let constraints = list(spec, &["topologySpreadConstraints"]).iter();
            constraints
                .filter(|constraint| text(constraint, &["whenUnsatisfiable"]) == wanted)
                .map(|constraint| SpreadConstraint::of(constraint, pod))
                .collect()
        };
        let selector = at(spec, &["nodeSelector"]).and_then(Value::as_object);
        Self {
            object: pod,
            namespace: object::namespace(pod),
            labels: object::labels(pod),
            is_terminating: at(pod, &["metadata", "deletionTimestamp"]).is_some(),
            requests: pod_requests(spec),
            requests_for_scores: pod_requests_for_scores(spec),
            priority: object::integer(spec, &["priority"]).unwrap_or(0),
            node_selector: selector.map(|labels| LabelSelector::from_labels(labels).requirements).unwrap_or_default(),
            node_terms: node_affinity(required)
                .map(|affinity| list(affinity, &["nodeSelectorTerms"]).iter().map(NodeTerm::of).collect()),
            preferred_node_terms: node_affinity(preferred)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(|term| (object::integer(term, &["weight"]).unwrap_or(0), NodeTerm::of(&term["preference"])))
                .collect(),
            tolerations: list(spec, &["tolerations"]).iter().map(Toleration::of).collect(),
            affinity: pod_terms("podAffinity"),
            anti_affinity: pod_terms("podAntiAffinity"),
            preferred_affinity: weighted_pod_terms("podAffinity"),
            preferred_anti_affinity: weighted_pod_terms("podAntiAffinity"),
            spread: spreads("DoNotSchedule"),
            preferred_spread: spreads("ScheduleAnyway"),
            host_ports: host_ports(spec),
            default_spread: None,
            volume_terms: Vec::new(),
            blocked_by: None,
            is_placed_anew: false,
        }
    }

    /// `metadata.name`.
    #[must_use]
    pub fn name(&self) -> &'a str {
        object::name(self.object)
    }

    /// `metadata.namespace`.
    #[must_use]
    pub fn namespace(&self) -> &'a str {
        self.namespace
    }

    /// `metadata.labels`.
    #[must_use]
    pub fn labels(&self) -> Option<&'a Map<String, Value>> {
        self.labels
    }

    /// `spec.nodeName`, empty while it has none or where that does not count.
    #[must_use]
    pub fn node_name(&self) -> &'a str {
        if self.is_placed_anew {
            return "";
        }
        text(self.object, &["spec", "nodeName"])
    }

    /// Whether it is being deleted.
    #[must_use]
    pub fn is_terminating(&self) -> bool {
        self.is_terminating
    }

    /// Whether it has any say about which pods it runs beside.
    pub(super) fn has_affinity(&self) -> bool {
        !(self.affinity.is_empty()
            && self.anti_affinity.is_empty()
            && self.preferred_affinity.is_empty()
            && self.preferred_anti_affinity.is_empty())
    }

    /// Whether scheduling gates hold it back.
    #[must_use]
    pub fn is_gated(&self) -> bool {
        !list(self.object, &["spec", "schedulingGates"]).is_empty()
    }

    /// Whether `spec.preemptionPolicy` is `Never`.
    #[must_use]
    pub fn never_preempts(&self) -> bool {
        text(self.object, &["spec", "preemptionPolicy"]) == "Never"
    }

    /// The order in which waiting pods are taken: higher priority first, then the one made earlier, as `PrioritySort`; then by
    /// namespace and name, so that it is total.
    #[must_use]
    pub fn queue_order(&self, other: &Self) -> Ordering {
        let created = |pod: &Self| text(pod.object, &["metadata", "creationTimestamp"]);
        other
            .priority
            .cmp(&self.priority)
            .then_with(|| created(self).cmp(created(other)))
            .then_with(|| (self.namespace(), self.name()).cmp(&(other.namespace(), other.name())))
    }

    /// Whether the pod's nodeSelector and required node affinity allow a node of these labels and name.
    #[must_use]
    pub fn allows_node(&self, labels: Option<&Map<String, Value>>, name: &str) -> bool {
        let value = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
        self.node_selector.iter().all(|requirement| requirement.matches(value(&requirement.key)))
            && self.node_terms.as_ref().is_none_or(|terms| terms.iter().any(|term| term.matches(labels, name)))
    }
}

/// Whether one of the tolerations covers a taint, as `TolerationsTolerateTaint`.
#[must_use]
pub fn tolerate(tolerations: &[Toleration], key: &str, value: &str, effect: Effect) -> bool {
    tolerations.iter().any(|toleration| {
        toleration.effect.is_none_or(|tolerated| tolerated == effect)
            && (toleration.key.is_empty() || toleration.key == key)
            && (toleration.any_value || toleration.value == value)
    })
}

impl Toleration {
    fn of(toleration: &Value) -> Self {
        Self {
            key: text(toleration, &["key"]).to_owned(),
            any_value: text(toleration, &["operator"]) == "Exists",
            value: text(toleration, &["value"]).to_owned(),
            effect: Effect::parse(text(toleration, &["effect"])),
        }
    }
}

impl NodeTerm {
    /// Reads one of `nodeSelectorTerms`.
    #[must_use]
    pub fn of(term: &Value) -> Self {
        let mut read = Self::default();
        for expression in list(term, &["matchExpressions"]) {
            match requirement(expression) {
                Some(requirement) => read.labels.push(requirement),
                None => read.is_invalid = true,
            }
        }
        for expression in list(term, &["matchFields"]) {
            match requirement(expression) {
                Some(requirement) if requirement.key == "metadata.name" => read.fields.push(requirement),
                _ => read.is_invalid = true,
            }
        }
        read
    }

    /// Whether a node of these labels and name is meant.
    #[must_use]
    pub fn matches(&self, labels: Option<&Map<String, Value>>, name: &str) -> bool {
        let value = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
        let is_empty = self.labels.is_empty() && self.fields.is_empty();
        !(self.is_invalid || is_empty)
            && self.labels.iter().all(|requirement| requirement.matches(value(&requirement.key)))
            && self.fields.iter().all(|requirement| requirement.matches(Some(name)))
    }

    /// The names of the only nodes that the term can match, if it names them.
    pub(super) fn names(&self) -> Option<Vec<&str>> {
        let mut names: Option<Vec<&str>> = None;
        for requirement in &self.fields {
            let Operator::In(values) = &requirement.operator else { continue };
            names = Some(match names {
                None => values.iter().map(String::as_str).collect(),
                Some(names) => names.into_iter().filter(|name| values.iter().any(|value| value == name)).collect(),
            });
        }
        names
    }
}

fn requirement(expression: &Value) -> Option<Requirement> {
    let values: Vec<String> =
        list(expression, &["values"]).iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let number = || values.first().and_then(|value| value.parse().ok());
    let operator = match text(expression, &["operator"]) {
        "In" => Operator::In(values),
        "NotIn" => Operator::NotIn(values),
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        "Gt" => Operator::GreaterThan(number()?),
        "Lt" => Operator::LessThan(number()?),
        _ => return None,
    };
    Some(Requirement { key: text(expression, &["key"]).to_owned(), operator })
}

impl PodTerm {
    fn of(term: &Value, pod: &Value) -> Self {
        let mut namespaces: Vec<String> =
            list(term, &["namespaces"]).iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let namespace_selector = at(term, &["namespaceSelector"]);
        if namespaces.is_empty() && namespace_selector.is_none() {
            namespaces.push(object::namespace(pod).to_owned());
        }
        Self {
            topology_key: text(term, &["topologyKey"]).to_owned(),
            namespaces,
            namespace_selector: namespace_selector.and_then(selector),
            selector: at(term, &["labelSelector"]).and_then(selector),
        }
    }

    /// Whether the term means `pod`, whose namespace has these labels.
    pub(super) fn matches(&self, pod: &PodFacts<'_>, namespace_labels: Option<&Map<String, Value>>) -> bool {
        let in_namespace = self.namespaces.iter().any(|namespace| namespace == pod.namespace())
            || self.namespace_selector.as_ref().is_some_and(|selector| selector.matches(namespace_labels));
        in_namespace && self.selector.as_ref().is_some_and(|selector| selector.matches(pod.labels()))
    }
}

impl SpreadConstraint {
    fn of(constraint: &Value, pod: &Value) -> Self {
        let mut selector = at(constraint, &["labelSelector"]).and_then(selector);
        if let Some(selector) = &mut selector {
            for key in list(constraint, &["matchLabelKeys"]).iter().filter_map(Value::as_str) {
                if let Some(value) = object::labels(pod).and_then(|labels| labels.get(key)).and_then(Value::as_str) {
                    let operator = Operator::In(vec![value.to_owned()]);
                    selector.requirements.push(Requirement { key: key.to_owned(), operator });
                }
            }
        }
        Self {
            max_skew: object::integer(constraint, &["maxSkew"]).unwrap_or(1),
            topology_key: text(constraint, &["topologyKey"]).to_owned(),
            selector,
            min_domains: object::integer(constraint, &["minDomains"]).unwrap_or(1),
            honors_affinity: text(constraint, &["nodeAffinityPolicy"]) != "Ignore",
            honors_taints: text(constraint, &["nodeTaintsPolicy"]) == "Honor",
        }
    }
}

fn selector(value: &Value) -> Option<LabelSelector> {
    LabelSelector::from_object(value).ok().flatten()
}

fn host_ports(spec: &Value) -> Vec<HostPort> {
    // Sidecars hold their ports as long as containers do; other init containers let them go.
    let sidecars =
        list(spec, &["initContainers"]).iter().filter(|container| text(container, &["restartPolicy"]) == "Always");
    let containers = list(spec, &["containers"]).iter().chain(sidecars);
    let mut ports = Vec::new();
    for port in containers.flat_map(|container| list(container, &["ports"])) {
        let Some(number) = object::integer(port, &["hostPort"]).filter(|number| *number > 0) else { continue };
        let protocol = match text(port, &["protocol"]) {
            "" => "TCP",
            protocol => protocol,
        };
        ports.push(HostPort {
            address: text(port, &["hostIP"]).to_owned(),
            protocol: protocol.to_owned(),
            port: number,
        });
    }
    ports
}

impl HostPort {
    /// Whether both cannot be had on one node.
    pub(super) fn conflicts(&self, other: &Self) -> bool {
        let any = |address: &str| address.is_empty() || address == "0.0.0.0";
        self.port == other.port
            && self.protocol == other.protocol
            && (any(&self.address) || any(&other.address) || self.address == other.address)
    }
}
