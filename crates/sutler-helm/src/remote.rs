//! What commands need to reach repositories and registries, made of settings, flags and variables.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sutler_chart::{Compatibility, SchemaLoader, error_chain, go_quoted, io_message};
use sutler_functions::url::Url;
use sutler_repository::dependencies::DependencyManager;
use sutler_repository::fetch::{Fetcher, Getters, IndexFetcher, Verify};
use sutler_repository::oci::{
    CredentialPlaces, CredentialStore, RegistryClient, RegistryError, RegistryOptions, docker_config_file,
};
use sutler_repository::transport::{GetOptions, Method, Proxies, Request, Retries, SystemClock, TlsOptions, Transport};
use sutler_repository::{ChartReferenceOptions, Notes, Places};

use crate::command::Invocation;
use crate::failure::Failure;
use crate::flags::FlagValues;
use crate::io::{Io, Variables};
use crate::plugin::getters::PluginGetters;

/// The way to repositories and registries for one command.
pub(crate) struct Remote {
    /// The client for all requests.
    pub(crate) transport: Transport,
    /// Helm's files.
    pub(crate) places: Places,
    getters: Box<dyn Getters>,
    credentials: CredentialPlaces,
    compatibility: Compatibility,
}

/// How long a schema may take to come, as in Helm.
const SCHEMA_TIMEOUT: Duration = Duration::from_secs(15);

/// What fetches the documents that a chart's values.schema.json refers to, as the Helm does that is mirrored.
pub fn schema_loader(variables: &Variables, compatibility: Compatibility) -> SchemaLoader {
    let transport = Transport::new(proxies(variables), Arc::new(SystemClock)).with_retries(Retries::NONE);
    SchemaLoader::new(move |address| load_schema(&transport, address, compatibility))
}

/// A document; the error is the text that Helm has for it.
fn load_schema(transport: &Transport, address: &str, compatibility: Compatibility) -> Result<Vec<u8>, String> {
    let is_v4 = compatibility == Compatibility::V4;
    let url = Url::parse(address.as_bytes()).map_err(|error| error.to_string())?;
    match url.scheme.as_slice() {
        b"file" => {
            let path = String::from_utf8_lossy(&url.path);
            let tried = |what: &'static str| {
                let path = path.clone();
                move |error: std::io::Error| format!("{what} {path}: {}", io_message(&error))
            };
            let mut bytes = Vec::new();
            std::fs::File::open(&*path).map_err(tried("open"))?.read_to_end(&mut bytes).map_err(tried("read"))?;
            return Ok(bytes);
        }
        b"http" | b"https" => {}
        scheme => {
            let scheme = go_quoted(&String::from_utf8_lossy(scheme));
            return Err(format!("Get {}: unsupported protocol scheme {scheme}", go_quoted(address)));
        }
    }
    let tls = TlsOptions::default();
    let mut request = Request::new(Method::Get, address, &tls);
    request.timeout = Some(SCHEMA_TIMEOUT);
    let response = transport.send(&request).map_err(|error| {
        let cause = error_chain(&error);
        if is_v4 { format!("HTTP request failed for {address}: {cause}") } else { cause }
    })?;
    match response.status {
        200 => Ok(response.body),
        status if is_v4 => {
            Err(format!("HTTP request to {address} returned status {status} ({})", words_of_status(status)))
        }
        _ => Err(format!("Could not read schema from HTTP, response status is {}", response.status_text)),
    }
}

