//! `helm lint`.

use std::fs;
use std::path::Path;

use sutler_chart::lint::{ExpandError, LintOptions, LintReport, Severity, Survey, SurveyError, lint};
use sutler_chart::{Compatibility, Level, SchemaCheck, error_chain};

use crate::command::{Action, Arguments, Command, Invocation};
use crate::failure::Failure;
use crate::flag::{Flag, Helms};
use crate::io::Io;
use crate::remote::schema_loader;

use super::flag_groups::VALUES;
use super::values;

/// `lint`.
pub(super) const COMMAND: Command = Command {
    use_line: "lint PATH",
    short: "look for mistakes in a chart",
    long: "Looks at a chart, a folder or an archive, as if it were to be installed.

What would keep it from being installed is an [ERROR]; what goes against custom is a [WARNING], and with
--strict a failure too.",
    flags: &[
        VALUES,
        &[
            Flag::switch("strict", "warnings are failures"),
            Flag::switch("with-subcharts", "subcharts too"),
            Flag::switch("quiet", "print only warnings and errors"),
            Flag::switch("skip-schema-validation", "do not check the values against the charts' schemas"),
            Flag::text("kube-version", "the version of Kubernetes to look for deprecations by"),
        ],
    ],
    arguments: Arguments::AtLeast(1),
    action: Action::Run(run),
    helms: Helms::Four,
    ..Command::EMPTY
};

/// `lint` of Helm 3, which without a path looks at the folder it is called in.
pub(super) const OF_HELM3: Command = Command { arguments: Arguments::Any, helms: Helms::Three, ..COMMAND };

fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let (flags, compatibility) = (&call.flags, call.settings.compatibility);
    let kube_version = match flags.text("kube-version") {
        "" => None,
        text => Some(
            compatibility
                .kube_version(text)
                .map_err(|error| Failure::new(format!("invalid kube version '{text}': {error}")))?,
        ),
    };
    let mut paths = call.arguments.clone();
    if paths.is_empty() {
        paths.push(".".to_owned());
    }
    if flags.is_on("with-subcharts") {
        for path in &paths.clone() {
            charts_below(&clean(&format!("{path}/charts")), &mut paths);
        }
    }
    let options = LintOptions {
        namespace: call.settings.namespace(&io.variables),
        kube_version,
        schema: if flags.is_on("skip-schema-validation") { SchemaCheck::Skip } else { SchemaCheck::Validate },
        schema_loader: Some(schema_loader(&io.variables, compatibility)),
        lowest_level: if call.settings.debug { Level::Debug } else { Level::Info },
        seed: io.seed,
        now: io.now,
        compatibility,
        ..LintOptions::default()
    };
    let values = values::merged(call, io)?;
    let (strict, quiet) = (flags.is_on("strict"), flags.is_on("quiet"));
    let fatal = if strict { Severity::Warning } else { Severity::Error };
    let (mut text, mut failed, mut remarkable) = (String::new(), 0, 0);
    for path in &paths {
        let report = survey(path, compatibility, io).map(|survey| lint(&survey, &values, &options));
        let report = report.inspect(|report| report.remarks.iter().for_each(|remark| io.remark(remark)));
        let is_remarkable = report.as_ref().map_or(true, |report| report.has(Severity::Warning));
        remarkable += usize::from(is_remarkable);
        if quiet && !is_remarkable {
            continue;
        }
        failed += usize::from(report.as_ref().map_or(true, |report| report.has(fatal)));
        text.push_str(&section(path, &report, quiet));
    }
    io.data(text);
    let summary = format!("{} chart(s) linted, {failed} chart(s) failed", paths.len());
    if failed > 0 {
        return Err(Failure::new(summary));
    }
    if !quiet || remarkable > 0 {
        io.line(summary);
    }
    Ok(())
}

/// What is printed of one chart.
fn section(path: &str, report: &Result<LintReport, SurveyError>, quiet: bool) -> String {
    let mut text = format!("==> Linting {path}\n");
    match report {
        Err(error) => text.push_str(&format!("Error {}\n", error_chain(error))),
        Ok(report) => {
            let shown = report.findings.iter().filter(|finding| !quiet || finding.severity > Severity::Info);
            shown.for_each(|finding| text.push_str(&format!("{finding}\n")));
        }
    }
    text.push('\n');
    text
}

/// A folder is looked at as it is, an archive as Helm would unpack it into a folder of its own.
fn survey(path: &str, compatibility: Compatibility, io: &Io<'_>) -> Result<Survey, SurveyError> {
    if !is_archive(path) {
        return Survey::of_folder_as(Path::new(path), compatibility);
    }
    let failed = |error: std::io::Error| {
        // Go opens a folder, and fails when it reads.
        let is_folder = error.kind() == std::io::ErrorKind::IsADirectory;
        let error = values::file_error("open", path, error);
        if is_folder { SurveyError::Extract(ExpandError::File(error)) } else { SurveyError::Open(error) }
    };
    let bytes = fs::read(path).map_err(failed)?;
    let temporary = io.variables.filled("TMPDIR").unwrap_or("/tmp").trim_end_matches('/');
    let number = u32::from_le_bytes([io.seed[0], io.seed[1], io.seed[2], io.seed[3]]);
    Survey::of_archive_as(&bytes, &format!("{temporary}/helm-lint{number}"), compatibility)
}

fn is_archive(path: &str) -> bool {
    path.ends_with(".tgz") || path.ends_with(".tar.gz")
}

/// Every folder with a Chart.yaml and every archive, in the order in which Go walks. Links are not followed.
fn charts_below(path: &str, charts: &mut Vec<String>) {
    let Ok(found) = fs::symlink_metadata(path) else { return };
    if path.rsplit('/').next() == Some("Chart.yaml") {
        charts.push(path.rsplit_once('/').map_or(".", |(folder, _)| folder).to_owned());
    } else if is_archive(path) {
        charts.push(path.to_owned());
    }
    if !found.is_dir() {
        return;
    }
    let Ok(entries) = fs::read_dir(path) else { return };
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names.iter().for_each(|name| charts_below(&format!("{path}/{name}"), charts));
}

fn clean(path: &str) -> String {
    sutler_chart::clean_path(path)
}
