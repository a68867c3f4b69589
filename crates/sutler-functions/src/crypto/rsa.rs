//! RSA: making keys, and signing with PKCS #1 v1.5 over SHA-256.
//!
//! Arithmetic is not in constant time: keys are made and used for one rendering, on the machine of whoever renders.

use std::sync::LazyLock;

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

use super::der::{self, Malformed, Reader};
use super::montgomery::Modulus;
use crate::host::Host;

/// Rounds of Miller and Rabin's test with random bases, after one with base 2. For random candidates of 1024 bits and more
/// five leave an error below 2^-100 (FIPS 186-5, table B.1); small ones get more.
const ROUNDS: usize = 5;
const ROUNDS_OF_SMALL: usize = 12;
const EXPONENT: u32 = 65_537;
/// Candidates are sorted out by the primes below this.
const SIEVED: u32 = 1 << 16;

/// A private key.
#[derive(Debug, Clone)]
pub(super) struct RsaKey {
    n: BigUint,
    e: BigUint,
    d: BigUint,
    p: BigUint,
    q: BigUint,
}

/// `base^exponent` modulo a number, which a key that was read may have chosen even.
pub(super) fn power(base: &BigUint, exponent: &BigUint, modulus: &BigUint) -> BigUint {
    match Modulus::new(modulus) {
        Some(modulus) => modulus.power(base, exponent),
        None => base.modpow(exponent, modulus),
    }
}

/// A random number below `bound`, which is not 0.
pub(super) fn below(host: &dyn Host, bound: &BigUint) -> BigUint {
    let mut bytes = vec![0; usize::try_from(bound.bits().div_ceil(8)).expect("numbers fit the memory")];
    let spare = u32::try_from(bytes.len() as u64 * 8 - bound.bits()).expect("less than a byte is spare");
    loop {
        host.random(&mut bytes);
        bytes[0] &= 0xff >> spare;
        let number = BigUint::from_bytes_be(&bytes);
        if number < *bound {
            return number;
        }
    }
}

/// Whether a number without small factors is prime, by Miller and Rabin's test.
fn is_probable_prime(host: &dyn Host, number: &BigUint) -> bool {
    let Some(modulus) = Modulus::new(number) else { return false };
    let one = BigUint::from(1_u8);
    let last = number - &one;
    let twos = last.trailing_zeros().unwrap_or(0);
    let odd = &last >> twos;
    let passes = |mut power: BigUint| {
        if power == one || power == last {
            return true;
        }
        (1..twos).any(|_| {
            power = &power * &power % number;
            power == last
        })
    };
    // Nearly every number that is not prime fails here, where powers cost least.
    if !passes(modulus.power_of_two(&odd)) {
        return false;
    }
    let range = number - 3_u8;
    let rounds = if number.bits() >= 1024 { ROUNDS } else { ROUNDS_OF_SMALL };
    (0..rounds).all(|_| passes(modulus.power(&(below(host, &range) + 2_u8), &odd)))
}

/// Whether a number is prime; `small` are the primes that it is divided by first.
pub(super) fn is_prime(host: &dyn Host, number: &BigUint, small: &[u32]) -> bool {
    match small.iter().find(|prime| (number % **prime).bits() == 0) {
        Some(prime) => *number == BigUint::from(*prime),
        None => is_probable_prime(host, number),
    }
}

/// A random prime of that many bits (a multiple of 8), the two highest of which are set.
fn prime(host: &dyn Host, bits: usize, small: &[u32]) -> BigUint {
    let mut bytes = vec![0; bits / 8];
    loop {
        host.random(&mut bytes);
        bytes[0] |= 0xc0;
        if let Some(last) = bytes.last_mut() {
            *last |= 1;
        }
        // A search from a random start asks the source for little; after a while it starts anew.
        let start = BigUint::from_bytes_be(&bytes);
        for offset in without_small_factors(&start, small, bits) {
            let candidate = &start + 2 * offset;
            if candidate.bits() as usize > bits {
                break;
            }
            if is_probable_prime(host, &candidate) {
                return candidate;
            }
        }
    }
}

