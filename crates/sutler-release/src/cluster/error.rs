//! What the API can answer instead of what was asked, sorted by what a caller does about it.

use std::error::Error as StdError;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use serde_json::Value;

use super::Mapping;
use crate::object::ObjectRef;

/// What was asked of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Read one object.
    Get,
    /// Read a collection.
    List,
    /// Create an object.
    Create,
    /// Replace an object.
    Update,
    /// Change an object.
    Patch,
    /// Change or create an object by server-side apply.
    Apply,
    /// Delete an object.
    Delete,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Create => "create",
            Self::Update => "update",
            // An apply needs the right to patch.
            Self::Patch | Self::Apply => "patch",
            Self::Delete => "delete",
        })
    }
}

/// What a request was about, for messages: `get deployments.apps `x` in namespace `ray``.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What was asked.
    pub verb: Verb,
    /// The resource as access rules name it (`deployments.apps`), or a path.
    pub resource: String,
    /// The kind; empty for a path.
    pub kind: String,
    /// The namespace, if there is one.
    pub namespace: Option<String>,
    /// The object's name; empty for a collection.
    pub name: String,
}

impl Target {
    pub(super) fn of(verb: Verb, mapping: &Mapping, object: &ObjectRef) -> Self {
        let namespace = object.namespace.as_deref();
        Self { name: object.name.clone(), ..Self::collection(verb, mapping, namespace) }
    }

    pub(super) fn collection(verb: Verb, mapping: &Mapping, namespace: Option<&str>) -> Self {
        Self {
            verb,
            resource: mapping.group_resource(),
            kind: mapping.kind.clone(),
            namespace: namespace.filter(|_| mapping.namespaced).map(str::to_owned),
            name: String::new(),
        }
    }

    pub(super) fn path(path: &str) -> Self {
        let resource = path.to_owned();
        Self { verb: Verb::Get, resource, kind: String::new(), namespace: None, name: String::new() }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.name.is_empty() {
            write!(f, " `{}`", self.name)?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace `{namespace}`"),
            None => Ok(()),
        }
    }
}

/// A field that another manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldConflict {
    /// Who owns it, in the server's words: `"kubectl-edit" using apps/v1`.
    pub manager: String,
    /// The field: `.spec.replicas`.
    pub field: String,
}

/// The API refused, or could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Access rules do not allow it.
    #[error("forbidden: may not {target}")]
    Forbidden {
        /// What was asked.
        target: Box<Target>,
        /// The server's answer.
        #[source]
        answer: Answer,
    },
    /// The caller is not known to the API.
    #[error("not authenticated at {address}: could not {target}")]
    Unauthenticated {
        /// The API.
        address: String,
        /// What was asked.
        target: Box<Target>,
        /// The server's answer.
        #[source]
        answer: Answer,
    },
    /// There is no such object, or no such resource.
    #[error("could not {target}: not found")]
    NotFound {
        /// What was asked.
        target: Box<Target>,
        /// The server's answer.
        #[source]
        answer: Answer,
    },
    /// There is one of that name already.
    #[error("could not {target}: already exists")]
    AlreadyExists {
        /// What was asked.
        target: Box<Target>,
    },
    /// Another manager owns fields, or the object changed since it was read.
    #[error("conflict: could not {target}{}", conflict_list(.conflicts))]
    Conflict {
        /// What was asked.
        target: Box<Target>,
        /// The fields and their managers; empty if the object merely changed meanwhile.
        conflicts: Vec<FieldConflict>,
        /// The server's answer.
        #[source]
        answer: Answer,
    },
    /// The API does not serve that kind. The text is that of Kubernetes' clients.
    #[error("no matches for kind \"{kind}\" in version \"{api_version}\"")]
    NoSuchKind {
        /// The kind.
        kind: String,
        /// Its group and version.
        api_version: String,
    },
    /// Anything else that the API answered.
    #[error("could not {target}")]
    Refused {
        /// What was asked.
        target: Box<Target>,
        /// The HTTP status.
        code: u16,
        /// The server's answer.
        #[source]
        answer: Answer,
    },
    /// No answer came.
    #[error("kubernetes cluster unreachable at {address}: could not {target}")]
    Unreachable {
        /// The API.
        address: String,
        /// What was asked.
        target: Box<Target>,
        /// What went wrong on the way.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}

/// What the server said, as an error of its own so that it can be a cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Answer {
    /// Its message. Values of a Secret are not in it.
    pub message: String,
    /// Its machine-readable reason: `Invalid`.
    pub reason: String,
}

fn conflict_list(conflicts: &[FieldConflict]) -> String {
    let mut list = String::new();
    for conflict in conflicts {
        list.push_str(if list.is_empty() { ": " } else { "; " });
        list.push_str(&format!("`{}` belongs to {}", conflict.field, conflict.manager));
    }
    list
}

impl ApiError {
    /// Whether the API answered at all.
    pub fn is_answer(&self) -> bool {
        !matches!(self, Self::Unreachable { .. })
    }

