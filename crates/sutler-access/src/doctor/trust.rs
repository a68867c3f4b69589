//! Whether the role lets the pod in: the cluster's issuer, its provider in the account, the trust policy.

use super::account::{Grant, Subject};
use super::facts::{Fact, Facts, Role};
use super::{Check, Link};
use crate::evaluate::{Answer, Lacking, Policies, Unmet};
use crate::mechanism::Mechanism;
use crate::names::{RoleArn, ServiceAccountName};
use crate::policy::{Policy, Statement};
use crate::token::{POD_IDENTITY_SERVICE, PodOfCluster, Provider, Token, exchange, issuer_host, pod_identity_requests};
use crate::trust::STS_AUDIENCE;

pub(super) fn links(facts: &Facts, subject: &Subject, grant: &Grant, links: &mut Vec<Link>) {
    let (Some(mechanism), Some(arn), Some(name)) = (grant.mechanism, &grant.role, &subject.name) else { return };
    if mechanism == Mechanism::WebIdentity {
        match &facts.issuer {
            Fact::Absent => {
                let link = Link::failed(Check::Provider, "the cluster has no OpenID Connect issuer");
                links.push(link.fix("use EKS Pod Identity, or give the API server --service-account-issuer"));
                return;
            }
            Fact::Unknown(why) => {
                links.push(Link::unknown(Check::Provider, format!("the cluster's issuer: {why}")));
                return;
            }
            Fact::Known(issuer) => links.push(provider(facts, issuer, arn)),
        }
    }
    let role = match &facts.role {
        Fact::Known(role) => role,
        // Said of the ARN already.
        Fact::Absent => return,
        Fact::Unknown(why) => {
            links.push(Link::unknown(Check::Trust, format!("the trust policy of {arn}: {why}")));
            return;
        }
    };
    links.push(match mechanism {
        Mechanism::WebIdentity => web_identity(facts, role, name),
        Mechanism::PodIdentity => pod_identity(facts, role, name),
    });
}

/// What mends a trust policy: the stack, where there is one, or the change by hand.
fn fix(facts: &Facts, by_hand: String) -> String {
    match &facts.expected_role {
        Some(_) => "sutler up     (changes the trust policy; no pod restarts)".to_owned(),
        None => by_hand,
    }
}

fn audience(facts: &Facts) -> String {
    let token = facts.pod.known().and_then(|pod| pod.token.as_ref());
    token.map_or_else(|| STS_AUDIENCE.to_owned(), |token| token.audience.clone())
}

fn provider(facts: &Facts, issuer: &str, role: &RoleArn) -> Link {
    let host = issuer_host(issuer);
    let account = role.account();
    let providers = match &facts.providers {
        Fact::Unknown(why) => {
            return Link::unknown(Check::Provider, format!("the identity providers of {account}: {why}"));
        }
        Fact::Absent => &[][..],
        Fact::Known(providers) => providers.as_slice(),
    };
    let create =
        format!("aws iam create-open-id-connect-provider --url https://{host} --client-id-list {STS_AUDIENCE}");
    let Some(found) =
        providers.iter().find(|one| one.issuer_host() == host && one.arn.split(':').nth(4) == Some(account))
    else {
        let link = Link::failed(
            Check::Provider,
            format!("account {account} has no identity provider for this cluster's issuer"),
        )
        .because(format!("issuer https://{host}"));
        let others = providers
            .iter()
            .map(|provider| format!("there is {}{}", provider.arn, kinship(provider.issuer_host(), host)));
        return others.fold(link, Link::because).fix(fix(facts, create));
    };
    let audience = audience(facts);
    if !found.client_ids.contains(&audience) {
        let text = format!("the identity provider does not take tokens for {audience}");
        return Link::failed(Check::Provider, text)
            .because(format!("{} takes {}", found.arn, found.client_ids.join(", ")))
            .fix(format!(
                "aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn {} --client-id {audience}",
                found.arn
            ));
    }
    Link::ok(Check::Provider, format!("account {account} has an identity provider for the cluster's issuer"))
}

