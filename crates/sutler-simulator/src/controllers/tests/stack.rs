//! A data team's stack: pools, autoscaler, Ray, and what happens without the autoscaler.

use super::*;

fn cluster() -> Value {
    json!({
        "name": "data-team-try",
        "pools": [
            {"name": "core", "instanceTypes": ["m6i.xlarge"], "min": 2, "max": 3},
            {"name": "autoscaler", "instanceTypes": ["m6i.large"], "min": 1, "max": 1, "dedicated": "clusterAutoscaler"},
            {"name": "ray", "instanceTypes": ["m6i.4xlarge"], "min": 0, "max": 8, "capacity": "spot", "dedicated": "ray"},
        ],
    })
}

fn dedicated(value: &str) -> Value {
    json!({
        "nodeSelector": {"dedicated": value},
        "tolerations": [{"key": "dedicated", "operator": "Equal", "value": value, "effect": "NoSchedule"}],
    })
}

fn autoscaler() -> Value {
    let mut pod = dedicated("clusterAutoscaler");
    pod["containers"] = json!([{
        "name": "autoscaler",
        "image": "registry.k8s.io/autoscaling/cluster-autoscaler:v1.34.1",
        "command": [
            "./cluster-autoscaler",
            "--cloud-provider=aws",
            "--skip-nodes-with-local-storage=false",
            "--node-group-auto-discovery=asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/data-team-try",
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "600Mi"}},
    }]);
    deployment("kube-system", "cluster-autoscaler", 1, pod)
}

fn ray(lab: &mut Lab, workers: i64) {
    lab.create(namespace("ray"));
    let head = json!({"containers": [{
        "name": "head",
        "image": "rayproject/ray:2.60.0",
        "ports": [{"containerPort": 6379, "name": "gcs"}],
        "readinessProbe": {"initialDelaySeconds": 5, "periodSeconds": 5, "tcpSocket": {"port": 6379}},
        "resources": {"requests": {"cpu": "1", "memory": "2Gi"}},
    }]});
    lab.create(deployment("ray", "head", 1, head));
    lab.create(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "default-ray-head-svc", "namespace": "ray"},
        "spec": {
            "selector": {"app": "head"},
            "publishNotReadyAddresses": true,
            "ports": [{"name": "gcs", "port": 6379, "targetPort": "gcs"}],
        },
    }));
    let mut worker = dedicated("ray");
    worker["initContainers"] = json!([{
        "name": "wait",
        "image": "rayproject/ray:2.60.0",
        "command": ["sh", "-c", "until ray health-check --address default-ray-head-svc.ray.svc:6379; do sleep 2; done"],
    }]);
    worker["containers"] = json!([{
        "name": "worker",
        "image": "rayproject/ray:2.60.0",
        "resources": {"requests": {"cpu": "15", "memory": "57Gi"}, "limits": {"memory": "57Gi"}},
    }]);
    lab.create(deployment("ray", "worker", workers, worker));
}

#[test]
fn a_stack_comes_up_on_nodes_that_the_autoscaler_starts() {
    let mut lab = Lab::new(7, cluster());
    lab.create(autoscaler());
    ray(&mut lab, 4);
    assert_eq!(lab.nodes(), "");
    lab.pass(80);
    assert_eq!(lab.nodes(), "autoscaler 1 core 2");
    lab.pass(30);
    assert!(lab.pods("kube-system").contains("cluster-autoscaler"), "{}", lab.pods("kube-system"));
    lab.pass(110);
    assert_eq!(lab.nodes(), "autoscaler 1 core 2 ray 4", "{:?}", lab.events("FailedScheduling"));
    assert_eq!(
        lab.pods("ray")
            .lines()
            .map(|line| line.split_once('-').unwrap().0.to_owned() + " " + line.split_once(' ').unwrap().1)
            .collect::<Vec<_>>(),
        [
            "head Running ready core",
            "worker Running ready ray",
            "worker Running ready ray",
            "worker Running ready ray",
            "worker Running ready ray",
        ]
    );
    assert!(lab.events("TriggeredScaleUp").contains(&"pod triggered scale-up: [{eks-ray 0->4 (max: 8)}]".to_owned()));
    let worker = lab.get(resource::DEPLOYMENTS, "ray", "worker");
    assert_eq!(worker["status"]["readyReplicas"], 4);
    assert_eq!(worker["status"]["conditions"][0]["type"], "Available");
    assert!(lab.seconds() <= 220);
}

#[test]
fn without_an_autoscaler_workers_wait_and_are_told_why() {
    let mut lab = Lab::new(7, cluster());
    ray(&mut lab, 1);
    lab.pass(300);
    assert_eq!(lab.nodes(), "autoscaler 1 core 2");
    assert!(lab.pods("ray").contains("worker"), "{}", lab.pods("ray"));
    let pods = lab.list(resource::PODS);
    let worker = pods.iter().find(|pod| pod["metadata"]["labels"]["app"] == "worker").unwrap();
    assert_eq!(
        crate::controllers::conditions::find(worker, "PodScheduled").unwrap()["message"],
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match Pod's node affinity/selector. \
         no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    );
    assert_eq!(lab.events("NoAutoscaler"), ["no autoscaler runs: no Deployment of the cluster autoscaler is there"]);

    let mut foreign = autoscaler();
    let arguments = &mut foreign["spec"]["template"]["spec"]["containers"][0]["command"];
    arguments[3] = json!("--node-group-auto-discovery=asg:tag=k8s.io/cluster-autoscaler/other");
    lab.create(foreign);
    lab.pass(120);
    let why = "no autoscaler runs: Deployment kube-system/cluster-autoscaler manages no pool of this cluster: it looks for \
        groups with the tag `k8s.io/cluster-autoscaler/other`, those of this cluster have \
        `k8s.io/cluster-autoscaler/data-team-try`";
    assert!(lab.events("NoAutoscaler").iter().any(|message| message == why), "{:?}", lab.events("NoAutoscaler"));
    assert_eq!(lab.nodes(), "autoscaler 1 core 2");
}

#[test]
fn nodes_go_when_they_are_not_needed_for_long_enough() {
    let mut lab = Lab::new(3, cluster());
    lab.create(autoscaler());
    ray(&mut lab, 2);
    lab.pass(240);
    assert_eq!(lab.nodes(), "autoscaler 1 core 2 ray 2");
    lab.delete("/apis/apps/v1/namespaces/ray/deployments/worker");
    lab.pass(500);
    assert_eq!(lab.nodes(), "autoscaler 1 core 2 ray 2", "ten minutes are not over");
    lab.pass(400);
    assert_eq!(lab.nodes(), "autoscaler 1 core 2");
    assert_eq!(lab.events("ScaleDown").len(), 2);
}

#[test]
fn the_same_seed_gives_the_same_course() {
    let course = |seed| {
        let mut lab = Lab::new(seed, cluster());
        lab.create(autoscaler());
        ray(&mut lab, 2);
        lab.pass(240);
        let pods = lab.list(resource::PODS);
        pods.iter().map(|pod| format!("{} {}", pod["metadata"]["name"], pod["status"]["startTime"])).collect::<Vec<_>>()
    };
    assert_eq!(course(11), course(11));
    assert_ne!(course(11), course(12));
}
