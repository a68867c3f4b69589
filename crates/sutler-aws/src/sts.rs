//! Security Token Service: who the caller is, and roles taken by a pod's token.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use jiff::Timestamp;

use crate::call::{Call, CallError};
use crate::client::Aws;
use crate::endpoint::Service;
use crate::xml::find;

const VERSION: &str = "2011-06-15";

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Caller {
    /// The account, twelve digits.
    pub account: String,
    /// The ARN: of a user, of a session of a role, or of the account's root.
    pub arn: String,
    /// AWS's id of the user or session.
    pub user_id: String,
}

/// Credentials of a role that a token was exchanged for.
#[derive(Clone, Debug)]
pub struct RoleSession {
    /// The session's ARN: `arn:aws:sts::444455556666:assumed-role/NAME/SESSION`.
    pub arn: String,
    /// The credentials; they print without their secret.
    pub credentials: Credentials,
}

impl Aws {
    /// Who asks (`sts:GetCallerIdentity`); no right is needed for it.
    ///
    /// # Errors
    /// If there are no credentials, or they do not hold.
    pub async fn caller(&self) -> Result<Caller, CallError> {
        let call = Call::query(Service::Sts, VERSION, "GetCallerIdentity", "the caller".into(), &[]);
        self.read(call, |answer| {
            Some(Caller {
                account: find(answer, "Account")?.to_owned(),
                arn: find(answer, "Arn")?.to_owned(),
                user_id: find(answer, "UserId")?.to_owned(),
            })
        })
        .await
    }

    /// Takes a role by a token of a cluster's issuer (`sts:AssumeRoleWithWebIdentity`), as the SDK in a pod does. No
    /// credentials are needed: the token is the proof.
    ///
    /// # Errors
    /// If the role's trust policy refuses the token, or STS cannot verify it.
    pub async fn assume_role_with_web_identity(
        &self,
        role_arn: &str,
        session: &str,
        token: &str,
    ) -> Result<RoleSession, CallError> {
        let parameters = [("RoleArn", role_arn), ("RoleSessionName", session), ("WebIdentityToken", token)];
        let operation = "AssumeRoleWithWebIdentity";
        let mut call = Call::query(Service::Sts, VERSION, operation, format!("role {role_arn}"), &parameters);
        call.signed = false;
        self.read(call, |answer| {
            let expires: Timestamp = find(answer, "Expiration")?.parse().ok()?;
            let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(expires.as_second()).ok()?);
            let credentials = Credentials::new(
                find(answer, "AccessKeyId")?,
                find(answer, "SecretAccessKey")?,
                Some(find(answer, "SessionToken")?.to_owned()),
                Some(expires),
                "WebIdentityToken",
            );
            Some(RoleSession { arn: find(answer, "Arn")?.to_owned(), credentials })
        })
        .await
    }
}
