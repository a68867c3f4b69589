//! Services, configuration, storage, access, and the other kinds without pods.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Errors, pod, workload};
use crate::quantity::Quantity;
use crate::{name, object};

/// The most that a ConfigMap or Secret may hold, in bytes.
const MAX_DATA: usize = 1024 * 1024;

pub(super) fn check(object: &Value, errors: &mut Errors) {
    match object::kind(object) {
        "Service" => check_service(object, errors),
        "ConfigMap" => check_config_map(object, errors),
        "Secret" => check_secret(object, errors),
        "PersistentVolumeClaim" => check_claim_spec(&object["spec"], "spec", errors),
        "Role" | "ClusterRole" => check_rules(object, errors),
        "RoleBinding" | "ClusterRoleBinding" => check_binding(object, errors),
        "PodDisruptionBudget" => check_budget(object, errors),
        "CustomResourceDefinition" => check_definition(object, errors),
        _ => {}
    }
}

pub(super) fn check_update(object: &Value, old: &Value, errors: &mut Errors) {
    let is_immutable = object::at(old, &["immutable"]) == Some(&Value::Bool(true));
    let text = "field is immutable when `immutable` is set";
    match object::kind(object) {
        "ConfigMap" | "Secret" => {
            if object::kind(object) == "Secret" {
                errors.immutable("type", object, old, &["type"], "field is immutable");
            }
            if is_immutable {
                if object::at(object, &["immutable"]) != Some(&Value::Bool(true)) {
                    errors.forbidden("immutable", text);
                }
                for name in ["data", "binaryData"] {
                    if object::at(object, &[name]) != object::at(old, &[name]) {
                        errors.forbidden(name, text);
                    }
                }
            }
        }
        "Service" => {
            let address = |object: &Value| object::text(object, &["spec", "clusterIP"]).to_owned();
            let external = |object: &Value| object::text(object, &["spec", "type"]) == "ExternalName";
            if !address(old).is_empty() && !external(object) && !external(old) && address(object) != address(old) {
                errors.invalid(
                    "spec.clusterIPs[0]",
                    &Value::Array(vec![address(object).into()]),
                    "may not change once set",
                );
            }
        }
        "PersistentVolumeClaim" => check_claim_update(object, old, errors),
        _ => {}
    }
}

fn check_service(object: &Value, errors: &mut Errors) {
    let spec = &object["spec"];
    let kind = object::text(spec, &["type"]);
    let ports = object::list(spec, &["ports"]);
    let headless = object::text(spec, &["clusterIP"]) == "None";
    if !["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"].contains(&kind) {
        errors.not_supported("spec.type", &kind.into(), &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]);
    }
    if ports.is_empty() && !headless && kind != "ExternalName" {
        errors.required("spec.ports", "");
    }
    match kind {
        "LoadBalancer" | "NodePort" if headless => {
            let text = format!("may not be set to 'None' for {kind} services");
            errors.invalid("spec.clusterIPs[0]", &"None".into(), &text);
        }
        "ExternalName" => {
            let external = object::text(spec, &["externalName"]).trim_end_matches('.');
            if external.is_empty() {
                errors.required("spec.externalName", "");
            } else {
                errors.all_invalid("spec.externalName", external, name::subdomain_problems(external));
            }
        }
        _ => {}
    }
    let (mut names, mut seen, mut node_ports) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (index, port) in ports.iter().enumerate() {
        let at = format!("spec.ports[{index}]");
        let name = object::text(port, &["name"]);
        if name.is_empty() && ports.len() > 1 {
            errors.required(format!("{at}.name"), "");
        } else if !name.is_empty() {
            errors.all_invalid(&format!("{at}.name"), name, name::label_problems(name));
            if !names.insert(name) {
                errors.duplicate(format!("{at}.name"), name);
            }
        }
        let number = object::integer(port, &["port"]).unwrap_or(0);
        pod::check_port_number(number, &format!("{at}.port"), errors);
        let protocol = object::text(port, &["protocol"]);
        if !["SCTP", "TCP", "UDP"].contains(&protocol) {
            errors.not_supported(format!("{at}.protocol"), &protocol.into(), &["SCTP", "TCP", "UDP"]);
        }
        if !headless {
            pod::check_port(object::at(port, &["targetPort"]), &format!("{at}.targetPort"), errors);
        }
        if !seen.insert((protocol, number)) {
            let value = serde_json::json!({"port": number, "protocol": protocol, "targetPort": 0});
            errors.push(&at, super::Fault::Duplicate, value.to_string(), "");
        }
        let node_port = object::integer(port, &["nodePort"]).unwrap_or(0);
        if node_port != 0 && kind == "ClusterIP" {
            errors.forbidden(format!("{at}.nodePort"), "may not be used when `type` is 'ClusterIP'");
        } else if node_port != 0 && !node_ports.insert((protocol, node_port)) {
            errors.push(format!("{at}.nodePort"), super::Fault::Duplicate, node_port.to_string(), "");
        }
    }
    super::metadata::labels(object::at(spec, &["selector"]), "spec.selector", errors);
    let affinity = object::text(spec, &["sessionAffinity"]);
    if !["ClientIP", "None"].contains(&affinity) {
        errors.not_supported("spec.sessionAffinity", &affinity.into(), &["ClientIP", "None"]);
    }
}

