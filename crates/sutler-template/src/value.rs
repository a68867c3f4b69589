//! [`Value`]: whatever a Go template computes with.

use std::fmt;
use std::sync::Arc;

use crate::function::Function;
use crate::list::List;
use crate::map::Map;
use crate::object::Object;
use crate::text::Str;
use crate::types::{self, Kind, Type};

/// A Go value with its type. 24 bytes; cloning is cheap and makes aliases of maps, lists and objects.
///
/// `==` is Go's `reflect.DeepEqual`: types count, so `Int(1) != Int64(1)`.
///
/// ```
/// use sutler_template::{Map, Value};
///
/// let values: Map = [("replicas", Value::Float64(3.0)), ("name", Value::from("ray"))].into_iter().collect();
/// assert_eq!(Value::Map(values).type_name(), "map[string]interface {}");
/// ```
#[derive(Clone)]
pub enum Value {
    /// The nil `interface {}`.
    Nil,
    /// `bool`.
    Bool(bool),
    /// `int`, 64 bits.
    Int(i64),
    /// `int8`.
    Int8(i8),
    /// `int16`.
    Int16(i16),
    /// `int32`, also `rune`.
    Int32(i32),
    /// `int64`.
    Int64(i64),
    /// `uint`, 64 bits.
    Uint(u64),
    /// `uint8`, also `byte`.
    Uint8(u8),
    /// `uint16`.
    Uint16(u16),
    /// `uint32`.
    Uint32(u32),
    /// `uint64`.
    Uint64(u64),
    /// `float32`.
    Float32(f32),
    /// `float64`: every number of a values file.
    Float64(f64),
    /// `complex128`: only from a constant such as `1i`.
    Complex128(f64, f64),
    /// `string`.
    String(Str),
    /// A slice.
    List(List),
    /// A map from strings.
    Map(Map),
    /// A struct or pointer of the host.
    Object(Arc<dyn Object>),
    /// A function as data, for `call`.
    Function(Arc<Function>),
}

impl Value {
    /// An empty string.
    pub const EMPTY: Self = Self::String(Str::EMPTY);

    /// A value of the host's.
    pub fn object(object: impl Object) -> Self {
        Self::Object(Arc::new(object))
    }

    /// An empty `[]interface {}`.
    pub fn empty_list() -> Self {
        Self::List(List::new(Vec::new()))
    }

    /// An empty `map[string]interface {}`.
    pub fn empty_map() -> Self {
        Self::Map(Map::new())
    }

    /// The type; `None` for nil.
    pub fn go_type(&self) -> Option<&'static Type> {
        Some(match self {
            Self::Nil => return None,
            Self::Bool(_) => &types::BOOL,
            Self::Int(_) => &types::INT,
            Self::Int8(_) => &types::INT8,
            Self::Int16(_) => &types::INT16,
            Self::Int32(_) => &types::INT32,
            Self::Int64(_) => &types::INT64,
            Self::Uint(_) => &types::UINT,
            Self::Uint8(_) => &types::UINT8,
            Self::Uint16(_) => &types::UINT16,
            Self::Uint32(_) => &types::UINT32,
            Self::Uint64(_) => &types::UINT64,
            Self::Float32(_) => &types::FLOAT32,
            Self::Float64(_) => &types::FLOAT64,
            Self::Complex128(..) => &types::COMPLEX128,
            Self::String(_) => &types::STRING,
            Self::List(list) => list.go_type(),
            Self::Map(map) => map.go_type(),
            Self::Object(object) => object.go_type(),
            Self::Function(_) => &types::FUNC,
        })
    }

    /// The type as `%T` prints it; `<nil>` for nil.
    pub fn type_name(&self) -> &'static str {
        self.go_type().map_or("<nil>", |go_type| go_type.name)
    }

    /// The kind; `None` for nil (sprig's `kindOf` calls it `invalid`).
    pub fn kind(&self) -> Option<Kind> {
        self.go_type().map(|go_type| go_type.kind)
    }

    /// Whether it is the nil interface.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// Whether it is neither a map nor a list.
    pub(crate) fn is_plain(&self) -> bool {
        !matches!(self, Self::Map(_) | Self::List(_))
    }

    /// About how many bytes it takes, where nothing else holds it: what a function has just made rather than passed on.
    pub(crate) fn size_if_new(&self) -> usize {
        match self {
            Self::String(text) => text.size_if_unshared(),
            Self::List(list) => list.size_if_unshared(),
            Self::Map(map) => map.size_if_unshared(),
            _ => 0,
        }
    }

    /// The bytes of a string.
    pub fn as_string(&self) -> Option<&Str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a string that is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        self.as_string().and_then(Str::as_str)
    }

    /// The boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The map.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list.
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// A signed integer of any size.
    pub fn as_signed(&self) -> Option<i64> {
        Some(match self {
            Self::Int(value) | Self::Int64(value) => *value,
            Self::Int8(value) => i64::from(*value),
            Self::Int16(value) => i64::from(*value),
            Self::Int32(value) => i64::from(*value),
            _ => return None,
        })
    }

    /// An unsigned integer of any size.
    pub fn as_unsigned(&self) -> Option<u64> {
        Some(match self {
            Self::Uint(value) | Self::Uint64(value) => *value,
            Self::Uint8(value) => u64::from(*value),
            Self::Uint16(value) => u64::from(*value),
            Self::Uint32(value) => u64::from(*value),
            _ => return None,
        })
    }

    /// A floating-point number of any size.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float64(value) => Some(*value),
            Self::Float32(value) => Some(f64::from(*value)),
            _ => None,
        }
    }

    /// The object behind an opaque value, if it is a `T`.
    pub fn downcast<T: Object>(&self) -> Option<&T> {
        match self {
            Self::Object(object) => {
                let any: &dyn std::any::Any = &**object;
                any.downcast_ref()
            }
            _ => None,
        }
    }

    /// The value for `key` if this is a map that has one.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        self.as_map()?.get(key)
    }

    /// Truth as `if` sees it: false for nil, zero, false and what is empty; structs and pointers are true.
    pub fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::String(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Float32(value) => *value != 0.0,
            Self::Float64(value) => *value != 0.0,
            Self::Complex128(re, im) => *re != 0.0 || *im != 0.0,
            Self::Object(object) => object.underlying().is_none_or(|value| value.truth()),
            Self::Function(_) => true,
            integer => integer.as_signed().unwrap_or(0) != 0 || integer.as_unsigned().unwrap_or(0) != 0,
        }
    }
}

