//! Where Helm keeps what it knows of repositories. Paths are handed in; nothing here looks at the environment.

use std::path::{Path, PathBuf};

/// The files and folders shared with Helm, as `helm env` names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// `repositories.yaml` (`HELM_REPOSITORY_CONFIG`).
    pub repository_config: PathBuf,
    /// Folder of the indexes of the repositories (`HELM_REPOSITORY_CACHE`).
    pub repository_cache: PathBuf,
    /// The logins of registries (`HELM_REGISTRY_CONFIG`).
    pub registry_config: PathBuf,
    /// Folder of charts, by digest (`HELM_CONTENT_CACHE`).
    pub content_cache: PathBuf,
}

impl Places {
    /// The cached index of a repository, as Helm's `helmpath.CacheIndexFile`.
    pub fn index_file(&self, repository: &str) -> PathBuf {
        index_file(&self.repository_cache, repository)
    }

    /// The cached list of a repository's chart names, as Helm's `helmpath.CacheChartsFile`.
    pub fn charts_file(&self, repository: &str) -> PathBuf {
        charts_file(&self.repository_cache, repository)
    }
}

fn prefixed(name: &str, rest: &str) -> String {
    if name.is_empty() { rest.to_owned() } else { format!("{name}-{rest}") }
}

/// The cached index of a repository within a folder.
pub(crate) fn index_file(folder: &Path, repository: &str) -> PathBuf {
    folder.join(prefixed(repository, "index.yaml"))
}

/// The cached list of a repository's chart names within a folder.
pub(crate) fn charts_file(folder: &Path, repository: &str) -> PathBuf {
    folder.join(prefixed(repository, "charts.txt"))
}
