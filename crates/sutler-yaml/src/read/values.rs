//! The tree to nodes: types resolved, aliases copied, merge keys replaced by what they bring.

use std::collections::HashSet;

use super::ReadError;
use super::compose::{RawKind, RawNode, Tree};
use super::scanner::too_deep;
use crate::MAX_DEPTH;
use crate::go_syntax::go_syntax;
use crate::node::{Data, Node, Position};
use crate::scalar::resolve_tagged;

/// Below this many nodes, 99 % of them may come from aliases.
const FREE_NODES: f64 = 400_000.0;
/// Above this many nodes, 10 % may.
const MANY_NODES: f64 = 4_000_000.0;

/// What happens to a key that a mapping already has.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Duplicates {
    /// Both stay; the last one counts.
    Keep,
    /// All of them are reported together.
    Refuse,
}

/// Makes nodes of one document.
///
/// # Errors
///
/// Tags that do not fit, bad base64, keys that are collections, merge keys with anything but mappings, aliases inside their
/// own anchors; and, as in go-yaml, documents whose nodes come from aliases in the main: of up to 400,000 nodes 99 % may,
/// of 4,000,000 and more 10 %, in between proportionally fewer. So a document cannot grow much beyond 400,000 nodes by
/// aliases, about 50 MB.
pub(super) fn resolve(tree: Tree, duplicates: Duplicates) -> Result<Node, ReadError> {
    let Tree { nodes, root, has_aliases } = tree;
    let mut resolver = Resolver {
        copied: vec![false; if has_aliases { nodes.len() } else { 0 }],
        nodes,
        has_aliases,
        duplicates,
        repeated: Vec::new(),
        // The document counts, too.
        made: 1,
        made_by_aliases: 0,
        alias_depth: 0,
    };
    let node = resolver.node(root, 0)?;
    if !resolver.repeated.is_empty() {
        return Err(ReadError::DuplicateKeys { keys: resolver.repeated });
    }
    Ok(node)
}

struct Resolver {
    nodes: Vec<RawNode>,
    has_aliases: bool,
    duplicates: Duplicates,
    repeated: Vec<(String, Position)>,
    /// Aliases that are being copied now.
    copied: Vec<bool>,
    made: u64,
    made_by_aliases: u64,
    alias_depth: u64,
}

/// A mapping in the making.
#[derive(Default)]
struct Entries {
    entries: Vec<(Node, Node)>,
    /// The keys so far, where duplicates are refused.
    keys: HashSet<Key>,
}

/// A key as Go compares it: by type and value.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(u64),
    String(String),
}

impl Resolver {
    // The recursive functions keep their stack frames small: what does not recurse is in functions of its own.

    fn node(&mut self, index: usize, depth: usize) -> Result<Node, ReadError> {
        self.count(index)?;
        if depth > MAX_DEPTH {
            return Err(self.error(index, too_deep()));
        }
        let data = match &self.nodes[index].kind {
            RawKind::Scalar { .. } => self.scalar(index)?,
            RawKind::Alias { target, .. } => self.alias(index, *target, depth)?,
            RawKind::Sequence(_) => self.sequence(index, depth)?,
            RawKind::Mapping(_) => {
                let mut entries = Entries::default();
                self.add_entries(index, depth, &mut entries)?;
                Data::Mapping(entries.entries)
            }
        };
        Ok(self.place(index, data))
    }

    fn place(&self, index: usize, data: Data) -> Node {
        Node { data, start: self.nodes[index].start, end: self.nodes[index].end }
    }

    fn scalar(&mut self, index: usize) -> Result<Data, ReadError> {
        let at = self.nodes[index].start;
        let RawKind::Scalar { text, tag, implicit } = &mut self.nodes[index].kind else {
            unreachable!("the node is a scalar")
        };
        // Without aliases every node is made once, so its text can be moved.
        let text = if self.has_aliases { text.clone() } else { std::mem::take(text) };
        if tag.is_empty() && !*implicit {
            return Ok(Data::String(text));
        }
        resolve_tagged(tag, text).map_err(|problem| ReadError::Value { problem, at })
    }

    fn alias(&mut self, index: usize, target: usize, depth: usize) -> Result<Data, ReadError> {
        self.enter_alias(index)?;
        let node = self.node(target, depth);
        self.leave_alias(index);
        Ok(node?.data)
    }

    fn sequence(&mut self, index: usize, depth: usize) -> Result<Data, ReadError> {
        let count = self.child_count(index);
        let mut items = Vec::with_capacity(count);
        for place in 0..count {
            items.push(self.node(self.child(index, place), depth + 1)?);
        }
        Ok(Data::Sequence(items))
    }

    /// Adds the entries of a mapping, which may be the value of a merge key.
    fn add_entries(&mut self, index: usize, depth: usize, into: &mut Entries) -> Result<(), ReadError> {
        for place in (0..self.child_count(index)).step_by(2) {
            let (key, value) = (self.child(index, place), self.child(index, place + 1));
            if self.is_merge_key(key) {
                self.merge(value, depth, into)?;
            } else {
                self.add_entry(key, value, depth, into)?;
            }
        }
        Ok(())
    }

