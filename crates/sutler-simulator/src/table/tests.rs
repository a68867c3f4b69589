//! Rows as `kubectl get -o wide` prints them.

use serde_json::{Value, json};

use super::columns::of;

/// The cells of an object at 2026-01-01T01:00:00Z, an hour after most test objects were made, joined by `|`.
#[track_caller]
fn check(resource: &str, mut object: Value, expected: &str) {
    object["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
    let now = "2026-01-01T01:00:00Z".parse().unwrap();
    let cells: Vec<String> = of(resource)
        .iter()
        .map(|column| match column.cell(&object, now) {
            Value::String(text) => text,
            other => other.to_string(),
        })
        .collect();
    assert_eq!(cells.join("|"), expected);
}

fn pod(spec: Value, status: Value) -> Value {
    json!({"metadata": {"name": "p"}, "spec": spec, "status": status})
}

#[test]
fn a_pod_shows_what_its_containers_do() {
    let spec = json!({"nodeName": "n", "containers": [{"name": "a"}, {"name": "b"}]});
    check("pods", pod(spec.clone(), json!({"phase": "Pending"})), "p|0/2|Pending|0|60m|<none>|n|<none>|<none>");
    let running = json!({"phase": "Running", "podIPs": [{"ip": "10.0.0.9"}], "containerStatuses": [
        {"name": "a", "ready": true, "restartCount": 2, "state": {"running": {}},
         "lastState": {"terminated": {"finishedAt": "2026-01-01T00:59:00Z"}}},
        {"name": "b", "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
    ]});
    check("pods", pod(spec, running), "p|1/2|CrashLoopBackOff|2 (60s ago)|60m|10.0.0.9|n|<none>|<none>");
}

#[test]
fn a_pod_that_initializes_says_how_far_it_is() {
    let spec = json!({"initContainers": [{"name": "i"}, {"name": "j"}], "containers": [{"name": "a"}]});
    let status = json!({"phase": "Pending", "initContainerStatuses": [
        {"name": "i", "state": {"terminated": {"exitCode": 0}}}, {"name": "j", "state": {"running": {}}},
    ]});
    check("pods", pod(spec, status), "p|0/1|Init:1/2|0|60m|<none>|<none>|<none>|<none>");
}

#[test]
fn a_pod_that_is_deleted_is_terminating() {
    let mut object = pod(json!({"containers": [{}]}), json!({"phase": "Running"}));
    object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:30:00Z");
    check("pods", object, "p|0/1|Terminating|0|60m|<none>|<none>|<none>|<none>");
}

#[test]
fn workloads_show_their_replicas() {
    let template = json!({"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}});
    let deployment = json!({"metadata": {"name": "d"}, "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "d"}},
        "template": template}, "status": {"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 2}});
    check("deployments.apps", deployment, "d|2/3|3|2|60m|a,b|x,y|app=d");
    let job = json!({"metadata": {"name": "j"}, "spec": {"completions": 1}, "status": {"succeeded": 1,
        "startTime": "2026-01-01T00:00:10Z", "completionTime": "2026-01-01T00:00:25Z",
        "conditions": [{"type": "Complete", "status": "True"}]}});
    check("jobs.batch", job, "j|Complete|1/1|15s|60m|||<none>");
}

#[test]
fn a_service_shows_its_addresses_and_ports() {
    let service = json!({"metadata": {"name": "s"}, "spec": {"type": "LoadBalancer", "clusterIPs": ["10.1.1.1"],
        "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}], "selector": {"a": "b"}}});
    check("services", service.clone(), "s|LoadBalancer|10.1.1.1|<pending>|80:30080/TCP,53/UDP|60m|a=b");
    let mut ready = service;
    ready["status"] = json!({"loadBalancer": {"ingress": [{"hostname": "x.elb"}]}});
    check("services", ready, "s|LoadBalancer|10.1.1.1|x.elb|80:30080/TCP,53/UDP|60m|a=b");
}

#[test]
fn a_node_shows_whether_it_is_ready_and_takes_pods() {
    let node = json!({"metadata": {"name": "n", "labels": {"node-role.kubernetes.io/worker": ""}}, "spec": {"unschedulable": true},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1.34.4"},
        "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}});
    check("nodes", node, "n|Ready,SchedulingDisabled|worker|60m|v1.34.4|10.0.0.1|<none>|<unknown>|<unknown>|<unknown>");
}

#[test]
fn what_has_no_columns_of_its_own_shows_when_it_was_made() {
    check("roles.rbac.authorization.k8s.io", json!({"metadata": {"name": "r"}}), "r|2026-01-01T00:00:00Z");
    check("configmaps", json!({"metadata": {"name": "c"}, "data": {"a": "1", "b": "2"}}), "c|2|60m");
    check("secrets", json!({"metadata": {"name": "s"}, "type": "Opaque"}), "s|Opaque|0|60m");
}
