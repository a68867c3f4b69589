//! The real Helm 4 against a served simulator. Skipped, saying so, where there is no helm.

use crate::cluster::{Cluster, tool};
use sutler_simulator::TimeMode;

const TEMPLATES: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-settings"}
data: {value: {{ .Values.value | quote }}}
---
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}"}
spec: {ports: [{port: 80}], selector: {app: "{{ .Release.Name }}"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  replicas: 2
  selector: {matchLabels: {app: "{{ .Release.Name }}"}}
  template:
    metadata: {labels: {app: "{{ .Release.Name }}"}}
    spec: {containers: [{name: web, image: "nginx:{{ .Values.value }}"}]}
---
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}-secret"}
stringData: {value: {{ .Values.value | quote }}}
"#;

#[test]
fn helm_installs_upgrades_rolls_back_and_uninstalls() {
    let Some(helm) = tool("helm", "helm_installs_upgrades_rolls_back_and_uninstalls") else { return };
    let cluster = Cluster::serve(TimeMode::Fast).with_nodes();
    cluster.file("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 0.1.0\n");
    cluster.file("chart/values.yaml", "value: one\n");
    cluster.file("chart/templates/all.yaml", TEMPLATES);
    let run = |line: &str| cluster.run(&helm, line);
    let value = || {
        let request = http::Method::GET;
        let target = "/api/v1/namespaces/apps/configmaps/web-settings";
        let response = cluster.simulator.answer(&sutler_simulator::request::Request::new(request, target, ""));
        let object: serde_json::Value = serde_json::from_slice(&response.body.into_bytes().unwrap()).unwrap();
        object["data"]["value"].as_str().unwrap_or("").to_string()
    };
    let installed = run("install web chart --namespace apps --create-namespace --wait --timeout 5m");
    assert!(installed.contains("STATUS: deployed") && installed.contains("REVISION: 1"), "{installed}");
    assert_eq!(value(), "one");
    let target = "/apis/apps/v1/namespaces/apps/deployments/web";
    let response = cluster.simulator.answer(&sutler_simulator::request::Request::new(http::Method::GET, target, ""));
    let deployment: serde_json::Value = serde_json::from_slice(&response.body.into_bytes().unwrap()).unwrap();
    assert_eq!(deployment["status"]["readyReplicas"], 2, "--wait waited");
    assert!(cluster.fails(&helm, "install web chart --namespace apps").contains("name that is still in use"));
    assert!(run("list --all-namespaces --short").contains("web"));
    assert!(run("upgrade web chart --namespace apps --set value=two --wait --timeout 5m").contains("REVISION: 2"));
    assert_eq!(value(), "two");
    assert!(run("get values web --namespace apps").contains("value: two"));
    assert!(run("get manifest web --namespace apps").contains("web-settings"));
    assert_eq!(run("history web --namespace apps").lines().count(), 3);
    run("rollback web 1 --namespace apps");
    assert_eq!(value(), "one");
    assert!(run("uninstall web --namespace apps --wait").contains("uninstalled"));
    assert_eq!(value(), "");
    assert_eq!(run("list --all-namespaces --short"), "");
}
