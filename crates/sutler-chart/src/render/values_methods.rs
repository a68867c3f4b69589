//! The methods that templates may call on `.Values` and on the dot that a file begins with: those of the Go type `common.Values`
//! (in Helm 3 `chartutil.Values`).
//!
//! Charts generated from Go programs begin with `.Values.AsMap`. A method hides an entry of its name, as in Go.

use sutler_functions::yaml;
use sutler_template::types::{self, Type};
use sutler_template::{Arguments, CallError, Context, Map, Method, Value};

use super::objects::{VALUES, VALUES_OF_HELM3, method};
use crate::text::go_quoted;
use crate::values::{path_value, table};

/// An `io.Writer`: no template has one, so `Encode` is there to be called wrongly.
static WRITER: Type = Type::structure("io.Writer");

static WRITERS: [&Type; 1] = [&WRITER];
static PATHS: [&Type; 1] = [&types::STRING];

/// Those of Helm 4's type.
pub(super) static METHODS: [Method; 5] = methods(&VALUES);

/// Those of Helm 3's type.
pub(super) static METHODS_OF_HELM3: [Method; 5] = methods(&VALUES_OF_HELM3);

/// All of them, by name; `values` is the type that has them.
const fn methods(values: &'static Type) -> [Method; 5] {
    [
        method("AsMap", &[], &types::MAP, as_map),
        method("Encode", &WRITERS, &types::ANY, encode),
        method("PathValue", &PATHS, &types::ANY, value_at),
        method("Table", &PATHS, values, sub_table),
        method("YAML", &[], &types::STRING, as_yaml),
    ]
}

fn map(values: &Value) -> Result<&Map, CallError> {
    values.as_map().ok_or_else(|| CallError::new("values are no table"))
}

/// The same map under its plain type; in place of the nil map an empty one.
fn as_map(_: &mut Context<'_>, values: &Value, _: Arguments<'_>) -> Result<Value, CallError> {
    let values = map(values)?;
    Ok(Value::Map(if values.is_empty() { Map::new() } else { values.as_type(&types::MAP) }))
}

/// All of it as YAML, with the last line break.
fn as_yaml(_: &mut Context<'_>, values: &Value, _: Arguments<'_>) -> Result<Value, CallError> {
    let text = yaml::write(values).map_err(|error| CallError::new(error.to_string()))?;
    Ok(Value::from(format!("{text}\n")))
}

/// The table at a path of names with dots between them.
fn sub_table(_: &mut Context<'_>, values: &Value, args: Arguments<'_>) -> Result<Value, CallError> {
    let values = map(values)?;
    let found = table(values, &args.str(0)?.to_str_lossy()).map_err(|error| CallError::new(error.to_string()))?;
    Ok(Value::Map(found.as_type(values.go_type())))
}

/// What is at a path of names with dots between them, if that is no table.
fn value_at(_: &mut Context<'_>, values: &Value, args: Arguments<'_>) -> Result<Value, CallError> {
    let path = args.str(0)?.to_str_lossy();
    if path.is_empty() {
        return Err(CallError::new("YAML path cannot be empty"));
    }
    let key = path.rsplit_once('.').map_or(&*path, |(_, key)| key);
    path_value(map(values)?, &path).ok_or_else(|| CallError::new(format!("{} is not a value", go_quoted(key))))
}

/// Nothing that a template has is an `io.Writer`; nil is one that cannot be written to.
fn encode(_: &mut Context<'_>, _: &Value, _: Arguments<'_>) -> Result<Value, CallError> {
    Err(CallError::new("runtime error: invalid memory address or nil pointer dereference"))
}
