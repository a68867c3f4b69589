//! `helm package`.

use std::fs;
use std::path::Path;

use sutler_chart::package::{PackageOptions, package};
use sutler_chart::{Chart, ChartSource, Compatibility, FileError, clean_path};
use sutler_repository::Collected;

use crate::command::{Action, Arguments, Command, Invocation};
use crate::failure::Failure;
use crate::flag::Flag;
use crate::io::Io;
use crate::remote::update_dependencies;
use crate::settings::default_keyring;
use crate::signing::Signer;

use super::flag_groups::TRANSPORT;
use super::values::file_error;

/// `package`.
pub(super) const COMMAND: Command = Command {
    use_line: "package [CHART_PATH] [...]",
    short: "pack a chart's folder into an archive",
    long: "Packs charts' folders into archives named by chart and version.

With --sign a file with the archive's signature is written beside it. That needs --key, and a --keyring
with its secret half.",
    flags: &[
        TRANSPORT,
        &[
            Flag::switch("sign", "sign the archive with a private key"),
            Flag::text("key", "with --sign: the key's name"),
            Flag::text("keyring", "the file of keys").or_else(default_keyring),
            Flag::text("passphrase-file", "the file with the key's passphrase; - reads it from standard input"),
            Flag::text("version", "the chart's version, instead of its own"),
            Flag::text("app-version", "the application's version, instead of the chart's"),
            Flag::text("destination", "the folder to write to").or(".").short('d'),
            Flag::switch("dependency-update", "fetch the dependencies first, by `helm dependency update`").short('u'),
        ],
    ],
    arguments: Arguments::Any,
    action: Action::Run(run),
    ..Command::EMPTY
};

fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let (flags, compatibility) = (&call.flags, call.settings.compatibility);
    if call.arguments.is_empty() {
        return Err(Failure::new("need at least one argument, the path to the chart"));
    }
    let signs = flags.is_on("sign");
    for name in ["key", "keyring"] {
        if signs && flags.text(name).is_empty() {
            return Err(Failure::new(format!("--{name} is required for signing a package")));
        }
    }
    let mut signer = Signer::default();
    for typed in &call.arguments {
        let folder = absolute(typed, io);
        let found = fs::metadata(typed).map_err(|error| file_error("stat", typed, error))?;
        if flags.is_on("dependency-update") {
            // As Helm: nothing is said of it.
            update_dependencies(call, io, Path::new(&folder), &mut Collected::default())?;
        }
        if compatibility == Compatibility::V3 && !found.is_dir() {
            // To Helm 3 a file is a folder with nothing in it.
            return Err(Failure::new("Chart.yaml file is missing"));
        }
        let mut remarks = Vec::new();
        let chart = Chart::load_as(ChartSource::Folder(Path::new(&folder)), compatibility, &mut remarks);
        remarks.iter().for_each(|remark| io.remark(remark));
        let given = |name: &str| Some(flags.text(name).to_owned()).filter(|text| !text.is_empty());
        let options =
            PackageOptions { version: given("version"), app_version: given("app-version"), now: io.now, compatibility };
        let package = package(&chart?, &options)?;
        let path = save(&package.file_name, &package.bytes, flags.text("destination"), io)
            .map_err(|failure| failure.context("failed to save"))?;
        if signs {
            signer.sign(&path, &package.bytes, call, io)?;
        }
        io.line(format!("Successfully packaged chart and saved it to: {path}"));
    }
    Ok(())
}

fn absolute(path: &str, io: &Io<'_>) -> String {
    clean_path(&if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", io.folder.display()) })
}

/// Writes the archive, and its folder where that is not there.
fn save(name: &str, bytes: &[u8], destination: &str, io: &Io<'_>) -> Result<String, Failure> {
    let folder = if destination == "." { io.folder.display().to_string() } else { destination.to_owned() };
    let path = clean_path(&format!("{folder}{}{name}", if folder.is_empty() { "" } else { "/" }));
    let folder = path.rsplit_once('/').map_or(".", |(folder, _)| if folder.is_empty() { "/" } else { folder });
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(Failure::new(format!("is not a directory: {folder}"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::create_dir_all(folder).map_err(|error| file_error("mkdir", folder, error))?;
        }
        Err(error) => {
            return Err(Failure::from(file_error("stat", folder, error)).context(format!("stat {folder}")));
        }
    }
    fs::write(&path, bytes).map_err(|error| FileError { action: "open", path: path.clone(), error })?;
    Ok(path)
}
