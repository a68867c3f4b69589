//! Fetching the archives, and putting them into `charts/`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sutler_chart::{Chart, Dependency};
use sutler_functions::semver::{Constraints, Version};

use super::{DependencyError, DependencyManager, load_folder, local};
use crate::cache::{Mode, write_whole};
use crate::fetch::{ChartReferenceOptions, load_index};
use crate::files::file_error;
use crate::index::{Index, IndexEntry};
use crate::notes::Notes;
use crate::oci;
use crate::repositories::Repository;
use crate::transport::GetOptions;
use crate::url_path::{is_same, resolve_reference};

/// A folder that goes when this value does.
struct TemporaryFolder(PathBuf);

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What cannot be removed is told by nobody: the work itself is done or has failed.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What is known of the repositories that were added.
type Known = Vec<(Repository, Index)>;

impl DependencyManager<'_> {
    /// Fetches every dependency, and replaces `charts/` when all are there. Versions of local charts are filled in.
    pub(super) fn download_all(
        &self,
        dependencies: &mut [Dependency],
        notes: &mut dyn Notes,
    ) -> Result<(), DependencyError> {
        let known = self.known(notes)?;
        let charts = self.chart.join("charts");
        match std::fs::metadata(&charts) {
            Ok(found) if !found.is_dir() => {
                return Err(DependencyError::ChartsIsNoFolder { path: charts.display().to_string() });
            }
            Ok(_) => {}
            Err(_) => std::fs::create_dir_all(&charts).map_err(|error| file_error("mkdir", &charts, error))?,
        }
        let collected = TemporaryFolder(self.chart.join(format!("tmpcharts-{}", std::process::id())));
        std::fs::create_dir_all(&collected.0).map_err(|error| file_error("mkdir", &collected.0, error))?;
        notes.print(&format!("Saving {} charts\n", dependencies.len()));
        let mut fetched = BTreeSet::new();
        for dependency in dependencies.iter_mut() {
            if let Err(failed) = self.collect(dependency, &known, &charts, &collected.0, &mut fetched, notes) {
                if failed.is_told {
                    let error = sutler_chart::error_chain(&failed.error);
                    notes.print(&format!("Save error occurred:  {error}\n"));
                }
                return Err(failed.error);
            }
        }
        self.move_into(dependencies, &collected.0, &charts, notes)
    }

    /// The repositories that were added, with their cached indexes.
    fn known(&self, notes: &mut dyn Notes) -> Result<Known, DependencyError> {
        let repositories = self.repositories()?.entries;
        repositories
            .into_iter()
            .map(|repository| {
                let index = load_index(&self.fetcher.places.index_file(&repository.name), notes)?;
                Ok((repository, index))
            })
            .collect()
    }

    /// Puts one dependency's archive into the folder.
    fn collect(
        &self,
        dependency: &mut Dependency,
        known: &Known,
        charts: &Path,
        folder: &Path,
        fetched: &mut BTreeSet<String>,
        notes: &mut dyn Notes,
    ) -> Result<(), Failed> {
        let Dependency { name, version, repository, .. } = &*dependency;
        if repository.is_empty() {
            notes.print(&format!(
                "Dependency {name} did not declare a repository. Assuming it exists in the charts directory\n"
            ));
            return check_present(dependency, charts, notes);
        }
        if repository.starts_with("file://") {
            if self.debug {
                notes.print(&format!("Archiving {name} from repo {repository}\n"));
            }
            dependency.version = self.pack_local(dependency, folder, notes).map_err(told)?;
            return Ok(());
        }
        let (url, get) = self
            .find_url(name, version, repository, known, notes)
            .map_err(|error| told(DependencyError::Find { url: String::new(), source: Box::new(error) }))?;
        if !fetched.insert(url.clone()) {
            notes.print(&format!("Already downloaded {name} from repo {repository}\n"));
            return Ok(());
        }
        notes.print(&format!("Downloading {name} from repo {repository}\n"));
        let mut options =
            ChartReferenceOptions { get, verify: self.verify, keyring: self.keyring.clone(), ..Default::default() };
        let mut reference = url;
        if oci::is_oci(&reference) {
            let (before, tag) =
                split_tag(&reference).ok_or_else(|| untold(DependencyError::OciReference(reference.clone())))?;
            (reference, options.version) = (before.to_owned(), tag.to_owned());
        }
        self.fetcher
            .download_to(&reference, &options, folder, notes)
            .map_err(|source| told(DependencyError::Download { url: reference, source: Box::new(source) }))?;
        Ok(())
    }

    /// Packs the chart of a `file://` repository; gives its version.
    fn pack_local(
        &self,
        dependency: &Dependency,
        folder: &Path,
        notes: &mut dyn Notes,
    ) -> Result<String, DependencyError> {
        let Dependency { name, version, repository, .. } = dependency;
        let chart = load_folder(&local::path(repository, &self.chart)?, notes)?;
        let constraint = Constraints::parse(version)
            .map_err(|source| DependencyError::LocalConstraint { name: name.clone(), source })?;
        let found = Version::parse(&chart.metadata().version)?;
        if !constraint.allow(&found) {
            return Err(DependencyError::NoLocalVersion { name: name.clone() });
        }
        let package = sutler_chart::package::archive(&chart, self.fetcher.transport.clock().now())?;
        write_whole(&folder.join(&package.file_name), &package.bytes, Mode::Shared)?;
        Ok(found.original)
    }

    /// Where a locked dependency's archive is, and what fetching it needs (Helm's `findChartURL`).
    fn find_url(
        &self,
        name: &str,
        version: &str,
        repository: &str,
        known: &Known,
        notes: &mut dyn Notes,
    ) -> Result<(String, GetOptions), DependencyError> {
        if oci::is_oci(repository) {
            return Ok((format!("{repository}/{name}:{version}"), GetOptions::default()));
        }
        if let Some((known, index)) = known.iter().find(|(known, _)| is_same(repository, &known.url)) {
            let entries = index.versions(name).ok_or(DependencyError::NoEntry)?;
            let entry = exact(entries, version).ok_or(DependencyError::NoMatchingVersion)?;
            let url = entry.urls.first().map(String::as_str).unwrap_or_default();
            let url = resolve_reference(repository, url).map_err(crate::fetch::FetchError::from)?;
            return Ok((url, known.get_options()));
        }
        let found = self.fetcher.find_in_repository(repository, name, version, &GetOptions::default(), notes).map_err(
            |source| DependencyError::NotFound {
                name: name.to_owned(),
                repository: repository.to_owned(),
                source: Box::new(source),
            },
        )?;
        Ok((found.url, GetOptions::default()))
    }

    /// Moves what was collected into `charts/`, and removes archives there that are no longer wanted.
    fn move_into(
        &self,
        dependencies: &[Dependency],
        source: &Path,
        charts: &Path,
        notes: &mut dyn Notes,
    ) -> Result<(), DependencyError> {
        let (collected, present) = (files(source)?, files(charts)?);
        for name in &collected {
            let (from, to) = (source.join(name), charts.join(name));
            if let Err(error) = load_archive(&from) {
                notes.print(&format!("Could not verify {} for moving: {error} (Skipping)", from.display()));
                continue;
            }
            if let Err(error) = std::fs::rename(&from, &to) {
                let error = sutler_chart::io_message(&error);
                notes.print(&format!("Unable to move {} to charts dir {error} (Skipping)", from.display()));
            }
        }
        notes.print("Deleting outdated charts\n");
        for name in present.iter().filter(|name| !collected.contains(name)) {
            let path = charts.join(name);
            let chart = match load_archive(&path) {
                Ok(chart) => chart,
                Err(error) => {
                    notes.print(&format!("Could not verify {} for deletion: {error} (Skipping)\n", path.display()));
                    continue;
                }
            };
            let is_local =
                |dependency: &Dependency| dependency.repository.is_empty() && dependency.name == chart.name();
            if dependencies.iter().any(is_local) {
                continue;
            }
            if let Err(error) = std::fs::remove_file(&path) {
                let error = sutler_chart::io_message(&error);
                notes.print(&format!("Could not delete {}: {error} (Skipping)", path.display()));
            }
        }
        Ok(())
    }
}

