//! What goes wrong with a registry, in the words of Helm and of the library that it speaks to registries with.

use serde::Deserialize;
use sutler_chart::go_quoted;
use thiserror::Error;

use super::credentials::CredentialError;
use super::json;
use super::manifest::ContentError;
use super::reference::ReferenceError;
use crate::cache::CacheError;
use crate::transport::{ExchangeError, Response, TransportError};

/// Why a registry did not do what it was asked for. The texts, joined with their causes by `: `, are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The name of the chart is none.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// There was no answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The registry refused.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The registry wants a login, and there is none that can be used.
    #[error("{method} {}", go_quoted(.url))]
    LogIn {
        /// `GET`, `HEAD`, ….
        method: &'static str,
        /// What was asked for.
        url: String,
        /// Why there is none.
        #[source]
        source: Box<LoginError>,
    },
    /// The files of logins cannot be read or written.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    /// `helm registry login` was refused.
    #[error("authenticating to {}", go_quoted(.host))]
    Authenticating {
        /// The registry.
        host: String,
        /// What it said.
        #[source]
        source: Box<RegistryError>,
    },
    /// One step of a pull or push failed.
    #[error("failed to perform {} on {side}", go_quoted(.step))]
    Step {
        /// The step, as Helm's library names it: `FetchReference`, `Fetch`, `Exists`, `Push`, `Tag`.
        step: &'static str,
        /// `source` or `destination`.
        side: &'static str,
        /// What happened.
        #[source]
        source: Box<RegistryError>,
    },
    /// The registry does not have it.
    #[error("{0}: not found")]
    NotFound(String),
    /// The answer is not one that a registry gives.
    #[error("{method} {}: {message}", go_quoted(.url))]
    Malformed {
        /// `GET`, `HEAD`, ….
        method: &'static str,
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        message: String,
    },
    /// Other bytes came than were announced.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A manifest or a chart's description is not the JSON that it should be.
    #[error("{0}")]
    Json(String),
    /// It is no chart. The texts are Helm's.
    #[error("{0}")]
    NoChart(String),
    /// It is no plugin. The texts are Helm's.
    #[error("{0}")]
    NoPlugin(String),
    /// The reference holds a tag, and another version was asked for.
    #[error("chart reference and version mismatch: {version} is not {tag}")]
    OtherVersion {
        /// The version that was asked for.
        version: String,
        /// The tag of the reference.
        tag: String,
    },
    /// The version that was asked for is not what the digest names.
    #[error("chart reference digest mismatch: {found} is not {expected}")]
    OtherDigest {
        /// The digest of the version.
        found: String,
        /// The digest of the reference.
        expected: String,
    },
    /// There is no version at all.
    #[error("unable to locate any tags in provided repository: {0}")]
    NoTags(String),
    /// The version range is none.
    #[error(transparent)]
    Constraint(#[from] sutler_functions::semver::SemverError),
    /// No version is within the range.
    #[error("could not locate a version matching provided version string {0}")]
    NoMatch(String),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// Why there is no login or token.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoginError {
    /// There is no login for the registry.
    #[error("basic credential not found")]
    NoCredential,
    /// A login has no user or no password.
    #[error("missing username or password for {0} auth")]
    Incomplete(&'static str),
    /// The files of logins or their helpers failed.
    #[error("failed to resolve credential")]
    Resolve(#[source] CredentialError),
    /// The same, on the way to a token.
    #[error(transparent)]
    Credential(CredentialError),
    /// The server of tokens did not answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The server of tokens refused.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// Its answer holds no token.
    #[error("{method} {}: {message}", go_quoted(.url))]
    NoToken {
        /// `GET` or `POST`.
        method: &'static str,
        /// The server.
        url: String,
        /// What is wrong with the answer.
        message: &'static str,
    },
}

/// An answer with an error status.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnswerError {
    /// `GET`, `HEAD`, ….
    pub method: &'static str,
    /// What was asked for.
    pub url: String,
    /// The status code.
    pub status: u16,
    /// What the registry says, each as `code: message: details`; empty where it says nothing.
    pub reasons: Vec<String>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    errors: Option<Vec<Reason>>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Reason {
    code: Option<String>,
    message: Option<String>,
    detail: serde_json::Value,
}

/// As much of an answer's body as is looked at for reasons.
const LARGEST_REASONS: usize = 8 * 1024;

impl AnswerError {
    pub(super) fn new(method: &'static str, response: &Response) -> AnswerError {
        let body = &response.body[..response.body.len().min(LARGEST_REASONS)];
        let reasons = serde_json::from_slice::<Body>(body).ok().and_then(|body| body.errors).unwrap_or_default();
        AnswerError {
            method,
            url: response.url.clone(),
            status: response.status,
            reasons: reasons.into_iter().map(Reason::show).collect(),
        }
    }
}

impl Reason {
    fn show(self) -> String {
        let code = self.code.unwrap_or_default().replace('_', " ").to_lowercase();
        let message = self.message.unwrap_or_default();
        match (message.as_str(), &self.detail) {
            ("", _) => code,
            (message, serde_json::Value::Null) => format!("{code}: {message}"),
            (message, detail) => format!("{code}: {message}: {}", json::show(detail)),
        }
    }
}

impl std::fmt::Display for AnswerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let AnswerError { method, url, status, reasons } = self;
        write!(f, "{method} {}: response status code {status}: ", go_quoted(url))?;
        if reasons.is_empty() {
            let text = ureq::http::StatusCode::from_u16(*status).ok().and_then(|code| code.canonical_reason());
            return f.write_str(text.unwrap_or_default());
        }
        f.write_str(&reasons.join("; "))
    }
}

