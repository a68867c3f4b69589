//! The task `real`: the example on a real etcd, API server, controller-manager and scheduler, with nodes that kwok plays; and the task `node`:
//! a stack whose pods run, by a kubelet and containerd.
//!
//! `cluster` brings it all up and down, `machine` is where a real `node` lives, `image` makes what it runs. `story` and `node_story` are what a
//! user does there, with what must be true after each step; `tokens` is what a pod does with its token.

mod cluster;
pub(crate) mod image;
mod machine;
mod node;
mod node_story;
mod story;
mod tokens;

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{peers, process};
use cluster::{Cluster, Nodes};
use machine::Machine;

/// Runs the task; with `keep` the cluster stays up until Enter is typed, whatever came out.
pub(crate) fn task(root: &Path, keep: bool) -> Result<()> {
    told(root, Nodes::Played, keep)
}

/// Runs the task `node`: as [`task`], with a real node.
pub(crate) fn node_task(root: &Path, keep: bool) -> Result<()> {
    told(root, Nodes::Real, keep)
}

/// Why this machine cannot hold a node, if so: no root, another version of cgroups, no namespaces.
pub(crate) fn makes_no_node() -> Option<String> {
    Machine::make().err().map(|error| format!("{error:#}"))
}

fn told(root: &Path, nodes: Nodes, keep: bool) -> Result<()> {
    let missing = match nodes {
        Nodes::Played => peers::bring(root, true)?,
        Nodes::Real => peers::bring_node(root)?,
    };
    if let Some(part) = missing.first() {
        bail!("a part of the cluster is missing: {}: {}", part.name, part.reason);
    }
    process::run(process::cargo().args(["build", "--quiet", "--locked", "--package", "sutler"]).current_dir(root))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    let sutler = target.join("debug/sutler");

    let started = std::time::Instant::now();
    let mut cluster = Cluster::boot(root, nodes)?;
    println!("real: control plane and nodes ({}) ready in {:.1} s", cluster.nodes, started.elapsed().as_secs_f64());
    let told = match nodes {
        Nodes::Played => story::tell(&cluster, root, &sutler),
        Nodes::Real => node_story::tell(&mut cluster, &sutler),
    };
    if keep {
        if let Err(error) = &told {
            println!("real: {error:#}");
        }
        let kubectl = process::shown(&cluster.client("kubectl"));
        println!("real: KUBECONFIG={} {kubectl}; Enter ends the cluster", cluster.kubeconfig.display());
        std::io::stdin().read_line(&mut String::new()).context("could not read Enter")?;
    }
    if told.is_err() {
        println!("real: logs are kept in {}", cluster.keep_logs().display());
    }
    told
}
