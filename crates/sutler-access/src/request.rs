//! What is asked of IAM: a caller, an action, a resource, and the context that conditions look at.

use std::collections::BTreeMap;
use std::fmt;

/// Who asks. ARNs are taken as they are; [`Caller::parse`] checks them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Caller {
    /// An account's root user.
    Root {
        /// `arn:aws:iam::ACCOUNT:root`.
        arn: String,
    },
    /// An IAM user with its own keys.
    User {
        /// `arn:aws:iam::ACCOUNT:user/NAME`, with its path.
        arn: String,
    },
    /// A session of a role: a pod with IRSA or Pod Identity, an instance, whoever called `AssumeRole`.
    Session {
        /// The role's ARN with its path, which the session's ARN leaves out.
        role: String,
        /// The session's name.
        session: String,
    },
    /// A session by `GetFederationToken`.
    FederatedUser {
        /// The user who made it, by ARN.
        user: String,
        /// The session's name.
        name: String,
    },
    /// Who shows a token of an identity provider, and has no identity in AWS yet.
    WebIdentity {
        /// The provider's ARN, or the host of a provider that IAM knows by itself.
        provider: String,
    },
    /// A service of AWS on its own account: `pods.eks.amazonaws.com`.
    Service {
        /// The service principal.
        name: String,
    },
    /// Nobody: a request without signature.
    Anonymous,
}

impl Caller {
    /// From an ARN: a user, an account's root, or a session (`arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, whose role is
    /// then taken to have no path).
    #[must_use]
    pub fn parse(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let [head, partition, service, "", account, resource] = parts[..] else { return None };
        if head != "arn" || account.len() != 12 {
            return None;
        }
        let kind = resource.split('/').next().unwrap_or("");
        match (service, kind) {
            ("iam", "root") => Some(Self::Root { arn: arn.to_owned() }),
            ("iam", "user") => Some(Self::User { arn: arn.to_owned() }),
            ("sts", "assumed-role") => {
                let (role, session) = resource.strip_prefix("assumed-role/")?.split_once('/')?;
                let role = format!("arn:{partition}:iam::{account}:role/{role}");
                Some(Self::Session { role, session: session.to_owned() })
            }
            ("sts", "federated-user") => {
                let name = resource.strip_prefix("federated-user/")?.to_owned();
                Some(Self::FederatedUser { user: format!("arn:{partition}:iam::{account}:user/{name}"), name })
            }
            _ => None,
        }
    }

    /// The account that the caller belongs to; a service, a token's bearer and nobody belong to none.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        let arn = match self {
            Self::Root { arn } | Self::User { arn } => arn,
            Self::Session { role, .. } => role,
            Self::FederatedUser { user, .. } => user,
            Self::WebIdentity { .. } | Self::Service { .. } | Self::Anonymous => return None,
        };
        arn.split(':').nth(4).filter(|account| !account.is_empty())
    }

    /// The ARN by which resource policies name exactly this caller: of a session its own, not its role's.
    #[must_use]
    pub fn arn(&self) -> Option<String> {
        let session_arn = |of: &str, kind: &str, name: &str| {
            let mut parts = of.split(':');
            let partition = parts.nth(1).unwrap_or("aws");
            let account = parts.nth(2).unwrap_or("");
            format!("arn:{partition}:sts::{account}:{kind}/{name}")
        };
        match self {
            Self::Root { arn } | Self::User { arn } => Some(arn.clone()),
            Self::Session { role, session } => {
                let name = role.rsplit('/').next().unwrap_or("");
                Some(session_arn(role, "assumed-role", &format!("{name}/{session}")))
            }
            Self::FederatedUser { user, name } => Some(session_arn(user, "federated-user", name)),
            Self::WebIdentity { .. } | Self::Service { .. } | Self::Anonymous => None,
        }
    }

    /// Whether organisations leave it alone: service control policies do not limit service-linked roles.
    #[must_use]
    pub fn is_service_linked(&self) -> bool {
        matches!(self, Self::Session { role, .. } if role.contains(":role/aws-service-role/"))
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebIdentity { provider } => write!(f, "a token of {provider}"),
            Self::Service { name } => f.write_str(name),
            Self::Anonymous => f.write_str("anybody without credentials"),
            named => f.write_str(&named.arn().unwrap_or_default()),
        }
    }
}

/// Context keys and their values. Keys are compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context(BTreeMap<String, Vec<String>>);

