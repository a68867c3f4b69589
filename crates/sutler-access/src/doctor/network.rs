//! Whether the pod reaches what it has to ask: STS or the agent for credentials, then the service itself.

use super::account::Grant;
use super::facts::{Fact, Facts, Network};
use super::{Check, Link};
use crate::mechanism::Mechanism;

pub(super) fn links(facts: &Facts, grant: &Grant, links: &mut Vec<Link>) {
    let network = match &facts.network {
        Fact::Known(network) => network,
        Fact::Absent => return,
        Fact::Unknown(why) => {
            links.push(Link::unknown(Check::Network, format!("what the pod can reach: {why}")));
            return;
        }
    };
    let service = facts.action.split(':').next().unwrap_or("").to_ascii_lowercase();
    let before = links.len();
    let mut needed: Vec<&str> = Vec::new();
    match grant.mechanism {
        Some(Mechanism::WebIdentity) => needed.push("sts"),
        Some(Mechanism::PodIdentity) => needed.push("pod-identity-agent"),
        None => {}
    }
    needed.push(&service);
    for goal in &needed {
        links.extend(blocked(network, goal));
        if *goal != "pod-identity-agent" {
            links.extend(unreachable(facts, network, goal));
        }
    }
    if grant.mechanism == Some(Mechanism::WebIdentity) {
        links.extend(global_endpoint(facts, network));
    }
    if links.len() == before {
        links.push(Link::ok(
            Check::Network,
            format!("the pod reaches {}", needed.iter().map(|goal| spoken(goal)).collect::<Vec<_>>().join(" and ")),
        ));
    }
}

fn blocked(network: &Network, goal: &str) -> Option<Link> {
    let (_, policy) = network.blocked.iter().find(|(what, _)| what == goal)?;
    let port = match goal {
        "pod-identity-agent" => "169.254.170.23/32 (and fd00:ec2::23/128), port 80".to_owned(),
        _ => format!("the endpoint of {}, port 443,", spoken(goal)),
    };
    let text = format!("NetworkPolicy {policy} keeps the pod from {}", spoken(goal));
    Some(Link::failed(Check::Network, text).fix(format!("allow egress to {port} in NetworkPolicy {policy}")))
}

fn spoken(goal: &str) -> String {
    match goal {
        "pod-identity-agent" => "the Pod Identity agent".to_owned(),
        _ => goal.to_ascii_uppercase(),
    }
}

fn unreachable(facts: &Facts, network: &Network, goal: &str) -> Option<Link> {
    if network.has_internet || network.endpoints.iter().any(|endpoint| endpoint == goal) {
        return None;
    }
    let region = facts.region.known().map_or("REGION", String::as_str);
    let kind = if goal == "s3" { "a gateway endpoint" } else { "an interface endpoint" };
    let text = format!("the network has no way to {}: neither to the internet nor an endpoint", spoken(goal));
    Some(Link::failed(Check::Network, text).fix(format!("add {kind} for com.amazonaws.{region}.{goal} to the VPC")))
}

/// In a network without internet only the region's own STS can be reached, and SDKs may ask the global one.
fn global_endpoint(facts: &Facts, network: &Network) -> Option<Link> {
    let pod = facts.pod.known()?;
    if network.has_internet || !network.endpoints.iter().any(|endpoint| endpoint == "sts") {
        return None;
    }
    let fix = "set AWS_STS_REGIONAL_ENDPOINTS=regional and AWS_REGION in the container's env (the webhook does, unless \
               eks.amazonaws.com/sts-regional-endpoints is false)";
    let value = |name: &str| pod.environment.get(name).and_then(Option::as_deref);
    let has_region = pod.environment.contains_key("AWS_REGION") || pod.environment.contains_key("AWS_DEFAULT_REGION");
    let only = "the network reaches only the region's own";
    match value("AWS_STS_REGIONAL_ENDPOINTS") {
        Some("regional") if has_region => None,
        Some("legacy") => Some(
            Link::failed(Check::Network, format!("SDKs ask the global sts.amazonaws.com, and {only}"))
                .because("AWS_STS_REGIONAL_ENDPOINTS is legacy")
                .fix(fix),
        ),
        _ if !has_region => Some(
            Link::failed(Check::Network, format!("SDKs ask the global sts.amazonaws.com, and {only}"))
                .because("the container has no AWS_REGION")
                .fix(fix),
        ),
        _ => Some(
            Link::warning(Check::Network, format!("older SDKs ask the global sts.amazonaws.com, and {only}"))
                .because("AWS_STS_REGIONAL_ENDPOINTS is not set")
                .fix(fix),
        ),
    }
}
