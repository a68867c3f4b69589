//! A session: one Kubernetes API, opened for one command.
//!
//! Whether it is a real cluster or the simulator is decided here and shows nowhere else: what follows talks to a
//! [`Cluster`] and waits by its world.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::Uri;
use jiff::Timestamp;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use sutler_release::{Cluster, Holder, RealWorld, Releases, WaitError, World};
use sutler_simulator::{ClusterModel, OpenError, Simulator, Start};

use crate::cloud::{Cloud, CloudError};
use crate::event::Sink;
use crate::names::FIELD_MANAGER;
use crate::stack::{Stack, Target};
use crate::world::{SimulatedWorld, WatchingNodes};

/// The environment variable that moves the simulators' stores away from beside stack.yaml.
pub const STATE_VARIABLE: &str = "SUTLER_STATE_DIR";

/// An API that was opened.
#[derive(Clone)]
pub struct Session {
    /// The client.
    pub client: kube::Client,
    /// Its clock.
    pub world: Arc<dyn World>,
    /// What messages call it.
    pub address: String,
    /// Whether it is the simulator.
    pub simulated: bool,
    /// Who works, for leases.
    pub holder: Holder,
    /// The simulator, where it is in this process: it is let go with the session.
    pub simulator: Option<Simulator>,
}

/// What a command wants of a simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// To look: a simulator that does not exist yet is not made.
    Look,
    /// To change.
    Change,
}

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The simulator.
    #[error("cannot open the simulated cluster `{cluster}`")]
    Simulator {
        /// The cluster's name.
        cluster: String,
        /// Why.
        #[source]
        source: Box<OpenError>,
    },
    /// A served simulator does not answer.
    #[error("cannot reach the simulator that {holder} serves at {address}")]
    Served {
        /// Who serves it.
        holder: String,
        /// Where.
        address: String,
        /// Why.
        #[source]
        source: WaitError,
    },
    /// The kubeconfig.
    #[error("cannot use context `{context}` of the kubeconfig")]
    Context {
        /// The context.
        context: String,
        /// Which there are.
        known: Vec<String>,
        /// Why.
        #[source]
        source: Box<kube::config::KubeconfigError>,
    },
    /// A client could not be made.
    #[error("cannot make a client for {address}")]
    Client {
        /// The API's address.
        address: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// AWS, where the cluster is EKS's.
    #[error(transparent)]
    Cloud(Box<CloudError>),
    /// The EKS cluster is not made yet.
    #[error("there is no EKS cluster `{cluster}` in account {account}, {region}")]
    NoCluster {
        /// Its name.
        cluster: String,
        /// The account.
        account: String,
        /// The region.
        region: String,
        /// The environment.
        environment: String,
    },
}

impl SessionError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            SessionError::Simulator { source, .. } => match source.as_ref() {
                OpenError::Held { .. } => Some("wait until it is done, or stop it".into()),
                OpenError::Store(_) => {
                    Some("nothing was changed in it; move the file away to begin with a new simulated cluster".into())
                }
                OpenError::Lock { .. } => Some(format!("set {STATE_VARIABLE} to a folder that can be written")),
            },
            SessionError::Context { known, .. } if known.is_empty() => {
                Some("there is no kubeconfig with contexts; KUBECONFIG names one".into())
            }
            SessionError::Context { known, .. } => Some(format!("there are: {}", known.join(", "))),
            SessionError::Cloud(error) => error.hint(),
            SessionError::NoCluster { environment, .. } => Some(format!("`sutler up -e {environment}` makes it")),
            SessionError::Served { .. } | SessionError::Client { .. } => None,
        }
    }
}

/// Where the simulator of a stack's cluster keeps its state: `.sutler` beside stack.yaml, unless the environment says.
pub fn store_path(folder: &Path, cluster: &str) -> PathBuf {
    let state = std::env::var_os(STATE_VARIABLE).map_or_else(|| folder.join(".sutler"), PathBuf::from);
    state.join(format!("{cluster}.simulator"))
}

