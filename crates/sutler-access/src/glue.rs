//! Reading tables of the Glue Data Catalog: names, schemas and partitions. The data behind them is S3's matter.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::names::{AccountId, Partition};
use crate::policy::{Document, Statement, Values};

/// What is asked for to read a table.
pub const READ_ACTIONS: &[&str] = &[
    "glue:GetDatabase",
    "glue:GetTable",
    "glue:GetTables",
    "glue:GetPartition",
    "glue:GetPartitions",
    "glue:BatchGetPartition",
];

/// Tables of a database that may be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// The database.
    pub database: String,
    /// The tables; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<String>,
}

/// Why there is no policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GlueError {
    /// Not a name that Glue takes, or one that would be a pattern.
    #[error("`{0}` is not a name in the Glue catalog: lower-case letters, digits and _ are wanted")]
    Name(String),
}

/// The policy of these grants in the catalog of a region. Glue asks for the catalog, the database and the table of one request, each
/// of which must be allowed.
///
/// # Errors
/// A name that Glue would not take.
pub fn policy(
    grants: &[Grant],
    partition: Partition,
    region: &str,
    account: &AccountId,
) -> Result<Document, GlueError> {
    let arn = |resource: &str| format!("arn:{}:glue:{region}:{account}:{resource}", partition.as_str());
    let mut statements = Vec::new();
    for (index, Grant { database, tables }) in grants.iter().enumerate() {
        check(database)?;
        tables.iter().try_for_each(|table| check(table))?;
        let mut resources = vec![arn("catalog"), arn(&format!("database/{database}"))];
        if tables.is_empty() {
            resources.push(arn(&format!("table/{database}/*")));
        } else {
            resources.extend(tables.iter().map(|table| arn(&format!("table/{database}/{table}"))));
        }
        statements.push(Statement {
            sid: Some(format!("ReadCatalog{}", index + 1)),
            action: READ_ACTIONS.iter().copied().collect::<Values>(),
            resource: Some(Values(resources)),
            ..Statement::default()
        });
    }
    Ok(Document::new(statements))
}

fn check(name: &str) -> Result<(), GlueError> {
    let is_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
    let is_name = !name.is_empty() && name.len() <= 255 && name.bytes().all(is_byte);
    if is_name { Ok(()) } else { Err(GlueError::Name(name.to_owned())) }
}
