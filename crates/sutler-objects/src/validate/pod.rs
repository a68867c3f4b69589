//! Pods and their templates.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Errors, metadata};
use crate::quantity::Quantity;
use crate::{name, object};

/// Whose spec it is: a few rules differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Of {
    Pod,
    Template,
}

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

/// A pod template at `field`. Claims of a StatefulSet's templates are volumes as well: their names are `claims`.
pub(super) fn check_template(template: &Value, field: &str, claims: &[&str], errors: &mut Errors) {
    metadata::labels(object::at(template, &["metadata", "labels"]), &format!("{field}.labels"), errors);
    metadata::annotations(object::at(template, &["metadata", "annotations"]), &format!("{field}.annotations"), errors);
    check_spec_with(&template["spec"], &format!("{field}.spec"), Of::Template, claims, errors);
}

pub(super) fn check_spec(spec: &Value, field: &str, of: Of, errors: &mut Errors) {
    check_spec_with(spec, field, of, &[], errors);
}

fn check_spec_with(spec: &Value, field: &str, of: Of, claims: &[&str], errors: &mut Errors) {
    let mut volumes: BTreeSet<&str> = claims.iter().copied().collect();
    for (index, volume) in object::list(spec, &["volumes"]).iter().enumerate() {
        let at = format!("{field}.volumes[{index}]");
        let name = object::text(volume, &["name"]);
        check_label_name(name, &format!("{at}.name"), errors);
        if !name.is_empty() && !volumes.insert(name) && !claims.contains(&name) {
            errors.duplicate(format!("{at}.name"), name);
        }
        check_volume(volume, &at, errors);
    }
    let containers = object::list(spec, &["containers"]);
    if containers.is_empty() {
        errors.required(format!("{field}.containers"), "");
    }
    let mut names = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        let at = format!("{field}.containers[{index}]");
        check_container(container, &at, &volumes, errors);
        let name = object::text(container, &["name"]);
        if !names.insert(name) {
            errors.duplicate(format!("{at}.name"), name);
        }
    }
    check_host_ports(containers, &format!("{field}.containers"), errors);
    for (index, container) in object::list(spec, &["initContainers"]).iter().enumerate() {
        let at = format!("{field}.initContainers[{index}]");
        check_container(container, &at, &volumes, errors);
        let name = object::text(container, &["name"]);
        if !names.insert(name) {
            errors.duplicate(format!("{at}.name"), name);
        }
        let sidecar = object::text(container, &["restartPolicy"]) == "Always";
        for probe in ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] {
            if !sidecar && object::at(container, &[probe]).is_some() {
                errors.forbidden(
                    format!("{at}.{probe}"),
                    "may not be set for init containers without restartPolicy=Always",
                );
            }
        }
    }
    one_of(spec, "restartPolicy", field, &["Always", "OnFailure", "Never"], errors);
    one_of(spec, "dnsPolicy", field, &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], errors);
    metadata::labels(object::at(spec, &["nodeSelector"]), &format!("{field}.nodeSelector"), errors);
    errors.non_negative(
        format!("{field}.terminationGracePeriodSeconds"),
        object::at(spec, &["terminationGracePeriodSeconds"]),
    );
    let account = object::text(spec, &["serviceAccountName"]);
    if !account.is_empty() {
        errors.all_invalid(&format!("{field}.serviceAccountName"), account, name::subdomain_problems(account));
    }
    let node = object::text(spec, &["nodeName"]);
    if !node.is_empty() {
        errors.all_invalid(&format!("{field}.nodeName"), node, name::subdomain_problems(node));
    }
    check_tolerations(spec, field, errors);
    if of == Of::Pod && object::text(spec, &["hostname"]).len() > 63 {
        errors.all_invalid(
            &format!("{field}.hostname"),
            object::text(spec, &["hostname"]),
            name::label_problems(object::text(spec, &["hostname"])),
        );
    }
}

fn check_label_name(name: &str, field: &str, errors: &mut Errors) {
    if name.is_empty() {
        errors.required(field, "");
    } else {
        errors.all_invalid(field, name, name::label_problems(name));
    }
}

