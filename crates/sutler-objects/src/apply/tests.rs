//! Server-side apply: who owns which field after whose change.

use serde_json::{Value, json};

use super::*;
use crate::schema;

const AT: &str = "2026-01-31T12:00:00Z";
const LATER: &str = "2026-01-31T12:05:00Z";

fn by(name: &'static str) -> Manager<'static> {
    Manager { name, subresource: "", time: AT }
}

fn config_map(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}, "data": data})
}

fn ty(value: &Value) -> &'static schema::Type {
    schema::of_object(value).unwrap()
}

fn applied(live: Option<&Value>, object: &Value, manager: &'static str, force: Force) -> Result<Value, String> {
    apply(live, object, ty(object), &by(manager), force).map_err(|error| error.to_string())
}

/// Each manager with the fields it owns.
fn owners(object: &Value) -> Vec<String> {
    let entry = |entry: &Value| {
        let set = FieldSet::decode(&entry["fieldsV1"]).unwrap();
        let paths: Vec<String> = set.paths().iter().map(|path| path_text(path)).collect();
        format!("{} {} {}", entry["manager"].as_str().unwrap(), entry["operation"].as_str().unwrap(), paths.join(" "))
    };
    object["metadata"]["managedFields"].as_array().into_iter().flatten().map(entry).collect()
}

#[test]
fn the_first_apply_owns_what_it_applies() {
    let live = applied(None, &config_map(json!({"x": "1"})), "helm", Force::No).unwrap();
    assert_eq!(live["data"], json!({"x": "1"}));
    assert_eq!(owners(&live), ["helm Apply .data.x"]);
}

#[test]
fn a_field_no_longer_applied_goes_unless_another_owns_it() {
    let first = applied(None, &config_map(json!({"x": "1", "y": "1", "z": "1"})), "a", Force::No).unwrap();
    let second = applied(Some(&first), &config_map(json!({"y": "1"})), "b", Force::No).unwrap();
    let third = applied(Some(&second), &config_map(json!({"z": "1"})), "a", Force::No).unwrap();
    assert_eq!(third["data"], json!({"y": "1", "z": "1"}));
    // `b` changed nothing when it applied, so that its entry has no time and comes first.
    assert_eq!(owners(&third), ["b Apply .data.y", "a Apply .data.z"]);
}

#[test]
fn a_conflict_reads_as_the_servers() {
    let deployment = |replicas: u32| {
        let metadata = json!({"name": "a", "namespace": "b"});
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"replicas": replicas}})
    };
    let (live, wanted) = (deployment(1), deployment(2));
    let live = track_update(None, &live, ty(&live), &by("kubectl-client-side-apply"));
    assert_eq!(
        applied(Some(&live), &wanted, "helm", Force::No).unwrap_err(),
        r#"Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas"#
    );
    let forced = applied(Some(&live), &wanted, "helm", Force::Yes).unwrap();
    assert_eq!(owners(&forced), ["helm Apply .spec.replicas"]);
}

#[test]
fn several_conflicts_are_grouped_by_manager() {
    let first = applied(None, &config_map(json!({"x": "1", "y": "1"})), "a", Force::No).unwrap();
    let error = applied(Some(&first), &config_map(json!({"x": "2", "y": "2"})), "b", Force::No).unwrap_err();
    assert_eq!(error, "Apply failed with 2 conflicts: conflicts with \"a\":\n- .data.x\n- .data.y");
}

#[test]
fn applying_the_same_again_changes_nothing() {
    let object = config_map(json!({"x": "1"}));
    let live = applied(None, &object, "helm", Force::No).unwrap();
    let later = Manager { time: LATER, ..by("helm") };
    assert_eq!(apply(Some(&live), &object, ty(&object), &later, Force::No).unwrap(), live);
}

