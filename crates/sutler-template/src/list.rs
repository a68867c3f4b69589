//! [`List`]: a Go slice. Nothing in the language or in Helm's functions writes into a slice, so a list never changes;
//! maps inside it do, and are shared by alias.

use std::sync::Arc;

use crate::text::Str;
use crate::types::{self, Type};
use crate::value::{self, Value};

/// A Go slice with its type: `[]interface {}` unless said otherwise. Cloning shares the elements.
///
/// ```
/// use sutler_template::{List, Value};
///
/// let list: List = ["a", "b"].into_iter().map(Value::from).collect();
/// assert_eq!(list.len(), 2);
/// assert_eq!(list.go_type().name, "[]interface {}");
/// ```
#[derive(Clone)]
pub struct List {
    items: Option<Arc<Items>>,
    go_type: &'static Type,
}

/// The elements. Behind one pointer so that a [`Value`] stays at 24 bytes.
pub(crate) enum Items {
    Values(Vec<Value>),
    /// The elements of a `[]uint8`, which as values would take 24 times the room.
    Bytes(Str),
}

impl List {
    /// A list of any values: `[]interface {}`.
    pub fn new(items: Vec<Value>) -> Self {
        Self::with_type(items, &types::LIST)
    }

    /// A list of type `go_type`, whose elements are the caller's responsibility.
    pub fn with_type(items: Vec<Value>, go_type: &'static Type) -> Self {
        Self { items: Some(Arc::new(Items::Values(items))), go_type }
    }

    /// The nil slice of type `go_type`: as an empty list everywhere but in JSON and in comparison with nil.
    pub fn nil(go_type: &'static Type) -> Self {
        Self { items: None, go_type }
    }

    /// A `[]string`.
    pub fn strings<S: Into<Str>>(items: impl IntoIterator<Item = S>) -> Self {
        Self::with_type(items.into_iter().map(|item| Value::String(item.into())).collect(), &types::STRINGS)
    }

    /// A `[]int`.
    pub fn ints(items: impl IntoIterator<Item = i64>) -> Self {
        Self::with_type(items.into_iter().map(Value::Int).collect(), &types::INTS)
    }

    /// A `[]byte`.
    pub fn bytes(bytes: Str) -> Self {
        Self { items: Some(Arc::new(Items::Bytes(bytes))), go_type: &types::BYTES }
    }

    /// The type.
    pub fn go_type(&self) -> &'static Type {
        self.go_type
    }

    /// The same elements under another type of the same structure.
    pub fn as_type(&self, go_type: &'static Type) -> Self {
        Self { items: self.items.clone(), go_type }
    }

    /// Whether it is the nil slice.
    pub fn is_nil(&self) -> bool {
        self.items.is_none()
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        match self.items.as_deref() {
            Some(Items::Values(values)) => values.len(),
            Some(Items::Bytes(bytes)) => bytes.len(),
            _ => 0,
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at `index`.
    pub fn get(&self, index: usize) -> Option<Value> {
        match self.items.as_deref()? {
            Items::Values(values) => values.get(index).cloned(),
            Items::Bytes(bytes) => bytes.as_bytes().get(index).copied().map(Value::Uint8),
        }
    }

    /// The elements in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Value> + DoubleEndedIterator + '_ {
        (0..self.len()).map(|index| self.get(index).unwrap_or(Value::Nil))
    }

    /// The elements, copied.
    pub fn to_vec(&self) -> Vec<Value> {
        self.iter().collect()
    }

    /// The bytes of a `[]uint8` made by [`List::bytes`].
    pub fn as_bytes(&self) -> Option<&Str> {
        match self.items.as_deref() {
            Some(Items::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// The elements as a slice, unless it is a list made by [`List::bytes`].
    pub fn as_values(&self) -> Option<&[Value]> {
        match self.items.as_deref() {
            Some(Items::Values(values)) => Some(values),
            Some(Items::Bytes(_)) => None,
            None => Some(&[]),
        }
    }

    /// The elements from `start` up to `end`, clamped to what there is.
    pub fn slice(&self, start: usize, end: usize) -> Self {
        let end = end.min(self.len());
        let start = start.min(end);
        let items = self.items.as_deref().map(|items| {
            Arc::new(match items {
                Items::Values(values) => Items::Values(values[start..end].to_vec()),
                Items::Bytes(bytes) => Items::Bytes(Str::from_bytes(&bytes.as_bytes()[start..end])),
            })
        });
        Self { items, go_type: self.go_type }
    }

    /// Whether both are the same list, not merely equal ones.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        match (&self.items, &other.items) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }

    /// About how many bytes the elements take, if nothing else holds them.
    pub(crate) fn size_if_unshared(&self) -> usize {
        match &self.items {
            Some(items) if Arc::strong_count(items) == 1 => match &**items {
                Items::Values(values) => value::ELEMENT * values.len(),
                Items::Bytes(bytes) => bytes.size_if_unshared(),
            },
            _ => 0,
        }
    }

    pub(crate) fn items(&self) -> Option<&Arc<Items>> {
        self.items.as_ref()
    }

    pub(crate) fn into_owned_values(self) -> Option<Vec<Value>> {
        match Arc::into_inner(self.items?) {
            Some(mut items) => items.take_values(),
            None => None,
        }
    }
}

impl Items {
    /// The elements, unless they are bytes.
    pub(crate) fn values(&self) -> &[Value] {
        match self {
            Items::Values(values) => values,
            Items::Bytes(_) => &[],
        }
    }

    fn take_values(&mut self) -> Option<Vec<Value>> {
        match self {
            Items::Values(values) => Some(std::mem::take(values)),
            Items::Bytes(_) => None,
        }
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        if let Some(values) = self.take_values() {
            value::drop_flat(values);
        }
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::new(items.into_iter().collect())
    }
}

impl From<Vec<Value>> for List {
    fn from(items: Vec<Value>) -> Self {
        Self::new(items)
    }
}
