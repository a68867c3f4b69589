//! Keyrings: public and secret keys with what their owners say of them, as Go's OpenPGP library understands them.
//!
//! A key's word counts only as far as the key itself has signed it: a name without a valid self-signature is left out, a key whose
//! self-signatures do not hold is left out whole.

use std::io::Read as _;
use std::path::Path;

use jiff::Timestamp;
use pgp::armor::Dearmor;
use pgp::packet::{
    Packet, PublicKey, PublicSubkey, RevocationCode, SecretKey, Signature, SignatureType, SubpacketData, UserId,
};
use pgp::types::{KeyDetails as _, KeyId, KeyVersion, Tag};
use thiserror::Error;

use super::packets::{self, PacketError};
use crate::files::{FileError, read_file};

/// Larger files are no keyring; the largest public ones have some ten megabytes.
const LARGEST_KEYRING: u64 = 256 << 20;

/// How armoured keys begin.
const PUBLIC_BLOCK: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const PRIVATE_BLOCK: &str = "-----BEGIN PGP PRIVATE KEY BLOCK-----";

/// Keys out of a file.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    pub(super) entities: Vec<Entity>,
}

/// Why a keyring cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It holds something else than packets.
    #[error(transparent)]
    Packets(#[from] PacketError),
    /// The armour around it is damaged. Nothing is told of what is in it: it may be a secret key.
    #[error("openpgp: invalid data: the armour around the keys is damaged")]
    Armour,
    /// It holds keys, but none that can be used.
    #[error("openpgp: invalid data: {0}")]
    NoUsableKey(&'static str),
}

/// A primary key with its names and subkeys.
#[derive(Debug, Clone)]
pub(super) struct Entity {
    pub(super) primary: PublicKey,
    pub(super) secret: Option<SecretKey>,
    pub(super) identities: Vec<Identity>,
    subkeys: Vec<Subkey>,
    revocations: Vec<Signature>,
    /// Signatures over the key itself, which stand for the names in keys of version 6.
    direct: Option<Signature>,
}

/// A name, e.g. `Jane (work) <jane@example.org>`.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) name: String,
    signature: Signature,
    revocations: Vec<Signature>,
}

#[derive(Debug, Clone)]
struct Subkey {
    key: PublicSubkey,
    binding: Signature,
    revocations: Vec<Signature>,
}

/// A key that may have made a signature.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'k> {
    pub(super) entity: &'k Entity,
    pub(super) key: CandidateKey<'k>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum CandidateKey<'k> {
    Primary,
    Subkey(&'k PublicSubkey, &'k Signature, &'k [Signature]),
}

/// Why a good signature of a known key does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyStateError {
    /// The key, its subkey or its name was revoked.
    #[error("openpgp: signature made by revoked key")]
    Revoked,
    /// The key or its subkey has expired, or is not yet valid.
    #[error("openpgp: key expired")]
    KeyExpired,
    /// The signature, or one that binds the key, has expired.
    #[error("openpgp: signature expired")]
    SignatureExpired,
    /// A signature holds a remark that must be understood and is not.
    #[error("openpgp: invalid signature: unknown critical notation")]
    UnknownNotation,
}

impl Keyring {
    /// Reads a keyring file: packets one after the other, as GnuPG's `pubring.gpg` and `gpg --export` have them, or armoured.
    ///
    /// Helm reads the first kind only; GnuPG's newer `pubring.kbx` is neither.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no key that can be used. An empty file is an empty keyring.
    pub fn read(path: &Path) -> Result<Keyring, KeyringError> {
        Keyring::from_bytes(&read_file(path, LARGEST_KEYRING)?)
    }

