//! The rules of the two standards, one function each.
//!
//! [`RULES`] lists them in the order in which the API server names them: those of `baseline` by name, then those of `restricted`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Level, Violation};
use crate::object::{at, list, text};

/// A rule: `None` where a pod keeps it.
type Rule = fn(&Pod<'_>) -> Option<Violation>;

/// Where a rule stands.
struct Standing {
    level: Level,
    /// The first minor version of Kubernetes 1.x that has it.
    since: u32,
    /// From this minor version on, `restricted` has a stricter rule in its stead.
    replaced: Option<u32>,
    rule: Rule,
}

const fn baseline(since: u32, replaced: Option<u32>, rule: Rule) -> Standing {
    Standing { level: Level::Baseline, since, replaced, rule }
}

const fn restricted(since: u32, rule: Rule) -> Standing {
    Standing { level: Level::Restricted, since, replaced: None, rule }
}

const RULES: [Standing; 18] = [
    baseline(0, None, app_armor),
    baseline(0, Some(22), added_capabilities),
    baseline(0, None, host_namespaces),
    baseline(0, Some(0), host_paths),
    baseline(0, None, host_ports),
    baseline(34, None, probe_hosts),
    baseline(0, None, privileged),
    baseline(0, None, proc_mount),
    baseline(0, None, se_linux),
    baseline(0, Some(19), seccomp),
    baseline(0, None, sysctls),
    baseline(0, None, windows_host_process),
    restricted(8, privilege_escalation),
    restricted(22, capabilities),
    restricted(0, volumes),
    restricted(0, run_as_non_root),
    restricted(23, run_as_root),
    restricted(19, required_seccomp),
];

/// What is judged, and by which version.
struct Pod<'a> {
    pod: &'a Value,
    spec: &'a Value,
    /// Minor version of Kubernetes 1.x.
    version: u32,
}

impl<'a> Pod<'a> {
    /// Init containers, containers, ephemeral containers.
    fn containers(&self) -> impl Iterator<Item = &'a Value> {
        let spec = self.spec;
        ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(move |field| list(spec, &[field]))
    }

    /// The names of the containers of which something is true.
    fn containers_that(&self, is_so: impl Fn(&Value) -> bool) -> Vec<&'a str> {
        self.containers().filter(|container| is_so(container)).map(container_name).collect()
    }

    /// From 1.25 on, what Windows does not know is not asked of a pod that says it is for Windows.
    fn is_for_windows(&self) -> bool {
        self.version >= 25 && text(self.spec, &["os", "name"]) == "windows"
    }

    fn annotations(&self) -> impl Iterator<Item = (&'a String, &'a str)> {
        let annotations = at(self.pod, &["metadata", "annotations"]).and_then(Value::as_object);
        annotations.into_iter().flatten().filter_map(|(key, value)| Some((key, value.as_str()?)))
    }
}

/// The violations of a standard in one of its versions.
pub(super) fn violations(level: Level, version: u32, pod: &Value) -> Vec<Violation> {
    let judged = Pod { pod, spec: pod.get("spec").unwrap_or(&Value::Null), version };
    let counts = |standing: &&Standing| {
        let replaced = level == Level::Restricted && standing.replaced.is_some_and(|since| version >= since);
        standing.level <= level && version >= standing.since && !replaced
    };
    match level {
        Level::Privileged => Vec::new(),
        _ => RULES.iter().filter(counts).filter_map(|standing| (standing.rule)(&judged)).collect(),
    }
}

fn container_name(container: &Value) -> &str {
    text(container, &["name"])
}

fn violation(reason: &str, detail: String) -> Option<Violation> {
    Some(Violation { reason: reason.to_owned(), detail })
}

/// `"a", "b"`
fn quoted<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| format!("\"{}\"", item.as_ref())).collect::<Vec<_>>().join(", ")
}

/// The word for one or for several.
fn of_number<'w>(number: usize, one: &'w str, several: &'w str) -> &'w str {
    if number == 1 { one } else { several }
}

/// `container "a"`, `containers "a", "b"`
fn containers_named(names: &[&str]) -> String {
    format!("{} {}", of_number(names.len(), "container", "containers"), quoted(names))
}

/// `pod and containers "a", "b"`, whichever of the two there is.
fn setters(pod: bool, containers: &[&str]) -> String {
    let pod = pod.then(|| "pod".to_owned());
    let containers = (!containers.is_empty()).then(|| containers_named(containers));
    pod.into_iter().chain(containers).collect::<Vec<_>>().join(" and ")
}

