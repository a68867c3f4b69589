//! Names that AWS and Kubernetes limit: accounts, roles, service accounts.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The longest role name that IAM takes.
pub const ROLE_NAME_LIMIT: usize = 64;

/// A name that AWS or Kubernetes would refuse.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// Not twelve digits.
    #[error("`{0}` is not an AWS account: twelve digits are wanted")]
    Account(String),
    /// Too long for IAM.
    #[error("role name `{name}` has {length} characters, IAM takes at most {ROLE_NAME_LIMIT}")]
    RoleTooLong {
        /// The name.
        name: String,
        /// Its length.
        length: usize,
    },
    /// Empty, or with a character that IAM does not take.
    #[error("`{0}` is not a role name: letters, digits and +=,.@-_ are wanted")]
    Role(String),
    /// Not an ARN of a role.
    #[error("`{0}` is not the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME is wanted")]
    Arn(String),
    /// Not `namespace/name`.
    #[error("`{0}` is not a service account: namespace/name is wanted")]
    ServiceAccount(String),
}

/// An AWS account: twelve digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);

impl AccountId {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Account(text.to_owned()))
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An IAM role's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName(String);

impl RoleName {
    /// The name of a stack's role in a cluster: `<cluster>_<role>`.
    ///
    /// # Errors
    /// It is too long for IAM or has a character that IAM does not take.
    pub fn of(cluster: &str, role: &str) -> Result<Self, NameError> {
        format!("{cluster}_{role}").parse()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The role's ARN in an account.
    #[must_use]
    pub fn arn(&self, partition: Partition, account: &AccountId) -> RoleArn {
        RoleArn(format!("arn:{}:iam::{account}:role/{self}", partition.as_str()))
    }
}

impl FromStr for RoleName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        let length = name.chars().count();
        if length > ROLE_NAME_LIMIT {
            return Err(NameError::RoleTooLong { name: name.to_owned(), length });
        }
        if name.is_empty() || !name.bytes().all(is_role_byte) {
            return Err(NameError::Role(name.to_owned()));
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_role_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+=,.@-_".contains(&byte)
}

/// A role's ARN: `arn:aws:iam::123456789012:role/path/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleArn(String);

impl RoleArn {
    /// The ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account in it.
    #[must_use]
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or("")
    }

    /// The role's name, without its path.
    #[must_use]
    pub fn role_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or("")
    }
}

impl FromStr for RoleArn {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let bad = || NameError::Arn(text.to_owned());
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().unwrap_or("");
        let (arn, partition, service, region, account, resource) = (next(), next(), next(), next(), next(), next());
        let is_partition = partition.strip_prefix("aws").is_some_and(|rest| {
            rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        });
        let path = resource.strip_prefix("role/").ok_or_else(bad)?;
        let name = path.rsplit('/').next().unwrap_or("");
        let is_path = path.bytes().all(|byte| is_role_byte(byte) || byte == b'/');
        let is_role = arn == "arn" && is_partition && service == "iam" && region.is_empty() && is_path;
        if !is_role || account.parse::<AccountId>().is_err() || name.parse::<RoleName>().is_err() {
            return Err(bad());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The part of AWS that a region belongs to; it begins every ARN.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Partition {
    /// `aws`.
    #[default]
    Standard,
    /// `aws-cn`.
    China,
    /// `aws-us-gov`.
    GovCloud,
}

impl Partition {
    /// The partition of a region.
    #[must_use]
    pub fn of_region(region: &str) -> Self {
        if region.starts_with("cn-") {
            Self::China
        } else if region.starts_with("us-gov-") {
            Self::GovCloud
        } else {
            Self::Standard
        }
    }

    /// As ARNs write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "aws",
            Self::China => "aws-cn",
            Self::GovCloud => "aws-us-gov",
        }
    }
}

