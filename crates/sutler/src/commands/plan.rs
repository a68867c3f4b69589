//! `sutler plan`: what `up` would do, and nothing else.

use sutler_stack::load::load;
use sutler_stack::operate;
use sutler_stack::session::{Intent, Session};

use crate::Outcome;
use crate::arguments::{Output, Plan};
use crate::failure::Failure;
use crate::{choose, printer, repositories, view};

pub(crate) async fn run(arguments: &Plan) -> Result<Outcome, Failure> {
    let chosen = choose::stack(&arguments.stack);
    let loaded = load(&chosen.file, chosen.environment.as_deref(), &repositories::of_this_user())?;
    let session = Session::open(&loaded.stack, &loaded.folder, "sutler plan", Intent::Look).await?;
    let planned = operate::plan(&session, &loaded, None, false).await?;
    match arguments.output {
        Output::Json => printer::line(view::json(&planned.plan)),
        Output::Text => printer::data(&view::plan::text(&planned.plan, &view::plan::up_command(&arguments.stack))),
    }
    Ok(if planned.plan.has_changes() { Outcome::Changes } else { Outcome::Done })
}
