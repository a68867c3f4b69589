//! Before money is spent: whether the account can hold what a stack asks for, and whether the caller may make it.
//!
//! ```text
//!  plan ─▶ needs ─┐
//! AWS ────────────┴ask─▶ Answers ─┐
//!  stack ─────────────────────────┴─judge─▶ Section
//! ```
//! [`judge`] is a plain function of the answers; [`preflight`] asks and judges. What may not be asked is `UNKNOWN`, and stops nobody.

mod caller;
pub mod rights;

use std::collections::{BTreeMap, BTreeSet};

use sutler_access::doctor::{Fact, State};
use sutler_aws::CallError;
use sutler_aws::ec2::Subnet;
use sutler_aws::quotas::{ON_DEMAND, P_SPOT, P5_SPOT, SPOT, VcpuQuota, quota_of};
use sutler_infra::model::{Network, Subnets};
use sutler_infra::rights::Need;
use sutler_nodes::Capacity;
use sutler_nodes::instances::{InstanceType, lookup};

use crate::access::reason;
use crate::cloud::Cloud;
use crate::doctor::{Finding, Fix, Section, Seen, Topic, count};
use crate::file::model::Manage;
use crate::infra::network;
use crate::stack::{Stack, StackPool};
use crate::tables::Tables;
use rights::Rights;

/// Addresses that EKS wants free in each subnet of the control plane (EKS user guide, "VPC and subnet considerations").
const CONTROL_PLANE_ADDRESSES: u32 = 6;

/// What AWS answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// Who asks: the caller's ARN.
    pub caller: String,
    /// vCPUs that each quota allows, by its code.
    pub quotas: BTreeMap<&'static str, Fact<f64>>,
    /// The zones in which each instance type is offered; a type that the region does not have is not there.
    pub offered: Fact<BTreeMap<String, BTreeSet<String>>>,
    /// The subnets of the VPC that the file names, those that its tags choose; absent where the network is made.
    pub subnets: Fact<Vec<Subnet>>,
    /// The Kubernetes version of the cluster, `1.33`; absent where there is none yet.
    pub version: Fact<String>,
    /// What the caller may do of what is needed; absent where nothing is.
    pub rights: Fact<Rights>,
}

/// Asks AWS and judges. `needs` are those of [`rights::needs`].
pub async fn preflight(stack: &Stack, cloud: &Cloud, needs: Vec<Need>) -> Section {
    judge(stack, &ask(stack, cloud, needs).await)
}

/// Asks what [`judge`] needs: the caller's rights, and where the cluster is made, quotas, offers of instance types, subnets, the cluster.
pub async fn ask(stack: &Stack, cloud: &Cloud, needs: Vec<Need>) -> Answers {
    let aws = &cloud.aws;
    let caller = cloud.caller.arn.clone();
    let rights = caller::rights(cloud, needs).await;
    if stack.cluster.manage != Manage::All {
        let nothing = Fact::Known(BTreeMap::new());
        let quotas = BTreeMap::new();
        return Answers { caller, quotas, offered: nothing, subnets: Fact::Absent, version: Fact::Absent, rights };
    }
    let mut quotas = BTreeMap::new();
    for code in asked(stack, &quotas).into_keys() {
        quotas.insert(code, fact(aws.quota("ec2", code).await));
    }
    if quotas.get(P5_SPOT) == Some(&Fact::Absent) && !quotas.contains_key(P_SPOT) {
        quotas.insert(P_SPOT, fact(aws.quota("ec2", P_SPOT).await));
    }
    let types: BTreeSet<&str> =
        stack.pools.values().flat_map(|pool| &pool.pool.instance_types).map(String::as_str).collect();
    let types: Vec<&str> = types.into_iter().collect();
    let subnets = match network(stack) {
        Network::Create { .. } => Fact::Absent,
        Network::Existing { vpc_id, subnets: wanted } => match fact(aws.subnets(&vpc_id).await.map(Some)) {
            Fact::Known(mut subnets) => {
                subnets.retain(|subnet| match &wanted {
                    Subnets::Ids(ids) => ids.contains(&subnet.id),
                    Subnets::Tags(tags) => tags.iter().all(|(key, value)| subnet.tags.get(key) == Some(value)),
                });
                Fact::Known(subnets)
            }
            other => other,
        },
    };
    Answers {
        caller,
        quotas,
        offered: fact(aws.instance_type_zones(&types).await.map(Some)),
        subnets,
        version: match fact(aws.cluster(&stack.cluster.name).await) {
            Fact::Known(cluster) => Fact::Known(cluster.version),
            Fact::Absent => Fact::Absent,
            Fact::Unknown(why) => Fact::Unknown(why),
        },
        rights,
    }
}

