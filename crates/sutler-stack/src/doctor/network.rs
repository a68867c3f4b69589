//! The network as it concerns credentials and notebooks: what NetworkPolicies cut off, and what the internet reaches.
//!
//! [`cuts`] and [`crate::exposure`] look at tables: a live cluster's here, a plan's in [`crate::contracts`].

use serde_json::{Value, json};
use sutler_access::doctor::State;
use sutler_objects::object::{annotation, at, integer, labels, list, name, namespace, text};

use super::{Branch, Finding, Fix, Section, Seen, Topic, count};
use crate::access::kubernetes::account_of;
use crate::exposure::{Exposure, exposures, public_doors};
use crate::file::diagnostic::Place;
use crate::hubs::hubs;
use crate::plan::make::ROLE_ANNOTATION;
use crate::reach::{Closed, Endpoint, Goal, closed, qualified};
use crate::stack::Stack;
use crate::tables::Tables;

/// The port of Ray's clients.
const RAY_CLIENT: i64 = 10001;

/// The port by which a Ray worker finds its head.
const RAY_HEAD: i64 = 6379;

/// A pod that is cut off from something that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The pod, as `namespace/name`, or the notebooks of a namespace.
    pub subject: String,
    /// How many pods more of the same controller.
    pub more: usize,
    /// What it cannot reach: `STS`, `S3`, `DNS`, `the Pod Identity agent`, `Ray ray/default`.
    pub from: String,
    /// What it then cannot do.
    pub so: String,
    /// The policy, as `namespace/name`.
    pub policy: String,
    /// What to allow in it.
    pub allow: String,
    /// Whether nothing of the kind is left: of several Ray clusters, one may be meant to be closed.
    pub whole: bool,
}

/// How pods come by a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credentials {
    /// By STS.
    Token,
    /// By the agent of the node.
    Agent,
}

/// Everything that NetworkPolicies cut off: pods with a role from what credentials need, S3 and DNS; notebooks from Ray; Ray's workers from
/// their head. `stack` says which accounts have a role besides those that carry it.
pub fn cuts(tables: &Tables, stack: Option<&Stack>) -> Vec<Cut> {
    let mut found: Vec<(Cut, String)> = Vec::new();
    let mut add = |cut: Cut, of: String| {
        let same =
            |(other, owner): &&mut (Cut, String)| *owner == of && other.from == cut.from && other.policy == cut.policy;
        match found.iter_mut().find(same) {
            Some((other, _)) => other.more += 1,
            None => found.push((cut, of)),
        }
    };
    let notebooks = notebooks(tables);
    let all = tables.list("Pod").iter().filter(|pod| at(pod, &["metadata", "deletionTimestamp"]).is_none());
    let pods = all.map(|pod| (pod, qualified(pod), owner(pod)));
    let to_come =
        notebooks.iter().map(|pod| (pod, format!("notebooks of {}", namespace(pod)), String::from("notebooks")));
    for (pod, subject, owner) in pods.clone().chain(to_come.clone()) {
        let Some(credentials) = credentials(tables, stack, pod) else { continue };
        for (from, so, cut, allow) in of_credentials(tables, pod, credentials) {
            let cut = Cut {
                subject: subject.clone(),
                more: 0,
                from,
                so: so.to_owned(),
                policy: cut.policy,
                allow,
                whole: true,
            };
            add(cut, owner.clone());
        }
    }
    let heads: Vec<&Value> = tables.list("Pod").iter().filter(|pod| is_ray_head(pod)).collect();
    let workers = pods.clone().filter(|(pod, ..)| is_notebook(pod)).chain(to_come);
    for (pod, subject, owner) in workers {
        let shut: Vec<(&Value, Closed)> =
            heads.iter().filter_map(|head| Some((*head, closed(tables, pod, Goal::pod(head, RAY_CLIENT))?))).collect();
        for (head, cut) in &shut {
            let side = if cut.at_goal { "ingress from notebooks" } else { "egress to Ray's pods" };
            let cut = Cut {
                subject: subject.clone(),
                more: 0,
                from: format!("Ray {}", ray_name(head)),
                so: "no query of it reaches Ray".to_owned(),
                policy: cut.policy.clone(),
                allow: format!("{side}, port {RAY_CLIENT}"),
                whole: shut.len() == heads.len(),
            };
            add(cut, owner.clone());
        }
    }
    for (pod, subject, owner) in pods {
        for head in heads.iter().filter(|head| is_worker_of(pod, head)) {
            if let Some(cut) = closed(tables, pod, Goal::pod(head, RAY_HEAD)) {
                let side = if cut.at_goal { "ingress from its workers" } else { "egress to the head" };
                let cut = Cut {
                    subject: subject.clone(),
                    more: 0,
                    from: format!("its head {}", qualified(head)),
                    so: "the worker never joins".to_owned(),
                    policy: cut.policy,
                    allow: format!("{side}, all ports"),
                    whole: true,
                };
                add(cut, owner.clone());
            }
        }
    }
    found.into_iter().map(|(cut, _)| cut).collect()
}

