//! The simulator's own endpoints, `/sutler.dev/v1/…`: cluster model, clock, faults. Those that wait or stand in front of the
//! machine (`clock/wait`, `faults`) are answered by [`crate::Simulator`]; the others here.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use jiff::Timestamp;

use crate::machine::Machine;
use crate::request::{Request, Response};
use crate::status::Refusal;

/// Where the endpoints are.
pub(crate) const ROOT: &str = "/sutler.dev/v1/";

/// `POST clock/wait`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WaitRequest {
    /// Simulated time at which the wait ends when nothing changes.
    pub deadline: Timestamp,
    /// Changes after this resource version count; those from now on when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
}

/// Answer of `POST clock/wait`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitResponse {
    /// Simulated time now.
    pub now: Timestamp,
    /// Why the wait ended.
    pub woken: Reason,
    /// The last resource version, for `since` of the next wait.
    pub revision: u64,
}

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// An object changed.
    Change,
    /// The deadline came.
    Deadline,
}

/// Reads a JSON body.
pub(crate) fn body<T: for<'a> Deserialize<'a>>(request: &Request) -> Result<T, Refusal> {
    serde_json::from_slice(&request.body)
        .map_err(|error| Refusal::bad_request(format!("cannot read the body: {error}")))
}

/// Answers the endpoints that only need the machine.
pub(crate) fn answer(machine: &mut Machine, request: &Request) -> Result<Response, Refusal> {
    match (request.path.strip_prefix(ROOT).unwrap_or(""), &request.method) {
        ("cluster", &Method::GET) => Ok(Response::ok(cluster(machine))),
        ("cluster", &Method::PUT) => {
            machine.set_cluster(body(request)?);
            Ok(Response::ok(cluster(machine)))
        }
        ("clock", &Method::GET) => Ok(Response::ok(json!({
            "now": machine.clock(), "next": machine.next_timer(), "revision": machine.revision(),
        }))),
        ("cluster" | "clock", _) => Err(Refusal::method_not_allowed()),
        _ => Err(Refusal::no_such_resource()),
    }
}

fn cluster(machine: &Machine) -> Value {
    serde_json::to_value(machine.cluster()).expect("a cluster model is plain data")
}
