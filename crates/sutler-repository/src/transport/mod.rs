//! One synchronous HTTP client for indexes, charts and registries, with the rules of Go's `net/http` as Helm uses it.
//!
//! ```text
//! Request ─▶ send: retries, back-off ─▶ redirects ─▶ one exchange ─▶ dial: proxy, TCP, TLS
//!                     │ Clock                                             │ TlsOptions, Proxies
//!                     └── handed in                                       └── handed in
//! ```
//!
//! - Errors have Go's texts: `Get "http://…": dial tcp 127.0.0.1:1: connect: connection refused`.
//! - At most ten redirects; credentials do not follow to another host.
//! - Bytes come as the server sends them: no compression is asked for, and none is undone, since digests are over these bytes.
//! - Answers 429, 500, 502, 503 and 504 and connections that are cut are tried again (Helm gives up at once); see [`Retries`].
//!
//! Start with [`Transport::get`], which is Helm's `HTTPGetter`, or [`Transport::send`].

mod dial;
mod error;
mod proxy;
mod tls;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use jiff::Timestamp;
use sutler_functions::url::Url;

use dial::{Dial, NoResolver, StatusLine};

pub use dial::DialError;
pub use error::{ExchangeError, TransportError};
pub use proxy::Proxies;
pub use tls::{TlsOptions, TlsOptionsError};

/// How long one request may take, redirects and body included: 120 s, as in Helm.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);

/// The largest body that is read, in bytes, where a request says nothing else: 1 GiB.
pub const LARGEST_BODY: u64 = 1024 * 1024 * 1024;

/// What Helm 4.1.4 calls itself.
pub const USER_AGENT: &str = "Helm/4.1.4";

/// How many redirects are followed, as in Go's `defaultCheckRedirect`.
const MOST_REDIRECTS: usize = 10;

/// Time as the transport needs it. Handed in, so that tests neither wait nor depend on the hour.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// Waits.
    fn sleep(&self, duration: Duration);
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Method {
    /// As it is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    /// As Go's errors begin: `Get "http://…"`.
    fn title(self) -> &'static str {
        match self {
            Method::Get => "Get",
            Method::Head => "Head",
            Method::Post => "Post",
            Method::Put => "Put",
            Method::Patch => "Patch",
            Method::Delete => "Delete",
        }
    }
}

/// When and how long to wait before a request is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// How often a request is repeated at most.
    pub most: u32,
    /// The wait before the first repetition; it doubles with each.
    pub first_wait: Duration,
    /// The longest wait, also where the server asks for more by `Retry-After`.
    pub longest_wait: Duration,
}

impl Retries {
    /// Each request is sent once, as Helm's HTTP getter does.
    pub const NONE: Retries = Retries { most: 0, first_wait: Duration::ZERO, longest_wait: Duration::ZERO };
}

