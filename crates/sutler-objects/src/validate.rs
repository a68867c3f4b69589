//! What the API server refuses, in its words: the checks of 1.34 that charts and people run into, as functions over an object.
//!
//! Covered: metadata of every kind; pods and their templates; Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs,
//! CronJobs; Services, ConfigMaps, Secrets, volume claims, roles and bindings, disruption budgets, custom resource definitions.
//! An object is checked after its defaults were set and its types were checked (see [`crate::schema::check`](fn@crate::schema::check)).

mod config;
mod metadata;
mod pod;
mod workload;

use std::fmt;

use serde_json::Value;

use crate::kinds::{self, GroupVersionKind};
use crate::object;

/// What is wrong with a field, as a cause in the API server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// `spec.template.spec.containers[0].name`.
    pub field: String,
    /// What kind of fault it is.
    pub fault: Fault,
    /// The value, as messages show it (texts in quotes, maps as JSON); empty where messages leave it out.
    pub value: String,
    /// May be empty.
    pub detail: String,
}

/// The kinds of faults of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It must be given.
    Required,
    /// Its value is not allowed.
    Invalid,
    /// Its value is not one of a few.
    NotSupported,
    /// Its value must be unique.
    Duplicate,
    /// It refers to what does not exist.
    NotFound,
    /// It may not be given, or not be changed.
    Forbidden,
    /// It is too long.
    TooLong,
}

impl Fault {
    /// The `reason` of a cause in the API server's answer.
    pub fn reason(self) -> &'static str {
        match self {
            Fault::Required => "FieldValueRequired",
            Fault::Invalid => "FieldValueInvalid",
            Fault::NotSupported => "FieldValueNotSupported",
            Fault::Duplicate => "FieldValueDuplicate",
            Fault::NotFound => "FieldValueNotFound",
            Fault::Forbidden => "FieldValueForbidden",
            Fault::TooLong => "FieldValueTooLong",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Fault::Required => "Required value",
            Fault::Invalid => "Invalid value",
            Fault::NotSupported => "Unsupported value",
            Fault::Duplicate => "Duplicate value",
            Fault::NotFound => "Not found",
            Fault::Forbidden => "Forbidden",
            Fault::TooLong => "Too long",
        }
    }
}

impl FieldError {
    /// The `message` of a cause: all but the field.
    pub fn body(&self) -> String {
        let mut text = self.fault.text().to_owned();
        for part in [&self.value, &self.detail] {
            if !part.is_empty() {
                text += &format!(": {part}");
            }
        }
        text
    }
}

/// `spec.replicas: Invalid value: -1: must be greater than or equal to 0`.
impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}

/// The message of the API server's answer (status 422, reason `Invalid`): `Deployment.apps "x" is invalid: […]`.
pub fn invalid_message(object: &Value, errors: &[FieldError]) -> String {
    let gvk = GroupVersionKind::of(object);
    let mut texts: Vec<String> = Vec::new();
    for error in errors {
        let text = error.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let all = if texts.len() == 1 { texts.remove(0) } else { format!("[{}]", texts.join(", ")) };
    format!("{} {:?} is invalid: {all}", kinds::group_kind(&gvk.group, &gvk.kind), object::name(object))
}

/// Checks an object that is to be created. `namespaced` says whether its kind lives in namespaces.
pub fn create(object: &Value, namespaced: bool) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if !object::is_shallow(object) {
        errors.forbidden("", "nested too deep");
        return errors.list;
    }
    metadata::check(object, namespaced, &mut errors);
    check_kind(object, &mut errors);
    errors.list
}

/// Checks an object that is to replace `old` by a client's update or patch of the object itself. Writes of controllers
/// through subresources (status, a pod's binding) are not judged by these rules.
pub fn update(object: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Errors::default();
    if !object::is_shallow(object) {
        errors.forbidden("", "nested too deep");
        return errors.list;
    }
    metadata::check_update(object, old, &mut errors);
    check_kind(object, &mut errors);
    match (group(object), object::kind(object)) {
        ("", "Pod") => pod::check_update(object, old, &mut errors),
        ("", "Service" | "ConfigMap" | "Secret" | "PersistentVolumeClaim") => {
            config::check_update(object, old, &mut errors)
        }
        ("apps" | "batch", _) => workload::check_update(object, old, &mut errors),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            errors.immutable("roleRef", object, old, &["roleRef"], "cannot change roleRef");
        }
        ("storage.k8s.io", "StorageClass") => {
            for name in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
                if object.get(name) != old.get(name) {
                    errors.forbidden(name, &format!("updates to {name} are forbidden."));
                }
            }
        }
        _ => {}
    }
    errors.list
}

fn check_kind(object: &Value, errors: &mut Errors) {
    match (group(object), object::kind(object)) {
        ("", "Pod") => pod::check_spec(&object["spec"], "spec", pod::Of::Pod, errors),
        ("apps" | "batch", _) => workload::check(object, errors),
        ("", _) | ("rbac.authorization.k8s.io" | "policy" | "apiextensions.k8s.io", _) => config::check(object, errors),
        _ => {}
    }
}

fn group(object: &Value) -> &str {
    object::group_version(object::api_version(object)).0
}

/// The errors found so far.
#[derive(Default)]
struct Errors {
    list: Vec<FieldError>,
}

impl Errors {
    fn push(&mut self, field: impl Into<String>, fault: Fault, value: String, detail: &str) {
        self.list.push(FieldError { field: field.into(), fault, value, detail: detail.to_owned() });
    }

    fn required(&mut self, field: impl Into<String>, detail: &str) {
        self.push(field, Fault::Required, String::new(), detail);
    }

    fn invalid(&mut self, field: impl Into<String>, value: &Value, detail: &str) {
        self.push(field, Fault::Invalid, shown(value), detail);
    }

    fn all_invalid(&mut self, field: &str, value: &str, problems: Vec<String>) {
        for problem in problems {
            self.push(field, Fault::Invalid, format!("{value:?}"), &problem);
        }
    }

    fn not_supported(&mut self, field: impl Into<String>, value: &Value, supported: &[&str]) {
        let quoted: Vec<String> = supported.iter().map(|value| format!("{value:?}")).collect();
        self.push(field, Fault::NotSupported, shown(value), &format!("supported values: {}", quoted.join(", ")));
    }

    fn duplicate(&mut self, field: impl Into<String>, value: &str) {
        self.push(field, Fault::Duplicate, format!("{value:?}"), "");
    }

    fn not_found(&mut self, field: impl Into<String>, value: &str) {
        self.push(field, Fault::NotFound, format!("{value:?}"), "");
    }

    fn forbidden(&mut self, field: impl Into<String>, detail: &str) {
        self.push(field, Fault::Forbidden, String::new(), detail);
    }

    fn too_long(&mut self, field: impl Into<String>, limit: usize) {
        self.push(field, Fault::TooLong, String::new(), &format!("may not be more than {limit} bytes"));
    }

    /// A whole number that may not be negative.
    fn non_negative(&mut self, field: impl Into<String>, value: Option<&Value>) {
        if let Some(value) = value.filter(|value| value.as_i64().is_some_and(|number| number < 0)) {
            self.invalid(field, value, "must be greater than or equal to 0");
        }
    }

    /// A field that may not change.
    fn immutable(&mut self, field: &str, object: &Value, old: &Value, path: &[&str], detail: &str) {
        let (new, old) = (object::at(object, path), object::at(old, path));
        if new != old {
            self.invalid(field, new.unwrap_or(&Value::Null), detail);
        }
    }
}

/// A value as messages show it: texts quoted as Go does, everything else as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
