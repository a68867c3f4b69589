//! A served simulator, and the real kubectl and Helm run against it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;

use sutler_simulator::{Simulator, Start, TimeMode, kubeconfig};

/// A simulator served on loopback for as long as this lives, and a folder for files.
pub(crate) struct Cluster {
    pub(crate) simulator: Simulator,
    pub(crate) folder: tempfile::TempDir,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    server: Option<std::thread::JoinHandle<()>>,
}

impl Cluster {
    pub(crate) fn serve(time: TimeMode) -> Self {
        let clock = "2026-01-01T00:00:00Z".parse().unwrap();
        let simulator = Simulator::in_memory(Start { clock, seed: 1 }).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (ready, address) = mpsc::channel();
        let served = simulator.clone();
        let server = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                ready.send(format!("http://{}", listener.local_addr().unwrap())).unwrap();
                served.serve(listener, "test-token", time, async { drop(stopped.await) }).await.unwrap();
            });
        });
        let address: String = address.recv().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig(&address, "test-token", "simulated")).unwrap();
        Self { simulator, folder, stop: Some(stop), server: Some(server) }
    }

    /// Gives the cluster a pool of two nodes, which start when time passes.
    pub(crate) fn with_nodes(self) -> Self {
        let pool = serde_json::json!({"name": "core", "instanceTypes": ["m6i.xlarge"], "min": 2, "max": 3});
        let model = serde_json::json!({"name": "test", "pools": [pool]});
        self.simulator.set_cluster(&serde_json::from_value(model).unwrap()).unwrap();
        self
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A command of a tool against this cluster; it runs in the folder and keeps its own files there.
    pub(crate) fn command(&self, tool: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(tool);
        let folder = self.folder.path();
        command
            .args(arguments)
            .current_dir(folder)
            .env("KUBECONFIG", folder.join("kubeconfig"))
            .env("HOME", folder)
            .env("XDG_CACHE_HOME", folder.join("cache"))
            .env("XDG_CONFIG_HOME", folder.join("config"))
            .env("XDG_DATA_HOME", folder.join("data"))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command line, words separated by single spaces, and answers what it prints. It must succeed.
    #[track_caller]
    pub(crate) fn run(&self, tool: &Path, line: &str) -> String {
        let output = self.output(tool, line);
        let text = said(&output);
        assert!(output.status.success(), "`{line}` failed: {text}");
        text
    }

    /// The same for one that must fail.
    #[track_caller]
    pub(crate) fn fails(&self, tool: &Path, line: &str) -> String {
        let output = self.output(tool, line);
        let text = said(&output);
        assert!(!output.status.success(), "`{line}` succeeded: {text}");
        text
    }

    fn output(&self, tool: &Path, line: &str) -> Output {
        let words: Vec<&str> = line.split(' ').collect();
        self.command(tool, &words).output().unwrap()
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)).trim().to_string()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            drop(server.join());
        }
    }
}

/// A tool by its environment variable, or from the peers of the workspace. `None`, with a line that says so, when it is not
/// there: the test is then skipped.
pub(crate) fn tool(name: &str, test: &str) -> Option<PathBuf> {
    let variable = format!("SUTLER_{}", name.to_uppercase());
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin").join(name);
    let path = std::env::var_os(&variable).map_or(peers, PathBuf::from);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: {test}: no {name} (set {variable}, or run `cargo xtask peers`)");
    None
}
