//! What the role may do once the pod has it: session, chained role, policies, key.

use super::account::Subject;
use super::facts::{Fact, Facts, Role};
use super::{Check, Link};
use crate::evaluate::{Answer, Lacking, Policies};
use crate::kms::via_s3;
use crate::policy::PolicyKind;
use crate::request::{Caller, Request};

/// The longest session of a role that was taken by a role, in seconds, whatever the role allows.
const CHAINED_SESSION_LIMIT: u32 = 3_600;

/// The shortest session that STS gives, in seconds.
const LEAST_SESSION: u32 = 900;

pub(super) fn links(facts: &Facts, subject: &Subject, links: &mut Vec<Link>) {
    let role = match &facts.role {
        Fact::Known(role) => role,
        Fact::Absent => return,
        Fact::Unknown(why) => {
            // Where no role is given at all, its policies are no matter.
            if subject.name.is_some() {
                links.push(Link::unknown(Check::Policy, format!("the role's policies: {why}")));
            }
            return;
        }
    };
    links.extend(session(role, role.max_session, "the role allows"));
    let effective = match &facts.chained_role {
        None => role,
        Some(Fact::Known(chained)) => {
            links.extend(chain(facts, role, chained));
            chained
        }
        Some(Fact::Absent) => {
            links.push(
                Link::failed(Check::Chain, "the role that the program takes is not there")
                    .fix("name a role that is there"),
            );
            return;
        }
        Some(Fact::Unknown(why)) => {
            links.push(Link::unknown(Check::Chain, format!("the role that the program takes: {why}")));
            return;
        }
    };
    links.push(policies(facts, effective));
    links.extend(key(facts, effective));
}

fn session(role: &Role, most: u32, who: &str) -> Option<Link> {
    let asked = role.asked_session?;
    let name = name_of(role);
    if asked > most {
        let text = format!("the program asks for a session of {asked} s, {who} {most} s");
        return Some(Link::failed(Check::Session, text).fix(format!(
            "ask for at most {most} s, or: aws iam update-role --role-name {name} --max-session-duration {asked}"
        )));
    }
    let text = format!("the program asks for a session of {asked} s, STS gives none below {LEAST_SESSION} s");
    (asked < LEAST_SESSION)
        .then(|| Link::failed(Check::Session, text).fix(format!("ask for at least {LEAST_SESSION} s")))
}

fn name_of(role: &Role) -> &str {
    role.arn.rsplit('/').next().unwrap_or(&role.arn)
}

fn caller(facts: &Facts, role: &Role) -> Caller {
    let session = facts.pod.known().map_or_else(|| "pod".to_owned(), |pod| pod.name.clone());
    Caller::Session { role: role.arn.clone(), session }
}

/// The second role must trust the first, the first be allowed to take it, and no session of it be longer than an hour.
fn chain(facts: &Facts, first: &Role, second: &Role) -> Vec<Link> {
    let mut links = Vec::new();
    if let Some(asked) = second.asked_session.filter(|asked| *asked > CHAINED_SESSION_LIMIT) {
        let text = format!(
            "the program asks for {asked} s of a role that it takes by a role: STS gives at most {CHAINED_SESSION_LIMIT} s"
        );
        links.push(Link::failed(Check::Session, text).fix("ask for an hour, or let the pod take the role directly"));
    }
    let takes = format!("{} takes {}", name_of(first), name_of(second));
    let Some(identity) = first.policies.known() else {
        links.push(Link::unknown(
            Check::Chain,
            format!("whether {takes}: the policies of {} are not known", name_of(first)),
        ));
        return links;
    };
    let policies = Policies {
        identity: identity.clone(),
        boundary: first.boundary.known().cloned(),
        resource: Some(second.trust.clone()),
        service_control: facts.service_control.known().cloned().unwrap_or_default(),
        ..Policies::default()
    };
    let request = Request::new(caller(facts, first), "sts:AssumeRole", second.arn.as_str());
    links.push(match policies.compile() {
        Err(error) => Link::unknown(Check::Chain, format!("whether {takes}: {error}")),
        Ok(evaluator) => match evaluator.decide(&request) {
            Answer::Allowed { .. } => Link::ok(Check::Chain, takes),
            Answer::Denied { by } => {
                Link::failed(Check::Chain, format!("{} may not take {}", name_of(first), name_of(second)))
                    .because(format!("denied by {by}"))
                    .fix("change that statement")
            }
            Answer::NotAllowed { lacking } => {
                let (who, what) = match lacking {
                    Lacking::Resource => {
                        (name_of(second), format!("let the trust policy of {} name {}", name_of(second), first.arn))
                    }
                    _ => (name_of(first), format!("allow {} sts:AssumeRole on {}", name_of(first), second.arn)),
                };
                Link::failed(
                    Check::Chain,
                    format!("{} may not take {}: {who} does not allow it", name_of(first), name_of(second)),
                )
                .fix(what)
            }
        },
    });
    links
}

/// The policies of a request by this role; what is not known is left out and named.
fn known_policies<'a>(facts: &'a Facts, role: &'a Role) -> Result<(Policies, Vec<&'static str>), &'a str> {
    let mut unknown = Vec::new();
    let identity = match &role.policies {
        Fact::Known(policies) => policies.clone(),
        Fact::Absent => Vec::new(),
        Fact::Unknown(why) => return Err(why),
    };
    if let Fact::Unknown(_) = role.boundary {
        unknown.push("its permissions boundary");
    }
    if let Fact::Unknown(_) = facts.service_control {
        unknown.push("the organisation's policies");
    }
    let policies = Policies {
        identity,
        boundary: role.boundary.known().cloned(),
        service_control: facts.service_control.known().cloned().unwrap_or_default(),
        ..Policies::default()
    };
    Ok((policies, unknown))
}

