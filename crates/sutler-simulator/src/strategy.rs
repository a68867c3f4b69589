//! What differs from kind to kind when an object is written: what the server sets, keeps, checks, and how deletion goes.
//! As the `strategy.go` files of Kubernetes' registry.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};
use sutler_objects::validate::{self, FieldError};

use crate::controllers::Propagation;
use crate::key::{ObjectKey, resource};
use crate::machine::Machine;
use crate::registry::Served;
use crate::status::{Cause, Refusal};

/// Resources whose `metadata.generation` counts changes of what is wanted.
const WITH_GENERATION: &[&str] = &[
    resource::PODS,
    "podtemplates",
    "replicationcontrollers",
    resource::DEPLOYMENTS,
    resource::REPLICA_SETS,
    resource::STATEFUL_SETS,
    resource::DAEMON_SETS,
    resource::JOBS,
    resource::CRON_JOBS,
    resource::POD_DISRUPTION_BUDGETS,
    resource::PRIORITY_CLASSES,
    resource::ENDPOINT_SLICES,
    resource::CUSTOM_RESOURCE_DEFINITIONS,
    "ingresses.networking.k8s.io",
    "ingressclasses.networking.k8s.io",
    "networkpolicies.networking.k8s.io",
    "csidrivers.storage.k8s.io",
    "flowschemas.flowcontrol.apiserver.k8s.io",
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingadmissionpolicies.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    "deviceclasses.resource.k8s.io",
    "resourceslices.resource.k8s.io",
];

/// Whether `metadata.generation` is kept for a resource.
pub(crate) fn tracks_generation(served: &Served) -> bool {
    served.custom.is_some() || WITH_GENERATION.contains(&served.stored_as.as_str())
}

