//! `helm template`, without its arguments' parser and its files: from flags to what Helm prints.
//!
//! ```text
//! HelmTemplate (flags as typed) ──run──▶ TemplateOutput { stdout, stderr, files, exit_code }
//!                                │
//!                                └─ TemplateInputs: how to find a chart, read a file; time and seed
//! ```
//!
//! Flags that need a cluster (`--validate`, `--dry-run=server`) are the caller's to refuse.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sutler_template::{ExecuteOptions, Limits, TemplateSet, Value};
use thiserror::Error;

use crate::chart::Chart;
use crate::compat::Compatibility;
use crate::dependencies;
use crate::explain::{Circumstances, Hint, explain, explain_missing_dependencies, explain_values};
use crate::load::FindError;
use crate::log::{Level, Remark};
use crate::manifest::{sort_manifests, split_documents};
use crate::pattern::PathPattern;
use crate::release_name::{RELEASE_NAME_RULE, is_release_name};
use crate::render::{
    NotesOf, Operation, PostRender, ReleaseInfo, RenderError, RenderOptions, RenderTrace, Rendered, SchemaCheck,
    render_through,
};
use crate::schema::SchemaLoader;
use crate::text::{base_name, error_chain, go_quoted, is_space};
use crate::values::{ValuesFile, ValuesOptions};

/// How many bytes one rendering may make altogether: more than any chart that is meant to work, less than makes a machine swap.
/// Helm knows no bound and goes on until the system ends it.
const MOST_MADE: usize = 2 << 30;

/// The flags of `helm template` as they were typed.
#[derive(Debug, Clone, Default)]
pub struct HelmTemplate {
    /// `[NAME] CHART`.
    pub args: Vec<String>,
    /// `--namespace`, or the kubeconfig's, or `default`.
    pub namespace: String,
    /// `-f`, `--values`: paths, read through [`TemplateInputs::read`].
    pub values_files: Vec<String>,
    /// `--set` and its kin; its `files` come before those of `values_files`.
    pub values: ValuesOptions,
    /// `--name-template`.
    pub name_template: String,
    /// `--generate-name`.
    pub generate_name: bool,
    /// `--show-only`.
    pub show_only: Vec<String>,
    /// `--include-crds`.
    pub include_crds: bool,
    /// `--skip-tests`.
    pub skip_tests: bool,
    /// `--no-hooks`.
    pub no_hooks: bool,
    /// `--api-versions`, commas already split.
    pub api_versions: Vec<String>,
    /// `--kube-version`.
    pub kube_version: String,
    /// `--is-upgrade`.
    pub is_upgrade: bool,
    /// `--skip-schema-validation`.
    pub skip_schema_validation: bool,
    /// `--render-subchart-notes`; notes are not printed, but they are rendered.
    pub render_subchart_notes: bool,
    /// `--output-dir`; empty for stdout.
    pub output_dir: String,
    /// `--compat`: the Helm that is mirrored. [`TemplateInputs::find`] is to load charts by the same.
    pub compatibility: Compatibility,
    /// `--release-name`: the release's name becomes a part of the paths below `--output-dir`.
    pub use_release_name: bool,
}

/// From the reference that was typed to a chart.
pub type FindChart<'i> = dyn FnMut(&str, &mut Vec<Remark>) -> Result<Chart, FindError> + 'i;

/// What `helm template` needs from outside.
pub struct TemplateInputs<'i> {
    /// Finds and loads a chart by the reference that was typed; [`Chart::find`] for charts of this machine.
    pub find: &'i mut FindChart<'i>,
    /// Reads a file (`-f`, `--set-file`); the error is Go's text: `open x: no such file or directory`.
    pub read: &'i mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    /// What `now` answers.
    pub now: Timestamp,
    /// See [`RenderOptions::seed`].
    pub seed: [u8; 32],
}

/// What else `helm template` may be asked for.
#[derive(Default)]
pub struct TemplateExtras<'e> {
    /// `--debug`: the steps are told, and what was made is printed also where it fails.
    pub debug: bool,
    /// See [`RenderOptions::schema_loader`].
    pub schema_loader: Option<SchemaLoader>,
    /// `--labels`: of them only the names matter, some of which are Helm's own.
    pub labels: Vec<String>,
    /// `--post-renderer`: changes what the templates made.
    pub post_render: Option<&'e mut PostRender<'e>>,
    /// Helm 3's: changes the release's manifests, of which hooks are none.
    pub post_render_release: Option<&'e mut PostRenderRelease<'e>>,
}

