//! Base 64 and base 32. Decoding answers with the text of the error where there is one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sutler_template::types::STRING;
use sutler_template::{Arguments, CallError, Context, Function, Value};

use crate::strings::text_value;

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("b32dec", &[&STRING], &STRING, b32dec),
    Function::new("b32enc", &[&STRING], &STRING, b32enc),
    Function::new("b64dec", &[&STRING], &STRING, b64dec),
    Function::new("b64enc", &[&STRING], &STRING, b64enc),
];

/// Data that is not in the encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    /// As `base64.CorruptInputError`; the offset is in bytes.
    #[error("illegal base64 data at input byte {0}")]
    Base64(usize),
    /// As `base32.CorruptInputError`; the offset is in bytes.
    #[error("illegal base32 data at input byte {0}")]
    Base32(usize),
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Encodes as `base64.StdEncoding`.
pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes as `base64.StdEncoding`: line breaks are skipped, padding is required, bits left over do not count.
///
/// # Errors
/// Where the data stops being base 64.
pub(crate) fn decode_base64(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut at = 0;
    let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
    loop {
        let (mut quantum, mut count) = (0_u32, 0_usize);
        while count < 4 {
            let Some(&byte) = text.get(at) else {
                return match count {
                    0 => Ok(out),
                    count => Err(DecodeError::Base64(at - count)),
                };
            };
            at += 1;
            if is_break(&byte) {
                continue;
            }
            if let Some(digit) = base64_digit(byte) {
                quantum = quantum << 6 | digit;
                count += 1;
                continue;
            }
            if byte != b'=' || count < 2 {
                return Err(DecodeError::Base64(at - 1));
            }
            let skip_breaks = |mut at: usize| {
                while text.get(at).is_some_and(is_break) {
                    at += 1;
                }
                at
            };
            if count == 2 {
                at = skip_breaks(at);
                match text.get(at) {
                    None => return Err(DecodeError::Base64(text.len())),
                    Some(b'=') => at += 1,
                    Some(_) => return Err(DecodeError::Base64(at - 1)),
                }
            }
            at = skip_breaks(at);
            let bytes = (quantum << (6 * (4 - count))).to_be_bytes();
            out.extend_from_slice(&bytes[1..count]);
            return if at < text.len() { Err(DecodeError::Base64(at)) } else { Ok(out) };
        }
        out.extend_from_slice(&quantum.to_be_bytes()[1..]);
    }
}

fn base64_digit(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

fn encode_base32(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len().div_ceil(5) * 8);
    for group in bytes.chunks(5) {
        let mut quantum = [0_u8; 8];
        quantum[3..3 + group.len()].copy_from_slice(group);
        let bits = u64::from_be_bytes(quantum);
        let digits = (group.len() * 8).div_ceil(5);
        for index in 0..8 {
            let digit = usize::try_from(bits >> (35 - 5 * index) & 31).expect("five bits fit");
            out.push(if index < digits { BASE32[digit] } else { b'=' });
        }
    }
    out
}

fn decode_base32(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    // Unlike base 64, line breaks are taken out first, so that offsets are counted without them.
    let text: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    for (group, start) in text.chunks(8).zip((0..).step_by(8)) {
        let mut quantum = 0_u64;
        let mut digits = 0;
        let mut padded = false;
        for index in 0..8 {
            let at = start + index;
            let Some(&byte) = group.get(index) else {
                // Not enough digits, and no padding either.
                return Err(DecodeError::Base32(at - index));
            };
            if byte == b'=' && index >= 2 && group.len() == 8 && at - index + 8 >= text.len() {
                if group[index..].iter().any(|byte| *byte != b'=') {
                    let wrong = index + group[index..].iter().position(|byte| *byte != b'=').unwrap_or(0);
                    return Err(DecodeError::Base32(start + wrong));
                }
                // One, three or six digits cannot end the data.
                if matches!(index, 1 | 3 | 6) {
                    return Err(DecodeError::Base32(at - 1));
                }
                digits = index;
                padded = true;
                break;
            }
            let Some(digit) = BASE32.iter().position(|known| *known == byte) else {
                return Err(DecodeError::Base32(at));
            };
            quantum = quantum << 5 | digit as u64;
            digits = index + 1;
        }
        let bytes = (quantum << (5 * (8 - digits)) << 24).to_be_bytes();
        out.extend_from_slice(&bytes[..digits * 5 / 8]);
        if padded {
            return Ok(out);
        }
    }
    Ok(out)
}

fn answer(decoded: Result<Vec<u8>, DecodeError>) -> Answer {
    Ok(decoded.map_or_else(|error| error.to_string().into(), text_value))
}

fn b64enc(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(encode_base64(args.str(0)?.as_bytes()).into())
}

fn b64dec(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    answer(decode_base64(args.str(0)?.as_bytes()))
}

fn b32enc(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(text_value(encode_base32(args.str(0)?.as_bytes())))
}

fn b32dec(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    answer(decode_base32(args.str(0)?.as_bytes()))
}