impl Context {
    /// One value for each key.
    #[must_use]
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut context = Self::default();
        for (key, value) in pairs {
            context.set(key, [value]);
        }
        context
    }

    /// Sets a key to these values. None at all is a key that is there and empty.
    pub fn set<T: Into<String>>(&mut self, key: &str, values: impl IntoIterator<Item = T>) {
        self.0.insert(key.to_ascii_lowercase(), values.into_iter().map(Into::into).collect());
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(&key.to_ascii_lowercase());
    }

    /// The values of a key that is written in lower case.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.0.get(key).map(Vec::as_slice)
    }

    /// All keys, in lower case, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(key, values)| (key.as_str(), values.as_slice()))
    }
}

/// A request, as IAM sees it.
///
/// ```
/// use sutler_access::{Caller, Request};
///
/// let caller = Caller::parse("arn:aws:sts::444455556666:assumed-role/DaftRole/pod").ok_or("no caller")?;
/// let request = Request::new(caller, "s3:ListBucket", "arn:aws:s3:::team-data").with("s3:prefix", "events/");
/// assert_eq!(request.context().get("aws:principalarn"), Some(&["arn:aws:iam::444455556666:role/DaftRole".to_owned()][..]));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    caller: Caller,
    caller_arn: Option<String>,
    action: String,
    action_key: String,
    resource: String,
    resource_account: Option<String>,
    context: Context,
}

impl Request {
    /// A request with the context keys that IAM itself derives from the caller and the resource (`aws:PrincipalArn`,
    /// `aws:PrincipalAccount`, `aws:PrincipalType`, `aws:username`, `aws:PrincipalIsAWSService`, `aws:ResourceAccount`).
    ///
    /// The resource's account is the one in its ARN; without one (S3) it is the caller's, until [`Request::resource_account`]
    /// says another.
    #[must_use]
    pub fn new(caller: Caller, action: impl Into<String>, resource: impl Into<String>) -> Self {
        let (action, resource) = (action.into(), resource.into());
        let written = resource.split(':').nth(4).filter(|account| !account.is_empty());
        let resource_account = written.or(caller.account()).map(str::to_owned);
        let mut context = Context::default();
        if let Some(account) = caller.account() {
            context.set("aws:PrincipalAccount", [account]);
        }
        context.set("aws:PrincipalIsAWSService", [matches!(caller, Caller::Service { .. }).to_string()]);
        match &caller {
            Caller::Root { arn } => {
                context.set("aws:PrincipalArn", [arn]);
                context.set("aws:PrincipalType", ["Account"]);
            }
            Caller::User { arn } => {
                context.set("aws:PrincipalArn", [arn]);
                context.set("aws:PrincipalType", ["User"]);
                context.set("aws:username", [arn.rsplit('/').next().unwrap_or("")]);
            }
            Caller::Session { role, .. } => {
                context.set("aws:PrincipalArn", [role]);
                context.set("aws:PrincipalType", ["AssumedRole"]);
            }
            Caller::FederatedUser { .. } => {
                context.set("aws:PrincipalArn", caller.arn());
                context.set("aws:PrincipalType", ["FederatedUser"]);
            }
            Caller::Service { name } => context.set("aws:PrincipalServiceName", [name]),
            Caller::Anonymous => context.set("aws:PrincipalType", ["Anonymous"]),
            Caller::WebIdentity { .. } => {}
        }
        if let Some(account) = &resource_account {
            context.set("aws:ResourceAccount", [account]);
        }
        let (action_key, caller_arn) = (action.to_ascii_lowercase(), caller.arn());
        Self { caller, caller_arn, action, action_key, resource, resource_account, context }
    }

    /// The same request for a resource of this account.
    #[must_use]
    pub fn resource_account(mut self, account: impl Into<String>) -> Self {
        let account = account.into();
        self.context.set("aws:ResourceAccount", [&account]);
        self.resource_account = Some(account);
        self
    }

    /// The same request with a context key of one value.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.context.set(key, [value.into()]);
        self
    }

    /// The same request with a context key of these values.
    #[must_use]
    pub fn with_all<T: Into<String>>(mut self, key: &str, values: impl IntoIterator<Item = T>) -> Self {
        self.context.set(key, values);
        self
    }

    /// The same request without a context key, also one that was derived.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.context.remove(key);
        self
    }

    /// Who asks.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What is asked for, as written.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// On what.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// What conditions look at.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Whether caller and resource belong to one account. A caller of no account counts as one of another.
    #[must_use]
    pub fn is_same_account(&self) -> bool {
        self.caller.account().is_some() && self.caller.account() == self.resource_account.as_deref()
    }

    pub(crate) fn action_key(&self) -> &str {
        &self.action_key
    }

    pub(crate) fn caller_arn(&self) -> Option<&str> {
        self.caller_arn.as_deref()
    }
}
