//! `global.sutler`: what Sutler tells charts about the cluster they run on.
//!
//! It is given to charts that ask for it with the annotation `sutler.dev/global: "v1"` in Chart.yaml. With it a chart
//! says `pool: ray` or `role: DaftRole`, and nobody pastes a label, a taint, a size or an ARN. The form is documented
//! in `docs/global-sutler.md`; a change that breaks it gets a new version.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sutler_nodes::Capacity;

use crate::infra::autoscaler_role_arn;
use crate::stack::{Stack, Target};

/// The annotation in Chart.yaml by which a chart asks for `global.sutler`.
pub const ANNOTATION: &str = "sutler.dev/global";

/// The version of the form.
pub const VERSION: &str = "v1";

/// CPU, memory and GPUs of one pod that has a node of a pool to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolFit {
    /// CPU as Kubernetes writes it.
    pub cpu: String,
    /// Memory as Kubernetes writes it.
    pub memory: String,
    /// Whole GPUs.
    pub gpu: i64,
}

/// The part that is the same for all releases of the stack. `fits` holds each pool's fit.
pub fn globals(stack: &Stack, fits: &BTreeMap<String, PoolFit>) -> Value {
    let target = match stack.target {
        Target::Simulator => "simulator",
        Target::Context(_) => "context",
        Target::Eks => "eks",
    };
    let mut cluster = Map::new();
    cluster.insert("name".into(), json!(stack.cluster.name));
    cluster.insert("region".into(), json!(stack.region));
    cluster.insert("kubernetesVersion".into(), json!(stack.cluster.version));
    cluster.insert("target".into(), json!(target));
    if let Some(account) = &stack.account {
        cluster.insert("account".into(), json!(account));
    }
    let pools: Map<String, Value> = stack
        .pools
        .iter()
        .map(|(name, pool)| {
            let capacity = match pool.pool.capacity {
                Capacity::OnDemand => "on-demand",
                Capacity::Spot => "spot",
            };
            let mut entry = json!({
                "capacity": capacity,
                "nodeSelector": pool.pool.selector(),
                "tolerations": pool.pool.tolerations(),
                "onePodANode": pool.one_pod_a_node,
            });
            if let Some(fit) = fits.get(name) {
                entry["fit"] = json!({"cpu": fit.cpu, "memory": fit.memory, "gpu": fit.gpu});
            }
            (name.clone(), entry)
        })
        .collect();
    let roles: Map<String, Value> = stack
        .roles
        .iter()
        .map(|(key, role)| {
            let mut accounts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for account in &role.service_accounts {
                accounts.entry(&account.namespace).or_default().push(&account.name);
            }
            let mut entry = json!({"serviceAccounts": accounts});
            if let Some(arn) = &role.arn {
                entry["arn"] = json!(arn);
            }
            (key.clone(), entry)
        })
        .collect();
    let mut globals = json!({
        "version": VERSION,
        "stack": stack.name,
        "environment": stack.environment,
        "cluster": cluster,
        "pools": pools,
        "roles": roles,
    });
    if let Some(arn) = autoscaler_role_arn(stack) {
        globals["autoscaler"] = json!({"roleArn": arn});
    }
    globals
}

/// What a release is told of secrets that were written for it: never their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretValues {
    /// The Secret's name, in the release's namespace.
    pub secret_name: String,
    /// The value paths that it holds, which are its keys.
    pub paths: Vec<String>,
    /// A keyed digest of its content: it changes when a secret does, and tells nothing about it.
    pub checksum: Option<String>,
}

impl SecretValues {
    /// The form in `global.sutler.secretValues`.
    pub fn to_value(&self) -> Value {
        let mut value = json!({"secretName": self.secret_name, "paths": self.paths});
        if let Some(checksum) = &self.checksum {
            value["checksum"] = json!(checksum);
        }
        value
    }
}