    /// Reads the contents of a keyring file; see [`Keyring::read`].
    ///
    /// # Errors
    /// When there is no key that can be used, although there are bytes.
    pub fn from_bytes(data: &[u8]) -> Result<Keyring, KeyringError> {
        let text = data.trim_ascii_start();
        let is_armoured = [PUBLIC_BLOCK, PRIVATE_BLOCK].iter().any(|begin| text.starts_with(begin.as_bytes()));
        if !is_armoured {
            return Keyring::from_packets(packets::read(data)?);
        }
        // Files of several armoured keys are made by joining them.
        let mut packets = Vec::new();
        let mut rest = text;
        while let Some(start) = find(rest, b"-----BEGIN PGP") {
            let end = find(&rest[start + 1..], b"-----BEGIN PGP").map_or(rest.len(), |next| start + 1 + next);
            let mut block = Vec::new();
            Dearmor::new(&rest[start..end])
                .take(LARGEST_KEYRING)
                .read_to_end(&mut block)
                .map_err(|_| KeyringError::Armour)?;
            packets.extend(packets::read(&block)?);
            rest = &rest[end..];
        }
        Keyring::from_packets(packets)
    }

    fn from_packets(packets: Vec<Packet>) -> Result<Keyring, KeyringError> {
        let mut entities = Vec::new();
        let mut problem = None;
        let mut packets = packets.into_iter().peekable();
        while let Some(first) = packets.next() {
            let mut draft = match first {
                Packet::PublicKey(key) => Draft::new(key, None),
                Packet::SecretKey(key) => Draft::new(key.public_key().clone(), Some(key)),
                _ => {
                    problem = Some("first packet was not a public/private key");
                    continue;
                }
            };
            while let Some(packet) =
                packets.next_if(|packet| !matches!(packet, Packet::PublicKey(_) | Packet::SecretKey(_)))
            {
                draft.add(packet);
            }
            match draft.finish() {
                Ok(entity) => entities.push(entity),
                Err(reason) => problem = Some(reason),
            }
        }
        match problem {
            Some(reason) if entities.is_empty() => Err(KeyringError::NoUsableKey(reason)),
            _ => Ok(Keyring { entities }),
        }
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// The keys with an id that are meant for signing.
    pub(super) fn signing_keys(&self, id: KeyId) -> Vec<Candidate<'_>> {
        let mut found = Vec::new();
        for entity in &self.entities {
            if entity.primary.legacy_key_id() == id && entity.self_signature().is_some_and(may_sign) {
                found.push(Candidate { entity, key: CandidateKey::Primary });
            }
            for subkey in &entity.subkeys {
                if subkey.key.legacy_key_id() == id && may_sign(&subkey.binding) {
                    let key = CandidateKey::Subkey(&subkey.key, &subkey.binding, &subkey.revocations);
                    found.push(Candidate { entity, key });
                }
            }
        }
        found
    }
}

fn find(data: &[u8], pattern: &[u8]) -> Option<usize> {
    data.windows(pattern.len()).position(|window| window == pattern)
}

/// Whether a key's flags, which must be there, say that it signs.
fn may_sign(signature: &Signature) -> bool {
    hashed(signature).any(|data| matches!(data, SubpacketData::KeyFlags(flags) if flags.sign()))
}

/// What a signature says under its own protection.
fn hashed(signature: &Signature) -> impl Iterator<Item = &SubpacketData> {
    signature.config().into_iter().flat_map(|config| config.hashed_subpackets()).map(|subpacket| &subpacket.data)
}

fn created(signature: &Signature) -> i64 {
    signature.created().map_or(0, |time| i64::from(time.as_secs()))
}

/// The signature's lifetime is over.
fn signature_expired(signature: &Signature, now: Timestamp) -> bool {
    let created = created(signature);
    if created > now.as_second() {
        return true;
    }
    match signature.signature_expiration_time().map(|lifetime| i64::from(lifetime.as_secs())) {
        None | Some(0) => false,
        Some(lifetime) => now.as_second() > created + lifetime,
    }
}

fn key_expired(created: i64, signature: &Signature, now: Timestamp) -> bool {
    if created > now.as_second() {
        return true;
    }
    match signature.key_expiration_time().map(|lifetime| i64::from(lifetime.as_secs())) {
        None | Some(0) => false,
        Some(lifetime) => now.as_second() > created + lifetime,
    }
}

fn revoked(revocations: &[Signature], now: Timestamp) -> bool {
    revocations.iter().any(|revocation| {
        // A compromised key was never good, whenever that was found out.
        revocation.revocation_reason_code() == Some(&RevocationCode::KeyCompromised)
            || !signature_expired(revocation, now)
    })
}

