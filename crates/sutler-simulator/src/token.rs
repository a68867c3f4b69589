//! Service account tokens: JSON Web Tokens that the simulator signs (ES256), and the two documents by which others check them:
//! OpenID's discovery and the keys, as a real API server serves them (`--service-account-issuer`).
//!
//! The key is made from the store's seed: the same store issues under the same key, and a key has no life of its own to keep.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Who issues the tokens.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// Where the keys are served.
pub(crate) const KEYS: &str = "/openid/v1/jwks";

/// What stands before the point of a public key of P-256 in DER (`SubjectPublicKeyInfo`, RFC 5480).
const PUBLIC_KEY: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Writes a token with these claims.
pub(crate) fn write(claims: &Value, seed: u64) -> String {
    let key = key(seed);
    let part = |value: &Value| BASE64.encode(value.to_string());
    let head = json!({"alg": "ES256", "kid": key_id(&key), "typ": "JWT"});
    let signed = format!("{}.{}", part(&head), part(claims));
    let signature: Signature = key.sign(signed.as_bytes());
    format!("{signed}.{}", BASE64.encode(signature.to_bytes()))
}

/// The claims of a token of ours that is still good.
pub(crate) fn read(token: &str, seed: u64, now: Timestamp) -> Result<Value, &'static str> {
    let invalid = "invalid bearer token";
    let (signed, signature) = token.rsplit_once('.').ok_or(invalid)?;
    let (_, claims) = signed.split_once('.').ok_or(invalid)?;
    let signature = BASE64.decode(signature).map_err(|_| invalid)?;
    let signature = Signature::from_slice(&signature).map_err(|_| invalid)?;
    key(seed).verifying_key().verify(signed.as_bytes(), &signature).map_err(|_| invalid)?;
    let claims = BASE64.decode(claims).map_err(|_| invalid)?;
    let claims: Value = serde_json::from_slice(&claims).map_err(|_| invalid)?;
    if claims["exp"].as_i64().is_none_or(|expires| expires <= now.as_second()) {
        return Err("token has expired");
    }
    Ok(claims)
}

/// `/.well-known/openid-configuration`.
pub(crate) fn configuration() -> Value {
    json!({
        "issuer": ISSUER,
        "jwks_uri": format!("{ISSUER}{KEYS}"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    })
}

/// `/openid/v1/jwks`.
pub(crate) fn keys(seed: u64) -> Value {
    let key = key(seed);
    let point = point(&key);
    json!({"keys": [{
        "use": "sig", "kty": "EC", "kid": key_id(&key), "crv": "P-256", "alg": "ES256",
        "x": BASE64.encode(&point[1..33]), "y": BASE64.encode(&point[33..]),
    }]})
}

/// The key of a store. A hash is one but for once in 2^32 times; then the next is.
fn key(seed: u64) -> SigningKey {
    let hash = |attempt: u8| {
        Sha256::new()
            .chain_update(b"service account tokens")
            .chain_update(seed.to_le_bytes())
            .chain_update([attempt])
            .finalize()
    };
    (0..=u8::MAX)
        .find_map(|attempt| SigningKey::from_slice(&hash(attempt)).ok())
        .expect("of 256 hashes one is a number below the order of P-256")
}

/// The public key as a point: a byte that says "both coordinates", and these.
fn point(key: &SigningKey) -> Vec<u8> {
    key.verifying_key().to_encoded_point(false).as_bytes().to_vec()
}

/// As the API server names its keys: the hash of the public key in DER.
fn key_id(key: &SigningKey) -> String {
    BASE64.encode(Sha256::new().chain_update(PUBLIC_KEY).chain_update(point(key)).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_until_it_expires_and_only_if_nobody_touched_it() {
        let now = Timestamp::from_second(1_000).unwrap();
        let token = write(&json!({"sub": "system:serviceaccount:a:b", "exp": 2_000}), 7);
        assert_eq!(read(&token, 7, now).unwrap()["sub"], "system:serviceaccount:a:b");
        assert_eq!(read(&token, 8, now), Err("invalid bearer token"));
        assert_eq!(read(&format!("x{token}"), 7, now), Err("invalid bearer token"));
        assert_eq!(read(&token, 7, Timestamp::from_second(2_000).unwrap()), Err("token has expired"));
        assert_eq!(read("", 7, now), Err("invalid bearer token"));
    }

    #[test]
    fn a_store_keeps_its_key_and_names_it_in_its_tokens() {
        let named = |token: &str| {
            let head = BASE64.decode(token.split('.').next().unwrap()).unwrap();
            serde_json::from_slice::<Value>(&head).unwrap()["kid"].clone()
        };
        let token = write(&json!({"exp": 1}), 7);
        assert_eq!(named(&token), keys(7)["keys"][0]["kid"]);
        assert_eq!(keys(7), keys(7));
        assert_ne!(keys(7), keys(8));
    }
}
