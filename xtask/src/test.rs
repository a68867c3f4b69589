//! The task `test`: format, lints, all tests with the real Helm and kubectl as judges, and what was skipped, by name.
//!
//! A test that lacks its judge prints a line that begins with `skipped` and passes. The lines are read from the output of the
//! tests, said again at the end, and are a failure in CI (`CI` set) unless the test is one that only runs when asked to, or its judge
//! is one that no package registry has.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{peers, process};

/// What is in the line of a test that runs only when it is asked for: by charts of one's own, to record a judge's answers anew.
const ASKED_FOR: &[&str] = &["SUTLER_CHARTS", "SUTLER_JUDGE ", "scheduler-judge", "cargo xtask browser"];

/// What is in the line of a test whose judge no package registry has: a machine has it or not.
const OF_THE_MACHINE: &[&str] =
    &["this machine's Terraform: ", "this machine makes no node: ", "no helmfile (SUTLER_HELMFILE)"];

/// A test that did not do what it is for, and its own words why.
#[derive(Debug, PartialEq, Eq)]
struct Skip {
    test: String,
    reason: String,
}

/// Runs the task; with `real` the example on a real control plane, a stack on a real node and the long suites too, with `long` these with new
/// cases.
pub(crate) fn task(root: &Path, real: bool, long: bool) -> Result<()> {
    let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    let missing = peers::bring(root, real || long)?;
    let cargo = |words: &[&str]| {
        let mut command = process::cargo();
        command.args(words).current_dir(root);
        // Judges are found by these where the clone's own target folder is not looked at.
        for (variable, program) in peers::VARIABLES {
            let path = peers::bin(root).join(program);
            if std::env::var_os(variable).is_none() && path.is_file() {
                command.env(variable, path);
            }
        }
        command
    };
    let mut failures = Vec::new();
    let mut step = |name: &str, result: Result<()>| {
        if let Err(error) = result {
            println!("xtask: {name} failed: {error:#}");
            failures.push(name.to_string());
        }
    };
    step("format", timed("format", || process::run(&mut cargo(&["fmt", "--all", "--check"]))));
    let clippy = ["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    step("lints", timed("lints", || process::run(&mut cargo(&clippy))));
    let mut skips = Vec::new();
    let tests = ["test", "--workspace", "--locked", "--no-fail-fast", "--", "--show-output"];
    let mut tests = cargo(&tests);
    // A run that must be green makes up the same cases each time; the long suites make up new ones.
    if std::env::var_os("SUTLER_SEED").is_none() {
        tests.env("SUTLER_SEED", "1");
    }
    step("tests", timed("tests", || run_tests(&mut tests, &mut skips).map(drop)));
    if real {
        step("the example on a real control plane", timed("real", || crate::real::task(root, false)));
        match crate::real::makes_no_node() {
            None => step("a stack on a real node", timed("node", || crate::real::node_task(root, false))),
            Some(reason) => skips.push(Skip {
                test: "a_stack_on_a_real_node".to_string(),
                reason: format!("this machine makes no node: {reason}"),
            }),
        }
    }
    if real || long {
        let suites = || crate::long::task(root, long, cargo, |command| run_tests(command, &mut skips));
        step("long suites", timed("long suites", suites));
    }
    for Skip { test, reason } in &skips {
        println!("xtask: skipped {test}: {reason}");
    }
    for peers::Missing { name, reason } in &missing {
        println!("xtask: missing {name}: {reason}");
    }
    let unasked = skips.iter().filter(|skip| !is_allowed(&skip.reason)).count();
    if ci && unasked + missing.len() > 0 {
        failures.push(format!("{unasked} tests skipped and {} parts missing, in CI", missing.len()));
    }
    if !failures.is_empty() {
        bail!("failed: {}", failures.join("; "));
    }
    println!("xtask: everything passed, {} skipped", skips.len());
    Ok(())
}

/// Whether a test may be skipped in CI.
fn is_allowed(reason: &str) -> bool {
    ASKED_FOR.iter().chain(OF_THE_MACHINE).any(|words| reason.contains(words))
}

fn timed(name: &str, step: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("xtask: {name}");
    let started = Instant::now();
    let result = step();
    println!("xtask: {name} took {:.0} s", started.elapsed().as_secs_f64());
    result
}

/// Runs the tests, shows their output without what passing tests printed, keeps the lines of skipped ones, and returns those
/// in which passing tests said how much they compared.
fn run_tests(command: &mut Command, skips: &mut Vec<Skip>) -> Result<Vec<String>> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start `{}`", process::shown(command)))?;
    let stdout = child.stdout.take().context("stdout is piped")?;
    let mut reading = Reading::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.context("could not read the tests' output")?;
        let line = String::from_utf8_lossy(&line);
        if reading.take(&line, skips) {
            println!("{line}");
        }
    }
    let status = child.wait().context("could not wait for the tests")?;
    if !status.success() {
        bail!("`{}` ended with {status}", process::shown(command));
    }
    Ok(reading.compared)
}

