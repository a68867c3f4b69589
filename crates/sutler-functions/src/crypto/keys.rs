//! Private keys of every kind that sprig makes, and their texts.

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256, Sha512};

use super::der::{self, Malformed, Reader};
use super::pem;
use super::rsa::{self, RsaKey};
use crate::host::Host;

mod edwards;
mod p256;

/// Encoded object identifiers.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// Why a text is no private key; the texts are sprig's, but for the details that Go's parsers would give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyError {
    #[error("no PEM data in input")]
    NoPem,
    #[error("no private key data in PEM block of type {0}")]
    NotPrivate(String),
    #[error("decoding PEM as PKCS#8: {0}")]
    Pkcs8(Malformed),
    #[error("parsing {kind} private key from PEM: {source}")]
    Parse { kind: String, source: Malformed },
    #[error("invalid private key type {0}")]
    UnknownKind(String),
}

/// Numbers of a DSA key.
#[derive(Debug, Clone)]
pub(super) struct DsaKey {
    p: BigUint,
    q: BigUint,
    g: BigUint,
    y: BigUint,
    x: BigUint,
}

/// A private key.
#[derive(Debug, Clone)]
pub(super) enum PrivateKey {
    Rsa(RsaKey),
    /// On the curve P-256.
    Ecdsa(BigUint),
    /// The seed.
    Ed25519([u8; 32]),
    Dsa(DsaKey),
}

/// A public key as certificates have it: the algorithm, and the key's own bytes.
pub(super) struct PublicKey {
    pub(super) algorithm: Vec<u8>,
    pub(super) bytes: Vec<u8>,
}

fn random(host: &dyn Host) -> [u8; 32] {
    let mut bytes = [0; 32];
    host.random(&mut bytes);
    bytes
}

impl PrivateKey {
    pub(super) fn generate_rsa(host: &dyn Host, bits: usize) -> PrivateKey {
        PrivateKey::Rsa(RsaKey::generate(host, bits))
    }

    pub(super) fn generate_ecdsa(host: &dyn Host) -> PrivateKey {
        PrivateKey::Ecdsa(rsa::below(host, &(p256::order() - 1_u8)) + 1_u8)
    }

    pub(super) fn generate_ed25519(host: &dyn Host) -> PrivateKey {
        PrivateKey::Ed25519(random(host))
    }

    /// With a modulus of 2048 bits and a subgroup of 256.
    pub(super) fn generate_dsa(host: &dyn Host) -> PrivateKey {
        let small = rsa::sieve();
        let one = BigUint::from(1_u8);
        let q = loop {
            let mut bytes = random(host);
            bytes[0] |= 0x80;
            bytes[31] |= 1;
            let candidate = BigUint::from_bytes_be(&bytes);
            if rsa::is_prime(host, &candidate, small) {
                break candidate;
            }
        };
        let p = loop {
            let mut bytes = [0; 256];
            host.random(&mut bytes);
            bytes[0] |= 0x80;
            let start = BigUint::from_bytes_be(&bytes);
            let candidate = &start - &start % (&q * 2_u8) + &one;
            if candidate.bits() == 2048 && rsa::is_prime(host, &candidate, small) {
                break candidate;
            }
        };
        let exponent = (&p - &one) / &q;
        let g = (2_u32..)
            .map(|base| rsa::power(&BigUint::from(base), &exponent, &p))
            .find(|power| *power != one)
            .expect("nearly every base generates the subgroup");
        let x = rsa::below(host, &(&q - &one)) + &one;
        let y = rsa::power(&g, &x, &p);
        PrivateKey::Dsa(DsaKey { p, q, g, y, x })
    }

    /// The key as text: `RSA PRIVATE KEY`, `EC PRIVATE KEY`, `DSA PRIVATE KEY`, or `PRIVATE KEY` for Ed25519.
    pub(super) fn to_pem(&self) -> String {
        match self {
            PrivateKey::Rsa(key) => pem::encode("RSA PRIVATE KEY", &key.to_der()),
            PrivateKey::Ecdsa(secret) => {
                let public = der::bits(&p256::public(secret));
                let key = der::sequence(&[
                    der::small(1),
                    der::value(der::OCTET_STRING, &p256::fixed(secret)),
                    der::value(der::explicit(0), &der::identifier(P256)),
                    der::value(der::explicit(1), &public),
                ]);
                pem::encode("EC PRIVATE KEY", &key)
            }
            PrivateKey::Ed25519(seed) => {
                let key = der::sequence(&[
                    der::small(0),
                    der::sequence(&[der::identifier(ED25519)]),
                    der::value(der::OCTET_STRING, &der::value(der::OCTET_STRING, seed)),
                ]);
                pem::encode("PRIVATE KEY", &key)
            }
            PrivateKey::Dsa(DsaKey { p, q, g, y, x }) => {
                let numbers = [p, q, g, y, x].map(der::integer);
                pem::encode("DSA PRIVATE KEY", &der::sequence(&[&[der::small(0)], &numbers[..]].concat()))
            }
        }
    }

