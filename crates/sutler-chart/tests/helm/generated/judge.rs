//! Helm's library as a process: `tests/judge`, built by `cargo xtask peers --real`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::transcript;

/// The answer in place of Helm's where it did not survive its work: Go ends where its stack is used up.
pub(crate) const ENDED: &str = "Helm ended";

pub(crate) struct Judge {
    program: PathBuf,
    home: PathBuf,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Judge {
    /// Starts the judge, named by `SUTLER_CHART_JUDGE` or where `cargo xtask peers --real` puts it.
    pub(crate) fn start(home: &Path) -> Option<Judge> {
        let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin/chart-judge");
        let program =
            std::env::var_os("SUTLER_CHART_JUDGE").map(PathBuf::from).or_else(|| peer.exists().then_some(peer))?;
        let (child, stdin, stdout) = spawn(&program, home);
        Some(Judge { program, home: home.to_owned(), child, stdin, stdout })
    }

    /// What Helm does with these command lines.
    pub(crate) fn transcripts(&mut self, lines: &[Vec<String>]) -> Vec<String> {
        let mut found = Vec::new();
        while found.len() < lines.len() {
            let answered = found.len();
            self.ask(&lines[answered..], &mut found);
            if found.len() < lines.len() {
                found.push(ENDED.to_owned());
                let _ = self.child.wait();
                (self.child, self.stdin, self.stdout) = spawn(&self.program, &self.home);
            }
        }
        found
    }

    /// Asks until all is answered or the judge has ended.
    fn ask(&mut self, lines: &[Vec<String>], found: &mut Vec<String>) {
        let requests: String = lines.iter().map(|words| format!("{}\n", json!({ "arguments": words }))).collect();
        std::thread::scope(|scope| {
            let stdin = &mut self.stdin;
            // Where the judge has ended, reading says so.
            scope.spawn(move || stdin.write_all(requests.as_bytes()).and_then(|()| stdin.flush()));
            for words in lines {
                let mut answer = String::new();
                if self.stdout.read_line(&mut answer).expect("the judge can be read") == 0 {
                    return;
                }
                let answer: Value = serde_json::from_str(&answer).expect("the judge answers in JSON");
                let text = |name: &str| {
                    let bytes = STANDARD.decode(answer[name].as_str().unwrap_or_default()).expect("it is base64");
                    String::from_utf8_lossy(&bytes).into_owned()
                };
                let exit = i32::try_from(answer["exit"].as_i64().unwrap_or(-1)).expect("it is small");
                found.push(transcript(&words[1..].join(" "), exit, &text("stdout"), &text("stderr")));
            }
        });
    }
}

fn spawn(program: &Path, home: &Path) -> (Child, ChildStdin, BufReader<ChildStdout>) {
    let mut command = Command::new(program);
    // Neither the clusters nor the repositories of whoever runs the tests.
    command.env("KUBECONFIG", "/dev/null").env("HOME", home).env("TZ", "UTC");
    for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(name, home.join(name));
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the judge can be started");
    let stdin = child.stdin.take().expect("it is piped");
    let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    (child, stdin, stdout)
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
