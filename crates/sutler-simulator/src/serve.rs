//! The simulator over HTTP, for kubectl, Helm and other processes: plain HTTP/1.1 with a bearer token, meant for loopback.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::client::AnswerBody;
use crate::lock::Served;
use crate::simulator::{Cut, Pace, Simulator};
use crate::status::Refusal;

/// How simulated time moves while the simulator is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TimeMode {
    /// A second a second.
    Wall,
    /// While a client watches or waits, time jumps from timer to timer.
    Fast,
    /// Only `POST /sutler.dev/v1/clock/wait` moves it.
    Paused,
}

impl std::str::FromStr for TimeMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "wall" => Ok(Self::Wall),
            "fast" => Ok(Self::Fast),
            "paused" => Ok(Self::Paused),
            other => Err(format!("`{other}` is not a way for time to move: wall, fast or paused")),
        }
    }
}

/// Why serving ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener cannot be asked for its address.
    #[error("cannot serve the simulator")]
    Listener(#[source] std::io::Error),
    /// The lock file could not be told the address.
    #[error("cannot write the simulator's address to its lock file")]
    LockFile(#[source] std::io::Error),
}

/// In fast time, how long clients get to react to what they saw before time jumps on.
const QUIET: Duration = Duration::from_millis(5);
/// How often time is looked at when nothing else calls for it.
const LOOK: Duration = Duration::from_millis(20);

impl Simulator {
    /// Serves the API on `listener` to clients that show `token`, until `shutdown` is done. The lock file of the store says
    /// address and token meanwhile.
    ///
    /// # Errors
    /// When it cannot begin; a connection that fails concerns nobody else.
    pub async fn serve(
        &self,
        listener: TcpListener,
        token: &str,
        time: TimeMode,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let address = listener.local_addr().map_err(ServeError::Listener)?;
        let served = Served { address: url(address), token: token.to_string() };
        self.set_served(Some(served)).map_err(ServeError::LockFile)?;
        let base = self.now();
        self.set_pace(match time {
            TimeMode::Wall => Pace::Wall { base, since: Instant::now() },
            TimeMode::Fast => Pace::Fast,
            TimeMode::Paused => Pace::Still,
        });
        let token = digest(token.as_bytes());
        let mut connections = JoinSet::new();
        tokio::select! {
            () = self.accept(&listener, token, &mut connections) => {}
            () = self.pass_time(time) => {}
            () = shutdown => {}
        }
        // Watches have no end of their own; what was acknowledged is kept, so connections may simply go.
        connections.shutdown().await;
        {
            let mut machine = self.machine();
            let now = self.time(&machine);
            machine.pass(now);
        }
        self.set_pace(Pace::Still);
        self.set_served(None).map_err(ServeError::LockFile)
    }

    async fn accept(&self, listener: &TcpListener, token: [u8; 32], connections: &mut JoinSet<()>) {
        loop {
            while connections.try_join_next().is_some() {}
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, or a client that was gone at once: neither ends the service.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
            };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot send small answers at once");
            }
            let simulator = self.clone();
            connections.spawn(async move {
                let service = service_fn(|request| simulator.checked_call(request, token));
                let mut builder = hyper::server::conn::http1::Builder::new();
                builder.timer(TokioTimer::new()).half_close(false);
                if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
                    tracing::debug!(%error, "a connection ended");
                }
            });
        }
    }

    async fn checked_call(
        &self,
        request: http::Request<hyper::body::Incoming>,
        token: [u8; 32],
    ) -> Result<http::Response<AnswerBody>, Cut> {
        let open = matches!(request.uri().path(), "/healthz" | "/livez" | "/readyz" | "/version");
        let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("");
        // Digests are compared, so that the time it takes says nothing about the token.
        if open || shown_token(shown).is_some_and(|shown| digest(&shown) == token) {
            return self.serve_call(request).await;
        }
        let body = Refusal::new(401, "Unauthorized", "Unauthorized").to_value().to_string();
        let mut response = http::Response::new(Full::from(body).boxed_unsync());
        *response.status_mut() = http::StatusCode::UNAUTHORIZED;
        response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        Ok(response)
    }

    /// Moves time while the simulator is served. Never ends.
    async fn pass_time(&self, time: TimeMode) {
        let mut revisions = self.revisions();
        loop {
            match time {
                TimeMode::Paused => std::future::pending().await,
                TimeMode::Fast => {
                    if self.waits_quietly(QUIET) {
                        let mut machine = self.machine();
                        if let Some(due) = machine.next_timer() {
                            machine.advance(due);
                            self.tell(&machine);
                            continue;
                        }
                    }
                    tokio::time::sleep(QUIET).await;
                }
                TimeMode::Wall => {
                    let next = {
                        let mut machine = self.machine();
                        let now = self.time(&machine);
                        if machine.next_timer().is_some_and(|due| due <= now) {
                            machine.advance(now);
                            self.tell(&machine);
                        }
                        let left = machine.next_timer().map(|due| due.duration_since(now));
                        left.and_then(|left| Duration::try_from(left).ok()).unwrap_or(Duration::MAX)
                    };
                    tokio::select! {
                        _ = revisions.changed() => {}
                        () = tokio::time::sleep(next.clamp(Duration::from_millis(1), Duration::from_secs(1))) => {}
                    }
                }
            }
        }
    }
}

/// The token in an `Authorization` header: a bearer token, or the password of basic authentication.
fn shown_token(header: &str) -> Option<Vec<u8>> {
    if let Some(token) = header.strip_prefix("Bearer ") {
        return Some(token.trim().as_bytes().to_vec());
    }
    let pair = BASE64.decode(header.strip_prefix("Basic ")?.trim()).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}

fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// The URL of a served address.
fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// A kubeconfig by which kubectl and Helm reach a served simulator at `address` (`http://127.0.0.1:PORT`); `name` is that of
/// cluster, user and context. `token` may hold what a URL's password may (letters, digits, `-._~`).
///
/// The token stands in it twice: for clients written in Go, which show no token to a server that has no TLS, also as the
/// password in the server's URL (which their messages mask).
pub fn kubeconfig(address: &str, token: &str, name: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let address = address.replacen("://", &format!("://sutler:{token}@"), 1);
    let (address, token, name) = (quoted(&address), quoted(token), quoted(name));
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: {name}\n  cluster:\n    server: {address}\nusers:\n- name: {name}\n  user:\n    token: {token}\ncontexts:\n- name: {name}\n  context:\n    cluster: {name}\n    user: {name}\ncurrent-context: {name}\n"
    )
}
