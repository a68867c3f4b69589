//! Which version control a URL, or a folder, is of.

use std::path::{Path, PathBuf};

use sutler_functions::url::{Url, UrlError};

use super::VersionControl;

/// What a URL says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Detection {
    /// It is a repository.
    Is(VersionControl),
    /// It is this folder, which has to be looked at ([`in_folder`]).
    Folder(PathBuf),
    /// Whoever serves the URL has to be asked ([`super::find_import`]).
    Ask,
    /// It is a host whose repositories have other URLs.
    No,
}

/// A repository that was found: whose it is, and its URL, which may be another than was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) control: VersionControl,
    pub(crate) remote: String,
}

/// A URL, or a name as `scp` takes it: `git@example.com:user/repository`.
///
/// # Errors
/// It is neither.
pub(crate) fn address(text: &str) -> Result<Url, UrlError> {
    Ok(match scp(text) {
        Some(url) => url,
        None => Url::parse(text.as_bytes())?,
    })
}

/// `user@host:path` as a URL; none where it is another text.
fn scp(text: &str) -> Option<Url> {
    let (user, rest) = text.split_once('@')?;
    let (host, path) = rest.split_once(':')?;
    let is = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || more.contains(c))
    };
    if !is(user, "") || !is(host, ".-") || path.contains('\n') {
        return None;
    }
    let mut url = Url::parse(format!("ssh://{user}@{host}/").as_bytes()).ok()?;
    url.path = format!("/{path}").into_bytes();
    Some(url)
}

/// What a URL says of itself, without asking anybody (`detectVcsFromURL`).
///
/// # Errors
/// It is no URL.
pub(crate) fn detect(text: &str) -> Result<Detection, UrlError> {
    use VersionControl::{Bzr, Git, Hg, Svn};
    let url = address(text)?;
    let path = String::from_utf8_lossy(&url.path).into_owned();
    if url.scheme == b"file" {
        return Ok(Detection::Folder(PathBuf::from(path)));
    }
    if url.host.is_empty() {
        return Ok(Detection::Ask);
    }
    match url.scheme.as_slice() {
        b"git+ssh" | b"git" => return Ok(Detection::Is(Git)),
        b"bzr+ssh" => return Ok(Detection::Is(Bzr)),
        b"svn+ssh" => return Ok(Detection::Is(Svn)),
        _ => {}
    }
    let host = String::from_utf8_lossy(&url.host).into_owned();
    if let Some((control, is_repository)) = known_host(&host, &path) {
        return Ok(if is_repository { Detection::Is(control) } else { Detection::No });
    }
    let end = format!("{host}{path}");
    if let Some(control) = end.rsplit_once('.').and_then(|(_, name)| VersionControl::named(name)) {
        return Ok(Detection::Is(control));
    }
    Ok(match url.user.as_ref().map(|user| user.name()) {
        Some(b"git") => Detection::Is(Git),
        Some(b"hg") => Detection::Is(Hg),
        _ => Detection::Ask,
    })
}

/// What a host is known to have, and whether the path is that of a repository there.
fn known_host(host: &str, path: &str) -> Option<(VersionControl, bool)> {
    use VersionControl::{Bzr, Git, Hg, Svn};
    let all: Vec<&str> = path.strip_prefix('/').map(|rest| rest.split('/').collect()).unwrap_or_default();
    let are_names = |parts: &[&str]| parts.iter().all(|part| is_name(part));
    // `~user/+junk/name`: a person's own.
    let own = |parts: &[&str], junk: &str| match parts {
        [user, group, name, ..] => {
            user.strip_prefix('~').is_some_and(is_name) && (*group == junk || is_name(group)) && is_name(name)
        }
        _ => false,
    };
    let project = |parts: &[&str]| matches!(parts, ["p", project, name] if is_name(project) && is_name(name));
    Some(match host {
        "github.com" | "bitbucket.org" => (Git, all.len() >= 2 && are_names(&all)),
        "launchpad.net" => (
            Bzr,
            (!all.is_empty() && are_names(&all)) || (own(&all, "+junk") && are_names(all.get(3..).unwrap_or_default())),
        ),
        "git.launchpad.net" => (Git, (all.len() == 1 && are_names(&all)) || (all.len() == 3 && own(&all, "+git"))),
        "hub.jazz.net" => {
            let is_plain = |part: &str| {
                !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            };
            (Git, all.len() >= 3 && all[0] == "git" && is_plain(all[1]) && are_names(&all[2..]))
        }
        "go.googlesource.com" => (Git, matches!(all[..], [name] | [name, ""] if is_name(name))),
        "git.openstack.org" => (Git, all.len() == 2 && are_names(&all)),
        "hg.code.sf.net" => (Hg, project(&all)),
        "git.code.sf.net" => (Git, project(&all)),
        "svn.code.sf.net" => (Svn, project(&all)),
        _ => return None,
    })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// Which version control a folder is a working copy of.
pub(crate) fn in_folder(folder: &Path) -> Option<VersionControl> {
    VersionControl::ALL.into_iter().find(|control| folder.join(format!(".{}", control.program())).exists())
}

#[cfg(test)]
mod tests {
    use super::*;
    use VersionControl::{Bzr, Git, Hg, Svn};

    #[test]
    fn a_urls_version_control_is_told_by_scheme_host_ending_or_user() {
        for (url, expect) in [
            ("https://github.com/databus23/helm-diff", Detection::Is(Git)),
            ("https://github.com/databus23/helm-diff/tree/x", Detection::Is(Git)),
            ("https://github.com/databus23", Detection::No),
            ("https://github.com/databus23/helm-diff/", Detection::No),
            ("https://git@github.com/databus23", Detection::No),
            ("git@github.com:databus23/helm-diff.git", Detection::Is(Git)),
            ("git@example.com:x", Detection::Is(Git)),
            ("me@example.com:x", Detection::Ask),
            ("ssh://hg@example.com/x", Detection::Is(Hg)),
            ("git://example.com/x", Detection::Is(Git)),
            ("svn+ssh://example.com/x", Detection::Is(Svn)),
            ("https://example.com/x.git", Detection::Is(Git)),
            ("https://example.com/x.bzr", Detection::Is(Bzr)),
            ("https://example.com/x.git/", Detection::Ask),
            ("https://example.com/x", Detection::Ask),
            ("https://launchpad.net/x", Detection::Is(Bzr)),
            ("https://launchpad.net/~me/+junk/x/y", Detection::Is(Bzr)),
            ("https://launchpad.net/~me/x", Detection::No),
            ("https://git.launchpad.net/~me/+git/x", Detection::Is(Git)),
            ("https://git.launchpad.net/~me/+git/x/y", Detection::No),
            ("https://go.googlesource.com/net/", Detection::Is(Git)),
            ("https://hub.jazz.net/git/me/x", Detection::Is(Git)),
            ("https://hg.code.sf.net/p/a/b", Detection::Is(Hg)),
            ("https://hg.code.sf.net/a/b", Detection::No),
            ("file:///a/b", Detection::Folder(PathBuf::from("/a/b"))),
            ("nope", Detection::Ask),
            ("mine://x/y", Detection::Ask),
        ] {
            assert_eq!(detect(url).unwrap(), expect, "{url}");
        }
        assert_eq!(
            detect("http://a b/").unwrap_err().to_string(),
            "parse \"http://a b/\": invalid character \" \" in host name"
        );
    }
}
