//! `repositories.yaml`: the repositories that a person added (Helm's `repo.File`), shared with Helm.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sutler_chart::decode::{DecodeError, Fields};
use sutler_yaml::Emit;
use thiserror::Error;

use crate::cache::{CacheError, Mode, write_whole};
use crate::files::{FileError, file_error};
use crate::index::{IndexDecodeError, ZERO_TIME, time_text};
use crate::transport::{Clock, GetOptions, TlsOptions};

/// Why the repositories could not be read or written. The texts are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RepositoriesError {
    /// The file cannot be read.
    #[error("couldn't load repositories file ({path})")]
    Read {
        /// Its path.
        path: String,
        /// What the operating system said.
        #[source]
        source: FileError,
    },
    /// The file is no list of repositories.
    #[error(transparent)]
    Decode(#[from] IndexDecodeError),
    /// A folder or the lock file cannot be made.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another process keeps the lock.
    #[error("context deadline exceeded")]
    Locked,
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] CacheError),
    /// A value cannot be written as YAML.
    #[error(transparent)]
    Yaml(#[from] sutler_yaml::WriteError),
}

impl RepositoriesError {
    /// Whether there is no such file.
    pub fn is_not_found(&self) -> bool {
        matches!(self, RepositoriesError::Read { source, .. } if source.error.kind() == std::io::ErrorKind::NotFound)
    }
}

/// One repository (Helm's `repo.Entry`).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Repository {
    /// The name it was given.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// User of basic auth.
    pub username: String,
    /// Password of basic auth.
    pub password: String,
    /// Certificates.
    pub tls: TlsOptions,
    /// Whether credentials go to other hosts too.
    pub pass_credentials_all: bool,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

impl Repository {
    /// How something of this repository is fetched.
    pub fn get_options(&self) -> GetOptions {
        GetOptions {
            repository_url: self.url.clone(),
            tls: self.tls.clone(),
            username: self.username.clone(),
            password: self.password.clone(),
            pass_credentials_all: self.pass_credentials_all,
            ..GetOptions::default()
        }
    }
}

impl Emit for Repository {
    fn emit(&self, out: &mut sutler_yaml::Emitter) -> Result<(), sutler_yaml::WriteError> {
        let text = |text: &str| serde_json::Value::from(text);
        let fields = [
            ("caFile", text(&self.tls.ca_file)),
            ("certFile", text(&self.tls.cert_file)),
            ("insecure_skip_tls_verify", self.tls.insecure_skip_verify.into()),
            ("keyFile", text(&self.tls.key_file)),
            ("name", text(&self.name)),
            ("pass_credentials_all", self.pass_credentials_all.into()),
            ("password", text(&self.password)),
            ("url", text(&self.url)),
            ("username", text(&self.username)),
        ];
        out.mapping(fields)
    }
}

/// The contents of `repositories.yaml`.
///
/// ```
/// use sutler_repository::repositories::{Repositories, Repository};
///
/// let mut repositories = Repositories::from_bytes(b"apiVersion: ''\nrepositories: [{name: team, url: 'https://example.com'}]")?;
/// repositories.put(Repository { name: "other".to_owned(), url: "https://example.org".to_owned(), ..Repository::default() });
/// assert_eq!(repositories.get("team").map(|known| known.url.as_str()), Some("https://example.com"));
/// assert!(repositories.remove("other"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repositories {
    /// As the file has it; Helm leaves it empty in a file that it makes.
    pub api_version: String,
    /// As the file has it, RFC 3339; Go's zero time in a file that Helm makes.
    pub generated: String,
    /// The repositories in the file's order.
    pub entries: Vec<Repository>,
}

impl Default for Repositories {
    fn default() -> Repositories {
        Repositories { api_version: String::new(), generated: ZERO_TIME.to_owned(), entries: Vec::new() }
    }
}

impl Repositories {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is not there (see [`RepositoriesError::is_not_found`]), or is no such file.
    pub fn read(path: &Path) -> Result<Repositories, RepositoriesError> {
        let bytes = std::fs::read(path).map_err(|error| RepositoriesError::Read {
            path: path.display().to_string(),
            source: file_error("open", path, error),
        })?;
        Repositories::from_bytes(&bytes)
    }