impl AsRef<Value> for Value {
    fn as_ref(&self) -> &Value {
        self
    }
}

macro_rules! from {
    ($($from:ty => $variant:ident),* $(,)?) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

from! {
    bool => Bool, i64 => Int, f64 => Float64, f32 => Float32,
    &str => String, String => String, &String => String, Str => String,
    Vec<u8> => String, List => List, Map => Map, Vec<Value> => List,
}

/// What an element of a list or map counts, in bytes.
pub(crate) const ELEMENT: usize = 32;

/// A bound on nesting. In a browser it is the lower one: WebAssembly's own stack, of less than a megabyte, cannot be grown, and
/// what overflows it ends the whole module. Each bound there takes about a fifth of it, so that all of them fit together.
pub(crate) const fn deepest(native: usize, wasm: usize) -> usize {
    if cfg!(target_family = "wasm") { wasm } else { native }
}

/// Runs `work`, which may recurse into nested values, with enough stack whatever the depth so far. Between two of these calls a
/// template that calls `tpl`, which parses and calls `include`, takes more than 64 KiB where nothing is optimized.
pub(crate) fn on_deep_stack<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(256 * 1024, 2 * 1024 * 1024, work)
}

/// Drops `values` without recursing, so that a value nested a million deep does not exhaust the stack.
pub(crate) fn drop_flat(values: impl IntoIterator<Item = Value>) {
    let mut rest: Vec<Value> = values.into_iter().filter(|value| !value.is_plain()).collect();
    while let Some(value) = rest.pop() {
        match value {
            Value::Map(map) => {
                if let Some(values) = map.into_owned_values() {
                    rest.extend(values.filter(|value| !value.is_plain()));
                }
            }
            Value::List(list) => {
                if let Some(values) = list.into_owned_values() {
                    rest.extend(values.into_iter().filter(|value| !value.is_plain()));
                }
            }
            _ => {}
        }
    }
}

/// For test failures and logs: the type's name and the value, cut off at a depth of 16.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(self, f, 16)
    }
}

fn debug(value: &Value, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    if depth == 0 {
        return f.write_str("…");
    }
    match value {
        Value::Nil => f.write_str("nil"),
        Value::Bool(value) => write!(f, "{value}"),
        Value::String(text) => write!(f, "{text:?}"),
        Value::Float32(value) => write!(f, "float32({value:?})"),
        Value::Float64(value) => write!(f, "{value:?}"),
        Value::Complex128(re, im) => write!(f, "({re}+{im}i)"),
        Value::List(list) => {
            write!(f, "{}{{", list.go_type().name)?;
            for (index, item) in list.iter().enumerate() {
                f.write_str(if index == 0 { "" } else { ", " })?;
                debug(&item, f, depth - 1)?;
            }
            f.write_str("}")
        }
        Value::Map(map) => {
            write!(f, "{}{{", map.go_type().name)?;
            for (index, (key, item)) in map.entries().iter().enumerate() {
                write!(f, "{}{key:?}: ", if index == 0 { "" } else { ", " })?;
                debug(item, f, depth - 1)?;
            }
            f.write_str("}")
        }
        Value::Object(object) => write!(f, "{}{{…}}", object.go_type().name),
        Value::Function(function) => write!(f, "func {}", function.name),
        integer => match (integer.as_signed(), integer.as_unsigned()) {
            (Some(number), _) => write!(f, "{}({number})", integer.type_name()),
            (_, number) => write!(f, "{}({})", integer.type_name(), number.unwrap_or(0)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::Value;
    use crate::list::List;
    use crate::map::Map;

    #[test]
    fn a_value_is_24_bytes() {
        assert_eq!(size_of::<Value>(), 24);
    }

    #[test]
    fn a_value_nested_a_million_deep_is_dropped_without_recursion() {
        let mut list = Value::Nil;
        let mut map = Value::Nil;
        for _ in 0..1_000_000 {
            list = Value::List(List::new(vec![list]));
            map = Value::Map([("a", map)].into_iter().collect::<Map>());
        }
        drop((list, map));
    }

    #[test]
    fn values_cross_threads() {
        fn send_and_sync<T: Send + Sync>(_: &T) {}
        send_and_sync(&Value::empty_map());
    }
}
