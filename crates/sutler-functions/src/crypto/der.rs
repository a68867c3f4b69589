//! Writing and reading DER, as far as keys and certificates need it.

use num_bigint::BigUint;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const PRINTABLE_STRING: u8 = 0x13;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The tag of `[number]`: constructed (explicit) or primitive.
pub(super) const fn explicit(number: u8) -> u8 {
    0xa0 | number
}

pub(super) const fn implicit(number: u8) -> u8 {
    0x80 | number
}

/// A value of a tag with its length.
pub(super) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length) if length < 0x80 => out.push(length),
        _ => {
            let length = content.len().to_be_bytes();
            let zeros = length.iter().take_while(|byte| **byte == 0).count();
            out.push(0x80 | (length.len() - zeros) as u8);
            out.extend_from_slice(&length[zeros..]);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A sequence of values that are written already.
pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    value(SEQUENCE, &parts.concat())
}

/// A number that is not negative.
pub(super) fn integer(number: &BigUint) -> Vec<u8> {
    let mut bytes = number.to_bytes_be();
    // The highest bit is the sign.
    if bytes[0] & 0x80 != 0 {
        bytes.insert(0, 0);
    }
    value(INTEGER, &bytes)
}

pub(super) fn small(number: u8) -> Vec<u8> {
    integer(&BigUint::from(number))
}

pub(super) fn null() -> Vec<u8> {
    value(NULL, &[])
}

/// An identifier, given as its encoded content.
pub(super) fn identifier(content: &[u8]) -> Vec<u8> {
    value(OBJECT_IDENTIFIER, content)
}

/// Whole bytes as a bit string.
pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    value(BIT_STRING, &[&[0], bytes].concat())
}

/// The data is not what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("asn1: structure error: malformed data")]
pub(super) struct Malformed;

/// Values one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'d> {
    rest: &'d [u8],
}

/// A value as it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read<'d> {
    pub(super) tag: u8,
    pub(super) content: &'d [u8],
    /// Tag and length included.
    pub(super) whole: &'d [u8],
}

impl<'d> Reader<'d> {
    pub(super) fn new(data: &'d [u8]) -> Reader<'d> {
        Reader { rest: data }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn next(&mut self) -> Result<Read<'d>, Malformed> {
        let [tag, first, after @ ..] = self.rest else { return Err(Malformed) };
        let (length, header) = if first & 0x80 == 0 {
            (usize::from(*first), 2)
        } else {
            let count = usize::from(first & 0x7f);
            let bytes = after.get(..count).filter(|_| (1..=4).contains(&count)).ok_or(Malformed)?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), 2 + count)
        };
        let end = header + length;
        let whole = self.rest.get(..end).ok_or(Malformed)?;
        self.rest = &self.rest[end..];
        Ok(Read { tag: *tag, content: &whole[header..], whole })
    }

    /// The next value, which must be of that tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<Read<'d>, Malformed> {
        let read = self.next()?;
        if read.tag == tag { Ok(read) } else { Err(Malformed) }
    }

    /// The next value if it is of that tag.
    pub(super) fn optional(&mut self, tag: u8) -> Option<Read<'d>> {
        if self.rest.first() != Some(&tag) {
            return None;
        }
        self.next().ok()
    }

    /// The inside of a sequence.
    pub(super) fn sequence(&mut self) -> Result<Reader<'d>, Malformed> {
        self.expect(SEQUENCE).map(|read| Reader::new(read.content))
    }

    /// A number that is not negative.
    pub(super) fn integer(&mut self) -> Result<BigUint, Malformed> {
        let content = self.expect(INTEGER)?.content;
        match content.first() {
            Some(first) if first & 0x80 == 0 => Ok(BigUint::from_bytes_be(content)),
            _ => Err(Malformed),
        }
    }

    /// The bytes of a bit string of whole bytes.
    pub(super) fn bits(&mut self) -> Result<&'d [u8], Malformed> {
        match self.expect(BIT_STRING)?.content {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(Malformed),
        }
    }
}
