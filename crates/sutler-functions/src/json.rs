//! JSON as Go's `encoding/json` writes and reads it, and the functions over it.

mod number;
mod read;
mod write;

use sutler_template::types::{ANY, LIST, MAP, STRING};
use sutler_template::{Arguments, CallError, Context, Function, List, Map, Str, Value};

use crate::bounds;

pub(crate) use number::number_text;
pub use number::{fractional_number, unsigned_number, whole_number};
pub use read::{First, ReadError, read, read_first};
pub use write::{Style, WriteError, write};

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("fromJson", &[&STRING], &MAP, from_json),
    Function::new("fromJsonArray", &[&STRING], &LIST, from_json_array),
    Function::new("mustFromJson", &[&STRING], &ANY, must_from_json),
    Function::new("mustToJson", &[&ANY], &STRING, must_to_json).walking(),
    Function::new("mustToPrettyJson", &[&ANY], &STRING, must_to_pretty_json).walking(),
    Function::new("mustToRawJson", &[&ANY], &STRING, must_to_raw_json).walking(),
    Function::new("toJson", &[&ANY], &STRING, to_json).walking(),
    Function::new("toPrettyJson", &[&ANY], &STRING, to_pretty_json).walking(),
    Function::new("toRawJson", &[&ANY], &STRING, must_to_raw_json).walking(),
];

fn written(args: Arguments<'_>, style: Style) -> Answer {
    write(args.any(0)?, style).map(Value::from).map_err(|error| CallError::new(error.to_string()))
}

/// The text, or nothing if there is none: errors are dropped.
fn written_if_possible(args: Arguments<'_>, style: Style) -> Answer {
    Ok(write(args.any(0)?, style).unwrap_or_default().into())
}

fn to_json(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    written_if_possible(args, Style::Html)
}

fn must_to_json(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    written(args, Style::Html)
}

fn to_pretty_json(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    written_if_possible(args, Style::Pretty)
}

fn must_to_pretty_json(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    written(args, Style::Pretty)
}

/// `toRawJson` fails too: it is the one function without `must` whose error sprig does not drop.
fn must_to_raw_json(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    written(args, Style::Raw)
}

fn must_from_json(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    bounds::readable(args.str(0)?.as_bytes())?;
    let (value, error) = read(args.str(0)?.as_bytes()).map_err(|error| CallError::new(error.to_string()))?;
    match error {
        Some(error) => Err(CallError::new(error.to_string())),
        None => Ok(value),
    }
}

/// What Go calls the type of a JSON value when it does not fit.
fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    }
}

/// The complaint of `json.Unmarshal` about a value of another type than asked for.
pub(crate) fn mismatch(value: &Value, target: &str) -> String {
    format!("json: cannot unmarshal {} into Go value of type {target}", json_type(value))
}

/// A map out of JSON, with the error, if there is one, under `Error`: how Helm's `from…` functions for maps answer.
pub(crate) fn map_or_error(read: Result<(Value, Option<String>), String>, wrap: impl Fn(String) -> String) -> Value {
    let with_error = |map: Map, error: String| {
        // The map is new, so that it can be written to.
        let _ = map.insert("Error", Value::from(error));
        Value::Map(map)
    };
    match read {
        Ok((Value::Nil, None)) => Value::Map(Map::nil(&MAP)),
        Ok((Value::Map(map), None)) => Value::Map(map),
        Ok((Value::Map(map), Some(error))) => with_error(map, wrap(error)),
        Ok((value, _)) => with_error(Map::new(), wrap(mismatch(&value, MAP.name))),
        Err(error) => with_error(Map::new(), error),
    }
}

/// A list out of JSON, or a list of the error alone.
pub(crate) fn list_or_error(read: Result<(Value, Option<String>), String>, wrap: impl Fn(String) -> String) -> Value {
    let only = |error: String| Value::List(List::new(vec![Value::from(error)]));
    match read {
        Ok((Value::Nil, None)) => Value::List(List::nil(&LIST)),
        Ok((Value::List(list), None)) => Value::List(list),
        Ok((Value::List(_), Some(error))) => only(wrap(error)),
        Ok((value, _)) => only(wrap(mismatch(&value, LIST.name))),
        Err(error) => only(error),
    }
}

fn read_text(text: &Str) -> Result<(Value, Option<String>), String> {
    match read(text.as_bytes()) {
        Ok((value, error)) => Ok((value, error.map(|error| error.to_string()))),
        Err(error) => Err(error.to_string()),
    }
}

fn from_json(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    bounds::readable(args.str(0)?.as_bytes())?;
    Ok(map_or_error(read_text(args.str(0)?), |error| error))
}

fn from_json_array(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    bounds::readable(args.str(0)?.as_bytes())?;
    Ok(list_or_error(read_text(args.str(0)?), |error| error))
}
