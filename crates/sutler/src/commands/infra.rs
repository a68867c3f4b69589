//! `sutler infra`: the Terraform root module of a stack written, planned, applied, destroyed, and what came out.
//!
//! Sutler keeps the root module in `.sutler/infra/ENVIRONMENT` beside stack.yaml; so is its state, unless the file says where else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sutler_infra::model::State;
use sutler_infra::plan::Plan;
use sutler_infra::render;
use sutler_infra::run::{Goal, RunError, Settings, Terraform, may_write, write};
use sutler_stack::infra::infra;
use sutler_stack::init::STATE_FOLDER;
use sutler_stack::load::load_stack;
use sutler_stack::stack::Stack;

use crate::Outcome;
use crate::arguments::{Infra, InfraApply, InfraOutput, InfraPlan, InfraRender, Output, StackArguments};
use crate::failure::Failure;
use crate::{block_on, choose, printer, view};

pub(crate) fn run(arguments: &Infra) -> Result<Outcome, Failure> {
    match arguments {
        Infra::Render(arguments) => render_into(arguments),
        Infra::Plan(arguments) => uninterrupted(arguments, plan),
        Infra::Apply(arguments) => uninterrupted(arguments, |arguments| apply(arguments, Goal::Described)),
        Infra::Destroy(arguments) => uninterrupted(arguments, |arguments| apply(arguments, Goal::Nothing)),
        Infra::Output(arguments) => output(arguments),
    }
}

/// Runs it while Ctrl-C is left to Terraform, which hears it too: it stops in good order, and its state is written.
fn uninterrupted<T>(arguments: &T, work: impl FnOnce(&T) -> Result<Outcome, Failure>) -> Result<Outcome, Failure> {
    block_on(async {
        let heard = Arc::new(tokio::sync::Notify::new());
        let listener = tokio::spawn({
            let heard = Arc::clone(&heard);
            async move {
                heard.notify_one();
                while tokio::signal::ctrl_c().await.is_ok() {
                    printer::note("stopping: Terraform ends what it has begun");
                }
            }
        });
        heard.notified().await;
        let done = tokio::task::block_in_place(|| work(arguments));
        listener.abort();
        done
    })
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

/// A stack's root module, written and ready.
struct Opened {
    stack: Stack,
    folder: PathBuf,
    terraform: Terraform,
}

fn open(arguments: &StackArguments) -> Result<Opened, Failure> {
    let chosen = choose::stack(arguments);
    let (stack, beside) = load_stack(&chosen.file, chosen.environment.as_deref())?;
    let wanted = infra(&stack)?;
    let terraform = Terraform::find(Settings::default())?;
    let folder = beside.join(STATE_FOLDER).join("infra").join(&stack.environment);
    write(&folder, &render(&wanted))?;
    printer::note(match &wanted.state {
        State::Local => format!("Terraform {} in {}", terraform.version(), folder.display()),
        State::S3 { bucket, key, .. } => format!("Terraform {}, state in s3://{bucket}/{key}", terraform.version()),
    });
    terraform.init(&folder)?;
    Ok(Opened { stack, folder, terraform })
}

fn planned(opened: &Opened, goal: Goal) -> Result<Plan, RunError> {
    opened.terraform.plan(&opened.folder, goal, &mut |event| {
        if let Some(line) = view::infra::warning(&event) {
            printer::note(line);
        }
    })
}

fn plan(arguments: &InfraPlan) -> Result<Outcome, Failure> {
    let opened = open(&arguments.stack)?;
    let plan = planned(&opened, Goal::Described);
    opened.terraform.forget_plan(&opened.folder)?;
    let plan = plan?;
    match arguments.output {
        Output::Json => printer::line(view::json(&plan)),
        Output::Text => printer::data(&view::infra::plan(&plan)),
    }
    Ok(if plan.has_changes() { Outcome::Changes } else { Outcome::Done })
}

fn apply(arguments: &InfraApply, goal: Goal) -> Result<Outcome, Failure> {
    let opened = open(&arguments.stack)?;
    let done = confirmed(&opened, goal, arguments.yes);
    // Whatever happened: it holds secrets in the clear.
    opened.terraform.forget_plan(&opened.folder)?;
    done
}

fn confirmed(opened: &Opened, goal: Goal, yes: bool) -> Result<Outcome, Failure> {
    let Opened { stack, folder, terraform } = opened;
    if goal == Goal::Nothing && stack.protect {
        let message = format!("environment `{}` is protected: nothing of it is destroyed", stack.environment);
        return Err(Failure::new(message).hint("take `protect: true` out of the file first"));
    }
    let plan = planned(opened, goal)?;
    printer::note(view::infra::plan(&plan).trim_end());
    if !plan.has_changes() {
        return Ok(Outcome::Done);
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
    terraform.apply(folder, &mut |event| {
        if let Some(line) = view::infra::progress(&event) {
            printer::note(line);
        }
    })?;
    Ok(Outcome::Done)
}

fn account(stack: &Stack) -> String {
    stack.account.as_ref().map_or("the account of your credentials".to_owned(), |account| format!("account {account}"))
}

fn output(arguments: &InfraOutput) -> Result<Outcome, Failure> {
    let opened = open(&arguments.stack)?;
    let outputs = opened.terraform.outputs(Path::new(&opened.folder))?;
    printer::line(view::json(&outputs));
    Ok(Outcome::Done)
}
