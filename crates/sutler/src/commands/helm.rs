//! Helm's commands: the library has all that need no cluster, and is handed those that do.

mod get;
mod list;

use std::io::Write as _;
use std::process::ExitCode;

use kube::config::{KubeConfigOptions, Kubeconfig};
use sutler_helm::{ClusterCommands, Invocation, Io, Settings, StartedAs};
use sutler_stack::session::Session;

use crate::block_on;
use crate::failure::Failure;
use crate::printer;

/// Does what the words say.
pub(crate) fn run(words: &[String], started_as: StartedAs) -> ExitCode {
    ExitCode::from(exit_code(words, started_as))
}

/// Does what the words say, and tells the exit code.
pub(crate) fn exit_code(words: &[String], started_as: StartedAs) -> u8 {
    let mut seed = [0; 32];
    if let Err(error) = getrandom::fill(&mut seed) {
        printer::note(format!("Error: the system gives no random bytes: {error}"));
        return 1;
    }
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let mut stdout = std::io::BufWriter::new(std::io::stdout().lock());
    let mut io = Io {
        stdin: &mut std::io::stdin().lock(),
        stdout: &mut stdout,
        stderr: &mut std::io::stderr().lock(),
        folder: std::env::current_dir().unwrap_or_default(),
        program: std::env::args_os().next().map(text).unwrap_or_default(),
        variables: std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect(),
        now: jiff::Timestamp::now(),
        seed,
        compatibility: Default::default(),
    };
    let code = sutler_helm::run(words, started_as, &mut io, &mut Cluster);
    // A reader that went away wants no more.
    drop(stdout.flush());
    code
}

/// The cluster that Helm's settings name.
struct Cluster;

impl ClusterCommands for Cluster {
    fn run(&mut self, call: &Invocation, io: &mut Io<'_>) -> Result<(), sutler_helm::Failure> {
        let done = match call.name().as_str() {
            "list" => block_on(list::run(call, io)),
            "get values" => block_on(get::values(call, io)),
            "get manifest" => block_on(get::manifest(call, io)),
            _ => return Err(sutler_helm::Failure::not_available(&call.command_path())),
        };
        done.map_err(|failure| sutler_helm::Failure {
            text: printer::chain(failure.error.as_ref()),
            hints: failure.hint.into_iter().collect(),
            exit_code: 1,
            silent: false,
        })
    }
}

/// The cluster and the namespace that Helm's flags, variables and the kubeconfig name.
async fn open(settings: &Settings, io: &Io<'_>) -> Result<(Session, String), Failure> {
    let options = KubeConfigOptions {
        context: Some(settings.kube_context.clone()).filter(|name| !name.is_empty()),
        ..KubeConfigOptions::default()
    };
    let config = if settings.kubeconfig.is_empty() {
        kube::Config::from_kubeconfig(&options).await
    } else {
        let kubeconfig = Kubeconfig::read_from(&settings.kubeconfig).map_err(|error| unreachable_cluster(&error))?;
        kube::Config::from_custom_kubeconfig(kubeconfig, &options).await
    };
    let config = config.map_err(|error| unreachable_cluster(&error))?;
    Ok((Session::of_config(config)?, settings.namespace(&io.variables)))
}

fn unreachable_cluster(error: &kube::config::KubeconfigError) -> Failure {
    Failure::new(format!("kubernetes cluster unreachable: {error}"))
}
