//! What has to be done to a release, decided from its history, its inputs and its drift: nothing, an install, an upgrade.

use jiff::Timestamp;

use crate::drift::Drift;
use crate::foreign::is_made_of;
use crate::lease::{Claim, Lease, claim};
use crate::record::{Release, Status};
use crate::request::Content;
use crate::world::Holder;

/// Annotation of the record's Secret: the digest of what the revision was made from (chart, values, references,
/// capabilities), as its writer computed it.
pub const INPUTS: &str = "sutler.dev/inputs";

/// What has to be done to a release.
#[derive(Clone, Debug, PartialEq)]
pub enum ReleasePlan {
    /// There is none: install it.
    Install,
    /// Make a new revision.
    Upgrade {
        /// The last revision: the plan holds only as long as it is that.
        from: u32,
        /// Why.
        because: Vec<Reason>,
    },
    /// It is as it should be.
    Unchanged {
        /// The deployed revision.
        revision: u32,
    },
    /// Finish what an interrupted operation began; then the release is as it should be.
    Recover {
        /// The revision it left.
        revision: u32,
        /// The state it left.
        status: Status,
        /// Who began it; `None` if another tool did, and taking over was asked for.
        holder: Option<Holder>,
    },
    /// Nothing can be done now: somebody works on it.
    Busy {
        /// The revision they make.
        revision: u32,
        /// Its state.
        status: Status,
        /// Who, and since when; `None` if another tool left it pending.
        lease: Option<Lease>,
    },
}

/// Why a release needs a new revision.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// What it is made from has changed.
    Inputs,
    /// The last revision failed.
    Failed,
    /// Objects are not as the release says.
    Drift(Vec<Drift>),
}

/// What is asked of a release, and who asks.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The digest of what it shall be made from.
    pub inputs: &'a str,
    /// What it would be made of: a revision that carries no digest, since another tool made it, is compared with that.
    pub content: &'a Content,
    /// Where the objects of its last revision differ from it; empty if that was not looked at.
    pub drift: &'a [Drift],
    /// Whether to take over what another tool left pending.
    pub recover: bool,
    /// The time of the cluster's world.
    pub now: Timestamp,
}

