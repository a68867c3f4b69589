//! `sutler up` on EKS: Terraform's changes and the releases' are shown as one plan, then made in order: network, cluster, add-ons, roles and
//! pools by Terraform, then what is in the cluster, with the roles' ARNs out of Terraform's outputs.
//!
//! Where it stops, another `up` goes on: what Terraform made is in its state, and a release that was left half-way is finished.

use std::sync::Arc;

use sutler_access::doctor::State;
use sutler_infra::plan::Plan as InfraPlan;
use sutler_stack::doctor::Diagnosis;
use sutler_stack::eks::{Eks, Purpose};
use sutler_stack::load::Loaded;
use sutler_stack::lock::StackLock;
use sutler_stack::moving::{self, Move};
use sutler_stack::operate::{self, Planned};
use sutler_stack::plan::infra::{do_the_same, with_infra};
use sutler_stack::plan::make::cluster_model;
use sutler_stack::preflight::preflight;
use sutler_stack::preflight::rights::needs;
use sutler_stack::prepare::Secrets;
use sutler_stack::status::{self, Status};

use super::{ask, write_pins};
use crate::arguments::{Output, Up};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::{printer, terraform, view};

/// What is at hand while it works.
struct Work<'a> {
    arguments: &'a Up,
    loaded: &'a mut Loaded,
    eks: &'a mut Eks,
    progress: Arc<Progress>,
    interrupt: &'a Interrupt,
}

/// What was shown and agreed to, and is half done: Terraform has worked.
struct Agreed {
    planned: Planned,
    secrets: Secrets,
    /// Roles whose pods move: Terraform has done the first half.
    moves: Vec<Move>,
    /// Whether the releases must be planned anew: the cluster is another than the one they were planned for.
    is_outdated: bool,
}

/// Brings it up; whether anything changed, and how it then is.
pub(super) async fn run(arguments: &Up, loaded: &mut Loaded) -> Result<(bool, Status), Failure> {
    let interrupt = Interrupt::listen().await;
    let mut eks = Eks::open(&mut loaded.stack, &loaded.folder, Purpose::Up).await?;
    let root = eks.root.clone();
    let progress = Arc::new(Progress::new(false));
    let mut lock = None;
    let work = Work { arguments, loaded, eks: &mut eks, progress: Arc::clone(&progress), interrupt: &interrupt };
    let done = tokio::select! {
        done = work.whole(&mut lock) => done,
        () = interrupt.heard() => Err(Failure::new("stopped by the keyboard half-way")
            .hint("`sutler up` again goes on where this one stopped")),
    };
    progress.end();
    if let Some(lock) = lock
        && let Err(error) = lock.release().await
    {
        tracing::warn!(%error, "the stack's lock could not be let go; it lapses by itself");
    }
    if let Some(root) = root {
        // Whatever happened: it holds secrets in the clear.
        root.forget_plan()?;
    }
    done
}

