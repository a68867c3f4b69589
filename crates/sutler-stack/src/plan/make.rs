//! Decides the plan. No I/O: the stack, what it rendered to, and what was observed come in, the plan comes out.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sutler_nodes::instances::FACTS_DATE;
use sutler_nodes::prices::{CONTROL_PLANE, Price, bill, nat_gateways};
use sutler_release::plan::{Reason, ReleasePlan, Wanted, plan_release};
use sutler_release::{Holder, parse_manifest};
use sutler_simulator::cluster::{ClusterModel, Role};

use super::diff::differences;
use super::{Action, Cost, PLAN_VERSION, Plan, Skipped, Step, Subject, TargetIdentity};
use crate::file::model::Manage;
use crate::infra::nat_gateway_count;
use crate::names::{SECRETS_ANNOTATION, STACK_LABEL};
use crate::observed::Observed;
use crate::prepare::{Prepared, PreparedRelease};
use crate::stack::{ChartReference, ServiceAccount, Stack, Target};

/// The annotation that AWS's pod identity webhook reads.
pub const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";

/// The chart whose releases leave a Ray profile in their namespace.
pub const RAY_CHART: &str = "ray-static-cluster";

/// How the plan treats what it meets.
#[derive(Clone, Copy)]
pub struct Choices<'a> {
    /// Take over releases that another tool left in the middle of an operation.
    pub recover: bool,
    /// Whether a lease's holder is known to have ended.
    pub has_ended: &'a dyn Fn(&Holder) -> bool,
}

/// The plan that brings the cluster to what the stack says.
pub fn make(stack: &Stack, prepared: &Prepared, observed: &Observed, choices: Choices<'_>) -> Plan {
    let mut plan = Plan {
        version: PLAN_VERSION,
        stack: stack.name.clone(),
        environment: stack.environment.clone(),
        target: identity(stack),
        pins: Vec::new(),
        infra: None,
        moves: Vec::new(),
        steps: Vec::new(),
        blocked: Vec::new(),
        skipped: skipped(stack),
        warnings: Vec::new(),
        cost: cost(stack),
    };
    if stack.target == Target::Simulator {
        plan.steps.extend(cluster_steps(&cluster_model(stack), observed.cluster.as_ref()));
    }
    plan.steps.extend(namespace_steps(stack, observed));
    plan.steps.extend(account_steps(stack, observed));
    for release in &prepared.releases {
        plan.steps.extend(secret_step(release, observed));
        let step = release_step(release, observed, choices, &mut plan.blocked);
        plan.steps.push(step);
        plan.warnings.extend(warning_of_values(release));
    }
    plan.steps.extend(profile_steps(stack, prepared, observed));
    plan.steps.extend(removed_releases(stack, observed));
    plan.steps.extend(removed_accounts(stack, observed));
    for role in stack.roles.values().filter(|role| role.arn.is_none()) {
        plan.warnings.push(format!(
            "role {}: its ARN is not known, since environment `{}` has no account: its service accounts get no annotation",
            role.key, stack.environment
        ));
    }
    plan
}

/// Which Kubernetes the stack means.
pub fn identity(stack: &Stack) -> TargetIdentity {
    TargetIdentity {
        kind: TargetIdentity::kind(&stack.target),
        cluster: stack.cluster.name.clone(),
        context: match &stack.target {
            Target::Context(context) => Some(context.clone()),
            _ => None,
        },
        account: stack.account.clone(),
        region: stack.region.clone(),
    }
}

fn skipped(stack: &Stack) -> Vec<Skipped> {
    let needed_by = |id: &str| {
        let needs = stack.releases.iter().filter(|release| release.needs_skipped.iter().any(|needed| needed == id));
        needs.map(|release| release.id.clone()).collect()
    };
    stack
        .skipped
        .iter()
        .map(|release| Skipped { release: release.id.clone(), needed_by: needed_by(&release.id) })
        .collect()
}

