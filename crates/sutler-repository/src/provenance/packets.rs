//! OpenPGP's packets out of a stream of bytes (RFC 9580, section 4.2).
//!
//! The stream is cut here and each packet's body handed to rPGP: one that cannot be read is passed over, as Go's library passes
//! over what it does not support, and the next one is found all the same.

use std::io::Cursor;

use pgp::packet::{Packet, PacketHeader};
use pgp::types::{PacketHeaderVersion, PacketLength, Tag};
use thiserror::Error;

/// Why bytes are no stream of packets. The texts are those of Go's library, which Helm prints.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PacketError {
    /// Where a packet should begin stands something else: armoured text, a keybox file, any other file.
    #[error("openpgp: invalid data: tag byte does not have MSB set")]
    NoPacket,
    /// The stream ends within a packet.
    #[error("unexpected EOF")]
    Truncated,
}

/// The packets of a stream that can be read, in order.
pub(super) fn read(mut data: &[u8]) -> Result<Vec<Packet>, PacketError> {
    let mut packets = Vec::new();
    while let Some((&first, rest)) = data.split_first() {
        if first & 0x80 == 0 {
            return Err(PacketError::NoPacket);
        }
        let (version, tag, body, after) = if first & 0x40 == 0 {
            let (body, after) = old_body(first & 3, rest)?;
            (PacketHeaderVersion::Old, Tag::from((first & 0x3c) >> 2), body, after)
        } else {
            let (body, after) = new_body(rest)?;
            (PacketHeaderVersion::New, Tag::from(first & 0x3f), body, after)
        };
        data = after;
        let wanted = matches!(
            tag,
            Tag::Signature | Tag::SecretKey | Tag::PublicKey | Tag::SecretSubkey | Tag::PublicSubkey | Tag::UserId
        );
        if !wanted {
            continue;
        }
        let length = u32::try_from(body.len()).map_err(|_| PacketError::Truncated)?;
        if let Ok(header) = PacketHeader::from_parts(version, tag, PacketLength::Fixed(length))
            && let Ok(packet) = Packet::from_reader(header, Cursor::new(body))
        {
            packets.push(packet);
        }
    }
    Ok(packets)
}

type Parts<'d> = (Vec<u8>, &'d [u8]);

fn take(data: &[u8], length: usize) -> Result<Parts<'_>, PacketError> {
    let (body, after) = data.split_at_checked(length).ok_or(PacketError::Truncated)?;
    Ok((body.to_vec(), after))
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// The old format: a length of one, two or four bytes, or all that follows.
fn old_body(kind: u8, data: &[u8]) -> Result<Parts<'_>, PacketError> {
    if kind == 3 {
        return Ok((data.to_vec(), &[]));
    }
    let (length, rest) = data.split_at_checked(1 << kind).ok_or(PacketError::Truncated)?;
    take(rest, number(length))
}

/// The new format: a length of one, two or five bytes, or a chain of pieces.
fn new_body(data: &[u8]) -> Result<Parts<'_>, PacketError> {
    let mut body = Vec::new();
    let mut data = data;
    loop {
        let (&first, rest) = data.split_first().ok_or(PacketError::Truncated)?;
        let (length, rest, last) = match first {
            0..=191 => (usize::from(first), rest, true),
            192..=223 => {
                let (&second, rest) = rest.split_first().ok_or(PacketError::Truncated)?;
                ((usize::from(first - 192) << 8) + usize::from(second) + 192, rest, true)
            }
            224..=254 => (1 << (first & 0x1f), rest, false),
            255 => {
                let (length, rest) = rest.split_at_checked(4).ok_or(PacketError::Truncated)?;
                (number(length), rest, true)
            }
        };
        let (piece, after) = take(rest, length)?;
        body.extend(piece);
        data = after;
        if last {
            return Ok((body, data));
        }
    }
}
