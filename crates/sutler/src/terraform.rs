//! Terraform's calls in a command: each waits on a thread of its own, so that leases are renewed meanwhile, and leaves Ctrl-C to Terraform.

use std::sync::Arc;

use sutler_infra::outputs::Outputs;
use sutler_infra::plan::Plan;
use sutler_infra::progress::Event;
use sutler_infra::run::{Goal, RunError};
use sutler_stack::root_module::RootModule;

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::{printer, view};

/// Brings the provider and opens the state; says where Terraform works.
pub(crate) async fn init(root: &Arc<RootModule>, interrupt: &Interrupt) -> Result<(), Failure> {
    printer::note(root.about());
    call(root, interrupt, RootModule::init).await
}

/// What would be done, from the beginning.
pub(crate) async fn plan(root: &Arc<RootModule>, goal: Goal, interrupt: &Interrupt) -> Result<Plan, Failure> {
    init(root, interrupt).await?;
    call(root, interrupt, move |root| root.plan(goal, &mut warn)).await
}

/// Does what was planned, showing it as it goes.
pub(crate) async fn apply(
    root: &Arc<RootModule>,
    progress: &Arc<Progress>,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let progress = Arc::clone(progress);
    call(root, interrupt, move |root| root.apply(&mut |event| progress.infra(&event))).await
}

/// What to do where Terraform failed half-way.
pub(crate) const GOES_ON: &str = "what was done is in Terraform's state: the same command again goes on from there";

/// What came out.
pub(crate) async fn outputs(root: &Arc<RootModule>, interrupt: &Interrupt) -> Result<Outputs, Failure> {
    call(root, interrupt, RootModule::outputs).await
}

/// Tells of a warning; errors come with the failure.
fn warn(event: Event) {
    if let Some(line) = view::infra::warning(&event) {
        printer::note(line);
    }
}

async fn call<T: Send + 'static>(
    root: &Arc<RootModule>,
    interrupt: &Interrupt,
    work: impl FnOnce(&RootModule) -> Result<T, RunError> + Send + 'static,
) -> Result<T, Failure> {
    let _left = interrupt.left_to_terraform();
    let root = Arc::clone(root);
    match tokio::task::spawn_blocking(move || work(&root)).await {
        Ok(done) => Ok(done?),
        Err(error) => Err(Failure::new(anyhow::Error::from(error).context("cannot wait for Terraform"))),
    }
}
