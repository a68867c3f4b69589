//! The simulator through `kube::Client` in the same process: reads, writes, watches, faults, time.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, its helpers too")]

use std::collections::BTreeMap;

use futures_util::{AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::{Client, Error};
use serde_json::json;
use sutler_simulator::{FaultPlan, Reason, Simulator, Start};

fn simulator() -> Simulator {
    Simulator::in_memory(Start { clock: "2026-01-01T00:00:00Z".parse().unwrap(), seed: 1 }).unwrap()
}

fn config(name: &str) -> ConfigMap {
    let data = BTreeMap::from([("a".to_string(), "1".to_string())]);
    ConfigMap {
        metadata: ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() },
        data: Some(data),
        ..ConfigMap::default()
    }
}

fn plan(simulator: &Simulator, rules: serde_json::Value) {
    let plan: FaultPlan = serde_json::from_value(json!({"rules": rules})).unwrap();
    simulator.set_faults(plan);
}

async fn names(client: &Client) -> Vec<String> {
    let api: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let list = api.list(&ListParams::default()).await.unwrap();
    list.items.into_iter().filter_map(|item| item.metadata.name).filter(|name| name != "kube-root-ca.crt").collect()
}

#[tokio::test]
async fn typed_objects_are_written_and_read() {
    let simulator = simulator();
    let client = simulator.client();
    let api: Api<ConfigMap> = Api::default_namespaced(client.clone());
    api.create(&PostParams::default(), &config("x")).await.unwrap();
    let params = PatchParams::apply("test").force();
    let applied = Patch::Apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"b": "2"}}));
    assert_eq!(api.patch("x", &params, &applied).await.unwrap().data.unwrap().len(), 2);
    assert_eq!(names(&client).await, ["x"]);
    assert_eq!(client.apiserver_version().await.unwrap().git_version, "v1.34.4+sutler-simulated");
    api.delete("x", &DeleteParams::default()).await.unwrap();
    assert!(matches!(api.get("x").await, Err(Error::Api(status)) if status.code == 404));
}

