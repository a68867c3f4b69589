//! The exclusive lock beside a store: a file that holds who uses it and, when it is served, how to reach it.
//!
//! The operating system's file lock decides; the content only says who. A process that was killed leaves the file but not
//! the lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Who uses a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// What it was started as, such as `sutler simulator serve`.
    pub command: String,
    /// Name of the machine it runs on.
    pub host: String,
    /// How to reach the simulator, when it is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Served>,
}

/// How to reach a served simulator.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Served {
    /// URL, such as `http://127.0.0.1:40123`.
    pub address: String,
    /// Bearer token to show.
    pub token: String,
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Served").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// Somebody has it. `None` when it does not say who.
    #[error("the store is in use")]
    Held(Option<Holder>),
    /// The lock file cannot be used.
    #[error("cannot use lock file `{}`", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// A taken lock; let go when dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    holder: Holder,
}

/// How often a lock is tried whose file does not say who has it: its holder has just got it and is about to write, or has just
/// let it go (a child process that is being started keeps a lock for a moment longer).
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(5);

impl Lock {
    pub(crate) fn take(path: &Path, holder: Holder) -> Result<Self, LockError> {
        let io = |source| LockError::File { path: path.to_path_buf(), source };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(io)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(io)?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => {
                    let mut lock = Self { file, holder };
                    lock.write().map_err(io)?;
                    return Ok(lock);
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(io(source)),
            }
            if let Some(holder) = read_holder(path) {
                return Err(LockError::Held(Some(holder)));
            }
            std::thread::sleep(PAUSE);
        }
        Err(LockError::Held(None))
    }

    /// Says how the store is served, or (with `None`) that it no longer is.
    pub(crate) fn set_served(&mut self, served: Option<Served>) -> std::io::Result<()> {
        self.holder.served = served;
        self.write()
    }

    fn write(&mut self) -> std::io::Result<()> {
        let mut text = serde_json::to_string(&self.holder).expect("a holder is plain data");
        text.push('\n');
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What it says is no longer true; a failure leaves a name that nobody holds the lock for.
        if let Err(error) = self.file.set_len(0) {
            tracing::debug!(%error, "the lock file keeps its content");
        }
    }
}

fn read_holder(path: &Path) -> Option<Holder> {
    let mut text = String::new();
    File::open(path).and_then(|mut file| file.read_to_string(&mut text)).ok()?;
    serde_json::from_str(&text).ok()
}

/// This process, running `command`.
pub(crate) fn this_process(command: &str) -> Holder {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map_or_else(|| "localhost".to_string(), |name| name.trim().to_string());
    Holder { pid: std::process::id(), command: command.to_string(), host, served: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_lock_names_its_holder_and_is_free_when_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.lock");
        let mut lock = Lock::take(&path, this_process("first")).unwrap();
        let served = Served { address: "http://127.0.0.1:1".into(), token: "secret".into() };
        lock.set_served(Some(served.clone())).unwrap();
        match Lock::take(&path, this_process("second")) {
            Err(LockError::Held(Some(holder))) => {
                assert_eq!((holder.command.as_str(), holder.pid), ("first", std::process::id()));
                assert_eq!(holder.served, Some(served));
            }
            other => panic!("{other:?}"),
        }
        drop(lock);
        Lock::take(&path, this_process("third")).unwrap();
    }

    #[test]
    fn the_token_is_not_in_debug_output() {
        let served = Served { address: "a".into(), token: "secret".into() };
        assert!(!format!("{served:?}").contains("secret"));
    }
}
