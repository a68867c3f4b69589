//! Copying a plugin's folder to its place: whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use sutler_chart::io_message;
use thiserror::Error;

use super::install::InstallError;

/// Why a folder cannot be copied, in the words of Helm's `fs.CopyDir`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct CopyError(String);

/// Copies a folder to a place where nothing is: beside it first, then renamed into it.
///
/// Folders, files (with their modes) and links are copied; links as they are.
///
/// # Errors
/// What the file system refuses. Nothing is left behind then.
pub(super) fn copy_whole(source: &Path, target: &Path) -> Result<(), InstallError> {
    let name = target.file_name().unwrap_or_default();
    let parent = target.parent().unwrap_or(Path::new("."));
    // One folder deeper than plugins are looked for: what a process that was killed leaves there is no plugin.
    let beside = temporary_in(parent, &format!(".{}-", name.to_string_lossy()))?;
    let copy = beside.path().join(name);
    copy_folder(source, &copy).map_err(InstallError::Copy)?;
    fs::rename(&copy, target).map_err(|error| match error.kind() {
        // Another process was faster.
        std::io::ErrorKind::DirectoryNotEmpty | std::io::ErrorKind::AlreadyExists => {
            InstallError::Exists { path: target.display().to_string() }
        }
        _ => InstallError::File(format!("rename {} {}: {}", copy.display(), target.display(), io_message(&error))),
    })
}

/// A folder that is gone when it is dropped.
///
/// # Errors
/// What the file system refuses.
pub(super) fn temporary_in(folder: &Path, prefix: &str) -> Result<tempfile::TempDir, InstallError> {
    tempfile::Builder::new()
        .prefix(prefix)
        .suffix(".tmp")
        .tempdir_in(folder)
        .map_err(|error| InstallError::File(format!("mkdir {}: {}", folder.display(), io_message(&plain(&error)))))
}

/// The system's own words for an error to which `tempfile` has added the path.
pub(super) fn plain(error: &std::io::Error) -> std::io::Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => std::io::Error::from_raw_os_error(2),
        std::io::ErrorKind::PermissionDenied => std::io::Error::from_raw_os_error(13),
        kind => kind.into(),
    }
}

/// Copies what is in a folder, by name. A path's length bounds how deep folders can be.
fn copy_folder(source: &Path, target: &Path) -> Result<(), CopyError> {
    let failed = |action: &str, path: &Path, error: &std::io::Error| {
        CopyError(format!("{action} {}: {}", path.display(), io_message(error)))
    };
    let found = fs::symlink_metadata(source).map_err(|error| failed("lstat", source, &error))?;
    if !found.is_dir() {
        return Err(CopyError("source is not a directory".to_owned()));
    }
    make_folder(target, &found).map_err(|error| failed("mkdir", target, &error))?;
    let entries = fs::read_dir(source).map_err(|error| failed("open", source, &error))?;
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|error| failed("readdirent", source, &error))?.path());
    }
    paths.sort();
    for path in paths {
        let inner = target.join(path.file_name().unwrap_or_default());
        let kind = fs::symlink_metadata(&path).map_err(|error| failed("lstat", &path, &error))?.file_type();
        if kind.is_dir() {
            copy_folder(&path, &inner).map_err(|error| CopyError(format!("copying directory failed: {error}")))?;
            continue;
        }
        let copied = if kind.is_symlink() {
            fs::read_link(&path).and_then(|points_to| link(&points_to, &inner))
        } else if kind.is_file() {
            // The mode is copied with it.
            fs::copy(&path, &inner).map(drop)
        } else {
            Err(std::io::Error::other("it is neither a file, a folder nor a link"))
        };
        copied.map_err(|error| CopyError(format!("copying file failed: {}", failed("open", &path, &error))))?;
    }
    Ok(())
}

/// A folder with the mode of another, as far as the process lets it.
fn make_folder(path: &Path, like: &fs::Metadata) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        builder.mode(like.permissions().mode() & 0o777);
    }
    #[cfg(not(unix))]
    let _ = like;
    builder.create(path)
}

#[cfg(unix)]
pub(super) fn link(points_to: &Path, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(points_to, path)
}

#[cfg(windows)]
pub(super) fn link(points_to: &Path, path: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_dir(points_to, path)
}