fn check_config_map(object: &Value, errors: &mut Errors) {
    let empty = Map::new();
    let map = |name: &str| object::at(object, &[name]).and_then(Value::as_object).unwrap_or(&empty);
    let (data, binary) = (map("data"), map("binaryData"));
    let mut size = 0;
    for (list, values) in [("data", data), ("binaryData", binary)] {
        for (key, value) in values {
            errors.all_invalid(&format!("{list}[{key}]"), key, name::config_key_problems(key));
            let length = value.as_str().map_or(0, str::len);
            // Base64 takes four characters for three bytes.
            size += if list == "data" { length } else { length / 4 * 3 };
            if list == "data" && binary.contains_key(key) {
                errors.invalid(format!("data[{key}]"), &key.as_str().into(), "duplicate of key present in binaryData");
            }
        }
    }
    if size > MAX_DATA {
        errors.too_long("[]", MAX_DATA);
    }
}

fn check_secret(object: &Value, errors: &mut Errors) {
    let empty = Map::new();
    let data = object::at(object, &["data"]).and_then(Value::as_object).unwrap_or(&empty);
    let mut size = 0;
    for (key, value) in data {
        errors.all_invalid(&format!("data[{key}]"), key, name::config_key_problems(key));
        size += value.as_str().map_or(0, str::len) / 4 * 3;
    }
    if size > MAX_DATA {
        errors.too_long("data", MAX_DATA);
    }
    let mut need = |keys: &[&str]| {
        for key in keys.iter().filter(|key| !data.contains_key(**key)) {
            errors.required(format!("data[{key}]"), "");
        }
    };
    match object::text(object, &["type"]) {
        "kubernetes.io/tls" => need(&["tls.crt", "tls.key"]),
        "kubernetes.io/dockerconfigjson" => need(&[".dockerconfigjson"]),
        "kubernetes.io/dockercfg" => need(&[".dockercfg"]),
        "kubernetes.io/ssh-auth" => need(&["ssh-privatekey"]),
        "kubernetes.io/basic-auth" if !data.contains_key("username") && !data.contains_key("password") => {
            need(&["username", "password"])
        }
        "kubernetes.io/service-account-token"
            if object::annotation(object, "kubernetes.io/service-account.name").unwrap_or("").is_empty() =>
        {
            errors.required("metadata.annotations[kubernetes.io/service-account.name]", "");
        }
        _ => {}
    }
}

