//! Steps that every new pod passes.

use serde_json::{Value, json};
use sutler_access::webhook;

use crate::controllers::{Admission, Operation, Review};
use crate::key::resource;
use crate::status::Refusal;
use crate::view::View;

/// Whether a new pod is being written.
fn is_new_pod(review: &Review<'_>) -> bool {
    review.resource == resource::PODS && review.subresource.is_empty() && review.operation == Operation::Create
}

fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or("")
}

fn forbidden(pod: &Value, because: &str) -> Refusal {
    let metadata = &pod["metadata"];
    let name = metadata["name"].as_str().or(metadata["generateName"].as_str()).unwrap_or("");
    Refusal::forbidden(resource::PODS, name, because)
}

/// The containers of a pod, both kinds.
fn containers(pod: &mut Value) -> impl Iterator<Item = &mut Value> {
    let spec = pod.get_mut("spec").and_then(Value::as_object_mut);
    spec.into_iter()
        .flat_map(|spec| spec.iter_mut())
        .filter(|(field, _)| matches!(field.as_str(), "containers" | "initContainers"))
        .flat_map(|(_, list)| list.as_array_mut().into_iter().flatten())
        .filter(|container| container.is_object())
}

fn append(list: &mut Value, item: Value) {
    match list {
        Value::Array(items) => items.push(item),
        other => *other = json!([item]),
    }
}

/// The plugin `ServiceAccount`.
pub(crate) struct ServiceAccounts;

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

impl Admission for ServiceAccounts {
    fn name(&self) -> &'static str {
        "ServiceAccount"
    }

    fn admit(&self, review: &mut Review<'_>, view: &View<'_>) -> Result<(), Refusal> {
        if !is_new_pod(review) || !review.object["spec"].is_object() {
            return Ok(());
        }
        let pod = &mut *review.object;
        let spec = &pod["spec"];
        let name =
            spec["serviceAccountName"].as_str().or(spec["serviceAccount"].as_str()).filter(|name| !name.is_empty());
        let name = name.unwrap_or("default").to_owned();
        let Some(account) = view.get(resource::SERVICE_ACCOUNTS, namespace(pod), &name) else {
            let because = format!(
                "error looking up service account {}/{name}: serviceaccount \"{name}\" not found",
                namespace(pod)
            );
            return Err(forbidden(pod, &because));
        };
        pod["spec"]["serviceAccountName"] = json!(name);
        pod["spec"]["serviceAccount"] = json!(name);
        let pull_secrets = &account["imagePullSecrets"];
        let has_own = pod["spec"]["imagePullSecrets"].as_array().is_some_and(|list| !list.is_empty());
        if !has_own && pull_secrets.is_array() {
            pod["spec"]["imagePullSecrets"] = pull_secrets.clone();
        }
        let mounts =
            [&pod["spec"], account].into_iter().find_map(|object| object["automountServiceAccountToken"].as_bool());
        if mounts.unwrap_or(true) {
            mount_token(pod, view);
        }
        Ok(())
    }
}

fn mount_token(pod: &mut Value, view: &View<'_>) {
    let metadata = &pod["metadata"];
    let salt = format!("token/{}/{}/{}", namespace(pod), metadata["name"], metadata["uid"]);
    let number = view.random(&salt);
    let letters = b"bcdfghjklmnpqrstvwxz2456789";
    let suffix: String =
        (0..5).map(|digit| char::from(letters[usize::try_from((number >> (8 * digit)) % 27).unwrap_or(0)])).collect();
    let volume = format!("kube-api-access-{suffix}");
    let mut is_used = false;
    for container in containers(pod) {
        let mounted = container["volumeMounts"].as_array().into_iter().flatten();
        if !mounted.into_iter().any(|mount| mount["mountPath"] == TOKEN_PATH) {
            let mount = json!({"name": volume, "readOnly": true, "mountPath": TOKEN_PATH});
            append(&mut container["volumeMounts"], mount);
            is_used = true;
        }
    }
    if !is_used {
        return;
    }
    let field = json!({"apiVersion": "v1", "fieldPath": "metadata.namespace"});
    let sources = json!([
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
    ]);
    let projected = json!({"name": volume, "projected": {"defaultMode": 420, "sources": sources}});
    append(&mut pod["spec"]["volumes"], projected);
}

/// The plugin `DefaultTolerationSeconds`.
pub(crate) struct Tolerations;

