//! The bound on how deep nested values are walked: values may contain themselves, and no walk may exhaust the stack.

/// Levels that a walk goes down. Go's JSON decoder stops there too. In a browser, where stacks cannot grow, it is 300.
pub const MAX_DEPTH: usize = if cfg!(target_family = "wasm") { 300 } else { 10_000 };

/// A value is nested deeper than is walked (at most [`MAX_DEPTH`] levels), or contains itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("value is nested too deep, or contains itself")]
pub struct TooDeep;

/// Runs `walk` one level further down, on a stack that is large enough.
///
/// # Errors
/// [`TooDeep`] at the bound, and what `walk` fails with.
pub(crate) fn descend<T, E: From<TooDeep>>(depth: usize, walk: impl FnOnce(usize) -> Result<T, E>) -> Result<T, E> {
    if depth >= MAX_DEPTH {
        return Err(TooDeep.into());
    }
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || walk(depth + 1))
}
