//! One side of the measurements: Sutler's libraries, asked for the same work on the same inputs as Helm's own library
//! (`bench/go`). Reads one request a line from standard input and answers each with one line; `bench/README.md` has the
//! format. It also measures whole processes, since it is small itself: a process begins with the memory of the one that
//! starts it.

mod cases;
mod processes;

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use cases::{Run, Work};

/// A request: to prepare a case, to run a prepared one, or to run a command line.
#[derive(Deserialize)]
#[serde(untagged)]
enum Request {
    Prepare {
        /// The name under which the case is kept.
        prepare: String,
        #[serde(flatten)]
        case: cases::Case,
    },
    Run {
        run: String,
        times: usize,
        #[serde(default)]
        threads: usize,
    },
    Start {
        /// The program and its arguments.
        start: Vec<String>,
        /// Variables beside those of this process.
        #[serde(default)]
        environment: BTreeMap<String, String>,
    },
}

/// What is answered; fields that do not apply are left out.
#[derive(Default, Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    nanoseconds: Option<u64>,
    /// Nanoseconds that processors worked, all threads together: what another load of the machine disturbs least.
    #[serde(skip_serializing_if = "Option::is_none")]
    processor: Option<u64>,
    /// SHA-256 of what the case makes: both sides must make the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// The most memory that a process held at once, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let mut prepared = HashMap::new();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = line.map_err(Failure::from).and_then(|line| serve(&mut prepared, &line));
        let answer = answer.unwrap_or_else(|error| Answer { error: Some(error.to_string()), ..Answer::default() });
        let Ok(mut text) = serde_json::to_string(&answer) else { return ExitCode::FAILURE };
        text.push('\n');
        if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn serve(prepared: &mut HashMap<String, Work>, line: &str) -> Result<Answer, Failure> {
    match serde_json::from_str(line)? {
        Request::Prepare { prepare, case } => {
            let work = cases::prepare(case)?;
            let digest = Sha256::digest(work(Run::Shown)?);
            prepared.insert(prepare, work);
            let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(Answer { digest: Some(digest), ..Answer::default() })
        }
        Request::Run { run, times, threads } => {
            let work = prepared.get(&run).ok_or_else(|| format!("no case {run:?} was prepared"))?;
            let (start, worked) = (Instant::now(), processor_time()?);
            repeat(work, times, threads.max(1))?;
            let nanoseconds = u64::try_from(start.elapsed().as_nanos())?;
            let processor = processor_time()? - worked;
            Ok(Answer { nanoseconds: Some(nanoseconds), processor: Some(processor), ..Answer::default() })
        }
        Request::Start { start, environment } => {
            let process = processes::run(&start, &environment)?;
            Ok(Answer {
                nanoseconds: Some(process.nanoseconds),
                processor: Some(process.processor),
                memory: Some(process.memory),
                digest: Some(process.digest),
                ..Answer::default()
            })
        }
    }
}

/// Nanoseconds that processors have worked for this process.
fn processor_time() -> Result<u64, Failure> {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(u64::try_from(now.tv_sec)? * 1_000_000_000 + u64::try_from(now.tv_nsec)?)
}

/// Does the work that often, shared among so many threads.
fn repeat(work: &Work, times: usize, threads: usize) -> Result<(), Failure> {
    if threads == 1 {
        return (0..times).try_for_each(|number| work(Run::Timed(number)).map(drop));
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    (thread..times).step_by(threads).try_for_each(|number| work(Run::Timed(number)).map(drop))
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| Err("a thread panicked".into())))
    })
}
