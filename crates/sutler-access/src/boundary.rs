//! Permissions boundaries: the most that a role can ever do, whatever policies somebody attaches to it later.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::policy::{Document, Statement};
use crate::s3::POLICY_LIMIT;

/// Why there is no boundary.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BoundaryError {
    /// More than IAM takes.
    #[error("the boundary has {length} characters, IAM takes {POLICY_LIMIT}")]
    TooLong {
        /// Its length without white space.
        length: usize,
    },
}

/// The boundary that allows what these documents allow and nothing else. Statements keep their names unless two have the same.
///
/// # Errors
/// It is longer than IAM takes.
pub fn of(documents: &[Document]) -> Result<Document, BoundaryError> {
    let mut names = BTreeSet::new();
    let mut statements: Vec<Statement> = Vec::new();
    for statement in documents.iter().flat_map(|document| &document.statement) {
        if statements
            .iter()
            .any(|other| Statement { sid: None, ..other.clone() } == Statement { sid: None, ..statement.clone() })
        {
            continue;
        }
        let mut statement = statement.clone();
        if let Some(sid) = &statement.sid {
            let unique = (1..).map(|n: u64| if n == 1 { sid.clone() } else { format!("{sid}{n}") });
            statement.sid = unique.into_iter().find(|name| names.insert(name.clone()));
        }
        statements.push(statement);
    }
    let document = Document::new(statements);
    match document.length() {
        length if length > POLICY_LIMIT => Err(BoundaryError::TooLong { length }),
        _ => Ok(document),
    }
}
