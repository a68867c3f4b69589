//! `helm plugin install`, `list`, `package`, `uninstall`, `update` and `verify`.

mod install;
mod package;

use std::path::{Path, PathBuf};

use sutler_chart::{Compatibility, Level, io_message};
use sutler_repository::provenance::{self, Keyring, Verification};

use crate::command::{Action, Arguments, Command, Completion, Completions, Invocation};
use crate::failure::Failure;
use crate::flag::{Flag, Helms};
use crate::io::Io;
use crate::plugin::install::{base_name, with_ending};
use crate::plugin::vcs::{Repository, VcsError};
use crate::plugin::{PLUGIN_FILE, Plugin, PluginKind, Plugins};
use crate::settings::join;
use crate::table::table;

use super::flag_groups::KEYRING;

/// `plugin`.
pub(super) const COMMAND: Command = Command {
    use_line: "plugin",
    short: "Helm's plugins",
    long: "Installs, lists, updates and removes Helm's plugins on this machine.",
    subcommands: &[&install::COMMAND, &LIST, &UNINSTALL, &UPDATE, &package::COMMAND, &VERIFY],
    ..Command::EMPTY
};

const LIST: Command = Command {
    use_line: "list",
    aliases: &["ls"],
    short: "list the plugins",
    flags: &[&[Flag::text("type", "only plugins of this type").only(Helms::Four)]],
    action: Action::Run(list),
    complete: Completion::NothingAfter(0),
    ..Command::EMPTY
};

const UNINSTALL: Command = Command {
    use_line: "uninstall <plugin>...",
    aliases: &["rm", "remove"],
    short: "remove plugins",
    action: Action::Run(uninstall),
    complete: Completion::Custom(complete_names),
    ..Command::EMPTY
};

const UPDATE: Command = Command {
    use_line: "update <plugin>...",
    aliases: &["up"],
    short: "update plugins",
    action: Action::Run(update),
    complete: Completion::Custom(complete_names),
    ..Command::EMPTY
};

const VERIFY: Command = Command {
    use_line: "verify [PATH]",
    short: "check a plugin's signature",
    helms: Helms::Four,
    flags: &[&[KEYRING]],
    arguments: Arguments::Exactly(1),
    action: Action::Run(verify),
    ..Command::EMPTY
};

fn show(verification: &Verification, io: &mut Io<'_>) {
    for signer in &verification.signed_by {
        io.line(format!("Signed by: {signer}"));
    }
    io.line(format!("Using Key With Fingerprint: {}", verification.fingerprint));
    io.line(format!("Plugin Hash Verified: {}", verification.file_hash));
}

fn list(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    call.debug(io, "pluginDirs", &[("directory", call.settings.plugins.clone())]);
    let plugins = load(&call.settings.plugin_folders(), io)?;
    if call.settings.compatibility == Compatibility::V3 {
        io.data(table(&described(&plugins), None));
        return Ok(());
    }
    let titles = ["NAME", "VERSION", "TYPE", "APIVERSION", "PROVENANCE", "SOURCE"];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    for plugin in plugins.of_kind(call.flags.text("type")) {
        let metadata = &plugin.metadata;
        let source = if metadata.source_url.is_empty() { "unknown" } else { &metadata.source_url };
        rows.push(vec![
            metadata.name.clone(),
            metadata.version.clone(),
            metadata.kind_name().to_owned(),
            metadata.api_version.to_owned(),
            signing(plugin, &call.settings.data_home).to_owned(),
            source.to_owned(),
        ]);
    }
    io.data(table(&rows, None));
    Ok(())
}

/// The list as Helm 3 has it.
fn described(plugins: &Plugins) -> Vec<Vec<String>> {
    let titles = ["NAME", "VERSION", "DESCRIPTION"].map(str::to_owned).to_vec();
    let rows = plugins.found.iter().map(|plugin| {
        let description = match &plugin.metadata.kind {
            PluginKind::Cli { long_help, .. } => long_help.clone(),
            _ => String::new(),
        };
        vec![plugin.metadata.name.clone(), plugin.metadata.version.clone(), description]
    });
    std::iter::once(titles).chain(rows).collect()
}

