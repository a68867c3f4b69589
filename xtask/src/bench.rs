//! The task `bench`: whole processes of the release build, measured against the real Helm in the same run; a Markdown table.
//!
//! Both programs take turns, so that a slow moment of the machine hits both; medians are compared, and the largest resident
//! memory. Python's `wait4` measures, since it tells the memory of exactly one child.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{peers, process};

/// How often each command line runs.
const ROUNDS: usize = 15;

/// Charts of the repository by the length of what they render to.
const CHARTS: [(&str, &str); 3] = [
    ("small", "crates/sutler-chart/tests/charts/starter"),
    ("middle", "charts/ray-static-cluster"),
    ("large", "charts/jupyterhub"),
];

/// Runs each command line of its first argument in turn, as often as the second says; prints seconds and KiB of each run.
const MEASURE: &str = "\
import json, os, subprocess, sys, time
lines, rounds = json.loads(sys.argv[1]), int(sys.argv[2])
found = [[] for _ in lines]
for _ in range(rounds):
    for place, line in zip(found, lines):
        start = time.monotonic()
        child = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        errors = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        place.append([time.monotonic() - start, usage.ru_maxrss])
        child.returncode = status
        if status:
            sys.exit(f'{line} ended with {status}: {errors.decode()[-2000:]}')
print(json.dumps(found))
";

/// Median seconds and greatest KiB of one command line's runs.
struct Measured {
    seconds: f64,
    kibibytes: u64,
}

/// Runs the task.
pub(crate) fn task(root: &Path) -> Result<()> {
    if let Some(part) = peers::bring(root, false)?.first() {
        bail!("there is nothing to measure against: {}: {}", part.name, part.reason);
    }
    let build = ["build", "--quiet", "--release", "--locked", "--package", "sutler"];
    process::run(process::cargo().args(build).current_dir(root))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    let sutler = target.join("release/sutler").display().to_string();
    let helm = peers::bin(root).join("helm").display().to_string();
    let state = tempfile::tempdir().context("could not make a folder")?;

    println!("| what | Sutler | Helm | ratio | memory of Sutler | of Helm |\n| --- | --- | --- | --- | --- | --- |");
    for (size, chart) in CHARTS {
        let chart = root.join(chart).display().to_string();
        let ours = [&sutler, "helm", "template", "bench", &chart].map(String::from).to_vec();
        let theirs = [&helm, "template", "bench", &chart].map(String::from).to_vec();
        let [ours, theirs] = &measure(root, state.path(), &[ours, theirs], ROUNDS)?[..] else {
            bail!("two command lines were measured, but not two came back");
        };
        println!(
            "| `helm template`, {size} chart | {:.1} ms | {:.1} ms | {:.2} | {:.1} MiB | {:.1} MiB |",
            ours.seconds * 1e3,
            theirs.seconds * 1e3,
            ours.seconds / theirs.seconds,
            mebibytes(ours),
            mebibytes(theirs)
        );
    }
    let example = root.join("examples/data-team").display().to_string();
    let up = [[&sutler, "up", &example].map(String::from).to_vec()];
    for (name, rounds) in [("a new cluster", 1), ("nothing to change", ROUNDS)] {
        for found in measure(root, state.path(), &up, rounds)? {
            println!(
                "| `up` of the example, simulated, {name} | {:.0} ms | | | {:.1} MiB | |",
                found.seconds * 1e3,
                mebibytes(&found)
            );
        }
    }
    Ok(())
}

fn mebibytes(measured: &Measured) -> f64 {
    measured.kibibytes as f64 / 1024.0
}

/// Runs the command lines in turn.
fn measure(root: &Path, state: &Path, lines: &[Vec<String>], rounds: usize) -> Result<Vec<Measured>> {
    let mut python = Command::new("python3");
    python.args(["-c", MEASURE, &serde_json::to_string(lines)?, &rounds.to_string()]);
    python.current_dir(root).env("SUTLER_STATE_DIR", state);
    let runs: Vec<Vec<(f64, u64)>> =
        serde_json::from_str::<Value>(&process::output(&mut python)?).and_then(serde_json::from_value)?;
    runs.into_iter()
        .map(|mut runs| {
            runs.sort_by(|a, b| a.0.total_cmp(&b.0));
            let seconds = runs.get(runs.len() / 2).context("nothing was measured")?.0;
            Ok(Measured { seconds, kibibytes: runs.iter().map(|run| run.1).max().unwrap_or_default() })
        })
        .collect()
}