/// Which of the odd numbers `start + 2 * offset`, for so many offsets, no small prime divides. The start is larger than all
/// of them.
fn without_small_factors(start: &BigUint, small: &[u32], count: usize) -> Vec<usize> {
    let mut divided = vec![false; count];
    for prime in small {
        let rest = (start % *prime).iter_u32_digits().next().unwrap_or(0);
        // The first offset with `rest + 2 * offset` a multiple of the prime, which is odd.
        let missing = (prime - rest) % prime;
        let first = if missing.is_multiple_of(2) { missing / 2 } else { (missing + prime) / 2 };
        divided.iter_mut().skip(first as usize).step_by(*prime as usize).for_each(|place| *place = true);
    }
    divided.iter().enumerate().filter(|(_, divided)| !**divided).map(|(offset, _)| offset).collect()
}

/// The odd primes that sort out most candidates quickly.
pub(super) fn sieve() -> &'static [u32] {
    static PRIMES: LazyLock<Vec<u32>> = LazyLock::new(|| {
        let mut composite = vec![false; SIEVED as usize];
        let mut primes = Vec::new();
        for number in (3..SIEVED).step_by(2) {
            if !composite[number as usize] {
                primes.push(number);
                composite.iter_mut().skip(number as usize).step_by(number as usize).for_each(|place| *place = true);
            }
        }
        primes
    });
    &PRIMES
}

impl RsaKey {
    /// A new key whose modulus has that many bits.
    pub(super) fn generate(host: &dyn Host, bits: usize) -> RsaKey {
        let small = sieve();
        let one = BigUint::from(1_u8);
        let e = BigUint::from(EXPONENT);
        loop {
            let p = prime(host, bits / 2, small);
            let q = prime(host, bits / 2, small);
            if p == q {
                continue;
            }
            // There is no inverse when the exponent divides either.
            if let Some(d) = e.modinv(&((&p - &one) * (&q - &one))) {
                return RsaKey { n: &p * &q, e, d, p, q };
            }
        }
    }

    /// As PKCS #1 has it.
    pub(super) fn to_der(&self) -> Vec<u8> {
        let one = BigUint::from(1_u8);
        let coefficient = self.q.modinv(&self.p).unwrap_or_default();
        der::sequence(&[
            der::small(0),
            der::integer(&self.n),
            der::integer(&self.e),
            der::integer(&self.d),
            der::integer(&self.p),
            der::integer(&self.q),
            der::integer(&(&self.d % (&self.p - &one))),
            der::integer(&(&self.d % (&self.q - &one))),
            der::integer(&coefficient),
        ])
    }

    pub(super) fn parse(data: &[u8]) -> Result<RsaKey, Malformed> {
        let mut reader = Reader::new(data).sequence()?;
        reader.integer()?;
        let key = RsaKey {
            n: reader.integer()?,
            e: reader.integer()?,
            d: reader.integer()?,
            p: reader.integer()?,
            q: reader.integer()?,
        };
        // Keys shorter than this have no room for a signature.
        let sound = &key.p * &key.q == key.n && key.n.bits() >= 512 && key.p.bits() > 1 && key.q.bits() > 1;
        if sound { Ok(key) } else { Err(Malformed) }
    }

    /// Modulus and exponent, as a certificate has them.
    pub(super) fn public(&self) -> Vec<u8> {
        der::sequence(&[der::integer(&self.n), der::integer(&self.e)])
    }

    /// Signs a message.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        // SEQUENCE { SEQUENCE { sha256, NULL }, OCTET STRING }.
        const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
        let digest = der::sequence(&[
            der::sequence(&[der::identifier(SHA256), der::null()]),
            der::value(der::OCTET_STRING, &Sha256::digest(message)),
        ]);
        let length = usize::try_from(self.n.bits().div_ceil(8)).expect("numbers fit the memory");
        let mut padded = vec![0xff; length - digest.len()];
        padded[0] = 0;
        padded[1] = 1;
        if let Some(last) = padded.last_mut() {
            *last = 0;
        }
        padded.extend(digest);
        let signature = self.power(&BigUint::from_bytes_be(&padded)).to_bytes_be();
        [vec![0; length - signature.len()], signature].concat()
    }

    /// `number^d mod n`, by the Chinese remainder theorem.
    fn power(&self, number: &BigUint) -> BigUint {
        let one = BigUint::from(1_u8);
        let by_p = power(number, &(&self.d % (&self.p - &one)), &self.p);
        let by_q = power(number, &(&self.d % (&self.q - &one)), &self.q);
        let Some(inverse) = self.q.modinv(&self.p) else { return power(number, &self.d, &self.n) };
        let difference = (&self.p + by_p - &by_q % &self.p) % &self.p;
        (inverse * difference) % &self.p * &self.q + by_q
    }
}
