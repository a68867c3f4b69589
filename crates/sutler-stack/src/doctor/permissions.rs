//! What pods with a role may do in AWS: the chain of [`sutler_access::doctor::explain`] for every service account that has a role, or that
//! the stack gives one, over what it should reach. Only what is not well is told, once for all pods and buckets that share it.

use std::collections::BTreeSet;

use serde_json::Value;
use sutler_access::doctor::{Check, Fact, Facts, Link, State, explain};
use sutler_access::names::ServiceAccountName;
use sutler_access::policy::Effect;
use sutler_objects::object::{annotation, list, name, namespace, text};

use super::{Branch, Finding, Fix, Section, Seen, Topic, count};
use crate::access::kubernetes::{account_of, of_pod};
use crate::access::{AccessError, Question, Sources, account, planned};
use crate::file::model::S3Access;
use crate::plan::make::ROLE_ANNOTATION;
use crate::stack::Role;
use crate::tables::Tables;

/// What everybody with credentials may do.
const IDENTITY: &str = "sts:GetCallerIdentity";

/// Something that a service account should be able to do.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Want {
    action: String,
    resource: String,
    context: Vec<(String, String)>,
}

impl Want {
    fn new(action: &str, resource: String) -> Want {
        Want { action: action.to_owned(), resource, context: Vec::new() }
    }

    fn bucket(&self) -> Option<&str> {
        let place = self.resource.splitn(6, ':').nth(5).filter(|_| self.resource.contains(":s3:"))?;
        place.split('/').next()
    }

    /// `s3:GetObject s3://team-data/*`.
    fn spoken(&self) -> String {
        match self.resource.split_once(":s3:::") {
            Some((_, place)) => format!("{} s3://{place}", self.action),
            None => self.action.clone(),
        }
    }
}

/// An answer that pods and wants share.
struct Answer {
    links: Vec<Link>,
    wants: Vec<Want>,
    pods: BTreeSet<String>,
}

/// Judges every service account with a role; with `within` those of one namespace.
///
/// # Errors
/// If the cluster cannot be asked.
pub async fn permissions(
    seen: Seen<'_>,
    sources: &Sources<'_>,
    issuer: Option<Fact<String>>,
    within: Option<&str>,
) -> Result<Section, AccessError> {
    let subjects = subjects(&seen, within);
    let mut findings = Vec::new();
    let mut questions = 0;
    let mut bad = 0;
    for subject in &subjects {
        let question = Question { subject: subject.clone(), action: String::new(), resource: String::new() };
        let role = seen.stack.and_then(|stack| super::network::role_of(stack, &subject.namespace, &subject.name));
        let pods = pods_of(seen.tables, subject);
        let mut base = Facts::default();
        if let Some(stack) = seen.stack {
            planned::of_stack(stack, &question, &mut base);
        }
        match sources.session {
            Some(session) => {
                let account = (subject.namespace.as_str(), subject.name.as_str());
                of_pod(seen.tables, session.simulated, pods.first().copied(), account, &mut base);
                base.issuer = issuer.clone().unwrap_or(base.issuer);
            }
            None => planned::of_accounts(seen.stack, &question, &mut base)?,
        }
        match &sources.cloud {
            Some(Ok(cloud)) => account::of_account(cloud, seen.stack, &question, &mut base).await,
            Some(Err(error)) => account::unknown(&crate::access::reason(error), &mut base),
            None => {}
        }
        let mut answers: Vec<Answer> = Vec::new();
        for want in wants(&base, role) {
            let mut facts = base.clone();
            facts.action.clone_from(&want.action);
            facts.resource.clone_from(&want.resource);
            facts.context.clone_from(&want.context);
            if let (Some(Ok(cloud)), Some(bucket)) = (&sources.cloud, want.bucket()) {
                account::of_bucket(&cloud.aws, bucket, &mut facts).await;
            }
            let each: Vec<Option<&Value>> = match pods.is_empty() {
                true => vec![None],
                false => pods.iter().copied().map(Some).collect(),
            };
            for pod in each {
                questions += 1;
                let mut facts = facts.clone();
                if let (Some(session), Some(pod)) = (sources.session, pod) {
                    let account = (subject.namespace.as_str(), subject.name.as_str());
                    of_pod(seen.tables, session.simulated, Some(pod), account, &mut facts);
                }
                answer(&mut answers, &want, pod, explain(&facts));
            }
        }
        bad += usize::from(answers.iter().any(|answer| worst(&answer.links) == State::Failed));
        findings.extend(answers.into_iter().map(|answer| told(&seen, subject, role, answer)));
    }
    let summary = match (subjects.len(), bad) {
        (0, _) => "no service account has a role".to_owned(),
        (all, 0) => {
            format!("{} with a role, {}: none is refused", count(all, "service account"), count(questions, "question"))
        }
        (all, bad) => format!("{bad} of {} with a role cannot do what it should", count(all, "service account")),
    };
    Ok(Section::new(Topic::Permissions, summary, findings))
}

