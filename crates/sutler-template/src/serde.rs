//! Values from anything that serde can serialize, and back (feature `serde`).
//!
//! What Rust tells apart stays apart where Go has a type for it: whole numbers are `int64` (as Helm's `--set` makes them; `uint64`
//! above its range) and never become floats, bytes are `[]uint8`. The shapes of enums are those of JSON.

use std::fmt;

use ::serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use ::serde::ser::{self, Serialize, SerializeMap as _, Serializer};

use crate::list::List;
use crate::map::Map;
use crate::text::Str;
use crate::value::{Value, deepest, on_deep_stack};

/// As deep as Go's YAML and JSON readers go.
const MAX_DEPTH: usize = deepest(10_000, 300);

/// Something cannot be a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SerializeError {
    /// A key of a map is neither text, nor a number without fraction, nor a boolean.
    #[error("a key of a map is {0}, not text")]
    Key(&'static str),
    /// A whole number is beyond 64 bits.
    #[error("the number {0} does not fit 64 bits")]
    Number(String),
    /// Nested more than 10,000 deep.
    #[error("nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// What the type itself reports.
    #[error("{0}")]
    Custom(String),
}

impl ser::Error for SerializeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

/// The value of anything that can be serialized.
///
/// ```
/// # #[cfg(feature = "serde")] {
/// use sutler_template::{Value, to_value};
///
/// #[derive(serde::Serialize)]
/// struct Image { tag: String, port: u16, ratio: f32 }
///
/// let image = to_value(&Image { tag: "1.10".into(), port: 8080, ratio: 0.1 })?;
/// assert_eq!(image.get("tag"), Some(Value::from("1.10")));
/// assert_eq!(image.get("port"), Some(Value::Int64(8080)));
/// assert_eq!(image.get("ratio"), Some(Value::Float64(0.1)));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// See [`SerializeError`].
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, SerializeError> {
    value.serialize(ToValue { depth: 0 })
}

#[derive(Clone, Copy)]
struct ToValue {
    /// Collections around.
    depth: usize,
}

impl ToValue {
    /// What is within a collection of this depth.
    fn inner<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, SerializeError> {
        if self.depth >= MAX_DEPTH {
            return Err(SerializeError::TooDeep);
        }
        on_deep_stack(|| value.serialize(ToValue { depth: self.depth + 1 }))
    }

    fn items(self, length: Option<usize>) -> Items {
        // A length that is claimed is no reason to take memory for it.
        Items { within: self, items: Vec::with_capacity(length.unwrap_or(0).min(1024)), variant: None }
    }

    fn entries(self) -> Entries {
        Entries { within: self, map: Map::new(), key: None, variant: None }
    }
}

/// `{variant: value}`, as JSON shows a variant with data.
fn tagged(variant: &'static str, value: Value) -> Value {
    Value::Map([(Str::from_static(variant), value)].into_iter().collect())
}

