//! What roles may do: one document a role, of what stack.yaml grants it and the statements of a policy file of the owner's.

use std::collections::BTreeMap;
use std::path::Path;

use sutler_access::glue::GlueError;
use sutler_access::kms::KmsError;
use sutler_access::names::{AccountId, Partition};
use sutler_access::policy::{Document, PolicyKind, Statement, Values};
use sutler_access::read::{self, Fault, read};
use sutler_access::s3::{Access, Grant, S3Error};
use sutler_access::{glue, kms, s3};

use crate::file::diagnostic::{Diagnostic, Place, Report};
use crate::file::model::{S3Access, S3Grant};
use crate::load::LoadError;
use crate::stack::{Role, Stack};

/// Statements that the owner of a stack wrote for a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPolicy {
    /// The file, as stack.yaml names it: relative to it.
    pub path: String,
    /// What it says.
    pub document: Document,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PermissionsError {
    /// A bucket.
    #[error(transparent)]
    S3(#[from] S3Error),
    /// A bucket's key.
    #[error(transparent)]
    Kms(#[from] KmsError),
    /// A table.
    #[error(transparent)]
    Glue(#[from] GlueError),
    /// Glue's ARNs have an account in them.
    #[error("tables of Glue are named by their account, and environment `{0}` has no `account`")]
    Account(String),
    /// IAM wants each statement's id once.
    #[error("statement id `{id}` of {path} is one that is made from the role's grants")]
    Sid {
        /// The id.
        id: String,
        /// The owner's file.
        path: String,
    },
}

impl PermissionsError {
    /// The key of the role that it is about.
    pub(crate) fn part(&self) -> &'static str {
        match self {
            Self::S3(_) | Self::Kms(_) => "s3",
            Self::Glue(_) | Self::Account(_) => "glue",
            Self::Sid { .. } => "policy",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Account(environment) => Some(format!("write `account` of environment `{environment}`")),
            Self::Sid { .. } => Some("give the statement another `Sid`, or none".into()),
            _ => None,
        }
    }
}

impl Role {
    /// Its buckets as the policy's maker takes them.
    pub(crate) fn s3_grants(&self) -> Vec<Grant> {
        let grant = |grant: &S3Grant| Grant {
            bucket: grant.bucket.clone(),
            prefix: grant.prefix.clone().unwrap_or_default(),
            access: access(grant.access),
        };
        self.s3.iter().map(grant).collect()
    }

    /// The keys of its buckets, each once, with the most that any of its buckets needs.
    fn kms_grants(&self) -> Vec<kms::Grant> {
        let mut keys: BTreeMap<&str, Access> = BTreeMap::new();
        for grant in &self.s3 {
            if let Some(key) = &grant.kms_key {
                let wanted = access(grant.access);
                keys.entry(key).and_modify(|access| *access = wanted.max(*access)).or_insert(wanted);
            }
        }
        keys.into_iter().map(|(key, access)| kms::Grant { key: key.to_owned(), access }).collect()
    }

    /// What it may do by its own policy; managed policies and the boundary are beside it. `None` where nothing is granted.
    pub(crate) fn permissions(&self, stack: &Stack) -> Result<Option<Document>, PermissionsError> {
        let partition = Partition::of_region(&stack.region);
        let mut statements = Vec::new();
        let s3 = self.s3_grants();
        if !s3.is_empty() {
            statements.extend(s3::policy(&s3, partition)?.statement);
        }
        statements.extend(kms::policy(&self.kms_grants())?.statement);
        if !self.glue.is_empty() {
            let account = stack.account.as_ref().and_then(|account| account.parse::<AccountId>().ok());
            let account = account.ok_or_else(|| PermissionsError::Account(stack.environment.clone()))?;
            statements.extend(glue::policy(&self.glue, partition, &stack.region, &account)?.statement);
        }
        if !self.assume.is_empty() {
            statements.push(Statement {
                sid: Some("TakeRoles".to_owned()),
                action: ["sts:AssumeRole", "sts:TagSession"].into_iter().collect::<Values>(),
                resource: Some(Values(self.assume.clone())),
                ..Statement::default()
            });
        }
        if let Some(own) = &self.policy {
            let is_taken = |id: &String| statements.iter().any(|made| made.sid.as_ref() == Some(id));
            if let Some(id) = own.document.statement.iter().filter_map(|own| own.sid.as_ref()).find(|id| is_taken(id)) {
                return Err(PermissionsError::Sid { id: id.clone(), path: own.path.clone() });
            }
            statements.extend(own.document.statement.iter().cloned());
        }
        Ok((!statements.is_empty()).then(|| Document::new(statements)))
    }

    /// What the role may do, in a few words: `read s3://team-data, write s3://team-scratch/daft/`.
    pub fn grants(&self) -> String {
        let s3 = self.s3.iter().map(|grant| {
            let verb = match grant.access {
                S3Access::Read => "read",
                S3Access::Write => "write",
            };
            let prefix = grant.prefix.as_deref().map(|prefix| format!("/{prefix}")).unwrap_or_default();
            format!("{verb} s3://{}{prefix}", grant.bucket)
        });
        let glue = self.glue.iter().map(|grant| match &grant.tables[..] {
            [] => format!("read glue:{}", grant.database),
            tables => format!("read glue:{}.{{{}}}", grant.database, tables.join(",")),
        });
        let assume = self.assume.iter().map(|arn| format!("take {arn}"));
        let own = self.policy.iter().map(|own| own.path.clone());
        let managed = self.managed_policies.iter().map(|arn| arn.rsplit('/').next().unwrap_or(arn).to_owned());
        s3.chain(glue).chain(assume).chain(own).chain(managed).collect::<Vec<_>>().join(", ")
    }
}

fn access(written: S3Access) -> Access {
    match written {
        S3Access::Read => Access::Read,
        S3Access::Write => Access::Write,
    }
}

/// Reads the policy files that the stack's roles name, in the folder of stack.yaml.
///
/// # Errors
/// If one cannot be read, or IAM would refuse it.
pub(crate) fn read_policies(stack: &mut Stack, folder: &Path) -> Result<(), LoadError> {
    for role in stack.roles.values_mut() {
        let Some(name) = stack.file.file.roles.get(&role.key).and_then(|written| written.policy.clone()) else {
            continue;
        };
        let path = folder.join(&name);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(LoadError::Policy { role: role.key.clone(), path, source }),
        };
        let document = own_policy(&path.display().to_string(), &text).map_err(LoadError::File)?;
        role.policy = Some(OwnPolicy { path: name, document });
    }
    Ok(())
}

/// A policy file's document.
fn own_policy(path: &str, text: &str) -> Result<Document, Box<Report>> {
    let found = read(text, PolicyKind::Identity, path);
    let diagnostic = |problem: &read::Problem| Diagnostic {
        hint: problem.hint(),
        ..Diagnostic::error(Some(Place { line: problem.at.line, column: problem.at.column }), problem.fault.to_string())
    };
    // In the older language `${aws:username}` and the like are plain text: among statements of the newer one they would mean something else.
    let is_refused = |problem: &&read::Problem| {
        problem.severity == read::Severity::Error || matches!(problem.fault, Fault::NoVersion | Fault::OldVersion)
    };
    let refused: Vec<Diagnostic> = found.problems.iter().filter(is_refused).map(diagnostic).collect();
    match found.policy {
        Some(policy) if refused.is_empty() => Ok(policy.document),
        _ => Err(Box::new(Report { path: path.to_owned(), text: text.to_owned(), diagnostics: refused })),
    }
}

#[cfg(test)]
mod tests;
