//! The manifests of a stack's releases as the tables of a cluster in which they were applied: what the doctor judges of a cluster is judged
//! of a plan by the same functions.

use serde_json::Value;
use sutler_objects::object::{kind, namespace};

use super::ReleaseFacts;
use crate::pods::pod_templates;
use crate::tables::Tables;

/// The annotation by which Helm marks an object as of a release.
const RELEASE_ANNOTATION: &str = "meta.helm.sh/release-name";

/// Kinds that live in no namespace, of those that charts have and that matter to a contract.
const OF_CLUSTER: [&str; 9] = [
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "StorageClass",
    "PersistentVolume",
    "NodePool",
    "NodeClass",
    "EC2NodeClass",
];

/// Objects as they will be in the cluster: in the release's namespace where they name none, marked as the release's.
pub fn placed(objects: &[Value], release: &str, within: &str) -> Vec<Value> {
    let place = |object: &Value| {
        let mut object = object.clone();
        if namespace(&object).is_empty() && !OF_CLUSTER.contains(&kind(&object)) {
            object["metadata"]["namespace"] = within.into();
        }
        mark(&mut object, release);
        object
    };
    objects.iter().filter(|object| object.is_object()).map(place).collect()
}

fn mark(object: &mut Value, release: &str) {
    if !object["metadata"]["annotations"].is_object() {
        object["metadata"]["annotations"] = serde_json::json!({});
    }
    object["metadata"]["annotations"][RELEASE_ANNOTATION] = release.into();
}

/// The tables of a cluster that holds the releases and nothing else, their pods included.
pub(super) fn tables(releases: &[ReleaseFacts]) -> Tables {
    let mut tables = Tables::default();
    for release in releases {
        for template in pod_templates(&release.objects, &release.namespace) {
            // A Pod of the manifests is there itself.
            if template.kind != "Pod" {
                let mut pod = template.pod;
                pod["kind"] = "Pod".into();
                mark(&mut pod, &release.name);
                tables.add(pod);
            }
        }
        release.objects.iter().for_each(|object| tables.add(object.clone()));
    }
    tables
}
