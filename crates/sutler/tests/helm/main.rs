//! This program under the name `helm`, beside the real Helm: the same command lines, the same bytes.
//!
//! Each `cases/NAME.txt` is a script, run line by line in a place of its own (a copy of `fixtures/`, with a home of its own);
//! `golden/NAME.txt` is what Helm 4.1.4 answered, `golden3/NAME.txt` what Helm 3.18.0 did, whom `HELM_COMPAT=v3` mirrors; lines of
//! `differs3.txt` are run, but not compared there. Ours is always compared with the golden file; where a Helm is found, the golden file is
//! compared with it too. `RECORD=1 cargo test -p sutler --test helm` writes the golden files anew, from the real Helm.
//!
//! ```text
//! # a comment
//! list --max x                          helm's arguments, words as in a shell
//! HELM_NAMESPACE=a env HELM_NAMESPACE   with variables
//! template r - < chart.tgz              with standard input
//! plugin install file://<work>/repo     with the path of the folder that it is run in
//! ! cat out/a.yaml                      not Helm, but the shell
//! ```

#![allow(clippy::print_stdout, reason = "tests say what they skip and how much they tried")]

mod place;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use place::{Helm, Place, Program};

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/helm")
}

/// Names of the scripts, and their lines.
fn scripts() -> Vec<(String, Vec<String>)> {
    let mut scripts = Vec::new();
    for entry in std::fs::read_dir(here().join("cases")).expect("the folder of cases is there") {
        let path = entry.expect("the folder can be read").path();
        let text = std::fs::read_to_string(&path).expect("a script is text");
        let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
        scripts.push((name, lines.map(str::to_owned).collect()));
    }
    scripts.sort();
    scripts
}

/// What a program answers to each line of a script.
fn answers(program: &Program, lines: &[String]) -> Vec<String> {
    let place = Place::new(program);
    lines
        .iter()
        .map(|line| {
            let answer = place.run_line(line);
            let mut text = format!("$ {line}\nexit {}\n", answer.exit);
            for (name, stream) in [("stdout", &answer.stdout), ("stderr", &answer.stderr)] {
                if !stream.is_empty() {
                    write!(text, "--- {name}\n{stream}").expect("writing to a string cannot fail");
                    if !stream.ends_with('\n') {
                        text.push_str("\\ no line feed\n");
                    }
                }
            }
            text
        })
        .collect()
}

/// The folder of a Helm's recorded answers.
fn folder(helm: Helm) -> PathBuf {
    here().join(match helm {
        Helm::Four => "golden",
        Helm::Three => "golden3",
    })
}

/// Lines of scripts that Helm 3 answers otherwise than we do, on purpose: `NAME.txt: line`.
fn different_on_purpose() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(here().join("differs3.txt")).expect("the list is there");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let parts = |line: &str| line.split_once(": ").map(|(name, line)| (name.to_owned(), line.to_owned()));
    lines.map(|line| parts(line).expect("a line names its script")).collect()
}

/// The answers that are compared: those that differ on purpose are left out.
fn compared(helm: Helm, name: &str, lines: &[String], mut answers: Vec<String>) -> Vec<String> {
    if helm == Helm::Three {
        let left_out = different_on_purpose();
        for (line, answer) in lines.iter().zip(&mut answers) {
            if left_out.iter().any(|(script, known)| script == name && known == line) {
                *answer = format!("$ {line}\nnot compared\n");
            }
        }
    }
    answers
}

/// The recorded answers of a script, one a line.
fn golden(helm: Helm, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder(helm).join(name)).unwrap_or_default();
    let mut answers: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        match answers.last_mut() {
            Some(last) if !line.starts_with("$ ") => last.push_str(line),
            _ => answers.push(line.to_owned()),
        }
    }
    answers
}

/// What differs between two programs' answers, shown whole: an answer is a few lines.
fn differences(name: &str, expected: &[String], found: &[String]) -> Vec<String> {
    assert_eq!(expected.len(), found.len(), "{name}: record the golden file anew (RECORD=1)");
    let pairs = expected.iter().zip(found);
    pairs
        .filter(|(expected, found)| expected != found)
        .map(|(expected, found)| format!("== {name}: Helm\n{expected}== ours\n{found}"))
        .collect()
}

#[test]
fn every_command_line_is_answered_as_helm_answered_it() {
    as_recorded(Helm::Four);
}

#[test]
fn every_command_line_is_answered_as_helm_3_answered_it() {
    as_recorded(Helm::Three);
}

fn as_recorded(helm: Helm) {
    let ours = Program::ours(helm);
    let mut different = Vec::new();
    let mut count = 0;
    for (name, lines) in scripts() {
        count += lines.len();
        let found = compared(helm, &name, &lines, answers(&ours, &lines));
        different.extend(differences(&name, &golden(helm, &name), &found));
    }
    println!("{count} command lines");
    assert!(count > 0, "there are no cases");
    assert!(different.is_empty(), "{} of {count} differ:\n{}", different.len(), different.join("\n"));
}

#[test]
fn golden_files_are_what_helm_answers_today() {
    match Program::helm(Helm::Four) {
        Some(program) => as_today(Helm::Four, &program),
        None => {
            println!("skipped golden_files_are_what_helm_answers_today: no Helm (cargo xtask peers, or SUTLER_HELM)");
        }
    }
}

#[test]
fn golden_files_of_helm_3_are_what_it_answers_today() {
    match Program::helm(Helm::Three) {
        Some(program) => as_today(Helm::Three, &program),
        None => println!(
            "skipped golden_files_of_helm_3_are_what_it_answers_today: no Helm 3 (cargo xtask peers, or SUTLER_HELM3)"
        ),
    }
}

fn as_today(helm: Helm, program: &Program) {
    let mut different = Vec::new();
    for (name, lines) in scripts() {
        let found = compared(helm, &name, &lines, answers(program, &lines));
        if std::env::var_os("RECORD").is_some() {
            std::fs::write(folder(helm).join(&name), found.concat()).expect("the golden file can be written");
            continue;
        }
        different.extend(differences(&name, &golden(helm, &name), &found));
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

#[test]
fn every_golden_file_has_its_script() {
    for helm in [Helm::Four, Helm::Three] {
        for entry in std::fs::read_dir(folder(helm)).expect("the folder of golden files is there") {
            let name = entry.expect("the folder can be read").file_name().to_string_lossy().into_owned();
            assert!(here().join("cases").join(&name).exists(), "no cases for the golden file {name}");
        }
    }
}

#[test]
fn what_differs_on_purpose_is_a_line_of_a_script() {
    let scripts = scripts();
    for (name, line) in different_on_purpose() {
        let is_there = scripts.iter().any(|(script, lines)| *script == name && lines.contains(&line));
        assert!(is_there, "{name} has no line {line:?}");
    }
}
