//! The stack.yaml to start from, and files written where there are none.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// The folder beside stack.yaml for what Sutler writes there itself.
pub const STATE_FOLDER: &str = ".sutler";

/// The schema's file in that folder.
pub const SCHEMA_FILE: &str = "stack.schema.json";

/// A commented stack.yaml for a stack of this name.
pub fn stack_yaml(name: &str) -> String {
    include_str!("init.yaml").replace("@NAME@", name)
}

/// A folder's name as a stack's name: lower-case letters, digits and `-`.
pub fn name_of_folder(folder: &str) -> String {
    let replaced: String = folder
        .chars()
        .map(|found| if found.is_ascii_alphanumeric() { found.to_ascii_lowercase() } else { '-' })
        .take(40)
        .collect();
    match replaced.trim_matches('-') {
        "" => "data-team".to_owned(),
        name => name.to_owned(),
    }
}

/// A file to write where none is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its path below the stack's folder, with `/`.
    pub path: String,
    /// What is in it.
    pub content: Vec<u8>,
    /// Whether only its owner may read it.
    pub private: bool,
}

impl NewFile {
    /// A file like any other.
    pub fn plain(path: &str, content: impl Into<Vec<u8>>) -> NewFile {
        NewFile { path: path.to_owned(), content: content.into(), private: false }
    }
}

/// Why files were not written; then none of them was.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// One is there.
    #[error("`{}` exists and is not overwritten", .0.display())]
    Exists(PathBuf),
    /// It cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Writes files into a folder, all of them or none.
///
/// # Errors
/// If one of them exists, or cannot be written: those written before it are taken away again.
pub fn write_new(folder: &Path, files: &[NewFile]) -> Result<(), WriteError> {
    for file in files {
        let path = folder.join(&file.path);
        if path.symlink_metadata().is_ok() {
            return Err(WriteError::Exists(path));
        }
    }
    let mut written: Vec<PathBuf> = Vec::new();
    for file in files {
        let path = folder.join(&file.path);
        let wrote = write_one(&path, file);
        if let Err(source) = wrote {
            for path in written {
                if let Err(error) = std::fs::remove_file(&path) {
                    tracing::warn!(%error, path = %path.display(), "a file of what failed is left");
                }
            }
            return Err(match source.kind() {
                ErrorKind::AlreadyExists if path.symlink_metadata().is_ok() => WriteError::Exists(path),
                _ => WriteError::Write { path, source },
            });
        }
        written.push(path);
    }
    Ok(())
}

fn write_one(path: &Path, file: &NewFile) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if file.private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    options.open(path)?.write_all(&file.content)
}

/// A text as a YAML scalar: as it stands where every reader takes it for that text, else in double quotes.
pub fn scalar(text: &str) -> String {
    let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '.')
        && text
            .chars()
            .all(|found| found.is_ascii_alphanumeric() || matches!(found, '.' | '-' | '_' | '/' | ':' | '+' | '@'))
        && !text.ends_with(':')
        && text.chars().any(|found| found.is_ascii_alphabetic());
    let means_more = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", ".inf", ".nan"];
    match is_word && !means_more.contains(&text.to_ascii_lowercase().as_str()) {
        true => text.to_owned(),
        false => serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f"),
    }
}

/// A text in one line, for a comment or a terminal: control characters become spaces.
pub fn one_line(text: &str) -> String {
    text.chars().map(|found| if found.is_control() { ' ' } else { found }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_reads_as_the_text_it_was() {
        for text in [
            "a",
            "",
            "true",
            "Yes",
            "1.34",
            "1e3",
            "0x1f",
            "a: b",
            "a:",
            "-a",
            "./x",
            "#a",
            "é",
            "a\"b",
            "a\nb",
            "~",
            ".5",
            "\u{7f}",
            "1.2.3",
            "arn:aws:iam::1:role/x",
            "${x}",
        ] {
            let written = format!("k: {}\nf: [{}, x]\n", scalar(text), scalar(text));
            let node = sutler_yaml::read(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
            assert_eq!(node.get("k").and_then(|node| node.as_str()), Some(text), "{written}");
            assert_eq!(node.get("f").map(|node| node.items()[0].as_str()), Some(Some(text)), "{written}");
        }
    }

    #[test]
    fn nothing_is_written_where_one_file_exists() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("b"), "old").unwrap();
        let files = [NewFile::plain("a", "1"), NewFile::plain("b", "2")];
        assert!(matches!(write_new(folder.path(), &files), Err(WriteError::Exists(_))));
        assert!(!folder.path().join("a").exists());
        // A folder in a file's place is found only on the way.
        std::fs::write(folder.path().join("c"), "old").unwrap();
        let files = [NewFile::plain("a", "1"), NewFile::plain("c/d", "2")];
        assert!(matches!(write_new(folder.path(), &files), Err(WriteError::Write { .. })));
        assert!(!folder.path().join("a").exists());
    }

    #[test]
    fn the_file_to_start_from_is_a_stack() {
        let text = stack_yaml("data-team");
        let file = crate::file::read("stack.yaml", &text, None).unwrap_or_else(|report| panic!("{report}"));
        crate::stack::Stack::from_file(file).unwrap_or_else(|report| panic!("{report}"));
    }

    #[test]
    fn a_folders_name_becomes_a_stacks() {
        assert_eq!(name_of_folder("My Team_1"), "my-team-1");
        assert_eq!(name_of_folder("/"), "data-team");
    }
}
