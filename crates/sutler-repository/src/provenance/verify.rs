//! Verification: is the signature good, whose is it, and is this the chart that was signed.

use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use pgp::packet::{Packet, Signature};
use pgp::types::{Fingerprint, KeyDetails as _, KeyId};
use thiserror::Error;

use super::keyring::{CandidateKey, Entity, KeyStateError, Keyring, KeyringError};
use super::packets::{self, PacketError};
use super::{cleartext, sums};
use crate::files::{FileError, base_name, extension, file_error, read_file};
use sutler_chart::go_quoted;

/// Larger files are no chart that Helm would load.
const LARGEST_ARCHIVE: u64 = 1 << 30;
/// Larger files are no provenance: it holds Chart.yaml, a digest and a signature.
const LARGEST_PROVENANCE: u64 = 64 << 20;

/// A chart whose provenance is good.
///
/// Shown as Helm prints it, one line each: `Signed by: …` for every name of the key, `Using Key With Fingerprint: …`,
/// `Chart Hash Verified: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The names of the key that signed, in the key's order. Helm prints them in random order.
    pub signed_by: Vec<String>,
    /// The primary key's fingerprint, in hexadecimal capitals.
    pub fingerprint: String,
    /// The archive's digest, with `sha256:` in front.
    pub file_hash: String,
    /// The archive's name, as the provenance knows it.
    pub file_name: String,
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.signed_by {
            writeln!(f, "Signed by: {name}")?;
        }
        writeln!(f, "Using Key With Fingerprint: {}", self.fingerprint)?;
        writeln!(f, "Chart Hash Verified: {}", self.file_hash)
    }
}