/// The words that Go's `http.StatusText` has for a status that a server of files answers.
fn words_of_status(status: u16) -> &'static str {
    match status {
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        418 => "I'm a teapot",
        429 => "Too Many Requests",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

impl Remote {
    /// By the proxies, folders and files that settings and variables name.
    pub(crate) fn of(call: &Invocation, io: &Io<'_>) -> Remote {
        let settings = &call.settings;
        let places = Places {
            repository_config: PathBuf::from(&settings.repository_config),
            repository_cache: PathBuf::from(&settings.repository_cache),
            registry_config: PathBuf::from(&settings.registry_config),
            content_cache: PathBuf::from(&settings.content_cache),
        };
        let credentials = credential_places(&settings.registry_config, &io.variables);
        let transport = Transport::new(proxies(&io.variables), Arc::new(SystemClock));
        let getters = Box::new(PluginGetters::of(settings, &io.variables));
        Remote { transport, places, getters, credentials, compatibility: settings.compatibility }
    }

    /// What fetches the indexes of repositories.
    pub(crate) fn indexes(&self) -> IndexFetcher<'_> {
        IndexFetcher { places: &self.places, transport: &self.transport, getters: &*self.getters, timeout: None }
    }

    /// What finds and fetches charts, with a client of registries.
    pub(crate) fn fetcher<'a>(&'a self, registry: &'a RegistryClient<'a>) -> Fetcher<'a> {
        Fetcher { places: &self.places, transport: &self.transport, registry, getters: &*self.getters }
    }

    /// The logins of registries.
    ///
    /// # Errors
    /// Files of logins that cannot be read.
    pub(crate) fn logins(&self) -> Result<CredentialStore, Failure> {
        Ok(CredentialStore::open(&self.credentials)?)
    }

    /// The client of registries that the flags of a command mean ([`TRANSPORT`](crate::commands::flag_groups::TRANSPORT)), as
    /// Helm's `newRegistryClient`.
    ///
    /// # Errors
    /// Certificates or files of logins that cannot be read.
    pub(crate) fn registry_client(&self, flags: &FlagValues) -> Result<RegistryClient<'_>, Failure> {
        let options = registry_options(flags);
        let missing = |failure: Failure| failure.context("missing registry client");
        let without_tls = |failure: Failure| missing(failure.context("can't create TLS config for client"));
        if let Some(problem) = (self.compatibility == Compatibility::V3).then(|| unreadable(&options.tls)).flatten() {
            return Err(without_tls(Failure::new(problem)));
        }
        options.tls.check().map_err(|error| {
            let failure = Failure::from(error);
            let pair = failure.text.strip_prefix("unable to load cert from key pair");
            without_tls(match (self.compatibility, pair) {
                (Compatibility::V3, Some(problem)) => {
                    let TlsOptions { cert_file, key_file, .. } = &options.tls;
                    Failure::new(format!("can't load key pair from cert {cert_file} and key {key_file}{problem}"))
                }
                _ => failure,
            })
        })?;
        let logins = self.logins().map_err(missing)?;
        Ok(RegistryClient::new(&self.transport, options, logins))
    }
}

/// The first file of a certificate that cannot be read, in Helm 3's words.
fn unreadable(tls: &TlsOptions) -> Option<String> {
    let missing =
        |path: &str| std::fs::read(path).err().map(|error| (path.to_owned(), sutler_chart::io_message(&error)));
    let (certificate, key) = (&tls.cert_file, &tls.key_file);
    if !certificate.is_empty()
        && !key.is_empty()
        && let Some((path, reason)) = missing(certificate).or_else(|| missing(key))
    {
        return Some(format!("can't load key pair from cert {certificate} and key {key}: open {path}: {reason}"));
    }
    let authorities = &tls.ca_file;
    (!authorities.is_empty() && missing(authorities).is_some()).then(|| format!("can't read CA file: {authorities}"))
}

/// Where logins of registries are: Helm's file, Docker's, and the programs that keep logins.
pub fn credential_places(registry_config: impl Into<PathBuf>, variables: &Variables) -> CredentialPlaces {
    let home = variables.filled(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).map(Path::new);
    CredentialPlaces {
        registry_config: registry_config.into(),
        docker_config: docker_config_file(variables.get("DOCKER_CONFIG").map(Path::new), home),
        search_path: OsString::from(variables.get("PATH").unwrap_or_default()),
    }
}