const ACCESS_MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/// A volume claim's spec at `field`.
pub(super) fn check_claim_spec(spec: &Value, field: &str, errors: &mut Errors) {
    let modes = object::list(spec, &["accessModes"]);
    if modes.is_empty() {
        errors.required(format!("{field}.accessModes"), "at least 1 access mode is required");
    }
    for mode in modes.iter().filter(|mode| !ACCESS_MODES.iter().any(|known| mode.as_str() == Some(known))) {
        errors.not_supported(format!("{field}.accessModes"), mode, &ACCESS_MODES);
    }
    if modes.len() > 1 && modes.iter().any(|mode| mode == "ReadWriteOncePod") {
        errors.forbidden(format!("{field}.accessModes"), "may not use ReadWriteOncePod with other access modes");
    }
    match object::at(spec, &["resources", "requests", "storage"]).map(Quantity::from_value) {
        None => errors.required(format!("{field}.resources[storage]"), ""),
        Some(Ok(size)) if size.is_zero() || size.is_negative() => {
            errors.invalid(
                format!("{field}.resources[storage]"),
                &size.to_string().into(),
                "must be greater than zero",
            );
        }
        _ => {}
    }
    let class = object::text(spec, &["storageClassName"]);
    if !class.is_empty() {
        errors.all_invalid(&format!("{field}.storageClassName"), class, name::subdomain_problems(class));
    }
}

fn check_claim_update(object: &Value, old: &Value, errors: &mut Errors) {
    let storage = |object: &Value| {
        object::at(object, &["spec", "resources", "requests", "storage"])
            .and_then(|size| Quantity::from_value(size).ok())
    };
    let bound = object::text(object, &["status", "phase"]) == "Bound";
    let unset = object::text(old, &["spec", "volumeName"]).is_empty();
    let fixed = |object: &Value| {
        let mut spec = object["spec"].clone();
        if let Some(fields) = spec.as_object_mut() {
            if unset {
                fields.remove("volumeName");
            }
            if bound {
                fields.remove("volumeAttributesClassName");
            }
        }
        if let (true, Some(requests)) = (bound, spec.pointer_mut("/resources/requests").and_then(Value::as_object_mut))
        {
            requests.remove("storage");
        }
        spec
    };
    if fixed(object) != fixed(old) {
        errors.forbidden("spec", "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n");
    }
    let capacity = object::at(old, &["status", "capacity", "storage"])
        .and_then(|size| Quantity::from_value(size).ok())
        .unwrap_or_default();
    if let (Some(new), Some(old)) = (storage(object), storage(old))
        && new < old
        && new <= capacity
    {
        errors.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity");
    }
}

fn check_rules(object: &Value, errors: &mut Errors) {
    for (index, rule) in object::list(object, &["rules"]).iter().enumerate() {
        let at = format!("rules[{index}]");
        let is_empty = |name: &str| object::list(rule, &[name]).is_empty();
        if is_empty("verbs") {
            errors.required(format!("{at}.verbs"), "verbs must contain at least one value");
        }
        if !is_empty("nonResourceURLs") {
            if object::kind(object) == "Role" {
                let urls = object::at(rule, &["nonResourceURLs"]).unwrap_or(&Value::Null);
                errors.invalid(
                    format!("{at}.nonResourceURLs"),
                    urls,
                    "namespaced rules cannot apply to non-resource URLs",
                );
            }
            if !is_empty("apiGroups") || !is_empty("resources") || !is_empty("resourceNames") {
                let urls = object::at(rule, &["nonResourceURLs"]).unwrap_or(&Value::Null);
                errors.invalid(
                    format!("{at}.nonResourceURLs"),
                    urls,
                    "rules cannot apply to both regular resources and non-resource URLs",
                );
            }
            continue;
        }
        if is_empty("apiGroups") {
            errors.required(format!("{at}.apiGroups"), "resource rules must supply at least one api group");
        }
        if is_empty("resources") {
            errors.required(format!("{at}.resources"), "resource rules must supply at least one resource");
        }
    }
}

