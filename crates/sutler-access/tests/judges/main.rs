//! Made-up policy sets, decided here and by others: `@cloud-copilot/iam-simulate` (all policy types and conditions) and moto (actions and
//! resources of identity policies).
//!
//! `SUTLER_SEED` and `SUTLER_CASES` choose what is made up; the seed is printed. What the judges said of some cases is recorded, so that a
//! run without them still compares. `SUTLER_JUDGE=record` writes those anew.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test panics, and says what it compares and skips")]

mod case;
mod generate;
mod judge;

use std::path::{Path, PathBuf};

use case::Case;
use generate::Generator;
use judge::{Judge, Verdict};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded").join(name)
}

/// Compares what is made up with a judge's answers; returns how many there were.
fn compare(judge: &Judge, cases: &[Case]) -> usize {
    let answers = judge.ask(cases);
    let mut refused = 0;
    let mut differences = Vec::new();
    for (case, answer) in cases.iter().zip(&answers) {
        match answer {
            Verdict::Refused(_) => refused += 1,
            answer if case.decide() == *answer => {}
            answer => differences.push(format!("judge: {answer:?}, here: {:?}\n{}", case.decide(), case.to_json())),
        }
    }
    let shown = differences.iter().take(5).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(differences.is_empty(), "{} of {} differ, among them:\n{shown}", differences.len(), cases.len());
    // Cases that a judge refuses test nothing.
    if let Some(Verdict::Refused(why)) = answers.iter().find(|_| refused * 20 > cases.len()) {
        panic!("the judge refused {refused} of {}: {why}", cases.len());
    }
    let allowed = answers.iter().filter(|answer| **answer == Verdict::Allowed).count();
    let denied = answers.iter().filter(|answer| **answer == Verdict::Denied).count();
    println!(
        "{}: {} cases, {allowed} allowed, {denied} denied by a statement, {refused} refused",
        judge.name,
        cases.len()
    );
    assert!(
        cases.is_empty() || (allowed * 20 > cases.len() && denied * 20 > cases.len()),
        "too one-sided to test anything"
    );
    cases.len() - refused
}

fn made_up(count: u64, make: fn(&mut Generator) -> Case) -> Vec<Case> {
    let seed = number("SUTLER_SEED", 1);
    println!("seed {seed}");
    let mut generator = Generator::new(seed);
    (0..number("SUTLER_CASES", count)).map(|_| make(&mut generator)).collect()
}

fn against(judge: &Judge, file: &str, count: u64, make: fn(&mut Generator) -> Case) {
    if !judge.is_there() {
        println!("skipped: no {}, which `cargo xtask peers` brings", judge.name);
        return;
    }
    if std::env::var("SUTLER_JUDGE").is_ok_and(|value| value == "record") {
        let mut generator = Generator::new(7);
        let cases: Vec<Case> = (0..100).map(|_| make(&mut generator)).collect();
        let answers = judge.ask(&cases);
        let lines = cases.iter().zip(answers).filter(|(_, answer)| !matches!(answer, Verdict::Refused(_)));
        let text: String = lines.map(|(case, answer)| format!("{answer} {}\n", case.to_json())).collect();
        std::fs::write(recorded(file), text).expect("the record is written");
    }
    println!("{} compared", compare(judge, &made_up(count, make)));
}

#[test]
fn iam_simulate_decides_the_same() {
    against(&judge::iam_simulate(), "iam-simulate.txt", 4000, Generator::full);
}

#[test]
fn moto_decides_the_same() {
    against(&judge::moto(), "moto.txt", 4000, Generator::identity_alone);
}

#[test]
fn what_judges_once_said_is_still_so() {
    let mut compared = 0;
    for file in ["iam-simulate.txt", "moto.txt"] {
        let text = std::fs::read_to_string(recorded(file)).unwrap();
        for (number, line) in text.lines().enumerate() {
            let (answer, case) = line.split_once(' ').unwrap();
            let case = Case::from_json(case);
            assert_eq!(case.decide().to_string(), answer, "{file}:{}", number + 1);
            compared += 1;
        }
    }
    assert!(compared > 150, "{compared} recorded cases");
    println!("{compared} recorded cases compared");
}
