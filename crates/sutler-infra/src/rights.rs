//! The rights that whoever runs Terraform needs: which IAM actions, on what.
//!
//! ```text
//! Terraform's plan ─of_plan─┐
//!            Infra ─of_all──┴▶ Needs ─▶ asked of AWS, or evaluated ─▶ those that lack ─policy─▶ the statements to add
//! ```
//! What each kind of resource takes stands in [`table`].

pub mod table;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sutler_access::policy::{Document, Effect, Statement, Values};

use crate::model::{Identity, Infra, Manage, Network, State, Subnets};
use crate::plan::{Action, Change, Plan};
use table::Kind;

/// One action on one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The action, `iam:CreateRole`.
    pub action: &'static str,
    /// On what it is asked for: an ARN, in which `*` stands for an id that is not known yet; or `*`, for actions that know no resources.
    pub resource: String,
    /// What a statement that allows it would name: `*` where the call touches things of several kinds.
    pub granted: String,
    /// What conditions may look at, besides the region: the service that a role is passed to, the service whose role is made.
    pub context: Vec<(&'static str, &'static str)>,
    /// The kinds of resources that take it.
    pub kinds: BTreeSet<&'static str>,
    /// Whether it is asked for certainly.
    pub weight: Weight,
}

/// Whether an action is asked for certainly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Without it the plan fails.
    Certain,
    /// Only under circumstances that the plan does not show, such as the first cluster of an account.
    Perhaps,
}

/// What is done with the things of a kind.
#[derive(Debug, Default)]
struct Work {
    create: bool,
    delete: bool,
    /// Arguments that change as it stands.
    arguments: BTreeSet<String>,
    /// Tags are given, and taken.
    tags: (bool, bool),
    /// Anything may change, sometime.
    lives: bool,
    /// Names of roles, where it is about roles; empty: any of the cluster.
    roles: BTreeSet<String>,
}

impl Work {
    fn whole_life() -> Work {
        Work { create: true, delete: true, lives: true, ..Work::default() }
    }

    fn changes(&mut self, change: &Change) {
        for (argument, before, after) in change.arguments() {
            if !matches!(argument, "tags" | "tags_all") {
                self.arguments.insert(argument.to_owned());
                continue;
            }
            let pairs = |side: &Value| side.as_object().cloned().unwrap_or_default();
            let (before, after) = (pairs(before), pairs(after));
            self.tags.0 |= after.iter().any(|(key, value)| before.get(key) != Some(value));
            self.tags.1 |= before.keys().any(|key| !after.contains_key(key));
        }
    }

    /// The actions on a thing of this kind, each with whether it is certain.
    fn actions(&self, kind: &Kind) -> BTreeMap<&'static str, Weight> {
        let mut found = BTreeMap::new();
        let mut add = |actions: &[&'static str], weight: Weight| {
            for action in actions {
                let known = found.entry(*action).or_insert(weight);
                *known = weight.min(*known);
            }
        };
        add(kind.read, Weight::Certain);
        if self.create {
            add(kind.create, Weight::Certain);
        }
        if self.delete {
            add(kind.delete, Weight::Certain);
        }
        let named = |argument: &String| kind.update.iter().any(|(name, _)| name == argument);
        for (name, actions) in kind.update {
            let is_changed = match *name {
                "" => self.arguments.iter().any(|argument| !named(argument)),
                name => self.arguments.contains(name),
            };
            match (is_changed, self.lives) {
                (true, _) => add(actions, Weight::Certain),
                (false, true) => add(actions, Weight::Perhaps),
                (false, false) => {}
            }
        }
        if let Some((give, take)) = kind.tags {
            for (action, is_done) in [(give, self.tags.0), (take, self.tags.1)] {
                match (is_done, self.lives) {
                    (true, _) => add(&[action], Weight::Certain),
                    (false, true) => add(&[action], Weight::Perhaps),
                    (false, false) => {}
                }
            }
        }
        if self.create || self.delete {
            add(kind.perhaps, Weight::Perhaps);
        }
        found
    }
}

/// What carrying out a plan takes. `account` is the one that the credentials are of.
#[must_use]
pub fn of_plan(plan: &Plan, infra: &Infra, account: &str) -> Vec<Need> {
    let mut works: BTreeMap<&'static str, Work> = BTreeMap::new();
    for change in &plan.changes {
        let Some(kind) = table::kind(&change.resource_type) else { continue };
        let work = works.entry(kind.name).or_default();
        match change.action {
            Action::Create => work.create = true,
            Action::Update => work.changes(change),
            Action::Delete => work.delete = true,
            Action::Replace => (work.create, work.delete) = (true, true),
            Action::NoOp | Action::Read | Action::Forget | Action::Import | Action::Move => {}
        }
        work.roles.extend([&change.before, &change.after].into_iter().filter_map(|side| role_of(kind, side)));
    }
    needs(&works, infra, account)
}

