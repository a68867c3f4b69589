//! Why a chart or an index could not be had. The texts, joined with their causes by `: `, are Helm's.

use sutler_functions::url::UrlError;
use thiserror::Error;

use crate::cache::{CacheError, Digest, DigestError};
use crate::files::FileError;
use crate::index::{IndexError, LookupError};
use crate::oci::RegistryError;
use crate::provenance::VerifyError;
use crate::repositories::RepositoriesError;
use crate::transport::TransportError;
use crate::url_path::ResolveError;

/// Why a chart or an index could not be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A repository's URL is none.
    #[error("invalid chart URL format: {url}")]
    RepositoryUrl {
        /// The URL.
        url: String,
    },
    /// A chart's URL is none.
    #[error("invalid chart URL format: {url}")]
    ChartUrl {
        /// The URL.
        url: String,
    },
    /// A URL is none.
    #[error(transparent)]
    Url(UrlError),
    /// Nobody fetches from a repository of this scheme.
    #[error("could not find protocol handler for: {scheme}")]
    NoHandler {
        /// The scheme.
        scheme: String,
    },
    /// Nobody fetches URLs of this scheme.
    #[error("scheme {} not supported", sutler_chart::go_quoted(.scheme))]
    UnsupportedScheme {
        /// The scheme.
        scheme: String,
    },
    /// The server did not give what was asked for.
    #[error(transparent)]
    Transport(Box<TransportError>),
    /// The registry did not.
    #[error(transparent)]
    Registry(Box<RegistryError>),
    /// A plugin did not; its words.
    #[error("{0}")]
    Getter(String),
    /// What came is no index.
    #[error(transparent)]
    Index(Box<IndexError>),
    /// A cached index cannot be used.
    #[error("error loading {path}")]
    LoadIndex {
        /// Its path.
        path: String,
        /// Why not.
        #[source]
        source: Box<FetchError>,
    },
    /// No index of a repository is cached.
    #[error("no cached repo found. (try 'helm repo update')")]
    NoCachedIndex(#[source] Box<FetchError>),
    /// There is no repository at a URL.
    #[error("looks like {} is not a valid chart repository or cannot be reached", sutler_chart::go_quoted(.url))]
    NoRepository {
        /// The URL.
        url: String,
        /// Why not.
        #[source]
        source: Box<FetchError>,
    },
    /// The repository at a URL has no such chart.
    #[error("{what} not found in {url} repository")]
    NotInRepository {
        /// Chart and version.
        what: String,
        /// The URL.
        url: String,
    },
    /// A repository that was added has no such chart.
    #[error("chart {} matching {version} not found in {repository} index. (try 'helm repo update')", sutler_chart::go_quoted(.chart))]
    NotInIndex {
        /// The chart.
        chart: String,
        /// The version asked for.
        version: String,
        /// The repository.
        repository: String,
        /// Why not.
        #[source]
        source: Box<LookupError>,
    },
    /// The index does not say where the chart is.
    #[error("{what} has no downloadable URLs")]
    NoUrl {
        /// Chart and version.
        what: String,
    },
    /// A URL cannot be resolved against another.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A chart's URL cannot be resolved against its repository's.
    #[error("failed to make chart URL absolute")]
    NotAbsolute(#[source] ResolveError),
    /// `repositories.yaml` cannot be used.
    #[error(transparent)]
    Repositories(Box<RepositoriesError>),
    /// A text that is neither a path nor a URL nor `repository/chart`.
    #[error("non-absolute URLs should be in form of repo_name/path_to_chart, got: {reference}")]
    NotAReference {
        /// The text.
        reference: String,
    },
    /// No repository of this name was added.
    #[error("repo {name} not found")]
    UnknownRepository {
        /// The name.
        name: String,
    },
    /// A repository was added without a URL.
    #[error("no URL found for repository {name}")]
    RepositoryWithoutUrl {
        /// The name.
        name: String,
    },
    /// There is no such path.
    #[error("path {} not found", sutler_chart::go_quoted(.path))]
    NoPath {
        /// The path.
        path: String,
    },
    /// An announced digest is none.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// The same, on the way to the cache.
    #[error("unable to decode digest")]
    DecodeDigest(#[source] DigestError),
    /// The archive is not the one that was announced.
    #[error("digest of {url} is sha256:{found}, but the index announces sha256:{expected}")]
    OtherDigest {
        /// Where it came from.
        url: String,
        /// What the index announces.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// The chart is not signed.
    #[error("failed to fetch provenance {}", sutler_chart::go_quoted(.url))]
    NoProvenance {
        /// Where its provenance would be.
        url: String,
    },
    /// The chart's signature is not good.
    #[error(transparent)]
    Verify(Box<VerifyError>),
    /// A file or folder cannot be read or made.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(CacheError),
}

impl From<CacheError> for FetchError {
    fn from(error: CacheError) -> FetchError {
        FetchError::Write(error)
    }
}

impl FetchError {
    /// As Helm's `DownloadToCache` tells of a digest that is none.
    pub(super) fn in_decoding_digest(self) -> FetchError {
        match self {
            FetchError::Digest(error @ DigestError::Length(_)) => FetchError::Digest(error),
            FetchError::Digest(error) => FetchError::DecodeDigest(error),
            error => error,
        }
    }
}

impl From<TransportError> for FetchError {
    fn from(error: TransportError) -> FetchError {
        FetchError::Transport(Box::new(error))
    }
}

impl From<RegistryError> for FetchError {
    fn from(error: RegistryError) -> FetchError {
        FetchError::Registry(Box::new(error))
    }
}

impl From<RepositoriesError> for FetchError {
    fn from(error: RepositoriesError) -> FetchError {
        FetchError::Repositories(Box::new(error))
    }
}

impl From<VerifyError> for FetchError {
    fn from(error: VerifyError) -> FetchError {
        FetchError::Verify(Box::new(error))
    }
}

impl From<IndexError> for FetchError {
    fn from(error: IndexError) -> FetchError {
        FetchError::Index(Box::new(error))
    }
}
