//! JSON with positions, and with what other readers drop: keys that stand twice, numbers as they are written.

use thiserror::Error;

use crate::policy::Position;

/// How deep lists and objects may be nested; no policy needs more than five levels.
const DEPTH_LIMIT: usize = 64;

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
}

/// A value of JSON.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// As written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) at: Position,
    pub(crate) key: String,
    pub(crate) value: Node,
}

impl Value {
    /// What a message calls it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth value",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// What is no JSON.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SyntaxError {
    /// Something else was to come.
    #[error("found {found} where {wanted} was expected")]
    Unexpected {
        /// What is there.
        found: String,
        /// What could be.
        wanted: &'static str,
    },
    /// A text without its closing quote on the line.
    #[error("the text that begins here has no closing quote")]
    OpenText,
    /// A backslash with what JSON does not know after it.
    #[error("`\\{0}` is no escape of JSON")]
    Escape(String),
    /// A character that JSON wants escaped.
    #[error("a control character (U+{0:04X}) stands in a text")]
    Control(u32),
    /// A number that JSON does not know.
    #[error("`{0}` is no number of JSON")]
    Number(String),
    /// Nested too deeply.
    #[error("lists and objects are nested more than {DEPTH_LIMIT} deep")]
    Depth,
}

/// Reads one value with nothing after it.
pub(crate) fn read(text: &str) -> Result<Node, (Position, SyntaxError)> {
    // Editors of some systems begin files with it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { rest: text, line: 1, column: 1 };
    reader.space();
    let node = reader.node(0)?;
    reader.space();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.unexpected("the end")),
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: u32,
    column: u32,
}

type Result<T, E = (Position, SyntaxError)> = std::result::Result<T, E>;

impl Reader<'_> {
    fn at(&self) -> Position {
        Position { line: self.line, column: self.column }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        if c == '\n' {
            (self.line, self.column) = (self.line.saturating_add(1), 1);
        } else {
            self.column = self.column.saturating_add(1);
        }
        Some(c)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.next();
        }
    }

    /// Takes the character if it comes next.
    fn take(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        if is_next {
            self.next();
        }
        is_next
    }

    fn unexpected(&self, wanted: &'static str) -> (Position, SyntaxError) {
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(c) if c.is_control() => format!("`{}`", c.escape_debug()),
            Some(c) => format!("`{c}`"),
        };
        (self.at(), SyntaxError::Unexpected { found, wanted })
    }

    fn node(&mut self, depth: usize) -> Result<Node> {
        let at = self.at();
        if depth > DEPTH_LIMIT {
            return Err((at, SyntaxError::Depth));
        }
        let value = match self.peek() {
            Some('{') => self.object(depth)?,
            Some('[') => self.list(depth)?,
            Some('"') => Value::Text(self.text()?),
            Some(c) if c == '-' || c.is_ascii_digit() => self.number()?,
            Some(c) if c.is_ascii_alphabetic() => self.word()?,
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Node { at, value })
    }

    fn object(&mut self, depth: usize) -> Result<Value> {
        self.next();
        let mut members = Vec::new();
        self.space();
        if self.take('}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            let at = self.at();
            if self.peek() != Some('"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let key = self.text()?;
            self.space();
            if !self.take(':') {
                return Err(self.unexpected("`:`"));
            }
            self.space();
            let value = self.node(depth + 1)?;
            members.push(Member { at, key, value });
            self.space();
            if self.take('}') {
                return Ok(Value::Object(members));
            }
            if !self.take(',') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value> {
        self.next();
        let mut items = Vec::new();
        self.space();
        if self.take(']') {
            return Ok(Value::List(items));
        }
        loop {
            self.space();
            items.push(self.node(depth + 1)?);
            self.space();
            if self.take(']') {
                return Ok(Value::List(items));
            }
            if !self.take(',') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
    }

    fn text(&mut self) -> Result<String> {
        let start = self.at();
        self.next();
        let mut text = String::new();
        loop {
            let at = self.at();
            match self.next() {
                None | Some('\n') => return Err((start, SyntaxError::OpenText)),
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape(at)?),
                Some(c) if u32::from(c) < 0x20 => return Err((at, SyntaxError::Control(u32::from(c)))),
                Some(c) => text.push(c),
            }
        }
    }

    fn escape(&mut self, at: Position) -> Result<char> {
        let unknown = |text: String| (at, SyntaxError::Escape(text));
        Ok(match self.next() {
            Some('"') => '"',
            Some('\\') => '\\',
            Some('/') => '/',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let high = self.hexadecimal(at)?;
                let code = match high {
                    0xD800..=0xDBFF => {
                        let is_pair = self.take('\\') && self.take('u');
                        let low = if is_pair { self.hexadecimal(at)? } else { 0 };
                        if !(0xDC00..=0xDFFF).contains(&low) {
                            return Err(unknown(format!("u{high:04x}")));
                        }
                        0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
                    }
                    code => code,
                };
                char::from_u32(code).ok_or_else(|| unknown(format!("u{code:04x}")))?
            }
            other => return Err(unknown(other.map(String::from).unwrap_or_default())),
        })
    }

    fn hexadecimal(&mut self, at: Position) -> Result<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|c| c.to_digit(16));
            code = code * 16 + digit.ok_or((at, SyntaxError::Escape("u".to_owned())))?;
            self.next();
        }
        Ok(code)
    }

    fn number(&mut self) -> Result<Value> {
        let at = self.at();
        let mut text = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || ['+', '-', '.'].contains(c)) {
            text.push(c);
            self.next();
        }
        match serde_json::from_str::<serde_json::Number>(&text) {
            Ok(_) => Ok(Value::Number(text)),
            Err(_) => Err((at, SyntaxError::Number(text))),
        }
    }

    fn word(&mut self) -> Result<Value> {
        for (word, value) in [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)] {
            let after = self.rest.strip_prefix(word).map(|rest| rest.chars().next());
            if after.is_some_and(|after| after.is_none_or(|c| !c.is_alphanumeric())) {
                for _ in 0..word.len() {
                    self.next();
                }
                return Ok(value);
            }
        }
        Err(self.unexpected("a value"))
    }
}
