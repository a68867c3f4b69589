//! [`Operand`]: a value as the engine holds it while evaluating: Go's `reflect.Value`, which knows more than the value.

use crate::types::{self, Kind, Type};
use crate::value::Value;

/// A value with its static type, or none at all.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    /// No value: a missing key, or the nil of an interface once it has gone through a pipeline. Prints `<no value>`.
    Invalid,
    /// A value whose static type is `interface {}`: an element of a `map[string]interface {}`. May hold nil.
    Interface(Value),
    /// A value of its own type; never nil.
    Concrete(Value),
}

impl Operand {
    /// The operand for a value whose static type is `static_type`.
    pub(crate) fn of_type(value: Value, static_type: Option<&Type>) -> Self {
        match static_type {
            Some(go_type) if go_type.kind != Kind::Interface && !value.is_nil() => Self::Concrete(value),
            _ => Self::Interface(value),
        }
    }

    /// The operand for a value that is in no interface, as Go's `reflect.ValueOf`.
    pub(crate) fn of(value: Value) -> Self {
        if value.is_nil() { Self::Invalid } else { Self::Concrete(value) }
    }

    /// The value inside, if there is one that is not nil: Go's `indirectInterface`.
    pub(crate) fn value(&self) -> Option<&Value> {
        match self {
            Self::Invalid | Self::Interface(Value::Nil) => None,
            Self::Interface(value) | Self::Concrete(value) => Some(value),
        }
    }

    /// The value inside; nil if there is none.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Invalid => Value::Nil,
            Self::Interface(value) | Self::Concrete(value) => value,
        }
    }

    /// Out of the interface, as values are that have gone through a pipeline.
    pub(crate) fn unwrapped(self) -> Self {
        match self {
            Self::Interface(value) => Self::of(value),
            other => other,
        }
    }

    /// The static type's name; `None` if there is no value.
    pub(crate) fn type_name(&self) -> Option<&'static str> {
        match self {
            Self::Invalid => None,
            Self::Interface(_) => Some(types::ANY.name),
            Self::Concrete(value) => Some(value.type_name()),
        }
    }

    /// Truth, as `if` sees it.
    pub(crate) fn truth(&self) -> bool {
        self.value().is_some_and(Value::truth)
    }
}

/// Whether nil can stand for a value of that type: Go's `canBeNil`.
pub(crate) fn can_be_nil(go_type: &Type) -> bool {
    matches!(go_type.kind, Kind::Interface | Kind::Map | Kind::Slice | Kind::Pointer | Kind::Func)
}

/// The zero of a type: Go's `reflect.Zero`, nil where there is none here.
pub(crate) fn zero(go_type: &'static Type) -> Value {
    match go_type.kind {
        Kind::Bool => Value::Bool(false),
        Kind::Int => Value::Int(0),
        Kind::Int8 => Value::Int8(0),
        Kind::Int16 => Value::Int16(0),
        Kind::Int32 => Value::Int32(0),
        Kind::Int64 => Value::Int64(0),
        Kind::Uint => Value::Uint(0),
        Kind::Uint8 => Value::Uint8(0),
        Kind::Uint16 => Value::Uint16(0),
        Kind::Uint32 => Value::Uint32(0),
        Kind::Uint64 => Value::Uint64(0),
        Kind::Float32 => Value::Float32(0.0),
        Kind::Float64 => Value::Float64(0.0),
        Kind::Complex128 => Value::Complex128(0.0, 0.0),
        Kind::String => Value::EMPTY,
        Kind::Slice => Value::List(crate::List::nil(go_type)),
        Kind::Map => Value::Map(crate::Map::nil(go_type)),
        Kind::Interface | Kind::Struct | Kind::Pointer | Kind::Func => Value::Nil,
    }
}
