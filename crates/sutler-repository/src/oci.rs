//! Charts in OCI registries, as Helm 4 keeps and finds them (its `pkg/registry`, and the library below it).
//!
//! ```text
//! oci://host/team/hub, ">1" ──resolve──▶ oci://host/team/hub:1.2.3 ──fetch──▶ archive, provenance
//! hub-1.2.3.tgz, oci://host/team ──push_file──▶ blobs, manifest, tag
//!                      every request: login or token, as the registry asks for it
//! ```
//!
//! Start with [`RegistryClient`]. A chart that Helm pushed is pulled here and the reverse; of the same chart both make the same
//! manifest, byte for byte. Every digest is checked before anybody sees the bytes.
//!
//! # Where Helm and this module differ
//!
//! - A manifest's subject is not followed: it cannot be a part of a chart.
//! - A push asks for one token that allows to read and write, and sends the manifest once, under its tag.
//! - A user and password of the command line go to the hosts that a person named, not where a registry sends its clients.
//! - Connections that are cut are tried again; of answers 408 only the first counts.
//! - Where a configuration file is damaged, errors tell the place and never the contents.
//! - Files of certificates that cannot be read are an error of `login`; Helm crashes.

mod challenge;
mod credentials;
mod error;
pub(crate) mod json;
mod manifest;
mod plugin;
mod pull;
mod push;
mod reference;
mod session;
mod tags;

use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sutler_chart::{Chart, ChartSource, FindError, Level, Remark};
use sutler_functions::semver::Version;
use sutler_functions::url::Url;
use thiserror::Error;

use crate::cache::ContentCache;
use crate::files::{FileError, file_error, read_file};
use crate::go_time::rfc3339;
use crate::transport::{LARGEST_BODY, Method, TlsOptions, Transport};

pub use credentials::{
    Credential, CredentialError, CredentialPlaces, CredentialStore, HelperError, docker_config_file,
};
pub use error::{AnswerError, LoginError, RegistryError};
pub use manifest::{
    CHART_MEDIA_TYPE, CONFIG_MEDIA_TYPE, ContentError, Descriptor, INDEX_MEDIA_TYPE, LEGACY_CHART_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE, Manifest, PROVENANCE_MEDIA_TYPE, Package,
};
pub use plugin::{PLUGIN_ARTIFACT_TYPE, PulledPlugin, plugin_name};
pub use pull::{Part, Pulled};
pub use push::Pushed;
pub use reference::{DigestError, Reference, ReferenceError, SCHEME, is_oci};
pub use tags::matching_version;

use session::{Call, PasswordGrant, Session};

/// What Helm says wherever a tag has a `_`.
const UNDERSCORE_REMARK: &str = "
OCI artifact references (e.g. tags) do not support the plus sign (+). To support
storing semantic versions, Helm adopts the convention of changing plus (+) to
an underscore (_) in chart version tags when pushing to a registry and back to
a plus (+) when pulling from a registry.
";

/// How registries are spoken to: the flags of Helm's commands.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RegistryOptions {
    /// Certificates.
    pub tls: TlsOptions,
    /// Without TLS. As in Helm, only where [`RegistryOptions::tls`] says nothing.
    pub plain_http: bool,
    /// The user for every registry, instead of stored logins; counts only with a password.
    pub username: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for RegistryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryOptions")
            .field("tls", &self.tls)
            .field("plain_http", &self.plain_http)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Whose login is used.
enum Access {
    /// What is stored for the host.
    Stored,
    /// One login for all hosts.
    Everywhere(Credential),
    /// One login for one host, and none for others.
    Host(String, Credential),
}

/// A client of registries. It remembers tokens, so one should serve a whole command.
pub struct RegistryClient<'t> {
    session: Session<'t>,
    store: CredentialStore,
}

impl fmt::Debug for RegistryClient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryClient").field("options", self.session.options()).finish_non_exhaustive()
    }
}

/// Where a chart is, once its version is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedChart {
    /// `oci://host/team/hub:1.2.3`, or with `@` and a digest.
    pub url: String,
    /// The manifest's digest, where version and digest were both given and agree.
    pub digest: Option<String>,
}

