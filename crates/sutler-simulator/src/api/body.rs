//! Bodies of requests: reading them, and checking them against the structure of their kind.

use serde_json::Value;
use sutler_objects::object;
use sutler_objects::schema::{self, Problem};

use super::Call;
use crate::protobuf;
use crate::registry::Served;
use crate::request::Request;
use crate::status::{Cause, Refusal};
use crate::write::{Validation, Writer, type_of};

/// Reads the body of a request.
pub(super) fn json(request: &Request) -> Result<Value, Refusal> {
    match request.content_type.split(';').next().unwrap_or("").trim() {
        "" | "application/json" | "*/*" => parse(&request.body),
        "application/yaml" => parse_yaml(&request.body),
        protobuf::MEDIA_TYPE => {
            let value = protobuf::read(&request.body).map_err(|error| Refusal::bad_request(error.to_string()))?;
            bounded(value)
        }
        other => Err(Refusal::unsupported_media_type(format!(
            "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, {}: {other}",
            protobuf::MEDIA_TYPE
        ))),
    }
}

/// Parses JSON, not deeper than objects may be.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Refusal::bad_request(format!("couldn't get version/kind; json parse error: {error}")))?;
    bounded(value)
}

/// Parses YAML, as `sigs.k8s.io/yaml` does. JSON, which most clients send under this name, is read as such.
pub(super) fn parse_yaml(bytes: &[u8]) -> Result<Value, Refusal> {
    if let Ok(value) = serde_json::from_slice(bytes) {
        return bounded(value);
    }
    let refused = |error: &dyn std::fmt::Display| Refusal::bad_request(format!("error decoding YAML: {error}"));
    let text = std::str::from_utf8(bytes).map_err(|error| refused(&error))?;
    let node = sutler_yaml::read(text).map_err(|error| refused(&error))?;
    bounded(sutler_yaml::to_json(&node).map_err(|error| refused(&error))?)
}

fn bounded(value: Value) -> Result<Value, Refusal> {
    if !object::is_shallow(&value) {
        return Err(Refusal::bad_request(format!("nested deeper than {} levels", object::MAX_DEPTH)));
    }
    Ok(value)
}

/// Who writes, as the request says: `fieldManager`, or the first word of the user agent.
pub(super) fn writer<'a>(call: &Call<'a>, subresource: &'a str) -> Result<Writer<'a>, Refusal> {
    let request = call.request;
    let agent = request.user_agent.split('/').next().unwrap_or("");
    let manager = request.query("fieldManager").filter(|manager| !manager.is_empty()).unwrap_or(agent);
    if manager.len() > 128 {
        return Err(Refusal::bad_request("fieldManager: Too long: may not be more than 128 bytes"));
    }
    let dry_run = match request.query("dryRun") {
        None | Some("") => false,
        Some("All") => true,
        Some(other) => {
            return Err(Refusal::bad_request(format!(
                "dryRun: Unsupported value: \"{other}\": supported values: \"All\""
            )));
        }
    };
    let validation = match request.query("fieldValidation") {
        Some("Strict") => Validation::Strict,
        Some("Ignore") => Validation::Ignore,
        None | Some("" | "Warn") => Validation::Warn,
        Some(other) => {
            return Err(Refusal::bad_request(format!(
                "fieldValidation: Unsupported value: \"{other}\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""
            )));
        }
    };
    Ok(Writer { manager, subresource, dry_run, trusted: false, validation })
}

/// Checks a client's object against the structure of its kind: wrong types are refused, unknown fields taken out (and refused
/// or warned of, as the request wants).
pub(super) fn check(
    served: &Served,
    value: &mut Value,
    validation: Validation,
    warnings: &mut Vec<String>,
) -> Result<(), Refusal> {
    let resource = &served.resource;
    check_kind(served, value)?;
    let ty = type_of(served);
    let problems = schema::check(value, ty);
    if let Some(wrong) = problems.iter().find(|problem| problem.is_fatal()) {
        if served.custom.is_some() {
            let cause = Cause { reason: "FieldValueTypeInvalid", message: custom_message(wrong), field: path(wrong) };
            return Err(Refusal::invalid(&resource.group, &resource.kind, object::name(value), &[cause]));
        }
        return Err(Refusal::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: {wrong}",
            resource.kind, resource.version, resource.kind
        )));
    }
    if problems.is_empty() {
        return Ok(());
    }
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    match validation {
        Validation::Strict => {
            return Err(Refusal::bad_request(format!(
                "{} in version \"{}\" cannot be handled as a {}: strict decoding error: {}",
                resource.kind,
                resource.version,
                resource.kind,
                texts.join(", ")
            )));
        }
        Validation::Warn => warnings.extend(texts),
        Validation::Ignore => {}
    }
    schema::prune(value, ty);
    Ok(())
}

/// A wrong type as the validation of custom resources words it.
fn custom_message(problem: &Problem) -> String {
    let Problem::WrongType { path, found, wanted, .. } = problem else { return format!("Invalid value: {problem}") };
    let name = |go: &str| match go {
        "bool" => "boolean".to_string(),
        "number" | "float64" => "number".into(),
        "int32" | "int64" => "integer".into(),
        list if list.starts_with("[]") || list == "array" => "array".into(),
        text @ ("string" | "null") => text.into(),
        _ => "object".into(),
    };
    let (found, wanted) = (name(found), name(wanted));
    format!("Invalid value: \"{found}\": {path} in body must be of type {wanted}: \"{found}\"")
}

fn path(problem: &Problem) -> String {
    match problem {
        Problem::UnknownField { path } | Problem::WrongType { path, .. } | Problem::Malformed { path, .. } => {
            path.clone()
        }
    }
}

/// The object has to be of the kind that its path names.
fn check_kind(served: &Served, value: &mut Value) -> Result<(), Refusal> {
    let resource = &served.resource;
    let wanted = resource.api_version();
    let (version, kind) = (object::api_version(value).to_string(), object::kind(value).to_string());
    if !value.is_object() {
        return Err(Refusal::bad_request("the body of the request is not a JSON object"));
    }
    // Clients that know what they talk to leave both out.
    if version.is_empty() && kind.is_empty() {
        value["apiVersion"] = wanted.into();
        value["kind"] = resource.kind.clone().into();
        return Ok(());
    }
    if kind != resource.kind || object::group_version(&version).0 != resource.group {
        return Err(Refusal::bad_request(format!(
            "{kind} in version \"{}\" cannot be handled as a {}: no kind \"{kind}\" is registered for version \"{version}\"",
            object::group_version(&version).1,
            resource.kind
        )));
    }
    if version != wanted {
        return Err(Refusal::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({wanted})"
        )));
    }
    Ok(())
}
