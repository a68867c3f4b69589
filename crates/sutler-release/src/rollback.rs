//! Rolling a release back to an earlier revision.

use crate::Releases;
use crate::apply::{self, Method};
use crate::error::Error;
use crate::event::Events;
use crate::operation::{check, in_full};
use crate::record::{HookEvent, Info, Release, Status};
use crate::replace::{Replacement, clean_up};
use crate::request::RollbackRequest;

impl Releases {
    /// Makes an earlier revision the current one again, as a new revision.
    ///
    /// # Errors
    /// [`Error::NoRevision`] if the history does not hold it; everything that can go wrong on the way. Once the record
    /// is stored, a failure is recorded in it.
    pub async fn rollback(&self, request: &RollbackRequest, events: Events<'_>) -> Result<Release, Error> {
        check(&request.name, &request.options)?;
        let _at_work = self.begin_work(&request.namespace, &request.name)?;
        self.rollback_at_work(request, events).await
    }

    pub(crate) async fn rollback_at_work(
        &self,
        request: &RollbackRequest,
        events: Events<'_>,
    ) -> Result<Release, Error> {
        let RollbackRequest { name, namespace, options, .. } = request;
        let standing = self.standing(namespace, name, options.recover, events).await?;
        standing.check_base(name, options.base)?;
        let missing = || Error::NotFound { namespace: namespace.clone(), name: name.clone() };
        let last = standing.last().ok_or_else(missing)?;
        let to = request.to.unwrap_or_else(|| last.version.saturating_sub(1));
        let previous = standing.history.iter().find(|release| release.version == to);
        let previous = previous.ok_or_else(|| Error::NoRevision { name: name.clone(), revision: to })?;
        let cluster = &self.cluster;
        let mut targets = apply::build(cluster, &previous.manifest, "new release manifest", namespace).await?;
        apply::mark_all(&mut targets, name, namespace);
        let originals = match standing.in_cluster() {
            [] => apply::build_originals(cluster, std::slice::from_ref(last)).await?,
            revisions => apply::build_originals(cluster, revisions).await?,
        };
        self.make_room(&standing, request.history_max).await?;
        let chosen = Method::choose(request.apply, previous.apply_method, options.force_conflicts);
        // What an earlier client-side write owns is taken over whatever the target's method was (as Helm does here).
        let method = Method { take_over: chosen.apply == crate::record::ApplyMethod::ServerSide, ..chosen };
        let description = options.description.clone().unwrap_or_else(|| format!("Rollback to {to}"));
        let record = Release {
            name: name.clone(),
            namespace: namespace.clone(),
            version: standing.next_revision(),
            info: Info {
                first_deployed: last.info.first_deployed,
                last_deployed: Some(cluster.world().now()),
                status: Status::PendingRollback,
                description,
                notes: previous.info.notes.clone(),
                ..Info::default()
            },
            chart: previous.chart.clone(),
            config: previous.config.clone(),
            manifest: previous.manifest.clone(),
            hooks: previous.hooks.clone(),
            apply_method: method.apply,
            labels: previous.labels.clone(),
            annotations: options.annotations.clone(),
            ..Release::default()
        };
        let mut operation = self.start(record, events).await?;
        let mut created = Vec::new();
        let replacement = Replacement {
            standing: &standing,
            targets: &targets,
            originals: &originals,
            method,
            hooks: [HookEvent::PreRollback, HookEvent::PostRollback],
            options,
            description: operation.record.info.description.clone(),
        };
        match replacement.carry_out(&mut operation, &mut created).await {
            Ok(()) => Ok(operation.record),
            Err(error) => {
                let description = format!("Rollback {name:?} failed: {}", in_full(&error));
                let error = operation.fail(description, error).await;
                if request.cleanup_on_fail
                    && !matches!(error, Error::LeaseLost { .. })
                    && let Err(source) = clean_up(&mut operation, &created).await
                {
                    let (failure, source) = (Box::new(error), Box::new(source));
                    return Err(Error::NotTakenBack { name: name.clone(), failure, source });
                }
                Err(error)
            }
        }
    }
}
