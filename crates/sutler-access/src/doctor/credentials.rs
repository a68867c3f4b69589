//! What the pod really has: what the webhook or EKS gave to it, keys that win, a token that it can read, the node's role in the end.

use super::account::{Grant, Subject};
use super::facts::{Fact, Facts, Pod};
use super::{Check, Link, State};
use crate::mechanism::Mechanism;
use crate::trust::STS_AUDIENCE;

/// Where EKS tells SDKs to ask the Pod Identity agent.
const CREDENTIALS_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

pub(super) fn links(facts: &Facts, subject: &Subject, grant: &Grant, links: &mut Vec<Link>) {
    if let Some(pod) = facts.pod.known() {
        static_keys(pod, links);
        match grant.mechanism {
            Some(Mechanism::WebIdentity) => web_identity(facts, pod, subject, grant, links),
            Some(Mechanism::PodIdentity) => pod_identity(facts, pod, links),
            None => {}
        }
    } else {
        match grant.mechanism {
            Some(Mechanism::WebIdentity) => webhook_alone(facts, links),
            Some(Mechanism::PodIdentity) => agent(facts, links),
            None => {}
        }
    }
    caller(facts, grant, links);
}

/// Only a new pod sees what has changed since.
fn anew(pod: &Pod) -> String {
    format!("kubectl delete pod {} -n {}     (its controller makes it anew)", pod.name, pod.namespace)
}

/// Every SDK asks the environment first.
fn static_keys(pod: &Pod, links: &mut Vec<Link>) {
    let found = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"];
    let found: Vec<&str> = found.into_iter().filter(|name| pod.environment.contains_key(*name)).collect();
    let Some(first) = found.first() else { return };
    let text = match found.contains(&"AWS_ACCESS_KEY_ID") {
        true => "the container sets AWS_ACCESS_KEY_ID: those keys are used, and never the role".to_owned(),
        false => format!("the container sets {first}, which SDKs ask before the role"),
    };
    let link = if found.contains(&"AWS_ACCESS_KEY_ID") {
        Link::failed(Check::StaticKeys, text)
    } else {
        Link::warning(Check::StaticKeys, text)
    };
    links.push(link.fix(format!("take {} out of the container's env", found.join(", "))));
}

fn web_identity(facts: &Facts, pod: &Pod, subject: &Subject, grant: &Grant, links: &mut Vec<Link>) {
    let restart = anew(pod);
    let given = pod.environment.get("AWS_ROLE_ARN");
    let has_token = pod.environment.contains_key("AWS_WEB_IDENTITY_TOKEN_FILE") && pod.token.is_some();
    match (given, has_token) {
        (Some(Some(given)), true) => {
            let is_other = grant.role.as_ref().is_some_and(|role| role.as_str() != given);
            if is_other {
                let text = format!("the pod was given {given}, before the annotation was changed");
                links.push(Link::failed(Check::Webhook, text).fix(restart));
            } else {
                links.push(Link::ok(Check::Webhook, "pod has AWS_ROLE_ARN and a token"));
            }
        }
        (Some(None), true) => {
            links.push(Link::unknown(Check::Webhook, "pod has AWS_ROLE_ARN from elsewhere, not by the webhook"))
        }
        (Some(_), false) => {
            let text =
                "the pod has AWS_ROLE_ARN and no token, which the webhook leaves out where AWS_ROLE_ARN is already set";
            links.push(
                Link::failed(Check::Webhook, text)
                    .fix("take AWS_ROLE_ARN out of the container's env: the webhook sets it"),
            );
        }
        (None, _) => without_injection(facts, pod, subject, &restart, links),
    }
    if let Some(token) = &pod.token {
        if token.audience != STS_AUDIENCE {
            let text = format!("the token is for `{}`, STS wants `{STS_AUDIENCE}`", token.audience);
            let fix = format!(
                "remove the annotation eks.amazonaws.com/audience of {}, or add the audience to the identity provider and the trust policy",
                subject.text()
            );
            let is_taken = facts.providers.known().is_some_and(|providers| {
                providers.iter().any(|provider| provider.client_ids.contains(&token.audience))
            });
            let link = if is_taken { Link::warning(Check::Token, text) } else { Link::failed(Check::Token, text) };
            links.push(link.fix(fix));
        }
        if let Some(link) = unreadable(pod) {
            links.push(link);
        }
    }
}

/// The pod has nothing of a role: the webhook is missing, or broken, or the pod is older than the annotation.
fn without_injection(facts: &Facts, pod: &Pod, subject: &Subject, restart: &str, links: &mut Vec<Link>) {
    let annotated = facts.service_account.known().and_then(|account| account.annotated);
    let nothing = "the pod was given no role";
    let link = match &facts.webhook {
        Fact::Absent => Link::failed(Check::Webhook, format!("{nothing}: the cluster has no pod identity webhook"))
            .fix("install amazon-eks-pod-identity-webhook (EKS has it built in), then restart the pod"),
        Fact::Known(webhook) if webhook.fault.is_some() => {
            let fault = webhook.fault.as_deref().unwrap_or("");
            Link::failed(Check::Webhook, format!("{nothing}: webhook {} does not answer", webhook.name))
                .because(fault)
                .because("pods are then made without a role, for its failurePolicy is Ignore")
                .fix(format!("mend webhook {}, then restart the pod", webhook.name))
        }
        webhook => match annotated.filter(|annotated| pod.created < *annotated) {
            Some(annotated) => Link::failed(Check::Webhook, format!("{nothing}: it is older than the annotation"))
                .because(format!("the annotation came {} after the pod", seconds(annotated - pod.created)))
                .fix(restart),
            None if webhook.known().is_some() => Link::failed(
                Check::Webhook,
                format!("{nothing}, though {} is annotated and the webhook answers", subject.text()),
            )
            .because("the annotation may be younger than the pod, or the pod says eks.amazonaws.com/skip-containers")
            .fix(restart),
            None => {
                Link::failed(Check::Webhook, nothing).because("whether the webhook works is not known").fix(restart)
            }
        },
    };
    links.push(link);
}

