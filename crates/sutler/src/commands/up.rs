//! `sutler up`: makes the plan, shows it and asks where something real would change, carries it out, sums up.

mod eks;

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use jiff::SignedDuration;
use sutler_stack::load::{Loaded, load};
use sutler_stack::lock::StackLock;
use sutler_stack::operate;
use sutler_stack::session::{Intent, Session};
use sutler_stack::stack::Target;
use sutler_stack::status::{self, Status};

use crate::Outcome;
use crate::arguments::{Output, Up};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{choose, printer, repositories, view};

pub(crate) async fn run(arguments: &Up) -> Result<Outcome, Failure> {
    let begun = Instant::now();
    let chosen = choose::stack(&arguments.stack);
    let mut loaded = load(&chosen.file, chosen.environment.as_deref(), &repositories::of_this_user())?;
    let (changes, status, cluster) = match loaded.stack.target {
        Target::Eks => {
            let (changes, status) = eks::run(arguments, &mut loaded).await?;
            (changes, status, None)
        }
        Target::Simulator | Target::Context(_) => in_cluster(arguments, &loaded).await?,
    };
    if loaded.stack.target == Target::Simulator {
        choose::remember_simulated(&chosen.file, &loaded.stack.environment);
    }
    match arguments.output {
        Output::Json => printer::line(view::json(&status)),
        Output::Text => {
            let took = view::summary::Took { here: begun.elapsed(), cluster };
            let command = view::plan::rest_of_command(&arguments.stack);
            printer::data(&view::summary::text(&loaded, &status, changes, took, &command));
        }
    }
    Ok(Outcome::Done)
}

/// Brings it up in the simulator, or in a cluster that exists: whether anything changed, how it then is, and how long it took on the
/// simulator's clock.
async fn in_cluster(arguments: &Up, loaded: &Loaded) -> Result<(bool, Status, Option<SignedDuration>), Failure> {
    let stack = &loaded.stack;
    let session = Session::open(stack, &loaded.folder, "sutler up", Intent::Change).await?;
    let cluster_begun = session.world.now();
    // A plan without secrets first: what cannot be planned is refused before anything is written, the lock included.
    let planned = operate::plan(&session, loaded, None, arguments.recover).await?;
    let lock = StackLock::take(&session, &stack.name).await?;
    let progress = Arc::new(Progress::new(session.simulated));
    let session = session.telling_of_nodes(progress.sink()).await;
    let work = async {
        let secrets = operate::read_secrets(&session, loaded).await?;
        let planned = match secrets.by_name.is_empty() {
            true => planned,
            false => operate::plan(&session, loaded, Some(&secrets), arguments.recover).await?,
        };
        let changes = planned.plan.has_changes();
        if arguments.output == Output::Text {
            printer::note(view::header(&planned.plan));
            for warning in &planned.plan.warnings {
                printer::note(format!("warning: {warning}"));
            }
        }
        if changes && !session.simulated {
            if !arguments.yes {
                printer::note(view::plan::changes(&planned.plan));
            }
            let question = format!("Apply this to {} ({})?", session.address, stack.cluster.name);
            ask(arguments.yes, &question, "nothing was changed")?;
        }
        write_pins(loaded, arguments.output)?;
        if changes || !planned.plan.blocked.is_empty() {
            operate::up(&session, loaded, &planned, arguments.recover, progress.sink()).await?;
        }
        let status = status::judge(stack, &status::look(&session, stack).await?);
        Ok((changes, status))
    };
    let done = tokio::select! {
        done = lock.during(work) => done,
        _ = tokio::signal::ctrl_c() => Err(Failure::new("stopped by the keyboard half-way").hint("`sutler up` again goes on where this one stopped")),
    };
    progress.end();
    if let Err(error) = lock.release().await {
        tracing::warn!(%error, "the stack's lock could not be let go; it lapses by itself");
    }
    let (changes, status) = done?;
    let took = session.simulated.then(|| session.world.now().duration_since(cluster_begun));
    Ok((changes, status, took))
}

/// Asks before something real is changed, unless that was said to be right.
fn ask(yes: bool, question: &str, otherwise: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !printer::can_ask() {
        return Err(Failure::new(format!("{otherwise}: `up` of a real cluster asks first, and there is no terminal"))
            .hint("say --yes where nobody can be asked"));
    }
    if !printer::asks(question) {
        return Err(Failure::new(format!("{otherwise}: the answer was no")));
    }
    Ok(())
}

/// Writes stack.lock, where it is not what the charts need, and says so.
fn write_pins(loaded: &Loaded, output: Output) -> Result<(), Failure> {
    let pins = &loaded.pins;
    let path = pins.path.display();
    if pins.write().with_context(|| format!("cannot write {path}"))? && output == Output::Text {
        printer::note(format!("wrote {path} ({} pinned)", view::count(pins.after.charts.len(), "chart")));
    }
    Ok(())
}
