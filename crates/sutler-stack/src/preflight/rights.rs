//! Whether the caller may make the calls of a plan.
//!
//! ```text
//!   plan ─▶ Needs ─┐
//! AWS's simulation ┴▶ Verdicts ─▶ Findings: a line for each service and each who denies, with the statement to add
//!  or own evaluation ┘
//! ```
//! Plain functions; [`super::caller`] asks. Only what is certainly denied is `FAILED`.

use std::collections::{BTreeMap, BTreeSet};

use sutler_access::doctor::State;
use sutler_access::evaluate::{Answer, Lacking, Unmet};
use sutler_access::policy::{Document, Effect, Policy, PolicyKind, Principal, Statement, Values};
use sutler_access::{Caller, Policies, Request};
use sutler_aws::iam::{Decision, Simulated};
use sutler_infra::plan::Plan;
use sutler_infra::rights::{Need, Weight, of_all, of_plan, policy};

use crate::doctor::{Finding, Fix, count};
use crate::infra::infra;
use crate::stack::Stack;

/// What the caller may do of what a plan takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Rights {
    /// Whose policies count: the ARN of a user or a role.
    pub principal: String,
    /// The ARN of its permissions boundary, where it has one that is known.
    pub boundary: Option<String>,
    /// Each need, and what AWS would say.
    pub judged: Vec<(Need, Verdict)>,
}

/// What AWS would say to a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It may be made.
    Allowed,
    /// None of the caller's policies allows it.
    Missing,
    /// The permissions boundary does not allow it.
    Boundary,
    /// A service control policy of the organisation does not allow it.
    Organization,
    /// A statement denies it: the names of the policies.
    Denied(String),
    /// It cannot be said, and why.
    Unknown(String),
}

/// What carrying out a plan takes of the caller; without one, what making and removing everything of the stack takes. Nothing where
/// nothing is made.
pub fn needs(stack: &Stack, plan: Option<&Plan>, account: &str) -> Vec<Need> {
    // What AWS would refuse is said where the stack is opened.
    let Ok(infra) = infra(stack) else { return Vec::new() };
    match plan {
        Some(plan) => of_plan(plan, &infra, account),
        None => of_all(&infra, account),
    }
}

/// The context keys of a call that are known beforehand.
pub(crate) fn context<'n>(need: &'n Need, region: &'n str) -> Vec<(&'n str, &'n str)> {
    // IAM is one for the whole partition, and says that it is here.
    let region = if need.action.starts_with("iam:") { "us-east-1" } else { region };
    need.context.iter().copied().chain([("aws:RequestedRegion", region)]).collect()
}

/// What AWS's simulation said. Where conditions look at what was not asked, `own` is asked: the same by the documents, if they can be read.
pub(crate) fn of_simulation(simulated: &Simulated, own: impl FnOnce() -> Option<Verdict>) -> Verdict {
    let depends = || {
        let keys = simulated.missing_keys.join(", ");
        own().unwrap_or_else(|| Verdict::Unknown(format!("policies look at {keys}, which is not known beforehand")))
    };
    match simulated.decision {
        Decision::Allowed => Verdict::Allowed,
        _ if simulated.organization_allows == Some(false) => Verdict::Organization,
        _ if simulated.boundary_allows == Some(false) => Verdict::Boundary,
        _ if !simulated.missing_keys.is_empty() => depends(),
        Decision::ExplicitDeny => Verdict::Denied(simulated.policies.join(", ")),
        Decision::ImplicitDeny => Verdict::Missing,
    }
}

