//! Documents made ready for many requests.

use thiserror::Error;

use super::answer::Cited;
use super::principal::Principals;
use crate::condition::{Condition, Operator, OperatorError};
use crate::pattern::{FixedPattern, Pattern, Where};
use crate::policy::{Effect, Policy, PolicyKind, Position, Statement};

/// Why a document cannot be evaluated: IAM would not have taken it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CompileError {
    /// A condition's operator that does not exist.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// A text in place of principals that is not `*`.
    #[error("`{0}` is no principal: \"*\" or an object of AWS, Service or Federated is wanted")]
    Principal(String),
    /// A kind of principal that does not exist.
    #[error("`{0}` is no kind of principal: AWS, Service, Federated and CanonicalUser are")]
    PrincipalKind(String),
    /// A statement of a policy, with its number from 1.
    #[error("statement {statement} of {kind} `{policy}` cannot be evaluated")]
    Statement {
        /// The policy's kind.
        kind: PolicyKind,
        /// The policy's name.
        policy: String,
        /// The statement, from 1.
        statement: usize,
        /// Why.
        #[source]
        cause: Box<CompileError>,
    },
}

/// A compiled policy.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    pub(crate) kind: PolicyKind,
    name: Box<str>,
    pub(crate) statements: Vec<CompiledStatement>,
}

/// A compiled statement.
#[derive(Debug, Clone)]
pub(crate) struct CompiledStatement {
    index: usize,
    sid: Option<Box<str>>,
    position: Option<Position>,
    pub(crate) effect: Effect,
    /// None where the policy belongs to the caller.
    pub(crate) principals: Option<Principals>,
    pub(crate) not_principal: bool,
    pub(crate) actions: Box<[FixedPattern]>,
    pub(crate) not_action: bool,
    /// None where the policy belongs to the resource and names none, as trust policies do.
    pub(crate) resources: Option<Box<[Pattern]>>,
    pub(crate) not_resource: bool,
    pub(crate) conditions: Box<[Condition]>,
    /// The document's own words, for answers.
    pub(crate) written: Box<Statement>,
}

impl Compiled {
    pub(crate) fn new(policy: &Policy) -> Result<Self, CompileError> {
        let has_variables = policy.document.has_variables();
        let compile = |(index, statement): (usize, &Statement)| {
            CompiledStatement::new(statement, index, policy, has_variables).map_err(|cause| CompileError::Statement {
                kind: policy.kind,
                policy: policy.name.clone(),
                statement: index + 1,
                cause: Box::new(cause),
            })
        };
        let statements = policy.document.statement.iter().enumerate().map(compile).collect::<Result<_, _>>()?;
        Ok(Self { kind: policy.kind, name: policy.name.as_str().into(), statements })
    }

    pub(crate) fn cite<'a>(&'a self, statement: &'a CompiledStatement) -> Cited<'a> {
        Cited {
            kind: self.kind,
            policy: &self.name,
            index: statement.index,
            sid: statement.sid.as_deref(),
            position: statement.position,
        }
    }
}

impl CompiledStatement {
    fn new(statement: &Statement, index: usize, policy: &Policy, has_variables: bool) -> Result<Self, CompileError> {
        let (principals, not_principal) = match (&statement.principal, &statement.not_principal) {
            (Some(principal), _) => (Some(Principals::new(principal)?), false),
            (None, Some(principal)) => (Some(Principals::new(principal)?), true),
            // A resource policy that names nobody is for nobody.
            (None, None) if policy.kind.names_principals() => (Some(Principals::default()), false),
            (None, None) => (None, false),
        };
        let not_action = !statement.not_action.is_empty();
        let actions = if not_action { &statement.not_action } else { &statement.action };
        let actions =
            actions.iter().map(|action| FixedPattern::new(&action.to_ascii_lowercase(), Where::Text)).collect();
        let (resources, not_resource) = match (&statement.resource, &statement.not_resource) {
            (Some(resources), _) => (Some(resources), false),
            (None, not) => (not.as_ref(), not.is_some()),
        };
        let pattern = |resource: &str| Pattern::new(resource, Where::Arn, has_variables);
        let resources = resources.map(|resources| resources.iter().map(pattern).collect());
        let mut conditions = Vec::new();
        for (operator, keys) in &statement.condition {
            let operator: Operator = operator.parse()?;
            conditions.extend(keys.iter().map(|(key, values)| Condition::new(operator, key, values, has_variables)));
        }
        Ok(Self {
            index,
            sid: statement.sid.as_deref().filter(|sid| !sid.is_empty()).map(Into::into),
            position: policy.positions.get(index).copied(),
            effect: statement.effect,
            principals,
            not_principal,
            actions,
            not_action,
            resources,
            not_resource,
            conditions: conditions.into(),
            written: Box::new(statement.clone()),
        })
    }
}