fn cost(stack: &Stack) -> Option<Cost> {
    let pools: Vec<_> = stack.pools.values().map(|pool| pool.pool.clone()).collect();
    let bill = bill(&pools, &[], standing(stack)?, &stack.region).ok()??;
    let dollars = |price: sutler_nodes::Price| price.micros() as f64 / 1e6;
    Some(Cost { idle: dollars(bill.idle), at_most: dollars(bill.at_most), prices_as_of: FACTS_DATE.to_owned() })
}

/// What a stack costs an hour whatever runs on it: of a cluster that it makes, control plane and NAT gateways; of another, nothing. `None` in
/// a region without prices.
pub(crate) fn standing(stack: &Stack) -> Option<Price> {
    if matches!(stack.target, Target::Context(_)) || stack.cluster.manage != Manage::All {
        return Some(Price::default());
    }
    Some(CONTROL_PLANE + nat_gateways(nat_gateway_count(stack), &stack.region)?)
}

/// The cluster that the simulator is to stand for.
pub fn cluster_model(stack: &Stack) -> ClusterModel {
    ClusterModel {
        name: stack.cluster.name.clone(),
        kubernetes_version: stack.cluster.version.clone(),
        region: stack.region.clone(),
        account: stack.account.clone().unwrap_or_default(),
        pools: stack.pools.values().map(|pool| pool.pool.clone()).collect(),
        roles: stack
            .roles
            .values()
            .map(|role| Role {
                name: role.name.clone(),
                arn: role.arn.clone().unwrap_or_default(),
                service_accounts: role.service_accounts.iter().map(ToString::to_string).collect(),
            })
            .collect(),
    }
}

fn cluster_steps(wanted: &ClusterModel, there: Option<&ClusterModel>) -> Vec<Step> {
    let mut steps = Vec::new();
    let head = |model: &ClusterModel| json!({"version": model.kubernetes_version, "region": model.region, "account": model.account, "name": model.name});
    steps.push(step(
        Subject::Cluster { name: wanted.name.clone() },
        there.map(head).as_ref(),
        &head(wanted),
        vec![format!("Kubernetes {}, {} as model", wanted.kubernetes_version, wanted.region)],
    ));
    for pool in &wanted.pools {
        let old = there.and_then(|there| there.pools.iter().find(|old| old.name == pool.name)).map(|old| json!(old));
        let about = format!("{} to {} × {}, {}", pool.min, pool.max, pool.instance_types.join("|"), pool.capacity);
        steps.push(step(Subject::Pool { name: pool.name.clone() }, old.as_ref(), &json!(pool), vec![about]));
    }
    for role in &wanted.roles {
        let old = there.and_then(|there| there.roles.iter().find(|old| old.name == role.name)).map(|old| json!(old));
        let about = format!("for {}", role.service_accounts.join(", "));
        steps.push(step(Subject::Role { name: role.name.clone() }, old.as_ref(), &json!(role), vec![about]));
    }
    let there = there.into_iter();
    let gone_pools = there
        .clone()
        .flat_map(|there| &there.pools)
        .filter(|old| wanted.pools.iter().all(|pool| pool.name != old.name));
    steps.extend(
        gone_pools.map(|old| remove(Subject::Pool { name: old.name.clone() }, "its nodes are drained and end")),
    );
    let gone_roles =
        there.flat_map(|there| &there.roles).filter(|old| wanted.roles.iter().all(|role| role.name != old.name));
    steps.extend(gone_roles.map(|old| remove(Subject::Role { name: old.name.clone() }, "nobody can take it any more")));
    steps
}

/// A step that makes `wanted` where nothing is, and changes what differs from it.
fn step(subject: Subject, there: Option<&Value>, wanted: &Value, about: Vec<String>) -> Step {
    match there {
        None => Step { subject, action: Action::Create, details: about },
        Some(there) if there == wanted => Step { subject, action: Action::Unchanged, details: Vec::new() },
        Some(there) => {
            let mut fields = Vec::new();
            super::diff::compare("", there, wanted, false, &mut fields);
            Step {
                subject,
                action: Action::Change,
                details: fields.iter().map(|field| field.trim_start_matches('.').to_owned()).collect(),
            }
        }
    }
}

