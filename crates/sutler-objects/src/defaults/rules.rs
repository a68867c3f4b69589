//! Defaults that depend on other fields, one function a type.

use serde_json::{Value, json};

use super::{Fields, default};
use crate::object;

/// Carries out the rule of a type, if it has one. `fields` are the structure's own; what is below has not been filled yet.
pub(super) fn apply(name: &str, fields: &mut Fields) {
    match name {
        "apiextensions.v1.CustomResourceDefinition" => custom_resource_definition(fields),
        "apps.v1.DaemonSetSpec" => daemon_set(fields),
        "apps.v1.DeploymentSpec" => deployment(fields),
        "apps.v1.StatefulSetSpec" => stateful_set(fields),
        "autoscaling.v2.HorizontalPodAutoscalerSpec" => autoscaler(fields),
        "batch.v1.Job" => labels_from_template(fields),
        "batch.v1.JobSpec" => job(fields),
        "core.v1.Container" | "core.v1.EphemeralContainer" => image_pull_policy(fields),
        "core.v1.LimitRangeItem" => limit_range(fields),
        "core.v1.Namespace" => namespace(fields),
        "core.v1.NodeStatus" => node_status(fields),
        "core.v1.PersistentVolumeClaim" => default(inner(fields, "status"), "phase", || "Pending".into(), false),
        "core.v1.Pod" => pod(fields),
        "core.v1.ReplicationController" => replication_controller(fields),
        "core.v1.Service" => service(fields),
        "core.v1.Volume" => volume(fields),
        "networking.v1.NetworkPolicySpec" => network_policy(fields),
        // An empty text is a value here.
        "discovery.v1.EndpointPort" if !is_set(fields, "name") => {
            fields.insert("name".to_owned(), "".into());
        }
        "core.v1.HostPathVolumeSource" if !is_set(fields, "type") => {
            fields.insert("type".to_owned(), "".into());
        }
        "rbac.v1.Subject" if matches!(text(fields, "kind"), "User" | "Group") => {
            default(fields, "apiGroup", || "rbac.authorization.k8s.io".into(), false);
        }
        "storage.v1.CSIDriverSpec" if is_hollow(fields, "volumeLifecycleModes") => {
            fields.insert("volumeLifecycleModes".to_owned(), json!(["Persistent"]));
        }
        _ => {}
    }
}

fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or("")
}

fn inner<'a>(fields: &'a mut Fields, name: &str) -> &'a mut Fields {
    let value = fields.entry(name).or_insert(Value::Null);
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("made a map just above")
}

fn items<'a>(fields: &'a mut Fields, name: &str) -> impl Iterator<Item = &'a mut Fields> {
    fields.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

fn is_set(fields: &Fields, name: &str) -> bool {
    fields.get(name).is_some_and(|value| !value.is_null())
}

fn is_hollow(fields: &Fields, name: &str) -> bool {
    match fields.get(name) {
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(value) => value.is_null(),
        None => true,
    }
}

fn deployment(spec: &mut Fields) {
    let strategy = inner(spec, "strategy");
    default(strategy, "type", || "RollingUpdate".into(), false);
    if text(strategy, "type") == "RollingUpdate" {
        let rolling = inner(strategy, "rollingUpdate");
        default(rolling, "maxUnavailable", || "25%".into(), false);
        default(rolling, "maxSurge", || "25%".into(), false);
    }
}

fn daemon_set(spec: &mut Fields) {
    let strategy = inner(spec, "updateStrategy");
    default(strategy, "type", || "RollingUpdate".into(), false);
    if text(strategy, "type") == "RollingUpdate" {
        let rolling = inner(strategy, "rollingUpdate");
        default(rolling, "maxUnavailable", || 1.into(), false);
        default(rolling, "maxSurge", || 0.into(), false);
    }
}

