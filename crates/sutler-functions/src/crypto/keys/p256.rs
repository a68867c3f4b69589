//! The elliptic curve P-256 and ECDSA over it, by plain modular arithmetic (see the note on time in `rsa`).

use std::sync::LazyLock;

use hmac::{Hmac, KeyInit as _, Mac as _};
use num_bigint::BigUint;
use sha2::Sha256;

fn number(hexadecimal: &str) -> BigUint {
    BigUint::parse_bytes(hexadecimal.as_bytes(), 16).expect("the curve's constants are hexadecimal")
}

static PRIME: LazyLock<BigUint> =
    LazyLock::new(|| number("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"));
static ORDER: LazyLock<BigUint> =
    LazyLock::new(|| number("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"));
static BASE: LazyLock<(BigUint, BigUint)> = LazyLock::new(|| {
    (
        number("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
        number("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
    )
});

/// How many points the curve has.
pub(super) fn order() -> BigUint {
    ORDER.clone()
}

/// A point; `None` is the one at infinity.
type Point = Option<(BigUint, BigUint)>;

fn subtract(left: &BigUint, right: &BigUint) -> BigUint {
    (left + &*PRIME - right) % &*PRIME
}

fn add(left: &Point, right: &Point) -> Point {
    let (Some((x1, y1)), Some((x2, y2))) = (left, right) else {
        return left.clone().or_else(|| right.clone());
    };
    let (rise, run) = if x1 == x2 {
        if y1 != y2 {
            return None;
        }
        // The slope of the tangent; the curve's `a` is -3.
        (subtract(&(x1 * x1 * 3_u8 % &*PRIME), &BigUint::from(3_u8)), y1 * 2_u8)
    } else {
        (subtract(y2, y1), subtract(x2, x1))
    };
    let slope = rise * run.modinv(&PRIME)? % &*PRIME;
    let x = subtract(&subtract(&(&slope * &slope % &*PRIME), x1), x2);
    let y = subtract(&(slope * subtract(x1, &x) % &*PRIME), y1);
    Some((x, y))
}

fn multiply_base(scalar: &BigUint) -> Point {
    let base = Some(BASE.clone());
    (0..scalar.bits()).rev().fold(None, |point, bit| {
        let doubled = add(&point, &point);
        if scalar.bit(bit) { add(&doubled, &base) } else { doubled }
    })
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