fn seconds(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Without a pod the webhook is all that there is to look at.
fn webhook_alone(facts: &Facts, links: &mut Vec<Link>) {
    let link = match &facts.webhook {
        Fact::Absent => Link::failed(Check::Webhook, "the cluster has no pod identity webhook")
            .fix("install amazon-eks-pod-identity-webhook (EKS has it built in)"),
        Fact::Known(webhook) => match &webhook.fault {
            Some(fault) => Link::failed(Check::Webhook, format!("webhook {} does not answer", webhook.name))
                .because(fault.as_str())
                .fix(format!("mend webhook {}", webhook.name)),
            None => Link::ok(Check::Webhook, format!("webhook {} is there", webhook.name)),
        },
        Fact::Unknown(why) => Link::unknown(Check::Webhook, format!("the pod identity webhook: {why}")),
    };
    links.push(link);
}

/// As the kubelet sets a token's owner and mode: to the user that all containers share (0600), to the pod's group (0640), else the
/// volume's mode under root. Only a mode that leaves others out is then unreadable.
fn unreadable(pod: &Pod) -> Option<Link> {
    let is_root = pod.user == Some(0);
    let may_be_other = pod.user.is_some_and(|user| user != 0) || pod.non_root_by_image;
    let token = pod.token.as_ref()?;
    let open_to_all = token.mode.unwrap_or(0o644) & 0o004 != 0;
    if is_root || !may_be_other || open_to_all || pod.fs_group.is_some() || pod.shared_user.is_some() {
        return None;
    }
    let who = pod.user.map_or_else(|| "the image's user".to_owned(), |user| format!("user {user}"));
    let mode = token.mode.unwrap_or(0o644);
    Some(
        Link::failed(Check::Token, format!("{who} cannot read the token: it belongs to root with mode {mode:04o}"))
            .because(token.path.as_str())
            .fix("set securityContext.fsGroup of the pod (65534 does), or one runAsUser for all of its containers"),
    )
}

fn pod_identity(facts: &Facts, pod: &Pod, links: &mut Vec<Link>) {
    agent(facts, links);
    if pod.environment.contains_key("AWS_WEB_IDENTITY_TOKEN_FILE") {
        let text = "the pod still has AWS_WEB_IDENTITY_TOKEN_FILE, which SDKs ask before Pod Identity";
        let fix = anew(pod);
        links.push(Link::failed(Check::Agent, text).because("it is older than the removal of the annotation").fix(fix));
    } else if pod.environment.contains_key(CREDENTIALS_URI) {
        links.push(Link::ok(Check::Agent, format!("pod has {CREDENTIALS_URI}")));
    } else {
        let text = format!("the pod has no {CREDENTIALS_URI}: it is older than the association");
        let fix = anew(pod);
        links.push(Link::failed(Check::Agent, text).fix(fix));
    }
}

fn agent(facts: &Facts, links: &mut Vec<Link>) {
    let link = match &facts.agent {
        Fact::Known(agent) if agent.ready => Link::ok(Check::Agent, "the Pod Identity agent is ready on the node"),
        Fact::Known(_) => Link::failed(Check::Agent, "the Pod Identity agent on the pod's node is not ready")
            .fix("kubectl describe daemonset eks-pod-identity-agent -n kube-system"),
        Fact::Absent => Link::failed(Check::Agent, "the Pod Identity agent is not installed")
            .fix("add the add-on eks-pod-identity-agent to the cluster"),
        Fact::Unknown(why) => Link::unknown(Check::Agent, format!("the Pod Identity agent: {why}")),
    };
    links.push(link);
}

/// Where nothing else gives credentials, SDKs ask the node's metadata: calls are then made as the node, with the node's rights.
fn caller(facts: &Facts, grant: &Grant, links: &mut Vec<Link>) {
    let node = facts.node_role.known();
    let node_name = node.map(|role| role.arn.rsplit('/').next().unwrap_or("").to_owned());
    if let Fact::Known(caller) = &facts.observed_caller {
        let role_of_caller = caller.split("assumed-role/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or("");
        let is_granted = grant.role.as_ref().is_some_and(|role| role.role_name() == role_of_caller);
        links.push(if is_granted {
            Link::ok(Check::Caller, format!("the pod's calls are made as {caller}"))
        } else if node_name.as_deref() == Some(role_of_caller) {
            Link::failed(Check::Caller, format!("the pod's calls are made as the node's role: {caller}"))
                .because("SDKs ask the node's metadata when they find nothing else")
                .fix("mend the links above; then keep pods from the metadata with a hop limit of 1")
        } else {
            Link::failed(Check::Caller, format!("the pod's calls are made as {caller}"))
                .fix("take its credentials out of the container")
        });
        return;
    }
    let is_broken = links.iter().any(|link| link.state == State::Failed && link.check != Check::StaticKeys);
    let reaches = facts.network.known().is_some_and(|network| network.reaches_metadata)
        || facts.pod.known().is_some_and(|pod| pod.host_network);
    let has_keys = links.iter().any(|link| link.check == Check::StaticKeys);
    if let (true, true, false, Some(node)) = (is_broken, reaches, has_keys, node) {
        let text = format!("the node's role answers instead: {}", node.arn);
        let link =
            Link::warning(Check::Caller, text).because("SDKs ask the node's metadata when they find nothing else");
        links.push(link.fix("keep pods from the metadata with a hop limit of 1 (launch template, MetadataOptions)"));
    }
}
