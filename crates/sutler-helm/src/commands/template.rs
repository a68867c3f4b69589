//! `helm template`.

use std::cell::RefCell;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sutler_chart::helm_template::{HelmTemplate, TemplateInputs, WriteMode};
use sutler_chart::{Chart, ChartSource, FindError, ValuesOptions};
use sutler_repository::Collected;
use sutler_repository::transport::GetOptions;

use crate::command::{Action, Arguments, Command, Completion, Invocation};
use crate::complete;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::io::Io;
use crate::remote::{Remote, locate_chart, update_dependencies};

use super::flag_groups::*;

/// `template`.
pub(super) const COMMAND: Command = Command {
    use_line: "template [NAME] [CHART]",
    short: "render a chart here, and print it",
    long: "Renders a chart's templates on this machine and prints the manifests.

What would be asked of a cluster is made up: `lookup` finds nothing, and the versions are those of
--kube-version and --api-versions.",
    flags: &[
        RELEASE,
        INSTALL,
        VALUES,
        CHART,
        TRANSPORT,
        VERIFY,
        DEVEL,
        WAIT,
        TIMEOUT,
        POST_RENDERER,
        &[
            Flag::texts("show-only", "only manifests of this template; may be given several times").short('s'),
            Flag::text("output-dir", "write files into this folder instead of printing"),
            Flag::switch("validate", "").deprecated("use '--dry-run=server' instead"),
            Flag::switch("include-crds", "CustomResourceDefinitions too"),
            Flag::switch("skip-tests", "leave out tests"),
            Flag::switch("is-upgrade", "render as for an upgrade"),
            Flag::text("kube-version", "the version of Kubernetes to render for"),
            Flag::list("api-versions", "API versions that the cluster has too; may be given several times").short('a'),
            Flag::switch("release-name", "with --output-dir: a folder by the release's name"),
            DRY_RUN.or("client"),
        ],
    ],
    exclusive: &[FORCE_ONE[0], FORCE_ONE[1], &["validate", "dry-run"]],
    arguments: Arguments::AtLeast(1),
    action: Action::Run(run),
    complete: Completion::Custom(complete::complete_install),
    ..Command::EMPTY
};

fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let flags = &call.flags;
    let compatibility = call.settings.compatibility;
    let text = |name: &str| flags.text(name).to_owned();
    let texts = |name: &str| flags.texts(name).to_vec();
    let template = HelmTemplate {
        args: call.arguments.clone(),
        namespace: call.settings.namespace(&io.variables),
        values_files: texts("values"),
        values: ValuesOptions {
            files: Vec::new(),
            set_json: texts("set-json"),
            set: texts("set"),
            set_string: texts("set-string"),
            set_file: texts("set-file"),
            set_literal: texts("set-literal"),
        },
        name_template: text("name-template"),
        generate_name: flags.is_on("generate-name"),
        show_only: texts("show-only"),
        include_crds: flags.is_on("include-crds"),
        skip_tests: flags.is_on("skip-tests"),
        no_hooks: flags.is_on("no-hooks"),
        api_versions: texts("api-versions"),
        kube_version: text("kube-version"),
        is_upgrade: flags.is_on("is-upgrade"),
        skip_schema_validation: flags.is_on("skip-schema-validation"),
        render_subchart_notes: flags.is_on("render-subchart-notes"),
        output_dir: text("output-dir"),
        use_release_name: flags.is_on("release-name"),
        compatibility,
    };
    let (now, seed) = (io.now, io.seed);
    let output = {
        let io = RefCell::new(&mut *io);
        let mut read = |path: &str| read(path, call, &mut io.borrow_mut());
        let mut find = |reference: &str, remarks: &mut Vec<_>| {
            let path = located(reference, call, &mut io.borrow_mut()).map_err(|no| FindError::NotFound(no.text))?;
            Chart::find_as(&path.display().to_string(), compatibility, remarks)
        };
        template.run(&mut TemplateInputs { find: &mut find, read: &mut read, now, seed })
    };
    for file in &output.files {
        write(&file.path, &file.text, file.mode)?;
    }
    io.data(&output.stdout);
    if !output.stderr.is_empty() {
        io.note(output.stderr.trim_end_matches('\n'));
    }
    if output.exit_code == 0 {
        return Ok(());
    }
    let mut failure = Failure::silent(1);
    failure.hints = output.hints.iter().map(ToString::to_string).collect();
    Err(failure)
}

fn write(path: &str, text: &str, mode: WriteMode) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(go_io_error("open", path, &error));
    if let Some(parent) = Path::new(path).parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).write(true);
    match mode {
        WriteMode::Replace => options.truncate(true),
        WriteMode::Append => options.append(true),
    };
    options.open(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)
}

/// The path of the chart, fetched where it is not on this machine, its dependencies too where that is wanted.
fn located(reference: &str, call: &Invocation, io: &mut Io<'_>) -> Result<PathBuf, Failure> {
    let path = locate_chart(call, io, reference)?;
    if call.flags.is_on("dependency-update")
        && path.is_dir()
        && let Ok(chart) = Chart::load(ChartSource::Folder(&path))
    {
        let is_there = |name: &str| chart.dependencies().iter().any(|chart| chart.name() == name);
        if !chart.metadata().dependencies.iter().all(|dependency| is_there(&dependency.name)) {
            let mut said = Collected::default();
            let updated = update_dependencies(call, io, &path, &mut said);
            io.data(&said.out);
            io.remarks(&said.err);
            updated?;
        }
    }
    Ok(path)
}

/// Reads a file, what a URL has, or standard input for `-`; the message is Go's.
fn read(path: &str, call: &Invocation, io: &mut Io<'_>) -> Result<Vec<u8>, String> {
    if path.trim() == "-" {
        return io.read_stdin();
    }
    if path.starts_with("http://") || path.starts_with("https://") {
        let options = GetOptions { repository_url: path.to_owned(), ..GetOptions::default() };
        let fetched = Remote::of(call, io).transport.get(path, &options);
        return fetched.map_err(|error| sutler_chart::error_chain(&error));
    }
    std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::IsADirectory => go_io_error("read", path, &error),
        _ => go_io_error("open", path, &error),
    })
}

/// An error of the system as Go tells it: `open x: no such file or directory`.
fn go_io_error(action: &str, path: &str, error: &std::io::Error) -> String {
    let cause = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        std::io::ErrorKind::NotADirectory => "not a directory".to_owned(),
        std::io::ErrorKind::AlreadyExists => "file exists".to_owned(),
        _ => error.to_string(),
    };
    format!("{action} {path}: {cause}")
}
