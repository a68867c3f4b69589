//! X.509 certificates, laid out as Go's `x509.CreateCertificate` lays out those that sprig asks for.

use std::net::IpAddr;

use bstr::ByteSlice as _;
use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

use super::der::{self, Malformed, Reader};
use super::keys::{PrivateKey, PublicKey};
use super::pem;
use crate::show;
use crate::time::{Time, Zone, format};

/// Encoded object identifiers.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const SUBJECT_ALTERNATE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// Why there is no certificate; the texts are Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CertificateError {
    #[error("unable to decode certificate")]
    NoPem,
    #[error("error parsing certificate: decodedCert.Bytes: x509: malformed certificate")]
    Malformed,
    #[error("asn1: string not valid UTF-8")]
    Name,
    #[error("x509: {0} cannot be encoded as an IA5String")]
    AlternateName(String),
    #[error("x509: provided PrivateKey doesn't match parent's PublicKey")]
    KeyMismatch,
    #[error("x509: certificate private key does not implement crypto.Signer")]
    NoSigner,
    #[error("x509: only RSA, ECDSA and Ed25519 keys supported")]
    UnsupportedKey,
    #[error("x509: serial number must be positive")]
    Serial,
    #[error("asn1: structure error: cannot represent time as GeneralizedTime")]
    Time,
}

impl From<Malformed> for CertificateError {
    fn from(_: Malformed) -> Self {
        CertificateError::Malformed
    }
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Signing others.
    Authority,
    /// Servers and clients.
    Peer,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) common_name: Vec<u8>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) names: Vec<Vec<u8>>,
    /// Unix seconds.
    pub(super) not_before: i64,
    /// Unix seconds.
    pub(super) not_after: i64,
    pub(super) serial: [u8; 16],
    pub(super) purpose: Purpose,
}

/// What of an authority's certificate goes into those it signs.
#[derive(Debug, Clone)]
pub(super) struct Parent {
    /// As it is encoded.
    subject: Vec<u8>,
    key_id: Option<Vec<u8>>,
    /// As it is encoded.
    public_key: Vec<u8>,
}

impl Parent {
    /// Reads the first certificate of a text.
    pub(super) fn parse(text: &[u8]) -> Result<Parent, CertificateError> {
        let (_, data) = pem::decode(text).ok_or(CertificateError::NoPem)?;
        let mut certificate = Reader::new(&data).sequence()?;
        let mut reader = certificate.sequence()?;
        certificate.sequence()?;
        certificate.bits()?;
        reader.optional(der::explicit(0));
        reader.expect(der::INTEGER)?;
        for _ in 0..3 {
            // Algorithm, issuer and validity.
            reader.expect(der::SEQUENCE)?;
        }
        let subject = reader.expect(der::SEQUENCE)?.whole.to_vec();
        let public_key = reader.expect(der::SEQUENCE)?.whole.to_vec();
        reader.optional(der::implicit(1));
        reader.optional(der::implicit(2));
        let mut key_id = None;
        if let Some(extensions) = reader.optional(der::explicit(3)) {
            let mut extensions = Reader::new(extensions.content).sequence()?;
            while !extensions.is_at_end() {
                let mut extension = extensions.sequence()?;
                let identifier = extension.expect(der::OBJECT_IDENTIFIER)?.content;
                extension.optional(der::BOOLEAN);
                let value = extension.expect(der::OCTET_STRING)?.content;
                if identifier == SUBJECT_KEY_ID {
                    key_id = Some(Reader::new(value).expect(der::OCTET_STRING)?.content.to_vec());
                }
            }
        }
        Ok(Parent { subject, key_id, public_key })
    }
}

fn public_key_info(key: &PublicKey) -> Vec<u8> {
    der::sequence(&[key.algorithm.clone(), der::bits(&key.bytes)])
}

fn name(common_name: &[u8]) -> Result<Vec<u8>, CertificateError> {
    if common_name.is_empty() {
        return Ok(der::sequence(&[]));
    }
    let text = common_name.to_str().map_err(|_| CertificateError::Name)?;
    let printable = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte));
    let tag = if printable { der::PRINTABLE_STRING } else { der::UTF8_STRING };
    let attribute = der::sequence(&[der::identifier(COMMON_NAME), der::value(tag, common_name)]);
    Ok(der::sequence(&[der::value(der::SET, &attribute)]))
}

