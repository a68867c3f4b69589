//! OpenAPI documents, as far as clients use them: which parameters a write takes (kubectl asks whether fields are validated),
//! and how the objects are built (kubectl's `explain` and `apply`). Made from the schema table; descriptions are not in it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sutler_objects::kinds::Resource;
use sutler_objects::schema::{Field, ListKind, Scalar, Struct, StructRef, Type};

use crate::registry::{Registry, Served};
use crate::request::{Body, Request, Response};
use crate::status::Refusal;
use crate::write::type_of;

/// `/openapi/v2`. Clients that ask for the binary form get the empty document (no bytes); the readable one names no types.
/// Version 3 has everything.
pub(super) fn v2(registry: &Registry, request: &Request) -> Response {
    if request.accept.contains("proto-openapi.spec.v2") && !request.accept.contains("application/json") {
        let mut response = Response::text(Vec::new());
        response.content_type = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
        response.body = Body::Bytes(bytes::Bytes::new());
        return response;
    }
    let mut paths = Map::new();
    for served in registry.all() {
        insert_paths(&mut paths, &served.resource);
    }
    Response::ok(json!({
        "swagger": "2.0", "info": {"title": "Kubernetes", "version": "v1.34.4"}, "paths": paths, "definitions": {},
    }))
}

/// `/openapi/v3`.
pub(super) fn v3_index(registry: &Registry) -> Response {
    let mut paths = BTreeMap::new();
    for served in registry.all() {
        let resource = &served.resource;
        let path = if resource.group.is_empty() {
            format!("api/{}", resource.version)
        } else {
            format!("apis/{}/{}", resource.group, resource.version)
        };
        let known = Sha256::digest(format!("{path} {} {}", registry.generation, env!("CARGO_PKG_VERSION")));
        let hash: String = known.iter().map(|byte| format!("{byte:02X}")).collect();
        paths.insert(path.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash={hash}")}));
    }
    Response::ok(json!({"paths": paths}))
}

/// `/openapi/v3/apis/GROUP/VERSION`.
pub(super) fn v3(registry: &Registry, group: &str, version: &str) -> Result<Response, Refusal> {
    let served: Vec<&Served> =
        registry.all().filter(|served| served.resource.group == group && served.resource.version == version).collect();
    if served.is_empty() {
        return Err(Refusal::no_such_resource());
    }
    let mut paths = Map::new();
    let mut schemas = Schemas::default();
    for served in served {
        insert_paths(&mut paths, &served.resource);
        schemas.insert_kind(served);
    }
    Ok(Response::ok(json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.34.4"}, "paths": paths,
        "components": {"schemas": schemas.done},
    })))
}

fn insert_paths(paths: &mut Map<String, Value>, resource: &Resource) {
    let collection = resource.path(Some("{namespace}"));
    let gvk = gvk(resource);
    let query = |names: &[&str]| -> Vec<Value> {
        names
            .iter()
            .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}))
            .collect()
    };
    let operation = |action: &str, parameters: &[&str]| {
        json!({
            "parameters": query(parameters), "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": action, "x-kubernetes-group-version-kind": gvk,
        })
    };
    let writes = ["dryRun", "fieldManager", "fieldValidation"];
    let mut of_collection = Map::new();
    let mut of_object = Map::new();
    for verb in &resource.verbs {
        match verb.as_str() {
            "create" => of_collection.insert("post".into(), operation("post", &writes)),
            "list" => of_collection
                .insert("get".into(), operation("list", &["fieldSelector", "labelSelector", "limit", "watch"])),
            "get" => of_object.insert("get".into(), operation("get", &[])),
            "update" => of_object.insert("put".into(), operation("put", &writes)),
            "patch" => of_object
                .insert("patch".into(), operation("patch", &["dryRun", "fieldManager", "fieldValidation", "force"])),
            "delete" => of_object.insert("delete".into(), operation("delete", &["dryRun", "propagationPolicy"])),
            _ => None,
        };
    }
    paths.insert(format!("{collection}/{{name}}"), Value::Object(of_object));
    paths.insert(collection, Value::Object(of_collection));
}

fn gvk(resource: &Resource) -> Value {
    json!({"group": resource.group, "version": resource.version, "kind": resource.kind})
}

/// Schemas of kinds, and of all that they are made of.
#[derive(Default)]
struct Schemas {
    done: Map<String, Value>,
}

impl Schemas {
    fn insert_kind(&mut self, served: &Served) {
        let resource = &served.resource;
        let ty = type_of(served);
        let named = ty.structure().map(|of| of.name.as_str()).unwrap_or("");
        let name = if named.is_empty() {
            let reversed: Vec<&str> = resource.group.split('.').rev().collect();
            format!("{}.{}.{}", reversed.join("."), resource.version, resource.kind)
        } else {
            full_name(named)
        };
        let mut schema = match &served.custom {
            // As the definition says it, descriptions too.
            Some(custom) => self.custom_kind(&custom.open_api),
            None => match ty.structure() {
                Some(of) => self.structure(of),
                None => json!({"type": "object"}),
            },
        };
        schema["x-kubernetes-group-version-kind"] = json!([gvk(resource)]);
        self.done.insert(name, schema);
    }

