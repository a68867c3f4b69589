//! Names of charts in registries, `oci://registry.example.com:5000/team/charts/hub:1.2.3`, as Helm reads them.
//!
//! A tag cannot hold `+`, which semantic versions may: it is written `_` in tags.

use std::fmt;

use sutler_chart::go_quoted;
use sutler_functions::url::Url;
use thiserror::Error;

/// What stands before a name in a registry.
pub const SCHEME: &str = "oci://";

/// A registry's host name, or a repository within one, or a tag or digest within that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    /// Host and port, as they were written: `localhost:5000`, `docker.io`.
    pub registry: String,
    /// Path of the repository, e.g. `team/charts/hub`.
    pub repository: String,
    /// The tag, with `_` for `+`; empty when none is given.
    pub tag: String,
    /// The digest with its algorithm in front; empty when none is given. Not checked.
    pub digest: String,
}

/// Why a text names nothing in a registry. The texts are Helm's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// There is no `/`.
    #[error("invalid reference: missing registry or repository")]
    OnePart,
    /// What stands before the first `/` is no host with an optional port.
    #[error("invalid reference: invalid registry {}", go_quoted(.0))]
    Registry(String),
    /// The path has other characters than a registry takes, e.g. capitals.
    #[error("invalid reference: invalid repository {}", go_quoted(.0))]
    Repository(String),
    /// The tag is too long, or has other characters than letters, digits, `_`, `.` and `-`.
    #[error("invalid reference: invalid tag {}", go_quoted(.0))]
    Tag(String),
    /// The digest is none.
    #[error("invalid reference: invalid digest {}: {reason}", go_quoted(.digest))]
    Digest {
        /// The digest as written.
        digest: String,
        /// What is wrong with it.
        reason: DigestError,
    },
    /// Neither tag nor digest, where one is needed.
    #[error("invalid reference")]
    Incomplete,
}

/// Why a text is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DigestError {
    /// It is not `algorithm:hexadecimal`.
    #[error("invalid checksum digest format")]
    Format,
    /// It has too many or too few digits.
    #[error("invalid checksum digest length")]
    Length,
    /// The algorithm is neither SHA-256, SHA-384 nor SHA-512.
    #[error("unsupported digest algorithm")]
    Algorithm,
}

/// Whether a chart is named by a registry, as Helm's `registry.IsOCI`.
pub fn is_oci(name: &str) -> bool {
    name.starts_with(SCHEME)
}

impl Reference {
    /// Reads a name, with or without `oci://` in front, as Helm's `newReference`.
    ///
    /// # Errors
    /// When registry, repository or tag have a form that they cannot have.
    pub fn parse(text: &str) -> Result<Reference, ReferenceError> {
        let text = text.strip_prefix(SCHEME).unwrap_or(text);
        let (name, digest) = text.rsplit_once('@').unwrap_or((text, ""));
        let tag = name.rsplit_once(':').map(|(_, tag)| tag).filter(|tag| !tag.contains('/'));
        let name = match tag {
            // Every occurrence, as in Helm: a name that holds a `+` elsewhere is refused in any case.
            Some(tag) if tag.contains('+') => name.replace(tag, &tag.replace('+', "_")),
            _ => name.to_owned(),
        };
        Ok(Reference { digest: digest.to_owned(), ..Reference::parse_plain(&name)? })
    }

    /// Reads a name as registries know it: no scheme, no `+`, and of tag and digest only the digest is kept.
    ///
    /// # Errors
    /// As [`Reference::parse`], and when the digest is none.
    pub fn parse_plain(text: &str) -> Result<Reference, ReferenceError> {
        let (registry, path) = text.split_once('/').ok_or(ReferenceError::OnePart)?;
        let (path, digest) = match path.split_once('@') {
            // Beside a digest a tag says nothing, and is not even checked.
            Some((path, digest)) => (path.split(':').next().unwrap_or(path), Some(digest)),
            None => (path, None),
        };
        let (repository, tag) = path.split_once(':').unwrap_or((path, ""));
        check_registry(registry)?;
        if !is_repository(repository) {
            return Err(ReferenceError::Repository(repository.to_owned()));
        }
        if let Some(digest) = digest.filter(|digest| !digest.is_empty()) {
            check_digest(digest).map_err(|reason| ReferenceError::Digest { digest: digest.to_owned(), reason })?;
        }
        if !tag.is_empty() && !is_tag(tag) {
            return Err(ReferenceError::Tag(tag.to_owned()));
        }
        Ok(Reference {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            digest: digest.unwrap_or_default().to_owned(),
        })
    }

    /// A registry alone, as `helm registry login` takes it.
    ///
    /// # Errors
    /// When it is no host with an optional port.
    pub fn registry(name: &str) -> Result<Reference, ReferenceError> {
        check_registry(name)?;
        Ok(Reference { registry: name.to_owned(), ..Reference::default() })
    }

    /// The host that is spoken to: Docker Hub's registry has another name than its users give it.
    pub fn host(&self) -> &str {
        if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry }
    }

    /// The tag, or else the digest.
    ///
    /// # Errors
    /// When there is neither, or the digest, being what counts, is none.
    pub fn tag_or_digest(&self) -> Result<&str, ReferenceError> {
        if !self.tag.is_empty() {
            return Ok(&self.tag);
        }
        if self.digest.is_empty() {
            return Err(ReferenceError::Incomplete);
        }
        check_digest(&self.digest).map_err(|reason| ReferenceError::Digest { digest: self.digest.clone(), reason })?;
        Ok(&self.digest)
    }
}

