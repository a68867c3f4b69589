//! [`Map`]: a Go map with string keys: shared and changed by alias, iterated in bytewise order; and [`Frozen`] values,
//! over which live maps are laid without copying them.
//!
//! A frozen map becomes live one level at a time: as long as only plain values are read from it, nothing is copied;
//! when a map or list in it is first handed out, that level is copied, since every later reader must get the same alias.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::cycles;
use crate::list::List;
use crate::text::Str;
use crate::types::{self, Type};
use crate::value::{self, Value};

pub(crate) type Entries = BTreeMap<Str, Value>;

/// A Go map from strings, `map[string]interface {}` unless said otherwise. Cloning makes an alias: what is set through
/// one is seen through all, from any thread.
///
/// ```
/// use sutler_template::{Map, Value};
///
/// let map = Map::new();
/// let alias = map.clone();
/// alias.insert("replicas", Value::Int(2)).expect("it is not the nil map");
/// assert_eq!(map.get("replicas"), Some(Value::Int(2)));
/// ```
#[derive(Clone)]
pub struct Map {
    cell: Option<Arc<Cell>>,
    go_type: &'static Type,
}

pub(crate) struct Cell {
    state: RwLock<State>,
}

enum State {
    Live(Entries),
    /// Entries that others share. Maps and lists in them are frozen and never handed out as they are.
    Frozen(Arc<Entries>),
}

/// An entry was set in a nil map; Go panics with this text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("assignment to entry in nil map")]
pub struct NilMapError;

impl Map {
    /// An empty `map[string]interface {}`.
    pub fn new() -> Self {
        Self::with_type(&types::MAP)
    }

    /// An empty map of type `go_type`.
    pub fn with_type(go_type: &'static Type) -> Self {
        Self::from_entries(Entries::new(), go_type)
    }

    /// The nil map of type `go_type`: reads as empty, refuses writing.
    pub fn nil(go_type: &'static Type) -> Self {
        Self { cell: None, go_type }
    }

    fn from_entries(entries: Entries, go_type: &'static Type) -> Self {
        Self::from_state(State::Live(entries), go_type)
    }

    fn from_state(state: State, go_type: &'static Type) -> Self {
        Self { cell: Some(Arc::new(Cell { state: RwLock::new(state) })), go_type }
    }

    /// The type.
    pub fn go_type(&self) -> &'static Type {
        self.go_type
    }

    /// An alias of this map under another type of the same structure.
    pub fn as_type(&self, go_type: &'static Type) -> Self {
        Self { cell: self.cell.clone(), go_type }
    }

    /// Whether it is the nil map.
    pub fn is_nil(&self) -> bool {
        self.cell.is_none()
    }

    /// Whether both are aliases of one map.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        match (&self.cell, &other.cell) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.read(Entries::len).unwrap_or(0)
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is an entry for `key`.
    pub fn contains_key(&self, key: impl AsRef<[u8]>) -> bool {
        self.read(|entries| entries.contains_key(key.as_ref())).unwrap_or(false)
    }

    /// The value for `key`; a map or list in it is an alias.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        let cell = self.cell.as_ref()?;
        match &*cell.read() {
            State::Live(entries) => return entries.get(key.as_ref()).cloned(),
            State::Frozen(entries) => match entries.get(key.as_ref())? {
                Value::Map(_) | Value::List(_) => {}
                plain => return Some(plain.clone()),
            },
        }
        cell.write_live(|entries| entries.get(key.as_ref()).cloned())
    }

    /// Sets the value for `key`, seen through all aliases. Returns what was there.
    ///
    /// # Errors
    /// If this is the nil map.
    pub fn insert(&self, key: impl Into<Str>, value: Value) -> Result<Option<Value>, NilMapError> {
        let cell = self.cell.as_ref().ok_or(NilMapError)?;
        let key = key.into();
        cycles::suspect(cell, &value);
        Ok(cell.write_live(|entries| entries.insert(key, value)))
    }

    /// Removes the entry for `key`, seen through all aliases. Returns what was there.
    pub fn remove(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        self.cell.as_ref()?.write_live(|entries| entries.remove(key.as_ref()))
    }

    /// The keys as of now, in bytewise order.
    pub fn keys(&self) -> Vec<Str> {
        self.read(|entries| entries.keys().cloned().collect()).unwrap_or_default()
    }

    /// The entries as of now, in bytewise order of the keys; maps and lists in them are aliases.
    pub fn entries(&self) -> Vec<(Str, Value)> {
        let copy = |entries: &Entries| entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let Some(cell) = self.cell.as_ref() else { return Vec::new() };
        match &*cell.read() {
            State::Live(entries) => return copy(entries),
            State::Frozen(entries) if entries.values().all(Value::is_plain) => return copy(entries),
            State::Frozen(_) => {}
        }
        cell.write_live(|entries| copy(entries))
    }

    /// The values as of now, in bytewise order of the keys; maps and lists in them are aliases.
    pub fn values(&self) -> Vec<Value> {
        self.entries().into_iter().map(|(_, value)| value).collect()
    }

    /// A new map with the same entries and type; maps and lists in them are aliases.
    pub fn shallow_copy(&self) -> Self {
        self.entries().into_iter().collect::<Self>().as_type(self.go_type)
    }

    fn read<T>(&self, look: impl FnOnce(&Entries) -> T) -> Option<T> {
        let cell = self.cell.as_ref()?;
        Some(match &*cell.read() {
            State::Live(entries) => look(entries),
            State::Frozen(entries) => look(entries),
        })
    }

    /// A frozen deep copy.
    fn freeze(&self, depth: usize) -> Result<Self, FreezeError> {
        let Some(cell) = self.cell.as_ref() else { return Ok(self.clone()) };
        if let State::Frozen(entries) = &*cell.read() {
            return Ok(Self::from_state(State::Frozen(entries.clone()), self.go_type));
        }
        let mut frozen = Entries::new();
        for (key, value) in self.entries() {
            frozen.insert(key, freeze(&value, depth + 1)?);
        }
        Ok(Self::from_state(State::Frozen(Arc::new(frozen)), self.go_type))
    }

    /// A live map over this frozen one.
    fn thaw(&self) -> Self {
        let Some(cell) = self.cell.as_ref() else { return self.clone() };
        let state = match &*cell.read() {
            State::Frozen(entries) => State::Frozen(entries.clone()),
            // `freeze` makes only frozen maps; were there a live one, sharing it is all that can be done.
            State::Live(_) => return self.clone(),
        };
        Self::from_state(state, self.go_type)
    }

    /// About how many bytes the entries take, if nothing else holds them.
    pub(crate) fn size_if_unshared(&self) -> usize {
        match &self.cell {
            Some(cell) if Arc::strong_count(cell) == 1 => value::ELEMENT * self.len(),
            _ => 0,
        }
    }

    pub(crate) fn cell(&self) -> Option<&Arc<Cell>> {
        self.cell.as_ref()
    }

    pub(crate) fn into_owned_values(self) -> Option<impl Iterator<Item = Value>> {
        let mut cell = Arc::into_inner(self.cell?)?;
        cell.take_values()
    }
}