#[test]
fn lists_with_keys_merge_by_key_and_keep_the_appliers_order() {
    let service = |ports: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": ports}});
    let first =
        applied(None, &service(json!([{"port": 1, "targetPort": 10}, {"port": 2, "name": "two"}])), "a", Force::No)
            .unwrap();
    let second = applied(
        Some(&first),
        &service(json!([{"port": 3, "targetPort": 30}, {"port": 2, "targetPort": 20}])),
        "b",
        Force::No,
    )
    .unwrap();
    assert_eq!(
        second["spec"]["ports"],
        json!([{"port": 1, "targetPort": 10}, {"port": 3, "targetPort": 30}, {"port": 2, "name": "two", "targetPort": 20}])
    );
    let third = applied(Some(&second), &service(json!([{"port": 1, "targetPort": 10}])), "a", Force::No).unwrap();
    assert_eq!(
        third["spec"]["ports"],
        json!([{"port": 1, "targetPort": 10}, {"port": 3, "targetPort": 30}, {"port": 2, "targetPort": 20}])
    );
}

#[test]
fn what_does_not_fit_the_type_is_refused() {
    let check = |spec: Value, expect: &str| {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "b"}, "spec": spec});
        let prefix = "failed to create typed patch object (b/a; apps/v1, Kind=Deployment): ";
        assert_eq!(applied(None, &object, "helm", Force::No).unwrap_err(), format!("{prefix}{expect}"));
    };
    check(json!({"foo": 1}), ".spec.foo: field not declared in schema");
    check(json!({"replicas": "1"}), ".spec.replicas: expected numeric (int or float), got string");
    check(
        json!({"template": {"spec": {"containers": [{"name": "x"}, {"name": "x"}]}}}),
        r#".spec.template.spec.containers: duplicate entries for key [name="x"]"#,
    );
}

#[test]
fn an_update_takes_the_fields_it_changes() {
    let live = applied(None, &config_map(json!({"x": "1", "y": "1"})), "helm", Force::No).unwrap();
    let mut edited = live.clone();
    edited["data"] = json!({"x": "2", "z": "1"});
    let live = track_update(Some(&live), &edited, ty(&edited), &Manager { time: LATER, ..by("kubectl-edit") });
    assert_eq!(owners(&live), ["kubectl-edit Update .data.x .data.z"]);
}

#[test]
fn status_written_through_its_subresource_is_owned_there() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"nodeName": "n"}});
    let live = track_update(None, &pod, ty(&pod), &by("test"));
    let mut running = live.clone();
    running["status"] = json!({"phase": "Running"});
    let live = track_update(
        Some(&live),
        &running,
        ty(&running),
        &Manager { name: "kubelet", subresource: "status", time: LATER },
    );
    assert_eq!(owners(&live), ["test Update .spec.nodeName", "kubelet Update .status.phase"]);
    assert_eq!(live["metadata"]["managedFields"][1]["subresource"], "status");
}

#[test]
fn many_updaters_are_merged_into_one() {
    let mut live: Option<Value> = None;
    for index in 0..14 {
        let mut next = live.clone().unwrap_or_else(|| config_map(json!({})));
        next["data"][format!("k{index:02}")] = "1".into();
        let (name, time) = (format!("m{index:02}"), format!("2026-01-31T12:{index:02}:00Z"));
        live =
            Some(track_update(live.as_ref(), &next, ty(&next), &Manager { name: &name, subresource: "", time: &time }));
    }
    let owners = owners(&live.unwrap());
    assert_eq!(owners.len(), 10, "{owners:?}");
    assert_eq!(owners[0], "ancient-changes Update .data .data.k00 .data.k01 .data.k02 .data.k03 .data.k04");
}

#[test]
fn a_custom_resource_of_unknown_structure_merges_maps_and_replaces_lists() {
    let object =
        |spec: Value| json!({"apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": {"name": "a"}, "spec": spec});
    let ty = schema::Type::of_unknown_resource();
    let first = apply(None, &object(json!({"a": {"x": 1, "y": 1}, "l": [1]})), &ty, &by("a"), Force::No).unwrap();
    let second = apply(Some(&first), &object(json!({"a": {"z": 1}, "l": [2]})), &ty, &by("b"), Force::Yes).unwrap();
    assert_eq!(second["spec"], json!({"a": {"x": 1, "y": 1, "z": 1}, "l": [2]}));
}
