//! Writing a release's objects: what is new, what is changed, what is deleted, in order.

use futures_util::StreamExt;
use serde_json::Value;
use sutler_objects::object;

use crate::cluster::{ApiError, ApplyOptions, Cluster, Propagation, at_once};
use crate::error::Error;
use crate::event::{Change, Event};
use crate::object::{ObjectRef, foreign_owner, is_kept, mark, parse_manifest, place};
use crate::operation::Operation;
use crate::record::{ApplyMethod, Release};
use crate::request::ApplyChoice;

mod managers;

/// How objects are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Method {
    pub(crate) apply: ApplyMethod,
    /// Take fields from other managers.
    pub(crate) force: bool,
    /// Before a server-side apply, take over what this manager had written otherwise.
    pub(crate) take_over: bool,
}

impl Method {
    /// The method of an upgrade or rollback, given how the last revision was written.
    pub(crate) fn choose(choice: ApplyChoice, last: ApplyMethod, force: bool) -> Self {
        let apply = match choice {
            ApplyChoice::Auto => last,
            ApplyChoice::ServerSide => ApplyMethod::ServerSide,
            ApplyChoice::ClientSide => ApplyMethod::ClientSide,
        };
        let take_over = apply == ApplyMethod::ServerSide && last == ApplyMethod::ClientSide;
        Self { apply, force, take_over }
    }
}

/// What writing a manifest came to.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// The objects as they are now, in the manifest's order.
    pub(crate) objects: Vec<Value>,
    /// Those that were not there before.
    pub(crate) created: Vec<ObjectRef>,
    /// What could not be written.
    pub(crate) errors: Vec<Error>,
}

impl Written {
    /// The one error, or all.
    pub(crate) fn result(&mut self) -> Result<(), Error> {
        match self.errors.len() {
            0 => Ok(()),
            1 => Err(self.errors.remove(0)),
            _ => Err(Error::Several(std::mem::take(&mut self.errors))),
        }
    }
}

/// Reads a manifest as objects in their namespaces.
///
/// # Errors
/// If it is no manifest, or holds a kind that the API does not serve.
pub(crate) async fn build(
    cluster: &Cluster,
    manifest: &str,
    of: &'static str,
    namespace: &str,
) -> Result<Vec<Value>, Error> {
    let mut objects = parse_manifest(manifest).map_err(|source| Error::Manifest { of, source })?;
    for object in &mut objects {
        let mapping = cluster.mapping(object::api_version(object), object::kind(object)).await;
        let mapping = mapping.map_err(|error| match error {
            ApiError::NoSuchKind { .. } => Error::UnknownKind {
                of,
                name: object::name(object).to_owned(),
                namespace: object::namespace(object).to_owned(),
                source: Box::new(error),
            },
            error => error.into(),
        })?;
        place(object, mapping.namespaced, namespace);
    }
    Ok(objects)
}

/// Reads the manifests of revisions that may be in the cluster, the newest last. Kinds that the API no longer serves are
/// left out: their objects are gone.
pub(crate) async fn build_originals(cluster: &Cluster, revisions: &[Release]) -> Result<Vec<Value>, Error> {
    let mut originals: Vec<Value> = Vec::new();
    for release in revisions {
        let objects = parse_manifest(&release.manifest)
            .map_err(|source| Error::Manifest { of: "current release manifest", source })?;
        for mut object in objects {
            match cluster.mapping(object::api_version(&object), object::kind(&object)).await {
                Ok(mapping) => place(&mut object, mapping.namespaced, &release.namespace),
                Err(ApiError::NoSuchKind { .. }) => continue,
                Err(error) => return Err(error.into()),
            }
            let reference = ObjectRef::of(&object);
            originals.retain(|original| !ObjectRef::of(original).is_same_object(&reference));
            originals.push(object);
        }
    }
    Ok(originals)
}

/// Marks objects as the release's own.
pub(crate) fn mark_all(objects: &mut [Value], release: &str, namespace: &str) {
    for object in objects {
        mark(object, release, namespace);
    }
}

/// Reads which of `objects` exist, and refuses those that are not the release's own (unless they are to be adopted).
pub(crate) async fn check_owners(
    cluster: &Cluster,
    objects: &[&Value],
    release: (&str, &str),
    operation: &'static str,
    adopt: bool,
) -> Result<(), Error> {
    let named = objects.iter().map(|object| ObjectRef::of(object)).filter(|object| !object.name.is_empty());
    let requests = named.map(|object| async move { (cluster.get(&object).await, object) });
    let mut found = std::pin::pin!(at_once(requests.collect()));
    while let Some((live, object)) = found.next().await {
        let (name, namespace) = release;
        if let Some(live) = live?
            && !adopt
            && let Some(fault) = foreign_owner(&live, name, namespace)
        {
            return Err(Error::ForeignObject { operation, object: Box::new(object), fault });
        }
    }
    Ok(())
}

