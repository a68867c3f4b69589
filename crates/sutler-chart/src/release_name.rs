//! Which names releases may have (Helm's `ValidateReleaseName`).

/// The rule as a regular expression, as Helm's message shows it.
pub const RELEASE_NAME_RULE: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// The longest name, in bytes: Kubernetes' 63, less ten for what charts append.
pub const LONGEST_RELEASE_NAME: usize = 53;

/// Whether a release may have that name: labels of lower case letters, digits and inner `-`, joined by dots.
pub fn is_release_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    name.len() <= LONGEST_RELEASE_NAME && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::is_release_name;

    #[test]
    fn names_follow_helms_rule() {
        for name in ["a", "a-b", "a.b", "1", "a--b", &"x".repeat(53)] {
            assert!(is_release_name(name), "{name}");
        }
        for name in ["", "A", "-a", "a-", "a.", ".a", "a_b", "a..b", "ä", &"x".repeat(54)] {
            assert!(!is_release_name(name), "{name}");
        }
    }
}