/// A post-renderer of Helm 3: the release's manifests, and what becomes of them or why it cannot be done.
pub type PostRenderRelease<'p> = dyn FnMut(&str) -> Result<String, String> + 'p;

/// What `helm template` does to the outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateOutput {
    /// What goes to stdout.
    pub stdout: String,
    /// What goes to stderr: remarks, then the error.
    pub stderr: String,
    /// Files to write, in this order, before anything is printed.
    pub files: Vec<OutputFile>,
    /// 0 or 1.
    pub exit_code: i32,
    /// What can be said below the error; Helm says none of it.
    pub hints: Vec<Hint>,
}

/// A file below `--output-dir`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Its path, the output folder included.
    pub path: String,
    /// The text to write.
    pub text: String,
    /// What happens to a file that is there.
    pub mode: WriteMode,
}

/// How an [`OutputFile`] is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// What was there is replaced.
    Replace,
    /// The text is added; the file is made where there is none. Helm writes hooks this way, also into files of an earlier run.
    Append,
}

/// Why `helm template` fails. The texts, joined with their causes by `: `, are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
enum TemplateError {
    #[error("\"helm template\" requires at least 1 argument\n\nUsage:  helm template [NAME] [CHART] [flags]")]
    NoArguments,
    #[error("invalid kube version '{0}': {1}")]
    KubeVersion(String, crate::capabilities::KubeVersionError),
    #[error("expected at most two arguments, unexpected arguments: {0}")]
    TooManyArguments(String),
    #[error("cannot set --{0} and also specify a name")]
    NameTwice(&'static str),
    #[error("{0}")]
    Text(String),
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(transparent)]
    Values(#[from] crate::values::ValuesError),
    #[error("{0} charts are not installable")]
    NotInstallable(String),
    #[error(
        "an error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {0}"
    )]
    MissingDependencies(String),
    #[error("release name check failed: release name {name}: {reason}", name = go_quoted(.0), reason = name_reason(.0))]
    ReleaseName(String),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("user supplied labels contains system reserved label name. System labels: [{0}]")]
    OwnLabels(String),
    #[error("could not find template {0} in chart")]
    NoSuchTemplate(String),
}

fn name_reason(name: &str) -> String {
    if name.is_empty() {
        return "no name provided".to_owned();
    }
    format!("invalid release name, must match regex {RELEASE_NAME_RULE} and the length must not be longer than 53")
}

impl TemplateError {
    /// The text after `Error: `.
    fn text(&self, compatibility: Compatibility) -> String {
        let text = error_chain(self);
        match (compatibility, self) {
            // Helm 3 begins this one with a capital, and says nothing before these.
            (Compatibility::V3, TemplateError::MissingDependencies(_)) => text.replacen("an error", "An error", 1),
            (Compatibility::V3, TemplateError::ReleaseName(_)) => {
                text.strip_prefix("release name check failed: ").map_or(text.clone(), str::to_owned)
            }
            (Compatibility::V3, TemplateError::Render(RenderError::Dependencies(cause))) => cause.to_string(),
            _ => text,
        }
    }

    /// Whether Helm already had a release to show when it failed; then it offers `--debug`.
    fn has_release(&self) -> bool {
        matches!(
            self,
            TemplateError::Render(
                RenderError::KubeVersion { .. }
                    | RenderError::Template(_)
                    | RenderError::Manifest(_)
                    | RenderError::PostRender(_)
                    | RenderError::Stopped(_)
            )
        )
    }
}

impl HelmTemplate {
    /// Does what `helm template` does with these flags.
    pub fn run(&self, inputs: &mut TemplateInputs<'_>) -> TemplateOutput {
        self.run_with(inputs, TemplateExtras::default())
    }

