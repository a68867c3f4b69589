//! How a pod comes up: sandbox, init containers, containers, readiness; and how one that is to end does.
//!
//! The status says how far it is; each step looks at what is done and at the time, does what is due, and wakes for the next.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::controllers::conditions::{self, Condition};
use crate::controllers::kubelet::{chance, note, references, waiting};
use crate::controllers::{Effects, Severity, machines, pods, times};
use crate::key::ObjectKey;
use crate::view::View;

/// One look at a pod: its status to be, and when to look again.
struct Look<'a, 'e> {
    view: &'a View<'a>,
    pod: &'a Value,
    effects: &'e mut Effects,
    wake: Option<Timestamp>,
}

/// What came of a container.
enum Stage {
    /// It runs or has ended; the next may begin at this time.
    Done(Timestamp),
    /// The next must wait.
    Waits,
}

pub(super) fn advance(key: &ObjectKey, view: &View<'_>, pod: &Value, node: &Value, effects: &mut Effects) {
    let now = view.now();
    let mut look = Look { view, pod, effects, wake: None };
    let mut status = pod["status"].clone();
    if status["startTime"].is_null() {
        status["startTime"] = times::stamp(now);
    }
    let host = address(node);
    status["hostIP"] = json!(host);
    status["hostIPs"] = json!([{"ip": host}]);
    let started = times::read(&status["startTime"]).unwrap_or(now);

    let ready_to_start = look.sandbox(&mut status, started);
    if ready_to_start.is_some() && status["podIP"].is_null() {
        let address = pod_address(view, pod, node, &host);
        status["podIP"] = json!(address);
        status["podIPs"] = json!([{"ip": address}]);
    }
    let (inits, initialized) = look.init_containers(ready_to_start);
    if !inits.is_empty() {
        status["initContainerStatuses"] = json!(inits);
    }
    let containers = look.containers(initialized, !inits.is_empty());
    look.summarize(&mut status, &inits, initialized.is_some(), &containers);
    status["containerStatuses"] = json!(containers);
    if status["observedGeneration"] != pod["metadata"]["generation"] && !pod["metadata"]["generation"].is_null() {
        status["observedGeneration"] = pod["metadata"]["generation"].clone();
    }

    let Look { wake, effects, .. } = look;
    effects.replace_status(json!({"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"], "status": status}));
    match wake {
        Some(at) => effects.wake_at(key.clone(), at),
        None => effects.forget_wake(key.clone()),
    }
}