#[tokio::test]
async fn a_watch_tells_what_happens_to_what_it_selects() {
    let simulator = simulator();
    let client = simulator.client();
    let api: Api<ConfigMap> = Api::default_namespaced(client.clone());
    api.create(&PostParams::default(), &config("before")).await.unwrap();
    let version = api.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let mut stream = Box::pin(api.watch(&WatchParams::default().labels("l=yes"), &version).await.unwrap());
    api.create(&PostParams::default(), &config("x")).await.unwrap();
    for patch in [
        json!({"metadata": {"labels": {"l": "yes"}}}),
        json!({"data": {"a": "2"}}),
        json!({"metadata": {"labels": null}}),
    ] {
        api.patch("x", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }
    let mut said = Vec::new();
    while said.len() < 3 {
        said.push(match stream.try_next().await.unwrap().unwrap() {
            WatchEvent::Added(object) => format!("added {}", object.metadata.name.unwrap()),
            WatchEvent::Modified(object) => format!("modified to {}", object.data.unwrap()["a"]),
            WatchEvent::Deleted(object) => format!("deleted {}", object.metadata.name.unwrap()),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(said, ["added x", "modified to 2", "deleted x"]);
}

#[tokio::test]
async fn a_watch_from_the_state_begins_with_it_and_marks_its_end() {
    let simulator = simulator();
    let client = simulator.client();
    let target = "/api/v1/namespaces/default/configmaps?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1";
    let stream = client.request_stream(http::Request::get(target).body(Vec::new()).unwrap()).await.unwrap();
    let lines: Vec<String> = stream.lines().map(Result::unwrap).collect().await;
    let kinds: Vec<String> = lines
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["type"].as_str().unwrap().to_string())
        .collect();
    assert_eq!(kinds, ["ADDED", "BOOKMARK"], "and the stream ended at its time limit");
    assert!(lines[1].contains(r#""k8s.io/initial-events-end":"true""#), "{}", lines[1]);
}

#[tokio::test]
async fn a_planned_status_has_no_effect() {
    let simulator = simulator();
    let client = simulator.client();
    plan(
        &simulator,
        json!([{"verb": "create", "nth": 2, "times": 1,
        "fault": {"status": {"code": 503, "reason": "ServiceUnavailable", "retryAfterSeconds": 3}}}]),
    );
    let api: Api<ConfigMap> = Api::default_namespaced(client.clone());
    api.create(&PostParams::default(), &config("a")).await.unwrap();
    let refused = api.create(&PostParams::default(), &config("b")).await;
    assert!(matches!(refused, Err(Error::Api(status)) if status.code == 503 && status.reason == "ServiceUnavailable"));
    api.create(&PostParams::default(), &config("c")).await.unwrap();
    assert_eq!(names(&client).await, ["a", "c"]);
}

#[tokio::test]
async fn a_cut_call_has_its_effect_or_not_as_planned() {
    let simulator = simulator();
    let client = simulator.client();
    plan(
        &simulator,
        json!([
            {"verb": "create", "name": "before", "times": 1, "fault": "cutBefore"},
            {"verb": "create", "name": "after", "times": 1, "fault": "cutAfter"},
        ]),
    );
    let api: Api<ConfigMap> = Api::default_namespaced(client.clone());
    for name in ["before", "after"] {
        let cut = api.create(&PostParams::default(), &config(name)).await;
        assert!(cut.is_err() && !matches!(cut, Err(Error::Api(_))), "{cut:?}");
    }
    assert_eq!(names(&client).await, ["after"]);
}

#[tokio::test]
async fn a_delayed_call_takes_simulated_time() {
    let simulator = simulator();
    let client = simulator.client();
    plan(&simulator, json!([{"verb": "create", "fault": {"delay": {"seconds": 90.0}}}]));
    let before = simulator.now();
    let api: Api<ConfigMap> = Api::default_namespaced(client);
    api.create(&PostParams::default(), &config("x")).await.unwrap();
    assert_eq!(simulator.now().duration_since(before).as_secs(), 90);
}

#[tokio::test]
async fn time_moves_only_for_those_who_wait() {
    let simulator = simulator();
    let before = simulator.now();
    let deadline = before.checked_add(jiff::SignedDuration::from_hours(2)).unwrap();
    let woken = simulator.wait(deadline, None).await;
    assert_eq!((woken.woken, woken.now), (Reason::Deadline, deadline));
    assert_eq!(simulator.now(), deadline);
    let woken = simulator.wait(deadline, Some(0)).await;
    assert_eq!(woken.woken, Reason::Change, "changes after the given version count");
}

/// Sends JSON to one of the simulator's own endpoints.
async fn own(client: &Client, method: &str, path: &str, body: serde_json::Value) -> serde_json::Value {
    let uri = format!("/sutler.dev/v1/{path}");
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    client.request(http::Request::builder().method(method).uri(uri).body(body).unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_pool_of_the_cluster_model_becomes_nodes_while_somebody_waits() {
    let simulator = simulator();
    let client = simulator.client();
    let pool = json!({"name": "core", "instanceTypes": ["m6i.large"], "min": 2, "max": 3});
    let cluster = own(&client, "PUT", "cluster", json!({"name": "c", "pools": [pool]})).await;
    assert_eq!((cluster["name"].as_str(), cluster["kubernetesVersion"].as_str()), (Some("c"), Some("1.34")));
    assert_eq!(own(&client, "GET", "cluster", json!(null)).await, cluster);
    let nodes: Api<k8s_openapi::api::core::v1::Node> = Api::all(client.clone());
    let ready = async || {
        let list = nodes.list(&ListParams::default()).await.unwrap();
        let conditions =
            list.items.iter().flat_map(|node| node.status.iter().flat_map(|status| status.conditions.iter().flatten()));
        conditions.filter(|condition| condition.type_ == "Ready" && condition.status == "True").count()
    };
    assert_eq!(ready().await, 0, "no time has passed");
    let before = simulator.now();
    let deadline = before.checked_add(jiff::SignedDuration::from_mins(10)).unwrap();
    while ready().await < 2 {
        let woken = own(&client, "POST", "clock/wait", json!({"deadline": deadline})).await;
        assert_eq!(woken["woken"], "change", "nodes are ready before the deadline");
    }
    let took = simulator.now().duration_since(before).as_secs();
    assert!((30..300).contains(&took), "{took} s");
    // What it is about is forgotten an hour later, when the next event comes.
    let events: Api<k8s_openapi::api::core::v1::Event> = Api::all(client.clone());
    let first = events.list(&ListParams::default()).await.unwrap().items;
    assert!(!first.is_empty());
    let later = simulator.now().checked_add(jiff::SignedDuration::from_hours(2)).unwrap();
    while simulator.wait(later, None).await.woken == Reason::Change {}
    own(
        &client,
        "PUT",
        "cluster",
        json!({"name": "c", "pools": [{"name": "core", "instanceTypes": ["m6i.large"], "min": 3, "max": 3}]}),
    )
    .await;
    let later = later.checked_add(jiff::SignedDuration::from_mins(10)).unwrap();
    while simulator.wait(later, None).await.woken == Reason::Change {}
    let left = events.list(&ListParams::default()).await.unwrap().items;
    let uid = |event: &k8s_openapi::api::core::v1::Event| event.metadata.uid.clone();
    assert!(!left.is_empty() && !left.iter().any(|event| first.iter().any(|old| uid(old) == uid(event))));
}

#[tokio::test]
async fn the_plan_of_faults_is_set_and_shown_over_the_api() {
    let simulator = simulator();
    let client = simulator.client();
    let plan = json!({"seed": 3, "rules": [{"verb": "list", "resource": "configmaps", "nth": 1, "fault": {"status": {"code": 500}}}]});
    own(&client, "PUT", "faults", plan).await;
    assert_eq!(own(&client, "GET", "faults", json!(null)).await["rules"][0]["verb"], "list");
    let api: Api<ConfigMap> = Api::default_namespaced(client.clone());
    assert!(matches!(api.list(&ListParams::default()).await, Err(Error::Api(status)) if status.code == 500));
    own(&client, "PUT", "faults", json!({})).await;
    assert!(api.list(&ListParams::default()).await.is_ok());
}
