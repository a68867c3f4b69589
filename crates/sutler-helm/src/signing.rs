//! Signing an archive that was just packed, for `helm package --sign`; and passphrases, for `helm plugin package` too.

use std::path::Path;

use sutler_chart::FileError;
use sutler_repository::cache::{Mode, write_whole};
use sutler_repository::provenance::{Keyring, PassphraseError, Signing, passphrase, sign};

use crate::command::Invocation;
use crate::failure::Failure;
use crate::io::Io;
use crate::prompt;

/// Signs archives by the flags `key`, `keyring` and `passphrase-file`.
#[derive(Default)]
pub(crate) struct Signer {
    /// A passphrase that was read once serves all archives of a command: standard input can be read only once.
    passphrase: Option<Vec<u8>>,
}

impl Signer {
    /// Writes the provenance file beside an archive, as Helm's `Package.Clearsign`: keyring, passphrase and key are looked at in
    /// Helm's order, and a passphrase file is read even where the key needs none.
    ///
    /// # Errors
    /// When the key is not there or cannot be unlocked, when the file cannot be written.
    pub(crate) fn sign(
        &mut self,
        path: &str,
        archive: &[u8],
        call: &Invocation,
        io: &mut Io<'_>,
    ) -> Result<(), Failure> {
        let (key, file) = (call.flags.text("key"), call.flags.text("passphrase-file"));
        let keyring = Keyring::read(Path::new(call.flags.text("keyring")))?;
        keyring.check_name(key)?;
        if self.passphrase.is_none() && !file.is_empty() {
            self.passphrase = Some(read_passphrase(file, io)?);
        }
        let file_name = path.rsplit('/').next().unwrap_or(path);
        let signing = Signing { archive, file_name, keyring: &keyring, key, now: io.now };
        let text = sign(&signing, &mut |name| match &self.passphrase {
            Some(passphrase) => Ok(passphrase.clone()),
            None => ask(name, io),
        })?;
        write_whole(Path::new(&format!("{path}.prov")), text.as_bytes(), Mode::Shared)?;
        Ok(())
    }
}

/// Asks for a key's passphrase.
///
/// # Errors
/// When there is no terminal to ask at.
pub(crate) fn ask(key: &str, io: &mut Io<'_>) -> Result<Vec<u8>, PassphraseError> {
    let answer = prompt::secret(io, &format!("Password for key {} >  ", sutler_chart::go_quoted(key)));
    io.line("");
    answer.map(String::into_bytes).map_err(PassphraseError::Input)
}

fn read_passphrase(file: &str, io: &mut Io<'_>) -> Result<Vec<u8>, Failure> {
    Ok(passphrase(&read_file(file, io)?)?)
}

/// What is in a passphrase file; `-` is standard input, which must be a pipe.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn read_file(file: &str, io: &mut Io<'_>) -> Result<Vec<u8>, Failure> {
    if file != "-" {
        return Ok(std::fs::read(file).map_err(|error| FileError { action: "open", path: file.to_owned(), error })?);
    }
    if !prompt::is_piped() {
        return Err(PassphraseError::NoInput.into());
    }
    io.read_stdin().map_err(Failure::new)
}
