//! JupyterHubs as their charts configure them, and the notebooks that they will make.
//!
//! A hub's settings stand in a Secret (or ConfigMap) of its release: as the values of the public zero-to-jupyterhub chart
//! (`values.yaml`), or as the built-in chart has them (`values.json`). Both are read from rendered manifests and from a live cluster.
//! KubeSpawner makes a notebook's pod out of them when somebody logs in: no manifest holds it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sutler_objects::object::{at, kind, list, namespace, text};

use crate::tables::Tables;

/// What KubeSpawner calls the pods that it makes.
const COMPONENT: &str = "singleuser-server";

/// A JupyterHub.
#[derive(Clone, Debug, PartialEq)]
pub struct Hub {
    /// Its namespace.
    pub namespace: String,
    /// Its settings, by class and trait: `hub.config`.
    pub config: Value,
    /// Python that is run over them.
    pub extra_config: String,
    /// KubeSpawner's settings.
    spawner: Value,
    /// Labels of its notebooks, besides those of KubeSpawner itself.
    labels: Map<String, Value>,
}

/// A notebook's pod as a hub would make it.
#[derive(Clone, Debug, PartialEq)]
pub struct Notebook {
    /// The profile that somebody chooses, and the choice within it; `None` without profiles.
    pub profile: Option<String>,
    /// The pod.
    pub pod: Value,
}

/// The hubs among the objects of a cluster or of a plan.
pub fn hubs(tables: &Tables) -> Vec<Hub> {
    let objects = tables.list("Secret").iter().chain(tables.list("ConfigMap"));
    objects
        .filter_map(|object| Some((object, settings(object)?)))
        .filter_map(|(object, values)| hub(object, &values))
        .collect()
}

/// The settings that an object holds, if they are a hub's.
fn settings(object: &Value) -> Option<Value> {
    ["values.yaml", "values.json"].iter().find_map(|key| {
        let plain = at(object, &["stringData", key]).and_then(Value::as_str).map(str::to_owned);
        let data = at(object, &["data", key]).and_then(Value::as_str);
        let read = match kind(object) {
            "Secret" => data.and_then(|data| String::from_utf8(STANDARD.decode(data).ok()?).ok()),
            _ => data.map(str::to_owned),
        };
        sutler_yaml::to_json(&sutler_yaml::read(&plain.or(read)?).ok()?).ok()
    })
}

fn hub(object: &Value, values: &Value) -> Option<Hub> {
    let within = match namespace(object) {
        "" => "default",
        namespace => namespace,
    };
    let of_public_chart = at(values, &["hub", "config"]).is_some() && at(values, &["singleuser"]).is_some();
    let hub = |config: &Value, extra: &Value, spawner: Value, labels: Map<String, Value>| Hub {
        namespace: within.to_owned(),
        config: config.clone(),
        extra_config: texts(extra).join("\n"),
        spawner,
        labels,
    };
    if of_public_chart {
        let labels = json!({
            "app": match text(values, &["nameOverride"]) { "" => "jupyterhub", name => name },
            "release": text(values, &["Release", "Name"]),
        });
        let mut labels = labels.as_object().cloned().unwrap_or_default();
        labels
            .extend(at(values, &["singleuser", "extraLabels"]).and_then(Value::as_object).cloned().unwrap_or_default());
        let extra = at(values, &["hub", "extraConfig"]).unwrap_or(&Value::Null);
        return Some(hub(&values["hub"]["config"], extra, spawner_of_public_chart(values), labels));
    }
    let spawner = at(values, &["config", "KubeSpawner"])?;
    let mut labels = Map::new();
    for field in ["common_labels", "extra_labels"] {
        labels.extend(spawner[field].as_object().cloned().unwrap_or_default());
    }
    Some(hub(&values["config"], &values["extraConfig"], spawner.clone(), labels))
}

