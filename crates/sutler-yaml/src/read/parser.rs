//! Tokens to events: the grammar of documents, blocks and flows.
//!
//! A state machine with its own stack, so that nesting costs no call stack. Its states are those of libyaml's parser: which
//! token is looked at in which state decides which error a broken text gets.

use super::ReadError;
use super::cursor::Mark;
use super::scanner::Scanner;
use super::token::{Token, TokenKind};

/// The beginning or end of a document or collection, or a whole value.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) kind: EventKind,
    pub(super) start: Mark,
    pub(super) end: Mark,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum EventKind {
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(String),
    Scalar {
        anchor: Option<String>,
        /// Empty where there is none; `!!str` arrives as `tag:yaml.org,2002:str`.
        tag: String,
        text: String,
        /// Whether the text decides the type: it is plain, or its tag is `!`.
        implicit: bool,
    },
    SequenceStart {
        anchor: Option<String>,
    },
    MappingStart {
        anchor: Option<String>,
    },
    /// The end of the innermost collection, with its style: a block's end is the beginning of what follows it.
    CollectionEnd {
        flow: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    IndentlessSequenceEntry,
    BlockSequenceFirstEntry,
    BlockSequenceEntry,
    BlockMappingFirstKey,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirstEntry,
    FlowSequenceEntry,
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingFirstKey,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
}

/// What may stand where a node is expected.
#[derive(Clone, Copy, PartialEq)]
enum Allowed {
    /// Scalars and bracketed collections.
    Flow,
    /// These and indented collections.
    Block,
    /// These and a sequence at its parent mapping's own indentation.
    BlockOrIndentless,
}

/// Reads events on demand.
pub(super) struct Parser<'t> {
    scanner: Scanner<'t>,
    state: State,
    /// Where to go on after the current node.
    states: Vec<State>,
    /// `%TAG` of the current document: handle and prefix.
    tag_prefixes: Vec<(String, String)>,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Parser { scanner: Scanner::new(text), state: State::StreamStart, states: Vec::new(), tag_prefixes: Vec::new() }
    }

    /// The next event. After [`EventKind::StreamEnd`] it must not be called again.
    pub(super) fn next(&mut self) -> Result<Event, ReadError> {
        match self.state {
            State::StreamStart => {
                self.scanner.peek()?;
                self.scanner.take();
                self.state = State::ImplicitDocumentStart;
                self.next()
            }
            State::ImplicitDocumentStart | State::DocumentStart => self.parse_document_start(),
            State::DocumentContent => self.parse_document_content(),
            State::DocumentEnd => self.parse_document_end(),
            State::BlockNode => self.parse_node(Allowed::Block),
            State::IndentlessSequenceEntry => self.parse_indentless_entry(),
            State::BlockSequenceFirstEntry | State::BlockSequenceEntry => self.parse_block_entry(),
            State::BlockMappingFirstKey | State::BlockMappingKey => self.parse_block_key(),
            State::BlockMappingValue => self.parse_block_value(),
            State::FlowSequenceFirstEntry | State::FlowSequenceEntry => self.parse_flow_entry(),
            State::FlowPairKey => self.parse_pair_key(),
            State::FlowPairValue => self.parse_pair_value(),
            State::FlowPairEnd => self.parse_pair_end(),
            State::FlowMappingFirstKey | State::FlowMappingKey => self.parse_flow_key(),
            State::FlowMappingValue => self.parse_flow_value(),
            State::FlowMappingEmptyValue => {
                let at = self.scanner.peek()?.start;
                Ok(self.empty_scalar(at, State::FlowMappingKey))
            }
        }
    }

    // Documents.

    fn parse_document_start(&mut self) -> Result<Event, ReadError> {
        let mut implicit = self.state == State::ImplicitDocumentStart;
        while !implicit && self.scanner.peek()?.kind == TokenKind::DocumentEnd {
            self.scanner.take();
        }
        let Token { kind, start, end } = self.scanner.peek()?.clone();
        if kind == TokenKind::StreamEnd {
            return Ok(Event { kind: EventKind::StreamEnd, start, end });
        }
        implicit &= !matches!(
            kind,
            TokenKind::VersionDirective { .. } | TokenKind::TagDirective { .. } | TokenKind::DocumentStart
        );
        self.states.push(State::DocumentEnd);
        if implicit {
            self.add_default_tag_prefixes();
            self.state = State::BlockNode;
            return Ok(Event { kind: EventKind::DocumentStart, start, end: start });
        }
        self.parse_directives()?;
        let token = self.scanner.peek()?;
        if token.kind != TokenKind::DocumentStart {
            return Err(error("did not find expected <document start>", token.start));
        }
        let end = self.scanner.take().end;
        self.state = State::DocumentContent;
        Ok(Event { kind: EventKind::DocumentStart, start, end })
    }

    fn parse_directives(&mut self) -> Result<(), ReadError> {
        let mut version_seen = false;
        loop {
            match self.scanner.peek()?.clone() {
                Token { kind: TokenKind::VersionDirective { major, minor }, start, .. } => {
                    if version_seen {
                        return Err(error("found duplicate %YAML directive", start));
                    }
                    if (major, minor) != (1, 1) {
                        return Err(error("found incompatible YAML document", start));
                    }
                    version_seen = true;
                }
                Token { kind: TokenKind::TagDirective { handle, prefix }, start, .. } => {
                    if self.tag_prefixes.iter().any(|(known, _)| *known == handle) {
                        return Err(error("found duplicate %TAG directive", start));
                    }
                    self.tag_prefixes.push((handle, prefix));
                }
                _ => break,
            }
            self.scanner.take();
        }
        self.add_default_tag_prefixes();
        Ok(())
    }

    fn add_default_tag_prefixes(&mut self) {
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.tag_prefixes.iter().any(|(known, _)| known == handle) {
                self.tag_prefixes.push((handle.to_owned(), prefix.to_owned()));
            }
        }
    }

    fn parse_document_content(&mut self) -> Result<Event, ReadError> {
        let token = self.scanner.peek()?;
        if matches!(
            token.kind,
            TokenKind::VersionDirective { .. }
                | TokenKind::TagDirective { .. }
                | TokenKind::DocumentStart
                | TokenKind::DocumentEnd
                | TokenKind::StreamEnd
        ) {
            let at = token.start;
            let state = self.leave();
            return Ok(self.empty_scalar(at, state));
        }
        self.parse_node(Allowed::Block)
    }

    fn parse_document_end(&mut self) -> Result<Event, ReadError> {
        let token = self.scanner.peek()?;
        let start = token.start;
        let mut end = token.start;
        if token.kind == TokenKind::DocumentEnd {
            end = self.scanner.take().end;
        }
        self.tag_prefixes.clear();
        self.state = State::DocumentStart;
        Ok(Event { kind: EventKind::DocumentEnd, start, end })
    }

    // Nodes.

    /// An alias, or anchor and tag in any order and then a value, which may be missing if one of them is there.
    fn parse_node(&mut self, allowed: Allowed) -> Result<Event, ReadError> {
        let start = self.scanner.peek()?.start;
        if let TokenKind::Alias(_) = self.scanner.peek()?.kind {
            let token = self.scanner.take();
            self.state = self.leave();
            let TokenKind::Alias(name) = token.kind else {
                unreachable!("the token was an alias when it was peeked at")
            };
            return Ok(Event { kind: EventKind::Alias(name), start, end: token.end });
        }
        let (anchor, tag, end) = self.parse_properties()?;

        let token = self.scanner.peek()?;
        let token_start = token.start;
        let token_end = token.end;
        let (kind, state) = match token.kind {
            TokenKind::BlockEntry if allowed == Allowed::BlockOrIndentless => {
                (EventKind::SequenceStart { anchor }, State::IndentlessSequenceEntry)
            }
            TokenKind::Scalar { .. } => {
                let TokenKind::Scalar { text, plain } = self.scanner.take().kind else {
                    unreachable!("the token was a scalar when it was peeked at")
                };
                let implicit = (plain && tag.is_empty()) || tag == "!";
                (EventKind::Scalar { anchor, tag, text, implicit }, self.leave())
            }
            TokenKind::FlowSequenceStart => (EventKind::SequenceStart { anchor }, State::FlowSequenceFirstEntry),
            TokenKind::FlowMappingStart => (EventKind::MappingStart { anchor }, State::FlowMappingFirstKey),
            TokenKind::BlockSequenceStart if allowed != Allowed::Flow => {
                (EventKind::SequenceStart { anchor }, State::BlockSequenceFirstEntry)
            }
            TokenKind::BlockMappingStart if allowed != Allowed::Flow => {
                (EventKind::MappingStart { anchor }, State::BlockMappingFirstKey)
            }
            _ if anchor.is_some() || !tag.is_empty() => {
                let implicit = tag.is_empty();
                let kind = EventKind::Scalar { anchor, tag, text: String::new(), implicit };
                self.state = self.leave();
                return Ok(Event { kind, start, end });
            }
            _ => return Err(error_in(start, "did not find expected node content", token_start)),
        };
        self.state = state;
        Ok(Event { kind, start, end: token_end })
    }

    /// Anchor and tag, both optional, and where they end.
    fn parse_properties(&mut self) -> Result<(Option<String>, String, Mark), ReadError> {
        let start = self.scanner.peek()?.start;
        let mut end = start;
        let mut anchor = None;
        let mut tag: Option<(String, String, Mark)> = None;
        loop {
            match &self.scanner.peek()?.kind {
                TokenKind::Anchor(_) if anchor.is_none() => {}
                TokenKind::Tag { .. } if tag.is_none() => {}
                _ => break,
            }
            let token = self.scanner.take();
            end = token.end;
            match token.kind {
                TokenKind::Anchor(name) => anchor = Some(name),
                TokenKind::Tag { handle, suffix } => tag = Some((handle, suffix, token.start)),
                _ => {}
            }
        }
        let tag = match tag {
            None => String::new(),
            Some((handle, suffix, _)) if handle.is_empty() => suffix,
            Some((handle, suffix, at)) => match self.tag_prefixes.iter().find(|(known, _)| *known == handle) {
                Some((_, prefix)) => format!("{prefix}{suffix}"),
                None => return Err(error_in(start, "found undefined tag handle", at)),
            },
        };
        Ok((anchor, tag, end))
    }

    /// Goes back to where the current node was entered from.
    fn leave(&mut self) -> State {
        self.states.pop().expect("every node is entered with a state to return to")
    }

    /// Enters a node, to go on with `after` behind it.
    fn enter(&mut self, allowed: Allowed, after: State) -> Result<Event, ReadError> {
        self.states.push(after);
        self.parse_node(allowed)
    }

    /// The null that stands where nothing does.
    fn empty_scalar(&mut self, at: Mark, state: State) -> Event {
        self.state = state;
        let kind = EventKind::Scalar { anchor: None, tag: String::new(), text: String::new(), implicit: true };
        Event { kind, start: at, end: at }
    }

    /// The event for the end of a collection whose last token is next.
    fn end_collection(&mut self, flow: bool) -> Event {
        let Token { start, end, .. } = self.scanner.take();
        self.state = self.leave();
        Event { kind: EventKind::CollectionEnd { flow }, start, end }
    }

    // Collections by indentation.

    fn parse_block_entry(&mut self) -> Result<Event, ReadError> {
        if self.state == State::BlockSequenceFirstEntry {
            self.scanner.peek()?;
            self.scanner.take();
        }
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::BlockEntry => {
                let at = self.scanner.take().end;
                match self.scanner.peek()?.kind {
                    TokenKind::BlockEntry | TokenKind::BlockEnd => Ok(self.empty_scalar(at, State::BlockSequenceEntry)),
                    _ => self.enter(Allowed::Block, State::BlockSequenceEntry),
                }
            }
            TokenKind::BlockEnd => Ok(self.end_collection(false)),
            _ => Err(error("did not find expected '-' indicator", token.start)),
        }
    }

    fn parse_indentless_entry(&mut self) -> Result<Event, ReadError> {
        let token = self.scanner.peek()?;
        if token.kind != TokenKind::BlockEntry {
            let at = token.start;
            self.state = self.leave();
            return Ok(Event { kind: EventKind::CollectionEnd { flow: false }, start: at, end: at });
        }
        let at = self.scanner.take().end;
        match self.scanner.peek()?.kind {
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                Ok(self.empty_scalar(at, State::IndentlessSequenceEntry))
            }
            _ => self.enter(Allowed::Block, State::IndentlessSequenceEntry),
        }
    }

    fn parse_block_key(&mut self) -> Result<Event, ReadError> {
        if self.state == State::BlockMappingFirstKey {
            self.scanner.peek()?;
            self.scanner.take();
        }
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::Key => {
                let at = self.scanner.take().end;
                match self.scanner.peek()?.kind {
                    TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                        Ok(self.empty_scalar(at, State::BlockMappingValue))
                    }
                    _ => self.enter(Allowed::BlockOrIndentless, State::BlockMappingValue),
                }
            }
            TokenKind::BlockEnd => Ok(self.end_collection(false)),
            _ => Err(error("did not find expected key", token.start)),
        }
    }

    fn parse_block_value(&mut self) -> Result<Event, ReadError> {
        let token = self.scanner.peek()?;
        if token.kind != TokenKind::Value {
            let at = token.start;
            return Ok(self.empty_scalar(at, State::BlockMappingKey));
        }
        let at = self.scanner.take().end;
        match self.scanner.peek()?.kind {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                Ok(self.empty_scalar(at, State::BlockMappingKey))
            }
            _ => self.enter(Allowed::BlockOrIndentless, State::BlockMappingKey),
        }
    }

    // Collections by brackets.

    /// Passes the opening bracket, or the comma after an entry.
    fn separate(&mut self, first: bool, close: &TokenKind, problem: &'static str) -> Result<(), ReadError> {
        let token = self.scanner.peek()?;
        if first || token.kind == TokenKind::FlowEntry {
            self.scanner.take();
        } else if token.kind != *close {
            return Err(error(problem, token.start));
        }
        Ok(())
    }

    fn parse_flow_entry(&mut self) -> Result<Event, ReadError> {
        let first = self.state == State::FlowSequenceFirstEntry;
        self.separate(first, &TokenKind::FlowSequenceEnd, "did not find expected ',' or ']'")?;
        match self.scanner.peek()?.kind {
            TokenKind::FlowSequenceEnd => Ok(self.end_collection(true)),
            // `[key: value]` holds a mapping of one pair.
            TokenKind::Key => {
                let Token { start, end, .. } = self.scanner.take();
                self.state = State::FlowPairKey;
                Ok(Event { kind: EventKind::MappingStart { anchor: None }, start, end })
            }
            _ => self.enter(Allowed::Flow, State::FlowSequenceEntry),
        }
    }

    fn parse_pair_key(&mut self) -> Result<Event, ReadError> {
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                // libyaml takes the token that it looked at, too: `[? ]` is an error one token later.
                let at = self.scanner.take().end;
                Ok(self.empty_scalar(at, State::FlowPairValue))
            }
            _ => self.enter(Allowed::Flow, State::FlowPairValue),
        }
    }

    fn parse_pair_value(&mut self) -> Result<Event, ReadError> {
        let token = self.scanner.peek()?;
        let at = token.start;
        if token.kind == TokenKind::Value {
            self.scanner.take();
            if !matches!(self.scanner.peek()?.kind, TokenKind::FlowEntry | TokenKind::FlowSequenceEnd) {
                return self.enter(Allowed::Flow, State::FlowPairEnd);
            }
        }
        Ok(self.empty_scalar(at, State::FlowPairEnd))
    }

    fn parse_pair_end(&mut self) -> Result<Event, ReadError> {
        let at = self.scanner.peek()?.start;
        self.state = State::FlowSequenceEntry;
        Ok(Event { kind: EventKind::CollectionEnd { flow: false }, start: at, end: at })
    }

    fn parse_flow_key(&mut self) -> Result<Event, ReadError> {
        let first = self.state == State::FlowMappingFirstKey;
        self.separate(first, &TokenKind::FlowMappingEnd, "did not find expected ',' or '}'")?;
        match self.scanner.peek()?.kind {
            TokenKind::FlowMappingEnd => Ok(self.end_collection(true)),
            TokenKind::Key => {
                self.scanner.take();
                let token = self.scanner.peek()?;
                match token.kind {
                    TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd => {
                        let at = token.start;
                        Ok(self.empty_scalar(at, State::FlowMappingValue))
                    }
                    _ => self.enter(Allowed::Flow, State::FlowMappingValue),
                }
            }
            _ => self.enter(Allowed::Flow, State::FlowMappingEmptyValue),
        }
    }

    fn parse_flow_value(&mut self) -> Result<Event, ReadError> {
        let token = self.scanner.peek()?;
        let at = token.start;
        if token.kind == TokenKind::Value {
            self.scanner.take();
            if !matches!(self.scanner.peek()?.kind, TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                return self.enter(Allowed::Flow, State::FlowMappingKey);
            }
        }
        Ok(self.empty_scalar(at, State::FlowMappingKey))
    }
}

/// An error of the grammar. go-yaml prints these lines counted from 0, and leaves out line 0.
fn error(problem: &'static str, at: Mark) -> ReadError {
    error_in(Mark::default(), problem, at)
}

/// An error inside something that began at `context`, whose line counts where the error's own is 0.
fn error_in(context: Mark, problem: &'static str, at: Mark) -> ReadError {
    let line = if at.line != 0 { at.line } else { context.line };
    ReadError::Syntax { problem: problem.into(), line: (line != 0).then_some(line), at: at.position() }
}
