//! URLs of repositories: joined, compared and resolved as Helm does (`internal/urlutil`, `repo.ResolveReferenceURL`).

use sutler_functions::url::{Url, UrlError};
use thiserror::Error;

/// A URL that could not be resolved. The text is Helm's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("failed to parse {text} as URL")]
pub struct ResolveError {
    text: String,
    #[source]
    source: UrlError,
}

/// Joins a path to a URL or a path, as Helm's `URLJoin`; what is no URL is joined as a path.
pub(crate) fn join(base: &str, path: &str) -> String {
    match Url::parse(base.as_bytes()) {
        Ok(mut url) => {
            url.path = join_paths(&String::from_utf8_lossy(&url.path), path).into_bytes();
            url.to_string()
        }
        Err(_) => join_paths(base, path),
    }
}

/// As Go's `path.Join`.
fn join_paths(base: &str, path: &str) -> String {
    let joined = [base, path].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/");
    if joined.is_empty() { joined } else { sutler_chart::clean_path(&joined) }
}

/// Whether two URLs (or paths) mean the same, as Helm's `urlutil.Equal`: slashes at the end and doubled ones do not count.
pub fn is_same(a: &str, b: &str) -> bool {
    let Ok(mut a_url) = Url::parse(a.as_bytes()) else {
        return sutler_chart::clean_path(a) == sutler_chart::clean_path(b);
    };
    let Ok(mut b_url) = Url::parse(b.as_bytes()) else { return false };
    for url in [&mut a_url, &mut b_url] {
        let path = String::from_utf8_lossy(&url.path).into_owned();
        url.path = if path.is_empty() { b"/".to_vec() } else { sutler_chart::clean_path(&path).into_bytes() };
    }
    a_url.to_string() == b_url.to_string()
}

/// The URL that a reference in an index means: itself where it is absolute, else below the repository's URL, whose query it
/// keeps (as Helm's `ResolveReferenceURL`).
///
/// # Errors
/// One of the two is no URL.
///
/// ```
/// use sutler_repository::resolve_reference;
///
/// assert_eq!(resolve_reference("https://example.com/charts?token=x", "web.tgz")?, "https://example.com/charts/web.tgz?token=x");
/// assert_eq!(resolve_reference("https://example.com", "https://cdn.example.com/web.tgz")?, "https://cdn.example.com/web.tgz");
/// # Ok::<(), sutler_repository::ResolveError>(())
/// ```
pub fn resolve_reference(base: &str, reference: &str) -> Result<String, ResolveError> {
    let parse =
        |text: &str| Url::parse(text.as_bytes()).map_err(|source| ResolveError { text: text.to_owned(), source });
    let reference_url = parse(reference)?;
    if reference_url.is_absolute() {
        return Ok(reference.to_owned());
    }
    let mut base = parse(base)?;
    for path in [&mut base.path, &mut base.raw_path] {
        let trimmed = path.strip_suffix(b"/").unwrap_or(path);
        *path = [trimmed, b"/"].concat();
    }
    let mut url = base.resolve(&reference_url);
    url.query = base.query;
    Ok(url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve_against_the_repository() {
        for (base, reference, expected) in [
            ("http://localhost:8123", "/nginx-0.2.0.tgz", "http://localhost:8123/nginx-0.2.0.tgz"),
            ("http://localhost:8123/charts/", "nginx-0.2.0.tgz", "http://localhost:8123/charts/nginx-0.2.0.tgz"),
            ("http://localhost:8123/charts", "nginx-0.2.0.tgz", "http://localhost:8123/charts/nginx-0.2.0.tgz"),
            ("http://localhost:8123/charts?st=1", "a/b.tgz", "http://localhost:8123/charts/a/b.tgz?st=1"),
            ("http://localhost:8123/charts?st=1", "b.tgz?x=2", "http://localhost:8123/charts/b.tgz?st=1"),
            ("http://localhost:8123/a%2Fb/", "nginx-0.2.0.tgz", "http://localhost:8123/a%2Fb/nginx-0.2.0.tgz"),
            ("http://localhost:8123", "https://h/a.tgz", "https://h/a.tgz"),
            ("http://h/charts", "../a.tgz", "http://h/a.tgz"),
        ] {
            assert_eq!(resolve_reference(base, reference).unwrap(), expected);
        }
        assert_eq!(
            sutler_chart::error_chain(&resolve_reference("http://h", "%zz").unwrap_err()),
            "failed to parse %zz as URL: parse \"%zz\": invalid URL escape \"%zz\""
        );
    }

    #[test]
    fn urls_are_the_same_but_for_slashes() {
        for (a, b, same) in [
            ("http://h", "http://h/", true),
            ("http://h//a/", "http://h/a", true),
            ("http://h/a", "http://h/b", false),
            ("a/b/", "a//b", true),
            ("http://h", "https://h", false),
        ] {
            assert_eq!(is_same(a, b), same, "{a} {b}");
        }
    }

    #[test]
    fn paths_join_to_urls() {
        for (base, path, expected) in [
            ("http://h/a", "b.tgz", "http://h/a/b.tgz"),
            ("http://h", "", "http://h"),
            ("", "b", "b"),
            ("", "", ""),
            ("a/../c", "b", "c/b"),
        ] {
            assert_eq!(join(base, path), expected);
        }
    }
}
