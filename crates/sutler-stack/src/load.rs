//! From a path to a stack with everything its releases are made from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::charts::{self, ChartError, Repositories};
use crate::file;
use crate::file::diagnostic::Report;
use crate::inputs::{self, InputError, ReleaseInputs};
use crate::permissions::read_policies;
use crate::pins::{PinChange, Pins, Upgrade};
use crate::stack::{Release, Stack};

/// The file's name in a stack's folder.
pub const STACK_FILE: &str = "stack.yaml";

/// A stack and what its releases are made from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The stack.
    pub stack: Stack,
    /// The folder that its paths are relative to.
    pub folder: PathBuf,
    /// Charts and values of its releases, by id.
    pub inputs: BTreeMap<String, ReleaseInputs>,
    /// The same of the releases that this environment leaves out.
    pub skipped: BTreeMap<String, ReleaseInputs>,
    /// What stack.lock pins, and what it would.
    pub pins: LockFile,
}

/// The stack.lock of a stack: what it holds, and what it must hold for the charts that were loaded.
#[derive(Clone, Debug)]
pub struct LockFile {
    /// Its path, whether it exists or not.
    pub path: PathBuf,
    /// What it holds.
    pub before: Pins,
    /// What it must hold.
    pub after: Pins,
}

impl LockFile {
    /// What differs.
    pub fn changes(&self) -> Vec<PinChange> {
        self.after.changes_since(&self.before)
    }

    /// Writes what it must hold, if that differs; returns whether it did.
    ///
    /// # Errors
    /// If the file cannot be written; then it is as it was.
    pub fn write(&self) -> std::io::Result<bool> {
        if self.before == self.after {
            return Ok(false);
        }
        let unfinished = self.path.with_extension("lock.part");
        std::fs::write(&unfinished, self.after.text())?;
        std::fs::rename(&unfinished, &self.path)?;
        Ok(true)
    }
}

/// Why a stack cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is wrong.
    #[error("{0}")]
    File(Box<Report>),
    /// The policy file of a role cannot be read.
    #[error("cannot read `{}`, the policy of role `{role}`", path.display())]
    Policy {
        /// The role's key.
        role: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A chart or values file.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A chart.
    #[error(transparent)]
    Chart(#[from] ChartError),
}

impl LoadError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            LoadError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Some("name the stack's folder, or write a file to start from with `sutler init`".into())
            }
            LoadError::Chart(error) => error.hint(),
            _ => None,
        }
    }
}

/// The file that a path means: itself, or the stack.yaml in a folder.
pub fn stack_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(STACK_FILE) } else { path.to_path_buf() }
}

/// Reads a stack for one environment with its roles' policies, without its charts and values: what commands need that make nothing of them.
/// `path` is its file, or the folder with its stack.yaml. Also returns the folder that its paths are relative to.
///
/// # Errors
/// If the file or a policy is wrong.
pub fn load_stack(path: &Path, environment: Option<&str>) -> Result<(Stack, PathBuf), LoadError> {
    let path = stack_file(path);
    let text = std::fs::read_to_string(&path).map_err(|source| LoadError::Read { path: path.clone(), source })?;
    let wrong = |report| LoadError::File(Box::new(report));
    let read = file::read(&path.display().to_string(), &text, environment).map_err(wrong)?;
    let mut stack = Stack::from_file(read).map_err(wrong)?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    read_policies(&mut stack, &folder)?;
    Ok((stack, folder))
}

/// Reads a stack for one environment, and everything its releases are made from.
///
/// # Errors
/// If the file is wrong, or a chart or a values file cannot be had, or a chart is not the one that is pinned.
pub fn load(path: &Path, environment: Option<&str>, repositories: &dyn Repositories) -> Result<Loaded, LoadError> {
    load_upgrading(path, environment, repositories, &Upgrade::Nothing)
}

/// As [`load`], with some charts resolved anew.
///
/// # Errors
/// As [`load`].
pub fn load_upgrading(
    path: &Path,
    environment: Option<&str>,
    repositories: &dyn Repositories,
    upgrade: &Upgrade,
) -> Result<Loaded, LoadError> {
    let (stack, folder) = load_stack(path, environment)?;
    let lock_file = stack_file(path).with_extension("lock");
    let before = read_pins(&lock_file)?;
    let mut after = Pins::default();
    let mut read = |releases: &[Release]| -> Result<BTreeMap<String, ReleaseInputs>, LoadError> {
        let mut inputs = BTreeMap::new();
        for release in releases {
            let chart = charts::load(release, &folder, &before, upgrade, repositories, &mut after)?;
            inputs.insert(release.id.clone(), inputs::read(release, chart, &stack.file, &folder)?);
        }
        Ok(inputs)
    };
    let (inputs, skipped) = (read(&stack.releases)?, read(&stack.skipped)?);
    Ok(Loaded { inputs, skipped, pins: LockFile { path: lock_file, before, after }, folder, stack })
}

fn read_pins(path: &Path) -> Result<Pins, LoadError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Pins::parse(&path.display().to_string(), &text).map_err(LoadError::File),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Pins::default()),
        Err(source) => Err(LoadError::Read { path: path.to_path_buf(), source }),
    }
}
