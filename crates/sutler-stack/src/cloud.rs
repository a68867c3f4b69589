//! AWS for one command: opened once, the account checked before anything else is asked; and an EKS cluster as a Kubernetes
//! API.
//!
//! A cluster in a stand-in for AWS has no Kubernetes behind it. [`KUBECONFIG_VARIABLE`] is the documented seam: where it is set,
//! its current context is taken as the API of the EKS cluster, whatever endpoint AWS names: a real API server's, or a served
//! simulator's, which then stands for the cluster with its pools and roles.

use kube::config::{KubeConfigOptions, Kubeconfig};
use sutler_aws::eks::Cluster;
use sutler_aws::sts::Caller;
use sutler_aws::{Aws, CallError, OpenError, Settings};

use crate::kubeconfig::{Entry, Tokens};
use crate::session::{Session, SessionError};
use crate::stack::Stack;

/// The variable that names a kubeconfig whose current context stands for the API of the EKS cluster.
pub const KUBECONFIG_VARIABLE: &str = "SUTLER_EKS_KUBECONFIG";

/// An account, as the caller sees it from one region.
#[derive(Clone, Debug)]
pub struct Cloud {
    /// The calls.
    pub aws: Aws,
    /// Who asks.
    pub caller: Caller,
}

/// Why AWS could not be asked, or must not be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloudError {
    /// No region or credentials.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A call.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The credentials are another account's.
    #[error("environment `{environment}` is in account {expected}, the credentials are of account {found} ({arn})")]
    Account {
        /// The environment.
        environment: String,
        /// The account of the file.
        expected: String,
        /// The caller's account.
        found: String,
        /// The caller.
        arn: String,
    },
    /// A cluster that cannot be talked to yet, or any more.
    #[error("cluster `{cluster}` is {status}")]
    NotActive {
        /// Its name.
        cluster: String,
        /// As EKS says it: `CREATING`, `DELETING`, `FAILED`.
        status: String,
    },
    /// The kubeconfig of the seam, or the client.
    #[error("cannot talk to the Kubernetes API of cluster `{cluster}`")]
    Session {
        /// The cluster's name.
        cluster: String,
        /// Why.
        #[source]
        source: Box<SessionError>,
    },
    /// The kubeconfig of the seam.
    #[error("cannot use {KUBECONFIG_VARIABLE}={path}")]
    Seam {
        /// Its path.
        path: String,
        /// Why.
        #[source]
        source: Box<kube::config::KubeconfigError>,
    },
}

impl CloudError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            CloudError::Open(error) => error.hint().map(str::to_owned),
            CloudError::Call(error) => error.hint(),
            CloudError::Account { expected, .. } => Some(format!(
                "take credentials of {expected} (AWS_PROFILE, `aws sso login`), or another environment; nothing was asked or changed"
            )),
            CloudError::NotActive { status, .. } if status == "CREATING" => {
                Some("it takes about ten minutes; say it again then".into())
            }
            CloudError::Session { source, .. } => source.hint(),
            CloudError::NotActive { .. } | CloudError::Seam { .. } => None,
        }
    }
}

impl Cloud {
    /// Opens AWS for a stack's environment, and refuses credentials of another account than the file's.
    ///
    /// # Errors
    /// If there are no credentials, they do not hold, or they are another account's.
    pub async fn of_stack(stack: &Stack) -> Result<Cloud, CloudError> {
        let cloud = Cloud::open(&Settings { region: Some(stack.region.clone()), profile: None }).await?;
        check_account(stack.account.as_deref(), &stack.environment, &cloud.caller)?;
        Ok(cloud)
    }

    /// Opens AWS as the environment and these settings say.
    ///
    /// # Errors
    /// If there are no credentials, or they do not hold.
    pub async fn open(settings: &Settings) -> Result<Cloud, CloudError> {
        let aws = Aws::open(settings).await?;
        let caller = aws.caller().await?;
        Ok(Cloud { aws, caller })
    }

