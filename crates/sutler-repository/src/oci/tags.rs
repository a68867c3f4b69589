//! Versions in a registry: its tags, and which of them a version or a range means.

use serde::Deserialize;
use sutler_functions::semver::{Constraints, Version};
use sutler_functions::url::Url;

use super::RegistryClient;
use super::error::RegistryError;
use super::pull::pull_scope;
use super::reference::{Reference, SCHEME};
use super::session::Call;
use crate::transport::Method;

/// How many pages of tags are read; a registry that has more leads in circles.
const MOST_PAGES: usize = 10_000;

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl RegistryClient<'_> {
    /// The versions of a repository, highest first: its tags that are whole semantic versions, with `+` for `_`.
    ///
    /// # Errors
    /// When the registry cannot be reached or refuses, when there is no such repository.
    pub fn tags(&self, name: &str) -> Result<Vec<String>, RegistryError> {
        let reference = Reference::parse_plain(name.strip_prefix(SCHEME).unwrap_or(name))?;
        let mut versions = Vec::new();
        let mut next = Some(self.url(&reference, "tags/list"));
        for _ in 0..MOST_PAGES {
            let Some(url) = next else { break };
            let call = Call::new(Method::Get, url, pull_scope(&reference)).sent_by(reference.host());
            let response = self.session.expect(&call, &self.store, &[200])?;
            let malformed =
                |message: String| RegistryError::Malformed { method: "GET", url: response.url.clone(), message };
            let page: Page = serde_json::from_slice(&response.body)
                .map_err(|error| malformed(format!("failed to decode response: {error}")))?;
            versions.extend(page.tags.unwrap_or_default().iter().filter_map(|tag| version_of(tag)));
            next = match response.header("link").filter(|link| !link.is_empty()) {
                None => None,
                Some(link) => Some(next_page(link, &response.url).map_err(malformed)?),
            };
        }
        versions.sort_by(|a, b| b.precedence(a));
        Ok(versions.iter().map(Version::to_string).collect())
    }
}

/// A tag as a version: all three numbers, none with a zero in front, and no `v`.
fn version_of(tag: &str) -> Option<Version> {
    let text = tag.replace('_', "+");
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = core.split('.').collect();
    let plain = |number: &&str| {
        !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && (number.len() == 1 || !number.starts_with('0'))
    };
    (numbers.len() == 3 && numbers.iter().all(plain)).then(|| Version::parse(&text).ok())?
}

/// The address in a `Link` header.
fn next_page(link: &str, base: &str) -> Result<String, String> {
    let invalid = |reason| format!("invalid next link {}: missing '{reason}'", sutler_chart::go_quoted(link));
    let rest = link.strip_prefix('<').ok_or_else(|| invalid('<'))?;
    let (target, _) = rest.split_once('>').ok_or_else(|| invalid('>'))?;
    let resolve = || Ok(Url::parse(base.as_bytes())?.resolve(&Url::parse(target.as_bytes())?).to_string());
    resolve().map_err(|error: sutler_functions::url::UrlError| error.to_string())
}

/// The version among `versions`, highest first, that a version or range means, as Helm's `GetTagMatchingVersionOrConstraint`.
///
/// # Errors
/// When the range is none, or no version is within it.
///
/// ```
/// use sutler_repository::oci::matching_version;
///
/// let tags = ["2.0.0", "1.4.0", "1.3.0"].map(str::to_owned);
/// assert_eq!(matching_version(&tags, "^1")?, "1.4.0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn matching_version(versions: &[String], wanted: &str) -> Result<String, RegistryError> {
    if let Some(version) = versions.iter().find(|version| !wanted.is_empty() && *version == wanted) {
        return Ok(version.clone());
    }
    let constraint = Constraints::parse(if wanted.is_empty() { "*" } else { wanted })?;
    versions
        .iter()
        .find(|version| Version::parse(version).is_ok_and(|version| constraint.allow(&version)))
        .cloned()
        .ok_or_else(|| RegistryError::NoMatch(wanted.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_versions_count() {
        for (tag, expected) in [
            ("1.2.3", Some("1.2.3")),
            ("1.2.3-rc.1_b.2", Some("1.2.3-rc.1+b.2")),
            ("v1.2.3", None),
            ("1.2", None),
            ("01.2.3", None),
            ("1.2.3-01", None),
            ("latest", None),
            ("sha256-abc", None),
        ] {
            assert_eq!(version_of(tag).map(|version| version.to_string()).as_deref(), expected, "{tag}");
        }
    }

    #[test]
    fn a_range_means_the_highest_version_within_it() {
        let versions: Vec<String> = ["2.0.0-rc.1", "1.10.0", "1.9.0", "1.2.3+b", "0.1.0"].map(str::to_owned).to_vec();
        let check = |wanted: &str, expected: &str| {
            let found = matching_version(&versions, wanted).unwrap_or_else(|error| error.to_string());
            assert_eq!(found, expected, "{wanted}");
        };
        check("", "1.10.0");
        check(">1", "could not locate a version matching provided version string >1");
        check(">1.0", "1.10.0");
        check("~1.9", "1.9.0");
        check("1.2.3+b", "1.2.3+b");
        check("2.0.0-rc.1", "2.0.0-rc.1");
        check(">0.0.0-0", "2.0.0-rc.1");
        check(">3", "could not locate a version matching provided version string >3");
        check("x y", "improper constraint: x y");
    }

    #[test]
    fn pages_follow_links_relative_to_themselves() {
        assert_eq!(
            next_page("</v2/a/tags/list?last=x&n=2>; rel=\"next\"", "http://h:5/v2/a/tags/list").unwrap(),
            "http://h:5/v2/a/tags/list?last=x&n=2"
        );
        assert_eq!(next_page("x", "http://h/").unwrap_err(), "invalid next link \"x\": missing '<'");
        assert_eq!(next_page("<x", "http://h/").unwrap_err(), "invalid next link \"<x\": missing '>'");
    }
}
