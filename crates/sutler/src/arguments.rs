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
    /// Write a commented stack.yaml to start from, and its schema for the editor
    Init(Init),
    /// Write the releases' manifests into a folder, without secrets
    Render(Render),
    /// Ray clusters of your own
    #[command(subcommand)]
    Ray(Ray),
    /// Helm's commands
    #[command(subcommand)]
    Helm(Box<Helm>),
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
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder to write into
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
    /// The stack's name [default: the folder's]
    #[arg(long)]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Render {
    /// The folder to write into: empty, or written by this command before
    #[arg(value_name = "OUT")]
    pub(crate) folder: PathBuf,
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
    /// Take a Ray cluster down
    Down(RayDown),
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

#[derive(Debug, Subcommand)]
pub(crate) enum Helm {
    /// Render a chart locally and print its manifests
    Template(Box<HelmTemplate>),
    /// List releases
    #[command(alias = "ls")]
    List(HelmList),
    /// What a release holds
    #[command(subcommand)]
    Get(HelmGet),
}

/// Values, as Helm takes them.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct HelmValues {
    /// Values files, or `-` for standard input
    #[arg(short = 'f', long = "values", value_name = "FILE", value_delimiter = ',')]
    pub(crate) files: Vec<String>,
    /// Values on the command line (a.b=1,c=2)
    #[arg(long, value_name = "VALUES")]
    pub(crate) set: Vec<String>,
    /// Values that are always text
    #[arg(long, value_name = "VALUES")]
    pub(crate) set_string: Vec<String>,
    /// Values from files (a.b=path)
    #[arg(long, value_name = "VALUES")]
    pub(crate) set_file: Vec<String>,
    /// Values as JSON (a.b={"c":1})
    #[arg(long, value_name = "VALUES")]
    pub(crate) set_json: Vec<String>,
    /// A text taken as it stands
    #[arg(long, value_name = "VALUE")]
    pub(crate) set_literal: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct HelmTemplate {
    /// [NAME] CHART
    #[arg(value_name = "NAME] [CHART", num_args = 1..=2, required = true)]
    pub(crate) name_and_chart: Vec<String>,
    #[command(flatten)]
    pub(crate) values: HelmValues,
    /// The release's namespace
    #[arg(short, long, env = "HELM_NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Only the manifests rendered from these templates
    #[arg(short, long, value_name = "PATH", value_delimiter = ',')]
    pub(crate) show_only: Vec<String>,
    /// Include the chart's CustomResourceDefinitions
    #[arg(long)]
    pub(crate) include_crds: bool,
    /// Leave out tests
    #[arg(long)]
    pub(crate) skip_tests: bool,
    /// Leave out hooks
    #[arg(long)]
    pub(crate) no_hooks: bool,
    /// The Kubernetes version for `.Capabilities`
    #[arg(long, value_name = "VERSION")]
    pub(crate) kube_version: Option<String>,
    /// More API versions for `.Capabilities`
    #[arg(short, long, value_name = "VERSIONS", value_delimiter = ',')]
    pub(crate) api_versions: Vec<String>,
    /// Render as for an upgrade
    #[arg(long)]
    pub(crate) is_upgrade: bool,
    /// Make up the release's name
    #[arg(short, long)]
    pub(crate) generate_name: bool,
    /// A template for the release's name
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) name_template: Option<String>,
    /// Put the release's name into the output folder's path
    #[arg(long)]
    pub(crate) release_name: bool,
    /// Write files into this folder instead of printing
    #[arg(long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
    /// Do not check values against the chart's schema
    #[arg(long)]
    pub(crate) skip_schema_validation: bool,
    /// Do not check templated objects against a Kubernetes OpenAPI schema (accepted for Helm's sake; nothing is checked here)
    #[arg(long)]
    pub(crate) disable_openapi_validation: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HelmList {
    /// The namespace
    #[arg(short, long, env = "HELM_NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// All namespaces
    #[arg(short = 'A', long)]
    pub(crate) all_namespaces: bool,
    /// Names only
    #[arg(short = 'q', long)]
    pub(crate) short: bool,
    /// table, json or yaml
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    pub(crate) output: HelmOutput,
    #[command(flatten)]
    pub(crate) cluster: HelmCluster,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum HelmOutput {
    #[default]
    Table,
    Json,
    Yaml,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HelmGet {
    /// The values that a release was given
    Values(HelmGetValues),
    /// The manifests of a release
    Manifest(HelmGetManifest),
}

#[derive(Debug, Args)]
pub(crate) struct HelmGetValues {
    /// The release
    pub(crate) name: String,
    /// All values, the chart's own too
    #[arg(short, long)]
    pub(crate) all: bool,
    /// The namespace
    #[arg(short, long, env = "HELM_NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// The revision [default: the latest]
    #[arg(long, value_name = "N")]
    pub(crate) revision: Option<u32>,
    /// table, json or yaml
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    pub(crate) output: HelmOutput,
    #[command(flatten)]
    pub(crate) cluster: HelmCluster,
}

#[derive(Debug, Args)]
pub(crate) struct HelmGetManifest {
    /// The release
    pub(crate) name: String,
    /// The namespace
    #[arg(short, long, env = "HELM_NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// The revision [default: the latest]
    #[arg(long, value_name = "N")]
    pub(crate) revision: Option<u32>,
    #[command(flatten)]
    pub(crate) cluster: HelmCluster,
}

/// The cluster, as Helm's flags and variables name it.
#[derive(Clone, Debug, Args)]
pub(crate) struct HelmCluster {
    /// The kubeconfig file
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context
    #[arg(long, value_name = "NAME", env = "HELM_KUBECONTEXT")]
    pub(crate) kube_context: Option<String>,
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
