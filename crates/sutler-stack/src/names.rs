//! Names that are computed, so that nobody pastes them.

use jiff::SignedDuration;
use sutler_access::names::{AccountId, NameError, Partition, RoleName};

/// The label on everything a stack makes: its value is the stack's name.
pub const STACK_LABEL: &str = "sutler.dev/stack";

/// The namespace of what Sutler itself keeps in a cluster: the operations' leases and the key of digests.
pub const SUTLER_NAMESPACE: &str = "sutler-system";

/// The field manager under which a stack writes what is not part of a release.
pub const FIELD_MANAGER: &str = "sutler";

/// The annotation, on a release's record and on the Secret it reads, with the keyed digest of its secrets.
pub const SECRETS_ANNOTATION: &str = "sutler.dev/secrets";

/// The annotation on a release's record with the names of the releases it needs.
pub const NEEDS_ANNOTATION: &str = "sutler.dev/needs";

/// The ARN of the role `<cluster>_<role>`.
///
/// # Errors
/// If AWS would take neither the account nor the role's name.
pub fn role_arn(account: &str, region: &str, cluster: &str, role: &str) -> Result<String, NameError> {
    let account: AccountId = account.parse()?;
    Ok(RoleName::of(cluster, role)?.arn(Partition::of_region(region), &account).to_string())
}

/// Reads a duration as Go writes it (`10m`, `1h30m`, `90s`, `500ms`), as Helm's `--timeout` takes it.
///
/// # Errors
/// What is not a duration, or not positive.
pub fn duration(text: &str) -> Result<SignedDuration, String> {
    let refuse = || format!("`{text}` is not a duration; write it as `10m`, `90s` or `1h30m`");
    let mut rest = text;
    let mut total = SignedDuration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|found: char| !found.is_ascii_digit()).ok_or_else(refuse)?;
        let count: i64 = rest[..digits].parse().map_err(|_| refuse())?;
        rest = &rest[digits..];
        let unit = rest.find(|found: char| found.is_ascii_digit()).unwrap_or(rest.len());
        let milliseconds = match &rest[..unit] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(refuse()),
        };
        let part = count.checked_mul(milliseconds).map(SignedDuration::from_millis).ok_or_else(refuse)?;
        total = total.checked_add(part).ok_or_else(refuse)?;
        rest = &rest[unit..];
    }
    if total.is_zero() { Err(refuse()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        assert_eq!(duration("1h30m").unwrap(), SignedDuration::from_secs(5400));
        assert_eq!(duration("500ms").unwrap(), SignedDuration::from_millis(500));
        for bad in ["", "10", "m", "10x", "-5m", "0s", "99999999999999999999h"] {
            assert!(duration(bad).unwrap_err().contains("not a duration"), "{bad}");
        }
    }

    #[test]
    fn a_role_is_named_after_its_cluster_in_its_partition() {
        assert_eq!(
            role_arn("444455556666", "us-west-2", "data-team-prod", "DaftRole").unwrap(),
            "arn:aws:iam::444455556666:role/data-team-prod_DaftRole"
        );
        assert!(role_arn("444455556666", "us-gov-west-1", "c", "r").unwrap().starts_with("arn:aws-us-gov:"));
    }
}
