//! IAM's decision: policies and a request in, an [`Answer`] out that names the statement that decided.
//!
//! ```text
//! Policies ─compile─> Evaluator ─decide(&Request)─> Answer
//! ```
//! The order is the one that AWS publishes ("policy evaluation logic" of the IAM user guide): a `Deny` that applies anywhere
//! decides; then service control policies must allow; then a resource policy that names the caller directly is enough within one
//! account; else identity policies, the permissions boundary and the session policy must all allow, and the resource policy too
//! where the resource belongs to another account, is a role to be taken, or a KMS key.

mod answer;
mod compile;
mod nearest;
mod principal;

pub use answer::{Answer, Cited, Lacking};
pub use compile::CompileError;
pub use nearest::{Near, Unmet};
pub(crate) use principal::account_of;

use self::compile::{Compiled, CompiledStatement};
use self::principal::Naming;
use crate::policy::{Effect, Policy};
use crate::request::{Caller, Request};

/// All policies that apply to requests of one caller on one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    /// Of the user and its groups, or of the role.
    pub identity: Vec<Policy>,
    /// The permissions boundary of the user or role; none limits nothing.
    pub boundary: Option<Policy>,
    /// What was given when the session was made, which allows together; none limits nothing.
    pub session: Vec<Policy>,
    /// The policy of the resource; for a role that is to be taken its trust policy.
    pub resource: Option<Policy>,
    /// Service control policies of the caller's account by level, the root first; each level must allow. No level: no organisation.
    pub service_control: Vec<Vec<Policy>>,
    /// Resource control policies of the resource's account by level. `RCPFullAWSAccess`, which AWS attaches everywhere and which cannot be
    /// removed, need not be among them: they only deny.
    pub resource_control: Vec<Vec<Policy>>,
}

impl Policies {
    /// Makes them ready for many requests.
    ///
    /// # Errors
    /// A document that IAM would not have taken: an operator that does not exist, a principal of a kind that does not. What
    /// [`crate::read::read`] returns without problems compiles.
    pub fn compile(&self) -> Result<Evaluator, CompileError> {
        let many = |policies: &[Policy]| policies.iter().map(Compiled::new).collect::<Result<Vec<_>, _>>();
        let levels = |levels: &[Vec<Policy>]| levels.iter().map(|level| many(level)).collect::<Result<Vec<_>, _>>();
        Ok(Evaluator {
            identity: many(&self.identity)?,
            boundary: self.boundary.as_ref().map(Compiled::new).transpose()?,
            session: many(&self.session)?,
            resource: self.resource.as_ref().map(Compiled::new).transpose()?,
            service_control: levels(&self.service_control)?,
            resource_control: levels(&self.resource_control)?,
        })
    }
}

/// Compiled policies. A decision allocates only for policy variables and for wildcards within the first segments of an ARN.
#[derive(Debug, Clone)]
pub struct Evaluator {
    identity: Vec<Compiled>,
    boundary: Option<Compiled>,
    session: Vec<Compiled>,
    resource: Option<Compiled>,
    service_control: Vec<Vec<Compiled>>,
    resource_control: Vec<Vec<Compiled>>,
}

/// The first `Allow` that a set of policies holds for a request.
type Allow<'a> = Option<Cited<'a>>;

impl Evaluator {
    /// Whether the request is allowed, and by what.
    #[must_use]
    pub fn decide(&self, request: &Request) -> Answer<'_> {
        let has_boundary = self.boundary.is_some();
        let is_member = request.caller().account().is_some();
        // Identity policies, boundaries and session policies are those of IAM's own identities.
        let bound = is_member && !matches!(request.caller(), Caller::Root { .. });
        let organised = !request.caller().is_service_linked();
        let service_control = if is_member && organised { self.service_control.as_slice() } else { &[] };
        let resource_control = if organised { self.resource_control.as_slice() } else { &[] };

