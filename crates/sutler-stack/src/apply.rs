//! Carries a plan out. It decides nothing: what is done to which object, and in which order, stands in the plan.
//!
//! ```text
//! cluster → namespaces → service accounts → Secrets → releases (each when those it needs are ready) → profiles → removals
//! ```

mod releases;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use sutler_release::{ApiError, ApplyOptions, Cluster, ObjectRef, Propagation, Release, UninstallRequest, WaitError};

use crate::event::{Event, Sink};
use crate::names::{SECRETS_ANNOTATION, STACK_LABEL};
use crate::plan::make::{account_object, cluster_model, profiles};
use crate::plan::{Action, Plan, Step, Subject};
use crate::prepare::{Prepared, PreparedRelease};
use crate::session::Session;
use crate::stack::{ServiceAccount, Stack};

/// Why a plan was not carried out whole.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The plan itself says why.
    #[error("the plan cannot be applied now: {0}")]
    Blocked(String),
    /// The simulated cluster.
    #[error("cannot change the simulated cluster")]
    Simulator(#[from] WaitError),
    /// An object that is not part of a release.
    #[error("cannot {verb} {what}")]
    Object {
        /// `write` or `remove`.
        verb: &'static str,
        /// Which object.
        what: String,
        /// Why.
        #[source]
        source: ApiError,
    },
    /// A controller does not let go of what it made outside the cluster.
    #[error("{what} is still there after {minutes} minutes, held by {finalizers}")]
    StillThere {
        /// What.
        what: String,
        /// How long was waited.
        minutes: i64,
        /// The marks of those who hold it.
        finalizers: String,
    },
    /// Pods that were to be made anew.
    #[error("pods are still there after {minutes} minutes: {pods}")]
    NotReplaced {
        /// Their names.
        pods: String,
        /// How long was waited.
        minutes: i64,
    },
    /// A release.
    #[error("release `{release}` is not {done}")]
    Release {
        /// Its id.
        release: String,
        /// What it should have been: `installed`, `upgraded` or `removed`.
        done: &'static str,
        /// Why.
        #[source]
        source: Box<sutler_release::Error>,
    },
}

impl ApplyError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            ApplyError::Release { source, .. } => source.hint(),
            ApplyError::StillThere { .. } => Some(
                "its controller must run to remove it: see its pods and its role; `sutler down` again goes on from here".into(),
            ),
            ApplyError::NotReplaced { .. } => Some(
                "`sutler doctor pending` says why new ones do not run; their role trusts the old way too until `sutler up` goes on from here"
                    .into(),
            ),
            ApplyError::Blocked(_) | ApplyError::Simulator(_) | ApplyError::Object { .. } => None,
        }
    }
}

/// What applying needs besides the plan.
pub struct Applying<'a> {
    /// The API.
    pub session: &'a Session,
    /// The stack.
    pub stack: &'a Stack,
    /// Its rendered releases.
    pub prepared: &'a Prepared,
    /// Take over releases that another tool left in the middle of an operation.
    pub recover: bool,
    /// Where events go.
    pub sink: Sink,
}

