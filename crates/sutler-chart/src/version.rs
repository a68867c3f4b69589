//! Semantic versions and constraints on them, in the one place that asks for them.

use sutler_functions::semver::{Constraints, Version};

/// Whether a text is a version that charts may have.
pub(crate) fn is_version(text: &str) -> bool {
    Version::parse(text).is_ok()
}

/// Whether a version is within a constraint; false when either cannot be read (Helm's `IsCompatibleRange`).
pub(crate) fn satisfies(constraint: &str, version: &str) -> bool {
    match (Constraints::parse(constraint), Version::parse(version)) {
        (Ok(constraints), Ok(version)) => constraints.allow(&version),
        _ => false,
    }
}