impl Admission for Tolerations {
    fn name(&self) -> &'static str {
        "DefaultTolerationSeconds"
    }

    fn admit(&self, review: &mut Review<'_>, _view: &View<'_>) -> Result<(), Refusal> {
        // Also when a pod is changed: whoever applies it replaces the list, without what was added to it here.
        let is_written = matches!(review.operation, Operation::Create | Operation::Update);
        let is_pod = review.resource == resource::PODS && review.subresource.is_empty();
        if !is_written || !is_pod || !review.object["spec"].is_object() {
            return Ok(());
        }
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let list = review.object["spec"]["tolerations"].as_array();
            let tolerated = list.into_iter().flatten().any(|toleration| {
                let of_key = toleration["key"] == key || toleration["key"].as_str().unwrap_or("").is_empty();
                of_key && matches!(toleration["effect"].as_str().unwrap_or(""), "" | "NoExecute")
            });
            if !tolerated {
                let toleration =
                    json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
                append(&mut review.object["spec"]["tolerations"], toleration);
            }
        }
        Ok(())
    }
}

/// The plugin `Priority`.
pub(crate) struct Priorities;

impl Admission for Priorities {
    fn name(&self) -> &'static str {
        "Priority"
    }

    fn admit(&self, review: &mut Review<'_>, view: &View<'_>) -> Result<(), Refusal> {
        if !is_new_pod(review) || !review.object["spec"].is_object() {
            return Ok(());
        }
        let pod = &mut *review.object;
        let named = pod["spec"]["priorityClassName"].as_str().filter(|name| !name.is_empty()).map(str::to_owned);
        let class = match &named {
            Some(name) => view.get(resource::PRIORITY_CLASSES, "", name),
            None => view.list(resource::PRIORITY_CLASSES).find(|class| class["globalDefault"] == true),
        };
        let built_in = match named.as_deref() {
            Some("system-node-critical") => Some(2_000_001_000),
            Some("system-cluster-critical") => Some(2_000_000_000),
            _ => None,
        };
        let value = match (class.and_then(|class| class["value"].as_i64()), built_in, &named) {
            (Some(value), _, _) | (None, Some(value), _) => value,
            (None, None, None) => 0,
            (None, None, Some(name)) => {
                return Err(forbidden(pod, &format!("no PriorityClass with name {name} was found")));
            }
        };
        if let (None, Some(class)) = (&named, class) {
            pod["spec"]["priorityClassName"] = class["metadata"]["name"].clone();
        }
        pod["spec"]["priority"] = json!(value);
        let policy = class.and_then(|class| class["preemptionPolicy"].as_str()).unwrap_or("PreemptLowerPriority");
        if pod["spec"]["preemptionPolicy"].is_null() {
            pod["spec"]["preemptionPolicy"] = json!(policy);
        }
        Ok(())
    }
}

/// The plugin `LimitRanger`, as far as it gives defaults to containers.
pub(crate) struct Limits;

impl Admission for Limits {
    fn name(&self) -> &'static str {
        "LimitRanger"
    }

    fn admit(&self, review: &mut Review<'_>, view: &View<'_>) -> Result<(), Refusal> {
        if !is_new_pod(review) {
            return Ok(());
        }
        let pod = &mut *review.object;
        let ranges: Vec<&Value> = view.list_in(resource::LIMIT_RANGES, namespace(pod)).collect();
        let limits = ranges.iter().flat_map(|range| range["spec"]["limits"].as_array().into_iter().flatten());
        for limit in limits.filter(|limit| limit["type"] == "Container") {
            for container in containers(pod) {
                for (kind, defaults) in [("limits", &limit["default"]), ("requests", &limit["defaultRequest"])] {
                    for (name, amount) in defaults.as_object().into_iter().flatten() {
                        // A container with a limit of its own asks for that, not for the default.
                        let own_limit = container["resources"]["limits"][name].clone();
                        let amount = if kind == "requests" && own_limit.is_string() { &own_limit } else { amount };
                        if container["resources"][kind][name].is_null() {
                            container["resources"][kind][name] = amount.clone();
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// EKS's pod identity webhook.
pub(crate) struct PodIdentity;

impl Admission for PodIdentity {
    fn name(&self) -> &'static str {
        "pod-identity-webhook.amazonaws.com"
    }

    fn admit(&self, review: &mut Review<'_>, view: &View<'_>) -> Result<(), Refusal> {
        if !is_new_pod(review) {
            return Ok(());
        }
        let pod = &*review.object;
        let name = pod["spec"]["serviceAccountName"].as_str().unwrap_or("default");
        let account = view.get(resource::SERVICE_ACCOUNTS, namespace(pod), name);
        let changed = account.and_then(|account| webhook::mutate(pod, account, &view.cluster().region));
        if let Some(mut changed) = changed {
            // The webhook leaves the mode to the API server's defaults, which come before it here.
            for volume in changed["spec"]["volumes"].as_array_mut().into_iter().flatten() {
                if volume["name"] == webhook::VOLUME_NAME && volume["projected"]["defaultMode"].is_null() {
                    volume["projected"]["defaultMode"] = json!(420);
                }
            }
            *review.object = changed;
        }
        Ok(())
    }
}
