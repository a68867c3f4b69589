//! The task `bench`: Sutler's libraries against Helm's, case by case, and then whole processes, in one run; tables of medians.
//!
//! Both sides are programs that answer requests (`bench/README.md`). They take turns, so that a slow moment of the machine hits
//! both, and each must make what the other makes.

mod cases;
mod generated;
mod side;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{peers, process};
use cases::Case;
use side::Side;

/// How often each case is measured, unless `--rounds` says otherwise.
const ROUNDS: usize = 15;

/// For how long a side works at a case in one round, about: long against the clock's and the scheduler's steps.
const SLICE: u64 = 10_000_000;

/// What was asked for on the command line.
struct Wanted {
    rounds: usize,
    json: bool,
    /// Only cases whose name contains this.
    only: String,
    /// A folder with more charts.
    charts: Option<PathBuf>,
}

impl Wanted {
    fn parse(words: &[String]) -> Result<Wanted> {
        let mut wanted = Wanted { rounds: ROUNDS, json: false, only: String::new(), charts: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("`{word}` needs a value"));
            match word.as_str() {
                "-o" => wanted.json = value()? == "json",
                "--rounds" => wanted.rounds = value()?.parse().context("`--rounds` takes a number")?,
                "--charts" => wanted.charts = Some(value()?.into()),
                "--only" => wanted.only.clone_from(value()?),
                other => bail!("`bench` takes no `{other}`"),
            }
        }
        Ok(wanted)
    }
}

/// One line of the tables; times in nanoseconds, memory in bytes.
struct Row {
    group: &'static str,
    name: String,
    ours: f64,
    theirs: f64,
    memory: Option<(u64, u64)>,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.theirs / self.ours
    }
}

/// Runs the task.
pub(crate) fn task(root: &Path, words: &[String]) -> Result<()> {
    let wanted = Wanted::parse(words)?;
    if let Some(part) = peers::bring(root, false)?.first() {
        bail!("there is nothing to measure against: {}: {}", part.name, part.reason);
    }
    let packages = ["build", "--quiet", "--release", "--locked", "--package", "sutler", "--package", "sutler-bench"];
    process::run(process::cargo().args(packages).current_dir(root))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    let judge = build_judge(root, &target)?;
    let scratch = tempfile::tempdir().context("could not make a folder")?;
    let charts = charts(root, scratch.path(), wanted.charts.as_deref())?;

    let mut ours = Side::start(Command::new(target.join("release/sutler-bench")))?;
    let mut theirs = Side::start(Command::new(judge))?;
    let mut rows = Vec::new();
    for case in cases::all(&charts).into_iter().filter(|case| case.name.contains(&wanted.only)) {
        if !wanted.json {
            eprintln!("{}: {}", case.group, case.name);
        }
        rows.push(compare(&mut ours, &mut theirs, &case, wanted.rounds)?);
    }
    let helm = peers::bin(root).join("helm").display().to_string();
    let sutler = target.join("release/sutler").display().to_string();
    for (name, chart) in charts.iter().filter(|(name, _)| name.contains(&wanted.only)) {
        let chart = chart.display().to_string();
        let line = |program: &str| json!([program, "template", "bench", chart]);
        let our_line = json!([sutler, "helm", "template", "bench", chart]);
        rows.push(processes(&mut ours, name, &our_line, &line(&helm), wanted.rounds)?);
    }
    if wanted.json {
        print_json(&rows)
    } else {
        print_tables(&rows)
    };
    if wanted.only.is_empty() && !wanted.json {
        up(&mut ours, root, &sutler, wanted.rounds)?;
    }
    Ok(())
}

/// Builds the program on Helm's library: by the toolchain that built Helm, or by the machine's where that cannot be had.
fn build_judge(root: &Path, target: &Path) -> Result<PathBuf> {
    let program = target.join("bench-helm-library");
    let go = || {
        let mut go = Command::new("go");
        go.current_dir(root.join("bench/go"));
        go
    };
    let has_toolchain = process::output(go().args(["version"]).env("GOTOOLCHAIN", peers::JUDGE_TOOLCHAIN)).is_ok();
    let mut build = go();
    build.args(["build", "-buildvcs=false", "-trimpath", "-o"]).arg(&program).arg(".");
    if has_toolchain {
        build.env("GOTOOLCHAIN", peers::JUDGE_TOOLCHAIN);
    } else {
        eprintln!("{} is not to be had: the machine's own Go builds Helm's library", peers::JUDGE_TOOLCHAIN);
    }
    process::run(&mut build).context("could not build the program on Helm's library")?;
    Ok(program)
}

/// The charts to measure with, by name: small, middle, large, a generated one, and those of `more`.
fn charts(root: &Path, scratch: &Path, more: Option<&Path>) -> Result<Vec<(String, PathBuf)>> {
    let mut charts = vec![
        ("small (starter)".to_owned(), root.join("crates/sutler-chart/tests/charts/starter")),
        ("middle (ray-static-cluster)".to_owned(), root.join("charts/ray-static-cluster")),
        ("large (jupyterhub)".to_owned(), root.join("charts/jupyterhub")),
    ];
    let generated = scratch.join("generated");
    generated::write(&generated)?;
    charts.push(("generated (60 templates)".to_owned(), generated));
    if let Some(folder) = more {
        let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))?;
        let mut found: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
        found.retain(|path| path.join("Chart.yaml").is_file());
        found.sort();
        charts.extend(found.into_iter().map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, path)
        }));
    }
    Ok(charts)
}

