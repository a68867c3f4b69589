//! The world outside: the wall clock, the API's watches, and the processes of this machine.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;

use super::{Holder, WaitError, Watched, Woken, World};

/// Watches open at the same time. What is not watched is seen at the next look, [`LOOK_AGAIN`] later at most.
const MOST_WATCHES: usize = 16;
/// The longest a wait goes without looking again, so that a watch that died silently costs seconds, not the time limit.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How long to pause when watches end at once, as they do on an API server that refuses or drops them.
const WITHOUT_WATCHES: Duration = Duration::from_secs(1);

/// Waits on a cluster's own clock: the wall clock, with watches through `client`.
#[derive(Clone)]
pub struct RealWorld {
    client: kube::Client,
}

impl RealWorld {
    /// A world that watches through `client`. Must be used inside a tokio runtime with its time driver.
    pub fn new(client: kube::Client) -> Self {
        Self { client }
    }

    /// This process as a lease's holder.
    pub fn holder() -> Holder {
        let process = std::process::id();
        Holder { who: format!("{}@{}", user(), host()), process, started: process_start(process).unwrap_or(0) }
    }
}

impl World for RealWorld {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn until_change_or<'a>(
        &'a self,
        watched: &'a [Watched],
        deadline: Timestamp,
    ) -> BoxFuture<'a, Result<Woken, WaitError>> {
        Box::pin(async move {
            let left = deadline.duration_since(self.now()).max(SignedDuration::ZERO).unsigned_abs();
            if watched.is_empty() {
                tokio::time::sleep(left).await;
                return Ok(Woken::Deadline);
            }
            let mut watches: FuturesUnordered<_> =
                watched.iter().take(MOST_WATCHES).map(|watched| first_event(&self.client, watched)).collect();
            let pause = tokio::time::sleep(left.min(LOOK_AGAIN));
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut pause => {
                        return Ok(if left <= LOOK_AGAIN { Woken::Deadline } else { Woken::Change });
                    }
                    Some(seen) = watches.next() => {
                        if seen { return Ok(Woken::Change) }
                        if watches.is_empty() {
                            tokio::time::sleep(left.min(WITHOUT_WATCHES)).await;
                            return Ok(if left <= WITHOUT_WATCHES { Woken::Deadline } else { Woken::Change });
                        }
                    }
                }
            }
        })
    }

    fn has_ended(&self, holder: &Holder) -> bool {
        holder.host() == Some(host().as_str())
            && holder.process != 0
            && holder.started != 0
            && process_start(std::process::id()).is_some()
            && process_start(holder.process) != Some(holder.started)
    }
}

/// Whether a watch on one object saw an event; `false` if it could not be opened or ended without one.
async fn first_event(client: &kube::Client, watched: &Watched) -> bool {
    let mut uri =
        format!("{}?watch=true&timeoutSeconds=300&fieldSelector=metadata.name%3D{}", watched.collection, watched.name);
    if let Some(version) = &watched.resource_version {
        uri.push_str("&resourceVersion=");
        uri.push_str(version);
    }
    let Ok(request) = http::Request::get(uri).body(Body::empty()) else { return false };
    let Ok(response) = client.send(request).await else { return false };
    if !response.status().is_success() {
        return false;
    }
    let mut body = response.into_body();
    while let Some(Ok(frame)) = body.frame().await {
        if frame.data_ref().is_some_and(|data| data.contains(&b'\n')) {
            return true;
        }
    }
    false
}

fn user() -> String {
    let name = |variable| std::env::var(variable).ok().filter(|name| !name.is_empty());
    name("USER").or_else(|| name("LOGNAME")).or_else(|| name("USERNAME")).unwrap_or_else(|| "unknown".to_owned())
}

fn host() -> String {
    let from_file = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = from_file().or_else(|| std::env::var("HOSTNAME").ok()).or_else(|| std::env::var("COMPUTERNAME").ok());
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

/// The start time of a process in clock ticks since boot, as Linux tells it (field 22 of `/proc/PID/stat`); `None` if
/// the process does not exist, has ended and only waits to be collected (a zombie), or the system has no such file.
fn process_start(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the command in parentheses and may itself hold spaces and parentheses.
    let (_, after_command) = stat.rsplit_once(") ")?;
    if after_command.starts_with(['Z', 'X']) {
        return None;
    }
    after_command.split(' ').nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_only_waits_to_be_collected_has_ended() {
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        assert!(process_start(child.id()).is_some());
        child.kill().unwrap();
        let stat = format!("/proc/{}/stat", child.id());
        while !std::fs::read_to_string(&stat).unwrap().contains(") Z ") {
            std::thread::yield_now();
        }
        assert_eq!(process_start(child.id()), None);
        child.wait().unwrap();
    }

    #[test]
    fn this_process_holds_a_lease_that_is_not_over() {
        let holder = RealWorld::holder();
        assert_eq!(holder.process, std::process::id());
        assert_eq!(process_start(holder.process).unwrap_or(0), holder.started);
    }
}
