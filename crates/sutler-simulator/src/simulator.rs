//! The simulator as programs hold it: a handle on the machine that can be cloned, answers requests, gives a `kube::Client`, and
//! lets simulated time pass for those who wait.
//!
//! ```text
//! kube::Client -- tower service --+
//!                                 +-- faults -- machine (behind a mutex, never held across an await)
//! kubectl, helm -- HTTP (serve) --+                 |
//!                                                   +-- revisions: wakes watches and waits
//! ```

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::Method;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;

use crate::cluster::ClusterModel;
use crate::faults::{Fault, FaultPlan, Faults};
use crate::lock::{Holder, Lock, LockError, Served, this_process};
use crate::machine::{Machine, Start, Woken};
use crate::own::{self, Reason, WaitRequest, WaitResponse};
use crate::request::{Request, Response};
use crate::status::Refusal;
use crate::store::{StoreError, with_suffix};

/// An embedded Kubernetes. Clones are handles on the same one; the store is let go when the last is dropped.
#[derive(Clone)]
pub struct Simulator {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    machine: Mutex<Machine>,
    faults: Mutex<Faults>,
    pace: Mutex<Pace>,
    /// The last resource version that was kept; watches and waits listen to it.
    revisions: watch::Sender<u64>,
    /// Watches that are being read: in fast time the clock jumps while there are any.
    watchers: AtomicUsize,
    /// Requests being answered, and when the last one was: fast time gives clients a moment to react.
    pub(crate) busy: AtomicUsize,
    last_call: Mutex<Instant>,
    lock: Mutex<Option<Lock>>,
}

/// How simulated time moves by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// Not at all: only waits move it.
    Still,
    /// From timer to timer while somebody watches; waits move it as well.
    Fast,
    /// A second a second, from `base` at `since`.
    Wall { base: Timestamp, since: Instant },
}

/// A call that got no answer because a fault cut it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("connection reset by peer (a planned fault of the simulator)")]
pub struct Cut;

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it. `holder` says which one and, when it serves it, how to reach it.
    #[error("the simulator store `{}` is in use{}", path.display(), said(holder.as_deref()))]
    Held {
        /// The store.
        path: std::path::PathBuf,
        /// Who has it; `None` when its lock file does not say.
        holder: Option<Box<Holder>>,
    },
    /// The lock file beside the store cannot be used.
    #[error("cannot lock simulator store `{}`", path.display())]
    Lock {
        /// The store.
        path: std::path::PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn said(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |holder| {
        format!(" by `{}` (process {} on {})", holder.command, holder.pid, holder.host)
    })
}

impl Simulator {
    /// Opens the store at `path` under its exclusive lock, or makes it when there is none. `command` is what others are told
    /// that it is in use by.
    ///
    /// # Errors
    /// [`OpenError::Held`] when another process has it; a store that is not whole is refused and left as it is.
    pub fn open(path: &Path, start: Start, command: &str) -> Result<Self, OpenError> {
        let lock = Lock::take(&with_suffix(path, ".lock"), this_process(command)).map_err(|error| match error {
            LockError::Held(holder) => OpenError::Held { path: path.to_path_buf(), holder: holder.map(Box::new) },
            LockError::File { source, .. } => OpenError::Lock { path: path.to_path_buf(), source },
        })?;
        Ok(Self::around(Machine::open(path, start)?, Some(lock)))
    }

    /// A simulator whose state is gone with its last handle.
    ///
    /// # Errors
    /// When SQLite has no memory.
    pub fn in_memory(start: Start) -> Result<Self, StoreError> {
        Ok(Self::around(Machine::in_memory(start)?, None))
    }

