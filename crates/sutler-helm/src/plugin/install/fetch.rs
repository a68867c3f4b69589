//! Fetching a plugin's archive, with its provenance where there is one.

use std::path::Path;

use sutler_chart::{Compatibility, io_message};
use sutler_repository::oci::{CredentialStore, RegistryClient, RegistryError};
use sutler_repository::transport::{GetOptions, TlsOptions, TransportError};

use super::super::Tell;
use super::super::archive::Listing;
use super::place::metadata_of;
use super::source::base_name;
use super::{InstallError, Outside, Package, Source, SourceKind, Stage, with_ending};

impl Source {
    /// Fetches the archive and what lies beside it.
    pub(super) fn fetch(&self, stage: Stage, outside: &Outside, tell: &mut Tell<'_>) -> Result<Package, InstallError> {
        match self.kind {
            SourceKind::Web { .. } => self.download(stage, outside),
            SourceKind::Registry { .. } => self.pull(stage, outside, tell),
            _ => self.read(stage),
        }
    }

    fn read(&self, stage: Stage) -> Result<Package, InstallError> {
        let path = Path::new(&self.text);
        let read = |path: &Path| {
            std::fs::read(path).map_err(|error| {
                let action = if path.is_dir() { "read" } else { "open" };
                (error.kind(), format!("{action} {}: {}", path.display(), io_message(&error)))
            })
        };
        let action = match stage {
            Stage::Verifying => "failed to read plugin file",
            Stage::Installing => "failed to read archive",
        };
        let archive = read(path).map_err(|(_, reason)| InstallError::File(format!("{action}: {reason}")))?;
        let beside = with_ending(path, ".prov");
        let provenance = match read(&beside) {
            Ok(bytes) => Some(bytes),
            Err((kind, reason)) if stage == Stage::Verifying && kind != std::io::ErrorKind::NotFound => {
                let beside = beside.display();
                return Err(InstallError::File(format!("failed to access provenance file {beside}: {reason}")));
            }
            Err(_) => None,
        };
        Ok(Package { archive, provenance, file_name: base_name(&self.text).to_owned() })
    }

    /// By HTTP. As in Helm, neither credentials nor certificates of the command line are for this.
    fn download(&self, stage: Stage, outside: &Outside) -> Result<Package, InstallError> {
        let options = GetOptions::default();
        let archive = outside.transport.get(&self.text, &options).map_err(|error| match stage {
            Stage::Verifying => InstallError::Download(error),
            Stage::Installing => InstallError::Transport(error),
        })?;
        // Helm 3 knows no provenance of plugins. What cannot be had is not there.
        let provenance = (outside.compatibility == Compatibility::V4)
            .then(|| outside.transport.get(&format!("{}.prov", self.text), &options).ok())
            .flatten();
        Ok(Package { archive, provenance, file_name: base_name(&self.text).to_owned() })
    }

    fn pull(&self, stage: Stage, outside: &Outside, tell: &mut Tell<'_>) -> Result<Package, InstallError> {
        let of_source = [("source", self.text.clone())];
        if stage == Stage::Verifying {
            tell("getting verification data for OCI plugin", &of_source);
        } else {
            tell("pulling OCI plugin", &of_source);
        }
        let failed = |source: RegistryError| InstallError::Pull { url: self.text.clone(), source: Box::new(source) };
        let client = || -> Result<RegistryClient<'_>, RegistryError> {
            let mut options = outside.registry.clone();
            let TlsOptions { ca_file, cert_file, key_file, insecure_skip_verify } = &options.tls;
            let has_pair = !cert_file.is_empty() && !key_file.is_empty();
            if !has_pair && ca_file.is_empty() && !insecure_skip_verify {
                // Half a pair says nothing.
                options.tls = TlsOptions::default();
            }
            options.tls.check().map_err(TransportError::TlsOptions)?;
            if options.plain_http {
                // Where there is no TLS, certificates do not turn it on.
                options.tls = TlsOptions::default();
            }
            let logins = CredentialStore::open(&outside.credentials)?;
            Ok(RegistryClient::new(&outside.transport, options, logins))
        };
        let pulled = client().and_then(|client| client.pull_plugin(&self.text)).map_err(failed)?;
        let metadata = metadata_of(&Listing::of(&pulled.archive))?;
        let file_name = format!("{}-{}.tgz", metadata.name, metadata.version);
        if stage == Stage::Verifying {
            tell("got verification data for OCI plugin", &[("filename", file_name.clone())]);
        }
        Ok(Package { archive: pulled.archive, provenance: pulled.provenance, file_name })
    }
}
