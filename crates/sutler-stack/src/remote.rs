//! Charts of real repositories, for [`crate::charts`]: with the logins, the credentials and the cache that Helm has too.

use sutler_repository::cache::{CHART, ContentCache, Digest};
use sutler_repository::fetch::NoGetters;
use sutler_repository::index::Index;
use sutler_repository::oci::{CredentialPlaces, CredentialStore, RegistryClient, RegistryOptions};
use sutler_repository::transport::{Clock, GetOptions, Proxies, SystemClock, Transport};
use sutler_repository::{ChartReferenceOptions, Collected, Fetcher, Places, Resolved};

use std::sync::Arc;

use crate::charts::{Fetched, Repositories, RepositoryFailure};
use crate::pins::Pin;
use crate::stack::RemoteChart;

/// The repositories that somebody reaches. Nothing is read or asked before the first chart of a repository is.
#[derive(Debug, Clone, Default)]
pub struct RemoteRepositories {
    /// Helm's files: repositories with their credentials, and the cache of charts.
    pub places: Places,
    /// Where logins of registries are.
    pub logins: CredentialPlaces,
    /// The way out.
    pub proxies: Proxies,
}

impl RemoteRepositories {
    /// Does something with a fetcher of charts, and the credentials of a chart's repository.
    fn with_fetcher<T>(
        &self,
        chart: &RemoteChart,
        work: impl FnOnce(&Fetcher<'_>, GetOptions) -> Result<T, RepositoryFailure>,
    ) -> Result<T, RepositoryFailure> {
        let transport = Transport::new(self.proxies.clone(), Arc::new(SystemClock) as Arc<dyn Clock>);
        let logins = CredentialStore::open(&self.logins)?;
        let registry = RegistryClient::new(&transport, RegistryOptions::default(), logins);
        let known = sutler_repository::repositories::Repositories::read_or_none(&self.places.repository_config)?;
        let same = |url: &str| url.trim_end_matches('/') == chart.repository;
        let options = known.entries.iter().find(|known| same(&known.url)).map(|known| known.get_options());
        let fetcher = Fetcher { places: &self.places, transport: &transport, registry: &registry, getters: &NoGetters };
        work(&fetcher, options.unwrap_or_default())
    }
}

impl Repositories for RemoteRepositories {
    fn newest(&self, chart: &RemoteChart) -> Result<Fetched, RepositoryFailure> {
        self.with_fetcher(chart, |fetcher, get| {
            let notes = &mut Collected::default();
            let version = chart.wanted.clone().unwrap_or_default();
            let (reference, repository_url) = match chart.is_oci() {
                true => (format!("{}/{}", chart.repository, chart.name), String::new()),
                false => (chart.name.clone(), chart.repository.clone()),
            };
            let options = ChartReferenceOptions { version, repository_url, get: get.clone(), ..Default::default() };
            let resolved = fetcher.resolve(&reference, &options, notes)?;
            let archive = fetcher.fetch_resolved(&resolved, &get, notes)?;
            Ok(Fetched { version: resolved.version, url: resolved.url, archive })
        })
    }

    fn pinned(&self, chart: &RemoteChart, pin: &Pin) -> Result<Vec<u8>, RepositoryFailure> {
        // A pinned chart that is in the cache needs no network.
        let cache = ContentCache::new(&self.places.content_cache);
        let cached = Digest::parse(&pin.digest).ok().and_then(|digest| cache.get(&digest, CHART));
        if let Some(archive) = cached.and_then(|path| std::fs::read(path).ok()) {
            return Ok(archive);
        }
        self.with_fetcher(chart, |fetcher, get| {
            // Whether the digest is the pinned one is the caller's question: it knows what to say.
            let url = pin.url.clone().unwrap_or_default();
            let resolved = Resolved { version: pin.version.clone(), url, digest: String::new() };
            Ok(fetcher.fetch_resolved(&resolved, &get, &mut Collected::default())?)
        })
    }

    fn offering(&self, name: &str, version: &str) -> Vec<RemoteChart> {
        let added = match sutler_repository::repositories::Repositories::read_or_none(&self.places.repository_config) {
            Ok(added) => added,
            Err(error) => {
                tracing::warn!(%error, "the list of repositories was passed over");
                return Vec::new();
            }
        };
        let has_it = |file: &std::path::Path| {
            let bytes = std::fs::read(file).ok()?;
            let index = Index::read(&bytes, &file.display().to_string(), &mut Vec::new()).ok()?;
            Some(index.versions(name)?.iter().any(|entry| entry.version == version))
        };
        let offering = added.entries.iter().filter(|entry| has_it(&self.places.index_file(&entry.name)) == Some(true));
        let chart = |url: &str| RemoteChart {
            repository: url.trim_end_matches('/').to_owned(),
            name: name.to_owned(),
            wanted: Some(version.to_owned()),
        };
        offering.map(|entry| chart(&entry.url)).collect()
    }
}
