//! Which proxy a request goes through, as Go's `http.ProxyFromEnvironment` decides.

use std::net::IpAddr;

use sutler_functions::url::Url;

use super::error::ExchangeError;

/// The proxies of an environment: the variables `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, or the same in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `http` URLs; empty is none.
    pub http: String,
    /// For `https` URLs; empty is none.
    pub https: String,
    /// Hosts that are asked directly, separated by commas: names (and those below them), addresses, networks, `*`, each
    /// with or without a port.
    pub no_proxy: String,
}

impl Proxies {
    /// The proxies that an environment names; the upper-case variable counts first.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Proxies {
        let either = |upper: &str, lower: &str| {
            variable(upper).filter(|value| !value.is_empty()).or_else(|| variable(lower)).unwrap_or_default()
        };
        // A CGI script's `HTTP_PROXY` comes from whoever sent the request.
        let is_cgi = variable("REQUEST_METHOD").is_some_and(|value| !value.is_empty());
        Proxies {
            http: if is_cgi { String::new() } else { either("HTTP_PROXY", "http_proxy") },
            https: either("HTTPS_PROXY", "https_proxy"),
            no_proxy: either("NO_PROXY", "no_proxy"),
        }
    }

    /// The proxy for a URL; none is the way without one.
    pub(super) fn for_url(&self, url: &Url) -> Result<Option<Url>, ExchangeError> {
        let proxy = if url.scheme == b"https" { &self.https } else { &self.http };
        if proxy.is_empty() || !self.applies_to(url) {
            return Ok(None);
        }
        let parsed = Url::parse(proxy.as_bytes())
            .ok()
            .filter(|url| matches!(url.scheme.as_slice(), b"http" | b"https" | b"socks5" | b"socks5h"))
            .or_else(|| Url::parse(format!("http://{proxy}").as_bytes()).ok());
        match parsed {
            Some(url) if url.scheme == b"http" && !url.host.is_empty() => Ok(Some(url)),
            Some(url) => Err(ExchangeError::Proxy(format!(
                "proxy scheme {} is not supported",
                sutler_chart::go_quoted(&String::from_utf8_lossy(&url.scheme))
            ))),
            None => Err(ExchangeError::Proxy(format!("invalid proxy address {}", sutler_chart::go_quoted(proxy)))),
        }
    }

    /// Whether a URL's host is not excepted.
    fn applies_to(&self, url: &Url) -> bool {
        let host = String::from_utf8_lossy(url.hostname()).trim().trim_end_matches('.').to_ascii_lowercase();
        let default_port = if url.scheme == b"https" { "443" } else { "80" };
        let port = Some(String::from_utf8_lossy(url.port()).into_owned())
            .filter(|port| !port.is_empty())
            .unwrap_or_else(|| default_port.to_owned());
        if host == "localhost" {
            return false;
        }
        let address = host.parse::<IpAddr>().ok();
        if address.is_some_and(|address| address.is_loopback()) {
            return false;
        }
        !self.no_proxy.split(',').any(|entry| excepts(&entry.trim().to_ascii_lowercase(), &host, address, &port))
    }
}

/// Whether one entry of `NO_PROXY` means a host.
fn excepts(entry: &str, host: &str, address: Option<IpAddr>, port: &str) -> bool {
    if entry.is_empty() {
        return false;
    }
    if entry == "*" {
        return true;
    }
    if let Some((network, length)) = entry.split_once('/')
        && let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse::<u32>())
    {
        return address.is_some_and(|address| is_within(address, network, length));
    }
    let (name, wanted_port) = match entry.parse::<IpAddr>() {
        Ok(_) => (entry, None),
        Err(_) => match entry.rsplit_once(':') {
            Some((name, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
                (name.trim_start_matches('[').trim_end_matches(']'), Some(number))
            }
            _ => (entry, None),
        },
    };
    if wanted_port.is_some_and(|wanted| wanted != port) {
        return false;
    }
    if let Ok(wanted) = name.parse::<IpAddr>() {
        return address == Some(wanted);
    }
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    // `.example.com` means only what is below it, `example.com` itself too.
    match name.strip_prefix('.') {
        Some(below) => host.strip_suffix(below).is_some_and(|before| before.ends_with('.')),
        None => host == name || host.strip_suffix(name).is_some_and(|before| before.ends_with('.')),
    }
}

fn is_within(address: IpAddr, network: IpAddr, length: u32) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let ((address, size), (network, network_size)) = (bits(address), bits(network));
    size == network_size && length <= size && (length == 0 || (address ^ network) >> (128 - length) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_excepts_what_go_excepts() {
        let through = |no_proxy: &str, url: &str| {
            let proxies =
                Proxies { http: "proxy:3128".into(), https: "http://proxy:3128".into(), no_proxy: no_proxy.into() };
            proxies.for_url(&Url::parse(url.as_bytes()).unwrap()).unwrap().map(|proxy| proxy.to_string())
        };
        for (no_proxy, url, goes_through) in [
            ("", "http://example.com/", true),
            ("", "http://localhost/", false),
            ("", "http://127.1.2.3:80/", false),
            ("", "http://[::1]/", false),
            ("example.com", "http://example.com/", false),
            ("example.com", "http://a.example.com/", false),
            ("example.com", "http://anexample.com/", true),
            (".example.com", "http://example.com/", true),
            ("*.example.com", "http://a.example.com/", false),
            ("*.example.com", "http://example.com/", true),
            ("example.com:8080", "http://example.com/", true),
            ("example.com:443", "https://example.com/", false),
            ("10.0.0.0/8", "http://10.2.3.4/", false),
            ("10.0.0.0/8", "http://11.2.3.4/", true),
            ("10.1.1.1", "http://10.1.1.1:99/", false),
            ("a, *", "http://b/", false),
        ] {
            assert_eq!(through(no_proxy, url).is_some(), goes_through, "{no_proxy} {url}");
        }
    }

    #[test]
    fn the_upper_case_variable_counts_first_and_none_within_cgi() {
        let environment = |pairs: &'static [(&str, &str)]| {
            Proxies::from_environment(|name| {
                pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(environment(&[("HTTP_PROXY", "a:1"), ("http_proxy", "b:1")]).http, "a:1");
        assert_eq!(environment(&[("https_proxy", "b:1")]).https, "b:1");
        assert_eq!(environment(&[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "a:1")]).http, "");
    }
}