/// What credentials need, and of it what is closed.
fn of_credentials(
    tables: &Tables,
    pod: &Value,
    credentials: Credentials,
) -> Vec<(String, &'static str, Closed, String)> {
    let aws = Goal::aws(Endpoint::Unknown);
    let port = |of: &str| format!("egress to the endpoint of {of}, port 443");
    let dns = dns_pod(tables);
    let resolver = Goal { place: crate::reach::Place::Pod(&dns), port: 53, protocol: "UDP" };
    let of_role = match credentials {
        Credentials::Token => ("STS", "it gets no credentials", aws, port("STS")),
        Credentials::Agent => (
            "the Pod Identity agent",
            "it gets no credentials",
            Goal::agent(),
            "egress to 169.254.170.23/32, port 80".to_owned(),
        ),
    };
    let ways = [
        of_role,
        ("S3", "it reads no data", aws, port("S3")),
        ("DNS", "it finds no name", resolver, "egress to kube-system, port 53 (UDP and TCP)".to_owned()),
    ];
    ways.into_iter()
        .filter_map(|(from, so, goal, allow)| Some((from.to_owned(), so, closed(tables, pod, goal)?, allow)))
        .collect()
}

/// CoreDNS as it is, or as every cluster has it.
fn dns_pod(tables: &Tables) -> Value {
    let is_dns =
        |pod: &&Value| labels(pod).and_then(|labels| labels.get("k8s-app")).is_some_and(|app| app == "kube-dns");
    tables.list_in("Pod", "kube-system").find(is_dns).cloned().unwrap_or_else(|| {
        json!({"metadata": {"namespace": "kube-system", "name": "coredns", "labels": {"k8s-app": "kube-dns"}},
            "spec": {"containers": [{"ports": [{"name": "dns", "containerPort": 53, "protocol": "UDP"}]}]}})
    })
}

/// The notebooks that hubs will make, one of each hub, where none runs.
fn notebooks(tables: &Tables) -> Vec<Value> {
    let runs = |within: &str| tables.list_in("Pod", within).any(is_notebook);
    let to_come = hubs(tables).into_iter().filter(|hub| !runs(&hub.namespace));
    to_come.filter_map(|hub| hub.notebooks().into_iter().next()).map(|notebook| notebook.pod).collect()
}

fn is_notebook(pod: &Value) -> bool {
    let label = |key: &str| labels(pod).and_then(|labels| labels.get(key)).and_then(Value::as_str);
    [label("component"), label("app.kubernetes.io/component")].contains(&Some("singleuser-server"))
}

fn is_ray_head(pod: &Value) -> bool {
    let ports = list(pod, &["spec", "containers"]).iter().flat_map(|container| list(container, &["ports"]));
    let ports: Vec<i64> = ports.filter_map(|port| integer(port, &["containerPort"])).collect();
    ports.contains(&RAY_CLIENT) && ports.contains(&RAY_HEAD)
}

/// A Ray cluster's release, else its head.
fn ray_name(head: &Value) -> String {
    let release = labels(head).and_then(|labels| labels.get("app.kubernetes.io/instance")).and_then(Value::as_str);
    format!("{}/{}", namespace(head), release.unwrap_or(name(head)))
}

fn is_worker_of(pod: &Value, head: &Value) -> bool {
    let label = |pod: &Value, key: &str| {
        labels(pod).and_then(|labels| labels.get(key)).and_then(Value::as_str).map(str::to_owned)
    };
    namespace(pod) == namespace(head)
        && label(pod, "app.kubernetes.io/component").as_deref() == Some("worker")
        && label(pod, "app.kubernetes.io/instance").is_some()
        && label(pod, "app.kubernetes.io/instance") == label(head, "app.kubernetes.io/instance")
}

