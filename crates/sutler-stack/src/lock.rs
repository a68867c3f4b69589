//! The lock of a stack: one operation at a time.
//!
//! It is a Lease in the namespace `sutler-system` that names who works and is renewed while they do. Whoever meets a
//! live one is refused and told whose it is; one whose holder has ended, or that nobody renewed, is taken over.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use sutler_release::lease::{Claim, Lease, claim};
use sutler_release::{ApiError, ApplyOptions, Cluster, Holder, ObjectRef, Propagation};

use crate::names::{STACK_LABEL, SUTLER_NAMESPACE};
use crate::session::Session;

/// How often the lease is renewed, well within the time after which it lapses.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// Why a stack is not locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody works on the stack.
    #[error("stack `{stack}` is being changed by {who}, last heard of at {renewed}")]
    Held {
        /// The stack.
        stack: String,
        /// Who.
        who: String,
        /// When their lease was renewed.
        renewed: String,
    },
    /// The lease cannot be read or written.
    #[error("cannot lock stack `{stack}`")]
    Api {
        /// The stack.
        stack: String,
        /// Why.
        #[source]
        source: ApiError,
    },
}

impl LockError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            LockError::Held { .. } => {
                Some("wait until it is done; a lease that nobody renews is taken over after a minute".into())
            }
            LockError::Api { .. } => None,
        }
    }
}

/// A lock that is held. Let it go with [`StackLock::release`]; one that is dropped lapses.
pub struct StackLock {
    cluster: Cluster,
    stack: String,
    holder: Holder,
}

impl StackLock {
    /// Takes the lock of `stack`.
    ///
    /// # Errors
    /// [`LockError::Held`] if somebody else works on it.
    pub async fn take(session: &Session, stack: &str) -> Result<StackLock, LockError> {
        let lock = StackLock { cluster: session.cluster(), stack: stack.to_owned(), holder: session.holder.clone() };
        let failed = |source| LockError::Api { stack: stack.to_owned(), source };
        let force = ApplyOptions { force: true, ..ApplyOptions::default() };
        let namespace = ObjectRef::new("v1", "Namespace", None, SUTLER_NAMESPACE);
        if lock.cluster.get(&namespace).await.map_err(failed)?.is_none() {
            let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SUTLER_NAMESPACE}});
            lock.cluster.apply(&object, force).await.map_err(failed)?;
        }
        let found = lock.cluster.get(&lock.reference()).await.map_err(failed)?;
        if let Some(found) = &found {
            let annotations = annotations(found);
            let ours = Lease::read(&annotations).is_some_and(|lease| lease.holder == lock.holder);
            let claim = claim(&annotations, session.world.now(), |holder| session.world.has_ended(holder));
            if let (false, Claim::Alive(lease)) = (ours, claim) {
                return Err(lock.held_by(&lease));
            }
        }
        // Of two that see no live lease only one gets it: the API takes a creation, or a write to a version, once.
        let written = match found.as_ref().and_then(|found| found.pointer("/metadata/resourceVersion")?.as_str()) {
            None => {
                lock.cluster.create(&lock.object(None), |found| holder_of(found) == Some(lock.holder.clone())).await
            }
            Some(version) => lock.cluster.apply(&lock.object(Some(version)), force).await,
        };
        match written {
            Ok(_) => Ok(lock),
            Err(ApiError::AlreadyExists { .. } | ApiError::Conflict { .. }) => {
                let found = lock.cluster.get(&lock.reference()).await.map_err(failed)?;
                match found.and_then(|found| Lease::read(&annotations(&found))) {
                    Some(lease) => Err(lock.held_by(&lease)),
                    None => Err(LockError::Held {
                        stack: stack.to_owned(),
                        who: "somebody".into(),
                        renewed: session.world.now().to_string(),
                    }),
                }
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn held_by(&self, lease: &Lease) -> LockError {
        LockError::Held { stack: self.stack.clone(), who: lease.holder.to_string(), renewed: lease.renewed.to_string() }
    }

    /// Does `work` while the lease is renewed.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let renewing = async {
            loop {
                // The real clock on purpose: a process that stops renewing is found out by real time, and waiting on the
                // simulator's clock would move it.
                tokio::time::sleep(RENEW_EVERY).await;
                if let Err(error) = self.renew().await {
                    tracing::warn!(%error, "the stack's lease could not be renewed");
                }
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            () = renewing => unreachable!("renewing never ends"),
        }
    }

    /// Lets the lock go.
    ///
    /// # Errors
    /// If the lease cannot be deleted; it then lapses by itself.
    pub async fn release(self) -> Result<(), ApiError> {
        self.cluster.delete(&self.reference(), Propagation::Background).await.map(drop)
    }

    async fn renew(&self) -> Result<(), ApiError> {
        self.cluster.apply(&self.object(None), ApplyOptions { force: true, ..ApplyOptions::default() }).await.map(drop)
    }

    /// The lease as it is written now; with a version, only over that version.
    fn object(&self, version: Option<&str>) -> Value {
        let mut annotations = BTreeMap::new();
        Lease::taken(self.holder.clone(), self.cluster.world().now()).write(&mut annotations);
        let mut object = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": self.name(),
                "namespace": SUTLER_NAMESPACE,
                "labels": {STACK_LABEL: self.stack},
                "annotations": annotations,
            },
            "spec": {"holderIdentity": self.holder.to_string()},
        });
        if let Some(version) = version {
            object["metadata"]["resourceVersion"] = json!(version);
        }
        object
    }

    fn name(&self) -> String {
        format!("stack-{}", self.stack)
    }

    fn reference(&self) -> ObjectRef {
        ObjectRef::new("coordination.k8s.io/v1", "Lease", Some(SUTLER_NAMESPACE), &self.name())
    }
}

fn annotations(object: &Value) -> BTreeMap<String, String> {
    let map = object.pointer("/metadata/annotations").and_then(Value::as_object);
    map.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn holder_of(object: &Value) -> Option<Holder> {
    Lease::read(&annotations(object)).map(|lease| lease.holder)
}