/// Where in the output of a test binary we are.
#[derive(Default)]
struct Reading {
    /// Inside the output of passing tests.
    in_successes: bool,
    /// The test whose output this is.
    test: String,
    /// What passing tests said of how much they compared.
    compared: Vec<String>,
}

impl Reading {
    /// Takes a line; returns whether it is to be shown.
    fn take(&mut self, line: &str, skips: &mut Vec<Skip>) -> bool {
        if line == "successes:" {
            self.in_successes = true;
            return false;
        }
        if line == "failures:" || line.starts_with("test result: ") {
            self.in_successes = false;
        }
        if !self.in_successes {
            // A line for each of thousands of passing tests hides those that matter.
            return !(line.is_empty() || line.starts_with("test ") && line.ends_with(" ... ok"));
        }
        if let Some(test) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            self.test = test.to_string();
        } else if let Some(reason) = line.strip_prefix("skipped") {
            let reason = reason.trim_start_matches([':', ',', ' ']);
            let last = self.test.rsplit("::").next().unwrap_or_default();
            let reason = reason.strip_prefix(last).map_or(reason, |rest| rest.trim_start_matches([':', ' ']));
            skips.push(Skip { test: self.test.clone(), reason: reason.to_string() });
        } else if line.starts_with("compared ") || line.starts_with("fuzzed ") {
            self.compared.push(line.to_string());
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::{Reading, Skip, is_allowed};

    fn read(output: &str) -> (String, Vec<Skip>) {
        let (mut reading, mut skips, mut shown) = (Reading::default(), Vec::new(), String::new());
        for line in output.lines() {
            if reading.take(line, &mut skips) {
                shown.push_str(line);
                shown.push('\n');
            }
        }
        (shown, skips)
    }

    #[test]
    fn skipped_tests_are_found_in_what_passing_tests_print() {
        let (shown, skips) = read(
            "running 2 tests\ntest a::one ... ok\ntest two ... ok\n\nsuccesses:\n\n---- a::one stdout ----\nskipped one: no Helm\n\n\
             ---- two stdout ----\nseed 1\nskipped: two: no kubectl (run it)\n\n\nsuccesses:\n    a::one\n    two\n\n\
             test result: ok. 2 passed\n",
        );
        assert_eq!(shown, "running 2 tests\ntest result: ok. 2 passed\n");
        let skip = |test: &str, reason: &str| Skip { test: test.to_string(), reason: reason.to_string() };
        assert_eq!(skips, [skip("a::one", "no Helm"), skip("two", "no kubectl (run it)")]);
    }

    #[test]
    fn in_ci_only_what_cannot_be_had_there_may_be_missing() {
        assert!(is_allowed("this machine's Terraform: `terraform` does not start: not found"));
        assert!(is_allowed("no charts named in SUTLER_CHARTS"));
        assert!(!is_allowed("no moto (`cargo xtask peers`, or SUTLER_MOTO_PYTHON)"));
    }

    #[test]
    fn what_failing_tests_print_is_shown() {
        let (shown, skips) = read(
            "test one ... FAILED\n\nsuccesses:\n\n---- two stdout ----\nhidden\n\nfailures:\n\n---- one stdout ----\n\
             skipped lightly\n\ntest result: FAILED\n",
        );
        assert_eq!(
            shown,
            "test one ... FAILED\nfailures:\n---- one stdout ----\nskipped lightly\ntest result: FAILED\n"
        );
        assert!(skips.is_empty());
    }
}
