//! Passwords: bcrypt's hashes, and those that sprig derives by the Master Password algorithm.

use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use base64::{Engine as _, alphabet};
use blowfish::Blowfish;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Go's `bcrypt.DefaultCost`.
const COST: u32 = 10;
/// Longer ones are refused, since bcrypt would not look at the rest.
const MAX_LENGTH: usize = 72;

/// A hash as in `htpasswd` files: `$2a$10$…`. As sprig's `bcrypt`, the text of an error where there is one.
pub(super) fn bcrypt(password: &[u8], salt: impl FnOnce() -> [u8; 16]) -> String {
    if password.len() > MAX_LENGTH {
        return "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_string();
    }
    let salt = salt();
    let hash = bcrypt_hash(password, salt);
    // The last byte of the hash is left out, as in every bcrypt since the first.
    format!("$2a${COST:02}${}{}", BASE64.encode(salt), BASE64.encode(&hash[..23]))
}

/// Base 64 with bcrypt's own alphabet.
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD);

/// The text that is encrypted again and again.
const TEXT: &[u8; 24] = b"OrpheanBeholderScryDoubt";

/// Provos' and Mazières' algorithm, with 2^[`COST`] rounds. Written out because the crate of that name draws in a source of
/// randomness, which this one must not have.
fn bcrypt_hash(password: &[u8], salt: [u8; 16]) -> [u8; 24] {
    let key = [password, b"\0"].concat();
    let mut state: Blowfish = Blowfish::bc_init_state();
    state.salted_expand_key(&salt, &key);
    for _ in 0..1_u32 << COST {
        state.bc_expand_key(&key);
        state.bc_expand_key(&salt);
    }
    let mut hash = [0; 24];
    for (block, out) in TEXT.chunks_exact(8).zip(hash.chunks_exact_mut(8)) {
        let word = |bytes: &[u8]| bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
        let mut words = [word(&block[..4]), word(&block[4..])];
        for _ in 0..64 {
            words = state.bc_encrypt(words);
        }
        out[..4].copy_from_slice(&words[0].to_be_bytes());
        out[4..].copy_from_slice(&words[1].to_be_bytes());
    }
    hash
}

const SEED: &[u8] = b"com.lyndir.masterpassword";

/// Patterns of a kind of password; each letter stands for a set of characters.
fn patterns(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        "medium" => &["CvcnoCvc", "CvcCvcno"],
        "short" => &["Cvcn"],
        "basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        "pin" => &["nnnn"],
        _ => return None,
    })
}

fn characters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

fn length(text: &[u8]) -> [u8; 4] {
    u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// The password of a site, as sprig's `derivePassword`; `None` when there is no such kind.
pub(super) fn derive(counter: u32, kind: &str, password: &[u8], user: &[u8], site: &[u8]) -> Option<String> {
    let patterns = patterns(kind)?;
    let salt = [SEED, &length(user), user].concat();
    let mut key = [0; 64];
    // N is 2^15.
    let params = scrypt::Params::new(15, 8, 2).expect("the parameters are constants within the algorithm's bounds");
    scrypt::scrypt(password, &salt, &params, &mut key).expect("64 bytes are a length that can be derived");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(&[SEED, &length(site), site, &counter.to_be_bytes()].concat());
    let seed = mac.finalize().into_bytes();
    let pattern = patterns[usize::from(seed[0]) % patterns.len()];
    let character = |(class, seed): (u8, &u8)| {
        let characters = characters(class);
        char::from(characters[usize::from(*seed) % characters.len()])
    };
    Some(pattern.bytes().zip(&seed[1..]).map(character).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bcrypt_hashes_are_those_of_other_programs() {
        // Made by the crate `bcrypt`, whose results Go's library checks.
        let rising = || std::array::from_fn(|index| u8::try_from(index * 17).unwrap());
        assert_eq!(bcrypt(b"", rising), "$2a$10$./CgKyPTXlcGkYo5xL1s9uu7H2C8JgDd.nqQfbgWCL3ZPgFJbhI9i");
        assert_eq!(
            bcrypt(b"correct horse battery staple", || [0x9d; 16]),
            "$2a$10$lX0blX0blX0blX0blX0blOykwQvyz28/A86vcOKHCkz.wZQ4v8qXG"
        );
        assert_eq!(bcrypt(&[b'x'; 72], || [0xff; 16]), "$2a$10$999999999999999999999upWyXhAeJvo0Fm9PDPh6.WQyjmTYiNUm");
    }
}
