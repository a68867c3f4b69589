//! ECDSA over the elliptic curve P-256, on the arithmetic of the crate `p256`.

use std::sync::LazyLock;

use hmac::{Hmac, KeyInit as _, Mac as _};
use num_bigint::BigUint;
use p256::elliptic_curve::PrimeField as _;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::{FieldBytes, ProjectivePoint, Scalar};
use sha2::Sha256;

static ORDER: LazyLock<BigUint> = LazyLock::new(|| {
    let hexadecimal = b"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    BigUint::parse_bytes(hexadecimal, 16).expect("the order is written in hexadecimal")
});

/// How many points the curve has.
pub(super) fn order() -> BigUint {
    ORDER.clone()
}

/// The coordinates of a multiple of the base point; `None` for that at infinity.
fn multiply_base(scalar: &BigUint) -> Option<(BigUint, BigUint)> {
    let bytes = FieldBytes::clone_from_slice(&fixed(&(scalar % &*ORDER)));
    let scalar = Option::<Scalar>::from(Scalar::from_repr(bytes))?;
    let point = (ProjectivePoint::GENERATOR * scalar).to_affine().to_encoded_point(false);
    Some((BigUint::from_bytes_be(point.x()?), BigUint::from_bytes_be(point.y()?)))
}

/// A number in 32 bytes.
pub(super) fn fixed(number: &BigUint) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [vec![0; 32_usize.saturating_sub(bytes.len())], bytes].concat()
}

/// The public key of a secret, uncompressed.
pub(super) fn public(secret: &BigUint) -> Vec<u8> {
    let (x, y) = multiply_base(secret).expect("a secret below the order is not a multiple of it");
    [vec![4], fixed(&x), fixed(&y)].concat()
}

/// Signs a digest with the number that RFC 6979 derives from secret and digest.
pub(super) fn sign(secret: &BigUint, digest: &[u8; 32]) -> (BigUint, BigUint) {
    let message = BigUint::from_bytes_be(digest);
    let mac = |key: &[u8], parts: &[&[u8]]| -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    };
    let reduced = fixed(&(&message % &*ORDER));
    let secret_bytes = fixed(secret);
    let mut value = vec![1; 32];
    let mut key = vec![0; 32];
    for separator in [0, 1] {
        key = mac(&key, &[&value, &[separator], &secret_bytes, &reduced]);
        value = mac(&key, &[&value]);
    }
    loop {
        value = mac(&key, &[&value]);
        let nonce = BigUint::from_bytes_be(&value);
        if nonce != BigUint::ZERO
            && nonce < *ORDER
            && let Some((x, _)) = multiply_base(&nonce)
            && let Some(inverse) = nonce.modinv(&ORDER)
        {
            let r = x % &*ORDER;
            let s = inverse * (&message + &r * secret) % &*ORDER;
            if r != BigUint::ZERO && s != BigUint::ZERO {
                return (r, s);
            }
        }
        key = mac(&key, &[&value, &[0]]);
        value = mac(&key, &[&value]);
    }
}
