//! What a value comes to when it is walked from end to end, as printing, encoding, copying and comparing do.
//!
//! A few maps that hold one another twice are small in memory and endless when written out: sixty of them are 2⁶⁰ texts. Whoever is
//! about to walk a value therefore asks first.

use crate::value::Value;

/// Bytes that a value takes besides its text, about: in memory as well as written.
const EACH: usize = 32;

/// Values nested deeper are left to the one who walks: those that contain themselves have no end, and each walker its own answer.
const DEEPEST: usize = 10_000;

/// Whether walking the value comes to at most so many bytes. Takes time up to that bound, and memory as the value is nested.
pub(crate) fn is_within(value: &Value, most: usize) -> bool {
    if value.is_plain() {
        return true;
    }
    let mut total = 0_usize;
    let mut waiting = vec![(value.clone(), 0)];
    while let Some((value, depth)) = waiting.pop() {
        // What lies deeper is indented further.
        let text = value.as_string().map_or(0, |text| text.len());
        total = total.saturating_add(EACH + depth + text);
        if total > most {
            return false;
        }
        if depth == DEEPEST {
            continue;
        }
        match &value {
            Value::Map(map) => {
                for (key, inner) in map.entries() {
                    total = total.saturating_add(key.len());
                    waiting.push((inner, depth + 1));
                }
            }
            Value::List(list) if list.as_bytes().is_none() => {
                waiting.extend(list.iter().map(|inner| (inner, depth + 1)));
            }
            Value::List(list) => total = total.saturating_add(list.len()),
            _ => {}
        }
    }
    total <= most
}

#[cfg(test)]
mod tests {
    use super::is_within;
    use crate::{List, Map, Value};

    fn doubled(levels: usize) -> Value {
        let mut value = Value::Map(Map::new());
        for _ in 0..levels {
            let outer = Map::new();
            outer.insert("a", value.clone()).unwrap();
            outer.insert("b", value).unwrap();
            value = Value::Map(outer);
        }
        value
    }

    #[test]
    fn what_holds_another_value_twice_counts_twice() {
        assert!(is_within(&doubled(3), 1_000));
        assert!(!is_within(&doubled(6), 1_000));
        assert!(!is_within(&doubled(60), 1 << 20));
    }

    #[test]
    fn texts_count_by_their_length_and_a_text_alone_not_at_all() {
        let text = Value::from("x".repeat(500));
        assert!(is_within(&text, 10));
        assert!(!is_within(&Value::List(List::new(vec![text.clone(), text])), 1_000));
    }

    #[test]
    fn a_value_that_contains_itself_once_is_left_to_the_walker() {
        let map = Map::new();
        map.insert("self", Value::Map(map.clone())).unwrap();
        assert!(is_within(&Value::Map(map), 1 << 30));
    }
}
