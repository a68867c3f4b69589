//! RSA: making keys, and signing with PKCS #1 v1.5 over SHA-256.
//!
//! Arithmetic is not in constant time: keys are made and used for one rendering, on the machine of whoever renders.

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

use super::der::{self, Malformed, Reader};
use crate::host::Host;

/// Rounds of Miller and Rabin's test. For random candidates of these sizes the error is far below 2^-100.
const ROUNDS: usize = 12;
const EXPONENT: u32 = 65_537;

/// A private key.
#[derive(Debug, Clone)]
pub(super) struct RsaKey {
    n: BigUint,
    e: BigUint,
    d: BigUint,
    p: BigUint,
    q: BigUint,
}

/// Odd primes below 2000, to sort out most candidates quickly.
fn small_primes() -> Vec<u32> {
    (3..2000_u32).step_by(2).filter(|number| (3..*number).step_by(2).all(|by| number % by != 0)).collect()
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

/// Whether a number is prime, by Miller and Rabin's test with random bases.
pub(super) fn is_prime(host: &dyn Host, number: &BigUint, small: &[u32]) -> bool {
    let zero = BigUint::ZERO;
    for prime in small {
        if number % *prime == zero {
            return *number == BigUint::from(*prime);
        }
    }
    let one = BigUint::from(1_u8);
    let last = number - &one;
    let twos = last.trailing_zeros().unwrap_or(0);
    let odd = &last >> twos;
    let range = number - 3_u8;
    'rounds: for _ in 0..ROUNDS {
        let mut power = (below(host, &range) + 2_u8).modpow(&odd, number);
        if power == one || power == last {
            continue;
        }
        for _ in 1..twos {
            power = &power * &power % number;
            if power == last {
                continue 'rounds;
            }
        }
        return false;
    }
    true
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
        let mut candidate = BigUint::from_bytes_be(&bytes);
        // A search from a random start asks the source for little; after a while it starts anew.
        for _ in 0..bits {
            if candidate.bits() as usize > bits {
                break;
            }
            if is_prime(host, &candidate, small) {
                return candidate;
            }
            candidate += 2_u8;
        }
    }
}

/// Odd primes for [`is_prime`].
pub(super) fn sieve() -> Vec<u32> {
    small_primes()
}

impl RsaKey {
    /// A new key whose modulus has that many bits.
    pub(super) fn generate(host: &dyn Host, bits: usize) -> RsaKey {
        let small = small_primes();
        let one = BigUint::from(1_u8);
        let e = BigUint::from(EXPONENT);
        loop {
            let p = prime(host, bits / 2, &small);
            let q = prime(host, bits / 2, &small);
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
        let by_p = number.modpow(&(&self.d % (&self.p - &one)), &self.p);
        let by_q = number.modpow(&(&self.d % (&self.q - &one)), &self.q);
        let Some(inverse) = self.q.modinv(&self.p) else { return number.modpow(&self.d, &self.n) };
        let difference = (&self.p + by_p - &by_q % &self.p) % &self.p;
        (inverse * difference) % &self.p * &self.q + by_q
    }
}
