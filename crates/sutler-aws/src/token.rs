//! The token by which EKS knows an AWS caller: a signed URL of `sts:GetCallerIdentity`, which the cluster opens.
//!
//! As `aws eks get-token` and aws-iam-authenticator make it: the URL holds for 60 seconds in which it must be opened, the token
//! is taken for 15 minutes; a minute is kept back.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::client::{Aws, OpenError};
use crate::endpoint::Service;
use crate::sign::Signer;

/// The header that binds a token to one cluster.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";

/// How long a token is used.
const LASTS: Duration = Duration::from_secs(14 * 60);

/// A bearer token; printed without its text.
#[derive(Clone)]
pub struct ClusterToken {
    /// The text that goes after `Bearer`.
    pub text: String,
    /// When a new one must be made.
    pub expires: Timestamp,
}

impl std::fmt::Debug for ClusterToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ClusterToken").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Why no token could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// No credentials.
    #[error(transparent)]
    Credentials(#[from] OpenError),
    /// A URL that cannot be signed: a name with characters that no header takes.
    #[error("cannot sign a token for cluster `{cluster}`")]
    Sign {
        /// The cluster's name.
        cluster: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Aws {
    /// A token for a cluster of this region.
    ///
    /// # Errors
    /// If there are no credentials.
    pub async fn cluster_token(&self, cluster: &str) -> Result<ClusterToken, TokenError> {
        let credentials = self.credentials().await?;
        let (url, region) = self.endpoints().of(Service::Sts, self.region());
        cluster_token(&credentials, &url, &region, cluster, SystemTime::now())
    }
}

/// A token from credentials, made at `now`.
///
/// # Errors
/// If the cluster's name cannot stand in a header.
pub fn cluster_token(
    credentials: &Credentials,
    sts_url: &str,
    region: &str,
    cluster: &str,
    now: SystemTime,
) -> Result<ClusterToken, TokenError> {
    let failed = |source| TokenError::Sign { cluster: cluster.to_owned(), source };
    let url = format!("{sts_url}/?Action=GetCallerIdentity&Version=2011-06-15");
    let mut request = http::Request::get(url)
        .header(CLUSTER_HEADER, cluster)
        .body(Vec::new())
        .map_err(|error| failed(error.into()))?;
    let signer = Signer { credentials, service: Service::Sts.name(), region, now };
    signer.url(&mut request, Duration::from_secs(60)).map_err(failed)?;
    let expires = Timestamp::try_from(now + LASTS).map_err(|error| failed(error.into()))?;
    // Whole seconds, as kubectl writes and every client reads them.
    let expires = Timestamp::from_second(expires.as_second()).map_err(|error| failed(error.into()))?;
    Ok(ClusterToken { text: format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(request.uri().to_string())), expires })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use aws_credential_types::Credentials;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::cluster_token;

    #[test]
    fn a_token_is_a_signed_url_bound_to_the_cluster() {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_763_900_000);
        let url = "https://sts.us-west-2.amazonaws.com";
        let token = cluster_token(&credentials, url, "us-west-2", "data-team-prod", now).unwrap();
        let encoded = token.text.strip_prefix("k8s-aws-v1.").unwrap();
        let url = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap();
        let (url, signature) = url.rsplit_once("&X-Amz-Signature=").unwrap();
        assert_eq!(
            url,
            "https://sts.us-west-2.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIDEXAMPLE%2F20251123%2Fus-west-2%2Fsts%2Faws4_request&X-Amz-Date=20251123T121320Z\
             &X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id"
        );
        assert_eq!(signature.len(), 64);
        assert_eq!(token.expires.to_string(), "2025-11-23T12:27:20Z");
        assert!(!format!("{token:?}").contains("k8s-aws"));
    }

    #[test]
    fn a_name_that_no_header_takes_is_an_error() {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        let error = cluster_token(&credentials, "https://sts", "r", "a\nb", SystemTime::UNIX_EPOCH).unwrap_err();
        assert_eq!(error.to_string(), "cannot sign a token for cluster `a\nb`");
    }
}
