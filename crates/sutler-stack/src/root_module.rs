//! The Terraform root module of a stack: written into `.sutler/infra/ENVIRONMENT` beside stack.yaml, and worked on by Terraform.
//!
//! Its state lies there too, unless the file says where else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sutler_infra::model::{Infra, State};
use sutler_infra::outputs::Outputs;
use sutler_infra::plan::Plan;
use sutler_infra::progress::Event;
use sutler_infra::render;
use sutler_infra::run::{Goal, RunError, Settings, Taken, Terraform, take, write};

use crate::infra::{InfraError, infra};
use crate::init::STATE_FOLDER;
use crate::stack::Stack;

/// A stack's root module, written and ready, in a folder that is nobody else's meanwhile. Its calls wait for Terraform, which may take many minutes.
pub struct RootModule {
    /// What is wanted.
    pub infra: Infra,
    /// Where it lies.
    pub folder: PathBuf,
    terraform: Terraform,
    _taken: Taken,
}

/// Why Terraform did not do what was asked of a stack's root module.
#[derive(Debug, thiserror::Error)]
pub enum RootModuleError {
    /// There is none.
    #[error(transparent)]
    Infra(#[from] InfraError),
    /// Terraform.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl RootModuleError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            RootModuleError::Infra(_) => None,
            RootModuleError::Run(error) => error.hint(),
        }
    }
}

impl RootModule {
    /// Finds Terraform, and writes the root module of a stack whose file lies in the folder `beside`.
    ///
    /// # Errors
    /// Nothing can be made for this environment, AWS would refuse it, there is no Terraform that will do, or another Sutler works in
    /// the folder.
    pub fn write(stack: &Stack, beside: &Path) -> Result<RootModule, RootModuleError> {
        let infra = infra(stack)?;
        let terraform = Terraform::find(Settings::default())?;
        let folder = beside.join(STATE_FOLDER).join("infra").join(&stack.environment);
        let taken = take(&folder)?;
        write(&folder, &render(&infra))?;
        Ok(RootModule { infra, folder, terraform, _taken: taken })
    }

    /// Writes it again: the roles of these keys trust the way that their pods come from too.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_moving(&self, roles: &BTreeSet<String>) -> Result<(), RunError> {
        let mut infra = self.infra.clone();
        for (key, role) in &mut infra.roles {
            role.moves_from = roles.contains(key).then(|| role.identity.other());
        }
        write(&self.folder, &render(&infra))
    }

    /// Brings the provider, and opens the state.
    ///
    /// # Errors
    /// The provider cannot be had, or the state's bucket is not there.
    pub fn init(&self) -> Result<(), RunError> {
        self.terraform.init(&self.folder)
    }

    /// What would be done. The plan is kept for [`apply`](Self::apply) or [`forget_plan`](Self::forget_plan): it holds secrets in
    /// the clear.
    ///
    /// # Errors
    /// Terraform fails, or the state is locked.
    pub fn plan(&self, goal: Goal, on_event: &mut dyn FnMut(Event)) -> Result<Plan, RunError> {
        self.terraform.plan(&self.folder, goal, on_event)
    }

    /// Does what was planned last, and forgets the plan.
    ///
    /// # Errors
    /// Terraform fails; what was done until then is in the state, and the same again goes on from there.
    pub fn apply(&self, on_event: &mut dyn FnMut(Event)) -> Result<(), RunError> {
        self.terraform.apply(&self.folder, on_event)
    }

    /// Removes the plan's file.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    pub fn forget_plan(&self) -> Result<(), RunError> {
        self.terraform.forget_plan(&self.folder)
    }

    /// What came out of the last apply.
    ///
    /// # Errors
    /// Nothing was applied, or the state cannot be read.
    pub fn outputs(&self) -> Result<Outputs, RunError> {
        self.terraform.outputs(&self.folder)
    }

    /// Terraform's version, and where it works or keeps its state.
    pub fn about(&self) -> String {
        let version = self.terraform.version();
        match &self.infra.state {
            State::Local => format!("Terraform {version} in {}", self.folder.display()),
            State::S3 { bucket, key, .. } => format!("Terraform {version}, state in s3://{bucket}/{key}"),
        }
    }
}
