//! Addresses of Services: cluster IPs from 10.100.0.0/16 as EKS gives them, node ports from 30000 to 32767.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::controllers::{Admission, Review};
use crate::key::resource;
use crate::status::{Cause, Refusal};
use crate::view::View;

/// How many addresses there are: the first is the API server's, the tenth the DNS server's, and the last a broadcast.
const ADDRESSES: u64 = 65_534;
const NODE_PORTS: std::ops::RangeInclusive<u64> = 30_000..=32_767;

/// Gives a Service the addresses that its type has, and refuses those that are taken.
pub(crate) struct ServiceAddresses;

impl Admission for ServiceAddresses {
    fn name(&self) -> &'static str {
        "service-addresses"
    }

    fn admit(&self, review: &mut Review<'_>, view: &View<'_>) -> Result<(), Refusal> {
        let is_service = review.resource == resource::SERVICES && review.subresource.is_empty();
        if !is_service || !review.object["spec"].is_object() {
            return Ok(());
        }
        let service = &mut *review.object;
        let others = || {
            let (name, namespace) = (service["metadata"]["name"].clone(), service["metadata"]["namespace"].clone());
            view.list(resource::SERVICES)
                .filter(move |other| other["metadata"]["name"] != name || other["metadata"]["namespace"] != namespace)
        };
        let kind = service["spec"]["type"].as_str().unwrap_or("ClusterIP").to_owned();
        if kind == "ExternalName" {
            return Ok(());
        }
        let wanted = service["spec"]["clusterIP"].as_str().filter(|address| !address.is_empty()).map(str::to_owned);
        let taken: BTreeSet<&str> = others().filter_map(|other| other["spec"]["clusterIP"].as_str()).collect();
        let ports: BTreeSet<u64> = others().flat_map(node_ports).collect();
        let address = match wanted {
            Some(address) if address != "None" && taken.contains(address.as_str()) => {
                return Err(refused(service, &address));
            }
            Some(address) => address,
            None => free_address(service, view, &taken),
        };
        let spec = &mut service["spec"];
        spec["clusterIP"] = json!(address);
        spec["clusterIPs"] = json!([address]);
        for (field, value) in [
            ("ipFamilies", json!(["IPv4"])),
            ("ipFamilyPolicy", json!("SingleStack")),
            ("internalTrafficPolicy", json!("Cluster")),
        ] {
            if spec[field].is_null() {
                spec[field] = value;
            }
        }
        if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
            give_node_ports(service, view, ports);
        }
        if kind == "LoadBalancer" && service["spec"]["allocateLoadBalancerNodePorts"].is_null() {
            service["spec"]["allocateLoadBalancerNodePorts"] = json!(true);
        }
        Ok(())
    }
}

fn node_ports(service: &Value) -> impl Iterator<Item = u64> {
    service["spec"]["ports"].as_array().into_iter().flatten().filter_map(|port| port["nodePort"].as_u64())
}

fn refused(service: &Value, address: &str) -> Refusal {
    let name = service["metadata"]["name"].as_str().unwrap_or("");
    let cause = Cause {
        reason: "FieldValueInvalid",
        message: format!(
            "Invalid value: [\"{address}\"]: failed to allocate IP {address}: provided IP is already allocated"
        ),
        field: "spec.clusterIPs".to_owned(),
    };
    Refusal::invalid("", "Service", name, &[cause])
}

fn free_address(service: &Value, view: &View<'_>, taken: &BTreeSet<&str>) -> String {
    let metadata = &service["metadata"];
    let start = view.random(&format!("service/{}/{}", metadata["namespace"], metadata["name"]));
    let addresses = (0..ADDRESSES).map(|step| {
        // From .0.16 on: the addresses below are kept for those that ask for one.
        let host = 16 + (start % ADDRESSES + step) % (ADDRESSES - 16);
        format!("10.100.{}.{}", host >> 8, host & 0xff)
    });
    addresses.into_iter().find(|address| !taken.contains(address.as_str())).unwrap_or_default()
}

fn give_node_ports(service: &mut Value, view: &View<'_>, mut taken: BTreeSet<u64>) {
    let metadata = &service["metadata"];
    let start = view.random(&format!("ports/{}/{}", metadata["namespace"], metadata["name"]));
    let count = NODE_PORTS.end() - NODE_PORTS.start() + 1;
    taken.extend(node_ports(service));
    let spec = &mut service["spec"];
    for port in spec["ports"].as_array_mut().into_iter().flatten().filter(|port| port.is_object()) {
        if port["nodePort"].as_u64().unwrap_or(0) != 0 {
            continue;
        }
        let free = (0..count)
            .map(|step| NODE_PORTS.start() + (start % count + step) % count)
            .find(|port| !taken.contains(port));
        if let Some(free) = free {
            taken.insert(free);
            port["nodePort"] = json!(free);
        }
    }
    if spec["externalTrafficPolicy"].is_null() {
        spec["externalTrafficPolicy"] = json!("Cluster");
    }
}