fn request(facts: &Facts, role: &Role) -> Request {
    let request = Request::new(caller(facts, role), facts.action.as_str(), facts.resource.as_str());
    let request = match &facts.resource_account {
        Fact::Known(account) => request.resource_account(account.as_str()),
        _ => request,
    };
    facts.context.iter().fold(request, |request, (key, value)| request.with(key, value.as_str()))
}

fn policies(facts: &Facts, role: &Role) -> Link {
    let asks = format!("{} on {}", facts.action, facts.resource);
    let (mut policies, mut unknown) = match known_policies(facts, role) {
        Ok(known) => known,
        Err(why) => return Link::unknown(Check::Policy, format!("the policies of {}: {why}", name_of(role))),
    };
    let request = request(facts, role);
    policies.resource = facts.resource_policy.known().cloned();
    if let Fact::Unknown(_) = facts.resource_policy {
        unknown.push("the resource's policy");
    }
    let evaluator = match policies.compile() {
        Ok(evaluator) => evaluator,
        Err(error) => return Link::unknown(Check::Policy, format!("{asks}: {error}")),
    };
    let about = Request::resource;
    match evaluator.decide(&request) {
        allowed @ Answer::Allowed { .. } => {
            if unknown.is_empty() {
                Link::ok(Check::Policy, format!("{asks} is {allowed}"))
            } else {
                let link = Link::unknown(Check::Policy, format!("{asks} is {allowed}, and could still be denied"));
                link.because(format!("not known: {}", unknown.join(", ")))
            }
        }
        Answer::Denied { by } => {
            Link::failed(Check::Policy, format!("{asks} is denied")).because(by.to_string()).fix(format!("change {by}"))
        }
        // Another account's resource whose policy nobody could read.
        Answer::NotAllowed { lacking: Lacking::Resource } if unknown.contains(&"the resource's policy") => {
            let link = Link::unknown(Check::Policy, format!("{asks}: the resource belongs to another account"));
            link.because("its policy must allow it, and is not known")
        }
        Answer::NotAllowed { lacking } => {
            let near = evaluator.nearest(&request, lacking);
            let fix = match lacking {
                Lacking::Resource => format!("let the resource's policy allow {} to {}", facts.action, role.arn),
                Lacking::Boundary => format!(
                    "allow {} on {} in the permissions boundary of {}",
                    facts.action,
                    about(&request),
                    name_of(role)
                ),
                Lacking::ServiceControl { .. } => format!("ask who runs the organisation to allow {}", facts.action),
                _ => format!("allow {} on {} to {}", facts.action, about(&request), name_of(role)),
            };
            let answer = Answer::NotAllowed { lacking };
            let link = Link::failed(Check::Policy, format!("{asks}: {answer}"));
            near.map(|near| near.to_string()).into_iter().fold(link, Link::because).fix(fix)
        }
    }
}

/// What S3 asks of KMS for somebody: to read, decrypt; to write, make a data key.
fn key(facts: &Facts, role: &Role) -> Option<Link> {
    let action = match facts.action.to_ascii_lowercase().as_str() {
        "s3:getobject" | "s3:getobjectversion" => "kms:Decrypt",
        "s3:putobject" => "kms:GenerateDataKey",
        _ => return None,
    };
    let key = match &facts.key {
        Fact::Absent => return None,
        Fact::Unknown(why) => return Some(Link::unknown(Check::Key, format!("the key that encrypts it: {why}"))),
        Fact::Known(key) => key,
    };
    let (mut policies, _) = known_policies(facts, role).ok()?;
    match &key.policy {
        Fact::Known(policy) => policies.resource = Some(policy.clone()),
        Fact::Absent => {}
        Fact::Unknown(why) => return Some(Link::unknown(Check::Key, format!("the policy of key {}: {why}", key.arn))),
    }
    let region = key.arn.split(':').nth(3).unwrap_or("");
    let request = Request::new(caller(facts, role), action, key.arn.as_str())
        .with("kms:ViaService", via_s3(region))
        .with("kms:CallerAccount", role.arn.split(':').nth(4).unwrap_or(""));
    let evaluator = match policies.compile() {
        Ok(evaluator) => evaluator,
        Err(error) => return Some(Link::unknown(Check::Key, format!("key {}: {error}", key.arn))),
    };
    let answer = evaluator.decide(&request);
    Some(match answer {
        Answer::Allowed { .. } => Link::ok(Check::Key, format!("{action} on the key is {answer}")),
        Answer::Denied { by } => Link::failed(Check::Key, format!("the key that encrypts it: {action} is denied"))
            .because(by.to_string())
            .fix(format!("change {by}")),
        Answer::NotAllowed { lacking } => {
            let near = evaluator
                .nearest(&request, lacking)
                .filter(|near| near.statement.kind != PolicyKind::Identity || near.unmet.len() == 1);
            let who = match lacking {
                Lacking::Resource => "the key's own policy does not allow it",
                Lacking::Identity => "no policy of the role allows it",
                Lacking::Boundary => "the permissions boundary does not allow it",
                _ => "the organisation does not allow it",
            };
            let fix = match lacking {
                Lacking::Resource => format!("let the policy of key {} allow {action} to {}", key.arn, role.arn),
                _ => format!("allow {action} on {} to {}", key.arn, name_of(role)),
            };
            let link = Link::failed(Check::Key, format!("the object is encrypted by key {}, and {who}", key.arn));
            near.map(|near| near.to_string()).into_iter().fold(link, Link::because).fix(fix)
        }
    })
}
