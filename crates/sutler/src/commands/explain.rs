//! `sutler explain access`: may this pod do that, and if not, which link of the chain is broken.

use serde_json::json;
use sutler_access::doctor::{to_text, verdict};
use sutler_stack::access::{Question, Sources, answer};
use sutler_stack::cloud::{Cloud, CloudError};
use sutler_stack::load::load_stack;
use sutler_stack::session::{Intent, Session};
use sutler_stack::stack::{Stack, Target};

use crate::Outcome;
use crate::arguments::{ClusterArguments, Explain, ExplainAccess, Output, StackArguments};
use crate::failure::Failure;
use crate::{choose, printer, view};

pub(crate) async fn run(command: &Explain) -> Result<Outcome, Failure> {
    match command {
        Explain::Access(arguments) => access(arguments).await,
    }
}

async fn access(arguments: &ExplainAccess) -> Result<Outcome, Failure> {
    let question = Question::new(&arguments.subject, &arguments.action, &arguments.resource)?;
    let Opened { stack, session, cloud } =
        open(&arguments.cluster, arguments.region.as_deref(), "sutler explain").await?;
    let sources = Sources { session: session.as_ref(), cloud, stack: stack.as_ref() };
    let links = answer(&question, &sources).await?;
    let verdict = verdict(&links);
    match arguments.output {
        Output::Json => {
            let question = json!({"subject": question.subject.to_string(), "action": question.action, "resource": question.resource});
            let allowed =
                json!({"version": "sutler.dev/access/v1", "question": question, "allowed": verdict, "links": links});
            printer::line(view::json(&allowed));
        }
        Output::Text => {
            if sources.cloud.is_none() {
                printer::note("roles and policies are those that the stack would make: AWS was not asked");
            }
            printer::data(&to_text(&links));
            printer::note(match verdict {
                Some(true) => format!("{} may {} on {}", question.subject, question.action, question.resource),
                Some(false) => format!("{} may not {} on {}", question.subject, question.action, question.resource),
                None => "whether it may is not known: see the links that are UNKNOWN".to_owned(),
            });
        }
    }
    // As `plan` has it: 2 is an answer, 1 an error.
    Ok(if verdict == Some(true) { Outcome::Done } else { Outcome::Changes })
}

/// What facts are read from.
pub(super) struct Opened {
    pub(super) stack: Option<Stack>,
    pub(super) session: Option<Session>,
    pub(super) cloud: Option<Result<Cloud, CloudError>>,
}

/// Opens what the arguments mean: a context without any stack, else the stack's cluster and account. `command` is what others are told that
/// a simulator is in use by.
pub(super) async fn open(arguments: &ClusterArguments, region: Option<&str>, command: &str) -> Result<Opened, Failure> {
    // The door for somebody without any stack.yaml: a kubeconfig, and whatever AWS credentials there are.
    if let Some(context) = &arguments.context {
        let settings = sutler_aws::Settings { region: region.map(str::to_owned), profile: None };
        let session = Session::context(Some(context)).await?;
        return Ok(Opened { stack: None, session: Some(session), cloud: Some(Cloud::open(&settings).await) });
    }
    let chosen = choose::stack(&StackArguments {
        path: None,
        file: arguments.file.clone(),
        environment: arguments.environment.clone(),
    });
    let (stack, folder) = load_stack(&chosen.file, chosen.environment.as_deref())?;
    let (session, cloud) = of_stack(&stack, &folder, command).await?;
    Ok(Opened { stack: Some(stack), session, cloud })
}

/// The cluster and the account of a stack's environment. A simulated one has neither role nor bucket: the stack's own roles
/// are meant. One that is not made yet is judged by the plan.
async fn of_stack(
    stack: &Stack,
    folder: &std::path::Path,
    command: &str,
) -> Result<(Option<Session>, Option<Result<Cloud, CloudError>>), Failure> {
    match &stack.target {
        Target::Simulator => {
            let store = sutler_stack::session::store_path(folder, &stack.cluster.name);
            if !store.exists() {
                return Ok((None, None));
            }
            Ok((Some(Session::open(stack, folder, command, Intent::Look).await?), None))
        }
        Target::Context(context) => {
            Ok((Some(Session::context(Some(context)).await?), Some(Cloud::of_stack(stack).await)))
        }
        Target::Eks => {
            let cloud = Cloud::of_stack(stack).await?;
            let session = cloud.session(&stack.cluster.name).await?;
            let cloud = session.is_some().then_some(Ok(cloud));
            Ok((session, cloud))
        }
    }
}