/// How another issuer is related to this cluster's, as an aside.
fn kinship(other: &str, host: &str) -> &'static str {
    let of_region = |issuer: &str| issuer.split_once("/id/").map(|(region, _)| region.to_owned());
    match (of_region(other), of_region(host)) {
        (Some(one), Some(two)) if one == two => ", of another cluster or of this one before it was rebuilt",
        (Some(_), Some(_)) => ", of a cluster in another region",
        _ => "",
    }
}

fn short(role: &Role) -> &str {
    role.arn.rsplit('/').next().unwrap_or(&role.arn)
}

fn web_identity(facts: &Facts, role: &Role, name: &ServiceAccountName) -> Link {
    let Some(issuer) = facts.issuer.known() else {
        return Link::unknown(Check::Trust, "the cluster's issuer is not known");
    };
    let host = issuer_host(issuer);
    let audience = audience(facts);
    let token = Token::of_service_account(issuer, &name.namespace, &name.name, &audience);
    // Whether there is such a provider was asked before; here it counts what the policy says.
    let (partition, account) = (role.arn.split(':').nth(1).unwrap_or("aws"), role.arn.split(':').nth(4).unwrap_or(""));
    let provider =
        Provider { arn: format!("arn:{partition}:iam::{account}:oidc-provider/{host}"), client_ids: vec![audience] };
    let exchange = match exchange(&role.arn, &role.trust, std::slice::from_ref(&provider), &token) {
        Ok(exchange) => exchange,
        Err(error) => return Link::unknown(Check::Trust, format!("the trust policy of {}: {error}", short(role))),
    };
    let by_hand =
        |what: String| fix(facts, format!("{what} (aws iam update-assume-role-policy --role-name {})", short(role)));
    match exchange.answer() {
        Answer::Allowed { resource: Some(by), .. } => {
            let statement = &role.trust.document.statement[by.index];
            if is_open(statement, host) {
                return Link::warning(
                    Check::Trust,
                    format!("the trust policy lets every service account of the cluster in, not {name} alone"),
                )
                .because(by.to_string())
                .fix(by_hand(format!("add to its condition: StringEquals {host}:sub {}", token.subject)));
            }
            Link::ok(Check::Trust, format!("the trust policy lets {name} in"))
        }
        Answer::Denied { by } => Link::failed(Check::Trust, "the trust policy denies it")
            .because(by.to_string())
            .fix(by_hand("change that statement".to_owned())),
        _ => match exchange.trust.nearest(&exchange.request, Lacking::Resource) {
            None => Link::failed(Check::Trust, "the trust policy allows nothing")
                .fix(by_hand("let the token in".to_owned())),
            Some(near) => {
                let reason = Reason { host, token: &token, provider: &provider.arn };
                let (text, evidence, what) = reason.of(&near.unmet);
                let link = Link::failed(Check::Trust, text);
                evidence.into_iter().fold(link, Link::because).because(near.statement.to_string()).fix(by_hand(what))
            }
        },
    }
}

/// Whether a statement leaves open which service account comes.
fn is_open(statement: &Statement, host: &str) -> bool {
    let key = format!("{host}:sub");
    let of_key = statement.condition.values().flatten().filter(|(found, _)| found.eq_ignore_ascii_case(&key));
    let values: Vec<&str> = of_key.flat_map(|(_, values)| values.iter()).collect();
    let everybody = ["*", "system:*", "system:serviceaccount:*", "system:serviceaccount:*:*"];
    values.iter().all(|value| everybody.contains(value))
}

/// Why a trust policy does not let a token in.
struct Reason<'a> {
    host: &'a str,
    token: &'a Token,
    provider: &'a str,
}

