//! The rules of the policy language beyond its form, each where AWS documents it ("grammar", "elements", "quotas" of the IAM user guide).

use std::collections::BTreeMap;

use super::{Fault, Reader};
use crate::condition::{self, OPERATORS, Operator, Quantifier, Test};
use crate::evaluate::account_of;
use crate::pattern::{Piece, pieces};
use crate::policy::{Document, Effect, OLD_VERSION, PolicyKind, Position, Statement, VERSION};
use crate::spelling::distance;
use crate::trust::{TRUST_POLICY_LIMIT, TRUST_POLICY_RAISED_LIMIT};

/// Kinds of principals.
pub(super) const PRINCIPAL_KINDS: &[&str] = &["AWS", "Service", "Federated", "CanonicalUser"];

/// Actions of trust policies beside `sts:AssumeRole…`.
const TRUST_ACTIONS: &[&str] = &["sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext"];

/// Limits in characters without white space; for trust policies see [`TRUST_POLICY_LIMIT`].
fn limit(kind: PolicyKind) -> usize {
    match kind {
        PolicyKind::Identity | PolicyKind::Boundary => crate::s3::POLICY_LIMIT,
        // A bucket's; other resources take more (KMS 32 KiB) or less.
        PolicyKind::Resource => 20 * 1024,
        PolicyKind::Trust => TRUST_POLICY_RAISED_LIMIT,
        PolicyKind::Session => 2048,
        PolicyKind::ServiceControl | PolicyKind::ResourceControl => 5120,
    }
}

impl Reader {
    pub(super) fn check_length(&mut self, at: Position, length: usize) {
        let (kind, limit) = (self.kind, limit(self.kind));
        if length > limit {
            self.error(at, Fault::TooLong { kind, length, limit });
        } else if kind == PolicyKind::Trust && length > TRUST_POLICY_LIMIT {
            let (limit, raised) = (TRUST_POLICY_LIMIT, TRUST_POLICY_RAISED_LIMIT);
            self.warn(at, Fault::TooLongUnlessRaised { kind, length, limit, raised });
        }
    }

    pub(super) fn check_version(&mut self, at: Position, version: &str) {
        if ![VERSION, OLD_VERSION].contains(&version) {
            self.error(at, Fault::Version(version.to_owned()));
        }
    }

    /// Names of statements are unique; variables need the newer version.
    pub(super) fn check_document(&mut self, document: &Document, positions: &[Position]) {
        let mut seen: BTreeMap<&str, Position> = BTreeMap::new();
        for (statement, at) in document.statement.iter().zip(positions) {
            if let Some(sid) = statement.sid.as_deref().filter(|sid| !sid.is_empty()) {
                match seen.get(sid) {
                    Some(first) => self.error(*at, Fault::SidTwice { sid: sid.to_owned(), first: *first }),
                    None => {
                        seen.insert(sid, *at);
                    }
                }
            }
            let resources = statement.resource.iter().chain(&statement.not_resource);
            let mut values = resources.chain(statement.condition.values().flat_map(BTreeMap::values));
            if !document.has_variables() && values.any(|values| values.iter().any(|value| value.contains("${"))) {
                self.warn(*at, Fault::OldVersion);
            }
        }
    }

