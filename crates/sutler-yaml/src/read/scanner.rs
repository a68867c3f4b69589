//! Text to tokens.
//!
//! YAML needs unbounded lookahead in one place: `key` becomes a key only when its `:` is seen. The scanner therefore keeps,
//! for every level of brackets, the last place where such a *simple key* may have begun, and inserts the missing tokens
//! before it, once it knows. As in libyaml, from which go-yaml comes, a simple key ends on its line and within 1,024
//! characters.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::cursor::{Cursor, Mark};
use super::token::{Token, TokenKind};
use super::{ReadError, encoding};
use crate::MAX_DEPTH;

/// How many characters a key may have when it is recognized only by the `:` after it.
const SIMPLE_KEY_LENGTH: usize = 1024;

/// A place where a key may have begun.
#[derive(Clone, Copy, Debug, Default)]
struct SimpleKey {
    possible: bool,
    /// In a block, at the block's own column, anything that is not a key is an error.
    required: bool,
    /// Counted from the first token of the stream.
    token_number: usize,
    /// Whether the first token is held back until this is settled. Not so after empty brackets, a slip of go-yaml's: it
    /// forgets the key that `[]` may be, reads `[]: x` as `[]`, and so looks no further than it should.
    awaited: bool,
    mark: Mark,
}

/// Whether a possible key may still become one.
enum Candidate {
    Valid(SimpleKey),
    Invalid,
}

