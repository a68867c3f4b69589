//! From client-side writes to server-side apply: moving the ownership of fields.
//!
//! What a manager created or patched belongs to it by an entry of operation `Update`. A server-side apply by the same
//! manager makes a second entry; a field that a later apply leaves out would then stay, since the first entry still holds
//! it. So before the first apply, the fields of its `Update` entries move into its `Apply` entry
//! (as client-go's `csaupgrade.UpgradeManagedFields`).

use serde_json::{Map, Value, json};

use crate::cluster::{ApiError, Cluster};
use crate::object::ObjectRef;

/// Attempts when the object changes in between.
const ATTEMPTS: u32 = 5;

/// Moves the ownership of fields on a live object, if there is any to move.
pub(super) async fn take_over(cluster: &Cluster, reference: &ObjectRef, live: &Value) -> Result<(), ApiError> {
    let mut live = live.clone();
    for attempt in 1.. {
        let Some(entries) = merged(live.pointer("/metadata/managedFields"), cluster.field_manager()) else {
            return Ok(());
        };
        let patch = json!([
            {"op": "replace", "path": "/metadata/managedFields", "value": entries},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": live.pointer("/metadata/resourceVersion")},
        ]);
        match cluster.patch(reference, "application/json-patch+json", &patch).await {
            Err(ApiError::Conflict { .. }) if attempt < ATTEMPTS => match cluster.get(reference).await? {
                Some(found) => live = found,
                None => return Ok(()),
            },
            other => return other.map(drop),
        }
    }
    Ok(())
}

/// The entries with those of `manager`'s updates moved into its apply; `None` if there is nothing to move.
fn merged(entries: Option<&Value>, manager: &str) -> Option<Vec<Value>> {
    let entries = entries?.as_array()?;
    let is = |entry: &Value, operation: &str| {
        let text = |field| entry.get(field).and_then(Value::as_str).unwrap_or_default();
        text("manager") == manager && text("operation") == operation && text("subresource").is_empty()
    };
    let mut fields = Map::new();
    let mut newest: Option<&Value> = None;
    for entry in entries.iter().filter(|entry| is(entry, "Update")) {
        union(&mut fields, entry.get("fieldsV1"));
        newest = Some(entry);
    }
    let newest = newest?;
    let applied = entries.iter().find(|entry| is(entry, "Apply"));
    union(&mut fields, applied.and_then(|entry| entry.get("fieldsV1")));
    let mut entry = applied.unwrap_or(newest).clone();
    entry["operation"] = "Apply".into();
    entry["fieldsV1"] = Value::Object(fields);
    let mut kept: Vec<Value> =
        entries.iter().filter(|entry| !is(entry, "Update") && !is(entry, "Apply")).cloned().collect();
    kept.push(entry);
    Some(kept)
}

/// Adds one set of fields to another. Objects in a cluster nest too little for the recursion to matter: the API server
/// bounds them.
fn union(into: &mut Map<String, Value>, fields: Option<&Value>) {
    for (key, below) in fields.and_then(Value::as_object).into_iter().flatten() {
        let entry = into.entry(key.clone()).or_insert_with(|| json!({}));
        if let Value::Object(entry) = entry {
            union(entry, Some(below));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_of_the_manager_move_into_its_apply() {
        let entries = json!([
            {"manager": "helm", "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:a": {}}}},
            {"manager": "kubectl", "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:z": {}}}},
            {"manager": "helm", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
            {"manager": "helm", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:b": {}}}},
        ]);
        assert_eq!(
            json!(merged(Some(&entries), "helm").unwrap()),
            json!([
                {"manager": "kubectl", "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:z": {}}}},
                {"manager": "helm", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
                {"manager": "helm", "operation": "Apply", "apiVersion": "v1",
                 "fieldsV1": {"f:data": {"f:a": {}, "f:b": {}}}},
            ])
        );
    }

    #[test]
    fn without_updates_of_the_manager_nothing_moves() {
        let entries = json!([{"manager": "helm", "operation": "Apply", "fieldsV1": {}}]);
        assert_eq!(merged(Some(&entries), "helm"), None);
        assert_eq!(merged(None, "helm"), None);
    }
}
