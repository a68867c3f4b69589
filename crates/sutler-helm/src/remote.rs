//! What commands need to reach repositories and registries, made of settings, flags and variables.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sutler_repository::oci::{
    CredentialPlaces, CredentialStore, RegistryClient, RegistryError, RegistryOptions, docker_config_file,
};
use sutler_repository::transport::{Proxies, SystemClock, TlsOptions, Transport};

use crate::command::Invocation;
use crate::failure::Failure;
use crate::flags::FlagValues;
use crate::io::Io;

/// The way to repositories and registries for one command.
pub(crate) struct Remote {
    /// The client for all requests.
    pub(crate) transport: Transport,
    credentials: CredentialPlaces,
}

impl Remote {
    /// By the proxies, folders and files that settings and variables name.
    pub(crate) fn of(call: &Invocation, io: &Io<'_>) -> Remote {
        let variable = |name: &str| io.variables.get(name).map(str::to_owned);
        let home = variable(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).filter(|home| !home.is_empty());
        let credentials = CredentialPlaces {
            registry_config: PathBuf::from(&call.settings.registry_config),
            docker_config: docker_config_file(
                variable("DOCKER_CONFIG").as_deref().map(Path::new),
                home.as_deref().map(Path::new),
            ),
            search_path: OsString::from(variable("PATH").unwrap_or_default()),
        };
        let transport = Transport::new(Proxies::from_environment(variable), Arc::new(SystemClock));
        Remote { transport, credentials }
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
        options
            .tls
            .check()
            .map_err(|error| missing(Failure::from(error).context("can't create TLS config for client")))?;
        let logins = self.logins().map_err(missing)?;
        Ok(RegistryClient::new(&self.transport, options, logins))
    }
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

/// A registry's refusal with advice.
pub(crate) fn registry_failure(error: RegistryError) -> Failure {
    let hint = error.hint();
    let failure = Failure::from(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