impl<'t> RegistryClient<'t> {
    /// A client that sends by `transport` and finds logins in `store`.
    pub fn new(transport: &'t Transport, options: RegistryOptions, store: CredentialStore) -> RegistryClient<'t> {
        let access = match (options.username.as_str(), options.password.as_str()) {
            ("", _) | (_, "") => Access::Stored,
            (username, password) => Access::Everywhere(Credential::new(username, password)),
        };
        RegistryClient { session: Session::new(transport, options, access), store }
    }

    /// The address of something in a repository.
    fn url(&self, reference: &Reference, rest: &str) -> String {
        let repository = match reference.repository.as_str() {
            "" => String::new(),
            repository => format!("{repository}/"),
        };
        let options = self.session.options();
        let TlsOptions { ca_file, cert_file, key_file, insecure_skip_verify } = &options.tls;
        let tls = (!cert_file.is_empty() && !key_file.is_empty()) || !ca_file.is_empty() || *insecure_skip_verify;
        let scheme = if options.plain_http && !tls { "http" } else { "https" };
        format!("{scheme}://{}/v2/{repository}{rest}", reference.host())
    }

    /// Finds the version of a chart, as Helm's `ValidateReference`: an exact one is taken as it is, for a range or none the tags
    /// are asked for.
    ///
    /// # Errors
    /// When name and version contradict each other, when there is no such version, when the registry cannot be asked.
    pub fn resolve(&self, name: &str, version: &str) -> Result<ResolvedChart, RegistryError> {
        let reference = Reference::parse(name)?;
        let Reference { registry, repository, tag, digest } = &reference;
        if !version.is_empty() && !tag.is_empty() && tag != version {
            return Err(RegistryError::OtherVersion { version: version.to_owned(), tag: tag.clone() });
        }
        let version = if version.is_empty() { tag } else { version };
        if !digest.is_empty() {
            if version.is_empty() {
                return Ok(ResolvedChart { url: name.to_owned(), digest: None });
            }
            let url = format!("{SCHEME}{registry}/{repository}@{digest}");
            let tagged = Reference::parse(&format!("{registry}/{repository}:{version}"));
            // What a digest names need not have a tag.
            return match tagged.map_err(RegistryError::from).and_then(|tagged| self.describe(&tagged)) {
                Err(_) => Ok(ResolvedChart { url, digest: None }),
                Ok(found) if found.digest != *digest => {
                    Err(RegistryError::OtherDigest { found: found.digest, expected: digest.clone() })
                }
                Ok(_) => Ok(ResolvedChart { url, digest: Some(digest.clone()) }),
            };
        }
        let tag = if Version::parse(version).is_ok() {
            version.to_owned()
        } else {
            let versions = self.tags(name)?;
            if versions.is_empty() {
                return Err(RegistryError::NoTags(name.to_owned()));
            }
            matching_version(&versions, version)?
        };
        Ok(ResolvedChart { url: format!("{SCHEME}{registry}/{repository}:{tag}"), digest: None })
    }

    /// A part of a chart that [`RegistryClient::resolve`] has found, as Helm's `OCIGetter`. See [`RegistryClient::pull`].
    ///
    /// # Errors
    /// As [`RegistryClient::pull`].
    pub fn fetch(
        &self,
        url: &str,
        part: Part,
        cache: Option<&ContentCache>,
        remarks: &mut String,
    ) -> Result<Vec<u8>, RegistryError> {
        Ok(self.pull(url, part, cache, remarks)?.content.1)
    }

    /// Logs in to a registry, and keeps the login where it is accepted. `remarks` gets what Helm writes to stderr.
    ///
    /// # Errors
    /// When the registry cannot be reached or refuses the login, when it cannot be kept.
    pub fn login(
        transport: &Transport,
        options: RegistryOptions,
        store: &mut CredentialStore,
        host: &str,
        remarks: &mut String,
    ) -> Result<(), RegistryError> {
        if let Some((registry, _)) = host.split_once('/') {
            let remark = Remark {
                level: Level::Warn,
                message: "registry login currently only supports registry hostname, not a repository path".to_owned(),
                details: vec![("host", host.to_owned()), ("suggested", registry.to_owned())],
            };
            remarks.push_str(&format!("{remark}\n"));
        }
        let registry = Reference::registry(host)?;
        let credential = Credential::new(&options.username, &options.password);
        let access = Access::Host(registry.host().to_owned(), credential.clone());
        let plain_http = options.plain_http;
        let session = Session::new(transport, options, access);
        let scheme = if plain_http { "http" } else { "https" };
        let call = Call::new(Method::Get, format!("{scheme}://{}/v2/", registry.host()), String::new());
        let ping = |grant| -> Result<(), RegistryError> {
            let response = session.send(&call, store, grant)?;
            match response.status {
                200 => Ok(()),
                404 => Err(RegistryError::Json("not found".to_owned())),
                _ => Err(AnswerError::new("GET", &response).into()),
            }
        };
        ping(PasswordGrant::OAuth2)
            .or_else(|_| ping(PasswordGrant::Distribution))
            .map_err(|source| RegistryError::Authenticating { host: host.to_owned(), source: Box::new(source) })?;
        store.put(host, &credential)?;
        remarks.push_str("Login Succeeded\n");
        Ok(())
    }

    /// Forgets the login of a registry. `remarks` gets what Helm writes to stderr.
    ///
    /// # Errors
    /// When the file of logins, or the program that keeps them, cannot be changed.
    pub fn logout(store: &mut CredentialStore, host: &str, remarks: &mut String) -> Result<(), LogoutError> {
        let registry = credentials::key_of_registry(host).to_owned();
        store.erase(host).map_err(|source| LogoutError { registry, source })?;
        remarks.push_str(&format!("Removing login credentials for {host}\n"));
        Ok(())
    }

    /// Pushes an archive, and the provenance file beside it where there is one, as `helm push`.
    ///
    /// The manifest tells the archive's time of change, in `time_zone`.
    ///
    /// # Errors
    /// When the archive cannot be read or is no chart, when the registry cannot be reached or refuses.
    pub fn push_file(
        &self,
        archive: &Path,
        remote: &str,
        time_zone: &TimeZone,
        remarks: &mut String,
    ) -> Result<Pushed, PushError> {
        let url = Url::parse(remote.as_bytes()).map_err(|_| PushError::Url(remote.to_owned()))?;
        match url.scheme.as_slice() {
            b"" => return Err(PushError::NoScheme),
            b"oci" => {}
            scheme => return Err(PushError::Scheme(String::from_utf8_lossy(scheme).into_owned())),
        }
        let found = std::fs::metadata(archive).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => PushError::NoFile(archive.display().to_string()),
            _ => PushError::File(file_error("stat", archive, error)),
        })?;
        if found.is_dir() {
            return Err(PushError::Folder);
        }
        let bytes = read_file(archive, LARGEST_BODY)?;
        let chart = load(archive, &bytes)?;
        let mut provenance = archive.as_os_str().to_owned();
        provenance.push(".prov");
        let provenance = Path::new(&provenance);
        let provenance = match provenance.exists() {
            true => Some(read_file(provenance, LARGEST_BODY)?),
            false => None,
        };
        let modified = found.modified().ok().and_then(|time| Timestamp::try_from(time).ok()).unwrap_or_default();
        // Helm tells whole seconds.
        let modified = Timestamp::from_second(modified.as_second()).unwrap_or(modified);
        let metadata = chart.metadata();
        let package = Package::new(metadata, bytes, provenance, &rfc3339(modified, time_zone));
        let url = url.to_string();
        let path = format!("{}/{}", url.strip_prefix(SCHEME).unwrap_or(&url), metadata.name);
        let name = format!("{}:{}", sutler_chart::clean_path(&path), metadata.version);
        Ok(self.push(&package, &name, remarks)?)
    }
}

