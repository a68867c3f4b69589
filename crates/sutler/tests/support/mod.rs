//! A folder of its own for one test, and the program run in it, with nothing of the user's.
#![allow(dead_code, reason = "each test program uses its part")]

pub(crate) mod served;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A real program to judge by: named by a variable, or where `cargo xtask peers` put it.
pub(crate) fn peer(variable: &str, name: &str) -> Option<PathBuf> {
    let brought = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin").join(name);
    std::env::var_os(variable).map(PathBuf::from).or_else(|| brought.is_file().then_some(brought))
}

/// A temporary folder with a stack in it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// An empty folder.
    pub(crate) fn new() -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["stack", "state", "home"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        Place { folder }
    }

    /// The stack's folder, where commands run.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("stack").join(name)
    }

    /// Writes a file of the stack.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("its folder");
        std::fs::write(path, text).expect("a file that can be written");
    }

    /// The file of the simulator's state.
    pub(crate) fn store(&self, cluster: &str) -> PathBuf {
        self.folder.path().join("state").join(format!("{cluster}.simulator"))
    }

    /// The program, with this place's folders instead of the user's.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let root = self.folder.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sutler"));
        command
            .args(arguments)
            .current_dir(root.join("stack"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", root.join("home"))
            .env("XDG_STATE_HOME", root.join("home"))
            .env("SUTLER_STATE_DIR", root.join("state"))
            .env("KUBECONFIG", root.join("home/kubeconfig"))
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[])
    }

    /// Runs the program to its end, with more paths in its environment.
    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &Path)]) -> Ran {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        let Output { status, stdout, stderr } = command.output().expect("the program runs");
        let text =
            |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8").replace(&shown(self.folder.path()), "[PLACE]");
        Ran { exit: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; none after a signal.
    pub(crate) exit: Option<i32>,
    /// Data.
    pub(crate) stdout: String,
    /// Everything else.
    pub(crate) stderr: String,
}

impl Ran {
    /// The run, if it ended with this code; else what it said.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Ran {
        assert_eq!(self.exit, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}
