//! Making a connection: proxy, TCP, TLS, and keeping the status line, which the HTTP library does not hand on.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use sutler_functions::url::Url;
use thiserror::Error;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport as Wire, time,
};

use super::tls;

/// Why no connection was made. The texts are Go's.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum DialError {
    /// The host's name has no address.
    #[error("dial tcp: lookup {host}{}: {message}", .server.as_ref().map(|server| format!(" on {server}")).unwrap_or_default())]
    Lookup {
        /// The name.
        host: String,
        /// Who was asked, where that is known.
        server: Option<String>,
        /// What the resolver said.
        message: String,
    },
    /// The address does not answer, or refuses.
    #[error("dial tcp {address}: connect: {message}")]
    Connect {
        /// Address and port.
        address: SocketAddr,
        /// What the operating system said.
        message: String,
    },
    /// The time was up.
    #[error("dial tcp {address}: i/o timeout")]
    Timeout {
        /// Address and port.
        address: SocketAddr,
    },
    /// The proxy cannot be reached.
    #[error("proxyconnect tcp: {0}")]
    Proxy(Box<DialError>),
    /// The proxy refused to connect; its words.
    #[error("{0}")]
    Refused(String),
    /// The two sides could not agree on a secure connection, or the server's certificate is not trusted.
    #[error("{0}")]
    Tls(String),
    /// The server speaks HTTP where TLS is expected.
    #[error("http: server gave HTTP response to HTTPS client")]
    PlainAnswer,
    /// The connection was closed or broke meanwhile.
    #[error("{0}")]
    Broken(String),
}

/// The first line of an answer, as it came.
#[derive(Debug, Clone, Default)]
pub(super) struct StatusLine(Arc<Mutex<Vec<u8>>>);

/// As much of an answer's beginning as is kept.
const LONGEST_STATUS_LINE: usize = 4096;

impl StatusLine {
    fn record(&self, bytes: &[u8]) {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if line.len() < LONGEST_STATUS_LINE && !line.contains(&b'\n') {
            let room = LONGEST_STATUS_LINE - line.len();
            line.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// Interim answers (1xx) have status lines too, and are followed by the one that counts.
    fn restart(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.record(bytes);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The line without its end.
    pub(super) fn first_line(&self) -> Option<String> {
        let line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&line);
        let first = text.split('\n').next()?.trim_end_matches('\r').to_owned();
        (!first.is_empty()).then_some(first)
    }

    /// Code and words as the server wrote them, as Go's `Response.Status`.
    pub(super) fn status_text(&self, status: u16) -> String {
        let line = self.first_line().unwrap_or_default();
        match line.split_once(' ') {
            Some((_, text)) if text.trim_start().starts_with(&status.to_string()) => text.trim_start().to_owned(),
            _ => match ureq::http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()) {
                Some(reason) => format!("{status} {reason}"),
                None => status.to_string(),
            },
        }
    }
}

/// Leaves names to [`Dial`], which knows whether the target's or the proxy's is to be looked up.
#[derive(Debug)]
pub(super) struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(
        &self,
        _: &ureq::http::Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(SocketAddr::from(([0, 0, 0, 0], 0)));
        Ok(addresses)
    }
}

/// How to connect for one request.
pub(super) struct Dial {
    host: String,
    port: u16,
    proxy: Option<Url>,
    tls: Option<Arc<ClientConfig>>,
    status_line: StatusLine,
}

impl std::fmt::Debug for Dial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dial").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn port_of(url: &Url, default: u16) -> u16 {
    text(url.port()).parse().unwrap_or(default)
}

/// A host as part of an address: IPv6 addresses in brackets.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

impl Dial {
    pub(super) fn new(url: &Url, proxy: Option<Url>, tls: Option<Arc<ClientConfig>>, status_line: StatusLine) -> Dial {
        let default = if tls.is_some() { 443 } else { 80 };
        Dial { host: text(url.hostname()), port: port_of(url, default), proxy, tls, status_line }
    }

    /// Host and port for the request's URI and `Host` header, without the default port.
    pub(super) fn authority(&self) -> String {
        let default = if self.tls.is_some() { 443 } else { 80 };
        let host = bracketed(&self.host);
        if self.port == default { host } else { format!("{host}:{}", self.port) }
    }

    /// The header for a proxy that forwards plain requests and wants to know who asks.
    pub(super) fn proxy_authorization(&self) -> Option<(String, String)> {
        if self.tls.is_some() {
            return None;
        }
        Some(("Proxy-Authorization".to_owned(), proxy_credentials(self.proxy.as_ref()?)?))
    }

