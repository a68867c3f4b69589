//! An operation at work: the pending record it keeps, the lease it renews, and who may begin one.

use jiff::Timestamp;

use crate::cluster::{ApiError, Cluster};
use crate::error::Error;
use crate::event::{Event, Events};
use crate::lease::{self, Claim, Lease};
use crate::record::{CUSTOM_LABELS_RESERVED, Release, Status};
use crate::request::{Base, Options};
use crate::{Releases, store};

/// Bars a second operation on the same release in this process; the lease bars those elsewhere.
pub(crate) struct AtWork<'a> {
    releases: &'a Releases,
    key: (String, String),
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        let mut at_work = self.releases.at_work.lock().expect("no code panics while it holds this lock");
        at_work.remove(&self.key);
    }
}

/// An operation that has stored its record.
pub(crate) struct Operation<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) events: Events<'a>,
    /// The revision it makes (or removes).
    pub(crate) record: Release,
    renew_at: Timestamp,
    /// The status that was told last, so that storing the record again tells nothing.
    told: Status,
}

impl<'a> Operation<'a> {
    /// Work that precedes the record: it can wait, and has no lease to renew.
    pub(crate) fn without_record(cluster: &'a Cluster, events: Events<'a>) -> Self {
        Operation::without_lease(cluster, events, Release::default())
    }

    /// Work on a stored revision that changes nothing of the release itself.
    pub(crate) fn without_lease(cluster: &'a Cluster, events: Events<'a>, record: Release) -> Self {
        let told = record.info.status;
        Operation { cluster, events, record, renew_at: Timestamp::MAX, told }
    }

    /// Records a failure and returns the error to report: this one, unless the lease is lost.
    pub(crate) async fn fail(&mut self, description: String, error: Error) -> Error {
        if matches!(error, Error::LeaseLost { .. }) {
            // The record is somebody else's now.
            return error;
        }
        self.record.set_status(Status::Failed, description);
        match self.save().await {
            Err(lost @ Error::LeaseLost { .. }) => lost,
            Err(unsaved) => {
                // The record stays pending, under a lease that lapses: the next operation finds it.
                tracing::warn!(error = %unsaved, "the failure could not be recorded");
                error
            }
            Ok(()) => error,
        }
    }

    /// Tells an event.
    pub(crate) fn tell(&mut self, event: Event) {
        (self.events)(event);
    }

    /// The moment at which the lease must be renewed; waits end there at the latest.
    pub(crate) fn renew_at(&self) -> Timestamp {
        self.renew_at
    }

    /// Renews the lease if it is time.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if somebody took the release over.
    pub(crate) async fn renew_if_due(&mut self) -> Result<(), Error> {
        let now = self.cluster.world().now();
        if now < self.renew_at {
            return Ok(());
        }
        let Some(held) = Lease::read(&self.record.annotations) else { return Ok(()) };
        Lease::taken(held.holder, now).write(&mut self.record.annotations);
        let renewed = store::annotate(self.cluster, &mut self.record).await;
        self.keep(renewed)?;
        self.renew_at = after(now, lease::RENEW_EVERY);
        Ok(())
    }

    /// Stores the record with its present state; a finished one without the lease.
    pub(crate) async fn save(&mut self) -> Result<(), Error> {
        let status = self.record.info.status;
        let at_work = status.is_pending() || status == Status::Uninstalling;
        if !at_work {
            Lease::clear(&mut self.record.annotations);
        }
        let stored = store::update(self.cluster, &mut self.record).await;
        self.keep(stored)?;
        if self.told != status {
            self.told = status;
            self.tell(Event::Recorded { revision: self.record.version, status });
        }
        Ok(())
    }

    /// Sorts a write to the record: a conflict means that it is no longer ours.
    fn keep(&self, written: Result<(), ApiError>) -> Result<(), Error> {
        written.map_err(|error| match error {
            ApiError::Conflict { .. } | ApiError::NotFound { .. } => Error::LeaseLost {
                name: self.record.name.clone(),
                revision: self.record.version,
                source: Box::new(error),
            },
            error => error.into(),
        })
    }
}

/// How a release stands when an operation wants to begin.
pub(crate) struct Standing {
    /// All revisions, the oldest first; an interrupted one is marked as failed by now.
    pub(crate) history: Vec<Release>,
    /// Whether the last revision was found interrupted and is being finished.
    pub(crate) recovered: bool,
}

impl Standing {
    /// The last revision.
    pub(crate) fn last(&self) -> Option<&Release> {
        self.history.last()
    }

    /// The number of the next revision.
    pub(crate) fn next_revision(&self) -> u32 {
        self.last().map_or(1, |last| last.version.saturating_add(1))
    }

    /// The current revision: the last one deployed.
    pub(crate) fn deployed(&self) -> Option<&Release> {
        self.history.iter().rev().find(|release| release.info.status == Status::Deployed)
    }

