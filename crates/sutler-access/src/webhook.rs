//! What EKS does to a pod whose service account has a role: environment and token volume, as `amazon-eks-pod-identity-webhook`.
//!
//! | annotation | on | effect |
//! | --- | --- | --- |
//! | `eks.amazonaws.com/role-arn` | ServiceAccount | the role; without it nothing happens |
//! | `eks.amazonaws.com/audience` | ServiceAccount | the token's audience, `sts.amazonaws.com` unless said |
//! | `eks.amazonaws.com/sts-regional-endpoints` | ServiceAccount | `false` leaves `AWS_STS_REGIONAL_ENDPOINTS` out |
//! | `eks.amazonaws.com/token-expiration` | ServiceAccount, Pod (which wins) | seconds, 86400 unless said, at least 3600 |
//! | `eks.amazonaws.com/skip-containers` | Pod | containers left alone, by name |

use serde_json::{Value, json};

use crate::trust::STS_AUDIENCE;

/// Where the token's volume is mounted.
pub const MOUNT_PATH: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount";

/// The volume's name.
pub const VOLUME_NAME: &str = "aws-iam-token";

const DOMAIN: &str = "eks.amazonaws.com";
const TOKEN_PATH: &str = "token";
const DEFAULT_EXPIRATION: i64 = 86_400;
const LEAST_EXPIRATION: i64 = 3_600;

/// The pod as EKS would store it, or `None` if its service account has no role. What is set already stays as it is.
#[must_use]
pub fn mutate(pod: &Value, service_account: &Value, region: &str) -> Option<Value> {
    let of_account = |name: &str| annotation(service_account, name);
    let role_arn = of_account("role-arn").filter(|arn| !arn.is_empty())?;
    pod.get("spec").filter(|spec| spec.is_object())?;
    let regional = of_account("sts-regional-endpoints").and_then(go_bool).unwrap_or(true);
    let expiration = annotation(pod, "token-expiration")
        .and_then(expiration)
        .or_else(|| of_account("token-expiration").and_then(expiration))
        .unwrap_or(DEFAULT_EXPIRATION);
    let skipped = annotation(pod, "skip-containers").map(skipped_containers).unwrap_or_default();
    let environment = Environment { role_arn, region, regional, token_file: token_file(pod) };

    let mut pod = pod.clone();
    for kind in ["initContainers", "containers"] {
        for container in pod["spec"].get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten() {
            let is_skipped = container["name"].as_str().is_some_and(|name| skipped.iter().any(|s| s == name));
            if !is_skipped {
                environment.add_to(container);
            }
        }
    }
    let token = json!({
        "audience": of_account("audience").unwrap_or(STS_AUDIENCE),
        "expirationSeconds": expiration,
        "path": TOKEN_PATH,
    });
    let volume = json!({"name": VOLUME_NAME, "projected": {"sources": [{"serviceAccountToken": token}]}});
    match &mut pod["spec"]["volumes"] {
        Value::Array(volumes) if volumes.iter().any(|volume| volume["name"] == VOLUME_NAME) => {}
        Value::Array(volumes) => volumes.insert(0, volume),
        volumes => *volumes = json!([volume]),
    }
    Some(pod)
}

struct Environment<'a> {
    role_arn: &'a str,
    region: &'a str,
    regional: bool,
    token_file: String,
}

impl Environment<'_> {
    /// Adds what the container has not set: region and role each as a pair of which neither is added if one is there.
    fn add_to(&self, container: &mut Value) {
        if !container.is_object() {
            return;
        }
        let has = |container: &Value, names: &[&str]| {
            let set =
                container["env"].as_array().into_iter().flatten().filter_map(|variable| variable["name"].as_str());
            set.into_iter().any(|name| names.contains(&name))
        };
        let mut added = Vec::new();
        if self.regional && !has(container, &["AWS_STS_REGIONAL_ENDPOINTS"]) {
            added.push(("AWS_STS_REGIONAL_ENDPOINTS", "regional"));
        }
        if !self.region.is_empty() && !has(container, &["AWS_REGION", "AWS_DEFAULT_REGION"]) {
            added.push(("AWS_DEFAULT_REGION", self.region));
            added.push(("AWS_REGION", self.region));
        }
        if !has(container, &["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]) {
            added.push(("AWS_ROLE_ARN", self.role_arn));
            added.push(("AWS_WEB_IDENTITY_TOKEN_FILE", &self.token_file));
        }
        for (name, value) in added {
            append(&mut container["env"], json!({"name": name, "value": value}));
        }
        let mounts = container["volumeMounts"].as_array().into_iter().flatten();
        if !mounts.into_iter().any(|mount| mount["name"] == VOLUME_NAME) {
            let mount = json!({"name": VOLUME_NAME, "readOnly": true, "mountPath": MOUNT_PATH});
            append(&mut container["volumeMounts"], mount);
        }
    }
}

fn append(list: &mut Value, item: Value) {
    match list {
        Value::Array(items) => items.push(item),
        other => *other = json!([item]),
    }
}

fn annotation<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object["metadata"]["annotations"].get(format!("{DOMAIN}/{name}"))?.as_str()
}

/// Seconds; what is no number counts as not said.
fn expiration(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().map(|seconds| seconds.max(LEAST_EXPIRATION))
}

