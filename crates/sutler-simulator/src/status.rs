//! Refusals: the `Status` objects that Kubernetes answers with when it does not do what was asked.

use serde_json::{Map, Value, json};

/// A refused request, as the API's `Status` says it: HTTP code, reason, message, details.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// HTTP status code, such as 404.
    pub code: u16,
    /// Machine-readable reason, such as `NotFound`; empty where the API server gives none.
    pub reason: &'static str,
    /// Text for people, as the API server words it.
    pub message: String,
    /// The `details` of the Status (`name`, `group`, `kind`, `causes`, `retryAfterSeconds`); may be empty.
    pub details: Map<String, Value>,
}

impl Refusal {
    /// A refusal without details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Map::new() }
    }

    /// 400: the request itself cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 403 with the text of the API server: `pods "x" is forbidden: because`.
    pub fn forbidden(resource: &str, name: &str, because: &str) -> Self {
        let message = if name.is_empty() {
            format!("{resource} is forbidden: {because}")
        } else {
            format!("{resource} \"{name}\" is forbidden: {because}")
        };
        Self::new(403, "Forbidden", message).about(resource, name)
    }

    /// 404 with the text of the API server: `pods "x" not found`.
    pub fn not_found(resource: &str, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{resource} \"{name}\" not found")).about(resource, name)
    }

    /// 404 for a path that nothing serves.
    pub fn no_such_resource() -> Self {
        let mut refusal = Self::new(404, "NotFound", "the server could not find the requested resource");
        refusal
            .details
            .insert("causes".into(), json!([{"reason": "UnexpectedServerResponse", "message": "404 page not found"}]));
        refusal
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    }

    /// 409 `AlreadyExists`: `pods "x" already exists`.
    pub fn already_exists(resource: &str, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{resource} \"{name}\" already exists")).about(resource, name)
    }

    /// 409 `Conflict`: `Operation cannot be fulfilled on pods "x": because`.
    pub fn conflict(resource: &str, name: &str, because: &str) -> Self {
        Self::new(409, "Conflict", format!("Operation cannot be fulfilled on {resource} \"{name}\": {because}"))
            .about(resource, name)
    }

    /// 422: the object is not valid. `group` and `kind` name it; `causes` are (reason, message, field), such as
    /// (`FieldValueRequired`, `Required value`, `spec.selector`).
    pub fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        let qualified = if group.is_empty() { kind.to_string() } else { format!("{kind}.{group}") };
        let texts: Vec<String> = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let said = if let [one] = texts.as_slice() { one.clone() } else { format!("[{}]", texts.join(", ")) };
        let mut refusal = Self::new(422, "Invalid", format!("{qualified} \"{name}\" is invalid: {said}"));
        refusal.details = Map::from_iter([("name".into(), json!(name)), ("kind".into(), json!(kind))]);
        if !group.is_empty() {
            refusal.details.insert("group".into(), json!(group));
        }
        let causes: Vec<Value> = causes
            .iter()
            .map(|cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field}))
            .collect();
        refusal.details.insert("causes".into(), Value::Array(causes));
        refusal
    }

    /// 410: what was asked for is too old to be known.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 415.
    pub fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 429 of an eviction that a disruption budget does not allow now.
    pub fn too_many_requests(message: impl Into<String>) -> Self {
        Self::new(429, "TooManyRequests", message)
    }

    /// 500.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "InternalError", message)
    }

    /// Names the object in the details, as the API server does: `kind` there holds the resource's plural.
    fn about(mut self, resource: &str, name: &str) -> Self {
        let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
        if !name.is_empty() {
            self.details.insert("name".into(), json!(name));
        }
        if !group.is_empty() {
            self.details.insert("group".into(), json!(group));
        }
        self.details.insert("kind".into(), json!(plural));
        self
    }

    /// The `Status` object to answer with.
    pub fn to_value(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if !self.details.is_empty() {
            status["details"] = Value::Object(self.details.clone());
        }
        status
    }
}

/// One reason why an object is not valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// `FieldValueInvalid`, `FieldValueRequired`, …
    pub reason: &'static str,
    /// Text for people, such as `Required value`.
    pub message: String,
    /// Path, such as `spec.containers[0].image`.
    pub field: String,
}
