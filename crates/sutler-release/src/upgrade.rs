//! Upgrading a release.

use serde_json::Value;

use crate::apply::{self, Method};
use crate::error::Error;
use crate::event::Events;
use crate::object::ObjectRef;
use crate::operation::{Operation, Standing, check, in_full, merged_labels};
use crate::record::{HookEvent, Info, Release, Status};
use crate::render;
use crate::replace::{Replacement, clean_up};
use crate::request::{ApplyChoice, Base, InstallRequest, RollbackRequest, UpgradeRequest};
use crate::{Releases, store};
use sutler_chart::ReleaseInfo;

impl Releases {
    /// Upgrades a release (or installs it, if there is none and the request says so): writes what is new or changed,
    /// deletes what left the manifest, waits as asked, and records how it went.
    ///
    /// An operation that was interrupted is finished: its record is marked as failed, and this one takes its place.
    ///
    /// # Errors
    /// [`Error::NothingDeployed`] if there is nothing to upgrade; everything that can go wrong on the way. Once the
    /// record is stored, a failure is recorded in it.
    pub async fn upgrade(&self, request: &UpgradeRequest, events: Events<'_>) -> Result<Release, Error> {
        check(&request.name, &request.options)?;
        let _at_work = self.begin_work(&request.namespace, &request.name)?;
        let UpgradeRequest { name, namespace, options, .. } = request;
        let standing = self.standing(namespace, name, options.recover, events).await?;
        standing.check_base(name, options.base)?;
        if let Some(missing) = &request.install_if_missing
            && is_missing(&standing)
        {
            let install = InstallRequest {
                name: name.clone(),
                namespace: namespace.clone(),
                create_namespace: missing.create_namespace,
                source: request.source.clone(),
                skip_crds: missing.skip_crds,
                replace: true,
                options: options.clone(),
            };
            return self.install_at_work(&install, events).await;
        }
        let nothing = || Error::NothingDeployed { name: name.clone() };
        let last = standing.last().ok_or_else(nothing)?;
        let current = match (standing.deployed(), last.info.status) {
            (Some(deployed), _) => deployed,
            (None, Status::Failed | Status::Superseded) => last,
            _ => return Err(nothing()),
        };
        let cluster = &self.cluster;
        let info = ReleaseInfo {
            name: name.clone(),
            namespace: namespace.clone(),
            revision: standing.next_revision().into(),
            operation: sutler_chart::Operation::Upgrade,
        };
        let content = render::content(cluster, &request.source, info, Some((current, request.values_from))).await?;
        let mut targets = apply::build(cluster, &content.manifest, "new release manifest", namespace).await?;
        apply::mark_all(&mut targets, name, namespace);
        let originals = match standing.in_cluster() {
            [] => apply::build_originals(cluster, std::slice::from_ref(current)).await?,
            revisions => apply::build_originals(cluster, revisions).await?,
        };
        let new = only_in(&targets, &originals);
        apply::check_owners(cluster, &new, (name, namespace), "update", options.take_ownership).await?;
        self.make_room(&standing, request.history_max).await?;
        let method = Method::choose(request.apply, last.apply_method, options.force_conflicts);
        let now = cluster.world().now();
        let record = Release {
            name: name.clone(),
            namespace: namespace.clone(),
            version: standing.next_revision(),
            info: Info {
                first_deployed: current.info.first_deployed.or(Some(now)),
                last_deployed: Some(now),
                status: Status::PendingUpgrade,
                description: "Preparing upgrade".to_owned(),
                notes: content.notes,
                ..Info::default()
            },
            chart: content.chart,
            config: content.config,
            manifest: content.manifest,
            hooks: content.hooks,
            apply_method: method.apply,
            labels: merged_labels(&last.labels, &options.labels),
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
            hooks: [HookEvent::PreUpgrade, HookEvent::PostUpgrade],
            options,
            description: options.description.clone().unwrap_or_else(|| "Upgrade complete".to_owned()),
        };
        match replacement.carry_out(&mut operation, &mut created).await {
            Ok(()) => Ok(operation.record),
            Err(error) => self.fail_upgrade(operation, error, request, &created).await,
        }
    }