/// The service accounts that have a role, or that should.
fn subjects(seen: &Seen<'_>, within: Option<&str>) -> BTreeSet<ServiceAccountName> {
    let tables = seen.tables;
    let named = |object: &Value, name: &str| ServiceAccountName {
        namespace: namespace(object).to_owned(),
        name: name.to_owned(),
    };
    let mut found: BTreeSet<ServiceAccountName> = BTreeSet::new();
    for account in tables.list("ServiceAccount") {
        let carries = annotation(account, ROLE_ANNOTATION).is_some();
        let is_meant =
            seen.stack.is_some_and(|stack| super::network::role_of(stack, namespace(account), name(account)).is_some());
        if carries || is_meant {
            found.insert(named(account, name(account)));
        }
    }
    // Pods that were given a role keep it when their account has lost it.
    for pod in tables.list("Pod").iter().filter(|pod| has_credentials(pod)) {
        found.insert(named(pod, account_of(pod)));
    }
    let of_stack = seen.stack.into_iter().flat_map(|stack| stack.roles.values()).flat_map(Role::account_names);
    found.extend(of_stack.filter(|name| !name.is_glob()));
    found.retain(|account| within.is_none_or(|within| account.namespace == within));
    found
}

fn has_credentials(pod: &Value) -> bool {
    let variables = list(pod, &["spec", "containers"]).iter().flat_map(|container| list(container, &["env"]));
    variables
        .map(|one| text(one, &["name"]))
        .any(|name| matches!(name, "AWS_ROLE_ARN" | "AWS_CONTAINER_CREDENTIALS_FULL_URI"))
}

/// The pods of a service account that have not ended.
fn pods_of<'t>(tables: &'t Tables, subject: &ServiceAccountName) -> Vec<&'t Value> {
    let ended = |pod: &&Value| matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed");
    let pods = tables.list_in("Pod", &subject.namespace).filter(|pod| account_of(pod) == subject.name);
    pods.filter(|pod| !ended(pod)).collect()
}

/// What an account should be able to do: what the stack grants its role, else what the role's own policies speak of.
fn wants(facts: &Facts, role: Option<&Role>) -> Vec<Want> {
    let mut wants = Vec::new();
    for grant in role.into_iter().flat_map(|role| &role.s3) {
        let arn = format!("arn:aws:s3:::{}", grant.bucket);
        let prefix = grant.prefix.as_deref().unwrap_or_default();
        let context = vec![("s3:prefix".to_owned(), prefix.to_owned())];
        wants.push(Want { context, ..Want::new("s3:ListBucket", arn.clone()) });
        wants.push(Want::new("s3:GetObject", format!("{arn}/{prefix}*")));
        if grant.access == S3Access::Write {
            wants.push(Want::new("s3:PutObject", format!("{arn}/{prefix}*")));
        }
    }
    if wants.is_empty() {
        wants.extend(of_policies(facts));
    }
    if wants.is_empty() {
        // Nothing is known that it should reach: whether it is somebody at all.
        wants.push(Want::new(IDENTITY, "*".to_owned()));
    }
    wants
}