/// What makes pods one in a list.
fn owner(pod: &Value) -> String {
    let owners = list(pod, &["metadata", "ownerReferences"]);
    let owner = owners.iter().find(|owner| owner["controller"] == true);
    owner.map_or_else(
        || qualified(pod),
        |owner| format!("{}/{}/{}", namespace(pod), text(owner, &["kind"]), text(owner, &["name"])),
    )
}

/// How a pod comes by a role; `None` if it has none.
fn credentials(tables: &Tables, stack: Option<&Stack>, pod: &Value) -> Option<Credentials> {
    let containers = list(pod, &["spec", "containers"]);
    let has = |variable: &str| {
        containers.iter().flat_map(|one| list(one, &["env"])).any(|one| text(one, &["name"]) == variable)
    };
    if has("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
        return Some(Credentials::Agent);
    }
    let account = account_of(pod);
    let carries = || {
        let found = tables.get("ServiceAccount", namespace(pod), account);
        found.and_then(|found| annotation(found, ROLE_ANNOTATION)).is_some_and(|arn| !arn.is_empty())
    };
    if has("AWS_ROLE_ARN") || carries() {
        return Some(Credentials::Token);
    }
    let role = role_of(stack?, namespace(pod), account)?;
    Some(match stack?.file.file.roles.get(&role.key).map(|role| role.identity) {
        Some(crate::file::model::Identity::PodIdentity) => Credentials::Agent,
        _ => Credentials::Token,
    })
}

/// The role of the stack that a service account takes.
pub(crate) fn role_of<'s>(stack: &'s Stack, within: &str, account: &str) -> Option<&'s crate::stack::Role> {
    stack.roles.values().find(|role| role.account_names().iter().any(|pattern| pattern.matches(within, account)))
}

/// What somebody who came in through an exposure has of AWS, in words; `None` if nothing is known.
pub(crate) fn role_in_words(
    tables: &Tables,
    stack: Option<&Stack>,
    (within, account): &(String, String),
) -> Option<String> {
    if let Some(role) = stack.and_then(|stack| role_of(stack, within, account)) {
        let grants = role.grants();
        let may = if grants.is_empty() { String::new() } else { format!(": {grants}") };
        return Some(format!("{within}/{account} has the role {}{may}", role.name));
    }
    let found = tables.get("ServiceAccount", within, account)?;
    let arn = annotation(found, ROLE_ANNOTATION).filter(|arn| !arn.is_empty())?;
    Some(format!("{within}/{account} has the role {arn}"))
}

/// Judges the network of the tables; with `within` that of one namespace.
pub fn network(seen: Seen<'_>, within: Option<&str>) -> Section {
    let tables = seen.tables;
    let is_meant = |place: &str| {
        within.is_none_or(|within| place.starts_with(&format!("{within}/")) || place.ends_with(&format!(" {within}")))
    };
    let mut findings = Vec::new();
    let mut summary = Vec::new();
    match tables.unknown("NetworkPolicy") {
        Some(why) => {
            findings.push(Finding::new(State::Unknown, "NetworkPolicies", format!("what they cut off: {why}")));
            summary.push("policies are not known".to_owned());
        }
        None => {
            let policies = tables.list("NetworkPolicy").len();
            summary.push(match policies {
                0 => "no NetworkPolicy".to_owned(),
                1 => "1 NetworkPolicy".to_owned(),
                _ => format!("{policies} NetworkPolicies"),
            });
            let cuts: Vec<Cut> = cuts(tables, seen.stack).into_iter().filter(|cut| is_meant(&cut.subject)).collect();
            summary.push(match cuts.is_empty() {
                true => "nothing is cut off".to_owned(),
                false => format!("{} cut off", count(cuts.len(), "way")),
            });
            findings.extend(together(&cuts).into_iter().map(|cuts| told(&seen, &cuts)));
        }
    }
    match tables.unknown("Service") {
        Some(why) => {
            findings.push(Finding::new(State::Unknown, "Services", format!("what the internet reaches: {why}")))
        }
        None => {
            let found: Vec<Exposure<'_>> = exposures(tables)
                .into_iter()
                .filter(|found| within.is_none_or(|within| found.login.account.0 == within))
                .collect();
            let doors = public_doors(tables).len();
            summary.push(match doors {
                0 => "nothing is public".to_owned(),
                1 => format!("1 public door, {}", opened(found.len())),
                _ => format!("{doors} public doors, {}", opened(found.len())),
            });
            findings.extend(found.iter().map(|found| exposed(&seen, found)));
        }
    }
    Section::new(Topic::Network, summary.join(", "), findings)
}