    fn child_count(&self, index: usize) -> usize {
        match &self.nodes[index].kind {
            RawKind::Sequence(children) | RawKind::Mapping(children) => children.len(),
            RawKind::Scalar { .. } | RawKind::Alias { .. } => 0,
        }
    }

    fn child(&self, index: usize, place: usize) -> usize {
        match &self.nodes[index].kind {
            RawKind::Sequence(children) | RawKind::Mapping(children) => children[place],
            RawKind::Scalar { .. } | RawKind::Alias { .. } => unreachable!("scalars and aliases have no children"),
        }
    }

    fn add_entry(&mut self, key: usize, value: usize, depth: usize, into: &mut Entries) -> Result<(), ReadError> {
        let key = self.node(key, depth + 1)?;
        check_key(&key)?;
        let value = self.node(value, depth + 1)?;
        self.insert(key, value, into);
        Ok(())
    }

    fn insert(&mut self, key: Node, value: Node, into: &mut Entries) {
        if self.duplicates == Duplicates::Refuse && !into.keys.insert(identity(&key.data)) {
            let (line, text) = (value.start.line, go_syntax(&key.data));
            self.repeated.push((format!("line {line}: key {text} already set in map"), key.start));
        } else {
            into.entries.push((key, value));
        }
    }

    fn is_merge_key(&self, index: usize) -> bool {
        match &self.nodes[index].kind {
            RawKind::Scalar { text, tag, implicit } => text == "<<" && (*implicit || tag == "tag:yaml.org,2002:merge"),
            _ => false,
        }
    }

    /// Brings in a mapping, or several; of several the first wins, so the last comes first.
    ///
    /// As go-yaml v2 (and unlike YAML's text), what is merged overwrites keys that stand before the merge key.
    fn merge(&mut self, value: usize, depth: usize, into: &mut Entries) -> Result<(), ReadError> {
        if !matches!(self.nodes[value].kind, RawKind::Sequence(_)) {
            return self.merge_one(value, depth, into);
        }
        for place in (0..self.child_count(value)).rev() {
            self.merge_one(self.child(value, place), depth, into)?;
        }
        Ok(())
    }

    fn merge_one(&mut self, value: usize, depth: usize, into: &mut Entries) -> Result<(), ReadError> {
        if depth > MAX_DEPTH {
            return Err(self.error(value, too_deep()));
        }
        match self.nodes[value].kind {
            RawKind::Alias { target, .. } => {
                if !matches!(self.nodes[target].kind, RawKind::Mapping(_)) {
                    return Err(self.not_a_map(value));
                }
                self.count(value)?;
                self.enter_alias(value)?;
                let added = self.count(target).and_then(|()| self.add_entries(target, depth + 1, into));
                self.leave_alias(value);
                added
            }
            RawKind::Mapping(_) => {
                self.count(value)?;
                self.add_entries(value, depth + 1, into)
            }
            RawKind::Scalar { .. } | RawKind::Sequence(_) => Err(self.not_a_map(value)),
        }
    }

    fn enter_alias(&mut self, alias: usize) -> Result<(), ReadError> {
        if std::mem::replace(&mut self.copied[alias], true) {
            let RawKind::Alias { name, .. } = &self.nodes[alias].kind else { unreachable!("only aliases are entered") };
            let problem = format!("anchor '{name}' value contains itself");
            return Err(self.error(alias, problem));
        }
        self.alias_depth += 1;
        Ok(())
    }

    fn leave_alias(&mut self, alias: usize) {
        self.alias_depth -= 1;
        self.copied[alias] = false;
    }

    /// Counts a node that is made, and refuses too many by aliases.
    fn count(&mut self, index: usize) -> Result<(), ReadError> {
        self.made += 1;
        if self.alias_depth > 0 {
            self.made_by_aliases += 1;
        }
        let made = self.made as f64;
        let share = ((made - FREE_NODES) / (MANY_NODES - FREE_NODES)).clamp(0.0, 1.0);
        let allowed = 0.99 - 0.89 * share;
        if self.made_by_aliases > 100 && self.made > 1000 && self.made_by_aliases as f64 / made > allowed {
            return Err(self.error(index, "document contains excessive aliasing".to_owned()));
        }
        Ok(())
    }

    fn not_a_map(&self, index: usize) -> ReadError {
        self.error(index, "map merge requires map or sequence of maps as the value".to_owned())
    }

    fn error(&self, index: usize, problem: String) -> ReadError {
        ReadError::Value { problem, at: self.nodes[index].start }
    }
}

fn check_key(key: &Node) -> Result<(), ReadError> {
    match key.data {
        Data::Sequence(_) | Data::Mapping(_) => {
            Err(ReadError::Value { problem: format!("invalid map key: {}", go_syntax(&key.data)), at: key.start })
        }
        _ => Ok(()),
    }
}

fn identity(data: &Data) -> Key {
    match data {
        Data::Bool(value) => Key::Bool(*value),
        Data::Int(value) => Key::Int(*value),
        Data::Uint(value) => Key::Uint(*value),
        // 0 and -0 are one key in Go.
        Data::Float(value) => Key::Float((value + 0.0).to_bits()),
        Data::String(value) => Key::String(value.clone()),
        Data::Null | Data::Sequence(_) | Data::Mapping(_) => Key::Null,
    }
}