impl Session {
    /// Opens what a stack's environment means. `folder` is where stack.yaml lies; `command` is what others are told that
    /// a simulator is in use by.
    ///
    /// # Errors
    /// If it cannot be opened; a real API is not asked yet.
    pub async fn open(stack: &Stack, folder: &Path, command: &str, intent: Intent) -> Result<Session, SessionError> {
        match &stack.target {
            Target::Simulator => {
                let path = store_path(folder, &stack.cluster.name);
                if intent == Intent::Look && !path.exists() {
                    return Session::in_memory(&stack.cluster.name);
                }
                Session::simulator(&path, &stack.cluster.name, command).await
            }
            Target::Context(context) => Session::context(Some(context)).await,
            Target::Eks => {
                let failed = |error| SessionError::Cloud(Box::new(error));
                let cloud = Cloud::of_stack(stack).await.map_err(failed)?;
                let session = cloud.session(&stack.cluster.name).await.map_err(failed)?;
                session.ok_or_else(|| SessionError::NoCluster {
                    cluster: stack.cluster.name.clone(),
                    account: cloud.caller.account.clone(),
                    region: cloud.aws.region().to_owned(),
                    environment: stack.environment.clone(),
                })
            }
        }
    }

    /// A simulator that is gone with the session.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn in_memory(cluster: &str) -> Result<Session, SessionError> {
        let simulator = Simulator::in_memory(start()).map_err(|error| SessionError::Simulator {
            cluster: cluster.to_owned(),
            source: Box::new(OpenError::Store(error)),
        })?;
        Ok(Session::around(simulator))
    }

    /// The simulator whose state is at `path`, in this process or through the process that serves it.
    ///
    /// # Errors
    /// If another process holds it, or the store is not whole.
    pub async fn simulator(path: &Path, cluster: &str, command: &str) -> Result<Session, SessionError> {
        let failed = |source| SessionError::Simulator { cluster: cluster.to_owned(), source: Box::new(source) };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|source| failed(OpenError::Lock { path: path.to_path_buf(), source }))?;
        }
        match Simulator::open(path, start(), command) {
            Ok(simulator) => Ok(Session::around(simulator)),
            Err(OpenError::Held { holder: Some(holder), .. }) if holder.served.is_some() => {
                let served = holder.served.clone().unwrap_or_else(|| unreachable!("the guard looked"));
                let client = token_client(&served.address, &served.token)?;
                let world = SimulatedWorld::remote(client.clone()).await.map_err(|source| SessionError::Served {
                    holder: format!("`{}` (process {})", holder.command, holder.pid),
                    address: served.address.clone(),
                    source,
                })?;
                Ok(Session {
                    client,
                    world: Arc::new(world),
                    address: format!("the simulator at {}", served.address),
                    simulated: true,
                    holder: RealWorld::holder(),
                    simulator: None,
                })
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn around(simulator: Simulator) -> Session {
        let client = simulator.client();
        Session {
            world: Arc::new(SimulatedWorld::local(simulator.clone(), client.clone())),
            client,
            address: "the simulator".into(),
            simulated: true,
            holder: RealWorld::holder(),
            simulator: Some(simulator),
        }
    }

    /// A kubeconfig context; the current one if none is named.
    ///
    /// # Errors
    /// If the kubeconfig does not have it or it cannot be used.
    pub async fn context(context: Option<&str>) -> Result<Session, SessionError> {
        let named = || context.unwrap_or("(current)").to_owned();
        let known = || {
            let config = Kubeconfig::read().unwrap_or_default();
            config.contexts.into_iter().map(|context| context.name).collect()
        };
        let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
        let config = kube::Config::from_kubeconfig(&options).await.map_err(|source| SessionError::Context {
            context: named(),
            known: known(),
            source: Box::new(source),
        })?;
        Session::of_config(config)
    }

    /// The API of a client configuration.
    ///
    /// # Errors
    /// If no client can be made of it.
    pub fn of_config(config: kube::Config) -> Result<Session, SessionError> {
        let address = config.cluster_url.to_string();
        let client = client(config, &address)?;
        Ok(Session {
            world: Arc::new(RealWorld::new(client.clone())),
            client,
            address,
            simulated: false,
            holder: RealWorld::holder(),
            simulator: None,
        })
    }

    /// The API of a client configuration that stands for an EKS cluster: a served simulator is known by its own endpoints.
    ///
    /// # Errors
    /// If no client can be made of it.
    pub async fn of_stand_in(config: kube::Config) -> Result<Session, SessionError> {
        let session = Session::of_config(config)?;
        Ok(match SimulatedWorld::remote(session.client.clone()).await {
            Ok(world) => Session {
                world: Arc::new(world),
                address: format!("the simulator at {}", session.address),
                simulated: true,
                ..session
            },
            // An API server does not know them; one that cannot be reached says so when it is first asked.
            Err(_) => session,
        })
    }

    /// The same session, telling of nodes that come and go whenever something is waited for.
    pub async fn telling_of_nodes(self, sink: Sink) -> Session {
        let world = WatchingNodes::new(self.world.clone(), self.client.clone(), sink).await;
        Session { world: Arc::new(world), ..self }
    }

    /// The API, written to under the stack's own field manager.
    pub fn cluster(&self) -> Cluster {
        Cluster::new(self.client.clone(), self.address.clone(), self.world.clone()).with_field_manager(FIELD_MANAGER)
    }

    /// The API's releases, written as Helm writes them.
    pub fn releases(&self) -> Releases {
        let cluster = Cluster::new(self.client.clone(), self.address.clone(), self.world.clone());
        Releases::new(cluster, self.holder.clone())
    }

    /// The cluster that the simulator stands for; `None` on a real one, and before the first `up`.
    ///
    /// # Errors
    /// If the simulator does not answer.
    pub async fn cluster_model(&self) -> Result<Option<ClusterModel>, WaitError> {
        if !self.simulated {
            return Ok(None);
        }
        let request = own_request("GET", "cluster", Vec::new())?;
        let model: ClusterModel = self.client.request(request).await.map_err(|error| WaitError(error.into()))?;
        Ok((model != ClusterModel::default()).then_some(model))
    }

    /// Makes the simulator stand for `model`, as infra would change a cluster.
    ///
    /// # Errors
    /// If the simulator does not answer.
    pub async fn set_cluster_model(&self, model: &ClusterModel) -> Result<(), WaitError> {
        let request = own_request("PUT", "cluster", json!(model).to_string().into_bytes())?;
        self.client.request::<Value>(request).await.map(drop).map_err(|error| WaitError(error.into()))
    }
}

fn own_request(method: &str, path: &str, body: Vec<u8>) -> Result<http::Request<Vec<u8>>, WaitError> {
    http::Request::builder()
        .method(method)
        .uri(format!("/sutler.dev/v1/{path}"))
        .header("content-type", "application/json")
        .body(body)
        .map_err(|error| WaitError(error.into()))
}

/// A new simulator's clock starts at the present minute. Its names and delays follow from a fixed seed, so that two
/// people who try the same stack see the same.
fn start() -> Start {
    let now = Timestamp::now();
    let minute = Timestamp::from_second(now.as_second() / 60 * 60).unwrap_or(now);
    Start { clock: minute, seed: 1 }
}

fn client(config: kube::Config, address: &str) -> Result<kube::Client, SessionError> {
    kube::Client::try_from(config)
        .map_err(|source| SessionError::Client { address: address.to_owned(), source: source.into() })
}

fn token_client(address: &str, token: &str) -> Result<kube::Client, SessionError> {
    let failed = |source| SessionError::Client { address: address.to_owned(), source };
    let url: Uri = address.parse().map_err(|error: http::uri::InvalidUri| failed(error.into()))?;
    let mut config = kube::Config::new(url);
    config.auth_info.token = Some(token.to_owned().into());
    client(config, address)
}