impl Default for Retries {
    /// Two repetitions, after 250 and 500 ms, or what `Retry-After` says up to 10 s.
    fn default() -> Retries {
        Retries { most: 2, first_wait: Duration::from_millis(250), longest_wait: Duration::from_secs(10) }
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// What to do.
    pub method: Method,
    /// Where: an absolute `http` or `https` URL. A user and password in it are sent as basic auth.
    pub url: &'a str,
    /// Headers beyond `Host`, `User-Agent` and `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: &'a [u8],
    /// Certificates.
    pub tls: &'a TlsOptions,
    /// How long all of it may take, redirects and body included (each repetition anew); `None` is without end.
    pub timeout: Option<Duration>,
    /// The largest body that is read, in bytes.
    pub largest_body: u64,
    /// Whether redirects are followed; else the answer is the redirect.
    pub follow_redirects: bool,
}

impl<'a> Request<'a> {
    /// A request without headers and body, with the usual limits.
    pub fn new(method: Method, url: &'a str, tls: &'a TlsOptions) -> Request<'a> {
        Request {
            method,
            url,
            headers: Vec::new(),
            body: &[],
            tls,
            timeout: Some(DEFAULT_TIMEOUT),
            largest_body: LARGEST_BODY,
            follow_redirects: true,
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Request<'a> {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Code and words as the server wrote them: `404 Not Found`.
    pub status_text: String,
    /// The headers, names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The URL that answered, after redirects.
    pub url: String,
}

impl Response {
    /// The first header of a name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What Helm's getters are told: its `getter.Option`s.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GetOptions {
    /// The URL that the credentials are for: they go to no other scheme, host or port, unless
    /// [`GetOptions::pass_credentials_all`] (`WithURL`).
    pub repository_url: String,
    /// Certificates.
    pub tls: TlsOptions,
    /// User of basic auth; sent only together with a password.
    pub username: String,
    /// Password of basic auth.
    pub password: String,
    /// Whether credentials go wherever charts are.
    pub pass_credentials_all: bool,
    /// The `Accept` header, where there is one.
    pub accept: String,
    /// Whether registries are spoken to without TLS.
    pub plain_http: bool,
    /// How long a request may take; none is [`DEFAULT_TIMEOUT`].
    pub timeout: Option<Duration>,
}

/// The client. Cheap to share: one for a whole run.
pub struct Transport {
    proxies: Proxies,
    user_agent: String,
    retries: Retries,
    clock: Arc<dyn Clock>,
    tls: Mutex<Vec<(TlsOptions, Arc<rustls::ClientConfig>)>>,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("user_agent", &self.user_agent).field("retries", &self.retries).finish()
    }
}

impl Transport {
    /// A client that goes through these proxies and waits by this clock.
    pub fn new(proxies: Proxies, clock: Arc<dyn Clock>) -> Transport {
        Transport {
            proxies,
            user_agent: USER_AGENT.to_owned(),
            retries: Retries::default(),
            clock,
            tls: Mutex::new(Vec::new()),
        }
    }

    /// The same with other retries.
    #[must_use]
    pub fn with_retries(mut self, retries: Retries) -> Transport {
        self.retries = retries;
        self
    }

    /// The same under another name.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: &str) -> Transport {
        self.user_agent = user_agent.to_owned();
        self
    }

    /// The clock it was given.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Fetches what a URL has, as Helm's `HTTPGetter`: any answer but 200 is an error.
    ///
    /// # Errors
    /// [`TransportError`] with Helm's text: `failed to fetch http://… : 404 Not Found`, `Get "http://…": EOF`.
    pub fn get(&self, url: &str, options: &GetOptions) -> Result<Vec<u8>, TransportError> {
        let parse = |text: &str| Url::parse(text.as_bytes());
        let target = parse(url).map_err(TransportError::Url)?;
        let repository = parse(&options.repository_url).map_err(TransportError::RepositoryUrl)?;
        let mut request = Request::new(Method::Get, url, &options.tls);
        request.timeout = Some(options.timeout.unwrap_or(DEFAULT_TIMEOUT));
        if !options.accept.is_empty() {
            request = request.header("Accept", &options.accept);
        }
        let same_place = repository.scheme == target.scheme && repository.host == target.host;
        if (options.pass_credentials_all || same_place) && !options.username.is_empty() && !options.password.is_empty()
        {
            request = request.header("Authorization", basic_auth(&options.username, &options.password));
        }
        let response = self.send(&request)?;
        if response.status != 200 {
            return Err(TransportError::Status { url: url.to_owned(), status: response.status_text });
        }
        Ok(response.body)
    }

    /// Sends a request, follows its redirects and reads the whole answer; tries again where [`Retries`] allow it.
    ///
    /// # Errors
    /// No answer, or one that is cut off, too large, or leads in circles. An answer with an error status is no error here.
    pub fn send(&self, request: &Request<'_>) -> Result<Response, TransportError> {
        let mut wait = self.retries.first_wait;
        for _ in 0..self.retries.most {
            let result = self.follow(request);
            let asked = match &result {
                Ok(response) if matches!(response.status, 429 | 500 | 502 | 503 | 504) => {
                    response.header("retry-after").and_then(|value| retry_after(value, self.clock.now()))
                }
                Err(error) if error.is_cut_connection() => None,
                _ => return result,
            };
            self.clock.sleep(asked.unwrap_or(wait).min(self.retries.longest_wait));
            wait *= 2;
        }
        self.follow(request)
    }

