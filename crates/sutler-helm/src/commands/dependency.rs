//! `helm dependency build`, `list` and `update`.

use std::path::{Path, PathBuf};

use sutler_chart::{Chart, Compatibility, Dependency, FindError};
use sutler_functions::semver::{Constraints, Version};
use sutler_repository::dependencies::{DependencyError, DependencyManager, load_folder};
use sutler_repository::fetch::Verify;

use crate::command::{Action, Arguments, Command, Invocation};
use crate::failure::Failure;
use crate::flag::Flag;
use crate::io::Io;
use crate::remote::Remote;
use crate::table::Table;

use super::flag_groups::{TRANSPORT, VERIFY, column_width};

/// `dependency`.
pub(super) const COMMAND: Command = Command {
    use_line: "dependency update|build|list",
    aliases: &["dep", "dependencies"],
    short: "a chart's dependencies",
    long: "Lists, fetches and updates the charts that a chart's Chart.yaml names as its dependencies.",
    arguments: Arguments::None,
    subcommands: &[&LIST, &UPDATE, &BUILD],
    ..Command::EMPTY
};

const LIST: Command = Command {
    use_line: "list CHART",
    aliases: &["ls"],
    short: "list a chart's dependencies",
    flags: &[&[column_width("80")]],
    arguments: Arguments::AtMost(1),
    action: Action::Run(list),
    ..Command::EMPTY
};

const UPDATE: Command = Command {
    use_line: "update CHART",
    aliases: &["up"],
    short: "fetch into charts/ what Chart.yaml names, and write Chart.lock",
    flags: &[VERIFY, TRANSPORT, &[SKIP_REFRESH]],
    arguments: Arguments::AtMost(1),
    action: Action::Run(update),
    ..Command::EMPTY
};

const BUILD: Command = Command {
    use_line: "build CHART",
    short: "fetch into charts/ what Chart.lock names",
    flags: &[VERIFY, TRANSPORT, &[SKIP_REFRESH]],
    arguments: Arguments::AtMost(1),
    action: Action::Run(build),
    ..Command::EMPTY
};

const SKIP_REFRESH: Flag = Flag::switch("skip-refresh", "use the cached repository indexes as they are");

/// The chart that is meant, the folder itself where none is named.
fn chart_path(call: &Invocation) -> String {
    call.arguments.first().map_or_else(|| ".".to_owned(), |path| sutler_chart::clean_path(path))
}

fn update(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    manage(call, io, Verify::Always, |manager, io| manager.update(io))
}

fn build(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    manage(call, io, Verify::IfPossible, |manager, io| manager.build(io))
}

fn manage(
    call: &Invocation,
    io: &mut Io<'_>,
    verify: Verify,
    work: impl FnOnce(&DependencyManager<'_>, &mut Io<'_>) -> Result<(), DependencyError>,
) -> Result<(), Failure> {
    let flags = &call.flags;
    let remote = Remote::of(call, io);
    let registry = remote.registry_client(flags)?;
    let manager = DependencyManager {
        fetcher: remote.fetcher(&registry),
        chart: PathBuf::from(chart_path(call)),
        verify: if flags.is_on("verify") { verify } else { Verify::Never },
        keyring: PathBuf::from(flags.text("keyring")),
        skip_refresh: flags.is_on("skip-refresh"),
        debug: call.settings.debug,
        time_zone: jiff::tz::TimeZone::system(),
    };
    work(&manager, io).map_err(|error| match error {
        DependencyError::UnknownRepositories { .. } if verify == Verify::IfPossible => {
            Failure::new(format!("{error}. Please add the missing repos via 'helm repo add'"))
        }
        error => error.into(),
    })
}

