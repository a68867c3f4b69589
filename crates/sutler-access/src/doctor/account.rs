//! The pod's service account, and how it gets a role.

use super::facts::{Association, Fact, Facts, Pod, ServiceAccount};
use super::{Check, Link};
use crate::mechanism::Mechanism;
use crate::names::{Partition, RoleArn, ServiceAccountName};
use crate::spelling::distance;

/// The annotation that names a role.
pub(super) const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";

/// Annotations of other systems that name roles, which EKS does not read.
const FOREIGN_ANNOTATIONS: &[(&str, &str)] =
    &[("iam.amazonaws.com/role", "kube2iam and kiam"), ("iam.gke.io/gcp-service-account", "GKE")];

/// Whom the chain is about.
pub(super) struct Subject {
    /// The service account.
    pub(super) name: Option<ServiceAccountName>,
}

impl Subject {
    pub(super) fn text(&self) -> String {
        self.name.as_ref().map_or_else(|| "the service account".to_owned(), ToString::to_string)
    }
}

/// The role that the service account is given.
#[derive(Default)]
pub(super) struct Grant {
    /// How; `None` where it is given none, or it is not known.
    pub(super) mechanism: Option<Mechanism>,
    /// The role's ARN, where it is one.
    pub(super) role: Option<RoleArn>,
}

pub(super) fn subject(facts: &Facts, links: &mut Vec<Link>) -> Subject {
    let account = facts.service_account.known();
    let name = match (facts.pod.known(), account) {
        (Some(pod), _) => {
            Some(ServiceAccountName { namespace: pod.namespace.clone(), name: pod.service_account.clone() })
        }
        (None, Some(account)) => Some(account.qualified_name()),
        (None, None) => None,
    };
    let subject = Subject { name };
    match (&facts.pod, &facts.service_account) {
        (Fact::Known(pod), account) => links.push(of_pod(facts, pod, account)),
        (Fact::Absent, _) => links.push(Link::failed(Check::ServiceAccount, "there is no such pod")),
        (Fact::Unknown(_), Fact::Known(_)) => {
            links.push(Link::ok(Check::ServiceAccount, format!("service account {} is there", subject.text())));
        }
        (Fact::Unknown(_), Fact::Absent) => {
            links.push(Link::failed(Check::ServiceAccount, "there is no such service account"));
        }
        (Fact::Unknown(why), Fact::Unknown(_)) => {
            links.push(Link::unknown(Check::ServiceAccount, format!("the pod's service account: {why}")));
        }
    }
    subject
}

fn of_pod(facts: &Facts, pod: &Pod, account: &Fact<ServiceAccount>) -> Link {
    let name = format!("{}/{}", pod.namespace, pod.service_account);
    let uses = format!("pod {} uses service account {name}", pod.name);
    let has_role = account.known().is_some_and(|account| account.annotations.contains_key(ROLE_ANNOTATION))
        || association_of(facts, &pod.namespace, &pod.service_account).is_some();
    match account {
        Fact::Absent => Link::failed(Check::ServiceAccount, format!("{uses}, which is not there"))
            .fix(format!("kubectl create serviceaccount {} -n {}", pod.service_account, pod.namespace)),
        _ if pod.service_account == "default" && !has_role => {
            let link = Link::failed(Check::ServiceAccount, format!("{uses}, which every pod gets that names none"));
            link.fix("set serviceAccountName in the pod's template to the account that has the role")
        }
        _ => Link::ok(Check::ServiceAccount, uses),
    }
}

pub(super) fn association_of<'a>(facts: &'a Facts, namespace: &str, name: &str) -> Option<&'a Association> {
    let associations = facts.associations.known()?;
    associations.iter().find(|one| one.service_account.namespace == namespace && one.service_account.name == name)
}