    /// Sends a request and follows its redirects by the rules of Go's `http.Client`.
    fn follow(&self, request: &Request<'_>) -> Result<Response, TransportError> {
        let deadline = request.timeout.and_then(|timeout| std::time::Instant::now().checked_add(timeout));
        let first = Url::parse(request.url.as_bytes()).map_err(|error| TransportError::BadUrl {
            operation: request.method.title(),
            url: sutler_chart::go_quoted(request.url),
            source: error,
        })?;
        let mut hop = Hop {
            method: request.method,
            url: first.clone(),
            headers: request.headers.clone(),
            body: request.body,
            referenced: request.url.to_owned(),
        };
        for _ in 0..=MOST_REDIRECTS {
            let fail = |source| TransportError::Request {
                operation: request.method.title(),
                url: sutler_chart::go_quoted(&without_password(&hop.url)),
                source,
            };
            let response = self.exchange(&hop, request, deadline).map_err(|failure| match failure {
                Failure::NoAnswer(error) => fail(error),
                Failure::Body(error) => TransportError::Body(error),
                Failure::TlsOptions(error) => TransportError::TlsOptions(error),
            })?;
            let redirects = matches!(response.status, 301 | 302 | 303 | 307 | 308) && request.follow_redirects;
            let location = match response.header("location") {
                Some(location) if redirects && !location.is_empty() => location.to_owned(),
                _ => return Ok(response),
            };
            let target = Url::parse(location.as_bytes()).map_err(|error| {
                fail(ExchangeError::Location {
                    location: sutler_chart::go_quoted(&location),
                    message: error.to_string(),
                })
            })?;
            let mut next = hop.url.resolve(&target);
            if next.fragment.is_empty() {
                next.fragment = hop.url.fragment.clone();
            }
            if !matches!(response.status, 307 | 308) {
                if !matches!(hop.method, Method::Get | Method::Head) {
                    hop.method = Method::Get;
                }
                hop.body = &[];
                hop.headers.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
            }
            if !is_same_domain(&first, &next) {
                hop.headers.retain(|(name, _)| !is_secret_header(name));
            }
            hop.url = next;
            hop.referenced = location;
        }
        Err(TransportError::Request {
            operation: request.method.title(),
            url: sutler_chart::go_quoted(&hop.referenced),
            source: ExchangeError::TooManyRedirects(MOST_REDIRECTS),
        })
    }

