//! A chart's dependencies: resolved, locked, fetched into `charts/` (Helm's `downloader.Manager` and `resolver.Resolver`).
//!
//! ```text
//! Chart.yaml ─▶ repositories (aliases, unknown ones) ─▶ versions ─▶ archives in tmpcharts-… ─▶ charts/, Chart.lock
//! Chart.lock ──────────────────────────────────────────────────────┘
//! ```
//!
//! Archives are collected in a folder of their own and moved into `charts/` when all are there: what fails halfway leaves
//! `charts/` and the lock as they were.

mod download;
mod error;
mod local;
mod lock;
mod resolve;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use sutler_chart::{Chart, Dependency, Level, Lock, Remark};
use sutler_functions::url::Url;

use crate::fetch::{Fetcher, Verify};
use crate::files::file_error;
use crate::go_time::rfc3339;
use crate::notes::Notes;
use crate::oci;
use crate::repositories::{Repositories, Repository};
use crate::url_path::is_same;

pub use error::DependencyError;
pub use local::load_folder;
pub use lock::{helm2_digest, lock_digest};

/// Names of repositories that are not in `repositories.yaml` begin so.
const UNMANAGED: &str = "helm-manager-";

/// Updates and rebuilds the dependencies of one chart.
pub struct DependencyManager<'a> {
    /// Finds and fetches charts.
    pub fetcher: Fetcher<'a>,
    /// The chart's folder, as it was typed: output names it so.
    pub chart: PathBuf,
    /// Whether archives must be signed.
    pub verify: Verify,
    /// The file of public keys.
    pub keyring: PathBuf,
    /// Whether cached indexes are used as they are.
    pub skip_refresh: bool,
    /// Whether more is said.
    pub debug: bool,
    /// The time zone of the lock's date.
    pub time_zone: TimeZone,
}

impl std::fmt::Debug for DependencyManager<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DependencyManager").field("chart", &self.chart).finish_non_exhaustive()
    }
}