/// The role by annotation or association; with both the annotation counts, as it does for the SDKs.
pub(super) fn grant(facts: &Facts, subject: &Subject, links: &mut Vec<Link>) -> Grant {
    let association = subject.name.as_ref().and_then(|name| association_of(facts, &name.namespace, &name.name));
    let annotation = facts.service_account.known().and_then(|account| account.annotations.get(ROLE_ANNOTATION));
    match (annotation, association) {
        (Some(annotation), Some(association)) => {
            links.push(
                Link::warning(
                    Check::Mechanism,
                    format!("{} has both an annotation and an association", subject.text()),
                )
                .because(format!("annotation: {annotation}"))
                .because(format!("association: {}", association.role))
                .because("SDKs take the annotation's token first, so that the annotation counts")
                .fix(format!(
                    "remove one: kubectl annotate serviceaccount {} {ROLE_ANNOTATION}-",
                    kubectl_name(subject)
                )),
            );
            by_arn(facts, subject, Mechanism::WebIdentity, annotation, links)
        }
        (Some(annotation), None) => by_arn(facts, subject, Mechanism::WebIdentity, annotation, links),
        (None, Some(association)) => by_arn(facts, subject, Mechanism::PodIdentity, &association.role, links),
        (None, None) => without(facts, subject, links),
    }
}

fn kubectl_name(subject: &Subject) -> String {
    subject.name.as_ref().map_or_else(String::new, |name| format!("{} -n {}", name.name, name.namespace))
}

fn by_arn(facts: &Facts, subject: &Subject, mechanism: Mechanism, arn: &str, links: &mut Vec<Link>) -> Grant {
    let says = match mechanism {
        Mechanism::WebIdentity => "annotation names",
        Mechanism::PodIdentity => "association names",
    };
    let set = |role: &str| match mechanism {
        Mechanism::WebIdentity => {
            format!("kubectl annotate --overwrite serviceaccount {} {ROLE_ANNOTATION}={role}", kubectl_name(subject))
        }
        Mechanism::PodIdentity => format!("associate {} with {role}", subject.text()),
    };
    let meant = facts.expected_role.as_deref().unwrap_or("arn:aws:iam::ACCOUNT:role/NAME");
    let role: RoleArn = match arn.parse() {
        Ok(role) => role,
        Err(_) => {
            let mut link = Link::failed(Check::RoleArn, format!("{says} `{arn}`, which is not the ARN of a role"));
            if let Some(slip) = slip_of(arn) {
                link = link.because(slip);
            }
            links.push(link.fix(set(meant)));
            return Grant { mechanism: Some(mechanism), role: None };
        }
    };
    let partition = role.as_str().split(':').nth(1).unwrap_or("");
    let region = facts.region.known();
    let wrong_partition = region.filter(|region| Partition::of_region(region).as_str() != partition);
    let expected_account = facts.account.known().filter(|account| account.as_str() != role.account());
    let link = if let Some(region) = wrong_partition {
        let wanted = Partition::of_region(region).as_str();
        let right = role.as_str().replacen(partition, wanted, 1);
        Link::failed(Check::RoleArn, format!("{says} {role}, of partition {partition}; {region} belongs to {wanted}"))
            .fix(set(&right))
    } else if facts.role == Fact::Absent {
        let mut link = Link::failed(Check::RoleArn, format!("{says} {role}, which is not there"));
        if let Some(account) = expected_account {
            link = link.because(format!("the cluster is in account {account}, the ARN names {}", role.account()));
        }
        match facts.expected_role.as_deref().filter(|expected| *expected != role.as_str()) {
            Some(expected) => link.because(format!("the stack has {expected}")).fix(set(expected)),
            None => link.fix(format!("create role {}, or name one that is there", role.role_name())),
        }
    } else if let Some(expected) = facts.expected_role.as_deref().filter(|expected| *expected != role.as_str()) {
        Link::failed(Check::RoleArn, format!("{says} {role}, the stack has {expected}")).fix(set(expected))
    } else if let Some(account) = expected_account {
        Link::warning(Check::RoleArn, format!("{says} {role}, of another account than the cluster's ({account})"))
            .because("that account then needs an identity provider for this cluster's issuer")
            .fix(format!("nothing, if that is meant; else {}", set(meant)))
    } else {
        Link::ok(Check::RoleArn, format!("{says} {role}"))
    };
    links.push(link);
    Grant { mechanism: Some(mechanism), role: Some(role) }
}