impl fmt::Display for Reference {
    /// As Helm prints it: the tag where there is one, else `@` and the digest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        match (self.tag.as_str(), self.digest.as_str()) {
            ("", "") => Ok(()),
            ("", digest) => write!(f, "@{digest}"),
            (tag, _) => write!(f, ":{tag}"),
        }
    }
}

fn check_registry(name: &str) -> Result<(), ReferenceError> {
    let url = format!("dummy://{name}");
    let fits = !url.contains('#')
        && Url::parse(url.as_bytes()).is_ok_and(|url| !url.host.is_empty() && url.host == name.as_bytes());
    if fits { Ok(()) } else { Err(ReferenceError::Registry(name.to_owned())) }
}

/// Parts separated by `/`; each of words of small letters and digits, joined by `.`, `_`, `__` or any number of `-`.
fn is_repository(path: &str) -> bool {
    path.split('/').all(|part| {
        let word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let bytes = part.as_bytes();
        let ends_in_words = word(bytes.first()) && word(bytes.last());
        ends_in_words
            && part
                .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                .all(|joint| matches!(joint, "" | "." | "_" | "__") || joint.bytes().all(|byte| byte == b'-'))
    })
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= 128
        && tag.bytes().enumerate().all(|(index, byte)| word(byte) || (index > 0 && matches!(byte, b'.' | b'-')))
}

/// Whether a text is a digest that can be checked: SHA-256, SHA-384 or SHA-512 in hexadecimal.
pub(crate) fn check_digest(text: &str) -> Result<(), DigestError> {
    let (algorithm, digits) = text.split_once(':').ok_or(DigestError::Format)?;
    if algorithm.is_empty() || digits.is_empty() {
        return Err(DigestError::Format);
    }
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => {
            let named = algorithm.split(['.', '+', '_', '-']).all(|part| {
                !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            });
            let encoded = digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b'_' | b'-'));
            return Err(if named && encoded { DigestError::Algorithm } else { DigestError::Format });
        }
    };
    if digits.len() != length {
        return Err(DigestError::Length);
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
        Ok(())
    } else {
        Err(DigestError::Format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match Reference::parse(text) {
            Ok(reference) => {
                let Reference { registry, repository, tag, digest } = &reference;
                format!("{registry} {repository} {tag} {digest} = {reference}")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn a_name_is_taken_apart() {
        check("oci://localhost:5000/a/b:1.0.0", "localhost:5000 a/b 1.0.0  = localhost:5000/a/b:1.0.0");
        check("localhost:5000/a", "localhost:5000 a   = localhost:5000/a");
        check("[::1]:5000/a:1", "[::1]:5000 a 1  = [::1]:5000/a:1");
        check("h/a:1.0.0+build.1", "h a 1.0.0_build.1  = h/a:1.0.0_build.1");
        check("h/a@sha256:0", "h a  sha256:0 = h/a@sha256:0");
        check("h/a:1@sha256:0", "h a 1 sha256:0 = h/a:1");
    }

    #[test]
    fn what_cannot_be_a_name_is_refused_in_helms_words() {
        check("mychart", "invalid reference: missing registry or repository");
        check("h/A", "invalid reference: invalid repository \"A\"");
        check("h/", "invalid reference: invalid repository \"\"");
        check("h/a..b", "invalid reference: invalid repository \"a..b\"");
        check("h/a___b", "invalid reference: invalid repository \"a___b\"");
        check("h/a:b/c", "invalid reference: invalid tag \"b/c\"");
        check("h/a:.b", "invalid reference: invalid tag \".b\"");
        check("h:port/a", "invalid reference: invalid registry \"h:port\"");
        check("me@h/a", "invalid reference: missing registry or repository");
        check("h?x/a", "invalid reference: invalid registry \"h?x\"");
        check("h/a:1.0.0 b", "invalid reference: invalid tag \"1.0.0 b\"");
    }

    #[test]
    fn joints_of_words_are_those_that_registries_take() {
        for good in ["a", "a.b", "a_b", "a__b", "a---b", "a1/b-2/c"] {
            assert!(is_repository(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a/", "a._b", "a.-b", "A", "é"] {
            assert!(!is_repository(bad), "{bad}");
        }
    }

    #[test]
    fn digests_are_checked() {
        let of = |text: &str| check_digest(text).map_err(|error| error.to_string());
        assert_eq!(of(&format!("sha256:{}", "a".repeat(64))), Ok(()));
        assert_eq!(of(&format!("sha512:{}", "0".repeat(128))), Ok(()));
        assert_eq!(of("sha256:ab"), Err("invalid checksum digest length".to_owned()));
        assert_eq!(of(&format!("sha256:{}", "A".repeat(64))), Err("invalid checksum digest format".to_owned()));
        assert_eq!(of("md5:ab"), Err("unsupported digest algorithm".to_owned()));
        assert_eq!(of("x"), Err("invalid checksum digest format".to_owned()));
    }
}
