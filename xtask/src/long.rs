//! The long suites of `cargo xtask test --real` and `--long`: made-up templates, calls, charts, schemas and damaged input, in a
//! release build, against Go and Helm's own library.
//!
//! With `--real` the cases are the same each time, in kind and in number, so that nobody's change is held up by a find that it did
//! not make; with `--long` they are new ones, as many as there is time for.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// How long each suite of `--long` makes up cases, in seconds: about eight minutes for all on two cores, and the build.
const SECONDS: &str = "45";

/// How many cases must have been compared, where the judges are there.
const LEAST: u64 = 100_000;

/// A binary of tests that makes up cases, and how each of its suites is told how much is wanted with `--real`.
struct Suite {
    binary: &'static str,
    amount: (&'static str, &'static str),
}

const SUITES: [Suite; 4] = [
    Suite { binary: "language", amount: ("SUTLER_CASES", "20000") },
    Suite { binary: "agreement", amount: ("SUTLER_CASES", "26500") },
    Suite { binary: "helm", amount: ("SUTLER_CASES", "1000") },
    // Damaged input is compared with nobody: it must be survived, for a time.
    Suite { binary: "fuzz", amount: ("SUTLER_SECONDS", "5") },
];

/// What `cargo test` is told before the binary: all packages together, so that their dependencies are built once.
const ARGUMENTS: [&str; 12] = [
    "test",
    "--release",
    "--locked",
    "-p",
    "sutler-template",
    "-p",
    "sutler-functions",
    "-p",
    "sutler-chart",
    "-p",
    "sutler-helm",
    "--test",
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
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    for Suite { binary, amount } in SUITES {
        let mut command = cargo(&ARGUMENTS);
        command.args([binary, "--", "--show-output", "generated_", "survive"]).env("SUTLER_COMPARED", counts.path());
        let wanted = if anew { [("SUTLER_SECONDS", SECONDS)].to_vec() } else { vec![amount, ("SUTLER_SEED", "1")] };
        for (variable, value) in wanted.into_iter().filter(|(variable, _)| std::env::var_os(variable).is_none()) {
            command.env(variable, value);
        }
        match run(&mut command) {
            Ok(found) => lines.extend(found),
            Err(error) => failed.push(format!("{binary}: {error:#}")),
        }
    }
    lines.iter().for_each(|line| println!("xtask: {line}"));
    if !failed.is_empty() {
        bail!("{}", failed.join("; "));
    }
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
