//! Finding and fetching charts, as Helm's `ChartDownloader` and `LocateChart`.
//!
//! ```text
//! "stable/hub" ">1"            ┐            ┌─▶ fetch_chart: the archive in the cache
//! "https://…/hub-1.2.3.tgz"    ├─ resolve ──┼─▶ download_to: the archive in a folder
//! "hub" in https://… (--repo)  │  version,  └─▶ a lock file
//! "oci://…/hub"                ┘  URL, digest
//! ```
//!
//! Start with [`Fetcher`]. Where Helm takes whatever bytes come, an archive whose digest is not the one that the index announces
//! is refused here.

mod error;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sutler_functions::url::Url;

use crate::cache::{CHART, ContentCache, Digest, Mode, PROVENANCE, write_whole};
use crate::files::{base_name, file_error};
use crate::index::{Index, IndexEntry};
use crate::notes::{Notes, pass_on};
use crate::oci::{self, Part, RegistryClient};
use crate::places::{Places, charts_file};
use crate::provenance::{Verification, verify_chart};
use crate::repositories::{Repositories, Repository};
use crate::transport::{Clock, GetOptions, Transport};
use crate::url_path::{is_same, resolve_reference};

pub use error::FetchError;

/// Fetches what has a scheme beyond `http`, `https` and `oci`: Helm's getter plugins.
pub trait Getters: Sync {
    /// Whether a scheme is known.
    fn provides(&self, scheme: &str) -> bool;

    /// What a URL of such a scheme has.
    ///
    /// # Errors
    /// The text that Helm would print.
    fn get(&self, scheme: &str, url: &str, options: &GetOptions) -> Result<Vec<u8>, String>;
}

/// No getter plugins.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoGetters;

impl Getters for NoGetters {
    fn provides(&self, _: &str) -> bool {
        false
    }

    fn get(&self, scheme: &str, _: &str, _: &GetOptions) -> Result<Vec<u8>, String> {
        Err(format!("scheme {} not supported", sutler_chart::go_quoted(scheme)))
    }
}

/// What is done about a chart's provenance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verify {
    /// Nothing.
    #[default]
    Never,
    /// It is checked where there is one.
    IfPossible,
    /// It must be there and good.
    Always,
    /// It is fetched and kept, not checked.
    Later,
}

/// Which chart is meant besides its name, and how it is fetched: the flags of Helm's `ChartPathOptions`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChartReferenceOptions {
    /// A version or a range of versions; empty is the newest stable one.
    pub version: String,
    /// The URL of the repository that the chart is in (`--repo`); empty is none.
    pub repository_url: String,
    /// Certificates and credentials.
    pub get: GetOptions,
    /// Whether the chart must be signed.
    pub verify: Verify,
    /// The file of public keys.
    pub keyring: PathBuf,
}

/// Where a chart is, and what it must be: what a lock file keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The version; empty for a URL given as such, which has none.
    pub version: String,
    /// The URL of the archive.
    pub url: String,
    /// The digest that was announced, as it was; empty where none was.
    pub digest: String,
}

/// A chart that was written to a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// The archive.
    pub path: PathBuf,
    /// What its provenance says, where it was checked.
    pub verification: Option<Verification>,
}

/// Fetches indexes by HTTP or plugins; may be shared by threads.
#[derive(Clone, Copy)]
pub struct IndexFetcher<'a> {
    /// Helm's files.
    pub places: &'a Places,
    /// The HTTP client.
    pub transport: &'a Transport,
    /// Getter plugins.
    pub getters: &'a dyn Getters,
    /// How long an index may take; none is [`crate::transport::DEFAULT_TIMEOUT`].
    pub timeout: Option<Duration>,
}

impl<'a> IndexFetcher<'a> {
    /// Looks whether a repository's URL can be used, as Helm's `NewChartRepository`.
    ///
    /// # Errors
    /// No URL, or a scheme that nobody knows.
    pub fn check(&self, repository: &Repository) -> Result<(), FetchError> {
        let url = Url::parse(repository.url.as_bytes())
            .map_err(|_| FetchError::RepositoryUrl { url: repository.url.clone() })?;
        let scheme = String::from_utf8_lossy(&url.scheme).into_owned();
        if matches!(scheme.as_str(), "http" | "https" | "oci") || self.getters.provides(&scheme) {
            Ok(())
        } else {
            Err(FetchError::NoHandler { scheme })
        }
    }

