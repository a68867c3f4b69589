//! The stack: stack.yaml resolved and checked for one environment.
//!
//! [`Stack::from_file`] turns what a person wrote into what the plan works on: pools as [`sutler_nodes::Pool`], roles
//! with their ARNs, releases in an order in which each comes after what it needs. What the parts must agree on beyond
//! this (pods that fit, accounts that are used) is checked by [`crate::contracts`], once charts are rendered.

mod chart;
mod checks;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use sutler_access::glue;
use sutler_access::names::ServiceAccountName;
use sutler_nodes::Pool;

use crate::file::ReadFile;
use crate::file::diagnostic::Report;
use crate::file::model::{self, Manage, S3Grant, Scalar};
use crate::names::role_arn;
use crate::permissions::OwnPolicy;
pub use chart::{ChartReference, RemoteChart};
use checks::Checks;

/// The Kubernetes minor version where the file names none.
pub const DEFAULT_KUBERNETES: &str = "1.34";

/// The time limit of a release where the file names none.
pub const DEFAULT_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);

/// The account whose number the simulator's ARNs carry where the environment names none.
pub const SIMULATED_ACCOUNT: &str = "000000000000";

/// A stack for one environment.
#[derive(Clone, Debug)]
pub struct Stack {
    /// The stack's name.
    pub name: String,
    /// The environment's name.
    pub environment: String,
    /// Which Kubernetes is meant.
    pub target: Target,
    /// The AWS account, if the environment names one.
    pub account: Option<String>,
    /// The AWS region.
    pub region: String,
    /// Whether `down` is refused.
    pub protect: bool,
    /// The cluster.
    pub cluster: Cluster,
    /// Node pools by name.
    pub pools: BTreeMap<String, StackPool>,
    /// Roles by key.
    pub roles: BTreeMap<String, Role>,
    /// Where secrets come from, by name.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Releases of this environment: each after those it needs.
    pub releases: Vec<Release>,
    /// Releases of the file that this environment leaves out by `when`.
    pub skipped: Vec<Release>,
    /// The file, for places in messages.
    pub file: ReadFile,
}

/// Which Kubernetes is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The embedded one.
    Simulator,
    /// A kubeconfig context.
    Context(String),
    /// EKS through Terraform.
    Eks,
}

/// The cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Kubernetes' minor version, as `1.34`.
    pub version: String,
    /// What of AWS Sutler may make.
    pub manage: Manage,
}

/// A pool, and how it is found where nodes exist already.
#[derive(Clone, Debug)]
pub struct StackPool {
    /// The pool; its `node_selector` holds the environment's override.
    pub pool: Pool,
    /// CPU and memory of one pod that has a node to itself, where the environment says so: Kubernetes quantities.
    pub fit: Option<(String, String)>,
    /// Whether a node is kept to one Ray worker.
    pub one_pod_a_node: bool,
}

/// A role.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its key in the file.
    pub key: String,
    /// Its name in AWS.
    pub name: String,
    /// Its ARN; `None` where the account is not known.
    pub arn: Option<String>,
    /// Service accounts that may take it.
    pub service_accounts: Vec<ServiceAccount>,
    /// Buckets it may use.
    pub s3: Vec<S3Grant>,
    /// Tables of Glue's catalog that it may read.
    pub glue: Vec<glue::Grant>,
    /// ARNs of roles that it may take, of other accounts mostly.
    pub assume: Vec<String>,
    /// Statements that the owner wrote for it; there once the file that holds them was read.
    pub policy: Option<OwnPolicy>,
    /// ARNs of policies besides.
    pub managed_policies: Vec<String>,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
}

impl Role {
    /// Its service accounts as IAM's documents name them.
    pub(crate) fn account_names(&self) -> Vec<ServiceAccountName> {
        let name = |account: &ServiceAccount| ServiceAccountName {
            namespace: account.namespace.clone(),
            name: account.name.clone(),
        };
        self.service_accounts.iter().map(name).collect()
    }
}

/// A service account by namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceAccount {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for ServiceAccount {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Environment(String),
    /// A file, relative to stack.yaml.
    File(String),
    /// A command and its arguments.
    Command(Vec<String>),
}

/// A release.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its key in the file.
    pub id: String,
    /// Its name in the cluster.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its chart.
    pub chart: ChartReference,
    /// Ids of releases of this environment that must be ready first.
    pub needs: Vec<String>,
    /// Ids it needs that this environment leaves out: they count as satisfied.
    pub needs_skipped: Vec<String>,
    /// Values files that count here, relative to stack.yaml, in order.
    pub values_files: Vec<String>,
    /// Single values that count here.
    pub set: BTreeMap<String, SetValue>,
    /// How long to wait until it is ready.
    pub timeout: SignedDuration,
}

/// A single value of a release.
#[derive(Clone, Debug, PartialEq)]
pub enum SetValue {
    /// A plain value.
    Plain(Scalar),
    /// The secret of this name; read when the release is applied.
    Secret(String),
}

impl Stack {
    /// The stack of a file that was read.
    ///
    /// # Errors
    /// Everything that is wrong between the parts of the file: unknown pools, roles, secrets, needs that go in a
    /// circle, values that are out of range.
    pub fn from_file(file: ReadFile) -> Result<Stack, Report> {
        let mut checks = Checks { file: &file, found: Vec::new() };
        let stack = checks.stack();
        let mut found = checks.found;
        found.sort_by_key(|diagnostic| diagnostic.place);
        match (stack, found.is_empty()) {
            (Some(stack), true) => Ok(stack),
            _ => Err(file.report(found)),
        }
    }

    /// Takes the account that was found where the file names none: roles that Sutler makes have their ARNs by it.
    pub fn settle_in(&mut self, account: &str) {
        if self.account.is_some() {
            return;
        }
        self.account = Some(account.to_owned());
        for role in self.roles.values_mut().filter(|role| role.arn.is_none()) {
            // A name that AWS would refuse has been said when the file was read.
            role.arn = role_arn(account, &self.region, &self.cluster.name, &role.key).ok();
        }
    }

    /// Takes the roles' ARNs as Terraform's outputs have them, by the roles' keys.
    pub fn take_role_arns(&mut self, arns: &BTreeMap<String, String>) {
        for (key, arn) in arns {
            if let Some(role) = self.roles.get_mut(key) {
                role.arn = Some(arn.clone());
            }
        }
    }

    /// The ARN that a role's service accounts are annotated with. EKS Pod Identity needs none: with the annotation a pod would
    /// try the cluster's issuer first, which such a role does not trust.
    pub fn annotated_arn<'s>(&self, role: &'s Role) -> Option<&'s str> {
        let identity = self.file.file.roles.get(&role.key).map(|written| written.identity);
        role.arn.as_deref().filter(|_| identity != Some(model::Identity::PodIdentity))
    }

    /// The release of this environment with this id.
    pub fn release(&self, id: &str) -> Option<&Release> {
        self.releases.iter().find(|release| release.id == id)
    }
}
