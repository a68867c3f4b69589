//! Waiting in simulated time: readiness, time limits and their reasons, hooks.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use jiff::SignedDuration;
use support::*;
use sutler_release::{Content, Source, Status, WaitFor};

fn deployment(name: &str, replicas: u32, extra: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: {replicas}\n  \
         selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    \
         spec:\n      containers:\n      - {{name: main, image: example.test/app:1}}\n{extra}"
    )
}

#[tokio::test]
async fn an_install_waits_until_its_workloads_are_ready() {
    let lab = Lab::with_nodes(2);
    let begun = lab.simulator.now();
    let (release, told) = lab.install(&installation(content(&deployment("web", 2, "")))).await;
    release.unwrap();
    assert_eq!(told.last().unwrap(), "revision 1 deployed");
    assert!(told.contains(&"Deployment ns/web ready".to_owned()), "{told:?}");
    assert!(told.iter().any(|line| line.starts_with("Deployment ns/web waiting: 0 of 2 replicas")), "{told:?}");
    assert!(lab.simulator.now() > begun, "simulated time did not pass");
    let live = lab.live("apps/v1", "Deployment", "web").await.unwrap();
    assert_eq!(live["status"]["readyReplicas"], 2);
}

#[tokio::test]
async fn a_time_limit_names_what_is_not_ready_and_why() {
    let lab = Lab::with_nodes(1);
    let stuck = deployment("stuck", 1, "      nodeSelector: {pool: none}\n");
    let mut request = installation(content(&(config_map("a", "{}") + &stuck)));
    request.options.timeout = SignedDuration::from_secs(90);
    let begun = lab.simulator.now();
    let (result, _) = lab.install(&request).await;
    let text = in_full(result);
    assert!(text.starts_with("not ready after 1m30s: Deployment ns/stuck (0 of 1 replica"), "{text}");
    assert!(text.contains("nodes are available") || text.contains("node(s) didn't match"), "{text}");
    assert_eq!(lab.statuses("web").await, "1 failed");
    assert_eq!(lab.simulator.now().duration_since(begun), SignedDuration::from_secs(90));
    let failed = lab.releases.get("ns", "web", None).await.unwrap();
    assert!(failed.info.description.starts_with("Release \"web\" failed: not ready after 1m30s"), "{failed:?}");
}

#[tokio::test]
async fn without_waiting_an_install_ends_when_all_is_written() {
    let lab = Lab::with_nodes(0);
    let mut request = installation(content(&deployment("web", 2, "")));
    request.options.wait = WaitFor::Hooks;
    lab.install(&request).await.0.unwrap();
    assert_eq!(lab.statuses("web").await, "1 deployed");
}

#[tokio::test]
async fn a_failed_install_is_uninstalled_if_asked() {
    let lab = Lab::with_nodes(0);
    let mut request = installation(content(&(config_map("a", "{}") + &deployment("web", 1, ""))));
    request.options.rollback_on_failure = true;
    request.options.timeout = SignedDuration::from_secs(30);
    let text = in_full(lab.install(&request).await.0);
    assert!(text.starts_with("release `web` failed, and has been uninstalled: not ready after 30s"), "{text}");
    assert_eq!(lab.statuses("web").await, "");
    assert_eq!(lab.data("a").await, "not there");
}

