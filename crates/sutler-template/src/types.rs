//! Go's types, as far as values of a template have them: what `typeOf`, `kindOf`, `%T` and error messages print, and
//! what a function's signature is made of.
//!
//! Types are `static`: the set is closed (the language's own below; a crate that adds a named type declares a `static`).

use crate::function::Method;

/// What Go's `reflect.Kind` says of a value, for the kinds that occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `bool`.
    Bool,
    /// `int`: 64 bits.
    Int,
    /// `int8`.
    Int8,
    /// `int16`.
    Int16,
    /// `int32`, also `rune`.
    Int32,
    /// `int64`.
    Int64,
    /// `uint`: 64 bits.
    Uint,
    /// `uint8`, also `byte`.
    Uint8,
    /// `uint16`.
    Uint16,
    /// `uint32`.
    Uint32,
    /// `uint64`.
    Uint64,
    /// `float32`.
    Float32,
    /// `float64`.
    Float64,
    /// `complex128`.
    Complex128,
    /// `string`.
    String,
    /// `interface {}`, the type of an element of `[]interface {}`.
    Interface,
    /// A slice.
    Slice,
    /// A map; its keys are always of kind [`Kind::String`].
    Map,
    /// A struct.
    Struct,
    /// A pointer.
    Pointer,
    /// A function.
    Func,
}

impl Kind {
    /// The name as `reflect.Kind.String` and sprig's `kindOf` print it: `ptr`, `slice`, `float64`, ….
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Int8 => "int8",
            Kind::Int16 => "int16",
            Kind::Int32 => "int32",
            Kind::Int64 => "int64",
            Kind::Uint => "uint",
            Kind::Uint8 => "uint8",
            Kind::Uint16 => "uint16",
            Kind::Uint32 => "uint32",
            Kind::Uint64 => "uint64",
            Kind::Float32 => "float32",
            Kind::Float64 => "float64",
            Kind::Complex128 => "complex128",
            Kind::String => "string",
            Kind::Interface => "interface",
            Kind::Slice => "slice",
            Kind::Map => "map",
            Kind::Struct => "struct",
            Kind::Pointer => "ptr",
            Kind::Func => "func",
        }
    }

    /// Whether it is a signed integer of any size.
    pub fn is_signed(self) -> bool {
        matches!(self, Kind::Int | Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64)
    }

    /// Whether it is an unsigned integer of any size.
    pub fn is_unsigned(self) -> bool {
        matches!(self, Kind::Uint | Kind::Uint8 | Kind::Uint16 | Kind::Uint32 | Kind::Uint64)
    }

    /// Whether it is a floating-point number.
    pub fn is_float(self) -> bool {
        matches!(self, Kind::Float32 | Kind::Float64)
    }
}

/// A Go type. Always used as `&'static Type`; compare with [`Type::is`].
///
/// ```
/// use sutler_template::types::{self, Type};
///
/// static VALUES: Type = Type::named("common.Values", &types::MAP);
/// assert!(VALUES.is_assignable_to(&types::MAP));
/// assert_eq!(types::STRINGS.name, "[]string");
/// ```
#[derive(Debug)]
pub struct Type {
    /// As `reflect.Type.String` prints it: `map[string]interface {}`, `common.Values`, `*semver.Version`.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Whether it has a name of its own (`int`, `common.Values`), so that it is not interchangeable with a type of the
    /// same structure. False for `[]string`, `map[string]interface {}`, `*semver.Version`.
    pub named: bool,
    /// The type of an element, of a slice or map.
    pub elem: Option<&'static Type>,
    /// Methods that templates may call on a value of this type.
    pub methods: &'static [Method],
}

