//! The writer: any value that can [`Emit`] itself, as Go's yaml packages print it.
//!
//! ```text
//! Emit ──▶ Emitter ──▶ json (what Helm's way through JSON does to the value)
//!             │  └───▶ order (keys, sorted naturally)
//!             └──▶ layout (indentation, indicators) ──▶ styles (which quotes) ──▶ text
//! ```

mod emitter;
mod json;
mod layout;
mod order;
mod styles;
mod values;

pub use self::emitter::{Emitter, write, write_pretty};

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
