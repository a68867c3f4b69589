//! Strategic merge patches: lists by their keys, directives, three ways.

use serde_json::{Value, json};

use crate::patch::{strategic_merge_patch, three_way, two_way};
use crate::schema::{self, Type};

fn deployment() -> &'static Type {
    schema::of("apps/v1", "Deployment").unwrap()
}

fn containers(list: Value) -> Value {
    json!({"spec": {"template": {"spec": {"containers": list}}}})
}

fn check(target: Value, patch: Value, expect: Value) {
    assert_eq!(strategic_merge_patch(&target, &patch, deployment()).unwrap(), expect, "{patch}");
}

#[test]
fn lists_merge_by_key() {
    check(
        containers(json!([{"name": "a", "image": "1"}, {"name": "b"}])),
        containers(json!([{"name": "c"}, {"name": "a", "image": "2"}])),
        containers(json!([{"name": "c"}, {"name": "a", "image": "2"}, {"name": "b"}])),
    );
    check(
        containers(json!([{"name": "a"}, {"name": "b"}])),
        containers(json!([{"name": "a", "$patch": "delete"}])),
        containers(json!([{"name": "b"}])),
    );
    check(
        containers(json!([{"name": "a"}])),
        containers(json!([{"$patch": "replace"}, {"name": "z"}])),
        containers(json!([{"name": "z"}])),
    );
    // Arguments are replaced as a whole.
    check(
        containers(json!([{"name": "a", "args": ["x"]}])),
        containers(json!([{"name": "a", "args": ["y"]}])),
        containers(json!([{"name": "a", "args": ["y"]}])),
    );
}

#[test]
fn sets_of_scalars_merge() {
    let finalizers = |list: Value| json!({"metadata": {"finalizers": list}});
    check(finalizers(json!(["a", "b"])), finalizers(json!(["b", "c"])), finalizers(json!(["a", "b", "c"])));
    check(
        finalizers(json!(["a", "b"])),
        json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}),
        finalizers(json!(["b"])),
    );
    check(
        finalizers(json!(["a", "b"])),
        json!({"metadata": {"$setElementOrder/finalizers": ["c", "b", "a"], "finalizers": ["c"]}}),
        finalizers(json!(["c", "b", "a"])),
    );
}

#[test]
fn maps_merge_and_nulls_remove() {
    check(
        json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"replicas": 1}}),
        json!({"metadata": {"labels": {"a": null, "c": "3", "d": null}}, "spec": {"replicas": null, "paused": true}}),
        json!({"metadata": {"labels": {"b": "2", "c": "3"}}, "spec": {"paused": true}}),
    );
    check(
        json!({"metadata": {"labels": {"a": "1"}}}),
        json!({"metadata": {"labels": {"$patch": "replace", "b": "1"}}}),
        json!({"metadata": {"labels": {"b": "1"}}}),
    );
    check(
        json!({"metadata": {"labels": {"a": "1"}}}),
        json!({"metadata": {"labels": {"$patch": "delete"}}}),
        json!({"metadata": {"labels": {}}}),
    );
}

#[test]
fn retained_keys_drop_the_others() {
    let strategy = |value: Value| json!({"spec": {"strategy": value}});
    check(
        strategy(json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}})),
        strategy(json!({"type": "Recreate", "$retainKeys": ["type"]})),
        strategy(json!({"type": "Recreate"})),
    );
    let bad = strategic_merge_patch(
        &strategy(json!({})),
        &strategy(json!({"type": "Recreate", "$retainKeys": []})),
        deployment(),
    );
    assert_eq!(bad.unwrap_err().to_string(), "invalid patch format of retainKeys");
}

#[test]
fn what_does_not_fit_says_why() {
    let check = |target: Value, patch: Value, expect: &str| {
        assert_eq!(strategic_merge_patch(&target, &patch, deployment()).unwrap_err().to_string(), expect);
    };
    check(
        containers(json!([{"name": "a"}])),
        containers(json!([{"image": "x"}])),
        "map: map[image:x] does not contain declared merge key: name",
    );
    check(
        containers(json!([{"name": "a"}])),
        containers(json!([{"name": "a", "$patch": "jump"}])),
        "unknown patch type: jump in map: map[$patch:jump name:a]",
    );
    check(
        json!({"spec": {"foo": {"a": 1}}}),
        json!({"spec": {"foo": {"b": 1}}}),
        r#"unable to find api field in struct DeploymentSpec for the json field "foo""#,
    );
}

#[test]
fn a_computed_patch_makes_one_into_the_other() {
    let a = containers(json!([{"name": "a", "image": "1", "ports": [{"containerPort": 80}]}, {"name": "b"}]));
    let b = containers(json!([{"name": "c"}, {"name": "a", "image": "2", "ports": [{"containerPort": 81}]}]));
    let patch = two_way(&a, &b, deployment()).unwrap();
    let spec = &patch["spec"]["template"]["spec"];
    assert_eq!(spec["$setElementOrder/containers"], json!([{"name": "c"}, {"name": "a"}]));
    assert_eq!(strategic_merge_patch(&a, &patch, deployment()).unwrap(), b);
}

#[test]
fn three_ways_keep_what_others_added() {
    let original = containers(json!([{"name": "a", "image": "1"}, {"name": "gone"}]));
    let modified = containers(json!([{"name": "a", "image": "2"}]));
    let current = containers(json!([{"name": "a", "image": "1"}, {"name": "gone"}, {"name": "injected"}]));
    let patch = three_way(&original, &modified, &current, deployment()).unwrap();
    let expect = containers(json!([{"name": "a", "image": "2"}, {"name": "injected"}]));
    assert_eq!(strategic_merge_patch(&current, &patch, deployment()).unwrap(), expect);
    assert_eq!(three_way(&original, &original, &original, deployment()).unwrap(), json!({}));
}
