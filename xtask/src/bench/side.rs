//! One side of a measurement: a program that is asked by lines of JSON and answers by lines.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::cases::Case;
use crate::process;

/// How long something took, in nanoseconds.
#[derive(Clone, Copy)]
pub(super) struct Time {
    /// By the clock on the wall.
    pub(super) wall: u64,
    /// What processors worked for it, all threads and the kernel together.
    pub(super) processor: u64,
}

impl Time {
    fn of(answer: &Value) -> Result<Time> {
        let number = |name: &str| answer[name].as_u64().with_context(|| format!("no {name} came back"));
        Ok(Time { wall: number("nanoseconds")?, processor: number("processor")? })
    }
}

/// One run of a command line.
pub(super) struct Process {
    pub(super) time: Time,
    /// The most bytes of memory it held at once.
    pub(super) memory: u64,
    /// SHA-256 of what it wrote to standard output.
    pub(super) digest: String,
}

/// A running program. It ends when this is dropped.
pub(super) struct Side {
    name: String,
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Side {
    pub(super) fn start(mut program: Command) -> Result<Side> {
        let name = process::shown(&program);
        let starting = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = starting.with_context(|| format!("could not start `{name}`"))?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("`{name}` has no pipes");
        };
        Ok(Side { name, child, requests, answers: BufReader::new(answers) })
    }

    /// Makes a case ready; the digest of what it makes.
    pub(super) fn prepare(&mut self, case: &Case) -> Result<String> {
        let request = json!({
            "prepare": case.name, "kind": case.kind, "chart": case.chart, "text": case.text, "values": case.values,
        });
        let answer = self.ask(&request)?;
        Ok(answer["digest"].as_str().context("no digest came back")?.to_owned())
    }

    /// How long so many repetitions of a prepared case take.
    pub(super) fn run(&mut self, case: &Case, times: u64) -> Result<Time> {
        let answer = self.ask(&json!({"run": case.name, "times": times * case.at_once, "threads": case.threads}))?;
        let time = Time::of(&answer)?;
        Ok(Time { wall: time.wall / case.at_once, processor: time.processor / case.at_once })
    }

    /// Runs a command line.
    pub(super) fn start_process(&mut self, line: &[String], environment: &Value) -> Result<Process> {
        let answer = self.ask(&json!({"start": line, "environment": environment}))?;
        Ok(Process {
            time: Time::of(&answer)?,
            memory: answer["memory"].as_u64().context("no memory came back")?,
            digest: answer["digest"].as_str().context("no digest came back")?.to_owned(),
        })
    }

    fn ask(&mut self, request: &Value) -> Result<Value> {
        let talk = || format!("`{}` no longer answers", self.name);
        writeln!(self.requests, "{request}").and_then(|()| self.requests.flush()).with_context(talk)?;
        let mut line = String::new();
        self.answers.read_line(&mut line).with_context(talk)?;
        let answer: Value = serde_json::from_str(&line).with_context(talk)?;
        match answer["error"].as_str() {
            Some(error) => bail!("`{}`: {error}", self.name),
            None => Ok(answer),
        }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // It has nothing to lose, and may be at work.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