/// The proxies that variables name.
pub fn proxies(variables: &Variables) -> Proxies {
    Proxies::from_environment(|name| variables.get(name).map(str::to_owned))
}

/// What the flags of [`TRANSPORT`](crate::commands::flag_groups::TRANSPORT) say of registries.
pub(crate) fn registry_options(flags: &FlagValues) -> RegistryOptions {
    RegistryOptions {
        tls: tls_options(flags),
        plain_http: flags.is_on("plain-http"),
        username: flags.text("username").to_owned(),
        password: flags.text("password").to_owned(),
    }
}

/// The certificates that the flags of [`TRANSPORT`](crate::commands::flag_groups::TRANSPORT) name.
pub(crate) fn tls_options(flags: &FlagValues) -> TlsOptions {
    TlsOptions {
        ca_file: flags.text("ca-file").to_owned(),
        cert_file: flags.text("cert-file").to_owned(),
        key_file: flags.text("key-file").to_owned(),
        insecure_skip_verify: flags.is_on("insecure-skip-tls-verify"),
    }
}

/// Which chart is meant and how it is fetched, by the flags of [`CHART`](crate::commands::flag_groups::CHART), `TRANSPORT`, `VERIFY`
/// and `DEVEL`.
pub(crate) fn chart_options(flags: &FlagValues) -> ChartReferenceOptions {
    let version = match flags.text("version") {
        "" if flags.is_on("devel") => ">0.0.0-0",
        version => version,
    };
    ChartReferenceOptions {
        version: version.to_owned(),
        repository_url: flags.text("repo").to_owned(),
        get: GetOptions {
            tls: tls_options(flags),
            username: flags.text("username").to_owned(),
            password: flags.text("password").to_owned(),
            pass_credentials_all: flags.is_on("pass-credentials"),
            plain_http: flags.is_on("plain-http"),
            ..GetOptions::default()
        },
        verify: if flags.is_on("verify") { Verify::Always } else { Verify::Never },
        keyring: PathBuf::from(flags.text("keyring")),
    }
}

/// Has the chart of a reference on this machine: the path of its folder or archive, as Helm's `LocateChart` for the commands that
/// take `CHART`, `TRANSPORT`, `VERIFY` and `DEVEL`.
///
/// # Errors
/// When there is no such chart, or it cannot be fetched or verified.
pub(crate) fn locate_chart(call: &Invocation, io: &mut Io<'_>, reference: &str) -> Result<PathBuf, Failure> {
    let mut options = chart_options(&call.flags);
    let name = Path::new(reference.trim());
    // Helm 3 looks here first, whatever repository is named.
    if io.compatibility == Compatibility::V3
        && (name.exists() || name.is_absolute() || reference.trim().starts_with('.'))
    {
        options.repository_url.clear();
    }
    let remote = Remote::of(call, io);
    let registry = remote.registry_client(&call.flags)?;
    Ok(remote.fetcher(&registry).fetch_chart(reference, &options, io)?)
}

/// Fetches the dependencies of a chart's folder first, as `helm dependency update` does, for the commands that take
/// `--dependency-update`; progress goes to `notes`.
///
/// # Errors
/// As `helm dependency update`.
pub(crate) fn update_dependencies(
    call: &Invocation,
    io: &Io<'_>,
    chart: &Path,
    notes: &mut dyn Notes,
) -> Result<(), Failure> {
    let remote = Remote::of(call, io);
    let registry = remote.registry_client(&call.flags)?;
    let manager = DependencyManager {
        fetcher: remote.fetcher(&registry),
        chart: chart.to_owned(),
        verify: Verify::Never,
        keyring: PathBuf::from(call.flags.text("keyring")),
        skip_refresh: false,
        debug: call.settings.debug,
        time_zone: jiff::tz::TimeZone::system(),
    };
    Ok(manager.update(notes)?)
}

/// A registry's refusal with advice.
pub(crate) fn registry_failure(error: RegistryError) -> Failure {
    let hint = error.hint();
    let failure = Failure::from(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
