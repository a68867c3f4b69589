//! ControllerRevisions: the templates that a DaemonSet or StatefulSet has had, for its history.

use serde_json::{Value, json};

use crate::controllers::{Deletion, Effects, pods};
use crate::key::{ObjectKey, resource};
use crate::view::View;

/// Records the present template of `owner` as a revision if it is new, and gives it the newest number if it is not. Answers the
/// hash that marks its pods (`controller-revision-hash`).
pub(crate) fn record(view: &View<'_>, owner: &Value, owner_resource: &str, effects: &mut Effects) -> String {
    let template = &owner["spec"]["template"];
    let hash = pods::template_hash(template);
    let name = format!("{}-{hash}", owner["metadata"]["name"].as_str().unwrap_or(""));
    let namespace = owner["metadata"]["namespace"].as_str().unwrap_or("");
    let uid = owner["metadata"]["uid"].as_str().unwrap_or("");
    let mut known: Vec<&Value> = view.owned_by(uid, resource::CONTROLLER_REVISIONS).collect();
    known.sort_by_key(|revision| number(revision));
    let newest = known.last().map_or(0, |revision| number(revision));
    match view.get(resource::CONTROLLER_REVISIONS, namespace, &name) {
        Some(revision) if number(revision) < newest => {
            let key = ObjectKey::new(resource::CONTROLLER_REVISIONS, namespace, &name);
            effects.patch(key, json!({"revision": newest + 1}));
        }
        Some(_) => {}
        None => {
            let mut labels = template["metadata"]["labels"].clone();
            // StatefulSets mark by the revision's name, DaemonSets by the hash.
            let mark = if owner_resource == resource::STATEFUL_SETS { &name } else { &hash };
            labels["controller-revision-hash"] = json!(mark);
            let mut data = json!({"spec": {"template": template}});
            data["spec"]["template"]["$patch"] = json!("replace");
            effects.create(json!({
                "apiVersion": "apps/v1",
                "kind": "ControllerRevision",
                "metadata": {
                    "name": name,
                    "namespace": namespace,
                    "labels": labels,
                    "ownerReferences": [pods::owner_reference(owner)],
                },
                "data": data,
                "revision": newest + 1,
            }));
            let limit = owner["spec"]["revisionHistoryLimit"].as_u64().and_then(|limit| usize::try_from(limit).ok());
            let surplus = known.len().saturating_sub(limit.unwrap_or(10));
            for old in known.iter().take(surplus) {
                effects.delete(Deletion::of(ObjectKey::of(resource::CONTROLLER_REVISIONS, old)));
            }
        }
    }
    hash
}

fn number(revision: &Value) -> i64 {
    revision["revision"].as_i64().unwrap_or(0)
}
