//! Volumes: claims are bound to a volume that fits or that is made for them, and go when nobody uses them.

use serde_json::{Value, json};
use sutler_nodes::Resources;

use crate::controllers::{Change, Controller, Deletion, Effects, Note, Queue, Severity, pods};
use crate::key::{ObjectKey, resource};
use crate::view::View;

const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
pub(crate) const CLAIM_PROTECTION: &str = "kubernetes.io/pvc-protection";

/// Binds PersistentVolumeClaims.
pub(crate) struct Volumes;

impl Controller for Volumes {
    fn name(&self) -> &'static str {
        "persistentvolume-controller"
    }

    fn on_change(&self, change: &Change, view: &View<'_>, queue: &mut Queue) {
        match change.key.resource.as_str() {
            resource::PERSISTENT_VOLUME_CLAIMS => {
                queue.push(change.key.clone());
                if let Some(volume) = change.object()["spec"]["volumeName"].as_str() {
                    queue.push(ObjectKey::new(resource::PERSISTENT_VOLUMES, "", volume));
                }
            }
            resource::PERSISTENT_VOLUMES => {
                queue.push(change.key.clone());
                for claim in view.list(resource::PERSISTENT_VOLUME_CLAIMS).filter(|claim| !is_bound(claim)) {
                    queue.push(ObjectKey::of(resource::PERSISTENT_VOLUME_CLAIMS, claim));
                }
            }
            resource::STORAGE_CLASSES => {
                for claim in view.list(resource::PERSISTENT_VOLUME_CLAIMS).filter(|claim| !is_bound(claim)) {
                    queue.push(ObjectKey::of(resource::PERSISTENT_VOLUME_CLAIMS, claim));
                }
            }
            resource::PODS => {
                let volumes = change.object()["spec"]["volumes"].as_array().into_iter().flatten();
                for name in volumes.filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str()) {
                    queue.push(ObjectKey::new(resource::PERSISTENT_VOLUME_CLAIMS, &change.key.namespace, name));
                }
            }
            _ => {}
        }
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let Some(object) = view.object(key) else { return };
        if key.resource == resource::PERSISTENT_VOLUMES {
            settle_volume(key, view, object, effects);
        } else if pods::is_terminating(object) {
            release(key, view, object, effects);
        } else if !is_bound(object) {
            bind(key, view, object, effects);
        }
    }
}

fn is_bound(claim: &Value) -> bool {
    claim["status"]["phase"] == "Bound"
}

/// The name of the class that claims without one get.
pub(crate) fn default_class<'a>(view: &View<'a>) -> Option<&'a str> {
    let is_default = |class: &&Value| class["metadata"]["annotations"][DEFAULT_CLASS] == "true";
    view.list(resource::STORAGE_CLASSES).find(is_default)?["metadata"]["name"].as_str()
}

/// Whether a claim is bound only when a pod that uses it has a node.
pub(crate) fn waits_for_a_pod(view: &View<'_>, claim: &Value) -> bool {
    let class = claim["spec"]["storageClassName"].as_str().unwrap_or("");
    view.get(resource::STORAGE_CLASSES, "", class)
        .is_some_and(|class| class["volumeBindingMode"] == "WaitForFirstConsumer")
}

fn users<'a>(view: &View<'a>, claim: &Value) -> impl Iterator<Item = &'a Value> {
    let name = claim["metadata"]["name"].as_str().unwrap_or("").to_owned();
    let namespace = claim["metadata"]["namespace"].as_str().unwrap_or("");
    view.list_in(resource::PODS, namespace).filter(move |pod| {
        let mut volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
        volumes.any(|volume| volume["persistentVolumeClaim"]["claimName"] == name.as_str())
    })
}

/// Lets a claim go that is being deleted, once no pod uses it.
fn release(key: &ObjectKey, view: &View<'_>, claim: &Value, effects: &mut Effects) {
    let finalizers = claim["metadata"]["finalizers"].as_array();
    let Some(finalizers) = finalizers.filter(|list| list.iter().any(|name| name == CLAIM_PROTECTION)) else { return };
    if users(view, claim).any(|pod| !pods::has_ended(pod)) {
        return;
    }
    let left: Vec<&Value> = finalizers.iter().filter(|name| **name != CLAIM_PROTECTION).collect();
    effects.patch(key.clone(), json!({"metadata": {"finalizers": left}}));
}

fn storage(list: &Value) -> i64 {
    Resources::of(&json!({"memory": list["storage"]})).memory
}

