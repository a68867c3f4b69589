//! What came nearest to allowing: the statement of which the least is unmet.

use std::fmt;

use super::Evaluator;
use super::answer::{Cited, Lacking};
use super::compile::{Compiled, CompiledStatement};
use super::principal::Naming;
use crate::policy::{Effect, Principal, Values};
use crate::request::Request;

/// A statement that would allow, were it not for some of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near<'a> {
    /// The statement.
    pub statement: Cited<'a>,
    /// What of it the request does not meet; never empty.
    pub unmet: Vec<Unmet>,
}

/// A part of a statement that a request does not meet, in the statement's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unmet {
    /// It names others.
    Principal {
        /// Whom it names.
        wanted: Vec<String>,
    },
    /// It is about other actions.
    Action {
        /// About which.
        wanted: Vec<String>,
    },
    /// It is about other resources.
    Resource {
        /// About which.
        wanted: Vec<String>,
    },
    /// A condition does not hold.
    Condition {
        /// The operator.
        operator: String,
        /// The key.
        key: String,
        /// The policy's values.
        wanted: Vec<String>,
        /// The request's values; `None` where it has no such key.
        found: Option<Vec<String>>,
    },
}

impl Evaluator {
    /// The `Allow` that came nearest in the policies that lack one. `None` where they hold none at all.
    ///
    /// One that meets the action comes before one that does not, then one with less unmet, then the earlier.
    #[must_use]
    pub fn nearest(&self, request: &Request, lacking: Lacking) -> Option<Near<'_>> {
        let policies: &[Compiled] = match lacking {
            Lacking::ServiceControl { level } => self.service_control.get(level).map_or(&[], Vec::as_slice),
            Lacking::Resource => self.resource.as_slice(),
            Lacking::Identity => &self.identity,
            Lacking::Boundary => self.boundary.as_slice(),
            Lacking::Session => &self.session,
        };
        let allows = policies.iter().flat_map(|policy| {
            policy.statements.iter().filter(|statement| statement.effect == Effect::Allow).map(move |one| (policy, one))
        });
        let near = allows.map(|(policy, statement)| {
            let unmet = statement.unmet(request);
            let misses_action = unmet.iter().any(|one| matches!(one, Unmet::Action { .. }));
            ((misses_action, unmet.len()), Near { statement: policy.cite(statement), unmet })
        });
        near.filter(|(_, near)| !near.unmet.is_empty()).min_by_key(|(rank, _)| *rank).map(|(_, near)| near)
    }
}

impl CompiledStatement {
    fn unmet(&self, request: &Request) -> Vec<Unmet> {
        let mut unmet = Vec::new();
        let list = |values: &Values, not: bool| {
            values.iter().map(|value| if not { format!("not {value}") } else { value.to_owned() }).collect::<Vec<_>>()
        };
        if self.names_caller(request, false) == Naming::No {
            let written = self.written.principal.as_ref().or(self.written.not_principal.as_ref());
            unmet.push(Unmet::Principal { wanted: written.map(principals).unwrap_or_default() });
        }
        if !self.names_action(request) {
            let values = if self.not_action { &self.written.not_action } else { &self.written.action };
            unmet.push(Unmet::Action { wanted: list(values, self.not_action) });
        }
        if !self.names_resource(request) {
            let values = self.written.resource.as_ref().or(self.written.not_resource.as_ref());
            let wanted = values.map(|values| list(values, self.not_resource)).unwrap_or_default();
            unmet.push(Unmet::Resource { wanted });
        }
        // Compiled conditions stand in the order of those written.
        let written = self
            .written
            .condition
            .iter()
            .flat_map(|(operator, keys)| keys.iter().map(move |(key, values)| (operator, key, values)));
        for (condition, (operator, key, values)) in self.conditions.iter().zip(written) {
            if !condition.holds(request.context()) {
                unmet.push(Unmet::Condition {
                    operator: operator.clone(),
                    key: key.clone(),
                    wanted: values.0.clone(),
                    found: request.context().get(&condition.key).map(<[String]>::to_vec),
                });
            }
        }
        unmet
    }
}

fn principals(principal: &Principal) -> Vec<String> {
    match principal {
        Principal::Anybody(text) => vec![text.clone()],
        Principal::Of(kinds) => kinds.values().flat_map(|values| values.0.iter().cloned()).collect(),
    }
}

/// At most so many values are listed in a sentence.
const LISTED: usize = 3;

fn listed(values: &[String]) -> String {
    let mut text = values.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if values.len() > LISTED {
        text.push_str(&format!(" and {} more", values.len() - LISTED));
    }
    text
}

/// `it is about s3:PutObject`, `it wants s3:prefix StringLike daft/*, the request has events/`.
impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal { wanted } => write!(f, "it names {}", listed(wanted)),
            Self::Action { wanted } => write!(f, "it is about {}", listed(wanted)),
            Self::Resource { wanted } => write!(f, "it is about {}", listed(wanted)),
            Self::Condition { operator, key, wanted, found } => {
                write!(f, "it wants {key} {operator} {}, ", listed(wanted))?;
                match found {
                    None => f.write_str("the request has none"),
                    Some(found) => write!(f, "the request has {}", listed(found)),
                }
            }
        }
    }
}

/// `nearest is statement ReadTeamData of …: it is about arn:aws:s3:::team-data/*`.
impl fmt::Display for Near<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nearest is {}: ", self.statement)?;
        for (index, unmet) in self.unmet.iter().enumerate() {
            write!(f, "{}{unmet}", if index > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}
