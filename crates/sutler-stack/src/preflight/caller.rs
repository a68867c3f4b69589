//! Asks AWS what the caller may do: by its own simulation, else by the policies that can be read.
//!
//! Nothing of it is needed: a caller who may neither simulate nor read is told that it is unknown.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use sutler_access::doctor::Fact;
use sutler_access::policy::{Policy, PolicyKind};
use sutler_access::read::read;
use sutler_access::{Caller, Policies};
use sutler_aws::iam::Simulated;
use sutler_aws::{CallError, Reason};
use sutler_infra::rights::Need;

use super::rights::{Rights, Verdict, context, of_documents, of_simulation};
use crate::access::reason;
use crate::cloud::Cloud;

/// How many questions are under way at once: the simulation is throttled soon.
const AT_ONCE: usize = 4;

/// Whose policies count.
struct Subject {
    /// The ARN of a user or a role.
    principal: String,
    boundary: Option<String>,
    /// Whether it could be looked at: without that nobody knows whether it has a boundary.
    is_known: bool,
    caller: Caller,
    /// `user` or `role`, and its name.
    kind: Kind,
    name: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Role,
}

/// What the caller may do of `needs`; absent where there are none.
pub(super) async fn rights(cloud: &Cloud, needs: Vec<Need>) -> Fact<Rights> {
    if needs.is_empty() {
        return Fact::Absent;
    }
    let arn = &cloud.caller.arn;
    let Some(caller) = Caller::parse(arn) else {
        return Fact::Unknown(format!("{arn} is neither a user nor a role of IAM's"));
    };
    if let Caller::Root { arn } = &caller {
        let judged = needs.into_iter().map(|need| (need, Verdict::Allowed)).collect();
        return Fact::Known(Rights { principal: arn.clone(), boundary: None, judged });
    }
    let Some(subject) = subject(cloud, caller).await else {
        return Fact::Unknown(format!("what {arn} may do is not kept in policies of its own"));
    };
    let simulated = simulate(cloud, &subject, &needs).await;
    let is_complete = simulated.as_ref().is_ok_and(|answers| {
        answers
            .iter()
            .flatten()
            .all(|answer| answer.missing_keys.is_empty() || answer.decision == sutler_aws::iam::Decision::Allowed)
    });
    // Read only where it matters: who may simulate need not be allowed to read.
    let documents = if is_complete { Err(String::new()) } else { documents(cloud, &subject).await };
    let own = |need: &Need| {
        documents.as_ref().ok().map(|policies| of_documents(&subject.caller, policies, need, cloud.aws.region()))
    };
    let judged = match (&simulated, &documents) {
        (Ok(answers), _) => needs
            .into_iter()
            .zip(answers)
            .map(|(need, answer)| {
                let verdict = match answer {
                    Some(answer) => of_simulation(answer, || own(&need)),
                    None => own(&need).unwrap_or_else(|| Verdict::Unknown("AWS did not say".to_owned())),
                };
                (need, verdict)
            })
            .collect(),
        (Err(_), Ok(_)) => needs
            .into_iter()
            .map(|need| {
                let verdict = own(&need).unwrap_or(Verdict::Missing);
                (need, verdict)
            })
            .collect(),
        (Err(error), Err(unread)) => return Fact::Unknown(format!("{}; {unread}", denied(error))),
    };
    Fact::Known(Rights { principal: subject.principal, boundary: subject.boundary, judged })
}

/// Whose policies count. What the caller may not read of itself is taken from its ARN.
async fn subject(cloud: &Cloud, caller: Caller) -> Option<Subject> {
    match &caller {
        Caller::User { arn } => {
            let name = arn.rsplit('/').next()?.to_owned();
            let found = cloud.aws.user(&name).await.ok().flatten();
            let (is_known, boundary) = (found.is_some(), found.and_then(|user| user.boundary));
            Some(Subject { principal: arn.clone(), boundary, is_known, name, kind: Kind::User, caller })
        }
        Caller::Session { role, session } => {
            // A session's ARN leaves out its role's path, such as that of single sign-on.
            let name = role.rsplit('/').next()?.to_owned();
            let found = cloud.aws.role(&name).await.ok().flatten();
            let is_known = found.is_some();
            let (role, boundary) = found.map_or((role.clone(), None), |found| (found.arn, found.boundary));
            let caller = Caller::Session { role: role.clone(), session: session.clone() };
            Some(Subject { principal: role, boundary, is_known, name, kind: Kind::Role, caller })
        }
        _ => None,
    }
}

/// What one simulation is asked about: the resource, and context keys with their values.
type Question<'a> = (&'a str, Vec<(&'a str, &'a str)>);

/// AWS's answer to each need, in their order; `None` to what it left out.
async fn simulate(cloud: &Cloud, subject: &Subject, needs: &[Need]) -> Result<Vec<Option<Simulated>>, CallError> {
    let region = cloud.aws.region();
    let mut groups: BTreeMap<Question<'_>, Vec<usize>> = BTreeMap::new();
    for (index, need) in needs.iter().enumerate() {
        groups.entry((&need.resource, context(need, region))).or_default().push(index);
    }
    let questions = groups.into_iter().map(|((resource, context), indices)| async move {
        let actions: Vec<&str> = indices.iter().map(|index| needs[*index].action).collect();
        let answers = cloud.aws.simulate(&subject.principal, &actions, resource, &context).await?;
        Ok::<_, CallError>((indices, answers))
    });
    let mut found: Vec<Option<Simulated>> = vec![None; needs.len()];
    let mut questions = futures_util::stream::iter(questions).buffer_unordered(AT_ONCE);
    while let Some(answered) = questions.next().await {
        let (indices, answers) = answered?;
        for index in indices {
            let is_meant = |answer: &&Simulated| answer.action.eq_ignore_ascii_case(needs[index].action);
            found[index] = answers.iter().find(is_meant).cloned();
        }
    }
    Ok(found)
}

/// The policies of the caller, or why they cannot be read.
async fn documents(cloud: &Cloud, subject: &Subject) -> Result<Policies, String> {
    let aws = &cloud.aws;
    if !subject.is_known {
        let action = if subject.kind == Kind::Role { "iam:GetRole" } else { "iam:GetUser" };
        return Err(format!("no right to call {action}"));
    }
    let found = match subject.kind {
        Kind::Role => aws.role_policies(&subject.name).await,
        Kind::User => aws.user_policies(&subject.name).await,
    };
    let found = found.map_err(|error| denied(&error))?;
    let mut policies = Policies::default();
    for one in found {
        policies.identity.push(parse(PolicyKind::Identity, &one.name, &one.document)?);
    }
    if let Some(arn) = &subject.boundary {
        let document = aws.managed_policy(arn).await.map_err(|error| denied(&error))?;
        policies.boundary = Some(parse(PolicyKind::Boundary, arn, &document)?);
    }
    Ok(policies)
}

fn parse(kind: PolicyKind, name: &str, document: &str) -> Result<Policy, String> {
    read(document, kind, name).policy.ok_or_else(|| format!("the {kind} {name} does not read"))
}

fn denied(error: &CallError) -> String {
    match error.reason {
        Reason::Denied { .. } => format!("no right to call {}", error.action),
        _ => reason(error),
    }
}