    /// Refuses if the last revision is not the one that was planned against.
    pub(crate) fn check_base(&self, name: &str, base: Base) -> Result<(), Error> {
        let there = self.last().filter(|last| last.info.status != Status::Uninstalled);
        let found = there.map(|last| last.version);
        let planned = match base {
            Base::Any => return Ok(()),
            Base::Missing => None,
            Base::Revision(revision) => Some(revision),
        };
        if found == planned { Ok(()) } else { Err(Error::Moved { name: name.to_owned(), planned, found }) }
    }

    /// The revisions whose objects may be in the cluster: the deployed one and all that were tried after it. Helm looks
    /// at the deployed one only, and leaves behind what a failed upgrade had created.
    pub(crate) fn in_cluster(&self) -> &[Release] {
        let from = self.history.iter().rposition(|release| release.info.status == Status::Deployed);
        let is_tried = |release: &Release| release.info.status == Status::Failed;
        match from {
            Some(from) => &self.history[from..],
            None => {
                let tried = self.history.iter().rev().take_while(|release| is_tried(release)).count();
                &self.history[self.history.len() - tried..]
            }
        }
    }
}

impl Releases {
    /// Bars other operations of this value on the release.
    pub(crate) fn begin_work(&self, namespace: &str, name: &str) -> Result<AtWork<'_>, Error> {
        let key = (namespace.to_owned(), name.to_owned());
        let mut at_work = self.at_work.lock().expect("no code panics while it holds this lock");
        if at_work.insert(key.clone()) {
            return Ok(AtWork { releases: self, key });
        }
        Err(Error::AtWork { name: name.to_owned() })
    }

    /// Judges whether an operation may begin, given the last revision: `Ok(true)` if it first has to finish one that was
    /// interrupted.
    pub(crate) fn may_begin(&self, last: &Release, recover: bool) -> Result<bool, Error> {
        let status = last.info.status;
        if !status.is_pending() && status != Status::Uninstalling {
            return Ok(false);
        }
        let world = self.cluster.world();
        // A lease of our own, while we know that no operation of ours is at work, was left by one that could not even
        // record its failure.
        let has_ended = |holder: &crate::Holder| *holder == self.holder || world.has_ended(holder);
        match lease::claim(&last.annotations, world.now(), has_ended) {
            Claim::Lapsed(_) => Ok(true),
            Claim::Alive(lease) => {
                Err(Error::Busy { name: last.name.clone(), revision: last.version, status, lease: Box::new(lease) })
            }
            Claim::Foreign if recover => Ok(true),
            Claim::Foreign => Err(Error::Pending { name: last.name.clone(), revision: last.version, status }),
        }
    }

    /// Reads how the release stands; marks an interrupted revision as failed, so that the next one replaces it.
    pub(crate) async fn standing(
        &self,
        namespace: &str,
        name: &str,
        recover: bool,
        events: Events<'_>,
    ) -> Result<Standing, Error> {
        let mut history = store::history(&self.cluster, namespace, name).await?;
        let mut recovered = false;
        if let Some(last) = history.last_mut()
            && last.info.status.is_pending()
        {
            recovered = self.may_begin(last, recover)?;
            let status = last.info.status;
            events(Event::Recovering {
                revision: last.version,
                status,
                holder: Lease::read(&last.annotations).map(|lease| lease.holder.to_string()),
            });
            Lease::clear(&mut last.annotations);
            last.set_status(Status::Failed, format!("Interrupted while {status}"));
            let (name, revision) = (last.name.clone(), last.version);
            store::update(&self.cluster, last).await.map_err(|error| match error {
                // Somebody else recovers it, or it was alive after all.
                ApiError::Conflict { .. } => Error::LeaseLost { name, revision, source: Box::new(error) },
                error => error.into(),
            })?;
        }
        Ok(Standing { history, recovered })
    }

    /// Stores a new pending revision under a lease and begins to work on it.
    pub(crate) async fn start<'a>(&'a self, mut record: Release, events: Events<'a>) -> Result<Operation<'a>, Error> {
        let now = self.cluster.world().now();
        Lease::taken(self.holder.clone(), now).write(&mut record.annotations);
        let (name, revision, status) = (record.name.clone(), record.version, record.info.status);
        match store::create(&self.cluster, &mut record).await {
            // Two began at the same moment; the other was first.
            Err(Error::Api(ApiError::AlreadyExists { .. })) => return Err(Error::Pending { name, revision, status }),
            other => other?,
        }
        events(Event::Recorded { revision, status });
        let renew_at = after(now, lease::RENEW_EVERY);
        Ok(Operation { cluster: &self.cluster, events, record, renew_at, told: status })
    }

    /// Begins to work on a revision that is stored already.
    pub(crate) async fn resume<'a>(&'a self, mut record: Release, events: Events<'a>) -> Result<Operation<'a>, Error> {
        let now = self.cluster.world().now();
        Lease::taken(self.holder.clone(), now).write(&mut record.annotations);
        let renew_at = after(now, lease::RENEW_EVERY);
        let mut operation = Operation { cluster: &self.cluster, events, record, renew_at, told: Status::Unknown };
        operation.save().await?;
        Ok(operation)
    }
}

