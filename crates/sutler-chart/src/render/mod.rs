//! Rendering: a chart, values and what else a template may see, into the objects of a release (Helm's `pkg/engine` and the
//! rendering half of its `pkg/action`).
//!
//! ```text
//! chart ─conditions, aliases, imports─▶ chart ─coalesce, schema─▶ .Values ─engine─▶ files ─split, sort─▶ Rendered
//! ```
//!
//! Nothing here reads a clock, a random source or a network: [`RenderOptions`] holds all of it.

mod cancel;
mod document;
mod engine;
mod error;
mod host;
mod message;
pub(crate) mod objects;
mod trace;
mod values_methods;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use sutler_template::{Limits, Map, Stop, Str, Usage, Value};
use thiserror::Error;

pub use cancel::CancelToken;
pub use document::Document;
pub use error::{TemplateError, TemplateErrorKind};
pub use trace::{RenderTrace, locate_line};

use crate::capabilities::Capabilities;
use crate::chart::{Chart, Crd};
use crate::compat::Compatibility;
use crate::decode::DecodeError;
use crate::dependencies;
use crate::log::{Level, Remark};
use crate::manifest::{Hook, Manifest, ManifestError, sort_manifests};
use crate::schema::{self, SchemaLoader};
use crate::values::{Coalesce, TypeMismatch, deep_copy_map};

/// What `.Release` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseInfo {
    /// The release's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision that is being made, from 1.
    pub revision: i64,
    /// What is being done.
    pub operation: Operation,
}

/// What is being done with a release, as far as charts are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `.Release.IsInstall` holds.
    Install,
    /// `.Release.IsUpgrade` holds.
    Upgrade,
    /// Neither holds: the chart is only looked at (`helm lint`).
    Lint,
}

/// The cluster as the function `lookup` sees it.
pub trait Lookup: Send + Sync {
    /// The object of that name, or, without a name, the list of that kind (`kind: …List` with `items`). No namespace means
    /// cluster-wide. What does not exist is an empty object.
    ///
    /// # Errors
    /// Anything else that the API answers, in a message that stands in the template's error.
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<serde_json::Value, String>;
}

/// No cluster: every `lookup` finds nothing, as in `helm template`.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCluster;

impl Lookup for NoCluster {
    fn lookup(&self, _: &str, _: &str, _: &str, _: &str) -> Result<serde_json::Value, String> {
        Ok(serde_json::Value::Object(serde_json::Map::new()))
    }
}

/// Tells whether the time for a rendering is over; the clock is the caller's.
pub type Deadline = dyn Fn() -> bool + Send + Sync;

/// What a rendering may see and use, beside the chart and its values. Begin with [`RenderOptions::install`] or
/// [`RenderOptions::new`], and change what should be otherwise.
#[derive(Clone)]
#[non_exhaustive]
pub struct RenderOptions {
    /// `.Release`.
    pub release: ReleaseInfo,
    /// `.Capabilities`.
    pub capabilities: Capabilities,
    /// Answers `lookup`.
    pub lookup: Arc<dyn Lookup>,
    /// Everything random (`randAlphaNum`, `uuidv4`, `genCA`, …) follows from this. Fresh from a secure source for a real release;
    /// the same seed renders the same.
    pub seed: [u8; 32],
    /// What `now` answers.
    pub now: jiff::Timestamp,
    /// Whether values are checked against the charts' schemas.
    pub schema: SchemaCheck,
    /// Fetches what a values.schema.json refers to elsewhere; none refuses such schemas.
    pub schema_loader: Option<SchemaLoader>,
    /// Whose notes are returned.
    pub notes: NotesOf,
    /// What all templates of the rendering together may use up. The default bounds recursion only; for charts of strangers there is
    /// [`Limits::UNTRUSTED`].
    pub limits: Limits,
    /// Which Helm is mirrored. The chart is to be loaded by the same ([`Chart::load_as`]), and `capabilities` to be of it.
    pub compatibility: Compatibility,
    /// Asked every few hundred steps; once it says true, the rendering ends with [`Stop::Deadline`].
    pub deadline: Option<Arc<Deadline>>,
    /// Lets another thread end the rendering.
    pub cancel: Option<CancelToken>,
    /// The least important remarks that are collected: [`Level::Info`] unless changed.
    pub lowest_level: Level,
    /// Where it is told what failed, for [`explain`](crate::explain()).
    pub trace: Option<Arc<RenderTrace>>,
}

