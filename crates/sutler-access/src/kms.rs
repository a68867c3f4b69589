//! What a role may do with KMS keys that encrypt buckets: through S3 alone, never by itself.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::names::Partition;
use crate::policy::{Document, Statement, Values};
use crate::s3::Access;

/// A grant for the objects that a key encrypts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// `arn:aws:kms:REGION:ACCOUNT:key/ID`. An alias's ARN is refused: IAM compares keys by their own.
    pub key: String,
    /// Reading decrypts; writing also makes data keys. Listing needs no key.
    pub access: Access,
}

/// Why there is no policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KmsError {
    /// Not the ARN of a key.
    #[error("`{0}` is not the ARN of a KMS key: arn:aws:kms:REGION:ACCOUNT:key/ID is wanted")]
    Key(String),
}

/// The statements of these grants, one for each key: only through S3 of the key's region (`kms:ViaService`).
///
/// # Errors
/// Not a key's ARN.
pub fn policy(grants: &[Grant]) -> Result<Document, KmsError> {
    let mut statements = Vec::new();
    for (index, Grant { key, access }) in grants.iter().enumerate() {
        let region = region_of_key(key).ok_or_else(|| KmsError::Key(key.clone()))?;
        let (verb, actions): (_, &[&str]) = match access {
            Access::List => continue,
            Access::Read => ("Decrypt", &["kms:Decrypt"]),
            // A multipart upload reads back what it wrote.
            Access::Write => ("Encrypt", &["kms:Decrypt", "kms:GenerateDataKey"]),
        };
        statements.push(Statement {
            sid: Some(format!("{verb}ByKey{}", index + 1)),
            action: actions.iter().copied().collect::<Values>(),
            resource: Some(key.as_str().into()),
            condition: [("StringEquals".to_owned(), [("kms:ViaService".to_owned(), via_s3(region).into())].into())]
                .into(),
            ..Statement::default()
        });
    }
    Ok(Document::new(statements))
}

/// How S3 of a region is called where it asks KMS for somebody: `s3.us-west-2.amazonaws.com`.
#[must_use]
pub fn via_s3(region: &str) -> String {
    let suffix = if Partition::of_region(region) == Partition::China { ".cn" } else { "" };
    format!("s3.{region}.amazonaws.com{suffix}")
}

fn region_of_key(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [head, _, service, region, account, resource] = parts[..] else { return None };
    let id = resource.strip_prefix("key/")?;
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (head == "arn" && service == "kms" && !region.is_empty() && is_account && is_id).then_some(region)
}
