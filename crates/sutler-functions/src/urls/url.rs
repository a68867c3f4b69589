//! A URL taken apart and put together as Go's `net/url` does it.

use std::net::Ipv6Addr;

use bstr::ByteSlice;
use sutler_template::Str;

use crate::show;

/// Why a text is no URL; the texts are Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parse {url}: {problem}")]
pub(super) struct UrlError {
    /// The text, quoted.
    url: String,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("net/url: invalid control character in URL")]
    ControlCharacter,
    #[error("missing protocol scheme")]
    MissingScheme,
    #[error("first path segment in URL cannot contain colon")]
    ColonInFirstSegment,
    #[error("net/url: invalid userinfo")]
    Userinfo,
    #[error("invalid URL escape {0}")]
    Escape(String),
    #[error("invalid character {0} in host name")]
    HostCharacter(String),
    #[error("missing ']' in host")]
    MissingBracket,
    #[error("invalid IP-literal")]
    IpLiteral,
    #[error("invalid port {0} after host")]
    Port(String),
    #[error("invalid host: ParseAddr({0}): {1}")]
    Address(String, &'static str),
}

/// Where a text stands in a URL, which decides what may stay as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Path,
    Host,
    /// The zone of an IPv6 address.
    Zone,
    User,
    Fragment,
}

/// Who logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

impl User {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = escape(&self.name, Place::User);
        if let Some(password) = &self.password {
            out.push(b':');
            out.extend(escape(password, Place::User));
        }
        out
    }
}

/// The parts of a URL, unescaped but for the query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) scheme: Vec<u8>,
    pub(super) opaque: Vec<u8>,
    pub(super) user: Option<User>,
    pub(super) host: Vec<u8>,
    pub(super) path: Vec<u8>,
    pub(super) query: Vec<u8>,
    pub(super) fragment: Vec<u8>,
}

fn quoted(text: &[u8]) -> String {
    show::quoted(&Str::from(text))
}

/// Whether a byte stays as it is at a place.
fn stays(byte: u8, place: Place) -> bool {
    let among = |bytes: &[u8]| bytes.contains(&byte);
    byte.is_ascii_alphanumeric()
        || among(b"-._~")
        || match place {
            Place::Path => among(b"$&+,/:;=@"),
            Place::Host | Place::Zone => among(b"!\"$&'()*+,:;<=>[]"),
            Place::User => among(b"$&+,;="),
            Place::Fragment => among(b"!$&()*+,/:;=?@"),
        }
}

fn escape(text: &[u8], place: Place) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if stays(byte, place) {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn unescape(text: &[u8], place: Place) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(&byte) = rest.first() {
        if byte == b'%' {
            let code = match rest {
                [_, high, low, ..] => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
                _ => None,
            };
            let Some(code) = code else {
                return Err(Problem::Escape(quoted(&rest[..rest.len().min(3)])));
            };
            let is_percent = &rest[..3] == b"%25";
            let refused = match place {
                Place::Host => code < 0x80 && !is_percent,
                Place::Zone => !is_percent && code != b' ' && !stays(code, Place::Host),
                _ => false,
            };
            if refused {
                return Err(Problem::Escape(quoted(&rest[..3])));
            }
            out.push(code);
            rest = &rest[3..];
            continue;
        }
        if matches!(place, Place::Host | Place::Zone) && byte < 0x80 && !stays(byte, place) {
            return Err(Problem::HostCharacter(quoted(&[byte])));
        }
        out.push(byte);
        rest = &rest[1..];
    }
    Ok(out)
}

/// Splits at the first of a byte, which goes; without it everything is before.
fn cut(text: &[u8], at: u8) -> (&[u8], &[u8]) {
    match text.find_byte(at) {
        Some(index) => (&text[..index], &text[index + 1..]),
        None => (text, &[]),
    }
}

/// The scheme and what follows its colon.
fn scheme(text: &[u8]) -> Result<(&[u8], &[u8]), Problem> {
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
            b':' if index == 0 => return Err(Problem::MissingScheme),
            b':' => return Ok((&text[..index], &text[index + 1..])),
            _ => break,
        }
    }
    Ok((&[], text))
}

fn is_port(text: &[u8]) -> bool {
    text.is_empty() || (text[0] == b':' && text[1..].iter().all(u8::is_ascii_digit))
}

/// An address of version 6 in Go's reading, or what is wrong with the text.
fn check_address(text: &[u8]) -> Result<(), Problem> {
    let failed = |problem: &'static str| Problem::Address(quoted(text), problem);
    let (address, zone) = match text.find_byte(b'%') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    match text.iter().find(|byte| matches!(byte, b'.' | b':' | b'%')) {
        None => return Err(failed("unable to parse IP")),
        Some(b'%') => return Err(failed("missing IPv6 address")),
        // A text that is an address of version 4 is refused for another reason than one that is none.
        Some(b'.') if text.to_str().is_ok_and(|text| text.parse::<std::net::Ipv4Addr>().is_ok()) => {
            return Err(Problem::IpLiteral);
        }
        Some(_) => {}
    }
    if zone.is_some_and(<[u8]>::is_empty) {
        return Err(failed("zone must be a non-empty string"));
    }
    match address.to_str().ok().and_then(|address| address.parse::<Ipv6Addr>().ok()) {
        Some(_) => Ok(()),
        None => Err(failed("unable to parse IP")),
    }
}