fn opened(logins: usize) -> String {
    match logins {
        0 => "no login behind is open".to_owned(),
        _ => format!("{} with an open login", count(logins, "way")),
    }
}

/// Cuts of the same pods by the same policy.
fn together(cuts: &[Cut]) -> Vec<Vec<&Cut>> {
    let mut groups: Vec<Vec<&Cut>> = Vec::new();
    for cut in cuts {
        let same = |other: &Cut| {
            (&other.subject, other.more, &other.policy, other.whole) == (&cut.subject, cut.more, &cut.policy, cut.whole)
        };
        match groups.iter_mut().find(|group| same(group[0])) {
            Some(group) => group.push(cut),
            None => groups.push(vec![cut]),
        }
    }
    groups
}

fn told(seen: &Seen<'_>, cuts: &[&Cut]) -> Finding {
    let cut = cuts[0];
    let state = if cut.whole { State::Failed } else { State::Warning };
    let each = |part: fn(&Cut) -> &str| {
        let parts: Vec<&str> = cuts.iter().map(|cut| part(cut)).collect();
        match parts.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
            None => String::new(),
        }
    };
    let text = format!("cut off from {}: {}", each(|cut| &cut.from), each(|cut| &cut.so));
    let mut finding = Finding::new(state, &cut.subject, text);
    finding.more = cut.more;
    finding
        .branches
        .push(Branch::new("policy", format!("NetworkPolicy {} selects it, and no policy opens that way", cut.policy)));
    let at = policy_place(seen, &cut.policy);
    finding.fix(Fix::new(format!("allow in NetworkPolicy {}: {}", cut.policy, each(|cut| &cut.allow))).at(at))
}

/// Where the stack says something of a policy: its release's `networkPolicy`, else the release.
fn policy_place(seen: &Seen<'_>, policy: &str) -> Option<String> {
    let (within, called) = policy.split_once('/')?;
    let object = seen.tables.get("NetworkPolicy", within, called)?;
    seen.at(release_line(seen.stack?, object, "networkPolicy")?)
}

/// The line about an object of a release: the key below its values, else the release.
fn release_line(stack: &Stack, object: &Value, key: &str) -> Option<Place> {
    let label = |key: &&str| labels(object).and_then(|labels| labels.get(*key)).and_then(Value::as_str);
    let named = annotation(object, "meta.helm.sh/release-name")
        .or_else(|| ["app.kubernetes.io/instance", "release"].iter().find_map(label))?;
    let release =
        stack.releases.iter().find(|release| release.name == named && release.namespace == namespace(object))?;
    line_below(stack, &release.id, key)
}

/// Where a key stands below a release's values, else where the release does.
fn line_below(stack: &Stack, release: &str, key: &str) -> Option<Place> {
    let values = stack.file.root.find(["releases", release, "values"]);
    values
        .and_then(|values| super::pending::find_key(values, key))
        .or_else(|| stack.file.key_place(&["releases", release]))
}

fn exposed(seen: &Seen<'_>, found: &Exposure<'_>) -> Finding {
    let Exposure { door, login } = found;
    let mut finding = Finding::new(State::Failed, &login.what, "the internet comes in, and anybody is let in");
    finding.branches.push(Branch::new("door", format!("{}: {}", door.name, door.how)));
    finding.branches.push(Branch::new("login", &login.why));
    if let Some(role) = role_in_words(seen.tables, seen.stack, &login.account) {
        finding.branches.push(Branch::new("role", role));
    }
    let line = |pod: &&Value| release_line(seen.stack?, pod, login.key);
    let at = login.pods.iter().find_map(line).and_then(|place| seen.at(place));
    finding.fix(Fix::new(login.hint).at(at)).fix(Fix::new(format!("close {}: {}", door.name, door.close)))
}
