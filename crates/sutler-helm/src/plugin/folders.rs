//! Making folders with those above them, as Go's `os.MkdirAll`, whose errors name what is in the way.

use std::fs::DirBuilder;
use std::path::Path;

use sutler_chart::io_message;

/// Makes a folder, and those above it that are missing. `shown` is what it is called in messages.
///
/// # Errors
/// `mkdir PATH: REASON`, where the path is the first that cannot be made.
pub(crate) fn make_folders(path: &Path, shown: &Path) -> Result<(), String> {
    if path.as_os_str().is_empty() {
        return Err("mkdir : no such file or directory".to_owned());
    }
    let Err(error) = builder().recursive(true).create(path) else { return Ok(()) };
    for (above, shown) in path.ancestors().zip(shown.ancestors()) {
        match above.metadata() {
            Ok(found) if !found.is_dir() => return Err(format!("mkdir {}: not a directory", shown.display())),
            Ok(_) => break,
            Err(_) => {}
        }
    }
    Err(format!("mkdir {}: {}", shown.display(), io_message(&error)))
}

/// What makes folders that all may enter and their owner may change, as far as the process lets it.
pub(crate) fn builder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let made = |name: &str| make_folders(&folder.path().join(name), Path::new(&format!("/x/{name}")));
        assert_eq!(made("a/b"), Ok(()));
        assert_eq!(made("a/b"), Ok(()));
        assert_eq!(made("file"), Err("mkdir /x/file: not a directory".to_owned()));
        assert_eq!(made("file/a/b"), Err("mkdir /x/file: not a directory".to_owned()));
        assert_eq!(make_folders(Path::new(""), Path::new("")), Err("mkdir : no such file or directory".to_owned()));
    }
}
