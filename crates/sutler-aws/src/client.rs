//! [`Aws`]: credentials, region and endpoints, opened once for a command.

use std::sync::Arc;

use aws_config::BehaviorVersion;
use aws_config::Region;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError};

use crate::endpoint::Endpoints;
use crate::http_client::{ForCredentials, client};

/// How to reach an account, where the environment does not say it all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The region; else `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile's.
    pub region: Option<String>,
    /// The profile of `~/.aws/config`; else `AWS_PROFILE`, else `default`.
    pub profile: Option<String>,
}

/// AWS, as this caller sees it from this region.
#[derive(Clone, Debug)]
pub struct Aws {
    pub(crate) http: Arc<reqwest::Client>,
    pub(crate) endpoints: Endpoints,
    pub(crate) region: String,
    credentials: SharedCredentialsProvider,
}

/// Why AWS cannot be asked at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No HTTP client.
    #[error("cannot make an HTTP client for AWS")]
    Client(#[source] reqwest::Error),
    /// No region.
    #[error("no AWS region is known")]
    Region,
    /// No credentials.
    #[error("there are no AWS credentials")]
    NoCredentials(#[source] CredentialsError),
    /// Credentials that do not hold.
    #[error("the AWS credentials cannot be used")]
    Credentials(#[source] CredentialsError),
}

impl OpenError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            OpenError::Client(_) => None,
            OpenError::Region => {
                Some("set `region` in the environment of stack.yaml, AWS_REGION, or the profile's region")
            }
            OpenError::NoCredentials(_) => {
                Some("`aws sso login`, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
            }
            OpenError::Credentials(_) => Some("a single sign-on session that has ended is renewed by `aws sso login`"),
        }
    }
}

impl Aws {
    /// Reads the environment and the profiles. Credentials are not asked for yet.
    ///
    /// # Errors
    /// If no region is known, or no HTTP client can be made.
    pub async fn open(settings: &Settings) -> Result<Aws, OpenError> {
        let http = Arc::new(client().map_err(OpenError::Client)?);
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(ForCredentials(http.clone()));
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let config = loader.load().await;
        let region = config.region().map(|region| region.as_ref().to_owned()).ok_or(OpenError::Region)?;
        let credentials = config.credentials_provider().ok_or_else(|| {
            OpenError::NoCredentials(CredentialsError::not_loaded("the credential chain has no provider"))
        })?;
        Ok(Aws { http, endpoints: Endpoints::from_variables(|name| std::env::var(name).ok()), region, credentials })
    }

    /// The same AWS, asked with other credentials: those that a role was taken for.
    pub fn with_credentials(&self, credentials: Credentials) -> Aws {
        Aws { credentials: SharedCredentialsProvider::new(credentials), ..self.clone() }
    }

    /// The same AWS, asked in another region.
    pub fn in_region(&self, region: &str) -> Aws {
        Aws { region: region.to_owned(), ..self.clone() }
    }

    /// The same AWS, with all services at `url`: what `AWS_ENDPOINT_URL` says for a whole process.
    pub fn with_endpoint(&self, url: &str) -> Aws {
        Aws { endpoints: Endpoints::all_at(url), ..self.clone() }
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Where services were moved to.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The credentials that count now.
    ///
    /// # Errors
    /// If there are none, or they cannot be fetched.
    pub async fn credentials(&self) -> Result<Credentials, OpenError> {
        self.credentials.provide_credentials().await.map_err(|error| match error {
            CredentialsError::CredentialsNotLoaded(_) => OpenError::NoCredentials(error),
            _ => OpenError::Credentials(error),
        })
    }
}
