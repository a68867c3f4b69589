//! From the file's types to the stack: every name, number and reference between parts is checked on the way.

use std::collections::{BTreeMap, BTreeSet};

use sutler_access::glue;
use sutler_access::names::{AccountId, RoleName};
use sutler_nodes::{Capacity, Pool, Taint};

use super::{
    Cluster, DEFAULT_KUBERNETES, DEFAULT_TIMEOUT, Release, Role, SIMULATED_ACCOUNT, SecretSource, ServiceAccount,
    SetValue, Stack, StackPool, Target,
};
use crate::file::ReadFile;
use crate::file::diagnostic::{Diagnostic, nearest};
use crate::file::model::{self, Manage, NamedTarget, Scalar};
use crate::file::references::secret_reference;
use crate::names::{duration, role_arn};

/// The checks of one file, and what they found so far.
pub(super) struct Checks<'a> {
    pub(super) file: &'a ReadFile,
    pub(super) found: Vec<Diagnostic>,
}

impl Checks<'_> {
    pub(super) fn error(&mut self, path: &[&str], message: String) -> &mut Diagnostic {
        self.found.push(Diagnostic::error(self.file.place(path), message));
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    /// The stack, if an order of its releases exists; what is wrong is in `found`.
    pub(super) fn stack(&mut self) -> Option<Stack> {
        let read = self.file;
        let (file, chosen) = (&read.file, read.chosen());
        let environment = read.environment.as_str();
        self.name(&["name"], &file.name, 40);
        let target = match &chosen.target {
            model::Target::Named(NamedTarget::Simulator) => Target::Simulator,
            model::Target::Named(NamedTarget::Eks) => Target::Eks,
            model::Target::Context(target) => Target::Context(target.context.clone()),
        };
        if let Some(Err(error)) = chosen.account.as_deref().map(str::parse::<AccountId>) {
            self.error(&["environments", environment, "account"], error.to_string());
        }
        let region = chosen.region.clone().unwrap_or_else(|| crate::file::DEFAULT_REGION.to_owned());
        let cluster = self.cluster();
        let pools = self.pools();
        let account = match target {
            Target::Simulator => Some(chosen.account.clone().unwrap_or_else(|| SIMULATED_ACCOUNT.to_owned())),
            _ => chosen.account.clone(),
        };
        let roles = self.roles(&cluster, account.as_deref(), &region);
        let secrets = self.secrets();
        let (releases, skipped) = self.releases(&secrets);
        Some(Stack {
            name: file.name.clone(),
            environment: environment.to_owned(),
            target,
            account,
            region,
            protect: chosen.protect,
            cluster,
            pools,
            roles,
            secrets,
            releases: releases?,
            skipped,
            file: read.clone(),
        })
    }

    fn cluster(&mut self) -> Cluster {
        let read = self.file;
        let cluster = &read.file.cluster;
        let name = cluster.name.clone().unwrap_or_else(|| format!("{}-{}", read.file.name, read.environment));
        if name.len() > 100
            || !name.starts_with(|first: char| first.is_ascii_alphanumeric())
            || !name.chars().all(|found| found.is_ascii_alphanumeric() || matches!(found, '-' | '_'))
        {
            self.error(
                &["cluster", "name"],
                format!(
                    "`{name}` is no cluster name: letters, digits, `-` and `_`, at most 100, a letter or digit first"
                ),
            );
        }
        let version = cluster.version.clone().unwrap_or_else(|| DEFAULT_KUBERNETES.to_owned());
        let minor = version.strip_prefix("1.").and_then(|minor| minor.parse::<u32>().ok());
        if minor.is_none() {
            self.error(&["cluster", "version"], format!("`{version}` is not a Kubernetes minor version")).hint =
                Some("write it quoted, as \"1.34\"".into());
        }
        if let Some(network) = &cluster.network {
            match (&network.create, &network.vpc_id) {
                (Some(_), Some(_)) => {
                    self.error(&["cluster", "network"], "`create` and `vpcId` exclude each other".into());
                }
                (None, None) => {
                    self.error(&["cluster", "network"], "either `create` or `vpcId` must be given".into());
                }
                (Some(_), None) if network.subnet_ids.is_some() || network.subnet_tags.is_some() => {
                    self.error(&["cluster", "network"], "subnets are named of a VPC that exists, by `vpcId`".into());
                }
                _ => {}
            }
            if network.subnet_ids.is_some() && network.subnet_tags.is_some() {
                self.error(
                    &["cluster", "network", "subnetIds"],
                    "`subnetIds` and `subnetTags` exclude each other".into(),
                );
            }
        }
        Cluster { name, version, manage: cluster.manage }
    }

    fn pools(&mut self) -> BTreeMap<String, StackPool> {
        let read = self.file;
        let overrides = &read.chosen().pools;
        let names: Vec<&str> = read.file.cluster.pools.keys().map(String::as_str).collect();
        for name in overrides.keys().filter(|name| !read.file.cluster.pools.contains_key(*name)) {
            let message = format!("no pool `{name}` in `cluster.pools`");
            self.error(&["environments", &read.environment, "pools", name], message).hint = meant(name, &names);
        }
        let mut pools = BTreeMap::new();
        for (name, written) in &read.file.cluster.pools {
            let at = ["cluster", "pools", name.as_str()];
            self.name(&at, name, 63);
            if written.max < written.min {
                self.error(
                    &[&at[..], &["max"]].concat(),
                    format!("pool `{name}` has max {} below min {}", written.max, written.min),
                );
            }
            if written.instance_types.is_empty() {
                self.error(&[&at[..], &["instanceTypes"]].concat(), format!("pool `{name}` has no instance type"));
            }
            for (index, instance) in written.instance_types.iter().enumerate() {
                if let Err(unknown) = sutler_nodes::instances::lookup(instance) {
                    self.error(&[&at[..], &["instanceTypes", &index.to_string()]].concat(), unknown.to_string());
                }
            }
            let mut taints = Vec::new();
            for (key, text) in &written.taints {
                match Taint::parse(key, text) {
                    Ok(taint) => taints.push(taint),
                    Err(bad) => drop(self.error(&[&at[..], &["taints", key]].concat(), bad.to_string())),
                }
            }
            let given = overrides.get(name);
            let pool = Pool {
                name: name.clone(),
                instance_types: written.instance_types.clone(),
                min: written.min,
                max: written.max,
                capacity: match written.capacity {
                    model::Capacity::OnDemand => Capacity::OnDemand,
                    model::Capacity::Spot => Capacity::Spot,
                },
                labels: written.labels.clone(),
                taints,
                dedicated: written.dedicated.clone(),
                node_selector: given.and_then(|given| given.node_selector.clone()),
            };
            let fit = given.and_then(|given| given.fit.as_ref()).map(|fit| (fit.cpu.clone(), fit.memory.clone()));
            let one_pod_a_node = given.and_then(|given| given.one_pod_a_node).unwrap_or(true);
            pools.insert(name.clone(), StackPool { pool, fit, one_pod_a_node });
        }
        pools
    }

    fn roles(&mut self, cluster: &Cluster, account: Option<&str>, region: &str) -> BTreeMap<String, Role> {
        let read = self.file;
        let mut roles = BTreeMap::new();
        let mut taken: BTreeMap<ServiceAccount, &str> = BTreeMap::new();
        for (key, written) in &read.file.roles {
            let at = ["roles", key.as_str()];
            let name = match RoleName::of(&cluster.name, key) {
                Ok(name) => name.to_string(),
                Err(error) => {
                    self.error(&at, error.to_string());
                    continue;
                }
            };
            let mut service_accounts = Vec::new();
            for (index, text) in written.service_accounts.iter().enumerate() {
                let index = index.to_string();
                let place = [&at[..], &["serviceAccounts", &index]].concat();
                let Some((namespace, account)) = text.split_once('/') else {
                    self.error(&place, format!("`{text}` is not a service account: write it as `namespace/name`"));
                    continue;
                };
                if text.contains(['*', '?']) {
                    self.error(
                        &place,
                        format!("`{text}` is a pattern; a role of this stack names its service accounts exactly"),
                    );
                    continue;
                }
                self.name(&place, namespace, 63);
                self.name(&place, account, 253);
                let account = ServiceAccount { namespace: namespace.to_owned(), name: account.to_owned() };
                if let Some(other) = taken.insert(account.clone(), key) {
                    self.error(&place, format!("service account `{account}` has the role `{other}` already: a service account takes one role"));
                }
                service_accounts.push(account);
            }
            if written.service_accounts.is_empty() {
                self.error(
                    &place_or(&at, "serviceAccounts"),
                    format!("role `{key}` has no service account: nobody could take it"),
                );
            }
            if written.arn.is_none() && cluster.manage == Manage::None {
                self.error(
                    &at,
                    format!("role `{key}` needs its `arn`: with `cluster.manage: none` Sutler makes no role"),
                );
            }
            // An account or a name that AWS would refuse has been said already, at its own place.
            let computed = account.and_then(|account| role_arn(account, region, &cluster.name, key).ok());
            let arn = written.arn.clone().or(computed);
            self.made_by_others(&at, written);
            let glue = written.glue.iter().cloned();
            let glue = glue.map(|model::GlueGrant { database, tables }| glue::Grant { database, tables }).collect();
            roles.insert(
                key.clone(),
                Role {
                    key: key.clone(),
                    name,
                    arn,
                    service_accounts,
                    s3: written.s3.clone(),
                    glue,
                    assume: written.assume.clone(),
                    // Read when the file was: it lies beside this one.
                    policy: None,
                    managed_policies: written.managed_policies.clone(),
                    boundary: written.boundary.clone(),
                },
            );
        }
        roles
    }

    /// A role that exists is not changed: what would be attached to it has no effect.
    fn made_by_others(&mut self, at: &[&str], written: &model::Role) {
        if written.arn.is_none() {
            return;
        }
        let given = [
            ("glue", !written.glue.is_empty()),
            ("assume", !written.assume.is_empty()),
            ("policy", written.policy.is_some()),
            ("managedPolicies", !written.managed_policies.is_empty()),
            ("boundary", written.boundary.is_some()),
        ];
        for (part, _) in given.iter().filter(|(_, is_given)| *is_given) {
            self.error(
                &[at, &[part]].concat(),
                format!(
                    "`{part}` has no effect on a role that is given by its `arn`: whoever made it says what it may do"
                ),
            );
        }
    }

    fn secrets(&mut self) -> BTreeMap<String, SecretSource> {
        let read = self.file;
        let mut secrets = BTreeMap::new();
        for (name, written) in &read.file.secrets {
            let sources = [
                written.env.clone().map(SecretSource::Environment),
                written.file.clone().map(SecretSource::File),
                written.command.clone().map(SecretSource::Command),
            ];
            let mut sources = sources.into_iter().flatten();
            match (sources.next(), sources.next()) {
                (Some(SecretSource::Command(command)), None) if command.is_empty() => {
                    self.error(&["secrets", name, "command"], format!("the command of secret `{name}` is empty"));
                }
                (Some(source), None) => drop(secrets.insert(name.clone(), source)),
                _ => drop(self.error(
                    &["secrets", name],
                    format!("secret `{name}` needs exactly one of `env`, `file` and `command`"),
                )),
            }
        }
        secrets
    }

    /// The releases of this environment in order, and those it leaves out. The first is `None` if no order exists.
    fn releases(&mut self, secrets: &BTreeMap<String, SecretSource>) -> (Option<Vec<Release>>, Vec<Release>) {
        let read = self.file;
        let written = &read.file.releases;
        let environments: Vec<&str> = read.file.environments.keys().map(String::as_str).collect();
        let ids: Vec<&str> = written.keys().map(String::as_str).collect();
        let here = |when: &[String]| when.contains(&read.environment);
        let counted: BTreeSet<&str> = written
            .iter()
            .filter(|(_, release)| release.when.as_deref().is_none_or(here))
            .map(|(id, _)| id.as_str())
            .collect();
        let (mut active, mut skipped) = (BTreeMap::new(), Vec::new());
        let mut places: BTreeMap<(String, String), &str> = BTreeMap::new();
        for (id, release) in written {
            let at = ["releases", id.as_str()];
            let name = release.name.clone().unwrap_or_else(|| id.clone());
            self.release_name(&place_or(&at, "name"), &name);
            self.name(&place_or(&at, "namespace"), &release.namespace, 63);
            self.known_environments(&place_or(&at, "when"), release.when.as_deref().unwrap_or_default(), &environments);
            let mut needs = Vec::new();
            let mut needs_skipped = Vec::new();
            for (index, needed) in release.needs.iter().enumerate() {
                let index = index.to_string();
                let place = [&at[..], &["needs", &index]].concat();
                match () {
                    () if !written.contains_key(needed) => {
                        self.error(
                            &place,
                            format!("release `{id}` needs `{needed}`, which is no release of this stack"),
                        )
                        .hint = meant(needed, &ids);
                    }
                    () if counted.contains(needed.as_str()) => needs.push(needed.clone()),
                    () => needs_skipped.push(needed.clone()),
                }
            }
            let mut values_files = Vec::new();
            for (index, entry) in release.values_files.iter().enumerate() {
                match entry {
                    model::ValuesFileEntry::Path(path) => values_files.push(path.clone()),
                    model::ValuesFileEntry::Conditional(entry) => {
                        self.known_environments(
                            &[&at[..], &["valuesFiles", &index.to_string(), "when"]].concat(),
                            &entry.when,
                            &environments,
                        );
                        if here(&entry.when) {
                            values_files.push(entry.path.clone());
                        }
                    }
                }
            }
            let set = self.set(id, release, secrets, &environments);
            let chart = self.chart(&at, &release.chart);
            let timeout = match release.timeout.as_deref().map(duration) {
                None => DEFAULT_TIMEOUT,
                Some(Ok(timeout)) => timeout,
                Some(Err(message)) => {
                    self.error(&place_or(&at, "timeout"), message);
                    DEFAULT_TIMEOUT
                }
            };
            let is_counted = counted.contains(id.as_str());
            if is_counted && let Some(other) = places.insert((release.namespace.clone(), name.clone()), id) {
                self.error(
                    &at,
                    format!("releases `{other}` and `{id}` are both `{name}` in namespace `{}`", release.namespace),
                );
            }
            let resolved = Release {
                id: id.clone(),
                name,
                namespace: release.namespace.clone(),
                chart,
                needs,
                needs_skipped,
                values_files,
                set,
                timeout,
            };
            match is_counted {
                true => drop(active.insert(id.clone(), resolved)),
                false => skipped.push(resolved),
            }
        }
        (self.order(active), skipped)
    }

    fn set(
        &mut self,
        id: &str,
        release: &model::Release,
        secrets: &BTreeMap<String, SecretSource>,
        environments: &[&str],
    ) -> BTreeMap<String, SetValue> {
        let mut set = BTreeMap::new();
        for (path, entry) in &release.set {
            let at = ["releases", id, "set", path];
            let (value, counts) = match entry {
                model::SetEntry::Value(value) => (value, true),
                model::SetEntry::Conditional(entry) => {
                    self.known_environments(&[&at[..], &["when"]].concat(), &entry.when, environments);
                    (&entry.value, entry.when.contains(&self.file.environment))
                }
            };
            let value = match value {
                Scalar::Text(text) => match secret_reference(text) {
                    Some(secret) => {
                        if !secrets.contains_key(&secret) {
                            let names: Vec<&str> = secrets.keys().map(String::as_str).collect();
                            self.error(&at, format!("no secret `{secret}`")).hint = meant(&secret, &names);
                        }
                        SetValue::Secret(secret)
                    }
                    None => SetValue::Plain(Scalar::Text(text.clone())),
                },
                plain => SetValue::Plain(plain.clone()),
            };
            if counts {
                set.insert(path.clone(), value);
            }
        }
        set
    }

    /// The releases sorted so that each comes after what it needs; among equals by id.
    fn order(&mut self, mut left: BTreeMap<String, Release>) -> Option<Vec<Release>> {
        let mut ordered: Vec<Release> = Vec::new();
        while !left.is_empty() {
            let next = left.iter().find(|(_, release)| release.needs.iter().all(|needed| !left.contains_key(needed)));
            let Some(id) = next.map(|(id, _)| id.clone()) else {
                let circle = circle(&left);
                let first = circle.first().cloned().unwrap_or_default();
                self.error(
                    &["releases", &first, "needs"],
                    format!("releases need each other in a circle: {}", circle.join(" → ")),
                );
                return None;
            };
            ordered.extend(left.remove(&id));
        }
        Some(ordered)
    }

    fn known_environments(&mut self, at: &[&str], when: &[String], environments: &[&str]) {
        for (index, name) in when.iter().enumerate() {
            if !environments.contains(&name.as_str()) {
                self.error(&[at, &[&index.to_string()]].concat(), format!("no environment `{name}`")).hint =
                    meant(name, environments);
            }
        }
    }

    fn name(&mut self, at: &[&str], name: &str, longest: usize) {
        let ends =
            |found: Option<char>| found.is_some_and(|found| found.is_ascii_lowercase() || found.is_ascii_digit());
        let fits = name.len() <= longest
            && ends(name.chars().next())
            && ends(name.chars().last())
            && name.chars().all(|found| found.is_ascii_lowercase() || found.is_ascii_digit() || found == '-');
        if !fits {
            self.error(at, format!("`{name}` is no name for this: lower-case letters, digits and `-`, at most {longest}, a letter or digit at both ends"));
        }
    }

    /// A release's name as Helm accepts it: at most 53 characters of a DNS name.
    fn release_name(&mut self, at: &[&str], name: &str) {
        let part = |part: &str| {
            !part.is_empty()
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part.chars().all(|found| found.is_ascii_lowercase() || found.is_ascii_digit() || found == '-')
        };
        if name.len() > 53 || !name.split('.').all(part) {
            self.error(at, format!("`{name}` is no release name: lower-case letters, digits, `-` and `.`, at most 53"));
        }
    }
}

pub(super) fn place_or<'a>(at: &[&'a str], key: &'a str) -> Vec<&'a str> {
    [at, &[key]].concat()
}

pub(super) fn meant(word: &str, candidates: &[&str]) -> Option<String> {
    match nearest(word, candidates.iter().copied()) {
        Some(candidate) => Some(format!("did you mean `{candidate}`?")),
        None if candidates.is_empty() => None,
        None => Some(format!("there are: {}", candidates.join(", "))),
    }
}

/// A circle among releases of which none can be first.
fn circle(left: &BTreeMap<String, Release>) -> Vec<String> {
    let mut walked: Vec<&str> = Vec::new();
    let mut at = left.keys().next().map(String::as_str);
    while let Some(id) = at {
        if let Some(start) = walked.iter().position(|seen| *seen == id) {
            return walked[start..].iter().chain([&id]).map(|id| (*id).to_owned()).collect();
        }
        walked.push(id);
        at = left
            .get(id)
            .and_then(|release| release.needs.iter().find(|needed| left.contains_key(*needed)))
            .map(String::as_str);
    }
    Vec::new()
}