impl Work<'_> {
    /// Everything. The lock lies in the cluster: where there is none yet, Terraform's lock of its state is the only one until it is made.
    async fn whole(mut self, lock: &mut Option<StackLock>) -> Result<(bool, Status), Failure> {
        // Without secrets first: what cannot be planned is refused before anything is written or Terraform asked.
        operate::plan(&self.eks.session, self.loaded, None, self.arguments.recover).await?;
        let name = self.loaded.stack.name.clone();
        let agreed = match self.eks.exists {
            true => {
                let held = lock.insert(StackLock::take(&self.eks.session, &name).await?);
                held.during(self.infra()).await?
            }
            false => self.infra().await?,
        };
        let held = match lock {
            Some(held) => held,
            None => lock.insert(StackLock::take(&self.eks.session, &name).await?),
        };
        held.during(self.releases(agreed)).await
    }

    /// Plans all of it, asks, and lets Terraform work.
    async fn infra(&mut self) -> Result<Agreed, Failure> {
        let (infra, whole, moves, hindrance) = match &self.eks.root {
            Some(root) => {
                let planned = terraform::plan_moving(root, &self.loaded.stack, self.eks, self.interrupt).await?;
                self.eks.check_names(&self.loaded.stack, &planned.now).await?;
                (Some(planned.now), Some(planned.whole), planned.moves, planned.hindrance)
            }
            None => (None, None, Vec::new(), None),
        };
        // A secret that is missing is found before money is spent.
        let mut secrets = operate::read_sources(self.loaded)?;
        let recover = self.arguments.recover;
        let mut planned = match self.eks.exists {
            true => {
                secrets = operate::with_digest_key(&self.eks.session, secrets).await?;
                operate::plan(&self.eks.session, self.loaded, Some(&secrets), recover).await?
            }
            false => operate::plan(&self.eks.session, self.loaded, None, recover).await?,
        };
        let has_infra = infra.as_ref().is_some_and(InfraPlan::has_changes);
        if let Some(infra) = infra {
            planned.plan = with_infra(planned.plan, &self.loaded.stack, infra);
        }
        planned.plan.moves.clone_from(&moves);
        planned.plan.blocked.extend(hindrance);
        if self.arguments.output == Output::Text {
            printer::note(view::header(&planned.plan));
            for warning in &planned.plan.warnings {
                printer::note(format!("warning: {warning}"));
            }
        }
        if let Some(reason) = planned.plan.blocked.first() {
            return Err(Failure::new(format!("the plan cannot be applied now: {reason}")));
        }
        if planned.plan.has_changes() {
            printer::note(view::plan::changes(&planned.plan));
            let infra = [&planned.plan.infra, &whole].into_iter().flatten();
            if (has_infra || !moves.is_empty()) && !self.arguments.skip_preflight {
                self.preflight(infra.collect()).await?;
            }
            self.ask(false)?;
        }
        write_pins(self.loaded, self.arguments.output)?;
        let existed = self.eks.exists;
        if let (true, Some(root)) = (has_infra, &self.eks.root) {
            let done = terraform::apply(root, &self.progress, self.interrupt).await;
            done.map_err(|failure| failure.or_hint(terraform::GOES_ON))?;
            let outputs = terraform::outputs(root, self.interrupt).await?;
            self.loaded.stack.take_role_arns(&outputs.role_arns);
            self.eks.find_cluster(&self.loaded.stack).await?;
        }
        let session = &self.eks.session;
        if session.simulated {
            self.progress.simulated();
            // It stands for the cluster that Terraform made.
            let model = cluster_model(&self.loaded.stack);
            if session.cluster_model().await.map_err(Failure::new)?.as_ref() != Some(&model) {
                session.set_cluster_model(&model).await.map_err(Failure::new)?;
            }
        }
        Ok(Agreed { planned, secrets, moves, is_outdated: has_infra || !existed })
    }

    /// Whether the account can hold what is to be made there, and the caller may make it; what cannot be asked stops nobody.
    async fn preflight(&self, infra: Vec<&InfraPlan>) -> Result<(), Failure> {
        let stack = &self.loaded.stack;
        let cloud = &self.eks.cloud;
        let mut wanted = Vec::new();
        for plan in infra {
            for need in needs(stack, Some(plan), &cloud.caller.account) {
                if !wanted.contains(&need) {
                    wanted.push(need);
                }
            }
        }
        let diagnosis = Diagnosis::of_stack(stack, preflight(stack, cloud, wanted).await);
        if diagnosis.state != State::Failed {
            return Ok(());
        }
        printer::note(format!("\n{}", view::doctor(&diagnosis)));
        Err(Failure::new(
            "the account cannot hold what the stack asks for, or the caller may not make it; nothing was changed",
        )
        .hint(
            "change the file, the account or the caller's rights as said above, and `sutler doctor preflight` asks again; what is said and \
             does not hold is left out by `sutler up --skip-preflight`",
        ))
    }

    /// What is in the cluster.
    async fn releases(&mut self, agreed: Agreed) -> Result<(bool, Status), Failure> {
        let Agreed { planned: shown, secrets, moves, is_outdated } = agreed;
        let session = self.eks.session.clone().telling_of_nodes(self.progress.sink()).await;
        let planned = match is_outdated {
            true => {
                let secrets = operate::with_digest_key(&session, secrets).await?;
                let planned = operate::plan(&session, self.loaded, Some(&secrets), self.arguments.recover).await?;
                if !do_the_same(&shown.plan, &planned.plan) {
                    printer::note("\nthe cluster that was made asks for something else than was shown:");
                    printer::note(view::plan::changes(&planned.plan));
                    self.ask(true)?;
                }
                planned
            }
            false => shown,
        };
        let changed = is_outdated || !moves.is_empty() || planned.plan.has_changes();
        if planned.plan.has_changes() || !planned.plan.blocked.is_empty() {
            operate::up(&session, self.loaded, &planned, self.arguments.recover, self.progress.sink()).await?;
        }
        if let (false, Some(root)) = (moves.is_empty(), &self.eks.root) {
            let moved = moving::restart(&session, &moves, &self.progress.sink()).await?;
            let ended = terraform::end_moves(root, &moved, &self.progress, self.interrupt).await;
            ended.map_err(|failure| failure.or_hint(terraform::GOES_ON))?;
            for one in moved.iter().filter(|one| !one.waits_for.is_empty()) {
                let pods = one.waits_for.join(", ");
                printer::note(format!(
                    "{} still trusts both ways, since these pods come by {}: {pods}; `sutler up` once they are gone ends that",
                    one.name, one.from
                ));
            }
        }
        let stack = &self.loaded.stack;
        Ok((changed, status::judge(stack, &status::look(&session, stack).await?)))
    }

    fn ask(&self, again: bool) -> Result<(), Failure> {
        let stack = &self.loaded.stack;
        let account = &self.eks.cloud.caller.account;
        let question = format!("Apply this to {} in account {account}, {}?", stack.cluster.name, stack.region);
        ask(self.arguments.yes, &question, if again { "no release was changed" } else { "nothing was changed" })
    }
}