impl Reason<'_> {
    /// The sentence, the evidence, and what to change.
    fn of(&self, unmet: &[Unmet]) -> (String, Vec<String>, String) {
        let principal = unmet.iter().find_map(|one| match one {
            Unmet::Principal { wanted } => Some(wanted),
            _ => None,
        });
        if let Some(wanted) = principal {
            return self.of_principal(wanted);
        }
        if let Some(Unmet::Action { wanted }) = unmet.iter().find(|one| matches!(one, Unmet::Action { .. })) {
            let text =
                format!("the trust policy allows {}, a token needs sts:AssumeRoleWithWebIdentity", wanted.join(", "));
            return (text, Vec::new(), "set its Action to sts:AssumeRoleWithWebIdentity".to_owned());
        }
        let condition = unmet.iter().find_map(|one| match one {
            Unmet::Condition { operator, key, wanted, found } => Some((operator, key, wanted, found)),
            _ => None,
        });
        match condition {
            Some((operator, key, wanted, found)) => self.of_condition(operator, key, wanted, found.as_deref()),
            None => {
                ("the trust policy does not let the token in".to_owned(), Vec::new(), "let the token in".to_owned())
            }
        }
    }

    fn of_principal(&self, wanted: &[String]) -> (String, Vec<String>, String) {
        let set = format!(
            "set its Federated principal to {} and the issuer in its condition keys to {}",
            self.provider, self.host
        );
        let hosts: Vec<&str> = wanted.iter().filter_map(|arn| Some(arn.split_once(":oidc-provider/")?.1)).collect();
        let Some(other) = hosts.first() else {
            let text = match wanted.iter().any(|one| one == POD_IDENTITY_SERVICE) {
                true => "the trust policy is for EKS Pod Identity, and the pod comes with a token (IRSA)".to_owned(),
                false => format!("the trust policy trusts {}, not the cluster's issuer", wanted.join(", ")),
            };
            return (text, Vec::new(), set);
        };
        if *other == self.host {
            let text = "the trust policy names the issuer's provider in another account than the role's".to_owned();
            return (text, vec![format!("it names {}", wanted.join(", "))], set);
        }
        let text =
            format!("the trust policy wants issuer {}, this cluster's is {}", shortened(other), shortened(self.host));
        let of_region = |issuer: &str| issuer.split_once("/id/").map(|(region, _)| region.to_owned());
        let why = match (of_region(other), of_region(self.host)) {
            (Some(one), Some(two)) if one == two => {
                "the role was made for a cluster that no longer exists, or for another one"
            }
            (Some(_), Some(_)) => "the role was made for a cluster of another region",
            _ => "the issuers have different hosts",
        };
        (text, vec![why.to_owned()], set)
    }

    fn of_condition(
        &self,
        operator: &str,
        key: &str,
        wanted: &[String],
        found: Option<&[String]>,
    ) -> (String, Vec<String>, String) {
        let (issuer, claim) = key.rsplit_once(':').unwrap_or((key, ""));
        let values = wanted.join(", ");
        let subject = &self.token.subject;
        if found.is_none() && matches!(claim, "sub" | "aud") {
            let text = format!("a condition of the trust policy is on {issuer}, the cluster's issuer is {}", self.host);
            return (
                text,
                vec![format!("no token of this cluster has {key}")],
                format!("rename the key to {}:{claim}", self.host),
            );
        }
        match claim {
            "sub" if wanted.iter().all(|value| self.token.audiences.contains(value)) => (
                format!("the trust policy has the audience's value on sub: {values}"),
                Vec::new(),
                format!("set {key} to {subject}, and {issuer}:aud to {values}"),
            ),
            "sub"
                if operator.contains("Equals")
                    && wanted.iter().any(|value| crate::pattern::string_like(value, subject)) =>
            {
                (
                    format!(
                        "the trust policy has a wildcard under {operator}, which compares it as a character: {values}"
                    ),
                    Vec::new(),
                    format!("write {} in place of {operator} for {key}", operator.replace("Equals", "Like")),
                )
            }
            "sub" => (
                format!("the trust policy wants {values}, the pod is {subject}"),
                Vec::new(),
                format!("add {subject} to {key}"),
            ),
            "aud" if wanted.iter().any(|value| value.starts_with("system:serviceaccount:")) => (
                format!("the trust policy has the subject's value on aud: {values}"),
                Vec::new(),
                format!("set {key} to {STS_AUDIENCE}, and {issuer}:sub to {subject}"),
            ),
            "aud" => (
                format!(
                    "the trust policy wants audience {values}, the token is for {}",
                    self.token.audiences.join(", ")
                ),
                Vec::new(),
                format!("set {key} to {STS_AUDIENCE}"),
            ),
            _ => {
                let found = found.map_or_else(|| "no such key".to_owned(), |found| found.join(", "));
                let text = format!("a condition of the trust policy does not hold: {key} {operator} {values}");
                (text, vec![format!("the request has {found}")], "change that condition".to_owned())
            }
        }
    }
}