impl DependencyManager<'_> {
    /// Fetches what the lock names; where there is no lock, as [`DependencyManager::update`].
    ///
    /// # Errors
    /// When the lock does not fit Chart.yaml, a repository is unknown, or an archive cannot be had.
    pub fn build(&self, notes: &mut dyn Notes) -> Result<(), DependencyError> {
        let chart = self.load(notes)?;
        let Some(lock) = chart.lock() else { return self.update(notes) };
        let is_v1 = is_v1(&chart);
        let mut wanted = chart.metadata().dependencies.clone();
        let helm2 = is_v1.then(|| helm2_digest(&wanted));
        self.repository_names(&mut wanted, notes)?;
        if lock_digest(&wanted, &lock.dependencies) != lock.digest {
            if !is_v1 {
                return Err(DependencyError::OutOfSync { lock: "Chart.lock", file: "Chart.yaml" });
            }
            notes.remark(Remark {
                level: Level::Info,
                message: "warning: a valid Helm v3 hash was not found. Checking against Helm v2 hash...".to_owned(),
                details: Vec::new(),
            });
            if helm2.as_deref() != Some(lock.digest.as_str()) {
                return Err(DependencyError::OutOfSync { lock: "requirements.lock", file: "requirements.yaml" });
            }
        }
        self.check_repositories(&lock.dependencies)?;
        if !self.skip_refresh {
            self.update_repositories(notes)?;
        }
        self.download_all(&mut lock.dependencies.clone(), notes)
    }

    /// Finds the newest versions that Chart.yaml allows, fetches them, and writes the lock where it changed.
    ///
    /// # Errors
    /// When a repository or a version cannot be found, or an archive cannot be had.
    pub fn update(&self, notes: &mut dyn Notes) -> Result<(), DependencyError> {
        let chart = self.load(notes)?;
        if !chart.lists_dependencies() {
            return Ok(());
        }
        let mut wanted = chart.metadata().dependencies.clone();
        let mut names = self.repository_names(&mut wanted, notes)?;
        self.update_unmanaged(&mut names, &wanted, notes)?;
        if !self.skip_refresh {
            self.update_repositories(notes)?;
        }
        let mut locked = self.resolve(&wanted, &names, notes)?;
        self.download_all(&mut locked, notes)?;
        let digest = lock_digest(&wanted, &locked);
        if chart.lock().is_some_and(|lock| lock.digest == digest) {
            return Ok(());
        }
        let generated = rfc3339(self.fetcher.transport.clock().now(), &self.time_zone);
        lock::write(&self.chart, &Lock { generated, digest, dependencies: locked }, is_v1(&chart))
    }

    fn load(&self, notes: &mut dyn Notes) -> Result<Chart, DependencyError> {
        let path = &self.chart;
        match std::fs::metadata(path) {
            Err(error) => Err(DependencyError::NoFolder {
                path: path.display().to_string(),
                source: file_error("stat", path, error),
            }),
            Ok(found) if !found.is_dir() => Err(DependencyError::NotAFolder),
            Ok(_) => Ok(load_folder(path, notes)?),
        }
    }

    fn repositories(&self) -> Result<Repositories, DependencyError> {
        Ok(Repositories::read_or_none(&self.fetcher.places.repository_config)?)
    }

    /// The names of the repositories that the dependencies come from, by dependency; aliases become URLs.
    fn repository_names(
        &self,
        dependencies: &mut [Dependency],
        notes: &mut dyn Notes,
    ) -> Result<BTreeMap<String, String>, DependencyError> {
        let repositories = self.repositories()?;
        let mut names = BTreeMap::new();
        let mut missing = Vec::new();
        for dependency in dependencies {
            let repository = dependency.repository.clone();
            if repository.is_empty() {
                continue;
            }
            if repository.starts_with("file://") {
                local::path(&repository, &self.chart)?;
                if self.debug {
                    notes.print(&format!("Repository from local path: {repository}\n"));
                }
                names.insert(dependency.name.clone(), repository);
                continue;
            }
            if oci::is_oci(&repository) {
                names.insert(dependency.name.clone(), repository);
                continue;
            }
            let alias = repository.strip_prefix('@').or_else(|| repository.strip_prefix("alias:"));
            let known = repositories
                .entries
                .iter()
                .find(|known| alias == Some(known.name.as_str()) || is_same(&known.url, &repository));
            if let Some(known) = known {
                if alias == Some(known.name.as_str()) {
                    dependency.repository = known.url.clone();
                }
                names.insert(dependency.name.clone(), known.name.clone());
            } else if is_request_uri(&repository) {
                names.insert(repository.clone(), repository);
            } else {
                missing.push(repository);
            }
        }
        if missing.is_empty() { Ok(names) } else { Err(DependencyError::NoDefinition { missing }) }
    }

    /// Whether all repositories of the dependencies were added.
    fn check_repositories(&self, dependencies: &[Dependency]) -> Result<(), DependencyError> {
        let repositories = self.repositories()?;
        let missing: Vec<String> = dependencies
            .iter()
            .map(|dependency| &dependency.repository)
            .filter(|repository| {
                !repository.is_empty() && !repository.starts_with("file://") && !oci::is_oci(repository)
            })
            .filter(|repository| {
                let trimmed = repository.strip_suffix('/').unwrap_or(repository);
                !repositories.entries.iter().any(|known| is_same(&known.url, trimmed))
            })
            .cloned()
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(DependencyError::UnknownRepositories { missing }) }
    }

    /// Names the repositories that were not added, and fetches their indexes.
    fn update_unmanaged(
        &self,
        names: &mut BTreeMap<String, String>,
        dependencies: &[Dependency],
        notes: &mut dyn Notes,
    ) -> Result<(), DependencyError> {
        let mut unmanaged = Vec::new();
        for dependency in dependencies {
            if dependency.repository.is_empty() || names.contains_key(&dependency.name) {
                continue;
            }
            let key = crate::cache::Digest::of(dependency.repository.as_bytes());
            let name = format!("{UNMANAGED}{key}");
            names.insert(dependency.name.clone(), name.clone());
            unmanaged.push(Repository { name, url: dependency.repository.clone(), ..Repository::default() });
        }
        if self.skip_refresh || unmanaged.is_empty() {
            return Ok(());
        }
        notes.print("Getting updates for unmanaged Helm repositories...\n");
        self.update_each(unmanaged, notes)
    }

    /// Fetches the indexes of all repositories that were added.
    fn update_repositories(&self, notes: &mut dyn Notes) -> Result<(), DependencyError> {
        let repositories = self.repositories()?.entries;
        if repositories.is_empty() {
            return Ok(());
        }
        notes.print("Hang tight while we grab the latest from your chart repositories...\n");
        self.update_each(repositories, notes)?;
        notes.print("Update Complete. ⎈Happy Helming!⎈\n");
        Ok(())
    }

    /// Fetches indexes, each URL once; what fails is told and does not end the rest.
    fn update_each(&self, repositories: Vec<Repository>, notes: &mut dyn Notes) -> Result<(), DependencyError> {
        let mut unique: Vec<Repository> = Vec::new();
        for repository in repositories {
            let trimmed = |url: &str| url.strip_suffix('/').unwrap_or(url).to_owned();
            match unique.iter_mut().find(|known| trimmed(&known.url) == trimmed(&repository.url)) {
                // As Helm: of several for one URL the last counts.
                Some(known) => *known = repository,
                None => unique.push(repository),
            }
        }
        let indexes = self.fetcher.indexes();
        for repository in &unique {
            indexes.check(repository)?;
        }
        for (repository, (result, collected)) in unique.iter().zip(indexes.update_all(&unique)) {
            notes.note(&collected.err);
            let is_unmanaged = repository.name.starts_with(UNMANAGED);
            let shown = sutler_chart::go_quoted(if is_unmanaged { &repository.url } else { &repository.name });
            match result {
                Ok(_) => notes.print(&format!("...Successfully got an update from the {shown} chart repository\n")),
                Err(error) => {
                    let url = if is_unmanaged { String::new() } else { format!(" ({})", repository.url) };
                    let error = sutler_chart::error_chain(&error);
                    notes.print(&format!(
                        "...Unable to get an update from the {shown} chart repository{url}:\n\t{error}\n"
                    ));
                }
            }
        }
        Ok(())
    }
}

fn is_v1(chart: &Chart) -> bool {
    matches!(chart.metadata().api_version.as_str(), "" | "v1")
}

/// Whether a text is a URL as Go's `url.ParseRequestURI` wants it: absolute, or a path from the root.
fn is_request_uri(text: &str) -> bool {
    // A fragment is part of the path there; it does not matter here.
    Url::parse(text.as_bytes()).is_ok_and(|url| url.is_absolute() || text.starts_with('/')) && !text.is_empty()
}
