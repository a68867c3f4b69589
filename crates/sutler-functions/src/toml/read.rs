//! Reading TOML, with the library's words for what is wrong.

mod scalar;

use std::collections::BTreeMap;

use sutler_template::types::MAPS;
use sutler_template::{List, Map, Str, Value};

use super::write::push_key;
use crate::depth::{self, TooDeep};
use crate::runes;
use crate::show;
use crate::time::Zone;

/// What is wrong with a document, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("toml: line {line}{}: {message}", .last_key.as_ref().map(|key| format!(" (last key {key})")).unwrap_or_default())]
pub(super) struct ReadError {
    /// From 1.
    line: usize,
    /// Quoted; the key whose value is being read, or the table that the text is in.
    last_key: Option<String>,
    message: String,
}

/// Whether a table was only named on the way to another, so that it may still be defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Defined {
    #[default]
    ByItself,
    OnTheWay,
}

#[derive(Default)]
struct Table {
    entries: BTreeMap<Str, Item>,
    defined: Defined,
}

enum Item {
    Value(Value),
    Table(Table),
    Tables(Vec<Table>),
}

impl Table {
    fn into_map(self) -> Map {
        self.entries
            .into_iter()
            .map(|(key, item)| {
                let value = match item {
                    Item::Value(value) => value,
                    Item::Table(table) => Value::Map(table.into_map()),
                    Item::Tables(tables) => {
                        let maps = tables.into_iter().map(|table| Value::Map(table.into_map())).collect();
                        Value::List(List::with_type(maps, &MAPS))
                    }
                };
                (key, value)
            })
            .collect()
    }

    /// The table that a step leads to: the last one of several.
    fn step(&mut self, key: &Str) -> Option<&mut Table> {
        let item = self
            .entries
            .entry(key.clone())
            .or_insert_with(|| Item::Table(Table { entries: BTreeMap::new(), defined: Defined::OnTheWay }));
        match item {
            Item::Table(table) => Some(table),
            Item::Tables(tables) => tables.last_mut(),
            Item::Value(_) => None,
        }
    }
}

fn joined(key: &[Str]) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, part) in key.iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        push_key(&mut out, part.as_bytes());
    }
    out
}

fn key_text(key: &[Str]) -> String {
    String::from_utf8_lossy(&joined(key)).into_owned()
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    line: usize,
    /// The table that the text is in, and within a value its key.
    context: Vec<Str>,
    local: &'t Zone,
}

type Step<T> = Result<T, ReadError>;

impl From<TooDeep> for ReadError {
    fn from(error: TooDeep) -> Self {
        ReadError { line: 1, last_key: None, message: error.to_string() }
    }
}

/// Reads a document; `local` is the zone of nothing but what Go's parser may recognize as local.
///
/// # Errors
/// [`ReadError`].
pub(super) fn read(text: &[u8], local: &Zone) -> Step<Map> {
    let text = match text {
        [0xff, 0xfe, rest @ ..] | [0xfe, 0xff, rest @ ..] | [0xef, 0xbb, 0xbf, rest @ ..] => rest,
        text => text,
    };
    if text.iter().take(6).any(|byte| *byte == 0) {
        let message = "files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8".to_string();
        return Err(ReadError { line: 1, last_key: None, message });
    }
    let mut reader = Reader { text, at: 0, line: 1, context: Vec::new(), local };
    reader.check_characters()?;
    reader.document().map(Table::into_map)
}

fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

