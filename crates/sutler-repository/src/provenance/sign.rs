//! Signing: `helm package --sign`.

use jiff::Timestamp;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{SecretKey, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{KeyDetails as _, KeyVersion, Password};
use sutler_chart::{Chart, ChartSource, LoadError, go_quoted};
use thiserror::Error;

use super::cleartext::Draft;
use super::keyring::{Entity, Keyring, KeyringError};
use super::sums;
use crate::files::FileError;

/// A chart to sign, and with what.
#[derive(Debug, Clone, Copy)]
pub struct Signing<'a> {
    /// The archive.
    pub archive: &'a [u8],
    /// Its file name, under which it must be verified: `mychart-1.2.3.tgz`.
    pub file_name: &'a str,
    /// Keys, the secret one among them.
    pub keyring: &'a Keyring,
    /// The key's name, or a part of it that no other key has.
    pub key: &'a str,
    /// When the signature is made.
    pub now: Timestamp,
}

/// Why a chart was not signed. The texts are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The keyring cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Several keys have that name.
    #[error("more than one key contain the id {}", go_quoted(.0))]
    Ambiguous(String),
    /// None has.
    #[error("private key not found")]
    NotFound,
    /// The keyring holds only its public half.
    #[error("provided key is not a private key. Try providing a keyring with secret keys")]
    PublicOnly,
    /// The passphrase could not be asked for, or its file not be read.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// The passphrase does not open the key.
    #[error("openpgp: invalid data: private key checksum failure")]
    WrongPassphrase,
    /// The archive is no chart.
    #[error("failed to load chart for signing")]
    Chart(#[source] LoadError),
    /// Chart.yaml could not be written.
    #[error(transparent)]
    Metadata(#[from] sums::WriteError),
    /// The key cannot sign, e.g. because its secret part is on a card. Nothing more is told: the reason might show the key.
    #[error("failed to either sign or armor message block")]
    Key,
    /// No random numbers were to be had.
    #[error("cannot draw a random salt: {0}")]
    Random(getrandom::Error),
}

/// Why there is no passphrase. It never holds one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// Its file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// `--passphrase-file -` without a pipe on standard input.
    #[error("specified reading passphrase from stdin, without input on stdin")]
    NoInput,
    /// There was nothing to read, or no terminal to ask at.
    #[error("{0}")]
    Input(String),
}

/// The first line of a passphrase file, as Helm reads it: without its line end.
///
/// # Errors
/// `EOF` where there is nothing at all.
pub fn passphrase(file: &[u8]) -> Result<Vec<u8>, PassphraseError> {
    if file.is_empty() {
        return Err(PassphraseError::Input("EOF".to_owned()));
    }
    let line = file.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
}

/// Signs a chart: the text of its `.prov` file, as Helm's `Signatory.ClearSign` makes it.
///
/// `passphrase` is asked once, with the key's name, and only when the key is locked.
///
/// # Errors
/// When there is no such secret key, when it cannot be unlocked or used, when the archive is no chart.
pub fn sign(
    signing: &Signing<'_>,
    passphrase: &mut dyn FnMut(&str) -> Result<Vec<u8>, PassphraseError>,
) -> Result<String, SignError> {
    let key = SigningKey::unlock(signing.keyring, signing.key, passphrase)?;
    let chart = Chart::load(ChartSource::Archive(signing.archive)).map_err(SignError::Chart)?;
    key.write(&sums::write(chart.metadata(), signing.file_name, signing.archive)?, signing.now)
}

/// A secret key that is ready to sign.
pub struct SigningKey<'k> {
    secret: &'k SecretKey,
    password: Password,
}

impl std::fmt::Debug for SigningKey<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("fingerprint", &self.secret.fingerprint()).finish_non_exhaustive()
    }
}

