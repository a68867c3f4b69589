//! Helm's own functions that reach the engine or the cluster: `include`, `tpl`, `required`, `fail`, `lookup`.

use bstr::ByteSlice;
use sutler_template::types::{ANY, MAP, STRING};
use sutler_template::{Arguments, CallError, Context, Function, Str, TextError, Value};

use crate::host::{self, Refusal};
use crate::show;

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("fail", &[&STRING], &STRING, fail),
    Function::new("getHostByName", &[&STRING], &STRING, get_host_by_name),
    Function::new("include", &[&STRING, &ANY], &STRING, include),
    Function::new("lookup", &[&STRING, &STRING, &STRING, &STRING], &MAP, lookup),
    Function::new("required", &[&STRING, &ANY], &ANY, required),
    Function::new("tpl", &[&STRING, &ANY], &STRING, tpl),
];

/// Stands before the message of `fail` and `required` in an error's text. Whoever reports the error shows only what is
/// between the marks, as Helm does.
pub const MESSAGE_START: &str = "HELM_ERR_START";
/// Stands after the message; see [`MESSAGE_START`].
pub const MESSAGE_END: &str = "HELM_ERR_END";

/// How often a template may be included within itself.
const MAX_INCLUSIONS: u64 = 1000;

/// The chart's refusal: an error, or, where the host says so, an empty text.
fn refuse(ctx: &Context<'_>, refusal: Refusal, message: &Str) -> Answer {
    match host::of(ctx) {
        Ok(host) if host.goes_on_after(refusal, message) => Ok(Value::EMPTY),
        _ => Err(CallError::new(format!("{MESSAGE_START}{message}{MESSAGE_END}"))),
    }
}

fn fail(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    refuse(ctx, Refusal::Fail, args.str(0)?)
}

fn required(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let message = args.str(0)?;
    match args.any(1)? {
        Value::Nil => refuse(ctx, Refusal::RequiredNil, message),
        Value::String(text) if text.is_empty() => refuse(ctx, Refusal::RequiredEmpty, message),
        value => Ok(value.clone()),
    }
}

fn include(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let name = args.str(0)?;
    let count = ctx.counter(name);
    if *count > MAX_INCLUSIONS {
        return Err(CallError::new(format!(
            "rendering template has a nested reference name: {name}: unable to execute template"
        )));
    }
    *count += 1;
    let result = ctx.execute_template(name, args.any(1)?);
    *ctx.counter(name) -= 1;
    Ok(Value::String(result?))
}

/// What Go prints for a missing value, and Helm takes out of what it renders.
const NO_VALUE: &[u8] = b"<no value>";

/// Text without Go's `<no value>`, as Helm makes the results of `tpl` and whole files.
pub fn without_no_value(text: Str) -> Str {
    if text.as_bytes().contains_str(NO_VALUE) { text.as_bytes().replace(NO_VALUE, b"").into() } else { text }
}

fn tpl(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let text = args.str(0)?;
    // Without an action a template is its own output; most values that charts pass through `tpl` are such.
    if !text.as_bytes().contains_str("{{") {
        return Ok(Value::String(without_no_value(text.clone())));
    }
    match ctx.execute_text(text, args.any(1)?) {
        Ok(output) => Ok(Value::String(without_no_value(output))),
        Err(error) => {
            let quoted = show::quoted(text);
            let doing = match error {
                TextError::Parse(_) => format!("cannot parse template {quoted}"),
                TextError::Execute(_) => format!("error during tpl function execution for {quoted}"),
            };
            Err(CallError::from(error).context(doing))
        }
    }
}

fn lookup(ctx: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let text = |index: usize| args.str(index).map(Str::to_str_lossy);
    let Ok(host) = host::of(ctx) else { return Ok(host::nothing_found()) };
    host.lookup(&text(0)?, &text(1)?, &text(2)?, &text(3)?).map(Value::Map).map_err(CallError::new)
}

/// Helm answers nothing unless it is told to use DNS, and rendering here never talks to a network.
fn get_host_by_name(_: &mut Context<'_>, _: Arguments<'_>) -> Answer {
    Ok(Value::EMPTY)
}
