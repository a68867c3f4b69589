//! Why dependencies could not be updated. The texts, joined with their causes by `: `, are Helm's.

use sutler_chart::LoadError;
use sutler_functions::semver::SemverError;
use thiserror::Error;

use crate::cache::CacheError;
use crate::fetch::FetchError;
use crate::files::FileError;
use crate::oci::RegistryError;
use crate::repositories::RepositoriesError;

/// Why dependencies could not be updated.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DependencyError {
    /// There is no such chart.
    #[error("could not find {path}")]
    NoFolder {
        /// The path.
        path: String,
        /// What the operating system said.
        #[source]
        source: FileError,
    },
    /// The chart is an archive.
    #[error("only unpacked charts can be updated")]
    NotAFolder,
    /// A chart cannot be loaded.
    #[error(transparent)]
    Load(Box<LoadError>),
    /// A folder has no Chart.yaml.
    #[error("Chart.yaml file is missing")]
    NoMetadata,
    /// The repositories cannot be read.
    #[error(transparent)]
    Repositories(Box<RepositoriesError>),
    /// Repositories are neither URLs nor aliases of ones that were added.
    #[error("{}", no_definition(.missing))]
    NoDefinition {
        /// The repositories.
        missing: Vec<String>,
    },
    /// The lock names repositories that were not added.
    #[error("no repository definition for {}", .missing.join(", "))]
    UnknownRepositories {
        /// Their URLs.
        missing: Vec<String>,
    },
    /// The lock was made for other dependencies.
    #[error(
        "the lock file ({lock}) is out of sync with the dependencies file ({file}). Please update the dependencies"
    )]
    OutOfSync {
        /// The lock file's name.
        lock: &'static str,
        /// The other file's name.
        file: &'static str,
    },
    /// There is no folder where a `file://` repository or `charts/` should have one.
    #[error("directory {path} not found")]
    NoLocalChart {
        /// The path.
        path: String,
    },
    /// A dependency's range of versions is none.
    #[error("dependency {} has an invalid version/constraint format", sutler_chart::go_quoted(.name))]
    Constraint {
        /// The dependency.
        name: String,
        /// What is wrong.
        #[source]
        source: SemverError,
    },
    /// The same, where Helm does not quote the name.
    #[error("dependency {name} has an invalid version/constraint format")]
    LocalConstraint {
        /// The dependency.
        name: String,
        /// What is wrong.
        #[source]
        source: SemverError,
    },
    /// A chart's version is none.
    #[error(transparent)]
    Version(#[from] SemverError),
    /// The version of a chart in `charts/` is none.
    #[error("invalid version {version} for dependency {name}: {source}")]
    LocalVersion {
        /// The range asked for.
        version: String,
        /// The dependency.
        name: String,
        /// What is wrong; its text is in this one.
        source: SemverError,
    },
    /// The chart in `charts/` has another version than is wanted.
    #[error("dependency {name} at version {found} does not satisfy the constraint {wanted}")]
    OtherVersion {
        /// The dependency.
        name: String,
        /// The version that it has.
        found: String,
        /// The range.
        wanted: String,
    },
    /// The chart of a `file://` repository has another version than is wanted.
    #[error("can't get a valid version for dependency {name}")]
    NoLocalVersion {
        /// The dependency.
        name: String,
    },
    /// No version of some dependencies is in range.
    #[error("can't get a valid version for {} subchart(s): {}. Make sure a matching chart version exists in the repo, or change the version constraint in Chart.yaml", .missing.len(), .missing.join(", "))]
    NoVersions {
        /// Each with its repository and range.
        missing: Vec<String>,
    },
    /// The index of a repository is not there.
    #[error("no cached repository for {repository} found. (try 'helm repo update')")]
    NoIndex {
        /// The repository.
        repository: String,
        /// Why not.
        #[source]
        source: Box<FetchError>,
    },
    /// A repository has no such chart.
    #[error("{name} chart not found in repo {repository}")]
    NotInRepository {
        /// The chart.
        name: String,
        /// The repository's URL.
        repository: String,
    },
    /// A registry does not tell its tags.
    #[error("could not retrieve list of tags for repository {repository}")]
    Tags {
        /// The repository.
        repository: String,
        /// Why not.
        #[source]
        source: Box<RegistryError>,
    },
    /// A chart cannot be fetched.
    #[error(transparent)]
    Fetch(Box<FetchError>),
    /// Where a chart is cannot be told.
    #[error("could not find {url}")]
    Find {
        /// As far as it is known.
        url: String,
        /// Why not.
        #[source]
        source: Box<DependencyError>,
    },
    /// A repository that was not added has no such chart.
    #[error("chart {name} not found in {repository}")]
    NotFound {
        /// The chart.
        name: String,
        /// The repository's URL.
        repository: String,
        /// Why not.
        #[source]
        source: Box<FetchError>,
    },
    /// The index has no such chart.
    #[error("entry not found")]
    NoEntry,
    /// The index has no such version.
    #[error("no matching version")]
    NoMatchingVersion,
    /// An archive cannot be fetched.
    #[error("could not download {url}")]
    Download {
        /// Where from.
        url: String,
        /// Why not.
        #[source]
        source: Box<FetchError>,
    },
    /// An OCI reference has no tag.
    #[error("could not parse OCI reference: improperly formatted oci chart reference: {0}")]
    OciReference(String),
    /// The chart in `charts/` cannot be loaded.
    #[error("unable to load chart '{path}': {message}")]
    LoadLocal {
        /// Its path.
        path: String,
        /// Why not.
        message: String,
    },
    /// A chart cannot be packed.
    #[error(transparent)]
    Pack(#[from] sutler_chart::package::SaveError),
    /// `charts` is a file.
    #[error("{} is not a directory", sutler_chart::go_quoted(.path))]
    ChartsIsNoFolder {
        /// Its path.
        path: String,
    },
    /// The lock file is a link.
    #[error("the {file} file is a symlink to {}", sutler_chart::go_quoted(.target))]
    LockIsLink {
        /// The file's name.
        file: &'static str,
        /// Where it leads.
        target: String,
    },
    /// A file or folder cannot be read or made.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] CacheError),
    /// A lock cannot be written as YAML.
    #[error(transparent)]
    Yaml(#[from] sutler_yaml::WriteError),
}

impl From<FetchError> for DependencyError {
    fn from(error: FetchError) -> DependencyError {
        DependencyError::Fetch(Box::new(error))
    }
}

impl From<LoadError> for DependencyError {
    fn from(error: LoadError) -> DependencyError {
        DependencyError::Load(Box::new(error))
    }
}

impl From<RepositoriesError> for DependencyError {
    fn from(error: RepositoriesError) -> DependencyError {
        DependencyError::Repositories(Box::new(error))
    }
}

fn no_definition(missing: &[String]) -> String {
    let mut text = format!("no repository definition for {}. Please add them via 'helm repo add'", missing.join(", "));
    let is_word = |repository: &String| {
        !repository.contains("//") && !repository.starts_with('@') && !repository.starts_with("alias:")
    };
    if missing.iter().any(is_word) {
        text.push_str(
            "\nNote that repositories must be URLs or aliases. For example, to refer to the \"example\"\nrepository, use \
             \"https://charts.example.com/\" or \"@example\" instead of\n\"example\". Don't forget to add the repo, too \
             ('helm repo add').",
        );
    }
    text
}
