//! The judges: programs that read cases, one a line, and answer a word for each.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::case::Case;

/// What is decided of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    Denied,
    NotAllowed,
    /// The judge does not take the case, and why.
    Refused(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::NotAllowed => "not-allowed",
            Self::Refused(_) => "refused",
        })
    }
}

pub(crate) struct Judge {
    pub(crate) name: &'static str,
    program: PathBuf,
    arguments: Vec<PathBuf>,
}

fn program(variable: &str, name: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::env::var_os(variable).map_or_else(|| workspace.join("target/peers/bin").join(name), PathBuf::from)
}

pub(crate) fn iam_simulate() -> Judge {
    let program = program("SUTLER_IAM_SIMULATE", "iam-simulate");
    Judge { name: "iam-simulate", program, arguments: Vec::new() }
}

pub(crate) fn moto() -> Judge {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judge/moto_judge.py");
    Judge { name: "moto", program: program("SUTLER_MOTO_PYTHON", "moto-python"), arguments: vec![script] }
}

impl Judge {
    pub(crate) fn is_there(&self) -> bool {
        self.program.is_file()
    }

    pub(crate) fn ask(&self, cases: &[Case]) -> Vec<Verdict> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        let input: String = cases.iter().map(|case| case.to_json() + "\n").collect();
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().expect("the judge answers");
        writer.join().expect("the writer ends").expect("the judge reads");
        assert!(output.status.success(), "{} ended with {}", self.name, output.status);
        let text = String::from_utf8(output.stdout).expect("the judge writes text");
        let verdicts: Vec<Verdict> = text
            .lines()
            .map(|line| match line {
                "allowed" => Verdict::Allowed,
                "denied" => Verdict::Denied,
                "not-allowed" => Verdict::NotAllowed,
                other => Verdict::Refused(other.to_owned()),
            })
            .collect();
        assert_eq!(verdicts.len(), cases.len(), "{} answers each case by a line", self.name);
        verdicts
    }
}
