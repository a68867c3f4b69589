//! Files and names, with errors in Go's words.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

pub(crate) use sutler_chart::FileError;

/// What the operating system said of a path while doing `action`.
pub(crate) fn file_error(action: &'static str, path: &Path, error: std::io::Error) -> FileError {
    FileError { action, path: path.display().to_string(), error }
}

/// A whole file.
///
/// # Errors
/// When it cannot be read, or is larger than `limit` bytes.
pub(crate) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let file = File::open(path).map_err(|error| file_error("open", path, error))?;
    let mut data = Vec::new();
    let read = file.take(limit + 1).read_to_end(&mut data).map_err(|error| file_error("read", path, error))?;
    if u64::try_from(read).is_ok_and(|read| read > limit) {
        return Err(file_error("read", path, std::io::ErrorKind::FileTooLarge.into()));
    }
    Ok(data)
}

/// The last part of a path, as Go's `filepath.Base`.
pub(crate) fn base_name(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        Some("") | None if path.is_empty() => ".",
        Some("") | None => "/",
        Some(name) => name,
    }
}

/// A name's extension with its dot, as Go's `filepath.Ext`; empty without one.
pub(crate) fn extension(name: &str) -> &str {
    name.rfind('.').map_or("", |dot| &name[dot..])
}
