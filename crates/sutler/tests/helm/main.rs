//! This program under the name `helm`, beside the real Helm: the same command lines, the same bytes.
//!
//! Each `cases/NAME.txt` is a script, run line by line in a place of its own (a copy of `fixtures/`, with a home of its own);
//! `golden/NAME.txt` is what Helm 4.1.4 answered. Ours is always compared with the golden file; where a Helm is found, the golden file is
//! compared with it too. `RECORD=1 cargo test -p sutler --test helm` writes the golden files anew, from the real Helm.
//!
//! ```text
//! # a comment
//! list --max x                          helm's arguments, words as in a shell
//! HELM_NAMESPACE=a env HELM_NAMESPACE   with variables
//! template r - < chart.tgz              with standard input
//! ! cat out/a.yaml                      not Helm, but the shell
//! ```

#![allow(clippy::print_stdout, reason = "tests say what they skip and how much they tried")]

mod place;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use place::{Place, Program};

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

/// The recorded answers of a script, one a line.
fn golden(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(here().join("golden").join(name)).unwrap_or_default();
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
    let ours = Program::ours();
    let mut different = Vec::new();
    let mut count = 0;
    for (name, lines) in scripts() {
        count += lines.len();
        different.extend(differences(&name, &golden(&name), &answers(&ours, &lines)));
    }
    println!("{count} command lines");
    assert!(count > 0, "there are no cases");
    assert!(different.is_empty(), "{} of {count} differ:\n{}", different.len(), different.join("\n"));
}

#[test]
fn golden_files_are_what_helm_answers_today() {
    let Some(helm) = Program::helm() else {
        println!("skipped golden_files_are_what_helm_answers_today: no Helm (cargo xtask peers, or SUTLER_HELM)");
        return;
    };
    let mut different = Vec::new();
    for (name, lines) in scripts() {
        let found = answers(&helm, &lines);
        if std::env::var_os("RECORD").is_some() {
            std::fs::write(here().join("golden").join(&name), found.concat()).expect("the golden file can be written");
            continue;
        }
        different.extend(differences(&name, &golden(&name), &found));
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

#[test]
fn every_golden_file_has_its_script() {
    for entry in std::fs::read_dir(here().join("golden")).expect("the folder of golden files is there") {
        let name = entry.expect("the folder can be read").file_name().to_string_lossy().into_owned();
        assert!(here().join("cases").join(&name).exists(), "no cases for the golden file {name}");
    }
}