    /// As [`HelmTemplate::run`], with more that Helm may be asked for.
    pub fn run_with(&self, inputs: &mut TemplateInputs<'_>, extras: TemplateExtras<'_>) -> TemplateOutput {
        let mut remarks = Vec::new();
        let mut hints = Vec::new();
        let debug = extras.debug;
        let mut made = BTreeMap::new();
        let outcome = self.outcome(inputs, extras, &mut remarks, &mut hints, &mut made);
        let lines = remarks.iter().filter_map(|remark| remark.line(self.compatibility));
        let mut stderr: String = lines.map(|line| format!("{line}\n")).collect();
        match outcome {
            Ok((stdout, files)) => TemplateOutput { stdout, stderr, files, exit_code: 0, hints: Vec::new() },
            Err(error) => {
                let asks = error.has_release() && !debug;
                let hint = if asks { "\n\nUse --debug flag to render out invalid YAML" } else { "" };
                let mut shown = None;
                if error.has_release() && debug {
                    match self.broken(&error, &made) {
                        Ok(text) => shown = Some(text),
                        // What is to be shown alone is not there: Helm tells that instead.
                        Err(other) => {
                            stderr.push_str(&format!("Error: {}\n", other.text(self.compatibility)));
                            return TemplateOutput { stderr, exit_code: 1, hints, ..TemplateOutput::default() };
                        }
                    }
                }
                stderr.push_str(&format!("Error: {}{hint}\n", error.text(self.compatibility)));
                let stdout = shown.unwrap_or_default();
                TemplateOutput { stdout, stderr, exit_code: 1, hints, ..TemplateOutput::default() }
            }
        }
    }

    /// What is shown of a release whose documents are no objects: every file as it was made, then the hooks that were found.
    fn broken(&self, error: &TemplateError, made: &BTreeMap<String, String>) -> Result<String, TemplateError> {
        let mut text = String::new();
        for (path, content) in made.iter().filter(|(_, content)| !content.trim_matches(is_space).is_empty()) {
            text.push_str(&format!("---\n# Source: {path}\n{content}\n"));
        }
        let mut text = format!("{}\n", text.trim_matches(is_space));
        if let TemplateError::Render(RenderError::Manifest(broken)) = error
            && !self.no_hooks
        {
            let good = made.range(..broken.path.clone());
            let good = good.map(|(path, content)| (path.clone(), content.clone())).collect();
            let hooks = sort_manifests(&good, self.compatibility, &mut Vec::new())
                .map_or_else(|_| Vec::new(), |(hooks, _)| hooks);
            for hook in hooks.iter().filter(|hook| !(self.skip_tests && hook.is_test())) {
                text.push_str(&format!("---\n# Source: {}\n{}\n", hook.path, hook.manifest));
            }
        }
        if self.show_only.is_empty() { Ok(text) } else { self.only_shown(&text) }
    }

