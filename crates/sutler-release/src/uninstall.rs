//! Uninstalling a release.

use futures_util::StreamExt;
use serde_json::Value;
use sutler_chart::{UNINSTALL_ORDER, compare_kinds};
use sutler_objects::object;

use crate::apply::build_originals;
use crate::cluster::{Cluster, Propagation, at_once};
use crate::error::Error;
use crate::event::{Event, Events};
use crate::object::{ObjectRef, foreign_owner, is_kept};
use crate::operation::{Operation, check_name};
use crate::record::{HookEvent, Release, Status};
use crate::request::UninstallRequest;
use crate::waiting::{Goal, wait};
use crate::{Releases, store};

/// What an uninstallation came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Uninstalled {
    /// The last revision, as it was.
    pub release: Release,
    /// Objects that stay, because their resource policy says so or because they are another release's by now.
    pub kept: Vec<ObjectRef>,
}

impl Releases {
    /// Removes a release: its objects in Helm's order, its records after them.
    ///
    /// One that was interrupted is finished: what is gone already is no error.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such release; [`Error::Several`] or a single error if objects could not be
    /// deleted: then the records stay, so that it can be tried again.
    pub async fn uninstall(&self, request: &UninstallRequest, events: Events<'_>) -> Result<Uninstalled, Error> {
        check_name(&request.name)?;
        let _at_work = self.begin_work(&request.namespace, &request.name)?;
        self.uninstall_at_work(request, events).await
    }

    pub(crate) async fn uninstall_at_work(
        &self,
        request: &UninstallRequest,
        events: Events<'_>,
    ) -> Result<Uninstalled, Error> {
        let UninstallRequest { name, namespace, .. } = request;
        let standing = self.standing(namespace, name, request.recover, events).await?;
        let missing = || Error::NotFound { namespace: namespace.clone(), name: name.clone() };
        let last = standing.last().ok_or_else(missing)?;
        if last.info.status == Status::Uninstalled {
            if request.keep_history {
                return Err(Error::AlreadyUninstalled { name: name.clone() });
            }
            for release in &standing.history {
                store::delete(&self.cluster, release).await?;
            }
            return Ok(Uninstalled { release: last.clone(), kept: Vec::new() });
        }
        // Helm's own interrupted uninstallation holds nothing up: deleting twice does no harm.
        if last.info.status == Status::Uninstalling {
            self.may_begin(last, true)?;
        }
        // The newest manifest counts where two revisions hold the same object.
        let mut objects = match standing.in_cluster() {
            [] => build_originals(&self.cluster, std::slice::from_ref(last)).await?,
            revisions => build_originals(&self.cluster, revisions).await?,
        };
        in_removal_order(&mut objects);
        let mut record = last.clone();
        record.set_status(Status::Uninstalling, "Deletion in progress (or silently failed)");
        record.info.deleted = Some(self.cluster.world().now());
        let mut operation = self.resume(record, events).await?;
        let mut kept = Vec::new();
        match perform(&mut operation, &objects, request, &mut kept).await {
            Ok(()) => {}
            Err(lost @ Error::LeaseLost { .. }) => return Err(lost),
            Err(error) => {
                // The record keeps saying that it is being removed, without a lease: the next attempt goes on.
                crate::lease::Lease::clear(&mut operation.record.annotations);
                if let Err(unsaved) = operation.save().await {
                    tracing::warn!(error = %unsaved, "the failure could not be recorded");
                }
                return Err(error);
            }
        }
        self.close(operation, &standing.history, request, kept).await
    }

    /// Deletes the records, or marks them as uninstalled.
    async fn close(
        &self,
        mut operation: Operation<'_>,
        history: &[Release],
        request: &UninstallRequest,
        kept: Vec<ObjectRef>,
    ) -> Result<Uninstalled, Error> {
        let description = request.description.clone().unwrap_or_else(|| "Uninstallation complete".to_owned());
        operation.record.set_status(Status::Uninstalled, description);
        if request.keep_history {
            let (_, earlier) = history.split_last().expect("there is a last revision: it is being uninstalled");
            crate::replace::supersede(&mut operation, earlier).await?;
            operation.save().await?;
        } else {
            // The last one at the end: as long as there is a record, the release can be found and finished.
            for release in history {
                store::delete(&self.cluster, release).await?;
            }
        }
        Ok(Uninstalled { release: operation.record, kept })
    }
}