/// The role that a change is about.
fn role_of(kind: &Kind, side: &Value) -> Option<String> {
    let name = match kind.name {
        "aws_iam_role" => side["name"].as_str()?,
        "aws_iam_role_policy" | "aws_iam_role_policy_attachment" => side["role"].as_str()?,
        "aws_eks_pod_identity_association" => side["role_arn"].as_str()?.rsplit_once(":role/")?.1,
        _ => return None,
    };
    // What is known later is none of these.
    (!name.starts_with('(')).then(|| name.to_owned())
}

/// What making all of it, changing it and removing it takes.
#[must_use]
pub fn of_all(infra: &Infra, account: &str) -> Vec<Need> {
    let names = |ends: &[&str]| ends.iter().map(|end| format!("{}_{end}", infra.cluster)).collect::<BTreeSet<_>>();
    let mut works: BTreeMap<&'static str, Work> = BTreeMap::new();
    let mut add = |name: &str, roles: BTreeSet<String>| {
        if let Some(kind) = table::kind(name) {
            works.entry(kind.name).or_insert_with(Work::whole_life).roles.extend(roles);
        }
    };
    let mut own = Vec::new();
    if infra.manage == Manage::All {
        own.extend(["Cluster", "VpcCni", "EbsCsi"]);
        let has_addon = |name: &str| infra.addons.as_ref().is_none_or(|addons| addons.contains_key(name));
        own.retain(|end| match *end {
            "VpcCni" => has_addon("vpc-cni"),
            "EbsCsi" => has_addon("aws-ebs-csi-driver"),
            _ => true,
        });
        for kind in [
            "aws_kms_key",
            "aws_kms_alias",
            "aws_cloudwatch_log_group",
            "aws_eks_cluster",
            "aws_iam_openid_connect_provider",
        ] {
            add(kind, BTreeSet::new());
        }
        if infra.addons.as_ref().is_none_or(|addons| !addons.is_empty()) {
            add("aws_eks_addon", BTreeSet::new());
        }
        if !infra.administrators.is_empty() {
            add("aws_eks_access_entry", BTreeSet::new());
            add("aws_eks_access_policy_association", BTreeSet::new());
        }
        if !infra.pools.is_empty() {
            own.push("Node");
            add("aws_launch_template", BTreeSet::new());
            add("aws_eks_node_group", BTreeSet::new());
        }
        if infra.autoscaler.is_some() {
            own.push("Autoscaler");
            add("aws_iam_role_policy", names(&["Autoscaler"]));
            add("aws_autoscaling_group_tag", BTreeSet::new());
        }
        add("aws_iam_role_policy_attachment", names(&own));
        match &infra.network {
            Network::Create { zones, nat, .. } => {
                if zones.is_none() {
                    add("data.aws_availability_zones", BTreeSet::new());
                }
                for kind in [
                    "aws_vpc",
                    "aws_subnet",
                    "aws_internet_gateway",
                    "aws_route_table",
                    "aws_route",
                    "aws_route_table_association",
                    "aws_vpc_endpoint",
                ] {
                    add(kind, BTreeSet::new());
                }
                match nat {
                    crate::model::Nat::None => {
                        add("aws_security_group", BTreeSet::new());
                        add("aws_vpc_security_group_ingress_rule", BTreeSet::new());
                    }
                    _ => {
                        add("aws_eip", BTreeSet::new());
                        add("aws_nat_gateway", BTreeSet::new());
                    }
                }
            }
            Network::Existing { subnets, .. } => {
                if matches!(subnets, Subnets::Tags(_)) {
                    add("data.aws_subnets", BTreeSet::new());
                }
                add("data.aws_subnet", BTreeSet::new());
            }
        }
    } else {
        add("data.aws_eks_cluster", BTreeSet::new());
        if infra.roles.values().any(|role| role.identity == Identity::Irsa && role.trust.is_none()) {
            add("data.aws_iam_openid_connect_provider", BTreeSet::new());
        }
    }
    let mut roles = names(&own);
    for (key, role) in &infra.roles {
        let name = names(&[key]);
        roles.extend(name.clone());
        if role.policy.is_some() {
            add("aws_iam_role_policy", name.clone());
        }
        if !role.managed_policies.is_empty() {
            add("aws_iam_role_policy_attachment", name.clone());
        }
        if role.identity == Identity::PodIdentity {
            add("aws_eks_pod_identity_association", name);
        }
    }
    if !roles.is_empty() {
        add("aws_iam_role", roles);
    }
    needs(&works, infra, account)
}

/// The kinds whose rights [`of_all`] asks for.
#[must_use]
pub fn kinds(needs: &[Need]) -> BTreeSet<&'static str> {
    needs.iter().flat_map(|need| need.kinds.iter().copied()).collect()
}

