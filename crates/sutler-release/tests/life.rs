//! A release's life in the simulated cluster: install, upgrade, roll back, uninstall.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use serde_json::json;
use support::*;
use sutler_release::{RollbackRequest, Status, UninstallRequest};

#[tokio::test]
async fn a_release_is_installed_upgraded_and_uninstalled() {
    let lab = Lab::new();
    let (release, told) =
        lab.install(&installation(content(&(config_map("a", "{x: '1'}") + &config_map("b", "{w: '2'}"))))).await;
    let release = release.unwrap();
    assert_eq!(
        told,
        [
            "namespace ns created",
            "revision 1 pending-install",
            "ConfigMap ns/a created",
            "ConfigMap ns/b created",
            "revision 1 deployed"
        ]
    );
    assert_eq!(release.info.description, "Install complete");
    let live = lab.live("v1", "ConfigMap", "a").await.unwrap();
    assert_eq!(live["metadata"]["labels"], json!({"app.kubernetes.io/managed-by": "Helm"}));
    assert_eq!(
        live["metadata"]["annotations"],
        json!({"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "ns"})
    );
    assert_eq!(live["metadata"]["managedFields"][0]["manager"], "helm");

    let (release, told) =
        lab.upgrade(&upgrade(content(&(config_map("a", "{x: '3'}") + &config_map("c", "{z: '4'}"))))).await;
    assert!(is(&release.unwrap(), Status::Deployed));
    assert_eq!(
        told,
        [
            "revision 2 pending-upgrade",
            "ConfigMap ns/a configured",
            "ConfigMap ns/c created",
            "ConfigMap ns/b deleted",
            "revision 2 deployed"
        ]
    );
    assert_eq!(lab.statuses("web").await, "1 superseded, 2 deployed");
    assert_eq!(lab.data("a").await, r#"{"x":"3"}"#);

    let (done, told) = lab.uninstall("web").await;
    done.unwrap();
    assert_eq!(told, ["revision 2 uninstalling", "ConfigMap ns/a deleted", "ConfigMap ns/c deleted"]);
    assert_eq!(lab.statuses("web").await, "");
    assert_eq!(lab.data("a").await, "not there");
}

#[tokio::test]
async fn an_upgrade_to_the_same_changes_nothing() {
    let lab = Lab::new();
    let manifest = config_map("a", "{x: '1'}");
    lab.install(&installation(content(&manifest))).await.0.unwrap();
    let (release, told) = lab.upgrade(&upgrade(content(&manifest))).await;
    assert_eq!(release.unwrap().version, 2);
    assert_eq!(told, ["revision 2 pending-upgrade", "ConfigMap ns/a unchanged", "revision 2 deployed"]);
}

#[tokio::test]
async fn a_rollback_brings_back_what_was() {
    let lab = Lab::new();
    lab.install(&installation(content(&config_map("a", "{x: '1'}")))).await.0.unwrap();
    lab.upgrade(&upgrade(content(&config_map("b", "{w: '2'}")))).await.0.unwrap();
    let request = RollbackRequest {
        name: "web".into(),
        namespace: "ns".into(),
        to: None,
        apply: Default::default(),
        history_max: 10,
        cleanup_on_fail: false,
        options: Default::default(),
    };
    let mut told = Vec::new();
    let release = lab.releases.rollback(&request, &mut |event| told.push(line(&event))).await.unwrap();
    assert_eq!(release.info.description, "Rollback to 1");
    assert_eq!(
        told,
        ["revision 3 pending-rollback", "ConfigMap ns/a created", "ConfigMap ns/b deleted", "revision 3 deployed"]
    );
    assert_eq!(lab.statuses("web").await, "1 superseded, 2 superseded, 3 deployed");
}

#[tokio::test]
async fn a_name_in_use_is_refused() {
    let lab = Lab::new();
    let request = installation(content(&config_map("a", "{}")));
    lab.install(&request).await.0.unwrap();
    assert_eq!(in_full(lab.install(&request).await.0), "cannot reuse a name that is still in use");
}

#[tokio::test]
async fn an_object_of_somebody_else_is_not_taken() {
    let lab = Lab::new();
    lab.install(&installation(content(&config_map("a", "{x: '1'}")))).await.0.unwrap();
    let mut request = installation(content(&config_map("a", "{x: '2'}")));
    request.name = "rival".into();
    assert_eq!(
        in_full(lab.install(&request).await.0),
        "unable to continue with install: ConfigMap \"a\" in namespace \"ns\" exists and cannot be imported into the \
         current release: invalid ownership metadata; annotation validation error: key \"meta.helm.sh/release-name\" \
         must equal \"rival\": current value is \"web\""
    );
    assert_eq!(lab.statuses("rival").await, "");
    assert_eq!(lab.data("a").await, r#"{"x":"1"}"#);
    request.options.take_ownership = true;
    request.options.force_conflicts = true;
    lab.install(&request).await.0.unwrap();
    assert_eq!(lab.data("a").await, r#"{"x":"2"}"#);
    // Uninstalling the release that lost it leaves it alone.
    let (done, told) = lab.uninstall("web").await;
    done.unwrap();
    assert_eq!(told, ["revision 1 uninstalling", "ConfigMap ns/a kept"]);
}

#[tokio::test]
async fn what_says_that_it_stays_stays() {
    let lab = Lab::new();
    let kept =
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: k\n  annotations: {helm.sh/resource-policy: keep}\n";
    lab.install(&installation(content(&format!("{kept}{}", config_map("a", "{}"))))).await.0.unwrap();
    lab.upgrade(&upgrade(content(&config_map("a", "{}")))).await.0.unwrap();
    assert_eq!(lab.data("k").await, "null");
    lab.upgrade(&upgrade(content(&format!("{kept}{}", config_map("a", "{}"))))).await.0.unwrap();
    lab.uninstall("web").await.0.unwrap();
    assert_eq!(lab.data("k").await, "null");
    assert_eq!(lab.data("a").await, "not there");
}

#[tokio::test]
async fn a_history_is_kept_as_long_as_asked() {
    let lab = Lab::new();
    for round in 1..=5 {
        let mut request = upgrade(content(&config_map("a", &format!("{{x: '{round}'}}"))));
        request.history_max = 3;
        lab.upgrade(&request).await.0.unwrap();
    }
    assert_eq!(lab.statuses("web").await, "3 superseded, 4 superseded, 5 deployed");
    let request = UninstallRequest { keep_history: true, ..UninstallRequest::new("ns", "web") };
    lab.releases.uninstall(&request, &mut |_| {}).await.unwrap();
    assert_eq!(lab.statuses("web").await, "3 superseded, 4 superseded, 5 uninstalled");
    assert_eq!(
        in_full(lab.releases.uninstall(&request, &mut |_| {}).await),
        "the release named \"web\" is already deleted"
    );
    lab.upgrade(&upgrade(content(&config_map("a", "{}")))).await.0.unwrap();
    assert_eq!(lab.statuses("web").await, "3 superseded, 4 superseded, 5 superseded, 6 deployed");
}

#[tokio::test]
async fn a_field_of_another_manager_is_a_conflict_that_names_it() {
    let lab = Lab::new();
    lab.install(&installation(content(&config_map("a", "{x: '1'}")))).await.0.unwrap();
    let editor = sutler_release::Cluster::new(
        lab.simulator.client(),
        "the simulator",
        std::sync::Arc::new(SimulatedWorld(lab.simulator.clone())),
    )
    .with_field_manager("editor");
    let other =
        sutler_release::Releases::new(editor, sutler_release::Holder { who: "eve@lab".into(), process: 2, started: 2 });
    let mut request = upgrade(content(&config_map("a", "{x: '2'}")));
    request.options.force_conflicts = true;
    other.upgrade(&request, &mut |_| {}).await.unwrap();
    let text = in_full(lab.upgrade(&upgrade(content(&config_map("a", "{x: '3'}")))).await.0);
    assert!(
        text.starts_with("conflict: could not patch configmaps `a` in namespace `ns`: `.data.x` belongs to \"editor\""),
        "{text}"
    );
    assert_eq!(lab.statuses("web").await, "1 superseded, 2 deployed, 3 failed");
}

#[tokio::test]
async fn drift_is_what_an_apply_would_change() {
    let lab = Lab::new();
    let manifest = config_map("a", "{x: '1'}") + &config_map("b", "{}");
    let release = lab.install(&installation(content(&manifest))).await.0.unwrap();
    assert_eq!(lab.releases.drift(&release).await.unwrap(), []);
    let client = lab.simulator.client();
    let request = http::Request::builder()
        .method("PATCH")
        .uri("/api/v1/namespaces/ns/configmaps/a?fieldManager=eve")
        .header("content-type", "application/merge-patch+json")
        .body(br#"{"data":{"x":"9"}}"#.to_vec())
        .unwrap();
    client.request::<serde_json::Value>(request).await.unwrap();
    let request = http::Request::delete("/api/v1/namespaces/ns/configmaps/b").body(Vec::new()).unwrap();
    client.request::<serde_json::Value>(request).await.unwrap();
    let drift = lab.releases.drift(&release).await.unwrap();
    let text: Vec<String> = drift
        .iter()
        .map(|drift| format!("{} {}", drift.object, serde_json::json!(format!("{:?}", drift.difference))))
        .collect();
    assert_eq!(text.len(), 2, "{text:?}");
    assert!(text[0].contains(".data.x") && text[0].contains('9'), "{text:?}");
    assert!(text[1].ends_with("\"Missing\""), "{text:?}");
}
