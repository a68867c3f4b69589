//! `--set` and its kin: `a.b[0].c=value,d={x,y}` parsed into values that are already there (Helm's `pkg/strvals`).
//!
//! The grammar has oddities that charts' users rely on or stumble over; they are kept: a key that ends in the middle of an
//! index is silently dropped, `a[0].b=` at the end of the text sets nothing, `\` escapes any character but in literals.

use sutler_template::{List, Map, Value};
use thiserror::Error;

use super::convert::from_json;
use crate::compat::Compatibility;
use crate::text::{go_quoted, is_space};

/// The highest index that may be set (Helm's `strvals.MaxIndex`).
const HIGHEST_INDEX: i64 = 65536;

/// How many dots a name may have (Helm's `strvals.MaxNestedNameLevel`).
const DEEPEST_NAME: usize = 30;

/// How many indices may follow each other (`a[0][0]…`). Helm has no bound and would exhaust its stack.
const DEEPEST_LIST: usize = 1000;

/// Why a text such as `a.b=c` cannot be set. The texts are Helm's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SetError {
    /// A key without `=`.
    #[error("key {} has no value", go_quoted(.0))]
    NoValue(String),
    /// A key followed by a comma.
    #[error("key {} has no value (cannot end with ,)", go_quoted(.0))]
    EndsWithComma(String),
    /// A table without a key in it.
    #[error("key map {} has no value", go_quoted(.0))]
    EmptyTable(String),
    /// More dots than Helm allows.
    #[error("value name nested level is greater than maximum supported nested level of {DEEPEST_NAME}")]
    NameTooDeep,
    /// More indices in a row than are read.
    #[error("lists are nested more than {DEEPEST_LIST} deep")]
    ListTooDeep,
    /// An index that is no number.
    #[error("error parsing index: strconv.Atoi: parsing {}: {reason}", go_quoted(.text))]
    Index {
        /// What stands between the brackets.
        text: String,
        /// Go's reason.
        reason: &'static str,
    },
    /// The text ends within an index. Helm 4 takes that for the end of the whole.
    #[error("error parsing index: EOF")]
    IndexEnd,
    /// An index below zero.
    #[error("negative {0} index not allowed")]
    NegativeIndex(i64),
    /// An index above the highest.
    #[error("index of {0} is greater than maximum supported index of {HIGHEST_INDEX}")]
    HighIndex(i64),
    /// Something between `]` and the next sign.
    #[error("unexpected data at end of array index: [{}]", quoted_chars(.0))]
    AfterIndex(String),
    /// A list without its closing brace.
    #[error("list must terminate with '}}'")]
    OpenList,
    /// The name leads through a value that is neither table nor list.
    #[error("unable to parse key: interface conversion: interface {{}} is {found}, not {wanted}")]
    Conversion {
        /// The Go type that is there.
        found: &'static str,
        /// The Go type that the name needs.
        wanted: &'static str,
    },
    /// A value is not JSON.
    #[error("invalid JSON value")]
    Json,
    /// A file cannot be read.
    #[error("{0}")]
    File(String),
}

/// Go's `%q` of `[]rune`, without the brackets.
fn quoted_chars(text: &str) -> String {
    let quote = |c: char| match c {
        '\'' => "'\\''".to_owned(),
        '"' => "'\"'".to_owned(),
        c => format!("'{}'", go_quoted(&c.to_string()).trim_matches('"')),
    };
    text.chars().map(quote).collect::<Vec<_>>().join(" ")
}

/// What the texts after `=` mean.
pub(super) enum Style<'r> {
    /// `--set`: booleans, null and integers are recognized.
    Typed,
    /// `--set-string`: every value is text.
    Text,
    /// `--set-json`: every value is JSON; an empty one is null.
    Json,
    /// `--set-file`: every value is the content of the file of that name.
    File(&'r mut dyn FnMut(&str) -> Result<Vec<u8>, String>),
    /// `--set-literal`: the whole rest of the text is one value.
    Literal,
}

/// Parses a text and sets what it says in `values`.
pub(super) fn set(text: &str, style: Style<'_>, values: &Map, compatibility: Compatibility) -> Result<(), SetError> {
    let mut parser = Parser { rest: text, style, compatibility };
    loop {
        match parser.key(values, 0) {
            Ok(()) => {}
            Err(Halt::End) => return Ok(()),
            Err(Halt::Failed(error)) => return Err(error),
        }
    }
}

