//! Namespaces: what each is given (a service account `default`, the cluster's root certificate), and how one goes away.

use serde_json::{Value, json};

use crate::controllers::{Change, Controller, Deletion, Effects, Queue};
use crate::key::{ObjectKey, resource};
use crate::view::View;

/// Name of the config map with the cluster's root certificate.
const ROOT_CERTIFICATE: &str = "kube-root-ca.crt";
/// The certificate of the model: nothing is ever signed or encrypted by it.
const CERTIFICATE: &str =
    "-----BEGIN CERTIFICATE-----\nU3V0bGVyIHNpbXVsYXRvcjogbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";

pub(super) struct Namespaces;

impl Controller for Namespaces {
    fn name(&self) -> &'static str {
        "namespaces"
    }

    fn on_change(&self, change: &Change, view: &View<'_>, queue: &mut Queue) {
        let namespace = &change.key.namespace;
        if change.is(resource::NAMESPACES) {
            queue.push(change.key.clone());
        } else if change.new.is_none() && !namespace.is_empty() {
            let furniture = matches!(change.key.name.as_str(), "default" | ROOT_CERTIFICATE);
            // Looked at again when it has become empty, and not for each of what may be thousands of objects.
            if furniture || view.objects.count_in(namespace) == 0 {
                queue.push(ObjectKey::new(resource::NAMESPACES, "", namespace));
            }
        }
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let Some(namespace) = view.object(key) else { return };
        if namespace["metadata"]["deletionTimestamp"].is_null() {
            furnish(&key.name, view, effects);
        } else {
            clear(key, namespace, view, effects);
        }
    }
}

/// Gives a namespace what each has.
fn furnish(namespace: &str, view: &View<'_>, effects: &mut Effects) {
    if view.get(resource::SERVICE_ACCOUNTS, namespace, "default").is_none() {
        effects.create(json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace},
        }));
    }
    if view.get(resource::CONFIG_MAPS, namespace, ROOT_CERTIFICATE).is_none() {
        effects.create(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": ROOT_CERTIFICATE, "namespace": namespace,
                "annotations": {"kubernetes.io/description": "Root certificate of the simulated API server. Nothing is signed by it."},
            },
            "data": {"ca.crt": CERTIFICATE},
        }));
    }
}

/// Deletes what is in a namespace that goes away; when nothing is left, lets it go.
fn clear(key: &ObjectKey, namespace: &Value, view: &View<'_>, effects: &mut Effects) {
    let mut left = false;
    for resource in view.objects.resources() {
        for ((_, name), object) in view.objects.list_in(resource, &key.name) {
            left = true;
            if object["metadata"]["deletionTimestamp"].is_null() {
                effects.delete(Deletion::of(ObjectKey::new(resource, &key.name, name)));
            }
        }
    }
    if !left && !namespace["spec"]["finalizers"].as_array().is_none_or(Vec::is_empty) {
        effects.finalize(key.clone());
    }
}
