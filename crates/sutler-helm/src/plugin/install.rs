//! Where a plugin comes from, and how it gets into the folder of plugins.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sutler_chart::{go_quoted, io_message};
use sutler_repository::provenance::{self, Keyring, Verification};
use thiserror::Error;

use super::archive::{self, ArchiveError};
use super::{Metadata, MetadataError, PLUGIN_FILE};
use crate::settings::join;

/// Why a plugin cannot be installed. The texts, joined with their causes by `: `, are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The source is nothing that plugins are fetched from here.
    #[error(
        "cannot get information about plugin source {} (if it's a local directory, does it exist?), last error was: {reason}",
        go_quoted(.source_text)
    )]
    Source {
        /// The source, as typed.
        source_text: String,
        /// Why not.
        reason: &'static str,
    },
    /// Something of that name is there.
    #[error("plugin already exists")]
    Exists {
        /// Where.
        path: String,
    },
    /// The source is a file, but no archive.
    #[error("expected plugin to be a directory (containing a file 'plugin.yaml')")]
    NoFolder,
    /// The folder is no plugin.
    #[error("plugin metadata (plugin.yaml) missing")]
    NoMetadata,
    /// The archive holds no plugin.yaml.
    #[error("failed to extract plugin metadata from tarball: plugin.yaml not found in tarball")]
    NoMetadataInArchive,
    /// The archive's plugin.yaml is wrong.
    #[error("failed to extract plugin metadata from tarball")]
    Metadata(#[source] MetadataError),
    /// The archive is none, seen while looking for its plugin.yaml.
    #[error("failed to extract plugin metadata from tarball")]
    ReadArchive(#[source] ArchiveError),
    /// The archive cannot be unpacked.
    #[error("failed to extract archive")]
    Unpack(#[source] ArchiveError),
    /// The archive has other folders than its name says.
    #[error(
        "plugin.yaml not found in expected directory {folder}: stat {folder}/plugin.yaml: no such file or directory"
    )]
    OtherFolder {
        /// The folder expected.
        folder: String,
    },
    /// There is no signature beside the archive.
    #[error("plugin verification failed: no provenance file (.prov) found")]
    NoProvenance,
    /// The signature does not count.
    #[error("plugin verification failed")]
    Verify(#[source] provenance::VerifyError),
    /// The keys cannot be read.
    #[error("plugin verification failed")]
    Keyring(#[source] provenance::KeyringError),
    /// A file cannot be read or written.
    #[error("{0}")]
    File(String),
}

/// A source on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Local {
    /// The folder or archive.
    source: PathBuf,
    /// Whether it is an archive.
    pub(crate) is_archive: bool,
    /// The folder that holds the plugins.
    plugins: String,
    /// Where the plugin will be.
    pub(crate) path: PathBuf,
}

const ENDINGS: [&str; 2] = [".tar.gz", ".tgz"];

impl Local {
    /// The source, if it is there.
    pub(crate) fn find(source: &str, folder: &Path, data_home: &str) -> Option<Local> {
        let path = Path::new(source);
        path.metadata().ok()?;
        let absolute = sutler_chart::clean_path(&folder.join(path).display().to_string());
        let base = absolute.rsplit('/').next().unwrap_or_default().to_owned();
        let is_archive = ENDINGS.iter().any(|ending| base.ends_with(ending));
        let name = if is_archive { archive_name(&base) } else { base };
        let plugins = join(&[data_home, "plugins"]);
        let path = PathBuf::from(join(&[&plugins, &name]));
        Some(Local { source: PathBuf::from(absolute), is_archive, plugins, path })
    }

    /// Installs it; with `keyring`, the archive's signature is checked first.
    pub(crate) fn install(&self, keyring: Option<&Path>, now: Timestamp) -> Result<Option<Verification>, InstallError> {
        let file = |action: &str, path: &Path, error: std::io::Error| {
            InstallError::File(format!("{action} {}: {}", path.display(), io_message(&error)))
        };
        std::fs::create_dir_all(&self.plugins).map_err(|error| file("mkdir", Path::new(&self.plugins), error))?;
        if self.path.metadata().is_ok() {
            return Err(InstallError::Exists { path: self.path.display().to_string() });
        }
        if !self.is_archive {
            if !self.source.is_dir() {
                return Err(InstallError::NoFolder);
            }
            if !self.source.join(PLUGIN_FILE).exists() {
                return Err(InstallError::NoMetadata);
            }
            link(&self.source, &self.path).map_err(|error| {
                let names = format!("{} {}", self.source.display(), self.path.display());
                InstallError::File(format!("symlink {names}: {}", io_message(&error)))
            })?;
            return Ok(None);
        }
        let bytes = std::fs::read(&self.source).map_err(|error| file("open", &self.source, error))?;
        let provenance = std::fs::read(with_ending(&self.source, ".prov")).ok();
        let verified = match keyring {
            Some(keyring) => {
                let provenance = provenance.as_deref().filter(|text| !text.is_empty());
                let provenance = provenance.ok_or(InstallError::NoProvenance)?;
                let keyring = Keyring::read(keyring).map_err(InstallError::Keyring)?;
                let name = self.source.file_name().unwrap_or_default().to_string_lossy();
                Some(provenance::verify(&bytes, provenance, &name, &keyring, now).map_err(InstallError::Verify)?)
            }
            None => None,
        };
        let entries = archive::entries(&bytes).map_err(InstallError::ReadArchive)?;
        let is_metadata = |name: &str| name.rsplit('/').next() == Some(PLUGIN_FILE);
        let found = entries.iter().find(|entry| is_metadata(&entry.name)).ok_or(InstallError::NoMetadataInArchive)?;
        let metadata = Metadata::read(&found.data).map_err(InstallError::Metadata)?;
        // The archive stays beside the plugin, so that its signature can be shown later.
        let kept = PathBuf::from(join(&[&self.plugins, &format!("{}-{}.tgz", metadata.name, metadata.version)]));
        std::fs::write(&kept, &bytes).map_err(|error| file("open", &kept, error))?;
        if let Some(provenance) = provenance {
            let path = with_ending(&kept, ".prov");
            std::fs::write(&path, provenance).map_err(|error| file("open", &path, error))?;
        }
        self.unpack(&entries)?;
        Ok(verified)
    }

    /// Unpacks beside the plugin's place, and moves what is whole there.
    fn unpack(&self, entries: &[archive::Entry]) -> Result<(), InstallError> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let beside = PathBuf::from(join(&[&self.plugins, &format!(".{name}.unpacking")]));
        // Left by an installation that was killed.
        drop(std::fs::remove_dir_all(&beside));
        let result = archive::unpack(entries, &beside).map_err(InstallError::Unpack).and_then(|()| {
            let inner = beside.join(&name);
            if !inner.join(PLUGIN_FILE).exists() {
                return Err(InstallError::OtherFolder { folder: inner.display().to_string() });
            }
            std::fs::rename(&inner, &self.path)
                .map_err(|error| InstallError::File(format!("rename {}: {}", inner.display(), io_message(&error))))
        });
        drop(std::fs::remove_dir_all(&beside));
        result
    }
}