fn after(now: Timestamp, duration: jiff::SignedDuration) -> Timestamp {
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// Checks what can be checked before anything is asked of the API.
pub(crate) fn check(name: &str, options: &Options) -> Result<(), Error> {
    check_name(name)?;
    match options.labels.keys().find(|label| CUSTOM_LABELS_RESERVED.contains(&label.as_str())) {
        Some(label) => Err(Error::ReservedLabel { label: label.clone() }),
        None => Ok(()),
    }
}

/// Checks a release's name as Helm's `ValidateReleaseName`: a DNS subdomain of at most 53 characters.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let fault = if name.is_empty() {
        "it is empty"
    } else if name.len() > 53 {
        "it is longer than 53 characters"
    } else if !name.split('.').all(is_dns_label) {
        "it may hold lower case letters, digits, `-` and `.`, and each part begins and ends with a letter or digit"
    } else {
        return Ok(());
    };
    Err(Error::Name { name: name.to_owned(), fault })
}

fn is_dns_label(part: &str) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    bytes.first().copied().is_some_and(is_alphanumeric)
        && bytes.last().copied().is_some_and(is_alphanumeric)
        && bytes.iter().all(|&byte| is_alphanumeric(byte) || byte == b'-')
}

/// The last revision's labels with those given over them; a label given as `null` is taken off (Helm's
/// `mergeCustomLabels`).
pub(crate) fn merged_labels(
    last: &std::collections::BTreeMap<String, String>,
    given: &std::collections::BTreeMap<String, String>,
) -> std::collections::BTreeMap<String, String> {
    let mut labels = last.clone();
    labels.extend(given.iter().map(|(label, value)| (label.clone(), value.clone())));
    labels.retain(|_, value| value != "null");
    labels
}

/// An error with all its causes, as the record's description tells it.
pub(crate) fn in_full(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(statuses: &[Status]) -> Standing {
        let history = statuses.iter().zip(1..).map(|(&status, version)| {
            let mut release = Release { version, ..Release::default() };
            release.info.status = status;
            release
        });
        Standing { history: history.collect(), recovered: false }
    }

    fn in_cluster(statuses: &[Status]) -> Vec<u32> {
        standing(statuses).in_cluster().iter().map(|release| release.version).collect()
    }

    #[test]
    fn what_was_tried_after_the_deployed_revision_may_be_in_the_cluster() {
        use Status::{Deployed, Failed, Superseded, Uninstalled};
        assert_eq!(in_cluster(&[Superseded, Deployed]), [2]);
        assert_eq!(in_cluster(&[Superseded, Deployed, Failed, Failed]), [2, 3, 4]);
        assert_eq!(in_cluster(&[Failed, Failed]), [1, 2]);
        assert_eq!(in_cluster(&[Uninstalled, Failed]), [2]);
        assert_eq!(in_cluster(&[]), [0; 0]);
    }

    #[test]
    fn a_release_that_moved_since_it_was_planned_is_refused() {
        use Status::{Deployed, Uninstalled};
        let check = |statuses: &[Status], base| standing(statuses).check_base("web", base).map_err(|e| e.to_string());
        assert_eq!(check(&[Deployed], Base::Any), Ok(()));
        assert_eq!(check(&[Deployed], Base::Revision(1)), Ok(()));
        assert_eq!(check(&[], Base::Missing), Ok(()));
        assert_eq!(check(&[Uninstalled], Base::Missing), Ok(()));
        let moved = "release `web` has changed since this was planned: its last revision is";
        assert_eq!(check(&[Deployed, Deployed], Base::Revision(1)), Err(format!("{moved} 2, not 1")));
        assert_eq!(check(&[Deployed], Base::Missing), Err(format!("{moved} 1, not none")));
        assert_eq!(check(&[], Base::Revision(1)), Err(format!("{moved} none, not 1")));
    }

    #[test]
    fn a_release_name_is_a_short_dns_subdomain() {
        let is_name = |name: &str| check_name(name).is_ok();
        assert!(is_name("a") && is_name("my-app.v2") && is_name(&"a".repeat(53)));
        for bad in ["", "A", "a_b", "-a", "a-", "a..b", "a/b", &"a".repeat(54)] {
            assert!(!is_name(bad), "{bad:?} was accepted");
        }
    }

    #[test]
    fn a_label_given_as_null_is_taken_off() {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let merged = merged_labels(&map(&[("a", "1"), ("b", "2")]), &map(&[("a", "null"), ("c", "3")]));
        assert_eq!(merged, map(&[("b", "2"), ("c", "3")]));
    }
}
