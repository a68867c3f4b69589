//! Deployments, daemon sets, services, volumes, and what keeps a pod from starting.

use super::*;

/// A cluster with two nodes that are ready.
fn lab() -> Lab {
    let mut lab = Lab::new(
        1,
        json!({
            "name": "small",
            "pools": [{"name": "core", "instanceTypes": ["m6i.xlarge"], "min": 2, "max": 2}],
        }),
    );
    lab.pass(100);
    assert_eq!(lab.nodes(), "core 2");
    lab.create(namespace("web"));
    lab
}

fn condition(object: &Value, kind: &str) -> String {
    let condition = super::super::conditions::find(object, kind).cloned().unwrap_or_default();
    format!(
        "{} {}: {}",
        condition["status"].as_str().unwrap_or("-"),
        condition["reason"].as_str().unwrap_or("-"),
        condition["message"].as_str().unwrap_or("-")
    )
}

#[test]
fn eks_daemons_run_on_every_node() {
    let lab = lab();
    for name in ["aws-node", "kube-proxy", "ebs-csi-node"] {
        let status = lab.get(resource::DAEMON_SETS, "kube-system", name)["status"].clone();
        assert_eq!(
            (&status["desiredNumberScheduled"], &status["numberReady"]),
            (&json!(2), &json!(2)),
            "{name}: {status}"
        );
    }
}

#[test]
fn a_rolling_update_keeps_enough_pods_available() {
    let mut lab = lab();
    lab.create(deployment("web", "site", 4, json!({})));
    lab.pass(30);
    let site = |lab: &Lab| lab.get(resource::DEPLOYMENTS, "web", "site");
    assert_eq!(site(&lab)["status"]["availableReplicas"], 4);
    assert!(condition(&site(&lab), "Progressing").starts_with("True NewReplicaSetAvailable: ReplicaSet \"site-"));
    assert_eq!(
        condition(&site(&lab), "Available"),
        "True MinimumReplicasAvailable: Deployment has minimum availability."
    );

    let path = "/apis/apps/v1/namespaces/web/deployments/site";
    lab.patch(path, &json!({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 5}}}}));
    for _ in 0..60 {
        lab.pass(1);
        let status = site(&lab)["status"].clone();
        assert!(status["availableReplicas"].as_i64().unwrap_or(0) >= 3, "{status}");
        assert!(status["replicas"].as_i64().unwrap_or(0) <= 5, "{status}");
    }
    let status = site(&lab)["status"].clone();
    assert_eq!((&status["updatedReplicas"], &status["replicas"]), (&json!(4), &json!(4)));
    let sets = lab.list(resource::REPLICA_SETS);
    let mut revisions: Vec<String> = sets
        .iter()
        .map(|set| {
            format!(
                "{} {}",
                set["metadata"]["annotations"]["deployment.kubernetes.io/revision"], set["spec"]["replicas"]
            )
        })
        .collect();
    revisions.sort();
    assert_eq!(revisions, ["\"1\" 0", "\"2\" 4"]);

    // Back to the first template: its replica set is taken up again, as revision 3.
    lab.patch(path, &json!({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 30}}}}));
    lab.pass(60);
    assert_eq!(site(&lab)["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "3");
    assert_eq!(lab.list(resource::REPLICA_SETS).len(), 2);
}

#[test]
fn recreate_ends_the_old_before_it_starts_the_new() {
    let mut lab = lab();
    let mut hub = deployment("web", "hub", 1, json!({}));
    hub["spec"]["strategy"] = json!({"type": "Recreate"});
    lab.create(hub);
    lab.pass(30);
    let path = "/apis/apps/v1/namespaces/web/deployments/hub";
    lab.patch(path, &json!({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 5}}}}));
    let mut most = 0;
    for _ in 0..30 {
        lab.pass(1);
        most = most.max(lab.pods("web").lines().count());
    }
    assert_eq!(most, 1);
    assert_eq!(lab.get(resource::DEPLOYMENTS, "web", "hub")["status"]["updatedReplicas"], 1);
}

#[test]
fn a_deployment_that_does_not_move_times_out() {
    let mut lab = lab();
    let mut stuck = deployment("web", "stuck", 1, json!({"nodeSelector": {"no": "where"}}));
    stuck["spec"]["progressDeadlineSeconds"] = json!(60);
    lab.create(stuck);
    lab.pass(50);
    assert!(condition(&lab.get(resource::DEPLOYMENTS, "web", "stuck"), "Progressing").starts_with("True"));
    lab.pass(20);
    let progressing = condition(&lab.get(resource::DEPLOYMENTS, "web", "stuck"), "Progressing");
    assert!(progressing.starts_with("False ProgressDeadlineExceeded: ReplicaSet \"stuck-"), "{progressing}");
}

