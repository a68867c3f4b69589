//! Networks of IPv4 addresses: `10.0.0.0/16`.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use thiserror::Error;

/// A network of IPv4 addresses, by its first address and the number of bits that all its addresses share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    first: u32,
    bits: u8,
}

/// A text that is no network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CidrError {
    /// Not `a.b.c.d/n`.
    #[error("`{0}` is not a network: an IPv4 address, a slash and 0 to 32 are wanted, as in 10.0.0.0/16")]
    Form(String),
    /// An address within the network instead of its first.
    #[error("`{given}` is an address within a network: the network is `{network}`")]
    HostBits {
        /// As given.
        given: String,
        /// The network that the address is in.
        network: Cidr,
    },
}

impl Cidr {
    /// The number of leading bits that all addresses share.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.bits
    }

    /// How many addresses there are.
    #[must_use]
    pub fn addresses(self) -> u64 {
        1 << (32 - u32::from(self.bits))
    }

    /// Whether an address is in both.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        let mask = mask(self.bits.min(other.bits));
        self.first & mask == other.first & mask
    }
}

fn mask(bits: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let form = || CidrError::Form(text.to_owned());
        let (address, bits) = text.split_once('/').ok_or_else(form)?;
        let address: Ipv4Addr = address.parse().map_err(|_| form())?;
        let is_number = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
        let bits: u8 = bits.parse().ok().filter(|bits| is_number && *bits <= 32).ok_or_else(form)?;
        let network = Self { first: u32::from(address) & mask(bits), bits };
        if network.first == u32::from(address) {
            Ok(network)
        } else {
            Err(CidrError::HostBits { given: text.to_owned(), network })
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.first), self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let read = text.parse::<Cidr>().map_or_else(|error| error.to_string(), |cidr| cidr.to_string());
        assert_eq!(read, expect);
    }

    #[test]
    fn a_network_is_read_as_it_is_written() {
        for text in ["10.0.0.0/16", "0.0.0.0/0", "10.1.2.3/32"] {
            check(text, text);
        }
        check("10.0.0.1/16", "`10.0.0.1/16` is an address within a network: the network is `10.0.0.0/16`");
        for text in ["10.0.0.0", "10.0.0/16", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/", "::/0", "010.0.0.0/8"] {
            check(text, &CidrError::Form(text.into()).to_string());
        }
        assert_eq!("10.0.0.0/16".parse::<Cidr>().unwrap().addresses(), 65_536);
        assert_eq!("0.0.0.0/0".parse::<Cidr>().unwrap().addresses(), 1 << 32);
    }

    #[test]
    fn networks_overlap_where_one_holds_the_other() {
        let overlap = |a: &str, b: &str| a.parse::<Cidr>().unwrap().overlaps(b.parse().unwrap());
        assert!(
            overlap("10.0.0.0/8", "10.9.0.0/16")
                && overlap("10.9.0.0/16", "10.0.0.0/8")
                && overlap("0.0.0.0/0", "1.2.3.4/32")
        );
        assert!(!overlap("10.0.0.0/16", "10.1.0.0/16"));
    }
}
