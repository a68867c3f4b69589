//! Which texts are versions that charts may have.

use sutler_functions::semver::Version;

/// Whether a text is a version that charts may have.
pub(crate) fn is_version(text: &str) -> bool {
    Version::parse(text).is_ok()
}