impl RenderOptions {
    /// The first revision of a release without a cluster, at the epoch and from a seed of zeros: what a test wants. Whoever installs
    /// sets `seed` and `now` too.
    pub fn install(name: &str, namespace: &str) -> RenderOptions {
        RenderOptions::new(ReleaseInfo {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            revision: 1,
            operation: Operation::Install,
        })
    }

    /// As [`RenderOptions::install`], for any release.
    pub fn new(release: ReleaseInfo) -> RenderOptions {
        RenderOptions {
            release,
            capabilities: Capabilities::default(),
            lookup: Arc::new(NoCluster),
            seed: [0; 32],
            now: jiff::Timestamp::UNIX_EPOCH,
            schema: SchemaCheck::default(),
            schema_loader: None,
            notes: NotesOf::default(),
            limits: Limits::default(),
            compatibility: Compatibility::V4,
            deadline: None,
            cancel: None,
            lowest_level: Level::Info,
            trace: None,
        }
    }

    /// The same options for another Helm, with what that one assumes of a cluster.
    #[must_use]
    pub fn with_compatibility(self, compatibility: Compatibility) -> RenderOptions {
        RenderOptions { capabilities: compatibility.capabilities(), compatibility, ..self }
    }

    /// The same with other capabilities.
    #[must_use]
    pub fn with_capabilities(self, capabilities: Capabilities) -> RenderOptions {
        RenderOptions { capabilities, ..self }
    }

    /// The same with a cluster for `lookup`.
    #[must_use]
    pub fn with_lookup(self, lookup: impl Lookup + 'static) -> RenderOptions {
        RenderOptions { lookup: Arc::new(lookup), ..self }
    }

    /// The same with a seed for everything random.
    #[must_use]
    pub fn with_seed(self, seed: [u8; 32]) -> RenderOptions {
        RenderOptions { seed, ..self }
    }

    /// The same at another time: a [`jiff::Timestamp`], or a `SystemTime` through its `try_from`.
    #[must_use]
    pub fn with_now(self, now: jiff::Timestamp) -> RenderOptions {
        RenderOptions { now, ..self }
    }

    /// The same with limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> RenderOptions {
        RenderOptions { limits, ..self }
    }

    /// The same with somebody who fetches what schemas refer to.
    ///
    /// ```
    /// use sutler_chart::{RenderOptions, SchemaLoader};
    ///
    /// let loader = SchemaLoader::new(|address| match address {
    ///     "https://example.com/port.json" => Ok(br#"{"type": "integer"}"#.to_vec()),
    ///     other => Err(format!("{other} is not kept here")),
    /// });
    /// let options = RenderOptions::install("demo", "default").with_schema_loader(loader);
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn with_schema_loader(self, loader: SchemaLoader) -> RenderOptions {
        RenderOptions { schema_loader: Some(loader), ..self }
    }

    /// The same with a check whether the time is over.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use sutler_chart::RenderOptions;
    ///
    /// let end = Instant::now() + Duration::from_secs(2);
    /// let options = RenderOptions::install("demo", "default").with_deadline(move || Instant::now() >= end);
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn with_deadline(self, has_passed: impl Fn() -> bool + Send + Sync + 'static) -> RenderOptions {
        RenderOptions { deadline: Some(Arc::new(has_passed)), ..self }
    }

    /// The same with a token by which another thread can end the rendering.
    #[must_use]
    pub fn with_cancel(self, token: CancelToken) -> RenderOptions {
        RenderOptions { cancel: Some(token), ..self }
    }
}

