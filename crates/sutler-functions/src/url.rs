//! A URL taken apart, put together and resolved as Go's `net/url` does it.
//!
//! ```
//! use sutler_functions::url::Url;
//!
//! let base = Url::parse(b"https://charts.example.com/stable/?token=1")?;
//! let chart = base.resolve(&Url::parse(b"hub-1.2.3.tgz")?);
//! assert_eq!(chart.to_string(), "https://charts.example.com/stable/hub-1.2.3.tgz");
//! assert_eq!((chart.hostname(), chart.port()), (b"charts.example.com".as_slice(), b"".as_slice()));
//! # Ok::<(), sutler_functions::url::UrlError>(())
//! ```

use std::net::Ipv6Addr;

use bstr::ByteSlice;
use sutler_template::Str;

use crate::show;

/// Why a text is no URL; the texts are Go's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parse {url}: {problem}")]
pub struct UrlError {
    /// The text, quoted.
    url: String,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("net/url: invalid control character in URL")]
    ControlCharacter,
    #[error("empty url")]
    Empty,
    #[error("invalid URI for request")]
    Request,
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
pub struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

impl User {
    /// The name, unescaped.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The password, unescaped, where there is one.
    pub fn password(&self) -> Option<&[u8]> {
        self.password.as_deref()
    }

