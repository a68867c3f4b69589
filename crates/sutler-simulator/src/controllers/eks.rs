//! What EKS puts into a cluster that has nodes: its DaemonSets in `kube-system` and a default StorageClass.

use serde_json::{Value, json};
use sutler_nodes::daemons::eks_daemon_sets;

use crate::controllers::{Change, Controller, Effects, Queue};
use crate::key::{ObjectKey, resource};
use crate::view::View;

/// The work of this controller: there is one piece.
const ADD_ONS: &str = "add-ons";

/// The label of what is made here; it is made once, and not again when somebody removes it.
const ADD_ON_LABEL: &str = "sutler.dev/eks-add-on";

/// Puts EKS's own objects into the cluster, once it has a pool.
pub(crate) struct EksAddOns;

impl Controller for EksAddOns {
    fn name(&self) -> &'static str {
        "eks-add-ons"
    }

    fn manager(&self) -> &'static str {
        "eks"
    }

    fn on_change(&self, _change: &Change, _view: &View<'_>, _queue: &mut Queue) {}

    fn on_cluster(&self, _view: &View<'_>, queue: &mut Queue) {
        queue.push(ObjectKey::named(ADD_ONS));
    }

    fn reconcile(&self, _key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        if view.cluster().pools.is_empty() {
            return;
        }
        if view.get(resource::STORAGE_CLASSES, "", "gp3").is_none() {
            effects.create(storage_class());
        }
        for mut daemon_set in eks_daemon_sets() {
            let name = daemon_set["metadata"]["name"].as_str().unwrap_or("").to_owned();
            if view.get(resource::DAEMON_SETS, "kube-system", &name).is_none() {
                daemon_set["metadata"]["labels"][ADD_ON_LABEL] = json!("true");
                daemon_set["spec"]["template"]["spec"]["serviceAccountName"] = json!("default");
                effects.create(daemon_set);
            }
        }
    }
}

/// The default class. Its volumes are bound at once, which EKS's own class leaves to the first pod.
fn storage_class() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "gp3",
            "labels": {ADD_ON_LABEL: "true"},
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "ebs.csi.aws.com",
        "parameters": {"type": "gp3"},
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": true,
        "volumeBindingMode": "Immediate",
    })
}