/// `strconv.ParseBool`.
fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// One record of CSV: names between commas, each may be quoted. What is no CSV skips nothing, as the webhook has it.
fn skipped_containers(text: &str) -> Vec<String> {
    let line = text.lines().find(|line| !line.is_empty()).unwrap_or("");
    let name = |field: &str| match field.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"').filter(|name| !name.contains('"')).map(str::to_owned),
        None => (!field.contains('"')).then(|| field.to_owned()),
    };
    line.split(',').map(name).collect::<Option<Vec<String>>>().unwrap_or_default()
}

fn token_file(pod: &Value) -> String {
    let selector = &pod["spec"]["nodeSelector"];
    let is_windows = ["kubernetes.io/os", "beta.kubernetes.io/os"].iter().any(|key| selector[*key] == "windows");
    let file = format!("{MOUNT_PATH}/{TOKEN_PATH}");
    if is_windows { format!("C:{}", file.replace('/', "\\")) } else { file }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(annotations: Value) -> Value {
        json!({"metadata": {"name": "daft", "annotations": annotations}})
    }

    fn role() -> Value {
        account(json!({"eks.amazonaws.com/role-arn": "arn:aws:iam::444455556666:role/r"}))
    }

    #[test]
    fn a_pod_gets_environment_volume_and_mount() {
        let pod = json!({"spec": {
            "initContainers": [{"name": "wait"}],
            "containers": [{"name": "ray", "env": [{"name": "A", "value": "1"}]}],
            "volumes": [{"name": "kube-api-access"}],
        }});
        let mounts = json!([{"name": "aws-iam-token", "readOnly": true, "mountPath": MOUNT_PATH}]);
        let mut variables = vec![
            json!({"name": "AWS_STS_REGIONAL_ENDPOINTS", "value": "regional"}),
            json!({"name": "AWS_DEFAULT_REGION", "value": "us-west-2"}),
            json!({"name": "AWS_REGION", "value": "us-west-2"}),
            json!({"name": "AWS_ROLE_ARN", "value": "arn:aws:iam::444455556666:role/r"}),
            json!({"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": format!("{MOUNT_PATH}/token")}),
        ];
        let init = json!({"name": "wait", "env": variables, "volumeMounts": mounts});
        variables.insert(0, json!({"name": "A", "value": "1"}));
        let token = json!({"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"});
        assert_eq!(
            mutate(&pod, &role(), "us-west-2").unwrap(),
            json!({"spec": {
                "initContainers": [init],
                "containers": [{"name": "ray", "env": variables, "volumeMounts": mounts}],
                "volumes": [
                    {"name": "aws-iam-token", "projected": {"sources": [{"serviceAccountToken": token}]}},
                    {"name": "kube-api-access"},
                ],
            }})
        );
    }

    #[test]
    fn a_second_time_changes_nothing() {
        let once = mutate(&json!({"spec": {"containers": [{"name": "a"}]}}), &role(), "us-west-2").unwrap();
        assert_eq!(mutate(&once, &role(), "us-west-2").unwrap(), once);
    }

    #[test]
    fn what_is_set_stays() {
        let pod = json!({"spec": {"containers": [{
            "name": "a",
            "env": [{"name": "AWS_REGION", "value": "eu-west-1"}, {"name": "AWS_ROLE_ARN", "value": "mine"}],
        }]}});
        let pod = mutate(&pod, &role(), "us-west-2").unwrap();
        let names: Vec<&str> = pod["spec"]["containers"][0]["env"]
            .as_array()
            .unwrap()
            .iter()
            .map(|variable| variable["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["AWS_REGION", "AWS_ROLE_ARN", "AWS_STS_REGIONAL_ENDPOINTS"]);
    }

    #[test]
    fn no_role_changes_nothing() {
        assert_eq!(mutate(&json!({"spec": {}}), &account(json!({})), "us-west-2"), None);
    }

    #[test]
    fn annotations_decide() {
        let account = account(json!({
            "eks.amazonaws.com/role-arn": "arn:aws:iam::444455556666:role/r",
            "eks.amazonaws.com/audience": "other",
            "eks.amazonaws.com/sts-regional-endpoints": "false",
            "eks.amazonaws.com/token-expiration": "7200",
        }));
        let pod = |annotations: Value| {
            json!({
                "metadata": {"annotations": annotations},
                "spec": {"containers": [{"name": "a"}, {"name": "b"}]},
            })
        };
        let token = |pod: &Value| pod["spec"]["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"].clone();

        let changed = mutate(&pod(json!({"eks.amazonaws.com/skip-containers": "b,c"})), &account, "").unwrap();
        assert_eq!(token(&changed), json!({"audience": "other", "expirationSeconds": 7200, "path": "token"}));
        assert_eq!(changed["spec"]["containers"][1], json!({"name": "b"}));
        assert_eq!(changed["spec"]["containers"][0]["env"].as_array().unwrap().len(), 2);

        let changed = mutate(&pod(json!({"eks.amazonaws.com/token-expiration": "60"})), &account, "").unwrap();
        assert_eq!(token(&changed)["expirationSeconds"], 3600);
    }

    #[test]
    fn a_pod_that_makes_no_sense_does_not_panic() {
        let account = role();
        for pod in [json!({"spec": {"containers": "x", "volumes": 3}}), json!({"spec": {"containers": [1, null]}})] {
            assert!(mutate(&pod, &account, "us-west-2").is_some());
        }
        for pod in [json!({"spec": "x"}), json!("pod"), json!(null)] {
            assert_eq!(mutate(&pod, &account, "us-west-2"), None);
        }
    }
}