impl Applying<'_> {
    /// Carries `plan` out.
    ///
    /// # Errors
    /// The first step that failed; steps that run beside it end first, and nothing new is begun. Another `apply` goes on
    /// where this one stopped.
    pub async fn apply(&self, plan: &Plan) -> Result<Vec<Release>, ApplyError> {
        if let Some(reason) = plan.blocked.first() {
            return Err(ApplyError::Blocked(reason.clone()));
        }
        let cluster = self.session.cluster();
        self.cluster_steps(plan).await?;
        for step in &plan.steps {
            match (&step.subject, step.action) {
                (_, Action::Unchanged | Action::Remove) => {}
                (Subject::Namespace { name }, _) => {
                    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {STACK_LABEL: self.stack.name}}});
                    self.write(&cluster, step, &object).await?;
                }
                (Subject::ServiceAccount { namespace, name, role }, _) => {
                    let account = ServiceAccount { namespace: namespace.clone(), name: name.clone() };
                    let arn = self.stack.roles.get(role).and_then(|role| self.stack.annotated_arn(role));
                    self.write(&cluster, step, &account_object(self.stack, &account, arn)).await?;
                }
                (Subject::Secret { release, .. }, _) => {
                    if let Some(object) = self.prepared.release(release).and_then(|release| self.secret_object(release))
                    {
                        self.write(&cluster, step, &object).await?;
                    }
                }
                _ => {}
            }
        }
        let done = releases::apply(self, plan).await?;
        for (namespace, object) in profiles(self.stack, self.prepared) {
            let subject = Subject::RayProfile { namespace };
            if let Some(step) =
                plan.steps.iter().find(|step| step.subject == subject && step.action != Action::Unchanged)
            {
                self.write(&cluster, step, &object).await?;
            }
        }
        for step in plan.steps.iter().filter(|step| step.action == Action::Remove) {
            self.remove(&cluster, step).await?;
        }
        Ok(done)
    }

    /// The cluster, its pools and its roles change in one call: they are told of one by one.
    async fn cluster_steps(&self, plan: &Plan) -> Result<(), ApplyError> {
        let infra = |step: &&Step| {
            matches!(step.subject, Subject::Cluster { .. } | Subject::Pool { .. } | Subject::Role { .. })
        };
        let changes: Vec<&Step> =
            plan.steps.iter().filter(infra).filter(|step| step.action != Action::Unchanged).collect();
        if changes.is_empty() {
            return Ok(());
        }
        let begun = self.session.world.now();
        self.session.set_cluster_model(&cluster_model(self.stack)).await?;
        for step in changes {
            self.finished(step, step.details.join(", "), begun);
        }
        Ok(())
    }

    async fn write(&self, cluster: &Cluster, step: &Step, object: &Value) -> Result<(), ApplyError> {
        let begun = self.session.world.now();
        let force = ApplyOptions { force: true, ..ApplyOptions::default() };
        cluster.apply(object, force).await.map_err(|source| self.failed("write", step, source))?;
        self.finished(step, step.details.join(", "), begun);
        Ok(())
    }

    fn secret_object(&self, release: &PreparedRelease) -> Option<Value> {
        let secret = release.secret.as_ref()?;
        let content: serde_json::Map<String, Value> =
            release.secret_content.iter().map(|(path, secret)| (path.clone(), json!(secret.reveal()))).collect();
        Some(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": {
                "name": secret.secret_name,
                "namespace": release.release.namespace,
                "labels": {STACK_LABEL: self.stack.name},
                "annotations": {SECRETS_ANNOTATION: release.secrets_digest.clone().unwrap_or_default()},
            },
            "stringData": content,
        }))
    }

    async fn remove(&self, cluster: &Cluster, step: &Step) -> Result<(), ApplyError> {
        remove(self.session, cluster, step, &self.sink).await
    }

    fn finished(&self, step: &Step, outcome: String, begun: Timestamp) {
        let took = self.session.world.now().duration_since(begun);
        (self.sink)(Event::Finished { subject: step.subject.clone(), action: step.action, outcome, took });
    }

    fn failed(&self, verb: &'static str, step: &Step, source: ApiError) -> ApplyError {
        (self.sink)(Event::Failed { subject: step.subject.clone() });
        ApplyError::Object { verb, what: format!("{} `{}`", step.subject.word(), step.subject.name()), source }
    }
}

/// Carries out one step that removes something.
///
/// # Errors
/// If it could not be removed; what is gone already is no error.
pub async fn remove(session: &Session, cluster: &Cluster, step: &Step, sink: &Sink) -> Result<(), ApplyError> {
    let begun = session.world.now();
    let subject = step.subject.clone();
    let object = match &subject {
        Subject::Release { id, name, namespace, .. } => {
            sink(Event::Started { subject: subject.clone(), action: Action::Remove });
            let request = UninstallRequest::new(namespace, name);
            let mut events = releases::Progress::new(subject.clone(), Arc::clone(sink));
            let removed = session.releases().uninstall(&request, &mut |event| events.tell(event)).await;
            if let Err(source) = removed {
                sink(Event::Failed { subject: subject.clone() });
                return Err(ApplyError::Release { release: id.clone(), done: "removed", source: Box::new(source) });
            }
            None
        }
        Subject::ServiceAccount { namespace, name, .. } => {
            Some(ObjectRef::new("v1", "ServiceAccount", Some(namespace), name))
        }
        Subject::Secret { namespace, name, .. } => Some(ObjectRef::new("v1", "Secret", Some(namespace), name)),
        Subject::RayProfile { namespace } => {
            Some(ObjectRef::new("v1", "ConfigMap", Some(namespace), sutler_ray::PROFILE_NAME))
        }
        Subject::Namespace { .. }
        | Subject::Cluster { .. }
        | Subject::Pool { .. }
        | Subject::Role { .. }
        | Subject::LoadBalancer { .. }
        | Subject::Volume { .. } => return Ok(()),
    };
    if let Some(object) = object {
        cluster.delete(&object, Propagation::Background).await.map_err(|source| {
            sink(Event::Failed { subject: subject.clone() });
            ApplyError::Object { verb: "remove", what: format!("{} `{}`", subject.word(), subject.name()), source }
        })?;
    }
    let took = session.world.now().duration_since(begun);
    sink(Event::Finished { subject, action: Action::Remove, outcome: "removed".into(), took });
    Ok(())
}