/// What may have gone wrong with an ARN, where it can be told.
fn slip_of(arn: &str) -> Option<String> {
    if arn.trim() != arn {
        return Some("there is white space around it".to_owned());
    }
    if arn.trim_matches(['"', '\'']) != arn {
        return Some("there are quotes around it".to_owned());
    }
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    if parts[0] != "arn" {
        return Some("it does not begin with `arn:`".to_owned());
    }
    if parts.len() < 6 {
        return Some(format!("it has {} parts between colons where 6 are wanted", parts.len()));
    }
    let (account, resource) = (parts[4], parts[5]);
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(format!("its account `{account}` is not twelve digits"));
    }
    if !resource.starts_with("role/") {
        let kind = resource.split(['/', ':']).next().unwrap_or("");
        return Some(format!("`{kind}` stands where `role/` is wanted"));
    }
    None
}

/// No role is given, or it is not known.
fn without(facts: &Facts, subject: &Subject, links: &mut Vec<Link>) -> Grant {
    let account = match (&facts.service_account, &facts.associations) {
        (Fact::Known(account), Fact::Known(_) | Fact::Absent) => account,
        (Fact::Known(account), Fact::Unknown(_)) if near_annotation(account).is_some() => account,
        (Fact::Known(_), Fact::Unknown(why)) => {
            let text = format!("{} has no annotation {ROLE_ANNOTATION}; its associations: {why}", subject.text());
            links.push(Link::unknown(Check::Mechanism, text));
            return Grant::default();
        }
        (Fact::Unknown(why), _) => {
            links.push(Link::unknown(Check::Mechanism, format!("the role of {}: {why}", subject.text())));
            return Grant::default();
        }
        (Fact::Absent, _) => return Grant::default(),
    };
    let role = facts.expected_role.as_deref().unwrap_or("arn:aws:iam::ACCOUNT:role/NAME");
    let annotate = format!("kubectl annotate serviceaccount {} {ROLE_ANNOTATION}={role}", kubectl_name(subject));
    let injected = facts.pod.known().and_then(|pod| pod.environment.get("AWS_ROLE_ARN")).cloned().flatten();
    let changed_by = account.last_change.as_ref().map(|(manager, _)| format!("last changed by {manager}"));
    let link = if let Some((found, why)) = near_annotation(account) {
        let link = Link::failed(Check::Mechanism, format!("{} has `{found}`, not `{ROLE_ANNOTATION}`", subject.text()));
        link.because(why).fix(format!("{annotate} {found}-"))
    } else if let Some(role) = injected {
        let text = format!("{} has no role any more: its annotation was removed", subject.text());
        let link = Link::failed(Check::Mechanism, text).because(format!("the pod was given {role} when it was made"));
        let link = changed_by.into_iter().fold(link, Link::because);
        let back = format!("kubectl annotate serviceaccount {} {ROLE_ANNOTATION}={role}", kubectl_name(subject));
        link.fix(format!("{back}, and keep it in the tool that writes the account"))
    } else if facts.expected_role.is_some() {
        let text = format!("{} lacks its annotation {ROLE_ANNOTATION}", subject.text());
        let link = Link::failed(Check::Mechanism, text).because(format!("the stack has {role}"));
        changed_by.into_iter().fold(link, Link::because).fix("sutler up")
    } else {
        let text = format!("{} has neither the annotation {ROLE_ANNOTATION} nor an association", subject.text());
        Link::failed(Check::Mechanism, text).fix(annotate)
    };
    links.push(link);
    Grant::default()
}

/// An annotation that may have been meant for the role's, and why.
fn near_annotation(account: &ServiceAccount) -> Option<(&str, String)> {
    for (key, value) in &account.annotations {
        let foreign = FOREIGN_ANNOTATIONS.iter().find(|(known, _)| known == key);
        if let Some((_, system)) = foreign {
            return Some((key, format!("that annotation is for {system}, EKS does not read it")));
        }
        let is_near = distance(&key.to_ascii_lowercase(), ROLE_ANNOTATION) <= 4;
        let looks_like_role = value.contains(":role/") && !key.starts_with("kubectl.kubernetes.io/");
        if is_near && !is_other_annotation(key) || looks_like_role {
            return Some((key, format!("its value is {value}")));
        }
    }
    None
}

/// The webhook's other annotations, which are near only by their beginning.
fn is_other_annotation(key: &str) -> bool {
    ["audience", "sts-regional-endpoints", "token-expiration", "skip-containers"]
        .iter()
        .any(|name| key == format!("eks.amazonaws.com/{name}"))
}
