//! The tasks of the repository, run as `cargo xtask TASK`: bringing the real parts that judge us, testing, measuring.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for developers that talks to the terminal")]

mod bench;
mod browser;
mod long;
mod peers;
mod process;
mod publish;
mod real;
mod semver;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask TASK

  peers [--real] [--require]   bring helm, helm3, kubectl and docker-registry; with --real also the judges on Helm's
                               library and a control plane (built by Go)
  test [--real] [--long]       format, lints and all tests; with --real also the example on a real control plane, a stack on a
                               real node, and the long suites against Helm's library; with --long these make up new cases each time
  real [--keep]                only the example on the real control plane; --keep leaves the cluster up until Enter
  node [--keep]                a cluster with one real node (containerd, kubelet, kube-proxy), in a network of its own, and a
                               stack whose pods run there; needs root, and cgroups of the first version
  browser                      the example in examples/browser as one page, target/browser/index.html
  semver [REVISION]            the public interfaces of the library crates against those of a git revision (the last tag,
                               or the commit before), by cargo-semver-checks
  publish-check                the library crates packaged and built as crates.io would get them; nothing is sent
  bench [-o json] [--rounds N] [--charts DIR] [--only TEXT]
                               Sutler's libraries and processes, release build, against Helm's: tables";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<()> {
    let Some((task, flags)) = words.split_first() else { bail!("{USAGE}") };
    if task == "semver" {
        return match flags {
            [] => semver::task(&workspace_root(), None),
            [revision] => semver::task(&workspace_root(), Some(revision)),
            _ => bail!("`semver` takes one revision\n{USAGE}"),
        };
    }
    let allowed: &[&str] = match task.as_str() {
        "peers" => &["--real", "--require"],
        "test" => &["--real", "--long"],
        "real" | "node" => &["--keep"],
        // It reads its flags, which have values, itself.
        "bench" => return bench::task(&workspace_root(), flags),
        "browser" | "publish-check" => &[],
        "-h" | "--help" | "help" => {
            println!("{USAGE}");
            return Ok(());
        }
        other => bail!("there is no task `{other}`\n{USAGE}"),
    };
    if let Some(flag) = flags.iter().find(|flag| !allowed.contains(&flag.as_str())) {
        bail!("`{task}` takes no `{flag}`\n{USAGE}");
    }
    let has = |flag: &str| flags.iter().any(|given| given == flag);
    let root = workspace_root();
    match task.as_str() {
        "peers" => peers::task(&root, has("--real"), has("--require")),
        "real" => real::task(&root, has("--keep")),
        "node" => real::node_task(&root, has("--keep")),
        "browser" => browser::task(&root),
        "publish-check" => publish::task(&root),
        _ => test::task(&root, has("--real"), has("--long")),
    }
}

/// The folder that holds the workspace's Cargo.toml.
fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
