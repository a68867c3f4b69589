//! The real kubectl against a served simulator. Skipped, saying so, where there is no kubectl.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::cluster::{Cluster, tool};
use sutler_simulator::TimeMode;

const MANIFEST: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {app: web}}
data: {a: "1"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]
"#;

const DEFINITION: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: foos.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Foo, plural: foos, shortNames: [fo]}
  versions:
  - name: v1
    served: true
    storage: true
    additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer, default: 3}}}}}}
"#;

#[test]
fn kubectl_finds_its_way_around() {
    let Some(kubectl) = tool("kubectl", "kubectl_finds_its_way_around") else { return };
    let cluster = Cluster::serve(TimeMode::Paused);
    let run = |line: &str| cluster.run(&kubectl, line);
    assert!(run("version").contains("Server Version: v1.34.4+sutler-simulated"));
    let resources = run("api-resources -o name");
    for name in
        ["pods", "deployments.apps", "ingresses.networking.k8s.io", "customresourcedefinitions.apiextensions.k8s.io"]
    {
        assert!(resources.lines().any(|line| line == name), "{name} in {resources}");
    }
    let namespaces = run("get namespaces");
    assert_eq!(namespaces.lines().next().unwrap().split_whitespace().collect::<Vec<_>>(), ["NAME", "STATUS", "AGE"]);
    assert_eq!(namespaces.lines().count(), 5, "{namespaces}");
    assert_eq!(run("auth can-i create pods"), "yes");
    assert!(run("auth whoami").contains("kubernetes-admin"));
    assert_eq!(run("create token default").split('.').count(), 3);
    assert!(run("explain deployments.spec.replicas").contains("replicas <integer>"));
    assert!(cluster.fails(&kubectl, "get nothing").contains("the server doesn't have a resource type \"nothing\""));
    assert!(cluster.fails(&kubectl, "get pod x").contains("pods \"x\" not found"));
}