impl Serializer for ToValue {
    type Ok = Value;
    type Error = SerializeError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    fn serialize_bool(self, value: bool) -> Result<Value, SerializeError> {
        Ok(Value::Bool(value))
    }
    fn serialize_i8(self, value: i8) -> Result<Value, SerializeError> {
        Ok(Value::Int64(value.into()))
    }
    fn serialize_i16(self, value: i16) -> Result<Value, SerializeError> {
        Ok(Value::Int64(value.into()))
    }
    fn serialize_i32(self, value: i32) -> Result<Value, SerializeError> {
        Ok(Value::Int64(value.into()))
    }
    fn serialize_i64(self, value: i64) -> Result<Value, SerializeError> {
        Ok(Value::Int64(value))
    }
    fn serialize_i128(self, value: i128) -> Result<Value, SerializeError> {
        match (i64::try_from(value), u64::try_from(value)) {
            (Ok(value), _) => Ok(Value::Int64(value)),
            (_, Ok(value)) => Ok(Value::Uint64(value)),
            _ => Err(SerializeError::Number(value.to_string())),
        }
    }
    fn serialize_u8(self, value: u8) -> Result<Value, SerializeError> {
        Ok(Value::Int64(value.into()))
    }
    fn serialize_u16(self, value: u16) -> Result<Value, SerializeError> {
        Ok(Value::Int64(value.into()))
    }
    fn serialize_u32(self, value: u32) -> Result<Value, SerializeError> {
        Ok(Value::Int64(value.into()))
    }
    fn serialize_u64(self, value: u64) -> Result<Value, SerializeError> {
        Ok(i64::try_from(value).map_or(Value::Uint64(value), Value::Int64))
    }
    fn serialize_u128(self, value: u128) -> Result<Value, SerializeError> {
        match u64::try_from(value) {
            Ok(value) => self.serialize_u64(value),
            Err(_) => Err(SerializeError::Number(value.to_string())),
        }
    }
    fn serialize_f32(self, value: f32) -> Result<Value, SerializeError> {
        // By its decimal text: 0.1 stays 0.1, whose nearest float of 32 bits is another number than that of 64.
        Ok(Value::Float64(value.to_string().parse().unwrap_or_else(|_| value.into())))
    }
    fn serialize_f64(self, value: f64) -> Result<Value, SerializeError> {
        Ok(Value::Float64(value))
    }
    fn serialize_char(self, value: char) -> Result<Value, SerializeError> {
        Ok(Value::String(value.into()))
    }
    fn serialize_str(self, value: &str) -> Result<Value, SerializeError> {
        Ok(value.into())
    }
    fn serialize_bytes(self, value: &[u8]) -> Result<Value, SerializeError> {
        Ok(Value::List(List::bytes(value.into())))
    }
    fn serialize_none(self) -> Result<Value, SerializeError> {
        Ok(Value::Nil)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, SerializeError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Value, SerializeError> {
        Ok(Value::Nil)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, SerializeError> {
        Ok(Value::Nil)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, SerializeError> {
        Ok(Value::String(Str::from_static(variant)))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, SerializeError> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, SerializeError> {
        Ok(tagged(variant, self.inner(value)?))
    }
    fn serialize_seq(self, length: Option<usize>) -> Result<Items, SerializeError> {
        Ok(self.items(length))
    }
    fn serialize_tuple(self, length: usize) -> Result<Items, SerializeError> {
        Ok(self.items(Some(length)))
    }
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Items, SerializeError> {
        Ok(self.items(Some(length)))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Items, SerializeError> {
        Ok(Items { variant: Some(variant), ..self.items(Some(length)) })
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Entries, SerializeError> {
        Ok(self.entries())
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, SerializeError> {
        Ok(self.entries())
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries, SerializeError> {
        Ok(Entries { variant: Some(variant), ..self.entries() })
    }
}

/// A list being made.
struct Items {
    within: ToValue,
    items: Vec<Value>,
    variant: Option<&'static str>,
}

impl Items {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerializeError> {
        self.items.push(self.within.inner(value)?);
        Ok(())
    }

    fn done(self) -> Value {
        let list = Value::List(List::new(self.items));
        match self.variant {
            Some(variant) => tagged(variant, list),
            None => list,
        }
    }
}

macro_rules! items {
    ($($part:ident :: $add:ident),*) => {
        $(impl ser::$part for Items {
            type Ok = Value;
            type Error = SerializeError;
            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerializeError> {
                self.add(value)
            }
            fn end(self) -> Result<Value, SerializeError> {
                Ok(self.done())
            }
        })*
    };
}

items! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
}

/// A map being made.
struct Entries {
    within: ToValue,
    map: Map,
    key: Option<Str>,
    variant: Option<&'static str>,
}

impl Entries {
    fn add<T: Serialize + ?Sized>(&mut self, key: Str, value: &T) -> Result<(), SerializeError> {
        let value = self.within.inner(value)?;
        self.map.insert(key, value).expect("a new map is not the nil map");
        Ok(())
    }

    fn done(self) -> Value {
        let map = Value::Map(self.map);
        match self.variant {
            Some(variant) => tagged(variant, map),
            None => map,
        }
    }
}

impl ser::SerializeMap for Entries {
    type Ok = Value;
    type Error = SerializeError;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), SerializeError> {
        let key = self.within.inner(key)?;
        self.key = Some(match &key {
            Value::String(text) => text.clone(),
            Value::Bool(value) => Str::from(value.to_string()),
            Value::Int64(value) => Str::from(value.to_string()),
            Value::Uint64(value) => Str::from(value.to_string()),
            other => return Err(SerializeError::Key(other.type_name())),
        });
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerializeError> {
        let key = self.key.take().ok_or_else(|| ser::Error::custom("a value comes before its key"))?;
        self.add(key, value)
    }
    fn end(self) -> Result<Value, SerializeError> {
        Ok(self.done())
    }
}

macro_rules! fields {
    ($($part:ident),*) => {
        $(impl ser::$part for Entries {
            type Ok = Value;
            type Error = SerializeError;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), SerializeError> {
                self.add(Str::from_static(key), value)
            }
            fn end(self) -> Result<Value, SerializeError> {
                Ok(self.done())
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

/// Serialized as Go's `encoding/json` does: a whole `float64` below 2^53 is an integer, structs are maps of their fields, what is
/// not UTF-8 becomes U+FFFD, functions are null.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Nested { value: self, depth: 0 }.serialize(serializer)
    }
}

/// A value with how many collections are around it: a value may contain itself.
struct Nested<'v> {
    value: &'v Value,
    depth: usize,
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.depth > MAX_DEPTH {
            return Err(ser::Error::custom(SerializeError::TooDeep));
        }
        on_deep_stack(|| self.at_this_depth(serializer))
    }
}

impl Nested<'_> {
    fn at_this_depth<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let depth = self.depth + 1;
        match self.value {
            Value::Nil | Value::Function(_) | Value::Complex128(..) => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::String(text) => serializer.serialize_str(&text.to_str_lossy()),
            Value::List(list) if list.is_nil() => serializer.serialize_unit(),
            Value::List(list) => match list.as_bytes() {
                Some(bytes) => serializer.serialize_bytes(bytes.as_bytes()),
                None => serializer.collect_seq(list.iter().map(|value| Owned { value, depth })),
            },
            Value::Map(map) if map.is_nil() => serializer.serialize_unit(),
            Value::Map(map) => {
                let entries = map.entries();
                let mut out = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in &entries {
                    out.serialize_entry(&*key.to_str_lossy(), &Nested { value, depth })?;
                }
                out.end()
            }
            Value::Object(object) => match object.json_value().or_else(|| object.underlying()) {
                Some(value) => Nested { value: &value, depth }.serialize(serializer),
                None => {
                    let fields = object.fields();
                    let mut out = serializer.serialize_map(Some(fields.len()))?;
                    for (name, value) in &fields {
                        out.serialize_entry(name, &Nested { value, depth })?;
                    }
                    out.end()
                }
            },
            number => match (number.as_float(), number.as_signed(), number.as_unsigned()) {
                // Every whole float of this size is exactly an i64.
                (Some(float), ..) if float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 => {
                    serializer.serialize_i64(float as i64)
                }
                (Some(float), ..) => serializer.serialize_f64(float),
                (_, Some(signed), _) => serializer.serialize_i64(signed),
                (_, _, unsigned) => serializer.serialize_u64(unsigned.unwrap_or(0)),
            },
        }
    }
}

/// An element of a list, which is handed out by value.
struct Owned {
    value: Value,
    depth: usize,
}

impl Serialize for Owned {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Nested { value: &self.value, depth: self.depth }.serialize(serializer)
    }
}

/// Whole numbers become `int64` (above its range `uint64`), others `float64`; a key given twice counts the second time.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        on_deep_stack(|| deserializer.deserialize_any(FromAny))
    }
}

struct FromAny;

impl<'de> Visitor<'de> for FromAny {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int64(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Uint64(value), Value::Int64))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float64(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        Ok(Value::List(List::bytes(value.into())))
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(List::new(list)))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let map = Map::new();
        while let Some((key, value)) = entries.next_entry::<String, Value>()? {
            map.insert(key, value).map_err(de::Error::custom)?;
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ::serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    enum Kind {
        Plain,
        One(u8),
        Two(i8, char),
        Named { x: Option<bool> },
    }

    #[derive(Serialize)]
    struct Chart<'c> {
        small: u8,
        big: u64,
        huge: u64,
        narrow: f32,
        whole: f64,
        nothing: Option<u8>,
        unit: (),
        kinds: Vec<Kind>,
        keys: BTreeMap<i32, &'c str>,
    }

    #[test]
    fn whole_numbers_stay_whole_and_enums_have_the_shapes_of_json() {
        let chart = Chart {
            small: 1,
            big: 9_007_199_254_740_993,
            huge: u64::MAX,
            narrow: 0.1,
            whole: 3.0,
            nothing: None,
            unit: (),
            kinds: vec![Kind::Plain, Kind::One(1), Kind::Two(-1, 'é'), Kind::Named { x: Some(true) }],
            keys: [(-1, "below")].into(),
        };
        assert_eq!(
            format!("{:?}", to_value(&chart).unwrap()),
            "map[string]interface {}{\"big\": int64(9007199254740993), \"huge\": uint64(18446744073709551615), \
             \"keys\": map[string]interface {}{\"-1\": \"below\"}, \"kinds\": []interface {}{\"Plain\", \
             map[string]interface {}{\"One\": int64(1)}, map[string]interface {}{\"Two\": []interface {}{int64(-1), \"é\"}}, \
             map[string]interface {}{\"Named\": map[string]interface {}{\"x\": true}}}, \"narrow\": 0.1, \"nothing\": nil, \
             \"small\": int64(1), \"unit\": nil, \"whole\": 3.0}"
        );
    }

    #[test]
    fn what_cannot_be_a_value_is_an_error() {
        let error = |result: Result<Value, SerializeError>| result.unwrap_err().to_string();
        assert_eq!(error(to_value(&BTreeMap::from([((1, 2), 3)]))), "a key of a map is []interface {}, not text");
        assert_eq!(error(to_value(&u128::MAX)), format!("the number {} does not fit 64 bits", u128::MAX));
        // A value that contains itself.
        let scope = crate::CycleScope::enter();
        let map = Map::new();
        map.insert("self", Value::Map(map.clone())).unwrap();
        assert_eq!(error(to_value(&Value::Map(map.clone()))), "nested more than 10000 deep");
        drop(map);
        drop(scope);
    }

    #[test]
    fn json_and_back_is_the_same() {
        let text = r#"{"a":[1,-2,0.5,null,true,"é",{}],"b":{"c":18446744073709551615}}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
        assert_eq!(to_value(&value).unwrap(), value);
        assert_eq!(serde_json::to_string(&Value::Float64(1e6)).unwrap(), "1000000");
        assert_eq!(serde_json::to_string(&Value::Float64(1e21)).unwrap(), "1e+21");
    }
}
