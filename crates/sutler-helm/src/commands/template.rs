//! `helm template`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use sutler_chart::helm_template::{HelmTemplate, TemplateExtras, TemplateInputs, WriteMode};
use sutler_chart::{Chart, Compatibility, FindError, Remark, ValuesOptions};
use sutler_repository::Collected;
use sutler_repository::fetch::Getters as _;
use sutler_repository::transport::GetOptions;

use crate::command::{Action, Arguments, Command, Completion, Invocation};
use crate::complete;
use crate::debug;
use crate::failure::Failure;
use crate::flag::{Flag, Helms};
use crate::io::Io;
use crate::plugin::getters::PluginGetters;
use crate::post_render;
use crate::remote::{Remote, locate_chart, schema_loader, update_dependencies};
use crate::value::parse_bool;

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
            Flag::switch("validate", "").deprecated("use '--dry-run=server' instead").only(Helms::Four),
            Flag::switch("validate", "check the objects with the cluster").only(Helms::Three),
            Flag::switch("include-crds", "CustomResourceDefinitions too"),
            Flag::switch("skip-tests", "leave out tests"),
            Flag::switch("is-upgrade", "render as for an upgrade"),
            Flag::text("kube-version", "the version of Kubernetes to render for"),
            Flag::list("api-versions", "API versions that the cluster has too; may be given several times").short('a'),
            Flag::switch("release-name", "with --output-dir: a folder by the release's name"),
            DRY_RUN.or("client"),
            DRY_RUN_3,
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
    // A version of Kubernetes that is none is told before anything else.
    if template.kube_version.is_empty() || compatibility.kube_version(&template.kube_version).is_ok() {
        prepare(call, io)?;
    }
    let (now, seed) = (io.now, io.seed);
    let loader = schema_loader(&io.variables, compatibility);
    let io = RefCell::new(io);
    let output = {
        let mut read = |path: &str| read(path, call, &mut io.borrow_mut());
        let mut find =
            |reference: &str, remarks: &mut Vec<Remark>| find(reference, call, &mut io.borrow_mut(), remarks);
        let renderer = flags.text("post-renderer");
        let mut post_render = |files: BTreeMap<String, String>, remarks: &mut Vec<Remark>| {
            let mut io = io.borrow_mut();
            remarks.drain(..).for_each(|remark| io.remark(&remark));
            post_render::through(files, renderer, flags.texts("post-renderer-args"), &call.settings, &mut io)
        };
        let mut through_program = |manifests: &str| {
            post_render::through_program(manifests, renderer, flags.texts("post-renderer-args"), &io.borrow())
        };
        let extras = TemplateExtras {
            debug: call.settings.debug,
            schema_loader: Some(loader),
            labels: flags.pairs("labels").keys().cloned().collect(),
            post_render: (!renderer.is_empty() && compatibility == Compatibility::V4)
                .then_some(&mut post_render as &mut sutler_chart::PostRender<'_>),
            post_render_release: (!renderer.is_empty() && compatibility == Compatibility::V3)
                .then_some(&mut through_program),
        };
        template.run_with(&mut TemplateInputs { find: &mut find, read: &mut read, now, seed }, extras)
    };
    let io = io.into_inner();
    for file in &output.files {
        write(&file.path, &file.text, file.mode)?;
    }
    io.data(&output.stdout);
    io.flush();
    if !output.stderr.is_empty() {
        io.note(output.stderr.strip_suffix('\n').unwrap_or(&output.stderr));
    }
    if output.exit_code == 0 {
        return Ok(());
    }
    if compatibility == Compatibility::V3
        && call.settings.debug
        && let Some((_, error)) = output.stderr.split_once("Error: ")
    {
        io.note(debug::failure(error.strip_suffix('\n').unwrap_or(error), now));
    }
    let mut failure = Failure::silent(1);
    failure.hints = output.hints.iter().map(ToString::to_string).collect();
    Err(failure)
}