/// Decides what has to be done to a release.
///
/// `history` are its revisions, the oldest first; `has_ended` says whether a lease's holder is known to be gone.
pub fn plan_release(history: &[Release], wanted: &Wanted<'_>, has_ended: impl FnOnce(&Holder) -> bool) -> ReleasePlan {
    let Some(last) = history.last() else { return ReleasePlan::Install };
    let (revision, status) = (last.version, last.info.status);
    match status {
        Status::PendingInstall | Status::PendingUpgrade | Status::PendingRollback | Status::Uninstalling => {
            match claim(&last.annotations, wanted.now, has_ended) {
                Claim::Lapsed(lease) => ReleasePlan::Recover { revision, status, holder: Some(lease.holder) },
                Claim::Foreign if wanted.recover => ReleasePlan::Recover { revision, status, holder: None },
                Claim::Foreign => ReleasePlan::Busy { revision, status, lease: None },
                Claim::Alive(lease) => ReleasePlan::Busy { revision, status, lease: Some(lease) },
            }
        }
        Status::Uninstalled => ReleasePlan::Install,
        Status::Deployed | Status::Superseded | Status::Failed | Status::Unknown => {
            let mut because = Vec::new();
            if status != Status::Deployed {
                because.push(Reason::Failed);
            }
            let is_of_inputs = match last.annotations.get(INPUTS) {
                Some(inputs) => inputs == wanted.inputs,
                None => is_made_of(last, wanted.content),
            };
            if !is_of_inputs {
                because.push(Reason::Inputs);
            }
            if !wanted.drift.is_empty() {
                because.push(Reason::Drift(wanted.drift.to_vec()));
            }
            match because.is_empty() {
                true => ReleasePlan::Unchanged { revision },
                false => ReleasePlan::Upgrade { from: revision, because },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::Difference;
    use crate::object::ObjectRef;

    const NOW: &str = "2026-01-01T00:00:30Z";

    fn release(status: Status, inputs: Option<&str>, renewed: Option<&str>) -> Release {
        let mut release = Release { version: 3, ..Release::default() };
        release.info.status = status;
        if let Some(inputs) = inputs {
            release.annotations.insert(INPUTS.into(), inputs.into());
        }
        if let Some(renewed) = renewed {
            Lease::taken(Holder::parse("ada"), renewed.parse().unwrap()).write(&mut release.annotations);
        }
        release
    }

    fn plan(last: Option<Release>, recover: bool, drift: &[Drift]) -> ReleasePlan {
        let content = Content { config: [("a".to_owned(), 1.into())].into_iter().collect(), ..Content::default() };
        let wanted = Wanted { inputs: "abc", content: &content, drift, recover, now: NOW.parse().unwrap() };
        plan_release(last.as_slice(), &wanted, |_| false)
    }

    fn upgrade(because: &[Reason]) -> ReleasePlan {
        ReleasePlan::Upgrade { from: 3, because: because.to_vec() }
    }

    #[test]
    fn what_is_as_it_should_be_is_left_alone() {
        let deployed = release(Status::Deployed, Some("abc"), None);
        assert_eq!(plan(Some(deployed), false, &[]), ReleasePlan::Unchanged { revision: 3 });
    }

    #[test]
    fn new_inputs_a_failure_and_drift_are_reasons_for_a_revision() {
        let drift =
            [Drift { object: ObjectRef::new("v1", "Service", Some("a"), "b"), difference: Difference::Missing }];
        assert_eq!(plan(Some(release(Status::Deployed, Some("old"), None)), false, &[]), upgrade(&[Reason::Inputs]));
        assert_eq!(plan(Some(release(Status::Deployed, None, None)), false, &[]), upgrade(&[Reason::Inputs]));
        assert_eq!(plan(Some(release(Status::Failed, Some("abc"), None)), false, &[]), upgrade(&[Reason::Failed]));
        assert_eq!(
            plan(Some(release(Status::Deployed, Some("abc"), None)), false, &drift),
            upgrade(&[Reason::Drift(drift.to_vec())])
        );
    }

    #[test]
    fn what_another_tool_made_of_the_same_is_left_alone() {
        let mut theirs = release(Status::Deployed, None, None);
        theirs.config.insert("a".into(), 1.into());
        assert_eq!(plan(Some(theirs.clone()), false, &[]), ReleasePlan::Unchanged { revision: 3 });
        theirs.config.insert("a".into(), 2.into());
        assert_eq!(plan(Some(theirs), false, &[]), upgrade(&[Reason::Inputs]));
    }

    #[test]
    fn what_is_not_there_is_installed() {
        assert_eq!(plan(None, false, &[]), ReleasePlan::Install);
        assert_eq!(plan(Some(release(Status::Uninstalled, Some("abc"), None)), false, &[]), ReleasePlan::Install);
    }

    #[test]
    fn an_interrupted_operation_is_recovered_and_a_running_one_left_alone() {
        let (revision, status) = (3, Status::PendingInstall);
        let pending = |renewed| Some(release(status, None, renewed));
        let holder = Some(Holder::parse("ada"));
        assert_eq!(
            plan(pending(Some("2025-12-31T00:00:00Z")), false, &[]),
            ReleasePlan::Recover { revision, status, holder }
        );
        assert!(matches!(plan(pending(Some(NOW)), true, &[]), ReleasePlan::Busy { lease: Some(_), .. }));
        assert_eq!(plan(pending(None), false, &[]), ReleasePlan::Busy { revision, status, lease: None });
        assert_eq!(plan(pending(None), true, &[]), ReleasePlan::Recover { revision, status, holder: None });
    }
}
