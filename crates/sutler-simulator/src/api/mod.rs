//! The API: which function answers which request.

use http::Method;
use serde_json::{Value, json};

use crate::machine::Machine;
use crate::own;
use crate::request::{Request, Response};
use crate::status::Refusal;

/// Answers a request: reads, and writes that the machine settles and keeps afterwards.
pub(crate) fn answer(machine: &mut Machine, request: &Request) -> Response {
    route(machine, request).unwrap_or_else(Response::from)
}

fn route(machine: &mut Machine, request: &Request) -> Result<Response, Refusal> {
    match request.path.trim_end_matches('/') {
        "/healthz" | "/livez" | "/readyz" => Ok(Response::text("ok")),
        "/version" if request.method == Method::GET => Ok(Response::ok(version())),
        path if path.starts_with(own::ROOT) => own::answer(machine, request),
        _ => Err(Refusal::no_such_resource()),
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