/// Sorts objects as Helm removes them.
fn in_removal_order(objects: &mut [Value]) {
    objects.sort_by(|a, b| compare_kinds(&UNINSTALL_ORDER, object::kind(a), object::kind(b)));
}

async fn perform(
    operation: &mut Operation<'_>,
    objects: &[Value],
    request: &UninstallRequest,
    kept: &mut Vec<ObjectRef>,
) -> Result<(), Error> {
    if !request.disable_hooks {
        crate::hooks::run(operation, HookEvent::PreDelete, request.timeout).await?;
    }
    let mut errors = Vec::new();
    let mut going = Vec::new();
    for batch in objects.chunk_by(|a, b| object::kind(a) == object::kind(b)) {
        operation.renew_if_due().await?;
        let (cluster, release) =
            (operation.cluster, (operation.record.name.clone(), operation.record.namespace.clone()));
        let (name, namespace) = (&release.0, &release.1);
        let named = batch.iter().filter(|object| !object::name(object).is_empty());
        let requests = named.map(|object| async move {
            let reference = ObjectRef::of(object);
            (remove(cluster, object, (name, namespace), request.propagation).await, reference)
        });
        let mut answers = std::pin::pin!(at_once(requests.collect()));
        while let Some((outcome, reference)) = answers.next().await {
            match outcome {
                Ok(Fate::Gone) => {}
                Ok(Fate::Kept) => {
                    (operation.events)(Event::Kept { object: reference.clone() });
                    kept.push(reference);
                }
                Ok(Fate::Going(live)) => {
                    (operation.events)(Event::Deleted { object: reference });
                    going.push(*live);
                }
                Err(error) => errors.push(error),
            }
        }
    }
    match errors.len() {
        0 => {}
        1 => return Err(errors.remove(0)),
        _ => return Err(Error::Several(errors)),
    }
    if request.wait {
        wait(operation, still_there(operation.cluster, going).await?, Goal::Gone, request.timeout).await?;
    }
    if !request.disable_hooks {
        crate::hooks::run(operation, HookEvent::PostDelete, request.timeout).await?;
    }
    Ok(())
}

/// What became of one object.
enum Fate {
    Gone,
    Kept,
    Going(Box<Value>),
}

/// Whether an object says that another release owns it. Objects without marks are the release's: another tool may have
/// taken the marks off.
fn is_anothers(live: &Value, name: &str, namespace: &str) -> bool {
    object::annotation(live, crate::RELEASE_NAME).is_some() && foreign_owner(live, name, namespace).is_some()
}

/// Deletes one object, unless it is to stay.
async fn remove(
    cluster: &Cluster,
    object: &Value,
    (name, namespace): (&str, &str),
    propagation: Propagation,
) -> Result<Fate, Error> {
    let reference = ObjectRef::of(object);
    let Some(live) = cluster.get(&reference).await? else { return Ok(Fate::Gone) };
    if is_kept(object) || is_kept(&live) || is_anothers(&live, name, namespace) {
        return Ok(Fate::Kept);
    }
    cluster.delete(&reference, propagation).await?;
    Ok(Fate::Going(Box::new(live)))
}

/// Those that were not gone at once, as they are now.
async fn still_there(cluster: &Cluster, deleted: Vec<Value>) -> Result<Vec<Value>, Error> {
    let requests = deleted.into_iter().map(|object| async move { cluster.get(&ObjectRef::of(&object)).await });
    let mut found = std::pin::pin!(at_once(requests.collect()));
    let mut there = Vec::new();
    while let Some(live) = found.next().await {
        there.extend(live?);
    }
    Ok(there)
}
