//! Columns of what leads to pods: services, endpoints, ingresses, network policies.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::columns::{Column, age, at, at_or, first_three, items, labels, name, selector, text};

pub(super) fn services() -> Vec<Column> {
    vec![
        name(),
        text("Type", |o, _| json!(at(o, "/spec/type"))),
        text("Cluster-IP", |o, _| json!(at_or(o, "/spec/clusterIPs/0", "<none>"))),
        text("External-IP", |o, _| json!(external_address(o))),
        text("Port(s)", |o, _| json!(ports(o))),
        age(),
        text("Selector", |o, _| json!(labels(o, "/spec/selector"))).wide(),
    ]
}

fn external_address(service: &Value) -> String {
    let own = || items(service, "/spec/externalIPs").iter().filter_map(Value::as_str).map(str::to_string);
    let some_or = |addresses: Vec<String>, otherwise: &str| {
        if addresses.is_empty() { otherwise.to_string() } else { addresses.join(",") }
    };
    match at(service, "/spec/type") {
        "ClusterIP" | "NodePort" => some_or(own().collect(), "<none>"),
        "LoadBalancer" => {
            let balancer = items(service, "/status/loadBalancer/ingress");
            let balancer: BTreeSet<String> =
                balancer.iter().map(|ingress| at_or(ingress, "/ip", at(ingress, "/hostname")).to_string()).collect();
            some_or(balancer.into_iter().chain(own()).collect(), "<pending>")
        }
        "ExternalName" => at(service, "/spec/externalName").to_string(),
        _ => "<unknown>".into(),
    }
}

fn ports(service: &Value) -> String {
    let port = |port: &Value| {
        let protocol = at_or(port, "/protocol", "TCP");
        match port["nodePort"].as_i64() {
            Some(node_port) if node_port > 0 => format!("{}:{node_port}/{protocol}", port["port"]),
            _ => format!("{}/{protocol}", port["port"]),
        }
    };
    let ports: Vec<String> = items(service, "/spec/ports").iter().map(port).collect();
    if ports.is_empty() { "<none>".into() } else { ports.join(",") }
}

pub(super) fn endpoints() -> Vec<Column> {
    vec![name(), text("Endpoints", |o, _| json!(first_three(&addresses(o)))), age()]
}

/// Each ready address with each of its ports.
fn addresses(endpoints: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for subset in items(endpoints, "/subsets") {
        let ports = items(subset, "/ports");
        for address in items(subset, "/addresses") {
            let ip = at(address, "/ip");
            if ports.is_empty() {
                found.push(ip.to_string());
            }
            found.extend(ports.iter().map(|port| format!("{ip}:{}", port["port"])));
        }
    }
    found
}

pub(super) fn endpoint_slices() -> Vec<Column> {
    vec![
        name(),
        text("AddressType", |o, _| json!(at(o, "/addressType"))),
        text("Ports", |o, _| {
            let port = |port: &Value| match port["port"].as_i64() {
                Some(number) => number.to_string(),
                None => at_or(port, "/name", "*").to_string(),
            };
            let ports: Vec<String> = items(o, "/ports").iter().map(port).collect();
            json!(if ports.is_empty() { "<unset>".to_string() } else { first_three(&ports) })
        }),
        text("Endpoints", |o, _| {
            let endpoints = items(o, "/endpoints").iter();
            let found: Vec<String> = endpoints
                .flat_map(|endpoint| items(endpoint, "/addresses"))
                .filter_map(|address| address.as_str().map(str::to_string))
                .collect();
            json!(if found.is_empty() { "<unset>".to_string() } else { first_three(&found) })
        }),
        age(),
    ]
}

pub(super) fn ingresses() -> Vec<Column> {
    vec![
        name(),
        text("Class", |o, _| json!(at_or(o, "/spec/ingressClassName", "<none>"))),
        text("Hosts", |o, _| json!(hosts(o))),
        text("Address", |o, _| {
            let ingress = items(o, "/status/loadBalancer/ingress").iter();
            let found: BTreeSet<&str> =
                ingress.map(|ingress| at_or(ingress, "/ip", at(ingress, "/hostname"))).collect();
            json!(found.into_iter().collect::<Vec<_>>().join(","))
        }),
        text("Ports", |o, _| json!(if items(o, "/spec/tls").is_empty() { "80" } else { "80, 443" })),
        age(),
    ]
}

fn hosts(ingress: &Value) -> String {
    let rules = items(ingress, "/spec/rules");
    let hosts: Vec<&str> = rules.iter().map(|rule| at(rule, "/host")).filter(|host| !host.is_empty()).collect();
    match hosts.len() {
        0 => "*".into(),
        1..=3 => hosts.join(","),
        _ => format!("{} + {} more...", hosts[..3].join(","), rules.len() - 3),
    }
}

pub(super) fn ingress_classes() -> Vec<Column> {
    vec![
        name(),
        text("Controller", |o, _| json!(at(o, "/spec/controller"))),
        text("Parameters", |o, _| {
            let parameters = &o["spec"]["parameters"];
            if parameters.is_null() {
                return json!("<none>");
            }
            let group = at(parameters, "/apiGroup");
            let kind = at(parameters, "/kind");
            let dot = if group.is_empty() { "" } else { "." };
            json!(format!("{kind}{dot}{group}/{}", at(parameters, "/name")))
        }),
        age(),
    ]
}

pub(super) fn network_policies() -> Vec<Column> {
    vec![name(), text("Pod-Selector", |o, _| json!(selector(o, "/spec/podSelector"))), age()]
}
