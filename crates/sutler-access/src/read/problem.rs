//! What can be wrong with a policy's text.

use std::fmt;

use thiserror::Error;

use super::json::SyntaxError;
use crate::condition::ValueError;
use crate::pattern::VariableError;
use crate::policy::{PolicyKind, Position};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// IAM refuses the document.
    Error,
    /// IAM takes it, and it hardly means what was meant.
    Warning,
}

/// A problem and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether IAM refuses it.
    pub severity: Severity,
    /// Where.
    pub at: Position,
    /// What.
    pub fault: Fault,
}

/// `3:15: …`, without the severity.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.fault)
    }
}

impl std::error::Error for Problem {}

impl Problem {
    /// What to do about it, where more can be said than the problem itself does.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match &self.fault {
            Fault::UnknownElement { near: Some(near), .. } => Some(format!("write `{near}`")),
            Fault::NoVersion | Fault::OldVersion => Some("begin with \"Version\": \"2012-10-17\"".to_owned()),
            Fault::Operator { near: Some(near), .. } => Some(format!("write `{near}`")),
            Fault::Wildcard { operator, .. } => Some(format!("write `{}`", operator.replace("Equals", "Like"))),
            Fault::ForAllValues { key } => Some(format!("add \"Null\": {{\"{key}\": \"false\"}} to the condition")),
            Fault::PrincipalPattern(_) => Some("name \"*\" and limit it by a condition on aws:PrincipalArn".to_owned()),
            Fault::DeletedPrincipal(_) => Some("name the ARN again".to_owned()),
            _ => None,
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// It is no JSON.
    #[error("the policy is no JSON: {0}")]
    Syntax(SyntaxError),
    /// A key that stands twice in one object; readers differ in which counts.
    #[error("`{key}` stands twice, first at {first}")]
    Twice {
        /// The key.
        key: String,
        /// Where it stands first.
        first: Position,
    },
    /// An element that the policy language does not have.
    #[error("`{element}` is no element of a policy")]
    UnknownElement {
        /// The element.
        element: String,
        /// What may have been meant.
        near: Option<&'static str>,
    },
    /// A value of another kind.
    #[error("`{element}` is {found}, {wanted} is wanted")]
    WrongKind {
        /// The element.
        element: String,
        /// What is there.
        found: &'static str,
        /// What has to be.
        wanted: &'static str,
    },
    /// An element that must be there.
    #[error("{what} has no `{element}`")]
    Lacks {
        /// The policy or the statement.
        what: &'static str,
        /// The element.
        element: &'static str,
    },
    /// Nothing in a list or object that needs something.
    #[error("`{element}` is empty")]
    Empty {
        /// The element.
        element: String,
    },
    /// Two elements that exclude each other.
    #[error("`{one}` and `{other}` stand in one statement")]
    Both {
        /// The one.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// An element that policies of this kind cannot have.
    #[error("no {kind} can have `{element}`")]
    NotHere {
        /// The policy's kind.
        kind: PolicyKind,
        /// The element.
        element: &'static str,
    },
    /// A version that does not exist.
    #[error("`{0}` is no version of the policy language: 2012-10-17 is")]
    Version(String),
    /// No version: variables are then ordinary text.
    #[error("the policy has no `Version` and counts as one of 2008-10-17, which knows no variables")]
    NoVersion,
    /// A variable in a document that knows none.
    #[error("a variable stands in a policy of 2008-10-17, where it is ordinary text")]
    OldVersion,
    /// Not an effect.
    #[error("`{0}` is no effect: `Allow` or `Deny` is wanted")]
    Effect(String),
    /// A name of a statement with other characters.
    #[error("`{0}` is no name of a statement: letters and digits are wanted")]
    Sid(String),
    /// A name of two statements.
    #[error("`{sid}` is the name of two statements, first at {first}")]
    SidTwice {
        /// The name.
        sid: String,
        /// Where the first is.
        first: Position,
    },
    /// Not an action.
    #[error("`{0}` is no action: `service:Action` or `*` is wanted")]
    Action(String),
    /// An action that a trust policy cannot be about.
    #[error("`{0}` stands in a trust policy, which can only be about sts:AssumeRole… and tags of sessions")]
    TrustAction(String),
    /// All actions of all services, where services must be named.
    #[error("`*` stands as an action in a {0}, where AWS wants the service: `s3:*`")]
    EveryAction(PolicyKind),
    /// Not a resource.
    #[error("`{0}` is no resource: an ARN or `*` is wanted")]
    Resource(String),
    /// A wildcard where AWS takes none.
    #[error("`{0}` has a wildcard in its service, where AWS takes none")]
    ResourceService(String),
    /// A variable that has no form.
    #[error("`{text}` holds no variable: {cause}")]
    Variable {
        /// The text.
        text: String,
        /// Why.
        cause: VariableError,
    },
    /// A variable before the fifth colon of an ARN, where it is not replaced.
    #[error("`{0}` has a variable before its fifth colon, where AWS replaces none")]
    VariablePlace(String),
    /// A text that is not `*` in place of principals.
    #[error("`{0}` is no principal: \"*\" or {{\"AWS\": \"{0}\"}} is wanted")]
    PrincipalText(String),
    /// A principal that is no account, ARN or `*`.
    #[error("`{value}` is no principal of kind {kind}")]
    PrincipalValue {
        /// The kind.
        kind: String,
        /// The value.
        value: String,
    },
    /// A principal's ARN with a wildcard.
    #[error("`{0}` has a wildcard, which principals cannot have within an ARN")]
    PrincipalPattern(String),
    /// The id of a user or role that was deleted, which IAM shows in place of its ARN.
    #[error("`{0}` is the id of a user or role that no longer exists")]
    DeletedPrincipal(String),
    /// `Allow` for everybody but some.
    #[error("`NotPrincipal` stands beside `Allow`: everybody else would be allowed, also without credentials")]
    NotPrincipalAllow,
    /// An effect that a policy of this kind cannot have.
    #[error("every {0} can only deny")]
    OnlyDeny(PolicyKind),
    /// Not an operator.
    #[error("`{operator}` is no operator of conditions")]
    Operator {
        /// The operator.
        operator: String,
        /// What may have been meant.
        near: Option<String>,
    },
    /// Not a key.
    #[error("`{0}` is no condition key: `service:key` is wanted")]
    Key(String),
    /// A value that its operator never matches.
    #[error("`{operator}` never matches: {cause}")]
    Value {
        /// The operator.
        operator: String,
        /// Why.
        cause: ValueError,
    },
    /// A wildcard under an operator that compares it as a character.
    #[error("`{operator}` compares the wildcard in `{value}` as a character")]
    Wildcard {
        /// The operator.
        operator: String,
        /// The value.
        value: String,
    },
    /// `ForAllValues:` in an `Allow`, which also holds of requests without the key.
    #[error("`ForAllValues:` also holds where the request has no `{key}`")]
    ForAllValues {
        /// The key.
        key: String,
    },
    /// Longer than AWS takes.
    #[error("the {kind} has {length} characters, AWS takes {limit}")]
    TooLong {
        /// The policy's kind.
        kind: PolicyKind,
        /// Its length.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// Longer than AWS takes unless a quota was raised.
    #[error("the {kind} has {length} characters, AWS takes {limit} unless the account's quota was raised to {raised}")]
    TooLongUnlessRaised {
        /// The policy's kind.
        kind: PolicyKind,
        /// Its length.
        length: usize,
        /// The limit.
        limit: usize,
        /// The highest quota.
        raised: usize,
    },
}