/// The chart of an archive. Unlike elsewhere, Helm's `push` names the path in errors as it was typed, and tells why an archive
/// cannot be unpacked.
fn load(archive: &Path, bytes: &[u8]) -> Result<Chart, PushError> {
    if bytes.starts_with(&[0x1f, 0x8b, 0x08]) {
        return Chart::load(ChartSource::Archive(bytes)).map_err(|error| PushError::Load(error.into()));
    }
    let absolute = std::path::absolute(archive).map_err(|error| file_error("getwd", archive, error))?;
    let (typed, absolute) = (archive.display().to_string(), absolute.display().to_string());
    Chart::find(&absolute, &mut Vec::new()).map_err(|error| {
        PushError::Load(match error {
            FindError::NoArchive(text) => FindError::NoArchive(text.replacen(&absolute, &typed, 1)),
            error => error,
        })
    })
}

/// The file name that Helm gives to a chart from a registry: `hub-1.2.3.tgz` for `oci://host/team/hub:1.2.3`.
pub fn file_name(url: &str) -> String {
    let name = url.rsplit('/').next().unwrap_or(url);
    match name.rsplit_once(':') {
        Some((name, version)) => format!("{name}-{version}.tgz"),
        None => format!("{name}.tgz"),
    }
}

/// Why `helm registry logout` failed.
#[derive(Debug, Error)]
#[error("failed to delete the credential for {registry}")]
#[non_exhaustive]
pub struct LogoutError {
    /// The registry, as it is named in the file of logins.
    pub registry: String,
    /// What happened.
    #[source]
    pub source: CredentialError,
}

/// Why `helm push` failed. The texts are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PushError {
    /// Where to is no URL.
    #[error("invalid chart URL format: {0}")]
    Url(String),
    /// It has no scheme.
    #[error("scheme prefix missing from remote (e.g. \"oci://\")")]
    NoScheme,
    /// It has another scheme than `oci`.
    #[error("scheme {} not supported", sutler_chart::go_quoted(.0))]
    Scheme(String),
    /// The archive is not there.
    #[error("{0}: no such file")]
    NoFile(String),
    /// It is a folder.
    #[error("cannot push directory, must provide chart archive (.tgz)")]
    Folder,
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is no chart.
    #[error(transparent)]
    Load(FindError),
    /// The registry did not take it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}
