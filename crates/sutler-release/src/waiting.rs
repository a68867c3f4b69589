//! Waiting until objects are ready, complete or gone, and saying why they are not.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sutler_objects::readiness::Around;

use crate::cluster::{Cluster, at_once};
use crate::error::{Error, Unready};
use crate::event::Event;
use crate::object::ObjectRef;
use crate::operation::Operation;
use crate::world::Watched;

mod judge;
mod related;

pub(crate) use judge::{Goal, State};

/// An object that is waited for.
struct Awaited {
    object: ObjectRef,
    live: Option<Value>,
    state: State,
    told: String,
    /// Whether `live` was read in the present round.
    is_fresh: bool,
}

/// Waits until all of `objects` reach `goal`.
///
/// `live` are the objects as they were last seen; those that need no waiting are not read again.
///
/// # Errors
/// [`Error::NotReady`] or [`Error::NotGone`] at the time limit, [`Error::Failed`] once all that can become ready are and
/// the rest cannot.
pub(crate) async fn wait(
    operation: &mut Operation<'_>,
    live: Vec<Value>,
    goal: Goal,
    timeout: SignedDuration,
) -> Result<(), Error> {
    let world = operation.cluster.world().clone();
    let deadline = world.now().checked_add(timeout).unwrap_or(Timestamp::MAX);
    let mut awaited: Vec<Awaited> = live
        .into_iter()
        .filter(|object| !judge::is_skipped(object, goal))
        .map(|object| Awaited {
            object: ObjectRef::of(&object),
            live: Some(object),
            state: State::Pending(String::new()),
            told: String::new(),
            is_fresh: true,
        })
        .collect();
    loop {
        judge_all(operation, &mut awaited, goal).await?;
        if awaited.iter().all(|one| !matches!(one.state, State::Pending(_))) {
            // What was ready a while ago may not be any more: only a state that all have at once counts.
            if awaited.iter().any(|one| !one.is_fresh) {
                let stale: Vec<&mut Awaited> = awaited.iter_mut().filter(|one| !one.is_fresh).collect();
                read(operation.cluster, stale).await?;
                judge_all(operation, &mut awaited, goal).await?;
                if awaited.iter().any(|one| matches!(one.state, State::Pending(_))) {
                    continue;
                }
            }
            return settled(awaited);
        }
        let now = world.now();
        if now >= deadline {
            return Err(overdue(awaited, goal, timeout));
        }
        operation.renew_if_due().await?;
        let watched = watched(operation.cluster, &awaited).await?;
        world.until_change_or(&watched, deadline.min(operation.renew_at())).await?;
        for one in &mut awaited {
            one.is_fresh = false;
        }
        let pending = awaited.iter_mut().filter(|one| matches!(one.state, State::Pending(_))).collect();
        read(operation.cluster, pending).await?;
    }
}

/// Judges what was read in this round and tells what changed.
async fn judge_all(operation: &mut Operation<'_>, awaited: &mut [Awaited], goal: Goal) -> Result<(), Error> {
    let mut related = related::Related::default();
    for one in awaited.iter_mut().filter(|one| one.is_fresh) {
        one.state = judge::judge(one.live.as_ref(), goal, Around::default());
        if one.state != State::Done && goal != Goal::Gone {
            // Only now is it worth asking what stands around it.
            let around = related.around(operation.cluster, one.object.namespace.as_deref()).await;
            one.state = judge::judge(one.live.as_ref(), goal, around);
        }
        match &one.state {
            State::Done if !one.told.is_empty() || goal == Goal::Gone => {
                one.told.clear();
                operation.tell(Event::Ready { object: one.object.clone() });
            }
            State::Done => {}
            State::Pending(reason) | State::Failed(reason) => {
                if one.told != *reason {
                    one.told.clone_from(reason);
                    operation.tell(Event::Waiting { object: one.object.clone(), reason: reason.clone() });
                }
            }
        }
    }
    Ok(())
}

/// Reads objects anew.
async fn read(cluster: &Cluster, awaited: Vec<&mut Awaited>) -> Result<(), Error> {
    let requests = awaited.into_iter().map(|one| async move {
        one.live = cluster.get(&one.object).await?;
        one.is_fresh = true;
        Ok::<(), Error>(())
    });
    at_once(requests.collect()).try_collect().await
}

async fn watched(cluster: &Cluster, awaited: &[Awaited]) -> Result<Vec<Watched>, Error> {
    let mut watched = BTreeMap::new();
    for one in awaited.iter().filter(|one| matches!(one.state, State::Pending(_))) {
        watched.insert(&one.object, cluster.watched(&one.object, one.live.as_ref()).await?);
    }
    Ok(watched.into_values().collect())
}

fn settled(awaited: Vec<Awaited>) -> Result<(), Error> {
    let failed: Vec<Unready> = awaited
        .into_iter()
        .filter_map(|one| match one.state {
            State::Failed(reason) => Some(Unready { object: one.object, reason }),
            _ => None,
        })
        .collect();
    if failed.is_empty() { Ok(()) } else { Err(Error::Failed { objects: failed }) }
}

fn overdue(awaited: Vec<Awaited>, goal: Goal, timeout: SignedDuration) -> Error {
    let objects = awaited
        .into_iter()
        .filter_map(|one| match one.state {
            State::Done => None,
            State::Pending(reason) | State::Failed(reason) => Some(Unready { object: one.object, reason }),
        })
        .collect();
    if goal == Goal::Gone { Error::NotGone { timeout, objects } } else { Error::NotReady { timeout, objects } }
}
