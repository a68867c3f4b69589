//! Facts out of Kubernetes objects, as JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use super::account::ROLE_ANNOTATION;
use super::facts::{Pod, ServiceAccount, TokenVolume};
use crate::condition::value::Moment;

impl Pod {
    /// Of a Pod's object and one of its containers, the first unless it is named. `None` where it is no Pod, or has no such container.
    #[must_use]
    pub fn from_object(object: &Value, container: Option<&str>) -> Option<Self> {
        let (metadata, spec) = (&object["metadata"], &object["spec"]);
        let containers = spec["containers"].as_array()?;
        let chosen = match container {
            Some(name) => containers.iter().find(|one| one["name"] == name)?,
            None => containers.first()?,
        };
        let context = &spec["securityContext"];
        let user_of = |container: &Value| {
            container["securityContext"]["runAsUser"].as_i64().or_else(|| context["runAsUser"].as_i64())
        };
        let all = || ["initContainers", "containers"].iter().filter_map(|kind| spec[*kind].as_array()).flatten();
        let first_user = all().next().and_then(user_of);
        let shared_user = first_user.filter(|user| all().all(|container| user_of(container) == Some(*user)));
        let non_root =
            chosen["securityContext"]["runAsNonRoot"].as_bool().or_else(|| context["runAsNonRoot"].as_bool());
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        let account = spec["serviceAccountName"].as_str().filter(|name| !name.is_empty()).unwrap_or("default");
        Some(Self {
            namespace: text(&metadata["namespace"]),
            name: text(&metadata["name"]),
            service_account: account.to_owned(),
            created: metadata["creationTimestamp"].as_str().and_then(Moment::seconds).unwrap_or(0),
            environment: environment(chosen),
            token: token(spec, chosen),
            user: user_of(chosen),
            shared_user,
            non_root_by_image: user_of(chosen).is_none() && non_root == Some(true),
            fs_group: context["fsGroup"].as_i64(),
            host_network: spec["hostNetwork"].as_bool().unwrap_or(false),
        })
    }
}

fn environment(container: &Value) -> BTreeMap<String, Option<String>> {
    let variables = container["env"].as_array().into_iter().flatten();
    let pair = |variable: &Value| {
        let is_elsewhere = variable.get("valueFrom").is_some_and(|from| !from.is_null());
        let value = (!is_elsewhere).then(|| variable["value"].as_str().unwrap_or("").to_owned());
        Some((variable["name"].as_str()?.to_owned(), value))
    };
    variables.filter_map(pair).collect()
}

/// The container's token for AWS: that of the file which its environment names, or the webhook's.
fn token(spec: &Value, container: &Value) -> Option<TokenVolume> {
    let volumes = spec["volumes"].as_array()?;
    let mounts = container["volumeMounts"].as_array()?;
    let named = container["env"].as_array().into_iter().flatten();
    let named = named.filter(|one| one["name"] == "AWS_WEB_IDENTITY_TOKEN_FILE").find_map(|one| one["value"].as_str());
    let mut found = Vec::new();
    for mount in mounts {
        let Some(volume) = volumes.iter().find(|volume| volume["name"] == mount["name"]) else { continue };
        let projected = &volume["projected"];
        for source in projected["sources"].as_array().into_iter().flatten() {
            let Some(token) = source.get("serviceAccountToken") else { continue };
            let Some(audience) = token["audience"].as_str() else { continue };
            let folder = mount["mountPath"].as_str().unwrap_or("").trim_end_matches('/');
            let path = format!("{folder}/{}", token["path"].as_str().unwrap_or("token"));
            let mode = projected["defaultMode"].as_u64().and_then(|mode| u32::try_from(mode).ok());
            found.push(TokenVolume { audience: audience.to_owned(), path, mode });
        }
    }
    let at = found.iter().position(|token| Some(token.path.as_str()) == named);
    (!found.is_empty()).then(|| found.swap_remove(at.unwrap_or(0)))
}

impl ServiceAccount {
    /// Of a ServiceAccount's object. `None` where it has no name.
    #[must_use]
    pub fn from_object(object: &Value) -> Option<Self> {
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str()?.to_owned();
        let annotations = metadata["annotations"].as_object().into_iter().flatten();
        let annotations: BTreeMap<String, String> =
            annotations.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
        let managers: Vec<(&str, i64, &Value)> = metadata["managedFields"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let time = entry["time"].as_str().and_then(Moment::seconds)?;
                Some((entry["manager"].as_str()?, time, &entry["fieldsV1"]))
            })
            .collect();
        let last_change =
            managers.iter().max_by_key(|(_, time, _)| *time).map(|(who, time, _)| ((*who).to_owned(), *time));
        // A manager's time is that of its last write, at which the annotation was there.
        let field = format!("f:{ROLE_ANNOTATION}");
        let owns = |fields: &Value| fields["f:metadata"]["f:annotations"].get(&field).is_some();
        let annotated = managers.iter().filter(|(_, _, fields)| owns(fields)).map(|(_, time, _)| *time).max();
        let annotated = annotated.filter(|_| annotations.contains_key(ROLE_ANNOTATION));
        let namespace = metadata["namespace"].as_str().unwrap_or("default").to_owned();
        Some(Self { namespace, name, annotations, last_change, annotated })
    }
}
