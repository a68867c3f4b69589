//! Unknown fields and wrong types of an object, as the API server reports them for `fieldValidation` and when it decodes.

use std::fmt;

use serde_json::Value;

use super::{Scalar, Type};
use crate::quantity::Quantity;

/// What is wrong with a value, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// A field the type does not have. `Strict` refuses it, `Warn` warns of it; the field is dropped otherwise.
    UnknownField {
        /// `spec.template.spec.containers[0].imagee`.
        path: String,
    },
    /// A value of another JSON type than the field's: always refused.
    WrongType {
        /// `spec.replicas`, without indices, as Go's decoder names it.
        path: String,
        /// What the value is: `string`, `number`, `object`, `array`, `bool`.
        found: &'static str,
        /// The Go type that the API server wanted: `int32`, `string`, `map[string]string`.
        wanted: String,
        /// The outermost Go type: `Deployment`.
        root: String,
    },
    /// A text that its field's type cannot read (a quantity): always refused.
    Malformed {
        /// `spec.template.spec.containers[0].resources.limits.cpu`; the API server's own message does not say it.
        path: String,
        /// `quantities must match the regular expression …`.
        text: String,
    },
}

impl Problem {
    /// Whether the API server refuses the object whatever the request's `fieldValidation` is.
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Problem::UnknownField { .. })
    }
}

/// As the API server words it: `unknown field "spec.foo"`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::UnknownField { path } => write!(f, "unknown field {path:?}"),
            Problem::WrongType { path, found, wanted, root } => {
                write!(f, "json: cannot unmarshal {found} into Go struct field {root}.{path} of type {wanted}")
            }
            Problem::Malformed { text, .. } => f.write_str(text),
        }
    }
}

/// How a request wants unknown fields to be treated: the query parameter `fieldValidation` of the API.
pub mod strictness {
    /// Dropped silently.
    pub const IGNORE: &str = "Ignore";
    /// Dropped, with a warning in the answer. The default of the API server.
    pub const WARN: &str = "Warn";
    /// Refused. What kubectl asks for.
    pub const STRICT: &str = "Strict";
}

/// The message with which the API server refuses a body (status 400): `Deployment in version "v1" cannot be handled as a
/// Deployment: strict decoding error: unknown field "spec.foo"`. With a fatal problem, the first one is told; else all
/// unknown fields, as a request of strictness [`strictness::STRICT`] is answered.
pub fn refusal(object: &Value, problems: &[Problem]) -> String {
    let (kind, (_, version)) =
        (crate::object::kind(object), crate::object::group_version(crate::object::api_version(object)));
    let text = match problems.iter().find(|problem| problem.is_fatal()) {
        Some(fatal) => fatal.to_string(),
        None => {
            let unknown: Vec<String> = problems.iter().map(Problem::to_string).collect();
            format!("strict decoding error: {}", unknown.join(", "))
        }
    };
    format!("{kind} in version {version:?} cannot be handled as a {kind}: {text}")
}

/// Every unknown field and every wrong type of `object` (not deeper than [`crate::object::MAX_DEPTH`]), in the order of its fields.
pub fn check(object: &Value, ty: &Type) -> Vec<Problem> {
    let mut problems = Vec::new();
    let root = ty.structure().map_or("", |of| of.name.rsplit('.').next().unwrap_or("")).to_owned();
    let root = if root.is_empty() { crate::object::kind(object).to_owned() } else { root };
    let mut walk = Walk { problems: &mut problems, root };
    walk.value(object, ty, "", "", 0);
    problems
}

/// Removes the fields that the type does not have, as the API server does before it stores.
pub fn prune(object: &mut Value, ty: &Type) {
    prune_below(object, ty, 0);
}

fn prune_below(value: &mut Value, ty: &Type, depth: usize) {
    if depth > crate::object::MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| ty.field(name).is_some() || !matches!(ty, Type::Struct(_)));
            for (name, value) in fields {
                if let Some(of) = ty.field(name) {
                    prune_below(value, of, depth + 1);
                }
            }
        }
        Value::Array(items) => {
            if let Type::List { of, .. } = ty {
                items.iter_mut().for_each(|item| prune_below(item, of, depth + 1));
            }
        }
        _ => {}
    }
}

struct Walk<'a> {
    problems: &'a mut Vec<Problem>,
    root: String,
}

impl Walk<'_> {
    /// `path` is with indices (for unknown fields), `go_path` without (for wrong types).
    fn value(&mut self, value: &Value, ty: &Type, path: &str, go_path: &str, depth: usize) {
        if value.is_null() || depth > crate::object::MAX_DEPTH {
            return;
        }
        if !fits(value, ty) {
            self.problems.push(Problem::WrongType {
                path: go_path.to_owned(),
                found: json_type(value),
                wanted: go_type(ty),
                root: self.root.clone(),
            });
            return;
        }
        if let (Type::Scalar(Scalar::Quantity), Err(error)) = (ty, Quantity::from_value(value)) {
            self.problems.push(Problem::Malformed { path: path.to_owned(), text: error.to_string() });
        }
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    match ty.field(name) {
                        Some(of) => {
                            // Go names a map's entries by the field that holds the map.
                            let go_inner = match ty {
                                Type::Struct(_) if !go_path.is_empty() => format!("{go_path}.{name}"),
                                Type::Struct(_) => name.clone(),
                                _ => go_path.to_owned(),
                            };
                            self.value(value, of, &inner, &go_inner, depth + 1);
                        }
                        None => self.problems.push(Problem::UnknownField { path: inner }),
                    }
                }
            }
            Value::Array(items) => {
                if let Type::List { of, .. } = ty {
                    for (index, item) in items.iter().enumerate() {
                        self.value(item, of, &format!("{path}[{index}]"), go_path, depth + 1);
                    }
                }
            }
            _ => {}
        }
    }
}

