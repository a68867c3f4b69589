//! Paths with `/`, as Go's `path`; `path/filepath`, behind the `os` functions, is the same on Linux.

use sutler_template::types::{BOOL, STRING};
use sutler_template::{Arguments, CallError, Context, Function, Value};

use crate::strings::text_value;

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("base", &[&STRING], &STRING, base),
    Function::new("clean", &[&STRING], &STRING, clean),
    Function::new("dir", &[&STRING], &STRING, dir),
    Function::new("ext", &[&STRING], &STRING, ext),
    Function::new("isAbs", &[&STRING], &BOOL, is_abs),
    Function::new("osBase", &[&STRING], &STRING, base),
    Function::new("osClean", &[&STRING], &STRING, clean),
    Function::new("osDir", &[&STRING], &STRING, dir),
    Function::new("osExt", &[&STRING], &STRING, ext),
    Function::new("osIsAbs", &[&STRING], &BOOL, is_abs),
];

/// The shortest path that means the same, as `path.Clean`.
fn cleaned(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => match parts.last() {
                Some(last) if *last != b".." => drop(parts.pop()),
                _ if rooted => {}
                _ => parts.push(part),
            },
            part => parts.push(part),
        }
    }
    let joined = bstr::join("/", parts);
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/".as_slice(), &joined].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

fn clean(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(text_value(cleaned(args.str(0)?.as_bytes())))
}

fn base(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let path = args.str(0)?.as_bytes();
    if path.is_empty() {
        return Ok(".".into());
    }
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let name = path[..end].rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    Ok(if name.is_empty() { "/".into() } else { Value::String(name.into()) })
}

fn dir(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let path = args.str(0)?.as_bytes();
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    Ok(text_value(cleaned(&path[..end])))
}

fn ext(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let path = args.str(0)?.as_bytes();
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let start = name.iter().rposition(|byte| *byte == b'.').unwrap_or(name.len());
    Ok(Value::String(name[start..].into()))
}

fn is_abs(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Bool(args.str(0)?.as_bytes().starts_with(b"/")))
}
