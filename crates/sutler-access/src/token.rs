//! How a pod comes to a role: its token exchanged at STS (IRSA), or the role handed to it by EKS Pod Identity.
//!
//! STS decides in three steps, each with its own error: is there a provider for the token's issuer, is the token's audience one of the
//! provider's client ids, and does the role's trust policy allow it. Start with [`exchange`].

use thiserror::Error;

use crate::evaluate::{Answer, CompileError, Evaluator, Policies};
use crate::policy::Policy;
use crate::request::{Caller, Request};

/// The service that hands out roles for EKS Pod Identity.
pub const POD_IDENTITY_SERVICE: &str = "pods.eks.amazonaws.com";

/// The claims of a token that STS looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// `iss`, with or without the scheme.
    pub issuer: String,
    /// `sub`: `system:serviceaccount:NAMESPACE:NAME`.
    pub subject: String,
    /// `aud`.
    pub audiences: Vec<String>,
    /// `azp`: where it is set, STS takes it for the audience.
    pub authorized_party: Option<String>,
}

impl Token {
    /// A service account's token, as the webhook has it made.
    #[must_use]
    pub fn of_service_account(issuer: &str, namespace: &str, name: &str, audience: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            subject: format!("system:serviceaccount:{namespace}:{name}"),
            audiences: vec![audience.to_owned()],
            authorized_party: None,
        }
    }

    /// The issuer without scheme and closing slash, as provider ARNs and condition keys have it.
    #[must_use]
    pub fn issuer_host(&self) -> &str {
        issuer_host(&self.issuer)
    }

    /// What STS compares with client ids and `<issuer>:aud`.
    fn effective_audiences(&self) -> &[String] {
        self.authorized_party.as_ref().map_or(&self.audiences, std::slice::from_ref)
    }
}

/// A URL of an issuer without scheme and closing slash.
#[must_use]
pub fn issuer_host(url: &str) -> &str {
    url.strip_prefix("https://").unwrap_or(url).trim_end_matches('/')
}

/// An OpenID Connect provider of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// `arn:aws:iam::ACCOUNT:oidc-provider/HOST/PATH`.
    pub arn: String,
    /// Audiences that it takes.
    pub client_ids: Vec<String>,
}

impl Provider {
    /// Its issuer without scheme.
    #[must_use]
    pub fn issuer_host(&self) -> &str {
        self.arn.split_once(":oidc-provider/").map_or("", |(_, host)| host)
    }
}

/// Why STS does not even ask the trust policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// `InvalidIdentityToken`: no provider in the role's account has this issuer.
    #[error("the account has no OpenID Connect provider for https://{issuer}")]
    NoProvider {
        /// The issuer.
        issuer: String,
    },
    /// `InvalidIdentityToken`: the audience is none of the provider's.
    #[error("the token is for {}, the provider takes {}", found.join(", "), wanted.join(", "))]
    Audience {
        /// The token's.
        found: Vec<String>,
        /// The provider's client ids.
        wanted: Vec<String>,
    },
    /// The trust policy cannot be evaluated.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

/// A token shown for a role, ready to be decided.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// What STS asks.
    pub request: Request,
    /// The trust policy.
    pub trust: Evaluator,
}

impl Exchange {
    /// What the trust policy says.
    #[must_use]
    pub fn answer(&self) -> Answer<'_> {
        self.trust.decide(&self.request)
    }
}

/// `sts:AssumeRoleWithWebIdentity` with this token for the role that this trust policy belongs to.
///
/// # Errors
/// What STS refuses before it asks the trust policy.
pub fn exchange(
    role_arn: &str,
    trust: &Policy,
    providers: &[Provider],
    token: &Token,
) -> Result<Exchange, ExchangeError> {
    let account = role_arn.split(':').nth(4).unwrap_or("");
    let host = token.issuer_host();
    let provider = providers
        .iter()
        .find(|provider| provider.issuer_host() == host && provider.arn.split(':').nth(4) == Some(account))
        .ok_or_else(|| ExchangeError::NoProvider { issuer: host.to_owned() })?;
    let audiences = token.effective_audiences();
    if !audiences.iter().any(|audience| provider.client_ids.contains(audience)) {
        return Err(ExchangeError::Audience { found: audiences.to_vec(), wanted: provider.client_ids.clone() });
    }
    let caller = Caller::WebIdentity { provider: provider.arn.clone() };
    let mut request = Request::new(caller, "sts:AssumeRoleWithWebIdentity", role_arn)
        .with(&format!("{host}:sub"), token.subject.as_str())
        .with_all(&format!("{host}:aud"), audiences)
        .with("aws:FederatedProvider", provider.arn.as_str());
    if token.authorized_party.is_some() {
        request = request.with_all(&format!("{host}:oaud"), &token.audiences);
    }
    let trust = Policies { resource: Some(trust.clone()), ..Policies::default() }.compile()?;
    Ok(Exchange { request, trust })
}

/// A pod, as EKS Pod Identity tells of it in the session's tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodOfCluster<'a> {
    /// `arn:aws:eks:REGION:ACCOUNT:cluster/NAME`.
    pub cluster_arn: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its service account.
    pub service_account: &'a str,
    /// Its name.
    pub pod: &'a str,
}

