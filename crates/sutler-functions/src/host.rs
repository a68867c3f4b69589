//! What functions need from outside: objects of a cluster, random bytes, the time. This crate never reads a clock, asks
//! for randomness or talks to a network by itself.

use sutler_template::{CallError, Context, Map, Str, Value};

use crate::time::Zone;

/// The outside world as templates may see it; implemented by whoever renders charts.
pub trait Host {
    /// An object, or the list of objects when `name` is empty, as plain data; an empty map when there is none.
    ///
    /// # Errors
    /// The message that `lookup` fails with.
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Map, String>;

    /// Fills `bytes` with random ones.
    fn random(&self, bytes: &mut [u8]);

    /// Seconds and nanoseconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> (i64, u32);

    /// Whether the template goes on, with an empty text as the value, after `fail` or after `required` found nothing. Helm's linter
    /// notes the message and goes on; for everybody else it is an error, which is the default.
    fn goes_on_after(&self, _refusal: Refusal, _message: &Str) -> bool {
        false
    }

    /// The zone that Go calls `Local`.
    fn local_zone(&self) -> Zone {
        Zone::Utc
    }
}

/// Why a chart refuses to be rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It called `fail`.
    Fail,
    /// It called `required` with nil.
    RequiredNil,
    /// It called `required` with an empty text.
    RequiredEmpty,
}

/// A [`Host`] in a box that a [`Context`] can carry: give the engine one of these as its host.
pub struct HostBox(pub Box<dyn Host>);

impl std::fmt::Debug for HostBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostBox").finish_non_exhaustive()
    }
}

/// The host of an execution.
///
/// # Errors
/// If the caller gave none.
pub(crate) fn of<'a>(ctx: &Context<'a>) -> Result<&'a dyn Host, CallError> {
    match ctx.host::<HostBox>() {
        Some(HostBox(host)) => Ok(&**host),
        None => Err(CallError::new("the program that executes this template gave it no host")),
    }
}

/// An empty map, which `lookup` answers where there is no cluster.
pub(crate) fn nothing_found() -> Value {
    Value::empty_map()
}
