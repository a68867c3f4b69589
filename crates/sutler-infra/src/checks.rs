//! What AWS would refuse, found before anything is called.
//!
//! Every problem says where it is ([`Problem::at`]) and all are collected: who corrects one sees the others too. The limits are those
//! of the services' API references: EKS's `CreateCluster` and `CreateNodegroup`, IAM's quotas, EC2's launch templates and tags.

use std::collections::BTreeSet;

use sutler_access::trust::{Issuer, web_identity};
use sutler_access::{AccountId, Partition, RoleName};

use crate::cidr::Cidr;
use crate::model::{Identity, Infra, Manage, Network, NodePool, Role, State, Subnets, image_of};

/// Something that AWS would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: the names of the model's parts, as in `["pools", "ray", "instance_types", "0"]`.
    pub at: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// The ends of names of roles that the module makes for itself.
pub const OWN_ROLES: [&str; 5] = ["Autoscaler", "Cluster", "EbsCsi", "Node", "VpcCni"];

/// Inline policies of a role, in characters without white space.
const INLINE_POLICY_LIMIT: usize = 10_240;

/// The longest name of a node group, and what the module adds to a pool's name: a dash and eight digits.
const GROUP_NAME_LIMIT: usize = 63;
const GROUP_SUFFIX: usize = 9;

/// How tags for the autoscaler begin; a tag's key has 128 characters.
const LABEL_TAG: &str = "k8s.io/cluster-autoscaler/node-template/label/";
const TAG_KEY_LIMIT: usize = 128;
const TAG_VALUE_LIMIT: usize = 256;

/// What AWS would refuse, in the order of the model's parts.
#[must_use]
pub fn check(infra: &Infra) -> Vec<Problem> {
    let mut checks = Checks { infra, found: Vec::new() };
    checks.names();
    if infra.manage == Manage::All {
        checks.network();
        checks.administrators();
        for (name, pool) in &infra.pools {
            checks.pool(name, pool);
        }
    }
    for (key, role) in &infra.roles {
        checks.role(key, role);
    }
    checks.tags();
    checks.state();
    checks.found
}

struct Checks<'a> {
    infra: &'a Infra,
    found: Vec<Problem>,
}

