//! Trust policies: who may take a role. For pods by IRSA (a web identity of the cluster's issuer) or by EKS Pod Identity.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::names::{AccountId, Partition, ServiceAccountName};
use crate::policy::{Document, Principal, Statement, Values};

/// The audience of the tokens that STS takes.
pub const STS_AUDIENCE: &str = "sts.amazonaws.com";

/// The longest trust policy that IAM takes without a raised quota, in characters without white space.
pub const TRUST_POLICY_LIMIT: usize = 2048;

/// The longest that IAM takes with the quota raised.
pub const TRUST_POLICY_RAISED_LIMIT: usize = 4096;

/// Why there is no trust policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TrustError {
    /// Nobody could take the role.
    #[error("no service account may take the role")]
    Nobody,
    /// More than IAM takes.
    #[error("the trust policy has {length} characters, IAM takes {TRUST_POLICY_LIMIT}")]
    TooLong {
        /// Its length without white space.
        length: usize,
    },
}

/// The cluster's OpenID Connect issuer, as IAM knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    host_and_path: String,
}

impl Issuer {
    /// From the issuer's URL, `https://oidc.eks.us-west-2.amazonaws.com/id/9C1F…`; the scheme may be left out.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let bare = url.strip_prefix("https://").unwrap_or(url).trim_end_matches('/');
        Self { host_and_path: bare.to_owned() }
    }

    /// Without the scheme, as condition keys begin.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.host_and_path
    }

    /// The ARN of its identity provider in an account.
    #[must_use]
    pub fn provider_arn(&self, partition: Partition, account: &AccountId) -> String {
        format!("arn:{}:iam::{account}:oidc-provider/{}", partition.as_str(), self.host_and_path)
    }
}

/// The trust policy by which these service accounts take a role with their own tokens (IRSA). Exact names go into one statement
/// with `StringEquals`, patterns into another with `StringLike`; the audience must be STS in both.
///
/// # Errors
/// There is no service account, or the document is longer than IAM takes.
pub fn web_identity(
    issuer: &Issuer,
    partition: Partition,
    account: &AccountId,
    service_accounts: &[ServiceAccountName],
) -> Result<Document, TrustError> {
    let (globs, exact): (Vec<_>, Vec<_>) = service_accounts.iter().partition(|name| name.is_glob());
    let audience_key = format!("{}:aud", issuer.as_str());
    let subject_key = format!("{}:sub", issuer.as_str());
    let provider = issuer.provider_arn(partition, account);
    let statement = |operator: &str, names: Vec<&ServiceAccountName>| {
        let subjects: Values = names.iter().map(|name| name.subject()).collect();
        let mut condition: BTreeMap<String, BTreeMap<String, Values>> = BTreeMap::new();
        condition.entry("StringEquals".to_owned()).or_default().insert(audience_key.clone(), STS_AUDIENCE.into());
        condition.entry(operator.to_owned()).or_default().insert(subject_key.clone(), subjects);
        Statement {
            principal: Some(Principal::Of([("Federated".to_owned(), provider.clone().into())].into())),
            action: "sts:AssumeRoleWithWebIdentity".into(),
            condition,
            ..Statement::default()
        }
    };
    let mut statements = Vec::new();
    if !exact.is_empty() {
        statements.push(statement("StringEquals", exact));
    }
    if !globs.is_empty() {
        statements.push(statement("StringLike", globs));
    }
    checked(statements)
}

/// The trust policy by which EKS Pod Identity hands a role to pods: which ones is said by associations, not here.
#[must_use]
pub fn pod_identity() -> Document {
    Document::new(vec![Statement {
        principal: Some(Principal::Of([("Service".to_owned(), "pods.eks.amazonaws.com".into())].into())),
        action: ["sts:AssumeRole", "sts:TagSession"].into_iter().collect(),
        ..Statement::default()
    }])
}

fn checked(statements: Vec<Statement>) -> Result<Document, TrustError> {
    if statements.is_empty() {
        return Err(TrustError::Nobody);
    }
    let document = Document::new(statements);
    let length = document.to_json().chars().count();
    if length > TRUST_POLICY_LIMIT {
        return Err(TrustError::TooLong { length });
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn trust(names: &[&str]) -> Result<Document, TrustError> {
        let names: Vec<ServiceAccountName> = names.iter().map(|name| name.parse().unwrap()).collect();
        let issuer = Issuer::new("https://oidc.eks.us-west-2.amazonaws.com/id/9C1F");
        web_identity(&issuer, Partition::Standard, &"444455556666".parse().unwrap(), &names)
    }

    #[test]
    fn exact_names_are_compared_exactly() {
        let key = |suffix: &str| format!("oidc.eks.us-west-2.amazonaws.com/id/9C1F:{suffix}");
        assert_eq!(
            trust(&["ray/daft", "jupyterhub/daft"]).unwrap().to_value(),
            json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": {
                        "Federated": "arn:aws:iam::444455556666:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/9C1F"
                    },
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": {"StringEquals": {
                        key("aud"): "sts.amazonaws.com",
                        key("sub"): ["system:serviceaccount:ray:daft", "system:serviceaccount:jupyterhub:daft"],
                    }},
                }],
            })
        );
    }

    #[test]
    fn patterns_have_a_statement_of_their_own() {
        let document = trust(&["ray/daft", "ray-*/daft"]).unwrap();
        let operators: Vec<Vec<&str>> = document
            .statement
            .iter()
            .map(|statement| statement.condition.keys().map(String::as_str).collect())
            .collect();
        assert_eq!(operators, [vec!["StringEquals"], vec!["StringEquals", "StringLike"]]);
    }

    #[test]
    fn a_role_for_nobody_or_for_too_many_is_refused() {
        assert_eq!(trust(&[]).unwrap_err(), TrustError::Nobody);
        let many: Vec<String> = (0..60).map(|n| format!("namespace-{n}/service-account-{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(trust(&many).unwrap_err().to_string().ends_with("IAM takes 2048"));
    }

    #[test]
    fn pod_identity_trusts_the_service() {
        assert_eq!(
            pod_identity().to_json(),
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]}]}"#
        );
    }
}
