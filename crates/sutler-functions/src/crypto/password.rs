//! Passwords: bcrypt's hashes, and those that sprig derives by the Master Password algorithm.

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
    match ::bcrypt::hash_with_salt(password, COST, salt()) {
        Ok(parts) => parts.format_for_version(::bcrypt::Version::TwoA),
        Err(error) => format!("failed to encrypt string with bcrypt: {error}"),
    }
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
