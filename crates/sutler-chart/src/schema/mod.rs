//! Values against values.schema.json: JSON Schema (drafts 4, 6, 7, 2019-09, 2020-12) with the words of the validator in Helm.
//!
//! ```text
//! schema ─▶ Resources (identifiers, references; checked against its draft's own schema) ─┐
//! values ─────────────────────────────────────────────────────────────────────────────────┴─ Validator ─▶ Failure tree ─▶ lines
//! ```
//!
//! Written here because no validator for Rust reports as Helm's does, whose texts people search for. What Helm fetches,
//! the caller's [`SchemaLoader`] has to bring. Helm 3 had another validator: see `helm3`.

mod address;
mod document;
mod equality;
mod failure;
mod format;
mod helm3;
mod kinds;
mod metaschema;
mod number;
mod pointer;
mod recognize;
mod remote;
mod resources;
mod validator;

use sutler_functions::json;
use sutler_template::{Map, Value};

use crate::chart::{Chart, ChartFile};
use crate::compat::Compatibility;
use crate::log::{Level, Remark};
use crate::values::to_json;
use remote::{Documents, Source};

pub use remote::SchemaLoader;

/// How values are checked.
pub(crate) struct Check<'c> {
    /// The Helm that is mirrored.
    pub(crate) compatibility: Compatibility,
    /// Fetches what schemas refer to.
    pub(crate) loader: Option<&'c SchemaLoader>,
    /// Whether the steps are told.
    pub(crate) tells_steps: bool,
    /// What Helm says on the side.
    pub(crate) remarks: &'c mut Vec<Remark>,
}

impl Check<'_> {
    /// Checks a chart's values, and those of its subcharts, each against its own schema (Helm's `ValidateAgainstSchema`).
    ///
    /// # Errors
    /// All failures, in Helm's text: each chart's name and its lines.
    pub(crate) fn chart(&mut self, chart: &Chart, values: &Map) -> Result<(), String> {
        let mut text = String::new();
        self.collect(chart, values, &mut text);
        if text.is_empty() { Ok(()) } else { Err(text) }
    }

    fn collect(&mut self, chart: &Chart, values: &Map, text: &mut String) {
        if let Some(schema) = chart.schema_file() {
            self.step("chart name", || vec![("chart-name", chart.name().to_owned())]);
            if let Err(failures) = self.file(schema, &to_json(&Value::Map(values.clone()))) {
                text.push_str(&format!("{}:\n{failures}", chart.name()));
            }
        }
        let subcharts = chart.dependencies();
        self.step("number of dependencies in the chart", || {
            vec![("chart", chart.name().to_owned()), ("dependencies", subcharts.len().to_string())]
        });
        for subchart in subcharts {
            match values.get(subchart.name()) {
                None | Some(Value::Nil) => {}
                Some(Value::Map(inner)) => self.collect(subchart, &inner, text),
                Some(other) => text.push_str(&format!(
                    "{}:\ninvalid type for values: expected object (map), got {}\n",
                    subchart.name(),
                    other.type_name()
                )),
            }
        }
    }

    /// Checks values against the schema of a loaded chart.
    fn file(&mut self, schema: &ChartFile, value: &serde_json::Value) -> Result<(), String> {
        let parsed = schema.schema().map_err(str::to_owned)?;
        self.step_read(schema.data());
        // What the chart keeps of an earlier check was found without fetching anything.
        let known = self.compatibility == Compatibility::V4 && schema.checked_schema().is_ok();
        self.parsed(parsed, known, value)
    }

    /// Checks one value against one schema (Helm's `ValidateAgainstSingleSchema`).
    ///
    /// # Errors
    /// What the Helm that is mirrored prints of it.
    pub(crate) fn single(&mut self, schema: &[u8], value: &serde_json::Value) -> Result<(), String> {
        let parsed = read(schema)?;
        self.step_read(schema);
        self.parsed(&parsed, false, value)
    }

    fn parsed(&mut self, schema: &serde_json::Value, known: bool, value: &serde_json::Value) -> Result<(), String> {
        let documents = Documents::new();
        let source = Source { documents: &documents, loader: self.loader };
        match self.compatibility {
            Compatibility::V4 => {
                let outcome = validate_parsed(schema, known, value, source);
                documents.remark_names(self.remarks);
                outcome
            }
            Compatibility::V3 => helm3::validate(schema, value, source),
        }
    }

    fn step_read(&mut self, schema: &[u8]) {
        self.step("unmarshalled JSON schema", || vec![("schema", String::from_utf8_lossy(schema).into_owned())]);
    }

    fn step(&mut self, message: &str, details: impl FnOnce() -> Vec<(&'static str, String)>) {
        if self.tells_steps {
            self.remarks.push(Remark::new(Level::Debug, message, details()));
        }
    }
}

fn validate_parsed(
    schema: &serde_json::Value,
    known: bool,
    value: &serde_json::Value,
    source: Source<'_>,
) -> Result<(), String> {
    let resources = resources::Resources::new(schema, known, source)?;
    match validator::Validator::new(&resources).run(resources.value(), value) {
        Ok(()) => Ok(()),
        Err(failure) => Err(format!("{}\n", failure.lines())),
    }
}

/// Checks a schema by itself, without what it refers to elsewhere.
///
/// # Errors
/// What Helm prints of what is wrong with it.
pub(crate) fn check(schema: &serde_json::Value) -> Result<(), String> {
    let documents = Documents::new();
    resources::Resources::new(schema, false, Source { documents: &documents, loader: None }).map(drop)
}

/// Reads a schema; the messages for what is no JSON are Go's, whose reader is asked for them.
pub(crate) fn read(schema: &[u8]) -> Result<serde_json::Value, String> {
    if let Ok(schema) = serde_json::from_slice(schema) {
        return Ok(schema);
    }
    let end = match json::read_first(schema) {
        Ok(Some(first)) => first.end,
        Ok(None) => return Err("EOF".to_owned()),
        Err((json::ReadError::UnexpectedEnd, _)) => return Err("unexpected EOF".to_owned()),
        Err((error, _)) => return Err(error.to_string()),
    };
    if !schema[end..].iter().all(u8::is_ascii_whitespace) {
        return Err("invalid character after top-level value".to_owned());
    }
    serde_json::from_slice(&schema[..end]).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