/// What the documents say of a call. Organisations' policies are not among them.
pub(crate) fn of_documents(caller: &Caller, policies: &Policies, need: &Need, region: &str) -> Verdict {
    let mut policies = policies.clone();
    if need.resource.contains(":key/") {
        policies.resource = Some(of_new_key(caller));
    }
    let Ok(evaluator) = policies.compile() else {
        return Verdict::Unknown("one of the caller's policies is none that IAM would take".to_owned());
    };
    let request = context(need, region)
        .into_iter()
        .fold(Request::new(caller.clone(), need.action, need.resource.as_str()), |request, (key, value)| {
            request.with(key, value)
        });
    match evaluator.decide(&request) {
        Answer::Allowed { .. } => Verdict::Allowed,
        Answer::Denied { by } => {
            let all = policies.identity.iter().chain(&policies.boundary);
            let statement = all
                .filter(|policy| policy.kind == by.kind && policy.name == by.policy)
                .find_map(|policy| policy.document.statement.get(by.index));
            let keys: BTreeSet<&str> = statement
                .iter()
                .flat_map(|statement| statement.condition.values().flat_map(BTreeMap::keys))
                .map(String::as_str)
                .filter(|key| request.context().get(&key.to_ascii_lowercase()).is_none())
                .collect();
            match keys.is_empty() {
                true => Verdict::Denied(by.to_string()),
                false => not_asked(keys),
            }
        }
        Answer::NotAllowed { lacking } => {
            // Were it not for conditions on what is not known yet, it would be allowed: by one statement, which is the nearest.
            let keys: Option<BTreeSet<String>> = evaluator.nearest(&request, lacking).and_then(|near| {
                let key = |unmet: &Unmet| match unmet {
                    Unmet::Condition { key, found: None, .. } => Some(key.clone()),
                    _ => None,
                };
                near.unmet.iter().map(key).collect()
            });
            match (keys, lacking) {
                (Some(keys), _) => not_asked(keys.iter().map(String::as_str).collect()),
                (None, Lacking::Boundary) => Verdict::Boundary,
                (None, _) => Verdict::Missing,
            }
        }
    }
}

fn not_asked(keys: BTreeSet<&str>) -> Verdict {
    let keys = keys.into_iter().collect::<Vec<_>>().join(", ");
    Verdict::Unknown(format!("policies look at {keys}, which is not known beforehand"))
}

/// The policy of a key that is made without one: the account's own policies decide (KMS developer guide, "Default key policy").
fn of_new_key(caller: &Caller) -> Policy {
    let account = caller.account().unwrap_or_default();
    let everything = || Values(vec!["*".to_owned()]);
    let statement = Statement {
        effect: Effect::Allow,
        principal: Some(Principal::Of(BTreeMap::from([("AWS".to_owned(), Values(vec![account.to_owned()]))]))),
        action: Values(vec!["kms:*".to_owned()]),
        resource: Some(everything()),
        ..Statement::default()
    };
    Policy::new(PolicyKind::Resource, "default key policy", Document::new(vec![statement]))
}

/// What is not well: a finding for each service and each reason.
pub(crate) fn findings(rights: &Rights) -> Vec<Finding> {
    let mut groups: BTreeMap<(&str, Weight, &Verdict), Vec<&Need>> = BTreeMap::new();
    for (need, verdict) in rights.judged.iter().filter(|(_, verdict)| *verdict != Verdict::Allowed) {
        let service = need.action.split(':').next().unwrap_or_default();
        groups.entry((service, need.weight, verdict)).or_default().push(need);
    }
    groups
        .into_iter()
        .map(|((service, weight, verdict), needs)| finding(rights, service, weight, verdict, &needs))
        .collect()
}

/// At most so many actions stand in a sentence whose fix does not name them too.
const LISTED: usize = 6;

