//! Metadata of every kind: names, namespaces, labels, annotations, owners, finalizers, and what may not change.

use serde_json::{Map, Value};

use super::{Errors, group};
use crate::{name, object};

pub(super) fn check(object: &Value, namespaced: bool, errors: &mut Errors) {
    let problems = |name: &str| name_problems(group(object), object::kind(object), name);
    let generate = object::text(object, &["metadata", "generateName"]);
    if !generate.is_empty() {
        // A prefix may end in what a name may not end in, since more follows.
        let masked =
            if generate.len() > 1 { generate.strip_suffix('-').map(|start| format!("{start}a")) } else { None };
        errors.all_invalid("metadata.generateName", generate, problems(masked.as_deref().unwrap_or(generate)));
    }
    match object::name(object) {
        "" => errors.required("metadata.name", "name or generateName is required"),
        name => errors.all_invalid("metadata.name", name, problems(name)),
    }
    match (namespaced, object::namespace(object)) {
        (true, "") => errors.required("metadata.namespace", ""),
        (true, namespace) => errors.all_invalid("metadata.namespace", namespace, name::label_problems(namespace)),
        (false, "") => {}
        (false, _) => errors.forbidden("metadata.namespace", "not allowed on this type"),
    }
    check_common(object, errors);
    for finalizer in object::list(object, &["metadata", "finalizers"]).iter().filter_map(Value::as_str) {
        errors.all_invalid("metadata.finalizers", finalizer, name::label_key_problems(finalizer));
    }
}

pub(super) fn check_update(object: &Value, old: &Value, errors: &mut Errors) {
    let finalizers = |object: &Value| object::list(object, &["metadata", "finalizers"]).to_vec();
    if object::at(old, &["metadata", "deletionTimestamp"]).is_some() {
        let before = finalizers(old);
        let added: Vec<String> = finalizers(object)
            .into_iter()
            .filter(|name| !before.contains(name))
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        if !added.is_empty() {
            let quoted: Vec<String> = added.iter().map(|name| format!("{name:?}")).collect();
            let text = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                quoted.join(", ")
            );
            errors.forbidden("metadata.finalizers", &text);
        }
    }
    for field in ["name", "namespace", "uid", "creationTimestamp"] {
        errors.immutable(&format!("metadata.{field}"), object, old, &["metadata", field], "field is immutable");
    }
    check_common(object, errors);
}

fn check_common(object: &Value, errors: &mut Errors) {
    labels(object::at(object, &["metadata", "labels"]), "metadata.labels", errors);
    annotations(object::at(object, &["metadata", "annotations"]), "metadata.annotations", errors);
    for owner in object::list(object, &["metadata", "ownerReferences"]) {
        for name in ["apiVersion", "kind", "name", "uid"] {
            if object::text(owner, &[name]).is_empty() {
                let detail = if name == "apiVersion" { "version must not be empty" } else { "must not be empty" };
                // The API server leaves the index out.
                errors.invalid(format!("metadata.ownerReferences.{name}"), &"".into(), detail);
            }
        }
    }
}

fn entries(map: Option<&Value>) -> impl Iterator<Item = (&String, &str)> {
    let empty: Option<&Map<String, Value>> = None;
    map.and_then(Value::as_object)
        .or(empty)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key, value.as_str().unwrap_or("")))
}

/// Labels at `field`.
pub(super) fn labels(map: Option<&Value>, field: &str, errors: &mut Errors) {
    for (key, value) in entries(map) {
        errors.all_invalid(field, key, name::label_key_problems(key));
        errors.all_invalid(field, value, name::label_value_problems(value));
    }
}

/// Annotations at `field`.
pub(super) fn annotations(map: Option<&Value>, field: &str, errors: &mut Errors) {
    let mut size = 0;
    for (key, value) in entries(map) {
        size += key.len() + value.len();
        errors.all_invalid(field, key, name::annotation_key_problems(key));
    }
    if size > name::ANNOTATIONS_LIMIT {
        errors.too_long(field, name::ANNOTATIONS_LIMIT);
    }
}

fn name_problems(group: &str, kind: &str, name: &str) -> Vec<String> {
    match (group, kind) {
        ("", "Service") => name::label_1035_problems(name),
        ("", "Namespace") | ("apps", "StatefulSet") => name::label_problems(name),
        ("batch", "CronJob") if name.len() > 52 => vec!["must be no more than 52 characters".to_owned()],
        ("rbac.authorization.k8s.io", _) => name::path_segment_problems(name),
        _ => name::subdomain_problems(name),
    }
}