fn host(scheme: &[u8], text: &[u8]) -> Result<Vec<u8>, Problem> {
    match text.rfind_byte(b'[') {
        Some(0) => {
            let close = text.rfind_byte(b']').ok_or(Problem::MissingBracket)?;
            let port = &text[close + 1..];
            if !is_port(port) {
                return Err(Problem::Port(quoted(port)));
            }
            let inside = &text[1..close];
            let name = match inside.find(b"%25") {
                Some(at) => [unescape(&inside[..at], Place::Host)?, unescape(&inside[at..], Place::Zone)?].concat(),
                None => unescape(inside, Place::Host)?,
            };
            check_address(&name)?;
            return Ok([b"[".as_slice(), &name, b"]", port].concat());
        }
        Some(_) => return Err(Problem::IpLiteral),
        None => {}
    }
    if let Some(first) = text.find_byte(b':') {
        // Some databases' URLs list several hosts with ports; the last one counts.
        let at = if matches!(scheme, b"http" | b"https") { first } else { text.rfind_byte(b':').unwrap_or(first) };
        if !is_port(&text[at..]) {
            return Err(Problem::Port(quoted(&text[at..])));
        }
    }
    unescape(text, Place::Host)
}

fn user(text: &[u8]) -> Result<User, Problem> {
    if !text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte)) {
        return Err(Problem::Userinfo);
    }
    match text.find_byte(b':') {
        Some(colon) => Ok(User {
            name: unescape(&text[..colon], Place::User)?,
            password: Some(unescape(&text[colon + 1..], Place::User)?),
        }),
        None => Ok(User { name: unescape(text, Place::User)?, password: None }),
    }
}

impl Url {
    /// Takes a URL apart, as `url.Parse`.
    ///
    /// # Errors
    /// [`UrlError`] with Go's words.
    pub(super) fn parse(text: &[u8]) -> Result<Url, UrlError> {
        let (before, fragment) = cut(text, b'#');
        let mut url =
            Url::parse_without_fragment(before).map_err(|problem| UrlError { url: quoted(before), problem })?;
        url.fragment =
            unescape(fragment, Place::Fragment).map_err(|problem| UrlError { url: quoted(text), problem })?;
        Ok(url)
    }

    fn parse_without_fragment(text: &[u8]) -> Result<Url, Problem> {
        if text.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
            return Err(Problem::ControlCharacter);
        }
        let mut url = Url::default();
        if text == b"*" {
            url.path = b"*".to_vec();
            return Ok(url);
        }
        let (scheme, rest) = scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (mut rest, query) = cut(rest, b'?');
        url.query = query.to_vec();
        if !rest.starts_with(b"/") {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            if cut(rest, b'/').0.contains(&b':') {
                return Err(Problem::ColonInFirstSegment);
            }
        }
        if let Some(after) = rest.strip_prefix(b"//")
            && (!url.scheme.is_empty() || !rest.starts_with(b"///"))
        {
            let end = after.find_byte(b'/').unwrap_or(after.len());
            let authority = &after[..end];
            rest = &after[end..];
            match authority.rfind_byte(b'@') {
                Some(at) => {
                    url.host = host(&url.scheme, &authority[at + 1..])?;
                    url.user = Some(user(&authority[..at])?);
                }
                None => url.host = host(&url.scheme, authority)?,
            }
        }
        url.path = unescape(rest, Place::Path)?;
        Ok(url)
    }

    /// The host without port and brackets.
    pub(super) fn hostname(&self) -> &[u8] {
        let mut host = self.host.as_slice();
        if let Some(colon) = host.rfind_byte(b':')
            && is_port(&host[colon..])
        {
            host = &host[..colon];
        }
        host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host)
    }

    /// Puts the URL together, as `URL.String`.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if !self.opaque.is_empty() {
            out.extend_from_slice(&self.opaque);
        } else {
            if !self.host.is_empty() || self.user.is_some() || (!self.scheme.is_empty() && !self.path.is_empty()) {
                out.extend_from_slice(b"//");
            }
            if let Some(user) = &self.user {
                out.extend(user.to_bytes());
                out.push(b'@');
            }
            out.extend(escape(&self.host, Place::Host));
            let path = if self.path == b"*" { self.path.clone() } else { escape(&self.path, Place::Path) };
            if !path.is_empty() && path[0] != b'/' && !self.host.is_empty() {
                out.push(b'/');
            }
            // A colon in the first segment would make a scheme of it.
            if out.is_empty() && cut(&path, b'/').0.contains(&b':') {
                out.extend_from_slice(b"./");
            }
            out.extend(path);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escape(&self.fragment, Place::Fragment));
        }
        out
    }
}