/// A statement for the needs of each kind of grant, actions in order: what to add to the caller's policies.
#[must_use]
pub fn policy<'n>(needs: impl IntoIterator<Item = &'n Need>) -> Document {
    type Context = Vec<(&'static str, &'static str)>;
    // First the resources of each action, then the actions of each set of resources.
    let mut by_action: BTreeMap<(&'static str, Context), BTreeSet<&str>> = BTreeMap::new();
    for need in needs {
        by_action.entry((need.action, need.context.clone())).or_default().insert(&need.granted);
    }
    let mut by_resources: BTreeMap<(Context, BTreeSet<&str>), BTreeSet<&'static str>> = BTreeMap::new();
    for ((action, context), mut resources) in by_action {
        if resources.contains("*") {
            resources = BTreeSet::from(["*"]);
        }
        by_resources.entry((context, resources)).or_default().insert(action);
    }
    let statement = |((context, resources), actions): ((Context, BTreeSet<&str>), BTreeSet<&str>)| {
        let values = |set: BTreeSet<&str>| Values(set.into_iter().map(str::to_owned).collect());
        let keys: BTreeMap<String, Values> =
            context.iter().map(|(key, value)| ((*key).to_owned(), Values(vec![(*value).to_owned()]))).collect();
        Statement {
            effect: Effect::Allow,
            action: values(actions),
            resource: Some(values(resources)),
            condition: if keys.is_empty() {
                BTreeMap::new()
            } else {
                BTreeMap::from([("StringEquals".to_owned(), keys)])
            },
            ..Statement::default()
        }
    };
    Document::new(by_resources.into_iter().map(statement).collect())
}

/// Where the things are that are asked about.
struct Place<'a> {
    partition: &'static str,
    region: &'a str,
    account: &'a str,
    cluster: &'a str,
}

fn needs(works: &BTreeMap<&'static str, Work>, infra: &Infra, account: &str) -> Vec<Need> {
    let partition = sutler_access::Partition::of_region(&infra.region).as_str();
    let place = Place { partition, region: &infra.region, account, cluster: &infra.cluster };
    let mut found: Vec<Need> = Vec::new();
    let mut add = |need: Need| {
        let same = |other: &&mut Need| {
            (other.action, &other.resource, &other.context) == (need.action, &need.resource, &need.context)
        };
        match found.iter_mut().find(same) {
            Some(other) => {
                other.weight = other.weight.min(need.weight);
                other.kinds.extend(need.kinds);
            }
            None => found.push(need),
        }
    };
    for (name, work) in works {
        let Some(kind) = table::kind(name) else { continue };
        for (action, weight) in work.actions(kind) {
            for (resource, granted) in place.of(action, kind, &work.roles) {
                let kinds = BTreeSet::from([kind.name]);
                add(Need { action, resource, granted, context: Vec::new(), kinds, weight });
            }
        }
        // A role is passed when the thing that takes it is made, and again when it is given another.
        let is_passed = work.create || work.arguments.iter().any(|argument| argument.contains("role_arn"));
        if !is_passed {
            continue;
        }
        for (end, service) in kind.passes {
            let roles = match *end {
                "" => work.roles.clone(),
                "VpcCni" | "EbsCsi" if !has_addon_role(infra, end) => continue,
                end => BTreeSet::from([format!("{}_{end}", infra.cluster)]),
            };
            for role in place.roles(&roles) {
                let context = vec![("iam:PassedToService", *service)];
                let (kinds, weight) = (BTreeSet::from([kind.name]), Weight::Certain);
                add(Need { action: "iam:PassRole", resource: role.clone(), granted: role, context, kinds, weight });
            }
        }
        for (service, role) in kind.linked_roles.iter().filter(|_| work.create) {
            let is_spot = *service == "spot.amazonaws.com";
            if is_spot && infra.pools.values().all(|pool| pool.pool.capacity != sutler_nodes::Capacity::Spot) {
                continue;
            }
            let role = format!("arn:{partition}:iam::{account}:role/aws-service-role/{service}/{role}");
            let context = vec![("iam:AWSServiceName", *service)];
            let (kinds, weight) = (BTreeSet::from([kind.name]), Weight::Perhaps);
            add(Need {
                action: "iam:CreateServiceLinkedRole",
                resource: role.clone(),
                granted: role,
                context,
                kinds,
                weight,
            });
        }
    }
    if let State::S3 { bucket, key, .. } = &infra.state {
        let bucket = format!("arn:{partition}:s3:::{bucket}");
        let (object, lock) = (format!("{bucket}/{key}"), format!("{bucket}/{key}.tflock"));
        let on = [
            ("s3:ListBucket", &bucket),
            ("s3:GetObject", &object),
            ("s3:PutObject", &object),
            ("s3:GetObject", &lock),
            ("s3:PutObject", &lock),
            ("s3:DeleteObject", &lock),
        ];
        for (action, resource) in on {
            let (resource, granted) = (resource.clone(), resource.clone());
            let kinds = BTreeSet::from(["the state"]);
            add(Need { action, resource, granted, context: Vec::new(), kinds, weight: Weight::Certain });
        }
    }
    found.sort_by(|one, other| (one.action, &one.resource).cmp(&(other.action, &other.resource)));
    found
}

