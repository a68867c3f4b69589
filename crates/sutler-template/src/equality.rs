//! Deep equality of values, as Go's `reflect.DeepEqual`: types count, nil and empty differ, NaN is not itself, and
//! values that contain themselves are compared to an end.

use std::sync::Arc;

use crate::list::List;
use crate::map::Map;
use crate::object::Object;
use crate::value::{Value, on_deep_stack};

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        equal(self, other, &mut Vec::new())
    }
}

/// `open` holds the pairs of maps being compared: meeting one again means a cycle, which cannot differ here.
fn equal(a: &Value, b: &Value, open: &mut Vec<(Map, Map)>) -> bool {
    match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) | (Value::Int64(a), Value::Int64(b)) => a == b,
        (Value::Int8(a), Value::Int8(b)) => a == b,
        (Value::Int16(a), Value::Int16(b)) => a == b,
        (Value::Int32(a), Value::Int32(b)) => a == b,
        (Value::Uint(a), Value::Uint(b)) | (Value::Uint64(a), Value::Uint64(b)) => a == b,
        (Value::Uint8(a), Value::Uint8(b)) => a == b,
        (Value::Uint16(a), Value::Uint16(b)) => a == b,
        (Value::Uint32(a), Value::Uint32(b)) => a == b,
        (Value::Float32(a), Value::Float32(b)) => a == b,
        (Value::Float64(a), Value::Float64(b)) => a == b,
        (Value::Complex128(a, i), Value::Complex128(b, j)) => a == b && i == j,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::List(a), Value::List(b)) => equal_lists(a, b, open),
        (Value::Map(a), Value::Map(b)) => equal_maps(a, b, open),
        (Value::Object(a), Value::Object(b)) => equal_objects(a, b, open),
        // Go: functions are equal only if both are nil, which ours never are.
        _ => false,
    }
}

fn equal_lists(a: &List, b: &List, open: &mut Vec<(Map, Map)>) -> bool {
    if !a.go_type().is(b.go_type()) || a.is_nil() != b.is_nil() || a.len() != b.len() {
        return false;
    }
    a.ptr_eq(b) || on_deep_stack(|| a.iter().zip(b.iter()).all(|(a, b)| equal(&a, &b, open)))
}

fn equal_maps(a: &Map, b: &Map, open: &mut Vec<(Map, Map)>) -> bool {
    if !a.go_type().is(b.go_type()) || a.is_nil() != b.is_nil() {
        return false;
    }
    if a.ptr_eq(b) || open.iter().any(|(x, y)| x.ptr_eq(a) && y.ptr_eq(b)) {
        return true;
    }
    let (entries, others) = (a.entries(), b.entries());
    if entries.len() != others.len() {
        return false;
    }
    open.push((a.clone(), b.clone()));
    let same =
        on_deep_stack(|| entries.iter().zip(&others).all(|((key, a), (other, b))| key == other && equal(a, b, open)));
    open.pop();
    same
}

fn equal_objects(a: &Arc<dyn Object>, b: &Arc<dyn Object>, open: &mut Vec<(Map, Map)>) -> bool {
    if Arc::ptr_eq(a, b) {
        return true;
    }
    if !a.go_type().is(b.go_type()) {
        return false;
    }
    on_deep_stack(|| match (a.underlying(), b.underlying()) {
        (Some(a), Some(b)) => equal(&a, &b, open),
        (None, None) => {
            let (fields, others) = (a.fields(), b.fields());
            fields.len() == others.len() && fields.iter().zip(&others).all(|((_, a), (_, b))| equal(a, b, open))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use crate::{List, Map, Value};

    #[test]
    fn types_count_in_equality() {
        assert_eq!(Value::Int(1), Value::Int(1));
        assert_ne!(Value::Int(1), Value::Int64(1));
        assert_ne!(Value::from(List::strings(["a"])), Value::from(List::new(vec![Value::from("a")])));
        assert_ne!(Value::from(List::nil(&crate::types::LIST)), Value::empty_list());
        assert_ne!(Value::Float64(f64::NAN), Value::Float64(f64::NAN));
    }

    #[test]
    fn maps_that_contain_themselves_are_compared_to_an_end() {
        let cyclic = || {
            let map = Map::new();
            map.insert("self", Value::Map(map.clone())).expect("it is not the nil map");
            map
        };
        let (a, b) = (cyclic(), cyclic());
        assert_eq!(Value::Map(a.clone()), Value::Map(b.clone()));
        a.insert("x", Value::Int(1)).expect("it is not the nil map");
        assert_ne!(Value::Map(a.clone()), Value::Map(b.clone()));
        a.remove("self");
        b.remove("self");
    }
}
