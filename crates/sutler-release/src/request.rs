//! What can be asked of [`Releases`](crate::Releases), as plain data.

use std::collections::BTreeMap;
use std::fmt;

use jiff::SignedDuration;
use serde_json::{Map, Value};

use crate::cluster::Propagation;
use crate::record::{Hook, RecordedChart};
use sutler_chart::{Chart, NotesOf, SchemaCheck};
use sutler_template::Value as ChartValue;

/// Helm's time limit where none is given.
pub const DEFAULT_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);
/// How many revisions Helm keeps where nothing else is said.
pub const DEFAULT_HISTORY_MAX: usize = 10;

/// What a release is made of once its chart is rendered.
///
/// Its `Debug` form leaves values and manifests out.
#[derive(Clone, Default, PartialEq)]
pub struct Content {
    /// The chart, as the record will carry it.
    pub chart: RecordedChart,
    /// The user's values, as the record will carry them.
    pub config: Map<String, Value>,
    /// CustomResourceDefinitions of the chart's `crds/` folders, file by file.
    pub crds: Vec<String>,
    /// The objects, as YAML documents in the order in which they are installed.
    pub manifest: String,
    /// The hooks.
    pub hooks: Vec<Hook>,
    /// The rendered NOTES.txt.
    pub notes: String,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("chart", &self.chart).field("hooks", &self.hooks).finish_non_exhaustive()
    }
}

/// What is waited for before an operation counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitFor {
    /// Only hooks: Helm's default.
    Hooks,
    /// All objects of the release are ready; Jobs have been started. As Helm's `--wait`.
    #[default]
    Ready,
    /// As `Ready`, and Jobs are complete. As Helm's `--wait-for-jobs`.
    ReadyAndJobs,
}

/// What the last revision has to be for an operation to begin: what its caller planned against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Base {
    /// Whatever it is.
    #[default]
    Any,
    /// None, or one that was uninstalled.
    Missing,
    /// This one.
    Revision(u32),
}

/// What installs, upgrades and rollbacks have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What is waited for.
    pub wait: WaitFor,
    /// The time limit of each wait: for the objects, and for each hook.
    pub timeout: SignedDuration,
    /// Runs no hooks.
    pub disable_hooks: bool,
    /// Takes fields that other managers own.
    pub force_conflicts: bool,
    /// Takes objects that exist and are not the release's.
    pub take_ownership: bool,
    /// Takes back what was done if it fails: an install is uninstalled, an upgrade rolled back.
    pub rollback_on_failure: bool,
    /// Takes over a release whose last operation another tool left pending.
    pub recover: bool,
    /// Refuses to begin if the last revision is not this one.
    pub base: Base,
    /// The record's description, instead of Helm's own (`Install complete`).
    pub description: Option<String>,
    /// The user's labels for the record.
    pub labels: BTreeMap<String, String>,
    /// Annotations for the record: the inputs' digest and whatever else its writer wants to find again.
    pub annotations: BTreeMap<String, String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            wait: WaitFor::default(),
            timeout: DEFAULT_TIMEOUT,
            disable_hooks: false,
            force_conflicts: false,
            take_ownership: false,
            rollback_on_failure: false,
            recover: false,
            base: Base::default(),
            description: None,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        }
    }
}

/// A release to be installed.
#[derive(Clone, Debug)]
pub struct InstallRequest {
    /// The release's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Makes the namespace if it is missing.
    pub create_namespace: bool,
    /// What to install.
    pub source: Source,
    /// Leaves out the CustomResourceDefinitions of `crds/`.
    pub skip_crds: bool,
    /// Uses the name of a release that was uninstalled (history kept) or failed, as Helm's `--replace`.
    pub replace: bool,
    /// Everything else.
    pub options: Options,
}

/// Which values an upgrade starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValuesFrom {
    /// Those given; if none are given, the last release's (Helm's default).
    #[default]
    GivenOrLast,
    /// Only those given (`--reset-values`).
    Given,
    /// Those given over the last release's, over the last chart's defaults (`--reuse-values`).
    LastChart,
    /// Those given over the last release's, over the new chart's defaults (`--reset-then-reuse-values`).
    NewChart,
}