impl std::error::Error for AnswerError {}

impl RegistryError {
    /// What a person may do about it, where that is plain. Helm says nothing of the kind.
    pub fn hint(&self) -> Option<String> {
        match self {
            RegistryError::Step { source, .. } | RegistryError::Authenticating { source, .. } => source.hint(),
            RegistryError::LogIn { url, source, .. } => match &**source {
                LoginError::NoCredential => Some(format!("log in first: helm registry login {}", host_of(url))),
                LoginError::Answer(error) => hint_for_status(error),
                LoginError::Transport(error) => hint_for_transport(error),
                _ => None,
            },
            RegistryError::Answer(error) => hint_for_status(error),
            RegistryError::Transport(error) => hint_for_transport(error),
            _ => None,
        }
    }

    pub(super) fn step(self, step: &'static str, side: &'static str) -> RegistryError {
        RegistryError::Step { step, side, source: Box::new(self) }
    }
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

fn hint_for_status(error: &AnswerError) -> Option<String> {
    let host = host_of(&error.url);
    match error.status {
        401 => Some(format!("the registry does not accept the login; log in anew: helm registry login {host}")),
        403 => Some(format!("the login for {host} may not do this")),
        429 => Some(format!("{host} limits how often it may be asked; try again later, or log in")),
        _ => None,
    }
}

fn hint_for_transport(error: &TransportError) -> Option<String> {
    use crate::transport::DialError;
    let TransportError::Request { source, .. } = error else { return None };
    match source {
        ExchangeError::PlainAnswer | ExchangeError::Dial(DialError::PlainAnswer) => {
            Some("the registry does not use TLS; add --plain-http".to_owned())
        }
        ExchangeError::Dial(DialError::Tls(_)) => {
            Some("if the certificate is signed by an authority of your own, name it by --ca-file".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expected: &str) {
        let response = Response {
            status,
            status_text: String::new(),
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
            url: "http://h/v2/".to_owned(),
        };
        let shown = AnswerError::new("GET", &response).to_string();
        assert_eq!(shown, format!("GET \"http://h/v2/\": response status code {status}: {expected}"));
    }

    #[test]
    fn reasons_are_told_as_helm_tells_them() {
        check(404, "", "Not Found");
        check(500, "<html>", "Internal Server Error");
        check(401, r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#, "unauthorized");
        check(
            404,
            r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no such","detail":{"name":"a"}}]}"#,
            "name unknown: no such: map[name:a]",
        );
        check(
            403,
            r#"{"errors":[{"code":"DENIED","message":"a","detail":null},{"code":"X","message":"b","detail":[{"Type":"t"}]}]}"#,
            "denied: a; x: b: [map[Type:t]]",
        );
        check(404, r#"{"errors":null}"#, "Not Found");
    }
}
