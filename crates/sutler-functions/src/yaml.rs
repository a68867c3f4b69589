//! YAML as Helm's `toYaml` and `fromYaml` families have it.

use std::collections::BTreeMap;

use sutler_template::types::{ANY, LIST, MAP, STRING};
use sutler_template::{Arguments, CallError, Context, Function, List, Map, Str, Value};
use sutler_yaml::{Build, Emit, Emitter, WriteError};

use crate::bounds;
use crate::json::{list_or_error, map_or_error};

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("fromYaml", &[&STRING], &MAP, from_yaml),
    Function::new("fromYamlArray", &[&STRING], &LIST, from_yaml_array),
    Function::new("mustToYaml", &[&ANY], &STRING, must_to_yaml).walking(),
    Function::new("toYaml", &[&ANY], &STRING, to_yaml).walking(),
    Function::new("toYamlPretty", &[&ANY], &STRING, to_yaml_pretty).walking(),
];

/// Whether a value is written as `encoding/json` sees it or as it is.
#[derive(Clone, Copy)]
enum View {
    Json,
    Go,
}

/// A value on its way to the writer.
struct Written<'v>(&'v Value, View);

impl Emit for Written<'_> {
    fn emit(&self, out: &mut Emitter) -> Result<(), WriteError> {
        let Written(value, view) = *self;
        match value {
            Value::Nil => out.null(),
            Value::Bool(value) => out.bool(*value),
            Value::String(text) => match text.as_str() {
                Some(text) => out.string(text),
                None => out.bytes(text.as_bytes()),
            },
            Value::Float64(number) => out.float(*number),
            Value::Float32(number) => out.float(shortest(*number)),
            Value::Map(map) => match view {
                View::Json if map.is_nil() => out.null(),
                _ => {
                    let entries = map.entries();
                    let entries: Vec<_> = entries.iter().map(|(key, value)| (key.to_str_lossy(), value)).collect();
                    out.mapping(entries.iter().map(|(key, value)| (key, Written(value, view))))
                }
            },
            Value::List(list) => match (view, list.as_bytes()) {
                (View::Json, _) if list.is_nil() => out.null(),
                (View::Json, Some(bytes)) => out.string(&crate::encoding::encode_base64(bytes.as_bytes())),
                _ => {
                    let items = list.to_vec();
                    out.sequence(items.iter().map(|item| Written(item, view)))
                }
            },
            // go-yaml knows nothing of `json.Number`: it is a text to it.
            Value::Object(_) if matches!(view, View::Go) && crate::json::number_text(value).is_some() => {
                out.string(crate::json::number_text(value).unwrap_or_default())
            }
            Value::Object(object) => match object.json_value().or_else(|| object.underlying()) {
                Some(value) => Written(&value, view).emit(out),
                None => {
                    let fields = match view {
                        View::Json => object.json_fields(),
                        View::Go => None,
                    };
                    let fields = fields.unwrap_or_else(|| object.fields());
                    // go-yaml names fields in lower case where it is not told otherwise.
                    let name = |name: &str| match view {
                        View::Json => name.to_string(),
                        View::Go => name.to_lowercase(),
                    };
                    out.mapping(fields.iter().map(|(field, value)| (name(field), Written(value, view))))
                }
            },
            Value::Complex128(..) | Value::Function(_) => {
                Err(WriteError::Unreadable(format!("json: unsupported type: {}", value.type_name())))
            }
            integer => match (integer.as_signed(), integer.as_unsigned()) {
                (Some(number), _) => out.int(number),
                (_, Some(number)) => out.uint(number),
                _ => out.null(),
            },
        }
    }
}

/// The `float64` that reads like the shortest text of a `float32`.
fn shortest(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| f64::from(number))
}

/// A value as YAML without the last line break, as Helm's `toYaml` (sorted naturally, through JSON).
///
/// # Errors
/// Numbers that are not finite, text with control characters, nesting beyond the writer's bound.
pub fn write(value: &Value) -> Result<String, WriteError> {
    sutler_yaml::write(&Written(value, View::Json)).map(without_last_line_break)
}

/// A value as YAML with lists indented and nothing gone through JSON, as Helm's `toYamlPretty`.
///
/// # Errors
/// Nesting beyond the writer's bound.
pub fn write_pretty(value: &Value) -> Result<String, WriteError> {
    sutler_yaml::write_pretty(&Written(value, View::Go)).map(without_last_line_break)
}

fn without_last_line_break(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

/// Makes template values out of a document: numbers are `float64`, as everywhere in Helm's values.
struct Values;

impl Build for Values {
    type Value = Value;

    fn null(&mut self) -> Value {
        Value::Nil
    }
    fn bool(&mut self, value: bool) -> Value {
        Value::Bool(value)
    }
    fn int(&mut self, value: i64) -> Value {
        Value::Float64(value as f64)
    }
    fn uint(&mut self, value: u64) -> Value {
        Value::Float64(value as f64)
    }
    fn float(&mut self, value: f64) -> Value {
        Value::Float64(value)
    }
    fn string(&mut self, value: &str) -> Value {
        value.into()
    }
    fn sequence(&mut self, items: Vec<Value>) -> Value {
        Value::List(List::new(items))
    }
    fn mapping(&mut self, entries: BTreeMap<String, Value>) -> Value {
        Value::Map(entries.into_iter().collect::<Map>())
    }
}

/// The value of a YAML node, as Helm has it in values files and `fromYaml`.
///
/// # Errors
/// Keys and numbers that JSON cannot hold.
pub fn value_of(node: &sutler_yaml::Node) -> Result<Value, sutler_yaml::ConvertError> {
    sutler_yaml::convert(node, &mut Values)
}

/// Reads the first document of a text, in the words of `sigs.k8s.io/yaml` for what is wrong. Null, unlike that of
/// JSON, leaves the `empty` value that it is decoded into.
fn read(text: &Str, empty: Value) -> Result<(Value, Option<String>), String> {
    let converting = |error: &dyn std::error::Error| format!("error converting YAML to JSON: {error}");
    let text = sutler_yaml::decode(text.as_bytes()).map_err(|error| converting(&error))?;
    let node = sutler_yaml::read(&text).map_err(|error| converting(&error))?;
    match value_of(&node).map_err(|error| converting(&error))? {
        Value::Nil => Ok((empty, None)),
        value => Ok((value, None)),
    }
}

fn decoding(error: String) -> String {
    format!("error unmarshaling JSON: while decoding JSON: {error}")
}

fn from_yaml(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    bounds::readable(args.str(0)?.as_bytes())?;
    Ok(map_or_error(read(args.str(0)?, Value::empty_map()), decoding))
}

fn from_yaml_array(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    bounds::readable(args.str(0)?.as_bytes())?;
    Ok(list_or_error(read(args.str(0)?, Value::empty_list()), decoding))
}

fn to_yaml(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(write(args.any(0)?).unwrap_or_default().into())
}

fn must_to_yaml(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    write(args.any(0)?).map(Value::from).map_err(|error| CallError::new(error.to_string()))
}

fn to_yaml_pretty(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(write_pretty(args.any(0)?).unwrap_or_default().into())
}