/// Why a signature does not count. The texts are those of Go's library, which Helm prints.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The block holds no packets.
    #[error(transparent)]
    Packets(#[from] PacketError),
    /// The block holds something else than signatures, or one without a maker.
    #[error("openpgp: invalid data: {0}")]
    Malformed(&'static str),
    /// No key of the keyring that may sign has made it.
    #[error("openpgp: signature made by unknown entity")]
    UnknownSigner,
    /// It was not made over this text.
    #[error("openpgp: invalid signature: {algorithm} verification failure")]
    Mismatch {
        /// The kind of key, e.g. `RSA`.
        algorithm: &'static str,
    },
    /// It is good, and its key or itself is revoked or has expired.
    #[error(transparent)]
    State(#[from] KeyStateError),
}

/// Why a chart could not be verified. The texts are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The archive is not there.
    #[error(transparent)]
    Archive(FileError),
    /// It is a folder.
    #[error("unpacked charts cannot be verified")]
    Folder,
    /// Its name does not end in `.tgz`.
    #[error("chart must be a tgz file")]
    NoArchive,
    /// The provenance file is not there.
    #[error("could not load provenance file {path}")]
    NoProvenance {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: FileError,
    },
    /// The keyring cannot be used.
    #[error("failed to load keyring")]
    Keyring(#[source] KeyringError),
    /// The archive cannot be read.
    #[error("failed to read chart archive")]
    ReadArchive(#[source] FileError),
    /// The provenance file cannot be read.
    #[error("failed to read provenance file")]
    ReadProvenance(#[source] FileError),
    /// The provenance holds no whole signed message.
    #[error("signature block not found")]
    NoSignature,
    /// Its signature does not count.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// What was signed is no provenance.
    #[error(transparent)]
    Sums(#[from] sums::SumsError),
    /// It speaks of other files.
    #[error("provenance does not contain a SHA for a file named {}", go_quoted(.0))]
    OtherFile(String),
    /// The chart is not the one that was signed.
    #[error("sha256 sum does not match for {file}: {} != {}", go_quoted(.expected), go_quoted(.found))]
    OtherContent {
        /// The archive's name.
        file: String,
        /// The digest that was signed.
        expected: String,
        /// The digest that it has.
        found: String,
    },
}

/// Verifies an archive against a provenance file, as Helm's `VerifyChart`.
///
/// `archive` must have the name under which it was signed. `now` decides what has expired.
///
/// # Errors
/// When one of the files cannot be read, when the signature does not count, when the archive is not the one that was signed.
pub fn verify_chart(
    archive: &Path,
    provenance: &Path,
    keyring: &Path,
    now: Timestamp,
) -> Result<Verification, VerifyError> {
    let found = std::fs::metadata(archive).map_err(|error| VerifyError::Archive(file_error("stat", archive, error)))?;
    if found.is_dir() {
        return Err(VerifyError::Folder);
    }
    let name = base_name(&archive.to_string_lossy()).to_owned();
    if !extension(&name).eq_ignore_ascii_case(".tgz") {
        return Err(VerifyError::NoArchive);
    }
    std::fs::metadata(provenance).map_err(|error| VerifyError::NoProvenance {
        path: provenance.display().to_string(),
        source: file_error("stat", provenance, error),
    })?;
    let keyring = Keyring::read(keyring).map_err(VerifyError::Keyring)?;
    let archive = read_file(archive, LARGEST_ARCHIVE).map_err(VerifyError::ReadArchive)?;
    let provenance = read_file(provenance, LARGEST_PROVENANCE).map_err(VerifyError::ReadProvenance)?;
    verify(&archive, &provenance, &name, &keyring, now)
}

/// Verifies an archive's bytes against a provenance's, as Helm's `Signatory.Verify`.
///
/// `name` is the archive's file name, e.g. `mychart-1.2.3.tgz`: provenance speaks of names.
///
/// # Errors
/// When the signature does not count, or the archive is not the one that was signed.
///
/// ```
/// use sutler_repository::provenance::{Keyring, verify};
///
/// # const ARCHIVE: &[u8] = include_bytes!("../../tests/provenance/hello-0.1.0.tgz");
/// # const PROVENANCE: &[u8] = include_bytes!("../../tests/provenance/helm.prov");
/// # const KEYS: &[u8] = include_bytes!("../../tests/provenance/rita.gpg");
/// let keyring = Keyring::from_bytes(KEYS)?;
/// let now = "2027-01-01T00:00:00Z".parse()?;
/// let good = verify(ARCHIVE, PROVENANCE, "hello-0.1.0.tgz", &keyring, now)?;
/// assert_eq!(good.signed_by, ["Rita RSA <rita@example.org>"]);
/// assert!(verify(b"another archive", PROVENANCE, "hello-0.1.0.tgz", &keyring, now).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify(
    archive: &[u8],
    provenance: &[u8],
    name: &str,
    keyring: &Keyring,
    now: Timestamp,
) -> Result<Verification, VerifyError> {
    let message = cleartext::decode(provenance).ok_or(VerifyError::NoSignature)?;
    let entity = check_signature(keyring, &message.signed, &message.signature, now)?;
    let file_hash = sums::digest(archive);
    let expected = sums::read(&message.text)?.remove(name).ok_or_else(|| VerifyError::OtherFile(name.to_owned()))?;
    if expected != file_hash {
        return Err(VerifyError::OtherContent { file: name.to_owned(), expected, found: file_hash });
    }
    Ok(Verification {
        signed_by: entity.identities.iter().map(|identity| identity.name.clone()).collect(),
        fingerprint: hexadecimal(&entity.primary.fingerprint()),
        file_hash,
        file_name: name.to_owned(),
    })
}

/// Whose signature it is, as Go's `CheckDetachedSignature`: the first signature whose maker is known decides.
fn check_signature<'k>(
    keyring: &'k Keyring,
    signed: &[u8],
    packets: &[u8],
    now: Timestamp,
) -> Result<&'k Entity, SignatureError> {
    for packet in packets::read(packets)? {
        let Packet::Signature(signature) = packet else {
            return Err(SignatureError::Malformed("non signature packet found"));
        };
        let issuer = issuer(&signature).ok_or(SignatureError::Malformed("signature doesn't have an issuer"))?;
        let candidates = keyring.signing_keys(issuer);
        if candidates.is_empty() || is_forgeable(&signature) {
            continue;
        }
        for candidate in candidates {
            let good = match candidate.key {
                CandidateKey::Primary => signature.verify(&candidate.entity.primary, signed),
                CandidateKey::Subkey(key, ..) => signature.verify(key, signed),
            };
            if good.is_ok() {
                candidate.check(&signature, now)?;
                return Ok(candidate.entity);
            }
        }
        return Err(SignatureError::Mismatch { algorithm: algorithm(&signature) });
    }
    Err(SignatureError::UnknownSigner)
}

/// MD5: texts of one digest can be made at will. Go's library does not know it either.
fn is_forgeable(signature: &Signature) -> bool {
    signature.hash_alg() == Some(pgp::crypto::hash::HashAlgorithm::Md5)
}

fn issuer(signature: &Signature) -> Option<KeyId> {
    let from_fingerprint = signature.issuer_fingerprint().into_iter().find_map(|fingerprint| {
        let bytes = match fingerprint {
            Fingerprint::V4(bytes) => bytes.last_chunk::<8>(),
            Fingerprint::V6(bytes) => bytes.first_chunk::<8>(),
            _ => None,
        };
        bytes.map(|bytes| KeyId::from(*bytes))
    });
    from_fingerprint.or_else(|| signature.issuer_key_id().first().copied().copied())
}

fn algorithm(signature: &Signature) -> &'static str {
    use pgp::crypto::public_key::PublicKeyAlgorithm as Algorithm;
    match signature.config().map(|config| config.pub_alg) {
        Some(Algorithm::RSA | Algorithm::RSASign) => "RSA",
        Some(Algorithm::DSA) => "DSA",
        Some(Algorithm::ECDSA) => "ECDSA",
        Some(Algorithm::EdDSALegacy) => "EdDSA",
        Some(Algorithm::Ed25519) => "Ed25519",
        Some(Algorithm::Ed448) => "ed448",
        _ => "public key",
    }
}

pub(super) fn hexadecimal(fingerprint: &Fingerprint) -> String {
    fingerprint.to_string().to_uppercase()
}