    pub(super) fn check_statement(&mut self, at: Position, keys: &BTreeMap<&str, Position>, statement: &Statement) {
        let kind = self.kind;
        for (one, other) in [("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource")] {
            if let (true, Some(second)) = (keys.contains_key(one), keys.get(other)) {
                self.error(*second, Fault::Both { one, other });
            }
        }
        if !keys.contains_key("Action") && !keys.contains_key("NotAction") {
            self.error(at, Fault::Lacks { what: "the statement", element: "Action" });
        }
        let mut not_here = |element: &'static str| {
            if let Some(found) = keys.get(element) {
                self.error(*found, Fault::NotHere { kind, element });
            }
        };
        if !kind.names_principals() {
            not_here("Principal");
            not_here("NotPrincipal");
        }
        match kind {
            PolicyKind::Trust => {
                not_here("NotPrincipal");
                not_here("Resource");
                not_here("NotResource");
            }
            PolicyKind::ResourceControl => {
                not_here("NotPrincipal");
                not_here("NotAction");
            }
            _ => {}
        }
        if kind.names_principals() && !keys.contains_key("Principal") && !keys.contains_key("NotPrincipal") {
            self.error(at, Fault::Lacks { what: "the statement", element: "Principal" });
        }
        let has_resource = keys.contains_key("Resource") || keys.contains_key("NotResource");
        if kind != PolicyKind::Trust && !has_resource {
            self.error(at, Fault::Lacks { what: "the statement", element: "Resource" });
        }
        if let (Effect::Allow, Some(found)) = (statement.effect, keys.get("NotPrincipal")) {
            self.error(*found, Fault::NotPrincipalAllow);
        }
        if let (PolicyKind::ResourceControl, Effect::Allow, Some(found)) = (kind, statement.effect, keys.get("Effect"))
        {
            self.error(*found, Fault::OnlyDeny(kind));
        }
    }

    /// IAM takes letters and digits; other services are laxer with the names in their own policies.
    pub(super) fn check_sid(&mut self, at: Position, sid: &str) {
        let is_iam = self.kind != PolicyKind::Resource;
        if is_iam && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            self.error(at, Fault::Sid(sid.to_owned()));
        }
    }

    pub(super) fn check_action(&mut self, at: Position, action: &str) {
        let is_name = |text: &str, more: &[u8]| {
            let is_byte = |byte: u8| byte.is_ascii_alphanumeric() || more.contains(&byte);
            !text.is_empty() && text.bytes().all(is_byte)
        };
        let is_action = action == "*"
            || action.split_once(':').is_some_and(|(service, name)| is_name(service, b"-") && is_name(name, b"*?-_"));
        if !is_action {
            self.error(at, Fault::Action(action.to_owned()));
        } else if self.kind == PolicyKind::ResourceControl && action == "*" {
            self.error(at, Fault::EveryAction(self.kind));
        } else if self.kind == PolicyKind::Trust {
            let lower = action.to_ascii_lowercase();
            let is_trust = lower.starts_with("sts:assumerole")
                || lower == "sts:*"
                || TRUST_ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(action));
            if !is_trust {
                self.error(at, Fault::TrustAction(action.to_owned()));
            }
        }
    }

    pub(super) fn check_resource(&mut self, at: Position, resource: &str) {
        self.check_variables(at, resource);
        if resource == "*" {
            return;
        }
        // The last segment that is written may be a wildcard for all that follow.
        let segments: Vec<&str> = resource.splitn(6, ':').collect();
        let is_whole =
            segments.len() == 6 || (segments.len() > 2 && segments.last().is_some_and(|last| last.ends_with('*')));
        if segments[0] != "arn" || !is_whole {
            self.error(at, Fault::Resource(resource.to_owned()));
        } else if segments[2].contains(['*', '?']) {
            self.warn(at, Fault::ResourceService(resource.to_owned()));
        } else if segments.iter().take(5).any(|segment| segment.contains("${")) {
            self.warn(at, Fault::VariablePlace(resource.to_owned()));
        }
    }

    /// The forms of variables; whether they count is [`Reader::check_document`]'s.
    fn check_variables(&mut self, at: Position, text: &str) {
        if let Err(cause) = pieces(text) {
            self.error(at, Fault::Variable { text: text.to_owned(), cause });
        }
    }

    pub(super) fn check_principal(&mut self, at: Position, kind: &str, value: &str) {
        let wrong = || Fault::PrincipalValue { kind: kind.to_owned(), value: value.to_owned() };
        match kind {
            "AWS" if value == "*" || account_of(value).is_some() => {}
            "AWS" if ["AIDA", "AROA"].iter().any(|prefix| value.starts_with(prefix)) && !value.contains(':') => {
                self.warn(at, Fault::DeletedPrincipal(value.to_owned()));
            }
            "AWS" => {
                let parts: Vec<&str> = value.splitn(6, ':').collect();
                let is_arn = parts.len() == 6 && parts[0] == "arn" && ["iam", "sts"].contains(&parts[2]);
                if !is_arn {
                    self.error(at, wrong());
                } else if value.contains(['*', '?']) {
                    self.error(at, Fault::PrincipalPattern(value.to_owned()));
                } else {
                    let is_kind = ["user/", "role/", "assumed-role/", "federated-user/"];
                    let is_principal = account_of(&format!("arn:aws:iam::{}:root", parts[4])).is_some()
                        && is_kind.iter().any(|kind| parts[5].strip_prefix(kind).is_some_and(|name| !name.is_empty()));
                    if !is_principal {
                        self.error(at, wrong());
                    }
                }
            }
            "Service" if value.contains('.') && !value.contains([':', '*', '/', ' ']) => {}
            "Federated" if value.starts_with("arn:") || (value.contains('.') && !value.contains('*')) => {}
            "CanonicalUser" if !value.is_empty() => {}
            _ => self.error(at, wrong()),
        }
    }

    pub(super) fn check_operator(&mut self, at: Position, text: &str) -> Option<Operator> {
        match text.parse() {
            Ok(operator) => Some(operator),
            Err(_) => {
                let bare = text.rsplit(':').next().unwrap_or("").to_ascii_lowercase();
                let near = OPERATORS.iter().map(|(known, ..)| (distance(&known.to_ascii_lowercase(), &bare), *known));
                let near = near.filter(|(far, _)| *far <= 2).min().map(|(_, known)| known.to_owned());
                self.error(at, Fault::Operator { operator: text.to_owned(), near });
                None
            }
        }
    }

    pub(super) fn check_key(&mut self, at: Position, key: &str) {
        let is_key = key.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
        if !is_key {
            self.error(at, Fault::Key(key.to_owned()));
        }
    }

    pub(super) fn check_value(&mut self, at: Position, operator: Operator, value: &str) {
        let takes_variables = matches!(
            operator.test,
            Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike | Test::Arn | Test::Bool
        );
        if takes_variables {
            self.check_variables(at, value);
        }
        if let Err(cause) = condition::check_value(operator.test, value) {
            self.warn(at, Fault::Value { operator: operator.to_string(), cause });
        }
        let compares_characters = matches!(operator.test, Test::StringEquals | Test::StringEqualsIgnoreCase);
        let has_wildcard = pieces(value).is_ok_and(|pieces| {
            pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains(['*', '?'])))
        });
        if compares_characters && has_wildcard {
            self.warn(at, Fault::Wildcard { operator: operator.to_string(), value: value.to_owned() });
        }
    }

    /// Under an `Allow`, `ForAllValues:` alone lets in whoever leaves the key out. The statement's effect is not known here, and a
    /// negated test is no safer.
    pub(super) fn check_quantifier(&mut self, at: Position, operator: Operator, key: &str) {
        if operator.quantifier == Quantifier::All && !operator.if_exists {
            self.warn(at, Fault::ForAllValues { key: key.to_owned() });
        }
    }
}