    /// One request and its answer.
    fn exchange(
        &self,
        hop: &Hop<'_>,
        request: &Request<'_>,
        deadline: Option<std::time::Instant>,
    ) -> Result<Response, Failure> {
        let remaining = deadline.map(|deadline| deadline.saturating_duration_since(std::time::Instant::now()));
        if remaining.is_some_and(|remaining| remaining.is_zero()) {
            return Err(Failure::NoAnswer(ExchangeError::Timeout));
        }
        let tls = match hop.url.scheme.as_slice() {
            b"https" => Some(self.tls_config(request.tls)?),
            b"http" => {
                // As Helm, which reads the files that are named before it looks at what it connects to.
                if *request.tls != TlsOptions::default() {
                    self.tls_config(request.tls)?;
                }
                None
            }
            scheme => {
                let scheme = String::from_utf8_lossy(scheme).into_owned();
                return Err(Failure::NoAnswer(ExchangeError::Scheme(scheme)));
            }
        };
        if hop.url.host.is_empty() {
            return Err(Failure::NoAnswer(ExchangeError::NoHost));
        }
        let proxy = self.proxies.for_url(&hop.url).map_err(Failure::NoAnswer)?;
        let status_line = StatusLine::default();
        let dial = Dial::new(&hop.url, proxy, tls, status_line.clone());
        let authority = dial.authority();
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .timeout_global(remaining)
            .max_response_header_size(1024 * 1024)
            .user_agent(self.user_agent.as_str())
            .accept(ureq::config::AutoHeaderValue::None)
            .accept_encoding(ureq::config::AutoHeaderValue::None)
            .build();
        let extra = dial.proxy_authorization();
        let agent = ureq::Agent::with_parts(config, dial, NoResolver);
        let mut builder = ureq::http::Request::builder().method(hop.method.as_str()).uri(format!(
            "{}://{authority}{}",
            String::from_utf8_lossy(&hop.url.scheme),
            escape_target(&hop.url.request_target())
        ));
        for (name, value) in hop.headers.iter().chain(&extra) {
            builder = builder.header(name, value);
        }
        let authorized = hop.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if let Some(user) = hop.url.user.as_ref().filter(|_| !authorized) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let value = basic_auth(&text(user.name()), &text(user.password().unwrap_or_default()));
            builder = builder.header("Authorization", value);
        }
        let sent = if hop.body.is_empty() && matches!(hop.method, Method::Get | Method::Head | Method::Delete) {
            builder.body(()).map_err(ureq::Error::Http).and_then(|request| agent.run(request))
        } else {
            builder.body(hop.body).map_err(ureq::Error::Http).and_then(|request| agent.run(request))
        };
        let mut answer = sent.map_err(|error| Failure::NoAnswer(error::of_answer(error, &status_line, hop)))?;
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let status = answer.status().as_u16();
        let body = if hop.method == Method::Head {
            Vec::new()
        } else {
            let reader = answer.body_mut().with_config().limit(request.largest_body).reader();
            error::read_body(reader, request.largest_body).map_err(Failure::Body)?
        };
        Ok(Response { status, status_text: status_line.status_text(status), headers, body, url: hop.url.to_string() })
    }

    /// The TLS configuration for some options, made once.
    fn tls_config(&self, options: &TlsOptions) -> Result<Arc<rustls::ClientConfig>, Failure> {
        let mut known = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, config)) = known.iter().find(|(other, _)| other == options) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(options.client_config().map_err(Failure::TlsOptions)?);
        known.push((options.clone(), Arc::clone(&config)));
        Ok(config)
    }
}

/// One step on the way of a request.
struct Hop<'a> {
    method: Method,
    url: Url,
    headers: Vec<(String, String)>,
    body: &'a [u8],
    /// The URL as it was given or as `Location` had it, which Go names when it gives up on redirects.
    referenced: String,
}

/// Where an exchange failed, which decides how Go tells of it.
enum Failure {
    NoAnswer(ExchangeError),
    Body(ExchangeError),
    TlsOptions(TlsOptionsError),
}

/// The value of an `Authorization` header for a user and a password.
pub fn basic_auth(username: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}")))
}

/// How long `Retry-After` asks to wait: seconds, or an HTTP date.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let time = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(time.duration_since(now)).unwrap_or(Duration::ZERO))
}

/// Headers that Go leaves out when a redirect leads to another host.
fn is_secret_header(name: &str) -> bool {
    ["authorization", "www-authenticate", "cookie", "cookie2", "proxy-authorization"]
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

/// Whether a redirect stays with the first host or goes to one below it, as Go's `shouldCopyHeaderOnRedirect`.
fn is_same_domain(first: &Url, next: &Url) -> bool {
    let (parent, host) = (first.hostname().to_ascii_lowercase(), next.hostname().to_ascii_lowercase());
    if parent == host {
        return true;
    }
    // Below an IP address there is nothing.
    if host.iter().any(|byte| matches!(byte, b':' | b'%')) || parent.is_empty() {
        return false;
    }
    host.strip_suffix(parent.as_slice()).is_some_and(|before| before.ends_with(b"."))
}

/// A URL as Go's errors show it.
fn without_password(url: &Url) -> String {
    match url.user.as_ref().filter(|user| user.password().is_some()) {
        None => url.to_string(),
        Some(user) => {
            let secret = String::from_utf8_lossy(&user.to_bytes()).into_owned();
            let name = secret.split(':').next().unwrap_or_default();
            url.to_string().replacen(&format!("{secret}@"), &format!("{name}:***@"), 1)
        }
    }
}

/// Escapes what the request line cannot hold; Go sends queries as they are written.
fn escape_target(target: &str) -> String {
    let mut out = String::with_capacity(target.len());
    for byte in target.bytes() {
        if matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
        {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests;