    /// Reads the file; where there is none, there are no repositories.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read_or_none(path: &Path) -> Result<Repositories, RepositoriesError> {
        match Repositories::read(path) {
            Err(error) if error.is_not_found() => Ok(Repositories::default()),
            result => result,
        }
    }

    /// Reads the contents of the file.
    ///
    /// # Errors
    /// When they are something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Repositories, RepositoriesError> {
        Ok(decode(bytes)?)
    }

    /// The repository of a name.
    pub fn get(&self, name: &str) -> Option<&Repository> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// Puts a repository in the place of the one with its name, or at the end.
    pub fn put(&mut self, repository: Repository) {
        match self.entries.iter_mut().find(|entry| entry.name == repository.name) {
            Some(entry) => *entry = repository,
            None => self.entries.push(repository),
        }
    }

    /// Removes the repositories of a name; says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.name != name);
        self.entries.len() < before
    }

    /// Writes the file whole; a new one is readable for its owner only, since it may hold passwords.
    ///
    /// # Errors
    /// What the file system refuses.
    pub fn write(&self, path: &Path) -> Result<(), RepositoriesError> {
        let text = sutler_yaml::write(self)?;
        // A link to the file stays one.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| file_error("mkdir", folder, error))?;
        }
        let known = std::fs::metadata(&path).ok().map(|found| found.permissions());
        write_whole(&path, text.as_bytes(), Mode::Private)?;
        // Who may read a file that was there already stays as its owner has set it.
        if let Some(known) = known {
            std::fs::set_permissions(&path, known).map_err(|error| file_error("chmod", &path, error))?;
        }
        Ok(())
    }
}

impl Emit for Repositories {
    fn emit(&self, out: &mut sutler_yaml::Emitter) -> Result<(), sutler_yaml::WriteError> {
        enum Field<'a> {
            Text(&'a str),
            Entries(&'a [Repository]),
        }
        impl Emit for Field<'_> {
            fn emit(&self, out: &mut sutler_yaml::Emitter) -> Result<(), sutler_yaml::WriteError> {
                match self {
                    Field::Text(text) => out.string(text),
                    Field::Entries(entries) => out.sequence(*entries),
                }
            }
        }
        out.mapping([
            ("apiVersion", Field::Text(&self.api_version)),
            ("generated", Field::Text(&self.generated)),
            ("repositories", Field::Entries(&self.entries)),
        ])
    }
}