    /// What the server said, if it was asked.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Forbidden { answer, .. }
            | Self::Unauthenticated { answer, .. }
            | Self::NotFound { answer, .. }
            | Self::Conflict { answer, .. }
            | Self::Refused { answer, .. } => Some(answer),
            Self::AlreadyExists { .. } | Self::NoSuchKind { .. } | Self::Unreachable { .. } => None,
        }
    }

    /// Takes the values of a Secret that was sent out of the server's words about it.
    pub(super) fn without(mut self, sent: &Value) -> Self {
        if let Self::Conflict { answer, .. }
        | Self::Refused { answer, .. }
        | Self::Forbidden { answer, .. }
        | Self::Unauthenticated { answer, .. }
        | Self::NotFound { answer, .. } = &mut self
        {
            redact(&mut answer.message, sent);
        }
        self
    }
}

/// Replaces every value of a Secret's data in `message`, plain and in base64.
fn redact(message: &mut String, sent: &Value) {
    if sent.get("kind").and_then(Value::as_str) != Some("Secret") {
        return;
    }
    let mut secrets = Vec::new();
    for field in ["data", "stringData"] {
        for value in sent.get(field).and_then(Value::as_object).into_iter().flat_map(serde_json::Map::values) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if let Some(plain) = STANDARD.decode(&text).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
                secrets.push(plain);
            }
            secrets.push(STANDARD.encode(&text));
            secrets.push(text);
        }
    }
    // The longest first: a value may hold another one.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        *message = message.replace(secret.as_str(), "(redacted)");
    }
}

/// One attempt's failure, before it is known whether there will be another.
#[derive(Debug)]
pub(super) enum Failure {
    /// The request did not leave, or no answer came to it.
    Cut { source: Box<dyn StdError + Send + Sync>, left: bool },
    /// An answer other than success.
    Answered { code: u16, answer: Answer, causes: Vec<FieldConflict>, retry_after: Option<SignedDuration> },
}

impl Failure {
    pub(super) fn cut(source: Box<dyn StdError + Send + Sync>) -> Self {
        Self::Cut { source, left: true }
    }

    /// A failure while sending. A refused connection had no effect; of anything else that is not known.
    pub(super) fn sending(error: kube::Error) -> Self {
        let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
        let mut left = true;
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<std::io::Error>()
                && error.kind() == std::io::ErrorKind::ConnectionRefused
            {
                left = false;
            }
            cause = error.source();
        }
        Self::Cut { source: Box::new(error), left }
    }

    pub(super) fn answered(code: u16, body: &[u8], retry_after: Option<SignedDuration>, target: &Target) -> Self {
        let status: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let text = |pointer| status.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut message = text("/message");
        if message.is_empty() {
            // Not a Status: a proxy's page. Its beginning says enough; a Secret's own content may not be shown.
            let page = if target.kind == "Secret" { String::new() } else { String::from_utf8_lossy(body).into_owned() };
            let page: String = page.trim().chars().take(200).collect();
            message =
                if page.is_empty() { format!("HTTP status {code}") } else { format!("HTTP status {code}: {page}") };
        }
        let causes = status.pointer("/details/causes").and_then(Value::as_array).into_iter().flatten();
        let causes = causes.filter_map(|cause| {
            let text = |field| cause.get(field).and_then(Value::as_str).unwrap_or_default();
            let manager = text("message").strip_prefix("conflict with ")?;
            Some(FieldConflict { manager: manager.to_owned(), field: text("field").to_owned() })
        });
        let in_body = status.pointer("/details/retryAfterSeconds").and_then(Value::as_i64).filter(|after| *after > 0);
        Self::Answered {
            code,
            causes: causes.collect(),
            answer: Answer { message, reason: text("/reason") },
            retry_after: retry_after.or(in_body.map(SignedDuration::from_secs)),
        }
    }

    /// Whether the same request may succeed a moment later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Cut { .. } => true,
            Self::Answered { code, .. } => matches!(code, 429 | 500 | 502..=504),
        }
    }

    /// Whether the request may have been carried out although it failed.
    pub(super) fn may_have_had_effect(&self) -> bool {
        match self {
            Self::Cut { left, .. } => *left,
            Self::Answered { code, .. } => *code != 429,
        }
    }

    pub(super) fn retry_after(&self) -> Option<SignedDuration> {
        match self {
            Self::Cut { .. } => None,
            Self::Answered { retry_after, .. } => *retry_after,
        }
    }

    pub(super) fn into_error(self, target: &Target, address: &str) -> ApiError {
        let (target, address) = (Box::new(target.clone()), address.to_owned());
        match self {
            Self::Cut { source, .. } => ApiError::Unreachable { address, target, source },
            Self::Answered { code: 401, answer, .. } => ApiError::Unauthenticated { address, target, answer },
            Self::Answered { code: 403, answer, .. } => ApiError::Forbidden { target, answer },
            Self::Answered { code: 404, answer, .. } => ApiError::NotFound { target, answer },
            Self::Answered { code: 409, answer, .. } if answer.reason == "AlreadyExists" => {
                ApiError::AlreadyExists { target }
            }
            Self::Answered { code: 409, answer, causes, .. } => {
                ApiError::Conflict { target, conflicts: causes, answer }
            }
            Self::Answered { code, answer, .. } => ApiError::Refused { target, code, answer },
        }
    }
}

#[cfg(test)]
mod tests;
