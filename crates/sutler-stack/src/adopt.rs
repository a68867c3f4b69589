//! A stack.yaml out of what a cluster holds: releases that somebody installed with Helm, nodes, accounts with roles.
//!
//! ```text
//! kubeconfig ──place──▶ Place ─┐
//! cluster ──read──▶ releases, each with a chart that makes it again, and tables ─▶ Seen ──adopt──▶ files + what is left out
//! ```
//! [`read`] asks; everything else is plain functions. What is written is what `plan` then finds as it should be: a release is
//! taken only with the chart and the values that it was made of. Whatever stack.yaml cannot express is said in a sentence,
//! and nothing of it is touched.

pub mod charts;
mod left;
pub mod place;
mod pools;
pub mod read;
mod roles;
mod text;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sutler_objects::object::{api_version, kind};
use sutler_release::{Release, Status, parse_manifest};

use crate::init::NewFile;
use crate::load::STACK_FILE;
use crate::names::STACK_LABEL;
use crate::pods::{PodTemplate, pod_templates};
use crate::stack::RemoteChart;
use crate::tables::Tables;
pub use place::Place;

/// The environment that stands for the cluster that was read.
pub const ENVIRONMENT: &str = "live";

/// The folder of values files that hold what looks like a secret; git is told to leave it alone.
pub const PRIVATE_FOLDER: &str = "private";

/// What was read of a cluster.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which cluster it is.
    pub place: Place,
    /// Its Kubernetes minor version, as `1.34`, if it says one.
    pub kubernetes: Option<String>,
    /// The latest revision of each release, with a chart that makes it again.
    pub releases: Vec<SeenRelease>,
    /// Nodes, service accounts and workloads.
    pub tables: Tables,
    /// What could not be looked at, a sentence each.
    pub unknown: Vec<String>,
}

/// A release and where its chart is.
#[derive(Clone, Debug)]
pub struct SeenRelease {
    /// Its latest revision.
    pub release: Release,
    /// The chart.
    pub chart: FoundChart,
    /// Where its objects differ from it, a few words each.
    pub drift: Vec<String>,
}

/// Where the chart of a release is.
#[derive(Clone, Debug, PartialEq)]
pub enum FoundChart {
    /// Sutler carries it.
    Builtin(String),
    /// A folder or an archive at this path, relative to stack.yaml.
    Path(String),
    /// A repository has it, in exactly this version.
    Remote(RemoteChart),
    /// The release's record holds all of it: these files.
    Recorded(BTreeMap<String, Vec<u8>>),
    /// Nowhere; why, as the end of a sentence that begins with the release.
    Nowhere(String),
}

/// What to write, and what to say.
#[derive(Clone, Debug, Default)]
pub struct Adopted {
    /// The files, relative to the stack's folder.
    pub files: Vec<NewFile>,
    /// What was taken over, by id.
    pub releases: Vec<String>,
    /// What stack.yaml does not hold, a sentence each.
    pub left: Vec<String>,
    /// What is worth a look in what was written, a sentence each.
    pub warnings: Vec<String>,
}

/// A release that is taken over.
struct Taken<'s> {
    id: String,
    seen: &'s SeenRelease,
    objects: Vec<Value>,
    pods: Vec<PodTemplate>,
}

impl Taken<'_> {
    fn release(&self) -> &Release {
        &self.seen.release
    }
}

/// The files of a stack `name` that is as the cluster is.
pub fn adopt(name: &str, seen: &Seen) -> Adopted {
    let mut adopted = Adopted { left: seen.unknown.clone(), ..Adopted::default() };
    let (taken, reasons) = taken(seen);
    adopted.left.extend(reasons);
    let mut written = text::Written { taken: &taken, needs: needs(&taken), ..text::Written::default() };
    for taken in &taken {
        adopted.releases.push(taken.id.clone());
        written.charts.insert(taken.id.clone(), charts::place(taken.release(), &taken.seen.chart, &mut adopted.files));
        let values = values::place(&taken.id, &taken.release().config, &mut adopted.files);
        adopted.warnings.extend(values.warning);
        written.values.extend(values.path.map(|path| (taken.id.clone(), path)));
        if !taken.seen.drift.is_empty() {
            adopted.warnings.push(format!(
                "release {}: {}; `sutler up` would set that back",
                taken.id,
                taken.seen.drift.join(", ")
            ));
        }
    }
    let (roles, left) = roles::roles(seen, &taken);
    written.roles = roles;
    adopted.left.extend(left);
    let (pools, left) = pools::pools(seen.tables.list("Node"), &taken);
    written.pools = pools;
    adopted.left.extend(left);
    adopted.left.extend(left::left(seen));
    let text = text::stack_yaml(name, seen, &written, &adopted.left);
    adopted.files.insert(0, NewFile::plain(STACK_FILE, text));
    adopted
}

