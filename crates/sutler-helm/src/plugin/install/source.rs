//! What a text means that a plugin is to be installed from (Helm's `NewForSource`).

use std::path::{Path, PathBuf};

use sutler_chart::{Compatibility, clean_path};
use sutler_functions::url::{Url, UrlError};
use sutler_repository::oci;
use sutler_repository::transport::{Method, Request, TlsOptions};

use super::super::vcs::{Detection, Found, Repository, VcsError, detect, find_import, in_folder};
use super::{InstallError, Outside, SourceError};
use crate::settings::join;

/// Where a plugin comes from.
#[derive(Debug)]
pub(crate) struct Source {
    pub(super) kind: SourceKind,
    /// As typed; of this machine's, the absolute path.
    pub(super) text: String,
    /// The name of the folder that the plugin will be in.
    pub(super) name: String,
    /// Where the plugin will be.
    pub(crate) path: PathBuf,
}

/// What a source is.
#[derive(Debug)]
pub(crate) enum SourceKind {
    /// A folder of this machine, which is linked. In Helm 3 a file, too, is taken for one, and refused then.
    Folder,
    /// An archive of this machine.
    Archive,
    /// An archive that a web server has, unpacked into this folder of the cache.
    Web {
        /// The folder.
        cache: String,
    },
    /// An archive in a registry, unpacked into this folder of the cache.
    Registry {
        /// The folder.
        cache: String,
    },
    /// A repository of a version control.
    Repository(Box<Repository>),
}

const ENDINGS: [&str; 2] = [".tar.gz", ".tgz"];

impl Source {
    /// What a text means. Servers may be asked what a URL is.
    ///
    /// # Errors
    /// Nothing that plugins come from.
    pub(crate) fn find(text: &str, outside: &Outside) -> Result<Source, InstallError> {
        let is_v4 = outside.compatibility == Compatibility::V4;
        let homes = &outside.homes;
        if is_v4 && oci::is_oci(text) {
            let name = oci::plugin_name(text).map_err(|error| InstallError::Reference(Box::new(error)))?;
            let key = cache_key(text).map_err(|error| InstallError::SourceOfHelm3(error.into()))?;
            let kind = SourceKind::Registry { cache: join(&[&homes.cache, &key]) };
            return Ok(Source::new(kind, text, name, &homes.plugins));
        }
        if homes.current.join(text).metadata().is_ok() && !text.is_empty() {
            let absolute = clean_path(&homes.current.join(text).display().to_string());
            let base = base_name(&absolute).to_owned();
            return Ok(if is_v4 && is_archive(&base) {
                let name = archive_name(&base).to_owned();
                Source::new(SourceKind::Archive, &absolute, name, &homes.data)
            } else {
                // Helm 4 has what is linked in its home of data, whatever HELM_PLUGINS says.
                Source::new(SourceKind::Folder, &absolute, base, if is_v4 { &homes.data } else { &homes.plugins })
            });
        }
        Source::remote(text, outside).map_err(|error| {
            if is_v4 {
                InstallError::Source { text: text.to_owned(), source: error }
            } else {
                InstallError::SourceOfHelm3(error)
            }
        })
    }

    fn new(kind: SourceKind, text: &str, name: String, plugins: &str) -> Source {
        let path = PathBuf::from(join(&[plugins, &name]));
        Source { kind, text: text.to_owned(), name, path }
    }

    /// A web server's archive, or a repository.
    fn remote(text: &str, outside: &Outside) -> Result<Source, SourceError> {
        let homes = &outside.homes;
        let name = base_name(text).to_owned();
        if is_web_archive(text, outside) {
            let cache = join(&[&homes.cache, &cache_key(text)?]);
            if !is_archive(text) {
                return Err(SourceError::NoExtractor(text.to_owned()));
            }
            let name = archive_name(&name).to_owned();
            return Ok(Source::new(SourceKind::Web { cache }, text, name, &homes.data));
        }
        let local = join(&[&homes.cache, &cache_key(text)?]);
        let found = find_repository(text, outside)?;
        let repository = Repository::open(found, Path::new(&local), &homes.current, &outside.variables)?;
        Ok(Source::new(SourceKind::Repository(Box::new(repository)), text, name, &homes.plugins))
    }

    /// Whether it is a folder, which nobody signs.
    pub(crate) fn is_folder(&self) -> bool {
        matches!(self.kind, SourceKind::Folder)
    }

    /// Whether it may have a signature.
    pub(crate) fn can_be_verified(&self) -> bool {
        !matches!(self.kind, SourceKind::Folder | SourceKind::Repository(_))
    }

    /// Whether it is fetched over HTTP, as an archive.
    pub(crate) fn is_web(&self) -> bool {
        matches!(self.kind, SourceKind::Web { .. })
    }

