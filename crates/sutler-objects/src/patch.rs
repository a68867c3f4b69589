//! Patches: JSON patch (RFC 6902), merge patch (RFC 7386) and strategic merge patch, applied and computed.
//!
//! Applying is the server's side; [`two_way`] and [`three_way`] are how clients (kubectl, Helm 3) compute a patch. Strategic
//! merge patch exists for built-in types only; custom resources are patched by merge patch ([`three_way_merge`]).

mod json;
mod merge;

pub use json::json_patch;
pub use merge::{create_merge_patch, merge_patch, three_way_merge};

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
    /// An element of a list that is merged by key has no key: status 422.
    #[error("map: {element} does not contain declared merge key: {key}")]
    NoMergeKey {
        /// The element as Go prints a map.
        element: String,
        /// The merge key.
        key: String,
    },
    /// A directive that does not exist or stands where it may not: status 422.
    #[error("{0}")]
    BadDirective(String),
    /// Deeper than [`crate::object::MAX_DEPTH`].
    #[error("nested deeper than {} levels", crate::object::MAX_DEPTH)]
    TooDeep,
    /// In a three-way patch: what the patch changes was changed by somebody else as well.
    #[error("conflict: changed by the patch and in the live object: {0}")]
    Conflict(String),
}

impl PatchError {
    /// The HTTP status with which the API server answers: 400 for what cannot be read, 422 for what does not apply.
    pub fn status(&self) -> u16 {
        match self {
            PatchError::Malformed(_) => 400,
            _ => 422,
        }
    }
}
