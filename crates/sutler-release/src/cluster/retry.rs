//! Which failures pass by themselves, and how long to let them.

use jiff::SignedDuration;

use super::error::Failure;

/// Attempts after the first. With the pauses below: about half a minute in all.
const MOST_RETRIES: u32 = 6;
/// The longest pause, whatever the server asks for.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// How long to wait before trying again after `retries` retries; `None` if trying again is pointless.
///
/// Every write here may be sent twice: an apply, a patch and a deletion do the same again, a creation and a replacement
/// are checked by who made what is found then.
pub(super) fn pause(failure: &Failure, retries: u32) -> Option<SignedDuration> {
    if retries >= MOST_RETRIES || !failure.is_passing() {
        return None;
    }
    let doubling = SignedDuration::from_millis(500 << retries);
    Some(failure.retry_after().unwrap_or(doubling).min(LONGEST_PAUSE))
}
