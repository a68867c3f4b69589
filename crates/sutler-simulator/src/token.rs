//! Service account tokens: JSON Web Tokens that the simulator signs and can check. No other party can: the key never leaves.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Who issues the tokens.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// Writes a token with these claims, signed (HMAC with SHA-256) by a key made from the store's seed.
pub(crate) fn write(claims: &Value, seed: u64) -> String {
    let part = |value: &Value| BASE64.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(claims));
    let signature = BASE64.encode(sign(signed.as_bytes(), seed));
    format!("{signed}.{signature}")
}

/// The claims of a token of ours that is still good.
pub(crate) fn read(token: &str, seed: u64, now: Timestamp) -> Result<Value, &'static str> {
    let invalid = "invalid bearer token";
    let (signed, signature) = token.rsplit_once('.').ok_or(invalid)?;
    let (_, claims) = signed.split_once('.').ok_or(invalid)?;
    if BASE64.decode(signature).map_err(|_| invalid)? != sign(signed.as_bytes(), seed) {
        return Err(invalid);
    }
    let claims = BASE64.decode(claims).map_err(|_| invalid)?;
    let claims: Value = serde_json::from_slice(&claims).map_err(|_| invalid)?;
    if claims["exp"].as_i64().is_none_or(|expires| expires <= now.as_second()) {
        return Err("token has expired");
    }
    Ok(claims)
}

/// HMAC (RFC 2104) with SHA-256.
fn sign(message: &[u8], seed: u64) -> Vec<u8> {
    let key = Sha256::new().chain_update(b"service account tokens").chain_update(seed.to_le_bytes()).finalize();
    let mut block = [0u8; 64];
    block[..32].copy_from_slice(&key);
    let padded = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
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
}
