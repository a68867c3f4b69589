//! Who reaches what, as NetworkPolicies have it: egress where the pod is, ingress where it wants to go.
//!
//! A plain function over tables: [`closed`] says which policy keeps a pod from a [`Goal`]. `AdminNetworkPolicy` and the policies that
//! network plugins have of their own are not looked at.

use std::net::Ipv4Addr;

use serde_json::Value;
use sutler_objects::object::{at, integer, labels, list, name, namespace, text};
use sutler_objects::selector::LabelSelector;

use crate::tables::Tables;

/// Where the Pod Identity agent listens on every node.
pub const AGENT: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 23);

/// An address that stands for AWS's public ones.
const PUBLIC: Ipv4Addr = Ipv4Addr::new(52, 94, 0, 1);

/// An address that stands for those of pods where nobody knows their own.
const PRIVATE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 10);

/// Where the endpoints of a service of AWS are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// On the internet.
    Public,
    /// In the network, at an address like this one.
    Private(Ipv4Addr),
    /// Nobody knows: a policy that leaves either open leaves it open.
    Unknown,
}

/// Where a pod wants to go.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// A service of AWS.
    Aws(Endpoint),
    /// An address.
    Address(Ipv4Addr),
    /// A pod: its object, or one like those that are to be made.
    Pod(&'a Value),
}

/// What a pod wants to reach.
#[derive(Clone, Copy, Debug)]
pub struct Goal<'a> {
    /// Where.
    pub place: Place<'a>,
    /// The port there.
    pub port: i64,
    /// `TCP` or `UDP`.
    pub protocol: &'a str,
}

impl<'a> Goal<'a> {
    /// TCP to a service of AWS.
    pub fn aws(endpoint: Endpoint) -> Self {
        Goal { place: Place::Aws(endpoint), port: 443, protocol: "TCP" }
    }

    /// TCP to a pod.
    pub fn pod(pod: &'a Value, port: i64) -> Self {
        Goal { place: Place::Pod(pod), port, protocol: "TCP" }
    }

    /// The Pod Identity agent of the node.
    pub fn agent() -> Self {
        Goal { place: Place::Address(AGENT), port: 80, protocol: "TCP" }
    }
}

/// A way that is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The policy, as `namespace/name`; the first, where several select the pod and none opens the way.
    pub policy: String,
    /// Whether it closes what comes in at the goal, not what goes out of the pod.
    pub at_goal: bool,
}

/// The policy that keeps `pod` from `goal`, if one does. Policies and the labels of namespaces are those of `tables`; a pod on its node's
/// own network is kept from nothing.
pub fn closed(tables: &Tables, pod: &Value, goal: Goal<'_>) -> Option<Closed> {
    let on_node = |pod: &Value| at(pod, &["spec", "hostNetwork"]).and_then(Value::as_bool) == Some(true);
    if !on_node(pod) {
        let closing = selecting(tables, pod, "Egress");
        let opens = |policy: &&&Value| {
            list(policy, &["spec", "egress"]).iter().any(|rule| opens_out(tables, policy, rule, goal))
        };
        if let (Some(first), None) = (closing.first(), closing.iter().find(opens)) {
            return Some(Closed { policy: qualified(first), at_goal: false });
        }
    }
    let Place::Pod(target) = goal.place else { return None };
    if on_node(target) {
        return None;
    }
    let closing = selecting(tables, target, "Ingress");
    let opens = |policy: &&&Value| {
        list(policy, &["spec", "ingress"])
            .iter()
            .any(|rule| opens_port(rule, goal) && opens_peer(tables, policy, list(rule, &["from"]), Place::Pod(pod)))
    };
    match (closing.first(), closing.iter().find(opens)) {
        (Some(first), None) => Some(Closed { policy: qualified(first), at_goal: true }),
        _ => None,
    }
}

/// What credentials need of which the pod is kept, each with its policy: `sts`, `s3`, `pod-identity-agent`.
pub fn blocked(tables: &Tables, pod: &Value) -> Vec<(String, String)> {
    let ways = [
        ("sts", Goal::aws(Endpoint::Unknown)),
        ("s3", Goal::aws(Endpoint::Unknown)),
        ("pod-identity-agent", Goal::agent()),
    ];
    ways.into_iter().filter_map(|(what, goal)| Some((what.to_owned(), closed(tables, pod, goal)?.policy))).collect()
}

/// `namespace/name`.
pub(crate) fn qualified(object: &Value) -> String {
    format!("{}/{}", namespace(object), name(object))
}