impl<'t> Reader<'t> {
    /// Control characters and invalid bytes are refused wherever they stand; the library notices when it gets there.
    fn check_characters(&self) -> Step<()> {
        let mut line = 1;
        for (offset, rune) in runes::runes(self.text) {
            let message = match rune {
                '\n' => {
                    line += 1;
                    continue;
                }
                '\t' => continue,
                '\r' if self.text.get(offset + 1) == Some(&b'\n') => continue,
                '\0'..='\x1f' | '\x7f' => {
                    format!("TOML files cannot contain control characters: '0x{:02x}'", u32::from(rune))
                }
                runes::INVALID if !self.text[offset..].starts_with("\u{FFFD}".as_bytes()) => {
                    format!("invalid UTF-8 byte: 0x{:02x}", self.text[offset])
                }
                _ => continue,
            };
            return Err(ReadError { line, last_key: None, message });
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rune(&self) -> Option<char> {
        self.text.get(self.at..).filter(|rest| !rest.is_empty()).map(|rest| runes::decode(rest).0)
    }

    fn advance(&mut self) {
        if self.peek() == Some(b'\n') {
            self.line += 1;
        }
        self.at += 1;
    }

    fn take(&mut self, byte: u8) -> bool {
        let taken = self.peek() == Some(byte);
        if taken {
            self.advance();
        }
        taken
    }

    fn take_text(&mut self, text: &[u8]) -> bool {
        let taken = self.text[self.at..].starts_with(text);
        if taken {
            self.at += text.len();
        }
        taken
    }

    fn spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    fn comment(&mut self) {
        while self.peek().is_some_and(|byte| !matches!(byte, b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// White space, line breaks and comments.
    fn gaps(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.advance(),
                Some(b'#') => self.comment(),
                _ => return,
            }
        }
    }

    fn fail_at<T>(&self, line: usize, message: impl Into<String>) -> Step<T> {
        let last_key = (!self.context.is_empty()).then(|| show::quoted(&joined(&self.context).into()));
        Err(ReadError { line, last_key, message: message.into() })
    }

    /// Fails at the place of the next character.
    fn fail<T>(&self, message: impl Into<String>) -> Step<T> {
        let line = match self.peek() {
            None if self.at > 0 && self.text[self.at - 1] == b'\n' => self.line - 1,
            Some(b'\n') => self.line + 1,
            _ => self.line,
        };
        self.fail_at(line, message)
    }

    /// The next character quoted as a Go rune; the end is the rune 0.
    fn found(&self) -> String {
        let rune = self.rune().unwrap_or('\0');
        let quoted = show::quoted(&Str::from(rune));
        let inside = &quoted[1..quoted.len() - 1];
        match inside {
            "'" => "'\\''".to_string(),
            "\\\"" => "'\"'".to_string(),
            inside => format!("'{inside}'"),
        }
    }

    fn found_or_end(&self) -> String {
        self.rune().map_or_else(|| "end of file".to_string(), |rune| format!("'{rune}'"))
    }

    fn document(&mut self) -> Step<Table> {
        let mut root = Table::default();
        loop {
            self.gaps();
            match self.peek() {
                None => return Ok(root),
                Some(b'[') => {
                    self.at += 1;
                    let several = self.take(b'[');
                    let line = self.line;
                    let key = self.table_name()?;
                    if several && !self.take(b']') {
                        return self.fail(format!(
                            "expected end of table array name delimiter ']', but got {} instead",
                            self.found()
                        ));
                    }
                    self.open_table(&mut root, key, several, line)?;
                }
                Some(_) => {
                    let table = self.current_table(&mut root);
                    self.entry(table, 0)?;
                }
            }
            self.spaces();
            match self.peek() {
                None | Some(b'\n' | b'\r') => {}
                Some(b'#') => self.comment(),
                Some(_) => {
                    return self.fail(format!(
                        "expected a top-level item to end with a newline, comment, or EOF, but got {} instead",
                        self.found()
                    ));
                }
            }
        }
    }

    fn current_table<'r>(&self, root: &'r mut Table) -> &'r mut Table {
        let mut table = root;
        for key in &self.context {
            table = table.step(key).expect("the context was opened, and nothing replaces a table");
        }
        table
    }

    fn table_name(&mut self) -> Step<Vec<Str>> {
        let mut key = Vec::new();
        loop {
            self.spaces();
            match self.peek() {
                None | Some(b']') => return self.fail("unexpected end of table name (table names cannot be empty)"),
                Some(b'.') => return self.fail("unexpected table separator (table names cannot be empty)"),
                Some(_) => key.push(self.key_part()?),
            }
            self.spaces();
            if self.take(b']') {
                return Ok(key);
            }
            if !self.take(b'.') {
                return self.fail(format!("expected '.' or ']' to end table name, but got {} instead", self.found()));
            }
        }
    }

    fn open_table(&mut self, root: &mut Table, key: Vec<Str>, several: bool, line: usize) -> Step<()> {
        let Some((last, parents)) = key.split_last() else { return Ok(()) };
        let mut table = root;
        for (index, part) in parents.iter().enumerate() {
            table = match table.step(part) {
                Some(table) => table,
                None => {
                    let message = format!("Key '{}' was already created as a hash.", key_text(&key[..=index]));
                    return self.fail_at(line, message);
                }
            };
        }
        match (table.entries.get_mut(last), several) {
            (None, false) => {
                table.entries.insert(last.clone(), Item::Table(Table::default()));
            }
            (None, true) => {
                table.entries.insert(last.clone(), Item::Tables(vec![Table::default()]));
            }
            (Some(Item::Tables(tables)), true) => tables.push(Table::default()),
            (Some(Item::Table(table)), false) if table.defined == Defined::OnTheWay => {
                table.defined = Defined::ByItself;
            }
            (Some(_), true) => {
                self.context = parents.to_vec();
                let message = format!("Key '{}' was already created and cannot be used as an array.", key_text(&key));
                return self.fail_at(line, message);
            }
            (Some(_), false) => {
                self.context = parents.to_vec();
                return self.fail_at(line, format!("Key '{}' has already been defined.", key_text(&key)));
            }
        }
        self.context = key;
        Ok(())
    }

    /// A key, perhaps with dots, up to its `=`.
    fn key(&mut self) -> Step<Vec<Str>> {
        match self.peek() {
            None | Some(b'=') => return self.fail("unexpected '=': key name appears blank"),
            Some(b'.') => return self.fail("unexpected '.': keys cannot start with a '.'"),
            Some(_) => {}
        }
        let mut key = Vec::new();
        loop {
            self.spaces();
            match self.peek() {
                None | Some(b'=') => return self.fail("unexpected '='"),
                Some(b'.') => return self.fail("unexpected '.'"),
                Some(_) => key.push(self.key_part()?),
            }
            self.spaces();
            match self.peek() {
                None => return self.fail("unexpected EOF; expected key separator '='"),
                Some(b'=') => {
                    self.at += 1;
                    return Ok(key);
                }
                Some(b'.') => self.at += 1,
                Some(_) => {
                    let message = format!("expected '.' or '=', but got {} instead", self.found());
                    return self.fail_at(self.line, message);
                }
            }
        }
    }

    fn key_part(&mut self) -> Step<Str> {
        if self.take(b'"') {
            return self.string();
        }
        if self.take(b'\'') {
            return self.raw_string();
        }
        let start = self.at;
        while self.peek().is_some_and(is_bare) {
            self.at += 1;
        }
        Ok(Str::from(&self.text[start..self.at]))
    }

    /// `key = value` into a table; answers with the last part of the key.
    fn entry(&mut self, table: &mut Table, depth: usize) -> Step<Option<Str>> {
        let line = self.line;
        let key = self.key()?;
        let outer = self.context.len();
        let Some((last, parents)) = key.split_last() else { return Ok(None) };
        let mut table = table;
        for part in parents {
            self.context.push(part.clone());
            table = match table.step(part) {
                Some(table) => table,
                None => {
                    let whole = key_text(&self.context);
                    self.context.truncate(outer);
                    self.context.extend(key);
                    return self.fail_at(line, format!("Key '{whole}' has already been defined."));
                }
            };
        }
        self.context.push(last.clone());
        self.spaces();
        // Keys of a table that is there already are taken, before it is said that the table itself is.
        let present: Vec<Str> = match table.entries.get(last) {
            Some(Item::Table(existing)) => existing.entries.keys().cloned().collect(),
            _ => Vec::new(),
        };
        let item = self.item(depth, &present)?;
        let taken = match table.entries.get(last) {
            None => false,
            Some(Item::Table(existing)) => existing.defined == Defined::ByItself,
            Some(_) => true,
        };
        if taken {
            return self.fail_at(line, format!("Key '{}' has already been defined.", key_text(&self.context)));
        }
        // A table that was only named on the way stays, but for a list that takes its place.
        if !table.entries.contains_key(last) || matches!(item, Item::Value(Value::List(_))) {
            table.entries.insert(last.clone(), item);
        }
        self.context.truncate(outer);
        Ok(Some(last.clone()))
    }

    /// A value, or a table on one line.
    fn item(&mut self, depth: usize, present: &[Str]) -> Step<Item> {
        if self.take(b'{') {
            return depth::descend(depth, |depth| self.inline_table(depth, present)).map(Item::Table);
        }
        self.value(depth).map(Item::Value)
    }

    fn inline_table(&mut self, depth: usize, present: &[Str]) -> Step<Table> {
        let mut table = Table::default();
        let mut last;
        loop {
            self.gaps();
            match self.peek() {
                Some(b',') => return self.fail("unexpected comma"),
                Some(b'}') => break,
                _ => {
                    let line = self.line;
                    last = self.entry(&mut table, depth)?;
                    if let Some(key) = last.as_ref().filter(|key| present.contains(key)) {
                        self.context.push(key.clone());
                        let message = format!("Key '{}' has already been defined.", key_text(&self.context));
                        return self.fail_at(line, message);
                    }
                }
            }
            self.gaps();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => {
                    self.context.extend(last);
                    return self.fail(format!(
                        "expected a comma or an inline table terminator '}}', but got {} instead",
                        self.found_or_end()
                    ));
                }
            }
        }
        self.at += 1;
        Ok(table)
    }

