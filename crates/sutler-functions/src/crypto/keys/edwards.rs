//! The curve of Ed25519 and signatures over it (RFC 8032), by plain modular arithmetic (see the note on time in `rsa`).

use std::sync::LazyLock;

use num_bigint::BigUint;
use sha2::{Digest as _, Sha512};

fn number(decimal: &str) -> BigUint {
    decimal.parse().expect("the curve's constants are decimal")
}

static PRIME: LazyLock<BigUint> = LazyLock::new(|| (BigUint::from(1_u8) << 255) - 19_u8);
static ORDER: LazyLock<BigUint> =
    LazyLock::new(|| (BigUint::from(1_u8) << 252) + number("27742317777372353535851937790883648493"));
/// The curve's `d`: -121665/121666.
static COEFFICIENT: LazyLock<BigUint> =
    LazyLock::new(|| number("37095705934669439343138083508754565189542113879843219016388785533085940283555"));
static BASE: LazyLock<Point> = LazyLock::new(|| {
    Point::affine(
        number("15112221349535400772501151409588531511454012693041857206046113283949847762202"),
        number("46316835694926478169428394003475163141307993866256225615783033603165251855960"),
    )
});

/// A point in extended coordinates: `x = X/Z`, `y = Y/Z`, `T = XY/Z`.
#[derive(Clone)]
struct Point {
    x: BigUint,
    y: BigUint,
    z: BigUint,
    t: BigUint,
}

fn subtract(left: &BigUint, right: &BigUint) -> BigUint {
    (left + &*PRIME - right % &*PRIME) % &*PRIME
}

impl Point {
    fn affine(x: BigUint, y: BigUint) -> Point {
        let t = &x * &y % &*PRIME;
        Point { x, y, z: BigUint::from(1_u8), t }
    }

    /// The sum, by formulas that hold for all points.
    fn add(&self, other: &Point) -> Point {
        let prime = &*PRIME;
        let a = subtract(&self.y, &self.x) * subtract(&other.y, &other.x) % prime;
        let b = (&self.y + &self.x) * (&other.y + &other.x) % prime;
        let c = &self.t * 2_u8 * &*COEFFICIENT % prime * &other.t % prime;
        let d = &self.z * 2_u8 * &other.z % prime;
        let (e, f, g, h) = (subtract(&b, &a), subtract(&d, &c), &d + &c, &b + &a);
        Point { x: &e * &f % prime, y: &g * &h % prime, z: f * g % prime, t: e * h % prime }
    }

    fn encoded(&self) -> [u8; 32] {
        let inverse = self.z.modinv(&PRIME).expect("Z is not 0 modulo a prime");
        let x = &self.x * &inverse % &*PRIME;
        let mut out = little_endian(&(&self.y * inverse % &*PRIME));
        if x.bit(0) {
            out[31] |= 0x80;
        }
        out
    }
}

fn little_endian(number: &BigUint) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(number.to_bytes_le()) {
        *to = from;
    }
    out
}

fn multiply_base(scalar: &BigUint) -> Point {
    let neutral = Point::affine(BigUint::ZERO, BigUint::from(1_u8));
    (0..scalar.bits()).rev().fold(neutral, |point, bit| {
        let doubled = point.add(&point);
        if scalar.bit(bit) { doubled.add(&BASE) } else { doubled }
    })
}

/// The public key of a scalar.
pub(super) fn public(scalar: &BigUint) -> Vec<u8> {
    multiply_base(scalar).encoded().to_vec()
}

fn hash(parts: &[&[u8]]) -> BigUint {
    let mut hash = Sha512::new();
    parts.iter().for_each(|part| hash.update(part));
    BigUint::from_bytes_le(&hash.finalize()) % &*ORDER
}

/// Signs a message.
pub(super) fn sign(scalar: &BigUint, prefix: &[u8; 32], message: &[u8]) -> Vec<u8> {
    let nonce = hash(&[prefix, message]);
    let point = multiply_base(&nonce).encoded();
    let challenge = hash(&[&point, &public(scalar), message]);
    let answer = (nonce + challenge * scalar) % &*ORDER;
    [point, little_endian(&answer)].concat()
}
