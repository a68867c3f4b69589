//! Choosing between values: what is empty, what is the default.

use sutler_template::types::{ANY, BOOL};
use sutler_template::{Arguments, CallError, Context, Function, Value};

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::variadic("all", &[], &ANY, &BOOL, all),
    Function::variadic("any", &[], &ANY, &BOOL, any),
    Function::variadic("coalesce", &[], &ANY, &ANY, coalesce),
    Function::variadic("default", &[&ANY], &ANY, &ANY, default),
    Function::new("empty", &[&ANY], &BOOL, empty),
    Function::new("ternary", &[&ANY, &ANY, &BOOL], &ANY, ternary),
];

/// sprig's `empty` is the opposite of the template language's truth.
fn is_empty(value: &Value) -> bool {
    !value.truth()
}

fn empty(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Bool(is_empty(args.any(0)?)))
}

fn default(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let default = args.any(0)?;
    Ok(args.rest(1).first().filter(|given| !is_empty(given)).unwrap_or(default).clone())
}

fn coalesce(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(args.0.iter().find(|value| !is_empty(value)).cloned().unwrap_or(Value::Nil))
}

fn all(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Bool(!args.0.iter().any(is_empty)))
}

fn any(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Bool(!args.0.iter().all(is_empty)))
}

fn ternary(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(args.any(if args.bool(2)? { 0 } else { 1 })?.clone())
}
