//! [`Emit`] for the types that most callers have.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Emit, Emitter, WriteError};
use crate::node::{Data, Node};

impl<T: Emit + ?Sized> Emit for &T {
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
        (**self).emit(out)
    }
}

impl<T: Emit> Emit for Option<T> {
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
        match self {
            Some(value) => value.emit(out),
            None => out.null(),
        }
    }
}

impl Emit for bool {
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
        out.bool(*self)
    }
}

impl Emit for i64 {
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
        out.int(*self)
    }
}

impl Emit for u64 {
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
        out.uint(*self)
    }
}

impl Emit for f64 {
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
        out.float(*self)
    }
}

impl Emit for str {
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
        out.string(self)
    }
}

impl Emit for String {
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
        out.string(self)
    }
}

impl<T: Emit> Emit for [T] {
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
        out.sequence(self)
    }
}

impl<T: Emit> Emit for Vec<T> {
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
        out.sequence(self)
    }
}

impl<V: Emit> Emit for BTreeMap<String, V> {
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
        out.mapping(self)
    }
}

/// As Go's `encoding/json` values of the same document: integers stay integers.
impl Emit for Value {
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
        match self {
            Value::Null => out.null(),
            Value::Bool(value) => out.bool(*value),
            Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(value), ..) => out.int(value),
                (_, Some(value), _) => out.uint(value),
                (_, _, Some(value)) => out.float(value),
                // Only a number beyond f64, which serde_json holds with its arbitrary precision feature.
                _ => out.string(&number.to_string()),
            },
            Value::String(text) => out.string(text),
            Value::Array(items) => out.sequence(items),
            Value::Object(fields) => out.mapping(fields),
        }
    }
}

/// Keys that `sigs.k8s.io/yaml` refuses ([`Node::key_text`]) are left out.
impl Emit for Node {
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
        match &self.data {
            Data::Null => out.null(),
            Data::Bool(value) => out.bool(*value),
            Data::Int(value) => out.int(*value),
            Data::Uint(value) => out.uint(*value),
            Data::Float(value) => out.float(*value),
            Data::String(text) => out.string(text),
            Data::Sequence(items) => out.sequence(items),
            Data::Mapping(entries) => {
                out.mapping(entries.iter().filter_map(|(key, value)| Some((key.key_text()?, value))))
            }
        }
    }
}
