//! `sutler lock`: pins the charts of a stack, and takes newer ones when asked.

use anyhow::Context;
use sutler_stack::load::{Loaded, load_upgrading};
use sutler_stack::pins::Upgrade;

use crate::Outcome;
use crate::arguments::{Lock, Output};
use crate::failure::Failure;
use crate::{choose, printer, repositories, view};

pub(crate) fn run(arguments: &Lock) -> Result<Outcome, Failure> {
    let chosen = choose::stack(&arguments.stack);
    let upgrade = match &arguments.upgrade {
        None => Upgrade::Nothing,
        Some(releases) if releases.is_empty() => Upgrade::All,
        Some(releases) => Upgrade::Releases(releases.clone()),
    };
    let repositories = repositories::of_this_user();
    let loaded = load_upgrading(&chosen.file, chosen.environment.as_deref(), &repositories, &upgrade)?;
    if let Upgrade::Releases(releases) = &upgrade {
        known(&loaded, releases)?;
    }
    let path = loaded.pins.path.display();
    let changes = loaded.pins.changes();
    if arguments.check {
        if !changes.is_empty() {
            printer::data(&view::pins::changes(&changes));
            return Err(Failure::new(format!("{path} is not what it must be")).hint("`sutler lock` writes it"));
        }
    } else {
        loaded.pins.write().with_context(|| format!("cannot write {path}"))?;
    }
    match arguments.output {
        Output::Json => printer::line(view::json(&changes)),
        Output::Text if changes.is_empty() => {
            printer::line(format!("{path} is up to date: {}", view::count(loaded.pins.after.charts.len(), "chart")));
        }
        Output::Text => {
            printer::data(&view::pins::changes(&changes));
            printer::line(format!("wrote {path}; `sutler plan` shows what that changes"));
        }
    }
    Ok(Outcome::Done)
}

/// Refuses ids that are no releases: an upgrade of nothing would look like one that found nothing newer.
fn known(loaded: &Loaded, asked: &[String]) -> Result<(), Failure> {
    let stack = &loaded.stack;
    let ids: Vec<&str> = stack.releases.iter().chain(&stack.skipped).map(|release| release.id.as_str()).collect();
    match asked.iter().find(|id| !ids.contains(&id.as_str())) {
        None => Ok(()),
        Some(id) => Err(Failure::new(format!("the stack has no release `{id}`"))
            .hint(format!("there are: {}; nothing was changed", ids.join(", ")))),
    }
}