fn remove(subject: Subject, about: &str) -> Step {
    Step { subject, action: Action::Remove, details: vec![about.to_owned()] }
}

/// The namespaces that the stack needs.
pub fn namespaces(stack: &Stack) -> BTreeSet<String> {
    let releases = stack.releases.iter().map(|release| release.namespace.clone());
    let accounts =
        stack.roles.values().flat_map(|role| &role.service_accounts).map(|account| account.namespace.clone());
    releases.chain(accounts).collect()
}

fn namespace_steps(stack: &Stack, observed: &Observed) -> Vec<Step> {
    let missing = namespaces(stack).into_iter().filter(|name| !observed.namespaces.contains(name));
    missing
        .map(|name| Step { subject: Subject::Namespace { name }, action: Action::Create, details: Vec::new() })
        .collect()
}

/// The service account of a role as the stack writes it.
pub fn account_object(stack: &Stack, account: &ServiceAccount, arn: Option<&str>) -> Value {
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": account.name, "namespace": account.namespace, "labels": {STACK_LABEL: stack.name}},
    });
    if let Some(arn) = arn {
        object["metadata"]["annotations"] = json!({ROLE_ANNOTATION: arn});
    }
    object
}

fn account_steps(stack: &Stack, observed: &Observed) -> Vec<Step> {
    let mut steps = Vec::new();
    for role in stack.roles.values() {
        for account in &role.service_accounts {
            let subject = Subject::ServiceAccount {
                namespace: account.namespace.clone(),
                name: account.name.clone(),
                role: role.key.clone(),
            };
            let arn = stack.annotated_arn(role);
            let wanted = facts_of_account(&account_object(stack, account, arn));
            let found = observed.accounts.get(account);
            let there = match found {
                // Somebody else's account that is as the stack wants it stays somebody else's.
                Some(found) if is_nobodys(found) && role_of(found) == role_of(&account_object(stack, account, arn)) => {
                    Some(wanted.clone())
                }
                _ => found.map(facts_of_account),
            };
            let about = match (arn, &role.arn) {
                (Some(arn), _) => vec![format!("takes {arn}")],
                (None, Some(arn)) => vec![format!("takes {arn} by EKS Pod Identity")],
                (None, None) => Vec::new(),
            };
            steps.push(step(subject, there.as_ref(), &wanted, about));
        }
    }
    steps
}

/// The part of a service account that the stack decides.
fn facts_of_account(object: &Value) -> Value {
    json!({"role": role_of(object), "stack": stack_of(object)})
}

/// The role that an account is annotated with; null if it has none.
fn role_of(account: &Value) -> Value {
    at(account, "/metadata/annotations", ROLE_ANNOTATION)
}

/// The stack whose label an account carries; null if it has none.
fn stack_of(account: &Value) -> Value {
    at(account, "/metadata/labels", STACK_LABEL)
}

/// Whether an account that takes a role was made by no stack.
fn is_nobodys(account: &Value) -> bool {
    stack_of(account).is_null() && !role_of(account).is_null()
}

fn at(object: &Value, pointer: &str, key: &str) -> Value {
    object.pointer(pointer).and_then(|map| map.get(key)).cloned().unwrap_or_default()
}

fn secret_step(release: &PreparedRelease, observed: &Observed) -> Option<Step> {
    let secret = release.secret.as_ref()?;
    let key = (release.release.namespace.clone(), secret.secret_name.clone());
    let there = observed.secrets.get(&key);
    let action = match (there, &release.secrets_digest) {
        (None, _) => Action::Create,
        (Some(there), Some(digest)) if digest_of(there) != Some(digest) => Action::Change,
        _ => Action::Unchanged,
    };
    let mut details = vec![format!("holds {}", secret.paths.join(", "))];
    if release.secrets_digest.is_none() && action == Action::Unchanged {
        details = vec!["not read by `plan`; `up` compares it".into()];
    }
    let subject = Subject::Secret { namespace: key.0, name: key.1, release: release.release.id.clone() };
    Some(Step { subject, action, details })
}