/// A field of a security context.
fn security<'a>(of: &'a Value, field: &str) -> Option<&'a Value> {
    at(of, &["securityContext", field])
}

/// A value as Go's `%q` writes it.
fn go_quoted(value: &str) -> String {
    format!("{value:?}")
}

fn app_armor(pod: &Pod<'_>) -> Option<Violation> {
    const ANNOTATIONS: &str = "container.apparmor.security.beta.kubernetes.io/";
    let forbidden = |of: &Value| {
        let kind = security(of, "appArmorProfile").map(|profile| text(profile, &["type"]));
        kind.filter(|kind| !matches!(*kind, "RuntimeDefault" | "Localhost")).map(str::to_owned)
    };
    let of_pod = forbidden(pod.spec);
    let containers = pod.containers_that(|container| forbidden(container).is_some());
    let kinds: BTreeSet<String> = pod.containers().filter_map(forbidden).chain(of_pod.clone()).collect();
    let is_allowed = |value: &str| value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
    let annotations: BTreeSet<String> = pod
        .annotations()
        .filter(|(key, value)| key.starts_with(ANNOTATIONS) && !is_allowed(value))
        .map(|(key, value)| format!("{key}={}", go_quoted(value)))
        .collect();
    let mut who = setters(of_pod.is_some(), &containers);
    if !annotations.is_empty() {
        who.push_str(if who.is_empty() { "" } else { " and " });
        who.push_str(of_number(annotations.len(), "annotation", "annotations"));
    }
    if who.is_empty() {
        return None;
    }
    let number = kinds.len() + annotations.len();
    let reason = of_number(number, "forbidden AppArmor profile", "forbidden AppArmor profiles");
    violation(
        reason,
        format!("{who} must not set AppArmor profile type to {}", quoted(kinds.iter().chain(&annotations))),
    )
}

/// What `securityContext.capabilities` has in one of its lists.
fn listed<'a>(container: &'a Value, field: &str) -> impl Iterator<Item = &'a str> {
    list(container, &["securityContext", "capabilities", field]).iter().filter_map(Value::as_str)
}

/// Containers that add a capability which is not allowed, and those capabilities.
fn adding<'a>(pod: &Pod<'a>, is_allowed: impl Fn(&str) -> bool) -> (Vec<&'a str>, BTreeSet<&'a str>) {
    let forbidden = |container: &'a Value| listed(container, "add").filter(|capability| !is_allowed(capability));
    let names =
        pod.containers().filter(|container| forbidden(container).next().is_some()).map(container_name).collect();
    (names, pod.containers().flat_map(forbidden).collect())
}

fn must_not_add(names: &[&str], capabilities: &BTreeSet<&str>) -> String {
    format!("{} must not include {} in securityContext.capabilities.add", containers_named(names), quoted(capabilities))
}

fn added_capabilities(pod: &Pod<'_>) -> Option<Violation> {
    const ALLOWED: [&str; 13] = [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ];
    match adding(pod, |capability| ALLOWED.contains(&capability)) {
        (names, _) if names.is_empty() => None,
        (names, capabilities) => violation("non-default capabilities", must_not_add(&names, &capabilities)),
    }
}

