//! Semantic versions and constraints on them, in the one place that asks for them.

/// Whether a text is a version that charts may have.
pub(crate) fn is_version(text: &str) -> bool {
    text.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit())
}
