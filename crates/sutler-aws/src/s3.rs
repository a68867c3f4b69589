//! Simple Storage Service: what a bucket says about who may read it.

use crate::call::{Call, CallError, Reason, encode, found};
use crate::client::Aws;
use crate::endpoint::Service;
use crate::xml::find;

/// How a bucket's objects are encrypted where the writer does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketEncryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub algorithm: String,
    /// The key, by ARN, id or alias, where there is one.
    pub key: Option<String>,
}

impl Aws {
    /// The bucket's policy as JSON (`s3:GetBucketPolicy`); `None` if it has none.
    ///
    /// # Errors
    /// If it cannot be asked, also since the bucket does not exist in this account's eyes.
    pub async fn bucket_policy(&self, bucket: &str) -> Result<Option<String>, CallError> {
        let call = bucket_call("GetBucketPolicy", bucket, "policy");
        let (action, object) = ("s3:GetBucketPolicy".to_owned(), call.object.clone());
        match found(self.xml(call).await)? {
            Some(text) if text.trim_start().starts_with('{') => Ok(Some(text)),
            Some(_) => Err(CallError { action, object, reason: Reason::Answer("it is no policy".into()) }),
            None => Ok(None),
        }
    }

    /// How the bucket encrypts (`s3:GetEncryptionConfiguration`); `None` if it says nothing.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub async fn bucket_encryption(&self, bucket: &str) -> Result<Option<BucketEncryption>, CallError> {
        let call = bucket_call("GetEncryptionConfiguration", bucket, "encryption");
        let answer = self.read(call, |answer| {
            Some(BucketEncryption {
                algorithm: find(answer, "SSEAlgorithm")?.to_owned(),
                key: find(answer, "KMSMasterKeyID").filter(|key| !key.is_empty()).map(str::to_owned),
            })
        });
        found(answer.await)
    }

    /// The bucket's region (`s3:GetBucketLocation`); `None` if there is no such bucket.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub async fn bucket_region(&self, bucket: &str) -> Result<Option<String>, CallError> {
        let call = bucket_call("GetBucketLocation", bucket, "location");
        let answer = self.read(call, |answer| {
            // The first region of S3 has no name here, the second an old one.
            Some(match answer.text().map(str::trim) {
                None | Some("") => "us-east-1".to_owned(),
                Some("EU") => "eu-west-1".to_owned(),
                Some(region) => region.to_owned(),
            })
        });
        found(answer.await)
    }
}

fn bucket_call<'a>(operation: &'a str, bucket: &str, query: &str) -> Call<'a> {
    // Path style works for every bucket that exists and at every endpoint that stands in for S3.
    Call::get(Service::S3, operation, format!("bucket {bucket}"), format!("/{}?{query}=", encode(bucket)))
}
