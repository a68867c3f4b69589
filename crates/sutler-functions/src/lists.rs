//! Lists. As in sprig, functions that change a list return a new one.

use sutler_template::types::{ANY, BOOL, INT, INTS, LIST, STRING, Type};
use sutler_template::{Arguments, CallError, Context, Function, List, Value};

use crate::cast;
use crate::reflect::{NIL_POINTER, items, items_or, kind_name};

type Answer = Result<Value, CallError>;

/// `[][]interface {}`.
static LISTS: Type = Type::slice("[][]interface {}", &LIST);

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("append", &[&ANY, &ANY], &LIST, append),
    Function::new("chunk", &[&INT, &ANY], &LISTS, chunk),
    Function::new("compact", &[&ANY], &LIST, compact),
    Function::variadic("concat", &[], &ANY, &ANY, concat),
    Function::new("first", &[&ANY], &ANY, first),
    Function::new("has", &[&ANY, &ANY], &BOOL, has).walking(),
    Function::new("initial", &[&ANY], &LIST, initial),
    Function::new("last", &[&ANY], &ANY, last),
    Function::variadic("list", &[], &ANY, &LIST, list),
    Function::new("mustAppend", &[&ANY, &ANY], &LIST, append),
    Function::new("mustChunk", &[&INT, &ANY], &LISTS, chunk),
    Function::new("mustCompact", &[&ANY], &LIST, compact),
    Function::new("mustFirst", &[&ANY], &ANY, first),
    Function::new("mustHas", &[&ANY, &ANY], &BOOL, has).walking(),
    Function::new("mustInitial", &[&ANY], &LIST, initial),
    Function::new("mustLast", &[&ANY], &ANY, last),
    Function::new("mustPrepend", &[&ANY, &ANY], &LIST, prepend),
    Function::new("mustPush", &[&ANY, &ANY], &LIST, append),
    Function::new("mustRest", &[&ANY], &LIST, rest),
    Function::new("mustReverse", &[&ANY], &LIST, reverse),
    Function::variadic("mustSlice", &[&ANY], &ANY, &ANY, slice),
    Function::new("mustUniq", &[&ANY], &LIST, uniq).walking(),
    Function::variadic("mustWithout", &[&ANY], &ANY, &LIST, without).walking(),
    Function::new("prepend", &[&ANY, &ANY], &LIST, prepend),
    Function::new("push", &[&ANY, &ANY], &LIST, append),
    Function::new("rest", &[&ANY], &LIST, rest),
    Function::new("reverse", &[&ANY], &LIST, reverse),
    Function::variadic("seq", &[], &INT, &STRING, seq),
    Function::variadic("slice", &[&ANY], &ANY, &ANY, slice),
    Function::variadic("tuple", &[], &ANY, &LIST, list),
    Function::new("uniq", &[&ANY], &LIST, uniq).walking(),
    Function::new("until", &[&INT], &INTS, until),
    Function::new("untilStep", &[&INT, &INT, &INT], &INTS, until_step),
    Function::variadic("without", &[&ANY], &ANY, &LIST, without).walking(),
];

/// Longest list that `until`, `untilStep` and `seq` make; Go dies for lack of memory somewhere beyond.
const MAX_ITEMS: u64 = 16_000_000;

fn new_list(values: Vec<Value>) -> Value {
    Value::List(List::new(values))
}

fn nil_list() -> Value {
    Value::List(List::nil(&LIST))
}

fn list(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(new_list(args.0.to_vec()))
}

fn append(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let mut values = items_or(args.any(0)?, "Cannot push on type")?.to_vec();
    values.push(args.any(1)?.clone());
    Ok(new_list(values))
}

fn prepend(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let list = items_or(args.any(0)?, "Cannot prepend on type")?;
    Ok(new_list(std::iter::once(args.any(1)?.clone()).chain(list.iter()).collect()))
}

fn chunk(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let list = items_or(args.any(1)?, "Cannot chunk type")?;
    let size = args.int(0)?;
    let wrap = |lists: Vec<Value>| Value::List(List::with_type(lists, &LISTS));
    let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
        // sprig computes the number of chunks in floating point, and unless that is 0 makes one of a length below 0.
        let count = ((list.len() as f64 - 1.0) / size as f64).floor() + 1.0;
        return if count == 0.0 {
            Ok(wrap(Vec::new()))
        } else {
            Err(CallError::new("runtime error: makeslice: len out of range"))
        };
    };
    Ok(wrap(list.to_vec().chunks(size).map(|part| new_list(part.to_vec())).collect()))
}

