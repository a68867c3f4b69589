//! `sutler helm`: Helm's commands, with Helm's output.

mod get;
mod list;
mod template;

use kube::config::{KubeConfigOptions, Kubeconfig};
use sutler_stack::session::Session;

use crate::arguments::{Helm, HelmCluster, HelmGet};
use crate::failure::Failure;
use crate::{Outcome, block_on};

/// Helm's default namespace where the kubeconfig names none.
const DEFAULT_NAMESPACE: &str = "default";

pub(crate) fn run(command: Helm) -> Result<Outcome, Failure> {
    match command {
        // Rendering neither waits nor talks to anything: it gets no runtime.
        Helm::Template(arguments) => template::run(*arguments),
        Helm::List(arguments) => block_on(list::run(&arguments)),
        Helm::Get(HelmGet::Values(arguments)) => block_on(get::values(&arguments)),
        Helm::Get(HelmGet::Manifest(arguments)) => block_on(get::manifest(&arguments)),
    }
}

/// The cluster and the namespace that Helm's flags, variables and the kubeconfig name.
async fn open(cluster: &HelmCluster, namespace: Option<&str>) -> Result<(Session, String), Failure> {
    let kubeconfig = match &cluster.kubeconfig {
        Some(path) => Some(Kubeconfig::read_from(path).map_err(|error| unreachable_cluster(&error))?),
        None => None,
    };
    let options = KubeConfigOptions { context: cluster.kube_context.clone(), ..KubeConfigOptions::default() };
    let config = match kubeconfig {
        Some(kubeconfig) => kube::Config::from_custom_kubeconfig(kubeconfig, &options).await,
        None => kube::Config::from_kubeconfig(&options).await,
    };
    let config = config.map_err(|error| unreachable_cluster(&error))?;
    let namespace = match namespace {
        Some(namespace) => namespace.to_owned(),
        None if config.default_namespace.is_empty() => DEFAULT_NAMESPACE.to_owned(),
        None => config.default_namespace.clone(),
    };
    Ok((Session::of_config(config)?, namespace))
}

fn unreachable_cluster(error: &kube::config::KubeconfigError) -> Failure {
    Failure::new(format!("Kubernetes cluster unreachable: {error}"))
}