/// Reads tokens on demand, no further ahead than go-yaml does: what stands behind an error is never looked at.
pub(super) struct Scanner<'t> {
    pub(super) cursor: Cursor<'t>,
    /// Set where the text goes on with characters that YAML forbids.
    forbidden: Option<ReadError>,
    tokens: VecDeque<Token>,
    tokens_taken: usize,
    /// No token can come before the first any more.
    settled: bool,
    stream_started: bool,
    /// The column of the innermost block, -1 outside of all.
    pub(super) indent: i64,
    indents: Vec<i64>,
    /// Open brackets.
    pub(super) flow_level: usize,
    pub(super) simple_key_allowed: bool,
    /// One for each level of brackets, and one for outside of them.
    simple_keys: Vec<SimpleKey>,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let (readable, forbidden) = encoding::readable_part(text);
        Scanner {
            cursor: Cursor::new(readable),
            forbidden,
            tokens: VecDeque::new(),
            tokens_taken: 0,
            settled: false,
            stream_started: false,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey::default()],
        }
    }

    /// The next token, left in place.
    pub(super) fn peek(&mut self) -> Result<&Token, ReadError> {
        if !self.settled {
            self.fill()?;
            self.settled = true;
        }
        Ok(self.tokens.front().expect("fill leaves at least one token"))
    }

    /// Takes the token that [`Scanner::peek`] showed.
    pub(super) fn take(&mut self) -> Token {
        self.tokens_taken += 1;
        self.settled = false;
        self.tokens.pop_front().expect("take is called after peek only")
    }

    /// An error at the place where the scanner stands.
    pub(super) fn error(&self, problem: impl Into<Cow<'static, str>>) -> ReadError {
        let mark = self.cursor.mark;
        // go-yaml leaves out line 1.
        let line = (mark.line != 0).then_some(mark.line + 1);
        ReadError::Syntax { problem: problem.into(), line, at: mark.position() }
    }

    /// Fetches until the first token cannot turn out to be preceded by another.
    fn fill(&mut self) -> Result<(), ReadError> {
        while self.tokens.is_empty() || self.head_may_be_key()? {
            let fetched = self.fetch();
            // The part that can be read ends within a forbidden character's reach: whatever was found there is void.
            if let Some(error) = &self.forbidden
                && (self.cursor.at_end() || self.cursor.rest().len() < 4)
            {
                return Err(error.clone());
            }
            fetched?;
        }
        Ok(())
    }

    fn head_may_be_key(&mut self) -> Result<bool, ReadError> {
        // Token numbers grow from level to level.
        let level = self.simple_keys.partition_point(|key| key.token_number < self.tokens_taken);
        match self.simple_keys.get(level) {
            Some(key) if key.token_number == self.tokens_taken && key.awaited => {
                Ok(matches!(self.check_simple_key(level)?, Candidate::Valid(_)))
            }
            _ => Ok(false),
        }
    }

    fn fetch(&mut self) -> Result<(), ReadError> {
        if !self.stream_started {
            self.stream_started = true;
            self.push(TokenKind::StreamStart, self.cursor.mark, self.cursor.mark);
            return Ok(());
        }
        self.skip_to_next_token();
        self.unroll_indent(i64::from(self.cursor.mark.column));

        let next = self.cursor.byte(0);
        let line_start = self.cursor.mark.column == 0;
        let in_flow = self.flow_level > 0;
        let ends_word = self.cursor.is_blank_or_end(1);
        match next {
            0 => self.fetch_stream_end(),
            b'%' if line_start => self.fetch_directive(),
            b'-' if self.cursor.at_document_indicator() => self.fetch_document_indicator(TokenKind::DocumentStart),
            b'.' if self.cursor.at_document_indicator() => self.fetch_document_indicator(TokenKind::DocumentEnd),
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if ends_word => self.fetch_block_entry(),
            b'?' if in_flow || ends_word => self.fetch_key(),
            b':' if in_flow || ends_word => self.fetch_value(),
            b'*' | b'&' => self.fetch_inline(Self::scan_anchor),
            b'!' => self.fetch_inline(Self::scan_tag),
            b'|' | b'>' if !in_flow => self.fetch_block_scalar(),
            b'\'' | b'"' => self.fetch_inline(Self::scan_quoted),
            b' ' | b'\t' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => {
                Err(self.error("found character that cannot start any token"))
            }
            _ => self.fetch_inline(Self::scan_plain),
        }
    }

    fn push(&mut self, kind: TokenKind, start: Mark, end: Mark) {
        self.tokens.push_back(Token { kind, start, end });
    }

    /// Inserts a token without text before the token with that number; behind all, if that one was taken already.
    fn insert(&mut self, token_number: usize, kind: TokenKind, mark: Mark) {
        let place = token_number.checked_sub(self.tokens_taken).unwrap_or(self.tokens.len());
        self.tokens.insert(place.min(self.tokens.len()), Token { kind, start: mark, end: mark });
    }

    fn next_token_number(&self) -> usize {
        self.tokens_taken + self.tokens.len()
    }

    /// Consumes one-character indicators.
    fn push_indicator(&mut self, kind: TokenKind) {
        let start = self.cursor.mark;
        self.cursor.skip();
        self.push(kind, start, self.cursor.mark);
    }

    /// Passes white space and comments. Tabs may separate tokens, but not indent a line of a block.
    fn skip_to_next_token(&mut self) {
        loop {
            if self.cursor.offset() == 0 && self.cursor.rest().starts_with('\u{feff}') {
                self.cursor.skip();
            }
            while self.cursor.byte(0) == b' '
                || (self.cursor.byte(0) == b'\t' && (self.flow_level > 0 || !self.simple_key_allowed))
            {
                self.cursor.skip();
            }
            self.cursor.skip_comment();
            if !self.cursor.is_break(0) {
                return;
            }
            self.cursor.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    // Simple keys.

    /// Gives up a possible key that left its line or grew too long.
    fn check_simple_key(&mut self, level: usize) -> Result<Candidate, ReadError> {
        let key = self.simple_keys[level];
        if !key.possible {
            return Ok(Candidate::Invalid);
        }
        let here = self.cursor.mark;
        if key.mark.line == here.line && key.mark.index + SIMPLE_KEY_LENGTH >= here.index {
            return Ok(Candidate::Valid(key));
        }
        if key.required {
            return Err(self.missing_colon());
        }
        self.simple_keys[level].possible = false;
        Ok(Candidate::Invalid)
    }

    fn missing_colon(&self) -> ReadError {
        self.error("could not find expected ':'")
    }

    /// Notes that a key may begin here.
    fn save_simple_key(&mut self) -> Result<(), ReadError> {
        if self.simple_key_allowed {
            let required = self.flow_level == 0 && self.indent == i64::from(self.cursor.mark.column);
            let token_number = self.next_token_number();
            self.remove_simple_key()?;
            let mark = self.cursor.mark;
            *self.simple_key() = SimpleKey { possible: true, required, token_number, awaited: true, mark };
        }
        Ok(())
    }

    /// Forgets the possible key at this level of brackets.
    fn remove_simple_key(&mut self) -> Result<(), ReadError> {
        let key = self.simple_key();
        if key.possible && key.required {
            return Err(self.missing_colon());
        }
        self.simple_key().possible = false;
        Ok(())
    }

    fn simple_key(&mut self) -> &mut SimpleKey {
        self.simple_keys.last_mut().expect("the level outside of all brackets is never removed")
    }

    // Indentation.

    /// Begins a block at a column, where it is deeper than the current one; its token goes before `before`, or to the end.
    fn roll_indent(&mut self, mark: Mark, before: Option<usize>, kind: TokenKind) -> Result<(), ReadError> {
        let column = i64::from(mark.column);
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_DEPTH {
            return Err(self.error(too_deep()));
        }
        match before {
            Some(token_number) => self.insert(token_number, kind, mark),
            None => self.push(kind, mark, mark),
        }
        Ok(())
    }

    /// Ends the blocks that are deeper than a column.
    fn unroll_indent(&mut self, column: i64) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.push(TokenKind::BlockEnd, self.cursor.mark, self.cursor.mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    // One function for each kind of token.

    fn fetch_stream_end(&mut self) -> Result<(), ReadError> {
        self.cursor.end_line();
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push(TokenKind::StreamEnd, self.cursor.mark, self.cursor.mark);
        Ok(())
    }

    fn fetch_directive(&mut self) -> Result<(), ReadError> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_directive()?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_document_indicator(&mut self, kind: TokenKind) -> Result<(), ReadError> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.cursor.mark;
        self.cursor.skip_many(3);
        self.push(kind, start, self.cursor.mark);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: TokenKind) -> Result<(), ReadError> {
        self.save_simple_key()?;
        let placeholder =
            SimpleKey { token_number: self.next_token_number(), mark: self.cursor.mark, ..SimpleKey::default() };
        self.simple_keys.push(placeholder);
        self.flow_level += 1;
        if self.flow_level > MAX_DEPTH {
            return Err(self.error(too_deep()));
        }
        self.simple_key_allowed = true;
        self.push_indicator(kind);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind) -> Result<(), ReadError> {
        self.remove_simple_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            let inner = self.simple_keys.pop().unwrap_or_default();
            let outer = self.simple_key();
            outer.awaited &= outer.token_number != inner.token_number;
        }
        self.simple_key_allowed = false;
        self.push_indicator(kind);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Result<(), ReadError> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(TokenKind::FlowEntry);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), ReadError> {
        // Between brackets a `-` is an error too, but the parser knows more about it.
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.error("block sequence entries are not allowed in this context"));
            }
            self.roll_indent(self.cursor.mark, None, TokenKind::BlockSequenceStart)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(TokenKind::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), ReadError> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.error("mapping keys are not allowed in this context"));
            }
            self.roll_indent(self.cursor.mark, None, TokenKind::BlockMappingStart)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.push_indicator(TokenKind::Key);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), ReadError> {
        let level = self.simple_keys.len() - 1;
        if let Candidate::Valid(key) = self.check_simple_key(level)? {
            // The mapping's token, inserted second at the same place, comes first.
            self.insert(key.token_number, TokenKind::Key, key.mark);
            self.roll_indent(key.mark, Some(key.token_number), TokenKind::BlockMappingStart)?;
            self.simple_key().possible = false;
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return Err(self.error("mapping values are not allowed in this context"));
                }
                self.roll_indent(self.cursor.mark, None, TokenKind::BlockMappingStart)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.push_indicator(TokenKind::Value);
        Ok(())
    }

    /// A token that may begin a simple key, after which none may begin on the same line.
    fn fetch_inline(&mut self, scan: fn(&mut Self) -> Result<Token, ReadError>) -> Result<(), ReadError> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let token = scan(self)?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_block_scalar(&mut self) -> Result<(), ReadError> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        let token = self.scan_block_scalar()?;
        self.tokens.push_back(token);
        Ok(())
    }
}

/// go-yaml's words, with this crate's limit.
pub(super) fn too_deep() -> String {
    format!("exceeded max depth of {MAX_DEPTH}")
}
