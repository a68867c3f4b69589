//! What a registry holds of a chart: a manifest that points to its parts by digest (Helm's `pkg/registry/chart.go`).
//!
//! ```text
//! manifest ─▶ config: Chart.yaml as JSON
//!          ├▶ layer: the archive
//!          └▶ layer: the provenance
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha384, Sha512};
use sutler_chart::Metadata;
use thiserror::Error;

use super::reference::check_digest;
use crate::cache::Digest;
use crate::go_json;

/// Media type of Chart.yaml as JSON.
pub const CONFIG_MEDIA_TYPE: &str = "application/vnd.cncf.helm.config.v1+json";
/// Media type of a chart's archive.
pub const CHART_MEDIA_TYPE: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// Media type of a provenance file.
pub const PROVENANCE_MEDIA_TYPE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
/// Media type that Helm's experimental versions gave to archives.
pub const LEGACY_CHART_MEDIA_TYPE: &str = "application/tar+gzip";
/// Media type of a manifest.
pub const MANIFEST_MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of a list of manifests.
pub const INDEX_MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// A pointer to bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Descriptor {
    /// What the bytes are.
    pub media_type: String,
    /// Their digest, algorithm in front.
    pub digest: String,
    /// How many there are.
    pub size: i64,
}

/// A manifest, as far as charts need it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: i64,
    /// Chart.yaml.
    pub config: Descriptor,
    /// Archive and provenance.
    pub layers: Vec<Descriptor>,
    /// What registries show of it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A list of manifests.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Index {
    pub(super) manifests: Vec<Descriptor>,
}

/// Why bytes are not those that a descriptor points to. The texts are those of Helm's library.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ContentError {
    /// The descriptor's digest is none.
    #[error("failed to validate {0}: {1}")]
    Digest(String, super::reference::DigestError),
    /// The descriptor's size is negative.
    #[error("invalid descriptor size")]
    Size,
    /// Fewer bytes came.
    #[error("read failed: expected content size of {expected}, got {found}, for digest {digest}: unexpected EOF")]
    Short {
        /// Bytes that were announced.
        expected: i64,
        /// Bytes that came.
        found: usize,
        /// The digest.
        digest: String,
    },
    /// More bytes came.
    #[error("trailing data")]
    Long,
    /// Other bytes came.
    #[error("mismatched digest")]
    Mismatch,
}

impl Descriptor {
    /// The descriptor of some bytes.
    pub fn of(media_type: &str, bytes: &[u8]) -> Descriptor {
        Descriptor {
            media_type: media_type.to_owned(),
            digest: digest(bytes),
            size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        }
    }

    /// Whether these are the bytes.
    ///
    /// # Errors
    /// In which way they are not.
    pub fn check(&self, bytes: &[u8]) -> Result<(), ContentError> {
        let expected = usize::try_from(self.size).map_err(|_| ContentError::Size)?;
        check_digest(&self.digest).map_err(|error| ContentError::Digest(self.digest.clone(), error))?;
        if bytes.len() < expected {
            let digest = self.digest.clone();
            return Err(ContentError::Short { expected: self.size, found: bytes.len(), digest });
        }
        if bytes.len() > expected {
            return Err(ContentError::Long);
        }
        if digest_like(&self.digest, bytes) == self.digest { Ok(()) } else { Err(ContentError::Mismatch) }
    }
}

/// The digest by which Helm names bytes: `sha256:…`.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", Digest::of(bytes))
}

/// The digest of bytes by the algorithm of another digest.
pub(super) fn digest_like(other: &str, bytes: &[u8]) -> String {
    match other.split(':').next() {
        Some("sha384") => hexadecimal("sha384:", &Sha384::digest(bytes)),
        Some("sha512") => hexadecimal("sha512:", &Sha512::digest(bytes)),
        _ => digest(bytes),
    }
}

fn hexadecimal(prefix: &str, hash: &[u8]) -> String {
    hash.iter().fold(prefix.to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// All that a push sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The manifest and its descriptor.
    pub manifest: (Descriptor, Vec<u8>),
    /// Chart.yaml as JSON.
    pub config: (Descriptor, Vec<u8>),
    /// The archive.
    pub chart: (Descriptor, Vec<u8>),
    /// The provenance file.
    pub provenance: Option<(Descriptor, Vec<u8>)>,
}

impl Package {
    /// Puts a chart together as `helm push` does: the same chart at the same time has the same manifest, byte for byte.
    ///
    /// `created` is the time that the manifest tells, as RFC 3339; Helm takes the archive's time of change, in local time.
    pub fn new(metadata: &Metadata, archive: Vec<u8>, provenance: Option<Vec<u8>>, created: &str) -> Package {
        let with_descriptor = |media_type, bytes: Vec<u8>| (Descriptor::of(media_type, &bytes), bytes);
        let config = with_descriptor(CONFIG_MEDIA_TYPE, go_json::write_struct(metadata).into_bytes());
        let chart = with_descriptor(CHART_MEDIA_TYPE, archive);
        let provenance = provenance.map(|bytes| with_descriptor(PROVENANCE_MEDIA_TYPE, bytes));
        let mut layers: Vec<_> = [Some(&chart), provenance.as_ref()].into_iter().flatten().map(|(d, _)| d).collect();
        layers.sort_by(|a, b| a.digest.cmp(&b.digest));
        let manifest = Manifest {
            schema_version: 2,
            config: config.0.clone(),
            layers: layers.into_iter().cloned().collect(),
            annotations: annotations(metadata, created),
        };
        let manifest = with_descriptor(MANIFEST_MEDIA_TYPE, go_json::write_struct(&manifest).into_bytes());
        Package { manifest, config, chart, provenance }
    }

    /// What the manifest points to.
    pub(super) fn parts(&self) -> impl Iterator<Item = &(Descriptor, Vec<u8>)> {
        [Some(&self.config), Some(&self.chart), self.provenance.as_ref()].into_iter().flatten()
    }
}

/// What a manifest says of a chart: what Chart.yaml says in its fields, and over that its annotations, which cannot change title
/// and version.
fn annotations(metadata: &Metadata, created: &str) -> BTreeMap<String, String> {
    const PREFIX: &str = "org.opencontainers.image.";
    let people: Vec<String> = metadata
        .maintainers
        .iter()
        .map(|person| {
            let mail = if person.email.is_empty() { String::new() } else { format!(" ({})", person.email) };
            person.name.clone() + &mail
        })
        .collect();
    let fields = [
        ("description", metadata.description.as_str()),
        ("title", &metadata.name),
        ("version", &metadata.version),
        ("url", &metadata.home),
        ("created", created),
        ("source", metadata.sources.first().map_or("", String::as_str)),
        ("authors", &people.join(", ")),
    ];
    let mut all: BTreeMap<String, String> = fields
        .into_iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(name, value)| (format!("{PREFIX}{name}"), value.to_owned()))
        .collect();
    let fixed = [format!("{PREFIX}version"), format!("{PREFIX}title")];
    for (name, value) in metadata.annotations.iter().flatten().filter(|(name, _)| !fixed.contains(name)) {
        all.insert(name.clone(), value.clone());
    }
    all
}
