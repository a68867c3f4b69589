//! `sutler plan`: what `up` would do, and nothing else.

use sutler_stack::eks::{Eks, Purpose};
use sutler_stack::load::{Loaded, load};
use sutler_stack::operate;
use sutler_stack::plan::Plan as StackPlan;
use sutler_stack::plan::infra::with_infra;
use sutler_stack::session::{Intent, Session};
use sutler_stack::stack::Target;

use crate::Outcome;
use crate::arguments::{Output, Plan};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::{choose, printer, repositories, terraform, view};

pub(crate) async fn run(arguments: &Plan) -> Result<Outcome, Failure> {
    let chosen = choose::stack(&arguments.stack);
    let mut loaded = load(&chosen.file, chosen.environment.as_deref(), &repositories::of_this_user())?;
    let plan = match loaded.stack.target {
        Target::Eks => {
            let interrupt = Interrupt::listen().await;
            tokio::select! {
                plan = on_eks(&mut loaded, &interrupt) => plan?,
                () = interrupt.heard() => return Err(Failure::new("stopped by the keyboard")),
            }
        }
        Target::Simulator | Target::Context(_) => {
            let session = Session::open(&loaded.stack, &loaded.folder, "sutler plan", Intent::Look).await?;
            operate::plan(&session, &loaded, None, false).await?.plan
        }
    };
    match arguments.output {
        Output::Json => printer::line(view::json(&plan)),
        Output::Text => printer::data(&view::plan::text(&plan, &view::plan::up_command(&arguments.stack))),
    }
    Ok(if plan.has_changes() { Outcome::Changes } else { Outcome::Done })
}

/// Terraform's plan and the releases' in one.
async fn on_eks(loaded: &mut Loaded, interrupt: &Interrupt) -> Result<StackPlan, Failure> {
    let eks = Eks::open(&mut loaded.stack, &loaded.folder, Purpose::Up).await?;
    // The releases first: they tell in a moment what Terraform would take long to come to.
    let plan = operate::plan(&eks.session, loaded, None, false).await?.plan;
    let Some(root) = &eks.root else { return Ok(plan) };
    let planned = terraform::plan_moving(root, &loaded.stack, &eks, interrupt).await;
    root.forget_plan()?;
    let terraform::Planned { now, moves, hindrance, .. } = planned?;
    eks.check_names(&loaded.stack, &now).await?;
    let mut plan = with_infra(plan, &loaded.stack, now);
    plan.moves = moves;
    plan.blocked.extend(hindrance);
    Ok(plan)
}