/// Why a step of the parser does not go on. The end of the text ends everything, wherever it is met.
enum Halt {
    End,
    Failed(SetError),
}

impl From<SetError> for Halt {
    fn from(error: SetError) -> Halt {
        Halt::Failed(error)
    }
}

type Step<T> = Result<T, Halt>;

struct Parser<'t, 'r> {
    rest: &'t str,
    style: Style<'r>,
    compatibility: Compatibility,
}

impl Parser<'_, '_> {
    /// One `key=value`, set in `data`.
    fn key(&mut self, data: &Map, dots: usize) -> Step<()> {
        let stops: &[char] = if self.is_literal() { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, stop) = self.until(stops);
        match stop {
            None if key.is_empty() => Err(Halt::End),
            None => Err(SetError::NoValue(key).into()),
            Some('[') => {
                let index = self.index()?;
                let mut list = match data.get(&key) {
                    Some(Value::List(list)) => list.to_vec(),
                    Some(other) => return Err(conversion(&other, "[]interface {}")),
                    None => Vec::new(),
                };
                let done = self.list_item(&mut list, index, dots, 0);
                assign(data, &key, Value::List(List::new(list)));
                done
            }
            Some('=') => self.value_of_key(data, &key),
            Some(',') => {
                assign(data, &key, Value::EMPTY);
                Err(SetError::EndsWithComma(key).into())
            }
            Some(_) => {
                if dots + 1 > DEEPEST_NAME {
                    return Err(SetError::NameTooDeep.into());
                }
                let inner = match data.get(&key) {
                    Some(Value::Map(map)) => map,
                    Some(other) => return Err(conversion(&other, "map[string]interface {}")),
                    None => Map::new(),
                };
                let done = self.key(&inner, dots + 1);
                if done.is_ok() && inner.is_empty() {
                    return Err(SetError::EmptyTable(key).into());
                }
                if !inner.is_empty() {
                    assign(data, &key, Value::Map(inner));
                }
                done
            }
        }
    }

    /// The value after `key=`.
    fn value_of_key(&mut self, data: &Map, key: &str) -> Step<()> {
        match &self.style {
            Style::Literal => {
                assign(data, key, std::mem::take(&mut self.rest).into());
                Ok(())
            }
            Style::Json => {
                let value = self.json()?;
                assign(data, key, value);
                Ok(())
            }
            _ if self.rest.is_empty() => {
                assign(data, key, Value::EMPTY);
                Err(Halt::End)
            }
            _ => {
                let value = self.value()?;
                assign(data, key, value);
                Ok(())
            }
        }
    }

