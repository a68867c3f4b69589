//! The structure of objects: for each type its fields, list types, merge keys and patch strategies.
//!
//! One table serves every patch, so that strategic merge and server-side apply agree with the API server: the built-in types
//! of Kubernetes 1.34 from `data/schema.txt` (see `data/generate`), and types made from a CustomResourceDefinition.
//! Start with [`of`] or [`of_object`]; [`check`](fn@check) tells unknown fields and wrong types.
//!
//! A [`Type`] is cheap to clone; structures are behind an `Arc`, and may refer to themselves by name.

mod check;
mod custom;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::object;
pub use check::{Problem, check, prune, refusal, strictness};

const TABLE: &str = include_str!("../data/schema.txt");

/// What a value may be, and how two of them are merged.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// A scalar: always replaced as a whole.
    Scalar(Scalar),
    /// Any JSON: the structure is deduced from the value. Maps merge by field, lists are replaced as a whole. This is also
    /// how server-side apply treats the fields of a custom resource whose definition says nothing of them.
    Deduced,
    /// Any JSON, replaced as a whole (`x-kubernetes-map-type: atomic` on a free form map and what is inside one).
    Atomic,
    /// A map with named fields.
    Struct(StructRef),
    /// A map from any name to values of one type.
    Map {
        /// The values' type.
        of: Arc<Type>,
        /// Whether it is replaced as a whole by server-side apply.
        atomic: bool,
    },
    /// A list of values of one type.
    List {
        /// The elements' type.
        of: Arc<Type>,
        /// How server-side apply merges it.
        kind: ListKind,
    },
}

/// A scalar's kind, for checking values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// UTF-8 text.
    String,
    /// Bytes, as base64 text.
    Bytes,
    /// RFC 3339 text with seconds, or null.
    Time,
    /// RFC 3339 text with microseconds, or null.
    MicroTime,
    /// `500m`, `2Gi`; a JSON number is accepted as well.
    Quantity,
    /// A whole number of 32 bits or text such as `25%`.
    IntOrString,
    /// A whole number of 32 bits.
    Int32,
    /// A whole number of 64 bits.
    Int64,
    /// A number of 64 bits.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Any scalar (of custom resources).
    Any,
}

/// How server-side apply merges a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListKind {
    /// Replaced as a whole.
    Atomic,
    /// A set of scalars.
    Set,
    /// A map in the form of a list, keyed by these fields of its elements.
    Map(Arc<[String]>),
}

/// A structure: given at hand, or one of the built-in types by its place in the table (so that types may be recursive).
#[derive(Debug, Clone, PartialEq)]
pub enum StructRef {
    /// A built-in type.
    Builtin(usize),
    /// A type of a custom resource.
    Inline(Arc<Struct>),
}

impl StructRef {
    /// The structure itself.
    pub fn get(&self) -> &Struct {
        match self {
            StructRef::Builtin(index) => &table().structs[*index],
            StructRef::Inline(inline) => inline,
        }
    }
}

/// A map with named fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Struct {
    /// `core.v1.Container`; empty for types of custom resources.
    pub name: String,
    /// Whether server-side apply replaces it as a whole (`LabelSelector`, object references).
    pub atomic: bool,
    /// Sorted by name.
    pub fields: Vec<Field>,
    /// What fields that are not named are: of built-in types an error (`None`), of custom resources kept if their definition
    /// says so.
    pub others: Option<Type>,
}

impl Struct {
    /// A field by its name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.binary_search_by(|field| field.name.as_str().cmp(name)).ok().map(|index| &self.fields[index])
    }
}

/// A named field.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// As in JSON.
    pub name: String,
    /// What it holds.
    pub ty: Type,
    /// Whether the published schema requires it (the API server itself checks by its own validation).
    pub required: bool,
    /// What the API server fills in where it is absent, if the schema says so; also for keys of lists in server-side apply.
    pub default: Option<Value>,
    /// What it has in the API server's objects where it was not given, if it is written in any case: `{}` for a structure
    /// that is always there, `null` for a list or map, `""` or `0` for a scalar.
    pub zero: Option<Value>,
    /// How strategic merge patch treats it.
    pub patch: PatchStrategy,
}

/// How strategic merge patch treats a field (Go's `patchStrategy` and `patchMergeKey` tags).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatchStrategy {
    /// A list is merged (by `key`, or as a set of scalars) and not replaced.
    pub merge: bool,
    /// A map is replaced and not merged.
    pub replace: bool,
    /// A patch lists the keys to keep; others are dropped.
    pub retain_keys: bool,
    /// The merge key of a list of maps.
    pub key: Option<String>,
}

