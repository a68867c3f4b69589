//! Programs that keep logins, `docker-credential-…`: an action as argument, everything else by standard input and output.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Credential;
use crate::go_json;

const PREFIX: &str = "docker-credential-";
/// Stands for the user where the secret is a token.
const TOKEN_USER: &str = "<token>";
/// What helpers print when they have no login.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// Why a helper did not help. Its own words, where it has some.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HelperError {
    /// It is not installed.
    #[error("exec: {}: executable file not found in $PATH", sutler_chart::go_quoted(.0))]
    Missing(String),
    /// It cannot be run.
    #[error("{program}: {message}")]
    Run {
        /// The program.
        program: String,
        /// Why not.
        message: String,
    },
    /// It failed, and said so.
    #[error("{0}")]
    Failed(String),
    /// It printed something else than a login.
    #[error("{program} printed no login")]
    Output {
        /// The program.
        program: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Login {
    #[serde(rename = "ServerURL", default)]
    server_url: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// The login that a helper has for a registry; an empty one where it has none.
pub(super) fn get(name: &str, key: &str, search_path: &OsStr) -> Result<Credential, HelperError> {
    let output = match run(name, "get", key.as_bytes(), search_path) {
        Err(HelperError::Failed(message)) if message == NOT_FOUND => return Ok(Credential::default()),
        result => result?,
    };
    let login: Login =
        serde_json::from_slice(&output).map_err(|_| HelperError::Output { program: format!("{PREFIX}{name}") })?;
    Ok(if login.username == TOKEN_USER {
        Credential { refresh_token: login.secret, ..Credential::default() }
    } else {
        Credential::new(&login.username, &login.secret)
    })
}

/// Gives a login to a helper.
pub(super) fn store(name: &str, key: &str, credential: &Credential, search_path: &OsStr) -> Result<(), HelperError> {
    let (username, secret) = match credential.refresh_token.as_str() {
        "" => (credential.username.as_str(), &credential.password),
        _ => (TOKEN_USER, &credential.refresh_token),
    };
    let login = Login { server_url: key.to_owned(), username: username.to_owned(), secret: secret.clone() };
    let input = go_json::write_struct(&login);
    run(name, "store", input.as_bytes(), search_path).map(drop)
}

/// Makes a helper forget a login.
pub(super) fn erase(name: &str, key: &str, search_path: &OsStr) -> Result<(), HelperError> {
    run(name, "erase", key.as_bytes(), search_path).map(drop)
}

/// The helper that this system has, if it is installed.
pub(super) fn of_this_system(search_path: &OsStr) -> Option<String> {
    let name = match std::env::consts::OS {
        "macos" => "osxkeychain",
        "windows" => "wincred",
        "linux" if find("pass", search_path).is_some() => "pass",
        "linux" => "secretservice",
        _ => return None,
    };
    find(&format!("{PREFIX}{name}"), search_path).map(|_| name.to_owned())
}

fn find(program: &str, search_path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(search_path)
        .map(|folder| folder.join(format!("{program}{}", std::env::consts::EXE_SUFFIX)))
        .find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &std::path::Path) -> bool {
    path.is_file()
}

fn run(name: &str, action: &str, input: &[u8], search_path: &OsStr) -> Result<Vec<u8>, HelperError> {
    let program = format!("{PREFIX}{name}");
    // A name out of a file must not lead to a program elsewhere.
    let path = if program.contains(std::path::is_separator) { None } else { find(&program, search_path) };
    let path = path.ok_or_else(|| HelperError::Missing(program.clone()))?;
    let failed = |error: &std::io::Error| HelperError::Run {
        program: program.clone(),
        message: sutler_chart::io_message(error),
    };
    let mut child = Command::new(path)
        .arg(action)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    // Input is some hundred bytes, which a pipe takes at once. A helper that does not read it all is no reason to fail.
    if let Some(mut stdin) = child.stdin.take() {
        match stdin.write_all(input) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => return Err(failed(&error)),
            _ => {}
        }
    }
    let output = child.wait_with_output().map_err(|error| failed(&error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let message = String::from_utf8_lossy(output.stdout.trim_ascii()).into_owned();
    Err(HelperError::Failed(match (message.as_str(), output.status.code()) {
        ("", Some(code)) => format!("exit status {code}"),
        ("", None) => "signal: killed".to_owned(),
        _ => message,
    }))
}
