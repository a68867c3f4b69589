//! `sutler helm compare`: renders charts here and by the real Helm, and shows where the two differ. Helm has no such command, and
//! neither has this program where it is started as `helm`.

use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::Arc;
use std::time::Instant;

use sutler_chart::helm_template::{HelmTemplate, TemplateExtras, TemplateInputs};
use sutler_chart::{
    Chart, Compatibility, KubeVersion, RenderOptions, RenderTrace, SchemaLoader, ValuesFile, ValuesOptions, locate_line,
};

use crate::command::{Action, Arguments, Command, Invocation};
use crate::compare::{self, Case, Comparison, Difference, Output, Stream, Verdict};
use crate::failure::Failure;
use crate::flag::{Flag, Kind};
use crate::flags::Format;
use crate::io::Io;
use crate::remote::schema_loader;

use super::flag_groups::*;

/// The exit code where charts render differently.
const DIFFERENT: u8 = 1;

/// The exit code where nothing could be compared: no Helm, no chart.
const CANNOT_COMPARE: u8 = 2;

/// The name of the release on both sides.
const RELEASE_NAME: &str = "release-name";

/// `compare`.
pub(super) const COMMAND: Command = Command {
    use_line: "compare CHART [CHART...]",
    short: "render charts here and by the real Helm, and show what differs",
    long: "Renders each chart twice, by this program and by the real Helm, and shows the first line that differs, with
the template that made it.

A chart is a folder with a Chart.yaml or an archive; of any other folder all charts in it are compared, and a
table is shown. Each file ci/*values.yaml of a chart is one more rendering.

Lines in which two runs of Helm itself differ (passwords, certificates, times) are left out, and their number is
told. Helm is the program of --helm, of $SUTLER_HELM, or `helm` on the PATH; whether it is a Helm 3 or 4 is asked
of it, unless --compat says whose behaviour is wanted here.

Exit codes: 0 where all renderings are equal, 1 where one differs, 2 where they cannot be compared.",
    flags: &[
        VALUES,
        &[
            Flag::text("helm", "the real Helm's path"),
            Flag::switch("include-crds", "CustomResourceDefinitions too"),
            Flag::switch("skip-tests", "leave out tests"),
            Flag::switch("no-hooks", "leave out hooks"),
            Flag::switch("is-upgrade", "render as for an upgrade"),
            Flag::switch("skip-schema-validation", "do not check the values against the charts' schemas"),
            Flag::text("kube-version", "the version of Kubernetes to render for"),
            Flag::list("api-versions", "API versions that the cluster has too; may be given several times").short('a'),
            Flag::of(Kind::Format, "output", "the form of the output: table, json or yaml").or("table").short('o'),
        ],
    ],
    arguments: Arguments::AtLeast(1),
    action: Action::Run(run),
    ..Command::EMPTY
};

fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    compared(call, io).unwrap_or_else(|failure| Err(Failure { exit_code: CANNOT_COMPARE, ..failure }))
}

fn compared(call: &Invocation, io: &mut Io<'_>) -> Result<Result<(), Failure>, Failure> {
    let helm = Helm::find(call, io)?;
    let compatibility = match (call.flags.changed("compat") || io.variables.filled("HELM_COMPAT").is_some(), &helm) {
        (true, _) => call.settings.compatibility,
        (false, helm) if helm.version.starts_with("v3.") => Compatibility::V3,
        _ => Compatibility::V4,
    };
    let mirrored = compatibility.helm_version().version;
    if !helm.version.starts_with(&mirrored) {
        let version = &helm.version;
        io.note(format!("this program renders as Helm {mirrored}; the Helm it is compared with is {version}"));
    }
    let mut charts = Vec::new();
    for argument in &call.arguments {
        charts_of(Path::new(argument), &mut charts)
            .map_err(|error| Failure::new(format!("cannot read {argument}: {}", sutler_chart::io_message(&error))))?;
    }
    if charts.is_empty() {
        return Err(Failure::new(format!("there is no chart in {}", call.arguments.join(", "))));
    }
    let namespace = call.settings.namespace(&io.variables);
    let schema_loader = schema_loader(&io.variables, compatibility);
    let side = Side { call, helm, compatibility, namespace, schema_loader, now: io.now, seed: io.seed };
    let comparisons: Vec<Comparison> = charts.iter().map(|chart| side.chart(chart)).collect::<Result<_, Failure>>()?;
    let helm = format!("Helm {}", side.helm.version);
    match call.flags.format("output") {
        Format::Table => io.data(compare::text(&comparisons, &helm)),
        Format::Json => io.line(compare::json(&comparisons, &helm).to_string()),
        Format::Yaml => {
            let value = sutler_chart::values::from_json(&compare::json(&comparisons, &helm));
            io.line(sutler_functions::yaml::write(&value)?);
        }
    }
    Ok(match comparisons.iter().any(Comparison::differs) {
        true => Err(Failure::silent(DIFFERENT)),
        false => Ok(()),
    })
}

/// The charts at a path: itself, or all below a folder that is none; subcharts do not count.
fn charts_of(path: &Path, charts: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !std::fs::metadata(path)?.is_dir() || path.join("Chart.yaml").exists() {
        charts.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    entries.sort();
    for entry in entries {
        // A link could lead in a circle.
        let kind = std::fs::symlink_metadata(&entry)?.file_type();
        if kind.is_dir() {
            charts_of(&entry, charts)?;
        } else if kind.is_file() && entry.extension().is_some_and(|end| end == "tgz") {
            charts.push(entry);
        }
    }
    Ok(())
}

/// The real Helm.
struct Helm {
    path: PathBuf,
    /// As it tells it: `v4.1.4+g05fa379`.
    version: String,
}

impl Helm {
    fn find(call: &Invocation, io: &Io<'_>) -> Result<Helm, Failure> {
        let typed = Some(call.flags.text("helm")).filter(|path| !path.is_empty());
        let named = typed.or_else(|| io.variables.filled("SUTLER_HELM")).map(PathBuf::from);
        let path = named.or_else(|| on_path(io)).ok_or_else(|| {
            Failure::new("there is no `helm` on the PATH to compare with")
                .hint("name one with --helm PATH or in $SUTLER_HELM")
        })?;
        let output = Process::new(&path).args(["version", "--short"]).output();
        let output = output.map_err(|error| {
            Failure::new(format!("cannot run {}: {}", path.display(), sutler_chart::io_message(&error)))
        })?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() || !version.starts_with('v') {
            return Err(Failure::new(format!(
                "{} is no Helm: it answers `version --short` with {version:?}",
                path.display()
            )));
        }
        Ok(Helm { path, version })
    }

    fn run(&self, arguments: &[String]) -> Result<Output, Failure> {
        let output = Process::new(&self.path).args(arguments).output().map_err(|error| {
            Failure::new(format!("cannot run {}: {}", self.path.display(), sutler_chart::io_message(&error)))
        })?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Output {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            exit_code: output.status.code().unwrap_or(-1),
        })
    }
}

/// The first `helm` on the PATH that is not this program.
fn on_path(io: &Io<'_>) -> Option<PathBuf> {
    let own = std::env::current_exe().ok().and_then(|path| path.canonicalize().ok());
    let name = if cfg!(windows) { "helm.exe" } else { "helm" };
    let folders =
        std::env::split_paths(io.variables.filled("PATH")?).map(|folder| folder.join(name)).collect::<Vec<_>>();
    folders.into_iter().find(|path| path.canonicalize().is_ok_and(|found| Some(found) != own) && path.is_file())
}

/// Both sides of a comparison, with what was given to both.
struct Side<'c> {
    call: &'c Invocation,
    helm: Helm,
    compatibility: Compatibility,
    namespace: String,
    now: jiff::Timestamp,
    seed: [u8; 32],
    schema_loader: SchemaLoader,
}

impl Side<'_> {
    /// A chart with its own values, and with each file of `ci/`.
    fn chart(&self, path: &Path) -> Result<Comparison, Failure> {
        let chart = path.display().to_string();
        let mut cases = vec![self.case(&chart, None, None)?];
        for values in CiValues::of(path)? {
            cases.push(self.case(&chart, Some(values.name.clone()), Some(values.path()))?);
        }
        Ok(Comparison { chart, cases })
    }

    fn case(&self, chart: &str, values: Option<String>, file: Option<String>) -> Result<Case, Failure> {
        let files: Vec<String> = file.into_iter().chain(self.texts("values")).collect();
        let arguments = self.arguments(chart, &files);
        let start = Instant::now();
        let ours = self.ours(chart, &files);
        let our_time = start.elapsed();
        let start = Instant::now();
        let helm = self.helm.run(&arguments)?;
        let helm_time = start.elapsed();
        let mut failed = None;
        let again = || {
            self.helm.run(&arguments).unwrap_or_else(|failure| {
                failed = Some(failure);
                Output::default()
            })
        };
        let mut verdict = compare::judge(&ours, &helm, again);
        if let Some(failure) = failed {
            return Err(failure);
        }
        if let Verdict::Different(difference, _) = &mut verdict {
            difference.template = self.template_line(chart, &files, &ours, difference);
        }
        Ok(Case { values, verdict, ours: our_time, helm: helm_time })
    }

    fn texts(&self, name: &str) -> Vec<String> {
        self.call.flags.texts(name).to_vec()
    }

    /// The arguments of `helm template`.
    fn arguments(&self, chart: &str, files: &[String]) -> Vec<String> {
        let mut arguments: Vec<String> =
            ["template", RELEASE_NAME, chart, "--namespace", &self.namespace].map(str::to_owned).into();
        for file in files {
            arguments.extend(["--values".to_owned(), file.clone()]);
        }
        for name in ["set-json", "set", "set-string", "set-file", "set-literal", "api-versions"] {
            arguments.extend(self.texts(name).into_iter().flat_map(|text| [format!("--{name}"), text]));
        }
        for name in ["include-crds", "skip-tests", "no-hooks", "is-upgrade", "skip-schema-validation"] {
            arguments.extend(self.call.flags.is_on(name).then(|| format!("--{name}")));
        }
        let kube_version = self.call.flags.text("kube-version");
        if !kube_version.is_empty() {
            arguments.extend(["--kube-version".to_owned(), kube_version.to_owned()]);
        }
        arguments
    }

    fn values(&self) -> ValuesOptions {
        ValuesOptions {
            files: Vec::new(),
            set_json: self.texts("set-json"),
            set: self.texts("set"),
            set_string: self.texts("set-string"),
            set_file: self.texts("set-file"),
            set_literal: self.texts("set-literal"),
        }
    }

    fn ours(&self, chart: &str, files: &[String]) -> Output {
        let flags = &self.call.flags;
        let template = HelmTemplate {
            args: vec![RELEASE_NAME.to_owned(), chart.to_owned()],
            namespace: self.namespace.clone(),
            values_files: files.to_vec(),
            values: self.values(),
            include_crds: flags.is_on("include-crds"),
            skip_tests: flags.is_on("skip-tests"),
            no_hooks: flags.is_on("no-hooks"),
            api_versions: self.texts("api-versions"),
            kube_version: flags.text("kube-version").to_owned(),
            is_upgrade: flags.is_on("is-upgrade"),
            skip_schema_validation: flags.is_on("skip-schema-validation"),
            compatibility: self.compatibility,
            ..HelmTemplate::default()
        };
        let compatibility = self.compatibility;
        let mut find = |reference: &str, remarks: &mut Vec<_>| Chart::find_as(reference, compatibility, remarks);
        let mut read = read;
        let inputs = &mut TemplateInputs { find: &mut find, read: &mut read, now: self.now, seed: self.seed };
        let extras = TemplateExtras { schema_loader: Some(self.schema_loader.clone()), ..TemplateExtras::default() };
        let output = template.run_with(inputs, extras);
        Output { stdout: output.stdout, stderr: output.stderr, exit_code: output.exit_code }
    }

    /// File and line of the template that made a line of our output.
    fn template_line(
        &self,
        chart: &str,
        files: &[String],
        ours: &Output,
        difference: &Difference,
    ) -> Option<(String, usize)> {
        let source = difference.source.as_ref().filter(|_| difference.stream == Stream::Stdout)?;
        let lines: Vec<&str> = ours.stdout.lines().collect();
        let at = difference.line.min(lines.len()).checked_sub(1)?;
        let start = lines[..=at].iter().rposition(|line| line.starts_with("# Source: "))? + 1;
        let end = lines[start..].iter().position(|line| *line == "---").map_or(lines.len(), |length| start + length);
        let document = lines[start..end].join("\n");
        let loaded = Chart::find_as(chart, self.compatibility, &mut Vec::new()).ok()?;
        let mut values = self.values();
        for file in files {
            let text = String::from_utf8_lossy(&read(file).ok()?).into_owned();
            values.files.push(ValuesFile { name: file.clone(), text });
        }
        let values = values.merge_as(self.compatibility, &mut read).ok()?;
        let mut options = RenderOptions::install(RELEASE_NAME, &self.namespace).with_compatibility(self.compatibility);
        if let Ok(version) = self.compatibility.kube_version(self.call.flags.text("kube-version")) {
            options.capabilities.kube_version = KubeVersion::clone(&version);
        }
        options.capabilities = options.capabilities.with_api_versions(&self.texts("api-versions"));
        options.seed = self.seed;
        options.now = self.now;
        options.schema_loader = Some(self.schema_loader.clone());
        options.trace = Some(Arc::new(RenderTrace::new()));
        let place = locate_line(&loaded, &values, &options, source, document.trim_end(), at.checked_sub(start)?)?;
        Some((place.file, place.line))
    }
}

/// Reads a file; the message is Go's.
fn read(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("open {path}: {}", sutler_chart::io_message(&error)))
}

/// A values file of a chart's own tests.
struct CiValues {
    /// `ci/small-values.yaml`.
    name: String,
    place: PathBuf,
    /// Whether it was written for this comparison and goes with it.
    is_ours: bool,
}

impl CiValues {
    fn of(chart: &Path) -> Result<Vec<CiValues>, Failure> {
        let is_values = |name: &str| name.starts_with("ci/") && name.ends_with("values.yaml");
        let mut found = Vec::new();
        if chart.is_dir() {
            for entry in std::fs::read_dir(chart.join("ci")).into_iter().flatten().flatten() {
                let name = format!("ci/{}", entry.file_name().to_string_lossy());
                if is_values(&name) {
                    found.push(CiValues { name, place: entry.path(), is_ours: false });
                }
            }
        } else if let Ok(loaded) = Chart::find(&chart.display().to_string(), &mut Vec::new()) {
            // Of an archive, Helm has to be given them as files.
            for file in loaded.raw_files().iter().filter(|file| is_values(file.name())) {
                let flat = file.name().replace('/', "-");
                let place = std::env::temp_dir().join(format!("sutler-compare-{}-{flat}", std::process::id()));
                std::fs::write(&place, file.data()).map_err(|error| {
                    Failure::new(format!("cannot write {}: {}", place.display(), sutler_chart::io_message(&error)))
                })?;
                found.push(CiValues { name: file.name().to_owned(), place, is_ours: true });
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn path(&self) -> String {
        self.place.display().to_string()
    }
}

impl Drop for CiValues {
    fn drop(&mut self) {
        if self.is_ours {
            // What is left in the folder of temporary files harms nobody.
            drop(std::fs::remove_file(&self.place));
        }
    }
}
