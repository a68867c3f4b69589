//! The root module as files: the module below it, the variables beside it, and where the state is kept.
//!
//! ```text
//! main.tf                      provider, and the module with its inputs
//! variables.tf, outputs.tf     what goes in and comes out
//! backend.tf                   where the state is kept
//! terraform.tfvars.json        the inputs' values
//! policies/DaftRole.json       what a role may do, one file each
//! modules/cluster/…            the module
//! ```
//! The same [`Infra`] gives the same bytes. Whoever has the folder needs no Sutler.

use serde_json::{Map, Value, json};
use sutler_nodes::capacity::node_capacity;
use sutler_nodes::instances::lookup;

use crate::model::{Infra, Manage, Network, NodePool, Role, State, Subnets, image_of};
use crate::module;

/// A file of the root module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path in the folder, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// The files of the root module, by path.
#[must_use]
pub fn render(infra: &Infra) -> Vec<File> {
    let mut files: Vec<File> = module::files()
        .iter()
        .map(|(name, text)| File { path: format!("modules/cluster/{name}"), text: (*text).to_owned() })
        .collect();
    for (key, role) in &infra.roles {
        if let Some(policy) = &role.policy {
            files.push(File { path: format!("policies/{key}.json"), text: pretty(&policy.to_value()) });
        }
        if let Some(trust) = &role.trust {
            files.push(File { path: format!("policies/{key}.trust.json"), text: pretty(&trust.to_value()) });
        }
    }
    files.extend([
        File { path: "backend.tf".into(), text: backend(&infra.state) },
        File { path: "main.tf".into(), text: main() },
        File { path: "outputs.tf".into(), text: outputs() },
        File { path: "terraform.tfvars.json".into(), text: pretty(&variables(infra)) },
        File { path: "variables.tf".into(), text: format!("{ROOT_VARIABLES}{}", module::variables()) },
    ]);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Inputs of the root module that the module below does not have.
const ROOT_VARIABLES: &str = r#"# Inputs; terraform.tfvars.json holds their values. The first two are the provider's, all others the module's.

variable "region" {
  description = "The AWS region."
  type        = string
}

variable "account" {
  description = "The one account in which anything may be made, twelve digits; null: whichever the credentials are of."
  type        = string
  default     = null
}

"#;

fn main() -> String {
    let inputs: Vec<&str> = module::inputs().collect();
    let width = inputs.iter().copied().filter(|name| *name != "roles").map(str::len).max();
    let width = width.unwrap_or_default();
    let mut text = String::from(
        r#"# The provider, and the module with its inputs. Credentials come from the environment, as AWS's own tools take them.

provider "aws" {
  region              = var.region
  allowed_account_ids = var.account == null ? null : [var.account]
}

module "cluster" {
  source = "./modules/cluster"

"#,
    );
    for name in inputs.iter().filter(|name| **name != "roles") {
        text.push_str(&format!("  {name:width$} = var.{name}\n"));
    }
    text.push_str(
        r#"
  # What a role may do, and who may take it where that is not the usual, lies in policies/.
  roles = {
    for name, role in var.roles : name => merge(role, {
      policy = fileexists("${path.module}/policies/${name}.json") ? file("${path.module}/policies/${name}.json") : role.policy
      trust  = fileexists("${path.module}/policies/${name}.trust.json") ? file("${path.module}/policies/${name}.trust.json") : role.trust
    })
  }
}
"#,
    );
    text
}

fn outputs() -> String {
    let mut text =
        String::from("# What came out, for `terraform output`. modules/cluster/outputs.tf says what each means.\n");
    for name in module::outputs() {
        text.push_str(&format!("\noutput \"{name}\" {{\n  value = module.cluster.{name}\n}}\n"));
    }
    text
}

fn backend(state: &State) -> String {
    match state {
        State::Local => "# State is kept in this folder, in terraform.tfstate. Who else works on this cluster needs it too: a bucket is better then.\n\n\
            terraform {\n  backend \"local\" {}\n}\n"
            .to_owned(),
        State::S3 { bucket, key, region } => format!(
            "# State is kept in a bucket. The lock is an object beside it, which Terraform and OpenTofu know from 1.10 on.\n\n\
             terraform {{\n  required_version = \">= 1.10.0\"\n\n  backend \"s3\" {{\n    bucket       = {}\n    key          = {}\n    region       = {}\n    \
             encrypt      = true\n    use_lockfile = true\n  }}\n}}\n",
            quoted(bucket),
            quoted(key),
            quoted(region)
        ),
    }
}

/// A text as a literal of Terraform's language: JSON's, with the beginnings of templates doubled.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace("${", "$${").replace("%{", "%%{")
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// The values of the root module's inputs. Those that the module's default says are left out.
fn variables(infra: &Infra) -> Value {
    let Infra { cluster, manage, region, account, kubernetes_version, .. } = infra;
    let mut values = Map::new();
    let mut set = |name: &str, value: Value| drop(values.insert(name.to_owned(), value));
    set("region", json!(region));
    if let Some(account) = account {
        set("account", json!(account.as_str()));
    }
    set("cluster_name", json!(cluster));
    set("manage", json!(manage.as_str()));
    if *manage == Manage::All {
        set("kubernetes_version", json!(kubernetes_version));
        set("network", network(&infra.network));
        if !infra.administrators.is_empty() {
            set("administrators", json!(infra.administrators));
        }
        if let Some(addons) = &infra.addons {
            let addons: Map<String, Value> = addons
                .iter()
                .map(|(name, addon)| {
                    let configuration = (!addon.configuration.is_empty()).then_some(&addon.configuration);
                    (name.clone(), without_null(json!({"version": addon.version, "configuration": configuration})))
                })
                .collect();
            set("addons", Value::Object(addons));
        }
        let pools: Map<String, Value> = infra.pools.iter().map(|(name, entry)| (name.clone(), pool(entry))).collect();
        set("pools", Value::Object(pools));
        let autoscaler = infra.autoscaler.as_ref();
        let autoscaler = autoscaler.map(|at| json!({"namespace": at.namespace, "service_account": at.name}));
        set("autoscaler", json!(autoscaler));
    }
    let roles: Map<String, Value> = infra.roles.iter().map(|(key, entry)| (key.clone(), role(entry))).collect();
    set("roles", Value::Object(roles));
    if !infra.tags.is_empty() {
        set("tags", json!(infra.tags));
    }
    // By name, whatever the order in which they were set.
    let mut values = Value::Object(values);
    values.sort_all_objects();
    values
}

fn network(network: &Network) -> Value {
    without_null(match network {
        Network::Create { cidr, zones, nat } => json!({"cidr": cidr, "zones": zones, "nat": nat.as_str()}),
        Network::Existing { vpc_id, subnets: Subnets::Ids(ids) } => json!({"vpc_id": vpc_id, "subnet_ids": ids}),
        Network::Existing { vpc_id, subnets: Subnets::Tags(tags) } => json!({"vpc_id": vpc_id, "subnet_tags": tags}),
    })
}

fn pool(entry: &NodePool) -> Value {
    let NodePool { pool, image, disk_gib, group_per_zone } = entry;
    // What EKS sets itself it also refuses to be told.
    let labels: Map<String, Value> = pool
        .labels()
        .into_iter()
        .filter(|(key, _)| !key.starts_with("eks.amazonaws.com/") && key != "kubernetes.io/os")
        .map(|(key, value)| (key, json!(value)))
        .collect();
    let taints: Vec<Value> = pool.taints().iter().map(sutler_nodes::Taint::to_value).collect();
    let mut resources = Map::new();
    // Several types may differ: the autoscaler is told what each of them offers at least.
    let facts: Vec<_> = pool.instance_types.iter().filter_map(|name| lookup(name).ok()).collect();
    if let Some(capacity) = facts.first().map(|first| node_capacity(first, *disk_gib)) {
        resources.insert("ephemeral-storage".into(), json!(capacity.allocatable.ephemeral_storage.to_string()));
    }
    if let Some(gpus) = facts.iter().map(|facts| facts.gpus).min().filter(|gpus| *gpus > 0) {
        resources.insert("nvidia.com/gpu".into(), json!(gpus.to_string()));
    }
    let image = image.as_deref().or_else(|| image_of(&pool.instance_types));
    let mut value = without_null(json!({
        "instance_types": pool.instance_types,
        "min": pool.min,
        "max": pool.max,
        "capacity": pool.capacity.to_string(),
        "ami_type": image,
        "disk_gib": disk_gib,
        "group_per_zone": group_per_zone,
        "labels": labels,
        "resources": resources,
    }));
    if !taints.is_empty() {
        value["taints"] = json!(taints);
    }
    value
}

fn role(role: &Role) -> Value {
    let accounts: Vec<String> = role.service_accounts.iter().map(ToString::to_string).collect();
    let managed = (!role.managed_policies.is_empty()).then_some(&role.managed_policies);
    without_null(json!({
        "identity": role.identity.as_str(),
        "moves_from": role.moves_from.map(crate::model::Identity::as_str),
        "service_accounts": accounts,
        "managed_policies": managed,
        "boundary": role.boundary,
    }))
}

fn without_null(mut value: Value) -> Value {
    if let Value::Object(map) = &mut value {
        map.retain(|_, value| !value.is_null());
    }
    value
}

#[cfg(test)]
mod tests;
