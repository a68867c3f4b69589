//! What functions of sprig find out about a value by Go's reflection: its kind, its elements, its text; and the words of
//! Go's panics.

use sutler_template::types::{ANY, BOOL, STRING};
use sutler_template::{Arguments, CallError, Context, Function, List, Map, Str, Value};

use crate::show;

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("deepEqual", &[&ANY, &ANY], &BOOL, deep_equal).walking(),
    Function::new("kindIs", &[&STRING, &ANY], &BOOL, kind_is),
    Function::new("kindOf", &[&ANY], &STRING, kind_of),
    Function::new("typeIs", &[&STRING, &ANY], &BOOL, type_is),
    Function::new("typeIsLike", &[&STRING, &ANY], &BOOL, type_is_like),
    Function::new("typeOf", &[&ANY], &STRING, type_of),
];

/// What Go says when it reads through nil, as `reflect.TypeOf(nil).Kind()` does.
pub(crate) const NIL_POINTER: &str = "runtime error: invalid memory address or nil pointer dereference";

/// What Go says of `text[:end]`.
pub(crate) fn end_out_of_range(end: i64, length: usize) -> CallError {
    let with_length = if end < 0 { String::new() } else { format!(" with length {length}") };
    CallError::new(format!("runtime error: slice bounds out of range [:{end}]{with_length}"))
}

/// The kind as `reflect.Value.Kind` names it; `invalid` for nil.
pub(crate) fn kind_name(value: &Value) -> &'static str {
    value.kind().map_or("invalid", sutler_template::types::Kind::name)
}

/// The list behind a value of kind slice.
pub(crate) fn items(value: &Value) -> Option<List> {
    match value {
        Value::List(list) => Some(list.clone()),
        Value::Object(object) => match object.underlying() {
            Some(Value::List(list)) => Some(list),
            _ => None,
        },
        _ => None,
    }
}

/// The list behind a value, or the error of a function that takes lists only: `Cannot find last on type string`.
pub(crate) fn items_or(value: &Value, complaint: &str) -> Result<List, CallError> {
    if value.is_nil() {
        return Err(CallError::new(NIL_POINTER));
    }
    items(value).ok_or_else(|| CallError::new(format!("{complaint} {}", kind_name(value))))
}

/// The text of a value, as sprig's `strval`.
pub(crate) fn strval(value: &Value) -> Str {
    match value {
        Value::String(text) => text.clone(),
        Value::List(list) => list.as_bytes().cloned().unwrap_or_else(|| show::default(value)),
        value => show::default(value),
    }
}

/// Go's complaint about `value.(target)`.
pub(crate) fn conversion(value: &Value, target: &str) -> CallError {
    CallError::new(match value {
        Value::Nil => format!("interface conversion: interface {{}} is nil, not {target}"),
        value => format!("interface conversion: interface {{}} is {}, not {target}", value.type_name()),
    })
}

/// Asserts `value.(map[string]interface {})`: a named type does not do.
pub(crate) fn plain_map(value: &Value) -> Result<&Map, CallError> {
    match value {
        Value::Map(map) if map.go_type().is(&sutler_template::types::MAP) => Ok(map),
        value => Err(conversion(value, "map[string]interface {}")),
    }
}

fn deep_equal(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Bool(args.any(0)? == args.any(1)?))
}

fn kind_of(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(kind_name(args.any(0)?).into())
}

fn kind_is(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Bool(*args.str(0)? == kind_name(args.any(1)?)))
}

fn type_of(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(args.any(0)?.type_name().into())
}

fn type_is(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Bool(*args.str(0)? == args.any(1)?.type_name()))
}

fn type_is_like(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let (target, name) = (args.str(0)?, args.any(1)?.type_name());
    Ok(Value::Bool(*target == name || name.strip_prefix('*').is_some_and(|name| *target == name)))
}