    /// Fetches and reads a repository's index; gives its bytes too.
    ///
    /// # Errors
    /// When it cannot be fetched, or is none.
    pub fn fetch(&self, repository: &Repository, notes: &mut dyn Notes) -> Result<(Vec<u8>, Index), FetchError> {
        self.check(repository)?;
        let url = resolve_reference(&repository.url, "index.yaml")?;
        let mut options = repository.get_options();
        options.timeout = self.timeout;
        let bytes = get(self.transport, self.getters, None, &url, &options, notes)?;
        let mut remarks = Vec::new();
        let index = Index::read(&bytes, &repository.url, &mut remarks)?;
        pass_on(remarks, notes);
        Ok((bytes, index))
    }

    /// Fetches a repository's index into the cache, as Helm's `DownloadIndexFile`. What is no index does not enter.
    ///
    /// # Errors
    /// As [`IndexFetcher::fetch`], and what the file system refuses.
    pub fn update(&self, repository: &Repository, notes: &mut dyn Notes) -> Result<PathBuf, FetchError> {
        let (bytes, index) = self.fetch(repository, notes)?;
        let folder = &self.places.repository_cache;
        std::fs::create_dir_all(folder).map_err(|error| file_error("mkdir", folder, error))?;
        let names: String = index.charts().map(|(name, _)| format!("{name}\n")).collect();
        write_whole(&charts_file(folder, &repository.name), names.as_bytes(), Mode::Shared)?;
        let path = self.places.index_file(&repository.name);
        write_whole(&path, &bytes, Mode::Shared)?;
        Ok(path)
    }

    /// Updates several repositories at once; the results come in their order, each with what was remarked.
    pub fn update_all(
        &self,
        repositories: &[Repository],
    ) -> Vec<(Result<PathBuf, FetchError>, crate::notes::Collected)> {
        std::thread::scope(|scope| {
            let running: Vec<_> = repositories
                .iter()
                .map(|repository| {
                    scope.spawn(move || {
                        let mut notes = crate::notes::Collected::default();
                        let result = self.update(repository, &mut notes);
                        (result, notes)
                    })
                })
                .collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            running.into_iter().map(join).collect()
        })
    }
}

/// The cached index of a repository, as Helm's `LoadIndexFile`.
///
/// # Errors
/// When it is not there, or is none.
pub fn load_index(path: &Path, notes: &mut dyn Notes) -> Result<Index, FetchError> {
    let bytes = std::fs::read(path).map_err(|error| file_error("open", path, error))?;
    let mut remarks = Vec::new();
    let source = path.display().to_string();
    let index = Index::read(&bytes, &source, &mut remarks)
        .map_err(|error| FetchError::LoadIndex { path: source, source: Box::new(error.into()) })?;
    pass_on(remarks, notes);
    Ok(index)
}

/// Finds and fetches charts.
#[derive(Clone, Copy)]
pub struct Fetcher<'a> {
    /// Helm's files.
    pub places: &'a Places,
    /// The HTTP client.
    pub transport: &'a Transport,
    /// The client of registries.
    pub registry: &'a RegistryClient<'a>,
    /// Getter plugins.
    pub getters: &'a dyn Getters,
}

/// What Helm asks servers for where it wants an archive.
const ACCEPT: &str = "application/gzip,application/octet-stream";

