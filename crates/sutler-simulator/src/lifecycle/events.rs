//! Events are forgotten an hour after they were last seen, as by an API server's `--event-ttl`.

use jiff::{SignedDuration, Timestamp};

use crate::controllers::{Change, Controller, Deletion, Effects, Queue};
use crate::key::{ObjectKey, resource};
use crate::view::View;

const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// Events that are due within this time of each other are forgotten together.
const ROUND: SignedDuration = SignedDuration::from_mins(5);

pub(super) struct Events;

impl Controller for Events {
    fn name(&self) -> &'static str {
        "event-expiry"
    }

    fn on_change(&self, change: &Change, view: &View<'_>, queue: &mut Queue) {
        // One timer serves all: it is set when the first event comes, and moves on whenever it is due.
        if change.is(resource::EVENTS) && change.old.is_none() && view.count(resource::EVENTS) == 1 {
            queue.push(ObjectKey::named("all"));
        }
    }

    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects) {
        let Ok(limit) = view.now().checked_sub(KEPT) else { return };
        let mut oldest: Option<Timestamp> = None;
        for event in view.list(resource::EVENTS) {
            let times = [&event["lastTimestamp"], &event["eventTime"], &event["metadata"]["creationTimestamp"]];
            let seen = times.into_iter().find_map(|time| time.as_str()?.parse::<Timestamp>().ok());
            let Some(seen) = seen else { continue };
            if seen <= limit {
                effects.delete(Deletion::now(ObjectKey::of(resource::EVENTS, event)));
            } else {
                oldest = Some(oldest.map_or(seen, |oldest| oldest.min(seen)));
            }
        }
        let next = oldest.and_then(|oldest| oldest.checked_add(KEPT).ok());
        if let (Some(next), Ok(soonest)) = (next, view.now().checked_add(ROUND)) {
            effects.wake_at(key.clone(), next.max(soonest));
        }
    }
}
