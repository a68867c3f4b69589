//! What the API server refuses, and how it says so.

use serde_json::{Value, json};

use super::{create, invalid_message, update};
use crate::{defaults, kinds, schema};

fn stored(mut object: Value) -> Value {
    if let Some(ty) = schema::of_object(&object) {
        defaults::set_defaults(&mut object, ty);
    }
    object
}

fn refused(object: Value) -> String {
    let object = stored(object);
    let namespaced = kinds::of_object(&object).unwrap().namespaced;
    let errors = create(&object, namespaced);
    if errors.is_empty() { "accepted".to_owned() } else { invalid_message(&object, &errors) }
}

fn check(object: Value, expect: &str) {
    assert_eq!(refused(object), expect);
}

fn deployment(spec: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x", "namespace": "a"}, "spec": spec})
}

fn template(containers: Value) -> Value {
    json!({"metadata": {"labels": {"app": "x"}}, "spec": {"containers": containers}})
}

fn container(more: Value) -> Value {
    let mut container = json!({"name": "c", "image": "i"});
    container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    deployment(json!({"selector": {"matchLabels": {"app": "x"}}, "template": template(json!([container]))}))
}

#[test]
fn a_good_deployment_is_accepted() {
    check(
        container(json!({"ports": [{"containerPort": 80, "name": "http"}], "resources": {"requests": {"cpu": "1"}}})),
        "accepted",
    );
}

#[test]
fn selectors_must_be_there_and_match() {
    let x = r#"Deployment.apps "x" is invalid: "#;
    check(
        deployment(json!({"template": template(json!([{"name": "c", "image": "i"}]))})),
        &format!("{x}spec.selector: Required value"),
    );
    check(
        deployment(
            json!({"selector": {"matchLabels": {"app": "y"}}, "template": template(json!([{"name": "c", "image": "i"}]))}),
        ),
        &format!(
            "{x}spec.template.metadata.labels: Invalid value: {{\"app\":\"x\"}}: `selector` does not match template `labels`"
        ),
    );
    check(
        deployment(json!({"selector": {}, "template": template(json!([]))})),
        &format!(
            "{x}[spec.selector: Invalid value: {{}}: empty selector is invalid for deployment, spec.template.spec.containers: Required value]"
        ),
    );
}

#[test]
fn containers_are_checked() {
    let x = r#"Deployment.apps "x" is invalid: spec.template.spec.containers[0]"#;
    check(container(json!({"image": ""})), &format!("{x}.image: Required value"));
    check(
        container(json!({"ports": [{"containerPort": 70000}]})),
        &format!("{x}.ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"),
    );
    check(
        container(json!({"imagePullPolicy": "Sometimes"})),
        &format!(
            "{x}.imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"IfNotPresent\", \"Never\""
        ),
    );
    check(
        container(json!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]})),
        &format!("{x}.volumeMounts[0].name: Not found: \"v\""),
    );
    check(
        container(json!({"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}})),
        &format!("{x}.resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1"),
    );
    check(
        container(json!({"readinessProbe": {}})),
        &format!("{x}.readinessProbe: Required value: must specify a handler type"),
    );
    check(
        container(json!({"livenessProbe": {"httpGet": {"port": 0}}})),
        &format!("{x}.livenessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive"),
    );
    check(
        container(json!({"env": [{"name": "A", "value": "1", "valueFrom": {"fieldRef": {"fieldPath": "a"}}}]})),
        &format!("{x}.env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty"),
    );
}

#[test]
fn names_and_labels_are_checked() {
    let named = |name: &str, labels: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "a", "labels": labels}});
    let subdomain = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric \
        character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    check(
        named("A_b", json!({})),
        &format!(r#"ConfigMap "A_b" is invalid: metadata.name: Invalid value: "A_b": {subdomain}"#),
    );
    check(
        named("", json!({})),
        r#"ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required"#,
    );
    let label = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
        character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    check(
        named("x", json!({"a": "b c"})),
        &format!(r#"ConfigMap "x" is invalid: metadata.labels: Invalid value: "b c": {label}"#),
    );
    check(
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a.b"}}),
        r#"Namespace "a.b" is invalid: metadata.name: Invalid value: "a.b": must not contain dots"#,
    );
    check(
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "system:x"}, "rules": [{"verbs": ["get"]}]}),
        r#"ClusterRole.rbac.authorization.k8s.io "system:x" is invalid: [rules[0].apiGroups: Required value: resource rules must supply at least one api group, rules[0].resources: Required value: resource rules must supply at least one resource]"#,
    );
}

