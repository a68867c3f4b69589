//! A machine within this one: network, mounts and processes of its own, so that a kubelet touches nothing of what is here, two can run at
//! once, and all of it ends with the process that is its first: containers, mounts, interfaces, rules.
//!
//! Only its cgroups outlive that, empty; they are removed when the value is dropped, and those of killed runs when a machine is made.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::process;

/// The machine's address: a kubelet takes no loopback one.
pub(crate) const ADDRESS: &str = "10.245.0.1";

/// Where this machine's control groups are, of the first version: a folder a controller.
const CGROUPS: &str = "/sys/fs/cgroup";

/// What control groups of these machines are called, before the id of the process that made them.
const CGROUP_PREFIX: &str = "sutler-node-";

/// The first process: it sets up the network, says so, and waits for processes whose parents have ended.
const FIRST: &str = "\
set -e
mount --make-rprivate /
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
ip link set lo up
ip link add kc0 type bridge
ip addr add 10.245.0.1/32 dev kc0
ip link set kc0 up
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
echo ready
while :; do sleep 3600 & wait; done
";

/// The machine.
pub(crate) struct Machine {
    holder: Child,
    /// Its first process, as it is numbered here.
    first: u32,
    /// The name of its cgroup in each hierarchy.
    pub(crate) cgroup: String,
}

impl Machine {
    /// Makes one.
    pub(crate) fn make() -> Result<Machine> {
        for program in ["setpriv", "unshare", "nsenter", "ip", "mount"] {
            ensure!(
                process::is_there(program, "-V") || process::is_there(program, "--version"),
                "`{program}` is not on PATH"
            );
        }
        ensure!(
            Path::new(CGROUPS).join("cpu").is_dir(),
            "the cgroups of this machine are not those of the first version"
        );
        remove_left()?;
        // Killed with us, and all in it with it.
        let mut holder = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "unshare"])
            .args(["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=KILL", "sh", "-c", FIRST])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("could not start `unshare`")?;
        let mut line = String::new();
        BufReader::new(holder.stdout.take().context("`unshare` has no output")?).read_line(&mut line)?;
        if line.trim() != "ready" {
            let said = holder.wait_with_output()?;
            bail!("no machine of its own can be made here: {}", String::from_utf8_lossy(&said.stderr).trim());
        }
        let id = holder.id();
        let children =
            fs::read_to_string(format!("/proc/{id}/task/{id}/children")).context("could not find its first process")?;
        let first = children.trim().parse().context("could not find its first process")?;
        let cgroup = format!("{CGROUP_PREFIX}{}", std::process::id());
        let machine = Machine { holder, first, cgroup };
        for folder in controllers()? {
            let folder = folder.join(&machine.cgroup);
            fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
            // A cpuset takes no process before it has processors and memory.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                if folder.join(file).exists() {
                    let of_all = fs::read_to_string(folder.join("..").join(file))?;
                    fs::write(folder.join(file), of_all.trim())?;
                }
            }
        }
        Ok(machine)
    }

    /// A program in it, with all that is its own.
    pub(crate) fn inside(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.enter(&["--net", "--mount", "--pid"], program)
    }

    /// A program of here that sees its network.
    pub(crate) fn beside(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.enter(&["--net"], program)
    }

    fn enter(&self, what: &[&str], program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.first)).args(what).arg("--").arg(program);
        command
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // With its first process everything in it is killed.
        drop(self.holder.kill());
        drop(self.holder.wait());
        for folder in controllers().unwrap_or_default() {
            drop(remove_cgroup(&folder.join(&self.cgroup)));
        }
    }
}

/// A folder for each controller.
fn controllers() -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(CGROUPS).with_context(|| format!("could not list {CGROUPS}"))?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        // `cpu` may be a link to `cpu,cpuacct`.
        if entry.file_type()?.is_dir() && entry.path().join("cgroup.procs").exists() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Removes the cgroups of machines whose makers have ended.
fn remove_left() -> Result<()> {
    for folder in controllers()? {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(maker) = name.strip_prefix(CGROUP_PREFIX) else { continue };
            if !Path::new("/proc").join(maker).exists() {
                drop(remove_cgroup(&entry.path()));
            }
        }
    }
    Ok(())
}

/// Removes a cgroup with those in it, the innermost first; processes that are just ending hold them for a moment.
fn remove_cgroup(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_cgroup(&entry.path())?;
        }
    }
    let mut tries = 0;
    loop {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy && tries < 100 => {
                tries += 1;
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            done => return done,
        }
    }
}
