//! `helm plugin package`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sutler_chart::{Compatibility, io_message};
use sutler_repository::provenance::{Keyring, SignError, SigningKey};

use crate::command::{Action, Arguments, Command, Invocation};
use crate::failure::Failure;
use crate::flag::{Flag, Helms};
use crate::io::Io;
use crate::plugin::Plugin;
use crate::plugin::folders::make_folders;
use crate::plugin::install::with_ending;
use crate::plugin::package::{archive, description};
use crate::settings::{default_keyring, join};
use crate::signing;

/// `plugin package`.
pub(super) const COMMAND: Command = Command {
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
    action: Action::Run(run),
    ..Command::EMPTY
};

fn run(call: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let (flags, typed) = (&call.flags, &call.arguments[0]);
    let folder = Path::new(typed);
    let failed = |action: &str, path: &Path, error: &std::io::Error| {
        Failure::new(format!("{action} {}: {}", path.display(), io_message(error)))
    };
    if !folder.metadata().map_err(|error| failed("stat", folder, &error))?.is_dir() {
        return Err(Failure::new("plugin package only supports directories, not tarballs"));
    }
    let plugin = Plugin::load(folder, Compatibility::V4)
        .map_err(|error| Failure::from(error).context("invalid plugin directory"))?;
    let destination = flags.text("destination");
    make_folders(Path::new(destination), Path::new(destination)).map_err(Failure::new)?;

    // A key that cannot be used is told of before anything is written.
    let signs = flags.is_on("sign");
    let keyring = match signs {
        true => Some(
            Keyring::read(Path::new(flags.text("keyring")))
                .map_err(|error| Failure::from(error).context("error reading from keyring"))?,
        ),
        false => None,
    };
    let key = match &keyring {
        Some(keyring) => Some(unlock(keyring, call, io)?),
        None => {
            io.line("WARNING: Skipping plugin signing. This is not recommended for plugins intended for distribution.");
            None
        }
    };
    let name = format!("{}-{}.tgz", plugin.metadata.name, plugin.metadata.version);
    let path = PathBuf::from(join(&[destination, &name]));
    let bytes = archive(folder, &plugin.metadata.name, &path)
        .map_err(|reason| Failure::new(format!("failed to create plugin tarball: {reason}")))?;
    let signature = match key {
        Some(key) => {
            let sign = description(&bytes).map_err(Failure::new);
            let signed = sign.and_then(|text| Ok(key.sign(&text, &name, &bytes, io.now)?));
            Some(signed.map_err(|failure| failure.context("failed to sign plugin"))?)
        }
        None => None,
    };
    write(&path, &bytes, 0o666).map_err(|error| failed("open", &path, &error).context("failed to create tarball"))?;
    if let Some(signature) = signature {
        let beside = with_ending(&path, ".prov");
        write(&beside, signature.as_bytes(), 0o644).map_err(|error| {
            // An archive that should be signed and is not, is not left behind.
            drop(fs::remove_file(&path));
            failed("open", &beside, &error)
        })?;
        io.line(format!("Successfully signed. Signature written to: {}", beside.display()));
    }
    io.line(format!("Successfully packaged plugin and saved it to: {}", path.display()));
    Ok(())
}

/// The key that signs, in Helm's order of complaints.
fn unlock<'k>(keyring: &'k Keyring, call: &Invocation, io: &mut Io<'_>) -> Result<SigningKey<'k>, Failure> {
    let (name, file) = (call.flags.text("key"), call.flags.text("passphrase-file"));
    if !name.is_empty() {
        keyring.check_name(name).map_err(|error| Failure::from(error).context("error reading from keyring"))?;
    }
    let passphrase = match file {
        "" => None,
        file => {
            let bytes = signing::read_file(file, io)?;
            let end = bytes.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |last| last + 1);
            Some(bytes[..end].to_vec())
        }
    };
    if name.is_empty() {
        // Helm looks for no key then.
        return Err(Failure::from(SignError::NotFound).hint("--key tells which key of the keyring signs"));
    }
    Ok(SigningKey::unlock(keyring, name, &mut |name| match &passphrase {
        Some(passphrase) => Ok(passphrase.clone()),
        None => signing::ask(name, io),
    })?)
}

/// Writes a file with a mode, as far as the process lets it; what could not be written whole is removed.
fn write(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let is_new = !path.exists();
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path).and_then(|mut file| file.write_all(bytes)).inspect_err(|_| {
        if is_new {
            drop(fs::remove_file(path));
        }
    })
}
