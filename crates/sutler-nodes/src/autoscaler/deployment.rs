//! Which cluster autoscaler runs, and with which flags: found among the cluster's Deployments.

use serde_json::Value;
use sutler_objects::object::{at, integer, list, name, namespace, text};

use crate::autoscaler::Flags;

/// A cluster autoscaler that runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// Its Deployment, as `namespace/name`.
    pub name: String,
    /// Its flags.
    pub flags: Flags,
}

/// The autoscaler that runs among `deployments` and manages pools of the cluster of this name.
///
/// # Errors
/// Why none does, for a message. Where the cluster's name is not known (`None`), discovery by it is taken to find its groups.
pub fn running<'a>(deployments: impl IntoIterator<Item = &'a Value>, cluster: Option<&str>) -> Result<Running, String> {
    let mut found = None;
    for deployment in deployments {
        let Some(flags) = Flags::of_deployment(deployment) else { continue };
        let name = format!("{}/{}", namespace(deployment), name(deployment));
        if integer(deployment, &["status", "readyReplicas"]).unwrap_or(0) == 0 {
            let wanted = integer(deployment, &["spec", "replicas"]).unwrap_or(1);
            found = Some(format!("Deployment {name} has 0 of {wanted} replicas ready"));
            continue;
        }
        if let Some(argument) = flags.malformed.first() {
            found =
                Some(format!("Deployment {name} has the argument `{argument}`, which the autoscaler does not take"));
            continue;
        }
        if let Some(why) = cluster.and_then(|cluster| flags.why_nothing_is_managed(cluster)) {
            found = Some(format!("Deployment {name} manages no pool of this cluster: {why}"));
            continue;
        }
        return Ok(Running { name, flags });
    }
    Err(found.unwrap_or_else(|| "no Deployment of the cluster autoscaler is there".to_owned()))
}

impl Flags {
    /// The flags of a Deployment's container that is the cluster autoscaler, known by its program or its image.
    #[must_use]
    pub fn of_deployment(deployment: &Value) -> Option<Self> {
        let containers = list(deployment, &["spec", "template", "spec", "containers"]);
        containers.iter().find_map(|container| {
            let words = ["command", "args"].iter().filter_map(|field| at(container, &[*field])?.as_array()).flatten();
            let words: Vec<&str> = words.filter_map(Value::as_str).collect();
            let names_program = words.first().is_some_and(|word| !word.starts_with('-'));
            let image = text(container, &["image"]);
            let repository = image.split('@').next().unwrap_or("").rsplit('/').next().unwrap_or("");
            let is_image = repository.split(':').next() == Some("cluster-autoscaler");
            if names_program || is_image { Self::of_command(words) } else { None }
        })
    }
}
