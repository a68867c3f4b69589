//! Secrets, ConfigMaps and claims that a pod names, and which of them are missing.

use serde_json::Value;

use crate::key::resource;
use crate::view::View;

/// What keeps a pod's volumes from being mounted, as the kubelet's `FailedMount` says it.
pub(super) fn unmountable(view: &View<'_>, pod: &Value) -> Option<String> {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or("");
    for volume in pod["spec"]["volumes"].as_array().into_iter().flatten() {
        let name = volume["name"].as_str().unwrap_or("");
        let failed = |because: String| Some(format!("MountVolume.SetUp failed for volume \"{name}\" : {because}"));
        let secret = &volume["secret"];
        if let Some(missing) = missing(view, namespace, resource::SECRETS, secret, "secretName") {
            return failed(missing);
        }
        if let Some(missing) = missing(view, namespace, resource::CONFIG_MAPS, &volume["configMap"], "name") {
            return failed(missing);
        }
        for source in volume["projected"]["sources"].as_array().into_iter().flatten() {
            for (resource, field) in [(resource::SECRETS, "secret"), (resource::CONFIG_MAPS, "configMap")] {
                // Every namespace has this one; a pod may be faster.
                if source[field]["name"] == "kube-root-ca.crt" {
                    continue;
                }
                if let Some(missing) = missing(view, namespace, resource, &source[field], "name") {
                    return failed(missing);
                }
            }
        }
        if let Some(claim) = volume["persistentVolumeClaim"]["claimName"].as_str() {
            let found = view.get(resource::PERSISTENT_VOLUME_CLAIMS, namespace, claim);
            if found.is_none_or(|claim| claim["status"]["phase"] != "Bound") {
                return Some(format!(
                    "Unable to attach or mount volumes: unmounted volumes=[{name}]: claim is not bound"
                ));
            }
        }
    }
    None
}

/// What keeps a container's environment from being made, as `CreateContainerConfigError` says it.
pub(super) fn unresolvable(view: &View<'_>, pod: &Value, container: &Value) -> Option<String> {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or("");
    for variable in container["env"].as_array().into_iter().flatten() {
        let from = &variable["valueFrom"];
        for (resource, field) in [(resource::SECRETS, "secretKeyRef"), (resource::CONFIG_MAPS, "configMapKeyRef")] {
            let missing = missing(view, namespace, resource, &from[field], "name")
                .or_else(|| missing_key(view, namespace, resource, &from[field]));
            if missing.is_some() {
                return missing;
            }
        }
    }
    for source in container["envFrom"].as_array().into_iter().flatten() {
        for (resource, field) in [(resource::SECRETS, "secretRef"), (resource::CONFIG_MAPS, "configMapRef")] {
            let missing = missing(view, namespace, resource, &source[field], "name");
            if missing.is_some() {
                return missing;
            }
        }
    }
    None
}

fn singular(resource: &str) -> &'static str {
    if resource == resource::SECRETS { "secret" } else { "configmap" }
}

fn missing(view: &View<'_>, namespace: &str, resource: &str, reference: &Value, field: &str) -> Option<String> {
    let name = reference[field].as_str().filter(|_| reference["optional"] != true)?;
    view.get(resource, namespace, name).is_none().then(|| format!("{} \"{name}\" not found", singular(resource)))
}

fn missing_key(view: &View<'_>, namespace: &str, resource: &str, reference: &Value) -> Option<String> {
    let name = reference["name"].as_str().filter(|_| reference["optional"] != true)?;
    let key = reference["key"].as_str()?;
    let object = view.get(resource, namespace, name)?;
    let has = |data: &str| object[data].get(key).is_some();
    if has("data") || has("stringData") || has("binaryData") {
        return None;
    }
    let kind = if resource == resource::SECRETS { "Secret" } else { "ConfigMap" };
    Some(format!("couldn't find key {key} in {kind} {namespace}/{name}"))
}
