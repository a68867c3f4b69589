//! What a user does with the example on the real control plane, and what must be true after each step.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::cluster::Cluster;
use super::tokens;
use crate::process;

/// Longest time that one command of Sutler may take, for `timeout`.
const LIMIT: &str = "600";

/// The example in a folder of its own, and the binary that is tried.
struct User<'a> {
    cluster: &'a Cluster,
    sutler: &'a Path,
    folder: tempfile::TempDir,
}

/// Tells the story; the first thing that is not as it must be is the error.
pub(crate) fn tell(cluster: &Cluster, root: &Path, sutler: &Path) -> Result<()> {
    let folder = tempfile::tempdir().context("could not make a folder")?;
    copy(&root.join("examples/data-team"), &folder.path().join("data-team"))?;
    let user = User { cluster, sutler, folder };

    user.stack("up", &["--yes"])?;
    placed(cluster)?;
    println!("real: workers and autoscaler are where they belong");
    tokens::exchanged(cluster, root)?;
    let again = user.stack("up", &["--yes"])?;
    ensure!(again.contains("Nothing changed"), "a second `up` says:\n{again}");
    user.stack("plan", &[])?;
    user.agrees_with_helm()?;
    user.stack("down", &["--yes"])?;
    let left = process::output(cluster.client("helm").args(["list", "-A", "-q"]))?;
    ensure!(left.trim().is_empty(), "after `down` the real Helm lists:\n{left}");
    println!("real: the example came up, agreed with the real Helm, and went down");
    Ok(())
}

impl User<'_> {
    /// Runs a command on the example; must end with 0. Returns all it printed.
    fn stack(&self, command: &str, arguments: &[&str]) -> Result<String> {
        let started = Instant::now();
        let example = self.folder.path().join("data-team");
        let text = self.sutler(&[&[command, &example.display().to_string(), "-e", "real"], arguments].concat())?;
        println!("real: `sutler {command}` took {:.1} s", started.elapsed().as_secs_f64());
        Ok(text)
    }

    /// Runs Sutler with a time limit; must end with 0. Returns stdout and then stderr.
    fn sutler(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=10", LIMIT]).arg(self.sutler).args(arguments);
        self.cluster.dress(&mut command);
        command.env("SUTLER_STATE_DIR", self.folder.path().join("state"));
        let found = command.stdin(Stdio::null()).output().context("could not start sutler")?;
        let (stdout, stderr) = (String::from_utf8_lossy(&found.stdout), String::from_utf8_lossy(&found.stderr));
        if !found.status.success() {
            let tail = process::last_lines(&format!("{stdout}{stderr}"), 60);
            bail!("`sutler {}` ended with {}:\n{tail}", arguments.join(" "), found.status);
        }
        Ok(format!("{stdout}{stderr}"))
    }

    /// Both tools tell the same of every release.
    fn agrees_with_helm(&self) -> Result<()> {
        let list: Value = serde_json::from_str(&self.same(&["list", "-A", "-o", "json"])?)?;
        let releases = list.as_array().context("`helm list -o json` printed no list")?;
        let name = |release: &Value, key: &str| release[key].as_str().unwrap_or_default().to_string();
        let found: BTreeSet<String> = releases.iter().map(|release| name(release, "name")).collect();
        let expected = ["cluster-autoscaler", "default", "jupyterhub"].map(String::from).into();
        ensure!(found == expected, "the real Helm lists {found:?}");
        for release in releases {
            ensure!(release["status"] == "deployed", "the real Helm lists {release}");
            let (release, namespace) = (name(release, "name"), name(release, "namespace"));
            for command in [["get", "values"], ["get", "manifest"]] {
                let [get, what] = command;
                self.same(&[get, what, &release, "-n", &namespace])?;
            }
        }
        println!("real: helm list, get values and get manifest agree on {} releases", releases.len());
        Ok(())
    }

    /// What the real Helm prints, which Sutler must print as well.
    fn same(&self, arguments: &[&str]) -> Result<String> {
        let theirs = process::output(self.cluster.client("helm").args(arguments))?;
        let mut command = Command::new(self.sutler);
        self.cluster.dress(&mut command);
        let ours = process::output(command.arg("helm").args(arguments))?;
        ensure!(ours == theirs, "`helm {}` differs; the real one:\n{theirs}\nours:\n{ours}", arguments.join(" "));
        Ok(theirs)
    }
}

/// Four Ray workers run on four nodes of their pool, the autoscaler on its own.
fn placed(cluster: &Cluster) -> Result<()> {
    let nodes_of = |dedicated: &str| -> Result<BTreeSet<String>> {
        let nodes = cluster.objects(&["get", "nodes", "-l", &format!("dedicated={dedicated}")])?;
        Ok(nodes.iter().filter_map(|node| node["metadata"]["name"].as_str().map(String::from)).collect())
    };
    let pods = |namespace: &str, part: &str| -> Result<Vec<(String, String)>> {
        let pods = cluster.objects(&["get", "pods", "-n", namespace])?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let named = pods.iter().map(|pod| (text(&pod["metadata"]["name"]), text(&pod["spec"]["nodeName"])));
        Ok(named.filter(|(name, _)| name.contains(part)).collect())
    };
    let workers = pods("ray", "worker")?;
    let on: BTreeSet<String> = workers.iter().map(|(_, node)| node.clone()).collect();
    ensure!(workers.len() == 4 && on == nodes_of("ray")?, "the Ray workers are on {workers:?}");
    let autoscaler = pods("kube-system", "autoscaler")?;
    let place = nodes_of("clusterAutoscaler")?;
    ensure!(
        !autoscaler.is_empty() && autoscaler.iter().all(|(_, node)| place.contains(node)),
        "the autoscaler is on {autoscaler:?}"
    );
    Ok(())
}

/// Copies a folder, but for what Sutler wrote beside the stack.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("could not make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("could not read {}", from.display()))? {
        let entry = entry?;
        let goal = to.join(entry.file_name());
        if entry.file_name() == ".sutler" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &goal)?;
        } else {
            fs::copy(entry.path(), &goal).with_context(|| format!("could not copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}
