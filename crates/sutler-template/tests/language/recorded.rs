//! Recorded cases: what Go printed is in `tests/cases`.

use crate::cases::{self, CaseFile, Part};
use crate::judge;
use crate::world::{Case, Outcome, execute};

fn all(files: &[CaseFile]) -> Vec<(&CaseFile, &Case, &Outcome)> {
    let mut cases = Vec::new();
    for file in files {
        for part in &file.parts {
            if let Part::Case { case, recorded } = part {
                cases.push((file, case, recorded));
            }
        }
    }
    cases
}

/// The difference, as text; lossy, since the files are UTF-8.
pub(crate) fn difference(case: &Case, expected: &Outcome, found: &Outcome) -> Option<String> {
    let show = |outcome: &Outcome| (String::from_utf8_lossy(&outcome.out).into_owned(), outcome.error.clone());
    let (expected, found) = (show(expected), show(found));
    if expected == found {
        return None;
    }
    let files: Vec<String> =
        case.files.iter().map(|(name, text)| format!("{name}: {}", String::from_utf8_lossy(text))).collect();
    Some(format!(
        "{}\n  data {}\n  expected {:?} {}\n  found    {:?} {}",
        files.join("\n"),
        case.data,
        expected.0,
        expected.1.unwrap_or_default(),
        found.0,
        found.1.unwrap_or_default(),
    ))
}

#[test]
fn recorded_cases_give_what_go_gave() {
    let files = cases::read_all();
    let cases = all(&files);
    let differences: Vec<String> = cases
        .iter()
        .filter_map(|(file, case, recorded)| {
            let difference = difference(case, recorded, &execute(case))?;
            Some(format!("{}: {difference}", file.path.file_name().unwrap().to_string_lossy()))
        })
        .collect();
    println!("{} cases, {} different", cases.len(), differences.len());
    assert!(cases.len() > 300, "the cases were read");
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), cases.len(), differences.join("\n"));
}

/// With `RECORD=1`, records what Go says now.
#[test]
fn go_still_gives_what_was_recorded() {
    let files = cases::read_all();
    let cases = all(&files);
    let asked: Vec<Case> = cases.iter().map(|(_, case, _)| (*case).clone()).collect();
    let outcomes = match judge::ask(&asked) {
        Ok(outcomes) => outcomes,
        Err(reason) => return println!("skipped: go_still_gives_what_was_recorded: {reason}"),
    };
    if std::env::var_os("RECORD").is_some() {
        let mut outcomes = outcomes.into_iter();
        for file in &files {
            std::fs::write(&file.path, cases::write(file, &mut outcomes)).unwrap();
        }
        return;
    }
    for ((file, case, recorded), outcome) in cases.iter().zip(&outcomes) {
        if let Some(difference) = difference(case, recorded, outcome) {
            panic!("{}: {difference}", file.path.display());
        }
    }
}
