//! Seeded randomness of the store: uids and generated names. Its state is stored with the objects, so a run repeats exactly.

/// SplitMix64: one word of state, every seed good. Not for secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Random {
    pub(crate) state: u64,
}

/// What Kubernetes' `rand.String` draws from: no vowels and nothing that looks like another character.
const NAME_ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A version 4 UUID in text form.
    pub(crate) fn uid(&mut self) -> String {
        let high = (self.next() & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000;
        let low = (self.next() & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xFFFF,
            high & 0xFFFF,
            low >> 48,
            low & 0xFFFF_FFFF_FFFF
        )
    }

    /// Five characters, as the API server appends to `generateName`.
    pub(crate) fn name_suffix(&mut self) -> String {
        (0..5).map(|_| char::from(NAME_ALPHABET[(self.next() % 27) as usize])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn a_uid_is_a_version_4_uuid_and_a_seed_repeats_it() {
        let uid = Random { state: 7 }.uid();
        assert_eq!(uid, Random { state: 7 }.uid());
        assert_eq!((uid.len(), &uid[14..15]), (36, "4"), "{uid}");
        assert!("89ab".contains(&uid[19..20]), "{uid}");
    }

    #[test]
    fn a_name_suffix_has_five_characters_of_the_alphabet() {
        let suffix = Random { state: 7 }.name_suffix();
        assert!(suffix.len() == 5 && suffix.bytes().all(|byte| super::NAME_ALPHABET.contains(&byte)), "{suffix}");
    }
}
