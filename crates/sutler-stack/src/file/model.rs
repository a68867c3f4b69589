//! The types of `stack.yaml`, as a person writes them.
//!
//! They are what the JSON Schema for editors is generated from, so every comment on a field is what a person sees
//! when the editor completes it. Nothing here is resolved: references are replaced before these types are read, and
//! [`crate::stack`] turns them into a [`Stack`](crate::stack::Stack) for one environment.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The only `apiVersion` of this version of Sutler.
pub const API_VERSION: &str = "sutler.dev/v1alpha1";

/// What a data team runs on Kubernetes, in one file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "stack.yaml")]
pub struct StackFile {
    /// Always `sutler.dev/v1alpha1`.
    pub api_version: ApiVersion,
    /// Always `Stack`.
    pub kind: Kind,
    /// The stack's name: it labels what the stack makes. The cluster has a name of its own.
    pub name: String,
    /// Where the stack can run, by the name that `-e` takes.
    pub environments: BTreeMap<String, Environment>,
    /// What holds where an environment says nothing.
    #[serde(default)]
    pub defaults: Defaults,
    /// The cluster and its node pools.
    pub cluster: Cluster,
    /// IAM roles that pods take by their service account; the role in AWS is `<cluster>_<key>`.
    #[serde(default)]
    pub roles: BTreeMap<String, Role>,
    /// Where secrets come from. They are read only when something is applied, never by `plan`.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretSource>,
    /// Helm releases; a key is the release's id and its name unless `name` says otherwise.
    #[serde(default)]
    pub releases: BTreeMap<String, Release>,
}

/// The version of this file's format.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The first format; it may still change.
    #[serde(rename = "sutler.dev/v1alpha1")]
    V1Alpha1,
}

/// What the file describes.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum Kind {
    /// A stack.
    Stack,
}

/// One place where the stack can run: a target and variables, nothing else.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Environment {
    /// The Kubernetes that is meant.
    pub target: Target,
    /// The AWS account, twelve digits, quoted. Role ARNs are computed from it.
    #[serde(default)]
    pub account: Option<String>,
    /// The AWS region. Default: us-west-2.
    #[serde(default)]
    pub region: Option<String>,
    /// Values of `${vars.NAME}` here; they win over `defaults.vars`.
    #[serde(default)]
    pub vars: BTreeMap<String, Scalar>,
    /// How pools of the file are found among nodes that exist already.
    #[serde(default)]
    pub pools: BTreeMap<String, PoolOverride>,
    /// Refuse `down` here.
    #[serde(default)]
    pub protect: bool,
}

/// Which Kubernetes an environment means.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Target {
    /// `simulator` or `eks`.
    Named(NamedTarget),
    /// A cluster that exists, by its kubeconfig context.
    Context(ContextTarget),
}

/// Targets that need no further word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NamedTarget {
    /// The embedded Kubernetes: nothing is installed, nothing is paid, no container runs.
    Simulator,
    /// An EKS cluster made through Terraform.
    Eks,
}

/// A cluster that exists already.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContextTarget {
    /// The context's name in the kubeconfig (`KUBECONFIG`, else `~/.kube/config`).
    pub context: String,
}

/// How a pool of the file is found among nodes that exist already.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PoolOverride {
    /// Labels of the nodes that stand for this pool.
    #[serde(default)]
    pub node_selector: Option<BTreeMap<String, String>>,
    /// CPU and memory of one pod that has a node of this pool to itself, where the instance types do not tell.
    #[serde(default)]
    pub fit: Option<FitOverride>,
    /// Whether Ray workers of this pool get a node each. Default: true.
    #[serde(default)]
    pub one_pod_a_node: Option<bool>,
}

/// CPU and memory of one pod.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FitOverride {
    /// CPU as Kubernetes writes it: `500m`, `4`.
    pub cpu: String,
    /// Memory as Kubernetes writes it: `2Gi`.
    pub memory: String,
}

/// What holds where an environment says nothing.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// The environment when `-e` is not given.
    #[serde(default)]
    pub environment: Option<String>,
    /// Values of `${vars.NAME}`.
    #[serde(default)]
    pub vars: BTreeMap<String, Scalar>,
}

/// A plain value: what a variable may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// true or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(String),
}

