//! `sutler simulator serve`: the simulated Kubernetes of a stack, for kubectl, Helm and other clients.

use std::path::PathBuf;

use anyhow::Context;
use sutler_simulator::{TimeMode as Time, kubeconfig};
use sutler_stack::load::load_stack;
use sutler_stack::session::{Session, store_path};
use tokio::net::TcpListener;

use crate::Outcome;
use crate::arguments::{Serve, SimulatorCommand, TimeMode};
use crate::failure::Failure;
use crate::{choose, printer};

pub(crate) async fn run(command: &SimulatorCommand) -> Result<Outcome, Failure> {
    match command {
        SimulatorCommand::Serve(arguments) => serve(arguments).await,
    }
}

async fn serve(arguments: &Serve) -> Result<Outcome, Failure> {
    let chosen = choose::stack(&arguments.stack);
    let (stack, folder) = load_stack(&chosen.file, chosen.environment.as_deref())?;
    let cluster = &stack.cluster.name;
    if !arguments.listen.ip().is_loopback() {
        return Err(Failure::new(format!("{} is not a loopback address", arguments.listen.ip()))
            .hint("the simulator speaks plain HTTP: listen on 127.0.0.1 or [::1]"));
    }
    let store = store_path(&folder, cluster);
    let session = Session::simulator(&store, cluster, "sutler simulator serve").await?;
    let Some(simulator) = session.simulator.clone() else {
        return Err(Failure::new(format!("the simulated cluster {cluster} is served already: {}", session.address)));
    };
    let listener =
        TcpListener::bind(arguments.listen).await.with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let address = format!("http://{}", listener.local_addr().context("cannot listen")?);
    let mut token = [0; 16];
    getrandom::fill(&mut token).map_err(|error| Failure::new(format!("the system gives no random bytes: {error}")))?;
    let token: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = arguments.kubeconfig.clone().unwrap_or_else(|| beside(&store));
    write_private(&path, &kubeconfig(&address, &token, cluster))?;
    printer::note(format!(
        "serving the simulated cluster {cluster} at {address}; no container runs in it. Ctrl-C ends it."
    ));
    printer::note("in another terminal:");
    printer::line(format!("export KUBECONFIG={}", std::fs::canonicalize(&path).unwrap_or(path.clone()).display()));
    let time = match arguments.time {
        TimeMode::Wall => Time::Wall,
        TimeMode::Fast => Time::Fast,
        TimeMode::Paused => Time::Paused,
    };
    let ended = simulator.serve(listener, &token, time, stop()).await;
    // The token in it is worth nothing any more.
    if let Err(error) = std::fs::remove_file(&path) {
        tracing::debug!(%error, "the kubeconfig was gone already");
    }
    ended.map_err(Failure::new)?;
    Ok(Outcome::Done)
}

fn beside(store: &std::path::Path) -> PathBuf {
    let mut path = store.as_os_str().to_owned();
    path.push(".kubeconfig");
    path.into()
}

/// Writes a file that only its user can read.
fn write_private(path: &std::path::Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| format!("cannot write `{}`", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(())
}

/// Ends on Ctrl-C and on the signal that service managers send.
async fn stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "cannot wait for Ctrl-C");
        std::future::pending::<()>().await;
    }
}
