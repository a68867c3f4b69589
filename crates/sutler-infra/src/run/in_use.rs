//! Who else works in the root module's folder: another Sutler, or a Terraform that outlived the one that started it.
//!
//! A state that lies in the folder is written in place: who reads it meanwhile finds half of it, and `terraform init` reads without
//! asking for the lock. So it is asked for here, as Terraform's local backend takes it: by the operating system's record lock on the
//! state's file, which ends with the process, whatever became of it. The file beside it only says whose the lock is.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use serde_json::Value;

use super::RunError;
use crate::progress::LockHolder;

/// The state, where it lies in the folder.
const STATE_FILE: &str = "terraform.tfstate";

/// What Terraform writes beside a state that it has locked.
const LOCK_INFO: &str = ".terraform.tfstate.lock.info";

/// What Sutler has locked while it works in the folder.
const LOCK_FILE: &str = "sutler.lock";

/// A folder in which one Sutler works; others may when this is dropped, or its process has ended.
#[derive(Debug)]
pub struct Taken {
    _file: File,
}

/// Takes the folder, and makes it where it is not there.
///
/// # Errors
/// [`RunError::InUse`] where another Sutler works in it; or it cannot be written to.
pub fn take(folder: &Path) -> Result<Taken, RunError> {
    let path = folder.join(LOCK_FILE);
    let failed = |source| RunError::Write { path: path.clone(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let process = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
            return Err(RunError::InUse { folder: folder.to_path_buf(), process });
        }
        // Some network file systems know no locks.
        Err(TryLockError::Error(source)) if source.kind() == ErrorKind::Unsupported => {}
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
    Ok(Taken { _file: file })
}

/// Who has locked the state that lies in the folder; `None` where nobody has, or it lies elsewhere.
pub(super) fn state_holder(folder: &Path) -> Result<Option<LockHolder>, RunError> {
    let state = folder.join(STATE_FILE);
    match is_locked(&state) {
        Ok(false) => Ok(None),
        Ok(true) => Ok(Some(read_info(&fs::read(folder.join(LOCK_INFO)).unwrap_or_default(), &state))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RunError::Read(error)),
    }
}

/// Whether another process has the record lock of a file.
#[cfg(unix)]
fn is_locked(path: &Path) -> io::Result<bool> {
    use rustix::fs::{FlockOperation, fcntl_lock};
    use rustix::io::Errno;

    let file = File::open(path)?;
    // Shared, for which reading is enough; it is let go with the file.
    match fcntl_lock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(Errno::AGAIN | Errno::ACCESS) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// A file that another process has locked cannot be read there.
#[cfg(not(unix))]
fn is_locked(path: &Path) -> io::Result<bool> {
    match fs::read(path) {
        Ok(_) => Ok(false),
        Err(error) if error.raw_os_error() == Some(33) => Ok(true),
        Err(error) => Err(error),
    }
}

/// The holder, of Terraform's JSON. What it does not say, or has not written yet, is told as unknown; the id is then empty.
fn read_info(json: &[u8], state: &Path) -> LockHolder {
    let info: Value = serde_json::from_slice(json).unwrap_or_default();
    let field = |name: &str| info[name].as_str().filter(|text| !text.is_empty());
    let known = |name: &str| field(name).unwrap_or("unknown").to_owned();
    LockHolder {
        id: field("ID").unwrap_or_default().to_owned(),
        path: field("Path").map_or_else(|| state.display().to_string(), str::to_owned),
        operation: known("Operation"),
        who: known("Who"),
        created: known("Created"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_sutlers_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("infra/prod");
        let taken = take(&folder).unwrap();
        let refused = take(&folder).unwrap_err();
        let process = std::process::id();
        assert_eq!(refused.to_string(), format!("another Sutler (process {process}) works in `{}`", folder.display()));
        drop(taken);
        take(&folder).unwrap();
    }

    #[test]
    fn a_state_without_a_lock_has_no_holder_whatever_was_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(state_holder(folder.path()).unwrap().is_none());
        fs::write(folder.path().join(LOCK_INFO), r#"{"ID": "1f2e"}"#).unwrap();
        fs::write(folder.path().join(STATE_FILE), "{}").unwrap();
        assert!(state_holder(folder.path()).unwrap().is_none());
    }

    #[test]
    fn a_holder_is_read_as_far_as_it_is_written() {
        let info = br#"{"ID":"ea0c2dc8","Operation":"OperationTypeApply","Info":"","Who":"root@vm","Version":"1.11.4",
            "Created":"2026-11-23T11:18:11.05Z","Path":"terraform.tfstate"}"#;
        let holder = read_info(info, Path::new("x"));
        assert_eq!(
            (holder.id.as_str(), holder.who.as_str(), holder.path.as_str()),
            ("ea0c2dc8", "root@vm", "terraform.tfstate")
        );
        let holder = read_info(b"{\"ID\":\"ea", Path::new("x"));
        assert_eq!((holder.id.as_str(), holder.who.as_str(), holder.path.as_str()), ("", "unknown", "x"));
    }
}