impl Type {
    /// The type of the field or entry `name` of a map of this type, if it may have one.
    pub fn field(&self, name: &str) -> Option<&Type> {
        match self {
            Type::Struct(of) => of.get().field(name).map(|field| &field.ty).or(of.get().others.as_ref()),
            Type::Map { of, .. } => Some(of),
            Type::Deduced | Type::Atomic => Some(self),
            Type::Scalar(_) | Type::List { .. } => None,
        }
    }

    /// The structure, if it is one.
    pub fn structure(&self) -> Option<&Struct> {
        match self {
            Type::Struct(of) => Some(of.get()),
            _ => None,
        }
    }

    /// A custom resource's type from the `openAPIV3Schema` of its definition: list types, map types and unknown fields as it
    /// says; `apiVersion`, `kind` and `metadata` as in every object.
    pub fn of_custom_resource(open_api_schema: &Value) -> Type {
        custom::root(open_api_schema)
    }

    /// An object of which nothing is known but that it is one: maps merge by field, lists are replaced.
    pub fn of_unknown_resource() -> Type {
        custom::root(&serde_json::json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}))
    }
}

/// The type of a built-in kind: `of("apps/v1", "Deployment")`.
pub fn of(api_version: &str, kind: &str) -> Option<&'static Type> {
    let (group, version) = object::group_version(api_version);
    let group = if group.is_empty() { "-" } else { group };
    table().kinds.get(&format!("{group}/{version} {kind}"))
}

/// The type of a built-in object, by its `apiVersion` and `kind`.
pub fn of_object(object: &Value) -> Option<&'static Type> {
    of(object::api_version(object), object::kind(object))
}

/// A built-in type by its short name: `named("core.v1.PodSpec")`.
pub fn named(name: &str) -> Option<&'static Struct> {
    table().index.get(name).map(|index| &table().structs[*index])
}

/// The object that exists before anything is written: its kind and what the API server's structures always have, such as
/// `metadata: {}` and `status: {}`.
pub fn empty_object(ty: &Type, api_version: &str, kind: &str) -> Value {
    let mut object = serde_json::json!({"apiVersion": api_version, "kind": kind});
    fill_structures(&mut object, ty);
    object
}

/// Adds to `value` what the API server's objects always have (`resources: {}` of a container, `status: {}`, `rules: null`)
/// and drops other null fields, as objects appear in what it stores. Nothing deeper than [`object::MAX_DEPTH`] is touched.
pub fn fill_structures(value: &mut Value, ty: &Type) {
    fill_below(value, ty, 0);
}

fn fill_below(value: &mut Value, ty: &Type, depth: usize) {
    if depth > object::MAX_DEPTH {
        return;
    }
    match (value, ty) {
        (Value::Object(fields), Type::Struct(of)) => {
            if matches!(of, StructRef::Builtin(_)) {
                fields.retain(|_, value| !value.is_null());
            }
            for field in &of.get().fields {
                if let Some(zero) = &field.zero {
                    fields.entry(field.name.as_str()).or_insert_with(|| zero.clone());
                }
                if let Some(inner) = fields.get_mut(&field.name) {
                    fill_below(inner, &field.ty, depth + 1);
                }
            }
        }
        (Value::Object(fields), Type::Map { of, .. }) => {
            fields.values_mut().for_each(|inner| fill_below(inner, of, depth + 1))
        }
        (Value::Array(items), Type::List { of, .. }) => {
            items.iter_mut().for_each(|item| fill_below(item, of, depth + 1))
        }
        _ => {}
    }
}

struct Table {
    structs: Vec<Struct>,
    index: HashMap<&'static str, usize>,
    kinds: HashMap<String, Type>,
}

fn table() -> &'static Table {
    static PARSED: LazyLock<Table> = LazyLock::new(parse_table);
    &PARSED
}