/// The policies that restrict a pod's traffic of this direction.
fn selecting<'t>(tables: &'t Tables, pod: &Value, direction: &str) -> Vec<&'t Value> {
    let restricts = |policy: &&Value| match at(policy, &["spec", "policyTypes"]).and_then(Value::as_array) {
        Some(types) => types.iter().any(|kind| kind == direction),
        // Without types, rules say it of egress; of ingress it always is.
        None => direction == "Ingress" || at(policy, &["spec", "egress"]).is_some_and(Value::is_array),
    };
    let selects = |policy: &&Value| {
        selector(policy, &["spec", "podSelector"]).is_some_and(|selector| selector.matches(labels(pod)))
    };
    tables.list_in("NetworkPolicy", namespace(pod)).filter(restricts).filter(selects).collect()
}

/// A selector that cannot be read selects nothing, as in the API that would not have taken it.
fn selector(object: &Value, path: &[&str]) -> Option<LabelSelector> {
    LabelSelector::from_object(at(object, path)?).ok().flatten()
}

fn opens_out(tables: &Tables, policy: &Value, rule: &Value, goal: Goal<'_>) -> bool {
    opens_port(rule, goal) && opens_peer(tables, policy, list(rule, &["to"]), goal.place)
}

fn opens_port(rule: &Value, goal: Goal<'_>) -> bool {
    let ports = list(rule, &["ports"]);
    ports.is_empty()
        || ports.iter().any(|entry| {
            let protocol = match text(entry, &["protocol"]) {
                "" => "TCP",
                protocol => protocol,
            };
            let named = || named_port(goal, text(entry, &["port"]));
            let fits = match (integer(entry, &["port"]).or_else(named), integer(entry, &["endPort"])) {
                (Some(first), Some(last)) => (first..=last).contains(&goal.port),
                (Some(only), None) => only == goal.port,
                (None, _) => at(entry, &["port"]).is_none_or(Value::is_null),
            };
            protocol == goal.protocol && fits
        })
}

/// The number of a named port, which is one of the goal's containers: nothing outside the cluster has it.
fn named_port(goal: Goal<'_>, called: &str) -> Option<i64> {
    let Place::Pod(pod) = goal.place else { return None };
    let ports = list(pod, &["spec", "containers"]).iter().flat_map(|container| list(container, &["ports"]));
    ports.filter(|port| text(port, &["name"]) == called).find_map(|port| integer(port, &["containerPort"]))
}

fn opens_peer(tables: &Tables, policy: &Value, peers: &[Value], place: Place<'_>) -> bool {
    peers.is_empty()
        || peers.iter().any(|peer| match peer.get("ipBlock").filter(|block| !block.is_null()) {
            Some(block) => opens_block(block, place),
            None => matches!(place, Place::Pod(pod) if selects_peer(tables, policy, peer, pod)),
        })
}

fn selects_peer(tables: &Tables, policy: &Value, peer: &Value, pod: &Value) -> bool {
    let given = |field: &str| peer.get(field).is_some_and(|selector| !selector.is_null());
    let in_namespace = if given("namespaceSelector") {
        let of_pod = namespace(pod);
        let known = tables.get("Namespace", "", of_pod);
        // The one label that every namespace has.
        let only_name = || serde_json::json!({"metadata": {"labels": {"kubernetes.io/metadata.name": of_pod}}});
        let object = known.cloned().unwrap_or_else(only_name);
        selector(peer, &["namespaceSelector"]).is_some_and(|selector| selector.matches(labels(&object)))
    } else {
        namespace(policy) == namespace(pod)
    };
    in_namespace
        && (!given("podSelector")
            || selector(peer, &["podSelector"]).is_some_and(|selector| selector.matches(labels(pod))))
}

fn opens_block(block: &Value, place: Place<'_>) -> bool {
    let Some(cidr) = Block::parse(text(block, &["cidr"])) else { return false };
    let except: Vec<Block> =
        list(block, &["except"]).iter().filter_map(Value::as_str).filter_map(Block::parse).collect();
    let holds = |address: Ipv4Addr| cidr.holds(address) && !except.iter().any(|cut| cut.holds(address));
    match place {
        Place::Address(address) | Place::Aws(Endpoint::Private(address)) => holds(address),
        Place::Aws(Endpoint::Public) => holds(PUBLIC),
        Place::Aws(Endpoint::Unknown) => holds(PUBLIC) || cidr.is_private(),
        Place::Pod(pod) => holds(text(pod, &["status", "podIP"]).parse().unwrap_or(PRIVATE)),
    }
}

/// Addresses with a common beginning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    address: u32,
    bits: u32,
}

