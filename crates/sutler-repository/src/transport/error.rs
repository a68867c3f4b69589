//! What goes wrong with a request, in the words of Go's `net/http` and of Helm.

use std::io::Read;

use sutler_functions::url::UrlError;
use thiserror::Error;

use super::Hop;
use super::dial::{DialError, StatusLine};
use super::tls::TlsOptionsError;

/// Why a request failed. The texts, joined with their causes by `: `, are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The URL to fetch is none.
    #[error("unable to parse URL getting from")]
    Url(#[source] UrlError),
    /// The URL that the credentials are for is none.
    #[error("unable to parse getter URL")]
    RepositoryUrl(#[source] UrlError),
    /// The URL of a request is none.
    #[error("{operation} {url}")]
    BadUrl {
        /// `Get`, `Put`, ….
        operation: &'static str,
        /// The URL, quoted.
        url: String,
        /// What is wrong with it.
        #[source]
        source: UrlError,
    },
    /// The files of certificates and keys cannot be used.
    #[error("can't create TLS config for client")]
    TlsOptions(#[source] TlsOptionsError),
    /// There was no answer.
    #[error("{operation} {url}")]
    Request {
        /// `Get`, `Put`, ….
        operation: &'static str,
        /// The URL, quoted, without its password.
        url: String,
        /// What happened.
        #[source]
        source: ExchangeError,
    },
    /// The answer's body did not come whole.
    #[error(transparent)]
    Body(ExchangeError),
    /// The server refused.
    #[error("failed to fetch {url} : {status}")]
    Status {
        /// The URL.
        url: String,
        /// Code and words.
        status: String,
    },
}

impl TransportError {
    /// Whether the other side hung up in the middle, which the next attempt may escape.
    pub fn is_cut_connection(&self) -> bool {
        let (TransportError::Request { source: cause, .. } | TransportError::Body(cause)) = self else { return false };
        matches!(cause, ExchangeError::ClosedEarly | ExchangeError::CutShort | ExchangeError::Reset(_))
    }
}

/// What happened between a request and the end of its answer. The texts are Go's.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// No connection could be made.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The time was up before the answer began.
    #[error("context deadline exceeded (Client.Timeout exceeded while awaiting headers)")]
    Timeout,
    /// The time was up while the body was read.
    #[error("context deadline exceeded (Client.Timeout or context cancellation while reading body)")]
    BodyTimeout,
    /// The connection was closed before an answer.
    #[error("EOF")]
    ClosedEarly,
    /// The connection was closed within the answer.
    #[error("unexpected EOF")]
    CutShort,
    /// The connection broke.
    #[error("{0}")]
    Reset(String),
    /// The answer is not HTTP.
    #[error("net/http: HTTP/1.x transport connection broken: malformed HTTP response {0}")]
    Malformed(String),
    /// The headers are too large or wrong.
    #[error("net/http: HTTP/1.x transport connection broken: {0}")]
    Broken(String),
    /// The server speaks HTTP where TLS is expected.
    #[error("http: server gave HTTP response to HTTPS client")]
    PlainAnswer,
    /// A scheme other than `http` and `https`.
    #[error("unsupported protocol scheme {}", sutler_chart::go_quoted(.0))]
    Scheme(String),
    /// The URL has no host.
    #[error("http: no Host in request URL")]
    NoHost,
    /// Redirects led in a circle, or too far.
    #[error("stopped after {0} redirects")]
    TooManyRedirects(usize),
    /// A redirect leads to no URL.
    #[error("failed to parse Location header {location}: {message}")]
    Location {
        /// The header, quoted.
        location: String,
        /// What is wrong with it.
        message: String,
    },
    /// A proxy's address in the environment is none.
    #[error("proxyconnect tcp: {0}")]
    Proxy(String),
    /// The answer is larger than it may be.
    #[error("response is larger than {0} bytes")]
    TooLarge(u64),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// What an error before the answer's body means.
pub(super) fn of_answer(error: ureq::Error, status_line: &StatusLine, hop: &Hop<'_>) -> ExchangeError {
    match error {
        ureq::Error::Other(error) => match error.downcast::<DialError>() {
            Ok(error) => ExchangeError::Dial(*error),
            Err(error) => ExchangeError::Other(error.to_string()),
        },
        ureq::Error::Timeout(_) => ExchangeError::Timeout,
        ureq::Error::Io(error) => of_io(&error, status_line),
        ureq::Error::Protocol(_) if hop.url.scheme == b"https" && status_line.is_empty() => ExchangeError::ClosedEarly,
        ureq::Error::Protocol(error) => match status_line.first_line() {
            Some(line) if !line.starts_with("HTTP/") => ExchangeError::Malformed(sutler_chart::go_quoted(&line)),
            _ => ExchangeError::Broken(error.to_string()),
        },
        ureq::Error::LargeResponseHeader(_, limit) => {
            ExchangeError::Broken(format!("net/http: server response headers exceeded {limit} bytes; aborted"))
        }
        error => ExchangeError::Other(error.to_string()),
    }
}

fn of_io(error: &std::io::Error, status_line: &StatusLine) -> ExchangeError {
    use std::io::ErrorKind;
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<DialError>()) {
        return ExchangeError::Dial(error.clone());
    }
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => ExchangeError::Timeout,
        ErrorKind::UnexpectedEof if status_line.is_empty() => ExchangeError::ClosedEarly,
        ErrorKind::UnexpectedEof => ExchangeError::CutShort,
        ErrorKind::ConnectionReset => ExchangeError::Reset("read: connection reset by peer".to_owned()),
        ErrorKind::ConnectionAborted => ExchangeError::Reset("read: connection aborted".to_owned()),
        ErrorKind::BrokenPipe => ExchangeError::Reset("write: broken pipe".to_owned()),
        _ => ExchangeError::Other(sutler_chart::io_message(error)),
    }
}

/// Reads a body to its end.
pub(super) fn read_body(mut reader: impl Read, limit: u64) -> Result<Vec<u8>, ExchangeError> {
    let mut body = Vec::new();
    reader.read_to_end(&mut body).map_err(|error| {
        let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
        match cause {
            Some(ureq::Error::BodyExceedsLimit(_)) => ExchangeError::TooLarge(limit),
            Some(ureq::Error::Timeout(_)) => ExchangeError::BodyTimeout,
            Some(ureq::Error::Protocol(error)) => ExchangeError::Other(error.to_string()),
            _ => match error.kind() {
                std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock => ExchangeError::BodyTimeout,
                std::io::ErrorKind::UnexpectedEof => ExchangeError::CutShort,
                std::io::ErrorKind::ConnectionReset => {
                    ExchangeError::Reset("read: connection reset by peer".to_owned())
                }
                _ => ExchangeError::Other(sutler_chart::io_message(&error)),
            },
        }
    })?;
    Ok(body)
}
