//! Patches: JSON patch (RFC 6902), merge patch (RFC 7386) and strategic merge patch, applied and computed.
//!
//! Applying is the server's side; [`two_way`] and [`three_way`] are how clients (kubectl, Helm 3) compute a patch. Strategic
//! merge patch exists for built-in types only; custom resources are patched by merge patch ([`three_way_merge`]).

mod diff;
mod json;
mod merge;
mod strategic;

pub use diff::{three_way, two_way};
pub use json::json_patch;
pub use merge::{create_merge_patch, merge_patch, three_way_merge};
pub use strategic::strategic_merge_patch;

/// Why a patch cannot be read or does not apply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// Not a patch at all: status 400.
    #[error("{0}")]
    Malformed(String),
    /// A JSON patch's operation that the object does not allow: status 422.
    #[error("{0}")]
    DoesNotApply(String),
    /// A test of a JSON patch that failed: status 422.
    #[error("testing value {path} failed: test failed")]
    TestFailed {
        /// JSON pointer of the tested value.
        path: String,
    },
    /// A directive of a strategic merge patch that has the wrong form, or `$retainKeys` that leaves out a key the patch
    /// sets: status 400.
    #[error("{0}")]
    BadDirective(&'static str),
    /// A strategic merge patch that does not fit the type or the object; the API server answers 500 with this text.
    #[error("{0}")]
    DoesNotFit(String),
    /// Deeper than [`crate::object::MAX_DEPTH`].
    #[error("nested deeper than {} levels", crate::object::MAX_DEPTH)]
    TooDeep,
}

impl PatchError {
    /// The HTTP status with which the API server answers.
    pub fn status(&self) -> u16 {
        match self {
            PatchError::Malformed(_) | PatchError::BadDirective(_) | PatchError::TooDeep => 400,
            PatchError::DoesNotApply(_) | PatchError::TestFailed { .. } => 422,
            PatchError::DoesNotFit(_) => 500,
        }
    }
}
