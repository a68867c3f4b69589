//! Facts from AWS: the role that the service account names, who trusts whom, and what stands on bucket and key.
//!
//! Nothing of it is needed to be allowed: what the caller may not read is unknown, with the action that is missing.

use sutler_access::doctor::{Association, Fact, Facts, Key, Role};
use sutler_access::names::{RoleArn, ServiceAccountName};
use sutler_access::policy::{Policy, PolicyKind};
use sutler_access::read::read;
use sutler_access::token::Provider;
use sutler_aws::{Aws, CallError};

use super::{Question, reason};
use crate::cloud::Cloud;
use crate::plan::make::ROLE_ANNOTATION;
use crate::stack::Stack;

/// What is unknown without an account.
pub(crate) fn unknown(why: &str, facts: &mut Facts) {
    let why = why.to_owned();
    facts.providers = Fact::Unknown(why.clone());
    facts.associations = Fact::Unknown(why.clone());
    facts.role = Fact::Unknown(why.clone());
    facts.resource_policy = Fact::Unknown(why.clone());
    facts.key = Fact::Unknown(why);
}

/// Fills in what the account knows.
pub(crate) async fn of_account(cloud: &Cloud, stack: Option<&Stack>, question: &Question, facts: &mut Facts) {
    let aws = &cloud.aws;
    facts.region = Fact::Known(aws.region().to_owned());
    facts.account = Fact::Known(cloud.caller.account.clone());
    facts.providers = fact(aws.oidc_providers().await.map(Some), |providers| {
        let provider = |one: sutler_aws::iam::OidcProvider| Provider { arn: one.arn, client_ids: one.client_ids };
        providers.into_iter().map(provider).collect()
    });
    let cluster = match stack {
        Some(stack) => fact(aws.cluster(&stack.cluster.name).await, |cluster| cluster),
        None => Fact::Unknown("the cluster's name in EKS is not known".to_owned()),
    };
    facts.associations = match &cluster {
        Fact::Known(cluster) => {
            if let Some(issuer) = &cluster.issuer {
                facts.issuer = Fact::Known(issuer.clone());
            }
            facts.cluster_arn = Fact::Known(cluster.arn.clone());
            fact(aws.pod_identity_associations(&cluster.name).await.map(Some), |found| {
                let association = |one: sutler_aws::eks::PodIdentityAssociation| Association {
                    service_account: ServiceAccountName { namespace: one.namespace, name: one.service_account },
                    role: one.role_arn,
                };
                found.into_iter().map(association).collect()
            })
        }
        // A cluster that is not EKS's has none.
        Fact::Absent => Fact::Known(Vec::new()),
        Fact::Unknown(why) => Fact::Unknown(why.clone()),
    };
    facts.role = match named_role(facts) {
        Some(arn) => role(aws, &arn, &cloud.caller.account).await,
        None => Fact::Absent,
    };
    if let Some(bucket) = question.bucket() {
        of_bucket(aws, bucket, facts).await;
    }
}

/// The role of the annotation, else of the association.
fn named_role(facts: &Facts) -> Option<String> {
    let account = facts.service_account.known()?;
    let annotated = account.annotations.get(ROLE_ANNOTATION).filter(|arn| !arn.is_empty()).cloned();
    annotated.or_else(|| {
        let name = account.qualified_name();
        let associations = facts.associations.known()?;
        associations.iter().find(|one| one.service_account == name).map(|one| one.role.clone())
    })
}

async fn role(aws: &Aws, arn: &str, account: &str) -> Fact<Role> {
    // What is no ARN at all is a broken link of its own.
    let Ok(parsed) = arn.parse::<RoleArn>() else { return Fact::Absent };
    if parsed.account() != account {
        return Fact::Unknown(format!("it is in account {}, the credentials are of {account}", parsed.account()));
    }
    let name = parsed.role_name();
    let found = match aws.role(name).await {
        Ok(Some(found)) => found,
        Ok(None) => return Fact::Absent,
        Err(error) => return Fact::Unknown(why(&error)),
    };
    let trust = match policy(PolicyKind::Trust, name, &found.trust) {
        Fact::Known(trust) => trust,
        Fact::Absent => return Fact::Absent,
        Fact::Unknown(why) => return Fact::Unknown(why),
    };
    let policies = match aws.role_policies(name).await {
        Err(error) => Fact::Unknown(why(&error)),
        Ok(found) => {
            let mut policies = Vec::new();
            let mut unread = None;
            for one in found {
                match policy(PolicyKind::Identity, &one.name, &one.document) {
                    Fact::Known(policy) => policies.push(policy),
                    Fact::Unknown(why) => unread = Some(why),
                    Fact::Absent => {}
                }
            }
            unread.map_or(Fact::Known(policies), Fact::Unknown)
        }
    };
    let boundary = match &found.boundary {
        None => Fact::Absent,
        Some(arn) => match aws.managed_policy(arn).await {
            Ok(document) => policy(PolicyKind::Boundary, arn, &document),
            Err(error) => Fact::Unknown(why(&error)),
        },
    };
    Fact::Known(Role { arn: found.arn, trust, policies, boundary, max_session: found.max_session, asked_session: None })
}

pub(crate) async fn of_bucket(aws: &Aws, bucket: &str, facts: &mut Facts) {
    facts.resource_policy = match aws.bucket_policy(bucket).await {
        Ok(Some(document)) => policy(PolicyKind::Resource, bucket, &document),
        Ok(None) => Fact::Absent,
        Err(error) => Fact::Unknown(why(&error)),
    };
    facts.key = match aws.bucket_encryption(bucket).await {
        Err(error) => Fact::Unknown(why(&error)),
        Ok(encryption) => match encryption.and_then(|encryption| encryption.key) {
            None => Fact::Absent,
            Some(key) => self::key(aws, &key).await,
        },
    };
}

async fn key(aws: &Aws, id: &str) -> Fact<Key> {
    let found = match aws.key(id).await {
        Ok(Some(found)) => found,
        Ok(None) => return Fact::Absent,
        Err(error) => return Fact::Unknown(why(&error)),
    };
    // AWS's own key for S3 is open to whoever may read the object.
    if found.manager == "AWS" {
        return Fact::Absent;
    }
    let policy = match aws.key_policy(&found.arn).await {
        Ok(Some(document)) => policy(PolicyKind::Resource, &found.arn, &document),
        Ok(None) => Fact::Absent,
        Err(error) => Fact::Unknown(why(&error)),
    };
    Fact::Known(Key { arn: found.arn, policy })
}

/// A document as AWS stores it. One that does not read is unknown: nothing is concluded from half of it.
fn policy(kind: PolicyKind, name: &str, document: &str) -> Fact<Policy> {
    let read = read(document, kind, name);
    match (read.policy, read.problems.first()) {
        (Some(policy), _) => Fact::Known(policy),
        (None, problem) => {
            let problem = problem.map(ToString::to_string).unwrap_or_default();
            Fact::Unknown(format!("the {kind} {name} does not read: {problem}"))
        }
    }
}

fn fact<T, U>(answer: Result<Option<T>, CallError>, known: impl FnOnce(T) -> U) -> Fact<U> {
    match answer {
        Ok(Some(found)) => Fact::Known(known(found)),
        Ok(None) => Fact::Absent,
        Err(error) => Fact::Unknown(why(&error)),
    }
}

fn why(error: &CallError) -> String {
    reason(error)
}
