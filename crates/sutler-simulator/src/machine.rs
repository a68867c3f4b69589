//! The state machine: one owner of all state, requests in, responses out, time handed in.
//!
//! ```text
//! handle(request, now) = advance to now (timers due, one step each)
//!                      + route the request (reads; or writes, each a change)
//!                      + settle (controllers until nothing is left to do)
//!                      + keep   (one transaction with all of it)
//! ```
//!
//! Nothing here is async or reads a clock. What happened is read from the history by watches, after it was kept.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cluster::ClusterModel;
use crate::controllers::{self, Admission, Change, Controller, Queue};
use crate::key::{ObjectKey, resource};
use crate::objects::Objects;
use crate::random::Random;
use crate::registry::Registry;
use crate::request::{Request, Response};
use crate::status::Refusal;
use crate::store::{Kept, Step, Store, StoreError};
use crate::timers::Timers;
use crate::view::View;
use crate::watch::{History, Source, Watch};
use crate::{api, lifecycle};

/// How a new store begins.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// The simulated time at which its clock starts.
    pub clock: Timestamp,
    /// Seed of uids, generated names, start delays.
    pub seed: u64,
}

/// The machine. See the module's text.
pub struct Machine {
    pub(crate) kept: Kept,
    pub(crate) registry: Registry,
    pub(crate) history: History,
    pub(crate) controllers: Vec<Box<dyn Controller>>,
    pub(crate) admission: Vec<Box<dyn Admission>>,
    /// One for each controller.
    pub(crate) queues: Vec<Queue>,
    pub(crate) step: Step,
    /// Whether the clock was moved by somebody who waits (and not just read), so that this is kept without a change too.
    clock_moved: bool,
    /// When events were last looked through for those to forget.
    pub(crate) events_swept: Timestamp,
    store: Store,
}

/// Why [`Machine::wait`] came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// Something changed.
    Change,
    /// Nothing did until the deadline.
    Deadline,
}

impl Machine {
    /// A machine whose state is gone when it is dropped.
    ///
    /// # Errors
    /// When SQLite has no memory.
    pub fn in_memory(start: Start) -> Result<Self, StoreError> {
        let kept = fresh(start);
        let store = Store::in_memory(&kept)?;
        Self::new(store, kept)
    }

    /// Opens the store at `path`, or makes it, beginning as `start` says, when there is no file.
    ///
    /// # Errors
    /// When the file is not a whole store of this version. It is never changed then.
    pub fn open(path: &Path, start: Start) -> Result<Self, StoreError> {
        if path.exists() {
            let (store, kept) = Store::open(path)?;
            return Self::new(store, kept);
        }
        let kept = fresh(start);
        let store = Store::create(path, &kept)?;
        Self::new(store, kept)
    }

    fn new(store: Store, kept: Kept) -> Result<Self, StoreError> {
        let mut all = lifecycle::controllers();
        all.extend(controllers::all());
        let mut machine = Self {
            history: History::starting_after(kept.revision),
            registry: Registry::new(),
            queues: all.iter().map(|_| Queue::default()).collect(),
            controllers: all,
            admission: controllers::admission(),
            step: Step::default(),
            clock_moved: false,
            events_swept: kept.clock,
            kept,
            store,
        };
        machine.define_kept();
        lifecycle::found(&mut machine);
        machine.settle();
        machine.keep()?;
        Ok(machine)
    }

    /// Registers the custom resources whose definitions are kept.
    fn define_kept(&mut self) {
        for ((_, name), definition) in self.kept.objects.list(resource::CUSTOM_RESOURCE_DEFINITIONS) {
            self.registry.define(name, Some(definition));
        }
    }

