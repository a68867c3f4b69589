//! Regular expressions as functions. Those without `must` fail as Go panics, save for `regexMatch`, which answers false.

use std::rc::Rc;

use sutler_template::types::{BOOL, INT, STRING, STRINGS};
use sutler_template::{Arguments, CallError, Context, Function, List, Str, Value};

use crate::bounds;
use crate::re2::{Pattern, quote_meta};
use crate::show;
use crate::strings::text_value;

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("mustRegexFind", &[&STRING, &STRING], &STRING, |_, args| find(&*compile(args)?, args)),
    Function::new("mustRegexFindAll", &[&STRING, &STRING, &INT], &STRINGS, |_, args| find_all(&*compile(args)?, args)),
    Function::new("mustRegexMatch", &[&STRING, &STRING], &BOOL, must_match),
    Function::new("mustRegexReplaceAll", &[&STRING, &STRING, &STRING], &STRING, |_, args| {
        replace_all(&*compile(args)?, args)
    }),
    Function::new("mustRegexReplaceAllLiteral", &[&STRING, &STRING, &STRING], &STRING, |_, args| {
        replace_all_literal(&*compile(args)?, args)
    }),
    Function::new("mustRegexSplit", &[&STRING, &STRING, &INT], &STRINGS, |_, args| split(&*compile(args)?, args)),
    Function::new("regexFind", &[&STRING, &STRING], &STRING, |_, args| find(&*must_compile(args)?, args)),
    Function::new("regexFindAll", &[&STRING, &STRING, &INT], &STRINGS, |_, args| find_all(&*must_compile(args)?, args)),
    Function::new("regexMatch", &[&STRING, &STRING], &BOOL, is_match),
    Function::new("regexQuoteMeta", &[&STRING], &STRING, quote),
    Function::new("regexReplaceAll", &[&STRING, &STRING, &STRING], &STRING, |_, args| {
        replace_all(&*must_compile(args)?, args)
    }),
    Function::new("regexReplaceAllLiteral", &[&STRING, &STRING, &STRING], &STRING, |_, args| {
        replace_all_literal(&*must_compile(args)?, args)
    }),
    Function::new("regexSplit", &[&STRING, &STRING, &INT], &STRINGS, |_, args| split(&*must_compile(args)?, args)),
];

fn compile(args: Arguments<'_>) -> Result<Rc<Pattern>, CallError> {
    Pattern::shared(args.str(0)?.as_bytes()).map_err(|error| CallError::new(error.to_string()))
}

/// As `regexp.MustCompile`, whose panic names the pattern.
fn must_compile(args: Arguments<'_>) -> Result<Rc<Pattern>, CallError> {
    compile(args).map_err(|error| match args.str(0) {
        Ok(pattern) => error.context(format!("regexp: Compile({})", backquoted(pattern))),
        Err(error) => error,
    })
}

/// The pattern in backquotes, or quoted where they will not do, as `regexp` quotes it.
fn backquoted(pattern: &Str) -> String {
    let plain = |rune: char| !matches!(rune, '\0'..='\x08' | '\n'..='\x1f' | '\x7f' | '`' | '\u{FEFF}');
    match pattern.as_str() {
        Some(text) if text.chars().all(plain) => format!("`{text}`"),
        _ => show::quoted(pattern),
    }
}

fn is_match(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let text = args.str(1)?;
    Ok(Value::Bool(compile(args).is_ok_and(|pattern| pattern.is_match(text.as_bytes()))))
}

fn must_match(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Bool(compile(args)?.is_match(args.str(1)?.as_bytes())))
}

fn find(pattern: &Pattern, args: Arguments<'_>) -> Answer {
    Ok(Value::String(pattern.find(args.str(1)?.as_bytes()).into()))
}

fn counted(parts: Option<Vec<&[u8]>>) -> Answer {
    bounds::parts(parts.as_ref().map_or(0, Vec::len))?;
    Ok(Value::List(parts.map_or_else(|| List::nil(&STRINGS), List::strings)))
}

fn measured(text: Vec<u8>) -> Answer {
    bounds::text(Some(text.len()))?;
    Ok(text_value(text))
}

fn find_all(pattern: &Pattern, args: Arguments<'_>) -> Answer {
    counted(pattern.find_all(args.str(1)?.as_bytes(), args.int(2)?))
}

fn split(pattern: &Pattern, args: Arguments<'_>) -> Answer {
    counted(pattern.split(args.str(1)?.as_bytes(), args.int(2)?))
}

fn replace_all(pattern: &Pattern, args: Arguments<'_>) -> Answer {
    measured(pattern.replace_all(args.str(1)?.as_bytes(), args.str(2)?.as_bytes()))
}

fn replace_all_literal(pattern: &Pattern, args: Arguments<'_>) -> Answer {
    measured(pattern.replace_all_literal(args.str(1)?.as_bytes(), args.str(2)?.as_bytes()))
}

fn quote(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(text_value(quote_meta(args.str(0)?.as_bytes())))
}