impl<'a> Look<'a, '_> {
    fn wake(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }

    /// Mounts volumes and makes the network; answers since when containers may start.
    fn sandbox(&mut self, status: &mut Value, started: Timestamp) -> Option<Timestamp> {
        const READY: &str = "PodReadyToStartContainers";
        if conditions::is_true(self.pod, READY) {
            return times::read(&conditions::find(self.pod, READY)?["lastTransitionTime"]);
        }
        let claims = |volume: &Value| !volume["persistentVolumeClaim"].is_null();
        let attaches = self.pod["spec"]["volumes"].as_array().is_some_and(|volumes| volumes.iter().any(claims));
        let mut millis = chance(self.view, self.pod, "sandbox", 1_000, 2_000);
        if attaches {
            millis += chance(self.view, self.pod, "attach", 4_000, 8_000);
        }
        let due = times::after_millis(started, millis);
        let now = self.view.now();
        let mut is_ready = false;
        if now < due {
            self.wake(due);
        } else if let Some(message) = references::unmountable(self.view, self.pod) {
            self.effects.record(note(self.pod, Severity::Warning, "FailedMount", message));
        } else {
            is_ready = true;
        }
        let condition = Condition { kind: READY, status: is_ready, reason: "", message: "" };
        conditions::set(&mut status["conditions"], &condition, now);
        is_ready.then_some(now)
    }

    /// Runs init containers one after the other; answers their statuses, and since when all are done.
    fn init_containers(&mut self, ready: Option<Timestamp>) -> (Vec<Value>, Option<Timestamp>) {
        let mut statuses = Vec::new();
        let mut since = ready;
        let pod = self.pod;
        for container in pod["spec"]["initContainers"].as_array().into_iter().flatten() {
            let before = self.known("initContainerStatuses", container);
            let mut status = self.blank(container, "PodInitializing");
            if let Some(from) = since {
                since = match self.init_container(container, before, from, &mut status) {
                    Stage::Done(at) => Some(at),
                    Stage::Waits => None,
                };
            } else if let Some(before) = before {
                status = before.clone();
            }
            statuses.push(status);
        }
        (statuses, since)
    }

    fn init_container(
        &mut self,
        container: &Value,
        before: Option<&Value>,
        from: Timestamp,
        status: &mut Value,
    ) -> Stage {
        let now = self.view.now();
        let known = before.map_or(&Value::Null, |before| &before["state"]);
        if let Some(ended) = times::read(&known["terminated"]["finishedAt"]) {
            *status = before.cloned().unwrap_or_default();
            return Stage::Done(ended);
        }
        let Some(started) = self.start(container, before, from, status) else { return Stage::Waits };
        let is_sidecar = container["restartPolicy"] == "Always";
        if is_sidecar {
            let ready = self.ready_at(container, started);
            status["started"] = json!(true);
            if ready.is_some_and(|at| at > now) {
                self.wake(ready.unwrap_or(now));
            }
            status["ready"] = json!(ready.is_none_or(|at| at <= now));
            return Stage::Done(started);
        }
        let name = container["name"].as_str().unwrap_or("");
        let due = times::after_millis(started, chance(self.view, self.pod, &format!("init/{name}"), 1_000, 3_000));
        if now < due {
            self.wake(due);
            return Stage::Waits;
        }
        if waiting::awaited(self.view, self.pod, container).is_some() {
            // An endpoint that begins to serve brings the pod here again.
            return Stage::Waits;
        }
        end(status, started, now);
        status["ready"] = json!(true);
        Stage::Done(now)
    }

    /// Runs containers side by side, each once its image is there.
    fn containers(&mut self, initialized: Option<Timestamp>, has_inits: bool) -> Vec<Value> {
        let now = self.view.now();
        let reason = if has_inits { "PodInitializing" } else { "ContainerCreating" };
        let mut since = initialized;
        let mut statuses = Vec::new();
        let pod = self.pod;
        for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
            let before = self.known("containerStatuses", container);
            let mut status = self.blank(container, reason);
            let known = before.map_or(&Value::Null, |before| &before["state"]);
            if !known["terminated"].is_null() {
                statuses.push(before.cloned().unwrap_or_default());
                continue;
            }
            if let Some(from) = since {
                match self.start(container, before, from, &mut status) {
                    Some(started) => {
                        self.running(container, started, &mut status);
                        since = Some(started.max(from));
                    }
                    // The next image is pulled after this one.
                    None => since = None,
                }
                if since.is_none() && !status["state"]["waiting"]["message"].is_null() {
                    // A container that cannot be made does not keep the others.
                    since = Some(now);
                }
            }
            statuses.push(status);
        }
        statuses
    }

    /// Readiness of a container that runs, and its end if it is to have one.
    fn running(&mut self, container: &Value, started: Timestamp, status: &mut Value) {
        let now = self.view.now();
        let name = container["name"].as_str().unwrap_or("");
        if !runs_on(self.pod, container) {
            let millis = chance(self.view, self.pod, &format!("run/{name}"), 3_000, 8_000);
            let due = times::after_millis(started, millis);
            if now >= due {
                end(status, started, now);
                status["ready"] = json!(false);
                status["started"] = json!(false);
                return;
            }
            self.wake(due);
        }
        let startup = self.started_at(container, started);
        status["started"] = json!(startup <= now);
        let ready = self.ready_at(container, started);
        status["ready"] = json!(ready.is_none_or(|at| at <= now) && startup <= now);
        for at in [Some(startup), ready].into_iter().flatten().filter(|at| *at > now) {
            self.wake(at);
        }
    }

    /// When the startup probe succeeds.
    fn started_at(&self, container: &Value, started: Timestamp) -> Timestamp {
        if container["startupProbe"].is_null() { started } else { self.probed_at(container, "startupProbe", started) }
    }

    /// When the readiness probe succeeds; `None` without one.
    fn ready_at(&self, container: &Value, started: Timestamp) -> Option<Timestamp> {
        if container["readinessProbe"].is_null() {
            return None;
        }
        Some(self.probed_at(container, "readinessProbe", started).max(self.started_at(container, started)))
    }

    /// The first probe at which the application has warmed up, and as many after it as must succeed.
    fn probed_at(&self, container: &Value, probe: &str, started: Timestamp) -> Timestamp {
        let name = container["name"].as_str().unwrap_or("");
        let warm = chance(self.view, self.pod, &format!("warm/{name}"), 1_000, 3_000);
        let number = |field: &str, default: i64| container[probe][field].as_i64().unwrap_or(default);
        let delay = number("initialDelaySeconds", 0).max(0) * 1_000;
        let period = number("periodSeconds", 10).max(1) * 1_000;
        let periods = ((warm - delay).max(0) + period - 1) / period + number("successThreshold", 1).max(1) - 1;
        times::after_millis(started, delay + periods * period)
    }

    /// Starts a container, if it does not run yet, once its image is there and its environment can be made; answers since when it
    /// runs.
    fn start(
        &mut self,
        container: &Value,
        before: Option<&Value>,
        from: Timestamp,
        status: &mut Value,
    ) -> Option<Timestamp> {
        if let Some(before) = before
            && let Some(started) = times::read(&before["state"]["running"]["startedAt"])
        {
            *status = before.clone();
            return Some(started);
        }
        let now = self.view.now();
        let image = container["image"].as_str().unwrap_or("");
        let name = container["name"].as_str().unwrap_or("");
        let is_present = self.is_present(image);
        let node = self.pod["spec"]["nodeName"].as_str().unwrap_or("");
        let chance = self.view.random(&format!("pull/{node}/{image}"));
        let millis = if is_present { 0 } else { 2_000 + i64::try_from(chance % 7_001).unwrap_or(0) };
        let pulled = times::after_millis(from, millis);
        if now < pulled {
            self.wake(pulled);
            return None;
        }
        if let Some(message) = references::unresolvable(self.view, self.pod, container) {
            status["state"] = json!({"waiting": {"reason": "CreateContainerConfigError", "message": message}});
            self.effects.record(note(self.pod, Severity::Warning, "Failed", format!("Error: {message}")));
            return None;
        }
        let message = if is_present {
            format!("Container image \"{image}\" already present on machine")
        } else {
            let pulling = note(self.pod, Severity::Normal, "Pulling", format!("Pulling image \"{image}\""));
            self.effects.record(pulling);
            let took = format!("{}.{:03}s", millis / 1_000, millis % 1_000);
            format!("Successfully pulled image \"{image}\" in {took} ({took} including waiting)")
        };
        for (reason, message) in [
            ("Pulled", message),
            ("Created", format!("Created container: {name}")),
            ("Started", format!("Started container {name}")),
        ] {
            self.effects.record(note(self.pod, Severity::Normal, reason, message));
        }
        let uid = &self.pod["metadata"]["uid"];
        let id: String = (0..4)
            .map(|part| format!("{:016x}", self.view.random(&format!("container/{part}/{name}/{uid}"))))
            .collect();
        status["state"] = json!({"running": {"startedAt": times::stamp(now)}});
        status["started"] = json!(true);
        status["containerID"] = json!(format!("containerd://{id}"));
        status["imageID"] = json!(image);
        Some(now)
    }

    /// Whether a container on this node has used the image.
    fn is_present(&self, image: &str) -> bool {
        let node = self.pod["spec"]["nodeName"].as_str().unwrap_or("");
        self.view.pods_on(node).any(|pod| {
            ["initContainerStatuses", "containerStatuses"]
                .iter()
                .flat_map(|list| pod["status"][*list].as_array().into_iter().flatten())
                .any(|status| status["image"] == image && status["state"]["waiting"].is_null())
        })
    }

    fn known(&self, list: &str, container: &Value) -> Option<&'a Value> {
        let statuses = self.pod["status"][list].as_array()?;
        statuses.iter().find(|status| status["name"] == container["name"])
    }

    fn blank(&self, container: &Value, reason: &str) -> Value {
        json!({
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": false,
            "started": false,
            "restartCount": 0,
            "state": {"waiting": {"reason": reason}},
            "lastState": {},
        })
    }

    /// Phase and conditions, from what the containers have come to.
    fn summarize(&self, status: &mut Value, inits: &[Value], initialized: bool, containers: &[Value]) {
        let now = self.view.now();
        let names = |wanted: &dyn Fn(&Value) -> bool| {
            let named: Vec<&str> = containers
                .iter()
                .filter(|status| wanted(status))
                .filter_map(|status| status["name"].as_str())
                .collect();
            named.join(" ")
        };
        let ended = !containers.is_empty() && containers.iter().all(|status| !status["state"]["terminated"].is_null());
        let any_started = containers.iter().any(|status| status["state"]["waiting"].is_null());
        let sidecars_ready = inits.iter().all(|status| status["ready"] == true);
        let ready = initialized && sidecars_ready && containers.iter().all(|status| status["ready"] == true);
        status["phase"] = json!(match (ended, any_started) {
            (true, _) => "Succeeded",
            (false, true) => "Running",
            (false, false) => "Pending",
        });
        let uninitialized: Vec<&str> = inits
            .iter()
            .filter(|status| status["ready"] != true)
            .filter_map(|status| status["name"].as_str())
            .collect();
        let not_initialized = format!("containers with incomplete status: [{}]", uninitialized.join(" "));
        let not_ready = format!("containers with unready status: [{}]", names(&|status| status["ready"] != true));
        let gates = self.pod["spec"]["readinessGates"].as_array().into_iter().flatten();
        let closed =
            gates.filter_map(|gate| gate["conditionType"].as_str()).find(|kind| !conditions::is_true(self.pod, kind));
        let gate =
            closed.map(|kind| format!("corresponding condition of pod readiness gate \"{kind}\" does not exist."));
        let list = &mut status["conditions"];
        let mut set = |kind: &str, status: bool, reason: &str, message: &str| {
            let (reason, message) = if status && !ended { ("", "") } else { (reason, message) };
            conditions::set(list, &Condition { kind, status, reason, message }, now);
        };
        if ended {
            set("Initialized", true, "PodCompleted", "");
            set("Ready", false, "PodCompleted", "");
            set("ContainersReady", false, "PodCompleted", "");
        } else {
            set("Initialized", initialized, "ContainersNotInitialized", &not_initialized);
            match gate.filter(|_| ready) {
                Some(message) => set("Ready", false, "ReadinessGatesNotReady", &message),
                None => set("Ready", ready, "ContainersNotReady", &not_ready),
            }
            set("ContainersReady", ready, "ContainersNotReady", &not_ready);
        }
        set("PodScheduled", true, "", "");
    }
}