    fn around(machine: Machine, lock: Option<Lock>) -> Self {
        let (revisions, _) = watch::channel(machine.revision());
        let inner = Inner {
            machine: Mutex::new(machine),
            faults: Mutex::new(Faults::new(FaultPlan::default())),
            pace: Mutex::new(Pace::Still),
            revisions,
            watchers: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            last_call: Mutex::new(Instant::now()),
            lock: Mutex::new(lock),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The simulated time.
    pub fn now(&self) -> Timestamp {
        let machine = self.machine();
        self.time(&machine)
    }

    /// The cluster model.
    pub fn cluster(&self) -> ClusterModel {
        self.machine().cluster().clone()
    }

    /// Replaces the cluster model, as infra would change the cluster: `PUT /sutler.dev/v1/cluster`.
    ///
    /// # Errors
    /// When the change could not be kept.
    pub fn set_cluster(&self, cluster: &ClusterModel) -> Result<(), Refusal> {
        let body = serde_json::to_vec(cluster).expect("a cluster model is plain data");
        let response = self.answer(&Request::new(Method::PUT, "/sutler.dev/v1/cluster", body));
        if response.code == 200 {
            return Ok(());
        }
        Err(Refusal::new(response.code, "", "the cluster model could not be changed"))
    }

    /// Replaces the plan of faults.
    pub fn set_faults(&self, plan: FaultPlan) {
        *lock(&self.inner.faults) = Faults::new(plan);
    }

    /// Lets simulated time pass until something changes (after the resource version `since`, when given), but not past
    /// `deadline`. The one primitive by which time moves for a program.
    pub async fn wait(&self, deadline: Timestamp, since: Option<u64>) -> WaitResponse {
        let mut revisions = self.inner.revisions.subscribe();
        if !matches!(*lock(&self.inner.pace), Pace::Wall { .. }) {
            let mut machine = self.machine();
            let woken = machine.wait(deadline, since);
            self.tell(&machine);
            return woken_at(&machine, machine.clock(), woken);
        }
        let seen = since.unwrap_or_else(|| *revisions.borrow());
        loop {
            let left = {
                let machine = self.machine();
                let now = self.time(&machine);
                if machine.revision() > seen {
                    return woken_at(&machine, now, Woken::Change);
                }
                if now >= deadline {
                    return woken_at(&machine, now, Woken::Deadline);
                }
                Duration::try_from(deadline.duration_since(now)).unwrap_or_default()
            };
            // Whichever comes first; the loop looks again at both.
            tokio::select! {
                _ = revisions.changed() => {}
                () = tokio::time::sleep(left) => {}
            }
        }
    }

    /// Answers a request, without faults. A watch is answered with its reader.
    pub fn answer(&self, request: &Request) -> Response {
        let mut machine = self.machine();
        let now = self.time(&machine);
        let response = machine.handle(request, now);
        self.tell(&machine);
        response
    }

    /// Answers a request as a client meets it: with the faults of the plan, and with the endpoints that wait.
    ///
    /// # Errors
    /// [`Cut`] when a fault cuts the connection.
    pub async fn call(&self, request: &Request) -> Result<Response, Cut> {
        let _busy = Counted::up(&self.inner.busy, &self.inner);
        let decided = lock(&self.inner.faults).decide(request);
        match decided {
            Some(Fault::CutBefore) => Err(Cut),
            Some(Fault::Status { code, reason, message, retry_after_seconds }) => {
                Ok(planned(code, &reason, message, retry_after_seconds))
            }
            Some(Fault::CutAfter) => {
                self.direct(request).await;
                Err(Cut)
            }
            Some(Fault::Delay { seconds }) => {
                self.delay(seconds).await;
                Ok(self.direct(request).await)
            }
            None => Ok(self.direct(request).await),
        }
    }

    async fn direct(&self, request: &Request) -> Response {
        match (request.path.strip_prefix(own::ROOT), &request.method) {
            (Some("clock/wait"), &Method::POST) => match own::body::<WaitRequest>(request) {
                Ok(wait) => Response::ok(json!(self.wait(wait.deadline, wait.since).await)),
                Err(refusal) => refusal.into(),
            },
            (Some("faults"), &Method::GET) => Response::ok(json!(lock(&self.inner.faults).plan())),
            (Some("faults"), &Method::PUT) => match own::body::<FaultPlan>(request) {
                Ok(plan) if plan.problem().is_some() => Refusal::bad_request(plan.problem().unwrap_or_default()).into(),
                Ok(plan) => {
                    self.set_faults(plan);
                    Response::ok(json!(lock(&self.inner.faults).plan()))
                }
                Err(refusal) => refusal.into(),
            },
            (Some("clock/wait" | "faults"), _) => Refusal::method_not_allowed().into(),
            _ => self.answer(request),
        }
    }

    /// Lets a planned delay pass: on the clock where that moves by itself, in simulated time otherwise.
    async fn delay(&self, seconds: f64) {
        let length = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        if matches!(*lock(&self.inner.pace), Pace::Wall { .. }) {
            tokio::time::sleep(length).await;
            return;
        }
        let mut machine = self.machine();
        if let Ok(until) = machine.clock().checked_add(length) {
            machine.pass(until);
        }
        self.tell(&machine);
    }

    /// The machine. After a request that panicked its state in memory is thrown away and read from the store again.
    pub(crate) fn machine(&self) -> MutexGuard<'_, Machine> {
        self.inner.machine.lock().unwrap_or_else(|poisoned| {
            let mut machine = poisoned.into_inner();
            machine.reload();
            self.inner.machine.clear_poison();
            machine
        })
    }

    /// The simulated time that counts now.
    pub(crate) fn time(&self, machine: &Machine) -> Timestamp {
        match *lock(&self.inner.pace) {
            Pace::Still | Pace::Fast => machine.clock(),
            Pace::Wall { base, since } => base.checked_add(since.elapsed()).unwrap_or(base).max(machine.clock()),
        }
    }

    /// Tells watches and waits up to where the machine has come.
    pub(crate) fn tell(&self, machine: &Machine) {
        let revision = machine.revision();
        self.inner.revisions.send_if_modified(|told| std::mem::replace(told, revision) != revision);
    }

    pub(crate) fn revisions(&self) -> watch::Receiver<u64> {
        self.inner.revisions.subscribe()
    }

    pub(crate) fn set_pace(&self, pace: Pace) {
        *lock(&self.inner.pace) = pace;
    }

    pub(crate) fn set_served(&self, served: Option<Served>) -> std::io::Result<()> {
        lock(&self.inner.lock).as_mut().map_or(Ok(()), |held| held.set_served(served))
    }

    pub(crate) fn watching(&self) -> Counted {
        Counted::up(&self.inner.watchers, &self.inner)
    }

    /// Whether somebody watches and nobody has asked anything for `quiet`.
    pub(crate) fn waits_quietly(&self, quiet: Duration) -> bool {
        self.inner.watchers.load(Ordering::SeqCst) > 0
            && self.inner.busy.load(Ordering::SeqCst) == 0
            && lock(&self.inner.last_call).elapsed() >= quiet
    }
}

fn woken_at(machine: &Machine, now: Timestamp, woken: Woken) -> WaitResponse {
    let woken = match woken {
        Woken::Change => Reason::Change,
        Woken::Deadline => Reason::Deadline,
    };
    WaitResponse { now, woken, revision: machine.revision() }
}

/// The answer of a planned `Fault::Status`.
fn planned(code: u16, reason: &str, message: Option<String>, retry_after_seconds: Option<u32>) -> Response {
    let message = message.unwrap_or_else(|| format!("planned fault {code} of the simulator"));
    let mut status = Refusal::new(code, "", message).to_value();
    if !reason.is_empty() {
        status["reason"] = json!(reason);
    }
    if let Some(seconds) = retry_after_seconds {
        status["details"] = json!({"retryAfterSeconds": seconds});
    }
    let mut response = Response::object(code, Arc::new(status));
    response.retry_after_seconds = retry_after_seconds;
    response
}

/// Locks what no panic can leave half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts one more while it lives.
pub(crate) struct Counted {
    inner: Arc<Inner>,
    watch: bool,
}

impl Counted {
    fn up(counter: &AtomicUsize, inner: &Arc<Inner>) -> Self {
        counter.fetch_add(1, Ordering::SeqCst);
        Self { inner: inner.clone(), watch: std::ptr::eq(counter, &raw const inner.watchers) }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let counter = if self.watch { &self.inner.watchers } else { &self.inner.busy };
        counter.fetch_sub(1, Ordering::SeqCst);
        *lock(&self.inner.last_call) = Instant::now();
    }
}
