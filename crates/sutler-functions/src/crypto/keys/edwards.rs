//! Signatures by Ed25519 (RFC 8032), on the arithmetic of the crate `curve25519-dalek`.

use std::sync::LazyLock;

use curve25519_dalek::{EdwardsPoint, Scalar};
use num_bigint::BigUint;
use sha2::{Digest as _, Sha512};

fn number(decimal: &str) -> BigUint {
    decimal.parse().expect("the curve's constants are decimal")
}

static ORDER: LazyLock<BigUint> =
    LazyLock::new(|| (BigUint::from(1_u8) << 252) + number("27742317777372353535851937790883648493"));
fn little_endian(number: &BigUint) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(number.to_bytes_le()) {
        *to = from;
    }
    out
}

/// A multiple of the base point, encoded.
fn multiply_base(scalar: &BigUint) -> [u8; 32] {
    let scalar = Scalar::from_bytes_mod_order(little_endian(&(scalar % &*ORDER)));
    EdwardsPoint::mul_base(&scalar).compress().to_bytes()
}

/// The public key of a scalar.
pub(super) fn public(scalar: &BigUint) -> Vec<u8> {
    multiply_base(scalar).to_vec()
}

fn hash(parts: &[&[u8]]) -> BigUint {
    let mut hash = Sha512::new();
    parts.iter().for_each(|part| hash.update(part));
    BigUint::from_bytes_le(&hash.finalize()) % &*ORDER
}

/// Signs a message.
pub(super) fn sign(scalar: &BigUint, prefix: &[u8; 32], message: &[u8]) -> Vec<u8> {
    let nonce = hash(&[prefix, message]);
    let point = multiply_base(&nonce);
    let challenge = hash(&[&point, &public(scalar), message]);
    let answer = (nonce + challenge * scalar) % &*ORDER;
    [point, little_endian(&answer)].concat()
}