    /// What follows `[index]`, set in `list`.
    fn list_item(&mut self, list: &mut Vec<Value>, index: i64, dots: usize, depth: usize) -> Step<()> {
        if index < 0 {
            return Err(SetError::NegativeIndex(index).into());
        }
        if depth > DEEPEST_LIST {
            return Err(SetError::ListTooDeep.into());
        }
        let (text, stop) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            return Err(SetError::AfterIndex(text).into());
        }
        let there = usize::try_from(index).ok().and_then(|index| list.get(index).cloned());
        match stop {
            None => Err(Halt::End),
            Some('=') => {
                let value = match &self.style {
                    Style::Literal => std::mem::take(&mut self.rest).into(),
                    Style::Json => self.json()?,
                    _ if self.rest.is_empty() => Value::EMPTY,
                    _ => self.value()?,
                };
                set_index(list, index, value)
            }
            Some('[') => {
                let next = self.index()?;
                let mut inner = match there {
                    None | Some(Value::Nil) => Vec::new(),
                    Some(Value::List(inner)) => inner.to_vec(),
                    Some(other) => return Err(conversion(&other, "[]interface {}")),
                };
                self.list_item(&mut inner, next, dots, depth + 1)?;
                set_index(list, index, Value::List(List::new(inner)))
            }
            Some(_) => {
                let inner = match there {
                    Some(Value::Map(map)) => map,
                    Some(_) => {
                        // Helm puts the empty table in place before it reads on: it stays, also when the text ends.
                        let map = Map::new();
                        set_index(list, index, Value::Map(map.clone()))?;
                        map
                    }
                    None => Map::new(),
                };
                self.key(&inner, dots)?;
                set_index(list, index, Value::Map(inner))
            }
        }
    }

    /// A list in braces, or one value up to the next comma. The text is not at its end.
    fn value(&mut self) -> Step<Value> {
        let Some(rest) = self.rest.strip_prefix('{') else {
            let (text, _) = self.until(&[',']);
            return self.single(text);
        };
        self.rest = rest;
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            match stop {
                None => return Err(SetError::OpenList.into()),
                Some('}') => {
                    self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                    items.push(self.single(text)?);
                    return Ok(Value::List(List::new(items)));
                }
                Some(_) => items.push(self.single(text)?),
            }
        }
    }

    fn single(&mut self, text: String) -> Step<Value> {
        match &mut self.style {
            Style::Typed => Ok(typed(text)),
            Style::File(read) => match read(&text) {
                Ok(bytes) => Ok(Value::from(bytes)),
                Err(message) => Err(SetError::File(message).into()),
            },
            _ => Ok(text.into()),
        }
    }

    /// A JSON value and the comma after it; null when nothing stands there.
    fn json(&mut self) -> Step<Value> {
        if self.skip_empty() {
            return Ok(Value::Nil);
        }
        let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<serde_json::Value>();
        let value = values.next().and_then(Result::ok).ok_or(SetError::Json)?;
        self.rest = &self.rest[values.byte_offset()..];
        self.skip_empty();
        Ok(from_json(&value))
    }

    /// Skips spaces, and one comma after them. Whether nothing but that was there.
    fn skip_empty(&mut self) -> bool {
        self.rest = self.rest.trim_start_matches(is_space);
        match self.rest.strip_prefix(',') {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => self.rest.is_empty(),
        }
    }

    /// The number between `[` and `]`.
    fn index(&mut self) -> Step<i64> {
        let (text, stop) = self.until(&[']']);
        if stop.is_none() {
            return Err(match self.compatibility.ends_in_index() {
                true => Halt::End,
                false => SetError::IndexEnd.into(),
            });
        }
        text.parse().map_err(|error: std::num::ParseIntError| {
            let reason = match error.kind() {
                std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => "value out of range",
                _ => "invalid syntax",
            };
            SetError::Index { text, reason }.into()
        })
    }

    /// The text up to one of the stops, which is consumed too; without a stop, up to the end. A `\` takes the next character as it is.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let escapes = !self.is_literal();
        let mut text = String::new();
        let mut chars = self.rest.chars();
        let stop = loop {
            match chars.next() {
                None => break None,
                Some(c) if stops.contains(&c) => break Some(c),
                Some('\\') if escapes => match chars.next() {
                    None => break None,
                    Some(c) => text.push(c),
                },
                Some(c) => text.push(c),
            }
        };
        self.rest = chars.as_str();
        (text, stop)
    }

    fn is_literal(&self) -> bool {
        matches!(self.style, Style::Literal)
    }
}

/// Sets a key, unless it is empty: Helm passes over empty keys.
fn assign(data: &Map, key: &str, value: Value) {
    if !key.is_empty() {
        data.insert(key, value).expect("values are never the nil map");
    }
}

/// Sets an item; items in between become null.
fn set_index(list: &mut Vec<Value>, index: i64, value: Value) -> Step<()> {
    if index > HIGHEST_INDEX {
        return Err(SetError::HighIndex(index).into());
    }
    let index = usize::try_from(index).expect("checked to be between 0 and the highest index");
    if list.len() <= index {
        list.resize(index + 1, Value::Nil);
    }
    list[index] = value;
    Ok(())
}

fn conversion(found: &Value, wanted: &'static str) -> Halt {
    let found = if found.is_nil() { "nil" } else { found.type_name() };
    SetError::Conversion { found, wanted }.into()
}

/// What `--set` makes of a text: booleans and null in any case, integers without leading zeros, else text.
fn typed(text: String) -> Value {
    if text.eq_ignore_ascii_case("true") {
        Value::Bool(true)
    } else if text.eq_ignore_ascii_case("false") {
        Value::Bool(false)
    } else if text.eq_ignore_ascii_case("null") {
        Value::Nil
    } else if text == "0" {
        Value::Int64(0)
    } else if text.starts_with('0') {
        text.into()
    } else {
        text.parse().map_or_else(|_| text.into(), Value::Int64)
    }
}
