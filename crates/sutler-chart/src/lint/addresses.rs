//! Mail addresses and URLs as Helm's linter takes them (govalidator's `IsEmail`, `IsURL` and `IsRequestURL`): each is a language
//! of its own, looser and odder than any standard, and people see its verdict.

use std::sync::LazyLock;

use regex::Regex;
use sutler_functions::url::Url;

/// Characters beyond ASCII that a mail address may have.
const WIDE: &str = r"\x{A0}-\x{D7FF}\x{F900}-\x{FDCF}\x{FDF0}-\x{FFEF}";

static MAIL: LazyLock<Regex> = LazyLock::new(|| {
    let atom = format!(r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{{|}}~{WIDE}]+");
    let plain = format!(r"{atom}(?:\.{atom})*");
    // Within quotes: anything printable but quote and backslash, or what follows a parenthesis, with folded space between.
    let space = r"(?:(?:[ \t]*\r\n)?[ \t]+)?";
    let inside = format!(
        r"(?:[\x01-\x08\x0b\x0c\x0e-\x1f\x7f!\x23-\x5b\x5d-\x7e{WIDE}]|(?:\([\x01-\x09\x0b\x0c\x0d-\x7f]|[{WIDE}]))"
    );
    let quoted = format!(r#""(?:{space}{inside})*{space}""#);
    let label = format!(r"(?:[a-zA-Z0-9{WIDE}]|[a-zA-Z0-9{WIDE}][a-zA-Z0-9\-._~{WIDE}]*[a-zA-Z0-9{WIDE}])");
    let last = format!(r"(?:[a-zA-Z{WIDE}]|[a-zA-Z{WIDE}][a-zA-Z0-9\-_~{WIDE}]*[a-zA-Z{WIDE}])");
    compiled(&format!(r"^(?:{plain}|{quoted})@(?:{label}\.)+{last}\.?$"))
});

static URL: LazyLock<Regex> = LazyLock::new(|| {
    // Go's `\S` knows ASCII's white space only.
    let text = r"[^\t\n\x0c\r ]";
    let scheme = r"(?:ftp|tcp|udp|wss?|https?)://";
    let user = format!(r"{text}+(?::{text}*)?@");
    let host = format!("(?:{}|{}|{})", ip_v4(), format_args!(r"\[{}\]", ip_v6()), host_name());
    compiled(&format!(r"^(?:{scheme})?(?:{user})?{host}\.?(?::[0-9]{{1,5}})?(?:[/?#]{text}*)?$"))
});

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant of this module, tried by its tests")
}

fn ip_v4() -> String {
    let first = r"(?:[1-9][0-9]?|1[0-9][0-9]|2[01][0-9]|22[0-3]|24[0-9]|25[0-5])";
    let middle = r"(?:[0-9]{1,2}|1[0-9][0-9]|2[0-4][0-9]|25[0-5])";
    let last = r"(?:[0-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])";
    format!(r"{first}(?:\.{middle}){{2}}\.{last}")
}

fn ip_v6() -> String {
    let group = "[0-9a-fA-F]{1,4}";
    let byte = "(?:25[0-5]|(?:2[0-4]|1?[0-9])?[0-9])";
    let v4 = format!(r"(?:{byte}\.){{3}}{byte}");
    // Eight groups, or `before` groups, two colons, and up to `after` groups.
    let mut forms = vec![format!("(?:{group}:){{7}}{group}"), format!("(?:{group}:){{1,7}}:")];
    forms.extend((1..=6).map(|after| format!("(?:{group}:){{1,{}}}(?::{group}){{1,{after}}}", 7 - after)));
    forms.push(format!(":(?:(?::{group}){{1,7}}|:)"));
    forms.push("fe80:(?::[0-9a-fA-F]{0,4}){0,4}%[0-9a-zA-Z]+".to_owned());
    forms.push(format!("::(?:ffff(?::0{{1,4}})?:)?{v4}"));
    forms.push(format!("(?:{group}:){{1,4}}:{v4}"));
    format!("(?:{})", forms.join("|"))
}

fn host_name() -> String {
    let dashed = r"[a-zA-Z0-9](?:[a-zA-Z0-9\-_]+)?[a-zA-Z0-9](?:[-.][a-zA-Z0-9]+)*";
    let below = r"(?:www\.|[a-zA-Z0-9]+(?:[-_.]?[a-zA-Z0-9])*[a-zA-Z0-9]\.[a-zA-Z0-9]+)?";
    let letter = r"a-zA-Z\x{a1}-\x{ffff}";
    format!(r"(?:{dashed}|{below})?(?:[{letter}0-9]+-?-?)*[{letter}0-9]+(?:\.[{letter}]+)?")
}

/// Whether a text is a mail address.
pub(super) fn is_mail(text: &str) -> bool {
    MAIL.is_match(text)
}

/// Whether a text is a URL, be it without a scheme.
pub(super) fn is_url(text: &str) -> bool {
    if text.chars().count() >= 2083 || text.len() <= 3 || text.starts_with('.') {
        return false;
    }
    let with_scheme =
        if text.contains(':') && !text.contains("://") { format!("http://{text}") } else { text.to_owned() };
    let Ok(url) = Url::parse(with_scheme.as_bytes()) else { return false };
    if url.host.starts_with(b".") || (url.host.is_empty() && !url.path.is_empty() && !url.path.contains(&b'.')) {
        return false;
    }
    URL.is_match(text)
}

/// Whether a text is a URL with a scheme.
pub(super) fn is_request_url(text: &str) -> bool {
    Url::parse_request(text.as_bytes()).is_ok_and(|url| !url.scheme.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses_are_those_of_helm() {
        for (text, expected) in [
            ("a@b.cd", true),
            ("a.b+c@d-e.example.com", true),
            ("\"a b\"@c.de", true),
            ("a@localhost", false),
            ("a@b.c1", false),
            ("ä@ö.de", true),
            ("a@b.cd.", true),
            ("a b@c.de", false),
            ("a..b@c.de", false),
            ("", false),
            ("@b.cd", false),
        ] {
            assert_eq!(is_mail(text), expected, "{text}");
        }
    }

    #[test]
    fn urls_are_those_of_helm() {
        for (text, expected) in [
            ("https://a.example/b?c#d", true),
            ("a.example", true),
            ("a.example:80", true),
            ("localhost", false),
            ("http://localhost:3000/", true),
            ("http://[::1]:80/", true),
            ("http://1.2.3.4", true),
            ("http://a b.example", false),
            ("mailto:a@b.cd", true),
            ("gopher://a.example", false),
            (".example", false),
            ("a.b", false),
        ] {
            assert_eq!(is_url(text), expected, "{text}");
        }
        for (text, expected) in
            [("https://a.example", true), ("a.example", false), ("/a", false), ("x:", true), ("https://a b", false)]
        {
            assert_eq!(is_request_url(text), expected, "{text}");
        }
    }
}
