//! `sutler down`: takes the stack down in reverse order, after asking.

mod eks;

use std::sync::Arc;

use sutler_stack::file::diagnostic::Diagnostic;
use sutler_stack::load::load_stack;
use sutler_stack::lock::StackLock;
use sutler_stack::operate;
use sutler_stack::plan::down::Extent;
use sutler_stack::session::{Intent, Session, store_path};
use sutler_stack::stack::{Stack, Target};

use crate::Outcome;
use crate::arguments::Down;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{choose, printer, view};

pub(crate) async fn run(arguments: &Down) -> Result<Outcome, Failure> {
    let chosen = choose::stack(&arguments.stack);
    let (mut stack, folder) = load_stack(&chosen.file, chosen.environment.as_deref())?;
    if let Some(refused) = refused_by_protection(&stack) {
        return Err(refused);
    }
    if stack.target == Target::Eks {
        return eks::run(arguments, &mut stack, &folder).await;
    }
    let store = store_path(&folder, &stack.cluster.name);
    if stack.target == Target::Simulator && !store.exists() {
        printer::note(format!("{} is not up: there is no simulated cluster {}", stack.name, stack.cluster.name));
        return Ok(Outcome::Done);
    }
    let session = Session::open(&stack, &folder, "sutler down", Intent::Change).await?;
    let extent = Extent { ends_cluster: false, delete_data: arguments.delete_data };
    let plan = operate::plan_down(&session, &stack, extent).await?;
    printer::note(view::header(&plan));
    printer::note(view::plan::steps(&plan));
    for warning in &plan.warnings {
        printer::note(format!("note: {warning}"));
    }
    // The simulated cluster goes with its stack, as a cluster that Sutler made would, unless others live in it.
    let ends_cluster = stack.target == Target::Simulator && plan.warnings.is_empty() && session.simulator.is_some();
    if plan.steps.is_empty() && !ends_cluster {
        printer::note("nothing of this stack is there");
        return Ok(Outcome::Done);
    }
    ask(arguments.yes, &format!("Remove this from {}?", session.address))?;
    let lock = StackLock::take(&session, &stack.name).await?;
    let progress = Arc::new(Progress::new(session.simulated));
    let done = lock.during(operate::down(&session, &plan, &progress.sink())).await;
    progress.end();
    if let Err(error) = lock.release().await {
        tracing::warn!(%error, "the stack's lock could not be let go; it lapses by itself");
    }
    done?;
    match stack.target {
        Target::Simulator if ends_cluster => {
            drop(session);
            remove_store(&store)?;
            choose::forget_simulated();
            printer::line(format!("{} is down; the simulated cluster {} is gone", stack.name, stack.cluster.name));
        }
        Target::Simulator => {
            printer::line(format!("{} is down; the simulated cluster {} stays", stack.name, stack.cluster.name))
        }
        _ if arguments.delete_data => printer::line(format!("{} is down; its namespaces stay", stack.name)),
        _ => printer::line(format!("{} is down; its namespaces stay, with the volumes in them", stack.name)),
    }
    Ok(Outcome::Done)
}

/// The refusal of an environment that the file protects, at the line to change.
pub(super) fn refused_by_protection(stack: &Stack) -> Option<Failure> {
    if !stack.protect {
        return None;
    }
    let place = stack.file.place(&["environments", &stack.environment, "protect"]);
    let message = format!("environment `{}` is protected: nothing of it is removed", stack.environment);
    let report = stack.file.report(vec![Diagnostic::error(place, message)]);
    Some(Failure::new(report.to_string()).hint("take `protect: true` out of the environment first"))
}

/// Asks before anything goes, unless that was said to be right.
fn ask(yes: bool, question: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !printer::can_ask() {
        return Err(Failure::new("nothing was removed: `down` asks first, and there is no terminal")
            .hint("say --yes where nobody can be asked"));
    }
    match printer::asks(question) {
        true => Ok(()),
        false => Err(Failure::new("nothing was removed: the answer was no")),
    }
}

/// Removes a simulator's store: the file, and what SQLite and the lock keep beside it.
fn remove_store(store: &std::path::Path) -> Result<(), Failure> {
    for ending in ["", "-wal", "-shm", ".lock"] {
        let mut path = store.as_os_str().to_owned();
        path.push(ending);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(anyhow::Error::from(error).context(format!("cannot remove `{}`", path.display())).into());
            }
            _ => {}
        }
    }
    Ok(())
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::new(error)
    }
}
