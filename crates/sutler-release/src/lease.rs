//! An operation's lease: who works on a release, kept in annotations of its pending record.
//!
//! A pending record says that somebody began; the lease says whether that somebody still works. Helm writes none: a
//! pending record without a lease is foreign, and nobody but its user can know whether it is abandoned.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::world::Holder;

/// Annotation of the record's Secret: who holds the lease.
pub const HOLDER: &str = "sutler.dev/lease-holder";
/// Annotation of the record's Secret: when the lease was last renewed (RFC 3339).
pub const RENEWED: &str = "sutler.dev/lease-renewed";
/// Annotation of the record's Secret: for how many seconds after that it holds.
pub const SECONDS: &str = "sutler.dev/lease-seconds";

/// How long a lease holds after a renewal.
pub(crate) const DURATION: SignedDuration = SignedDuration::from_secs(60);
/// How often an operation renews its lease: two renewals may fail before it lapses.
pub(crate) const RENEW_EVERY: SignedDuration = SignedDuration::from_secs(20);

/// A lease as a record carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who works.
    pub holder: Holder,
    /// When they last said so.
    pub renewed: Timestamp,
    /// For how long that counts.
    pub duration: SignedDuration,
}

/// What a pending record's lease says to somebody who wants to work on the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// No lease: written by Helm, or by another tool.
    Foreign,
    /// The holder works, or may.
    Alive(Lease),
    /// The holder stopped without finishing.
    Lapsed(Lease),
}

impl Lease {
    /// A lease taken now.
    pub fn taken(holder: Holder, now: Timestamp) -> Self {
        Self { holder, renewed: now, duration: DURATION }
    }

    /// Reads the lease from a record's annotations; `None` if there is none or it cannot be read.
    pub fn read(annotations: &BTreeMap<String, String>) -> Option<Self> {
        Some(Self {
            holder: Holder::parse(annotations.get(HOLDER)?),
            renewed: annotations.get(RENEWED)?.parse().ok()?,
            duration: SignedDuration::from_secs(annotations.get(SECONDS)?.parse::<u32>().ok()?.into()),
        })
    }

    /// Writes the lease into a record's annotations.
    pub fn write(&self, annotations: &mut BTreeMap<String, String>) {
        annotations.insert(HOLDER.to_owned(), self.holder.to_string());
        annotations.insert(RENEWED.to_owned(), self.renewed.to_string());
        annotations.insert(SECONDS.to_owned(), self.duration.as_secs().to_string());
    }

    /// Removes the lease from a record's annotations.
    pub fn clear(annotations: &mut BTreeMap<String, String>) {
        for key in [HOLDER, RENEWED, SECONDS] {
            annotations.remove(key);
        }
    }

    /// The moment from which the lease no longer holds.
    pub fn lapses(&self) -> Timestamp {
        self.renewed.checked_add(self.duration).unwrap_or(Timestamp::MAX)
    }
}

/// Judges the lease of a pending record.
///
/// `has_ended` says whether a holder's process is known to be gone; such a lease need not be waited out.
pub fn claim(annotations: &BTreeMap<String, String>, now: Timestamp, has_ended: impl FnOnce(&Holder) -> bool) -> Claim {
    match Lease::read(annotations) {
        None => Claim::Foreign,
        Some(lease) if lease.lapses() <= now || has_ended(&lease.holder) => Claim::Lapsed(lease),
        Some(lease) => Claim::Alive(lease),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotations(renewed: &str) -> BTreeMap<String, String> {
        let mut annotations = BTreeMap::new();
        let holder = Holder { who: "ada@lab".into(), process: 7, started: 1 };
        Lease::taken(holder, renewed.parse().unwrap()).write(&mut annotations);
        annotations
    }

    fn judge(annotations: &BTreeMap<String, String>, now: &str, ended: bool) -> &'static str {
        match claim(annotations, now.parse().unwrap(), |_| ended) {
            Claim::Foreign => "foreign",
            Claim::Alive(_) => "alive",
            Claim::Lapsed(_) => "lapsed",
        }
    }

    #[test]
    fn a_lease_holds_for_a_minute_unless_its_process_is_gone() {
        let taken = annotations("2026-01-01T00:00:00Z");
        assert_eq!(judge(&taken, "2026-01-01T00:00:59Z", false), "alive");
        assert_eq!(judge(&taken, "2026-01-01T00:01:00Z", false), "lapsed");
        assert_eq!(judge(&taken, "2026-01-01T00:00:01Z", true), "lapsed");
    }

    #[test]
    fn a_record_without_a_readable_lease_is_foreign() {
        assert_eq!(judge(&BTreeMap::new(), "2026-01-01T00:00:00Z", true), "foreign");
        let mut broken = annotations("2026-01-01T00:00:00Z");
        broken.insert(RENEWED.into(), "yesterday".into());
        assert_eq!(judge(&broken, "2027-01-01T00:00:00Z", true), "foreign");
    }

    #[test]
    fn clearing_leaves_other_annotations() {
        let mut taken = annotations("2026-01-01T00:00:00Z");
        taken.insert("a".into(), "b".into());
        Lease::clear(&mut taken);
        assert_eq!(taken.into_iter().collect::<Vec<_>>(), [("a".to_owned(), "b".to_owned())]);
    }
}