fn stateful_set(spec: &mut Fields) {
    let strategy = inner(spec, "updateStrategy");
    if text(strategy, "type").is_empty() {
        strategy.insert("type".to_owned(), "RollingUpdate".into());
        inner(strategy, "rollingUpdate");
    }
    if text(strategy, "type") == "RollingUpdate" && is_set(strategy, "rollingUpdate") {
        default(inner(strategy, "rollingUpdate"), "partition", || 0.into(), false);
    }
    // Claim templates are whole objects; what the API server answers has their kind.
    for template in items(spec, "volumeClaimTemplates") {
        default(template, "apiVersion", || "v1".into(), false);
        default(template, "kind", || "PersistentVolumeClaim".into(), false);
    }
}

fn job(spec: &mut Fields) {
    if !is_set(spec, "completions") && !is_set(spec, "parallelism") {
        spec.insert("completions".to_owned(), 1.into());
    }
    let backoff = if is_set(spec, "backoffLimitPerIndex") { i32::MAX } else { 6 };
    let replacement = if is_set(spec, "podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
    default(spec, "parallelism", || 1.into(), false);
    default(spec, "backoffLimit", || backoff.into(), false);
    default(spec, "completionMode", || "NonIndexed".into(), false);
    default(spec, "suspend", || false.into(), false);
    default(spec, "podReplacementPolicy", || replacement.into(), false);
    default(spec, "manualSelector", || false.into(), false);
}

fn template_labels(object: &Fields) -> Option<Value> {
    object.get("spec").and_then(|spec| object::at(spec, &["template", "metadata", "labels"])).cloned()
}

/// An object without labels takes those of its pods.
fn labels_from_template(object: &mut Fields) {
    if let Some(labels) = template_labels(object) {
        let metadata = inner(object, "metadata");
        if is_hollow(metadata, "labels") {
            metadata.insert("labels".to_owned(), labels);
        }
    }
}

fn replication_controller(object: &mut Fields) {
    if let Some(labels) = template_labels(object) {
        let spec = inner(object, "spec");
        if is_hollow(spec, "selector") {
            spec.insert("selector".to_owned(), labels);
        }
    }
    labels_from_template(object);
}

/// `Always` for a tag `latest`, said or meant, else `IfNotPresent`.
fn image_pull_policy(container: &mut Fields) {
    let image = text(container, "image");
    let (name, digest) = image.split_once('@').map_or((image, false), |(name, _)| (name, true));
    // A colon before the last slash belongs to a registry's port.
    let tag = name.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
    let latest = !image.is_empty() && (tag == Some("latest") || (tag.is_none() && !digest));
    default(container, "imagePullPolicy", || if latest { "Always" } else { "IfNotPresent" }.into(), false);
}

fn volume(volume: &mut Fields) {
    let has_source = volume.iter().any(|(key, value)| key != "name" && !value.is_null());
    if !has_source {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
}

/// Rules of pods themselves, not of templates: requests follow limits, host ports follow ports.
fn pod(pod: &mut Fields) {
    let spec = inner(pod, "spec");
    default(spec, "enableServiceLinks", || true.into(), false);
    let host_network = spec.get("hostNetwork") == Some(&Value::Bool(true));
    for list in ["initContainers", "containers"] {
        for container in items(spec, list) {
            requests_from_limits(container);
            if host_network {
                for port in items(container, "ports") {
                    if let Some(number) = port.get("containerPort").cloned() {
                        default(port, "hostPort", || number, true);
                    }
                }
            }
        }
    }
}

fn requests_from_limits(container: &mut Fields) {
    let limits = container.get("resources").and_then(|resources| resources.get("limits"));
    let Some(Value::Object(limits)) = limits.cloned() else { return };
    let requests = inner(inner(container, "resources"), "requests");
    for (name, limit) in limits {
        requests.entry(name).or_insert(limit);
    }
}

fn service(service: &mut Fields) {
    let spec = inner(service, "spec");
    default(spec, "sessionAffinity", || "None".into(), false);
    default(spec, "type", || "ClusterIP".into(), false);
    match text(spec, "sessionAffinity") {
        "None" => drop(spec.remove("sessionAffinityConfig")),
        "ClientIP" => {
            default(inner(inner(spec, "sessionAffinityConfig"), "clientIP"), "timeoutSeconds", || 10800.into(), false)
        }
        _ => {}
    }
    for port in items(spec, "ports") {
        if let Some(number) = port.get("port").cloned() {
            default(port, "targetPort", || number, true);
        }
    }
    let kind = text(spec, "type").to_owned();
    if kind == "LoadBalancer" || kind == "NodePort" || (kind == "ClusterIP" && !is_hollow(spec, "externalIPs")) {
        default(spec, "externalTrafficPolicy", || "Cluster".into(), false);
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP") {
        default(spec, "internalTrafficPolicy", || "Cluster".into(), false);
    }
    if kind == "LoadBalancer" {
        default(spec, "allocateLoadBalancerNodePorts", || true.into(), false);
        for ingress in items(inner(inner(service, "status"), "loadBalancer"), "ingress") {
            if !text(ingress, "ip").is_empty() {
                default(ingress, "ipMode", || "VIP".into(), false);
            }
        }
    }
}

fn namespace(namespace: &mut Fields) {
    let metadata = inner(namespace, "metadata");
    let name = text(metadata, "name").to_owned();
    if !name.is_empty() {
        inner(metadata, "labels").insert("kubernetes.io/metadata.name".to_owned(), name.into());
    }
}

fn node_status(status: &mut Fields) {
    if is_set(status, "capacity") && !is_set(status, "allocatable") {
        let capacity = status["capacity"].clone();
        status.insert("allocatable".to_owned(), capacity);
    }
}

fn limit_range(item: &mut Fields) {
    if text(item, "type") != "Container" {
        return;
    }
    for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
        let values = item.get(from).and_then(Value::as_object).cloned().unwrap_or_default();
        if values.is_empty() {
            continue;
        }
        let target = inner(item, to);
        for (name, value) in values {
            target.entry(name).or_insert(value);
        }
    }
}

fn network_policy(spec: &mut Fields) {
    if is_hollow(spec, "policyTypes") {
        let types = if is_hollow(spec, "egress") { json!(["Ingress"]) } else { json!(["Ingress", "Egress"]) };
        spec.insert("policyTypes".to_owned(), types);
    }
}

fn custom_resource_definition(definition: &mut Fields) {
    let spec = inner(definition, "spec");
    let names = inner(spec, "names");
    let kind = text(names, "kind").to_owned();
    if !kind.is_empty() {
        default(names, "singular", || kind.to_lowercase().into(), false);
        default(names, "listKind", || format!("{kind}List").into(), false);
    }
    let is_stored = |version: &&mut Fields| version.get("storage") == Some(&Value::Bool(true));
    let stored = items(spec, "versions").find(is_stored).and_then(|version| version.get("name").cloned());
    let status = inner(definition, "status");
    if let (true, Some(stored)) = (is_hollow(status, "storedVersions"), stored) {
        status.insert("storedVersions".to_owned(), json!([stored]));
    }
}

fn autoscaler(spec: &mut Fields) {
    if is_hollow(spec, "metrics") {
        let target = json!({"type": "Utilization", "averageUtilization": 80});
        spec.insert("metrics".to_owned(), json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]));
    }
    if !is_set(spec, "behavior") {
        return;
    }
    let behavior = inner(spec, "behavior");
    let policy = |kind: &str, value: u32| json!({"type": kind, "value": value, "periodSeconds": 15});
    let up = inner(behavior, "scaleUp");
    default(up, "stabilizationWindowSeconds", || 0.into(), false);
    default(up, "selectPolicy", || "Max".into(), false);
    default(up, "policies", || json!([policy("Pods", 4), policy("Percent", 100)]), false);
    let down = inner(behavior, "scaleDown");
    default(down, "selectPolicy", || "Max".into(), false);
    default(down, "policies", || json!([policy("Percent", 100)]), false);
}