    fn array(&mut self, depth: usize) -> Step<Value> {
        let mut items = Vec::new();
        loop {
            self.gaps();
            match self.peek() {
                Some(b',') => return self.fail("unexpected comma"),
                Some(b']') => break,
                _ => items.push(match depth::descend(depth, |depth| self.item(depth, &[]))? {
                    Item::Value(value) => value,
                    Item::Table(table) => Value::Map(table.into_map()),
                    Item::Tables(_) => Value::Nil,
                }),
            }
            self.gaps();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => {
                    return self.fail(format!(
                        "expected a comma (',') or array terminator (']'), but got {}",
                        self.found_or_end()
                    ));
                }
            }
        }
        self.at += 1;
        Ok(Value::List(List::new(items)))
    }

    fn value(&mut self, depth: usize) -> Step<Value> {
        self.spaces();
        match self.peek() {
            Some(b'0'..=b'9') => self.number_or_date(),
            Some(b'[') => {
                self.at += 1;
                self.array(depth)
            }
            Some(b'"') => {
                self.at += 1;
                let text = if self.take_text(b"\"\"") { self.long_string() } else { self.string() };
                text.map(Value::String)
            }
            Some(b'\'') => {
                self.at += 1;
                let text = if self.take_text(b"''") { self.long_raw_string() } else { self.raw_string() };
                text.map(Value::String)
            }
            Some(b'.') => self.fail("floats must start with a digit, not '.'"),
            Some(b'i') if self.take_text(b"inf") => Ok(Value::Float64(f64::INFINITY)),
            Some(b'n') if self.take_text(b"nan") => Ok(Value::Float64(f64::NAN)),
            Some(b'-' | b'+') => self.signed_number(),
            None => self.fail("unexpected EOF; expected value"),
            Some(_) if self.rune().is_some_and(runes::is_letter) => self.word(),
            Some(_) => {
                let message = format!("expected value but found {} instead", self.found());
                self.fail_at(self.line, message)
            }
        }
    }
}