    /// Answers one request at the simulated time `now` (which may not be before the clock: then the clock's time counts).
    pub fn handle(&mut self, request: &Request, now: Timestamp) -> Response {
        self.advance(now);
        let response = api::answer(self, request);
        self.settle();
        match self.keep() {
            Ok(()) => response,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a step could not be kept and is undone");
                self.reload();
                Refusal::internal(error.to_string()).into()
            }
        }
    }

    /// The simulated time of the last step.
    pub fn clock(&self) -> Timestamp {
        self.kept.clock
    }

    /// The last resource version given out.
    pub fn revision(&self) -> u64 {
        self.kept.revision
    }

    /// When the next timer is due.
    pub fn next_timer(&self) -> Option<Timestamp> {
        self.kept.timers.next()
    }

    /// Moves the clock to `until`, running the timers due by then, each at its time. Nothing when `until` has passed.
    pub fn advance(&mut self, until: Timestamp) {
        while let Some(due) = self.kept.timers.next().filter(|due| *due <= until) {
            self.run_timers(due);
        }
        self.kept.clock = self.kept.clock.max(until);
    }

    /// Lets time pass until something changes (after the resource version `since`, when given), but not past `deadline`.
    pub fn wait(&mut self, deadline: Timestamp, since: Option<u64>) -> Woken {
        let seen = since.unwrap_or(self.kept.revision);
        while self.kept.revision <= seen {
            match self.kept.timers.next().filter(|due| *due <= deadline) {
                Some(due) => self.run_timers(due),
                None => {
                    self.pass(deadline);
                    return Woken::Deadline;
                }
            }
        }
        Woken::Change
    }

    /// Lets time pass to `until`, and keeps that.
    pub(crate) fn pass(&mut self, until: Timestamp) {
        self.clock_moved = self.kept.clock < until;
        self.advance(until);
        self.keep_or_reload();
    }

    fn run_timers(&mut self, due: Timestamp) {
        self.kept.clock = self.kept.clock.max(due);
        for (controller, key) in self.kept.timers.take_due(due) {
            self.step.timers.insert((controller.clone(), key.clone()), None);
            // A timer of a controller that a later version does not have is dropped.
            if let Some(index) = self.controllers.iter().position(|known| known.name() == controller) {
                self.queues[index].push(key);
            }
        }
        self.settle();
        self.keep_or_reload();
    }

    /// Lines that are due on a watch.
    pub fn poll(&self, watch: &mut Watch, limit: usize) -> Vec<bytes::Bytes> {
        watch.poll(&Source { history: &self.history, revision: self.kept.revision, now: self.kept.clock }, limit)
    }

    /// The cluster model.
    pub fn cluster(&self) -> &ClusterModel {
        &self.kept.cluster
    }

    /// Replaces the cluster model and lets the controllers follow it (their work is done when the request is).
    pub(crate) fn set_cluster(&mut self, cluster: ClusterModel) {
        if cluster == self.kept.cluster {
            return;
        }
        self.kept.cluster = cluster;
        self.step.cluster = true;
        let view = view_of(&self.kept);
        for (controller, queue) in self.controllers.iter().zip(&mut self.queues) {
            controller.on_cluster(&view, queue);
        }
    }

    pub(crate) fn view(&self) -> View<'_> {
        view_of(&self.kept)
    }

    /// Stores `object` under `key` with a new resource version, and tells the controllers.
    pub(crate) fn put(&mut self, key: &ObjectKey, mut object: Value) -> Arc<Value> {
        self.kept.revision += 1;
        object["metadata"]["resourceVersion"] = json!(self.kept.revision.to_string());
        let object = Arc::new(object);
        let old = self.kept.objects.put(key, object.clone());
        self.changed(Change { key: key.clone(), old, new: Some(object.clone()) });
        object
    }

    /// Removes the object of `key`, and tells the controllers.
    pub(crate) fn erase(&mut self, key: &ObjectKey) -> Option<Arc<Value>> {
        let old = self.kept.objects.remove(key)?;
        self.kept.revision += 1;
        self.changed(Change { key: key.clone(), old: Some(old.clone()), new: None });
        Some(old)
    }

    fn changed(&mut self, change: Change) {
        if change.is(resource::CUSTOM_RESOURCE_DEFINITIONS) {
            self.registry.define(&change.key.name, change.new.as_deref());
        }
        let view = view_of(&self.kept);
        for (controller, queue) in self.controllers.iter().zip(&mut self.queues) {
            controller.on_change(&change, &view, queue);
        }
        self.step.objects.insert(change.key.clone(), change.new.clone());
        self.history.push(self.kept.revision, change);
    }

    /// Writes the step to the store.
    fn keep(&mut self) -> Result<(), StoreError> {
        if self.step.is_empty() && !self.clock_moved {
            return Ok(());
        }
        self.clock_moved = false;
        let step = std::mem::take(&mut self.step);
        self.store.write(&step, &self.kept)
    }

    fn keep_or_reload(&mut self) {
        if let Err(error) = self.keep() {
            tracing::error!(error = &error as &dyn std::error::Error, "a step could not be kept and is undone");
            self.reload();
        }
    }

    /// Throws the state in memory away and reads what is kept: after a step that could not be kept, or was not ended.
    pub(crate) fn reload(&mut self) {
        match self.store.read() {
            Ok(kept) => {
                // Watches must not go on from what is undone: numbers given out in the lost step are not given again.
                let revision = self.kept.revision;
                self.kept = kept;
                self.kept.revision = self.kept.revision.max(revision);
                self.history = History::starting_after(self.kept.revision);
                self.registry = Registry::new();
                self.step = Step::default();
                self.queues.iter_mut().for_each(|queue| queue.keys.clear());
                self.define_kept();
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the store cannot be read again");
            }
        }
    }
}

fn view_of(kept: &Kept) -> View<'_> {
    View { objects: &kept.objects, cluster: &kept.cluster, now: kept.clock, seed: kept.seed }
}

fn fresh(start: Start) -> Kept {
    Kept {
        objects: Objects::default(),
        timers: Timers::default(),
        cluster: ClusterModel::default(),
        clock: start.clock,
        random: Random { state: start.seed },
        seed: start.seed,
        revision: 0,
    }
}

/// Counts reconciles of each key within one step, so that controllers that answer each other without end are stopped.
#[derive(Default)]
struct Turns(BTreeMap<(usize, ObjectKey), u32>);

/// More looks at one key within one step than any healthy set of controllers needs.
const MOST_TURNS: u32 = 2_000;

impl Turns {
    fn take(&mut self, controller: usize, key: &ObjectKey) -> bool {
        let turns = self.0.entry((controller, key.clone())).or_default();
        *turns += 1;
        *turns <= MOST_TURNS
    }
}

impl Machine {
    /// Runs controllers until none has work left: always the first of them that has some, keys in order.
    pub(crate) fn settle(&mut self) {
        let mut turns = Turns::default();
        while let Some(index) = self.queues.iter().position(|queue| !queue.keys.is_empty()) {
            let Some(key) = self.queues[index].keys.pop_first() else { continue };
            if !turns.take(index, &key) {
                tracing::error!(controller = self.controllers[index].name(), %key, "does not settle; left for later");
                continue;
            }
            let mut effects = controllers::Effects::default();
            self.controllers[index].reconcile(&key, &view_of(&self.kept), &mut effects);
            for effect in effects.list {
                self.apply(index, &key, effect);
            }
        }
    }
}
