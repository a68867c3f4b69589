//! Tables for `kubectl get`: the columns that the API server prints for a kind.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::output::{Include, metadata};
use crate::registry::Served;

mod age;
mod columns;
mod custom;
mod pods;
mod services;
mod storage;
mod workloads;

pub(crate) use columns::Column;

/// The Table of some objects of one resource. `list_metadata` becomes the Table's `metadata`.
pub(crate) fn table<'a>(
    served: &Served,
    objects: impl Iterator<Item = &'a Value>,
    include: Include,
    list_metadata: Value,
    now: Timestamp,
) -> Value {
    let columns = match &served.custom {
        Some(custom) => custom::columns(custom),
        None => columns::of(&served.stored_as),
    };
    let rows: Vec<Value> = objects
        .map(|object| {
            let cells: Vec<Value> = columns.iter().map(|column| column.cell(object, now)).collect();
            let mut row = json!({"cells": cells});
            match include {
                Include::None => {}
                Include::Metadata => row["object"] = metadata(object),
                Include::Object => row["object"] = object.clone(),
            }
            if let Some(condition) = finished(&served.stored_as, object) {
                row["conditions"] = condition;
            }
            row
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": list_metadata,
        "columnDefinitions": columns.iter().map(Column::definition).collect::<Vec<_>>(),
        "rows": rows,
    })
}

/// Pods that have ended are marked, so that `kubectl get` may leave them out.
fn finished(resource: &str, object: &Value) -> Option<Value> {
    if resource != crate::key::resource::PODS {
        return None;
    }
    let (reason, message) = match object["status"]["phase"].as_str()? {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

#[cfg(test)]
mod tests;
