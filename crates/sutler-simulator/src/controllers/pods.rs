//! Pods as controllers count them, and pods made from a template.

use jiff::Timestamp;
use serde_json::{Value, json};
use sutler_objects::object;

use crate::controllers::{conditions, times};
use crate::key::{ObjectKey, resource};
use crate::view::View;

/// The letters of generated names: no vowels, so no words.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const LETTERS_COUNT: u64 = LETTERS.len() as u64;

/// The key of a pod.
pub(crate) fn key(pod: &Value) -> ObjectKey {
    ObjectKey::of(resource::PODS, pod)
}

/// Whether the pod has ended: `Succeeded` or `Failed`.
pub(crate) fn has_ended(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// Whether it is being deleted.
pub(crate) fn is_terminating(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// Whether a controller counts it: neither ended nor being deleted, as `IsPodActive`.
pub(crate) fn is_active(pod: &Value) -> bool {
    !has_ended(pod) && !is_terminating(pod)
}

/// Whether it is ready.
pub(crate) fn is_ready(pod: &Value) -> bool {
    conditions::is_true(pod, "Ready")
}

/// When it will have been ready for `min_ready` seconds; `None` while it is not ready.
pub(crate) fn available_at(pod: &Value, min_ready: i64) -> Option<Timestamp> {
    let ready = conditions::find(pod, "Ready").filter(|condition| condition["status"] == "True")?;
    Some(times::after(times::read(&ready["lastTransitionTime"])?, min_ready))
}

/// The controller among the owners of an object: kind, name, uid.
pub(crate) fn controller(object: &Value) -> Option<(&str, &str, &str)> {
    let owners = object::list(object, &["metadata", "ownerReferences"]);
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    Some((owner["kind"].as_str()?, owner["name"].as_str()?, owner["uid"].as_str()?))
}

/// The reference by which `owner` controls what it makes.
pub(crate) fn owner_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// Pods that `owner` controls, in its namespace, by name.
pub(crate) fn owned<'a>(view: &View<'a>, owner: &Value) -> Vec<&'a Value> {
    let uid = owner["metadata"]["uid"].as_str().unwrap_or("");
    view.owned_by(uid, resource::PODS).filter(|pod| controller(pod).is_some_and(|(_, _, owner)| owner == uid)).collect()
}

/// A pod of a template (a PodTemplateSpec), controlled by `owner`; the caller names it.
pub(crate) fn of_template(owner: &Value, template: &Value) -> Value {
    let mut metadata = json!({
        "namespace": owner["metadata"]["namespace"],
        "ownerReferences": [owner_reference(owner)],
    });
    for field in ["labels", "annotations", "finalizers"] {
        if !template["metadata"][field].is_null() {
            metadata[field] = template["metadata"][field].clone();
        }
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}

/// Names for new pods, `PREFIX-xxxxx` in the letters of Kubernetes' generated names, none of which is taken.
pub(crate) fn free_names(view: &View<'_>, owner: &Value, prefix: &str, wanted: i64) -> Vec<String> {
    let namespace = owner["metadata"]["namespace"].as_str().unwrap_or("");
    let uid = owner["metadata"]["uid"].as_str().unwrap_or("");
    let mut names: Vec<String> = Vec::new();
    let mut attempt = 0_u64;
    while i64::try_from(names.len()).is_ok_and(|have| have < wanted) {
        let mut number = view.random(&format!("{uid}/{}/{attempt}", view.now().as_millisecond()));
        attempt += 1;
        let mut suffix = String::new();
        for _ in 0..5 {
            suffix.push(char::from(LETTERS[usize::try_from(number % LETTERS_COUNT).unwrap_or(0)]));
            number /= LETTERS_COUNT;
        }
        let name = format!("{prefix}-{suffix}");
        if view.get(resource::PODS, namespace, &name).is_none() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// A number or per cent (`maxSurge: 25%`) of `total`.
pub(crate) fn share(value: &Value, total: i64, round_up: bool, default: &str) -> i64 {
    let text = match value {
        Value::String(text) => text.as_str(),
        Value::Number(number) => return number.as_i64().unwrap_or(0),
        _ => default,
    };
    let Some(percent) = text.strip_suffix('%').and_then(|percent| percent.parse::<i64>().ok()) else {
        return text.parse().unwrap_or(0);
    };
    let product = percent.saturating_mul(total);
    if round_up { product.saturating_add(99) / 100 } else { product / 100 }
}

/// A hash of a template in the letters of Kubernetes' generated names: names of revisions are made of it. The letters are the
/// real ones, the hash is not: it is over the JSON, the real one over Go's memory.
pub(crate) fn template_hash(template: &Value) -> String {
    let mut hash: u32 = 0x811c_9dc5;
    for byte in template.to_string().bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    hash.to_string().bytes().map(|digit| char::from(LETTERS[usize::from(digit) % LETTERS.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_round_as_asked() {
        for (value, total, round_up, expect) in [
            (json!("25%"), 4, true, 1),
            (json!("25%"), 3, true, 1),
            (json!("25%"), 3, false, 0),
            (json!(2), 10, true, 2),
            (json!("3"), 10, false, 3),
            (Value::Null, 10, true, 3),
        ] {
            assert_eq!(share(&value, total, round_up, "25%"), expect, "{value} of {total}");
        }
    }

    #[test]
    fn a_hash_is_of_the_letters_of_generated_names() {
        let hash = template_hash(&json!({"spec": {}}));
        assert!(
            (1..=10).contains(&hash.len()) && hash.bytes().all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b)),
            "{hash}"
        );
        assert_ne!(hash, template_hash(&json!({"spec": {"a": 1}})));
    }
}
