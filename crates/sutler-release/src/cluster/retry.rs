//! Which failures pass by themselves, and how long to let them.

use jiff::SignedDuration;

use super::error::Failure;

/// Attempts after the first. With the pauses below: about half a minute in all.
const MOST_RETRIES: u32 = 6;
/// Attempts after the first as long as the API has never answered: more likely its address is wrong than that it is
/// just restarting, and nobody wants to wait to be told so.
const MOST_RETRIES_UNMET: u32 = 1;
/// The longest pause, whatever the server asks for.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// How long to wait before trying again after `retries` retries; `None` if trying again is pointless. `has_met` says
/// whether the API has answered anything before.
///
/// Every write here may be sent twice: an apply, a patch and a deletion do the same again, a creation and a replacement
/// are checked by who made what is found then.
pub(super) fn pause(failure: &Failure, retries: u32, has_met: bool) -> Option<SignedDuration> {
    let most = if has_met { MOST_RETRIES } else { MOST_RETRIES_UNMET };
    if retries >= most || !failure.is_passing() {
        return None;
    }
    let doubling = SignedDuration::from_millis(500 << retries);
    Some(failure.retry_after().unwrap_or(doubling).min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::super::error::{Target, Verb};
    use super::*;

    fn pauses(failure: &Failure, has_met: bool) -> Vec<i128> {
        (0..).map_while(|retries| pause(failure, retries, has_met)).map(|pause| pause.as_millis()).collect()
    }

    fn answered(code: u16, retry_after: Option<i64>) -> Failure {
        let target =
            Target { verb: Verb::Get, resource: "pods".into(), kind: "Pod".into(), namespace: None, name: "x".into() };
        Failure::answered(code, b"{}", retry_after.map(SignedDuration::from_secs), &target)
    }

    #[test]
    fn passing_failures_are_tried_again_with_growing_pauses() {
        let cut = Failure::cut("reset".into());
        assert_eq!(pauses(&cut, true), [500, 1000, 2000, 4000, 8000, 16000]);
        assert_eq!(pauses(&answered(503, None), true).len(), 6);
    }

    #[test]
    fn the_servers_own_pause_counts_up_to_a_limit() {
        assert_eq!(pauses(&answered(429, Some(3)), true)[0], 3000);
        assert_eq!(pauses(&answered(429, Some(999)), true)[0], 30000);
    }

    #[test]
    fn an_api_that_never_answered_is_given_up_soon_and_a_refusal_at_once() {
        assert_eq!(pauses(&Failure::cut("refused".into()), false), [500]);
        for code in [400, 401, 403, 404, 409, 422] {
            assert_eq!(pauses(&answered(code, None), true), [0; 0], "{code}");
        }
    }
}
