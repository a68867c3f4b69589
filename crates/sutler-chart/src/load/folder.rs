//! The files of a chart's folder, in the order in which Helm walks it, without what `.helmignore` leaves out.
//!
//! The only module that reads files. Symbolic links are followed, also out of the folder, as Helm does; each is remarked upon.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;

use super::ignore::IgnoreRules;
use super::{FileError, LARGEST_FILE, LoadError, SourceFile, strip_byte_order_mark};
use crate::log::{Level, Remark};

/// How deep folders may nest. Links that lead in a circle end here instead of at the longest path that the system allows.
const DEEPEST_FOLDER: usize = 64;

/// The bytes of Chart.yaml, read before anything else.
pub(super) fn read_metadata(folder: &Path) -> Result<Vec<u8>, LoadError> {
    let path = absolute(folder)?.join("Chart.yaml");
    fs::read(&path).map_err(|error| {
        let action = if error.kind() == std::io::ErrorKind::IsADirectory { "read" } else { "open" };
        LoadError::Detect { path: path.display().to_string(), source: FileError::new(action, &path, error) }
    })
}

/// All files of the folder that belong to the chart.
pub(super) fn read(folder: &Path, remarks: &mut Vec<Remark>) -> Result<Vec<SourceFile>, LoadError> {
    let root = absolute(folder)?;
    let ignore_file = root.join(".helmignore");
    let rules = if ignore_file.exists() {
        let bytes = fs::read(&ignore_file).map_err(|error| FileError::new("open", &ignore_file, error))?;
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        String::new()
    };
    let mut walk = Walk { rules: IgnoreRules::parse(&rules)?, files: Vec::new(), remarks };
    walk.folder(&root, "", 0)?;
    Ok(walk.files)
}

/// The path from the root on, `.` and `..` taken out as Go's `filepath.Abs` does, without a look at links.
pub(super) fn absolute(folder: &Path) -> Result<PathBuf, FileError> {
    let path = std::path::absolute(folder).map_err(|error| FileError::new("getwd", folder, error))?;
    Ok(match path.to_str() {
        Some(text) if text.starts_with('/') => PathBuf::from(crate::text::clean_path(text)),
        // Other systems' paths are left as they are but for what stands for nothing.
        _ => path.components().collect(),
    })
}

/// The first place that is not there on the way that a link leads, which Go's `EvalSymlinks` names: links followed one by one, `..`
/// taken out as soon as what stands before it is known. The path itself, if the way is longer than Go's 255 links.
fn dead_end(path: &Path) -> PathBuf {
    let mut way: Vec<OsString> = names(path).rev().collect();
    let (mut place, mut links) = (PathBuf::from("/"), 0);
    while let Some(name) = way.pop() {
        if name == ".." {
            place.pop();
            continue;
        }
        place.push(&name);
        match fs::symlink_metadata(&place) {
            Ok(found) if found.is_symlink() && links < 255 => {
                let Ok(target) = fs::read_link(&place) else { return place };
                links += 1;
                place.pop();
                if target.is_absolute() {
                    place = PathBuf::from("/");
                }
                way.extend(names(&target).rev());
            }
            Ok(found) if !found.is_symlink() => {}
            Ok(_) => return path.to_owned(),
            Err(_) => return place,
        }
    }
    place
}

/// The names in a path, `..` too.
fn names(path: &Path) -> impl DoubleEndedIterator<Item = OsString> + '_ {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

struct Walk<'r> {
    rules: IgnoreRules,
    files: Vec<SourceFile>,
    remarks: &'r mut Vec<Remark>,
}

impl Walk<'_> {
    /// Everything in a folder, by name. `inside` is its path inside the chart, with `/`.
    fn folder(&mut self, folder: &Path, inside: &str, depth: usize) -> Result<(), LoadError> {
        if depth > DEEPEST_FOLDER {
            return Err(LoadError::TooDeep);
        }
        let error = |error| FileError::new("open", folder, error);
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(error)? {
            names.push(entry.map_err(error)?.file_name());
        }
        names.sort();
        for name in names {
            let text = name.to_string_lossy();
            let inside = if inside.is_empty() { text.into_owned() } else { format!("{inside}/{text}") };
            self.entry(&folder.join(&name), inside, depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: String, depth: usize) -> Result<(), LoadError> {
        let mut found = fs::symlink_metadata(path).map_err(|error| FileError::new("lstat", path, error))?;
        if found.is_symlink() {
            let resolved = fs::canonicalize(path).map_err(|error| LoadError::Link {
                path: path.display().to_string(),
                source: FileError::new("lstat", &dead_end(path), error),
            })?;
            self.remarks.push(Remark::new(
                Level::Info,
                "found symbolic link in path. Contents of linked file included and used",
                vec![("path", path.display().to_string()), ("resolved", resolved.display().to_string())],
            ));
            found = fs::symlink_metadata(&resolved).map_err(|error| FileError::new("lstat", &resolved, error))?;
        }
        if self.rules.ignores(&name, found.is_dir()) {
            return Ok(());
        }
        if found.is_dir() {
            return self.folder(path, &name, depth + 1);
        }
        if !found.is_file() {
            return Err(LoadError::Irregular { path: path.display().to_string() });
        }
        if found.len() > LARGEST_FILE {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Err(LoadError::FileTooLarge { name });
        }
        let mut data = read_file(path, found.len())
            .map_err(|error| LoadError::Read { name: name.clone(), source: FileError::new("open", path, error) })?;
        strip_byte_order_mark(&mut data);
        let modified = found.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
        self.files.push(SourceFile { name, data, modified });
        Ok(())
    }
}

/// The bytes of a file of that length. One that is longer by now is read as far as it was known; one without a length, as the
/// system has some, is read to its end.
fn read_file(path: &Path, length: u64) -> std::io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut data = vec![0; length.min(LARGEST_FILE as usize)];
    let mut read = 0;
    while read < data.len() {
        match file.read(&mut data[read..]) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    data.truncate(read);
    if length == 0 {
        file.read_to_end(&mut data)?;
    }
    Ok(data)
}
