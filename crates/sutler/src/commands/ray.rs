//! `sutler ray up` and `sutler ray down`: a Ray cluster of one's own.

use std::sync::Arc;

use sutler_ray::RayCluster;
use sutler_stack::load::load_stack;
use sutler_stack::plan::make::RAY_CHART;
use sutler_stack::session::{Intent, Session};
use sutler_stack::stack::Target;

use crate::Outcome;
use crate::arguments::{ClusterArguments, Ray, RayDown, RayUp};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{choose, printer, view};

/// The environment variable that says whose clusters are made, where the system's user name does not.
const OWNER_VARIABLE: &str = "SUTLER_OWNER";

pub(crate) async fn run(command: &Ray) -> Result<Outcome, Failure> {
    match command {
        Ray::Up(arguments) => up(arguments).await,
        Ray::Down(arguments) => down(arguments).await,
    }
}

/// The cluster that is meant: by context, by a stack, else the stack here, the simulated one brought up last, the
/// kubeconfig's current context.
async fn open(arguments: &ClusterArguments, command: &str) -> Result<Session, Failure> {
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
    Ok(Session::open(&stack, &folder, command, Intent::Change).await?)
}

async fn up(arguments: &RayUp) -> Result<Outcome, Failure> {
    let session = open(&arguments.cluster, "sutler ray up").await?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| Failure::new(format!("the system gives no random bytes: {error}")))?;
    let owner = std::env::var(OWNER_VARIABLE).ok().filter(|owner| !owner.is_empty());
    let wanted = RayCluster {
        name: arguments.name.clone(),
        namespace: arguments.namespace.clone(),
        workers: arguments.workers,
        owner: owner.unwrap_or_else(|| session.holder.who.clone()),
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

async fn down(arguments: &RayDown) -> Result<Outcome, Failure> {
    let session = open(&arguments.cluster, "sutler ray down").await?;
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
