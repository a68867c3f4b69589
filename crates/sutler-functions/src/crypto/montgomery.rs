//! Powers modulo an odd number, by Montgomery's multiplication: what making and using RSA and DSA keys spends its time on.

use num_bigint::BigUint;

/// Bits of the exponent that are taken at once.
const WINDOW: u64 = 5;

/// An odd modulus, with what its arithmetic needs. Numbers within are in Montgomery's form, `x * 2^(64 n) mod m`, least
/// significant limb first.
pub(super) struct Modulus {
    number: BigUint,
    limbs: Vec<u64>,
    /// `-1/m` modulo 2^64.
    inverse: u64,
    /// The square of 2^(64 n), which brings numbers into the form.
    square: Vec<u64>,
}

impl Modulus {
    /// `None` for an even number and for 1.
    pub(super) fn new(number: &BigUint) -> Option<Modulus> {
        if !number.bit(0) || number.bits() < 2 {
            return None;
        }
        let limbs = number.to_u64_digits();
        // Newton's iteration doubles the bits that are right, of which an odd number by itself has three.
        let inverse =
            (0..5).fold(limbs[0], |guess, _| guess.wrapping_mul(2_u64.wrapping_sub(limbs[0].wrapping_mul(guess))));
        let square = (BigUint::from(1_u8) << (128 * limbs.len())) % number;
        let square = padded(&square, limbs.len());
        Some(Modulus { number: number.clone(), inverse: inverse.wrapping_neg(), limbs, square })
    }

    /// `base^exponent` modulo this number.
    pub(super) fn power(&self, base: &BigUint, exponent: &BigUint) -> BigUint {
        let mut work = Work::new(self.limbs.len());
        let base = self.enter(base, &mut work);
        let mut powers = vec![self.one(&mut work), base.clone()];
        for index in 2..1 << WINDOW {
            let mut next = vec![0; self.limbs.len()];
            self.multiply(&powers[index - 1], &base, &mut next, &mut work);
            powers.push(next);
        }
        let mut result = powers[0].clone();
        let windows = exponent.bits().div_ceil(WINDOW);
        for window in (0..windows).rev() {
            for _ in 0..WINDOW {
                self.square(&mut result, &mut work);
            }
            let bits = (0..WINDOW).fold(0, |bits, bit| bits | usize::from(exponent.bit(window * WINDOW + bit)) << bit);
            if bits != 0 {
                let before = result.clone();
                self.multiply(&before, &powers[bits], &mut result, &mut work);
            }
        }
        self.leave(&result, &mut work)
    }

    /// `2^exponent` modulo this number: squarings and doublings only.
    pub(super) fn power_of_two(&self, exponent: &BigUint) -> BigUint {
        let mut work = Work::new(self.limbs.len());
        let mut result = self.one(&mut work);
        for bit in (0..exponent.bits()).rev() {
            self.square(&mut result, &mut work);
            if exponent.bit(bit) {
                self.double(&mut result);
            }
        }
        self.leave(&result, &mut work)
    }

    fn one(&self, work: &mut Work) -> Vec<u64> {
        self.enter(&BigUint::from(1_u8), work)
    }

    /// Into Montgomery's form.
    fn enter(&self, number: &BigUint, work: &mut Work) -> Vec<u64> {
        let plain = padded(&(number % &self.number), self.limbs.len());
        let mut inside = vec![0; self.limbs.len()];
        self.multiply(&plain, &self.square, &mut inside, work);
        inside
    }

    /// Out of it.
    fn leave(&self, number: &[u64], work: &mut Work) -> BigUint {
        work.product.fill(0);
        work.product[..number.len()].copy_from_slice(number);
        let mut plain = vec![0; number.len()];
        self.reduce(&mut work.product, &mut plain);
        plain.iter().rev().fold(BigUint::ZERO, |number, limb| (number << 64_u8) + *limb)
    }

    fn multiply(&self, left: &[u64], right: &[u64], into: &mut [u64], work: &mut Work) {
        let size = self.limbs.len();
        work.product.fill(0);
        for (index, factor) in left.iter().enumerate() {
            let (_, row) = work.product.split_at_mut(index);
            row[size] = add_multiple(&mut row[..size], right, *factor);
        }
        self.reduce(&mut work.product, into);
    }