    fn open(&self, budget: &Budget) -> Result<Connection, DialError> {
        let Some(proxy) = &self.proxy else {
            let socket = connect(&self.host, self.port, budget)?;
            return self.secure(socket, budget);
        };
        let in_proxy = |error| DialError::Proxy(Box::new(error));
        let mut socket = connect(&text(proxy.hostname()), port_of(proxy, 80), budget).map_err(in_proxy)?;
        if self.tls.is_some() {
            self.ask_for_tunnel(&mut socket, proxy, budget)?;
        }
        self.secure(socket, budget)
    }

    /// Asks a proxy for a connection to the target (`CONNECT`).
    fn ask_for_tunnel(&self, socket: &mut TcpStream, proxy: &Url, budget: &Budget) -> Result<(), DialError> {
        let broken = |error: std::io::Error| DialError::Broken(sutler_chart::io_message(&error));
        budget.apply(socket).map_err(broken)?;
        let target = format!("{}:{}", bracketed(&self.host), self.port);
        let credentials =
            proxy_credentials(proxy).map_or_else(String::new, |value| format!("Proxy-Authorization: {value}\r\n"));
        write!(socket, "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credentials}\r\n").map_err(broken)?;
        // Byte by byte, since what follows the headers belongs to the tunnel.
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() > 64 * 1024 || socket.read(&mut byte).map_err(broken)? == 0 {
                return Err(DialError::Broken("unexpected EOF".to_owned()));
            }
            head.push(byte[0]);
        }
        let line = text(head.split(|byte| *byte == b'\r').next().unwrap_or_default());
        let status = line.split_once(' ').map_or("", |(_, status)| status);
        match status.split_once(' ') {
            _ if status.starts_with("200") => Ok(()),
            Some((_, words)) => Err(DialError::Refused(words.to_owned())),
            None => Err(DialError::Refused("unknown status code".to_owned())),
        }
    }

    /// TLS around a connection, where it is wanted.
    fn secure(&self, socket: TcpStream, budget: &Budget) -> Result<Connection, DialError> {
        let Some(config) = &self.tls else { return Ok(Connection::Plain(socket)) };
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| DialError::Tls(format!("tls: invalid server name {}", sutler_chart::go_quoted(&self.host))))?;
        let mut session = ClientConnection::new(Arc::clone(config), name)
            .map_err(|error| DialError::Tls(tls::go_text(&error, &self.host)))?;
        let mut socket = socket;
        budget.apply(&socket).map_err(|error| DialError::Broken(sutler_chart::io_message(&error)))?;
        while session.is_handshaking() {
            session.complete_io(&mut socket).map_err(|error| tls::handshake_error(&error, &self.host))?;
        }
        Ok(Connection::Tls(Box::new(StreamOwned::new(session, socket))))
    }
}

/// The value of `Proxy-Authorization`, where the proxy's URL names a user.
fn proxy_credentials(proxy: &Url) -> Option<String> {
    let user = proxy.user.as_ref()?;
    let pair = format!("{}:{}", text(user.name()), text(user.password().unwrap_or_default()));
    Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}

/// How much time is left.
struct Budget(Option<Instant>);

impl Budget {
    fn remaining(&self) -> Option<Duration> {
        // The operating system takes no timeout of zero.
        self.0.map(|end| end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)))
    }

    fn apply(&self, socket: &TcpStream) -> std::io::Result<()> {
        socket.set_read_timeout(self.remaining())?;
        socket.set_write_timeout(self.remaining())
    }
}

/// Connects to the first address of a host that takes the connection; tells of the first that did not, as Go does.
fn connect(host: &str, port: u16, budget: &Budget) -> Result<TcpStream, DialError> {
    let addresses = (host, port).to_socket_addrs().map_err(|error| DialError::Lookup {
        host: host.to_owned(),
        server: name_server(),
        message: lookup_message(&error),
    })?;
    let mut first = None;
    for address in addresses {
        let result = match budget.remaining() {
            Some(remaining) => TcpStream::connect_timeout(&address, remaining),
            None => TcpStream::connect(address),
        };
        match result {
            Ok(socket) => {
                // Requests are written at once; waiting for more only delays them.
                let _ = socket.set_nodelay(true);
                return Ok(socket);
            }
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                first.get_or_insert(DialError::Timeout { address });
            }
            Err(error) => {
                first.get_or_insert(DialError::Connect { address, message: sutler_chart::io_message(&error) });
            }
        }
    }
    Err(first.unwrap_or(DialError::Lookup { host: host.to_owned(), server: None, message: "no such host".to_owned() }))
}