#[test]
fn a_pod_waits_for_a_secret_that_its_environment_names() {
    let mut lab = lab();
    let from = json!({"secretKeyRef": {"name": "login", "key": "password"}});
    let pod = json!({"containers": [{"name": "main", "image": "a", "env": [{"name": "P", "valueFrom": from}]}]});
    lab.create(deployment("web", "app", 1, pod));
    lab.pass(40);
    let waiting = |lab: &Lab| {
        lab.list(resource::PODS).iter().find(|pod| pod["metadata"]["namespace"] == "web").unwrap()["status"]["containerStatuses"][0]["state"]["waiting"].clone()
    };
    assert_eq!(waiting(&lab), json!({"reason": "CreateContainerConfigError", "message": "secret \"login\" not found"}));
    let mut secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", "namespace": "web"}});
    secret["stringData"] = json!({"user": "u"});
    lab.create(secret);
    lab.pass(5);
    assert_eq!(waiting(&lab)["message"], "couldn't find key password in Secret web/login");
    lab.patch("/api/v1/namespaces/web/secrets/login", &json!({"stringData": {"password": "p"}}));
    lab.pass(5);
    assert_eq!(
        lab.pods("web"),
        "app-0 Running ready core".replace("app-0", lab.pods("web").split(' ').next().unwrap())
    );
}

#[test]
fn a_pod_waits_for_a_config_map_that_it_mounts() {
    let mut lab = lab();
    let pod = json!({"volumes": [{"name": "v", "configMap": {"name": "settings"}}]});
    lab.create(deployment("web", "app", 1, pod));
    lab.pass(30);
    assert!(lab.pods("web").contains("Pending unready core"), "{}", lab.pods("web"));
    assert_eq!(
        lab.events("FailedMount").first().map(String::as_str),
        Some("MountVolume.SetUp failed for volume \"v\" : configmap \"settings\" not found")
    );
    lab.create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "web"}}));
    lab.pass(20);
    assert!(lab.pods("web").contains("Running ready core"), "{}", lab.pods("web"));
}

#[test]
fn an_init_container_waits_for_the_service_that_it_names() {
    let mut lab = lab();
    let init =
        json!({"name": "wait", "image": "busybox", "command": ["sh", "-c", "until nc -z db 5432; do sleep 1; done"]});
    lab.create(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "db", "namespace": "web"},
        "spec": {"selector": {"app": "db"}, "ports": [{"port": 5432}]},
    }));
    lab.create(deployment("web", "app", 1, json!({"initContainers": [init]})));
    lab.pass(60);
    assert!(lab.pods("web").contains("Pending unready core"), "{}", lab.pods("web"));
    lab.create(deployment("web", "db", 1, json!({})));
    lab.pass(40);
    assert_eq!(lab.pods("web").matches("Running ready core").count(), 2, "{}", lab.pods("web"));
}

#[test]
fn a_service_shows_its_pods_and_gets_its_addresses() {
    let mut lab = lab();
    let service = lab.create(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "site", "namespace": "web"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "site"}, "ports": [{"port": 80, "targetPort": "http"}]},
    }));
    assert!(service["spec"]["clusterIP"].as_str().unwrap().starts_with("10.100."), "{service}");
    assert!((30_000..=32_767).contains(&service["spec"]["ports"][0]["nodePort"].as_i64().unwrap()));
    let container = json!({"name": "main", "image": "a", "ports": [{"name": "http", "containerPort": 8080}]});
    lab.create(deployment("web", "site", 2, json!({"containers": [container]})));
    lab.pass(60);
    let endpoints = lab.get(resource::ENDPOINTS, "web", "site");
    assert_eq!(endpoints["subsets"][0]["addresses"].as_array().map(Vec::len), Some(2), "{endpoints}");
    assert_eq!(endpoints["subsets"][0]["ports"], json!([{"port": 8080, "protocol": "TCP"}]));
    let slice =
        lab.list(resource::ENDPOINT_SLICES).into_iter().find(|slice| slice["metadata"]["namespace"] == "web").unwrap();
    assert_eq!(slice["endpoints"][0]["conditions"], json!({"ready": true, "serving": true, "terminating": false}));
    let ingress = &lab.get(resource::SERVICES, "web", "site")["status"]["loadBalancer"]["ingress"][0]["hostname"];
    assert!(ingress.as_str().unwrap().ends_with(".us-west-2.elb.amazonaws.com"), "{ingress}");

    lab.patch("/apis/apps/v1/namespaces/web/deployments/site", &json!({"spec": {"replicas": 0}}));
    lab.pass(10);
    assert!(lab.get(resource::ENDPOINTS, "web", "site")["subsets"].is_null());
    lab.delete("/api/v1/namespaces/web/services/site");
    lab.pass(1);
    assert!(lab.get(resource::ENDPOINTS, "web", "site").is_null());
    assert!(lab.list(resource::ENDPOINT_SLICES).iter().all(|slice| slice["metadata"]["namespace"] != "web"));
}

