//! A simulated cluster for the scenarios: the world on its clock, releases in it, and what they did as text.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test file uses a part")]

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;
use sutler_release::{
    Change, Cluster, Content, Error, Event, Holder, IfMissing, InstallRequest, ObjectRef, Options, Release, Releases,
    Source, Status, UninstallRequest, UpgradeRequest, WaitError, Watched, Woken, World,
};
use sutler_simulator::{Reason, Simulator, Start};

/// Simulated time: it moves only while somebody waits.
pub struct SimulatedWorld(pub Simulator);

impl World for SimulatedWorld {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn until_change_or<'a>(
        &'a self,
        _watched: &'a [Watched],
        deadline: Timestamp,
    ) -> BoxFuture<'a, Result<Woken, WaitError>> {
        Box::pin(async move {
            // Others of this program get their turn, as they would while a real clock runs.
            tokio::task::yield_now().await;
            Ok(match self.0.wait(deadline, None).await.woken {
                Reason::Change => Woken::Change,
                Reason::Deadline => Woken::Deadline,
            })
        })
    }
}

/// A cluster and one who works in it.
pub struct Lab {
    pub simulator: Simulator,
    pub releases: Releases,
}

impl Lab {
    pub fn new() -> Self {
        let start = Start { clock: "2026-01-01T00:00:00Z".parse().unwrap(), seed: 7 };
        Self::around(Simulator::in_memory(start).unwrap(), "ada@lab")
    }

    /// A cluster with nodes of one pool.
    pub fn with_nodes(nodes: u32) -> Self {
        let lab = Self::new();
        if nodes > 0 {
            let mut cluster = lab.simulator.cluster();
            let pool = serde_json::json!({"name": "main", "instanceTypes": ["m6i.xlarge"], "min": nodes, "max": nodes});
            cluster.pools = vec![serde_json::from_value(pool).unwrap()];
            lab.simulator.set_cluster(&cluster).unwrap();
        }
        lab
    }

    /// Somebody else in the same cluster.
    pub fn other(&self, who: &str) -> Self {
        Self::around(self.simulator.clone(), who)
    }

    fn around(simulator: Simulator, who: &str) -> Self {
        let world = Arc::new(SimulatedWorld(simulator.clone()));
        let cluster = Cluster::new(simulator.client(), "the simulator", world);
        let holder = Holder { who: who.to_owned(), process: 1, started: 1 };
        Self { simulator, releases: Releases::new(cluster, holder) }
    }

    pub async fn live(&self, api_version: &str, kind: &str, name: &str) -> Option<Value> {
        let object = ObjectRef::new(api_version, kind, Some("ns"), name);
        self.releases.cluster().get(&object).await.unwrap()
    }

    /// The keys of a ConfigMap's data, or why there are none.
    pub async fn data(&self, name: &str) -> String {
        match self.live("v1", "ConfigMap", name).await {
            Some(object) => object["data"].to_string(),
            None => "not there".to_owned(),
        }
    }

    pub async fn statuses(&self, name: &str) -> String {
        let history = self.releases.history("ns", name).await.unwrap();
        let each: Vec<String> =
            history.iter().map(|release| format!("{} {}", release.version, release.info.status)).collect();
        each.join(", ")
    }

    pub async fn install(&self, request: &InstallRequest) -> (Result<Release, Error>, Vec<String>) {
        let mut told = Vec::new();
        let result = self.releases.install(request, &mut |event| told.push(line(&event))).await;
        (result, told)
    }

    pub async fn upgrade(&self, request: &UpgradeRequest) -> (Result<Release, Error>, Vec<String>) {
        let mut told = Vec::new();
        let result = self.releases.upgrade(request, &mut |event| told.push(line(&event))).await;
        (result, told)
    }

    pub async fn uninstall(&self, name: &str) -> (Result<(), Error>, Vec<String>) {
        let mut told = Vec::new();
        let request = UninstallRequest::new("ns", name);
        let result = self.releases.uninstall(&request, &mut |event| told.push(line(&event))).await;
        (result.map(drop), told)
    }
}

/// One event as a line.
pub fn line(event: &Event) -> String {
    let change = |change: &Change| match change {
        Change::Created => "created",
        Change::Configured => "configured",
        Change::Unchanged => "unchanged",
    };
    match event {
        Event::NamespaceCreated { namespace } => format!("namespace {namespace} created"),
        Event::Recovering { revision, status, .. } => format!("recovering {revision} from {status}"),
        Event::Recorded { revision, status } => format!("revision {revision} {status}"),
        Event::CrdApplied { name, change: done } => format!("crd {name} {}", change(done)),
        Event::Applied { object, change: done } => format!("{object} {}", change(done)),
        Event::Deleted { object } => format!("{object} deleted"),
        Event::Kept { object } => format!("{object} kept"),
        Event::HookStarted { event, object } => format!("{event} hook {object} started"),
        Event::HookFinished { event, object, succeeded } => {
            format!("{event} hook {object} {}", if *succeeded { "succeeded" } else { "failed" })
        }
        Event::Waiting { object, reason } => format!("{object} waiting: {reason}"),
        Event::Ready { object } => format!("{object} ready"),
        other => format!("{other:?}"),
    }
}

pub fn config_map(name: &str, data: &str) -> String {
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {data}\n")
}

pub fn content(manifest: &str) -> Source {
    let mut content = Content { manifest: manifest.to_owned(), ..Content::default() };
    content.chart.metadata = serde_json::json!({"name": "web", "version": "1.0.0", "apiVersion": "v2"});
    Source::Rendered(Box::new(content))
}

pub fn installation(source: Source) -> InstallRequest {
    InstallRequest {
        name: "web".to_owned(),
        namespace: "ns".to_owned(),
        create_namespace: true,
        source,
        skip_crds: false,
        replace: false,
        options: Options::default(),
    }
}

pub fn upgrade(source: Source) -> UpgradeRequest {
    UpgradeRequest {
        name: "web".to_owned(),
        namespace: "ns".to_owned(),
        source,
        values_from: Default::default(),
        apply: Default::default(),
        history_max: 10,
        cleanup_on_fail: false,
        install_if_missing: Some(IfMissing { create_namespace: true, skip_crds: false }),
        options: Options::default(),
    }
}

/// An error with all its causes.
pub fn in_full<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.expect_err("it was to fail");
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

pub fn is(release: &Release, status: Status) -> bool {
    release.info.status == status
}
