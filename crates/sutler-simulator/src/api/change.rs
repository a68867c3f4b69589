//! Writes by clients: create, update, patch of the four kinds, delete, deletecollection.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use sutler_objects::apply::{self, ApplyError, Force, Manager};
use sutler_objects::patch::{PatchError, json_patch, merge_patch, strategic_merge_patch};

use super::{Call, body, read};
use crate::controllers::Propagation;
use crate::machine::Machine;
use crate::request::Response;
use crate::status::{Cause, Refusal};
use crate::write::{DeleteOptions, Deleted, Ownership, Writer, time_text, type_of};

pub(super) fn create(machine: &mut Machine, call: &Call<'_>) -> Result<Response, Refusal> {
    let writer = body::writer(call, "")?;
    let mut object = body::json(call.request)?;
    let mut warnings = Vec::new();
    body::check(&call.served, &mut object, writer.validation, &mut warnings)?;
    let namespace = namespace_of(call, &object)?;
    let created = machine.create(&call.served, &namespace, object, writer, Ownership::Track, &mut warnings)?;
    Ok(with_warnings(read::show(machine, call, 201, &created), warnings))
}

/// The namespace of a new object: that of the path; a namespaced object needs one there.
fn namespace_of(call: &Call<'_>, object: &Value) -> Result<String, Refusal> {
    let namespace = call.target.namespace;
    if call.served.resource.namespaced && namespace.is_empty() {
        let own = object["metadata"]["namespace"].as_str().unwrap_or("");
        if own.is_empty() {
            return Err(Refusal::bad_request("an empty namespace may not be set during creation"));
        }
        return Ok(own.to_string());
    }
    Ok(namespace.to_string())
}

pub(super) fn update(machine: &mut Machine, call: &Call<'_>, subresource: &str) -> Result<Response, Refusal> {
    let writer = Writer { subresource, ..body::writer(call, "")? };
    let mut object = body::json(call.request)?;
    let mut warnings = Vec::new();
    body::check(&call.served, &mut object, writer.validation, &mut warnings)?;
    let key = call.served.key(call.target.namespace, call.target.name);
    let updated = machine.update(&call.served, &key, object, writer, Ownership::Track, &mut warnings)?;
    Ok(with_warnings(read::show(machine, call, 200, &updated), warnings))
}

pub(super) fn patch(machine: &mut Machine, call: &Call<'_>, subresource: &str) -> Result<Response, Refusal> {
    let writer = Writer { subresource, ..body::writer(call, "")? };
    let kind = call.request.content_type.split(';').next().unwrap_or("").trim();
    if kind == "application/apply-patch+yaml" || kind == "application/apply-patch+cbor" {
        return server_side_apply(machine, call, writer);
    }
    let patch = body::parse(&call.request.body)?;
    let old = read::stored(machine, call)?.clone();
    let shown = crate::output::convert(&old, &call.served);
    let patched = match kind {
        "application/json-patch+json" => json_patch(&shown, &patch),
        "application/merge-patch+json" => merge_patch(&shown, &patch),
        "application/strategic-merge-patch+json" if call.served.custom.is_none() => {
            strategic_merge_patch(&shown, &patch, type_of(&call.served))
        }
        _ => {
            let strategic = if call.served.custom.is_none() { "application/strategic-merge-patch+json, " } else { "" };
            return Err(Refusal::unsupported_media_type(format!(
                "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, {strategic}application/apply-patch+yaml"
            )));
        }
    };
    let mut object = patched.map_err(|error| refused_patch(call, &error, &patch))?;
    let mut warnings = Vec::new();
    body::check(&call.served, &mut object, writer.validation, &mut warnings)
        .map_err(|refusal| refused_content(call, &patch, refusal))?;
    let key = call.served.key(call.target.namespace, call.target.name);
    let updated = machine.update(&call.served, &key, object, writer, Ownership::Track, &mut warnings)?;
    Ok(with_warnings(read::show(machine, call, 200, &updated), warnings))
}