fn decode(bytes: &[u8]) -> Result<Repositories, IndexDecodeError> {
    let text = sutler_yaml::decode(bytes).map_err(DecodeError::Read)?;
    let document = sutler_yaml::read(&text).map_err(DecodeError::Read)?;
    sutler_yaml::to_json(&document).map_err(DecodeError::Convert)?;
    let mut file = Repositories::default();
    let mut bad_time = None;
    Fields::of_document(&document, "File", "repo.File")?.for_each(|name, field| {
        match name {
            "apiversion" => file.api_version = field.text("apiVersion")?,
            "generated" => match time_text(field.node) {
                Ok(time) => file.generated = time,
                Err(problem) => bad_time = Some(problem),
            },
            "repositories" => {
                for item in field.list("repositories", "[]*repo.Entry")?.iter().filter(|item| !item.is_null()) {
                    let mut entry = Repository::default();
                    field.nested(item, "repositories", "Entry", "repo.Entry")?.for_each(|name, field| {
                        match name {
                            "name" => entry.name = field.text("name")?,
                            "url" => entry.url = field.text("url")?,
                            "username" => entry.username = field.text("username")?,
                            "password" => entry.password = field.text("password")?,
                            "certfile" => entry.tls.cert_file = field.text("certFile")?,
                            "keyfile" => entry.tls.key_file = field.text("keyFile")?,
                            "cafile" => entry.tls.ca_file = field.text("caFile")?,
                            "insecure_skip_tls_verify" => {
                                entry.tls.insecure_skip_verify = field.boolean("insecure_skip_tls_verify")?;
                            }
                            "pass_credentials_all" => {
                                entry.pass_credentials_all = field.boolean("pass_credentials_all")?;
                            }
                            _ => {}
                        }
                        Ok(())
                    })?;
                    file.entries.push(entry);
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    match bad_time {
        Some(problem) => Err(IndexDecodeError::Time(problem)),
        None => Ok(file),
    }
}

/// The lock that Helm takes while it changes `repositories.yaml`; it ends with this value.
#[derive(Debug)]
pub struct RepositoriesLock {
    _file: File,
}

/// How long Helm waits for another process, and how often it looks.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl RepositoriesLock {
    /// Takes the lock beside the file (`repositories.lock`), and makes the folder where there is none.
    ///
    /// # Errors
    /// When another process keeps it for 30 seconds, or the lock file cannot be made.
    pub fn take(repositories: &Path, clock: &dyn Clock) -> Result<RepositoriesLock, RepositoriesError> {
        if let Some(folder) = repositories.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| file_error("mkdir", folder, error))?;
        }
        let path = lock_path(repositories);
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| file_error("open", &path, error))?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(RepositoriesLock { _file: file }),
                Err(std::fs::TryLockError::Error(error)) => return Err(file_error("flock", &path, error).into()),
                Err(std::fs::TryLockError::WouldBlock) if waited >= LONGEST_WAIT => {
                    return Err(RepositoriesError::Locked);
                }
                Err(std::fs::TryLockError::WouldBlock) => {
                    clock.sleep(LOOK_AGAIN);
                    waited += LOOK_AGAIN;
                }
            }
        }
    }
}

/// Where the lock of a file is: its extension becomes `.lock`.
fn lock_path(repositories: &Path) -> PathBuf {
    let text = repositories.display().to_string();
    let extension = crate::files::extension(text.rsplit('/').next().unwrap_or(&text));
    match text.strip_suffix(extension) {
        Some(stem) if !extension.is_empty() && !stem.is_empty() => PathBuf::from(format!("{stem}.lock")),
        _ => PathBuf::from(format!("{text}.lock")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"apiVersion: ""
generated: "0001-01-01T00:00:00Z"
repositories:
- caFile: ""
  certFile: ""
  insecure_skip_tls_verify: false
  keyFile: ""
  name: stable
  pass_credentials_all: false
  password: "123"
  url: https://charts.example.com/stable
  username: me
"#;

    #[test]
    fn the_file_is_written_as_it_was_read() {
        let file = Repositories::from_bytes(FILE.as_bytes()).unwrap();
        assert_eq!(file.entries[0].password, "123");
        assert_eq!(sutler_yaml::write(&file).unwrap(), FILE);
        let empty = Repositories::from_bytes(b"").unwrap();
        assert_eq!(
            sutler_yaml::write(&empty).unwrap(),
            "apiVersion: \"\"\ngenerated: \"0001-01-01T00:00:00Z\"\nrepositories: []\n"
        );
    }

    #[test]
    fn only_its_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/repositories.yaml");
        Repositories::from_bytes(FILE.as_bytes()).unwrap().write(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_lock_keeps_others_out_for_thirty_seconds() {
        struct Counting(std::sync::atomic::AtomicU64);
        impl Clock for Counting {
            fn now(&self) -> jiff::Timestamp {
                jiff::Timestamp::UNIX_EPOCH
            }
            fn sleep(&self, duration: Duration) {
                let millis = u64::try_from(duration.as_millis()).unwrap();
                self.0.fetch_add(millis, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("repositories.yaml");
        let clock = Counting(0.into());
        let lock = RepositoriesLock::take(&path, &clock).unwrap();
        assert!(folder.path().join("repositories.lock").exists());
        assert!(matches!(RepositoriesLock::take(&path, &clock), Err(RepositoriesError::Locked)));
        assert_eq!(clock.0.load(std::sync::atomic::Ordering::SeqCst), 30_000);
        drop(lock);
        RepositoriesLock::take(&path, &clock).unwrap();
    }
}