/// Measures one case on both sides, by turns.
fn compare(ours: &mut Side, theirs: &mut Side, case: &Case, rounds: usize) -> Result<Row> {
    let mut times = [Vec::new(), Vec::new()];
    let mut digests = Vec::new();
    let mut repetitions = [1, 1];
    for (side, repetitions) in [&mut *ours, &mut *theirs].into_iter().zip(&mut repetitions) {
        digests.push(side.prepare(case)?);
        while side.run(case, *repetitions)? < SLICE && *repetitions < 1 << 14 {
            *repetitions *= 2;
        }
    }
    if !case.is_random && digests[0] != digests[1] {
        bail!("{}: the two sides do not make the same", case.name);
    }
    for _ in 0..rounds {
        for ((side, times), repetitions) in [&mut *ours, &mut *theirs].into_iter().zip(&mut times).zip(repetitions) {
            let per_run = side.run(case, repetitions)? as f64 / repetitions as f64;
            times.push(per_run / case.units as f64);
        }
    }
    // How long a key takes is a matter of luck: there the mean says more.
    let [ours, theirs] = times.map(|times| if case.is_key { mean(&times) } else { median(times) });
    Ok(Row { group: case.group, name: case.name.clone(), ours, theirs, memory: None })
}

fn processes(side: &mut Side, name: &str, ours: &Value, theirs: &Value, rounds: usize) -> Result<Row> {
    let mut times = [Vec::new(), Vec::new()];
    let mut memory = [0, 0];
    for round in 0..=rounds {
        for ((line, times), memory) in [ours, theirs].into_iter().zip(&mut times).zip(&mut memory) {
            let (nanoseconds, peak) = side.start_process(line)?;
            // The first round brings the program's file into memory.
            if round > 0 {
                times.push(nanoseconds as f64);
                *memory = peak.max(*memory);
            }
        }
    }
    let [ours, theirs] = times.map(median);
    let name = name.to_owned();
    Ok(Row { group: "processes: helm template", name, ours, theirs, memory: Some((memory[0], memory[1])) })
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn mean(times: &[f64]) -> f64 {
    times.iter().sum::<f64>() / times.len() as f64
}

fn print_tables(rows: &[Row]) {
    let mut group = "";
    for row in rows {
        if row.group != group {
            group = row.group;
            let memory = if row.memory.is_some() { " memory of Sutler | of Helm | share |" } else { "" };
            let line = if row.memory.is_some() { " ---: | ---: | ---: |" } else { "" };
            println!("\n| {group} | Sutler | Helm | times as fast |{memory}\n| --- | ---: | ---: | ---: |{line}");
        }
        let memory = row.memory.map(|(ours, theirs)| {
            let mebibytes = |bytes: u64| bytes as f64 / 1_048_576.0;
            format!(
                " {:.1} MiB | {:.1} MiB | 1/{:.1} |",
                mebibytes(ours),
                mebibytes(theirs),
                theirs as f64 / ours as f64
            )
        });
        let memory = memory.unwrap_or_default();
        println!("| {} | {} | {} | {:.1} |{memory}", row.name, shown(row.ours), shown(row.theirs), row.ratio());
    }
}

/// Nanoseconds in the unit that suits them.
fn shown(nanoseconds: f64) -> String {
    match nanoseconds {
        time if time < 1e3 => format!("{time:.0} ns"),
        time if time < 1e6 => format!("{:.2} µs", time / 1e3),
        time => format!("{:.2} ms", time / 1e6),
    }
}

fn print_json(rows: &[Row]) {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let memory = row.memory.map(|(ours, theirs)| json!({"sutler": ours, "helm": theirs}));
            json!({
                "group": row.group, "name": row.name, "ratio": row.ratio(),
                "nanoseconds": {"sutler": row.ours, "helm": row.theirs}, "bytes": memory,
            })
        })
        .collect();
    println!("{}", Value::from(rows));
}

/// `up` of the example on the simulator, which Helm has no like of.
fn up(side: &mut Side, root: &Path, sutler: &str, rounds: usize) -> Result<()> {
    let state = tempfile::tempdir().context("could not make a folder")?;
    let example = root.join("examples/data-team").display().to_string();
    let folder = format!("SUTLER_STATE_DIR={}", state.path().display());
    let line = json!(["env", folder, sutler, "up", example]);
    println!("\n| `up` of the example, simulated | Sutler |\n| --- | ---: |");
    let (first, _) = side.start_process(&line)?;
    println!("| a new cluster | {} |", shown(first as f64));
    let times: Result<Vec<f64>> = (0..rounds).map(|_| Ok(side.start_process(&line)?.0 as f64)).collect();
    println!("| nothing to change | {} |", shown(median(times?)));
    Ok(())
}
