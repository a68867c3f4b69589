//! `sutler doctor`: what is wrong with a cluster, and what to change.

use std::path::Path;
use std::sync::Arc;

use sutler_access::doctor::State;
use sutler_infra::plan::Plan as InfraPlan;
use sutler_infra::run::Goal;
use sutler_stack::access::Sources;
use sutler_stack::cloud::Cloud;
use sutler_stack::doctor::{Asked, Diagnosis, Topic, examine};
use sutler_stack::file::model::Manage;
use sutler_stack::load::load_stack;
use sutler_stack::preflight::preflight;
use sutler_stack::preflight::rights::needs;
use sutler_stack::root_module::RootModule;
use sutler_stack::stack::{Stack, Target};

use super::explain::{Opened, open};
use crate::Outcome;
use crate::arguments::{Doctor, DoctorTopic, Output, StackArguments};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::{choose, printer, terraform, view};

pub(crate) async fn run(arguments: &Doctor) -> Result<Outcome, Failure> {
    if arguments.topic == DoctorTopic::Preflight {
        return before(arguments).await;
    }
    let Opened { stack, session, cloud } =
        open(&arguments.cluster, arguments.region.as_deref(), "sutler doctor").await?;
    let topics: &[Topic] = match arguments.topic {
        DoctorTopic::Permissions => &[Topic::Permissions],
        DoctorTopic::Pending => &[Topic::Pending],
        DoctorTopic::Network => &[Topic::Network],
        DoctorTopic::Preflight | DoctorTopic::All => &Topic::ALL,
    };
    let sources = Sources { session: session.as_ref(), cloud, stack: stack.as_ref() };
    let asked = Asked { topics, namespace: arguments.namespace.as_deref() };
    let diagnosis = examine(asked, &sources).await?;
    if arguments.output == Output::Text && sources.cloud.is_none() && topics.contains(&Topic::Permissions) {
        printer::note("roles and policies are those that the stack would make: AWS was not asked");
    }
    Ok(tell(&diagnosis, arguments.output))
}

/// Asks the account of a stack, whether its cluster is there or not.
async fn before(arguments: &Doctor) -> Result<Outcome, Failure> {
    if arguments.cluster.context.is_some() {
        return Err(Failure::new(
            "`doctor preflight` is about what a stack asks for: a context alone asks for nothing",
        )
        .hint("name the stack with -f, and its environment with -e"));
    }
    let chosen = choose::stack(&StackArguments {
        path: None,
        file: arguments.cluster.file.clone(),
        environment: arguments.cluster.environment.clone(),
    });
    let (mut stack, folder) = load_stack(&chosen.file, chosen.environment.as_deref())?;
    if stack.target != Target::Eks {
        let message = format!("environment `{}` is not on EKS: nothing is paid for there", stack.environment);
        return Err(Failure::new(message).hint("choose one with `target: eks` by -e"));
    }
    let cloud = Cloud::of_stack(&stack).await?;
    stack.settle_in(&cloud.caller.account);
    let plan = match stack.cluster.manage {
        Manage::None => None,
        Manage::All | Manage::Roles => match plan(&stack, &folder).await {
            Ok(plan) => Some(plan),
            Err(failure) => {
                printer::note(format!(
                    "there is no plan to ask about, so it is asked about making and removing everything: {}",
                    failure.error
                ));
                None
            }
        },
    };
    let needs = needs(&stack, plan.as_ref(), &cloud.caller.account);
    let section = preflight(&stack, &cloud, needs).await;
    Ok(tell(&Diagnosis::of_stack(&stack, section), arguments.output))
}

/// What Terraform would do.
async fn plan(stack: &Stack, folder: &Path) -> Result<InfraPlan, Failure> {
    let interrupt = Interrupt::listen().await;
    let root = Arc::new(RootModule::write(stack, folder)?);
    let plan = terraform::plan(&root, Goal::Described, &interrupt).await;
    root.forget_plan()?;
    plan
}

fn tell(diagnosis: &Diagnosis, output: Output) -> Outcome {
    match output {
        Output::Json => printer::line(view::json(diagnosis)),
        Output::Text => printer::data(&view::doctor(diagnosis)),
    }
    if diagnosis.state == State::Failed { Outcome::Broken } else { Outcome::Done }
}