fn fact<T>(answer: Result<Option<T>, CallError>) -> Fact<T> {
    match answer {
        Ok(Some(found)) => Fact::Known(found),
        Ok(None) => Fact::Absent,
        Err(error) => Fact::Unknown(reason(&error)),
    }
}

/// Judges the answers.
pub fn judge(stack: &Stack, answers: &Answers) -> Section {
    let tables = Tables::default();
    let seen = Seen { tables: &tables, stack: Some(stack), model: None, now: jiff::Timestamp::UNIX_EPOCH };
    let mut findings = Vec::new();
    if answers.caller.ends_with(":root") {
        let finding =
            Finding::new(State::Warning, "credentials", "they are the account's root user's, who may do everything");
        findings.push(finding.fix(Fix::new("take a role for this (AWS_PROFILE, `aws sso login`)")));
    }
    match &answers.rights {
        Fact::Known(rights) => findings.extend(rights::findings(rights)),
        Fact::Absent => {}
        Fact::Unknown(why) => findings.push(Finding::new(
            State::Unknown,
            "rights",
            format!("whether the caller may make the calls of the plan: {why}"),
        )),
    }
    if stack.cluster.manage == Manage::All {
        findings.extend(versions(&seen, stack, answers));
        findings.extend(quotas(&seen, stack, answers));
        findings.extend(offers(&seen, stack, answers));
        findings.extend(addresses(&seen, stack, answers));
    }
    let most: u32 = stack.pools.keys().map(|name| nodes(stack, name).1).sum();
    let as_whom = if answers.caller.is_empty() { "nobody".to_owned() } else { answers.caller.clone() };
    let rights = answers.rights.known().map(|rights| format!("; {}", rights::summary(rights))).unwrap_or_default();
    let summary =
        format!("as {as_whom}: {}, at most {}{rights}", count(stack.pools.len(), "pool"), count(most as usize, "node"));
    Section::new(Topic::Preflight, summary, findings)
}

/// The zones of a network that is made.
const ZONES: u32 = 3;

/// The nodes that a pool has at the least and at the most: with a group in each zone, in each.
fn nodes(stack: &Stack, name: &str) -> (u32, u32) {
    let Some(pool) = stack.pools.get(name).map(|pool| &pool.pool) else { return (0, 0) };
    let per_zone = stack.file.file.cluster.pools.get(name).is_some_and(|pool| pool.group_per_zone);
    let groups = if per_zone { ZONES } else { 1 };
    (pool.min.saturating_mul(groups), pool.max.saturating_mul(groups))
}

/// The largest of a pool's types.
fn largest(pool: &StackPool) -> Option<&'static InstanceType> {
    pool.pool.instance_types.iter().filter_map(|name| lookup(name).ok()).max_by_key(|instance| instance.vcpus)
}

/// What the account may have, by the quotas' codes.
type Quotas = BTreeMap<&'static str, Fact<f64>>;

/// The quota that counts an instance type's vCPUs; `None` for those that have none.
fn counted(instance: &InstanceType, capacity: Capacity, known: &Quotas) -> Option<VcpuQuota> {
    let quotas: &[VcpuQuota] = if capacity == Capacity::Spot { &SPOT } else { &ON_DEMAND };
    let quota = quota_of(instance.name, quotas)?;
    // Where the quota on the later generations is gone, the one on the earlier counts them all.
    let is_merged = quota.code == P5_SPOT && known.get(P5_SPOT) == Some(&Fact::Absent);
    let quota = quotas.iter().find(|quota| is_merged && quota.code == P_SPOT).unwrap_or(quota);
    Some(quota.clone())
}

/// What is asked of a quota.
struct Asked {
    name: &'static str,
    /// vCPUs at the least and at the most.
    least: u64,
    most: u64,
    pools: Vec<String>,
}

