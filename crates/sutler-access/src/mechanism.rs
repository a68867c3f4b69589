//! The two ways in which pods get roles, and the move from one to the other without a moment in which a pod has none.
//!
//! The order rests on how AWS's SDKs look for credentials: a web identity token (IRSA) comes before the container's endpoint (Pod
//! Identity). A pod that has both uses IRSA, so that an association may be made long before the annotation goes.

use std::fmt;

use thiserror::Error;

use crate::names::{RoleArn, ServiceAccountName};
use crate::policy::Document;
use crate::token::POD_IDENTITY_SERVICE;

/// How a pod comes to its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// IAM roles for service accounts: the cluster's issuer vouches for the pod's token.
    WebIdentity,
    /// EKS Pod Identity: an association names the account, an agent on each node hands out credentials.
    PodIdentity,
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WebIdentity => "IRSA",
            Self::PodIdentity => "EKS Pod Identity",
        })
    }
}

/// A step of the move, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The add-on `eks-pod-identity-agent` must run on every node.
    InstallAgent,
    /// The role's trust policy becomes this.
    Trust {
        /// The policy: first of both mechanisms, at last of the new one.
        document: Box<Document>,
        /// Whether it still trusts the old mechanism.
        has_both: bool,
    },
    /// A Pod Identity association is made.
    Associate(ServiceAccountName),
    /// A Pod Identity association is removed.
    Dissociate(ServiceAccountName),
    /// The service account's annotation `eks.amazonaws.com/role-arn` is set to the role.
    Annotate(ServiceAccountName, RoleArn),
    /// The annotation is removed.
    RemoveAnnotation(ServiceAccountName),
    /// Pods of the service account are made anew: only new pods see the change.
    RestartPods(ServiceAccountName),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InstallAgent => f.write_str("install the add-on eks-pod-identity-agent"),
            Self::Trust { has_both: true, .. } => f.write_str("let the role trust both mechanisms"),
            Self::Trust { .. } => f.write_str("let the role trust the new mechanism alone"),
            Self::Associate(account) => write!(f, "associate {account} with the role"),
            Self::Dissociate(account) => write!(f, "remove the association of {account}"),
            Self::Annotate(account, role) => write!(f, "annotate {account} with {role}"),
            Self::RemoveAnnotation(account) => {
                write!(f, "remove the annotation eks.amazonaws.com/role-arn of {account}")
            }
            Self::RestartPods(account) => write!(f, "restart the pods of {account}"),
        }
    }
}

/// Why pods cannot be moved.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MoveError {
    /// Pod Identity associates one account each.
    #[error("`{0}` is a pattern, and EKS Pod Identity associates exact service accounts only")]
    Pattern(ServiceAccountName),
}

/// The steps that move these service accounts' pods to a mechanism. `web_identity` is the role's trust policy for IRSA, `pod_identity`
/// that for Pod Identity, as [`crate::trust`] makes them.
///
/// To IRSA, patterns are left to the trust policy: which accounts they mean is not known here, and each has to be annotated by itself.
///
/// # Errors
/// A pattern of accounts is to be moved to Pod Identity.
pub fn moving_to(
    mechanism: Mechanism,
    role: &RoleArn,
    accounts: &[ServiceAccountName],
    web_identity: &Document,
    pod_identity: &Document,
) -> Result<Vec<Step>, MoveError> {
    if let (Mechanism::PodIdentity, Some(glob)) = (mechanism, accounts.iter().find(|account| account.is_glob())) {
        return Err(MoveError::Pattern(glob.clone()));
    }
    let mut both = web_identity.clone();
    both.statement.extend(pod_identity.statement.iter().cloned());
    let trust_both = Step::Trust { document: Box::new(both), has_both: true };
    let exact = || accounts.iter().filter(|account| !account.is_glob()).cloned();
    let mut steps = Vec::new();
    match mechanism {
        Mechanism::PodIdentity => {
            steps.extend([Step::InstallAgent, trust_both]);
            steps.extend(exact().map(Step::Associate));
            // While the annotation is there, new pods would still take the token first.
            steps.extend(exact().map(Step::RemoveAnnotation));
            steps.extend(exact().map(Step::RestartPods));
            steps.push(Step::Trust { document: Box::new(pod_identity.clone()), has_both: false });
        }
        Mechanism::WebIdentity => {
            steps.push(trust_both);
            steps.extend(exact().map(|account| Step::Annotate(account, role.clone())));
            steps.extend(exact().map(Step::RestartPods));
            steps.extend(exact().map(Step::Dissociate));
            steps.push(Step::Trust { document: Box::new(web_identity.clone()), has_both: false });
        }
    }
    Ok(steps)
}

