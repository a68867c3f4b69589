//! Events to a tree of unresolved nodes, with aliases tied to their anchors.

use std::collections::HashMap;

use super::parser::{EventKind, Parser};
use super::scanner::too_deep;
use super::{ReadError, cursor::Mark};
use crate::MAX_DEPTH;
use crate::node::Position;

/// A node as it stands in the text. Children are indices into the [`Tree`].
pub(super) struct RawNode {
    pub(super) kind: RawKind,
    pub(super) start: Position,
    pub(super) end: Position,
}

pub(super) enum RawKind {
    Scalar {
        text: String,
        tag: String,
        implicit: bool,
    },
    Alias {
        name: String,
        target: usize,
    },
    Sequence(Vec<usize>),
    /// Keys and values in turn.
    Mapping(Vec<usize>),
}

/// One document.
pub(super) struct Tree {
    pub(super) nodes: Vec<RawNode>,
    pub(super) root: usize,
    pub(super) has_aliases: bool,
}

impl<'t> Parser<'t> {
    /// Composes the next document; `None` at the end of the stream.
    pub(super) fn next_document(&mut self) -> Result<Option<Tree>, ReadError> {
        if self.next()?.kind == EventKind::StreamEnd {
            return Ok(None);
        }
        let mut tree = Tree { nodes: Vec::new(), root: 0, has_aliases: false };
        let mut anchors: HashMap<String, usize> = HashMap::new();
        let mut open: Vec<usize> = Vec::new();
        loop {
            let event = self.next()?;
            let (kind, anchor, opens) = match event.kind {
                EventKind::Scalar { anchor, tag, text, implicit } => {
                    (RawKind::Scalar { text, tag, implicit }, anchor, false)
                }
                EventKind::SequenceStart { anchor } => (RawKind::Sequence(Vec::new()), anchor, true),
                EventKind::MappingStart { anchor } => (RawKind::Mapping(Vec::new()), anchor, true),
                EventKind::Alias(name) => {
                    tree.has_aliases = true;
                    let Some(target) = anchors.get(&name).copied() else {
                        let problem = format!("unknown anchor '{name}' referenced");
                        return Err(ReadError::Value { problem, at: event.start.position() });
                    };
                    (RawKind::Alias { name, target }, None, false)
                }
                EventKind::CollectionEnd { flow } => {
                    let closed = open.pop().expect("the parser ends only what it started");
                    tree.close(closed, flow.then_some(event.end));
                    continue;
                }
                EventKind::DocumentEnd | EventKind::DocumentStart | EventKind::StreamEnd => return Ok(Some(tree)),
            };
            let index = tree.nodes.len();
            if let Some(name) = anchor {
                anchors.insert(name, index);
            }
            if let Some(parent) = open.last() {
                tree.add_child(*parent, index);
            }
            tree.nodes.push(RawNode { kind, start: event.start.position(), end: event.end.position() });
            if opens {
                open.push(index);
                if open.len() > MAX_DEPTH {
                    return Err(ReadError::Value { problem: too_deep(), at: event.start.position() });
                }
            }
        }
    }
}

impl Tree {
    fn add_child(&mut self, parent: usize, child: usize) {
        match &mut self.nodes[parent].kind {
            RawKind::Sequence(children) | RawKind::Mapping(children) => children.push(child),
            RawKind::Scalar { .. } | RawKind::Alias { .. } => {}
        }
    }

    /// Sets where a collection ends: at its bracket, or else at the end of its last child, since a block's own end is
    /// where the next token begins.
    fn close(&mut self, collection: usize, bracket: Option<Mark>) {
        let node = &self.nodes[collection];
        let last = match &node.kind {
            RawKind::Sequence(children) | RawKind::Mapping(children) => children.last(),
            RawKind::Scalar { .. } | RawKind::Alias { .. } => None,
        };
        let end = match (bracket, last) {
            (Some(mark), _) => mark.position(),
            (None, Some(child)) => self.nodes[*child].end,
            (None, None) => node.end,
        };
        self.nodes[collection].end = end;
    }
}