    fn outcome(
        &self,
        inputs: &mut TemplateInputs<'_>,
        extras: TemplateExtras<'_>,
        remarks: &mut Vec<Remark>,
        hints: &mut Vec<Hint>,
        made: &mut BTreeMap<String, String>,
    ) -> Result<(String, Vec<OutputFile>), TemplateError> {
        if self.args.is_empty() {
            return Err(TemplateError::NoArguments);
        }
        let mut capabilities = self.compatibility.capabilities();
        if !self.kube_version.is_empty() {
            capabilities.kube_version = self
                .compatibility
                .kube_version(&self.kube_version)
                .map_err(|error| TemplateError::KubeVersion(self.kube_version.clone(), error))?;
        }
        let (name, reference) = self.name_and_chart()?;
        // Helm looks for the chart before it reads values, and loads it after: what is not there comes first, what is broken last.
        let mut loading = Vec::new();
        let found = match (inputs.find)(reference, &mut loading) {
            Err(error @ FindError::NotFound(_)) => {
                remarks.append(&mut loading);
                return Err(error.into());
            }
            found => found,
        };
        let (given, values) = self.merged_values(inputs, hints)?;
        remarks.append(&mut loading);
        let chart = found?;
        self.check_chart(&chart, remarks).inspect_err(|error| {
            if let TemplateError::MissingDependencies(_) = error {
                hints.push(explain_missing_dependencies(&chart, reference));
            }
        })?;
        if !is_release_name(&name) {
            let error = TemplateError::ReleaseName(name);
            if let Some(text) = error.to_string().strip_prefix("release name check failed: ") {
                let details = vec![("error", text.to_owned())];
                remarks.push(Remark::new(Level::Error, "release name check failed", details));
            }
            return Err(error);
        }
        let mut options = RenderOptions::new(ReleaseInfo {
            name: name.clone(),
            namespace: self.namespace.clone(),
            revision: 1,
            operation: if self.is_upgrade { Operation::Upgrade } else { Operation::Install },
        });
        options.limits = Limits::default().with_output(MOST_MADE);
        options.capabilities = capabilities.with_api_versions(&self.api_versions);
        options.seed = inputs.seed;
        options.now = inputs.now;
        options.schema = if self.skip_schema_validation { SchemaCheck::Skip } else { SchemaCheck::Validate };
        options.schema_loader = extras.schema_loader;
        options.lowest_level = if extras.debug { Level::Debug } else { Level::Info };
        options.notes = if self.render_subchart_notes { NotesOf::All } else { NotesOf::Root };
        options.compatibility = self.compatibility;
        options.trace = Some(Arc::new(RenderTrace::new()));
        const OWN_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];
        if extras.labels.iter().any(|label| OWN_LABELS.contains(&label.as_str())) {
            return Err(TemplateError::OwnLabels(OWN_LABELS.join(" ")));
        }
        let rendered =
            render_through(&chart, &values, &options, remarks, extras.post_render, made).inspect_err(|error| {
                if let RenderError::Dependencies(cause) = error {
                    let details = vec![("error", cause.to_string())];
                    remarks.push(Remark::new(Level::Error, "chart dependencies processing failed", details));
                }
                let about = Circumstances { chart: &chart, values: &given, user_values: &values, options: &options };
                *hints = explain(error, &about);
            })?;
        let mut output =
            Printed { flags: self, release: &name, text: String::new(), files: Vec::new(), wrote: String::new() };
        output.manifests(&rendered);
        if let Some(post_render) = extras.post_render_release {
            output.text = post_render(&output.text).map_err(RenderError::PostRender)?;
        }
        output.hooks(&rendered);
        let Printed { text, files, wrote, .. } = output;
        let shown = if self.show_only.is_empty() { text } else { self.only_shown(&text)? };
        Ok((wrote + &shown, files))
    }

    /// The release's name and the chart's reference, as typed or made up.
    fn name_and_chart(&self) -> Result<(String, &str), TemplateError> {
        match self.args.as_slice() {
            [name, chart] => {
                if self.generate_name {
                    return Err(TemplateError::NameTwice("generate-name"));
                }
                if !self.name_template.is_empty() {
                    return Err(TemplateError::NameTwice("name-template"));
                }
                Ok((name.clone(), chart))
            }
            [chart] => {
                if self.name_template.is_empty() {
                    // Also with --generate-name: Helm has put this name in place before it looks at that flag.
                    return Ok(("release-name".to_owned(), chart));
                }
                Ok((name_of_template(&self.name_template).map_err(TemplateError::Text)?, chart))
            }
            more => Err(TemplateError::TooManyArguments(more.get(2..).unwrap_or_default().join(", "))),
        }
    }

    /// What was given, with the values files read, and the values that it makes.
    fn merged_values(
        &self,
        inputs: &mut TemplateInputs<'_>,
        hints: &mut Vec<Hint>,
    ) -> Result<(ValuesOptions, Value), TemplateError> {
        let mut values = self.values.clone();
        for name in &self.values_files {
            let text = (inputs.read)(name).map_err(TemplateError::Text)?;
            values.files.push(ValuesFile { name: name.clone(), text: String::from_utf8_lossy(&text).into_owned() });
        }
        let merged = values.merge_as(self.compatibility, inputs.read);
        let merged = merged.inspect_err(|error| *hints = explain_values(error, &values))?;
        Ok((values, merged))
    }

    fn check_chart(&self, chart: &Chart, remarks: &mut Vec<Remark>) -> Result<(), TemplateError> {
        let metadata = chart.metadata();
        if !matches!(metadata.kind.as_str(), "" | "application") {
            return Err(TemplateError::NotInstallable(metadata.kind.clone()));
        }
        if metadata.deprecated {
            remarks.push(Remark::new(Level::Warn, "this chart is deprecated", Vec::new()));
        }
        let missing = dependencies::missing(chart);
        if missing.is_empty() { Ok(()) } else { Err(TemplateError::MissingDependencies(missing.join(", "))) }
    }

    /// Of a stream of documents, those whose source one of the `--show-only` patterns matches.
    fn only_shown(&self, text: &str) -> Result<String, TemplateError> {
        let documents = split_documents(text);
        let mut shown = String::new();
        for pattern in &self.show_only {
            let matcher = PathPattern::parse(pattern).ok();
            let before = shown.len();
            for document in &documents {
                let path = source_path(document);
                if path.is_some_and(|path| matcher.as_ref().is_some_and(|matcher| matcher.matches(path))) {
                    shown.push_str(&format!("---\n{document}\n"));
                }
            }
            if shown.len() == before {
                return Err(TemplateError::NoSuchTemplate(pattern.clone()));
            }
        }
        Ok(shown)
    }
}

