//! `helm plugin install`, `list`, `package`, `uninstall`, `update` and `verify`.

use std::path::Path;

use sutler_chart::{Compatibility, Level, io_message};
use sutler_repository::provenance::{self, Keyring, Verification};

use crate::command::{Action, Arguments, Command, Completion, Completions, Invocation};
use crate::failure::Failure;
use crate::flag::{Flag, Helms};
use crate::io::Io;
use crate::plugin::install::{InstallError, Local, with_ending};
use crate::plugin::{Plugin, PluginKind, Plugins};
use crate::settings::{default_keyring, join};
use crate::table::table;

use super::flag_groups::{KEYRING, TRANSPORT};

/// `plugin`.
pub(super) const COMMAND: Command = Command {
    use_line: "plugin",
    short: "Helm's plugins",
    long: "Installs, lists, updates and removes Helm's plugins on this machine.",
    subcommands: &[&INSTALL, &LIST, &UNINSTALL, &UPDATE, &PACKAGE, &VERIFY],
    ..Command::EMPTY
};

const INSTALL: Command = Command {
    use_line: "install [options] <path|url>",
    aliases: &["add"],
    short: "install a plugin",
    flags: &[&[
        TRANSPORT[0].only(Helms::Four),
        TRANSPORT[1].only(Helms::Four),
        TRANSPORT[2].only(Helms::Four),
        TRANSPORT[3].only(Helms::Four),
        TRANSPORT[4].only(Helms::Four),
        TRANSPORT[5].only(Helms::Four),
        TRANSPORT[6].only(Helms::Four),
        Flag::text("version", "the plugin's version, or a range; the latest if it is not given"),
        Flag::switch("verify", "check the plugin's signature first").or("true").only(Helms::Four),
        KEYRING.only(Helms::Four),
    ]],
    arguments: Arguments::Exactly(1),
    action: Action::Run(install),
    complete: Completion::FilesUpTo(1),
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

const PACKAGE: Command = Command {
    use_line: "package [PATH]",
    short: "pack a plugin's folder into an archive",
    helms: Helms::Four,
    flags: &[&[
        Flag::switch("sign", "sign the archive with a private key").or("true"),
        Flag::text("key", "with --sign: the key's name"),
        Flag::text("keyring", "the file of keys").or_else(default_keyring),
        Flag::text("passphrase-file", "the file with the key's passphrase; - reads it from standard input"),
        Flag::text("destination", "the folder to write to").or(".").short('d'),
    ]],
    arguments: Arguments::Exactly(1),
    action: Action::Run(super::not_available),
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

fn install(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let (source, compatibility) = (&call.arguments[0], call.settings.compatibility);
    let is_helm4 = compatibility == Compatibility::V4;
    let wants_verification = is_helm4 && call.flags.is_on("verify");
    let Some(local) = Local::find(source, &io.folder, &call.settings.data_home) else {
        const REASON: &str = "Cannot detect VCS";
        let failure = match compatibility {
            Compatibility::V4 => InstallError::Source { source_text: source.clone(), reason: REASON }.into(),
            Compatibility::V3 => Failure::new(REASON),
        };
        return Err(failure.hint(
            "plugins are installed from folders and archives of this machine: fetch the archive first, or clone the repository",
        ));
    };
    let keyring = (wants_verification && local.is_archive).then(|| Path::new(call.flags.text("keyring")));
    if !is_helm4 {
        if local.is_archive {
            return Err(Failure::new("expected plugin to be a folder"));
        }
    } else if !local.is_archive {
        io.line("Installing plugin from local directory (development mode)");
    } else if keyring.is_none() {
        io.line("WARNING: Skipping plugin signature verification");
    } else {
        io.line("Verifying plugin signature...");
    }
    let verification = match local.install(keyring, io.now) {
        Ok(verification) => verification,
        Err(error) => {
            if !is_helm4 && matches!(error, InstallError::NoFolder) {
                return Err(Failure::new("expected plugin to be a folder"));
            }
            if is_helm4 && let InstallError::Exists { path } = &error {
                io.warn("plugin already exists", &[("path", path.clone()), ("error", "<nil>".to_owned())]);
            }
            return Err(error.into());
        }
    };
    if let Some(verification) = verification {
        show(&verification, io);
    }
    call.debug(io, "loading plugin", &[("path", local.path.display().to_string())]);
    let plugin = Plugin::load(&local.path, compatibility)
        .map_err(|error| Failure::from(error).context("plugin is installed but unusable"))?;
    io.flush();
    plugin.run_hook("install", &io.variables)?;
    io.line(format!("Installed plugin: {}", plugin.metadata.name));
    Ok(())
}

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
        let location = plugin.folder.canonicalize().unwrap_or_else(|_| plugin.folder.clone());
        // What Helm updates are working copies of a version control; nothing else tells where a plugin came from.
        let details = [("location", location.display().to_string()), ("error", "Cannot detect VCS".to_owned())];
        if io.compatibility == Compatibility::V4 {
            io.warn("cannot get information about plugin source", &details);
        }
        Err(Failure::new("cannot get information about plugin source"))
    })
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
    let mut failures = Vec::new();
    for name in &call.arguments {
        match plugins.found.iter().find(|plugin| plugin.metadata.name == *name) {
            None => failures.push(format!("{plugin_word}: {name} not found")),
            Some(plugin) => {
                if let Err(failure) = act(plugin, io) {
                    failures.push(format!("{failed_word} to {action} plugin {name}, got error ({})", failure.text));
                }
            }
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(Failure::new(failures.join("\n"))) }
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
