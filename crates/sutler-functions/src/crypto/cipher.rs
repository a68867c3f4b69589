//! AES-256 in CBC mode with PKCS #7 padding, as sprig's `encryptAES`: the key is the password, cut or filled with zeros
//! to 32 bytes, and the initialization vector stands before the data.

use aes::Aes256;
use aes::cipher::{Array, BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};

use crate::encoding::{DecodeError, decode_base64, encode_base64};

const BLOCK: usize = 16;

/// Why data cannot be decrypted; but for the first, the texts are those of Go's panics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum DecryptError {
    #[error(transparent)]
    Encoding(#[from] DecodeError),
    #[error("runtime error: slice bounds out of range [:16] with capacity {0}")]
    TooShort(usize),
    #[error("crypto/cipher: input not full blocks")]
    NotFullBlocks,
    #[error("runtime error: index out of range [-1]")]
    Empty,
    #[error("runtime error: slice bounds out of range [:{0}]")]
    Padding(i64),
}

fn cipher(password: &[u8]) -> Aes256 {
    let mut key = [0; 32];
    let length = password.len().min(key.len());
    key[..length].copy_from_slice(&password[..length]);
    Aes256::new(&Array::from(key))
}

fn xor(block: &mut [u8; BLOCK], with: &[u8; BLOCK]) {
    for (byte, with) in block.iter_mut().zip(with) {
        *byte ^= with;
    }
}

fn block_of(bytes: &[u8]) -> [u8; BLOCK] {
    bytes.try_into().expect("chunks are as long as a block")
}

/// The text encrypted, in base 64.
pub(super) fn encrypt(password: &[u8], text: &[u8], vector: [u8; BLOCK]) -> String {
    let cipher = cipher(password);
    let padding = BLOCK - text.len() % BLOCK;
    let padded: Vec<u8> = text.iter().copied().chain(std::iter::repeat_n(padding as u8, padding)).collect();
    let mut out = vector.to_vec();
    let mut previous = vector;
    for chunk in padded.chunks_exact(BLOCK) {
        let mut block = block_of(chunk);
        xor(&mut block, &previous);
        let mut encrypted = Array::from(block);
        cipher.encrypt_block(&mut encrypted);
        previous = encrypted.into();
        out.extend_from_slice(&previous);
    }
    encode_base64(&out)
}

/// What was encrypted; nothing for an empty text.
///
/// # Errors
/// Data that is not base 64 or cannot have been encrypted so. A wrong password may go unnoticed.
pub(super) fn decrypt(password: &[u8], text: &[u8]) -> Result<Vec<u8>, DecryptError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let data = decode_base64(text)?;
    if data.len() < BLOCK {
        return Err(DecryptError::TooShort(text.len() / 4 * 3));
    }
    let (vector, data) = data.split_at(BLOCK);
    if data.len() % BLOCK != 0 {
        return Err(DecryptError::NotFullBlocks);
    }
    let cipher = cipher(password);
    let mut out = Vec::with_capacity(data.len());
    let mut previous = block_of(vector);
    for chunk in data.chunks_exact(BLOCK) {
        let mut decrypted = Array::from(block_of(chunk));
        cipher.decrypt_block(&mut decrypted);
        let mut block: [u8; BLOCK] = decrypted.into();
        xor(&mut block, &previous);
        previous = block_of(chunk);
        out.extend_from_slice(&block);
    }
    let padding = usize::from(*out.last().ok_or(DecryptError::Empty)?);
    match out.len().checked_sub(padding) {
        Some(length) => out.truncate(length),
        None => return Err(DecryptError::Padding(out.len() as i64 - padding as i64)),
    }
    Ok(out)
}
