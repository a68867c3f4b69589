//! `status.conditions`: setting one by its type.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::controllers::times::stamp;

/// A condition to be set.
#[derive(Debug, Clone)]
pub(crate) struct Condition<'a> {
    pub(crate) kind: &'a str,
    pub(crate) status: bool,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

/// Sets a condition in a list of them; the time of transition changes only with its status.
pub(crate) fn set(conditions: &mut Value, condition: &Condition<'_>, now: Timestamp) {
    let status = if condition.status { "True" } else { "False" };
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let Some(list) = conditions.as_array_mut() else { return };
    let known = list.iter_mut().find(|known| known["type"] == condition.kind);
    let transition = match &known {
        Some(known) if known["status"] == status => known["lastTransitionTime"].clone(),
        _ => stamp(now),
    };
    let mut value = json!({"type": condition.kind, "status": status, "lastTransitionTime": transition});
    for (field, text) in [("reason", condition.reason), ("message", condition.message)] {
        if !text.is_empty() {
            value[field] = json!(text);
        }
    }
    match known {
        Some(known) => *known = value,
        None => list.push(value),
    }
}

/// Takes a condition out.
pub(crate) fn remove(conditions: &mut Value, kind: &str) {
    if let Some(list) = conditions.as_array_mut() {
        list.retain(|condition| condition["type"] != kind);
    }
}

/// A condition of an object's status.
pub(crate) fn find<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// Whether a condition of an object's status is `True`.
pub(crate) fn is_true(object: &Value, kind: &str) -> bool {
    find(object, kind).is_some_and(|condition| condition["status"] == "True")
}