impl<'a> Fetcher<'a> {
    /// What fetches indexes.
    pub fn indexes(&self) -> IndexFetcher<'a> {
        IndexFetcher { places: self.places, transport: self.transport, getters: self.getters, timeout: None }
    }

    fn clock(&self) -> &'a dyn Clock {
        self.transport.clock()
    }

    /// Finds a chart: version, URL and announced digest. Nothing is fetched but a repository's index or a registry's tags.
    ///
    /// # Errors
    /// When there is no such chart or version.
    pub fn resolve(
        &self,
        reference: &str,
        options: &ChartReferenceOptions,
        notes: &mut dyn Notes,
    ) -> Result<Resolved, FetchError> {
        if options.repository_url.is_empty() {
            return self.resolve_version(reference, &options.version, &mut options.get.clone(), notes);
        }
        self.find_in_repository(&options.repository_url, reference, &options.version, &options.get, notes)
    }

    /// Finds a chart in the repository at a URL, as Helm's `FindChartInRepoURL`.
    ///
    /// # Errors
    /// When the repository cannot be asked, or has no such chart.
    pub fn find_in_repository(
        &self,
        repository_url: &str,
        chart: &str,
        version: &str,
        options: &GetOptions,
        notes: &mut dyn Notes,
    ) -> Result<Resolved, FetchError> {
        let repository = Repository {
            url: repository_url.to_owned(),
            username: options.username.clone(),
            password: options.password.clone(),
            tls: options.tls.clone(),
            pass_credentials_all: options.pass_credentials_all,
            ..Repository::default()
        };
        self.indexes().check(&repository)?;
        let (_, index) = self
            .indexes()
            .fetch(&repository, notes)
            .map_err(|source| FetchError::NoRepository { url: repository_url.to_owned(), source: Box::new(source) })?;
        let mut what = format!("chart {}", sutler_chart::go_quoted(chart));
        if !version.is_empty() {
            what = format!("{what} version {}", sutler_chart::go_quoted(version));
        }
        let mut remarks = Vec::new();
        let found = index.get(chart, version, &mut remarks);
        pass_on(remarks, notes);
        let entry = match found {
            Ok(entry) => entry,
            Err(_) => return Err(FetchError::NotInRepository { what, url: repository_url.to_owned() }),
        };
        let Some(url) = entry.urls.first() else { return Err(FetchError::NoUrl { what }) };
        let url = resolve_reference(repository_url, url).map_err(FetchError::NotAbsolute)?;
        Ok(Resolved { version: entry.version.clone(), url, digest: entry.digest.clone() })
    }

    /// Finds a chart by its reference, as Helm's `ResolveChartVersion`; `options` get the credentials and certificates that the
    /// chart's repository needs.
    ///
    /// # Errors
    /// When there is no such repository, chart or version.
    pub fn resolve_version(
        &self,
        reference: &str,
        version: &str,
        options: &mut GetOptions,
        notes: &mut dyn Notes,
    ) -> Result<Resolved, FetchError> {
        let invalid = || FetchError::ChartUrl { url: reference.to_owned() };
        let url = Url::parse(reference.as_bytes()).map_err(|_| invalid())?;
        if oci::is_oci(reference) {
            let found = self.registry.resolve(reference, version)?;
            let version = found.url.rsplit_once('/').and_then(|(_, name)| name.split_once(':'));
            let version = version.map(|(_, tag)| tag.replace('_', "+")).filter(|_| !found.url.contains('@'));
            return Ok(Resolved {
                version: version.unwrap_or_default(),
                url: found.url,
                digest: found.digest.unwrap_or_default(),
            });
        }
        let repositories = Repositories::read_or_none(&self.places.repository_config)?;
        if url.is_absolute() && !url.host.is_empty() && !url.path.is_empty() {
            match self.owner_of(reference, &repositories, notes)? {
                None => options.repository_url = reference.to_owned(),
                Some(owner) => adopt(options, owner),
            }
            return Ok(Resolved { version: String::new(), url: url.to_string(), digest: String::new() });
        }
        let path = String::from_utf8_lossy(&url.path).into_owned();
        let Some((name, chart)) = path.split_once('/') else {
            return Err(FetchError::NotAReference { reference: url.to_string() });
        };
        let repository = match repositories.get(name) {
            None => return Err(FetchError::UnknownRepository { name: name.to_owned() }),
            Some(repository) if repository.url.is_empty() => {
                return Err(FetchError::RepositoryWithoutUrl { name: name.to_owned() });
            }
            Some(repository) => repository,
        };
        self.indexes().check(repository)?;
        adopt(options, repository);
        let index = load_index(&self.places.index_file(name), notes)
            .map_err(|source| FetchError::NoCachedIndex(Box::new(source)))?;
        let mut remarks = Vec::new();
        let found = index.get(chart, version, &mut remarks);
        pass_on(remarks, notes);
        let entry: &IndexEntry = found.map_err(|source| FetchError::NotInIndex {
            chart: chart.to_owned(),
            version: version.to_owned(),
            repository: name.to_owned(),
            source: Box::new(source),
        })?;
        let Some(found) = entry.urls.first() else {
            return Err(FetchError::NoUrl { what: format!("chart {}", sutler_chart::go_quoted(reference)) });
        };
        let url = resolve_reference(&repository.url, found).map_err(|_| invalid())?;
        let url = Url::parse(url.as_bytes()).map_err(FetchError::Url)?.to_string();
        Ok(Resolved { version: entry.version.clone(), url, digest: entry.digest.clone() })
    }

    /// The repository whose index has a URL: its credentials and certificates are needed.
    fn owner_of<'r>(
        &self,
        url: &str,
        repositories: &'r Repositories,
        notes: &mut dyn Notes,
    ) -> Result<Option<&'r Repository>, FetchError> {
        for repository in &repositories.entries {
            self.indexes().check(repository)?;
            let index = load_index(&self.places.index_file(&repository.name), notes)
                .map_err(|source| FetchError::NoCachedIndex(Box::new(source)))?;
            let mut urls = index.charts().flat_map(|(_, entries)| entries).flat_map(|entry| &entry.urls);
            // What is not the same but for slashes at least has the same end.
            let name = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            if urls.any(|candidate| candidate.contains(name) && is_same(url, candidate)) {
                return Ok(Some(repository));
            }
        }
        Ok(None)
    }

    /// Fetches one URL of a chart.
    fn get(&self, url: &str, part: Part, options: &GetOptions, notes: &mut dyn Notes) -> Result<Vec<u8>, FetchError> {
        if oci::is_oci(url) {
            let cache = ContentCache::new(&self.places.content_cache);
            let mut remarks = String::new();
            let result = self.registry.fetch(url, part, Some(&cache), &mut remarks);
            notes.note(&remarks);
            return Ok(result?);
        }
        let url = if part == Part::Provenance { format!("{url}.prov") } else { url.to_owned() };
        get(self.transport, self.getters, Some(self.registry), &url, options, notes)
    }

    /// An archive, from the cache where it has the announced digest, else fetched and checked against it.
    fn archive(
        &self,
        resolved: &Resolved,
        digest: Option<Digest>,
        options: &GetOptions,
        notes: &mut dyn Notes,
    ) -> Result<Vec<u8>, FetchError> {
        let cache = ContentCache::new(&self.places.content_cache);
        if let Some(bytes) =
            digest.and_then(|digest| cache.get(&digest, CHART)).and_then(|path| std::fs::read(path).ok())
        {
            return Ok(bytes);
        }
        let options = GetOptions { accept: ACCEPT.to_owned(), ..options.clone() };
        let bytes = self.get(&resolved.url, Part::Chart, &options, notes)?;
        let found = Digest::of(&bytes);
        match digest.filter(|digest| *digest != found) {
            Some(expected) => Err(FetchError::OtherDigest { url: resolved.url.clone(), expected, found }),
            None => Ok(bytes),
        }
    }

    /// Fetches what [`Fetcher::resolve`] found, and keeps it in the cache.
    ///
    /// # Errors
    /// When it cannot be fetched, or is not what was announced.
    pub fn fetch_resolved(
        &self,
        resolved: &Resolved,
        options: &GetOptions,
        notes: &mut dyn Notes,
    ) -> Result<Vec<u8>, FetchError> {
        self.check_scheme(&resolved.url)?;
        let announced = Self::announced(resolved)?;
        let archive = self.archive(resolved, announced, options, notes)?;
        let cache = ContentCache::new(&self.places.content_cache);
        cache.put_chart(&resolved.url, announced, &archive).map_err(FetchError::Write)?;
        Ok(archive)
    }

    /// The digest that an index announced. A registry's is the manifest's, and was checked there.
    fn announced(resolved: &Resolved) -> Result<Option<Digest>, FetchError> {
        if resolved.digest.is_empty() || oci::is_oci(&resolved.url) {
            return Ok(None);
        }
        Ok(Some(Digest::parse(&resolved.digest)?))
    }

    /// Looks whether somebody fetches URLs of a scheme.
    fn check_scheme(&self, url: &str) -> Result<(), FetchError> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        if matches!(scheme, "http" | "https" | "oci") || self.getters.provides(scheme) {
            Ok(())
        } else {
            Err(FetchError::UnsupportedScheme { scheme: scheme.to_owned() })
        }
    }

    /// Writes a chart's archive into a folder, and its provenance beside it where that is asked for (Helm's `DownloadTo`).
    ///
    /// # Errors
    /// When it cannot be found or fetched, is not what was announced, or is not signed as it must be.
    pub fn download_to(
        &self,
        reference: &str,
        options: &ChartReferenceOptions,
        folder: &Path,
        notes: &mut dyn Notes,
    ) -> Result<Downloaded, FetchError> {
        let mut get = options.get.clone();
        let resolved = self.resolve_version(reference, &options.version, &mut get, notes)?;
        self.check_scheme(&resolved.url)?;
        let digest = Self::announced(&resolved)?;
        let bytes = self.archive(&resolved, digest, &get, notes)?;
        let path = folder.join(file_name(&resolved.url));
        write_whole(&path, &bytes, Mode::Shared).map_err(FetchError::Write)?;
        let verification = match options.verify {
            Verify::Never => None,
            _ => match self.provenance(&resolved, digest, &get, reference, options.verify, notes)? {
                None => None,
                Some(provenance) => {
                    let mut provenance_path = path.clone().into_os_string();
                    provenance_path.push(".prov");
                    let provenance_path = PathBuf::from(provenance_path);
                    write_whole(&provenance_path, &provenance, Mode::Shared).map_err(FetchError::Write)?;
                    match options.verify {
                        Verify::Later => None,
                        _ => Some(verify_chart(&path, &provenance_path, &options.keyring, self.clock().now())?),
                    }
                }
            },
        };
        Ok(Downloaded { path, verification })
    }

    /// A chart's provenance, from the cache or fetched; none where there is none and need not be.
    fn provenance(
        &self,
        resolved: &Resolved,
        digest: Option<Digest>,
        options: &GetOptions,
        reference: &str,
        verify: Verify,
        notes: &mut dyn Notes,
    ) -> Result<Option<Vec<u8>>, FetchError> {
        let cache = ContentCache::new(&self.places.content_cache);
        let cached = digest.and_then(|digest| cache.get(&digest, PROVENANCE)).and_then(|path| std::fs::read(path).ok());
        if let Some(bytes) = cached {
            return Ok(Some(bytes));
        }
        match self.get(&resolved.url, Part::Provenance, options, notes) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(_) if verify == Verify::Always => {
                Err(FetchError::NoProvenance { url: format!("{}.prov", resolved.url) })
            }
            Err(error) => {
                let error = sutler_chart::error_chain(&error);
                notes.print(&format!("WARNING: Verification not found for {reference}: {error}\n"));
                Ok(None)
            }
        }
    }

    /// Fetches a chart's archive into the cache (Helm's `DownloadToCache`).
    ///
    /// # Errors
    /// As [`Fetcher::download_to`].
    pub fn download_to_cache(
        &self,
        reference: &str,
        options: &ChartReferenceOptions,
        notes: &mut dyn Notes,
    ) -> Result<Downloaded, FetchError> {
        let mut get = options.get.clone();
        let resolved = self.resolve_version(reference, &options.version, &mut get, notes)?;
        self.check_scheme(&resolved.url)?;
        let announced = Self::announced(&resolved).map_err(FetchError::in_decoding_digest)?;
        let cache = ContentCache::new(&self.places.content_cache);
        let bytes = self.archive(&resolved, announced, &get, notes)?;
        let digest = Digest::of(&bytes);
        let path = match cache.get(&digest, CHART) {
            Some(path) => path,
            None => cache.put_chart(&resolved.url, announced, &bytes).map_err(FetchError::Write)?,
        };
        let mut verification = None;
        if options.verify != Verify::Never
            && let Some(provenance) =
                self.provenance(&resolved, Some(digest), &get, reference, options.verify, notes)?
        {
            let provenance_path = cache.put_provenance(&digest, &provenance).map_err(FetchError::Write)?;
            if options.verify != Verify::Later {
                // Provenance speaks of a name, which a file in the cache does not have.
                let named = tempfile::tempdir().map_err(|error| file_error("mkdir", &std::env::temp_dir(), error))?;
                let archive = named.path().join(file_name(&resolved.url));
                std::fs::write(&archive, &bytes).map_err(|error| file_error("open", &archive, error))?;
                let now = self.clock().now();
                verification = Some(verify_chart(&archive, &provenance_path, &options.keyring, now)?);
            }
        }
        Ok(Downloaded { path, verification })
    }

    /// Finds a chart wherever it is, and has it on this machine: the path of a folder or an archive (Helm's `LocateChart`).
    ///
    /// # Errors
    /// When there is no such chart, or it cannot be fetched or verified.
    pub fn fetch_chart(
        &self,
        reference: &str,
        options: &ChartReferenceOptions,
        notes: &mut dyn Notes,
    ) -> Result<PathBuf, FetchError> {
        let name = reference.trim();
        let mut options = options.clone();
        options.version = options.version.trim().to_owned();
        let absolute = |path: &Path| {
            std::path::absolute(path)
                .map(|path| path.components().collect::<PathBuf>())
                .map_err(|error| FetchError::from(file_error("getwd", path, error)))
        };
        if options.repository_url.is_empty() {
            let path = Path::new(name);
            if path.exists() {
                let path = absolute(path)?;
                if options.verify != Verify::Never {
                    let mut provenance = path.clone().into_os_string();
                    provenance.push(".prov");
                    verify_chart(&path, Path::new(&provenance), &options.keyring, self.clock().now())?;
                }
                return Ok(path);
            }
            if path.is_absolute() || name.starts_with('.') {
                return Err(FetchError::NoPath { path: name.to_owned() });
            }
        }
        let mut reference = name.to_owned();
        if !options.repository_url.is_empty() {
            let repository = options.repository_url.clone();
            reference = self.find_in_repository(&repository, name, &options.version, &options.get, notes)?.url;
            // Credentials go on only where they are told to, or where the archive is where the repository is.
            let same_place = {
                let parse = |text: &str| Url::parse(text.as_bytes()).map_err(FetchError::Url);
                let (repository, chart) = (parse(&repository)?, parse(&reference)?);
                let host = |url: &Url| (url.scheme.clone(), url.hostname().to_vec(), port_of(url));
                host(&repository) == host(&chart)
            };
            if !options.get.pass_credentials_all && !same_place {
                options.get.username.clear();
                options.get.password.clear();
            }
        }
        let folder = &self.places.repository_cache;
        std::fs::create_dir_all(folder).map_err(|error| file_error("mkdir", folder, error))?;
        let path = self.download_to_cache(&reference, &options, notes)?.path;
        absolute(&path)
    }
}