fn finding(rights: &Rights, service: &str, weight: Weight, verdict: &Verdict, needs: &[&Need]) -> Finding {
    let actions: BTreeSet<&str> = needs.iter().map(|need| need.action).collect();
    let kinds: BTreeSet<&str> = needs.iter().flat_map(|need| need.kinds.iter().copied()).collect();
    let list = |words: &BTreeSet<&str>, most: usize| {
        let mut text = words.iter().take(most).copied().collect::<Vec<_>>().join(", ");
        if words.len() > most {
            text.push_str(&format!(" and {} more", words.len() - most));
        }
        text
    };
    let principal = &rights.principal;
    let all = list(&actions, usize::MAX);
    let what = format!("{all}  (for {})", list(&kinds, LISTED));
    let statements = serde_json::to_string(&policy(needs.iter().copied()).statement).unwrap_or_default();
    let subject = format!("rights {service}");
    let state = match (verdict, weight) {
        (Verdict::Unknown(_), _) => State::Unknown,
        (_, Weight::Perhaps) => State::Warning,
        (_, Weight::Certain) => State::Failed,
    };
    // What is asked under circumstances only says so.
    let perhaps = if weight == Weight::Perhaps { ", which may be asked for" } else { "" };
    match verdict {
        Verdict::Allowed | Verdict::Missing => {
            Finding::new(state, subject, format!("{principal} may not call {what}{perhaps}"))
                .fix(Fix::new(format!("add to its policies: {statements}")))
        }
        Verdict::Boundary => {
            let named = rights.boundary.as_deref().map(|arn| format!(" {arn}")).unwrap_or_default();
            Finding::new(
                state,
                subject,
                format!("the permissions boundary{named} of {principal} does not allow {what}{perhaps}"),
            )
            .fix(Fix::new(format!("add to the boundary: {statements}")))
        }
        Verdict::Organization => {
            let text = format!("a service control policy of the organisation does not allow {what}{perhaps}");
            Finding::new(state, subject, text).fix(Fix::new(format!(
                "ask whoever manages the organisation to allow the account {}",
                list(&actions, LISTED)
            )))
        }
        Verdict::Denied(by) => Finding::new(state, subject, format!("{by} denies {principal} {what}{perhaps}"))
            .fix(Fix::new(format!("take {} out of what {by} denies", list(&actions, LISTED)))),
        Verdict::Unknown(why) => {
            let number = count(actions.len(), "action");
            Finding::new(
                state,
                subject,
                format!("whether {principal} may call {number} ({}): {why}", list(&actions, LISTED)),
            )
        }
    }
}

