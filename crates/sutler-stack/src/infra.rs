//! What a stack wants of AWS, as [`sutler_infra`] takes it, and what AWS would refuse of it, at its place in the file.

use sutler_access::{AccountId, ServiceAccountName};
use sutler_infra::model::{Identity, Infra, Manage, Nat, Network, NodePool, Role, State, Subnets};
use sutler_infra::{Problem, check};
use sutler_nodes::capacity::DEFAULT_ROOT_VOLUME_GIB;

use crate::file::diagnostic::{Diagnostic, Report};
use crate::file::model;
use crate::names::role_arn;
use crate::stack::{ChartReference, Stack, Target};

/// The built-in chart of the cluster autoscaler.
const AUTOSCALER_CHART: &str = "cluster-autoscaler";

/// The tags of everything that is made for a stack.
pub(crate) const STACK_TAG: &str = "sutler.dev/stack";
pub(crate) const ENVIRONMENT_TAG: &str = "sutler.dev/environment";

/// Addresses of a network that is made where the file says nothing.
const DEFAULT_CIDR: &str = "10.0.0.0/16";

/// The tag by which EKS knows subnets for what is not open to the internet.
const PRIVATE_TAG: &str = "kubernetes.io/role/internal-elb";

/// Why a stack wants nothing of AWS that could be made.
#[derive(Debug, thiserror::Error)]
pub enum InfraError {
    /// The environment is no EKS.
    #[error("environment `{0}` is not `target: eks`: there is nothing of AWS to make")]
    NotEks(String),
    /// The file says so.
    #[error("`cluster.manage: none` leaves all of AWS to others")]
    NothingManaged,
    /// AWS would refuse it.
    #[error("{0}")]
    Refused(Box<Report>),
}

/// What a stack wants of AWS.
///
/// # Errors
/// Nothing can be made for this environment, or AWS would refuse it.
pub fn infra(stack: &Stack) -> Result<Infra, InfraError> {
    if stack.target != Target::Eks {
        return Err(InfraError::NotEks(stack.environment.clone()));
    }
    let manage = match stack.cluster.manage {
        model::Manage::All => Manage::All,
        model::Manage::Roles => Manage::Roles,
        model::Manage::None => return Err(InfraError::NothingManaged),
    };
    let mut found = Vec::new();
    let mut roles = std::collections::BTreeMap::new();
    for (key, role) in &stack.roles {
        let written = &stack.file.file.roles[key];
        // A role that exists already is somebody else's.
        if written.arn.is_some() {
            continue;
        }
        let policy = role.permissions(stack).unwrap_or_else(|error| {
            found.push(at(stack, &["roles", key, error.part()], error.to_string(), error.hint()));
            None
        });
        let identity = match written.identity {
            model::Identity::Irsa => Identity::Irsa,
            model::Identity::PodIdentity => Identity::PodIdentity,
        };
        let service_accounts = role.account_names();
        let role = Role {
            identity,
            service_accounts,
            policy,
            managed_policies: role.managed_policies.clone(),
            trust: None,
            boundary: role.boundary.clone(),
            moves_from: None,
        };
        roles.insert(key.clone(), role);
    }
    let pools = stack.pools.iter().map(|(name, entry)| {
        let pool = NodePool {
            pool: entry.pool.clone(),
            image: None,
            // What the plan's fit counts with.
            disk_gib: DEFAULT_ROOT_VOLUME_GIB,
            group_per_zone: stack.file.file.cluster.pools[name].group_per_zone,
        };
        (name.clone(), pool)
    });
    let infra = Infra {
        cluster: stack.cluster.name.clone(),
        manage,
        region: stack.region.clone(),
        // One that is none has been said when the file was read.
        account: stack.account.as_ref().and_then(|account| account.parse::<AccountId>().ok()),
        kubernetes_version: stack.cluster.version.clone(),
        network: network(stack),
        administrators: stack.file.file.cluster.administrators.clone(),
        addons: None,
        pools: pools.collect(),
        autoscaler: autoscaler(stack),
        roles,
        tags: [(STACK_TAG, &stack.name), (ENVIRONMENT_TAG, &stack.environment)]
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .into(),
        state: state(stack, &mut found),
    };
    found.extend(check(&infra).into_iter().map(|problem| diagnostic(stack, problem)));
    match found.is_empty() {
        true => Ok(infra),
        false => Err(InfraError::Refused(Box::new(stack.file.report(found)))),
    }
}

/// How many NAT gateways the stack's network has, where it is made for the stack.
pub(crate) fn nat_gateway_count(stack: &Stack) -> u32 {
    match network(stack) {
        Network::Create { nat: Nat::One, .. } => 1,
        // The module takes the region's first three where none are named.
        Network::Create { nat: Nat::PerZone, zones, .. } => zones.map_or(3, |zones| zones.len() as u32),
        Network::Create { nat: Nat::None, .. } | Network::Existing { .. } => 0,
    }
}