/// A path with an ending appended.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(ending);
    PathBuf::from(text)
}

/// The plugin's name in an archive's: without its ending, and without a version (`-1.2.3`).
fn archive_name(base: &str) -> String {
    let name = ENDINGS.iter().find_map(|ending| base.strip_suffix(ending)).unwrap_or_default();
    // The last `-` that a number and a dot follow begins the version.
    let version = name.match_indices('-').rev().find(|(at, _)| {
        let after = &name[at + 1..];
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && after[digits..].starts_with('.')
    });
    version.map_or(name, |(at, _)| &name[..at]).to_owned()
}

#[cfg(unix)]
fn link(source: &Path, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(source, path)
}

#[cfg(windows)]
fn link(source: &Path, path: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_dir(source, path)
}

#[cfg(test)]
mod tests {
    use super::archive_name;

    #[test]
    fn an_archives_version_is_no_part_of_the_plugins_name() {
        for (base, name) in [
            ("hello-1.2.3.tgz", "hello"),
            ("hello-1.2.3-rc-2.0.tgz", "hello-1.2.3-rc"),
            ("a-b.tar.gz", "a-b"),
            ("a-1.tgz", "a-1"),
            ("a.tgz", "a"),
        ] {
            assert_eq!(archive_name(base), name);
        }
    }
}
