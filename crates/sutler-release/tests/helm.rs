//! The real Helm on the same cluster: either tool can list, upgrade, roll back or remove what the other installed.
//!
//! Helm is taken from `SUTLER_HELM` or from `target/peers/bin/helm`; without it these tests are skipped, saying so.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::io::Read;
use support::{Lab, installation, line, upgrade};
use sutler_chart::{Chart, ChartSource, ValuesOptions};
use sutler_release::{FromChart, ObjectRef, RollbackRequest, Source, UninstallRequest, ValuesFrom};
use sutler_simulator::{TimeMode, kubeconfig};

/// A served simulator, a chart on disk, and both tools.
struct Bench {
    lab: Lab,
    helm: PathBuf,
    dir: tempfile::TempDir,
    served: tokio::task::JoinHandle<()>,
}

impl Bench {
    /// `None` without Helm, saying so.
    async fn new(test: &str) -> Option<Bench> {
        let Some(helm) = find_helm() else {
            println!("skipped {test}: no helm at SUTLER_HELM or target/peers/bin/helm");
            return None;
        };
        let lab = Lab::new();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let simulator = lab.simulator.clone();
        let served = tokio::spawn(async move {
            simulator.serve(listener, "token", TimeMode::Fast, std::future::pending()).await.unwrap();
        });
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("kubeconfig", &kubeconfig(&address, "token", "simulator"));
        write("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.2.3\nappVersion: '7'\n");
        write("web/values.yaml", "color: blue\nextra: false\nnested:\n  number: 1000000\n");
        write(
            "web/templates/map.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-map\ndata:\n  color: {{ .Values.color }}\n  \
             number: {{ .Values.nested.number | int | quote }}\n  revision: {{ .Release.Revision | quote }}\n",
        );
        write(
            "web/templates/secret.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}-secret\nstringData:\n  password: swordfish\n",
        );
        write(
            "web/templates/extra.yaml",
            "{{- if .Values.extra }}\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {{ .Release.Name }}\n{{- end }}\n",
        );
        write(
            "web/templates/hook.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-hook\n  annotations:\n    \
             helm.sh/hook: pre-install,pre-upgrade,pre-rollback\n    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded\n",
        );
        write("web/templates/NOTES.txt", "Color {{ .Values.color }}.\n");
        Some(Bench { lab, helm, dir, served })
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs Helm and returns what it prints; panics if it fails.
    async fn helm(&self, arguments: &str) -> String {
        let (ok, out, error) = self.try_helm(arguments).await;
        assert!(ok, "helm {arguments}\n{out}{error}");
        out
    }

    async fn try_helm(&self, arguments: &str) -> (bool, String, String) {
        let mut command = Command::new(&self.helm);
        let chart = self.path("web");
        command.args(arguments.split_whitespace().map(|argument| if argument == "CHART" { &chart } else { argument }));
        command.env("KUBECONFIG", self.path("kubeconfig")).env("HOME", self.dir.path()).env_remove("HELM_DRIVER");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    }

    fn chart(&self, set: &[&str]) -> Source {
        let chart = Chart::load(ChartSource::Folder(&self.dir.path().join("web"))).unwrap();
        let options = ValuesOptions { set: set.iter().map(ToString::to_string).collect(), ..ValuesOptions::default() };
        Source::Chart(Box::new(FromChart::new(chart, options.merge().unwrap(), [7; 32])))
    }

    /// Those who use the API without our release code agree on what a ConfigMap holds.
    async fn color(&self) -> String {
        let live = self.lab.live("v1", "ConfigMap", "web-map").await.expect("the ConfigMap is there");
        format!("{} {}", live["data"]["color"].as_str().unwrap(), live["data"]["revision"].as_str().unwrap())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.served.abort();
    }
}

fn find_helm() -> Option<PathBuf> {
    let given = std::env::var_os("SUTLER_HELM").map(PathBuf::from);
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin/helm");
    given.into_iter().chain([peers]).find(|path| path.is_file())
}

fn rollback(to: Option<u32>) -> RollbackRequest {
    RollbackRequest {
        name: "web".into(),
        namespace: "ns".into(),
        to,
        apply: Default::default(),
        history_max: 10,
        cleanup_on_fail: false,
        options: Default::default(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn helm_works_on_what_we_installed() {
    let Some(bench) = Bench::new("helm_works_on_what_we_installed").await else { return };
    let mut told = Vec::new();
    let request = installation(bench.chart(&["color=red", "list={a,b}"]));
    let release = bench.lab.releases.install(&request, &mut |event| told.push(line(&event))).await.unwrap();
    assert_eq!(release.info.notes, "Color red.\n");
    let listed: serde_json::Value = serde_json::from_str(&bench.helm("list -n ns -o json").await).unwrap();
    assert_eq!(listed[0]["name"], "web");
    assert_eq!(listed[0]["revision"], "1");
    assert_eq!(listed[0]["status"], "deployed");
    assert_eq!(listed[0]["chart"], "web-1.2.3");
    assert_eq!(listed[0]["app_version"], "7");
    assert_eq!(bench.helm("get values web -n ns").await, "USER-SUPPLIED VALUES:\ncolor: red\nlist:\n- a\n- b\n");
    assert_eq!(bench.helm("get manifest web -n ns").await.trim_end(), release.manifest.trim_end());
    assert!(bench.helm("get notes web -n ns").await.contains("Color red."));
    assert!(bench.helm("get hooks web -n ns").await.contains("web-hook"));
    assert!(bench.helm("status web -n ns").await.contains("DESCRIPTION: Install complete"));
    assert!(bench.helm("get metadata web -n ns").await.contains("server-side apply"));

    bench.helm("upgrade web CHART -n ns --reuse-values --set color=green --set extra=true").await;
    assert_eq!(bench.color().await, "green 2");
    assert!(bench.lab.live("v1", "ServiceAccount", "web").await.is_some());
    assert_eq!(bench.lab.statuses("web").await, "1 superseded, 2 deployed");
    bench.helm("rollback web 1 -n ns").await;
    assert_eq!(bench.color().await, "red 1");
    assert!(bench.lab.live("v1", "ServiceAccount", "web").await.is_none());
    let history: serde_json::Value = serde_json::from_str(&bench.helm("history web -n ns -o json").await).unwrap();
    assert_eq!(history[2]["description"], "Rollback to 1");
    bench.helm("uninstall web -n ns --wait").await;
    assert_eq!(bench.lab.statuses("web").await, "");
    assert!(bench.lab.live("v1", "Secret", "web-secret").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn we_work_on_what_helm_installed() {
    let Some(bench) = Bench::new("we_work_on_what_helm_installed").await else { return };
    let releases = &bench.lab.releases;
    bench.helm("install web CHART -n ns --create-namespace --set color=red --labels team=a").await;
    let listed = releases.list(None).await.unwrap();
    assert_eq!(listed.len(), 1);
    let release = &listed[0];
    assert_eq!(release.chart.label(), "web-1.2.3");
    assert_eq!(release.config, *serde_json::json!({"color": "red"}).as_object().unwrap());
    assert_eq!(release.labels["team"], "a");
    assert_eq!(release.info.description, "Install complete");
    assert_eq!(releases.drift(release).await.unwrap(), [], "what Helm installed is as its record says");

    let mut request = upgrade(bench.chart(&["extra=true"]));
    request.values_from = ValuesFrom::LastChart;
    let mut told = Vec::new();
    let release = releases.upgrade(&request, &mut |event| told.push(line(&event))).await.unwrap();
    assert_eq!(bench.color().await, "red 2");
    assert_eq!(release.labels["team"], "a");
    assert!(told.contains(&"Secret ns/web-secret unchanged".to_owned()), "{told:?}");
    assert_eq!(bench.helm("get values web -n ns -o json").await.trim(), r#"{"color":"red","extra":true}"#);
    let history: serde_json::Value = serde_json::from_str(&bench.helm("history web -n ns -o json").await).unwrap();
    assert_eq!(history[0]["status"], "superseded");
    assert_eq!(history[1]["status"], "deployed");

    releases.rollback(&rollback(Some(1)), &mut |_| {}).await.unwrap();
    assert_eq!(bench.color().await, "red 1");
    assert!(bench.helm("status web -n ns").await.contains("DESCRIPTION: Rollback to 1"));
    releases.uninstall(&UninstallRequest::new("ns", "web"), &mut |_| {}).await.unwrap();
    assert_eq!(bench.helm("list -n ns -q").await, "");
    assert!(bench.lab.live("v1", "Secret", "web-secret").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn we_upgrade_what_helm_wrote_from_the_clients_side() {
    let Some(bench) = Bench::new("we_upgrade_what_helm_wrote_from_the_clients_side").await else { return };
    let releases = &bench.lab.releases;
    bench.helm("install web CHART -n ns --create-namespace --server-side=false --set extra=true").await;
    // As it was written last: by a three-way merge, which removes what left the manifest.
    let release = releases.upgrade(&upgrade(bench.chart(&["color=red", "extra=true"])), &mut |_| {}).await.unwrap();
    assert_eq!(release.apply_method, sutler_release::record::ApplyMethod::ClientSide);
    assert_eq!(bench.color().await, "red 2");
    let mut request = upgrade(bench.chart(&["color=green"]));
    request.apply = sutler_release::ApplyChoice::ServerSide;
    let release = releases.upgrade(&request, &mut |_| {}).await.unwrap();
    assert_eq!(release.apply_method, sutler_release::record::ApplyMethod::ServerSide);
    assert_eq!(bench.color().await, "green 3");
    assert!(bench.lab.live("v1", "ServiceAccount", "web").await.is_none());
    // Helm goes on from there, with no conflict of managers.
    bench.helm("upgrade web CHART -n ns --set color=white").await;
    assert_eq!(bench.color().await, "white 4");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_helm_says_of_an_object_of_somebody_else_we_say() {
    let Some(bench) = Bench::new("what_helm_says_of_an_object_of_somebody_else_we_say").await else { return };
    bench.lab.releases.install(&installation(bench.chart(&[])), &mut |_| {}).await.unwrap();
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web-map\n";
    std::fs::write(bench.dir.path().join("web/templates/secret.yaml"), manifest).unwrap();
    std::fs::write(bench.dir.path().join("web/templates/map.yaml"), "").unwrap();
    let (ok, _, said) = bench.try_helm("install rival CHART -n ns").await;
    assert!(!ok);
    let mut request = installation(bench.chart(&[]));
    request.name = "rival".into();
    let error = bench.lab.releases.install(&request, &mut |_| {}).await.unwrap_err();
    let ours = error.to_string();
    // Helm says what it was doing before it says what is wrong.
    assert!(said.contains(&ours), "{said}\n{ours}");
}

/// A record's Secret as it is stored, and its JSON; times are replaced, since each tool took its own.
async fn stored(bench: &Bench, namespace: &str) -> (Value, Value) {
    let reference = ObjectRef::new("v1", "Secret", Some(namespace), "sh.helm.release.v1.web.v1");
    let mut secret = bench.lab.releases.cluster().get(&reference).await.unwrap().expect("the record is there");
    let once = STANDARD.decode(secret["data"]["release"].as_str().unwrap()).unwrap();
    let packed = STANDARD.decode(once).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    let mut record: Value = serde_json::from_str(&text).unwrap();
    replace_times(&mut record);
    secret["data"] = Value::Null;
    secret["metadata"]["labels"]["modifiedAt"] = "(time)".into();
    for field in ["managedFields", "uid", "resourceVersion", "creationTimestamp", "namespace"] {
        secret["metadata"].as_object_mut().unwrap().remove(field);
    }
    record["namespace"] = "(namespace)".into();
    (secret, record)
}

fn replace_times(value: &mut Value) {
    match value {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() && !text.starts_with("0001") => {
            *text = "(time)".into();
        }
        Value::Array(items) => items.iter_mut().for_each(replace_times),
        Value::Object(fields) => fields.values_mut().for_each(replace_times),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_record_is_helms_field_by_field() {
    let Some(bench) = Bench::new("our_record_is_helms_field_by_field").await else { return };
    std::fs::write(bench.dir.path().join("web/values.schema.json"), r#"{"type": "object"}"#).unwrap();
    std::fs::write(bench.dir.path().join("web/README.md"), "# Web <&>\n").unwrap();
    std::fs::write(bench.dir.path().join("web/templates/_helpers.tpl"), "{{- define \"x\" }}y{{ end }}\n").unwrap();
    bench.helm("install web CHART -n theirs --create-namespace --set color=red,count=3,ratio=1.5,list={a,b} --labels team=a").await;
    let mut request = installation(bench.chart(&["color=red,count=3,ratio=1.5,list={a,b}"]));
    request.options.labels.insert("team".into(), "a".into());
    bench.lab.releases.install(&request, &mut |_| {}).await.unwrap();
    let (their_secret, theirs) = stored(&bench, "theirs").await;
    let (our_secret, ours) = stored(&bench, "ns").await;
    assert_eq!(ours, theirs);
    assert_eq!(our_secret, their_secret);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_goes_on_where_the_other_failed() {
    let Some(bench) = Bench::new("each_goes_on_where_the_other_failed").await else { return };
    let releases = &bench.lab.releases;
    let failing = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-bad\ndata: {{ .Values.bad | toJson }}\n";
    std::fs::write(bench.dir.path().join("web/templates/bad.yaml"), failing).unwrap();
    // A ConfigMap whose data is a list is refused by the server, once everything else is rendered.
    let (ok, _, said) = bench.try_helm("install web CHART -n ns --create-namespace --set bad={x}").await;
    assert!(!ok && said.contains("INSTALLATION FAILED"), "{said}");
    assert_eq!(bench.lab.statuses("web").await, "1 failed");
    let good = &["bad.x=y"];
    releases.upgrade(&upgrade(bench.chart(good)), &mut |_| {}).await.unwrap();
    assert_eq!(bench.lab.statuses("web").await, "1 failed, 2 deployed");
    releases.upgrade(&upgrade(bench.chart(&["bad={x}"])), &mut |_| {}).await.unwrap_err();
    assert_eq!(bench.lab.statuses("web").await, "1 failed, 2 deployed, 3 failed");
    let history: Value = serde_json::from_str(&bench.helm("history web -n ns -o json").await).unwrap();
    assert!(history[2]["description"].as_str().unwrap().starts_with("Upgrade \"web\" failed: "), "{history}");
    bench.helm("upgrade web CHART -n ns --set bad.x=z").await;
    assert_eq!(bench.lab.statuses("web").await, "1 failed, 2 superseded, 3 failed, 4 deployed");
    assert_eq!(bench.color().await, "blue 4");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refuses_what_the_other_has_pending() {
    let Some(bench) = Bench::new("each_refuses_what_the_other_has_pending").await else { return };
    let releases = &bench.lab.releases;
    bench.helm("install web CHART -n ns --create-namespace").await;
    // An upgrade of ours that died after it had stored its record.
    let mut pending = releases.get("ns", "web", None).await.unwrap();
    pending.version = 2;
    pending.resource_version = None;
    pending.set_status(sutler_release::Status::PendingUpgrade, "Preparing upgrade");
    let holder = sutler_release::Holder::parse("ada@lab pid 1 since 1");
    let now = bench.lab.simulator.now();
    sutler_release::lease::Lease::taken(holder, now).write(&mut pending.annotations);
    releases.cluster().create(&sutler_release::record::to_secret(&pending, now), |_| false).await.unwrap();
    let (ok, _, said) = bench.try_helm("upgrade web CHART -n ns").await;
    assert!(!ok && said.contains("another operation (install/upgrade/rollback) is in progress"), "{said}");
    // We know that it was ours, and that it is over.
    let mut told = Vec::new();
    releases.upgrade(&upgrade(bench.chart(&["color=red"])), &mut |event| told.push(line(&event))).await.unwrap();
    assert_eq!(told[0], "recovering 2 from pending-upgrade");
    assert_eq!(bench.lab.statuses("web").await, "1 superseded, 2 failed, 3 deployed");
    bench.helm("upgrade web CHART -n ns --set color=green").await;
    assert_eq!(bench.color().await, "green 4");
}