    fn custom_kind(&mut self, open_api: &Value) -> Value {
        let mut schema = if open_api.is_object() { open_api.clone() } else { json!({"type": "object"}) };
        if !schema["properties"].is_object() {
            schema["properties"] = json!({});
        }
        schema["properties"]["apiVersion"] = json!({"type": "string"});
        schema["properties"]["kind"] = json!({"type": "string"});
        let meta = sutler_objects::schema::named("meta.v1.ObjectMeta").map(|of| self.reference(of));
        schema["properties"]["metadata"] = meta.unwrap_or_else(|| json!({"type": "object"}));
        schema
    }

    fn structure(&mut self, of: &Struct) -> Value {
        let mut properties = Map::new();
        for field in &of.fields {
            properties.insert(field.name.clone(), self.field(field));
        }
        let required: Vec<&str> =
            of.fields.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
        let mut schema = json!({"type": "object", "properties": properties});
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if of.atomic {
            schema["x-kubernetes-map-type"] = json!("atomic");
        }
        schema
    }

    fn field(&mut self, field: &Field) -> Value {
        let mut schema = self.value(&field.ty);
        if let Some(default) = &field.default {
            schema["default"] = default.clone();
        }
        let patch = &field.patch;
        let strategies = [(patch.merge, "merge"), (patch.replace, "replace"), (patch.retain_keys, "retainKeys")];
        let strategies: Vec<&str> = strategies.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
        if !strategies.is_empty() {
            schema["x-kubernetes-patch-strategy"] = json!(strategies.join(","));
        }
        if let Some(key) = &patch.key {
            schema["x-kubernetes-patch-merge-key"] = json!(key);
        }
        schema
    }

    fn value(&mut self, ty: &Type) -> Value {
        match ty {
            Type::Scalar(scalar) => scalar_schema(*scalar),
            Type::Deduced | Type::Atomic => json!({"x-kubernetes-preserve-unknown-fields": true}),
            // A reference may have neighbours only inside `allOf`.
            Type::Struct(of @ StructRef::Builtin(_)) => json!({"allOf": [self.reference(of.get())]}),
            Type::Struct(of @ StructRef::Inline(_)) => self.structure(of.get()),
            Type::Map { of, atomic } => {
                let mut schema = json!({"type": "object", "additionalProperties": self.value(of)});
                if *atomic {
                    schema["x-kubernetes-map-type"] = json!("atomic");
                }
                schema
            }
            Type::List { of, kind } => {
                let mut schema = json!({"type": "array", "items": self.value(of)});
                match kind {
                    ListKind::Atomic => schema["x-kubernetes-list-type"] = json!("atomic"),
                    ListKind::Set => schema["x-kubernetes-list-type"] = json!("set"),
                    ListKind::Map(keys) => {
                        schema["x-kubernetes-list-type"] = json!("map");
                        schema["x-kubernetes-list-map-keys"] = json!(&**keys);
                    }
                }
                schema
            }
        }
    }

    fn reference(&mut self, of: &Struct) -> Value {
        let name = full_name(&of.name);
        if !self.done.contains_key(&name) {
            // Entered first: a type may contain itself.
            self.done.insert(name.clone(), Value::Null);
            let schema = self.structure(of);
            self.done.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }
}

fn scalar_schema(scalar: Scalar) -> Value {
    match scalar {
        Scalar::String => json!({"type": "string"}),
        Scalar::Bytes => json!({"type": "string", "format": "byte"}),
        Scalar::Time | Scalar::MicroTime => json!({"type": "string", "format": "date-time"}),
        Scalar::Quantity => json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
        Scalar::IntOrString => json!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}),
        Scalar::Int32 => json!({"type": "integer", "format": "int32"}),
        Scalar::Int64 => json!({"type": "integer", "format": "int64"}),
        Scalar::Number => json!({"type": "number", "format": "double"}),
        Scalar::Boolean => json!({"type": "boolean"}),
        Scalar::Any => json!({}),
    }
}

/// `core.v1.Container` as documents name it: `io.k8s.api.core.v1.Container`.
fn full_name(name: &str) -> String {
    let package = match name.split('.').next().unwrap_or("") {
        "meta" => "io.k8s.apimachinery.pkg.apis",
        "apiextensions" => "io.k8s.apiextensions-apiserver.pkg.apis",
        "apiregistration" => "io.k8s.kube-aggregator.pkg.apis",
        _ => "io.k8s.api",
    };
    format!("{package}.{name}")
}