    /// Reads a key in one of these forms, or as PKCS #8. Of elliptic curves only P-256 is known.
    pub(super) fn parse(text: &[u8]) -> Result<PrivateKey, KeyError> {
        let (label, data) = pem::decode(text).ok_or(KeyError::NoPem)?;
        if label == "PRIVATE KEY" {
            return parse_pkcs8(&data).map_err(KeyError::Pkcs8);
        }
        let Some(kind) = label.strip_suffix(" PRIVATE KEY") else {
            return Err(KeyError::NotPrivate(label));
        };
        let parsed = match kind {
            "RSA" => RsaKey::parse(&data).map(PrivateKey::Rsa),
            "EC" => parse_ec(&data),
            "DSA" => parse_dsa(&data),
            kind => return Err(KeyError::UnknownKind(kind.to_string())),
        };
        parsed.map_err(|source| KeyError::Parse { kind: kind.to_string(), source })
    }

    /// The public key; `None` for DSA, which certificates here cannot have.
    pub(super) fn public(&self) -> Option<PublicKey> {
        Some(match self {
            PrivateKey::Rsa(key) => {
                PublicKey { algorithm: der::sequence(&[der::identifier(RSA), der::null()]), bytes: key.public() }
            }
            PrivateKey::Ecdsa(secret) => PublicKey {
                algorithm: der::sequence(&[der::identifier(EC_PUBLIC_KEY), der::identifier(P256)]),
                bytes: p256::public(secret),
            },
            PrivateKey::Ed25519(seed) => PublicKey {
                algorithm: der::sequence(&[der::identifier(ED25519)]),
                bytes: edwards::public(&secret(seed).0),
            },
            PrivateKey::Dsa(_) => return None,
        })
    }

    /// The algorithm of this key's signatures, as certificates name it.
    pub(super) fn signature_algorithm(&self) -> Vec<u8> {
        match self {
            PrivateKey::Rsa(_) => der::sequence(&[der::identifier(SHA256_WITH_RSA), der::null()]),
            PrivateKey::Ecdsa(_) => der::sequence(&[der::identifier(ECDSA_WITH_SHA256)]),
            PrivateKey::Ed25519(_) | PrivateKey::Dsa(_) => der::sequence(&[der::identifier(ED25519)]),
        }
    }

    /// Signs a message; `None` for DSA. Nothing is random: the number that ECDSA needs is drawn from key and message.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            PrivateKey::Rsa(key) => Some(key.sign(message)),
            PrivateKey::Ecdsa(secret) => {
                let digest: [u8; 32] = Sha256::digest(message).into();
                let (r, s) = p256::sign(secret, &digest);
                Some(der::sequence(&[der::integer(&r), der::integer(&s)]))
            }
            PrivateKey::Ed25519(seed) => {
                let (scalar, prefix) = secret(seed);
                Some(edwards::sign(&scalar, &prefix, message))
            }
            PrivateKey::Dsa(_) => None,
        }
    }
}

/// The scalar and the prefix that follow from a seed.
fn secret(seed: &[u8; 32]) -> (BigUint, [u8; 32]) {
    let hash: [u8; 64] = Sha512::digest(seed).into();
    let mut scalar = [0; 32];
    let mut prefix = [0; 32];
    scalar.copy_from_slice(&hash[..32]);
    prefix.copy_from_slice(&hash[32..]);
    scalar[0] &= 0xf8;
    scalar[31] = scalar[31] & 0x7f | 0x40;
    (BigUint::from_bytes_le(&scalar), prefix)
}

fn parse_ec(data: &[u8]) -> Result<PrivateKey, Malformed> {
    let mut reader = Reader::new(data).sequence()?;
    reader.integer()?;
    let secret = BigUint::from_bytes_be(reader.expect(der::OCTET_STRING)?.content);
    if let Some(parameters) = reader.optional(der::explicit(0))
        && Reader::new(parameters.content).expect(der::OBJECT_IDENTIFIER)?.content != P256
    {
        return Err(Malformed);
    }
    if secret == BigUint::ZERO || secret >= p256::order() { Err(Malformed) } else { Ok(PrivateKey::Ecdsa(secret)) }
}

fn parse_dsa(data: &[u8]) -> Result<PrivateKey, Malformed> {
    let mut reader = Reader::new(data).sequence()?;
    reader.integer()?;
    let mut number = || reader.integer();
    Ok(PrivateKey::Dsa(DsaKey { p: number()?, q: number()?, g: number()?, y: number()?, x: number()? }))
}

fn parse_pkcs8(data: &[u8]) -> Result<PrivateKey, Malformed> {
    let mut reader = Reader::new(data).sequence()?;
    reader.integer()?;
    let mut algorithm = reader.sequence()?;
    let identifier = algorithm.expect(der::OBJECT_IDENTIFIER)?.content;
    let key = reader.expect(der::OCTET_STRING)?.content;
    match identifier {
        RSA => RsaKey::parse(key).map(PrivateKey::Rsa),
        EC_PUBLIC_KEY => {
            if algorithm.expect(der::OBJECT_IDENTIFIER)?.content != P256 {
                return Err(Malformed);
            }
            parse_ec(key)
        }
        ED25519 => {
            let seed = Reader::new(key).expect(der::OCTET_STRING)?.content;
            seed.try_into().map(PrivateKey::Ed25519).map_err(|_| Malformed)
        }
        _ => Err(Malformed),
    }
}