    /// The Kubernetes API of an EKS cluster; `None` where there is no such cluster.
    ///
    /// # Errors
    /// If it cannot be described, is not active, or no client can be made.
    pub async fn session(&self, name: &str) -> Result<Option<Session>, CloudError> {
        match self.aws.cluster(name).await? {
            Some(cluster) => self.session_of(&cluster).await.map(Some),
            None => Ok(None),
        }
    }

    /// The Kubernetes API of a cluster that was described.
    ///
    /// # Errors
    /// If it is not active, or no client can be made.
    pub async fn session_of(&self, cluster: &Cluster) -> Result<Session, CloudError> {
        let failed = |source| CloudError::Session { cluster: cluster.name.clone(), source: Box::new(source) };
        if let Some(path) = std::env::var_os(KUBECONFIG_VARIABLE).filter(|path| !path.is_empty()) {
            let refused = |source| CloudError::Seam { path: path.display().to_string(), source: Box::new(source) };
            let kubeconfig = Kubeconfig::read_from(&path).map_err(refused)?;
            let options = KubeConfigOptions::default();
            let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(refused)?;
            return Session::of_stand_in(config).await.map_err(failed);
        }
        let entry = entry(cluster, self.aws.region(), this_program())?;
        let config = async {
            let kubeconfig: Kubeconfig = serde_json::from_value(entry.alone()).map_err(|error| error.to_string())?;
            let options = KubeConfigOptions::default();
            let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
            config.map_err(|error| error.to_string())
        };
        let config = config
            .await
            .map_err(|reason| failed(SessionError::Client { address: entry.server.clone(), source: reason.into() }))?;
        Session::of_config(config).map_err(failed)
    }
}

/// Refuses a caller of another account. Where the file names none, every account is as good: the caller has chosen it.
fn check_account(expected: Option<&str>, environment: &str, caller: &Caller) -> Result<(), CloudError> {
    match expected {
        Some(expected) if expected != caller.account => Err(CloudError::Account {
            environment: environment.to_owned(),
            expected: expected.to_owned(),
            found: caller.account.clone(),
            arn: caller.arn.clone(),
        }),
        _ => Ok(()),
    }
}

/// The kubeconfig entry of a cluster.
///
/// # Errors
/// If it has no endpoint yet.
pub fn entry(cluster: &Cluster, region: &str, tokens: Tokens) -> Result<Entry, CloudError> {
    let Some(server) = cluster.endpoint.clone().filter(|_| cluster.status != "DELETING") else {
        return Err(CloudError::NotActive { cluster: cluster.name.clone(), status: cluster.status.clone() });
    };
    Ok(Entry {
        name: cluster.name.clone(),
        cluster: cluster.name.clone(),
        region: region.to_owned(),
        server,
        certificate_authority: cluster.certificate_authority.clone(),
        tokens,
        profile: std::env::var("AWS_PROFILE").ok().filter(|profile| !profile.is_empty()),
    })
}

/// This program as the maker of tokens.
pub fn this_program() -> Tokens {
    let path = std::env::current_exe().map_or_else(|_| "sutler".into(), |path| path.display().to_string());
    Tokens::Sutler(path)
}

#[cfg(test)]
mod tests {
    use sutler_aws::sts::Caller;

    use super::check_account;

    #[test]
    fn credentials_of_another_account_are_refused_before_anything_is_asked() {
        let caller = Caller {
            account: "111122223333".into(),
            arn: "arn:aws:iam::111122223333:user/eve".into(),
            user_id: "AIDA".into(),
        };
        assert!(check_account(None, "prod", &caller).is_ok());
        assert!(check_account(Some("111122223333"), "prod", &caller).is_ok());
        let error = check_account(Some("444455556666"), "prod", &caller).unwrap_err();
        assert_eq!(
            error.to_string(),
            "environment `prod` is in account 444455556666, the credentials are of account 111122223333 \
             (arn:aws:iam::111122223333:user/eve)"
        );
    }
}
