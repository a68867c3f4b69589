//! Helm's commands without a cluster, as a program of its own.

use std::process::ExitCode;

use sutler_helm::{ClusterCommands, Failure, Invocation, Io, StartedAs};

struct NoCluster;

impl ClusterCommands for NoCluster {
    fn run(&mut self, call: &Invocation, _: &mut Io<'_>) -> Result<(), Failure> {
        Err(Failure::not_available(&call.command_path()))
    }
}

fn main() -> ExitCode {
    let mut words = std::env::args();
    let program = words.next().unwrap_or_default();
    let mut io = Io {
        stdin: &mut std::io::stdin().lock(),
        stdout: &mut std::io::stdout().lock(),
        stderr: &mut std::io::stderr().lock(),
        folder: std::env::current_dir().unwrap_or_default(),
        program,
        variables: std::env::vars().collect(),
        now: jiff::Timestamp::now(),
        seed: [7; 32],
    };
    let words: Vec<String> = words.collect();
    ExitCode::from(sutler_helm::run(&words, StartedAs::Helm, &mut io, &mut NoCluster))
}
