//! What an upgrade and a rollback do alike once their record is stored: the objects of one manifest take the place of another's.

use serde_json::Value;

use crate::apply::{self, Method};
use crate::cluster::Propagation;
use crate::error::Error;
use crate::event::Event;
use crate::install::wait_as_asked;
use crate::object::ObjectRef;
use crate::operation::{Operation, Standing};
use crate::record::{HookEvent, Release, Status};
use crate::{Options, hooks, store};

/// Objects that take the place of others.
pub(crate) struct Replacement<'r> {
    /// The release as it stood before.
    pub(crate) standing: &'r Standing,
    /// What is to be there.
    pub(crate) targets: &'r [Value],
    /// What was there; what of it is not among the targets is deleted.
    pub(crate) originals: &'r [Value],
    /// How objects are written.
    pub(crate) method: Method,
    /// The hooks that run before and after.
    pub(crate) hooks: [HookEvent; 2],
    /// What was asked for.
    pub(crate) options: &'r Options,
    /// What the record says when it is done.
    pub(crate) description: String,
}

impl Replacement<'_> {
    /// Carries it out and records it as deployed. What is newly made is added to `created`, also when it fails.
    pub(crate) async fn carry_out(
        self,
        operation: &mut Operation<'_>,
        created: &mut Vec<ObjectRef>,
    ) -> Result<(), Error> {
        let Replacement { standing, targets, originals, method, hooks: [before, after], options, description } = self;
        if !options.disable_hooks {
            hooks::run(operation, before, options.timeout).await?;
        }
        let mut written = apply::write(operation, targets, originals, method).await?;
        created.append(&mut written.created);
        written.result()?;
        apply::prune(operation, originals, targets).await?;
        wait_as_asked(operation, written.objects, options).await?;
        if !options.disable_hooks {
            hooks::run(operation, after, options.timeout).await?;
        }
        supersede(operation, &standing.history).await?;
        operation.record.set_status(Status::Deployed, description);
        operation.save().await
    }
}

/// Marks all deployed revisions as superseded; the operation's own is next.
pub(crate) async fn supersede(operation: &mut Operation<'_>, history: &[Release]) -> Result<(), Error> {
    for release in history.iter().filter(|release| release.info.status == Status::Deployed) {
        let mut release = release.clone();
        release.info.status = Status::Superseded;
        match store::update(operation.cluster, &mut release).await {
            // Changed or deleted by another tool meanwhile: read it again, once.
            Err(crate::ApiError::Conflict { .. }) => {
                let mut found =
                    store::get(operation.cluster, &release.namespace, &release.name, release.version).await?;
                found.info.status = Status::Superseded;
                store::update(operation.cluster, &mut found).await?;
            }
            Err(crate::ApiError::NotFound { .. }) => {}
            other => other?,
        }
    }
    Ok(())
}

/// Deletes what a failed operation has newly created.
pub(crate) async fn clean_up(operation: &mut Operation<'_>, created: &[ObjectRef]) -> Result<(), Error> {
    for object in created.iter().rev() {
        if operation.cluster.delete(object, Propagation::Background).await? {
            operation.tell(Event::Deleted { object: object.clone() });
        }
    }
    Ok(())
}
