//! The store on disk: one SQLite file with every object, the clock, the random state, pending timers and the cluster model.
//!
//! One transaction a step: what a client was told happened is on disk (WAL, `synchronous=NORMAL`: a killed process loses
//! nothing, a power cut may lose the last moments, neither leaves half a step). A file that is not a whole store of this
//! version is refused and left as it is; a new store is made beside its place and renamed into it, so that an empty or
//! half-made file is never one of ours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, params};
use serde_json::Value;

use crate::cluster::ClusterModel;
use crate::key::ObjectKey;
use crate::objects::Objects;
use crate::random::Random;
use crate::timers::Timers;

/// `Sutl` in ASCII: SQLite's `application_id` of a store.
const APPLICATION_ID: i32 = 0x5375_746c;
/// Version of the tables below; raised when they change.
const FORMAT_VERSION: i32 = 1;

const SCHEMA: &str = "
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE objects (
        resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (resource, namespace, name));
    CREATE TABLE timers (
        controller TEXT NOT NULL, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, due TEXT NOT NULL,
        PRIMARY KEY (controller, resource, namespace, name)) WITHOUT ROWID;
";

/// A store that cannot be used. The file is never changed by a failed open.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is there but is not a SQLite file.
    #[error("`{}` is not a Sutler simulator store", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is a store of another version of Sutler.
    #[error("`{}` is a simulator store of format {found}; this Sutler reads format {FORMAT_VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
    },
    /// The file is shorter than it says, or damaged.
    #[error("simulator store `{}` is truncated or damaged: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file cannot be opened or made.
    #[error("cannot open simulator store `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// SQLite refused.
    #[error("cannot {action} simulator store `{}`", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
}

/// All that is kept: the state of the machine between two steps.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) objects: Objects,
    pub(crate) timers: Timers,
    pub(crate) cluster: ClusterModel,
    pub(crate) clock: Timestamp,
    pub(crate) random: Random,
    pub(crate) seed: u64,
    pub(crate) revision: u64,
}

/// What one step changed, to be written in one transaction.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// The last state of each object that changed; `None` when it is gone.
    pub(crate) objects: BTreeMap<ObjectKey, Option<Arc<Value>>>,
    /// The last due time of each timer that changed; `None` when it is gone.
    pub(crate) timers: BTreeMap<(String, ObjectKey), Option<Timestamp>>,
    /// Whether the cluster model changed.
    pub(crate) cluster: bool,
}

impl Step {
    pub(crate) fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.timers.is_empty() && !self.cluster
    }
}

/// The open file.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    path: PathBuf,
}

impl Store {
    /// A store that lives in memory, holding `kept`.
    pub(crate) fn in_memory(kept: &Kept) -> Result<Self, StoreError> {
        let path = PathBuf::from(":memory:");
        let connection = Connection::open_in_memory().map_err(sqlite(&path, "make"))?;
        let mut store = Self { connection, path };
        store.make(kept)?;
        Ok(store)
    }

