//! Values: what a chart is told. Read from files and `--set` texts, merged in Helm's order (`pkg/cli/values`).
//!
//! ```text
//! -f files ─▶ --set-json ─▶ --set ─▶ --set-string ─▶ --set-file ─▶ --set-literal ─▶ user values
//!                                                         chart's values.yaml ─coalesce─▶ .Values
//! ```

mod coalesce;
mod convert;
mod set;
mod user;

use sutler_template::{Map, SerializeError, Value};
use thiserror::Error;

pub use convert::{from_json, from_yaml, to_json};
pub use set::SetError;
pub use user::Values;

pub(crate) use coalesce::{Coalesce, coalesce_tables, deep_copy_map, go_text};
pub use coalesce::{TypeMismatch, coalesce};

use crate::compat::{Compatibility, Numbers};
use crate::decode::{DecodeError, json_kind, read_document};
use crate::text::{go_quoted, is_space};
use convert::from_yaml_with;
use set::Style;

/// Everything that a user gives to change a chart's values, each list in the order given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValuesOptions {
    /// `-f`, `--values`.
    pub files: Vec<ValuesFile>,
    /// `--set-json`: `a.b=[1,2]`, or a whole object.
    pub set_json: Vec<String>,
    /// `--set`: `a.b=1,c={x,y}`.
    pub set: Vec<String>,
    /// `--set-string`: as `--set`, every value text.
    pub set_string: Vec<String>,
    /// `--set-file`: as `--set`, every value the name of a file whose content is meant.
    pub set_file: Vec<String>,
    /// `--set-literal`: `a.b=` and a text that is taken as it is.
    pub set_literal: Vec<String>,
}

