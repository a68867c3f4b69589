//! From a path to a stack with everything its releases are made from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::file;
use crate::file::diagnostic::Report;
use crate::inputs::{self, InputError, ReleaseInputs};
use crate::stack::Stack;

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
    /// The file is wrong.
    #[error("{0}")]
    File(Box<Report>),
    /// A chart or values file.
    #[error(transparent)]
    Input(#[from] InputError),
}

impl LoadError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            LoadError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Some("name the stack's folder, or write a file to start from with `sutler init`".into())
            }
            _ => None,
        }
    }
}

/// The file that a path means: itself, or the stack.yaml in a folder.
pub fn stack_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(STACK_FILE) } else { path.to_path_buf() }
}

/// Reads a stack for one environment. `path` is its file, or the folder with its stack.yaml.
///
/// # Errors
/// If the file is wrong, or a chart or a values file cannot be read.
pub fn load(path: &Path, environment: Option<&str>) -> Result<Loaded, LoadError> {
    let path = stack_file(path);
    let text = std::fs::read_to_string(&path).map_err(|source| LoadError::Read { path: path.clone(), source })?;
    let wrong = |report| LoadError::File(Box::new(report));
    let read = file::read(&path.display().to_string(), &text, environment).map_err(wrong)?;
    let stack = Stack::from_file(read).map_err(wrong)?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let mut loaded = Loaded { inputs: BTreeMap::new(), skipped: BTreeMap::new(), folder, stack };
    for release in &loaded.stack.releases {
        let inputs = inputs::read(release, &loaded.stack.file, &loaded.folder)?;
        loaded.inputs.insert(release.id.clone(), inputs);
    }
    for release in &loaded.stack.skipped {
        let inputs = inputs::read(release, &loaded.stack.file, &loaded.folder)?;
        loaded.skipped.insert(release.id.clone(), inputs);
    }
    Ok(loaded)
}
