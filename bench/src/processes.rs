//! Runs a command line once: how long it takes, and the most memory it held.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Instant;

use sha2::{Digest, Sha256};
use wait4::Wait4;

use crate::Failure;

/// One run of a process.
pub(crate) struct Process {
    /// From before it was started until it had ended and all it wrote was read.
    pub(crate) nanoseconds: u64,
    /// How long processors worked for it, the kernel's work included.
    pub(crate) processor: u64,
    /// The most memory that it held at once, in bytes.
    pub(crate) memory: u64,
    /// SHA-256 of what it wrote to standard output.
    pub(crate) digest: String,
}

/// Runs a program with arguments and more variables; what it prints is read through a pipe, as a caller would.
pub(crate) fn run(line: &[String], environment: &BTreeMap<String, String>) -> Result<Process, Failure> {
    let (program, arguments) = line.split_first().ok_or("a command line needs a program")?;
    let mut command = Command::new(program);
    command.args(arguments).envs(environment).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut written = Vec::with_capacity(1 << 20);
    let start = Instant::now();
    let mut child = command.spawn()?;
    if let Some(mut out) = child.stdout.take() {
        out.read_to_end(&mut written)?;
    }
    let used = child.wait4()?;
    let nanoseconds = u64::try_from(start.elapsed().as_nanos())?;
    if !used.status.success() {
        return Err(format!("{} ended with {}", line.join(" "), used.status).into());
    }
    let processor = u64::try_from((used.rusage.utime + used.rusage.stime).as_nanos())?;
    let digest = Sha256::digest(&written).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Process { nanoseconds, processor, memory: used.rusage.maxrss, digest })
}