    fn square(&self, number: &mut [u64], work: &mut Work) {
        let size = self.limbs.len();
        work.product.fill(0);
        // Each product of two different limbs counts twice.
        for (index, factor) in number.iter().enumerate() {
            let (_, row) = work.product.split_at_mut(2 * index + 1);
            row[size - index - 1] = add_multiple(&mut row[..size - index - 1], &number[index + 1..], *factor);
        }
        let mut carry = 0;
        let mut high_bit = 0;
        for (pair, limb) in work.product.chunks_exact_mut(2).zip(number.iter()) {
            let own = u128::from(*limb) * u128::from(*limb);
            let low = u128::from(pair[0] << 1 | high_bit) + u128::from(own as u64) + carry;
            let high = u128::from(pair[1] << 1 | pair[0] >> 63) + (own >> 64) + (low >> 64);
            high_bit = pair[1] >> 63;
            pair[0] = low as u64;
            pair[1] = high as u64;
            carry = high >> 64;
        }
        self.reduce(&mut work.product, number);
    }

    /// Twice the number.
    fn double(&self, number: &mut [u64]) {
        let mut carry = 0;
        for limb in number.iter_mut() {
            let next = *limb >> 63;
            *limb = *limb << 1 | carry;
            carry = next;
        }
        self.subtract_if_not_less(number, carry != 0);
    }

    /// The product divided by 2^(64 n), modulo this number.
    fn reduce(&self, product: &mut [u64], into: &mut [u64]) {
        let size = self.limbs.len();
        let mut overflow = false;
        for index in 0..size {
            let (_, row) = product.split_at_mut(index);
            let factor = row[0].wrapping_mul(self.inverse);
            let carry = add_multiple(&mut row[..size], &self.limbs, factor);
            let (sum, first) = row[size].overflowing_add(carry);
            let (sum, second) = sum.overflowing_add(u64::from(overflow));
            row[size] = sum;
            overflow = first || second;
        }
        into.copy_from_slice(&product[size..]);
        self.subtract_if_not_less(into, overflow);
    }

    /// Less the modulus, if the number, with a bit above it where it `overflowed`, is not less than that.
    fn subtract_if_not_less(&self, number: &mut [u64], overflowed: bool) {
        if !overflowed && number.iter().rev().lt(self.limbs.iter().rev()) {
            return;
        }
        let mut borrow = false;
        for (limb, less) in number.iter_mut().zip(&self.limbs) {
            let (difference, first) = limb.overflowing_sub(*less);
            let (difference, second) = difference.overflowing_sub(u64::from(borrow));
            *limb = difference;
            borrow = first || second;
        }
    }
}

/// Room for a product.
struct Work {
    product: Vec<u64>,
}

impl Work {
    fn new(size: usize) -> Work {
        Work { product: vec![0; 2 * size] }
    }
}

/// Adds `factor` times `number` to a row as long; returns what is carried beyond it.
#[inline]
fn add_multiple(row: &mut [u64], number: &[u64], factor: u64) -> u64 {
    let mut carry = 0;
    for (place, limb) in row.iter_mut().zip(number) {
        let sum = u128::from(*limb) * u128::from(factor) + u128::from(*place) + u128::from(carry);
        *place = sum as u64;
        carry = (sum >> 64) as u64;
    }
    carry
}

fn padded(number: &BigUint, size: usize) -> Vec<u64> {
    let mut limbs = number.to_u64_digits();
    limbs.resize(size, 0);
    limbs
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;

    use super::Modulus;

    fn number(seed: u64, limbs: usize) -> BigUint {
        let mut state = seed;
        (0..limbs).fold(BigUint::ZERO, |number, _| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (number << 64_u8) + (state ^ state >> 29)
        })
    }

    #[test]
    fn powers_are_those_of_plain_arithmetic() {
        let mut moduli: Vec<BigUint> = [3_u64, 5, 7, u64::MAX, u64::MAX - 58].map(BigUint::from).to_vec();
        moduli.extend((1..9).map(|limbs| number(limbs as u64, limbs) | BigUint::from(1_u8)));
        // All bits set: every carry there is.
        moduli.push((BigUint::from(1_u8) << 512) - 1_u8);
        moduli.push((BigUint::from(1_u8) << 512) + 1_u8);
        for modulus in moduli {
            let arithmetic = Modulus::new(&modulus).unwrap();
            for seed in 0..6 {
                let (base, exponent) = (number(seed + 100, 8), number(seed + 200, seed as usize));
                assert_eq!(arithmetic.power(&base, &exponent), base.modpow(&exponent, &modulus), "{modulus} {seed}");
                let two = BigUint::from(2_u8);
                assert_eq!(arithmetic.power_of_two(&exponent), two.modpow(&exponent, &modulus), "{modulus} {seed}");
            }
            let last = &modulus - 1_u8;
            assert_eq!(arithmetic.power(&last, &BigUint::from(2_u8)), BigUint::from(1_u8) % &modulus);
        }
    }

    #[test]
    fn even_numbers_are_no_moduli() {
        assert!([0_u8, 1, 2, 100].iter().all(|number| Modulus::new(&BigUint::from(*number)).is_none()));
    }
}
