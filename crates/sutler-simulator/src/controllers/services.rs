//! Services: their load balancers, and what is behind them (Endpoints and EndpointSlices), as Kubernetes' controllers.

use serde_json::{Value, json};
use sutler_objects::selector::LabelSelector;

use crate::controllers::{Change, Controller, Deletion, Effects, Note, Queue, Severity, pods, times};
use crate::key::{ObjectKey, resource};
use crate::view::View;

/// How many endpoints are in a slice.
const SLICE: usize = 100;

/// Keeps Endpoints and EndpointSlices of Services with a selector.
pub(crate) struct Endpoints;

impl Controller for Endpoints {
    fn name(&self) -> &'static str {
        "endpoint-controller"
    }

    fn on_change(&self, change: &Change, view: &View<'_>, queue: &mut Queue) {
        if change.is(resource::SERVICES) {
            queue.push(change.key.clone());
        }
        if change.is(resource::PODS) && shows(change.old.as_deref()) != shows(change.new.as_deref()) {
            for service in view.list_in(resource::SERVICES, &change.key.namespace) {
                let Some(selector) = selector(service) else { continue };
                let selected = |pod: &Value| selector.selects(pod);
                if change.old.as_deref().is_some_and(selected) || change.new.as_deref().is_some_and(selected) {
                    queue.push(ObjectKey::of(resource::SERVICES, service));
                }
            }
        }
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let Some(service) = view.object(key) else {
            // The slices go with the Service that owns them; Endpoints have no owner.
            let endpoints = ObjectKey::new(resource::ENDPOINTS, &key.namespace, &key.name);
            if view.object(&endpoints).is_some() {
                effects.delete(Deletion::of(endpoints));
            }
            return;
        };
        let Some(selector) = selector(service) else { return };
        let mut backends: Vec<&Value> = view
            .list_in(resource::PODS, &key.namespace)
            .filter(|pod| selector.selects(pod) && pod["status"]["podIP"].is_string() && !pods::has_ended(pod))
            .collect();
        backends.sort_by_key(|pod| pod["metadata"]["name"].as_str().unwrap_or("").to_owned());
        write_endpoints(view, service, &backends, effects);
        write_slices(view, service, &backends, effects);
    }
}

/// What of a pod is seen in endpoints.
fn shows(pod: Option<&Value>) -> Option<(Value, Value, bool, bool, bool)> {
    pod.map(|pod| {
        let metadata = &pod["metadata"];
        let address = pod["status"]["podIP"].clone();
        (metadata["labels"].clone(), address, pods::is_ready(pod), pods::is_terminating(pod), pods::has_ended(pod))
    })
}

fn selector(service: &Value) -> Option<LabelSelector> {
    let selector = service["spec"]["selector"].as_object().filter(|selector| !selector.is_empty())?;
    (service["spec"]["type"] != "ExternalName").then(|| LabelSelector::from_labels(selector))
}

/// A Service's ports as the pod has them: named target ports are looked up in its containers.
fn ports(service: &Value, pod: &Value, name_port: &str) -> Vec<Value> {
    let mut ports = Vec::new();
    for port in service["spec"]["ports"].as_array().into_iter().flatten() {
        let number = match &port["targetPort"] {
            Value::String(name) => named_port(pod, name, port["protocol"].as_str().unwrap_or("TCP")),
            Value::Number(number) => number.as_i64().filter(|number| *number > 0),
            _ => port["port"].as_i64(),
        };
        let Some(number) = number else { continue };
        let mut entry = json!({"port": number, "protocol": port["protocol"].as_str().unwrap_or("TCP")});
        if let Some(name) = port["name"].as_str() {
            entry[name_port] = json!(name);
        }
        if !port["appProtocol"].is_null() {
            entry["appProtocol"] = port["appProtocol"].clone();
        }
        ports.push(entry);
    }
    ports
}

fn named_port(pod: &Value, name: &str, protocol: &str) -> Option<i64> {
    let spec = &pod["spec"];
    let containers =
        ["containers", "initContainers"].iter().flat_map(|list| spec[*list].as_array().into_iter().flatten());
    let mut ports = containers.flat_map(|container| container["ports"].as_array().into_iter().flatten());
    let port = ports.find(|port| port["name"] == name && port["protocol"].as_str().unwrap_or("TCP") == protocol)?;
    port["containerPort"].as_i64()
}