/// Puts values into a file of their own, apart where they look like secrets: its path, and what to say about it.
pub(crate) fn place_values(
    name: &str,
    config: &serde_json::Map<String, Value>,
    files: &mut Vec<NewFile>,
) -> (Option<String>, Option<String>) {
    let placed = values::place(name, config, files);
    (placed.path, placed.warning)
}

/// The releases that can be taken over, and why others cannot.
fn taken(seen: &Seen) -> (Vec<Taken<'_>>, Vec<String>) {
    let (mut taken, mut reasons) = (Vec::new(), Vec::new());
    let mut names: BTreeMap<&str, u32> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for seen_release in &seen.releases {
        let release = &seen_release.release;
        match why_not(seen_release, &seen.tables) {
            Some(_) if release.info.status == Status::Uninstalled => {}
            Some(reason) => {
                reasons.push(format!("Release {}/{} {reason}.", release.namespace, release.name));
            }
            None => *names.entry(&release.name).or_default() += 1,
        }
    }
    for seen_release in &seen.releases {
        let release = &seen_release.release;
        if why_not(seen_release, &seen.tables).is_some() {
            continue;
        }
        let mut id = match names.get(release.name.as_str()) {
            Some(1) => release.name.clone(),
            _ => format!("{}-{}", release.namespace, release.name),
        };
        while !ids.insert(id.clone()) {
            id.push('-');
        }
        let objects = parse_manifest(&release.manifest).unwrap_or_default();
        let pods = pod_templates(&objects, &release.namespace);
        taken.push(Taken { id, seen: seen_release, objects, pods });
    }
    taken.sort_by(|a, b| a.id.cmp(&b.id));
    (taken, reasons)
}

/// Why a release is not taken over, as the end of a sentence that begins with it.
fn why_not(seen: &SeenRelease, tables: &Tables) -> Option<String> {
    let release = &seen.release;
    let status = release.info.status;
    if status.is_pending() || status == Status::Uninstalling {
        return Some(format!(
            "is in the middle of an operation ({status}, revision {}): when that has ended, `sutler init` can take it over",
            release.version
        ));
    }
    if status != Status::Deployed {
        return Some(format!(
            "is {status} in revision {}: upgrade it or roll it back first, since `sutler up` would",
            release.version
        ));
    }
    if let Some(stack) = release.labels.get(STACK_LABEL) {
        return Some(format!("belongs to the stack `{stack}`, whose stack.yaml has it"));
    }
    if release.labels.contains_key(sutler_ray::OWNER_LABEL) {
        return Some("was made by `sutler ray up`, and goes by `sutler ray down`".to_owned());
    }
    if let Some(owner) = left::flux_owner(release, tables) {
        return Some(format!("is kept by Flux ({owner}): two that keep one release would undo each other's changes"));
    }
    match &seen.chart {
        FoundChart::Nowhere(reason) => Some(reason.clone()),
        _ => None,
    }
}

/// Which releases need which: those that use a kind need the release that defines it.
fn needs(taken: &[Taken<'_>]) -> BTreeMap<String, BTreeSet<String>> {
    let defined: Vec<BTreeSet<String>> = taken.iter().map(defined_groups).collect();
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for user in taken {
        for (definer, groups) in taken.iter().zip(&defined) {
            let uses =
                |object: &Value| api_version(object).split_once('/').is_some_and(|(group, _)| groups.contains(group));
            if definer.id != user.id && user.objects.iter().any(uses) && !leads_to(&needs, &definer.id, &user.id) {
                needs.entry(user.id.clone()).or_default().insert(definer.id.clone());
            }
        }
    }
    needs
}

/// The API groups whose kinds a release defines, by its manifest and by the `crds/` of its chart.
fn defined_groups(taken: &Taken<'_>) -> BTreeSet<String> {
    let files = taken.release().chart.files.iter().filter(|file| file.name.starts_with("crds/"));
    let of_files = files.flat_map(|file| parse_manifest(&String::from_utf8_lossy(&file.data)).unwrap_or_default());
    let definitions =
        taken.objects.iter().cloned().chain(of_files).filter(|object| kind(object) == "CustomResourceDefinition");
    definitions.filter_map(|object| object.pointer("/spec/group").and_then(Value::as_str).map(str::to_owned)).collect()
}

fn leads_to(needs: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let (mut open, mut seen) = (vec![from], BTreeSet::new());
    while let Some(id) = open.pop() {
        if id == to {
            return true;
        }
        if seen.insert(id) {
            open.extend(needs.get(id).into_iter().flatten().map(String::as_str));
        }
    }
    false
}

#[cfg(test)]
mod tests;
