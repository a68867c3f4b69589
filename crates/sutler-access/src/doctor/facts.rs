//! What is known of a pod, its cluster and its account. Whoever asks the cluster and AWS fills this in; nothing here asks.

use std::collections::BTreeMap;

use crate::names::ServiceAccountName;
use crate::policy::Policy;
use crate::token::Provider;

/// Something that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<T> {
    /// It was found.
    Known(T),
    /// It was looked for and is not there.
    Absent,
    /// It could not be looked for, and why: `no right to call iam:GetRole`.
    Unknown(String),
}

impl<T> Default for Fact<T> {
    fn default() -> Self {
        Self::Unknown("nobody looked".to_owned())
    }
}

impl<T> Fact<T> {
    /// What was found.
    #[must_use]
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown(_) => None,
        }
    }
}

/// All that the chain of access looks at. Everything may be left unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What the pod wants to do: `s3:GetObject`.
    pub action: String,
    /// On what, as an ARN.
    pub resource: String,
    /// The account that owns the resource.
    pub resource_account: Fact<String>,
    /// Context keys of the request, such as `s3:prefix`.
    pub context: Vec<(String, String)>,
    /// The account of the cluster.
    pub account: Fact<String>,
    /// The region of the cluster.
    pub region: Fact<String>,
    /// The cluster's ARN.
    pub cluster_arn: Fact<String>,
    /// The pod.
    pub pod: Fact<Pod>,
    /// Its service account.
    pub service_account: Fact<ServiceAccount>,
    /// The role that the stack wants the service account to have, where there is a stack.
    pub expected_role: Option<String>,
    /// The issuer of the cluster's tokens, by URL.
    pub issuer: Fact<String>,
    /// The OpenID Connect providers of the role's account.
    pub providers: Fact<Vec<Provider>>,
    /// The webhook that gives pods their role.
    pub webhook: Fact<Webhook>,
    /// The Pod Identity associations of the cluster.
    pub associations: Fact<Vec<Association>>,
    /// The Pod Identity agent on the pod's node.
    pub agent: Fact<Agent>,
    /// The role that annotation or association names.
    pub role: Fact<Role>,
    /// The role that the program takes from there, where it takes another.
    pub chained_role: Option<Fact<Role>>,
    /// The role of the node's instance.
    pub node_role: Fact<Role>,
    /// As whom the pod's calls are made, where it was asked (`aws sts get-caller-identity`).
    pub observed_caller: Fact<String>,
    /// The policy of the bucket or other resource.
    pub resource_policy: Fact<Policy>,
    /// The KMS key that encrypts the resource; absent where none of the customer's does.
    pub key: Fact<Key>,
    /// The organisation's service control policies of the role's account, by level.
    pub service_control: Fact<Vec<Vec<Policy>>>,
    /// What the pod can reach.
    pub network: Fact<Network>,
}

/// A pod as far as credentials go: of the container in question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its service account's name.
    pub service_account: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// The container's environment; a value that comes from elsewhere is `None`.
    pub environment: BTreeMap<String, Option<String>>,
    /// The container's projected token for STS, if it mounts one.
    pub token: Option<TokenVolume>,
    /// The container's user, where the pod says it.
    pub user: Option<i64>,
    /// The user that all containers have, where the pod says it of each: the kubelet gives the token to that user.
    pub shared_user: Option<i64>,
    /// Whether the pod wants a user that is not root, and leaves it to the image which.
    pub non_root_by_image: bool,
    /// The pod's group of volumes, if it has one.
    pub fs_group: Option<i64>,
    /// Whether it uses the node's network, and so always reaches the node's metadata.
    pub host_network: bool,
}

/// A projected token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenVolume {
    /// Its audience.
    pub audience: String,
    /// Where it is mounted, with the file's name.
    pub path: String,
    /// The volume's `defaultMode`, where it is said.
    pub mode: Option<u32>,
}

/// A service account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Who last changed it (`managedFields`), and when, in seconds since 1970.
    pub last_change: Option<(String, i64)>,
    /// When the annotation with the role was last written, where it is known.
    pub annotated: Option<i64>,
}

impl ServiceAccount {
    /// `namespace/name`.
    #[must_use]
    pub fn qualified_name(&self) -> ServiceAccountName {
        ServiceAccountName { namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

/// The webhook that EKS calls `pod-identity-webhook`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The name of its MutatingWebhookConfiguration.
    pub name: String,
    /// Why it does not answer, where it is known that it does not.
    pub fault: Option<String>,
}

/// A Pod Identity association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// The service account.
    pub service_account: ServiceAccountName,
    /// The role's ARN.
    pub role: String,
}

/// The Pod Identity agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Whether its pod on the node is ready.
    pub ready: bool,
}

/// An IAM role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// Who may take it.
    pub trust: Policy,
    /// What it may do.
    pub policies: Fact<Vec<Policy>>,
    /// Its permissions boundary.
    pub boundary: Fact<Policy>,
    /// The longest session that it gives, in seconds.
    pub max_session: u32,
    /// The session that the program asks for, in seconds, where it says.
    pub asked_session: Option<u32>,
}

/// A KMS key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its ARN.
    pub arn: String,
    /// Its policy.
    pub policy: Fact<Policy>,
}

/// What the pod can reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Whether there is a way to the internet: a NAT gateway, a public address.
    pub has_internet: bool,
    /// What of AWS has an endpoint in the network: `sts`, `s3`.
    pub endpoints: Vec<String>,
    /// NetworkPolicies that keep the pod from something: `sts`, `s3`, `pod-identity-agent`, and the policy as `namespace/name`.
    pub blocked: Vec<(String, String)>,
    /// Whether the pod reaches the metadata of its node: no for a hop limit of 1, unless it uses the node's network.
    pub reaches_metadata: bool,
}
