//! CustomResourceDefinitions: accepted and established at once; what they define goes with them.

use serde_json::{Value, json};

use crate::controllers::{Change, Controller, Deletion, Effects, Queue};
use crate::key::{ObjectKey, resource};
use crate::view::View;
use crate::write::time_text;

/// Keeps a definition until its objects are gone, as the API server does.
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

pub(super) struct Definitions;

impl Controller for Definitions {
    fn name(&self) -> &'static str {
        "custom-resource-definitions"
    }

    fn manager(&self) -> &'static str {
        "kube-apiserver"
    }

    fn on_change(&self, change: &Change, view: &View<'_>, queue: &mut Queue) {
        if change.is(resource::CUSTOM_RESOURCE_DEFINITIONS) {
            queue.push(change.key.clone());
        } else if change.new.is_none() {
            // The last object of a definition that goes away: definitions are named as their resource.
            let key = ObjectKey::new(resource::CUSTOM_RESOURCE_DEFINITIONS, "", &change.key.resource);
            if view.object(&key).is_some_and(|definition| !definition["metadata"]["deletionTimestamp"].is_null()) {
                queue.push(key);
            }
        }
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let Some(definition) = view.object(key) else { return };
        let finalizers = definition["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        let has_cleanup = finalizers.iter().any(|finalizer| finalizer == CLEANUP);
        if definition["metadata"]["deletionTimestamp"].is_null() {
            if !has_cleanup {
                let with: Vec<Value> = finalizers.into_iter().chain([json!(CLEANUP)]).collect();
                effects.patch(key.clone(), json!({"metadata": {"finalizers": with}}));
            }
            establish(key, definition, view, effects);
        } else if has_cleanup {
            let mut left = false;
            for ((namespace, name), object) in view.objects.list(&key.name) {
                left = true;
                if object["metadata"]["deletionTimestamp"].is_null() {
                    effects.delete(Deletion::of(ObjectKey::new(&key.name, namespace, name)));
                }
            }
            if !left {
                let without: Vec<Value> = finalizers.into_iter().filter(|finalizer| *finalizer != CLEANUP).collect();
                effects.patch(key.clone(), json!({"metadata": {"finalizers": without}}));
            }
        }
    }
}

fn establish(key: &ObjectKey, definition: &Value, view: &View<'_>, effects: &mut Effects) {
    let now = time_text(view.now());
    let names = &definition["spec"]["names"];
    let kind = names["kind"].as_str().unwrap_or("");
    let mut accepted = names.clone();
    if accepted["singular"].is_null() && accepted.is_object() {
        accepted["singular"] = json!(kind.to_lowercase());
    }
    if accepted["listKind"].is_null() && accepted.is_object() {
        accepted["listKind"] = json!(format!("{kind}List"));
    }
    let condition = |kind: &str, reason: &str, message: &str| {
        let known =
            definition["status"]["conditions"].as_array().into_iter().flatten().find(|known| known["type"] == kind);
        known.cloned().unwrap_or_else(
            || json!({"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now}),
        )
    };
    let mut stored = definition["status"]["storedVersions"].as_array().cloned().unwrap_or_default();
    for version in definition["spec"]["versions"].as_array().into_iter().flatten() {
        if version["storage"] == true && !stored.contains(&version["name"]) {
            stored.push(version["name"].clone());
        }
    }
    effects.patch_status(
        key.clone(),
        json!({
            "acceptedNames": accepted,
            "conditions": [
                condition("NamesAccepted", "NoConflicts", "no conflicts found"),
                condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
            ],
            "storedVersions": stored,
        }),
    );
}
