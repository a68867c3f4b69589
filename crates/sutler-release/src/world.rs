//! Time, and the one way to wait: until a watched object changes or a deadline passes.
//!
//! Release code reads no clock and sleeps nowhere; it asks the [`World`] it was given. [`RealWorld`] is the wall clock and
//! the API's watches. A simulated world moves its clock only inside [`World::until_change_or`], to the next event or to
//! the deadline, so that waiting ten simulated minutes takes no time at all.

mod real;

pub use real::RealWorld;

use std::error::Error as StdError;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

/// The clock an operation runs on, and its one waiting primitive.
pub trait World: Send + Sync {
    /// The present moment of this world.
    fn now(&self) -> Timestamp;

    /// Waits until one of `watched` changes or `deadline` has come, whichever is first.
    ///
    /// A world may wake early and say [`Woken::Change`] although nothing of interest changed: callers look again. With
    /// nothing to watch this is a plain sleep. A deadline in the past returns at once.
    ///
    /// # Errors
    /// If the world can no longer tell the time or see changes at all; a watch that merely ends is no error.
    fn until_change_or<'a>(
        &'a self,
        watched: &'a [Watched],
        deadline: Timestamp,
    ) -> BoxFuture<'a, Result<Woken, WaitError>>;

    /// Whether the process that `holder` names is known to have ended, so that its lease need not be waited out.
    ///
    /// `false` when it is alive or when that cannot be told, as for a process on another machine.
    fn has_ended(&self, holder: &Holder) -> bool {
        let _ = holder;
        false
    }
}

/// One object whose change is waited for, as it was last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The path of the object's collection in the API: `/apis/apps/v1/namespaces/ray/deployments`.
    pub collection: String,
    /// The object's name.
    pub name: String,
    /// The resource version at which it was last read; `None` if it was not there.
    pub resource_version: Option<String>,
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// Something watched changed, or may have.
    Change,
    /// The deadline came first.
    Deadline,
}

/// A world could not wait.
#[derive(Debug, thiserror::Error)]
#[error("could not wait for a change in the cluster")]
pub struct WaitError(#[source] pub Box<dyn StdError + Send + Sync>);

/// Who holds an operation's lease: written into the pending record, and shown to whoever is refused because of it.
///
/// Its text form is `user@host pid 4711 since 1700000000000`, the last part being the process's start as its system
/// counts it: two processes with one number are told apart by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who: usually `user@host`.
    pub who: String,
    /// The process's number on its host; 0 if it has none.
    pub process: u32,
    /// When that process began, in whatever unit its system counts; 0 if unknown.
    pub started: u64,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} pid {} since {}", self.who, self.process, self.started)
    }
}

impl Holder {
    /// Reads the text form back; anything else is taken as a name without a process.
    pub fn parse(text: &str) -> Holder {
        let parsed = text.rsplit_once(" since ").and_then(|(rest, started)| {
            let (who, process) = rest.rsplit_once(" pid ")?;
            Some(Holder { who: who.to_owned(), process: process.parse().ok()?, started: started.parse().ok()? })
        });
        parsed.unwrap_or_else(|| Holder { who: text.to_owned(), process: 0, started: 0 })
    }

    /// The host part of `who`, if it has one.
    pub fn host(&self) -> Option<&str> {
        self.who.rsplit_once('@').map(|(_, host)| host)
    }
}

#[cfg(test)]
mod tests {
    use super::Holder;

    #[test]
    fn a_holder_survives_its_text_form() {
        let holder = Holder { who: "ada@lab".into(), process: 4711, started: 99 };
        assert_eq!(holder.to_string(), "ada@lab pid 4711 since 99");
        assert_eq!(Holder::parse(&holder.to_string()), holder);
        assert_eq!(holder.host(), Some("lab"));
    }

    #[test]
    fn a_foreign_holder_text_is_kept_as_a_name() {
        assert_eq!(Holder::parse("ci-runner"), Holder { who: "ci-runner".into(), process: 0, started: 0 });
        assert_eq!(Holder::parse("x pid y since z").who, "x pid y since z");
    }
}
