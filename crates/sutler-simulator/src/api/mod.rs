//! The API: which function answers which request.

mod body;
mod change;
mod discovery;
mod openapi;
mod read;
mod reviews;
mod scale;
mod subresources;

pub(crate) use scale::selector_text;

use http::Method;
use serde_json::{Value, json};

use crate::machine::Machine;
use crate::own;
use crate::path::{Path, Target};
use crate::registry::Served;
use crate::request::{Request, Response};
use crate::status::Refusal;
use crate::token;

/// Answers a request: reads, and writes that the machine settles and keeps afterwards.
pub(crate) fn answer(machine: &mut Machine, request: &Request) -> Response {
    route(machine, request).unwrap_or_else(Response::from)
}

fn route(machine: &mut Machine, request: &Request) -> Result<Response, Refusal> {
    if request.path.starts_with(own::ROOT) {
        return own::answer(machine, request);
    }
    let path = Path::parse(&request.path);
    if let Some(target) = path.target() {
        return of_resource(machine, request, target);
    }
    let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => return Ok(Response::text("ok")),
        _ if request.method != Method::GET => return Err(Refusal::method_not_allowed()),
        _ => {}
    }
    match segments.as_slice() {
        [] => Ok(Response::ok(discovery::paths(&machine.registry))),
        ["version"] => Ok(Response::ok(version())),
        [".well-known", "openid-configuration"] => Ok(Response::ok(token::configuration())),
        ["openid", "v1", "jwks"] => {
            Ok(Response { content_type: "application/jwk-set+json", ..Response::ok(token::keys(machine.kept.seed)) })
        }
        ["api"] => Ok(discovery::core_versions(&machine.registry, request)),
        ["apis"] => Ok(discovery::groups(&machine.registry, request)),
        ["apis", group] => discovery::group(&machine.registry, group),
        ["api", version] => discovery::resources(&machine.registry, "", version),
        ["apis", group, version] => discovery::resources(&machine.registry, group, version),
        ["openapi", "v2"] => Ok(openapi::v2(&machine.registry, request)),
        ["openapi", "v3"] => Ok(openapi::v3_index(&machine.registry)),
        ["openapi", "v3", "api", version] => openapi::v3(&machine.registry, "", version),
        ["openapi", "v3", "apis", group, version] => openapi::v3(&machine.registry, group, version),
        _ => Err(Refusal::no_such_resource()),
    }
}

/// A request about a resource: what it says, and what it is about.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) target: Target<'a>,
    pub(crate) served: Served,
}

fn of_resource(machine: &mut Machine, request: &Request, target: Target<'_>) -> Result<Response, Refusal> {
    let served = machine.registry.by_plural(target.group, target.version, target.plural);
    let Some(served) = served.cloned() else {
        return Err(Refusal::no_such_resource());
    };
    if served.resource.namespaced && target.namespace.is_empty() && !target.name.is_empty() {
        return Err(Refusal::no_such_resource());
    }
    if !served.resource.namespaced && !target.namespace.is_empty() {
        return Err(Refusal::no_such_resource());
    }
    let call = Call { request, target, served };
    if !target.subresource.is_empty() {
        return subresources::answer(machine, &call);
    }
    if reviews::is_review(&call) {
        return reviews::answer(machine, &call);
    }
    let verb = verb(&call);
    if !call.served.resource.has_verb(verb) {
        return Err(Refusal::method_not_allowed());
    }
    match verb {
        "get" => read::get(machine, &call),
        "list" => read::list(machine, &call),
        "watch" => read::watch(machine, &call),
        "create" => change::create(machine, &call),
        "update" => change::update(machine, &call, ""),
        "patch" => change::patch(machine, &call, ""),
        "delete" => change::delete(machine, &call),
        "deletecollection" => change::delete_collection(machine, &call),
        _ => Err(Refusal::method_not_allowed()),
    }
}

/// What a request for a resource (and no subresource) wants; empty for what no resource offers.
fn verb(call: &Call<'_>) -> &'static str {
    let named = !call.target.name.is_empty();
    let watch = call.target.watch || call.request.query_flag("watch");
    match (call.request.method.as_str(), named) {
        ("GET" | "HEAD", _) if watch => "watch",
        ("GET" | "HEAD", true) => "get",
        ("GET" | "HEAD", false) => "list",
        ("POST", false) => "create",
        ("PUT", true) => "update",
        ("PATCH", true) => "patch",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        _ => "",
    }
}

/// `/version`: that of the modelled Kubernetes. What follows the plus says that it is a model; tools parse the whole as a
/// semantic version.
fn version() -> Value {
    json!({
        "major": "1", "minor": "34", "emulationMajor": "1", "emulationMinor": "34", "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "33", "gitVersion": "v1.34.4+sutler-simulated", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "2026-02-10T12:00:00Z", "goVersion": "", "compiler": "rustc", "platform": "linux/amd64",
    })
}
