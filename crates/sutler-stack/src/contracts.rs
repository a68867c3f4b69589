//! What the parts of a stack must agree on, checked before anything is applied.
//!
//! A chart says which of its values name a pool or a role in its `values.schema.json`, by `"x-sutler": "pool"` and
//! `"x-sutler": "role"`; [`references`] finds them. [`check`] then holds the releases against pools, roles and service
//! accounts, and against each other: everything that would otherwise show as a pod that stays pending, an S3 request that is refused, or
//! a stranger in the notebooks.

mod accounts;
mod capacity;
mod manifests;
mod network;
mod references;

pub use accounts::unmade;
pub use capacity::cluster_autoscaler;
pub use manifests::placed;
pub use references::{Reference, ReferenceKind, references};

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sutler_chart::values::ValuesFile;
use sutler_nodes::daemons::{Daemon, daemon_on_node, daemon_pod, eks_daemon_sets};
use sutler_nodes::fit::{Fit, fit};
use sutler_nodes::instances::lookup;
use sutler_nodes::node::{NodeSpec, node_object};
use sutler_nodes::pool::{Effect, NodeIdentity};
use sutler_nodes::scheduler::{PodFacts, Reason, Rejection, Snapshot, fits, tolerate};
use sutler_nodes::{Pool, Taint};

use crate::file::diagnostic::{Diagnostic, Severity, nearest};
use crate::pods::PodTemplate;
use crate::stack::{Role, ServiceAccount, Stack};

/// What is known of one release when contracts are checked.
#[derive(Clone, Debug)]
pub struct ReleaseFacts {
    /// Its id.
    pub id: String,
    /// Its name in the cluster.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The pools and roles that its values name.
    pub references: Vec<Reference>,
    /// Service accounts that its values name, for pods that are made later: a hub's notebooks.
    pub accounts: BTreeSet<String>,
    /// The pods it will make, notebooks of its hub included; empty for a release that this environment leaves out.
    pub pods: Vec<PodTemplate>,
    /// Its objects, hooks included, as they will be in the cluster.
    pub objects: Vec<Value>,
    /// Its values files, and what stack.yaml says: for places.
    pub files: Vec<ValuesFile>,
    /// DaemonSets among its objects.
    pub daemon_sets: Vec<Value>,
}

/// What the cluster has that the stack does not make. Empty where nobody looked.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Whether somebody looked.
    pub looked: bool,
    /// Those of [`unmade`] that are there.
    pub accounts: BTreeSet<ServiceAccount>,
    /// Karpenter's pools, which EKS Auto Mode has too.
    pub node_pools: Vec<Value>,
    /// The zones of nodes that exist, where existing nodes stand for pools.
    pub zones: BTreeSet<String>,
}

/// Checks everything. `skipped` are the releases that this environment leaves out: what only they use is used, and what
/// nobody seems to use is only a warning where one of them might.
pub fn check(stack: &Stack, releases: &[ReleaseFacts], skipped: &[ReleaseFacts], live: &Live) -> Vec<Diagnostic> {
    let mut found = unknown_references(stack, releases);
    if found.is_empty() {
        let all: Vec<&ReleaseFacts> = releases.iter().chain(skipped).collect();
        let severity = if skipped.is_empty() { Severity::Error } else { Severity::Warning };
        found.extend(unused_roles(stack, &all, severity));
        found.extend(unused_pools(stack, &all, severity));
        found.extend(pods_without_a_pool(stack, releases));
        found.extend(accounts::check(stack, releases, skipped, live));
        found.extend(network::check(stack, releases));
        found.extend(capacity::two_autoscalers(stack, releases, live));
        found.extend(capacity::zones(stack, releases, live));
    }
    found.sort_by_key(|diagnostic| diagnostic.place);
    found
}

