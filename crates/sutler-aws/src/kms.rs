//! Key Management Service: what a key's policy says.

use serde_json::json;

use crate::call::{Call, CallError, found};
use crate::client::Aws;
use crate::endpoint::Service;

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its ARN.
    pub arn: String,
    /// `AWS` for keys that AWS keeps for the account, `CUSTOMER` for the account's own.
    pub manager: String,
    /// `Enabled`, `Disabled`, `PendingDeletion` …
    pub state: String,
}

impl Aws {
    /// A key by id, ARN or alias (`kms:DescribeKey`); `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub async fn key(&self, key: &str) -> Result<Option<Key>, CallError> {
        let call =
            Call::json(Service::Kms, "TrentService", "DescribeKey", format!("key {key}"), &json!({"KeyId": key}));
        let answer = found(self.json_answer(call).await)?;
        Ok(answer.and_then(|answer| {
            let text = |name: &str| answer["KeyMetadata"][name].as_str().map(str::to_owned);
            Some(Key {
                arn: text("Arn")?,
                manager: text("KeyManager").unwrap_or_default(),
                state: text("KeyState").unwrap_or_default(),
            })
        }))
    }

    /// The policy of a key, by id or ARN, as JSON (`kms:GetKeyPolicy`); `None` if there is no such key.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub async fn key_policy(&self, key: &str) -> Result<Option<String>, CallError> {
        let input = json!({"KeyId": key, "PolicyName": "default"});
        let call = Call::json(Service::Kms, "TrentService", "GetKeyPolicy", format!("key {key}"), &input);
        let answer = found(self.json_answer(call).await)?;
        Ok(answer.and_then(|answer| answer["Policy"].as_str().map(str::to_owned)))
    }
}
