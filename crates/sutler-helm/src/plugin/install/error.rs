//! Why a plugin is not installed.

use sutler_chart::go_quoted;
use sutler_functions::url::UrlError;
use sutler_repository::cache::CacheError;
use sutler_repository::oci::RegistryError;
use sutler_repository::provenance::{KeyringError, VerifyError};
use sutler_repository::transport::TransportError;
use thiserror::Error;

use super::super::MetadataError;
use super::super::archive::ArchiveError;
use super::super::copy::CopyError;
use super::super::vcs::VcsError;

/// Why a plugin cannot be installed. The texts, joined with their causes by `: `, are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The source is nothing that plugins are fetched from.
    #[error(
        "cannot get information about plugin source {} (if it's a local directory, does it exist?), last error was",
        go_quoted(.text)
    )]
    Source {
        /// The source, as typed.
        text: String,
        /// Why not.
        #[source]
        source: SourceError,
    },
    /// The same in Helm 3's words.
    #[error(transparent)]
    SourceOfHelm3(SourceError),
    /// The source is no reference of a registry.
    #[error("invalid OCI reference")]
    Reference(#[source] Box<RegistryError>),
    /// Something of that name is there.
    #[error("plugin already exists")]
    Exists {
        /// Where.
        path: String,
    },
    /// The source is a file, but no archive.
    #[error("expected plugin to be a directory (containing a file 'plugin.yaml')")]
    NoFolder,
    /// There is no plugin.yaml where it should be.
    #[error("plugin metadata (plugin.yaml) missing")]
    NoMetadata,
    /// The archive cannot be had, or holds no plugin, seen before its signature is checked.
    #[error("failed to get verification data")]
    VerificationData(#[source] Box<InstallError>),
    /// The archive cannot be downloaded.
    #[error("failed to download plugin")]
    Download(#[source] TransportError),
    /// The same, where the signature is not checked.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The archive cannot be pulled.
    #[error("failed to pull plugin from {url}")]
    Pull {
        /// The reference.
        url: String,
        /// Why not.
        #[source]
        source: Box<RegistryError>,
    },
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
    #[error("{action}")]
    Unpack {
        /// Helm's words for that.
        action: &'static str,
        /// Why not.
        #[source]
        source: ArchiveError,
    },
    /// The archive has other folders than its name says.
    #[error(
        "plugin.yaml not found in expected directory {folder}: stat {folder}/plugin.yaml: no such file or directory"
    )]
    OtherFolder {
        /// The folder expected.
        folder: String,
    },
    /// The archive has its plugin.yaml deeper than in one folder.
    #[error("plugin.yaml not found in {folder} or its immediate subdirectories")]
    TooDeep {
        /// The folder that it was unpacked to.
        folder: String,
    },
    /// The plugin in the archive cannot be loaded.
    #[error("failed to load plugin from {folder}: {reason}")]
    Load {
        /// Its folder.
        folder: String,
        /// Why not.
        reason: String,
    },
    /// There is no signature beside the archive.
    #[error("plugin verification failed: no provenance file (.prov) found")]
    NoProvenance,
    /// The signature does not count.
    #[error("plugin verification failed")]
    Verify(#[source] VerifyError),
    /// The keys cannot be read.
    #[error("plugin verification failed")]
    Keyring(#[source] KeyringError),
    /// The version control failed.
    #[error(transparent)]
    Repository(#[from] VcsError),
    /// The plugin cannot be copied to its place.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The archive cannot be kept.
    #[error("failed to save tarball")]
    Keep(#[source] CacheError),
    /// A file cannot be read or written.
    #[error("{0}")]
    File(String),
}

/// Why a text names nothing that plugins come from. The texts are Helm's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It is no URL.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The server says that it is an archive, and its name does not.
    #[error("no extractor implemented yet for {0}")]
    NoExtractor(String),
    /// It is no repository that can be used.
    #[error(transparent)]
    Repository(#[from] VcsError),
}