/// The buckets that the role's own policies allow to be read or written.
fn of_policies(facts: &Facts) -> Vec<Want> {
    let policies = facts.role.known().and_then(|role| role.policies.known());
    let mut found: Vec<Want> = Vec::new();
    for statement in policies.into_iter().flatten().flat_map(|policy| &policy.document.statement) {
        if statement.effect != Effect::Allow {
            continue;
        }
        for resource in statement.resource.iter().flat_map(|values| &values.0) {
            let is_bucket = resource.contains(":s3:::") && !resource.ends_with(":::*") && resource.contains('/');
            for action in ["s3:GetObject", "s3:PutObject"] {
                let covers = |pattern: &str| {
                    pattern == "*" || pattern.eq_ignore_ascii_case("s3:*") || pattern.eq_ignore_ascii_case(action)
                };
                let want = Want::new(action, resource.clone());
                if is_bucket && statement.action.iter().any(covers) && !found.contains(&want) {
                    found.push(want);
                }
            }
        }
    }
    found
}

fn worst(links: &[Link]) -> State {
    [State::Failed, State::Warning, State::Unknown]
        .into_iter()
        .find(|state| links.iter().any(|link| link.state == *state))
        .unwrap_or(State::Ok)
}

/// Files what is not well of a chain with the same of others.
fn answer(answers: &mut Vec<Answer>, want: &Want, pod: Option<&Value>, links: Vec<Link>) {
    // Who one is needs no permission.
    let matters = |link: &Link| want.action != IDENTITY || !matches!(link.check, Check::Policy | Check::Key);
    let links: Vec<Link> =
        links.into_iter().filter(|link| !matches!(link.state, State::Ok | State::Unreached) && matters(link)).collect();
    if links.is_empty() {
        return;
    }
    let said = |links: &[Link]| {
        links.iter().map(|link| (link.state, link.text.clone(), link.evidence.clone())).collect::<Vec<_>>()
    };
    let pod = pod.map(|pod| name(pod).to_owned());
    match answers.iter_mut().find(|answer| said(&answer.links) == said(&links)) {
        Some(answer) => {
            answer.pods.extend(pod);
            if !answer.wants.contains(want) {
                answer.wants.push(want.clone());
            }
        }
        None => answers.push(Answer { links, wants: vec![want.clone()], pods: pod.into_iter().collect() }),
    }
}

/// How many wants are listed.
const MOST_WANTS: usize = 3;

fn told(seen: &Seen<'_>, subject: &ServiceAccountName, role: Option<&Role>, answer: Answer) -> Finding {
    let Answer { links, wants, pods } = answer;
    let state = worst(&links);
    let mut list: Vec<String> = wants.iter().take(MOST_WANTS).map(Want::spoken).collect();
    if wants.len() > MOST_WANTS {
        list.push(format!("and {} more", wants.len() - MOST_WANTS));
    }
    let list = list.join(", ");
    let anybody = wants.iter().all(|want| want.action == IDENTITY);
    let text = match state {
        State::Failed if anybody => "gets no credentials of its role".to_owned(),
        State::Warning if anybody => "gets credentials, and not as it should".to_owned(),
        State::Unknown if anybody => "nobody knows whether it gets credentials".to_owned(),
        State::Failed => format!("may not {list}"),
        State::Warning => format!("may {list}, and not as it should"),
        _ => format!("nobody knows whether it may {list}"),
    };
    let by = match (pods.first(), pods.len()) {
        (Some(pod), 1) => format!("{subject} (pod {pod})"),
        (Some(pod), more) => format!("{subject} (pod {pod} and {} more)", more - 1),
        (None, _) => subject.to_string(),
    };
    let mut finding = Finding::new(state, by, text);
    for link in links {
        let part =
            serde_json::to_value(link.check).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default();
        let text = if link.state == state { link.text } else { format!("{}: {}", link.state, link.text) };
        finding.branches.push(Branch { part, text, evidence: link.evidence });
        if let Some(fix) = link.fix {
            let at =
                role.filter(|_| link.check == Check::Policy).and_then(|role| seen.place(&["roles", &role.key, "s3"]));
            let fix = Fix::new(fix).at(at);
            if !finding.fixes.contains(&fix) {
                finding.fixes.push(fix);
            }
        }
    }
    finding
}
