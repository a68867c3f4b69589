//! Garbage: objects whose owners are gone, owners that wait for their dependents, dependents that are let go.
//!
//! As kube-controller-manager's garbage collector, without its graph: the index by owner is enough.

use serde_json::{Value, json};

use crate::controllers::{Change, Controller, Deletion, Effects, Propagation, Queue};
use crate::key::ObjectKey;
use crate::view::View;

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

pub(super) struct GarbageCollector;

impl Controller for GarbageCollector {
    fn name(&self) -> &'static str {
        "garbage-collector"
    }

    fn on_change(&self, change: &Change, view: &View<'_>, queue: &mut Queue) {
        let owners = |object: &Value| object["metadata"]["ownerReferences"].clone();
        match (&change.old, &change.new) {
            (Some(old), None) => {
                // Its dependents may be garbage now, and its owners may have waited for it.
                let uid = old["metadata"]["uid"].as_str().unwrap_or("");
                view.objects.owned_by(uid).for_each(|key| queue.push(key.clone()));
                for owner in old["metadata"]["ownerReferences"].as_array().into_iter().flatten() {
                    if let Some((key, object)) = view.by_uid(owner["uid"].as_str().unwrap_or(""))
                        && waits_for_dependents(object)
                    {
                        queue.push(key.clone());
                    }
                }
            }
            (old, Some(new)) => {
                let references = owners(new);
                let changed = old.as_ref().is_none_or(|old| owners(old) != references);
                if (changed && !references.is_null()) || finalizer_of(new).is_some() {
                    queue.push(change.key.clone());
                }
            }
            (None, None) => {}
        }
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let Some(object) = view.object(key) else { return };
        let uid = object["metadata"]["uid"].as_str().unwrap_or("");
        match finalizer_of(object) {
            Some(ORPHAN) => {
                for dependent in view.objects.owned_by(uid) {
                    if let Some(object) = view.object(dependent) {
                        effects.patch(dependent.clone(), without_owners(object, |owner| owner["uid"] != uid));
                    }
                }
                effects.patch(key.clone(), without_finalizer(object, ORPHAN));
            }
            Some(FOREGROUND) => {
                let mut blocked = false;
                for dependent in view.objects.owned_by(uid) {
                    let Some(object) = view.object(dependent) else { continue };
                    let references = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
                    blocked |=
                        references.clone().any(|owner| owner["uid"] == uid && owner["blockOwnerDeletion"] == true);
                    let solid = references.clone().any(|owner| owner["uid"] != uid && is_solid(owner, view));
                    if !solid && object["metadata"]["deletionTimestamp"].is_null() {
                        let has_dependents =
                            view.objects.owned_by(object["metadata"]["uid"].as_str().unwrap_or("")).next().is_some();
                        let propagation =
                            if has_dependents { Propagation::Foreground } else { Propagation::Background };
                        effects.delete(Deletion { propagation, ..Deletion::of(dependent.clone()) });
                    }
                }
                if !blocked {
                    effects.patch(key.clone(), without_finalizer(object, FOREGROUND));
                }
            }
            _ => collect(key, object, view, effects),
        }
    }
}

/// Deletes an object none of whose owners is there, and takes missing owners off one that has others.
fn collect(key: &ObjectKey, object: &Value, view: &View<'_>, effects: &mut Effects) {
    let Some(owners) = object["metadata"]["ownerReferences"].as_array().filter(|owners| !owners.is_empty()) else {
        return;
    };
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return;
    }
    let there = |owner: &Value| view.by_uid(owner["uid"].as_str().unwrap_or("")).is_some();
    let solid = owners.iter().any(|owner| is_solid(owner, view));
    if solid {
        if !owners.iter().all(there) {
            effects.patch(key.clone(), without_owners(object, there));
        }
        return;
    }
    let waiting = owners.iter().any(there);
    let propagation = if waiting { Propagation::Foreground } else { Propagation::Background };
    let uid = object["metadata"]["uid"].as_str().map(str::to_string);
    effects.delete(Deletion { propagation, uid, ..Deletion::of(key.clone()) });
}

/// Whether an owner is there, and not one that is only waiting for its dependents to go.
fn is_solid(owner: &Value, view: &View<'_>) -> bool {
    view.by_uid(owner["uid"].as_str().unwrap_or("")).is_some_and(|(_, object)| !waits_for_dependents(object))
}

fn waits_for_dependents(object: &Value) -> bool {
    finalizer_of(object) == Some(FOREGROUND)
}

/// The finalizer of an object being deleted that is this controller's to work on.
fn finalizer_of(object: &Value) -> Option<&'static str> {
    if object["metadata"]["deletionTimestamp"].is_null() {
        return None;
    }
    let finalizers = object["metadata"]["finalizers"].as_array()?;
    [ORPHAN, FOREGROUND].into_iter().find(|known| finalizers.iter().any(|finalizer| finalizer == known))
}

fn without_finalizer(object: &Value, finalizer: &str) -> Value {
    let left = object["metadata"]["finalizers"].as_array().into_iter().flatten().filter(|known| *known != finalizer);
    json!({"metadata": {"finalizers": left.collect::<Vec<_>>()}})
}

fn without_owners(object: &Value, keep: impl Fn(&Value) -> bool) -> Value {
    let left = object["metadata"]["ownerReferences"].as_array().into_iter().flatten().filter(|owner| keep(owner));
    json!({"metadata": {"ownerReferences": left.collect::<Vec<_>>()}})
}