/// All texts below a value.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(entries) => entries.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// KubeSpawner's settings as the public chart's own configuration makes them from its values.
fn spawner_of_public_chart(values: &Value) -> Value {
    let user = &values["singleuser"];
    let mut tolerations = list(user, &["extraTolerations"]).to_vec();
    tolerations.extend(list(values, &["scheduling", "userPods", "tolerations"]).to_vec());
    let mut spawner = json!({
        "node_selector": user["nodeSelector"],
        "tolerations": tolerations,
        "cpu_guarantee": user["cpu"]["guarantee"],
        "cpu_limit": user["cpu"]["limit"],
        "mem_guarantee": user["memory"]["guarantee"],
        "mem_limit": user["memory"]["limit"],
        "extra_resource_guarantees": user["extraResource"]["guarantees"],
        "extra_resource_limits": user["extraResource"]["limits"],
        "service_account": user["serviceAccountName"],
        "extra_pod_config": user["extraPodConfig"],
        "profile_list": user["profileList"],
        "node_affinity_required": user["extraNodeAffinity"]["required"],
    });
    if text(values, &["scheduling", "userPods", "nodeAffinity", "matchNodePurpose"]) == "require" {
        let term = json!({"matchExpressions": [{"key": "hub.jupyter.org/node-purpose", "operator": "In", "values": ["user"]}]});
        let mut terms = list(&spawner, &["node_affinity_required"]).to_vec();
        terms.push(term);
        spawner["node_affinity_required"] = json!(terms);
    }
    // What `hub.config.KubeSpawner` says comes after.
    over(&mut spawner, at(values, &["hub", "config", "KubeSpawner"]));
    spawner
}

/// Sets the traits of `above` over those of `spawner`.
fn over(spawner: &mut Value, above: Option<&Value>) {
    for (key, value) in above.and_then(Value::as_object).into_iter().flatten() {
        spawner[key] = value.clone();
    }
}

impl Hub {
    /// One trait of its configuration.
    pub fn setting(&self, class: &str, name: &str) -> Option<&Value> {
        at(&self.config, &[class, name]).filter(|value| !value.is_null())
    }

    /// The service account of its notebooks.
    pub fn account(&self) -> &str {
        match text(&self.spawner, &["service_account"]) {
            "" => "default",
            name => name,
        }
    }

    /// The notebooks that somebody can choose: each profile, and each choice of its options; one without profiles.
    pub fn notebooks(&self) -> Vec<Notebook> {
        let profiles = list(&self.spawner, &["profile_list"]);
        if profiles.is_empty() {
            return vec![Notebook { profile: None, pod: self.pod(&self.spawner) }];
        }
        let mut found = Vec::new();
        for profile in profiles {
            let called = match text(profile, &["display_name"]) {
                "" => text(profile, &["slug"]),
                name => name,
            };
            let mut spawner = self.spawner.clone();
            over(&mut spawner, profile.get("kubespawner_override"));
            found.push(Notebook { profile: Some(called.to_owned()), pod: self.pod(&spawner) });
            let options = at(profile, &["profile_options"]).and_then(Value::as_object).into_iter().flatten();
            let choices = options.flat_map(|(_, option)| option["choices"].as_object().into_iter().flatten());
            for (key, choice) in choices {
                let mut spawner = spawner.clone();
                over(&mut spawner, choice.get("kubespawner_override"));
                let choice = match text(choice, &["display_name"]) {
                    "" => key,
                    name => name,
                };
                found.push(Notebook { profile: Some(format!("{called}, {choice}")), pod: self.pod(&spawner) });
            }
        }
        found
    }