/// The cluster and its node pools.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Cluster {
    /// The cluster's name. Default: `${stack.name}-${env.name}`.
    #[serde(default)]
    pub name: Option<String>,
    /// What of AWS Sutler may make. Default: all.
    #[serde(default)]
    pub manage: Manage,
    /// Kubernetes' minor version, quoted: "1.34".
    #[serde(default)]
    pub version: Option<String>,
    /// The network the cluster lives in.
    #[serde(default)]
    pub network: Option<Network>,
    /// Node pools by name.
    #[serde(default)]
    pub pools: BTreeMap<String, Pool>,
    /// ARNs of IAM users and roles that may do everything in the cluster, besides whoever makes it.
    #[serde(default)]
    pub administrators: Vec<String>,
    /// Where Terraform keeps its state: `s3://BUCKET/PREFIX`, with a lock. Default: beside stack.yaml, in `.sutler`.
    #[serde(default)]
    pub state: Option<String>,
}

/// What of AWS Sutler may make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Manage {
    /// Network, cluster, pools and roles.
    #[default]
    All,
    /// Only the roles and their service accounts.
    Roles,
    /// Nothing of AWS; a role is given by its `arn`.
    None,
}

/// The network the cluster lives in: made, or one that exists.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Network {
    /// Make a VPC.
    #[serde(default)]
    pub create: Option<NetworkCreate>,
    /// Use the VPC with this id.
    #[serde(default)]
    pub vpc_id: Option<String>,
    /// Use the subnets of that VPC with these tags. Default: `kubernetes.io/role/internal-elb: "1"`, by which EKS knows private ones.
    #[serde(default)]
    pub subnet_tags: Option<BTreeMap<String, String>>,
    /// Use these subnets of that VPC, by their ids: two zones at least.
    #[serde(default)]
    pub subnet_ids: Option<Vec<String>>,
}

/// A VPC to make.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkCreate {
    /// Its addresses, as in `10.0.0.0/16`.
    pub cidr: String,
    /// Two or three zones, as in `us-west-2a`. Default: the region's first three.
    #[serde(default)]
    pub zones: Option<Vec<String>>,
    /// How nodes reach the internet. Default: one.
    #[serde(default)]
    pub nat: Nat,
}

/// How private subnets reach the internet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Nat {
    /// By one NAT gateway: the cheapest, and as available as its zone.
    #[default]
    One,
    /// By a NAT gateway in each zone.
    PerZone,
    /// Not at all: AWS's services are reached by endpoints in the VPC.
    None,
}

/// A node pool: nodes of one kind that grow and shrink together.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Pool {
    /// EC2 instance types, the preferred one first. Pods are sized by the smallest.
    pub instance_types: Vec<String>,
    /// The least number of nodes.
    #[serde(default)]
    pub min: u32,
    /// The largest number of nodes.
    pub max: u32,
    /// How the nodes are bought. Default: on-demand.
    #[serde(default)]
    pub capacity: Capacity,
    /// Short for the label `dedicated=X` and the taint `dedicated=X:NoSchedule`.
    #[serde(default)]
    pub dedicated: Option<String>,
    /// Labels of the nodes.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Taints of the nodes: key to `value:Effect`, as in `{hub.jupyter.org/dedicated: "user:NoSchedule"}`.
    #[serde(default)]
    pub taints: BTreeMap<String, String>,
    /// Make a node group in each zone, with `min` and `max` for each: for pods whose volumes are of one zone. EKS only.
    #[serde(default)]
    pub group_per_zone: bool,
}

/// How nodes are bought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Capacity {
    /// At the list price, and not taken away.
    #[default]
    OnDemand,
    /// At a lower price; AWS may take a node away at two minutes' notice.
    Spot,
}

/// An IAM role that pods take by their service account.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Role {
    /// How a pod proves who it is. Default: irsa.
    #[serde(default)]
    pub identity: Identity,
    /// Service accounts that may take the role, as `namespace/name`. Sutler makes and annotates them.
    pub service_accounts: Vec<String>,
    /// Buckets the role may read or write.
    #[serde(default)]
    pub s3: Vec<S3Grant>,
    /// Tables of Glue's Data Catalog the role may read: their names and schemas; the data is a bucket's.
    #[serde(default)]
    pub glue: Vec<GlueGrant>,
    /// ARNs of roles the role may take, such as one of another account. That account's role must trust this one.
    #[serde(default)]
    pub assume: Vec<String>,
    /// A policy of your own as IAM has it, in a file relative to stack.yaml: its statements are added to what the other keys grant.
    #[serde(default)]
    pub policy: Option<String>,
    /// ARNs of managed policies to attach.
    #[serde(default)]
    pub managed_policies: Vec<String>,
    /// The ARN of the policy that is the role's permissions boundary: whatever is granted, it can do no more.
    #[serde(default)]
    pub boundary: Option<String>,
    /// The role's ARN, where the role exists already and Sutler does not manage roles.
    #[serde(default)]
    pub arn: Option<String>,
}