/// Which mechanisms a trust policy is written for.
#[must_use]
pub fn trusted(trust: &Document) -> Vec<Mechanism> {
    let names = |statement: &crate::policy::Statement, kind: &str, wanted: &dyn Fn(&str) -> bool| match &statement
        .principal
    {
        Some(crate::policy::Principal::Of(kinds)) => kinds.get(kind).is_some_and(|values| values.iter().any(wanted)),
        _ => false,
    };
    let is_provider = |value: &str| value.contains(":oidc-provider/");
    let is_service = |value: &str| value == POD_IDENTITY_SERVICE;
    let mut found = Vec::new();
    if trust.statement.iter().any(|statement| names(statement, "Federated", &is_provider)) {
        found.push(Mechanism::WebIdentity);
    }
    if trust.statement.iter().any(|statement| names(statement, "Service", &is_service)) {
        found.push(Mechanism::PodIdentity);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Policy, PolicyKind};
    use crate::token::{PodOfCluster, Provider, Token, exchange, pod_identity_requests};
    use crate::trust::{self, Issuer};
    use crate::{Partition, Policies};

    const ISSUER: &str = "https://oidc.eks.us-west-2.amazonaws.com/id/9C1F";

    fn steps(mechanism: Mechanism) -> Vec<Step> {
        let account = "444455556666".parse().unwrap();
        let accounts = ["ray/daft".parse().unwrap()];
        let irsa = trust::web_identity(&Issuer::new(ISSUER), Partition::Standard, &account, &accounts).unwrap();
        let role = "arn:aws:iam::444455556666:role/r".parse().unwrap();
        moving_to(mechanism, &role, &accounts, &irsa, &trust::pod_identity()).unwrap()
    }

    #[test]
    fn patterns_are_not_moved_to_pod_identity() {
        let role: RoleArn = "arn:aws:iam::444455556666:role/r".parse().unwrap();
        let accounts = ["ray/daft".parse().unwrap(), "ray/*".parse().unwrap()];
        let trust = trust::pod_identity();
        let moved = |mechanism| moving_to(mechanism, &role, &accounts, &trust, &trust).map(|steps| steps.len());
        assert_eq!(
            moved(Mechanism::PodIdentity).unwrap_err().to_string(),
            "`ray/*` is a pattern, and EKS Pod Identity associates exact service accounts only"
        );
        assert_eq!(moved(Mechanism::WebIdentity), Ok(5));
    }

    /// Whether the trust policy lets the pod in by the token and by Pod Identity.
    fn lets_in(trust: &Document) -> [bool; 2] {
        let trust = Policy::new(PolicyKind::Trust, "r", trust.clone());
        let arn = "arn:aws:iam::444455556666:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/9C1F".to_owned();
        let provider = Provider { arn, client_ids: vec!["sts.amazonaws.com".to_owned()] };
        let token = Token::of_service_account(ISSUER, "ray", "daft", "sts.amazonaws.com");
        let role = "arn:aws:iam::444455556666:role/r";
        let by_token = exchange(role, &trust, &[provider], &token).unwrap().answer().is_allowed();
        let cluster_arn = "arn:aws:eks:us-west-2:444455556666:cluster/c";
        let pod = PodOfCluster { cluster_arn, namespace: "ray", service_account: "daft", pod: "p" };
        let evaluator = Policies { resource: Some(trust), ..Policies::default() }.compile().unwrap();
        let by_agent = pod_identity_requests(role, &pod).iter().all(|request| evaluator.decide(request).is_allowed());
        [by_token, by_agent]
    }

    #[test]
    fn a_pod_has_its_role_at_every_step() {
        for (mechanism, expect) in [
            (
                Mechanism::PodIdentity,
                "install the add-on eks-pod-identity-agent\nlet the role trust both mechanisms\nassociate ray/daft with the role\n\
                 remove the annotation eks.amazonaws.com/role-arn of ray/daft\nrestart the pods of ray/daft\n\
                 let the role trust the new mechanism alone",
            ),
            (
                Mechanism::WebIdentity,
                "let the role trust both mechanisms\nannotate ray/daft with arn:aws:iam::444455556666:role/r\n\
                 restart the pods of ray/daft\nremove the association of ray/daft\nlet the role trust the new mechanism alone",
            ),
        ] {
            let steps = steps(mechanism);
            let text = steps.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            assert_eq!(text, expect);
            let trusts: Vec<&Document> = steps
                .iter()
                .filter_map(|step| match step {
                    Step::Trust { document, .. } => Some(&**document),
                    _ => None,
                })
                .collect();
            assert_eq!(lets_in(trusts[0]), [true, true]);
            let is_new = mechanism == Mechanism::PodIdentity;
            assert_eq!(lets_in(trusts[1]), [!is_new, is_new]);
            assert_eq!(trusted(trusts[0]), [Mechanism::WebIdentity, Mechanism::PodIdentity]);
            assert_eq!(trusted(trusts[1]), [mechanism]);
        }
    }
}
