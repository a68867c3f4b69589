//! A command's failure: the error with its causes, and what to do about it.

use std::error::Error;

use sutler_ray::RayError;
use sutler_stack::access::{AccessError, QuestionError};
use sutler_stack::adopt::read::ReadError;
use sutler_stack::apply::ApplyError;
use sutler_stack::cloud::CloudError;
use sutler_stack::eks::EksError;
use sutler_stack::init::WriteError;
use sutler_stack::lint::LintError;
use sutler_stack::load::LoadError;
use sutler_stack::lock::LockError;
use sutler_stack::observe::ObserveError;
use sutler_stack::operate::PlanError;
use sutler_stack::root_module::RootModuleError;
use sutler_stack::session::SessionError;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The error; its causes are printed below it.
    pub(crate) error: Box<dyn Error + Send + Sync>,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// A failure without advice.
    pub(crate) fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Failure { error: error.into(), hint: None }
    }

    /// The same, with advice where it has none.
    pub(crate) fn or_hint(self, hint: impl Into<String>) -> Self {
        if self.hint.is_some() { self } else { self.hint(hint) }
    }

    /// The same, with advice.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Failure { hint: Some(hint.into()), ..self }
    }
}

/// The advice of the innermost cause that has some.
fn advice(error: &(dyn Error + 'static)) -> Option<String> {
    let mut found = None;
    let mut at = Some(error);
    while let Some(error) = at {
        let hint = error.downcast_ref::<sutler_release::Error>().and_then(sutler_release::Error::hint);
        found = hint.or(found);
        at = error.source();
    }
    found
}

macro_rules! with_hint {
    ($($error:ty: $hint:expr;)*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let own: fn(&$error) -> Option<String> = $hint;
                let hint = own(&error).or_else(|| advice(&error));
                Failure { error: Box::new(error), hint }
            }
        }
    )*};
}

with_hint! {
    ReadError: ReadError::hint;
    sutler_stack::helmfile::HelmfileError: |_| None;
    WriteError: |error| matches!(error, WriteError::Exists(_)).then(|| "name another folder".to_owned());
    AccessError: AccessError::hint;
    QuestionError: |_| None;
    ApplyError: ApplyError::hint;
    CloudError: CloudError::hint;
    sutler_aws::CallError: sutler_aws::CallError::hint;
    EksError: EksError::hint;
    LintError: LintError::hint;
    LoadError: LoadError::hint;
    RootModuleError: RootModuleError::hint;
    sutler_infra::run::RunError: sutler_infra::run::RunError::hint;
    sutler_stack::infra::InfraError: |_| None;
    LockError: LockError::hint;
    RayError: RayError::hint;
    SessionError: SessionError::hint;
    ObserveError: |_| None;
    PlanError: |_| None;
    sutler_release::Error: |_| None;
    std::io::Error: |_| None;
}