impl Block {
    pub(crate) fn parse(text: &str) -> Option<Block> {
        let (address, bits) = text.split_once('/')?;
        let bits = bits.parse().ok().filter(|bits| *bits <= 32)?;
        Some(Block { address: address.parse::<Ipv4Addr>().ok()?.into(), bits })
    }

    fn holds(self, address: Ipv4Addr) -> bool {
        let differing = self.address ^ u32::from(address);
        differing.checked_shr(32 - self.bits).unwrap_or(0) == 0
    }

    fn is_private(self) -> bool {
        Ipv4Addr::from(self.address).is_private()
    }

    /// Whether it is the whole internet.
    pub(crate) fn is_everything(self) -> bool {
        self.bits == 0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Closed, Goal, blocked, closed};
    use crate::tables::Tables;

    fn policy(spec: Value) -> Value {
        json!({"kind": "NetworkPolicy", "metadata": {"namespace": "jupyterhub", "name": "singleuser"}, "spec": spec})
    }

    fn notebook() -> Value {
        json!({"metadata": {"namespace": "jupyterhub", "name": "nb", "labels": {"component": "singleuser-server"}}})
    }

    fn ways(spec: Value) -> String {
        let blocked = blocked(&Tables::of_objects([policy(spec)]), &notebook());
        blocked.iter().map(|(what, by)| format!("{what} by {by}")).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_pod_reaches_what_no_policy_closes() {
        assert_eq!(ways(json!({"podSelector": {"matchLabels": {"component": "hub"}}, "policyTypes": ["Egress"]})), "");
        assert_eq!(ways(json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": []})), "");
        assert_eq!(ways(json!({"podSelector": {}, "egress": [{}]})), "");
    }

    #[test]
    fn a_policy_that_names_pods_only_closes_the_world() {
        let all =
            "sts by jupyterhub/singleuser, s3 by jupyterhub/singleuser, pod-identity-agent by jupyterhub/singleuser";
        assert_eq!(ways(json!({"podSelector": {}, "policyTypes": ["Egress"]})), all);
        let hub = json!({"podSelector": {}, "egress": [{"to": [{"podSelector": {}}]}, {"ports": [{"port": 53}]}]});
        assert_eq!(ways(hub), all);
    }

    /// The public zero-to-jupyterhub chart: everything but private addresses and the cloud's metadata.
    #[test]
    fn the_public_notebook_policy_leaves_aws_open_and_the_agent_closed() {
        let except = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"];
        let rule = json!({"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": except}}]});
        let spec = json!({"podSelector": {"matchLabels": {"component": "singleuser-server"}}, "egress": [rule]});
        assert_eq!(ways(spec), "pod-identity-agent by jupyterhub/singleuser");
    }

    #[test]
    fn endpoints_in_the_network_are_reached_through_a_private_block() {
        let spec = json!({"podSelector": {}, "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/16"}}], "ports": [{"port": 443}]}]});
        assert_eq!(ways(spec), "pod-identity-agent by jupyterhub/singleuser");
    }

    #[test]
    fn a_pod_is_reached_where_both_sides_let_it() {
        let head = json!({"metadata": {"namespace": "ray", "name": "head", "labels": {"role": "head"}},
            "spec": {"containers": [{"ports": [{"name": "client", "containerPort": 10001}]}]}});
        let of_ray = |spec: Value| json!({"kind": "NetworkPolicy", "metadata": {"namespace": "ray", "name": "head"}, "spec": spec});
        let out =
            |to: Value| policy(json!({"podSelector": {}, "egress": [{"to": [to], "ports": [{"port": "client"}]}]}));
        let say = |policies: Vec<Value>| closed(&Tables::of_objects(policies), &notebook(), Goal::pod(&head, 10001));
        let by = |policy: &str, at_goal| Some(Closed { policy: policy.to_owned(), at_goal });
        let ray = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ray"}}});
        assert_eq!(say(vec![]), None);
        assert_eq!(say(vec![out(ray.clone())]), None);
        // A selector of pods alone means those of the policy's own namespace.
        assert_eq!(say(vec![out(json!({"podSelector": {}}))]), by("jupyterhub/singleuser", false));
        assert_eq!(say(vec![out(json!({"ipBlock": {"cidr": "10.0.0.0/8"}}))]), None);
        let only_ray = of_ray(json!({"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]}));
        assert_eq!(say(vec![only_ray.clone(), out(ray.clone())]), by("ray/head", true));
        let hub = of_ray(json!({"podSelector": {}, "ingress": [{"from": [{"namespaceSelector": {}}]}]}));
        assert_eq!(say(vec![only_ray, hub, out(ray)]), None);
    }
}
