//! Which of the ways out that a role needs NetworkPolicies close: to STS, to S3, to the Pod Identity agent of the node.

use std::net::Ipv4Addr;

use serde_json::Value;
use sutler_objects::selector::LabelSelector;

/// Where the Pod Identity agent listens on every node.
const AGENT: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 23);

/// An address that stands for AWS's public ones.
const PUBLIC: Ipv4Addr = Ipv4Addr::new(52, 94, 0, 1);

/// What a pod with these labels cannot reach, each with the policy that closes it, as `namespace/name`. `policies` are those of
/// its namespace.
///
/// A policy that names addresses of the network only leaves AWS open where it has endpoints in there: an address block that is
/// private counts as open, since nothing here knows where the endpoints are.
pub(super) fn blocked(policies: &[Value], labels: &Value) -> Vec<(String, String)> {
    let closing: Vec<&Value> =
        policies.iter().filter(|policy| restricts_egress(policy) && selects(policy, labels)).collect();
    let Some(first) = closing.first() else { return Vec::new() };
    let name = |policy: &Value| {
        let text = |field: &str| policy["metadata"][field].as_str().unwrap_or_default().to_owned();
        format!("{}/{}", text("namespace"), text("name"))
    };
    let ways = [("sts", PUBLIC, 443), ("s3", PUBLIC, 443), ("pod-identity-agent", AGENT, 80)];
    ways.into_iter()
        .filter(|(_, address, port)| !closing.iter().any(|policy| opens(policy, *address, *port)))
        .map(|(what, ..)| (what.to_owned(), name(first)))
        .collect()
}

fn restricts_egress(policy: &Value) -> bool {
    match policy["spec"]["policyTypes"].as_array() {
        Some(types) => types.iter().any(|kind| kind == "Egress"),
        // Without types, rules say it.
        None => policy["spec"]["egress"].is_array(),
    }
}

fn selects(policy: &Value, labels: &Value) -> bool {
    // A selector that cannot be read selects nothing, as in the API that would not have taken it.
    let selector = LabelSelector::from_object(&policy["spec"]["podSelector"]).ok().flatten();
    selector.is_some_and(|selector| selector.matches(labels.as_object()))
}

fn opens(policy: &Value, address: Ipv4Addr, port: u64) -> bool {
    let rules = policy["spec"]["egress"].as_array().into_iter().flatten();
    rules.into_iter().any(|rule| opens_port(rule, port) && opens_address(rule, address))
}

fn opens_port(rule: &Value, port: u64) -> bool {
    let Some(ports) = rule["ports"].as_array().filter(|ports| !ports.is_empty()) else { return true };
    ports.iter().any(|entry| {
        let is_tcp = entry["protocol"].as_str().is_none_or(|protocol| protocol == "TCP");
        let fits = match (entry["port"].as_u64(), entry["endPort"].as_u64()) {
            (Some(first), Some(last)) => (first..=last).contains(&port),
            (Some(only), None) => only == port,
            // A named port is one of a pod's containers: nothing outside has it.
            (None, _) => entry["port"].is_null(),
        };
        is_tcp && fits
    })
}

fn opens_address(rule: &Value, address: Ipv4Addr) -> bool {
    let Some(peers) = rule["to"].as_array().filter(|peers| !peers.is_empty()) else { return true };
    peers.iter().any(|peer| {
        let block = &peer["ipBlock"];
        let Some(cidr) = block["cidr"].as_str().and_then(Block::parse) else { return false };
        let except = block["except"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let holds = cidr.holds(address) && !except.filter_map(Block::parse).any(|cut| cut.holds(address));
        holds || (address == PUBLIC && cidr.is_private())
    })
}

/// Addresses with a common beginning.
struct Block {
    address: u32,
    bits: u32,
}

impl Block {
    fn parse(text: &str) -> Option<Block> {
        let (address, bits) = text.split_once('/')?;
        let bits = bits.parse().ok().filter(|bits| *bits <= 32)?;
        Some(Block { address: address.parse::<Ipv4Addr>().ok()?.into(), bits })
    }

    fn holds(&self, address: Ipv4Addr) -> bool {
        let differing = self.address ^ u32::from(address);
        differing.checked_shr(32 - self.bits).unwrap_or(0) == 0
    }

    fn is_private(&self) -> bool {
        Ipv4Addr::from(self.address).is_private()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::blocked;

    fn policy(spec: Value) -> Value {
        json!({"metadata": {"namespace": "jupyterhub", "name": "singleuser"}, "spec": spec})
    }

    fn ways(spec: Value) -> String {
        let blocked = blocked(&[policy(spec)], &json!({"component": "singleuser-server"}));
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
}
