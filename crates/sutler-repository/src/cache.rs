//! The cache of charts by digest, shared with Helm 4 (its `downloader.DiskCache`).
//!
//! A file is written beside its place and renamed into it: no reader sees half of one, and of two processes that fill the
//! same place the last wins with the same bytes. Nothing enters under a digest that is not its own.

use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Kind of a file that is kept: a chart archive.
pub const CHART: &str = ".chart";

/// Kind of a file that is kept: the provenance of a chart archive, under the chart's digest.
pub const PROVENANCE: &str = ".prov";

/// A SHA-256 digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// Reads 64 hexadecimal digits, with or without an algorithm in front (`sha256:`).
    ///
    /// # Errors
    /// [`DigestError`] with the text of Go's `encoding/hex` or of Helm.
    pub fn parse(text: &str) -> Result<Digest, DigestError> {
        let hex = text.split_once(':').map_or(text, |(_, hex)| hex).as_bytes();
        let value = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut bytes = Vec::with_capacity(hex.len() / 2);
        for pair in hex.chunks(2) {
            let digits = pair.iter().map(|byte| value(byte).ok_or(DigestError::Byte(*byte)));
            match digits.collect::<Result<Vec<u8>, _>>()?.as_slice() {
                [high, low] => bytes.push(high << 4 | low),
                _ => return Err(DigestError::OddLength),
            }
        }
        let length = bytes.len();
        bytes.try_into().map(Digest).map_err(|_| DigestError::Length(length))
    }

    /// The digest as bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Display for Digest {
    /// 64 hexadecimal digits in lower case.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DigestError {
    /// A character is no hexadecimal digit.
    #[error("encoding/hex: invalid byte: {}", rune(*.0))]
    Byte(u8),
    /// A digit is missing.
    #[error("encoding/hex: odd length hex string")]
    OddLength,
    /// Another number of bytes than 32.
    #[error("invalid digest length: {0}")]
    Length(usize),
}

/// A byte as Go's `%#U` prints it.
fn rune(byte: u8) -> String {
    let c = char::from(byte);
    if c.is_control() { format!("U+{byte:04X}") } else { format!("U+{byte:04X} '{c}'") }
}

/// Why the cache could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CacheError {
    /// A folder or file cannot be made or read.
    #[error("{action} {path}: {}", sutler_chart::io_message(.error))]
    File {
        /// The system call: `mkdir`, `open`, `rename`, ….
        action: &'static str,
        /// The path.
        path: String,
        /// The error; its text is in this one.
        error: std::io::Error,
    },
    /// The bytes that came are not those that were announced.
    #[error("digest mismatch for {what}: expected sha256:{expected}, got sha256:{found}")]
    OtherDigest {
        /// What was fetched.
        what: String,
        /// What the index or registry announced.
        expected: Digest,
        /// What came.
        found: Digest,
    },
}

impl CacheError {
    pub(crate) fn file(action: &'static str, path: &Path, error: std::io::Error) -> CacheError {
        CacheError::File { action, path: path.display().to_string(), error }
    }
}

/// The cache in one folder.
///
/// ```
/// use sutler_repository::cache::{ContentCache, Digest};
///
/// let folder = std::env::temp_dir().join(format!("sutler-cache-{}", std::process::id()));
/// let cache = ContentCache::new(&folder);
/// let (digest, other) = (Digest::of(b"an archive"), Digest::of(b"something else"));
/// cache.put_chart("web-1.0.0.tgz", Some(digest), b"an archive")?;
/// assert!(cache.get(&digest, ".chart").is_some());
/// assert!(cache.put_chart("web-1.0.0.tgz", Some(other), b"an archive").is_err(), "it has another digest");
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ContentCache {
    root: PathBuf,
}

