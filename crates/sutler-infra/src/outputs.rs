//! What came out of Terraform: `terraform output -json`, as typed data.
//!
//! The module has no secret among its outputs. One that is marked sensitive is not this module's, and is left unread.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

/// What the module answers, as `terraform/outputs.tf` describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outputs {
    /// The cluster.
    pub cluster: Cluster,
    /// Its network; `None` where only roles are made.
    pub network: Option<Network>,
    /// Node groups by pool, or by pool and zone.
    pub node_groups: BTreeMap<String, NodeGroup>,
    /// The cluster autoscaler's role.
    pub autoscaler_role_arn: Option<String>,
    /// Roles for pods by their keys.
    pub role_arns: BTreeMap<String, String>,
}

/// A cluster: how to reach it, and who vouches for its pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Kubernetes' minor version.
    pub version: String,
    /// The URL of its API.
    pub endpoint: String,
    /// The certificate of its authority, PEM within base64.
    pub ca: String,
    /// Its region.
    pub region: String,
    /// Its account.
    pub account: String,
    /// The URL of its issuer.
    pub issuer: String,
    /// The ARN of IAM's provider for the issuer; `None` where no role asks for it.
    pub oidc_provider_arn: Option<String>,
}

/// A network: subnets' ids by zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The VPC.
    pub vpc_id: String,
    /// Where nodes and pods are.
    pub private_subnets: BTreeMap<String, Vec<String>>,
    /// Where public load balancers are; empty for a network that was not made here.
    pub public_subnets: BTreeMap<String, Vec<String>>,
}

/// A managed node group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeGroup {
    /// Its pool.
    pub pool: String,
    /// Its zone, where it is of one.
    pub zone: Option<String>,
    /// Its ARN.
    pub arn: String,
    /// The autoscaling group behind it.
    pub autoscaling_group: String,
}

/// Why there are no outputs.
#[derive(Debug, Error)]
pub enum OutputsError {
    /// Not what `terraform output -json` prints, or not this module's.
    #[error("cannot read Terraform's outputs")]
    Form(#[source] serde_json::Error),
    /// Nothing has been applied, or not all of it.
    #[error("Terraform has no output `{0}`: the cluster is not made yet")]
    Missing(&'static str),
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    sensitive: bool,
    value: Value,
}

/// Reads what `terraform output -json` printed.
///
/// # Errors
/// It is no such thing, or an output is missing because nothing was applied.
pub fn read(json: &[u8]) -> Result<Outputs, OutputsError> {
    let mut outputs: BTreeMap<String, Output> = serde_json::from_slice(json).map_err(OutputsError::Form)?;
    outputs.retain(|_, output| !output.sensitive);
    // Terraform does not write down an output that is null.
    let mut take = |name: &str| outputs.remove(name).map_or(Value::Null, |output| output.value);
    let (cluster, network, node_groups) = (take("cluster"), take("network"), take("node_groups"));
    let (autoscaler, role_arns) = (take("autoscaler_role_arn"), take("role_arns"));
    if cluster.is_null() {
        return Err(OutputsError::Missing("cluster"));
    }
    let maps = [("node_groups", &node_groups), ("role_arns", &role_arns)];
    if let Some((name, _)) = maps.into_iter().find(|(_, value)| value.is_null()) {
        return Err(OutputsError::Missing(name));
    }
    Ok(Outputs {
        cluster: serde_json::from_value(cluster).map_err(OutputsError::Form)?,
        network: serde_json::from_value(network).map_err(OutputsError::Form)?,
        node_groups: serde_json::from_value(node_groups).map_err(OutputsError::Form)?,
        autoscaler_role_arn: serde_json::from_value(autoscaler).map_err(OutputsError::Form)?,
        role_arns: serde_json::from_value(role_arns).map_err(OutputsError::Form)?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outputs() -> Value {
        json!({
            "cluster": {"sensitive": false, "type": "object", "value": {
                "name": "data", "arn": "arn:aws:eks:us-west-2:444455556666:cluster/data", "version": "1.34",
                "endpoint": "https://x", "ca": "Q0E=", "region": "us-west-2", "account": "444455556666",
                "issuer": "https://oidc.eks.us-west-2.amazonaws.com/id/9C1F", "oidc_provider_arn": null,
            }},
            "node_groups": {"sensitive": false, "type": "object", "value": {
                "ray-us-west-2a": {"pool": "ray", "zone": "us-west-2a", "arn": "arn", "autoscaling_group": "eks-1"},
            }},
            "role_arns": {"sensitive": false, "type": "map", "value": {"DaftRole": "arn:aws:iam::444455556666:role/data_DaftRole"}},
        })
    }

    #[test]
    fn outputs_that_are_null_are_not_written_down() {
        let read = read(outputs().to_string().as_bytes()).unwrap();
        assert_eq!((read.network, read.autoscaler_role_arn), (None, None));
        assert_eq!(read.node_groups["ray-us-west-2a"].zone.as_deref(), Some("us-west-2a"));
        assert_eq!(read.role_arns["DaftRole"], "arn:aws:iam::444455556666:role/data_DaftRole");
    }

    #[test]
    fn what_was_not_applied_is_missing() {
        assert!(matches!(read(b"{}"), Err(OutputsError::Missing("cluster"))));
        assert!(matches!(read(b"[]"), Err(OutputsError::Form(_))));
        let mut hidden = outputs();
        hidden["cluster"]["sensitive"] = json!(true);
        assert!(matches!(read(hidden.to_string().as_bytes()), Err(OutputsError::Missing("cluster"))));
    }
}
