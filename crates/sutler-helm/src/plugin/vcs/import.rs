//! Pages that tell where a repository is: `<meta name="go-import" content="PREFIX VCS URL">`, as Go's tools have it.

use sutler_functions::url::Url;

use super::{Found, VersionControl};

/// How much of a page is looked at, in bytes: what counts stands in its head.
const MOST: usize = 1 << 20;

/// The repository that a page at a URL tells of; none where it tells of none that the URL is in.
pub(crate) fn find_import(url: &Url, page: &[u8]) -> Option<Found> {
    let text = String::from_utf8_lossy(&page[..page.len().min(MOST)]).into_owned();
    let place = format!("{}{}", String::from_utf8_lossy(&url.host), String::from_utf8_lossy(&url.path));
    for tag in tags(&text) {
        let (name, rest) = tag
            .split_at(tag.find(|c: char| c.is_whitespace() || c == '/' && !tag.starts_with('/')).unwrap_or(tag.len()));
        match name.to_ascii_lowercase().as_str() {
            "body" | "/head" => return None,
            "meta" => {}
            _ => continue,
        }
        let attributes = attributes(rest);
        let value = |name: &str| {
            attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value.as_str())
        };
        if value("name") != "go-import" {
            continue;
        }
        let content: Vec<&str> = value("content").split_whitespace().collect();
        if let [prefix, control, remote] = content[..]
            && place.starts_with(prefix)
        {
            let control = VersionControl::named(control)?;
            return Some(Found { control, remote: remote.to_owned() });
        }
    }
    None
}

/// What stands between `<` and `>`, comments and declarations apart.
fn tags(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find('<')? + 1;
            rest = &rest[start..];
            if let Some(comment) = rest.strip_prefix("!--") {
                rest = comment.split_once("-->")?.1;
                continue;
            }
            let end = end_of_tag(rest)?;
            let tag = &rest[..end];
            rest = &rest[end + 1..];
            if !tag.starts_with(['!', '?']) {
                return Some(tag);
            }
        }
    })
}

/// Where the `>` is that ends a tag: not within quotes.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(at, c)| {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
        None
    })
}

/// The attributes of a tag, `name="value"` or `name=value`.
fn attributes(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.rsplit(char::is_whitespace).find(|part| !part.is_empty()).unwrap_or_default();
        let after = after.trim_start();
        let (value, more) = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            _ => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        found.push((name.to_owned(), plain(value)));
        rest = more;
    }
    found
}

/// A value with the five entities of XML replaced.
fn plain(value: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities.iter().fold(value.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_where_the_repository_is() {
        let found = |page: &str| {
            let url = Url::parse(b"https://example.com/x/y?go-get=1").unwrap();
            find_import(&url, page.as_bytes()).map(|found| format!("{} {}", found.control.program(), found.remote))
        };
        for (page, expect) in [
            (
                "<!DOCTYPE html><html><head><META content='example.com/x git https://h/x' NAME=go-import>",
                Some("git https://h/x"),
            ),
            (
                "<!-- <meta name=\"go-import\" content=\"example.com git a\"> --><meta name=\"go-import\" content=\"example.com hg b\"/>",
                Some("hg b"),
            ),
            (
                "<meta name=\"go-import\" content=\"other.com git a\"><meta a=\">\" name=\"go-import\" content=\"example.com/x bzr b\">",
                Some("bzr b"),
            ),
            ("<meta name=\"go-import\" content=\"example.com mod https://h\">", None),
            ("<body><meta name=\"go-import\" content=\"example.com git a\">", None),
            ("<head></head><meta name=\"go-import\" content=\"example.com git a\">", None),
            ("<meta name=\"go-import\" content=\"example.com git\">", None),
            ("<meta name=\"go-import", None),
            ("<", None),
            ("", None),
        ] {
            assert_eq!(found(page).as_deref(), expect, "{page}");
        }
    }
}