/// `143 actions of 7 services`, of those that may be called.
pub(crate) fn summary(rights: &Rights) -> String {
    let allowed: BTreeSet<&str> = rights
        .judged
        .iter()
        .filter(|(need, verdict)| {
            // An action that is denied somewhere is no action that may be called.
            *verdict == Verdict::Allowed
                && rights
                    .judged
                    .iter()
                    .all(|(other, verdict)| other.action != need.action || *verdict == Verdict::Allowed)
        })
        .map(|(need, _)| need.action)
        .collect();
    let asked: BTreeSet<&str> = rights.judged.iter().map(|(need, _)| need.action).collect();
    format!("may call {} of the {}", allowed.len(), count(asked.len(), "action"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(action: &'static str, resource: &str) -> Need {
        let (resource, granted) = (resource.to_owned(), resource.to_owned());
        Need {
            action,
            resource,
            granted,
            context: Vec::new(),
            kinds: BTreeSet::from(["aws_iam_role"]),
            weight: Weight::Certain,
        }
    }

    fn simulated(decision: Decision) -> Simulated {
        Simulated {
            action: "iam:CreateRole".into(),
            decision,
            policies: vec!["user_anna_limits".into()],
            missing_keys: Vec::new(),
            boundary_allows: None,
            organization_allows: None,
        }
    }

    #[test]
    fn a_simulation_is_read_with_the_innermost_reason_first() {
        let own = || None;
        let missing = || vec!["aws:RequestTag/team".to_owned()];
        let of = |simulated: Simulated| of_simulation(&simulated, own);
        assert_eq!(of(simulated(Decision::Allowed)), Verdict::Allowed);
        assert_eq!(of(simulated(Decision::ImplicitDeny)), Verdict::Missing);
        assert_eq!(of(simulated(Decision::ExplicitDeny)), Verdict::Denied("user_anna_limits".into()));
        let no = simulated(Decision::ImplicitDeny);
        assert_eq!(of(Simulated { boundary_allows: Some(false), ..no.clone() }), Verdict::Boundary);
        let both = Simulated { boundary_allows: Some(false), organization_allows: Some(false), ..no.clone() };
        assert_eq!(of(both), Verdict::Organization);
        let depends = Simulated { missing_keys: missing(), ..no };
        assert!(matches!(of(depends.clone()), Verdict::Unknown(why) if why.contains("aws:RequestTag/team")));
        // The documents know which statement it is that looks at it.
        assert_eq!(of_simulation(&depends, || Some(Verdict::Missing)), Verdict::Missing);
        assert_eq!(of(Simulated { missing_keys: missing(), ..simulated(Decision::Allowed) }), Verdict::Allowed);
    }

    #[test]
    fn documents_decide_as_far_as_they_can_be_read() {
        let document = |text: &str| serde_json::from_str::<Document>(text).unwrap();
        let identity = document(
            r#"{"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::444455556666:role/data-*"},
                {"Effect": "Allow", "Action": "eks:CreateCluster", "Resource": "*", "Condition": {"StringEquals": {"aws:RequestTag/team": "data"}}},
                {"Effect": "Allow", "Action": ["kms:*", "ec2:*"], "Resource": "*"},
                {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}}},
                {"Effect": "Deny", "Action": "ec2:RunInstances", "Resource": "*", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}},
                {"Effect": "Deny", "Action": "ec2:CreateVpc", "Resource": "*", "Condition": {"Null": {"aws:TokenIssueTime": "true"}}},
                {"Sid": "Never", "Effect": "Deny", "Action": "kms:PutKeyPolicy", "Resource": "*"}]}"#,
        );
        let boundary = document(
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "NotAction": "iam:TagRole", "Resource": "*"}}"#,
        );
        let policies = Policies {
            identity: vec![Policy::new(PolicyKind::Identity, "platform", identity)],
            boundary: Some(Policy::new(PolicyKind::Boundary, "limits", boundary)),
            ..Policies::default()
        };
        let caller = Caller::parse("arn:aws:sts::444455556666:assumed-role/platform/anna").unwrap();
        let say = |action, resource: &str| match of_documents(&caller, &policies, &need(action, resource), "us-west-2")
        {
            Verdict::Unknown(why) => format!("unknown: {why}"),
            Verdict::Denied(by) => format!("denied by {by}"),
            other => format!("{other:?}"),
        };
        let role = |name: &str| format!("arn:aws:iam::444455556666:role/{name}");
        let table = [
            say("iam:CreateRole", &role("data-team-prod_DaftRole")),
            say("iam:CreateRole", &role("ml_Reader")),
            say("iam:TagRole", &role("data-team-prod_DaftRole")),
            say("eks:CreateCluster", "arn:aws:eks:us-west-2:444455556666:cluster/data"),
            say("kms:EnableKeyRotation", "arn:aws:kms:us-west-2:444455556666:key/*"),
            say("kms:PutKeyPolicy", "arn:aws:kms:us-west-2:444455556666:key/*"),
            say("ec2:CreateSubnet", "arn:aws:ec2:us-west-2:444455556666:subnet/*"),
            say("ec2:RunInstances", "arn:aws:ec2:us-west-2:444455556666:instance/*"),
            say("ec2:CreateVpc", "arn:aws:ec2:us-west-2:444455556666:vpc/*"),
        ];
        assert_eq!(
            table.join("\n"),
            "Allowed\nMissing\nBoundary\nunknown: policies look at aws:RequestTag/team, which is not known beforehand\n\
             Allowed\ndenied by statement Never of identity policy platform\nAllowed\n\
             unknown: policies look at aws:MultiFactorAuthPresent, which is not known beforehand\n\
             unknown: policies look at aws:TokenIssueTime, which is not known beforehand"
        );
    }
}
