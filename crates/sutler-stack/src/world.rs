//! Worlds: the simulator's clock as release code waits by it, and a view of nodes that come and go meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use http::Request;
use jiff::Timestamp;
use serde_json::Value;
use sutler_nodes::pool::POOL_LABEL;
use sutler_release::{Holder, RealWorld, WaitError, Watched, Woken, World};
use sutler_simulator::{Reason, Simulator, WaitRequest, WaitResponse};

use crate::event::{Event, NodeChange, Sink};

/// The simulator's time: it moves only while somebody waits, to the next change or to the deadline.
#[derive(Clone)]
pub struct SimulatedWorld {
    client: kube::Client,
    /// The simulator, where it is in this process.
    local: Option<Simulator>,
    /// The last time that was heard of, where it is in another.
    heard: Arc<Mutex<Timestamp>>,
}

impl SimulatedWorld {
    /// The world of a simulator in this process.
    pub fn local(simulator: Simulator, client: kube::Client) -> Self {
        let now = simulator.now();
        SimulatedWorld { client, local: Some(simulator), heard: Arc::new(Mutex::new(now)) }
    }

    /// The world of a simulator that another process serves.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn remote(client: kube::Client) -> Result<Self, WaitError> {
        let clock = request(&client, "GET", "/sutler.dev/v1/clock", Vec::new()).await?;
        let now = clock["now"].as_str().and_then(|text| text.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(SimulatedWorld { client, local: None, heard: Arc::new(Mutex::new(now)) })
    }

    async fn wait(&self, deadline: Timestamp) -> Result<WaitResponse, WaitError> {
        if let Some(simulator) = &self.local {
            return Ok(simulator.wait(deadline, None).await);
        }
        let body = serde_json::to_vec(&WaitRequest { deadline, since: None }).unwrap_or_default();
        let answer = request(&self.client, "POST", "/sutler.dev/v1/clock/wait", body).await?;
        let answer: WaitResponse = serde_json::from_value(answer).map_err(|error| WaitError(error.into()))?;
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = answer.now;
        Ok(answer)
    }

    /// Whether an object is not any more as it was seen.
    async fn has_changed(&self, watched: &Watched) -> bool {
        let path = format!("{}/{}", watched.collection, watched.name);
        // What cannot be read is as it was: the caller, who looks again in any case, gets the error.
        let Ok(found) = request(&self.client, "GET", &path, Vec::new()).await else {
            return watched.resource_version.is_some();
        };
        let version = found.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        version != watched.resource_version.as_deref()
    }
}

async fn request(client: &kube::Client, method: &str, path: &str, body: Vec<u8>) -> Result<Value, WaitError> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(body)
        .map_err(|error| WaitError(error.into()))?;
    client.request::<Value>(request).await.map_err(|error| WaitError(error.into()))
}

impl World for SimulatedWorld {
    fn now(&self) -> Timestamp {
        match &self.local {
            Some(simulator) => simulator.now(),
            None => *self.heard.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn until_change_or<'a>(
        &'a self,
        watched: &'a [Watched],
        deadline: Timestamp,
    ) -> BoxFuture<'a, Result<Woken, WaitError>> {
        Box::pin(async move {
            // Two waiters share one clock: what the other's wait brought about is a change for this one.
            for object in watched {
                if self.has_changed(object).await {
                    return Ok(Woken::Change);
                }
            }
            Ok(match self.wait(deadline).await?.woken {
                Reason::Change => Woken::Change,
                Reason::Deadline => Woken::Deadline,
            })
        })
    }

    fn has_ended(&self, holder: &Holder) -> bool {
        RealWorld::new(self.client.clone()).has_ended(holder)
    }
}

/// A world that looks at the nodes whenever somebody was woken, and tells what became of them.
pub struct WatchingNodes {
    world: Arc<dyn World>,
    client: kube::Client,
    tell: Sink,
    known: Mutex<BTreeMap<String, Seen>>,
}

#[derive(Clone, PartialEq)]
struct Seen {
    pool: Option<String>,
    ready: bool,
}

impl WatchingNodes {
    /// The same world, telling of nodes by `tell`. Nodes that are there already are not told of.
    pub async fn new(world: Arc<dyn World>, client: kube::Client, tell: Sink) -> Self {
        let watching = WatchingNodes { world, client, tell, known: Mutex::default() };
        let now = watching.nodes().await.unwrap_or_default();
        *watching.known.lock().unwrap_or_else(PoisonError::into_inner) = now;
        watching
    }

    /// The nodes there are; `None` where they may not be listed.
    async fn nodes(&self) -> Option<BTreeMap<String, Seen>> {
        let list = request(&self.client, "GET", "/api/v1/nodes", Vec::new()).await.ok()?;
        let items = list["items"].as_array()?.iter().map(|node| {
            let text = |pointer: &str| node.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
            let pool =
                node.pointer("/metadata/labels").and_then(|labels| labels[POOL_LABEL].as_str()).map(str::to_owned);
            let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
            let ready = conditions.into_iter().flatten().any(|one| one["type"] == "Ready" && one["status"] == "True");
            (text("/metadata/name").unwrap_or_default(), Seen { pool, ready })
        });
        Some(items.collect())
    }

    async fn look(&self) {
        let Some(now) = self.nodes().await else { return };
        let before = std::mem::replace(&mut *self.known.lock().unwrap_or_else(PoisonError::into_inner), now.clone());
        let tell = |name: &str, seen: &Seen, change| {
            (self.tell)(Event::Node { name: name.to_owned(), pool: seen.pool.clone(), change });
        };
        for (name, seen) in &now {
            match before.get(name) {
                None if seen.ready => tell(name, seen, NodeChange::Ready),
                None => tell(name, seen, NodeChange::Starting),
                Some(old) if !old.ready && seen.ready => tell(name, seen, NodeChange::Ready),
                Some(_) => {}
            }
        }
        for (name, seen) in before.iter().filter(|(name, _)| !now.contains_key(*name)) {
            tell(name, seen, NodeChange::Gone);
        }
    }
}

impl World for WatchingNodes {
    fn now(&self) -> Timestamp {
        self.world.now()
    }

    fn until_change_or<'a>(
        &'a self,
        watched: &'a [Watched],
        deadline: Timestamp,
    ) -> BoxFuture<'a, Result<Woken, WaitError>> {
        Box::pin(async move {
            let woken = self.world.until_change_or(watched, deadline).await?;
            self.look().await;
            Ok(woken)
        })
    }

    fn has_ended(&self, holder: &Holder) -> bool {
        self.world.has_ended(holder)
    }
}
