//! TOML as `BurntSushi/toml` v1.6.0 writes and reads it, and the functions over it.

mod read;
mod write;

use sutler_template::types::{ANY, MAP, STRING};
use sutler_template::{Arguments, CallError, Context, Function, Map, Value};

use crate::bounds;
use crate::host;
use crate::time::Zone;

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("fromToml", &[&STRING], &MAP, from_toml),
    Function::new("toToml", &[&ANY], &STRING, to_toml).walking(),
];

/// Times without an offset are shown in zones of these names, by which they are written again without one.
const LOCAL_DATETIME: &str = "datetime-local";
const LOCAL_DATE: &str = "date-local";
const LOCAL_TIME: &str = "time-local";

fn to_toml(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    match write::write(args.any(0)?) {
        Ok(text) => Ok(crate::strings::text_value(text)),
        // The library panics on nil; of other errors Helm answers with the text.
        Err(error @ write::WriteError::Nil) => Err(CallError::new(error.to_string())),
        Err(error) => Ok(error.to_string().into()),
    }
}

fn from_toml(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    bounds::readable(args.str(0)?.as_bytes())?;
    let local = host::of(ctx).map_or(Zone::Utc, |host| host.local_zone());
    Ok(match read::read(args.str(0)?.as_bytes(), &local) {
        Ok(map) => Value::Map(map),
        Err(error) => Value::Map([("Error", Value::from(error.to_string()))].into_iter().collect::<Map>()),
    })
}