#[test]
fn a_claim_is_bound_at_once_and_kept_while_a_pod_uses_it() {
    let mut lab = lab();
    lab.create(json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "web"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
    }));
    let claim = lab.get(resource::PERSISTENT_VOLUME_CLAIMS, "web", "data");
    assert_eq!((&claim["status"]["phase"], &claim["spec"]["storageClassName"]), (&json!("Bound"), &json!("gp3")));
    assert_eq!(claim["status"]["capacity"]["storage"], "10Gi");
    let volumes = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
    lab.create(deployment("web", "app", 1, json!({"volumes": volumes})));
    lab.pass(40);
    assert!(lab.pods("web").contains("Running ready core"), "{}", lab.pods("web"));
    lab.delete("/api/v1/namespaces/web/persistentvolumeclaims/data");
    lab.pass(10);
    assert!(!lab.get(resource::PERSISTENT_VOLUME_CLAIMS, "web", "data").is_null(), "a pod uses it");
    lab.delete("/apis/apps/v1/namespaces/web/deployments/app");
    lab.pass(10);
    assert!(lab.get(resource::PERSISTENT_VOLUME_CLAIMS, "web", "data").is_null());
    assert!(lab.list(resource::PERSISTENT_VOLUMES).is_empty());
}

#[test]
fn a_pod_of_an_account_with_a_role_gets_the_role() {
    let mut lab = lab();
    let role = "arn:aws:iam::444455556666:role/small_DaftRole";
    lab.create(json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "daft", "namespace": "web", "annotations": {"eks.amazonaws.com/role-arn": role}},
    }));
    lab.create(deployment("web", "app", 1, json!({"serviceAccountName": "daft"})));
    lab.pass(20);
    let pods = lab.list(resource::PODS);
    let pod = pods.iter().find(|pod| pod["metadata"]["namespace"] == "web").unwrap();
    let environment = pod["spec"]["containers"][0]["env"].as_array().unwrap();
    assert!(environment.contains(&json!({"name": "AWS_ROLE_ARN", "value": role})), "{environment:?}");
    assert_eq!(pod["spec"]["volumes"][0]["name"], "aws-iam-token");
    assert!(pod["spec"]["volumes"][1]["name"].as_str().unwrap().starts_with("kube-api-access-"));
    assert_eq!(pod["status"]["phase"], "Running");
}

#[test]
fn a_pod_of_an_account_that_is_not_there_is_refused() {
    let mut lab = lab();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "web"},
        "spec": {"serviceAccountName": "nobody", "containers": [{"name": "a", "image": "a"}]},
    });
    let (code, answer) = lab.try_call(Method::POST, "/api/v1/namespaces/web/pods", &pod);
    assert_eq!(code, 403);
    assert_eq!(
        answer["message"],
        "pods \"p\" is forbidden: error looking up service account web/nobody: serviceaccount \"nobody\" not found"
    );
    lab.create(deployment("web", "app", 1, json!({"serviceAccountName": "nobody"})));
    lab.pass(5);
    assert!(
        lab.events("FailedCreate")[0].starts_with("Error creating: pods \"app-"),
        "{:?}",
        lab.events("FailedCreate")
    );
}

#[test]
fn a_pod_that_is_to_end_ends_and_a_server_does_not() {
    let mut lab = lab();
    let pod = |name: &str, container: Value| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "web"},
            "spec": {"restartPolicy": "Never", "containers": [container]},
        })
    };
    lab.create(pod("test", json!({"name": "a", "image": "a"})));
    lab.create(pod("server", json!({"name": "a", "image": "a", "ports": [{"containerPort": 8888}]})));
    lab.pass(40);
    assert_eq!(lab.pods("web"), "server Running ready core\ntest Succeeded unready core");
}

#[test]
fn a_pool_that_is_taken_out_drains() {
    let mut lab = lab();
    lab.create(deployment("web", "site", 2, json!({})));
    lab.pass(30);
    let mut cluster = serde_json::to_value(lab.machine.cluster()).unwrap();
    cluster["pools"] = json!([{"name": "new", "instanceTypes": ["m6i.xlarge"], "min": 1, "max": 1}]);
    lab.machine.set_cluster(serde_json::from_value(cluster).unwrap());
    lab.call(Method::GET, "/version", &Value::Null);
    lab.pass(120);
    assert_eq!(lab.nodes(), "new 1");
    assert_eq!(lab.pods("web").matches("Running ready new").count(), 2, "{}", lab.pods("web"));
}

