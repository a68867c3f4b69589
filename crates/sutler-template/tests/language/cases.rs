//! The files of recorded cases, `tests/cases/*.txt`:
//!
//! ```text
//! # A remark.
//! data: {"a": 1}
//! missingkey: zero
//! +++ other.tpl
//! {{ define "x" }}…{{ end }}
//! <<< {{ .a }}
//! >>> 1
//! !!! the error, if there is one
//! ```
//!
//! `data`, `missingkey` and `delimiters` hold until they are set again; files (`+++`) are those of the next case only. A
//! block goes on until the next line that starts one. What cannot be written as lines is a JSON string after `>>>" `.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::world::{Case, Outcome};

/// A file of cases, with what is between them.
pub(crate) struct CaseFile {
    pub(crate) path: PathBuf,
    pub(crate) parts: Vec<Part>,
}

pub(crate) enum Part {
    /// A remark, a setting or an empty line.
    Line(String),
    Case {
        case: Case,
        recorded: Outcome,
    },
}

/// All files of cases.
pub(crate) fn read_all() -> Vec<CaseFile> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| read(&path)).collect()
}

const MARKS: [&str; 6] = ["<<<", ">>>\"", ">>>", "!!!", "+++", "# "];
const SETTINGS: [&str; 3] = ["data:", "missingkey:", "delimiters:"];

fn read(path: &Path) -> CaseFile {
    let text = std::fs::read_to_string(path).unwrap();
    let mut parts = Vec::new();
    let mut settings = Case { data: Json::Null, run: "t".to_owned(), ..Case::default() };
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let starts = |line: &str| MARKS.iter().chain(&SETTINGS).any(|mark| line.starts_with(mark)) || line.is_empty();
        let mut block = |first: &str| {
            let mut text = first.to_owned();
            while let Some(line) = lines.next_if(|line| !starts(line)) {
                text.push('\n');
                text.push_str(line);
            }
            text
        };
        let rest = |mark: &str| line[mark.len()..].strip_prefix(' ').unwrap_or(&line[mark.len()..]);
        if line.starts_with("<<<") {
            let mut case = settings.clone();
            case.files.push(("t".to_owned(), block(rest("<<<")).into_bytes()));
            settings.files.clear();
            parts.push(Part::Case { case, recorded: Outcome::default() });
            continue;
        }
        if line.starts_with("+++") {
            let name = rest("+++").to_owned();
            let body = block("");
            settings.files.push((name, body.strip_prefix('\n').unwrap_or("").as_bytes().to_vec()));
            continue;
        }
        if let Some(Part::Case { recorded, .. }) = parts.last_mut() {
            if line.starts_with(">>>\"") {
                recorded.out = serde_json::from_str::<String>(rest(">>>\"")).unwrap().into_bytes();
                continue;
            }
            if line.starts_with(">>>") {
                recorded.out = block(rest(">>>")).into_bytes();
                continue;
            }
            if line.starts_with("!!!") {
                recorded.error = Some(block(rest("!!!")));
                continue;
            }
        }
        if let Some(data) = line.strip_prefix("data:") {
            settings.data =
                serde_json::from_str(data).unwrap_or_else(|error| panic!("{}: {line}: {error}", path.display()));
        } else if let Some(missing_key) = line.strip_prefix("missingkey:") {
            settings.missing_key = missing_key.trim().to_owned();
        } else if let Some(delimiters) = line.strip_prefix("delimiters:") {
            let (left, right) = delimiters.trim().split_once(' ').unwrap_or_default();
            settings.delimiters = (left.to_owned(), right.to_owned());
        } else {
            assert!(line.starts_with('#') || line.is_empty(), "{}: what is `{line}`?", path.display());
        }
        parts.push(Part::Line(line.to_owned()));
    }
    CaseFile { path: path.to_owned(), parts }
}

/// The file with the given outcomes instead of the recorded ones.
pub(crate) fn write(file: &CaseFile, outcomes: &mut impl Iterator<Item = Outcome>) -> String {
    let mut text = String::new();
    for part in &file.parts {
        let Part::Case { case, .. } = part else {
            if let Part::Line(line) = part {
                writeln!(text, "{line}").unwrap();
            }
            continue;
        };
        let outcome = outcomes.next().unwrap();
        let (main, files) = case.files.split_last().unwrap();
        for (name, body) in files {
            writeln!(text, "+++ {name}\n{}", String::from_utf8_lossy(body)).unwrap();
        }
        writeln!(text, "<<< {}", String::from_utf8_lossy(&main.1)).unwrap();
        let out = String::from_utf8(outcome.out);
        match out {
            Ok(out) if is_plain(&out) => {
                if !out.is_empty() || outcome.error.is_none() {
                    writeln!(text, ">>> {out}").unwrap();
                }
            }
            out => {
                let out = out.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
                writeln!(text, ">>>\" {}", Json::String(out)).unwrap();
            }
        }
        if let Some(error) = outcome.error {
            writeln!(text, "!!! {error}").unwrap();
        }
    }
    text
}

/// Whether the text can be read back from lines.
fn is_plain(text: &str) -> bool {
    let starts = |line: &str| MARKS.iter().chain(&SETTINGS).any(|mark| line.starts_with(mark)) || line.is_empty();
    text.is_empty()
        || (!text.ends_with(' ')
            && !text.chars().any(|c| c.is_control() && c != '\n')
            && !text.split('\n').skip(1).any(starts)
            && !text.starts_with('\n'))
}