/// How an upgrade or rollback writes objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApplyChoice {
    /// As the last revision was written (Helm's `--server-side=auto`).
    #[default]
    Auto,
    /// By server-side apply, taking over what client-side writes own.
    ServerSide,
    /// By a three-way merge, as Helm 3.
    ClientSide,
}

/// A release to be upgraded.
#[derive(Clone, Debug)]
pub struct UpgradeRequest {
    /// The release's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// What to upgrade to.
    pub source: Source,
    /// Which values it starts from; only for a chart, not for what is rendered already.
    pub values_from: ValuesFrom,
    /// How objects are written.
    pub apply: ApplyChoice,
    /// How many revisions are kept; 0 for all.
    pub history_max: usize,
    /// Deletes what a failed upgrade has newly created.
    pub cleanup_on_fail: bool,
    /// Installs the release if there is none (`helm upgrade --install`).
    pub install_if_missing: Option<IfMissing>,
    /// Everything else.
    pub options: Options,
}

/// How an upgrade installs a release that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IfMissing {
    /// Makes the namespace if it is missing.
    pub create_namespace: bool,
    /// Leaves out the CustomResourceDefinitions of `crds/`.
    pub skip_crds: bool,
}

/// What a release is made from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Rendered when the operation begins, against the cluster.
    Chart(Box<FromChart>),
    /// Rendered beforehand.
    Rendered(Box<Content>),
}

/// A chart, the user's values, and what else its rendering follows from.
///
/// Its `Debug` form leaves the values out.
#[derive(Clone)]
pub struct FromChart {
    /// The chart.
    pub chart: Chart,
    /// The user's values: a map.
    pub values: ChartValue,
    /// Everything random follows from this; fresh from a secure source for a real release.
    pub seed: [u8; 32],
    /// What `now` answers in templates; the world's time if not given.
    pub now: Option<jiff::Timestamp>,
    /// Whether values are checked against the chart's schemas.
    pub schema: SchemaCheck,
    /// Whose notes are kept.
    pub notes: NotesOf,
}

impl FromChart {
    /// A chart with the user's values.
    pub fn new(chart: Chart, values: ChartValue, seed: [u8; 32]) -> Self {
        Self { chart, values, seed, now: None, schema: SchemaCheck::default(), notes: NotesOf::default() }
    }
}

impl fmt::Debug for FromChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromChart").field("chart", &self.chart.name()).finish_non_exhaustive()
    }
}

/// A release to be uninstalled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UninstallRequest {
    /// The release's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Keeps the records, marked as uninstalled.
    pub keep_history: bool,
    /// Runs no hooks.
    pub disable_hooks: bool,
    /// Waits until its objects are gone.
    pub wait: bool,
    /// The time limit of each wait.
    pub timeout: SignedDuration,
    /// What happens to the objects that its objects own.
    pub propagation: Propagation,
    /// Takes over a release whose last operation another tool left pending.
    pub recover: bool,
    /// The record's description, instead of Helm's own.
    pub description: Option<String>,
}

impl UninstallRequest {
    /// Uninstalls a release, waits until it is gone, and keeps nothing.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            keep_history: false,
            disable_hooks: false,
            wait: true,
            timeout: DEFAULT_TIMEOUT,
            propagation: Propagation::default(),
            recover: false,
            description: None,
        }
    }
}

/// A release to be rolled back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollbackRequest {
    /// The release's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision to go back to; `None` for the one before the last.
    pub to: Option<u32>,
    /// How objects are written.
    pub apply: ApplyChoice,
    /// How many revisions are kept; 0 for all.
    pub history_max: usize,
    /// Deletes what a failed rollback has newly created.
    pub cleanup_on_fail: bool,
    /// Everything else; `rollback_on_failure` means nothing here.
    pub options: Options,
}

/// A release whose tests are to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRequest {
    /// The release's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The time limit of each test.
    pub timeout: SignedDuration,
}
