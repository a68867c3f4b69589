//! The task `bench`: Sutler's libraries against Helm's, case by case, and then whole processes, in one run; tables of medians.
//!
//! Both sides are programs that answer requests (`bench/README.md`). They take turns, so that a slow moment of the machine hits
//! both, and each must make what the other makes.

mod cases;
mod generated;
mod index;
mod side;
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{peers, process};
use cases::Case;
use side::Side;
use table::{Pair, Row, Times};

/// How often each case is measured, unless `--rounds` says otherwise.
const ROUNDS: usize = 15;

/// For how long a side works at a case in one round, about: long against the clock's and the scheduler's steps.
const SLICE: u64 = 10_000_000;

/// The group of whole renderings.
const TEMPLATE: &str = "processes: helm template";

/// The group of searches in a large index.
const INDEX: &str = "processes: a repository's index of 20 MB";

/// What is asked of the repository, by name.
const INDEX_CASES: [(&str, &[&str]); 3] = [
    ("search by a name", &["search", "repo", index::CHART]),
    ("search, all versions in a range", &["search", "repo", index::CHART, "--versions", "--version", "~1.2"]),
    ("resolve a range and read the chart", &["show", "chart", index::REFERENCE, "--version", "^1.0"]),
];

/// What was asked for on the command line.
struct Wanted {
    rounds: usize,
    json: bool,
    /// Only cases whose group and name contain this.
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

    fn has(&self, group: &str, name: &str) -> bool {
        format!("{group}: {name}").contains(&self.only)
    }
}

/// Runs the task.
pub(crate) fn task(root: &Path, words: &[String]) -> Result<()> {
    let wanted = Wanted::parse(words)?;
    if let Some(part) = peers::bring(root, false)?.first() {
        bail!("there is nothing to measure against: {}: {}", part.name, part.reason);
    }
    let packages =
        ["build", "--quiet", "--profile", "dist", "--locked", "--package", "sutler", "--package", "sutler-bench"];
    process::run(process::cargo().args(packages).current_dir(root))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    let judge = build_judge(root, &target)?;
    let scratch = tempfile::tempdir().context("could not make a folder")?;
    let charts = charts(root, scratch.path(), wanted.charts.as_deref())?;

    let measurer = target.join("dist/sutler-bench");
    let mut ours = Side::start(Command::new(&measurer))?;
    let mut theirs = Side::start(Command::new(judge))?;
    let mut rows = Vec::new();
    for case in cases::all(&charts).into_iter().filter(|case| wanted.has(case.group, &case.name)) {
        let row = compare(&mut ours, &mut theirs, &case, wanted.rounds)?;
        eprintln!("{}", row.told());
        rows.push(row);
    }
    drop((ours, theirs));
    // A new one, which holds nothing yet: a process begins with the memory of the one that starts it.
    let mut starter = Side::start(Command::new(&measurer))?;
    let programs = Programs {
        ours: target.join("dist/sutler").display().to_string(),
        theirs: peers::bin(root).join("helm").display().to_string(),
    };
    for (name, chart) in charts.iter().filter(|(name, _)| wanted.has(TEMPLATE, name)) {
        let words = ["template", "bench", &chart.display().to_string()].map(str::to_owned);
        let is_random = cases::is_random(name);
        let row = programs.compare(&mut starter, (TEMPLATE, name), &words, &json!({}), is_random, wanted.rounds)?;
        eprintln!("{}", row.told());
        rows.push(row);
    }
    if INDEX_CASES.iter().any(|(name, _)| wanted.has(INDEX, name)) {
        let environment = programs.repository(root, scratch.path())?;
        for (name, words) in INDEX_CASES.iter().filter(|(name, _)| wanted.has(INDEX, name)) {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            let row = programs.compare(&mut starter, (INDEX, name), &words, &environment, false, wanted.rounds)?;
            eprintln!("{}", row.told());
            rows.push(row);
        }
    }
    if wanted.json {
        println!("{}", table::json(&rows));
    } else {
        println!("{}{}", machine(root)?, table::markdown(&rows));
    };
    if wanted.only.is_empty() && !wanted.json {
        up(&mut starter, root, &programs.ours, wanted.rounds)?;
    }
    Ok(())
}