/// The port that a URL means.
fn port_of(url: &Url) -> Vec<u8> {
    match (url.port(), url.scheme.as_slice()) {
        (b"", b"http") => b"80".to_vec(),
        (b"", b"https") => b"443".to_vec(),
        (port, _) => port.to_vec(),
    }
}

/// Takes over what fetching from a repository needs.
fn adopt(options: &mut GetOptions, repository: &Repository) {
    options.repository_url = repository.url.clone();
    let tls = &repository.tls;
    if !tls.cert_file.is_empty() || !tls.key_file.is_empty() || !tls.ca_file.is_empty() {
        options.tls.cert_file = tls.cert_file.clone();
        options.tls.key_file = tls.key_file.clone();
        options.tls.ca_file = tls.ca_file.clone();
    }
    if !repository.username.is_empty() && !repository.password.is_empty() {
        options.username = repository.username.clone();
        options.password = repository.password.clone();
        options.pass_credentials_all = repository.pass_credentials_all;
    }
}

/// The name of an archive, from its URL.
fn file_name(url: &str) -> String {
    if oci::is_oci(url) {
        return oci::file_name(url);
    }
    let path =
        Url::parse(url.as_bytes()).map(|url| String::from_utf8_lossy(&url.path).into_owned()).unwrap_or_default();
    base_name(&path).to_owned()
}

/// Fetches a URL by whoever knows its scheme.
fn get(
    transport: &Transport,
    getters: &dyn Getters,
    registry: Option<&RegistryClient<'_>>,
    url: &str,
    options: &GetOptions,
    notes: &mut dyn Notes,
) -> Result<Vec<u8>, FetchError> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
    match (scheme.as_str(), registry) {
        ("http" | "https", _) => Ok(transport.get(url, options)?),
        ("oci", Some(registry)) => {
            let mut remarks = String::new();
            let result = registry.fetch(url, Part::Chart, None, &mut remarks);
            notes.note(&remarks);
            Ok(result?)
        }
        _ if getters.provides(&scheme) => getters.get(&scheme, url, options).map_err(FetchError::Getter),
        _ => Err(FetchError::UnsupportedScheme { scheme }),
    }
}