    /// Makes a new store at `path`, which must not exist, holding `kept`.
    pub(crate) fn create(path: &Path, kept: &Kept) -> Result<Self, StoreError> {
        let io = |source| StoreError::Open { path: path.to_path_buf(), source };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(io)?;
        }
        let beside = with_suffix(path, ".new");
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        {
            let connection = Connection::open(&beside).map_err(sqlite(path, "make"))?;
            Self { connection, path: path.to_path_buf() }.make(kept)?;
        }
        std::fs::rename(&beside, path).map_err(io)?;
        Self::connect(path)
    }

    /// Opens the store at `path` and reads all of it.
    pub(crate) fn open(path: &Path) -> Result<(Self, Kept), StoreError> {
        check_header(path)?;
        let store = Self::connect(path)?;
        let kept = store.read()?;
        Ok((store, kept))
    }

    fn connect(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(sqlite(path, "open"))?;
        let store = Self { connection, path: path.to_path_buf() };
        let pragma = |name: &str| store.connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        if pragma("application_id").map_err(|error| store.damaged(error))? != APPLICATION_ID {
            return Err(StoreError::Foreign { path: store.path });
        }
        let found = pragma("user_version").map_err(|error| store.damaged(error))?;
        if found != FORMAT_VERSION {
            return Err(StoreError::Version { path: store.path, found });
        }
        store.configure()?;
        Ok(store)
    }

    fn configure(&self) -> Result<(), StoreError> {
        let configured = self
            .connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
            .and_then(|()| self.connection.pragma_update(None, "synchronous", "NORMAL"));
        self.connection.set_prepared_statement_cache_capacity(16);
        configured.map_err(|error| self.damaged(error))
    }

    fn make(&mut self, kept: &Kept) -> Result<(), StoreError> {
        let path = self.path.clone();
        let made = (|| {
            let transaction = self.connection.transaction()?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
            transaction.execute_batch(SCHEMA)?;
            transaction.commit()
        })();
        made.map_err(sqlite(&path, "make"))?;
        let whole = Step {
            objects: kept.objects.everything().map(|(key, object)| (key, Some(object.clone()))).collect(),
            timers: kept
                .timers
                .iter()
                .map(|(controller, key, due)| ((controller.into(), key.clone()), Some(due)))
                .collect(),
            cluster: true,
        };
        self.write(&whole, kept)
    }

    /// Writes what a step changed, and the facts that go with it, in one transaction.
    pub(crate) fn write(&mut self, step: &Step, kept: &Kept) -> Result<(), StoreError> {
        let path = self.path.clone();
        self.write_rows(step, kept).map_err(sqlite(&path, "write"))
    }

    fn write_rows(&mut self, step: &Step, kept: &Kept) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut put = transaction.prepare_cached(
                "INSERT OR REPLACE INTO objects (resource, namespace, name, body) VALUES (?1, ?2, ?3, ?4)",
            )?;
            let mut remove = transaction
                .prepare_cached("DELETE FROM objects WHERE resource = ?1 AND namespace = ?2 AND name = ?3")?;
            for (ObjectKey { resource, namespace, name }, object) in &step.objects {
                match object {
                    Some(object) => put.execute(params![resource, namespace, name, object.to_string()])?,
                    None => remove.execute(params![resource, namespace, name])?,
                };
            }
            let mut set = transaction.prepare_cached(
                "INSERT OR REPLACE INTO timers (controller, resource, namespace, name, due) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            let mut forget = transaction.prepare_cached(
                "DELETE FROM timers WHERE controller = ?1 AND resource = ?2 AND namespace = ?3 AND name = ?4",
            )?;
            for ((controller, ObjectKey { resource, namespace, name }), due) in &step.timers {
                match due {
                    Some(due) => set.execute(params![controller, resource, namespace, name, due.to_string()])?,
                    None => forget.execute(params![controller, resource, namespace, name])?,
                };
            }
            let mut fact = transaction.prepare_cached("INSERT OR REPLACE INTO facts (name, value) VALUES (?1, ?2)")?;
            fact.execute(params!["clock", kept.clock.to_string()])?;
            fact.execute(params!["random", kept.random.state.to_string()])?;
            fact.execute(params!["revision", kept.revision.to_string()])?;
            if step.cluster {
                fact.execute(params!["seed", kept.seed.to_string()])?;
                let cluster = serde_json::to_string(&kept.cluster).expect("a cluster model is plain data");
                fact.execute(params!["cluster", cluster])?;
            }
        }
        transaction.commit()
    }

    /// Reads everything.
    pub(crate) fn read(&self) -> Result<Kept, StoreError> {
        let facts = self.facts().map_err(|error| self.damaged(error))?;
        let fact = |name: &str| facts.get(name).ok_or_else(|| self.damaged(format!("it has no `{name}`")));
        let number =
            |name: &str| fact(name)?.parse::<u64>().map_err(|error| self.damaged(format!("`{name}`: {error}")));
        let clock = fact("clock")?.parse().map_err(|error| self.damaged(format!("`clock`: {error}")))?;
        let cluster =
            serde_json::from_str(fact("cluster")?).map_err(|error| self.damaged(format!("`cluster`: {error}")))?;
        Ok(Kept {
            objects: self.objects()?,
            timers: self.timers()?,
            cluster,
            clock,
            random: Random { state: number("random")? },
            seed: number("seed")?,
            revision: number("revision")?,
        })
    }

    fn facts(&self) -> rusqlite::Result<BTreeMap<String, String>> {
        let mut statement = self.connection.prepare("SELECT name, value FROM facts")?;
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    fn objects(&self) -> Result<Objects, StoreError> {
        let mut objects = Objects::default();
        let read = (|| -> rusqlite::Result<Vec<(ObjectKey, String)>> {
            let mut statement = self.connection.prepare("SELECT resource, namespace, name, body FROM objects")?;
            statement
                .query_map([], |row| {
                    Ok((ObjectKey { resource: row.get(0)?, namespace: row.get(1)?, name: row.get(2)? }, row.get(3)?))
                })?
                .collect()
        })();
        for (key, body) in read.map_err(|error| self.damaged(error))? {
            let object: Value = serde_json::from_str(&body).map_err(|error| self.damaged(format!("{key}: {error}")))?;
            objects.put(&key, Arc::new(object));
        }
        Ok(objects)
    }

    fn timers(&self) -> Result<Timers, StoreError> {
        let mut timers = Timers::default();
        let read = (|| -> rusqlite::Result<Vec<(String, ObjectKey, String)>> {
            let mut statement =
                self.connection.prepare("SELECT controller, resource, namespace, name, due FROM timers")?;
            statement
                .query_map([], |row| {
                    let key = ObjectKey { resource: row.get(1)?, namespace: row.get(2)?, name: row.get(3)? };
                    Ok((row.get(0)?, key, row.get(4)?))
                })?
                .collect()
        })();
        for (controller, key, due) in read.map_err(|error| self.damaged(error))? {
            let due = due.parse().map_err(|error| self.damaged(format!("timer of {key}: {error}")))?;
            timers.set(&controller, &key, due);
        }
        Ok(timers)
    }

    fn damaged(&self, detail: impl ToString) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), detail: detail.to_string() }
    }
}

/// A path with `suffix` added to its last part.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

/// Refuses what is not a SQLite file at all, before SQLite (which takes an empty file for an empty database) sees it.
fn check_header(path: &Path) -> Result<(), StoreError> {
    use std::io::Read;
    let mut header = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(100).read_to_end(&mut header))
        .map_err(|source| StoreError::Open { path: path.to_path_buf(), source })?;
    if header.len() < 100 && (header.is_empty() || b"SQLite format 3\0".starts_with(&header[..header.len().min(16)])) {
        let detail = format!("it has {} bytes", header.len());
        return Err(StoreError::Damaged { path: path.to_path_buf(), detail });
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(StoreError::Foreign { path: path.to_path_buf() });
    }
    Ok(())
}

fn sqlite(path: &Path, action: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError + use<> {
    let path = path.to_path_buf();
    move |source| StoreError::Sqlite { path, action, source }
}
