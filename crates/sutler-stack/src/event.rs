//! What applying a plan tells while it works: for progress trees, plain lines and logs alike.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::plan::{Action, Subject};

/// One thing that happened. Events hold no secret.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Work on a step began.
    Started {
        /// The step's subject.
        subject: Subject,
        /// What is being done.
        action: Action,
    },
    /// A step waits, or what it waits for has changed.
    Waiting {
        /// The step's subject.
        subject: Subject,
        /// How many of its objects are ready, of how many that are waited for.
        ready: (usize, usize),
        /// What is waited for and why, in one sentence.
        reason: String,
    },
    /// A step is done.
    Finished {
        /// The step's subject.
        subject: Subject,
        /// What was done.
        action: Action,
        /// In a few words, what there is now.
        outcome: String,
        /// How long it took, on the cluster's clock.
        took: SignedDuration,
    },
    /// A step failed; the error follows as the operation's result.
    Failed {
        /// The step's subject.
        subject: Subject,
    },
    /// A node joined, became ready, or left.
    Node {
        /// Its name.
        name: String,
        /// Its pool, if its labels tell.
        pool: Option<String>,
        /// What happened.
        change: NodeChange,
    },
}

/// What happened to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeChange {
    /// It is starting.
    Starting,
    /// It is ready.
    Ready,
    /// It is gone.
    Gone,
}

/// Where events go. Called from one task at a time.
pub type Sink = Arc<dyn Fn(Event) + Send + Sync>;