/// The network that the file means.
pub(crate) fn network(stack: &Stack) -> Network {
    let written = stack.file.file.cluster.network.as_ref();
    match written {
        Some(model::Network { create: Some(made), .. }) => Network::Create {
            cidr: made.cidr.clone(),
            zones: made.zones.clone(),
            nat: match made.nat {
                model::Nat::One => Nat::One,
                model::Nat::PerZone => Nat::PerZone,
                model::Nat::None => Nat::None,
            },
        },
        Some(model::Network { vpc_id: Some(vpc_id), subnet_tags, subnet_ids, .. }) => Network::Existing {
            vpc_id: vpc_id.clone(),
            subnets: match (subnet_ids, subnet_tags) {
                (Some(ids), _) => Subnets::Ids(ids.clone()),
                (None, Some(tags)) => Subnets::Tags(tags.clone()),
                (None, None) => Subnets::Tags([(PRIVATE_TAG.to_owned(), "1".to_owned())].into()),
            },
        },
        _ => Network::Create { cidr: DEFAULT_CIDR.to_owned(), zones: None, nat: Nat::One },
    }
}

/// The ARN of the cluster autoscaler's role, where Terraform makes one: what its outputs say once it is there.
pub fn autoscaler_role_arn(stack: &Stack) -> Option<String> {
    let makes_it = stack.target == Target::Eks && stack.cluster.manage == model::Manage::All;
    autoscaler(stack).filter(|_| makes_it)?;
    role_arn(stack.account.as_deref()?, &stack.region, &stack.cluster.name, "Autoscaler").ok()
}

/// The service account under which the release of the built-in chart runs: what its values say, else as the chart names it.
fn autoscaler(stack: &Stack) -> Option<ServiceAccountName> {
    let is_autoscaler =
        |chart: &ChartReference| matches!(chart, ChartReference::Builtin(name) if name == AUTOSCALER_CHART);
    let release = stack.releases.iter().find(|release| is_autoscaler(&release.chart))?;
    let values = &stack.file.file.releases[&release.id].values;
    let given =
        values.pointer("/serviceAccount/name").and_then(serde_json::Value::as_str).filter(|name| !name.is_empty());
    let full = match release.name.contains(AUTOSCALER_CHART) {
        true => release.name.clone(),
        false => format!("{}-{AUTOSCALER_CHART}", release.name),
    };
    let name = match given {
        Some(name) => name.to_owned(),
        None => full.chars().take(63).collect::<String>().trim_end_matches('-').to_owned(),
    };
    Some(ServiceAccountName { namespace: release.namespace.clone(), name })
}

/// `s3://BUCKET/PREFIX` becomes a state for each environment: `PREFIX/STACK/ENVIRONMENT.tfstate`.
fn state(stack: &Stack, found: &mut Vec<Diagnostic>) -> State {
    let Some(written) = &stack.file.file.cluster.state else { return State::Local };
    let Some(place) = written.strip_prefix("s3://") else {
        let message = format!("`{written}` is no place for a state");
        found.push(at(
            stack,
            &["cluster", "state"],
            message,
            Some("write it as s3://BUCKET or s3://BUCKET/PREFIX".into()),
        ));
        return State::Local;
    };
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let parts = [prefix.trim_matches('/'), &stack.name, &format!("{}.tfstate", stack.environment)]
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect::<Vec<_>>();
    State::S3 { bucket: bucket.to_owned(), key: parts.join("/"), region: stack.region.clone() }
}

/// A problem at its place in the file.
fn diagnostic(stack: &Stack, problem: Problem) -> Diagnostic {
    let Problem { at: path, message, hint } = problem;
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let place: Vec<&str> = match parts[..] {
        ["cluster"] => vec!["cluster", "name"],
        ["region"] => vec!["environments", &stack.environment, "region"],
        ["kubernetes_version"] => vec!["cluster", "version"],
        ["administrators", ref rest @ ..] => [&["cluster", "administrators"], rest].concat(),
        ["network", "zones", ref rest @ ..] => [&["cluster", "network", "create", "zones"], rest].concat(),
        ["network", "cidr", ..] => vec!["cluster", "network", "create", "cidr"],
        ["network", "subnet_ids", ref rest @ ..] => [&["cluster", "network", "subnetIds"], rest].concat(),
        ["network", "vpc_id"] => vec!["cluster", "network", "vpcId"],
        ["network", ..] => vec!["cluster", "network", "subnetTags"],
        ["pools", name, "instance_types", ref rest @ ..] => {
            [&["cluster", "pools", name, "instanceTypes"], rest].concat()
        }
        ["pools", ..] => [&["cluster"], &parts[..]].concat(),
        ["roles", key, "service_accounts", ..] => vec!["roles", key, "serviceAccounts"],
        ["roles", key, "managed_policies", ..] => vec!["roles", key, "managedPolicies"],
        ["state"] => vec!["cluster", "state"],
        _ => parts.clone(),
    };
    at(stack, &place, message, hint)
}

fn at(stack: &Stack, path: &[&str], message: String, hint: Option<String>) -> Diagnostic {
    Diagnostic { hint, ..Diagnostic::error(stack.file.place(path), message) }
}

#[cfg(test)]
mod tests;