/// `…/id/9C1F…` for long ids of EKS; others as they are.
fn shortened(issuer: &str) -> String {
    match issuer.split_once("/id/") {
        Some((_, id)) if id.len() > 12 => format!("…/id/{}…", id.chars().take(8).collect::<String>()),
        _ => issuer.to_owned(),
    }
}

fn pod_identity(facts: &Facts, role: &Role, name: &ServiceAccountName) -> Link {
    let statement = format!(
        "add to the trust policy: Allow {POD_IDENTITY_SERVICE} sts:AssumeRole and sts:TagSession (aws iam update-assume-role-policy --role-name {})",
        short(role)
    );
    let policies = Policies { resource: Some(Policy { ..role.trust.clone() }), ..Policies::default() };
    let evaluator = match policies.compile() {
        Ok(evaluator) => evaluator,
        Err(error) => return Link::unknown(Check::Trust, format!("the trust policy of {}: {error}", short(role))),
    };
    let account = role.arn.split(':').nth(4).unwrap_or("");
    let unknown_cluster = format!("arn:aws:eks::{account}:cluster/unknown");
    let pod = PodOfCluster {
        cluster_arn: facts.cluster_arn.known().map_or(unknown_cluster.as_str(), String::as_str),
        namespace: &name.namespace,
        service_account: &name.name,
        pod: facts.pod.known().map_or("unknown", |pod| &pod.name),
    };
    for request in pod_identity_requests(&role.arn, &pod) {
        let answer = evaluator.decide(&request);
        let action = request.action();
        match answer {
            Answer::Allowed { .. } => {}
            Answer::Denied { by } => {
                return Link::failed(Check::Trust, format!("the trust policy denies {action} to EKS Pod Identity"))
                    .because(by.to_string())
                    .fix(fix(facts, "change that statement".to_owned()));
            }
            Answer::NotAllowed { lacking } => {
                let near = evaluator.nearest(&request, lacking);
                let for_irsa = crate::mechanism::trusted(&role.trust.document) == [Mechanism::WebIdentity];
                let text = match (action, for_irsa) {
                    (_, true) => "the trust policy is for IRSA, and the pod comes by EKS Pod Identity".to_owned(),
                    ("sts:TagSession", _) => {
                        "the trust policy lacks sts:TagSession, without which EKS Pod Identity takes no role".to_owned()
                    }
                    _ => format!("the trust policy does not let {POD_IDENTITY_SERVICE} in"),
                };
                let link = Link::failed(Check::Trust, text);
                let link = near.map(|near| near.to_string()).into_iter().fold(link, Link::because);
                return link.fix(fix(facts, statement));
            }
        }
    }
    Link::ok(Check::Trust, format!("the trust policy lets EKS Pod Identity in, which associates {name}"))
}