#[test]
fn the_other_kinds_are_checked() {
    let object = |api_version: &str, kind: &str, more: Value| {
        let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "namespace": "a"}});
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    check(object("v1", "Service", json!({"spec": {}})), r#"Service "x" is invalid: spec.ports: Required value"#);
    check(
        object("v1", "Service", json!({"spec": {"ports": [{"port": 1}, {"port": 2, "name": "b"}]}})),
        r#"Service "x" is invalid: spec.ports[0].name: Required value"#,
    );
    check(
        object("v1", "Service", json!({"spec": {"ports": [{"port": 0}]}})),
        r#"Service "x" is invalid: [spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive, spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive]"#,
    );
    check(
        object("v1", "Secret", json!({"type": "kubernetes.io/tls", "data": {"tls.crt": ""}})),
        r#"Secret "x" is invalid: data[tls.key]: Required value"#,
    );
    check(
        object("v1", "PersistentVolumeClaim", json!({"spec": {}})),
        r#"PersistentVolumeClaim "x" is invalid: [spec.accessModes: Required value: at least 1 access mode is required, spec.resources[storage]: Required value]"#,
    );
    check(
        object("batch/v1", "Job", json!({"spec": {"template": template(json!([{"name": "c", "image": "i"}]))}})),
        r#"Job.batch "x" is invalid: spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never""#,
    );
    check(
        object(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            json!({"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "ServiceAccount", "name": "s"}]}),
        ),
        r#"RoleBinding.rbac.authorization.k8s.io "x" is invalid: subjects[0].namespace: Required value"#,
    );
    check(
        object(
            "apps/v1",
            "StatefulSet",
            json!({"spec": {"selector": {"matchLabels": {"app": "x"}}, "template": template(json!([{"name": "c", "image": "i", "volumeMounts": [{"name": "data", "mountPath": "/d"}]}])),
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}}),
        ),
        "accepted",
    );
}

#[test]
fn what_may_not_change_is_refused() {
    let changed = |old: &Value, change: &dyn Fn(&mut Value)| {
        let old = stored(old.clone());
        let mut new = old.clone();
        change(&mut new);
        let errors = update(&new, &old);
        if errors.is_empty() { "accepted".to_owned() } else { invalid_message(&new, &errors) }
    };
    let web = container(json!({}));
    assert_eq!(changed(&web, &|new| new["spec"]["replicas"] = 3.into()), "accepted");
    let relabel = |new: &mut Value| {
        new["spec"]["selector"] = json!({"matchLabels": {"app": "y"}});
        new["spec"]["template"]["metadata"]["labels"] = json!({"app": "y"});
    };
    assert_eq!(
        changed(&web, &relabel),
        r#"Deployment.apps "x" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"y"}}: field is immutable"#
    );
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "x", "namespace": "a"},
        "spec": {"serviceName": "a", "selector": {"matchLabels": {"app": "x"}}, "template": template(json!([{"name": "c", "image": "i"}]))}});
    assert_eq!(
        changed(&set, &|new| new["spec"]["serviceName"] = "b".into()),
        "StatefulSet.apps \"x\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
         'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
    );
    let fixed = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "a"}, "immutable": true, "data": {"a": "1"}});
    assert_eq!(
        changed(&fixed, &|new| new["data"]["a"] = "2".into()),
        r#"ConfigMap "x" is invalid: data: Forbidden: field is immutable when `immutable` is set"#
    );
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": "a"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    assert_eq!(changed(&pod, &|new| new["spec"]["containers"][0]["image"] = "j".into()), "accepted");
    assert!(
        changed(&pod, &|new| new["spec"]["hostNetwork"] = true.into())
            .contains("spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`")
    );
}