fn list(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let path = chart_path(call);
    let chart = load(&path, io)?;
    if !chart.lists_dependencies() {
        io.line(format!("WARNING: no dependencies at {}", crate::settings::join(&[&path, "charts"])));
        return Ok(());
    }
    let dependencies = &chart.metadata().dependencies;
    let charts = Path::new(&path).join("charts");
    let mut table = Table::new(call.flags.unsigned("max-col-width"));
    table.row(["NAME", "VERSION", "REPOSITORY", "STATUS"]);
    for dependency in dependencies {
        let Dependency { name, version, repository, .. } = dependency;
        table.row([name.as_str(), version, repository, status(&charts, dependency, &chart, io)]);
    }
    io.line(table.text());
    io.line("");
    for (entry, is_chart_like) in entries(&charts) {
        if !is_chart_like {
            continue;
        }
        let quoted = sutler_chart::go_quoted(&crate::settings::join(&[&path, "charts", &entry]));
        match find(&charts.join(&entry).display().to_string(), io) {
            Err(_) => io.line(format!("WARNING: {quoted} is not a chart.")),
            Ok(found) if !dependencies.iter().any(|dependency| dependency.name == found.name()) => {
                io.line(format!("WARNING: {quoted} is not in Chart.yaml."));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Loads a chart as Helm's `loader.Load`, whose errors name the path as it was typed.
fn load(path: &str, io: &mut Io<'_>) -> Result<Chart, Failure> {
    let found = std::fs::metadata(path)
        .map_err(|error| Failure::new(format!("stat {path}: {}", sutler_chart::io_message(&error))))?;
    if found.is_dir() {
        return Ok(load_folder(Path::new(path), io)?);
    }
    find(path, io).map_err(|error| {
        let absolute = std::path::absolute(path).map(|path| path.display().to_string()).unwrap_or_default();
        Failure::new(sutler_chart::error_chain(&error).replacen(&absolute, path, 1))
    })
}

/// Finds a chart, and tells what is noticed on the way.
fn find(path: &str, io: &mut Io<'_>) -> Result<Chart, FindError> {
    let mut remarks = Vec::new();
    let found = match io.compatibility {
        Compatibility::V4 => Chart::find_of_any_version(path, &mut remarks),
        compatibility @ Compatibility::V3 => Chart::find_as(path, compatibility, &mut remarks),
    };
    remarks.iter().for_each(|remark| io.remark(remark));
    found
}

/// The names of what is in a folder, sorted, and whether each is a folder or an archive.
fn entries(folder: &Path) -> Vec<(String, bool)> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let is_chart_like = |name: &String| folder.join(name).is_dir() || name.ends_with(".tgz");
    names.into_iter().map(|name| (name.clone(), is_chart_like(&name))).collect()
}

/// How it stands with a dependency, as Helm's `dependencyStatus`.
fn status(charts: &Path, dependency: &Dependency, parent: &Chart, io: &mut Io<'_>) -> &'static str {
    let prefix = format!("{}-", dependency.name);
    let archives: Vec<String> = entries(charts)
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name.strip_prefix(&prefix).is_some_and(|rest| rest.ends_with(".tgz")))
        .collect();
    let found = match archives.as_slice() {
        [one] => Some(one),
        _ => {
            let is_version = |name: &&String| {
                let rest = name.strip_suffix(".tgz").and_then(|name| name.strip_prefix(&prefix)).unwrap_or_default();
                is_strict_version(rest)
            };
            let versions: Vec<&String> = archives.iter().filter(is_version).collect();
            match versions.as_slice() {
                [one] => Some(*one),
                [] => None,
                _ => return "too many matches",
            }
        }
    };
    if let Some(archive) = found
        && let Ok(metadata) = std::fs::metadata(charts.join(archive))
    {
        if metadata.len() == 0 {
            // An empty file is no chart, and is told as any other file that is none.
            return "corrupt";
        }
        return match find(&charts.join(archive).display().to_string(), io) {
            Err(_) => "corrupt",
            Ok(chart) if chart.name() != dependency.name => "misnamed",
            Ok(chart) => compare(&chart, dependency).unwrap_or("ok"),
        };
    }
    match parent.dependencies().iter().rfind(|chart| chart.name() == dependency.name) {
        None => "missing",
        Some(chart) => compare(chart, dependency).unwrap_or("unpacked"),
    }
}

/// What is wrong with a chart's version, if anything.
fn compare(chart: &Chart, dependency: &Dependency) -> Option<&'static str> {
    let version = &chart.metadata().version;
    if *version == dependency.version {
        return None;
    }
    match (Constraints::parse(&dependency.version), Version::parse(version)) {
        (Ok(constraint), Ok(version)) => (!constraint.allow(&version)).then_some("wrong version"),
        _ => Some("invalid version"),
    }
}

/// Whether a text is a semantic version with three numbers, as `semver.StrictNewVersion` wants it.
fn is_strict_version(text: &str) -> bool {
    let numbers = text.split(['-', '+']).next().unwrap_or_default();
    let plain = |number: &str| {
        !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && (number.len() == 1 || !number.starts_with('0'))
    };
    numbers.split('.').count() == 3 && numbers.split('.').all(plain) && Version::parse(text).is_ok()
}