/// What was measured, and on what: the line above the tables.
fn machine(root: &Path) -> Result<String> {
    let output = |program: &str, words: &[&str]| process::output(Command::new(program).args(words).current_dir(root));
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown model");
    Ok(format!(
        "{}; {processors} processors ({}); {}; Helm {}; commit {}\n",
        output("date", &["-u", "+%Y-%m-%d"])?.trim(),
        model.trim_start_matches([':', ' ', '\t']),
        output("rustc", &["--version"])?.trim(),
        output(&peers::bin(root).join("helm").display().to_string(), &["version", "--short"])?.trim(),
        output("git", &["rev-parse", "--short", "HEAD"])?.trim(),
    ))
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
    let mut digests = Vec::new();
    let mut repetitions = [1, 1];
    for (side, repetitions) in [&mut *ours, &mut *theirs].into_iter().zip(&mut repetitions) {
        digests.push(side.prepare(case)?);
        while side.run(case, *repetitions)?.wall < SLICE && *repetitions < 1 << 14 {
            *repetitions *= 2;
        }
    }
    if !case.is_random && digests[0] != digests[1] {
        bail!("{}: the two sides do not make the same", case.name);
    }
    let mut times = <[Times; 2]>::default();
    for _ in 0..rounds {
        for ((side, times), repetitions) in [&mut *ours, &mut *theirs].into_iter().zip(&mut times).zip(repetitions) {
            times.push(side.run(case, repetitions)?, (repetitions * case.units) as f64);
        }
    }
    // How long a key takes is a matter of luck: there the mean says more.
    Ok(Row::new(case.group, &case.name, times, case.is_key))
}

/// The two programs, by their paths.
struct Programs {
    ours: String,
    theirs: String,
}

impl Programs {
    /// Measures one command line of Helm's, by turns; what is written must be the same, unless it is random.
    fn compare(
        &self,
        side: &mut Side,
        (group, name): (&'static str, &str),
        words: &[String],
        environment: &Value,
        is_random: bool,
        rounds: usize,
    ) -> Result<Row> {
        let lines = [vec![self.ours.clone(), "helm".to_owned()], vec![self.theirs.clone()]];
        let lines = lines.map(|mut line| {
            line.extend_from_slice(words);
            line
        });
        let mut times = <[Times; 2]>::default();
        let mut memory = [0, 0];
        for round in 0..=rounds {
            let mut digests = Vec::new();
            for ((line, times), memory) in lines.iter().zip(&mut times).zip(&mut memory) {
                let process = side.start_process(line, environment)?;
                digests.push(process.digest);
                // The first round brings the program's file into memory.
                if round > 0 {
                    times.push(process.time, 1.0);
                    *memory = process.memory.max(*memory);
                }
            }
            if !is_random && digests[0] != digests[1] {
                bail!("{name}: the two programs do not write the same");
            }
        }
        let memory = Pair { ours: memory[0] as f64, theirs: memory[1] as f64 };
        Ok(Row { memory: Some(memory), ..Row::new(group, name, times, false) })
    }

    /// Makes a repository with a large index; the variables by which both find it.
    fn repository(&self, root: &Path, scratch: &Path) -> Result<Value> {
        let starter = root.join("crates/sutler-chart/tests/charts/starter");
        let mut package = Command::new(&self.theirs);
        process::output(package.args(["package", "--destination"]).arg(scratch).arg(starter))?;
        let package = std::fs::read_dir(scratch)
            .with_context(|| format!("cannot list `{}`", scratch.display()))?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|ending| ending == "tgz"))
            .context("helm packaged nothing")?;
        index::write(scratch, &package)?;
        let folder = |name: &str| scratch.join(name).display().to_string();
        Ok(json!({
            "HELM_CONFIG_HOME": folder("config"), "HELM_CACHE_HOME": folder("cache"), "HELM_DATA_HOME": folder("data"),
        }))
    }
}

/// `up` of the example on the simulator, which Helm has no like of.
fn up(side: &mut Side, root: &Path, sutler: &str, rounds: usize) -> Result<()> {
    let state = tempfile::tempdir().context("could not make a folder")?;
    let example = root.join("examples/data-team").display().to_string();
    let environment = json!({"SUTLER_STATE_DIR": state.path()});
    let line = [sutler, "up", &example].map(str::to_owned);
    println!("\n| `up` of the example, simulated | Sutler |\n| --- | ---: |");
    let first = side.start_process(&line, &environment)?;
    println!("| a new cluster | {} |", table::shown(first.time.wall as f64));
    let times = (0..rounds).map(|_| Ok(side.start_process(&line, &environment)?.time.wall as f64));
    println!("| nothing to change | {} |", table::shown(table::median(times.collect::<Result<_>>()?)));
    Ok(())
}
