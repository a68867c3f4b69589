//! What runs inside the cluster model: the interface between the API machinery and the controllers, and their list.
//!
//! A controller is level-triggered, as Kubernetes' own are: [`Controller::on_change`] turns a change of an object into *keys*,
//! and [`Controller::reconcile`] looks at the present state behind one key and answers with [`Effects`]. It is a plain function
//! of [`View`] (objects, clock, cluster model, seeded randomness): no I/O, no clock of its own, no state between calls.
//!
//! The [engine](crate::engine) runs controllers to quiescence inside the transaction of each request and each timer:
//!
//! ```text
//! change -> on_change of every controller -> their queues (sorted sets of keys)
//!        -> reconcile of one key -> effects applied at once (each a change again) -> the next key ... until all queues are empty
//! ```
//!
//! Effects are applied after each single `reconcile`, so the next key sees them. Order is deterministic: controllers in the
//! order of [`all`], keys in their own order. Work for later is a timer ([`Effects::wake_at`]): it survives a restart, and
//! simulated time jumps to it while somebody waits.
//!
//! An [`Admission`] step sees every object on its way in (create and update) before it is stored, and may change or refuse it.

mod admission;
mod autoscaler;
mod conditions;
mod cron_job;
mod daemon_set;
mod deployment;
mod disruption;
mod eks;
mod job;
mod kubelet;
mod machines;
mod pods;
mod pool;
mod replica_set;
mod revisions;
mod scheduler;
mod services;
mod stateful_set;
mod times;
mod volumes;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::key::ObjectKey;
use crate::status::Refusal;
use crate::view::View;

/// One controller: a level-triggered decision over one kind of key.
pub trait Controller: Send + Sync {
    /// Name, unique among controllers, stable (pending timers are stored under it).
    fn name(&self) -> &'static str;

    /// The field manager its writes are recorded under.
    fn manager(&self) -> &'static str {
        "kube-controller-manager"
    }

    /// Puts into `queue` the keys that need another look because of `change`.
    ///
    /// Called once for each change, of any object, whoever made it (this controller too). `view` already shows the change.
    fn on_change(&self, change: &Change, view: &View<'_>, queue: &mut Queue);

    /// The same for a change of the cluster model (pools, roles).
    fn on_cluster(&self, view: &View<'_>, queue: &mut Queue) {
        let _ = (view, queue);
    }

    /// Looks at what is behind `key` and says what to do.
    fn reconcile(&self, key: &ObjectKey, view: &View<'_>, effects: &mut Effects);

    /// Told when the machine refused one of its effects (a quota, an admission step, a namespace that is going away), so that
    /// it can say so in an event or a condition. A refused effect is not repeated by itself.
    fn on_refused(&self, key: &ObjectKey, effect: &Effect, refusal: &Refusal, view: &View<'_>, effects: &mut Effects) {
        let _ = (key, effect, refusal, view, effects);
    }
}

/// A step that every written object passes before it is stored.
pub trait Admission: Send + Sync {
    /// Name, for messages.
    fn name(&self) -> &'static str;

    /// Changes `review.object`, or refuses it.
    ///
    /// # Errors
    /// The refusal is answered to the client (or told to the controller) as it is.
    fn admit(&self, review: &mut Review<'_>, view: &View<'_>) -> Result<(), Refusal>;
}

/// What is being written, for [`Admission`].
#[derive(Debug)]
pub struct Review<'a> {
    /// Create or update.
    pub operation: Operation,
    /// GroupResource text, such as `pods`.
    pub resource: &'a str,
    /// Subresource being written (`status`, `scale`); empty for the object itself.
    pub subresource: &'a str,
    /// The stored object, on updates.
    pub old: Option<&'a Value>,
    /// The object to be stored: defaulted, with its name and namespace, not yet validated.
    pub object: &'a mut Value,
    /// Messages to the client, sent as `Warning` headers.
    pub warnings: &'a mut Vec<String>,
}

/// What an [`Admission`] step is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A new object.
    Create,
    /// A change of an object that exists.
    Update,
}

/// A change of one object, in the order in which they happened.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which object.
    pub key: ObjectKey,
    /// Before; absent for a new object.
    pub old: Option<Arc<Value>>,
    /// After; absent for a removed object.
    pub new: Option<Arc<Value>>,
}

impl Change {
    /// The object as it is now, or as it was when it is gone.
    pub fn object(&self) -> &Value {
        self.new.as_deref().or(self.old.as_deref()).expect("a change has an object on at least one side")
    }

    /// Whether the object belongs to `resource`, a GroupResource text.
    pub fn is(&self, resource: &str) -> bool {
        self.key.resource == resource
    }
}

/// Keys that a controller wants to look at, sorted, each once.
#[derive(Debug, Default)]
pub struct Queue {
    pub(crate) keys: BTreeSet<ObjectKey>,
}

impl Queue {
    /// Adds a key.
    pub fn push(&mut self, key: ObjectKey) {
        self.keys.insert(key);
    }
}

/// What a controller wants done, in order.
#[derive(Debug, Default)]
pub struct Effects {
    pub(crate) list: Vec<Effect>,
}

/// One thing that a controller wants done. See [`Effects`] for the methods that make them.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the fields are those of the methods of Effects")]
pub enum Effect {
    Create(Value),
    Replace(Value),
    ReplaceStatus(Value),
    Patch { key: ObjectKey, patch: Value },
    PatchStatus { key: ObjectKey, patch: Value },
    Delete(Deletion),
    Finalize { key: ObjectKey },
    Record(Note),
    Wake { key: ObjectKey, at: Timestamp },
    ForgetWake { key: ObjectKey },
}