fn reference(pod: &Value) -> Value {
    json!({
        "kind": "Pod",
        "namespace": pod["metadata"]["namespace"],
        "name": pod["metadata"]["name"],
        "uid": pod["metadata"]["uid"],
    })
}

/// `hostname` of an endpoint, for pods that a headless Service names.
fn hostname(service: &Value, pod: &Value) -> Option<Value> {
    let is_named = pod["spec"]["subdomain"] == service["metadata"]["name"] && pod["spec"]["hostname"].is_string();
    is_named.then(|| pod["spec"]["hostname"].clone())
}

fn write_endpoints(view: &View<'_>, service: &Value, backends: &[&Value], effects: &mut Effects) {
    let metadata = &service["metadata"];
    let all_ready = service["spec"]["publishNotReadyAddresses"] == true;
    // Subsets are groups of addresses with the same ports.
    let mut subsets: Vec<(Vec<Value>, Vec<Value>, Vec<Value>)> = Vec::new();
    for pod in backends.iter().filter(|pod| all_ready || !pods::is_terminating(pod)) {
        let ports = ports(service, pod, "name");
        let mut address = json!({
            "ip": pod["status"]["podIP"],
            "nodeName": pod["spec"]["nodeName"],
            "targetRef": reference(pod),
        });
        if let Some(hostname) = hostname(service, pod) {
            address["hostname"] = hostname;
        }
        let index = subsets.iter().position(|(known, _, _)| *known == ports).unwrap_or_else(|| {
            subsets.push((ports, Vec::new(), Vec::new()));
            subsets.len() - 1
        });
        let (_, ready, not_ready) = &mut subsets[index];
        if all_ready || pods::is_ready(pod) { ready.push(address) } else { not_ready.push(address) }
    }
    let subsets: Vec<Value> = subsets
        .into_iter()
        .map(|(ports, ready, not_ready)| {
            let mut subset = json!({});
            for (field, list) in [("addresses", ready), ("notReadyAddresses", not_ready), ("ports", ports)] {
                if !list.is_empty() {
                    subset[field] = json!(list);
                }
            }
            subset
        })
        .collect();
    let mut endpoints = json!({
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
    });
    endpoints["metadata"]["labels"] = labels(service, "endpoints.kubernetes.io/managed-by", "endpoint-controller");
    if !subsets.is_empty() {
        endpoints["subsets"] = json!(subsets);
    }
    put(view, resource::ENDPOINTS, endpoints, &["subsets"], effects);
}

fn labels(service: &Value, key: &str, value: &str) -> Value {
    let mut labels = service["metadata"]["labels"].clone();
    labels[key] = json!(value);
    if service["spec"]["clusterIP"] == "None" {
        labels["service.kubernetes.io/headless"] = json!("");
    }
    labels
}

fn write_slices(view: &View<'_>, service: &Value, backends: &[&Value], effects: &mut Effects) {
    let metadata = &service["metadata"];
    let name = metadata["name"].as_str().unwrap_or("");
    let uid = metadata["uid"].as_str().unwrap_or("");
    let mut known: Vec<&str> =
        view.owned_by(uid, resource::ENDPOINT_SLICES).filter_map(|slice| slice["metadata"]["name"].as_str()).collect();
    let all_ready = service["spec"]["publishNotReadyAddresses"] == true;
    let chunks: Vec<&[&Value]> = if backends.is_empty() { vec![&[]] } else { backends.chunks(SLICE).collect() };
    for (number, chunk) in chunks.into_iter().enumerate() {
        let endpoints: Vec<Value> = chunk
            .iter()
            .map(|pod| {
                let (ready, terminating) = (pods::is_ready(pod), pods::is_terminating(pod));
                let mut endpoint = json!({
                    "addresses": [pod["status"]["podIP"]],
                    "conditions": {
                        "ready": all_ready || (ready && !terminating),
                        "serving": ready,
                        "terminating": terminating,
                    },
                    "nodeName": pod["spec"]["nodeName"],
                    "targetRef": reference(pod),
                });
                if let Some(hostname) = hostname(service, pod) {
                    endpoint["hostname"] = hostname;
                }
                let node = view.get(resource::NODES, "", pod["spec"]["nodeName"].as_str().unwrap_or(""));
                if let Some(zone) = node.map(|node| &node["metadata"]["labels"]["topology.kubernetes.io/zone"])
                    && zone.is_string()
                {
                    endpoint["zone"] = zone.clone();
                }
                endpoint
            })
            .collect();
        let mark = view.random(&format!("slice/{uid}/{number}")) & 0xf_ffff;
        let slice_name = format!("{name}-{mark:05x}");
        known.retain(|known| *known != slice_name);
        let mut labels = labels(service, "endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io");
        labels["kubernetes.io/service-name"] = json!(name);
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": slice_name,
                "generateName": format!("{name}-"),
                "namespace": metadata["namespace"],
                "labels": labels,
                "ownerReferences": [pods::owner_reference(service)],
            },
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": chunk.first().map_or_else(Vec::new, |pod| slice_ports(service, pod)),
        });
        put(view, resource::ENDPOINT_SLICES, slice, &["endpoints", "ports"], effects);
    }
    for surplus in known {
        let namespace = metadata["namespace"].as_str().unwrap_or("");
        effects.delete(Deletion::of(ObjectKey::new(resource::ENDPOINT_SLICES, namespace, surplus)));
    }
}

