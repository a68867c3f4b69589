//! Looks at the cluster before planning.

use serde_json::Value;
use sutler_release::{ApiError, ObjectRef, Select, Status, WaitError};

use crate::names::STACK_LABEL;
use crate::observed::Observed;
use crate::plan::make::namespaces;
use crate::session::Session;
use crate::stack::{ServiceAccount, Stack};

/// Why the cluster could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// A request.
    #[error("cannot look at the cluster")]
    Api(#[from] ApiError),
    /// The releases.
    #[error("cannot look at the cluster's releases")]
    Releases(#[from] sutler_release::Error),
    /// The simulator.
    #[error("cannot look at the simulated cluster")]
    Simulator(#[from] WaitError),
}

/// Whether objects of releases are compared with what was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// They are: one request an object.
    Compare,
    /// They are not.
    Ignore,
}

/// Looks at everything that a plan of this stack depends on.
///
/// # Errors
/// If something may not be read, or the API cannot be reached.
pub async fn observe(session: &Session, stack: &Stack, drift: Drift) -> Result<Observed, ObserveError> {
    let cluster = session.cluster();
    // The first request: an API that cannot be reached is said by its address before anything else.
    cluster.version().await?;
    let mut observed =
        Observed { cluster: session.cluster_model().await?, now: session.world.now(), ..Observed::default() };
    for name in namespaces(stack) {
        let object = ObjectRef::new("v1", "Namespace", None, &name);
        if cluster.get(&object).await?.is_some() {
            observed.namespaces.insert(name);
        }
    }
    let ours = format!("{STACK_LABEL}={}", stack.name);
    let accounts = cluster.mapping("v1", "ServiceAccount").await?;
    for object in cluster.list(&accounts, None, Select::Labels(&ours)).await? {
        observed.accounts.insert(account_of(&object), object);
    }
    for account in stack.roles.values().flat_map(|role| &role.service_accounts) {
        if !observed.accounts.contains_key(account) {
            let object = ObjectRef::new("v1", "ServiceAccount", Some(&account.namespace), &account.name);
            if let Some(found) = cluster.get(&object).await? {
                observed.accounts.insert(account.clone(), found);
            }
        }
    }
    let releases = session.releases();
    for release in releases.list(None).await? {
        let key = (release.namespace.clone(), release.name.clone());
        let in_stack = stack.releases.iter().any(|known| known.namespace == key.0 && known.name == key.1);
        if in_stack && drift == Drift::Compare && release.info.status == Status::Deployed {
            observed.drift.insert(key.clone(), releases.drift(&release).await?);
        }
        observed.histories.insert(key, vec![release]);
    }
    for release in &stack.releases {
        let key = (release.namespace.clone(), format!("sutler-{}", release.name));
        if !crate::inputs::secret_paths(release).is_empty()
            && let Some(found) = cluster.get(&ObjectRef::new("v1", "Secret", Some(&key.0), &key.1)).await?
        {
            observed.secrets.insert(key, found);
        }
    }
    let maps = cluster.mapping("v1", "ConfigMap").await?;
    let named = format!("metadata.name={}", sutler_ray::PROFILE_NAME);
    for map in cluster.list(&maps, None, Select::Fields(&named)).await? {
        let namespace = map.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default().to_owned();
        observed.profiles.insert(namespace, map);
    }
    Ok(observed)
}

fn account_of(object: &Value) -> ServiceAccount {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    ServiceAccount { namespace: text("/metadata/namespace"), name: text("/metadata/name") }
}
