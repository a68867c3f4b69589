//! The writer: any value that can [`Emit`] itself, as Go's yaml packages print it.

#![allow(clippy::unimplemented)]

mod values;

/// A value that can be written as YAML.
///
/// ```
/// use sutler_yaml::{Emit, Emitter, WriteError, write};
///
/// struct Image { name: String, tag: String }
///
/// impl Emit for Image {
///     fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
///         out.mapping([("name", &self.name), ("tag", &self.tag)])
///     }
/// }
///
/// let image = Image { name: "rayproject/ray".into(), tag: "2.9".into() };
/// assert_eq!(write(&image)?, "name: rayproject/ray\ntag: \"2.9\"\n");
/// # Ok::<(), WriteError>(())
/// ```
pub trait Emit {
    /// Calls exactly one method of `out`, with what this value is.
    ///
    /// # Errors
    ///
    /// Passes on those of `out`.
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError>;
}

/// Why a value cannot be written. Helm's `toYaml` prints nothing then, `mustToYaml` fails with this text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// `.inf` or `.nan`, which JSON (and so `toYaml`) cannot hold, in the words of Go's `encoding/json`.
    #[error("error marshaling into JSON: json: unsupported value: {0}")]
    UnsupportedValue(&'static str),
    /// A string that go-yaml, reading the JSON that Helm makes first, refuses, in its words.
    #[error("yaml: {0}")]
    Unreadable(String),
    /// Collections nest deeper than [`crate::MAX_DEPTH`].
    #[error("yaml: exceeded max depth of {}", crate::MAX_DEPTH)]
    TooDeep,
}

/// Takes the events of one value and writes them; given to [`Emit::emit`].
pub struct Emitter {
    _private: (),
}

impl Emitter {
    /// `null`.
    ///
    /// # Errors
    ///
    /// None; the result keeps the methods alike.
    pub fn null(&mut self) -> Result<(), WriteError> {
        unimplemented!("the emitter lands next")
    }

    /// `true` or `false`.
    ///
    /// # Errors
    ///
    /// None; the result keeps the methods alike.
    pub fn bool(&mut self, _value: bool) -> Result<(), WriteError> {
        unimplemented!("the emitter lands next")
    }

    /// An integer of any of Go's signed types.
    ///
    /// # Errors
    ///
    /// None; the result keeps the methods alike.
    pub fn int(&mut self, _value: i64) -> Result<(), WriteError> {
        unimplemented!("the emitter lands next")
    }

    /// An integer of any of Go's unsigned types.
    ///
    /// # Errors
    ///
    /// None; the result keeps the methods alike.
    pub fn uint(&mut self, _value: u64) -> Result<(), WriteError> {
        unimplemented!("the emitter lands next")
    }

    /// A `float64`. Through JSON (`toYaml`) a whole number loses its exponent: 1e6 is `1000000`; toYamlPretty prints `1e+06`.
    ///
    /// # Errors
    ///
    /// Infinities and not-a-number in [`write`].
    pub fn float(&mut self, _value: f64) -> Result<(), WriteError> {
        unimplemented!("the emitter lands next")
    }

    /// A string.
    ///
    /// # Errors
    ///
    /// Control characters in [`write`], as go-yaml refuses them in the JSON that Helm makes first.
    pub fn string(&mut self, _value: &str) -> Result<(), WriteError> {
        unimplemented!("the emitter lands next")
    }

    /// A Go string, which may hold any bytes: what is not UTF-8 becomes U+FFFD in [`write`] and `!!binary` in
    /// [`write_pretty`].
    ///
    /// # Errors
    ///
    /// As [`Emitter::string`].
    pub fn bytes(&mut self, _value: &[u8]) -> Result<(), WriteError> {
        unimplemented!("the emitter lands next")
    }

    /// A list.
    ///
    /// # Errors
    ///
    /// Those of its items, and nesting deeper than [`crate::MAX_DEPTH`].
    pub fn sequence<T: Emit>(&mut self, _items: impl IntoIterator<Item = T>) -> Result<(), WriteError> {
        unimplemented!("the emitter lands next")
    }

    /// A map. The writer sorts the keys in go-yaml's natural order (`a2` before `a10`); of equal keys the last one counts.
    ///
    /// # Errors
    ///
    /// Those of its keys and values, and nesting deeper than [`crate::MAX_DEPTH`].
    pub fn mapping<K: AsRef<str>, V: Emit>(
        &mut self,
        _entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), WriteError> {
        unimplemented!("the emitter lands next")
    }
}

/// The value as `sigs.k8s.io/yaml`'s `Marshal` writes it, which is Helm's `toYaml` plus the last line break: through JSON,
/// then go-yaml v2.
///
/// # Errors
///
/// Values that JSON cannot hold, strings with control characters, nesting deeper than [`crate::MAX_DEPTH`].
pub fn write<T: Emit + ?Sized>(_value: &T) -> Result<String, WriteError> {
    unimplemented!("the emitter lands next")
}

/// The value as go-yaml v3's encoder writes it with an indent of two, which is Helm's `toYamlPretty` plus the last line
/// break: lists are indented, and nothing goes through JSON.
///
/// # Errors
///
/// Nesting deeper than [`crate::MAX_DEPTH`].
pub fn write_pretty<T: Emit + ?Sized>(_value: &T) -> Result<String, WriteError> {
    unimplemented!("the emitter lands next")
}