impl Effects {
    /// Creates `object` (with `apiVersion`, `kind`, `metadata.name` or `generateName`): defaulted, admitted and validated as a
    /// client's would be. An object of that name that exists is left alone ([`Controller::on_refused`] is told).
    pub fn create(&mut self, object: Value) {
        self.list.push(Effect::Create(object));
    }

    /// Replaces everything of the stored object but its `status`. What changes nothing is no change.
    pub fn replace(&mut self, object: Value) {
        self.list.push(Effect::Replace(object));
    }

    /// Replaces the `status` of the stored object; the rest of `object` is not looked at. What changes nothing is no change.
    pub fn replace_status(&mut self, object: Value) {
        self.list.push(Effect::ReplaceStatus(object));
    }

    /// Merges `patch` (RFC 7386: `null` removes) into the stored object, all but its `status`.
    pub fn patch(&mut self, key: ObjectKey, patch: Value) {
        self.list.push(Effect::Patch { key, patch });
    }

    /// Merges `patch`, the content of `status`, into the stored object's `status`.
    pub fn patch_status(&mut self, key: ObjectKey, patch: Value) {
        self.list.push(Effect::PatchStatus { key, patch });
    }

    /// Deletes an object as a client's DELETE would: finalizers and a pod's grace period are respected.
    pub fn delete(&mut self, deletion: Deletion) {
        self.list.push(Effect::Delete(deletion));
    }

    /// Takes the finalizer of the API server off a namespace in which nothing is left.
    pub(crate) fn finalize(&mut self, key: ObjectKey) {
        self.list.push(Effect::Finalize { key });
    }

    /// Records an Event; one that was recorded before (same object, reason, message, component) is counted up.
    pub fn record(&mut self, note: Note) {
        self.list.push(Effect::Record(note));
    }

    /// Has `key` reconciled (by this controller) at the simulated time `at`, or at once when that has passed. A controller has at
    /// most one timer for a key: a later call replaces the earlier.
    pub fn wake_at(&mut self, key: ObjectKey, at: Timestamp) {
        self.list.push(Effect::Wake { key, at });
    }

    /// Drops the timer of `key`, if there is one.
    pub fn forget_wake(&mut self, key: ObjectKey) {
        self.list.push(Effect::ForgetWake { key });
    }
}

/// A deletion asked for by a controller.
#[derive(Debug, Clone)]
pub struct Deletion {
    /// Which object.
    pub key: ObjectKey,
    /// Only if it still has this uid; any when `None`.
    pub uid: Option<String>,
    /// Seconds a pod gets to end: `None` = as its spec says, `Some(0)` = gone at once (what the kubelet does at the end).
    pub grace_seconds: Option<u64>,
    /// What becomes of the objects it owns.
    pub propagation: Propagation,
}

impl Deletion {
    /// A deletion with the object's own grace period and background propagation.
    pub fn of(key: ObjectKey) -> Self {
        Self { key, uid: None, grace_seconds: None, propagation: Propagation::Background }
    }

    /// A deletion that takes effect at once (finalizers are still waited for).
    pub fn now(key: ObjectKey) -> Self {
        Self { grace_seconds: Some(0), ..Self::of(key) }
    }
}

/// What becomes of the objects that a deleted object owns: `propagationPolicy` of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// They are deleted after their owner.
    Background,
    /// They are deleted first; the owner goes when those that block it are gone.
    Foreground,
    /// They stay, without the owner reference.
    Orphan,
}

/// An Event to be recorded.
#[derive(Debug, Clone)]
pub struct Note {
    /// The object it is about: `apiVersion`, `kind`, `metadata` of it are used.
    pub regarding: Value,
    /// `Normal` or `Warning`.
    pub severity: Severity,
    /// CamelCase word, such as `FailedScheduling`.
    pub reason: String,
    /// Sentence for people.
    pub message: String,
    /// Who says so: `default-scheduler`, `kubelet`, `cluster-autoscaler`…
    pub component: String,
    /// Host of that component; empty when it has none.
    pub host: String,
}

/// Type of an Event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Information.
    Normal,
    /// Something that may need a look.
    Warning,
}

/// The controllers, in the order in which they run.
pub fn all() -> Vec<Box<dyn Controller>> {
    vec![
        Box::new(eks::EksAddOns),
        Box::new(deployment::Deployments),
        Box::new(replica_set::ReplicaSets),
        Box::new(stateful_set::StatefulSets),
        Box::new(daemon_set::DaemonSets),
        Box::new(cron_job::CronJobs),
        Box::new(job::Jobs),
        Box::new(volumes::Volumes),
        Box::new(pool::Pools),
        Box::new(scheduler::Scheduler),
        Box::new(kubelet::Kubelet),
        Box::new(services::Endpoints),
        Box::new(services::LoadBalancers),
        Box::new(disruption::Budgets),
        Box::new(autoscaler::Autoscaler),
    ]
}

/// The admission steps, in the order in which they run.
pub fn admission() -> Vec<Box<dyn Admission>> {
    vec![
        Box::new(admission::ServiceAccounts),
        Box::new(admission::Tolerations),
        Box::new(admission::Priorities),
        Box::new(admission::Limits),
        Box::new(admission::PodIdentity),
        Box::new(admission::ServiceAddresses),
        Box::new(admission::Claims),
        Box::new(admission::JobSelectors),
        // Last: it judges what the others made of a pod.
        Box::new(admission::PodSecurity),
    ]
}