/// The path inside the chart that a document's `# Source: chart/…` names.
fn source_path(document: &str) -> Option<&str> {
    document.match_indices("# Source: ").find_map(|(at, mark)| {
        let line = document[at + mark.len()..].lines().next()?;
        let (chart, path) = line.split_once('/')?;
        (!chart.is_empty() && !path.is_empty()).then_some(path)
    })
}

/// A release's name made by a template, without data.
fn name_of_template(text: &str) -> Result<String, String> {
    let mut set = TemplateSet::new("name-template").with_function_table(sutler_functions::table());
    set.parse("name-template", text).map_err(|error| error.to_string())?;
    let name =
        set.execute("name-template", &Value::Nil, ExecuteOptions::default()).map_err(|error| without_marks(&error))?;
    Ok(name.to_str_lossy().into_owned())
}

/// An error's text without the marks by which the engine finds the message of `fail` and `required`: Helm makes names by a
/// plain template, whose `fail` sets none.
fn without_marks(error: &dyn std::fmt::Display) -> String {
    error.to_string().replace("HELM_ERR_START", "").replace("HELM_ERR_END", "")
}

/// The output while it is put together.
struct Printed<'p> {
    flags: &'p HelmTemplate,
    release: &'p str,
    text: String,
    files: Vec<OutputFile>,
    /// Helm's lines about the files it wrote.
    wrote: String,
}

impl Printed<'_> {
    fn manifests(&mut self, rendered: &Rendered) {
        if self.flags.include_crds {
            for crd in &rendered.crds {
                let root = self.flags.output_dir.clone();
                self.document(&root, &crd.path, &String::from_utf8_lossy(crd.file.data()), WriteMode::Replace);
            }
        }
        let root = self.root();
        for manifest in &rendered.manifests {
            self.document(&root, &manifest.source, &manifest.text, WriteMode::Replace);
        }
    }

    /// The folder that files are written into.
    fn root(&self) -> String {
        if self.flags.use_release_name {
            format!("{}/{}", self.flags.output_dir, self.release)
        } else {
            self.flags.output_dir.clone()
        }
    }

    fn hooks(&mut self, rendered: &Rendered) {
        self.text = format!("{}\n", self.text.trim_matches(is_space));
        let root = self.root();
        if self.flags.no_hooks {
            return;
        }
        for hook in rendered.hooks.iter().filter(|hook| !(self.flags.skip_tests && hook.is_test())) {
            self.document(&root, &hook.path, &hook.manifest, WriteMode::Append);
        }
    }

    fn document(&mut self, root: &str, path: &str, text: &str, mode: WriteMode) {
        let document = format!("---\n# Source: {path}\n{text}\n");
        if self.flags.output_dir.is_empty() {
            self.text.push_str(&document);
            return;
        }
        let path = format!("{root}/{path}");
        let is_new = self.files.iter().all(|file| file.path != path);
        self.wrote.push_str(&format!("wrote {path}\n"));
        let mode = if is_new { mode } else { WriteMode::Append };
        self.files.push(OutputFile { path, text: document, mode });
    }
}

/// A made-up release name as `helm install --generate-name` makes it: the chart's file name up to its first dot, and the second.
pub fn generated_name(chart: &str, now: Timestamp) -> String {
    let base = match base_name(chart) {
        "." | "" => "chart",
        name => name,
    };
    format!("{}-{}", base.split('.').next().unwrap_or(base), now.as_second())
}