fn parse_table() -> Table {
    let names =
        TABLE.lines().filter_map(|line| line.strip_prefix("type ")).map(|rest| rest.split(' ').next().unwrap_or(rest));
    let index: HashMap<&'static str, usize> = names.enumerate().map(|(position, name)| (name, position)).collect();
    let mut structs: Vec<Struct> = Vec::with_capacity(index.len());
    let mut kinds = HashMap::new();
    for line in TABLE.lines() {
        if let Some(rest) = line.strip_prefix("kind ") {
            let (gvk, name) = rest.rsplit_once(' ').expect("the table's kind lines have three words");
            kinds.insert(gvk.to_owned(), Type::Struct(StructRef::Builtin(index[name])));
        } else if let Some(rest) = line.strip_prefix("type ") {
            let (name, atomic) = rest.strip_suffix(" map=atomic").map_or((rest, false), |name| (name, true));
            structs.push(Struct { name: name.to_owned(), atomic, fields: Vec::new(), others: None });
        } else if let Some(rest) = line.strip_prefix(' ') {
            let owner = structs.last_mut().expect("the table's fields follow their type");
            owner.fields.push(parse_field(rest, &index));
        }
    }
    for owner in &mut structs {
        owner.fields.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Table { structs, index, kinds }
}

fn parse_field(line: &'static str, index: &HashMap<&'static str, usize>) -> Field {
    let mut words = line.split(' ');
    let name = words.next().unwrap_or("").to_owned();
    let mut ty = parse_type(words.next().unwrap_or("any"), index);
    let (mut required, mut default, mut zero, mut patch) = (false, None, None, PatchStrategy::default());
    for word in words {
        match word.split_once('=') {
            None => required = word == "!",
            Some(("default", json)) => default = serde_json::from_str(json).ok(),
            Some(("zero", json)) => zero = serde_json::from_str(json).ok(),
            Some(("key", key)) => patch.key = Some(key.to_owned()),
            Some(("patch", strategies)) => {
                for strategy in strategies.split(',') {
                    patch.merge |= strategy == "merge";
                    patch.replace |= strategy == "replace";
                    patch.retain_keys |= strategy == "retainKeys";
                }
            }
            Some(("list", kind)) => {
                if let Type::List { kind: of_list, .. } = &mut ty {
                    *of_list = kind
                        .strip_prefix("map:")
                        .map_or(ListKind::Set, |keys| ListKind::Map(keys.split(',').map(str::to_owned).collect()));
                }
            }
            Some(("map", _)) => {
                if let Type::Map { atomic, .. } = &mut ty {
                    *atomic = true;
                }
            }
            Some(_) => {}
        }
    }
    Field { name, ty, required, default, zero, patch }
}

fn parse_type(word: &'static str, index: &HashMap<&'static str, usize>) -> Type {
    if let Some(name) = word.strip_prefix('.') {
        return Type::Struct(StructRef::Builtin(index[name]));
    }
    if let Some(of) = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')) {
        return Type::List { of: Arc::new(parse_type(of, index)), kind: ListKind::Atomic };
    }
    if let Some(of) = word.strip_prefix('{').and_then(|word| word.strip_suffix('}')) {
        return Type::Map { of: Arc::new(parse_type(of, index)), atomic: false };
    }
    Type::Scalar(match word {
        "string" => Scalar::String,
        "bytes" => Scalar::Bytes,
        "time" => Scalar::Time,
        "micro-time" => Scalar::MicroTime,
        "quantity" => Scalar::Quantity,
        "int-or-string" => Scalar::IntOrString,
        "int32" => Scalar::Int32,
        "int64" | "integer" => Scalar::Int64,
        "number" => Scalar::Number,
        "bool" => Scalar::Boolean,
        _ => return Type::Deduced,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(owner: &str, name: &str) -> &'static Field {
        named(owner).unwrap().field(name).unwrap()
    }

    #[test]
    fn every_resource_that_can_be_stored_has_a_type() {
        for resource in crate::kinds::builtin() {
            assert!(of(&resource.api_version(), &resource.kind).is_some(), "{}", resource.gvk());
        }
    }

    #[test]
    fn lists_of_a_pod_have_their_keys() {
        let ports = field("core.v1.Container", "ports");
        assert_eq!(ports.patch.key.as_deref(), Some("containerPort"));
        let Type::List { kind: ListKind::Map(keys), of } = &ports.ty else { panic!("{ports:?}") };
        assert_eq!(keys.as_ref(), ["containerPort", "protocol"]);
        assert_eq!(of.structure().unwrap().field("protocol").unwrap().default, Some("TCP".into()));
        assert!(matches!(field("meta.v1.ObjectMeta", "finalizers").ty, Type::List { kind: ListKind::Set, .. }));
        assert!(matches!(field("core.v1.PodSpec", "nodeSelector").ty, Type::Map { atomic: true, .. }));
        assert!(field("apps.v1.DeploymentStrategy", "rollingUpdate").ty.structure().is_some());
        assert!(field("apps.v1.DeploymentSpec", "strategy").patch.retain_keys);
        assert!(named("meta.v1.LabelSelector").unwrap().atomic);
    }
}