fn stateful_set(replicas: i64) -> Value {
    let mut set = deployment("web", "db", replicas, json!({}));
    set["kind"] = json!("StatefulSet");
    set["spec"]["serviceName"] = json!("db");
    set["spec"]["volumeClaimTemplates"] = json!([{
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }]);
    set
}

#[test]
fn a_stateful_set_goes_in_order_and_keeps_its_claims() {
    let mut lab = lab();
    lab.create(stateful_set(2));
    lab.pass(5);
    assert_eq!(lab.list(resource::PODS).iter().filter(|pod| pod["metadata"]["namespace"] == "web").count(), 1);
    lab.pass(60);
    let names: Vec<String> =
        lab.machine.view().list_in(resource::PODS, "web").map(|pod| pod["metadata"]["name"].to_string()).collect();
    assert_eq!(names, ["\"db-0\"", "\"db-1\""]);
    let status = lab.get(resource::STATEFUL_SETS, "web", "db")["status"].clone();
    assert_eq!((&status["readyReplicas"], &status["currentReplicas"]), (&json!(2), &json!(2)));
    assert_eq!(status["currentRevision"], status["updateRevision"]);

    let path = "/apis/apps/v1/namespaces/web/statefulsets/db";
    lab.patch(path, &json!({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 5}}}}));
    lab.pass(5);
    let first = lab.get(resource::PODS, "web", "db-0");
    assert_eq!(first["spec"]["terminationGracePeriodSeconds"], 30, "the highest number is replaced first");
    lab.pass(90);
    let status = lab.get(resource::STATEFUL_SETS, "web", "db")["status"].clone();
    assert_eq!((&status["updatedReplicas"], &status["readyReplicas"]), (&json!(2), &json!(2)), "{status}");
    assert_eq!(lab.get(resource::PODS, "web", "db-0")["spec"]["terminationGracePeriodSeconds"], 5);
    lab.patch(path, &json!({"spec": {"replicas": 0}}));
    lab.pass(30);
    assert_eq!(lab.pods("web"), "");
    assert_eq!(lab.list(resource::PERSISTENT_VOLUME_CLAIMS).len(), 2);
}

#[test]
fn a_job_completes_and_goes_after_a_while() {
    let mut lab = lab();
    let job = lab.create(json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "load", "namespace": "web"},
        "spec": {
            "completions": 3, "parallelism": 2, "ttlSecondsAfterFinished": 30,
            "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}},
        },
    }));
    let uid = job["metadata"]["uid"].clone();
    assert_eq!(job["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"], uid);
    lab.pass(1);
    assert_eq!(lab.get(resource::JOBS, "web", "load")["status"]["active"], 2);
    lab.pass(44);
    let job = lab.get(resource::JOBS, "web", "load");
    assert_eq!(job["status"]["succeeded"], 3, "{}", job["status"]);
    assert_eq!(condition(&job, "Complete"), "True CompletionsReached: Reached expected number of succeeded pods");
    lab.pass(60);
    assert!(lab.get(resource::JOBS, "web", "load").is_null());
    assert_eq!(lab.pods("web"), "");
}

#[test]
fn a_cron_job_starts_jobs_at_its_times() {
    let mut lab = lab();
    lab.create(json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tick", "namespace": "web"},
        "spec": {
            "schedule": "*/10 * * * *", "successfulJobsHistoryLimit": 1,
            "jobTemplate": {"spec": {"template": {
                "spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]},
            }}},
        },
    }));
    lab.pass(3600);
    let status = lab.get(resource::CRON_JOBS, "web", "tick")["status"].clone();
    assert_eq!(status["lastScheduleTime"], "2026-11-23T09:00:00Z");
    assert_eq!(lab.list(resource::JOBS).len(), 1);
}

#[test]
fn a_budget_says_how_many_may_go() {
    let mut lab = lab();
    lab.create(deployment("web", "site", 3, json!({})));
    lab.create(json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "site", "namespace": "web"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "site"}}},
    }));
    let allowed =
        |lab: &Lab| lab.get(resource::POD_DISRUPTION_BUDGETS, "web", "site")["status"]["disruptionsAllowed"].clone();
    assert_eq!(allowed(&lab), 0);
    lab.pass(40);
    assert_eq!(allowed(&lab), 1);
}
