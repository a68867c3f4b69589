//! Cleartext signed messages (RFC 4880, section 7) as Go's `clearsign` reads and writes them.
//!
//! What is signed is not what is read: line ends become CR LF, spaces at the end of lines go, and the last line's end does not
//! count. Both forms are made here, in one place each.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pgp::armor::Dearmor;

const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const BEGIN_SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
const END_SIGNATURE: &[u8] = b"\n-----END PGP SIGNATURE-----";
/// A signature block is some hundred bytes; more is no signature.
const LARGEST_SIGNATURE: u64 = 1 << 20;

/// A message taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// The text as a person reads it, with LF at the end of every line but the last.
    pub(super) text: Vec<u8>,
    /// The bytes over which the signature was made.
    pub(super) signed: Vec<u8>,
    /// The signature's packets, out of their armour.
    pub(super) signature: Vec<u8>,
}

/// A text ready to be signed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Draft {
    /// The text as it stands in the message: dashes escaped, spaces at the end of lines gone.
    body: String,
    /// The bytes over which the signature has to be made.
    pub(super) signed: Vec<u8>,
}

/// Splits off a line, without its LF or CR LF, as `clearsign` does.
fn split_line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        None => (data, &[]),
        Some(end) => {
            let line = &data[..end];
            (line.strip_suffix(b"\r").unwrap_or(line), &data[end + 1..])
        }
    }
}

fn find(data: &[u8], pattern: &[u8]) -> Option<usize> {
    data.windows(pattern.len()).position(|window| window == pattern)
}

/// Finds and takes apart the first signed message of a text; none when there is no whole and well-formed one.
pub(super) fn decode(data: &[u8]) -> Option<Message> {
    let start = if data.starts_with(BEGIN) {
        BEGIN.len()
    } else {
        let marker = [b"\n", BEGIN].concat();
        find(data, &marker)? + marker.len()
    };
    let (suffix, mut rest) = split_line(&data[start..]);
    if !suffix.is_empty() {
        return None;
    }
    loop {
        if rest.is_empty() {
            return None;
        }
        let line;
        (line, rest) = split_line(rest);
        if line.iter().all(u8::is_ascii_whitespace) {
            break;
        }
        // No other header may stand there: nothing unsigned may look as if it belonged to the message.
        if !is_hash_header(line) {
            return None;
        }
    }

    let mut text = Vec::new();
    let mut signed = Vec::new();
    let mut first = true;
    let armour = loop {
        let before = rest;
        let line;
        (line, rest) = split_line(rest);
        if line.is_empty() && rest.is_empty() {
            return None;
        }
        if line == BEGIN_SIGNATURE {
            break before;
        }
        if !first {
            signed.extend_from_slice(b"\r\n");
            text.push(b'\n');
        }
        first = false;
        let line = trim_end(line.strip_prefix(b"- ").unwrap_or(line), b" \t");
        signed.extend_from_slice(line);
        text.extend_from_slice(line);
    };
    let end = find(armour, END_SIGNATURE)? + END_SIGNATURE.len();
    let mut signature = Vec::new();
    Dearmor::new(&armour[..end]).take(LARGEST_SIGNATURE).read_to_end(&mut signature).ok()?;
    Some(Message { text, signed, signature })
}

fn is_hash_header(line: &[u8]) -> bool {
    let printable = line.iter().all(|byte| (0x20..=0x7e).contains(byte));
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    printable && line.contains(&b':') && name.trim_ascii() == b"Hash"
}

fn trim_end<'d>(mut line: &'d [u8], what: &[u8]) -> &'d [u8] {
    while let [before @ .., last] = line
        && what.contains(last)
    {
        line = before;
    }
    line
}

impl Draft {
    /// Prepares a text.
    pub(super) fn new(text: &str) -> Draft {
        let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches([' ', '\t', '\r'])).collect();
        let body: Vec<String> = lines
            .iter()
            .map(|line| if line.starts_with('-') { format!("- {line}") } else { (*line).to_owned() })
            .collect();
        Draft { body: body.join("\n"), signed: lines.join("\r\n").into_bytes() }
    }

    /// The whole message, around the packets of a signature made with `hash`.
    pub(super) fn with_signature(self, hash: &str, signature: &[u8]) -> String {
        let encoded = STANDARD.encode(signature);
        let mut armour = String::with_capacity(encoded.len() + encoded.len() / 64 + 1);
        for (index, character) in encoded.chars().enumerate() {
            if index > 0 && index % 64 == 0 {
                armour.push('\n');
            }
            armour.push(character);
        }
        format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: {hash}\n\n{body}\n-----BEGIN PGP SIGNATURE-----\n\n{armour}\n-----END PGP SIGNATURE-----",
            body = self.body
        )
    }
}
