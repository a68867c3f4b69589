//! Records of releases, in Helm's form and back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

/// A Secret as Helm before 3 stored them: base64 of plain JSON.
fn plain(release: &Value) -> Value {
    let once = STANDARD.encode(serde_json::to_vec(release).unwrap());
    json!({
        "metadata": {
            "name": "sh.helm.release.v1.web.v3", "namespace": "ns", "resourceVersion": "41",
            "labels": {"name": "web", "owner": "helm", "status": "deployed", "version": "3", "modifiedAt": "1", "team": "a"},
            "annotations": {"note": "kept"},
        },
        "type": "helm.sh/release.v1",
        "data": {"release": STANDARD.encode(once)},
    })
}

#[test]
fn a_release_survives_its_secret() {
    let mut release = Release { name: "web".into(), namespace: "ns".into(), version: 2, ..Release::default() };
    release.set_status(Status::PendingUpgrade, "Preparing upgrade");
    release.info.first_deployed = Some(now());
    release.config = json!({"a": 1.0, "b": 1.5, "c": [2e3], "d": 1e300}).as_object().unwrap().clone();
    release.manifest = "---\nkind: ConfigMap\n".into();
    release.apply_method = ApplyMethod::ServerSide;
    release.labels.insert("team".into(), "a".into());
    release.annotations.insert("note".into(), "kept".into());
    release.hooks.push(Hook { name: "h".into(), events: vec![HookEvent::PreInstall], ..Hook::default() });
    let secret = to_secret(&release, now());
    assert_eq!(secret["metadata"]["name"], "sh.helm.release.v1.web.v2");
    assert_eq!(
        secret["metadata"]["labels"],
        json!({
            "createdAt": "1767323045", "name": "web", "owner": "helm", "status": "pending-upgrade",
            "team": "a", "version": "2"
        })
    );
    assert!(is_record(&secret));
    let mut read = from_secret(&secret).unwrap();
    assert_eq!(read.config, *json!({"a": 1, "b": 1.5, "c": [2000], "d": 1e300}).as_object().unwrap());
    read.config = release.config.clone();
    assert!(read == release, "what was read differs from what was written");
}

#[test]
fn what_helm_3_wrote_reads_and_unknown_fields_are_kept() {
    let stored = json!({
        "name": "web",
        "info": {
            "first_deployed": "2024-05-01T10:00:00.123456789+02:00", "last_deployed": "2024-05-01T10:00:00Z",
            "deleted": "", "description": "Install complete", "status": "deployed", "later": 1
        },
        "chart": {
            "metadata": {"name": "web", "version": "1.0.0", "apiVersion": "v2", "appVersion": "7"}, "lock": null,
            "templates": [{"name": "templates/a.yaml", "data": "YTogMQ==", "modtime": "2024-01-01T00:00:00Z"}],
            "values": null, "schema": null, "files": null
        },
        "config": null,
        "hooks": [{"name": "t", "kind": "Pod", "events": ["test", "crystal-ball"], "last_run":
            {"started_at": "", "completed_at": "", "phase": ""}, "delete_policies": ["hook-succeeded", "odd"]}],
        "version": 3, "namespace": "ns", "shiny": {"new": true}
    });
    let release = from_secret(&plain(&stored)).unwrap();
    assert_eq!(release.apply_method, ApplyMethod::ClientSide);
    assert_eq!(release.info.first_deployed.unwrap().to_string(), "2024-05-01T08:00:00.123456789Z");
    assert_eq!(release.info.deleted, None);
    assert_eq!(release.info.other["later"], 1);
    assert_eq!(release.other["shiny"], json!({"new": true}));
    assert_eq!(release.chart.templates[0].data, b"a: 1");
    assert_eq!(release.chart.templates[0].other["modtime"], "2024-01-01T00:00:00Z");
    assert_eq!(release.chart.label(), "web-1.0.0");
    assert_eq!(release.hooks[0].events, [HookEvent::Test, HookEvent::Other("crystal-ball".into())]);
    assert!(release.hooks[0].is_deleted(&DeletePolicy::HookSucceeded));
    assert!(!release.hooks[0].is_deleted(&DeletePolicy::BeforeHookCreation));
    assert_eq!(release.labels.into_iter().collect::<Vec<_>>(), [("team".to_owned(), "a".to_owned())]);
    assert_eq!(release.annotations["note"], "kept");
    assert_eq!(release.resource_version.as_deref(), Some("41"));
}

#[test]
fn a_status_of_a_later_helm_is_unknown_not_an_error() {
    let release = from_secret(&plain(&json!({"name": "web", "info": {"status": "hibernating"}}))).unwrap();
    assert_eq!(release.info.status, Status::Unknown);
}

#[test]
fn a_broken_secret_is_named_and_not_quoted() {
    let text = |secret: &Value| from_secret(secret).unwrap_err().to_string();
    let mut secret = plain(&json!({"name": ["hunter2"]}));
    assert_eq!(
        text(&secret),
        "secret `sh.helm.release.v1.web.v3` does not hold a release: unexpected JSON at line 1 column 8"
    );
    secret["data"]["release"] = "%%".into();
    assert_eq!(text(&secret), "secret `sh.helm.release.v1.web.v3` does not hold a release: not base64");
    secret["data"]["release"] = STANDARD.encode(STANDARD.encode([0x1f, 0x8b, 0x08, 0, 1])).into();
    assert_eq!(text(&secret), "secret `sh.helm.release.v1.web.v3` does not hold a release: cannot be decompressed");
    secret["data"] = Value::Null;
    assert_eq!(text(&secret), "secret `sh.helm.release.v1.web.v3` has no data.release");
}

#[test]
fn debug_forms_hold_no_values() {
    let mut release = Release { name: "web".into(), manifest: "password: hunter2".into(), ..Release::default() };
    release.config.insert("password".into(), "hunter2".into());
    release.hooks.push(Hook { manifest: "hunter2".into(), ..Hook::default() });
    assert!(!format!("{release:?} {:?}", release.hooks).contains("hunter2"));
}