impl Cell {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        // Nothing panics while holding the lock but for lack of memory; entries are whole in any case.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `change` on the entries, first made live. What it returns is dropped after the lock is released, which
    /// matters: dropping a value may take this lock again.
    fn write_live<T>(&self, change: impl FnOnce(&mut Entries) -> T) -> T {
        let mut state = self.write();
        if let State::Frozen(entries) = &*state {
            let live = entries.iter().map(|(key, value)| (key.clone(), thaw(value))).collect();
            *state = State::Live(live);
        }
        match &mut *state {
            State::Live(entries) => change(entries),
            State::Frozen(_) => unreachable!("made live above"),
        }
    }

    /// Looks at the values, unless they are frozen: those are never part of a cycle.
    pub(crate) fn live_values<T: Default>(&self, look: impl FnOnce(&mut dyn Iterator<Item = &Value>) -> T) -> T {
        match &*self.read() {
            State::Live(entries) => look(&mut entries.values()),
            State::Frozen(_) => T::default(),
        }
    }

    /// Removes all entries.
    pub(crate) fn clear(&self) {
        // What was there is dropped after the lock is released: it may hold this very map.
        let entries = self.write_live(std::mem::take);
        drop(entries);
    }

    fn take_values(&mut self) -> Option<impl Iterator<Item = Value> + use<>> {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let entries = match std::mem::replace(state, State::Live(Entries::new())) {
            State::Live(entries) => entries,
            State::Frozen(entries) => Arc::into_inner(entries)?,
        };
        Some(entries.into_values())
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        if let Some(values) = self.take_values() {
            value::drop_flat(values);
        }
    }
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

/// Collects a `map[string]interface {}`; of equal keys the last counts.
impl<K: Into<Str>> FromIterator<(K, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        Self::from_entries(entries.into_iter().map(|(key, value)| (key.into(), value)).collect(), &types::MAP)
    }
}

