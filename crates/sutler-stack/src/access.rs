//! Why a pod may, or may not, do something in AWS: what is asked, and the facts that decide it.
//!
//! ```text
//! ray/daft s3:GetObject s3://team-data/x ─▶ Question ─┐
//!                cluster ─▶ kubernetes (pod, account) ─┼─▶ Facts ─▶ sutler_access::doctor::explain ─▶ links
//!    AWS ─▶ account (role, issuers, policies, key)     │
//!  stack ─▶ planned (roles as the stack would make them)┘
//! ```
//! The chain itself is decided in `sutler-access`, by facts alone. Whatever cannot be asked is a fact too: unknown, and why.

pub(crate) mod account;
pub(crate) mod kubernetes;
pub(crate) mod planned;

use std::str::FromStr;

use sutler_access::doctor::{Facts, Link, explain};
use sutler_access::names::ServiceAccountName;
use sutler_release::ApiError;

use crate::cloud::{Cloud, CloudError};
use crate::session::Session;
use crate::stack::Stack;

/// What is asked: may this pod do this with that?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// A pod or a service account, as `namespace/name`.
    pub subject: ServiceAccountName,
    /// The action: `s3:GetObject`.
    pub action: String,
    /// The resource as an ARN.
    pub resource: String,
}

/// A question that cannot be understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuestionError {
    /// Not `namespace/name`.
    #[error("`{0}` is no pod or service account: `namespace/name` is wanted")]
    Subject(String),
    /// Not `service:Action`.
    #[error("`{0}` is no action: `service:Action` is wanted, as in s3:GetObject")]
    Action(String),
    /// Neither an ARN nor a URL of S3.
    #[error("`{0}` is no resource: an ARN or s3://BUCKET/KEY is wanted")]
    Resource(String),
}

impl Question {
    /// Reads what was typed.
    ///
    /// # Errors
    /// The first word that is not what it should be.
    pub fn new(subject: &str, action: &str, resource: &str) -> Result<Question, QuestionError> {
        let named = match ServiceAccountName::from_str(subject) {
            Ok(named) if !named.is_glob() => named,
            _ => return Err(QuestionError::Subject(subject.to_owned())),
        };
        let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !action.split_once(':').is_some_and(|(service, name)| is_word(service) && is_word(name)) {
            return Err(QuestionError::Action(action.to_owned()));
        }
        let resource = match resource.strip_prefix("s3://") {
            Some(place) if !place.is_empty() && !place.starts_with('/') => {
                // The partition is a matter of the region, which is known later.
                format!("arn:aws:s3:::{}", place.trim_end_matches('/'))
            }
            None if resource.starts_with("arn:") && resource.splitn(6, ':').count() == 6 => resource.to_owned(),
            _ => return Err(QuestionError::Resource(resource.to_owned())),
        };
        Ok(Question { subject: named, action: action.to_owned(), resource })
    }

    /// The bucket that the resource lies in, if it is one of S3.
    pub fn bucket(&self) -> Option<&str> {
        let place = self.resource.splitn(6, ':').nth(5).filter(|_| self.resource.contains(":s3:"))?;
        place.split('/').next()
    }
}

/// Why no answer can be given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The question.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// The cluster.
    #[error("cannot look at the cluster")]
    Cluster(#[from] ApiError),
    /// The simulator.
    #[error("cannot look at the simulated cluster")]
    Simulator(#[source] sutler_release::WaitError),
    /// Nobody of this name.
    #[error("there is no pod and no service account `{subject}` in the cluster")]
    Nobody {
        /// The name that was asked for.
        subject: String,
        /// Names in that namespace that are nearly it, or all there are, a few of them.
        known: Vec<String>,
    },
}

impl AccessError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            AccessError::Nobody { known, .. } if !known.is_empty() => Some(format!("there are: {}", known.join(", "))),
            _ => None,
        }
    }
}

/// Where facts come from.
pub struct Sources<'a> {
    /// The cluster; `None` where it does not exist yet.
    pub session: Option<&'a Session>,
    /// The account, or why it cannot be asked; `None` where the stack's own roles are meant: in the simulator, and in a plan.
    pub cloud: Option<Result<Cloud, CloudError>>,
    /// The stack, if there is one.
    pub stack: Option<&'a Stack>,
}

/// The facts that decide a question.
///
/// # Errors
/// If the cluster cannot be asked, or nobody has this name.
pub async fn facts(question: &Question, sources: &Sources<'_>) -> Result<Facts, AccessError> {
    let mut facts = Facts { action: question.action.clone(), resource: question.resource.clone(), ..Facts::default() };
    if let Some(stack) = sources.stack {
        planned::of_stack(stack, question, &mut facts);
    }
    match sources.session {
        Some(session) => kubernetes::of_cluster(session, question, &mut facts).await?,
        None => planned::of_accounts(sources.stack, question, &mut facts)?,
    }
    match &sources.cloud {
        Some(Ok(cloud)) => account::of_account(cloud, sources.stack, question, &mut facts).await,
        Some(Err(error)) => account::unknown(&reason(error), &mut facts),
        None => {}
    }
    Ok(facts)
}

/// The chain for a question.
///
/// # Errors
/// As [`facts`].
pub async fn answer(question: &Question, sources: &Sources<'_>) -> Result<Vec<Link>, AccessError> {
    Ok(explain(&facts(question, sources).await?))
}

/// An error and its causes in one line.
pub(crate) fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    if let Some(source) = error.source() {
        text.push_str(&format!(": {source}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Question;

    #[test]
    fn questions_are_read_as_people_type_them() {
        let read = |subject, action, resource| match Question::new(subject, action, resource) {
            Ok(question) => format!("{} {} {:?}", question.subject, question.resource, question.bucket()),
            Err(error) => error.to_string(),
        };
        let table = [
            read("ray/daft", "s3:GetObject", "s3://team-data/events/x.parquet"),
            read("ray/daft", "s3:ListBucket", "s3://team-data/"),
            read("ray/daft", "kms:Decrypt", "arn:aws:kms:us-west-2:444455556666:key/1"),
            read("daft", "s3:GetObject", "s3://team-data/x"),
            read("ray/*", "s3:GetObject", "s3://team-data/x"),
            read("ray/daft", "GetObject", "s3://team-data/x"),
            read("ray/daft", "s3:GetObject", "team-data/x"),
            read("ray/daft", "s3:GetObject", "s3:///x"),
        ];
        assert_eq!(
            table.join("\n"),
            "ray/daft arn:aws:s3:::team-data/events/x.parquet Some(\"team-data\")\n\
             ray/daft arn:aws:s3:::team-data Some(\"team-data\")\n\
             ray/daft arn:aws:kms:us-west-2:444455556666:key/1 None\n\
             `daft` is no pod or service account: `namespace/name` is wanted\n\
             `ray/*` is no pod or service account: `namespace/name` is wanted\n\
             `GetObject` is no action: `service:Action` is wanted, as in s3:GetObject\n\
             `team-data/x` is no resource: an ARN or s3://BUCKET/KEY is wanted\n\
             `s3:///x` is no resource: an ARN or s3://BUCKET/KEY is wanted"
        );
    }
}
