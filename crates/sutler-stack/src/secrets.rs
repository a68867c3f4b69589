//! Secrets: read at the last step, from where the stack says, and never shown.
//!
//! A [`Secret`] prints as `[secret]`. Where one reaches a chart that reads `global.sutler.secretValues`, only a Secret
//! object holds it; a chart that does not gets it in its values, and then, as with Helm, the release's record has it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::stack::SecretSource;

/// A secret's text. Its `Debug` form hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text itself: for the one place that writes it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[secret]")
    }
}

/// Why a secret could not be read. No message holds any of its text.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set.
    #[error("secret `{name}`: the environment variable `{variable}` is not set")]
    Variable {
        /// The secret's name.
        name: String,
        /// The variable's name.
        variable: String,
    },
    /// The file cannot be read.
    #[error("secret `{name}`: cannot read the file `{path}`")]
    File {
        /// The secret's name.
        name: String,
        /// The file's path.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The command cannot be started.
    #[error("secret `{name}`: cannot run `{program}`")]
    Command {
        /// The secret's name.
        name: String,
        /// The program; its arguments are not shown.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The command failed.
    #[error("secret `{name}`: `{program}` ended with {status}")]
    Failed {
        /// The secret's name.
        name: String,
        /// The program; its arguments are not shown.
        program: String,
        /// How it ended.
        status: String,
    },
    /// It is not text.
    #[error("secret `{name}`: what {place} holds is not UTF-8 text")]
    NotText {
        /// The secret's name.
        name: String,
        /// Where it came from.
        place: String,
    },
    /// It is empty.
    #[error("secret `{name}`: {place} is empty")]
    Empty {
        /// The secret's name.
        name: String,
        /// Where it came from.
        place: String,
    },
}

/// Reads one secret. `folder` is where stack.yaml lies: files and commands start from there.
///
/// # Errors
/// If its source is missing, fails, is empty or is not text.
pub fn read(name: &str, source: &SecretSource, folder: &Path) -> Result<Secret, SecretError> {
    let (bytes, place) = match source {
        SecretSource::Environment(variable) => match std::env::var_os(variable) {
            Some(value) => (value.into_encoded_bytes(), format!("the environment variable `{variable}`")),
            None => return Err(SecretError::Variable { name: name.to_owned(), variable: variable.clone() }),
        },
        SecretSource::File(path) => match std::fs::read(folder.join(path)) {
            Ok(bytes) => (without_last_newline(bytes), format!("the file `{path}`")),
            Err(source) => return Err(SecretError::File { name: name.to_owned(), path: path.clone(), source }),
        },
        SecretSource::Command(words) => (command(name, words, folder)?, format!("what `{}` prints", program(words))),
    };
    match String::from_utf8(bytes) {
        Ok(text) if text.is_empty() => Err(SecretError::Empty { name: name.to_owned(), place }),
        Ok(text) => Ok(Secret(text)),
        Err(_) => Err(SecretError::NotText { name: name.to_owned(), place }),
    }
}

fn program(words: &[String]) -> String {
    words.first().cloned().unwrap_or_default()
}

/// What a command prints. Its own error output goes to the user's terminal, where it may ask for a password.
fn command(name: &str, words: &[String], folder: &Path) -> Result<Vec<u8>, SecretError> {
    let program = program(words);
    let output = Command::new(&program)
        .args(words.iter().skip(1))
        .current_dir(folder)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| SecretError::Command { name: name.to_owned(), program: program.clone(), source })?;
    match output.status.success() {
        true => Ok(without_last_newline(output.stdout)),
        false => Err(SecretError::Failed { name: name.to_owned(), program, status: output.status.to_string() }),
    }
}

fn without_last_newline(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    bytes
}

/// A digest of secrets that tells nothing about them to whoever lacks the key: HMAC-SHA-256, in hexadecimal, of every
/// name and text with their lengths.
pub fn keyed_digest(key: &[u8], secrets: &BTreeMap<String, Secret>) -> String {
    let mut digest = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for (name, secret) in secrets {
        for part in [name.as_str(), secret.reveal()] {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
    }
    digest.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "[secret]");
    }

    #[test]
    fn the_digest_depends_on_key_names_and_texts() {
        let of = |key: &str, name: &str, text: &str| {
            keyed_digest(key.as_bytes(), &BTreeMap::from([(name.to_owned(), Secret::new(text))]))
        };
        let digest = of("k", "a", "bc");
        assert_eq!(digest.len(), 64);
        assert_eq!(of("k", "a", "bc"), digest);
        for other in [of("l", "a", "bc"), of("k", "ab", "c"), of("k", "a", "bd")] {
            assert_ne!(other, digest);
        }
    }

    #[test]
    fn sources_are_read_and_a_missing_one_is_named_without_its_text() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("s"), "from file\n").unwrap();
        let of = |source| read("auth0", &source, folder.path());
        assert_eq!(of(SecretSource::File("s".into())).unwrap().reveal(), "from file");
        let echo = SecretSource::Command(vec!["printf".into(), "%s\n".into(), "x y".into()]);
        assert_eq!(of(echo).unwrap().reveal(), "x y");
        let missing = of(SecretSource::Environment("SUTLER_TEST_NOT_SET".into())).unwrap_err();
        assert_eq!(missing.to_string(), "secret `auth0`: the environment variable `SUTLER_TEST_NOT_SET` is not set");
        let failed = of(SecretSource::Command(vec!["false".into(), "--token=x".into()])).unwrap_err();
        assert_eq!(failed.to_string(), "secret `auth0`: `false` ended with exit status: 1");
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        assert!(of(SecretSource::File("empty".into())).unwrap_err().to_string().contains("is empty"));
    }
}