/// Whether a container goes on for ever: the pod says so, or it is a server, which has a port or a probe.
fn runs_on(pod: &Value, container: &Value) -> bool {
    let some = |field: &str| match &container[field] {
        Value::Array(list) => !list.is_empty(),
        other => !other.is_null(),
    };
    let always = matches!(pod["spec"]["restartPolicy"].as_str(), None | Some("Always"));
    always || ["ports", "readinessProbe", "livenessProbe", "startupProbe"].into_iter().any(some)
}

fn end(status: &mut Value, started: Timestamp, now: Timestamp) {
    status["state"] = json!({"terminated": {
        "exitCode": 0,
        "reason": "Completed",
        "startedAt": times::stamp(started),
        "finishedAt": times::stamp(now),
        "containerID": status["containerID"],
    }});
}

fn address(node: &Value) -> String {
    let addresses = node["status"]["addresses"].as_array().into_iter().flatten();
    let internal = addresses.into_iter().find(|address| address["type"] == "InternalIP");
    internal.and_then(|address| address["address"].as_str()).unwrap_or("").to_owned()
}

/// The lowest free address of the node's block; the node's own on its network.
fn pod_address(view: &View<'_>, pod: &Value, node: &Value, host: &str) -> String {
    if pod["spec"]["hostNetwork"] == true {
        return host.to_owned();
    }
    let index = machines::node_index(node).unwrap_or(0);
    let name = node["metadata"]["name"].as_str().unwrap_or("");
    let taken: Vec<&str> = view
        .pods_on(name)
        .filter(|other| !pods::has_ended(other))
        .filter_map(|other| other["status"]["podIP"].as_str())
        .collect();
    let addresses = (1..1024).map(|slot| machines::pod_address(index, slot));
    addresses.into_iter().find(|address| !taken.contains(&address.as_str())).unwrap_or_default()
}
