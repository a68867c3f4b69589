//! `sutler status`: how the stack is doing.

use sutler_stack::load::load_stack;
use sutler_stack::session::{Intent, Session, SessionError};
use sutler_stack::status;

use crate::Outcome;
use crate::arguments::{Output, Status};
use crate::failure::Failure;
use crate::{choose, printer, view};

pub(crate) async fn run(arguments: &Status) -> Result<Outcome, Failure> {
    let chosen = choose::stack(&arguments.stack);
    let (stack, folder) = load_stack(&chosen.file, chosen.environment.as_deref())?;
    let session = match Session::open(&stack, &folder, "sutler status", Intent::Look).await {
        // That nothing is there is a status too.
        Err(missing @ SessionError::NoCluster { .. }) => {
            printer::note(format!("{missing}: {}", missing.hint().unwrap_or_default()));
            Session { simulated: false, ..Session::in_memory(&stack.cluster.name)? }
        }
        opened => opened?,
    };
    let status = status::judge(&stack, &status::look(&session, &stack).await?);
    match arguments.output {
        Output::Json => printer::line(view::json(&status)),
        Output::Text => printer::data(&view::status::text(&status)),
    }
    Ok(Outcome::Done)
}
