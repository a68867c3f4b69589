//! Columns of volumes, claims and storage classes.

use serde_json::{Value, json};

use super::columns::{Column, age, at, at_or, boolean, items, name, text};

/// Access modes in their short form: `RWO,ROX`.
fn access_modes(object: &Value, pointer: &str) -> String {
    let known =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let modes = items(object, pointer);
    let short = known.iter().filter(|(mode, _)| modes.iter().any(|of| of == mode)).map(|(_, short)| *short);
    short.collect::<Vec<_>>().join(",")
}

fn phase(object: &Value) -> &str {
    if object["metadata"]["deletionTimestamp"].is_null() { at(object, "/status/phase") } else { "Terminating" }
}

pub(super) fn volumes() -> Vec<Column> {
    vec![
        name(),
        text("Capacity", |o, _| json!(at_or(o, "/spec/capacity/storage", "0"))),
        text("Access Modes", |o, _| json!(access_modes(o, "/spec/accessModes"))),
        text("Reclaim Policy", |o, _| json!(at(o, "/spec/persistentVolumeReclaimPolicy"))),
        text("Status", |o, _| json!(phase(o))),
        text("Claim", |o, _| {
            let claim = &o["spec"]["claimRef"];
            json!(if claim.is_null() {
                String::new()
            } else {
                format!("{}/{}", at(claim, "/namespace"), at(claim, "/name"))
            })
        }),
        text("StorageClass", |o, _| json!(at(o, "/spec/storageClassName"))),
        text("VolumeAttributesClass", |o, _| json!(at_or(o, "/spec/volumeAttributesClassName", "<unset>"))),
        text("Reason", |o, _| json!(at(o, "/status/reason"))),
        age(),
        text("VolumeMode", |o, _| json!(at_or(o, "/spec/volumeMode", "<unset>"))).wide(),
    ]
}

pub(super) fn claims() -> Vec<Column> {
    fn is_bound(claim: &Value) -> bool {
        !at(claim, "/spec/volumeName").is_empty()
    }
    vec![
        name(),
        text("Status", |o, _| json!(phase(o))),
        text("Volume", |o, _| json!(at(o, "/spec/volumeName"))),
        text("Capacity", |o, _| json!(if is_bound(o) { at_or(o, "/status/capacity/storage", "0") } else { "" })),
        text("Access Modes", |o, _| {
            json!(if is_bound(o) { access_modes(o, "/status/accessModes") } else { String::new() })
        }),
        text("StorageClass", |o, _| json!(at(o, "/spec/storageClassName"))),
        text("VolumeAttributesClass", |o, _| json!(at_or(o, "/spec/volumeAttributesClassName", "<unset>"))),
        age(),
        text("VolumeMode", |o, _| json!(at_or(o, "/spec/volumeMode", "<unset>"))).wide(),
    ]
}

pub(super) fn classes() -> Vec<Column> {
    let mut named = name();
    named.value = super::columns::Cell::Of(|o, _| {
        let annotations = &o["metadata"]["annotations"];
        let is_default =
            ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"]
                .iter()
                .any(|key| annotations[*key] == "true");
        json!(format!("{}{}", at(o, "/metadata/name"), if is_default { " (default)" } else { "" }))
    });
    vec![
        named,
        text("Provisioner", |o, _| json!(at(o, "/provisioner"))),
        text("ReclaimPolicy", |o, _| json!(at_or(o, "/reclaimPolicy", "Delete"))),
        text("VolumeBindingMode", |o, _| json!(at_or(o, "/volumeBindingMode", "Immediate"))),
        boolean("AllowVolumeExpansion", |o, _| json!(o["allowVolumeExpansion"] == true)),
        age(),
    ]
}