fn one_of(value: &Value, key: &str, field: &str, supported: &[&str], errors: &mut Errors) {
    match object::text(value, &[key]) {
        "" => errors.required(format!("{field}.{key}"), ""),
        given if supported.contains(&given) => {}
        given => {
            let mut sorted = supported.to_vec();
            sorted.sort_unstable();
            errors.not_supported(format!("{field}.{key}"), &given.into(), &sorted);
        }
    }
}

fn check_volume(volume: &Value, at: &str, errors: &mut Errors) {
    let sources: Vec<&String> = volume
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, value)| *key != "name" && !value.is_null())
        .map(|(key, _)| key)
        .collect();
    for source in sources.iter().skip(1) {
        errors.forbidden(format!("{at}.{source}"), "may not specify more than 1 volume type");
    }
    if sources.is_empty() {
        errors.required(at, "must specify a volume type");
    }
    for (source, key) in
        [("secret", "secretName"), ("configMap", "name"), ("persistentVolumeClaim", "claimName"), ("hostPath", "path")]
    {
        if volume.get(source).is_some_and(|value| !value.is_null()) && object::text(volume, &[source, key]).is_empty() {
            errors.required(format!("{at}.{source}.{key}"), "");
        }
    }
}

fn check_container(container: &Value, at: &str, volumes: &BTreeSet<&str>, errors: &mut Errors) {
    check_label_name(object::text(container, &["name"]), &format!("{at}.name"), errors);
    if object::text(container, &["image"]).is_empty() {
        errors.required(format!("{at}.image"), "");
    }
    one_of(container, "terminationMessagePolicy", at, &["File", "FallbackToLogsOnError"], errors);
    check_ports(container, at, errors);
    for (index, variable) in object::list(container, &["env"]).iter().enumerate() {
        let field = format!("{at}.env[{index}]");
        match object::text(variable, &["name"]) {
            "" => errors.required(format!("{field}.name"), ""),
            name => errors.all_invalid(&format!("{field}.name"), name, name::environment_problems(name)),
        }
        let from = object::at(variable, &["valueFrom"]).and_then(Value::as_object);
        if let Some(from) = from {
            let sources = from.values().filter(|value| !value.is_null()).count();
            if sources == 0 {
                let text = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`";
                errors.invalid(format!("{field}.valueFrom"), &"".into(), text);
            } else if !object::text(variable, &["value"]).is_empty() {
                errors.invalid(
                    format!("{field}.valueFrom"),
                    &"".into(),
                    "may not be specified when `value` is not empty",
                );
            } else if sources > 1 {
                errors.invalid(
                    format!("{field}.valueFrom"),
                    &"".into(),
                    "may not have more than one field specified at a time",
                );
            }
        }
    }
    let mut paths = BTreeSet::new();
    for (index, mount) in object::list(container, &["volumeMounts"]).iter().enumerate() {
        let field = format!("{at}.volumeMounts[{index}]");
        let (name, path) = (object::text(mount, &["name"]), object::text(mount, &["mountPath"]));
        if name.is_empty() {
            errors.required(format!("{field}.name"), "");
        }
        if !volumes.contains(name) {
            errors.not_found(format!("{field}.name"), name);
        }
        if path.is_empty() {
            errors.required(format!("{field}.mountPath"), "");
        }
        if !paths.insert(path) {
            errors.invalid(format!("{field}.mountPath"), &path.into(), "must be unique");
        }
    }
    one_of(container, "imagePullPolicy", at, &["Always", "IfNotPresent", "Never"], errors);
    check_resources(&container["resources"], &format!("{at}.resources"), errors);
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(value) = object::at(container, &[probe]) {
            check_probe(value, probe, &format!("{at}.{probe}"), errors);
        }
    }
}

fn check_ports(container: &Value, at: &str, errors: &mut Errors) {
    let mut names = BTreeSet::new();
    for (index, port) in object::list(container, &["ports"]).iter().enumerate() {
        let field = format!("{at}.ports[{index}]");
        let name = object::text(port, &["name"]);
        if !name.is_empty() {
            let problems = name::port_name_problems(name);
            if problems.is_empty() && !names.insert(name) {
                errors.duplicate(format!("{field}.name"), name);
            }
            errors.all_invalid(&format!("{field}.name"), name, problems);
        }
        match object::integer(port, &["containerPort"]).unwrap_or(0) {
            0 => errors.required(format!("{field}.containerPort"), ""),
            number => check_port_number(number, &format!("{field}.containerPort"), errors),
        }
        match object::integer(port, &["hostPort"]).unwrap_or(0) {
            0 => {}
            number => check_port_number(number, &format!("{field}.hostPort"), errors),
        }
        one_of(port, "protocol", &field, &PROTOCOLS, errors);
    }
}

pub(super) fn check_port_number(number: i64, field: &str, errors: &mut Errors) {
    for problem in name::port_number_problems(number) {
        errors.invalid(field, &number.into(), &problem);
    }
}

/// A port by number or by name.
pub(super) fn check_port(port: Option<&Value>, field: &str, errors: &mut Errors) {
    match port {
        Some(Value::String(name)) => errors.all_invalid(field, name, name::port_name_problems(name)),
        other => check_port_number(other.and_then(Value::as_i64).unwrap_or(0), field, errors),
    }
}

fn check_host_ports(containers: &[Value], field: &str, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        for (at, port) in object::list(container, &["ports"]).iter().enumerate() {
            let number = object::integer(port, &["hostPort"]).unwrap_or(0);
            let key = format!("{}/{}/{number}", object::text(port, &["protocol"]), object::text(port, &["hostIP"]));
            if number != 0 && !seen.insert(key.clone()) {
                errors.duplicate(format!("{field}[{index}].ports[{at}].hostPort"), &key);
            }
        }
    }
}

fn check_resources(resources: &Value, field: &str, errors: &mut Errors) {
    let empty = Map::new();
    let map = |name: &str| object::at(resources, &[name]).and_then(Value::as_object).unwrap_or(&empty);
    let (limits, requests) = (map("limits"), map("requests"));
    for (list, values) in [("limits", limits), ("requests", requests)] {
        for (resource, value) in values {
            let at = format!("{field}.{list}[{resource}]");
            errors.all_invalid(&at, resource, name::label_key_problems(resource));
            let known = resource.contains('/')
                || ["cpu", "memory", "ephemeral-storage"].contains(&resource.as_str())
                || resource.starts_with("hugepages-");
            if !known && name::label_key_problems(resource).is_empty() {
                errors.invalid(&at, &resource.as_str().into(), "must be a standard resource for containers");
            }
            if let Ok(quantity) = Quantity::from_value(value) {
                if quantity.is_negative() {
                    errors.invalid(&at, &quantity.to_string().into(), "must be greater than or equal to 0");
                } else if resource.contains('/') && quantity.millis() % 1000 != 0 {
                    errors.invalid(&at, &quantity.to_string().into(), "must be an integer");
                }
            }
        }
    }
    for (resource, value) in requests {
        let Ok(request) = Quantity::from_value(value) else { continue };
        let overcommit = !resource.contains('/') && !resource.starts_with("hugepages-");
        match limits.get(resource).map(Quantity::from_value) {
            Some(Ok(limit)) if !overcommit && request != limit => {
                errors.invalid(
                    format!("{field}.requests"),
                    &request.to_string().into(),
                    &format!("must be equal to {resource} limit of {limit}"),
                );
            }
            Some(Ok(limit)) if request > limit => {
                errors.invalid(
                    format!("{field}.requests"),
                    &request.to_string().into(),
                    &format!("must be less than or equal to {resource} limit of {limit}"),
                );
            }
            None if !overcommit => {
                errors.required(format!("{field}.limits"), "Limit must be set for non overcommitable resources")
            }
            _ => {}
        }
    }
}

fn check_probe(probe: &Value, name: &str, field: &str, errors: &mut Errors) {
    let handlers: Vec<&str> = ["exec", "httpGet", "tcpSocket", "grpc"]
        .into_iter()
        .filter(|handler| object::at(probe, &[handler]).is_some())
        .collect();
    match handlers.as_slice() {
        [] => errors.required(field, "must specify a handler type"),
        [_, more @ ..] => more.iter().for_each(|handler| {
            errors.forbidden(format!("{field}.{handler}"), "may not specify more than 1 handler type")
        }),
    }
    if object::at(probe, &["exec"]).is_some_and(|exec| object::list(exec, &["command"]).is_empty()) {
        errors.required(format!("{field}.exec.command"), "");
    }
    for handler in ["httpGet", "tcpSocket"] {
        if let Some(value) = object::at(probe, &[handler]) {
            check_port(object::at(value, &["port"]), &format!("{field}.{handler}.port"), errors);
        }
    }
    for number in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
        errors.non_negative(format!("{field}.{number}"), object::at(probe, &[number]));
    }
    let threshold = object::integer(probe, &["successThreshold"]).unwrap_or(1);
    if name != "readinessProbe" && threshold != 1 {
        errors.invalid(format!("{field}.successThreshold"), &threshold.into(), "must be 1");
    }
}

fn check_tolerations(spec: &Value, field: &str, errors: &mut Errors) {
    for (index, toleration) in object::list(spec, &["tolerations"]).iter().enumerate() {
        let at = format!("{field}.tolerations[{index}]");
        let text = |key: &str| object::text(toleration, &[key]);
        if !text("key").is_empty() {
            errors.all_invalid(&format!("{at}.key"), text("key"), name::label_key_problems(text("key")));
        } else if text("operator") != "Exists" {
            errors.invalid(
                format!("{at}.operator"),
                &text("operator").into(),
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
            );
        }
        match text("operator") {
            "" | "Equal" => {
                errors.all_invalid(&format!("{at}.operator"), text("value"), name::label_value_problems(text("value")))
            }
            "Exists" if !text("value").is_empty() => {
                errors.invalid(format!("{at}.operator"), toleration, "value must be empty when `operator` is 'Exists'");
            }
            "Exists" => {}
            other => errors.not_supported(format!("{at}.operator"), &other.into(), &["Equal", "Exists"]),
        }
        if !["", "NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&text("effect")) {
            errors.not_supported(
                format!("{at}.effect"),
                &text("effect").into(),
                &["NoSchedule", "PreferNoSchedule", "NoExecute"],
            );
        }
        if object::at(toleration, &["tolerationSeconds"]).is_some() && text("effect") != "NoExecute" {
            errors.invalid(
                format!("{at}.effect"),
                &text("effect").into(),
                "effect must be 'NoExecute' when `tolerationSeconds` is set",
            );
        }
    }
}

/// A pod's spec stays as it is, but for images, deadlines, gates and added tolerations. A node may be chosen once (the
/// API does that by a binding, which is an update of the stored object all the same).
pub(super) fn check_update(object: &Value, old: &Value, errors: &mut Errors) {
    let (spec, before) = (&object["spec"], &old["spec"]);
    for list in ["containers", "initContainers"] {
        if object::list(spec, &[list]).len() != object::list(before, &[list]).len() {
            errors.forbidden(format!("spec.{list}"), "pod updates may not add or remove containers");
            return;
        }
    }
    let tolerations = object::list(spec, &["tolerations"]);
    if object::list(before, &["tolerations"]).iter().any(|toleration| !tolerations.contains(toleration)) {
        errors.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds");
    }
    let fixed = |spec: &Value| {
        let mut spec = spec.clone();
        for list in ["containers", "initContainers"] {
            for container in
                spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
            {
                container.remove("image");
            }
        }
        if let Some(spec) = spec.as_object_mut() {
            for name in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
                spec.remove(name);
            }
        }
        spec
    };
    if fixed(spec) != fixed(before) {
        let allowed = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
            `spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        errors.forbidden("spec", &format!("pod updates may not change fields other than {allowed}\n"));
    }
}
