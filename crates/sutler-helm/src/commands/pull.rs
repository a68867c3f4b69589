//! `helm pull`.

use std::path::{Path, PathBuf};

use sutler_repository::Fetcher;
use sutler_repository::expand::expand;
use sutler_repository::fetch::Verify;

use crate::command::{Action, Arguments, Command, Completion, Invocation};
use crate::complete;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::io::Io;
use crate::remote::{Remote, chart_options};
use crate::settings::join;

use super::flag_groups::{CHART, DEVEL, TRANSPORT, VERIFY};

/// `pull`.
pub(super) const COMMAND: Command = Command {
    use_line: "pull [chart URL | repo/chartname] [...]",
    aliases: &["fetch"],
    short: "fetch a chart, and unpack it if wanted",
    flags: &[
        CHART,
        TRANSPORT,
        VERIFY,
        DEVEL,
        &[
            Flag::switch("untar", "unpack the chart"),
            Flag::switch("prov", "fetch the signature too, without checking it"),
            Flag::text("untardir", "with --untar: the folder to unpack into").or("."),
            Flag::text("destination", "the folder to write to; with --untardir, that one is below it")
                .or(".")
                .short('d'),
        ],
    ],
    arguments: Arguments::AtLeast(1),
    action: Action::Run(run),
    complete: Completion::Custom(complete::complete_remote_chart),
    ..Command::EMPTY
};

fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    if call.flags.text("version").is_empty() && call.flags.is_on("devel") {
        call.debug(io, "setting version to >0.0.0-0", &[]);
    }
    let remote = Remote::of(call, io);
    let registry = remote.registry_client(&call.flags)?;
    let fetcher = remote.fetcher(&registry);
    call.arguments.iter().try_for_each(|reference| pull(call, io, &fetcher, reference))
}

/// Fetches one chart, as Helm's `Pull.Run`.
fn pull(call: &Invocation, io: &mut Io<'_>, fetcher: &Fetcher<'_>, reference: &str) -> Result<(), Failure> {
    let flags = &call.flags;
    let mut options = chart_options(flags);
    if flags.is_on("prov") && options.verify == Verify::Never {
        options.verify = Verify::Later;
    }
    let untar = flags.is_on("untar");
    let destination = flags.text("destination");
    // What is to be unpacked is not kept.
    let temporary = match untar {
        true => Some(
            tempfile::Builder::new()
                .prefix("helm-")
                .tempdir()
                .map_err(|error| Failure::new(format!("failed to untar: {}", sutler_chart::io_message(&error))))?,
        ),
        false => None,
    };
    let folder: &Path = temporary.as_ref().map_or(Path::new(destination), |folder| folder.path());
    let mut source = reference.to_owned();
    if !options.repository_url.is_empty() {
        let repository = options.repository_url.clone();
        source = fetcher.find_in_repository(&repository, reference, &options.version, &options.get, io)?.url;
    }
    let downloaded = fetcher.download_to(&source, &options, folder, io)?;
    if let Some(verification) = &downloaded.verification {
        io.data(verification.to_string());
    }
    if untar {
        unpack(&downloaded.path, reference, destination, flags.text("untardir"))?;
    }
    Ok(())
}

/// Unpacks an archive into a folder of the chart's name, which must not be there yet.
fn unpack(archive: &Path, reference: &str, destination: &str, folder: &str) -> Result<(), Failure> {
    let folder = if folder.starts_with('/') { folder.to_owned() } else { join(&[destination, folder]) };
    let last = reference.rsplit('/').next().unwrap_or(reference);
    let check = if folder == "." { last.to_owned() } else { join(&[&folder, last]) };
    if Path::new(&check).exists() {
        return Err(Failure::new(format!("failed to untar: a file or directory with the name {check} already exists")));
    }
    std::fs::create_dir_all(&check).map_err(|error| {
        Failure::new(format!("failed to untar (mkdir): mkdir {check}: {}", sutler_chart::io_message(&error)))
    })?;
    let bytes = std::fs::read(archive)
        .map_err(|error| Failure::new(format!("open {}: {}", archive.display(), sutler_chart::io_message(&error))))?;
    Ok(expand(&PathBuf::from(&folder), &bytes)?)
}
