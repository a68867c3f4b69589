//! What an operation tells while it works, for progress trees and logs.

use crate::object::ObjectRef;
use crate::record::{HookEvent, Status};

/// One thing that happened. Events hold no values of the release.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The release's namespace was made.
    NamespaceCreated {
        /// Its name.
        namespace: String,
    },
    /// An operation that stopped half-way was found and will be finished.
    Recovering {
        /// The revision it was about.
        revision: u32,
        /// The state it left.
        status: Status,
        /// Who had begun it, if a lease says so.
        holder: Option<String>,
    },
    /// A revision's record was written.
    Recorded {
        /// The revision.
        revision: u32,
        /// With this status.
        status: Status,
    },
    /// A CustomResourceDefinition was written, before everything else.
    CrdApplied {
        /// Its name.
        name: String,
        /// What that did.
        change: Change,
    },
    /// An object was written.
    Applied {
        /// Which.
        object: ObjectRef,
        /// What that did.
        change: Change,
    },
    /// An object was deleted.
    Deleted {
        /// Which.
        object: ObjectRef,
    },
    /// An object stays although its release no longer has it: its resource policy says so.
    Kept {
        /// Which.
        object: ObjectRef,
    },
    /// A hook was started.
    HookStarted {
        /// Its moment.
        event: HookEvent,
        /// Its object.
        object: ObjectRef,
    },
    /// A hook ended.
    HookFinished {
        /// Its moment.
        event: HookEvent,
        /// Its object.
        object: ObjectRef,
        /// Whether it ended well.
        succeeded: bool,
    },
    /// An object is not ready yet, or the reason has changed.
    Waiting {
        /// Which.
        object: ObjectRef,
        /// In one sentence, why not.
        reason: String,
    },
    /// An object that was waited for is ready (or gone, if that was waited for).
    Ready {
        /// Which.
        object: ObjectRef,
    },
}

/// What writing an object did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Created,
    /// It was there and is different now.
    Configured,
    /// It was there and is the same.
    Unchanged,
}

/// Where events go.
pub type Events<'a> = &'a mut (dyn FnMut(Event) + Send);
