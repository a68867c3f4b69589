//! `eq`, `lt` and their kin: only numbers, strings and booleans have an order; integers compare whatever their sign.

use std::cmp::Ordering;

use crate::print::printf;
use crate::types::Kind;
use crate::value::Value;

use super::operand::Operand;

/// What a value is to a comparison: Go's `basicKind`.
enum Basic {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Complex(f64, f64),
    String(crate::Str),
}

fn basic(value: &Value) -> Option<Basic> {
    Some(match value {
        Value::Bool(value) => Basic::Bool(*value),
        Value::String(text) => Basic::String(text.clone()),
        Value::Complex128(re, im) => Basic::Complex(*re, *im),
        Value::Object(object) => return basic(&object.underlying()?),
        number => match (number.as_signed(), number.as_unsigned(), number.as_float()) {
            (Some(int), ..) => Basic::Int(int),
            (_, Some(uint), _) => Basic::Uint(uint),
            (.., float) => Basic::Float(float?),
        },
    })
}

const NO_ORDER: &str = "invalid type for comparison";

fn incompatible(a: &Value, b: &Value) -> String {
    format!("incompatible types for comparison: {} and {}", a.type_name(), b.type_name())
}

fn compare_signs(int: i64, uint: u64) -> Ordering {
    u64::try_from(int).map_or(Ordering::Less, |int| int.cmp(&uint))
}

/// Whether `first` equals one of `others`: Go's `eq`.
pub(super) fn equal(first: &Operand, others: &[Operand]) -> Result<bool, String> {
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    let first = first.value();
    for other in others {
        if equal_two(first, other.value())? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal_two(a: Option<&Value>, b: Option<&Value>) -> Result<bool, String> {
    let (a, b) = match (a, b) {
        (Some(a), Some(b)) => (a, b),
        (None, None) => return Ok(true),
        // Nil equals what is nil of its own type, but is no error with any other.
        (Some(value), None) | (None, Some(value)) => return Ok(is_nil(value)),
    };
    Ok(match (basic(a), basic(b)) {
        (Some(Basic::Bool(a)), Some(Basic::Bool(b))) => a == b,
        (Some(Basic::Int(a)), Some(Basic::Int(b))) => a == b,
        (Some(Basic::Uint(a)), Some(Basic::Uint(b))) => a == b,
        (Some(Basic::Float(a)), Some(Basic::Float(b))) => a == b,
        (Some(Basic::Complex(a, i)), Some(Basic::Complex(b, j))) => a == b && i == j,
        (Some(Basic::String(a)), Some(Basic::String(b))) => a == b,
        (Some(Basic::Int(int)), Some(Basic::Uint(uint))) | (Some(Basic::Uint(uint)), Some(Basic::Int(int))) => {
            compare_signs(int, uint) == Ordering::Equal
        }
        (None, None) => equal_others(a, b)?,
        _ => return Err(incompatible(a, b)),
    })
}

/// Maps, lists, structs, pointers and functions.
fn equal_others(a: &Value, b: &Value) -> Result<bool, String> {
    let show = |format: &str, values: &[Value]| {
        let mut text = Vec::new();
        printf(&mut text, format.as_bytes(), values);
        Err(String::from_utf8_lossy(&text).into_owned())
    };
    let type_name = |value: &Value| Value::from(value.type_name());
    if a.kind() != b.kind() {
        let values = [a.clone(), type_name(a), type_name(b), b.clone()];
        return show("non-comparable types %s: %v, %s: %v", &values);
    }
    if is_nil(a) || is_nil(b) {
        return Ok(is_nil(a) == is_nil(b));
    }
    if matches!(b.kind(), Some(Kind::Map | Kind::Slice | Kind::Func)) {
        return show("non-comparable type %s: %v", &[b.clone(), type_name(b)]);
    }
    Ok(match (a, b) {
        (Value::Object(x), Value::Object(y)) if a.kind() == Some(Kind::Pointer) => std::sync::Arc::ptr_eq(x, y),
        _ => a == b,
    })
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        _ => false,
    }
}

/// Whether `a < b`: Go's `lt`.
pub(super) fn less(a: &Operand, b: &Operand) -> Result<bool, String> {
    let Some((left, a)) = a.value().and_then(|value| Some((basic(value)?, value))) else { return Err(NO_ORDER.into()) };
    let Some((right, b)) = b.value().and_then(|value| Some((basic(value)?, value))) else {
        return Err(NO_ORDER.into());
    };
    Ok(match (left, right) {
        (Basic::Int(a), Basic::Int(b)) => a < b,
        (Basic::Uint(a), Basic::Uint(b)) => a < b,
        (Basic::Float(a), Basic::Float(b)) => a < b,
        (Basic::String(a), Basic::String(b)) => a < b,
        (Basic::Int(a), Basic::Uint(b)) => compare_signs(a, b) == Ordering::Less,
        (Basic::Uint(a), Basic::Int(b)) => compare_signs(b, a) == Ordering::Greater,
        (Basic::Bool(_), Basic::Bool(_)) | (Basic::Complex(..), Basic::Complex(..)) => return Err(NO_ORDER.into()),
        _ => return Err(incompatible(a, b)),
    })
}

/// Whether `a <= b`: Go's `le`, which asks `lt` and then `eq`.
pub(super) fn less_or_equal(a: &Operand, b: &Operand) -> Result<bool, String> {
    Ok(less(a, b)? || equal(a, std::slice::from_ref(b))?)
}