/// Whether values are checked against values.schema.json.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SchemaCheck {
    /// They are.
    #[default]
    Validate,
    /// They are not (`--skip-schema-validation`).
    Skip,
}

/// Whose NOTES.txt is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NotesOf {
    /// The chart's own.
    #[default]
    Root,
    /// Also its subcharts' (`--render-subchart-notes`), by path.
    All,
}

/// A rendered chart.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rendered {
    /// The objects of the release, in the order in which they are installed.
    pub manifests: Vec<Manifest>,
    /// The hooks, by kind as the manifests are; weights come into it when they run.
    pub hooks: Vec<Hook>,
    /// The text of NOTES.txt; empty without one.
    pub notes: String,
    /// The files below `crds/`, not rendered.
    pub crds: Vec<Crd>,
    /// The chart as this release uses it: without disabled subcharts, under their aliases, with imported values. Helm records this one.
    pub chart: Chart,
    /// The values that the chart saw (`.Values` as it was before any template changed it).
    pub values: Value,
    /// What Helm says on the side.
    pub remarks: Vec<Remark>,
    /// What the templates used up, in the units of [`Limits`].
    pub usage: Usage,
}

/// Why a chart cannot be rendered. The texts, joined with their causes by `: `, are Helm's (see [`crate::error_chain`]).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RenderError {
    /// Conditions and imports could not be worked out.
    #[error("chart dependencies processing failed")]
    Dependencies(#[source] TypeMismatch),
    /// The values of a subchart are no table.
    #[error(transparent)]
    Values(#[from] TypeMismatch),
    /// The values do not fit a schema; the text names chart, place and what is wanted, over several lines.
    #[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{0}")]
    Schema(String),
    /// The cluster's version is not one that the chart wants.
    #[error("chart requires kubeVersion: {constraint} which is incompatible with Kubernetes {version}")]
    KubeVersion {
        /// What the chart wants.
        constraint: String,
        /// What there is.
        version: String,
    },
    /// A template cannot be parsed or executed, or refuses by itself.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The caller's limits ended the rendering.
    #[error(transparent)]
    Stopped(#[from] Stop),
    /// The post-renderer failed, or gave back what is no YAML.
    #[error("{0}")]
    PostRender(String),
    /// A rendered document is no object.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// Changes what templates made before it is split into objects: files by their paths. What was said until then comes too, for who
/// wants to print it before what the post-renderer says.
pub type PostRender<'p> =
    dyn FnMut(BTreeMap<String, String>, &mut Vec<Remark>) -> Result<BTreeMap<String, String>, String> + 'p;

/// Renders a chart with the user's values: [`Values`](crate::Values), or any [`Value`] that is a map. Chart and values are not
/// changed; any number of threads may render one chart at once.
///
/// # Errors
/// See [`RenderError`].
pub fn render(
    chart: &Chart,
    user_values: &impl AsRef<Value>,
    options: &RenderOptions,
) -> Result<Rendered, RenderError> {
    render_with_remarks(chart, user_values, options, &mut Vec::new())
}

/// As [`render`], with what Helm says on the side collected also when it fails.
///
/// # Errors
/// See [`RenderError`].
pub fn render_with_remarks(
    chart: &Chart,
    user_values: &impl AsRef<Value>,
    options: &RenderOptions,
    remarks: &mut Vec<Remark>,
) -> Result<Rendered, RenderError> {
    render_through(chart, user_values, options, remarks, None, &mut BTreeMap::new())
}

/// As [`render_with_remarks`], through a post-renderer; `made` keeps what the templates made where their documents are no objects.
pub(crate) fn render_through(
    chart: &Chart,
    user_values: &impl AsRef<Value>,
    options: &RenderOptions,
    remarks: &mut Vec<Remark>,
    post_render: Option<&mut PostRender<'_>>,
    made: &mut BTreeMap<String, String>,
) -> Result<Rendered, RenderError> {
    let none = Map::new();
    let user_values = user_values.as_ref().as_map().unwrap_or(&none);
    let compatibility = options.compatibility;
    let chart = dependencies::process(chart, user_values, compatibility, remarks).map_err(RenderError::Dependencies)?;
    let values = Coalesce { keep_nulls: false, compatibility, remarks }.values(&chart, user_values)?;
    if options.schema == SchemaCheck::Validate {
        let tells_steps = options.lowest_level <= Level::Debug;
        let loader = options.schema_loader.as_ref();
        let mut check = schema::Check { compatibility, loader, tells_steps, remarks };
        check.chart(&chart, &values).map_err(RenderError::Schema)?;
    }
    let constraint = &chart.metadata().kube_version;
    let version = &options.capabilities.kube_version;
    if !constraint.is_empty() && !compatibility.satisfies(constraint, version.normalized()) {
        let version = version.version().to_owned();
        return Err(RenderError::KubeVersion { constraint: constraint.clone(), version });
    }
    let values_before = Value::Map(deep_copy_map(&values));
    let (outputs, usage) = engine::render_files(&chart, &values, options, None)?;

    let mut notes = String::new();
    let mut files = BTreeMap::new();
    let own_notes = format!("{}/templates/NOTES.txt", chart.name());
    for (path, output) in outputs {
        if !path.ends_with("NOTES.txt") {
            let text = match output.as_str() {
                Some(text) => text.to_owned(),
                None => return Err(not_text(path, &output)),
            };
            files.insert(path, text);
        } else if options.notes == NotesOf::All || path == own_notes {
            if !notes.is_empty() {
                notes.push('\n');
            }
            notes.push_str(&output.to_str_lossy());
        }
    }
    if let Some(post_render) = post_render {
        files = post_render(files, remarks).map_err(RenderError::PostRender)?;
    }
    let sorted = sort_manifests(&files, compatibility, remarks);
    let (hooks, manifests) = match sorted {
        Ok(sorted) => sorted,
        Err(error) => {
            *made = files;
            return Err(error.into());
        }
    };
    let crds = chart.crds();
    Ok(Rendered { manifests, hooks, notes, crds, chart, values: values_before, remarks: remarks.clone(), usage })
}

/// The output of every template by its path, as Helm's linter renders: `fail`, and `required` without a value, become remarks and
/// empty texts. The chart is processed and the values are coalesced already.
pub(crate) fn render_to_lint(
    chart: &Chart,
    values: &Map,
    options: &RenderOptions,
    remarks: &mut Vec<Remark>,
) -> Result<BTreeMap<String, Str>, RenderError> {
    let refusals = host::Refusals::default();
    let rendered = engine::render_files(chart, values, options, Some(refusals.clone()));
    remarks.append(&mut refusals.lock().unwrap_or_else(PoisonError::into_inner));
    rendered.map(|(files, _)| files)
}

/// The error for output that is no text, in the words of Helm's reader.
fn not_text(path: String, output: &Str) -> RenderError {
    match sutler_yaml::decode(output.as_bytes()) {
        Err(error) => RenderError::Manifest(ManifestError {
            path,
            document: output.to_str_lossy().into_owned(),
            source: DecodeError::Read(error),
        }),
        Ok(_) => TemplateError::encoding(&path, output).into(),
    }
}

impl Rendered {
    /// The manifest as a release record stores it: every object with its source before it.
    pub fn manifest_text(&self) -> String {
        let mut text = String::new();
        for Manifest { source, text: document, .. } in &self.manifests {
            text.push_str(&format!("---\n# Source: {source}\n{document}\n"));
        }
        text
    }
}
