//! What a role may do in S3: read or write a bucket, or what begins with a prefix.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::names::Partition;
use crate::policy::{Document, Statement, Values};

/// The longest managed policy that IAM takes, in characters without white space.
pub const POLICY_LIMIT: usize = 6144;

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Access {
    /// List the names of objects, and read none.
    List,
    /// List and read.
    Read,
    /// List, read, write and delete: what a job needs that writes a table.
    Write,
}

/// A grant, as stack.yaml's `roles.NAME.s3` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// The bucket.
    pub bucket: String,
    /// What keys must begin with; all when empty. Usually ends with a slash.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// What may be done.
    pub access: Access,
}

/// Why there is no policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum S3Error {
    /// Not a bucket's name.
    #[error("`{0}` is not a bucket name: 3 to 63 lower-case letters, digits, dots and dashes are wanted")]
    Bucket(String),
    /// A prefix that would mean something else in a policy.
    #[error("prefix `{prefix}` of bucket `{bucket}` holds a wildcard or begins with a slash")]
    Prefix {
        /// The bucket.
        bucket: String,
        /// The prefix.
        prefix: String,
    },
    /// More than IAM takes.
    #[error("the S3 policy has {length} characters, IAM takes {POLICY_LIMIT}")]
    TooLong {
        /// Its length without white space.
        length: usize,
    },
}

/// The policy of these grants: a statement to list and one for objects, for each.
///
/// # Errors
/// A bucket's name or prefix that cannot be, or a document longer than IAM takes.
pub fn policy(grants: &[Grant], partition: Partition) -> Result<Document, S3Error> {
    let mut statements = Vec::new();
    let mut sids = BTreeMap::new();
    for grant in grants {
        check(grant)?;
        let Grant { bucket, prefix, access } = grant;
        let bucket_arn = format!("arn:{}:s3:::{bucket}", partition.as_str());
        let mut sid = |verb: &str| {
            let name = format!("{verb}{}", pascal_case(bucket));
            let count: &mut u32 = sids.entry(name.clone()).or_default();
            *count += 1;
            Some(if *count == 1 { name } else { format!("{name}{count}") })
        };
        let mut condition: BTreeMap<String, BTreeMap<String, Values>> = BTreeMap::new();
        if !prefix.is_empty() {
            let keys = [("s3:prefix".to_owned(), Values::from(format!("{prefix}*")))];
            condition.insert("StringLike".to_owned(), keys.into());
        }
        // Where a bucket is must be known before the first request; it has no prefix to be limited by.
        statements.push(Statement {
            sid: sid("Locate"),
            action: "s3:GetBucketLocation".into(),
            resource: Some(bucket_arn.clone().into()),
            ..Statement::default()
        });
        statements.push(Statement {
            sid: sid("List"),
            action: "s3:ListBucket".into(),
            resource: Some(bucket_arn.clone().into()),
            condition,
            ..Statement::default()
        });
        let verb = match access {
            Access::List => continue,
            Access::Read => "Read",
            Access::Write => "Write",
        };
        statements.push(Statement {
            sid: sid(verb),
            action: object_actions(*access).iter().copied().collect(),
            resource: Some(format!("{bucket_arn}/{prefix}*").into()),
            ..Statement::default()
        });
    }
    let document = Document::new(statements);
    let length = document.to_json().chars().count();
    if length > POLICY_LIMIT {
        return Err(S3Error::TooLong { length });
    }
    Ok(document)
}

/// What is allowed on objects.
#[must_use]
pub fn object_actions(access: Access) -> &'static [&'static str] {
    match access {
        Access::List => &[],
        Access::Read => &["s3:GetObject"],
        Access::Write => &[
            "s3:GetObject",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:AbortMultipartUpload",
            "s3:ListMultipartUploadParts",
        ],
    }
}

/// As S3's rules for general-purpose buckets, without the rare ones (addresses, reserved beginnings).
fn check(grant: &Grant) -> Result<(), S3Error> {
    let Grant { bucket, prefix, .. } = grant;
    let edge = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = bucket.as_bytes();
    let is_byte = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(byte);
    let is_bucket = (3..=63).contains(&bytes.len())
        && bytes.iter().all(is_byte)
        && edge(bytes.first())
        && edge(bytes.last())
        && !bucket.contains("..");
    if !is_bucket {
        return Err(S3Error::Bucket(bucket.clone()));
    }
    if prefix.starts_with('/') || prefix.contains(['*', '?', '$']) {
        return Err(S3Error::Prefix { bucket: bucket.clone(), prefix: prefix.clone() });
    }
    Ok(())
}

/// `team-data` as `TeamData`: a statement's name takes only letters and digits.
pub(crate) fn pascal_case(text: &str) -> String {
    let mut start = true;
    let mut name = String::new();
    for c in text.chars() {
        if !c.is_ascii_alphanumeric() {
            start = true;
        } else if start {
            name.push(c.to_ascii_uppercase());
            start = false;
        } else {
            name.push(c);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn grant(bucket: &str, prefix: &str, access: Access) -> Grant {
        Grant { bucket: bucket.into(), prefix: prefix.into(), access }
    }

    #[test]
    fn reading_lists_and_gets() {
        assert_eq!(
            policy(&[grant("team-data", "", Access::Read)], Partition::Standard).unwrap().to_value(),
            json!({"Version": "2012-10-17", "Statement": [
                {"Sid": "LocateTeamData", "Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": "arn:aws:s3:::team-data"},
                {"Sid": "ListTeamData", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::team-data"},
                {"Sid": "ReadTeamData", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::team-data/*"},
            ]})
        );
    }

    #[test]
    fn a_prefix_limits_keys_and_lists() {
        let document = policy(&[grant("team-scratch", "daft/", Access::Write)], Partition::Standard).unwrap();
        let value = document.to_value();
        assert_eq!(value["Statement"][1]["Condition"], json!({"StringLike": {"s3:prefix": "daft/*"}}));
        assert_eq!(value["Statement"][2]["Resource"], "arn:aws:s3:::team-scratch/daft/*");
        assert_eq!(value["Statement"][2]["Action"][1], "s3:PutObject");
    }

    #[test]
    fn statements_have_names_of_their_own() {
        let grants = [grant("a.b-c", "x/", Access::Read), grant("a.b-c", "y/", Access::Read)];
        let document = policy(&grants, Partition::Standard).unwrap();
        let sids: Vec<&str> = document.statement.iter().filter_map(|statement| statement.sid.as_deref()).collect();
        assert_eq!(sids, ["LocateABC", "ListABC", "ReadABC", "LocateABC2", "ListABC2", "ReadABC2"]);
    }

    #[test]
    fn what_s3_or_iam_would_refuse_is_refused() {
        let refused = |grant: Grant| policy(&[grant], Partition::Standard).unwrap_err().to_string();
        for bucket in ["ab", "Team", "-ab", "a..b", "a_b"] {
            assert!(refused(grant(bucket, "", Access::Read)).starts_with(&format!("`{bucket}` is not a bucket name")));
        }
        assert_eq!(
            refused(grant("team", "a*", Access::Read)),
            "prefix `a*` of bucket `team` holds a wildcard or begins with a slash"
        );
        let many: Vec<Grant> = (0..40).map(|n| grant(&format!("bucket-{n}"), "", Access::Write)).collect();
        assert!(matches!(policy(&many, Partition::Standard), Err(S3Error::TooLong { .. })));
    }
}