impl ContentCache {
    /// The cache in a folder, which need not be there yet.
    pub fn new(root: impl Into<PathBuf>) -> ContentCache {
        ContentCache { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a file is or would be: `<root>/ab/ab…<kind>`.
    pub fn path(&self, digest: &Digest, kind: &str) -> PathBuf {
        self.root.join(format!("{:02x}", digest.0[0])).join(format!("{digest}{kind}"))
    }

    /// The path of a file that is there. An empty one counts as absent, and so does a chart whose bytes have another digest
    /// (a cache that was damaged, or filled under a lying digest, is filled anew).
    pub fn get(&self, digest: &Digest, kind: &str) -> Option<PathBuf> {
        let path = self.path(digest, kind);
        let bytes = std::fs::read(&path).ok().filter(|bytes| !bytes.is_empty())?;
        (kind != CHART || Digest::of(&bytes) == *digest).then_some(path)
    }

    /// Keeps a chart archive under its digest.
    ///
    /// # Errors
    /// [`CacheError::OtherDigest`] when `expected` is not the bytes' digest, and what the file system refuses.
    pub fn put_chart(&self, what: &str, expected: Option<Digest>, bytes: &[u8]) -> Result<PathBuf, CacheError> {
        let found = Digest::of(bytes);
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Err(CacheError::OtherDigest { what: what.to_owned(), expected, found });
        }
        self.put(&found, CHART, bytes)
    }

    /// Keeps a provenance file under the digest of its chart.
    ///
    /// # Errors
    /// What the file system refuses.
    pub fn put_provenance(&self, chart: &Digest, bytes: &[u8]) -> Result<PathBuf, CacheError> {
        self.put(chart, PROVENANCE, bytes)
    }

    fn put(&self, digest: &Digest, kind: &str, bytes: &[u8]) -> Result<PathBuf, CacheError> {
        let path = self.path(digest, kind);
        let folder = path.parent().expect("the path has a folder and a name");
        std::fs::create_dir_all(folder).map_err(|error| CacheError::file("mkdir", folder, error))?;
        write_whole(&path, bytes, Mode::Shared)?;
        Ok(path)
    }
}

/// Who may read a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everybody (0644).
    Shared,
    /// Its owner only (0600): it may hold passwords.
    Private,
}

/// Writes a file whole or not at all: beside its place first, then renamed into it (Helm's `AtomicWriteFile`).
///
/// # Errors
/// What the file system refuses; nothing is left behind.
pub fn write_whole(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), CacheError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let fail = |action, error| CacheError::file(action, path, error);
    let mut file = tempfile::Builder::new()
        .prefix(".sutler-")
        .suffix(".tmp")
        .tempfile_in(folder)
        // tempfile puts the folder into the text; the operating system's own words are wanted.
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => fail("open", std::io::Error::from_raw_os_error(2)),
            std::io::ErrorKind::PermissionDenied => fail("open", std::io::Error::from_raw_os_error(13)),
            kind => fail("open", kind.into()),
        })?;
    file.write_all(bytes).map_err(|error| fail("write", error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let bits = if mode == Mode::Private { 0o600 } else { 0o644 };
        file.as_file().set_permissions(std::fs::Permissions::from_mode(bits)).map_err(|error| fail("chmod", error))?;
    }
    #[cfg(not(unix))]
    let _ = mode;
    file.persist(path).map_err(|error| fail("rename", error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_as_helm_reads_them() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::parse(hex).unwrap(), Digest::of(b""));
        assert_eq!(Digest::parse(&format!("sha256:{}", hex.to_uppercase())).unwrap().to_string(), hex);
        for (text, expected) in [
            ("abc", "encoding/hex: odd length hex string"),
            ("zz", "encoding/hex: invalid byte: U+007A 'z'"),
            ("abcd", "invalid digest length: 2"),
            ("sha256:", "invalid digest length: 0"),
        ] {
            assert_eq!(Digest::parse(text).unwrap_err().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_lying_digest_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ContentCache::new(folder.path());
        let error = cache.put_chart("http://h/a.tgz", Some(Digest::of(b"other")), b"chart").unwrap_err();
        assert!(error.to_string().starts_with("digest mismatch for http://h/a.tgz: expected sha256:"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_chart_counts_as_absent() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ContentCache::new(folder.path());
        let digest = Digest::of(b"chart");
        let path = cache.put_chart("a", Some(digest), b"chart").unwrap();
        assert_eq!(cache.get(&digest, CHART), Some(path.clone()));
        std::fs::write(&path, b"char").unwrap();
        assert_eq!(cache.get(&digest, CHART), None);
    }

    #[test]
    fn two_writers_leave_one_whole_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ContentCache::new(folder.path());
        let bytes = vec![7; 1 << 20];
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| cache.put_chart("a", None, &bytes).unwrap());
            }
        });
        let path = cache.get(&Digest::of(&bytes), CHART).unwrap();
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