fn has_addon_role(infra: &Infra, end: &str) -> bool {
    let name = if end == "VpcCni" { "vpc-cni" } else { "aws-ebs-csi-driver" };
    infra.addons.as_ref().is_none_or(|addons| addons.contains_key(name))
}

impl Place<'_> {
    fn arn(&self, service: &str, rest: &str) -> String {
        let Place { partition, region, account, .. } = self;
        format!("arn:{partition}:{service}:{region}:{account}:{rest}")
    }

    /// The ARNs of roles; without names, any role of the cluster.
    fn roles(&self, names: &BTreeSet<String>) -> Vec<String> {
        let Place { partition, account, cluster, .. } = self;
        let arn = |name: &str| format!("arn:{partition}:iam::{account}:role/{name}");
        match names.is_empty() {
            true => vec![arn(&format!("{cluster}_*"))],
            false => names.iter().map(|name| arn(name)).collect(),
        }
    }

    /// On what an action of a kind is asked for, and what would grant it.
    fn of(&self, action: &str, kind: &Kind, roles: &BTreeSet<String>) -> Vec<(String, String)> {
        let cluster = self.cluster;
        let same = |arn: String| vec![(arn.clone(), arn)];
        let everything = || same("*".to_owned());
        let (service, verb) = action.split_once(':').unwrap_or(("", action));
        match service {
            "ec2" if verb.starts_with("Describe") || kind.noun.is_empty() => everything(),
            // Most of these touch things of several kinds: a subnet and its VPC.
            "ec2" => vec![(self.arn("ec2", &format!("{}/*", kind.noun)), "*".to_owned())],
            "kms" if matches!(verb, "CreateKey" | "ListAliases") => everything(),
            "kms" => {
                let asked = if verb.ends_with("Alias") { format!("alias/eks/{cluster}") } else { "key/*".to_owned() };
                vec![(self.arn("kms", &asked), self.arn("kms", "*"))]
            }
            "logs" if verb == "DescribeLogGroups" => everything(),
            "logs" => {
                let group = self.arn("logs", &format!("log-group:/aws/eks/{cluster}/cluster"));
                let asked =
                    if verb.contains("Tag") || verb == "UntagResource" { group.clone() } else { format!("{group}:*") };
                vec![(asked, format!("{group}*"))]
            }
            "autoscaling" if verb.starts_with("Describe") => everything(),
            "autoscaling" => {
                let groups = self.arn("autoscaling", "autoScalingGroup:*");
                vec![(format!("{groups}:autoScalingGroupName/eks-*"), groups)]
            }
            "eks" => same(self.arn("eks", &self.eks(verb, kind))),
            "iam" if verb == "ListOpenIDConnectProviders" => everything(),
            "iam" if verb.contains("OpenIDConnect") => {
                let Place { partition, region, account, .. } = self;
                let suffix = if *partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
                same(format!("arn:{partition}:iam::{account}:oidc-provider/oidc.eks.{region}.{suffix}/id/*"))
            }
            "iam" => {
                let of_node = BTreeSet::from([format!("{cluster}_Node")]);
                let roles = if kind.name == "aws_eks_node_group" { &of_node } else { roles };
                self.roles(roles).into_iter().map(|arn| (arn.clone(), arn)).collect()
            }
            _ => everything(),
        }
    }

    /// The thing of EKS's that an action is about, as its ARN ends.
    fn eks(&self, verb: &str, kind: &Kind) -> String {
        let cluster = self.cluster;
        let is_of_cluster = kind.name.ends_with("_eks_cluster")
            || matches!(
                verb,
                "CreateNodegroup"
                    | "CreateAddon"
                    | "CreateAccessEntry"
                    | "CreatePodIdentityAssociation"
                    | "DescribeUpdate"
            );
        match kind.name {
            _ if is_of_cluster => format!("cluster/{cluster}"),
            "aws_eks_node_group" => format!("nodegroup/{cluster}/*/*"),
            "aws_eks_addon" => format!("addon/{cluster}/*/*"),
            "aws_eks_pod_identity_association" => format!("podidentityassociation/{cluster}/*"),
            _ => format!("access-entry/{cluster}/*"),
        }
    }
}

#[cfg(test)]
mod tests;