fn check_binding(object: &Value, errors: &mut Errors) {
    let role = |name: &str| object::text(object, &["roleRef", name]);
    if role("apiGroup") != "rbac.authorization.k8s.io" {
        errors.not_supported("roleRef.apiGroup", &role("apiGroup").into(), &["rbac.authorization.k8s.io"]);
    }
    let kinds: &[&str] =
        if object::kind(object) == "RoleBinding" { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&role("kind")) {
        errors.not_supported("roleRef.kind", &role("kind").into(), kinds);
    }
    if role("name").is_empty() {
        errors.required("roleRef.name", "");
    }
    for (index, subject) in object::list(object, &["subjects"]).iter().enumerate() {
        let at = format!("subjects[{index}]");
        let text = |name: &str| object::text(subject, &[name]);
        if text("name").is_empty() {
            errors.required(format!("{at}.name"), "");
        }
        match text("kind") {
            "ServiceAccount" => {
                if !text("name").is_empty() {
                    errors.all_invalid(&format!("{at}.name"), text("name"), name::subdomain_problems(text("name")));
                }
                if !text("apiGroup").is_empty() {
                    errors.not_supported(format!("{at}.apiGroup"), &text("apiGroup").into(), &[""]);
                }
                if text("namespace").is_empty() {
                    errors.required(format!("{at}.namespace"), "");
                }
            }
            "User" | "Group" => {
                if text("apiGroup") != "rbac.authorization.k8s.io" {
                    errors.not_supported(
                        format!("{at}.apiGroup"),
                        &text("apiGroup").into(),
                        &["rbac.authorization.k8s.io"],
                    );
                }
            }
            other => errors.not_supported(format!("{at}.kind"), &other.into(), &["ServiceAccount", "User", "Group"]),
        }
    }
}

fn check_budget(object: &Value, errors: &mut Errors) {
    let spec = &object["spec"];
    let (least, most) = (object::at(spec, &["minAvailable"]), object::at(spec, &["maxUnavailable"]));
    if least.is_some() && most.is_some() {
        errors.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set");
    }
    workload::check_int_or_percent(least, "spec.minAvailable", errors);
    workload::check_int_or_percent(most, "spec.maxUnavailable", errors);
    if let Some(selector) = object::at(spec, &["selector"]) {
        workload::check_label_selector(selector, "spec.selector", errors);
    }
}

fn check_definition(object: &Value, errors: &mut Errors) {
    let spec = &object["spec"];
    let text = |path: &[&str]| object::text(spec, path);
    let (group, plural, kind) = (text(&["group"]), text(&["names", "plural"]), text(&["names", "kind"]));
    let expected = format!("{plural}.{group}");
    if object::name(object) != expected {
        errors.invalid("metadata.name", &object::name(object).into(), "must be spec.names.plural+\".\"+spec.group");
    }
    if group.is_empty() {
        errors.required("spec.group", "");
    } else if !group.contains('.') {
        errors.invalid("spec.group", &group.into(), "should be a domain with at least one dot");
    }
    for (field, value) in [("spec.names.plural", plural), ("spec.names.kind", kind)] {
        if value.is_empty() {
            errors.required(field, "");
        }
    }
    if !["Cluster", "Namespaced"].contains(&text(&["scope"])) {
        errors.not_supported("spec.scope", &text(&["scope"]).into(), &["Cluster", "Namespaced"]);
    }
    let versions = object::list(spec, &["versions"]);
    let stored = versions.iter().filter(|version| version.get("storage") == Some(&Value::Bool(true))).count();
    if stored != 1 {
        errors.invalid(
            "spec.versions",
            &object["spec"]["versions"],
            "must have exactly one version marked as storage version",
        );
    }
    for (index, version) in versions.iter().enumerate() {
        if object::at(version, &["schema", "openAPIV3Schema"]).is_none() {
            errors.required(format!("spec.versions[{index}].schema.openAPIV3Schema"), "schemas are required");
        }
    }
}
