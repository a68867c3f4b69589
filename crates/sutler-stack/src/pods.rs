//! The pods that a release's manifests will make: their templates, found in every kind that has one.

use serde_json::{Value, json};
use sutler_objects::object::namespace;

use crate::hubs::Notebook;

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

/// The kind of a template that no object holds: a hub makes its pods when somebody logs in.
const NOTEBOOK: &str = "notebook";

impl PodTemplate {
    /// A notebook of a hub; its name is the profile's.
    pub fn of_notebook(notebook: Notebook) -> PodTemplate {
        PodTemplate {
            kind: NOTEBOOK.to_owned(),
            name: notebook.profile.unwrap_or_default(),
            namespace: namespace(&notebook.pod).to_owned(),
            pod: notebook.pod,
        }
    }

    /// Whether a hub makes its pods.
    pub fn is_notebook(&self) -> bool {
        self.kind == NOTEBOOK
    }

    /// What messages call it: "Deployment `x`", "notebooks of profile `Large`".
    pub fn spoken(&self) -> String {
        match (self.is_notebook(), self.name.as_str()) {
            (true, "") => "notebooks".to_owned(),
            (true, profile) => format!("notebooks of profile `{profile}`"),
            (false, name) => format!("{} `{name}`", self.kind),
        }
    }

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
