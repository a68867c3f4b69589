//! Helm's functions and one of the program's own in a template: `cargo run --example custom_function`

#![allow(clippy::print_stdout, reason = "an example talks to the terminal")]

use std::error::Error;

use sutler_template::{
    Arguments, CallError, Context, ExecuteOptions, Function, Map, MissingKey, TemplateSet, Value, types,
};

/// `{{ mask "secret" }}`: a text as stars. The engine has checked the argument against the signature.
fn mask(_: &mut Context<'_>, args: Arguments<'_>) -> Result<Value, CallError> {
    let text = args.str(0)?;
    if text.is_empty() {
        return Err(CallError::new("nothing to hide"));
    }
    Ok(Value::from("*".repeat(text.to_str_lossy().chars().count())))
}

static OWN: &[Function] = &[Function::new("mask", &[&types::STRING], &types::STRING, mask)];

fn main() -> Result<(), Box<dyn Error>> {
    let mut set = TemplateSet::new("page")
        .with_functions(sutler_functions::all())
        .with_functions(OWN)
        .with_missing_key(MissingKey::Zero);
    set.parse("page", "{{ .name | title }} logs in with {{ mask .password | quote }}.\n")?;
    set.parse("broken", "{{ mask .nickname }}")?;

    let data: Map = [("name", "ada"), ("password", "grace"), ("nickname", "")]
        .map(|(k, v)| (k, Value::from(v)))
        .into_iter()
        .collect();
    let data = Value::Map(data);
    print!("{}", set.execute("page", &data, ExecuteOptions::default())?);
    if let Err(error) = set.execute("broken", &data, ExecuteOptions::default()) {
        println!("{error}");
    }
    Ok(())
}
