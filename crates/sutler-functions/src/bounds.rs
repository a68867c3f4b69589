//! How much one call of a function may make. Go's functions go on until the process dies for lack of memory; here they say so
//! before. What calls make together is bounded by the engine's limits.

use sutler_template::CallError;

/// The longest text that a function makes of shorter ones, in bytes.
pub(crate) const MOST_BYTES: usize = 1 << 28;

/// The most parts that a function takes a text into.
pub(crate) const MOST_PARTS: usize = 1 << 21;

/// The longest text that is read as YAML, JSON or TOML, in bytes: its values take some twenty times that.
const MOST_READ: usize = 1 << 25;

/// A text is to be made of so many bytes, or of more than can be counted.
///
/// # Errors
/// When it would be longer than [`MOST_BYTES`].
pub(crate) fn text(length: Option<usize>) -> Result<(), CallError> {
    match length {
        Some(length) if length <= MOST_BYTES => Ok(()),
        _ => Err(CallError::new(format!("a text of more than {MOST_BYTES} bytes is too long"))),
    }
}

/// A text is to be taken into so many parts.
///
/// # Errors
/// When there are more than [`MOST_PARTS`].
pub(crate) fn parts(count: usize) -> Result<(), CallError> {
    if count <= MOST_PARTS { Ok(()) } else { Err(CallError::new(format!("more than {MOST_PARTS} parts are too many"))) }
}

/// A text is to be read as data.
///
/// # Errors
/// When it is too long for that.
pub(crate) fn readable(text: &[u8]) -> Result<(), CallError> {
    if text.len() <= MOST_READ {
        return Ok(());
    }
    Err(CallError::new(format!("a text of {} bytes is too long to be read: the most are {MOST_READ}", text.len())))
}