/// What EKS Pod Identity asks of a role's trust policy: to take the role and to tag the session. Both must be allowed.
#[must_use]
pub fn pod_identity_requests(role_arn: &str, pod: &PodOfCluster<'_>) -> [Request; 2] {
    ["sts:AssumeRole", "sts:TagSession"].map(|action| {
        let account = pod.cluster_arn.split(':').nth(4).unwrap_or("");
        let cluster = pod.cluster_arn.rsplit('/').next().unwrap_or("");
        let tags = [
            ("eks-cluster-arn", pod.cluster_arn),
            ("eks-cluster-name", cluster),
            ("kubernetes-namespace", pod.namespace),
            ("kubernetes-service-account", pod.service_account),
            ("kubernetes-pod-name", pod.pod),
        ];
        let caller = Caller::Service { name: POD_IDENTITY_SERVICE.to_owned() };
        let mut request = Request::new(caller, action, role_arn)
            .with("aws:SourceAccount", account)
            .with("aws:SourceArn", pod.cluster_arn)
            .with_all("aws:TagKeys", tags.map(|(key, _)| key));
        for (key, value) in tags {
            request = request.with(&format!("aws:RequestTag/{key}"), value);
        }
        request
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::PolicyKind;
    use crate::trust::{self, Issuer};

    const ISSUER: &str = "https://oidc.eks.us-west-2.amazonaws.com/id/9C1F";
    const ROLE: &str = "arn:aws:iam::444455556666:role/r";

    fn provider(issuer: &str) -> Provider {
        let account = "444455556666".parse().unwrap();
        let arn = Issuer::new(issuer).provider_arn(crate::names::Partition::Standard, &account);
        Provider { arn, client_ids: vec!["sts.amazonaws.com".to_owned()] }
    }

    fn check(names: &[&str], token: &Token, expect: &str) {
        let account = "444455556666".parse().unwrap();
        let names: Vec<_> = names.iter().map(|name| name.parse().unwrap()).collect();
        let issuer = Issuer::new(ISSUER);
        let document = trust::web_identity(&issuer, crate::names::Partition::Standard, &account, &names).unwrap();
        let trust = Policy::new(PolicyKind::Trust, "r", document);
        let text = match exchange(ROLE, &trust, &[provider(ISSUER)], token) {
            Ok(exchange) => match exchange.answer() {
                Answer::NotAllowed { lacking } => {
                    exchange.trust.nearest(&exchange.request, lacking).unwrap().to_string()
                }
                answer => answer.to_string(),
            },
            Err(error) => error.to_string(),
        };
        assert_eq!(text, expect);
    }

    #[test]
    fn sts_asks_for_issuer_audience_and_trust() {
        let token = |name| Token::of_service_account(ISSUER, "ray", name, "sts.amazonaws.com");
        check(&["ray/daft"], &token("daft"), "allowed by statement 1 of trust policy r");
        check(&["ray/da*"], &token("daft"), "allowed by statement 1 of trust policy r");
        check(
            &["ray/daft"],
            &token("default"),
            "nearest is statement 1 of trust policy r: it wants oidc.eks.us-west-2.amazonaws.com/id/9C1F:sub StringEquals \
             system:serviceaccount:ray:daft, the request has system:serviceaccount:ray:default",
        );
        let other = Token::of_service_account("https://oidc.eks.us-west-2.amazonaws.com/id/D24A", "ray", "daft", "x");
        check(
            &["ray/daft"],
            &other,
            "the account has no OpenID Connect provider for https://oidc.eks.us-west-2.amazonaws.com/id/D24A",
        );
        let audience = Token::of_service_account(ISSUER, "ray", "daft", "kubernetes");
        check(&["ray/daft"], &audience, "the token is for kubernetes, the provider takes sts.amazonaws.com");
        let party = Token { authorized_party: Some("sts.amazonaws.com".to_owned()), ..audience };
        check(&["ray/daft"], &party, "allowed by statement 1 of trust policy r");
    }

    #[test]
    fn pod_identity_takes_the_role_and_tags_the_session() {
        let pod = PodOfCluster {
            cluster_arn: "arn:aws:eks:us-west-2:444455556666:cluster/data",
            namespace: "ray",
            service_account: "daft",
            pod: "p",
        };
        let allowed = |trust: crate::Document| {
            let trust = Policy::new(PolicyKind::Trust, "r", trust);
            let evaluator = Policies { resource: Some(trust), ..Policies::default() }.compile().unwrap();
            pod_identity_requests(ROLE, &pod).map(|request| evaluator.decide(&request).is_allowed())
        };
        assert_eq!(allowed(trust::pod_identity()), [true, true]);
        let mut untagged = trust::pod_identity();
        untagged.statement[0].action = "sts:AssumeRole".into();
        assert_eq!(allowed(untagged), [true, false]);
        let mut limited = trust::pod_identity();
        let key = "aws:RequestTag/kubernetes-namespace".to_owned();
        limited.statement[0].condition = [("StringEquals".to_owned(), [(key, "other".into())].into())].into();
        assert_eq!(allowed(limited), [false, false]);
    }
}