impl Entity {
    /// The name that stands for the key: not revoked, marked as primary, the newest.
    pub(super) fn primary_identity(&self) -> Option<&Identity> {
        let mut best: Option<&Identity> = None;
        for identity in &self.identities {
            let better = best.is_none_or(|best| {
                let order = best.revocations.len().cmp(&identity.revocations.len());
                let primary = identity.signature.is_primary().cmp(&best.signature.is_primary());
                let newer = created(&identity.signature).cmp(&created(&best.signature));
                order.then(primary).then(newer).is_gt()
            });
            if better {
                best = Some(identity);
            }
        }
        best
    }

    fn self_signature(&self) -> Option<&Signature> {
        match self.primary.version() {
            KeyVersion::V6 => self.direct.as_ref(),
            _ => self.primary_identity().map(|identity| &identity.signature),
        }
    }
}

impl Candidate<'_> {
    /// Whether a signature of this key, already found to be good, counts at a point in time.
    pub(super) fn check(&self, signature: &Signature, now: Timestamp) -> Result<(), KeyStateError> {
        let entity = self.entity;
        let own = entity.self_signature();
        let mut signatures = vec![signature];
        signatures.extend(own);
        if let CandidateKey::Subkey(_, binding, _) = self.key {
            signatures.push(binding);
            signatures.extend(binding.embedded_signature());
        }
        let critical = |signature: &Signature| {
            signature.config().is_some_and(|config| {
                config
                    .hashed_subpackets()
                    .any(|subpacket| subpacket.is_critical && matches!(subpacket.data, SubpacketData::Notation(_)))
            })
        };
        if signatures.iter().any(|signature| critical(signature)) {
            return Err(KeyStateError::UnknownNotation);
        }
        let name_revoked = entity.primary.version() != KeyVersion::V6
            && entity.primary_identity().is_some_and(|identity| revoked(&identity.revocations, now));
        let subkey_revoked = matches!(self.key, CandidateKey::Subkey(_, _, revocations) if revoked(revocations, now));
        if revoked(&entity.revocations, now) || subkey_revoked || name_revoked {
            return Err(KeyStateError::Revoked);
        }
        let made = |key: &dyn Fn() -> pgp::types::Timestamp| i64::from(key().as_secs());
        if own.is_some_and(|own| key_expired(made(&|| entity.primary.created_at()), own, now)) {
            return Err(KeyStateError::KeyExpired);
        }
        if let CandidateKey::Subkey(key, binding, _) = self.key
            && key_expired(made(&|| key.created_at()), binding, now)
        {
            return Err(KeyStateError::KeyExpired);
        }
        if signatures.iter().any(|signature| signature_expired(signature, now)) {
            return Err(KeyStateError::SignatureExpired);
        }
        Ok(())
    }
}

/// A key while its packets come in.
struct Draft {
    entity: Entity,
    last: Last,
    problem: Option<&'static str>,
}

/// What a signature that follows belongs to.
enum Last {
    Key,
    Name(UserId, Option<Signature>, Vec<Signature>),
    Subkey(Box<PublicSubkey>, Option<Signature>, Vec<Signature>),
}

impl Draft {
    fn new(primary: PublicKey, secret: Option<SecretKey>) -> Draft {
        let entity = Entity {
            primary,
            secret,
            identities: Vec::new(),
            subkeys: Vec::new(),
            revocations: Vec::new(),
            direct: None,
        };
        Draft { entity, last: Last::Key, problem: None }
    }

    fn add(&mut self, packet: Packet) {
        match packet {
            Packet::UserId(id) => {
                self.close();
                self.last = Last::Name(id, None, Vec::new());
            }
            Packet::PublicSubkey(key) => {
                self.close();
                self.last = Last::Subkey(Box::new(key), None, Vec::new());
            }
            Packet::SecretSubkey(key) => {
                self.close();
                self.last = Last::Subkey(Box::new(key.public_key().clone()), None, Vec::new());
            }
            Packet::Signature(signature) => {
                if let Err(reason) = self.add_signature(signature) {
                    self.problem.get_or_insert(reason);
                }
            }
            _ => {}
        }
    }