#[tokio::test]
async fn a_failed_upgrade_is_rolled_back_if_asked() {
    let lab = Lab::with_nodes(0);
    lab.install(&installation(content(&config_map("a", "{x: '1'}")))).await.0.unwrap();
    let mut request = upgrade(content(&(config_map("a", "{x: '2'}") + &deployment("web", 1, ""))));
    request.options.rollback_on_failure = true;
    request.options.timeout = SignedDuration::from_secs(30);
    let text = in_full(lab.upgrade(&request).await.0);
    assert!(text.starts_with("release `web` failed, and has been rolled back: not ready after 30s"), "{text}");
    assert_eq!(lab.statuses("web").await, "1 superseded, 2 failed, 3 deployed");
    assert_eq!(lab.data("a").await, r#"{"x":"1"}"#);
    assert!(lab.live("apps/v1", "Deployment", "web").await.is_none());
}

#[tokio::test]
async fn what_a_failed_upgrade_created_goes_with_the_next_one() {
    let lab = Lab::with_nodes(0);
    lab.install(&installation(content(&config_map("a", "{}")))).await.0.unwrap();
    let mut request = upgrade(content(&(config_map("a", "{}") + &deployment("web", 1, ""))));
    request.options.timeout = SignedDuration::from_secs(30);
    in_full(lab.upgrade(&request).await.0);
    let (release, told) = lab.upgrade(&upgrade(content(&config_map("a", "{}")))).await;
    release.unwrap();
    assert!(told.contains(&"Deployment ns/web deleted".to_owned()), "{told:?}");
}

fn hook(name: &str, events: &[&str], weight: i64, policies: &[&str], manifest: &str) -> sutler_release::record::Hook {
    serde_json::from_value(serde_json::json!({
        "name": name, "kind": manifest.split("kind: ").nth(1).unwrap().split('\n').next().unwrap(),
        "path": format!("web/templates/{name}.yaml"), "events": events, "weight": weight,
        "delete_policies": policies, "manifest": manifest,
    }))
    .unwrap()
}

fn with_hooks(manifest: &str, hooks: Vec<sutler_release::record::Hook>) -> Source {
    let Source::Rendered(content) = content(manifest) else { unreachable!() };
    Source::Rendered(Box::new(Content { hooks, ..*content }))
}

#[tokio::test]
async fn hooks_run_around_an_install_by_weight() {
    let lab = Lab::new();
    let hooks = vec![
        hook("late", &["pre-install"], 5, &[], &config_map("late", "{}")),
        hook("early", &["pre-install", "pre-upgrade"], -5, &["hook-succeeded"], &config_map("early", "{}")),
        hook("after", &["post-install"], 0, &[], &config_map("after", "{}")),
        hook("bye", &["post-delete"], 0, &["hook-succeeded"], &config_map("bye", "{}")),
    ];
    let (release, told) = lab.install(&installation(with_hooks(&config_map("a", "{}"), hooks))).await;
    let release = release.unwrap();
    assert_eq!(
        told,
        [
            "namespace ns created",
            "revision 1 pending-install",
            "pre-install hook ConfigMap ns/early started",
            "pre-install hook ConfigMap ns/early succeeded",
            "pre-install hook ConfigMap ns/late started",
            "pre-install hook ConfigMap ns/late succeeded",
            "ConfigMap ns/a created",
            "post-install hook ConfigMap ns/after started",
            "post-install hook ConfigMap ns/after succeeded",
            "revision 1 deployed"
        ]
    );
    assert_eq!(lab.data("early").await, "not there");
    assert_eq!(lab.data("late").await, "{}");
    assert!(release.hooks.iter().filter(|hook| hook.last_run.completed_at.is_some()).count() == 3);
    let (done, told) = lab.uninstall("web").await;
    done.unwrap();
    assert!(told.contains(&"post-delete hook ConfigMap ns/bye succeeded".to_owned()), "{told:?}");
    // Hooks are not the release's objects: they stay, as with Helm.
    assert_eq!(lab.data("late").await, "{}");
}

#[tokio::test]
async fn a_hook_that_does_not_end_fails_the_install() {
    let lab = Lab::with_nodes(0);
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec:\n  template:\n    spec:\n      \
               restartPolicy: Never\n      containers: [{name: m, image: example.test/m:1}]\n";
    let mut request =
        installation(with_hooks(&config_map("a", "{}"), vec![hook("migrate", &["pre-install"], 0, &[], job)]));
    request.options.timeout = SignedDuration::from_secs(30);
    let text = in_full(lab.install(&request).await.0);
    assert!(
        text.starts_with("pre-install hook Job ns/migrate failed: not ready after 30s: Job ns/migrate ("),
        "{text}"
    );
    assert_eq!(lab.statuses("web").await, "1 failed");
    assert_eq!(lab.data("a").await, "not there");
}

#[tokio::test]
async fn definitions_are_served_before_their_objects_are_written() {
    let lab = Lab::new();
    let crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: toys.example.test}\n\
        spec:\n  group: example.test\n  scope: Namespaced\n  names: {plural: toys, singular: toy, kind: Toy, listKind: ToyList}\n  \
        versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object, \
        x-kubernetes-preserve-unknown-fields: true}}\n";
    let toy = "---\napiVersion: example.test/v1\nkind: Toy\nmetadata: {name: t}\nspec: {size: 1}\n";
    let Source::Rendered(content) = content(toy) else { unreachable!() };
    let source = Source::Rendered(Box::new(Content { crds: vec![crd.to_owned()], ..*content }));
    let (release, told) = lab.install(&installation(source)).await;
    assert!(is(&release.unwrap(), Status::Deployed));
    assert_eq!(told[0], "crd toys.example.test created");
    assert!(lab.live("example.test/v1", "Toy", "t").await.is_some());
    lab.uninstall("web").await.0.unwrap();
    assert!(lab.live("example.test/v1", "Toy", "t").await.is_none());
}

#[tokio::test]
async fn a_kind_that_is_not_served_is_named_with_a_hint() {
    let lab = Lab::new();
    let toy = "---\napiVersion: example.test/v1\nkind: Toy\nmetadata: {name: t}\n";
    let error = lab.install(&installation(content(toy))).await.0.unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("ensure CRDs are installed first"));
    assert_eq!(
        in_full(Err::<(), _>(error)),
        "unable to build kubernetes objects from release manifest: resource mapping not found for name: \"t\" \
         namespace: \"\" from \"\": no matches for kind \"Toy\" in version \"example.test/v1\""
    );
    assert_eq!(lab.statuses("web").await, "");
}
