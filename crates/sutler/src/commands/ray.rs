//! `sutler ray up`, `list` and `down`: a Ray cluster of one's own.

use std::sync::Arc;

use sutler_ray::list::Listed;
use sutler_ray::{RayCluster, label_value};
use sutler_stack::load::load_stack;
use sutler_stack::plan::make::RAY_CHART;
use sutler_stack::session::{Intent, Session};
use sutler_stack::stack::Target;

use crate::Outcome;
use crate::arguments::{ClusterArguments, Output, Ray, RayDown, RayList, RayUp};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{choose, printer, view};

/// The environment variable that says whose clusters are made, where the system's user name does not.
const OWNER_VARIABLE: &str = "SUTLER_OWNER";

pub(crate) async fn run(command: &Ray) -> Result<Outcome, Failure> {
    match command {
        Ray::Up(arguments) => up(arguments).await,
        Ray::List(arguments) => list(arguments).await,
        Ray::Down(arguments) => down(arguments).await,
    }
}

/// The cluster that is meant: by context, by a stack, else the stack here, the simulated one brought up last, the
/// kubeconfig's current context.
async fn open(arguments: &ClusterArguments, command: &str, intent: Intent) -> Result<Session, Failure> {
    if let Some(context) = &arguments.context {
        return Ok(Session::context(Some(context)).await?);
    }
    let named = arguments.file.as_ref().map(|file| choose::Chosen {
        file: sutler_stack::load::stack_file(file),
        environment: arguments.environment.clone(),
    });
    let chosen = named.or_else(choose::here).or_else(|| choose::last_simulated(arguments.environment.as_deref()));
    let Some(chosen) = chosen else { return Ok(Session::context(None).await?) };
    let environment = arguments.environment.as_deref().or(chosen.environment.as_deref());
    let (stack, folder) = load_stack(&chosen.file, environment)?;
    let store = sutler_stack::session::store_path(&folder, &stack.cluster.name);
    if stack.target == Target::Simulator && !store.exists() {
        return Err(Failure::new(format!("the simulated cluster {} is not up", stack.cluster.name))
            .hint(format!("sutler up {}", folder.display())));
    }
    Ok(Session::open(&stack, &folder, command, intent).await?)
}

async fn up(arguments: &RayUp) -> Result<Outcome, Failure> {
    let session = open(&arguments.cluster, "sutler ray up", Intent::Change).await?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| Failure::new(format!("the system gives no random bytes: {error}")))?;
    let wanted = RayCluster {
        name: arguments.name.clone(),
        namespace: arguments.namespace.clone(),
        workers: arguments.workers,
        owner: owner(&session),
        seed,
    };
    let begun = session.world.now();
    let progress = Arc::new(Progress::new(session.simulated));
    let session = session.telling_of_nodes(progress.sink()).await;
    let mut events = progress.release_events("ray", &arguments.name);
    let outcome = sutler_ray::up(&session.releases(), &wanted, &mut events).await;
    progress.end();
    let up = outcome?;
    let took = session.world.now().duration_since(begun);
    printer::data(&view::ray::up(&up, session.simulated, took));
    Ok(Outcome::Done)
}

/// Whose clusters are made.
fn owner(session: &Session) -> String {
    let named = std::env::var(OWNER_VARIABLE).ok().filter(|owner| !owner.is_empty());
    named.unwrap_or_else(|| session.holder.who.clone())
}

async fn list(arguments: &RayList) -> Result<Outcome, Failure> {
    let session = open(&arguments.cluster, "sutler ray list", Intent::Look).await?;
    let namespace = (!arguments.all_namespaces).then_some(arguments.namespace.as_str());
    let seen = sutler_ray::list::look(&session.releases(), namespace).await?;
    let found = sutler_ray::list::judge(&seen, RAY_CHART);
    let mine = label_value(&owner(&session));
    let is_shown =
        |one: &Listed| arguments.all || one.stack.is_some() || one.owner.as_ref().is_none_or(|owner| *owner == mine);
    let (shown, hidden): (Vec<Listed>, Vec<Listed>) = found.into_iter().partition(is_shown);
    match arguments.output {
        Output::Json => printer::line(view::json(&shown)),
        Output::Text => printer::data(&view::ray::list(&shown, session.simulated, session.world.now())),
    }
    if shown.is_empty() {
        let place = namespace.map_or("any namespace".to_owned(), |name| format!("namespace {name}"));
        printer::note(format!("no Ray cluster of yours in {place}: `sutler ray up NAME` brings one up"));
    }
    if !hidden.is_empty() {
        let number = view::count(hidden.len(), "Ray cluster");
        printer::note(format!("{number} of others not shown: --all"));
    }
    Ok(Outcome::Done)
}

async fn down(arguments: &RayDown) -> Result<Outcome, Failure> {
    let session = open(&arguments.cluster, "sutler ray down", Intent::Change).await?;
    let progress = Arc::new(Progress::new(session.simulated));
    let mut events = progress.release_events("ray", &arguments.name);
    let outcome =
        sutler_ray::down(&session.releases(), &arguments.namespace, &arguments.name, RAY_CHART, &mut events).await;
    progress.end();
    outcome?;
    let simulated = if session.simulated { " (simulated)" } else { "" };
    printer::line(format!("Ray cluster {} in namespace {} is down{simulated}", arguments.name, arguments.namespace));
    Ok(Outcome::Done)
}
