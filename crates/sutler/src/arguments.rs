//! The command line as it is typed. Nothing is decided here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Provision what a data team runs on Kubernetes, from one file.
///
/// An EKS cluster's pools and roles, the cluster autoscaler, Ray clusters and JupyterHub: described in stack.yaml,
/// tried in a simulated Kubernetes first, installed on a real one with the same command.
#[derive(Debug, Parser)]
#[command(name = "sutler", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring the stack up: make what is missing, change what differs, remove what left the file
    Up(Up),
    /// Show what `up` would do, and change nothing (exit code 0: nothing to do, 2: changes, 1: error)
    Plan(Plan),
    /// Show how the stack is doing
    Status(Status),
    /// Take the stack down, in reverse order
    Down(Down),
    /// Write a stack.yaml, and its schema for the editor: a commented one to start from, or one of what a cluster or a
    /// Helmfile holds
    Init(Init),
    /// Write the releases' manifests into a folder, without secrets
    Render(Render),
    /// Say what is wrong with the stack as far as its files tell, in every environment or one (exit code 0: no error, 1: errors)
    Lint(Lint),
    /// Pin the charts that the stack is made from in stack.lock, beside its file
    Lock(Lock),
    /// Say what is wrong with a cluster and what to change: permissions, pods that do not run, the network (exit code 0: nothing,
    /// 1: something FAILED, or an error)
    Doctor(Doctor),
    /// Say why something is as it is
    #[command(subcommand)]
    Explain(Explain),
    /// Put the stack's EKS cluster into the kubeconfig, for kubectl and other clients
    Kubeconfig(Kubeconfig),
    /// Print a token for an EKS cluster, as kubectl asks for it
    #[command(hide = true)]
    ClusterToken(ClusterToken),
    /// The cluster outside Kubernetes, through Terraform or OpenTofu: network, EKS, node pools, roles
    #[command(subcommand)]
    Infra(Infra),
    /// Ray clusters of your own
    #[command(subcommand)]
    Ray(Ray),
    /// Helm's commands, with Helm's arguments and output
    Helm(Helm),
    /// The simulated Kubernetes
    #[command(subcommand)]
    Simulator(SimulatorCommand),
}