    async fn fail_upgrade(
        &self,
        mut operation: Operation<'_>,
        error: Error,
        request: &UpgradeRequest,
        created: &[ObjectRef],
    ) -> Result<Release, Error> {
        let name = request.name.clone();
        let description = format!("Upgrade {name:?} failed: {}", in_full(&error));
        let error = operation.fail(description, error).await;
        if matches!(error, Error::LeaseLost { .. }) {
            return Err(error);
        }
        let not_taken_back = |failure, source: Error| {
            Err(Error::NotTakenBack { name: name.clone(), failure: Box::new(failure), source: Box::new(source) })
        };
        if request.cleanup_on_fail
            && let Err(source) = clean_up(&mut operation, created).await
        {
            return not_taken_back(error, source);
        }
        if !request.options.rollback_on_failure {
            return Err(error);
        }
        let events = operation.events;
        let history = match store::history(&self.cluster, &request.namespace, &name).await {
            Ok(history) => history,
            Err(source) => return not_taken_back(error, source),
        };
        let good = |release: &&Release| matches!(release.info.status, Status::Superseded | Status::Deployed);
        let Some(good) = history.iter().rev().find(good) else { return Err(error) };
        let rollback = RollbackRequest {
            name: name.clone(),
            namespace: request.namespace.clone(),
            to: Some(good.version),
            apply: ApplyChoice::Auto,
            history_max: 0,
            cleanup_on_fail: false,
            options: crate::Options { rollback_on_failure: false, base: Base::Any, ..request.options.clone() },
        };
        match self.rollback_at_work(&rollback, events).await {
            Ok(_) => Err(Error::TakenBack { name, uninstalled: false, source: Box::new(error) }),
            Err(source) => not_taken_back(error, source),
        }
    }

    /// Deletes the oldest revisions so that with one more there are `history_max` (Helm's `removeLeastRecent`); never
    /// the deployed one.
    pub(crate) async fn make_room(&self, standing: &Standing, history_max: usize) -> Result<(), Error> {
        for release in surplus(&standing.history, history_max) {
            store::delete(&self.cluster, release).await?;
        }
        Ok(())
    }
}

/// The revisions to delete so that with one more there are `most`; 0 keeps all.
fn surplus(history: &[Release], most: usize) -> Vec<&Release> {
    if most == 0 {
        return Vec::new();
    }
    let deployed = history.iter().rev().find(|release| release.info.status == Status::Deployed);
    let deployed = deployed.map(|release| release.version);
    let too_many = history.len().saturating_sub(most - 1);
    history.iter().filter(|release| Some(release.version) != deployed).take(too_many).collect()
}

/// Whether an upgrade that may install has to: there is no release, or only the records of one that was uninstalled.
fn is_missing(standing: &Standing) -> bool {
    standing.last().is_none_or(|last| matches!(last.info.status, Status::Uninstalled | Status::Uninstalling))
}

/// The objects of `targets` that are not among `originals`.
fn only_in<'t>(targets: &'t [Value], originals: &[Value]) -> Vec<&'t Value> {
    let originals: Vec<ObjectRef> = originals.iter().map(ObjectRef::of).collect();
    let is_new = |target: &&Value| {
        let reference = ObjectRef::of(target);
        !originals.iter().any(|original| original.is_same_object(&reference))
    };
    targets.iter().filter(is_new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surplus_of(statuses: &[Status], most: usize) -> Vec<u32> {
        let release = |(&status, version)| {
            let mut release = Release { version, ..Release::default() };
            release.info.status = status;
            release
        };
        let history: Vec<Release> = statuses.iter().zip(1..).map(release).collect();
        surplus(&history, most).iter().map(|release| release.version).collect()
    }

    #[test]
    fn the_oldest_revisions_make_room_and_the_deployed_one_stays() {
        use Status::{Deployed, Failed, Superseded};
        assert_eq!(surplus_of(&[Superseded, Superseded, Deployed], 3), [1]);
        assert_eq!(surplus_of(&[Deployed, Failed, Failed], 2), [2, 3]);
        assert_eq!(surplus_of(&[Superseded, Deployed], 3), [0; 0]);
        assert_eq!(surplus_of(&[Superseded; 20], 0), [0; 0]);
    }
}