/// A values file that was already read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuesFile {
    /// Its path as the user wrote it, for messages.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// Why values cannot be read or merged. The texts, joined with their causes by `: `, are Helm's.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ValuesError {
    /// A values file.
    #[error("failed to parse {name}")]
    File {
        /// Its path as the user wrote it.
        name: String,
        /// What is wrong with it.
        #[source]
        source: Box<ValuesError>,
    },
    /// A line begins with `---` and goes on.
    #[error("error reading yaml document: {0}")]
    Separator(String),
    /// A document is no YAML or no table.
    #[error("cannot unmarshal yaml document")]
    Document(#[source] DecodeError),
    /// The file is no YAML or no table, in the words of Helm 3, which reads one document only.
    #[error(transparent)]
    OnlyDocument(DecodeError),
    /// `--set`, `--set-string`, `--set-file` or `--set-literal`.
    #[error("failed parsing --{flag} data")]
    Set {
        /// The flag without its dashes.
        flag: &'static str,
        /// What is wrong with the text.
        #[source]
        source: SetError,
    },
    /// `--set-json` with `key=value`.
    #[error("failed parsing --set-json data {0}")]
    SetJson(String),
    /// `--set-json` with an object.
    #[error("failed parsing --set-json data JSON: {0}")]
    SetJsonObject(String),
    /// A program's own values cannot be serialized.
    #[error("cannot make values of it")]
    Serialize(#[from] SerializeError),
    /// A program's own values are no table. Holds their Go type.
    #[error("values are a {0}, not a table")]
    NoTable(&'static str),
}

impl ValuesOptions {
    /// The user's values: always a map, shared with nobody.
    ///
    /// # Errors
    /// The first file or text that cannot be read; any use of `--set-file`, for which see [`ValuesOptions::merge_reading`].
    pub fn merge(&self) -> Result<Value, ValuesError> {
        self.merge_reading(&mut |path| Err(format!("open {path}: no files can be read here")))
    }

    /// The user's values, with `read` giving the content of files named by `--set-file`, or a message.
    ///
    /// # Errors
    /// The first file or text that cannot be read.
    pub fn merge_reading(&self, read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>) -> Result<Value, ValuesError> {
        self.merge_as(Compatibility::V4, read)
    }

    /// As [`ValuesOptions::merge_reading`], with the Helm that is mirrored.
    ///
    /// # Errors
    /// The first file or text that cannot be read.
    pub fn merge_as(
        &self,
        compatibility: Compatibility,
        read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    ) -> Result<Value, ValuesError> {
        let mut base = Map::new();
        for file in &self.files {
            let values = read_file(file.text.as_bytes(), compatibility, Numbers::Float64)
                .map_err(|source| ValuesError::File { name: file.name.clone(), source: Box::new(source) })?;
            base = merge_maps(&base, &values);
        }
        for text in &self.set_json {
            let trimmed = text.trim_matches(is_space);
            if trimmed.starts_with('{') && compatibility.sets_json_objects() {
                match serde_json::from_str(trimmed).map(|json| from_json(&json)) {
                    Ok(Value::Map(map)) => base = merge_maps(&base, &map),
                    _ => return Err(ValuesError::SetJsonObject(text.clone())),
                }
            } else {
                set::set(text, Style::Json, &base, compatibility).map_err(|_| ValuesError::SetJson(text.clone()))?;
            }
        }
        let failed = |flag| move |source| ValuesError::Set { flag, source };
        for text in &self.set {
            set::set(text, Style::Typed, &base, compatibility).map_err(failed("set"))?;
        }
        for text in &self.set_string {
            set::set(text, Style::Text, &base, compatibility).map_err(failed("set-string"))?;
        }
        for text in &self.set_file {
            set::set(text, Style::File(&mut *read), &base, compatibility).map_err(failed("set-file"))?;
        }
        for text in &self.set_literal {
            set::set(text, Style::Literal, &base, compatibility).map_err(failed("set-literal"))?;
        }
        Ok(Value::Map(base))
    }
}

/// Reads a values file: its documents, each a table or nothing, merged (Helm's `LoadValues`); of Helm 3 the first alone.
pub(crate) fn read_file(bytes: &[u8], compatibility: Compatibility, numbers: Numbers) -> Result<Map, ValuesError> {
    if !compatibility.merges_documents() {
        return read_table(bytes, numbers).map_err(ValuesError::OnlyDocument);
    }
    let mut values = Map::new();
    for document in Documents::new(bytes) {
        let document = document.map_err(ValuesError::Separator)?;
        let table = read_table(&document, numbers).map_err(ValuesError::Document)?;
        values = merge_maps(&values, &table);
    }
    Ok(values)
}

/// The first document of a text: a table, or nothing.
fn read_table(bytes: &[u8], numbers: Numbers) -> Result<Map, DecodeError> {
    let text = sutler_yaml::decode(bytes).map_err(DecodeError::Read)?;
    let node = read_document(&text)?;
    match from_yaml_with(&node, numbers).map_err(DecodeError::Convert)? {
        Value::Map(table) => Ok(table),
        Value::Nil => Ok(Map::new()),
        _ => {
            let target = "value of type map[string]interface {}".to_owned();
            Err(DecodeError::Type { found: json_kind(&node), target })
        }
    }
}

/// The documents of a text, split at lines that begin with `---`, as Kubernetes' `YAMLReader`. A separator with nothing before it
/// belongs to the document after it; lines end in `\n` afterwards.
///
/// After a separator that is none, which is an error in Kubernetes' words, there are no more.
pub(crate) struct Documents<'t> {
    rest: &'t [u8],
}

impl<'t> Documents<'t> {
    pub(crate) fn new(text: &'t [u8]) -> Documents<'t> {
        Documents { rest: text }
    }

    /// The next line without its end; a carriage return goes with the line feed after it only.
    fn line(&mut self) -> Option<&'t [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') else {
            return Some(std::mem::take(&mut self.rest));
        };
        let line = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

impl Iterator for Documents<'_> {
    type Item = Result<Vec<u8>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut document = Vec::new();
        while let Some(line) = self.line() {
            if let Some(after) = line.strip_prefix(b"---") {
                let after = String::from_utf8_lossy(after);
                let after = after.trim_matches(is_space);
                if !after.is_empty() && !after.starts_with('#') {
                    self.rest = &[];
                    return Some(Err(format!("invalid Yaml document separator: {after}")));
                }
                if !document.is_empty() {
                    return Some(Ok(document));
                }
            }
            document.extend_from_slice(line);
            document.push(b'\n');
        }
        (!document.is_empty()).then_some(Ok(document))
    }
}

/// `over` laid over `under`: tables are merged, everything else is replaced (Helm's `MergeMaps`).
fn merge_maps(under: &Map, over: &Map) -> Map {
    let merged = under.shallow_copy();
    for (key, value) in over.entries() {
        let value = match (&value, merged.get(&key)) {
            (Value::Map(over), Some(Value::Map(under))) => Value::Map(merge_maps(&under, over)),
            _ => value,
        };
        merged.insert(key, value).expect("a copy is never the nil map");
    }
    merged
}

/// Why a path of values leads nowhere (Helm's `ErrNoTable`).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} is not a table", go_quoted(.0))]
pub(crate) struct NoTable(pub(crate) String);

/// The table at a path with dots (Helm's `Values.Table`).
pub(crate) fn table(values: &Map, path: &str) -> Result<Map, NoTable> {
    path.split('.').try_fold(values.clone(), |table, name| match table.get(name) {
        Some(Value::Map(inner)) => Ok(inner),
        _ => Err(NoTable(name.to_owned())),
    })
}

/// The value at a path with dots, if it is there and no table (Helm's `Values.PathValue`).
pub(crate) fn path_value(values: &Map, path: &str) -> Option<Value> {
    let found = match path.rsplit_once('.') {
        None => values.get(path),
        Some((tables, key)) => table(values, tables).ok()?.get(key),
    };
    found.filter(|value| value.as_map().is_none())
}