        // One pass over everything: a `Deny` ends it at once.
        let pass = || -> Result<Allows<'_>, Cited<'_>> {
            let mut allows = Allows::default();
            for level in resource_control {
                scan(level, request, has_boundary)?;
            }
            for (index, level) in service_control.iter().enumerate() {
                if scan(level, request, has_boundary)?.is_none() && allows.unscoped_level.is_none() {
                    allows.unscoped_level = Some(index);
                }
            }
            if let Some(resource) = &self.resource {
                allows.resource = resource.naming(request, has_boundary)?;
            }
            if bound {
                allows.identity = scan(&self.identity, request, false)?;
                allows.boundary = match &self.boundary {
                    Some(boundary) => boundary.first_allow(request, false)?.is_some(),
                    None => true,
                };
                allows.session = scan(&self.session, request, false)?.is_some() || self.session.is_empty();
            }
            Ok(allows)
        };
        match pass() {
            Err(by) => Answer::Denied { by },
            Ok(allows) => self.conclude(request, &allows),
        }
    }

    fn conclude<'a>(&'a self, request: &Request, allows: &Allows<'a>) -> Answer<'a> {
        let lacks = |lacking| Answer::NotAllowed { lacking };
        if let Some(level) = allows.unscoped_level {
            return lacks(Lacking::ServiceControl { level });
        }
        let resource = allows.resource;
        let naming = resource.map_or(Naming::No, |(naming, _)| naming);
        let by_resource = resource.map(|(_, cited)| cited);
        let caller = request.caller();
        if caller.account().is_none() {
            return match by_resource {
                Some(_) => Answer::Allowed { identity: None, resource: by_resource },
                None => lacks(Lacking::Resource),
            };
        }
        let is_same = request.is_same_account();
        // "If a resource policy grants permission directly to the user or the session", nothing else can lack.
        if is_same && naming == Naming::Direct {
            return Answer::Allowed { identity: None, resource: by_resource };
        }
        if let Caller::Root { .. } = caller {
            // The account's root user needs no permission within its account.
            return match by_resource {
                None if !is_same || self.resource_must_allow(request) => lacks(Lacking::Resource),
                _ => Answer::Allowed { identity: None, resource: by_resource },
            };
        }
        let must_name = !is_same || self.resource_must_allow(request);
        if must_name && naming == Naming::No {
            return lacks(Lacking::Resource);
        }
        // Of a role's ARN, boundary and session policy limit what it gives, and identity policies do not.
        let is_given = is_same && naming == Naming::Role;
        if allows.identity.is_none() && !is_given {
            return lacks(Lacking::Identity);
        }
        if !allows.boundary {
            return lacks(Lacking::Boundary);
        }
        if !allows.session {
            return lacks(Lacking::Session);
        }
        Answer::Allowed { identity: allows.identity, resource: by_resource }
    }

    /// Where an identity policy is not enough even within one account: roles that are to be taken, and KMS keys.
    fn resource_must_allow(&self, request: &Request) -> bool {
        let is_trust = self.resource.as_ref().is_some_and(|policy| policy.kind == crate::policy::PolicyKind::Trust);
        is_trust || needs_own_policy(request.action_key(), request.resource())
    }
}

/// Whether AWS wants the resource's own policy to allow a request also within one account: for the role of an `sts:AssumeRole…`, and
/// for a KMS key.
#[must_use]
pub fn is_resource_policy_required(action: &str, resource: &str) -> bool {
    needs_own_policy(&action.to_ascii_lowercase(), resource)
}

/// The action in lower case.
fn needs_own_policy(action: &str, resource: &str) -> bool {
    let mut parts = resource.splitn(6, ':').skip(2);
    let (service, what) = (parts.next().unwrap_or(""), parts.nth(2).unwrap_or(""));
    let takes_role = action.starts_with("sts:") && service == "iam" && what.starts_with("role/");
    takes_role || (service == "kms" && what.starts_with("key/"))
}

