//! Which versions the dependencies mean (Helm's `resolver.Resolve`).

use std::collections::BTreeMap;

use sutler_chart::Dependency;
use sutler_functions::semver::{Constraints, Version};

use super::{DependencyError, DependencyManager, load_folder, local};
use crate::fetch::load_index;
use crate::notes::Notes;
use crate::oci;

impl DependencyManager<'_> {
    /// The dependencies with one version each, in their order.
    pub(super) fn resolve(
        &self,
        wanted: &[Dependency],
        names: &BTreeMap<String, String>,
        notes: &mut dyn Notes,
    ) -> Result<Vec<Dependency>, DependencyError> {
        let mut locked = Vec::new();
        let mut missing = Vec::new();
        for dependency in wanted {
            match self.resolve_one(dependency, names, notes)? {
                Some(version) => locked.push(Dependency {
                    name: dependency.name.clone(),
                    repository: dependency.repository.clone(),
                    version,
                    ..Dependency::default()
                }),
                None => missing.push(format!(
                    "{} (repository {}, version {})",
                    sutler_chart::go_quoted(&dependency.name),
                    sutler_chart::go_quoted(&dependency.repository),
                    sutler_chart::go_quoted(&dependency.version)
                )),
            }
        }
        if missing.is_empty() { Ok(locked) } else { Err(DependencyError::NoVersions { missing }) }
    }

    fn resolve_one(
        &self,
        dependency: &Dependency,
        names: &BTreeMap<String, String>,
        notes: &mut dyn Notes,
    ) -> Result<Option<String>, DependencyError> {
        let Dependency { name, version, repository, .. } = dependency;
        let constraint =
            Constraints::parse(version).map_err(|source| DependencyError::Constraint { name: name.clone(), source })?;
        let allowed = |version: &str| Version::parse(version).is_ok_and(|version| constraint.allow(&version));
        if repository.is_empty() {
            local::path(&format!("charts/{name}"), &self.chart)?;
            return Ok(Some(version.clone()));
        }
        if repository.starts_with("file://") {
            let chart = load_folder(&local::path(repository, &self.chart)?, notes)?;
            let found = &chart.metadata().version;
            return Ok(allowed(found).then(|| found.clone()));
        }
        let repository_name = names.get(name).map(String::as_str).unwrap_or_default();
        if repository_name.is_empty() {
            return Ok(Some(version.clone()));
        }
        if oci::is_oci(repository) {
            if Version::parse(version).is_ok() {
                return Ok(Some(version.clone()));
            }
            let plain = repository.strip_prefix(oci::SCHEME).unwrap_or(repository);
            let tags = self
                .fetcher
                .registry
                .tags(&format!("{plain}/{name}"))
                .map_err(|source| DependencyError::Tags { repository: repository.clone(), source: Box::new(source) })?;
            // As Helm: a range that no tag is in is passed on as it is.
            return Ok(Some(tags.into_iter().find(|tag| allowed(tag)).unwrap_or_else(|| version.clone())));
        }
        let index = load_index(&self.fetcher.places.index_file(repository_name), notes).map_err(|source| {
            DependencyError::NoIndex { repository: repository_name.to_owned(), source: Box::new(source) }
        })?;
        let Some(entries) = index.versions(name) else {
            return Err(DependencyError::NotInRepository { name: name.clone(), repository: repository.clone() });
        };
        let found = entries.iter().find(|entry| !entry.urls.is_empty() && allowed(&entry.version));
        Ok(found.map(|entry| entry.version.clone()))
    }
}
