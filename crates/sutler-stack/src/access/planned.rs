//! Facts of a plan and of the simulator: the roles as the stack would make them.

use sutler_access::doctor::{Fact, Facts, Network, Role, ServiceAccount, Webhook};
use sutler_access::names::{AccountId, Partition};
use sutler_access::policy::{Policy, PolicyKind};
use sutler_access::token::Provider;
use sutler_access::trust::{Issuer, web_identity};

use super::{AccessError, Question};
use crate::plan::make::ROLE_ANNOTATION;
use crate::stack::{self, Stack};

/// The issuer that a cluster has in a plan: its real one is known once the cluster is made.
fn issuer(stack: &Stack) -> String {
    format!("https://oidc.eks.{}.amazonaws.com/id/{:032}", stack.region, 0)
}

/// Fills in the account, the role that the subject's service account takes, and its trust.
pub(crate) fn of_stack(stack: &Stack, question: &Question, facts: &mut Facts) {
    facts.region = Fact::Known(stack.region.clone());
    let Some(account) = stack.account.as_deref().and_then(|account| account.parse::<AccountId>().ok()) else { return };
    facts.account = Fact::Known(account.as_str().to_owned());
    facts.resource_account = Fact::Known(account.as_str().to_owned());
    let role = role_of(stack, question);
    facts.expected_role = role.and_then(|role| role.arn.clone());
    facts.issuer = Fact::Known(issuer(stack));
    let partition = Partition::of_region(&stack.region);
    let provider = Issuer::new(&issuer(stack)).provider_arn(partition, &account);
    facts.providers = Fact::Known(vec![Provider { arn: provider, client_ids: vec!["sts.amazonaws.com".to_owned()] }]);
    facts.associations = Fact::Known(Vec::new());
    facts.node_role = Fact::Absent;
    facts.resource_policy = Fact::Absent;
    facts.key = Fact::Absent;
    // What others may have laid around the account is nobody's plan.
    facts.service_control = Fact::Known(Vec::new());
    facts.network = Fact::Known(Network { has_internet: true, ..Network::default() });
    facts.role = match role.and_then(|role| planned_role(stack, role, &account, partition)) {
        Some(role) => Fact::Known(role),
        None => Fact::Absent,
    };
}

/// The role whose service accounts include the subject, or the account of the pod that is asked about.
fn role_of<'s>(stack: &'s Stack, question: &Question) -> Option<&'s stack::Role> {
    let subject = &question.subject;
    let names = |role: &&stack::Role| {
        role.account_names().iter().any(|pattern| pattern.matches(&subject.namespace, &subject.name))
    };
    stack.roles.values().find(names)
}

/// A role as infra would make it: its trust and what it may do. `None` where its documents cannot be made, which the plan
/// refuses with a place in the file.
fn planned_role(stack: &Stack, role: &stack::Role, account: &AccountId, partition: Partition) -> Option<Role> {
    let arn = role.arn.clone()?;
    let accounts = role.account_names();
    let trust = web_identity(&Issuer::new(&issuer(stack)), partition, account, &accounts).ok()?;
    let own =
        role.permissions(stack).ok()?.map(|document| Policy::new(PolicyKind::Identity, role.name.clone(), document));
    // What others wrote is read where the role is, not in a plan.
    let unread = |arn: &String| format!("what {arn} says is read once the role is there");
    Some(Role {
        trust: Policy::new(PolicyKind::Trust, role.name.clone(), trust),
        policies: match role.managed_policies.first() {
            Some(arn) => Fact::Unknown(unread(arn)),
            None => Fact::Known(own.into_iter().collect()),
        },
        boundary: role.boundary.as_ref().map_or(Fact::Absent, |arn| Fact::Unknown(unread(arn))),
        max_session: 3600,
        asked_session: None,
        arn,
    })
}

/// Where there is no cluster yet: the service account as the stack would make it, and no pod.
///
/// # Errors
/// If the stack makes no such account.
pub(crate) fn of_accounts(stack: Option<&Stack>, question: &Question, facts: &mut Facts) -> Result<(), AccessError> {
    let subject = &question.subject;
    let role = stack.and_then(|stack| role_of(stack, question));
    let Some(role) = role else {
        let all = stack.into_iter().flat_map(|stack| stack.roles.values()).flat_map(|role| &role.service_accounts);
        let known = all.map(ToString::to_string).collect();
        return Err(AccessError::Nobody { subject: subject.to_string(), known });
    };
    let annotation = role.arn.clone().map(|arn| (ROLE_ANNOTATION.to_owned(), arn));
    facts.pod = Fact::Unknown("nothing is installed yet".to_owned());
    // EKS runs it beside every API server.
    facts.webhook = Fact::Known(Webhook { name: "pod-identity-webhook".to_owned(), fault: None });
    facts.service_account = Fact::Known(ServiceAccount {
        namespace: subject.namespace.clone(),
        name: subject.name.clone(),
        annotations: annotation.into_iter().collect(),
        last_change: None,
        annotated: None,
    });
    Ok(())
}