impl Checks<'_> {
    fn problem(&mut self, at: &[&str], message: impl Into<String>) -> &mut Problem {
        let at = at.iter().map(|part| (*part).to_owned()).collect();
        self.found.push(Problem { at, message: message.into(), hint: None });
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    fn names(&mut self) {
        let Infra { cluster, region, kubernetes_version, manage, .. } = self.infra;
        let is_name = cluster.len() <= 100
            && cluster.starts_with(|first: char| first.is_ascii_alphanumeric())
            && cluster.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !is_name {
            self.problem(
                &["cluster"],
                format!("EKS takes no cluster name `{cluster}`: letters, digits, - and _, at most 100, a letter or digit first"),
            );
        } else if *manage == Manage::All
            && let Some(too_long) = OWN_ROLES.iter().filter_map(|role| RoleName::of(cluster, role).err()).next()
        {
            self.problem(
                &["cluster"],
                format!("the cluster's own roles would have names that IAM refuses: {too_long}"),
            )
            .hint = Some("a cluster's name may have 53 characters".into());
        }
        if !is_region(region) {
            self.problem(&["region"], format!("`{region}` is not an AWS region: us-west-2 is one"));
        }
        let is_minor = kubernetes_version.strip_prefix("1.").is_some_and(|minor| minor.parse::<u16>().is_ok());
        if !is_minor {
            self.problem(
                &["kubernetes_version"],
                format!("`{kubernetes_version}` is not a minor version of Kubernetes: 1.34 is one"),
            );
        }
    }

    fn network(&mut self) {
        match &self.infra.network {
            Network::Create { cidr, zones, .. } => {
                match cidr.parse::<Cidr>() {
                    Err(error) => drop(self.problem(&["network", "cidr"], error.to_string())),
                    Ok(cidr) => self.addresses(cidr),
                }
                if let Some(zones) = zones {
                    self.zones(zones);
                }
            }
            Network::Existing { vpc_id, subnets } => {
                if !is_id(vpc_id, "vpc-") {
                    self.problem(
                        &["network", "vpc_id"],
                        format!("`{vpc_id}` is not a VPC's id: vpc- and 8 or 17 digits of base 16"),
                    );
                }
                match subnets {
                    Subnets::Ids(ids) => {
                        for (index, id) in ids.iter().enumerate().filter(|(_, id)| !is_id(id, "subnet-")) {
                            self.problem(
                                &["network", "subnet_ids", &index.to_string()],
                                format!("`{id}` is not a subnet's id: subnet- and 8 or 17 digits of base 16"),
                            );
                        }
                        if ids.iter().collect::<BTreeSet<_>>().len() < 2 {
                            self.problem(&["network", "subnet_ids"], "EKS needs subnets in two zones");
                        }
                    }
                    Subnets::Tags(tags) if tags.is_empty() => {
                        self.problem(
                            &["network", "subnet_tags"],
                            "without a tag every subnet of the VPC would be meant, public ones too",
                        );
                    }
                    Subnets::Tags(_) => {}
                }
            }
        }
    }

    fn addresses(&mut self, cidr: Cidr) {
        let at = ["network", "cidr"];
        if cidr.bits() < 16 {
            self.problem(&at, format!("`{cidr}` is larger than a VPC may be: /16 is the largest"));
            return;
        }
        // The module gives a quarter to each zone; AWS keeps five addresses of a subnet.
        let in_zone = (cidr.addresses() / 4).saturating_sub(5);
        if cidr.bits() > 22 {
            self.problem(
                &at,
                format!("`{cidr}` is too small: a zone's subnet would have {in_zone} addresses for nodes and pods"),
            )
            .hint = Some("/16 to /22; /16 costs no more".into());
            return;
        }
        // EC2 and Docker keep these to themselves; a node could not reach what is there.
        for (kept, who) in [
            ("127.0.0.0/8", "the machine itself"),
            ("169.254.0.0/16", "EC2's metadata and DNS"),
            ("172.17.0.0/16", "Docker's bridge"),
            ("224.0.0.0/4", "multicast"),
            ("0.0.0.0/8", "no network at all"),
        ] {
            if kept.parse::<Cidr>().is_ok_and(|kept| kept.overlaps(cidr)) {
                self.problem(&at, format!("`{cidr}` overlaps with {kept}, which is for {who}"));
            }
        }
        let zones = match &self.infra.network {
            Network::Create { zones: Some(zones), .. } => zones.len().clamp(2, 3) as u64,
            _ => 3,
        };
        let zonal = |pool: &NodePool| if pool.group_per_zone { zones } else { 1 };
        let nodes: u64 = self.infra.pools.values().map(|pool| u64::from(pool.pool.max) * zonal(pool)).sum();
        // A node has an address, and as the CNI comes with its defaults one for a pod, besides those it keeps warm.
        if nodes * 2 > in_zone * zones {
            self.problem(
                &at,
                format!(
                    "`{cidr}` leaves {} addresses in {zones} zones; the pools' {nodes} nodes take two each at least",
                    in_zone * zones
                ),
            );
        }
    }

    fn zones(&mut self, zones: &[String]) {
        let region = &self.infra.region;
        for (index, zone) in zones.iter().enumerate() {
            let letter = zone.strip_prefix(region.as_str()).unwrap_or_default();
            if letter.len() != 1 || !letter.bytes().all(|byte| byte.is_ascii_lowercase()) {
                self.problem(
                    &["network", "zones", &index.to_string()],
                    format!("`{zone}` is not an availability zone of {region}: {region}a is one"),
                );
            }
        }
        let distinct = zones.iter().collect::<BTreeSet<_>>().len();
        if distinct != zones.len() || !(2..=3).contains(&distinct) {
            self.problem(
                &["network", "zones"],
                "EKS needs two zones; the network is laid out for two or three, each once",
            );
        }
    }

    fn administrators(&mut self) {
        for (index, arn) in self.infra.administrators.iter().enumerate() {
            let at = ["administrators", &index.to_string()];
            let mut parts = arn.splitn(6, ':');
            let mut next = || parts.next().unwrap_or_default();
            let (prefix, partition, service, account, resource) = (
                next(),
                next(),
                next(),
                {
                    next();
                    next()
                },
                next(),
            );
            let is_iam = prefix == "arn" && partition.starts_with("aws") && account.parse::<AccountId>().is_ok();
            if service == "sts" {
                self.problem(&at, format!("`{arn}` is a session: EKS wants the role itself")).hint = Some(format!(
                    "arn:{partition}:iam::{account}:role/{}",
                    resource.split('/').nth(1).unwrap_or("NAME")
                ));
            } else if !(is_iam && service == "iam" && (resource.starts_with("role/") || resource.starts_with("user/")))
            {
                self.problem(&at, format!("`{arn}` is not the ARN of a role or a user"));
            }
        }
    }

    fn pool(&mut self, name: &str, entry: &NodePool) {
        let at = |rest: &'static [&'static str]| [&["pools", name][..], rest].concat();
        let pool = &entry.pool;
        let zone = if entry.group_per_zone { self.infra.region.len() + 2 } else { 0 };
        let limit = GROUP_NAME_LIMIT - GROUP_SUFFIX - zone.min(40);
        let is_name = !name.is_empty()
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !is_name {
            self.problem(
                &at(&[]),
                format!("EKS takes no node group `{name}`: letters, digits, - and _, a letter or digit first"),
            );
        } else if name.len() > limit {
            self.problem(
                &at(&[]),
                format!(
                    "pool `{name}` has {} characters; {limit} leave room for the rest of its group's name",
                    name.len()
                ),
            );
        }
        if pool.max == 0 {
            self.problem(&at(&["max"]), format!("pool `{name}` has max 0: EKS wants 1 at least"));
        }
        if pool.min > pool.max {
            self.problem(&at(&["max"]), format!("pool `{name}` has max {} below min {}", pool.max, pool.min));
        }
        self.instance_types(name, entry);
        if !(20..=16_384).contains(&entry.disk_gib) {
            self.problem(
                &at(&["disk_gib"]),
                format!(
                    "pool `{name}` has a disk of {} GiB: the image wants 20, gp3 has 16384 at most",
                    entry.disk_gib
                ),
            );
        }
        for (key, value) in &pool.labels {
            self.label(name, key, value);
        }
        let taints = pool.taints();
        if taints.len() > 50 {
            self.problem(&at(&["taints"]), format!("pool `{name}` has {} taints, EKS takes 50", taints.len()));
        }
        for taint in taints.iter().filter(|taint| !is_label_key(&taint.key) || taint.value.len() > 63) {
            self.problem(
                &at(&["taints"]),
                format!("pool `{name}` has the taint `{taint}`, whose key or value Kubernetes does not take"),
            );
        }
    }

    fn instance_types(&mut self, name: &str, entry: &NodePool) {
        let at = ["pools", name, "instance_types"];
        let types = &entry.pool.instance_types;
        if types.is_empty() {
            self.problem(&at, format!("pool `{name}` has no instance type"));
        }
        if types.len() > 20 {
            self.problem(&at, format!("pool `{name}` has {} instance types, EKS takes 20", types.len()));
        }
        let mut known = Vec::new();
        for (index, instance) in types.iter().enumerate() {
            let index = index.to_string();
            match sutler_nodes::instances::lookup(instance) {
                Err(unknown) => {
                    let hint = unknown.suggestion.map(|near| format!("did you mean `{near}`?"));
                    self.problem(&[&at[..], &[&index]].concat(), unknown.to_string()).hint = hint;
                }
                Ok(_) if types.iter().filter(|other| *other == instance).count() > 1 => {
                    self.problem(
                        &[&at[..], &[&index]].concat(),
                        format!("instance type `{instance}` stands twice in pool `{name}`"),
                    );
                }
                Ok(facts) => known.push(facts),
            }
        }
        let (Some(first), true) = (known.first(), known.len() == types.len()) else { return };
        if let Some(other) = known.iter().find(|facts| facts.architecture != first.architecture) {
            self.problem(
                &at,
                format!(
                    "pool `{name}` mixes processors: {} is {}, {} is {}",
                    first.name,
                    first.architecture.as_str(),
                    other.name,
                    other.architecture.as_str()
                ),
            )
            .hint = Some("one image cannot be both: make two pools".into());
        } else if let Some(other) = known.iter().find(|facts| (facts.gpus > 0) != (first.gpus > 0)) {
            self.problem(
                &at,
                format!("pool `{name}` mixes instances with GPUs and without: {} and {}", first.name, other.name),
            )
            .hint = Some("make two pools".into());
        } else if let (Some(image), Some(fits)) = (&entry.image, image_of(types)) {
            let has_driver = ["NVIDIA", "GPU"].iter().any(|word| image.to_uppercase().contains(word));
            let is_arm = image.to_uppercase().contains("ARM");
            if image == "CUSTOM" {
                return;
            }
            if first.gpus > 0 && !has_driver {
                self.problem(
                    &["pools", name, "image"],
                    format!("pool `{name}` has GPUs ({}), and its image {image} no driver for them", first.name),
                )
                .hint = Some(format!("{fits} has"));
            } else if is_arm != (first.architecture.as_str() == "arm64") {
                self.problem(&["pools", name, "image"], format!("the image {image} does not run on {}", first.name))
                    .hint = Some(format!("{fits} does"));
            }
        }
    }

    fn label(&mut self, pool: &str, key: &str, value: &str) {
        let at = ["pools", pool, "labels", key];
        let is_value = value.len() <= 63
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            && value.bytes().next().is_none_or(|byte| byte.is_ascii_alphanumeric())
            && value.bytes().last().is_none_or(|byte| byte.is_ascii_alphanumeric());
        if !is_label_key(key) || !is_value {
            self.problem(&at, format!("pool `{pool}` has the label `{key}={value}`, which Kubernetes does not take"));
            return;
        }
        // The kubelet may set only these of Kubernetes' own (the admission plugin NodeRestriction), EKS sets its own alone.
        let domain = key.split_once('/').map_or("", |(domain, _)| domain);
        let within =
            |parent: &str| domain == parent || domain.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'));
        let kubelets = within("node.kubernetes.io") || within("kubelet.kubernetes.io");
        if within("eks.amazonaws.com") || (within("kubernetes.io") || within("k8s.io")) && !kubelets {
            self.problem(&at, format!("pool `{pool}` has the label `{key}`, which no node may give itself")).hint =
                Some("take a domain of your own".into());
        } else if LABEL_TAG.len() + key.len() > TAG_KEY_LIMIT {
            self.problem(
                &at,
                format!(
                    "the label `{key}` has {} characters; the autoscaler's tag leaves room for {}",
                    key.len(),
                    TAG_KEY_LIMIT - LABEL_TAG.len()
                ),
            );
        }
    }

    fn role(&mut self, key: &str, role: &Role) {
        let at = |rest: &'static [&'static str]| [&["roles", key][..], rest].concat();
        let region = Partition::of_region(&self.infra.region);
        if OWN_ROLES.contains(&key) && self.infra.manage == Manage::All {
            self.problem(&at(&[]), format!("`{key}` is a role of the cluster's own")).hint =
                Some(format!("{} are taken", OWN_ROLES.join(", ")));
        }
        if let Err(error) = RoleName::of(&self.infra.cluster, key) {
            self.problem(&at(&[]), error.to_string());
        }
        if role.trust.is_none() {
            self.trust(key, role, region);
        }
        if let Some(length) =
            role.policy.as_ref().map(sutler_access::Document::length).filter(|length| *length > INLINE_POLICY_LIMIT)
        {
            self.problem(
                &at(&["policy"]),
                format!("the policy of `{key}` has {length} characters, IAM takes {INLINE_POLICY_LIMIT}"),
            );
        }
        let policies = role.managed_policies.iter().enumerate().map(|(index, arn)| (Some(index), arn));
        for (index, arn) in policies.chain(role.boundary.iter().map(|arn| (None, arn))) {
            let mut parts = arn.splitn(6, ':');
            let is_policy = parts.next() == Some("arn")
                && parts.next().is_some_and(|partition| partition == region.as_str())
                && parts.next() == Some("iam")
                && parts.next() == Some("")
                && parts.next().is_some_and(|account| account == "aws" || account.parse::<AccountId>().is_ok())
                && parts
                    .next()
                    .is_some_and(|resource| resource.starts_with("policy/") && resource.len() > "policy/".len());
            if !is_policy {
                let part = if index.is_some() { "managed_policies" } else { "boundary" };
                self.problem(
                    &["roles", key, part],
                    format!(
                        "`{arn}` is not the ARN of a policy: arn:{}:iam::ACCOUNT:policy/NAME is wanted",
                        region.as_str()
                    ),
                );
            }
        }
    }

    fn trust(&mut self, key: &str, role: &Role, partition: Partition) {
        let at = ["roles", key, "service_accounts"];
        if role.service_accounts.is_empty() {
            self.problem(&at, format!("role `{key}` has no service account: nobody could take it"));
            return;
        }
        if role.identity == Identity::PodIdentity {
            for account in role.service_accounts.iter().filter(|account| account.is_glob()) {
                self.problem(&at, format!("role `{key}` is given by Pod Identity to `{account}`: it associates one exact account, no pattern"))
                    .hint = Some("name the accounts, or use identity irsa".into());
            }
            return;
        }
        // The issuer is known when the cluster is there; its length is always the same.
        let url = format!("oidc.eks.{}.amazonaws.com/id/{}", self.infra.region, "0".repeat(32));
        let account = self.infra.account.clone().or_else(|| "000000000000".parse().ok());
        if let Some(Err(error)) =
            account.map(|account| web_identity(&Issuer::new(&url), partition, &account, &role.service_accounts))
        {
            self.problem(&at, format!("role `{key}`: {error}"));
        }
    }

    fn tags(&mut self) {
        for (key, value) in &self.infra.tags {
            let is_char = |found: char| found.is_alphanumeric() || " _.:/=+-@".contains(found);
            let is_tag = !key.is_empty()
                && key.chars().count() <= TAG_KEY_LIMIT
                && value.chars().count() <= TAG_VALUE_LIMIT
                && key.chars().chain(value.chars()).all(is_char)
                && !key.to_lowercase().starts_with("aws:");
            if !is_tag {
                self.problem(&["tags", key], format!("AWS takes no tag `{key}={value}`: letters, digits, blanks and _.:/=+-@, not beginning with aws:"));
            }
        }
        if self.infra.tags.len() > 40 {
            self.problem(
                &["tags"],
                format!("{} tags: AWS takes 50, of which the module wants ten", self.infra.tags.len()),
            );
        }
    }

    fn state(&mut self) {
        let State::S3 { bucket, key, region } = &self.infra.state else { return };
        let edge =
            |found: Option<char>| found.is_some_and(|found| found.is_ascii_lowercase() || found.is_ascii_digit());
        let is_bucket = (3..=63).contains(&bucket.len())
            && bucket.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
            && edge(bucket.chars().next())
            && edge(bucket.chars().last())
            && !bucket.contains("..");
        if !is_bucket {
            self.problem(
                &["state"],
                format!(
                    "`{bucket}` is not a bucket's name: 3 to 63 lower-case letters, digits, dots and dashes are wanted"
                ),
            );
        }
        if key.is_empty() || key.starts_with('/') || key.ends_with('/') || key.len() > 1000 {
            self.problem(&["state"], format!("`{key}` is not the key of a state: it begins and ends without a slash, and has at most 1000 characters"));
        }
        if !is_region(region) {
            self.problem(&["state"], format!("`{region}` is not an AWS region: us-west-2 is one"));
        }
    }
}

/// `us-west-2`, `us-gov-east-1`: letters in two or more groups, then a digit.
fn is_region(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = groups.split_last() else { return false };
    words.len() >= 2
        && words[0].len() == 2
        && words.iter().all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
        && number.len() == 1
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        matches!(rest.len(), 8 | 17) && rest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

/// A label's key as Kubernetes has it: a name of at most 63 characters, with a domain and a slash before it or not.
fn is_label_key(key: &str) -> bool {
    let (domain, name) = key.rsplit_once('/').map_or((None, key), |(domain, name)| (Some(domain), name));
    let ends = |text: &str| {
        text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
            && text.bytes().last().is_some_and(|byte| byte.is_ascii_alphanumeric())
    };
    let is_name = name.len() <= 63
        && ends(name)
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let is_domain = |domain: &str| {
        domain.len() <= 253
            && ends(domain)
            && domain.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
    };
    is_name && domain.is_none_or(is_domain)
}

#[cfg(test)]
pub(crate) mod tests;