/// A slice's ports all have a name, if only an empty one.
fn slice_ports(service: &Value, pod: &Value) -> Vec<Value> {
    let mut ports = ports(service, pod, "name");
    for port in &mut ports {
        if port["name"].is_null() {
            port["name"] = json!("");
        }
    }
    ports
}

/// Creates an object or brings its `fields` and labels up to date; nothing where they already are.
fn put(view: &View<'_>, resource: &str, wanted: Value, fields: &[&str], effects: &mut Effects) {
    let key = ObjectKey::of(resource, &wanted);
    let Some(present) = view.object(&key) else {
        effects.create(wanted);
        return;
    };
    let same = fields.iter().all(|field| present[*field] == wanted[*field])
        && present["metadata"]["labels"] == wanted["metadata"]["labels"];
    if same {
        return;
    }
    let mut changed = present.clone();
    changed["metadata"]["labels"] = wanted["metadata"]["labels"].clone();
    for field in fields {
        match wanted.get(field) {
            Some(value) => changed[*field] = value.clone(),
            None => {
                if let Some(object) = changed.as_object_mut() {
                    object.remove(*field);
                }
            }
        }
    }
    effects.replace(changed);
}

/// Gives Services of type LoadBalancer an address after a while, as the cloud's controller.
pub(crate) struct LoadBalancers;

impl Controller for LoadBalancers {
    fn name(&self) -> &'static str {
        "service-controller"
    }

    fn on_change(&self, change: &Change, _view: &View<'_>, queue: &mut Queue) {
        if change.is(resource::SERVICES) && change.new.is_some() {
            queue.push(change.key.clone());
        }
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let Some(service) = view.object(key) else { return };
        let has_address = service["status"]["loadBalancer"]["ingress"].is_array();
        if service["spec"]["type"] != "LoadBalancer" {
            if has_address {
                effects.patch_status(key.clone(), json!({"loadBalancer": {"ingress": null}}));
            }
            return;
        }
        if has_address {
            return;
        }
        let note = |reason: &str, message: &str| Note {
            regarding: service.clone(),
            severity: Severity::Normal,
            reason: reason.to_owned(),
            message: message.to_owned(),
            component: "service-controller".to_owned(),
            host: String::new(),
        };
        let uid = service["metadata"]["uid"].as_str().unwrap_or("");
        let chance = view.random(&format!("balancer/{uid}"));
        let created = times::read(&service["metadata"]["creationTimestamp"]).unwrap_or_else(|| view.now());
        let due = times::after(created, 20 + i64::try_from(chance % 21).unwrap_or(0));
        if view.now() < due {
            if times::seconds_between(created, view.now()) == 0 {
                effects.record(note("EnsuringLoadBalancer", "Ensuring load balancer"));
            }
            effects.wake_at(key.clone(), due);
            return;
        }
        let region = &view.cluster().region;
        let hostname = format!("{:032x}.{region}.elb.amazonaws.com", u128::from(chance) << 32);
        effects.patch_status(key.clone(), json!({"loadBalancer": {"ingress": [{"hostname": hostname}]}}));
        effects.record(note("EnsuredLoadBalancer", "Ensured load balancer"));
    }
}