impl<'k> SigningKey<'k> {
    /// The key of a name, or of a part of it that no other key has, as Helm's `Signatory.DecryptKey`.
    ///
    /// `passphrase` is asked once, with the key's name, and only when the key is locked.
    ///
    /// # Errors
    /// When there is no such secret key, or it cannot be unlocked.
    pub fn unlock(
        keyring: &'k Keyring,
        key: &str,
        passphrase: &mut dyn FnMut(&str) -> Result<Vec<u8>, PassphraseError>,
    ) -> Result<SigningKey<'k>, SignError> {
        let entity = keyring.entity(key)?.ok_or(SignError::NotFound)?;
        let secret = entity.secret.as_ref().ok_or(SignError::PublicOnly)?;
        let password = unlock(entity, secret, passphrase)?;
        Ok(SigningKey { secret, password })
    }

    /// Signs an archive that need not be a chart's: the text of its `.prov` file, as Helm's `Signatory.ClearSign`. `description` is
    /// YAML that tells of what is in it; the signature is over that and the archive's digest.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(
        &self,
        description: &str,
        file_name: &str,
        archive: &[u8],
        now: Timestamp,
    ) -> Result<String, SignError> {
        self.write(&sums::write_described(description, file_name, archive)?, now)
    }

    fn write(&self, text: &str, now: Timestamp) -> Result<String, SignError> {
        let draft = Draft::new(text);
        let hash = HashAlgorithm::Sha512;
        let signature = signature(self.secret, &self.password, hash, &draft.signed, now)?;
        Ok(draft.with_signature("SHA512", &signature))
    }
}

impl Keyring {
    /// Whether a name may mean several keys.
    ///
    /// # Errors
    /// [`SignError::Ambiguous`] where it does.
    pub fn check_name(&self, key: &str) -> Result<(), SignError> {
        self.entity(key).map(drop)
    }

    /// The key of a name: the one that has exactly it, or else the only one that contains it.
    fn entity(&self, id: &str) -> Result<Option<&Entity>, SignError> {
        let named = || {
            self.entities
                .iter()
                .flat_map(|entity| entity.identities.iter().map(move |identity| (&identity.name, entity)))
        };
        if let Some((_, entity)) = named().find(|(name, _)| *name == id) {
            return Ok(Some(entity));
        }
        let mut found = named().filter(|(name, _)| name.contains(id));
        let first = found.next();
        if found.next().is_some() {
            return Err(SignError::Ambiguous(id.to_owned()));
        }
        Ok(first.map(|(_, entity)| entity))
    }
}

fn unlock(
    entity: &Entity,
    secret: &SecretKey,
    passphrase: &mut dyn FnMut(&str) -> Result<Vec<u8>, PassphraseError>,
) -> Result<Password, SignError> {
    if !secret.secret_params().is_encrypted() {
        return Ok(Password::empty());
    }
    let name = entity.identities.iter().map(|identity| identity.name.as_str()).find(|name| !name.is_empty());
    let password = Password::from(passphrase(name.unwrap_or("Unknown"))?.as_slice());
    match secret.unlock(&password, |_, _| Ok(())) {
        Ok(Ok(())) => Ok(password),
        _ => Err(SignError::WrongPassphrase),
    }
}

/// The packet of a signature over canonical text.
fn signature(
    secret: &SecretKey,
    password: &Password,
    hash: HashAlgorithm,
    signed: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, SignError> {
    let key = |_: pgp::errors::Error| SignError::Key;
    let seconds = u32::try_from(now.as_second()).unwrap_or(u32::MAX);
    let made = SubpacketData::SignatureCreationTime(pgp::types::Timestamp::from_secs(seconds));
    let mut subpackets = vec![Subpacket::critical(made).map_err(key)?];
    let mut config = match secret.version() {
        KeyVersion::V6 => {
            let mut salt = vec![0; hash.salt_len().unwrap_or(32)];
            getrandom::fill(&mut salt).map_err(SignError::Random)?;
            SignatureConfig::v6_with_salt(SignatureType::Text, secret.algorithm(), hash, salt)
        }
        _ => {
            // Go's library finds a version 4 key by its id alone.
            let issuer = SubpacketData::IssuerKeyId(secret.legacy_key_id());
            subpackets.push(Subpacket::regular(issuer).map_err(key)?);
            SignatureConfig::v4(SignatureType::Text, secret.algorithm(), hash)
        }
    };
    subpackets.push(Subpacket::regular(SubpacketData::IssuerFingerprint(secret.fingerprint())).map_err(key)?);
    config.hashed_subpackets = subpackets;
    let signature = config.sign(secret, password, signed).map_err(key)?;
    let mut packet = Vec::new();
    pgp::packet::PacketTrait::to_writer_with_header(&signature, &mut packet).map_err(key)?;
    Ok(packet)
}