    /// Whether it is in a registry.
    pub(crate) fn is_registry(&self) -> bool {
        matches!(self.kind, SourceKind::Registry { .. })
    }
}

/// The repository that a URL means; none where only its working copy may tell.
fn find_repository(text: &str, outside: &Outside) -> Result<Option<Found>, VcsError> {
    let is = |control| Ok(Some(Found { control, remote: text.to_owned() }));
    match detect(text)? {
        Detection::Is(control) => return is(control),
        Detection::Folder(folder) => {
            return match in_folder(&folder) {
                Some(control) => is(control),
                None => Ok(None),
            };
        }
        Detection::Ask | Detection::No => {}
    }
    let Ok(mut url) = Url::parse(text.as_bytes()) else { return Ok(None) };
    if !matches!(url.scheme.as_slice(), b"http" | b"https") {
        return Ok(None);
    }
    url.query = if url.query.is_empty() { b"go-get=1".to_vec() } else { [&url.query[..], b"+go-get=1"].concat() };
    let (address, tls) = (url.to_string(), TlsOptions::default());
    // Whoever does not answer tells nothing.
    let Ok(response) = outside.asking.send(&Request::new(Method::Get, &address, &tls)) else { return Ok(None) };
    Ok(find_import(&url, &response.body))
}

/// Whether a URL is that of an archive: in Helm 4 by its ending, else as the server says.
fn is_web_archive(text: &str, outside: &Outside) -> bool {
    const TYPES: [&str; 4] = ["application/gzip", "application/x-gzip", "application/x-tgz", "application/x-gtar"];
    if !text.starts_with("http://") && !text.starts_with("https://") {
        return false;
    }
    if outside.compatibility == Compatibility::V4 && is_archive(text) {
        return true;
    }
    let tls = TlsOptions::default();
    let response = outside.asking.send(&Request::new(Method::Head, text, &tls));
    response.is_ok_and(|response| {
        let media_type = response.header("content-type").unwrap_or_default().to_lowercase();
        TYPES.contains(&media_type.as_str())
    })
}

fn is_archive(name: &str) -> bool {
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// What stands behind the last `/`, as Go's `filepath.Base`.
pub(crate) fn base_name(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

/// The plugin's name in an archive's: without its ending, and without a version (`-1.2.3`).
fn archive_name(base: &str) -> &str {
    let name = ENDINGS.iter().find_map(|ending| base.strip_suffix(ending)).unwrap_or_default();
    // The last `-` that a number and a dot follow begins the version.
    let version = name.match_indices('-').rev().find(|(at, _)| {
        let after = &name[at + 1..];
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && after[digits..].starts_with('.')
    });
    version.map_or(name, |(at, _)| &name[..at])
}

/// The folder of the cache for a URL: its scheme, user, host and path in one name (Helm's `cache.Key`).
///
/// # Errors
/// It is no URL.
fn cache_key(text: &str) -> Result<String, UrlError> {
    let url = super::super::vcs::address(text)?;
    let is_scp = !text.contains("://") && text.contains('@');
    let mut parts = Vec::new();
    if !url.scheme.is_empty() && !is_scp {
        parts.push(String::from_utf8_lossy(&url.scheme).into_owned());
    }
    if let Some(user) = url.user.as_ref().map(|user| user.name()).filter(|name| !name.is_empty()) {
        parts.push(String::from_utf8_lossy(user).into_owned());
    }
    parts.push(String::from_utf8_lossy(&url.host).into_owned());
    let path = String::from_utf8_lossy(&url.path).replace('/', "-");
    Ok((parts.join("-") + &path).replace(':', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archives_version_is_no_part_of_the_plugins_name() {
        for (base, name) in [
            ("hello-1.2.3.tgz", "hello"),
            ("hello-1.2.3-rc-2.0.tgz", "hello-1.2.3-rc"),
            ("a-b.tar.gz", "a-b"),
            ("a-1.tgz", "a-1"),
            ("a.tgz", "a"),
        ] {
            assert_eq!(archive_name(base), name);
        }
    }

    #[test]
    fn a_urls_place_in_the_cache_is_named_as_helm_names_it() {
        for (url, key) in [
            ("http://127.0.0.1:8765/hello-0.1.0.tgz", "http-127.0.0.1-8765-hello-0.1.0.tgz"),
            ("https://me:secret@h/a/b.git?x=y#z", "https-me-h-a-b.git"),
            ("git@127.0.0.1:x/y.git", "git-127.0.0.1-x-y.git"),
            ("ssh://git@h/x", "ssh-git-h-x"),
            ("oci://h:5000/p/hello:0.1.0", "oci-h-5000-p-hello-0.1.0"),
            ("file:///a/b", "file--a-b"),
            ("nope", "nope"),
        ] {
            assert_eq!(cache_key(url).unwrap(), key, "{url}");
        }
    }
}
