//! What the API machinery itself keeps true, as controllers that run before all others.

mod definitions;
mod garbage;
mod namespaces;

use serde_json::json;

use crate::controllers::Controller;
use crate::key::resource;
use crate::machine::Machine;
use crate::write::{Ownership, Validation, Writer};

/// The machinery's own controllers.
pub(crate) fn controllers() -> Vec<Box<dyn Controller>> {
    vec![Box::new(garbage::GarbageCollector), Box::new(namespaces::Namespaces), Box::new(definitions::Definitions)]
}

/// The namespaces that every cluster has.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Makes what every cluster has, as far as it is not there.
pub(crate) fn found(machine: &mut Machine) {
    let writer = Writer {
        manager: "kube-apiserver",
        subresource: "",
        dry_run: false,
        trusted: true,
        validation: Validation::Ignore,
    };
    let wanted =
        NAMESPACES.iter().map(|name| (resource::NAMESPACES, "", *name, json!({"metadata": {"name": name}}))).chain([(
            resource::SERVICES,
            "default",
            "kubernetes",
            json!({
                "metadata": {"name": "kubernetes", "labels": {"component": "apiserver", "provider": "kubernetes"}},
                "spec": {
                    "type": "ClusterIP", "clusterIP": "10.100.0.1", "clusterIPs": ["10.100.0.1"],
                    "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 443}],
                },
            }),
        )]);
    for (resource, namespace, name, object) in wanted {
        if machine.kept.objects.get(resource, namespace, name).is_some() {
            continue;
        }
        let Some(served) = machine.registry.stored_as(resource).cloned() else { continue };
        if let Err(refusal) = machine.create(&served, namespace, object, writer, Ownership::Track, &mut Vec::new()) {
            tracing::error!(resource, name, %refusal, "the cluster could not be furnished");
        }
    }
}