fn refused_patch(call: &Call<'_>, error: &PatchError, patch: &Value) -> Refusal {
    match error.status() {
        400 => Refusal::bad_request(error.to_string()),
        _ => match error {
            PatchError::TestFailed { .. } | PatchError::DoesNotApply(_) => Refusal::new(
                422,
                "Invalid",
                format!("the server rejected our request due to an error in our request: {error}"),
            ),
            _ => Refusal::invalid(
                &call.served.resource.group,
                &call.served.resource.kind,
                call.target.name,
                &[Cause {
                    reason: "FieldValueInvalid",
                    message: format!("Invalid value: {}: {error}", Value::from(patch.to_string())),
                    field: "patch".into(),
                }],
            ),
        },
    }
}

/// What a patch makes of an object can be refused as a whole object can, and is then said to be the patch's fault.
fn refused_content(call: &Call<'_>, patch: &Value, refusal: Refusal) -> Refusal {
    let Some((_, problem)) = refusal.message.split_once("strict decoding error: ") else { return refusal };
    let cause = Cause {
        reason: "FieldValueInvalid",
        message: format!("Invalid value: {}: strict decoding error: {problem}", Value::from(patch.to_string())),
        field: "patch".into(),
    };
    Refusal::invalid(&call.served.resource.group, &call.served.resource.kind, call.target.name, &[cause])
}

fn server_side_apply(machine: &mut Machine, call: &Call<'_>, writer: Writer<'_>) -> Result<Response, Refusal> {
    let served = &call.served;
    if call.request.query("fieldManager").is_none_or(str::is_empty) {
        return Err(Refusal::bad_request(
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        ));
    }
    let mut applied = body::parse_yaml(&call.request.body)?;
    check_applied_identity(call, &applied)?;
    if served.resource.namespaced && applied["metadata"].is_object() {
        applied["metadata"]["namespace"] = json!(call.target.namespace);
    }
    let key = served.key(call.target.namespace, call.target.name);
    let old = machine.kept.objects.at(&key).cloned();
    if old.is_none() && !writer.subresource.is_empty() {
        return Err(Refusal::not_found(&served.group_resource(), call.target.name));
    }
    let mut warnings = Vec::new();
    let mut checked = applied.clone();
    body::check(served, &mut checked, writer.validation, &mut warnings)?;
    let live = old.as_ref().map(|old| crate::output::convert(old, served));
    let time = time_text(machine.clock());
    let manager = Manager { name: writer.manager, subresource: writer.subresource, time: &time };
    let force = if call.request.query_flag("force") { Force::Yes } else { Force::No };
    // An unknown field was warned of and is dropped, unless the request is strict.
    let merged = apply::apply(live.as_deref(), &checked, type_of(served), &manager, force)
        .map_err(|error| refused_apply(call, &error))?;
    match old {
        Some(_) => {
            let updated = machine.update(served, &key, merged, writer, Ownership::Applied, &mut warnings)?;
            Ok(with_warnings(read::show(machine, call, 200, &updated), warnings))
        }
        None => {
            let created =
                machine.create(served, call.target.namespace, merged, writer, Ownership::Applied, &mut warnings)?;
            Ok(with_warnings(read::show(machine, call, 201, &created), warnings))
        }
    }
}