    fn add_signature(&mut self, signature: Signature) -> Result<(), &'static str> {
        let primary = &self.entity.primary;
        let kind = signature.typ();
        match &mut self.last {
            Last::Key => match kind {
                Some(SignatureType::KeyRevocation) => {
                    signature.verify_key(primary).map_err(|_| "revocation signature signed by alternate key")?;
                    self.entity.revocations.push(signature);
                }
                Some(SignatureType::Key)
                    if signature.verify_key(primary).is_ok() && is_newer(&signature, self.entity.direct.as_ref()) =>
                {
                    self.entity.direct = Some(signature);
                }
                _ => {}
            },
            Last::Name(id, own, revocations) => {
                if !signature.is_certification() && kind != Some(SignatureType::CertRevocation) {
                    return Err("user ID signature with wrong type");
                }
                if !is_issued_by(&signature, primary) {
                    return Ok(());
                }
                signature
                    .verify_certification(primary, Tag::UserId, id)
                    .map_err(|_| "user ID self-signature invalid")?;
                if kind == Some(SignatureType::CertRevocation) {
                    revocations.push(signature);
                } else if is_newer(&signature, own.as_ref()) {
                    *own = Some(signature);
                }
            }
            Last::Subkey(key, binding, revocations) => {
                let valid = signature.verify_subkey_binding(primary, &**key).is_ok();
                match kind {
                    Some(SignatureType::SubkeyRevocation) if valid => revocations.push(signature),
                    Some(SignatureType::SubkeyBinding) if valid => {
                        // A subkey that signs must itself agree to belong to the key.
                        let agrees = !may_sign(&signature)
                            || signature
                                .embedded_signature()
                                .is_some_and(|back| back.verify_primary_key_binding(&**key, primary).is_ok());
                        if !agrees {
                            return Err("subkey signature invalid: signing subkey is missing cross-signature");
                        }
                        if is_newer(&signature, binding.as_ref()) {
                            *binding = Some(signature);
                        }
                    }
                    Some(SignatureType::SubkeyRevocation | SignatureType::SubkeyBinding) => {
                        return Err("subkey signature invalid");
                    }
                    _ => return Err("subkey signature with wrong type"),
                }
            }
        }
        Ok(())
    }

    /// Ends the name or subkey that was being read.
    fn close(&mut self) {
        match std::mem::replace(&mut self.last, Last::Key) {
            Last::Key => {}
            Last::Name(id, Some(signature), revocations) => {
                let name = String::from_utf8_lossy(id.id()).into_owned();
                self.entity.identities.push(Identity { name, signature, revocations });
            }
            Last::Name(..) => {}
            Last::Subkey(key, Some(binding), revocations) => {
                self.entity.subkeys.push(Subkey { key: *key, binding, revocations });
            }
            Last::Subkey(..) => {
                self.problem.get_or_insert("subkey packet not followed by signature");
            }
        }
    }

    fn finish(mut self) -> Result<Entity, &'static str> {
        self.close();
        if let Some(reason) = self.problem {
            return Err(reason);
        }
        match self.entity.primary.version() {
            KeyVersion::V6 if self.entity.direct.is_none() => Err("v6 entity without a valid direct-key signature"),
            KeyVersion::V6 => Ok(self.entity),
            _ if self.entity.identities.is_empty() => Err("v4 entity without any identities"),
            _ => Ok(self.entity),
        }
    }
}

fn is_newer(signature: &Signature, than: Option<&Signature>) -> bool {
    than.is_none_or(|than| created(signature) > created(than))
}

/// Whether a signature names a key as the one that made it.
fn is_issued_by(signature: &Signature, key: &PublicKey) -> bool {
    let fingerprint = key.fingerprint();
    let id = key.legacy_key_id();
    signature.issuer_fingerprint().into_iter().any(|issuer| *issuer == fingerprint)
        || signature.issuer_key_id().into_iter().any(|issuer| *issuer == id)
}