fn asked(stack: &Stack, known: &Quotas) -> BTreeMap<&'static str, Asked> {
    let mut asked: BTreeMap<&'static str, Asked> = BTreeMap::new();
    for (name, pool) in &stack.pools {
        let Some(instance) = largest(pool) else { continue };
        let Some(quota) = counted(instance, pool.pool.capacity, known) else { continue };
        let nothing = Asked { name: quota.name, least: 0, most: 0, pools: Vec::new() };
        let entry = asked.entry(quota.code).or_insert(nothing);
        let each = u64::from(instance.vcpus);
        let (least, most) = nodes(stack, name);
        entry.least += each * u64::from(least);
        entry.most += each * u64::from(most);
        entry.pools.push(name.clone());
    }
    asked
}

fn quotas(seen: &Seen<'_>, stack: &Stack, answers: &Answers) -> Vec<Finding> {
    let mut found = Vec::new();
    for (code, Asked { name, least, most, pools }) in asked(stack, &answers.quotas) {
        let subject = format!("quota {code}");
        let allowed = match answers.quotas.get(code) {
            Some(Fact::Known(allowed)) => *allowed,
            Some(Fact::Unknown(why)) => {
                found.push(unknown_quota(subject, name, why));
                continue;
            }
            Some(Fact::Absent) => {
                found.push(unknown_quota(subject, name, "AWS names no such quota"));
                continue;
            }
            None => continue,
        };
        #[expect(clippy::cast_precision_loss, reason = "vCPUs are far below 2^52")]
        let (least_needed, most_needed) = (least as f64, most as f64);
        let state = match () {
            () if least_needed > allowed => State::Failed,
            () if most_needed > allowed => State::Warning,
            () => continue,
        };
        let when = if state == State::Failed {
            format!("at their least already ask for {least}")
        } else {
            format!("at their most ask for {most}")
        };
        let text = format!("the account may have {allowed} vCPUs of {name}; pools {} {when}", pools.join(", "));
        let limit = if state == State::Failed { "min" } else { "max" };
        let size = |name: &&String| match (nodes(stack, name), state) {
            ((least, _), State::Failed) => least,
            ((_, most), _) => most,
        };
        let larger = pools.iter().max_by_key(size).map_or("", String::as_str);
        let ask = format!("--service-code ec2 --quota-code {code} --desired-value {most}");
        found.push(
            Finding::new(state, subject, text)
                .fix(Fix::new(format!("aws service-quotas request-service-quota-increase {ask}")))
                .fix(
                    Fix::new(format!("cluster.pools.{larger}.{limit}: fewer"))
                        .at(seen.place(&["cluster", "pools", larger, limit])),
                ),
        );
    }
    found
}

fn unknown_quota(subject: String, name: &str, why: &str) -> Finding {
    Finding::new(State::Unknown, subject, format!("how many vCPUs of {name} the account may have: {why}"))
}

fn offers(seen: &Seen<'_>, stack: &Stack, answers: &Answers) -> Vec<Finding> {
    let offered = match &answers.offered {
        Fact::Known(offered) => offered,
        Fact::Absent => return Vec::new(),
        Fact::Unknown(why) => {
            return vec![Finding::new(State::Unknown, "instance types", format!("where they are offered: {why}"))];
        }
    };
    let zones: BTreeSet<&str> = match &answers.subnets {
        Fact::Known(subnets) => subnets.iter().map(|subnet| subnet.zone.as_str()).collect(),
        _ => offered.values().flatten().map(String::as_str).collect(),
    };
    if zones.is_empty() {
        // Which is told of the subnets.
        return Vec::new();
    }
    let mut found = Vec::new();
    for (name, pool) in &stack.pools {
        let subject = format!("pool {name}");
        let at = |index: usize| seen.place(&["cluster", "pools", name, "instanceTypes", &index.to_string()]);
        for (index, kind) in pool.pool.instance_types.iter().enumerate() {
            let has = offered
                .get(kind)
                .map(|has| has.iter().map(String::as_str).filter(|zone| zones.contains(zone)).collect::<Vec<_>>());
            let finding = match has.as_deref() {
                None => Finding::new(State::Failed, &subject, format!("{kind} is not offered in {}", stack.region)),
                Some([]) => Finding::new(
                    State::Failed,
                    &subject,
                    format!("{kind} is offered in none of the zones of its subnets ({})", join(&zones)),
                ),
                Some(has) if has.len() < zones.len() => {
                    let lacking: BTreeSet<&str> = zones.iter().copied().filter(|zone| !has.contains(zone)).collect();
                    let of_zone = seen
                        .stack
                        .and_then(|stack| stack.file.file.cluster.pools.get(name))
                        .is_some_and(|pool| pool.group_per_zone);
                    // A group for one zone alone has nowhere else to go.
                    let state =
                        if of_zone && pool.pool.instance_types.len() == 1 { State::Failed } else { State::Warning };
                    Finding::new(state, &subject, format!("{kind} is not offered in {}", join(&lacking)))
                }
                Some(_) => continue,
            };
            found.push(
                finding.fix(
                    Fix::new(format!("cluster.pools.{name}.instanceTypes: add or take another type")).at(at(index)),
                ),
            );
        }
    }
    found
}