/// The first name server of this machine, as Go's resolver reads and names it.
fn name_server() -> Option<String> {
    let text = std::fs::read_to_string("/etc/resolv.conf").ok()?;
    let address = text.lines().find_map(|line| line.trim().strip_prefix("nameserver")?.split_whitespace().next())?;
    Some(format!("{}:53", bracketed(address)))
}

/// The resolver's complaint in Go's words.
fn lookup_message(error: &std::io::Error) -> String {
    let text = error.to_string();
    let known = [
        ("Name or service not known", "no such host"),
        ("nodename nor servname provided", "no such host"),
        ("No address associated", "no such host"),
        ("Temporary failure in name resolution", "server misbehaving"),
    ];
    known
        .iter()
        .find(|(system, _)| text.contains(system))
        .map_or_else(|| sutler_chart::io_message(error), |(_, go)| (*go).to_owned())
}

enum Connection {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Connection {
    fn socket(&self) -> &TcpStream {
        match self {
            Connection::Plain(socket) => socket,
            Connection::Tls(stream) => &stream.sock,
        }
    }
}

impl Connector<()> for Dial {
    type Out = OpenWire;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<OpenWire>, ureq::Error> {
        let end = match details.timeout.after {
            time::Duration::Exact(after) => Instant::now().checked_add(after),
            time::Duration::NotHappening => None,
        };
        let connection = self.open(&Budget(end)).map_err(|error| match (&error, end) {
            (DialError::Timeout { .. } | DialError::Broken(_), Some(end)) if Instant::now() >= end => {
                ureq::Error::Timeout(ureq::Timeout::Connect)
            }
            _ => ureq::Error::Other(Box::new(error)),
        })?;
        // A proxy that forwards plain requests is told the whole URL.
        let whole_url = (self.tls.is_none() && self.proxy.is_some()).then(|| format!("http://{}", self.authority()));
        let buffers = LazyBuffers::new(64 * 1024, 64 * 1024);
        let host = self.host.clone();
        Ok(Some(OpenWire { connection, buffers, status_line: self.status_line.clone(), whole_url, host }))
    }
}

/// A connection as the HTTP library reads and writes it.
pub(super) struct OpenWire {
    connection: Connection,
    buffers: LazyBuffers,
    status_line: StatusLine,
    whole_url: Option<String>,
    host: String,
}

impl std::fmt::Debug for OpenWire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenWire").field("host", &self.host).finish_non_exhaustive()
    }
}

fn limit(timeout: NextTimeout) -> Option<Duration> {
    match timeout.after {
        time::Duration::Exact(after) => Some(after.max(Duration::from_millis(1))),
        time::Duration::NotHappening => None,
    }
}

fn timed_out(error: std::io::Error, timeout: NextTimeout) -> ureq::Error {
    match error.kind() {
        std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock => ureq::Error::Timeout(timeout.reason),
        _ => ureq::Error::Io(error),
    }
}

impl Wire for OpenWire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.connection.socket().set_write_timeout(limit(timeout))?;
        let mut output = self.buffers.output()[..amount].to_vec();
        if let Some(url) = self.whole_url.take()
            && let Some(space) = output.iter().position(|byte| *byte == b' ')
        {
            output.splice(space + 1..=space, url.into_bytes());
        }
        let result = match &mut self.connection {
            Connection::Plain(socket) => socket.write_all(&output),
            Connection::Tls(stream) => stream.write_all(&output).and_then(|()| stream.flush()),
        };
        result.map_err(|error| timed_out(error, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.connection.socket().set_read_timeout(limit(timeout))?;
        let input = self.buffers.input_append_buf();
        let read = loop {
            let result = match &mut self.connection {
                Connection::Plain(socket) => socket.read(input),
                Connection::Tls(stream) => stream.read(input),
            };
            match result {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        let amount = match read {
            Ok(amount) => amount,
            // Go takes a connection that ends without TLS's farewell for ended.
            Err(error)
                if error.kind() == std::io::ErrorKind::UnexpectedEof
                    && matches!(self.connection, Connection::Tls(_)) =>
            {
                0
            }
            Err(error) => {
                return Err(match tls::of_read(&error, &self.host) {
                    Some(error) => ureq::Error::Other(Box::new(error)),
                    None => timed_out(error, timeout),
                });
            }
        };
        let bytes = &input[..amount];
        if self.status_line.first_line().is_some_and(|line| line.starts_with("HTTP/1.1 1"))
            && bytes.starts_with(b"HTTP/")
        {
            self.status_line.restart(bytes);
        } else {
            self.status_line.record(bytes);
        }
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        matches!(self.connection, Connection::Tls(_))
    }
}
