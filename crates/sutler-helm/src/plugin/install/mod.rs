//! Where a plugin comes from, and how it gets into the folder of plugins.
//!
//! ```text
//!               ┌─ a folder ───────────────────────────────────────────────────────────────────▶ linked
//! text ─ find ──┼─ an archive: here, by HTTP, in a registry ─ fetch ─ verify ─ unpack ─ root ──▶ copied, and the archive kept
//!               └─ a repository ─ clone or update ─ switch ────────────────────────────────────▶ copied
//! ```
//!
//! Sources, caches, messages and the files that are left are Helm's (`internal/plugin/installer`, in Helm 3
//! `pkg/plugin/installer`); but what fails leaves neither a plugin nor anything half-written behind.

mod error;
mod fetch;
mod place;
mod source;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sutler_chart::{Compatibility, io_message};
use sutler_repository::oci::{CredentialPlaces, RegistryOptions};
use sutler_repository::provenance::{self, Keyring, Verification};
use sutler_repository::transport::Transport;

use super::Tell;
use super::folders::make_folders;
use super::vcs::Repository;
use crate::io::Variables;

pub use error::{InstallError, SourceError};
pub(crate) use source::{Source, SourceKind, base_name};

/// The folders that an installation has to do with.
#[derive(Debug, Clone)]
pub(crate) struct Homes {
    /// `plugins` below Helm's home of data: archives are kept here, and their plugins.
    pub(crate) data: String,
    /// `HELM_PLUGINS`: plugins of registries and repositories.
    pub(crate) plugins: String,
    /// `plugins` below Helm's home of caches.
    pub(crate) cache: String,
    /// The system's place for what is gone soon.
    pub(crate) temporary: PathBuf,
    /// The folder that the program was started in.
    pub(crate) current: PathBuf,
}

/// What an installation has of the outside.
pub(crate) struct Outside {
    pub(crate) homes: Homes,
    pub(crate) variables: Variables,
    /// The client that fetches archives.
    pub(crate) transport: Transport,
    /// The client that only asks what something is, and asks once.
    pub(crate) asking: Transport,
    /// How registries are spoken to.
    pub(crate) registry: RegistryOptions,
    /// Where their logins are.
    pub(crate) credentials: CredentialPlaces,
    /// `--version`.
    pub(crate) version: String,
    pub(crate) now: Timestamp,
    /// What temporary names are made of.
    pub(crate) seed: u32,
    pub(crate) compatibility: Compatibility,
}

/// An archive that was fetched.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) archive: Vec<u8>,
    pub(crate) provenance: Option<Vec<u8>>,
    /// The name under which the provenance has it.
    pub(crate) file_name: String,
}

/// What a package is fetched for; Helm says different words about what fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Verifying,
    Installing,
}

impl Source {
    /// Installs the plugin; with `keyring`, the archive's signature is checked first.
    ///
    /// # Errors
    /// When there is something in its place, when it cannot be fetched, verified, unpacked or written.
    pub(crate) fn install(
        &self,
        keyring: Option<&Path>,
        outside: &Outside,
        tell: &mut Tell<'_>,
    ) -> Result<Option<Verification>, InstallError> {
        let parent = self.path.parent().unwrap_or(Path::new("/"));
        make_folders(parent, parent).map_err(InstallError::File)?;
        if self.path.metadata().is_ok() {
            return Err(InstallError::Exists { path: self.path.display().to_string() });
        }
        match &self.kind {
            SourceKind::Folder => self.link(tell).map(|()| None),
            SourceKind::Repository(repository) => self.check_out(repository, outside, tell).map(|()| None),
            _ => {
                let (package, verification) = match keyring {
                    Some(keyring) => {
                        let package = self
                            .fetch(Stage::Verifying, outside, tell)
                            .map_err(|error| InstallError::VerificationData(Box::new(error)))?;
                        let verification = verify(&package, keyring, outside.now)?;
                        if self.is_registry() {
                            // What was fetched is not fetched again; Helm says so all the same.
                            tell("pulling OCI plugin", &[("source", self.text.clone())]);
                        }
                        (package, Some(verification))
                    }
                    None => (self.fetch(Stage::Installing, outside, tell)?, None),
                };
                self.place(&package, outside, tell)?;
                Ok(verification)
            }
        }
    }

    /// Links a folder to the place of the plugin.
    fn link(&self, tell: &mut Tell<'_>) -> Result<(), InstallError> {
        let source = Path::new(&self.text);
        if !source.is_dir() {
            return Err(InstallError::NoFolder);
        }
        if !source.join(super::PLUGIN_FILE).exists() {
            return Err(InstallError::NoMetadata);
        }
        tell("symlinking", &[("source", self.text.clone()), ("path", self.path.display().to_string())]);
        super::copy::link(source, &self.path).map_err(|error| {
            InstallError::File(format!("symlink {} {}: {}", self.text, self.path.display(), io_message(&error)))
        })
    }

    /// Clones a repository, or updates the clone that is there, and copies the version that is wanted.
    fn check_out(&self, repository: &Repository, outside: &Outside, tell: &mut Tell<'_>) -> Result<(), InstallError> {
        let local = repository.local.display().to_string();
        let details = [("source", repository.remote.clone()), ("destination", local.clone())];
        if repository.is_there() {
            tell("updating", &details);
            repository.update()?;
        } else {
            tell("cloning", &details);
            repository.clone_whole()?;
        }
        if !outside.version.is_empty() {
            let reference = repository.resolve(&outside.version, outside.compatibility, tell)?;
            tell("setting version", &[("version", outside.version.clone())]);
            repository.switch(&reference)?;
        }
        if !repository.local.join(super::PLUGIN_FILE).exists() {
            return Err(InstallError::NoMetadata);
        }
        tell("copying files", &[("source", local), ("destination", self.path.display().to_string())]);
        super::copy::copy_whole(&repository.local, &self.path)
    }
}

/// Checks a package's signature.
fn verify(package: &Package, keyring: &Path, now: Timestamp) -> Result<Verification, InstallError> {
    let provenance = package.provenance.as_deref().filter(|text| !text.is_empty()).ok_or(InstallError::NoProvenance)?;
    let keyring = Keyring::read(keyring).map_err(InstallError::Keyring)?;
    provenance::verify(&package.archive, provenance, &package.file_name, &keyring, now).map_err(InstallError::Verify)
}

/// A path with an ending appended.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(ending);
    PathBuf::from(text)
}