/// Whether what is wanted of the object differs: all but metadata and status.
pub(crate) fn spec_differs(served: &Served, old: &Value, new: &Value) -> bool {
    let without_status = has_status(served);
    let wanted = |object: &Value| -> Map<String, Value> {
        let fields = object.as_object().into_iter().flatten();
        fields
            .filter(|(name, _)| *name != "metadata" && !(without_status && *name == "status"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    wanted(old) != wanted(new)
}

/// Whether the resource has a status that only its own subresource changes.
pub(crate) fn has_status(served: &Served) -> bool {
    served.resource.subresource("status").is_some()
}

/// Sets what a new object starts with. A controller may create an object with its status (a node of a pool, say).
pub(crate) fn prepare_create(served: &Served, object: &mut Value, trusted: bool) {
    let keeps_status = trusted || matches!(served.stored_as.as_str(), resource::NODES | resource::API_SERVICES);
    if has_status(served) && !keeps_status {
        remove(object, "status");
    }
    match served.stored_as.as_str() {
        resource::NAMESPACES => {
            object["spec"]["finalizers"] = json!(["kubernetes"]);
            object["status"] = json!({"phase": "Active"});
            let name = object["metadata"]["name"].clone();
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
        }
        resource::PODS if object["status"].is_null() => object["status"] = json!({"phase": "Pending"}),
        resource::PERSISTENT_VOLUME_CLAIMS if object["status"].is_null() => {
            object["status"] = json!({"phase": "Pending"})
        }
        resource::PERSISTENT_VOLUMES if object["status"].is_null() => object["status"] = json!({"phase": "Pending"}),
        resource::CUSTOM_RESOURCE_DEFINITIONS => {
            let version = stored_version_of(object);
            object["status"] = json!({"storedVersions": [version]});
        }
        "certificatesigningrequests.certificates.k8s.io" => {
            object["spec"]["username"] = json!("kubernetes-admin");
            object["spec"]["groups"] = json!(["system:masters", "system:authenticated"]);
        }
        _ => {}
    }
    write_string_data(served, object);
}

/// Keeps of the stored object what this part of the API does not change.
pub(crate) fn prepare_update(served: &Served, subresource: &str, old: &Value, object: &mut Value) {
    match subresource {
        "status" => {
            let status = object.get("status").cloned();
            let sent = std::mem::replace(object, old.clone());
            match status {
                Some(status) => object["status"] = status,
                None => remove(object, "status"),
            }
            // A server-side apply of a status brings its managed fields along.
            keep(&sent["metadata"], &mut object["metadata"], "managedFields");
        }
        _ if has_status(served) => keep(old, object, "status"),
        _ => {}
    }
    if served.stored_as == resource::NAMESPACES && subresource != "finalize" {
        keep(&old["spec"], &mut object["spec"], "finalizers");
        object["metadata"]["labels"]["kubernetes.io/metadata.name"] = old["metadata"]["name"].clone();
    }
    write_string_data(served, object);
    if served.stored_as == resource::SERVICES && subresource.is_empty() {
        keep_service_addresses(old, object);
    }
}

/// A Service that is written without its addresses and node ports keeps them, as long as its type still has them.
fn keep_service_addresses(old: &Value, object: &mut Value) {
    let (before, after) = (&old["spec"], &mut object["spec"]);
    if after["type"] == "ExternalName" || before["type"] == "ExternalName" || !after.is_object() {
        return;
    }
    for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        let unset = after[field].is_null() || after[field] == "" || after[field].as_array().is_some_and(Vec::is_empty);
        if unset && !before[field].is_null() {
            after[field] = before[field].clone();
        }
    }
    let has_node_ports = |service: &Value| matches!(service["type"].as_str(), Some("NodePort" | "LoadBalancer"));
    if has_node_ports(before) && has_node_ports(after) {
        let ports = before["ports"].as_array().cloned().unwrap_or_default();
        for port in after["ports"].as_array_mut().into_iter().flatten() {
            let same = |known: &&Value| {
                known["port"] == port["port"]
                    && known["protocol"].as_str().unwrap_or("TCP") == port["protocol"].as_str().unwrap_or("TCP")
            };
            if port["nodePort"].is_null()
                && let Some(known) = ports.iter().find(same)
                && !known["nodePort"].is_null()
            {
                port["nodePort"] = known["nodePort"].clone();
            }
        }
    }
}

/// `stringData` of a Secret is only ever written: it becomes `data`.
fn write_string_data(served: &Served, object: &mut Value) {
    if served.stored_as != resource::SECRETS {
        return;
    }
    let Some(Value::Object(texts)) = object.as_object_mut().and_then(|fields| fields.remove("stringData")) else {
        return;
    };
    if texts.is_empty() {
        return;
    }
    if !object["data"].is_object() {
        object["data"] = json!({});
    }
    for (name, text) in texts {
        object["data"][name] = json!(BASE64.encode(text.as_str().unwrap_or("")));
    }
}

/// Fills in what the API server fills in.
pub(crate) fn fill_defaults(served: &Served, object: &mut Value) {
    sutler_objects::defaults::set_defaults(object, crate::write::type_of(served));
}

/// What is computed from the whole object, once the admission steps have seen it.
pub(crate) fn after_admission(served: &Served, object: &mut Value) {
    if served.stored_as == resource::PODS && object["status"].is_object() && object["status"]["qosClass"].is_null() {
        object["status"]["qosClass"] = json!(qos_class(object));
    }
}

/// The quality-of-service class of a pod, by the CPU and memory of its containers.
pub(crate) fn qos_class(pod: &Value) -> &'static str {
    let lists = [&pod["spec"]["containers"], &pod["spec"]["initContainers"]];
    let containers: Vec<&Value> = lists.into_iter().filter_map(Value::as_array).flatten().collect();
    let amount = |container: &Value, kind: &str, name: &str| {
        container["resources"][kind][name].as_str().map(str::to_string).or_else(|| {
            let number = &container["resources"][kind][name];
            number.is_number().then(|| number.to_string())
        })
    };
    let zero = |text: &String| text.trim_matches(|c: char| c == '0' || c == '.').is_empty();
    let any = containers.iter().any(|container| {
        ["requests", "limits"].iter().any(|kind| {
            ["cpu", "memory"].iter().any(|name| amount(container, kind, name).is_some_and(|text| !zero(&text)))
        })
    });
    if !any {
        return "BestEffort";
    }
    let guaranteed = containers.iter().all(|container| {
        ["cpu", "memory"].iter().all(|name| {
            let limit = amount(container, "limits", name).filter(|text| !zero(text));
            let request = amount(container, "requests", name);
            limit.is_some() && (request.is_none() || request == limit)
        })
    });
    if guaranteed { "Guaranteed" } else { "Burstable" }
}

/// Refuses a new object that is not valid.
pub(crate) fn check_create(machine: &Machine, served: &Served, object: &Value) -> Result<(), Refusal> {
    refuse(served, object, &validate::create(object, served.resource.namespaced))?;
    if served.stored_as == resource::CUSTOM_RESOURCE_DEFINITIONS {
        check_definition(machine, served, object)?;
    }
    Ok(())
}

/// Refuses a change that is not valid.
pub(crate) fn check_update(served: &Served, subresource: &str, old: &Value, object: &Value) -> Result<(), Refusal> {
    if matches!(subresource, "" | "scale" | "resize" | "ephemeralcontainers") {
        refuse(served, object, &validate::update(object, old))?;
    }
    Ok(())
}

fn refuse(served: &Served, object: &Value, errors: &[FieldError]) -> Result<(), Refusal> {
    if errors.is_empty() {
        return Ok(());
    }
    let causes: Vec<Cause> = errors
        .iter()
        .map(|error| Cause { reason: error.fault.reason(), message: error.body(), field: error.field.clone() })
        .collect();
    let name = object["metadata"]["name"].as_str().unwrap_or("");
    Err(Refusal::invalid(&served.resource.group, &served.resource.kind, name, &causes))
}

fn invalid(served: &Served, object: &Value, reason: &'static str, message: &str, field: &str) -> Refusal {
    let cause = Cause { reason, message: message.into(), field: field.into() };
    let name = object["metadata"]["name"].as_str().unwrap_or("");
    Refusal::invalid(&served.resource.group, &served.resource.kind, name, &[cause])
}

/// The parts of a definition that, wrong, would take the name of something else.
fn check_definition(machine: &Machine, served: &Served, object: &Value) -> Result<(), Refusal> {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or("");
    let (group, plural, kind) = (text("/spec/group"), text("/spec/names/plural"), text("/spec/names/kind"));
    let versions = object["spec"]["versions"].as_array().map_or(&[][..], Vec::as_slice);
    for (value, field) in [(group, "spec.group"), (plural, "spec.names.plural"), (kind, "spec.names.kind")] {
        if value.is_empty() {
            return Err(invalid(served, object, "FieldValueRequired", "Required value", field));
        }
    }
    if text("/metadata/name") != format!("{plural}.{group}") {
        let message =
            format!("Invalid value: \"{}\": must be spec.names.plural+\".\"+spec.group", text("/metadata/name"));
        return Err(invalid(served, object, "FieldValueInvalid", &message, "metadata.name"));
    }
    if versions.iter().filter(|version| version["storage"] == true).count() != 1 {
        let message = format!(
            "Invalid value: {}: must have exactly one version marked as storage version",
            Value::from(versions)
        );
        return Err(invalid(served, object, "FieldValueInvalid", &message, "spec.versions"));
    }
    if machine.registry.serves(group, plural)
        && machine.kept.objects.get(&served.stored_as, "", text("/metadata/name")).is_none()
    {
        let message = format!("Forbidden: {plural}.{group} is built in");
        return Err(invalid(served, object, "FieldValueForbidden", &message, "metadata.name"));
    }
    Ok(())
}

fn stored_version_of(definition: &Value) -> Value {
    let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
    versions
        .filter(|version| version["storage"] == true)
        .map(|version| version["name"].clone())
        .next()
        .unwrap_or(json!("v1"))
}

/// Refuses deletions that no cluster allows.
pub(crate) fn check_delete(served: &Served, key: &ObjectKey) -> Result<(), Refusal> {
    let immortal = ["default", "kube-system", "kube-public"];
    if served.stored_as == resource::NAMESPACES && immortal.contains(&key.name.as_str()) {
        return Err(Refusal::forbidden(resource::NAMESPACES, &key.name, "this namespace may not be deleted"));
    }
    Ok(())
}

/// How many seconds an object has between the request to delete it and its end: only pods have any.
pub(crate) fn grace_seconds(served: &Served, object: &Value, wanted: Option<u64>) -> u64 {
    if served.stored_as != resource::PODS {
        return 0;
    }
    let ended = matches!(object["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    if object["spec"]["nodeName"].as_str().unwrap_or("").is_empty() || ended {
        return 0;
    }
    wanted.unwrap_or_else(|| object["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or(30))
}

/// What a deletion does about dependents when nothing is said. Jobs and replication controllers leave them, as they did
/// before there was a choice.
pub(crate) fn default_propagation(served: &Served) -> Propagation {
    match served.stored_as.as_str() {
        resource::JOBS | "replicationcontrollers" => Propagation::Orphan,
        _ => Propagation::Background,
    }
}

/// What else the begin of a deletion changes.
pub(crate) fn on_deletion(served: &Served, object: &mut Value) {
    if served.stored_as == resource::NAMESPACES {
        object["status"]["phase"] = json!("Terminating");
    }
}

/// Whether something has to be done before the object may go.
pub(crate) fn has_finalizers(served: &Served, object: &Value) -> bool {
    let some = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
    some(&object["metadata"]["finalizers"])
        || (served.stored_as == resource::NAMESPACES && some(&object["spec"]["finalizers"]))
}

fn remove(object: &mut Value, field: &str) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove(field);
    }
}

fn keep(old: &Value, object: &mut Value, field: &str) {
    match old.get(field) {
        Some(value) => object[field] = value.clone(),
        None => remove(object, field),
    }
}