fn join(zones: &BTreeSet<&str>) -> String {
    zones.iter().copied().collect::<Vec<_>>().join(", ")
}

fn addresses(seen: &Seen<'_>, stack: &Stack, answers: &Answers) -> Vec<Finding> {
    let subnets = match &answers.subnets {
        Fact::Known(subnets) => subnets,
        Fact::Absent => return Vec::new(),
        Fact::Unknown(why) => {
            return vec![Finding::new(State::Unknown, "subnets", format!("how many addresses are free: {why}"))];
        }
    };
    let place = || {
        let parts = ["subnetIds", "subnetTags", "vpcId"];
        parts.iter().find_map(|part| seen.place(&["cluster", "network", part]))
    };
    let mut found = Vec::new();
    let zones: BTreeSet<&str> = subnets.iter().map(|subnet| subnet.zone.as_str()).collect();
    if zones.len() < 2 {
        let text = match subnets.len() {
            0 => match network(stack) {
                Network::Existing { subnets: Subnets::Tags(tags), .. } => {
                    let tags = tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ");
                    format!("no subnet of the VPC carries {tags}")
                }
                _ => "the VPC has none of the subnets of the file".to_owned(),
            },
            _ => format!("all are in {}, and EKS wants two zones", join(&zones)),
        };
        return vec![
            Finding::new(State::Failed, "subnets", text)
                .fix(Fix::new("choose subnets in two or three zones by their tags").at(place())),
        ];
    }
    for subnet in subnets.iter().filter(|subnet| subnet.free_addresses < CONTROL_PLANE_ADDRESSES) {
        let text = format!("has {} free addresses, EKS wants {CONTROL_PLANE_ADDRESSES} in each", subnet.free_addresses);
        found.push(
            Finding::new(State::Failed, format!("subnet {}", subnet.id), text)
                .fix(Fix::new("choose other subnets, or free addresses in it").at(place())),
        );
    }
    let free: u64 = subnets.iter().map(|subnet| u64::from(subnet.free_addresses)).sum();
    let least: u64 = stack.pools.keys().map(|name| u64::from(nodes(stack, name).0)).sum();
    let most: u64 = stack.pools.keys().map(|name| u64::from(nodes(stack, name).1)).sum();
    // Each node has an address, and its pods have theirs; ten is what a node with the add-ons and a few pods takes.
    let with_pods = most * 11;
    let state = match () {
        () if free < least => State::Failed,
        () if free < with_pods => State::Warning,
        () => return found,
    };
    let text = format!("{free} addresses are free; {most} nodes with ten pods each take {with_pods}");
    found.push(
        Finding::new(state, "subnets", text)
            .fix(Fix::new("choose larger subnets, or let pools have fewer nodes").at(place())),
    );
    found
}

/// EKS goes up one minor version at a time, and never down.
fn versions(seen: &Seen<'_>, stack: &Stack, answers: &Answers) -> Option<Finding> {
    let subject = format!("cluster {}", stack.cluster.name);
    let found = match &answers.version {
        Fact::Known(found) => found,
        Fact::Absent => return None,
        Fact::Unknown(why) => return Some(Finding::new(State::Unknown, subject, format!("its version: {why}"))),
    };
    let minor = |version: &str| version.split('.').nth(1).and_then(|minor| minor.parse::<i64>().ok());
    let (is, wanted) = (minor(found)?, minor(&stack.cluster.version)?);
    let text = match wanted - is {
        0 | 1 => return None,
        step if step < 0 => {
            format!("is at {found}, the file wants {}: EKS goes no version back", stack.cluster.version)
        }
        _ => format!("is at {found}, the file wants {}: EKS goes up one version at a time", stack.cluster.version),
    };
    let next = if wanted < is { found.clone() } else { format!("1.{}", is + 1) };
    let fix = Fix::new(format!("cluster.version: \"{next}\"")).at(seen.place(&["cluster", "version"]));
    Some(Finding::new(State::Failed, subject, text).fix(fix))
}