/// An error, and whether Helm says it twice.
struct Failed {
    error: DependencyError,
    is_told: bool,
}

fn told(error: DependencyError) -> Failed {
    Failed { error, is_told: true }
}

fn untold(error: DependencyError) -> Failed {
    Failed { error, is_told: false }
}

/// Looks whether a dependency without a repository is in `charts/` in a version that is wanted.
fn check_present(dependency: &Dependency, charts: &Path, notes: &mut dyn Notes) -> Result<(), Failed> {
    let Dependency { name, version, .. } = dependency;
    let path = charts.join(name);
    let chart = load_folder(&path, notes).map_err(|error| {
        let message = sutler_chart::error_chain(&error);
        untold(DependencyError::LoadLocal { path: path.display().to_string(), message })
    })?;
    let constraint = Constraints::parse(version)
        .map_err(|source| untold(DependencyError::LocalConstraint { name: name.clone(), source }))?;
    let text = &chart.metadata().version;
    let found = Version::parse(text).map_err(|source| {
        untold(DependencyError::LocalVersion { version: version.clone(), name: name.clone(), source })
    })?;
    if constraint.allow(&found) {
        return Ok(());
    }
    Err(told(DependencyError::OtherVersion { name: name.clone(), found: text.clone(), wanted: version.clone() }))
}

/// The entry of exactly a version, as versions are compared; the first for none.
fn exact<'e>(entries: &'e [IndexEntry], version: &str) -> Option<&'e IndexEntry> {
    let wanted = Version::parse(version);
    entries.iter().filter(|entry| !entry.urls.is_empty()).find(|entry| {
        version.is_empty()
            || match (&wanted, Version::parse(&entry.version)) {
                (Err(_), _) => version == entry.version,
                (Ok(wanted), Ok(found)) => wanted.precedence(&found).is_eq(),
                (Ok(_), Err(_)) => false,
            }
    })
}

/// Splits `oci://host:port/path:tag` at the tag, as Helm's `parseOCIRef`.
fn split_tag(reference: &str) -> Option<(&str, &str)> {
    let path = reference.strip_prefix(oci::SCHEME)?;
    let start = reference.len() - path.len();
    // A port is followed by a path, a tag is not.
    let (before, tag) = match path.find('/') {
        Some(slash) => {
            let colon = path[slash..].find(':')? + slash;
            (start + colon, start + colon + 1)
        }
        None => {
            let colon = path.rfind(':')?;
            (start + colon, start + colon + 1)
        }
    };
    Some((&reference[..before], &reference[tag..]))
}

/// The names of the files of a folder, sorted.
fn files(folder: &Path) -> Result<Vec<String>, DependencyError> {
    let entries = std::fs::read_dir(folder).map_err(|error| file_error("open", folder, error))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

fn load_archive(path: &Path) -> Result<Chart, String> {
    Chart::find(&path.display().to_string(), &mut Vec::new()).map_err(|error| sutler_chart::error_chain(&error))
}