fn digest_of(secret: &Value) -> Option<&String> {
    match secret.pointer("/metadata/annotations")?.get(SECRETS_ANNOTATION)? {
        Value::String(digest) => Some(digest),
        _ => None,
    }
}

fn release_step(
    release: &PreparedRelease,
    observed: &Observed,
    choices: Choices<'_>,
    blocked: &mut Vec<String>,
) -> Step {
    let key = (release.release.namespace.clone(), release.release.name.clone());
    let history = observed.histories.get(&key).map(Vec::as_slice).unwrap_or_default();
    let drift = observed.drift.get(&key).map(Vec::as_slice).unwrap_or_default();
    let wanted = Wanted {
        inputs: &release.inputs_digest,
        content: &release.content,
        drift,
        recover: choices.recover,
        now: observed.now,
    };
    let last = history.last();
    let decided = plan_release(history, &wanted, |holder| (choices.has_ended)(holder));
    let mut details = Vec::new();
    let action = match &decided {
        ReleasePlan::Install => Action::Create,
        ReleasePlan::Upgrade { because, .. } => {
            for reason in because {
                match reason {
                    Reason::Inputs => {
                        let before = last.and_then(|last| parse_manifest(&last.manifest).ok()).unwrap_or_default();
                        let lines = differences(&before, &release.objects);
                        match lines.is_empty() {
                            true => details.push("its values or chart changed; its objects do not".into()),
                            false => details.extend(lines),
                        }
                    }
                    Reason::Failed => details.push("its last revision failed".into()),
                    Reason::Drift(drift) => {
                        details.extend(
                            drift.iter().map(|drift| format!("changed by somebody else: {}", drift_text(drift))),
                        );
                    }
                }
            }
            Action::Change
        }
        ReleasePlan::Unchanged { .. } => {
            match (&release.secrets_digest, last.and_then(|last| last.annotations.get(SECRETS_ANNOTATION))) {
                (Some(now), before) if before != Some(now) => {
                    details.push("a secret changed".into());
                    Action::Change
                }
                _ => Action::Unchanged,
            }
        }
        ReleasePlan::Recover { status, holder, .. } => {
            let who = holder.as_ref().map(|holder| format!(", begun by {}", holder.who)).unwrap_or_default();
            details.push(format!("an operation stopped half-way ({}{who}) and is finished", status.as_str()));
            Action::Finish
        }
        ReleasePlan::Busy { status, lease, .. } => {
            let name = &release.release.name;
            blocked.push(match lease {
                Some(lease) => format!("release `{name}` is being changed ({}) by {} until {} at the latest", status.as_str(), lease.holder, lease.lapses()),
                None => format!("release `{name}` was left in the middle of an operation ({}) by another tool; `sutler up --recover` takes it over", status.as_str()),
            });
            Action::Unchanged
        }
    };
    let chart = format!("{}-{}", release.chart.name(), release.chart.metadata().version);
    Step {
        subject: Subject::Release {
            id: release.release.id.clone(),
            name: key.1,
            namespace: key.0,
            chart,
            revision: last.map(|last| last.version),
        },
        action,
        details,
    }
}

/// What drifted, in a few words.
pub(crate) fn drift_text(drift: &sutler_release::drift::Drift) -> String {
    use sutler_release::drift::Difference;
    let object = format!("{} {}", drift.object.kind, drift.object.name);
    match &drift.difference {
        Difference::Missing => format!("{object} is missing"),
        Difference::Fields(fields) => {
            let paths: Vec<&str> = fields.iter().map(|field| field.path.as_str()).collect();
            format!("{object} {}", paths.join(", "))
        }
    }
}

/// A secret that goes into a release's values will stand in its record: worth saying.
fn warning_of_values(release: &PreparedRelease) -> Option<String> {
    let paths = crate::inputs::secret_paths(&release.release);
    if release.secret.is_some() || paths.is_empty() {
        return None;
    }
    let names: Vec<&str> = paths.iter().map(|(path, _)| *path).collect();
    Some(format!(
        "release {}: as with Helm, its record in the cluster holds the secret value of {}",
        release.release.id,
        names.join(", ")
    ))
}

