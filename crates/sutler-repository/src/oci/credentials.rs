//! Logins of registries: Helm's own file, docker's file behind it, and the programs that keep secrets for both.
//!
//! ```text
//! get ─▶ registry/config.json ─ nothing? ─▶ ~/.docker/config.json
//!             │ credHelpers, credsStore           │
//!             └──▶ docker-credential-… ◀──────────┘   put and erase go to the first only
//! ```
//!
//! Secrets go to helpers by standard input, never by argument; no error and no `Debug` shows one.

mod config;
mod helper;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use config::ConfigFile;
pub use helper::HelperError;

/// Docker Hub's name in files of logins, for historical reasons.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// A login. Nothing in it is no login.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credential {
    /// User.
    pub username: String,
    /// Password, or a token that is used as one.
    pub password: String,
    /// A token that is exchanged for access tokens (docker's `identitytoken`).
    pub refresh_token: String,
    /// A token that is sent as it is (docker's `registrytoken`).
    pub access_token: String,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("username", &self.username).finish_non_exhaustive()
    }
}

impl Credential {
    /// A user's login.
    pub fn new(username: &str, password: &str) -> Credential {
        Credential { username: username.to_owned(), password: password.to_owned(), ..Credential::default() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Credential::default()
    }
}

/// Why logins cannot be read or kept. The texts are those of Helm's library.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The file is there and cannot be read.
    #[error("failed to open config file at {path}")]
    Open {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: sutler_chart::FileError,
    },
    /// The file is no JSON object.
    #[error("failed to decode config file at {path}: invalid config format: {message}")]
    Decode {
        /// The file.
        path: String,
        /// Where JSON ends; nothing of the file's contents.
        message: String,
    },
    /// A field of the file has another shape.
    #[error("failed to unmarshal {field} field: invalid config format")]
    Field {
        /// The field: `auths`, `creds store`, ….
        field: &'static str,
    },
    /// A login is not `user:password` in base64.
    #[error("failed to decode auth field: invalid config format: {0}")]
    Auth(&'static str),
    /// Basic auth cannot hold a colon in a user's name.
    #[error("bad credential format: colons(:) are not allowed in username")]
    Colon,
    /// The file cannot be written.
    #[error("failed to save config file")]
    Save(#[source] crate::cache::CacheError),
    /// Its folder cannot be made.
    #[error("failed to make directory {path}: {message}")]
    Folder {
        /// The folder.
        path: String,
        /// Why not.
        message: String,
    },
    /// A program that keeps logins failed.
    #[error(transparent)]
    Helper(#[from] HelperError),
}

/// Where logins are. Paths and the search path are handed in; nothing here looks at the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialPlaces {
    /// Helm's file (`HELM_REGISTRY_CONFIG`).
    pub registry_config: PathBuf,
    /// Docker's file (`$DOCKER_CONFIG/config.json`, `~/.docker/config.json`), where there is a home.
    pub docker_config: Option<PathBuf>,
    /// Where programs are looked for (`PATH`).
    pub search_path: OsString,
}

/// The logins of registries.
#[derive(Debug)]
pub struct CredentialStore {
    search_path: OsString,
    /// Helm's file first.
    files: Vec<Source>,
}

/// A file of logins.
#[derive(Debug)]
struct Source {
    config: ConfigFile,
    /// The helper of this system, used where the file says nothing at all about logins.
    detected: Option<String>,
}

impl CredentialStore {
    /// Reads the files of logins; one that is not there holds none.
    ///
    /// # Errors
    /// A file that is there and cannot be read.
    pub fn open(places: &CredentialPlaces) -> Result<CredentialStore, CredentialError> {
        let mut files = Vec::new();
        let paths = [Some(places.registry_config.as_path()), places.docker_config.as_deref()];
        for path in paths.into_iter().flatten() {
            let config = ConfigFile::read(path)?;
            let detected = if config.is_configured() { None } else { helper::of_this_system(&places.search_path) };
            files.push(Source { config, detected });
        }
        Ok(CredentialStore { search_path: places.search_path.clone(), files })
    }

    /// The login for a registry's host, from the first place that has one; an empty one where none has.
    ///
    /// # Errors
    /// A helper that fails, or an entry that cannot be read.
    pub fn get(&self, host: &str) -> Result<Credential, CredentialError> {
        let key = key_of_host(host);
        for source in &self.files {
            let credential = match source.helper(key) {
                Some(name) => helper::get(name, key, &self.search_path)?,
                None => source.config.credential(key)?,
            };
            if !credential.is_empty() {
                return Ok(credential);
            }
        }
        Ok(Credential::default())
    }

    /// Keeps a login, in Helm's file or with the helper that it names.
    ///
    /// # Errors
    /// A helper that fails, a file that cannot be written.
    pub fn put(&mut self, registry: &str, credential: &Credential) -> Result<(), CredentialError> {
        let key = key_of_registry(registry);
        let Some(first) = self.files.first_mut() else { return Ok(()) };
        match first.helper(key) {
            Some(name) => helper::store(name, key, credential, &self.search_path)?,
            None if credential.username.contains(':') => return Err(CredentialError::Colon),
            None => first.config.put(key, credential)?,
        }
        match first.detected.take() {
            Some(detected) => first.config.set_helper(detected),
            None => Ok(()),
        }
    }

    /// Forgets a login that Helm's file or its helper has; what docker's file has stays.
    ///
    /// # Errors
    /// A helper that fails, a file that cannot be written.
    pub fn erase(&mut self, registry: &str) -> Result<(), CredentialError> {
        let key = key_of_registry(registry);
        let Some(first) = self.files.first_mut() else { return Ok(()) };
        match first.helper(key) {
            Some(name) => Ok(helper::erase(name, key, &self.search_path)?),
            None => first.config.erase(key),
        }
    }
}

impl Source {
    fn helper(&self, key: &str) -> Option<&str> {
        self.config.helper(key).or(self.detected.as_deref())
    }
}

/// The name of a registry as users know it, in files of logins.
pub(super) fn key_of_registry(registry: &str) -> &str {
    if registry == "docker.io" { DOCKER_HUB } else { key_of_host(registry) }
}

/// The name of a host that is spoken to, in files of logins.
fn key_of_host(host: &str) -> &str {
    if host == "registry-1.docker.io" { DOCKER_HUB } else { host }
}

/// Docker's file of logins, as docker finds it.
///
/// `docker_config` is `DOCKER_CONFIG`, `home` the user's folder.
pub fn docker_config_file(docker_config: Option<&Path>, home: Option<&Path>) -> Option<PathBuf> {
    let folder = match docker_config.filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => folder.to_owned(),
        None => home?.join(".docker"),
    };
    Some(folder.join("config.json"))
}