/// Which stack, and where.
#[derive(Clone, Debug, Args)]
pub(crate) struct StackArguments {
    /// The stack's folder, or its file
    #[arg(value_name = "DIR")]
    pub(crate) path: Option<PathBuf>,
    /// The stack's file, where it is not DIR/stack.yaml
    #[arg(short, long, value_name = "FILE", conflicts_with = "path")]
    pub(crate) file: Option<PathBuf>,
    /// The environment [default: the file's `defaults.environment`]
    #[arg(short, long, value_name = "ENV")]
    pub(crate) environment: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    #[default]
    Text,
    /// For programs; the form has a version
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) stack: StackArguments,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Take over releases that another tool left in the middle of an operation
    #[arg(long)]
    pub(crate) recover: bool,
    /// Do not ask first whether the account can hold the stack and the caller may make it
    #[arg(long)]
    pub(crate) skip_preflight: bool,
    /// The summary's form
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) stack: StackArguments,
    /// The plan's form
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) stack: StackArguments,
    /// The status's form
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Down {
    #[command(flatten)]
    pub(crate) stack: StackArguments,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Remove volumes too: those of the stack's own namespaces, and all of a cluster that goes
    #[arg(long)]
    pub(crate) delete_data: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    #[command(flatten)]
    pub(crate) stack: StackArguments,
    /// The form in which problems are told
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Lock {
    #[command(flatten)]
    pub(crate) stack: StackArguments,
    /// Take newer charts within what the file asks for: of all releases, or of these
    #[arg(short = 'U', long, value_name = "RELEASE", num_args = 0.., value_delimiter = ',')]
    pub(crate) upgrade: Option<Vec<String>>,
    /// Change nothing; exit code 1 if stack.lock is not what it must be
    #[arg(long, conflicts_with = "upgrade")]
    pub(crate) check: bool,
    /// The form in which changes are told
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder to write into
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
    /// The stack's name [default: the folder's]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Describe the cluster of this kubeconfig context as it is, with the releases that Helm installed there; the current
    /// context if none is named
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    pub(crate) from_context: Option<String>,
    /// Take the releases of this Helmfile: its file or its folder
    #[arg(long, value_name = "HELMFILE", conflicts_with = "from_context")]
    pub(crate) from: Option<PathBuf>,
    /// With --from: the Helmfile's environment
    #[arg(short, long, value_name = "ENV", requires = "from", default_value = "default")]
    pub(crate) environment: String,
    /// With --from-context: a folder to look in for the charts that releases were installed from
    #[arg(long, value_name = "FOLDER", requires = "from_context")]
    pub(crate) charts: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Explain {
    /// Whether a pod may do something in AWS, link by link (exit code 0: it may, 2: it may not or nobody knows, 1: error)
    Access(ExplainAccess),
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// What to look at
    #[arg(value_name = "TOPIC", default_value = "all")]
    pub(crate) topic: DoctorTopic,
    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,
    /// Only this namespace; enough rights are those of the namespace alone
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// The AWS region, with --context [default: AWS_REGION, or the profile's]
    #[arg(long, value_name = "REGION", requires = "context")]
    pub(crate) region: Option<String>,
    /// The diagnosis's form
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorTopic {
    /// What pods with a role may do in AWS, link by link
    Permissions,
    /// Why pods do not run: scheduler, autoscaler, image, quota, volumes
    Pending,
    /// What NetworkPolicies cut off, and which open logins the internet reaches
    Network,
    /// Whether the account can hold what the stack asks for: quotas, instance types, subnets, versions (of an environment on EKS)
    Preflight,
    /// All that the cluster can be asked: permissions, pending and network
    #[default]
    All,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainAccess {
    /// A pod or a service account, as NAMESPACE/NAME
    #[arg(value_name = "POD|SERVICEACCOUNT")]
    pub(crate) subject: String,
    /// The action, as in s3:GetObject
    pub(crate) action: String,
    /// The resource: s3://BUCKET/KEY, or an ARN
    pub(crate) resource: String,
    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,
    /// The AWS region, with --context [default: AWS_REGION, or the profile's]
    #[arg(long, value_name = "REGION", requires = "context")]
    pub(crate) region: Option<String>,
    /// The answer's form
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Kubeconfig {
    #[command(flatten)]
    pub(crate) stack: StackArguments,
    /// A cluster by its name in EKS, without any stack
    #[arg(long, value_name = "NAME", conflicts_with_all = ["path", "file", "environment"])]
    pub(crate) cluster: Option<String>,
    /// The cluster's region [default: AWS_REGION, or the profile's]
    #[arg(long, value_name = "REGION", requires = "cluster")]
    pub(crate) region: Option<String>,
    /// The kubeconfig [default: the first of KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The program that makes tokens
    #[arg(long, value_name = "PROGRAM", default_value = "sutler")]
    pub(crate) tokens: TokenMaker,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TokenMaker {
    /// `sutler cluster-token`
    #[default]
    Sutler,
    /// `aws eks get-token`
    Aws,
}

#[derive(Debug, Args)]
pub(crate) struct ClusterToken {
    /// The cluster's name in EKS
    pub(crate) cluster: String,
    /// The cluster's region [default: AWS_REGION, or the profile's]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Render {
    /// The folder to write into: empty, or written by this command before
    #[arg(value_name = "OUT")]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) stack: StackArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Infra {
    /// Write the Terraform root module with its variables: readable, and usable without Sutler
    Render(InfraRender),
    /// Show what Terraform would do (exit code 0: nothing, 2: changes, 1: error)
    Plan(InfraPlan),
    /// Make what is described
    Apply(InfraApply),
    /// Remove all that was made
    Destroy(InfraApply),
    /// Show what came out, as JSON
    Output(InfraOutput),
}

#[derive(Debug, Args)]
pub(crate) struct InfraRender {
    /// The folder to write into: empty, or written by this command before
    #[arg(value_name = "OUT")]
    pub(crate) folder: PathBuf,
    /// The stack's file or folder
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The environment [default: the file's `defaults.environment`]
    #[arg(short, long, value_name = "ENV")]
    pub(crate) environment: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct InfraPlan {
    #[command(flatten)]
    pub(crate) stack: StackArguments,
    /// The plan's form
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct InfraApply {
    #[command(flatten)]
    pub(crate) stack: StackArguments,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InfraOutput {
    #[command(flatten)]
    pub(crate) stack: StackArguments,
}

/// Where a command about a running cluster finds it.
#[derive(Clone, Debug, Args)]
pub(crate) struct ClusterArguments {
    /// The kubeconfig's context
    #[arg(long, value_name = "NAME", conflicts_with_all = ["file", "environment"])]
    pub(crate) context: Option<String>,
    /// The stack whose cluster is meant: its folder or file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The environment of that stack
    #[arg(short, long, value_name = "ENV")]
    pub(crate) environment: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ray {
    /// Bring up a Ray cluster with the sizes, image and role that the platform's `sutler up` left in the namespace
    Up(RayUp),
    /// List the Ray clusters: whose they are, how they are doing, what they cost
    #[command(visible_alias = "ls")]
    List(RayList),
    /// Take a Ray cluster down
    Down(RayDown),
}

#[derive(Debug, Args)]
pub(crate) struct RayList {
    /// The namespace
    #[arg(short, long, default_value = "ray", conflicts_with = "all_namespaces")]
    pub(crate) namespace: String,
    /// All namespaces
    #[arg(short = 'A', long)]
    pub(crate) all_namespaces: bool,
    /// Other people's clusters too
    #[arg(long)]
    pub(crate) all: bool,
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,
}

#[derive(Debug, Args)]
pub(crate) struct RayUp {
    /// The Ray cluster's name
    pub(crate) name: String,
    /// The namespace
    #[arg(short, long, default_value = "ray")]
    pub(crate) namespace: String,
    /// How many workers [default: the profile's]
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<u32>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,
}

#[derive(Debug, Args)]
pub(crate) struct RayDown {
    /// The Ray cluster's name
    pub(crate) name: String,
    /// The namespace
    #[arg(short, long, default_value = "ray")]
    pub(crate) namespace: String,
    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,
}

/// Helm's words. They are read by Helm's own rules, before this parser is built at all; it only lists them.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Helm {
    /// Helm's command and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub(crate) words: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SimulatorCommand {
    /// Serve the simulated Kubernetes of a stack for kubectl, Helm and other clients
    Serve(Serve),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) stack: StackArguments,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: std::net::SocketAddr,
    /// How simulated time moves: a second a second, from event to event while a client watches, or not by itself
    #[arg(long, value_name = "MODE", default_value = "wall")]
    pub(crate) time: TimeMode,
    /// Where to write the kubeconfig [default: kubeconfig beside the simulator's store]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimeMode {
    #[default]
    Wall,
    Fast,
    Paused,
}
