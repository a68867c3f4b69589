//! Why AWS says 403: the chain from a pod to what it wants, link by link, each with evidence and the exact fix.
//!
//! ```text
//! pod ─> service account ─> annotation or association ─> webhook, token ─> provider, trust ─> network ─> session ─> policies ─> key
//! ```
//! [`explain`] takes [`Facts`] and asks nobody. What it can say stands, made by its tests, in `docs/doctor.md`.

mod account;
mod credentials;
mod facts;
mod network;
mod objects;
mod permission;
mod trust;

use std::fmt;

use serde::Serialize;

pub use facts::{Agent, Association, Fact, Facts, Key, Network, Pod, Role, ServiceAccount, TokenVolume, Webhook};

/// How a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It holds.
    Ok,
    /// It holds, and not as it should.
    Warning,
    /// It is broken.
    Failed,
    /// It could not be judged.
    Unknown,
    /// It would hold, and is not reached, since one before it is broken.
    Unreached,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Failed => "FAILED",
            Self::Unknown => "UNKNOWN",
            Self::Unreached => "–",
        })
    }
}

/// What a link is about; stable, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Check {
    /// The pod's service account.
    ServiceAccount,
    /// How it gets a role: annotation or association.
    Mechanism,
    /// The role's ARN.
    RoleArn,
    /// The webhook and what it gave to the pod.
    Webhook,
    /// The Pod Identity agent and what EKS gave to the pod.
    Agent,
    /// Keys that win over the role.
    StaticKeys,
    /// The token and who can read it.
    Token,
    /// As whom the calls are made.
    Caller,
    /// The identity provider of the cluster's issuer.
    Provider,
    /// The role's trust policy.
    Trust,
    /// The way to STS, S3 and the agent.
    Network,
    /// The session's length.
    Session,
    /// The role that the first role takes.
    Chain,
    /// The policies.
    Policy,
    /// The KMS key.
    Key,
}

/// A link of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// What it is about.
    pub check: Check,
    /// How it is.
    pub state: State,
    /// One sentence.
    pub text: String,
    /// What it was judged by, a line each.
    pub evidence: Vec<String>,
    /// What to do, where something can be done.
    pub fix: Option<String>,
}

impl Link {
    fn new(check: Check, state: State, text: impl Into<String>) -> Self {
        Self { check, state, text: text.into(), evidence: Vec::new(), fix: None }
    }

    fn ok(check: Check, text: impl Into<String>) -> Self {
        Self::new(check, State::Ok, text)
    }

    fn failed(check: Check, text: impl Into<String>) -> Self {
        Self::new(check, State::Failed, text)
    }

    fn warning(check: Check, text: impl Into<String>) -> Self {
        Self::new(check, State::Warning, text)
    }

    fn unknown(check: Check, text: impl Into<String>) -> Self {
        Self::new(check, State::Unknown, text)
    }

    fn because(mut self, evidence: impl Into<String>) -> Self {
        self.evidence.push(evidence.into());
        self
    }

    fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// The sentence with its state, evidence indented below; without the fix.
impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {:<9}{}", self.state, self.text)?;
        self.evidence.iter().try_for_each(|line| write!(f, "\n             {line}"))
    }
}

/// The chain of access, in its order. Links after a broken one are judged as if it held, and are [`State::Unreached`] where they do.
#[must_use]
pub fn explain(facts: &Facts) -> Vec<Link> {
    let mut links = Vec::new();
    let subject = account::subject(facts, &mut links);
    let grant = account::grant(facts, &subject, &mut links);
    credentials::links(facts, &subject, &grant, &mut links);
    trust::links(facts, &subject, &grant, &mut links);
    network::links(facts, &grant, &mut links);
    permission::links(facts, &subject, &mut links);
    let first = links.iter().position(|link| link.state == State::Failed);
    for link in links.iter_mut().skip(first.map_or(usize::MAX, |at| at + 1)) {
        if link.state == State::Ok {
            link.state = State::Unreached;
        }
    }
    links
}

/// Whether the pod may do what it wants: `None` where something that matters is unknown.
#[must_use]
pub fn verdict(links: &[Link]) -> Option<bool> {
    let has = |state| links.iter().any(|link| link.state == state);
    match () {
        () if has(State::Failed) => Some(false),
        () if has(State::Unknown) => None,
        () => Some(true),
    }
}

/// The chain as text, the fixes below it: the first is the one to begin with.
#[must_use]
pub fn to_text(links: &[Link]) -> String {
    let mut text: String = links.iter().map(|link| format!("{link}\n")).collect();
    for link in links {
        if let Some(fix) = &link.fix {
            text.push_str(&format!("fix: {fix}\n"));
        }
    }
    text
}
