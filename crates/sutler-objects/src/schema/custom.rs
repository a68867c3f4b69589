//! Types of custom resources, from the schema in their definition.

use std::sync::Arc;

use serde_json::Value;

use super::{Field, ListKind, PatchStrategy, Scalar, Struct, StructRef, Type, named};
use crate::object;

/// The type of a whole custom resource: what its definition says, with the metadata of every object.
pub(super) fn root(schema: &Value) -> Type {
    let Type::Struct(StructRef::Inline(given)) = convert(schema, 0) else {
        return root(
            &serde_json::json!({"type": "object", "properties": {}, "x-kubernetes-preserve-unknown-fields": true}),
        );
    };
    let mut whole = Struct::clone(&given);
    whole.atomic = false;
    let metadata =
        named("apps.v1.Deployment").and_then(|deployment| deployment.field("metadata")).map(|field| field.ty.clone());
    let text = Type::Scalar(Scalar::String);
    for (name, ty) in [("apiVersion", text.clone()), ("kind", text), ("metadata", metadata.unwrap_or(Type::Deduced))] {
        whole.fields.retain(|field| field.name != name);
        whole.fields.push(plain(name, ty));
    }
    whole.fields.sort_by(|a, b| a.name.cmp(&b.name));
    Type::Struct(StructRef::Inline(Arc::new(whole)))
}

fn plain(name: &str, ty: Type) -> Field {
    Field { name: name.to_owned(), ty, required: false, default: None, zero: None, patch: PatchStrategy::default() }
}

fn convert(schema: &Value, depth: usize) -> Type {
    if depth > object::MAX_DEPTH {
        return Type::Deduced;
    }
    let says = |key: &str| schema.get(key).and_then(Value::as_bool).unwrap_or(false);
    let word = |key: &str| object::text(schema, &[key]);
    if says("x-kubernetes-embedded-resource") && object::at(schema, &["properties"]).is_none() {
        return Type::Deduced;
    }
    if says("x-kubernetes-int-or-string") {
        return Type::Scalar(Scalar::IntOrString);
    }
    match word("type") {
        "object" => convert_map(
            schema,
            depth,
            word("x-kubernetes-map-type") == "atomic",
            says("x-kubernetes-preserve-unknown-fields"),
        ),
        "array" => {
            let of = schema.get("items").map_or(Type::Deduced, |items| convert(items, depth + 1));
            let kind = match word("x-kubernetes-list-type") {
                "set" => ListKind::Set,
                "map" => {
                    let keys = object::list(schema, &["x-kubernetes-list-map-keys"]);
                    ListKind::Map(keys.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                }
                _ => ListKind::Atomic,
            };
            Type::List { of: Arc::new(of), kind }
        }
        "string" if word("format") == "byte" => Type::Scalar(Scalar::Bytes),
        "string" => Type::Scalar(Scalar::String),
        "integer" => Type::Scalar(Scalar::Int64),
        "number" => Type::Scalar(Scalar::Number),
        "boolean" => Type::Scalar(Scalar::Boolean),
        _ => Type::Deduced,
    }
}

fn convert_map(schema: &Value, depth: usize, atomic: bool, preserve: bool) -> Type {
    let properties = object::at(schema, &["properties"]).and_then(Value::as_object);
    let values = match object::at(schema, &["additionalProperties"]) {
        Some(Value::Object(_)) => Some(convert(&schema["additionalProperties"], depth + 1)),
        Some(Value::Bool(true)) => Some(Type::Deduced),
        _ if preserve => Some(Type::Deduced),
        _ => None,
    };
    match (properties, values) {
        (None, Some(of)) if depth > 0 => Type::Map { of: Arc::new(of), atomic },
        (properties, others) => {
            let required = object::list(schema, &["required"]);
            let field = |(name, property): (&String, &Value)| Field {
                required: required.iter().any(|key| key == name.as_str()),
                default: property.get("default").cloned(),
                ..plain(name, convert(property, depth + 1))
            };
            let mut fields: Vec<Field> = properties.into_iter().flatten().map(field).collect();
            fields.sort_by(|a, b| a.name.cmp(&b.name));
            Type::Struct(StructRef::Inline(Arc::new(Struct { name: String::new(), atomic, fields, others })))
        }
    }
}
