//! Values against values.schema.json: JSON Schema (drafts 4, 6, 7, 2019-09, 2020-12) with the words of the validator in Helm.
//!
//! ```text
//! schema ─▶ Resources (identifiers, references; checked against its draft's own schema) ─┐
//! values ─────────────────────────────────────────────────────────────────────────────────┴─ Validator ─▶ Failure tree ─▶ lines
//! ```
//!
//! Written here because no validator for Rust reports as Helm's does, whose texts people search for. Where Helm fetches a remote
//! reference, this module refuses it: a rendering reads no network. Helm 3 had another validator: see `helm3`.

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
mod resources;
mod validator;

use sutler_functions::json;
use sutler_template::{Map, Value};

use crate::chart::{Chart, ChartFile};
use crate::compat::Compatibility;
use crate::values::to_json;

/// Checks a chart's values, and those of its subcharts, each against its own schema (Helm's `ValidateAgainstSchema`).
///
/// # Errors
/// All failures, in Helm's text: each chart's name and its lines.
pub(crate) fn validate_chart(chart: &Chart, values: &Map, compatibility: Compatibility) -> Result<(), String> {
    let mut text = String::new();
    collect(chart, values, compatibility, &mut text);
    if text.is_empty() { Ok(()) } else { Err(text) }
}

fn collect(chart: &Chart, values: &Map, compatibility: Compatibility, text: &mut String) {
    if let Some(schema) = chart.schema_file()
        && let Err(failures) = validate_file(compatibility, schema, &to_json(&Value::Map(values.clone())))
    {
        text.push_str(&format!("{}:\n{failures}", chart.name()));
    }
    for subchart in chart.dependencies() {
        match values.get(subchart.name()) {
            None | Some(Value::Nil) => {}
            Some(Value::Map(inner)) => collect(subchart, &inner, compatibility, text),
            Some(other) => text.push_str(&format!(
                "{}:\ninvalid type for values: expected object (map), got {}\n",
                subchart.name(),
                other.type_name()
            )),
        }
    }
}

fn validate_file(compatibility: Compatibility, schema: &ChartFile, value: &serde_json::Value) -> Result<(), String> {
    match (compatibility, schema.schema()) {
        (Compatibility::V4, parsed) => {
            schema.checked_schema().map_err(str::to_owned)?;
            validate_parsed(parsed.map_err(str::to_owned)?, true, value)
        }
        (Compatibility::V3, Ok(parsed)) => helm3::validate(parsed, value),
        (Compatibility::V3, Err(_)) => validate_as(schema.data(), value, compatibility),
    }
}

/// Checks one value against one schema. The error is what the Helm that is mirrored prints of it.
pub(crate) fn validate_as(
    schema: &[u8],
    value: &serde_json::Value,
    compatibility: Compatibility,
) -> Result<(), String> {
    match compatibility {
        Compatibility::V4 => validate_parsed(&read(schema)?, false, value),
        Compatibility::V3 => helm3::validate(&read(schema)?, value),
    }
}

fn validate_parsed(schema: &serde_json::Value, known: bool, value: &serde_json::Value) -> Result<(), String> {
    let resources = resources::Resources::new(schema, known)?;
    match validator::Validator::new(&resources).run(resources.value(), value) {
        Ok(()) => Ok(()),
        Err(failure) => Err(format!("{}\n", failure.lines())),
    }
}

/// Checks a schema by itself.
///
/// # Errors
/// What Helm prints of what is wrong with it.
pub(crate) fn check(schema: &serde_json::Value) -> Result<(), String> {
    resources::Resources::new(schema, false).map(drop)
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