/// Pools and roles that values name and the stack does not have.
pub fn unknown_references(stack: &Stack, releases: &[ReleaseFacts]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for release in releases {
        for reference in &release.references {
            let known: Vec<&str> = match reference.kind {
                ReferenceKind::Pool => stack.pools.keys().map(String::as_str).collect(),
                ReferenceKind::Role => stack.roles.keys().map(String::as_str).collect(),
            };
            if known.contains(&reference.name.as_str()) {
                continue;
            }
            let word = reference.kind.word();
            let place = place_of_value(stack, &release.id, &reference.path);
            let problem = Diagnostic::error(place, format!("no {word} `{}` in this stack", reference.name));
            found.push(match nearest(&reference.name, known.iter().copied()) {
                Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
                None => problem.hint(format!("there are: {}", known.join(", "))),
            });
        }
    }
    found
}

fn unused_roles(stack: &Stack, releases: &[&ReleaseFacts], severity: Severity) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for role in stack.roles.values() {
        let named_in: BTreeSet<&str> = releases
            .iter()
            .filter(|release| {
                release
                    .references
                    .iter()
                    .any(|reference| reference.kind == ReferenceKind::Role && reference.name == role.key)
            })
            .map(|release| release.namespace.as_str())
            .collect();
        let unused: Vec<usize> =
            (0..role.service_accounts.len()).filter(|index| !is_used(role, *index, &named_in, releases)).collect();
        if unused.len() == role.service_accounts.len() {
            let place = stack.file.key_place(&["roles", &role.key]);
            let problem =
                Diagnostic { severity, ..Diagnostic::error(place, format!("role `{}` is used by nobody", role.key)) };
            found.push(problem.hint(format!("name it in a release's values (`role: {}`), or take it out", role.key)));
            continue;
        }
        for index in unused {
            let account = &role.service_accounts[index];
            let place = stack.file.place(&["roles", &role.key, "serviceAccounts", &index.to_string()]);
            let problem =
                Diagnostic::error(place, format!("service account `{account}` is used by no pod of this stack"));
            found.push(Diagnostic { severity, ..problem }.hint("take it out, or let a release's pods run under it"));
        }
    }
    found
}

/// Whether a role's account is used: by a pod, or by a release in its namespace that names the role or the account.
fn is_used(role: &Role, index: usize, named_in: &BTreeSet<&str>, releases: &[&ReleaseFacts]) -> bool {
    let account = &role.service_accounts[index];
    let named =
        |release: &&&ReleaseFacts| release.namespace == account.namespace && release.accounts.contains(&account.name);
    named_in.contains(account.namespace.as_str())
        || releases.iter().any(|release| named(&release))
        || releases
            .iter()
            .flat_map(|release| &release.pods)
            .any(|pod| pod.namespace == account.namespace && pod.service_account() == account.name)
}

/// The pool in which the chart `cluster-autoscaler` runs unless it is told another.
const AUTOSCALER_POOL: &str = "autoscaler";

