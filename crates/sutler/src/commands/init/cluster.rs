//! `sutler init --from-context`: a stack.yaml that says what a cluster holds, and whether a plan finds it so.

use std::path::{Path, PathBuf};

use sutler_stack::adopt::{Place, adopt, read};
use sutler_stack::init::one_line;
use sutler_stack::load::load;
use sutler_stack::operate;
use sutler_stack::session::Session;

use super::{rest, tell, write};
use crate::failure::Failure;
use crate::{Outcome, printer, repositories, view};

pub(super) async fn run(
    folder: &Path,
    name: &str,
    context: Option<&str>,
    charts: &[PathBuf],
) -> Result<Outcome, Failure> {
    let place = read::find(context)?;
    let session = Session::context(Some(place.context())).await?;
    let repositories = repositories::of_this_user();
    let sources = read::Sources { repositories: &repositories, folders: charts, stack: folder };
    printer::note(format!("reading the cluster of context {}", one_line(place.context())));
    let seen = read::read(&session, place, &sources).await?;
    let adopted = adopt(name, &seen);
    write(folder, &adopted.files)?;
    tell(&adopted);
    compare(folder, &session, &seen.place).await
}

/// Compares what was written with the cluster it was read from, as `sutler plan` will.
async fn compare(folder: &Path, session: &Session, place: &Place) -> Result<Outcome, Failure> {
    let rest = rest(folder);
    let mut loaded = load(folder, None, &repositories::of_this_user())?;
    loaded.pins.write().map_err(|error| {
        Failure::new(anyhow::Error::from(error).context(format!("cannot write `{}`", loaded.pins.path.display())))
    })?;
    loaded.pins.before = loaded.pins.after.clone();
    match operate::plan(session, &loaded, None, false).await {
        Ok(planned) if !planned.plan.has_changes() => {
            printer::note(format!("next: sutler plan{rest}: it finds nothing to do"));
        }
        Ok(planned) => {
            printer::note(format!("sutler plan{rest} finds that this would change:"));
            printer::note(view::plan::changes(&planned.plan).trim_end());
        }
        Err(error) => {
            let failure = Failure::from(error);
            printer::note(format!("sutler plan{rest} refuses the stack until this is mended:"));
            printer::error(failure.error.as_ref(), failure.hint.as_deref());
        }
    }
    if let Place::Eks { .. } = place {
        printer::note("it asks AWS too: credentials of the cluster's account are needed");
    }
    Ok(Outcome::Done)
}
