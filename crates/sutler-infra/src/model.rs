//! What is wanted of AWS, as plain data: the inputs of the module, and where Terraform keeps its state.

use std::collections::BTreeMap;

use sutler_access::{AccountId, Document, ServiceAccountName};
use sutler_nodes::Pool;

/// The cluster and its roles in one account and region.
#[derive(Debug, Clone, PartialEq)]
pub struct Infra {
    /// The cluster's name.
    pub cluster: String,
    /// What Terraform makes.
    pub manage: Manage,
    /// The AWS region, `us-west-2`.
    pub region: String,
    /// The one account in which anything may be made; Terraform refuses to work in another.
    pub account: Option<AccountId>,
    /// Kubernetes' minor version, `1.34`.
    pub kubernetes_version: String,
    /// The network.
    pub network: Network,
    /// ARNs of roles or users who administer the cluster besides its creator.
    pub administrators: Vec<String>,
    /// EKS's add-ons by name; `None` leaves the choice to the module, an empty map to EKS.
    pub addons: Option<BTreeMap<String, Addon>>,
    /// Node pools by name.
    pub pools: BTreeMap<String, NodePool>,
    /// The cluster autoscaler's service account; without one there is neither its role nor what it reads at the groups.
    pub autoscaler: Option<ServiceAccountName>,
    /// Roles for pods by the end of their names.
    pub roles: BTreeMap<String, Role>,
    /// Tags of everything.
    pub tags: BTreeMap<String, String>,
    /// Where Terraform keeps its state.
    pub state: State,
}

/// What Terraform makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manage {
    /// Network, cluster, pools and roles.
    All,
    /// Roles alone, for a cluster that exists.
    Roles,
}

impl Manage {
    /// As the module's input has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Roles => "roles",
        }
    }
}

/// The network that the cluster lives in. It does not count with [`Manage::Roles`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// A VPC is made.
    Create {
        /// Its addresses, `10.0.0.0/16`.
        cidr: String,
        /// Two or three zones, `us-west-2a`; `None` takes the region's first three.
        zones: Option<Vec<String>>,
        /// The way out.
        nat: Nat,
    },
    /// One that exists; nothing of it is changed.
    Existing {
        /// `vpc-…`.
        vpc_id: String,
        /// The subnets for control plane and nodes.
        subnets: Subnets,
    },
}

/// How private subnets reach the internet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Nat {
    /// By one NAT gateway for all zones.
    #[default]
    One,
    /// By a NAT gateway in each zone.
    PerZone,
    /// Not at all: AWS's services are reached by endpoints.
    None,
}

impl Nat {
    /// As the module's input has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::PerZone => "per-zone",
            Self::None => "none",
        }
    }
}

/// Subnets of a VPC that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subnets {
    /// By their ids, `subnet-…`.
    Ids(Vec<String>),
    /// By tags that they carry.
    Tags(BTreeMap<String, String>),
}

/// An EKS add-on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addon {
    /// Its version, `v1.20.4-eksbuild.1`; `None` takes EKS's for this Kubernetes.
    pub version: Option<String>,
    /// Configuration values.
    pub configuration: BTreeMap<String, String>,
}

/// A pool, and what EC2 must know of its nodes besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePool {
    /// Instance types, size, labels, taints. Its `node_selector` does not count.
    pub pool: Pool,
    /// EKS's name of the image (`AL2023_x86_64_STANDARD`); `None` takes what fits the instance types.
    pub image: Option<String>,
    /// GiB of the root volume.
    pub disk_gib: u32,
    /// Whether each zone has a group of its own, as volumes of one zone want.
    pub group_per_zone: bool,
}

/// A role that pods take.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// How a pod proves who it is.
    pub identity: Identity,
    /// The other way, while there are pods that were made with it: the role then trusts both.
    pub moves_from: Option<Identity>,
    /// Who may take it.
    pub service_accounts: Vec<ServiceAccountName>,
    /// What it may do.
    pub policy: Option<Document>,
    /// ARNs of policies besides.
    pub managed_policies: Vec<String>,
    /// Who may take it, instead of what follows from `identity` and `service_accounts`.
    pub trust: Option<Document>,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
}

/// How a pod proves who it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Identity {
    /// The cluster's issuer vouches for it.
    #[default]
    Irsa,
    /// EKS Pod Identity does.
    PodIdentity,
}

impl Identity {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Identity {
        match self {
            Self::Irsa => Self::PodIdentity,
            Self::PodIdentity => Self::Irsa,
        }
    }

    /// As the module's input has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Irsa => "irsa",
            Self::PodIdentity => "pod-identity",
        }
    }
}

/// Where Terraform keeps its state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum State {
    /// In the root module's folder.
    #[default]
    Local,
    /// In a bucket, with a lock beside it: whoever comes second waits.
    S3 {
        /// The bucket; it must exist.
        bucket: String,
        /// The object's key.
        key: String,
        /// The bucket's region.
        region: String,
    },
}

/// EKS's name of the image for instances of these types: by processor, and with NVIDIA's drivers where all of them have GPUs. `None`
/// where one of them is unknown, or they do not go together.
#[must_use]
pub fn image_of(instance_types: &[String]) -> Option<&'static str> {
    let mut found = None;
    for name in instance_types {
        let facts = sutler_nodes::instances::lookup(name).ok()?;
        let image = match (facts.architecture.as_str(), facts.gpus > 0) {
            ("arm64", false) => "AL2023_ARM_64_STANDARD",
            ("arm64", true) => "AL2023_ARM_64_NVIDIA",
            (_, false) => "AL2023_x86_64_STANDARD",
            (_, true) => "AL2023_x86_64_NVIDIA",
        };
        if found.is_some_and(|found| found != image) {
            return None;
        }
        found = Some(image);
    }
    found
}