/// Service accounts that may take a role: `namespace/name`, where either may hold `*` and `?`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceAccountName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ServiceAccountName {
    /// Whether it is a pattern.
    #[must_use]
    pub fn is_glob(&self) -> bool {
        [&self.namespace, &self.name].iter().any(|text| text.contains(['*', '?']))
    }

    /// The `sub` of its tokens: `system:serviceaccount:NAMESPACE:NAME`.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }

    /// Whether it means the service account of this namespace and name, as IAM's `StringLike` has it: `*` may cover a colon.
    #[must_use]
    pub fn matches(&self, namespace: &str, name: &str) -> bool {
        let other = Self { namespace: namespace.to_owned(), name: name.to_owned() };
        crate::pattern::string_like(&self.subject(), &other.subject())
    }
}

impl FromStr for ServiceAccountName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let bad = || NameError::ServiceAccount(text.to_owned());
        let (namespace, name) = text.split_once('/').ok_or_else(bad)?;
        // DNS labels and subdomains, and the two wildcards of IAM.
        let is_part = |part: &str, dots: bool| {
            let is_byte = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-*?".contains(&byte) || (dots && byte == b'.')
            };
            !part.is_empty() && part.len() <= 253 && part.bytes().all(is_byte)
        };
        if !is_part(namespace, false) || !is_part(name, true) {
            return Err(bad());
        }
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for ServiceAccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: FromStr<Err = NameError> + fmt::Display>(text: &str, expect: &str) {
        let read = match text.parse::<T>() {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(read, expect);
    }

    #[test]
    fn names_are_those_that_aws_takes() {
        check::<AccountId>("444455556666", "444455556666");
        check::<AccountId>("44445555666", "`44445555666` is not an AWS account: twelve digits are wanted");
        check::<RoleName>("data-team-prod_DaftRole", "data-team-prod_DaftRole");
        check::<RoleName>("a b", "`a b` is not a role name: letters, digits and +=,.@-_ are wanted");
        check::<RoleName>("", "`` is not a role name: letters, digits and +=,.@-_ are wanted");
        let long = "a".repeat(65);
        check::<RoleName>(&long, &format!("role name `{long}` has 65 characters, IAM takes at most 64"));
        check::<RoleArn>(
            "arn:aws:iam::444455556666:role/team/DaftRole",
            "arn:aws:iam::444455556666:role/team/DaftRole",
        );
        for bad in [
            "DaftRole",
            "arn:aws:iam::4444:role/x",
            "arn:aws:iam::444455556666:user/x",
            "arn:aws:iam:us-west-2:444455556666:role/x",
            "arn:gcp:iam::444455556666:role/x",
            "arn:aws:iam::444455556666:role/",
        ] {
            check::<RoleArn>(
                bad,
                &format!("`{bad}` is not the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME is wanted"),
            );
        }
        check::<ServiceAccountName>("ray/daft", "ray/daft");
        check::<ServiceAccountName>("ray/daft-*", "ray/daft-*");
        for bad in ["daft", "Ray/daft", "ray/", "ray/da ft", "a.b/c", "a/b/c"] {
            check::<ServiceAccountName>(bad, &format!("`{bad}` is not a service account: namespace/name is wanted"));
        }
    }

    #[test]
    fn an_arn_is_made_from_cluster_role_and_account() {
        let name = RoleName::of("data-team-prod", "DaftRole").unwrap();
        let arn = name.arn(Partition::of_region("us-west-2"), &"444455556666".parse().unwrap());
        assert_eq!(arn.as_str(), "arn:aws:iam::444455556666:role/data-team-prod_DaftRole");
        assert_eq!((arn.account(), arn.role_name()), ("444455556666", "data-team-prod_DaftRole"));
        assert_eq!(Partition::of_region("cn-north-1").as_str(), "aws-cn");
        assert_eq!(arn.as_str().parse::<RoleArn>(), Ok(arn));
    }

    #[test]
    fn a_glob_means_what_it_says() {
        let glob: ServiceAccountName = "ray-*/daft".parse().unwrap();
        assert!(glob.is_glob() && glob.matches("ray-a", "daft") && !glob.matches("ray", "daft"));
    }
}