    fn pod(&self, spawner: &Value) -> Value {
        let mut labels = self.labels.clone();
        labels.insert("component".to_owned(), json!(COMPONENT));
        labels.insert("app.kubernetes.io/component".to_owned(), json!(COMPONENT));
        let mut limits = spawner["extra_resource_limits"].as_object().cloned().unwrap_or_default();
        let mut requests = limits.clone();
        requests.extend(spawner["extra_resource_guarantees"].as_object().cloned().unwrap_or_default());
        for (resource, guarantee, limit) in
            [("cpu", "cpu_guarantee", "cpu_limit"), ("memory", "mem_guarantee", "mem_limit")]
        {
            if let Some(limit) = quantity(&spawner[limit]) {
                limits.insert(resource.to_owned(), json!(limit));
            }
            // The API takes a limit for the request where none is given.
            if let Some(asked) = quantity(&spawner[guarantee]).or_else(|| quantity(&spawner[limit])) {
                requests.insert(resource.to_owned(), json!(asked));
            }
        }
        let mut spec = json!({
            "serviceAccountName": match text(spawner, &["service_account"]) { "" => "default", name => name },
            "containers": [{"name": "notebook", "resources": {"requests": requests, "limits": limits}}],
        });
        for (field, given) in [("nodeSelector", "node_selector"), ("tolerations", "tolerations")] {
            if !spawner[given].is_null() {
                spec[field] = spawner[given].clone();
            }
        }
        let terms = list(spawner, &["node_affinity_required"]);
        if !terms.is_empty() {
            spec["affinity"] = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}});
        }
        for (key, value) in spawner["extra_pod_config"].as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        let metadata = json!({"namespace": self.namespace, "name": "notebook", "labels": labels});
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    }
}

/// An amount as KubeSpawner takes it, as Kubernetes writes it: CPUs as a number, bytes with K, M, G and T of 1024.
fn quantity(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if text.ends_with(['K', 'M', 'G', 'T']) => Some(format!("{text}i")),
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::hubs;
    use crate::tables::Tables;

    #[test]
    fn notebooks_are_read_from_what_either_chart_leaves() {
        let public = json!({
            "hub": {"config": {"JupyterHub": {"authenticator_class": "dummy"}}},
            "Release": {"Name": "jhub"},
            "singleuser": {
                "memory": {"guarantee": "1G"}, "nodeSelector": {"pool": "users"},
                "profileList": [
                    {"display_name": "Small"},
                    {"display_name": "Large", "kubespawner_override": {"mem_guarantee": "64G", "cpu_limit": 8},
                     "profile_options": {"gpu": {"choices": {"one": {"kubespawner_override": {"extra_resource_limits": {"nvidia.com/gpu": "1"}}}}}}},
                ],
            },
            "scheduling": {"userPods": {"tolerations": [{"key": "hub.jupyter.org/dedicated"}]}},
        });
        let tables = Tables::of_objects([
            json!({"kind": "Secret", "metadata": {"namespace": "a", "name": "hub"}, "stringData": {"values.yaml": public.to_string()}}),
            json!({"kind": "ConfigMap", "metadata": {"namespace": "b", "name": "values"}, "data": {
                "values.json": json!({"config": {"KubeSpawner": {"service_account": "daft", "common_labels": {"app": "jupyterhub"}}}}).to_string()}}),
            json!({"kind": "ConfigMap", "metadata": {"namespace": "b", "name": "other"}, "data": {"values.yaml": "a: [1"}}),
        ]);
        let hubs = hubs(&tables);
        let told: Vec<String> = hubs
            .iter()
            .flat_map(|hub| {
                hub.notebooks().into_iter().map(|notebook| {
                    let resources = &notebook.pod["spec"]["containers"][0]["resources"]["requests"];
                    format!(
                        "{} {} {:?} {resources} {}",
                        hub.namespace,
                        hub.account(),
                        notebook.profile,
                        notebook.pod["spec"]["nodeSelector"]
                    )
                })
            })
            .collect();
        assert_eq!(
            told,
            [
                r#"a default Some("Small") {"memory":"1Gi"} {"pool":"users"}"#,
                r#"a default Some("Large") {"cpu":"8","memory":"64Gi"} {"pool":"users"}"#,
                r#"a default Some("Large, one") {"cpu":"8","memory":"64Gi","nvidia.com/gpu":"1"} {"pool":"users"}"#,
                r#"b daft None {} null"#,
            ]
        );
    }
}
