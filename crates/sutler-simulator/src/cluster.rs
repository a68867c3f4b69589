//! The cluster model: what infra would have made on AWS, as data. `PUT /sutler.dev/v1/cluster` stores it, and the pool
//! controller makes the nodes follow it.

use serde::{Deserialize, Serialize};
use sutler_nodes::Pool;

/// The cluster outside Kubernetes: names, node pools, IAM roles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterModel {
    /// Name of the cluster, as EKS would know it.
    pub name: String,
    /// Kubernetes version of nodes and control plane, `major.minor` such as `1.34`.
    #[serde(default = "default_version")]
    pub kubernetes_version: String,
    /// AWS region, such as `us-west-2`. Nodes are spread over its zones `a`, `b`, `c`.
    #[serde(default = "default_region")]
    pub region: String,
    /// AWS account number, twelve digits.
    #[serde(default = "default_account")]
    pub account: String,
    /// Node pools. Each starts its `min` nodes; a removed pool's nodes drain away.
    #[serde(default)]
    pub pools: Vec<Pool>,
    /// IAM roles that pods can take on through their service account.
    #[serde(default)]
    pub roles: Vec<Role>,
}

/// An IAM role of the cluster model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Role {
    /// Role name, such as `data-team-try_DaftRole`.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Service accounts that may take it on, each `namespace/name`.
    #[serde(default)]
    pub service_accounts: Vec<String>,
}

fn default_version() -> String {
    "1.34".into()
}

fn default_region() -> String {
    "us-west-2".into()
}

fn default_account() -> String {
    "111122223333".into()
}

impl Default for ClusterModel {
    /// A cluster named `simulated` without pools: everything but running pods works in it.
    fn default() -> Self {
        Self {
            name: "simulated".into(),
            kubernetes_version: default_version(),
            region: default_region(),
            account: default_account(),
            pools: Vec::new(),
            roles: Vec::new(),
        }
    }
}