impl Type {
    const fn basic(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, named: true, elem: None, methods: &[] }
    }

    /// `[]elem`; `name` is that text.
    pub const fn slice(name: &'static str, elem: &'static Type) -> Self {
        Self { name, kind: Kind::Slice, named: false, elem: Some(elem), methods: &[] }
    }

    /// `map[string]elem`; `name` is that text.
    pub const fn map(name: &'static str, elem: &'static Type) -> Self {
        Self { name, kind: Kind::Map, named: false, elem: Some(elem), methods: &[] }
    }

    /// `type name underlying`.
    pub const fn named(name: &'static str, underlying: &'static Type) -> Self {
        Self { name, kind: underlying.kind, named: true, elem: underlying.elem, methods: &[] }
    }

    /// A struct of that name, for an [`Object`](crate::Object).
    pub const fn structure(name: &'static str) -> Self {
        Self::basic(name, Kind::Struct)
    }

    /// A pointer, for an [`Object`](crate::Object); `name` starts with `*`.
    pub const fn pointer(name: &'static str) -> Self {
        Self { name, kind: Kind::Pointer, named: false, elem: None, methods: &[] }
    }

    /// The same type with methods.
    pub const fn with_methods(self, methods: &'static [Method]) -> Self {
        Self { methods, ..self }
    }

    /// Whether both are the same type.
    pub fn is(&self, other: &Type) -> bool {
        std::ptr::eq(self, other) || (self.kind == other.kind && self.name == other.name && self.named == other.named)
    }

    /// Whether a value of this type can be given where `target` is expected, as Go's `reflect.Type.AssignableTo`:
    /// the same type; anything to `interface {}`; or the same structure, when at most one of both is named.
    pub fn is_assignable_to(&self, target: &Type) -> bool {
        if target.kind == Kind::Interface || self.is(target) {
            return true;
        }
        if self.kind != target.kind || (self.named && target.named) {
            return false;
        }
        match (self.elem, target.elem) {
            (Some(a), Some(b)) => a.is(b),
            _ => false,
        }
    }

    /// The method of that name.
    pub fn method(&self, name: impl AsRef<[u8]>) -> Option<&'static Method> {
        self.methods.iter().find(|method| method.name.as_bytes() == name.as_ref())
    }
}

/// `bool`.
pub static BOOL: Type = Type::basic("bool", Kind::Bool);
/// `int`.
pub static INT: Type = Type::basic("int", Kind::Int);
/// `int8`.
pub static INT8: Type = Type::basic("int8", Kind::Int8);
/// `int16`.
pub static INT16: Type = Type::basic("int16", Kind::Int16);
/// `int32`, also `rune`.
pub static INT32: Type = Type::basic("int32", Kind::Int32);
/// `int64`.
pub static INT64: Type = Type::basic("int64", Kind::Int64);
/// `uint`.
pub static UINT: Type = Type::basic("uint", Kind::Uint);
/// `uint8`, also `byte`.
pub static UINT8: Type = Type::basic("uint8", Kind::Uint8);
/// `uint16`.
pub static UINT16: Type = Type::basic("uint16", Kind::Uint16);
/// `uint32`.
pub static UINT32: Type = Type::basic("uint32", Kind::Uint32);
/// `uint64`.
pub static UINT64: Type = Type::basic("uint64", Kind::Uint64);
/// `float32`.
pub static FLOAT32: Type = Type::basic("float32", Kind::Float32);
/// `float64`.
pub static FLOAT64: Type = Type::basic("float64", Kind::Float64);
/// `complex128`.
pub static COMPLEX128: Type = Type::basic("complex128", Kind::Complex128);
/// `string`.
pub static STRING: Type = Type::basic("string", Kind::String);
/// `interface {}`: any value, also nil.
pub static ANY: Type = Type { name: "interface {}", kind: Kind::Interface, named: false, elem: None, methods: &[] };
/// `reflect.Value`, as the language's own functions take: any value, also none at all.
pub static REFLECT_VALUE: Type = Type::basic("reflect.Value", Kind::Struct);
/// `[]interface {}`.
pub static LIST: Type = Type::slice("[]interface {}", &ANY);
/// `[]string`.
pub static STRINGS: Type = Type::slice("[]string", &STRING);
/// `[]int`.
pub static INTS: Type = Type::slice("[]int", &INT);
/// `[]uint8`, also `[]byte`.
pub static BYTES: Type = Type::slice("[]uint8", &UINT8);
/// `map[string]interface {}`.
pub static MAP: Type = Type::map("map[string]interface {}", &ANY);
/// `map[string]string`.
pub static STRING_MAP: Type = Type::map("map[string]string", &STRING);
/// `[]map[string]interface {}`.
pub static MAPS: Type = Type::slice("[]map[string]interface {}", &MAP);
/// The type of a [`Value::Function`](crate::Value::Function); Go prints its signature, we do not.
pub static FUNC: Type = Type { name: "func", kind: Kind::Func, named: false, elem: None, methods: &[] };