/// How a pod proves who it is to AWS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// IAM roles for service accounts: the cluster's OIDC issuer vouches for the pod.
    #[default]
    Irsa,
    /// EKS Pod Identity.
    PodIdentity,
}

/// A bucket, or a part of one, that a role may use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct S3Grant {
    /// The bucket's name.
    pub bucket: String,
    /// Only keys that start with this.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Read, or read and write.
    pub access: S3Access,
    /// The ARN of the KMS key that encrypts the bucket, where it is none of AWS's own: the role may then use it through S3.
    #[serde(default)]
    pub kms_key: Option<String>,
}

/// Tables of a database in Glue's Data Catalog.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GlueGrant {
    /// The database's name.
    pub database: String,
    /// The tables' names; all of them when none is named.
    #[serde(default)]
    pub tables: Vec<String>,
}

/// What may be done with the objects of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum S3Access {
    /// Get and list.
    Read,
    /// Get, list, put and delete.
    Write,
}

/// Where a secret comes from: exactly one of the three.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretSource {
    /// An environment variable's name.
    #[serde(default)]
    pub env: Option<String>,
    /// A file, relative to stack.yaml; one trailing newline is dropped.
    #[serde(default)]
    pub file: Option<String>,
    /// A command and its arguments; what it prints, less one trailing newline, is the secret.
    #[serde(default)]
    pub command: Option<Vec<String>>,
}

/// A Helm release.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Release {
    /// The release's name. Default: its key.
    #[serde(default)]
    pub name: Option<String>,
    /// The namespace; it is made where it is missing.
    pub namespace: String,
    /// Its chart: one that Sutler carries, one beside stack.yaml, or one of a repository.
    pub chart: ChartEntry,
    /// Ids of releases that must be ready before this one starts.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Environments in which the release exists. Default: all.
    #[serde(default)]
    pub when: Option<Vec<String>>,
    /// Values, as in a Helm values file. References are not replaced in here.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub values: serde_json::Value,
    /// Values files, relative to stack.yaml, read as Helm reads `-f`.
    #[serde(default)]
    pub values_files: Vec<ValuesFileEntry>,
    /// Single values by their path, as Helm's `--set`: the only place in a release where `${…}` counts.
    #[serde(default)]
    pub set: BTreeMap<String, SetEntry>,
    /// How long to wait until everything is ready: `10m`, `90s`, `1h30m`. Default: 5m.
    #[serde(default)]
    pub timeout: Option<String>,
}

/// A release's chart.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum ChartEntry {
    /// `builtin:NAME`; a folder or an archive relative to stack.yaml (`./charts/mine`); or `oci://HOST/PATH/NAME`, with
    /// `:VERSION` if one version is meant.
    Reference(String),
    /// A chart of a repository.
    Repository(RepositoryChart),
}

/// A chart of a repository. Which version its range means is pinned in stack.lock.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepositoryChart {
    /// The repository's URL: `https://…` where its index.yaml lies, or `oci://…`.
    pub repo: String,
    /// The chart's name.
    pub name: String,
    /// A version (`"4.3.1"`) or a range (`~4.3`), as Helm reads them. Default: the newest release.
    #[serde(default)]
    pub version: Option<String>,
}

impl<'de> Deserialize<'de> for ChartEntry {
    /// By hand, so that what is wrong in the map is told at its place.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entry;
        impl<'de> Visitor<'de> for Entry {
            type Value = ChartEntry;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a chart: text, or a map with `repo` and `name`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ChartEntry, E> {
                Ok(ChartEntry::Reference(text.to_owned()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<ChartEntry, A::Error> {
                RepositoryChart::deserialize(de::value::MapAccessDeserializer::new(map)).map(ChartEntry::Repository)
            }
        }
        deserializer.deserialize_any(Entry)
    }
}

/// A values file, in all environments or in some.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ValuesFileEntry {
    /// Its path.
    Path(String),
    /// Its path, and the environments in which it counts.
    Conditional(ConditionalPath),
}

/// A values file for some environments.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionalPath {
    /// The file's path, relative to stack.yaml.
    pub path: String,
    /// Environments in which it counts.
    pub when: Vec<String>,
}

/// A single value, in all environments or in some.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SetEntry {
    /// The value.
    Value(Scalar),
    /// The value, and the environments in which it counts.
    Conditional(ConditionalValue),
}

/// A single value for some environments.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionalValue {
    /// The value.
    pub value: Scalar,
    /// Environments in which it counts.
    pub when: Vec<String>,
}