fn fits(value: &Value, ty: &Type) -> bool {
    match ty {
        Type::Deduced | Type::Atomic => true,
        Type::Struct(_) | Type::Map { .. } => value.is_object(),
        Type::List { .. } => value.is_array(),
        Type::Scalar(scalar) => match scalar {
            Scalar::String | Scalar::Bytes | Scalar::Time | Scalar::MicroTime => value.is_string(),
            Scalar::Quantity | Scalar::Any => {
                !value.is_array() && !value.is_object() && (*scalar == Scalar::Any || !value.is_boolean())
            }
            Scalar::IntOrString => value.is_string() || fits_int(value, i64::from(i32::MIN), i64::from(i32::MAX)),
            Scalar::Int32 => fits_int(value, i64::from(i32::MIN), i64::from(i32::MAX)),
            Scalar::Int64 => fits_int(value, i64::MIN, i64::MAX),
            Scalar::Number => value.is_number(),
            Scalar::Boolean => value.is_boolean(),
        },
    }
}

fn fits_int(value: &Value, min: i64, max: i64) -> bool {
    value.as_i64().is_some_and(|number| (min..=max).contains(&number))
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn go_type(ty: &Type) -> String {
    match ty {
        Type::Deduced | Type::Atomic => "interface {}".to_owned(),
        Type::Struct(of) => {
            // core.v1.PodSpec is v1.PodSpec in Go.
            let name = &of.get().name;
            name.split_once('.').map_or(name.clone(), |(_, rest)| rest.to_owned())
        }
        Type::Map { of, .. } => format!("map[string]{}", go_type(of)),
        Type::List { of, .. } => format!("[]{}", go_type(of)),
        Type::Scalar(scalar) => match scalar {
            Scalar::String => "string",
            Scalar::Bytes => "[]uint8",
            Scalar::Time => "v1.Time",
            Scalar::MicroTime => "v1.MicroTime",
            Scalar::Quantity => "resource.Quantity",
            Scalar::IntOrString => "intstr.IntOrString",
            Scalar::Int32 => "int32",
            Scalar::Int64 => "int64",
            Scalar::Number => "float64",
            Scalar::Boolean => "bool",
            Scalar::Any => "interface {}",
        }
        .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn problems(object: Value) -> Vec<String> {
        check(&object, super::super::of_object(&object).unwrap()).iter().map(Problem::to_string).collect()
    }

    #[test]
    fn unknown_fields_are_named_with_their_path() {
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "foo": 1,
            "spec": {"template": {"spec": {"containers": [{"name": "a", "imagee": "b"}]}}}});
        assert_eq!(
            problems(deployment),
            [r#"unknown field "foo""#, r#"unknown field "spec.template.spec.containers[0].imagee""#]
        );
    }

    #[test]
    fn a_wrong_type_reads_as_gos_decoder_says_it() {
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": "3"}});
        assert_eq!(
            problems(deployment),
            ["json: cannot unmarshal string into Go struct field Deployment.spec.replicas of type int32"]
        );
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": 1}});
        assert_eq!(problems(map), ["json: cannot unmarshal number into Go struct field ConfigMap.data of type string"]);
    }

    #[test]
    fn a_refusal_reads_as_the_servers() {
        let message = |object: Value| refusal(&object, &check(&object, super::super::of_object(&object).unwrap()));
        let limits = |cpu: &str| json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"x": 1, "resources": {"limits": {"cpu": cpu}}}]}});
        assert_eq!(
            message(limits("1 core")),
            "Pod in version \"v1\" cannot be handled as a Pod: quantities must match the regular expression \
             '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        );
        assert_eq!(
            message(limits("1")),
            "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field \"spec.containers[0].x\""
        );
    }

    #[test]
    fn free_form_and_absent_values_are_fine() {
        let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": {"versions": [{
            "name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties": {"a": {"items": {"type": "string"}, "default": [1]}}}}}]},
            "metadata": {"creationTimestamp": null}});
        assert_eq!(problems(crd), Vec::<String>::new());
    }

    #[test]
    fn pruning_drops_what_the_type_does_not_have() {
        let mut service = json!({"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 1, "x": 2}], "y": {}, "selector": {"z": "1"}}});
        let ty = super::super::of_object(&service).unwrap();
        prune(&mut service, ty);
        assert_eq!(service["spec"], json!({"ports": [{"port": 1}], "selector": {"z": "1"}}));
    }
}
