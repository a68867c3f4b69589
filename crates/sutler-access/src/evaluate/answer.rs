//! What IAM decides, with the statement that decided.

use std::fmt;

use crate::policy::{PolicyKind, Position};

/// The decision on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// It is allowed.
    Allowed {
        /// The identity policy's statement, where one was needed and allowed.
        identity: Option<Cited<'a>>,
        /// The resource policy's statement, where one allowed.
        resource: Option<Cited<'a>>,
    },
    /// A statement denies it, whatever allows (an explicit deny).
    Denied {
        /// The statement.
        by: Cited<'a>,
    },
    /// Nothing denies it, and something that must allow does not (an implicit deny). What came nearest:
    /// [`Evaluator::nearest`](super::Evaluator::nearest).
    NotAllowed {
        /// What does not allow.
        lacking: Lacking,
    },
}

impl Answer<'_> {
    /// Whether the request is allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

/// Policies that must allow a request, and of which none does. The first in IAM's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lacking {
    /// A level of the organisation's service control policies; from 0, the root.
    ServiceControl {
        /// The level.
        level: usize,
    },
    /// The policy of the resource, or that of the role that is to be taken.
    Resource,
    /// The caller's identity policies.
    Identity,
    /// Its permissions boundary.
    Boundary,
    /// The policies of its session.
    Session,
}

/// A statement of a policy, by name and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cited<'a> {
    /// The policy's kind.
    pub kind: PolicyKind,
    /// The policy's name.
    pub policy: &'a str,
    /// The statement, from 0.
    pub index: usize,
    /// Its name, if it has one.
    pub sid: Option<&'a str>,
    /// Where it stands in the text, if it was read from one.
    pub position: Option<Position>,
}

/// `statement ReadTeamData of identity policy data-team-prod_DaftRole (3:5)`.
impl fmt::Display for Cited<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sid {
            Some(sid) => write!(f, "statement {sid}")?,
            None => write!(f, "statement {}", self.index + 1)?,
        }
        write!(f, " of {} {}", self.kind, self.policy)?;
        match self.position {
            Some(position) => write!(f, " ({position})"),
            None => Ok(()),
        }
    }
}

/// One sentence, without the near miss.
impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed { identity: Some(one), resource: Some(other) } => write!(f, "allowed by {one} and {other}"),
            Self::Allowed { identity: Some(one), .. } | Self::Allowed { resource: Some(one), .. } => {
                write!(f, "allowed by {one}")
            }
            Self::Allowed { .. } => f.write_str("allowed to the account's root user"),
            Self::Denied { by } => write!(f, "denied by {by}"),
            Self::NotAllowed { lacking: Lacking::Session } => f.write_str("no session policy allows it"),
            Self::NotAllowed { lacking: Lacking::ServiceControl { level } } => {
                write!(f, "no service control policy of level {level} allows it")
            }
            Self::NotAllowed { lacking: Lacking::Boundary } => {
                f.write_str("the permissions boundary does not allow it")
            }
            Self::NotAllowed { lacking: Lacking::Resource } => {
                f.write_str("the resource's own policy does not allow it")
            }
            Self::NotAllowed { lacking: Lacking::Identity } => f.write_str("no identity policy allows it"),
        }
    }
}
