//! `helm plugin install`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sutler_chart::Compatibility;
use sutler_repository::transport::{Retries, SystemClock, Transport};

use crate::command::{Action, Arguments, Command, Completion, Invocation};
use crate::failure::Failure;
use crate::flag::{Flag, Helms};
use crate::io::Io;
use crate::plugin::Plugin;
use crate::plugin::install::{Homes, InstallError, Outside, Source, SourceError};
use crate::plugin::vcs::VcsError;
use crate::remote::{credential_places, proxies, registry_options};
use crate::settings::join;

use super::super::flag_groups::{KEYRING, TRANSPORT};

/// `plugin install`.
pub(super) const COMMAND: Command = Command {
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
    action: Action::Run(run),
    complete: Completion::FilesUpTo(1),
    ..Command::EMPTY
};

fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let compatibility = call.settings.compatibility;
    let is_v4 = compatibility == Compatibility::V4;
    let outside = outside(call, io);
    let source = Source::find(&call.arguments[0], &outside).map_err(|error| failure(error, None, call))?;
    let mut keyring = None;
    if is_v4 {
        if source.is_folder() {
            io.line("Installing plugin from local directory (development mode)");
        } else if !call.flags.is_on("verify") {
            io.line("WARNING: Skipping plugin signature verification");
        } else if !source.can_be_verified() {
            return Err(Failure::new(
                "plugin source does not support verification. Use --verify=false to skip verification",
            ));
        } else {
            io.line("Verifying plugin signature...");
            keyring = Some(Path::new(call.flags.text("keyring")));
        }
        // What comes now may take a while.
        io.flush();
    }
    let installed = source.install(keyring, &outside, &mut |message, details| call.debug(io, message, details));
    let verification = installed.map_err(|error| {
        if is_v4 && let InstallError::Exists { path } = &error {
            io.warn("plugin already exists", &[("path", path.clone()), ("error", "<nil>".to_owned())]);
        }
        failure(error, Some(&source), call)
    })?;
    if let Some(verification) = verification {
        super::show(&verification, io);
    }
    call.debug(io, "loading plugin", &[("path", source.path.display().to_string())]);
    let plugin = Plugin::load(&source.path, compatibility)
        .map_err(|error| Failure::from(error).context("plugin is installed but unusable"))?;
    io.flush();
    plugin.run_hook("install", &io.variables)?;
    io.line(format!("Installed plugin: {}", plugin.metadata.name));
    Ok(())
}

/// What the installation has of the outside, by settings, flags and variables.
fn outside(call: &Invocation, io: &Io<'_>) -> Outside {
    let (settings, variables) = (&call.settings, &io.variables);
    let transport = || Transport::new(proxies(variables), Arc::new(SystemClock));
    Outside {
        homes: Homes {
            data: join(&[&settings.data_home, "plugins"]),
            plugins: settings.plugins.clone(),
            cache: join(&[&settings.cache_home, "plugins"]),
            temporary: PathBuf::from(variables.filled("TMPDIR").unwrap_or("/tmp")),
            current: io.folder.clone(),
        },
        variables: variables.clone(),
        transport: transport(),
        asking: transport().with_retries(Retries::NONE),
        registry: if settings.compatibility == Compatibility::V4 {
            // As in Helm, user and password of the command line are not for this.
            let options = registry_options(&call.flags);
            sutler_repository::oci::RegistryOptions { username: String::new(), password: String::new(), ..options }
        } else {
            Default::default()
        },
        // As in Helm, whatever --registry-config says.
        credentials: credential_places(join(&[&settings.config_home, "registry/config.json"]), variables),
        version: call.flags.text("version").to_owned(),
        now: io.now,
        seed: u32::from_le_bytes([io.seed[0], io.seed[1], io.seed[2], io.seed[3]]),
        compatibility: settings.compatibility,
    }
}

/// Helm's text, and what there is to say beyond it.
fn failure(error: InstallError, source: Option<&Source>, call: &Invocation) -> Failure {
    const KINDS: &str = "a plugin comes from a folder, an archive (.tgz or .tar.gz, here or by HTTP), a registry \
                         (oci://…) or a repository (https://….git, git@host:…)";
    let is_unknown = matches!(
        &error,
        InstallError::Source { source: SourceError::Repository(VcsError::Unknown), .. }
            | InstallError::SourceOfHelm3(SourceError::Repository(VcsError::Unknown))
    );
    let is_refused = matches!(
        &error,
        InstallError::Download(_)
            | InstallError::Transport(_)
            | InstallError::Pull { .. }
            | InstallError::VerificationData(_)
    );
    let no_folder = matches!(error, InstallError::NoFolder) && call.settings.compatibility == Compatibility::V3;
    let failure = if no_folder { Failure::new("expected plugin to be a folder") } else { Failure::from(error) };
    if is_unknown {
        return failure.hint(KINDS);
    }
    let has = |name: &str| call.flags.has(name) && !call.flags.text(name).is_empty();
    match source {
        Some(source) if is_refused && source.is_registry() && has("username") => failure.hint(
            "Helm does not send --username and --password to the registry here: log in first, by `helm registry login`",
        ),
        Some(source)
            if is_refused
                && source.is_web()
                && ["username", "ca-file", "cert-file", "key-file"].into_iter().any(has) =>
        {
            failure.hint(
                "Helm takes --username, --password and the flags for certificates only for registries (oci://…): fetch the archive, \
                 and install it from here",
            )
        }
        _ => failure,
    }
}