fn capabilities(pod: &Pod<'_>) -> Option<Violation> {
    if pod.is_for_windows() {
        return None;
    }
    let keeping = pod.containers_that(|container| !listed(container, "drop").any(|capability| capability == "ALL"));
    let (names, added) = adding(pod, |capability| capability == "NET_BIND_SERVICE");
    let keep = (!keeping.is_empty())
        .then(|| format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", containers_named(&keeping)));
    let add = (!names.is_empty()).then(|| must_not_add(&names, &added));
    let details: Vec<String> = keep.into_iter().chain(add).collect();
    if details.is_empty() { None } else { violation("unrestricted capabilities", details.join("; ")) }
}

fn host_namespaces(pod: &Pod<'_>) -> Option<Violation> {
    let fields = ["hostNetwork", "hostPID", "hostIPC"];
    let shared = fields.into_iter().filter(|field| at(pod.spec, &[field]) == Some(&Value::Bool(true)));
    let shared: Vec<String> = shared.map(|field| format!("{field}=true")).collect();
    if shared.is_empty() { None } else { violation("host namespaces", shared.join(", ")) }
}

fn host_paths(pod: &Pod<'_>) -> Option<Violation> {
    let volumes = list(pod.spec, &["volumes"]).iter().filter(|volume| at(volume, &["hostPath"]).is_some());
    let names: Vec<&str> = volumes.map(|volume| text(volume, &["name"])).collect();
    match names.is_empty() {
        true => None,
        false => {
            let word = of_number(names.len(), "volume", "volumes");
            violation("hostPath volumes", format!("{word} {}", quoted(names)))
        }
    }
}

fn host_ports(pod: &Pod<'_>) -> Option<Violation> {
    let ports = |container: &Value| -> Vec<String> {
        let ports = list(container, &["ports"]).iter().filter_map(|port| at(port, &["hostPort"])?.as_i64());
        ports.filter(|port| *port != 0).map(|port| port.to_string()).collect()
    };
    let names = pod.containers_that(|container| !ports(container).is_empty());
    let ports: BTreeSet<String> = pod.containers().flat_map(ports).collect();
    if names.is_empty() {
        return None;
    }
    let (uses, word) = (of_number(names.len(), "uses", "use"), of_number(ports.len(), "hostPort", "hostPorts"));
    let ports = ports.into_iter().collect::<Vec<_>>().join(", ");
    violation("hostPort", format!("{} {uses} {word} {ports}", containers_named(&names)))
}

fn probe_hosts(pod: &Pod<'_>) -> Option<Violation> {
    const HANDLERS: [&[&str]; 5] = [
        &["livenessProbe"],
        &["readinessProbe"],
        &["startupProbe"],
        &["lifecycle", "postStart"],
        &["lifecycle", "preStop"],
    ];
    fn hosts(container: &Value) -> impl Iterator<Item = &str> {
        let handlers = HANDLERS.iter().filter_map(|path| at(container, path));
        let named =
            handlers.flat_map(|handler| [text(handler, &["httpGet", "host"]), text(handler, &["tcpSocket", "host"])]);
        named.filter(|host| !host.is_empty())
    }
    // Here, unlike elsewhere, names are sorted.
    let names: BTreeSet<&str> =
        pod.containers().filter(|container| hosts(container).next().is_some()).map(container_name).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let hosts: BTreeSet<&str> = pod.containers().flat_map(hosts).collect();
    if names.is_empty() {
        return None;
    }
    let uses = of_number(names.len(), "uses", "use");
    let word = of_number(hosts.len(), "probe or lifecycle host", "probe or lifecycle hosts");
    violation("probe or lifecycle host", format!("{} {uses} {word} {}", containers_named(&names), quoted(hosts)))
}

fn privileged(pod: &Pod<'_>) -> Option<Violation> {
    let names = pod.containers_that(|container| security(container, "privileged") == Some(&Value::Bool(true)));
    match names.is_empty() {
        true => None,
        false => violation(
            "privileged",
            format!("{} must not set securityContext.privileged=true", containers_named(&names)),
        ),
    }
}

fn proc_mount(pod: &Pod<'_>) -> Option<Violation> {
    let forbidden = |container: &Value| {
        let kind = security(container, "procMount").and_then(Value::as_str).filter(|kind| *kind != "Default");
        kind.map(str::to_owned)
    };
    let names = pod.containers_that(|container| forbidden(container).is_some());
    let kinds: BTreeSet<String> = pod.containers().filter_map(forbidden).collect();
    match names.is_empty() {
        true => None,
        false => violation(
            "procMount",
            format!("{} must not set securityContext.procMount to {}", containers_named(&names), quoted(kinds)),
        ),
    }
}

fn se_linux(pod: &Pod<'_>) -> Option<Violation> {
    let is_allowed = |kind: &str| {
        matches!(kind, "" | "container_t" | "container_init_t" | "container_kvm_t")
            || (kind == "container_engine_t" && pod.version >= 31)
    };
    let options = |of: &'_ Value| security(of, "seLinuxOptions").cloned();
    let is_bad = |options: &Value| {
        !is_allowed(text(options, &["type"]))
            || !text(options, &["user"]).is_empty()
            || !text(options, &["role"]).is_empty()
    };
    let of_pod = options(pod.spec).is_some_and(|options| is_bad(&options));
    let names = pod.containers_that(|container| options(container).is_some_and(|options| is_bad(&options)));
    if !of_pod && names.is_empty() {
        return None;
    }
    let all: Vec<Value> = options(pod.spec).into_iter().chain(pod.containers().filter_map(options)).collect();
    let kinds: BTreeSet<&str> =
        all.iter().map(|options| text(options, &["type"])).filter(|kind| !is_allowed(kind)).collect();
    let mut bad = Vec::new();
    if !kinds.is_empty() {
        bad.push(format!("{} {}", of_number(kinds.len(), "type", "types"), quoted(kinds)));
    }
    for field in ["user", "role"] {
        if all.iter().any(|options| !text(options, &[field]).is_empty()) {
            bad.push(format!("{field} may not be set"));
        }
    }
    let who = setters(of_pod, &names);
    violation("seLinuxOptions", format!("{who} set forbidden securityContext.seLinuxOptions: {}", bad.join("; ")))
}

/// The type of a seccomp profile that is not allowed.
fn forbidden_seccomp(of: &Value) -> Option<String> {
    let kind = text(security(of, "seccompProfile")?, &["type"]);
    (!matches!(kind, "RuntimeDefault" | "Localhost")).then(|| kind.to_owned())
}

fn seccomp(pod: &Pod<'_>) -> Option<Violation> {
    if pod.version < 19 {
        return seccomp_annotations(pod);
    }
    let of_pod = forbidden_seccomp(pod.spec);
    let names = pod.containers_that(|container| forbidden_seccomp(container).is_some());
    let kinds: BTreeSet<String> = pod.containers().filter_map(forbidden_seccomp).chain(of_pod.clone()).collect();
    let who = setters(of_pod.is_some(), &names);
    match who.is_empty() {
        true => None,
        false => violation(
            "seccompProfile",
            format!("{who} must not set securityContext.seccompProfile.type to {}", quoted(kinds)),
        ),
    }
}

/// Before 1.19 the profile was an annotation.
fn seccomp_annotations(pod: &Pod<'_>) -> Option<Violation> {
    let is_allowed =
        |value: &str| matches!(value, "runtime/default" | "docker/default") || value.starts_with("localhost/");
    let prefix = "container.seccomp.security.alpha.kubernetes.io/";
    let is_meant = |key: &str| {
        key == "seccomp.security.alpha.kubernetes.io/pod"
            || key.strip_prefix(prefix).is_some_and(|name| pod.containers().any(|one| container_name(one) == name))
    };
    let forbidden: BTreeSet<String> = pod
        .annotations()
        .filter(|(key, value)| is_meant(key) && !is_allowed(value))
        .map(|(key, value)| format!("{key}={}", go_quoted(value)))
        .collect();
    match forbidden.is_empty() {
        true => None,
        false => {
            let word = of_number(forbidden.len(), "annotation", "annotations");
            let list = forbidden.into_iter().collect::<Vec<_>>().join(", ");
            violation("seccompProfile", format!("forbidden {word} {list}"))
        }
    }
}

fn required_seccomp(pod: &Pod<'_>) -> Option<Violation> {
    if pod.is_for_windows() {
        return None;
    }
    if pod.version >= 19
        && let Some(set) = seccomp(pod)
    {
        return Some(set);
    }
    let of_pod = security(pod.spec, "seccompProfile").is_some();
    let without = pod.containers_that(|container| !of_pod && security(container, "seccompProfile").is_none());
    match without.is_empty() {
        true => None,
        false => violation(
            "seccompProfile",
            format!(
                "pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
                containers_named(&without)
            ),
        ),
    }
}

fn sysctls(pod: &Pod<'_>) -> Option<Violation> {
    /// Each with the first version that allows it.
    const ALLOWED: [(&str, u32); 12] = [
        ("kernel.shm_rmid_forced", 0),
        ("net.ipv4.ip_local_port_range", 0),
        ("net.ipv4.tcp_syncookies", 0),
        ("net.ipv4.ping_group_range", 0),
        ("net.ipv4.ip_unprivileged_port_start", 0),
        ("net.ipv4.ip_local_reserved_ports", 27),
        ("net.ipv4.tcp_keepalive_time", 29),
        ("net.ipv4.tcp_fin_timeout", 29),
        ("net.ipv4.tcp_keepalive_intvl", 29),
        ("net.ipv4.tcp_keepalive_probes", 29),
        ("net.ipv4.tcp_rmem", 32),
        ("net.ipv4.tcp_wmem", 32),
    ];
    let is_allowed = |wanted: &str| ALLOWED.iter().any(|(known, since)| *known == wanted && pod.version >= *since);
    let names = list(pod.spec, &["securityContext", "sysctls"]).iter().map(|sysctl| text(sysctl, &["name"]));
    let forbidden: Vec<&str> = names.filter(|name| !is_allowed(name)).collect();
    if forbidden.is_empty() { None } else { violation("forbidden sysctls", forbidden.join(", ")) }
}

fn windows_host_process(pod: &Pod<'_>) -> Option<Violation> {
    let is_set = |of: &Value| at(of, &["securityContext", "windowsOptions", "hostProcess"]) == Some(&Value::Bool(true));
    let who = setters(is_set(pod.spec), &pod.containers_that(is_set));
    match who.is_empty() {
        true => None,
        false => {
            violation("hostProcess", format!("{who} must not set securityContext.windowsOptions.hostProcess=true"))
        }
    }
}

fn privilege_escalation(pod: &Pod<'_>) -> Option<Violation> {
    if pod.is_for_windows() {
        return None;
    }
    let names =
        pod.containers_that(|container| security(container, "allowPrivilegeEscalation") != Some(&Value::Bool(false)));
    match names.is_empty() {
        true => None,
        false => violation(
            "allowPrivilegeEscalation != false",
            format!("{} must set securityContext.allowPrivilegeEscalation=false", containers_named(&names)),
        ),
    }
}

fn volumes(pod: &Pod<'_>) -> Option<Violation> {
    const ALLOWED: [&str; 9] = [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ];
    /// In the order in which they are looked for.
    const KNOWN: [&str; 21] = [
        "hostPath",
        "gcePersistentDisk",
        "awsElasticBlockStore",
        "gitRepo",
        "nfs",
        "iscsi",
        "glusterfs",
        "rbd",
        "flexVolume",
        "cinder",
        "cephfs",
        "flocker",
        "fc",
        "azureFile",
        "vsphereVolume",
        "quobyte",
        "azureDisk",
        "photonPersistentDisk",
        "portworxVolume",
        "scaleIO",
        "storageos",
    ];
    let has = |volume: &Value, kind: &str| at(volume, &[kind]).is_some();
    let bad: Vec<&Value> =
        list(pod.spec, &["volumes"]).iter().filter(|volume| !ALLOWED.iter().any(|kind| has(volume, kind))).collect();
    if bad.is_empty() {
        return None;
    }
    let kind = |volume: &&Value| *KNOWN.iter().find(|kind| has(volume, kind)).unwrap_or(&"unknown");
    let kinds: BTreeSet<&str> = bad.iter().map(kind).collect();
    let word = of_number(bad.len(), "volume", "volumes");
    let uses = of_number(bad.len(), "uses", "use");
    let types = of_number(kinds.len(), "restricted volume type", "restricted volume types");
    let names = quoted(bad.iter().map(|volume| text(volume, &["name"])));
    violation("restricted volume types", format!("{word} {names} {uses} {types} {}", quoted(kinds)))
}

fn run_as_non_root(pod: &Pod<'_>) -> Option<Violation> {
    const REASON: &str = "runAsNonRoot != true";
    let set = |of: &Value| security(of, "runAsNonRoot").and_then(Value::as_bool);
    let of_pod = set(pod.spec);
    let root = pod.containers_that(|container| set(container) == Some(false));
    let who = setters(of_pod == Some(false), &root);
    if !who.is_empty() {
        return violation(REASON, format!("{who} must not set securityContext.runAsNonRoot=false"));
    }
    let without = pod.containers_that(|container| of_pod != Some(true) && set(container).is_none());
    match without.is_empty() {
        true => None,
        false => violation(
            REASON,
            format!("pod or {} must set securityContext.runAsNonRoot=true", containers_named(&without)),
        ),
    }
}

fn run_as_root(pod: &Pod<'_>) -> Option<Violation> {
    let is_root = |of: &Value| security(of, "runAsUser").and_then(Value::as_i64) == Some(0);
    let who = setters(is_root(pod.spec), &pod.containers_that(is_root));
    match who.is_empty() {
        true => None,
        false => violation("runAsUser=0", format!("{who} must not set runAsUser=0")),
    }
}
