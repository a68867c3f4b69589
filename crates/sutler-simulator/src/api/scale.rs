//! The `scale` subresource: replicas of whatever has them, in one shape.

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_objects::patch::{json_patch, merge_patch};

use super::{Call, body, read};
use crate::machine::Machine;
use crate::request::Response;
use crate::status::{Cause, Refusal};
use crate::write::{Ownership, Writer};

/// Where a resource keeps what a Scale shows, as paths of fields.
struct Places {
    replicas: Vec<String>,
    status: Vec<String>,
    selector: Vec<String>,
}

fn places(call: &Call<'_>) -> Places {
    let path = |text: &str| text.split('.').filter(|field| !field.is_empty()).map(str::to_string).collect();
    match &call.served.custom {
        None => {
            Places { replicas: path("spec.replicas"), status: path("status.replicas"), selector: path("spec.selector") }
        }
        Some(custom) => {
            let text = |name: &str| path(custom.scale[name].as_str().unwrap_or(""));
            Places {
                replicas: text("specReplicasPath"),
                status: text("statusReplicasPath"),
                selector: text("labelSelectorPath"),
            }
        }
    }
}

fn at<'a>(object: &'a Value, path: &[String]) -> &'a Value {
    if path.is_empty() {
        return &Value::Null;
    }
    path.iter().try_fold(object, |value, field| value.get(field)).unwrap_or(&Value::Null)
}

pub(super) fn answer(machine: &mut Machine, call: &Call<'_>) -> Result<Response, Refusal> {
    let object = read::stored(machine, call)?.clone();
    let now = scale_of(&object, call);
    let wanted = match call.request.method.as_str() {
        "GET" => return Ok(Response::ok(now)),
        "PUT" => body::json(call.request)?,
        "PATCH" => {
            let patch = body::parse(&call.request.body)?;
            let kind = call.request.content_type.split(';').next().unwrap_or("").trim();
            let patched = if kind == "application/json-patch+json" {
                json_patch(&now, &patch)
            } else {
                // A Scale has no lists, so that the other kinds of patch mean the same.
                merge_patch(&now, &patch)
            };
            patched.map_err(|error| Refusal::bad_request(error.to_string()))?
        }
        _ => return Err(Refusal::method_not_allowed()),
    };
    let writer = Writer { subresource: "scale", ..body::writer(call, "scale")? };
    let changed = set(machine, call, &object, &wanted, writer)?;
    Ok(Response::ok(scale_of(&changed, call)))
}

fn set(
    machine: &mut Machine,
    call: &Call<'_>,
    object: &Arc<Value>,
    wanted: &Value,
    writer: Writer<'_>,
) -> Result<Arc<Value>, Refusal> {
    let replicas = match &wanted["spec"]["replicas"] {
        Value::Null => 0,
        Value::Number(number) if number.is_i64() => number.as_i64().unwrap_or(0),
        other => {
            return Err(Refusal::bad_request(format!(
                "Scale in version \"v1\" cannot be handled as a Scale: spec.replicas is no whole number: {other}"
            )));
        }
    };
    if replicas < 0 {
        let cause = Cause {
            reason: "FieldValueInvalid",
            message: format!("Invalid value: {replicas}: must be greater than or equal to 0"),
            field: "spec.replicas".into(),
        };
        return Err(Refusal::invalid("autoscaling", "Scale", call.target.name, &[cause]));
    }
    let mut changed = crate::output::convert(object, &call.served).into_owned();
    let version = wanted["metadata"]["resourceVersion"].as_str().unwrap_or("");
    changed["metadata"]["resourceVersion"] = json!(version);
    let path = places(call).replicas;
    let place = path.iter().try_fold(&mut changed, |value, field| {
        if value.is_null() {
            *value = json!({});
        }
        value.as_object_mut().map(|fields| fields.entry(field).or_insert(Value::Null))
    });
    match place {
        Some(place) if !path.is_empty() => *place = json!(replicas),
        _ => return Err(Refusal::internal("the definition's specReplicasPath names no field of the object")),
    }
    let key = call.served.key(call.target.namespace, call.target.name);
    machine.update(&call.served, &key, changed, writer, Ownership::Track, &mut Vec::new())
}

fn scale_of(object: &Value, call: &Call<'_>) -> Value {
    let places = places(call);
    let meta = &object["metadata"];
    let selector = match at(object, &places.selector) {
        Value::String(text) => text.clone(),
        selector => selector_text(selector),
    };
    let mut status = json!({"replicas": at(object, &places.status).as_i64().unwrap_or(0)});
    if !selector.is_empty() {
        status["selector"] = json!(selector);
    }
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"], "creationTimestamp": meta["creationTimestamp"],
        },
        "spec": {"replicas": at(object, &places.replicas).as_i64().unwrap_or(0)},
        "status": status,
    })
}

/// A selector in the API's text form.
pub(crate) fn selector_text(selector: &Value) -> String {
    // A ReplicationController's selector is a map of labels without more.
    let labels = selector.get("matchLabels").or_else(|| selector.get("matchExpressions").is_none().then_some(selector));
    let mut parts: Vec<String> = labels
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or("")))
        .collect();
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str().unwrap_or("");
        let values: Vec<&str> =
            expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let values = values.join(",");
        parts.push(match expression["operator"].as_str().unwrap_or("") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_string(),
        });
    }
    parts.join(",")
}
