//! IAM's policy documents, written exactly as AWS writes them: one value as a text, several as a list, empty parts left out.
//!
//! Documents that people wrote are read by [`crate::read`], which says where they are wrong; those that AWS returns may be
//! deserialized.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the policy language; there is no newer one.
pub const VERSION: &str = "2012-10-17";

/// The version that a document without one has. It knows no policy variables.
pub const OLD_VERSION: &str = "2008-10-17";

/// What a policy is attached to, and so what may stand in it and what it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PolicyKind {
    /// A permission of a user, group or role, inline or managed.
    Identity,
    /// A permission on a bucket, a key or another resource. It names principals.
    Resource,
    /// Who may take a role: the resource policy of the role itself.
    Trust,
    /// A permissions boundary: the most that identity policies can give.
    Boundary,
    /// Given when a session is made: the most that the session can do.
    Session,
    /// Service control policy of an organisation: the most that an account's principals can do.
    ServiceControl,
    /// Resource control policy of an organisation: the most that can be done with an account's resources.
    ResourceControl,
}

impl PolicyKind {
    /// As sentences call it: `identity policy`, `trust policy` …
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity policy",
            Self::Resource => "resource policy",
            Self::Trust => "trust policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
        }
    }

    /// Whether its statements must name principals.
    #[must_use]
    pub fn names_principals(self) -> bool {
        matches!(self, Self::Resource | Self::Trust | Self::ResourceControl)
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place in a text; both count from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A document with its kind, a name for messages, and where its statements stand in the text it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What it is attached to.
    pub kind: PolicyKind,
    /// What messages call it: a policy's name, a file, an ARN.
    pub name: String,
    /// What it says.
    pub document: Document,
    /// Where each statement begins; empty where the document was made by a program.
    pub positions: Vec<Position>,
}

impl Policy {
    /// A policy made by a program.
    #[must_use]
    pub fn new(kind: PolicyKind, name: impl Into<String>, document: Document) -> Self {
        Self { kind, name: name.into(), document, positions: Vec::new() }
    }
}

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Document {
    /// [`VERSION`], or [`OLD_VERSION`] where none is written.
    #[serde(default = "old_version")]
    pub version: String,
    /// A name; IAM hardly uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it says. AWS also takes a single statement without a list.
    #[serde(deserialize_with = "one_or_many")]
    pub statement: Vec<Statement>,
}

/// One statement. In AWS's order of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    /// A name, unique in the document: letters and digits where IAM keeps the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// Who, in a trust or resource policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Principal>,
    /// Everybody but these; only with [`Effect::Deny`], in a resource policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_principal: Option<Principal>,
    /// What, `service:Action`, with `*` and `?`. Empty where `not_action` is said.
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub action: Values,
    /// Everything but these actions.
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub not_action: Values,
    /// On what: ARNs with `*` and `?`. None in a trust policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Values>,
    /// On everything but these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_resource: Option<Values>,
    /// When: operator, key, values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: Conditions,
}

/// Conditions of a statement: operator, key, values. All must hold.
pub type Conditions = BTreeMap<String, BTreeMap<String, Values>>;

fn old_version() -> String {
    OLD_VERSION.to_owned()
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Statement>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Statements {
        Many(Vec<Statement>),
        One(Box<Statement>),
    }
    Ok(match Statements::deserialize(deserializer)? {
        Statements::Many(statements) => statements,
        Statements::One(statement) => vec![*statement],
    })
}

/// Allow or deny.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Allows, unless something denies.
    #[default]
    Allow,
    /// Denies, whatever allows.
    Deny,
}

/// Who may take a role. Keys in AWS's order of kinds; `"*"` is everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Principal {
    /// `"*"`.
    Anybody(String),
    /// `Federated`, `Service`, `AWS` with their values.
    Of(BTreeMap<String, Values>),
}

/// One or several texts: AWS writes one without a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMany", into = "OneOrMany")]
pub struct Values(pub Vec<String>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(Scalar),
    Many(Vec<Scalar>),
}

/// Conditions may be given numbers and truth values; AWS compares and returns them as texts.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(serde_json::Number),
    Bool(bool),
}

impl Scalar {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
        }
    }
}

impl From<OneOrMany> for Values {
    fn from(values: OneOrMany) -> Self {
        match values {
            OneOrMany::One(value) => Self(vec![value.into_text()]),
            OneOrMany::Many(values) => Self(values.into_iter().map(Scalar::into_text).collect()),
        }
    }
}

impl From<Values> for OneOrMany {
    fn from(Values(mut values): Values) -> Self {
        match values.pop() {
            Some(only) if values.is_empty() => Self::One(Scalar::Text(only)),
            Some(last) => {
                values.push(last);
                Self::Many(values.into_iter().map(Scalar::Text).collect())
            }
            None => Self::Many(Vec::new()),
        }
    }
}

impl Values {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values in the order in which they are written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl<T: Into<String>> FromIterator<T> for Values {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().map(Into::into).collect())
    }
}

impl From<&str> for Values {
    fn from(value: &str) -> Self {
        Self(vec![value.to_owned()])
    }
}

impl From<String> for Values {
    fn from(value: String) -> Self {
        Self(vec![value])
    }
}

impl Document {
    /// A document of these statements.
    #[must_use]
    pub fn new(statement: Vec<Statement>) -> Self {
        Self { version: VERSION.to_owned(), id: None, statement }
    }

    /// Whether variables such as `${aws:username}` count; in the older version they are ordinary text.
    #[must_use]
    pub fn has_variables(&self) -> bool {
        self.version != OLD_VERSION
    }

    /// How many characters IAM counts: those of the document without white space.
    #[must_use]
    pub fn length(&self) -> usize {
        self.to_json().chars().filter(|c| !c.is_whitespace()).count()
    }

    /// The document as one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a document holds only texts, which are always written")
    }

    /// The document as a value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("a document holds only texts, which are always written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_a_text_and_several_are_a_list() {
        let statement = Statement {
            sid: Some("ReadTeamData".into()),
            action: ["s3:GetObject"].into_iter().collect(),
            resource: Some(["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"].into_iter().collect()),
            ..Statement::default()
        };
        let text = r#"{"Version":"2012-10-17","Statement":[{"Sid":"ReadTeamData","Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::a/*","arn:aws:s3:::b/*"]}]}"#;
        let document = Document::new(vec![statement]);
        assert_eq!(document.to_json(), text);
        assert_eq!(serde_json::from_str::<Document>(text).unwrap(), document);
    }

    #[test]
    fn what_aws_returns_is_taken_in_each_of_its_forms() {
        let text = r#"{"Statement": {"Effect": "Deny", "NotPrincipal": {"AWS": ["111122223333"]}, "NotAction": "s3:*",
            "NotResource": "*", "Condition": {"Bool": {"aws:SecureTransport": false}, "NumericLessThan": {"s3:max-keys": [10]}}}}"#;
        let document: Document = serde_json::from_str(text).unwrap();
        assert_eq!(
            document.to_json(),
            r#"{"Version":"2008-10-17","Statement":[{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"NotAction":"s3:*","NotResource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"},"NumericLessThan":{"s3:max-keys":"10"}}}]}"#
        );
    }
}