/// Two digits of a year where they suffice, else four.
fn moment(seconds: i64) -> Result<Vec<u8>, CertificateError> {
    let time = Time::unix(seconds, Zone::Utc);
    match time.civil().year {
        1950..=2049 => Ok(der::value(der::UTC_TIME, &format(&time, b"060102150405Z"))),
        0..=9999 => Ok(der::value(der::GENERALIZED_TIME, &format(&time, b"20060102150405Z"))),
        _ => Err(CertificateError::Time),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Critical {
    Yes,
    No,
}

fn extension(identifier: &[u8], critical: Critical, content: &[u8]) -> Vec<u8> {
    let mut parts = vec![der::identifier(identifier)];
    if critical == Critical::Yes {
        parts.push(der::value(der::BOOLEAN, &[0xff]));
    }
    parts.push(der::value(der::OCTET_STRING, content));
    der::sequence(&parts)
}

fn alternate_names(request: &Request) -> Result<Vec<Vec<u8>>, CertificateError> {
    let mut names = Vec::new();
    for name in &request.names {
        if !name.is_ascii() {
            return Err(CertificateError::AlternateName(show::quoted(&name.as_slice().into())));
        }
        names.push(der::value(der::implicit(2), name));
    }
    for address in &request.addresses {
        names.push(match address.to_canonical() {
            IpAddr::V4(address) => der::value(der::implicit(7), &address.octets()),
            IpAddr::V6(address) => der::value(der::implicit(7), &address.octets()),
        });
    }
    Ok(names)
}

fn extensions(
    request: &Request,
    key: &PublicKey,
    has_subject: bool,
    authority_key_id: Option<&[u8]>,
) -> Result<Vec<u8>, CertificateError> {
    let authority = request.purpose == Purpose::Authority;
    // Digital signature and key encipherment, and for authorities the signing of certificates.
    let usage: &[u8] = if authority { &[2, 0b1010_0100] } else { &[5, 0b1010_0000] };
    let constraints = if authority { vec![der::value(der::BOOLEAN, &[0xff])] } else { Vec::new() };
    let mut list = vec![
        extension(KEY_USAGE, Critical::Yes, &der::value(der::BIT_STRING, usage)),
        extension(
            EXTENDED_KEY_USAGE,
            Critical::No,
            &der::sequence(&[der::identifier(SERVER_AUTH), der::identifier(CLIENT_AUTH)]),
        ),
        extension(BASIC_CONSTRAINTS, Critical::Yes, &der::sequence(&constraints)),
    ];
    if authority {
        // The first 160 bits of SHA-256, as RFC 7093 and Go from 1.25 on have it.
        let digest = Sha256::digest(&key.bytes);
        list.push(extension(SUBJECT_KEY_ID, Critical::No, &der::value(der::OCTET_STRING, &digest[..20])));
    }
    if let Some(key_id) = authority_key_id {
        let content = der::sequence(&[der::value(der::implicit(0), key_id)]);
        list.push(extension(AUTHORITY_KEY_ID, Critical::No, &content));
    }
    let names = alternate_names(request)?;
    if !names.is_empty() {
        let critical = if has_subject { Critical::No } else { Critical::Yes };
        list.push(extension(SUBJECT_ALTERNATE_NAME, critical, &der::sequence(&names)));
    }
    Ok(der::sequence(&list))
}

/// A certificate for `key`, signed by the same key.
///
/// # Errors
/// [`CertificateError`].
pub(super) fn self_sign(request: &Request, key: &PrivateKey) -> Result<String, CertificateError> {
    let public = key.public().ok_or(CertificateError::NoSigner)?;
    let parent = Parent { subject: name(&request.common_name)?, key_id: None, public_key: public_key_info(&public) };
    sign(request, key, &parent, key)
}

/// A certificate for `key`, signed by an authority's.
///
/// # Errors
/// [`CertificateError`].
pub(super) fn sign(
    request: &Request,
    key: &PrivateKey,
    parent: &Parent,
    signer: &PrivateKey,
) -> Result<String, CertificateError> {
    let signer_public = signer.public().ok_or(CertificateError::NoSigner)?;
    let public = key.public().ok_or(CertificateError::UnsupportedKey)?;
    let serial = BigUint::from_bytes_be(&request.serial);
    if serial == BigUint::ZERO {
        return Err(CertificateError::Serial);
    }
    let subject = name(&request.common_name)?;
    let authority_key_id = parent.key_id.as_deref().filter(|_| parent.subject != subject);
    let has_subject = !request.common_name.is_empty();
    let algorithm = signer.signature_algorithm();
    let body = der::sequence(&[
        der::value(der::explicit(0), &der::small(2)),
        der::integer(&serial),
        algorithm.clone(),
        parent.subject.clone(),
        der::sequence(&[moment(request.not_before)?, moment(request.not_after)?]),
        subject,
        public_key_info(&public),
        der::value(der::explicit(3), &extensions(request, &public, has_subject, authority_key_id)?),
    ]);
    if public_key_info(&signer_public) != parent.public_key {
        return Err(CertificateError::KeyMismatch);
    }
    let signature = signer.sign(&body).ok_or(CertificateError::NoSigner)?;
    Ok(pem::encode("CERTIFICATE", &der::sequence(&[body, algorithm, der::bits(&signature)])))
}
