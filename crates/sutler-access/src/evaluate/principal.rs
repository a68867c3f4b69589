//! Whether the principals of a statement are the caller, and how directly they name it.

use super::compile::CompileError;
use crate::policy::Principal;
use crate::request::{Caller, Request};

/// How a statement names a caller; what is greater is more direct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Naming {
    /// Not at all.
    No,
    /// By the account, which leaves it to that account's policies.
    Account,
    /// By the ARN of the role, or of the user of a federated session.
    Role,
    /// By its own ARN, or as everybody.
    Direct,
}

/// The principals of a statement.
#[derive(Debug, Clone, Default)]
pub(crate) struct Principals {
    everybody: bool,
    accounts: Vec<String>,
    arns: Vec<String>,
    services: Vec<String>,
    providers: Vec<String>,
}

impl Principals {
    pub(crate) fn new(principal: &Principal) -> Result<Self, CompileError> {
        let mut found = Self::default();
        match principal {
            Principal::Anybody(text) if text == "*" => found.everybody = true,
            Principal::Anybody(text) => return Err(CompileError::Principal(text.clone())),
            Principal::Of(kinds) => {
                for (kind, values) in kinds {
                    let list = match kind.as_str() {
                        "AWS" => {
                            values.iter().for_each(|value| found.add_aws(value));
                            continue;
                        }
                        "Service" => &mut found.services,
                        "Federated" => &mut found.providers,
                        // Canonical users are known to S3 alone, which writes them back as ARNs.
                        "CanonicalUser" => continue,
                        _ => return Err(CompileError::PrincipalKind(kind.clone())),
                    };
                    list.extend(values.iter().map(str::to_owned));
                }
            }
        }
        Ok(found)
    }

    fn add_aws(&mut self, value: &str) {
        if value == "*" {
            self.everybody = true;
        } else if let Some(account) = account_of(value) {
            self.accounts.push(account.to_owned());
        } else {
            self.arns.push(value.to_owned());
        }
    }

    /// How they name the caller.
    pub(crate) fn naming(&self, request: &Request) -> Naming {
        if self.everybody {
            return Naming::Direct;
        }
        let caller = request.caller();
        let has = |list: &[String], wanted: &str| list.iter().any(|one| one == wanted);
        let is_named = match caller {
            Caller::WebIdentity { provider } => has(&self.providers, provider),
            Caller::Service { name } => has(&self.services, name),
            Caller::Anonymous => false,
            // The root user's ARN means the account, which is all of it that there is.
            Caller::Root { .. } => caller.account().is_some_and(|account| has(&self.accounts, account)),
            _ => request.caller_arn().is_some_and(|arn| has(&self.arns, arn)),
        };
        if is_named {
            return Naming::Direct;
        }
        let is_by_role = match caller {
            Caller::Session { role, .. } => has(&self.arns, role),
            Caller::FederatedUser { user, .. } => has(&self.arns, user),
            _ => false,
        };
        match caller.account() {
            _ if is_by_role => Naming::Role,
            Some(account) if has(&self.accounts, account) => Naming::Account,
            _ => Naming::No,
        }
    }

    /// Whether every name of the caller stands there: its account and, of a session, the role and the session. `NotPrincipal` spares
    /// nobody else, for AWS "might validate the account first, then the role, and then the assumed-role user".
    pub(crate) fn names_wholly(&self, request: &Request) -> bool {
        let caller = request.caller();
        let has_arn = |wanted: &str| self.arns.iter().any(|arn| arn == wanted);
        let has_account = caller.account().is_some_and(|account| self.accounts.iter().any(|one| one == account));
        let has_itself = request.caller_arn().is_some_and(has_arn);
        match caller {
            _ if self.everybody => true,
            Caller::Root { .. } => has_account,
            Caller::User { .. } => has_account && has_itself,
            Caller::Session { role, .. } => has_account && has_itself && has_arn(role),
            Caller::FederatedUser { .. } => has_account && has_itself,
            Caller::WebIdentity { provider } => self.providers.contains(provider),
            Caller::Service { name } => self.services.contains(name),
            Caller::Anonymous => false,
        }
    }
}

/// The account that `111122223333` or `arn:aws:iam::111122223333:root` names.
pub(crate) fn account_of(value: &str) -> Option<&str> {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_account(value) {
        return Some(value);
    }
    let mut parts = value.split(':');
    let (head, _, service, region) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (account, resource) = (parts.next()?, parts.next()?);
    let is_root =
        head == "arn" && service == "iam" && region.is_empty() && resource == "root" && parts.next().is_none();
    (is_root && is_account(account)).then_some(account)
}