/// Tainted pools that no pod tolerates and no value names: nodes that would be paid for and stay empty.
fn unused_pools(stack: &Stack, releases: &[&ReleaseFacts], severity: Severity) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, pool) in &stack.pools {
        let taints: Vec<Taint> =
            pool.pool.taints().into_iter().filter(|taint| taint.effect != Effect::PreferNoSchedule).collect();
        let named = releases
            .iter()
            .flat_map(|release| &release.references)
            .any(|reference| reference.kind == ReferenceKind::Pool && reference.name == *name);
        let tolerated = || {
            releases.iter().flat_map(|release| &release.pods).any(|template| {
                let facts = PodFacts::of(&template.pod);
                template.kind != "DaemonSet"
                    && taints.iter().all(|taint| tolerate(&facts.tolerations, &taint.key, &taint.value, taint.effect))
            })
        };
        if taints.is_empty() || named || tolerated() {
            continue;
        }
        let place = stack.file.key_place(&["cluster", "pools", name]);
        let problem = Diagnostic::error(place, format!("nothing in this stack tolerates the taints of pool `{name}`"))
            .note(format!("taints: {}", taints.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")))
            .hint(format!("name it in a release's values (`pool: {name}`), or take it out"));
        // The pool that is kept for the autoscaler is no mistake where another tool runs the autoscaler there. Where nobody
        // does, pods that wait say so.
        let severity = if name == AUTOSCALER_POOL { Severity::Warning } else { severity };
        found.push(Diagnostic { severity, ..problem });
    }
    found
}

/// Pods that would stay pending even on a fresh node of every pool.
fn pods_without_a_pool(stack: &Stack, releases: &[ReleaseFacts]) -> Vec<Diagnostic> {
    // Where existing nodes stand for pools, only they know how large they are.
    if stack.pools.is_empty() || stack.pools.values().any(|pool| pool.pool.node_selector.is_some()) {
        return Vec::new();
    }
    let daemon_sets: Vec<Value> =
        eks_daemon_sets().into_iter().chain(releases.iter().flat_map(|release| release.daemon_sets.clone())).collect();
    let candidates: Vec<Candidate> =
        stack.pools.values().map(|pool| Candidate::of(&pool.pool, &stack.region, &daemon_sets)).collect();
    let mut found = Vec::new();
    for release in releases {
        for template in release.pods.iter().filter(|template| template.kind != "DaemonSet") {
            let verdicts: Vec<(&Candidate, Option<Rejection>)> =
                candidates.iter().map(|candidate| (candidate, candidate.rejects(&template.pod))).collect();
            if verdicts.iter().all(|(_, rejection)| rejection.is_some()) {
                found.push(explain(stack, release, template, &verdicts, &daemon_sets));
            }
        }
    }
    found
}

/// A pool as the pods meet it: a fresh node of each of its types, its DaemonSets' pods already there.
struct Candidate {
    pool: Pool,
    nodes: Vec<(Value, Vec<Value>)>,
}

impl Candidate {
    fn of(pool: &Pool, region: &str, daemon_sets: &[Value]) -> Self {
        let zone = format!("{region}a");
        let nodes = pool.instance_types.iter().filter_map(|name| lookup(name).ok()).map(|instance| {
            let name = format!("a-node-of-{}", pool.name);
            let identity = NodeIdentity { name: &name, instance, region, zone: &zone };
            let root_volume_gib = sutler_nodes::capacity::DEFAULT_ROOT_VOLUME_GIB;
            let node = node_object(pool, NodeSpec { identity, root_volume_gib, kubernetes_version: "" });
            let daemons: Vec<Value> = daemon_sets
                .iter()
                .filter(|daemon_set| daemon_on_node(daemon_set, &node) == Daemon::Runs)
                .map(|daemon_set| {
                    let mut pod = daemon_pod(daemon_set, &name);
                    pod["spec"]["nodeName"] = json!(name);
                    pod
                })
                .collect();
            (node, daemons)
        });
        Candidate { pool: pool.clone(), nodes: nodes.collect() }
    }

    /// Why the pod does not fit a node of this pool; `None` if it fits each type that may come.
    fn rejects(&self, pod: &Value) -> Option<Rejection> {
        self.nodes.iter().find_map(|(node, daemons)| {
            let snapshot = Snapshot::new([node], daemons, []);
            let name = node.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            fits(&PodFacts::of(pod), &snapshot, name).err()
        })
    }
}

fn explain(
    stack: &Stack,
    release: &ReleaseFacts,
    template: &PodTemplate,
    verdicts: &[(&Candidate, Option<Rejection>)],
    daemon_sets: &[Value],
) -> Diagnostic {
    let too_small =
        |rejection: &Rejection| rejection.reasons.iter().any(|reason| matches!(reason, Reason::Insufficient { .. }));
    let near = verdicts
        .iter()
        .filter_map(|(candidate, rejection)| Some((candidate, rejection.as_ref()?)))
        .find(|(_, rejection)| too_small(rejection));
    let object = template.spoken();
    match near {
        Some((candidate, rejection)) => {
            let pool = &candidate.pool;
            let place = profile_place(stack, release, template).or_else(|| resources_place(stack, release));
            let mut problem = Diagnostic::error(
                place,
                format!("pods of release `{}` ({object}) fit no node of pool `{}`", release.id, pool.name),
            );
            for reason in &rejection.reasons {
                if let Reason::Insufficient { resource, requested, free, .. } = reason {
                    problem = problem.note(format!(
                        "it needs {} of {resource}, a fresh node has {}",
                        amount(resource, *requested),
                        amount(resource, *free)
                    ));
                }
            }
            let fit: Option<Fit> = fit(pool, &daemon_sets[eks_daemon_sets().len()..]).ok();
            match fit {
                Some(fit) => problem.note(fit.explain()).hint(match template.is_notebook() {
                    true => format!("let the profile ask for less: one pod alone gets {}", fit.summary()),
                    false => format!(
                        "leave `resources` out where the chart takes a whole node ({}), or ask for less",
                        fit.summary()
                    ),
                }),
                None => problem,
            }
        }
        None => {
            let place =
                profile_place(stack, release, template).or_else(|| stack.file.key_place(&["releases", &release.id]));
            let mut problem =
                Diagnostic::error(place, format!("pods of release `{}` ({object}) can run in no pool", release.id));
            for (candidate, rejection) in verdicts {
                let reasons = rejection.iter().flat_map(|rejection| &rejection.reasons).map(reason_text);
                problem =
                    problem.note(format!("pool {}: {}", candidate.pool.name, reasons.collect::<Vec<_>>().join(", ")));
            }
            problem.hint("give the pods a pool's label to select and its taint to tolerate, or add a pool for them")
        }
    }
}

fn reason_text(reason: &Reason) -> String {
    match reason {
        Reason::UntoleratedTaint(taint) => format!("has the taint {taint}, which they do not tolerate"),
        Reason::NodeAffinity => "lacks the labels that they select".into(),
        other => other.to_string(),
    }
}

fn amount(resource: &str, value: i64) -> String {
    match resource {
        "cpu" => format!("{:.1} CPU", value as f64 / 1000.0),
        "memory" | "ephemeral-storage" => format!("{:.1} GiB", value as f64 / f64::from(1 << 30)),
        _ => value.to_string(),
    }
}

/// Where a value of a release stands: in stack.yaml if it does, else at the release's values files or the release.
fn place_of_value(stack: &Stack, release: &str, path: &[String]) -> Option<crate::file::diagnostic::Place> {
    let path: Vec<&str> = ["releases", release, "values"].into_iter().chain(path.iter().map(String::as_str)).collect();
    match stack.file.root.find(path.iter().copied()) {
        Some(node) => Some(node.start.into()),
        None => stack.file.key_place(&["releases", release]),
    }
}

/// Where the profile of a notebook stands, if stack.yaml has it.
fn profile_place(
    stack: &Stack,
    release: &ReleaseFacts,
    template: &PodTemplate,
) -> Option<crate::file::diagnostic::Place> {
    let values =
        stack.file.root.find(["releases", release.id.as_str(), "values"]).filter(|_| template.is_notebook())?;
    let mut open: Vec<&sutler_yaml::Node> = vec![values];
    while let Some(node) = open.pop() {
        let name = node.get("display_name").and_then(sutler_yaml::Node::as_str);
        if name.is_some_and(|name| !template.name.is_empty() && template.name.starts_with(name)) {
            return Some(node.start.into());
        }
        open.extend(node.entries().iter().map(|(_, value)| value).chain(node.items()));
    }
    None
}

/// Where a release says how large its pods are, as near as the file tells.
fn resources_place(stack: &Stack, release: &ReleaseFacts) -> Option<crate::file::diagnostic::Place> {
    let values = stack.file.root.find(["releases", release.id.as_str(), "values"]);
    let mut open: Vec<&sutler_yaml::Node> = values.into_iter().collect();
    while let Some(node) = open.pop() {
        if let Some((key, resources)) = node.entry("resources") {
            let part = resources.get("requests").or_else(|| resources.get("limits")).unwrap_or(resources);
            return Some(part.entries().first().map_or(key.start, |(key, _)| key.start).into());
        }
        open.extend(node.entries().iter().map(|(_, value)| value).chain(node.items()));
    }
    stack.file.key_place(&["releases", &release.id])
}