/// What can be said of a plugin's signature without keys.
fn signing(plugin: &Plugin, data_home: &str) -> &'static str {
    let metadata = &plugin.metadata;
    let Ok(found) = std::fs::symlink_metadata(join(&[data_home, "plugins", &metadata.name])) else {
        return "unknown";
    };
    if found.is_symlink() {
        return "local dev";
    }
    let archive = join(&[data_home, "plugins", &format!("{}-{}.tgz", metadata.name, metadata.version)]);
    let (Ok(bytes), Ok(signed)) = (std::fs::read(&archive), std::fs::read(format!("{archive}.prov"))) else {
        return "unsigned";
    };
    // Helm looks for a signed message around the archive's digest; whose signature it is, it does not ask here.
    let text = String::from_utf8_lossy(&signed);
    if !text.contains("-----BEGIN PGP SIGNED MESSAGE-----") || !text.contains("-----BEGIN PGP SIGNATURE-----") {
        return "invalid provenance";
    }
    if text.contains(&provenance::digest(&bytes)) { "signed" } else { "mismatched provenance" }
}

fn uninstall(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    if call.arguments.is_empty() {
        return Err(Failure::new("please provide plugin name to uninstall"));
    }
    each(call, io, "uninstall", |plugin, io| {
        remove(plugin, &call.settings.plugins).map_err(Failure::new)?;
        io.flush();
        plugin.run_hook("delete", &io.variables)?;
        io.line(format!("Uninstalled plugin: {}", plugin.metadata.name));
        Ok(())
    })
}

fn update(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    if call.arguments.is_empty() {
        return Err(Failure::new("please provide plugin name to update"));
    }
    each(call, io, "update", |plugin, io| {
        update_one(plugin, call, io)?;
        io.line(format!("Updated plugin: {}", plugin.metadata.name));
        Ok(())
    })
}

/// Updates a plugin that is the working copy of a repository: what it came from, nothing else tells.
fn update_one(plugin: &Plugin, call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    const NO_SOURCE: &str = "cannot get information about plugin source";
    let is_v4 = io.compatibility == Compatibility::V4;
    let location = plugin.folder.canonicalize().unwrap_or_else(|_| plugin.folder.clone());
    let repository = match Repository::open(None, &location, &io.folder, &io.variables) {
        Err(error @ VcsError::Unknown) => {
            let details = [("location", location.display().to_string()), ("error", error.to_string())];
            if is_v4 {
                io.warn(NO_SOURCE, &details);
            }
            return Err(Failure::new(NO_SOURCE).hint(
                "only plugins that were installed from a repository are updated; uninstall others, and install them anew",
            ));
        }
        found => found?,
    };
    // As Helm has it, the plugin is where its repository's name says, and is looked for there.
    let path = PathBuf::from(join(&[&call.settings.plugins, base_name(&repository.remote)]));
    if let Err(error) = path.metadata()
        && error.kind() == std::io::ErrorKind::NotFound
    {
        let shown = path.display().to_string();
        let reason = format!("stat {shown}: {}", io_message(&error));
        if is_v4 {
            io.warn("plugin does not exist", &[("path", shown), ("error", reason)]);
        }
        return Err(Failure::new("plugin does not exist"));
    }
    call.debug(io, "updating", &[("source", repository.remote.clone())]);
    if repository.is_dirty() {
        return Err(Failure::new("plugin repo was modified"));
    }
    repository.update()?;
    if !repository.local.join(PLUGIN_FILE).exists() {
        return Err(Failure::new("plugin metadata (plugin.yaml) missing"));
    }
    call.debug(io, "loading plugin", &[("path", path.display().to_string())]);
    let updated = Plugin::load(&path, call.settings.compatibility)?;
    io.flush();
    updated.run_hook("update", &io.variables)?;
    Ok(())
}

