//! `sutler doctor`: what is wrong with a cluster, and what to change.

use sutler_access::doctor::State;
use sutler_stack::access::Sources;
use sutler_stack::doctor::{Asked, Topic, examine};

use super::explain::{Opened, open};
use crate::Outcome;
use crate::arguments::{Doctor, DoctorTopic, Output};
use crate::failure::Failure;
use crate::{printer, view};

pub(crate) async fn run(arguments: &Doctor) -> Result<Outcome, Failure> {
    let Opened { stack, session, cloud } =
        open(&arguments.cluster, arguments.region.as_deref(), "sutler doctor").await?;
    let topics: &[Topic] = match arguments.topic {
        DoctorTopic::Permissions => &[Topic::Permissions],
        DoctorTopic::Pending => &[Topic::Pending],
        DoctorTopic::Network => &[Topic::Network],
        DoctorTopic::All => &Topic::ALL,
    };
    let sources = Sources { session: session.as_ref(), cloud, stack: stack.as_ref() };
    let asked = Asked { topics, namespace: arguments.namespace.as_deref() };
    let diagnosis = examine(asked, &sources).await?;
    match arguments.output {
        Output::Json => printer::line(view::json(&diagnosis)),
        Output::Text => {
            if sources.cloud.is_none() && topics.contains(&Topic::Permissions) {
                printer::note("roles and policies are those that the stack would make: AWS was not asked");
            }
            printer::data(&view::doctor(&diagnosis));
        }
    }
    Ok(if diagnosis.state == State::Failed { Outcome::Broken } else { Outcome::Done })
}
