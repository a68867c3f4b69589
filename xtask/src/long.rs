//! The long suites of `cargo xtask test --real`: made-up templates, calls, charts, schemas and damaged input, for a given time
//! each, in a release build, against Go and Helm's own library.
//!
//! With `--real` the cases are the same each time, so that nobody's change is held up by a find that it did not make; with
//! `--long` they are new ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// How long each suite makes up cases, in seconds: about six minutes for all on two cores, and the build.
const SECONDS: &str = "45";

/// How many cases must have been compared, where the judges are there.
const LEAST: u64 = 100_000;

/// What `cargo test` is told: the binaries, and their tests that make up cases.
const ARGUMENTS: &[&str] = &[
    "test",
    "--release",
    "--locked",
    "--no-fail-fast",
    "-p",
    "sutler-template",
    "-p",
    "sutler-functions",
    "-p",
    "sutler-chart",
    "-p",
    "sutler-helm",
    "--test",
    "language",
    "--test",
    "agreement",
    "--test",
    "helm",
    "--test",
    "fuzz",
    "--",
    "--show-output",
    "generated_",
    "survive",
];

/// Where the counts of compared calls stand, for the table of functions: a function and a number a line.
const COUNTS: &str = "crates/sutler-functions/tests/cases/compared.tsv";

/// Runs the suites by `run`, which is given the command line and returns what the tests said in lines that begin with `compared`.
/// The cases follow from `SUTLER_SEED`, else from 1, or with `anew` from any seed. With `SUTLER_BLESS` set, the counts of
/// compared calls are written where the table of functions reads them.
pub(crate) fn task(
    root: &Path,
    anew: bool,
    cargo: impl Fn(&[&str]) -> Command,
    mut run: impl FnMut(&mut Command) -> Result<Vec<String>>,
) -> Result<()> {
    let counts = tempfile::tempdir().context("could not make a folder")?;
    let mut command = cargo(ARGUMENTS);
    command.env("SUTLER_COMPARED", counts.path());
    for (variable, value) in [("SUTLER_SECONDS", Some(SECONDS)), ("SUTLER_SEED", (!anew).then_some("1"))] {
        if let Some(value) = value.filter(|_| std::env::var_os(variable).is_none()) {
            command.env(variable, value);
        }
    }
    let lines = run(&mut command)?;
    lines.iter().for_each(|line| println!("xtask: {line}"));
    let total: u64 =
        lines.iter().filter_map(|line| line.strip_prefix("compared ")?.split(' ').next()?.parse::<u64>().ok()).sum();
    println!("xtask: {total} cases compared");
    if total < LEAST {
        bail!("only {total} cases were compared, {LEAST} are wanted");
    }
    if std::env::var_os("SUTLER_BLESS").is_some() {
        fs::write(root.join(COUNTS), gathered(counts.path())?).context("could not write the counts")?;
    }
    Ok(())
}

/// The counts of all suites, added up: one line a function, in the order of their names.
fn gathered(folder: &Path) -> Result<String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        for line in fs::read_to_string(entry?.path())?.lines() {
            let (name, count) = line.split_once('\t').context("a line of counts has a tab")?;
            *counts.entry(name.to_owned()).or_default() += count.parse::<u64>().context("a count is a number")?;
        }
    }
    Ok(counts.iter().map(|(name, count)| format!("{name}\t{count}\n")).collect())
}