    /// `name:password`, escaped, as `Userinfo.String`.
    pub fn to_bytes(&self) -> Vec<u8> {
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
pub struct Url {
    /// Before the first colon, in lower case; empty in a relative URL.
    pub scheme: Vec<u8>,
    /// What follows the scheme where no `/` does (`mailto:x@y`).
    pub opaque: Vec<u8>,
    /// Who logs in.
    pub user: Option<User>,
    /// Host and port, an IPv6 address in brackets.
    pub host: Vec<u8>,
    /// The path, unescaped.
    pub path: Vec<u8>,
    /// The path as it was written, where that differs from how [`Url::path`] would be escaped (Go's `RawPath`).
    pub raw_path: Vec<u8>,
    /// Whether there is a `?` without a query after it.
    pub force_query: bool,
    /// After `?`, as it was written.
    pub query: Vec<u8>,
    /// After `#`, unescaped.
    pub fragment: Vec<u8>,
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

/// Whether a text can be an escaped path, as Go's `validEncoded`.
fn is_valid_encoded_path(text: &[u8]) -> bool {
    text.iter().all(|byte| b"!$&'()*+,;=:@[]%".contains(byte) || *byte == b'/' || stays(*byte, Place::Path))
}

/// The path of a reference within that of its base, without `.` and `..`, as Go's `resolvePath`.
fn resolve_path(base: &[u8], reference: &[u8]) -> Vec<u8> {
    let full = match reference.first() {
        None => base.to_vec(),
        Some(b'/') => reference.to_vec(),
        Some(_) => {
            let folder = base.rfind_byte(b'/').map_or(0, |slash| slash + 1);
            [&base[..folder], reference].concat()
        }
    };
    if full.is_empty() {
        return full;
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    let mut last: &[u8] = b"";
    for part in full.strip_prefix(b"/").unwrap_or(&full).split(|byte| *byte == b'/') {
        match part {
            b"." => {}
            b".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
        last = part;
    }
    let mut out = vec![b'/'];
    out.extend(parts.join(b"/".as_slice()));
    if matches!(last, b"." | b"..") && !out.ends_with(b"/") {
        out.push(b'/');
    }
    // Two slashes in front would make a host of what follows.
    if out.starts_with(b"//") {
        out.remove(0);
    }
    out
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
    pub fn parse(text: &[u8]) -> Result<Url, UrlError> {
        let (before, fragment) = cut(text, b'#');
        let mut url =
            Url::parse_without_fragment(before).map_err(|problem| UrlError { url: quoted(before), problem })?;
        url.fragment =
            unescape(fragment, Place::Fragment).map_err(|problem| UrlError { url: quoted(text), problem })?;
        Ok(url)
    }

    /// Takes apart what a request may ask for, a URL or an absolute path, as `url.ParseRequestURI`: nothing in it is a fragment.
    ///
    /// # Errors
    /// [`UrlError`] with Go's words.
    pub fn parse_request(text: &[u8]) -> Result<Url, UrlError> {
        Url::parse_request_text(text).map_err(|problem| UrlError { url: quoted(text), problem })
    }

    fn parse_request_text(text: &[u8]) -> Result<Url, Problem> {
        if text.is_empty() {
            return Err(Problem::Empty);
        }
        if text.starts_with(b"//") && !text.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
            // Without a scheme two slashes begin a path, too.
            let (path, query) = cut(text, b'?');
            return Ok(Url { path: unescape(path, Place::Path)?, query: query.to_vec(), ..Url::default() });
        }
        let is_path = text.starts_with(b"/") || text == b"*";
        match Url::parse_without_fragment(text) {
            Ok(url) if url.scheme.is_empty() && !is_path => Err(Problem::Request),
            Err(Problem::ColonInFirstSegment) => Err(Problem::Request),
            parsed => parsed,
        }
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
        url.force_query = text.ends_with(b"?") && text.find_byte(b'?') == Some(text.len() - 1);
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
        url.set_path(rest)?;
        Ok(url)
    }

    /// Takes an escaped path, as Go's `setPath`: the form it was written in is kept only where the default one differs.
    fn set_path(&mut self, written: &[u8]) -> Result<(), Problem> {
        self.path = unescape(written, Place::Path)?;
        self.raw_path = if escape(&self.path, Place::Path) == written { Vec::new() } else { written.to_vec() };
        Ok(())
    }

    /// The path, escaped: as it was written where that still says the same, as `URL.EscapedPath`.
    pub fn escaped_path(&self) -> Vec<u8> {
        if is_valid_encoded_path(&self.raw_path)
            && unescape(&self.raw_path, Place::Path).is_ok_and(|path| path == self.path)
            && !self.raw_path.is_empty()
        {
            return self.raw_path.clone();
        }
        if self.path == b"*" { self.path.clone() } else { escape(&self.path, Place::Path) }
    }

    /// Whether there is a scheme, as `URL.IsAbs`.
    pub fn is_absolute(&self) -> bool {
        !self.scheme.is_empty()
    }

    /// The port, without colon; empty when there is none.
    pub fn port(&self) -> &[u8] {
        match self.host.rfind_byte(b':') {
            Some(colon) if is_port(&self.host[colon..]) => &self.host[colon + 1..],
            _ => b"",
        }
    }

    /// What a client asks the host for: escaped path and query, as `URL.RequestURI`.
    pub fn request_target(&self) -> String {
        let mut target = if self.opaque.is_empty() { self.escaped_path() } else { self.opaque.clone() };
        if target.is_empty() {
            target.push(b'/');
        }
        if self.force_query || !self.query.is_empty() {
            target.push(b'?');
            target.extend_from_slice(&self.query);
        }
        String::from_utf8_lossy(&target).into_owned()
    }

    /// The URL that a reference means where this one is its base, as `URL.ResolveReference` (RFC 3986, section 5.2).
    pub fn resolve(&self, reference: &Url) -> Url {
        let mut url = reference.clone();
        if reference.scheme.is_empty() {
            url.scheme = self.scheme.clone();
        }
        if !reference.scheme.is_empty() || !reference.host.is_empty() || reference.user.is_some() {
            // The reference has an authority of its own, or is whole: only its dots are resolved.
            url.set_resolved_path(&resolve_path(&reference.escaped_path(), b""));
            return url;
        }
        if !reference.opaque.is_empty() {
            url.user = None;
            url.host = Vec::new();
            url.path = Vec::new();
            return url;
        }
        if reference.path.is_empty() && !reference.force_query && reference.query.is_empty() {
            url.query = self.query.clone();
            if reference.fragment.is_empty() {
                url.fragment = self.fragment.clone();
            }
        }
        if reference.path.is_empty() && !self.opaque.is_empty() {
            url.opaque = self.opaque.clone();
            url.user = None;
            url.host = Vec::new();
            url.path = Vec::new();
            return url;
        }
        url.host = self.host.clone();
        url.user = self.user.clone();
        url.set_resolved_path(&resolve_path(&self.escaped_path(), &reference.escaped_path()));
        url
    }

    fn set_resolved_path(&mut self, escaped: &[u8]) {
        if self.set_path(escaped).is_err() {
            self.path = escaped.to_vec();
            self.raw_path = Vec::new();
        }
    }

    /// The host without port and brackets.
    pub fn hostname(&self) -> &[u8] {
        let mut host = self.host.as_slice();
        if let Some(colon) = host.rfind_byte(b':')
            && is_port(&host[colon..])
        {
            host = &host[..colon];
        }
        host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host)
    }

    /// Puts the URL together, as `URL.String`.
    pub fn to_bytes(&self) -> Vec<u8> {
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
            let path = self.escaped_path();
            if !path.is_empty() && path[0] != b'/' && !self.host.is_empty() {
                out.push(b'/');
            }
            // A colon in the first segment would make a scheme of it.
            if out.is_empty() && cut(&path, b'/').0.contains(&b':') {
                out.extend_from_slice(b"./");
            }
            out.extend(path);
        }
        if self.force_query || !self.query.is_empty() {
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

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::Url;

    #[test]
    fn references_resolve_as_in_go() {
        for (base, reference, expected) in [
            ("http://h/a/b", "c", "http://h/a/c"),
            ("http://h/a/b/", "c", "http://h/a/b/c"),
            ("http://h/a/b/", "../c", "http://h/a/c"),
            ("http://h/a/b/", "/c", "http://h/c"),
            ("http://h/a/b/", "//g/c", "http://g/c"),
            ("http://h/a/b/", "https://g/c/./d/..", "https://g/c/"),
            ("http://u:p@h/a/?q=1", "c?r=2", "http://u:p@h/a/c?r=2"),
            ("http://h/a%2Fb/", "c%2Fd", "http://h/a%2Fb/c%2Fd"),
            ("http://h/a/", "c+1.0.tgz", "http://h/a/c+1.0.tgz"),
            ("http://h", "../../c", "http://h/c"),
            ("http://h/a?x", "", "http://h/a?x"),
            ("http://h/a/", "?y", "http://h/a/?y"),
        ] {
            let base = Url::parse(base.as_bytes()).unwrap();
            assert_eq!(base.resolve(&Url::parse(reference.as_bytes()).unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn a_request_asks_for_the_escaped_path_and_the_query() {
        for (url, expected) in
            [("http://h", "/"), ("http://h/a b?c=d e", "/a%20b?c=d e"), ("http://h/a%2Fb#f", "/a%2Fb")]
        {
            assert_eq!(Url::parse(url.as_bytes()).unwrap().request_target(), expected);
        }
    }

    #[test]
    fn requests_are_urls_or_absolute_paths() {
        let parsed = |text: &str| Url::parse_request(text.as_bytes()).map_err(|error| error.to_string());
        assert_eq!(parsed("https://a.example/b#c").unwrap().path, b"/b#c");
        assert_eq!(parsed("//a/b").unwrap().path, b"//a/b");
        assert_eq!(parsed("mailto:a@b").unwrap().opaque, b"a@b");
        for (text, expected) in [
            ("", "parse \"\": empty url"),
            ("a/b", "parse \"a/b\": invalid URI for request"),
            ("http://a b/", "parse \"http://a b/\": invalid character \" \" in host name"),
            ("http://a#b/c", "parse \"http://a#b/c\": invalid character \"#\" in host name"),
        ] {
            assert_eq!(parsed(text).unwrap_err(), expected);
        }
    }
}
