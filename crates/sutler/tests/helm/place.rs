//! A place to run a Helm in: a folder with a copy of the fixtures, a home of its own, and nothing else of this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Which Helm answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Helm {
    /// 4.1.4.
    Four,
    /// 3.18.0.
    Three,
}

/// A program that answers as `helm`.
pub(crate) struct Program {
    path: PathBuf,
    /// What tells it which Helm to be.
    variables: &'static [(&'static str, &'static str)],
    /// Keeps the folder with the link, where there is one.
    _folder: Option<tempfile::TempDir>,
}

impl Program {
    /// This program, under the name `helm`.
    pub(crate) fn ours(helm: Helm) -> Program {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("helm");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sutler"), &path).expect("a link can be made");
        let variables: &[_] = match helm {
            Helm::Four => &[],
            Helm::Three => &[("HELM_COMPAT", "v3")],
        };
        Program { path, variables, _folder: Some(folder) }
    }

    /// The real Helm: named by `SUTLER_HELM` (`SUTLER_HELM3`), or where `cargo xtask peers` puts it.
    pub(crate) fn helm(helm: Helm) -> Option<Program> {
        let (variable, name) = match helm {
            Helm::Four => ("SUTLER_HELM", "helm"),
            Helm::Three => ("SUTLER_HELM3", "helm3"),
        };
        let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin").join(name);
        let path = std::env::var_os(variable).map(PathBuf::from).or_else(|| peer.exists().then_some(peer))?;
        Some(Program {
            path: path.canonicalize().expect("the variable names a program"),
            variables: &[],
            _folder: None,
        })
    }
}

/// What a command line did.
pub(crate) struct Answer {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A folder to run commands in.
pub(crate) struct Place<'p> {
    program: &'p Program,
    root: tempfile::TempDir,
}

impl<'p> Place<'p> {
    /// A new one. All places' paths have one length, so that what is padded or folded around them is the same.
    pub(crate) fn new(program: &'p Program) -> Place<'p> {
        let root = tempfile::Builder::new().prefix("helm-").rand_bytes(8).tempdir().expect("a folder can be made");
        let place = Place { program, root };
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/helm/fixtures"), &place.work());
        std::fs::create_dir_all(place.root.path().join("home")).expect("a folder can be made");
        place
    }

    /// The folder that commands run in.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// Runs a line of a script: variables, words, standard input.
    pub(crate) fn run_line(&self, line: &str) -> Answer {
        if let Some(script) = line.strip_prefix("! ") {
            let mut command = Command::new("sh");
            command.arg("-c").arg(script);
            return self.run(command, &BTreeMap::new(), None);
        }
        let mut variables = BTreeMap::new();
        let mut words = words(line);
        while let Some((name, value)) = words.first().and_then(|word| word.split_once('=')) {
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
                break;
            }
            variables.insert(name.to_owned(), value.to_owned());
            words.remove(0);
        }
        let mut stdin = None;
        if words.len() >= 2 && words[words.len() - 2] == "<" {
            stdin = words.pop();
            words.pop();
        }
        let mut command = Command::new(&self.program.path);
        let work = self.work().display().to_string();
        command.args(words.iter().map(|word| word.replace("<work>", &work)));
        variables.extend(self.program.variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.run(command, &variables, stdin.as_deref())
    }

    fn run(&self, mut command: Command, variables: &BTreeMap<String, String>, stdin: Option<&str>) -> Answer {
        let root = self.root.path();
        command
            .current_dir(self.work())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", root.join("home"))
            .env("KUBECONFIG", root.join("home/kubeconfig"))
            .envs(
                variables
                    .iter()
                    .map(|(name, value)| (name, value.replace("<work>", &self.work().display().to_string()))),
            )
            .stdin(match stdin {
                Some(path) => {
                    Stdio::from(std::fs::File::open(self.work().join(path)).expect("standard input is there"))
                }
                None => Stdio::null(),
            });
        let output = command.output().expect("the program can be run");
        let shown = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.replace(&self.program.path.display().to_string(), "<helm>")
                .replace(&root.display().to_string(), "<place>")
        };
        Answer {
            exit: output.status.code().unwrap_or(-1),
            stdout: shown(&output.stdout),
            stderr: without_chance(&without_times(&shown(&output.stderr))),
        }
    }
}

/// Helm 3's log without the times: `install.go:242: … [debug] CHART PATH: …`.
fn without_times(text: &str) -> String {
    let timeless = |line: &str| match (line.split_once(".go:"), line.split_once(" [debug] ")) {
        (Some((_, rest)), Some((start, message))) if rest.contains(" m=+") => {
            let place = start.split_once(": ").map_or(start, |(place, _)| place);
            format!("{place}: … [debug] {message}")
        }
        _ => line.to_owned(),
    };
    text.split_inclusive('\n').map(timeless).collect()
}

/// Without the number in the name of the folder that plugins are unpacked in.
fn without_chance(text: &str) -> String {
    const FOLDER: &str = "helm-plugin-extract-";
    let mut parts = text.split(FOLDER);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + FOLDER + "…" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// A line's words, as a shell cuts them: quotes and backslashes count.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), c) if open == c => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).expect("the fixtures are there") {
        let entry = entry.expect("the folder can be read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a file can be copied");
        }
    }
}