/// Does something with each plugin that is named; the failures are told together, at the end.
fn each(
    call: &Invocation,
    io: &mut Io<'_>,
    action: &str,
    mut act: impl FnMut(&Plugin, &mut Io<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let folder = call.settings.plugins.clone();
    if action == "uninstall" {
        call.debug(io, "loading installer plugins", &[("dir", folder)]);
    } else {
        call.debug(io, "loading installed plugins", &[("path", folder)]);
    }
    let plugins = load(&[Path::new(&call.settings.plugins)], io)?;
    let (plugin_word, failed_word) = match call.settings.compatibility {
        Compatibility::V4 => ("plugin", "failed"),
        Compatibility::V3 => ("Plugin", "Failed"),
    };
    let (mut failures, mut hints) = (Vec::new(), Vec::new());
    for name in &call.arguments {
        match plugins.found.iter().find(|plugin| plugin.metadata.name == *name) {
            None => failures.push(format!("{plugin_word}: {name} not found")),
            Some(plugin) => {
                if let Err(failure) = act(plugin, io) {
                    failures.push(format!("{failed_word} to {action} plugin {name}, got error ({})", failure.text));
                    hints.extend(failure.hints);
                }
            }
        }
    }
    hints.dedup();
    if failures.is_empty() { Ok(()) } else { Err(Failure { hints, ..Failure::new(failures.join("\n")) }) }
}

fn remove(plugin: &Plugin, plugins: &str) -> Result<(), String> {
    let is_link = std::fs::symlink_metadata(&plugin.folder).is_ok_and(|found| found.is_symlink());
    let removed = if is_link { std::fs::remove_file(&plugin.folder) } else { std::fs::remove_dir_all(&plugin.folder) };
    removed.map_err(|error| format!("unlinkat {}: {}", plugin.folder.display(), io_message(&error)))?;
    let metadata = &plugin.metadata;
    if !metadata.version.is_empty() {
        let archive = join(&[plugins, &format!("{}-{}.tgz", metadata.name, metadata.version)]);
        // What was kept for the signature goes too; that it is not there is no failure.
        drop(std::fs::remove_file(&archive));
        drop(std::fs::remove_file(format!("{archive}.prov")));
    }
    Ok(())
}

fn verify(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let name = &call.arguments[0];
    let path = Path::new(name);
    let stat = |path: &Path| {
        path.metadata().map_err(|error| Failure::new(format!("stat {}: {}", path.display(), io_message(&error))))
    };
    if stat(path)?.is_dir() {
        return Err(Failure::new("directory verification not supported - only plugin tarballs can be verified"));
    }
    if !name.ends_with(".gz") && !name.ends_with(".tgz") {
        return Err(Failure::new("plugin file must be a gzipped tarball (.tar.gz or .tgz)"));
    }
    let signature = with_ending(path, ".prov");
    stat(&signature)
        .map_err(|failure| failure.context(format!("could not find provenance file {}", signature.display())))?;
    let read = |path: &Path, what: &str| {
        std::fs::read(path).map_err(|error| {
            Failure::new(format!("failed to read {what} file: open {}: {}", path.display(), io_message(&error)))
        })
    };
    let (archive, signed) = (read(path, "plugin")?, read(&signature, "provenance")?);
    let keyring = Keyring::read(Path::new(call.flags.text("keyring")))?;
    let base = path.file_name().unwrap_or_default().to_string_lossy();
    let verification = provenance::verify(&archive, &signed, &base, &keyring, io.now)?;
    show(&verification, io);
    Ok(())
}

/// The plugins in these folders; those that cannot be loaded are told in the log.
pub(crate) fn load(folders: &[&Path], io: &mut Io<'_>) -> Result<Plugins, Failure> {
    let plugins = Plugins::load(folders, io.compatibility)?;
    for (file, error) in &plugins.broken {
        let details = [("plugin_yaml", file.clone()), ("error", sutler_chart::error_chain(error))];
        io.log(Level::Warn, "failed to load plugin (ignoring)", &details);
    }
    Ok(plugins)
}

fn complete_names(call: &Invocation, _: &str, io: &mut Io<'_>) -> Completions {
    let Ok(plugins) = load(&call.settings.plugin_folders(), io) else { return Completions::only([""; 0]) };
    let is_new = |plugin: &&Plugin| !call.arguments.contains(&plugin.metadata.name);
    Completions::only(plugins.of_kind("cli/v1").filter(is_new).map(|plugin| {
        let short = match &plugin.metadata.kind {
            PluginKind::Cli { short_help, .. } => short_help.as_str(),
            _ => "",
        };
        format!("{}\t{short}", plugin.metadata.name)
    }))
}
