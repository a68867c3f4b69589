//! [`Str`]: a string as Go has it: bytes, usually but not always UTF-8, cheap to clone and never changed.

use std::borrow::Borrow;
use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use bstr::{BStr, ByteSlice};

/// The longest text kept in the value itself, in bytes. Chosen so that [`Str`] is 24 bytes.
const INLINE: usize = 22;

/// An immutable string of bytes. Cloning never copies more than 24 bytes.
///
/// It orders, compares and hashes bytewise, as Go's `string` does.
///
/// ```
/// use sutler_template::Str;
///
/// let name = Str::from("data-team");
/// assert_eq!(name, "data-team");
/// assert_eq!(name.as_str(), Some("data-team"));
/// assert!(Str::from(vec![0xff]).as_str().is_none());
/// ```
#[derive(Clone)]
pub struct Str(Repr);

#[derive(Clone)]
enum Repr {
    Inline { len: u8, bytes: [u8; INLINE] },
    Static(&'static [u8]),
    Shared(Arc<[u8]>),
}

impl Str {
    /// The empty string.
    pub const EMPTY: Self = Self(Repr::Static(b""));

    /// A string that lives as long as the program, without allocation.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Repr::Static(text.as_bytes()))
    }

    /// A copy of `bytes`, which need not be UTF-8.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        if bytes.len() <= INLINE {
            let mut inline = [0; INLINE];
            inline[..bytes.len()].copy_from_slice(bytes);
            Self(Repr::Inline { len: bytes.len() as u8, bytes: inline })
        } else {
            Self(Repr::Shared(Arc::from(bytes)))
        }
    }

    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Repr::Static(bytes) => bytes,
            Repr::Shared(bytes) => bytes,
        }
    }

    /// The text, if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_bytes()).ok()
    }

    /// The text, with U+FFFD for what is not UTF-8.
    pub fn to_str_lossy(&self) -> Cow<'_, str> {
        self.as_bytes().to_str_lossy()
    }

    /// The text as a byte string with the methods of [`bstr::ByteSlice`].
    pub fn as_bstr(&self) -> &BStr {
        self.as_bytes().as_bstr()
    }

    /// Length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Its bytes, if they are on the heap and nothing else holds them.
    pub(crate) fn size_if_unshared(&self) -> usize {
        match &self.0 {
            Repr::Shared(bytes) if Arc::strong_count(bytes) == 1 => bytes.len(),
            _ => 0,
        }
    }

    /// Whether there are no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for Str {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self::from_bytes(text.as_bytes())
    }
}

impl From<&[u8]> for Str {
    fn from(bytes: &[u8]) -> Self {
        Self::from_bytes(bytes)
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<Vec<u8>> for Str {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from_bytes(&bytes)
    }
}

impl From<&String> for Str {
    fn from(text: &String) -> Self {
        Self::from_bytes(text.as_bytes())
    }
}

impl From<Cow<'_, str>> for Str {
    fn from(text: Cow<'_, str>) -> Self {
        Self::from_bytes(text.as_bytes())
    }
}

impl From<char> for Str {
    fn from(c: char) -> Self {
        Self::from_bytes(c.encode_utf8(&mut [0; 4]).as_bytes())
    }
}

impl AsRef<[u8]> for Str {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Str {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Str {}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Str {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As `[u8]` does, which `Borrow<[u8]>` requires.
        self.as_bytes().hash(state);
    }
}

/// Lossy: U+FFFD stands for what is not UTF-8.
impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_bstr(), f)
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_bstr(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::Str;

    #[test]
    fn a_string_is_24_bytes_and_so_is_an_option_of_it() {
        assert_eq!(size_of::<Str>(), 24);
        assert_eq!(size_of::<Option<Str>>(), 24);
    }

    #[test]
    fn short_long_and_static_strings_of_the_same_bytes_are_equal() {
        let long = "a text that is longer than twenty-two bytes";
        assert_eq!(Str::from(long), Str::from_static("a text that is longer than twenty-two bytes"));
        assert_eq!(Str::from("x"), Str::from_static("x"));
        assert_eq!(Str::from(long).len(), long.len());
    }

    #[test]
    fn strings_order_bytewise() {
        let mut names: Vec<Str> = ["b", "a10", "B", "a2", "_", "9", "10"].into_iter().map(Str::from).collect();
        names.sort();
        assert_eq!(format!("{names:?}"), r#"["10", "9", "B", "_", "a10", "a2", "b"]"#);
    }
}