/// Name and namespace in an applied object, if there, are those of the path.
fn check_applied_identity(call: &Call<'_>, applied: &Value) -> Result<(), Refusal> {
    let text = |name: &str| applied["metadata"][name].as_str().unwrap_or("");
    if !applied.is_object() {
        return Err(Refusal::bad_request("error decoding YAML: the patch is not an object"));
    }
    let (name, wanted) = (text("name"), call.target.name);
    if !name.is_empty() && name != wanted {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({wanted})"
        )));
    }
    let namespace = text("namespace");
    if !namespace.is_empty() && namespace != call.target.namespace && call.served.resource.namespaced {
        return Err(Refusal::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

fn refused_apply(call: &Call<'_>, error: &ApplyError) -> Refusal {
    match error {
        ApplyError::Conflict(conflicts) => {
            let causes: Vec<Value> = conflicts
                .iter()
                .map(|conflict| {
                    json!({
                        "reason": "FieldManagerConflict", "message": format!("conflict with {}", conflict.manager),
                        "field": conflict.field,
                    })
                })
                .collect();
            let mut refusal = Refusal::new(409, "Conflict", error.to_string());
            refusal.details = Map::from_iter([("causes".to_string(), Value::Array(causes))]);
            refusal
        }
        ApplyError::Schema { .. } => {
            let mut refusal = Refusal::new(error.status(), "", error.to_string());
            refusal.details.insert("name".into(), json!(call.target.name));
            refusal
        }
        _ => Refusal::bad_request(error.to_string()),
    }
}

/// The options of a deletion: in the body, or in the query.
fn delete_options(call: &Call<'_>) -> Result<DeleteOptions, Refusal> {
    let options = if call.request.body.is_empty() { json!({}) } else { body::json(call.request)? };
    let text = |name: &str| options[name].as_str().or_else(|| call.request.query(name));
    let grace = options["gracePeriodSeconds"]
        .as_i64()
        .or_else(|| call.request.query("gracePeriodSeconds").and_then(|text| text.parse().ok()));
    let orphan = options["orphanDependents"].as_bool().or_else(|| match call.request.query("orphanDependents") {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    });
    let propagation = match (text("propagationPolicy"), orphan) {
        (Some("Foreground"), _) => Some(Propagation::Foreground),
        (Some("Background"), _) => Some(Propagation::Background),
        (Some("Orphan"), _) => Some(Propagation::Orphan),
        (None | Some(""), Some(true)) => Some(Propagation::Orphan),
        (None | Some(""), Some(false)) => Some(Propagation::Background),
        (None | Some(""), None) => None,
        (Some(other), _) => {
            return Err(Refusal::bad_request(format!(
                "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"{other}\": supported values: \"Background\", \"Foreground\", \"Orphan\", \"nil\""
            )));
        }
    };
    let precondition = |name: &str| options["preconditions"][name].as_str().map(str::to_string);
    let dry_run = options["dryRun"].as_array().is_some_and(|values| values.iter().any(|value| value == "All"))
        || call.request.query("dryRun") == Some("All");
    Ok(DeleteOptions {
        // Negative periods are taken for one second, as the API server does.
        grace_seconds: grace.map(|seconds| u64::try_from(seconds).unwrap_or(1)),
        propagation,
        uid: precondition("uid"),
        resource_version: precondition("resourceVersion"),
        dry_run,
    })
}

pub(super) fn delete(machine: &mut Machine, call: &Call<'_>) -> Result<Response, Refusal> {
    let options = delete_options(call)?;
    let key = call.served.key(call.target.namespace, call.target.name);
    Ok(match machine.delete(&call.served, &key, &options)? {
        Deleted::Going(object) => read::show(machine, call, 200, &object),
        // Pods (and whatever else is deleted with a grace period) are shown as they were.
        Deleted::Gone(object) if call.served.stored_as == crate::key::resource::PODS => {
            read::show(machine, call, 200, &object)
        }
        Deleted::Gone(object) => Response::ok(gone(call, &object)),
    })
}

/// The Status that says that an object is gone.
fn gone(call: &Call<'_>, object: &Arc<Value>) -> Value {
    let mut details = json!({
        "name": call.target.name, "kind": call.served.resource.plural, "uid": object["metadata"]["uid"],
    });
    if !call.served.resource.group.is_empty() {
        details["group"] = json!(call.served.resource.group);
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

pub(super) fn delete_collection(machine: &mut Machine, call: &Call<'_>) -> Result<Response, Refusal> {
    let options = delete_options(call)?;
    let selection = read::selection(call)?;
    let chosen: Vec<(String, String)> =
        read::selected(machine, &selection, None).map(|(place, _)| place.clone()).collect();
    let mut items = Vec::new();
    for (namespace, name) in chosen {
        let key = call.served.key(&namespace, &name);
        match machine.delete(&call.served, &key, &options) {
            Ok(Deleted::Gone(object) | Deleted::Going(object)) => {
                items.push(crate::output::convert(&object, &call.served).into_owned());
            }
            // Gone meanwhile, as an object that another one's deletion took along.
            Err(refusal) if refusal.code == 404 => {}
            Err(refusal) => return Err(refusal),
        }
    }
    let resource = &call.served.resource;
    Ok(Response::ok(json!({
        "kind": resource.list_kind, "apiVersion": resource.api_version(),
        "metadata": {"resourceVersion": machine.revision().to_string()}, "items": items,
    })))
}

pub(super) fn with_warnings(mut response: Response, warnings: Vec<String>) -> Response {
    response.warnings = warnings;
    response
}
