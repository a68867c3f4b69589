//! Terraform's calls in a command: each waits on a thread of its own, so that leases are renewed meanwhile, and leaves Ctrl-C to Terraform.

use std::sync::Arc;

use sutler_infra::outputs::Outputs;
use sutler_infra::plan::Plan;
use sutler_infra::progress::Event;
use sutler_infra::run::{Goal, RunError};
use sutler_stack::eks::Eks;
use sutler_stack::moving::{self, Move};
use sutler_stack::root_module::RootModule;
use sutler_stack::stack::Stack;

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

/// What would be done, and the roles whose pods would move. For those it is the first half: they trust both ways. A role that moves before
/// its cluster is made has no pods.
pub(crate) async fn plan_moving(
    root: &Arc<RootModule>,
    stack: &Stack,
    eks: &Eks,
    interrupt: &Interrupt,
) -> Result<Planned, Failure> {
    let whole = plan(root, Goal::Described, interrupt).await?;
    let moves = moving::moves(stack, &whole);
    if moves.is_empty() || !eks.exists {
        return Ok(Planned { moves: Vec::new(), hindrance: None, now: whole.clone(), whole });
    }
    let moves = moving::look(&eks.session, moves).await.map_err(Failure::new)?;
    let hindrance = moving::hindrance(eks, stack, &moves, &whole).await.map_err(Failure::new)?;
    root.write_moving(&moving::keys(&moves))?;
    let now = call(root, interrupt, |root| root.plan(Goal::Described, &mut warn)).await?;
    Ok(Planned { moves, hindrance, now, whole })
}

/// What Terraform would do.
pub(crate) struct Planned {
    /// Now: the plan that is kept for applying.
    pub(crate) now: Plan,
    /// In the end.
    pub(crate) whole: Plan,
    /// Roles whose pods move between.
    pub(crate) moves: Vec<Move>,
    /// Why they must not yet.
    pub(crate) hindrance: Option<String>,
}

/// Ends moves whose pods have all moved: the roles trust the new way alone. What else Terraform would do is left to another `up`.
pub(crate) async fn end_moves(
    root: &Arc<RootModule>,
    moves: &[Move],
    progress: &Arc<Progress>,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let left = moves.iter().filter(|one| !one.waits_for.is_empty()).map(|one| one.role.clone()).collect();
    root.write_moving(&left)?;
    let plan = call(root, interrupt, |root| root.plan(Goal::Described, &mut warn)).await?;
    if !moving::ends_only(moves, &plan) {
        return Err(Failure::new("Terraform would now do more than end the move of roles to another identity")
            .hint("`sutler up` again shows it, and ends the move with it"));
    }
    match plan.has_changes() {
        true => apply(root, progress, interrupt).await,
        false => Ok(()),
    }
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