/// What is looked at before the chart: certificates, and what `--dry-run` says.
fn prepare(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let flags = &call.flags;
    let needs_certificates = ["cert-file", "key-file", "ca-file"].iter().any(|name| !flags.text(name).is_empty());
    if needs_certificates || flags.is_on("insecure-skip-tls-verify") {
        Remote::of(call, io).registry_client(flags)?;
    }
    let strategy = match call.settings.compatibility {
        Compatibility::V4 => dry_run(flags.text("dry-run"), io)?,
        Compatibility::V3 => dry_run_of_helm3(flags.text("dry-run"))?,
    };
    call.debug(io, "Original chart version", &[("version", flags.text("version").to_owned())]);
    if flags.text("version").is_empty() && flags.is_on("devel") {
        call.debug(io, "setting version to >0.0.0-0", &[]);
    }
    if flags.is_on("validate") || strategy == DryRun::Server {
        return Err(Failure::new(
            "cluster reachability check failed: kubernetes cluster unreachable: \
            rendering against a cluster is not available in this version",
        )
        .hint("without --validate and --dry-run=server the chart is rendered on this machine"));
    }
    Ok(())
}

/// What a rendering is tried against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DryRun {
    Client,
    Server,
}

/// Reads `--dry-run`, its older forms too.
fn dry_run(text: &str, io: &mut Io<'_>) -> Result<DryRun, Failure> {
    let refused = |choices: &str| {
        Failure::new(format!("invalid dry-run value ({}). Must be {choices}", sutler_chart::go_quoted(text)))
    };
    match text {
        "unset" => {
            io.warn("--dry-run is deprecated and should be replaced with '--dry-run=client'", &[]);
            Ok(DryRun::Client)
        }
        "client" => Ok(DryRun::Client),
        "server" => Ok(DryRun::Server),
        "none" => Err(refused("\"server\" or \"client\"")),
        other => match parse_bool(other) {
            Err(_) => Err(refused("\"none\", \"server\", or \"client\"")),
            Ok(false) => Err(refused("\"server\" or \"client\"")),
            Ok(true) => {
                let text = format!(
                    "boolean '--dry-run={other}' flag is deprecated and must be replaced with '--dry-run=client'"
                );
                io.warn(&text, &[]);
                Ok(DryRun::Client)
            }
        },
    }
}

/// Reads Helm 3's `--dry-run`, all of whose values but one render here.
fn dry_run_of_helm3(text: &str) -> Result<DryRun, Failure> {
    match text {
        "" | "false" | "true" | "none" | "client" => Ok(DryRun::Client),
        "server" => Ok(DryRun::Server),
        _ => {
            Err(Failure::new("Invalid dry-run flag. Flag must one of the following: false, true, none, client, server"))
        }
    }
}

/// Finds and loads the chart: on this machine, else where repositories and registries are.
fn find(reference: &str, call: &Invocation, io: &mut Io<'_>, remarks: &mut Vec<Remark>) -> Result<Chart, FindError> {
    let compatibility = call.settings.compatibility;
    let name = reference.trim();
    let is_here = Path::new(name).exists() || Path::new(name).is_absolute() || name.starts_with('.');
    let is_plain = call.flags.text("repo").is_empty() && !call.flags.is_on("verify");
    let path = if is_here && is_plain {
        name.to_owned()
    } else {
        let located = locate_chart(call, io, name).map_err(|failure| FindError::NotFound(failure.text))?;
        located.display().to_string()
    };
    if call.settings.debug && Path::new(&path).exists() {
        let path = sutler_chart::clean_path(&io.folder.join(&path).display().to_string());
        call.debug(io, "Chart path", &[("path", path)]);
    }
    let chart = Chart::find_as(&path, compatibility, remarks)?;
    let is_missing = |name: &String| !chart.dependencies().iter().any(|found| found.name() == name.as_str());
    if !call.flags.is_on("dependency-update")
        || !chart.metadata().dependencies.iter().any(|dependency| is_missing(&dependency.name))
    {
        return Ok(chart);
    }
    let mut said = Collected::default();
    let updated = update_dependencies(call, io, Path::new(&path), &mut said);
    io.data(&said.out);
    io.remarks(&said.err);
    updated.map_err(|failure| FindError::NotFound(failure.text))?;
    Chart::find_as(&path, compatibility, remarks)
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

/// Reads a file, standard input for `-`, or what a URL has; the message is Go's.
fn read(path: &str, call: &Invocation, io: &mut Io<'_>) -> Result<Vec<u8>, String> {
    if path.trim() == "-" {
        return io.read_stdin();
    }
    if let Some((scheme, _)) = path.split_once("://") {
        if matches!(scheme, "http" | "https") {
            let remote = Remote::of(call, io);
            return remote
                .transport
                .get(path, &GetOptions::default())
                .map_err(|error| sutler_chart::error_chain(&error));
        }
        let getters = PluginGetters::of(&call.settings, &io.variables);
        if getters.provides(scheme) {
            return getters.get(scheme, path, &GetOptions::default());
        }
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
