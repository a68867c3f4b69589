//! Records in the cluster: reading and writing the Secrets that hold releases.

use serde_json::json;

use crate::cluster::{ApiError, Cluster, Mapping, Propagation, Select};
use crate::error::Error;
use crate::object::ObjectRef;
use crate::record::{Release, Stamp, encode, from_secret, is_record, secret_name};

/// The collection that records live in; known beforehand, so that listing releases needs no discovery.
fn secrets() -> Mapping {
    Mapping { api_version: "v1".to_owned(), kind: "Secret".to_owned(), plural: "secrets".to_owned(), namespaced: true }
}

fn reference(namespace: &str, name: &str, revision: u32) -> ObjectRef {
    ObjectRef::new("v1", "Secret", Some(namespace), &secret_name(name, revision))
}

/// All records in a namespace, or in all; those that cannot be read are left out and logged, as Helm does.
pub(crate) async fn list(cluster: &Cluster, namespace: Option<&str>, selector: &str) -> Result<Vec<Release>, Error> {
    let found = cluster.list(&secrets(), namespace, Select::Labels(selector)).await?;
    let readable = found.iter().filter(|secret| is_record(secret)).filter_map(|secret| match from_secret(secret) {
        Ok(release) => Some(release),
        Err(error) => {
            tracing::warn!(%error, "a record was left out");
            None
        }
    });
    Ok(readable.collect())
}

/// All revisions of a release, the oldest first; none if there is no such release.
pub(crate) async fn history(cluster: &Cluster, namespace: &str, name: &str) -> Result<Vec<Release>, Error> {
    let mut revisions = list(cluster, Some(namespace), &format!("name={name},owner=helm")).await?;
    revisions.sort_by_key(|release| release.version);
    Ok(revisions)
}

/// One revision.
pub(crate) async fn get(cluster: &Cluster, namespace: &str, name: &str, revision: u32) -> Result<Release, Error> {
    match cluster.get(&reference(namespace, name, revision)).await? {
        Some(secret) => Ok(from_secret(&secret)?),
        None => Err(Error::NoRevision { name: name.to_owned(), revision }),
    }
}

/// Stores a new revision.
///
/// # Errors
/// [`ApiError::AlreadyExists`] if somebody else stored one of that number first.
pub(crate) async fn create(cluster: &Cluster, release: &mut Release) -> Result<(), Error> {
    release.resource_version = None;
    let secret = encode(release, Stamp::Created, cluster.world().now());
    // An attempt whose answer was lost is ours if what it left holds the same bytes and the same lease.
    let stored = cluster.create(&secret, |found| {
        found.pointer("/data") == secret.pointer("/data")
            && found.pointer("/metadata/annotations") == secret.pointer("/metadata/annotations")
    });
    remember_version(release, &stored.await?);
    Ok(())
}

/// Stores a revision again, provided that nobody changed it since it was read.
///
/// # Errors
/// [`ApiError::Conflict`] if somebody did.
pub(crate) async fn update(cluster: &Cluster, release: &mut Release) -> Result<(), ApiError> {
    let secret = encode(release, Stamp::Modified, cluster.world().now());
    let stored = cluster.replace(&secret, |found| found.pointer("/data") == secret.pointer("/data")).await?;
    remember_version(release, &stored);
    Ok(())
}

/// Writes the annotations of a stored revision, provided that nobody changed it since it was read.
pub(crate) async fn annotate(cluster: &Cluster, release: &mut Release) -> Result<(), ApiError> {
    let patch = json!({"metadata": {
        "annotations": release.annotations, "resourceVersion": release.resource_version,
    }});
    let reference = reference(&release.namespace, &release.name, release.version);
    let stored = match cluster.patch(&reference, "application/merge-patch+json", &patch).await {
        Ok(stored) => stored,
        // An attempt of ours whose answer was lost has changed the version: then the annotations are as we want them.
        Err(conflict @ ApiError::Conflict { .. }) => match cluster.get(&reference).await? {
            Some(found) if found.pointer("/metadata/annotations") == patch.pointer("/metadata/annotations") => found,
            _ => return Err(conflict),
        },
        Err(error) => return Err(error),
    };
    remember_version(release, &stored);
    Ok(())
}

/// Deletes a revision's record; one that is gone already is no error.
pub(crate) async fn delete(cluster: &Cluster, release: &Release) -> Result<(), Error> {
    let reference = reference(&release.namespace, &release.name, release.version);
    cluster.delete(&reference, Propagation::Background).await?;
    Ok(())
}

fn remember_version(release: &mut Release, stored: &serde_json::Value) {
    let version = stored.pointer("/metadata/resourceVersion").and_then(serde_json::Value::as_str);
    release.resource_version = version.map(str::to_owned);
}