fn first(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(items_or(args.any(0)?, "Cannot find first on type")?.get(0).unwrap_or(Value::Nil))
}

fn last(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let list = items_or(args.any(0)?, "Cannot find last on type")?;
    Ok(list.len().checked_sub(1).and_then(|index| list.get(index)).unwrap_or(Value::Nil))
}

fn rest(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let list = items_or(args.any(0)?, "Cannot find rest on type")?;
    Ok(if list.is_empty() { nil_list() } else { new_list(list.iter().skip(1).collect()) })
}

fn initial(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let list = items_or(args.any(0)?, "Cannot find initial on type")?;
    Ok(match list.len().checked_sub(1) {
        None => nil_list(),
        Some(count) => new_list(list.iter().take(count).collect()),
    })
}

fn reverse(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(new_list(items_or(args.any(0)?, "Cannot find reverse on type")?.iter().rev().collect()))
}

fn compact(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let list = items_or(args.any(0)?, "Cannot compact on type")?;
    Ok(new_list(list.iter().filter(Value::truth).collect()))
}

fn uniq(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let list = items_or(args.any(0)?, "Cannot find uniq on type")?;
    let mut unique: Vec<Value> = Vec::new();
    for item in list.iter() {
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    Ok(new_list(unique))
}

fn without(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let list = items_or(args.any(0)?, "Cannot find without on type")?;
    let omitted = args.rest(1);
    Ok(new_list(list.iter().filter(|item| !omitted.contains(item)).collect()))
}

fn has(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let (needle, haystack) = (args.any(0)?, args.any(1)?);
    if haystack.is_nil() {
        return Ok(Value::Bool(false));
    }
    let list = items_or(haystack, "Cannot find has on type")?;
    Ok(Value::Bool(list.iter().any(|item| item == *needle)))
}

fn slice(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let list = items_or(args.any(0)?, "list should be type of slice or array but")?;
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let bound = |index: usize, default: usize| match args.0.get(index) {
        Some(value) => usize::try_from(cast::int(value)).ok().filter(|bound| *bound <= list.len()),
        None => Some(default),
    };
    match (bound(1, 0), bound(2, list.len())) {
        (Some(start), Some(end)) if start <= end => Ok(Value::List(list.slice(start, end))),
        _ => Err(CallError::new("reflect.Value.Slice: slice index out of bounds")),
    }
}

fn concat(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let mut values = Vec::new();
    for value in args.0 {
        if value.is_nil() {
            return Err(CallError::new(NIL_POINTER));
        }
        let list =
            items(value).ok_or_else(|| CallError::new(format!("Cannot concat type {} as list", kind_name(value))))?;
        values.extend(list.iter());
    }
    Ok(if values.is_empty() { nil_list() } else { new_list(values) })
}

/// The integers from `start` towards `stop`, without it, as sprig's `untilStep`.
fn steps(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, CallError> {
    let forwards = stop >= start;
    if (forwards && step <= 0) || (!forwards && step >= 0) {
        return Ok(Vec::new());
    }
    let count = start.abs_diff(stop).div_ceil(step.unsigned_abs());
    if count > MAX_ITEMS {
        return Err(CallError::new(format!("a list of {count} integers is too long")));
    }
    let mut list = Vec::with_capacity(usize::try_from(count).unwrap_or_default());
    let mut next = start;
    for _ in 0..count {
        list.push(next);
        next = next.wrapping_add(step);
    }
    Ok(list)
}

fn until(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let count = args.int(0)?;
    Ok(List::ints(steps(0, count, if count < 0 { -1 } else { 1 })?).into())
}

fn until_step(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(List::ints(steps(args.int(0)?, args.int(1)?, args.int(2)?)?).into())
}

fn seq(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let params = args.0.iter().enumerate().map(|(index, _)| args.int(index)).collect::<Result<Vec<_>, _>>()?;
    let sign = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let integers = match params[..] {
        [end] => steps(1, end.wrapping_add(sign(1, end)), sign(1, end))?,
        [start, end] => steps(start, end.wrapping_add(sign(start, end)), sign(start, end))?,
        [start, step, end] if end < start && step > 0 => Vec::new(),
        [start, step, end] => steps(start, end.wrapping_add(sign(start, end)), step)?,
        _ => Vec::new(),
    };
    Ok(integers.iter().map(i64::to_string).collect::<Vec<_>>().join(" ").into())
}
