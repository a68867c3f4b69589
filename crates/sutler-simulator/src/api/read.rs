//! Reads: get, list, and the beginning of a watch.

use std::collections::VecDeque;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::Call;
use crate::machine::Machine;
use crate::output::{Form, Output, convert, metadata};
use crate::request::{Body, List, Response};
use crate::selection::Selection;
use crate::status::Refusal;
use crate::table;
use crate::watch::{Watch, bookmark, line};

/// One object, shown as the request wants it.
pub(super) fn show(machine: &Machine, call: &Call<'_>, code: u16, object: &Arc<Value>) -> Response {
    let output = Output { form: Form::of(call.request), served: call.served.clone() };
    let shown = match output.show(object, machine.clock()) {
        std::borrow::Cow::Borrowed(_) => object.clone(),
        std::borrow::Cow::Owned(shown) => Arc::new(shown),
    };
    Response::object(code, shown)
}

pub(super) fn get(machine: &Machine, call: &Call<'_>) -> Result<Response, Refusal> {
    let object = stored(machine, call)?;
    Ok(show(machine, call, 200, object))
}

/// The object that the request's path names.
pub(super) fn stored<'a>(machine: &'a Machine, call: &Call<'_>) -> Result<&'a Arc<Value>, Refusal> {
    let key = call.served.key(call.target.namespace, call.target.name);
    machine.kept.objects.at(&key).ok_or_else(|| Refusal::not_found(&call.served.group_resource(), call.target.name))
}

/// The objects that a request selects.
pub(super) fn selection(call: &Call<'_>) -> Result<Selection, Refusal> {
    let served = &call.served;
    let (namespace, name) = (call.target.namespace, call.target.name);
    Selection::of(call.request, &served.resource, &served.stored_as, namespace, name, &served.selectable())
}

/// An object, and the namespace and name under which it is stored.
pub(super) type Placed<'a> = (&'a (String, String), &'a Arc<Value>);

/// The selected objects in order, after a place when given.
pub(super) fn selected<'a>(
    machine: &'a Machine,
    selection: &'a Selection,
    after: Option<(String, String)>,
) -> Box<dyn Iterator<Item = Placed<'a>> + 'a> {
    let objects = &machine.kept.objects;
    let of_namespace = |place: &(String, String)| selection.namespace.is_empty() || place.0 == selection.namespace;
    let all: Box<dyn Iterator<Item = _>> = match after {
        Some(after) => Box::new(objects.list_after(&selection.resource, after)),
        None if selection.namespace.is_empty() => Box::new(objects.list(&selection.resource)),
        None => Box::new(objects.list_in(&selection.resource, &selection.namespace)),
    };
    Box::new(all.filter(move |(place, object)| {
        of_namespace(place) && (selection.name.is_empty() || place.1 == selection.name) && selection.picks(object)
    }))
}

pub(super) fn list(machine: &Machine, call: &Call<'_>) -> Result<Response, Refusal> {
    let selection = selection(call)?;
    check_version(machine, call)?;
    let limit = match call.request.query("limit") {
        None | Some("") => usize::MAX,
        Some(text) => match text.parse::<usize>() {
            Ok(0) => usize::MAX,
            Ok(limit) => limit,
            Err(_) => return Err(Refusal::bad_request(format!("limit: Invalid value: \"{text}\""))),
        },
    };
    let mut revision = machine.revision();
    let mut after = None;
    if let Some(token) = call.request.query("continue").filter(|token| !token.is_empty()) {
        let (of, place) = read_continue(token)?;
        revision = of;
        after = Some(place);
    }
    let mut found = selected(machine, &selection, after).peekable();
    let mut items = Vec::new();
    let mut last = None;
    while items.len() < limit {
        let Some((place, object)) = found.next() else { break };
        items.push(object.clone());
        last = Some(place.clone());
    }
    let mut head = json!({"resourceVersion": revision.to_string()});
    if let (Some(last), true) = (last, found.peek().is_some()) {
        head["continue"] = json!(write_continue(revision, &last));
        // As the API server: only known when no selector hides objects.
        if call.request.query("labelSelector").is_none() && call.request.query("fieldSelector").is_none() {
            head["remainingItemCount"] = json!(found.count());
        }
    }
    Ok(shown_list(machine, call, items, head))
}