/// Writes `targets` in their order: those of one kind at the same time, kind after kind; after a kind with errors, no more.
///
/// # Errors
/// Only if the operation itself cannot go on; what could not be written is in the result.
pub(crate) async fn write(
    operation: &mut Operation<'_>,
    targets: &[Value],
    originals: &[Value],
    method: Method,
) -> Result<Written, Error> {
    let cluster = operation.cluster;
    let mut written = Written::default();
    for batch in targets.chunk_by(|a, b| object::kind(a) == object::kind(b)) {
        operation.renew_if_due().await?;
        let requests = batch.iter().map(|target| async move {
            let reference = ObjectRef::of(target);
            let original = originals.iter().find(|original| ObjectRef::of(original).is_same_object(&reference));
            (write_one(cluster, target, original, method).await, reference)
        });
        let mut answers = std::pin::pin!(at_once(requests.collect()));
        while let Some((answer, mut reference)) = answers.next().await {
            match answer {
                Ok((live, change)) => {
                    // A generated name is known only now.
                    reference.name = object::name(&live).to_owned();
                    if change == Change::Created {
                        written.created.push(reference.clone());
                    }
                    written.objects.push(live);
                    (operation.events)(Event::Applied { object: reference, change });
                }
                Err(error) => written.errors.push(error),
            }
        }
        if !written.errors.is_empty() {
            break;
        }
    }
    Ok(written)
}

async fn write_one(
    cluster: &Cluster,
    target: &Value,
    original: Option<&Value>,
    method: Method,
) -> Result<(Value, Change), Error> {
    let reference = ObjectRef::of(target);
    if reference.name.is_empty() {
        let created = cluster.create(target, |_| false).await?;
        return Ok((created, Change::Created));
    }
    let live = cluster.get(&reference).await?;
    let now = match (&live, method.apply) {
        (_, ApplyMethod::ServerSide) => {
            if let Some(live) = &live
                && method.take_over
            {
                managers::take_over(cluster, &reference, live).await?;
            }
            cluster.apply(target, ApplyOptions { force: method.force, dry_run: false }).await?
        }
        (None, ApplyMethod::ClientSide) => {
            // Found after an attempt was cut off: ours, since nobody else marks objects as this release's.
            let ours =
                |found: &Value| found.pointer("/metadata/annotations") == target.pointer("/metadata/annotations");
            cluster.create(target, ours).await?
        }
        (Some(live), ApplyMethod::ClientSide) => patch_client_side(cluster, &reference, original, target, live).await?,
    };
    let version = |object: &Value| object.pointer("/metadata/resourceVersion").cloned();
    let change = match &live {
        None => Change::Created,
        Some(live) if version(live) == version(&now) => Change::Unchanged,
        Some(_) => Change::Configured,
    };
    Ok((now, change))
}

/// Changes a live object from `original` to `target`, leaving alone what neither says (Helm's `patchResourceClientSide`).
async fn patch_client_side(
    cluster: &Cluster,
    reference: &ObjectRef,
    original: Option<&Value>,
    target: &Value,
    live: &Value,
) -> Result<Value, Error> {
    let original = original.unwrap_or(target);
    let failed =
        |error: sutler_objects::patch::PatchError| Error::Patch { object: reference.clone(), source: Box::new(error) };
    let (content, patch) = match sutler_objects::schema::of(&reference.api_version, &reference.kind) {
        Some(schema) => {
            let patch = sutler_objects::patch::three_way(original, target, live, schema);
            ("application/strategic-merge-patch+json", patch.map_err(failed)?)
        }
        // Custom resources know no strategic merge.
        None => {
            let patch = sutler_objects::patch::create_merge_patch(original, target);
            ("application/merge-patch+json", patch.map_err(failed)?)
        }
    };
    if patch.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(live.clone());
    }
    Ok(cluster.patch(reference, content, &patch).await?)
}

/// Deletes what `originals` hold and `targets` do not, save what says that it stays and what is another release's by now.
pub(crate) async fn prune(operation: &mut Operation<'_>, originals: &[Value], targets: &[Value]) -> Result<(), Error> {
    let wanted: Vec<ObjectRef> = targets.iter().map(ObjectRef::of).collect();
    let mut errors = Vec::new();
    for original in originals {
        let reference = ObjectRef::of(original);
        if reference.name.is_empty() || wanted.iter().any(|object| object.is_same_object(&reference)) {
            continue;
        }
        operation.renew_if_due().await?;
        match prune_one(operation, &reference).await {
            Ok(()) => {}
            Err(lost @ Error::LeaseLost { .. }) => return Err(lost),
            Err(error) => errors.push(error),
        }
    }
    match errors.len() {
        0 => Ok(()),
        1 => Err(errors.remove(0)),
        _ => Err(Error::Several(errors)),
    }
}

async fn prune_one(operation: &mut Operation<'_>, reference: &ObjectRef) -> Result<(), Error> {
    let cluster = operation.cluster;
    let Some(live) = cluster.get(reference).await? else { return Ok(()) };
    let release = &operation.record;
    if is_kept(&live) || foreign_owner(&live, &release.name, &release.namespace).is_some() {
        operation.tell(Event::Kept { object: reference.clone() });
        return Ok(());
    }
    if cluster.delete(reference, Propagation::Background).await? {
        operation.tell(Event::Deleted { object: reference.clone() });
    }
    Ok(())
}
