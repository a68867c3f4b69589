//! What `range` goes over.

use crate::list::List;
use crate::print::printf;
use crate::text::Str;
use crate::types::Type;
use crate::value::Value;

use super::operand::Operand;

/// Elements to come, each with what the first of two variables gets.
pub(super) enum Items {
    List {
        list: List,
        next: usize,
    },
    /// The entries of a map as they were when the loop began.
    Entries {
        entries: std::vec::IntoIter<(Str, Value)>,
        elem: Option<&'static Type>,
    },
    /// From `next` to below `end`, in the type of `like`.
    Integers {
        next: i128,
        end: i128,
        like: Value,
    },
}

impl Items {
    /// No elements.
    pub(super) fn none() -> Self {
        Self::Integers { next: 0, end: 0, like: Value::Int(0) }
    }

    /// The elements of `value`, for a loop with so many variables.
    ///
    /// # Errors
    /// Go's message, if there is no going over it.
    pub(super) fn of(value: &Value, variables: usize) -> Result<Self, String> {
        let shown = || {
            let mut text = Vec::new();
            printf(&mut text, b"%v", std::slice::from_ref(value));
            String::from_utf8_lossy(&text).into_owned()
        };
        match value {
            Value::List(list) => Ok(Self::List { list: list.clone(), next: 0 }),
            Value::Map(map) => Ok(Self::Entries { entries: map.entries().into_iter(), elem: map.go_type().elem }),
            Value::Object(object) => match object.underlying() {
                Some(plain) => Self::of(&plain, variables),
                None => Err(format!("range can't iterate over {}", shown())),
            },
            _ => {
                let signed = value.as_signed().map(i128::from);
                let Some(end) = signed.or_else(|| value.as_unsigned().map(i128::from)) else {
                    return Err(format!("range can't iterate over {}", shown()));
                };
                if variables > 1 {
                    return Err(format!("can't use {} to iterate over more than one variable", shown()));
                }
                Ok(Self::Integers { next: 0, end, like: value.clone() })
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::List { list, next } => *next >= list.len(),
            Self::Entries { entries, .. } => entries.as_slice().is_empty(),
            Self::Integers { next, end, .. } => next >= end,
        }
    }

    /// The next element, with its index or key.
    pub(super) fn next(&mut self) -> Option<(Operand, Operand)> {
        match self {
            Self::List { list, next } => {
                let element = list.get(*next)?;
                let index = Value::Int(i64::try_from(*next).unwrap_or(i64::MAX));
                *next += 1;
                Some((Operand::Concrete(index), Operand::of_type(element, list.go_type().elem)))
            }
            Self::Entries { entries, elem } => {
                let (key, value) = entries.next()?;
                Some((Operand::Concrete(Value::String(key)), Operand::of_type(value, *elem)))
            }
            Self::Integers { next, end, like } => {
                if next >= end {
                    return None;
                }
                let number = integer_like(like, *next);
                *next += 1;
                Some((Operand::Invalid, Operand::Concrete(number)))
            }
        }
    }
}

/// `number`, which is below one of the type of `like`, in that type.
fn integer_like(like: &Value, number: i128) -> Value {
    match like {
        Value::Int8(_) => Value::Int8(number as i8),
        Value::Int16(_) => Value::Int16(number as i16),
        Value::Int32(_) => Value::Int32(number as i32),
        Value::Int64(_) => Value::Int64(number as i64),
        Value::Uint(_) => Value::Uint(number as u64),
        Value::Uint8(_) => Value::Uint8(number as u8),
        Value::Uint16(_) => Value::Uint16(number as u16),
        Value::Uint32(_) => Value::Uint32(number as u32),
        Value::Uint64(_) => Value::Uint64(number as u64),
        _ => Value::Int(number as i64),
    }
}
