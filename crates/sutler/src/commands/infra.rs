//! `sutler infra`: the Terraform root module of a stack written, planned, applied, destroyed, and what came out.
//!
//! Sutler keeps the root module in `.sutler/infra/ENVIRONMENT` beside stack.yaml; so is its state, unless the file says where else.

use std::sync::Arc;

use sutler_infra::render;
use sutler_infra::run::{Goal, may_write, write};
use sutler_stack::infra::infra;
use sutler_stack::load::load_stack;
use sutler_stack::moving::moves;
use sutler_stack::root_module::RootModule;
use sutler_stack::stack::Stack;

use super::down::refused_by_protection;
use crate::Outcome;
use crate::arguments::{Infra, InfraApply, InfraOutput, InfraPlan, InfraRender, Output, StackArguments};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::{block_on, choose, printer, terraform, view};

pub(crate) fn run(arguments: &Infra) -> Result<Outcome, Failure> {
    match arguments {
        Infra::Render(arguments) => render_into(arguments),
        Infra::Plan(arguments) => block_on(plan(arguments)),
        Infra::Apply(arguments) => block_on(apply(arguments, Goal::Described)),
        Infra::Destroy(arguments) => block_on(apply(arguments, Goal::Nothing)),
        Infra::Output(arguments) => block_on(output(arguments)),
    }
}

fn render_into(arguments: &InfraRender) -> Result<Outcome, Failure> {
    let stack = StackArguments { path: None, file: arguments.file.clone(), environment: arguments.environment.clone() };
    let chosen = choose::stack(&stack);
    let (stack, _) = load_stack(&chosen.file, chosen.environment.as_deref())?;
    let files = render(&infra(&stack)?);
    let out = &arguments.folder;
    if !may_write(out) {
        let message = format!("`{}` is not empty, and was not written by `sutler infra render`", out.display());
        return Err(Failure::new(message).hint("name a new folder"));
    }
    write(out, &files)?;
    for file in &files {
        printer::line(out.join(&file.path).display().to_string());
    }
    Ok(Outcome::Done)
}

fn open(arguments: &StackArguments) -> Result<(Stack, Arc<RootModule>), Failure> {
    let chosen = choose::stack(arguments);
    let (stack, beside) = load_stack(&chosen.file, chosen.environment.as_deref())?;
    let root = RootModule::write(&stack, &beside)?;
    Ok((stack, Arc::new(root)))
}

async fn plan(arguments: &InfraPlan) -> Result<Outcome, Failure> {
    let interrupt = Interrupt::listen().await;
    let (_, root) = open(&arguments.stack)?;
    let plan = terraform::plan(&root, Goal::Described, &interrupt).await;
    root.forget_plan()?;
    let plan = plan?;
    match arguments.output {
        Output::Json => printer::line(view::json(&plan)),
        Output::Text => printer::data(&view::infra::plan(&plan)),
    }
    Ok(if plan.has_changes() { Outcome::Changes } else { Outcome::Done })
}

async fn apply(arguments: &InfraApply, goal: Goal) -> Result<Outcome, Failure> {
    let interrupt = Interrupt::listen().await;
    let (stack, root) = open(&arguments.stack)?;
    if goal == Goal::Nothing
        && let Some(refused) = refused_by_protection(&stack)
    {
        return Err(refused);
    }
    let done = tokio::select! {
        done = confirmed(&stack, &root, goal, arguments.yes, &interrupt) => done,
        () = interrupt.heard() => Err(Failure::new("stopped by the keyboard")),
    };
    // Whatever happened: it holds secrets in the clear.
    root.forget_plan()?;
    done
}

async fn confirmed(
    stack: &Stack,
    root: &Arc<RootModule>,
    goal: Goal,
    yes: bool,
    interrupt: &Interrupt,
) -> Result<Outcome, Failure> {
    let plan = terraform::plan(root, goal, interrupt).await?;
    printer::note(view::infra::plan(&plan).trim_end());
    if !plan.has_changes() {
        return Ok(Outcome::Done);
    }
    for one in moves(stack, &plan) {
        printer::note(format!(
            "warning: {} stops trusting pods that come by {} at once; `sutler up` moves them without a gap",
            one.name, one.from
        ));
    }
    if !yes {
        if !printer::can_ask() {
            return Err(Failure::new("nothing was changed: this asks first, and there is no terminal")
                .hint("say --yes where nobody can be asked"));
        }
        if !printer::asks(&format!("Do this in {} ({})?", account(stack), stack.region)) {
            return Err(Failure::new("nothing was changed: the answer was no"));
        }
    }
    let progress = Arc::new(Progress::new(false));
    let done = terraform::apply(root, &progress, interrupt).await;
    progress.end();
    done.map(|()| Outcome::Done).map_err(|failure| failure.or_hint(terraform::GOES_ON))
}

fn account(stack: &Stack) -> String {
    stack.account.as_ref().map_or("the account of your credentials".to_owned(), |account| format!("account {account}"))
}

async fn output(arguments: &InfraOutput) -> Result<Outcome, Failure> {
    let interrupt = Interrupt::listen().await;
    let (_, root) = open(&arguments.stack)?;
    terraform::init(&root, &interrupt).await?;
    let outputs = terraform::outputs(&root, &interrupt).await?;
    printer::line(view::json(&outputs));
    Ok(Outcome::Done)
}
