//! The pods that a release's manifests will make: their templates, found in every kind that has one.

use serde_json::{Value, json};

/// A pod template and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct PodTemplate {
    /// The kind of the object that holds it.
    pub kind: String,
    /// That object's name.
    pub name: String,
    /// The namespace the pods will be in.
    pub namespace: String,
    /// A pod as the template makes it.
    pub pod: Value,
}

impl PodTemplate {
    /// The service account its pods use.
    pub fn service_account(&self) -> &str {
        self.pod.pointer("/spec/serviceAccountName").and_then(Value::as_str).unwrap_or("default")
    }
}

/// The pod templates among `objects`; one without a namespace goes to `namespace`.
pub fn pod_templates(objects: &[Value], namespace: &str) -> Vec<PodTemplate> {
    objects.iter().filter_map(|object| pod_template(object, namespace)).collect()
}

fn pod_template(object: &Value, namespace: &str) -> Option<PodTemplate> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let kind = text("/kind")?;
    let template = match kind {
        "Pod" => object,
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" | "Job" => {
            object.pointer("/spec/template")?
        }
        "CronJob" => object.pointer("/spec/jobTemplate/spec/template")?,
        _ => return None,
    };
    let name = text("/metadata/name").unwrap_or_default();
    let namespace = text("/metadata/namespace").unwrap_or(namespace);
    let mut pod = json!({"metadata": template.get("metadata").cloned().unwrap_or_else(|| json!({})), "spec": template.get("spec")?});
    pod["metadata"]["namespace"] = json!(namespace);
    pod["metadata"]["name"] = json!(name);
    Some(PodTemplate { kind: kind.to_owned(), name: name.to_owned(), namespace: namespace.to_owned(), pod })
}
