//! What the API server fills in, kind by kind.

use serde_json::{Value, json};

use super::{CONSTANTS, set_defaults};
use crate::schema;

fn defaulted(mut object: Value) -> Value {
    let ty = schema::of_object(&object).unwrap();
    set_defaults(&mut object, ty);
    let once = object.clone();
    set_defaults(&mut object, ty);
    assert_eq!(object, once, "a second time changes nothing");
    object
}

fn check(given: Value, expect: Value) {
    let mut given = defaulted(given);
    for key in ["apiVersion", "kind", "metadata"] {
        given.as_object_mut().unwrap().remove(key);
    }
    assert_eq!(given, expect);
}

fn pod_spec(containers: Value) -> Value {
    json!({
        "containers": containers, "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
        "securityContext": {}, "terminationGracePeriodSeconds": 30,
    })
}

#[test]
fn the_table_is_sorted_and_names_existing_fields() {
    assert!(CONSTANTS.is_sorted_by_key(|(name, _)| *name));
    for (name, constants) in CONSTANTS {
        for (field, _) in *constants {
            assert!(schema::named(name).is_some_and(|of| of.field(field).is_some()), "{name} {field}");
        }
    }
}

#[test]
fn a_deployment() {
    let container = json!({
        "name": "a", "image": "nginx", "imagePullPolicy": "Always", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        "ports": [{"containerPort": 80, "protocol": "TCP"}],
        "readinessProbe": {
            "httpGet": {"path": "/", "port": 80, "scheme": "HTTP"},
            "failureThreshold": 3, "periodSeconds": 5, "successThreshold": 1, "timeoutSeconds": 1,
        },
    });
    check(
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"spec": {"containers": [{
                "name": "a", "image": "nginx", "ports": [{"containerPort": 80}], "resources": {"limits": {"cpu": 1, "memory": "1024Mi"}},
                "readinessProbe": {"httpGet": {"port": 80}, "periodSeconds": 5, "timeoutSeconds": 0},
            }]}},
        }}),
        json!({"spec": {
            "progressDeadlineSeconds": 600, "replicas": 1, "revisionHistoryLimit": 10,
            "selector": {"matchLabels": {"a": "b"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {"metadata": {}, "spec": pod_spec(json!([container]))},
        }, "status": {}}),
    );
}

#[test]
fn a_service() {
    check(
        json!({"apiVersion": "v1", "kind": "Service",
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}, {"port": 1, "targetPort": "x"}]}}),
        json!({"spec": {
            "allocateLoadBalancerNodePorts": true, "externalTrafficPolicy": "Cluster", "internalTrafficPolicy": "Cluster",
            "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}, {"port": 1, "protocol": "TCP", "targetPort": "x"}],
            "sessionAffinity": "None", "type": "LoadBalancer",
        }, "status": {"loadBalancer": {}}}),
    );
}

#[test]
fn a_pods_requests_follow_its_limits_and_a_templates_do_not() {
    let mut spec = pod_spec(json!([{
        "name": "a", "image": "a:1", "imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File", "resources": {"limits": {"cpu": "2"}, "requests": {"cpu": "2"}},
    }]));
    spec["enableServiceLinks"] = true.into();
    check(
        json!({"apiVersion": "v1", "kind": "Pod",
            "spec": {"containers": [{"name": "a", "image": "a:1", "resources": {"limits": {"cpu": "2"}}}]}}),
        json!({"spec": spec, "status": {}}),
    );
}

#[test]
fn image_pull_policies() {
    let check = |image: &str, expect: &str| {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a", "image": image}]}});
        assert_eq!(defaulted(pod)["spec"]["containers"][0]["imagePullPolicy"], expect, "{image}");
    };
    check("nginx", "Always");
    check("nginx:latest", "Always");
    check("localhost:5000/nginx", "Always");
    check("nginx:1.2", "IfNotPresent");
    check("nginx@sha256:0000000000000000000000000000000000000000000000000000000000000000", "IfNotPresent");
    check("nginx:latest@sha256:0000000000000000000000000000000000000000000000000000000000000000", "Always");
}

#[test]
fn claims_roles_namespaces_jobs() {
    check(
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": {"resources": {"requests": {"storage": "1024Mi"}}}}),
        json!({"spec": {"resources": {"requests": {"storage": "1Gi"}}, "volumeMode": "Filesystem"}, "status": {"phase": "Pending"}}),
    );
    check(
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "roleRef": {"kind": "Role", "name": "a"},
            "subjects": [{"kind": "ServiceAccount", "name": "a"}, {"kind": "Group", "name": "b"}]}),
        json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"},
            "subjects": [{"kind": "ServiceAccount", "name": "a"}, {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "b"}]}),
    );
    check(
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}),
        json!({"spec": {}, "status": {"phase": "Active"}}),
    );
    check(json!({"apiVersion": "v1", "kind": "Secret"}), json!({"type": "Opaque"}));
    let job =
        json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": {"metadata": {"labels": {"x": "y"}}}}});
    let job = defaulted(job);
    assert_eq!(job["metadata"]["labels"], json!({"x": "y"}));
    assert_eq!((&job["spec"]["completions"], &job["spec"]["backoffLimit"]), (&json!(1), &json!(6)));
}

#[test]
fn a_custom_resources_own_defaults() {
    let ty = schema::Type::of_custom_resource(&json!({"type": "object", "properties": {
        "spec": {"type": "object", "default": {}, "properties": {
            "size": {"type": "integer", "default": 3}, "name": {"type": "string"},
        }},
    }}));
    let mut object = json!({"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "a"}});
    set_defaults(&mut object, &ty);
    assert_eq!(object["spec"], json!({"size": 3}));
}