/// What was found to allow, before it is known what has to.
struct Allows<'a> {
    /// The first level of service control policies that does not allow.
    unscoped_level: Option<usize>,
    identity: Allow<'a>,
    boundary: bool,
    session: bool,
    resource: Option<(Naming, Cited<'a>)>,
}

impl Default for Allows<'_> {
    fn default() -> Self {
        Self { unscoped_level: None, identity: None, boundary: true, session: true, resource: None }
    }
}

/// The first `Allow` of some policies, or the first `Deny` as an error.
fn scan<'a>(policies: &'a [Compiled], request: &Request, has_boundary: bool) -> Result<Allow<'a>, Cited<'a>> {
    let mut allow = None;
    for policy in policies {
        let found = policy.first_allow(request, has_boundary)?;
        allow = allow.or(found);
    }
    Ok(allow)
}

impl Compiled {
    fn first_allow(&self, request: &Request, has_boundary: bool) -> Result<Allow<'_>, Cited<'_>> {
        let mut allow = None;
        for statement in &self.statements {
            if statement.effect == Effect::Allow && allow.is_some() {
                continue;
            }
            if statement.applies(request, has_boundary) != Naming::No {
                match statement.effect {
                    Effect::Deny => return Err(self.cite(statement)),
                    Effect::Allow => allow = Some(self.cite(statement)),
                }
            }
        }
        Ok(allow)
    }

    /// As [`Compiled::first_allow`], with the most direct way in which an `Allow` names the caller.
    fn naming(&self, request: &Request, has_boundary: bool) -> Result<Option<(Naming, Cited<'_>)>, Cited<'_>> {
        let mut best: Option<(Naming, Cited<'_>)> = None;
        for statement in &self.statements {
            let naming = statement.applies(request, has_boundary);
            match statement.effect {
                _ if naming == Naming::No => {}
                Effect::Deny => return Err(self.cite(statement)),
                Effect::Allow if best.is_none_or(|(other, _)| other < naming) => {
                    best = Some((naming, self.cite(statement)));
                }
                Effect::Allow => {}
            }
        }
        Ok(best)
    }
}

impl CompiledStatement {
    /// How the statement names the caller, if it applies at all; where no principals stand, it names directly.
    fn applies(&self, request: &Request, has_boundary: bool) -> Naming {
        if !self.names_action(request) || !self.names_resource(request) {
            return Naming::No;
        }
        let naming = self.names_caller(request, has_boundary);
        if naming != Naming::No && self.conditions.iter().all(|condition| condition.holds(request.context())) {
            naming
        } else {
            Naming::No
        }
    }

    fn names_action(&self, request: &Request) -> bool {
        self.actions.iter().any(|pattern| pattern.matches(request.action_key())) != self.not_action
    }

    fn names_resource(&self, request: &Request) -> bool {
        match &self.resources {
            None => true,
            Some(patterns) => {
                // "If AWS cannot resolve a variable, this might cause the entire statement to be invalid": one that is about everything
                // else would otherwise be about everything.
                let is_valid =
                    !self.not_resource || patterns.iter().all(|pattern| pattern.is_resolved(request.context()));
                let matched = patterns.iter().any(|pattern| pattern.matches(request.resource(), request.context()));
                is_valid && matched != self.not_resource
            }
        }
    }

    fn names_caller(&self, request: &Request, has_boundary: bool) -> Naming {
        match &self.principals {
            None => Naming::Direct,
            Some(principals) if !self.not_principal => principals.naming(request),
            // "NotPrincipal with Deny will always deny any principal that has a permissions boundary."
            Some(_) if has_boundary && self.effect == Effect::Deny => Naming::Direct,
            Some(principals) if principals.names_wholly(request) => Naming::No,
            Some(_) => Naming::Direct,
        }
    }
}

#[cfg(test)]
mod tests;
