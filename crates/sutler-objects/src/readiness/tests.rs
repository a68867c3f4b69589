//! When an object is ready, and what is said while it is not.

use serde_json::{Value, json};

use super::{Around, completion, readiness};

fn check(object: Value, expect: &str) {
    assert_eq!(readiness(&object, Around::default()).to_string(), expect);
}

fn deployment(replicas: i64, status: Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "a", "generation": 2},
        "spec": {"replicas": replicas, "progressDeadlineSeconds": 600, "selector": {"matchLabels": {"app": "web"}}},
        "status": status,
    })
}

fn pod(name: &str, status: Value) -> Value {
    let node = if status["conditions"][0]["reason"] == "Unschedulable" { "" } else { "node-1" };
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "a", "labels": {"app": "web"}},
        "spec": {"nodeName": node}, "status": status,
    })
}

#[test]
fn a_deployment_is_ready_when_rolled_out_and_available() {
    let conditions = json!([
        {"type": "Available", "status": "True"}, {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
    ]);
    let status = |updated: i64, ready: i64, replicas: i64| json!({"observedGeneration": 2, "replicas": replicas, "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": ready, "conditions": conditions});
    check(deployment(2, status(2, 2, 2)), "ready");
    check(deployment(2, status(1, 2, 2)), "1 of 2 replicas updated");
    check(deployment(2, status(2, 1, 2)), "1 of 2 replicas ready");
    check(deployment(2, status(2, 2, 3)), "1 old replicas still to be stopped");
    check(deployment(1, json!({"observedGeneration": 1})), "its controller has not seen the latest change yet");
    check(deployment(0, status(0, 0, 0)), "ready");
}

#[test]
fn a_deployments_reason_is_its_worst_pods() {
    let live = deployment(
        4,
        json!({"observedGeneration": 2, "replicas": 4, "updatedReplicas": 4, "readyReplicas": 2, "availableReplicas": 2}),
    );
    let unscheduled = || {
        json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/3 nodes are available: 3 Insufficient cpu."}]})
    };
    let ready = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    let pods = [pod("web-1", ready), pod("web-3", unscheduled()), pod("web-2", unscheduled())];
    let around = Around { pods: &pods, events: &[] };
    assert_eq!(
        readiness(&live, around).to_string(),
        "2 of 4 replicas ready: pod web-2 (and 1 more) is pending: 0/3 nodes are available: 3 Insufficient cpu"
    );
}

#[test]
fn no_progress_is_a_failure() {
    let live = deployment(
        1,
        json!({"observedGeneration": 2, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}),
    );
    assert_eq!(readiness(&live, Around::default()), super::failed("no progress for 600 s, 0 of 1 replica ready"));
}

#[test]
fn a_pods_trouble_is_told_in_a_sentence() {
    let container = |state: Value| json!({"phase": "Pending", "containerStatuses": [{"name": "c", "ready": false, "state": state}]});
    check(
        pod(
            "a",
            container(
                json!({"waiting": {"reason": "CreateContainerConfigError", "message": "secret \"x\" not found"}}),
            ),
        ),
        "cannot start: container c: CreateContainerConfigError: secret \"x\" not found",
    );
    check(
        pod(
            "a",
            container(json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"x\""}})),
        ),
        "cannot pull an image: container c: Back-off pulling image \"x\"",
    );
    check(pod("a", container(json!({"waiting": {"reason": "ContainerCreating"}}))), "is starting on node node-1");
    check(pod("a", container(json!({"running": {}}))), "is starting: container c runs but is not ready");
    let crashing = json!({"phase": "Running", "containerStatuses": [{"name": "c", "ready": false, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]});
    check(pod("a", crashing), "crashes: container c exited with code 137: OOMKilled");
    let init = json!({"phase": "Pending", "initContainerStatuses": [{"name": "wait", "state": {"running": {}}}]});
    check(pod("a", init), "waits for its init container wait");
    check(pod("a", json!({"phase": "Succeeded"})), "ready");
    check(
        pod("a", json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."})),
        "has failed: The node was low on memory",
    );
}

#[test]
fn events_say_what_the_status_does_not() {
    let pending = pod(
        "a",
        json!({"phase": "Pending", "containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "ContainerCreating"}}}]}),
    );
    let event = |reason: &str, message: &str, time: &str| json!({"involvedObject": {"kind": "Pod", "name": "a", "namespace": "a"}, "reason": reason, "message": message, "lastTimestamp": time});
    let events = [
        event("FailedMount", "old", "2026-01-01T00:00:00Z"),
        event("FailedMount", "configmap \"x\" not found", "2026-01-01T00:01:00Z"),
    ];
    assert_eq!(
        readiness(&pending, Around { pods: &[], events: &events }).to_string(),
        "is starting: configmap \"x\" not found"
    );
}

#[test]
fn jobs_are_waited_for_to_start_or_to_complete() {
    let job = |status: Value| json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"completions": 3}, "status": status});
    let both = |status: Value| {
        let job = job(status);
        (readiness(&job, Around::default()).to_string(), completion(&job, Around::default()).to_string())
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(both(json!({})), pair("the job has not started yet", "the job has not started yet"));
    assert_eq!(both(json!({"startTime": "t", "succeeded": 1})), pair("ready", "1 of 3 completions done"));
    assert_eq!(both(json!({"conditions": [{"type": "Complete", "status": "True"}]})), pair("ready", "ready"));
    let failed = "the job has failed: Job has reached the specified backoff limit";
    let status = json!({"conditions": [{"type": "Failed", "status": "True", "message": "Job has reached the specified backoff limit"}]});
    assert_eq!(both(status), pair(failed, failed));
}

#[test]
fn the_other_kinds() {
    let object = |api_version: &str, kind: &str, spec: Value, status: Value| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "generation": 1}, "spec": spec, "status": status});
    check(object("v1", "ConfigMap", json!({}), json!({})), "ready");
    check(object("v1", "PersistentVolumeClaim", json!({}), json!({"phase": "Pending"})), "not bound to a volume yet");
    check(object("v1", "PersistentVolumeClaim", json!({}), json!({"phase": "Lost"})), "its volume is lost");
    check(object("v1", "Service", json!({"type": "ClusterIP"}), json!({})), "no cluster IP yet");
    check(
        object("v1", "Service", json!({"type": "LoadBalancer", "clusterIP": "10.0.0.1"}), json!({})),
        "no load balancer address yet",
    );
    check(object("v1", "Service", json!({"type": "ExternalName"}), json!({})), "ready");
    check(
        object("apps/v1", "StatefulSet", json!({"replicas": 2}), json!({"replicas": 2, "readyReplicas": 1})),
        "1 of 2 replicas ready",
    );
    check(
        object(
            "apps/v1",
            "StatefulSet",
            json!({"replicas": 1}),
            json!({"replicas": 1, "readyReplicas": 1, "currentRevision": "a", "updateRevision": "b"}),
        ),
        "0 of 1 replica updated",
    );
    check(object("apps/v1", "DaemonSet", json!({}), json!({})), "its controller has not seen it yet");
    check(
        object(
            "apps/v1",
            "DaemonSet",
            json!({}),
            json!({"observedGeneration": 1, "desiredNumberScheduled": 3, "currentNumberScheduled": 3, "updatedNumberScheduled": 3, "numberReady": 2}),
        ),
        "0 of 3 nodes ready",
    );
    check(object("apps/v1", "ReplicaSet", json!({"replicas": 1}), json!({})), "0 of 1 replica ready");
    let established = json!({"conditions": [{"type": "Established", "status": "True"}]});
    check(object("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({}), established), "ready");
    check(
        object("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({}), json!({})),
        "the API server does not serve it yet",
    );
    check(object("apiregistration.k8s.io/v1", "APIService", json!({}), json!({})), "not available yet");
    let not = json!({"conditions": [{"type": "Ready", "status": "False", "message": "head pod is starting."}]});
    check(object("ray.io/v1", "RayCluster", json!({}), not), "head pod is starting");
    check(object("ray.io/v1", "RayCluster", json!({}), json!({})), "ready");
    check(
        object(
            "ray.io/v1",
            "RayCluster",
            json!({}),
            json!({"conditions": [{"type": "Stalled", "status": "True", "reason": "BadSpec"}]}),
        ),
        "BadSpec",
    );
}