/// Binds a claim to the smallest volume that does, or to one made by its class.
fn bind(key: &ObjectKey, view: &View<'_>, claim: &Value, effects: &mut Effects) {
    let spec = &claim["spec"];
    let class_name = spec["storageClassName"].as_str().unwrap_or("");
    let class = view.get(resource::STORAGE_CLASSES, "", class_name);
    let waits = waits_for_a_pod(view, claim);
    let has_node = |pod: &Value| pod["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty());
    if waits && !users(view, claim).any(has_node) {
        let message = "waiting for first consumer to be created before binding";
        effects.record(note(claim, Severity::Normal, "WaitForFirstConsumer", message.to_owned()));
        return;
    }
    if let Some(volume) = best_volume(view, claim, class_name) {
        attach(key, claim, volume, false, effects);
        return;
    }
    let Some(class) = class else {
        let message = if class_name.is_empty() {
            "no persistent volumes available for this claim and no storage class is set".to_owned()
        } else {
            format!("storageclass.storage.k8s.io \"{class_name}\" not found")
        };
        let reason = if class_name.is_empty() { "FailedBinding" } else { "ProvisioningFailed" };
        let severity = if class_name.is_empty() { Severity::Normal } else { Severity::Warning };
        effects.record(note(claim, severity, reason, message));
        return;
    };
    if class["provisioner"] == "kubernetes.io/no-provisioner" {
        return;
    }
    let volume = provision(view, claim, class);
    let name = volume["metadata"]["name"].as_str().unwrap_or("").to_owned();
    effects.create(volume.clone());
    attach(key, claim, &volume, true, effects);
    let message = format!("Successfully provisioned volume {name}");
    effects.record(note(claim, Severity::Normal, "ProvisioningSucceeded", message));
}

fn best_volume<'a>(view: &View<'a>, claim: &Value, class: &str) -> Option<&'a Value> {
    let spec = &claim["spec"];
    let wanted = storage(&spec["resources"]["requests"]);
    let has_modes = |volume: &Value| {
        let modes = volume["spec"]["accessModes"].as_array();
        spec["accessModes"].as_array().into_iter().flatten().all(|mode| modes.is_some_and(|modes| modes.contains(mode)))
    };
    let is_for = |volume: &Value| {
        let reference = &volume["spec"]["claimRef"];
        let ours =
            reference["name"] == claim["metadata"]["name"] && reference["namespace"] == claim["metadata"]["namespace"];
        reference.is_null() || (ours && (reference["uid"].is_null() || reference["uid"] == claim["metadata"]["uid"]))
    };
    view.list(resource::PERSISTENT_VOLUMES)
        .filter(|volume| {
            let of_name =
                spec["volumeName"].as_str().is_none_or(|name| name.is_empty() || volume["metadata"]["name"] == name);
            of_name
                && !pods::is_terminating(volume)
                && volume["spec"]["storageClassName"].as_str().unwrap_or("") == class
                && is_for(volume)
                && has_modes(volume)
                && storage(&volume["spec"]["capacity"]) >= wanted
        })
        .min_by_key(|volume| (volume["spec"]["claimRef"].is_null(), storage(&volume["spec"]["capacity"])))
}

fn claim_reference(claim: &Value) -> Value {
    let metadata = &claim["metadata"];
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    })
}

fn provision(view: &View<'_>, claim: &Value, class: &Value) -> Value {
    let uid = claim["metadata"]["uid"].as_str().unwrap_or("");
    let handle = view.random(&format!("volume/{uid}"));
    let mut volume = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": format!("pvc-{uid}"),
            "annotations": {"pv.kubernetes.io/provisioned-by": class["provisioner"]},
        },
        "spec": {
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": claim["spec"]["accessModes"],
            "claimRef": claim_reference(claim),
            "csi": {"driver": class["provisioner"], "fsType": "ext4", "volumeHandle": format!("vol-0{handle:016x}")},
            "persistentVolumeReclaimPolicy": class["reclaimPolicy"].as_str().unwrap_or("Delete"),
            "storageClassName": class["metadata"]["name"],
            "volumeMode": claim["spec"]["volumeMode"].as_str().unwrap_or("Filesystem"),
        },
        "status": {"phase": "Bound"},
    });
    // A volume that waited for its pod is in that pod's zone; one bound at once can be reached from all.
    let zone = users(view, claim).find_map(|pod| {
        let node = view.get(resource::NODES, "", pod["spec"]["nodeName"].as_str()?)?;
        node["metadata"]["labels"]["topology.kubernetes.io/zone"].as_str()
    });
    if let Some(zone) = zone.filter(|_| class["volumeBindingMode"] == "WaitForFirstConsumer") {
        let expression = json!({"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]});
        volume["spec"]["nodeAffinity"] =
            json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}});
    }
    volume
}

/// Binds claim and volume to each other.
fn attach(key: &ObjectKey, claim: &Value, volume: &Value, is_new: bool, effects: &mut Effects) {
    let name = volume["metadata"]["name"].clone();
    let mut annotations =
        json!({"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"});
    if is_new {
        annotations["volume.kubernetes.io/storage-provisioner"] = volume["spec"]["csi"]["driver"].clone();
    } else {
        let volume_key = ObjectKey::of(resource::PERSISTENT_VOLUMES, volume);
        effects.patch(volume_key.clone(), json!({"spec": {"claimRef": claim_reference(claim)}}));
        effects.patch_status(volume_key, json!({"phase": "Bound"}));
    }
    effects.patch(key.clone(), json!({"metadata": {"annotations": annotations}, "spec": {"volumeName": name}}));
    effects.patch_status(
        key.clone(),
        json!({
            "phase": "Bound",
            "accessModes": volume["spec"]["accessModes"],
            "capacity": volume["spec"]["capacity"],
        }),
    );
}

/// What becomes of a volume whose claim is gone; and the phase of one that nobody claims.
fn settle_volume(key: &ObjectKey, view: &View<'_>, volume: &Value, effects: &mut Effects) {
    if pods::is_terminating(volume) {
        return;
    }
    let reference = &volume["spec"]["claimRef"];
    if reference["uid"].is_null() {
        if volume["status"]["phase"] != "Available" {
            effects.patch_status(key.clone(), json!({"phase": "Available"}));
        }
        return;
    }
    let uid = reference["uid"].as_str().unwrap_or("");
    if view.by_uid(uid).is_some() {
        return;
    }
    if volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete" {
        effects.delete(Deletion::of(key.clone()));
    } else if volume["status"]["phase"] != "Released" {
        effects.patch_status(key.clone(), json!({"phase": "Released"}));
    }
}

fn note(claim: &Value, severity: Severity, reason: &str, message: String) -> Note {
    Note {
        regarding: claim.clone(),
        severity,
        reason: reason.to_owned(),
        message,
        component: "persistentvolume-controller".to_owned(),
        host: String::new(),
    }
}