/// A value that never changes, to be shared by any number of renderings, each of which may change what it sees of it
/// (chart defaults, for one).
///
/// ```
/// use sutler_template::{Frozen, Map, Value};
///
/// let defaults: Map = [("image", Value::Map([("tag", Value::from("1.0"))].into_iter().collect()))].into_iter().collect();
/// let frozen = Frozen::new(&Value::Map(defaults))?;
///
/// let (one, other) = (frozen.thaw(), frozen.thaw());
/// let image = one.get("image").expect("there is one");
/// image.as_map().expect("it is a map").insert("tag", Value::from("2.0"))?;
/// assert_eq!(one.get("image").and_then(|image| image.get("tag")), Some(Value::from("2.0")));
/// assert_eq!(other.get("image").and_then(|image| image.get("tag")), Some(Value::from("1.0")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Frozen(Value);

/// A value could not be frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("value is nested more than {MAX_DEPTH} deep, or contains itself")]
pub struct FreezeError;

/// As deep as Go's YAML and JSON readers go.
const MAX_DEPTH: usize = value::deepest(10_000, 300);

impl Frozen {
    /// A frozen copy of `value`. Opaque objects are shared.
    ///
    /// # Errors
    /// If the value is nested more than 10,000 deep, as one is that contains itself.
    pub fn new(value: &Value) -> Result<Self, FreezeError> {
        freeze(value, 0).map(Self)
    }

    /// A live value over this one, independent of all others. Costs next to nothing for a map.
    pub fn thaw(&self) -> Value {
        thaw(&self.0)
    }
}

fn freeze(value: &Value, depth: usize) -> Result<Value, FreezeError> {
    if depth > MAX_DEPTH {
        return Err(FreezeError);
    }
    value::on_deep_stack(|| match value {
        Value::Map(map) => map.freeze(depth).map(Value::Map),
        Value::List(list) => convert_list(list, |item| freeze(item, depth + 1)).map(Value::List),
        plain => Ok(plain.clone()),
    })
}

fn thaw(value: &Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(map.thaw()),
        Value::List(list) => value::on_deep_stack(|| {
            let Ok(list) = convert_list(list, |item| Ok::<_, std::convert::Infallible>(thaw(item)));
            Value::List(list)
        }),
        plain => plain.clone(),
    }
}

fn convert_list<E>(list: &List, convert: impl FnMut(&Value) -> Result<Value, E>) -> Result<List, E> {
    match list.as_values() {
        Some(values) if !values.iter().all(Value::is_plain) => {
            Ok(List::with_type(values.iter().map(convert).collect::<Result<_, E>>()?, list.go_type()))
        }
        _ => Ok(list.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
        Value::Map(entries.into_iter().collect())
    }

    #[test]
    fn an_alias_under_another_type_is_the_same_map() {
        static VALUES: Type = Type::named("common.Values", &types::MAP);
        let plain = Map::new();
        let values = plain.as_type(&VALUES);
        values.insert("a", Value::Int(1)).expect("it is not the nil map");
        assert_eq!(plain.get("a"), Some(Value::Int(1)));
        assert!(plain.ptr_eq(&values) && !plain.shallow_copy().ptr_eq(&plain));
        assert_eq!(values.shallow_copy().go_type().name, "common.Values");
    }

    #[test]
    fn the_nil_map_reads_as_empty_and_refuses_writing() {
        let nil = Map::nil(&types::MAP);
        assert_eq!((nil.len(), nil.get("a"), nil.remove("a"), nil.keys()), (0, None, None, vec![]));
        assert_eq!(nil.insert("a", Value::Nil), Err(NilMapError));
    }

    #[test]
    fn a_thawed_map_gives_the_same_alias_each_time_also_within_lists() {
        let list = Value::List(List::new(vec![Value::List(List::new(vec![map([("x", Value::Int(1))])]))]));
        let frozen = Frozen::new(&map([("list", list), ("plain", Value::Int(1))])).expect("it is not deep");
        let (one, other) = (frozen.thaw(), frozen.thaw());
        let inner = |value: &Value| {
            let outer = value.get("list").and_then(|list| list.as_list()?.get(0));
            outer.and_then(|list| list.as_list()?.get(0)).expect("it is there")
        };
        assert_eq!(one.get("plain"), Some(Value::Int(1)));
        inner(&one).as_map().expect("it is a map").insert("x", Value::Int(2)).expect("it is not the nil map");
        assert_eq!(inner(&one).get("x"), Some(Value::Int(2)));
        assert_eq!(inner(&other).get("x"), Some(Value::Int(1)));
        assert_eq!(inner(&frozen.thaw()).get("x"), Some(Value::Int(1)));
    }

    #[test]
    fn freezing_copies_so_that_later_changes_are_not_seen() {
        let inner = map([("x", Value::Int(1))]);
        let frozen = Frozen::new(&map([("inner", inner.clone())])).expect("it is not deep");
        inner.as_map().expect("it is a map").insert("x", Value::Int(2)).expect("it is not the nil map");
        assert_eq!(frozen.thaw(), map([("inner", map([("x", Value::Int(1))]))]));
    }
}