/// The Ray profile of each namespace that has one, as the ConfigMap that the stack writes.
pub fn profiles(stack: &Stack, prepared: &Prepared) -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = Vec::new();
    for release in &prepared.releases {
        let is_ray = release.release.chart == ChartReference::Builtin(RAY_CHART.to_owned());
        let namespace = &release.release.namespace;
        if !is_ray || found.iter().any(|(known, _)| known == namespace) {
            continue;
        }
        let mut values = sutler_chart::values::to_json(&release.values);
        if let Some(values) = values.as_object_mut() {
            values.remove("global");
        }
        let profile = sutler_ray::Profile {
            version: sutler_ray::PROFILE_VERSION.to_owned(),
            stack: stack.name.clone(),
            chart: RAY_CHART.to_owned(),
            globals: prepared.globals.clone(),
            values,
        };
        found.push((namespace.clone(), profile.to_config_map(namespace, &json!({STACK_LABEL: stack.name}))));
    }
    found
}

fn profile_steps(stack: &Stack, prepared: &Prepared, observed: &Observed) -> Vec<Step> {
    let wanted = profiles(stack, prepared);
    let mut steps = Vec::new();
    for (namespace, map) in &wanted {
        let there = observed.profiles.get(namespace).map(|there| there["data"].clone());
        let action = match there {
            None => Action::Create,
            Some(there) if there == map["data"] => Action::Unchanged,
            Some(_) => Action::Change,
        };
        steps.push(Step { subject: Subject::RayProfile { namespace: namespace.clone() }, action, details: Vec::new() });
    }
    for (namespace, there) in &observed.profiles {
        let ours = there.pointer("/metadata/labels").and_then(|labels| labels.get(STACK_LABEL)).and_then(Value::as_str)
            == Some(stack.name.as_str());
        if ours && wanted.iter().all(|(known, _)| known != namespace) {
            steps.push(remove(
                Subject::RayProfile { namespace: namespace.clone() },
                "no Ray release of the stack is left there",
            ));
        }
    }
    steps
}

/// The step that removes an installed release.
pub fn removal(release: &sutler_release::Release) -> Step {
    let objects = parse_manifest(&release.manifest).map(|objects| objects.len()).unwrap_or_default();
    Step {
        subject: Subject::Release {
            id: release.name.clone(),
            name: release.name.clone(),
            namespace: release.namespace.clone(),
            chart: release.chart.label(),
            revision: Some(release.version),
        },
        action: Action::Remove,
        details: vec![format!("revision {}, {objects} objects", release.version)],
    }
}

/// Releases that carry this stack's label and left its file, in the order in which they can go.
fn removed_releases(stack: &Stack, observed: &Observed) -> Vec<Step> {
    let kept: BTreeSet<(&str, &str)> =
        stack.releases.iter().map(|release| (release.namespace.as_str(), release.name.as_str())).collect();
    let gone: Vec<&sutler_release::Release> = observed
        .releases_of(&stack.name)
        .filter(|((namespace, name), _)| !kept.contains(&(namespace.as_str(), name.as_str())))
        .map(|(_, release)| release)
        .collect();
    super::removal_order(gone).into_iter().map(removal).collect()
}

fn removed_accounts(stack: &Stack, observed: &Observed) -> Vec<Step> {
    let wanted: BTreeSet<&ServiceAccount> = stack.roles.values().flat_map(|role| &role.service_accounts).collect();
    let ours = observed.accounts.iter().filter(|(account, object)| {
        let label = object.pointer("/metadata/labels").and_then(|labels| labels.get(STACK_LABEL));
        label.and_then(Value::as_str) == Some(stack.name.as_str()) && !wanted.contains(account)
    });
    ours.map(|(account, _)| {
        let subject = Subject::ServiceAccount {
            namespace: account.namespace.clone(),
            name: account.name.clone(),
            role: String::new(),
        };
        remove(subject, "no role of the stack names it any more")
    })
    .collect()
}
