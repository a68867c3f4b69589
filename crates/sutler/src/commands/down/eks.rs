//! `sutler down` on EKS: the reverse of `up`. The releases go first, then what the cluster's controllers made outside of it, then all that
//! Terraform made. Volumes are data: they are kept, and told of, unless `--delete-data`.

use std::sync::Arc;

use sutler_infra::plan::Plan as InfraPlan;
use sutler_infra::run::Goal;
use sutler_stack::eks::{Eks, Purpose};
use sutler_stack::file::model::Manage;
use sutler_stack::lock::StackLock;
use sutler_stack::operate;
use sutler_stack::plan::Plan;
use sutler_stack::plan::down::Extent;
use sutler_stack::stack::Stack;

use super::ask;
use crate::Outcome;
use crate::arguments::Down;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::{printer, terraform, view};

pub(super) async fn run(arguments: &Down, stack: &mut Stack, folder: &std::path::Path) -> Result<Outcome, Failure> {
    let interrupt = Interrupt::listen().await;
    let eks = Eks::open(stack, folder, Purpose::Down).await?;
    let progress = Arc::new(Progress::new(eks.session.simulated));
    let mut lock = None;
    let done = tokio::select! {
        done = whole(arguments, stack, &eks, &mut lock, &progress, &interrupt) => done,
        () = interrupt.heard() => Err(Failure::new("stopped by the keyboard half-way")
            .hint("`sutler down` again goes on where this one stopped")),
    };
    progress.end();
    release(&mut lock).await;
    if let Some(root) = &eks.root {
        // Whatever happened: it holds secrets in the clear.
        root.forget_plan()?;
    }
    done
}

async fn whole(
    arguments: &Down,
    stack: &Stack,
    eks: &Eks,
    lock: &mut Option<StackLock>,
    progress: &Arc<Progress>,
    interrupt: &Interrupt,
) -> Result<Outcome, Failure> {
    let ends_cluster = stack.cluster.manage == Manage::All;
    let extent = Extent { ends_cluster, delete_data: arguments.delete_data };
    let mut plan = match eks.exists {
        true => operate::plan_down(&eks.session, stack, extent).await?,
        false => Plan::empty(stack),
    };
    if let Some(reason) = plan.blocked.first() {
        let more = match plan.blocked.len() {
            1 => String::new(),
            all => format!(" (and {} more)", all - 1),
        };
        return Err(Failure::new(format!("nothing was removed: {reason}{more}")).hint(
            "remove what others have there first (`sutler ray down NAME`, `sutler helm uninstall`), or ask whose it is",
        ));
    }
    if let Some(root) = &eks.root {
        plan.infra = Some(terraform::plan(root, Goal::Nothing, interrupt).await?);
    }
    printer::note(view::header(&plan));
    if !plan.has_changes() {
        printer::note("nothing of this stack is there");
        return Ok(Outcome::Done);
    }
    let infra = plan.infra.as_ref().filter(|infra| infra.has_changes());
    printer::note(format!("{}{}", view::plan::steps(&plan), infra.map(view::plan::infra).unwrap_or_default()));
    for warning in &plan.warnings {
        printer::note(format!("note: {warning}"));
    }
    let account = &eks.cloud.caller.account;
    ask(arguments.yes, &format!("Remove this from {} in account {account}, {}?", stack.cluster.name, stack.region))?;
    if eks.exists {
        let held = lock.insert(StackLock::take(&eks.session, &stack.name).await?);
        held.during(operate::down(&eks.session, &plan, &progress.sink())).await?;
        // It lies in the cluster, which goes now.
        release(lock).await;
    }
    if let (Some(infra), Some(root)) = (infra, &eks.root)
        && let Err(failure) = terraform::apply(root, progress, interrupt).await
    {
        progress.end();
        return Err(with_holders(failure, eks, infra).await.or_hint(terraform::GOES_ON));
    }
    progress.end();
    printer::line(match (ends_cluster, stack.cluster.manage) {
        (true, _) => format!("{} is down; cluster {} is gone", stack.name, stack.cluster.name),
        (false, Manage::Roles) => {
            format!(
                "{} is down, its roles are gone; cluster {} stays, with the namespaces",
                stack.name, stack.cluster.name
            )
        }
        (false, _) => format!("{} is down; cluster {} stays, with the namespaces", stack.name, stack.cluster.name),
    });
    for left in &plan.warnings {
        printer::line(format!("left: {left}"));
    }
    Ok(Outcome::Done)
}

/// The failure, with what keeps the network from going: interfaces and groups that controllers left, and Terraform does not know.
async fn with_holders(failure: Failure, eks: &Eks, infra: &InfraPlan) -> Failure {
    // A lock, a kill: it was not the network.
    if failure.hint.is_some() {
        return failure;
    }
    let network = infra.changes.iter().find(|change| change.resource_type == "aws_vpc");
    let Some(vpc) = network.and_then(|change| change.before["id"].as_str()) else { return failure };
    let holders = match eks.cloud.aws.network_holders(vpc).await {
        Ok(holders) => holders,
        Err(error) => {
            tracing::warn!(%error, "what holds the network could not be asked");
            return failure;
        }
    };
    if holders.is_empty() {
        return failure;
    }
    for holder in &holders {
        let status = holder.status.as_deref().map(|status| format!(", {status}")).unwrap_or_default();
        printer::note(format!("left: {} ({}{status}) is in the network {vpc}", holder.id, holder.about));
    }
    failure.hint(
        "what is left in the network keeps it: what no service of AWS takes back in some minutes, remove by hand \
         (`aws ec2 delete-network-interface`, `delete-security-group`); `sutler down` again goes on from here",
    )
}

async fn release(lock: &mut Option<StackLock>) {
    if let Some(lock) = lock.take()
        && let Err(error) = lock.release().await
    {
        tracing::warn!(%error, "the stack's lock could not be let go; it lapses by itself");
    }
}