#[test]
fn kubectl_applies_patches_and_deletes() {
    let Some(kubectl) = tool("kubectl", "kubectl_applies_patches_and_deletes") else { return };
    let cluster = Cluster::serve(TimeMode::Paused);
    cluster.file("web.yaml", MANIFEST);
    let run = |line: &str| cluster.run(&kubectl, line);
    assert_eq!(run("apply -f web.yaml"), "configmap/settings created\ndeployment.apps/web created");
    assert_eq!(run("apply -f web.yaml"), "configmap/settings unchanged\ndeployment.apps/web unchanged");
    cluster.file("web.yaml", &MANIFEST.replace("replicas: 2", "replicas: 3").replace("a: \"1\"", "b: \"2\""));
    let difference = cluster.fails(&kubectl, "diff -f web.yaml");
    assert!(difference.contains("-  replicas: 2") && difference.contains("+  replicas: 3"), "{difference}");
    assert_eq!(run("apply -f web.yaml"), "configmap/settings configured\ndeployment.apps/web configured");
    assert_eq!(run("diff -f web.yaml"), "");
    assert_eq!(run("get configmap settings -o jsonpath={.data}"), r#"{"b":"2"}"#);
    assert_eq!(run("apply --server-side --force-conflicts -f web.yaml").matches("serverside-applied").count(), 2);
    cluster.file("web.yaml", &MANIFEST.replace("replicas: 2", "replicas: 4"));
    let conflict = cluster.fails(&kubectl, "apply --server-side --field-manager=other -f web.yaml");
    assert!(conflict.contains("Apply failed with 1 conflict: conflict with \"kubectl\": .spec.replicas"), "{conflict}");
    let replicas = || run("get deployment web -o jsonpath={.spec.replicas}");
    run(r#"patch deployment web -p {"spec":{"replicas":5}}"#);
    assert_eq!(replicas(), "5");
    run(r#"patch deployment web --type=merge -p {"spec":{"replicas":6}}"#);
    assert_eq!(replicas(), "6");
    run(r#"patch deployment web --type=json -p [{"op":"replace","path":"/spec/replicas","value":7}]"#);
    assert_eq!(replicas(), "7");
    run("scale deployment web --replicas=8");
    assert_eq!(replicas(), "8");
    run("set image deployment/web c=nginx:2");
    assert_eq!(run("get deployment web -o jsonpath={..image}"), "nginx:2");
    run("label configmap settings x=y");
    run("annotate configmap settings z=w");
    assert!(run("get configmap -l x=y -o name").ends_with("configmap/settings"));
    assert!(run("describe deployment web").contains("Replicas:"));
    assert!(run("get all").contains("deployment.apps/web"));
    assert_eq!(run("delete -f web.yaml").lines().count(), 2);
    assert_eq!(run("get configmap -l app=web"), "No resources found in default namespace.");
}

#[test]
fn kubectl_is_refused_with_the_reason() {
    let Some(kubectl) = tool("kubectl", "kubectl_is_refused_with_the_reason") else { return };
    let cluster = Cluster::serve(TimeMode::Paused);
    let fails = |line: &str| cluster.fails(&kubectl, line);
    cluster.file("unknown.yaml", &MANIFEST.replace("replicas: 2", "replikas: 2"));
    assert!(fails("apply -f unknown.yaml").contains("strict decoding error: unknown field \"spec.replikas\""));
    cluster.file("invalid.yaml", &MANIFEST.replace("replicas: 2", "replicas: -2"));
    let invalid = fails("apply -f invalid.yaml");
    assert!(
        invalid.contains(
            "The Deployment \"web\" is invalid: spec.replicas: Invalid value: -2: must be greater than or equal to 0"
        ),
        "{invalid}"
    );
    assert!(fails("create configmap x -n nowhere").contains("namespaces \"nowhere\" not found"));
    assert!(fails("delete namespace default").contains("this namespace may not be deleted"));
    cluster.run(&kubectl, "run lone --image=nginx");
    assert!(fails("logs lone").contains("pod lone does not have a host assigned"));
}

#[test]
fn kubectl_watches_and_waits() {
    let Some(kubectl) = tool("kubectl", "kubectl_watches_and_waits") else { return };
    let cluster = Cluster::serve(TimeMode::Paused);
    let run = |line: &str| cluster.run(&kubectl, line);
    run("create configmap x --from-literal=a=1");
    let mut watch = cluster
        .command(&kubectl, &["get", "configmap", "x", "--watch", "--no-headers", "--output-watch-events"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap().split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    assert_eq!(next(), "ADDED x");
    run(r#"patch configmap x --type=merge -p {"data":{"b":"2"}}"#);
    assert_eq!(next(), "MODIFIED x");
    run("wait --for=jsonpath={.data.b}=2 configmap/x --timeout=10s");
    run("delete configmap x");
    assert_eq!(next(), "DELETED x");
    watch.kill().unwrap();
    watch.wait().unwrap();
    run("wait --for=delete configmap/x --timeout=10s");
}

#[test]
fn kubectl_follows_a_rollout() {
    let Some(kubectl) = tool("kubectl", "kubectl_follows_a_rollout") else { return };
    let cluster = Cluster::serve(TimeMode::Fast).with_nodes();
    let run = |line: &str| cluster.run(&kubectl, line);
    cluster.file("web.yaml", MANIFEST);
    run("apply -f web.yaml");
    assert!(run("rollout status deployment/web --timeout=60s").ends_with("successfully rolled out"));
    run("wait --for=condition=Available deployment/web --timeout=60s");
    let pods = run("get pods -l app=web --no-headers");
    let fields: Vec<Vec<&str>> = pods.lines().map(|line| line.split_whitespace().take(3).collect()).collect();
    assert!(fields.len() == 2 && fields.iter().all(|fields| fields[1..] == ["1/1", "Running"]), "{pods}");
    assert!(run("get nodes --no-headers").contains(" Ready "));
    run("set image deployment/web c=nginx:2");
    assert!(run("rollout status deployment/web --timeout=60s").ends_with("successfully rolled out"));
    assert_eq!(run("rollout history deployment/web").matches("<none>").count(), 2);
    assert!(run("logs deployment/web").contains("simulated: no container runs"));
    assert!(run("describe deployment web").contains("NewReplicaSetAvailable"));
    run("delete deployment web --wait --timeout=60s");
}

#[test]
fn kubectl_uses_a_custom_resource() {
    let Some(kubectl) = tool("kubectl", "kubectl_uses_a_custom_resource") else { return };
    let cluster = Cluster::serve(TimeMode::Paused);
    let run = |line: &str| cluster.run(&kubectl, line);
    cluster.file("definition.yaml", DEFINITION);
    cluster.file("foo.yaml", "apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: f}\nspec: {}\n");
    run("apply -f definition.yaml");
    run("wait --for=condition=Established crd/foos.example.com --timeout=10s");
    assert_eq!(run("apply -f foo.yaml"), "foo.example.com/f created");
    assert_eq!(run("apply -f foo.yaml"), "foo.example.com/f unchanged");
    let shown = run("get fo");
    assert_eq!(shown.split_whitespace().collect::<Vec<_>>(), ["NAME", "SIZE", "f", "3"]);
    assert!(run("explain foo.spec.size").contains("size <integer>"));
    assert!(
        cluster
            .fails(&kubectl, r#"patch foo f --type=merge -p {"spec":{"size":"x"}}"#)
            .contains("must be of type integer")
    );
    run("delete crd foos.example.com");
    assert!(cluster.fails(&kubectl, "get foos").contains("the server"));
}

#[test]
fn whoever_shows_no_token_stays_outside() {
    let Some(kubectl) = tool("kubectl", "whoever_shows_no_token_stays_outside") else { return };
    let cluster = Cluster::serve(TimeMode::Paused);
    let path = cluster.folder.path().join("kubeconfig");
    let text = std::fs::read_to_string(&path).unwrap().replace("test-token", "other-token");
    std::fs::write(&path, text).unwrap();
    let refused = cluster.fails(&kubectl, "get pods");
    assert!(refused.contains("credentials") || refused.contains("Unauthorized"), "{refused}");
}
