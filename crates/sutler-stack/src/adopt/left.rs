//! What stack.yaml does not hold: workloads that no release owns, and what other tools keep.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sutler_objects::object::{annotation, kind, labels, list, name, namespace, text};
use sutler_release::Release;

use super::Seen;
use crate::plan::make::ROLE_ANNOTATION;
use crate::tables::Tables;

/// Kinds that run something.
pub(super) const WORKLOADS: [&str; 6] = ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"];

/// How many names one sentence takes.
const NAMES: usize = 8;

/// A sentence for each namespace and tool with workloads of no release, and for accounts made by hand.
pub(super) fn left(seen: &Seen) -> Vec<String> {
    let mut groups: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for object in WORKLOADS.iter().flat_map(|kind| seen.tables.list(kind)) {
        if is_of_release(object, seen) || !list(object, &["metadata", "ownerReferences"]).is_empty() {
            continue;
        }
        // The kubelet makes these from files of its node.
        if annotation(object, "kubernetes.io/config.mirror").is_some() {
            continue;
        }
        let keeper = keeper(object).unwrap_or_default();
        let group = groups.entry((namespace(object).to_owned(), keeper)).or_default();
        group.push(format!("{} {}", kind(object), name(object)));
    }
    let mut sentences: Vec<String> = groups
        .into_iter()
        .map(|((namespace, keeper), names)| {
            let (verb, what) = if names.len() == 1 { ("belongs", "it") } else { ("belong", "them") };
            let keeper = match keeper.as_str() {
                "" => format!("{verb} to no Helm release: Sutler leaves {what} alone"),
                keeper => format!("{verb} to {keeper}, which keeps {what}"),
            };
            format!("In namespace {namespace}, {} {keeper}.", some(&names))
        })
        .collect();
    let mut accounts: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for account in seen.tables.list("ServiceAccount") {
        let by_hand = !is_of_release(account, seen)
            && keeper(account).is_none()
            && list(account, &["metadata", "ownerReferences"]).is_empty()
            && annotation(account, ROLE_ANNOTATION).is_none();
        // The control plane makes its own, and `default` everywhere.
        if by_hand && name(account) != "default" && !namespace(account).starts_with("kube-") {
            accounts.entry(namespace(account)).or_default().push(name(account).to_owned());
        }
    }
    sentences.extend(accounts.into_iter().map(|(namespace, names)| {
        let (word, verb) = if names.len() == 1 { ("account", "was") } else { ("accounts", "were") };
        format!("In namespace {namespace}, the service {word} {} {verb} made by no Helm release.", some(&names))
    }));
    sentences
}

/// Whether Helm's marks on an object name a release that is there.
fn is_of_release(object: &Value, seen: &Seen) -> bool {
    let Some(release) = annotation(object, sutler_release::RELEASE_NAME) else { return false };
    let within = annotation(object, sutler_release::RELEASE_NAMESPACE).unwrap_or_else(|| namespace(object));
    seen.releases.iter().any(|known| known.release.name == release && known.release.namespace == within)
}

/// The tool that keeps an object, told by its marks.
fn keeper(object: &Value) -> Option<String> {
    let label = |key: &str| labels(object).and_then(|labels| labels.get(key)).and_then(Value::as_str);
    if let Some(application) = annotation(object, "argocd.argoproj.io/tracking-id")
        .and_then(|id| id.split(':').next())
        .or_else(|| label("argocd.argoproj.io/instance"))
    {
        return Some(format!("Argo CD's application {application}"));
    }
    if let Some(name) = label("kustomize.toolkit.fluxcd.io/name") {
        return Some(format!("Flux's Kustomization {name}"));
    }
    if let Some(name) = label("helm.toolkit.fluxcd.io/name") {
        return Some(format!("Flux's HelmRelease {name}"));
    }
    match label("app.kubernetes.io/managed-by") {
        Some("EKS" | "eks") => Some("EKS".to_owned()),
        _ => label("addonmanager.kubernetes.io/mode").map(|_| "the cluster's add-on manager".to_owned()),
    }
}

/// The HelmRelease of Flux that keeps a release, as `NAMESPACE/NAME`.
pub(super) fn flux_owner(release: &Release, tables: &Tables) -> Option<String> {
    let found = tables.list("HelmRelease").iter().find(|object| {
        let or = |path: &[&str], other: &str| match text(object, path) {
            "" => other.to_owned(),
            text => text.to_owned(),
        };
        let target = or(&["spec", "targetNamespace"], "");
        let storage = or(&["spec", "storageNamespace"], namespace(object));
        let composed = match target.as_str() {
            "" => name(object).to_owned(),
            target => format!("{target}-{}", name(object)),
        };
        let called = or(&["spec", "releaseName"], &composed);
        called == release.name && [target.as_str(), storage.as_str()].contains(&release.namespace.as_str())
    })?;
    Some(format!("HelmRelease {}/{}", namespace(found), name(found)))
}

fn some(names: &[String]) -> String {
    let unique: BTreeSet<&String> = names.iter().collect();
    let few: Vec<&str> = unique.iter().take(NAMES).map(|name| name.as_str()).collect();
    match unique.len().saturating_sub(NAMES) {
        0 => few.join(", "),
        more => format!("{} and {more} more", few.join(", ")),
    }
}
