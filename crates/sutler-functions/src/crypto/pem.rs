//! PEM: data in base 64 between lines that say what it is.

use bstr::ByteSlice as _;

use crate::encoding::{decode_base64, encode_base64};

/// Characters a line, as Go writes it.
const WIDTH: usize = 64;

/// A block of PEM.
pub(super) fn encode(label: &str, data: &[u8]) -> String {
    let text = encode_base64(data);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(WIDTH) {
        out.extend(line.iter().map(|byte| char::from(*byte)));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// The label and data of the first block, skipping what is before it and its headers.
pub(super) fn decode(text: &[u8]) -> Option<(String, Vec<u8>)> {
    let mut rest = text;
    loop {
        let start = rest.find("-----BEGIN ")?;
        let at_line_start = start == 0 || rest[start - 1] == b'\n';
        rest = &rest[start + 11..];
        if !at_line_start {
            continue;
        }
        let end = rest.find("-----")?;
        let label = &rest[..end];
        if label.contains(&b'\n') {
            continue;
        }
        let body = &rest[end + 5..];
        let closing = [b"-----END ".as_slice(), label, b"-----"].concat();
        let Some(length) = body.find(&closing) else { continue };
        let data: Vec<u8> = body[..length]
            .lines()
            .filter(|line| !line.contains(&b':'))
            .flat_map(|line| line.trim_ascii().iter().copied())
            .collect();
        if let Ok(data) = decode_base64(&data) {
            return Some((label.to_str_lossy().into_owned(), data));
        }
    }
}
