//! Pending timers: which controller wants to look at which key, and when. At most one for each pair.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::key::ObjectKey;

/// Timers by due time.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeMap<(String, ObjectKey), Timestamp>,
    by_time: BTreeSet<(Timestamp, String, ObjectKey)>,
}

impl Timers {
    /// Sets or moves a timer; false when it was already due at that time.
    pub(crate) fn set(&mut self, controller: &str, key: &ObjectKey, at: Timestamp) -> bool {
        let old = self.due.insert((controller.to_string(), key.clone()), at);
        if old == Some(at) {
            return false;
        }
        if let Some(old) = old {
            self.by_time.remove(&(old, controller.to_string(), key.clone()));
        }
        self.by_time.insert((at, controller.to_string(), key.clone()))
    }

    /// Drops a timer; false when there was none.
    pub(crate) fn forget(&mut self, controller: &str, key: &ObjectKey) -> bool {
        let pair = (controller.to_string(), key.clone());
        let Some(at) = self.due.remove(&pair) else { return false };
        self.by_time.remove(&(at, pair.0, pair.1))
    }

    /// When the next timer is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _, _)| *at)
    }

    /// Takes out the timers due at or before `now`, in order.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<(String, ObjectKey)> {
        let mut taken = Vec::new();
        while self.by_time.first().is_some_and(|(at, _, _)| *at <= now) {
            let (_, controller, key) = self.by_time.pop_first().expect("the loop's condition saw a first one");
            let pair = (controller, key);
            self.due.remove(&pair);
            taken.push(pair);
        }
        taken
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &ObjectKey, Timestamp)> {
        self.due.iter().map(|((controller, key), at)| (controller.as_str(), key, *at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_call_replaces_the_timer_of_a_key() {
        let mut timers = Timers::default();
        let (key, early, late) =
            (ObjectKey::named("k"), Timestamp::from_second(10).unwrap(), Timestamp::from_second(20).unwrap());
        assert!(timers.set("c", &key, early));
        assert!(!timers.set("c", &key, early));
        assert!(timers.set("c", &key, late));
        assert_eq!(timers.take_due(early), []);
        assert_eq!(timers.next(), Some(late));
        assert_eq!(timers.take_due(late), [("c".to_string(), key.clone())]);
        assert!(!timers.forget("c", &key));
        assert_eq!(timers.next(), None);
    }
}
