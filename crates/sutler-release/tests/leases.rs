//! Two at once: who comes second is refused, saying who works; who stopped working is taken over from.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod support;

use jiff::SignedDuration;
use support::*;
use sutler_release::{Error, Status};

/// A release that waits for a pod that no node takes.
fn waits_for_ever() -> sutler_release::InstallRequest {
    let deployment = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  \
        selector: {matchLabels: {a: d}}\n  template:\n    metadata: {labels: {a: d}}\n    \
        spec: {containers: [{name: m, image: example.test/m:1}]}\n";
    let mut request = installation(content(deployment));
    request.options.timeout = SignedDuration::from_mins(5);
    request
}

#[tokio::test]
async fn who_comes_second_is_told_who_works_however_long_that_takes() {
    let lab = Lab::new();
    let other = lab.other("bob@elsewhere");
    let begun = lab.simulator.now();
    let request = waits_for_ever();
    let first = lab.install(&request);
    let second = async {
        // Long after the lease that was taken at the beginning: it was renewed meanwhile.
        while other.simulator.now().duration_since(begun) < SignedDuration::from_secs(150) {
            tokio::task::yield_now().await;
        }
        other.upgrade(&upgrade(content(&config_map("a", "{}")))).await.0
    };
    let ((first, _), second) = tokio::join!(first, second);
    assert!(matches!(first, Err(Error::NotReady { .. })), "{first:?}");
    let error = second.unwrap_err();
    let Error::Busy { lease, revision: 1, status: Status::PendingInstall, .. } = &error else { panic!("{error:?}") };
    assert_eq!(lease.holder.who, "ada@lab");
    assert!(lease.renewed.duration_since(begun) >= SignedDuration::from_secs(120), "{lease:?}");
    assert!(error.to_string().contains("ada@lab pid 1"), "{error}");
    // When the first is done, its lease goes with it.
    assert!(lab.releases.get("ns", "web", None).await.unwrap().annotations.is_empty());
    other.upgrade(&upgrade(content(&config_map("a", "{}")))).await.0.unwrap();
}

#[tokio::test]
async fn the_same_program_does_not_work_twice_on_one_release() {
    let lab = Lab::new();
    let request = waits_for_ever();
    let second = async {
        tokio::task::yield_now().await;
        lab.upgrade(&upgrade(content(&config_map("a", "{}")))).await.0
    };
    let ((first, _), second) = tokio::join!(lab.install(&request), second);
    assert!(matches!(first, Err(Error::NotReady { .. })), "{first:?}");
    assert!(matches!(second, Err(Error::AtWork { .. })), "{second:?}");
}

#[tokio::test]
async fn who_was_taken_over_from_stops() {
    let lab = Lab::new();
    let other = lab.other("bob@elsewhere");
    let request = waits_for_ever();
    let second = async {
        // Somebody takes the release by force while the first still waits: its record is changed behind its back.
        let mut record = loop {
            match other.releases.get("ns", "web", None).await {
                Ok(record) => break record,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        record.set_status(Status::Failed, "taken");
        record.annotations.clear();
        let mut secret = sutler_release::record::to_secret(&record, other.simulator.now());
        secret["metadata"]["resourceVersion"] = serde_json::Value::Null;
        let request = http::Request::put(format!("/api/v1/namespaces/ns/secrets/{}", record.secret_name()))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(&secret).unwrap())
            .unwrap();
        other.simulator.client().request::<serde_json::Value>(request).await.unwrap();
    };
    let ((first, _), ()) = tokio::join!(lab.install(&request), second);
    let Err(Error::LeaseLost { revision: 1, .. }) = first else { panic!("{first:?}") };
    // It wrote nothing more into a record that is not its own.
    assert_eq!(lab.releases.get("ns", "web", None).await.unwrap().info.description, "taken");
}