fn shown_list(machine: &Machine, call: &Call<'_>, items: Vec<Arc<Value>>, head: Value) -> Response {
    let served = &call.served;
    let resource = &served.resource;
    match Form::of(call.request) {
        Form::Table(include) => {
            let objects: Vec<_> = items.iter().map(|object| convert(object, served)).collect();
            Response::ok(table::table(served, objects.iter().map(|object| &**object), include, head, machine.clock()))
        }
        Form::Metadata => {
            let items: Vec<Value> = items.iter().map(|object| metadata(&convert(object, served))).collect();
            Response::ok(json!({
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": head, "items": items,
            }))
        }
        Form::Object => {
            let converts = served.stored_version() != resource.api_version();
            let items = if converts {
                items.iter().map(|object| Arc::new(convert(object, served).into_owned())).collect()
            } else {
                items
            };
            let head = json!({"kind": resource.list_kind, "apiVersion": resource.api_version(), "metadata": head});
            let mut response = Response::ok(Value::Null);
            response.body = Body::List(List { head, items, typed_items: served.custom.is_some() });
            response
        }
    }
}

/// Refuses versions that are no numbers, and exact matches of what is not the present.
fn check_version(machine: &Machine, call: &Call<'_>) -> Result<(), Refusal> {
    let version = call.request.query("resourceVersion").unwrap_or("");
    let Some(version) = parse_version(version)? else { return Ok(()) };
    match call.request.query("resourceVersionMatch") {
        // Only the present is kept: an older exact version is told to be too old, as after a compaction.
        Some("Exact") if version != 0 && version < machine.revision() => {
            Err(Refusal::expired("The provided resource version is no longer available: only the present one is kept"))
        }
        _ if version > machine.revision() => Err(too_large(machine, version)),
        _ => Ok(()),
    }
}

fn too_large(machine: &Machine, version: u64) -> Refusal {
    let message = format!("Too large resource version: {version}, current: {}", machine.revision());
    let mut refusal = Refusal::new(504, "Timeout", message);
    refusal.details.insert(
        "causes".into(),
        json!([{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]),
    );
    refusal.details.insert("retryAfterSeconds".into(), json!(1));
    refusal
}

fn parse_version(text: &str) -> Result<Option<u64>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        Refusal::bad_request(format!(
            "resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax"
        ))
    })
}

/// A continue token: the resource version of the first page, and the place of the last object given.
fn write_continue(revision: u64, (namespace, name): &(String, String)) -> String {
    BASE64.encode(json!([revision, namespace, name]).to_string())
}

fn read_continue(token: &str) -> Result<(u64, (String, String)), Refusal> {
    let invalid = || Refusal::bad_request("continue key is not valid: it was not given by this server");
    let text = BASE64.decode(token.trim_end_matches('=')).map_err(|_| invalid())?;
    let (revision, namespace, name) = serde_json::from_slice(&text).map_err(|_| invalid())?;
    Ok((revision, (namespace, name)))
}

pub(super) fn watch(machine: &Machine, call: &Call<'_>) -> Result<Response, Refusal> {
    let request = call.request;
    let selection = selection(call)?;
    let output = Output { form: Form::of(request), served: call.served.clone() };
    let version = parse_version(request.query("resourceVersion").unwrap_or(""))?;
    let timeout_seconds =
        request.query("timeoutSeconds").and_then(|text| text.parse().ok()).filter(|seconds| *seconds > 0);
    let bookmarks = request.query_flag("allowWatchBookmarks");
    let initial = request.query("sendInitialEvents").map(|_| request.query_flag("sendInitialEvents"));
    let now = machine.clock();
    let revision = machine.revision();
    let mut first = VecDeque::new();
    // Without a version (or with 0) a watch begins with the state; `sendInitialEvents` says it outright.
    let from_state = initial.unwrap_or(version.is_none_or(|version| version == 0));
    if from_state {
        for (_, object) in selected(machine, &selection, None) {
            first.push_back(line("ADDED", &output.event(object, now)));
        }
        if initial == Some(true) && bookmarks {
            first.push_back(bookmark(&selection, &output, revision, Some("k8s.io/initial-events-end")));
        }
    }
    let read = match version {
        Some(version) if !from_state && version > 0 => version,
        _ => revision,
    };
    if read > revision {
        return Err(too_large(machine, read));
    }
    let watch = Watch { selection, output, read, first, bookmarks, timeout_seconds, ended: false };
    let mut response = Response::ok(Value::Null);
    response.body = Body::Watch(Box::new(watch));
    Ok(response)
}
