//! Watches: what happened, kept for a while, and a reader's place in it.
//!
//! [`History`] holds the last changes by resource version. A [`Watch`] is plain data: the layer in front asks it again and
//! again ([`Watch::poll`]) for what is new, and writes that out. A reader that asks for more than is kept is told `410 Expired`
//! and lists anew, as with a real API server.

use std::collections::VecDeque;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::controllers::Change;
use crate::output::Output;
use crate::selection::Selection;
use crate::status::Refusal;

/// How many changes are kept. A thousand nodes and ten thousand pods starting make some hundred thousand changes; a reader
/// may fall behind by this many.
const KEPT: usize = 20_000;

/// The last changes, oldest first.
#[derive(Debug)]
pub(crate) struct History {
    /// How many changes are kept.
    room: usize,
    changes: VecDeque<(u64, Change)>,
    /// Changes up to this resource version are forgotten.
    forgotten: u64,
}

impl History {
    /// A history that knows nothing of what happened up to `revision`.
    pub(crate) fn starting_after(revision: u64) -> Self {
        Self { room: KEPT, changes: VecDeque::new(), forgotten: revision }
    }

    pub(crate) fn push(&mut self, revision: u64, change: Change) {
        if self.changes.len() == self.room
            && let Some((oldest, _)) = self.changes.pop_front()
        {
            self.forgotten = oldest;
        }
        self.changes.push_back((revision, change));
    }

    /// The oldest resource version that a watch may start from.
    pub(crate) fn oldest(&self) -> u64 {
        self.forgotten
    }

    /// The changes after `revision`; `None` when some of them are forgotten.
    fn after(&self, revision: u64) -> Option<impl Iterator<Item = &(u64, Change)>> {
        if revision < self.forgotten {
            return None;
        }
        let start = self.changes.partition_point(|(of, _)| *of <= revision);
        Some(self.changes.range(start..))
    }
}

/// A reader of changes of one resource.
#[derive(Debug)]
pub struct Watch {
    pub(crate) selection: Selection,
    pub(crate) output: Output,
    /// The resource version up to which changes were read.
    pub(crate) read: u64,
    /// Events to give before any change: the state at the start, when that was asked for.
    pub(crate) first: VecDeque<Bytes>,
    pub(crate) bookmarks: bool,
    /// Seconds of real time after which the stream ends, when the client gave a limit.
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) ended: bool,
}

/// The state a watch reads from.
pub(crate) struct Source<'a> {
    pub(crate) history: &'a History,
    pub(crate) revision: u64,
    pub(crate) now: Timestamp,
}

impl Watch {
    /// Lines for the stream that are due now, at most about `limit`; none when nothing happened.
    pub(crate) fn poll(&mut self, source: &Source<'_>, limit: usize) -> Vec<Bytes> {
        let mut lines: Vec<Bytes> = Vec::new();
        while lines.len() < limit {
            let Some(line) = self.first.pop_front() else { break };
            lines.push(line);
        }
        if self.ended || !self.first.is_empty() {
            return lines;
        }
        let Some(changes) = source.history.after(self.read) else {
            self.ended = true;
            let refusal =
                Refusal::expired(format!("too old resource version: {} ({})", self.read, source.history.oldest()));
            lines.push(line("ERROR", &refusal.to_value()));
            return lines;
        };
        let mut read = source.revision;
        for (revision, change) in changes {
            if lines.len() >= limit {
                read = revision - 1;
                break;
            }
            if let Some((kind, object)) = self.selection.event(change, *revision) {
                lines.push(line(kind, &self.output.event(&object, source.now)));
            }
        }
        self.read = read;
        lines
    }

    /// A bookmark line with the resource version read so far, when the client wants bookmarks.
    pub(crate) fn bookmark(&self) -> Option<Bytes> {
        (self.bookmarks && !self.ended).then(|| bookmark(&self.selection, &self.output, self.read, None))
    }

    /// Whether the stream is over.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }
}

/// A BOOKMARK line; `annotation` marks the end of the initial events.
pub(crate) fn bookmark(selection: &Selection, output: &Output, revision: u64, annotation: Option<&str>) -> Bytes {
    let mut object = json!({
        "kind": selection.kind, "apiVersion": selection.api_version,
        "metadata": {"resourceVersion": revision.to_string(), "creationTimestamp": null},
    });
    if let Some(annotation) = annotation {
        object["metadata"]["annotations"] = json!({annotation: "true"});
    }
    line("BOOKMARK", &output.bookmark(object))
}

/// One line of a watch stream.
pub(crate) fn line(kind: &str, object: &Value) -> Bytes {
    let mut text = format!("{{\"type\":\"{kind}\",\"object\":");
    text.push_str(&object.to_string());
    text.push_str("}\n");
    Bytes::from(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::key::ObjectKey;

    #[test]
    fn a_reader_gets_what_is_kept_and_is_told_when_something_is_not() {
        let mut history = History { room: 3, ..History::starting_after(10) };
        for revision in 11..=15 {
            let object = Arc::new(json!({}));
            history.push(revision, Change { key: ObjectKey::new("x", "", ""), old: None, new: Some(object) });
        }
        let after = |revision: u64| {
            history.after(revision).map(|changes| changes.map(|(revision, _)| *revision).collect::<Vec<_>>())
        };
        assert_eq!(after(15), Some(vec![]));
        assert_eq!(after(13), Some(vec![14, 15]));
        assert_eq!(after(12), Some(vec![13, 14, 15]));
        assert_eq!(after(11), None, "change 12 is forgotten");
        assert_eq!(history.oldest(), 12);
    }
}
