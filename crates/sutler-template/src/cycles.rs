//! Values that contain themselves: a template can make them (`set $map "self" $map`), and reference counts alone would
//! never free them. A [`CycleScope`] does.

use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, Weak};

use crate::list::Items;
use crate::map::Cell;
use crate::value::Value;

thread_local! {
    /// Of each open scope of this thread, the maps into which a map or list was put: no cycle is without one.
    static SUSPECTS: RefCell<Vec<Vec<Weak<Cell>>>> = const { RefCell::new(Vec::new()) };
}

/// Frees, when dropped, the cycles made in this thread since it was entered and held by nothing else. What is still held
/// from outside stays as it is, and is looked at again by the scope around, if there is one.
///
/// Without a scope, cycles stay until the process ends. No other thread may be changing the same values while a scope
/// ends.
///
/// ```
/// use sutler_template::{CycleScope, Map, Value};
///
/// let scope = CycleScope::enter();
/// let map = Map::new();
/// map.insert("self", Value::Map(map.clone()))?;
/// drop(map);
/// drop(scope); // the map is freed here
/// # Ok::<(), sutler_template::NilMapError>(())
/// ```
#[derive(Debug)]
pub struct CycleScope {
    /// A scope belongs to the thread that entered it.
    not_send: PhantomData<*const ()>,
}

impl CycleScope {
    /// Begins to watch the maps changed in this thread.
    #[must_use = "cycles are freed when the scope is dropped"]
    pub fn enter() -> Self {
        SUSPECTS.with_borrow_mut(|scopes| scopes.push(Vec::new()));
        Self { not_send: PhantomData }
    }
}

impl Drop for CycleScope {
    fn drop(&mut self) {
        let suspects = SUSPECTS.with_borrow_mut(Vec::pop).unwrap_or_default();
        let alive: Vec<Arc<Cell>> = suspects.iter().filter_map(Weak::upgrade).collect();
        if alive.is_empty() {
            return;
        }
        for garbage in unreachable(alive) {
            garbage.clear();
        }
        SUSPECTS.with_borrow_mut(|scopes| {
            if let Some(around) = scopes.last_mut() {
                around.extend(suspects.into_iter().filter(|suspect| suspect.strong_count() > 0));
            }
        });
    }
}

/// Notes that `value` was put into the map.
pub(crate) fn suspect(map: &Arc<Cell>, value: &Value) {
    if value.is_plain() {
        return;
    }
    SUSPECTS.with_borrow_mut(|scopes| {
        if let Some(suspects) = scopes.last_mut() {
            suspects.push(Arc::downgrade(map));
        }
    });
}

/// A map or list met while following references.
enum Node {
    Map(Arc<Cell>),
    List(Arc<Items>),
}

impl Node {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Map(map) => map.cell().cloned().map(Self::Map),
            Value::List(list) => list.items().cloned().map(Self::List),
            _ => None,
        }
    }

    fn address(&self) -> usize {
        match self {
            Self::Map(cell) => Arc::as_ptr(cell).addr(),
            Self::List(items) => Arc::as_ptr(items).addr(),
        }
    }

    /// How many references there are, but for this one.
    fn references(&self) -> usize {
        match self {
            Self::Map(cell) => Arc::strong_count(cell) - 1,
            Self::List(items) => Arc::strong_count(items) - 1,
        }
    }

    fn children(&self) -> Vec<Node> {
        match self {
            Self::Map(cell) => cell.live_values(|values| values.filter_map(Node::of).collect()),
            Self::List(items) => items.values().iter().filter_map(Node::of).collect(),
        }
    }
}

struct Visited {
    node: Node,
    /// The indexes of what it refers to.
    children: Vec<usize>,
    /// References from what was visited.
    from_inside: usize,
    live: bool,
}

/// The maps that can be reached from the suspects and are held by nothing but each other.
fn unreachable(suspects: Vec<Arc<Cell>>) -> Vec<Arc<Cell>> {
    let mut visited: Vec<Visited> = Vec::new();
    let mut indexes: HashMap<usize, usize> = HashMap::new();
    let mut visit = |node: Node, visited: &mut Vec<Visited>| {
        *indexes.entry(node.address()).or_insert_with(|| {
            visited.push(Visited { node, children: Vec::new(), from_inside: 0, live: false });
            visited.len() - 1
        })
    };
    for suspect in suspects {
        visit(Node::Map(suspect), &mut visited);
    }
    let mut next = 0;
    while next < visited.len() {
        // The nodes of `children` are references of their own; they are gone by the time references are counted.
        for child in visited[next].node.children() {
            let child = visit(child, &mut visited);
            visited[next].children.push(child);
            visited[child].from_inside += 1;
        }
        next += 1;
    }
    let mut live: Vec<usize> =
        (0..visited.len()).filter(|index| visited[*index].node.references() > visited[*index].from_inside).collect();
    while let Some(index) = live.pop() {
        if !std::mem::replace(&mut visited[index].live, true) {
            live.extend_from_slice(&visited[index].children);
        }
    }
    let garbage = visited.into_iter().filter(|visited| !visited.live);
    garbage
        .filter_map(|visited| match visited.node {
            Node::Map(cell) => Some(cell),
            Node::List(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::List;
    use crate::map::Map;

    fn insert(map: &Map, key: &str, value: Value) {
        map.insert(key, value).expect("it is not the nil map");
    }

    fn weak(map: &Map) -> Weak<Cell> {
        Arc::downgrade(map.cell().expect("it is not the nil map"))
    }

    #[test]
    fn a_cycle_through_maps_and_lists_is_freed_when_the_scope_ends() {
        let scope = CycleScope::enter();
        let (a, b) = (Map::new(), Map::new());
        insert(&a, "b", Value::List(List::new(vec![Value::Map(b.clone())])));
        insert(&b, "a", Value::Map(a.clone()));
        insert(&a, "self", Value::Map(a.clone()));
        let (weak_a, weak_b) = (weak(&a), weak(&b));
        drop((a, b));
        assert!(weak_a.upgrade().is_some() && weak_b.upgrade().is_some(), "they hold each other");
        drop(scope);
        assert!(weak_a.upgrade().is_none() && weak_b.upgrade().is_none());
    }

    #[test]
    fn what_is_held_from_outside_is_left_to_the_scope_around() {
        let outer = CycleScope::enter();
        let (root, inner) = (Map::new(), Map::new());
        {
            let _scope = CycleScope::enter();
            insert(&root, "inner", Value::Map(inner.clone()));
            insert(&inner, "root", Value::Map(root.clone()));
        }
        assert_eq!(root.len(), 1, "the root is in use");
        let weak_root = weak(&root);
        drop((root, inner));
        assert!(weak_root.upgrade().is_some());
        drop(outer);
        assert!(weak_root.upgrade().is_none());
    }
}
